"""``python -m lib download`` against an exchange of our own on a real port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from lib.cli import main
from lib.cli.progress import Bar
from lib.series import Series
from lib.store import open_store
from lib.sync import Progress
from tests.servers.binance_rest import Exchange, Fault, Server

ROOT = Path(__file__).resolve().parent.parent
ASK = ("download", "--source", "binance", "--symbol", "BTCUSDT", "--timeframe", "1h")
SPAN = ("--start", "2024-01-01", "--end", "2024-03-01")


@pytest.fixture
def exchange() -> Exchange:
    made = Exchange()
    made.add("BTCUSDT", "2023-12-01", price=30_000.0)
    return made


@pytest.fixture
def server(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server(exchange) as running:
        monkeypatch.setenv("CANDLEBOOK_BINANCE_REST", running.url)
        yield running


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_download_then_nothing_is_left_to_ask(server: Server, exchange: Exchange) -> None:
    result = run(*ASK, *SPAN)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("BTCUSDT 1h (binance): 1,440 new candles")
    kept = open_store().read(Series.of("binance", "BTCUSDT", "1h"))
    pd.testing.assert_frame_equal(kept, exchange.truth("BTCUSDT", "1h", *SPAN[1::2]), check_freq=False)
    again = json.loads(run(*ASK, *SPAN, "--json").stdout)
    assert (again["added"], again["requests"], again["first"]) == (0, 0, None)


@pytest.mark.parametrize(("fault", "code"), [("451", 5), ("403", 5), ("garbage", 5)])
def test_a_source_that_will_not_serve(server: Server, exchange: Exchange, fault: str, code: int) -> None:
    exchange.always = Fault(fault)
    result = run(*ASK, *SPAN)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("Error: ")


def test_wrong_names_end_with_2(server: Server) -> None:
    assert run(*ASK[:4], "NOSUCH", *ASK[5:], *SPAN).exit_code == 2
    result = run(*ASK[:-1], "7m", *SPAN)
    assert result.exit_code == 2
    assert "7 minutes" in result.stderr or "7m" in result.stderr, result.stderr
    assert open_store().list() == []


def test_ctrl_c_keeps_what_arrived_and_the_next_run_goes_on(
    server: Server, exchange: Exchange, tmp_path: Path
) -> None:
    # the signal comes long before the end, however busy this machine is
    exchange.faults = {number: Fault("slow", seconds=0.2 if number < 16 else 1.0) for number in range(2, 200)}
    ask = [*ASK[:-1], "1m", "--start", "2024-01-01", "--end", "2024-02-01", "--json"]
    child = subprocess.Popen(
        [sys.executable, "-m", "lib", *ask], cwd=ROOT, env=dict(os.environ),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 100
        while len(exchange.klines) < 15 and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=100)
    finally:
        child.kill()
    assert child.returncode == 130, err
    stopped = json.loads(out)
    assert stopped["cancelled"]
    assert "goes on from there" in err
    assert "Traceback" not in err
    kept = open_store().info(Series.of("binance", "BTCUSDT", "1m")).count
    assert 0 < kept == stopped["added"] < 44_640
    exchange.faults = {}
    done = json.loads(run(*ask).stdout)
    assert done["added"] == 44_640 - kept


def test_the_bar_writes_one_line_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    bar = Bar(on=True)
    bar.show(Progress(done=0.25, candles=1000, rate=500.0, eta_seconds=75, note="waiting for the limit"))
    bar.end()
    assert capsys.readouterr().err == (
        "\r\x1b[K[######..................]  25% 1,000 candles, 500 a second, 1:15 left (waiting for the limit)\n"
    )
    monkeypatch.setenv("COLUMNS", "40")
    bar.show(Progress(done=0.25, candles=1000, rate=500.0), "3 of 8 series,")
    assert capsys.readouterr().err == "\r\x1b[K[######..................]  25% 3 of 8 "
    quiet = Bar(on=False)
    quiet.show(Progress())
    quiet.end()
    assert capsys.readouterr().err == ""
