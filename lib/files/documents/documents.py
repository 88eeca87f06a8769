"""JSON and NDJSON to text: the one table in a document is found by its shape, whatever it is nested in.

Shapes: a list of rows or of objects; columns as lists or as objects; objects keyed by their time; a list
of names beside a list of rows. Nested objects give dotted names (``mid.o``). Figures keep their digits.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lib.errors import FileRefused
from lib.files.columns.cells import is_time, time_kind
from lib.files.documents import wrapped
from lib.files.documents.deltas import undo
from lib.files.documents.parsing import flattened, parse
from lib.files.documents.records import Found, closed, lifted, to_text
from lib.files.documents.slices import slices
from lib.files.packed.containers import Buffer

__all__ = ["Document", "rows_of_lines", "to_documents"]

_DEEPEST = 12
_MOST_NAMES = 500
_NESTED = {list, dict}
_LEAST = 4  # columns: four prices, whose time may be the key
_PRICE = re.compile(r"(?i)(^|[^a-z])(o|open|h|high|l|low|c|close)\W*$|^\W*(open|high|low|close)\b")
# Three or four names are enough for trades and quotes.
_TICK = re.compile(r"(?i)p|price|px|last|bid|rate")
_ZONE = re.compile(r"(?i)(time[_ ]?zone([_ ]?name)?|tz)$")
_SYMBOL = re.compile(r"(?i)(symbol|ticker|pair|instrument(_?name|_?id)?|inst_?id|product_?id|market|s)$")


@dataclass(frozen=True, slots=True)
class Document:
    """One table as comma separated text; ``key`` is where in the document it was; ``zone`` a name of a
    zone that the document states, or nothing; ``note`` says what was left out."""

    key: str
    data: bytes
    zone: str = ""
    note: str = ""


def to_documents(data: Buffer, name: str) -> tuple[Document, ...]:
    """The tables of a JSON or NDJSON text. Raises ``FileRefused`` where there is none. Takes twice the size of a large
    document that :mod:`slices` can cut, and eight times that of others."""
    if (alone := _in_slices(data, name)) is not None:
        return (alone,)
    root = parse(data, name)
    zone = _zone(root)
    kept = _kept(root)
    if not kept:
        raise FileRefused(
            f"{name} is JSON without a table of candles: {_shown(root)}",
            remedy="It needs rows with a time, open, high, low and close.", file=name,
        )  # fmt: skip
    del root  # where rows were made of its objects
    return tuple(_document(each, zone) for each in kept)


def _in_slices(data: Buffer, name: str) -> Document | None:
    """The only table of a large document, slice by slice; None where it is none, or its slices are not alike."""
    made = io.BytesIO()
    first: tuple[Document, Found] | None = None
    total = 0
    for each, rows in slices(data):
        try:
            root = parse(each, name)
        except FileRefused:
            return None
        kept, total = _kept(root), total + rows
        if len(kept) != 1 or len(kept[0].rows) != rows:
            return None
        found, note = closed(lifted(kept[0]))
        if first is None:
            first = Document(found.key, b"", _zone(root), note), found
        elif (found.key, found.names, found.width) != (first[1].key, first[1].names, first[1].width):
            return None
        elif note:
            first = replace(first[0], note=note), first[1]
        text = to_text(found)
        made.write(text if found.names is None or not made.tell() else text[text.index(b"\n") + 1 :])
    beside = first and any(len(each) == total for _, each in _lists(root, "", 6))  # an index of all rows
    return replace(first[0], data=made.getvalue()) if first and not beside else None


def rows_of_lines(data: Buffer, name: str, line: int = 1) -> Found | None:
    """The rows that some lines of NDJSON are, as :func:`to_documents` finds them; None where they hold no table, or
    several. ``line`` is the number of the first one. Raises ``FileRefused`` for what is no JSON."""
    kept = _kept(parse(data, name, line=line, always_several=True))
    return closed(lifted(kept[0]))[0] if len(kept) == 1 else None


def _kept(root: Any) -> list[Found]:
    """The largest table, and those that are like it."""
    found = list(_tables(root, "", _DEEPEST))
    if not found:
        return []
    largest = max(found, key=lambda each: len(each.rows))
    most, kind = len(largest.rows), _like(largest)
    return [each for each in found if len(each.rows) * 2 >= most or _like(each) == kind]


def _document(found: Found, zone: str) -> Document:
    finished, note = closed(lifted(found))
    return Document(found.key, to_text(finished), zone, note)


def _shown(root: Any) -> str:
    text = " ".join(json.dumps(root, ensure_ascii=False).split())
    return text if len(text) <= 160 else text[:160] + "..."


def _zone(root: Any) -> str:
    """The name of a zone that a document states, or nothing."""
    return next((value for key, value in _scalars(root) if _ZONE.search(key) and "/" in value), "")


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


def _tables(node: Any, key: str, depth: int) -> Iterator[Found]:
    """The tables at or under a node; one that is found is not searched further."""
    if depth == 0 or _scalar(node):
        return
    if isinstance(node, dict) and (steps := undo(node)):
        yield Found(key, list(steps), [list(row) for row in zip(*steps.values(), strict=True)], len(steps))
        return
    found = _rows(node, key) if isinstance(node, list) else _columns(node, key) or _keyed(node, key)
    if found is not None:
        yield found
        return
    if isinstance(node, dict):
        for name, child in node.items():
            for each in _tables(child, f"{key}.{name}".strip("."), depth - 1):
                yield _named(node, each)
        return
    yield from _pages(node, key, depth)


def _pages(node: list[Any], key: str, depth: int) -> Iterator[Found]:
    """The tables in the members of a list; those of one kind and one place in their member are one table, with the
    symbols in a column where the members name several."""
    places: dict[tuple[str, Any], list[tuple[int, str, Found]]] = {}
    for n, child in enumerate(node):
        for each in _tables(child, "", depth - 1):
            places.setdefault((each.key, _like(each)), []).append((n, _symbol(child), each))
    for (place, _), pages in places.items():
        symbols = dict.fromkeys(name for _, name, _ in pages)
        for name in symbols:
            own = [(n, each) for n, which, each in pages if which == name]
            where = name if len(symbols) > 1 else f"{own[0][0]}" if len(own) == 1 else ""
            rows = [row for _, each in own for row in each.rows]
            names = (
                wrapped.names_of(rows)
                if own[0][1].names and isinstance(rows[0], dict)
                else list(own[0][1].names or ())
            )
            width = len(names) or own[0][1].width
            yield Found(".".join(filter(None, (key, where, place))), names or None, rows, width)


def _like(found: Found) -> Any:
    """What tables of one kind have in common; objects may lack a key, but no price."""
    if found.names is None:
        return found.width
    if not isinstance(found.rows[0], dict):
        return tuple(found.names)
    return frozenset(name for name in found.names if _PRICE.search(name)) or frozenset(found.names)


def _symbol(node: Any) -> str:
    """The symbol that an object names beside its rows."""
    named = (value for key, value in _scalars(node, 3) if _SYMBOL.fullmatch(key))
    return next((value for value in named if not time_kind(value)), "")


def _rows(node: list[Any], key: str) -> Found | None:
    kinds = Counter(type(each) for each in node[:1000])
    if not kinds:
        return None
    kind = kinds.most_common(1)[0][0]
    like = [each for each in node if type(each) is kind]
    if kind is str:
        like, kind = wrapped.cut_texts(like), list
    if kind is list and like:
        width, _ = Counter(len(each) for each in like).most_common(1)[0]
        flat = width > _LEAST and all(_scalar(cell) for cell in like[0])
        return Found(key, None, like, width) if flat else None
    if kind is not dict:
        return None
    if (columns := wrapped.named_columns(like)) is not None:
        return _columns(columns, key)
    like = wrapped.of_one_kind(like)
    if (listed := wrapped.rows_within(like)) is not None:
        return Found(key, None, listed, len(listed[0]))
    if _around(like[0]):
        return None
    rows = [flattened(each) for each in like]
    if {"x", "y"} <= rows[0].keys() and all(
        isinstance(row.get("y"), list) and len(row["y"]) == 4 for row in rows
    ):
        return Found(
            key, ["time", "open", "high", "low", "close"], [[row["x"], *row["y"]] for row in rows], 5
        )
    names = wrapped.names_of(rows)
    if (
        len(names) in (3, 4)
        and any(map(_TICK.fullmatch, names))
        and any(time_kind(str(cell)) for cell in rows[0].values())
    ):
        return Found(key, names, rows, len(names))
    if sum(bool(_PRICE.search(name)) for name in names) < _LEAST and len(names) <= _LEAST:
        return None
    if len(rows) == 1 and any(isinstance(cell, list) and len(cell) > 1 for cell in rows[0].values()):
        return None  # one object around a table
    return Found(key, names, rows, len(names)) if len(names) > _LEAST else None


def _around(node: dict[str, Any]) -> bool:
    """An object that is no row but holds some: rows in a list, or columns as lists of one length."""
    lists = [(name, value) for name, value in _leaves(node) if isinstance(value, list) and value]
    lengths = Counter(len(value) for _, value in lists)
    if lengths and lengths.most_common(1)[0][1] >= _LEAST:
        return True
    prices = sum(bool(_PRICE.search(name)) for name, value in _leaves(node) if not isinstance(value, list))
    return prices < _LEAST and any(not _scalar(value[0]) for _, value in lists)


def _leaves(node: dict[str, Any], depth: int = 4) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        if isinstance(value, dict) and depth:
            yield from _leaves(value, depth - 1)
        else:
            yield name, value


def _columns(node: dict[str, Any], key: str) -> Found | None:
    """Columns as lists of one length, or as objects with the same keys."""
    if len(node) > _MOST_NAMES:
        return None
    lists = list(_lists(node, "", 6))
    if lists:
        length, count = Counter(len(values) for _, values in lists).most_common(1)[0]
        if count > _LEAST and sum(bool(_PRICE.search(path)) for path, _ in lists) >= _LEAST:
            named = _shortest([path for path, values in lists if len(values) == length])
            columns = [values for _, values in lists if len(values) == length]
            return Found(key, named, list(zip(*columns, strict=True)), count)
    objects = {name: value for name, value in node.items() if isinstance(value, dict)}
    prices = sum(bool(_PRICE.search(name)) for name in objects)
    if prices < _LEAST or not all(_scalar(cell) for value in objects.values() for cell in value.values()):
        return None
    index = list(dict.fromkeys(at for value in objects.values() for at in value))
    keyed = not all(at.isdigit() and int(at) < 10**8 for at in index[:100])
    names = [*(["time"] if keyed else []), *objects]
    rows = [[*([at] if keyed else []), *(value.get(at) for value in objects.values())] for at in index]
    return Found(key, names, rows, len(names))


def _lists(node: Any, path: str, depth: int) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(node, dict) and depth:
        if len(node) > _MOST_NAMES or not _NESTED & set(map(type, node.values())):
            return
        for name, value in node.items():
            yield from _lists(value, f"{path}.{name}".strip("."), depth - 1)
    elif isinstance(node, list) and node:
        if not _NESTED & set(map(type, node)):
            yield path, node
        elif len(node) == 1:
            yield from _lists(node[0], path, depth - 1)


def _shortest(paths: list[str]) -> list[str]:
    last = [path.rsplit(".", 1)[-1] for path in paths]
    return [path if last.count(name) > 1 else name for path, name in zip(paths, last, strict=True)]


def _keyed(node: dict[str, Any], key: str) -> Found | None:
    """Objects under their times: ``{"2024-01-31": {"1. open": "1.5", ...}}``."""
    some = list(node)[:50]
    times = [name for name in some if is_time(name)]
    if len(node) > 2 and all(
        re.fullmatch(r"\d{1,8}", name) and isinstance(node[name], dict) for name in some
    ):
        return _rows(list(node.values()), key)  # numbered rows
    if not times or len(times) * 2 < min(50, len(node)):
        return _under_keys(wrapped.keyed_rows(node), key)
    rows: list[Any] = [(at, value) for at, value in node.items() if isinstance(value, dict)]
    if rows:
        flat = [{"time": at, **flattened(value)} for at, value in rows]
        names = wrapped.names_of(flat)
        return Found(key, names, flat, len(names)) if len(names) > _LEAST else None
    rows = [
        [at, *value] for at, value in node.items() if isinstance(value, list) and all(map(_scalar, value[:5]))
    ]
    return Found(key, None, rows, len(rows[0])) if rows and len(rows[0]) > _LEAST else None


def _under_keys(rows: list[dict[str, Any]], key: str) -> Found | None:
    names = wrapped.names_of(rows) if rows else []
    priced = sum(bool(_PRICE.search(name)) for name in names) >= _LEAST
    return Found(key, names, rows, len(names)) if priced else None


def _word(name: Any) -> Any:
    """A column's name, be it one, an object that has it, or the storeys of one."""
    if isinstance(name, list) and all(isinstance(each, str) for each in name):
        return " ".join(filter(None, name))
    return name.get("name") if isinstance(name, dict) else name


def _named(node: dict[str, Any], found: Found) -> Found:
    """Rows without names, with a list of as many names beside them (and perhaps of their index)."""
    if found.names is not None:
        return found
    index: list[Any] | None = None
    for value in node.values():
        if not isinstance(value, list) or value is found.rows:
            continue
        words = [_word(each) for each in value[: found.width + 1]]
        if len(value) == found.width and all(isinstance(each, str) and not is_time(each) for each in words):
            found = Found(found.key, [str(each) for each in words], found.rows, found.width)
        elif len(value) == len(found.rows) and all(_scalar(each) for each in value[:5]):
            index = value
    if index and found.names and not is_time(str(found.rows[0][0])):
        rows = [[at, *row] for at, row in zip(index, found.rows, strict=True)]
        return Found(found.key, ["time", *found.names], rows, found.width + 1)
    return found
