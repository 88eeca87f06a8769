"""Whole series against tables that others computed. Where a table follows another convention, the test
says which is ours and why, and holds us to how far apart the two may be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lib.indicators import Pick, compute
from tests.indicators.tables import as_candles, tulip, workbook

PRICES = {"open": "C", "high": "D", "low": "E", "close": "F"}
ALL = {**PRICES, "volume": "G"}


@pytest.fixture(scope="module")
def folder(market_data: Path) -> Path:
    return market_data / "D_indicators"


def values(candles: pd.DataFrame, written: str) -> list[np.ndarray]:
    pick = Pick.parse(written)
    table = compute(candles, [pick])
    return [table[column].to_numpy() for column in pick.columns]


def same(ours: np.ndarray, theirs: Sequence[float] | pd.Series, *, within: float) -> None:
    """Equal at every row, blank at the same rows; ``within`` is in the figure's own unit."""
    np.testing.assert_allclose(ours, np.asarray(theirs, float), rtol=0, atol=within, equal_nan=True)


# -------------------------------------------------------------------------------------- spreadsheets


SHEETS = [
    ("Sma", 0, "sma(20)", "H", ALL),
    ("Ema", 0, "ema(20)", "E", {"close": "C"}),
    ("Rsi", 0, "rsi(14)", "L", {"close": "F"}),
    ("Macd", 0, "macd(12,26,9)", "JKL", ALL),
    ("BollingerBands", 0, "bbands(20,2)", "JIK", ALL),
    ("Atr", 0, "atr(14)", "L", ALL),
    ("Mfi", 0, "mfi(14)", "O", ALL),
    ("WilliamsR", 0, "willr(14)", "L", ALL),
    ("SuperTrend", 0, "supertrend(14,3)", "T", PRICES),
    ("SuperTrend", 1, "supertrend(10,3)", "T", PRICES),  # bitcoin, 1,246 days
]


@pytest.mark.parametrize(("file", "sheet", "written", "columns", "given"), SHEETS)
def test_spreadsheets(
    folder: Path, file: str, sheet: int, written: str, columns: str, given: dict[str, str]
) -> None:
    candles, cells = _sheet(folder, file, given, sheet)
    assert len(candles) >= 502
    for ours, column in zip(values(candles, written), columns, strict=True):
        same(ours, cells[column], within=1e-11 * cells[given["close"]].max())


def _sheet(
    folder: Path, file: str, given: dict[str, str], sheet: int = 0, freq: str = "1D"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    cells = workbook(folder / "stock_indicators" / f"{file}.Calc.xlsx", sheet)
    cells = cells[cells[given["close"]].notna()]
    return as_candles({name: cells[column] for name, column in given.items()}, freq=freq), cells


def test_ichimoku_spreadsheet_spans_are_where_they_are_drawn(folder: Path) -> None:
    candles, cells = _sheet(folder, "Ichimoku", ALL)
    for ours, column in zip(values(candles, "ichimoku(9,26,52)"), "HIJK", strict=False):
        same(ours, cells[column], within=1e-12)


def test_ichimoku_lagging_line_is_kept_on_its_own_bar(folder: Path) -> None:
    # The sheet has at each row the close of 26 rows later; a row of ours may not know it, so it holds
    # its own close and the output says how far to the left it is drawn.
    candles, cells = _sheet(folder, "Ichimoku", ALL)
    pick = Pick.parse("ichimoku(9,26,52)")
    assert pick.outputs[-1].shift == -26
    drawn = compute(candles, [pick])[pick.columns[-1]].shift(-26)
    same(drawn.to_numpy(), cells["L"].where(np.arange(len(cells)) < len(cells) - 26), within=0)


def test_vwap_spreadsheet_of_one_session(folder: Path) -> None:
    candles, cells = _sheet(folder, "Vwap", ALL, freq="1min")
    same(values(candles, "vwap(1)")[0], cells["L"], within=1e-11 * 400)


def test_stochastic_k_waits_for_d(folder: Path) -> None:
    # Ours is TA-Lib's: %K is shown from the first %D on; the sheet has it two bars earlier.
    candles, cells = _sheet(folder, "Stoch", ALL)
    k, d = values(candles, "stoch(14,3,3)")
    same(d, cells["L"], within=1e-11)
    assert cells["K"].first_valid_index() == 15
    same(k, cells["K"].where(cells["L"].notna()), within=1e-11)


def test_obv_starts_from_the_first_volume(folder: Path) -> None:
    # Ours is TA-Lib's; the sheet starts from 0. Only differences of an OBV mean anything.
    candles, cells = _sheet(folder, "Obv", ALL)
    same(values(candles, "obv")[0] - candles["volume"].iloc[0], cells["I"], within=0)


def test_adx_is_seeded_as_talib_does(folder: Path) -> None:
    # The sheet's first sums hold 14 bars, as in Wilder's book; TA-Lib's hold 13 and smooth the 14th in.
    # Ours is TA-Lib's, whose values other programs show too. The difference fades by 13/14 a bar.
    candles, cells = _sheet(folder, "Adx", {"high": "C", "low": "D", "close": "E"})
    adx, plus, minus = values(candles, "adx(14)")
    for ours, column in ((plus, "L"), (minus, "M"), (adx, "O")):
        _fades(ours, cells[column].to_numpy(), largest=0.9)


def _fades(ours: np.ndarray, theirs: np.ndarray, *, largest: float) -> None:
    """Values at the same rows; the difference is at most ``largest`` and fades as an average of 14 of an
    average of 14 forgets: by r a bar, and as many times over as there were bars."""
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    apart = np.abs(ours - theirs)
    apart = apart[~np.isnan(apart)]
    bars = np.arange(len(apart))
    assert apart.max() < largest
    assert (apart <= 4 * largest * (1 + bars) * (13 / 14) ** bars + 1e-6).all()


# ------------------------------------------------------------------------------- tables of a program


def _quotes(folder: Path) -> pd.DataFrame:
    quotes = pd.read_csv(folder / "stock_indicators" / "default_quotes.csv")
    return as_candles({name: quotes[name] for name in ("open", "high", "low", "close", "volume")})


def _results(folder: Path, name: str) -> pd.DataFrame:
    file = folder / "stock_indicators" / "results" / f"{name}.standard.json"
    return pd.DataFrame(json.loads(file.read_text()))


RESULTS = [
    ("sma", "sma(20)", ["sma"]),
    ("ema", "ema(20)", ["ema"]),
    ("rsi", "rsi(14)", ["rsi"]),
    ("macd", "macd(12,26,9)", ["macd", "signal", "histogram"]),
    ("bb", "bbands(20,2)", ["upperBand", "sma", "lowerBand"]),
    ("atr", "atr(14)", ["atr"]),
    ("cci", "cci(20)", ["cci"]),
    ("mfi", "mfi(14)", ["mfi"]),
    ("willr", "willr(14)", ["williamsR"]),
    ("supertrend", "supertrend(10,3)", ["superTrend"]),
]


@pytest.mark.parametrize(("name", "written", "columns"), RESULTS)
def test_tables_of_another_library(folder: Path, name: str, written: str, columns: list[str]) -> None:
    results = _results(folder, name)
    for ours, column in zip(values(_quotes(folder), written), columns, strict=True):
        same(ours, results[column].astype(float), within=1e-9)


def test_parabolic_sar_from_the_first_reversals_on(folder: Path) -> None:
    # The table assumes a rise at the start and is blank until its first reversal; ours, TA-Lib's, takes
    # the direction from the first two bars and is there at once. They agree from the second reversal on,
    # but at one reversal ours is moved to the low of its bar: TA-Lib lets no point lie inside one.
    quotes, results = _quotes(folder), _results(folder, "psar")
    (ours,) = values(quotes, "psar(0.02,0.2)")
    theirs = results["sar"].astype(float).to_numpy()
    second = results.index[results["isReversal"].eq(True)][1]
    assert second == 42
    odd = np.flatnonzero(np.abs(ours - theirs) > 1e-9)
    assert odd[odd >= second].tolist() == [250]
    assert quotes["low"].iloc[250] == ours[250] < theirs[250] < quotes["high"].iloc[250]
    assert np.isnan(ours).nonzero()[0].tolist() == [0]


# -------------------------------------------------------------------------------- teaching spreadsheets


def _school(folder: Path, name: str, freq: str = "1D") -> tuple[pd.DataFrame, pd.DataFrame]:
    table = pd.read_csv(folder / "stockcharts_ta" / f"cs-{name}.csv")
    table.columns = [column.strip() for column in table.columns]
    prices = {c.lower(): table[c] for c in ("Open", "High", "Low", "Close", "Volume") if c in table}
    return as_candles(prices, freq=freq), table


# Their prices are rounded to 4 or 6 decimals after the figures were made, hence the tolerances.
SCHOOL = [
    ("bbands", "bbands(20,2)", ["HighBand", "MiddleBand", "LowBand"], 1e-6),
    ("cci", "cci(20)", ["CCI"], 1e-4),
    ("mfi", "mfi(14)", ["MFI"], 1e-5),
    ("percentr", "willr(14)", ["Williams_%R"], 1e-6),
    ("obv", "obv", ["OBV"], 0),  # its first volume is blank, and so is its first value
]


@pytest.mark.parametrize(("name", "written", "columns", "within"), SCHOOL)
def test_teaching_spreadsheets(
    folder: Path, name: str, written: str, columns: list[str], within: float
) -> None:
    candles, table = _school(folder, name)
    for ours, column in zip(values(candles, written), columns, strict=True):
        same(ours, table[column], within=within)


def test_teaching_stochastic_without_smoothing(folder: Path) -> None:
    # Its %D begins a row after the third %K is there, ours at it; ours hides %K until then.
    candles, table = _school(folder, "soo")
    k, d = values(candles, "stoch(14,1,3)")
    same(k, table["SO"].where(np.arange(len(table)) >= 15), within=1e-6)
    same(np.where(np.arange(len(d)) >= 16, d, np.nan), table["SO_SIG"], within=1e-6)


def test_teaching_adx_over_two_years(folder: Path) -> None:
    candles, table = _school(folder, "adx")
    adx, plus, minus = values(candles, "adx(14)")
    for ours, column in ((plus, "+DI14"), (minus, "-DI14"), (adx, "ADX")):
        _fades(ours, table[column].to_numpy(float), largest=0.8)


def test_teaching_atr_counts_the_first_bar_ours_does_not(folder: Path) -> None:
    # Ours is Wilder's: a true range needs the close before, so the first average is of bars 2 to 15.
    # The table averages bars 1 to 14, the first by its high and low alone, and is a bar earlier.
    candles, table = _school(folder, "atr")
    (ours,) = values(candles, "atr(14)")
    theirs = table["ATR"].to_numpy(float)
    assert np.isnan(ours[:14]).all()
    assert theirs[13] > 0
    apart = np.abs(ours - theirs)[14:]
    np.testing.assert_allclose(apart, apart[0] * (13 / 14) ** np.arange(len(apart)), atol=1e-9)


def test_teaching_rsi_is_seeded_differently(folder: Path) -> None:
    # Ours is Wilder's: the first averages are plain means of 14 changes. The table's start at 0 with the
    # first change, which leaves them up to 3.7 points apart, less and less so.
    candles, table = _school(folder, "rsi")
    (ours,) = values(candles, "rsi(14)")
    theirs = table["RSI"].to_numpy(float)
    assert np.isnan(ours[:14]).all()
    assert 3.7 < np.nanmax(np.abs(ours - theirs)) < 3.8
    change = np.diff(candles["close"].to_numpy())
    for series, seed in ((ours, change[:14]), (theirs, None)):
        gain, loss = _wilder(np.maximum(change, 0), seed), _wilder(np.maximum(-change, 0), seed)
        same(series[14:], 100 * gain / (gain + loss), within=1e-2 if seed is None else 1e-9)


def _wilder(moves: np.ndarray, seed: np.ndarray | None) -> np.ndarray:
    """Wilder's average of 14 from the 14th move on: from the mean of 14, or from 0."""
    average = moves[:14].mean() if seed is not None else 0.0
    if seed is None:
        for move in moves[:14]:
            average += (move - average) / 14
    kept = [average]
    for move in moves[14:]:
        average += (move - average) / 14
        kept.append(average)
    return np.array(kept)


def test_teaching_macd_starts_its_averages_from_the_first_close(folder: Path) -> None:
    # Ours start from means; the table's from the first close. What is left fades with the slow average.
    candles, table = _school(folder, "macd")
    line, signal, _ = values(candles, "macd(12,26,9)")
    for ours, column, first in ((line, "MACD_line", 25), (signal, "MACD_signal", 33)):
        apart = np.abs(ours - table[column].to_numpy(float))[first:]
        assert (apart <= 0.2 * (25 / 27) ** np.arange(len(apart))).all()


def test_teaching_parabolic_sar_after_its_first_reversal(folder: Path) -> None:
    candles, table = _school(folder, "psar")
    (ours,) = values(candles, "psar(0.02,0.2)")
    theirs = table["psar_up"].fillna(table["psar_down"]).to_numpy(float)
    first = int(table.index[(table["psar_up_ind"] + table["psar_down_ind"]) > 0][1])
    assert first < 20
    same(ours[first:], theirs[first:], within=1e-7)


def test_teaching_vwap_rolls_over_14_bars_ours_over_the_session(folder: Path) -> None:
    candles, table = _school(folder, "vwap", freq="1min")
    (ours,) = values(candles, "vwap(1)")
    theirs = table["vwap"].to_numpy()
    same(ours[:14], theirs[:14], within=1e-5)
    assert np.abs(ours - theirs)[14:].min() > 1e-3


# ---------------------------------------------------------------------------------------------- Tulip

HLC = ("high", "low", "close")
TULIP = [
    ("bbands 5 2", "bbands(5,2)", ("close",), [2, 1, 0]),
    ("sma 5", "sma(5)", ("close",), [0]),
    ("rsi 5", "rsi(5)", ("close",), [0]),
    ("stoch 5 3 3", "stoch(5,3,3)", HLC, [0, 1]),
    ("willr 5", "willr(5)", HLC, [0]),
    ("mfi 5", "mfi(5)", (*HLC, "volume"), [0]),
]


@pytest.mark.parametrize(("title", "written", "given", "outputs"), TULIP)
def test_tulip_vectors(
    folder: Path, title: str, written: str, given: tuple[str, ...], outputs: list[int]
) -> None:
    vectors = tulip(folder / "tulip" / "untest.txt", title)
    candles = as_candles(dict(zip(given, vectors, strict=False)))
    for ours, output in zip(values(candles, written), outputs, strict=True):
        same(ours, _to_the_end(vectors[len(given) + output], len(ours)), within=6e-4)


def _to_the_end(values: np.ndarray, rows: int) -> np.ndarray:
    return np.concatenate((np.full(rows - len(values), np.nan), values))


def test_tulip_directional_indicators_and_cci_where_both_have_values(folder: Path) -> None:
    # Its DI starts a bar before ours (it takes the first bar's range for a true range), its CCI after
    # twice the length.
    file = folder / "tulip" / "untest.txt"
    for title, written, outputs in (("di 5", "adx(5)", [None, 0, 1]), ("cci 5", "cci(5)", [0])):
        vectors = tulip(file, title)
        candles = as_candles(dict(zip(HLC, vectors, strict=False)))
        for ours, output in zip(values(candles, written), outputs, strict=True):
            if output is not None:
                theirs = _to_the_end(vectors[3 + output], len(ours))
                both = ~(np.isnan(ours) | np.isnan(theirs))
                assert both.sum() >= 7
                same(ours[both], theirs[both], within=6e-4)


def test_tulip_ema_starts_from_the_first_close(folder: Path) -> None:
    close, theirs = tulip(folder / "tulip" / "untest.txt", "ema 5")
    (ours,) = values(as_candles({"close": close}), "ema(5)")
    apart = (theirs - ours)[4:]
    np.testing.assert_allclose(apart, apart[0] * (2 / 3) ** np.arange(len(apart)), atol=6e-4)
