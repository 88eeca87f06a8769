"""Fourth stage: which column is which, by the names and by what the sample holds."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lib.errors import FileRefused
from lib.files.columns.named import by_name, contradiction, turned_over
from lib.files.columns.placed import by_place
from lib.files.columns.price_orders import PRICES
from lib.files.columns.roles import ROLES, Roles, Work
from lib.files.columns.timed import find_times
from lib.files.texts.layout import Layout

__all__ = ["ROLES", "Roles", "assign"]

# Names that say what a column is, if not one of the four prices.
_WORDS = re.compile(
    r"open|high|low|close|price|bid|ask|vol|\b(offers?|buy|sell|sizes?|qty|rate|last|mid|spread|[a-z]?[sew]?ma\d*|vwap|"
    r"bands?|upper|lower|signal|macd|rsi|temp\w*|lat|lon|id|[a-z]{0,4}\d{1,3})\b"
)

# Rows of which some candle rises and another falls.
_MANY = 20


def assign(layout: Layout, chosen: Mapping[str, str], name: str, prices: str | None = None) -> Roles:
    """Give every role its column. Raises ``FileRefused`` where a chosen label is not there."""
    work = Work(layout, prices)
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
        by_name(work)
        if not {"open", "high", "low"} & work.at.keys() and not work.sets and not prices:
            _by_figures(work)
    else:
        by_place(work)
        if "volume" in work.at and (base := turned_over(work, work.at["volume"])) is not None:
            work.take("volume", base, "the column that was in its place is this times the price: a turnover")
    find_times(work)
    against = "" if not layout.header or set(PRICES) & chosen.keys() else contradiction(work)
    return Roles(
        work.at, work.why, work.undecided, tuple(work.warnings), tuple(work.sets), work.prices, against
    )


def _by_figures(work: Work) -> None:
    """Names in no word that is known: the figures tell the prices, where they tell them in one way only."""
    other = Work(work.layout, None)
    other.left_out = set(work.left_out)
    by_place(other)
    at = [other.at[role] for role in PRICES if role in other.at]
    if len(at) < 4 or any(_WORDS.search(work.plain[place]) for place in at):
        return
    rows = work.floats([other.at["open"], other.at["close"]])
    if len(rows) >= _MANY and (
        bool((rows[:, 0] < rows[:, 1]).all()) or bool((rows[:, 0] > rows[:, 1]).all())
    ):
        return  # candles rise and fall: these are four symbols, or one price four times over
    for role in (*PRICES, "volume"):
        if role in other.at and (role in PRICES or work.wants(role)):
            work.take(role, other.at[role], "told by the figures: its name is in no word that is known")
            work.undecided.pop(role, None)
    labels = ", ".join(f"{role} {work.layout.names[work.at[role]]!r}" for role in PRICES)
    work.warnings.append(
        f"No column is named for the prices in words that are known; the figures told them: {labels}."
    )


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
