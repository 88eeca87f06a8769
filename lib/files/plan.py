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
from lib.files import columns, containers, layout, numbers, text, times, zones
from lib.files.cells import numeric, time_kind
from lib.files.grid import TextGrid
from lib.files.model import Choices, Inference, Reading
from lib.timeframes import Timeframe

__all__ = ["Plan", "TimePlan", "make_plan"]

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?"
)  # fmt: skip
_UTC_NAME = re.compile(r"(?i)(?<![a-z])(utc|gmt)(?![a-z+-])(?!\s?[+-]?\d)")
_SHOWN = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "whitespace": "blanks"}


_KNOWN = times.Order("YMD", "")


@dataclass(frozen=True, slots=True)
class TimePlan:
    """``kind`` is ``epoch``, ``iso`` (Arrow reads it alone), ``text`` or ``split`` (date and time of day
    apart). ``utc``: the file itself tells the offset. ``whole``: an epoch without fractions."""

    kind: str
    unit: str = ""
    utc: bool = False
    whole: bool = True
    order: times.Order = _KNOWN
    pattern: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every stage's answer for one file."""

    name: str
    grid: TextGrid
    layout: layout.Layout
    roles: columns.Roles
    style: numbers.NumberStyle
    times: TimePlan
    zone: str
    choices: Choices
    reading: Reading


def make_plan(name: str, data: bytes | Path, choices: Choices) -> Plan:
    """Look at the head of a file; the whole of one column only where the head does not decide.

    Raises ``FileRefused`` for what cannot be a file of candles; what the reader must say is a question
    in ``reading``.
    """
    member = containers.unpack(containers.Member(name, containers.load(data, name)))
    decoded = text.decode(member.data, name, choices.encoding)
    found = layout.sniff(decoded, name, choices.delimiter, choices.header)
    grid = TextGrid(decoded, found, name, data if isinstance(data, Path) else None)
    roles = columns.assign(found, choices.columns, name)
    style = numbers.sniff_style(_figures(found, roles), choices.decimal)
    timing = _timing(found, roles, grid, choices)
    zone = zones.check_zone(choices.zone or "UTC")
    if timing.utc:
        zone = "UTC"
    frame = None if choices.timeframe is None else timeframes.parse(choices.timeframe)
    reading = Reading(
        name=name,
        preview=[line[:400] for line in layout.head_lines(decoded, name)[:12]],
        inferred=(),
        warnings=(*found.notes, *roles.warnings, *_warnings(found, roles, style, choices, timing)),
        columns=found.names,
        sample=found.rows[:20],
        containers=member.containers,
        timeframe=frame or _guess_timeframe(found, roles, timing, zone),
        zone=zone,
        offsets_in_file=timing.utc,
    )
    plan = Plan(name, grid, found, roles, style, timing, zone, choices, reading)
    return replace(plan, reading=replace(reading, inferred=tuple(_inferences(plan, decoded))))


# --------------------------------------------------------------------------------------------- figures


def _figures(found: layout.Layout, roles: columns.Roles) -> list[str]:
    wanted = [roles.at[role] for role in ("open", "high", "low", "close", "volume") if role in roles.at]
    return [row[at] for row in found.rows if len(row) == found.width for at in wanted]


def _prices(found: layout.Layout, roles: columns.Roles) -> list[str]:
    wanted = [roles.at[role] for role in ("open", "high", "low", "close") if role in roles.at]
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


def _timing(found: layout.Layout, roles: columns.Roles, grid: TextGrid, choices: Choices) -> TimePlan:
    if not roles.times:
        return TimePlan("text", order=times.Order("YMD", ""))
    sample = _cells(found, roles.times[0])
    wanted = choices.time_format or ""
    if wanted and wanted != "text" and wanted not in {f"epoch {unit}" for unit in times.EPOCH_UNITS}:
        raise FileRefused(
            f"{wanted!r} is no format of times.",
            remedy="Choose text, epoch s, epoch ms, epoch us or epoch ns.",
        )
    epoch = wanted.startswith("epoch") or (not wanted and _all_epoch(sample))
    if epoch and len(roles.times) == 1:
        return _epoch_plan(sample, wanted)
    if "clock" in roles.at:
        return _text_plan("split", found, roles, grid, choices)
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


def _all_epoch(sample: list[str]) -> bool:
    kinds = [time_kind(cell) for cell in sample if cell]
    return bool(kinds) and kinds.count("epoch") * 2 > len(kinds)


def _epoch_plan(sample: list[str], wanted: str) -> TimePlan:
    values = np.array([float(cell) for cell in sample if numeric(cell) and re.fullmatch(r"[-+.\deE]+", cell)])
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
    kind: str, found: layout.Layout, roles: columns.Roles, grid: TextGrid, choices: Choices
) -> TimePlan:
    at = roles.times
    arrays = [pa.array(_cells(found, each), pa.string()) for each in at]
    parsed = times.parse_texts(
        arrays[0], day_first=choices.day_first, clock=arrays[1] if kind == "split" else None
    )
    if not parsed.order.value:
        whole = grid.texts(at)
        parsed = times.parse_texts(
            whole.columns[at[0]], day_first=choices.day_first,
            clock=whole.columns[at[1]] if kind == "split" else None,
        )  # fmt: skip
    return TimePlan(kind, utc=parsed.utc, order=parsed.order, pattern=parsed.pattern, why=parsed.order.why)


def _guess_timeframe(
    found: layout.Layout, roles: columns.Roles, timing: TimePlan, zone: str
) -> Timeframe | None:
    """From the sample; reading the whole file may find a finer one."""
    if not roles.times or not timing.order.value:
        return None
    cells = [pa.array(_cells(found, each), pa.string()) for each in roles.times]
    if timing.kind == "epoch":
        figures, _ = numbers.to_floats(cells[0], numbers.NumberStyle(".", "", True, ""))
        micros = times.from_epoch(figures, timing.unit)
    else:
        micros = times.parse_texts(
            cells[0], day_first=timing.order.value == "DMY", clock=cells[1] if len(cells) > 1 else None
        ).micros
        micros = micros if timing.utc else zones.to_utc(micros, zone).micros
    known = np.unique(micros[micros != times.NO_TIME])
    return timeframes.infer(pd.DatetimeIndex(known.view("datetime64[us]")))


# ------------------------------------------------------------------------------------------ inferences


def _inferences(plan: Plan, decoded: text.Text) -> list[Inference]:
    found, timing, choices = plan.layout, plan.times, plan.choices
    lines = tuple(str(n) for n in range(max(found.header, found.first_line) + 2))
    made = [
        Inference("encoding", "Encoding", decoded.encoding, text.ENCODINGS, decoded.why),
        Inference("delimiter", "Delimiter", found.delimiter, layout.DELIMITERS, found.why_delimiter),
        Inference("header", "Header line (0: none)", str(found.header), lines, found.why_header),
        *_columns(plan),
        Inference("decimal", "Decimal mark", plan.style.decimal, (".", ","), plan.style.why),
        Inference(
            "scale", "Prices are divided by", f"{choices.scale or 1:g}",
            ("1", "10", "100", "1000", "10000", "100000"), "chosen" if choices.scale else "taken as they are",
        ),
        _format(timing),
    ]  # fmt: skip
    if timing.order.value != "YMD" and timing.kind != "epoch":
        shown = {"DMY": "day first", "MDY": "month first"}.get(timing.order.value, "")
        readings = " or ".join(timing.order.readings)
        why = timing.order.why + (f": the first is {readings}" if not shown and readings else "")
        made.append(Inference("day_first", "Day and month", shown, ("day first", "month first"), why))
    made.append(_zone(plan))
    frame = plan.reading.timeframe
    made.append(
        Inference(
            "timeframe", "Timeframe", str(frame) if frame else "", tuple(str(each) for each in timeframes.LADDER),
            "chosen" if choices.timeframe else "the step between the candles" if frame else "too few candles to tell",
        )
    )  # fmt: skip
    made.append(
        Inference(
            "conflicts", "Rows of one time with other figures", choices.conflicts or "refuse",
            ("refuse", "first", "last"), "chosen" if choices.conflicts else "which is right cannot be told",
        )
    )  # fmt: skip
    made.append(
        Inference(
            "bad_rows", "Rows that break a rule", choices.bad_rows or "refuse", ("refuse", "drop"),
            "chosen" if choices.bad_rows else "nothing is left out unless you say so",
        )
    )  # fmt: skip
    return made


def _columns(plan: Plan) -> list[Inference]:
    labels = plan.layout.names
    made = []
    for role in columns.ROLES:
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


def _zone(plan: Plan) -> Inference:
    timing = plan.times
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
