from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lib.chart.payload import Ledger, advance, frame_of
from lib.chart.view import ChartView, Line, Marker, Pane
from lib.timeframes import parse
from tests.chart.browser_model import BrowserModel, wire

MINUTE = parse("1m")


def candles(count: int, start: str = "2024-01-01", seed: int = 1) -> pd.DataFrame:
    """A walk; candle i of a start is the same however many are asked for."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 1, (count, 3))
    close = np.round(100 + np.cumsum(steps[:, 0]) * 0.1, 2)
    open_ = np.concatenate(([100.0], close[:-1]))
    index = pd.date_range(start, periods=count, freq="1min", tz="UTC", unit="us", name="time")
    return pd.DataFrame(
        {
            "open": open_,
            "high": np.maximum(open_, close) + np.abs(steps[:, 1]).round(2),
            "low": np.minimum(open_, close) - np.abs(steps[:, 2]).round(2),
            "close": close,
            "volume": np.arange(count, dtype=float),
        },
        index=index,
    )


def view(table: pd.DataFrame, *, identity: str = "one", **options: Any) -> ChartView:
    ema = table["close"].ewm(span=3, adjust=False).mean().to_numpy().copy()
    ema[:2] = np.nan
    lines = (Line("ema(3)", "EMA 3", ema), Line("obv", "OBV", np.cumsum(table["volume"].to_numpy()), "obv"))
    return ChartView(identity, table, MINUTE, lines, (Pane("obv", "OBV"),), **options)


def name() -> str:
    return "aaa"


def started(table: pd.DataFrame, **options: Any) -> tuple[Ledger, dict[str, Any]]:
    return advance(None, view(table, **options), new_id=name)


def test_reset_golden() -> None:
    table = candles(3)
    ledger, payload = started(
        table,
        log=True,
        zone="Europe/Paris",
        has_older=True,
        title="T",
        markers=(Marker(table.index[1], "2:1 split"),),
        focus=(table.index[0], table.index[2]),
        gaps=((table.index[0], table.index[1]),),
        gap_notes=("1 candle missing",),
        filled=((table.index[1], table.index[2]),),
    )
    rows = payload.pop("rows")
    assert payload == {
        "id": "aaa",
        "rev": 0,
        "op": "reset",
        "identity": "one",
        "shape": {
            "timeframe": "1m",
            "seconds": 60,
            "lines": [["ema(3)", "EMA 3", "price", "line", 0, 0], ["obv", "OBV", "obv", "line", 0, 0]],
            "panes": [["obv", "OBV", []]],
        },
        "style": {
            "title": "T",
            "zone": "Europe/Paris",
            "log": True,
            "older": True,
            "focus": [1704067200, 1704067320],
            "markers": [[1704067260, "2:1 split", "flag"]],
            "gaps": [[1704067200, 1704067260, "1 candle missing"]],
            "filled": [[1704067260, 1704067320]],
        },
    }
    assert rows.column_names == ["t", "o", "h", "l", "c", "v", "0", "1"]
    assert rows.schema.metadata is None and {field.type for field in rows.schema} == {pa.float64()}
    assert rows.column("t").to_pylist() == [1704067200, 1704067260, 1704067320]
    assert rows.column("0").null_count == 0, "NaN crosses as NaN; a null would be read as 0"
    assert ledger.rev == 0


def test_tail_golden() -> None:
    table = candles(5)
    ledger, _ = started(table.iloc[:4], forming=True)
    moved = table.iloc[:4].copy()
    moved.iloc[3, 3] = 99.5
    moved.iloc[3, 2] = 90.0
    ledger, payload = advance(ledger, view(moved, forming=True))
    assert json.dumps(payload) == (
        '{"id": "aaa", "rev": 1, "since": 0, "op": "tail", "from": 1704067380, "rows": '
        "[[1704067380, 99.85, 99.91, 90, 99.5, 3, 99.70375, 6]]}"
    )
    ledger, payload = advance(ledger, view(table, forming=True))
    assert (payload["rev"], payload["since"], payload["from"]) == (2, 0, 1704067380)
    assert [row[0] for row in payload["rows"]] == [1704067380, 1704067440]
    again, same = advance(ledger, view(table, forming=True))
    assert same is payload and again is ledger


def test_step_back_sends_no_rows() -> None:
    ledger, _ = started(candles(10))
    ledger, payload = advance(ledger, view(candles(10).iloc[:7]))
    assert payload["op"] == "tail" and payload["rows"] == []
    assert payload["from"] == int(candles(10).index[7].timestamp())


def test_head_golden() -> None:
    whole = candles(30)
    ledger, _ = started(whole.iloc[20:])
    ledger, payload = advance(ledger, view(whole))
    assert (payload["op"], payload["rev"], payload["since"]) == ("head", 1, 0)
    # the balance volume counts from the first bar, so all of its values are other ones
    assert payload["until"] is None and payload["rows"].num_rows == 30 and "newer" not in payload
    after, rest = advance(ledger, view(whole))
    assert rest == {"id": "aaa", "rev": 1, "since": 1, "op": "style"}
    assert advance(after, view(whole))[1] is rest


def test_head_sends_only_the_lines_that_changed() -> None:
    whole = candles(300)

    def mean(table: pd.DataFrame) -> ChartView:
        line = Line("sma(5)", "SMA 5", table["close"].rolling(5).mean().to_numpy())
        return ChartView("one", table, MINUTE, (line,))

    first = whole.iloc[200:299]
    ledger, reset = advance(None, mean(first), new_id=name)
    browser = BrowserModel()
    browser.receive(reset)
    ledger, payload = advance(ledger, mean(whole))
    assert payload["rows"].num_rows == 204 and len(payload["newer"]) == 1
    browser.receive(payload)
    assert_same(browser, ledger)


def test_long_tail_crosses_as_a_table() -> None:
    table = candles(500)
    ledger, _ = started(table.iloc[:100])
    _, payload = advance(ledger, view(table))
    assert isinstance(payload["rows"], pa.Table) and payload["rows"].num_rows == 400


def test_style_alone() -> None:
    table = candles(5)
    ledger, _ = started(table)
    ledger, payload = advance(ledger, view(table, log=True))
    assert payload == {"id": "aaa", "rev": 1, "since": 0, "op": "style", "style": {"log": True}}
    # a missed style comes again with the next tail
    _, payload = advance(ledger, view(candles(6), log=True))
    assert payload["op"] == "tail" and payload["since"] == 0 and payload["style"] == {"log": True}


@pytest.mark.parametrize(
    "other",
    [
        lambda table: view(table, identity="two"),
        lambda table: replace(view(table), timeframe=parse("5m")),
        lambda table: replace(view(table), lines=()),
        lambda table: view(table.iloc[:0]),
        lambda table: view(candles(5, "2030-01-01")),
        lambda table: view(candles(5, "1999-01-01")),
    ],
)
def test_another_picture_is_a_reset(other: Any) -> None:
    ledger, _ = started(candles(5))
    _, payload = advance(ledger, other(candles(5)), new_id=lambda: "bbb")
    assert payload["op"] == "reset" and payload["id"] == "bbb"


def test_empty_view() -> None:
    ledger, payload = started(candles(0))
    assert payload["rows"].num_rows == 0
    ledger, payload = advance(ledger, view(candles(0)))
    assert payload["op"] == "style"
    assert advance(ledger, view(candles(3)))[1]["op"] == "reset"


def test_sliding_window_stays_small_and_then_starts_over() -> None:
    whole = candles(400)
    ledger, payload = started(whole.iloc[:100])
    resets = 0
    browser = BrowserModel()
    browser.receive(payload)
    for step in range(1, 200):
        ledger, payload = advance(ledger, view(whole.iloc[step : 100 + step]))
        assert browser.receive(payload)
        resets += payload["op"] == "reset"
        if payload["op"] == "tail":
            assert len(payload["rows"]) <= 20
        assert len(browser.rows) <= 151
    assert resets == 3
    held = browser.rows[-100:, :6]
    assert np.array_equal(held[:, 0], whole.index[199:299].asi8 / 1e6)


def test_prices_cross_exactly() -> None:
    table = candles(4)
    table.iloc[3, :4] = [1 / 3, 0.1 + 0.2, 1 / 7, 1 / 3]
    ledger, _ = started(table.iloc[:3])
    _, payload = advance(ledger, view(table))
    assert wire(payload)["rows"][0][1:5] == [1 / 3, 0.1 + 0.2, 1 / 7, 1 / 3]


@pytest.mark.parametrize("bars", [2_000, 20_000])
def test_a_live_update_is_small(bars: int) -> None:
    """The forming candle moves eight times, a new one begins, with ten lines: what Streamlit wraps
    around a payload is about 2.2 kB, and 4 kB is the most for all."""
    whole = candles(bars + 1)

    def busy(table: pd.DataFrame) -> ChartView:
        close = table["close"].to_numpy()
        lines = tuple(Line(f"l{i}", f"L{i}", close * 600 / (i + 3)) for i in range(10))
        return ChartView("one", table, MINUTE, lines)

    ledger, _ = advance(None, busy(whole.iloc[:bars]))
    for step in range(12):
        moved = whole.iloc[: bars + step // 6].copy()
        moved.iloc[-1, 3] += 0.01 * step
        moved.iloc[-1, 1] += 1
        ledger, payload = advance(ledger, busy(moved))
        assert len(json.dumps(payload)) < 1_800


def assert_same(browser: BrowserModel, ledger: Ledger) -> None:
    frame = ledger.frame
    expected = np.column_stack((frame.times, frame.rows))
    assert browser.rows.shape == expected.shape
    assert np.array_equal(browser.rows[:, :5], expected[:, :5])
    np.testing.assert_allclose(browser.rows[:, 5:], expected[:, 5:], rtol=1e-9)
    assert browser.style == json.loads(json.dumps(frame.style))
    assert (browser.identity, browser.shape) == (frame.identity, json.loads(json.dumps(frame.shape)))


class Session(RuleBasedStateMachine):
    """A page that does what pages do, over a line that loses messages: whatever arrives, the browser
    then holds the view, or has asked for a reset, which brings it."""

    WHOLE = candles(900)

    @initialize(start=st.integers(100, 400), count=st.integers(0, 200))
    def begin(self, start: int, count: int) -> None:
        self.start, self.stop = start, start + count
        self.moved = 0.0
        self.options: dict[str, Any] = {}
        self.identity = 0
        self.ledger: Ledger | None = None
        self.browser = BrowserModel()
        self.delivered = True

    def table(self) -> pd.DataFrame:
        table = self.WHOLE.iloc[self.start : self.stop].copy()
        if len(table):
            table.iloc[-1, 3] += self.moved
            table.iloc[-1, 1] += abs(self.moved)
            table.iloc[-1, 2] -= abs(self.moved)
        return table

    @rule(lost=st.booleans())
    def run_page(self, lost: bool) -> None:
        self.ledger, payload = advance(
            self.ledger, view(self.table(), identity=str(self.identity), **self.options)
        )
        self.delivered = not lost
        if lost:
            return
        if not self.browser.receive(payload):
            self.ledger, payload = advance(
                None, view(self.table(), identity=str(self.identity), **self.options)
            )
            assert self.browser.receive(payload)

    @rule(by=st.floats(-1, 1))
    def tick(self, by: float) -> None:
        self.moved = round(by, 3)

    @rule(by=st.sampled_from([1, 1, 2, 80]))
    def grow(self, by: int) -> None:
        self.stop = min(len(self.WHOLE), self.stop + by)

    @rule(by=st.sampled_from([1, 5, 60]))
    def step_back(self, by: int) -> None:
        self.stop = max(self.start, self.stop - by)

    @rule(by=st.sampled_from([1, 50]))
    def older(self, by: int) -> None:
        self.start = max(0, self.start - by)

    @rule(by=st.sampled_from([1, 1, 40]))
    def slide(self, by: int) -> None:
        self.start = min(self.stop, self.start + by)

    @rule(log=st.booleans(), forming=st.booleans())
    def restyle(self, log: bool, forming: bool) -> None:
        self.options = {"log": log, "forming": forming}

    @rule()
    def another(self) -> None:
        self.identity += 1

    @precondition(lambda self: self.ledger is not None)
    @rule()
    def remount(self) -> None:
        self.browser = BrowserModel()
        self.delivered = False

    @invariant()
    def holds_the_view(self) -> None:
        if getattr(self, "ledger", None) is None or not self.delivered or self.browser.id != self.ledger.id:
            return
        if self.browser.revision == self.ledger.rev:
            assert_same(self.browser, self.ledger)


TestSession = Session.TestCase
TestSession.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_delivered_view_is_the_whole_view() -> None:
    """The machine above compares with the ledger; here with the view itself."""
    table = candles(50)
    ledger, _ = started(table.iloc[10:40])
    for start, stop in [(10, 41), (10, 38), (5, 38), (0, 50), (0, 50)]:
        part = view(table.iloc[start:stop])
        ledger, _ = advance(ledger, part)
        fresh = frame_of(part)
        assert np.array_equal(ledger.frame.times, fresh.times)
        assert np.array_equal(ledger.frame.rows, fresh.rows, equal_nan=True)
