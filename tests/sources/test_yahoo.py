from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yfinance

import lib.sources.yahoo
from lib.errors import (
    BadAnswer,
    Blocked,
    CandlebookError,
    InputError,
    RateLimited,
    SourceDown,
    UnknownName,
)
from lib.sources import foreign, registry
from lib.sources.base import Source
from lib.sources.limits import budgets
from lib.sources.yahoo import Yahoo, parse_frame
from lib.sources.yahoo_wire import ours
from lib.timeframes import parse
from tests.servers.faults import PASSING, Fault
from tests.servers.provider import Provider, Running
from tests.servers.yahoo_chart import YahooChart
from tests.sources.clock import FakeClock
from tests.sources.conformance import SourceConformance

# yfinance's own lines, not ours
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def provider(clock: FakeClock) -> Iterator[YahooChart]:
    made = YahooChart(clock)
    for name, price in {"BTC-USD": 30_000.0, "BTC-EUR": 28_000.0, "ETH-USD": 2_000.0}.items():
        made.add(name, "2019-09-04", price=price)
    with Running(made) as running:
        made.url = running.url  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def yahoo(provider: YahooChart, clock: FakeClock) -> Yahoo:
    return Yahoo(provider.url, clock=clock, timeout=30.0)  # type: ignore[attr-defined]


def whole(source: Source, symbol: str, timeframe: str, start: str | None, end: str | None) -> pd.DataFrame:
    low, high = (None if text is None else pd.Timestamp(text, tz="UTC") for text in (start, end))
    return pd.concat([page.table for page in source.pages(symbol, parse(timeframe), low, high)])


def same(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    # yfinance makes whole numbers of volumes, by cutting them
    cut = expected.assign(volume=expected["volume"].astype("int64").astype("float64"))
    pd.testing.assert_frame_equal(got, cut, check_freq=False, check_exact=True)


class TestConformance(SourceConformance):
    @pytest.fixture
    def source(self, yahoo: Yahoo) -> Source:
        return yahoo

    @pytest.fixture
    def symbol(self, provider: Provider) -> str:
        return "BTC-USD"

    @pytest.fixture
    def now(self, clock: FakeClock) -> pd.Timestamp:
        return pd.Timestamp(clock.time(), unit="s", tz="UTC")


# ----------------------------------------------------------------------------------------------- ranges


@pytest.mark.parametrize(
    ("timeframe", "start"),
    [("1m", "2024-02-20"), ("2m", "2024-02-01"), ("5m", "2024-02-01"), ("15m", "2024-02-01"),
     ("1h", "2022-05-01"), ("1d", "2019-09-04")],
)  # fmt: skip
def test_every_timeframe_in_as_many_requests_as_its_reach_needs(
    yahoo: Yahoo, provider: YahooChart, timeframe: str, start: str
) -> None:
    same(
        whole(yahoo, "BTC-USD", timeframe, start, "2024-03-15 12:00"),
        provider.truth("BTC-USD", timeframe, start, "2024-03-15 12:00"),
    )
    assert provider.asked == (9 if timeframe == "1m" else 1)


def test_half_hours_are_made_of_quarters(yahoo: Yahoo, provider: YahooChart) -> None:
    got = whole(yahoo, "BTC-USD", "30m", "2024-03-01", "2024-03-02")
    quarters = whole(yahoo, "BTC-USD", "15m", "2024-03-01", "2024-03-02")
    assert len(got) == 48
    assert got["close"].tolist() == quarters["close"][1::2].tolist()


@pytest.mark.parametrize(
    ("timeframe", "first"), [("1m", "2024-02-15"), ("15m", "2024-01-16"), ("1h", "2022-03-17")]
)
def test_what_is_older_is_not_asked_for(yahoo: Yahoo, timeframe: str, first: str) -> None:
    table = whole(yahoo, "BTC-USD", timeframe, None, "2024-03-15 12:00")
    assert (
        pd.Timestamp(first, tz="UTC") <= table.index[0] <= pd.Timestamp(first, tz="UTC") + pd.Timedelta("1d")
    )
    assert table.index[-1] == parse(timeframe).after(pd.Timestamp("2024-03-15 12:00", tz="UTC"), -1)


def test_a_refusal_of_the_range_keeps_its_words(yahoo: Yahoo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Yahoo, "_oldest", lambda self, timeframe: 0)
    with pytest.raises(InputError, match=r"refused the request: 1m data not available for startTime"):
        whole(yahoo, "BTC-USD", "1m", "2023-01-01", "2023-01-02")


def test_a_closed_market_is_no_error(yahoo: Yahoo, provider: YahooChart) -> None:
    day = 86_400_000_000
    friday = int(pd.Timestamp("2024-03-01 22:00", tz="UTC").timestamp()) * 1_000_000
    provider.add("SHUT", "2020-01-01", halts=((friday, friday + 9 * day),))
    same(
        whole(yahoo, "SHUT", "1m", "2024-02-28", "2024-03-13"),
        provider.truth("SHUT", "1m", "2024-02-28", "2024-03-13"),
    )
    assert len(whole(yahoo, "SHUT", "1m", "2024-03-04", "2024-03-05")) == 0


@pytest.mark.parametrize(
    ("zone", "session"),
    [("America/New_York", 9.5), ("Asia/Tokyo", 9.0), ("Australia/Sydney", 10.0), ("Europe/London", 0.0),
     ("America/Sao_Paulo", 10.0), ("Pacific/Auckland", 10.0), ("UTC", 0.0)],
)  # fmt: skip
def test_a_day_is_stamped_with_its_trading_date(
    yahoo: Yahoo, provider: YahooChart, zone: str, session: float
) -> None:
    provider.zone, provider.session = zone, session
    got = whole(yahoo, "BTC-USD", "1d", "2024-01-10", "2024-03-01")
    same(got, provider.truth("BTC-USD", "1d", "2024-01-10", "2024-03-01"))
    assert (got.index == got.index.normalize()).all()


def test_prices_are_not_adjusted(yahoo: Yahoo, provider: YahooChart) -> None:
    """The server's adjusted closes are half of the others."""
    got = whole(yahoo, "BTC-USD", "1d", "2024-01-10", "2024-03-01")
    same(got, provider.truth("BTC-USD", "1d", "2024-01-10", "2024-03-01"))


def test_the_price_of_this_moment_is_no_candle(yahoo: Yahoo, provider: YahooChart) -> None:
    provider.live = True
    recent = yahoo.recent("BTC-USD", parse("1m"), 30)
    assert recent.closed.index[-1] == pd.Timestamp("2024-03-15 12:33", tz="UTC")
    assert recent.forming.index.tolist() == [pd.Timestamp("2024-03-15 12:34", tz="UTC")]


# ----------------------------------------------------------------------------------------------- faults


def test_a_bare_null_is_not_taken_for_a_closed_market(provider: YahooChart, yahoo: Yahoo) -> None:
    """To yfinance it is the same as a range without candles."""
    provider.faults = dict.fromkeys(range(1, 40), Fault("null"))
    with pytest.raises(BadAnswer, match="no JSON object"):
        whole(yahoo, "BTC-USD", "1m", "2024-03-10", "2024-03-11")


@pytest.mark.parametrize("kind", PASSING)
def test_a_fault_that_passes(provider: YahooChart, clock: FakeClock, kind: str) -> None:
    seconds = 0.25 if kind == "slow" else 30.0
    yahoo = Yahoo(provider.url, clock=clock, timeout=seconds)  # type: ignore[attr-defined]
    yahoo.page = 500
    provider.faults = {number: Fault(kind) for number in ([2] if kind == "slow" else [2, 4])}
    span = ("2024-03-10", "2024-03-11 12:00")
    same(whole(yahoo, "BTC-USD", "1m", *span), provider.truth("BTC-USD", "1m", *span))


@pytest.mark.parametrize(
    ("status", "wanted"),
    [("401", Blocked), ("403", Blocked), ("404", UnknownName), ("429", RateLimited), ("429 seconds", RateLimited),
     ("451", Blocked), ("500", SourceDown), ("503", SourceDown), ("html", BadAnswer), ("truncated", BadAnswer),
     ("closed", SourceDown)],
)  # fmt: skip
def test_a_fault_that_stays(
    yahoo: Yahoo, provider: YahooChart, status: str, wanted: type[CandlebookError]
) -> None:
    provider.faults = {number: Fault(status) for number in range(1, 99)}
    with pytest.raises(wanted) as caught:
        yahoo.recent("BTC-USD", parse("1m"), 5)
    assert "crumb" not in str(caught.value).lower()


def test_a_spoilt_answer_is_not_kept_by_the_library(yahoo: Yahoo, provider: YahooChart) -> None:
    """The library keeps answers of past ranges, spoilt ones too."""
    provider.faults = {1: Fault("truncated"), 2: Fault("html")}
    assert len(whole(yahoo, "BTC-USD", "1d", "2024-01-10", "2024-02-01")) == 22


def test_an_unknown_symbol_is_searched_for(yahoo: Yahoo, provider: YahooChart) -> None:
    with pytest.raises(UnknownName, match=r"no symbol 'BTC-UST'\. Did you mean BTC-USD or BTC-EUR"):
        yahoo.recent("BTC-UST", parse("1d"), 5)
    assert len(provider.log) <= 4  # cookie, crumb, symbol, search


@pytest.mark.parametrize("symbol", ["btc-usd", "A/../B", "A?x=1", "", "Ä", "A B"])
def test_what_cannot_be_a_symbol_is_not_asked_for(yahoo: Yahoo, provider: YahooChart, symbol: str) -> None:
    with pytest.raises(UnknownName):
        yahoo.recent(symbol, parse("1d"), 5)
    assert not [one for one in provider.log if "chart" in one.path]


def test_its_requests_are_counted(yahoo: Yahoo, provider: YahooChart) -> None:
    whole(yahoo, "BTC-USD", "1m", "2024-02-20", "2024-03-15")
    budget = budgets()["yahoo"]
    assert budget.limits[0].limit == 60
    assert budget.limits[0].used == len(provider.log) >= 5


def test_nothing_listens(clock: FakeClock) -> None:
    with pytest.raises(SourceDown, match="could not be reached"):
        Yahoo("http://127.0.0.1:1", clock=clock).recent("AAPL", parse("1d"), 5)


def test_every_error_of_yfinance_has_one_of_ours() -> None:
    yf = yfinance.exceptions
    made: dict[type[BaseException], tuple[BaseException, type[CandlebookError]]] = {
        yf.YFException: (yf.YFException("x"), BadAnswer),
        yf.YFDataException: (yf.YFDataException("x"), SourceDown),
        yf.YFNotImplementedError: (yf.YFNotImplementedError("x"), InputError),
        yf.YFTickerMissingError: (yf.YFTickerMissingError("A", "x"), BadAnswer),
        yf.YFTzMissingError: (yf.YFTzMissingError("A"), UnknownName),
        yf.YFPricesMissingError: (yf.YFPricesMissingError("A", "x"), BadAnswer),
        yf.YFEarningsDateMissing: (yf.YFEarningsDateMissing("A"), BadAnswer),
        yf.YFInvalidPeriodError: (yf.YFInvalidPeriodError("A", "x", "y"), InputError),
        yf.YFRateLimitError: (yf.YFRateLimitError(), RateLimited),
    }
    there = {one for one in vars(yf).values() if isinstance(one, type) and issubclass(one, Exception)}
    assert there == set(made)
    for error, wanted in made.values():
        assert type(ours(error, yf, 200, None)) is wanted


# ------------------------------------------------------------------------------------------------ frames


def test_frames_of_another_shape() -> None:
    with pytest.raises(BadAnswer, match="without times"):
        parse_frame(pd.DataFrame({"Open": [1.0]}), parse("1d"))
    index = pd.DatetimeIndex(["2024-01-02"], tz="America/New_York")
    with pytest.raises(BadAnswer, match="without High, Low"):
        parse_frame(pd.DataFrame({"Open": [1.0], "Close": [1.0]}, index=index), parse("1d"))


def test_the_example_in_the_text_holds() -> None:
    ran = doctest.testmod(lib.sources.yahoo)
    assert (ran.failed, ran.attempted) == (0, 3)


# --------------------------------------------------------------------------------------------- optional


def test_it_is_imported_when_it_is_used() -> None:
    code = (
        "import sys; from lib.sources import registry\n"
        "source = registry.get('yahoo'); source.live, source.timeframes, source.title\n"
        "print('yfinance' in sys.modules, 'curl_cffi' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "False"], done.stderr


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def missing(name: str) -> Any:
        if name == "yfinance":
            raise ModuleNotFoundError("No module named 'yfinance'", name="yfinance")
        return real(name)

    monkeypatch.setattr(foreign, "importlib", SimpleNamespace(import_module=missing))
    yahoo = Yahoo("http://127.0.0.1:2")
    words = r"needs the Python package yfinance.*pip install -r requirements-optional\.txt"
    for call in (
        yahoo.symbols,
        lambda: yahoo.recent("AAPL", parse("1d"), 5),
        lambda: list(yahoo.pages("AAPL", parse("1d"), None, None)),
    ):
        with pytest.raises(InputError, match=words):
            call()
    assert registry.get("yahoo").timeframes
