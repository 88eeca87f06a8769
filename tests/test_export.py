from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import candles, export
from lib.errors import InputError
from lib.files import Choices, read
from lib.indicators import compute, parse_list
from lib.series import Series
from lib.store import open_store
from lib.timeframes import parse
from tests.files.written import table


def small(**columns: list[float]) -> pd.DataFrame:
    made = table(2)
    for name, values in columns.items():
        made[name] = values
    return made


def test_csv_word_for_word() -> None:
    made = export.to_bytes(
        small(open=[1.5, 1e-8], high=[100, 1e22], low=[0.1, 5e-324], close=[1 / 3, 2], volume=[np.nan, 7]),
        "csv",
    )
    assert made.decode() == (
        "time,open,high,low,close,volume\n"
        "2024-03-01T00:00:00Z,1.5,100,0.1,0.3333333333333333,\n"
        "2024-03-01T01:00:00Z,1e-8,1e+22,5e-324,2,7\n"
    )


def test_json_word_for_word() -> None:
    made = export.to_bytes(
        small(open=[1, 1], high=[2, 2], low=[1, 1], close=[2, 2], volume=[np.nan, 7]), "json"
    )
    assert made.decode() == (
        '[\n{"time":"2024-03-01T00:00:00Z","open":1,"high":2,"low":1,"close":2,"volume":null},\n'
        '{"time":"2024-03-01T01:00:00Z","open":1,"high":2,"low":1,"close":2,"volume":7}\n]\n'
    )


def test_parquet_keeps_types() -> None:
    made = pq.read_table(io.BytesIO(export.to_bytes(table(), "parquet")))
    assert [str(field.type) for field in made.schema] == ["timestamp[us, tz=UTC]", *["double"] * 5]
    pd.testing.assert_frame_equal(made.to_pandas().set_index("time"), table(), check_freq=False)


def test_empty_tables() -> None:
    empty = candles.empty()
    assert export.to_bytes(empty, "csv") == b"time,open,high,low,close,volume\n"
    assert json.loads(export.to_bytes(empty, "json")) == []
    assert pq.read_table(io.BytesIO(export.to_bytes(empty, "parquet"))).num_rows == 0


def test_provenance_stays_behind() -> None:
    kept = candles.with_provenance(table(3), "x", pd.Timestamp("2024-01-01", tz="UTC"))
    assert export.to_bytes(kept, "csv") == export.to_bytes(table(3), "csv")


def test_fractions_of_seconds_are_written_where_there_are_any() -> None:
    made = table(2)
    made.index = made.index + pd.Timedelta("500ms")
    assert b"2024-03-01T00:00:00.500000Z" in export.to_bytes(made, "csv")


PRICE = st.floats(5e-324, 1e300, allow_nan=False, allow_infinity=False)


@given(
    st.lists(
        st.tuples(PRICE, PRICE, st.one_of(st.just(np.nan), st.floats(0, 1e300))), min_size=2, max_size=20
    )
)
def test_csv_is_read_back_to_the_last_bit(figures: list[tuple[float, float, float]]) -> None:
    made = table(len(figures))
    one, other, volume = (np.array(each) for each in zip(*figures, strict=True))
    made["open"], made["close"], made["volume"] = one, other, volume
    made["high"], made["low"] = np.maximum(one, other), np.minimum(one, other)
    again = read("x.csv", export.to_bytes(made, "csv"), Choices(timeframe=parse("1h"))).table
    pd.testing.assert_frame_equal(again, made, check_exact=True, check_freq=False)
    rows = json.loads(export.to_bytes(made, "json"))
    assert [row["open"] for row in rows] == made["open"].tolist()


def test_names_and_media_types() -> None:
    assert set(export.MEDIA_TYPES) == set(export.FORMATS)
    series = Series.of("x", "BTC/USDT", "1m")
    assert export.file_name(series, "csv") == "BTC-USDT_1m.csv"
    assert export.file_name(series, "json", parse("1h")) == "BTC-USDT_1h.json"
    assert export.file_name(Series.of("x", "../..", "1d"), "csv") == "candles_1d.csv"


def test_another_format_is_refused() -> None:
    with pytest.raises(InputError, match="'xml' is no format"):
        export.to_bytes(table(2), "xml")


# --------------------------------------------------------------------------------------- more formats


def test_ndjson_word_for_word() -> None:
    made = export.to_bytes(
        small(open=[1, 1], high=[2, 2], low=[1, 1], close=[2, 2], volume=[np.nan, 7]), "ndjson"
    )
    assert made.decode() == (
        '{"time":"2024-03-01T00:00:00Z","open":1,"high":2,"low":1,"close":2,"volume":null}\n'
        '{"time":"2024-03-01T01:00:00Z","open":1,"high":2,"low":1,"close":2,"volume":7}\n'
    )
    assert export.to_bytes(candles.empty(), "ndjson") == b""


@pytest.mark.parametrize("fmt", export.FORMATS)
@pytest.mark.parametrize("step", ["1h", "1s", "1D"])
def test_every_format_comes_back_through_our_own_reader(fmt: str, step: str) -> None:
    given = table(300, step=step)
    made = read(f"x.{fmt}", export.to_bytes(given, fmt, title="BTC/USDT [1h]")).table
    pd.testing.assert_frame_equal(made, given, check_freq=False)


def test_cells_that_a_spreadsheet_would_run_are_made_plain() -> None:
    given = small()
    given["=cmd|' /C calc'!A0"] = [-1.5, 2.0]
    given["note"] = ["=1+1", '@SUM(A1) "x", y']
    given["more"] = ["+1", "\t=1"]
    text = export.to_bytes(given, "csv").decode()
    head, first, second = text.splitlines()
    assert head.endswith(",'=cmd|' /C calc'!A0,note,more")
    assert first.endswith(",-1.5,'=1+1,'+1")
    assert second.endswith(',2,"\'@SUM(A1) ""x"", y",\'\t=1')
    # JSON runs nothing: texts stay what they are
    assert json.loads(export.to_bytes(given, "json"))[0]["note"] == "=1+1"
    sheet = xlsx_parts(export.to_bytes(given, "xlsx"))
    assert "<f>" not in sheet["xl/worksheets/sheet1.xml"]
    assert "<v>-1.5</v>" in sheet["xl/worksheets/sheet1.xml"]
    assert "'=1+1" in "".join(sheet.values())


def xlsx_parts(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize("title", ["BTC/USDT", "x" * 50, "'=a[b]:c*?\\'", "", "''"])
def test_any_title_names_a_sheet(title: str) -> None:
    assert len(read("x.xlsx", export.to_bytes(table(5), "xlsx", title=title)).table) == 5


def test_a_sheet_has_an_end() -> None:
    long = table(10).iloc[np.zeros(2**20, np.intp)]
    with pytest.raises(InputError, match="A sheet of Excel holds"):
        export.to_bytes(long, "xlsx")


def test_indicators_are_those_of_the_whole_series(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    series = Series("test", "A", parse("1h"))
    store.write(series, table(500), origin="test")
    picks = parse_list("ema(21);macd(12,26,9)")
    start, end = pd.Timestamp("2024-03-05", tz="UTC"), pd.Timestamp("2024-03-07", tz="UTC")
    made = export.gather(store, series, None, start, end, picks)
    assert (len(made), made.index[0]) == (48, start)
    whole = compute(table(500), picks)
    assert list(made.columns[5:]) == list(whole.columns)
    pd.testing.assert_frame_equal(made[whole.columns], whole.loc[made.index], check_freq=False)
    assert b'"macd(12,26,9).signal"' in export.to_bytes(made, "csv")
    coarse = export.gather(store, series, parse("4h"), start, end, picks)
    assert len(coarse) == 12
    assert export.gather(store, series).shape == (500, 5)


def test_several_series_in_a_zip(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    hourly, twin, odd = (
        Series.of("file", "EUR/USD", "1h"),
        Series.of("file", "EUR-USD", "1h"),
        Series.of("a/b", "X", "1h"),
    )
    for series in (hourly, twin, odd):
        store.write(series, table(), origin="a test")
    with zipfile.ZipFile(io.BytesIO(export.to_zip(store, [hourly, twin, odd], "csv"))) as archive:
        assert archive.namelist() == ["file_EUR-USD_1h.csv", "2_file_EUR-USD_1h.csv", "a-b_X_1h.csv"]
        for name in archive.namelist():
            pd.testing.assert_frame_equal(read(name, archive.read(name)).table, table(), check_freq=False)


@pytest.mark.parametrize("frame", ["1h", "4h", "1d", "1w", "1M"])
@pytest.mark.parametrize(
    "span", [(None, None), ("2024-03-07T05:00", "2024-04-02T23:00"), ("2031-01-01", None)]
)
def test_a_series_in_pieces_is_the_series(
    tmp_path: Path, frame: str, span: tuple[str | None, str | None]
) -> None:
    store = open_store(str(tmp_path))
    series = Series("test", "A", parse("1h"))
    given = table(1500, start="2024-03-03 22:00")
    given = given.drop(given.index[300:700])  # nothing for longer than a piece
    store.write(series, given, origin="test")
    start, end = (pd.Timestamp(each, tz="UTC") if each else None for each in span)
    made = list(export.pieces(store, series, parse(frame), start, end, rows=50))
    whole = export.gather(store, series, parse(frame), start, end)
    assert max(map(len, made)) <= 50 and (len(made) > 10) == (frame == "1h" and len(whole) > 500)
    pd.testing.assert_frame_equal(pd.concat(made), whole, check_freq=False)
    picks = parse_list("ema(21)")
    made = list(export.pieces(store, series, parse(frame), start, end, picks, rows=50))
    pd.testing.assert_frame_equal(
        pd.concat(made), export.gather(store, series, parse(frame), start, end, picks), check_freq=False
    )


@pytest.mark.parametrize("fmt", export.FORMATS)
def test_a_file_in_pieces_is_the_file(fmt: str) -> None:
    whole, sink = table(500), io.BytesIO()
    assert export.write((whole.iloc[at : at + 99] for at in range(0, 500, 99)), fmt, sink) == 500
    if fmt in ("csv", "json", "ndjson"):
        assert sink.getvalue() == export.to_bytes(whole, fmt)
    pd.testing.assert_frame_equal(read(f"x.{fmt}", sink.getvalue()).table, whole, check_freq=False)
    sink = io.BytesIO()
    assert export.write([whole.iloc[:0]], fmt, sink) == 0
    assert fmt == "xlsx" or sink.getvalue() == export.to_bytes(whole.iloc[:0], fmt)


def test_more_than_a_sheet_holds_is_refused_before_all_is_read() -> None:
    asked = []

    def endless() -> Iterator[pd.DataFrame]:
        for number in itertools.count():
            asked.append(number)
            yield table(10).iloc[np.zeros(2**18, np.intp)]

    with pytest.raises(InputError, match="A sheet of Excel holds"):
        export.write(endless(), "xlsx", io.BytesIO())
    assert len(asked) == 4
