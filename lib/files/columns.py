"""Fourth stage: which column is which, by the names and by what the sample holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lib.errors import FileRefused
from lib.files.cells import is_missing, is_number, numeric, time_kind
from lib.files.layout import Layout
from lib.files.price_orders import fitting, likeliest
from lib.files.words import ADJUSTED, NEVER, SPELLINGS, TIME_WORDS, bare, plain

__all__ = ["ROLES", "Roles", "assign"]

ROLES = ("time", "date", "clock", "open", "high", "low", "close", "volume")
Array = np.ndarray[Any, Any]
_PRICES = ("open", "high", "low", "close")
_TICKS = {"tick volume", "tickvol", "tick vol", "tickvolume", "ticks"}


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


def assign(layout: Layout, chosen: Mapping[str, str], name: str, prices: str | None = None) -> Roles:
    """Give every role its column. Raises ``FileRefused`` where a chosen label is not there."""
    work = _Work(layout, prices)
    for role, label in chosen.items():
        if role not in ROLES:
            raise FileRefused(
                f"{role!r} is no role of a column.", remedy=f"Roles: {', '.join(ROLES)}.", file=name
            )
        if label:
            work.take(role, _find(layout, label, name), "chosen")
        else:
            work.left_out.add(role)
    if layout.header:
        _by_name(work)
    else:
        _by_place(work)
    _times(work)
    contradiction = "" if not layout.header or set(_PRICES) & chosen.keys() else _contradiction(work)
    return Roles(
        work.at, work.why, work.undecided, tuple(work.warnings), tuple(work.sets), work.prices, contradiction
    )


class _Work:
    def __init__(self, layout: Layout, prices: str | None) -> None:
        self.layout = layout
        self.wanted = prices
        self.prices, self.sets = "", []  # type: str, list[str]
        self.plain = [plain(label) for label in layout.names]
        self.bare = [bare(label) for label in layout.names]
        self.cells = list(zip(*[row for row in layout.rows if len(row) == layout.width], strict=True))
        self.at: dict[str, int] = {}
        self.why: dict[str, str] = {}
        self.undecided: dict[str, tuple[str, ...]] = {}
        self.left_out: set[str] = set()
        self.warnings: list[str] = []
        self._kinds: dict[int, str] = {}

    def floats(self, at: list[int]) -> Array:
        """The whole rows of some columns as (n, len(at)) floats."""
        cells = [self.cells[each] for each in at] if self.cells else []
        rows = [tuple(map(_value, row)) for row in zip(*cells, strict=True)]
        kept = [row for row in rows if all(value == value for value in row)]
        return np.array(kept, np.float64).reshape(-1, len(at))

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
        kinds = Counter(time_kind(cell) for cell in cells)
        if kinds["date"] and kinds["datetime"] and kinds["date"] + kinds["datetime"] == len(cells):
            return "datetime"  # midnights that lost their time of day
        kind, count = kinds.most_common(1)[0]
        share = 5 if self.bare[at] in TIME_WORDS else 9
        return kind if count * 10 > len(cells) * share or count == len(cells) else ""


def _find(layout: Layout, label: str, name: str) -> int:
    if re.fullmatch(r"#\d+", label) and 1 <= int(label[1:]) <= layout.width:
        return int(label[1:]) - 1
    for same in (str.__eq__, lambda a, b: a.casefold() == b.casefold()):
        for at, each in enumerate(layout.names):
            if same(each, label):
                return at
    raise FileRefused(
        f"{name} has no column {label!r}.", remedy=f"Its columns: {', '.join(layout.names[:30])}.", file=name
    )


def _by_name(work: _Work) -> None:
    sets = _sets(work)
    adjusted = [label for label in sets if ADJUSTED.search(label)]
    closes = [at for at, name in enumerate(work.plain) if ADJUSTED.search(name) and "close" in name]
    raw = [label for label in sets if label not in adjusted]
    exact = {at: role for role in _PRICES for at in _spelled(work, role)[:1]}
    if len(exact) == 4 or "" in sets or not raw:
        work.sets = ["raw", "adjusted"] if adjusted or (len(closes) == 1 and len(exact) == 4) else []
        taken = "raw" if work.wanted in (None, "raw") or not work.sets else "adjusted"
        work.prices = taken if work.sets else ""
        if taken == "adjusted" and adjusted:
            _take_set(work, sets[adjusted[0]])
        elif taken == "adjusted":
            work.take("adjusted close", closes[0], "every price is adjusted as the close is")
    elif len(raw) == 1:
        _take_set(work, sets[raw[0]])
    else:
        work.sets = raw
        work.prices = work.wanted if work.wanted in raw else ""
        if work.prices:
            _take_set(work, sets[work.prices])
        else:
            work.undecided["prices"] = tuple(raw)
    for role in _PRICES:
        if work.wants(role) and "prices" not in work.undecided:
            _price(work, role)
    if work.wants("volume"):
        _volume(work)
    if work.sets[:1] == ["raw"] and work.prices == "raw":
        work.warnings.append("There are adjusted prices too; the raw ones were taken.")


def _take_set(work: _Work, found: Mapping[str, int]) -> None:
    for role, at in found.items():
        if work.wants(role):
            work.take(role, at, f"its name is {work.layout.names[at]!r}")


def _sets(work: _Work) -> dict[str, dict[str, int]]:
    """Complete sets of four prices by what their names have in common: ``mid.o``, ``AAPL Open``."""
    made: dict[str, dict[str, int]] = {}
    for at, name in enumerate(work.plain):
        if not _figures(work, at):
            continue
        for role in _PRICES:
            rest = _rest(name, SPELLINGS[role])
            if rest is not None:
                made.setdefault(rest, {}).setdefault(role, at)
    return {
        rest: found for rest, found in made.items()
        if len(found) == 4 and len(set(found.values())) == 4 and not re.search(r"\b(bid|ask|change|prev)\b", rest)
    }  # fmt: skip


def _rest(name: str, spellings: tuple[str, ...]) -> str | None:
    """What a name has beside the word for a price."""
    for spelling in spellings:
        if name == spelling:
            return ""
        if name.endswith(" " + spelling):
            return name.removesuffix(spelling).strip()
        if name.startswith(spelling + " "):
            return name.removeprefix(spelling).strip()
    return None


def _spelled(work: _Work, role: str) -> list[int]:
    """The columns that the first fitting spelling names."""
    for spelling in SPELLINGS[role]:
        for names in (work.plain, work.bare):
            hits = [
                at for at, name in enumerate(names)
                if re.sub(r" \d+$", "", name) == spelling and work.free(at) and not NEVER.search(work.plain[at])
                and not _timely(work, at)
            ]  # fmt: skip
            if hits:
                return hits
    return []


def _timely(work: _Work, at: int) -> bool:
    """Dates under a name for a price, as some programs write above their index."""
    return bool(work.cells) and work.kind(at) in ("date", "datetime", "clock")


def _price(work: _Work, role: str) -> None:
    hits = _spelled(work, role)
    if len(hits) == 1:
        work.take(role, hits[0], f"its name is {work.layout.names[hits[0]]!r}")
        return
    if hits:
        work.undecided[role] = tuple(work.layout.names[at] for at in hits)
        return
    figures = [at for at in range(work.layout.width) if _figures(work, at)]
    near = [at for at in figures if role in work.plain[at].split()]
    work.undecided[role] = tuple(work.layout.names[at] for at in near or figures)


def _contradiction(work: _Work) -> str:
    """How the header contradicts the figures: most highs are not the highest, and other columns' are."""
    if len(set(_PRICES) & work.at.keys()) < 4:
        return ""
    rows = work.floats([work.at[role] for role in _PRICES])
    if len(rows) < 3:
        return ""
    fits = (rows[:, 1] == rows.max(axis=1)) & (rows[:, 2] == rows.min(axis=1))
    orders = fitting(rows, 0.95)
    if fits.mean() > 0.5 or not orders:
        return ""
    labels = {role: work.layout.names[work.at[role]] for role in _PRICES}
    high = labels[_PRICES[orders[0].index("high")]]
    low = labels[_PRICES[orders[0].index("low")]]
    line = work.layout.first_line + int(np.flatnonzero(~fits)[0])
    return (
        f"the header contradicts the figures from line {line} on: {labels['high']!r} is not the highest price "
        f"and {labels['low']!r} not the lowest; {high!r} is the highest and {low!r} the lowest"
    )


def _figures(work: _Work, at: int) -> bool:
    """Nine in ten cells are figures, or missing; the others are faults, to be found with their lines."""
    if not work.cells or not work.free(at):
        return False
    return sum(is_number(cell) for cell in work.cells[at]) * 10 >= len(work.cells[at]) * 9


def _volume(work: _Work) -> None:
    hits: list[int] = []
    for names in (work.plain, work.bare):
        for spelling in SPELLINGS["volume"]:
            hits += [
                at for at, name in enumerate(names) if name == spelling and work.free(at) and at not in hits
            ]
    if not hits:
        hits = [
            at for at, name in enumerate(work.plain)
            if re.search(r"^(volume|vol)\b|\bvolume$", name) and work.free(at)
        ]  # fmt: skip
    if work.prices == "adjusted":
        hits = [at for at, name in enumerate(work.plain) if ADJUSTED.search(name) and "vol" in name] + hits
    hits = [at for at in hits if not _other(work, at) and _figures(work, at)]
    if not hits:
        return
    taken = next((at for at in hits if _counts(work, at)), hits[0])
    why = f"its name is {work.layout.names[taken]!r}"
    if taken != hits[0]:
        why += f"; {work.layout.names[hits[0]]!r} is zero throughout"
    if work.plain[taken] in _TICKS:
        why += "; it counts ticks"
    work.take("volume", taken, why)
    others = [work.layout.names[at] for at in hits if at != taken]
    if others:
        work.warnings.append(
            f"Volume was taken from {work.layout.names[taken]!r}; there is also {', '.join(others)}."
        )


def _other(work: _Work, at: int) -> bool:
    """Adjusted volumes are left where raw prices are taken, and the other way round."""
    if ADJUSTED.search(work.plain[at]):
        return work.prices != "adjusted"
    return NEVER.search(work.plain[at]) is not None


def _counts(work: _Work, at: int) -> bool:
    return any(numeric(cell) and cell.strip("0.,+- ") for cell in work.cells[at])


def _by_place(work: _Work) -> None:
    """No header: after the time come four prices, in an order that the sample tells, and the volume; every
    row is checked against it later."""
    start = next((at for at in range(work.layout.width) if work.kind(at) not in ("", "clock")), -1)
    first = start + 1
    if first < work.layout.width and work.kind(first) == "clock":
        first += 1
    elif start >= 0 and work.kind(start) == "date" and _clock_digits(work, first):
        work.take("date", start, "the first column of dates")
        work.take("clock", first, "times of day follow the dates")
        first += 1
    for at in range(first, work.layout.width - 3):
        rows = work.floats(list(range(at, at + 4)))
        if not len(rows) or not _close_together(rows):
            continue
        order, why = likeliest(rows, _direction(work, start))
        for role, place in zip(order, range(at, at + 4), strict=False):
            if work.wants(role):
                work.take(role, place, why)
        if order and work.wants("volume"):
            _volume_by_place(work, at + 4)
        break
    for role in _PRICES:
        if work.wants(role):
            work.undecided[role] = work.layout.names


def _close_together(rows: Array) -> bool:
    """Four prices of one candle are of one size; a count or a volume beside them seldom is."""
    low, high = rows.min(axis=1), rows.max(axis=1)
    return bool(((low > 0) & (high < 3 * low)).mean() > 0.9 or ((low <= 0) & (high <= 0)).all())


def _direction(work: _Work, time: int) -> int:
    """1 where the sample ascends in time, -1 where it descends, 0 where its cells do not tell at a glance."""
    if time < 0 or not work.cells:
        return 0
    cells = [cell for cell in work.cells[time] if not is_missing(cell)]
    if work.kind(time) != "epoch" and not all(re.match(r"\d{4}", cell) for cell in cells):
        return 0
    keys: list[Any] = [_value(cell) for cell in cells] if work.kind(time) == "epoch" else cells
    return 0 if not keys else int(keys[0] < keys[-1]) - int(keys[0] > keys[-1])


def _volume_by_place(work: _Work, first: int) -> None:
    """The figures that follow the prices; not an average price, which lies between low and high."""
    for at in range(first, work.layout.width):
        if not _figures(work, at) or work.kind(at):
            continue
        rows = work.floats([work.at["low"], at, work.at["high"]])
        average = len(rows) and bool(
            (((rows[:, 0] <= rows[:, 1]) & (rows[:, 1] <= rows[:, 2])) | (rows[:, 1] == 0)).all()
            and (rows[:, 1] != 0).any()
        )
        more = any(_figures(work, later) for later in range(at + 1, work.layout.width))
        if not (average and more):
            work.take("volume", at, "it follows the prices")
            return


def _value(cell: str) -> float:
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return float("nan")


def _clock_digits(work: _Work, at: int) -> bool:
    """Times of day without colons: 90100, 160000, or 0900. Told by their minutes and seconds."""
    cells = work.cells[at] if work.cells and at < work.layout.width else ()
    if not cells or not all(re.fullmatch(r"\d{4}|\d{6}|0", cell) for cell in cells):
        return False
    padded = [cell.zfill(6 if max(map(len, cells)) > 4 else 4) for cell in cells]
    if any(int(each[:2]) > 23 or int(each[2:4]) > 59 for each in padded):
        return False
    return len(set(cells)) > 1 or set(cells) <= {"0", "0000", "000000"}


def _times(work: _Work) -> None:
    if "time" in work.at or "date" in work.at:
        return
    usable = [at for at in range(work.layout.width) if work.free(at) and work.kind(at)]
    named = [at for at in usable if work.bare[at] in TIME_WORDS and not NEVER.search(work.plain[at])]
    wanted = named or [at for at in usable if not NEVER.search(work.plain[at])]
    by_kind = {
        kind: [at for at in wanted if work.kind(at) == kind]
        for kind in ("datetime", "date", "clock", "epoch")
    }
    reason = "the name and the cells say so" if named else "its cells are times"
    if by_kind["datetime"]:
        work.take("time", by_kind["datetime"][0], reason)
    elif by_kind["date"]:
        _date_and_clock(work, by_kind["date"][0], by_kind["clock"], reason)
    elif by_kind["epoch"]:
        work.take("time", by_kind["epoch"][0], "its cells count from 1970")
    elif (at := _since_midnight(work)) is not None:
        work.take("time", at, "its cells count from midnight")
    elif ends := [at for at in usable if work.kind(at) in ("datetime", "epoch") and _ends(work, at)]:
        work.take("time", ends[0], "its cells are times")
    else:
        labels = zip(work.layout.names, work.bare, strict=True)
        work.undecided["time"] = (
            tuple(label for label, name in labels if name in TIME_WORDS) or work.layout.names
        )


def _since_midnight(work: _Work) -> int | None:
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


def _ends(work: _Work, at: int) -> bool:
    return re.search(r"\b(close|end)\b", work.plain[at]) is not None and not ADJUSTED.search(work.plain[at])


def _date_and_clock(work: _Work, date: int, clocks: list[int], reason: str) -> None:
    digits = [
        at for at in range(work.layout.width)
        if work.free(at) and work.bare[at] in TIME_WORDS and at != date and _clock_digits_loose(work, at)
    ]  # fmt: skip
    clock = next(iter(clocks or digits), None)
    if clock is None or "clock" in work.left_out:
        work.take("time", date, reason)
        return
    work.take("date", date, reason)
    work.take("clock", clock, "times of day, apart from the dates")


def _clock_digits_loose(work: _Work, at: int) -> bool:
    """A column that is named for time may have lost its leading zeros: 0, 100, 90100."""
    return bool(work.cells) and all(
        re.fullmatch(r"\d{1,6}", cell) and int(cell) <= 235959 and int(cell) % 100 < 60
        for cell in work.cells[at]
    )
