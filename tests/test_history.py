"""What History and Replay read: the same values however a stretch was come to."""

import numpy as np
import pandas as pd
import pytest

from lib import history
from lib.candles import from_micros
from lib.errors import InputError
from lib.indicators import compute, parse_list
from lib.series import Series
from lib.store import open_store
from lib.timeframes import parse
from lib.viewport import SPANS, Stretch, around, pick_timeframe

PICKS = parse_list("ema(21);rsi(14);obv")
HOURLY = Series.of("test", "WALK", "1h")


def walk(count, freq="1h"):
    rng = np.random.default_rng(3)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.004, count)))
    opens = np.concatenate([[100.0], closes[:-1]])
    times = pd.date_range("2020-01-01", periods=count, freq=freq, tz="UTC").as_unit("us").asi8
    high, low = np.maximum(opens, closes) * 1.001, np.minimum(opens, closes) * 0.999
    columns = {
        "open": opens,
        "high": high,
        "low": low,
        "close": closes,
        "volume": rng.integers(1, 99, count) * 1.0,
    }
    return from_micros(times, columns)


@pytest.fixture
def store(tmp_path):
    store = open_store(str(tmp_path / "store"))
    store.write(HOURLY, walk(6_000), origin="made here")
    return store


def test_a_stretch_has_the_values_of_the_whole_series(store):
    table = walk(6_000)
    whole = compute(table, PICKS)
    loaded = history.load(store, HOURLY, parse("1h"), PICKS, Stretch(table.index[4_000], table.index[4_500]))
    assert loaded.exact
    assert loaded.has_older
    assert loaded.has_newer
    pd.testing.assert_frame_equal(loaded.candles, table.iloc[4_000:4_500], check_freq=False)
    pd.testing.assert_frame_equal(loaded.values, whole.iloc[4_000:4_500], check_freq=False)


def test_a_series_too_long_to_compute_whole_settles(store, monkeypatch):
    monkeypatch.setattr(history, "EXACT", 2_000)
    table = walk(6_000)
    picks = parse_list("ema(21);rsi(14)")
    whole = compute(table, picks).iloc[4_000:4_500]
    loaded = history.load(store, HOURLY, parse("1h"), picks, Stretch(table.index[4_000], table.index[4_500]))
    assert loaded.exact
    pd.testing.assert_frame_equal(loaded.values, whole, check_freq=False, rtol=1e-8)
    assert not history.load(store, HOURLY, parse("1h"), PICKS, Stretch(table.index[4_000], None)).exact


def test_a_write_is_seen_at_once(store):
    before = history.load(store, HOURLY, parse("1h"), PICKS, Stretch())
    extra = walk(6_001).iloc[-1:]
    store.write(HOURLY, extra, origin="made here")
    after = history.load(store, HOURLY, parse("1h"), PICKS, Stretch())
    assert len(after.candles) == len(before.candles) + 1
    assert len(after.values) == len(after.candles)


def test_the_opening_is_the_newest_page_and_grows_by_pages(store):
    stretch = history.opening(store, HOURLY, parse("1h"))
    loaded = history.load(store, HOURLY, parse("1h"), (), stretch)
    assert len(loaded.candles) == 2_000
    assert not loaded.has_newer
    counts = []
    while loaded.has_older:
        stretch = history.widened(store, HOURLY, parse("1h"), stretch)
        loaded = history.load(store, HOURLY, parse("1h"), (), stretch)
        counts.append(len(loaded.candles))
    assert counts == [4_000, 6_000]
    assert history.widened(store, HOURLY, parse("1h"), stretch).start is None


def test_a_date_opens_in_the_middle_and_extends_to_the_end(store):
    at = pd.Timestamp("2020-04-01", tz="UTC")
    stretch = history.opening(store, HOURLY, parse("1h"), at)
    assert stretch.start < at < stretch.end
    steps = 0
    while stretch.end is not None:
        grown = history.extended(store, HOURLY, parse("1h"), stretch)
        assert grown.end is None or grown.end > stretch.end
        stretch, steps = grown, steps + 1
    assert 1 <= steps <= 3


def test_a_coarser_timeframe_is_made_of_the_same_bars(store):
    loaded = history.load(store, HOURLY, parse("1d"), (), Stretch())
    assert len(loaded.candles) == 250
    assert loaded.candles["volume"].sum() == walk(6_000)["volume"].sum()


@pytest.mark.parametrize(
    ("days", "expected"), [(1, "1m"), (7, "15m"), (30, "30m"), (365, "1d"), (20 * 365, "1w")]
)
def test_the_finest_timeframe_that_fits(days, expected):
    offered = [parse(text) for text in "1m 5m 15m 30m 1h 1d 1w".split()]
    assert str(pick_timeframe(offered, pd.Timedelta(days=days))) == expected


def test_spans_are_named_and_around_holds_its_middle():
    assert SPANS["All"] is None
    at = pd.Timestamp("2024-03-15 10:20", tz="UTC")
    for text in ("5m", "1d", "1w", "1M"):
        stretch = around(at, parse(text), bars=100)
        assert stretch.start <= at < stretch.end


def test_closes_are_rebased_at_the_common_start(store):
    later = Series.of("test", "LATE", "1h")
    store.write(later, walk(6_000).iloc[3_000:], origin="made here")
    lines = history.rebased(store, [store.info(HOURLY), store.info(later)])
    assert [line.iloc[0] for line in lines.values()] == [100, 100]
    assert all(len(line) <= history.POINTS + 1 for line in lines.values())
    pd.testing.assert_series_equal(*lines.values(), check_names=False)


def test_series_without_a_common_time_are_not_compared(store):
    old = Series.of("test", "OLD", "1d")
    table = walk(10, "1D")
    table.index = table.index - pd.Timedelta(days=3650)
    store.write(old, table, origin="made here")
    with pytest.raises(InputError, match="no time in common"):
        history.rebased(store, [store.info(HOURLY), store.info(old)])
