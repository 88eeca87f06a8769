"""What live sessions cost the server, on the app's own Live page: one, then twenty of them, with the
demo feed. No browser is in the way: each session speaks Streamlit's protocol."""

from __future__ import annotations

import os
import statistics
import time
from contextlib import ExitStack

from bench import Result
from bench.session import Session
from tests.browser.harness import AppServer, wait_until

__all__ = ["run"]

SECONDS = float(os.environ.get("CANDLEBOOK_BENCH_SECONDS", "30"))
PERIOD = 0.5
SESSIONS = 20
QUERY = "source=demo&symbol=DEMO-BTC&tf=1m&ind=ema(10);ema(21)"


def run() -> list[Result]:
    with AppServer("streamlit_app.py") as app:
        one, one_rate, size = _measure(app, 1)
        many, many_rate, _ = _measure(app, SESSIONS)
    wanted = 1 / PERIOD
    return [
        Result("one live session", round(one, 2), "% of a core", "at most 3", one <= 3.0, "with two averages; the feed included"),
        Result("updates of one session", round(one_rate, 2), "a second", f"{wanted:g}", one_rate >= 0.95 * wanted),
        Result(
            f"slowest of {SESSIONS} sessions", round(many_rate, 2), "updates a second", f"{wanted:g}",
            many_rate >= 0.95 * wanted, f"all of them cost {many:.0f}% of a core",
        ),
        Result("one update of the whole page", round(size), "bytes", "at most 4,000", size <= 4_000, "median, everything the server sends"),
    ]  # fmt: skip


def _measure(app: AppServer, sessions: int) -> tuple[float, float, float]:
    """Processor time in percent of a core, the slowest session's updates a second, bytes an update."""
    with ExitStack() as open_:
        readers = [open_.enter_context(Session(app.url, "Live", QUERY)) for _ in range(sessions)]
        wait_until(
            lambda: all(len(each.runs) >= 6 for each in readers), timeout=90, what="every session runs"
        )
        before = [len(each.runs) for each in readers]
        used, start = app.cpu_seconds(), time.monotonic()
        time.sleep(SECONDS)
        used, took = app.cpu_seconds() - used, time.monotonic() - start
        counts = [len(each.runs) - count for each, count in zip(readers, before, strict=True)]
        problems = [each.problem for each in readers if each.problem]
        assert not problems, problems[0]
        sizes = [size for each, count in zip(readers, before, strict=True) for size in each.sizes[count:]]
    return used / took * 100, min(counts) / took, statistics.median(sizes)
