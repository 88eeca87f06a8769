"""How one table will be read: every stage's answer together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lib import timeframes
from lib.files.columns import columns, numbers, sides, words
from lib.files.columns.scales import Scale
from lib.files.columns.symbols import Symbols
from lib.files.model import Choices, Reading
from lib.files.opening import Part
from lib.files.texts import layout
from lib.files.texts.grid import Grid
from lib.files.ticks import ticks
from lib.files.times.offsets import Offsets
from lib.files.times.timing import TimePlan

__all__ = ["TICKS_TO", "Plan"]

# What ticks are built into unless the reader says otherwise.
TICKS_TO = timeframes.parse("1m")


@dataclass(frozen=True, slots=True)
class Plan:
    """Every stage's answer for one file."""

    name: str
    grid: Grid
    layout: layout.Layout
    roles: columns.Roles
    style: numbers.NumberStyle
    times: TimePlan
    zone: str
    choices: Choices
    reading: Reading
    ticks: ticks.Ticks | None = None
    sides: sides.Sides | None = None
    part: Part | None = None
    more: tuple[Plan, ...] = ()
    scale: Scale = field(default_factory=Scale)
    symbols: Symbols = field(default_factory=Symbols)
    flag: int | None = None  # the column that tells unfinished candles
    offsets: Offsets | None = None  # the column that tells how far local times are from UTC
    late: bool = False  # every time is the last second of a minute

    @property
    def stamp(self) -> str:
        """Whether a time is that of its candle's ``open`` or ``close``; what a column is named for tells."""
        ends = any(
            re.search(r"\b(close|end|ending)\b", words.plain(self.layout.names[at]))
            for at in self.roles.times
        )
        return self.choices.stamp or ("close" if (ends or self.late) and self.ticks is None else "open")

    @property
    def beside(self) -> tuple[int, ...]:
        """Positions of the columns that are needed beside times and figures."""
        places = (self.flag, self.symbols.at, self.offsets.at if self.offsets else None)
        return tuple(at for at in places if at is not None)

    @property
    def figures(self) -> dict[str, int]:
        """Positions of the columns of figures, by role."""
        return {role: at for role, at in self.roles.at.items() if role not in ("time", "date", "clock")}
