"""Making levels of the pyramid from the base, and putting partitions in place.

Called by ``lib.store.writing`` with the series locked, where a place can lock.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from lib.errors import CorruptFile, StoreBusy
from lib.series import Series
from lib.store import layout, pyramid
from lib.store.cache import Blocks, Manifests
from lib.store.encoding import NOTHING, Block, encode, from_arrow, replace_span, times_of, to_arrow
from lib.store.files import Conflict, Files, Sync, Tag
from lib.store.leads import ROWS, Lead, gathered
from lib.store.manifest import LevelPart, LevelParts, Part, merged_levels
from lib.store.pyramid import Piece, Span
from lib.timeframes import Timeframe

__all__ = ["BATCH", "Raiser", "folder", "followers", "now_us", "part_of", "until_first"]

# Partitions a batch: a writer of decades lets others in between, and a batch fits in memory.
BATCH = 8

T = TypeVar("T")
_NONE: Mapping[str, LevelPart] = {}


def now_us() -> int:
    """The clock, µs since the epoch."""
    return time.time_ns() // 1000


class Raiser:
    """Levels from the base. ``newest`` is the series' newest bar, µs: the buckets that hold it are left
    out; None: they are not."""

    def __init__(self, files: Files, blocks: Blocks, manifests: Manifests) -> None:
        self._files = files
        self._blocks = blocks
        self._manifests = manifests
        self.leads = not files.local and files.keeps  # where a file more is a request more

    def touched(self, series: Series, spans: list[Span], newest: int | None) -> LevelParts:
        """Make the touched buckets of every level again; bytes by level and partition."""
        try:
            return self._batches(series, spans, newest)
        except _DamagedLevel:
            return self.every(series, newest)

    def every(self, series: Series, newest: int | None) -> LevelParts:
        """Make every level again, from nothing."""
        for level in pyramid.levels_of(series.timeframe):
            self._files.remove(folder(series, level))
        found = self._manifests.open(layout.manifest_path(series))
        parts = self.base_parts(series, found[0].named_parts() if found else [])
        return self._batches(
            series, [(part.first, part.last) for part in parts.values() if part.rows], newest
        )

    def _batches(self, series: Series, spans: list[Span], newest: int | None) -> LevelParts:
        sizes: LevelParts = {}
        for at in range(0, len(spans), BATCH):
            some = spans[at : at + BATCH]
            made = self._locked if self._files.exclusive else self._unlocked
            sizes = merged_levels(sizes, made(series, some, newest))
        return sizes

    def _locked(self, series: Series, spans: list[Span], newest: int | None) -> LevelParts:
        # nobody else changes the base meanwhile, so it is read once for all levels
        fresh = self._pieces(series, pyramid.levels_of(series.timeframe), spans, newest)

        def raised(level: Timeframe) -> dict[str, LevelPart]:
            return self._level(series, level, spans, newest, lambda _: fresh[level])

        return {str(level): raised(level) for level in fresh}

    def _unlocked(self, series: Series, spans: list[Span], newest: int | None) -> LevelParts:
        def raised(level: Timeframe) -> dict[str, LevelPart]:
            def pieces(some: list[Span]) -> list[Piece]:
                return self._pieces(series, (level,), some, newest)[level]

            return self._level(series, level, spans, newest, pieces)

        levels = pyramid.levels_of(series.timeframe)
        if not levels:
            return {}
        with ThreadPoolExecutor(len(levels)) as pool:  # each waits for the network most of the time
            return {str(level): size for level, size in zip(levels, pool.map(raised, levels), strict=True)}

    def _pieces(
        self, series: Series, levels: tuple[Timeframe, ...], spans: list[Span], newest: int | None
    ) -> dict[Timeframe, list[Piece]]:
        """Fresh buckets of every level that a span touches, from the base as it is now."""
        made: defaultdict[Timeframe, list[Piece]] = defaultdict(list)
        for span in _together(spans, levels):
            wanted = {
                level: found
                for level in levels
                if (found := pyramid.buckets(series.timeframe, level, span, newest)) is not None
            }
            if not wanted:
                continue
            first = min(start for start, _ in wanted.values()) - pyramid.reach(series.timeframe)
            base = self._base(series, first, max(end for _, end in wanted.values()))
            for level, (start, end) in wanted.items():
                made[level].append(pyramid.piece(series.timeframe, base, level, start, end))
        return made

    def _base(self, series: Series, start: int, end: int) -> pd.DataFrame:
        names = layout.parts_between(layout.kind_of(series.timeframe), start, end)
        paths = [layout.level_path(series, series.timeframe, name) for name in names]
        tables = [block.window(start, end, provenance=True) for _, block in self._blocks.each(paths) if block]
        full = [table for table in tables if len(table)]
        return pd.concat(full) if full else from_arrow(NOTHING)

    def _level(
        self,
        series: Series,
        level: Timeframe,
        spans: list[Span],
        newest: int | None,
        pieces: Callable[[list[Span]], list[Piece]],
    ) -> dict[str, LevelPart]:
        touched: defaultdict[str, list[Span]] = defaultdict(list)
        for span in spans:
            found = pyramid.buckets(series.timeframe, level, span, newest)
            for name in layout.parts_between(layout.kind_of(level), *found) if found else ():
                touched[name].append(span)
        seen = self._manifests.last_seen(layout.manifest_path(series))
        if self.leads and seen:
            touched |= {name: [] for name in followers(seen.levels.get(str(level), ()), touched)}
        put: dict[str, LevelPart] = {}
        for name, some in sorted(touched.items()):
            if part := self._put_level(series, level, name, pieces, some, put):
                put[name] = part
        return put

    def _put_level(
        self,
        series: Series,
        level: Timeframe,
        name: str,
        pieces: Callable[[list[Span]], list[Piece]],
        spans: list[Span],
        beside: Mapping[str, LevelPart],
    ) -> LevelPart | None:
        path = layout.level_path(series, level, name)
        bounds = layout.part_span(layout.kind_of(level), name)

        def attempt() -> LevelPart | None:
            # the level's file first, then the base: see the module's docstring
            try:
                found = self._blocks.open(path)
                table = found[0].arrow() if found else None
            except CorruptFile as error:
                raise _DamagedLevel(path) from error
            for whole in pieces(spans):
                start, end, candles = whole.cut(*bounds)
                fresh = to_arrow(candles)
                if table is not None:  # a bucket whose bars were all taken out goes too
                    table = replace_span(table, fresh, start, end)
                elif len(candles):
                    table = fresh
            if table is None:
                return None
            lead = self.lead(series, level, name, found[0] if found else None, beside)
            if found and not spans:  # its bars stay as they are
                if lead is found[0].lead:
                    return None
                generation = found[0].generation
            else:  # above the last one even where that file is gone
                generation = max(now_us(), found[0].generation + 1 if found else 0)
            size = self.put(path, table, generation, found[1] if found else None, lead, sync="none")
            return LevelPart(generation, size)

        return until_first(attempt, series)

    def lead(
        self,
        series: Series,
        level: Timeframe,
        name: str,
        now: Block | None,
        beside: Mapping[str, LevelPart] = _NONE,
    ) -> Lead | None:
        """What to keep before a partition in its file, where files are far away; ``now`` is what it has. ``beside``
        are partitions put just now, which the manifest does not tell of yet."""
        kind = layout.kind_of(level)
        seen = self._manifests.last_seen(layout.manifest_path(series))
        if not self.leads or not kind or seen is None:
            return None
        older = seen.generations(level) | {each: part.generation for each, part in beside.items()}
        older = {each: generation for each, generation in older.items() if each < name}
        if now and now.lead and now.lead.is_whole(kind, seen.born, older):
            return now.lead
        try:
            return gathered(seen.born, self._before(series, level, sorted(older, reverse=True)))
        except CorruptFile:  # whoever reads that partition is told
            return None

    def _before(
        self, series: Series, level: Timeframe, names: list[str]
    ) -> Iterator[tuple[str, int, int, pd.DataFrame]]:
        for name in names:
            found = self._blocks.open(layout.level_path(series, level, name))
            if found:
                yield name, found[0].generation, found[0].rows, found[0].window(None, None, ROWS)

    def put(
        self, path: str, table: pa.Table, generation: int, expect: Tag, lead: Lead | None = None, *, sync: Sync = "all"
    ) -> int:  # fmt: skip
        data = encode(table, generation, lead)
        tag = self._files.write(path, data, expect, sync=sync)
        self._blocks.wrote(path, tag, data, table)
        return len(data)

    def base_parts(self, series: Series, names: list[str]) -> dict[str, Part]:
        """What the named partitions hold, those that are there."""
        parts = {}
        for name in names:
            path = layout.level_path(series, series.timeframe, name)
            found = self._blocks.open(path, keep=len(names) <= BATCH)
            if found:
                block = found[0]
                parts[name] = part_of(block.arrow(), block.generation, block.size)
        return parts


def _together(spans: list[Span], levels: tuple[Timeframe, ...]) -> list[Span]:
    """Spans that touch one bucket of the coarsest level as one: the base below it is read once for them."""
    made: list[Span] = []
    for first, last in sorted(spans):
        if made and levels:
            before, after = levels[-1].floor_us(np.array([made[-1][1], first], dtype=np.int64))
            if after <= before:
                made[-1] = (made[-1][0], max(last, made[-1][1]))
                continue
        made.append((first, last))
    return made


class _DamagedLevel(Exception):
    """A file of the pyramid does not parse. It was made from the base, so it is made again."""


def folder(series: Series, level: Timeframe) -> str:
    """Where the partitions of a level lie."""
    return layout.level_path(series, level, "x").rsplit("/", 1)[0]


def followers(there: Iterable[str], names: Iterable[str]) -> list[str]:
    """Of the partitions there are, those next after one of ``names``, but for these themselves."""
    ordered, given = sorted(there), set(names)
    after = {ordered[at] for name in given if (at := bisect_right(ordered, name)) < len(ordered)}
    return sorted(after - given)


def until_first(attempt: Callable[[], T], series: Series | str) -> T:
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


def part_of(table: pa.Table, generation: int, size: int) -> Part:
    """A manifest's entry of a partition of the base."""
    times = times_of(table)
    filled = pc.sum(table.column("filled")).as_py() or 0
    if not len(times):  # all its bars were filled, and taken out again
        return Part(generation, 0, 0, 0, 0, size)
    return Part(generation, len(times), int(times[0]), int(times[-1]), filled, size)
