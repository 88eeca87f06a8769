"""A million candles out of a CSV: against pandas with parsed dates, and against Arrow's bare reader."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.csv as pacsv

from bench import Result
from lib import export
from lib.candles import from_micros
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


def run() -> list[Result]:
    """Time ratios are the best of several rounds in turn, so that a busy machine is fair to all."""
    with tempfile.TemporaryDirectory() as folder:
        files = _written(Path(folder))
        results = []
        for name, path in files.items():
            ours, arrow, pandas = _best(
                lambda path=path: read(path.name, path),
                lambda path=path: pacsv.read_csv(path),
                lambda path=path: pd.read_csv(path, parse_dates=["time"]),
            )
            detail = f"ours {ours:.2f} s, Arrow {arrow:.2f} s, pandas {pandas:.2f} s; checked and conformed"
            results.append(
                Result(
                    f"CSV, {name}: times Arrow's bare reader",
                    ours / arrow,
                    "x",
                    "at most 3",
                    ours / arrow <= 3,
                    detail,
                )
            )
            results.append(
                Result(
                    f"CSV, {name}: faster than pandas with dates",
                    pandas / ours,
                    "x",
                    "at least 3",
                    pandas / ours >= 3,
                    detail,
                )
            )
        results.append(_memory(files["ISO times"]))
        results.append(_out(files["ISO times"]))
        return results


def _written(folder: Path) -> dict[str, Path]:
    random = np.random.default_rng(7)
    close = (1.1 + np.cumsum(random.normal(0, 1e-5, ROWS))).round(5)
    open_ = np.r_[close[0], close[:-1]]
    figures = {
        "open": open_, "high": np.maximum(open_, close) + 5e-5, "low": np.minimum(open_, close) - 5e-5,
        "close": close, "volume": random.integers(0, 9999, ROWS).astype(float),
    }  # fmt: skip
    micros = np.int64(1_577_836_800_000_000) + np.arange(ROWS, dtype=np.int64) * 60_000_000
    table = from_micros(micros, figures).round(5)
    lines = export.to_bytes(table, "csv").decode().splitlines()
    stamps = {
        "ISO times": table.index.strftime("%Y-%m-%d %H:%M:%S"),
        "epoch ms": (micros // 1000).astype(str),
        "day.month.year": table.index.strftime("%d.%m.%Y %H:%M"),
    }
    files = {}
    for name, texts in stamps.items():
        files[name] = folder / f"{name}.csv".replace(" ", "-")
        cut = (f"{text}{line[20:]}" for text, line in zip(texts, lines[1:], strict=True))
        files[name].write_text("\n".join([lines[0], *cut]) + "\n")
    return files


def _best(*calls: Callable[[], object], rounds: int = 4) -> list[float]:
    best = [np.inf] * len(calls)
    for _ in range(rounds):
        for n, call in enumerate(calls):
            start = time.perf_counter()
            call()
            best[n] = min(best[n], time.perf_counter() - start)
    return best


def _memory(path: Path) -> Result:
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(path)], cwd=Path(__file__).resolve().parent.parent,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    times = int(done.stdout) / path.stat().st_size
    return Result(
        "CSV: peak memory over the file's size",
        times,
        "x",
        "at most 3",
        times <= 3,
        "from the path of a plain file",
    )


def _out(path: Path) -> Result:
    table = read(path.name, path).table
    ours, pandas = _best(lambda: export.to_bytes(table, "csv"), lambda: table.to_csv(), rounds=2)
    return Result(
        "CSV out: faster than pandas",
        pandas / ours,
        "x",
        "",
        True,
        f"ours {ours:.2f} s, pandas {pandas:.2f} s",
    )
