"""Files for ``import``: found, read and checked, each ready to be stored, before any is."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pandas as pd

from lib.errors import InputError

if TYPE_CHECKING:
    from lib.candles import Report
    from lib.files import Choices, Reading
    from lib.timeframes import Timeframe

__all__ = ["Checked", "Meter", "check", "check_together", "located"]

_WILD = frozenset("*?[")
# What is fetched from elsewhere may be as large as what is read from here.
_MOST_FETCHED = 64 * 2**30


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that may be stored: ``tables()`` are its candles in order, in one piece or in many."""

    name: str
    reading: Reading
    report: Report
    timeframe: Timeframe
    rows_read: int
    ticks: int
    pieces: bool
    tables: Callable[[], Iterator[pd.DataFrame]]


class Meter:
    """A bar on a terminal, written over; nothing elsewhere."""

    def __init__(self, name: str) -> None:
        self.name, self.on, self.drawn, self.shown = name, sys.stderr.isatty(), False, 0.0

    def __call__(self, done: float, what: str) -> None:
        now = time.monotonic()
        if not self.on or (done < 1 and now - self.shown < 0.1):
            return
        full = int(done * 24)
        click.echo(
            f"\r\x1b[K[{'#' * full}{'.' * (24 - full)}] {done:4.0%} {what} {self.name}", err=True, nl=False,
            color=True,
        )  # fmt: skip
        self.shown, self.drawn = now, True

    def end(self) -> None:
        if self.drawn:
            click.echo("\r\x1b[K", err=True, nl=False, color=True)
            self.drawn = False


def _fetching(meter: Meter) -> Callable[[int, int | None], None]:
    return lambda done, whole: meter(done / whole if whole else 0.0, "fetching")


def located(
    files: tuple[str, ...], stack: ExitStack, *, endpoint: str | None = None, anonymous: bool = False
) -> list[Path]:
    """Paths of what was asked for: files as they are, wildcards and addresses (``s3://``, ``https://``)
    looked up and fetched into a folder that lasts as long as ``stack``. Raises ``InputError``."""
    found: list[Path] = []
    for each in files:
        remote = "://" in each
        if not remote and (Path(each).exists() or not _WILD & set(each)):
            found.append(Path(each))
            continue
        from lib.remote.addresses import Access, fetch, find

        into = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="candlebook-"))) if remote else Path()
        )
        access = Access(endpoint=endpoint, anonymous=anonymous)
        for item in find(each, access):
            meter = Meter(item.name)
            found.append(fetch(item, access, into, limit=_MOST_FETCHED, progress=_fetching(meter)))
            meter.end()
    return found


def check(path: Path, choices: Choices, stack: ExitStack) -> Checked:
    """Read a file, a large one in parts whose candles wait on disk as long as ``stack``. Raises as
    :func:`lib.files.read`."""
    from lib.files import read
    from lib.files.streaming import stream
    from lib.files.unpacking import is_large

    if not is_large(path):
        made = read(path.name, path, choices)
        table = made.table
        return Checked(
            path.name, made.reading, made.report, made.timeframe, made.rows_read, made.ticks, False,
            lambda: iter([table]),
        )  # fmt: skip
    meter = Meter(path.name)
    try:
        large = stack.enter_context(stream(path.name, path, choices, progress=meter))
    finally:
        meter.end()
    return Checked(
        path.name, large.reading, large.report, large.timeframe, large.rows_read, large.ticks, True, large.tables
    )  # fmt: skip


def check_together(made: list[Checked], choices: Choices) -> list[Checked]:
    """Several files as one series: their timeframe must be one, and what they say of one time the same.

    With ``conflicts`` first or last, the first or the last file given stands. Raises ``InputError``.
    """
    if len({each.timeframe for each in made}) > 1:
        told = ", ".join(f"{each.name} {each.timeframe}" for each in made)
        raise InputError(
            f"The files have several timeframes: {told}.",
            remedy="Import them one by one, or say --many to keep each as a series.",
        )
    if choices.conflicts == "first":
        made = made[::-1]  # what is stored last stands
    if choices.conflicts in ("first", "last"):
        return made
    for at, one in enumerate(made):
        for other in made[at + 1 :]:
            _compare(one, other)
    return made


def _compare(one: Checked, other: Checked) -> None:
    a, b = one.report, other.report
    if a.first is None or b.first is None or a.last is None or b.last is None:
        return
    if a.last < b.first or b.last < a.first:
        return
    if one.pieces or other.pieces:
        raise InputError(
            f"{one.name} and {other.name} overlap in time, and are too large to be compared.",
            remedy="Say which stands with --conflicts first or last.",
        )
    left, right = (pd.concat(list(each.tables())) for each in (one, other))
    shared = left.index.intersection(right.index)
    unlike = (left.loc[shared] != right.loc[shared]) & ~(left.loc[shared].isna() & right.loc[shared].isna())
    rows = unlike.any(axis=1)
    if rows.any():
        first = shared[rows.to_numpy().argmax()]
        raise InputError(
            f"{one.name} and {other.name} have other figures for {first:%Y-%m-%d %H:%M:%S}, and for "
            f"{int(rows.sum()):,} times in all.",
            remedy="Say which stands with --conflicts first or last.",
        )
