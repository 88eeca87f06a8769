from __future__ import annotations

import doctest
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import lib.sources.oanda
from lib.candles import conform
from lib.errors import BadAnswer, UnknownName
from lib.sources import catalog
from lib.sources.limits import budgets
from lib.sources.oanda import Oanda, parse_candles
from lib.timeframes import parse
from tests.servers import providers
from tests.servers.provider import Reply, Running
from tests.sources.clock import FakeClock
from tests.sources.support import at, same, whole


@pytest.fixture
def server(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[providers.Oanda]:
    monkeypatch.setenv("CANDLEBOOK_OANDA_TOKEN", "some-token")
    made = providers.Oanda(clock)
    made.key = ("Authorization", "Bearer some-token")
    for name, price in (("EUR_USD", 1.1), ("EUR_USD.bid", 1.0999), ("EUR_USD.ask", 1.1001)):
        made.add(name, "2005-01-03", price=price, weekends=True)
    with Running(made) as running:
        made.url = running.url  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def source(server: providers.Oanda, clock: FakeClock) -> Oanda:
    return Oanda(server.url, clock=clock)  # type: ignore[attr-defined]


def test_the_examples_in_the_text_hold() -> None:
    ran = doctest.testmod(lib.sources.oanda)
    assert (ran.failed, ran.attempted) == (0, 2)


def test_a_recorded_answer_goes_through_the_parser(market_data: Path) -> None:
    raw = parse_candles((market_data / "E_wire/oanda/candles_DE30_EUR_M5.json").read_bytes())
    table = conform(raw, parse("5m")).table
    assert table.index[0] == at("2016-10-17 19:35")
    assert table.iloc[0].tolist() == [10503.8, 10508.0, 10503.8, 10506.0, 132.0]
    assert len(table) == len(raw) == 5
    assert raw["complete"].all()


def test_a_recorded_refusal_is_an_unknown_name(
    market_data: Path, source: Oanda, server: providers.Oanda, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = json.loads((market_data / "E_wire/oanda/error_400_invalid_instrument.json").read_bytes())
    monkeypatch.setattr(server, "respond", lambda request: Reply(400, said))
    with pytest.raises(UnknownName, match=r"no symbol 'EUR_US'.*OANDA writes its instruments as EUR_USD"):
        source.recent("EUR_US", parse("1m"), 5)


def test_bid_ask_and_middle_are_series_of_their_own(source: Oanda, server: providers.Oanda) -> None:
    for symbol in ("EUR_USD", "EUR_USD.bid", "EUR_USD.ask"):
        got = whole(source, symbol, "1h", "2024-02-28", "2024-03-05")
        same(got, server.truth(symbol, "1h", "2024-02-28", "2024-03-05"))
    asked = [one.params["price"] for one in server.log if server.is_candles(one)]
    assert list(dict.fromkeys(asked)) == ["M", "B", "A"]
    with pytest.raises(UnknownName, match="Did you mean EUR_USD"):
        source.recent("EUR_USD.mid", parse("1m"), 5)


@pytest.mark.parametrize("timeframe", [str(one) for one in Oanda.timeframes])
def test_every_granularity_is_complete(source: Oanda, server: providers.Oanda, timeframe: str) -> None:
    start, end = {"s": ("2024-03-14 11:11:11", "2024-03-14 13:00"), "d": ("2019-01-05", "2024-03-15")}.get(
        timeframe[-1], ("2024-03-06", "2024-03-13")
    )
    if timeframe[-1] in "wM":
        start, end = "2008-01-05", "2024-03-15"
    same(whole(source, "EUR_USD", timeframe, start, end), server.truth("EUR_USD", timeframe, start, end))
    assert server.over == 0


def test_the_beginning_is_found_by_days_and_a_weekend_costs_two_for_each_window(
    source: Oanda, server: providers.Oanda
) -> None:
    got = whole(source, "EUR_USD", "1m", None, "2005-01-17")
    same(got, server.truth("EUR_USD", "1m", "2000-01-01", "2005-01-17"))
    assert server.asked <= 16
    server.asked = 0
    whole(source, "EUR_USD", "5s", "2024-03-08 20:00", "2024-03-10 23:00")  # 7 windows fit into the weekend
    assert server.asked <= 17


def test_a_range_into_the_future_is_no_error(
    source: Oanda, server: providers.Oanda, clock: FakeClock
) -> None:
    got = whole(source, "EUR_USD", "1h", "2024-03-15", "2024-03-20")
    assert got.index[-1] == at("2024-03-15 11:00")
    assert whole(source, "EUR_USD", "1h", "2024-03-15 18:00", "2024-03-20").empty


def test_the_forming_candle_is_told_by_the_provider_not_by_a_clock(
    source: Oanda, server: providers.Oanda
) -> None:
    server.skew = 86_400.0
    got = whole(source, "EUR_USD", "1h", "2024-03-15", None)
    assert got.index[-1] == at("2024-03-15 11:00")
    assert source.recent("EUR_USD", parse("1h"), 3).forming.index[0] == at("2024-03-15 12:00")


def test_all_its_limits_are_shown(source: Oanda) -> None:
    source.recent("EUR_USD", parse("1m"), 5)
    assert [(use.name, use.limit) for use in budgets()["oanda"].limits] == [
        ("a second", 120),
        ("connections a second", 2),
    ]


def test_the_account_may_be_set(
    source: Oanda, server: providers.Oanda, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert source.symbols() == ("EUR_USD",)
    assert server.log[0].path == "/v3/accounts"
    monkeypatch.setenv("CANDLEBOOK_OANDA_ACCOUNT", "101-004-1-001")
    server.log.clear()
    catalog.forget(server.url)  # type: ignore[attr-defined]
    assert source.symbols() == ("EUR_USD",)
    assert len(server.log) == 1


def test_another_shape_is_a_bad_answer() -> None:
    for body in (b"{}", b'{"candles":5}', b'{"candles":[{"time":"x"}]}',
                 b'{"candles":[{"time":"x","volume":1,"complete":true,"mid":{"o":1}}]}',
                 b'{"candles":[{"time":"x","volume":1,"complete":true,"mid":{"o":1,"h":1,"l":1,"c":1}}]}'):  # fmt: skip
        with pytest.raises(BadAnswer):
            parse_candles(body)
