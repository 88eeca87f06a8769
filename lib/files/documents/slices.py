"""A large document of JSON cut into small ones of the same shape: what stands around its rows, and some of them.

A document takes eight times its size once it is parsed. The rows of ``{"code": 0, "data": [[...], [...]]}`` are one
behind the other, so ``{"code": 0, "data": [...some rows...]}`` is a document as well, and holds the same table. Only
documents of one such list, or of one object with a time for each key, are cut; the caller sees whether each slice is
what the others are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from lib.files.packed.containers import Buffer

__all__ = ["slices"]

_HEAD = 2**17
_SLICE = 2**21
_LEAST_ROWS = 20
# How rows begin, and what stands between two of them: the end of one, a comma, the start of the next.
_SHAPES = (
    (re.compile(rb"\[\s*(?=\[)"), re.compile(rb"\](\s*,\s*)(?=\[)"), b"[", b"]"),
    (re.compile(rb"\[\s*(?=\{)"), re.compile(rb"\}(\s*,\s*)(?=\{)"), b"[", b"]"),
    (re.compile(rb'\{\s*(?="\d[^"]{3,40}"\s*:\s*\{)'), re.compile(rb'\}(\s*,\s*)(?="\d[^"]{3,40}"\s*:\s*\{)'), b"{", b"}"),
)  # fmt: skip


def slices(data: Buffer) -> Iterator[tuple[bytes, int]]:
    """The slices of a document, each a document, and how many rows each must have, in order; none of a document that
    is not so. What looks like the end of a row may be something else: a slice is then no JSON, or has other rows."""
    head = bytes(data[:_HEAD])
    if len(data) < 2 * _SLICE or head.lstrip()[:1] not in (b"[", b"{"):
        return
    found = [
        (hit.end(), between, opening, closing)
        for starts, between, opening, closing in _SHAPES
        if (hit := starts.search(head)) and len(between.findall(head)) >= _LEAST_ROWS
    ]
    for first, between, opening, closing in sorted(found, key=lambda each: each[0]):
        end = _end(data, between, opening)
        if end > first:
            yield from _cut(data, (first, end), between, (head[:first], closing + bytes(data[end + 1 :])))
            return


def _end(data: Buffer, between: re.Pattern[bytes], opening: bytes) -> int:
    """Where the bracket around the rows is closed; 0 where that is not told from the end of the document."""
    tail = bytes(data[-_HEAD:])
    hit = between.search(tail)
    if hit is None:
        return 0
    try:
        text = (opening + tail[hit.end() :]).decode()
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return 0
    return len(data) - len(text[end:].encode()) - 1


def _cut(
    data: Buffer, span: tuple[int, int], between: re.Pattern[bytes], around: tuple[bytes, bytes]
) -> Iterator[tuple[bytes, int]]:
    at, end = span
    before, after = around
    while at < end:
        part = bytes(data[at : min(at + _SLICE, end)])
        hits = list(between.finditer(part))
        if at + _SLICE < end:
            if not hits:
                yield b"", 0  # one row of many pages
                return
            part = part[: hits[-1].start() + 1]
            at += hits[-1].end()
            yield before + part + after, len(hits)
        else:
            at = end
            yield before + part + after, len(hits) + 1
