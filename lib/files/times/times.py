"""Fifth stage: texts and counts to times. The format is decided over the whole column, never by row.

A text time is year-month-day, day-month-year or month-day-year with any of ``-/.`` or blanks, months as
numbers or names in any of ten languages, compact (``20110301 090100``), with or without a time of day, a fraction, AM
or PM, an offset. Times without an offset come out as local ones; :mod:`lib.files.times.zones` makes them UTC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.errors import FileRefused
from lib.files.columns.cells import MONTHS, RARE, TIDY, ZONES, is_time, tidy
from lib.files.times.eras import gregorian
from lib.files.times.fields import NO_TIME, Order, assemble, cut_fields, decide, pattern_of
from lib.files.times.fractions import DOTTED, FRACTIONS, MILLIS, are_fractions, as_clock, as_date, of_millis
from lib.files.times.months import month_of
from lib.files.times.sixdigits import spelled

__all__ = [
    "COUNTS",
    "EDGES",
    "EPOCH_UNITS",
    "NO_TIME",
    "Order",
    "Parsed",
    "clock_digits",
    "count_of",
    "epoch_unit",
    "from_epoch",
    "order_of",
    "parse_texts",
]

Array = np.ndarray[Any, Any]
EPOCH_UNITS = ("s", "ms", "us", "ns")
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY = 86400 * 10**6
# Counts that are no seconds: µs of one, and the count of 1970-01-01. Spreadsheets count days from the end of 1899,
# MATLAB from the year 0.
COUNTS = {
    "serial": (_DAY, 25569), "datenum": (_DAY, 719529), "days": (_DAY, 0),
    "minutes": (60 * 10**6, 0),
}  # fmt: skip
_SIZES = {
    "days": (3652, 23741), "serial": (25569, 80000), "datenum": (690000, 800000),
    "minutes": (5260320, 36816480),
}  # fmt: skip
# 1700-01-01 and 2201-01-01: what is told of times outside is no series of candles.
EDGES = (-8520336000 * 10**6, 7289654400 * 10**6)
_NAMED = "|".join(sorted(ZONES, key=len, reverse=True))
_OFFSET = (
    rf"(?i)^(?P<text>.*?\d(?:\s?[ap]m)?)\s?(?P<offset>{_NAMED}|(?:UTC|GMT)?[+-]\d{{1,2}}(?::?\d{{2}})?)$"
)
_TAIL = re.compile(rf"(?i)\d(?:\s?[ap]m)?\s?(?:{_NAMED}|(?:UTC|GMT)?[+-]\d{{1,2}}(?::?\d{{2}})?)$")
_REGION = re.compile(r" (?P<zone>[A-Z][A-Za-z]+/[A-Z][A-Za-z_/]+)$")
# What a country's time of day is called, summer and winter.
_CIVIL = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}
_COMPACT = re.compile(r"\d{8}[T ]\d{4,6}")


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


def count_of(values: Array) -> str:
    """The kind of count (see ``COUNTS``) that a column named for times holds, told by its size: days of 1980 to
    2034, a spreadsheet's of 1970 to 2119, MATLAB's, or minutes of 1980 to 2040; nothing for others."""
    known = values[np.isfinite(values)]
    if not len(known):
        return ""
    low, high = float(known.min()), float(known.max())
    for kind, (first, last) in _SIZES.items():
        if first <= low and high < last:
            return kind
    return ""


def from_epoch(values: Array, unit: str) -> Array:
    """int64 µs of counts since 1970; float counts keep their fraction down to the µs. NO_TIME for NaN, and
    for what lies before 1700 or after 2200."""
    if unit == "mixed":
        size = np.abs(values.astype(np.float64))
        made = np.full(len(values), NO_TIME)
        for each, low, high in (("s", 0, 1e11), ("ms", 1e11, 1e14), ("us", 1e14, 1e17), ("ns", 1e17, np.inf)):
            mask = (size >= low) & (size < high)
            made[mask] = from_epoch(values[mask], each)
        return made
    if unit in COUNTS:
        micros, zero = COUNTS[unit]
        shifted = np.asarray(values, np.float64) - zero
        known = np.abs(shifted) * micros < EDGES[1]
        # a fraction of a day is some µs off: to the second
        return np.where(
            known,
            np.round(np.where(known, shifted, 0.0) * (micros / 10**6)).astype(np.int64) * 10**6,
            NO_TIME,
        )
    per = _PER_SECOND[unit]
    first, last = (edge * per // 10**6 for edge in EDGES)
    with np.errstate(invalid="ignore"):
        inside = (values >= first) & (values < last)
    if values.dtype.kind in "iu":
        counts = values if inside.all() else np.where(inside, values, 0)
        made = counts * (10**6 // per) if per <= 10**6 else counts // (per // 10**6)
    else:
        made = np.round(np.where(inside, values, 0.0) * (10**6 / per)).astype(np.int64)
    return made if inside.all() else np.where(inside, made, NO_TIME)


# ------------------------------------------------------------------------------------------------ texts


def parse_texts(
    texts: pa.Array,
    *,
    day_first: bool | None = None,
    clock: pa.Array | None = None,
    local: bool = False,
    digits: int = 0,
    parts: bool = False,
) -> Parsed:
    """Times of a string array (nulls are bad), or of dates and times of day apart from them.

    Where the order of day and month cannot be told, ``order.value`` is empty and ``micros`` are
    NO_TIME throughout: the caller asks. ``local``: offsets are cut off, and the wall clock stays. ``digits``:
    how many a time of day without colons has, where that is known already: 2, 4 or 6. ``parts``: each date stands
    for many rows, which are parts of its day. Costs about 0.3 s for a million rows.
    """
    if clock is not None:
        return _parse_split(texts, clock, day_first, digits)
    texts, era = gregorian(_clean(texts))
    texts, offsets, seen_offset = _split_offset(spelled(texts))
    texts, afternoon = _split_half(texts)
    texts, named_at = _name_months(texts)
    fields, bad = cut_fields(texts)
    order = decide(fields, bad, day_first, named_at, parts)
    micros, wrong = assemble(fields, order.value, afternoon)
    bad |= wrong
    if seen_offset:
        bad |= offsets == NO_TIME
        seen_offset = not local
        micros = micros if local else micros - np.where(bad, 0, offsets)
    pattern = pattern_of(fields, bad, order.value, named_at, afternoon is not None, seen_offset)
    pattern += f" of {era}" if era else ""
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
    """One array without nulls, blanks around, names of weekdays, and the signs of Chinese and Japanese dates."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks() if texts.num_chunks != 1 else texts.chunk(0)
    clean = pc.utf8_trim_whitespace(pc.fill_null(texts, ""))
    head = set(clean[:1000].to_pylist())
    if all(tidy(each) == each for each in head):
        return clean
    if region := _REGION.search(_probe(clean)):  # of one zone: a row of another is a fault
        same = pc.equal(pc.extract_regex(clean, _REGION.pattern).field("zone"), region["zone"])
        clean = pc.if_else(pc.fill_null(same, fill_value=False), clean, "")
    months = next((each for each in MONTHS if all(re.search(each[0], cell) for cell in head if cell)), None)
    seen = {*head, *map(tidy, head)}
    rare = [each for each in RARE if any(re.search(each[0], cell) for cell in seen)]
    for pattern, put in (*TIDY, *rare, *((months,) if months else ())):
        clean = pc.replace_substring_regex(clean, pattern, put)
    return pc.utf8_trim_whitespace(clean)


def _parse_split(dates: pa.Array, clocks: pa.Array, day_first: bool | None, digits: int) -> Parsed:
    """Few days and few times of day repeat over many rows: each is parsed once, and looked up."""
    day_codes, days = _unique(dates)
    clock_codes, times = _unique(clocks)
    cells = times.to_pylist()
    fractional = digits == FRACTIONS or (not digits and are_fractions(cells))
    if fractional:
        times, digits = pa.array(map(as_clock, cells), pa.string()), 0
        days = pa.array(map(as_date, days.to_pylist()), pa.string())
    elif digits == MILLIS:
        times = pa.array(map(of_millis, cells), pa.string())
    else:
        dotted = pc.match_substring_regex(times, DOTTED)
        times = pc.if_else(dotted, pc.replace_substring(times, ".", ":"), times)
    parsed = parse_texts(days, day_first=day_first, parts=len(day_codes) > 3 * len(days))
    texts, afternoon = _split_half(_clean(times))
    clock_micros, clock_bad = _clock(texts, afternoon, digits)
    bad = parsed.bad[day_codes] | clock_bad[clock_codes]
    whole_days = parsed.micros % _DAY == 0
    bad |= ~whole_days[day_codes] & ~parsed.bad[day_codes]
    micros = parsed.micros[day_codes] + np.where(bad, 0, clock_micros[clock_codes])
    longest = int(max((len(each) for each in texts.to_pylist()), default=0))
    if fractional or digits == MILLIS:
        shown = "fractions of a day" if fractional else "milliseconds of the day"
    elif pc.any(pc.match_substring(texts, ":")).as_py():
        shown = "HH:MM:SS" if longest > 5 else "HH:MM"
    else:
        shown = "HHMMSS" if longest > 4 or digits == 6 else "HH" if (digits or longest) <= 2 else "HHMM"
    pattern = f"{parsed.pattern} and {shown}"
    return Parsed(np.where(bad, NO_TIME, micros), bad, parsed.utc, parsed.order, pattern)


def _unique(texts: pa.Array) -> tuple[Array, pa.Array]:
    clean = texts if pa.types.is_dictionary(texts.type) else _clean(texts)
    if isinstance(clean, pa.ChunkedArray):
        clean = clean.unify_dictionaries().combine_chunks()
        clean = clean.chunk(0) if isinstance(clean, pa.ChunkedArray) else clean
    coded = clean if pa.types.is_dictionary(clean.type) else clean.dictionary_encode()
    codes = pc.fill_null(coded.indices, len(coded.dictionary)).to_numpy(zero_copy_only=False)
    return codes, pa.concat_arrays([coded.dictionary.cast(pa.string()), pa.array([""])])


def clock_digits(pattern: str) -> int:
    """How many digits times of day without colons have in such a pattern; 0 where it has none, and ``FRACTIONS`` for
    parts of a day, ``MILLIS`` for counts."""
    if pattern.endswith(("fractions of a day", "milliseconds of the day")):
        return FRACTIONS if pattern.endswith(" of a day") else MILLIS
    return next((size for size in (6, 4, 2) if pattern.endswith(" " + "HHMMSS"[:size])), 0)


def _clock(texts: pa.Array, afternoon: Array | None, digits: int) -> tuple[Array, Array]:
    """µs since midnight of times of day: HH:MM[:SS[.f]], and HHMMSS, HHMM or HH without colons. Which of
    them the longest one tells, as zeros ahead may be left out, if ``digits`` does not."""
    raw = texts.to_pylist()
    longest = max((len(each) for each in raw if each.isdigit()), default=0)
    width = digits or (6 if longest > 4 else 2 if 0 < longest <= 2 else 4)
    padded = [each.zfill(width) + ("00" if width == 2 else "") if each.isdigit() else each for each in raw]
    fields, bad = cut_fields(pa.array(["20000101 " + each if each else "" for each in padded], pa.string()))
    micros, wrong = assemble(fields, "YMD", afternoon)
    if longest > width:
        bad |= np.array([each.isdigit() and len(each) > width for each in raw])
    return micros - 10957 * _DAY, bad | wrong


def zone_in(cells: Sequence[str]) -> str:
    """The zone that every time ends with, such as US/Eastern, or ET for New York's; or nothing."""
    hits = [(cell, _REGION.search(cell)) for cell in cells if cell]
    names = {hit["zone"] if hit else _CIVIL.get(cell.rpartition(" ")[2], "") for cell, hit in hits}
    return names.pop() if len(names) == 1 else ""


def _probe(texts: pa.Array) -> str:
    """A text that is a time, to see what kinds of marks the column has."""
    head = [each for each in texts[:1000].to_pylist() if each]
    return next((each for each in head if is_time(each)), head[0] if head else "")


def _split_offset(texts: pa.Array) -> tuple[pa.Array, Array, bool]:
    """Cut ``Z``, ``UTC``, ``+02:00`` from the end, where the first text has one."""
    probe = _probe(texts)
    clock_at = probe.find(":") if ":" in probe else 9 if _COMPACT.match(probe) else -1
    if clock_at < 0 or not _TAIL.search(probe[clock_at:]):
        return texts, np.empty(0, np.int64), False
    parts = pc.extract_regex(texts, _OFFSET)
    text = pc.fill_null(parts.field("text"), "")
    coded = pc.fill_null(parts.field("offset"), "").dictionary_encode()
    micros = np.array([_offset_micros(each) for each in coded.dictionary.to_pylist()], np.int64)
    return text, micros[coded.indices.to_numpy(zero_copy_only=False)], True


def _offset_micros(text: str) -> int:
    if not text:
        return NO_TIME
    if text.upper() in ZONES:
        return ZONES[text.upper()] * 3600 * 10**6
    text = re.sub("(?i)^(utc|gmt)", "", text)
    digits = text[1:].replace(":", "")
    digits = digits.zfill(len(digits) + len(digits) % 2).ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes > 15 * 60 or int(digits[2:]) > 59:
        return NO_TIME
    return (minutes if text[0] == "+" else -minutes) * 60 * 10**6


def _split_half(texts: pa.Array) -> tuple[pa.Array, Array | None]:
    """Cut AM and PM; the answer is 0 for AM, 1 for PM, 2 for neither, or None where none has one."""
    probe = _probe(texts).lower().replace(".", "")
    if not probe.endswith(("am", "pm")):
        return texts, None
    lower = pc.replace_substring(pc.utf8_lower(texts), "m.", "m")
    lower = pc.replace_substring(pc.replace_substring(lower, "a.m", "am"), "p.m", "pm")
    pm = pc.ends_with(lower, "pm").to_numpy(zero_copy_only=False)
    am = pc.ends_with(lower, "am").to_numpy(zero_copy_only=False)
    cut = pc.utf8_trim_whitespace(pc.replace_substring_regex(lower, r"\s?[ap]m$", ""))
    return cut, np.where(pm, 1, np.where(am, 0, 2))


def _name_months(texts: pa.Array) -> tuple[pa.Array, int | None]:
    """Names of months to numbers; the answer is the part of the date that was named, or None."""
    probe = _probe(texts)
    named = re.search(r"[^\W\d_]{3,}", probe)
    if named is None:
        return texts, None
    found = pc.extract_regex(texts, r"(?P<word>\p{L}{3,})\.?").field("word")
    for word in pc.unique(pc.drop_null(found)).to_pylist()[:400]:
        number = month_of(word)
        if number:
            texts = pc.replace_substring(texts, word, f"{number:02d}")
    tidied = pc.replace_substring_regex(texts, r"^(\d+)\.?[-/., ]+(\d+)\.?[-/., ]+(\d+)", r"\1-\2-\3")
    return tidied, 0 if named.start() == 0 else 1
