"""Whole files: what is read, what is refused, and what a reader is shown."""

from __future__ import annotations

import gzip
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from lib import export, timeframes
from lib.errors import CandlebookError, CandlesRefused, FileRefused, InputError
from lib.files import Choices, closed_only, inspect, read
from tests.files.written import HEADER, rows, table

GOOD = HEADER + rows()
LAST = [1.5, 2.5, 1.25, 2.0, 10.0]


# ------------------------------------------------------------------------------------------------ opens


def _short(value: object) -> str | None:
    return f"{len(value)} bytes" if isinstance(value, bytes) else None


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        GOOD.strip().encode(),
        ("\ufeff" + GOOD).encode(),
        ("\ufeff" + GOOD).encode("utf-16-le"),
        GOOD.encode("utf-16-be"),
        gzip.compress(GOOD.encode(), mtime=0),
        GOOD.replace(",", ";").encode(),
        GOOD.replace(",", "\t").encode(),
        GOOD.replace(",", "|").encode(),
        GOOD.replace(",", "  ").encode(),
        GOOD.replace(".", ",").replace("time,open,high,low,close,volume", "time;open;high;low;close;volume")
        .replace(",1,5,", ";1,5;").replace(";2,5,1,25,2,0,", ";2,5;1,25;2,0;").encode(),
        ("Prices of X\nby Y\n\n" + GOOD).encode(),
        rows().encode(),
        (GOOD + "\n\n").encode(),
        "".join(f'"{line}"\n'.replace(",", '","') for line in GOOD.split()).encode(),
        (HEADER + rows(time="{:02d}.01.2024 00:00") + "13.01.2024 00:00,1.5,2.5,1.25,2,10\n").encode(),
        (HEADER + rows(time="2024-01-{:02d}T00:00:00Z")).encode(),
        (HEADER + rows(time="2024-01-{:02d} 02:00:00+02:00")).encode(),
        (HEADER + rows(time="{:d} Jan 2024")).encode(),
        (HEADER + "".join(rows().splitlines(keepends=True)[::-1])).encode(),
        ("close,VOLUME,<LOW>,Open price,HIGH,Date\n" + "".join(f"2,10,1.25,1.5,2.5,2024-01-{n:02d}\n" for n in range(1, 7))).encode(),
        (HEADER + "".join(f"{1704067200 + n * 86400},1.5,2.5,1.25,2,10\n" for n in range(6))).encode(),
        (HEADER + "".join(f"{(1704067200 + n * 86400) * 10**9},1.5,2.5,1.25,2,10\n" for n in range(6))).encode(),
        (HEADER + "".join(f"{(1704067200 + n * 86400) * 1000}.0,1.5,2.5,1.25,2,10\n" for n in range(6))).encode(),
        ("d,Date,Time,O,H,L,C,V\n" + "".join(f"{n},2024.01.{n:02d},00:00,1.5,2.5,1.25,2,10\n" for n in range(1, 7))).encode(),
        (HEADER + rows(rest=",$1.5,$2.5,$1.25,$2.0,0.01K")).encode(),
    ],
    ids=_short,
)  # fmt: skip
def test_the_same_candles_in_many_dialects(data: bytes) -> None:
    made = read("x.csv", data)
    assert str(made.timeframe) == "1d"
    assert made.table.index[0] == pd.Timestamp("2024-01-01", tz="UTC")
    assert len(made.table) in (6, 7)
    assert made.table.iloc[0].tolist() == LAST
    assert made.table.iloc[-1].tolist() == LAST
    assert made.report.ok


def test_a_path_and_its_bytes_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(GOOD.encode())
    pd.testing.assert_frame_equal(read("x.csv", path).table, read("x.csv", GOOD.encode()).table)


def test_no_volume_is_nan_not_zero() -> None:
    made = read("x.csv", b"time,open,high,low,close\n" + rows(rest=",1.5,2.5,1.25,2.0").encode())
    assert made.table["volume"].isna().all()


def test_minus_one_in_every_volume_stands_for_none() -> None:
    made = read("x.csv", (HEADER + rows(rest=",1.5,2.5,1.25,2.0,-1")).encode())
    assert made.table["volume"].isna().all()
    assert any("-1" in note for note in made.reading.warnings)


def test_rows_that_are_the_same_count_once() -> None:
    made = read("x.csv", (GOOD + rows(2)).encode())
    assert (len(made.table), made.report.duplicates) == (6, 2)


def test_cells_far_down_may_be_written_otherwise() -> None:
    """The head decides types; a later cell that does not fit them is still read."""
    many = rows(9, "2024-01-0{}") * 1
    data = HEADER + many + '2024-01-10,"1.5",2.5,1.25,"2,000.0",10\n'.replace("2.5", '"2,500.0"')
    made = read("x.csv", data.encode())
    assert made.table["close"].iloc[-1] == 2000.0


# ---------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b"", None, "is empty"),
        (b"\n \n", None, "is empty"),
        (b"<html><body>Too many requests</body></html>", None, "web page"),
        (b"hello", 1, "no candles under it"),
        (HEADER.encode(), 1, "no candles under it"),
        (bytes(range(1, 256)) * 40, None, "binary|no rows"),
        ((GOOD[:60] + "\0" + GOOD[60:]).encode(), 2, "zero byte"),
        (b"time,volume\n2024-01-01,5\n2024-01-02,6\n", 1, "four prices"),
        ((HEADER + rows(3) + "2024-01-04,1,2\n").encode(), 5, "3 cells where the others have 6"),
        ((HEADER + "2024-01-04,1,2\n" + rows(3)).encode(), 2, "3 cells where the others have 6"),
        ((HEADER + "\n\n" + rows(3) + "2024-01-04,1,abc,1,1,5\n").encode(), 7, "'abc' in the column 'high'"),
        ((HEADER + rows(3) + "2024-13-45,1,2,1,1,5\n").encode(), 5, "'2024-13-45' is not a time"),
        ((HEADER + rows(3) + "soon,1,2,1,1,5\n").encode(), 5, "'soon' is not a time"),
        ((HEADER + "".join(f"{1704067200 + n * 60},1,2,1,2,5\n" for n in range(5)) + "x,1,2,1,2,5\n").encode(), 7, "'x' is not a time"),
        ((HEADER + rows(3) + "2024-01-04,-1,2,-1,1,5\n").encode(), 5, "open price is -1"),
        ((HEADER + "\n" + rows(3) + "\n2024-01-04,1,0.5,1,1,5\n").encode(), 7, "high 0.5 is below"),
        ((HEADER + rows(3) + "2024-01-04,,2,1,1,5\n").encode(), 5, "open price is missing"),
        ((HEADER + rows(3) + "2024-01-04,inf,inf,1,1,5\n").encode(), 5, "infinite"),
        ((HEADER + rows(3) + "2024-01-04,1,2,1,1,-5\n").encode(), 5, "volume is -5"),
        ((GOOD + "2024-01-01,1.5,2.5,1.25,2.25,10\n").encode(), 2, "other figures for 2024-01-01"),
        ((HEADER + rows(time="2024-01-01 0{}:00") + "2024-01-01 02:07,1.5,2.5,1.25,2.0,10\n").encode(), 8, "02:07:00 is not where"),
        ((HEADER + rows(time="0{}/02/2024")).encode(), None, "2024-02-01 with the day first, and 2024-01-02 with"),
        ((HEADER.replace(",", ";") + "2024-01-01;1,234;1,300;1,200;1,250;5\n" * 2).encode(), None, r"1\.234 or 1234"),
        (("time,open,high,low,close,close\n" + rows()).encode(), None, "several columns could be the close"),
        (("Date,Open,High,Low,Adj Close,Volume\n" + rows()).encode(), None, "no column is plainly the close"),
        ((HEADER + rows(1)).encode(), None, "cannot be told from 1 candle"),
        ((HEADER + rows(3) + '"2024-01-04,1,2,1,1,5\n' + rows(2)).encode(), 5, "A quote that is opened here"),
        (("time,open,high,low,close,volume,note\n" + '2024-01-01,1,2,1,2,5,"a\nb"\n2024-01-02,x,2,1,2,5,"c"\n' + '2024-01-03,1,2,1,2,5,"c"\n').encode(), 4, "'x' in the column 'open'"),
        (b"a" * 3_000_000, 1, "longer than a million"),
        (b"\n".join([b",".join([b"1"] * 50_000)] * 3), 1, "50,000 columns"),
    ],
    ids=_short,
)  # fmt: skip
def test_refusals_name_the_line_and_the_reason(data: bytes, line: int | None, said: str) -> None:
    with pytest.raises((FileRefused, CandlesRefused), match=said) as caught:
        read("x.csv", data)
    assert caught.value.fields.get("line") == line
    assert "x.csv" in str(caught.value) or isinstance(caught.value, InputError)
    assert "Traceback" not in str(caught.value)
    if line:
        assert f"ine {line}" in str(caught.value) or line == 1


def test_every_fault_is_found_not_the_first_alone() -> None:
    data = HEADER + rows(3) + "2024-01-04,1,abc,1,1,5\n" + "x,1,2,1,1,5\n" + "2024-01-06,1\n"
    with pytest.raises(FileRefused, match="2 more") as caught:
        read("x.csv", data.encode())
    assert [(found.line, found.rule) for found in caught.value.fields["findings"]] == [
        (5, "number"), (6, "time"), (7, "row"),
    ]  # fmt: skip


def test_bad_rows_can_be_left_out_and_are_reported() -> None:
    data = (
        HEADER
        + rows(3)
        + "2024-01-04,1,abc,1,1,5\nx,1,2,1,1,5\n2024-01-06,1\n2024-01-07,1,0.5,1,1,1\n2024-01-08,1,2,1,1,1\n"
    )
    made = read("x.csv", data.encode(), Choices(bad_rows="drop"))
    assert len(made.table) == 4
    assert (made.report.rows_in, made.report.rows_out, made.report.refused) == (8, 4, 4)
    assert [(found.line, found.rule) for found in made.report.findings] == [
        (5, "number"), (6, "time"), (7, "row"), (8, "high"),
    ]  # fmt: skip


def test_conflicts_can_be_settled() -> None:
    data = (GOOD + "2024-01-01,1.5,2.5,1.25,2.25,10\n").encode()
    assert read("x.csv", data, Choices(conflicts="first")).table["close"].iloc[0] == 2.0
    assert read("x.csv", data, Choices(conflicts="last")).table["close"].iloc[0] == 2.25


# -------------------------------------------------------------------------------------------- inferences


def test_a_reading_shows_the_lines_and_every_inference() -> None:
    reading = inspect("x.csv", gzip.compress(GOOD.encode(), mtime=0))
    assert reading.preview[:2] == GOOD.splitlines()[:2]
    assert reading.containers == ("gzip",)
    assert reading.columns == ("time", "open", "high", "low", "close", "volume")
    assert reading.as_dict() == {
        "encoding": "utf-8", "delimiter": ",", "header": "1", "stamp": "open", "columns.time": "time", "columns.open": "open",
        "columns.high": "high", "columns.low": "low", "columns.close": "close", "columns.volume": "volume",
        "decimal": ".", "scale": "1", "time_format": "text", "zone": "UTC", "timeframe": "1d",
        "conflicts": "refuse", "off_grid": "refuse", "bad_rows": "refuse",
    }  # fmt: skip
    assert all(each.label and each.options and each.why for each in reading.inferred)
    zone = next(each for each in reading.inferred if each.key == "zone")
    assert "assumed" in zone.why
    assert not reading.questions


def test_questions_are_shown_not_raised() -> None:
    reading = inspect("x.csv", (HEADER + rows(time="0{}/02/2024")).encode())
    assert [each.key for each in reading.questions] == ["day_first", "timeframe"]
    choices = Choices().override("day_first", "month first")
    assert read("x.csv", (HEADER + rows(time="0{}/02/2024")).encode(), choices).table.index[1].month == 2
    choices = Choices().override("day_first", "day first")
    assert read("x.csv", (HEADER + rows(time="0{}/02/2024")).encode(), choices).table.index[1].day == 2


def test_every_inference_takes_its_own_value_back() -> None:
    """What was inferred, chosen, gives the same candles: a control that is touched changes nothing."""
    data = ("\ufeff" + HEADER.replace(",", ";") + rows(14, "{:02d}.01.2024 10:00").replace(",", ";")).encode()
    plain = read("x.csv", data)
    choices = Choices()
    for each in plain.reading.inferred:
        choices = choices.override(each.key, each.value)
        pd.testing.assert_frame_equal(read("x.csv", data, choices).table, plain.table)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("nothing", "1"),
        ("header", "one"),
        ("scale", "x"),
        ("decimal", "'"),
        ("conflicts", "both"),
        ("timeframe", "soon"),
    ],
)
def test_choices_that_make_no_sense(key: str, value: str) -> None:
    with pytest.raises(InputError):
        Choices().override(key, value)


def test_choices_reach_every_stage() -> None:
    data = b"a;b;c;d;e;f\nskip;1;1;1;1;1\n01.02.2024 10:00;1,500;2,500;1,250;2,000;7\n02.02.2024 10:00;1,500;2,500;1,250;2,000;7\n"
    choices = Choices(
        delimiter=";", encoding="cp1252", header=1, decimal=",", day_first=True, zone="Europe/Berlin", scale=10.0,
        timeframe=timeframes.parse("1d"), bad_rows="drop",
        columns={"time": "a", "open": "b", "high": "#3", "low": "d", "close": "e", "volume": ""},
    )  # fmt: skip
    made = read("x.csv", data, choices)
    assert made.table.index[0] == pd.Timestamp("2024-02-01 09:00", tz="UTC")
    assert made.table.iloc[0].tolist()[:4] == [0.15, 0.25, 0.125, 0.2]
    assert made.table["volume"].isna().all()
    assert choices.arguments()[:2] == ["--column", "time=a"]
    assert "--day-first" in choices.arguments()


def test_zone_of_times_that_tell_none() -> None:
    data = (HEADER + rows(time="2024-01-01 0{}:00")).encode()
    made = read("x.csv", data, Choices(zone="America/New_York"))
    assert made.table.index[0] == pd.Timestamp("2024-01-01 06:00", tz="UTC")
    told = read(
        "x.csv", (HEADER + rows(time="2024-01-01 0{}:00Z")).encode(), Choices(zone="America/New_York")
    )
    assert told.table.index[0] == pd.Timestamp("2024-01-01 01:00", tz="UTC")
    assert any("not used" in note for note in told.reading.warnings)


def test_hours_of_a_clock_change_are_found_with_their_lines() -> None:
    data = (
        "time,open,high,low,close\n" + "".join(f"2024-11-03 0{h}:00,1,2,1,2\n" for h in range(6))
    ).encode()
    with pytest.raises(FileRefused, match=r"line 3: 2024-11-03 01:00:00 came twice in America/New_York"):
        read("x.csv", data, Choices(zone="America/New_York"))
    data = data.replace(b"2024-11-03", b"2024-03-10")
    with pytest.raises(FileRefused, match=r"line 4: 2024-03-10 02:00:00 never was"):
        read("x.csv", data, Choices(zone="America/New_York"))
    made = read("x.csv", data, Choices(zone="America/New_York", bad_rows="drop"))
    assert made.report.counts == {"skipped hour": 1}


def test_prices_that_may_be_scaled_are_pointed_out() -> None:
    points = read("x.csv", (HEADER + rows(rest=",82173.0,82206.0,81711.0,81888.0,7")).encode())
    assert any("scale" in note for note in points.reading.warnings)
    dots = read("x.csv", (HEADER + rows(rest=",120.088,120.153,120.007,120.135,7")).encode())
    assert any("three digits" in note for note in dots.reading.warnings)
    made = read(
        "x.csv",
        (HEADER + rows(rest=",120.088,120.153,120.007,120.135,7")).encode(),
        Choices(decimal=",", scale=1e5),
    )
    assert made.table["open"].iloc[0] == 1.20088


def test_the_timeframe_can_be_said() -> None:
    one = read("x.csv", (HEADER + rows(1)).encode(), Choices(timeframe=timeframes.parse("1d")))
    assert len(one.table) == 1
    with pytest.raises(CandlesRefused, match="Choose another timeframe"):
        read(
            "x.csv",
            (HEADER + rows(time="2024-01-01 0{}:00")).encode(),
            Choices(timeframe=timeframes.parse("1d")),
        )


def test_candles_that_are_not_over_stay_out() -> None:
    candles = table(10)
    now = candles.index[-1] + pd.Timedelta("30min")
    assert len(closed_only(candles, timeframes.parse("1h"), now)) == 9
    assert len(closed_only(candles, timeframes.parse("1h"), now + pd.Timedelta("30min"))) == 10


def test_no_byte_of_a_file_breaks_the_reader() -> None:
    """Cut anywhere, or with a byte changed: candles or a refusal, never another error."""
    data = export.to_bytes(table(4), "csv")
    for at in range(0, len(data), 3):
        for broken in (data[:at], data[:at] + b'"' + data[at + 1 :], data[:at] + b"\xff" + data[at + 1 :]):
            with suppress(CandlebookError):
                assert len(read("x.csv", broken).table) <= 12


def test_volumes_beyond_all_figures_are_findings() -> None:
    """Without a header, where the volume is told by its figures."""
    with pytest.raises(InputError, match=r"infinite|no number"):
        read("x.csv", rows(9, rest=",1.5,2.5,1.25,2.0,1e999").encode())
