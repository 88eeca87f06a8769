"""What adapters over REST share whatever way they go: an answer and what of it is closed, the list of symbols,
and what is said of a name that is not there.

**A candle is closed** when this machine's clock and the server's both say so, or when another follows it; so a
wrong clock on either side never stores a forming candle. **A row that cannot be** (a high under the low) spoils
its page at first: it is asked for twice more. Where the row stays as it is, it is left out, counted in
``Page.refused`` and told, and the rest of the page is kept, provided that nine in ten rows are in order.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass

import pandas as pd

from lib.candles import empty, micros
from lib.errors import CandlebookError, UnknownName
from lib.sources import catalog
from lib.sources.base import note
from lib.sources.batch import Ask, Batch, Spoilt
from lib.sources.http import Answer
from lib.sources.limits import Clock
from lib.timeframes import Timeframe, to_us

__all__ = ["Asking", "Got"]

_MOST_REFUSED = 0.1


@dataclass(frozen=True, slots=True)
class Got:
    """An answer to ``ask``: the ``closed`` candles in ``batch``, the ``forming`` one, and whether that it is
    forming is ``sure``: said by the provider, or by this machine's clock as well; ``requests`` it took."""

    ask: Ask
    batch: Batch
    closed: pd.DataFrame
    forming: pd.DataFrame
    sure: bool
    requests: int

    @property
    def full(self) -> bool:
        """Whether there may be more behind it."""
        return self.batch.rows >= self.ask.limit

    def first(self, at: int) -> float:
        """The open of the first closed candle at or after ``at`` (µs), endless where there is none."""
        opens = micros(self.closed)
        place = int(opens.searchsorted(at))
        return int(opens[place]) if place < len(opens) else float("inf")

    def has(self, at: int) -> bool:
        """Whether a closed candle opens then (µs)."""
        return self.first(at) == at


class Asking(ABC):
    """Base of the adapters over REST: one question at a time. Subclasses give the attributes of ``Source`` and
    :meth:`_fetch`, :meth:`_load`; ``page`` is how many candles come at most in one answer."""

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
    # May give fewer candles than it was asked for, and then the newest of them.
    may_cut = False
    # The most candles that came in an answer, how often such an answer was found whole, and how many come at most
    # where that was found to be fewer than a page.
    _came, _whole, _cut = 0, 0, 0
    # Gives the newest candles when asked without a start.
    newest = True
    # Requests under way at once, in all long walks together: those of so many pages, where pages can be told beforehand.
    ahead, ahead_from = 1, 200
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

    def symbols(self) -> tuple[str, ...]:
        """See ``Source``; kept for an hour."""
        return catalog.listed(self._key, self._clock, lambda: self._load(30.0))

    def _get(
        self,
        symbol: str,
        timeframe: Timeframe,
        ask: Ask,
        stop: threading.Event | None,
        patience: float = 120.0,
    ) -> Got:
        """Ask, and tell what is closed at the moment the answer came."""
        try:
            answer = self._fetch(symbol, timeframe, ask, stop, patience)
        except UnknownName as error:
            raise self._unknown(symbol) from error
        except Spoilt as spoilt:
            batch = spoilt.batch
            if len(batch.refused) > max(1, _MOST_REFUSED * batch.rows):
                raise
            note(f"{spoilt.message} Left out.")
            answer = Answer(batch, None, int(spoilt.fields.get("requests", 1)))
        return Got(ask, answer.value, *self._split(answer, timeframe), answer.requests)

    def _split(self, answer: Answer[Batch], timeframe: Timeframe) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
        """Closed candles, the forming one, and whether that is sure."""
        table, complete = answer.value.table, answer.value.complete
        if not len(table) or complete:
            return table, empty(), True
        ours = self._clock.time()
        theirs = ours if answer.server_time is None else answer.server_time
        closes = to_us(timeframe.after(table.index[-1])) / 1e6
        if complete is None and closes <= min(ours, theirs):
            return table, empty(), True
        return table.iloc[:-1], table.iloc[-1:], complete is not None or closes > ours

    def _oldest(self, timeframe: Timeframe) -> int:
        """What may be asked for begins here (µs since 1970)."""
        return self.earliest

    def _size(self, timeframe: Timeframe) -> int:
        """How many candles a page may hold."""
        return min(self.page, self._cut) if self._cut else self.page

    def _unknown(self, symbol: str) -> UnknownName:
        try:
            known = catalog.listed(self._key, self._clock, lambda: self._load(5.0))
        except CandlebookError:  # a list that cannot be had is no reason to hide what is wrong
            known = ()
        near = catalog.nearest(symbol, known)
        remedy = f"Did you mean {' or '.join(near)}?" if near else self.spelling
        if symbol in known:
            remedy = "Its own list has it, though: there may be no candles of it, or none for this key."
        return UnknownName(
            f"{self.title} has no symbol {symbol!r}.",
            remedy=remedy,
            source=self.name,
            symbol=symbol,
        )
