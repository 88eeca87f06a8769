"""What files that are to become one series say differently of the same times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from lib.candles import COLUMNS, micros
from lib.gathering.checked import Checked
from lib.timeframes import to_us

__all__ = ["Clash", "clashes"]

_SHOWN = 20
Array = np.ndarray[Any, Any]


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
    time are read, piece by piece: all of these abreast once, and then, pair by pair, those at odds with any."""
    files = _at_odds(files)
    for at, one in enumerate(files):
        for other in files[at + 1 :]:
            if _overlap(one, other) and (found := _compared(one, other)):
                yield found


def _at_odds(files: Sequence[Checked]) -> list[Checked]:
    """The files that say something else of a time than another does, in the order given. O(n log n) in their
    candles; holds a piece of each file that reaches over the time looked at."""
    odd: set[int] = set()
    waiting = _meeting(files)
    abreast: list[_Part] = []
    while waiting or len(abreast) > 1:
        if not abreast:
            abreast = [_Part(*waiting.pop())]
        end = min(each.end for each in abreast)
        while waiting and to_us(_first(waiting[-1][1])) <= end:
            abreast.append(_Part(*waiting.pop()))
            end = min(end, abreast[-1].end)
        pieces = [(each.number, *each.until(end)) for each in abreast]
        odd |= _unlike([piece for piece in pieces if len(piece[1])])
        abreast = [each for each in abreast if len(each.times)]
    return [each for number, each in enumerate(files) if number in odd]


def _first(file: Checked) -> pd.Timestamp:
    return cast(pd.Timestamp, file.report.first)


def _meeting(files: Sequence[Checked]) -> list[tuple[int, Checked]]:
    """The files that overlap another in time, with their numbers, the last to begin first."""
    order = [(number, each) for number, each in enumerate(files) if each.report.first is not None]
    order.sort(key=lambda each: _first(each[1]))
    found: dict[int, Checked] = {}
    longest: tuple[int, Checked] | None = None
    for number, each in order:
        if longest is not None and _overlap(longest[1], each):
            found |= dict((longest, (number, each)))
        if longest is None or cast(pd.Timestamp, each.report.last) > cast(
            pd.Timestamp, longest[1].report.last
        ):
            longest = (number, each)
    return [each for each in order[::-1] if each[0] in found]


class _Part:
    """What is left of a file's candles: of the piece that is read now ``times`` (int64 µs) and ``figures``."""

    def __init__(self, number: int, file: Checked) -> None:
        self.number = number
        self._tables = file.tables()
        self.times: Array = np.empty(0, np.int64)
        self._read()

    def _read(self) -> None:
        for table in self._tables:
            if len(table):
                self.times, self.figures = micros(table), table[list(COLUMNS)].to_numpy()
                return

    @property
    def end(self) -> int:
        return int(self.times[-1])

    def until(self, end: int) -> tuple[Array, Array]:
        """Takes what opens until then, that included."""
        to = int(np.searchsorted(self.times, end, side="right"))
        taken = self.times[:to], self.figures[:to]
        self.times, self.figures = self.times[to:], self.figures[to:]
        if not len(self.times):
            self._read()
        return taken


def _unlike(pieces: Sequence[tuple[int, Array, Array]]) -> set[int]:
    """The numbers of the files that have a time on which not all agree."""
    if len(pieces) < 2:
        return set()
    times = np.concatenate([piece[1] for piece in pieces])
    order = np.argsort(times, kind="stable")
    again = np.diff(times[order]) == 0
    if not again.any():
        return set()
    figures = np.concatenate([piece[2] for piece in pieces])
    one, other = (figures[order[part][again]] for part in (slice(None, -1), slice(1, None)))
    unlike = ((one != other) & ~(np.isnan(one) & np.isnan(other))).any(axis=1)
    moments = times[order[1:][again][unlike]]
    if not len(moments):
        return set()
    files = np.repeat([piece[0] for piece in pieces], [len(piece[1]) for piece in pieces])
    return set(np.unique(files[np.isin(times, moments)]).tolist())


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
