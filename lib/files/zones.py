"""Sixth stage: wall-clock times to UTC in a named zone, with its changes of the clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from lib.errors import InputError
from lib.files.fields import NO_TIME

__all__ = ["COMMON", "Localised", "check_zone", "to_utc"]

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
