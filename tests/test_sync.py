from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import sync
from lib.candles import COLUMNS, from_micros
from lib.errors import BadAnswer, Blocked, InputError, InternalError, RateLimited, SourceDown, UnknownName
from lib.series import Series
from lib.sources.base import Page, Recent
from lib.sources.binance import Binance
from lib.store import Store, open_store
from lib.sync import Progress, download, missing
from lib.sync.planning import together
from lib.timeframes import Timeframe, parse
from tests.servers.binance_rest import Exchange, Fault, Server, us
from tests.sources.clock import FakeClock

MINUTES = Series.of("binance", "BTCUSDT", "1m")
NOW = us("2024-03-15 12:34:56") / 1e6


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC").as_unit("us")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def exchange(clock: FakeClock) -> Exchange:
    made = Exchange(now=clock.time)
    made.add("BTCUSDT", "2017-08-17 04:00", price=30_000.0)
    made.add("HALTUSDT", "2024-02-01", halts=((us("2024-02-10 03:07"), us("2024-02-12 09:41")),))
    return made


@pytest.fixture
def server(exchange: Exchange) -> Iterator[Server]:
    with Server(exchange) as running:
        yield running


@pytest.fixture
def binance(server: Server, clock: FakeClock) -> Binance:
    return Binance(server.url, clock=clock)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "kept"))


def holds(store: Store, exchange: Exchange, start: str, end: str, symbol: str = "BTCUSDT") -> None:
    """The store has in this range exactly what the exchange has."""
    got = store.read(Series.of("binance", symbol, "1m"), start=at(start), end=at(end))
    expected = exchange.truth(symbol, "1m", start, end)
    pd.testing.assert_frame_equal(got, expected, check_freq=False, check_exact=True)


# --------------------------------------------------------------------------------------------- complete


def test_a_range_is_stored_exactly(store: Store, binance: Binance, exchange: Exchange) -> None:
    outcome = download(store, binance, "BTCUSDT", "1m", at("2024-03-01"), at("2024-03-04 10:00:30"))
    holds(store, exchange, "2024-03-01", "2024-03-04 10:00:30")
    assert store.info(MINUTES).count == outcome.added == 82 * 60 + 1
    assert outcome.requests == len(exchange.klines) == 5
    assert (outcome.first, outcome.last) == (at("2024-03-01"), at("2024-03-04 10:00"))
    assert not outcome.cancelled
    kept = store.read(MINUTES, provenance=True)
    assert set(kept["origin"]) == {"binance REST"}
    assert not kept["filled"].any()


def test_what_is_stored_is_not_asked_again(store: Store, binance: Binance, exchange: Exchange) -> None:
    download(store, binance, "BTCUSDT", "1m", at("2024-03-02"), at("2024-03-03"))
    exchange.requests.clear()
    outcome = download(store, binance, "BTCUSDT", "1m", at("2024-03-02"), at("2024-03-03"))
    assert (outcome.added, outcome.requests, outcome.first) == (0, 0, None)
    assert not exchange.klines
    download(store, binance, "BTCUSDT", "1m", at("2024-03-01 12:00"), at("2024-03-03 12:00"))
    holds(store, exchange, "2024-03-01 12:00", "2024-03-03 12:00")
    assert [params["startTime"] for params in exchange.klines] == [
        str(us(text) // 1000) for text in ("2024-03-01 12:00", "2024-03-03")
    ]


def test_the_forming_candle_is_not_stored(store: Store, binance: Binance, exchange: Exchange) -> None:
    download(store, binance, "BTCUSDT", "1m", at("2024-03-15 12:00"), None)
    assert store.info(MINUTES).last == at("2024-03-15 12:33")
    holds(store, exchange, "2024-03-15 12:00", "2024-03-15 13:00")


def test_all_there_is(store: Store, binance: Binance, exchange: Exchange) -> None:
    outcome = download(store, binance, "BTCUSDT", "1d", None, None)
    series = MINUTES.at(parse("1d"))
    pd.testing.assert_frame_equal(
        store.read(series), exchange.truth("BTCUSDT", "1d", "2017-01-01", "2024-04-01"),
        check_freq=False, check_exact=True,
    )  # fmt: skip
    assert outcome.added == store.info(series).count
    assert download(store, binance, "BTCUSDT", "1d", None, None).added == 0


@pytest.mark.parametrize("timeframe", ["3d", "1w", "1M"])
def test_long_candles(store: Store, binance: Binance, exchange: Exchange, timeframe: str) -> None:
    download(store, binance, "BTCUSDT", timeframe, at("2019-01-01"), at("2021-01-01"))
    download(store, binance, "BTCUSDT", timeframe, at("2018-02-03"), None)
    series = MINUTES.at(parse(timeframe))
    expected = exchange.truth("BTCUSDT", timeframe, "2018-02-03", "2024-04-01")
    pd.testing.assert_frame_equal(store.read(series), expected, check_freq=False, check_exact=True)
    assert missing(store, series, at("2018-02-03"), at("2024-03-01")) == []


def test_a_halt_is_asked_for_once(store: Store, binance: Binance, exchange: Exchange) -> None:
    for expected in (6, 0, 0):
        exchange.requests.clear()
        download(store, binance, "HALTUSDT", "1m", at("2024-02-08"), at("2024-02-14"))
        holds(store, exchange, "2024-02-08", "2024-02-14", "HALTUSDT")
        assert len(exchange.klines) == expected


# ------------------------------------------------------------------------------------------ interruptions


def test_a_cancelled_part_in_front_is_filled_later(
    store: Store, binance: Binance, exchange: Exchange
) -> None:
    download(store, binance, "BTCUSDT", "1m", at("2024-03-10"), at("2024-03-11"))
    stop = threading.Event()

    def after_three(progress: Progress) -> None:
        if progress.candles >= 3000:
            stop.set()

    outcome = download(
        store, binance, "BTCUSDT", "1m", at("2024-03-01"), at("2024-03-12"), progress=after_three, stop=stop
    )
    assert outcome.cancelled
    assert outcome.added == 3000
    assert store.info(MINUTES).count == 3000 + 1440
    assert missing(store, MINUTES, at("2024-03-01"), at("2024-03-12")) == [
        (at("2024-03-03 02:00"), at("2024-03-10")),
        (at("2024-03-11"), at("2024-03-12")),
    ]
    exchange.requests.clear()
    outcome = download(store, binance, "BTCUSDT", "1m", at("2024-03-01"), at("2024-03-12"))
    assert outcome.added == 11 * 1440 - 4440
    assert outcome.changed == 0
    holds(store, exchange, "2024-03-01", "2024-03-12")
    assert exchange.klines[0]["startTime"] == str(us("2024-03-03 02:00") // 1000)
    assert not missing(store, MINUTES, at("2024-03-01"), at("2024-03-12"))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("451"), Blocked),
        (Fault("418", retry_after="600"), Blocked),
        (Fault("429", retry_after="9999"), RateLimited),
        (Fault("500"), SourceDown),
        (Fault("html"), BadAnswer),
    ],
    ids=lambda one: getattr(one, "kind", ""),
)
def test_an_error_keeps_what_arrived_and_the_next_run_goes_on(
    store: Store, binance: Binance, exchange: Exchange, clock: FakeClock, fault: Fault, error: Any
) -> None:
    exchange.faults = dict.fromkeys(range(4, 100), fault)
    with pytest.raises(error):
        download(store, binance, "BTCUSDT", "1m", at("2024-03-01"), at("2024-03-06"))
    assert store.info(MINUTES).count == 3000
    holds(store, exchange, "2024-03-01", "2024-03-03 02:00")
    exchange.faults = {}
    exchange.requests.clear()
    clock.now += 10_000
    download(store, binance, "BTCUSDT", "1m", at("2024-03-01"), at("2024-03-06"))
    holds(store, exchange, "2024-03-01", "2024-03-06")
    assert len(exchange.klines) == 5


KINDS = [
    "429", "500", "503", "cut", "garbage", "html", "truncated", "null", "empty", "reversed", "shuffled",
    "duplicate", "overlap", "same", "bad",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_any_mix_of_faults_leaves_the_truth(
    store: Store, binance: Binance, exchange: Exchange, clock: FakeClock, seed: int
) -> None:
    random = np.random.default_rng(seed)
    exchange.limit = 6000
    for number in np.flatnonzero(random.random(60) < 0.3):
        kind = str(random.choice(KINDS))
        exchange.faults[int(number)] = Fault(kind, retry_after="3" if kind == "429" else None)
    ranges = [("2024-02-08", "2024-02-09 12:00"), ("2024-02-11", "2024-02-14"), ("2024-02-07", "2024-02-15")]
    for start, end in ranges:
        for _ in range(5):
            try:
                download(store, binance, "HALTUSDT", "1m", at(start), at(end))
                break
            except (BadAnswer, SourceDown):  # several in a row; a person would press again
                clock.now += 60
        holds(store, exchange, start, end, "HALTUSDT")
    holds(store, exchange, "2024-02-07", "2024-02-15", "HALTUSDT")
    assert exchange.limited == 0


# -------------------------------------------------------------------------------------- progress, limits


def test_progress_never_falls_and_ends_at_one(store: Store, binance: Binance, exchange: Exchange) -> None:
    download(store, binance, "BTCUSDT", "1m", at("2024-03-10"), at("2024-03-11"))
    seen: list[Progress] = []
    exchange.faults[len(exchange.klines) + 2] = Fault("429", retry_after="4")
    outcome = download(
        store, binance, "BTCUSDT", "1m", at("2024-03-06"), at("2024-03-14"), progress=seen.append
    )
    done = [one.done for one in seen]
    assert done == sorted(done)
    assert done[0] > 0
    assert done[-1] == 1.0
    assert seen[-1].candles == outcome.added == 7 * 1440
    assert seen[-1].requests == outcome.requests
    assert seen[-1].eta_seconds == 0
    assert seen[-1].rate > 0
    notes = [one.note for one in seen if one.note]
    assert len(notes) == 1
    assert "asks to slow down (429)" in notes[0]
    assert seen[-1].note == ""
    assert all(one.eta_seconds is not None and one.eta_seconds >= 0 for one in seen if one.done)


def test_progress_from_the_very_beginning(store: Store, binance: Binance) -> None:
    seen: list[Progress] = []
    download(store, binance, "BTCUSDT", "1h", None, at("2018-06-01"), progress=seen.append)
    assert 0.1 < seen[0].done < 0.2  # the first of seven pages, though 1970 was where it began
    assert seen[-1].done == 1.0


def test_the_limit_holds_with_two_downloads_at_once(
    server: Server, exchange: Exchange, clock: FakeClock, store: Store
) -> None:
    exchange.limit = 60
    exchange.add("ETHUSDT", "2017-08-17 04:00", price=2_000.0)
    sources = [Binance(server.url, clock=clock, weight_per_minute=60) for _ in range(2)]
    started = [
        sync.start_download(store, source, symbol, "1m", at("2024-02-01"), at("2024-03-01"))
        for source, symbol in zip(sources, ("BTCUSDT", "ETHUSDT"), strict=True)
    ]
    for job in started:
        assert job.wait(60).status == "done"
        holds(store, exchange, "2024-02-01", "2024-03-01", job.series.symbol)
    assert exchange.limited == 0


# ------------------------------------------------------------------------------------------ what is missing


@given(st.sets(st.integers(0, 300), max_size=80), st.integers(-5, 300), st.integers(1, 310), st.booleans())
def test_missing_and_stored_make_the_whole(there: set[int], low: int, length: int, off: bool) -> None:
    """For any stored candles and any range: an open is in a missing span, or it is stored."""
    minute = parse("1m")
    base = us("2024-01-31 22:00")
    opens = base + 60_000_000 * np.array(sorted(there), np.int64)
    store = _Held(from_micros(opens, {name: np.ones(len(opens)) for name in COLUMNS}))
    start = pd.Timestamp(base + 60_000_000 * low - 1_000_000 * off, unit="us", tz="UTC")
    end = minute.after(start, length)
    spans = missing(store, MINUTES, start, end)  # type: ignore[arg-type]
    inside = np.concatenate([np.empty(0, np.int64)] + [_opens(minute, a, b) for a, b in spans if a and b])
    wanted = _opens(minute, start, end)
    assert len(set(inside)) == len(inside)
    assert set(inside) == set(wanted) - set(opens)
    asks = together(spans, minute)
    assert all(ask.wanted(store.table).empty for ask in asks)


def _opens(frame: Timeframe, start: pd.Timestamp, end: pd.Timestamp) -> Any:
    return frame.opens(start, end).as_unit("us").asi8


class _Held:
    """As much of a store as :func:`missing` needs."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    def info(self, series: Series) -> Any:
        if not len(self.table):
            raise UnknownName("Nothing.")
        first, last = self.table.index[0], self.table.index[-1]
        return type("Info", (), {"first": first, "last": last, "count": len(self.table), "filled": 0})

    def read(self, series: Series, *, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        return self.table[(self.table.index >= start) & (self.table.index < end)]


def test_holes_close_together_are_one_request(store: Store, binance: Binance, exchange: Exchange) -> None:
    table = exchange.truth("BTCUSDT", "1m", "2024-03-01", "2024-03-02")
    keep = np.ones(len(table), bool)
    keep[[100, 101, 102, 300, 650]] = False
    store.write(MINUTES, table[keep], origin="elsewhere")
    outcome = download(store, binance, "BTCUSDT", "1m", at("2024-03-01"), at("2024-03-02"))
    assert (outcome.added, outcome.changed, outcome.requests) == (5, 0, 1)
    holds(store, exchange, "2024-03-01", "2024-03-02")
    origins = store.read(MINUTES, provenance=True)["origin"]
    assert (origins == "binance REST").sum() == 5


# ------------------------------------------------------------------------------------------------- refusals


def test_ranges_that_are_none(store: Store, binance: Binance, exchange: Exchange) -> None:
    with pytest.raises(InputError, match="is not before the end"):
        download(store, binance, "BTCUSDT", "1m", at("2024-03-02"), at("2024-03-02"))
    with pytest.raises(InputError, match="lies in the future"):
        download(store, binance, "BTCUSDT", "1m", at("2124-03-02"), None)
    with pytest.raises(InputError, match="has no zone"):
        download(store, binance, "BTCUSDT", "1m", pd.Timestamp("2024-03-02"), None)
    with pytest.raises(UnknownName, match="no candles of 7 minutes"):
        download(store, binance, "BTCUSDT", "7m", None, None)
    assert not exchange.requests
    with pytest.raises(UnknownName, match="Did you mean BTCUSDT"):
        download(store, binance, "BTCUSD", "1m", None, None)
    assert store.list() == []


# ------------------------------------------------------------------------------------------------------ jobs


@pytest.fixture(autouse=True)
def _no_jobs() -> Iterator[None]:
    yield
    for job in sync.jobs():
        sync.forget(job)


def test_a_job_is_found_again_and_ends(store: Store, binance: Binance, exchange: Exchange) -> None:
    gate, answer = threading.Event(), exchange.answer

    def held(path: str, params: dict[str, str]) -> Any:
        gate.wait(60)
        return answer(path, params)

    exchange.answer = held  # type: ignore[method-assign]
    job = sync.start_download(store, binance, "BTCUSDT", "1m", at("2024-03-01"), at("2024-03-05"))
    assert sync.start_download(store, binance, "BTCUSDT", "1m", at("2024-03-01"), at("2024-03-05")) is job
    assert job in sync.jobs()
    gate.set()
    state = job.wait(30)
    assert state.status == "done"
    assert state.over
    assert state.outcome is not None
    assert state.outcome.added == 4 * 1440
    assert state.progress.done == 1.0
    holds(store, exchange, "2024-03-01", "2024-03-05")
    again = sync.start_download(store, binance, "BTCUSDT", "1m", at("2024-03-01"), at("2024-03-05"))
    assert again is not job
    assert again.wait(30).status == "done"
    sync.forget(again)
    assert again not in sync.jobs()


def test_a_job_is_cancelled_while_it_waits(store: Store, server: Server, exchange: Exchange) -> None:
    exchange.faults = {number: Fault("429", retry_after="50") for number in range(3, 100)}
    binance = Binance(server.url)
    job = sync.start_download(store, binance, "BTCUSDT", "1m", at("2024-03-01"), at("2024-03-05"))
    until = time.monotonic() + 30
    while not job.snapshot().progress.note and time.monotonic() < until:
        time.sleep(0.005)
    assert "asks to slow down" in job.snapshot().progress.note
    began = time.monotonic()
    job.cancel()
    state = job.wait(30)
    assert time.monotonic() - began < 10
    assert state.status == "cancelled"
    assert state.outcome is not None
    assert state.outcome.cancelled
    assert state.outcome.added == store.info(MINUTES).count == 2000


def test_a_failed_job_holds_the_error(store: Store, binance: Binance, exchange: Exchange) -> None:
    exchange.always = Fault("451")
    state = sync.start_download(store, binance, "BTCUSDT", "1m", None, None).wait(30)
    assert state.status == "failed"
    assert isinstance(state.error, Blocked)


class _Odd:
    name, title, docs = "demo", "Odd", "https://example.com"
    timeframes: tuple[Timeframe, ...] = (parse("1m"),)
    synthetic = live = True

    def pages(self, *_: Any, **__: Any) -> Iterator[Page]:
        table = from_micros(np.array([us("2024-01-01")]), {name: np.ones(1) for name in COLUMNS})
        yield Page(table, 1, at("2024-01-01 00:01"))
        raise ZeroDivisionError("a bug with sk-secret in it")

    def recent(self, *_: Any) -> Recent:
        raise NotImplementedError

    def symbols(self) -> tuple[str, ...]:
        return ()


def test_a_bug_is_a_bug_and_synthetic_candles_say_so(store: Store) -> None:
    job = sync.start_download(store, _Odd(), "X", "1m", at("2024-01-01"), at("2024-01-02"))
    state = job.wait(30)
    assert state.status == "failed"
    assert isinstance(state.error, InternalError)
    assert "ZeroDivisionError" in str(state.error)
    assert "secret" not in str(state.error)
    info = store.info(job.series)
    assert info.count == 1
    assert info.synthetic


def test_a_job_refuses_at_once_what_cannot_be(store: Store, binance: Binance) -> None:
    with pytest.raises(InputError):
        sync.start_download(store, binance, "BTCUSDT", "1m", at("2024-03-02"), at("2024-03-01"))
    with pytest.raises(UnknownName):
        sync.start_download(store, binance, "BTCUSDT", "7m")
    assert sync.jobs() == ()


def test_a_file_under_the_name_of_a_source_is_gone_on_with_and_told(
    store: Store, binance: Binance, exchange: Exchange
) -> None:
    table = exchange.truth("BTCUSDT", "1h", "2024-03-01", "2024-03-05")
    store.write(Series.of("binance", "BTCUSDT", "1h"), table, origin="prices.csv")
    done = download(store, binance, "BTCUSDT", "1h", at("2024-03-01"), at("2024-03-06"))
    assert done.added == 24
    assert "came from prices.csv; what Binance spot has is added" in done.note
    later = download(store, binance, "BTCUSDT", "1h", at("2024-02-27"), at("2024-03-01"))
    assert (later.added, later.note) == (72, "")
