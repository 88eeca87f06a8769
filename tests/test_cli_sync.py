"""``python -m lib sync | gaps | fill | check`` as they are typed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from lib.cli import main
from lib.cli.progress import Bars
from lib.series import Series
from lib.store import open_store
from lib.sync import Progress
from tests.servers.binance_rest import Exchange, Fault, Server, us
from tests.store.make import at, candles

ROOT = Path(__file__).resolve().parent.parent
HOURS = Series.of("binance", "BTCUSDT", "1h")
LIST = """
[[series]]
source = "binance"
symbols = ["BTCUSDT", "HALTUSDT"]
timeframes = ["1h", "1d"]
start = 2024-01-01
calendar = "24/7"
"""


@pytest.fixture
def exchange() -> Exchange:
    made = Exchange(now=lambda: us("2024-03-15 12:34:56") / 1e6)
    made.add("BTCUSDT", "2023-12-01", price=30_000.0)
    made.add("HALTUSDT", "2023-12-01", halts=((us("2024-02-10"), us("2024-02-12")),))
    return made


@pytest.fixture
def server(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server(exchange) as running:
        monkeypatch.setenv("CANDLEBOOK_BINANCE_REST", running.url)
        yield running


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "candlebook.toml").write_text(LIST)
    return tmp_path / "candlebook.toml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def answer(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_sync_alone_brings_all_up_to_date(server: Server, exchange: Exchange, listed: Path) -> None:
    result = run("sync")
    assert result.exit_code == 0, result.stderr
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "BTCUSDT 1h (binance)", "BTCUSDT 1d (binance)", "HALTUSDT 1h (binance)", "HALTUSDT 1d (binance)",
    ]  # fmt: skip
    store = open_store()
    for symbol in ("BTCUSDT", "HALTUSDT"):
        for frame in ("1h", "1d"):
            truth = exchange.truth(symbol, frame, "2024-01-01", "2024-03-16")
            kept = store.read(Series.of("binance", symbol, frame))
            pd.testing.assert_frame_equal(kept, truth, check_freq=False)
    assert store.info(HOURS).calendar == "24/7"
    exchange.now = lambda: us("2024-03-16 02:00:01") / 1e6
    exchange.requests.clear()
    again = answer("sync", "--config", str(listed))
    assert [one["added"] for one in again["series"]] == [14, 1, 14, 1]
    assert all(int(one["startTime"]) * 1000 >= us("2024-03-14") for one in exchange.klines), "no hole again"


def test_one_that_fails_leaves_the_others_going(server: Server, listed: Path) -> None:
    listed.write_text(LIST.replace('"HALTUSDT"', '"HALTUSD"'))
    result = run("sync", "--json")
    assert result.exit_code == 2
    series = json.loads(result.stdout)["series"]
    assert [one.get("added", 0) > 0 for one in series] == [True, True, False, False]
    assert "Did you mean HALTUSDT?" in series[2]["error"]
    assert series[2]["exit_code"] == 2
    result = run("sync")
    assert result.exit_code == 2
    assert result.stderr.count("Error: HALTUSD") == 2


def test_a_source_without_its_key_holds_up_no_other(server: Server, listed: Path) -> None:
    more = '[[series]]\nsource = "oanda"\nsymbol = "EUR_USD"\ntimeframe = "1d"\n'
    listed.write_text(LIST.replace('["1h", "1d"]', '["1d"]') + more)
    result = run("sync", "--json")
    *done, refused = json.loads(result.stdout)["series"]
    assert [one["added"] > 0 for one in done] == [True, True]
    assert "CANDLEBOOK_OANDA" in refused["error"] or "OANDA" in refused["error"]
    assert result.exit_code == refused["exit_code"] != 0


@pytest.mark.parametrize(("fault", "code"), [("451", 5), ("garbage", 5)])
def test_the_gravest_failure_is_the_exit_code(
    server: Server, exchange: Exchange, listed: Path, fault: str, code: int
) -> None:
    exchange.always = Fault(fault)
    assert run("sync").exit_code == code


def test_without_a_list_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("sync")
    assert result.exit_code == 2
    assert "no candlebook.toml" in result.stderr
    assert "--config" in result.stderr
    assert run("sync", "--config", "nowhere.toml").exit_code == 2


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_and_the_next_run_goes_on(
    server: Server, exchange: Exchange, listed: Path, sent: signal.Signals
) -> None:
    listed.write_text(LIST.replace('["1h", "1d"]', '["1m"]').replace("2024-01-01", "2024-03-01"))
    # the signal comes long before the end, however busy this machine is
    exchange.faults = {number: Fault("slow", seconds=0.2 if number < 14 else 1.0) for number in range(6, 400)}
    child = subprocess.Popen(
        [sys.executable, "-m", "lib", "sync", "--json", "--config", str(listed)], cwd=ROOT, env=dict(os.environ),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 100
        counts: dict[str, int] = {}
        while min(counts.values(), default=0) < 4 and time.monotonic() < deadline:
            counts = {
                name: sum(one["symbol"] == name for one in exchange.klines) for name in exchange.markets
            }
            time.sleep(0.02)
        child.send_signal(sent)
        out, err = child.communicate(timeout=100)
    finally:
        child.kill()
    assert child.returncode == 130, err
    assert "goes on from there" in err
    stopped = json.loads(out)["series"]
    assert all(one["cancelled"] and one["added"] > 0 for one in stopped)
    exchange.faults = {}
    done = answer("sync")["series"]
    for one, other in zip(stopped, done, strict=True):
        truth = exchange.truth(one["symbol"], "1m", "2024-03-01", "2024-03-15 12:50")
        assert one["added"] + other["added"] == len(truth)


def test_one_line_for_several_downloads() -> None:
    bars = Bars(4, on=False)
    for at_, done in enumerate((1.0, 0.5, 0.5)):
        bars.show(Series.of("s", f"X{at_}", "1m"), Progress(done=done, candles=100, requests=1))
    whole = bars.whole(10.0)
    assert (whole.done, whole.candles, whole.requests, whole.rate, whole.eta_seconds) == (
        0.5,
        300,
        3,
        30.0,
        10.0,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_there_is_a_line_with_rate_and_time_left(
    server: Server, exchange: Exchange, listed: Path
) -> None:
    import pty

    exchange.faults = {number: Fault("slow", seconds=0.15) for number in range(1, 400)}
    mine, its = pty.openpty()
    command = [sys.executable, "-m", "lib", "sync", "--json", "--config", str(listed)]
    environment = {**os.environ, "COLUMNS": "120"}
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=its)
    os.close(its)
    seen = b""
    try:
        while piece := os.read(mine, 4096):
            seen += piece
    except OSError:  # the other end is closed
        pass
    out, _ = child.communicate(timeout=60)
    os.close(mine)
    assert child.returncode == 0
    assert json.loads(out)["series"]
    drawn = seen.decode()
    assert re.search(r"\d of 4 series, [\d,]+ candles, [\d,]+ a second, \d+:\d\d left", drawn), drawn


# ------------------------------------------------------------------------------------------- gaps and fill


@pytest.fixture
def holed() -> pd.DataFrame:
    """Hours with two holes, stored as from Binance."""
    table = candles("1h", "2024-01-01", 24 * 60, seed=1)
    keep = np.ones(len(table), bool)
    keep[100:110] = keep[500] = False
    open_store().write(HOURS, table[keep], origin="t")
    return table


ASK = ("--symbol", "BTCUSDT", "--calendar", "24/7")


def test_gaps_are_listed_with_their_states(holed: pd.DataFrame) -> None:
    (found,) = answer("gaps", *ASK)["series"]
    assert (found["expected"], found["present"], found["missing"], found["gaps_in_all"]) == (
        1440,
        1429,
        11,
        2,
    )
    assert [(one["count"], one["state"]) for one in found["gaps"]] == [(10, "detected"), (1, "detected")]
    assert found["gaps"][0]["start"] == "2024-01-05T04:00:00Z"
    assert found["gaps"][0]["end"] == "2024-01-05T14:00:00Z"
    (short,) = answer("gaps", *ASK, "--limit", "1")["series"]
    assert len(short["gaps"]) == 1
    assert short["gaps_in_all"] == 2
    marked = answer("gaps", *ASK, "--mark", "ignored", "--start", "2024-01-05", "--end", "2024-01-06")
    (told,) = marked["series"]
    assert [one["state"] for one in told["gaps"]] == ["ignored"]
    assert told["missing"] == 0 and told["ignored"] == 10
    (judged,) = answer("check", *ASK)["series"]
    assert (judged["expected"], judged["present"], judged["ignored"]) == (1430, 1429, 10)
    text = run("gaps", *ASK)
    assert text.exit_code == 0
    lines = text.stdout.splitlines()
    assert lines[0].startswith(
        "BTCUSDT 1h (binance): 99.9% of 1,430 candles there, 10 ignored; 2 gaps. Calendar 24/7"
    )
    assert "ignored by reader" in lines[1]
    assert "detected" in lines[2]
    answer("gaps", *ASK, "--mark", "detected", "--start", "2024-01-05", "--end", "2024-01-06")
    assert "ignored" not in run("gaps", *ASK).stdout
    assert "; 1 gap. " in run("gaps", *ASK, "--end", "2024-01-06").stdout
    (hole,) = answer("gaps", *ASK, "--start", "2024-01-05T04:00", "--end", "2024-01-05T14:00")["series"]
    assert (hole["present"], hole["missing"], len(hole["gaps"])) == (0, 10, 1), "a range without a candle"
    assert run("gaps", *ASK, "--mark", "ignored").exit_code == 2
    assert run("gaps", "--symbol", "NONE").exit_code == 2


def test_without_a_symbol_every_series_is_looked_at(holed: pd.DataFrame) -> None:
    open_store().write(Series.of("t", "OLD", "1d"), candles("1d", "2010-01-01", 30), origin="t")
    both = answer("gaps", "--calendar", "24/7")["series"]
    assert [one["symbol"] for one in both] == ["BTCUSDT", "OLD"]
    assert [one["symbol"] for one in answer("check", "--calendar", "24/7")["series"]] == ["BTCUSDT", "OLD"]
    for verb in ("gaps", "check"):
        some = run(verb, "--start", "2024-01-01", "--json")
        assert some.exit_code == 0, some.stderr
        assert [one["symbol"] for one in json.loads(some.stdout)["series"]] == ["BTCUSDT"]
        assert "Left out: OLD 1d (t): " in some.stderr
        none = run(verb, "--symbol", "OLD", "--start", "2030-01-01")
        assert none.exit_code == 2 and "open from 2010-01-01 00:00 to 2010-01-30 00:00 UTC." in none.stderr


def test_fill_from_the_source_and_by_hand(server: Server, exchange: Exchange, holed: pd.DataFrame) -> None:
    exchange.add("HALF", "2024-01-05 09:00")
    made = answer("fill", *ASK, "--method", "linear", "--end", "2024-01-06")
    assert made == {"made": 10, "method": "linear"}
    (found,) = answer("gaps", *ASK)["series"]
    assert [(one["state"], one["by"]) for one in found["gaps"]] == [("filled", "linear"), ("detected", "")]
    assert answer("fill", *ASK, "--undo") == {"removed": 10}
    result = answer("fill", *ASK, "--from", "binance", "--from-symbol", "HALF")
    assert (result["added"], result["gaps"], result["from"]) == (6, 2, "binance")
    kept = open_store().read(HOURS, provenance=True)
    assert (kept["origin"] == "binance REST HALF").sum() == 6
    done = run("fill", *ASK, "--again")
    assert done.exit_code == 0, done.stderr
    assert "5 new candles" in done.stdout
    truth = exchange.truth("BTCUSDT", "1h", "2024-01-05 04:00", "2024-01-05 09:00")
    pd.testing.assert_frame_equal(
        open_store().read(HOURS, start=at("2024-01-05 04:00"), end=at("2024-01-05 09:00")), truth,
        check_freq=False,
    )  # fmt: skip
    assert len(answer("gaps", *ASK)["series"][0]["gaps"]) == 0


def test_fill_is_told_what_makes_no_sense(holed: pd.DataFrame) -> None:
    open_store().write(
        HOURS.at(HOURS.timeframe.__class__(1, "d")), candles("1d", "2024-01-01", 30), origin="t"
    )
    several = run("fill", "--symbol", "BTCUSDT")
    assert several.exit_code == 2
    assert "2 series fit" in several.stderr
    wrong = run("fill", *ASK, "--timeframe", "1h", "--method", "forward", "--from", "demo")
    assert wrong.exit_code == 2
    assert "--method source" in wrong.stderr
    unknown = run("fill", *ASK, "--timeframe", "1h", "--from", "nobody")
    assert unknown.exit_code == 2
    assert "no source 'nobody'" in unknown.stderr


def test_check_prints_the_report(holed: pd.DataFrame) -> None:
    store = open_store()
    spike = holed.iloc[300:301] * [1, 1, 1, 1, 1]
    spike[["open", "high", "low", "close"]] *= 3.0
    store.write(HOURS, spike, origin="t")
    (found,) = answer("check", *ASK)["series"]
    assert (found["candles"], found["expected"], found["gaps"]) == (1429, 1440, 2)
    assert found["badge"]["level"] in ("fair", "poor")
    assert any("2024-01-13T1" in one["start"] for one in found["findings"]), found["findings"]
    text = run("check", *ASK)
    assert text.exit_code == 0
    assert text.stdout.splitlines()[0].startswith(
        f"BTCUSDT 1h (binance): {found['badge']['text']}. Calendar 24/7"
    )
    assert len(text.stdout.splitlines()) == 1 + len(found["findings"])
    assert run("check", "--symbol", "NONE").exit_code == 2


def test_without_a_terminal_a_line_comes_now_and_then(
    server: Server, exchange: Exchange, listed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.cli.progress.EVERY_SECONDS", 0.0)
    result = CliRunner().invoke(main, ["sync", "--json"])
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["series"]) == 4
    assert re.search(r"^\[#*\.*\] +\d+% \d of 4 series, [\d,]+ candles", result.stderr, re.MULTILINE)
    assert "\r" not in result.stderr


def test_a_source_that_cannot_be_reached_is_told_in_seconds(
    listed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDLEBOOK_BINANCE_REST", "http://127.0.0.1:1")
    listed.write_text('[[series]]\nsource = "binance"\nsymbol = "BTCUSDT"\ntimeframe = "1h"\n')
    begun = time.monotonic()
    result = CliRunner().invoke(main, ["sync", "--json"])
    assert time.monotonic() - begun < 15
    assert result.exit_code == 4
    assert all("it refused the connection" in one["error"] for one in json.loads(result.stdout)["series"])
