"""Sixth stage: wall-clock times to UTC in a named zone, with its changes of the clocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import pandas as pd

from lib.errors import InputError
from lib.files.times.fields import NO_TIME

__all__ = [
    "COMMON",
    "Localised",
    "check_zone",
    "doubtful",
    "to_utc",
    "zone_beside",
    "zone_of",
]

Array = np.ndarray[Any, Any]
COMMON = (
    "UTC", "America/New_York", "America/Chicago", "America/Los_Angeles", "Europe/London", "Europe/Berlin",
    "Europe/Athens", "Europe/Moscow", "Asia/Kolkata", "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Tokyo",
    "Australia/Sydney",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Localised:
    """``micros`` in UTC; ``twice`` marks rows whose hour came twice and which of the two cannot be told,
    ``never`` rows whose hour the clocks skipped; both have NO_TIME."""

    micros: Array
    twice: Array
    never: Array
    resolved: int


# Words for zones beside a column's name. UTC+8 is Etc/GMT-8 in the zones' own names.
_WORDS = {
    "et": "America/New_York", "eastern": "America/New_York", "eastern time": "America/New_York", "us eastern": "America/New_York",
    "new york": "America/New_York", "new york time": "America/New_York", "ny": "America/New_York", "ny time": "America/New_York",
    "est5edt": "America/New_York", "ct": "America/Chicago", "central time": "America/Chicago", "chicago": "America/Chicago",
    "pt": "America/Los_Angeles", "pacific time": "America/Los_Angeles", "london": "Europe/London", "london time": "Europe/London",
    "kst": "Asia/Seoul", "jst": "Asia/Tokyo", "tokyo": "Asia/Tokyo", "hkt": "Asia/Hong_Kong", "sgt": "Asia/Singapore",
    "msk": "Europe/Moscow", "moscow": "Europe/Moscow", "beijing time": "Asia/Shanghai",
}  # fmt: skip
_OFFSET = re.compile(r"(?i)(?:UTC|GMT)\s?([+-])\s?(\d{1,2})(?::?00)?(?!\d|:)")
_DOUBTFUL = re.compile(r"(?<![A-Za-z])(EST|CST|MST|PST|CET|EET|BST|IST)(?![A-Za-z])")


def zone_of(label: str) -> str:
    """The zone that a column's name tells, in brackets or behind a word: ``Time (ET)``, ``Date (UTC+8)``; or
    nothing."""
    if hit := re.search(r"[A-Z][A-Za-z]+/[A-Z][A-Za-z_/]+", label):
        return hit[0] if hit[0] in available_timezones() else ""
    if hit := _OFFSET.search(label):
        hours = int(hit[2])
        return f"Etc/GMT{'-' if hit[1] == '+' else '+'}{hours}" if hours and hours <= 12 else ""
    inside = re.search(r"[(\[]([^)\]]+)[)\]]", label)
    words = [inside[1] if inside else "", re.sub(r"(?i)^.*\b(?:time|date|datetime)[ _]", "", label)]
    return next(
        (_WORDS[word] for each in words if (word := each.strip().casefold().replace("_", " ")) in _WORDS), ""
    )


def zone_beside(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The zone that a column of its own tells, the same in every row: ``Time Zone`` with America/New_York; or
    nothing."""
    for at, name in enumerate(names):
        if not re.fullmatch(r"(?i)(time[ _]?zone|tz|zone)([ _]?(name|id))?", name.strip()):
            continue
        cells = {row[at].strip() for row in rows if len(row) == len(names)}
        if len(cells) == 1:
            cell = cells.pop()
            return zone_of(cell) or (cell if cell in ("UTC", "GMT") else _WORDS.get(cell.casefold(), ""))
    return ""


def doubtful(label: str) -> str:
    """A word in a column's name for a zone that some take for a fixed offset, and some for local time."""
    hit = _DOUBTFUL.search(label)
    return hit[1] if hit else ""


def check_zone(zone: str) -> str:
    """The zone's name, or ``InputError``."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"{zone!r} is no time zone.", remedy="Write an IANA name such as Europe/London or UTC.", zone=zone
        ) from error
    return zone


def to_utc(wall: Array, zone: str) -> Localised:
    """UTC of int64 µs on the wall clocks of ``zone``, in the order of the file.

    When the clocks go back an hour comes twice. Where the rows step back once within it, the rows before
    the step are the first pass and those after it the second; else it cannot be told. O(n).
    """
    none = np.zeros(len(wall), bool)
    if zone == "UTC":
        return Localised(wall, none, none, 0)
    missing = wall == NO_TIME
    naive = pd.DatetimeIndex(wall.view("datetime64[us]"))
    first = _localize(naive, zone, True)
    second = _localize(naive, zone, False)
    never = (first == NO_TIME) & ~missing
    twice = (first != second) & ~never
    made = first.copy()
    resolved = 0
    if twice.any():
        open_, late = _passes(wall, np.flatnonzero(twice))
        made[late] = second[late]
        resolved = int(twice.sum()) - len(open_)
        twice = none.copy()
        twice[open_] = True
        made[open_] = NO_TIME
    return Localised(made, twice, never, resolved)


def _localize(naive: pd.DatetimeIndex, zone: str, summer: bool) -> Array:
    flags = np.full(len(naive), summer)
    made = naive.tz_localize(ZoneInfo(zone), ambiguous=flags, nonexistent="NaT")
    asi8: Array = made.tz_convert("UTC").as_unit("us").asi8
    return asi8


def _passes(wall: Array, rows: Array) -> tuple[Array, Array]:
    """Of the rows in repeated hours: those that cannot be told, and those of the second pass."""
    flip = -1 if wall[rows[0]] > wall[rows[-1]] or (wall[wall != NO_TIME][[0, -1]] * [1, -1]).sum() > 0 else 1
    rows = rows[::flip]
    breaks = np.flatnonzero(np.abs(np.diff(wall[rows])) > 6 * 3600 * 10**6) + 1
    unknown: list[Array] = [np.empty(0, np.int64)]
    late: list[Array] = [np.empty(0, np.int64)]
    for run in np.split(rows, breaks):
        back = np.flatnonzero(np.diff(wall[run]) <= 0)
        if len(back) == 1:
            late.append(run[back[0] + 1 :])
        else:
            unknown.append(run)
    return np.concatenate(unknown), np.concatenate(late)
