"""Gaps against what was taken out, and counts against plain Python."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.calendars import calendar, learnt
from lib.gaps import CAUSES, by_day, by_edges, coverage_of, find_gaps, look
from lib.timeframes import parse, to_us
from lib.ui.coverage import day_table

Array = np.ndarray[Any, Any]
HOUR = 3600 * 10**6
DAY = 24 * HOUR


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


@cache
def expected(name: str, timeframe: str, start: str, end: str) -> Array:
    return calendar(name).expected(parse(timeframe), utc(start), utc(end))


def without(times: Array, start: str, end: str) -> Array:
    return times[(times < to_us(utc(start))) | (times >= to_us(utc(end)))]


# ----------------------------------------------------------------------------------------------- the laws

WEEKS = [(name, frame) for name in ("24/7", "forex", "24/5", "XNYS", "XTKS") for frame in ("1h", "4h", "1d")]


@pytest.mark.parametrize(("name", "timeframe"), WEEKS)
@given(data=st.data())
@settings(max_examples=50)
def test_what_is_taken_out_is_what_is_missing(name: str, timeframe: str, data: st.DataObject) -> None:
    end = "2021-12-20" if timeframe == "1d" else "2021-11-10"  # over New York's change of the clocks
    every = expected(name, timeframe, "2021-11-03", end)
    gone = data.draw(st.sets(st.integers(0, len(every) - 1)) | st.just(set(range(len(every)))))
    mask = ~np.isin(np.arange(len(every)), list(gone))
    kept, removed = every[mask], every[~mask]
    gaps = find_gaps(
        kept,
        parse(timeframe),
        calendar(name),
        int(every[0]),
        int(every[-1]) + 1,
        phase=look_phase(every, timeframe, name),
    )
    back = [time for gap in gaps for time in every[(every >= to_us(gap.start)) & (every < to_us(gap.end))]]
    assert back == removed.tolist()
    assert gaps.counts.sum() == len(removed)
    assert all(
        gap.count == ((removed >= to_us(gap.start)) & (removed < to_us(gap.end))).sum() for gap in gaps
    )
    # no gap touches another: between two there is a bar
    assert all(a < b for a, b in zip(gaps.ends[:-1], gaps.starts[1:], strict=True))


def look_phase(every: Array, timeframe: str, name: str) -> Any:
    return look(every, parse(timeframe), calendar(name)).phase


@given(st.sets(st.integers(0, 24 * 40), min_size=1), st.sampled_from(["24/7", "forex", "24/5"]))
def test_counts_are_those_of_sets(hours: set[int], name: str) -> None:
    """Any hours at all against a calendar: present, missing and outside as Python's sets have them."""
    begin = to_us(utc("2021-10-20"))
    times = np.array(sorted(begin + hour * HOUR for hour in hours))
    span = (begin, begin + 24 * 41 * HOUR)
    wanted = set(calendar(name).expected(parse("1h"), *span).tolist())
    there = set(times.tolist())
    found = coverage_of(look(times, parse("1h"), calendar(name), *span))
    assert (found.expected, found.present, found.missing, found.outside) == (
        len(wanted), len(wanted & there), len(wanted - there), len(there - wanted),
    )  # fmt: skip
    kept = look(times, parse("1h"), calendar(name), *span)
    assert set(kept.present.times().tolist()) == wanted & there
    assert set(kept.outside.times().tolist()) == there - wanted
    days = by_day(kept)
    for at, edge in enumerate(days.edges[:-1]):
        of_day = {time for time in wanted if edge <= time < edge + DAY}
        assert days.expected[at] == len(of_day)
        assert days.present[at] == len(of_day & there)
        assert np.isnan(days.share[at]) if not of_day else days.share[at] == len(of_day & there) / len(of_day)


@given(st.sets(st.integers(0, 24 * 20), min_size=1), st.data())
def test_what_is_ignored_is_not_expected(hours: set[int], data: st.DataObject) -> None:
    begin = to_us(utc("2021-10-20"))
    times = np.array(sorted(begin + hour * HOUR for hour in hours))
    kept = look(times, parse("1h"), calendar("forex"), begin, begin + 24 * 21 * HOUR)
    gaps = find_gaps(times, parse("1h"), calendar("forex"), begin, begin + 24 * 21 * HOUR)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(gaps), max_size=len(gaps))), bool)
    every = kept.expected.times()
    left = {
        int(time)
        for gap in np.flatnonzero(chosen)
        for time in every
        if gaps.starts[gap] <= time < gaps.ends[gap]
    }
    found = coverage_of(kept, chosen)
    assert (found.expected, found.present, found.ignored) == (
        len(every) - len(left),
        kept.present.total,
        len(left),
    )
    days = by_day(kept, ignored=chosen)
    wanted = np.array(sorted(set(every.tolist()) - left), np.int64)
    assert (
        days.expected.tolist()
        == np.histogram(wanted, np.append(days.edges, days.edges[-1] + 1))[0].tolist()[:-1]
    )
    assert days.present.tolist() == by_day(kept).present.tolist()


@pytest.mark.parametrize(("name", "timeframe"), [("XNYS", "5m"), ("forex", "15m"), ("24/7", "15m"), ("XNYS", "1d"), ("forex", "1d")])  # fmt: skip
def test_twenty_years_with_planted_gaps(name: str, timeframe: str) -> None:
    every = expected(name, timeframe, "2004-01-01", "2024-01-01")
    rng = np.random.default_rng(11)
    keep = np.ones(len(every), bool)
    planted = []
    at = 50
    while at < len(every) - 100:
        long = int(rng.integers(1, 40))
        keep[at : at + long] = False
        planted.append((int(every[at]), int(every[at + long]), long))
        at += long + int(rng.integers(5, max(6, len(every) // 200)))
    gaps = find_gaps(every[keep], parse(timeframe), calendar(name))
    assert len(planted) > 100
    assert list(zip(gaps.starts.tolist(), gaps.ends.tolist(), gaps.counts.tolist(), strict=True)) == planted
    assert not len(find_gaps(every, parse(timeframe), calendar(name)))
    assert coverage_of(look(every, parse(timeframe), calendar(name))).share == 1.0


# --------------------------------------------------------------------------------------------- the causes


def causes(times: Array, timeframe: str, name: str, **more: Any) -> list[tuple[str, int]]:
    return [(gap.cause, gap.count) for gap in find_gaps(times, parse(timeframe), calendar(name), **more)]


def test_weekends_of_a_market_thought_open() -> None:
    times = expected("forex", "1h", "2018-01-10", "2018-03-01")
    found = find_gaps(times, parse("1h"), calendar("24/7"))
    assert {gap.cause for gap in found} == {"weekend"}
    assert [gap.count for gap in found] == [48] * 7
    days = expected("24/5", "1d", "2018-01-10", "2018-03-01")
    assert {gap.cause for gap in find_gaps(days, parse("1d"), calendar("24/7"))} == {"weekend"}


def test_a_missing_day_is_no_weekend() -> None:
    times = without(
        expected("24/7", "1h", "2018-01-01", "2018-02-01"), "2018-01-13 05:00", "2018-01-14 02:00"
    )
    assert causes(times, "1h", "24/7") == [("outage", 21)]


def test_nights_of_a_market_thought_open() -> None:
    times = expected("XNYS", "5m", "2018-01-02", "2019-01-01")
    found = find_gaps(times, parse("5m"), calendar("24/7"))
    told = {cause: len(found.only(cause)) for cause in CAUSES}
    assert told["session break"] > 180
    assert told["weekend"] >= 51  # one for each week; holidays on Mondays make some longer
    # Independence Day, Thanksgiving, the day of mourning and Christmas; some after an early close
    assert told["holiday"] + told["outage"] <= 5
    assert found.only("holiday")[:][0].start == utc("2018-11-21 21:00")


def test_christmas_of_currencies() -> None:
    times = without(
        expected("forex", "1h", "2018-12-01", "2019-01-20"), "2018-12-24 19:00", "2018-12-25 22:00"
    )
    times = without(times, "2018-12-12 03:00", "2018-12-12 09:00")
    assert causes(times, "1h", "forex") == [("outage", 6), ("holiday", 27)]


def test_a_thin_market_by_its_volume() -> None:
    times = expected("24/7", "1m", "2018-01-01", "2018-01-03")
    volume = np.full(len(times), 100.0)
    volume[1000:1100] = 2.0
    keep = np.ones(len(times), bool)
    keep[[1020, 1040, 1041, 2000]] = False
    found = causes(times[keep], "1m", "24/7", volume=volume[keep])
    assert found == [("thin market", 1), ("thin market", 2), ("outage", 1)]


def test_a_thin_market_without_volumes() -> None:
    times = expected("24/7", "1m", "2018-01-01", "2018-01-05")
    gone = [100, 300, 500, 700, 900, 4000]
    assert [cause for cause, _ in causes(np.delete(times, gone), "1m", "24/7")] == ["thin market"] * 5 + [
        "outage"
    ]


def test_a_halt() -> None:
    times = expected("XNYS", "1m", "2018-02-05", "2018-02-08")
    volume = np.full(len(times), 100.0)
    at = 390 + 100
    volume[at + 15] = 900.0  # what trades when the halt is over
    keep = np.ones(len(times), bool)
    keep[at : at + 15] = False
    keep[at + 200 : at + 215] = False
    found = causes(times[keep], "1m", "XNYS", volume=volume[keep])
    assert found == [("halt", 15), ("outage", 15)]


def test_before_the_first_and_after_the_last() -> None:
    times = expected("24/7", "1h", "2018-01-03", "2018-01-05")
    found = find_gaps(times, parse("1h"), calendar("24/7"), utc("2018-01-01"), utc("2018-01-06"))
    assert [(gap.cause, gap.start, gap.end) for gap in found] == [
        ("edge", utc("2018-01-01"), utc("2018-01-03")),
        ("edge", utc("2018-01-05"), utc("2018-01-06")),
    ]
    nothing = np.empty(0, np.int64)
    alone = find_gaps(nothing, parse("1h"), calendar("24/7"), utc("2018-01-01"), utc("2018-01-02"))
    assert [(gap.cause, gap.count) for gap in alone] == [("edge", 24)]
    assert not len(find_gaps(nothing, parse("1h"), calendar("24/7")))
    assert coverage_of(look(nothing, parse("1h"), calendar("24/7"))).share is None


# ------------------------------------------------------------------------------------------- the odd ones


def test_weeks_stamped_with_their_last_day_of_trade() -> None:
    weeks = pd.date_range("2018-01-05", "2018-12-28", freq="7D", tz="UTC")
    stamped = weeks.where(weeks != utc("2018-03-30"), utc("2018-03-29"))  # Good Friday
    assert not len(find_gaps(stamped, parse("1w"), calendar("XNYS")))
    gone = find_gaps(stamped.delete(7), parse("1w"), calendar("XNYS"))
    assert [gap.count for gap in gone] == [1]


def test_months_at_a_local_midnight() -> None:
    months = pd.date_range("2018-01-01", "2019-12-01", freq="MS", tz="Europe/Berlin").tz_convert("UTC")
    assert not len(find_gaps(months, parse("1M"), calendar("24/7")))
    assert [gap.count for gap in find_gaps(months.delete([5, 6]), parse("1M"), calendar("24/7"))] == [2]


def test_candles_outside_the_hours() -> None:
    times = expected("24/7", "1h", "2018-01-08", "2018-01-15")
    kept = look(times, parse("1h"), calendar("XNYS"))
    assert kept.expected.total == kept.present.total == 7 * 5
    assert kept.outside.total == 7 * 24 - 7 * 5


def test_a_picture_of_hours() -> None:
    times = without(
        expected("24/7", "5m", "2018-01-08", "2018-01-09"), "2018-01-08 03:00", "2018-01-08 04:30"
    )
    hours = by_day(look(times, parse("5m"), calendar("24/7")), HOUR)
    assert hours.expected.tolist()[:24] == [12] * 24
    assert hours.present.tolist()[:6] == [12, 12, 12, 0, 6, 12]
    year = by_edges(look(times, parse("5m"), calendar("24/7")), np.array([times[0], times[-1] + 1]))
    assert year.present.tolist() == [len(times)]


def test_a_year_to_a_row() -> None:
    """A date has the same column in every year: those after February of a year that is none leap one."""
    times = without(
        expected("24/7", "6h", "2019-11-01", "2021-03-10"), "2020-02-29 06:00", "2020-03-02 00:00"
    )
    times = without(times, "2021-03-01 12:00", "2021-03-02 00:00")
    found = day_table(by_day(look(times, parse("6h"), calendar("24/7"))))
    on_date = Counter(date_of(time) for time in times.tolist())
    days = [dt.date(2019, 11, 1) + dt.timedelta(days) for days in range(len(found))]
    assert days[-1] == dt.date(2021, 3, 9)
    assert found["date"].tolist() == [str(day) for day in days]
    assert found["year"].tolist() == [day.year for day in days]
    assert found["day"].tolist() == [day.replace(year=2000).timetuple().tm_yday for day in days]
    assert (found["expected"] == 4).all()
    assert found["observed"].tolist() == [on_date[str(day)] for day in days]
    assert found["missing"].tolist() == [4 - on_date[str(day)] for day in days]


def date_of(time: int) -> str:
    return f"{dt.datetime.fromtimestamp(time / 1e6, dt.UTC):%Y-%m-%d}"


def test_a_learnt_week_has_the_gaps_its_data_have() -> None:
    every = expected("forex", "1h", "2018-01-10", "2018-07-01")
    times = without(every, "2018-04-10 03:00", "2018-04-10 09:00")
    gaps = find_gaps(times, parse("1h"), learnt(times, parse("1h")))
    assert [(gap.start, gap.count) for gap in gaps] == [(utc("2018-04-10 03:00"), 6)]


def test_an_index_of_another_unit() -> None:
    index = pd.DatetimeIndex(
        expected("24/7", "1h", "2018-01-03", "2018-01-05").view("datetime64[us]"), tz="UTC"
    )
    gone = index.delete([3, 4]).as_unit("ns")
    assert [gap.start for gap in find_gaps(gone, parse("1h"), calendar("24/7"))] == [
        pd.Timestamp(dt.datetime(2018, 1, 3, 3, tzinfo=dt.UTC))
    ]
