"""What a source lacks is remembered; gaps are filled from elsewhere, made up, taken out again; rows that cannot be."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.calendars import calendar
from lib.candles import COLUMNS, from_micros, micros, resample
from lib.errors import InputError, SourceDown, UnknownName
from lib.series import Series
from lib.store import GapState, Store, open_store
from lib.sync import download, downloading, fill, holes, missing, refill, unfill, update
from lib.sync.checking import check
from lib.sync.planning import EARLIEST, without
from lib.timeframes import from_us, parse, to_us
from tests.scripted import Scripted
from tests.store.make import at, candles

MINUTES = Series.of("scripted", "X", "1m")
LONG = candles("1m", "2024-03-04", 3000, seed=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "kept"))


def holed(*cuts: tuple[int, int], table: pd.DataFrame = LONG) -> pd.DataFrame:
    keep = np.ones(len(table), bool)
    for low, high in cuts:
        keep[low:high] = False
    return table[keep]


# -------------------------------------------------------------------------------- what a source does not have


def test_what_the_source_lacks_is_asked_for_once(store: Store) -> None:
    table = holed((150, 170), (500, 1700), (2990, 2992))
    source = Scripted({"X": table})
    start, end = at("2024-03-01"), at("2024-03-07")
    assert download(store, source, "X", "1m", start, end).added == len(table)
    states = store.gap_states(MINUTES)
    assert {(one.state, one.by) for one in states} == {("unfillable", "scripted")}
    assert states[0].start == start
    assert states[-1].end == LONG.index[-1] + pd.Timedelta(minutes=1)
    source.asked.clear()
    # behind the newest candle more may come at any time
    assert download(store, source, "X", "1m", start, end).requests == 1
    assert source.asked == [("X", at("2024-03-06 02:00"), end)]
    source.asked.clear()
    assert download(store, source, "X", "1m", start, LONG.index[-1]).requests == 0
    source.tables["X"] = LONG  # now it has all
    assert download(store, source, "X", "1m", start, LONG.index[-1]).requests == 0
    assert download(store, source, "X", "1m", start, LONG.index[-1], again=True).added == 1222
    assert missing(store, MINUTES, LONG.index[0], LONG.index[-1]) == []


def test_another_source_is_still_asked(store: Store) -> None:
    download(store, Scripted({"X": holed((500, 1700))}), "X", "1m", None, None)
    other = Scripted({"X-Y": LONG * [2, 2, 2, 2, 1]}, name="other")
    gaps = missing(store, MINUTES, LONG.index[0], LONG.index[-1])
    assert gaps == [(LONG.index[500], LONG.index[1700])]
    done = refill(store, other, MINUTES, gaps, symbol="X-Y")
    assert (done.added, done.changed) == (1200, 0)
    kept = store.read(MINUTES, provenance=True)
    assert kept["origin"].iloc[500:1700].unique().tolist() == ["other REST X-Y"]
    assert kept["origin"].iloc[np.r_[0:500, 1700:3000]].unique().tolist() == ["scripted REST"]
    pd.testing.assert_frame_equal(
        kept[COLUMNS].iloc[500:1700], (LONG * [2, 2, 2, 2, 1]).iloc[500:1700], check_freq=False
    )
    assert [entry.source for entry in store.ledger(MINUTES)] == ["scripted", "other"]


def test_gaps_are_filling_while_a_source_is_asked(store: Store) -> None:
    """And after it: gone where the candles came, unfillable where there are none, as before where nobody knows."""
    table = holed((500, 600), (900, 1000), (1700, 1900), (2200, 2300))
    store.write(MINUTES, table, origin="t")
    store.set_gap_states(MINUTES, [GapState(LONG.index[2200], LONG.index[2300], "ignored", "reader")])
    fill(store, MINUTES, [(LONG.index[500], LONG.index[600])])
    seen: list[list[str]] = []

    def look(number: int) -> None:
        seen.append([hole.state for hole in holes(store, MINUTES, name="24/7")])

    other = Scripted({"X": holed((950, 1000))}, name="other", before=look)
    gaps = holes(store, MINUTES, name="24/7").spans(without=())
    refill(store, other, MINUTES, gaps[:2])
    assert seen[0] == ["filling", "filling", "detected", "ignored"]
    found = [*holes(store, MINUTES, name="24/7")]
    assert [(hole.gap.start, hole.state, hole.by) for hole in found] == [
        (LONG.index[950], "unfillable", "other"), (LONG.index[1700], "detected", ""),
        (LONG.index[2200], "ignored", "reader"),
    ]  # fmt: skip
    assert {state.state for state in store.gap_states(MINUTES)} == {"unfillable", "ignored"}

    def fails(number: int) -> None:
        look(number)
        if number == at_page:
            raise SourceDown("Gone.")

    other.before, at_page = fails, len(other.order) + 1
    with pytest.raises(SourceDown):
        refill(store, other, MINUTES, gaps[2:])
    assert seen[-1] == ["unfillable", "filling", "filling"]
    assert [(hole.gap.start, hole.state) for hole in holes(store, MINUTES, name="24/7")] == [
        (LONG.index[950], "unfillable"), (LONG.index[1800], "detected"), (LONG.index[2200], "ignored"),
    ]  # fmt: skip
    stop = threading.Event()
    other.before = lambda number: stop.set()
    assert refill(store, other, MINUTES, gaps[2:], stop=stop).cancelled
    assert [hole.state for hole in holes(store, MINUTES, name="24/7")] == ["unfillable", "ignored"]


def _refill_and_die(folder: str) -> None:
    other = Scripted({"X": LONG}, name="other", before=lambda number: os.kill(os.getpid(), signal.SIGKILL))
    refill(open_store(folder), other, MINUTES, [(LONG.index[500], LONG.index[600])])


def test_what_a_killed_refill_was_filling_is_not_believed(store: Store) -> None:
    store.write(MINUTES, holed((500, 600)), origin="t")
    fill(store, MINUTES, [(LONG.index[500], LONG.index[600])])
    child = mp.get_context("spawn").Process(target=_refill_and_die, args=(store.url,))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert store.ledger(MINUTES)[-1].outcome == "running", "it never told its end"
    assert "filling" in (Path(store.url) / "records/scripted/X/1m/gaps.json").read_text()
    assert [hole.state for hole in holes(store, MINUTES, name="24/7")] == ["filled"]
    # nor where nobody can tell whether it still runs, once another sync has come after it
    seen: list[str] = []
    other = Scripted({"X": LONG.iloc[:550]}, name="third")
    other.before = lambda number: seen.extend(
        f"{state.state} {state.by}" for state in store.gap_states(MINUTES)
    )
    refill(store, other, MINUTES, [(LONG.index[500], LONG.index[600])])
    assert seen == ["filled forward", "filling third"]
    assert [entry.outcome for entry in store.ledger(MINUTES)] == ["interrupted", "done"]
    assert [hole.state for hole in holes(store, MINUTES, name="24/7")] == ["filled"]
    assert store.info(MINUTES).filled == 50


def test_what_no_source_has_is_known_of_each(store: Store) -> None:
    download(store, Scripted({"X": holed((500, 600))}), "X", "1m", None, None)
    other = Scripted({"X": holed((550, 600))}, name="other")
    gaps = [(LONG.index[500], LONG.index[600])]
    assert refill(store, other, MINUTES, gaps).added == 50
    known = refill(store, other, MINUTES, gaps, again=False)
    assert (known.requests, known.note.endswith("so it was not asked again (--again does).")) == (0, True)
    assert refill(store, other, MINUTES, gaps).requests == 1
    found = holes(store, MINUTES, name="24/7")
    assert [(hole.gap.start, hole.gap.count, hole.state) for hole in found] == [
        (LONG.index[550], 50, "unfillable")
    ]
    assert {(one.by, one.state) for one in store.gap_states(MINUTES)} == {
        ("scripted", "unfillable"), ("other", "unfillable"),
    }  # fmt: skip


def test_what_may_only_be_late_is_asked_for_again(store: Store) -> None:
    now = pd.Timestamp.now(tz="UTC").floor("min")
    fresh = candles("1m", str((now - pd.Timedelta(minutes=200)).tz_localize(None)), 190, seed=2)
    source = Scripted({"X": fresh.drop(fresh.index[[20, 180]])})
    download(store, source, "X", "1m", fresh.index[0], None)
    source.tables["X"] = fresh
    assert download(store, source, "X", "1m", fresh.index[0], None).added == 1
    assert missing(store, MINUTES, fresh.index[0], fresh.index[-1]) == [(fresh.index[20], fresh.index[21])]


def test_gaps_that_are_none(store: Store) -> None:
    source = Scripted({"X": LONG})
    with pytest.raises(UnknownName):
        refill(store, source, MINUTES, [(LONG.index[0], LONG.index[5])])
    download(store, source, "X", "1m", None, None)
    assert refill(store, source, MINUTES, []).requests == 0
    assert refill(store, source, MINUTES, [(LONG.index[0], LONG.index[5])]).requests == 0
    with pytest.raises(InputError, match="follow each other"):
        refill(store, source, MINUTES, [(LONG.index[5], LONG.index[9]), (LONG.index[0], LONG.index[3])])
    with pytest.raises(UnknownName, match="no candles of 5 minutes"):
        refill(store, source, MINUTES.at(parse("5m")), [(LONG.index[5], LONG.index[9])])


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=5)


def _apart(given_: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """As [start, end), ascending, none touching another."""
    spans: list[tuple[int, int]] = []
    for start, length in sorted(given_):
        if not spans or start > spans[-1][1]:
            spans.append((start, start + length))
    return spans


@given(SPANS, SPANS, st.booleans())
def test_without_takes_out_what_is_known(
    wanted: list[tuple[int, int]], known: list[tuple[int, int]], unbounded: bool
) -> None:
    """Against sets of whole moments; an open end reaches to 200 here."""
    spans = _apart(wanted)
    edges: list[tuple[pd.Timestamp | None, pd.Timestamp | None]] = [
        (from_us(a), from_us(b)) for a, b in spans
    ]
    if unbounded and spans:
        spans[-1] = (spans[-1][0], 200)
        edges[-1] = (edges[-1][0], None)
    states = [GapState(from_us(a), from_us(b), "unfillable", "s") for a, b in _apart(known)]
    states += [
        GapState(from_us(0), from_us(99), "unfillable", "t"), GapState(from_us(0), from_us(99), "ignored"),
    ]  # fmt: skip
    left = without(edges, states, "s")
    found = [n for a, b in left for n in range(to_us(a) if a else 0, 200 if b is None else to_us(b))]
    expected = {n for a, b in spans for n in range(a, b)} - {n for a, b in _apart(known) for n in range(a, b)}
    assert sorted(expected) == found
    assert all(a is None or b is None or a < b for a, b in left)


def test_the_beginning_of_time_is_known_too() -> None:
    known = [GapState(EARLIEST, from_us(60), "unfillable", "s")]
    assert without([(None, from_us(50))], known, "s") == []
    assert without([(None, from_us(70))], known, "s") == [(from_us(60), from_us(70))]
    assert without([(None, None)], known, "s") == [(from_us(60), None)]
    assert without([(None, from_us(70))], known, "other") == [(None, from_us(70))]


def test_what_was_not_there_is_asked_for_again_when_twice_as_old() -> None:
    now = pd.Timestamp.now(tz="UTC").as_unit("us")
    span = (now - pd.Timedelta(days=9), now - pd.Timedelta(days=3))

    def left(days: float, by: str = "s") -> list[tuple[Any, Any]]:
        """Of the span, when the answer came so many days ago."""
        asked = now - pd.Timedelta(days=days)
        return without([span], [GapState(*span, "unfillable", by, at=asked)], "s")

    assert left(1) == []
    [(start, end)] = left(2)  # what was one day old then is three now, what was two days old is four
    assert end == span[1] and abs(start - (now - pd.Timedelta(days=4))) < pd.Timedelta(minutes=1)
    assert left(5) == [span]
    assert left(0.001, by="other") == [span]


def test_gaps_open_to_a_source_are_those_it_may_still_have(store: Store) -> None:
    store.write(MINUTES, holed((500, 600), (700, 800), (900, 950)), origin="t")
    store.set_gap_states(
        MINUTES,
        [
            GapState(LONG.index[500], LONG.index[600], "unfillable", "scripted"),
            GapState(LONG.index[700], LONG.index[800], "ignored", "reader"),
        ],
    )
    found = holes(store, MINUTES, name="24/7")
    assert found.open_to("scripted") == [(LONG.index[900], LONG.index[950])]
    assert found.open_to("other") == [
        (LONG.index[500], LONG.index[600]), (LONG.index[900], LONG.index[950]),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------- up to now


def test_update_looks_only_behind_what_was_done(store: Store) -> None:
    source = Scripted({"X": LONG.iloc[:1000]})
    start = LONG.index[0]
    assert update(store, source, "X", "1m", start).added == 1000
    source.asked.clear()
    source.tables["X"] = pd.concat([LONG.iloc[:999] * 2, LONG.iloc[999:1000] * 3, LONG.iloc[1000:1500]])
    done = update(store, source, "X", "1m", start)
    assert (done.added, done.changed) == (500, 1)
    assert source.asked == [("X", LONG.index[999], None)], "the newest once more, in the same request"
    assert store.read(MINUTES).iloc[999]["close"] == LONG["close"].iloc[999] * 3
    # a feed wrote ahead of it: what lies between is fetched, though it is no longer at the end
    store.write(MINUTES, LONG.iloc[2000:2100], origin="stream")
    source.tables["X"] = LONG
    source.asked.clear()
    assert update(store, source, "X", "1m", start).added == 500 + 900
    assert source.asked[0] == ("X", LONG.index[1500], LONG.index[2000])
    assert store.info(MINUTES).count == 3000
    source.asked.clear()
    update(store, source, "X", "1m", start - pd.Timedelta(days=1))
    assert source.asked[0] == ("X", start - pd.Timedelta(days=1), start), "from further back than before"
    assert {entry.outcome for entry in store.ledger(MINUTES)} == {"done"}


def test_update_asks_nothing_while_nothing_is_due(store: Store) -> None:
    now = pd.Timestamp.now(tz="UTC")
    days = candles("1d", str((now - pd.Timedelta(days=30)).tz_localize(None).floor("D")), 30, seed=2)
    source = Scripted({"X": days})
    assert update(store, source, "X", "1d").added == 30
    source.asked.clear()
    assert update(store, source, "X", "1d").requests == 0
    assert source.asked == []
    assert len(store.ledger(MINUTES.at(parse("1d")))) == 1


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        ("2024-03-08 22:30", False),
        ("2024-03-10 20:30", False),
        ("2024-03-10 21:30", True),
        ("2024-03-12", True),
    ],
)
def test_update_asks_nothing_while_the_market_is_closed(
    store: Store, monkeypatch: pytest.MonkeyPatch, now: str, asked: bool
) -> None:
    """The clocks of New York change on that Sunday, so the week begins at 21:00 UTC."""
    week = candles("1m", "2024-03-08 12:00", 600, seed=2)  # until Friday 22:00
    source = Scripted({"X": week})
    monkeypatch.setattr(downloading, "_now", lambda: at("2024-03-08 22:00"))
    update(store, source, "X", "1m", week.index[0])
    store.annotate(MINUTES, calendar="forex")
    monkeypatch.setattr(downloading, "_now", lambda: at(now))
    assert (update(store, source, "X", "1m", week.index[0]).requests > 0) == asked
    store.annotate(MINUTES, calendar="")
    assert update(store, source, "X", "1m", week.index[0]).requests > 0


def test_after_a_failure_update_leaves_no_hole(store: Store) -> None:
    source = Scripted({"X": LONG})
    store.write(MINUTES, LONG.iloc[2500:], origin="elsewhere")

    def fails(number: int) -> None:
        if number == 7:
            raise SourceDown("Gone.")

    source.before = fails
    with pytest.raises(SourceDown):
        update(store, source, "X", "1m", LONG.index[0])
    assert store.info(MINUTES).count == 700 + 500
    (entry,) = store.ledger(MINUTES)
    assert (entry.outcome, entry.note, entry.added, entry.requests) == ("failed", "Gone.", 700, 7)
    source.before = lambda number: None
    update(store, source, "X", "1m", LONG.index[0])
    assert store.info(MINUTES).count == 3000


def test_only_what_a_source_takes_back_is_a_conflict(store: Store) -> None:
    source = Scripted({"X": holed((500, 600)).iloc[:900]})
    download(store, source, "X", "1m", None, None)
    fill(store, MINUTES, [(LONG.index[500], LONG.index[600])])
    source.tables["X"] = pd.concat([LONG.iloc[:999], LONG.iloc[999:] * 3])
    refill(store, source, MINUTES, [(LONG.index[500], LONG.index[600])])
    assert store.ledger(MINUTES)[-1].changed == 100
    source.tables["X"] = pd.concat([LONG.iloc[:999], LONG.iloc[999:1010] * 3])
    update(store, source, "X", "1m", LONG.index[0])
    source.tables["X"] = pd.concat([LONG.iloc[:1009], LONG.iloc[1009:1500] * 2])
    assert update(store, source, "X", "1m", LONG.index[0]).changed == 1, "the newest once more"
    assert {entry.revised for entry in store.ledger(MINUTES)} == {0}
    conflicts = [one for one in check(store, MINUTES).report.findings if one.kind == "conflicts"]
    assert not conflicts

    def feed(number: int) -> None:
        store.write(MINUTES, LONG.iloc[1600:1700], origin="stream")

    source.before, source.tables["X"] = feed, LONG * 2
    assert update(store, source, "X", "1m", LONG.index[0]).revised == 99
    assert store.ledger(MINUTES)[-1].revised == 99
    assert [one.count for one in check(store, MINUTES).report.findings if one.kind == "conflicts"] == [99]


# ---------------------------------------------------------------------------------------- rows that cannot be


def test_a_row_that_cannot_be_is_told_and_leaves_a_gap(store: Store) -> None:
    bad = LONG.index[[130, 1200]]
    source = Scripted({"X": LONG}, bad=bad)
    done = download(store, source, "X", "1m", None, None)
    assert (done.added, done.refused) == (2998, 2)
    assert done.reasons == tuple(f"{when}: high below low" for when in bad)
    (entry,) = store.ledger(MINUTES)
    assert (entry.refused, entry.outcome) == (2, "done")
    assert "high below low" in entry.note
    found = [*holes(store, MINUTES, name="24/7")]
    assert [hole.gap.start for hole in found] == [*bad]
    assert [hole.state for hole in found] == ["unfillable", "unfillable"]
    assert all("high below low" in hole.note for hole in found)
    assert download(store, source, "X", "1m", None, LONG.index[-1]).requests == 0
    source.bad = None
    assert download(store, source, "X", "1m", None, LONG.index[-1], again=True).added == 2


# -------------------------------------------------------------------------------------------------- made up


@pytest.mark.parametrize("method", ["forward", "linear"])
def test_filled_candles_are_marked_and_go_again(store: Store, method: str) -> None:
    table = holed((500, 520), (1000, 1001), (1400, 1500))
    store.write(MINUTES, table, origin="t")
    gaps = holes(store, MINUTES, name="24/7").spans()
    assert fill(store, MINUTES, gaps, method) == 121  # type: ignore[arg-type]
    kept = store.read(MINUTES, provenance=True)
    made = kept[kept["filled"]]
    assert set(made["origin"]) == {f"{method} fill"}
    assert made.index.equals(LONG.index.difference(table.index))
    assert (made["volume"] == 0).all()
    if method == "forward":
        close = kept["close"].iloc[499]
        assert (made.iloc[:20][["open", "high", "low", "close"]] == close).all(axis=None)
    else:
        low, high = kept["close"].iloc[499], kept["open"].iloc[520]
        line = np.linspace(low, high, 21)
        np.testing.assert_allclose(made["open"].iloc[:20], line[:-1], rtol=1e-12)
        np.testing.assert_allclose(made["close"].iloc[:20], line[1:], rtol=1e-12)
    # coarser candles tell that some of them was made up
    hours = store.read(MINUTES, timeframe="1h", provenance=True)
    pd.testing.assert_frame_equal(hours, resample(kept, parse("1h")), check_freq=False)
    assert hours["filled"].sum() == 4
    assert fill(store, MINUTES, gaps, method) == 0  # type: ignore[arg-type]
    assert [hole.state for hole in holes(store, MINUTES, name="24/7")] == ["filled"] * 3
    assert unfill(store, MINUTES, end=LONG.index[1100]) == 21
    assert [hole.state for hole in holes(store, MINUTES, name="24/7")] == ["detected"] * 2 + ["filled"]
    assert unfill(store, MINUTES) == 100
    pd.testing.assert_frame_equal(store.read(MINUTES), table, check_freq=False)


def test_an_observed_candle_takes_the_place_of_a_filled_one(store: Store) -> None:
    source = Scripted({"X": holed((500, 600))})
    download(store, source, "X", "1m", None, None)
    fill(store, MINUTES, [(LONG.index[500], LONG.index[600])])
    assert store.info(MINUTES).filled == 100
    assert missing(store, MINUTES, LONG.index[0], LONG.index[-1]) == [(LONG.index[500], LONG.index[600])]
    assert download(store, source, "X", "1m", LONG.index[0], LONG.index[-1]).requests == 0, "it has none"
    other = Scripted({"X": LONG}, name="other")
    done = refill(store, other, MINUTES, [(LONG.index[500], LONG.index[600])])
    assert (done.added, done.changed) == (0, 100)
    assert store.info(MINUTES).filled == 0
    pd.testing.assert_frame_equal(store.read(MINUTES), LONG, check_freq=False)
    assert fill(store, MINUTES, [(LONG.index[500], LONG.index[600])]) == 0
    assert len(holes(store, MINUTES, name="24/7")) == 0


def test_only_what_lies_between_two_candles_is_filled(store: Store) -> None:
    store.write(MINUTES, holed((500, 600)), origin="t")
    assert fill(store, MINUTES, [(None, LONG.index[0]), (LONG.index[-1], None)]) == 0
    assert fill(store, MINUTES, [(None, None)]) == 100
    info = store.info(MINUTES)
    assert (info.first, info.last) == (LONG.index[0], LONG.index[-1])
    with pytest.raises(InputError, match="no method 'cubic'"):
        fill(store, MINUTES, [], "cubic")  # type: ignore[arg-type]


def test_unknown_volume_stays_unknown_and_half_past_stays_half_past(store: Store) -> None:
    opens = micros(candles("1h", "2024-03-04", 200, seed=3)) + 1_800_000_000
    table = from_micros(opens, {name: np.full(200, np.nan if name == "volume" else 5.0) for name in COLUMNS})
    series = MINUTES.at(parse("1h"))
    store.write(series, table.drop(table.index[50:60]), origin="t")
    assert fill(store, series, [(table.index[49], table.index[61])], "linear") == 10
    pd.testing.assert_frame_equal(store.read(series), table, check_freq=False)


def test_a_calendar_tells_what_to_fill(store: Store) -> None:
    hours = candles("1h", "2024-03-03 22:00", 24 * 12, seed=4)
    forex = calendar("forex")
    open_ = np.isin(
        micros(hours), forex.expected(parse("1h"), hours.index[0], hours.index[-1] + pd.Timedelta(hours=1))
    )
    series = MINUTES.at(parse("1h"))
    trading = hours[open_]
    assert len(trading) < len(hours)
    store.write(series, trading.drop(trading.index[100:140]), origin="t")
    found = holes(store, series, name="forex")
    assert sum(hole.gap.count for hole in found) == 40
    assert fill(store, series, found.spans(), calendar=found.calendar) == 40
    assert store.read(series).index.equals(trading.index)


def test_ignored_gaps_are_left_out(store: Store) -> None:
    store.write(MINUTES, holed((500, 600), (700, 800)), origin="t")
    store.annotate(MINUTES, calendar="24/7")
    store.set_gap_states(MINUTES, [GapState(LONG.index[700], LONG.index[800], "ignored", "reader")])
    found = holes(store, MINUTES)
    assert found.reason == "It was chosen for this series."
    assert [hole.state for hole in found] == ["detected", "ignored"]
    assert found.spans() == [(LONG.index[500], LONG.index[600])]
    assert (found.coverage.expected, found.coverage.present, found.coverage.ignored) == (2900, 2800, 100)
    assert check(store, MINUTES).report.coverage == found.coverage
    store.set_gap_states(MINUTES, [GapState(LONG.index[690], LONG.index[760], "detected")])
    assert [hole.state for hole in holes(store, MINUTES)] == ["detected", "detected"], "half a word is none"
    with pytest.raises(InputError, match="no candle in this range"):
        holes(store, MINUTES, at("2020-01-01"), at("2020-02-01"))


def test_a_range_is_judged_by_the_series(store: Store) -> None:
    """A day that is missing as a whole is one gap, and no edge; so is one that begins or ends a range."""
    opens = calendar("XNYS").expected(parse("30m"), at("2024-01-01"), at("2024-06-01"))
    every = from_micros(opens, dict.fromkeys(COLUMNS, np.ones(len(opens))))
    series = Series.of("t", "ACME", "30m")
    day = (every.index >= "2024-03-13") & (every.index < "2024-03-14")
    store.write(series, every[~day], origin="t")
    for start, end in (
        ("2024-03-13", "2024-03-14"),
        ("2024-03-13", "2024-03-16"),
        ("2024-03-12", "2024-03-14"),
    ):
        found = holes(store, series, at(start), at(end))
        assert (found.calendar.name, found.coverage.missing) == ("XNYS", 13)
        assert [(hole.gap.count, hole.gap.cause) for hole in found] == [(13, "outage")]
    assert holes(store, series, at("2024-03-13"), at("2024-03-15"), name="learnt").coverage.missing == 13
    assert check(store, series, at("2024-03-14"), at("2024-03-15")).calendar.name == "XNYS"
    edges = holes(store, series, at("2023-12-28"), at("2024-01-03"))
    assert {hole.gap.cause for hole in edges} == {"edge"}
    for start, end in (("2025-01-01", "2025-01-09"), ("2020-01-01", "2020-01-09")):
        with pytest.raises(InputError, match="no candle in this range"):
            holes(store, series, at(start), at(end))
