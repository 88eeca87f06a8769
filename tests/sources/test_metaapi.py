from __future__ import annotations

import doctest
import logging
import traceback
from collections.abc import Iterator

import pandas as pd
import pytest

import lib.sources.metaapi
from lib import settings
from lib.errors import BadAnswer, Blocked, CandlebookError, InputError, RateLimited, UnknownName
from lib.sources import registry
from lib.sources.base import Quote
from lib.sources.metaapi import MetaApi, parse_price
from tests.servers import providers
from tests.servers.faults import KINDS, PASSING, Fault
from tests.servers.provider import Reply, Running
from tests.sources.clock import FakeClock

TOKEN = "t0ken-That-Nobody-May-See"


@pytest.fixture
def server(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[providers.MetaApi]:
    monkeypatch.setenv("CANDLEBOOK_METAAPI_TOKEN", TOKEN)
    monkeypatch.setenv("CANDLEBOOK_METAAPI_ACCOUNT", "acc-1")
    made = providers.MetaApi(clock)
    made.key = ("auth-token", TOKEN)
    made.add("EURUSD", "2020-01-01")
    made.add("AUDNZD", "2020-01-01")
    with Running(made) as running:
        monkeypatch.setenv("CANDLEBOOK_METAAPI_REST", running.url)
        yield made


@pytest.fixture
def broker(server: providers.MetaApi, clock: FakeClock) -> MetaApi:
    return MetaApi(clock=clock)


def test_the_examples_in_the_text_hold() -> None:
    ran = doctest.testmod(lib.sources.metaapi)
    assert (ran.failed, ran.attempted) == (0, 3)


def test_a_quote(broker: MetaApi, server: providers.MetaApi) -> None:
    quote = broker.quote("AUDNZD")
    assert (quote.bid, quote.ask, str(quote.time)) == (1.05297, 1.05309, "2024-03-15 12:34:56.345000+00:00")
    assert quote.symbol == "AUDNZD"
    assert str(quote.broker_time) == "2024-03-15 15:34:56"  # its clock is three hours ahead
    assert server.log[0].params == {"keepSubscription": "true"}
    assert server.log[0].path == "/users/current/accounts/acc-1/symbols/AUDNZD/current-price"
    assert isinstance(registry.quotes("metaapi").quote("EURUSD"), Quote)
    assert "metaapi" in registry.quote_names()
    assert "metaapi" not in registry.names()


def test_unknown_symbol_and_account(
    broker: MetaApi, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    with pytest.raises(UnknownName, match=r"no symbol 'EURUSDm' for this account\. Did you mean EURUSD"):
        broker.quote("EURUSDm")
    assert broker.symbols() == ("AUDNZD", "EURUSD")
    monkeypatch.setenv("CANDLEBOOK_METAAPI_ACCOUNT", "other")
    with pytest.raises(InputError, match="no such account here, or it is not deployed") as caught:
        broker.quote("EURUSD")
    assert "other" not in str(caught.value)


def test_the_time_that_a_refusal_recommends_is_kept(
    broker: MetaApi, server: providers.MetaApi, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"id": 1, "error": "TooManyRequestsError", "message": "You have used all your request quota."}
    until = "2024-03-15T12:35:26.500Z"  # 30.5 s from now
    told = {**body, "metadata": {"recommendedRetryTime": until}}
    answer = server.respond
    replies = [Reply(429, told)]
    monkeypatch.setattr(server, "respond", lambda request: replies.pop() if replies else answer(request))
    with pytest.raises(RateLimited):
        broker.quote("EURUSD", patience=10)
    assert len(server.log) == 1
    began = clock.now
    assert broker.quote("EURUSD", patience=60).bid == 1.05297
    assert server.log[1].at - began >= 30 - 8
    assert server.log[1].at >= pd.Timestamp(until).timestamp()


def test_the_region_chooses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLEBOOK_METAAPI_REGION", "London")
    assert settings.metaapi_rest() == "https://mt-client-api-v1.london.agiliumtrade.ai"
    monkeypatch.setenv("CANDLEBOOK_METAAPI_REGION", "evil.example/")
    with pytest.raises(InputError, match="CANDLEBOOK_METAAPI_REGION"):
        settings.metaapi_rest()


def test_another_symbol_than_was_asked_for_is_refused(
    broker: MetaApi, server: providers.MetaApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"symbol": "GBPUSD", "bid": 1.2, "ask": 1.3, "time": "2024-03-15T12:34:56.345Z"}
    monkeypatch.setattr(server, "respond", lambda request: Reply(200, body))
    with pytest.raises(BadAnswer, match="was asked for EURUSD and sent GBPUSD"):
        broker.quote("EURUSD")


@pytest.mark.parametrize("kind", [kind for kind in PASSING if kind != "empty page"])
def test_faults_pass(server: providers.MetaApi, clock: FakeClock, kind: str) -> None:
    broker = MetaApi(clock=clock, timeouts=(30.0, 0.8 if kind == "slow" else 30.0))
    server.faults = {1: Fault(kind)}
    assert broker.quote("EURUSD", patience=120).bid == 1.05297
    assert server.asked <= 2


def test_the_token_is_seen_in_its_header_only(
    broker: MetaApi, server: providers.MetaApi, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = ""
    for kind in KINDS:
        if kind == "slow":
            continue
        server.faults = {number: Fault(kind) for number in range(server.asked + 1, server.asked + 10)}
        try:
            broker.quote("EURUSD")
        except CandlebookError as error:
            shown += "".join(traceback.format_exception(error)) + repr(error.fields) + repr(vars(error))
        clock.now += 4000
    assert len(shown) > 1000
    assert TOKEN not in shown + caplog.text + "".join(one.target for one in server.log)


def test_settings_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "CANDLEBOOK_METAAPI_TOKEN and CANDLEBOOK_METAAPI_ACCOUNT are missing" in registry.lacking(
        "metaapi"
    )
    with pytest.raises(InputError, match="CANDLEBOOK_METAAPI_TOKEN is missing"):
        registry.quotes("metaapi").quote("EURUSD")
    monkeypatch.setenv("CANDLEBOOK_METAAPI_TOKEN", TOKEN)
    with pytest.raises(InputError, match="CANDLEBOOK_METAAPI_ACCOUNT is missing"):
        registry.quotes("metaapi").quote("EURUSD")


def test_a_token_that_is_refused(broker: MetaApi, server: providers.MetaApi) -> None:
    server.key = ("auth-token", "another")
    with pytest.raises(Blocked, match=r"does not accept the key \(401\)\. Check CANDLEBOOK_METAAPI_TOKEN"):
        broker.quote("EURUSD")


@pytest.mark.parametrize(
    "body",
    [
        b'{"symbol":"A","bid":2,"ask":1,"time":"2020-04-07T03:45:23.345Z"}',
        b'{"symbol":"A","bid":0,"ask":1,"time":"2020-04-07T03:45:23.345Z"}',
        b'{"symbol":"A","bid":1,"ask":NaN,"time":"2020-04-07T03:45:23.345Z"}',
        b'{"symbol":"A","bid":1,"ask":2,"time":null}',
        b'{"symbol":"A","bid":1,"ask":2}',
        b"[]",
    ],
)
def test_a_price_that_cannot_be(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        parse_price(body)
