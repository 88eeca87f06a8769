"""Timeframes: every spelling read, and the laws of bucket edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import UnknownName
from lib.timeframes import LADDER, Timeframe, from_us, infer, parse, to_us

EVERY = [*LADDER, parse("7m"), parse("3h"), parse("2w"), parse("3M"), parse("12M")]
frames = st.sampled_from(EVERY)
times = st.datetimes(
    min_value=pd.Timestamp("1930-01-01").to_pydatetime(), max_value=pd.Timestamp("2100-01-01").to_pydatetime()
).map(lambda time: pd.Timestamp(time, tz="UTC").as_unit("us"))


@pytest.mark.parametrize(
    ("spellings", "written"),
    [
        ("1s S1 PT1S 1sec", "1s"),
        ("1m M1 1min 1 PT1M 1T minute 60s 1minute m1", "1m"),
        ("5m M5 5min 5 PT5M 5T 300s", "5m"),
        ("15m M15 15min 15", "15m"),
        ("1h H1 60 60m 1hour PT1H 60min hourly h", "1h"),
        ("4h H4 240 4hour PT4H 240m", "4h"),
        ("1d D D1 1day P1D daily 1440 24h", "1d"),
        ("1w W W1 1week weekly 7d P1W", "1w"),
        ("1M M MN1 1mo 1month monthly P1M 1MN", "1M"),
        ("3M P3M 3months", "3M"),
    ],
)
def test_every_spelling_is_read(spellings: str, written: str) -> None:
    for text in spellings.split():
        assert str(parse(text)) == written, text
    assert parse(f"  {written} ") == parse(written)


@pytest.mark.parametrize("text", ["", "0", "0m", "-5m", "m5m", "1x", "5.5m", "1 2m", "T", "999999999d", "٣m"])
def test_what_is_none_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UnknownName, match="is not a timeframe") as caught:
        parse(text)
    assert "1m, 5m" in str(caught.value)


@given(frames)
def test_spelling_round_trips(frame: Timeframe) -> None:
    assert parse(str(frame)) == frame
    assert parse(frame) == frame


def test_words() -> None:
    assert parse("15m").words == "15 minutes"
    assert parse("1M").words == "1 month"


def test_the_ladder_ascends() -> None:
    assert list(LADDER) == sorted(LADDER)
    assert all(a < b and a <= b and not b < a for a, b in zip(LADDER, LADDER[1:], strict=False))


@given(times)
def test_microseconds_round_trip(time: pd.Timestamp) -> None:
    assert from_us(to_us(time)) == time
    assert to_us(time.tz_convert("Asia/Tokyo")) == to_us(time)


@given(frames, times)
def test_floor_is_the_last_open_not_after_a_time(frame: Timeframe, time: pd.Timestamp) -> None:
    opened = frame.floor(time)
    assert opened <= time < frame.after(opened)
    assert frame.floor(opened) == opened
    assert frame.floor(frame.after(opened)) == frame.after(opened)


@given(frames, times, st.integers(-50, 50))
def test_after_counts_buckets(frame: Timeframe, time: pd.Timestamp, count: int) -> None:
    opened = frame.floor(time)
    moved = frame.after(opened, count)
    assert frame.after(moved, -count) == opened
    assert frame.floor(moved) == moved


@given(frames, times, st.integers(0, 40))
def test_opens_are_every_floor_in_the_range(frame: Timeframe, start: pd.Timestamp, count: int) -> None:
    end = frame.after(frame.floor(start), count) + pd.Timedelta(microseconds=1)
    opens = frame.opens(start, end)
    assert str(opens.dtype) == "datetime64[us, UTC]"
    walked = []
    at = frame.floor(start)
    while at < end:
        if at >= start:
            walked.append(at)
        at = frame.after(at)
    assert list(opens) == walked


@given(st.lists(times, min_size=1, max_size=20), frames)
def test_floor_of_arrays_is_floor_of_each(some: list[pd.Timestamp], frame: Timeframe) -> None:
    floored = frame.floor_us(np.array([to_us(time) for time in some], dtype=np.int64))
    assert [from_us(int(us)) for us in floored] == [frame.floor(time) for time in some]


@given(frames, frames, times)
def test_what_divides_never_straddles(fine: Timeframe, coarse: Timeframe, time: pd.Timestamp) -> None:
    opened = fine.floor(time)
    last = fine.after(opened) - pd.Timedelta(microseconds=1)
    if fine.divides(coarse):
        assert coarse.floor(opened) == coarse.floor(last)


def test_what_divides_what() -> None:
    assert parse("1h").divides(parse("4h"))
    assert parse("1d").divides(parse("1w"))
    assert parse("1d").divides(parse("1M"))
    assert parse("1M").divides(parse("3M"))
    assert not parse("1w").divides(parse("1M"))
    assert not parse("3d").divides(parse("1w"))
    assert not parse("1M").divides(parse("1w"))
    assert not parse("7m").divides(parse("1h"))
    assert not parse("5h").divides(parse("1d"))
    assert all(frame.divides(frame) for frame in EVERY if frame.unit != "w" or frame.count == 1)


def test_known_edges() -> None:
    wednesday = pd.Timestamp("2024-02-28 13:47:21.5", tz="UTC")
    edges = {"1m": "2024-02-28 13:47", "15m": "2024-02-28 13:45", "4h": "2024-02-28 12:00", "1d": "2024-02-28",
             "1w": "2024-02-26", "1M": "2024-02-01", "3M": "2024-01-01"}  # fmt: skip
    for text, edge in edges.items():
        assert parse(text).floor(wednesday) == pd.Timestamp(edge, tz="UTC")
    assert parse("1M").after(pd.Timestamp("2024-02-01", tz="UTC")) == pd.Timestamp("2024-03-01", tz="UTC")


# ---------------------------------------------------------------------------------------------- infer


@given(st.sampled_from([f for f in LADDER if f.seconds <= 604_800] + [parse("1M"), parse("3M")]), times,
       st.integers(2, 200))  # fmt: skip
def test_whole_grids_are_told(frame: Timeframe, start: pd.Timestamp, count: int) -> None:
    opens = frame.opens(start, frame.after(frame.floor(start), count + 1))
    assert len(opens) >= 2
    assert infer(opens) == frame


@given(st.sampled_from(["1m", "5m", "1h", "4h", "1d"]), st.integers(0, 2**32 - 1))
def test_gaps_do_not_change_the_answer(text: str, seed: int) -> None:
    frame = parse(text)
    opens = frame.opens(
        pd.Timestamp("2024-01-01", tz="UTC"), frame.after(pd.Timestamp("2024-01-01", tz="UTC"), 400)
    )
    here = np.random.default_rng(seed).random(len(opens)) > 0.4
    assert infer(opens[here]) == frame


def test_daily_candles_of_exchanges() -> None:
    business = pd.bdate_range("2020-01-01", "2021-12-31", tz="America/New_York")
    assert infer(business.tz_convert("UTC")) == parse("1d")
    assert infer(business.tz_convert("UTC").as_unit("ns")) == parse("1d")
    weekly = pd.date_range("2020-01-01", periods=90, freq="W-SUN", tz="America/New_York").tz_convert("UTC")
    assert infer(weekly) == parse("1w")
    monthly = pd.date_range("2020-01-01", periods=40, freq="MS", tz="America/New_York").tz_convert("UTC")
    assert infer(monthly) == parse("1M")


@pytest.mark.parametrize(
    ("zone", "freq", "start", "written"),
    [("Europe/London", "D", "2024-03-30", "1d"), ("Europe/London", "D", "2024-10-26", "1d"), ("Europe/Berlin", "7D", "2024-03-25", "1w"),
     ("America/New_York", "7D", "2024-10-28", "1w"), ("Europe/London", "MS", "2024-10-01", "1M"), ("America/New_York", "QS", "2024-10-01", "3M")],
)  # fmt: skip
def test_two_candles_over_a_change_of_the_clocks(zone: str, freq: str, start: str, written: str) -> None:
    times = pd.date_range(start, periods=3, freq=freq).tz_localize(zone).tz_convert("UTC")
    for some in (times[:2], times[1:], times):
        assert str(infer(some)) == written


def test_four_hours_over_a_clock_change() -> None:
    wall = pd.date_range("2024-03-25", "2024-04-10", freq="4h")
    local = wall.tz_localize("Europe/Berlin", nonexistent="shift_forward", ambiguous=True)
    assert infer(local.tz_convert("UTC")) == parse("4h")


def test_nothing_to_tell_from() -> None:
    assert infer(pd.DatetimeIndex([], tz="UTC")) is None
    assert infer(pd.DatetimeIndex(["2024-01-01"], tz="UTC")) is None
    assert infer(pd.DatetimeIndex(["2024-01-01 00:00:00", "2024-01-01 00:00:00.5"], tz="UTC")) is None
