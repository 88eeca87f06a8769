"""Several tables in one file, such as a month each: the parts of one series are put together."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from lib import timeframes
from lib.errors import FileRefused
from lib.files.columns.names import of_tables
from lib.files.plan import Plan
from lib.files.rows import Rows
from lib.files.times.fields import NO_TIME

__all__ = ["join"]

Array = np.ndarray[Any, Any]
# A timeframe in a name: ABC_1h.csv, ABC-M15.csv.
_TIMEFRAME = re.compile(
    r"(?<![A-Za-z\d])(?:\d{1,2}(?:[smhdwSHDW]|min|hour|day)|[MH]\d{1,2}|[DW]1)(?![A-Za-z\d])"
)


def join(plan: Plan, rows: list[Rows]) -> Rows:
    """The rows of ``plan`` and of its ``more``, in the order of their times. Raises ``FileRefused`` with
    a question where they are not parts of one series."""
    plans = (plan, *plan.more)
    why = _strangers(plans, rows)
    if why:
        names = [each.name for each in plans]
        raise FileRefused(
            f"{plan.reading.name} holds {len(plans)} tables that are not parts of one series: {why}.",
            remedy=f"Choose one of: {', '.join(names[:12])} (--member {shlex.quote(names[0])}).",
            file=plan.reading.name, question="member", options=tuple(names),
        )  # fmt: skip
    order = sorted(range(len(rows)), key=lambda n: _first(rows[n].micros))
    rows = [rows[n] for n in order]
    titles = [plans[n].name for n in order]
    made = Rows(
        np.concatenate([each.micros for each in rows]),
        {role: np.concatenate([each.figures[role] for each in rows]) for role in rows[0].figures},
        lambda: np.concatenate([each.lines() for each in rows]),
    )  # fmt: skip
    if any(each.bad is not None for each in rows):
        made.bad = np.concatenate(
            [np.zeros(len(each.micros), bool) if each.bad is None else each.bad for each in rows]
        )
    made.parts = tuple((name, len(each.micros)) for name, each in zip(titles, rows, strict=True))
    made.findings = tuple(
        replace(found, message=f"in {name}: {found.message}")
        for name, each in zip(titles, rows, strict=True)
        for found in each.findings
    )
    counts: dict[str, int] = {}
    for each in rows:
        for rule, count in (each.counts or {}).items():
            counts[rule] = counts.get(rule, 0) + count
    made.counts = counts or None
    made.left_out = sum(each.left_out for each in rows)
    made.note = " ".join(each.note for each in rows if each.note)
    return made


def _strangers(plans: tuple[Plan, ...], rows: list[Rows]) -> str:
    """Why these are not one series; nothing where they may be."""
    for plan, each in zip(plans[1:], rows[1:], strict=True):
        if each.figures.keys() != rows[0].figures.keys():
            return f"{plan.name} has other columns than {plans[0].name}"
    symbols = set(filter(None, of_tables([plan.name for plan in plans])))
    if len(symbols) > 1:
        return f"they are named for {', '.join(sorted(symbols)[:5])}"
    told = {frozenset(_TIMEFRAME.findall(plan.name.rsplit("/", 1)[-1])) for plan in plans}
    if len(told) > 1 and all(told):
        return f"they are named for {', '.join(sorted('/'.join(sorted(each)) for each in told)[:5])}"
    steps = {str(step) for each in rows if (step := _step(each.micros)) is not None}
    if len(steps) > 1:
        return f"their timeframes are {', '.join(sorted(steps))}"
    return ""


def _step(micros: Array) -> timeframes.Timeframe | None:
    known = np.unique(micros[micros != NO_TIME])
    return timeframes.infer(pd.DatetimeIndex(known.view("datetime64[us]"))) if len(known) > 20 else None


def _first(micros: Array) -> int:
    return int(micros[micros != NO_TIME].min(initial=np.iinfo(np.int64).max))
