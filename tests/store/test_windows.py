"""Any window equals slicing the whole; the pyramid equals a resample of the base, always."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.candles import merge, micros, resample, with_provenance
from lib.series import Series
from lib.store import Store
from lib.store.files import LocalFiles
from lib.store.fsspecs import RemoteFiles
from lib.store.pyramid import levels_of
from lib.timeframes import from_us, parse
from tests.store.make import at, candles, check_whole, of_market, same

# timeframe: bars and share of gaps; every kind of partition, and more than one row group in some
SHAPES = {"1s": (120_000, 0.3), "1m": (80_000, 0.2), "15m": (60_000, 0.3), "1h": (20_000, 0.1),
          "4h": (40_000, 0.2), "1d": (3_000, 0.3), "1d Europe/London": (3_000, 0.3), "1M": (120, 0.1)}  # fmt: skip
# where daily candles open, in one series one after another and all at once
MARKETS = (
    ("Europe/London", "0h"),
    ("America/New_York", "9h30min"),
    ("Australia/Sydney", "0h"),
    ("UTC", "0h"),
)
_folder = tempfile.TemporaryDirectory()


@lru_cache
def filled(timeframe: str) -> tuple[Store, Series, pd.DataFrame]:
    count, gaps = SHAPES[timeframe]
    length, _, zone = timeframe.partition(" ")
    series = Series.of("test", f"W{zone}", length)
    table = candles(length, "2021-11-28 05:00", count, seed=4, gaps=gaps, unknown=0.05)
    table = of_market(table, zone) if zone else table
    store = Store(LocalFiles(Path(_folder.name)))
    store.write(series, table, origin="t", fetched_at=at("2024-01-01"))
    return store, series, table


@pytest.mark.parametrize("timeframe", list(SHAPES))
@settings(max_examples=25)
@given(data=st.data())
def test_any_window_equals_slicing_the_whole(timeframe: str, data: st.DataObject) -> None:
    store, series, table = filled(timeframe)
    months = (parse("1M"),) if timeframe.startswith("1d") else ()
    step = data.draw(st.sampled_from([series.timeframe, *levels_of(series.timeframe), *months]))
    whole = table if step == series.timeframe else resample(table, step, series.timeframe)
    times = micros(whole)
    length = step.micros
    bound = (
        st.none()
        | st.integers(int(times[0]) - 3 * length, int(times[-1]) + 3 * length)
        | st.sampled_from([int(time) for time in times[:: max(1, len(times) // 50)]])
    )
    start, end = data.draw(bound), data.draw(bound)
    last = data.draw(st.none() | st.integers(1, 5) | st.integers(1, len(times) + 2))
    expected = whole
    if start is not None:
        expected = expected[micros(expected) >= start]
    if end is not None:
        expected = expected[micros(expected) < end]
    if last is not None:
        expected = expected.iloc[-last:]
    read = store.read(
        series, timeframe=step, last=last,
        start=None if start is None else from_us(start), end=None if end is None else from_us(end),
    )  # fmt: skip
    same(read, expected)


def test_a_window_with_provenance_over_row_groups_and_partitions() -> None:
    store, series, table = filled("1m")
    whole = with_provenance(table, "t", at("2024-01-01"))
    for lo, hi in [(0, 5), (16_380, 16_390), (20_000, 60_000), (26_000, 26_001)]:
        same(
            store.read(series, start=table.index[lo], end=table.index[hi], provenance=True), whole.iloc[lo:hi]
        )
        same(store.read(series, end=table.index[hi], last=hi - lo, provenance=True), whole.iloc[lo:hi])


writes = st.lists(
    st.tuples(
        st.integers(0, 5000),  # first bar, in steps from a base date
        st.integers(1, 400),  # bars
        st.integers(0, 3),  # seed, so that figures meet again
        st.sampled_from([0.0, 0.5]),  # gaps
        st.integers(1, 3),  # day of the fetch
        st.booleans(),  # filled
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("kind", ["local", "memory"])
@pytest.mark.parametrize(
    ("timeframe", "start"),
    [
        ("1m", "2023-12-30"),
        ("15m", "2023-12-01"),
        ("1h", "2023-08-01"),
        ("20s", "2023-12-31 12:00"),
        ("1d", "2019-01-01"),
        ("1d of markets", "2019-01-01"),
    ],
)
@settings(max_examples=4)
@given(writes=writes)
def test_random_upserts_leave_the_merge_of_all_and_its_pyramid(
    kind: str, timeframe: str, start: str, writes: list[tuple[int, int, int, float, int, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = LocalFiles(Path(folder)) if kind == "local" else RemoteFiles(f"memory://{Path(folder).name}")
        frame = parse(timeframe.split()[0])
        store, series = Store(files), Series.of("test", "U", frame)
        expected = None
        for offset, count, seed, gaps, day, made_up in writes:
            first = frame.after(frame.floor(at(start)), offset)
            table = candles(
                str(frame), str(first.tz_localize(None)), count, seed=seed, gaps=gaps, unknown=0.2
            )
            table = of_market(table, *MARKETS[seed]) if "markets" in timeframe else table
            if not len(table):
                continue
            fetched = at(f"2024-02-0{day}")
            told = store.write(series, table, origin=f"o{seed}", fetched_at=fetched, filled=made_up)
            kept = with_provenance(table, f"o{seed}", fetched, filled=made_up)
            before = 0 if expected is None else len(expected)
            expected = kept if expected is None else merge(expected, kept)
            assert told.added == len(expected) - before
            assert told.added + told.changed + told.unchanged == len(table)
        if expected is None:
            return
        for each in (store, Store(files)):
            same(each.read(series, provenance=True), expected)
            for level in levels_of(frame):
                same(each.read(series, timeframe=level, provenance=True), resample(expected, level, frame))
            info = each.info(series)
            assert (info.count, info.filled) == (len(expected), int(expected["filled"].sum()))
            assert (info.first, info.last) == (expected.index[0], expected.index[-1])


def test_market_days_are_of_their_own_weeks_and_months(tmp_path: Path) -> None:
    """London's Monday opens on Sunday at 23:00 UTC in summer, and its 1st of a month on the day before."""
    days = candles("1d", "2022-03-01", 184)
    days = days[days.index.day_of_week < 5]
    london = of_market(days, "Europe/London")
    store, series = Store(LocalFiles(tmp_path)), Series.of("test", "L", "1d")
    for at_ in range(len(london)):  # day by day, as a sync does
        store.write(series, london.iloc[at_ : at_ + 1], origin="t", fetched_at=at("2024-01-01"))
    for step in ("1w", "1M", "3d"):
        same(store.read(series, timeframe=parse(step)), resample(days, parse(step)))
    same(store.read(series, timeframe=parse("1w"), last=3), resample(days, parse("1w")).iloc[-3:])
    window = {"start": at("2022-05-01"), "end": at("2022-07-01")}
    for step in ("1w", "1M"):
        same(
            store.read(series, timeframe=parse(step), **window),
            resample(days, parse(step)).loc["2022-05-01":"2022-06-30"],
        )


def test_an_append_touches_a_level_only_when_a_bucket_is_over(tmp_path: Path) -> None:
    store, series = Store(LocalFiles(tmp_path)), Series.of("test", "A", "1m")
    table = candles("1m", "2024-01-01", 130, seed=3)
    store.write(series, table.iloc[:61], origin="t")

    def touched(bar: int) -> list[str]:
        before = {path: path.stat().st_ino for path in tmp_path.rglob("*.parquet")}
        store.write(series, table.iloc[bar : bar + 1], origin="t")
        after = {path: path.stat().st_ino for path in tmp_path.rglob("*.parquet")}
        return sorted(path.parent.name for path in after if before.get(path) != after[path])

    assert touched(61) == ["1m"]
    assert touched(62) == ["1m"]
    assert touched(65) == ["1m", "5m"]
    assert touched(120) == ["15m", "1h", "1m", "2h", "30m", "5m"]
    assert touched(63) == ["15m", "1h", "1m", "2h", "30m", "5m"]
    check_whole(store, series)


@settings(max_examples=5)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 90), st.booleans()), min_size=2, max_size=4))
def test_a_store_moved_between_places_that_lock_and_that_do_not(runs: list[tuple[int, int, bool]]) -> None:
    """Where nothing locks, levels hold the newest bucket too; each finds what the other left."""
    table = candles("15m", "2023-12-28", 1000, seed=5)
    series = Series.of("test", "M", "15m")
    with tempfile.TemporaryDirectory() as folder:
        for begin, count, exclusive in runs:
            files = LocalFiles(Path(folder))
            files.exclusive = exclusive
            store = Store(files)
            store.write(series, table.iloc[begin : begin + count], origin="t")
            check_whole(store, series)
