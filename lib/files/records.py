"""Rows found in a document, on their way to a text: the candle's own names first, unfinished candles left out."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any

from lib.files.cells import time_kind
from lib.files.unfinished import finished

__all__ = ["Found", "closed", "lifted", "to_text"]

_NET = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_LEAST = 4


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
    """Rows without names without those that their last cell calls unfinished; and a note."""
    over = finished(found.rows) if found.names is None and found.rows else None
    if over is None:
        return found, ""
    kept = [row for row, each in zip(found.rows, over, strict=True) if each]
    note = f"Left out {len(over) - len(kept):,} rows that the last column calls unfinished."
    return Found(found.key, None, kept, found.width), note


def to_text(found: Found) -> bytes:
    """Comma separated text, with the names above."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    if found.names is not None:
        writer.writerow(found.names)
    for row in found.rows:
        cells = [row.get(name) for name in found.names or ()] if isinstance(row, dict) else row
        writer.writerow([_cell(cell) for cell in cells])
    return sink.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        if hit := _NET.fullmatch(value):
            return hit[1]
        return value.replace("\n", " ").replace("\r", " ")
    return str(value).lower() if isinstance(value, bool) else json.dumps(value)[:200]
