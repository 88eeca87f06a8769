"""Which texts or counts are the times of a table, and how they are read: one answer for the whole column."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.errors import FileRefused
from lib.files.columns import columns, numbers
from lib.files.columns.cells import numeric, time_kind
from lib.files.columns.roles import value_of
from lib.files.columns.timed import COUNTED_CLOCK
from lib.files.model import Choices
from lib.files.opening import Part
from lib.files.texts import layout
from lib.files.texts.grid import Grid
from lib.files.times import times, zones
from lib.files.times.fixed import parse_fixed
from lib.files.times.fractions import MILLIS

__all__ = ["TimePlan", "counted", "sample_micros", "timing_of"]

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?"
)  # fmt: skip
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]00:00(?::00(?:\.0+)?)?([+-]\d{2}:?\d{2})")
_KNOWN = times.Order("YMD", "")


@dataclass(frozen=True, slots=True)
class TimePlan:
    """``kind`` is ``epoch``, ``iso`` (Arrow reads it alone), ``text`` or ``split`` (date and time of day
    apart). ``utc``: the file itself tells the offset. ``whole``: an epoch without fractions. ``base``: µs of the
    day that an epoch counts from, where it is not 1970. ``daily``: rows that open with a market's day, at a moment
    that the file tells; ``dates``: they become dates, as was chosen; ``market`` is the zone of those that are
    counts then."""

    kind: str
    unit: str = ""
    utc: bool = False
    whole: bool = True
    order: times.Order = _KNOWN
    pattern: str = ""
    why: str = ""
    base: int = 0
    daily: bool = False
    dates: bool = False
    market: str = ""


def _cells(found: layout.Layout, at: int) -> list[str]:
    return [row[at] for row in found.rows if len(row) == found.width]


def timing_of(part: Part, roles: columns.Roles, choices: Choices) -> TimePlan:
    """How the column of times is read. Raises ``FileRefused`` for a choice that is none."""
    found, grid = part.layout, part.grid
    if not roles.times:
        return TimePlan("text", order=times.Order("YMD", ""))
    sample = _cells(found, roles.times[0])
    wanted = choices.time_format or ""
    if (
        wanted
        and wanted != "text"
        and wanted not in {f"epoch {unit}" for unit in (*times.EPOCH_UNITS, *times.COUNTS)}
    ):
        raise FileRefused(
            f"{wanted!r} is no format of times.",
            remedy="Choose text, epoch s, epoch ms, epoch us or epoch ns.",
        )
    if roles.why.get("time") == "its cells count from midnight":
        return _midnight_plan(sample, choices.date or part.day)
    counted_in = wanted.removeprefix("epoch ") if wanted.startswith("epoch") else ""
    if counted_in in times.COUNTS or (
        not wanted and roles.why.get("time") == "its cells count days or minutes"
    ):
        return _count_plan(sample, counted_in)
    epoch = wanted.startswith("epoch") or (not wanted and _all_epoch(sample))
    if epoch and len(roles.times) == 1:
        return _of_market(_epoch_plan(part.name, sample, wanted), sample, part.zone, choices)
    if "clock" in roles.at:
        return _text_plan("split", found, roles, grid, choices)
    daily = len(roles.times) == 1 and _daily_midnights(sample)
    if daily and choices.days == "dates":
        return replace(_text_plan("text", found, roles, grid, choices, local=True), daily=True, dates=True)
    hits = [_ISO.fullmatch(cell) for cell in sample if cell]
    offsets = {bool(hit[1]) for hit in hits if hit}
    if hits and all(hits) and len(offsets) == 1:
        offset = offsets.pop()
        longest = max((cell for cell in sample), key=len)
        pattern = "YYYY-MM-DD" + (" HH:MM:SS"[: 6 if longest.count(":") < 2 else 9] if ":" in longest else "")
        return TimePlan(
            "iso", utc=offset, order=times.Order("YMD", "the year comes first"),
            pattern=pattern + (" ±offset" if offset else ""), daily=daily,
        )  # fmt: skip
    return replace(_text_plan("text", found, roles, grid, choices), daily=daily)


def _daily_midnights(sample: list[str]) -> bool:
    """Every row is a midnight with an offset, a day or more apart: a market's days, not moments."""
    hits = [_MIDNIGHT.fullmatch(cell) for cell in sample if cell]
    days = [hit[1] for hit in hits if hit]
    return (
        len(days) == len(hits) > 1
        and len(set(days)) == len(days)
        and {hit[2] for hit in hits if hit} != {"00:00"}
    )


def _of_market(timing: TimePlan, sample: list[str], zone: str, choices: Choices) -> TimePlan:
    """Whether these are daily candles that count to their market's opening, where the file states its zone."""
    if not zone:
        return timing
    figures, _ = numbers.to_floats(pa.array(sample, pa.string()), numbers.NumberStyle(".", "", True, ""))
    micros = times.from_epoch(figures, timing.unit)
    micros = micros[micros != times.NO_TIME]
    steps = np.abs(np.diff(micros))
    daily = (
        len(steps) > 0 and int(steps.min()) >= 22 * 3600 * 10**6 and bool((micros % (86400 * 10**6)).any())
    )
    if not daily:
        return timing
    dates = choices.days == "dates"
    return replace(timing, daily=True, dates=dates, market=zones.check_zone(zone) if dates else "")


def _midnight_plan(sample: list[str], day: str) -> TimePlan:
    most = max(int(cell) for cell in sample if cell.isdecimal())
    unit = "ms" if most >= 86400 else "s"
    words = "milliseconds" if unit == "ms" else "seconds"
    try:
        base = int(np.datetime64(day, "us").astype(np.int64)) if day else 0
    except ValueError as error:
        raise FileRefused(f"{day!r} is no date.", remedy="Write it as 2024-01-31.") from error
    known = _KNOWN if day else times.Order("", "")
    return TimePlan("epoch", unit, False, pattern=f"{words} since midnight", why=day, base=base, order=known)


def _all_epoch(sample: list[str]) -> bool:
    kinds = [time_kind(cell) for cell in sample if cell]
    return bool(kinds) and kinds.count("epoch") * 2 > len(kinds)


def _epoch_plan(name: str, sample: list[str], wanted: str) -> TimePlan:
    values = np.array(
        [
            float(cell)
            for cell in sample
            if numeric(cell) and re.fullmatch(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", cell)
        ]
    )
    unit = wanted.removeprefix("epoch ") if wanted else times.epoch_unit(values)
    _refuse_rounded(name, sample, unit)
    if not wanted and unit == "ns":
        _refuse_since(name, sample, values)
    whole = not any("." in cell or "e" in cell.lower() for cell in sample if numeric(cell))
    names = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
    why = "chosen" if wanted else f"so read they are {_year(values, unit)}"
    return TimePlan("epoch", unit, True, whole, pattern=f"{names.get(unit, 'counts')} since 1970", why=why)


def _count_plan(sample: list[str], unit: str) -> TimePlan:
    """Days on a wall clock, as spreadsheets and MATLAB count them; minutes of UTC."""
    values = np.array([value_of(cell) for cell in sample])
    unit = unit or times.count_of(values)
    whole = not any(re.search("[.,]", cell) for cell in sample)
    words = {
        "serial": "a spreadsheet's days since 1899-12-30", "datenum": "MATLAB's days since the year 0", "days": "days since 1970",
        "minutes": "minutes since 1970",
    }  # fmt: skip
    why = f"so read they are {_year(values, unit)}"
    return TimePlan("epoch", unit, unit == "minutes", whole, pattern=words[unit], why=why)


def _refuse_rounded(name: str, sample: list[str], unit: str) -> None:
    """Counts that a spreadsheet saved with a few digits are not the times any more."""
    hits = [re.fullmatch(r"\d(?:\.(\d+))?[eE]\+?(\d{1,2})", cell) for cell in sample]
    lost = [int(hit[2]) - len(hit[1] or "") for hit in hits if hit]
    if (
        len(lost) * 2 < len(sample) or not lost or unit not in times.EPOCH_UNITS
    ):  # one alone is a fault of its row
        return
    seconds = 10.0 ** min(lost) / {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]
    if seconds >= 60:
        shown = next(cell for cell, hit in zip(sample, hits, strict=True) if hit)
        raise FileRefused(
            f"{name}: the times were rounded when the file was saved: {shown!r} tells a moment to {seconds / 60:,.0f} minutes only.",
            remedy="Export it again with the column of times as a whole number, or choose another column.",
            file=name, question="columns.time",
        )  # fmt: skip


# Counts of 100 ns, in the sizes of 1981 to 2045, from the years 1601 and 1.
_SINCE = ((1.2e17, 1.4e17, 1601), (6.25e17, 6.45e17, 1))


def _refuse_since(name: str, sample: list[str], values: Any) -> None:
    """Counts that would be nanoseconds of 1973 or 1990, and are what two families of systems count."""
    for low, high, year in _SINCE:
        if len(values) and low <= values.min() and values.max() < high:
            raise FileRefused(
                f"{name}: the times, such as {sample[0]!r}, count 100 ns since the year {year}, or nanoseconds since "
                f"1970: then they are of {_year(values, 'ns')[:4]}.",
                remedy="Export them as text; or say that they are nanoseconds: --time-format 'epoch ns'.",
                file=name, question="time_format",
            )  # fmt: skip


def _year(values: Any, unit: str) -> str:
    micros = times.from_epoch(values, unit)
    known = micros[micros != times.NO_TIME]
    return str(known[:1].view("datetime64[us]").astype("datetime64[D]")[0]) if len(known) else "no times"


def _text_plan(
    kind: str, found: layout.Layout, roles: columns.Roles, grid: Grid, choices: Choices, local: bool = False
) -> TimePlan:
    at = roles.times
    digits = MILLIS if roles.why.get("clock") == COUNTED_CLOCK else 0
    arrays = [pa.array(_cells(found, each), pa.string()) for each in at]
    parsed = times.parse_texts(
        arrays[0], day_first=choices.day_first, clock=arrays[1] if kind == "split" else None, local=local,
        digits=digits,
    )  # fmt: skip
    if not parsed.order.value:
        whole = grid.texts(at)
        parsed = times.parse_texts(
            whole.columns[at[0]], day_first=choices.day_first,
            clock=whole.columns[at[1]] if kind == "split" else None, digits=digits,
        )  # fmt: skip
    return TimePlan(kind, utc=parsed.utc, order=parsed.order, pattern=parsed.pattern, why=parsed.order.why)


def counted(timing: TimePlan, values: Any, unit: str) -> Any:
    """µs of counts since 1970, or since midnight of the plan's day. NO_TIME where they are no times."""
    micros = times.from_epoch(values, unit)
    if timing.market:
        moments = pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC").tz_convert(timing.market)
        return moments.tz_localize(None).floor("D").as_unit("us").asi8
    return (
        micros if not timing.base else np.where(micros == times.NO_TIME, times.NO_TIME, micros + timing.base)
    )


def sample_micros(found: layout.Layout, roles: columns.Roles, timing: TimePlan, zone: str) -> Any:
    """µs (UTC) of the sample's rows, in the order of the file; none where the times cannot be told yet."""
    if not roles.times or not timing.order.value:
        return np.empty(0, np.int64)
    cells = [pa.array(_cells(found, each), pa.string()) for each in roles.times]
    if timing.kind == "epoch" and timing.unit in times.COUNTS:
        micros = counted(
            timing, np.array([value_of(each) for each in _cells(found, roles.times[0])]), timing.unit
        )
        micros = micros if timing.utc else zones.to_utc(micros, zone).micros
    elif timing.kind == "epoch":
        figures, _ = numbers.to_floats(cells[0], numbers.NumberStyle(".", "", True, ""))
        micros = counted(timing, figures, timing.unit)
    else:
        micros = _quickly(cells, timing)
        if micros is None:
            micros = times.parse_texts(
                cells[0], day_first=timing.order.value == "DMY", clock=cells[1] if len(cells) > 1 else None,
                local=timing.dates,
            ).micros  # fmt: skip
        micros = micros if timing.utc else zones.to_utc(micros, zone).micros
    return micros


def _quickly(cells: list[pa.Array], timing: TimePlan) -> Any:
    """µs of texts that all have one shape, as :func:`lib.files.times.times.parse_texts` tells them at twenty times the
    cost; None where one has another."""
    if timing.dates or (timing.utc and timing.kind != "iso"):
        return None
    if timing.utc:
        try:
            micros = cells[0].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
        except pa.ArrowInvalid:
            return None
    else:
        columns = [pa.chunked_array([each]) for each in cells]
        clock = columns[1] if len(columns) > 1 else None
        digits = times.clock_digits(timing.pattern) if clock is not None else 0
        micros = parse_fixed(columns[0], timing.order.value, clock, digits)
    if micros is None or not len(micros) or micros.min() < times.EDGES[0] or micros.max() >= times.EDGES[1]:
        return None
    return micros
