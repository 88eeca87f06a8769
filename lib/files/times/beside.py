"""Two columns of times in one table: local ones, and counts since 1970 beside them that tell the same moments in UTC."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from lib.files.columns import words
from lib.files.columns.columns import Roles
from lib.files.model import Choices
from lib.files.texts.layout import Layout
from lib.files.times import times
from lib.files.times.timing import TimePlan

__all__ = ["counts_beside", "said_of", "within_days"]

_COUNT = re.compile(r"\d{9,19}(?:\.\d+)?")
# Names of times that are not those of an end, or of when a row was made.
_TIMED = re.compile(
    r"(?i)^(?!.*(?:clos|end|last|until|updat|creat|receiv|insert))(?=.*(?:time|stamp|epoch|unix))"
)


def counts_beside(
    found: Layout, roles: Roles, timing: TimePlan, moments: Any, choices: Choices
) -> tuple[int, float] | None:
    """A column of counts since 1970 beside the one of times that tells other times, and by how many hours later:
    local times, then, and those of UTC."""
    if timing.utc or choices.zone or not roles.times or not len(moments):
        return None
    for at, name in enumerate(found.names):
        cells = [row[at] for row in found.rows if len(row) == found.width]
        if (
            at in roles.times
            or not (words.bare(name) in words.TIME_WORDS or _TIMED.search(name))
            or not all(map(_COUNT.fullmatch, cells))
        ):
            continue
        values = np.array([float(cell) for cell in cells])
        steps = (times.from_epoch(values, times.epoch_unit(values)) - moments)[moments != times.NO_TIME]
        hours = int(steps[0]) / (3600 * 10**6) if len(steps) else 0.0
        if hours and abs(hours) <= 14 and hours * 4 == int(hours * 4) and (steps == steps[0]).mean() > 0.9:
            return at, hours
    return None


def said_of(found: Layout, roles: Roles, beside: tuple[int, float], taken: bool) -> str:
    """What is to be said of such a column, be it the one that is taken or not."""
    at, hours = beside
    name, other = found.names[at], found.names[roles.times[0]]
    said = (
        f"The column {name!r} counts times in UTC that are {abs(hours):g} hours {'after' if hours > 0 else 'before'} "
        f"those of {other!r}"
    )
    if taken:
        return f"{said}; they were taken."
    return f"{said}, which were taken as UTC. Choose their zone, or {name!r} for the time (--column time={name})."


def within_days(moments: Any) -> bool:
    """Some of these times lie less than half a day apart: they are no days of a market."""
    steps = np.abs(np.diff(moments[moments != times.NO_TIME]))
    return bool(len(steps)) and int(np.median(steps)) < 43200 * 10**6
