"""Writing: the protocol that loses no committed candle, whenever a writer dies.

A write goes over the partitions it touches in batches. For each batch, under the lock of the series
(one for the series rather than for each partition, as partitions share pyramid files and the manifest;
it is held for tens of milliseconds, and given up between batches):

1. **Announce**: the manifest is replaced by one whose ``pending`` names the partitions.
2. **Commit**: each partition of the base is merged with what it holds, encoded, and put in place
   atomically. From here on its bars are stored: readers take partitions from ``parts`` *and* ``pending``.
3. **Raise**: the touched buckets of each pyramid level are made again from the base, and spliced in.
4. **Report**: the manifest gets the new rows, spans and bytes, and ``pending`` is cleared.

A writer killed before 2 leaves an announcement of nothing; between 2 and 4, a stored base with a pyramid
and figures that are behind. Whoever next opens the series finds ``pending`` with nobody holding the lock
and **heals**: reads those partitions, makes their buckets again, reports. Before 1 nothing has changed but
for a temporary file, which the next writer removes.

After a power cut too: what is announced and committed is synced to the disk before the next step. Levels
are not synced, as they can be made again: their files carry a generation, the manifest says which it must
be, and a level that is older or does not parse is made again from the base by whoever meets it.

Where nothing can be locked (S3), the steps are the same, and each put is conditional. That is enough:
merging is order-free, so the base ends the same whoever comes first; a level's file is read *before* the
base it is made from, and every writer raises after it has committed, so the last to put a level has seen
all bars; in the manifest the highest generation of a partition stands. There an announcement counts as
left behind when it is a minute old.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from lib.candles import COLUMNS, merge, micros
from lib.errors import CorruptFile, StoreBusy
from lib.series import Series
from lib.store import layout, pyramid
from lib.store.cache import Blocks
from lib.store.encoding import encode, to_arrow
from lib.store.files import Conflict, Files, Sync, Tag
from lib.store.manifest import LevelPart, LevelParts, Manifest, Part, Pending, Written, merged_levels
from lib.timeframes import Timeframe

__all__ = ["Writer", "now_us"]

# Partitions a batch: a writer of decades lets others in between, and a batch fits in memory.
_BATCH = 8
_LEFT_BEHIND = 60_000_000

T = TypeVar("T")
Array = np.ndarray[Any, Any]


def now_us() -> int:
    """The clock, µs since the epoch."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class _Splice:
    """A partition with a piece merged into it, not yet put in place."""

    name: str
    table: pd.DataFrame
    expect: Tag
    generation: int
    written: Written
    span: tuple[int, int] | None  # first and last open that differ from what is stored; None: none does


class Writer:
    """The writing half of a store."""

    def __init__(self, files: Files, blocks: Blocks) -> None:
        self._files = files
        self._blocks = blocks

    # ------------------------------------------------------------------------------------ manifests

    def load(self, series: Series) -> tuple[Manifest | None, Tag]:
        """The manifest as it is now."""
        path = layout.manifest_path(series)
        read = self._files.read(path)
        if read is None:
            return None, None
        return Manifest.from_bytes(read[0], f"{self._files.name.rstrip('/')}/{path}"), read[1]

    def update(self, series: Series, change: Callable[[Manifest], Manifest], *, sync: Sync = "all") -> None:
        """Replace the manifest by a changed one, again when another writer was first."""

        def attempt() -> None:
            manifest, tag = self.load(series)
            changed = change(manifest or Manifest(series))
            self._files.write(layout.manifest_path(series), changed.to_bytes(), tag, sync=sync)

        _until_first(attempt, series)

    # ---------------------------------------------------------------------------------------- write

    def write(self, series: Series, table: pd.DataFrame) -> Written:
        """Merge a kept table into the series. About 20 ms for one bar, 10 µs a bar in bulk."""
        parts = layout.part_names(layout.kind_of(series.timeframe), micros(table))
        done = Written()
        for at in range(0, len(parts), _BATCH):
            with self._files.lock(layout.manifest_path(series)):
                done += self._write_batch(
                    series, {name: table.iloc[lo:hi] for name, lo, hi in parts[at : at + _BATCH]}
                )
        return done

    def _write_batch(self, series: Series, pieces: dict[str, pd.DataFrame]) -> Written:
        self._tidy(series)
        splices = [self._splice(series, name, piece) for name, piece in pieces.items()]
        done = sum((splice.written for splice in splices), Written())
        touched = [splice for splice in splices if splice.span]
        if not touched:
            return done
        write = secrets.token_hex(4)
        pending = Pending(now_us(), tuple(splice.name for splice in touched))
        self.update(series, lambda manifest: manifest.begun(write, pending))
        parts = {}
        spans = []
        for splice in touched:
            final, size = self._commit(series, splice, pieces[splice.name])
            parts[splice.name] = _part(final.table, final.generation, size)
            # of a splice that was made again, the first span holds too: both may differ from the pyramid
            spans += [span for span in {splice.span, final.span} if span]
        levels = self._raise(series, spans)
        # were this lost in a power cut, the announcement would still be there
        self.update(series, lambda manifest: manifest.ended([write], parts, levels, now_us()), sync="content")
        return done

    def _splice(self, series: Series, name: str, piece: pd.DataFrame) -> _Splice:
        found = self._blocks.open(layout.level_path(series, series.timeframe, name))
        times = micros(piece)
        if found is None:
            return _Splice(name, piece, None, 1, Written(added=len(piece)), (int(times[0]), int(times[-1])))
        block, tag = found
        old = block.kept()
        table = merge(old, piece)
        shared = np.isin(times, micros(old), assume_unique=True)
        figures, sources = _differences(old, table, times[shared])
        differ = np.ones(len(times), bool)
        differ[shared] = figures | sources
        changed = times[differ]
        written = Written(int((~shared).sum()), int(figures.sum()), int((~figures).sum()))
        span = (int(changed[0]), int(changed[-1])) if len(changed) else None
        return _Splice(name, table, tag, block.generation + 1, written, span)

    def _commit(self, series: Series, splice: _Splice, piece: pd.DataFrame) -> tuple[_Splice, int]:
        """Put a partition in place; when another writer was first, merge into what it put."""
        path = layout.level_path(series, series.timeframe, splice.name)
        current = [splice]

        def attempt() -> int:
            data = encode(to_arrow(current[0].table), current[0].generation)
            try:
                self._files.write(path, data, current[0].expect)
            except Conflict:
                current[0] = self._splice(series, splice.name, piece)
                raise
            return len(data)

        size = _until_first(attempt, series)
        return current[0], size

    # -------------------------------------------------------------------------------------- pyramid

    def _raise(self, series: Series, spans: list[tuple[int, int]]) -> LevelParts:
        """Make the touched buckets of every level again; bytes by level and partition."""
        try:
            return self._raise_spans(series, spans)
        except _DamagedLevel:
            return self._raise_all(series)

    def _raise_all(self, series: Series) -> LevelParts:
        """Make every level again, partition by partition of the base, from nothing."""
        for level in pyramid.levels_of(series.timeframe):
            self._files.remove(_folder(series, level))
        manifest, _ = self.load(series)
        sizes: LevelParts = {}
        for name in manifest.named_parts() if manifest else []:
            found = self._blocks.open(layout.level_path(series, series.timeframe, name), keep=False)
            if found:
                made = self._raise_spans(series, [(found[0].first, found[0].last)])
                sizes = merged_levels(sizes, made)
        return sizes

    def _raise_spans(self, series: Series, spans: list[tuple[int, int]]) -> LevelParts:
        levels = pyramid.levels_of(series.timeframe)
        if not levels or not spans:
            return {}
        if self._files.exclusive:
            # nobody else changes the base meanwhile, so it is read once for all levels
            fresh = [pyramid.pieces(self._base(series, levels, span), levels, *span) for span in spans]
            return {str(level): self._raise_level(series, level, spans, fresh) for level in levels}
        with ThreadPoolExecutor(len(levels)) as pool:  # each waits for the network most of the time
            sizes = pool.map(lambda level: self._raise_level(series, level, spans, None), levels)
            return {str(level): size for level, size in zip(levels, sizes, strict=True)}

    def _base(self, series: Series, levels: tuple[Timeframe, ...], span: tuple[int, int]) -> pd.DataFrame:
        start, end = pyramid.hull(levels, *span)
        names = layout.parts_between(layout.kind_of(series.timeframe), start, end)
        paths = [layout.level_path(series, series.timeframe, name) for name in names]
        tables = [block.window(start, end, provenance=True) for _, block in self._blocks.each(paths) if block]
        return pd.concat([table for table in tables if len(table)])

    def _raise_level(
        self,
        series: Series,
        level: Timeframe,
        spans: list[tuple[int, int]],
        fresh: list[dict[Timeframe, pyramid.Piece]] | None,
    ) -> dict[str, LevelPart]:
        touched: dict[str, list[int]] = {}
        for number, span in enumerate(spans):
            for name in layout.parts_between(layout.kind_of(level), *pyramid.hull((level,), *span)):
                touched.setdefault(name, []).append(number)

        def pieces(name: str) -> list[pyramid.Piece]:
            """What goes into a partition, from the base as it is now."""
            bounds = layout.part_span(layout.kind_of(level), name)
            made = [
                fresh[number][level] if fresh
                else pyramid.pieces(self._base(series, (level,), spans[number]), (level,), *spans[number])[level]
                for number in touched[name]
            ]  # fmt: skip
            return [pyramid.cut(piece, *bounds) for piece in made]

        sizes = {name: self._put_level(series, level, name, pieces) for name in touched}
        return {name: made for name, made in sizes.items() if made}

    def _put_level(
        self,
        series: Series,
        level: Timeframe,
        name: str,
        pieces: Callable[[str], list[pyramid.Piece]],
    ) -> LevelPart | None:
        path = layout.level_path(series, level, name)

        def attempt() -> LevelPart | None:
            # the level's file first, then the base: see the module's docstring
            try:
                found = self._blocks.open(path)
                old, tag = (found[0].arrow(), found[1]) if found else (None, None)
            except CorruptFile as error:
                raise _DamagedLevel(path) from error
            table = pyramid.splice(old, [piece for piece in pieces(name) if len(piece.table)])
            if table is None:
                return None
            # above the last one even where that file is gone
            generation = max(now_us(), found[0].generation + 1 if found else 0)
            data = encode(table, generation)
            self._files.write(path, data, tag, sync="none")
            return LevelPart(generation, len(data))

        return _until_first(attempt, series)

    # ----------------------------------------------------------------------------------------- heal

    def heal(self, series: Series, *, wait: bool = True) -> None:
        """Finish what a killed writer began; nothing where all is well. With ``wait=False``, not while
        another writer is at it."""
        try:
            with self._files.lock(layout.manifest_path(series), wait=wait):
                self._tidy(series)
        except StoreBusy:
            if wait:
                raise

    def rebuild(self, series: Series) -> None:
        """Make every level again from the base: for a level whose file is damaged or missing."""
        with self._files.lock(layout.manifest_path(series)):
            sizes = self._raise_all(series)
            self.update(series, lambda manifest: manifest.rebuilt(sizes))

    def _tidy(self, series: Series) -> None:
        folder = layout.manifest_path(series).rsplit("/", 1)[0]
        self._files.sweep(folder)
        manifest, _ = self.load(series)
        if manifest is None:
            return
        if manifest.deleted:
            self._remove(series)
            return
        left = self._left_behind(manifest)
        if left:
            self._finish(series, manifest, left)

    def _left_behind(self, manifest: Manifest) -> list[str]:
        if self._files.exclusive:
            return list(manifest.pending)
        oldest = now_us() - _LEFT_BEHIND
        return [write for write, pending in manifest.pending.items() if pending.at < oldest]

    def _finish(self, series: Series, manifest: Manifest, writes: list[str]) -> None:
        for level in (series.timeframe, *pyramid.levels_of(series.timeframe)):
            self._files.sweep(_folder(series, level))
        names = sorted({name for write in writes for name in manifest.pending[write].parts})
        parts: dict[str, Part] = {}
        levels: LevelParts = {}
        for name in names:
            path = layout.level_path(series, series.timeframe, name)
            found = self._blocks.open(path)
            if found is None:
                continue
            table = found[0].kept()
            parts[name] = _part(table, found[0].generation, found[0].size)
            levels = merged_levels(levels, self._raise(series, [(found[0].first, found[0].last)]))
        self.update(series, lambda current: current.ended(writes, parts, levels, now_us()))

    # --------------------------------------------------------------------------------------- delete

    def delete(self, series: Series) -> None:
        """Remove a series: marked first, so that a deletion cut short is finished by the next writer."""
        with self._files.lock(layout.manifest_path(series)):
            self.update(series, Manifest.marked_deleted)
            self._remove(series)

    def _remove(self, series: Series) -> None:
        self._files.remove(layout.candles_folder(series))
        self._files.remove(layout.manifest_path(series))


class _DamagedLevel(Exception):
    """A file of the pyramid does not parse. It was made from the base, so it is made again."""


def _folder(series: Series, level: Timeframe) -> str:
    return layout.level_path(series, level, "x").rsplit("/", 1)[0]


def _until_first(attempt: Callable[[], T], series: Series) -> T:
    """Call until no other writer was first. Raises ``StoreBusy`` after a minute of that."""
    retrying = Retrying(
        retry=retry_if_exception_type(Conflict),
        wait=wait_random_exponential(multiplier=0.02, max=2),
        stop=stop_after_delay(60),
    )
    try:
        return retrying(attempt)
    except RetryError as error:
        raise StoreBusy(
            f"Other programs keep writing {series}.", remedy="Try again when they have finished."
        ) from error


def _part(table: pd.DataFrame, generation: int, size: int) -> Part:
    times = micros(table)
    filled = int(table["filled"].to_numpy(bool).sum())
    return Part(generation, len(table), int(times[0]), int(times[-1]), filled, size)


def _differences(old: pd.DataFrame, new: pd.DataFrame, times: Array) -> tuple[Array, Array]:
    """At the given times, which bars have other figures now, and which only another provenance."""
    before = old.iloc[np.searchsorted(micros(old), times)]
    after = new.iloc[np.searchsorted(micros(new), times)]
    figures = before["filled"].to_numpy(bool) != after["filled"].to_numpy(bool)
    for name in COLUMNS:
        one, other = before[name].to_numpy(), after[name].to_numpy()
        figures |= (one != other) & ~(np.isnan(one) & np.isnan(other))
    sources = pd.DatetimeIndex(before["fetched_at"]).asi8 != pd.DatetimeIndex(after["fetched_at"]).asi8
    sources |= before["origin"].to_numpy(dtype=object) != after["origin"].to_numpy(dtype=object)
    return figures, sources
