from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import InputError
from lib.files.times import times, zones
from lib.files.times.fixed import parse_fixed


def stamps(parsed: times.Parsed) -> list[str]:
    return [
        "" if bad else f"{pd.Timestamp(int(micros), unit='us'):%Y-%m-%d %H:%M:%S.%f}".removesuffix(".000000")
        for micros, bad in zip(parsed.micros, parsed.bad, strict=True)
    ]


def parse(*texts: str, **options: object) -> times.Parsed:
    return times.parse_texts(pa.array(texts), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2024-01-31", "2024-01-31 00:00:00"),
        ("2024/1/31", "2024-01-31 00:00:00"),
        ("2024.01.31 23:59", "2024-01-31 23:59:00"),
        ("2024-01-31T23:59:58.123456", "2024-01-31 23:59:58.123456"),
        ("20240131", "2024-01-31 00:00:00"),
        ("20240131 2359", "2024-01-31 23:59:00"),
        ("20240131 235958", "2024-01-31 23:59:58"),
        ("20240131235958", "2024-01-31 23:59:58"),
        ("202401312359", "2024-01-31 23:59:00"),
        ("20240131 23:59:58", "2024-01-31 23:59:58"),
        ("20240131T235958", "2024-01-31 23:59:58"),
        ("31.01.2024 08:00:00.000", "2024-01-31 08:00:00"),
        ("31/1/2024 8:05", "2024-01-31 08:05:00"),
        ("1/31/2024 12:00:00 AM", "2024-01-31 00:00:00"),
        ("1/31/2024 12:30 PM", "2024-01-31 12:30:00"),
        ("1/31/2024 1:30:01 p.m.", "2024-01-31 13:30:01"),
        ("31-Jan-24", "2024-01-31 00:00:00"),
        ("31 January 2024 10:00", "2024-01-31 10:00:00"),
        ("Jan 31, 2024", "2024-01-31 00:00:00"),
        ("2024-Jan-31", "2024-01-31 00:00:00"),
        ("  2024-01-31  ", "2024-01-31 00:00:00"),
        ("1950-06-30", "1950-06-30 00:00:00"),
    ],
)
def test_formats(text: str, said: str) -> None:
    assert stamps(parse(text)) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2024-01-31T00:00:00Z", "2024-01-31 00:00:00"),
        ("2024-01-31 00:00:00+02:00", "2024-01-30 22:00:00"),
        ("2024-01-31 00:00:00-0530", "2024-01-31 05:30:00"),
        ("2024-01-31 00:00:00+01", "2024-01-30 23:00:00"),
        ("31.01.2024 00:00:00 UTC", "2024-01-31 00:00:00"),
    ],
)
def test_offsets(text: str, said: str) -> None:
    parsed = parse(text)
    assert stamps(parsed) == [said]
    assert parsed.utc


def test_offsets_may_differ_from_row_to_row() -> None:
    parsed = parse("2024-03-30 00:00:00+01:00", "2024-03-31 00:00:00+01:00", "2024-04-01 00:00:00+02:00")
    assert stamps(parsed)[1:] == ["2024-03-30 23:00:00", "2024-03-31 22:00:00"]


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "2024-13-01", "2024-00-10", "2024-01-31 24:01", "2024-01-31 23:60", "yesterday", "",
     "2024-01-31x", "x2024-01-31", "2024-01", "2024--01-31", "2024-01/31", "2024-01-31 23.59",
     "2024-01-31 1:2:3:4:5", "2024-01-31 10:00:00.1234567890", "99999999999999999999999", "31012024"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    assert stamps(parse("2024-01-30", text, "2024-02-01")) == [
        "2024-01-30 00:00:00",
        "",
        "2024-02-01 00:00:00",
    ]


def test_rows_with_and_without_a_time_of_day() -> None:
    assert stamps(parse("2019/02/17 23:00:00", "2019/02/18", "2019/02/18 01:00")) == [
        "2019-02-17 23:00:00", "2019-02-18 00:00:00", "2019-02-18 01:00:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["01/02/2024", "13/02/2024"], "DMY"),
        (["01/02/2024", "02/13/2024"], "MDY"),
        (["01/02/2024", "02/02/2024"], ""),
        (["01/01/2024", "02/02/2024"], "DMY"),
        (["2024/01/02"], "YMD"),
        ([f"11/0{day}/2019 {hour}:30" for day in (5, 6, 7, 8) for hour in range(24)], "MDY"),
        ([f"0{day}/11/2019 {hour}:30" for day in (5, 6, 7, 8) for hour in range(24)], "DMY"),
        ([f"05/11/2019 {hour}:30" for hour in range(24)], ""),
    ],
)
def test_order_of_day_and_month_is_decided_over_the_column(texts: list[str], order: str) -> None:
    assert parse(*texts).order.value == order


def test_an_open_question_shows_both_readings() -> None:
    assert parse("01/02/2024", "02/02/2024").order.readings == ("2024-02-01", "2024-01-02")
    assert stamps(parse("01/02/2024", day_first=True)) == ["2024-02-01 00:00:00"]
    assert stamps(parse("01/02/2024", day_first=False)) == ["2024-01-02 00:00:00"]


def test_dates_and_times_of_day_apart() -> None:
    for dates, clocks in (
        (["2018.01.02", "2018.01.03"], ["0:00", "23:30"]),
        (["20180102", "20180103"], ["0", "233000"]),
        (["20180102", "20180103"], ["0000", "2330"]),
        (["01/02/2018", "01/03/2018"], ["12:00 AM", "11:30 PM"]),
    ):
        parsed = times.parse_texts(pa.array(dates), clock=pa.array(clocks), day_first=False)
        assert stamps(parsed) == ["2018-01-02 00:00:00", "2018-01-03 23:30:00"]
    bad = times.parse_texts(
        pa.array(["2018-01-02", "x", "2018-01-02"]), clock=pa.array(["00:00", "00:00", "25:00"])
    )
    assert bad.bad.tolist() == [False, True, True]


@given(
    st.lists(st.datetimes(datetime(1800, 1, 1), datetime(2199, 12, 31)), min_size=1, max_size=30), st.data()
)
def test_times_survive_their_text(moments: list[datetime], data: st.DataObject) -> None:
    form = data.draw(
        st.sampled_from(
            ["%Y-%m-%d %H:%M:%S.%f", "%Y.%m.%d %H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%Y%m%d %H%M%S",
             "%d-%b-%Y %H:%M:%S", "%B %d, %Y %I:%M:%S %p", "%Y%m%d%H%M%S"]
        )
    )  # fmt: skip
    texts = [moment.strftime(form).replace("'", "") for moment in moments]
    want = [datetime.strptime(text, form) for text in texts]
    parsed = times.parse_texts(pa.array(texts), day_first=form.startswith("%d"))
    assert not parsed.bad.any()
    got = parsed.micros.view("datetime64[us]").tolist()
    assert got == want
    order = "YMD" if form.startswith("%Y") else "DMY" if form.startswith("%d") else "MDY"
    quick = parse_fixed(pa.chunked_array([pa.array(texts)]), order)
    assert quick is None or (quick == parsed.micros).all()


@pytest.mark.parametrize("chunks", [1, 3])
def test_texts_of_one_shape_are_read_at_once(chunks: int) -> None:
    texts = [f"{day:02d}.12.2024 23:59" for day in range(1, 31)]
    parts = np.array_split(np.array(texts), chunks)
    made = parse_fixed(pa.chunked_array([pa.array(part.tolist()) for part in parts]), "DMY")
    assert made is not None
    assert (made == parse(*texts).micros).all()
    for odd in ("31.13.2024 23:59", "31-12-2024 23:59", "1.12.2024 23:59", "31.12.2024 23:5x", ""):
        assert parse_fixed(pa.chunked_array([pa.array([*texts, odd])]), "DMY") is None


# ------------------------------------------------------------------------------------------------ epoch


@pytest.mark.parametrize("unit", times.EPOCH_UNITS)
def test_epoch_units(unit: str) -> None:
    per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    counts = np.array([1_700_000_000, 1_700_000_060]) * per
    assert times.epoch_unit(counts.astype(float)) == unit
    for values in (counts, counts.astype(float)):
        assert times.from_epoch(values, unit).tolist() == [1_700_000_000 * 10**6, 1_700_000_060 * 10**6]


def test_epochs_of_several_units_in_one_column() -> None:
    counts = np.array([1619827200000.0, 1513555200.0])
    assert times.epoch_unit(counts) == "mixed"
    assert times.from_epoch(counts, "mixed").tolist() == [1619827200 * 10**6, 1513555200 * 10**6]


def test_missing_counts_stay_missing() -> None:
    assert times.from_epoch(np.array([np.nan, 1.5]), "s").tolist() == [times.NO_TIME, 1_500_000]


@pytest.mark.parametrize("unit", times.EPOCH_UNITS)
def test_counts_far_off_are_no_times(unit: str) -> None:
    for values in (np.array([10**18 * 9, -(10**18) * 9]), np.array([1e300, -1e300, np.inf])):
        if unit != "ns" or values.dtype.kind == "f":
            assert (times.from_epoch(values, unit) == times.NO_TIME).all()


# ------------------------------------------------------------------------------------------------ zones


def walls(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]").view(np.int64)


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize(
    ("zone", "minutes"),
    [("America/New_York", 1), ("America/New_York", 60), ("Europe/London", 15), ("Europe/London", 60),
     ("Australia/Lord_Howe", 15), ("Asia/Kolkata", 60)],
)  # fmt: skip
def test_a_year_in_a_zone_comes_back_whole(zone: str, newest_first: bool, minutes: int) -> None:
    """Lord Howe's clocks move by half an hour."""
    utc = pd.date_range("2024-01-01", "2025-01-01", freq=f"{minutes}min", tz="UTC", unit="us")
    wall = utc.tz_convert(zone).tz_localize(None).asi8
    if newest_first:
        utc, wall = utc[::-1], wall[::-1]
    made = zones.to_utc(np.ascontiguousarray(wall), zone)
    assert not made.twice.any()
    assert not made.never.any()
    assert (made.micros == utc.asi8).all()


def test_an_hour_that_came_twice_and_stands_once_is_not_guessed() -> None:
    made = zones.to_utc(walls("2024-11-03T00:30", "2024-11-03T01:30", "2024-11-03T02:30"), "America/New_York")
    assert made.twice.tolist() == [False, True, False]
    assert made.micros[1] == times.NO_TIME


def test_an_hour_that_never_was() -> None:
    made = zones.to_utc(walls("2024-03-10T01:30", "2024-03-10T02:30", "2024-03-10T03:30"), "America/New_York")
    assert made.never.tolist() == [False, True, False]


def test_zones_by_name() -> None:
    assert zones.check_zone("Europe/London") == "Europe/London"
    for name in ("Mars/Base", "", "../etc/passwd", "/etc/localtime"):
        with pytest.raises(InputError, match="is no time zone"):
            zones.check_zone(name)


@given(st.lists(st.integers(-(2**40), 2**41), min_size=1, unique=True))
def test_utc_is_left_alone(seconds: list[int]) -> None:
    wall = np.array(seconds, np.int64) * 1000
    assert (zones.to_utc(wall, "UTC").micros == wall).all()


def test_offsets_agree_with_the_standard_library() -> None:
    moments = [
        datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=h, minutes=m)))
        for h in range(-12, 14)
        for m in (0, 30)
    ]
    made = parse(*[moment.isoformat(" ") for moment in moments]).micros
    assert made.tolist() == [int(moment.timestamp()) * 10**6 for moment in moments]
    assert all(a != b for a, b in pairwise(made.tolist()))


@given(
    st.lists(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), min_size=1, max_size=30),
    st.sampled_from(
        [
            ("YMD", "%Y-%m-%d %H:%M:%S", ""), ("YMD", "%Y%m%d", ""), ("YMD", "%Y.%m.%dT%H:%M", ""),
            ("DMY", "%d.%m.%Y %H:%M:%S.%f", ""), ("MDY", "%m/%d/%Y %H:%M", ""), ("DMY", "%d-%m-%Y", "%H:%M:%S"),
            ("YMD", "%Y%m%d", "%H%M%S"), ("YMD", "%Y.%m.%d", "%H:%M"),
        ]
    ),
)  # fmt: skip
def test_fixed_shapes_are_what_the_clock_says(moments: list[datetime], form: tuple[str, str, str]) -> None:
    order, date, clock = form
    moments = [each.replace(minute=minute) for each in moments for minute in (each.minute, 0, 59)]
    parts = [pa.chunked_array([[_wide(each, part) for each in moments]]) for part in (date, clock) if part]
    got = parse_fixed(*parts[:1], order, *parts[1:], digits=6)
    pattern = date + clock
    expected = [datetime.strptime(_wide(each, pattern), pattern) for each in moments]
    assert got is not None
    assert got.tolist() == [(each - datetime(1970, 1, 1)) // timedelta(microseconds=1) for each in expected]


def _wide(moment: datetime, pattern: str) -> str:
    return moment.strftime(pattern.replace("%Y", f"{moment.year:04d}"))


def test_a_date_with_a_clock_beside_another_clock_is_no_fixed_shape() -> None:
    dates, clocks = (pa.chunked_array([[each] * 2]) for each in ("2024-01-01 05:00:30", "06:00"))
    assert parse_fixed(dates, "YMD", clocks) is None


@pytest.mark.parametrize("shown", ["5", "50", "500", "050000", "500000"])
def test_fixed_shapes_with_fractions_of_any_length(shown: str) -> None:
    got = parse_fixed(pa.chunked_array([[f"1970-01-01 00:00:00.{shown}"]]), "YMD")
    assert got is not None and got.tolist() == [int(shown.ljust(6, "0"))]


@pytest.mark.parametrize(
    ("order", "odd"),
    [
        ("DMY", "31.04.2024 10:00"), ("DMY", "29.02.2023 10:00"), ("DMY", "00.04.2024 10:00"),
        ("DMY", "01.13.2024 10:00"), ("DMY", "01.00.2024 10:00"), ("DMY", "01.04.2024 24:00"),
        ("DMY", "01.04.2024 10:60"), ("DMY", "01-04.2024 10:00"), ("DMY", "01.04.2024 1:000"),
        ("DMY", "01.04.2024 10:0x"), ("DMY", "01.04.2024 10:00:00"), ("DMY", None),
    ],
)  # fmt: skip
def test_fixed_shapes_refuse_what_is_no_time(order: str, odd: str | None) -> None:
    fine = ["01.04.2024 10:00", "29.02.2024 23:59"]
    assert parse_fixed(pa.chunked_array([fine]), order) is not None
    assert parse_fixed(pa.chunked_array([[*fine, odd]]), order) is None
    assert parse_fixed(pa.chunked_array([fine, [odd]]), order) is None
