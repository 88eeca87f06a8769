"""JSON text to Python values: one document, several behind one another, a script around it, loose spellings.

Figures stay texts, so that no digit is lost. Beside strict JSON are read: values that follow one another with or
without an end of line (NDJSON, pages written to one file), UTF-16 by its mark, ``callback(...)`` and ``x = [...]``,
and objects as JavaScript or Python write them (names without quotes, single quotes, None, True).
"""

from __future__ import annotations

import codecs
import json
import re
from functools import lru_cache
from typing import Any

from lib.errors import FileRefused
from lib.files.packed.containers import Buffer

__all__ = ["flattened", "parse", "unwrapped"]

# Parsed, a document takes about eight times its size.
_MOST = 512 * 2**20
_SCRIPT = re.compile(
    r"(?:\s*/\*.*?\*/)?\s*(?:(?:var|let|const)\s+)?[A-Za-z_$][\w.$]{0,60}\s*(=\s*\(|[=(])\s*(?=[\[{])", re.S
)
_BETWEEN = re.compile(r"[\s,;\x1e]*")
_BARE_NAME = re.compile(r"([{,]\s*)([A-Za-z_$][\w$]*)\s*:")
_LAST_COMMA = re.compile(r",(\s*[\]}])")
_TYPED = re.compile("(?:double|integer|timestamp|string|decimal|float|long|number)Value")
_DATE = ("year", "month", "day", "hour", "minute", "second")
_PYTHON = {"None": "null", "True": "true", "False": "false"}
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_STRICT = json.JSONDecoder(parse_float=str, parse_int=str)


def parse(data: Buffer, name: str, *, line: int = 1, always_several: bool = False) -> Any:
    """The value of a text of JSON; of several, or with ``always_several``, a list of them. ``line`` is the number of
    the text's first line. Raises ``FileRefused``."""
    if len(data) > _MOST:
        raise FileRefused(
            f"{name} holds {len(data) // 2**20:,} MB of JSON; {_MOST // 2**20} MB is the most.",
            remedy="Save it as CSV or Parquet.", file=name,
        )  # fmt: skip
    try:
        raw = bytes(data)
        text = raw.decode(next((codec for mark, codec in _MARKS if raw.startswith(mark)), "utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FileRefused(f"{name} is JSON that is not UTF-8.", file=name) from error
    del raw
    text = _without_script(text)
    try:
        return _values(text, always_several)
    except RecursionError as error:
        raise FileRefused(f"{name} is JSON nested too deep.", file=name) from error
    except json.JSONDecodeError as error:
        try:
            return _values(_strict(text), always_several)
        except (json.JSONDecodeError, RecursionError):
            raise FileRefused(
                f"Line {line + error.lineno - 1} of {name} is not JSON: {error.msg}; the file may be cut short.",
                remedy="Fetch it again.", file=name, line=line + error.lineno - 1,
            ) from error  # fmt: skip


def _without_script(text: str) -> str:
    hit = _SCRIPT.match(text)
    if not hit:
        return text
    text = text[hit.end() :].rstrip().removesuffix(";").rstrip()
    return text.removesuffix(")") if hit[1].endswith("(") else text


def _values(text: str, always_several: bool) -> Any:
    """The value of a text, or a list of those that stand in it one behind the other."""
    made: list[Any] = []
    at, end = _BETWEEN.match(text).end(), len(text)  # type: ignore[union-attr]
    while at < end or not made:
        value, at = _STRICT.raw_decode(text, at)
        made.append(value)
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
    return made[0] if len(made) == 1 and not always_several else made


def _strict(text: str) -> str:
    """A text as JavaScript or Python write it, as JSON. What stands within quotes may suffer: the result is used only
    where the text is no JSON, and is JSON itself."""
    if '"' not in text:
        text = re.sub(r"\b(None|True|False)\b", lambda hit: _PYTHON[hit[1]], text.replace("'", '"'))
    return _LAST_COMMA.sub(r"\1", _BARE_NAME.sub(r'\1"\2":', text))


def unwrapped(value: dict[str, Any]) -> Any:
    """The figure or the text that a small object stands for: ``{"$numberDecimal": "1.5"}`` as MongoDB exports it,
    ``{"doubleValue": 1.5}`` as Firestore does, ``{"units": "114", "nano": 250000000}`` as Google's Money and its likes
    are, ``{"year": 2024, "month": 1, "day": 31}``; else the object."""
    if len(value) == 1:
        key, inner = next(iter(value.items()))
        for _ in range(3):
            if isinstance(inner, dict) and len(inner) == 1:
                inner = next(iter(inner.values()))
        typed = _TYPED.fullmatch(key) and not isinstance(inner, (dict, list))
        return inner if key.startswith("$") or typed else value
    if {"units", "nano"} <= value.keys() <= {"units", "nano", "currency"}:
        return _money(str(value["units"] or 0), str(value["nano"] or 0)) or value
    if set(_DATE[:3]) <= value.keys() <= set(_DATE):
        return _moment([str(value.get(name, 0)) for name in _DATE]) or value
    return value


def _moment(parts: list[str]) -> str:
    if not all(part.isdecimal() for part in parts):
        return ""
    year, month, day, *clock = (f"{int(part):02d}" for part in parts)
    return f"{year:0>4}-{month}-{day}" + (" " + ":".join(clock) if any(int(part) for part in clock) else "")


def _money(units: str, nano: str) -> str:
    if not re.fullmatch(r"-?\d{1,18}", units) or not re.fullmatch(r"-?\d{1,9}", nano):
        return ""
    minus = "-" if "-" in (units[0], nano[0]) else ""
    return f"{minus}{units.lstrip('-')}.{nano.lstrip('-'):0>9}"


@lru_cache(8192)
def _under(before: str, name: str) -> str:
    """A name within others: one text for all rows."""
    return before + name


def flattened(node: dict[str, Any], before: str = "", depth: int = 4) -> dict[str, Any]:
    """An object with the members of those within it under dotted names: itself where there are none. Not copied deep."""
    if dict not in map(type, node.values()):
        return {_under(before, name): value for name, value in node.items()} if before else node
    made: dict[str, Any] = {}
    for name, value in node.items():
        plain = unwrapped(value) if isinstance(value, dict) else value
        if isinstance(plain, dict) and depth:
            made |= flattened(plain, _under(before, name) + ".", depth - 1)
        else:
            made[_under(before, name)] = plain
    return made
