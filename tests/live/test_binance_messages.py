"""Messages that were recorded elsewhere, and the documentation's own, through the parser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import websockets.exceptions as ws
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.frames import Close
from websockets.http11 import Response

from lib.errors import BadAnswer, Blocked, CandlebookError, RateLimited, SourceDown
from lib.live.binance import explain, parse, stream_name
from lib.live.candle_builder import CandleBuilder, CandleUpdate
from lib.timeframes import parse as timeframe

M1 = timeframe("1m")


def message(**changes: object) -> str:
    k = {"t": 1700000040000, "T": 1700000099999, "s": "BTCUSDT", "i": "1m", "o": "10", "c": "12",
         "h": "13.5", "l": "9.25", "v": "7.5", "x": False}  # fmt: skip
    outer = {"e": "kline", "E": 1700000042000, "s": "BTCUSDT"}
    for name, value in changes.items():
        (outer if name in ("e", "E") else k)[name] = value
    return json.dumps({**outer, "k": k})


def test_a_message_becomes_one_update():
    expected = CandleUpdate(1700000040000000, 10.0, 13.5, 9.25, 12.0, 7.5, False, 1700000042000000)
    assert parse(message(), "BTCUSDT", M1) == [expected]
    assert parse(message(), "btcusdt", M1) == [expected]
    assert parse(f'{{"stream":"btcusdt@kline_1m","data":{message()}}}', "BTCUSDT", M1) == [expected]
    assert parse(message(x=True), "BTCUSDT", M1) == [expected._replace(closed=True)]
    micro = message(t=1700000040000000, E=1700000042000000)
    assert parse(micro, "BTCUSDT", M1) == [expected]


def test_the_documentations_samples(market_data: Path):
    text = (market_data / "E_wire" / "binance_docs" / "doc_sample_kline.json").read_text()
    with pytest.raises(BadAnswer, match="cannot be"):  # its low is above its open: no real candle
        parse(text, "BNBBTC", M1)
    mended = text.replace('"l": "0.0015"', '"l": "0.0005"')
    assert parse(mended, "BNBBTC", M1) == [
        CandleUpdate(1672515780000000, 0.001, 0.0025, 0.0005, 0.002, 1000.0, False, 1672515782136000)
    ]


def test_a_sample_of_another_project(market_data: Path):
    said = json.loads(
        (market_data / "E_wire" / "other_exchanges" / "binance_kline_stream_open.json").read_text()
    )
    said["k"]["l"] = "0.0005"  # as above
    [update] = parse(json.dumps(said), "BTCUSDT", M1)
    assert update == CandleUpdate(
        1638747660000000, 0.001, 0.0025, 0.0005, 0.002, 1000.0, False, 1638747660000000
    )


def test_the_shutdown_notice_asks_for_a_new_connection(market_data: Path):
    text = (market_data / "E_wire" / "binance_docs" / "doc_sample_serverShutdown.json").read_text()
    with pytest.raises(SourceDown, match="restarting") as raised:
        parse(text, "BTCUSDT", M1)
    assert raised.value.fields["planned"]


def test_a_recorded_session_gives_its_candles(market_data: Path):
    """Ten seconds of four pairs: each kline message is applied, all other streams are passed over."""
    lines = (market_data / "E_wire" / "cryptofeed" / "BINANCE.ws.1.0").read_text().splitlines()
    messages = [line.split(": ", 1)[1] for line in lines if ': {"stream"' in line]
    assert len(messages) > 100
    builder = CandleBuilder(M1)
    updates = [update for text in messages for update in parse(text, "NKNUSDT", M1)]
    for update in updates:
        builder.add(update)
    assert len(updates) == sum('"nknusdt@kline_1m"' in text for text in messages) > 0
    table = builder.state().table()
    last = [json.loads(text)["data"]["k"] for text in messages if '"nknusdt@kline_1m"' in text][-1]
    assert table.iloc[-1].tolist() == [float(last[key]) for key in "ohlcv"]
    assert int(table.index[-1].timestamp() * 1000) == last["t"]


@pytest.mark.parametrize(
    "text",
    ['{"result":null,"id":1}', '{"e":"trade","s":"BTCUSDT","p":"1"}', message(s="ETHUSDT"), message(i="5m")],
)
def test_what_is_not_for_us_is_passed_over(text):
    assert parse(text, "BTCUSDT", M1) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html>", "not JSON"),
        ("[1]", "list"),
        ('{"e":"kline"}', "lacks a figure"),
        (message(o="x"), "lacks a figure"),
        (message(t="soon"), "lacks a figure"),
        (message(h="11"), "cannot be"),
        (message(l="0"), "cannot be"),
        (message(c="NaN"), "cannot be"),
        (message(v="-1"), "cannot be"),
        (message(t=1700000040001), "off the grid"),
        ('{"code":2,"msg":"Invalid request: unknown variant"}', "Invalid request"),
        ('{"error":{"code":3,"msg":"Invalid JSON: expected value"},"id":1}', "Invalid JSON"),
    ],
)
def test_what_breaks_the_protocol_is_told(text, words):
    with pytest.raises(BadAnswer, match=words):
        parse(text, "BTCUSDT", M1)


@given(st.text(max_size=60) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["e", "E", "k", "s", "data", "stream", "code", "msg", "error"]), inner),
).map(json.dumps))  # fmt: skip
def test_nothing_but_our_errors_comes_of_any_message(text):
    try:
        assert parse(text, "BTCUSDT", M1) == []
    except CandlebookError:
        pass


def test_stream_names_are_lower_case_but_months():
    assert stream_name("BTCUSDT", M1) == "btcusdt@kline_1m"
    assert stream_name("BTCUSDT", timeframe("1M")) == "btcusdt@kline_1M"


def status(code: int, **headers: str) -> ws.InvalidStatus:
    return ws.InvalidStatus(Response(code, "", Headers(headers), b""))


@pytest.mark.parametrize(
    ("error", "ours", "words"),
    [
        (status(451), Blocked, "for this place"),
        (status(403), Blocked, "HTTP 403"),
        (status(429, **{"Retry-After": "7"}), RateLimited, "fewer"),
        (status(503), SourceDown, "HTTP 503"),
        (status(404), BadAnswer, "HTTP 404"),
        (ConnectionRefusedError(111, "Connection refused"), SourceDown, "Connection refused"),
        (TimeoutError(), SourceDown, "within 5 seconds"),
        (ws.ConnectionClosedError(None, None), SourceDown, "without a goodbye"),
        (ws.ConnectionClosedError(Close(1008, "x"), None), SourceDown, "1008"),
        (ws.InvalidMessage("no"), BadAnswer, "no websocket"),
    ],
)
def test_failures_of_the_wire_become_ours(error, ours, words):
    made = explain(error)
    assert type(made) is ours
    assert words in str(made)


def test_every_exception_of_the_library_is_mapped():
    """Made without arguments where that is possible; the others stand in the test above."""
    mapped = 0
    for name in ws.__all__:
        found = getattr(ws, name)
        if not issubclass(found, ws.WebSocketException) or issubclass(
            found, ws.ConnectionClosed | ws.InvalidStatus
        ):
            continue
        made = explain(found.__new__(found))
        assert isinstance(made, CandlebookError), name
        assert made.message.endswith(".")
        mapped += 1
    assert mapped >= 10


def test_retry_after_is_kept():
    made = explain(status(429, **{"Retry-After": "7"}))
    assert isinstance(made, RateLimited)
    assert made.retry_after == 7.0
