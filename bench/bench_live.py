"""What live readers cost: 20 sessions that read one demo feed of 20,000 candles twice a second."""

from __future__ import annotations

import threading
import time

from bench import Result
from lib.live.demo import DemoFeed
from lib.live.feeds import Seed
from lib.live.watch import Watch
from lib.series import Series
from lib.timeframes import Timeframe

READERS = 20
SECONDS = 10.0


class Large(DemoFeed):
    """The demo feed with as much history as a watch keeps."""

    def seed(self, symbol: str, timeframe: Timeframe, count: int) -> Seed:
        return super().seed(symbol, timeframe, 20_000)


def read(watch: Watch, stop: threading.Event, reads: list[int]) -> None:
    """As a page does: look twice a second, take the table when there is a new version."""
    seen = -1
    while not stop.wait(0.5):
        snap = watch.snapshot()
        if snap.version != seen:
            seen = snap.version
            assert len(snap.table) >= 19_999
        reads.append(snap.version)


def percent_of_a_core(watch: Watch, readers: int) -> tuple[float, int]:
    """Processor time of this process in % of the time that passed, and how many reads were made."""
    stop, reads = threading.Event(), list[int]()
    threads = [threading.Thread(target=read, args=(watch, stop, reads)) for _ in range(readers)]
    began, spent = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
        time.sleep(0.5 / max(1, readers))  # sessions do not read at one moment
    time.sleep(SECONDS)
    stop.set()
    for thread in threads:
        thread.join()
    watch.snapshot()
    return 100 * (time.process_time() - spent) / (time.perf_counter() - began), len(reads)


def run() -> list[Result]:
    watch = Watch(Large(), Series.of("demo", "DEMO-BTC", "1m"))
    watch.start()
    while watch.snapshot().last_message_at is None:
        time.sleep(0.05)
    alone, _ = percent_of_a_core(watch, 0)
    together, reads = percent_of_a_core(watch, READERS)
    watch.stop()
    each = max(0.0, together - alone) / READERS
    rate = reads / READERS / SECONDS
    return [
        Result(
            "live feed, nobody reading", alone, "% of a core", "at most 2", alone <= 2, "4 ticks a second"
        ),
        Result(
            "live feed, each of 20 readers",
            each,
            "% of a core",
            "at most 0.15",
            each <= 0.15,
            "20,000 candles",
        ),
        Result("live feed, reads a second", rate, "Hz", "at least 1.9", rate >= 1.9, "each of 20 readers"),
    ]
