"""What goes into reading a file and what comes out: choices, inferences, the reading, the candles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import pandas as pd

from lib.candles import Report
from lib.errors import InputError
from lib.timeframes import Timeframe, parse

__all__ = ["ALL_SYMBOLS", "BAD_ROWS", "CONFLICTS", "DAYS", "Choices", "FileCandles", "Inference", "Reading"]

CONFLICTS = ("refuse", "first", "last")
BAD_ROWS = ("refuse", "drop")
DAYS = ("moments", "dates")
# Every symbol of a column, as one series.
ALL_SYMBOLS = "*"
_CHOSEN = {
    "conflicts": CONFLICTS, "bad_rows": BAD_ROWS, "decimal": (".", ","), "side": ("mid", "bid", "ask"),
    "content": ("candles", "ticks"), "stamp": ("open", "close"),
    "off_grid": ("refuse", "floor"), "days": DAYS,
}  # fmt: skip
_YES = {"yes", "true", "1", "day first"}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the reader decided; None means: infer it from the content.

    ``delimiter`` is one character or ``"whitespace"``; ``encoding`` a Python codec's name; ``header``
    the 1-based line of the header, 0 for none; ``columns`` maps a role (time, date, clock, open, high,
    low, close, volume; price, bid, ask of ticks) to a column's label, or to ``#3`` for the third; ``""`` leaves a role out.
    ``time_format`` is ``text`` or ``epoch s|ms|us|ns``; ``decimal`` is ``.`` or ``,``; ``scale`` divides
    every price; ``zone`` an IANA name, for times that carry no offset. ``side`` is the price taken of quotes
    and of candles of both sides; ``content`` says whether the rows are candles or ticks; ``timeframe`` is
    the one to build of ticks. ``member`` is one table of several in a file; ``date`` (YYYY-MM-DD) the day of
    rows that tell only the time of day; ``prices`` the set of prices where there are several, such as raw
    and adjusted ones; ``stamp`` says whether a time is that of its candle's open or close. ``off_grid`` is
    ``floor`` where a candle belongs to the bucket that holds its time. ``days`` is ``dates`` where daily candles
    that open at a midnight or a session of their market are to be kept at 00:00 UTC of its date. ``symbol`` is what the candles will be
    kept under: it tells which of several tables or symbols is meant, and what size a price has; ``pick_symbol``
    is one of the symbols in a column, ``*`` for all as one series.
    """

    delimiter: str | None = None
    encoding: str | None = None
    header: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    time_format: str | None = None
    day_first: bool | None = None
    decimal: str | None = None
    scale: float | None = None
    zone: str | None = None
    timeframe: Timeframe | None = None
    conflicts: Literal["refuse", "first", "last"] | None = None
    bad_rows: Literal["refuse", "drop"] | None = None
    side: Literal["mid", "bid", "ask"] | None = None
    content: Literal["candles", "ticks"] | None = None
    member: str | None = None
    date: str | None = None
    prices: str | None = None
    stamp: Literal["open", "close"] | None = None
    off_grid: Literal["refuse", "floor"] | None = None
    days: Literal["moments", "dates"] | None = None
    symbol: str | None = None
    pick_symbol: str | None = None

    def override(self, key: str, value: str) -> Choices:
        """With one inference's value replaced by another, both as text; ``key`` as in
        :class:`Inference` (``delimiter``, ``columns.open``, ``timeframe`` ...). Raises ``InputError``."""
        if key.startswith("columns."):
            return replace(self, columns={**self.columns, key.removeprefix("columns."): value})
        if key not in {each.name for each in fields(self)} - {"columns"}:
            raise InputError(f"{key!r} is nothing that can be chosen for a file.")
        return replace(self, **{key: _typed(key, value)})

    def arguments(self) -> list[str]:
        """The same choices as options of ``python -m lib import``."""
        made: list[str] = []
        for role, label in self.columns.items():
            made += ["--column", f"{role}={label}"]
        if self.day_first is not None:
            made.append("--day-first" if self.day_first else "--month-first")
        for key, option in _OPTIONS.items():
            value = getattr(self, key)
            if value is not None:
                made += [option, {"\t": "tab"}.get(value, str(value))]
        return made


_OPTIONS = {
    "delimiter": "--delimiter", "encoding": "--encoding", "header": "--header",
    "time_format": "--time-format", "decimal": "--decimal",
    "scale": "--scale", "zone": "--tz", "timeframe": "--timeframe",
    "conflicts": "--conflicts", "bad_rows": "--bad-rows", "side": "--side", "content": "--content",
    "member": "--member", "date": "--date", "prices": "--prices", "stamp": "--stamp",
    "off_grid": "--off-grid", "days": "--days", "pick_symbol": "--pick-symbol",
}  # fmt: skip


def _typed(key: str, value: str) -> Any:
    try:
        if key == "header":
            return int(value)
        if key == "scale":
            made = 1.0 if value == "as written" else float(value)
            if not 0 < made < float("inf"):
                raise ValueError
            return made
    except ValueError as error:
        raise InputError(f"{key} is a number, not {value!r}.") from error
    if key == "day_first":
        return value.lower() in _YES
    if key == "timeframe":
        return parse(value)
    if value not in _CHOSEN.get(key, (value,)):
        raise InputError(f"{key} is one of {', '.join(_CHOSEN[key])}, not {value!r}.")
    return value


@dataclass(frozen=True, slots=True)
class Inference:
    """One thing understood from the content. ``key`` goes to :meth:`Choices.override`; ``value`` is what
    was taken, empty where the reader must say; ``options`` are the values to choose from (for a zone,
    any IANA name besides); ``why`` is a short reason."""

    key: str
    label: str
    value: str
    options: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file was understood; nothing is stored by making one.

    ``preview`` holds the first lines as they are. ``questions`` are what cannot be decided from the
    content: until they are answered, reading refuses. ``columns`` are the labels of all columns;
    ``sample`` the first rows, cut into cells; ``containers`` what was unwrapped, outermost first.
    """

    name: str
    preview: list[str]
    inferred: tuple[Inference, ...]
    warnings: tuple[str, ...]
    columns: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    containers: tuple[str, ...] = ()
    timeframe: Timeframe | None = None
    zone: str | None = None
    offsets_in_file: bool = False

    @property
    def questions(self) -> tuple[Inference, ...]:
        return tuple(each for each in self.inferred if not each.value and each.key in _MUST)

    def get(self, key: str) -> str:
        """The value taken for ``key``; empty where there is none."""
        return next((each.value for each in self.inferred if each.key == key), "")

    def as_dict(self) -> dict[str, str]:
        return {each.key: each.value for each in self.inferred}


_MUST = {
    "pick_symbol",
    "prices",
    "date",
    "day_first",
    "decimal",
    "timeframe",
    "columns.time",
    "columns.open",
    "columns.high",
    "columns.low",
    "columns.close",
    "columns.price",
    "columns.bid",
    "columns.ask",
}


@dataclass(frozen=True, slots=True)
class FileCandles:
    """The candles of a file: a candle table, the report of how it came to be, and the reading. ``ticks``:
    of how many quotes or trades they were made; 0 where the file holds candles."""

    table: pd.DataFrame
    report: Report
    timeframe: Timeframe
    reading: Reading
    ticks: int = 0

    @property
    def rows_read(self) -> int:
        """Rows of the file, those left out too."""
        return self.report.rows_in if not self.ticks else self.ticks + self.report.refused
