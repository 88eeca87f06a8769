"""A large file into the store by ``python -m lib import``: speed and peak memory, against pandas in chunks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from bench import Result

__all__ = ["run", "write_large"]

MEGABYTES = int(os.environ.get("CANDLEBOOK_BENCH_MB", "400"))
_ROOT = Path(__file__).resolve().parent.parent
_BATCH = 10**6
_PEAK = """
def peak():
    text = open("/proc/self/status").read()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024
"""
_OURS = (
    _PEAK
    + """
import sys
from lib.cli import main
try:
    main(["import", sys.argv[1], "--symbol", "BIG", "--store", sys.argv[2], "--json"])
finally:
    print(peak(), file=sys.stderr)
"""
)
_CHECKED = (
    _PEAK
    + """
import sys
from pathlib import Path
from lib.files.streaming import stream
with stream("large.csv", Path(sys.argv[1])) as made:
    print(made.report.rows_out)
print(peak(), file=sys.stderr)
"""
)
_PANDAS = (
    _PEAK
    + """
import sys
import pandas as pd
rows = 0
for part in pd.read_csv(sys.argv[1], parse_dates=["time"], chunksize=500_000):
    part.to_parquet(f"{sys.argv[2]}-{rows}.parquet")
    rows += len(part)
print(rows)
print(peak(), file=sys.stderr)
"""
)


def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        write_large(path, MEGABYTES * 2**20)
        size = path.stat().st_size
        ours, memory = _measured(_OURS, path, Path(folder) / "store")
        checked, bounded = _measured(_CHECKED, path)
        pandas, theirs = _measured(_PANDAS, path, Path(folder) / "out")
        megabytes = size / 2**20
        detail = (
            f"{megabytes:.0f} MB: ours {ours:.1f} s, of which {checked:.1f} s to check the whole file and the rest to "
            f"store it with its coarser candles; pandas {pandas:.1f} s"
        )
        bound = 1500 * 2**20
        return [
            Result("Large CSV: read, checked and stored", megabytes / ours, "MB/s", "", True, detail),
            Result("Large CSV: faster than pandas in chunks", pandas / ours, "x", "", True, "which checks nothing"),
            Result("Large CSV: checked, against pandas in chunks", pandas / checked, "x", "at least 1", pandas >= checked,
                   f"peak memory {bounded / 2**20:.0f} MB"),
            Result("Large CSV: peak memory, whole process", memory / 2**20, "MB", "at most 1,500 for any size", memory <= bound,
                   f"pandas in chunks {theirs / 2**20:.0f} MB"),
        ]  # fmt: skip


def write_large(path: Path, size: int) -> None:
    """A CSV of candles of a second, of about ``size`` bytes."""
    random = np.random.default_rng(1)
    at, close_before = 0, 1.1
    with pa.OSFile(str(path), "wb") as sink:
        sink.write(b"time,open,high,low,close,volume\n")
        while sink.tell() < size:
            close = np.abs(close_before + np.cumsum(random.normal(0, 1e-5, _BATCH))).round(5) + 0.01
            open_ = np.r_[close_before, close[:-1]]
            close_before = float(close[-1])
            seconds = pa.array(1_262_304_000 + np.arange(at, at + _BATCH)).cast(pa.timestamp("s"))
            columns = {
                "time": seconds, "open": open_, "high": np.maximum(open_, close) + 5e-5,
                "low": np.minimum(open_, close) - 5e-5, "close": close,
                "volume": random.integers(0, 9999, _BATCH),
            }  # fmt: skip
            figures = {
                name: values if name in ("time", "volume") else np.round(values, 5)
                for name, values in columns.items()
            }
            options = pacsv.WriteOptions(include_header=False, quoting_style="none")
            pacsv.write_csv(pa.table(figures), sink, options)
            at += _BATCH


def _measured(program: str, *arguments: Path) -> tuple[float, int]:
    """Seconds and peak memory of a program in a process of its own."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], cwd=_ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return time.perf_counter() - begun, int(done.stderr.split()[-1])
