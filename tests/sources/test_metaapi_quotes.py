"""What a quote through MetaApi holds, how it is asked for, and what a refusal says of the time to come back."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest

from lib import settings
from lib.errors import BadAnswer, InputError, RateLimited, UnknownName
from lib.sources.limits import budgets
from lib.sources.metaapi import MetaApi, parse_symbols
from tests.servers import providers
from tests.servers.faults import Fault
from tests.servers.provider import Reply, Running
from tests.sources.clock import FakeClock

TOKEN = "t0ken-That-Nobody-May-See"


@pytest.fixture
def broker(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[providers.MetaApi]:
    made = providers.MetaApi(clock)
    made.key = ("auth-token", TOKEN)
    for name in ("AUDNZD", "EURUSD", "XAUUSD.m"):
        made.add(name, "2020-01-01")
    monkeypatch.setenv("CANDLEBOOK_METAAPI_TOKEN", TOKEN)
    monkeypatch.setenv("CANDLEBOOK_METAAPI_ACCOUNT", made.account)
    with Running(made) as running:
        monkeypatch.setenv("CANDLEBOOK_METAAPI_REST", running.url)
        yield made


@pytest.fixture
def metaapi(broker: providers.MetaApi, clock: FakeClock) -> MetaApi:
    return MetaApi(clock=clock)


def test_a_quote_has_both_prices_and_both_clocks(metaapi: MetaApi, broker: providers.MetaApi) -> None:
    made = metaapi.quote("AUDNZD")
    assert (made.symbol, made.bid, made.ask) == ("AUDNZD", 1.05297, 1.05309)
    assert made.time == pd.Timestamp("2024-03-15 12:34:56.345", tz="UTC")
    assert made.broker_time == pd.Timestamp("2024-03-15 15:34:56")
    sent = broker.log[-1]
    assert sent.target == "/users/current/accounts/acc-1/symbols/AUDNZD/current-price?keepSubscription=true"
    assert sent.headers["auth-token"] == TOKEN


def test_odd_symbols_stay_one_part_of_the_address(metaapi: MetaApi, broker: providers.MetaApi) -> None:
    assert metaapi.quote("XAUUSD.m").symbol == "XAUUSD.m"
    with pytest.raises(UnknownName):
        metaapi.quote("../../other")
    assert all(one.target.startswith("/users/current/accounts/acc-1/symbols") for one in broker.log)


def test_the_region_makes_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.metaapi_rest() == "https://mt-client-api-v1.new-york.agiliumtrade.ai"
    monkeypatch.setenv("CANDLEBOOK_METAAPI_REGION", "London")
    assert settings.metaapi_rest() == "https://mt-client-api-v1.london.agiliumtrade.ai"
    monkeypatch.setenv("CANDLEBOOK_METAAPI_REGION", "evil.example/")
    with pytest.raises(InputError, match="CANDLEBOOK_METAAPI_REGION"):
        settings.metaapi_rest()


def test_the_recommended_time_is_kept_to(
    metaapi: MetaApi, broker: providers.MetaApi, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told in the body alone: within patience it is waited for, beyond it the error says how long."""
    began = clock.now

    def body(status: int) -> object:
        until = pd.Timestamp(began + wait, unit="s", tz="UTC")
        told = {"recommendedRetryTime": f"{until:%Y-%m-%dT%H:%M:%S.000Z}", "type": "CPU"}
        return {"id": 1, "error": "TooManyRequestsError", "message": "Too many", "metadata": told}

    monkeypatch.setattr(broker, "refusal", body)
    broker.faults, wait = {1: Fault("429")}, 9
    assert metaapi.quote("EURUSD").ask == 1.05309
    assert [one.at - began >= at for one, at in zip(broker.log, (0, 8), strict=True)] == [True, True]
    clock.now += 100
    broker.faults, wait, began = {3: Fault("429")}, 600, clock.now
    with pytest.raises(RateLimited) as caught:
        metaapi.quote("EURUSD")
    assert caught.value.retry_after == pytest.approx(600, abs=20)
    assert len(broker.log) == 3


@pytest.mark.parametrize(
    "metadata", [None, {}, {"recommendedRetryTime": "soon"}, {"recommendedRetryTime": None}]
)
def test_a_429_without_a_time_is_asked_again(
    metaapi: MetaApi, broker: providers.MetaApi, monkeypatch: pytest.MonkeyPatch, metadata: object
) -> None:
    monkeypatch.setattr(broker, "refusal", lambda status: {"error": "Too many", "metadata": metadata})
    broker.faults = {1: Fault("429")}
    assert metaapi.quote("EURUSD").bid == 1.05297


def test_a_quote_a_second_and_no_more(metaapi: MetaApi, broker: providers.MetaApi, clock: FakeClock) -> None:
    began = clock.now
    for _ in range(100):
        metaapi.quote("EURUSD", patience=60)
    assert broker.over == 0
    assert clock.now - began >= 99
    assert budgets()["metaapi"].limits[0].limit == 60


def test_another_symbol_than_asked_for_is_a_bad_answer(
    metaapi: MetaApi, broker: providers.MetaApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {"symbol": "GBPUSD", "bid": 1.0, "ask": 1.1, "time": "2020-04-07T03:45:23Z"}
    monkeypatch.setattr(broker, "respond", lambda request: Reply(200, data))
    with pytest.raises(BadAnswer, match="asked for EURUSD and sent GBPUSD"):
        metaapi.quote("EURUSD")


def test_the_list_of_symbols_has_its_shape() -> None:
    with pytest.raises(BadAnswer):
        parse_symbols(b'{"a": 1}')
