"""Dates of other calendars and counts, where a whole column is written so and can be read in one way only: years of
the Republic of China (112/11/06), of a reign (令和5.11.6), years since the Buddha (06/11/2566), ISO weeks (2023-W45), a century as one digit
(1231106), days of a year (2023-310)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["by_column", "gregorian", "in_era"]

# 1985 and 2100; two digits of such a year, before 2011, look like any other date.
_REPUBLIC = re.compile(r"(0?7[4-9]|0?[89]\d|1[0-8]\d)([-/.])(\d{1,2})\2(\d{1,2})(?=\D|$)")
_REIGN = re.compile(r"(令和|平成|昭和|[RHS])(\d{1,2}|元)([-/.])(\d{1,2})\3(\d{1,2})(?=\D|$)")
_FIRST = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925}
_BUDDHIST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(25[2-9]\d|26[0-4]\d)(?=\D|$)")
_WEEK = re.compile(r"((?:19|20)\d\d)-?W([0-5]\d)(?:-?([1-7]))?")
_CENTURY = re.compile(r"[01](\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_OF_YEAR = re.compile(r"((?:19|20)\d\d)-([0-3]\d\d)")

_WHOLE = (_WEEK, _CENTURY, _OF_YEAR)


def _republic(hit: re.Match[str]) -> str:
    return f"{int(hit[1]) + 1911}-{int(hit[3]):02d}-{int(hit[4]):02d}"


def _reign(hit: re.Match[str]) -> str:
    year = _FIRST[hit[1]] + (1 if hit[2] == "元" else int(hit[2]))
    return f"{year}-{int(hit[4]):02d}-{int(hit[5]):02d}"


def _buddhist(hit: re.Match[str]) -> str:
    return f"{hit[1]}{hit[2]}{hit[3]}{hit[2]}{int(hit[4]) - 543}"


def _week(hit: re.Match[str]) -> str:
    return str(datetime.date.fromisocalendar(int(hit[1]), int(hit[2]), int(hit[3] or 1)))


def _century(hit: re.Match[str]) -> str:
    return f"{19 + int(hit[0][0])}{hit[0][1:]}"


def _of_year(hit: re.Match[str]) -> str:
    days = int(hit[2]) - 1
    made = datetime.date(int(hit[1]), 1, 1) + datetime.timedelta(days=days)
    if made.year != int(hit[1]) or days < 0:
        raise ValueError
    return str(made)


_ERAS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str], str], ...] = (
    (_REPUBLIC, _republic, "years of the Republic of China"), (_BUDDHIST, _buddhist, "Buddhist years"),
    (_REIGN, _reign, "years of a reign"),
    (_WEEK, _week, "ISO weeks"), (_CENTURY, _century, "a century of one digit"), (_OF_YEAR, _of_year, "days of a year"),
)  # fmt: skip


def in_era(cell: str) -> str:
    """``date`` or ``datetime`` for a text with a date that is no other's in spelling: three digits for a year,
    years past 2520, a week; nothing for others."""
    for pattern in (_REPUBLIC, _BUDDHIST, _WEEK, _REIGN):
        if (hit := pattern.match(cell)) is not None and (pattern is not _REPUBLIC or len(hit[1]) == 3):
            return "date" if hit.end() == len(cell) else "datetime"
    return ""


def by_column(cells: Sequence[str]) -> bool:
    """Whether cells of a column that is named for dates are days of a year, or have a century of one digit."""
    texts = [cell for cell in cells if cell]
    return len(texts) > 2 and (_fits(texts, _CENTURY) or _fits(texts, _OF_YEAR))


def _fits(texts: Sequence[str], pattern: re.Pattern[str]) -> bool:
    hits = [pattern.fullmatch(each) if pattern in _WHOLE else pattern.match(each) for each in texts]
    if not all(hits):
        return False
    if pattern is _REPUBLIC:  # two digits of its years are some where others in the column have three
        return any(hit is not None and len(hit[1]) == 3 for hit in hits)
    # seven digits may be a year of the Republic too, but for one that is still to come
    last = datetime.datetime.now(datetime.UTC).year + 1
    return pattern is not _CENTURY or any(int(each[:3]) + 1911 > last for each in texts)


def gregorian(texts: pa.Array) -> tuple[pa.Array, str]:
    """The texts with their dates in the Gregorian calendar, and what they were; the same ones, and nothing, where
    they are in it already. The head tells; some µs a different text."""
    head = [each for each in texts[:1000].to_pylist() if each]
    for pattern, put, words in _ERAS if head else ():
        if not _fits(head, pattern):
            continue
        coded = texts.dictionary_encode()
        made = [_put(each, pattern, put) for each in coded.dictionary.to_pylist()]
        return pc.take(pa.array(made, pa.string()), coded.indices), words
    return texts, ""


def _put(text: Any, pattern: re.Pattern[str], put: Callable[[re.Match[str]], str]) -> str:
    hit = pattern.match(text)
    try:
        return put(hit) + text[hit.end() :] if hit else ""
    except ValueError:
        return ""
