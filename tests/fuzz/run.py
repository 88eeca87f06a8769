"""``make fuzz``: many damaged files through the reader and the command line; the count, and what broke.

Each must end right or in a refusal of ours, within bounded time and memory, and store nothing half.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lib.candles import require
from lib.errors import CandlebookError, InternalError
from lib.files import inspect, read
from lib.files.streaming import stream
from tests.fuzz.mutants import mutant

__all__ = ["Outcome", "attempt", "main"]

SLOW = 10.0  # seconds of processor time for one small file


@dataclass(frozen=True, slots=True)
class Outcome:
    number: int
    kind: str  # right, refused, or the name of what went wrong
    said: str
    seconds: float


def attempt(number: int, folder: Path) -> Outcome:
    """One mutant through ``inspect``, ``read`` and ``stream``."""
    data = mutant(number)
    begun = time.process_time()
    kind, said = "right", ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            kind, said = _through(data, folder)
    except Exception:  # noqa: BLE001  any that is not ours is what is looked for
        kind, said = "traceback", traceback.format_exc(limit=-4)
    seconds = time.process_time() - begun
    if seconds > SLOW and kind in ("right", "refused"):
        kind = "slow"
    return Outcome(number, kind, said, seconds)


def _through(data: bytes, folder: Path) -> tuple[str, str]:
    path = folder / "mutant"
    path.write_bytes(data)
    told = ""
    try:
        inspect("mutant.csv", data)
        made = read("mutant.csv", path)
        require(made.table)
        answer = ("right", f"{len(made.table)} candles")
    except InternalError:
        raise
    except CandlebookError as error:
        answer, told = ("refused", str(error)), str(error)
        if len(told) > 2000 or not told.strip():
            return "unclear", told[:500]
        if error.exit_code != 2:
            return "not refused as input", told
    try:
        with stream("mutant.csv", path, block=2048, window=50) as found:
            rows = sum(len(each) for each in found.tables())
        if answer[0] == "right" and rows != len(made.table):
            return "parts differ", f"{rows} of {len(made.table)}"
    except InternalError:
        raise
    except CandlebookError:
        pass
    return answer


def _work(span: tuple[int, int]) -> tuple[list[Outcome], int]:
    """The outcomes, and the most memory that this process ever held, in KiB."""
    with tempfile.TemporaryDirectory() as folder:
        made = [attempt(number, Path(folder)) for number in range(*span)]
    return made, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    if given.only is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(attempt(given.only, Path(folder)))
        return 0
    resource.setrlimit(resource.RLIMIT_AS, (16 * 2**30, 16 * 2**30))
    begun, counts = time.perf_counter(), Counter[str]()
    slowest, held = Outcome(0, "", "", 0.0), 0
    spans = [
        (at, min(at + 50, given.start + given.count))
        for at in range(given.start, given.start + given.count, 50)
    ]
    with multiprocessing.get_context("spawn").Pool(given.jobs, maxtasksperchild=20) as pool:
        for outcomes, most in pool.imap_unordered(_work, spans):
            held = max(held, most)
            for each in outcomes:
                counts[each.kind] += 1
                slowest = max(slowest, each, key=lambda one: one.seconds)
                if each.kind not in ("right", "refused"):
                    print(f"\n{each.number}: {each.kind} after {each.seconds:.1f} s\n{each.said}", flush=True)
    told = ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())
    print(
        f"{sum(counts.values()):,} files in {time.perf_counter() - begun:.0f} s: {told}. "
        f"The slowest, {slowest.number}, took {slowest.seconds:.1f} s. "
        f"No process held more than {held // 1024:,} MB."
    )
    return 0 if set(counts) <= {"right", "refused"} else 1


if __name__ == "__main__":
    sys.exit(main())
