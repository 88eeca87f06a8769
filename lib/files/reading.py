"""The stages in a row: :func:`inspect` shows how a file would be read, :func:`read` gives its candles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lib import timeframes
from lib.candles import PRICES, Finding, Report, conform
from lib.errors import CandlesRefused, FileRefused
from lib.files import numbers, ticks, times, zones
from lib.files.fixed import parse_fixed
from lib.files.grid import Texts, Unlike
from lib.files.leftovers import leave_out
from lib.files.model import Choices, FileCandles, Reading
from lib.files.parts import join
from lib.files.plan import TICKS_TO, Plan, counted, make_plan
from lib.files.rows import Rows
from lib.files.sides import OTHER
from lib.timeframes import Timeframe

__all__ = [
    "Rows", "ask", "check_ticks", "closed_only", "finish", "inspect", "localise", "mark", "read", "refused",
    "remedy", "rows_of", "tick_report", "told",
]  # fmt: skip

Array = np.ndarray[Any, Any]
NO_TIME = times.NO_TIME
_LISTED = 200
_PLAIN = numbers.NumberStyle(".", "", True, "")
_REMEDY = "Correct the file, or choose to leave such rows out."


def inspect(name: str, data: bytes | Path, choices: Choices | None = None) -> Reading:
    """How the file would be read: its first lines and every inference. Nothing is stored or checked.

    Costs a look at the first 48 kB, and a scan for its encoding. Raises ``FileRefused`` for what cannot
    be a file of candles at all; what must be asked is in ``Reading.questions``.
    """
    return make_plan(name, data, choices or Choices()).reading


def read(name: str, data: bytes | Path, choices: Choices | None = None) -> FileCandles:
    """The candles of a file, conformed.

    Raises ``FileRefused`` (``fields``: file, line, findings, question) for what cannot be read, and
    ``CandlesRefused`` (with the report) for candles that break the rules; both name the line. A million
    rows take about as long as Arrow's own reader plus ``conform``.
    """
    plan = make_plan(name, data, choices or Choices())
    if plan.more:
        return finish(plan, join(plan, [_settled(each) for each in (plan, *plan.more)]))
    return finish(plan, _settled(plan))


def _settled(plan: Plan) -> Rows:
    ask(plan)
    rows = rows_of(plan)
    return rows if plan.times.utc else localise(rows, plan.zone)


def rows_of(plan: Plan, *, ending: bool = True) -> Rows:
    """Times as they stand and prices of every row of the plan's grid; faults are in ``findings``.
    ``ending``: the file ends with them."""
    try:
        rows = _typed(plan)
        if np.isnan(rows.figures.get("open", np.empty(0))).any():
            rows = leave_out(rows, plan.layout, ending=ending)
    except Unlike:
        rows = leave_out(_as_texts(plan), plan.layout, ending=ending)
    if plan.choices.scale:
        for role in rows.figures.keys() - {"volume"}:
            rows.figures[role] = rows.figures[role] / plan.choices.scale
    if "adjusted close" in rows.figures:
        factor = rows.figures.pop("adjusted close") / rows.figures["close"]
        for price in PRICES:
            rows.figures[price] = rows.figures[price] * factor
    if plan.sides and plan.sides.side == "mid":
        for price in PRICES:
            rows.figures[price] = np.round((rows.figures[price] + rows.figures.pop(OTHER[price])) / 2, 10)
    return rows


def closed_only(table: pd.DataFrame, timeframe: Timeframe, now: pd.Timestamp | None = None) -> pd.DataFrame:
    """The candles whose time is over; the newest in a file may still be forming when it was written.
    Only these go to the store. ``now`` defaults to the clock's."""
    now = pd.Timestamp.now(tz="UTC") if now is None else now
    end = len(table)
    while end and timeframe.after(table.index[end - 1]) > now:
        end -= 1
    return table.iloc[:end]


# ------------------------------------------------------------------------------------------------- ask


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
    if key == "day_first":
        cell = next(
            (row[plan.roles.times[0]] for row in plan.layout.rows if len(row) == plan.layout.width), ""
        )
        day, month = plan.times.order.readings
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
    elif len(plan.roles.undecided.get(role, ())) > 1 and plan.layout.header:
        what = f"several columns could be the {role}"
    return (f"{plan.name}: which column is the {role} cannot be told: {what}.",
            f"Choose one of: {', '.join(options[:12])}.")  # fmt: skip


# ------------------------------------------------------------------------------------------------ typed


def _typed(plan: Plan) -> Rows:
    """The fast way. Raises ``Unlike`` where any cell is not as the sample promised."""
    if not plan.style.plain:
        raise Unlike("figures in a spelling that Arrow does not read")
    figures = plan.figures
    types = dict.fromkeys(figures.values(), pa.float64()) | _time_types(plan)
    loaded = plan.grid.typed(types, plan.style.decimal)
    made = _times_of(plan, [loaded.pop(at) for at in plan.roles.times])
    values = {role: _floats(loaded.pop(at)) for role, at in figures.items()}
    count = len(made)
    pa.default_memory_pool().release_unused()  # conform needs the room
    return Rows(made, values, lambda: plan.grid.lines(count))


def _time_types(plan: Plan) -> dict[int, pa.DataType]:
    timing, at = plan.times, plan.roles.times
    if timing.kind == "epoch":
        return {at[0]: pa.int64() if timing.whole else pa.float64()}
    if timing.kind == "iso":
        return {at[0]: pa.timestamp("us", tz="UTC" if timing.utc else None)}
    if timing.kind == "split":
        return dict.fromkeys(at, pa.dictionary(pa.int32(), pa.string()))
    return {at[0]: pa.string()}


def _times_of(plan: Plan, loaded: list[pa.ChunkedArray]) -> Array:
    timing, first = plan.times, loaded[0]
    if timing.kind == "iso":
        return np.asarray(first.cast(pa.int64()).fill_null(NO_TIME).to_numpy())
    if timing.kind == "epoch":
        if timing.whole and first.null_count:
            raise Unlike("missing times")
        micros: Array = counted(timing, first.to_numpy(), timing.unit)
        if len(micros) and micros.min() == NO_TIME:
            raise Unlike("counts that are no times")
        return micros
    if timing.kind == "text" and (quick := parse_fixed(first, timing.order.value)) is not None:
        return quick
    parsed = times.parse_texts(
        first, day_first=timing.order.value == "DMY", clock=loaded[1] if timing.kind == "split" else None,
        local=timing.dates,
    )  # fmt: skip
    if parsed.bad.any() or parsed.utc != timing.utc or parsed.order.value != timing.order.value:
        raise Unlike("times that are not like the first ones")
    return parsed.micros


def _floats(column: pa.ChunkedArray) -> Array:
    values: Array = column.to_numpy()
    return values


# ------------------------------------------------------------------------------------------------ texts


def _as_texts(plan: Plan) -> Rows:
    """The careful way: every cell as text, faults found with their line and the text as it stands."""
    figures = plan.figures
    texts = plan.grid.texts((*plan.roles.times, *figures.values()))
    counts = {"row": texts.left_out} if texts.left_out else {}
    log = _Log(plan, texts, counts, list(texts.findings))
    micros, wrong = _text_times(plan, texts)
    log.add("time", wrong, plan.roles.times, "{text} is not a time like the others ({pattern})")
    values: dict[str, Array] = {}
    for role, at in figures.items():
        values[role], wrong = numbers.to_floats(texts.columns[at], plan.style)
        log.add("number", wrong, (at,), "{text} in the column {label} is not a number")
    return Rows(micros, values, lambda: texts.lines, log.bad, tuple(log.findings), counts, texts.left_out)


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
        for row in rows[:_LISTED]:
            cell = " ".join(str(self.texts.columns[each][int(row)].as_py()) for each in at)[:60]
            text = message.format(text=repr(cell), label=label, pattern=self.plan.times.pattern)
            self.findings.append(Finding(rule, int(row), int(self.texts.lines[row]), None, cell, text + "."))


def _text_times(plan: Plan, texts: Texts) -> tuple[Array, Array]:
    timing, at = plan.times, plan.roles.times
    if timing.kind == "epoch":
        counts, wrong = _counts(texts.columns[at[0]])
        unit = timing.unit
        if plan.choices.time_format is None and isinstance(counts, np.ndarray) and not timing.base:
            unit = times.epoch_unit(counts.astype(np.float64))
        micros = counted(timing, counts, unit)
        return micros, wrong | (micros == NO_TIME)
    first = texts.columns[at[0]]
    clock = texts.columns[at[1]] if timing.kind == "split" else None
    parsed = times.parse_texts(first, day_first=timing.order.value == "DMY", clock=clock, local=timing.dates)
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


# ---------------------------------------------------------------------------------------------- finish


def localise(rows: Rows, zone: str) -> Rows:
    """Wall clocks to UTC; hours that were never or twice are marked."""
    made = zones.to_utc(rows.micros, zone)
    for rule, mask, why in (
        (
            "repeated hour",
            made.twice,
            "came twice in {zone}, as the clocks went back, and which of the two is meant cannot be told",
        ),
        ("skipped hour", made.never, "never was in {zone}: the clocks went forward over it"),
    ):
        at = np.flatnonzero(mask)
        if not len(at):
            continue
        lines = rows.lines()
        rows.bad = mask if rows.bad is None else rows.bad | mask
        rows.counts = {**(rows.counts or {}), rule: len(at)}
        rows.findings += tuple(
            Finding(rule, int(row), int(lines[row]), None, _wall(rows.micros[row]),
                    f"{_wall(rows.micros[row])} {why.format(zone=zone)}.")
            for row in at[:_LISTED]
        )  # fmt: skip
    if made.resolved:
        rows.note = (
            f"{made.resolved:,} rows lie in hours that came twice in {zone}; their order told the two apart."
        )
    rows.micros = made.micros
    return rows


def _wall(micros: Any) -> str:
    return f"{pd.Timestamp(int(micros), unit='us'):%Y-%m-%d %H:%M:%S}"


def finish(plan: Plan, rows: Rows) -> FileCandles:
    """The candles of rows in UTC, conformed. Raises as :func:`read`."""
    if rows.findings and plan.choices.bad_rows != "drop":
        raise refused(plan, rows)
    notes = [rows.note] if rows.note else []
    volume = rows.figures.get("volume")
    if volume is not None and (none := volume == -1).any() and not (volume[~none] < 0).any():
        rows.figures["volume"] = np.where(none, np.nan, volume)
        notes.append(
            f"{'Every' if none.all() else f'{int(none.sum()):,} times the'} volume is -1, which stands for none."
        )
    if plan.ticks:
        return _built(plan, rows)
    keep = None if rows.bad is None or not rows.bad.any() else ~rows.bad
    kept = len(rows.micros) if keep is None else int(keep.sum())
    if not kept:
        raise (
            refused(plan, rows)
            if rows.findings
            else FileRefused(f"{plan.name} holds no candles.", file=plan.name)
        )
    micros = rows.micros if keep is None else rows.micros[keep]
    frame = plan.choices.timeframe or _infer(plan, micros)
    micros = at_open(plan, micros, frame)
    raw = pd.DataFrame(
        rows.figures if keep is None else {name: values[keep] for name, values in rows.figures.items()},
        copy=False,
    )
    raw.index = pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC")
    table, report = _conform(plan, raw, frame, rows, keep)
    return FileCandles(table, report, frame, told(plan, frame, notes))


def at_open(plan: Plan, micros: Array, frame: Timeframe) -> Array:
    """The opens of candles that are stamped with their end, be it 10:00:00, 9:59:59 or 9:59:59.999."""
    if plan.stamp != "close" or frame.is_calendar:
        return micros
    ends = -(-micros // 10**6) * 10**6
    late = ends % (60 * 10**6) == 59 * 10**6
    return np.asarray(ends + np.where(late, 10**6, 0) - frame.micros)


def told(plan: Plan, frame: Timeframe, notes: list[str]) -> Reading:
    """The reading with what the whole file has told."""
    return replace(
        plan.reading,
        timeframe=frame,
        warnings=(*plan.reading.warnings, *notes),
        inferred=tuple(replace(each, value=str(frame)) if each.key == "timeframe" else each
                       for each in plan.reading.inferred),
    )  # fmt: skip


def mark(rows: Rows, rule: str, mask: Array, cells: Array, message: str) -> None:
    """Note rows that broke a rule; ``message`` may use ``{cell}``."""
    at = np.flatnonzero(mask)
    if not len(at):
        return
    lines = rows.lines()
    rows.bad = mask if rows.bad is None else rows.bad | mask
    rows.counts = {**(rows.counts or {}), rule: len(at)}
    rows.findings += tuple(
        Finding(rule, int(row), int(lines[row]), None, f"{cells[row]:.10g}", message.format(cell=f"{cells[row]:.10g}"))
        for row in at[:_LISTED]
    )  # fmt: skip


def check_ticks(plan: Plan, rows: Rows) -> list[str]:
    """Price and volume of every tick into ``rows.figures``, faulty ones marked; what is to be said of them."""
    assert plan.ticks is not None
    notes = []
    across = ticks.crossed(plan.ticks, rows.figures)
    if across.any():
        shown = ", ".join(str(line) for line in rows.lines()[np.flatnonzero(across)[:3]])
        notes.append(
            f"The bid is above the ask in {int(across.sum()):,} quotes (line {shown}); they were taken as they are."
        )
    raw = rows.figures.get("volume")
    if raw is not None and (raw < 0).any():
        notes.append("Negative sizes are sales; their volume counts like that of purchases.")
    price, size = ticks.priced(plan.ticks, rows.figures)
    timeless = rows.micros == NO_TIME
    mark(rows, "time", timeless if rows.bad is None else timeless & ~rows.bad, price, "The time is missing.")
    known = ~np.isnan(price) if rows.bad is None else ~np.isnan(price) | rows.bad
    if plan.ticks.kind == "quotes" and not known.all() and known.any():
        notes.append(f"{int((~known).sum()):,} quotes lack a side, and were left out.")
        rows.bad = ~known if rows.bad is None else rows.bad | ~known
    else:
        mark(rows, "missing", ~known, price, "The price is missing.")
    with np.errstate(invalid="ignore"):
        mark(rows, "not positive", price <= 0, price, "The price is {cell}; a price is above zero.")
    mark(rows, "infinite", np.isinf(price), price, "The price is infinite.")
    mark(rows, "volume", ~np.isfinite(size), size, "The size is {cell}; it is no number of anything.")
    rows.figures = {"price": price, "volume": size}
    return notes


def _built(plan: Plan, rows: Rows) -> FileCandles:
    """Candles of ticks."""
    notes = ([rows.note] if rows.note else []) + check_ticks(plan, rows)
    if rows.findings and plan.choices.bad_rows != "drop":
        raise refused(plan, rows)
    micros, price, size = rows.micros, rows.figures["price"], rows.figures["volume"]
    if rows.bad is not None and rows.bad.any():
        keep = ~rows.bad
        micros, price, size = micros[keep], price[keep], size[keep]
    if not len(micros):
        raise FileRefused(f"{plan.name} holds no ticks.", file=plan.name)
    frame = plan.choices.timeframe or TICKS_TO
    table = ticks.to_table(ticks.fold(micros, price, size, frame))
    report = tick_report(table, rows.counts, rows.findings, in_order=bool((np.diff(micros) >= 0).all()))
    return FileCandles(table, report, frame, told(plan, frame, notes), ticks=len(micros))


def tick_report(
    table: pd.DataFrame, counts: dict[str, int] | None, findings: tuple[Finding, ...], *, in_order: bool
) -> Report:
    """The report of candles made of ticks: ``rows_in`` counts the candles, and ticks that were left out."""
    first, last = (table.index[0], table.index[-1]) if len(table) else (None, None)
    lost = sum((counts or {}).values())
    return Report(len(table) + lost, len(table), 0, in_order, first, last, counts or {}, findings)


def _conform(
    plan: Plan, raw: pd.DataFrame, frame: Timeframe, rows: Rows, keep: Array | None
) -> tuple[pd.DataFrame, Report]:
    conflicts, bad_rows = plan.choices.conflicts or "refuse", plan.choices.bad_rows or "refuse"
    made = conform(raw, frame, conflicts=conflicts, bad_rows="drop")
    if not made.report.ok:  # once more, with the lines: they are only worth their memory now
        lines = rows.lines()
        raw["line"] = lines if keep is None else lines[keep]
        try:
            made = conform(raw, frame, conflicts=conflicts, bad_rows=bad_rows)
        except CandlesRefused as error:
            first = error.report.findings[0]
            raise CandlesRefused(
                f"{plan.name}: {error.report.sentence()}", report=error.report, remedy=remedy(error.report),
                file=plan.name, line=first.line,
            ) from error  # fmt: skip
    lost = rows.left_out + (len(rows.micros) - len(raw))
    if not lost:
        return made.table, made.report
    counts = {**(rows.counts or {}), **made.report.counts}
    findings = tuple(sorted((*rows.findings, *made.report.findings), key=lambda each: each.line or 0))
    return made.table, replace(
        made.report, rows_in=made.report.rows_in + lost, counts=counts, findings=findings
    )


def remedy(report: Report) -> str:
    """What can be done about the findings."""
    if set(report.counts) == {"conflict"}:
        return "Say which of the rows stands, the first or the last."
    if set(report.counts) <= {"grid", "overlap"}:
        return "Choose another timeframe, or to leave such rows out."
    return _REMEDY


def _infer(plan: Plan, micros: Array) -> Timeframe:
    known = micros
    steps = np.diff(known)
    if not (steps > 0).all():
        known = known[::-1] if (steps < 0).all() else np.unique(known[known != NO_TIME])
    frame = timeframes.infer(pd.DatetimeIndex(known.view("datetime64[us]")))
    if frame is None:
        raise FileRefused(
            f"{plan.name}: its timeframe cannot be told from {len(known)} candle{'s' if len(known) != 1 else ''}.",
            remedy="Say the timeframe, for example 1d.", file=plan.name, question="timeframe",
        )  # fmt: skip
    return frame


def refused(plan: Plan, rows: Rows) -> FileRefused:
    """The refusal that the rows' findings make."""
    found = sorted(rows.findings, key=lambda each: each.line or 0)
    first, more = found[0], sum((rows.counts or {}).values()) - 1
    also = f" {more:,} more like it or of other kinds." if more > 0 else ""
    return FileRefused(
        f"{plan.name}, {first.place}: {first.message}{also}", remedy=_REMEDY,
        file=plan.name, line=first.line, findings=tuple(found),
    )  # fmt: skip
