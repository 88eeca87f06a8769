"""Quotes and trades: told from candles by their content, and made into candles of the timeframe asked for."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import CandlebookError, FileRefused
from lib.files import Choices, inspect, read
from lib.files.ticks.ticks import fold, irregular, join
from lib.timeframes import parse

MINUTE = 60 * 10**6


def quotes(count: int = 500, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    mid = 1.1 + np.cumsum(random.normal(0, 1e-5, count))
    half = random.integers(1, 9, count) * 1e-5
    start = pd.Timestamp("2024-03-04 08:00")
    moments = start + pd.to_timedelta(np.cumsum(random.integers(1, 9000, count)), unit="ms")
    return pd.DataFrame({"time": moments, "bid": (mid - half).round(5), "ask": (mid + half).round(5)})


def written(frame: pd.DataFrame, **options: Any) -> bytes:
    return frame.to_csv(index=False, date_format="%Y-%m-%d %H:%M:%S.%f", **options).encode()


def by_pandas(
    frame: pd.DataFrame, price: pd.Series, freq: str, size: pd.Series | None = None
) -> pd.DataFrame:
    """The same candles, computed by pandas' own resampling."""
    indexed = pd.Series(price.to_numpy(), pd.DatetimeIndex(frame["time"]).tz_localize("UTC"))
    made = indexed.resample(freq).ohlc()
    weights = np.ones(len(frame)) if size is None else size.to_numpy()
    made["volume"] = pd.Series(weights, indexed.index).resample(freq).sum()
    return made.dropna()


def same(table: pd.DataFrame, other: pd.DataFrame) -> None:
    assert list(table.index) == list(other.index)
    assert np.allclose(table.to_numpy(), other.to_numpy(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("side", ["bid", "ask", "mid", None])
@pytest.mark.parametrize("frame", ["1m", "15s", None])
def test_quotes_become_candles_of_a_side(side: Any, frame: str | None) -> None:
    given_ = quotes()
    made = read("q.csv", written(given_), Choices(side=side, timeframe=parse(frame) if frame else None))
    price = given_[side] if side in ("bid", "ask") else (given_["bid"] + given_["ask"]) / 2
    same(made.table, by_pandas(given_, price, {"15s": "15s"}.get(frame or "", "1min")))
    assert made.ticks == made.rows_read == 500
    assert made.reading.get("content") == "ticks"
    assert made.reading.get("side") == (side or "mid")
    assert made.report.refused == 0


def test_a_header_is_not_needed_and_the_sides_may_be_exchanged() -> None:
    given_ = quotes()
    for columns in (["time", "bid", "ask"], ["time", "ask", "bid"]):
        made = read("q.csv", written(given_[columns], header=False), Choices(side="bid"))
        same(made.table, by_pandas(given_, given_["bid"], "1min"))


def test_trades_sum_their_sizes() -> None:
    given_ = quotes()
    given_["size"] = np.random.default_rng(1).integers(1, 900, 500)
    trades = given_[["time", "bid", "size"]].rename(columns={"bid": "price"})
    expected = by_pandas(given_, given_["bid"], "1min", given_["size"])
    for data in (written(trades), written(trades, header=False), written(trades[["time", "size", "price"]])):
        same(read("t.csv", data).table, expected)
    counted = read("t.csv", written(trades[["time", "price"]])).table["volume"]
    assert counted.sum() == 500


def test_prices_at_even_steps_are_not_ticks_unless_it_is_said() -> None:
    even = "time,price,amount\n" + "".join(f"2024-01-{day:02d},{day}.5,7\n" for day in range(1, 20))
    with pytest.raises(FileRefused):
        read("daily.csv", even.encode())
    assert len(read("daily.csv", even.encode(), Choices(content="ticks", timeframe=parse("1d"))).table) == 19


def test_late_ticks_are_sorted_and_newest_first_is_turned_round() -> None:
    given_ = quotes()
    expected = by_pandas(given_, given_["bid"], "1min")
    late = given_.iloc[[*range(100), 120, *range(100, 120), *range(121, 500)]]
    for frame in (late, given_.iloc[::-1]):
        made = read("q.csv", written(frame), Choices(side="bid"))
        same(made.table, expected)
        assert not made.report.sorted_on_entry
    # at one time, what stands lower in such a file came first
    newest_first = (
        "time,price,size\n2024-01-01 00:00:01.5,3,1\n2024-01-01 00:00:01.5,2,1\n2024-01-01 00:00:00.1,1,1\n"
    )
    row = read("t.csv", newest_first.encode()).table.iloc[0]
    assert (row["open"], row["close"]) == (1, 3)


def test_crossed_and_one_sided_quotes_are_said() -> None:
    given_ = quotes()
    given_.loc[7, ["bid", "ask"]] = [1.2, 1.1]
    found = read("q.csv", written(given_)).reading.warnings
    assert any("bid is above the ask in 1 quotes (line 9)" in note for note in found)
    given_.loc[9, "ask"] = np.nan
    made = read("q.csv", written(given_))
    assert made.ticks == 499
    assert any("lack a side" in note for note in made.reading.warnings)


def test_quotes_of_one_side_go_on_from_the_one_before_where_the_file_says_so() -> None:
    given_ = quotes(400)
    random = np.random.default_rng(5)
    flags = random.choice([2, 4, 6, 24], 400)
    flags[:3] = 24, 4, 4  # a trade, and two quotes before any bid
    told = given_.assign(bid=given_["bid"].where(flags & 2 > 0), ask=given_["ask"].where(flags & 4 > 0))
    known = told[["bid", "ask"]].ffill()[told[["bid", "ask"]].notna().any(axis=1)].dropna()
    expected = by_pandas(given_.loc[known.index], known.sum(axis=1) / 2, "1min")
    metatrader = told.rename(columns={"bid": "<BID>", "ask": "<ASK>"})
    for frame in (metatrader, told.assign(FLAGS=flags)):
        made = read("q.csv", written(frame))
        same(made.table, expected)
        assert made.ticks == len(known)
        notes = " ".join(made.reading.warnings)
        stood = int((told.loc[known.index, ["bid", "ask"]].isna().any(axis=1)).sum())
        assert f"{stood} quotes tell one side only" in notes
        assert f"{int((flags == 24).sum())} rows tell no quote" in notes
        assert "quotes lack a side" in notes
    for frame in (told, told.assign(FLAGS=6), metatrader.iloc[::-1]):
        made = read("q.csv", written(frame))
        assert made.ticks == int((flags == 6).sum())
        assert not any("one side only" in note for note in made.reading.warnings)


def test_quotes_that_all_lack_the_side_asked_for_are_refused() -> None:
    given_, odd = quotes(50), np.arange(50) % 2 == 1
    data = written(given_.assign(bid=given_["bid"].where(odd), ask=given_["ask"].where(~odd)))
    with pytest.raises(FileRefused, match="none of its 50 quotes has both sides"):
        read("q.csv", data)
    assert read("q.csv", data, Choices(side="bid")).ticks == 25


def test_a_faulty_tick_is_refused_with_its_line_or_left_out() -> None:
    given_ = quotes()
    given_.loc[3, "bid"] = -1.0
    data = written(given_[["time", "bid"]].rename(columns={"bid": "price"}))
    with pytest.raises(FileRefused, match="line 5: The price is -1"):
        read("t.csv", data)
    made = read("t.csv", data, Choices(bad_rows="drop"))
    assert (made.ticks, made.report.refused, made.rows_read) == (499, 1, 500)
    text = data.replace(b"\n2024-03-04 08:00:0", b"\nyesterday", 1)
    with pytest.raises(CandlebookError, match="line 2"):
        read("t.csv", text)


def test_a_tick_without_a_time_is_a_fault() -> None:
    lines = written(quotes()[["time", "bid"]].rename(columns={"bid": "price"})).split(b"\n")
    lines[7] = b"," + lines[7].split(b",")[1]
    with pytest.raises(FileRefused, match="line 8"):
        read("t.csv", b"\n".join(lines))
    assert read("t.csv", b"\n".join(lines), Choices(bad_rows="drop")).ticks == 499


def test_numbers_of_trades_are_no_prices() -> None:
    given_ = quotes()
    given_.insert(1, "id", range(7_000_000, 7_000_500))
    same(
        read("t.csv", written(given_[["time", "id", "bid"]], header=False)).table,
        by_pandas(given_, given_["bid"], "1min"),
    )


def test_a_bucket_without_ticks_gives_no_candle() -> None:
    lines = "time,bid,ask\n2024-01-01 00:00:01.5,1,2\n2024-01-01 00:05:01.5,1,2\n2024-01-01 00:05:02.25,2,3\n"
    table = read("q.csv", lines.encode()).table
    assert [f"{each:%H:%M}" for each in table.index] == ["00:00", "00:05"]
    assert list(table["volume"]) == [1, 2]


def test_the_columns_can_be_chosen() -> None:
    given_ = quotes().rename(columns={"bid": "x", "ask": "y"})
    with pytest.raises(FileRefused):
        read("q.csv", written(given_))
    made = read("q.csv", written(given_), Choices(columns={"bid": "x", "ask": "y"}, side="ask"))
    same(made.table, by_pandas(given_, given_["y"], "1min"))
    assert "--side ask" in " ".join(Choices(side="ask").arguments())
    with pytest.raises(FileRefused, match="no column"):
        inspect("q.csv", written(given_), Choices(columns={"bid": "z"}))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5 * MINUTE), st.integers(1, 99)), min_size=1, max_size=60),
    st.integers(1, 5),
)
def test_parts_joined_are_the_whole(ticks: list[tuple[int, int]], parts: int) -> None:
    ticks.sort(key=lambda each: each[0])
    micros = np.array([moment for moment, _ in ticks], np.int64)
    price = np.array([value for _, value in ticks], float)
    size = np.ones(len(ticks))
    frame = parse("1m")
    whole = fold(micros, price, size, frame)
    cuts = [each for each in np.array_split(np.arange(len(ticks)), parts) if len(each)]
    joined = join(pd.concat([fold(micros[at], price[at], size[at], frame) for at in cuts], ignore_index=True))
    pd.testing.assert_frame_equal(joined[whole.columns], whole)


def test_millions_of_ticks_take_seconds() -> None:
    count = 2_000_000
    random = np.random.default_rng(5)
    micros = np.cumsum(random.integers(0, 10**5, count))
    begun = time.process_time()
    made = fold(micros, random.random(count) + 1, np.ones(count), parse("1m"))
    assert time.process_time() - begun < 10
    assert made["volume"].sum() == count


def test_times_of_ticks() -> None:
    second = 10**6
    assert irregular(np.array([1, 1, 2, 5]) * second)
    assert irregular(np.array([1.25, 2.5, 9.75]) * second)
    assert not irregular(np.arange(50) * 60 * second)
    assert not irregular(np.arange(50) * 86400 * second)


def test_steps_from_a_start() -> None:
    ticks = {"timestamp": 1_700_000_000_000, "multiplier": 0.01, "bid": 1.5, "ask": 1.6, "times": [5, 10, 60_000],
             "bids": [0, 3, -5], "asks": [0, 3, 5], "bidVolumes": [1, 1, 1]}  # fmt: skip
    made = read("t.json", json.dumps(ticks).encode(), Choices(side="bid"))
    assert list(made.table["close"]) == [1.53, 1.48]
    assert made.table.index[0] == pd.Timestamp(1_700_000_000_000, unit="ms", tz="UTC").floor("min")
    candles = {"timestamp": 1_700_006_400_000, "multiplier": 0.1, "shift": 60_000, "open": 5, "high": 6, "low": 4, "close": 5,
               "times": [0, 1, 2], "opens": [0, 1, 0], "highs": [0, 1, 0], "lows": [0, 1, 0], "closes": [0, 1, 0]}  # fmt: skip
    table = read("c.json", json.dumps(candles).encode(), Choices(timeframe=parse("1m"))).table
    assert list(table["high"]) == [6, 6.1, 6.1]
    assert [f"{each:%H:%M}" for each in table.index] == ["00:00", "00:01", "00:03"]


# ------------------------------------------------------------------------------------------- both sides


def _both(
    header: str = "date,bidopen,bidhigh,bidlow,bidclose,askopen,askhigh,asklow,askclose,tickqty",
) -> bytes:
    rows = [f"2024-01-{day:02d},1.10,1.30,1.00,1.20,1.12,1.34,1.02,1.24,{day}" for day in range(1, 12)]
    return "\n".join([*([header] if header else []), *rows, ""]).encode()


@pytest.mark.parametrize(("side", "close"), [(None, 1.20), ("bid", 1.20), ("ask", 1.24), ("mid", 1.22)])
@pytest.mark.parametrize(
    "header",
    [
        "date,bidopen,bidhigh,bidlow,bidclose,askopen,askhigh,asklow,askclose,tickqty",
        "time,BidOpen,BidHigh,BidLow,BidClose,AskOpen,AskHigh,AskLow,AskClose,Volume",
        "time,open_bid,high_bid,low_bid,close_bid,open_ask,high_ask,low_ask,close_ask,volume",
        "",
    ],
)
def test_candles_of_both_sides(side: Any, close: float, header: str) -> None:
    made = read("both.csv", _both(header), Choices(side=side))
    assert list(made.table["close"]) == [close] * 11
    assert made.reading.get("side") == (side or "bid")


# ------------------------------------------------------------------------------------------ real files


REAL = (
    "c01_histdata_eurusd_ticks.csv", "c03_lean_oanda_eurusd_ticks_20140502.zip",
    "c05_bitcoincharts_bitstamp_trades.csv", "c07_freqtrade_xrpeth_trades.parquet",
    "c08_freqtrade_xrpeth_trades.feather", "c09_freqtrade_xrpeth_trades.json.gz",
    "c11_kraken_trades_bcheur.csv", "c13_freqtrade_public_trades.csv", "c14_binance_trades.parquet",
    "c16_tardis_bitmex_trades.csv", "c21_backtrader_ticksample_iso_ms.csv", "c23_ib_ticks_aapl.csv",
    "c18_dukascopy_ticks_raw_delta.json", "c24_lean_spy_trade_ticks_20131007.zip",
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(REAL))
def test_ticks_that_vendors_made(name: str, market_data: Path) -> None:
    want = json.loads((market_data / "expected.json").read_text())[f"C_ticks/{name}"]
    made = read(name, market_data / "C_ticks" / name, Choices(side="bid"))
    assert made.ticks == want["rows"]
    minute = parse("1m")
    for time_, edge in ((made.table.index[0], want["min_ts"]), (made.table.index[-1], want["max_ts"])):
        stamp = pd.Timestamp(edge)
        assert time_ == minute.floor(stamp if stamp.tz else stamp.tz_localize("UTC"))
    if "p1_min" in want:
        edges = (made.table["low"].min(), made.table["high"].max())
        assert edges == pytest.approx((want["p1_min"], want["p1_max"]), rel=1e-12)


def _trades() -> pd.DataFrame:
    """Trades at the bid or the ask, at times with nanoseconds."""
    made = quotes(400).assign(size=np.random.default_rng(5).integers(1, 50, 400))
    made["price"] = np.where(np.arange(400) % 3 == 0, made["bid"], made["ask"])
    made["time"] += pd.to_timedelta(np.arange(400) % 1000, unit="ns")
    return made


def _nano(t: pd.Timestamp) -> str:
    return f"{t.microsecond * 1000 + t.nanosecond:09d}"


# A header, and the cells of a trade: its time, its number, and its figures.
SPELLED: dict[str, tuple[str, Any]] = {
    "nanoseconds": ("ts_event,price,size", lambda t, n, r: f"{t:%Y-%m-%dT%H:%M:%S}.{_nano(t)}Z,{r.price},{r.size}"),
    "tenths of a microsecond, a price before its quotes": ("", lambda t, n, r: f"{t:%Y%m%d %H%M%S} {_nano(t)[:7]};{r.price};{r.bid};{r.ask};{r.size}"),
    "a day, a price before its quotes": ("", lambda t, n, r: f"{t:%m/%d/%Y},{t:%H:%M:%S}.{_nano(t)[:3]},{r.price},{r.bid},{r.ask},{r.size}"),
    "quotes before their price": ("", lambda t, n, r: f"{t:%Y-%m-%d %H:%M:%S.%f},{r.bid},{r.ask},{r.price},{r.size}"),
    "the time behind, and numbers like counts": ("", lambda t, n, r: f"{3333333333 + n},{r.price},{r.size},{r.price * r.size:.4f},{t.value // 10**6},True,True"),
    "numbers from and to": ("", lambda t, n, r: f"{n},{r.price},{r.size},{2 * n},{2 * n + 1},{t.value // 10**6},True,True"),
    "names in two languages": ("trade_id/撮合id,side/交易方向,size/数量,price/价格,created_time/成交时间", lambda t, n, r: f"{n},buy,{r.size},{r.price},{t.value // 10**6}"),
    "a clock by another name": ("DATE,TIME_M,SYM_ROOT,SIZE,PRICE", lambda t, n, r: f"{t:%Y%m%d},{t.hour}:{t:%M:%S}.{_nano(t)},X,{r.size},{r.price}"),
    "the ask and the bid for high and low": ("Date, Time, Open, High, Low, Last, Volume", lambda t, n, r: f"{t:%Y/%m/%d}, {t:%H:%M:%S.%f}, 0, {r.ask}, {r.bid}, {r.price}, {r.size}"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLED)
def test_trades_as_they_are_spelled(name: str) -> None:
    header, row = SPELLED[name]
    ticks = _trades()
    lines = [row(t, n, r) for n, (t, r) in enumerate(zip(ticks["time"], ticks.itertuples(), strict=True))]
    data = "\n".join([*([header] if header else []), *lines]).encode()
    made = read("ticks.csv", data, Choices(day_first=False))
    assert made.ticks == len(ticks)
    want = ticks.assign(time=ticks["time"].dt.floor("ms" if "numbers" in name or "two" in name else "us"))
    same(made.table, by_pandas(want, want["price"], "1min", want["size"]))


@pytest.mark.parametrize("names", ["ts_event,bid_px_00,ask_px_00", "RateDateTime,RateBid,RateAsk", "time,bid_price_1,ask_price_1"])  # fmt: skip
def test_quotes_as_they_are_spelled(names: str) -> None:
    ticks = quotes()
    data = written(ticks).split(b"\n", 1)[1]
    made = read("ticks.csv", names.encode() + b"\n" + data)
    same(made.table, by_pandas(ticks, (ticks["bid"] + ticks["ask"]) / 2, "1min"))
