"""The column of the times, or the two of dates and times of day, by name and by what they hold."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import numpy as np

from lib.files.columns.cells import is_missing
from lib.files.columns.named import beside_word
from lib.files.columns.roles import Work, value_of
from lib.files.columns.words import ADJUSTED, NEVER, TIME_WORDS
from lib.files.times.fractions import DOTTED, are_days, are_fractions, are_millis
from lib.files.times.times import count_of, epoch_unit, from_epoch

__all__ = ["COUNTED_CLOCK", "find_times"]

COUNTED_CLOCK = "milliseconds of the day, apart from the dates"

_NO_COUNTS = frozenset(("index", "index level 0", "minute", "hour", "day", "ts", "t", "hhmm", "hhmmss"))
_LONGEST = tuple(sorted(TIME_WORDS, key=lambda word: (-len(word), word)))
# Of several times, that of the opening; of several clocks, UTC's.
_OPENS = re.compile(r"\b(open|start|begin|started|opened)\b")
_DOTTED = re.compile(DOTTED)
_UTC = re.compile(r"\b(utc|gmt)\b")


def find_times(work: Work) -> None:
    """Give the times their column, or dates and times of day one each."""
    if "time" in work.at or "date" in work.at:
        return
    usable = [at for at in range(work.layout.width) if work.free(at) and work.kind(at)]
    named = [at for at in usable if work.bare[at] in TIME_WORDS and not NEVER.search(work.plain[at])]
    # those of the set of prices that is taken
    named = [
        at for at in usable if work.group and beside_word(work.plain[at], _LONGEST) == work.group
    ] or named
    others = [at for at in usable if not NEVER.search(work.plain[at])]
    wanted = named if any(work.kind(at) != "clock" for at in named) else others
    by_kind = {
        kind: [at for at in wanted if work.kind(at) == kind]
        for kind in ("datetime", "date", "clock", "epoch")
    }
    reason = "the name and the cells say so" if named else "its cells are times"
    opens = [at for at in named if _OPENS.search(work.plain[at]) and work.kind(at) in ("datetime", "epoch")]
    by_kind["datetime"].sort(key=lambda at: _UTC.search(work.plain[at]) is None)
    if opens and len(by_kind["datetime"] + by_kind["epoch"]) > 1:
        work.take("time", opens[0], "its name speaks of a candle's opening")
    elif by_kind["datetime"]:
        work.take("time", by_kind["datetime"][0], reason)
    elif by_kind["date"]:
        _date_and_clock(work, by_kind["date"][0], by_kind["clock"], reason)
    elif (date := _days_apart(work, by_kind["clock"])) is not None:
        _date_and_clock(work, date, by_kind["clock"], "its cells count days")
    elif by_kind["epoch"]:
        work.take("time", _epoch(work, by_kind["epoch"]), "its cells count from 1970")
    elif (at := _counted(work)) is not None:
        work.take("time", at, "its cells count days or minutes")
    elif (at := _since_midnight(work)) is not None:
        work.take("time", at, "its cells count from midnight")
    elif ends := [at for at in usable if work.kind(at) in ("datetime", "epoch") and _ends(work, at)]:
        work.take("time", ends[0], "its cells are times")
    else:
        labels = zip(work.layout.names, work.bare, strict=True)
        work.undecided["time"] = (
            tuple(label for label, name in labels if name in TIME_WORDS) or work.layout.names
        )


def _epoch(work: Work, found: list[int]) -> int:
    """Of several columns that may count from 1970, the first whose times are not to come, and that is no row of
    numbers one by one, as of trades."""
    soon = (time.time() + 366 * 86400) * 10**6
    for at in found if len(found) > 1 else ():
        values = np.array([value_of(cell) for cell in work.cells[at] if not is_missing(cell)])
        steps = np.abs(np.diff(values))
        if from_epoch(values, epoch_unit(values)).max() < soon and not (steps == 1).all():
            return at
    return found[0]


def _counted(work: Work) -> int | None:
    """A column that is named for times and holds counts of days or minutes, no two of them the same."""
    for at in range(work.layout.width):
        if not work.cells or work.bare[at] not in TIME_WORDS - _NO_COUNTS or not work.free(at):
            continue
        cells = [cell for cell in work.cells[at] if not is_missing(cell)]
        values = np.array([value_of(cell) for cell in cells if re.fullmatch(r"\d+(?:[.,]\d+)?", cell)])
        if len(values) == len(cells) > 2 and len(set(values)) == len(values) and count_of(values):
            return at
    return None


def _since_midnight(work: Work) -> int | None:
    """The first column of whole numbers that never fall and stay below a day's milliseconds."""
    if not work.cells or len(work.cells[0]) < 3:
        return None
    for at in range(work.layout.width):
        dated = re.search(r"date|ymd", work.plain[at]) is not None
        if work.free(at) and not dated and all(re.fullmatch(r"\d{1,8}", cell) for cell in work.cells[at]):
            counts = [int(cell) for cell in work.cells[at]]
            steps = {late - early for early, late in pairwise(counts)}
            # an index steps by one; times step by what a candle lasts, or by what is between two trades
            if min(steps) >= 0 and steps != {1} and counts[-1] < 86400 * 1000 and counts[0] != counts[-1]:
                return at
    return None


def _ends(work: Work, at: int) -> bool:
    return re.search(r"\b(close|end|ending)\b", work.plain[at]) is not None and not ADJUSTED.search(
        work.plain[at]
    )


def _date_and_clock(work: Work, date: int, clocks: list[int], reason: str) -> None:
    digits = [
        at for at in range(work.layout.width)
        if work.free(at) and work.bare[at] in TIME_WORDS and at != date and _clock_digits_loose(work, at)
        and not re.search(r"date|day|index|datum|fecha", work.plain[at])
    ]  # fmt: skip
    counts = [
        at for at in range(work.layout.width) if work.free(at) and are_millis(work.plain[at], work.cells[at])
    ]
    clock = next(iter(clocks or _fractions(work) or counts or digits or _unnamed_clock(work)), None)
    if clock is None or "clock" in work.left_out:
        work.take("time", date, reason)
        return
    work.take("date", date, reason)
    work.take("clock", clock, COUNTED_CLOCK if clock in counts else "times of day, apart from the dates")


def _fractions(work: Work) -> list[int]:
    """Columns that are named for times and hold fractions of a day, or hours and minutes as 14.30, more than one."""
    return [
        at for at in range(work.layout.width)
        if work.cells and work.free(at) and work.bare[at] in TIME_WORDS and len(set(work.cells[at])) > 1
        and (are_fractions(work.cells[at]) or all(map(_DOTTED.fullmatch, work.cells[at])))
    ]  # fmt: skip


def _days_apart(work: Work, clocks: list[int]) -> int | None:
    """A column that is named for dates and counts a spreadsheet's days, where fractions of a day stand beside it."""
    named = (at for at in range(work.layout.width) if work.free(at) and work.bare[at] in TIME_WORDS)
    found = next((at for at in named if work.cells and are_days(work.cells[at])), None)
    return found if found is not None and not clocks and _fractions(work) else None


def _unnamed_clock(work: Work) -> list[int]:
    """The only column of times of day, whatever it is called, where the dates repeat."""
    found = [
        at for at in range(work.layout.width)
        if work.free(at) and work.kind(at) == "clock" and not NEVER.search(work.plain[at]) and not _ends(work, at)
    ]  # fmt: skip
    return found if len(found) == 1 and len(set(work.cells[found[0]])) > 1 else []


def _clock_digits_loose(work: Work, at: int) -> bool:
    """A column that is named for time may have lost its leading zeros: 0, 100, 90100."""
    return bool(work.cells) and all(
        re.fullmatch(r"\d{1,6}", cell) and int(cell) <= 235959 and int(cell) % 100 < 60
        for cell in work.cells[at]
    )
