"""JSON and NDJSON to text: the one table in a document is found by its shape, whatever it is nested in.

Shapes: a list of rows or of objects; columns as lists or as objects; objects keyed by their time; a list
of names beside a list of rows. Nested objects give dotted names (``mid.o``). Figures keep their digits.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lib.errors import FileRefused
from lib.files.cells import is_time
from lib.files.containers import Buffer
from lib.files.deltas import undo

__all__ = ["Document", "to_documents"]

# Parsed, a document takes about eight times its size.
_MOST = 512 * 2**20
_DEEPEST = 12
_LEAST = 4  # columns: four prices, whose time may be the key
_PRICE = re.compile(r"(?i)(^|[^a-z])(o|open|h|high|l|low|c|close)$")
_SCRIPT = re.compile(r"\s*(?:(?:var|let|const)\s+)?[A-Za-z_$][\w.$]{0,60}\s*([=(])\s*(?=[\[{])")
_NET = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_ZONE = re.compile(r"(?i)(time_?zone(name)?|tz)$")


@dataclass(frozen=True, slots=True)
class Document:
    """One table as comma separated text; ``key`` is where in the document it was; ``zone`` a name of a
    zone that the document states, or nothing."""

    key: str
    data: bytes
    zone: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    key: str
    names: list[str] | None
    rows: list[Any]  # lists, or dicts with ``names``
    width: int


def to_documents(data: Buffer, name: str) -> tuple[Document, ...]:
    """The tables of a JSON or NDJSON text. Raises ``FileRefused`` where there is none."""
    root = _parse(data, name)
    zone = next((value for key, value in _scalars(root) if _ZONE.search(key) and "/" in value), "")
    found = list(_tables(root, "", _DEEPEST))
    if not found:
        raise FileRefused(
            f"{name} is JSON without a table of candles: {_shown(root)}",
            remedy="It needs rows with a time, open, high, low and close.", file=name,
        )  # fmt: skip
    most = max(len(each.rows) for each in found)
    kept = [each for each in found if len(each.rows) * 2 >= most]
    return tuple(Document(each.key, _text(each), zone) for each in kept)


def _parse(data: Buffer, name: str) -> Any:
    if len(data) > _MOST:
        raise FileRefused(
            f"{name} holds {len(data) // 2**20:,} MB of JSON; {_MOST // 2**20} MB is the most.",
            remedy="Save it as CSV or Parquet.", file=name,
        )  # fmt: skip
    try:
        text = bytes(data).decode("utf-8-sig")
        if hit := _SCRIPT.match(text):  # a script around it: callback({...}); or data = [...];
            text = text[hit.end() :].rstrip().removesuffix(";").rstrip()
            text = text.removesuffix(")") if hit[1] == "(" else text
        return json.loads(text, parse_float=str, parse_int=str)
    except UnicodeDecodeError as error:
        raise FileRefused(f"{name} is JSON that is not UTF-8.", file=name) from error
    except RecursionError as error:
        raise FileRefused(f"{name} is JSON nested too deep.", file=name) from error
    except json.JSONDecodeError as error:
        try:
            return [
                json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines() if line.strip()
            ]
        except (json.JSONDecodeError, RecursionError) as again:
            line = error.lineno
            if isinstance(again, json.JSONDecodeError) and error.msg == "Extra data":
                line = next(
                    n for n, each in enumerate(text.splitlines(), 1) if each.strip() == again.doc.strip()
                )
                error = again
            raise FileRefused(
                f"Line {line} of {name} is not JSON: {error.msg}; the file may be cut short.",
                remedy="Fetch it again.", file=name, line=line,
            ) from again  # fmt: skip


def _shown(root: Any) -> str:
    text = " ".join(json.dumps(root, ensure_ascii=False).split())
    return text if len(text) <= 160 else text[:160] + "..."


def _scalars(node: Any, depth: int = 5) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict) and depth:
        for key, value in list(node.items())[:200]:
            if isinstance(value, str):
                yield key, value
            else:
                yield from _scalars(value, depth - 1)
    elif isinstance(node, list) and depth and len(node) < 10:
        for each in node:
            yield from _scalars(each, depth - 1)


# ---------------------------------------------------------------------------------------------- shapes


def _scalar(value: Any) -> bool:
    return not isinstance(value, (list, dict))


def _tables(node: Any, key: str, depth: int) -> Iterator[_Found]:
    """The tables at or under a node; one that is found is not searched further."""
    if depth == 0 or _scalar(node):
        return
    if isinstance(node, dict) and (steps := undo(node)):
        yield _Found(key, list(steps), [list(row) for row in zip(*steps.values(), strict=True)], len(steps))
        return
    found = _rows(node, key) if isinstance(node, list) else _columns(node, key) or _keyed(node, key)
    if found is not None:
        yield found
        return
    under = node.items() if isinstance(node, dict) else enumerate(node[:50])
    for name, child in under:
        made = list(_tables(child, f"{key}.{name}".strip("."), depth - 1))
        yield from [_named(node, each) for each in made] if isinstance(node, dict) else made


def _rows(node: list[Any], key: str) -> _Found | None:
    kinds = Counter(type(each) for each in node[:1000])
    if not kinds:
        return None
    kind = kinds.most_common(1)[0][0]
    like = [each for each in node if type(each) is kind]
    if kind is list:
        width, _ = Counter(len(each) for each in like).most_common(1)[0]
        flat = width > _LEAST and all(_scalar(cell) for cell in like[0])
        return _Found(key, None, like, width) if flat else None
    if kind is not dict:
        return None
    rows = [_flat(each) for each in like]
    if {"x", "y"} <= rows[0].keys() and all(
        isinstance(row.get("y"), list) and len(row["y"]) == 4 for row in rows
    ):
        return _Found(
            key, ["time", "open", "high", "low", "close"], [[row["x"], *row["y"]] for row in rows], 5
        )
    names = list(dict.fromkeys(name for row in rows for name in row))
    if sum(bool(_PRICE.search(name)) for name in names) < _LEAST and len(names) <= _LEAST:
        return None
    if len(rows) == 1 and any(isinstance(cell, list) and len(cell) > 1 for cell in rows[0].values()):
        return None  # one object around a table
    return _Found(key, names, rows, len(names)) if len(names) > _LEAST else None


def _flat(node: dict[str, Any], before: str = "", depth: int = 4) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in node.items():
        if isinstance(value, dict) and depth:
            made |= _flat(value, f"{before}{name}.", depth - 1)
        else:
            made[before + name] = value
    return made


def _columns(node: dict[str, Any], key: str) -> _Found | None:
    """Columns as lists of one length, or as objects with the same keys."""
    lists = list(_lists(node, "", 6))
    if lists:
        length, count = Counter(len(values) for _, values in lists).most_common(1)[0]
        if count > _LEAST and sum(bool(_PRICE.search(path)) for path, _ in lists) >= _LEAST:
            named = _shortest([path for path, values in lists if len(values) == length])
            columns = [values for _, values in lists if len(values) == length]
            return _Found(key, named, [list(row) for row in zip(*columns, strict=True)], count)
    objects = {name: value for name, value in node.items() if isinstance(value, dict)}
    prices = sum(bool(_PRICE.search(name)) for name in objects)
    if prices < _LEAST or not all(_scalar(cell) for value in objects.values() for cell in value.values()):
        return None
    index = list(dict.fromkeys(at for value in objects.values() for at in value))
    keyed = not all(at.isdigit() and int(at) < 10**8 for at in index[:100])
    names = [*(["time"] if keyed else []), *objects]
    rows = [[*([at] if keyed else []), *(value.get(at) for value in objects.values())] for at in index]
    return _Found(key, names, rows, len(names))


def _lists(node: Any, path: str, depth: int) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(node, dict) and depth:
        for name, value in node.items():
            yield from _lists(value, f"{path}.{name}".strip("."), depth - 1)
    elif isinstance(node, list) and node:
        if all(_scalar(each) for each in node):
            yield path, node
        elif len(node) == 1:
            yield from _lists(node[0], path, depth - 1)


def _shortest(paths: list[str]) -> list[str]:
    last = [path.rsplit(".", 1)[-1] for path in paths]
    return [path if last.count(name) > 1 else name for path, name in zip(paths, last, strict=True)]


def _keyed(node: dict[str, Any], key: str) -> _Found | None:
    """Objects under their times: ``{"2024-01-31": {"1. open": "1.5", ...}}``."""
    some = list(node)[:50]
    times = [name for name in some if is_time(name)]
    if len(node) > 2 and all(
        re.fullmatch(r"\d{1,8}", name) and isinstance(node[name], dict) for name in some
    ):
        return _rows(list(node.values()), key)  # numbered rows
    if not times or len(times) * 2 < min(50, len(node)):
        return None
    rows: list[Any] = [(at, value) for at, value in node.items() if isinstance(value, dict)]
    if rows:
        flat = [{"time": at, **_flat(value)} for at, value in rows]
        names = list(dict.fromkeys(name for row in flat for name in row))
        return _Found(key, names, flat, len(names)) if len(names) > _LEAST else None
    rows = [[at, *value] for at, value in node.items() if isinstance(value, list)]
    return _Found(key, None, rows, len(rows[0])) if rows and len(rows[0]) > _LEAST else None


def _named(node: dict[str, Any], found: _Found) -> _Found:
    """Rows without names, with a list of as many names beside them (and perhaps of their index)."""
    if found.names is not None:
        return found
    index: list[Any] | None = None
    for value in node.values():
        if not isinstance(value, list) or value is found.rows:
            continue
        words = [each.get("name") if isinstance(each, dict) else each for each in value[: found.width + 1]]
        if len(value) == found.width and all(isinstance(each, str) and not is_time(each) for each in words):
            found = _Found(found.key, [str(each) for each in words], found.rows, found.width)
        elif len(value) == len(found.rows) and all(_scalar(each) for each in value[:5]):
            index = value
    if index and found.names and not any(is_time(str(cell)) for cell in found.rows[0]):
        rows = [[at, *row] for at, row in zip(index, found.rows, strict=True)]
        return _Found(found.key, ["time", *found.names], rows, found.width + 1)
    return found


# ------------------------------------------------------------------------------------------------ text


def _text(found: _Found) -> bytes:
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
