"""Prices that are written as points: by what to divide them, where the content or the symbol tells it.

A currency pair has a price that is known to an order of magnitude. Where every price is a hundred times that,
or a thousand, the figures are points. Shares in hundredths of a cent are told by their digits alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import pyarrow as pa

from lib.files.columns import numbers
from lib.files.texts.grid import Grid

__all__ = ["Scale", "expected_price", "pair_of", "points_of_shares", "scale_of"]

# What one US dollar buys, to a digit or two: rates of the years 2015 to 2024, as central banks publish them.
# Currencies that moved by an order of magnitude since 2000 (TRY, RUB, ARS ...) are left out.
_PER_DOLLAR = {
    "USD": 1.0, "EUR": 0.9, "GBP": 0.75, "CHF": 0.95, "AUD": 1.4, "NZD": 1.5, "CAD": 1.3, "SGD": 1.35, "JPY": 120.0,
    "SEK": 9.5, "NOK": 9.0, "DKK": 6.7, "PLN": 4.0, "CZK": 23.0, "HUF": 310.0, "ILS": 3.5, "HKD": 7.8, "CNY": 6.8,
    "CNH": 6.8, "TWD": 31.0, "THB": 34.0, "INR": 72.0, "KRW": 1200.0, "MXN": 19.0, "ZAR": 15.0, "BRL": 4.5,
    "XAU": 1 / 1600, "XAG": 1 / 20,
}  # fmt: skip
# One unit is worth so little that prices are given for a hundred or a thousand of it.
_BY_HUNDREDS = frozenset({"JPY", "KRW", "HUF", "INR", "THB", "CZK", "TWD"})
_PAIR = re.compile(r"(?<![A-Z])([A-Z]{3})[/_. -]?([A-Z]{3})(?![A-Z])")
# Currencies whose prices are whole numbers in the ten thousands and more as they stand.
_LARGE = re.compile(
    r"(?i)(krw|vnd|jpy|idr|clp|cop|irr|irt|huf|inr|twd|ugx|pyg|lak|mmk|ngn|try|rub|^\d+)$|^\d+\b"
)


# From here on whole numbers are billionths: a price of 20 and more. Nothing costs as much in any currency.
_NANO = 2e10
_INTEGER = re.compile(r"\d+(?:\.0+)?")
_WHOLE = numbers.NumberStyle(".", "", True, "")


@dataclass(frozen=True, slots=True)
class Scale:
    """Prices are divided by ``value``; ``note`` is what a reader must be told, if anything. ``thousands``: the
    dots in the prices part thousands."""

    value: float = 1.0
    why: str = "taken as they are"
    note: str = ""
    thousands: bool = False


def pair_of(symbol: str) -> tuple[str, str] | None:
    """The two currencies (or metals) of a pair in a symbol or a file's name, base first, where both are known."""
    words = " ".join(re.findall(r"[A-Za-z]+", symbol)).upper()
    for text in (symbol, words):
        hits = {(hit[1], hit[2]) for hit in _PAIR.finditer(text)}
        known = [hit for hit in hits if hit[0] != hit[1] and set(hit) <= _PER_DOLLAR.keys()]
        if len(known) == 1:
            return known[0]
    return None


def expected_price(symbol: str) -> float | None:
    """The order of magnitude of a pair's price; None for what is no pair of known currencies."""
    pair = pair_of(symbol)
    return _PER_DOLLAR[pair[1]] / _PER_DOLLAR[pair[0]] if pair else None


def scale_of(symbol: str, cells: Sequence[str], values: Sequence[float]) -> Scale:
    """The scale that a pair's order of magnitude tells. ``cells`` are prices of the sample, ``values`` the same
    as figures."""
    expected = expected_price(symbol)
    known = [value for value in values if value > 0]
    if (
        expected is None
        and len(known) >= 8
        and min(known) >= _NANO
        and all(map(_INTEGER.fullmatch, cells))
        and cells
    ):
        return Scale(
            1e9, "no price of a market has eleven digits, and nanos are how protocols write prices as whole numbers",
            f"The prices are whole numbers near {median(known):g}: they were read as billionths and divided by 1e9. "
            "Choose the scale 1 to take them as they are written.",
        )  # fmt: skip
    if expected is None or len(known) < 8:
        return Scale()
    shown = f"{median(known):g}"
    power = float(np.log10(median(known) / expected))
    tens = round(power)
    name = "/".join(pair_of(symbol) or ())
    if (
        tens == -3
        and abs(power - tens) < 0.4
        and all(re.fullmatch(r"\d{1,3}\.\d{3}", each) for each in cells)
    ):
        why = f"a price of {name} is near {expected:.2g}, so the dots part thousands"
        return Scale(
            1.0, "taken as they are", f"The dots in the prices were read as marks of thousands: {why}.", True
        )
    if tens < 2 or abs(power - tens) > 0.4:
        if power > 1.3 or power < -1.3:
            note = f"The prices are near {shown}, and one of {name} is near {expected:.2g}. They were taken as they are."
            return Scale(note=note)
        return Scale()
    factor = 10.0**tens
    if (pair_of(symbol) or ("",))[0] in _BY_HUNDREDS and tens <= 3:
        return Scale(note=f"The prices of {name} are near {shown}: perhaps those of {factor:g} units. "
                          "They were taken as they are; choose a scale to divide by.")  # fmt: skip
    return Scale(
        factor, f"a price of {name} is near {expected:.2g}, and these are near {shown}",
        f"The prices are near {shown} and one of {name} is near {expected:.2g}: they were read as points and divided "
        f"by {factor:g}. Choose the scale 1 to take them as they are written.",
    )  # fmt: skip


def points_of_shares(symbol: str, grid: Grid, at: Sequence[int], cells: Sequence[str]) -> Scale:
    """Ten-thousandths of a currency unit, as some programs keep prices of shares.

    Told by the digits of the whole file: whole numbers of six digits and more, nearly all of them full cents, and
    some of them not, which no tick size of a large currency makes. Costs a read of the prices, only where the
    sample looks so.
    """
    if not cells or not all(re.fullmatch(r"\d{5,9}", cell) for cell in cells) or _LARGE.search(symbol):
        return Scale()
    if median(map(int, cells)) < 100_000:
        return Scale()
    texts = grid.texts(tuple(at))
    values, bad = numbers.to_floats(pa.concat_arrays([texts.columns[each] for each in at]), _WHOLE)
    values = values[~bad & np.isfinite(values)]
    if not len(values):
        return Scale()
    cents = (values % 100 == 0).mean()
    odd_cents = (values[values % 100 == 0] % 1000 != 0).mean() if cents else 0.0
    if not (0.8 <= cents < 1.0) or odd_cents < 0.5:
        return Scale()
    return Scale(
        10_000.0,
        f"{cents:.1%} of them are full cents if they are ten-thousandths, and the others parts of a cent",
        "The prices are whole numbers, nearly all of them multiples of 100 and a few not: they were read as "
        "ten-thousandths and divided by 10000. Choose the scale 1 to take them as they are written.",
    )  # fmt: skip
