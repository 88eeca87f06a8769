"""Files that vendors, brokers and exchanges made: read right, or refused for the reason listed here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lib.errors import CandlebookError
from lib.files import Choices, read

# Refused, and what the sentence must hold.
REFUSED = {
    # the first candle of a session opens at a quarter past, 1 in 24: out of step with an hour
    "a09_decimal_comma_h1_offgrid_eurusd.csv": "out of step",
    # one day stands twice, with other figures: the reader says which row stands
    "a15_cryptodatadownload_btcusdt_daily.csv": "other figures for 2017-12-18",
}
# Read right by what the content or the symbol tells, and what must be said of it.
TOLD = {
    "a59_lean_spy_daily_decicents.zip": "divided by 10000",
    "a03_mt5_semicolon_h1_eurusd_thousand_dots.csv": "divided by 100",
    "a45_ejtrader_scaled_points_usdjpy_d1.csv": "divided by 1000",
    "a80_slash_datetime_index_eurusd_h1.csv": "450 of 3,728 candles are not where one of 1 hour opens (line 10, 11, 34 ...)",
}

FOLDERS = ("A_candles", "B_large_1m")


def _files(folder: Path) -> list[Path]:
    return sorted(path for each in FOLDERS for path in (folder / each).iterdir())


@pytest.fixture(scope="session")
def expected(market_data: Path) -> dict[str, Any]:
    return dict(json.loads((market_data / "expected.json").read_text()))


def _fault(path: Path, want: dict[str, Any], choices: Choices | None = None) -> str:
    """How a reading differs from figures that others computed; nothing where it is right."""
    table = read(path.name, path, choices).table
    got = (len(table), f"{table.index[0]:%Y-%m-%d %H:%M:%S}", f"{table.index[-1]:%Y-%m-%d %H:%M:%S}")
    # a candle that stands twice in the same figures is one candle
    should = (want["rows"] - want["dup_rows"], want["min_ts"][:19], want["max_ts"][:19])
    if got != should:
        return f"{got} where {should} is right"
    if want["dup_rows"]:
        want = want | {"sum_close": table["close"].sum()}  # theirs counts a doubled candle twice
    for figure, value in (
        ("sum_close", table["close"].sum()), ("max_high", table["high"].max()), ("min_low", table["low"].min()),
    ):  # fmt: skip
        if value != pytest.approx(want[figure], rel=1e-9):
            return f"{figure} {value} where {want[figure]} is right"
    return ""


def test_every_file_is_right_or_refused_as_listed(market_data: Path, expected: dict[str, Any]) -> None:
    faults, refused, right = {}, set(), set()
    for path in _files(market_data):
        try:
            fault = _fault(path, expected[f"{path.parent.name}/{path.name}"])
        except CandlebookError as error:
            refused.add(path.name)
            if REFUSED.get(path.name, "\0") not in str(error):
                faults[path.name] = f"refused: {error}"
            continue
        if fault:
            faults[path.name] = fault
        else:
            right.add(path.name)
    assert not faults
    assert refused == set(REFUSED)
    assert len(right) == 59 - len(REFUSED)


@pytest.mark.parametrize("name", sorted(TOLD))
def test_what_is_inferred_is_not_read_in_silence(name: str, market_data: Path) -> None:
    reading = read(name, market_data / "A_candles" / name).reading
    assert any(TOLD[name] in note for note in reading.warnings)


def test_a_symbol_alone_tells_the_scale(market_data: Path, expected: dict[str, Any]) -> None:
    for name, symbol in (("a03_mt5_semicolon_h1_eurusd_thousand_dots.csv", "EUR/USD"),
                         ("a45_ejtrader_scaled_points_usdjpy_d1.csv", "USDJPY")):  # fmt: skip
        table = read("x.csv", market_data / "A_candles" / name, Choices(symbol=symbol)).table
        assert table["close"].sum() == pytest.approx(expected[f"A_candles/{name}"]["sum_close"], rel=1e-9)
