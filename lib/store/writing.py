"""Writing: the protocol that loses no committed candle, whenever a writer dies.

A write goes over the partitions it touches in batches. For each batch, under the lock of the series
(one for the series rather than for each partition, as partitions share pyramid files and the manifest;
it is held for tens of milliseconds, and given up between batches):

1. **Announce**: the manifest is replaced by one whose ``pending`` names the partitions.
2. **Commit**: each partition of the base is merged with what it holds, encoded, and put in place
   atomically. From here on its bars are stored: readers take partitions from ``parts`` *and* ``pending``.
3. **Raise**: the touched buckets of each pyramid level that are over are made again from the base, and
   spliced in.
4. **Report**: the manifest gets the new rows, spans and bytes, and ``pending`` is cleared.

A writer killed before 2 leaves an announcement of nothing; between 2 and 4, a stored base with a pyramid
and figures that are behind. Whoever next opens the series finds ``pending`` with nobody holding the lock
and **heals**: reads those partitions, makes their buckets again, reports. Before 1 nothing has changed but
for a temporary file, which the next writer removes.

After a power cut too: what is announced and committed is synced to the disk before the next step. Levels
are not synced, as they can be made again: their files carry a generation, the manifest says which it must
be, and a level that is older or does not parse is made again from the base by whoever meets it.

A manifest that does not parse is put back from the partitions: see ``Writer._rescue``.

Where nothing can be locked (S3), the steps are the same, and each put is conditional. That is enough:
merging is order-free, so the base ends the same whoever comes first; a level's file is read *before* the
base it is made from, and every writer raises after it has committed, so the last to put a level has seen
all bars; in the manifest the highest generation of a partition stands. There an announcement counts as
left behind when it is a minute old, and the levels hold the newest bucket too: no writer knows for sure
which that is.
"""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Callable, Sequence

import pyarrow as pa

from lib.errors import CorruptFile, StoreBusy
from lib.series import Series
from lib.store import layout, pyramid
from lib.store.cache import Blocks, Manifests
from lib.store.encoding import times_of
from lib.store.files import Conflict, Files, Sync
from lib.store.manifest import Manifest, Part, Pending, Written
from lib.store.pyramid import Span
from lib.store.raising import BATCH, Raiser, folder, followers, now_us, part_of, until_first
from lib.store.splicing import Pieces, Splice, observed, spliced

__all__ = ["Writer"]

_LEFT_BEHIND = 60_000_000
_DAMAGED = ".damaged"
_log = logging.getLogger("candlebook")


class Writer:
    """The writing half of a store."""

    def __init__(self, files: Files, blocks: Blocks, manifests: Manifests) -> None:
        self._files = files
        self._blocks = blocks
        self._manifests = manifests
        self._raiser = Raiser(files, blocks, manifests)

    def update(self, series: Series, change: Callable[[Manifest], Manifest], *, sync: Sync = "all") -> None:
        """Replace the manifest by a changed one, again when another writer was first."""
        path = layout.manifest_path(series)

        def attempt() -> None:
            manifest, tag = self._manifests.open(path) or (Manifest(series), None)
            changed = change(manifest)
            put = self._files.write(path, changed.to_bytes(), tag, sync=sync)
            self._manifests.wrote(path, changed, put)

        until_first(attempt, series)

    # ---------------------------------------------------------------------------------------- write

    def write(self, series: Series, tables: Sequence[pa.Table]) -> list[Written]:
        """Merge bars, as ``encoding.stamped`` gives them, into the series, one table after the other: what
        each did. About 10 ms for one bar, 1 µs a bar in bulk; each partition is put in place once."""
        kind = layout.kind_of(series.timeframe)
        pieces: dict[str, Pieces] = {}
        for number, table in enumerate(tables):
            for name, lo, hi in layout.part_names(kind, times_of(table)):
                pieces.setdefault(name, []).append((number, table.slice(lo, hi - lo)))
        names = sorted(pieces)
        newest = self._newest_before(series, tables)
        done = [Written() for _ in tables]
        for at in range(0, len(names), BATCH):
            with self._files.lock(layout.manifest_path(series)):
                told = self._write_batch(
                    series, {name: pieces[name] for name in names[at : at + BATCH]}, newest
                )
            for number, written in told:
                done[number] += written
        return done

    def _newest_before(self, series: Series, tables: Sequence[pa.Table]) -> list[int | None]:
        """For each table the newest bar of the series before it is merged."""
        try:
            found = self._manifests.open(layout.manifest_path(series))
        except CorruptFile:  # the first batch puts it back
            found = None
        parts = found[0].parts.values() if found else ()
        last = max((part.last for part in parts if part.rows), default=None)
        newest: list[int | None] = []
        for table in tables:
            newest.append(last)
            if len(table):
                own = int(times_of(table)[-1])
                last = own if last is None else max(last, own)
        return newest

    def _write_batch(
        self, series: Series, pieces: dict[str, Pieces], newest: list[int | None]
    ) -> list[tuple[int, Written]]:
        manifest = self._tidy(series) or Manifest(series)
        splices = [spliced(self._blocks, series, name, some, newest) for name, some in pieces.items()]
        done = [each for splice in splices for each in splice.written.items()]
        touched = [splice for splice in splices if splice.span]
        if not touched:
            return done
        write = secrets.token_hex(4)
        pending = Pending(now_us(), tuple(splice.name for splice in touched))
        self.update(series, lambda manifest: manifest.begun(write, pending))
        parts = {}
        spans = []
        for splice in touched:
            final, parts[splice.name] = self._commit(series, splice, pieces[splice.name], newest)
            # of a splice that was made again, the first span holds too: both may differ from the pyramid
            spans += [span for span in {splice.span, final.span} if span]
        self._report(series, manifest, [write], parts, spans)
        return done

    def _report(
        self, series: Series, before: Manifest, writes: list[str], parts: dict[str, Part], spans: list[Span],
        *, every: bool = False,
    ) -> None:  # fmt: skip
        """Raise the levels over what was committed, then say so in the manifest. With ``every`` the buckets
        that hold the newest bar too, and those behind it."""
        parts = parts | self._led_anew(series, before, parts)
        newest = self._newest(before, parts)
        if before.tail is not None and before.tail != newest:
            spans = [*spans, (before.tail, before.tail)]  # its buckets may be over now
        levels = self._raiser.touched(series, spans, None if every else newest)
        # were this lost in a power cut, the announcement would still be there
        self.update(
            series, lambda manifest: manifest.ended(writes, parts, levels, newest, now_us()), sync="content"
        )

    def _newest(self, manifest: Manifest, parts: dict[str, Part]) -> int | None:
        """The newest bar of all, where no other writer can add one meanwhile."""
        if not self._files.exclusive:
            return None
        return max((part.last for part in {**manifest.parts, **parts}.values()), default=None)

    def _commit(
        self, series: Series, splice: Splice, pieces: Pieces, newest: list[int | None]
    ) -> tuple[Splice, Part]:
        """Put a partition in place; when another writer was first, merge into what it put."""
        return self._put_again(
            series, splice, lambda: spliced(self._blocks, series, splice.name, pieces, newest)
        )

    def _put_again(
        self, series: Series, splice: Splice, again: Callable[[], Splice | None]
    ) -> tuple[Splice, Part]:
        path = layout.level_path(series, series.timeframe, splice.name)
        current = splice

        def attempt() -> int:
            nonlocal current
            try:
                lead = self._raiser.lead(series, series.timeframe, current.name, current.stored)
                return self._raiser.put(path, current.table, current.generation, current.expect, lead)
            except Conflict:
                current = again() or current
                raise

        size = until_first(attempt, series)
        return current, part_of(current.table, current.generation, size)

    def _led_anew(self, series: Series, before: Manifest, parts: dict[str, Part]) -> dict[str, Part]:
        """Partitions that follow on the given ones, put in place again where their leads are behind. Their bars stay,
        and so do their generations: nothing is announced."""
        made = {}
        for name in followers(before.parts, parts) if self._raiser.leads else []:
            same = functools.partial(spliced, self._blocks, series, name, [], [])
            splice = same()
            lead = self._raiser.lead(series, series.timeframe, name, splice.stored)
            if splice.stored and lead is not splice.stored.lead:
                made[name] = self._put_again(series, splice, same)[1]
        return made

    # --------------------------------------------------------------------------------------- unfill

    def unfill(self, series: Series, start: int, end: int) -> int:
        """Take the filled bars in ``[start, end)`` µs out again, and tell how many there were. As a write:
        announced, committed, raised, reported; in batches."""
        found = self._manifests.open(layout.manifest_path(series))
        kind = layout.kind_of(series.timeframe)
        names = [
            name
            for name in (found[0].named_parts() if found else [])
            if layout.part_span(kind, name)[0] < end and layout.part_span(kind, name)[1] > start
        ]
        done = 0
        for at in range(0, len(names), BATCH):
            with self._files.lock(layout.manifest_path(series)):
                done += self._unfill_batch(series, names[at : at + BATCH], start, end)
        return done

    def _unfill_batch(self, series: Series, names: list[str], start: int, end: int) -> int:
        manifest = self._tidy(series)
        cuts = [
            cut for name in names if (cut := observed(self._blocks, series, name, start, end)) and cut.span
        ]
        if manifest is None or not cuts:
            return 0
        write = secrets.token_hex(4)
        pending = Pending(now_us(), tuple(cut.name for cut in cuts))
        self.update(series, lambda manifest: manifest.begun(write, pending))
        parts, gone, spans = {}, 0, []
        for cut in cuts:
            again = functools.partial(observed, self._blocks, series, cut.name, start, end)
            final, parts[cut.name] = self._put_again(series, cut, again)
            gone += final.written[0].changed
            spans += [span for span in {cut.span, final.span} if span]
        self._report(series, manifest, [write], parts, spans, every=True)
        return gone

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
            manifest = self._tidy(series)
            if manifest:
                newest = self._newest(manifest, {})
                sizes = self._raiser.every(series, newest)
                self.update(series, lambda current: current.rebuilt(sizes, newest))

    def _tidy(self, series: Series) -> Manifest | None:
        """The manifest, after what a killed writer left is finished, and its own damage repaired."""
        path = layout.manifest_path(series)
        self._files.sweep(*path.rsplit("/", 1))
        try:
            found = self._manifests.open(path)
        except CorruptFile as error:
            self._rescue(series, error)
            found = self._manifests.open(path)
        if found is None:
            return None
        if found[0].deleted:
            self._remove(series)
            return None
        left = self._left_behind(found[0])
        if not left:
            return found[0]
        self._finish(series, found[0], left)
        healed = self._manifests.open(path)
        return healed[0] if healed else None

    def _rescue(self, series: Series, error: CorruptFile) -> None:
        """Replace a manifest that does not parse by one that announces every partition there is, as if
        a writer had died over them: healing does the rest. Only the title, the events, the calendar and the
        mark of a synthetic series are lost; the damaged file is kept beside it.

        Raises ``error`` where that cannot be: another version wrote it, or candles are damaged too.
        """
        path = layout.manifest_path(series)
        read = self._files.read(path)
        names = self._partitions(series)
        if "format" in error.fields or not names or read is None:
            raise error
        try:
            self._raiser.base_parts(series, names)
        except CorruptFile as worse:
            raise error from worse
        kept = path + _DAMAGED
        self._files.write(kept, read[0], self._files.tag(kept))
        pending = {"rescue": Pending(0, tuple(names))}
        self._files.write(path, Manifest(series, pending=pending).to_bytes(), read[1])
        _log.warning(
            "The manifest %s did not parse and was made again from %d partitions of candles. "
            "Lost: title, events, calendar, mark of synthetic data. The damaged file is kept as %s.",
            path, len(names), kept,
        )  # fmt: skip

    def _partitions(self, series: Series) -> list[str]:
        """Names of the base's partitions, by listing."""
        found = self._files.find(folder(series, series.timeframe))
        return [
            path.rsplit("/", 1)[1].removesuffix(".parquet") for path in found if path.endswith(".parquet")
        ]

    def _left_behind(self, manifest: Manifest) -> list[str]:
        if self._files.exclusive:
            return list(manifest.pending)
        oldest = now_us() - _LEFT_BEHIND
        return [write for write, pending in manifest.pending.items() if pending.at < oldest]

    def _finish(self, series: Series, manifest: Manifest, writes: list[str]) -> None:
        for level in (series.timeframe, *pyramid.levels_of(series.timeframe)):
            self._files.sweep(folder(series, level))
        names = sorted({name for write in writes for name in manifest.pending[write].parts})
        parts = self._raiser.base_parts(series, names)
        before = {name: part for name, part in manifest.parts.items() if name in names}
        # bars may have been taken out as well: where they were, and in the newest bucket too
        spans = [(part.first, part.last) for part in (*parts.values(), *before.values()) if part.rows]
        self._report(series, manifest, writes, parts, spans, every=True)

    # --------------------------------------------------------------------------------------- delete

    def delete(self, series: Series) -> None:
        """Remove a series: marked first, so that a deletion cut short is finished by the next writer."""
        with self._files.lock(layout.manifest_path(series)):
            self.update(series, Manifest.marked_deleted)
            self._remove(series)

    def _remove(self, series: Series) -> None:
        path = layout.manifest_path(series)
        self._files.remove(layout.candles_folder(series))
        self._files.remove(path)
        self._files.remove(path + _DAMAGED)
        self._files.remove(layout.record_path(series, "x").rsplit("/", 1)[0])
        self._files.remove(layout.journal_path(series))
