"""Fifth stage: texts and counts to times. The format is decided over the whole column, never by row.

A text time is year-month-day, day-month-year or month-day-year with any of ``-/.`` or blanks, months as
numbers or English names, compact (``20110301 090100``), with or without a time of day, a fraction, AM
or PM, an offset. Times without an offset come out as local ones; :mod:`lib.files.zones` makes them UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.errors import FileRefused
from lib.files.tokens import Group, groups

__all__ = ["EPOCH_UNITS", "Order", "Parsed", "epoch_unit", "from_epoch", "order_of", "parse_texts"]

Array = np.ndarray[Any, Any]
EPOCH_UNITS = ("s", "ms", "us", "ns")
NO_TIME = np.iinfo(np.int64).min
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86400 * 10**6
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    "january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_DATE_BETWEEN = np.frombuffer(b"-/. ", np.uint8)
_MIDDLE = np.frombuffer(b" tT_,;", np.uint8)
_OFFSET = r"^(?P<text>.*?\d)\s?(?P<offset>[zZ]|UTC|GMT|utc|gmt|[+-]\d{2}(?::?\d{2})?)$"


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a date's parts: ``YMD``, ``DMY`` or ``MDY``; empty where both of the last fit."""

    value: str
    why: str
    readings: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Parsed:
    """``micros``: int64 µs since 1970, of the wall clock where ``utc`` is False; ``NO_TIME`` where the
    text is no time (``bad``). ``pattern`` describes the format for people."""

    micros: Array
    bad: Array
    utc: bool
    order: Order
    pattern: str


# ----------------------------------------------------------------------------------------------- epoch


def epoch_unit(values: Array) -> str:
    """Seconds, ms, µs or ns since 1970, told by size; ``mixed`` where a column has several.

    1e11 seconds is the year 5138 and 1e11 milliseconds March 1973: no series of candles has both.
    """
    sizes = np.abs(values[np.isfinite(values)])
    if not len(sizes):
        return "s"
    units = {_unit_of(float(sizes.min())), _unit_of(float(sizes.max()))}
    return units.pop() if len(units) == 1 else "mixed"


def _unit_of(size: float) -> str:
    return "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"


def from_epoch(values: Array, unit: str) -> Array:
    """int64 µs of counts since 1970; float counts keep their fraction down to the µs. NaN: NO_TIME."""
    if unit == "mixed":
        size = np.abs(values.astype(np.float64))
        made = np.full(len(values), NO_TIME)
        for each, low, high in (("s", 0, 1e11), ("ms", 1e11, 1e14), ("us", 1e14, 1e17), ("ns", 1e17, np.inf)):
            mask = (size >= low) & (size < high)
            made[mask] = from_epoch(values[mask], each)
        return made
    per = _PER_SECOND[unit]
    if values.dtype.kind in "iu":
        counts = values.astype(np.int64, copy=False)
        return counts * (10**6 // per) if per <= 10**6 else counts // (per // 10**6)
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        scaled = np.round(np.where(known, values, 0) * (10**6 / per))
    usable = known & (np.abs(scaled) < 9e18)
    return np.where(usable, np.where(usable, scaled, 0).astype(np.int64), NO_TIME)


# ------------------------------------------------------------------------------------------------ texts


def parse_texts(texts: pa.Array, *, day_first: bool | None = None, clock: pa.Array | None = None) -> Parsed:
    """Times of a string array (nulls are bad), or of dates and times of day apart from them.

    Where the order of day and month cannot be told, ``order.value`` is empty and ``micros`` are
    NO_TIME throughout: the caller asks. Costs about 0.3 s for a million rows.
    """
    if clock is not None:
        return _parse_split(texts, clock, day_first)
    texts, offsets, seen_offset = _split_offset(_clean(texts))
    texts, afternoon = _split_half(texts)
    texts, named_at = _name_months(texts)
    fields, bad = _fields(texts)
    order = _decide(fields, bad, day_first, named_at)
    micros, wrong = _assemble(fields, order.value, afternoon)
    bad |= wrong
    if seen_offset:
        bad |= offsets == NO_TIME
        micros = micros - np.where(bad, 0, offsets)
    pattern = _pattern(fields, bad, order.value, named_at, afternoon is not None, seen_offset)
    return Parsed(np.where(bad, NO_TIME, micros), bad, seen_offset, order, pattern)


def order_of(parsed: Parsed, texts: pa.Array, name: str) -> str:
    """The order, or ``FileRefused`` that shows both readings of the first date."""
    if parsed.order.value:
        return parsed.order.value
    first = next((str(each) for each in texts.to_pylist() if each), "")
    day, month = parsed.order.readings
    raise FileRefused(
        f"{name}: the dates can be read day first or month first; {first!r} is {day} or {month}.",
        remedy="Say whether the day or the month comes first.",
        file=name, question="day_first",
    )  # fmt: skip


def _clean(texts: pa.Array) -> pa.Array:
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks() if texts.num_chunks != 1 else texts.chunk(0)
    return pc.utf8_trim_whitespace(pc.fill_null(texts, ""))


def _parse_split(dates: pa.Array, clocks: pa.Array, day_first: bool | None) -> Parsed:
    """Few days and few times of day repeat over many rows: each is parsed once, and looked up."""
    day_codes, days = _unique(dates)
    parsed = parse_texts(days, day_first=day_first)
    clock_codes, times = _unique(clocks)
    texts, afternoon = _split_half(_clean(times))
    clock_micros, clock_bad = _clock(texts, afternoon)
    bad = parsed.bad[day_codes] | clock_bad[clock_codes]
    whole_days = parsed.micros % _DAY == 0
    bad |= ~whole_days[day_codes] & ~parsed.bad[day_codes]
    micros = parsed.micros[day_codes] + np.where(bad, 0, clock_micros[clock_codes])
    longest = int(max((len(each) for each in texts.to_pylist()), default=0))
    shown = ("HH:MM:SS" if longest > 5 else "HH:MM") if pc.any(pc.match_substring(texts, ":")).as_py() else "HHMM"
    pattern = f"{parsed.pattern} and {shown if longest <= 5 or ':' in shown else 'HHMMSS'}"
    return Parsed(np.where(bad, NO_TIME, micros), bad, parsed.utc, parsed.order, pattern)


def _unique(texts: pa.Array) -> tuple[Array, pa.Array]:
    clean = texts if pa.types.is_dictionary(texts.type) else _clean(texts)
    if isinstance(clean, pa.ChunkedArray):
        clean = clean.unify_dictionaries().combine_chunks()
        clean = clean.chunk(0) if isinstance(clean, pa.ChunkedArray) else clean
    coded = clean if pa.types.is_dictionary(clean.type) else clean.dictionary_encode()
    codes = pc.fill_null(coded.indices, len(coded.dictionary)).to_numpy(zero_copy_only=False)
    return codes, pa.concat_arrays([coded.dictionary.cast(pa.string()), pa.array([""])])


def _clock(texts: pa.Array, afternoon: Array | None) -> tuple[Array, Array]:
    """µs since midnight of times of day: HH:MM[:SS[.f]], and HHMMSS or HHMM without colons."""
    raw = texts.to_pylist()
    longest = max((len(each) for each in raw if each.isdigit()), default=0)
    padded = [each.zfill(6 if longest > 4 else 4) if each.isdigit() else each for each in raw]
    fields, bad = _fields(pa.array(["20000101 " + each if each else "" for each in padded], pa.string()))
    micros, wrong = _assemble(fields, "YMD", afternoon)
    return micros - 10957 * _DAY, bad | wrong


def _split_offset(texts: pa.Array) -> tuple[pa.Array, Array, bool]:
    """Cut ``Z``, ``UTC``, ``+02:00`` from the end, where the first text has one."""
    probe = next((each for each in texts[:1000].to_pylist() if each), "")
    clock_at = probe.find(":")
    tail = probe[clock_at:] if clock_at >= 0 else ""
    if not tail or not (set(tail) & set("+-zZuUgG")):
        return texts, np.empty(0, np.int64), False
    parts = pc.extract_regex(texts, _OFFSET)
    text = pc.fill_null(parts.field("text"), "")
    codes, unique = _unique(parts.field("offset"))
    micros = np.array([_offset_micros(each) for each in unique.to_pylist()], np.int64)
    return text, micros[codes], True


def _offset_micros(text: str) -> int:
    if not text:
        return NO_TIME
    if text[0] not in "+-":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes > 15 * 60 or int(digits[2:]) > 59:
        return NO_TIME
    return (minutes if text[0] == "+" else -minutes) * 60 * 10**6


def _split_half(texts: pa.Array) -> tuple[pa.Array, Array | None]:
    """Cut AM and PM; the answer is 0 for AM, 1 for PM, 2 for neither, or None where none has one."""
    probe = next((each for each in texts[:1000].to_pylist() if each), "").lower().replace(".", "")
    if not probe.endswith(("am", "pm")):
        return texts, None
    lower = pc.replace_substring(pc.utf8_lower(texts), "m.", "m")
    lower = pc.replace_substring(pc.replace_substring(lower, "a.m", "am"), "p.m", "pm")
    pm = pc.ends_with(lower, "pm").to_numpy(zero_copy_only=False)
    am = pc.ends_with(lower, "am").to_numpy(zero_copy_only=False)
    cut = pc.utf8_trim_whitespace(pc.replace_substring_regex(lower, r"\s?[ap]m$", ""))
    return cut, np.where(pm, 1, np.where(am, 0, 2))


def _name_months(texts: pa.Array) -> tuple[pa.Array, int | None]:
    """English month names to numbers; the answer is the part of the date that was named, or None."""
    probe = next((each for each in texts[:1000].to_pylist() if each), "").lower()
    at = next((probe.find(month) for month in _MONTHS if month in probe), -1)
    if at < 0:
        return texts, None
    lower = pc.utf8_lower(texts)
    for number, name in enumerate(_LONG_MONTHS):
        month = number + 1 if number < 4 else number + 2
        lower = pc.replace_substring(lower, name, f"{month:02d}")
    for month, name in enumerate(_MONTHS, 1):
        lower = pc.replace_substring(lower, name, f"{month:02d}")
    tidy = pc.replace_substring_regex(lower, r"^(\d+)[-/., ]+(\d+)[-/., ]+(\d+)", r"\1-\2-\3")
    return tidy, 0 if at == 0 else 1


# ----------------------------------------------------------------------------------------------- fields


@dataclass(frozen=True, slots=True)
class _Fields:
    """Columns of numbers: three parts of the date in the order of the text, then the time of day."""

    date: Array  # (n, 3)
    year_first: Array  # bool: the first part has four digits
    year_last: Array  # 4, 2 or 0 digits of the last part
    clock: Array  # (n, 3) hour, minute, second
    fraction: Array  # µs
    depth: Array  # how many parts of the clock there are


def _fields(texts: pa.Array) -> tuple[_Fields, Array]:
    n = len(texts)
    made = _Fields(
        np.zeros((n, 3), np.int64), np.zeros(n, bool), np.zeros(n, np.int64),
        np.zeros((n, 3), np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64),
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
    return Group(group.rows[mask], group.values[mask], group.lengths[mask], group.between[mask], group.whole[mask])


def _fill_compact(made: _Fields, group: Group) -> Array:
    """YYYYMMDD, YYYYMMDDHHMM[SS], YYYYMMDD HHMM[SS], YYYYMMDD HH:MM[:SS[.f]]."""
    length, value = group.lengths[:, 0], group.values[:, 0]
    day = np.where(length == 14, value // 10**6, np.where(length == 12, value // 10**4, value))
    made.date[group.rows] = np.stack([day // 10000, day // 100 % 100, day % 100], axis=1)
    made.year_first[group.rows] = True
    if group.values.shape[1] == 1:
        rest = np.where(length == 14, value % 10**6, np.where(length == 12, value % 10**4 * 100, 0))
        _put_packed(made, group.rows, rest)
        made.depth[group.rows] = np.where(length == 14, 3, np.where(length == 12, 2, 0))
        fine: Array = np.isin(length, (8, 12, 14))
        return fine
    middle = np.isin(group.between[:, 0], _MIDDLE) & (length == 8)
    packed = np.isin(group.lengths[:, 1], (4, 6))
    if group.values.shape[1] <= 3 and packed.all():
        digits = group.lengths[:, 1]
        _put_packed(made, group.rows, np.where(digits == 4, group.values[:, 1] * 100, group.values[:, 1]))
        made.depth[group.rows] = np.where(digits == 4, 2, 3)
        return middle & _put_fraction(made, group, 2)
    return middle & _put_clock(made, group, 1)


def _put_packed(made: _Fields, rows: Array, hhmmss: Array) -> None:
    made.clock[rows] = np.stack([hhmmss // 10000, hhmmss // 100 % 100, hhmmss % 100], axis=1)


def _fill_parted(made: _Fields, group: Group) -> Array:
    """Three numbers with the same separator, then perhaps a time of day."""
    if group.values.shape[1] < 3:
        return np.zeros(len(group.rows), bool)
    made.date[group.rows] = group.values[:, :3]
    made.year_first[group.rows] = group.lengths[:, 0] == 4
    made.year_last[group.rows] = group.lengths[:, 2]
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


def _put_clock(made: _Fields, group: Group, at: int) -> Array:
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


def _put_fraction(made: _Fields, group: Group, at: int) -> Array:
    """The fraction of a second, which must end on a whole µs."""
    if group.values.shape[1] <= at:
        return np.ones(len(group.rows), bool)
    if group.values.shape[1] > at + 1:
        return np.zeros(len(group.rows), bool)
    length = group.lengths[:, at]
    nanos = group.values[:, at] * 10 ** np.clip(9 - length, 0, 9)
    made.fraction[group.rows] = nanos // 1000
    fine: Array = np.isin(group.between[:, at - 1], (ord("."), ord(","))) & (length <= 9) & (nanos % 1000 == 0)
    return fine


def _assemble(fields: _Fields, order: str, afternoon: Array | None) -> tuple[Array, Array]:
    """µs of the wall clock, and where there is no such time (the 31st of June, 25:00)."""
    if not order:
        return np.full(len(fields.date), NO_TIME), np.zeros(len(fields.date), bool)
    year, month, day = (fields.date[:, order.index(part)] for part in "YMD")
    bad = fields.year_first != (order == "YMD")
    year = np.where(~fields.year_first & (fields.year_last == 2), year + np.where(year < 70, 2000, 1900), year)
    bad |= (year < 1700) | (year > 2200) | (month < 1) | (month > 12) | (day < 1)
    months = np.where(bad, 0, (year - 1970) * 12 + month - 1).view("datetime64[M]")
    start = months.astype("datetime64[D]").view(np.int64)
    bad |= day > (months + 1).astype("datetime64[D]").view(np.int64) - start
    hour = fields.clock[:, 0]
    if afternoon is not None:
        bad |= (hour < 1) | (hour > 12) | (afternoon == 2)
        hour = hour % 12 + 12 * afternoon
    bad |= (hour > 23) | (fields.clock[:, 1] > 59) | (fields.clock[:, 2] > 59)
    seconds = (hour * 60 + fields.clock[:, 1]) * 60 + fields.clock[:, 2]
    micros = (start + day - 1) * _DAY + seconds * 10**6 + fields.fraction
    return np.where(bad, NO_TIME, micros), bad


# ------------------------------------------------------------------------------------- day, month, year


def _decide(fields: _Fields, bad: Array, day_first: bool | None, named_at: int | None) -> Order:
    good = ~bad
    if fields.year_first[good].all():
        return Order("YMD", "the year comes first")
    first, second = fields.date[good, 0], fields.date[good, 1]
    if named_at is not None:
        return Order("MDY" if named_at == 0 else "DMY", "the months are named")
    if day_first is not None:
        return Order("DMY" if day_first else "MDY", "chosen")
    over_first, over_second = int(first.max(initial=0)), int(second.max(initial=0))
    if over_first > 12:
        return Order("DMY", f"the first part goes up to {over_first}")
    if over_second > 12:
        return Order("MDY", f"the second part goes up to {over_second}")
    if (first == second).all():
        return Order("DMY", "day and month are the same number in every row")
    return _by_steps(fields, good)


def _by_steps(fields: _Fields, good: Array) -> Order:
    """Both readings fit every row. Candles of part of a day fall on days that follow one another, not
    on one day in each of several months; for whole days nothing can be told."""
    days = {}
    for order in ("DMY", "MDY"):
        micros, wrong = _assemble(fields, order, None)
        days[order] = np.unique(micros[good & ~wrong] // _DAY)
    where = np.flatnonzero(good)[0]
    shown = tuple(str((_assemble(fields, order, None)[0][where] // _DAY).view("datetime64[D]")) for order in days)
    readings = (shown[0], shown[1])
    rows = int(good.sum())
    if len(days["DMY"]) > 1 and rows > 3 * len(days["DMY"]):
        close = {order: bool((np.diff(each) <= 5).all()) for order, each in days.items()}
        apart = {order: bool((np.diff(each) >= 27).all()) for order, each in days.items()}
        for order, other in (("DMY", "MDY"), ("MDY", "DMY")):
            if close[order] and apart[other]:
                return Order(order, "so read the days follow one another; else they are months apart", readings)
    return Order("", "day and month cannot be told apart", readings)


def _pattern(
    fields: _Fields, bad: Array, order: str, named_at: int | None, half: bool, offset: bool
) -> str:
    good = np.flatnonzero(~bad)
    if not len(good):
        return "text"
    at = int(good[fields.depth[good].argmax()])
    year = "YY" if not fields.year_first[at] and fields.year_last[at] == 2 else "YYYY"
    month = "MMM" if named_at is not None else "MM"
    date = " ".join({"Y": year, "M": month, "D": "DD"}[part] for part in order or "??Y".replace("?", "D"))
    clock = ("", "", " HH:MM", " HH:MM:SS")[int(fields.depth[at])]
    return date + clock + (".f" if fields.fraction[good].any() else "") + (" AM/PM" if half else "") + (" ±offset" if offset else "")
