"""Reading: which partitions a window meets, and one table of them.

A window of the base is cut from its partitions. A coarser timeframe comes from its level of the pyramid,
and its newest bucket, which no level holds, from the base; a timeframe that has no level is made from the
coarsest one that divides it.
"""

from __future__ import annotations

import math
from collections.abc import Set
from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.candles import COLUMNS, empty, from_micros, micros, resample, with_provenance
from lib.errors import CorruptFile, UnknownName
from lib.series import Series
from lib.store import layout, pyramid
from lib.store.cache import Blocks, Manifests
from lib.store.manifest import Manifest
from lib.store.raising import now_us
from lib.store.writing import Writer
from lib.timeframes import Timeframe, from_us, to_us

__all__ = ["Reader", "Window"]

# A manifest's word on the levels is taken for so long, s: about as long as a writer may be at it before others
# finish its work.
_FRESH = 60.0
# µs by which the clock may be wrong
_SKEW = 600_000_000


class Window(NamedTuple):
    """Opens in ``[start, end)`` µs, the newest ``last`` of them; None is no bound."""

    start: int | None = None
    end: int | None = None
    last: int | None = None
    provenance: bool = False

    def meets(self, first: int, end: int) -> bool:
        """Whether bars that open in ``[first, end)`` can lie in it."""
        return (self.end is None or first < self.end) and (self.start is None or end > self.start)


class Reader:
    """The reading half of a store."""

    def __init__(
        self, blocks: Blocks, manifests: Manifests, writer: Writer, place: str, *, local: bool
    ) -> None:
        self._blocks = blocks
        self._manifests = manifests
        self._writer = writer
        self._place = place.rstrip("/")
        self._local = local

    def known(self, series: Series, *, whole: bool = False) -> Manifest:
        """The manifest of a series that is there; with ``whole`` after healing what was left undone."""
        try:
            manifest = self._manifest(series)
        except CorruptFile:
            manifest = self.healed(series)
        if manifest is not None and manifest.exists and manifest.pending and whole:
            manifest = self.healed(series)
        if manifest is None or not manifest.exists or (whole and not manifest.parts):
            raise UnknownName(
                f"There is no series {series} in the store.",
                remedy="Add it on the Home page: open a file, or download its history.",
                series=series.slug,
            )
        return manifest

    def healed(self, series: Series) -> Manifest | None:
        """The manifest after finishing or repairing, unless another writer is at it."""
        self._writer.heal(series, wait=False)
        return self._manifest(series)

    def _manifest(self, series: Series) -> Manifest | None:
        found = self._manifests.open(layout.manifest_path(series))
        return found[0] if found else None

    # ---------------------------------------------------------------------------------------- windows

    def read(self, series: Series, wanted: Timeframe, window: Window) -> pd.DataFrame:
        """A window of the base, or of a timeframe that it divides."""
        if wanted == series.timeframe:
            found = None if self._local else self._direct(series, wanted, window)
            return found if found is not None else self._base(series, self.known(series), window)
        if wanted in pyramid.levels_of(series.timeframe):
            found = None if self._local else self._direct(series, wanted, window)
            return found if found is not None else self._level(series, wanted, window)
        return self._resampled(series, wanted, window)

    def _base(self, series: Series, manifest: Manifest, window: Window) -> pd.DataFrame:
        kind = layout.kind_of(series.timeframe)
        pending = {name for each in manifest.pending.values() for name in each.parts}

        def span(name: str) -> tuple[int, int]:
            if name in pending:  # it is being written, and may hold more than its entry says
                return layout.part_span(kind, name)
            return manifest.parts[name].first, manifest.parts[name].last + 1

        names = [name for name in manifest.named_parts() if window.meets(*span(name))]
        oldest = {name: manifest.parts[name].generation for name in names if name in manifest.parts}
        sure = (manifest.born, oldest.keys() - pending)
        try:
            return self._collect(series, series.timeframe, names, oldest, window, sure)
        except CorruptFile:
            now = self.known(series)  # deleted while we read: that is the better sentence
            if now.born == manifest.born:
                raise
            return self._base(series, now, window)

    def _direct(self, series: Series, level: Timeframe, window: Window) -> pd.DataFrame | None:
        """A window by the one or two partitions it must lie in, without asking for the manifest: on S3
        that is a request less. None where that cannot tell, or would not save one.

        The base is what is stored, whatever the manifest says. A coarser level may be behind it, so it is
        read this way only while a manifest that was asked for a moment ago says that it is whole.
        """
        seen = self._manifests.last_seen(layout.manifest_path(series))
        base = level == series.timeframe
        if not base and not self._is_whole(series, seen):
            return None
        kind = layout.kind_of(level)
        there = _parts_seen(seen, level, base=base)
        bounded = _until_now(window, kind, there)
        if bounded is None:
            return None
        names = _names_of(kind, bounded)
        paths = [layout.level_path(series, level, name) for name in names]
        # what is held is known to be the newest by asking for the manifest alone
        by_manifest = not base or window.end is None
        if not names or (by_manifest and all(self._blocks.holds(path) for path in paths)):
            return None
        return self._partitions(dict(zip(paths, names, strict=True)), bounded, seen, there, bool(kind))

    def _partitions(
        self, paths: dict[str, str], window: Window, seen: Manifest | None, there: Set[str], parted: bool
    ) -> pd.DataFrame | None:
        """What partitions hold of a window; None where one is missing that may be there, and where the bars
        asked for reach further back."""
        tables: list[pd.DataFrame] = []
        left = window.last
        for some in [list(paths)] if left is None else [[path] for path in reversed(paths)]:
            for path, block in self._blocks.each(some, born=seen.born if seen else ""):
                if block is None:
                    if seen is None or paths[path] in there:
                        return None
                    continue
                tables.append(block.window(window.start, window.end, left, provenance=window.provenance))
            left = None if left is None else left - sum(len(table) for table in tables[-1:])
            if left is not None and left <= 0:
                break
        reaches_back = left is not None and left > 0 and window.start is None and parted
        if reaches_back or not tables:
            return None
        return _joined(tables if window.last is None else tables[::-1], window.provenance)

    def _is_whole(self, series: Series, seen: Manifest | None) -> bool:
        """Whether the levels hold every bucket: on S3 they do, but where a writer is at it or died, and
        after the store was moved from a place that locks."""
        return (
            seen is not None and seen.exists and not seen.pending and seen.tail is None
            and self._manifests.age(layout.manifest_path(series)) < _FRESH
        )  # fmt: skip

    def _level(self, series: Series, level: Timeframe, window: Window) -> pd.DataFrame:
        manifest = self.known(series, whole=True)
        try:
            return self._level_now(series, manifest, level, window)
        except CorruptFile:
            self.known(series)
            # levels are made from the base, so nothing is lost: make them again
            self._writer.rebuild(series)
        return self._level_now(series, self.known(series, whole=True), level, window)

    def _level_now(
        self, series: Series, manifest: Manifest, level: Timeframe, window: Window
    ) -> pd.DataFrame:
        base = series.timeframe
        edge = None if manifest.tail is None else pyramid.edge(base, level, manifest.tail)
        if edge is None or not window.meets(edge, 2**62):
            return self._whole_buckets(series, manifest, level, window)
        first = edge - pyramid.reach(base)
        bars = self._base(series, manifest, Window(first, provenance=window.provenance))
        since = edge if window.start is None else max(edge, window.start)
        tail = _cut(resample(bars, level, base), window._replace(start=since))
        left = None if window.last is None else window.last - len(tail)
        if left == 0:
            return tail
        older = window._replace(end=edge, last=left)
        return _joined([self._whole_buckets(series, manifest, level, older), tail], window.provenance)

    def _whole_buckets(
        self, series: Series, manifest: Manifest, level: Timeframe, window: Window
    ) -> pd.DataFrame:
        kind = layout.kind_of(level)
        parts = manifest.levels.get(str(level), {})
        names = [name for name in sorted(parts) if window.meets(*layout.part_span(kind, name))]
        oldest = {name: parts[name].generation for name in names}
        sure = (manifest.born, set() if manifest.pending else set(names))
        return self._collect(series, level, names, oldest, window, sure)

    def _resampled(self, series: Series, wanted: Timeframe, window: Window) -> pd.DataFrame:
        source = [
            step for step in (series.timeframe, *pyramid.levels_of(series.timeframe))
            if step < wanted and step.divides(wanted)
        ][-1]  # fmt: skip
        start, end, last, _ = window
        if start is not None and (floored := _floor(wanted, start)) != start:
            start = _after(wanted, floored)
        if end is not None:
            end = _after(wanted, _floor(wanted, end - 1))
        bars = None
        if last is not None:
            # no bucket holds more bars than this, so these reach back over at least `last` whole ones
            bars = (last + 2) * (math.ceil(wanted.micros * 1.03 / source.micros) + 1)
        first = None if start is None else start - pyramid.reach(source)
        table = self.read(series, source, Window(first, end, bars, window.provenance))
        return _cut(resample(table, wanted, source), Window(start, end, last))

    def _collect(
        self,
        series: Series,
        level: Timeframe,
        names: list[str],
        oldest: dict[str, int],
        window: Window,
        sure: tuple[str, Set[str]],
    ) -> pd.DataFrame:
        """Windows of several partitions as one table; from the newest back where ``last`` is given.
        ``oldest`` has the least generation of those that must be there; ``sure`` the mark of the
        manifest, and those of which that generation is the newest."""
        paths = {layout.level_path(series, level, name): name for name in names}
        born, newest = sure
        known = {path: oldest[name] for path, name in paths.items() if name in newest}
        if window.last is None:
            walk = self._blocks.each(list(paths), known, born)
        else:
            walk = (pair for path in reversed(paths) for pair in self._blocks.each([path], known, born))
        found: list[pd.DataFrame] = []
        left = window.last
        for path, block in walk:
            if (block.generation if block else 0) < oldest.get(paths[path], 0):
                raise self._outdated(path, there=block is not None)
            if block is None:
                continue
            table = block.window(window.start, window.end, left, provenance=window.provenance)
            found.append(table)
            if left is not None:
                left -= len(table)
                if left <= 0:
                    break
        return _joined(found if window.last is None else found[::-1], window.provenance)

    def _outdated(self, path: str, *, there: bool) -> CorruptFile:
        what = "older than what was written" if there else "missing"
        return CorruptFile(
            f"The stored file {self._place}/{path} is {what}.",
            remedy="Put it back from a copy, or delete the series and download it again.",
            path=path,
        )


def _parts_seen(seen: Manifest | None, level: Timeframe, *, base: bool) -> Set[str]:
    """The partitions of a level that a manifest tells of."""
    if seen is None:
        return set()
    return set(seen.named_parts()) if base else set(seen.levels.get(str(level), ()))


def _until_now(window: Window, kind: layout.Kind, there: Set[str]) -> Window | None:
    """A window with both ends known. One without an end reaches to the newest bar: that lies in the newest
    partition, while the one that was seen is not over, as no bar opens after now."""
    if window.start is None and window.last is None:
        return None
    if window.end is not None:
        return window
    end = layout.part_span(kind, max(there))[1] if there else 0
    return window._replace(end=end) if end > now_us() + _SKEW else None


def _names_of(kind: layout.Kind, window: Window) -> list[str]:
    """The one or two partitions that a window lies in; the last two that it may, where it only says how
    many bars; none where they are more."""
    end = window.end or 0
    first = window.start if window.start is not None else end - 1
    names = layout.parts_between(kind, first, end) if first < end else []
    if window.start is None and kind and names:
        names = layout.parts_between(kind, layout.part_span(kind, names[0])[0] - 1, end)
    return names if len(names) <= 2 else []


def _cut(table: pd.DataFrame, window: Window) -> pd.DataFrame:
    times = micros(table)
    lo = 0 if window.start is None else int(np.searchsorted(times, window.start))
    hi = len(times) if window.end is None else int(np.searchsorted(times, window.end))
    return table.iloc[lo if window.last is None else max(lo, hi - window.last) : hi]


def _joined(tables: list[pd.DataFrame], provenance: bool) -> pd.DataFrame:
    full = [table for table in tables if len(table)]
    if len(full) == 1:
        return full[0]
    if not full:
        return with_provenance(empty(), "", pd.Timestamp(0, tz="UTC")) if provenance else empty()
    if provenance:
        return pd.concat(full)
    # four times faster than concat for few rows
    columns = {name: np.concatenate([table[name].to_numpy() for table in full]) for name in COLUMNS}
    return from_micros(np.concatenate([micros(table) for table in full]), columns)


def _floor(timeframe: Timeframe, us: int) -> int:
    return int(timeframe.floor_us(np.array([us], dtype=np.int64))[0])


def _after(timeframe: Timeframe, us: int) -> int:
    if not timeframe.is_calendar:
        return us + timeframe.micros
    return to_us(timeframe.after(from_us(us)))
