"""Several files as parts of one series: they must agree before any of them is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from lib.candles import COLUMNS
from lib.errors import CandlebookError, InputError
from lib.gathering.checked import Checked
from lib.series import Series

if TYPE_CHECKING:
    from lib.store import Store, Written

__all__ = ["Clash", "Group", "Outcome", "clashes", "grouped", "join", "store_all"]

_SHOWN = 20
# Candles that are stored at once: a partition that many small files share is then put in place once.
_TOGETHER = 500_000


@dataclass(frozen=True, slots=True)
class Clash:
    """Two files that say different things of ``count`` times. ``first`` and ``second`` hold the candles of
    the first 20 of these times, as each file has them."""

    one: str
    other: str
    count: int
    first: pd.DataFrame
    second: pd.DataFrame


def clashes(files: Sequence[Checked]) -> Iterator[Clash]:
    """Every pair of files with other figures for one time, one after another. Only files that overlap in
    time are read, piece by piece."""
    for at, one in enumerate(files):
        for other in files[at + 1 :]:
            if _overlap(one, other) and (found := _compared(one, other)):
                yield found


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


def _overlap(one: Checked, other: Checked) -> bool:
    a, b = one.report, other.report
    if a.first is None or b.first is None or a.last is None or b.last is None:
        return False
    return bool(a.first <= b.last and b.first <= a.last)


def _compared(one: Checked, other: Checked) -> Clash | None:
    count = 0
    first: list[pd.DataFrame] = []
    second: list[pd.DataFrame] = []
    for left, right in _abreast(one, other):
        shared = left.index.intersection(right.index)
        a, b = left.loc[shared, list(COLUMNS)], right.loc[shared, list(COLUMNS)]
        unlike = ((a != b) & ~(a.isna() & b.isna())).any(axis=1).to_numpy()
        if unlike.any() and count < _SHOWN:
            first.append(a[unlike].iloc[: _SHOWN - count])
            second.append(b[unlike].iloc[: _SHOWN - count])
        count += int(unlike.sum())
    return Clash(one.name, other.name, count, pd.concat(first), pd.concat(second)) if count else None


def _abreast(one: Checked, other: Checked) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The candles of two files, cut so that each pair spans the same time."""
    left, right = one.tables(), other.tables()
    a, b = next(left, None), next(right, None)
    while a is not None and b is not None:
        if not len(a) or not len(b):
            a = a if len(a) else next(left, None)
            b = b if len(b) else next(right, None)
            continue
        end = min(a.index[-1], b.index[-1])
        to, until = a.index.searchsorted(end, side="right"), b.index.searchsorted(end, side="right")
        yield a.iloc[:to], b.iloc[:until]
        a, b = a.iloc[to:], b.iloc[until:]


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
