"""How one file will be read: every stage's answer, and each of them as an inference for the reader."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import numpy as np
import pandas as pd
import pyarrow as pa

from lib import timeframes
from lib.candles import PRICES
from lib.errors import FileRefused
from lib.files.columns import columns, numbers, sides
from lib.files.columns.cells import is_time, numeric, time_kind
from lib.files.columns.names import suggest_symbol
from lib.files.columns.placed import like_prices
from lib.files.columns.scales import Scale, expected_price, pair_of, points_of_shares, scale_of
from lib.files.columns.symbols import Symbols, find_symbols, likest, of_symbol
from lib.files.inferences import inferences_of
from lib.files.model import ALL_SYMBOLS, Choices, Reading
from lib.files.opening import Part, open_parts
from lib.files.planned import TICKS_TO, Plan
from lib.files.texts import layout
from lib.files.ticks import ticks
from lib.files.times import times, zones
from lib.files.times.beside import counts_beside, said_of, within_days
from lib.files.times.offsets import find_offsets, said_of_zone
from lib.files.times.timing import TimePlan, counted, sample_micros, timing_of
from lib.files.unfinished import find_flag

__all__ = ["TICKS_TO", "Plan", "TimePlan", "counted", "make_plan", "plan_of"]

# Prices of bonds: 110'165 is 110 and 16.5 thirty-seconds.
_THIRTY_SECONDS = re.compile(r"\d{2,3}['’-](?:[0-2]\d|3[01])[0257+]?")
_AHEAD = 366 * 86400 * 10**6


def make_plan(name: str, data: bytes | Path, choices: Choices) -> Plan:
    """Look at the head of a file; the whole of one column only where the head does not decide.

    Raises ``FileRefused`` for what cannot be a file of candles; what the reader must say is a question
    in ``reading``.
    """
    parts, notes = open_parts(name, data, choices)
    plans, passed = _plans(parts, choices)
    notes += [f"Passed over, as no candles are told in them: {', '.join(passed[:5])}."] if passed else []
    told = {plan.times.order.value for plan in plans} & {"DMY", "MDY"}
    if len(told) == 1 and choices.day_first is None:  # what one part tells holds for all
        settled = replace(choices, day_first=told.pop() == "DMY")
        plans = [
            plan if plan.times.order.value or plan.part is None else plan_of(plan.part, settled)
            for plan in plans
        ]
    plans = _one_scale(plans)
    first, more = plans[0], tuple(plans[1:])
    if more:
        notes.append(f"Joined, as parts of one series: {', '.join(each.name for each in plans[:5])}"
                     + (f" and {len(plans) - 5} more." if len(plans) > 5 else "."))  # fmt: skip
    reading = replace(first.reading, name=name, warnings=(*notes, *first.reading.warnings))
    return replace(first, more=more, reading=reading)


def _plans(parts: list[Part], choices: Choices) -> tuple[list[Plan], list[str]]:
    """The plans of the parts, and the names of those that were passed over: tables of something else beside others
    that are plainly candles."""
    plans: list[Plan] = []
    passed: list[str] = []
    first: FileRefused | None = None
    for part in parts:
        try:
            plans.append(plan_of(part, choices))
        except FileRefused as error:
            if not str(error.fields.get("question", "")).startswith("columns."):
                raise
            first = first or error
            passed.append(part.name)
    plain = [plan for plan in plans if not _open(plan)]
    if plain:
        passed += [plan.name for plan in plans if _open(plan)]
        plans = plain
    if first and not plans:
        raise first
    return plans, passed


def _open(plan: Plan) -> bool:
    """Whether it must be asked which columns are which."""
    return "time" in plan.roles.undecided or bool(plan.roles.undecided and not plan.ticks)


def _one_scale(plans: list[Plan]) -> list[Plan]:
    """What some parts of a series tell of its scale holds for all."""
    told = next((plan.scale for plan in plans if plan.scale.value != 1), None)
    if told is None or all(plan.scale.value == told.value for plan in plans):
        return plans
    made = [replace(plan, scale=told) for plan in plans]
    warnings = (*made[0].reading.warnings, told.note)
    reading = replace(made[0].reading, warnings=warnings, inferred=tuple(inferences_of(made[0])))
    return [replace(made[0], reading=reading), *made[1:]]


def plan_of(part: Part, choices: Choices) -> Plan:
    """The plan of one table."""
    name, grid = part.name, part.grid
    symbols = find_symbols(part.layout, grid, choices)
    found = of_symbol(part.layout, symbols)
    part = replace(part, layout=found)
    roles = columns.assign(found, _of_candles(choices), name, choices.prices)
    if "prices" in roles.undecided and (meant := likest(choices.symbol or "", list(roles.sets))):
        roles = columns.assign(found, _of_candles(choices), name, meant)
    timing = timing_of(part, roles, choices)
    stated = "" if _dates_alone(found, roles) else part.zone
    zone = zones.check_zone(
        choices.zone
        or _zone_in(found, roles)
        or _zone_named(found, roles)
        or stated
        or zones.zone_beside(found.names if found.header else (), found.rows)
        or "UTC"
    )
    if timing.utc or timing.dates:
        zone = "UTC"
    moments = sample_micros(found, roles, timing, zone)
    offsets = find_offsets(found, roles, timing, choices)
    if offsets is not None:
        zone = "UTC"
        moments = offsets.of_sample(found, sample_micros(found, roles, timing, zone))
    _refuse_future(part, roles, timing, moments, choices)
    beside = counts_beside(found, roles, timing, moments, choices)
    apart = []
    if beside is not None:
        taken = not choices.columns and within_days(moments)
        apart = [said_of(found, roles, beside, taken)]
        if taken:
            at = {role: place for role, place in roles.at.items() if role not in ("date", "clock")}
            why = {**roles.why, "time": "it counts the times in UTC"}
            roles = replace(roles, at={**at, "time": beside[0]}, why=why)
            timing = timing_of(part, roles, choices)
            moments, zone = sample_micros(found, roles, timing, zone), "UTC" if timing.utc else zone
    both = sides.find(found, roles, choices) if choices.content != "ticks" else None
    quotes = ticks.find(found, roles, moments, choices) if both is None else None
    if not (both or quotes or choices.columns or roles.sets or {"open", "high", "low"} & roles.at.keys()):
        if found.width < 5:
            raise layout.no_rows(name, " ".join(found.names if found.header else found.rows[0])[:80])
        if found.header and not like_prices(found):
            shown = ", ".join(repr(each) for each in found.names[:12]) + (" ..." if found.width > 12 else "")
            raise FileRefused(
                f"{name} is no table of candles: no column is named for open, high or low, and no four columns hold "
                f"figures of one size. Its columns are {shown}.",
                remedy="If it does hold candles, say which columns are which: --column open=NAME.",
                file=name, line=found.header, question="columns.open",
            )  # fmt: skip
    if quotes and choices.content is None and choices.timeframe is None:
        ticks.refuse_days(quotes, name, moments)
    roles = both.roles if both else quotes.roles if quotes else roles
    style = _style(found, roles, choices)
    symbol = choices.symbol or symbols.only or (name if pair_of(name) else suggest_symbol(name))
    scale = _scale(part, roles, style, choices, symbol)
    if scale.thousands:
        style = numbers.sniff_style(_figures(found, roles), ",")
    flag = find_flag(found, roles, grid)
    frame = None if choices.timeframe is None else timeframes.parse(choices.timeframe)
    if frame is None and quotes:
        frame = TICKS_TO
    reading = Reading(
        name=name,
        preview=part.preview,
        inferred=(),
        warnings=(
            *found.notes,
            *roles.warnings,
            *_of_symbols(part, symbols),
            *_of_flag(found, flag),
            *apart,
            *said_of_zone(found, roles, timing, choices, offsets),
            *_warnings(part, roles, style, choices, timing, scale),
        ),
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
    plan = Plan(
        name, grid, found, roles, style, timing, zone, choices, reading, quotes, both, part, scale=scale, symbols=symbols, late=_late(moments), flag=flag,
        offsets=offsets,
    )  # fmt: skip
    return replace(plan, reading=replace(reading, inferred=tuple(inferences_of(plan))))


# --------------------------------------------------------------------------------------------- figures


def _figures(found: layout.Layout, roles: columns.Roles) -> list[str]:
    wanted = [at for role, at in roles.at.items() if role not in ("time", "date", "clock")]
    return [row[at] for row in found.rows if len(row) == found.width for at in wanted]


def _style(found: layout.Layout, roles: columns.Roles, choices: Choices) -> numbers.NumberStyle:
    """How figures are written: told by those that are read, else by all of the table."""
    made = numbers.sniff_style(_figures(found, roles), choices.decimal)
    if made.decimal:
        return made
    every = numbers.sniff_style(
        cell
        for row in found.rows
        if len(row) == found.width
        for at, cell in enumerate(row)
        if at not in roles.times and numeric(cell) and not is_time(cell)
    )
    return replace(every, plain=False) if every.decimal else made


def _prices(found: layout.Layout, roles: columns.Roles) -> list[str]:
    wanted = [at for role, at in roles.at.items() if role not in ("time", "date", "clock", "volume")]
    cells = [row[at] for row in found.rows if len(row) == found.width for at in wanted]
    return [cell for cell in cells if numeric(cell)]


def _scale(
    part: Part, roles: columns.Roles, style: numbers.NumberStyle, choices: Choices, symbol: str
) -> Scale:
    """By what prices are divided: as chosen, as a pair's size tells, or as the digits of shares do."""
    cells = _prices(part.layout, roles)
    if len(cells) > 8 and all(_THIRTY_SECONDS.fullmatch(cell) for cell in cells):
        raise FileRefused(
            f"{part.name}: its prices are in 32nds, such as {cells[0]!r}; those are not read.",
            remedy="Export them as decimal figures.", file=part.name, line=part.layout.first_line,
        )  # fmt: skip
    if choices.scale is not None:
        return Scale(choices.scale, "chosen")
    values, bad = numbers.to_floats(pa.array(cells, pa.string()), style)
    if not style.decimal or bad.any():
        return Scale()
    made = scale_of(symbol, cells if choices.decimal is None else (), values.tolist())
    if made != Scale() or part.layout.header or expected_price(symbol) is not None:
        return made
    at = [place for role, place in roles.at.items() if role in PRICES]
    return points_of_shares(symbol, part.grid, at, cells) if len(at) == 4 else made


def _of_symbols(part: Part, symbols: Symbols) -> list[str]:
    if not symbols.several or not symbols.taken or symbols.at is None:
        return []
    shown = ", ".join(symbols.found[:5]) + (" ..." if len(symbols.found) > 5 else "")
    taken = "all were taken as one series" if symbols.taken == ALL_SYMBOLS else f"{symbols.taken} was taken"
    return [
        f"The column {part.layout.names[symbols.at]!r} names {len(symbols.found)} symbols ({shown}); {taken}."
    ]


def _of_flag(found: layout.Layout, flag: int | None) -> list[str]:
    return (
        []
        if flag is None
        else [f"Rows that the column {found.names[flag]!r} calls unfinished were left out."]
    )


def _warnings(
    part: Part, roles: columns.Roles, style: numbers.NumberStyle, choices: Choices, timing: TimePlan, scale: Scale
) -> list[str]:  # fmt: skip
    made = [scale.note] if scale.note else []
    prices = _prices(part.layout, roles)
    if len(prices) > 8 and choices.decimal is None and choices.scale is None and not scale.note:
        if style.decimal == "." and all(re.fullmatch(r"\d{1,3}\.\d{3}", cell) for cell in prices):
            made.append(
                "Every price has exactly three digits after its dot. If the dots part thousands here, "
                "choose the decimal comma, and a scale."
            )
        elif all(re.fullmatch(r"\d{5,}(\.0+)?", cell) for cell in prices):
            made.append(
                "Every price is a large whole number. If these are points, choose a scale to divide by."
            )
    if timing.daily and choices.days is None:
        made.append(
            "Each candle is a day of its market and was kept at the moment it opens, in UTC. To keep it at 00:00 UTC "
            "of its date, choose dates (--days dates)."
        )
    if timing.unit == "mixed":
        made.append("The times count from 1970 in several units; each row was read by its size.")
    return made


def _refuse_future(
    part: Part, roles: columns.Roles, timing: TimePlan, moments: Any, choices: Choices
) -> None:
    """Times that lie years ahead are read wrongly: counts that are no counts, or years of another calendar."""
    if not len(moments) or choices.time_format or int(moments.max()) < time.time_ns() // 1000 + _AHEAD:
        return
    at = int(moments.argmax())
    row = [row for row in part.layout.rows if len(row) == part.layout.width][at]
    day = str(moments[at : at + 1].view("datetime64[us]").astype("datetime64[D]")[0])
    shown = " ".join(row[place] for place in roles.times)
    two = "YY" in timing.pattern and "YYYY" not in timing.pattern
    raise FileRefused(
        f"{part.name}: read as {timing.pattern}, its times lie in the future: {shown!r} would be {day}.",
        remedy="Write the years with four digits."
        if two
        else "Say what the times are (--time-format), or which column holds them (--column time=NAME).",
        file=part.name, question="time_format",
    )  # fmt: skip


def _late(moments: Any) -> bool:
    """Every time is the last second of a minute, or the last thousandth of it: candles end so."""
    known = moments[moments != times.NO_TIME]
    return len(known) > 2 and bool((known % (60 * 10**6) >= 59 * 10**6).all())


def _zone_in(found: layout.Layout, roles: columns.Roles) -> str:
    """The zone that the times themselves name."""
    at = roles.times[-1:]
    name = times.zone_in([row[at[0]] for row in found.rows if len(row) == found.width]) if at else ""
    return name if name and name in available_timezones() else ""  # a look at hundreds of files


def _zone_named(found: layout.Layout, roles: columns.Roles) -> str:
    """The zone that the name of the column of times tells."""
    return next((zone for at in roles.times if (zone := zones.zone_of(found.names[at]))), "")


def _dates_alone(found: layout.Layout, roles: columns.Roles) -> bool:
    """Days without a time of day: they stay at 00:00 UTC of their date, whatever zone the file speaks of."""
    at = roles.times
    cells = [row[at[0]] for row in found.rows if len(row) == found.width] if len(at) == 1 else []
    return bool(cells) and all(not cell or time_kind(cell) == "date" for cell in cells)


def _of_candles(choices: Choices) -> dict[str, str]:
    """The chosen columns but those of ticks."""
    return {role: label for role, label in choices.columns.items() if role not in ticks.TICK_ROLES}
