"""A file that was read and checked, and the room where its candles wait until they are stored."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.candles import COLUMNS, Report, from_micros, micros
from lib.errors import InputError
from lib.files import Choices, Reading, closed_only, read
from lib.files.packed.unpacking import is_large
from lib.files.streaming import stream
from lib.timeframes import Timeframe, of_steps

__all__ = ["Checked", "Progress", "Room"]

Progress = Callable[[float, str], None]
_PIECE = 2**18
_DAY = 86400


@dataclass(frozen=True, eq=False)
class Checked:
    """A file that may be stored: ``tables()`` are its candles in order, in one piece or in many, at most
    some hundred thousand in memory at once. ``ticks``: of how many quotes or trades they were made."""

    name: str
    reading: Reading
    report: Report
    timeframe: Timeframe
    rows_read: int
    ticks: int
    tables: Callable[[], Iterator[pd.DataFrame]]
    _ends: ExitStack = field(repr=False)

    @property
    def zone_assumed(self) -> bool:
        """Whether UTC was taken for times that tell no zone, of which none was chosen."""
        return any(each.key == "zone" and "assumed" in each.why for each in self.reading.inferred)

    @property
    def has_closed(self) -> bool:
        """Whether any candle is over: the first one is, where any is."""
        first = self.report.first
        return first is not None and self.timeframe.after(first) <= pd.Timestamp.now(tz="UTC")

    def closed(self) -> Iterator[tuple[pd.DataFrame, int]]:
        """The candles that are over, and how many in each piece are not."""
        for table in self.tables():
            over = closed_only(table, self.timeframe)
            yield over, len(table) - len(over)

    def newest(self, count: int) -> pd.DataFrame:
        """The last ``count`` candles."""
        kept: list[pd.DataFrame] = []
        for table in self.tables():
            kept = [each for each in [*kept[-1:], table.iloc[-count:]] if len(each)]
        return pd.concat(kept).iloc[-count:] if len(kept) > 1 else kept[0]

    def close(self) -> None:
        """Its candles are no longer needed."""
        self._ends.close()


class Room:
    """A temporary folder for the candles of checked files; without ``spill`` those of files that are not
    large stay in memory. Ends with the ``with``, or when nobody holds it."""

    def __init__(self, *, spill: bool) -> None:
        self._spill = spill
        self.path = Path(tempfile.mkdtemp(prefix="candlebook-"))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
        self._count = 0

    def __enter__(self) -> Room:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Everything in it is gone."""
        self._end()

    def check(
        self, name: str, data: bytes | Path, choices: Choices, *, progress: Progress | None = None
    ) -> Checked:
        """Read a file whole, a large one in parts. Raises as :func:`lib.files.read`; ``InputError`` where
        the room is full."""
        ends = ExitStack()
        if isinstance(data, Path) and is_large(data):
            large = ends.enter_context(stream(name, data, choices, progress=progress))
            return _doubted(
                Checked(name, large.reading, large.report, large.timeframe, large.rows_read, large.ticks, large.tables, ends),
                choices.timeframe,
            )  # fmt: skip
        made = read(name, data, choices)
        table = made.table
        tables = self._spilled(table, ends) if self._spill else lambda: iter([table])
        return _doubted(
            Checked(
                name, made.reading, made.report, made.timeframe, made.rows_read, made.ticks, tables, ends
            ),
            choices.timeframe,
        )

    def _spilled(self, table: pd.DataFrame, ends: ExitStack) -> Callable[[], Iterator[pd.DataFrame]]:
        self._count += 1
        path = self.path / f"{self._count}.arrow"
        ends.callback(path.unlink, missing_ok=True)
        columns = {"time": micros(table), **{name: table[name].to_numpy() for name in COLUMNS}}
        try:
            _write(path, pa.table(columns))
        except OSError as error:
            ends.close()
            raise InputError(
                f"The candles could not be kept until they are stored: {error.strerror or error}.",
                remedy="Make room in the folder for temporary files (TMPDIR).",
            ) from error
        return lambda: _pieces(path)


def _doubted(made: Checked, chosen: Timeframe | None) -> Checked:
    """The same, with a warning where candles a day or more apart are to be shorter than their steps tell.

    Hours of a thin market may be hours apart, so only whole days between any two are taken as a mistake. The
    candles are read until two are closer than that."""
    if chosen is None or made.ticks:
        return made
    told = _steps_of_days(made.tables())
    if told is None or told == chosen or not chosen.divides(told):
        return made
    warning = (
        f"No two candles are closer than a day, and their times are those of candles of {told.words} ({told}). They are taken as "
        f"candles of {chosen.words} ({chosen}), as that was chosen."
    )  # fmt: skip
    return replace(made, reading=replace(made.reading, warnings=(*made.reading.warnings, warning)))


def _steps_of_days(tables: Iterator[pd.DataFrame]) -> Timeframe | None:
    """What the steps tell, where each is a day or more: an hour less where a market's clocks change."""
    times = np.empty(0, np.int64)
    for table in tables:
        more = np.concatenate([times[-1:], micros(table)])
        if (np.diff(more) < (_DAY - 3600) * 1_000_000).any():
            return None
        times = np.concatenate([times[:-1], more])
    return of_steps(np.diff(times))


def _write(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=_PIECE)


def _pieces(path: Path) -> Iterator[pd.DataFrame]:
    with pa.OSFile(str(path), "rb") as source:
        reader = pa.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            columns = {name: batch.column(name).to_numpy() for name in COLUMNS}
            yield from_micros(batch.column("time").to_numpy(), columns)
