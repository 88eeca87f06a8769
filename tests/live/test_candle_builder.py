from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import candles
from lib.live.candle_builder import CandleBuilder, CandleUpdate, Tick
from lib.timeframes import parse

MINUTE = 60_000_000
START = 1_700_000_040_000_000  # on the minute


def held(builder: CandleBuilder) -> pd.DataFrame:
    return builder.state().table()


def by_groupby(ticks: list[Tick], rule: str) -> pd.DataFrame:
    """The same candles by pandas' own grouping: stable order by time, then arrival."""
    frame = pd.DataFrame(ticks, columns=["time_us", "price", "size"])
    frame["time"] = pd.to_datetime(frame.pop("time_us"), unit="us", utc=True)
    frame = frame.sort_values("time", kind="stable").set_index("time")
    made = frame["price"].resample(rule, label="left", closed="left").ohlc()
    made["volume"] = frame["size"].resample(rule).sum()
    return made[frame["price"].resample(rule).count() > 0]


# whole numbers and quarters, so that sums do not depend on the order
prices = st.integers(1, 4000).map(lambda n: n / 4)
sizes = st.integers(0, 50).map(float)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 20 * MINUTE), prices, sizes), min_size=1, max_size=80),
    st.sampled_from(["1m", "5m", "15s"]),
)
def test_ordered_ticks_give_the_candles_of_a_groupby(raw, name):
    ticks = [Tick(START + at, price, size) for at, price, size in sorted(raw, key=lambda one: one[0])]
    builder = CandleBuilder(parse(name))
    for tick in ticks:
        builder.add(tick)
    expected = by_groupby(ticks, name.replace("m", "min"))
    got = held(builder)
    candles.require(got)
    assert got.index.tolist() == expected.index.tolist()
    np.testing.assert_array_equal(got.to_numpy(), expected.to_numpy())
    assert builder.late == 0
    assert builder.missing == []
    assert builder.take_closed().index.tolist() == expected.index[:-1].tolist()


@settings(max_examples=50)
@given(st.permutations(range(12)), st.lists(prices, min_size=12, max_size=12))
def test_disorder_inside_one_bucket_changes_nothing(order, values):
    ticks = [Tick(START + at * 1000, price, 1.0) for at, price in enumerate(values)]
    builder = CandleBuilder(parse("1m"))
    for at in order:
        builder.add(ticks[at])
    np.testing.assert_array_equal(held(builder).to_numpy(), by_groupby(ticks, "1min").to_numpy())


def test_of_equal_times_the_first_to_come_opens_and_the_last_closes():
    builder = CandleBuilder(parse("1m"))
    for price in (5.0, 7.0, 6.0):
        builder.add(Tick(START, price, 1.0))
    assert held(builder).iloc[0].tolist() == [5.0, 7.0, 5.0, 6.0, 3.0]


def test_a_tick_of_a_closed_candle_is_counted_and_changes_nothing():
    builder = CandleBuilder(parse("1m"))
    builder.add(Tick(START, 5.0, 1.0))
    builder.add(Tick(START + MINUTE, 6.0, 1.0))
    before = held(builder)
    builder.add(Tick(START + 59_000_000, 99.0, 1.0))
    pd.testing.assert_frame_equal(held(builder), before)
    assert builder.late == 1


def test_a_bucket_without_a_tick_gives_no_candle():
    builder = CandleBuilder(parse("1m"))
    builder.add(Tick(START, 5.0, 1.0))
    builder.add(Tick(START + 3 * MINUTE, 6.0, 1.0))
    assert candles.micros(held(builder)).tolist() == [START, START + 3 * MINUTE]
    assert builder.missing == []


def test_a_volume_that_is_not_known_stays_unknown():
    builder = CandleBuilder(parse("1m"))
    builder.add(Tick(START, 5.0, float("nan")))
    builder.add(Tick(START + 1, 6.0, float("nan")))
    assert np.isnan(held(builder)["volume"].iloc[0])
    builder.add(Tick(START + 2, 6.0, 2.0))
    assert held(builder)["volume"].iloc[0] == 2.0


def test_advance_closes_a_candle_whose_time_is_over():
    builder = CandleBuilder(parse("1m"))
    builder.add(Tick(START, 5.0, 1.0))
    builder.advance(START + MINUTE - 1)
    assert builder.forming_us == START
    builder.advance(START + MINUTE)
    assert builder.forming_us is None
    assert candles.micros(builder.take_closed()).tolist() == [START]
    assert len(builder.take_closed()) == 0


def test_months_close_by_the_calendar():
    builder = CandleBuilder(parse("1M"))
    opened = pd.Timestamp("2024-02-01", tz="UTC")
    builder.add(Tick(opened.value // 1000, 5.0, 1.0))
    builder.advance(pd.Timestamp("2024-02-29 23:59:59", tz="UTC").value // 1000)
    assert builder.forming_us is not None
    builder.advance(pd.Timestamp("2024-03-01", tz="UTC").value // 1000)
    assert held(builder).index.tolist() == [opened]
    assert builder.forming_us is None


# ------------------------------------------------------------------------------------- candle updates


def word(
    minute: int, close: float, *, closed: bool = False, at: float = 0.0, volume: float = 1.0
) -> CandleUpdate:
    open_us = START + minute * MINUTE
    return CandleUpdate(
        open_us, 10.0, max(10.0, close), min(10.0, close), close, volume, closed, int(open_us + at * 1e6)
    )


def test_updates_replace_the_forming_candle_and_the_last_word_closes_it():
    builder = CandleBuilder(parse("1m"))
    builder.add(word(0, 11.0, at=2))
    builder.add(word(0, 12.0, at=4))
    assert held(builder)["close"].tolist() == [12.0]
    assert builder.forming_us == START
    builder.add(word(0, 13.0, closed=True, at=60))
    assert builder.forming_us is None
    assert builder.take_closed()["close"].tolist() == [13.0]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([10.0, 20.0, 30.0, 60.0])), max_size=30))
def test_repeats_and_old_words_do_not_matter(extra):
    """A minute's words in order; before each, any words that were said already."""
    script = [
        word(m, 10.0 + m + at / 60, closed=at == 60.0, at=at)
        for m in range(3)
        for at in (10.0, 20.0, 30.0, 60.0)
    ]
    builder, said = CandleBuilder(parse("1m")), []
    noise = iter(extra)
    for one in script:
        builder.add(one)
        said.append(one)
        minute, at = next(noise, (None, None))
        for old in said:
            if (old.open_us, old.event_us) == (
                START + (minute or 0) * MINUTE,
                START + (minute or 0) * MINUTE + int((at or 0) * 1e6),
            ):
                builder.add(old)
    assert held(builder)["close"].tolist() == [11.0, 12.0, 13.0]
    assert builder.missing == []
    assert builder.take_closed()["close"].tolist() == [11.0, 12.0, 13.0]


def test_a_candle_whose_last_word_never_came_is_missing_not_closed():
    builder = CandleBuilder(parse("1m"))
    builder.add(word(0, 11.0, closed=True, at=60))
    builder.add(word(1, 12.0, at=30))
    builder.add(word(3, 14.0, at=2))
    assert builder.missing == [(START + MINUTE, START + 3 * MINUTE)]
    assert candles.micros(held(builder)).tolist() == [START, START + 3 * MINUTE]
    builder.insert(held_rows(1, 12.5))
    assert builder.missing == [(START + 2 * MINUTE, START + 3 * MINUTE)]
    builder.settle(START + 2 * MINUTE, START + 3 * MINUTE)
    assert builder.missing == []
    assert held(builder)["close"].tolist() == [11.0, 12.5, 14.0]


def held_rows(minute: int, close: float) -> pd.DataFrame:
    row = {"open": 10.0, "high": 20.0, "low": 5.0, "close": close, "volume": 1.0}
    return candles.from_micros(
        np.array([START + minute * MINUTE]), {name: np.array([value]) for name, value in row.items()}
    )


def test_a_last_word_that_comes_late_fills_its_place():
    builder = CandleBuilder(parse("1m"))
    builder.add(word(0, 11.0, at=30))
    builder.add(word(1, 12.0, at=2))
    assert builder.missing == [(START, START + MINUTE)]
    builder.add(word(0, 11.5, closed=True, at=60))
    assert builder.missing == []
    assert held(builder)["close"].tolist() == [11.5, 12.0]
    assert builder.take_closed()["close"].tolist() == [11.5]


def test_a_later_last_word_corrects_a_closed_candle_an_earlier_one_does_not():
    builder = CandleBuilder(parse("1m"))
    builder.add(word(0, 11.0, closed=True, at=60))
    builder.add(word(1, 12.0, at=2))
    builder.take_closed()
    builder.add(word(0, 99.0, closed=True, at=59))
    assert held(builder)["close"].tolist() == [11.0, 12.0]
    builder.add(word(0, 11.25, closed=True, at=61))
    assert held(builder)["close"].tolist() == [11.25, 12.0]
    assert builder.take_closed()["close"].tolist() == [11.25]


# ------------------------------------------------------------------------------------------ breaks


def test_after_a_break_ticks_in_a_later_bucket_leave_a_gap_from_the_unfinished_candle_on():
    builder = CandleBuilder(parse("1m"))
    for minute in range(2):
        builder.add(Tick(START + minute * MINUTE, 5.0, 1.0))
    builder.broken()
    builder.add(Tick(START + 5 * MINUTE + 1, 6.0, 1.0))
    assert builder.missing == [(START + MINUTE, START + 5 * MINUTE)]
    assert candles.micros(held(builder)).tolist() == [START, START + 5 * MINUTE]
    builder.add(Tick(START + 6 * MINUTE, 6.0, 1.0))  # the candle begun in its middle is not whole
    assert builder.missing == [
        (START + MINUTE, START + 5 * MINUTE),
        (START + 5 * MINUTE, START + 6 * MINUTE),
    ]
    assert candles.micros(builder.take_closed()).tolist() == [START]


def test_a_seed_after_a_break_leaves_out_nothing_silently():
    builder = CandleBuilder(parse("1m"))
    builder.seed(held_rows(0, 5.0), candles.empty())
    builder.broken()
    builder.seed(held_rows(4, 6.0), held_rows(5, 7.0), START + 5 * MINUTE + 1)
    assert builder.missing == [(START + MINUTE, START + 4 * MINUTE)]
    builder.add(Tick(START + 6 * MINUTE, 8.0, 1.0))
    assert candles.micros(builder.take_closed()).tolist() == [START + 5 * MINUTE]


# ------------------------------------------------------------------------------------------ keeping


def test_memory_is_bounded_and_states_given_out_never_change():
    builder = CandleBuilder(parse("1m"), limit=10)
    states = []
    for minute in range(57):
        builder.add(Tick(START + minute * MINUTE, 1.0 + minute, 1.0))
        states.append((minute, builder.state()))
    for minute, state in states:
        opens = candles.micros(state.table())
        assert opens[-1] == START + minute * MINUTE
        assert len(opens) == min(minute + 1, 11)
        assert (np.diff(opens) == MINUTE).all()
        assert state.table()["close"].tolist() == [1.0 + (at - START) // MINUTE for at in opens]


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 30), unique=True, max_size=15),
    st.lists(st.integers(0, 30), unique=True, max_size=15),
)
def test_inserting_is_a_merge_in_which_the_later_wins(first, second):
    builder = CandleBuilder(parse("1m"))
    for minutes, close in ((first, 6.0), (second, 7.0)):
        tables = [held_rows(minute, close) for minute in minutes]
        builder.insert(pd.concat([candles.empty(), *tables]))
    expected = dict.fromkeys(first, 6.0) | dict.fromkeys(second, 7.0)
    got = held(builder)
    assert candles.micros(got).tolist() == [START + m * MINUTE for m in sorted(expected)]
    assert got["close"].tolist() == [expected[m] for m in sorted(expected)]


@pytest.mark.parametrize("name", ["1m", "1h", "1d", "1w", "1M"])
def test_after_is_the_next_edge(name):
    frame = parse(name)
    opened = frame.floor(pd.Timestamp("2024-02-29 13:37", tz="UTC"))
    builder = CandleBuilder(frame)
    assert builder.after(opened.value // 1000) == frame.after(opened).value // 1000
