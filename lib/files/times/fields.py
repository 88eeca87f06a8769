"""The parts of a time as columns of numbers: which digits are the year, the month, the day, the clock.

The order of day and month is decided over all rows together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from lib.files.times.tokens import Group, groups

__all__ = ["NO_TIME", "Fields", "Order", "assemble", "cut_fields", "decide", "pattern_of"]

Array = np.ndarray[Any, Any]
NO_TIME = int(np.iinfo(np.int64).min)
_DAY = 86400 * 10**6
_DATE_BETWEEN = np.frombuffer(b"-/. ", np.uint8)
_PLACES = "day and month change places from row to row, as a spreadsheet leaves them"
_MIDDLE = np.frombuffer(b" tT_,;", np.uint8)


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a date's parts: ``YMD``, ``DMY`` or ``MDY``; empty where both of the last fit."""

    value: str
    why: str
    readings: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Fields:
    """Columns of numbers: three parts of the date in the order of the text, then the time of day."""

    date: Array  # (n, 3)
    year_first: Array  # bool: the first part has four digits
    year_last: Array  # 4, 2 or 0 digits of the last part
    clock: Array  # (n, 3) hour, minute, second
    fraction: Array  # µs
    depth: Array  # how many parts of the clock there are
    mark: Array  # the byte between the parts of the date, 0 for none


def cut_fields(texts: pa.Array) -> tuple[Fields, Array]:
    """The numbers of every text, and which texts have not the shape of a time. O(bytes)."""
    n = len(texts)
    made = Fields(
        np.zeros((n, 3), np.int64), np.zeros(n, bool), np.zeros(n, np.int64),
        np.zeros((n, 3), np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.uint8),
    )  # fmt: skip
    bad = np.ones(n, bool)
    for group in groups(texts):
        compact = group.lengths[:, 0] >= 8
        for mask, fill in ((compact, _fill_compact), (~compact, _fill_parted)):
            if mask.any():
                part = group if mask.all() else _take(group, mask)
                bad[part.rows] = ~fill(made, part) | ~part.whole
    return made, bad


def _take(group: Group, mask: Array) -> Group:
    return Group(
        group.rows[mask], group.values[mask], group.lengths[mask], group.between[mask], group.whole[mask]
    )


def _fill_compact(made: Fields, group: Group) -> Any:
    """YYYYMMDD, YYYYMMDDHHMM[SS[mmm]], YYYYMMDD HHMM[SS[mmm]], YYYYMMDD HH:MM[:SS[.f]]."""
    group = _cut_millis(made, group)
    length, value = group.lengths[:, 0], group.values[:, 0]
    day = np.where(length == 14, value // 10**6, np.where(length == 12, value // 10**4, value))
    made.date[group.rows] = np.stack([day // 10000, day // 100 % 100, day % 100], axis=1)
    made.year_first[group.rows] = True
    if group.values.shape[1] == 1:
        rest = np.where(length == 14, value % 10**6, np.where(length == 12, value % 10**4 * 100, 0))
        _put_packed(made, group.rows, rest)
        made.depth[group.rows] = np.where(length == 14, 3, np.where(length == 12, 2, 0))
        return np.isin(length, (8, 12, 14))
    middle = np.isin(group.between[:, 0], _MIDDLE) & (length == 8)
    packed = np.isin(group.lengths[:, 1], (4, 6))
    if group.values.shape[1] <= 3 and packed.all():
        digits = group.lengths[:, 1]
        _put_packed(made, group.rows, np.where(digits == 4, group.values[:, 1] * 100, group.values[:, 1]))
        made.depth[group.rows] = np.where(digits == 4, 2, 3)
        return middle & _put_fraction(made, group, 2)
    return middle & _put_clock(made, group, 1)


def _cut_millis(made: Fields, group: Group) -> Group:
    """Milliseconds that stand behind the seconds without a mark, cut off: HHMMSSmmm."""
    at = min(group.values.shape[1], 2) - 1
    glued = group.lengths[:, at] == (17 if at == 0 else 9)
    if not glued.any() or group.values.shape[1] > 2:
        return group
    made.fraction[group.rows] = np.where(glued, group.values[:, at] % 1000 * 1000, 0)
    values, lengths = group.values.copy(), group.lengths.copy()
    values[:, at] = np.where(glued, values[:, at] // 1000, values[:, at])
    lengths[:, at] = np.where(glued, lengths[:, at] - 3, lengths[:, at])
    return replace(group, values=values, lengths=lengths)


def _put_packed(made: Fields, rows: Array, hhmmss: Array) -> None:
    made.clock[rows] = np.stack([hhmmss // 10000, hhmmss // 100 % 100, hhmmss % 100], axis=1)


def _fill_parted(made: Fields, group: Group) -> Any:
    """Three numbers with the same separator, then perhaps a time of day."""
    if group.values.shape[1] < 3:
        return np.zeros(len(group.rows), bool)
    made.date[group.rows] = group.values[:, :3]
    made.year_first[group.rows] = group.lengths[:, 0] == 4
    made.year_last[group.rows] = group.lengths[:, 2]
    made.mark[group.rows] = group.between[:, 0]
    fine = np.isin(group.between[:, 0], _DATE_BETWEEN) & (group.between[:, 0] == group.between[:, 1])
    first, last = group.lengths[:, 0], group.lengths[:, 2]
    fine &= np.where(first == 4, last <= 2, (first <= 2) & np.isin(last, (2, 4))) & (group.lengths[:, 1] <= 2)
    if group.values.shape[1] == 3:
        return fine
    middle = np.isin(group.between[:, 2], _MIDDLE)
    if group.values.shape[1] == 4 and np.isin(group.lengths[:, 3], (4, 6)).all():
        digits = group.lengths[:, 3]
        _put_packed(made, group.rows, np.where(digits == 4, group.values[:, 3] * 100, group.values[:, 3]))
        made.depth[group.rows] = np.where(digits == 4, 2, 3)
        return fine & middle
    return fine & middle & _put_clock(made, group, 3)


def _put_clock(made: Fields, group: Group, at: int) -> Any:
    """HH:MM[:SS[.f]] from run ``at`` on."""
    parts = group.values.shape[1] - at
    if not 2 <= parts <= 4:
        return np.zeros(len(group.rows), bool)
    clock = min(parts, 3)
    made.clock[group.rows, :clock] = group.values[:, at : at + clock]
    made.depth[group.rows] = clock
    fine = (group.between[:, at : at + clock - 1] == ord(":")).all(axis=1)
    fine &= (group.lengths[:, at : at + clock] <= 2).all(axis=1)
    return fine & _put_fraction(made, group, at + 3)


def _put_fraction(made: Fields, group: Group, at: int) -> Any:
    """The fraction of a second, cut off after the µs."""
    if group.values.shape[1] <= at:
        return np.ones(len(group.rows), bool)
    if group.values.shape[1] > at + 1:
        return np.zeros(len(group.rows), bool)
    length = group.lengths[:, at]
    nanos = group.values[:, at] * 10 ** np.clip(9 - length, 0, 9)
    made.fraction[group.rows] = nanos // 1000
    fine: Array = np.isin(group.between[:, at - 1], (ord("."), ord(","))) & (length <= 9)
    return fine


def assemble(fields: Fields, order: str, afternoon: Array | None) -> tuple[Array, Array]:
    """µs of the wall clock, and where there is no such time (the 31st of June, 25:00)."""
    if not order:
        return np.full(len(fields.date), NO_TIME), np.zeros(len(fields.date), bool)
    year, month, day = (fields.date[:, order.index(part)] for part in "YMD")
    bad = fields.year_first != (order == "YMD")
    year = np.where(
        ~fields.year_first & (fields.year_last == 2), year + np.where(year < 70, 2000, 1900), year
    )
    bad |= (year < 1700) | (year > 2200) | (month < 1) | (month > 12) | (day < 1)
    months = np.where(bad, 0, (year - 1970) * 12 + month - 1).view("datetime64[M]")
    start = months.astype("datetime64[D]").view(np.int64)
    bad |= day > (months + np.timedelta64(1, "M")).astype("datetime64[D]").view(np.int64) - start
    hour = fields.clock[:, 0]
    if afternoon is not None:
        bad |= (hour < 1) | (hour > 12) | (afternoon == 2)
        hour = hour % 12 + 12 * afternoon
    # 24:00 is the midnight that ends a day
    bad |= (
        (hour > 24)
        | ((hour == 24) & ((fields.clock[:, 1] > 0) | (fields.clock[:, 2] > 0)))
        | (fields.clock[:, 1] > 59)
        | (fields.clock[:, 2] > 59)
    )
    seconds = (hour * 60 + fields.clock[:, 1]) * 60 + fields.clock[:, 2]
    micros = (start + day - 1) * _DAY + seconds * 10**6 + fields.fraction
    return np.where(bad, NO_TIME, micros), bad


# ------------------------------------------------------------------------------------- day, month, year


def decide(
    fields: Fields, bad: Array, day_first: bool | None, named_at: int | None, parts: bool = False
) -> Order:
    """The order of the parts of the dates: named months and four-digit years tell, else the whole column.
    ``parts``: each date stands for many rows of its day."""
    good = ~bad
    if fields.year_first[good].all():
        return Order("YMD", "the year comes first")
    first, second = fields.date[good, 0], fields.date[good, 1]
    if named_at is not None:
        return Order("MDY" if named_at == 0 else "DMY", "the months are named")
    if day_first is not None:
        return Order("DMY" if day_first else "MDY", "chosen")
    over_first, over_second = int(first.max(initial=0)), int(second.max(initial=0))
    if (over_first > 12) != (over_second > 12):
        order, part, most = (
            ("DMY", "first", over_first) if over_first > 12 else ("MDY", "second", over_second)
        )
        if _exchanged(fields, good, order):
            return Order("", _PLACES, _readings(fields, good))
        return Order(order, f"the {part} part goes up to {most}")
    if over_first > 12:  # rows of the one kind are faults; those of the first tell which
        return Order("DMY", f"the first part goes up to {over_first}")
    if (first == second).all():
        return Order("DMY", "day and month are the same number in every row")
    return _by_steps(fields, good, parts)


def _readings(fields: Fields, good: Array) -> tuple[str, str]:
    """The first date that may be read both ways, day first and month first."""
    both = good & (fields.date[:, :2] <= 12).all(axis=1)
    where = np.flatnonzero(both if both.any() else good)[0]
    day, month = (
        str((assemble(fields, order, None)[0][where] // _DAY).view("datetime64[D]"))
        for order in ("DMY", "MDY")
    )
    return day, month


def _exchanged(fields: Fields, good: Array, order: str) -> bool:
    """Whether the rows jump to and fro, and do not once those that can be read both ways are read the other way."""
    made, _ = assemble(fields, order, None)
    other, _ = assemble(fields, "MDY" if order == "DMY" else "DMY", None)
    both = (fields.date[:, :2] <= 12).all(axis=1) & (fields.date[:, 0] != fields.date[:, 1])
    mended = np.where(both, other, made)[good]
    return bool(both[good].sum() > 2 and not _one_way(made[good]) and _one_way(mended))


def _one_way(micros: Array) -> bool:
    steps = np.diff(micros)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _by_steps(fields: Fields, good: Array, parts: bool) -> Order:
    """Both readings fit every row. Candles of part of a day fall on days that follow one another, not
    on one day in each of several months; for whole days nothing can be told."""
    days = {}
    for order in ("DMY", "MDY"):
        micros, wrong = assemble(fields, order, None)
        days[order] = np.unique(micros[good & ~wrong] // _DAY)
    readings = _readings(fields, good)
    rows = int(good.sum())
    if len(days["DMY"]) > 1 and (parts or rows > 3 * len(days["DMY"])):
        close = {order: bool((np.diff(each) <= 5).all()) for order, each in days.items()}
        apart = {order: bool((np.diff(each) >= 27).all()) for order, each in days.items()}
        for order, other in (("DMY", "MDY"), ("MDY", "DMY")):
            if close[order] and apart[other]:
                return Order(
                    order, "so read the days follow one another; else they are months apart", readings
                )
    return Order("", "day and month cannot be told apart", readings)


def pattern_of(fields: Fields, bad: Array, order: str, named_at: int | None, half: bool, offset: bool) -> str:
    """The format in words of the trade: ``DD MM YYYY HH:MM``."""
    good = np.flatnonzero(~bad)
    if not len(good):
        return "text"
    at = int(good[fields.depth[good].argmax()])
    names = {"Y": "YYYY", "M": "MM" if named_at is None else "MMM", "D": "DD", "?": "??"}
    if not fields.year_first[at] and fields.year_last[at] == 2:
        names["Y"] = "YY"
    mark = chr(fields.mark[at]) if fields.mark[at] else ""
    made = mark.join(names[part] for part in order or "??Y")
    made += ("", "", " HH:MM", " HH:MM:SS")[int(fields.depth[at])]
    if fields.fraction[good].any():
        made += ".f"
    return made + (" AM/PM" if half else "") + (" ±offset" if offset else "")
