"""Whether a killed download loses or repeats anything: ``python -m bench.soak_kill [TIMES]``. Fetches 100 pages from an
exchange of this machine in a process of its own, kills it with SIGKILL at a random moment, lets a new one go on, and compares
what is stored with the truth and the requests with those of an undisturbed run. Ends with 1 when a candle is missing or
more than one page was fetched again. Not part of ``make bench``.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

from tests import killed
from tests.servers.binance_rest import Server


def main(times: int) -> int:
    """Kill that often; the exit code."""
    chance = random.Random(0)
    there = killed.exchange()
    there.limit = 10**9
    found = []
    with Server(there) as server:
        for number in range(times):
            with tempfile.TemporaryDirectory() as folder:
                one = killed.kill_one(there, server.url, Path(folder), killed.SYMBOLS[number % 2], chance)
            found.append(one)
            print(
                f"{number + 1:3d} {one.symbol:8s} killed at request {one.before:3d}, {one.stored:6,} candles merged and "
                f"{one.kept - one.stored:6,} in the journal; fetched again: {one.again}{'' if one.whole else '  NOT WHOLE'}",
                flush=True,
            )
    broken = sum(not one.whole for one in found)
    worst = max(one.again for one in found)
    print(
        f"{times} kills: {broken} incomplete; pages fetched again: {worst} at most, {sum(one.again for one in found)} in all"
    )
    return int(broken > 0 or worst > 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50))
