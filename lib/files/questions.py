"""What the content of a file does not decide, asked in a sentence that shows the readings."""

from __future__ import annotations

import shlex

import pyarrow as pa

from lib.candles import PRICES
from lib.errors import FileRefused
from lib.files.columns import words
from lib.files.columns.cells import time_kind
from lib.files.columns.symbols import FRAMES
from lib.files.planned import Plan
from lib.files.times.times import parse_texts

__all__ = ["ask"]


def ask(plan: Plan) -> None:
    """Refuse with a question where the content does not decide."""
    if plan.roles.contradiction and plan.ticks is None and plan.sides is None:
        raise FileRefused(
            f"{plan.name}: {plan.roles.contradiction}.", remedy="Say which columns are which (--column high=NAME --column low=NAME), or mend the header.",
            file=plan.name, question="columns.high",
        )  # fmt: skip
    for question in plan.reading.questions:
        if question.key == "timeframe":
            continue  # the sample may be too short; the whole file decides
        message, remedy = _question(plan, question.key, question.options)
        raise FileRefused(message, remedy=remedy, file=plan.name, question=question.key)


def _question(plan: Plan, key: str, options: tuple[str, ...]) -> tuple[str, str]:
    if key == "pick_symbol":
        return _several(plan)
    if key == "day_first":
        return _dates(plan)
    if key == "decimal":
        one, other = plan.style.readings
        return (
            f"{plan.name}: commas can be decimal marks or part thousands: a figure is {one} or {other}.",
            "Say which is the decimal mark (--decimal . or --decimal ,).",
        )
    if key == "prices":
        return (
            f"{plan.name} holds several sets of prices.",
            f"Choose one of: {', '.join(options[:12])} (--prices {shlex.quote(options[0])}).",
        )
    if key == "date":
        at, cell = plan.roles.times[0], _first_row(plan)[plan.roles.times[0]]
        return (
            f"{plan.name}: its rows tell the time of day only, and no name tells the day: {cell!r} in the column "
            f"{plan.layout.names[at]!r} was read as {plan.times.pattern}.",
            "Say the date (--date 2024-01-31), or what the times are (--time-format).",
        )
    return _column(plan, key.removeprefix("columns."), options)


def _first_row(plan: Plan) -> tuple[str, ...]:
    whole = (row for row in plan.layout.rows if len(row) == plan.layout.width)
    return next(whole, ("",) * plan.layout.width)


def _dates(plan: Plan) -> tuple[str, str]:
    """Dates that can be read in two ways: shown by one that differs."""
    if "places" in plan.times.order.why:
        return (
            f"{plan.name}: {plan.times.order.why}: read in one way the dates jump to and fro.",
            "Export it again with dates as 2024-01-31.",
        )
    at, line = plan.roles.times[0], f" on line {plan.layout.first_line}"
    day, month = plan.times.order.readings
    cells = [row[at] for row in plan.layout.rows if len(row) == plan.layout.width]
    cell = next(iter(cells), "")
    if day == month:
        one, other = (
            parse_texts(pa.array(cells, pa.string()), day_first=first).micros for first in (True, False)
        )
        row = int((one != other).argmax())
        cell, line = cells[row], ""
        day, month = (
            str(each[row : row + 1].view("datetime64[us]").astype("datetime64[D]")[0])
            for each in (one, other)
        )
    return (
        f"{plan.name}: day and month cannot be told apart. {cell!r}{line} is {day} with the day first, and {month} with "
        "the month first.",
        "Say which comes first (--day-first or --month-first).",
    )


def _column(plan: Plan, role: str, options: tuple[str, ...]) -> tuple[str, str]:
    """A column that no name and no content tells."""
    found, first = plan.layout, _first_row(plan)
    choice = f"Choose one of: {', '.join(options[:12])} (--column {role}=NAME)."
    if role == "time":
        what = "no column holds times that are understood"
        if clock := next((cell for cell in first if time_kind(cell) == "clock"), ""):
            return (
                f"{plan.name}: which day its times are of cannot be told: no column and no name has it for {clock!r}.",
                "Say the day (--date 2024-01-31), or write it to each row.",
            )
        shown = next((label for label in options if label in found.names), "")
        if found.header and shown:
            cell = found.rows[0][found.names.index(shown)]
            what += f"; {shown!r} holds {cell!r} on line {found.first_line}"
        choice = (
            "Write the times as 2024-01-31 or 2024-01-31 09:30, or choose the column that holds them (--column "
            f"time=NAME): {', '.join(options[:12])}."
        )
    elif not found.header:
        cells = ", ".join(
            f"{label} {cell!r}" for label, cell in zip(found.names[:10], first[:10], strict=True)
        )
        what = f"there is no header, and the figures fit in several ways. Line {found.first_line} is {cells}"
    elif len(plan.roles.undecided.get(role, ())) > 1 and any(
        role in words.plain(label).split() for label in plan.roles.undecided[role]
    ):
        what = f"several columns could be the {role}"
    else:
        what = f"no column is plainly the {role}"
        if role in PRICES:
            choice += " A table without open, high, low and close holds no candles."
    return f"{plan.name}: which column is the {role} cannot be told: {what}.", choice


def _several(plan: Plan) -> tuple[str, str]:
    """Of several symbols in a column."""
    found, label = plan.symbols.found, plan.layout.names[plan.symbols.at or 0]
    shown = ", ".join(found[:12]) + (" ..." if len(found) > 12 else "")
    kind = "series" if words.plain(label) in FRAMES else "symbols"
    return (
        f"{plan.name} holds {len(found)} {kind} in the column {label!r}: {shown}.",
        f"Choose one of them (--pick-symbol {shlex.quote(found[0])}), or * for all as one series.",
    )
