from __future__ import annotations

import doctest
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lib.sources.binance
from lib.candles import conform
from lib.errors import BadAnswer, InputError, RateLimited, SourceDown, UnknownName
from lib.sources.base import Source, notes_to
from lib.sources.binance import Binance, parse_klines, parse_symbols
from lib.timeframes import parse
from tests.servers.binance_rest import INTERVALS, Exchange, Fault, Server, us
from tests.sources.clock import FakeClock
from tests.sources.conformance import SourceConformance


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def whole(source: Source, symbol: str, timeframe: str, start: str | None, end: str | None) -> pd.DataFrame:
    low, high = (None if text is None else at(text) for text in (start, end))
    return pd.concat([page.table for page in source.pages(symbol, parse(timeframe), low, high)])


def same(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(got, expected, check_freq=False, check_exact=True)


@pytest.fixture
def binance(server: Server, clock: FakeClock) -> Binance:
    return Binance(server.url, clock=clock)


class TestConformance(SourceConformance):
    @pytest.fixture
    def source(self, binance: Binance) -> Source:
        return binance

    @pytest.fixture
    def symbol(self) -> str:
        return "BTCUSDT"

    @pytest.fixture
    def now(self, clock: FakeClock) -> pd.Timestamp:
        return pd.Timestamp(clock.time(), unit="s", tz="UTC")


# ---------------------------------------------------------------------------------------------- parsing


def test_recorded_answers_go_through_the_parser(market_data: Path) -> None:
    folder = market_data / "E_wire"
    raw = parse_klines((folder / "binance_nautilus" / "http_spot_market_klines.json").read_bytes())
    table = conform(raw, parse("1m")).table
    first = table.iloc[0]
    assert table.index[0] == at("2021-10-22 23:03")
    assert first.tolist() == [60685.22, 60729.84, 60670.90, 60719.27, 21.63272]
    assert (np.diff(table.index.as_unit("us").asi8) == 60_000_000).all()
    for name in ("binance_docs/doc_sample_klines.json", "binance_nautilus/http_futures_market_klines.json"):
        raw = parse_klines((folder / name).read_bytes())
        table = conform(raw, parse("1w")).table
        assert table.index[0] == at("2017-07-03")
        assert table.iloc[0].tolist() == [0.0163479, 0.8, 0.015758, 0.015771, 148976.11427815]


def test_a_recorded_error_is_an_unknown_name(market_data: Path) -> None:
    recorded = (market_data / "E_wire/binance_docs/error_-1121_invalid_symbol.json").read_text()
    assert '"code": -1121' in recorded
    with pytest.raises(UnknownName):
        parse_klines(recorded.encode())


def test_the_examples_in_the_text_hold() -> None:
    ran = doctest.testmod(lib.sources.binance)
    assert (ran.failed, ran.attempted) == (0, 2)


def test_microseconds_are_read_as_such() -> None:
    body = b'[[%d,"1","2","0.5","1.5","3",0,"0",0,"0","0","0"]]'
    times = [parse_klines(body % n)["time"][0] for n in (1735689600000, 1735689600000000)]
    assert times[0] == times[1] == at("2025-01-01")
    assert parse_klines(b"[]").dtypes.astype(str)["time"] == "datetime64[us, UTC]"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"null", "list of candles"),
        (b'{"a":1}', "list of candles"),
        (b'{"code":-1000,"msg":"An unknown error."}', r"refused the request \(-1000\): An unknown error\."),
        (b"[[1]]", "Row 1 of 1"),
        (b'[[1700000000000,"1","2","0.5","1.5","3"],5]', "Row 2 of 2"),
        (b'[[1700000000000,"1","2","0.5","x","3"]]', "close is no number"),
        (b'[["2024-01-01","1","2","0.5","1","3"]]', "time is no number"),
        (b"<html>", "a web page"),
        (b"", "nothing came"),
        (b"[[17000", "cut short"),
        (b"oops", "no JSON"),
    ],
)
def test_another_shape_is_a_bad_answer(body: bytes, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        parse_klines(body)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        (-1121, UnknownName),
        (-1003, RateLimited),
        (-1034, RateLimited),
        (-1007, SourceDown),
        (-1008, SourceDown),
    ],
)
def test_codes_are_read_whatever_the_status(
    binance: Binance, exchange: Exchange, monkeypatch: pytest.MonkeyPatch, code: int,
    error: type[Exception], status: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(exchange, "_klines", lambda *_: (status, {"code": code, "msg": "Some words."}))
    with pytest.raises(error):
        binance.recent("BTCUSDT", parse("1m"), 5)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"symbols":[1]}', b'{"symbols":[{"a":1}]}'])
def test_another_list_of_symbols_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        parse_symbols(body)


# ----------------------------------------------------------------------------------------------- ranges


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_interval_is_complete(binance: Binance, exchange: Exchange, interval: str) -> None:
    start, end = {"s": ("2024-03-14 11:11:11.5", "2024-03-14 12:00")}.get(
        interval[-1], ("2024-03-01 11:11:11", "2024-03-04 05:00")
    )
    if interval[-1] in "dwM":
        start, end = "2018-01-05", "2024-03-15"
    got = whole(binance, "BTCUSDT", interval, start, end)
    assert len(got) > 3
    same(got, exchange.truth("BTCUSDT", interval, start, end))


def test_the_server_may_count_microseconds(binance: Binance, exchange: Exchange) -> None:
    exchange.microseconds = True
    got = whole(binance, "BTCUSDT", "1m", "2024-03-01", "2024-03-02")
    same(got, exchange.truth("BTCUSDT", "1m", "2024-03-01", "2024-03-02"))


def test_years_before_the_listing_cost_nothing(binance: Binance, exchange: Exchange) -> None:
    for start in (None, "2000-01-01"):
        exchange.requests.clear()
        got = whole(binance, "ETHUSDT", "1m", start, "2024-03-02")
        assert got.index[0] == at("2024-03-01 07:17")
        same(got, exchange.truth("ETHUSDT", "1m", "2000-01-01", "2024-03-02"))
        assert len(exchange.klines) == 2


def test_a_halt_is_passed_over(binance: Binance, exchange: Exchange) -> None:
    got = whole(binance, "HALTUSDT", "1m", "2024-02-09", "2024-02-14")
    same(got, exchange.truth("HALTUSDT", "1m", "2024-02-09", "2024-02-14"))
    exchange.requests.clear()
    assert whole(binance, "HALTUSDT", "1m", "2024-02-10 04:00", "2024-02-12").empty
    assert len(exchange.klines) == 1


def test_a_delisted_symbol_ends(binance: Binance, exchange: Exchange) -> None:
    got = whole(binance, "GONEUSDT", "1m", "2024-01-02", None)
    same(got, exchange.truth("GONEUSDT", "1m", "2024-01-02", "2024-03-01"))
    assert (
        len(exchange.klines) == 5
    )  # 2,040 candles are three pages; an empty one, and the proof that it is the end
    recent = binance.recent("GONEUSDT", parse("1m"), 10)
    assert recent.forming.empty
    assert recent.closed.index[-1] == at("2024-01-03 09:59")


def test_what_is_closed_is_judged_by_the_server(server: Server, exchange: Exchange, clock: FakeClock) -> None:
    """This machine's clock is 3 hours ahead: the forming candle still is not stored."""
    exchange.now = lambda: clock.now - 3 * 3600
    binance = Binance(server.url, clock=clock)
    got = whole(binance, "BTCUSDT", "1h", "2024-03-15", None)
    assert got.index[-1] == at("2024-03-15 08:00")
    assert binance.recent("BTCUSDT", parse("1h"), 3).forming.index[0] == at("2024-03-15 09:00")


def test_recent_of_a_young_symbol_is_what_there_is(binance: Binance, exchange: Exchange) -> None:
    recent = binance.recent("ETHUSDT", parse("1d"), 500)
    assert len(recent.closed) == 13
    assert len(recent.forming) == 1


def test_only_forming_candles(binance: Binance, exchange: Exchange) -> None:
    exchange.add("NEWUSDT", "2024-03-15 12:00")
    recent = binance.recent("NEWUSDT", parse("1h"), 500)
    assert recent.closed.empty
    assert len(recent.forming) == 1
    assert whole(binance, "NEWUSDT", "1h", None, None).empty


# ----------------------------------------------------------------------------------------------- faults

PASSING = [
    Fault("429", retry_after="3"), Fault("429"), Fault("500"), Fault("502"), Fault("503", retry_after="2"),
    Fault("cut"), Fault("slow", seconds=0.7), Fault("garbage"), Fault("html"), Fault("truncated"), Fault("null"),
    Fault("empty"), Fault("reversed"), Fault("shuffled"), Fault("duplicate"), Fault("overlap"), Fault("same"),
    Fault("bad"),
]  # fmt: skip


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.kind)
@pytest.mark.parametrize("number", [1, 3])
def test_the_candles_are_right_whatever_goes_wrong_once(
    server: Server, exchange: Exchange, clock: FakeClock, fault: Fault, number: int
) -> None:
    binance = Binance(server.url, clock=clock, timeouts=(30.0, 0.3 if fault.kind == "slow" else 30.0))
    exchange.faults[number] = fault
    got = whole(binance, "BTCUSDT", "1m", "2024-03-01", "2024-03-02 20:00")
    same(got, exchange.truth("BTCUSDT", "1m", "2024-03-01", "2024-03-02 20:00"))
    assert len(exchange.klines) <= 3 + 3


@pytest.mark.parametrize("kind", ["empty", "same"])
def test_a_server_that_never_gets_on_is_refused(binance: Binance, exchange: Exchange, kind: str) -> None:
    exchange.faults = {number: Fault(kind) for number in range(2, 20) if kind == "same" or number % 2 == 0}
    with pytest.raises(BadAnswer, match="from 2024-03-01 16:40 UTC on, but sent none"):
        whole(binance, "BTCUSDT", "1m", "2024-03-01", "2024-03-04")
    assert len(exchange.klines) < 9


def test_a_row_that_cannot_be_is_left_out_and_told(binance: Binance, exchange: Exchange) -> None:
    """The page is asked for three times; then the rest of it is kept."""
    exchange.always = Fault("bad")
    said: list[str] = []
    with notes_to(said.append):
        pages = list(binance.pages("BTCUSDT", parse("1m"), at("2024-03-01"), at("2024-03-01 20:00")))
    truth = exchange.truth("BTCUSDT", "1m", "2024-03-01", "2024-03-01 20:00")
    first, second = at("2024-03-01 08:20"), at("2024-03-01 18:21")
    same(pd.concat([page.table for page in pages]), truth.drop([first, second]))
    assert len(exchange.klines) == 3 + 3
    assert [len(page.refused) for page in pages] == [1, 1]
    assert pages[0].refused[0].startswith("2024-03-01 08:20:00 UTC: The high")
    words = "BTCUSDT 1m candles that cannot be: Row 501: The high.* 2024-03-01 08:20:00 UTC. Left out."
    assert any(re.search(words, one) for one in said)


def test_a_page_full_of_rows_that_cannot_be_is_refused(binance: Binance, exchange: Exchange) -> None:
    exchange.always = Fault("all bad")
    with pytest.raises(BadAnswer, match=r"BTCUSDT 1m candles that cannot be: Row 1: .* 2024-03-01 00:00:00"):
        whole(binance, "BTCUSDT", "1m", "2024-03-01", "2024-03-04")
    assert len(exchange.klines) == 3


@pytest.mark.parametrize(
    ("symbol", "near"), [("BTCUSD", "BTCUSDT"), ("eth/btc", "ETHBTC"), ("btcusdt", "BTCUSDT"), ("ÖL", "")]
)
def test_an_unknown_symbol_brings_a_suggestion(
    binance: Binance, exchange: Exchange, symbol: str, near: str
) -> None:
    with pytest.raises(UnknownName) as caught:
        binance.recent(symbol, parse("1m"), 5)
    assert symbol in str(caught.value)
    assert (f"Did you mean {near}" if near else "as BTCUSDT") in str(caught.value)
    with pytest.raises(UnknownName):
        binance.recent(symbol, parse("1m"), 5)
    assert sum(path.endswith("exchangeInfo") for path, _ in exchange.requests) == 1


def test_an_unknown_symbol_stays_one_without_the_list(
    binance: Binance, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_other", lambda path: (404, "gone"))
    with pytest.raises(UnknownName, match="no symbol 'NOPE'"):
        binance.recent("NOPE", parse("1m"), 5)


def test_another_refusal_keeps_its_words(
    binance: Binance, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"code": -1128, "msg": "Combination of optional parameters invalid."}
    monkeypatch.setattr(exchange, "_klines", lambda params, fault: (400, words))
    with pytest.raises(InputError, match=r"-1128.*Combination of optional"):
        binance.recent("BTCUSDT", parse("1m"), 5)
    assert len(exchange.klines) == 1


# ----------------------------------------------------------------------------------------------- limits


def test_the_limit_is_never_passed(server: Server, exchange: Exchange, clock: FakeClock) -> None:
    exchange.limit = 40
    binance = Binance(server.url, clock=clock, weight_per_minute=40)
    got = whole(binance, "BTCUSDT", "1m", "2024-01-01", "2024-03-01")
    same(got, exchange.truth("BTCUSDT", "1m", "2024-01-01", "2024-03-01"))
    assert exchange.limited == 0
    # 87 requests of weight 2 at 38 a minute take 4 full waits and no more
    assert 4 * 60 * 0.9 <= clock.waited <= 4 * 60 * 1.1


def test_others_behind_the_same_address_count(server: Server, exchange: Exchange, clock: FakeClock) -> None:
    exchange.limit = 100
    exchange.minute, exchange.used = int(clock.now // 60), 80
    binance = Binance(server.url, clock=clock, weight_per_minute=100)
    whole(binance, "BTCUSDT", "1m", "2024-02-20", "2024-03-01")
    assert exchange.limited == 0
    assert clock.waited > 0


def test_the_page_size_and_the_start_are_as_documented(binance: Binance, exchange: Exchange) -> None:
    whole(binance, "BTCUSDT", "1m", "2024-03-01", "2024-03-02")
    assert all(0 < int(params["limit"]) <= 1000 for params in exchange.klines)
    assert exchange.klines[0]["startTime"] == str(us("2024-03-01") // 1000)
    assert exchange.klines[0]["interval"] == "1m"
