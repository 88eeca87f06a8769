"""Blocks as parts of one file: what the first one tells, and rows near a block's end, which wait for the next one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.compute as pc

from lib.files.plan import Plan
from lib.files.rows import Rows
from lib.files.texts.blocks import Block, lines_in
from lib.files.times.fields import NO_TIME
from lib.files.times.times import clock_digits

__all__ = ["cut_before", "joined", "lines_of", "settled", "sliced"]

Array = np.ndarray[Any, Any]
_HELD = 6 * 3600 * 10**6  # µs: rows that near to a block's end wait, as an hour that came twice may go on


def lines_of(rows: Rows, block: Block, slow: Callable[[], Array]) -> Callable[[], Array]:
    """Lines of the rows; where the block has no blank line they count up, and nothing is searched: else by ``slow``."""
    count = len(rows.micros)
    if count == lines_in(block.data) + (not block.data.endswith(b"\n")):
        return lambda: np.arange(block.line, block.line + count)
    return slow


def cut_before(wall: Array, end: int) -> int:
    """The row after the last one that lies far from row ``end - 1``; 0 where none does."""
    known = wall[:end][wall[:end] != NO_TIME]
    far = np.flatnonzero(np.abs(wall[:end] - (known[-1] if len(known) else 0)) > _HELD)
    return int(far[-1]) + 1 if len(far) else 0


def sliced(rows: Rows, part: slice) -> Rows:
    """The rows of ``part``."""
    lines = rows.lines()[part]
    bad = None if rows.bad is None else rows.bad[part]
    figures = {role: values[part] for role, values in rows.figures.items()}
    made = Rows(rows.micros[part], figures, lambda: lines, bad)
    if part.start is None:  # what was found stays with the first piece
        made.findings, made.counts, made.left_out = rows.findings, rows.counts, rows.left_out
    return made


def joined(one: Rows, other: Rows) -> Rows:
    """The rows of one and of the other after it."""
    lines = np.concatenate([one.lines(), other.lines()])
    bads = [np.zeros(len(each.micros), bool) if each.bad is None else each.bad for each in (one, other)]
    counts = dict(one.counts or {})
    for rule, count in (other.counts or {}).items():
        counts[rule] = counts.get(rule, 0) + count
    return Rows(
        np.concatenate([one.micros, other.micros]),
        {role: np.concatenate([one.figures[role], other.figures[role]]) for role in one.figures},
        lambda: lines, np.concatenate(bads), (*one.findings, *other.findings), counts,
        one.left_out + other.left_out,
    )  # fmt: skip


def settled(plan: Plan) -> Plan:
    """With the digits of times of day as the whole first block tells them: zeros ahead may be left out."""
    if plan.times.kind != "split" or clock_digits(plan.times.pattern) != 4:
        return plan
    texts = plan.grid.texts(plan.roles.times).columns[plan.roles.times[1]]
    if pc.max(pc.utf8_length(texts)).as_py() in (5, 6):
        return replace(plan, times=replace(plan.times, pattern=plan.times.pattern + "SS"))
    return plan
