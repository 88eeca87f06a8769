"""Every stage's answer as an inference: what was taken, what else could be, and why."""

from __future__ import annotations

import re

from lib import timeframes
from lib.files.columns import columns
from lib.files.model import ALL_SYMBOLS, DAYS, Choices, Inference
from lib.files.planned import Plan
from lib.files.texts import layout, text
from lib.files.ticks import ticks
from lib.files.times import times, zones
from lib.files.times.timing import TimePlan

__all__ = ["inferences_of"]

_UTC_NAME = re.compile(r"(?i)(?<![a-z])(utc|gmt)(?![a-z+-])(?!\s?[+-]?\d)")


def inferences_of(plan: Plan) -> list[Inference]:
    """Every inference of a plan, in the order in which a reader is shown them."""
    timing, choices = plan.times, plan.choices
    made = [
        *_text(plan),
        *_content(plan),
        *_picked(plan),
        *_prices_set(plan),
        *_columns(plan),
        Inference("decimal", "Decimal mark", plan.style.decimal, (".", ","), plan.style.why),
        Inference(
            "scale", "Prices are divided by", f"{plan.scale.value:g}", ("1", "10", "100", "1000", "10000", "100000"),
            plan.scale.why,
        ),
        _format(timing),
        *_day(plan),
        *_days(timing, choices),
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
            else "every time is the last second of a minute"
            if plan.late
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
        made += [_conflicts(choices), _off_grid(choices)]
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


def _off_grid(choices: Choices) -> Inference:
    return Inference(
        "off_grid", "Candles off the grid", choices.off_grid or "refuse", ("refuse", "floor"),
        "chosen" if choices.off_grid else "a candle opens where its timeframe says",
    )  # fmt: skip


def _picked(plan: Plan) -> list[Inference]:
    """Which of several symbols in a column."""
    symbols = plan.symbols
    if not symbols.several:
        return []
    why = (
        "chosen" if plan.choices.pick_symbol else "the symbol that was given" if symbols.taken else "several"
    )
    return [Inference("pick_symbol", "Symbol in the file", symbols.taken, (*symbols.found, ALL_SYMBOLS), why)]


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
        options += tuple(f"epoch {unit}" for unit in times.COUNTS)
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


def _days(timing: TimePlan, choices: Choices) -> list[Inference]:
    """Whether a market's days keep the moments they open at."""
    if not timing.daily:
        return []
    why = "chosen" if choices.days else "each candle opens when the file says"
    return [Inference("days", "Daily candles open at", "dates" if timing.dates else "moments", DAYS, why)]


def _zone(plan: Plan) -> Inference:
    timing = plan.times
    if timing.dates:
        why = "each row is a day of its market: its date was chosen"
        return Inference("zone", "Zone of the times", "UTC", ("UTC",), why)
    if timing.utc:
        why = "counts from 1970 are UTC" if timing.kind == "epoch" else "each time tells its offset"
        return Inference("zone", "Zone of the times", "UTC", ("UTC",), why)
    named = any(_UTC_NAME.search(plan.layout.names[at]) for at in plan.roles.times)
    why = (
        "chosen"
        if plan.choices.zone
        else f"the column {plan.layout.names[plan.offsets.at]!r} tells how far each row is from it"
        if plan.offsets
        else "the column's name says so"
        if named
        else "the times or the file name it"
        if plan.zone != "UTC"
        else "the file does not tell; UTC is assumed"
    )
    return Inference("zone", "Zone of the times", plan.zone, zones.COMMON, why)
