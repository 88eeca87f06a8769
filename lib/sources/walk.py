"""What adapters over REST share: the walk through a range page by page, the newest candles, the list of
symbols. An adapter fetches one page, and says which of two kinds its provider is:

- **skips**: asked for candles from a time on, it goes on to the next there is. A page then proves by what
  comes after it that nothing is missing before; an empty one can only mean the end, which is checked.
- others are asked for windows in which no more candles fit than a page may hold. A window without
  candles is believed only when a second answer, which covers it and the next window, has none there
  either. After some empty windows a look at daily candles tells where it goes on.

The first kind's pages can be told beforehand, so long walks read ahead: :mod:`lib.sources.ahead`. The windows of
the others begin where the last candle was, as a closed market ends them anywhere; they come one by one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pandas as pd

from lib.candles import empty, micros
from lib.errors import BadAnswer, Cancelled
from lib.sources.ahead import Ahead
from lib.sources.asking import Asking, Got
from lib.sources.base import Page, Recent, note, offered
from lib.sources.batch import Ask
from lib.timeframes import Timeframe, from_us, to_us

__all__ = ["Rest"]

# How often an answer that brings nothing new is asked for again before it is refused.
_REPEATS = 3
# Answers with the same number of rows, found whole, after which that is taken for no limit.
_WHOLE = 3
# Empty windows after which daily candles are looked at.
_EMPTIES = 4
# The most requests for the newest candles of a provider that must be asked for windows.
_WINDOWS_BACK = 6
_DAY = 86_400_000_000

_DAILY = Timeframe(1, "d")


class Rest(Asking):
    """Base of the adapters over REST: a ``Source`` made of an :class:`Asking`."""

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
        offered(self, timeframe)
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
        offered(self, timeframe)
        parts: list[pd.DataFrame] = []
        forming = empty()
        before: int | None = None
        left, asked = count, 0
        while left > 0 and asked < _WINDOWS_BACK + count // self._size(timeframe):
            ask = self._back(timeframe, before, min(self._size(timeframe), left + (before is None)), asked)
            got = self._get(symbol, timeframe, ask, None, 5.0)
            closed = got.closed
            if before is None:
                forming = got.forming
            else:
                closed = closed[micros(closed) < before]
            if len(closed):
                parts.insert(0, closed)
                left -= len(closed)
            if self.newest and (not len(closed) or not got.full):
                break
            before = int(micros(closed)[0]) if self.newest else ask.start
            asked += 1
        table = pd.concat(parts) if len(parts) > 1 else (parts[0] if parts else empty())
        return Recent(table.iloc[-count:] if count else empty(), forming)

    # ------------------------------------------------------------------------------ two kinds of walk

    def _walk(
        self, symbol: str, timeframe: Timeframe, at: int, end: int | None, stop: threading.Event | None
    ) -> Iterator[Page]:
        """Ask from ``at`` on until a candle at or after ``end``, or the forming one, shows that there is no
        more. No end is sent: so the next candle after the range comes along and proves that nothing is
        missing before it."""
        ahead = self._ahead(symbol, timeframe, end, stop)
        try:
            yield from self._onward(symbol, timeframe, at, end, stop, ahead)
        finally:
            ahead.close()

    def _onward(
        self,
        symbol: str,
        timeframe: Timeframe,
        at: int,
        end: int | None,
        stop: threading.Event | None,
        ahead: Ahead,
    ) -> Iterator[Page]:
        requests = barren = 0
        while end is None or at < end:
            if barren:
                self._clock.wait(0.25 * 2**barren, stop)
            got = ahead.answer(at)
            batch, forming = got.batch, got.forming
            opens = micros(got.closed)
            fresh = got.closed[(opens >= at) & (opens < end if end is not None else True)]
            beyond = end is not None and bool((micros(batch.table) >= end).any())
            # a full page may have more behind it, and one clock alone may be wrong
            last = bool(len(forming)) and not got.full and (got.sure or not len(fresh))
            done = beyond or last
            passed = at if batch.last is None or not batch.refused else batch.last + 1
            if not len(fresh) and not done and passed <= at:
                if not batch.rows:
                    newest = self._get(symbol, timeframe, Ask(None, None, 1), stop)
                    requests += newest.requests
                    done = not (micros(newest.batch.table) >= at).any()
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
            if done or (end is not None and at >= end):
                ahead.settle()  # what was asked for in vain counts too
            yield Page(fresh, requests + ahead.spent(), from_us(until), batch.refused)
            requests = 0
            if done:
                return

    def _ahead(
        self, symbol: str, timeframe: Timeframe, end: int | None, stop: threading.Event | None
    ) -> Ahead:
        size = self._size(timeframe)

        def ask(at: int, gone: threading.Event | None) -> Got:
            return self._get(symbol, timeframe, Ask(at, None, _limit(timeframe, at, end, size)), gone)

        # what is not over yet is asked for when its turn comes
        past = int(self._clock.time() * 1e6) - size * timeframe.micros
        until = past if end is None else min(end, past)
        most = 1 if timeframe.is_calendar else self.ahead
        return Ahead(
            self._key, ask, timeframe.micros, size, until, most=most, long=self.ahead_from, stop=stop
        )

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
            got = self._get(symbol, timeframe, Ask(low, high, self._size(timeframe)), stop)
            batch, forming, requests = got.batch, got.forming, requests + got.requests
            opens = micros(got.closed)
            fresh = got.closed[(opens >= low) & (opens < (last if self.may_skip else high))]
            if self.may_cut and len(fresh):
                hidden, more = self._hidden(symbol, timeframe, low, int(micros(fresh)[0]), batch.rows, stop)
                requests += more
                if hidden:
                    at, doubt = low, None
                    continue
            passed = batch.last + 1 if batch.refused and batch.last is not None and batch.last < high else low
            if doubt is not None and not self.by_room and got.full:
                # a limit may have cut the older candles off: ask for the doubted window alone
                alone = self._get(symbol, timeframe, Ask(doubt, at, self._size(timeframe)), stop)
                requests += alone.requests
                if len(alone.batch.table):
                    at, doubt = doubt, None
                    continue
            if len(fresh) or passed > low:
                at = max(passed, to_us(timeframe.after(fresh.index[-1])) if len(fresh) else 0)
                doubt, barren, empties, until = None, 0, 0, min(at, last)
                yield Page(fresh, requests, from_us(until), batch.refused)
                requests = 0
                if len(forming) and got.sure and high >= last:
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

    def _hidden(
        self, symbol: str, timeframe: Timeframe, low: int, first: int, rows: int, stop: threading.Event | None
    ) -> tuple[bool, int]:
        """Whether an answer that begins late, with as many rows as any before or more, was cut to as many, and how
        many requests it took to see. From then on no more are asked for at once. So many rows that were found whole
        some times are no limit: every session of a market may have as many."""
        requests = 0
        doubted = rows > self._came or (rows == self._came and self._whole < _WHOLE)
        if first - low >= timeframe.micros and doubted:
            for _ in range(2):
                before = self._get(symbol, timeframe, Ask(low, first, self._size(timeframe)), stop)
                requests += before.requests
                if before.first(low) < first:
                    self._cut = rows
                    note(f"{self.title} gives {rows:,} candles at most in one answer.")
                    return True, requests
            self._whole = self._whole + 1 if rows == self._came else 1
        elif rows > self._came:
            self._whole = 0
        self._came = max(self._came, rows)
        return False, requests

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
        start = max(to_us(_DAILY.floor(from_us(at))) - _DAY, self._oldest(_DAILY))
        for page in self._windows(symbol, _DAILY, start, last, stop, known=True, coarse=True):
            requests += page.requests
            if len(page.table):
                return max(at, int(micros(page.table)[0]) - 2 * _DAY), requests
        return max(at, last - 2 * _DAY), requests

    # ----------------------------------------------------------------------------------------- inside

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
