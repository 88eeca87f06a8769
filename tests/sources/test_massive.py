from __future__ import annotations

import doctest
from collections.abc import Iterator

import pytest

import lib.sources.massive
from lib.errors import BadAnswer, InputError, RateLimited, UnknownName
from lib.sources import limits, registry
from lib.sources.base import notes_to
from lib.sources.massive import Massive, Part, parse_batch, parse_candles, parse_symbols, parse_ticks
from lib.timeframes import parse, to_us
from tests.servers import providers
from tests.servers.provider import Reply, Running
from tests.sources.clock import FakeClock
from tests.sources.support import at, same, whole


@pytest.fixture
def server(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[providers.Massive]:
    monkeypatch.setenv("CANDLEBOOK_MASSIVE_KEY", "some-key")
    made = providers.Massive(clock)
    made.key = ("Authorization", "Bearer some-key")
    for name in ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD"):
        made.add(name, "2014-01-06", weekends=True)
    with Running(made) as running:
        monkeypatch.setenv("CANDLEBOOK_MASSIVE_REST", running.url)
        yield made


@pytest.fixture
def source(server: providers.Massive, clock: FakeClock) -> Massive:
    return Massive(clock=clock)


def test_the_examples_in_the_text_hold() -> None:
    ran = doctest.testmod(lib.sources.massive)
    assert (ran.failed, ran.attempted) == (0, 2)


@pytest.mark.parametrize("oldest", [True, False])
@pytest.mark.parametrize("closed_end", [True, False])
@pytest.mark.parametrize("timeframe", ["1m", "1h", "1d"])
def test_what_is_not_described_does_not_matter(
    source: Massive, server: providers.Massive, oldest: bool, closed_end: bool, timeframe: str
) -> None:
    """Whether a limit leaves the oldest or the newest, and whether the end belongs to the range."""
    server.oldest, server.closed_end, server.most = oldest, closed_end, 1000
    start, end = {"1m": ("2024-03-07 01:00", "2024-03-12"), "1h": ("2024-01-05", "2024-03-12")}.get(
        timeframe, ("2023-04-05", "2024-03-12")
    )
    same(whole(source, "EURUSD", timeframe, start, end), server.truth("EURUSD", timeframe, start, end))
    assert server.over == 0


@pytest.mark.parametrize("oldest", [True, False])
def test_a_server_that_gives_fewer_than_the_plan_says_hides_nothing(
    source: Massive, server: providers.Massive, oldest: bool
) -> None:
    """The plan of the settings may be another than that of the key. From a weekend on, and over one."""
    server.oldest, server.most = oldest, 300
    span = "2024-03-02 01:00", "2024-03-12"
    same(whole(source, "EURUSD", "5m", *span), server.truth("EURUSD", "5m", *span))
    cut = server.asked
    same(whole(source, "EURUSD", "5m", *span), server.truth("EURUSD", "5m", *span))
    assert server.asked - cut <= cut  # what was found is known the next time
    assert server.over == 0


def test_volume_that_is_absent_is_zero(source: Massive, server: providers.Massive) -> None:
    def without(request: object) -> Reply:
        reply = type(server).respond(server, request)  # type: ignore[arg-type]
        for row in reply.rows or []:
            row.pop("volume")
        return reply

    server.respond = without  # type: ignore[method-assign]
    got = whole(source, "EURUSD", "1h", "2024-03-07", "2024-03-08")
    assert len(got) == 24
    assert (got["volume"] == 0).all()


@pytest.mark.parametrize(
    ("plan", "minute", "page", "years"),
    [("Free", 10, 1000, 1), ("basic", 60, 5000, 5), ("PRO", 300, 50_000, 0)],
)
def test_the_plan_sets_limit_page_and_history(
    server: providers.Massive, clock: FakeClock, monkeypatch: pytest.MonkeyPatch,
    plan: str, minute: int, page: int, years: int,
) -> None:  # fmt: skip
    monkeypatch.setenv("CANDLEBOOK_MASSIVE_PLAN", plan)
    server.limits, server.most, server.days = ((minute, 60.0),), page, years * 365
    source = Massive(clock=clock)
    said: list[str] = []
    with notes_to(said.append):
        got = whole(source, "EURUSD", "1d", "2010-01-01", None)
    assert limits.budgets()["massive"].limit == minute
    assert max(int(one.params["limit"]) for one in server.log) == page
    first = {1: "2023-03-19", 5: "2019-03-18", 0: "2014-01-06"}[years]  # the 17th, a Friday, has no day
    assert got.index[0] == at(first)
    assert any("has nothing before" in one for one in said) == bool(years)
    assert server.over == 0


@pytest.mark.parametrize("start", [None, "2010-01-01"])
def test_nothing_is_asked_for_that_the_plan_does_not_reach(
    server: providers.Massive, source: Massive, start: str | None
) -> None:
    """Not even the day before, by which the beginning is looked for."""
    server.days = 365
    server.markets["EURUSD"].delisted = to_us(at("2023-03-21"))
    got = whole(source, "EURUSD", "5m", start, "2024-03-15")
    same(got, server.truth("EURUSD", "5m", "2023-03-17", "2024-03-15"))
    assert len(got) > 500


def test_a_plan_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLEBOOK_MASSIVE_PLAN", "gold")
    with pytest.raises(InputError, match=r"CANDLEBOOK_MASSIVE_PLAN is 'gold'\. Write Free, Basic or Pro"):
        registry.get("massive")


def test_without_its_address_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLEBOOK_MASSIVE_KEY", "some-key")
    with pytest.raises(InputError, match="CANDLEBOOK_MASSIVE_REST is missing"):
        Massive().recent("EURUSD", parse("1m"), 5)


def test_a_batch_stands_where_a_part_of_it_failed(source: Massive, server: providers.Massive) -> None:
    parts = [
        Part("EURUSD", parse("1h"), at("2024-03-07"), at("2024-03-08")),
        Part("NOSUCH", parse("1h"), at("2024-03-07"), at("2024-03-08")),
        Part("XAUUSD", parse("5m"), at("2024-03-07 05:00"), at("2024-03-07 06:00")),
    ]
    first, second, third = source.batch(parts)
    assert not isinstance(first, BadAnswer)
    assert not isinstance(third, BadAnswer)
    same(first.table, server.truth("EURUSD", "1h", "2024-03-07", "2024-03-08"))
    same(third.table, server.truth("XAUUSD", "5m", "2024-03-07 05:00", "2024-03-07 06:00"))
    assert isinstance(second, BadAnswer)
    assert "Not found" in str(second)
    assert [(one.method, one.path) for one in server.log] == [("POST", "/api/v1/candles/batch")]
    assert server.log[0].headers["content-type"] == "application/json"


def test_a_batch_of_another_length_is_refused(source: Massive, server: providers.Massive) -> None:
    server.respond = lambda request: Reply(200, {"results": []})  # type: ignore[method-assign]
    with pytest.raises(BadAnswer, match="1 ranges were asked for and 0 came"):
        source.batch([Part("EURUSD", parse("1h"), at("2024-03-07"), at("2024-03-08"))])


def test_ticks(source: Massive) -> None:
    ticks = source.ticks("EURUSD", at("2024-03-07 05:00"), at("2024-03-07 05:10"))
    assert list(ticks.columns) == ["time", "bid", "ask"]
    assert len(ticks) == 10
    assert (ticks["ask"] > ticks["bid"]).all()
    assert ticks["time"][0] == at("2024-03-07 05:00")
    with pytest.raises(UnknownName, match=r"no symbol 'EURUS'\. Did you mean EURUSD"):
        source.ticks("EURUS", at("2024-03-07"), at("2024-03-08"))


def test_a_symbol_that_is_listed_and_refused_is_not_guessed_at(
    source: Massive, server: providers.Massive
) -> None:
    usual = server.respond
    server.respond = lambda request: (  # type: ignore[method-assign]
        Reply(404, {"error": "No candles of this symbol"}) if server.is_candles(request) else usual(request)
    )
    with pytest.raises(UnknownName, match=r"no symbol 'EURUSD'\. Its own list has it, though: there may be"):
        source.recent("EURUSD", parse("1m"), 5)


def test_a_404_is_an_unknown_symbol_only_where_the_list_has_it_not(
    source: Massive, server: providers.Massive
) -> None:
    with pytest.raises(UnknownName, match="Did you mean EURUSD"):
        source.recent("EURUSDD", parse("1m"), 5)
    server.respond = lambda request: Reply(404, {"error": "Not found"})  # type: ignore[method-assign]
    with pytest.raises(BadAnswer, match="404"):
        source.recent("EURUSD", parse("1m"), 5)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": "Unknown symbol EURUSD"}, UnknownName),
        ({"error": "Too many requests", "candles": []}, RateLimited),
        ({"success": False, "message": "Something broke", "candles": []}, BadAnswer),
    ],
)
def test_errors_that_come_with_status_200(
    source: Massive, server: providers.Massive, body: object, error: type[Exception]
) -> None:
    server.respond = lambda request: Reply(200, body)  # type: ignore[method-assign]
    with pytest.raises(error):
        source.recent("EURUSD", parse("1m"), 5)


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (parse_candles, b"[]"), (parse_candles, b'{"candles":[{"timestamp":"x"}]}'), (parse_symbols, b"5"),
        (parse_candles, b'{"candles":[{"timestamp":"soon","open":1,"high":1,"low":1,"close":1}]}'),
        (parse_ticks, b'{"ticks":5}'), (parse_batch, b'{"a":1}'), (parse_symbols, b'{"symbols":[{"a":1}]}'),
    ],
)  # fmt: skip
def test_another_shape_is_a_bad_answer(read: object, body: bytes) -> None:
    with pytest.raises(BadAnswer):
        read(body)  # type: ignore[operator]
