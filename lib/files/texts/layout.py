"""Third stage: where the table is in the text, from a sample of its head: delimiter, header, first row."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass

from lib.errors import FileRefused
from lib.files.columns.cells import is_missing, is_number, is_time, numeric
from lib.files.columns.words import bare, meaning
from lib.files.texts.storeys import storeys
from lib.files.texts.text import Text

__all__ = ["DELIMITERS", "SAMPLE_BYTES", "Layout", "cut", "head_lines", "no_rows", "sniff"]

DELIMITERS = (",", ";", "\t", "|", "^", "~", "whitespace", ":")
SAMPLE_BYTES = 49152
_LONGEST_LINE = 2**20
_PLAIN_LINE = 2**16
_MOST_COLUMNS = 2000
_MOST_TITLES = 60
_ROWS = 300  # of the sample
_SOON = 100  # lines within which a table of candles begins, nearly always


@dataclass(frozen=True, slots=True)
class Layout:
    """``header`` is the 1-based line of the header, 0 for none; the first row is on line ``first_line``
    at byte ``start``. ``names`` has one label for each of ``width`` columns, all different."""

    delimiter: str
    header: int
    names: tuple[str, ...]
    first_line: int
    start: int
    width: int
    rows: tuple[tuple[str, ...], ...]
    why_delimiter: str
    why_header: str
    notes: tuple[str, ...] = ()


def head_lines(text: Text, name: str) -> list[str]:
    """The lines of the sample, whole ones only, without their ends."""
    head = text.data[text.start : text.start + SAMPLE_BYTES]
    if len(text.data) - text.start > SAMPLE_BYTES:
        cut_at = head.rfind(b"\n")
        if cut_at < 0:
            end = text.data.find(b"\n", text.start, text.start + _LONGEST_LINE)
            if end < 0:
                raise FileRefused(
                    f"The first line of {name} is longer than a million characters; that is no table of candles.",
                    file=name, line=1,
                )  # fmt: skip
            cut_at, head = end - text.start, text.data[text.start : end + 1]
        head = head[: cut_at + 1]
    lines = head.decode("utf-8", "replace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def cut(line: str, delimiter: str) -> list[str]:
    """One line into cells, quotes honoured. A quote that never ends leaves the line as one cell."""
    if delimiter == "whitespace":
        return [cell.strip('"') for cell in re.split(r"[ \t]+", line.strip(" \t"))]
    if line and '"' not in line and "\r" not in line and len(line) < _PLAIN_LINE:
        return [cell.strip() for cell in line.split(delimiter)]  # a third of what the csv module takes
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=False), [])
    except csv.Error:
        return [line]
    return [cell.strip() for cell in cells]


def sniff(text: Text, name: str, delimiter: str | None = None, header: int | None = None) -> Layout:
    """Find the table. ``delimiter`` and ``header`` where they were chosen. Raises ``FileRefused``."""
    lines = head_lines(text, name)
    if delimiter and delimiter not in DELIMITERS and len(delimiter) != 1:
        raise FileRefused(f"A delimiter is one character, not {delimiter!r}.", file=name)
    chosen = delimiter or _delimiter(lines)
    table = [cut(line, chosen) for line in lines[: _SOON + _ROWS]]
    if not any(_is_row(cells) for cells in table[header or 0 : _SOON]):
        table += [cut(line, chosen) for line in lines[_SOON + _ROWS :]]
    widest = max((len(cells) for cells in table[:3]), default=0)
    if widest > _MOST_COLUMNS:
        raise FileRefused(
            f"{name} has {widest:,} columns; {_MOST_COLUMNS:,} is the most, and candles need 6.",
            remedy="Import a table with a row for each candle; this one may have a column for each.", file=name, line=1,
        )  # fmt: skip
    first = _first_row(table, name, header)
    at, why = _header(table, first, header)
    start_row = at + 1 if at is not None else _start_without_header(table, first)
    while start_row < first and not any(numeric(cell) or is_time(cell) for cell in table[start_row]):
        start_row += 1
    rows = [row for row in table[start_row : start_row + _ROWS] if any(row)]
    width = _width(rows)
    if width > _MOST_COLUMNS:
        raise FileRefused(f"{name} has {width:,} columns; {_MOST_COLUMNS:,} is the most.", file=name)
    names, notes = _names(None if at is None else storeys(table, at, first, _price), rows, width, name, at)
    return Layout(
        delimiter=chosen,
        header=at + 1 if at is not None else 0,
        names=names,
        first_line=start_row + 1,
        start=text.start + _byte_of(text, start_row),
        width=width,
        rows=tuple(tuple(row) for row in rows),
        why_delimiter="chosen" if delimiter else "it cuts the most lines into like cells",
        why_header=why,
        notes=notes,
    )


def _byte_of(text: Text, row: int) -> int:
    at = text.start
    for _ in range(row):
        at = text.data.find(b"\n", at) + 1
    return at - text.start


def _delimiter(lines: list[str]) -> str:
    """The one that gives the most lines the same number of cells, of which the most can be read."""
    body = [line for line in lines if line.strip()][-120:]
    scored = [(_score(body, each), -n, each) for n, each in enumerate(DELIMITERS) if each != ":"]
    best = max(scored)
    # colons stand in times of day: they part cells only where nothing else does
    return ":" if best[0] < 0.2 < _score(body, ":") else best[2]


def _score(lines: list[str], delimiter: str) -> float:
    if delimiter != "whitespace" and not any(delimiter in line for line in lines):
        return 0.0
    rows = [cut(line, delimiter) for line in lines]
    width, count = Counter(len(row) for row in rows).most_common(1)[0] if rows else (0, 0)
    if width < 2:
        return 0.0
    cells = [cell for row in rows if len(row) == width for cell in row]
    clean = sum(is_number(cell) or is_time(cell) for cell in cells) / len(cells)
    enough = 1.0 if width >= 5 else 0.4
    return count / len(rows) * (0.05 + clean) * enough


def _is_row(cells: list[str]) -> bool:
    """A row of candles has four prices: at least four numbers, missing ones counted, some not missing."""
    if len(cells) < 4:
        return False
    figures = sum(is_number(cell) for cell in cells)
    return figures >= 4 and sum(numeric(cell) or is_time(cell) for cell in cells) >= 2


def _is_tick(cells: list[str]) -> bool:
    """A row of ticks has a time and a price, or three figures of which the first may count from midnight."""
    figures = sum(numeric(cell) for cell in cells)
    return 2 <= len(cells) <= 40 and (
        figures >= 3 or (figures >= 1 and any(is_time(cell) and not _short(cell) for cell in cells))
    )


def _short(cell: str) -> bool:
    """A whole number that may be anything."""
    return cell.isdecimal() and len(cell) < 12


def no_rows(name: str, shown: str) -> FileRefused:
    """The refusal of a text without rows of candles; ``shown`` is its first line."""
    return FileRefused(
        f"{name} holds no rows of candles: no line of its head has a time and four prices. "
        f"Its first line is {shown!r}.",
        remedy="Each line needs a time, open, high, low and close, parted by commas, semicolons, tabs, bars or blanks; "
        "ticks need a time and a price, or a bid and an ask.",
        file=name, line=1,
    )  # fmt: skip


def _first_row(table: list[list[str]], name: str, header: int | None) -> int:
    begin = header or 0
    candle = next((at for at, cells in enumerate(table[begin:], begin) if _is_row(cells)), None)
    if candle is not None:
        return candle
    rows = [at for at, cells in enumerate(table[begin:], begin) if _is_tick(cells)]
    if rows and len(rows) * 3 >= 2 * (len(table) - rows[0]):
        return rows[0]
    shown = next((" ".join(cells) for cells in table if any(cells)), "")[:80]
    if len(table) - begin <= 1 or not any(any(cells) for cells in table[begin + 1 :]):
        raise FileRefused(
            f"{name} has a header and no candles under it: {shown!r}." if len(shown) else f"{name} is empty.",
            file=name, line=1,
        )  # fmt: skip
    raise no_rows(name, shown)


def _header(table: list[list[str]], first: int, header: int | None) -> tuple[int | None, str]:
    if header == 0:
        return None, "chosen: none"
    if header:
        return header - 1, "chosen"
    above = [at for at in range(first - 1, max(-1, first - 1 - _MOST_TITLES), -1) if _is_names(table[at])]
    if not above:
        return None, "the first line is figures already"
    best = max(above, key=lambda at: (_known(table[at]), at))
    if _known(table[above[0]]) < 2 and _known(table[best]) > 2:
        return best, "the line above the first row that names prices"
    return above[0], "the last line of names before the first row"


def _known(cells: list[str]) -> int:
    return sum(meaning(bare(cell)) != "" for cell in cells)


def _price(name: str) -> bool:
    return meaning(bare(name)) not in ("", "time")


def _is_names(cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return len(filled) >= min(3, len(cells) - 1) >= 1 and not any(
        numeric(cell) or is_time(cell) for cell in filled
    )


def _start_without_header(table: list[list[str]], first: int) -> int:
    """Lines without any figure above the first row are titles; the others are rows, and must be read."""
    at = first
    while at > 0 and any(numeric(cell) or is_time(cell) for cell in table[at - 1]):
        at -= 1
    return at


def _width(rows: list[list[str]]) -> int:
    return Counter(len(row) for row in rows).most_common(1)[0][0]


def _names(
    header: list[str] | None, rows: list[list[str]], width: int, name: str, at: int | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if header is None:
        return tuple(f"column {n + 1}" for n in range(width)), ()
    names, notes = list(header), []
    like = [row for row in rows if len(row) == width]
    if len(names) == width - 1:
        if all(is_missing(row[-1]) for row in like):
            names.append("")
        elif all(is_time(row[0]) for row in like) and all(_clock(row[1]) for row in like):
            names.insert(1, "Time")
            notes.append(
                "The header has a name fewer than the rows have cells: its date stands for date and time."
            )
        elif _index_first(names[0], like[0]):
            names.insert(0, "")
            notes.append(
                "The header has a name fewer than the rows have cells: the first column is an index."
            )
    elif len(names) == width - 2 and all(is_time(row[0]) and _clock(row[1]) for row in like):
        names[:0] = ["Date", "Time"]
        notes.append("The header has no name for the dates and times of day that the rows begin with.")
    while len(names) > width and not names[-1]:
        names.pop()
    if len(names) != width:
        raise FileRefused(
            f"Line {(at or 0) + 1} of {name} names {len(names)} columns, and its rows have {width} cells.",
            remedy="Give them the same number, or say which delimiter (--delimiter) or line of the header (--header) is "
            "meant. Figures with decimal commas need another delimiter, such as semicolons.",
            file=name, line=(at or 0) + 1,
        )  # fmt: skip
    return _unique(names), tuple(notes)


def _index_first(name: str, row: list[str]) -> bool:
    """The first cell has no name: the name of times stands over the second, or over none."""
    timely = re.search(r"(?i)time|date|stamp|unix", name) is not None
    return is_time(row[1]) and not is_time(row[0]) if timely else is_time(row[0])


def _clock(cell: str) -> bool:
    return re.fullmatch(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?", cell) is not None


def _unique(names: list[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    made = []
    for n, raw in enumerate(names):
        label = raw.strip() or f"column {n + 1}"
        seen[label] += 1
        made.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return tuple(made)
