"""The rows of a planned table: typed by Arrow, or as texts so that each fault is found with its line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.candles import PRICES, Finding, figures_fine
from lib.errors import FileRefused
from lib.files.columns import numbers
from lib.files.columns.sides import OTHER
from lib.files.columns.symbols import distinct
from lib.files.model import ALL_SYMBOLS
from lib.files.planned import Plan
from lib.files.rows import LISTED, Rows
from lib.files.texts.bulk import gather
from lib.files.texts.grid import Columns, Texts, Unlike
from lib.files.texts.leftovers import leave_out
from lib.files.times import times
from lib.files.times.fixed import parse_fixed
from lib.files.times.fractions import FRACTIONS, MILLIS
from lib.files.times.timing import counted
from lib.files.unfinished import FINISHED

__all__ = ["rows_of"]

Array = np.ndarray[Any, Any]
NO_TIME = times.NO_TIME
_TIME = ""  # beside the roles of figures
_PLAIN = numbers.NumberStyle(".", "", True, "")


def rows_of(plan: Plan, *, ending: bool = True) -> Rows:
    """Times as they stand and prices of every row of the plan's grid; faults are in ``findings``.
    ``ending``: the file ends with them."""
    _same_symbol(plan)
    try:
        rows = _typed(plan)
        if not rows.fine and not (rows.figures.get("open", np.empty(0)) > 0).all():
            rows = leave_out(rows, plan.layout, ending=ending)
    except Unlike:
        rows = leave_out(_as_texts(plan), plan.layout, ending=ending)
    if plan.scale.value != 1 or "adjusted close" in rows.figures or plan.sides:
        rows.fine = False  # as they were written, not as they are read
    if plan.scale.value != 1:
        for role in rows.figures.keys() - {"volume"}:
            rows.figures[role] = rows.figures[role] / plan.scale.value
    if "adjusted close" in rows.figures:
        factor = rows.figures.pop("adjusted close") / rows.figures["close"]
        for price in PRICES:
            rows.figures[price] = rows.figures[price] * factor
    if plan.sides and plan.sides.side == "mid":
        for price in PRICES:
            rows.figures[price] = np.round((rows.figures[price] + rows.figures.pop(OTHER[price])) / 2, 10)
    return rows


# ------------------------------------------------------------------------------------------------ typed


def _typed(plan: Plan) -> Rows:
    """The fast way. Raises ``Unlike`` where any cell is not as the sample promised."""
    if not plan.style.plain:
        raise Unlike("figures in a spelling that Arrow does not read")
    if plan.flag is not None or (plan.symbols.several and plan.symbols.taken != ALL_SYMBOLS):
        raise Unlike("rows of other symbols, or unfinished ones")
    figures = plan.figures
    types = dict.fromkeys(figures.values(), pa.float64()) | _time_types(plan)
    types |= {plan.offsets.at: pa.string()} if plan.offsets else {}

    def take(loaded: Columns) -> dict[str, Array]:
        made = _times_of(plan, [loaded[at] for at in plan.roles.times])
        if plan.offsets:
            made = plan.offsets.to_utc(made, loaded[plan.offsets.at])
            if len(made) and made.min() == NO_TIME:
                raise Unlike("times without an offset")
        return {_TIME: made} | {role: _floats(loaded[at]) for role, at in figures.items()}

    looked_at = _Looked(plan.grid.blocks(types, plan.style.decimal, take))
    gathered = gather(looked_at, plan.grid.likely)
    micros = gathered.pop(_TIME)
    count = len(micros)
    return Rows(micros, gathered, lambda: plan.grid.lines(count), fine=looked_at.fine)


class _Looked:
    """The blocks as they come, while a core still holds them: whether all their figures are ``fine``."""

    def __init__(self, blocks: Iterator[dict[str, Array]]) -> None:
        self._blocks, self.fine = blocks, True

    def __iter__(self) -> Iterator[dict[str, Array]]:
        for block in self._blocks:
            self.fine = self.fine and set(PRICES) <= block.keys() and figures_fine(block)
            yield block


def _time_types(plan: Plan) -> dict[int, pa.DataType]:
    timing, at = plan.times, plan.roles.times
    if timing.kind == "epoch":
        return {at[0]: pa.int64() if timing.whole else pa.float64()}
    if timing.kind == "iso":
        return {at[0]: pa.timestamp("us", tz="UTC" if timing.utc else None)}
    return dict.fromkeys(at, pa.string())


def _times_of(plan: Plan, loaded: list[pa.ChunkedArray]) -> Array:
    timing, first = plan.times, loaded[0]
    if timing.kind == "iso":
        counts = first.cast(pa.int64())
        return np.asarray((counts.fill_null(NO_TIME) if first.null_count else counts).to_numpy())
    if timing.kind == "epoch":
        if timing.whole and first.null_count:
            raise Unlike("missing times")
        micros: Array = counted(timing, first.to_numpy(), timing.unit)
        if len(micros) and micros.min() == NO_TIME:
            raise Unlike("counts that are no times")
        return micros
    clock = loaded[1] if timing.kind == "split" else None
    digits = times.clock_digits(timing.pattern) if clock is not None else 0
    if not timing.dates and timing.order.value:
        quick = parse_fixed(first, timing.order.value, clock, digits, timing.utc)
        if quick is not None:
            if len(quick) and not (times.EDGES[0] <= quick.min() and quick.max() < times.EDGES[1]):
                raise Unlike("times that no series of candles has")
            return quick
    parsed = times.parse_texts(
        first, day_first=timing.order.value == "DMY", clock=clock, local=timing.dates, digits=digits
    )
    if parsed.bad.any() or parsed.utc != timing.utc or parsed.order.value != timing.order.value:
        raise Unlike("times that are not like the first ones")
    return parsed.micros


def _floats(column: pa.ChunkedArray) -> Array:
    values: Array = (column.chunk(0) if column.num_chunks == 1 else column).to_numpy(zero_copy_only=False)
    return values


# ------------------------------------------------------------------------------------------------ texts


def _as_texts(plan: Plan) -> Rows:
    """The careful way: every cell as text, faults found with their line and the text as it stands."""
    figures = plan.figures
    beside = (plan.offsets.at,) if plan.offsets else ()
    texts = _of_symbol(plan, (*plan.roles.times, *figures.values(), *beside))
    counts = {"row": texts.left_out} if texts.left_out else {}
    log = _Log(plan, texts, counts, [_unclosed(each) for each in texts.findings])
    micros, wrong = _text_times(plan, texts)
    log.add("time", wrong, plan.roles.times, "{text} is not a time like the others ({pattern})")
    if plan.offsets:
        micros = plan.offsets.to_utc(micros, texts.columns[plan.offsets.at])
        log.add(
            "time", (micros == NO_TIME) & ~wrong, beside, "{text} in the column {label} is no offset from UTC"
        )
    values: dict[str, Array] = {}
    for role, at in figures.items():
        values[role], wrong = numbers.to_floats(texts.columns[at], plan.style)
        log.add("number", wrong, (at,), "{text} in the column {label} is not a number")
    return Rows(micros, values, lambda: texts.lines, log.bad, tuple(log.findings), counts, texts.left_out)


def _of_symbol(plan: Plan, wanted: tuple[int, ...]) -> Texts:
    """The columns as texts, of the rows of one symbol where there are several, and of finished candles."""
    asked: dict[int, tuple[str, ...]] = {} if plan.flag is None else {plan.flag: FINISHED}
    if plan.symbols.at is not None and plan.symbols.several and plan.symbols.taken != ALL_SYMBOLS:
        asked[plan.symbols.at] = (plan.symbols.taken,)
    texts = plan.grid.texts((*wanted, *asked))
    if not asked:
        return texts
    keep = pa.array(np.ones(len(texts.lines), bool))
    for at, values in asked.items():
        keep = pc.and_(keep, pc.is_in(pc.utf8_trim_whitespace(texts.columns[at]), pa.array(values)))
    lines = texts.lines[np.asarray(keep)]
    return Texts({at: texts.columns[at].filter(keep) for at in wanted}, lines, texts.findings, texts.left_out)


def _same_symbol(plan: Plan) -> None:
    """Later parts of a file are of the symbol of its head. Raises ``FileRefused``."""
    if (
        plan.symbols.at is None
        or plan.symbols.several
        or plan.symbols.taken
        or (plan.part and plan.grid is plan.part.grid)
    ):
        return
    other = next((each for each in distinct(plan.grid, plan.symbols.at) if each != plan.symbols.only), "")
    if other:
        raise FileRefused(
            f"{plan.name} holds several symbols: {plan.symbols.only}, and further down {other}.",
            remedy=f"Choose one, or * for all as one series: --pick-symbol {shlex.quote(plan.symbols.only)}.",
            file=plan.name, question="pick_symbol",
        )  # fmt: skip


def _unclosed(found: Finding) -> Finding:
    """A row that went on over the ends of lines: it is the quote that is the fault, not the number of cells."""
    head, end, _ = found.value.partition("\n")
    if not end:
        return found
    text = (
        f"A quote that is opened here is not closed on the line, and takes the next lines with it: {head!r}."
    )
    return replace(found, value=head, message=text)


class _Log:
    """Faulty cells as findings, the first of each kind in full."""

    def __init__(self, plan: Plan, texts: Texts, counts: dict[str, int], findings: list[Finding]) -> None:
        self.plan, self.texts, self.counts, self.findings = plan, texts, counts, findings
        self.bad = np.zeros(len(texts.lines), bool)

    def add(self, rule: str, wrong: Array, at: tuple[int, ...], message: str) -> None:
        rows = np.flatnonzero(wrong)
        if not len(rows):
            return
        self.bad |= wrong
        self.counts[rule] = self.counts.get(rule, 0) + len(rows)
        label = repr(self.plan.layout.names[at[0]])
        for row in rows[:LISTED]:
            cell = " ".join(str(self.texts.columns[each][int(row)].as_py()) for each in at)[:60]
            text = message.format(text=repr(cell), label=label, pattern=self.plan.times.pattern)
            self.findings.append(Finding(rule, int(row), int(self.texts.lines[row]), None, cell, text + "."))


def _text_times(plan: Plan, texts: Texts) -> tuple[Array, Array]:
    timing, at = plan.times, plan.roles.times
    if timing.kind == "epoch":
        counts, wrong = _counts(pc.replace_substring(texts.columns[at[0]], ",", "."))
        unit = timing.unit
        if (
            unit not in times.COUNTS
            and plan.choices.time_format is None
            and isinstance(counts, np.ndarray)
            and not timing.base
        ):
            unit = times.epoch_unit(counts.astype(np.float64))
        micros = counted(timing, counts, unit)
        return micros, wrong | (micros == NO_TIME)
    first = texts.columns[at[0]]
    clock = texts.columns[at[1]] if timing.kind == "split" else None
    digits = times.clock_digits(timing.pattern) if clock is not None else 0
    parsed = times.parse_texts(
        first, day_first=timing.order.value == "DMY", clock=clock, local=timing.dates,
        digits=digits if digits in (FRACTIONS, MILLIS, 2, 6) else 0,  # 4 as far as the sample tells: zeros ahead may be left out
    )  # fmt: skip
    if parsed.utc != timing.utc or parsed.order.value != timing.order.value:
        times_bad = np.ones(len(first), bool)
        return np.full(len(first), NO_TIME), times_bad
    return parsed.micros, parsed.bad


def _counts(texts: pa.Array) -> tuple[Array, Array]:
    """Counts since 1970; as int64 where all are whole, so that nanoseconds stay exact."""
    try:
        return np.asarray(texts.cast(pa.int64()).to_numpy(zero_copy_only=True)), np.zeros(len(texts), bool)
    except (pa.ArrowInvalid, ValueError):
        return numbers.to_floats(texts, _PLAIN)
