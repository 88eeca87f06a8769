from __future__ import annotations

import doctest
import json
import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

import lib.sources.by_key
from lib.errors import BadAnswer, Blocked, CandlebookError, InputError, RateLimited, SourceDown, UnknownName
from lib.sources import registry
from lib.sources.base import notes_to
from lib.sources.by_key import ByKey, parse_rows, parse_symbols
from lib.timeframes import parse
from tests.servers import providers
from tests.servers.faults import KINDS, Fault
from tests.servers.provider import Reply, Request, Running
from tests.sources.clock import FakeClock
from tests.sources.support import same, whole


@pytest.fixture
def server(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[providers.ByKey]:
    monkeypatch.setenv("DATA_API_KEY", "some-key")
    made = providers.ByKey(clock)
    made.key = ("Authorization", "Bearer some-key")
    made.add("EURUSD", "2023-09-04", weekends=True)
    with Running(made) as running:
        monkeypatch.setenv("DATA_API_BASE", running.url)
        yield made


def test_the_examples_in_the_text_hold() -> None:
    ran = doctest.testmod(lib.sources.by_key)
    assert (ran.failed, ran.attempted) == (0, 3)


SHAPES = [
    ("lists", "s", {}),
    ("lists", "ms", {"DATA_API_TIME": "ms", "DATA_API_LIMIT": "77"}),
    ("objects", "us", {"DATA_API_TIME": "us"}),
    ("objects", "iso", {"DATA_API_TIME": "iso"}),
    ("nested", "s", {"DATA_API_ROWS": "data.bars", "DATA_API_COLUMNS": "t,o,h,l,c,v"}),
    (
        "nested",
        "iso",
        {"DATA_API_ROWS": "data.bars", "DATA_API_COLUMNS": "t,o,h,l,c,v", "DATA_API_TIME": "iso"},
    ),
    ("lists", "s", {"DATA_API_PARAMS": "symbol=pair,start=from,end=to"}),
    ("lists", "s", {"DATA_API_HEADER": "X-Api-Key"}),
    ("lists", "s", {"DATA_API_SCHEME": "Token"}),
    ("lists", "s", {"DATA_API_TIMEFRAMES": "1m=1min,1h=60min"}),
]


@pytest.mark.parametrize(("form", "unit", "given"), SHAPES)
def test_the_shapes_of_interfaces(
    server: providers.ByKey, clock: FakeClock, monkeypatch: pytest.MonkeyPatch,
    form: str, unit: str, given: dict[str, str],
) -> None:  # fmt: skip
    server.form, server.unit = form, unit
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    if "DATA_API_HEADER" in given:
        server.key = ("X-Api-Key", "some-key")
    if "DATA_API_SCHEME" in given:
        server.key = ("Authorization", "Token some-key")
    got = whole(ByKey(clock=clock), "EURUSD", "1h", "2024-02-28", "2024-03-05")
    same(got, server.truth("EURUSD", "1h", "2024-02-28", "2024-03-05"))
    if "DATA_API_TIMEFRAMES" in given:
        assert server.log[0].params["timeframe"] == "60min"
        assert [str(one) for one in ByKey(clock=clock).timeframes] == ["1m", "1h"]


def test_a_key_in_the_address_is_seen_nowhere_else(
    server: providers.ByKey,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """For interfaces that take no header: neither in the log, nor in errors and what they were made of."""
    key = "k3y+That/Nobody may see"
    monkeypatch.setenv("DATA_API_KEY", key)
    monkeypatch.setenv("DATA_API_QUERY", "apikey")
    caplog.set_level(logging.DEBUG)
    usual, server.key = server.respond, None
    source, shown = ByKey(clock=clock, timeouts=(3.0, 0.8)), []

    def respond(request: Request) -> Reply:
        good = request.params.get("apikey") == key and key not in str(request.headers)
        return usual(request) if good else Reply(401, {"error": f"not {request.target}"})

    server.respond = respond  # type: ignore[method-assign]
    with notes_to(shown.append):
        assert len(source.recent("EURUSD", parse("1m"), 5).closed) == 5
        for kind in KINDS:
            if kind == "slow":  # takes real time, and ends as "closed" does
                continue
            server.faults = {number: Fault(kind) for number in range(server.asked + 1, server.asked + 12)}
            with suppress(pytest.fail.Exception):  # what passes by itself raises nothing
                _shown(shown, source, clock)
        server.faults = {}
        for wrong in ({"error": f"no rights: {server.log[0].target}"}, {"a": server.log[0].target}):
            server.respond = lambda request, wrong=wrong: Reply(200, wrong)  # type: ignore[method-assign,misc]
            _shown(shown, source, clock)
    monkeypatch.setenv("DATA_API_BASE", "http://127.0.0.1:1")
    _shown(shown, ByKey(clock=clock), clock)
    text = "".join(shown) + caplog.text
    assert "apikey=***" in caplog.text
    assert "could not be reached" in text
    assert "no rights: /ohlcv" in text
    assert not [one for one in (key, quote(key, safe=""), quote_plus(key), "Nobody") if one in text]


def _shown(shown: list[str], source: ByKey, clock: FakeClock) -> None:
    with pytest.raises(CandlebookError) as caught:
        source.recent("EURUSD", parse("1m"), 5)
    link: BaseException | None = caught.value
    shown += traceback.format_exception(caught.value)
    while link is not None:
        shown.append(repr(link) + repr(vars(link)) + repr(link.args))
        link = link.__cause__ or link.__context__
    clock.now += 4000


def test_a_netrc_takes_nobodys_place(
    server: providers.ByKey, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert len(ByKey(clock=clock).recent("EURUSD", parse("1m"), 5).closed) == 5


def test_the_path_may_hold_symbol_and_timeframe(
    server: providers.ByKey, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_API_PATH", "ohlcv/{symbol}/{timeframe}")
    server.respond = lambda request: Reply(200, [])  # type: ignore[method-assign]
    assert whole(ByKey(clock=clock), "EUR/USD", "1h", "2024-02-28", "2024-02-29").empty
    assert server.log[0].target.startswith("/ohlcv/EUR%2FUSD/1h?start=")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": "Unknown symbol XX"}, UnknownName),
        ({"message": "Rate limit exceeded"}, RateLimited),
        ({"code": 429, "msg": "slow down"}, RateLimited),
        ({"error": "no such luck"}, BadAnswer),
        # beside an empty list, which must not be taken for a closed market
        ({"error": "no such luck", "data": []}, BadAnswer),
        ({"status": "error", "message": "Too many requests", "data": []}, RateLimited),
        ({"success": False, "message": "Symbol not found", "data": []}, UnknownName),
        ({"code": "429", "message": "slow down", "data": []}, RateLimited),
        ({"error": {"code": 403, "message": "not in your plan"}}, Blocked),
        ({"code": 503, "detail": "maintenance", "rows": []}, SourceDown),
        ({"a": [], "b": []}, BadAnswer),
        ({"a": 5}, BadAnswer),
        ([[1, 2]], BadAnswer),
        ([["soon", 1, 1, 1, 1]], BadAnswer),
        ([[True, 1, 1, 1, 1]], BadAnswer),
    ],
)
def test_errors_that_come_with_status_200(
    server: providers.ByKey, clock: FakeClock, body: object, error: type[Exception]
) -> None:
    server.respond = lambda request: Reply(200, body)  # type: ignore[method-assign]
    with pytest.raises(error) as caught:
        ByKey(clock=clock).recent("EURUSD", parse("1m"), 5)
    assert "some-key" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATA_API_COLUMNS", "a,b"), ("DATA_API_TIME", "hours"), ("DATA_API_LIMIT", "many"),
        ("DATA_API_PER_MINUTE", "0"), ("DATA_API_PARAMS", "ticker=x"), ("DATA_API_TIMEFRAMES", "soon"),
        ("DATA_API_BASE", "no address"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=name if name != "DATA_API_TIMEFRAMES" else "soon"):
        registry.get("data-api")


def test_a_wait_that_is_asked_for_with_status_200_is_kept(server: providers.ByKey, clock: FakeClock) -> None:
    usual, began = server.respond, clock.now
    answers = [Reply(200, {"code": 429, "message": "slow down"}, {"Retry-After": "37"})]
    server.respond = lambda request: answers.pop() if answers else usual(request)  # type: ignore[method-assign]
    assert len(whole(ByKey(clock=clock), "EURUSD", "1h", "2024-02-28", "2024-02-29")) == 24
    assert 37 <= clock.now - began < 38
    assert server.asked == 2


@pytest.mark.parametrize("body", [{"message": "ok", "data": []}, {"code": 200, "msg": "success", "rows": []}])
def test_a_kind_word_beside_an_empty_list_is_no_error(body: object) -> None:
    assert parse_rows(json.dumps(body).encode()).empty


def test_columns_may_be_lists() -> None:
    body = {"s": "ok", "t": [1711929600, 1711929660], "o": [1, 2], "h": [3, 4], "l": [0.5, 1], "c": [2, 3]}
    table = parse_rows(json.dumps(body).encode(), (), "tohlcv")
    assert table["high"].tolist() == [3.0, 4.0]
    assert "volume" not in table
    assert parse_rows(json.dumps({"data": {**body, "v": [5, 6]}}).encode(), ("data",), "tohlcv")[
        "volume"
    ].tolist() == [5.0, 6.0]
    assert parse_rows(json.dumps({**body, **{name: [] for name in "tohlc"}}).encode(), (), "tohlcv").empty
    with pytest.raises(BadAnswer, match="not equally long"):
        parse_rows(json.dumps({**body, "h": [3]}).encode(), (), "tohlcv")


def test_symbols_are_named_or_listed(
    server: providers.ByKey, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ByKey(clock=clock).symbols() == ()
    monkeypatch.setenv("DATA_API_SYMBOLS", "XAUUSD, EURUSD")
    assert registry.search("data-api", "eur") in (("EURUSD",), ())  # the empty list may still be kept
    assert parse_symbols(b'{"data":{"items":[{"name":"B"},"A"]}}') == ("A", "B")


def test_rows_without_volume_and_in_another_order() -> None:
    table = parse_rows(b"[[5, 1, 2, 0.5, 1711929600]]", (), ("open", "close", "high", "low", "time"))
    assert table.columns.tolist() == ["time", "open", "high", "low", "close"]
    assert table.iloc[0].tolist()[1:] == [5.0, 2.0, 0.5, 1.0]


def test_every_setting_of_it_is_documented() -> None:
    root = Path(__file__).resolve().parents[2]
    names = set(re.findall(r"DATA_API_[A-Z_]+", (root / "lib" / "settings.py").read_text()))
    assert len(names) == 14
    example = (root / ".streamlit" / "secrets.toml.example").read_text()
    assert not [name for name in names if f"# {name} = " not in example]
