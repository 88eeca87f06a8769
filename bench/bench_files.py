"""A million candles out of a CSV, in the common spellings of times: against pandas with parsed dates, and
against Arrow's bare reader."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from bench import Result
from lib import export
from lib.candles import COLUMNS
from lib.files import read

__all__ = ["run"]

ROWS = 1_000_000
_MEMORY = """
import sys
from pathlib import Path
from lib.files import read
import pyarrow.csv
def peak():  # of this program alone; what getrusage gives may be the parent's
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024
read("warm.csv", b"time,open,high,low,close\\n2024-01-01,1,2,1,2\\n2024-01-02,1,2,1,2\\n")
before = peak()
table = read("x.csv", Path(sys.argv[1])).table
print(peak() - before)
"""


@dataclass(frozen=True, slots=True)
class Form:
    """How times are written: their texts of an index, the delimiter, and how pandas reads them right."""

    texts: Callable[[pd.DatetimeIndex], Any]
    pandas: Callable[[Path], pd.DataFrame]
    head: str = "time"
    delimiter: str = ","
    held: bool = True  # to the bar against pandas


def _joined(path: Path, first: str, second: str, form: str, sep: str = ",") -> pd.DataFrame:
    frame = pd.read_csv(path, sep=sep)
    return frame.assign(time=pd.to_datetime(frame[first] + " " + frame[second], format=form))


def _of_counts(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path)
    return frame.assign(time=pd.to_datetime(frame["time"], unit="ms"))


FORMS = {
    "ISO times": Form(
        lambda index: index.strftime("%Y-%m-%d %H:%M:%S"), lambda path: pd.read_csv(path, parse_dates=["time"])
    ),
    "ISO with T and Z": Form(
        lambda index: index.strftime("%Y-%m-%dT%H:%M:%SZ"), lambda path: pd.read_csv(path, parse_dates=["time"])
    ),
    # pandas.read_csv leaves counts as texts, whatever parse_dates says: it is given its way around that, and reads
    # what has no dates on several threads then, as fast as Arrow
    "epoch ms": Form(lambda index: (index.as_unit("ms").asi8).astype(str), _of_counts, held=False),
    "day.month.year": Form(
        lambda index: index.strftime("%d.%m.%Y %H:%M:%S"),
        lambda path: pd.read_csv(path, parse_dates=["time"], date_format="%d.%m.%Y %H:%M:%S"),
    ),
    "date;time": Form(
        lambda index: index.strftime("%Y-%m-%d;%H:%M:%S"),
        lambda path: _joined(path, "date", "time", "%Y-%m-%d %H:%M:%S", ";"), "date;time", ";",
    ),
    "dots, date,time": Form(
        lambda index: index.strftime("%Y.%m.%d,%H:%M"),
        lambda path: _joined(path, "<DATE>", "<TIME>", "%Y.%m.%d %H:%M"), "<DATE>,<TIME>",
    ),
}  # fmt: skip


def run() -> list[Result]:
    """Times are ratios of the best of several rounds in turn, so that a busy machine is fair to all; the
    medians stand beside them."""
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for name, form in FORMS.items():
            path = _written(Path(folder), form, ROWS)
            results += _against(name, form, path)
            if name == "ISO times":
                results += [_memory(path, "1 million rows"), _out(path)]
            path.unlink()
        results.append(_memory(_written(Path(folder), FORMS["ISO times"], 5 * ROWS), "5 million rows"))
        return results


def _against(name: str, form: Form, path: Path) -> list[Result]:
    delimited = pacsv.ParseOptions(delimiter=form.delimiter)
    best, middle, cores = _timed(
        lambda: read(path.name, path),
        lambda: pacsv.read_csv(path, parse_options=delimited),
        lambda: form.pandas(path),
    )
    ours, arrow, pandas = best
    detail = (
        f"ours {ours:.3f} s, Arrow {arrow:.3f} s, pandas {pandas:.3f} s; of the medians {middle[0] / middle[1]:.2f} "
        f"and {middle[2] / middle[0]:.2f}; of all cores together {cores[0]:.3f}, {cores[1]:.3f} and {cores[2]:.3f} s. "
        f"Arrow alone is {pandas / arrow:.1f} times as fast as pandas; ours is checked and conformed besides"
    )
    bar = "at least 3" if form.held else ""
    return [
        Result(f"CSV, {name}: times Arrow's bare reader", ours / arrow, "x", "at most 3", ours / arrow <= 3, detail),
        Result(f"CSV, {name}: faster than pandas with dates", pandas / ours, "x", bar, not bar or pandas / ours >= 3,
               "" if bar else "no dates to parse: pandas.read_csv on threads is as fast as Arrow, and to_datetime follows"),
    ]  # fmt: skip


def _written(folder: Path, form: Form, rows: int) -> Path:
    random = np.random.default_rng(7)
    close = (1.1 + np.cumsum(random.normal(0, 1e-5, rows))).round(5)
    open_ = np.r_[close[0], close[:-1]]
    figures = [
        open_, (np.maximum(open_, close) + 5e-5).round(5), (np.minimum(open_, close) - 5e-5).round(5), close,
        random.integers(0, 9999, rows),
    ]  # fmt: skip
    micros = np.int64(1_577_836_800_000_000) + np.arange(rows, dtype=np.int64) * 60_000_000
    texts = form.texts(pd.DatetimeIndex(micros.view("datetime64[us]")))
    table = pa.table([pa.array(texts, pa.string()), *figures], names=["c", "o", "h", "l", "x", "v"])
    path = folder / "x.csv"
    with path.open("wb") as sink:
        sink.write(form.delimiter.join([form.head, *COLUMNS]).encode() + b"\n")
        options = pacsv.WriteOptions(include_header=False, quoting_style="none", delimiter=form.delimiter)
        # a cell may hold the delimiter: the two cells of a date and its clock
        for batch in table.to_batches(max_chunksize=2**16):
            if form.delimiter in str(batch.column(0)[0]):
                first = pc.split_pattern(batch.column(0), form.delimiter)
                parts = [pc.list_element(first, at) for at in (0, 1)]
                batch = pa.record_batch([*parts, *batch.columns[1:]], names=list("abcdefg"))
            pacsv.write_csv(batch, sink, options)
    return path


def _timed(*calls: Callable[[], object], rounds: int = 7) -> tuple[list[float], list[float], list[float]]:
    """The best and the median seconds of each, and the least seconds of processors."""
    taken: list[list[tuple[float, float]]] = [[] for _ in calls]
    for _ in range(rounds):
        for times, call in zip(taken, calls, strict=True):
            start, busy = time.perf_counter(), time.process_time()
            call()
            times.append((time.perf_counter() - start, time.process_time() - busy))
    walls, cores = ([[each[n] for each in times] for times in taken] for n in (0, 1))
    return (
        [min(each) for each in walls],
        [float(np.median(each)) for each in walls],
        [min(each) for each in cores],
    )


def _memory(path: Path, what: str) -> Result:
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(path)], cwd=Path(__file__).resolve().parent.parent,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    times = int(done.stdout) / path.stat().st_size
    return Result(
        f"CSV, {what}: peak memory over the file's size",
        times,
        "x",
        "at most 3",
        times <= 3,
        "from the path of a plain file",
    )


def _out(path: Path) -> Result:
    table = read(path.name, path).table
    ours, pandas = _timed(lambda: export.to_bytes(table, "csv"), lambda: table.to_csv(), rounds=2)[0]
    return Result(
        "CSV out: faster than pandas",
        pandas / ours,
        "x",
        "",
        True,
        f"ours {ours:.2f} s, pandas {pandas:.2f} s",
    )
