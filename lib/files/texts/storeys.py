"""Headers of several lines: what stands above or below a name that comes more than once tells which one it is.

Spreadsheets write a group over the first of its columns only (``Bid,,,,Ask,,,``), and so do programs above the names
of a table with several symbols; the cells behind it belong to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from lib.files.columns.cells import is_time, numeric

__all__ = ["storeys"]

_MOST = 4


def storeys(table: list[list[str]], at: int, first: int, known: Callable[[str], bool]) -> list[str]:
    """The names in line ``at`` of a table whose rows begin at ``first``: where one comes several times, with what
    stands above or below it. ``known`` tells a name for a price."""
    width = len(table[at])
    above = [_wide(row, width) for row in reversed(table[max(0, at - _MOST) : at])]
    below = [_wide(row, width) for row in table[at + 1 : first][:_MOST]]
    names = _spanned(table[at], below, known)
    twice = _twice(names)
    if twice:
        for row in below:
            if _tells(row, names, twice):
                return [
                    _said(name, other) if name in twice else name
                    for name, other in zip(names, row, strict=True)
                ]
        for row in above:
            groups = _filled(row)
            if _tells(groups, names, twice):
                made = [
                    _said(other, name) if name in twice else name
                    for name, other in zip(names, groups, strict=True)
                ]
                return [name or own for name, own in zip(made, row, strict=True)]
    return table[at]


def _said(one: str, other: str) -> str:
    """Two storeys as one name; a name that is written over both is written once."""
    return f"{one} {other}".strip() if one != other else one


def _wide(row: list[str], width: int) -> list[str]:
    """A line of words, as wide as the names; nothing where it is a line of figures or of too many cells."""
    words = [cell.strip() for cell in row]
    while len(words) > width and not words[-1]:
        words.pop()
    if len(words) > width or any(numeric(cell) or is_time(cell) for cell in words if cell):
        return []
    return words + [""] * (width - len(words))


def _twice(names: list[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if name and count > 1}


def _tells(row: list[str], names: list[str], twice: set[str]) -> bool:
    """Whether a line says something else of each column whose name comes several times."""
    if not row:
        return False
    pairs = [(name, other) for name, other in zip(names, row, strict=True) if name in twice]
    return len(set(pairs)) == len(pairs)


def _filled(row: list[str]) -> list[str]:
    """Each empty cell with what the group before it is called."""
    made, last = [], ""
    for cell in row:
        last = cell or last
        made.append(last)
    return made


def _spanned(names: list[str], below: list[list[str]], known: Callable[[str], bool]) -> list[str]:
    """Names that stand over the first of their columns only, as many for each price, over a line that is full."""
    prices = [n for n, name in enumerate(names) if n and known(name)]
    spans = {len(names[n:]) - len(_from_name(names[n + 1 :])) for n in prices}
    if len(prices) < 3 or len(spans) != 1 or spans == {1} or not below:
        return names
    start = prices[0]
    full = any(row and all(row[start:]) for row in below)
    return [*names[:start], *_filled(names[start:])] if full else names


def _from_name(names: list[str]) -> list[str]:
    """The names from the next that is not empty on."""
    return names[next((n for n, name in enumerate(names) if name), len(names)) :]
