"""Replay: what may be seen at the cursor, and that indicators there know nothing more."""

import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.candles import empty, from_micros
from lib.errors import ReplayError
from lib.indicators import REGISTRY, Pick, compute
from lib.replay import SPEEDS, Clock, Replay


def walk(count, seed=7):
    rng = np.random.default_rng(seed)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    opens = np.concatenate([[100.0], closes[:-1]])
    times = pd.date_range("2024-01-01", periods=count, freq="1h", tz="UTC").as_unit("us").asi8
    return from_micros(
        times,
        {
            "open": opens,
            "high": np.maximum(opens, closes) * 1.002,
            "low": np.minimum(opens, closes) * 0.998,
            "close": closes,
            "volume": rng.integers(1, 1000, count).astype(float),
        },
    )


CANDLES = walk(400)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_values_at_the_cursor_equal_those_of_the_bars_up_to_it(name):
    pick = Pick.of(name)
    whole = compute(CANDLES, [pick])
    for at in (0, 1, 37, 120, 399):
        replay = Replay(CANDLES, at)
        alone = compute(replay.seen, [pick])
        pd.testing.assert_frame_equal(whole.iloc[: at + 1], alone, check_exact=True, check_freq=False)


@given(at=st.integers(0, 399), moves=st.lists(st.integers(-500, 500), max_size=8))
def test_moves_stay_inside_and_show_nothing_later(at, moves):
    replay = Replay(CANDLES, at)
    for move in moves:
        wanted = min(max(replay.at + move, 0), 399)
        replay = replay.step(move)
        assert replay.at == wanted
        assert len(replay.seen) == wanted + 1
        assert replay.seen.index[-1] == replay.time
        assert (replay.seen.index <= replay.time).all()


def test_a_start_by_time_is_the_last_bar_open_then():
    at = pd.Timestamp("2024-01-02 05:30", tz="UTC")
    assert Replay.from_time(CANDLES, at).time == pd.Timestamp("2024-01-02 05:00", tz="UTC")
    assert Replay.from_time(CANDLES, pd.Timestamp("1990-01-01", tz="UTC")).at == 0
    assert Replay.from_time(CANDLES, pd.Timestamp("2090-01-01", tz="UTC")).ended


def test_a_start_by_chance_keeps_its_margin_and_is_repeatable():
    drawn = {Replay.anywhere(CANDLES, random.Random(seed)).at for seed in range(200)}
    assert min(drawn) >= 40
    assert max(drawn) <= 359
    assert len(drawn) > 50
    assert Replay.anywhere(CANDLES, random.Random(3)).at == Replay.anywhere(CANDLES, random.Random(3)).at
    assert Replay.anywhere(CANDLES.iloc[:1], random.Random(1)).at == 0


def test_progress_and_its_ends():
    assert Replay(CANDLES, 0).progress == 0
    assert Replay(CANDLES, 399).progress == 1
    assert Replay(CANDLES.iloc[:1], 0).progress == 1


def test_a_cursor_outside_is_refused_in_words():
    with pytest.raises(ReplayError, match="bars 1 to 400"):
        Replay(CANDLES, 400)
    with pytest.raises(ReplayError, match="nothing to replay"):
        Replay.from_time(empty(), pd.Timestamp("2024-01-01", tz="UTC"))


@given(speed=st.sampled_from(SPEEDS), looks=st.lists(st.floats(0, 4.9), min_size=1, max_size=60))
def test_the_clock_loses_no_bar(speed, looks):
    clock, now, bars = Clock(speed, 0.0), 0.0, 0
    for wait in looks:
        now += wait
        due, clock = clock.due(now)
        bars += due
    assert bars == pytest.approx(speed * now, abs=1.0 + 1e-6)


def test_a_hidden_tab_does_not_leap_ahead():
    bars, _ = Clock(10, 0.0).due(3600.0)
    assert bars == 10


def test_a_clock_needs_a_speed():
    with pytest.raises(ReplayError):
        Clock(0, 0.0)
