"""How whole a stored series is: counts that were planted, states kept, memory of what was found."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib import health
from lib.candles import from_micros
from lib.errors import InputError
from lib.series import Series
from lib.store import GapState, Store, open_store
from lib.sync import holes
from lib.sync.checking import check
from lib.timeframes import parse

HOURLY = Series.of("file", "BTCUSDT", "1h")
WEEKS = 8 * 7 * 24


def candles(opens: pd.DatetimeIndex) -> pd.DataFrame:
    flat = np.full(len(opens), 100.0)
    prices = dict.fromkeys(("open", "high", "low", "close"), flat)
    return from_micros(opens.as_unit("us").asi8, {**prices, "volume": np.ones(len(opens))})


@pytest.fixture
def opens() -> pd.DatetimeIndex:
    return pd.date_range("2024-01-01", periods=WEEKS, freq="h", tz="UTC")


@pytest.fixture
def store(tmp_path: Path, opens: pd.DatetimeIndex) -> Store:
    """Two months of hours that lack 5 hours of 10 January, one of 2 February and the whole of 14 February."""
    made = open_store(str(tmp_path / "store"))
    gone = (
        ((opens >= "2024-01-10 03:00") & (opens < "2024-01-10 08:00"))
        | (opens == "2024-02-02 12:00")
        | (opens.strftime("%m-%d") == "02-14")
    )
    made.write(HOURLY, candles(opens[~gone]), origin="a test")
    return made


def test_what_was_taken_out_is_found(store: Store) -> None:
    found = health.examine(store, HOURLY)
    assert found.holes.calendar.name == "24/7" and not found.chosen
    assert found.coverage.expected == WEEKS
    assert found.coverage.missing == 5 + 1 + 24
    rows = health.gap_table(found)
    assert rows["count"].tolist() == [5, 1, 24]
    assert rows["start"].tolist() == [
        pd.Timestamp(at, tz="UTC") for at in ("2024-01-10 03:00", "2024-02-02 12:00", "2024-02-14")
    ]
    assert rows["end"].iloc[0] == pd.Timestamp("2024-01-10 08:00", tz="UTC")
    assert set(rows["state"]) == {"detected"}
    day = health.gap_table(
        found, start=pd.Timestamp("2024-02-02", tz="UTC"), end=pd.Timestamp("2024-02-03", tz="UTC")
    )
    assert day["count"].tolist() == [1]
    assert health.gap_table(found, most=1)["count"].tolist() == [24], "the longest are kept"


def test_the_days_add_up(store: Store) -> None:
    days = health.examine(store, HOURLY).days
    assert days.expected.sum() == WEEKS
    assert (days.expected - days.present).sum() == 30
    [where] = np.flatnonzero(days.present[:-1] == 0)
    assert pd.Timestamp(int(days.edges[where]), unit="us") == pd.Timestamp("2024-02-14")


def test_only_gaps_that_a_candle_shown_is_too_short_for_are_drawn(store: Store) -> None:
    found = health.examine(store, HOURLY)
    first, last = found.info.first, found.info.last
    assert len(health.gap_spans(found, parse("1h"), first, last)) == 3
    assert len(health.gap_spans(found, parse("4h"), first, last)) == 2
    [(start, end)] = health.gap_spans(found, parse("1d"), first, last)
    assert (start, end) == (pd.Timestamp("2024-02-14", tz="UTC"), pd.Timestamp("2024-02-15", tz="UTC"))
    assert not health.gap_spans(found, parse("1h"), first, pd.Timestamp("2024-01-10", tz="UTC"))


def test_states_and_calendars_are_seen_at_once(store: Store) -> None:
    assert health.examine(store, HOURLY) is health.examine(store, HOURLY), "nothing changed"
    span = (pd.Timestamp("2024-02-14", tz="UTC"), pd.Timestamp("2024-02-15", tz="UTC"))
    store.set_gap_states(HOURLY, [GapState(*span, "ignored", by="reader")])
    found = health.examine(store, HOURLY)
    assert health.gap_table(found)["state"].tolist() == ["detected", "detected", "ignored"]
    causes, kinds = health.gap_kinds(found)
    assert kinds == ["detected", "ignored"] and set(causes) == set(health.gap_table(found)["cause"])
    assert health.gap_table(found, states=["ignored"])["count"].tolist() == [24]
    assert health.gap_table(found, states=["detected"], most=1)["count"].tolist() == [5]
    longest = health.gap_table(found)["cause"].iloc[-1]
    assert set(health.gap_table(found, causes=[longest])["cause"]) == {longest}
    glance = health.glance(store, HOURLY)
    assert glance is not None and (glance.gaps, glance.open_gaps, glance.missing) == (3, 2, 6)
    assert glance.share == (WEEKS - 30) / (WEEKS - 24), "what is ignored is not expected"
    told = check(store, HOURLY).report
    assert told.coverage == found.coverage and len(told.gaps) == 3
    assert (found.days.expected.sum(), found.days.present.sum()) == (WEEKS - 24, WEEKS - 30)
    [day] = np.flatnonzero(found.days.expected[:-1] == 0)
    assert pd.Timestamp(int(found.days.edges[day]), unit="us") == pd.Timestamp("2024-02-14")
    store.annotate(HOURLY, calendar="24/5")
    found = health.examine(store, HOURLY)
    assert found.chosen and found.holes.calendar.name == "24/5"
    assert found.coverage.expected == 8 * 5 * 24 - 24
    assert found.coverage.outside == 8 * 2 * 24


def test_a_glance_does_not_wait(store: Store, opens: pd.DatetimeIndex) -> None:
    assert health.glance(store, HOURLY) is None
    assert health.known(store, HOURLY) is None
    deadline = time.monotonic() + 20
    while (found := health.glance(store, HOURLY)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert found.missing == 30
    assert not health.is_looking(store, HOURLY)
    store.write(HOURLY, candles(opens), origin="the rest")
    assert health.known(store, HOURLY) is None, "what was found before the write is forgotten"
    assert health.examine(store, HOURLY).coverage.share == 1


def test_asking_whether_a_series_is_looked_at_reads_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, looked = threading.Event(), health._look_for

    def slow(*what: Any) -> None:
        going.wait(20)
        looked(*what)

    monkeypatch.setattr(health, "_look_for", slow)
    assert health.glance(store, HOURLY) is None
    with monkeypatch.context() as closed:
        for name in ("revision", "gap_states", "read", "info"):
            closed.setattr(Store, name, lambda *_, **__: pytest.fail("the store was read"))
        assert health.is_looking(store, HOURLY)
        assert not health.is_looking(store, Series.of("file", "OTHER", "1h"))
    going.set()
    deadline = time.monotonic() + 20
    while health.is_looking(store, HOURLY):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_of_more_gaps_than_thousands_each_is_counted(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    hours = pd.date_range("2020-01-01", periods=10_000, freq="h", tz="UTC")
    store.write(HOURLY, candles(hours[::2]), origin="a test")
    store.set_gap_states(HOURLY, [GapState(hours[0], hours[6000], "unfillable", "file")])
    health.examine(store, HOURLY)
    glance = health.glance(store, HOURLY)
    assert glance is not None and (glance.gaps, glance.open_gaps) == (4999, 1999)


def test_a_series_longer_than_is_reported_on_is_read_in_two_parts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its gaps are found over both; its report is on the newer part, by the calendar learnt from all."""
    store.annotate(HOURLY, calendar="learnt")
    store.write(HOURLY, candles(pd.DatetimeIndex(["2024-01-10 04:00"], tz="UTC")), origin="x", filled=True)
    monkeypatch.setattr(health, "_REPORTED", 900)
    found, whole = health.examine(store, HOURLY), holes(store, HOURLY)
    assert found.holes.calendar.title == whole.calendar.title and found.holes.phase == whole.phase
    assert found.holes.gaps.starts.tolist() == whole.gaps.starts.tolist()
    assert found.coverage == whole.coverage and found.coverage.missing == 30
    assert found.reported_from == found.info.last - pd.Timedelta(hours=900)
    assert (found.report.candles, found.report.coverage.missing) == (901 - 25, 25)


def test_a_series_that_cannot_be_examined_is_not_looked_at_for_ever(store: Store) -> None:
    store.annotate(HOURLY, calendar="NOSUCH")
    assert health.glance(store, HOURLY) is None
    deadline = time.monotonic() + 20
    while health.is_looking(store, HOURLY):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert health.glance(store, HOURLY) is None
    assert not health.is_looking(store, HOURLY), "it is not tried again before something changes"


def test_findings_come_with_it(store: Store, opens: pd.DatetimeIndex) -> None:
    rng = np.random.default_rng(3)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.001, len(opens))))
    closes[500] *= 1.3  # and back again: a spike of one bar
    table = candles(opens).assign(open=closes, high=closes, low=closes, close=closes)
    odd = Series.of("file", "ETHUSDT", "1h")
    store.write(odd, table, origin="a test")
    found = health.examine(store, odd)
    assert opens[500] in {each.start for each in found.report.findings if each.severity != "note"}
    glance = health.glance(store, odd)
    assert glance is not None and glance.findings == len(found.report.findings) > 0
    assert glance.level != "good"


def test_the_series_with_the_odd_clock_is_named_from_either_side(store: Store) -> None:
    hours = pd.date_range("2024-01-01", "2024-12-31", freq="h", tz="UTC")
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.002, len(hours))))
    table = candles(hours).assign(open=closes, high=closes, low=closes, close=closes)
    wall = hours.tz_convert("America/New_York").tz_localize(None).tz_localize("UTC")
    moved = table.set_axis(wall.as_unit("us").rename("time"), axis=0)
    moved = moved[~moved.index.duplicated(keep="last")]
    right, wrong = Series.of("one", "EURUSD", "1h"), Series.of("two", "EURUSD", "1h")
    store.write(right, table, origin="a test")
    store.write(wrong, moved, origin="a test")
    seen = health.compared(store, right, wrong)
    assert not seen.same_clock and seen.clock.startswith("The other series is written in America/New_York")
    seen = health.compared(store, wrong, right)
    assert not seen.same_clock and seen.clock.startswith("This series is written in America/New_York")
    seen = health.compared(store, right, right)
    assert seen.same_clock and seen.figures.within == 1.0 and seen.figures.largest == 0.0


def test_series_without_common_time_are_refused(store: Store) -> None:
    late = Series.of("file", "LATE", "1h")
    store.write(late, candles(pd.date_range("2025-06-01", periods=10, freq="h", tz="UTC")), origin="a test")
    with pytest.raises(InputError, match="no time in common"):
        health.compared(store, HOURLY, late)


def test_a_bid_is_set_beside_its_ask(store: Store, opens: pd.DatetimeIndex) -> None:
    """From either side, and anew when the other is written; filled candles are no quotes."""
    bid, ask = (Series.of("file", f"EUR_USD.{side}", "1h") for side in ("bid", "ask"))
    store.write(bid, candles(opens), origin="a test")
    assert health.examine(store, bid).report.of("crossed") == ()
    prices = ["open", "high", "low", "close"]
    quotes = candles(opens)
    quotes[prices] *= 1.001
    quotes.iloc[700:703, :4] *= 0.99
    store.write(ask, quotes.drop(opens[900:903]), origin="a test")
    for one in (bid, ask):
        (found,) = health.examine(store, one).report.of("crossed")
        assert (found.severity, found.start, found.count) == ("fault", opens[700], 3)
        assert check(store, one).report.of("crossed") == (found,)
    glance = health.glance(store, bid)
    assert glance is not None and glance.level == "poor"
    store.write(ask, candles(opens[900:903]) * 0.5, origin="made up", filled=True)
    assert health.examine(store, bid).report.of("crossed")[0].count == 3
    assert health.examine(store, HOURLY).report.of("crossed") == ()
