"""Closed candles of a feed into the store, in batches, from a thread of its own: a slow or broken store
never holds the feed up, and what it refused is kept and tried again."""

from __future__ import annotations

import threading
from typing import Any, Protocol

import pandas as pd

from lib import candles
from lib.errors import CandlebookError
from lib.series import Series

__all__ = ["EVERY", "Recorder", "Writable"]

EVERY = 5.0  # seconds between two writes of a series, at least
_KEPT = 20_000  # candles waiting for a store that refuses them, at most


class Writable(Protocol):
    """As much of the store as a recorder needs."""

    def write(
        self,
        series: Series,
        table: pd.DataFrame,
        *,
        origin: str,
        fetched_at: pd.Timestamp | None = None,
        filled: bool = False,
    ) -> Any: ...


class Recorder:
    """Writes the closed candles of one series. :meth:`add` never blocks and never raises; ``problem`` is
    a sentence while the store refuses, else empty."""

    def __init__(
        self, store: Writable, series: Series, *, synthetic: bool = False, every: float = EVERY
    ) -> None:
        self.store = store
        self.problem = ""
        self.written = 0
        self._series, self._synthetic, self._every = series, synthetic, every
        self._waiting: list[tuple[str, pd.Timestamp, pd.DataFrame]] = []
        self._change = threading.Condition()
        self._writing = threading.Lock()
        self._closing = False
        self._thread: threading.Thread | None = None

    def add(self, table: pd.DataFrame, origin: str) -> None:
        """Take closed candles to be stored within ``every`` seconds."""
        if not len(table):
            return
        with self._change:
            self._waiting.append((origin, pd.Timestamp.now(tz="UTC").as_unit("us"), table))
            self._forget()
            if self._thread is None and not self._closing:
                name = f"record {self._series}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()
            self._change.notify_all()

    def flush(self) -> bool:
        """Write what waits, now, in this thread. True when nothing waits any more."""
        with self._writing:
            with self._change:
                batch, self._waiting = self._waiting, []
            left = self._write(batch)
            with self._change:
                self._waiting = left + self._waiting
                return not self._waiting

    def close(self) -> None:
        """Write what waits and end the thread."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        self.flush()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
            self.flush()
            with self._change:
                # what comes meanwhile waits for the next write
                self._change.wait_for(lambda: self._closing, timeout=self._every)

    def _write(self, batch: list[tuple[str, pd.Timestamp, pd.DataFrame]]) -> list[Any]:
        """Write each origin's candles as one; what the store refused is given back."""
        left = []
        for origin in dict.fromkeys(one[0] for one in batch):
            mine = [one for one in batch if one[0] == origin]
            table = pd.concat([one[2] for one in mine])
            table = table[~table.index.duplicated(keep="last")].sort_index()[candles.COLUMNS]
            try:
                self.store.write(self._series, table, origin=origin, fetched_at=mine[-1][1])
                self._label()
                self.written += len(table)
                self.problem = ""
            except (CandlebookError, OSError) as error:
                self.problem = f"New candles could not be stored: {error}"
                left += mine
        return left

    def _label(self) -> None:
        if self._synthetic and (annotate := getattr(self.store, "annotate", None)) is not None:
            annotate(self._series, synthetic=True)
            self._synthetic = False

    def _forget(self) -> None:
        while len(self._waiting) > 1 and sum(len(one[2]) for one in self._waiting) > _KEPT:
            del self._waiting[0]
