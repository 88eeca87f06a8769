"""What can go wrong with one answer of a provider: thirty-eight kinds, the same for every protocol."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["KINDS", "PASSING", "REFUSALS", "Fault", "row_fault", "spoil_body"]

# The sync ends with an error; a later one completes. The kind of error by its class's name.
REFUSALS = {
    "400": ("InputError",),
    "401": ("Blocked",),
    "403": ("Blocked",),
    "404": ("BadAnswer", "UnknownName"),
    "418": ("Blocked",),
    "451": ("Blocked",),
}
# The sync goes on by itself.
PASSING = (
    "408", "429", "429 seconds", "429 date", "500", "502", "503", "504", "520", "301", "302",
    "slow", "drip", "cut", "closed", "chunk cut",
    "truncated", "html", "empty body", "null", "error in 200", "gzip broken", "other charset", "byte order mark",
    "wrong type",
    "reversed", "shuffled", "overlap", "duplicate rows", "duplicate page", "empty page",
    "extra fields", "other types", "not a number", "impossible row",
    "clock ahead", "clock behind",
)  # fmt: skip
KINDS = (*REFUSALS, *PASSING)
assert len(set(KINDS)) == len(KINDS) >= 30


@dataclass
class Fault:
    """One of ``KINDS``."""

    kind: str

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind

    @property
    def status(self) -> int | None:
        """The status it answers with; None where it leaves that alone."""
        word = self.kind.split()[0]
        return int(word) if word.isdecimal() else None


Cells = Callable[[Any], tuple[Any, Any]]


def row_fault(kind: str, rows: list[Any], before: list[Any], high: Cells) -> list[Any]:
    """The rows of an answer with this fault. ``before`` are those of the last answer; ``high`` gives the
    container and the key under which a row has its high."""
    if kind == "reversed":
        return rows[::-1]
    if kind == "shuffled":
        return rows[1::2] + rows[::2]
    if kind == "overlap":
        return before[-7:] + rows
    if kind == "duplicate rows":
        return [row for row in rows for _ in range(2)]
    if kind == "duplicate page":
        return before or rows
    if kind == "empty page":
        return []
    if kind == "extra fields":
        return [
            [*row, "9", None] if isinstance(row, list) else {**row, "vwap": "9", "x": None} for row in rows
        ]
    if kind in ("other types", "not a number", "impossible row"):
        rows = json.loads(json.dumps(rows))
        for row in rows if kind == "other types" else rows[len(rows) // 2 : len(rows) // 2 + 1]:
            container, key = high(row)
            value = container[key]
            if kind == "other types":
                container[key] = float(value) if isinstance(value, str) else repr(value)
            else:
                container[key] = float("nan") if kind == "not a number" else 1e-9
    return rows


def spoil_body(kind: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of an answer with this fault; ``headers`` may change with them."""
    if kind == "truncated":
        return body[: len(body) // 2]
    if kind == "html":
        headers["Content-Type"] = "text/html"
        return b"<!DOCTYPE html><html><body>Please log in</body></html>"
    if kind == "empty body":
        return b""
    if kind == "null":
        return b"null"
    if kind == "gzip broken":
        headers["Content-Encoding"] = "gzip"
        packed = gzip.compress(body)
        return packed[:20] + b"\x00\xff" * 8 + packed[36:]
    if kind == "other charset":
        headers["Content-Type"] = "application/json;charset=latin-1"
        return body.decode().encode("utf-16")
    if kind == "byte order mark":
        return b"\xef\xbb\xbf" + body
    if kind == "wrong type":
        headers["Content-Type"] = "image/png"
    return body
