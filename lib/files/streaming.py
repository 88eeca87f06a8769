"""Files of any size in bounded memory: a checking pass over the whole file, then its candles in order.

The text is read in blocks of whole lines (Parquet in pieces of some rows), each by the same code as a small file;
its rows go to sorted runs in a temporary folder (:mod:`lib.files.runs`), and come back window by window to be
conformed, so that rows of one time meet wherever they stand. Candles are given out only when all of the file has
passed. Needs temporary room on disk of about the size of the text; a packed file is unpacked there first.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.candles import COLUMNS, Conformed, Finding, Report, conform, conform_clean, empty, micros
from lib.errors import FileRefused
from lib.files.documents.jsonlines import JsonLines, starts_lines
from lib.files.documents.tables import TableGrid, head_of, pieces, sheet_of
from lib.files.model import Choices, Reading
from lib.files.packed.unpacking import unpacked
from lib.files.plan import TICKS_TO, Plan, make_plan
from lib.files.reading import ask, at_open, localise, refused, rows_of, told
from lib.files.rows import Rows
from lib.files.runs import Runs, Writer, keep, kept
from lib.files.texts.blocks import blocks, encoding_of, recoded
from lib.files.texts.grid import TextGrid
from lib.files.texts.parallel import one_ahead
from lib.files.texts.pieces import cut_before, joined, lines_of, settled, sliced
from lib.files.texts.text import Text
from lib.files.ticks import ticks
from lib.files.ticks.checks import TickChecks
from lib.files.times import zones
from lib.files.totals import Steps, Total
from lib.timeframes import Timeframe

__all__ = ["Streamed", "stream"]

Array = np.ndarray[Any, Any]
Progress = Callable[[float, str], None]

_BLOCK = 8 * 2**20  # each thread holds several times as much
_WINDOW = 2**18  # rows conformed at a time
_LISTED = 200
_HOUR = 3600 * 10**6
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Streamed:
    """A file that has passed its check: its reading and report, and ``tables()``, its candles in order of
    time, some hundred thousand at once. ``ticks`` as in :class:`~lib.files.model.FileCandles`."""

    reading: Reading
    report: Report
    timeframe: Timeframe
    ticks: int
    rows_read: int
    tables: Callable[[], Iterator[pd.DataFrame]]


@contextmanager
def stream(
    name: str,
    path: Path,
    choices: Choices | None = None,
    *,
    progress: Progress | None = None,
    block: int = _BLOCK,
    window: int = _WINDOW,
) -> Iterator[Streamed]:
    """Read and check a text file of candles or ticks in bounded memory; its candles are there inside the
    ``with``.

    ``progress`` is called with the part that is done and what is being done. Raises as
    :func:`lib.files.read`; of the findings the first 200 are listed, the others counted.
    """
    say = progress or (lambda done, what: None)
    with tempfile.TemporaryDirectory(prefix="candlebook-") as folder, ExitStack() as stack:
        source, containers = unpacked(name, path, Path(folder), say)
        work = _Work(name, source, stack, choices or Choices(), Path(folder), block, window, say)
        work.read()
        made = work.check()
        around = (*containers, *made.reading.containers)
        yield replace(made, reading=replace(made.reading, containers=around)) if containers else made


class _Work:
    """One file on its way."""

    def __init__(
        self, name: str, path: Path, stack: ExitStack, choices: Choices, folder: Path, block: int, window: int, say: Progress
    ) -> None:  # fmt: skip
        self.name, self.stack, self.choices, self.folder = name, stack, choices, folder
        self.text: IO[bytes] = stack.enter_context(path.open("rb"))
        self.block, self.window, self.say = block, window, say
        self.size = path.stat().st_size
        self.parquet = path if self.text.read(4) == b"PAR1" else None
        self.text.seek(0)
        self.json: JsonLines | None = None
        self.plan = self._planned(path)
        self.runs = Runs(folder, stack.enter_context(Writer()))
        self.steps = Steps()
        self.findings: list[Finding] = []
        self.counts: dict[str, int] = {}
        self.notes: dict[str, None] = {}
        self.checks = TickChecks(self.plan) if self.plan.ticks else None
        self.lost = self.ticks = 0
        self.no_volume = "volume" in self.plan.figures and self.plan.ticks is None
        self.held: Rows | None = None

    def _planned(self, path: Path) -> Plan:
        """From the first block; where day and month cannot be told there, from those after it."""
        if self.parquet is not None:
            plan = make_plan(self.name, head_of(self.parquet, self.window, self.name), self.choices)
            ask(plan)
            return settled(plan)
        head = self.text.read(max(self.block, 2**17))
        if len(head) < self.size:
            wide = b"\0" in head[:64]  # two bytes a letter: its lines are not cut at a byte
            head = head[: len(head) // 4 * 4] if wide else head[: head.rfind(b"\n") + 1] or head
        plan = make_plan(self.name, head, self.choices)
        if plan.part and plan.part.wider:
            raise FileRefused(
                f"{self.name} tells its dates apart from its rows, or in parts, and is too large to be opened at once.",
                remedy="Write a whole time to each row, or cut the file into smaller ones.", file=self.name,
            )  # fmt: skip
        json = starts_lines(path)
        if not json and encoding_of(plan) != "utf-8":
            text = recoded(self.name, path, self.folder, plan)
            self.text = self.stack.enter_context(text.open("rb"))
            self.size = text.stat().st_size
            self.choices = replace(self.choices, encoding=None)
            return self._planned(text)
        if "day_first" in {each.key for each in plan.reading.questions}:
            begin = 0 if json else plan.layout.start
            for each in blocks(self.text, begin, 1, self.block, self.name, self.size):
                other = make_plan(self.name, head[:begin] + each.data, self.choices)
                if order := other.times.order.value:
                    plan = make_plan(self.name, head, replace(self.choices, day_first=order == "DMY"))
                    break
        ask(plan)
        self.json = JsonLines(plan, head) if json else None
        return settled(plan)

    # ------------------------------------------------------------------------------------------ reading

    def read(self) -> None:
        """Every row into the runs. Raises ``FileRefused`` where cells cannot be read."""
        for rows, done in self._blocks() if self.parquet is None else self._pieces(self.parquet):
            self._settle(rows)
            self.say(done * 0.7, "reading")
            pa.default_memory_pool().release_unused()  # each thread keeps what it once held
            if sum(self.counts.values()) > 100 * _LISTED and self.choices.bad_rows != "drop":
                break
        if self.held is not None:
            held, self.held = self.held, None
            self._take(localise(held, self.plan.zone))
        if self.findings and (self.choices.bad_rows != "drop" or not self.runs.rows):
            raise refused(self.plan, self._all_findings())
        if self.checks:
            self.notes |= dict.fromkeys(self.checks.notes())
        if not self.runs.rows:
            raise FileRefused(f"{self.name} holds no candles.", file=self.name)

    def _blocks(self) -> Iterator[tuple[Rows, float]]:
        """Rows of the text, block by block, and the part that is done."""
        plan, layout = self.plan, self.plan.layout
        begin, line = (0, 1) if self.json else (layout.start, layout.first_line)
        for block in one_ahead(blocks(self.text, begin, line, self.block, self.name, self.size)):
            part = replace(layout, start=0, first_line=block.line)
            text = Text(block.data, 0, "utf-8", "")
            grid = self.json.grid(block) if self.json else TextGrid(text, part, self.name)
            rows = rows_of(replace(plan, grid=grid, layout=part), ending=block.ends)
            slow = self.json.lines(block, len(rows.micros)) if self.json else rows.lines
            rows.lines = lines_of(rows, block, slow)
            yield rows, block.done

    def _pieces(self, path: Path) -> Iterator[tuple[Rows, float]]:
        """Rows of a Parquet file, some at a time."""
        at = 0
        for table, whole in pieces(path, self.window, self.name):
            grid = TableGrid(sheet_of(table), self.name, at + 1)
            at += len(table)
            yield rows_of(replace(self.plan, grid=grid), ending=at >= whole), at / max(whole, 1)

    def _all_findings(self) -> Rows:
        return Rows(_NONE, {}, lambda: _NONE, findings=tuple(self.findings), counts=self.counts)

    def _settle(self, rows: Rows) -> None:
        """To UTC; the last hours of a block wait for the next one."""
        if self.plan.times.utc or self.plan.zone == "UTC":
            self._take(rows)
            return
        if self.held is not None:
            rows = joined(self.held, rows)
            self.held = None
        cut = cut_before(rows.micros, len(rows.micros))
        while cut and self._twice(rows.micros, cut):
            cut = cut_before(rows.micros, cut)
        if not cut:  # a block of one afternoon: what comes twice in it is told by itself
            cut = len(rows.micros) if len(rows.micros) > 2**22 else 0
        if cut:
            self._take(localise(sliced(rows, slice(None, cut)), self.plan.zone))
        self.held = sliced(rows, slice(cut, None)) if cut < len(rows.micros) else None

    def _twice(self, wall: Array, cut: int) -> bool:
        """Whether an hour that comes twice lies near a cut."""
        first = cut_before(wall, cut)
        hours = np.unique(wall[first : cut + 1] // _HOUR) * _HOUR
        made = zones.to_utc(np.concatenate([hours, hours]), self.plan.zone)
        return bool(made.twice.any() or made.resolved)

    def _take(self, rows: Rows) -> None:
        if self.checks:
            self.checks.add(rows)
        if rows.note:
            self.notes[rows.note] = None
        room = _LISTED - len(self.findings)
        self.findings += rows.findings[: max(room, 0)]
        for rule, count in (rows.counts or {}).items():
            self.counts[rule] = self.counts.get(rule, 0) + count
        keep = slice(None) if rows.bad is None or not rows.bad.any() else ~rows.bad
        times = rows.micros[keep]
        self.lost += rows.left_out + len(rows.micros) - len(times)
        figures = {role: values[keep] for role, values in rows.figures.items()}
        if self.plan.ticks:
            self._take_ticks(times, figures)
            return
        if self.no_volume and len(times):
            self.no_volume = bool((figures["volume"] == -1).all())
        lines = rows.lines()[keep]
        if self.runs.in_order:
            self.steps.add(times)
        self.runs.add({"time": times, **figures, "line": lines})

    def _take_ticks(self, times: Array, figures: dict[str, Array]) -> None:
        self.ticks += len(times)
        if len(times):
            frame = self.choices.timeframe or TICKS_TO
            buckets = ticks.fold(times, figures["price"], figures["volume"], frame)
            columns = {name: buckets[name].to_numpy() for name in buckets}
            self.runs.add({"time": columns.pop("start"), **columns})

    # ------------------------------------------------------------------------------------------ checking

    def check(self) -> Streamed:
        """Conform window by window; candles go to files of their own. Raises ``CandlesRefused``."""
        frame = self._frame()
        windows = self.runs.windows(self.window)
        made: list[Path] = []
        whole = Total(self.choices)
        last: pd.DataFrame | None = None
        for n, (low, high) in enumerate(windows):
            if self.plan.ticks:
                table = self._joined_ticks(list(self.runs.read(low, high)))
                whole.rows_out += len(table)
            else:
                table = self._conformed(low, high, frame, last, whole)
            if len(table):
                last = table.iloc[-1:]
                whole.edge(table)
                made.append(keep(table, self.folder / f"made{n}.arrow", self.runs.writer))
            self.say(0.7 + 0.3 * (n + 1) / len(windows), "checking")
        self.runs.writer.done()
        report = whole.report(
            self.name, self.counts, self.findings, self.lost,
            in_order=self.runs.in_order, ticks=self.plan.ticks is not None,
        )  # fmt: skip
        reading = told(self.plan, frame, self._said())
        rows_read = self.ticks + self.lost if self.plan.ticks else report.rows_in
        return Streamed(reading, report, frame, self.ticks, rows_read, lambda: map(kept, made))

    def _said(self) -> list[str]:
        return [*self.notes, *(["Every volume is -1, which stands for none."] if self.no_volume else [])]

    def _joined_ticks(self, parts: list[dict[str, Array]]) -> pd.DataFrame:
        frames = [pd.DataFrame(each).rename(columns={"time": "start"}) for each in parts]
        if self.runs.newest_first:
            frames.reverse()
        return ticks.to_table(ticks.join(pd.concat(frames, ignore_index=True)))

    def _conformed(
        self, low: int, high: int, frame: Timeframe, last: pd.DataFrame | None, whole: Total
    ) -> pd.DataFrame:
        clean = self._clean(low, high, frame, last)
        if clean is not None:
            whole.add(clean.report, 0)
            return clean.table
        parts = list(self.runs.read(low, high))
        if not parts:
            return empty()
        names = [name for name in (*COLUMNS, "line") if name in parts[0]]
        raw = pd.DataFrame({name: np.concatenate([each[name] for each in parts]) for name in names})
        times = at_open(self.plan, np.concatenate([each["time"] for each in parts]), frame)
        if self.no_volume:
            raw["volume"] = np.nan
        if last is not None:  # the candle before this window, to see that they do not overlap
            raw = pd.concat([last[[name for name in names if name != "line"]].assign(line=0), raw])
            times = np.concatenate([last.index.as_unit("us").asi8, times])
        raw.index = pd.DatetimeIndex(times.view("datetime64[us]")).tz_localize("UTC")
        made = conform(raw, frame, conflicts=self.choices.conflicts or "refuse", bad_rows="drop")
        ahead = 0 if last is None else 1
        whole.add(made.report, ahead)
        return made.table.iloc[ahead:] if ahead and made.table.index[0] == last.index[0] else made.table  # type: ignore[union-attr]

    def _clean(self, low: int, high: int, frame: Timeframe, last: pd.DataFrame | None) -> Conformed | None:
        """The candles of a window in which nothing is to be found, nor between them and the one before."""
        known = self.plan.figures.keys() - ({"volume"} if self.no_volume else set())
        names = [name for name in COLUMNS if name in known]
        parts = list(self.runs.read(low, high, ("time", *names)))
        if not parts or frame.is_calendar:
            return None
        whole = {name: np.concatenate([each[name] for each in parts]) if len(parts) > 1 else values
                 for name, values in parts[0].items()}  # fmt: skip
        times = at_open(self.plan, whole.pop("time"), frame)
        if last is not None:
            apart = int(times[0]) - int(micros(last)[0])
            if apart < frame.micros or apart % frame.micros:
                return None
        return conform_clean(times, whole, frame)

    def _frame(self) -> Timeframe:
        if self.choices.timeframe:
            return self.choices.timeframe
        if self.plan.ticks:
            return TICKS_TO
        steps = self.steps
        if not self.runs.in_order:
            steps = Steps()
            for low, high in self.runs.windows(self.window):
                parts = [each["time"] for each in self.runs.read(low, high, ("time",))]
                times = np.concatenate(parts) if parts else np.empty(0, np.int64)
                times.sort()  # np.unique would hash, at ten times the cost
                steps.add(times)
        frame = steps.frame()
        if frame is None:
            raise FileRefused(
                f"{self.name}: its timeframe cannot be told from {self.runs.rows} candles.",
                remedy="Say the timeframe, for example 1d (--timeframe 1d).", file=self.name, question="timeframe",
            )  # fmt: skip
        return frame
