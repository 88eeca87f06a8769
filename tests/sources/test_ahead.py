"""Reading ahead: that it happens, when it does not, and that nothing which goes wrong on the way shows."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib.candles import micros
from lib.errors import SourceDown
from lib.sources import ahead
from lib.sources.asking import Got
from lib.sources.base import note, notes_to
from lib.sources.batch import Ask, Batch
from lib.sources.binance import Binance
from lib.sources.http import Answer
from lib.timeframes import Timeframe, parse
from tests.servers import providers
from tests.servers.faults import PASSING, REFUSALS, Fault
from tests.servers.provider import Request, Running
from tests.sources.clock import FakeClock
from tests.sources.support import at, same
from tests.sources.test_walk import HOURS, START, Made, walk

PAGE, PAGES, GROUP = 60, 80, 10


class Once(providers.Binance):
    """Each fault strikes the first request from a time on; the same again is answered well."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.seen: set[str] = set()
        self.left: list[str] = []

    def fault_of(self, request: Request) -> Fault | None:
        start = request.params.get("startTime", "")
        if start in self.seen:
            return None
        self.seen.add(start)
        return Fault(self.left.pop()) if self.left and len(self.seen) % 3 == 2 else None


@pytest.mark.parametrize("first", range(0, len(PASSING), GROUP))
def test_faults_that_pass_leave_no_trace(clock: FakeClock, first: int) -> None:
    """Ten kinds to a walk, on every third page, while eight are under way."""
    provider = Once(clock)
    provider.add(
        "BTCUSDT", "2023-09-04", price=1.1, halts=((_us("2024-02-20 20:03"), _us("2024-02-21 01:07")),)
    )
    provider.limits = ((600, 60.0),)
    provider.left = [*PASSING[first : first + GROUP]] * 2
    start = pd.Timestamp("2024-02-20 11:11:11")
    span = str(start), str(start + pd.Timedelta(minutes=PAGE * PAGES))
    with Running(provider) as running:
        seconds = 0.8 if "slow" in provider.left else 30.0
        source = Binance(running.url, clock=clock, weight_per_minute=600, timeouts=(30.0, seconds))
        source.page, source.ahead, source.ahead_from = PAGE, 8, 10
        pages = list(source.pages("BTCUSDT", parse("1m"), *(at(text) for text in span)))
    same(pd.concat([page.table for page in pages]), provider.truth("BTCUSDT", "1m", *span))
    assert provider.over == 0
    assert not provider.left, "not every fault was met"
    assert sum(page.requests for page in pages) == provider.asked


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refusal_of_a_guess_comes_when_its_turn_does(clock: FakeClock, kind: str) -> None:
    provider = providers.Binance(clock)
    provider.add("BTCUSDT", "2023-09-04", price=1.1)
    provider.faults = dict.fromkeys(range(20, 40), Fault(kind))
    got = []
    with Running(provider) as running:
        source = Binance(running.url, clock=clock)
        source.page, source.ahead, source.ahead_from = PAGE, 4, 10
        with pytest.raises(Exception) as caught:
            for page in source.pages("BTCUSDT", parse("1m"), at("2024-02-01"), at("2024-03-01")):
                got.append(page.table)
    assert type(caught.value).__name__ in REFUSALS[kind]
    assert 16 <= len(got) <= 19
    table = pd.concat(got)
    truth = provider.truth("BTCUSDT", "1m", "2024-02-01", "2024-03-01")
    same(table, truth.loc[: table.index[-1]])


class Watched(Made):
    """Counts the threads that ask, how many are asking at once, and over all requests how many were then; ``wait``
    is how long an answer takes."""

    wait = 0.0

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.inside = self.most = self.beside = 0
        self.guard = threading.Lock()
        self.threads: set[int] = set()

    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        with self.guard:
            self.threads.add(threading.get_ident())
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.beside += self.inside
        time.sleep(self.wait)
        with self.guard:
            self.inside -= 1
            return super()._fetch(symbol, timeframe, ask, stop, patience)


def test_a_long_walk_keeps_as_many_under_way_as_it_may() -> None:
    source = Watched(list(range(HOURS)), 10, skips=True, ahead=4, ahead_from=50, wait=0.02)
    pages = walk(source, 0, HOURS)
    assert sum(len(page.table) for page in pages) == HOURS
    assert source.most == 4
    assert source.beside > 2 * len(source.asked)
    assert len(source.asked) == sum(page.requests for page in pages) <= HOURS / 10 + 4


def test_many_walks_share_the_requests_under_way() -> None:
    """A sync of many series goes round them, a page of each in turn."""
    source = Watched(list(range(HOURS)), 10, skips=True, ahead=4, ahead_from=50, wait=0.005)
    walks = [source.pages("X", parse("1h"), at("2023-11-15"), None) for _ in range(12)]
    got = sum(len(next(pages).table) for _ in range(40) for pages in walks)
    assert got == 12 * 40 * 10
    # the round itself may ask, too
    assert 4 <= source.most <= 4 + 1
    assert len(source.threads) <= 4 + 1


def test_a_short_walk_asks_for_one_page_after_another() -> None:
    source = Watched(list(range(HOURS)), 10, skips=True, ahead=4, ahead_from=100)
    assert len(walk(source, 0, HOURS)) == HOURS / 10
    assert source.threads == {threading.get_ident()}
    assert len(source.asked) == HOURS / 10


def test_a_market_that_begins_late_wastes_nothing() -> None:
    """The first page skips to where candles begin; from there on pages can be told."""
    source = Watched(list(range(500, HOURS)), 10, skips=True, ahead=4, ahead_from=20, earliest=0)
    assert sum(len(page.table) for page in walk(source, None, HOURS)) == HOURS - 500
    assert len(source.asked) <= (HOURS - 500) / 10 + 4


@pytest.mark.parametrize("slip", ["again", "empty"])
def test_what_was_kept_on_the_way_hides_nothing(slip: str) -> None:
    """The market was halted, so what was guessed is dropped; the lone request after it is answered with one of
    the dropped answers, which begins later."""
    hours = [*range(100), *range(106, 200)]
    for number in range(8, 22):
        source = Made(hours, 10, {number: slip}, skips=True, ahead=4, ahead_from=0)
        got = pd.concat([page.table for page in walk(source, 0, 200)])
        assert ((micros(got) - START) // 3_600_000_000).tolist() == hours


def test_a_stop_ends_it_while_answers_are_under_way() -> None:
    source = Watched(list(range(HOURS)), 5, skips=True, ahead=4, ahead_from=0, wait=0.01)
    stop = threading.Event()
    got = 0
    for _ in source.pages("X", parse("1h"), at("2023-11-15"), None, stop=stop):
        got += 1
        if got == 20:
            stop.set()
    assert got in (20, 21)
    until = time.monotonic() + 60
    while any(one.name == "read ahead" for one in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.005)
    assert not any(one.name == "read ahead" for one in threading.enumerate())


def test_an_error_without_words_for_it_reaches_the_reader() -> None:
    source = Made(list(range(HOURS)), 10, skips=True, ahead=4, ahead_from=0)
    fetch = source._fetch

    def failing(symbol: str, timeframe: Timeframe, ask: Ask, stop: Any, patience: float) -> Answer[Batch]:
        if len(source.asked) == 30:
            raise SourceDown("It is out of order.", requests=3)
        return fetch(symbol, timeframe, ask, stop, patience)

    source._fetch = failing  # type: ignore[method-assign]
    with pytest.raises(SourceDown, match="out of order"):
        walk(source, 0, HOURS)


class Late(Future[Got]):
    """Answers at the very moment at which a wait for it is given up."""

    def result(self, timeout: float | None = None) -> Got:
        if timeout is None or self.done():
            return super().result()
        self.exception()
        raise TimeoutError


def test_an_answer_as_a_wait_for_it_ends_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "Future", Late)
    source = Watched(list(range(200)), 10, skips=True, ahead=4, ahead_from=0, wait=0.002)
    assert sum(len(page.table) for page in walk(source, 0, 200)) == 200


class Telling(Watched):
    """Says something in the midst of each request."""

    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        note(f"Waiting for {ask.start}.")
        return super()._fetch(symbol, timeframe, ask, stop, patience)


def test_what_is_said_while_reading_ahead_comes_in_the_readers_thread() -> None:
    """A listener counts pages, and would lose some if it were called beside itself."""
    source = Telling(list(range(HOURS)), 10, skips=True, ahead=4, ahead_from=0, wait=0.01)
    heard: list[tuple[int, str]] = []
    with notes_to(lambda text: heard.append((threading.get_ident(), text))):
        walk(source, 0, HOURS)
    assert {thread for thread, _ in heard} == {threading.get_ident()}
    assert len({text for _, text in heard}) > 10


def _us(text: str) -> int:
    return int(np.datetime64(text, "us").astype(np.int64))
