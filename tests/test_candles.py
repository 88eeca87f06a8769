"""The candle table: what is refused and how it is worded, and the laws of merge and resample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import candles
from lib.candles import COLUMNS, PROVENANCE, conform, door, empty, from_micros, merge, micros, resample
from lib.errors import CandlesRefused, InputError, InternalError
from lib.timeframes import parse, trading_days

MINUTE = 60_000_000
START = pd.Timestamp("2024-03-04", tz="UTC")


def bars(
    count: int, freq: str = "1min", start: pd.Timestamp | str = START, **columns: object
) -> pd.DataFrame:
    """Rows as a source gives them: a rising price."""
    base = 100.0 + np.arange(count)
    made = pd.DataFrame(
        {
            "time": pd.date_range(start, periods=count, freq=freq, unit="us"),
            "open": base,
            "high": base + 2,
            "low": base - 2,
            "close": base + 1,
            "volume": 10.0 + np.arange(count),
        }
    )
    return made.assign(**columns) if columns else made


def one(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


# -------------------------------------------------------------------------------------------- conform


def test_candles_in_order_pass_unchanged() -> None:
    raw = bars(50)
    made = conform(raw, parse("1m"))
    candles.require(made.table)
    assert made.report.ok
    assert made.report.sorted_on_entry
    assert (made.report.rows_in, made.report.rows_out) == (50, 50)
    assert made.report.first == START
    assert made.report.sentence() == "50 candles, all in order."
    np.testing.assert_array_equal(made.table["close"], raw["close"])
    assert str(made.table.index.dtype) == "datetime64[us, UTC]"


def test_the_table_does_not_share_memory_with_what_was_given() -> None:
    raw = bars(5)
    table = conform(raw, parse("1m")).table
    raw.loc[0, "open"] = -1.0
    assert table["open"].iloc[0] == 100.0


@pytest.mark.parametrize("order", ["backwards", "shuffled"])
def test_any_order_is_sorted(order: str) -> None:
    raw = bars(60)
    mixed = raw.iloc[::-1] if order == "backwards" else raw.sample(frac=1, random_state=3)
    made = conform(mixed, parse("1m"))
    assert not made.report.sorted_on_entry
    pd.testing.assert_frame_equal(made.table, conform(raw, parse("1m")).table)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_any_unit_and_zone(unit: str) -> None:
    raw = bars(10)
    local = raw.assign(time=raw["time"].dt.as_unit(unit).dt.tz_convert("America/New_York"))
    pd.testing.assert_frame_equal(conform(local, parse("1m")).table, conform(raw, parse("1m")).table)
    pd.testing.assert_frame_equal(
        conform(local.set_index("time"), parse("1m")).table, conform(raw, parse("1m")).table
    )


def test_a_part_of_a_microsecond_is_off_the_grid() -> None:
    raw = bars(3)
    times = raw["time"].dt.as_unit("ns") + pd.to_timedelta([0, 1, 0], unit="ns")
    with pytest.raises(CandlesRefused) as caught:
        conform(raw.assign(time=times), parse("1m"))
    assert caught.value.report.counts == {"grid": 1}


def test_no_rows_and_one_row() -> None:
    assert len(conform(bars(0), parse("1m")).table) == 0
    assert conform(bars(0), parse("1m")).report.first is None
    made = conform(bars(1), parse("1d"))
    assert len(made.table) == 1
    assert made.report.first == made.report.last == START


def test_volume_may_be_absent_or_unknown() -> None:
    assert conform(bars(3).drop(columns="volume"), parse("1m")).table["volume"].isna().all()
    assert conform(bars(3, volume=np.nan), parse("1m")).report.ok


def test_whole_numbers_and_missing_values_of_other_types_are_read() -> None:
    raw = bars(3)
    whole = raw.assign(close=pd.array([101, 102, None], dtype="Int64"))
    with pytest.raises(CandlesRefused, match="close price is missing"):
        conform(whole, parse("1m"))


def test_figures_that_differ_in_their_last_digit_do_not_look_the_same() -> None:
    raw = bars(3)
    raw.loc[1, ["open", "high", "low", "close"]] = [1025.1, 1025.34, 1025.0, 1025.3400000000001]
    with pytest.raises(
        CandlesRefused, match=r"high 1025\.34 is below another price .*close 1025\.3400000000001\)"
    ):
        conform(raw, parse("1m"))


@pytest.mark.parametrize(
    ("column", "value", "rule", "words"),
    [
        ("open", np.nan, "missing", "open price is missing"),
        ("close", np.inf, "infinite", "close price is infinite"),
        ("low", 0.0, "not positive", "low price is 0"),
        ("low", -3.0, "not positive", "low price is -3"),
        ("high", 100.5, "high", "high 100.5 is below another price"),
        ("low", 102.25, "low", "low 102.25 is above another price"),
        ("volume", -1.0, "volume", "volume is -1"),
        ("volume", np.inf, "volume", "volume is inf"),
        ("time", pd.NaT, "time", "time is missing"),
        ("time", START + pd.Timedelta(seconds=90), "grid", "2024-03-04 00:01:30 is not where"),
    ],
)
def test_each_rule_names_row_value_and_time(column: str, value: object, rule: str, words: str) -> None:
    raw = bars(9)
    raw.loc[2, ["open", "high", "low", "close"]] = [102.0, 103.0, 101.0, 102.5]
    raw = raw.drop(index=1).reset_index(drop=True).assign(line=np.arange(2, 10))
    row = raw.index[(raw["close"] == 102.5)][0]
    raw.loc[row, column] = value
    with pytest.raises(CandlesRefused) as caught:
        conform(raw, parse("1m"))
    report = caught.value.report
    assert rule in report.counts
    finding = next(found for found in report.findings if found.rule == rule)
    assert (finding.row, finding.line, finding.place) == (row, row + 2, f"line {row + 2}")
    assert words in finding.message
    assert report.refused == 1
    dropped = conform(raw, parse("1m"), bad_rows="drop")
    assert len(dropped.table) == 7
    assert dropped.report.counts == report.counts


def test_a_finding_points_at_the_row_as_it_was_given() -> None:
    raw = bars(20).iloc[::-1].reset_index(drop=True)
    raw.loc[4, "high"] = 1.0
    with pytest.raises(CandlesRefused) as caught:
        conform(raw, parse("1m"))
    finding = caught.value.report.findings[0]
    assert finding.row == 4
    assert finding.place == "row 5"
    assert finding.time == raw.loc[4, "time"]


def test_the_sentence_counts_the_rest() -> None:
    raw = bars(20, volume=-1.0)
    with pytest.raises(CandlesRefused, match=r"Row 1: The volume is -1.* 19 more"):
        conform(raw, parse("1m"))


def test_only_so_many_findings_are_listed_and_all_are_counted() -> None:
    made = conform(bars(1000, volume=-1.0), parse("1m"), bad_rows="drop")
    assert made.report.counts == {"volume": 1000}
    assert len(made.report.findings) == 200
    assert not len(made.table)


def test_same_rows_are_merged_and_counted() -> None:
    raw = bars(10)
    made = conform(pd.concat([raw, raw.iloc[2:5], raw.iloc[2:3]]), parse("1m"))
    assert made.report.duplicates == 4
    assert made.report.ok
    assert len(made.table) == 10


def test_same_rows_with_unknown_volume_are_the_same() -> None:
    raw = bars(4, volume=np.nan)
    assert conform(pd.concat([raw, raw]), parse("1m")).report.duplicates == 4


@pytest.mark.parametrize(("keep", "close"), [("first", 102.0), ("last", 101.5)])
def test_a_conflict_is_refused_unless_it_is_said_which_stands(keep: str, close: float) -> None:
    raw = pd.concat([bars(5), bars(2, close=101.5).iloc[1:]], ignore_index=True)
    with pytest.raises(CandlesRefused, match="other figures for 2024-03-04 00:01:00") as caught:
        conform(raw, parse("1m"))
    assert caught.value.report.counts == {"conflict": 2}
    made = conform(raw, parse("1m"), conflicts=keep)  # type: ignore[arg-type]
    assert made.table["close"].iloc[1] == close
    assert made.report.counts == {"conflict": 1}
    assert len(made.table) == 5


def test_another_fault_is_refused_beside_a_settled_conflict() -> None:
    raw = pd.concat([bars(5), bars(2, close=101.5).iloc[1:]], ignore_index=True)
    raw.loc[4, "volume"] = -1
    with pytest.raises(CandlesRefused):
        conform(raw, parse("1m"), conflicts="last")


def test_times_without_a_zone_are_never_guessed() -> None:
    with pytest.raises(InputError, match="zone"):
        conform(bars(3).assign(time=pd.date_range("2024-01-01", periods=3, freq="1min")), parse("1m"))


def test_columns_that_are_absent_or_not_numbers_are_named() -> None:
    with pytest.raises(InputError, match="missing: low, close"):
        conform(bars(3).drop(columns=["low", "close"]), parse("1m"))
    with pytest.raises(InputError, match="column high"):
        conform(bars(3).assign(high=["1", "x", "3"]), parse("1m"))
    with pytest.raises(InputError, match="time"):
        conform(bars(3).assign(time=["yesterday", "today", "now"]), parse("1m"))


# ---------------------------------------------------------------------------------- where candles open


def test_sessions_may_open_on_any_quarter_hour() -> None:
    for start in ("2024-03-04 03:45", "2024-03-04 14:30"):
        assert conform(bars(6, "1h", one(start)), parse("1h")).report.ok
    with pytest.raises(CandlesRefused, match="is not where a candle of 1 hour opens"):
        conform(bars(6, "1h", one("2024-03-04 14:31")), parse("1h"))


def test_daily_candles_may_open_at_any_hour_of_the_session_and_move_with_the_clocks() -> None:
    local = pd.date_range("2024-02-01", "2024-04-30", freq="D", tz="America/New_York").tz_convert("UTC")
    raw = bars(len(local)).assign(time=local.as_unit("us"))
    assert conform(raw, parse("1d")).report.ok


def test_four_hour_candles_of_local_time_move_with_the_clocks() -> None:
    pieces = [
        pd.date_range(day, periods=6, freq="4h")
        for day in pd.date_range("2024-03-28", "2024-04-03", freq="D")
    ]
    wall = pieces[0].append(pieces[1:])
    local = wall.tz_localize("Europe/Berlin", nonexistent="shift_forward", ambiguous=True).tz_convert("UTC")
    raw = bars(len(local)).assign(time=local.as_unit("us"))
    made = conform(raw, parse("4h"))
    assert made.report.ok
    assert len(made.table) == len(local)


def test_one_candle_out_of_step_is_found() -> None:
    raw = bars(60, "4h")
    raw.loc[30, "time"] += pd.Timedelta("2h")
    with pytest.raises(CandlesRefused, match="out of step"):
        conform(raw, parse("4h"))


def test_candles_closer_than_their_length_overlap() -> None:
    with pytest.raises(CandlesRefused, match="before the candle before it has closed"):
        conform(bars(10, "30min"), parse("1h"))


def test_gaps_are_no_fault() -> None:
    raw = bars(200).drop(index=range(20, 100))
    made = conform(raw, parse("1m"))
    assert made.report.ok
    assert len(made.table) == 120


def test_months_and_weeks() -> None:
    assert conform(bars(30, "MS", one("2020-01-01")), parse("1M")).report.ok
    assert conform(bars(30, "W-MON", one("2020-01-06")), parse("1w")).report.ok
    assert conform(bars(30, "W-SUN", one("2020-01-05")), parse("1w")).report.ok


def test_before_1970_and_far_ahead() -> None:
    assert conform(bars(10, "D", one("1962-01-02")), parse("1d")).table.index[0] == one("1962-01-02")
    assert conform(bars(3, "D", one("2345-01-02")), parse("1d")).report.ok


def test_require_names_what_is_wrong() -> None:
    table = conform(bars(4), parse("1m")).table
    assert candles.require(table) is table
    for wrong in (
        table.tz_convert("Europe/Berlin"),
        table[["close", "open", "high", "low", "volume"]],
        table.iloc[::-1],
        table.reset_index(),
    ):
        with pytest.raises(InternalError):
            candles.require(wrong)


# ---------------------------------------------------------------------------------------------- merge


@st.composite
def kept_tables(draw: st.DrawFn) -> pd.DataFrame:
    """Small tables that overlap, with few values, so that ties of every kind happen."""
    at = sorted(draw(st.sets(st.integers(0, 12), max_size=9)))
    few = st.sampled_from([1.0, 2.0, 3.0])
    rows = [
        {
            "open": draw(few), "high": 4.0, "low": 0.5, "close": draw(few),
            "volume": draw(st.sampled_from([np.nan, 0.0, 1.0])),
            "origin": draw(st.sampled_from(["a", "b"])),
            "fetched_at": draw(st.sampled_from([one("2024-01-01"), one("2024-01-02")])),
            "filled": draw(st.booleans()),
        }
        for _ in at
    ]  # fmt: skip
    if not rows:
        return candles.with_provenance(empty(), "a", one("2024-01-01"))
    frame = pd.DataFrame(rows)
    table = from_micros(np.array(at, np.int64) * MINUTE, {name: frame[name].to_numpy() for name in COLUMNS})
    table["origin"] = pd.array(frame["origin"], dtype="str")
    table["fetched_at"] = pd.DatetimeIndex(frame["fetched_at"]).as_unit("us")
    table["filled"] = frame["filled"].to_numpy(bool)
    return table


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_freq=False)


@given(kept_tables())
def test_merging_with_itself_changes_nothing(table: pd.DataFrame) -> None:
    same(merge(table, table), table)


@given(kept_tables(), kept_tables(), kept_tables(), st.permutations(range(3)))
def test_merge_does_not_depend_on_order_or_grouping(
    a: pd.DataFrame, b: pd.DataFrame, c: pd.DataFrame, order: list[int]
) -> None:
    expected = merge(a, b, c)
    x, y, z = ([a, b, c][number] for number in order)
    same(merge(x, y, z), expected)
    same(merge(merge(x, y), z), expected)
    same(merge(x, merge(y, z)), expected)
    same(merge(expected, x), expected)
    assert set(micros(expected)) == set(micros(a)) | set(micros(b)) | set(micros(c))


def _by_hand(*tables: pd.DataFrame) -> dict[int, tuple[object, ...]]:
    """The order of merge spelled out bar by bar."""
    best: dict[int, tuple[object, ...]] = {}
    for table in tables:
        for time, row in zip(micros(table), table.itertuples(), strict=True):
            known = not np.isnan(row.volume)
            rank = (not row.filled, row.fetched_at, row.origin, row.close, row.open, known,
                    row.volume if known else 0.0)  # fmt: skip
            best[int(time)] = max(best.get(int(time), ()), rank)
    return best


@given(kept_tables(), kept_tables())
def test_merge_keeps_the_bar_of_highest_rank(a: pd.DataFrame, b: pd.DataFrame) -> None:
    assert _by_hand(merge(a, b)) == _by_hand(a, b)


def kept(table: pd.DataFrame, origin: str, fetched: str, *, filled: bool = False) -> pd.DataFrame:
    return candles.with_provenance(table, origin, one(fetched), filled=filled)


def test_newest_fetch_wins_and_filled_never_replaces_observed() -> None:
    table = conform(bars(4), parse("1m")).table
    old, new = kept(table, "x", "2024-01-01"), kept(table + 1, "y", "2024-01-02")
    assert (merge(old, new)["origin"] == "y").all()
    made_up = kept(table + 5, "fill", "2025-01-01", filled=True)
    assert not merge(new, made_up)["filled"].any()
    assert merge(made_up.iloc[:2], new.iloc[1:])["filled"].tolist() == [True, False, False, False]


def test_merge_of_nothing() -> None:
    assert not len(merge())
    nothing = kept(empty(), "x", "2024-01-01")
    assert list(merge(nothing, nothing).columns) == COLUMNS + PROVENANCE


# ------------------------------------------------------------------------------------------- resample


@st.composite
def minutes(draw: st.DrawFn) -> pd.DataFrame:
    """One-minute candles over some days, with gaps; figures in eighths, so that sums are exact."""
    count = draw(st.integers(1, 400))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    start = draw(st.sampled_from([0, 1_709_510_400, 1_711_843_000 // 60 * 60, -86_400 * 40]))
    steps = random.choice([1, 1, 1, 2, 7, 400], size=count)
    times = (start + np.cumsum(steps) * 60) * 1_000_000
    price = 100 + np.cumsum(random.integers(-4, 5, size=count)) / 8
    price = np.maximum(price, 1.0)
    spread = random.integers(0, 5, size=(3, count)) / 8
    close = price + spread[0] - 0.25
    high = np.maximum(price, close) + spread[1]
    low = np.minimum(price, close) - spread[2] / 8
    volume = random.integers(0, 1000, size=count) / 8
    volume[random.random(count) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = np.nan
    table = from_micros(
        times.astype(np.int64), {"open": price, "high": high, "low": low, "close": close, "volume": volume}
    )
    return candles.require(table)


COARSE = ["5m", "15m", "1h", "4h", "1d", "1w", "1M", "3M"]


@given(minutes(), st.sampled_from(COARSE))
def test_resample_keeps_volume_extremes_and_ends(table: pd.DataFrame, step: str) -> None:
    coarse = candles.require(resample(table, parse(step)))
    assert np.nansum(coarse["volume"]) == np.nansum(table["volume"])
    assert coarse["high"].max() == table["high"].max()
    assert coarse["low"].min() == table["low"].min()
    assert coarse["open"].iloc[0] == table["open"].iloc[0]
    assert coarse["close"].iloc[-1] == table["close"].iloc[-1]
    assert (coarse["volume"].isna()).all() == table["volume"].isna().all()


@given(minutes(), st.sampled_from(["5min", "1h", "4h", "1D", "W-MON", "MS"]))
def test_resample_agrees_with_pandas(table: pd.DataFrame, freq: str) -> None:
    step = {"5min": "5m", "1h": "1h", "4h": "4h", "1D": "1d", "W-MON": "1w", "MS": "1M"}[freq]
    grouped = table.resample(freq, closed="left", label="left")
    theirs = pd.DataFrame(
        {
            "open": grouped["open"].first(), "high": grouped["high"].max(), "low": grouped["low"].min(),
            "close": grouped["close"].last(), "volume": grouped["volume"].sum(min_count=1),
        }
    ).dropna(subset=["open"])  # fmt: skip
    pd.testing.assert_frame_equal(resample(table, parse(step)), theirs, check_freq=False)


@given(minutes(), st.sampled_from([("5m", "15m", "1h"), ("15m", "4h", "1w"), ("1h", "1d", "1M")]))
def test_resample_composes(table: pd.DataFrame, steps: tuple[str, str, str]) -> None:
    fine, middle, coarse = (parse(step) for step in steps)
    through = resample(resample(resample(table, fine), middle), coarse)
    pd.testing.assert_frame_equal(through, resample(table, coarse))


@given(minutes())
@settings(max_examples=30)
def test_resample_carries_provenance(table: pd.DataFrame) -> None:
    half = len(table) // 2
    early = candles.with_provenance(table.iloc[:half], "a", one("2024-05-01"), filled=True)
    late = candles.with_provenance(table.iloc[half:], "b", one("2024-04-01"))
    coarse = resample(merge(early, late), parse("1h"))
    assert list(coarse.columns) == COLUMNS + PROVENANCE
    assert coarse["origin"].iloc[-1] == "b"
    whole = resample(table, parse("1h"))
    assert coarse["filled"].sum() == (micros(whole) <= (micros(early)[-1] if half else -(2**62))).sum()
    pd.testing.assert_frame_equal(coarse[COLUMNS], whole)


@pytest.mark.parametrize(
    ("zone", "clock"),
    [("Europe/London", "0h"), ("America/New_York", "0h"), ("America/New_York", "9h30min"), ("America/New_York", "-7h"),
     ("Australia/Sydney", "0h"), ("Australia/Sydney", "10h"), ("Pacific/Auckland", "0h"), ("Pacific/Honolulu", "0h"),
     ("Asia/Tokyo", "0h"), ("Asia/Kolkata", "9h15min"), ("America/Sao_Paulo", "0h"), ("UTC", "0h")],
)  # fmt: skip
def test_days_go_to_the_week_and_month_of_their_trading_day(zone: str, clock: str) -> None:
    raw = bars(900, "1D", one("2022-01-01"))
    days = conform(raw[raw["time"].dt.day_of_week < 5], parse("1d")).table
    opens = (days.index.tz_localize(None) + pd.Timedelta(clock)).tz_localize(zone).tz_convert("UTC")
    market = days.set_index(opens.as_unit("us").rename("time"))
    assert conform(market.reset_index(), parse("1d")).report.ok
    for step in ("1w", "1M"):
        pd.testing.assert_frame_equal(resample(market, parse(step), parse("1d")), resample(days, parse(step)))
        for cut in range(1, 60):  # of a part, what of the whole is over
            part = resample(market.iloc[:cut], parse(step), parse("1d"))
            pd.testing.assert_frame_equal(part.iloc[:-1], resample(days, parse(step)).iloc[: len(part) - 1])
    assert (trading_days(micros(market)) == micros(days)).all()


def test_days_the_other_way_round_are_each_of_their_own() -> None:
    """A Sunday at 14:00 is Sydney's Monday; half an hour later New York's Sunday, were there one."""
    table = conform(bars(2, "30min", one("2024-03-10 14:00")), parse("30m")).table
    weeks = candles.require(resample(table, parse("1w"), parse("1d")))
    assert list(weeks["close"]) == [table["close"].iloc[1], table["close"].iloc[0]]


def test_resample_of_nothing() -> None:
    assert not len(resample(empty(), parse("1h")))


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=60),
    st.lists(st.sampled_from([0.0, -1.0, np.nan, np.inf, 0.5, 2.0]), max_size=3),
    st.integers(0, 5),
    st.sampled_from(["1s", "1m", "4h", "1d", "1w", "1M"]),
    st.booleans(),
)
def test_what_is_clean_is_what_conform_finds_nothing_in(
    steps: list[int], odd: list[float], column: int, name: str, newest_first: bool
) -> None:
    frame = parse(name)
    times = np.cumsum(np.array(steps, np.int64)) * (frame.micros if not frame.is_calendar else 86400 * 10**6)
    figures = {name: np.full(len(times), 1.0) for name in candles.COLUMNS}
    figures["volume"] = np.arange(len(times), dtype=float)
    if column < 5:
        figures[candles.COLUMNS[column]][: len(odd)] = odd[: len(times)]
    else:
        times[: len(odd)] += 1
    if newest_first:
        times = times[::-1].copy()
    raw = pd.DataFrame(figures, index=pd.DatetimeIndex(times.view("datetime64[us]")).tz_localize("UTC"))
    full = door._conform(times, np.ones(len(times), bool), 10**6, figures, None, frame, "refuse", "drop")
    clean = candles.conform_clean(times, figures, frame)
    asked = candles.conform_clean(times, figures, frame, fine=candles.figures_fine(figures))
    assert (asked is None) == (clean is None)
    if clean is not None:
        assert full.report == clean.report
        pd.testing.assert_frame_equal(full.table, clean.table)
    elif not frame.is_calendar and frame.unit != "w":
        shuffled = not (np.diff(times) > 0).all() and not (np.diff(times) < 0).all()
        assert full.report.counts or full.report.duplicates or shuffled
    pd.testing.assert_frame_equal(
        candles.conform(raw, frame, bad_rows="drop").table, full.table, check_freq=False
    )
