"""Candles of both sides of the market: a bid and an ask for each of the four prices, and which to take.

Found by name (``bidopen``, ``Ask High``, ``close_bid``), or without a header by the data: two runs of four
prices that can be candles, the second above the first. The mid is half of both, price by price; its high
and low come close to those of the mid's own ticks, which the file does not hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from lib.candles import PRICES
from lib.files.columns.cells import is_missing, numeric
from lib.files.columns.columns import Roles
from lib.files.columns.words import meaning, plain
from lib.files.model import Choices
from lib.files.texts.layout import Layout

__all__ = ["OTHER", "Sides", "find"]

# Role of the second price of a mid.
OTHER = {price: f"ask {price}" for price in PRICES}
_SHORT = {"o": "open", "h": "high", "l": "low", "c": "close"}
_SIDES = {"bid": "bid", "ask": "ask", "geld": "bid", "brief": "ask", "offer": "ask"}
_NAME = re.compile(
    r"(?:(bid|ask|b|a) ?(?:price )?(open|high|low|close|[ohlc])|(open|high|low|close) ?(?:price )?(bid|ask))"
)


@dataclass(frozen=True, slots=True)
class Sides:
    """``roles`` hold the prices of the side taken; for the mid, those of the ask too, as in ``OTHER``."""

    roles: Roles
    side: str
    options: tuple[str, ...]
    why: str


def find(found: Layout, roles: Roles, choices: Choices) -> Sides | None:
    """The prices of both sides, or None where there is one set of prices."""
    if any(choices.columns.get(price) for price in PRICES):
        return None
    sides = _named(found) if found.header else _by_place(found, roles)
    whole = {side: at for side, at in sides.items() if len(at) == 4}
    if not whole or (found.header and len({"open", "high", "low"} & roles.at.keys()) == 3):
        return None
    options = ("bid", "ask", "mid") if len(whole) == 2 else tuple(whole)
    side = choices.side if choices.side in options else options[0]
    taken = whole["bid" if side == "mid" else side]
    at = {role: place for role, place in roles.at.items() if role not in PRICES} | taken
    if side == "mid":
        at |= {OTHER[price]: place for price, place in whole["ask"].items()}
    used = {place for each in whole.values() for place in each.values()}
    if at.get("volume") in used:
        del at["volume"]
    why = "there are candles of the " + " and of the ".join(whole)
    undecided = {role: labels for role, labels in roles.undecided.items() if role not in PRICES}
    reasons = {**roles.why, **dict.fromkeys(PRICES, f"the {side}'s")}
    return Sides(replace(roles, at=at, undecided=undecided, why=reasons), side, options, why)


def _named(found: Layout) -> dict[str, dict[str, int]]:
    made: dict[str, dict[str, int]] = {}
    for at, label in enumerate(found.names):
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label)
        hit = _NAME.fullmatch(" ".join(re.sub(r"[\W_]+", " ", spaced.casefold()).split()))
        side, price = _foreign(label) if hit is None else (hit[1], hit[2]) if hit[1] else (hit[4], hit[3])
        if not side:
            continue
        side = {"b": "bid", "a": "ask"}.get(side, side)
        made.setdefault(side, {}).setdefault(_SHORT.get(price, price), at)
    return {side: made[side] for side in ("bid", "ask") if side in made}


def _foreign(label: str) -> tuple[str, str]:
    """Side and price of a name whose word for the price is of another language: ``始値(BID)``."""
    words = plain(label).split()
    side = next((_SIDES[word] for word in words if word in _SIDES), "")
    price = meaning(" ".join(word for word in words if word not in _SIDES)) if side else ""
    return (side, price) if price in PRICES else ("", "")


def _by_place(found: Layout, roles: Roles) -> dict[str, dict[str, int]]:
    """Two runs of four, each followed by a size or not."""
    rows = [row for row in found.rows if len(row) == found.width]
    start = max(roles.times, default=0) + 1
    for gap in (0, 1):
        second = start + 4 + gap
        if second + 4 > found.width:
            continue
        runs = [_figures(rows, start), _figures(rows, second)]
        if all(_candles(run) for run in runs) and _above(*runs):
            return {
                side: dict(zip(PRICES, range(at, at + 4), strict=True))
                for side, at in (("bid", start), ("ask", second))
            }
    return {}


def _figures(rows: list[tuple[str, ...]], at: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    cells = [row[at : at + 4] for row in rows]
    whole = [row for row in cells if all(numeric(cell) for cell in row)]
    if len(whole) < len([row for row in cells if not all(is_missing(cell) for cell in row)]):
        return np.empty((0, 4))
    try:
        return np.array([[float(cell.replace(",", ".")) for cell in row] for row in whole]).reshape(-1, 4)
    except ValueError:
        return np.empty((0, 4))


def _candles(run: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> bool:
    if not len(run):
        return False
    fine = (run[:, 1] == run.max(axis=1)) & (run[:, 2] == run.min(axis=1)) & (run > 0).all(axis=1)
    return bool(fine.mean() > 0.95)


def _above(
    one: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    other: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> bool:
    if len(one) != len(other):
        return False
    with np.errstate(all="ignore"):
        apart = (other[:, 3] - one[:, 3]) / one[:, 3]
        return bool(((apart >= 0) & (apart < 0.1)).mean() > 0.9)
