"""A column of its own that tells how far the local time of each row is from UTC: ``GMT Offset`` with -5, +02:00,
-300 or -18000."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lib.files.columns.cells import is_missing, time_kind
from lib.files.columns.columns import Roles
from lib.files.model import Choices
from lib.files.texts.layout import Layout
from lib.files.times import zones
from lib.files.times.fields import NO_TIME
from lib.files.times.timing import TimePlan

__all__ = ["Offsets", "find_offsets", "said_of_zone"]

Array = np.ndarray[Any, Any]
_NAME = re.compile(
    r"(gmt|utc|tz|time ?zone|zone) ?off ?set( (in )?(hours?|hrs?|h|minutes?|mins?|seconds?|secs?))?"
)
# Columns of times that are in UTC whatever offset stands beside them; so are Refinitiv's, unless they say local.
_UTC = re.compile(r"(?i)(?<![a-z])(utc|gmt|zulu)(?![a-z])|\[G\]")
_LOCAL = re.compile(r"(?i)local|\[L\]")
_REFINITIV = frozenset(("ric", "#ric"))
_HOURS = re.compile(r"([+-])?(\d{1,2}):(\d{2})(?::00)?|([+-])(\d{2})(\d{2})")
_UNITS = {"hours": 3600, "minutes": 60, "seconds": 1}  # seconds in each
_MOST, _QUARTER = 14 * 3600, 900


@dataclass(frozen=True, slots=True)
class Offsets:
    """``at`` is the column; ``unit`` what its plain numbers count: hours, minutes or seconds. ``shown`` are
    those of the first rows, in hours."""

    at: int
    unit: str
    shown: str

    def micros(self, texts: pa.Array | pa.ChunkedArray) -> Array:
        """µs from UTC of each row, positive in the east; NO_TIME where a text is no offset. O(n)."""
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
            texts = texts.chunk(0) if isinstance(texts, pa.ChunkedArray) else texts
        coded = texts.fill_null("").dictionary_encode()
        known = [_seconds(str(each), self.unit) for each in coded.dictionary.to_pylist()]
        values = np.array([NO_TIME if each is None else each * 10**6 for each in known], np.int64)
        return np.asarray(values[coded.indices.to_numpy(zero_copy_only=False)])

    def to_utc(self, micros: Array, texts: pa.Array | pa.ChunkedArray) -> Array:
        """Local times as those of UTC; NO_TIME where either is none."""
        apart = self.micros(texts)
        return np.where((micros == NO_TIME) | (apart == NO_TIME), NO_TIME, micros - apart)

    def of_sample(self, found: Layout, micros: Array) -> Array:
        """The local times of the sample's rows as those of UTC."""
        cells = [row[self.at] for row in found.rows if len(row) == found.width]
        return self.to_utc(micros, pa.array(cells, pa.string())) if len(micros) else micros


def _named(found: Layout) -> int | None:
    """The column that is named for offsets from UTC, if there is one."""
    names = (" ".join(re.sub(r"[\W_]+", " ", name.casefold()).split()) for name in found.names)
    return next((at for at, name in enumerate(names) if found.header and _NAME.fullmatch(name)), None)


def find_offsets(found: Layout, roles: Roles, timing: TimePlan, choices: Choices) -> Offsets | None:
    """The offsets by which local times become those of UTC; None where there are none, or where the
    times are in UTC already, are days, or a zone was chosen."""
    at = _named(found)
    if at is None or at in roles.times or not roles.times or timing.utc or timing.dates or choices.zone:
        return None
    rows = [row for row in found.rows if len(row) == found.width]
    if len(roles.times) == 1 and all(time_kind(row[roles.times[0]]) in ("date", "") for row in rows):
        return None
    label = " ".join(found.names[each] for each in roles.times)
    refinitiv = _REFINITIV & {name.casefold() for name in found.names}
    if _UTC.search(label) or (refinitiv and not _LOCAL.search(label)):
        return None
    cells = [row[at].strip() for row in rows if not is_missing(row[at])]
    unit = _unit(found.names[at], cells)
    known = [_seconds(cell, unit) for cell in cells] if unit else []
    apart = sorted({each for each in known if each is not None})
    if not apart or len(apart) > 4 or known.count(None) * 10 > len(known):
        return None
    shown = " and ".join(dict.fromkeys(f"{each / 3600:+g}" for each in (apart[0], apart[-1])))
    return Offsets(at, unit, shown)


def said_of_zone(
    found: Layout, roles: Roles, timing: TimePlan, choices: Choices, offsets: Offsets | None
) -> list[str]:
    """What is to be said of the zone that the times were read in."""
    if timing.utc and choices.zone and choices.zone != "UTC":
        return [f"The times tell their own offset, so the zone {choices.zone} was not used."]
    if timing.utc or choices.zone:
        return []
    if offsets is not None:
        return (
            []
            if offsets.shown == "+0"
            else [
                f"The times were taken as local ones, and made UTC by the column {found.names[offsets.at]!r} "
                f"({offsets.shown} hours in the first rows). If they are of UTC already, choose that zone (--tz UTC)."
            ]
        )
    doubtful = {zones.doubtful(found.names[at]) for at in roles.times} - {""}
    if doubtful:
        return [
            f"The column of times speaks of {doubtful.pop()}, which may be a fixed offset or a zone whose clocks change. "
            "The times were read as UTC; choose their zone."
        ]
    if (unused := _named(found)) is not None:
        return [
            f"The column {found.names[unused]!r} tells offsets that were not used: the times were read as UTC. If they "
            "are local ones, choose their zone."
        ]
    return []


def _unit(label: str, cells: list[str]) -> str:
    """What numbers in a column count: its name tells, or their size; empty where they are no offsets."""
    if hit := re.search(r"(?i)(hour|minute|second)s?\W*$", label):
        return hit[1].lower() + "s"
    if all(map(_HOURS.fullmatch, cells)):
        return "hours"
    shares = {unit: sum(_seconds(cell, unit) is not None for cell in cells) for unit in _UNITS}
    best = max(shares, key=lambda unit: shares[unit])  # of equal ones the first: hours
    return best if shares[best] else ""


def _seconds(cell: str, unit: str) -> int | None:
    """An offset in seconds, or None where it is none that a clock has: a quarter of an hour at the least, 14 hours at
    the most."""
    cell = cell.strip().replace("−", "-")
    if hit := _HOURS.fullmatch(cell):
        seconds = int(hit[2] or hit[5]) * 3600.0 + int(hit[3] or hit[6]) * 60
        seconds = -seconds if (hit[1] or hit[4]) == "-" else seconds
    else:
        try:
            seconds = float(cell.replace(",", ".")) * _UNITS[unit]
        except ValueError:
            return None
    return int(seconds) if abs(seconds) <= _MOST and not seconds % _QUARTER else None
