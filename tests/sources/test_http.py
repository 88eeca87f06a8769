from __future__ import annotations

import http.client
import importlib
import inspect
import logging
import os
import pkgutil
import resource
import socket
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import requests
import urllib3.exceptions
from hypothesis import given
from hypothesis import strategies as st

import lib.sources
from lib.errors import (
    BadAnswer,
    Blocked,
    Cancelled,
    CandlebookError,
    InputError,
    InternalError,
    RateLimited,
    SourceDown,
    UnknownName,
)
from lib.sources import registry
from lib.sources.base import Source, notes_to
from lib.sources.binance import Binance
from lib.sources.failures import FOREIGN, as_json, refusal, retry_after, translate
from lib.sources.http import Http
from lib.sources.limits import Clock, Limit, Limiter, budgets
from lib.timeframes import parse
from tests.servers.binance_rest import Exchange, Fault, Server
from tests.sources.clock import FakeClock

KEY = "k3y-that-nobody-may-see"
Ask = Callable[..., Any]


@pytest.fixture
def wire(server: Server, clock: FakeClock) -> Http:
    return Http(
        "The exchange",
        server.url,
        Limiter("The exchange", 6000, clock),
        headers={"X-KEY": KEY},
        weight_header="X-MBX-USED-WEIGHT-1M",
    )


@pytest.fixture
def ask(wire: Http) -> Ask:
    def one(**more: Any) -> Any:
        params: dict[str, str | int] = {"symbol": "BTCUSDT", "interval": "1m", "limit": 3}
        return wire.get("/api/v3/klines", params, read=as_json, weight=2, **more)

    return one


# ---------------------------------------------------------------------------------- foreign exceptions


def _classes(module: Any) -> list[type[BaseException]]:
    found = [one for _, one in inspect.getmembers(module, inspect.isclass)]
    own = ("requests", "urllib3", "http")
    return [
        one
        for one in found
        if issubclass(one, Exception) and not issubclass(one, Warning) and one.__module__.startswith(own)
    ]


EVERY = sorted(
    {*_classes(requests.exceptions), *_classes(urllib3.exceptions), *_classes(http.client)}
    | {ConnectionResetError, BrokenPipeError, TimeoutError, ConnectionRefusedError, UnicodeError, OSError},
    key=lambda one: f"{one.__module__}.{one.__name__}",
)


@pytest.mark.parametrize("foreign", EVERY, ids=lambda one: f"{one.__module__}.{one.__name__}")
def test_every_foreign_exception_is_mapped(foreign: type[BaseException]) -> None:
    assert issubclass(foreign, FOREIGN)
    error = foreign.__new__(foreign)
    error.args = (f"https://host/path?apikey={KEY}",)
    ours, again = translate(error, "The exchange", "host")
    assert isinstance(ours, CandlebookError)
    assert KEY not in f"{ours} {ours.fields}"
    assert isinstance(ours, InternalError) == (
        "StreamConsumed" in foreign.__name__ or "Unrewindable" in foreign.__name__
    )
    if isinstance(ours, InputError | InternalError):
        assert not again


def test_the_words_say_why() -> None:
    def words(error: BaseException) -> str:
        return str(translate(error, "The exchange", "host")[0])

    name = urllib3.exceptions.NameResolutionError("host", None, OSError("no such name"))  # type: ignore[arg-type]
    inner = urllib3.exceptions.MaxRetryError(None, "/", name)  # type: ignore[arg-type]
    assert "its name was not found. Check that this machine is online." in words(
        requests.ConnectionError(inner)
    )
    assert "no answer in time" in words(requests.ReadTimeout("slow"))
    assert "secure connection failed" in words(requests.exceptions.SSLError("bad"))
    assert "proxy" in words(requests.exceptions.ProxyError("no"))
    assert "HTTPS_PROXY" in words(requests.exceptions.ProxyError("no"))
    assert "cannot be used" in words(requests.exceptions.InvalidURL("x"))


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("nowhere.invalid", marks=pytest.mark.offline)])
def test_too_many_open_files_are_told(clock: FakeClock, exchange: Exchange, host: str) -> None:
    """By a name that has to be looked up, too."""
    with Server(exchange) as server:
        wire = Http("The exchange", server.url.replace("127.0.0.1", host), Limiter("x", 100, clock))
        with suppress(SourceDown):  # so that nothing has to be imported afterwards
            wire.get("/api/v3/ping", {}, read=as_json, patience=0)
        wire._session().close()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)  # every number below is taken
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            with pytest.raises(SourceDown, match=r"too many open files\. End what else runs") as caught:
                wire.get("/api/v3/ping", {}, read=as_json, patience=5)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.exit_code == 4


def test_nobody_there(clock: FakeClock) -> None:
    wire = Http("The exchange", "http://127.0.0.1:1", Limiter("x", 100, clock))
    with pytest.raises(SourceDown, match=r"The exchange \(127.0.0.1\) could not be reached: it refused"):
        wire.get("/", {}, read=as_json, patience=5)
    assert 0 < clock.waited <= 5


def test_who_was_never_reached_is_given_up_in_seconds(clock: FakeClock) -> None:
    wire = Http("The exchange", "http://127.0.0.1:1", Limiter("x", 100, clock))
    with pytest.raises(SourceDown, match="refused the connection") as caught:
        wire.get("/", {}, read=as_json, patience=120)
    assert caught.value.fields["requests"] == 4
    assert clock.waited < 6


def test_who_answered_before_is_waited_for(clock: FakeClock, exchange: Exchange) -> None:
    with Server(exchange) as server:
        wire = Http("The exchange", server.url, Limiter("x", 100, clock))
        wire.get("/api/v3/ping", {}, read=as_json)
    wire._local.session.close()
    with pytest.raises(SourceDown) as caught:
        wire.get("/api/v3/ping", {}, read=as_json, patience=120)
    # half a second doubled seven times, each a quarter more or less by chance: 48 to 79 s, then perhaps a minute
    assert caught.value.fields["requests"] in (8, 9)
    assert 0.75 * 63.5 <= clock.waited <= 120


# --------------------------------------------------------------------------------------------- statuses

ENDS = [
    ("401", Blocked, 1, "key"),
    ("403", Blocked, 1, "refuses this machine's requests"),
    ("404", BadAnswer, 1, "nothing at /api/v3/klines"),
    ("400", InputError, 1, "An unknown error occurred"),
    ("418", Blocked, 1, "has banned this machine's address until 2024-03-15 12:36:56 UTC"),
    ("451", Blocked, 1, "does not serve the place"),
    ("302", BadAnswer, 3, "302"),
    ("429", RateLimited, None, "asks to slow down"),
    ("500", SourceDown, None, "out of order"),
    ("503", SourceDown, None, "out of order"),
    ("garbage", BadAnswer, 3, "no JSON"),
    ("html", BadAnswer, 3, "a web page"),
    ("truncated", BadAnswer, 3, "cut short"),
    ("cut", SourceDown, None, "broke off"),
    ("slow", SourceDown, None, "no answer in time"),
]


@pytest.mark.parametrize(("kind", "error", "count", "words"), ENDS, ids=[one[0] for one in ENDS])
def test_each_fault_ends_as_it_should(
    wire: Http, ask: Ask, exchange: Exchange, clock: FakeClock, caplog: pytest.LogCaptureFixture,
    kind: str, error: type[CandlebookError], count: int | None, words: str,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    exchange.always = Fault(kind, seconds=0.5)
    if kind == "slow":
        wire._timeouts = (30.0, 0.25)
    with pytest.raises(error, match=words) as caught:
        ask(patience=20)
    asked = len(exchange.klines)
    assert asked == count if count else 2 < asked < 8
    assert clock.waited <= 20
    # the key is in no message, field, log line or traceback
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value.fields)
    link: BaseException | None = caught.value
    for _ in range(20):
        if link is None:
            break
        shown += repr(vars(link))
        link = link.__cause__ or link.__context__
    else:
        raise AssertionError("The errors go round in a circle.")
    assert KEY not in shown


def test_each_status_has_an_error() -> None:
    for status in [*range(201, 208), *range(300, 309), *range(400, 452), *range(500, 600)]:
        made = refusal(status, "The exchange", "host", "/x", None, "", b"")
        assert isinstance(made, CandlebookError)
        assert not isinstance(made, InternalError)


def test_the_place_that_is_not_served_gets_a_way_out(server: Server, exchange: Exchange) -> None:
    exchange.always = Fault("451")
    with pytest.raises(Blocked, match=r"data-api\.binance\.vision.*demo feed"):
        Binance(server.url).recent("BTCUSDT", parse("1m"), 5)


# ------------------------------------------------------------------------------------------ slowing down


@pytest.mark.parametrize("header", ["7", "Fri, 15 Mar 2024 12:35:03 GMT"])
def test_429_is_waited_out_and_said(ask: Ask, exchange: Exchange, clock: FakeClock, header: str) -> None:
    exchange.faults[1] = Fault("429", retry_after=header)
    said: list[str] = []
    with notes_to(said.append):
        answer = ask()
    assert answer.requests == 2
    assert len(answer.value) == 3
    assert 7 <= clock.waited < 8
    assert said[0].startswith("The exchange asks to slow down (429). It may be asked again in 7.0 s.")
    assert said[-1] == ""


@pytest.mark.parametrize("header", ["0", "Fri, 15 Mar 2024 12:00:00 GMT"])
def test_at_once_with_every_answer_is_not_asked_without_a_pause(
    ask: Ask, exchange: Exchange, header: str
) -> None:
    exchange.always = Fault("429", retry_after=header)
    with pytest.raises(RateLimited):
        ask(patience=120)
    assert 6 <= len(exchange.klines) <= 11


def test_429_that_is_longer_than_our_patience(ask: Ask, exchange: Exchange, clock: FakeClock) -> None:
    exchange.always = Fault("429", retry_after="300")
    with pytest.raises(RateLimited) as caught:
        ask(patience=120)
    assert caught.value.retry_after == 300
    assert clock.waited == 0
    assert len(exchange.klines) == 1


def test_others_wait_as_well(wire: Http, ask: Ask, exchange: Exchange, clock: FakeClock) -> None:
    exchange.faults[1] = Fault("429", retry_after="30")
    with pytest.raises(RateLimited):
        ask(patience=10)
    with pytest.raises(RateLimited, match="The exchange asked to slow down; it may be asked again in 30 s"):
        ask(patience=10)
    assert len(exchange.klines) == 1
    assert ask(patience=60).requests == 1
    assert clock.waited >= 30


def test_a_ban_is_not_hammered(ask: Ask, exchange: Exchange, clock: FakeClock, wire: Http) -> None:
    exchange.faults[1] = Fault("418", retry_after="600")
    for _ in range(5):
        with pytest.raises(Blocked, match=r"until 2024-03-15 12:44:56 UTC \(for 10 min\)") as caught:
            ask()
        assert caught.value.fields["retry_after"] == 600
    assert len(exchange.klines) == 1
    assert wire.limiter.budget().paused == 600
    clock.now += 601
    assert len(ask().value) == 3


@pytest.mark.parametrize("header", ["9" * 400, "1000000000000000", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_ban_without_an_end_is_no_bug_of_ours(ask: Ask, exchange: Exchange, header: str) -> None:
    exchange.faults[1] = Fault("418", retry_after=header)
    with pytest.raises(Blocked, match=r"until 2024-04-15 12:34:56 UTC"):
        ask()


@given(st.floats(0, 1e6))
def test_retry_after_in_seconds(seconds: float) -> None:
    assert retry_after({"Retry-After": f"{seconds:.3f}"}, 0.0) == float(f"{seconds:.3f}")


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e400", "²", "Fri, 99 Mar 2024 12:35:03 GMT", "inf"])
def test_retry_after_that_says_nothing(text: str) -> None:
    assert retry_after({"Retry-After": text}, 0.0) is None


def test_retry_after_as_a_date_counts_from_the_servers_clock() -> None:
    headers = {"Retry-After": "Fri, 15 Mar 2024 12:35:03 GMT", "Date": "Fri, 15 Mar 2024 12:34:03 GMT"}
    assert retry_after(headers, now=0.0) == 60
    assert retry_after({"Retry-After": headers["Date"]}, now=1e12) == 0


def test_waits_grow_and_have_jitter(ask: Ask, exchange: Exchange, clock: FakeClock) -> None:
    exchange.always = Fault("500")
    with pytest.raises(SourceDown):
        ask(patience=300)
    waits = clock.waits
    assert len({round(wait, 6) for wait in waits}) == len(waits) > 6
    assert all(later > earlier for earlier, later in zip(waits[:5], waits[1:6], strict=True))
    assert max(waits) <= 60 * 1.25


def test_stop_ends_a_wait_at_once(server: Server, exchange: Exchange) -> None:
    exchange.now = time.time
    exchange.always = Fault("429", retry_after="60")
    wire = Http("The exchange", server.url, Limiter("x", 6000, Clock()))
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        wire.get("/api/v3/klines", {}, read=as_json, stop=stop)
    assert time.monotonic() - began < 10
    assert len(exchange.klines) == 1


def test_stop_before_the_first_request(ask: Ask, exchange: Exchange) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        ask(stop=stop)
    assert not exchange.klines


# ------------------------------------------------------------------------------------------------ answers


def test_the_answer_has_the_servers_time(ask: Ask, clock: FakeClock) -> None:
    assert ask().server_time == int(clock.now)


def test_a_body_too_large(server: Server, clock: FakeClock) -> None:
    wire = Http("The exchange", server.url, Limiter("x", 100, clock), max_bytes=2**10)
    with pytest.raises(BadAnswer, match=r"more than .* MB in one answer"):
        wire.get(
            "/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 500}, read=as_json, patience=5
        )


def test_a_reader_that_refuses_is_asked_twice_more(wire: Http, exchange: Exchange) -> None:
    def read(body: bytes) -> None:
        raise BadAnswer("No.")

    with pytest.raises(BadAnswer):
        wire.get("/api/v3/ping", {}, read=read)
    assert len(exchange.requests) == 3


# ------------------------------------------------------------------------------------------------- limits


def test_the_budget_can_be_seen(server: Server, exchange: Exchange, clock: FakeClock) -> None:
    exchange.minute, exchange.used = int(clock.now // 60), 100
    binance = Binance(server.url, clock=clock)
    binance.recent("BTCUSDT", parse("1m"), 5)
    budget = budgets()["binance"]
    assert (budget.used, budget.limit, budget.left) == (102, 6000, 5898)
    assert budget.resets_in == 60
    clock.now += 61
    assert budgets()["binance"].used == 0


@given(
    st.lists(st.tuples(st.integers(1, 30), st.floats(0, 40), st.floats(0, 5)), min_size=1, max_size=60),
    st.floats(0, 60),
)
def test_no_minute_of_the_server_holds_more_than_the_limit(
    asks: list[tuple[int, float, float]], offset: float
) -> None:
    """Whenever the server's minutes begin, and wherever on the way it counts a request."""
    clock = FakeClock(1_000_000.0)
    limiter = Limiter("x", 60, clock)
    sent: list[tuple[float, float, int]] = []
    for weight, idle, latency in asks:
        clock.now += idle
        spent = limiter.spend(weight, patience=1e9)
        left = clock.now
        clock.now += latency
        limiter.answered(spent)
        sent.append((left, clock.now, weight))
    for arrives in (0, 1):  # counted as early, or as late as can be
        minutes: dict[int, int] = {}
        for one in sent:
            minute = int((one[arrives] - offset) // 60)
            minutes[minute] = minutes.get(minute, 0) + one[2]
        assert max(minutes.values()) <= 60


def test_threads_share_one_limit() -> None:
    clock = FakeClock()
    limiter = Limiter("x", 100, clock)
    taken: list[float] = []

    def work() -> None:
        for _ in range(40):
            spent = limiter.spend(1, patience=1e9)
            taken.append(clock.monotonic())
            limiter.answered(spent)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(taken) == 160
    for first in taken:
        assert sum(first <= one < first + 59.999 for one in taken) <= 100


def test_patience_with_the_limiter_ends() -> None:
    limiter = Limiter("The exchange", 10, FakeClock())
    limiter.answered(limiter.spend(9, patience=0))
    with pytest.raises(RateLimited, match="asked as often as it allows; it may be asked again in 60 s"):
        limiter.spend(5, patience=30)


def test_several_limits_hold_at_once() -> None:
    """3 a second, 10 a minute in any minute, and 25 a day that ends at midnight UTC."""
    clock = FakeClock(1_700_006_400.0 - 600)  # ten minutes before midnight UTC
    limits = (Limit(10, 60), Limit(3, 1), Limit(25, 86_400, fixed=True))
    limiter = Limiter("x", limits, clock)
    taken: list[float] = []
    for _ in range(50):
        limiter.answered(limiter.spend(1, patience=1e9))
        taken.append(clock.now)
    for first in taken:
        assert sum(first <= one < first + 0.999 for one in taken) <= 3
        assert sum(first <= one < first + 59.999 for one in taken) <= 10
    midnight = 1_700_006_400.0
    assert sum(one < midnight for one in taken) == 24  # 1 of 25 is kept for others
    assert midnight < taken[24] < midnight + 302  # the provider's midnight may come a little later
    uses = {use.name: use for use in limiter.budget().limits}
    assert list(uses) == ["a minute", "a second", "a day"]
    assert (uses["a day"].used, uses["a day"].left) == (2, 23)  # 24, 24 and 2
    assert 0 < uses["a day"].resets_in <= 2 * 86_400


def test_the_tightest_limit_is_the_one_shown() -> None:
    limiter = Limiter("x", (Limit(8, 60), Limit(800, 86_400, fixed=True)), FakeClock())
    for _ in range(4):
        limiter.answered(limiter.spend(1, patience=0))
    budget = limiter.budget()
    assert (budget.used, budget.limit, budget.left, budget.resets_in) == (4, 8, 4, 60)
    assert [(use.used, use.left) for use in budget.limits] == [(4, 4), (4, 796)]


def test_small_limits_are_used_up_and_large_ones_nearly() -> None:
    assert [Limit(n, 60).usable for n in (1, 8, 10, 19, 20, 60, 6000)] == [1, 8, 10, 19, 19, 57, 5700]


def test_a_used_up_day_is_told_with_the_hour_it_comes_back() -> None:
    clock = FakeClock(1_700_006_400.0 - 7200)
    limiter = Limiter("The provider", (Limit(2, 86_400, fixed=True),), clock)
    for _ in range(2):
        limiter.answered(limiter.spend(1, patience=0))
    with pytest.raises(RateLimited, match=r"may be asked again in 2\.1 h") as caught:
        limiter.spend(1, patience=120)
    assert caught.value.retry_after == pytest.approx(7500)


def test_new_connections_are_counted(server: Server, clock: FakeClock) -> None:
    limiter = Limiter("x", (Limit(1000, 1), Limit(2, 1, of="connections")), clock)
    began = clock.now
    for _ in range(7):  # each has a session of its own, and so a connection
        Http("The exchange", server.url, limiter).get("/api/v3/ping", {}, read=as_json)
    assert clock.now - began >= 3
    kept = Http("The exchange", server.url, limiter)
    for _ in range(50):
        kept.get("/api/v3/ping", {}, read=as_json)
    assert clock.now - began < 5
    assert limiter.budget().limits[1].name == "connections a second"


def test_a_body_that_drips_is_given_up(clock: FakeClock) -> None:
    """However little comes at a time: the deadline is looked at with each piece."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            with one:
                one.recv(65536)
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                try:
                    for _ in range(100):
                        clock.now += 9  # within the time-out of a read
                        one.sendall(b"[")
                        time.sleep(0.002)
                except OSError:
                    continue

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    wire = Http("The exchange", f"http://127.0.0.1:{listener.getsockname()[1]}", Limiter("x", 100, clock))
    with pytest.raises(SourceDown, match="no answer in time"):
        wire.get("/", {}, read=as_json, patience=100)
    listener.close()
    assert clock.now - clock.began < 300


def test_a_question_may_be_posted(server: Server, wire: Http, exchange: Exchange) -> None:
    with pytest.raises(SourceDown, match="501"):  # this server knows no POST
        wire.post("/api/v3/ping", {"a": 1}, read=as_json, patience=0)


def test_a_key_in_the_providers_own_words_is_not_repeated(clock: FakeClock, server: Server) -> None:
    said: list[str] = []

    def read(body: bytes) -> None:
        if not said:
            raise BadAnswer(f"The token {KEY} is slow today.")
        raise InputError(f"The token {KEY} has no rights.", said=KEY)

    wire = Http(
        "The exchange",
        server.url,
        Limiter("x", 100, clock),
        secret=lambda: {"Authorization": f"Bearer {KEY}"},
    )
    with pytest.raises(InputError, match=r"The token \*\*\* has no rights") as caught, notes_to(said.append):
        wire.get("/api/v3/ping", {}, read=read)
    assert said[0].startswith("The token *** is slow today. Asking again in")
    assert KEY not in repr(caught.value) + str(caught.value) + repr(caught.value.fields)


# ----------------------------------------------------------------------------------------------- registry


def test_an_unknown_source_brings_a_suggestion() -> None:
    with pytest.raises(UnknownName, match=r"There is no source 'binanse'. Did you mean binance?"):
        registry.get("binanse")
    with pytest.raises(UnknownName, match=r"There are: binance, binance-futures, .*demo"):
        registry.get("zzz")


def test_the_registry_is_in_order_and_every_entry_can_be_had() -> None:
    assert list(registry.names()) == sorted(registry.names())
    for entry in registry.entries():
        source = registry.get(entry.name)
        assert source.name == entry.name
        assert type(source).__name__ == entry.target.partition(":")[2]


def test_no_adapter_is_forgotten() -> None:
    """Each class under lib/sources that has pages is in the registry."""
    found = set()
    for module in pkgutil.iter_modules(lib.sources.__path__, "lib.sources."):
        for _, one in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if one.__module__ != module.name or one is Source or inspect.isabstract(one):
                continue
            if hasattr(one, "pages"):
                found.add(f"{module.name}:{one.__name__}")
    assert found == {entry.target for entry in registry.entries()}


def test_a_missing_package_is_another_error(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = registry.Entry("odd", "Odd", "no_such_package.odd:Odd", "", "X", hint="Run: pip install odd")
    monkeypatch.setattr(registry, "_ENTRIES", {"odd": entry})
    with pytest.raises(InputError, match=r"needs the Python package no_such_package.*Run: pip install odd"):
        registry.get("odd")
