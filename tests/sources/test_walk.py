"""The walk through a range on its own, without a wire: any holes, any provider's habits, any single slip."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.candles import conform, empty, from_micros, micros
from lib.errors import BadAnswer
from lib.sources.base import Page
from lib.sources.batch import Ask, Batch
from lib.sources.http import Answer
from lib.sources.walk import Rest
from lib.timeframes import Timeframe, from_us, parse
from tests.sources.clock import FakeClock

HOUR = 3_600_000_000
START = 1_700_006_400_000_000  # 2023-11-15 00:00 UTC
HOURS = 24 * 40


class Made(Rest):
    """A provider whose hourly candles are at ``hours`` (numbers from START). ``slips`` says what goes wrong
    with which answer."""

    name, title, docs = "made", "Made", ""
    timeframes = (parse("1h"), parse("1d"))
    earliest = START - 30 * 24 * HOUR

    def __init__(
        self, hours: list[int], page: int, slips: dict[int, str] | None = None, **habits: Any
    ) -> None:
        self.keeps_newest = bool(habits.pop("keeps_newest", False))
        self.gives = int(habits.pop("gives", 10**9))
        for name, value in habits.items():
            setattr(self, name, value)
        clock = FakeClock(START / 1e6 + HOURS * 3600 + 1234)
        super().__init__("nowhere", clock)
        self.page, self.slips = page, slips or {}
        self.opens = {parse("1h"): np.array(sorted(hours), np.int64) * HOUR + START}
        self.opens[parse("1d")] = np.unique(self.opens[parse("1h")] // (24 * HOUR)) * 24 * HOUR
        self.asked: list[Ask] = []
        self.before: dict[Timeframe, pd.DataFrame] = {}

    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        self.asked.append(ask)
        opens = self.opens[timeframe]
        if ask.start is None:
            opens = opens[opens < (ask.end or 2**62)][-ask.limit :]
        else:
            end = 2**62 if ask.end is None else ask.end
            if self.by_room:
                assert ask.end is not None
                assert (ask.end - ask.start) <= timeframe.micros * self.page
            opens = opens[(opens >= ask.start) & (opens < end)]
            limit = min(ask.limit, self.gives)
            opens = opens[-limit:] if self.keeps_newest else opens[:limit]
        table = table_of(opens)
        slip = self.slips.get(len(self.asked), "")
        if slip == "empty":
            table = empty()
        if slip == "again":  # the page before, which a proxy may have kept
            table = self.before.get(timeframe, empty())
        elif ask.start is not None:
            self.before[timeframe] = table
        last = int(micros(table)[-1]) if len(table) else None
        return Answer(Batch(table, len(table), None, last), self._clock.time(), 1)

    def _load(self, patience: float) -> tuple[str, ...]:
        return ("X",)


def table_of(opens: np.ndarray[Any, Any]) -> pd.DataFrame:
    figures = (opens // HOUR % 997 + 1).astype(np.float64)
    raw = from_micros(opens.copy(), dict.fromkeys(("open", "high", "low", "close", "volume"), figures))
    return conform(raw, parse("1h")).table if len(opens) else empty()


def walk(source: Made, start: int | None, end: int | None) -> list[Page]:
    low, high = (None if at is None else from_us(START + at * HOUR) for at in (start, end))
    return list(source.pages("X", parse("1h"), low, high))


runs = st.lists(st.tuples(st.integers(0, HOURS - 1), st.integers(1, 90)), min_size=1, max_size=8)
slips = st.dictionaries(st.integers(1, 40), st.sampled_from(["empty", "again"]), max_size=3).filter(
    # the same slip on two answers in a row is a habit, not a slip
    lambda made: not any(number + 1 in made for number in made)
)
kinds = st.sampled_from(
    [
        {"skips": True}, {"newest": False}, {"newest": False, "keeps_newest": True}, {"by_room": True},
        {"newest": False, "may_skip": True}, {"skips": True, "ahead": 4, "ahead_from": 0},
    ]
)  # fmt: skip


@given(runs, st.integers(5, 60), slips, kinds, st.booleans(), st.booleans())
def test_whatever_is_there_comes_complete_and_in_order(
    runs: list[tuple[int, int]],
    page: int,
    slips: dict[int, str],
    kind: dict[str, int],
    bounded: bool,
    known: bool,
) -> None:
    hours = sorted({at for first, count in runs for at in range(first, min(first + count, HOURS))})
    start, end = (100 if known else None), (HOURS - 200 if bounded else None)
    source = Made(hours, page, slips, **kind)
    pages = walk(source, start, end)
    got = pd.concat([page.table for page in pages]) if pages else empty()
    wanted = [at for at in hours if at >= (start or 0) and (end is None or at < end)]
    assert micros(got).tolist() == [START + at * HOUR for at in wanted]
    untils = [page.until for page in pages]
    assert untils == sorted(untils)
    if end is not None:
        assert untils[-1] == from_us(START + end * HOUR)
    assert sum(page.requests for page in pages) == len(source.asked)


@pytest.mark.parametrize(
    "kind", [{"newest": False}, {"newest": False, "keeps_newest": True}, {"by_room": True}]
)
def test_a_full_page_after_an_empty_one_is_no_proof(kind: dict[str, bool]) -> None:
    """The second answer covers both windows, and a limit that keeps the newest hides the first one's."""
    source = Made(list(range(HOURS)), 24, {2: "empty"}, **kind)
    got = pd.concat([page.table for page in walk(source, 0, 240)])
    assert len(got) == 240
    assert len(source.asked) <= 13


RUNS = (
    [(0, 120)], [(183, 15)], [(0, 7), (30, 5), (60, 7), (90, 6), (120, 100)],
    [(at, 6) for at in range(0, 200, 24)], [(at, 9) for at in range(0, 200, 24)], [(3, 1), (40, 90), (180, 20)],
)  # fmt: skip


@pytest.mark.parametrize("runs", RUNS)
@pytest.mark.parametrize(("keeps_newest", "known"), [(False, True), (True, True), (True, False)])
def test_a_limit_that_nobody_told_hides_nothing(
    runs: list[tuple[int, int]], keeps_newest: bool, known: bool
) -> None:
    """Seven candles an answer, where the settings say 35."""
    hours = [hour for first, count in runs for hour in range(first, first + count)]
    source = Made(hours, 35, newest=False, keeps_newest=keeps_newest, may_cut=True, gives=7)
    got = pd.concat([page.table for page in walk(source, 0 if known else None, 240)])
    assert micros(got).tolist() == [START + at * HOUR for at in hours]


def test_sessions_of_the_same_length_are_looked_at_some_times_only() -> None:
    hours = [hour for day in range(30) for hour in range(24 * day + 9, 24 * day + 16)]
    asked = []
    for may_cut in (False, True):
        source = Made(hours, 24, newest=False, may_cut=may_cut)
        assert sum(len(page.table) for page in walk(source, 0, HOURS)) == len(hours)
        asked.append(len(source.asked))
    assert asked[1] - asked[0] <= 2 * 3 + 2


def test_a_long_hole_costs_a_look_at_days() -> None:
    source = Made([*range(48), *range(HOURS - 48, HOURS)], 5, newest=False)
    got = pd.concat([page.table for page in walk(source, 0, HOURS)])
    assert len(got) == 96
    windows = HOURS // 5
    assert len(source.asked) < 96 / 5 + 40 < windows


@pytest.mark.parametrize("kind", [{"skips": True}, {"newest": False}, {"by_room": True}])
def test_a_provider_that_never_gets_on_is_refused(kind: dict[str, bool]) -> None:
    source = Made(list(range(HOURS)), 24, dict.fromkeys(range(3, 99), "again"), **kind)
    stuck, old = source._fetch, table_of(np.array([START], np.int64))

    def same(symbol: str, timeframe: Timeframe, ask: Ask, stop: Any, patience: float) -> Answer[Batch]:
        source.before[timeframe] = old
        return stuck(symbol, timeframe, ask, stop, patience)

    source._fetch = same  # type: ignore[method-assign]
    with pytest.raises(BadAnswer, match=r"candles from 2023-11-1\d .* UTC on, but sent none of them 3 times"):
        walk(source, 0, 240)


@pytest.mark.parametrize("ours", [-7200, 0, 7200])
@pytest.mark.parametrize("theirs", [-86_400 * 30, -7200, 0, 7200])
@pytest.mark.parametrize("kind", [{"skips": True}, {"newest": False}, {"newest": True}])
def test_no_wrong_clock_stores_a_forming_candle(ours: int, theirs: int, kind: dict[str, bool]) -> None:
    """One of the two clocks may be wrong either way. What has a candle behind it is closed in any case."""
    if ours and theirs:
        return
    source = Made(list(range(HOURS + 1)), 24, **kind)
    clock, wire = FakeClock(source._clock.time() + ours), source._fetch
    told = source._clock.time() + theirs

    def skewed(symbol: str, timeframe: Timeframe, ask: Ask, stop: Any, patience: float) -> Answer[Batch]:
        return Answer(wire(symbol, timeframe, ask, stop, patience).value, told, 1)

    source._fetch, source._clock = skewed, clock  # type: ignore[method-assign]
    got = pd.concat([page.table for page in walk(source, HOURS - 60, None)])
    last = int(micros(got)[-1])
    assert last <= START + (HOURS - 1) * HOUR
    assert last >= START + (HOURS - 1 - (2 if ours < 0 else 0)) * HOUR
