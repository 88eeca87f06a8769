"""Reading: which partitions a window meets, and one table of them.

A window of the base is cut from its partitions. A coarser timeframe comes from its level of the pyramid,
and its newest bucket, which no level holds, from the base; a timeframe that has no level is made from the
coarsest one that divides it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from lib.candles import resample
from lib.errors import CorruptFile, UnknownName
from lib.series import Series
from lib.store import layout, pyramid
from lib.store.cache import Blocks, Manifests
from lib.store.direct import Direct
from lib.store.encoding import Block
from lib.store.leads import EVER
from lib.store.manifest import Manifest
from lib.store.windows import Window, cut, joined
from lib.store.writing import Writer
from lib.timeframes import Timeframe, from_us, to_us

__all__ = ["Reader"]

# So few partitions are asked for one after another, as the newest may have what is wanted of the others.
_FEW = 16


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
        self._direct = Direct(blocks, manifests)

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
            found = None if self._local else self._direct.read(series, wanted, window)
            return found if found is not None else self._base(series, self.known(series), window)
        if wanted in pyramid.levels_of(series.timeframe):
            found = None if self._local else self._direct.read(series, wanted, window)
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
        oldest = {name: part.generation for name, part in manifest.parts.items()}
        try:
            return self._collect(manifest, series.timeframe, names, oldest, window)
        except CorruptFile:
            now = self.known(series)  # deleted while we read: that is the better sentence
            if now.born == manifest.born:
                raise
            return self._base(series, now, window)

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
        tail = cut(resample(bars, level, base), window._replace(start=since))
        left = None if window.last is None else window.last - len(tail)
        if left == 0:
            return tail
        older = window._replace(end=edge, last=left)
        return joined([self._whole_buckets(series, manifest, level, older), tail], window.provenance)

    def _whole_buckets(
        self, series: Series, manifest: Manifest, level: Timeframe, window: Window
    ) -> pd.DataFrame:
        kind = layout.kind_of(level)
        parts = manifest.levels.get(str(level), {})
        names = [name for name in sorted(parts) if window.meets(*layout.part_span(kind, name))]
        oldest = {name: part.generation for name, part in parts.items()}
        return self._collect(manifest, level, names, oldest, window)

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
            if wanted.seconds < 86400:
                bars = (last + 1) * -(-wanted.micros // source.micros)
            else:  # months and trading days are longer at times
                bars = (last + 2) * (math.ceil(wanted.micros * 1.03 / source.micros) + 1)
        first = None if start is None else start - pyramid.reach(source)
        table = self.read(series, source, Window(first, end, bars, window.provenance))
        return cut(resample(table, wanted, source), Window(start, end, last))

    def _collect(
        self, manifest: Manifest, level: Timeframe, names: list[str], oldest: dict[str, int], window: Window
    ) -> pd.DataFrame:
        """Windows of several partitions as one table; from the newest back where ``last`` is given, and as far as
        the lead of the newest one goes, from that. ``oldest`` has the least generation of those that must be there."""
        told = manifest.generations(level)
        if level != manifest.series.timeframe and manifest.pending:
            told = dict.fromkeys(told)
        paths = {layout.level_path(manifest.series, level, name): name for name in names}
        known = {path: sure for path, name in paths.items() if (sure := told.get(name)) is not None}
        found: list[pd.DataFrame] = []
        left = window.last
        for number, some in enumerate(self._steps([*paths], window)):
            got: list[pd.DataFrame] = []
            for path, block in self._blocks.each(some, known, manifest.born):
                if (block.generation if block else 0) < oldest.get(paths[path], 0):
                    raise self._outdated(path, there=block is not None)
                if block is not None:
                    known[path] = block.generation
                    got.append(block.window(window.start, window.end, left, provenance=window.provenance))
            found = [*got, *found]
            left = None if left is None else left - sum(map(len, got))
            if left is not None and left <= 0:
                break
            if not number and len(paths) > 1 and block is not None and not window.provenance:
                older = {name: generation for name, generation in told.items() if name < names[-1]}
                led = _led(block, layout.kind_of(level), manifest.born, older, window._replace(last=left))
                if led is not None:
                    found = [led, *found]
                    break
        return joined(found, window.provenance)

    def _steps(self, paths: list[str], window: Window) -> list[list[str]]:
        """Which partitions to ask for at once: one after another, from the newest back, where the lead of one or
        its count of candles may spare the others."""
        if window.last is not None:
            return [[path] for path in reversed(paths)]
        if self._local or window.provenance or not 1 < len(paths) <= _FEW:
            return [paths]
        return [paths[-1:], paths[:-1]]

    def _outdated(self, path: str, *, there: bool) -> CorruptFile:
        what = "older than what was written" if there else "missing"
        return CorruptFile(
            f"The stored file {self._place}/{path} is {what}.",
            remedy="Put it back from a copy, or delete the series and download it again.",
            path=path,
        )


def _led(
    block: Block, kind: layout.Kind, born: str, older: Mapping[str, int | None], window: Window
) -> pd.DataFrame | None:
    """What a window holds of the candles before a partition, from its lead; None where that may not be all."""
    lead = block.lead
    since = lead.since(kind, born, older) if lead else None
    if lead is None or since is None:
        return None
    start = since if window.start is None else max(since, window.start)
    table = cut(lead.table, window._replace(start=start))
    whole = since == EVER or (window.start is not None and window.start >= since)
    return table.copy() if whole or len(table) == window.last else None


def _floor(timeframe: Timeframe, us: int) -> int:
    return int(timeframe.floor_us(np.array([us], dtype=np.int64))[0])


def _after(timeframe: Timeframe, us: int) -> int:
    if not timeframe.is_calendar:
        return us + timeframe.micros
    return to_us(timeframe.after(from_us(us)))
