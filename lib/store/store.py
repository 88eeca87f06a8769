"""The store: series of closed candles, read by window and timeframe, written by merging."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from lib.candles import from_micros, micros, require, resample, with_provenance
from lib.errors import CorruptFile, InputError, UnknownName
from lib.series import Series
from lib.store import layout, pyramid
from lib.store.cache import Blocks
from lib.store.files import Files, Tag
from lib.store.manifest import Event, Manifest, SeriesInfo, Written
from lib.store.writing import Writer, now_us
from lib.timeframes import Timeframe, from_us, parse, to_us

__all__ = ["Store"]

_NOTES = "store.json"
# inside Store the name list is its method
Infos = list[SeriesInfo]
_SMALL_LINES = 512


class Store:
    """Series of candles under one root. Safe for threads, and on a local root for processes.

    Errors: ``UnknownName`` for a series that is not there; ``CorruptFile`` naming a file that does not
    parse; ``StoreBusy`` when another writer holds a series for over 30 s; ``StoreError`` for the rest.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._blocks = Blocks(files)
        self._writer = Writer(files, self._blocks)
        self._manifests: dict[str, tuple[Tag, Manifest]] = {}
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
        observed one. When this returns the bars are on disk. One bar takes tens of milliseconds, so
        write in batches; a killed process loses nothing that was written before.
        """
        require(table)
        if not len(table):
            return Written()
        fetched = fetched_at if fetched_at is not None else from_us(now_us())
        return self._writer.write(series, with_provenance(table, origin, fetched, filled=filled))

    def annotate(
        self,
        series: Series,
        *,
        title: str | None = None,
        events: Sequence[Event] | None = None,
        synthetic: bool | None = None,
    ) -> None:
        """Set what is known of a series beside its candles; None leaves a thing as it is."""
        self._known(series)
        given: dict[str, Any] = {"title": title, "synthetic": synthetic}
        if events is not None:
            given["events"] = tuple(sorted(events, key=lambda event: event.time))
        changes = {name: value for name, value in given.items() if value is not None}

        def change(manifest: Manifest) -> Manifest:
            return replace(manifest, revision=manifest.revision + 1, **changes)

        with self._files.lock(layout.manifest_path(series)):
            self._writer.update(series, change)

    def delete(self, series: Series) -> None:
        """Remove a series with all its candles. Raises ``UnknownName``."""
        self._known(series)
        self._writer.delete(series)

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
        if wanted == series.timeframe:
            return self._base(series, self._known(series), low, high, last, provenance)
        if not series.timeframe.divides(wanted) or wanted < series.timeframe:
            raise InputError(
                f"{series} cannot be shown in candles of {wanted.words}.",
                remedy="Choose a timeframe that its own divides: "
                + ", ".join(str(step) for step in _shown(series.timeframe))
                + ".",
                timeframe=str(wanted),
            )
        if wanted in pyramid.levels_of(series.timeframe):
            return self._level(series, wanted, low, high, last, provenance)
        return self._resampled(series, wanted, low, high, last, provenance)

    def _base(
        self,
        series: Series,
        manifest: Manifest,
        low: int | None,
        high: int | None,
        last: int | None,
        provenance: bool,
    ) -> pd.DataFrame:
        kind = layout.kind_of(series.timeframe)
        pending = {name for each in manifest.pending.values() for name in each.parts}
        names = []
        for name in manifest.named_parts():
            # a partition that is being written may hold more than its entry says
            first, end = (
                layout.part_span(kind, name)
                if name in pending
                else (manifest.parts[name].first, manifest.parts[name].last + 1)
            )
            if (high is None or first < high) and (low is None or end > low):
                names.append(name)
        oldest = {name: manifest.parts[name].generation for name in names if name in manifest.parts}
        try:
            return self._collect(series, series.timeframe, names, oldest, low, high, last, provenance)
        except CorruptFile:
            now = self._known(series)  # deleted while we read: that is the better sentence
            if now.born == manifest.born:
                raise
            return self._base(series, now, low, high, last, provenance)

    def _level(
        self,
        series: Series,
        level: Timeframe,
        low: int | None,
        high: int | None,
        last: int | None,
        provenance: bool,
    ) -> pd.DataFrame:
        kind = layout.kind_of(level)
        for again in (False, True):
            manifest = self._known(series, whole=True)
            names = []
            for name in sorted(manifest.levels.get(str(level), {})):
                first, end = layout.part_span(kind, name)
                if (high is None or first < high) and (low is None or end > low):
                    names.append(name)
            oldest = {name: manifest.levels[str(level)][name].generation for name in names}
            try:
                return self._collect(series, level, names, oldest, low, high, last, provenance)
            except CorruptFile:
                if again:
                    raise
                # made from the base, so nothing is lost: make it again
                self._known(series)
                self._writer.rebuild(series)
        raise AssertionError("not reached")

    def _collect(
        self,
        series: Series,
        level: Timeframe,
        names: list[str],
        oldest: dict[str, int],
        low: int | None,
        high: int | None,
        last: int | None,
        provenance: bool,
    ) -> pd.DataFrame:
        """Windows of several partitions as one table; from the newest back where ``last`` is given.
        ``oldest`` has the least generation of those that must be there."""
        paths = {layout.level_path(series, level, name): name for name in names}
        found: list[pd.DataFrame] = []
        count = 0
        if last is None:
            walk = self._blocks.each(list(paths))
        else:
            walk = (pair for path in reversed(paths) for pair in self._blocks.each([path]))
        for path, block in walk:
            least = oldest.get(paths[path], 0)
            if (block.generation if block else 0) < least:
                raise CorruptFile(
                    f"The stored file {self.url.rstrip('/')}/{path} is "
                    + ("older than what was written." if block else "missing."),
                    remedy="Put it back from a copy, or delete the series and download it again.",
                    path=path,
                )
            if block is None:
                continue
            left = None if last is None else last - count
            table = block.window(low, high, left, provenance=provenance)
            found.append(table)
            count += len(table)
            if last is not None and count >= last:
                break
        if last is not None:
            found.reverse()
        return _joined(found, provenance)

    def _resampled(
        self,
        series: Series,
        wanted: Timeframe,
        low: int | None,
        high: int | None,
        last: int | None,
        provenance: bool,
    ) -> pd.DataFrame:
        source = [
            step for step in (series.timeframe, *pyramid.levels_of(series.timeframe))
            if step < wanted and step.divides(wanted)
        ][-1]  # fmt: skip
        if low is not None and (floored := _floor(wanted, low)) != low:
            low = _after(wanted, floored)
        if high is not None:
            high = _after(wanted, _floor(wanted, high - 1))
        bars = None
        if last is not None:
            # no bucket holds more bars than this, so these reach back over at least `last` whole ones
            bars = (last + 2) * (math.ceil(wanted.micros * 1.03 / source.micros) + 1)
        if source == series.timeframe:
            table = self._base(series, self._known(series), low, high, bars, provenance)
        else:
            table = self._level(series, source, low, high, bars, provenance)
        made = resample(table, wanted)
        return made if last is None else made.iloc[-last:]

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
        return self._known(series, whole=True).info()

    def revision(self, series: Series) -> str:
        """A word that changes with every write to the series. One ``stat`` on a local root."""
        manifest = self._known(series)
        return f"{manifest.born}-{manifest.revision}"

    def list(self) -> Infos:
        """Every series, by source, symbol and timeframe. One small file a series."""
        paths = [path for path in self._files.find(layout.MANIFESTS) if path.endswith(".json")]
        found = []
        for manifest in self._manifests_of(paths):
            if manifest.exists and manifest.pending:
                healed = self._healed(manifest)
                if healed is None:
                    continue
                manifest = healed
            if manifest.exists and manifest.parts:
                found.append(manifest.info())
        return sorted(
            found, key=lambda info: (info.series.source, info.series.symbol, info.series.timeframe.seconds)
        )

    def _manifests_of(self, paths: Sequence[str]) -> Iterable[Manifest]:
        if self._files.local:
            found = [self._manifest_at(path) for path in paths]
            return [manifest for manifest in found if manifest]
        read = zip(paths, self._files.read_many(paths), strict=True)
        return [Manifest.from_bytes(data, f"{self.url}/{path}") for path, data in read if data]

    def _manifest_at(self, path: str) -> Manifest | None:
        tag = self._files.tag(path) if self._files.local else None
        held = self._manifests.get(path)
        if tag is not None and held and held[0] == tag:
            return held[1]
        read = self._files.read(path)
        if read is None:
            self._manifests.pop(path, None)
            return None
        manifest = Manifest.from_bytes(read[0], f"{self.url.rstrip('/')}/{path}")
        self._manifests[path] = (read[1], manifest)
        return manifest

    def _known(self, series: Series, *, whole: bool = False) -> Manifest:
        """The manifest of a series that is there; with ``whole`` after healing what was left undone."""
        manifest = self._manifest_at(layout.manifest_path(series))
        if manifest is not None and manifest.exists and manifest.pending and whole:
            manifest = self._healed(manifest)
        if manifest is None or not manifest.exists or (whole and not manifest.parts):
            raise UnknownName(
                f"There is no series {series} in the store.",
                remedy="Add it on the Home page: open a file, or download its history.",
                series=series.slug,
            )
        return manifest

    def _healed(self, manifest: Manifest) -> Manifest | None:
        self._writer.heal(manifest.series, wait=False)
        return self._manifest_at(layout.manifest_path(manifest.series))

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


def _joined(tables: list[pd.DataFrame], provenance: bool) -> pd.DataFrame:
    full = [table for table in tables if len(table)]
    if len(full) == 1:
        return full[0]
    if not full:
        bare = from_micros(np.empty(0, np.int64), {name: np.empty(0) for name in _COLUMNS})
        return with_provenance(bare, "", pd.Timestamp(0, tz="UTC")) if provenance else bare
    if provenance:
        return pd.concat(full)
    # four times faster than concat for few rows
    columns = {name: np.concatenate([table[name].to_numpy() for table in full]) for name in _COLUMNS}
    return from_micros(np.concatenate([micros(table) for table in full]), columns)


_COLUMNS = ("open", "high", "low", "close", "volume")


def _shown(base: Timeframe) -> list[Timeframe]:
    return [base, *pyramid.levels_of(base)]


def _ticks(time: pd.Timestamp | None, what: str) -> int | None:
    if time is None:
        return None
    if time.tz is None:
        raise InputError(f"The {what} {time} has no zone.", remedy="Say which zone it is in.")
    us = to_us(time)
    # a bound between two microseconds stands for the next one, as no candle opens in between
    return us + 1 if from_us(us) < time else us


def _floor(timeframe: Timeframe, us: int) -> int:
    return int(timeframe.floor_us(np.array([us], dtype=np.int64))[0])


def _after(timeframe: Timeframe, us: int) -> int:
    if not timeframe.is_calendar:
        return us + timeframe.micros
    return to_us(timeframe.after(from_us(us)))
