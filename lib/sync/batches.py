"""Pages into the store: kept at once in a journal, merged many at a time.

What was merged or kept outlives a kill, so that only what was under way is fetched again. A merge of
one page of 1,000 one-minute candles takes about 20 ms and one of twenty 60 ms, as the coarser candles are made
again each time; a page in the journal takes about 1 ms.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.candles import COLUMNS, merge
from lib.errors import UnknownName
from lib.series import Series
from lib.sources.base import Source
from lib.timeframes import from_us, to_us

if TYPE_CHECKING:
    from lib.store import Store

__all__ = ["Batches", "Known"]

# Merged after this many pages, rows or seconds, whichever comes first.
_PAGES = 20
_ROWS = 100_000
_SECONDS = 5.0
# Where nothing keeps the pages meanwhile (a store on S3, and no folder for its cache).
_PAGES_REMOTE = 10
_SECONDS_REMOTE = 2.0

# Opens in [start, end) that a source was asked for, and why some are missing.
Known = tuple[pd.Timestamp, pd.Timestamp, str]


class Batches:
    """Puts the pages of one download into the store."""

    def __init__(self, store: Store, series: Series, source: Source, origin: str) -> None:
        self._store, self._series, self._source, self._origin = store, series, source, origin
        self._journal = store.journal(series)
        self._pages: list[pd.DataFrame] = []
        self._known: list[Known] = []
        self._fetched: pd.Timestamp | None = None
        self._since = time.monotonic()
        self.added = self.changed = self.revised = 0
        self.first: pd.Timestamp | None = None
        self.last: pd.Timestamp | None = None

    def recover(self) -> int:
        """Merge what a download that was killed had kept; how many candles are new by that."""
        added = 0
        tables: dict[str, list[pd.DataFrame]] = {}
        known: dict[str, list[Known]] = {}
        for said, table in self._journal.left():
            tables.setdefault(said["origin"], []).append(table)
            known.setdefault(said["source"], []).extend(
                (from_us(start), from_us(end), why) for start, end, why in said["known"]
            )
        for origin, kept in tables.items():
            table = merge(*kept)
            if len(table):
                newest = pd.Timestamp(table["fetched_at"].max())
                added += self._store.write(
                    self._series, table[COLUMNS], origin=origin, fetched_at=newest
                ).added
        for source, found in known.items():
            self._remember(source, found)
        self._journal.clear()
        return added

    def add(self, table: pd.DataFrame, known: Sequence[Known]) -> None:
        """Take a page: its candles, and what the source is known not to have beside them."""
        self._fetched = pd.Timestamp.now(tz="UTC").as_unit("us")
        if not len(table) and not known:
            return
        said: dict[str, Any] = {
            "source": self._source.name,
            "known": [(to_us(start), to_us(end), why) for start, end, why in known],
        }
        self._journal.append(table, self._origin, self._fetched, said)
        self._pages.append(table)
        self._known += known
        if self._full():
            self.flush()

    def _full(self) -> bool:
        if self._journal.keeps:
            pages, seconds = _PAGES, _SECONDS
        elif self._store.has_journal:  # another download of the series holds the journal
            return True
        else:
            pages, seconds = _PAGES_REMOTE, _SECONDS_REMOTE
        rows = sum(map(len, self._pages))
        return len(self._pages) >= pages or rows >= _ROWS or time.monotonic() - self._since > seconds

    def flush(self) -> None:
        """Merge what was taken."""
        self._since = time.monotonic()
        if not self._pages:
            return
        full = [page for page in self._pages if len(page)]
        if full:
            self._merge(full[0] if len(full) == 1 else pd.concat(full))
        self._remember(self._source.name, self._known)
        self._pages, self._known = [], []
        self._journal.clear()

    def _merge(self, table: pd.DataFrame) -> None:
        written = self._store.write(self._series, table, origin=self._origin, fetched_at=self._fetched)
        if self._source.synthetic and self.first is None:
            self._store.annotate(self._series, synthetic=True)
        self.added += written.added
        self.changed += written.changed
        self.revised += written.revised
        self.first = table.index[0] if self.first is None else min(self.first, table.index[0])
        self.last = table.index[-1] if self.last is None else max(self.last, table.index[-1])

    def _remember(self, source: str, known: Sequence[Known]) -> None:
        from lib.store import GapState

        states = [GapState(start, end, "unfillable", source, note=why) for start, end, why in known]
        try:
            self._store.set_gap_states(self._series, states)
        except UnknownName:
            return  # not one candle is stored: there is no series to say it of

    def close(self) -> None:
        """Let go of the journal. What was not merged stays in it for the next download."""
        self._journal.close()
