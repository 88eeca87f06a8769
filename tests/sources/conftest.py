"""An exchange on a real port, with time that costs nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lib.sources import registry
from tests.servers.binance_rest import Exchange, Server, us
from tests.sources.clock import FakeClock

# 2024-03-15 12:34:56 UTC: in the middle of a candle of every timeframe above a second
NOW = us("2024-03-15 12:34:56") / 1e6


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def exchange(clock: FakeClock) -> Exchange:
    made = Exchange(now=clock.time)
    made.add("BTCUSDT", "2017-08-17 04:00", price=30_000.0)
    made.add("ETHBTC", "2024-03-01 07:17", price=0.05)
    made.add("ETHUSDT", "2024-03-01 07:17", price=2_000.0)
    halt = (us("2024-02-10 03:07"), us("2024-02-12 09:41"))
    made.add("HALTUSDT", "2024-02-01", halts=(halt,))
    made.add("GONEUSDT", "2024-01-01", delisted=us("2024-01-03 10:00"))
    return made


@pytest.fixture
def server(exchange: Exchange) -> Iterator[Server]:
    with Server(exchange) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_was_searched_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that could not be had is not asked for again for a minute; the tests before may have tried. On a
    busy machine it may take a while."""
    monkeypatch.setattr(registry, "_loading", {})
    monkeypatch.setattr(registry, "_SEARCH_SECONDS", 60.0)
