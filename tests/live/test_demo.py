from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import candles
from lib.errors import SourceDown, UnknownName
from lib.live.candle_builder import CandleBuilder, Tick
from lib.live.demo import DemoFeed
from lib.sources import registry
from lib.sources.base import Source
from lib.sources.demo import MARKETS, START, Demo
from lib.sources.simulator import Market
from lib.timeframes import parse

NOW = pd.Timestamp("2024-05-17 10:23:45.678901", tz="UTC")


def demo(now: pd.Timestamp = NOW) -> Demo:
    return Demo(clock=lambda: now.timestamp())


def whole(source: Demo, symbol: str, frame: str, start: str, end: str) -> pd.DataFrame:
    span = (pd.Timestamp(start, tz="UTC"), pd.Timestamp(end, tz="UTC"))
    return pd.concat([page.table for page in source.pages(symbol, parse(frame), *span)])


def test_it_is_in_the_registry_and_says_that_it_is_synthetic():
    source = registry.get("demo")
    assert isinstance(source, Source)
    assert source.synthetic
    assert "synthetic" in source.title
    assert all(symbol.startswith("DEMO") for symbol in source.symbols())


def test_the_figures_never_change():
    """Written down once: a library that already holds these candles must go on with them."""
    table = whole(demo(), "DEMO-BTC", "1m", "2024-02-29 23:59", "2024-03-01 00:02")
    assert table.to_numpy().tolist() == [
        [94366.25, 94385.36, 94317.13, 94317.82, 370.0],
        [94317.81, 94336.51, 94250.38, 94269.01, 779.0],
        [94269.01, 94274.67, 94158.2, 94172.13, 624.0],
    ]


@pytest.mark.parametrize("symbol", sorted(MARKETS))
@pytest.mark.parametrize("frame", ["1s", "1m", "15m"])
def test_the_candles_of_the_ticks_are_the_candles_of_the_pages(symbol, frame):
    source, name = demo(), parse(frame)
    start, end = pd.Timestamp("2024-05-17 07:00", tz="UTC"), pd.Timestamp("2024-05-17 08:00", tz="UTC")
    feed = DemoFeed(lambda: NOW.timestamp())
    made = source.ticks(symbol, start.value // 1000, end.value // 1000)
    assert len(made.times) == 60 * 240
    assert (np.diff(made.times) > 0).all()
    builder = CandleBuilder(name)
    prices = feed.source.price(symbol, made.prices)
    for at, price, lots in zip(made.times.tolist(), prices.tolist(), made.lots.tolist(), strict=True):
        builder.add(Tick(at, price, float(lots)))
    builder.advance(end.value // 1000)
    expected = whole(source, symbol, frame, str(start)[:-6], str(end)[:-6])
    pd.testing.assert_frame_equal(builder.take_closed(), expected, check_exact=True, check_freq=False)


@settings(max_examples=25)
@given(
    st.sampled_from(["1s", "15s", "1m", "15m", "1h", "1d", "1w", "1M"]),
    st.integers(0, 3 * 86_400_000_000),
    st.integers(0, 12),
)
def test_what_is_seeded_is_what_a_page_has_and_what_ticks_continue(frame, offset, count):
    now = NOW + pd.Timedelta(microseconds=offset)
    name = parse(frame)
    recent = demo(now).recent_at("DEMO-EUR", name, count, now)
    candles.require(recent.closed)
    assert len(recent.closed) == count
    later = demo(name.after(name.floor(now)) + pd.Timedelta("1us"))
    pages = list(later.pages("DEMO-EUR", name, recent.closed.index[0] if count else name.floor(now), None))
    paged = pd.concat([page.table for page in pages])
    begun = paged.index[: len(recent.closed)]
    if count:
        pd.testing.assert_frame_equal(recent.closed, paged.loc[begun], check_exact=True, check_freq=False)
    if len(recent.forming):
        final, forming = paged.iloc[-1], recent.forming.iloc[0]
        assert recent.forming.index[0] == paged.index[-1]
        assert forming["open"] == final["open"]
        assert forming["high"] <= final["high"]
        assert forming["low"] >= final["low"]
        assert forming["volume"] <= final["volume"]


@given(st.integers(26_000_000, 28_000_000), st.integers(1, 5000), st.integers(0, 4000), st.integers(1, 500))
@settings(max_examples=30)
def test_any_part_of_the_past_is_the_same_as_in_the_whole(first, count, skip, part):
    market = MARKETS["DEMO-BTC"]
    skip = min(skip, count - 1)
    part = min(part, count - skip)
    large, small = market.minutes(first, count), market.minutes(first + skip, part)
    for whole_column, column in zip(large[1:], small[1:], strict=True):
        np.testing.assert_array_equal(whole_column[skip : skip + part], column)


@pytest.mark.parametrize(
    ("symbol", "nominal"), [("DEMO-BTC", 0.60), ("DEMO-ETH", 0.75), ("DEMO-EUR", 0.08), ("DEMO-INDEX", 0.18)]
)
def test_volatility_is_as_promised_and_comes_in_clusters(symbol, nominal):
    made = MARKETS[symbol].minutes(27_000_000, 365 * 1440)
    logs = np.log(made.close.astype(float))
    yearly = np.diff(logs).std() * np.sqrt(525_960)
    assert nominal * 0.85 < yearly < nominal * 1.15
    hourly = np.diff(logs[::60])
    assert nominal * 0.85 < hourly.std() * np.sqrt(8_766) < nominal * 1.15
    size = pd.Series(np.abs(np.diff(logs)))
    assert size.autocorr(60) > 0.15  # a wild hour follows a wild hour
    assert abs(pd.Series(np.diff(logs)).autocorr(1)) < 0.05  # and direction follows from nothing
    assert ((size - size.mean()) ** 4).mean() / size.var() ** 2 > 3
    moves = pd.Series((made.high - made.low) / made.open)
    assert moves.corr(pd.Series(made.lots)) > 0.5


def test_every_candle_passes_the_door_and_prices_are_whole_ticks():
    for symbol, market in MARKETS.items():
        table = whole(demo(), symbol, "1m", "2024-01-01", "2024-02-01")
        assert len(table) == 31 * 1440
        assert candles.conform(table, parse("1m")).report.ok
        for name in candles.PRICES:
            values = table[name].to_numpy()
            np.testing.assert_array_equal(np.rint(values * market.scale) / market.scale, values)


def test_a_rule_of_halving_keeps_whole_levels():
    """Coarse levels of the construction are levels of the fine one: same minute, any range."""
    market = Market(seed=5, base=100.0, scale=100, volatility=0.5, lots=100)
    far = market.minutes(10_000_000, 100_001)
    assert far.open[100_000] == market.minutes(10_100_000, 1).open[0]


def test_pages_end_at_the_forming_candle_and_stop_when_told():
    source = demo()
    pages = list(source.pages("DEMO-BTC", parse("1m"), None, None))
    assert pages[0].table.index[0] == START
    assert pages[-1].until == parse("1m").floor(NOW)
    for before, after in zip(pages, pages[1:], strict=False):
        assert before.until == after.table.index[0]
    stop = threading.Event()
    stop.set()
    assert list(source.pages("DEMO-BTC", parse("1m"), None, None, stop=stop)) == []


def test_ranges_are_half_open_by_candle_open():
    table = whole(demo(), "DEMO-BTC", "1h", "2024-05-01 00:30", "2024-05-01 03:00")
    assert [f"{time:%H:%M}" for time in table.index] == ["01:00", "02:00"]
    table = whole(demo(), "DEMO-BTC", "1h", "2024-05-01 01:00", "2024-05-01 03:01")
    assert [f"{time:%H:%M}" for time in table.index] == ["01:00", "02:00", "03:00"]


def test_unknown_names_are_told_with_those_there_are():
    with pytest.raises(UnknownName, match="DEMO-BTC"):
        demo().recent("BTCUSDT", parse("1m"), 5)
    with pytest.raises(UnknownName, match="1h"):
        list(demo().pages("DEMO-BTC", parse("7m"), None, None))


def test_the_feed_gives_every_tick_once_and_none_of_the_future():
    clock = [NOW.timestamp()]
    feed = DemoFeed(lambda: clock[0])
    seed = feed.seed("DEMO-BTC", parse("1m"), 3)
    with feed.connect("DEMO-BTC", parse("1m"), seed.upto_us) as connection:
        got = []
        for _ in range(8):
            clock[0] += 0.7
            got += connection.receive(0.0) or []
    upto = int(clock[0] * 1e6)
    expected = feed.source.ticks("DEMO-BTC", seed.upto_us, upto)
    assert [tick.time_us for tick in got] == expected.times.tolist()
    assert sum(tick.size for tick in got) == expected.lots.sum()


def test_a_clock_that_jumped_ends_the_connection_so_that_candles_are_fetched():
    clock = [NOW.timestamp()]
    feed = DemoFeed(lambda: clock[0])
    with feed.connect("DEMO-BTC", parse("1m"), 0) as connection:
        clock[0] += 3600
        with pytest.raises(SourceDown, match="jumped") as raised:
            connection.receive(0.0)
    assert raised.value.fields["planned"]


def test_a_watch_looking_at_any_moment_never_closes_a_candle_too_early(monkeypatch):
    """The clock goes on between reading the ticks and closing the candle."""
    clock = [pd.Timestamp("2024-05-17 10:00:00.1", tz="UTC").timestamp()]

    def now() -> float:
        clock[0] += 0.0007
        return clock[0]

    feed, builder = DemoFeed(now), CandleBuilder(parse("1s"))
    monkeypatch.setattr("lib.live.demo.time.sleep", lambda seconds: clock.__setitem__(0, clock[0] + 0.11))
    seed = feed.seed("DEMO-BTC", parse("1s"), 2)
    builder.seed(seed.closed, seed.forming, seed.upto_us)
    with feed.connect("DEMO-BTC", parse("1s"), seed.upto_us) as connection:
        for _ in range(500):
            for tick in connection.receive(1.0) or []:
                builder.add(tick)
            builder.advance(connection.upto_us)
    closed = builder.take_closed()
    assert len(closed) > 50
    assert builder.late == 0
    expected = [page.table for page in feed.source.pages("DEMO-BTC", parse("1s"), closed.index[0], None)]
    pd.testing.assert_frame_equal(
        closed, pd.concat(expected).iloc[: len(closed)], check_exact=True, check_freq=False
    )
