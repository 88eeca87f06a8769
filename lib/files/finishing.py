"""From rows to candles: wall clocks to UTC, ticks built, the rules checked, and refusals worded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from lib import timeframes
from lib.candles import PRICES, Finding, Report, conform, conform_clean
from lib.errors import CandlesRefused, FileRefused
from lib.files.model import FileCandles, Inference, Reading
from lib.files.planned import TICKS_TO, Plan
from lib.files.rows import Rows
from lib.files.ticks import ticks
from lib.files.ticks.checks import TickChecks
from lib.files.times import times, zones
from lib.files.times.offgrid import coarser, floored, off_the_grid, regular
from lib.timeframes import Timeframe

__all__ = ["at_open", "finish", "localise", "refused", "remedy", "told"]

Array = np.ndarray[Any, Any]
NO_TIME = times.NO_TIME
_PAIRED = 5  # rows of one time whose figures are shown
_REMEDY = "Correct the file, or choose to leave such rows out (--bad-rows drop)."


def localise(rows: Rows, zone: str) -> Rows:
    """Wall clocks to UTC; hours that were never or twice are marked."""
    micros = rows.micros
    made = zones.to_utc(micros, zone)
    for rule, mask, why in (
        (
            "repeated hour",
            made.twice,
            "came twice in {zone}, as the clocks went back, and which of the two is meant cannot be told",
        ),
        ("skipped hour", made.never, "never was in {zone}: the clocks went forward over it"),
    ):

        def tell(row: int, why: str = why) -> tuple[str, str]:
            wall = _wall(micros[row])
            return wall, f"{wall} {why.format(zone=zone)}."

        rows.mark(rule, mask, tell)
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
        raise refused(plan, _all_faults(plan, rows))
    notes = [rows.note] if rows.note else []
    volume = rows.figures.get("volume")
    below = volume is not None and not volume.min(initial=0) >= 0  # or NaN
    if volume is not None and below and (none := volume == -1).any() and not (volume[~none] < 0).any():
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
    if (run := coarser(micros, frame)) is not None and run[1] < len(micros):
        line = int((rows.lines() if keep is None else rows.lines()[keep])[run[0]])
        notes.append(
            f"From line {line} on, {run[1]:,} rows in turn stand whole days or hours apart, and the others {frame.words}: "
            "the file may hold candles of two timeframes. All were taken as one series."
        )
    micros = at_open(plan, micros, frame)
    if keep is None and not rows.left_out and plan.choices.off_grid is None:
        clean = conform_clean(micros, rows.figures, frame, fine=rows.fine)
        if clean is not None:
            return FileCandles(clean.table, clean.report, frame, told(plan, frame, notes))
    raw = pd.DataFrame(
        rows.figures if keep is None else {name: values[keep] for name, values in rows.figures.items()},
        copy=False,
    )
    raw.index = pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC")
    raw, floors = _on_grid(plan, raw, micros, frame, rows, keep)
    table, report = _conform(plan, raw, frame, rows, keep)
    reading = told(plan, frame, [*notes, *floors])
    if floors and plan.choices.off_grid is None:
        off_grid = Inference(
            "off_grid", "Candles off the grid", "floor", ("refuse", "floor"),
            "few, each alone in its bucket, and all by the same time",
        )  # fmt: skip
        inferred = tuple(off_grid if each.key == "off_grid" else each for each in reading.inferred)
        reading = replace(reading, inferred=inferred)
    return FileCandles(table, report, frame, reading)


def at_open(plan: Plan, micros: Array, frame: Timeframe) -> Array:
    """The opens of candles that are stamped with their end, be it 10:00:00, 9:59:59 or 9:59:59.999; and, where
    that was chosen, of those that belong to the bucket that holds their time."""
    if plan.stamp == "close" and not frame.is_calendar:
        ends = -(-micros // 10**6) * 10**6
        late = ends % (60 * 10**6) == 59 * 10**6
        micros = np.asarray(ends + np.where(late, 10**6, 0) - frame.micros)
    return floored(micros, frame) if plan.choices.off_grid == "floor" else micros


def _on_grid(
    plan: Plan, raw: pd.DataFrame, micros: Array, frame: Timeframe, rows: Rows, keep: Array | None
) -> tuple[pd.DataFrame, list[str]]:
    """The rows with those off the grid in their buckets, where that was chosen or can be inferred; and a note."""
    if plan.choices.off_grid == "floor":  # done in :func:`at_open`, and to be said
        stamps = rows.micros if keep is None else rows.micros[keep]
        off = (stamps != micros) if plan.stamp == "open" else np.zeros(len(micros), bool)
    elif plan.choices.off_grid or not off_the_grid(micros, frame).any() or not regular(micros, frame):
        return raw, []
    else:
        off = off_the_grid(micros, frame)
        raw.index = pd.DatetimeIndex(floored(micros, frame).view("datetime64[us]")).tz_localize("UTC")
    if not off.any():
        return raw, []
    lines = rows.lines() if keep is None else rows.lines()[keep]
    shown = ", ".join(str(line) for line in lines[np.flatnonzero(off)[:3]])
    return raw, [
        f"{int(off.sum()):,} of {len(micros):,} candles are not where one of {frame.words} opens (line {shown} ...): "
        "each was taken as the candle of the bucket that holds its time."
    ]


def _all_faults(plan: Plan, rows: Rows) -> Rows:
    """The faulty cells, and the rows beside them that break a rule."""
    keep = np.ones(len(rows.micros), bool) if rows.bad is None else ~rows.bad
    if plan.ticks or not keep.any():
        return rows
    micros = rows.micros[keep]
    try:
        frame = plan.choices.timeframe or _infer(plan, micros)
    except FileRefused:
        return rows
    raw = pd.DataFrame({name: values[keep] for name, values in rows.figures.items()})
    raw["line"] = rows.lines()[keep]
    raw.index = pd.DatetimeIndex(at_open(plan, micros, frame).view("datetime64[us]")).tz_localize("UTC")
    report = conform(raw, frame, conflicts=plan.choices.conflicts or "refuse", bad_rows="drop").report
    counts = dict(rows.counts or {})
    for rule, count in report.counts.items():
        counts[rule] = counts.get(rule, 0) + count
    return replace(
        rows, findings=(*rows.findings, *_in_parts(_paired(report, raw), rows, keep).findings), counts=counts
    )


def _paired(report: Report, raw: pd.DataFrame) -> Report:
    """The report whose conflicts show both rows: their lines, and the figures that differ."""
    rows: dict[pd.Timestamp | None, list[Finding]] = {}
    for each in report.findings:
        if each.rule == "conflict":
            rows.setdefault(each.time, []).append(each)
    said: dict[Finding, Finding] = {}
    for time, these in rows.items():
        if len(these) < 2 or time is None:
            continue
        lines = raw.iloc[[each.row for each in these[:_PAIRED]]]
        unlike = [
            name for name in (*PRICES, "volume") if name in raw and lines[name].nunique(dropna=False) > 1
        ]
        figures = "; ".join(
            f"{name} " + ", ".join(f"{value:.10g} on line {line}" for value, line in zip(lines[name], lines["line"], strict=True))
            for name in unlike
        )  # fmt: skip
        more = f"; and {len(these) - _PAIRED:,} more lines" if len(these) > _PAIRED else ""
        text = f"There are other figures for {time:%Y-%m-%d %H:%M:%S} on {len(these)} lines: {figures}{more}."
        said |= {each: replace(each, message=text) for each in these}
    return replace(report, findings=tuple(said.get(each, each) for each in report.findings))


def told(plan: Plan, frame: Timeframe, notes: list[str]) -> Reading:
    """The reading with what the whole file has told."""
    return replace(
        plan.reading,
        timeframe=frame,
        warnings=(*plan.reading.warnings, *notes),
        inferred=tuple(replace(each, value=str(frame)) if each.key == "timeframe" else each
                       for each in plan.reading.inferred),
    )  # fmt: skip


def _built(plan: Plan, rows: Rows) -> FileCandles:
    """Candles of ticks. Their report's ``rows_in`` counts the candles, and ticks that were left out."""
    checks = TickChecks(plan)
    checks.add(rows)
    if rows.findings and plan.choices.bad_rows != "drop":
        raise refused(plan, rows)
    notes = ([rows.note] if rows.note else []) + checks.notes()
    micros, price, size = rows.micros, rows.figures["price"], rows.figures["volume"]
    if rows.bad is not None and rows.bad.any():
        keep = ~rows.bad
        micros, price, size = micros[keep], price[keep], size[keep]
    if not len(micros):
        raise FileRefused(f"{plan.name} holds no ticks.", file=plan.name)
    frame = plan.choices.timeframe or TICKS_TO
    table = ticks.to_table(ticks.fold(micros, price, size, frame))
    rows_in = len(table) + rows.left_out + len(rows.micros) - len(micros)
    report = Report(
        rows_in, len(table), 0, bool((np.diff(micros) >= 0).all()), table.index[0], table.index[-1],
        rows.counts or {}, rows.findings,
    )  # fmt: skip
    return FileCandles(table, report, frame, told(plan, frame, notes), ticks=len(micros))


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
            report = _in_parts(_paired(error.report, raw), rows, keep)
            raise CandlesRefused(
                f"{_title(plan)}: {report.sentence()}", report=report, remedy=remedy(report), file=plan.name,
                line=report.findings[0].line,
            ) from error  # fmt: skip
    lost = rows.left_out + (len(rows.micros) - len(raw))
    if not lost:
        return made.table, made.report
    counts = {**(rows.counts or {}), **made.report.counts}
    findings = tuple(sorted((*rows.findings, *made.report.findings), key=lambda each: each.line or 0))
    return made.table, replace(
        made.report, rows_in=made.report.rows_in + lost, counts=counts, findings=findings
    )


def _title(plan: Plan) -> str:
    """What the whole is called: the file, or the one table in it."""
    return plan.reading.name if plan.more else plan.name


def _in_parts(report: Report, rows: Rows, keep: Array | None) -> Report:
    """The report whose findings name the part of the file that they are in."""
    if not rows.parts:
        return report
    places = np.arange(len(rows.micros)) if keep is None else np.flatnonzero(keep)
    findings = tuple(
        replace(each, message=f"in {rows.part_of(int(places[each.row]))}: {each.message}")
        for each in report.findings
    )
    return replace(report, findings=findings)


def remedy(report: Report) -> str:
    """What can be done about the findings."""
    if set(report.counts) == {"conflict"}:
        return "Say which of the rows stands, the first or the last (--conflicts first or last)."
    if set(report.counts) <= {"grid", "overlap"}:
        return (
            "Choose another timeframe, to take each as the candle of the bucket that holds its time (--off-grid "
            "floor), or to leave such rows out (--bad-rows drop)."
        )
    return _REMEDY


def _infer(plan: Plan, micros: Array) -> Timeframe:
    known, steps = micros, np.diff(micros)
    if len(steps) and steps.min() <= 0:
        known = known[::-1] if steps.max() < 0 else np.unique(known[known != NO_TIME])
        steps = np.diff(known)
    frame = timeframes.of_steps(steps)
    if frame is None:
        raise FileRefused(
            f"{plan.name}: its timeframe cannot be told from {len(known)} candle{'s' if len(known) != 1 else ''}.",
            remedy="Say the timeframe, for example 1d (--timeframe 1d).", file=plan.name, question="timeframe",
        )  # fmt: skip
    return frame


def refused(plan: Plan, rows: Rows) -> FileRefused:
    """The refusal that the rows' findings make."""
    found = sorted(rows.findings, key=lambda each: each.line or 0)
    first, more = found[0], sum((rows.counts or {}).values()) - 1
    also = f" {more:,} more like it or of other kinds." if more > 0 else ""
    return FileRefused(
        f"{_title(plan)}, {first.place}: {first.message}{also}", remedy=_REMEDY,
        file=plan.name, line=first.line, findings=tuple(found),
    )  # fmt: skip
