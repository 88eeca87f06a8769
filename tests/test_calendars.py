"""Calendars of expected bars, against schedules written out by hand and against plain Python."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.calendars import Phase, Runs, calendar, exchanges, find_phase, learnt, names, runs_of, suggest
from lib.calendars.runs import distinct
from lib.calendars.sessions import agreement
from lib.calendars.weekly import easter
from lib.errors import InputError, UnknownName
from lib.timeframes import Timeframe, parse, to_us

ROOT = Path(__file__).resolve().parent.parent
NEW_YORK = ZoneInfo("America/New_York")


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def opens(name: str, timeframe: str, start: str, end: str, phase: Phase | None = None) -> list[str]:
    found = calendar(name).expected(parse(timeframe), utc(start), utc(end), phase)
    return [f"{time:%m-%d %H:%M}" for time in pd.to_datetime(found, unit="us")]


def counted(name: str, timeframe: str, start: str, end: str) -> int:
    return len(calendar(name).expected(parse(timeframe), utc(start), utc(end)))


# ------------------------------------------------------------------------------------------------ runs

RUNS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6)), min_size=0, max_size=8)


@given(st.lists(st.integers(-50, 50)))
def test_times_are_sorted_and_each_kept_once(times: list[int]) -> None:
    assert distinct(np.array(times, np.int64)).tolist() == sorted(set(times))


def make_runs(parts: list[tuple[int, int]], step: int) -> tuple[Runs, list[int]]:
    """Runs with a hole before each, and every open of them written out."""
    at, firsts, every = 0, [], []
    for hole, count in parts:
        at += hole * step
        firsts.append(at)
        every += [at + step * number for number in range(count)]
        at += count * step
    counts = np.array([count for _, count in parts], np.int64)
    return Runs(np.array(firsts, np.int64), counts, step), every


@given(RUNS, st.sampled_from([1, 7]), st.integers(-5, 90), st.integers(-5, 90))
def test_runs_count_as_their_opens_do(parts: list[tuple[int, int]], step: int, a: int, b: int) -> None:
    runs, every = make_runs(parts, step)
    assert runs.times().tolist() == every
    assert runs.total == len(every)
    assert runs.before(np.array([a, b])).tolist() == [sum(t < edge for t in every) for edge in (a, b)]
    assert runs.within(a, b).times().tolist() == [t for t in every if a <= t < b]
    split = runs.split(np.array(sorted({a, b})))
    assert split.times().tolist() == every
    for first, last in zip(split.firsts, split.lasts, strict=True):
        assert not any(first < edge <= last for edge in (a, b))
    assert Runs.from_times(np.array(every, np.int64), step).times().tolist() == every
    assert runs.at(np.arange(len(every))).tolist() == every


# ---------------------------------------------------------------------------------------------- the weeks


def test_always() -> None:
    assert counted("24/7", "1m", "2024-02-01", "2024-03-01") == 29 * 1440
    assert opens("24/7", "1w", "2024-02-01", "2024-02-20") == ["02-05 00:00", "02-12 00:00", "02-19 00:00"]
    assert opens("24/7", "1M", "2024-01-15", "2024-04-01") == ["02-01 00:00", "03-01 00:00"]
    assert opens("24/7", "8h", "2024-02-01", "2024-02-02") == ["02-01 00:00", "02-01 08:00", "02-01 16:00"]


def test_weekdays() -> None:
    found = opens("24/5", "12h", "2024-02-02", "2024-02-06")  # a Friday to a Monday
    assert found == ["02-02 00:00", "02-02 12:00", "02-05 00:00", "02-05 12:00"]


@pytest.mark.parametrize("year", [2007, 2018, 2024])
def test_currencies_follow_new_york_through_the_year(year: int) -> None:
    """Against a loop over every hour of the year with the standard library's zones."""
    begin = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
    wanted = []
    for hour in range(365 * 24):
        time = begin + dt.timedelta(hours=hour)
        local = time.astimezone(NEW_YORK)
        day, clock = local.weekday(), local.hour
        if (day == 6 and clock >= 17) or day < 4 or (day == 4 and clock < 17):
            wanted.append(int(time.timestamp()) * 10**6)
    end = pd.Timestamp(begin + dt.timedelta(days=365))
    assert calendar("forex").expected(parse("1h"), pd.Timestamp(begin), end).tolist() == wanted


def test_metals_pause_each_day() -> None:
    """From 17:00 to 18:00 New York, 22:00 to 23:00 UTC in winter: 23 hours on five days."""
    hours = opens("23/5", "1h", "2024-01-07", "2024-01-14")
    assert hours[0] == "01-07 23:00" and hours[-1] == "01-12 21:00" and len(hours) == 5 * 23
    assert not [hour for hour in hours if hour.endswith("22:00")]
    assert opens("23/5", "1d", "2024-01-07", "2024-01-14") == opens("forex", "1d", "2024-01-07", "2024-01-14")


def test_currencies_by_the_day() -> None:
    days = opens("forex", "1d", "2024-03-08", "2024-03-13")  # Friday to Tuesday
    assert days == ["03-08 00:00", "03-11 00:00", "03-12 00:00"]
    # cut at 17:00 New York, as many vendors do: 22:00 UTC in winter, 21:00 from the second Sunday of March on
    cut = opens("forex", "1d", "2024-03-06", "2024-03-13", Phase("session"))
    assert cut == ["03-06 22:00", "03-07 22:00", "03-10 21:00", "03-11 21:00", "03-12 21:00"]
    # cut at midnight UTC, Sunday evening is a candle of its own
    on_utc = opens("forex", "1d", "2024-03-08", "2024-03-12", Phase("clock"))
    assert on_utc == ["03-08 00:00", "03-10 00:00", "03-11 00:00"]


def test_easter() -> None:
    """Dates from the table of the United States Census Bureau."""
    table = {
        2000: "04-23",
        2008: "03-23",
        2011: "04-24",
        2016: "03-27",
        2018: "04-01",
        2024: "03-31",
        2038: "04-25",
    }
    assert {year: str(easter(year))[5:] for year in table} == table


# ------------------------------------------------------------------------------------------- exchanges


def test_new_york_around_a_holiday_and_an_early_close() -> None:
    """Thanksgiving 2023 was November 23; on the 24th trade ended at 13:00 New York, 18:00 UTC."""
    assert counted("XNYS", "1m", "2023-11-22", "2023-11-27") == 390 + 210
    assert opens("XNYS", "1d", "2023-11-22", "2023-11-28") == ["11-22 00:00", "11-24 00:00", "11-27 00:00"]
    assert opens("XNYS", "1h", "2023-11-24", "2023-11-25") == [
        "11-24 14:00", "11-24 15:00", "11-24 16:00", "11-24 17:00",
    ]  # fmt: skip
    assert opens("XNYS", "1h", "2023-11-24", "2023-11-25", Phase("session")) == [
        "11-24 14:30", "11-24 15:30", "11-24 16:30", "11-24 17:30",
    ]  # fmt: skip


def test_a_lunch_break() -> None:
    """Tokyo 2023: 09:00 to 11:30 and 12:30 to 15:00, nine hours before UTC."""
    assert counted("XTKS", "1m", "2023-11-22", "2023-11-23") == 300
    assert opens("XTKS", "1h", "2023-11-22", "2023-11-23", Phase("session")) == [
        "11-22 00:00", "11-22 01:00", "11-22 02:00", "11-22 03:30", "11-22 04:30", "11-22 05:30",
    ]  # fmt: skip
    assert opens("XTKS", "1h", "2023-11-22", "2023-11-23") == [
        "11-22 00:00", "11-22 01:00", "11-22 02:00", "11-22 03:00", "11-22 04:00", "11-22 05:00",
    ]  # fmt: skip
    assert opens("XTKS", "4h", "2023-11-22", "2023-11-23") == ["11-22 00:00", "11-22 04:00"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("code", ["XNYS", "XLON", "XHKG", "XASX", "CMES", "XBOM"])
def test_minutes_are_those_of_the_library(code: str) -> None:
    theirs = exchange_calendars.get_calendar(code, start="2022-03-01", end="2022-04-30", side="left").minutes
    ours = calendar(code).expected(parse("1m"), theirs[0], theirs[-1] + pd.Timedelta("1min"))
    assert ours.tolist() == theirs.as_unit("us").asi8.tolist()


def test_every_exchange_of_the_library_has_sessions() -> None:
    """Under every pandas: five failed under 3.1 for offsets that answered another pandas' questions."""
    own = set(exchange_calendars.get_calendar_names(include_aliases=False)) - {"24/7", "24/5"}
    assert own < set(names()) and len(own) > 60
    for code in sorted(own):
        first, last = exchanges.exchange(code).known
        day = to_us(utc("2024-01-10"))
        assert (first is None or first <= day) and (last is None or day < last), code


@pytest.mark.parametrize(
    ("code", "start", "end", "days"),
    [
        # Sunday to Thursday, but for Passover's first and last day and the days before these
        ("XTAE", "2020-04-05", "2020-04-18", "05 06 07 12 13 16"),
        ("XTAE", "2026-01-03", "2026-01-12", "04 05 06 07 08 09"),  # Monday to Friday from 5 January 2026 on
        ("XBOM", "2024-01-18", "2024-01-22", "18 19 20"),  # a Saturday for a Monday, for once
        ("XKRX", "1998-11-26", "1998-12-02", "26 27 28 30 01"),  # Saturdays until December 1998
        ("ASEX", "2024-05-01", "2024-05-09", "02 07 08"),  # Orthodox Easter on 5 May
        ("XBSE", "2024-06-20", "2024-06-27", "20 21 25 26"),  # Whit Monday, fifty days after it
    ],
)
def test_sessions_of_exchanges_with_a_week_or_an_easter_of_their_own(
    code: str, start: str, end: str, days: str
) -> None:
    """Days from the same library under pandas 2.2."""
    spans = calendar(code).sessions(to_us(utc(start)), to_us(utc(end)))
    dates = dict.fromkeys(spans.dates.tolist())  # Korea had a lunch break
    assert [f"{dt.datetime.fromtimestamp(day / 1e6, dt.UTC):%d}" for day in dates] == days.split()


def test_years_before_the_librarys_default() -> None:
    assert counted("XNYS", "1d", "1985-01-01", "1986-01-01") == 252  # as the exchange's own list has it


def test_nothing_is_expected_where_nothing_is_recorded() -> None:
    shanghai = calendar("XSHG")
    assert shanghai.known[0] == int(utc("1990-12-03").timestamp()) * 10**6
    assert len(shanghai.expected(parse("1d"), utc("1970-01-01"), utc("1980-01-01"))) == 0
    assert (
        pd.to_datetime(
            shanghai.expected(parse("1d"), utc("1980-01-01"), utc("1992-01-01"))[0], unit="us"
        ).year
        == 1990
    )


def test_an_unknown_name_offers_near_ones() -> None:
    with pytest.raises(UnknownName, match="XNYS"):
        calendar("XNYC")
    with pytest.raises(UnknownName, match="24/7"):
        calendar("")
    assert names()[:5] == ("24/7", "forex", "23/5", "24/5", "learnt")
    assert {"XNYS", "XLON", "NYSE"} <= set(names())


def test_an_exchange_that_the_library_fails_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("Special dates are not sessions.")

    exchanges.exchange.cache_clear()
    monkeypatch.setattr(exchange_calendars, "get_calendar", fail)
    with pytest.raises(InputError, match=r"cannot work out the calendar XSTU.*learnt from the data"):
        calendar("XSTU")


def test_the_library_of_exchanges_is_loaded_when_one_is_asked_for() -> None:
    code = "import sys, lib.gaps, lib.calendars as c; c.calendar('forex'); print('exchange_calendars' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stdout + done.stderr


# --------------------------------------------------------------------------------------------- phases

PHASES = [
    ("XNYS", "1h", Phase("clock")),
    ("XNYS", "4h", Phase("session")),
    ("XNYS", "1d", Phase("date")),
    ("XNYS", "1d", Phase("session")),
    ("XNYS", "1d", Phase("clock", "America/New_York")),
    ("forex", "4h", Phase("clock", "America/New_York", 3600 * 10**6)),
    ("forex", "1d", Phase("session")),
    ("forex", "1d", Phase("clock")),
    ("24/7", "1d", Phase("clock", "America/New_York")),
    ("24/7", "1d", Phase("clock", "UTC", 8 * 3600 * 10**6)),
    ("XTKS", "1h", Phase("session")),
    ("24/7", "1w", Phase("date", offset=-86400 * 10**6)),
    ("XNYS", "1w", Phase("date", offset=4 * 86400 * 10**6)),
    ("24/7", "3d", Phase("date", offset=86400 * 10**6)),
]


@pytest.mark.parametrize(("name", "timeframe", "phase"), PHASES)
def test_the_phase_is_found_again(name: str, timeframe: str, phase: Phase) -> None:
    """Two years with both changes of the clocks: the phase found expects the very same opens."""
    chosen, frame = calendar(name), parse(timeframe)
    made = chosen.expected(frame, utc("2019-01-01"), utc("2021-01-01"), phase)
    assert (np.diff(made) > 0).all()
    found = find_phase(made, frame, chosen)
    again = runs_of(chosen, frame, int(made[0]), int(made[-1]) + 1, found)
    assert again.times().tolist() == made.tolist()


def test_days_cut_at_a_local_midnight_are_one_a_day() -> None:
    made = calendar("24/7").expected(
        parse("1d"), utc("2019-01-01"), utc("2020-01-01"), Phase("clock", "America/New_York")
    )
    wanted = pd.date_range("2019-01-01", "2019-12-31", tz="America/New_York").tz_convert("UTC")
    assert made.tolist() == [time for time in wanted.as_unit("us").asi8.tolist() if time < 1577836800 * 10**6]


# --------------------------------------------------------------------------------------------- learnt


@pytest.mark.parametrize(
    ("name", "zone", "hours"), [("forex", "America/New_York", 120), ("XNYS", "America/New_York", 32.5), ("24/7", "UTC", 168)]
)  # fmt: skip
def test_a_week_is_learnt(name: str, zone: str, hours: float) -> None:
    chosen, frame = calendar(name), parse("15m")
    made = chosen.expected(frame, utc("2016-01-01"), utc("2018-01-01"))
    week = learnt(made, frame)
    assert week.zone == zone
    assert f"{hours:g} hours" in week.title
    assert "holidays unknown" in week.title
    # what is expected beyond the true calendar is its holidays and early closes
    extra = np.setdiff1d(week.expected(frame, int(made[0]), int(made[-1]) + 1), made)
    assert len(np.setdiff1d(made, week.expected(frame, int(made[0]), int(made[-1]) + 1))) == 0
    assert len(extra) <= len(made) * 0.04


def test_a_week_of_london() -> None:
    made = calendar("XLON").expected(parse("1h"), utc("2016-01-01"), utc("2018-01-01"))
    assert learnt(made, parse("1h")).zone == "Europe/London"


def test_a_few_weeks_teach_nothing() -> None:
    made = calendar("24/7").expected(parse("1h"), utc("2016-01-01"), utc("2016-01-20"))
    with pytest.raises(InputError, match="4 weeks"):
        learnt(made, parse("1h"))
    with pytest.raises(InputError, match="none were given"):
        calendar("learnt")


def test_days_teach_weekdays() -> None:
    made = calendar("24/5").expected(parse("1d"), utc("2016-01-01"), utc("2017-01-01"))
    week = learnt(made, parse("1d"))
    assert agreement(made, parse("1d"), week, Phase("date")) == 1.0


# ------------------------------------------------------------------------------------------- suggestions


@pytest.mark.parametrize(
    ("symbol", "kind", "name"),
    [
        ("BTCUSDT", "", "24/7"),
        ("ETH-USD", "", "24/7"),
        ("ABC/XYZ", "crypto", "24/7"),
        ("EUR_USD", "", "forex"),
        ("GBPJPY", "", "forex"),
        ("XAU/USD", "", "23/5"),
        ("VOD.L", "", "XLON"),
        ("7203.T", "", "XTKS"),
        ("AAPL", "stocks", "XNYS"),
        ("AAPL", "", "24/5"),
        ("PEPEUSDT", "", "24/7"),
        ("BTCUSD_PERP", "", "24/7"),
        ("USDT", "", "24/5"),
        ("EURUSD=X", "", "forex"),
        ("XAU_USD", "", "23/5"),
        ("XAGEUR", "", "23/5"),
        ("TEVA.TA", "", "XTAE"),
    ],
)
def test_a_name_suggests(symbol: str, kind: str, name: str) -> None:
    found = suggest(symbol, kind)
    assert found.name == name
    assert found.reason.endswith(".")


@pytest.mark.parametrize(
    ("symbol", "made", "timeframe"),
    [
        ("whatever", "XNYS", "5m"),
        ("whatever", "XTKS", "1d"),
        ("whatever", "forex", "1h"),
        ("EURUSD", "24/7", "1h"),  # the data against the name
        ("EURUSD", "XNYS", "1h"),
        ("VOD.L", "XLON", "1d"),
        ("whatever", "23/5", "1m"),
        ("XAUUSD", "23/5", "15m"),
        ("XAUUSD", "forex", "1h"),  # of a vendor without the break
        ("EURUSD", "23/5", "1h"),  # of a broker with it
        ("EURUSD", "forex", "1h"),
    ],
)
def test_the_data_suggest(symbol: str, made: str, timeframe: str) -> None:
    frame = parse(timeframe)
    times = calendar(made).expected(frame, utc("2018-01-01"), utc("2020-01-01"))
    assert suggest(symbol, "", times, frame).name == made


def test_what_no_calendar_fits_is_learnt() -> None:
    always = calendar("24/7").expected(parse("1h"), utc("2018-01-01"), utc("2019-01-01"))
    odd = always[(always // (3600 * 10**6)) % 24 < 3]
    odd = odd[((odd // (86400 * 10**6)) + 3) % 7 < 4]  # three hours on four days
    found = suggest("whatever", "", odd, Timeframe(1, "h"))
    assert found.name == "learnt"
    assert "No known calendar fits" in found.reason


def test_an_exchange_on_its_own_clock_is_known_all_the_same() -> None:
    times = calendar("XNYS").expected(parse("5m"), utc("2018-01-01"), utc("2018-02-01"))
    index = (
        pd.DatetimeIndex(times.view("datetime64[us]"), tz="UTC")
        .tz_convert("America/New_York")
        .tz_localize(None)
    )
    found = suggest("whatever", "", index.tz_localize("UTC"), parse("5m"))
    assert found.name == "XNYS"
    assert "America/New_York" in found.reason


@pytest.mark.parametrize(("name", "timeframe"), [("XNYS", "15m"), ("XTKS", "1m"), ("XLON", "1h")])
@pytest.mark.parametrize("late", [(5, 5), (0, 7), (2, 0)])
def test_an_exchange_on_a_clock_that_was_changed_is_known_all_the_same(
    name: str, timeframe: str, late: tuple[int, int]
) -> None:
    """Late in all years, or in one of them; the hours of a day that no exchange keeps are still learnt."""
    times = calendar(name).expected(parse(timeframe), utc("2018-01-01"), utc("2020-01-01"))
    hour = 3600 * 10**6
    moved = times + np.where(times < to_us(utc("2019-01-01")), *late) * hour
    found = suggest("whatever", "", moved, parse(timeframe))
    assert found.name == name
    assert "another clock's than UTC" in found.reason
    assert suggest("whatever", "", moved[moved // hour % 2 == 0], parse(timeframe)).name == "learnt"


def test_a_few_days() -> None:
    always = calendar("24/7").expected(parse("5m"), utc("2018-01-02"), utc("2018-01-05"))
    assert suggest("whatever", "", always, parse("5m")).name == "24/5"
    saturday = calendar("24/7").expected(parse("5m"), utc("2018-01-06"), utc("2018-01-07"))
    assert suggest("whatever", "", saturday, parse("5m")).name == "24/7"
    assert suggest("EURUSD", "", always, parse("5m")).name == "forex"
