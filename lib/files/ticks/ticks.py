"""Quotes and trades become candles: which columns they are in, and the buckets made of them.

A file holds ticks where its columns are a bid and an ask (the ask seldom below the bid), or a price with
or without a size at times that repeat or keep no step. A row with four equal prices at such times is a
trade too. Candles are made of what is there: a bucket without a tick gives no candle.

The volume of quotes counts them (tick volume), that of trades is the sum of their sizes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from lib.candles import PRICES, from_micros
from lib.errors import FileRefused
from lib.files.columns.columns import Roles
from lib.files.model import Choices
from lib.files.texts.layout import Layout
from lib.files.ticks.cells import Cells, counts, irregular, restless, stands_on
from lib.timeframes import Timeframe

__all__ = [
    "SIDES",
    "TICK_ROLES",
    "Ticks",
    "crossed",
    "find",
    "fold",
    "irregular",
    "join",
    "priced",
    "refuse_days",
    "to_table",
]

Array = np.ndarray[Any, Any]
SIDES = ("mid", "bid", "ask")
TICK_ROLES = ("price", "bid", "ask")
_BID = re.compile(r"((best|rate|px) )?bid( ?(price|px|rate|close))?( 0?[01])?|b|bp|buy price|geld")
_ASK = re.compile(
    r"((best|rate|px) )?(ask|offer|ofr)( ?(price|px|rate|close))?( 0?[01])?|a|ap|sell price|brief"
)
_PRICE = re.compile(
    r"(trade|last|deal|exec|execution|fill|match)? ?(price|px|rate)|last|p|trade|preis|kurs|prix|precio|цена"
)
_SIZE = re.compile(
    r"(trade|last|deal|exec|base|fill|match)? ?(size|amount|qty|quantity|volume|vol|lots|shares|sz)( base)?|v|q|s"
    r"|menge|объем|объём|cantidad|volumen"
)


@dataclass(frozen=True, slots=True)
class Ticks:
    """What a file of ticks is: ``kind`` is ``quotes`` or ``trades``; ``roles`` as the candles' roles, with
    ``bid`` and ``ask``, or ``price`` and perhaps ``volume``. ``sized``: the sizes of trades are known.
    ``standing``: an empty side of a quote is the one that was there before."""

    kind: str
    roles: Roles
    side: str
    why: str
    standing: bool = False

    @property
    def sized(self) -> bool:
        return "volume" in self.roles.at


# ------------------------------------------------------------------------------------------------- find


def find(found: Layout, roles: Roles, micros: Array, choices: Choices) -> Ticks | None:
    """The columns of ticks, or None where the rows are candles.

    ``micros`` are the times of the sample's rows. Raises ``FileRefused`` for a label that is not there.
    """
    chosen = {role: label for role, label in choices.columns.items() if role in TICK_ROLES and label}
    if choices.content == "candles":
        return None
    cells = Cells(found, set(roles.times))
    if chosen:
        made = _chosen(found, roles, chosen, cells, choices)
        return replace(made, standing=stands_on(found, cells, made.roles.at, micros))
    placed = {price: roles.at[price] for price in PRICES if price in roles.at}
    if len(placed) == 4 and any(cells.holds(at) for at in placed.values()) and _fits(cells, placed):
        return _flat(roles, cells, placed, micros, choices)
    if len(placed) == 4 and (last := _last_of_quotes(roles, cells, placed, micros, choices)) is not None:
        return last
    letters = [at for at in placed.values() if len(cells.names[at]) == 1]
    sure = {"open", "high", "low"} & placed.keys()
    if sure and len(placed) > len(letters) and found.header and choices.content is None:
        return None
    if not found.header:
        return _by_place(roles, cells, micros, choices)
    named = _named(roles, cells, micros, choices)
    return named and replace(named, standing=stands_on(found, cells, named.roles.at, micros))


def _fits(cells: Cells, placed: dict[str, int]) -> bool:
    """Nearly every row can be a candle, so read."""
    o, h, lo, c = (cells.values(placed[name]) for name in PRICES)
    with np.errstate(invalid="ignore"):
        fine = (h >= np.maximum(o, c)) & (lo <= np.minimum(o, c))
    known = ~np.isnan(o + h + lo + c)
    return not known.any() or bool(fine[known].mean() > 0.5)


def _flat(
    roles: Roles, cells: Cells, placed: dict[str, int], micros: Array, choices: Choices
) -> Ticks | None:
    """Four prices that are one in every row, at times of ticks."""
    o, h, lo, c = (cells.values(placed[name]) for name in PRICES)
    same = bool(((o == h) & (h == lo) & (lo == c)).all())
    if not same or not (irregular(micros) or choices.content == "ticks"):
        return None
    at = {"price": placed["close"], **({"volume": roles.at["volume"]} if "volume" in roles.at else {})}
    return _made("trades", roles, at, choices, "open, high, low and close are one price in every row")


def refuse_days(found: Ticks, name: str, micros: Array) -> None:
    """A bid and an ask of whole days are rates of those days. Raises ``FileRefused``."""
    known = micros[micros != np.iinfo(np.int64).min]
    if found.kind == "quotes" and len(known) > 2 and not (known % (86400 * 10**6)).any():
        raise FileRefused(
            f"{name} has a bid and an ask for a day and no time of day: of such rates no candles can be made.",
            remedy="If they are ticks, name the column of their times: --column clock=NAME.",
            file=name, question="columns.clock",
        )  # fmt: skip


def _last_of_quotes(
    roles: Roles, cells: Cells, placed: dict[str, int], micros: Array, choices: Choices
) -> Ticks | None:
    """Rows of a terminal with one trade each: no open, and the ask and the bid for high and low."""
    o, h, lo, c = (cells.values(placed[name]) for name in PRICES)
    if (
        o.any()
        or not ((lo <= c) & (c <= h)).mean() > 0.9
        or not (irregular(micros) or choices.content == "ticks")
    ):
        return None
    at = {"price": placed["close"], **({"volume": roles.at["volume"]} if "volume" in roles.at else {})}
    made = _made(
        "trades", roles, at, choices, "every open is 0, and the last price lies between low and high"
    )
    return replace(made, roles=replace(made.roles, contradiction=""))


def _made(
    kind: str,
    roles: Roles,
    at: dict[str, int],
    choices: Choices,
    why: str,
    whys: dict[str, str] | None = None,
) -> Ticks:
    times = {role: place for role, place in roles.at.items() if role in ("time", "date", "clock")}
    reasons = {role: roles.why.get(role, "") for role in times} | (whys or dict.fromkeys(at, why))
    undecided = {role: roles.undecided[role] for role in ("time",) if role in roles.undecided}
    notes = tuple(note for note in roles.warnings if kind == "trades" or not note.startswith("Volume"))
    side = choices.side or "mid"
    return Ticks(
        kind, replace(roles, at=times | at, why=reasons, undecided=undecided, warnings=notes), side, why
    )


def _chosen(found: Layout, roles: Roles, chosen: dict[str, str], cells: Cells, choices: Choices) -> Ticks:
    at = {role: _place(found, label) for role, label in chosen.items()}
    if "price" in at:
        size = roles.at.get("volume", next(iter(cells.named(_SIZE)), None))
        if size is not None and size != at["price"] and choices.columns.get("volume") != "":
            at["volume"] = size
        return _made("trades", roles, at, choices, "chosen")
    for role, pattern in (("bid", _BID), ("ask", _ASK)):
        if role not in at and (hits := cells.named(pattern)):
            at[role] = hits[0]
    made = _made("quotes", roles, at, choices, "chosen")
    lacking = {role: found.names for role in ("bid", "ask") if role not in at}
    return replace(made, roles=replace(made.roles, undecided={**made.roles.undecided, **lacking}))


def _place(found: Layout, label: str) -> int:
    if re.fullmatch(r"#\d+", label) and 1 <= int(label[1:]) <= found.width:
        return int(label[1:]) - 1
    for at, name in enumerate(found.names):
        if name.casefold() == label.casefold():
            return at
    raise FileRefused(f"There is no column {label!r}.", remedy=f"Columns: {', '.join(found.names[:30])}.")


def _named(roles: Roles, cells: Cells, micros: Array, choices: Choices) -> Ticks | None:
    bids, asks = cells.named(_BID), cells.named(_ASK)
    if bids and asks:
        at = {"bid": bids[0], "ask": asks[0]}
        return _made("quotes", roles, at, choices, "there are a bid and an ask")
    prices = cells.named(_PRICE)
    if not prices and "close" in roles.at and cells.holds(roles.at["close"]):
        prices = [roles.at["close"]]
    if not prices or not (irregular(micros) or choices.content == "ticks"):
        return None
    at = {"price": prices[0]}
    sizes = [place for place in cells.named(_SIZE) if place != prices[0]]
    if choices.columns.get("volume") != "":
        chosen = roles.at.get("volume") if choices.columns.get("volume") else None
        size = chosen if chosen is not None else next(iter(sizes), roles.at.get("volume"))
        if size is not None and size != prices[0]:
            at["volume"] = size
    return _made("trades", roles, at, choices, "a price at times that keep no step")


def _by_place(roles: Roles, cells: Cells, micros: Array, choices: Choices) -> Ticks | None:
    """No header: a bid and an ask lie near each other in every row; of a price and a size, the price
    moves little from row to row."""
    every = [at for at in cells.figures() if not counts(cells.values(at))]
    places = [at for at in every if at > max(roles.times, default=-1)]
    if not places and (irregular(micros) or choices.content == "ticks"):
        places = every
    if (among := _among_quotes(cells, places, micros, choices)) is not None:
        why = "a price, and beside it a bid and an ask that hold it between them"
        return _made("trades", roles, among, choices, why)
    if len(places) >= 2:
        one, other = cells.values(places[0]), cells.values(places[1])
        with np.errstate(invalid="ignore", divide="ignore"):
            apart = (other - one) / np.minimum(one, other)
        known = apart[np.isfinite(apart)]
        if len(known) and (np.abs(known) < 0.02).mean() > 0.9 and not (known == 0).all():
            up, down = (known >= 0).mean(), (known <= 0).mean()
            if max(up, down) > 0.9:
                first, second = places[:2] if up >= down else places[1::-1]
                why = "two prices near each other, the ask above the bid"
                return _made("quotes", roles, {"bid": first, "ask": second}, choices, why)
    if not places or not (irregular(micros) or choices.content == "ticks"):
        return None
    price, size = places[0], places[1] if len(places) > 1 else None
    if size is not None and restless(cells.values(price)) > 5 * restless(cells.values(size)):
        price, size = size, price
    at = {"price": price} | ({"volume": size} if size is not None else {})
    return _made(
        "trades", roles, at, choices, "a price that moves little, and a size, at times without a step"
    )


def _among_quotes(cells: Cells, places: list[int], micros: Array, choices: Choices) -> dict[str, int] | None:
    """Of three prices side by side, that of a trade, where the other two are a bid and an ask around it; the size
    follows the three. At times of ticks."""
    three = places[:3]
    if len(three) < 3 or not (irregular(micros) or choices.content == "ticks"):
        return None
    rows = np.stack([cells.values(at) for at in three], axis=1)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if len(rows) < 8 or not ((rows.max(axis=1) - rows.min(axis=1)) < 0.02 * rows.min(axis=1)).mean() > 0.9:
        return None
    scores = []
    for price, low, high in ((0, 1, 2), (2, 0, 1), (1, 0, 2)):
        bid, ask = np.minimum(rows[:, low], rows[:, high]), np.maximum(rows[:, low], rows[:, high])
        one_way = max((rows[:, low] <= rows[:, high]).mean(), (rows[:, low] >= rows[:, high]).mean()) > 0.99
        within = (bid <= rows[:, price]) & (rows[:, price] <= ask)
        scores.append((float(within.mean()) if one_way else 0.0, -price, price))
    best, _, price = max(scores)
    if best < 0.7:
        return None
    size = next((at for at in places[3:] if at > three[2]), None)
    return {"price": three[price]} | ({"volume": size} if size is not None else {})


# ------------------------------------------------------------------------------------------------- make


def priced(ticks: Ticks, figures: dict[str, Array]) -> tuple[Array, Array]:
    """Price and volume of each tick: the side asked for and 1, or the price and the size (1 where sizes
    are not known). A quote without the side asked for has NaN."""
    if ticks.kind == "trades":
        price = figures["price"]
        size = np.abs(figures["volume"]) if "volume" in figures else np.ones(len(price))
        return price, size
    if ticks.side == "mid":
        # a mid has half a point at most: rounded, so that it reads as one would write it
        price = np.round((figures["bid"] + figures["ask"]) / 2, 10)
    else:
        price = figures[ticks.side]
    return price, np.ones(len(price))


def crossed(ticks: Ticks, figures: dict[str, Array]) -> Array:
    """Quotes with the bid above the ask."""
    if ticks.kind != "quotes":
        return np.zeros(len(figures["price"]), bool)
    with np.errstate(invalid="ignore"):
        mask: Array = figures["bid"] > figures["ask"]
    return mask


def fold(micros: Array, price: Array, size: Array, frame: Timeframe) -> pd.DataFrame:
    """The buckets of ticks: ``start`` (µs), ``open high low close volume``, and ``first`` and ``last``, the
    times of the first and the last tick (µs), so that buckets of several parts can be joined.

    Ticks of one time keep their order; a file with the newest first is turned round. O(n) on sorted ticks.
    """
    steps = np.diff(micros)
    if (steps < 0).any():
        if (steps > 0).sum() < (steps < 0).sum():
            micros, price, size = micros[::-1], price[::-1], size[::-1]
        if (np.diff(micros) < 0).any():
            order = np.argsort(micros, kind="stable")
            micros, price, size = micros[order], price[order], size[order]
    opens = frame.floor_us(micros)
    starts = np.flatnonzero(np.concatenate(([True], opens[1:] != opens[:-1])))
    ends = np.append(starts[1:], len(opens)) - 1
    return pd.DataFrame(
        {
            "start": opens[starts],
            "open": price[starts],
            "high": np.maximum.reduceat(price, starts),
            "low": np.minimum.reduceat(price, starts),
            "close": price[ends],
            "volume": np.add.reduceat(size, starts),
            "first": micros[starts],
            "last": micros[ends],
        }
    )


def join(parts: pd.DataFrame) -> pd.DataFrame:
    """Buckets of several parts, in the order of the file, as one bucket a time."""
    if not parts["start"].duplicated().any():
        return parts.sort_values("start", kind="stable", ignore_index=True)
    by_first = parts.sort_values(["start", "first"], kind="stable").groupby("start", sort=True)
    made = by_first.agg(
        open=("open", "first"), high=("high", "max"), low=("low", "min"), volume=("volume", "sum"),
        first=("first", "min"), last=("last", "max"),
    )  # fmt: skip
    by_last = parts.sort_values(["start", "last"], kind="stable").groupby("start", sort=True)
    made["close"] = by_last["close"].last()
    return made.reset_index()


def to_table(buckets: pd.DataFrame) -> pd.DataFrame:
    """A candle table of buckets that ascend."""
    columns = {name: buckets[name].to_numpy() for name in (*PRICES, "volume")}
    return from_micros(buckets["start"].to_numpy(), columns)
