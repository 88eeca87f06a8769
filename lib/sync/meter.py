"""Turns pages into progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from lib.sync.model import Progress
from lib.sync.planning import Ask

__all__ = ["Meter"]


class Meter:
    """:class:`Progress` from pages. Times stand for candles: their lengths are known beforehand."""

    def __init__(self, asks: list[Ask], tell: Callable[[Progress], None]) -> None:
        clock = pd.Timestamp.now(tz="UTC")
        self._bounds = {ask: (ask.start, clock if ask.end is None else min(ask.end, clock)) for ask in asks}
        self._total = sum(map(self._length, self._bounds))
        self._finished = 0.0
        self._tell = tell
        self._began = time.monotonic()
        self.now = Progress(done=0.0 if asks else 1.0)

    def page(self, ask: Ask, table: pd.DataFrame, requests: int, until: pd.Timestamp) -> None:
        """A page of an ask came."""
        start, end = self._bounds[ask]
        if start is None and len(table):  # only now is it known where the ask begins
            start = table.index[0]
            self._bounds[ask] = (start, end)
            self._total += self._length(ask)
        here = 0.0 if start is None else max(0.0, (min(until, end) - start).total_seconds())
        self._set(self._finished + here, until, len(table), requests)

    def finish(self, ask: Ask) -> None:
        """All of an ask came."""
        self._finished += self._length(ask)
        self._set(self._finished, self.now.until, 0, 0)

    def say(self, text: str) -> None:
        """What is being waited for; an empty text: nothing."""
        self.now = replace(self.now, note=text)
        self._tell(self.now)

    def _length(self, ask: Ask) -> float:
        start, end = self._bounds[ask]
        return 0.0 if start is None else max(0.0, (end - start).total_seconds())

    def _set(self, seconds: float, until: pd.Timestamp | None, candles: int, requests: int) -> None:
        done = min(1.0, seconds / self._total) if self._total else 0.0
        if self._bounds and seconds >= self._total and self.now.until is not None:
            done = 1.0
        done = max(done, self.now.done)
        spent = max(time.monotonic() - self._began, 1e-6)
        candles += self.now.candles
        self.now = Progress(
            done=done,
            candles=candles,
            requests=self.now.requests + requests,
            until=until,
            rate=candles / spent,
            eta_seconds=spent * (1 - done) / done if done else None,
        )
        self._tell(self.now)
