"""Small things parsers share: rows of an answer to columns, and the spellings of a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lib.candles import COLUMNS
from lib.errors import BadAnswer, Blocked, CandlebookError, RateLimited, SourceDown, UnknownName

__all__ = ["floats", "instants", "lists_in", "member", "objects", "rows_table", "told_error"]

# Under what names errors are told in place of rows, by precedence.
_ERRORS = ("error", "message", "msg", "detail", "errorMessage")

# Larger numbers are ms, µs, ns: the year 5138 in the smaller unit each.
_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))


def member(found: Any, *names: str) -> Any:
    """What stands under ``names`` in nested objects. Raises ``BadAnswer`` naming the missing one."""
    for name in names:
        if not isinstance(found, Mapping) or name not in found:
            raise BadAnswer(f"The answer has no {name!r}: {str(found)[:80]}.", field=name)
        found = found[name]
    return found


def objects(rows: Any, needed: Sequence[str]) -> list[Mapping[str, Any]]:
    """A list of objects that have these fields. Raises ``BadAnswer`` naming the row that has not."""
    if not isinstance(rows, list):
        raise BadAnswer(f"A list of candles was expected and {type(rows).__name__} came.")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping) or any(name not in row for name in needed):
            raise BadAnswer(f"Row {number} of {len(rows)} is no candle: {str(row)[:80]}.", row=number)
    return rows


def floats(values: Sequence[Any], name: str) -> np.ndarray[Any, Any]:
    """Numbers, or text of numbers, as float64; null is NaN. Raises ``BadAnswer``."""
    try:
        made = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadAnswer(f"Some {name} is no number.", column=name) from error
    if made.ndim != 1:  # each of them is a list
        raise BadAnswer(f"Some {name} is no number.", column=name)
    return made


def instants(values: Sequence[Any]) -> pd.DatetimeIndex:
    """Times in UTC: seconds, ms, µs or ns since 1970, told apart by size, as numbers or text, or ISO 8601,
    in UTC where it names no zone. O(n). Raises ``BadAnswer``.

    >>> [str(instants([one])[0]) for one in (1711929600, 1711929600000, "2024-04-01T00:00:00Z", "2024-04-01")]
    ['2024-04-01 00:00:00+00:00', '2024-04-01 00:00:00+00:00', '2024-04-01 00:00:00+00:00', '2024-04-01 00:00:00+00:00']
    """
    try:
        if any(isinstance(value, str) and not _is_number(value) for value in values):
            parsed = pd.to_datetime(list(values), utc=True, format="ISO8601")
            return pd.DatetimeIndex(parsed).as_unit("us")
        return pd.DatetimeIndex([_us(value) for value in values], dtype="datetime64[us]").tz_localize("UTC")
    except (TypeError, ValueError, OverflowError) as error:
        raise BadAnswer(f"Some time could not be read, as in {str(list(values[:1]))[:60]}.") from error


def rows_table(times: Sequence[Any], columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """``time`` and float64 columns in the order of the candle table. Raises ``BadAnswer``."""
    named = {name: floats(columns[name], name) for name in COLUMNS if name in columns}
    return pd.DataFrame({"time": instants(times), **named})


def lists_in(found: Any) -> list[list[Any]]:
    """Lists at any depth of nested objects."""
    if not isinstance(found, Mapping):
        return []
    here = [value for value in found.values() if isinstance(value, list)]
    return here + [one for value in found.values() if isinstance(value, Mapping) for one in lists_in(value)]


def told_error(found: Any, who: str) -> CandlebookError | None:
    """The error that an object tells in place of rows, or beside an empty list of them, whatever its status; None
    where it tells none. For interfaces whose errors are not described."""
    if not isinstance(found, Mapping) or any(lists_in(found)):
        return None
    told = next((found[key] for key in _ERRORS if found.get(key)), "")
    inner = told if isinstance(told, Mapping) else {}
    words = str(next((inner[key] for key in _ERRORS if inner.get(key)), told))
    code = _code(next((one[key] for one in (inner, found) for key in ("code", "status") if key in one), None))
    if not words or (lists_in(found) and not _is_marked(found, code)):
        return None
    said, low = f"{who} refused the request: {words[:200].rstrip('. ')}.", words.lower()
    if code == 429 or "rate limit" in low or "too many" in low:
        return RateLimited(said, remedy="Try again then.", code=code)
    if "symbol" in low and any(word in low for word in ("unknown", "not found", "invalid", "no such")):
        return UnknownName(said, code=code)
    if code in (401, 403):
        return Blocked(said, remedy="Check the key and what its plan includes.", code=code)
    if isinstance(code, int) and 500 <= code < 600:
        return SourceDown(said, remedy="Try again later.", code=code)
    return BadAnswer(said, code=code)


def _is_marked(found: Mapping[str, Any], code: Any) -> bool:
    """Whether an object says itself that it is an error: one with a word for people may be none."""
    return (
        bool(found.get("error"))
        or found.get("ok") is False
        or found.get("success") is False
        or str(found.get("status")).lower() in ("error", "fail", "failed")
        or (isinstance(code, int) and 400 <= code < 600)
    )


def _code(told: Any) -> Any:
    return int(told) if isinstance(told, str) and told.isascii() and told.isdecimal() else told


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _us(value: Any) -> np.datetime64:
    if value is None:
        return np.datetime64("NaT", "us")
    if isinstance(value, bool):
        raise TypeError("a time is no yes or no")
    number = float(value) if isinstance(value, str) and "." in value else value
    number = int(number) if isinstance(number, str) else number
    for below, factor in _UNITS:
        if abs(number) < below:
            return np.datetime64(round(number * factor), "us")
    return np.datetime64(int(number) // 1000, "us")
