from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ccxt
import pandas as pd
import pytest

import lib.sources.ccxt_rest
import lib.sources.ccxt_wire
from lib.errors import (
    BadAnswer,
    Blocked,
    CandlebookError,
    InputError,
    RateLimited,
    SourceDown,
    UnknownName,
)
from lib.series import Series
from lib.sources import ccxt_wire, foreign, registry
from lib.sources.base import Source
from lib.sources.ccxt_rest import Ccxt, exchanges, parse_rows
from lib.sources.ccxt_wire import ours
from lib.sources.failures import FOREIGN
from lib.sources.limits import budgets
from lib.store import LocalFiles, Store
from lib.sync import download
from lib.timeframes import parse
from tests.servers.ccxt_hosts import Bitstamp, Kraken
from tests.servers.faults import Fault
from tests.servers.provider import Provider, Running
from tests.sources.clock import FakeClock
from tests.sources.conformance import FaultConformance, SourceConformance

ROOT = Path(__file__).resolve().parents[2]


class Base(SourceConformance):
    EXCHANGE = ""
    SERVER: type[Provider]

    @pytest.fixture
    def provider(self, clock: FakeClock) -> Iterator[Provider]:
        made = self.SERVER(clock)
        for name, price in {"BTC/USD": 30_000.0, "ETH/BTC": 0.05, "ETH/USD": 2_000.0}.items():
            made.add(name, "2023-09-04", price=price)
        with Running(made) as running:
            ccxt_wire.forget(running.url)
            self.url = running.url
            yield made

    @pytest.fixture
    def source(self, provider: Provider, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Source:
        monkeypatch.setenv("CANDLEBOOK_CCXT_EXCHANGES", f"kraken,{self.EXCHANGE}")
        return Ccxt(self.EXCHANGE, self.url, clock=clock, timeout=30.0)

    @pytest.fixture
    def symbol(self, provider: Provider) -> str:
        return "BTC/USD"

    @pytest.fixture
    def now(self, clock: FakeClock) -> pd.Timestamp:
        return pd.Timestamp(clock.time(), unit="s", tz="UTC")


class TestFromATimeOn(Base):
    EXCHANGE = "kraken"
    SERVER = Kraken


class TestFaults(Base, FaultConformance):
    EXCHANGE = "kraken"

    class SERVER(Kraken):
        most = 100

    @pytest.fixture
    def source(self, provider: Provider, clock: FakeClock, seconds: float) -> Source:
        source = Ccxt(self.EXCHANGE, self.url, clock=clock, timeout=seconds)
        source.page = 99
        return source

    def test_the_limit_is_nearly_used_and_never_passed(
        self, provider: Provider, source: Source, symbol: str, clock: FakeClock
    ) -> None:
        source.page = 2  # type: ignore[attr-defined]
        start, began = pd.Timestamp("2024-02-20 11:11:11", tz="UTC"), clock.now
        for _ in source.pages(symbol, parse("1m"), start, None):
            if clock.now - began > 900:
                break
        assert provider.over == 0
        spent = sum(one.at < began + 900 for one in provider.log)
        assert 0.9 * 50 * 15 <= spent <= 50 * 16
        budget = budgets()["ccxt.kraken"]
        assert budget.limits[0].limit == 60
        assert 0 < budget.limits[0].used <= 60


class TestWindows(Base):
    EXCHANGE = "bitstamp"
    SERVER = Bitstamp

    def test_halts_are_crossed_and_nothing_is_missing(
        self, provider: Provider, source: Source, clock: FakeClock
    ) -> None:
        day = 86_400_000_000
        first = int(pd.Timestamp("2024-01-10", tz="UTC").timestamp()) * 1_000_000
        provider.add("HALT/USD", "2024-01-05 07:13", halts=((first, first + 20 * day),))
        table = pd.concat([page.table for page in source.pages("HALT/USD", parse("1m"), None, None)])
        expected = provider.truth("HALT/USD", "1m", "2024-01-01", "2024-03-15 12:50")
        pd.testing.assert_frame_equal(table, expected, check_freq=False, check_exact=True)
        # 12 minutes' pages of 999 for each of 55 days, and some to find the way over 20 days
        assert provider.asked < 55 * 1440 / 999 * 1.1 + 25


@pytest.fixture
def kraken(clock: FakeClock) -> Iterator[SimpleNamespace]:
    made = Kraken(clock)
    made.add("BTC/USD", "2023-09-04", price=30_000.0)
    with Running(made) as running:
        ccxt_wire.forget(running.url)
        yield SimpleNamespace(host=made, url=running.url, source=Ccxt("kraken", running.url, clock=clock))


def whole(source: Source, symbol: str, timeframe: str, start: str, end: str) -> pd.DataFrame:
    low, high = pd.Timestamp(start, tz="UTC"), pd.Timestamp(end, tz="UTC")
    return pd.concat([page.table for page in source.pages(symbol, parse(timeframe), low, high)])


# ---------------------------------------------------------------------------------------------- answers


def test_an_exchange_that_gives_its_newest_only_has_nothing_older(kraken: SimpleNamespace) -> None:
    """Its newest 720 whatever is asked: they come, and what is older does not exist there."""
    kraken.host.newest = True
    got = whole(kraken.source, "BTC/USD", "1m", "2024-03-10", "2024-03-15 12:00")
    truth = kraken.host.truth("BTC/USD", "1m", "2024-03-10", "2024-03-15 12:00")
    assert 600 < len(got) < 720
    pd.testing.assert_frame_equal(got, truth.loc[got.index[0] :], check_freq=False, check_exact=True)


@pytest.mark.parametrize("timeframe", ["1m", "5m", "1h", "4h", "1d"])
def test_every_timeframe_is_asked_in_its_own_spelling(kraken: SimpleNamespace, timeframe: str) -> None:
    got = whole(kraken.source, "BTC/USD", timeframe, "2024-03-01", "2024-03-15 12:00")
    truth = kraken.host.truth("BTC/USD", timeframe, "2024-03-01", "2024-03-15 12:00")
    pd.testing.assert_frame_equal(got, truth, check_freq=False, check_exact=True)
    asked = {one.params["interval"] for one in kraken.host.log if kraken.host.is_candles(one)}
    assert asked == {str(parse(timeframe).seconds // 60)}


def test_what_is_called_otherwise_than_it_is_long_is_not_offered(kraken: SimpleNamespace) -> None:
    """The first exchange's two weeks are 15 days, the second's week is three."""
    assert "2w" in ccxt.kraken().timeframes
    assert "1w" in ccxt.bitstamp().timeframes
    assert str(kraken.source.timeframes[-1]) == "1w"
    assert str(Ccxt("bitstamp", kraken.url).timeframes[-1]) == "1d"


def test_the_markets_are_loaded_once_for_all(kraken: SimpleNamespace, clock: FakeClock) -> None:
    for _ in range(3):
        Ccxt("kraken", kraken.url, clock=clock).recent("BTC/USD", parse("1m"), 5)
    assert [one.path for one in kraken.host.log].count("/0/public/AssetPairs") == 1
    assert budgets()["ccxt.kraken"].limits[0].limit == 60
    assert budgets()["ccxt.kraken"].limits[0].used == 2 + int(3 * 1.2)


def test_a_series_of_it_is_stored_and_named(kraken: SimpleNamespace, tmp_path: Path) -> None:
    store = Store(LocalFiles(tmp_path / "kept"))
    start, end = (pd.Timestamp(text, tz="UTC") for text in ("2024-03-14", "2024-03-15"))
    download(store, kraken.source, "BTC/USD", "1m", start, end)
    series = Series("ccxt.kraken", "BTC/USD", parse("1m"))
    assert series.slug == "ccxt.kraken:BTC%2FUSD:1m"
    assert Series.from_slug(series.slug) == series
    assert [one.series for one in store.list()] == [series]
    assert len(store.read(series)) == 1440


def test_stop_ends_a_wait_for_the_limit(kraken: SimpleNamespace, clock: FakeClock) -> None:
    import threading

    stop = threading.Event()
    walk = kraken.source.pages("BTC/USD", parse("1m"), pd.Timestamp("2024-02-01", tz="UTC"), None, stop=stop)
    next(walk)
    stop.set()
    assert list(walk) == []


@pytest.mark.parametrize(
    "rows",
    [None, {}, "x", [1], [[1, 2]], [["1711929600000", 1, 1, 1, 1, 1]], [[1711929600000, 1, 1, "x", 1, 1]]],
)
def test_another_shape_is_a_bad_answer(rows: Any) -> None:
    with pytest.raises(BadAnswer):
        parse_rows(rows)


def test_rows_before_the_start_and_without_volume() -> None:
    rows = [[1711929600000, 1.0, 2.0, 0.5, 1.5, None], [1711929660000, 1.0, 2.0, 0.5, 1.5, 3.0]]
    assert parse_rows(rows, 1711929600000_001)["volume"].tolist() == [3.0]
    assert parse_rows(rows)["volume"].isna().tolist() == [True, False]


def test_the_examples_in_the_text_hold() -> None:
    for module in (lib.sources.ccxt_rest, lib.sources.ccxt_wire):
        ran = doctest.testmod(module)
        assert (ran.failed, ran.attempted) == (0, 1)


# --------------------------------------------------------------------------------------------- exceptions


def family(top: type[BaseException]) -> list[type[BaseException]]:
    return [top, *(one for child in top.__subclasses__() for one in family(child))]


WANTED = {
    ccxt.BadSymbol: UnknownName,
    ccxt.RateLimitExceeded: RateLimited,
    ccxt.DDoSProtection: RateLimited,
    ccxt.AuthenticationError: Blocked,
    ccxt.PermissionDenied: Blocked,
    ccxt.RestrictedLocation: Blocked,
    ccxt.NetworkError: SourceDown,
    ccxt.RequestTimeout: SourceDown,
    ccxt.ExchangeNotAvailable: SourceDown,
    ccxt.OnMaintenance: SourceDown,
    ccxt.NotSupported: InputError,
    ccxt.BadRequest: InputError,
    ccxt.ArgumentsRequired: InputError,
    ccxt.InvalidProxySettings: InputError,
    ccxt.BadResponse: BadAnswer,
    ccxt.NullResponse: BadAnswer,
    ccxt.ExchangeError: BadAnswer,
    ccxt.BaseError: BadAnswer,
}


@pytest.mark.parametrize("kind", sorted(set(family(ccxt.BaseError)), key=lambda one: one.__name__))
def test_every_error_of_ccxt_has_one_of_ours(kind: type[Exception]) -> None:
    foreign_text = "kraken GET https://api.kraken.com/0/public/OHLC?secret=s3cret {body}"
    made = ours(kind(foreign_text), ccxt, "kraken (ccxt)", "api.kraken.com")
    assert isinstance(made, CandlebookError)
    assert "s3cret" not in str(made) + repr(made.fields)
    if kind in WANTED:
        assert type(made) is WANTED[kind]


@pytest.mark.parametrize(
    ("status", "wanted"),
    [(400, InputError), (401, Blocked), (403, Blocked), (404, BadAnswer), (418, Blocked), (429, RateLimited),
     (451, Blocked), (500, SourceDown), (520, SourceDown)],
)  # fmt: skip
def test_a_status_says_more_than_its_exception(status: int, wanted: type[CandlebookError]) -> None:
    made = ours(ccxt.ExchangeNotAvailable("x"), ccxt, "kraken (ccxt)", "api.kraken.com", status, 7.0)
    assert type(made) is wanted
    assert made.fields["status"] == status
    if isinstance(made, RateLimited):
        assert made.retry_after == 7.0


def test_what_lies_below_an_exception_is_told(clock: FakeClock) -> None:
    assert FOREIGN
    nowhere = Ccxt("kraken", "http://127.0.0.1:1", clock=clock)
    with pytest.raises(SourceDown, match=r"kraken \(ccxt\) \(127.0.0.1\) could not be reached: it refused"):
        nowhere.recent("BTC/USD", parse("1m"), 5)


def test_an_answer_that_ccxt_cannot_read(kraken: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = SimpleNamespace(status=200, data=[1, 2], headers={}, rows=None, put=None)
    monkeypatch.setattr(kraken.host, "respond", lambda request: odd)
    with pytest.raises(BadAnswer, match=r"kraken \(ccxt\)"):
        kraken.source.recent("BTC/USD", parse("1m"), 5)


def test_a_limit_told_in_the_body_is_waited_for(kraken: SimpleNamespace, clock: FakeClock) -> None:
    kraken.host.faults = {2: Fault("429 seconds")}
    got = whole(kraken.source, "BTC/USD", "1m", "2024-03-14", "2024-03-15")
    assert len(got) == 1440
    assert clock.waited > 7


# --------------------------------------------------------------------------------------------- names


def test_exchanges_are_listed_without_importing_it() -> None:
    assert exchanges() == tuple(sorted(ccxt.exchanges))
    code = (
        "import sys; from lib.sources import registry; from lib.sources.ccxt_rest import exchanges\n"
        "source = registry.get('ccxt.kraken'); assert len(exchanges()) > 90 and registry.names()\n"
        "print('ccxt' in sys.modules, source.live, source.title, type(source.timeframes) and 'ccxt' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "False", "kraken", "(ccxt)", "True"], done.stderr


def test_menus_offer_those_of_the_setting_and_any_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ccxt.kraken" in registry.names()
    monkeypatch.setenv("CANDLEBOOK_CCXT_EXCHANGES", "bitstamp, okx")
    entries = {entry.name: entry for entry in registry.entries()}
    assert "ccxt.kraken" not in entries
    assert entries["ccxt.okx"].title == "okx (ccxt)"
    assert list(registry.names()) == sorted(registry.names())
    assert registry.get("ccxt.gemini").name == "ccxt.gemini"


def test_an_unknown_exchange_brings_a_suggestion() -> None:
    with pytest.raises(UnknownName, match=r"no exchange 'krakn'\. Did you mean kraken"):
        registry.get("ccxt.krakn")
    with pytest.raises(UnknownName, match="no exchange '__init__'"):
        registry.get("ccxt.__init__")


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def missing(name: str) -> Any:
        if name.split(".")[0] == "ccxt":
            raise ModuleNotFoundError("No module named 'ccxt'", name="ccxt")
        return real(name)

    monkeypatch.setattr(foreign.importlib, "import_module", missing)
    monkeypatch.setattr(lib.sources.ccxt_rest.importlib.util, "find_spec", lambda name: None)
    source = Ccxt("kraken", "http://127.0.0.1:2")
    words = "needs the Python package ccxt.*pip install -r requirements-optional.txt"
    for call in (
        lambda: source.timeframes,
        source.symbols,
        lambda: source.recent("BTC/USD", parse("1m"), 5),
        lambda: list(source.pages("BTC/USD", parse("1m"), None, None)),
    ):
        with pytest.raises(InputError, match=words):
            call()
    assert "requirements-optional.txt" in registry.lacking("ccxt.kraken")


@pytest.mark.parametrize("name", sorted(ccxt.exchanges))
def test_every_exchange_can_be_made(name: str) -> None:
    """Its timeframes are read, its pace and page are numbers, its address moves. No request is made."""
    source = Ccxt(name, "http://127.0.0.1:3")
    assert list(source.timeframes) == sorted(source.timeframes)
    assert 1 <= source.page < 100_000
    urls = source._wire._made.urls["api"]
    assert all(leaf.startswith("http://127.0.0.1:3") for leaf in ccxt_wire._leaves(urls))
    assert source._wire._limiter.limits[0].amount >= 1
