"""Texts that wrap their cells in marks of their own, made plain: line by line, so that every line keeps its number.

Digits of other scripts, a whole line in one pair of quotes, cells in single quotes, and cells written as ``="1.5"`` so that a spreadsheet
takes them as text. Told from the head; the quotes that the CSV format knows stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from lib.files.columns.cells import is_time, time_kind
from lib.files.columns.words import TIME_WORDS, bare, plain
from lib.files.texts.layout import Layout, cut
from lib.files.texts.text import Text

__all__ = ["plain_text", "with_dates", "with_day"]

_HEAD = 16384
_LINE = re.compile(rb'(?m)^"((?:[^"\r\n]|"")*)"(\r?)$')
_FORMULA = re.compile(rb'="([^"\r\n]*)"')
_SINGLE = re.compile(rb"(?m)(^|[,;\t|])([ ]*)'([^'\"\r\n]*)'(?=[ ]*(?:[,;\t|\r]|$))")
# Arabic, Persian, Devanagari, Bengali, Thai and wide digits, from their zeros; wide and Arabic marks.
_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10)
_DIGITS = re.compile("[" + "".join(f"{chr(zero)}-{chr(zero + 9)}" for zero in _ZEROS) + "]")
_SCRIPTS = {zero + n: str(n) for zero in _ZEROS for n in range(10)} | {
    ord(mark): plain for mark, plain in zip("٫٬．，：／－；", ".,.,:/-;", strict=True)
}
_MARKS = re.compile(rb"[,;\t|]")


def plain_text(text: Text) -> Text:
    """The text without such marks; the same one where it has none. O(bytes) where it has."""
    head = text.data[text.start : text.start + _HEAD]
    if not head.isascii() and (made := _western(text, bytes(head))) is not None:
        return plain_text(made)
    lines = [line for line in head.splitlines()[:100] if line.strip()]
    if len(lines) > 2:
        lines = lines[:-1]
    if _most(lines, lambda line: line.count(b'="') > 3):
        return _changed(text, _FORMULA, lambda hit: b'"' + hit[1] + b'"')
    if _most(
        lines, lambda line: (hit := _LINE.fullmatch(line)) is not None and len(_MARKS.findall(hit[1])) > 3
    ):
        return _changed(text, _LINE, lambda hit: hit[1].replace(b'""', b'"') + hit[2])
    if _most(lines, lambda line: len(_SINGLE.findall(line)) > 3):
        return _changed(text, _SINGLE, lambda hit: hit[1] + b'"' + hit[3] + b'"')
    return text


def _western(text: Text, head: bytes) -> Text | None:
    """The text with 0 to 9 for the digits of other scripts, and the marks of such figures; None where its rows have
    none."""
    lines = [line for line in head.decode("utf-8", "ignore").splitlines()[1:100] if line.strip()]
    if not lines or sum(len(_DIGITS.findall(line)) > 8 for line in lines) * 10 < len(lines) * 8:
        return None
    made = bytes(text.data[text.start :]).decode("utf-8", "replace").translate(_SCRIPTS)
    return replace(text, data=made.encode(), start=0)


def _most(lines: list[bytes], fits: Callable[[bytes], bool]) -> bool:
    return len(lines) > 1 and sum(map(fits, lines)) * 10 >= len(lines) * 8


def _changed(text: Text, pattern: re.Pattern[bytes], put: Callable[[re.Match[bytes]], bytes]) -> Text:
    return replace(text, data=pattern.sub(put, bytes(text.data[text.start :])), start=0)


# What the columns of a date's parts are called, from the largest.
_PARTS = (
    ("year", "yyyy", "yr", "jahr", "annee", "ano", "anno"), ("month", "mm", "mon", "monat", "mois", "mes", "mese"),
    ("day", "dd", "tag", "jour", "dia", "giorno"), ("hour", "hh", "hr", "stunde", "heure", "hora", "ora"),
    ("minute", "min", "mi"), ("second", "sec", "ss"),
)  # fmt: skip


def with_dates(text: Text, found: Layout) -> Text:
    """The text with one column more: ``time``, where year, month and day have a column each and no column holds
    whole times; ``datetime``, where the date stands in the first row of each day only. Else the same text. Some 10 µs a
    row."""
    if (filled := _filled_down(text, found)) is not text:
        return filled
    names = [plain(name) for name in found.names]
    at = [next((names.index(word) for word in words if word in names), None) for words in _PARTS]
    like = [row for row in found.rows if len(row) == found.width]
    if not found.header or None in at[:3] or any(map(is_time, like[0] if like else ())):
        return text
    places = [place for place in at if place is not None]
    if any(place is None for place in at[: len(places)]) or not all(
        row[p].isdecimal() for row in like for p in places
    ):
        return text
    return _wider(text, found, "time", lambda cells: _date([cells[place] for place in places]))


def _filled_down(text: Text, found: Layout) -> Text:
    """Each row with the date above it, where a column of times of day goes on in one direction below every date."""
    columns = list(zip(*(row for row in found.rows if len(row) == found.width), strict=True))
    kinds = [{time_kind(cell) for cell in column if cell} for column in columns]
    dates = [
        at for at, column in enumerate(columns)
        if column[0] and kinds[at] == {"date"} and column.count("") * 4 >= len(column)
    ]  # fmt: skip
    clocks = [at for at, column in enumerate(columns) if kinds[at] == {"clock"} and all(column)]
    if len(dates) != 1 or len(clocks) != 1:
        return text
    days: list[tuple[str, list[str]]] = []

    def told(cells: list[str]) -> str:
        if cells[dates[0]]:
            days.append((cells[dates[0]], []))
        if not days:
            return ""
        days[-1][1].append(_day_s(cells[clocks[0]]))
        return f"{days[-1][0]} {cells[clocks[0]]}"

    made = _wider(text, found, "datetime", told)
    return made if all(seen in (sorted(seen), sorted(seen, reverse=True)) for _, seen in days) else text


def with_day(text: Text, found: Layout, day: str) -> Text:
    """The text with one column more, ``datetime``, of the times of day in its only column of them on ``day``
    (YYYY-MM-DD), where no other column holds times and these do not pass midnight; else the same text. Some 10 µs a
    row."""
    columns = list(zip(*(row for row in found.rows if len(row) == found.width), strict=True))
    kinds = [{time_kind(cell) for cell in column} for column in columns]
    clocks = [at for at, kind in enumerate(kinds) if kind == {"clock"}]
    counts = [
        at for at, kind in enumerate(kinds)
        if "epoch" in kind and (bare(found.names[at]) in TIME_WORDS if found.header else at == 0)
    ]  # fmt: skip
    if len(clocks) != 1 or counts or any(kind & {"date", "datetime"} for kind in kinds):
        return text
    seen: list[str] = []

    def told(cells: list[str]) -> str:
        seen.append(_day_s(cells[clocks[0]]))
        return f"{day} {cells[clocks[0]]}"

    made = _wider(text, found, "datetime", told)
    return made if seen in (sorted(seen), sorted(seen, reverse=True)) else text


def _day_s(clock: str) -> str:
    """A time of day, so that texts of it sort as it does."""
    hour, _, rest = clock.casefold().replace(".m", "m").partition(":")
    late = 12 * rest.rstrip(". ").endswith(("pm", "p"))
    early = rest.rstrip(". ").endswith(("am", "a"))
    return (
        f"{int(hour) % 12 + late if late or early else int(hour):02d}:{rest}"
        if hour.strip().isdecimal()
        else ""
    )


def _wider(text: Text, found: Layout, name: str, tell: Callable[[list[str]], str]) -> Text:
    """The text with a column more; lines that are no rows stay as they are."""
    mark = {"whitespace": "\t"}.get(found.delimiter, found.delimiter)
    made = []
    for line, raw in enumerate(bytes(text.data[text.start :]).decode("utf-8", "replace").splitlines(), 1):
        cells = cut(raw, found.delimiter) if line >= found.first_line else []
        told = tell(cells) if len(cells) == found.width else ""
        made.append(
            raw + mark + (name if line == found.header else told) if told or line == found.header else raw
        )
    return replace(text, data=("\n".join(made) + "\n").encode(), start=0)


def _date(parts: list[str]) -> str:
    if not all(part.isdecimal() for part in parts):
        return " "
    year, month, day, *clock = parts
    hours = [*clock, "00", "00", "00"][:3]
    return f"{year.zfill(4)}-{month.zfill(2)}-{day.zfill(2)} " + ":".join(each.zfill(2) for each in hours)
