"""Dates of six digits, 240131, 24-01-31 or 310124: which two of them are the year is decided over the whole column."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["order_of", "spelled"]

# The place of the year, the month and the day.
_PARTED = re.compile(r"(\d\d)([-/.])(\d\d)\2(\d\d)(?!\d)")
_ORDERS = {"YMD": (0, 2, 4), "DMY": (4, 2, 0), "MDY": (4, 0, 2)}


def order_of(cells: Sequence[str]) -> str:
    """``YMD``, ``DMY`` or ``MDY``; nothing where the cells are no such dates, or where several orders fit.

    An order fits where every cell is a date in it; of several, the one in which the dates ascend
    or descend, and in the shortest time by far."""
    texts = [cell for cell in cells if cell]
    if len(texts) < 3 or not all(re.fullmatch(r"\d{6}", text) for text in texts):
        return ""
    values = np.array(texts, dtype="U6").astype(np.int64)
    fits = {order: _days(values, order) for order in _ORDERS}
    known = {order: days for order, days in fits.items() if days is not None}
    steady = [
        order for order, days in known.items() if (np.diff(days) >= 0).all() or (np.diff(days) <= 0).all()
    ]
    if len(set(texts)) < 2:
        return ""
    if len(known) == 1 or len(steady) == 1:
        return steady[0] if len(steady) == 1 else next(iter(known))
    spans = sorted((int(np.ptp(known[order])), order) for order in steady)
    return spans[0][1] if len(spans) > 1 and spans[0][0] * 10 < spans[1][0] else ""


def _days(
    values: np.ndarray[tuple[int], np.dtype[np.int64]], order: str
) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    year, month, day = (values // 10 ** (4 - at) % 100 for at in _ORDERS[order])
    if month.min() < 1 or month.max() > 12 or day.min() < 1 or day.max() > 31:
        return None
    made: np.ndarray[tuple[int], np.dtype[np.int64]] = (
        np.where(year < 70, year + 100, year) * 12 + month
    ) * 31 + day
    return made


def spelled(texts: pa.Array) -> pa.Array:
    """The dates with four digits for the year where it comes first, else parted by dashes; other texts as they
    are."""
    head = [each for each in texts[:1000].to_pylist() if each]
    parted = [_PARTED.match(each) for each in head]
    if head and all(parted):
        if order_of(["".join(hit.group(1, 3, 4)) for hit in parted if hit]) != "YMD":
            return texts
        late = pc.replace_substring_regex(texts, r"^([0-6]\d[-/.]\d\d[-/.]\d\d)", r"20\1")
        return pc.replace_substring_regex(late, r"^([7-9]\d[-/.]\d\d[-/.]\d\d)([^\d]|$)", r"19\1\2")
    order = order_of(head)
    if not order or not pc.all(pc.match_substring_regex(texts, r"^(\d{6})?$")).as_py():
        return texts
    if order != "YMD":
        return pc.replace_substring_regex(texts, r"^(\d\d)(\d\d)(\d\d)$", r"\1-\2-\3")
    late = pc.replace_substring_regex(texts, r"^([0-6]\d{5})$", r"20\1")
    return pc.replace_substring_regex(late, r"^([7-9]\d{5})$", r"19\1")
