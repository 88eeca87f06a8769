"""Calendars by name, and which one to offer for a series."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lib.calendars.clocks import by_weeks, quarters
from lib.calendars.exchanges import codes, exchange
from lib.calendars.learnt import learnt
from lib.calendars.runs import Array, distinct, stamps
from lib.calendars.sessions import DAY, HOUR, Calendar, agreement, find_phase, local_to_utc
from lib.calendars.weekly import ALWAYS, BREAKS, FOREX, WEEKDAYS
from lib.errors import InputError
from lib.timeframes import Timeframe

__all__ = ["LEARNT", "Suggestion", "calendar", "names", "suggest"]

LEARNT = "learnt"
_FIXED = {each.name: each for each in (ALWAYS, FOREX, BREAKS, WEEKDAYS)}

_MONEY = frozenset(
    "USD EUR GBP JPY CHF AUD CAD NZD SEK NOK DKK PLN HUF CZK TRY ZAR MXN SGD HKD CNH CNY INR THB".split()
)
_METALS = frozenset("XAU XAG XPT XPD".split())
_COINS = frozenset(
    "BTC XBT ETH LTC XRP BCH ADA DOT SOL DOGE BNB TRX LINK XLM UNI AVAX MATIC SHIB USDT USDC BUSD DAI".split()
)
# Only coins are priced in these.
_STABLE = ("USDT", "USDC", "FDUSD", "BUSD")
# How listings of an exchange end in the spelling most vendors share.
_ENDINGS = {
    "L": "XLON", "DE": "XETR", "F": "XFRA", "PA": "XPAR", "AS": "XAMS", "BR": "XBRU", "SW": "XSWX", "MI": "XMIL",
    "MC": "XMAD", "ST": "XSTO", "OL": "XOSL", "CO": "XCSE", "HE": "XHEL", "TA": "XTAE", "T": "XTKS", "HK": "XHKG", "KS": "XKRX", "KQ": "XKRX",
    "SS": "XSHG", "AX": "XASX", "TO": "XTSE", "NS": "XBOM", "BO": "XBOM", "SA": "BVMF", "US": "XNYS",
}  # fmt: skip
# Tried where nothing but the data tells.
_TRIED = ("XNYS", "XLON", "XETR", "XTKS", "XHKG", "CMES")
_GOOD = 0.9
_NAMED = 0.7
_SURE = 0.97
# So many candles or quarters of an hour, the newest, are looked at week by week.
_SAMPLE = 50_000


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A calendar's name, and why it was chosen, as a sentence."""

    name: str
    reason: str


def names() -> tuple[str, ...]:
    """Every name :func:`calendar` knows, the general ones first. Loads exchange_calendars."""
    return (*_FIXED, LEARNT, *codes())


def calendar(
    name: str, times: Array | pd.DatetimeIndex | None = None, timeframe: Timeframe | None = None
) -> Calendar:
    """The calendar of that name: ``24/7``, ``forex``, ``23/5``, ``24/5``, or an exchange's code such as ``XNYS``;
    ``learnt`` is learnt from ``times`` (candle opens) of ``timeframe``.

    Raises ``UnknownName`` with the nearest names; ``InputError`` where ``learnt`` has no times, or less than
    four weeks of them.
    """
    if name in _FIXED:
        return _FIXED[name]
    if name == LEARNT:
        if times is None or timeframe is None:
            raise InputError(
                "A calendar is learnt from candles, and none were given.",
                remedy="Choose one by name: 24/7, forex, 24/5 or an exchange such as XNYS.",
            )
        return learnt(times, timeframe)
    return exchange(name)


def suggest(
    symbol: str,
    kind: str = "",
    times: Array | pd.DatetimeIndex | None = None,
    timeframe: Timeframe | None = None,
) -> Suggestion:
    """Which calendar fits a series. ``kind`` is what its source trades, where known: ``crypto``, ``forex`` or
    ``stocks``. What the candles themselves show goes before what the name says. A few milliseconds by the
    name; up to a second where several exchanges are tried on the data.
    """
    opens = stamps(times) if times is not None else np.empty(0, np.int64)
    named = _by_name(symbol, kind)
    short = timeframe is not None and timeframe.seconds < 86400
    span = int(opens[-1]) - int(opens[0]) if len(opens) else 0
    if short and (span >= 14 * DAY or named is None) and _weekend_share(opens) > 0.8:
        return Suggestion("24/7", "There are candles on Saturdays and Sundays as on other days.")
    if timeframe is None or timeframe.seconds > 86400 or span < (2 if short else 14) * DAY:
        return named or Suggestion("24/5", "Neither the name nor the candles tell; weekdays are expected.")
    if not short and _weekend_share(opens) > 0.8:
        return Suggestion("24/7", "There are candles on Saturdays and Sundays as on other days.")
    if named and (other := {"forex": "23/5", "23/5": "forex"}.get(named.name)) and short:
        fit = _fit(opens, timeframe, other)
        if fit >= _SURE and fit > _fit(opens, timeframe, named.name):
            return _fitting(other, fit)
    # a name that fits poorly is still likelier than a calendar made for the data: the data may be faulty
    if named and (named.name == "24/7" or _fit(opens, timeframe, named.name) >= _NAMED):
        return named
    return _by_data(opens, timeframe, named)


def _by_name(symbol: str, kind: str) -> Suggestion | None:
    text = symbol.upper()
    parts = [part for part in re.split(r"[^A-Z0-9]+", text) if part]
    # the pair, or what stands before a vendor's ending: EURUSD=X, BTCUSD_PERP
    pairs = ["".join(parts[:2]), *parts[:1]]
    coins = any(_pair(pair, _COINS, _COINS | _MONEY) or _is_stable(pair) for pair in pairs)
    if kind == "crypto" or coins:
        return Suggestion("24/7", f"{symbol} is a crypto pair, and those trade at all hours.")
    if any(_pair(pair, _METALS, _MONEY) for pair in pairs):
        return Suggestion("23/5", f"{symbol} is a metal: the currencies' week, less an hour each day.")
    if kind == "forex" or any(_pair(pair, _MONEY, _MONEY) for pair in pairs):
        return Suggestion("forex", f"{symbol} is a currency pair: Sunday 17:00 to Friday 17:00 New York.")
    ending = text.rpartition(".")[2] if "." in text else ""
    if ending in _ENDINGS:
        return Suggestion(_ENDINGS[ending], f"{symbol} ends like a listing of {_ENDINGS[ending]}.")
    if kind == "stocks":
        return Suggestion(
            "XNYS", f"{symbol} is a stock, and no ending names another exchange than New York's."
        )
    return None


def _is_stable(pair: str) -> bool:
    return any(len(pair) > len(end) and pair.endswith(end) for end in _STABLE)


def _pair(text: str, bases: Iterable[str], quotes: Iterable[str]) -> bool:
    return any(text.startswith(base) and text[len(base) :] in quotes for base in bases)


def _weekend_share(opens: Array) -> float:
    """How many Saturdays and Sundays have a bar, as a share of all in the span."""
    days = distinct(opens // DAY)
    every = np.arange(days[0], days[-1] + 1)
    weekend = (every + 3) % 7 >= 5
    return float(np.isin(every[weekend], days).mean()) if weekend.any() else 0.0


def _fit(opens: Array, timeframe: Timeframe, name: str) -> float:
    chosen = calendar(name, opens, timeframe)
    # the first and the last part of a long series: rules change over decades
    ends = [opens] if len(opens) <= 20_000 else [opens[:10_000], opens[-10_000:]]
    return min(agreement(part, timeframe, chosen, find_phase(part, timeframe, chosen)) for part in ends)


def _other_clock(opens: Array, timeframe: Timeframe, name: str) -> str:
    """The clock on which the candles must be written for the calendar to fit, in words; empty where on none it does.
    From four weeks on each week may have its own: the market's hours tell."""
    chosen = calendar(name)
    if chosen.zone != "UTC" and _fit(distinct(local_to_utc(opens, chosen.zone)), timeframe, name) >= _SURE:
        return f"{chosen.zone}'s and not UTC"
    if int(opens[-1]) - int(opens[0]) < 28 * DAY or HOUR % max(timeframe.micros, HOUR // 4):
        return ""
    times, frame = quarters(opens, timeframe)
    weeks = by_weeks(times[-_SAMPLE:], frame, chosen)
    fits = weeks.best.sum() <= (1 - _SURE) * weeks.size.sum()
    return "another clock's than UTC, in some weeks at least" if fits else ""


def _fitting(name: str, fit: float) -> Suggestion:
    return Suggestion(name, f"The candles agree with {name} in {fit:.1%} of the times of either.")


def _by_data(opens: Array, timeframe: Timeframe, named: Suggestion | None) -> Suggestion:
    # over a few days the currencies' week and whole weekdays are one and the same: the plainer is said
    weeks = ["forex", "24/5"] if int(opens[-1]) - int(opens[0]) >= 14 * DAY else ["24/5", "forex"]
    weeks.append("23/5")
    fits: dict[str, float] = {}
    for name in dict.fromkeys(([named.name] if named else []) + weeks + list(_TRIED)):
        fits[name] = _fit(opens, timeframe, name)
        if fits[name] > 0.99:
            break
    best = max(fits, key=lambda name: fits[name])
    if fits[best] >= _GOOD:
        return _fitting(best, fits[best])
    if timeframe.seconds < 86400:
        for name in fits:
            if clock := _other_clock(opens, timeframe, name):
                return Suggestion(name, f"The candles agree with {name} if their times are {clock}.")
        if int(opens[-1]) - int(opens[0]) >= 28 * DAY:
            reason = (
                f"No known calendar fits (the best is {best}, {fits[best]:.0%}); learnt from the candles."
            )
            return Suggestion(LEARNT, reason)
    return named or Suggestion(best, f"No calendar fits well; {best} fits best, in {fits[best]:.0%}.")
