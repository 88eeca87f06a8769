"""What adapters over REST share: the walk through a range page by page, the newest candles, the list of
symbols. An adapter fetches one page, and says which of two kinds its provider is:

- **skips**: asked for candles from a time on, it goes on to the next there is. A page then proves by what
  comes after it that nothing is missing before; an empty one can only mean the end, which is checked.
- others are asked for windows in which no more candles fit than a page may hold. A window without
  candles is believed only when a second answer, which covers it and the next window, has none there
  either. After some empty windows a look at daily candles tells where it goes on.

Two things hold for both. **A candle is closed** when this machine's clock and the server's both say so, or
when another follows it; so a wrong clock on either side never stores a forming candle. **A row that cannot
be** (a high under the low) spoils its page at first: it is asked for twice more. Where the row stays as it
is, it is left out, counted in ``Page.refused`` and told, and the rest of the page is kept, provided that
nine in ten rows are in order.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator

import pandas as pd

from lib.candles import empty, micros
from lib.errors import BadAnswer, Cancelled, CandlebookError, UnknownName
from lib.sources import catalog
from lib.sources.base import Page, Recent, note
from lib.sources.batch import Ask, Batch, Spoilt
from lib.sources.http import Answer
from lib.sources.limits import Clock
from lib.timeframes import Timeframe, from_us, to_us

__all__ = ["Rest"]

# How often an answer that brings nothing new is asked for again before it is refused.
_REPEATS = 3
# Empty windows after which daily candles are looked at.
_EMPTIES = 4
# The most requests for the newest candles of a provider that must be asked for windows.
_WINDOWS_BACK = 6
_DAY = 86_400_000_000
_MOST_REFUSED = 0.1

_DAILY = Timeframe(1, "d")


class Rest(ABC):
    """Base of the adapters over REST. Subclasses give the attributes of ``Source`` and :meth:`_fetch`,
    :meth:`_load`; ``page`` is how many candles come at most in one answer."""

    name: str
    title: str
    docs: str
    timeframes: tuple[Timeframe, ...]
    synthetic = False
    live = False
    page: int
    # Goes on to the next candle by itself when asked without an end.
    skips = False
    # May do so, or may not.
    may_skip = False
    # Counts the room for candles, closed markets too: no window may be longer than a page.
    by_room = False
    # Gives the newest candles when asked without a start.
    newest = True
    # Nothing is older than this at the provider (µs since 1970).
    earliest = 0
    # How symbols are written there, for those who wrote another.
    spelling = ""

    def __init__(self, address: str, clock: Clock) -> None:
        self._key = f"{self.name} {address}"
        self._clock = clock

    @abstractmethod
    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        """One request. Raises ``UnknownName`` where the provider has no such symbol."""

    @abstractmethod
    def _load(self, patience: float) -> tuple[str, ...]:
        """The provider's list of symbols, sorted."""

    # ------------------------------------------------------------------------------------ the protocol

    def pages(
        self,
        symbol: str,
        timeframe: Timeframe,
        start: pd.Timestamp | None,
        end: pd.Timestamp | None,
        *,
        stop: threading.Event | None = None,
    ) -> Iterator[Page]:
        """See ``Source``."""
        self._check(timeframe)
        at = 0 if start is None else to_us(start)
        if at < (oldest := self._oldest(timeframe)):
            if start is not None:
                note(f"{self.title} has nothing before {from_us(oldest):%Y-%m-%d}.")
            at = oldest
        last = None if end is None else to_us(end)
        try:
            if self.skips:
                yield from self._walk(symbol, timeframe, at, last, stop)
            else:
                yield from self._windows(symbol, timeframe, at, last, stop, known=start is not None)
        except Cancelled:
            return

    def recent(self, symbol: str, timeframe: Timeframe, count: int) -> Recent:
        """See ``Source``. One request for each page of candles; gives up after about 5 seconds."""
        self._check(timeframe)
        parts: list[pd.DataFrame] = []
        forming = empty()
        before: int | None = None
        left, asked = count, 0
        while left > 0 and asked < _WINDOWS_BACK + count // self._size(timeframe):
            ask = self._back(timeframe, before, min(self._size(timeframe), left + (before is None)), asked)
            answer = self._get(symbol, timeframe, ask, None, 5.0)
            closed, open_now, _ = self._split(answer, timeframe)
            if before is None:
                forming = open_now
            else:
                closed = closed[micros(closed) < before]
            if len(closed):
                parts.insert(0, closed)
                left -= len(closed)
            if self.newest and (not len(closed) or answer.value.rows < ask.limit):
                break
            before = int(micros(closed)[0]) if self.newest else ask.start
            asked += 1
        table = pd.concat(parts) if len(parts) > 1 else (parts[0] if parts else empty())
        return Recent(table.iloc[-count:] if count else empty(), forming)

    def symbols(self) -> tuple[str, ...]:
        """See ``Source``; kept for an hour."""
        return catalog.listed(self._key, self._clock, lambda: self._load(30.0))

    # ------------------------------------------------------------------------------ two kinds of walk

    def _walk(
        self, symbol: str, timeframe: Timeframe, at: int, end: int | None, stop: threading.Event | None
    ) -> Iterator[Page]:
        """Ask from ``at`` on until a candle at or after ``end``, or the forming one, shows that there is no
        more. No end is sent: so the next candle after the range comes along and proves that nothing is
        missing before it."""
        requests = barren = 0
        while end is None or at < end:
            if barren:
                self._clock.wait(0.25 * 2**barren, stop)
            limit = _limit(timeframe, at, end, self._size(timeframe))
            answer = self._get(symbol, timeframe, Ask(at, None, limit), stop)
            batch = answer.value
            requests += answer.requests
            closed, forming, sure = self._split(answer, timeframe)
            opens = micros(closed)
            fresh = closed[(opens >= at) & (opens < end if end is not None else True)]
            beyond = end is not None and bool((micros(batch.table) >= end).any())
            # a full page may have more behind it, and one clock alone may be wrong
            last = bool(len(forming)) and batch.rows < limit and (sure or not len(fresh))
            done = beyond or last
            passed = at if batch.last is None or not batch.refused else batch.last + 1
            if not len(fresh) and not done and passed <= at:
                if not batch.rows:
                    newest = self._get(symbol, timeframe, Ask(None, None, 1), stop)
                    requests += newest.requests
                    done = not (micros(newest.value.table) >= at).any()
                barren += 1
                if not done and barren < _REPEATS:
                    continue
                if not done:
                    raise self._stuck(symbol, timeframe, at)
            barren = 0
            if len(fresh):
                at = max(to_us(timeframe.after(fresh.index[-1])), passed)
            else:
                at = max(at, passed)
            until = end if end is not None and (done or at > end) else at
            yield Page(fresh, requests, from_us(until), batch.refused)
            requests = 0
            if done:
                return

    def _windows(
        self,
        symbol: str,
        timeframe: Timeframe,
        at: int,
        end: int | None,
        stop: threading.Event | None,
        *,
        known: bool,
        coarse: bool = False,
    ) -> Iterator[Page]:
        """Ask for windows that a page can hold. ``doubt`` is the start of one that was empty once, and ends
        at ``at``. ``coarse``: this is the look at daily candles, which looks no further itself."""
        last = self._end_of_time(timeframe) if end is None else end
        doubt: int | None = None
        requests = barren = empties = 0
        if not known and self._can_jump(timeframe):
            at, requests = self._jump(symbol, at, last, stop)
        until = at
        while at < last or doubt is not None:
            if barren:
                self._clock.wait(0.25 * 2**barren, stop)
            low, high = at if doubt is None else doubt, self._window_end(timeframe, at, last)
            high = at if doubt is not None and self.by_room else high
            answer = self._get(symbol, timeframe, Ask(low, high, self._size(timeframe)), stop)
            batch, requests = answer.value, requests + answer.requests
            closed, forming, sure = self._split(answer, timeframe)
            opens = micros(closed)
            fresh = closed[(opens >= low) & (opens < (last if self.may_skip else high))]
            passed = batch.last + 1 if batch.refused and batch.last is not None and batch.last < high else low
            if doubt is not None and not self.by_room and batch.rows >= self._size(timeframe):
                # a limit may have cut the older candles off: ask for the doubted window alone
                alone = self._get(symbol, timeframe, Ask(doubt, at, self._size(timeframe)), stop)
                requests += alone.requests
                if len(alone.value.table):
                    at, doubt = doubt, None
                    continue
            if len(fresh) or passed > low:
                at = max(passed, to_us(timeframe.after(fresh.index[-1])) if len(fresh) else 0)
                doubt, barren, empties, until = None, 0, 0, min(at, last)
                yield Page(fresh, requests, from_us(until), batch.refused)
                requests = 0
                if len(forming) and sure and high >= last:
                    break
            elif len(forming):
                until = max(until, low)
                break
            elif batch.rows and not (self.may_skip and _all_from(batch.table, last)):
                barren += 1
                if barren >= _REPEATS:
                    raise self._stuck(symbol, timeframe, low)
            elif doubt is None:
                doubt, at, barren = at, high, 0
            elif at >= last:
                doubt = None
            else:
                doubt, until, at = (None if self.by_room else at), at, high
                empties, barren = empties + 1, 0
                if empties >= _EMPTIES and not coarse and self._can_jump(timeframe):
                    at, more = self._jump(symbol, until, last, stop)
                    requests, empties, doubt, until = requests + more, 0, None, at
                yield Page(empty(), requests, from_us(until))
                requests = 0
        target = last if end is not None else until
        if requests or until != target:
            yield Page(empty(), requests, from_us(target))

    def _window_end(self, timeframe: Timeframe, at: int, last: int) -> int:
        """The end of the window from ``at`` that a page can hold."""
        if at >= last:
            return last
        return min(to_us(timeframe.after(timeframe.floor(from_us(at)), self._size(timeframe))), last)

    def _can_jump(self, timeframe: Timeframe) -> bool:
        return _DAILY in self.timeframes and timeframe < _DAILY

    def _jump(self, symbol: str, at: int, last: int, stop: threading.Event | None) -> tuple[int, int]:
        """Where candles go on at or after ``at``, told by the daily ones, and what it took. Two days early:
        a provider's days may be cut elsewhere than ours."""
        requests = 0
        start = to_us(_DAILY.floor(from_us(at))) - _DAY
        for page in self._windows(symbol, _DAILY, max(start, 0), last, stop, known=True, coarse=True):
            requests += page.requests
            if len(page.table):
                return max(at, int(micros(page.table)[0]) - 2 * _DAY), requests
        return max(at, last - 2 * _DAY), requests

    # ----------------------------------------------------------------------------------------- inside

    def _get(
        self,
        symbol: str,
        timeframe: Timeframe,
        ask: Ask,
        stop: threading.Event | None,
        patience: float = 120.0,
    ) -> Answer[Batch]:
        try:
            return self._fetch(symbol, timeframe, ask, stop, patience)
        except UnknownName as error:
            raise self._unknown(symbol) from error
        except Spoilt as spoilt:
            batch = spoilt.batch
            if len(batch.refused) > max(1, _MOST_REFUSED * batch.rows):
                raise
            note(f"{spoilt.message} Left out.")
            return Answer(batch, None, int(spoilt.fields.get("requests", 1)))

    def _split(self, answer: Answer[Batch], timeframe: Timeframe) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
        """Closed candles, the forming one, and whether that it is forming is sure: said by the provider, or
        by this machine's clock as well."""
        table, complete = answer.value.table, answer.value.complete
        if not len(table) or complete:
            return table, empty(), True
        ours = self._clock.time()
        theirs = ours if answer.server_time is None else answer.server_time
        closes = to_us(timeframe.after(table.index[-1])) / 1e6
        if complete is None and closes <= min(ours, theirs):
            return table, empty(), True
        return table.iloc[:-1], table.iloc[-1:], complete is not None or closes > ours

    def _back(self, timeframe: Timeframe, before: int | None, size: int, asked: int) -> Ask:
        """The ask for the newest candles before ``before``. Where windows must be asked for, the first has
        room for what is wanted, those after it, over a closed market, for a page."""
        if self.newest:
            return Ask(None, before, size)
        end = self._end_of_time(timeframe) if before is None else before
        start = to_us(timeframe.after(from_us(end), -(self._size(timeframe) if asked else size)))
        return Ask(max(0, start), end, self._size(timeframe))

    def _end_of_time(self, timeframe: Timeframe) -> int:
        """The end of the forming candle by this machine's clock."""
        now = from_us(int(self._clock.time() * 1e6))
        return to_us(timeframe.after(timeframe.floor(now)))

    def _oldest(self, timeframe: Timeframe) -> int:
        """What may be asked for begins here (µs since 1970)."""
        return self.earliest

    def _size(self, timeframe: Timeframe) -> int:
        """How many candles a page may hold."""
        return self.page

    def _check(self, timeframe: Timeframe) -> None:
        if timeframe not in self.timeframes:
            raise UnknownName(
                f"{self.title} has no candles of {timeframe.words}.",
                remedy=f"It has {', '.join(map(str, self.timeframes))}.",
                source=self.name,
                timeframe=str(timeframe),
            )

    def _unknown(self, symbol: str) -> UnknownName:
        try:
            known = catalog.listed(self._key, self._clock, lambda: self._load(5.0))
        except CandlebookError:  # a list that cannot be had is no reason to hide what is wrong
            known = ()
        near = catalog.nearest(symbol, known)
        return UnknownName(
            f"{self.title} has no symbol {symbol!r}.",
            remedy=f"Did you mean {' or '.join(near)}?" if near else self.spelling,
            source=self.name,
            symbol=symbol,
        )

    def _stuck(self, symbol: str, timeframe: Timeframe, at: int) -> BadAnswer:
        return BadAnswer(
            f"{self.title} has {symbol} {timeframe} candles from {from_us(at):%Y-%m-%d %H:%M} UTC on, but sent "
            f"none of them {_REPEATS} times.",
            remedy="Try again later.",
            source=self.name,
            symbol=symbol,
        )


def _all_from(table: pd.DataFrame, last: int) -> bool:
    """Whether there are candles and all open at ``last`` (µs) or later: skipped to, past the range."""
    return len(table) > 0 and int(micros(table)[0]) >= last


def _limit(timeframe: Timeframe, at: int, end: int | None, page: int) -> int:
    """How many candles to ask for: what fits before ``end`` and one more, at most a page."""
    return page if end is None else int(min(page, (end - at) // timeframe.micros + 3))
