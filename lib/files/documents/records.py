"""Rows found in a document, on their way to a text: the candle's own names first, unfinished candles left out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lib.files.columns.cells import time_kind
from lib.files.unfinished import finished

__all__ = ["Found", "closed", "lifted", "to_text"]

_NET = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_LEAST = 4
_SOME = 20000  # rows that are written at once
_MARKS = '"', "\r", "/Date("  # of texts that are not written as they stand


@dataclass(frozen=True, slots=True)
class Found:
    """Rows as lists, or as dicts with ``names``; ``key`` is where in the document they were."""

    key: str
    names: list[str] | None
    rows: list[Any]
    width: int


def lifted(found: Found) -> Found:
    """Where one object in each row holds its prices and a time, its names stand first and alone: ``k.t`` -> ``t``."""
    if found.names is None or not found.rows or not isinstance(found.rows[0], dict):
        return found
    groups = dict.fromkeys(name.rpartition(".")[0] for name in found.names if "." in name)
    best, most = "", _LEAST
    for group in groups:
        inside = [name for name in found.names if name.rpartition(".")[0] == group]
        timed = any(time_kind(_cell(found.rows[0].get(name))) for name in inside)
        if timed and len(inside) > most:
            best, most = group, len(inside)
    if not best:
        return found
    inside = [name for name in found.names if name.rpartition(".")[0] == best]
    short = [name.rpartition(".")[2] for name in inside]
    rest = [name for name in found.names if name not in inside]
    # a name that both have is the outer one's with a dot before it
    names = [*short, *(f".{name}" if name in short else name for name in rest)]
    rows = [[row.get(name) for name in (*inside, *rest)] for row in found.rows]
    return Found(found.key, names, rows, found.width)


def closed(found: Found) -> tuple[Found, str]:
    """Rows without names without those that their last cell calls unfinished, and without that cell, which would pass
    for a volume; and a note."""
    if found.names is not None or not found.rows:
        return found, ""
    over = finished(found.rows)
    if over is None:
        return (_without_last(found, found.rows) if _all_over(found.rows) else found), ""
    kept = [row for row, each in zip(found.rows, over, strict=True) if each]
    note = f"Left out {len(over) - len(kept):,} rows that the last column calls unfinished."
    return _without_last(found, kept), note


def _without_last(found: Found, rows: list[Any]) -> Found:
    """Some of the rows without their last cells, where a time and four prices are left."""
    width = found.width - 1
    return Found(found.key, None, [row[:width] for row in rows], width) if width > _LEAST else found


def _all_over(rows: list[Any]) -> bool:
    """Every last cell is 1 or true, also where a candle has several prices, and so has traded more than once."""
    flags = {str(row[-1]).lower() for row in rows}
    moved = any(len(set(map(str, row[1 : _LEAST + 1]))) > 1 for row in rows)
    return len(rows) > 3 and flags in ({"1"}, {"true"}) and moved


def to_text(found: Found) -> bytes:
    """Comma separated text, with the names above."""
    names = found.names
    parts = [] if names is None else [_lines([names])]
    for at in range(0, len(found.rows), _SOME):
        rows = found.rows[at : at + _SOME]
        parts.append(
            _written(
                [tuple(map(row.get, names)) if isinstance(row, dict) else row for row in rows]
                if names
                else rows
            )
        )
    return b"".join(parts)


def _written(rows: Sequence[Sequence[Any]]) -> bytes:
    """Lines of some rows: joined where no cell needs quotes, a third of what the csv module takes."""
    if len(set(map(len, rows))) == 1:
        columns = [_plain(each) for each in zip(*rows, strict=True)]
        text = "\n".join(map(",".join, zip(*columns, strict=True))) + "\n"
        marks = text.count(","), text.count("\n")
        if marks == (len(rows) * (len(columns) - 1), len(rows)) and not any(each in text for each in _MARKS):
            return text.encode("utf-8", "replace")
    return _lines([_cell(cell) for cell in row] for row in rows)


def _plain(column: Sequence[Any]) -> Sequence[str]:
    """A column as texts."""
    kinds = set(map(type, column))
    return column if kinds == {str} else [each if type(each) is str else _cell(each) for each in column]


def _lines(rows: Iterable[Iterable[Any]]) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\n").writerows(rows)
    return sink.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        if hit := _NET.fullmatch(value):
            return hit[1]
        return value.replace("\n", " ").replace("\r", " ")
    return str(value).lower() if isinstance(value, bool) else json.dumps(value)[:200]
