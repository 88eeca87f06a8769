"""The stages between bytes and candles, each alone: text, layout, columns, numbers."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import FileRefused
from lib.files import suggest_symbol
from lib.files.columns import columns, numbers
from lib.files.texts import layout, text
from tests.files.written import HEADER, rows

# ------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("time,ö\n".encode(), "utf-8"),
        ("\ufefftime,ö\n".encode(), "utf-8"),
        ("\ufefftime,ö\n".encode("utf-16-le"), "utf-16"),
        ("\ufefftime,ö\n".encode("utf-16-be"), "utf-16"),
        (("time,o\n" * 9).encode("utf-16-le"), "utf-16-le"),
        (("time,o\n" * 9).encode("utf-16-be"), "utf-16-be"),
        ("time,ö\n".encode("latin-1"), "cp1252"),
    ],
)
def test_encodings(data: bytes, encoding: str) -> None:
    made = text.decode(data, "a.csv")
    assert made.encoding == encoding
    assert made.data[made.start :].decode().startswith("time,")


def test_lines_that_end_in_cr_alone() -> None:
    assert text.decode(b"a\rb\r", "a.csv").data == b"a\nb\n"


def test_a_chosen_encoding_that_does_not_fit_names_the_line() -> None:
    with pytest.raises(FileRefused, match=r"Line 2 of a\.csv is not shift_jis"):
        text.decode(b"ok\n\xff\xff\n", "a.csv", "shift_jis")
    with pytest.raises(FileRefused, match="is no encoding"):
        text.decode(b"ok\n", "a.csv", "utf-99")


@pytest.mark.parametrize("data", [b"", b"\n\n \n", b"\xef\xbb\xbf", b"\0" * 50])
def test_empty(data: bytes) -> None:
    with pytest.raises(FileRefused, match=r"a\.csv is empty"):
        text.decode(data, "a.csv")


# ----------------------------------------------------------------------------------------------- layout


def sniff(content: str, **chosen: object) -> layout.Layout:
    return layout.sniff(text.decode(content.encode(), "a.csv"), "a.csv", **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters(mark: str) -> None:
    found = sniff((HEADER + rows()).replace(",", mark))
    assert (found.delimiter, found.header, found.first_line, found.width) == (mark, 1, 2, 6)


def test_decimal_commas_do_not_pass_for_a_delimiter() -> None:
    found = sniff(
        "DATE;TIME;OPEN;HIGH;LOW;CLOSE\n" + "2009.12.07;00:00;1,48583;1,49050;1,47565;1,48263\n" * 5
    )
    assert (found.delimiter, found.width) == (";", 6)


def test_blanks_part_cells() -> None:
    found = sniff("  time   open high low close\n  2024-01-01   1 2  1 2\n  2024-01-02   1 2  1 2\n")
    assert (found.delimiter, found.names) == ("whitespace", ("time", "open", "high", "low", "close"))


@pytest.mark.parametrize(
    "above", ["Bank of X, Ltd\n\n", "# made by x\n# on a day\n", "https://example.org\n", "\n\n"]
)
def test_title_lines(above: str) -> None:
    found = sniff(above + HEADER + rows())
    lines = above.count("\n")
    assert (found.header, found.first_line) == (lines + 1, lines + 2)
    assert found.names[:2] == ("time", "open")


def test_no_header() -> None:
    found = sniff(rows())
    assert (found.header, found.first_line, found.names[0]) == (0, 1, "column 1")


def test_a_short_first_row_is_a_row_not_a_title() -> None:
    assert sniff(HEADER + "2024-01-01,1,2\n" + rows()).first_line == 2


def test_header_that_stands_for_date_and_time() -> None:
    found = sniff("Date,Open,High,Low,Close\n" + "2006-01-02,09:01:00,3602.00,3603.00,3597.00,3599.00\n" * 3)
    assert found.names[:3] == ("Date", "Time", "Open")
    assert found.notes


def test_header_without_a_name_for_the_index() -> None:
    assert sniff("time,open,high,low,close\n" + "0,2024-01-02,1,2,1,2\n" * 3).names[:2] == (
        "column 1",
        "time",
    )


@pytest.mark.parametrize("rest", ["", ","])
def test_trailing_delimiters(rest: str) -> None:
    found = sniff(HEADER.strip() + rest + "\n" + rows(rest=",1.5,2.5,1.25,2.0,10,"))
    assert found.names[:6] == ("time", "open", "high", "low", "close", "volume")


def test_names_that_do_not_match_the_rows() -> None:
    with pytest.raises(FileRefused, match=r"Line 1 of a\.csv names 4 columns, and its rows have 6 cells"):
        sniff("time,open,high,low\n" + rows())


def test_twin_names_get_numbers() -> None:
    assert sniff("time,a,a,b,c,\n" + rows()).names == ("time", "a", "a (2)", "b", "c", "column 6")


# ---------------------------------------------------------------------------------------------- columns


def roles(header: str, row: str, **chosen: str) -> tuple[dict[str, str], columns.Roles]:
    found = sniff(f"{header}\n{row}\n{row}\n")
    made = columns.assign(found, chosen, "a.csv")
    return {role: found.names[at] for role, at in made.at.items()}, made


ROW = "2024-01-31,1.5,2.5,1.25,2.0,1.75,10"


@pytest.mark.parametrize(
    ("header", "row", "close", "volume"),
    [
        ("Date,Open,High,Low,Close,Adj Close,Volume", ROW, "Close", "Volume"),
        ("Date,Open,High,Low,Adj Close,Close,Volume", ROW, "Close", "Volume"),
        ("TIMESTAMP,OPEN,HIGH,LOW,CLOSE,x,VOL", ROW, "CLOSE", "VOL"),
        ("date,o,h,l,c,x,v", ROW, "c", "v"),
        ("Gmt time,Open,High,Low,Close,x,Volume", ROW, "Close", "Volume"),
        ("Time,Open,High,Low,Last,Change,Volume", ROW, "Last", "Volume"),
        ("Date,Price,Open,High,Low,Change %,Vol.", "2024-01-31,2,1.5,2.5,1.25,0.5%,1.5K", "Price", "Vol."),
        (
            "Open time,Open,High,Low,Close,Volume,Close time",
            "1706659200000,1,2,1,2,5,1706659259999",
            "Close",
            "Volume",
        ),
        (
            "<TICKER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>",
            "X,20240131,120000,1,2,1,2",
            "<CLOSE>",
            None,
        ),
        ("Date,openPrice,highPrice,lowPrice,closePrice,x,totalVolume", ROW, "closePrice", "totalVolume"),
        ("time,open_price,high_price,low_price,close_price,x,volume_base", ROW, "close_price", "volume_base"),
    ],
)
def test_names(header: str, row: str, close: str, volume: str | None) -> None:
    at, made = roles(header, row)
    assert at["close"] == close
    assert at.get("volume") == volume
    assert not made.undecided
    assert made.times


def test_adjusted_closes_are_never_taken_for_closes() -> None:
    _, made = roles("Date,Open,High,Low,Adj Close,Volume", "2024-01-31,1.5,2.5,1.25,2.0,10")
    assert made.undecided["close"] == ("Adj Close",)


def test_two_closes_are_asked_about() -> None:
    _, made = roles("Date,Open,High,Low,Close,Close,Volume", ROW)
    assert made.undecided["close"] == ("Close", "Close (2)")
    at, made = roles("Date,Open,High,Low,Close,Close,Volume", ROW, close="#6")
    assert at["close"] == "Close (2)"
    assert "close" not in made.undecided


def test_volume_that_is_zero_throughout_gives_way_to_ticks() -> None:
    at, made = roles("<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
                     "2024.01.01\t23:00:00\t1.5\t1.6\t1.4\t1.5\t385\t0\t90")  # fmt: skip
    assert at["volume"] == "<TICKVOL>"
    assert "zero throughout" in made.why["volume"]
    assert (at["date"], at["clock"]) == ("<DATE>", "<TIME>")


def test_without_a_header_the_places_tell() -> None:
    found = sniff("20110301 090100;133.9;134.01;133.9;133.98;3778\n20110301 090300;134;134;134;134;400\n")
    assert dict(columns.assign(found, {}, "a").at) == {
        "time": 0, "open": 1, "high": 2, "low": 3, "close": 4, "volume": 5,
    }  # fmt: skip


def test_without_a_header_the_data_tell_the_order_of_the_prices() -> None:
    found = sniff("1451606400000,5,5,5,5,1.6\n1451606460000,5,6,7,4,16.1\n")
    assert dict(columns.assign(found, {}, "a").at) == {
        "time": 0, "open": 1, "close": 2, "high": 3, "low": 4, "volume": 5,
    }  # fmt: skip
    found = sniff("1451606400000,5,6,7,4,1.6\n1451606460000,9,6,7,4,16.1\n")
    assert set(columns.assign(found, {}, "a").undecided) == {"open", "high", "low", "close"}


def test_a_chosen_column_that_is_not_there() -> None:
    with pytest.raises(FileRefused, match="has no column 'Klose'"):
        roles("Date,Open,High,Low,Close,x,Volume", ROW, close="Klose")
    with pytest.raises(FileRefused, match="is no role"):
        roles("Date,Open,High,Low,Close,x,Volume", ROW, wick="Close")


# ---------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("cells", "decimal", "plain"),
    [
        (["1.5", "2", "1e-5", "-3.25"], ".", True),
        (["1,5", "2"], ",", True),
        (["0,125"], ",", True),
        (["1234,500"], ",", True),
        (["19,170.0", "3.68K"], ".", False),
        (["19.170,0"], ",", False),
        (["1,234,567"], ".", False),
        (["1.234.567"], ",", False),
        (["$1.5"], ".", False),
        (["1,234", "1,300"], "", False),
    ],
)
def test_decimal_marks(cells: list[str], decimal: str, plain: bool) -> None:
    style = numbers.sniff_style(cells)
    assert (style.decimal, style.plain) == (decimal, plain)


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("19,170.0", ".", 19170.0),
        ("19.170,5", ",", 19170.5),
        ("1 234,5", ",", 1234.5),
        ("3.68K", ".", 3680.0),
        ("1.5M", ".", 1.5e6),
        ("2B", ".", 2e9),
        ("$1,234.50", ".", 1234.5),
        ("-", ".", math.nan),
        ("N/A", ".", math.nan),
        ("", ".", math.nan),
    ],
)
def test_dressed_figures(cell: str, decimal: str, value: float) -> None:
    style = numbers.NumberStyle(decimal, "." if decimal == "," else ",", False, "")
    made, bad = numbers.to_floats(pa.array([cell]), style)
    assert not bad[0]
    assert made[0] == pytest.approx(value, rel=1e-15, nan_ok=True)


@pytest.mark.parametrize("cell", ["abc", "1.2.3", "1,23,4", "12,34.5", "0x10", "1e", "--1", "1-2", "12:30"])
@pytest.mark.parametrize("plain", [True, False])
def test_what_is_no_number(cell: str, plain: bool) -> None:
    made, bad = numbers.to_floats(pa.array(["1.5", cell]), numbers.NumberStyle(".", ",", plain, ""))
    assert bad.tolist() == [False, True]
    assert made[0] == 1.5
    assert math.isnan(made[1])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_survive_their_text(values: list[float]) -> None:
    for plain in (True, False):
        made, bad = numbers.to_floats(
            pa.array([repr(value) for value in values]), numbers.NumberStyle(".", ",", plain, "")
        )
        assert not bad.any()
        np.testing.assert_array_equal(made, values)


# ------------------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("a07_metatrader_split_eurusd_h1.csv", "EURUSD"),
        ("b12_report_xauusd.csv", "XAUUSD"),
        ("A12.csv", "A12"),
        ("EURUSD_H1_201801020000.csv", "EURUSD"),
        ("Binance_BTCUSDT_1h.csv.gz", "BTCUSDT"),
        ("BTC_USDT-5m.csv", "BTCUSDT"),
        ("data/AAPL.csv", "AAPL"),
        (r"C:\files\msft daily.txt", "MSFT"),
        ("^GSPC.csv", "^GSPC"),
        ("2024-01-01.csv", ""),
        ("a18_yahoo_adjclose_aapl.csv", "AAPL"),
        ("a01_mt5_tab_h1_us30.csv", "US30"),
        ("quandl_wiki_aapl.csv", "AAPL"),
        ("lean_spy_daily_decicents.zip", "SPY"),
        ("my TSLA notes.csv", "TSLA"),
        ("bitcoin_daily.csv", "BITCOIN"),
        ("micro_text_ts_wld_large.csv", ""),
        ("", ""),
    ],
)
def test_symbol_of_a_name(name: str, symbol: str) -> None:
    assert suggest_symbol(name) == symbol
