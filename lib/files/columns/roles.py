"""Which column is which: the answer, and what the search for it knows of the columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lib.files.columns.cells import is_missing, is_number, is_time, numeric, time_kind
from lib.files.columns.numbers import NumberStyle, sniff_style, to_floats
from lib.files.columns.words import TIME_WORDS, bare, plain
from lib.files.texts.layout import Layout
from lib.files.times.eras import by_column
from lib.files.times.sixdigits import order_of

__all__ = ["ROLES", "Roles", "Work", "has_counts", "holds_figures", "value_of"]

ROLES = ("time", "date", "clock", "open", "high", "low", "close", "volume")
Array = np.ndarray[Any, Any]
_AS_IS = NumberStyle(".", "", True, "")


@dataclass(frozen=True, slots=True)
class Roles:
    """Positions of the columns by role. Either ``time`` or ``date`` (with ``clock`` or not) is there.

    ``undecided`` maps a role to the labels that it could be; ``why`` a role to the reason. ``sets`` are the
    sets of prices there are (``raw``, ``adjusted``, or what stands beside the names), ``prices`` the one
    taken, empty where that cannot be told. ``contradiction`` says how header and figures disagree."""

    at: Mapping[str, int]
    why: Mapping[str, str]
    undecided: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    prices: str = ""
    contradiction: str = ""

    @property
    def times(self) -> tuple[int, ...]:
        return tuple(self.at[role] for role in ("time", "date", "clock") if role in self.at)


class Work:
    """The search on its way: what each column is called and holds, and what was given to which role."""

    def __init__(self, layout: Layout, prices: str | None) -> None:
        self.layout = layout
        self.wanted = prices
        self.prices, self.sets = "", []  # type: str, list[str]
        self.group = ""  # what the names of the prices have in common
        self.plain = [plain(label) for label in layout.names]
        self.bare = [bare(label) for label in layout.names]
        self.cells = list(zip(*[row for row in layout.rows if len(row) == layout.width], strict=True))
        self.at: dict[str, int] = {}
        self.why: dict[str, str] = {}
        self.undecided: dict[str, tuple[str, ...]] = {}
        self.left_out: set[str] = set()
        self.warnings: list[str] = []
        self._kinds: dict[int, str] = {}
        self._floats: dict[int, Array] = {}
        self._style: NumberStyle | None = None

    def floats(self, at: list[int]) -> Array:
        """The whole rows of some columns as (n, len(at)) floats."""
        if not self.cells:
            return np.empty((0, len(at)))
        rows = np.array([self._values(each) for each in at], np.float64).T
        return np.asarray(rows[~np.isnan(rows).any(axis=1)])

    def _written(self) -> NumberStyle:
        """How the figures of the table are written; plain where a mark parts no thousands."""
        if self._style is None:
            cells = [cell for column in self.cells for cell in column]
            marked = [cell for cell in cells if cell.count(",") + cell.count(".") > 1]
            parted = any(numeric(cell) and not is_time(cell) for cell in marked)
            made = (
                sniff_style(cell for cell in cells if numeric(cell) and not is_time(cell))
                if parted
                else _AS_IS
            )
            self._style = made if made.decimal else _AS_IS
        return self._style

    def _values(self, at: int) -> Array:
        """A column as floats, whatever mark parts its thousands; looked at once."""
        if at not in self._floats:
            cells = self.cells[at]
            made = np.array([value_of(cell) for cell in cells], np.float64)
            if any("," in cell or "." in cell for cell in cells) and not (style := self._written()).plain:
                made, bad = to_floats(pa.array(cells, pa.string()), style)
                made = np.where(bad, np.nan, made)
            self._floats[at] = made
        return self._floats[at]

    def take(self, role: str, at: int, why: str) -> None:
        self.at[role], self.why[role] = at, why

    def free(self, at: int) -> bool:
        return at not in self.at.values()

    def wants(self, role: str) -> bool:
        return role not in self.at and role not in self.left_out

    def kind(self, at: int) -> str:
        """As :meth:`_kind`, looked at once."""
        if at not in self._kinds:
            self._kinds[at] = self._kind(at)
        return self._kinds[at]

    def _kind(self, at: int) -> str:
        """What the cells of a column are as times: more than half of them where its name says so too,
        else 9 in 10. The others are faults, to be found with their lines."""
        cells = [cell for cell in self.cells[at] if not is_missing(cell)] if self.cells else []
        if not cells:
            return ""
        named = self.bare[at] in TIME_WORDS if self.layout.header else at < 2
        if named and (order_of(cells) or by_column(cells)):
            return "date"
        kinds = Counter(time_kind(cell) for cell in cells)
        if kinds["date"] and kinds["datetime"] and kinds["date"] + kinds["datetime"] == len(cells):
            return "datetime"  # midnights that lost their time of day
        kind, count = kinds.most_common(1)[0]
        share = 5 if self.bare[at] in TIME_WORDS else 9
        return kind if count * 10 > len(cells) * share or count == len(cells) else ""


def holds_figures(work: Work, at: int) -> bool:
    """Nine in ten cells are figures, or missing; the others are faults, to be found with their lines."""
    if not work.cells or not work.free(at):
        return False
    return sum(is_number(cell) for cell in work.cells[at]) * 10 >= len(work.cells[at]) * 9


def has_counts(work: Work, at: int) -> bool:
    """Some figure of a column is not zero."""
    return any(numeric(cell) and cell.strip("0.,+- ") for cell in work.cells[at])


def value_of(cell: str) -> float:
    """A figure of the sample, or NaN."""
    try:
        return float(cell.replace(",", ".") if "," in cell else cell)
    except ValueError:
        return float("nan")
