"""How one file will be read: every stage's answer, and each of them as an inference for the reader."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lib import timeframes
from lib.errors import FileRefused
from lib.files import columns, layout, numbers, sides, text, ticks, times, words, zones
from lib.files.cells import numeric, time_kind
from lib.files.grid import Grid
from lib.files.model import Choices, Inference, Reading
from lib.files.opening import Part, open_parts

__all__ = ["TICKS_TO", "Plan", "TimePlan", "counted", "make_plan", "plan_of"]

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?"
)  # fmt: skip
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]00:00(?::00(?:\.0+)?)?([+-]\d{2}:?\d{2})")
_UTC_NAME = re.compile(r"(?i)(?<![a-z])(utc|gmt)(?![a-z+-])(?!\s?[+-]?\d)")
_SHOWN = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "whitespace": "blanks"}


_KNOWN = times.Order("YMD", "")
# What ticks are built into unless the reader says otherwise.
TICKS_TO = timeframes.parse("1m")


@dataclass(frozen=True, slots=True)
class TimePlan:
    """``kind`` is ``epoch``, ``iso`` (Arrow reads it alone), ``text`` or ``split`` (date and time of day
    apart). ``utc``: the file itself tells the offset. ``whole``: an epoch without fractions. ``base``: µs of the
    day that an epoch counts from, where it is not 1970. ``dates``: daily rows stamped with the midnight of
    their market, which become dates; ``market`` is its zone, where moments of a day stand for it."""

    kind: str
    unit: str = ""
    utc: bool = False
    whole: bool = True
    order: times.Order = _KNOWN
    pattern: str = ""
    why: str = ""
    base: int = 0
    dates: bool = False
    market: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every stage's answer for one file."""

    name: str
    grid: Grid
    layout: layout.Layout
    roles: columns.Roles
    style: numbers.NumberStyle
    times: TimePlan
    zone: str
    choices: Choices
    reading: Reading
    ticks: ticks.Ticks | None = None
    sides: sides.Sides | None = None
    part: Part | None = None
    more: tuple[Plan, ...] = ()

    @property
    def stamp(self) -> str:
        """Whether a time is that of its candle's ``open`` or ``close``; what a column is named for tells."""
        ends = any(
            re.search(r"\b(close|end)\b", words.plain(self.layout.names[at])) for at in self.roles.times
        )
        return self.choices.stamp or ("close" if ends and self.ticks is None else "open")

    @property
    def figures(self) -> dict[str, int]:
        """Positions of the columns of figures, by role."""
        return {role: at for role, at in self.roles.at.items() if role not in ("time", "date", "clock")}


def make_plan(name: str, data: bytes | Path, choices: Choices) -> Plan:
    """Look at the head of a file; the whole of one column only where the head does not decide.

    Raises ``FileRefused`` for what cannot be a file of candles; what the reader must say is a question
    in ``reading``.
    """
    parts, notes = open_parts(name, data, choices)
    plans = [plan_of(part, choices) for part in parts]
    told = {plan.times.order.value for plan in plans} & {"DMY", "MDY"}
    if len(told) == 1 and choices.day_first is None:  # what one part tells holds for all
        settled = replace(choices, day_first=told.pop() == "DMY")
        plans = [
            plan if plan.times.order.value else plan_of(part, settled)
            for part, plan in zip(parts, plans, strict=True)
        ]
    first, more = plans[0], tuple(plans[1:])
    if more:
        notes.append(f"Joined, as parts of one series: {', '.join(each.name for each in parts[:5])}"
                     + (f" and {len(parts) - 5} more." if len(parts) > 5 else "."))  # fmt: skip
    reading = replace(first.reading, name=name, warnings=(*notes, *first.reading.warnings))
    return replace(first, more=more, reading=reading)


def plan_of(part: Part, choices: Choices) -> Plan:
    """The plan of one table."""
    name, found, grid = part.name, part.layout, part.grid
    roles = columns.assign(found, _of_candles(choices), name, choices.prices)
    timing = _timing(part, roles, choices)
    zone = zones.check_zone(choices.zone or part.zone or "UTC")
    if timing.utc or timing.dates:
        zone = "UTC"
    moments = _sample_micros(found, roles, timing, zone)
    both = sides.find(found, roles, choices) if choices.content != "ticks" else None
    quotes = ticks.find(found, roles, moments, choices) if both is None else None
    if (
        found.width < 5
        and not (both or quotes or choices.columns)
        and not {"open", "high", "low"} & roles.at.keys()
    ):
        raise layout.no_rows(name, " ".join(found.names if found.header else found.rows[0])[:80])
    roles = both.roles if both else quotes.roles if quotes else roles
    style = numbers.sniff_style(_figures(found, roles), choices.decimal)
    frame = None if choices.timeframe is None else timeframes.parse(choices.timeframe)
    if frame is None and quotes:
        frame = TICKS_TO
    reading = Reading(
        name=name,
        preview=part.preview,
        inferred=(),
        warnings=(*found.notes, *roles.warnings, *_warnings(found, roles, style, choices, timing)),
        columns=found.names,
        sample=found.rows[:20],
        containers=part.containers,
        timeframe=frame
        or timeframes.infer(
            pd.DatetimeIndex(np.unique(moments[moments != times.NO_TIME]).view("datetime64[us]"))
        ),
        zone=zone,
        offsets_in_file=timing.utc,
    )
    plan = Plan(name, grid, found, roles, style, timing, zone, choices, reading, quotes, both, part)
    return replace(plan, reading=replace(reading, inferred=tuple(_inferences(plan))))


# --------------------------------------------------------------------------------------------- figures


def _figures(found: layout.Layout, roles: columns.Roles) -> list[str]:
    wanted = [at for role, at in roles.at.items() if role not in ("time", "date", "clock")]
    return [row[at] for row in found.rows if len(row) == found.width for at in wanted]


def _prices(found: layout.Layout, roles: columns.Roles) -> list[str]:
    wanted = [at for role, at in roles.at.items() if role not in ("time", "date", "clock", "volume")]
    cells = [row[at] for row in found.rows if len(row) == found.width for at in wanted]
    return [cell for cell in cells if numeric(cell)]


def _warnings(
    found: layout.Layout, roles: columns.Roles, style: numbers.NumberStyle, choices: Choices, timing: TimePlan
) -> list[str]:
    made = []
    prices = _prices(found, roles)
    if len(prices) > 8 and choices.decimal is None and choices.scale is None:
        if style.decimal == "." and all(re.fullmatch(r"\d{1,3}\.\d{3}", cell) for cell in prices):
            made.append(
                "Every price has exactly three digits after its dot. If the dots part thousands here, "
                "choose the decimal comma, and a scale."
            )
        elif all(re.fullmatch(r"\d{5,}(\.0+)?", cell) for cell in prices):
            made.append(
                "Every price is a large whole number. If these are points, choose a scale to divide by."
            )
    if timing.utc and choices.zone and choices.zone != "UTC":
        made.append(f"The times tell their own offset, so the zone {choices.zone} was not used.")
    if timing.unit == "mixed":
        made.append("The times count from 1970 in several units; each row was read by its size.")
    return made


# ----------------------------------------------------------------------------------------------- times


def _cells(found: layout.Layout, at: int) -> list[str]:
    return [row[at] for row in found.rows if len(row) == found.width]


def _timing(part: Part, roles: columns.Roles, choices: Choices) -> TimePlan:
    found, grid = part.layout, part.grid
    if not roles.times:
        return TimePlan("text", order=times.Order("YMD", ""))
    sample = _cells(found, roles.times[0])
    wanted = choices.time_format or ""
    if wanted and wanted != "text" and wanted not in {f"epoch {unit}" for unit in times.EPOCH_UNITS}:
        raise FileRefused(
            f"{wanted!r} is no format of times.",
            remedy="Choose text, epoch s, epoch ms, epoch us or epoch ns.",
        )
    if roles.why.get("time") == "its cells count from midnight":
        return _midnight_plan(sample, choices.date or part.day)
    epoch = wanted.startswith("epoch") or (not wanted and _all_epoch(sample))
    if epoch and len(roles.times) == 1:
        return _of_market(_epoch_plan(sample, wanted), sample, part.zone)
    if "clock" in roles.at:
        return _text_plan("split", found, roles, grid, choices)
    if len(roles.times) == 1 and _daily_midnights(sample):
        return replace(_text_plan("text", found, roles, grid, choices, local=True), dates=True)
    hits = [_ISO.fullmatch(cell) for cell in sample if cell]
    offsets = {bool(hit[1]) for hit in hits if hit}
    if hits and all(hits) and len(offsets) == 1:
        offset = offsets.pop()
        longest = max((cell for cell in sample), key=len)
        pattern = "YYYY-MM-DD" + (" HH:MM:SS"[: 6 if longest.count(":") < 2 else 9] if ":" in longest else "")
        return TimePlan(
            "iso", utc=offset, order=times.Order("YMD", "the year comes first"),
            pattern=pattern + (" ±offset" if offset else ""),
        )  # fmt: skip
    return _text_plan("text", found, roles, grid, choices)


def _daily_midnights(sample: list[str]) -> bool:
    """Every row is a midnight with an offset, a day or more apart: a market's days, not moments."""
    hits = [_MIDNIGHT.fullmatch(cell) for cell in sample if cell]
    days = [hit[1] for hit in hits if hit]
    return (
        len(days) == len(hits) > 1
        and len(set(days)) == len(days)
        and {hit[2] for hit in hits if hit} != {"00:00"}
    )


def _of_market(timing: TimePlan, sample: list[str], zone: str) -> TimePlan:
    """Daily candles that count to their market's opening are of its day, where the file states its zone."""
    if not zone:
        return timing
    figures, _ = numbers.to_floats(pa.array(sample, pa.string()), numbers.NumberStyle(".", "", True, ""))
    micros = times.from_epoch(figures, timing.unit)
    micros = micros[micros != times.NO_TIME]
    steps = np.abs(np.diff(micros))
    daily = (
        len(steps) > 0 and int(steps.min()) >= 22 * 3600 * 10**6 and bool((micros % (86400 * 10**6)).any())
    )
    return replace(timing, market=zones.check_zone(zone)) if daily else timing


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


def _epoch_plan(sample: list[str], wanted: str) -> TimePlan:
    values = np.array(
        [
            float(cell)
            for cell in sample
            if numeric(cell) and re.fullmatch(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", cell)
        ]
    )
    unit = wanted.removeprefix("epoch ") if wanted else times.epoch_unit(values)
    whole = not any("." in cell or "e" in cell.lower() for cell in sample if numeric(cell))
    names = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
    why = "chosen" if wanted else f"so read they are {_year(values, unit)}"
    return TimePlan("epoch", unit, True, whole, pattern=f"{names.get(unit, 'counts')} since 1970", why=why)


def _year(values: Any, unit: str) -> str:
    micros = times.from_epoch(values, unit)
    known = micros[micros != times.NO_TIME]
    return str(known[:1].view("datetime64[us]").astype("datetime64[D]")[0]) if len(known) else "no times"


def _text_plan(
    kind: str, found: layout.Layout, roles: columns.Roles, grid: Grid, choices: Choices, local: bool = False
) -> TimePlan:
    at = roles.times
    arrays = [pa.array(_cells(found, each), pa.string()) for each in at]
    parsed = times.parse_texts(
        arrays[0], day_first=choices.day_first, clock=arrays[1] if kind == "split" else None, local=local
    )
    if not parsed.order.value:
        whole = grid.texts(at)
        parsed = times.parse_texts(
            whole.columns[at[0]], day_first=choices.day_first,
            clock=whole.columns[at[1]] if kind == "split" else None,
        )  # fmt: skip
    return TimePlan(kind, utc=parsed.utc, order=parsed.order, pattern=parsed.pattern, why=parsed.order.why)


def _of_candles(choices: Choices) -> dict[str, str]:
    """The chosen columns but those of ticks."""
    return {role: label for role, label in choices.columns.items() if role not in ticks.TICK_ROLES}


def counted(timing: TimePlan, values: Any, unit: str) -> Any:
    """µs of counts since 1970, or since midnight of the plan's day. NO_TIME where they are no times."""
    micros = times.from_epoch(values, unit)
    if timing.market:
        moments = pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC").tz_convert(timing.market)
        return moments.tz_localize(None).floor("D").as_unit("us").asi8
    return (
        micros if not timing.base else np.where(micros == times.NO_TIME, times.NO_TIME, micros + timing.base)
    )


def _sample_micros(found: layout.Layout, roles: columns.Roles, timing: TimePlan, zone: str) -> Any:
    """µs (UTC) of the sample's rows, in the order of the file; none where the times cannot be told yet."""
    if not roles.times or not timing.order.value:
        return np.empty(0, np.int64)
    cells = [pa.array(_cells(found, each), pa.string()) for each in roles.times]
    if timing.kind == "epoch":
        figures, _ = numbers.to_floats(cells[0], numbers.NumberStyle(".", "", True, ""))
        micros = counted(timing, figures, timing.unit)
    else:
        micros = times.parse_texts(
            cells[0], day_first=timing.order.value == "DMY", clock=cells[1] if len(cells) > 1 else None,
            local=timing.dates,
        ).micros  # fmt: skip
        micros = micros if timing.utc else zones.to_utc(micros, zone).micros
    return micros


# ------------------------------------------------------------------------------------------ inferences


def _inferences(plan: Plan) -> list[Inference]:
    timing, choices = plan.times, plan.choices
    made = [
        *_text(plan),
        *_content(plan),
        *_prices_set(plan),
        *_columns(plan),
        Inference("decimal", "Decimal mark", plan.style.decimal, (".", ","), plan.style.why),
        Inference(
            "scale", "Prices are divided by", f"{choices.scale or 1:g}",
            ("1", "10", "100", "1000", "10000", "100000"), "chosen" if choices.scale else "taken as they are",
        ),
        _format(timing),
        *_day(plan),
    ]  # fmt: skip
    if timing.order.value != "YMD" and timing.kind != "epoch":
        shown = {"DMY": "day first", "MDY": "month first"}.get(timing.order.value, "")
        readings = " or ".join(timing.order.readings)
        why = timing.order.why + (f": the first is {readings}" if not shown and readings else "")
        made.append(Inference("day_first", "Day and month", shown, ("day first", "month first"), why))
    made.append(_zone(plan))
    if plan.ticks is None:
        why = (
            "chosen"
            if choices.stamp
            else "the column is named so"
            if plan.stamp == "close"
            else "as is usual"
        )
        made.append(Inference("stamp", "A time is that of its candle's", plan.stamp, ("open", "close"), why))
    frame = plan.reading.timeframe
    made.append(
        Inference(
            "timeframe", "Timeframe", str(frame) if frame else "", tuple(str(each) for each in timeframes.LADDER),
            _why_timeframe(plan),
        )
    )  # fmt: skip
    if plan.ticks is None:
        made.append(_conflicts(choices))
    made.append(
        Inference(
            "bad_rows", "Rows that break a rule", choices.bad_rows or "refuse", ("refuse", "drop"),
            "chosen" if choices.bad_rows else "nothing is left out unless you say so",
        )
    )  # fmt: skip
    return made


def _text(plan: Plan) -> list[Inference]:
    """How the text was cut; nothing where the file was no text."""
    found, decoded = plan.layout, plan.part.text if plan.part else None
    if decoded is None:
        return []
    lines = tuple(str(n) for n in range(max(found.header, found.first_line) + 2))
    return [
        Inference("encoding", "Encoding", decoded.encoding, text.ENCODINGS, decoded.why),
        Inference("delimiter", "Delimiter", found.delimiter, layout.DELIMITERS, found.why_delimiter),
        Inference("header", "Header line (0: none)", str(found.header), lines, found.why_header),
    ]


def _prices_set(plan: Plan) -> list[Inference]:
    roles = plan.roles
    if not roles.sets:
        return []
    why = (
        "chosen"
        if plan.choices.prices
        else "as they were traded"
        if roles.prices
        else "several sets of prices"
    )
    return [Inference("prices", "Prices", roles.prices, roles.sets, why)]


def _conflicts(choices: Choices) -> Inference:
    return Inference(
        "conflicts", "Rows of one time with other figures", choices.conflicts or "refuse",
        ("refuse", "first", "last"), "chosen" if choices.conflicts else "which is right cannot be told",
    )  # fmt: skip


def _why_timeframe(plan: Plan) -> str:
    if plan.choices.timeframe:
        return "chosen"
    if plan.ticks:
        return "any can be built of ticks; this one is offered"
    return "the step between the candles" if plan.reading.timeframe else "too few candles to tell"


def _roles(plan: Plan) -> tuple[str, ...]:
    if plan.ticks is None:
        return columns.ROLES
    return (
        "time",
        "date",
        "clock",
        *(("bid", "ask") if plan.ticks.kind == "quotes" else ("price", "volume")),
    )


def _content(plan: Plan) -> list[Inference]:
    """What the rows are, and which side of the market is taken, where there is a choice."""
    made = []
    if plan.ticks:
        why = f"{plan.ticks.kind}: {plan.ticks.why}"
        made.append(Inference("content", "Rows", "ticks", ("ticks", "candles"), why))
    if plan.sides and len(plan.sides.options) > 1:
        made.append(Inference("side", "Quote side", plan.sides.side, plan.sides.options, plan.sides.why))
    if plan.ticks and plan.ticks.kind == "quotes":
        why = "chosen" if plan.choices.side else "half of bid and ask"
        made.append(Inference("side", "Quote side", plan.ticks.side, ticks.SIDES, why))
    return made


def _columns(plan: Plan) -> list[Inference]:
    labels = plan.layout.names
    made = []
    for role in _roles(plan):
        at = plan.roles.at.get(role)
        split = "date" in plan.roles.at
        if at is None and (role in ("date", "clock") if not split else role == "time"):
            continue
        options = plan.roles.undecided.get(role, labels) if at is None else labels
        why = plan.roles.why.get(role, "" if role in plan.roles.undecided else "there is none")
        if at is None and role in plan.roles.undecided:
            why = "several columns could be it" if 1 < len(options) < len(labels) else "no column is named so"
        title = {"clock": "Time of day"}.get(role, role.capitalize())
        value = labels[at] if at is not None else ""
        made.append(Inference(f"columns.{role}", f"{title} column", value, tuple(options), why))
    return made


def _format(timing: TimePlan) -> Inference:
    options = ("text", *(f"epoch {unit}" for unit in times.EPOCH_UNITS))
    if timing.kind == "epoch":
        why = f"{timing.pattern}: {timing.why}" if timing.unit != "mixed" else "several units in one column"
        return Inference("time_format", "Times", f"epoch {timing.unit}", options, why)
    return Inference("time_format", "Times", "text", options, timing.pattern)


def _day(plan: Plan) -> list[Inference]:
    if not plan.times.pattern.endswith("since midnight"):
        return []
    why = (
        "chosen"
        if plan.choices.date
        else "the file's name tells it"
        if plan.times.why
        else "no name tells it"
    )
    return [Inference("date", "Date", plan.times.why, (), why)]


def _zone(plan: Plan) -> Inference:
    timing = plan.times
    if timing.dates:
        why = "each row is a midnight of its market: a day's date"
        return Inference("zone", "Zone of the times", "UTC", ("UTC",), why)
    if timing.utc:
        why = "counts from 1970 are UTC" if timing.kind == "epoch" else "each time tells its offset"
        return Inference("zone", "Zone of the times", "UTC", ("UTC",), why)
    named = any(_UTC_NAME.search(plan.layout.names[at]) for at in plan.roles.times)
    why = (
        "chosen"
        if plan.choices.zone
        else "the column's name says so"
        if named
        else "the file does not tell; UTC is assumed"
    )
    return Inference("zone", "Zone of the times", plan.zone, zones.COMMON, why)
