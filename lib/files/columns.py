"""Fourth stage: which column is which, by the names and by what the sample holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from lib.errors import FileRefused
from lib.files.cells import is_missing, is_number, numeric, time_kind
from lib.files.layout import Layout

__all__ = ["ROLES", "Roles", "assign"]

ROLES = ("time", "date", "clock", "open", "high", "low", "close", "volume")
_PRICES = ("open", "high", "low", "close")
# Orders of the prices that are written without a header, the usual one first.
_ORDERS = (
    ("open", "high", "low", "close"),
    ("open", "close", "high", "low"),
    ("open", "low", "high", "close"),
    ("high", "low", "open", "close"),
)

# Names as they are after _plain(): lower case, words parted by single blanks, no < > or units.
_NAMES: dict[str, tuple[str, ...]] = {
    "open": ("open", "o", "open price", "price open", "opening", "opening price", "px open", "first", "1 open"),
    "high": ("high", "h", "high price", "price high", "highest", "max", "px high", "2 high"),
    "low": ("low", "l", "low price", "price low", "lowest", "min", "px low", "3 low"),
    "close": ("close", "c", "close price", "price close", "closing", "closing price", "close last", "last",
              "px last", "4 close", "last price", "price"),
    "volume": ("volume", "vol", "v", "real volume", "volume base", "base volume", "trade volume", "total volume",
               "5 volume", "6 volume", "shares traded", "qty", "quantity", "tick volume", "tickvol", "tick vol",
               "tickvolume", "ticks"),
}  # fmt: skip
_TICKS = {"tick volume", "tickvol", "tick vol", "tickvolume", "ticks"}
_TIME_WORDS = (
    "time", "date", "datetime", "date time", "timestamp", "open time", "opentime", "start", "start date",
    "start time", "time period start", "period start", "gmt time", "time utc", "date utc", "utc", "utc time",
    "local time", "dtyyyymmdd", "yyyymmdd", "day", "bar time", "candle time", "begin", "ts", "t", "unix",
    "unix timestamp", "unix time", "epoch", "timestamp ms", "time ms", "open timestamp", "date gmt", "time gmt",
    "est time", "time est", "trade date", "trading date", "hhmmss", "hhmm", "hour", "index", "trade time",
)  # fmt: skip
# An end or another price: never taken for what its last word says.
_NEVER = re.compile(r"\b(adj|adjusted|adjclose|change|chg|prev|previous|close time|closetime|end|bid|ask)\b")


@dataclass(frozen=True, slots=True)
class Roles:
    """Positions of the columns by role. Either ``time`` or ``date`` (with ``clock`` or not) is there.

    ``undecided`` maps a role to the labels that it could be; ``why`` a role to the reason."""

    at: Mapping[str, int]
    why: Mapping[str, str]
    undecided: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...] = ()

    @property
    def times(self) -> tuple[int, ...]:
        return tuple(self.at[role] for role in ("time", "date", "clock") if role in self.at)


def assign(layout: Layout, chosen: Mapping[str, str], name: str) -> Roles:
    """Give every role its column. Raises ``FileRefused`` where a chosen label is not there."""
    work = _Work(layout)
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
    return Roles(work.at, work.why, work.undecided, tuple(work.warnings))


class _Work:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.plain = [_plain(label) for label in layout.names]
        self.cells = list(zip(*[row for row in layout.rows if len(row) == layout.width], strict=True))
        self.at: dict[str, int] = {}
        self.why: dict[str, str] = {}
        self.undecided: dict[str, tuple[str, ...]] = {}
        self.left_out: set[str] = set()
        self.warnings: list[str] = []
        self._kinds: dict[int, str] = {}

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
        share = 5 if self.plain[at] in _TIME_WORDS else 9
        return kind if count * 10 > len(cells) * share or count == len(cells) else ""


def _plain(label: str) -> str:
    """``<OPEN>`` -> ``open``; ``openPrice`` -> ``open price``; ``Volume (BTC)`` -> ``volume btc``."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)
    return " ".join(re.sub(r"[^0-9a-z]+", " ", spaced.casefold()).split())


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
    for role in _PRICES:
        if work.wants(role):
            _price(work, role)
    if work.wants("volume"):
        _volume(work)
    if any("adj" in name.split() for name in work.plain) and "close" in work.at:
        work.warnings.append("There are adjusted prices too; the raw ones were taken.")


def _price(work: _Work, role: str) -> None:
    for spelling in _NAMES[role]:
        hits = [
            at for at, plain in enumerate(work.plain)
            if re.sub(r" \d+$", "", plain) == spelling and work.free(at) and not _NEVER.search(plain)
        ]  # fmt: skip
        if len(hits) == 1:
            work.take(role, hits[0], f"its name is {work.layout.names[hits[0]]!r}")
            return
        if hits:
            work.undecided[role] = tuple(work.layout.names[at] for at in hits)
            return
    figures = [at for at in range(work.layout.width) if _figures(work, at)]
    near = [at for at in figures if role in work.plain[at].split()]
    work.undecided[role] = tuple(work.layout.names[at] for at in near or figures)


def _figures(work: _Work, at: int) -> bool:
    return bool(work.cells) and work.free(at) and all(is_number(cell) for cell in work.cells[at][:50])


def _volume(work: _Work) -> None:
    hits: list[int] = []
    for spelling in _NAMES["volume"]:
        hits += [at for at, plain in enumerate(work.plain) if plain == spelling and work.free(at)]
    if not hits:
        hits = [
            at for at, plain in enumerate(work.plain) if re.match(r"(volume|vol)\b", plain) and work.free(at)
        ]
    hits = [at for at in hits if not _NEVER.search(work.plain[at]) and _figures(work, at)]
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


def _counts(work: _Work, at: int) -> bool:
    return any(numeric(cell) and cell.strip("0.,+- ") for cell in work.cells[at])


def _by_place(work: _Work) -> None:
    """No header: after the time come four prices and the volume; the sample tells the prices' order, and
    every row is checked against it later."""
    start = next((at for at in range(work.layout.width) if work.kind(at) not in ("", "clock")), None)
    if start is None:
        start = -1
    first = start + 1
    if first < work.layout.width and work.kind(first) == "clock":
        first += 1
    elif start >= 0 and work.kind(start) == "date" and _clock_digits(work, first):
        work.take("date", start, "the first column of dates")
        work.take("clock", first, "times of day follow the dates")
        first += 1
    while first < work.layout.width and not _figures(work, first):
        first += 1
    order, why = _order(work, first)
    for role, at in zip((*order, "volume"), range(first, work.layout.width), strict=False):
        if work.wants(role) and _figures(work, at):
            work.take(role, at, why if role != "volume" else "it follows the prices")
    for role in _PRICES:
        if work.wants(role):
            work.undecided[role] = work.layout.names


def _order(work: _Work, first: int) -> tuple[tuple[str, ...], str]:
    """Which order of the prices fits every row of the sample; the usual one where it does, another where
    it is the only one, none where several or none fit."""
    cells = [work.cells[at] for at in range(first, min(first + 4, work.layout.width))] if work.cells else []
    rows = [tuple(map(_value, row)) for row in zip(*cells, strict=True)]
    rows = [row for row in rows if len(row) == 4 and all(value == value for value in row)]
    fitting = [order for order in _ORDERS if all(_fits(row, order) for row in rows)]
    if not rows or _ORDERS[0] in fitting:
        return _ORDERS[0], "by its place: there is no header"
    if len(fitting) == 1:
        return fitting[0], "only so are the highs the highest and the lows the lowest"
    return (), ""


def _fits(row: tuple[float, ...], order: tuple[str, ...]) -> bool:
    return row[order.index("high")] == max(row) and row[order.index("low")] == min(row)


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
    named = [at for at in usable if work.plain[at] in _TIME_WORDS]
    wanted = named or [at for at in usable if not _NEVER.search(work.plain[at])]
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
    else:
        labels = zip(work.layout.names, work.plain, strict=True)
        work.undecided["time"] = (
            tuple(label for label, plain in labels if plain in _TIME_WORDS) or work.layout.names
        )


def _date_and_clock(work: _Work, date: int, clocks: list[int], reason: str) -> None:
    digits = [
        at for at in range(work.layout.width)
        if work.free(at) and work.plain[at] in _TIME_WORDS and at != date and _clock_digits_loose(work, at)
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
