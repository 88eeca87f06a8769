"""Whether memory stays flat: ``python -m bench.soak_live [MINUTES]``. Watches four demo feeds of one-second
candles, stored in a temporary folder, reads them as eight sessions would, and prints the memory held each
ten seconds. Ends with 1 when the second half holds over 5% more than the first. Not part of ``make bench``.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from lib.live import hub
from lib.store import open_store


def resident() -> float:
    """Memory of this process that is in RAM, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main(minutes: float) -> int:
    """Watch for that long; the exit code."""
    seen: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            for symbol in ("DEMO-BTC", "DEMO-ETH", "DEMO-EUR", "DEMO-INDEX"):
                watch = hub.watch("demo", symbol, "1s", store)
                for _ in range(2):
                    len(watch.snapshot().table)
            time.sleep(0.5)
            if len(seen) < (60 * minutes - (end - time.monotonic())) / 10:
                seen.append(resident())
                print(f"{len(seen) * 10:6d} s {seen[-1]:8.1f} MB", flush=True)
        hub.stop_all()
    warm = seen[len(seen) // 5 :]
    half = len(warm) // 2
    first, second = sum(warm[:half]) / max(1, half), sum(warm[half:]) / max(1, len(warm) - half)
    print(f"first half {first:.1f} MB, second half {second:.1f} MB")
    return int(second > 1.05 * first)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))
