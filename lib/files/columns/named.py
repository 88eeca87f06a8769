"""Columns told by their names: prices, sets of prices, the volume; and names that the figures contradict."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import numpy as np

from lib.files.columns.cells import is_missing, is_number, numeric
from lib.files.columns.price_orders import PRICES, fitting
from lib.files.columns.roles import Work, has_counts, holds_figures
from lib.files.columns.words import ADJUSTED, NEVER, SPELLINGS, meaning

__all__ = ["beside_word", "by_name", "contradiction", "turned_over"]

_QUOTED = re.compile(r"\b(usd|usdt|usdc|busd|eur|gbp|jpy|krw|try|quote|currency|notional|value)\b")
# A part of what was traded.
_PARTIAL = re.compile(r"\b(up|down|unchanged|buy|sell|bid|ask|offer|taker|maker|short|long|delta)\b")
# Counts and amounts of something else.
_NO_VOLUME = re.compile(
    r"trades|transactions|count|number|interest|\boi\b|turnover|amount|value|money|\bid\b|index|cap|shares out|spread|"
    r"\b[a-z]*ma\b|rank|price|date|time|code|year"
)
_WHOLE = re.compile(r"\d{1,3}(?:[,.' ]\d{3})+|\d+(?:[.,]0+)?")
# Enough rows to tell a turnover by its figures.
_SOME = 5
# "Open Price" before "Price": what a name has beside the word is the least.
_LONGEST = {role: tuple(sorted(words, key=len, reverse=True)) for role, words in SPELLINGS.items()}
_TICKS = {"tick volume", "tickvol", "tick vol", "tickvolume", "ticks"}


def by_name(work: Work) -> None:
    """Give the prices and the volume the columns that are named for them."""
    sets = _sets(work)
    adjusted = [label for label in sets if ADJUSTED.search(label)]
    closes = [at for at, name in enumerate(work.plain) if ADJUSTED.search(name) and "close" in name]
    raw = [label for label in sets if label not in adjusted]
    exact = {at: role for role in PRICES for at in _spelled(work, role)[:1]}
    if len(sets) == len(adjusted) == 1 and len(exact) < 4:
        work.prices = "adjusted"
        work.warnings.append("There are adjusted prices only.")
        _take_set(work, adjusted[0], sets[adjusted[0]])
    elif len(exact) == 4 or "" in sets or not raw:
        work.sets = ["raw", "adjusted"] if adjusted or (len(closes) == 1 and len(exact) == 4) else []
        taken = "raw" if work.wanted in (None, "raw") or not work.sets else "adjusted"
        work.prices = taken if work.sets else ""
        if taken == "adjusted" and adjusted:
            _take_set(work, adjusted[0], sets[adjusted[0]])
        elif taken == "adjusted":
            work.take("adjusted close", closes[0], "every price is adjusted as the close is")
    elif len(raw) == 1:
        _take_set(work, raw[0], sets[raw[0]])
    else:
        work.sets = raw
        work.prices = work.wanted if work.wanted in raw else ""
        if work.prices:
            _take_set(work, work.prices, sets[work.prices])
        else:
            work.undecided["prices"] = tuple(raw)
    for role in PRICES:
        if work.wants(role) and "prices" not in work.undecided:
            _price(work, role)
    if work.wants("volume"):
        _volume(work)
    if work.sets[:1] == ["raw"] and work.prices == "raw":
        work.warnings.append("There are adjusted prices too; the raw ones were taken.")


def _take_set(work: Work, label: str, found: Mapping[str, int]) -> None:
    work.group = label
    for role, at in found.items():
        if work.wants(role):
            work.take(role, at, f"its name is {work.layout.names[at]!r}")


def _sets(work: Work) -> dict[str, dict[str, int]]:
    """Complete sets of four prices by what their names have in common: ``mid.o``, ``AAPL Open``."""
    made: dict[str, dict[str, int]] = {}
    for at, name in enumerate(work.plain):
        if not holds_figures(work, at) or not any(map(numeric, work.cells[at])):
            continue
        for role in PRICES:
            rest = beside_word(name, _LONGEST[role])
            if rest is not None:
                made.setdefault(rest, {}).setdefault(role, at)
    return {
        rest: found for rest, found in made.items()
        if len(found) == 4 and len(set(found.values())) == 4 and not re.search(r"\b(bid|ask|change|prev)\b", rest)
    }  # fmt: skip


def beside_word(name: str, spellings: Collection[str]) -> str | None:
    """What a name has beside the word for a price; None where it has no such word."""
    if " " not in name:
        return "" if name in spellings else None
    for spelling in spellings:
        if name == spelling:
            return ""
        if name.endswith(" " + spelling):
            return name.removesuffix(spelling).strip()
        if name.startswith(spelling + " "):
            return name.removeprefix(spelling).strip()
    return None


def _spelled(work: Work, role: str) -> list[int]:
    """The columns that the first fitting spelling names."""
    for spelling in SPELLINGS[role]:
        for names in (work.plain, work.bare):
            hits = [
                at for at, name in enumerate(names)
                if re.sub(r" \d+$", "", name) == spelling and work.free(at) and not NEVER.search(work.plain[at])
                and not _timely(work, at)
            ]  # fmt: skip
            if hits:  # l is a low, and L beside it is not
                exact = [at for at in hits if work.layout.names[at] == spelling]
                return exact if len(exact) == 1 == len(spelling) else hits
    return []


def _timely(work: Work, at: int) -> bool:
    """Dates under a name for a price, as some programs write above their index."""
    return bool(work.cells) and work.kind(at) in ("date", "datetime", "clock")


def _price(work: Work, role: str) -> None:
    hits = _spelled(work, role)
    if len(hits) == 1:
        work.take(role, hits[0], f"its name is {work.layout.names[hits[0]]!r}")
        return
    if hits and work.cells and len({work.cells[at] for at in hits}) == 1:
        label = work.layout.names[hits[0]]
        work.take(role, hits[0], f"its name is {label!r}")
        work.warnings.append(
            f"The column {label!r} stands there more than once, with the same figures; the first was taken."
        )
        return
    if hits:
        work.undecided[role] = tuple(work.layout.names[at] for at in hits)
        return
    figures = [at for at in range(work.layout.width) if holds_figures(work, at)]
    near = [at for at in figures if role in work.plain[at].split()]
    work.undecided[role] = tuple(work.layout.names[at] for at in near or figures)


def contradiction(work: Work) -> str:
    """How the header contradicts the figures: most highs are not the highest, and other columns' are."""
    if len(set(PRICES) & work.at.keys()) < 4:
        return ""
    rows = work.floats([work.at[role] for role in PRICES])
    if len(rows) < 3:
        return ""
    fits = (rows[:, 1] == rows.max(axis=1)) & (rows[:, 2] == rows.min(axis=1))
    orders = fitting(rows, 0.95)
    if fits.mean() > 0.5 or not orders:
        return ""
    labels = {role: work.layout.names[work.at[role]] for role in PRICES}
    high = labels[PRICES[orders[0].index("high")]]
    low = labels[PRICES[orders[0].index("low")]]
    line = work.layout.first_line + int(np.flatnonzero(~fits)[0])
    return (
        f"the header contradicts the figures from line {line} on: {labels['high']!r} is not the highest price "
        f"and {labels['low']!r} not the lowest; {high!r} is the highest and {low!r} the lowest"
    )


def _of_group(work: Work) -> list[int]:
    """The columns named for a volume of the set of prices that is taken."""
    if not work.group:
        return []
    return [
        at
        for at, name in enumerate(work.plain)
        if beside_word(name, _LONGEST["volume"]) == work.group and work.free(at)
    ]


def _volume(work: Work) -> None:
    hits = _of_group(work)
    for names in (work.plain, work.bare) if not hits else ():
        for spelling in SPELLINGS["volume"]:
            hits += [
                at for at, name in enumerate(names) if name == spelling and work.free(at) and at not in hits
            ]
    if not hits:
        hits = [
            at for at, name in enumerate(work.plain)
            if re.search(r"^(volume|vol)\b|\bvolume$", name) and not _PARTIAL.search(name) and work.free(at)
        ]  # fmt: skip
    if not hits:
        hits = [
            at
            for at, name in enumerate(work.plain)
            if re.search(r"\b(volumes?|pieces|shares)\b", name)
            and not _PARTIAL.search(name)
            and work.free(at)
        ]
    if work.prices == "adjusted":
        hits = [at for at, name in enumerate(work.plain) if ADJUSTED.search(name) and "vol" in name] + hits
    named = [at for at in hits if not _other(work, at)]
    hits = [at for at in named if holds_figures(work, at)]
    hits.sort(key=lambda at: _QUOTED.search(work.plain[at]) is not None)  # of base and quote, the base
    if not hits:
        _no_volume(work, named)
        return
    taken = next((at for at in hits if has_counts(work, at)), hits[0])
    why = f"its name is {work.layout.names[taken]!r}"
    if (base := turned_over(work, taken)) is not None:
        why = f"{work.layout.names[taken]!r} is this times the price: a turnover"
        taken, hits = base, [base, *hits]
    elif taken != hits[0]:
        why += f"; {work.layout.names[hits[0]]!r} is zero throughout"
    if work.plain[taken] in _TICKS:
        why += "; it counts ticks"
    work.take("volume", taken, why)
    others = [work.layout.names[at] for at in hits if at != taken]
    if others:
        work.warnings.append(
            f"Volume was taken from {work.layout.names[taken]!r}; there is also {', '.join(others)}."
        )


def _no_volume(work: Work, named: list[int]) -> None:
    """Say what there is in the place of a volume, so that none is missed in silence."""
    for at in named[:1]:
        cell = next((each for each in work.cells[at] if not is_number(each)), "") if work.cells else ""
        if cell:
            work.warnings.append(
                f"{work.layout.names[at]!r} holds {cell!r}, which is no figure that is read: the candles have no volume."
            )
    unknown = [
        at for at in range(work.layout.width)
        if not named and not _NO_VOLUME.search(work.plain[at]) and not meaning(work.bare[at]) and _like_volume(work, at)
    ]  # fmt: skip
    if unknown:
        work.warnings.append(
            "No column is named for the volume in words that are known, so the candles have none. If it is in "
            f"{' or '.join(repr(work.layout.names[at]) for at in unknown[:3])}, choose that column "
            "(--column volume=NAME)."
        )


def _like_volume(work: Work, at: int) -> bool:
    """Whole numbers that rise and fall, most of them of two digits or more."""
    if not holds_figures(work, at) or not all(
        _WHOLE.fullmatch(cell) or is_missing(cell) for cell in work.cells[at]
    ):
        return False
    values = work.floats([at])[:, 0]
    steps = np.diff(values)
    turns = bool((steps > 0).any() and (steps < 0).any())
    return turns and float(np.median(values)) >= 10 and len(set(values.tolist())) * 2 > len(values)


def turned_over(work: Work, at: int) -> int | None:
    """The column that this one is a multiple of by a price within each candle: a turnover beside its volume. One
    that is plainly named volume stays what it says."""
    if work.plain[at] == "volume" or not set(PRICES) <= work.at.keys():
        return None
    for each in range(work.layout.width):
        if each == at or not holds_figures(work, each) or work.kind(each) in ("date", "datetime", "clock"):
            continue
        rows = work.floats([each, at, work.at["low"], work.at["high"]])
        rows = rows[(rows[:, 0] > 0) & (rows[:, 1] > 0)]
        if len(rows) < _SOME:
            continue
        price = rows[:, 1] / rows[:, 0]
        apart = abs(price[:, None] / rows[:, 2:] - 1).min(axis=1) < 1e-6
        inside = (price >= rows[:, 2]) & (price <= rows[:, 3])
        if (inside | apart).mean() > 0.95:
            return each
    return None


def _other(work: Work, at: int) -> bool:
    """Adjusted volumes are left where raw prices are taken, and the other way round; so are those of other sets."""
    if work.group and beside_word(work.plain[at], _LONGEST["volume"]) in {*work.sets} - {work.group}:
        return True
    if ADJUSTED.search(work.plain[at]):
        return work.prices != "adjusted"
    return NEVER.search(work.plain[at]) is not None
