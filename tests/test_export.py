from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import candles, export
from lib.errors import InputError
from lib.files import Choices, read
from lib.series import Series
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
