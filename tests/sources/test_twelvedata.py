from __future__ import annotations

import doctest
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import lib.sources.twelvedata
from lib.candles import conform
from lib.errors import BadAnswer, Blocked, InputError, RateLimited, SourceDown, UnknownName
from lib.series import Series
from lib.sources import limits
from lib.sources.limits import budgets
from lib.sources.twelvedata import TwelveData, parse_series
from lib.store import LedgerEntry, open_store
from lib.sync import download
from lib.timeframes import parse
from tests.servers import providers
from tests.servers.provider import Reply, Running
from tests.sources.clock import FakeClock
from tests.sources.support import at, same, whole


@pytest.fixture
def server(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[providers.TwelveData]:
    monkeypatch.setenv("CANDLEBOOK_TWELVEDATA_KEY", "some-key")
    made = providers.TwelveData(clock)
    made.key = ("Authorization", "apikey some-key")
    made.add("EUR/USD", "2015-01-05", weekends=True)
    made.add("AAPL", "2019-01-01", price=150.0)
    with Running(made) as running:
        made.url = running.url  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def source(server: providers.TwelveData, clock: FakeClock) -> TwelveData:
    return TwelveData(server.url, clock=clock)  # type: ignore[attr-defined]


def test_the_examples_in_the_text_hold() -> None:
    ran = doctest.testmod(lib.sources.twelvedata)
    assert (ran.failed, ran.attempted) == (0, 2)


def test_recorded_answers_go_through_the_parser(market_data: Path) -> None:
    folder = market_data / "E_wire" / "twelvedata"
    table = conform(parse_series((folder / "time_series_eurusd_1day.json").read_bytes()), parse("1d")).table
    assert table.iloc[0].tolist()[:4] == [1.1679, 1.17108, 1.16694, 1.16764]
    assert table["volume"].isna().all()
    table = conform(parse_series((folder / "doc_time_series_aapl_1min.json").read_bytes()), parse("1m")).table
    assert table.iloc[0].tolist() == [148.735, 148.86, 148.73, 148.85001, 624277.0]


@pytest.mark.parametrize(
    ("name", "error"), [("doc_error_400_interval", InputError), ("error_429_out_of_credits", RateLimited)]
)
@pytest.mark.parametrize("status", [None, 200])
def test_recorded_errors_are_told_whatever_their_status(
    market_data: Path, source: TwelveData, server: providers.TwelveData, monkeypatch: pytest.MonkeyPatch,
    name: str, error: type[Exception], status: int | None,
) -> None:  # fmt: skip
    said = json.loads((market_data / "E_wire" / "twelvedata" / f"{name}.json").read_bytes())
    monkeypatch.setattr(server, "respond", lambda request: Reply(status or said["code"], said))
    with pytest.raises(error, match=said["message"][:20].replace("*", r"\*")) as caught:
        source.recent("EUR/USD", parse("1m"), 5)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("code", "words", "error"),
    [
        (401, "**apikey** parameter is incorrect", Blocked),
        (403, "This endpoint is available on Pro", Blocked),
        (404, "**symbol** not found: ZZZ", UnknownName),
        (400, "**symbol** parameter is missing or invalid", UnknownName),
        (414, "The parameter array is too long", InputError),
        (500, "Something went wrong", SourceDown),
        (300, "Nobody knows", BadAnswer),
    ],
)
def test_errors_in_a_200_body(
    source: TwelveData, server: providers.TwelveData, monkeypatch: pytest.MonkeyPatch,
    code: int, words: str, error: type[Exception],
) -> None:  # fmt: skip
    body = {"code": code, "message": words, "status": "error"}
    monkeypatch.setattr(server, "respond", lambda request: Reply(200, body))
    with pytest.raises(error) as caught:
        source.recent("EUR/USD", parse("1m"), 5)
    assert type(caught.value) is error
    assert "some-key" not in str(caught.value)


@pytest.mark.parametrize("code", [429, "429"])
def test_an_error_is_one_without_the_word_too(
    source: TwelveData, server: providers.TwelveData, monkeypatch: pytest.MonkeyPatch, code: object
) -> None:
    body = {"code": code, "message": "You have run out of API credits for the current minute."}
    monkeypatch.setattr(server, "respond", lambda request: Reply(200, body))
    with pytest.raises(RateLimited):
        source.recent("EUR/USD", parse("1m"), 5)


def test_credits_of_the_day_that_are_used_up(
    source: TwelveData, server: providers.TwelveData, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    words = "You have run out of API credits for the day. 800 API credits were used"
    monkeypatch.setattr(
        server, "respond", lambda request: Reply(429, {"code": 429, "message": words, "status": "error"})
    )
    with pytest.raises(RateLimited) as caught:
        source.recent("EUR/USD", parse("1m"), 5)
    assert caught.value.retry_after == pytest.approx(86_400 - clock.now % 86_400)
    assert len(server.log) == 1  # not asked again before midnight


def test_credits_of_the_minute_that_are_used_up_are_waited_for(
    source: TwelveData, server: providers.TwelveData, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    words = "You have run out of API credits for the current minute. 10 API credits were used, with the limit being 8."
    answers = [Reply(429, {"code": 429, "message": words, "status": "error"})]
    usual, began = server.respond, clock.now
    monkeypatch.setattr(server, "respond", lambda request: answers.pop() if answers else usual(request))
    assert len(whole(source, "EUR/USD", "1h", "2024-03-12", "2024-03-13")) == 24
    assert clock.now // 60 > began // 60
    assert clock.now - began < 63
    assert server.over == 0


@pytest.mark.parametrize("polite", [False, True])
@pytest.mark.parametrize("timeframe", ["15m", "4h", "1d", "1w", "1M"])
def test_ranges_are_complete_over_weekends(
    source: TwelveData, server: providers.TwelveData, timeframe: str, polite: bool
) -> None:
    server.polite = polite
    start, end = (
        ("2024-02-28 11:00", "2024-03-12 01:00") if timeframe[-1] in "mh" else ("2018-01-05", "2024-03-15")
    )
    source.page = 60
    same(whole(source, "EUR/USD", timeframe, start, end), server.truth("EUR/USD", timeframe, start, end))
    assert server.over == 0


def test_the_beginning_is_found_by_days(source: TwelveData, server: providers.TwelveData) -> None:
    """A stock listed in 2019 costs no thousand empty windows of minutes from 1970 on."""
    got = whole(source, "AAPL", "1m", None, "2019-01-02")
    same(got, server.truth("AAPL", "1m", "2000-01-01", "2019-01-02"))
    assert server.asked <= 12
    assert got["volume"].notna().all()


def test_limits_of_minute_and_day_are_shown_and_the_servers_count_is_taken_in(
    source: TwelveData, server: providers.TwelveData
) -> None:
    server._used[(0, int((server.clock.now - server.phase) // 60))] = 5  # another program, the same key
    source.recent("EUR/USD", parse("1m"), 5)
    minute, day = budgets()["twelvedata"].limits
    assert (minute.name, minute.used, minute.left) == ("a minute", 6, 2)
    assert (day.name, day.used, day.left) == ("a day", 1, 799)


def test_what_was_spent_today_is_known_after_a_restart(
    source: TwelveData, server: providers.TwelveData, clock: FakeClock, tmp_path: Path
) -> None:
    clock.now = pd.Timestamp.now(tz="UTC").timestamp()  # lines in the ledger have this machine's time
    store, series = open_store(str(tmp_path)), Series("twelvedata", "EUR/USD", parse("1h"))
    spent = download(store, source, "EUR/USD", "1h", at("2024-02-05"), at("2024-02-10")).requests
    before = pd.Timestamp.now(tz="UTC") - pd.Timedelta(days=2)
    store.log(series, LedgerEntry(before, "twelvedata", None, None, requests=500))
    assert budgets()["twelvedata"].limits[1].used == spent > 0
    limits.forget(server.url)  # type: ignore[attr-defined]
    for day in (12, 13):
        again = TwelveData(server.url, clock=clock)  # type: ignore[attr-defined]
        spent += download(
            store, again, "EUR/USD", "1h", at(f"2024-02-{day}"), at(f"2024-02-{day + 1}")
        ).requests
        assert budgets()["twelvedata"].limits[1].used == spent == server.asked


def test_the_plan_is_a_setting(
    server: providers.TwelveData, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDLEBOOK_TWELVEDATA_PER_MINUTE", "55")
    monkeypatch.setenv("CANDLEBOOK_TWELVEDATA_PER_DAY", "0")
    TwelveData(server.url, clock=clock).recent("EUR/USD", parse("1m"), 5)  # type: ignore[attr-defined]
    assert [use.limit for use in budgets()["twelvedata"].limits] == [55]


def test_recent_over_a_weekend(source: TwelveData, server: providers.TwelveData, clock: FakeClock) -> None:
    clock.now = at("2024-03-17 12:00").timestamp()
    recent = source.recent("EUR/USD", parse("1m"), 500)
    assert recent.forming.empty
    assert recent.closed.index[-1] == at("2024-03-15 21:59")
    assert len(recent.closed) == 500
