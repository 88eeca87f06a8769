"""Times as spreadsheets count them, in a table of texts: days since 1899-12-30, and beside them, or beside dates,
times of day as fractions of a day; and times of day that are counted in milliseconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from lib.files.columns.cells import is_missing

__all__ = [
    "DOTTED",
    "FRACTIONS",
    "MILLIS",
    "are_days",
    "are_fractions",
    "are_millis",
    "as_clock",
    "as_date",
    "of_millis",
]

# In place of how many digits a time of day has: it is a fraction of a day.
FRACTIONS = -1
# The same where it is counted in milliseconds.
MILLIS = -1000
# Hours and minutes, perhaps seconds, as some countries write them: 14.30.
DOTTED = r"^(?:[01]?\d|2[0-3])\.[0-5]\d(?:\.[0-5]\d)?$"
_FRACTION = re.compile(r"0?[.,]\d{1,20}|0|\d(?:[.,]\d{1,16})?[eE]-\d{1,2}")
_DAYS = re.compile(r"([2-7]\d{4})(?:[.,]0+)?")
_FIRST = np.datetime64("1899-12-30", "D")
_DAY = 86400


def are_fractions(cells: Iterable[str]) -> bool:
    """Fractions of a day, of which at least one has more digits than the minutes of ``9.30``, or is none of them."""
    known = [cell for cell in cells if not is_missing(cell)]
    plain = (not re.fullmatch(r"0?[.,][0-5]\d|0", cell) for cell in known)
    return bool(known) and all(map(_FRACTION.fullmatch, known)) and any(plain)


def are_millis(name: str, cells: Iterable[str]) -> bool:
    """Milliseconds since midnight, by the column's name and what it holds."""
    known = [cell for cell in cells if not is_missing(cell)]
    plain = all(re.fullmatch(r"\d{1,8}(?:\.0*)?", cell) and float(cell) < _DAY * 1000 for cell in known)
    return bool(re.search(r"\b(ms|msecs?|millis|milliseconds?)\b", name)) and plain and len(set(known)) > 1


def of_millis(cell: str) -> str:
    """The time of day of such a count; another text stays as it is."""
    if not re.fullmatch(r"\d{1,8}(?:\.0*)?", cell):
        return cell
    seconds, rest = divmod(int(float(cell)), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def are_days(cells: Sequence[str]) -> bool:
    """Days since 1899-12-30, of 1970 to 2118."""
    known = [cell for cell in cells if not is_missing(cell)]
    return bool(known) and all(map(_DAYS.fullmatch, known)) and min(known) >= "25569"


def as_date(cell: str) -> str:
    """The date of such a day; another text stays as it is."""
    hit = _DAYS.fullmatch(cell)
    return str(_FIRST + np.timedelta64(int(hit[1]), "D")) if hit else cell


def as_clock(cell: str) -> str:
    """The time of day of a fraction, to the second; to the minute where it has too few digits to tell one, such as
    0.3958 for 9:30. Another text stays as it is."""
    if not _FRACTION.fullmatch(cell):
        return cell
    exact = float(cell.replace(",", ".")) * _DAY
    seconds = round(exact)
    few = "e" not in cell.lower() and len(cell.replace(",", ".").partition(".")[2]) <= 4
    if few and abs(exact - seconds) > 1e-6:
        seconds = round(exact / 60) * 60
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
