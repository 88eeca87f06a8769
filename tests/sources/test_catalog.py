from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import SourceDown, UnknownName
from lib.sources import catalog, registry
from tests.sources.clock import FakeClock

SYMBOLS = ("BTC/EUR", "BTC/USD", "BTCUSDT", "ETH/BTC", "EUR/USD", "EURUSD.bid", "WBTC/USD", "XAU/EUR")


def test_the_best_match_comes_first() -> None:
    assert catalog.rank("btc", SYMBOLS) == ("BTC/EUR", "BTC/USD", "BTCUSDT", "ETH/BTC", "WBTC/USD")
    assert catalog.rank("EURUSD", SYMBOLS) == ("EUR/USD", "EURUSD.bid")
    assert catalog.rank("eur_usd", SYMBOLS)[0] == "EUR/USD"
    assert catalog.rank("btc", SYMBOLS, limit=2) == ("BTC/EUR", "BTC/USD")
    assert catalog.rank("zzz", SYMBOLS) == ()
    assert len(catalog.rank("", SYMBOLS)) == len(SYMBOLS)


@given(st.lists(st.text(min_size=1, max_size=8), unique=True), st.text(max_size=4), st.integers(0, 5))
def test_what_is_found_holds_the_text(symbols: list[str], text: str, limit: int) -> None:
    found = catalog.rank(text, symbols, limit)
    assert len(found) == min(limit, sum(catalog.plain(text) in catalog.plain(one) for one in symbols))
    assert set(found) <= set(symbols)
    assert all(catalog.plain(text) in catalog.plain(one) for one in found)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("btcusd", "BTC/USD"),
        ("EUR-USD", "EUR/USD"),
        ("EUR/UDS", "EUR/USD"),
        ("XAU", "XAU/EUR"),
        ("BTCUSD T", "BTCUSDT"),
    ],
)
def test_the_nearest_is_what_was_meant(wrong: str, right: str) -> None:
    assert catalog.nearest(wrong, SYMBOLS)[0] == right


@pytest.mark.parametrize("wrong", ["", "???", "QQQQQQQQ"])
def test_nothing_is_near(wrong: str) -> None:
    assert catalog.nearest(wrong, SYMBOLS) == []


def test_a_long_list_is_searched_at_once() -> None:
    many = [
        f"{a}{b}{c}/{d}"
        for a in "ABCDEFGHIJ"
        for b in "KLMNOPQRST"
        for c in "UVWXYZABCD"
        for d in ("USD", "EUR")
    ]
    began = time.process_time()
    assert catalog.rank("BKU", many)[0] == "BKU/EUR"
    assert "BKU/USD" in catalog.nearest("BKUUSDD", many)
    assert time.process_time() - began < 1


def test_a_list_is_kept_for_an_hour() -> None:
    clock, loads = FakeClock(), []

    def load() -> tuple[str, ...]:
        loads.append(clock.now)
        return ("A",)

    for seconds in (0, 100, 3400, 200, 10):
        clock.now += seconds
        assert catalog.listed("test hour", clock, load) == ("A",)
    assert len(loads) == 2
    catalog.forget("test hour")
    catalog.listed("test hour", clock, load)
    assert len(loads) == 3


# ------------------------------------------------------------------------------------------------ search


class Slow:
    """A source whose list takes its time, or cannot be had."""

    def __init__(self, error: bool = False) -> None:
        self.go = threading.Event()
        self.asked = 0
        self.error = error

    def symbols(self) -> tuple[str, ...]:
        self.asked += 1
        if self.error:
            raise SourceDown("It is down.")
        self.go.wait(20)
        return SYMBOLS


def test_a_search_does_not_wait_long_and_has_the_list_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_loading", {})
    source = Slow()
    monkeypatch.setattr(registry, "get", lambda name: source)
    monkeypatch.setattr(registry, "_SEARCH_SECONDS", 0.2)
    began = time.monotonic()
    assert registry.search("binance", "btc") == ()
    assert registry.search("binance", "btc") == ()
    assert time.monotonic() - began < 15  # the list itself takes 20
    assert source.asked == 1  # the second waited with the first
    source.go.set()
    monkeypatch.setattr(registry, "_SEARCH_SECONDS", 60.0)
    assert registry.search("binance", "btc")[0] == "BTC/EUR"


def test_a_list_that_cannot_be_had_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_loading", {})
    source = Slow(error=True)
    monkeypatch.setattr(registry, "get", lambda name: source)
    assert registry.search("binance", "btc") == ()
    assert registry.search("binance", "btc") == ()
    assert source.asked == 1, "not again at once"
    monkeypatch.setattr(registry, "_ASK_AGAIN_SECONDS", 0.0)
    assert registry.search("binance", "btc") == ()
    assert source.asked == 2


@pytest.mark.parametrize("name", registry.names())
def test_the_registry_knows_what_is_live_and_what_is_invented(name: str) -> None:
    source = registry.get(name)
    [entry] = [entry for entry in registry.entries() if entry.name == name]
    assert (entry.live, entry.synthetic) == (source.live, source.synthetic)


def test_a_source_without_its_key_is_not_asked() -> None:
    assert registry.search("oanda", "EUR") == ()
    assert registry.lacking("oanda").startswith(
        "The setting CANDLEBOOK_OANDA_TOKEN is missing. A free practice"
    )
    assert registry.lacking("binance") == ""
    with pytest.raises(UnknownName, match="Did you mean oanda"):
        registry.search("onda", "EUR")


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = registry.Entry(
        "odd", "Odd", "no.such:Odd", "", "X", hint="Run: pip install odd", packages=("no_such",)
    )
    monkeypatch.setattr(registry, "_ENTRIES", {"odd": entry})
    assert registry.lacking("odd") == "The Python package no_such is not installed. Run: pip install odd"
