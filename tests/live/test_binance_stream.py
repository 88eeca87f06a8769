"""The Binance feed against a real server, in a hurry: a minute passes in less than a second."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd
import pytest

from lib.live import hub
from lib.live.binance import BinanceFeed
from lib.live.binance import parse as parse_message
from lib.live.feeds import Backoff
from lib.live.watch import Timing, Watch
from lib.series import Series
from lib.store import open_store
from lib.timeframes import parse
from tests.live.waiting import until
from tests.servers.binance_rest import Exchange, Fault
from tests.servers.binance_rest import Server as Rest
from tests.servers.binance_stream import Server, hurried

SPEED = 120.0
TIMING = Timing(
    reach=5.0, stale=0.03, drop=3.0, refill=0.3, record=0.02, backoff=Backoff(0.05, 2.0, 0.2, 0.0)
)


@dataclass
class Venue:
    exchange: Exchange
    rest: Rest
    stream: Server

    def watch(self, symbol: str = "BTCUSDT", frame: str = "1m", store: object = None) -> Watch:
        return hub.watch("binance", symbol, frame, store, timing=TIMING)  # type: ignore[arg-type]

    def truth(self, table: pd.DataFrame) -> pd.DataFrame:
        """What the exchange says of the closed candles of ``table``."""
        text = [
            f"{time:%Y-%m-%d %H:%M:%S}" for time in (table.index[0], table.index[-1] + pd.Timedelta("1m"))
        ]
        return self.exchange.truth("BTCUSDT", "1m", *text)


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    exchange = Exchange(
        now=hurried(pd.Timestamp("2024-03-01 12:00:20", tz="UTC").timestamp(), SPEED), limit=10**9
    )
    exchange.add("BTCUSDT", "2024-02-20", price=30_000.0)
    with Rest(exchange) as rest, Server(exchange) as stream:
        monkeypatch.setenv("CANDLEBOOK_BINANCE_REST", rest.url)
        monkeypatch.setenv("CANDLEBOOK_BINANCE_STREAM", stream.url)
        yield Venue(exchange, rest, stream)
        hub.stop_all()


def closed(snap: hub.Snapshot) -> pd.DataFrame:
    return snap.table.iloc[: len(snap.table) - snap.forming]


def grown(watch: Watch, by: int = 2) -> hub.Snapshot:
    """A snapshot with ``by`` more closed candles than now, without gaps."""
    start = until(watch.snapshot, lambda s: len(s.table) > 0)
    goal = closed(start).index[-1] + by * pd.Timedelta("1m") if len(closed(start)) else start.table.index[-1]
    return until(watch.snapshot, lambda s: closed(s).index[-1] >= goal and not s.gaps)


def same(venue: Venue, snap: hub.Snapshot) -> None:
    """No hole, nothing twice, every figure as the exchange has it."""
    got = closed(snap)
    pd.testing.assert_frame_equal(got, venue.truth(got), check_freq=False, check_exact=True)


def test_candles_close_as_the_exchange_says_and_are_stored(venue, tmp_path):
    store = open_store(str(tmp_path / "s"))
    watch = venue.watch(store=store)
    first = until(watch.snapshot, lambda s: s.status == "live" and s.last_message_at is not None)
    assert len(closed(first)) >= 500
    snap = grown(watch, 3)
    same(venue, snap)
    assert venue.stream.connections == 1
    assert venue.stream.paths == ["/ws/btcusdt@kline_1m"]
    hub.stop_all()
    kept = store.read(watch.series, provenance=True)
    assert kept.index[-1] >= snap.table.index[-2]
    assert "binance stream" in set(kept["origin"])
    assert "binance REST" in set(kept["origin"])
    truth = venue.truth(kept)
    pd.testing.assert_frame_equal(kept[truth.columns.tolist()], truth, check_freq=False, check_exact=True)


def test_forming_candle_follows_the_stream(venue):
    watch = venue.watch()
    until(watch.snapshot, lambda s: s.status == "live" and s.last_message_at is not None)
    prices = set()
    until(lambda: prices.add(watch.snapshot().price) or len(prices), lambda n: n >= 5)
    said = {float(event["k"]["c"]) for event in list(venue.stream.sent)}
    assert len(prices & said) >= 4


def test_a_cut_connection_is_made_anew_and_nothing_is_missing(venue):
    watch = venue.watch()
    grown(watch, 1)
    venue.stream.cut()
    until(lambda: venue.stream.connections, lambda n: n == 2)
    snap = grown(watch, 2)
    same(venue, snap)
    assert snap.status == "live"
    assert venue.stream.open == 1


def test_a_long_break_is_fetched_by_rest(venue):
    watch = venue.watch()
    grown(watch, 1)
    venue.stream.faults.refuse = 503
    venue.stream.cut()
    snap = until(watch.snapshot, lambda s: "HTTP 503" in s.message)
    assert snap.status in ("reconnecting", "failed")
    before = venue.exchange.now()
    until(venue.exchange.now, lambda now: now > before + 200)  # three minutes of the exchange's
    venue.stream.faults.refuse = 0
    same(venue, grown(watch, 5))


def test_a_break_that_rest_cannot_fill_is_a_gap(venue):
    watch = venue.watch()
    grown(watch, 1)
    venue.exchange.always = Fault("451")
    venue.stream.faults.refuse = 503
    venue.stream.cut()
    before = venue.exchange.now()
    until(venue.exchange.now, lambda now: now > before + 200)
    venue.stream.faults.refuse = 0
    snap = until(watch.snapshot, lambda s: s.gaps and s.status == "live")
    [(start, end)] = snap.gaps
    assert not ((snap.table.index >= start) & (snap.table.index < end)).any()
    assert end - start >= pd.Timedelta("2min")
    venue.exchange.always = None
    same(venue, until(watch.snapshot, lambda s: not s.gaps))


@pytest.mark.parametrize("fault", ["twice", "backwards", "forget_last"])
def test_repeats_old_news_and_forgotten_closings_change_nothing(venue, fault):
    setattr(venue.stream.faults, fault, True)
    same(venue, grown(venue.watch(), 3))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('{"e":"serverShutdown","E":1770123456789}', "restarting"),
        ("\x00 not json", "not JSON"),
        (b"\x00\x01", "bytes"),
        ('{"code":2,"msg":"Invalid request: x"}', "Invalid request"),
    ],
)
def test_odd_messages_lead_to_a_new_connection(venue, said, words, caplog):
    caplog.set_level(logging.INFO, "lib.live")
    watch = venue.watch()
    grown(watch, 1)
    venue.stream.faults.say.append(said)
    until(lambda: venue.stream.connections, lambda n: n == 2)
    assert words in caplog.text
    same(venue, grown(watch, 2))


def test_silence_after_the_handshake_is_noticed(venue):
    venue.stream.faults.silent = True
    watch = venue.watch()
    until(watch.snapshot, lambda s: s.status == "stale")
    until(lambda: venue.stream.connections, lambda n: n >= 2)
    venue.stream.faults.silent = False
    same(venue, grown(watch, 2))


@pytest.mark.parametrize(("code", "words"), [(451, "refused for this place (HTTP 451)"), (503, "HTTP 503")])
def test_a_refused_handshake_is_told_and_tried_again(venue, code, words):
    venue.stream.faults.refuse = code
    watch = venue.watch()
    snap = until(watch.snapshot, lambda s: s.status == "failed")
    assert words in snap.message
    assert snap.next_try_at is not None
    venue.stream.faults.refuse = 0
    same(venue, grown(watch, 2))


def test_a_slow_handshake_still_gets_there(venue):
    venue.stream.faults.slow = 0.6
    same(venue, grown(venue.watch(), 2))


def test_an_unknown_symbol_is_found_by_rest(venue):
    snap = until(venue.watch("BTCUSD").snapshot, lambda s: s.status == "failed")
    assert "has no symbol 'BTCUSD'" in snap.message
    assert "BTCUSDT" in snap.message
    assert snap.next_try_at is None
    assert venue.stream.connections == 0


def test_a_host_that_refuses_this_place_is_told_at_once(venue):
    venue.exchange.always = Fault("451")
    snap = until(venue.watch().snapshot, lambda s: s.status == "failed", seconds=3.0)
    assert "451" in snap.message
    assert snap.next_try_at is not None
    assert len(snap.table) == 0
    venue.exchange.always = None
    hub.watches()[0].retry()
    same(venue, grown(hub.watches()[0], 1))


def test_nothing_listening_fails_within_seconds_and_says_why(venue, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("CANDLEBOOK_BINANCE_STREAM", f"ws://127.0.0.1:{nobody.getsockname()[1]}")
        snap = until(venue.watch().snapshot, lambda s: s.status == "failed", seconds=6.0)
    assert "Connection refused" in snap.message
    assert snap.synthetic is False


def test_the_tap_records_what_a_parser_can_play_again(venue):
    record: list[str] = []
    feed = BinanceFeed(tap=record.append)
    watch = Watch(feed, Series.of("binance", "BTCUSDT", "1m"), None, replace(TIMING, idle=30.0))
    watch.start()
    try:
        until(lambda: len(record), lambda n: n > 40)
    finally:
        watch.stop()
    played = [update for text in record for update in parse_message(text, "BTCUSDT", parse("1m"))]
    assert len(played) == len(record)
    assert {update.close for update in played} <= {float(event["k"]["c"]) for event in venue.stream.sent}
