"""Each adapter against a server of its protocol, in the shared classes. What only one of them has is in a
file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pandas as pd
import pytest

from lib.sources.base import Source
from lib.sources.binance import Binance
from lib.sources.binance_futures import BinanceFutures
from lib.sources.by_key import ByKey
from lib.sources.massive import Massive
from lib.sources.oanda import Oanda
from lib.sources.twelvedata import TwelveData
from tests.servers import providers
from tests.servers.provider import Provider, Running
from tests.sources.clock import FakeClock
from tests.sources.conformance import FaultConformance, SourceConformance

KEY = "k3y-That-Nobody-May-See"


class Base(SourceConformance, FaultConformance):
    SYMBOL = "EURUSD"
    LISTED = ("EURUSD", "GBPUSD", "XAUUSD")
    SERVER: type[Provider]
    MAKE: Callable[..., Source]
    HEADER = ""

    @pytest.fixture
    def provider(self, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
        made = self.SERVER(clock)
        for name in self.LISTED:
            made.add(name, "2023-09-04", price=1.1, weekends=True)
        if self.SECRET:
            made.key = (self.HEADER.split(":")[0], self.HEADER.split(": ")[1].replace("KEY", self.SECRET))
        self.settings(monkeypatch)
        if self.SYMBOL == "BTCUSDT":
            for market in made.markets.values():
                market.weekends = False
        if isinstance(made, providers.Binance):
            made.limits = ((600, 60.0),)
        with Running(made) as running:
            self.url = running.url
            yield made

    def settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the adapter reads from the environment."""

    @pytest.fixture
    def source(self, provider: Provider, clock: FakeClock, seconds: float) -> Source:
        return type(self).MAKE(self.url, clock=clock, timeouts=(30.0, seconds))

    @pytest.fixture
    def symbol(self, provider: Provider) -> str:
        return self.SYMBOL

    @pytest.fixture
    def now(self, clock: FakeClock) -> pd.Timestamp:
        return pd.Timestamp(clock.time(), unit="s", tz="UTC")


class TestBinance(Base):
    """A tenth of the real limit on both sides, and for futures a quarter: 3,000 requests a minute take the
    server seconds to answer."""

    SERVER, MAKE = providers.Binance, partial(Binance, weight_per_minute=600)
    SYMBOL, LISTED = "BTCUSDT", ("BTCUSDT", "ETHBTC", "ETHUSDT")


class TestBinanceFutures(Base):
    SERVER, MAKE = providers.BinanceFutures, partial(BinanceFutures, weight_per_minute=600)
    LIMIT_PAGE = 1001  # weighs 10
    SYMBOL, LISTED = "BTCUSDT", ("BTCUSDT", "ETHBTC", "ETHUSDT")


class TestTwelveData(Base):
    SERVER, MAKE = providers.TwelveData, TwelveData
    SYMBOL, LISTED = "EUR/USD", ("EUR/USD", "GBP/USD", "XAU/USD")
    SECRET, HEADER = KEY, "Authorization: apikey KEY"

    def settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CANDLEBOOK_TWELVEDATA_KEY", KEY)


class TestOanda(Base):
    SERVER, MAKE = providers.Oanda, Oanda
    SYMBOL, LISTED = "EUR_USD", ("EUR_USD", "EUR_USD.bid", "EUR_USD.ask", "GBP_USD")
    SECRET, HEADER = KEY, "Authorization: Bearer KEY"

    def settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CANDLEBOOK_OANDA_TOKEN", KEY)


class TestMassive(Base):
    SERVER, MAKE = providers.Massive, Massive
    SECRET, HEADER = KEY, "Authorization: Bearer KEY"

    def settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CANDLEBOOK_MASSIVE_KEY", KEY)
        monkeypatch.setenv("CANDLEBOOK_MASSIVE_REST", "http://127.0.0.1:1")


class TestByKey(Base):
    SERVER, MAKE = providers.ByKey, ByKey
    SECRET, HEADER = KEY, "Authorization: Bearer KEY"

    def settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATA_API_KEY", KEY)
        monkeypatch.setenv("DATA_API_BASE", "http://127.0.0.1:1")
        monkeypatch.setenv("DATA_API_SYMBOLS", "/symbols")
