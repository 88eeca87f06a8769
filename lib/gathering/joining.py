"""Several files as parts of one series: they must agree before any of them is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from lib.errors import CandlebookError, InputError
from lib.gathering.checked import Checked
from lib.gathering.clashing import clashes
from lib.series import Series

if TYPE_CHECKING:
    from lib.store import Store, Written

__all__ = ["Group", "Outcome", "grouped", "join", "store_all"]

# Candles that are stored at once: a partition that many small files share is then put in place once.
_TOGETHER = 500_000


def join(files: Sequence[Checked], conflicts: str | None) -> list[Checked]:
    """The files in the order in which to store them: what is stored last stands. Their timeframe must be
    one, and what they say of one time the same, unless ``conflicts`` says whether the first or the last
    given stands. Raises ``InputError``."""
    if len({each.timeframe for each in files}) > 1:
        told = ", ".join(f"{each.name} {each.timeframe}" for each in files[:20])
        raise InputError(
            f"The files have several timeframes: {told}.",
            remedy="Import them one by one, or say --many to keep each as a series.",
        )
    if conflicts in ("first", "last"):
        return list(files) if conflicts == "last" else list(files[::-1])
    for clash in clashes(files):
        raise InputError(
            f"{clash.one} and {clash.other} have other figures for {clash.first.index[0]:%Y-%m-%d %H:%M:%S}, and for "
            f"{clash.count:,} times in all.",
            remedy="Say which stands with --conflicts first or last.",
        )
    return list(files)


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Candles of a file, and what part of it is done with them."""

    file: Checked
    table: pd.DataFrame
    part: float


@dataclass
class Group:
    """Files that become one series, in the order in which they are stored, and what of them was stored:
    candles ``stored`` and left out as ``forming``, and by file what that changed."""

    series: Series
    files: list[Checked]
    stored: int = 0
    forming: int = 0
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None
    written: dict[Checked, Written] = field(default_factory=dict)

    def store(self, store: Store, progress: Callable[[Checked, float], None] | None = None) -> None:
        """Store every candle that is over; ``progress`` gets the part that is done of each file. Storing
        the same again changes nothing, so after a ``StoreError`` it may be tried again."""
        from lib.store import Written

        partly = dict.fromkeys(self.files, Written())
        over: list[Checked] = []
        waiting: list[_Piece] = []
        for each in self.files:
            done = 0
            for table, forming in each.closed():
                self.forming += forming
                done += len(table) + forming
                waiting.append(_Piece(each, table, min(1.0, done / max(each.report.rows_out, 1))))
                if sum(len(piece.table) for piece in waiting) >= _TOGETHER:
                    self._write(store, waiting, partly, progress)
                    self.written |= {file: partly.pop(file) for file in over}
                    over, waiting = [], []
            over.append(each)
        self._write(store, waiting, partly, progress)
        self.written |= {file: partly[file] for file in over}

    def _write(
        self,
        store: Store,
        pieces: list[_Piece],
        partly: dict[Checked, Written],
        progress: Callable[[Checked, float], None] | None,
    ) -> None:
        """Store what has gathered, of one file or of many, and add what that did to the counts by file."""
        told = store.write_all(self.series, [(piece.table, piece.file.name) for piece in pieces])
        for piece, written in zip(pieces, told, strict=True):
            partly[piece.file] += written
            if len(piece.table):
                self._count(piece.table)
            if progress:
                progress(piece.file, piece.part)

    @property
    def done(self) -> Written:
        """What storing all its files did to the series."""
        from lib.store import Written

        return sum(self.written.values(), Written())

    def _count(self, table: pd.DataFrame) -> None:
        self.stored += len(table)
        first, last = table.index[0], table.index[-1]
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)


def grouped(
    files: Sequence[Checked], symbols: Mapping[Checked, str], source: str, conflicts: str | None
) -> list[Group]:
    """A group for each series: files of one symbol and timeframe are its parts. Raises ``InputError`` where
    these contradict each other."""
    found: dict[Series, list[Checked]] = {}
    for each in files:
        found.setdefault(Series(source, symbols[each], each.timeframe), []).append(each)
    return [Group(series, join(parts, conflicts)) for series, parts in found.items()]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: ``written`` in ``series``, or the error for which it was not."""

    file: Checked
    series: Series
    written: Written | None = None
    error: CandlebookError | None = None


def store_all(
    store: Store, groups: Sequence[Group], progress: Callable[[Checked, float], None] | None = None
) -> list[Outcome]:
    """Store groups one after another; ``progress`` gets the part that is done of all candles. A store
    that fails is not asked again: the files after it have its error too."""
    whole = sum(each.report.rows_out for group in groups for each in group.files) or 1
    parts: dict[Checked, float] = {}
    made: list[Outcome] = []
    error: CandlebookError | None = None

    def say(each: Checked, part: float) -> None:
        parts[each] = part
        if progress:
            progress(each, min(1.0, sum(part * file.report.rows_out for file, part in parts.items()) / whole))

    for group in groups:
        if error is None:
            try:
                group.store(store, say)
            except CandlebookError as failed:
                error = failed
        for each in group.files:
            written = group.written.get(each)
            made.append(Outcome(each, group.series, written, None if written is not None else error))
    return made
