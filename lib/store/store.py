"""The store: series of closed candles, read by window and timeframe, written by merging."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.candles import require
from lib.errors import CorruptFile, InputError, StoreError
from lib.series import Series
from lib.store import layout, pyramid
from lib.store.cache import Blocks, Manifests
from lib.store.encoding import stamped
from lib.store.files import Files
from lib.store.journal import Journal
from lib.store.manifest import Catalog, Event, Manifest, SeriesInfo, Written
from lib.store.raising import now_us
from lib.store.reading import Reader
from lib.store.records import GapState, LedgerEntry, Moments, Records
from lib.store.windows import Window
from lib.store.writing import Writer
from lib.timeframes import Timeframe, from_us, parse, to_us

__all__ = ["Store"]

_NOTES = "store.json"
# inside Store the name list is its method
Infos = list[SeriesInfo]
_SMALL_LINES = 512
_EVER = 2**62


class Store:
    """Series of candles under one root. Safe for threads, and on a local root for processes.

    ``beside`` is a folder of this machine for the pages of downloads, where the root is not one.

    Errors: ``UnknownName`` for a series that is not there; ``CorruptFile`` naming a file that does not
    parse; ``StoreBusy`` when another writer holds a series for over 30 s; ``StoreError`` for the rest.
    """

    def __init__(self, files: Files, *, beside: Path | None = None) -> None:
        self._files, self._beside = files, beside
        self._blocks = Blocks(files)
        self._manifests = Manifests(files)
        self._writer = Writer(files, self._blocks, self._manifests)
        self._reader = Reader(
            self._blocks, self._manifests, self._writer, files.name, local=files.local or not files.keeps
        )
        self._records = Records(files)
        self._lines: dict[tuple[Series, int], tuple[str, np.ndarray[Any, Any]]] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it is."""
        return self._files.name

    @property
    def is_local(self) -> bool:
        """True for a folder of this machine."""
        return self._files.local

    @property
    def has_journal(self) -> bool:
        """True where pages of a download can be kept before they are merged."""
        return self._files.local or self._beside is not None

    # --------------------------------------------------------------------------------------- writing

    def write(
        self,
        series: Series,
        table: pd.DataFrame,
        *,
        origin: str,
        fetched_at: pd.Timestamp | None = None,
        filled: bool = False,
    ) -> Written:
        """Merge closed, conformed candles into a series, making it where it is new.

        At one time the newest ``fetched_at`` (default: now) wins, and a filled bar never replaces an
        observed one. When this returns the bars are on disk. One bar takes about 10 ms, so write
        in batches where there are more; a killed process loses nothing that was written before.
        """
        require(table)
        if not len(table):
            return Written()
        fetched = fetched_at if fetched_at is not None else from_us(now_us())
        return self._writer.write(series, [stamped(table, origin, fetched, filled=filled)])[0]

    def write_all(self, series: Series, tables: Iterable[tuple[pd.DataFrame, str]]) -> tuple[Written, ...]:
        """Merge several tables, each with its origin, one after the other: what each did. As many calls of
        :meth:`write`, where the last one stands, but each partition that they share is stored only once."""
        kept: list[pa.Table] = []
        now = now_us()
        for number, (table, origin) in enumerate(tables):
            require(table)
            kept.append(stamped(table, origin, from_us(now + number), filled=False))
        return tuple(self._writer.write(series, kept))

    def annotate(
        self,
        series: Series,
        *,
        title: str | None = None,
        events: Sequence[Event] | None = None,
        synthetic: bool | None = None,
        calendar: str | None = None,
    ) -> None:
        """Set what is known of a series beside its candles; None leaves a thing as it is. ``calendar``
        names the one that says which candles to expect, "" for none."""
        self._reader.known(series)
        given: dict[str, Any] = {"title": title, "synthetic": synthetic, "calendar": calendar}
        if events is not None:
            given["events"] = tuple(sorted(events, key=lambda event: event.time))
        changes = {name: value for name, value in given.items() if value is not None}

        def change(manifest: Manifest) -> Manifest:
            return replace(manifest, revision=manifest.revision + 1, **changes)

        with self._files.lock(layout.manifest_path(series)):
            self._writer.update(series, change)

    def unfill(
        self, series: Series, start: pd.Timestamp | None = None, end: pd.Timestamp | None = None
    ) -> int:
        """Take filled bars that open in ``[start, end)`` out again; how many there were. What was filled
        is a gap again. Observed bars are never touched. Raises ``InputError`` where nothing would be left.
        """
        info = self.info(series)
        if not info.filled:
            return 0
        low, high = _ticks(start, "start"), _ticks(end, "end")
        if info.filled == info.count:
            raise InputError(f"{series} has none but filled bars.", remedy="Delete it instead.")
        return self._writer.unfill(series, -_EVER if low is None else low, _EVER if high is None else high)

    def delete(self, series: Series) -> None:
        """Remove a series with all its candles, and what was written down of it. Raises ``UnknownName``."""
        self._reader.known(series)
        self._writer.delete(series)
        Journal.drop(self._files, layout.journal_path(series), self._beside)

    # --------------------------------------------------------------------------------------- reading

    def read(
        self,
        series: Series,
        *,
        timeframe: Timeframe | str | None = None,
        start: pd.Timestamp | None = None,
        end: pd.Timestamp | None = None,
        last: int | None = None,
        provenance: bool = False,
    ) -> pd.DataFrame:
        """The candles that open in ``[start, end)``, the newest ``last`` of them where given; a new
        table each time.

        ``timeframe`` is the series' own or one it divides: taken from the pyramid, or made from the
        coarsest level that divides it. The newest coarser candle may still lack bars to come. With
        ``provenance`` the columns ``origin fetched_at filled`` follow. Raises ``UnknownName`` for a series
        that is not there, ``InputError`` for a timeframe it does not divide.
        """
        wanted = parse(timeframe) if timeframe is not None else series.timeframe
        low, high = _ticks(start, "start"), _ticks(end, "end")
        if last is not None and last <= 0:
            last, low, high = None, 0, 0
        if not series.timeframe.divides(wanted) or wanted < series.timeframe:
            raise InputError(
                f"{series} cannot be shown in candles of {wanted.words}.",
                remedy="Choose a timeframe that its own divides: "
                + ", ".join(str(step) for step in (series.timeframe, *pyramid.levels_of(series.timeframe)))
                + ".",
                timeframe=str(wanted),
            )
        return self._reader.read(series, wanted, Window(low, high, last, provenance))

    def closes(self, series: Series, points: int = 60) -> np.ndarray[Any, Any]:
        """About ``points`` closes over the whole series, evenly by bar, the last one included: for a
        small line. From the coarsest level that has enough; kept until the series changes."""
        revision = self.revision(series)
        held = self._lines.get((series, points))
        if held and held[0] == revision:
            return held[1]
        info = self.info(series)
        span = (info.last - info.first).total_seconds()
        enough = [
            level for level in pyramid.levels_of(series.timeframe) if span / level.seconds >= points * 1.5
        ]
        table = self.read(series, timeframe=enough[-1] if enough else None)
        values: np.ndarray[Any, Any] = table["close"].to_numpy()
        if len(values) > points:
            values = values[np.linspace(0, len(values) - 1, points).round().astype(np.int64)]
        with self._lock:
            if len(self._lines) >= _SMALL_LINES:
                self._lines.clear()
            self._lines[series, points] = (revision, values)
        return values

    # ------------------------------------------------------------------------------------- what is there

    def info(self, series: Series) -> SeriesInfo:
        """What is stored of a series, from its manifest alone. Raises ``UnknownName``."""
        return self._reader.known(series, whole=True).info()

    def revision(self, series: Series) -> str:
        """A word that changes with every write to the series. One ``stat`` on a local root."""
        manifest = self._reader.known(series)
        return f"{manifest.born}-{manifest.revision}"

    def list(self) -> Infos:
        """Every series that can be opened, by source, symbol and timeframe: see :meth:`catalog`."""
        return [*self.catalog().series]

    def catalog(self) -> Catalog:
        """Every series, and the errors of those that are damaged. One small file a series.

        Raises ``StoreError`` only where the store itself cannot be listed."""
        tags = self._files.tags(layout.MANIFESTS)
        listed = {path: tags[path] for path in sorted(tags) if path.endswith(".json")}
        infos: Infos = []
        damaged = []
        for path, found in self._manifests.each(listed):
            try:
                manifest = self._whole(path, found)
            except StoreError as error:
                damaged.append(error)
            else:
                if manifest is not None and manifest.exists and manifest.parts:
                    infos.append(manifest.info())
        infos.sort(key=lambda info: (info.series.source, info.series.symbol, info.series.timeframe.seconds))
        return Catalog(tuple(infos), tuple(damaged))

    def _whole(self, path: str, found: Manifest | StoreError) -> Manifest | None:
        """A manifest as it was found, healed where it needs that. Raises the error it was found with."""
        if isinstance(found, Manifest):
            return self._reader.healed(found.series) if found.exists and found.pending else found
        series = layout.series_of(path)
        if series is None or not isinstance(found, CorruptFile):
            raise found
        return self._reader.healed(series)

    # --------------------------------------------------------------------------------- syncs and gaps

    def ledger(self, series: Series) -> tuple[LedgerEntry, ...]:
        """The newest 1,000 syncs of a series, newest last. One small file."""
        return self._records.ledger(series)

    def log(self, series: Series, entry: LedgerEntry) -> None:
        """Write down a sync of a series that is there; one that began at the same moment with the same
        source is replaced. Raises ``UnknownName``."""
        self._reader.known(series)
        self._records.log(series, entry)

    def gap_states(self, series: Series) -> tuple[GapState, ...]:
        """What was written down of a series' gaps, by start. One small file. An "unfillable" span says
        that its source has no more than it gave there, so stored candles may lie in it. What a killed sync was
        filling is left out: its line in the ledger is no longer "running", or nobody holds its journal."""
        states = self._records.gap_states(series)
        if all(state.state != "filling" for state in states):
            return states
        going = {(entry.at, entry.source) for entry in self.ledger(series) if entry.outcome == "running"}
        if self._files.local and Journal.is_held(self._files, layout.journal_path(series)) is False:
            going = set()
        return tuple(state for state in states if state.state != "filling" or (state.at, state.by) in going)

    def set_gap_states(self, series: Series, states: Iterable[GapState]) -> None:
        """Write down what became of gaps, over what was said of the same spans before; what two sources
        lack is kept beside each other. "detected" takes everything back. Raises ``UnknownName``."""
        self._reader.known(series)
        self._records.set_gap_states(series, states)

    def end_filling(
        self, series: Series, by: str, spans: Iterable[Moments], observed: Iterable[Moments]
    ) -> None:
        """Take back that the source ``by`` is "filling" ``spans``: what was said of them before holds again. Of
        ``observed``, which are gaps no longer, nothing is said any more."""
        self._records.end_filling(series, by, spans, observed)

    def journal(self, series: Series) -> Journal:
        """Where a download keeps pages that it has not merged yet; to be closed by who asks for it."""
        return Journal.hold(self._files, layout.journal_path(series), self._beside)

    # ----------------------------------------------------------------------------------------- notes

    def note(self, key: str) -> Any:
        """Something the program wrote down about the store as a whole, as JSON; None where it did not."""
        read = self._files.read(_NOTES)
        try:
            return json.loads(read[0]).get(key) if read else None
        except ValueError as error:
            raise CorruptFile(f"The stored file {self.url}/{_NOTES} cannot be read.", path=_NOTES) from error

    def set_note(self, key: str, value: Any) -> None:
        """Write something down about the store. The last writer of a key wins."""
        with self._files.lock(_NOTES):
            read = self._files.read(_NOTES)
            notes = {**(json.loads(read[0]) if read else {}), key: value}
            self._files.write(_NOTES, json.dumps(notes).encode(), read[1] if read else None)

    def lock(self, name: str) -> Any:
        """A context that one process at a time is in, for work on the store as a whole."""
        return self._files.lock(name)


def _ticks(time: pd.Timestamp | None, what: str) -> int | None:
    if time is None:
        return None
    if time.tz is None:
        raise InputError(f"The {what} {time} has no zone.", remedy="Say which zone it is in.")
    us = to_us(time)
    # a bound between two microseconds stands for the next one, as no candle opens in between
    return us + 1 if from_us(us) < time else us
