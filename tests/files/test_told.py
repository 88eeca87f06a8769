"""What is told of a file without a question: the scale of its prices, candles off the grid, which symbol."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib.errors import CandlesRefused, FileRefused
from lib.files import Choices, inspect, read, streaming
from lib.files.columns.scales import expected_price, pair_of
from tests.files.written import table

HEADER = "time,open,high,low,close,volume\n"
HOURS = table(120, "1h", "2024-01-08", 5)


def text(want: pd.DataFrame, factor: float = 1, form: str = "{:.5f}", header: str = HEADER) -> bytes:
    """Rows with the prices times ``factor``."""
    rows = (
        f"{time:%Y-%m-%d %H:%M},{','.join(form.format(each * factor) for each in row[:4])},{row[4]:.0f}\n"
        for time, row in zip(want.index, want.to_numpy(), strict=True)
    )
    return (header + "".join(rows)).encode()


def priced(close: float, count: int = 60) -> pd.DataFrame:
    """Candles near a price."""
    made = table(count, "1h")
    return made.assign(**{name: (made[name] / 1.1 * close) for name in ("open", "high", "low", "close")})


# ------------------------------------------------------------------------------------------------ scale


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("EURUSD", ("EUR", "USD")), ("EUR/USD", ("EUR", "USD")), ("EUR_USD", ("EUR", "USD")), ("eurusd", ("EUR", "USD")),
        ("EURUSD=X", ("EUR", "USD")), ("FX:USDJPY", ("USD", "JPY")), ("frxUSDJPY", ("USD", "JPY")), ("C:EURUSD", ("EUR", "USD")),
        ("EURUSDm", ("EUR", "USD")), ("XAUUSD", ("XAU", "USD")), ("mt5_usdjpy_d1.csv", ("USD", "JPY")),
        ("BTCUSD", None), ("AAPL", None), ("EURUSDT", None), ("USDTRY", None), ("USDUSD", None), ("", None),
    ],
)  # fmt: skip
def test_pairs_of_known_currencies(symbol: str, pair: tuple[str, str] | None) -> None:
    assert pair_of(symbol) == pair


def test_an_order_of_magnitude_of_every_pair_and_its_reverse() -> None:
    for one, other in (("EURUSD", "USDEUR"), ("USDJPY", "JPYUSD"), ("XAUUSD", "USDXAU")):
        assert (expected_price(one) or 0) * (expected_price(other) or 0) == pytest.approx(1)


@pytest.mark.parametrize(
    ("symbol", "close", "form", "scale"),
    [
        ("EURUSD", 1.1, "{:.5f}", 1), ("USDJPY", 82.1, "{:.3f}", 1), ("USDJPY", 160, "{:.3f}", 1), ("XAUUSD", 1900, "{:.2f}", 1),
        ("XAUUSD", 260, "{:.2f}", 1), ("BTCUSD", 64000, "{:.0f}", 1), ("AAPL", 120.1, "{:.3f}", 1), ("USDTRY", 33, "{:.4f}", 1),
        ("EURUSD", 110000, "{:.0f}", 100000), ("USDJPY", 82173, "{:.1f}", 1000), ("EURUSD", 110, "{:.3f}", 100),
        ("GBPUSD", 12534, "{:.0f}", 10000), ("XAUUSD", 190012, "{:.0f}", 100), ("EURHUF", 39012, "{:.0f}", 100),
    ],
)  # fmt: skip
def test_points_are_told_by_the_size_that_a_pair_has(
    symbol: str, close: float, form: str, scale: int
) -> None:
    made = read("x", text(priced(close), 1, form), Choices(symbol=symbol))
    assert made.reading.get("scale") == f"{scale:g}"
    assert made.table["close"].mean() == pytest.approx(close / scale, rel=0.02)
    assert any("divided" in note for note in made.reading.warnings) == (scale != 1)


def test_a_scale_that_was_told_can_be_changed() -> None:
    data = text(priced(82173), 1, "{:.0f}")
    choices = Choices(symbol="USDJPY").override("scale", "as written")
    assert read("x", data, choices).table["close"].mean() == pytest.approx(82173, rel=0.02)
    assert read("usdjpy_d1.csv", data).reading.get("scale") == "1000"
    assert any("choose a scale" in note for note in read("x", data).reading.warnings)


@pytest.mark.parametrize(("symbol", "close"), [("JPYUSD", 0.91), ("EURUSD", 24.0), ("JPYEUR", 7.9)])
def test_sizes_that_may_be_anything_are_left_and_said(symbol: str, close: float) -> None:
    made = read("x", text(priced(close)), Choices(symbol=symbol))
    assert made.reading.get("scale") == "1"
    assert any("taken as they are" in note for note in made.reading.warnings)


def test_dots_part_thousands_where_the_price_would_be_a_thousandth() -> None:
    made = read("x", text(priced(1.912), 1, "{:.3f}"), Choices(symbol="XAUUSD"))
    assert made.table["close"].mean() == pytest.approx(1912, rel=0.02)
    assert any("marks of thousands" in note for note in made.reading.warnings)


def _shares(odd: bool, step: int = 100) -> bytes:
    random = np.random.default_rng(3)
    close = 973100 // step * step + np.cumsum(random.integers(-30, 31, 400)) * step
    rows = []
    for n, price in enumerate(close):
        day = (pd.Timestamp("1998-01-02") + pd.Timedelta(days=n)).strftime("%Y%m%d 00:00")
        low = price - 10 * step - (50 if odd and n == 350 else 0)
        rows.append(f"{day},{price},{price + 10 * step},{low},{price + step},{1000 + n}\n")
    return "".join(rows).encode()


def test_ten_thousandths_of_shares_are_told_by_their_digits() -> None:
    made = read("x.csv", _shares(odd=True), Choices(symbol="SPY"))
    assert made.reading.get("scale") == "10000"
    assert made.table["open"].iloc[0] < 100
    assert any("ten-thousandths" in note for note in made.reading.warnings)
    whole = Choices(symbol="SPY", scale=1.0)
    assert read("x.csv", _shares(odd=True), whole).table["open"].iloc[0] > 900_000


@pytest.mark.parametrize(
    ("data", "symbol"),
    [
        (_shares(odd=False), "SPY"), (_shares(odd=True), "BTCKRW"), (_shares(odd=True), "BTC-JPY"), (_shares(odd=True), "005930"),
        (_shares(odd=True, step=1000), "ABC"), (_shares(odd=True, step=1), "ABC"),
    ],
    ids=["all full cents", "won", "yen", "a number", "all full tens", "any number"],
)  # fmt: skip
def test_large_whole_prices_are_left_and_said(data: bytes, symbol: str) -> None:
    made = read("x.csv", data, Choices(symbol=symbol))
    assert made.reading.get("scale") == "1"
    assert any("choose a scale" in note for note in made.reading.warnings)


# -------------------------------------------------------------------------------------------- the grid


def evenings(first: str = "22:05", second: str = "23:05", days: int = 20) -> pd.DataFrame:
    """Hours from midnight to 20:00, and two candles each evening that are stamped a little late."""
    times = [
        pd.Timestamp(day, tz="UTC") + offset
        for day in pd.date_range("2024-01-08", periods=days)
        for offset in (
            *(pd.Timedelta(hours=n) for n in range(21)),
            *(pd.Timedelta(f"{each}:00") for each in (first, second) if each),
        )
    ]
    made = table(len(times))
    made.index = pd.DatetimeIndex(times, name="time").as_unit("us")
    return made


def test_a_few_late_stamps_belong_to_their_buckets() -> None:
    made = read("x", text(evenings()))
    assert (str(made.timeframe), len(made.table), made.reading.get("off_grid")) == ("1h", 460, "floor")
    assert made.table.index[21] == pd.Timestamp("2024-01-08 22:00", tz="UTC")
    assert any("40 of 460 candles" in note and "line 23, 24, 46" in note for note in made.reading.warnings)
    with pytest.raises(CandlesRefused, match="--off-grid floor"):
        read("x", text(evenings()), Choices(off_grid="refuse"))


@pytest.mark.parametrize(
    "want",
    [evenings("22:15", ""), evenings("22:05", "22:35"), evenings(days=2), evenings("22:05", "23:15")],
    ids=["only session opens", "two in a bucket", "too few", "no rule"],
)
def test_other_candles_off_the_grid_are_refused_with_the_remedy(want: pd.DataFrame) -> None:
    with pytest.raises(CandlesRefused, match=r"[Ll]ine 23") as caught:
        read("x", text(want))
    assert "--off-grid floor" in str(caught.value)


def test_floor_can_be_chosen_and_is_said(tmp_path: Any) -> None:
    want = evenings("22:15", "")
    made = read("x", text(want), Choices(off_grid="floor"))
    assert len(made.table) == len(want)
    assert any("20 of 440 candles" in note for note in made.reading.warnings)
    path = tmp_path / "x.csv"
    path.write_bytes(text(want))
    with streaming.stream("x.csv", path, Choices(off_grid="floor"), block=4096, window=100) as large:
        assert len(pd.concat(large.tables())) == len(want)


# --------------------------------------------------------------------------------------------- symbols


def several(*names: str, header: str = "symbol," + HEADER, mixed: bool = False) -> bytes:
    """The same candles for each symbol, each a whole number above the one before."""
    rows = [
        [f"{name},{line}\n" for line in text(HOURS + n, header="").decode().splitlines()]
        for n, name in enumerate(names)
    ]
    ordered = (
        [row for each in zip(*rows, strict=True) for row in each]
        if mixed
        else [row for each in rows for row in each]
    )
    return (header + "".join(ordered)).encode()


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("header", ["symbol," + HEADER, "<TICKER>," + HEADER, "Name," + HEADER, ""])
def test_one_of_several_symbols(header: str, mixed: bool) -> None:
    data = several("AAPL", "MSFT", "BTC/USDT", header=header, mixed=mixed)
    with pytest.raises(FileRefused, match=r"holds 3 symbols in the column .*AAPL, MSFT, BTC/USDT") as caught:
        read("x", data)
    assert caught.value.fields["question"] == "pick_symbol"
    for n, symbol in enumerate(("AAPL", "MSFT", "BTCUSDT")):
        made = read("x", data, Choices(symbol=symbol))
        pd.testing.assert_frame_equal(made.table, (HOURS + n).round(5), check_freq=False, rtol=1e-9)
        assert any("3 symbols" in note for note in made.reading.warnings)
    assert read("x", data, Choices(symbol="X").override("pick_symbol", "MSFT")).table["close"].min() > 2
    with pytest.raises(FileRefused, match="no symbol 'TSLA'"):
        read("x", data, Choices(pick_symbol="TSLA"))


def test_the_lines_of_a_fault_are_those_of_the_file_with_other_symbols_too() -> None:
    data = several("AAPL", "MSFT").decode().replace("MSFT,2024-01-08 03:00,2", "MSFT,2024-01-08 03:00,x2")
    with pytest.raises(FileRefused, match="line 125"):
        read("x", data.encode(), Choices(symbol="MSFT"))
    assert len(read("x", data.encode(), Choices(symbol="AAPL")).table) == 120


def test_all_symbols_as_one_series() -> None:
    rolled = text(HOURS[:60], header="").decode().splitlines()
    after = text(HOURS[60:], header="").decode().splitlines()
    rows = [f"ESH4,{each}\n" for each in rolled] + [f"ESM4,{each}\n" for each in after]
    made = read("x", ("contract," + HEADER + "".join(rows)).encode(), Choices(pick_symbol="*"))
    assert len(made.table) == 120


def test_a_large_file_whose_symbol_changes_further_down_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "x.csv"
    names = ["AAPL"] * 4000 + ["MSFT"] * 4000
    many = text(table(8000, "1min"), header="").decode().splitlines()
    path.write_text(
        "symbol," + HEADER + "".join(f"{a},{b}\n" for a, b in zip(names, many, strict=True)), "utf-8"
    )
    with (
        pytest.raises(FileRefused, match="AAPL, and further down MSFT"),
        streaming.stream("x.csv", path, block=2**17) as _,
    ):
        pass
    with streaming.stream("x.csv", path, Choices(pick_symbol="*"), block=2**17) as large:
        assert large.report.rows_out == 8000


def test_a_table_of_an_archive_that_is_named_for_the_symbol() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("AAPL.csv", text(HOURS))
        archive.writestr("MSFT.csv", text(HOURS + 1))
    made = read("x.zip", sink.getvalue(), Choices(symbol="MSFT"))
    assert made.table["close"].min() > 2
    assert any("MSFT.csv" in note for note in made.reading.warnings)


def test_a_set_of_prices_that_is_named_for_the_symbol() -> None:
    names = [f"{symbol}.{name}" for symbol in ("AAA", "BBB") for name in ("Open", "High", "Low", "Close")]
    rows = [f"{t:%Y-%m-%d %H:%M},{','.join(map(repr, [*map(float, r[:4]), *map(float, r[:4] + 1)]))}\n"
            for t, r in zip(HOURS.index, HOURS.to_numpy(), strict=True)]  # fmt: skip
    data = (",".join(["Date", *names]) + "\n" + "".join(rows)).encode()
    assert read("x", data, Choices(symbol="BBB")).table["close"].min() > 2
    assert inspect("x", data).questions


# ---------------------------------------------------------------------------------------------- faults


def test_faulty_cells_and_rows_that_break_a_rule_are_listed_together() -> None:
    lines = text(HOURS).decode().splitlines()
    lines[5] = "2024-01-08 04:00,abc,2,1,1,5"
    lines[9] = "2024-01-08 08:00,1,1.2,1.1,1.15,5"
    with pytest.raises(FileRefused, match=r"line 6: 'abc'") as caught:
        read("x", "\n".join(lines).encode())
    assert {each.line for each in caught.value.fields["findings"]} == {6, 10}


def test_conflicting_rows_show_their_lines_and_both_values() -> None:
    lines = text(HOURS).decode().splitlines()
    lines.append(lines[7].rsplit(",", 1)[0] + ",77")
    want = f"on 2 lines: volume {float(HOURS['volume'].iloc[6]):.10g} on line 8, 77 on line 122"
    with pytest.raises(CandlesRefused, match=want) as caught:
        read("x", "\n".join(lines).encode())
    assert "--conflicts first or last" in str(caught.value)


LINES = text(HOURS).decode().splitlines()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("name,age,city,height,weight\n" + "Bob,3,Rome,1.8,80\n" * 30, "is no table of candles.*Its columns are 'name', 'age'"),
        ("date,temp,humidity,pressure,wind\n" + "".join(f"2024-01-{n:02d},{n},50,1013,5\n" for n in range(1, 29)),
         "no four columns hold figures of one size"),
        ("date,open,close,volume\n" + "".join(f"2024-01-{n:02d},1,2,50\n" for n in range(1, 29)), "no column is plainly the high"),
        (",".join(f"c{n}" for n in range(100_000)) + "\n" + ",".join(["1"] * 100_000) + "\n", "has 100,000 columns; 2,000 is the most"),
        ("\n".join([*LINES[:9], '2024-02-01,"1.5,2.5,1.25,2.0,10', *LINES[9:]]), "line 10: A quote that is opened here is not closed"),
        (HEADER + "".join(f"1.70{n}E+12,1.5,2.5,1.25,2.0,10\n" for n in range(100, 140)),
         r"the times were rounded when the file was saved: '1.70100E\+12' tells a moment to 167 minutes only"),
        (HEADER + "".join(f"2024-01-{n:02d},110'165,110'310,110'020,110'200,5\n" for n in range(1, 29)), "its prices are in 32nds, such as \"110'165\""),
        (HEADER + "".join(f"24011{n}0930,1,2,1,2,5\n" for n in range(1, 9)), "the times lie in the future: '2401180930' would be 2046-02-02".replace("the times", "its times")),
        (HEADER + "".join(f"{n:02d}/01/1403,1,2,1,2,5\n" for n in range(1, 29)), "'01/01/1403' is not a time"),
    ],
    ids=["people", "weather", "no high", "wide", "a quote", "rounded times", "32nds", "other counts", "another calendar"],
)  # fmt: skip
def test_what_is_no_table_of_candles_is_told_in_its_own_words(data: str, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        read("x.csv", data.encode())


@pytest.mark.parametrize("bad", ["2024-01-10 12:00,1,2,abc,1,5", "2024-01-10 12:00,1,0.5,0.4,1,5"])
def test_a_fault_in_an_archive_names_its_part_and_its_line(bad: str) -> None:
    at = next(n for n, line in enumerate(LINES) if line.startswith("2024-01-10 12:00"))
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("x-1.csv", "\n".join(LINES[:40]))
        archive.writestr("x-2.csv", "\n".join([LINES[0], *LINES[40:at], bad, *LINES[at + 1 :]]))
    with pytest.raises((FileRefused, CandlesRefused), match=rf"x\.zip.*[Ll]ine {at - 38}: in x-2\.csv: "):
        read("x.zip", sink.getvalue())


def test_names_in_unknown_words_are_told_by_the_figures() -> None:
    data = text(HOURS, header="aika,alku,ylä,ala,loppu,määrä\n")
    made = read("x", data)
    pd.testing.assert_frame_equal(made.table, HOURS, check_freq=False, rtol=1e-9)
    assert any("open 'alku', high 'ylä', low 'ala', close 'loppu'" in note for note in made.reading.warnings)
    with pytest.raises(FileRefused):  # names of what else there is are not passed over
        read("x", text(HOURS, header="time,sma,upper,lower,ema,volume\n"))


def test_a_word_for_a_zone_that_may_be_two_things_is_said() -> None:
    made = read("x", text(HOURS, header=HEADER.replace("time", "Time (EST)")))
    assert made.reading.get("zone") == "UTC"
    assert any("speaks of EST" in note for note in made.reading.warnings)
    assert (
        read("x", text(HOURS, header=HEADER.replace("time", "Time (EST)")), Choices(zone="EST")).reading.get(
            "zone"
        )
        == "EST"
    )


def test_of_two_columns_of_times_that_are_hours_apart_the_counts_are_taken_and_said() -> None:
    rows = [
        f"{int(time.timestamp())},{line}\n"
        for time, line in zip(HOURS.index + pd.Timedelta("5h"), LINES[1:], strict=True)
    ]
    data = ("unix," + HEADER + "".join(rows)).encode()
    made = read("x", data)
    assert any(
        "'unix' counts times in UTC that are 5 hours after those of 'time'" in note
        for note in made.reading.warnings
    )
    later = HOURS.index[0] + pd.Timedelta("5h")
    assert made.table.index[0] == later
    zone = read("x", data, Choices(zone="Etc/GMT+5"))
    assert zone.table.index[0] == later
    assert not zone.reading.warnings
    chosen = read("x", data, Choices(columns={"time": "time"}))
    assert chosen.table.index[0] == HOURS.index[0]
    assert any("which were taken as UTC" in note for note in chosen.reading.warnings)


def test_a_column_that_numbers_the_rows_is_no_clock() -> None:
    rows = "".join(f"{n},2024-01-{n + 1:02d},1,2,1,2,5\n" for n in range(28))
    assert str(read("x", ("date,datetime,open,high,low,close,volume\n" + rows).encode()).timeframe) == "1d"


@pytest.mark.parametrize("cell", ["1e999", "1.7E+12", "9" * 25])
def test_one_count_that_is_none_is_a_fault_of_its_row(cell: str) -> None:
    seconds = [str(1705104000 + n * 3600) for n in range(30)]
    seconds[7] = cell
    data = HEADER + "".join(f"{each},1,2,1,2,5\n" for each in seconds)
    with pytest.raises((FileRefused, CandlesRefused), match=r"[Ll]ine 9"):
        read("x", data.encode())
