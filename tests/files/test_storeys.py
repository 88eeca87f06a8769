"""Headers of several lines: groups over names, symbols above or below them, units; names that share a word."""

from __future__ import annotations

import csv
import io
from typing import Any

import pandas as pd
import pytest

from lib.errors import FileRefused
from lib.files import Choices, read
from tests.files.written import table

HOURS = table(40, "1h", "2024-01-13", 3)
PRICES = ["open", "high", "low", "close"]
ASK = HOURS.assign(**{price: (HOURS[price] + 0.0002).round(5) for price in PRICES})
ONE, OTHER = table(40, "1D", "2024-01-02", 4), table(30, "1D", "2024-01-05", 5)
NAMES = ["Open", "High", "Low", "Close"]
FIELDS = [*NAMES, "Volume"]
EMPTY = [""] * 3


def text(heads: list[list[str]], *blocks: pd.DataFrame | None, times: bool = False) -> bytes:
    """Lines of names over candles side by side; ``times``: each block has its own."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerows(heads)
    whole = [block for block in blocks if block is not None]
    for n in range(max(map(len, whole))):
        cells: list[Any] = []
        for at, block in enumerate(whole):
            if n >= len(block):
                cells += [""] * (len(block.columns) + times)
                continue
            cells += [f"{block.index[n]:%Y-%m-%d %H:%M}"] if times or not at else []
            cells += [repr(float(each)) for each in block.iloc[n]]
        writer.writerow(cells)
    return sink.getvalue().encode()


def mixed(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Each column of one beside the same of the other."""
    return pd.concat([one, other.add_suffix("2")], axis=1)[
        [name for each in one for name in (each, f"{each}2")]
    ]


SIDES = {
    "over the first column": [["", "Bid", *EMPTY, "Ask", *EMPTY], ["Time", *NAMES, *NAMES]],
    "over each column": [["Time", *["Bid"] * 4, *["Ask"] * 4], ["Time", *NAMES, *NAMES]],
    "the time above": [["EURUSD"], ["Time", "BID", *EMPTY, "ASK", *EMPTY], ["", *"ohlc", *"ohlc"]],
}


@pytest.mark.parametrize("side", ["bid", "ask"])
@pytest.mark.parametrize("heads", SIDES.values(), ids=SIDES)
def test_bid_and_ask_over_the_prices(heads: list[list[str]], side: Any) -> None:
    want = (HOURS if side == "bid" else ASK).assign(volume=float("nan"))
    made = read("x.csv", text(heads, HOURS[PRICES], ASK[PRICES]), Choices(side=side)).table
    pd.testing.assert_frame_equal(made, want, check_freq=False)


def test_sides_below_the_prices() -> None:
    heads = [["", *[each for name in NAMES for each in (name, "")]], ["Time", *["Bid", "Ask"] * 4]]
    made = read("x.csv", text(heads, mixed(HOURS[PRICES], ASK[PRICES])), Choices(side="ask")).table
    pd.testing.assert_frame_equal(made, ASK.assign(volume=float("nan")), check_freq=False)


def of_two(kind: str) -> bytes:
    """Two series on the same days; the second has twice the figures."""
    both, twice = [each for name in FIELDS for each in (name, name)], ONE * 2
    symbols = ["Ticker", *["ABC", "XYZ"] * 5]
    index = ["Date", *[""] * 10]
    return {
        "symbols below": lambda: text([["Price", *both], symbols, index], mixed(ONE, twice)),
        "names over the first": lambda: text(
            [["Price", *[each for name in FIELDS for each in (name, "")]], symbols, index], mixed(ONE, twice)
        ),
        "symbols above": lambda: text(
            [["Ticker", *["ABC"] * 5, *["XYZ"] * 5], ["Price", *FIELDS * 2], index], ONE, twice
        ),
        "over the first": lambda: text(
            [["Start", "2024"], [], ["", "ABC US Equity", *[""] * 4, "XYZ US Equity", *[""] * 4], ["Dates", *FIELDS * 2]],
            ONE, twice,
        ),
    }[kind]()  # fmt: skip


@pytest.mark.parametrize("kind", ["symbols below", "names over the first", "symbols above", "over the first"])
def test_two_symbols_side_by_side(kind: str) -> None:
    for symbol, want in (("ABC", ONE), ("XYZ", ONE * 2)):
        made = read("x.csv", of_two(kind), Choices(symbol=symbol)).table
        pd.testing.assert_frame_equal(made, want, check_freq=False)
    with pytest.raises(FileRefused, match=r"several sets of prices.*abc.*xyz"):
        read("x.csv", of_two(kind), Choices(symbol="EFG"))


def test_two_symbols_with_times_of_their_own() -> None:
    heads = [["ABC US Equity", *[""] * 5, "XYZ US Equity", *[""] * 5], ["Dates", *FIELDS] * 2]
    data = text(heads, ONE, OTHER, times=True)
    for symbol, want in (("ABC", ONE), ("XYZ", OTHER)):
        made = read("x.csv", data, Choices(symbol=symbol)).table
        pd.testing.assert_frame_equal(made, want, check_freq=False)


ABOVE_OR_BELOW = {
    "units": [["Time", *FIELDS], ["UTC", *["USD"] * 4, "ABC"]],
    "one word each": [["", "Opening", "Highest", "Lowest", "Closing", "Traded"], ["Time", *["Price"] * 4, "Volume"]],
    "a security": [["Security", *["ABC.O"] * 5], ["Field", *map(str.upper, FIELDS)], ["Date", *[""] * 5]],
    "an academic base": [["Trddt", "Opnprc", "Hiprc", "Loprc", "Clsprc", "Volume"], ["日期", "日开盘价", "日最高价", "日最低价", "日收盘价", "日个股交易股数"],
                         ["没有单位", *["元/股"] * 4, "股"]],
    "a shared word": [["CH_TIMESTAMP", "CH_OPENING_PRICE", "CH_TRADE_HIGH_PRICE", "CH_TRADE_LOW_PRICE", "CH_CLOSING_PRICE", "CH_TOT_TRADED_QTY"]],
    "a shared word of an index": [["EOD_TIMESTAMP", *[f"EOD_{name}_INDEX_VAL" for name in ("OPEN", "HIGH", "LOW", "CLOSE")], "EOD_VOLUME"]],
}  # fmt: skip


@pytest.mark.parametrize("heads", ABOVE_OR_BELOW.values(), ids=ABOVE_OR_BELOW)
def test_one_series_under_several_lines(heads: list[list[str]]) -> None:
    pd.testing.assert_frame_equal(read("x.csv", text(heads, ONE)).table, ONE, check_freq=False)


def test_the_times_that_share_the_prices_word_come_before_others() -> None:
    """A day of its market, beside the same midnight in UTC."""
    names = ["CH_TIMESTAMP", *[f"CH_{name}" for name in FIELDS], "TIMESTAMP"]
    evening = ONE.assign(stamp=ONE.index - pd.Timedelta("5h30min"))
    data = evening.reset_index().assign(time=lambda each: each["time"].dt.strftime("%d-%b-%Y"))
    data["stamp"] = data["stamp"].dt.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    made = read("x.csv", data.to_csv(index=False, header=names).encode()).table
    pd.testing.assert_frame_equal(made, ONE, check_freq=False)


def test_same_names_that_nothing_parts_are_asked_about() -> None:
    with pytest.raises(FileRefused, match=r"several columns could be the open"):
        read("x.csv", text([["title"], ["Time", *NAMES, *NAMES]], HOURS[PRICES], ASK[PRICES]))
