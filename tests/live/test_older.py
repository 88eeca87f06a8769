"""Scrolling back in a live series: what the feed does not hold comes from the store or the source."""

import pandas as pd
import pytest

from lib.indicators import compute, parse_list
from lib.live.older import Older
from lib.series import Series
from lib.sources import registry
from lib.store import open_store
from lib.timeframes import parse

SERIES = Series.of("demo", "DEMO-BTC", "1m")
PICKS = parse_list("ema(10)")


@pytest.fixture
def table():
    """What a feed of the demo source would hold."""
    return registry.get("demo").recent("DEMO-BTC", parse("1m"), 300).closed


def test_older_candles_are_fetched_kept_and_joined(table):
    store, older = open_store(), Older(SERIES)
    shown, values = older.joined(store, 1, table, PICKS)
    assert shown is table
    older.reach(store, table.index[0])
    shown, values = older.joined(store, 2, table, PICKS)
    assert len(shown) == 1_300
    assert (shown.index[1:] - shown.index[:-1] == pd.Timedelta("1min")).all()
    pd.testing.assert_frame_equal(values, compute(shown, PICKS))
    assert store.info(SERIES).count == 1_000
    older.reach(store, shown.index[0])
    assert len(older.joined(store, 3, table, PICKS)[0]) == 2_300
    assert older.more
    assert store.ledger(SERIES) == ()


def test_a_source_that_does_not_answer_leaves_what_is_stored():
    series = Series.of("binance", "BTCUSDT", "1m")
    store, older = open_store(), Older(series, patience=0.5)
    stored = registry.get("demo").recent("DEMO-BTC", parse("1m"), 600).closed
    store.write(series, stored.iloc[:300], origin="made here")
    older.reach(store, stored.index[300])
    assert older.trouble is not None
    assert older.more
    shown, _ = older.joined(store, 1, stored.iloc[300:], PICKS)
    assert len(shown) == 600
