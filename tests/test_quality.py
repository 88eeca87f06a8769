"""Faults planted in quiet series are found, each once and where it is; quiet and real series are left alone."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.calendars import calendar
from lib.candles import COLUMNS, from_micros, resample, with_provenance
from lib.files import Choices, read
from lib.gaps import coverage_of, find_gaps, look
from lib.quality import Finding, Refetches, Report, badge, crossed, report
from lib.quality.prices import local_scale, odd_runs
from lib.timeframes import Timeframe, parse, to_us

Array = np.ndarray[Any, Any]
HOUR = 3600 * 10**6
HOUR_FRAME = parse("1h")


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def quiet(
    name: str = "24/7",
    timeframe: str = "1h",
    start: str = "2021-01-01",
    end: str = "2021-07-01",
    seed: int = 3,
) -> pd.DataFrame:
    """A random walk at the calendar's times: normal returns, wicks, volumes about 100."""
    times = calendar(name).expected(parse(timeframe), utc(start), utc(end))
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, len(times))))
    opened = np.concatenate((close[:1], close[:-1]))
    wick = 1 + rng.random((2, len(times))) * 5e-4
    columns = {
        "open": opened,
        "high": np.maximum(opened, close) * wick[0],
        "low": np.minimum(opened, close) / wick[1],
        "close": close,
        "volume": 50 + 100 * rng.random(len(times)),
    }
    return from_micros(times, columns)


def told(table: pd.DataFrame, name: str = "24/7", timeframe: str = "1h", **more: Any) -> tuple[Finding, ...]:
    return report(table, parse(timeframe), calendar(name), **more).findings


def at(table: pd.DataFrame, row: int, **values: float) -> None:
    for name, value in values.items():
        table.iloc[row, table.columns.get_loc(name)] = value


# ---------------------------------------------------------------------------------------- nothing to tell


@pytest.mark.parametrize(
    ("name", "timeframe", "start"),
    [("24/7", "1h", "2021-01-01"), ("24/7", "1m", "2021-06-01"), ("forex", "15m", "2021-01-01"), ("XNYS", "5m", "2021-01-01"),
     ("XNYS", "1d", "2001-01-01"), ("XTKS", "1h", "2021-01-01"), ("24/7", "1w", "2001-01-01")],
)  # fmt: skip
def test_a_quiet_series_has_no_findings(name: str, timeframe: str, start: str) -> None:
    table = quiet(name, timeframe, start)
    found = report(table, parse(timeframe), calendar(name))
    assert found.findings == ()
    assert badge(found).text == "100% · no findings"
    assert badge(found).level == "good"
    assert found.candles == len(table)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_quiet_series_of_any_seed_have_no_findings(seed: int) -> None:
    assert told(quiet(seed=seed)) == ()


# ------------------------------------------------------------------------------------------ planted faults


def test_a_bad_print() -> None:
    table = quiet()
    price = table["close"].iloc[500]
    at(table, 500, close=price * 1.05, high=price * 1.06)
    at(table, 501, open=price * 1.05, high=price * 1.06)
    (found,) = told(table)
    assert (found.kind, found.severity, found.count) == ("spike", "warning", 1)
    assert found.start == table.index[500]
    assert found.end == table.index[501]
    assert "+5" in found.text


def test_a_move_that_stays_is_a_note_only() -> None:
    table = quiet()
    table.iloc[800:, :4] *= 1.2
    (found,) = told(table)
    assert (found.kind, found.severity, found.start) == ("outlier", "note", table.index[800])


@pytest.mark.parametrize("bars", [2, 5])
def test_bad_prints_of_a_few_candles(bars: int) -> None:
    """Ten times the price for some candles: one warning and no outliers beside it; for sixty it is no print."""
    table = quiet()
    table.iloc[2000 : 2000 + bars, :4] *= 10
    (found,) = told(table)
    assert (found.kind, found.severity, found.count) == ("spike", "warning", bars)
    assert found.start == table.index[2000] and found.end == table.index[2000 + bars]
    table.iloc[2000 + bars : 2061, :4] *= 10
    assert "spike" not in {each.kind for each in told(table)}


@pytest.mark.parametrize("bars", [1, 3, 40])
@pytest.mark.parametrize("share", [0.985, 1.015])
def test_bad_prints_of_a_percent_and_a_half(bars: int, share: float) -> None:
    """Minutes of another market's prices, with nothing traded between them and the others. Where that was, they are
    left alone."""
    table = quiet("forex", "1m", "2021-03-01", "2021-03-20")
    table[COLUMNS[:4]] = 1 + (table[COLUMNS[:4]] / 100 - 1) / 10
    table.iloc[5000 : 5000 + bars, :4] *= share
    (found,) = told(table, "forex", "1m")
    assert (found.kind, found.severity, found.count) == ("spike", "warning", bars)
    assert (found.start, found.end) == (table.index[5000], table.index[5000 + bars])
    for name, pick in (("low", np.fmin), ("high", np.fmax)):
        at(table, 5000, **{name: float(pick(table[name].iloc[4999], table[name].iloc[5000]))})
        at(
            table,
            4999 + bars,
            **{name: float(pick(table[name].iloc[5000 + bars], table[name].iloc[4999 + bars]))},
        )
    assert bars == 1 or "spike" not in {each.kind for each in told(table, "forex", "1m")}


def test_a_jump_over_a_pause_and_back_over_the_next_is_no_bad_print() -> None:
    table = quiet("XNYS", "1h", "2021-01-01", "2021-07-01")
    first, last = np.flatnonzero(np.diff(table.index.asi8) > HOUR)[[50, 51]] + 1
    table.iloc[first:last, :4] *= 1.05
    assert "spike" not in {each.kind for each in told(table, "XNYS", "1h")}


def test_a_crash_that_goes_and_comes_in_steps_is_no_bad_print() -> None:
    table = quiet()
    for row, share in ((2000, 0.9), (2001, 0.8), (2002, 0.9)):
        table.iloc[row, :4] *= share
    assert {(each.kind, each.severity) for each in told(table)} == {("outlier", "note")}


@pytest.mark.parametrize(("end", "share"), [("low", 0.985), ("high", 1.015)])
def test_a_wick_of_a_quiet_market(end: str, share: float) -> None:
    """A hundred pips in a minute, where one is usual."""
    table = quiet("forex", "1m", "2021-03-01", "2021-03-20")
    table[COLUMNS[:4]] = 1 + (table[COLUMNS[:4]] / 100 - 1) / 10
    table.iloc[5000, COLUMNS.index(end)] *= share
    (found,) = told(table, "forex", "1m")
    assert (found.kind, found.start) == ("wick", table.index[5000])
    assert f"The {end} of" in found.text and f"{100 * (share - 1):+.1f}" in found.text


def test_a_wick() -> None:
    table = quiet()
    at(table, 700, low=table["low"].iloc[700] * 0.9)
    (found,) = told(table)
    assert (found.kind, found.start) == ("wick", table.index[700])
    assert "low" in found.text


def test_many_bad_prints_are_not_as_many_findings() -> None:
    table = quiet()
    for row in range(100, 4000, 50):
        at(table, row, low=table["low"].iloc[row] * (0.9 - row / 1e5))
    found = told(table)
    assert len(found) == 6
    assert sum(each.count for each in found) == len(range(100, 4000, 50))


def test_a_split_with_its_volume() -> None:
    table = quiet("XNYS", "1d", "2019-01-01", "2021-01-01")
    table.iloc[250:, :4] /= 4
    table.iloc[250:, 4] *= 4
    (found,) = told(table, "XNYS", "1d")
    assert (found.kind, found.severity, found.start) == ("split", "warning", table.index[250])
    assert "divided by 4" in found.text


@pytest.mark.parametrize("timeframe", ["1d", "30m"])
@pytest.mark.parametrize(
    ("ratio", "severity"), [(5 / 4, "note"), (6 / 5, "note"), (4 / 3, "note"), (3 / 2, "warning")]
)
def test_a_split_that_news_could_be(timeframe: str, ratio: float, severity: str) -> None:
    """Told where it is a calm day; on one that trades six times the usual it is news."""
    table = quiet("XNYS", timeframe, "2019-01-01", "2021-01-01")
    day = int(np.flatnonzero(np.diff(table.index.asi8 // (24 * HOUR)))[250]) + 1
    table.iloc[day:, :4] /= ratio
    found = [each for each in told(table, "XNYS", timeframe) if each.kind == "split"]
    assert [(each.severity, each.start) for each in found] == [(severity, table.index[day])]
    assert f"divided by {ratio:.3g}, and hardly more than usual is traded" in found[0].text
    table.iloc[day : day + (1 if timeframe == "1d" else 13), 4] *= 6
    surged = [each.severity for each in told(table, "XNYS", timeframe) if each.kind == "split"]
    assert surged == (["note"] if severity == "warning" else [])
    table.iloc[:day, :4] /= ratio**2  # a rise is news, too
    assert "split" not in {each.kind for each in told(table, "XNYS", timeframe)} or severity == "warning"


def test_a_split_without_its_volume_is_a_note() -> None:
    table = quiet("XNYS", "5m", "2021-01-01", "2021-03-01")
    day = int(np.flatnonzero(np.diff(table.index.asi8) > HOUR)[10]) + 1
    table.iloc[day:, :4] *= 2
    table["volume"] = np.nan
    (found,) = told(table, "XNYS", "5m")
    assert (found.kind, found.severity, found.start) == ("split", "note", table.index[day])


def test_pence_among_pounds() -> None:
    table = quiet("XLON", "1d", "2019-01-01", "2021-01-01")
    table.iloc[100:110, :4] *= 100
    found = told(table, "XLON", "1d")
    assert [(each.kind, each.start) for each in found] == [
        ("split", table.index[100]),
        ("split", table.index[110]),
    ]
    assert all("by 100" in each.text for each in found)


def test_a_fall_that_is_no_split() -> None:
    table = quiet("XNYS", "1d", "2019-01-01", "2021-01-01")
    table.iloc[250:, :4] *= 0.72
    assert [each.kind for each in told(table, "XNYS", "1d")] == ["outlier"]


def test_a_feed_that_stood_still() -> None:
    table = quiet()
    price = float(table["close"].iloc[999])
    for row in range(1000, 1030):
        at(table, row, open=price, high=price, low=price, close=price)
    at(table, 1030, open=price)
    found = [each for each in told(table) if each.kind == "flat"]
    assert [(each.severity, each.start, each.end, each.count) for each in found] == [
        ("warning", table.index[1000], table.index[1030], 30)
    ]


def test_a_thin_market_is_not_called_a_dead_feed() -> None:
    """Half of the candles have one price, strewn at random: runs of ten are to be expected."""
    table = quiet(timeframe="5m", end="2021-03-01")
    rng = np.random.default_rng(4)
    close = table["close"].to_numpy().copy()
    still = rng.random(len(table)) < 0.5
    for row in range(1, len(table)):
        if still[row]:
            close[row] = close[row - 1]
    before = np.concatenate((close[:1], close[:-1]))
    top, low = np.maximum(before, close), np.minimum(before, close)
    table = from_micros(table.index.asi8, {"open": before, "high": top, "low": low, "close": close, "volume": table["volume"].to_numpy()})  # fmt: skip
    assert not [each for each in told(table, timeframe="5m") if each.severity != "note"]


def nights(seed: int) -> pd.DataFrame:
    """Minutes of a market that trades by day, where each night some minutes in twenty have a trade."""
    table = quiet("24/7", "1m", "2021-01-01", "2021-01-29", seed)
    rng = np.random.default_rng(seed)
    asleep = (table.index.hour < 6) & (rng.random(len(table)) > 0.08)
    close = table["close"].where(~asleep).ffill().bfill().to_numpy()
    for name in COLUMNS[:4]:
        table[name] = np.where(asleep, close, table[name])
    table["volume"] = np.where(asleep, 0.0, table["volume"])
    return table


@pytest.mark.parametrize("seed", range(3))
def test_quiet_nights_are_not_called_a_dead_feed(seed: int) -> None:
    assert not [each for each in told(nights(seed), timeframe="1m") if each.severity != "note"]


def test_a_feed_that_stood_still_by_day_is_found_beside_quiet_nights() -> None:
    table = nights(1)
    row = int(table.index.searchsorted(utc("2021-01-12 14:00")))
    for name in COLUMNS[:4]:
        table.iloc[row : row + 60, COLUMNS.index(name)] = table["close"].iloc[row - 1]
    (found,) = [each for each in told(table, timeframe="1m") if each.severity != "note"]
    assert (found.kind, found.start, found.count) == ("flat", table.index[row], 60)


def test_a_candle_told_again() -> None:
    table = quiet()
    table.iloc[601] = table.iloc[600]
    table.iloc[602] = table.iloc[600]
    found = [each for each in told(table) if each.kind == "stale"]
    assert [(each.start, each.count) for each in found] == [(table.index[600], 3)]


def test_candles_of_one_tick_that_are_alike_by_chance() -> None:
    """A thin market: seven prices, volumes of a few lots. Among thousands some repeat the one before in all."""
    rng = np.random.default_rng(8)
    count, tick = 20_000, 0.01
    close = 100 + tick * np.cumsum(rng.choice([-1, 0, 1], count, p=[0.2, 0.6, 0.2]))
    before = np.concatenate((close[:1], close[:-1]))
    opened = close + tick * rng.choice([-1, 0, 1], count, p=[0.1, 0.8, 0.1])
    top, low = np.maximum(np.maximum(opened, close), before), np.minimum(np.minimum(opened, close), before)
    volume = rng.integers(1, 100, count).astype(float)
    times = calendar("24/7").expected(parse("1m"), utc("2021-01-01"), utc("2021-02-01"))[:count]
    table = from_micros(times, {"open": opened, "high": top, "low": low, "close": close, "volume": volume})
    alike = (np.diff(table.to_numpy(), axis=0) == 0).all(axis=1) & (table["high"] > table["low"]).to_numpy()[
        1:
    ]
    assert alike.sum() > 3
    assert "stale" not in {each.kind for each in told(table, timeframe="1m")}
    table.iloc[700:706] = table.iloc[[699]].to_numpy()
    table.iloc[699:706, 1] += tick
    (found,) = [each for each in told(table, timeframe="1m") if each.kind == "stale"]
    assert (found.start, found.count) == (table.index[699], 7)


def test_volumes_that_stop() -> None:
    table = quiet()
    table.iloc[300:320, 4] = np.nan
    table.iloc[900:930, 4] = 0.0
    found = told(table)
    assert [(each.kind, each.start, each.count) for each in found] == [
        ("volume hole", table.index[300], 20),
        ("volume hole", table.index[900], 30),
    ]
    table["volume"] = np.nan  # a source without any
    assert told(table) == ()


def test_prices_that_cannot_be() -> None:
    table = quiet()
    at(table, 10, low=0.0)
    at(table, 20, close=-5.0)
    at(table, 30, open=np.nan)
    (found,) = told(table)
    assert (found.kind, found.severity, found.count, found.start) == (
        "not positive",
        "fault",
        3,
        table.index[10],
    )


def test_bid_above_ask() -> None:
    bid = quiet()
    ask = bid.copy()
    ask[COLUMNS[:4]] *= 1.0001
    assert crossed(bid, ask, parse("1h")) == []
    ask.iloc[50:53, :4] *= 0.999
    (found,) = crossed(bid, ask, parse("1h"))
    wanted = (ask["open"] < bid["open"]) | (ask["close"] < bid["close"])
    assert (found.severity, found.count, found.start) == ("fault", int(wanted.sum()), table_first(wanted))
    assert told(bid, ask=ask)[0] == found


def table_first(mask: pd.Series) -> pd.Timestamp:
    return mask.index[mask.to_numpy().argmax()]


def test_what_the_ledger_counted() -> None:
    found = told(quiet(), refetches=Refetches(duplicates=1200, conflicts=3))
    assert [(each.kind, each.severity, each.count) for each in found] == [
        ("conflicts", "warning", 3),
        ("duplicates", "note", 1200),
    ]
    assert [each.text.partition(":")[0] for each in found] == [
        "A later fetch changed 3 candles", "The source sent 1,200 rows twice, the same in every figure.",
    ]  # fmt: skip
    (one,) = told(quiet(), refetches=Refetches(conflicts=1))
    assert "changed 1 candle:" in one.text


def test_filled_candles_are_left_out() -> None:
    table = with_provenance(quiet(), "here", utc("2022-01-01"))
    table.iloc[100:150, table.columns.get_loc("close")] *= 3
    table.iloc[100:150, table.columns.get_loc("filled")] = True
    found = report(table, parse("1h"), calendar("24/7"))
    assert (found.filled, found.findings, found.coverage.missing) == (50, (), 50)
    assert [gap.count for gap in found.gaps] == [50]


# --------------------------------------------------------------------------------------------- time zones


@pytest.mark.parametrize(
    ("name", "timeframe", "zone", "words"),
    [
        ("forex", "1h", "America/New_York", "clock of New York"),
        ("forex", "5m", "Europe/Athens", "clock of Athens"),
        ("forex", "1h", "Etc/GMT-3", "UTC+3"),
        ("XNYS", "5m", "America/New_York", "clock of New York"),
        ("XNYS", "1h", "Europe/London", "clock of London"),
        ("XTKS", "30m", "Asia/Tokyo", "clock of Tokyo"),
    ],
)
def test_a_clock_taken_for_utc(name: str, timeframe: str, zone: str, words: str) -> None:
    table = quiet(name, timeframe, "2021-01-01", "2022-01-01")
    table.index = table.index.tz_convert(zone).tz_localize(None).tz_localize("UTC")
    table = table[~table.index.duplicated()].sort_index()
    found = report(table, parse(timeframe), calendar(name))
    (clock,) = found.of("time zone")
    assert clock.severity == "fault"
    assert words in clock.text
    assert badge(found).level == "poor"


def on_clock(table: pd.DataFrame, late: Array) -> pd.DataFrame:
    """The candles with times so many hours later each; of two that meet the last stays."""
    times = table.index.as_unit("us").asi8 + np.asarray(late) * HOUR
    order = np.argsort(times, kind="stable")
    kept = order[np.append(np.diff(times[order]) > 0, True)]
    return from_micros(times[kept], {name: table[name].to_numpy()[kept] for name in COLUMNS})


@pytest.mark.parametrize(
    ("name", "timeframe", "since", "until", "hours"),
    [
        ("forex", "1h", "2020-07-01", "2022-01-01", 2),
        ("forex", "15m", "2020-03-01", "2020-09-01", -1),
        ("XNYS", "15m", "2020-06-01", "2020-06-06", 3),
        ("XNYS", "1h", "2019-01-01", "2019-06-01", 1),
        ("XTKS", "30m", "2020-07-06", "2020-07-25", -2),
    ],
)
def test_a_clock_that_was_wrong_for_a_while(
    name: str, timeframe: str, since: str, until: str, hours: int
) -> None:
    table = quiet(name, timeframe, "2019-01-01", "2022-01-01")
    wrong = (table.index >= since) & (table.index < until)
    moved = on_clock(table, hours * wrong)
    (found,) = [each for each in told(moved, name, timeframe) if each.kind == "time zone"]
    assert f"UTC{hours:+d}" in found.text or "clock of" in found.text
    week = pd.Timedelta(days=7)
    assert abs(found.start - table.index[wrong][0]) < week and abs(found.end - table.index[wrong][-1]) < week
    assert abs(found.count - wrong.sum()) < 0.2 * wrong.sum()


def test_a_clock_that_is_wrong_from_some_day_on_is_told_from_that_day_on() -> None:
    """Though most of what is looked at first, the last three years, is so."""
    table = quiet("XNYS", "1h", "2014-01-01", "2022-01-01")
    (found,) = [
        each
        for each in told(on_clock(table, table.index >= "2016-02-01"), "XNYS")
        if each.kind == "time zone"
    ]
    assert (found.start, found.count) == (utc("2016-02-01 15:00"), (table.index >= "2016-02-01").sum())


@pytest.mark.parametrize(
    ("summers", "words"),
    [
        (("America/New_York",), "New York's summers: summer time was left out, or counted twice"),
        (("America/New_York", "Europe/London"), "the dates of the other were used"),
    ],
)
@pytest.mark.parametrize("sign", [-1, 1])
def test_summers_that_are_an_hour_off(summers: tuple[str, ...], words: str, sign: int) -> None:
    table = quiet("XNYS", "30m", "2018-01-01", "2022-01-01")
    winter = {"America/New_York": -5, "Europe/London": 0}
    off = sum(
        (table.index.tz_convert(zone).tz_localize(None) - table.index.tz_localize(None)) // pd.Timedelta("1h") - winter[zone]
        for zone in summers
    ).to_numpy() % 2  # fmt: skip
    (found,) = [each for each in told(on_clock(table, sign * off), "XNYS", "30m") if each.kind == "time zone"]
    assert words in found.text and f", in {4 * len(summers)} stretches, " in found.text
    assert abs(found.count - off.sum()) < 0.1 * off.sum()


def test_weeks_that_are_short_or_long_are_no_other_clock() -> None:
    """Fridays that end early, Sundays that begin late, and candles of a quarter of an hour after the close."""
    table = quiet("forex", "15m", "2019-01-01", "2021-01-01")
    local = table.index.tz_convert("America/New_York")
    rng = np.random.default_rng(6)
    number = (table.index - utc("2018-12-29")) // pd.Timedelta(days=7)
    early, late = rng.random((2, 200)) < 0.2
    gone = early[number] & (local.day_of_week == 4) & (local.hour >= 15)
    gone |= late[number] & (local.day_of_week == 6) & (local.hour < 18)
    more = table[(local.day_of_week == 4) & (local.hour == 16) & (local.minute >= 30)]
    more = more[rng.random(len(more)) < 0.3].shift(freq="30min")
    found = told(pd.concat([table[~gone], more]).sort_index(), "forex", "15m")
    assert {each.kind for each in found} == {"outside hours"}


def test_a_brokers_clock() -> None:
    """Midnight at New York's 17:00, as brokers of currencies keep it: summer on the dates of the US."""
    table = quiet("forex", "1h", "2021-01-01", "2022-01-01")
    local = table.index.tz_convert("America/New_York").tz_localize(None) + pd.Timedelta(hours=7)
    table.index = local.tz_localize("UTC")
    (clock,) = report(table[~table.index.duplicated()], HOUR_FRAME, calendar("forex")).of("time zone")
    assert "seven hours ahead of New York" in clock.text


@pytest.mark.parametrize("name", ["forex", "XNYS", "XTKS"])
def test_a_right_clock_is_left_alone_though_much_is_missing(name: str) -> None:
    table = quiet(name, "5m", "2021-01-01", "2022-01-01")
    keep = np.random.default_rng(1).random(len(table)) < 0.8
    found = report(table[keep], parse("5m"), calendar(name))
    assert found.findings == ()
    assert 0.79 < (found.coverage.share or 0) < 0.81


def test_candles_when_the_market_is_closed() -> None:
    table = quiet("24/7", end="2021-02-01")
    (found,) = told(table, "forex")
    times = table.index.tz_convert("America/New_York")
    day, hour = times.day_of_week, times.hour
    closed = ((day == 4) & (hour >= 17)) | (day == 5) | ((day == 6) & (hour < 17))
    assert (found.kind, found.severity, found.count) == ("outside hours", "warning", int(closed.sum()))


# -------------------------------------------------------------------------------------------- the report


def test_order_and_badge() -> None:
    table = quiet()
    table.iloc[800:, :4] *= 1.2
    at(table, 1500, low=table["low"].iloc[1500] * 0.9)
    at(table, 2000, low=0.0)
    table = table.drop(table.index[3000:3010])
    found = report(table, parse("1h"), calendar("24/7"))
    assert [each.severity for each in found.findings] == ["fault", "warning", "note"]
    assert badge(found).text == "99.7% · 3 findings"
    assert badge(found).level == "poor"
    assert found.coverage == coverage_of(look(table.index, parse("1h"), calendar("24/7")))
    assert list(found.gaps) == list(find_gaps(table.index, parse("1h"), calendar("24/7")))


def test_one_hundred_percent_is_said_only_when_nothing_is_missing() -> None:
    table = quiet(timeframe="5m")
    found = report(table.drop(table.index[77]), parse("5m"), calendar("24/7"))
    assert badge(found).text == "99.9% · no findings"


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_hardly_any_candles(count: int) -> None:
    found = report(quiet().iloc[:count], parse("1h"), calendar("24/7"))
    assert found.findings == ()
    assert badge(found).text.endswith("no findings")


def test_months() -> None:
    table = resample(quiet("24/7", "1d", "2001-01-01"), Timeframe(1, "M"))
    assert report(table, Timeframe(1, "M"), calendar("24/7")).findings == ()


# ------------------------------------------------------------------------------------------ against loops


@given(st.lists(st.booleans(), max_size=1200), st.integers(2, 6), st.sampled_from(["1m", "1h", "1d"]))
def test_odd_runs_are_runs(values: list[bool], least: int, timeframe: str) -> None:
    times = np.arange(len(values), dtype=np.int64) * parse(timeframe).micros
    spans, longer = odd_runs(np.array(values, bool), least, times)
    assert len(spans) == len(longer)
    for first, last in spans:
        assert all(values[first : last + 1])
        assert last - first + 1 >= least
        assert first == 0 or not values[first - 1]
        assert last == len(values) - 1 or not values[last + 1]
    assert all(a[1] < b[0] for a, b in pairwise(spans))


def test_a_usual_return_is_a_standard_deviation() -> None:
    rng = np.random.default_rng(2)
    assert local_scale(rng.normal(0, 0.01, 20_000)) == pytest.approx(0.01, rel=0.25)
    doubled = np.concatenate((rng.normal(0, 0.01, 10_000), rng.normal(0, 0.04, 10_000)))
    scale = local_scale(doubled)
    assert scale[:9000] == pytest.approx(0.01, rel=0.25)
    assert scale[11_000:] == pytest.approx(0.04, rel=0.25)


# ----------------------------------------------------------------------------------------------- real files


def of_file(market_data: Path, name: str, calendar_name: str) -> Report:
    found = read(name, market_data / name, Choices())
    return report(found.table, found.timeframe, calendar(calendar_name))


# The worst that may be said of each, and how much of it: all are of good vendors.
REAL = [
    ("A_candles/a60_lean_oanda_eurusd_hour.zip", "forex", 0.985, 0),
    ("A_candles/a18_yahoo_adjclose_aapl.csv", "XNYS", 1.0, 0),
    ("A_candles/a59_lean_spy_daily_decicents.zip", "XNYS", 1.0, 0),
    ("A_candles/a83_nikkei_yahoo_desc.csv", "XTKS", 1.0, 0),
    ("A_candles/a50_nautilus_fxcm_usdjpy_m1_bid.csv", "forex", 0.995, 0),
    ("A_candles/a62_freqtrade_feather_ethbtc_5m.feather", "24/7", 1.0, 0),
    ("A_candles/a89_converted_eurusd_1m_ns_utc.parquet", "forex", 0.995, 0),
    ("A_candles/a84_solusdt_hourly.csv", "24/7", 1.0, 0),
]


@pytest.mark.parametrize(("name", "market", "share", "findings"), REAL)
def test_good_files_raise_no_alarm(
    market_data: Path, name: str, market: str, share: float, findings: int
) -> None:
    found = of_file(market_data, name, market)
    assert len(found.findings) <= findings, [each.text for each in found.findings]
    assert found.coverage.share is not None
    assert found.coverage.share >= share


@pytest.mark.parametrize("name", ["b01_histdata_eurusd_m1_2019.zip", "b03_histdata_usdjpy_m1_2018.zip"])  # fmt: skip
def test_new_yorks_clock_in_a_vendors_file(market_data: Path, name: str) -> None:
    found = of_file(market_data, f"B_large_1m/{name}", "forex")
    (clock,) = found.of("time zone")
    assert "clock of New York" in clock.text


def test_europes_summer_dates_in_a_vendors_file_of_new_yorks_clock(market_data: Path) -> None:
    name = "B_large_1m/b01_histdata_eurusd_m1_2019.zip"
    found = read(name, market_data / name, Choices(zone="America/New_York", conflicts="last"))
    (clock,) = report(found.table, found.timeframe, calendar("forex")).of("time zone")
    assert "in 2 stretches" in clock.text and "the dates of the other were used" in clock.text
    assert (f"{clock.start:%Y-%m-%d}", f"{clock.end:%Y-%m-%d}") == ("2019-03-10", "2019-11-01")


def test_a_listing_in_pence_for_two_weeks(market_data: Path) -> None:
    found = of_file(market_data, "A_candles/a69_yfinance_100x_error_aet.csv", "XLON")
    # midnight in London, in summer
    assert [f"{each.start:%m-%d %H:%M}" for each in found.of("split")] == ["05-08 23:00", "05-19 23:00"]
    fixed = of_file(market_data, "A_candles/a70_yfinance_100x_error_aet_fixed.csv", "XLON")
    assert fixed.of("split") == ()


def test_a_weekend_filled_with_the_last_price(market_data: Path) -> None:
    found = of_file(market_data, "A_candles/a88_dukascopy_gmt_time_hourly_flat_weekend.csv", "forex")
    assert [(to_us(each.start), each.count) for each in found.of("flat") if each.severity == "warning"] == [
        (to_us(utc("2015-07-31 21:00")), 48)
    ]
    assert found.of("outside hours")[0].count == 48


def test_a_year_of_an_early_exchange(market_data: Path) -> None:
    """Gaps in tens of thousands, and quiet hours without a trade: few findings all the same."""
    found = of_file(market_data, "B_large_1m/b05_bitfinex_btcusd_1m_2016.csv.gz", "24/7")
    assert len(found.findings) < 12
    assert len(found.gaps) > 50_000
