"""What the content of a file does not decide, asked in a sentence that shows the readings."""

from __future__ import annotations

from lib.errors import FileRefused
from lib.files import words
from lib.files.planned import Plan

__all__ = ["ask"]


def ask(plan: Plan) -> None:
    """Refuse with a question where the content does not decide."""
    if plan.roles.contradiction and plan.ticks is None and plan.sides is None:
        raise FileRefused(
            f"{plan.name}: {plan.roles.contradiction}.", remedy="Say which columns are which.",
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
        cell = next(
            (row[plan.roles.times[0]] for row in plan.layout.rows if len(row) == plan.layout.width), ""
        )
        day, month = plan.times.order.readings
        if "places" in plan.times.order.why:
            return (
                f"{plan.name}: {plan.times.order.why}: read in one way the dates jump to and fro.",
                "Export it again with dates as 2024-01-31.",
            )
        return (
            f"{plan.name}: day and month cannot be told apart. {cell!r} on line {plan.layout.first_line} is "
            f"{day} with the day first, and {month} with the month first.",
            "Say which comes first.",
        )
    if key == "decimal":
        one, other = plan.style.readings
        return (
            f"{plan.name}: commas can be decimal marks or part thousands: a figure is {one} or {other}.",
            "Say which is the decimal mark.",
        )
    if key == "prices":
        return (f"{plan.name} holds several sets of prices.", f"Choose one of: {', '.join(options[:12])}.")
    if key == "date":
        return (
            f"{plan.name}: its rows tell the time of day only, and no name tells the day.",
            "Say the date, for example 2024-01-31.",
        )
    role = key.removeprefix("columns.")
    what = "there is no header" if not plan.layout.header else f"no column is plainly the {role}"
    if role == "time":
        what = "no column holds times that are understood"
        shown = next((label for label in options if label in plan.layout.names), "")
        if plan.layout.header and shown:
            cell = plan.layout.rows[0][plan.layout.names.index(shown)]
            what += f"; {shown!r} holds {cell!r} on line {plan.layout.first_line}"
    elif len(plan.roles.undecided.get(role, ())) > 1 and any(
        role in words.plain(label).split() for label in plan.roles.undecided[role]
    ):
        what = f"several columns could be the {role}"
    return (f"{plan.name}: which column is the {role} cannot be told: {what}.",
            f"Choose one of: {', '.join(options[:12])}.")  # fmt: skip


def _several(plan: Plan) -> tuple[str, str]:
    """Of several symbols in a column."""
    found, at = plan.symbols.found, plan.symbols.at or 0
    shown = ", ".join(found[:12]) + (" ..." if len(found) > 12 else "")
    return (
        f"{plan.name} holds {len(found)} symbols in the column {plan.layout.names[at]!r}: {shown}.",
        f"Choose one of them (--pick-symbol {found[0]}), or * for all as one series.",
    )
