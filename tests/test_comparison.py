"""Two series side by side, against plain Python and against what was done to one of them."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.calendars import calendar
from lib.candles import COLUMNS, from_micros, resample, with_provenance
from lib.comparison import Shift, compare, find_shift, quote_offset, unshift
from lib.errors import InputError
from lib.files import read
from lib.timeframes import parse

HOUR_US = 3600 * 10**6
HOUR = parse("1h")


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def walk(
    name: str = "forex", timeframe: str = "1h", start: str = "2021-01-01", end: str = "2022-01-01"
) -> pd.DataFrame:
    times = calendar(name).expected(parse(timeframe), utc(start), utc(end))
    rng = np.random.default_rng(9)
    close = 1.1 * np.exp(np.cumsum(rng.normal(0, 1e-3, len(times))))
    opened = np.concatenate((close[:1], close[:-1]))
    columns = {"open": opened, "high": np.maximum(opened, close), "low": np.minimum(opened, close), "close": close, "volume": np.ones(len(times))}  # fmt: skip
    return from_micros(times, columns)


def on_clock(table: pd.DataFrame, zone: str) -> pd.DataFrame:
    """As a vendor writes it on that zone's clock, read as if it were UTC; what comes twice, once."""
    walls = [time.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for time in table.index.to_pydatetime()]
    moved = table.set_axis(pd.DatetimeIndex(walls, name="time").tz_localize("UTC").as_unit("us"))
    return moved[~moved.index.duplicated()].sort_index()


# ---------------------------------------------------------------------------------------- the differences


@given(st.sets(st.integers(0, 60), min_size=4), st.sets(st.integers(0, 60), min_size=4), st.integers(0, 9999))
@settings(max_examples=60)
def test_the_figures_are_those_of_plain_python(one: set[int], two: set[int], seed: int) -> None:
    rng = np.random.default_rng(seed)

    def table(hours: set[int]) -> pd.DataFrame:
        close = 100 + rng.random(len(hours))
        values = dict.fromkeys(COLUMNS, close)
        return from_micros(np.array(sorted(hours), np.int64) * HOUR_US, values)

    left, right = table(one), table(two)
    found = compare(left, right, HOUR, tolerance=20.0)
    low, high = max(min(one), min(two)), min(max(one), max(two))
    common = sorted(hour for hour in one & two if low <= hour <= high)
    a = [float(left["close"].iloc[sorted(one).index(hour)]) for hour in common]
    b = [float(right["close"].iloc[sorted(two).index(hour)]) for hour in common]
    assert found.common == len(common)
    assert found.only_left == len([hour for hour in one - two if low <= hour <= high])
    assert found.only_right == len([hour for hour in two - one if low <= hour <= high])
    if not common:
        assert found.mean is None
        return
    apart = [y - x for x, y in zip(a, b, strict=True)]
    points = [(y / x - 1) * 1e4 for x, y in zip(a, b, strict=True)]
    assert found.mean == pytest.approx(statistics.fmean(apart))
    assert found.largest == pytest.approx(max(apart, key=abs))
    assert found.mean_bps == pytest.approx(statistics.fmean(points))
    assert found.largest_bps == pytest.approx(max(points, key=abs))
    assert found.within == pytest.approx(sum(abs(point) <= 20 for point in points) / len(points))
    if len(common) > 1:
        assert found.deviation == pytest.approx(statistics.stdev(apart))
        assert found.deviation_bps == pytest.approx(statistics.stdev(points))
    if len(common) > 4:
        returns = [[math.log(y / x) for x, y in zip(each, each[1:], strict=False)] for each in (a, b)]
        assert found.correlation == pytest.approx(statistics.correlation(*returns))


def test_a_series_against_itself() -> None:
    table = walk()
    found = compare(table, table, HOUR)
    assert (found.only_left, found.only_right, found.common) == (0, 0, len(table))
    assert (found.mean, found.largest, found.within, found.lag) == (0.0, 0.0, 1.0, 0)
    assert found.correlation == pytest.approx(1.0)
    assert found.shift is not None
    assert found.shift.is_none
    assert found.end == table.index[-1] + pd.Timedelta("1h")


def test_the_finer_is_made_coarser() -> None:
    fine = walk(timeframe="5m", end="2021-02-01")
    coarse = resample(fine, HOUR)
    for found in (compare(fine, coarse, parse("5m"), HOUR), compare(coarse, fine, HOUR, parse("5m"))):
        assert found.timeframe == HOUR
        assert found.common == len(coarse)
        assert found.largest == 0.0
    with pytest.raises(InputError, match="neither"):
        compare(fine, fine, parse("15m"), parse("20m"))


def test_what_does_not_meet() -> None:
    table = walk(end="2021-03-01")
    found = compare(table.iloc[:100], table.iloc[200:300], HOUR)
    assert (found.common, found.only_left, found.mean, found.shift) == (0, 0, None, None)


def test_filled_candles_are_left_out() -> None:
    table = with_provenance(walk(end="2021-03-01"), "here", utc("2022-01-01"))
    other = table.copy()
    other.iloc[10:20, :4] *= 2
    other.iloc[10:20, other.columns.get_loc("filled")] = True
    found = compare(table, other, HOUR)
    assert (found.largest, found.only_left) == (0.0, 10)


@pytest.mark.parametrize("lag", [-3, -1, 0, 1, 4])
def test_who_leads(lag: int) -> None:
    """The right series says what the left did ``lag`` bars ago; holes move nothing."""
    table = walk(end="2021-03-01")
    late = table.set_axis(table.index + pd.Timedelta(hours=lag))
    found = compare(table.drop(table.index[50:61:5]), late, HOUR)
    assert found.lag == lag
    assert found.lag_correlation is not None
    assert found.lag_correlation > 0.99


def test_of_strangers_neither_leads() -> None:
    table = walk(end="2021-03-01")
    other = from_micros(table.index.asi8, {name: table[name].to_numpy()[::-1].copy() for name in COLUMNS})
    found = compare(table, other, HOUR)
    assert found.lag is None
    assert found.lag_correlation is not None
    assert abs(found.lag_correlation) < 0.2


# ------------------------------------------------------------------------------------------ another clock


@pytest.mark.parametrize(
    ("zone", "hours", "rule", "named"),
    [
        ("America/New_York", -5, "US", "America/New_York"),
        ("America/Chicago", -6, "US", "America/Chicago"),
        ("Europe/London", 0, "EU", "Europe/London"),
        ("Europe/Athens", 2, "EU", "Europe/Athens"),
        ("Asia/Tokyo", 9, "", ""),
        ("Etc/GMT+5", -5, "", ""),
        ("UTC", 0, "", "UTC"),
    ],
)
def test_the_clock_is_found_and_undone(zone: str, hours: int, rule: str, named: str) -> None:
    table = walk()
    moved = on_clock(table, zone)
    shift = find_shift(table, moved, HOUR)
    assert shift is not None
    assert (shift.hours, shift.rule, shift.zone) == (hours, rule, named)
    assert shift.agreement > 0.95
    back = unshift(moved, shift)
    again = compare(table, back, HOUR)
    assert again.common >= len(table) - 2  # an hour that the clocks repeat is lost
    assert again.shift is not None
    assert again.shift.is_none
    # on the days on which the clocks change a week speaks for either side
    assert again.correlation is not None
    assert again.correlation > 0.99


def test_seven_hours_before_new_york() -> None:
    """A broker's clock: its midnight is New York's 17:00, so Europe's hours on the dates of the US."""
    table = walk()
    moved = on_clock(table, "America/New_York")
    moved = moved.set_axis(moved.index + pd.Timedelta(hours=7))
    shift = find_shift(table, moved, HOUR)
    assert shift is not None
    assert (shift.hours, shift.rule, shift.zone) == (2, "US", "")
    assert "dates of the US" in shift.text


def test_a_winter_alone_tells_no_rule() -> None:
    table = walk(end="2021-02-20")
    shift = find_shift(table, on_clock(table, "America/New_York"), HOUR)
    assert shift is not None
    assert (shift.hours, shift.rule) == (-5, "")
    assert "of one season" in shift.text and "all year" not in shift.text
    whole = find_shift(walk(), on_clock(walk(), "Etc/GMT+5"), HOUR)
    assert whole is not None and "UTC-5 all year" in whole.text


def test_strangers_have_no_clock_in_common() -> None:
    table = walk()
    other = from_micros(table.index.asi8, {name: table[name].to_numpy()[::-1].copy() for name in COLUMNS})
    assert find_shift(table, other, HOUR) is None
    assert find_shift(table.iloc[:0], other, HOUR) is None


def test_two_vendors_of_one_pair(market_data: Path) -> None:
    """The one is in UTC; the other says of itself "EST without DST", and keeps New York's clock with it."""
    left = read("oanda.zip", market_data / "A_candles" / "a60_lean_oanda_eurusd_hour.zip").table
    right = read("histdata.zip", market_data / "B_large_1m" / "b09_histdata_eurusd_m1_2018.zip").table
    as_written = compare(left, right, HOUR, parse("1m"))
    assert as_written.shift is not None
    assert as_written.shift.zone == "America/New_York"
    assert as_written.shift.agreement > 0.95
    assert abs(as_written.correlation or 0) < 0.1
    undone = compare(left, unshift(right, as_written.shift), HOUR, parse("1m"))
    assert undone.correlation is not None
    assert undone.correlation > 0.99
    assert undone.only_left == 0
    assert undone.within is not None
    assert undone.within > 0.95
    assert undone.shift is not None
    assert undone.shift.is_none


def test_the_same_vendor_a_year_later_changed_on_other_dates(market_data: Path) -> None:
    """2019's file changes its clocks when Europe does. Put to UTC by that rule, every week ends at New York's
    17:00; by the dates of the US, not those between the two changes."""
    right = read("histdata.zip", market_data / "B_large_1m" / "b01_histdata_eurusd_m1_2019.zip").table

    def hours_of_the_last(rule: str) -> set[int]:
        moved = unshift(right, Shift(-5, rule, "", 1, 1.0, ""))
        local = moved.index.tz_convert("America/New_York")
        fridays = local[(local.day_of_week == 4) & (local.hour >= 12)]
        return {time.hour for time in pd.Series(fridays).groupby(fridays.date).max()}

    assert hours_of_the_last("EU") == {16}
    assert hours_of_the_last("US") != {16}


# ---------------------------------------------------------------------------------------------- a live quote


def sample(
    apart: float, second: int = 0, bid: float = 1.1, wide: float = 0.0002
) -> tuple[pd.Timestamp, float, float, pd.Timestamp, float]:
    time = utc("2024-01-03 10:00") + pd.Timedelta(seconds=second)
    return time, bid + apart, bid + wide + apart, time, bid + wide / 2


def test_the_offset_of_a_broker() -> None:
    rng = np.random.default_rng(1)
    apart = [0.0005 + float(noise) for noise in rng.normal(0, 1e-5, 41)]
    samples = [sample(each, at) for at, each in enumerate(apart)]
    samples[7] = sample(9.0, 7)  # one wild quote
    apart[7] = 9.0
    found = quote_offset(samples)
    assert found.offset == pytest.approx(statistics.median(apart))
    assert found.spread == pytest.approx(statistics.median(abs(each - found.offset) for each in apart))
    assert found.low <= found.offset <= found.high
    assert found.low == pytest.approx(0.0005, abs=2e-5)
    assert found.high == pytest.approx(0.0005, abs=2e-5)
    assert (found.samples, found.sure) == (41, True)


def test_few_or_wide_quotes_are_not_sure() -> None:
    assert not quote_offset([sample(0.0005)] * 3).sure
    assert "rely" in quote_offset([sample(0.0005)] * 3).text
    assert not quote_offset([sample(0.01 * at) for at in range(30)]).sure


def test_quotes_that_cannot_be_set_beside_a_close() -> None:
    at, bid, ask, closed, close = sample(0.0005)
    late = (at + pd.Timedelta("3min"), bid, ask, closed, close)
    with pytest.raises(InputError, match="120 seconds"):
        quote_offset([late, (at, ask, bid, closed, close), (at, math.nan, ask, closed, close)])


@given(st.lists(st.floats(-0.01, 0.01), min_size=1, max_size=60))
def test_the_offset_is_the_median(values: list[float]) -> None:
    found = quote_offset([sample(value, at) for at, value in enumerate(values)])
    assert found.offset == pytest.approx(statistics.median(values), abs=1e-12)
    assert found.low - 1e-12 <= found.offset <= found.high + 1e-12


def test_days_of_a_market_are_compared_with_weeks_by_their_trading_day() -> None:
    """London's Monday opens on Sunday at 23:00 UTC in summer."""
    opens = pd.date_range("2022-05-02", periods=70, freq="1D", tz="Europe/London")
    opens = opens[opens.day_of_week < 5].tz_convert("UTC").as_unit("us")
    close = 100.0 + np.arange(len(opens))
    days = from_micros(
        opens.asi8, {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": close}
    )
    weeks = resample(days, parse("1w"), parse("1d"))
    assert (weeks.index.day_of_week == 0).all() and list(weeks["close"]) == list(close[4::5])
    for made in (
        compare(days, weeks, parse("1d"), parse("1w")),
        compare(weeks, days, parse("1w"), parse("1d")),
    ):
        assert (made.common, made.only_left, made.only_right) == (len(weeks), 0, 0)
        assert made.largest == 0.0
