"""The chart in a browser: what it keeps, what it asks for, what crosses the wire."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, TimeoutError, expect

from lib.indicators import REGISTRY, Pick
from lib.series import Series
from lib.store import open_store
from tests.browser.harness import AppServer

LIVE = "tests/browser/apps/chart_live.py"
BOOK = "tests/browser/apps/book/app.py"
PICKS = "tests/browser/apps/chart_picks.py"
Serve = Callable[..., AppServer]


class Chart:
    """The chart's test hook (``window.__candlebook``), from here."""

    def __init__(self, page: Page, key: str = "chart") -> None:
        self.page, self.key = page, key
        self.until("c.bars() > 0 && c.range() !== null")

    def ask(self, expression: str) -> Any:
        """The value of an expression of ``c``, the chart."""
        return self.page.evaluate(
            f"() => {{ const c = window.__candlebook.charts.get({self.key!r}); return {expression} }}"
        )

    def until(self, expression: str, timeout: float = 60_000) -> None:
        """Wait for an expression of ``c`` to be true."""
        self.page.wait_for_function(
            f"() => {{ const c = window.__candlebook?.charts.get({self.key!r}); return c && ({expression}) }}",
            timeout=timeout,
        )

    def updates(self, count: int) -> None:
        """Wait for so many more updates to arrive."""
        self.until(f"c.received >= {self.ask('c.received') + count}", 60_000)

    def created(self) -> int:
        return int(self.page.evaluate("() => window.__candlebook.charts_created"))

    def box(self) -> dict[str, float]:
        found = self.page.locator(".cb-main").bounding_box()
        assert found is not None
        return dict(found)


def live(page: Page, server: AppServer, **query: object) -> Chart:
    page.goto(server.at("", **query))
    return Chart(page)


def older(page: Page, server: AppServer, **query: object) -> Chart:
    page.goto(server.at("Older", **query))
    return Chart(page, "history")


@pytest.fixture
def server(serve: Serve) -> AppServer:
    return serve(LIVE)


@pytest.fixture
def menu(serve: Serve) -> AppServer:
    return serve(PICKS)


@pytest.fixture
def book(serve: Serve) -> AppServer:
    return serve(BOOK)


def test_appears_with_legend_and_panes(page: Page, server: AppServer) -> None:
    chart = live(page, server, pause=1)
    assert chart.ask("c.panes()") == ["price", "rsi", "macd"]
    legend = page.locator(".cb-main .cb-legend")
    expect(legend).to_contain_text("DEMOUSDT (demo) · 1m")
    expect(legend).to_contain_text("UTC · forming")
    expect(legend).to_contain_text("EMA 150")
    expect(page.locator(".cb-pane .cb-legend").nth(2)).to_contain_text("Signal")
    expect(page.get_by_role("link", name="Charts by TradingView")).to_have_attribute(
        "href", "https://www.tradingview.com/"
    )
    chart.until("new Set(c.scales()).size === 1 && c.scales()[0] > 0")
    assert chart.ask("c.ranges().map(r => [r.from, r.to].join()).every((r, _, all) => r === all[0])")
    drawn = page.evaluate(
        """() => [...document.querySelectorAll("*")].map(e => e.shadowRoot).filter(Boolean)
        .flatMap(root => [...root.querySelectorAll("canvas")]).map(canvas => {
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const colors = new Set();
            for (let i = 0; i < data.length; i += 4) colors.add(`${data[i]} ${data[i + 1]} ${data[i + 2]}`);
            return colors.size;
        })"""
    )
    assert max(drawn) > 20


def test_updates_do_not_make_it_anew(page: Page, server: AppServer) -> None:
    chart = live(page, server, every=0.1)
    before = chart.ask("c.bars()")
    chart.updates(30)
    assert chart.created() == 1 and chart.ask("c.number") == 1
    assert chart.ask("c.bars()") >= before + 4
    shown = re.search(r"candles: (\d+)", page.get_by_text("candles: ").inner_text())
    assert shown is not None and abs(int(shown[1]) - chart.ask("c.bars()")) <= 1


def test_zoom_survives_updates_and_a_full_run(page: Page, server: AppServer) -> None:
    chart = live(page, server, every=0.1)
    box = chart.box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.wheel(0, -300)
    page.mouse.down()
    page.mouse.move(box["x"] + 800, box["y"] + 200, steps=5)
    page.mouse.up()
    page.mouse.move(5, 5)
    expect(page.get_by_role("button", name="Go to the latest candle")).to_be_visible()
    chart.updates(1)
    held = chart.ask("c.range()")
    chart.updates(20)
    assert chart.ask("c.range()") == pytest.approx(held)
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("reruns: 1")).to_be_visible()
    chart.updates(3)
    assert chart.ask("c.range()") == pytest.approx(held)
    page.get_by_text("Indicator pane").click()
    chart.until("c.panes().length === 1")
    assert chart.ask("c.range()") == pytest.approx(held)
    assert chart.created() == 1
    page.get_by_role("button", name="Go to the latest candle").click()
    chart.until("c.follows")


def test_follows_while_the_newest_is_in_sight(page: Page, server: AppServer) -> None:
    chart = live(page, server, every=0.1)
    bars, held = chart.ask("[c.bars(), c.range()]")
    chart.until(f"c.bars() >= {bars + 3}")
    state = chart.ask("[c.bars(), c.range(), c.follows]")
    assert state[1]["to"] - held["to"] == pytest.approx(state[0] - bars)
    assert state[2]


def test_the_candle_that_ended_is_drawn_as_ended(page: Page, server: AppServer) -> None:
    chart = live(page, server, every=0.1)
    bars = chart.ask("c.bars()")
    page.wait_for_function(
        f"""() => {{
            const c = window.__candlebook.charts.get("chart");
            const hollow = c.candles().map((candle, i) => candle.color ? i : -1).filter(i => i >= 0);
            if (String(hollow) !== String([c.bars() - 1])) throw new Error(`drawn as forming: ${{hollow}} of ${{c.bars()}}`);
            return c.bars() >= {bars + 4};
        }}""",
        timeout=60_000,
    )


def test_every_indicator_comes_and_goes_under_the_pointer(page: Page, menu: AppServer) -> None:
    page.goto(menu.at("", ind="ema(10)"))
    chart = Chart(page)
    field = page.get_by_label("Picks")
    box = chart.box()
    page.mouse.move(box["x"] + 500, box["y"] + 200)
    page.mouse.move(box["x"] + 520, box["y"] + 210)
    chart.until("c.cross() !== null")

    def show(*picks: Any) -> None:
        field.fill(";".join(map(str, picks)))
        field.press("Enter")
        own = [str(pick) for pick in picks if REGISTRY[pick.name].pane == "own"]
        chart.until(f"String(c.panes()) === {','.join(['price', *own])!r}")
        ids = [
            f"{pick}.{output.name}" if len(pick.outputs) > 1 else str(pick)
            for pick in picks
            for output in pick.outputs
        ]
        chart.until(f"String(c.lines().map(line => line.id)) === {','.join(ids)!r}")
        drawn = chart.ask("c.drawn()")
        assert set(drawn) == set(ids) and min(drawn.values(), default=999) > 100, drawn
        legends = " ".join(page.locator(".cb-legend").all_inner_texts())
        assert all(REGISTRY[pick.name].short in legends for pick in picks)

    picks = [Pick(name, entry.defaults) for name, entry in REGISTRY.items()]
    for pick in picks:
        show(pick)
        page.mouse.move(box["x"] + 500, box["y"] + 200)
        page.mouse.move(box["x"] + 520, box["y"] + 210)
    show()
    show(*picks)
    show(*picks[::-1])
    show(picks[0])
    assert chart.created() == 1


def test_indicators_without_values_under_the_pointer(page: Page, menu: AppServer) -> None:
    """No volume, so nothing to draw in some panes; the crosshair of the others still moves."""
    page.goto(menu.at("", ind="macd(12,26,9);obv;mfi(14)", dry=1))
    chart = Chart(page)
    box = chart.box()
    for x in range(300, 600, 50):
        page.mouse.move(box["x"] + x, box["y"] + 100)
    chart.until("c.cross() !== null")
    chart.ask("c.show(0, 20)")  # where no line has begun
    for x in range(300, 600, 50):
        page.mouse.move(box["x"] + x, box["y"] + 100)
    page.mouse.move(box["x"] + 300, box["y"] + box["height"] + 30)


def test_step_back_takes_bars_away(page: Page, server: AppServer) -> None:
    chart = live(page, server, every=0.1)
    chart.until("c.received > 15")
    page.get_by_text("Pause").click()
    chart.until("true")
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("reruns: 1")).to_be_visible()
    before = chart.ask("[c.bars(), c.last()[0]]")
    page.get_by_role("button", name="Step back").click()
    chart.until(f"c.bars() < {before[0]}")
    assert chart.ask("c.last()[0]") == before[1] - 60 * (before[0] - chart.ask("c.bars()"))
    assert chart.created() == 1


def test_lost_messages_are_made_good(page: Page, server: AppServer) -> None:
    chart = live(page, server, every=0.1)
    chart.updates(2)
    chart.ask("c.lose()")
    chart.until("c.revision > 0", 30_000)
    chart.updates(2)
    assert chart.created() == 1
    # a browser that has no time for three seconds gets the newest of what it missed
    page.evaluate("() => { const end = Date.now() + 3000; while (Date.now() < end); }")
    chart.updates(3)
    times = chart.ask("c.times()")
    assert all(b - a == 60 for a, b in zip(times, times[1:], strict=False))
    assert chart.created() == 1


def test_lost_connection_comes_back(page: Page, server: AppServer, watch: Any) -> None:
    page.add_init_script(
        """const Plain = WebSocket; window.__sockets = [];
        window.WebSocket = class extends Plain {
            constructor(...args) {
                super(...args);
                if (String(args[0]).includes("_stcore/stream")) window.__sockets.push(this);
            }
        };"""
    )
    chart = live(page, server, every=0.1)
    chart.updates(2)
    page.evaluate("() => window.__sockets[0].close()")
    page.wait_for_function("() => window.__sockets.length > 1 && window.__sockets[0].readyState === 3")
    chart.updates(5)
    # Streamlit's own words about a socket that is gone
    told = ("disconnected from server", "already in CLOSING or CLOSED state")
    watch.problems[:] = [each for each in watch.problems if not any(word in each for word in told)]
    times = chart.ask("c.times()")
    assert all(b - a == 60 for a, b in zip(times, times[1:], strict=False))


def test_another_series_begins_anew_in_the_same_chart(page: Page, server: AppServer) -> None:
    chart = live(page, server, pause=1)
    chart.ask("c.show(100, 200)")
    page.get_by_role("button", name="Another series").click()
    chart.until("c.range().to > 1990")
    assert chart.created() == 1


def test_theme_follows(page: Page, server: AppServer) -> None:
    chart = live(page, server, pause=1)
    chart.ask("c.show(1500, 1600)")
    assert chart.ask("c.theme().dark") is False
    page.emulate_media(color_scheme="dark")
    chart.until("c.theme().dark")
    # the figures on the price's tag are white on a fall; 4.5 to 1 is asked for
    fall = chart.ask("c.paint().downColor")
    light = [int(fall[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in light]
    assert 1.05 / (0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] + 0.05) > 4.5
    assert chart.ask("c.range().from") == pytest.approx(1500, abs=0.5) and chart.created() == 1


def test_log_scale_and_zone(page: Page, server: AppServer) -> None:
    chart = live(page, server, pause=1, zone="America/New_York")
    expect(page.locator(".cb-main .cb-legend")).to_contain_text("Tue 2 Jan 2024 04:20 New York")
    page.get_by_text("Log", exact=True).click()
    chart.until("c.style().log === true")
    assert chart.created() == 1 and chart.ask("c.received") == 2


def test_crosshair_reads_every_pane(page: Page, server: AppServer) -> None:
    chart = live(page, server, pause=1)
    legend = page.locator(".cb-main .cb-legend .cb-time")
    last = legend.inner_text()
    box = chart.box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 40)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 50)
    expect(legend).not_to_have_text(last)
    page.mouse.move(2, 2)
    expect(legend).to_have_text(last)


def test_a_break_says_what_is_missing(page: Page, server: AppServer) -> None:
    chart = live(page, server, pause=1)
    expect(page.locator(".cb-key-gap")).to_have_text("candles missing")
    expect(page.locator(".cb-key-filled")).to_be_hidden()
    chart.ask("c.show(1900, 1940)")
    box = chart.box()
    bar = (box["width"] - chart.ask("c.scales()[0]")) / 41
    note = page.locator(".cb-main .cb-note")
    for at, said in ((1919, "after it"), (1920, "before it"), (1921, None)):
        page.mouse.move(box["x"] + (at - 1899.5) * bar, box["y"] + box["height"] / 2, steps=2)
        expect(note).to_have_text(f"{said} 7 candles missing, likely cause: halt" if said else "")


def test_keys(page: Page, server: AppServer) -> None:
    chart = live(page, server, pause=1)
    page.locator(".cb").focus()
    first = chart.ask("c.range()")
    page.keyboard.press("ArrowLeft")
    assert chart.ask("c.range().from") < first["from"]
    page.keyboard.press("+")
    assert chart.ask("c.range().to - c.range().from") < first["to"] - first["from"]
    page.keyboard.press("Home")
    assert chart.ask("c.visible()[0]") == chart.ask("c.first()[0]")
    page.keyboard.press("End")
    assert chart.ask("c.visible()[1]") == chart.ask("c.last()[0]")


def test_picture(page: Page, server: AppServer, tmp_path: Path) -> None:
    live(page, server, pause=1)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as a picture (PNG)").click()
    assert saved.value.suggested_filename == "DEMOUSDT-demo-1m.png"
    saved.value.save_as(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"


def test_two_tabs(context: BrowserContext, server: AppServer) -> None:
    one, two = (live(context.new_page(), server, every=0.2) for _ in range(2))
    two.page.get_by_role("button", name="Another series").click()
    one.updates(3)
    two.updates(3)
    assert (one.created(), two.created()) == (1, 1)
    for chart in (one, two):
        times = chart.ask("c.times()")
        assert all(b - a == 60 for a, b in zip(times, times[1:], strict=False))


def test_older_candles_load_and_the_view_stays(page: Page, book: AppServer) -> None:
    chart = older(page, book)
    assert chart.ask("c.bars()") == 500
    box = chart.box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    chart.ask("c.show(100, 220)")
    seen = chart.ask("c.visible()")
    page.mouse.down()
    page.mouse.move(box["x"] + 750, box["y"] + 200, steps=8)
    moved = chart.ask("c.visible()")
    page.mouse.up()
    assert moved[0] < seen[0]
    chart.until("c.bars() === 1000")
    assert chart.ask("c.visible()") == moved
    assert chart.created() == 1
    # all the way, page by page
    for bars in (1500, 2000, 2500, 3000):
        page.locator(".cb").focus()
        page.keyboard.press("Home")
        chart.until(f"c.bars() === {bars}")
    expect(page.get_by_text("candles 3000")).to_be_visible()
    runs = page.get_by_text("runs ").inner_text()
    page.keyboard.press("Home")
    chart.until("c.visible()[0] === c.first()[0]")
    assert page.get_by_text("runs ").inner_text() == runs


@pytest.fixture(scope="module")
def long_series() -> Iterator[AppServer]:
    """The app with 30,000 hourly candles in its store, and nothing else."""
    times = pd.date_range("2021-01-01", periods=30_000, freq="1h", tz="UTC", unit="us", name="time")
    rng = np.random.default_rng(11)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.002, len(times)))), 2)
    open_ = np.concatenate(([100.0], close[:-1]))
    table = pd.DataFrame(
        {
            "open": open_,
            "high": np.maximum(open_, close) + 0.05,
            "low": np.minimum(open_, close) - 0.05,
            "close": close,
            "volume": 1.0,
        },
        index=times,
    )
    with AppServer("streamlit_app.py") as server:
        store = open_store(str(server.folder / "store"))
        store.write(Series.of("test", "LONG", "1h"), table, origin="test")
        yield server


def test_newer_candles_load_and_the_view_stays(page: Page, long_series: AppServer) -> None:
    page.goto(long_series.at("History", series="test:LONG:1h", at="2022-09-01", ind="ema(21);macd(12,26,9)"))
    chart = Chart(page, "history_chart")
    assert 1_900 < chart.ask("c.bars()") < 2_100 and chart.ask("c.style().newer") is True
    box = chart.box()
    page.mouse.move(box["x"] + 800, box["y"] + 200)
    newest = pd.Timestamp("2024-06-03 23:00", tz="UTC").timestamp()
    loads = 0
    while chart.ask("c.last()[0]") < newest:
        bars = chart.ask("c.bars()")
        chart.ask(f"c.show({bars - 240}, {bars - 90})")
        page.mouse.down()
        page.mouse.move(box["x"] + 300, box["y"] + 200, steps=4)
        seen = chart.ask("c.visible()")
        page.mouse.up()
        chart.until(f"c.bars() > {bars}")
        assert chart.ask("c.visible()") == pytest.approx(seen, abs=3600)
        assert chart.ask("c.bars()") <= bars + 2_000
        page.mouse.move(box["x"] + 800, box["y"] + 200)
        loads += 1
    assert 7 <= loads <= 9 and chart.created() == 1
    times = chart.ask("c.times()")
    assert all(b - a == 3600 for a, b in zip(times, times[1:], strict=False))
    assert chart.ask("c.style().newer") is None
    # and none is asked for beyond the newest
    received = chart.ask("c.received")
    page.locator(".cb").focus()
    page.keyboard.press("End")
    chart.until("c.follows")
    expect(page.get_by_text("On screen:")).to_contain_text("to 2024-06-03 23:00")
    assert chart.ask("c.received") == received


def test_go_to_latest_opens_at_the_newest(page: Page, long_series: AppServer) -> None:
    page.goto(long_series.at("History", series="test:LONG:1h", at="2022-09-01"))
    chart = Chart(page, "history_chart")
    newest = pd.Timestamp("2024-06-03 23:00", tz="UTC").timestamp()
    page.get_by_role("button", name="Go to the latest candle").click()
    chart.until(f"c.last()[0] === {newest} && c.visible()[1] === {newest} && c.follows")
    expect(page.get_by_text("On screen:")).to_contain_text("to 2024-06-03 23:00")
    assert "at=" not in page.url and chart.created() == 1
    # a date picked on the page is dropped in the same way
    field = page.get_by_test_id("stDateInputField")
    expect(field).not_to_contain_text("2022")
    for left in range(4, -1, -1):  # a run of the page that comes while it is typed makes the field anew
        page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
        field.get_by_role("spinbutton").first.click()
        page.keyboard.type("20220301")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        try:
            chart.until("c.visible()[1] < 1650000000", 15_000)
            break
        except TimeoutError:
            if not left:
                raise
    page.get_by_role("button", name="Go to the latest candle").click()
    chart.until(f"c.visible()[1] === {newest}")
    expect(field).not_to_contain_text("2022")


def test_visible_range_is_reported(page: Page, book: AppServer) -> None:
    chart = older(page, book, report=1)

    def reported(run: int) -> None:
        expect(page.get_by_text(f"runs {run};")).to_be_visible()
        first, last = chart.ask(
            "c.visible().map(t => new Date(t * 1000).toISOString().slice(0, 16).replace('T', ' '))"
        )
        expect(page.get_by_text(f"visible ['{first}', '{last}']")).to_be_visible()

    reported(2)
    page.locator(".cb").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    reported(3)
    page.get_by_role("button", name="Jump").click()
    reported(5)
    page.locator(".cb").focus()
    page.keyboard.press("Shift+ArrowLeft")
    reported(6)


def test_focus_moves_the_view(page: Page, book: AppServer) -> None:
    chart = older(page, book)
    last = chart.ask("c.last()[0]")
    page.get_by_role("button", name="Jump").click()
    chart.until(f"c.visible()[1] < {last - 7 * 86400}")
    assert chart.created() == 1


def test_leaving_and_returning(page: Page, book: AppServer) -> None:
    chart = older(page, book)
    page.get_by_role("link", name="To the front").click()
    expect(page.get_by_text("No chart here")).to_be_visible()
    page.get_by_role("link", name="To the chart").click()
    expect(page.get_by_text("candles 500")).to_be_visible()
    chart.until("c.bars() === 500")
    chart.ask("c.show(200, 300)")
    page.get_by_role("link", name="To the front").click()
    expect(page.get_by_text("No chart here")).to_be_visible()
    page.get_by_role("link", name="To the chart").click()
    expect(page.get_by_text("candles 500")).to_be_visible()
    chart.until("Math.abs(c.range().from - 200) < 1")
    assert chart.created() == 1
    page.get_by_role("link", name="To the front").click()
    expect(page.get_by_text("No chart here")).to_be_visible()
    page.wait_for_function("() => window.__candlebook.charts.size === 0")
    page.get_by_role("link", name="To the chart").click()
    chart = Chart(page, "history")
    assert chart.ask("c.bars()") == 500 and chart.created() == 2
    assert chart.ask("c.range().from") == pytest.approx(200, abs=1)
    page.reload()
    assert Chart(page, "history").ask("c.bars()") == 500


@pytest.mark.parametrize("path", ["x", "deep/er"])
def test_cold_address_under_a_base_path(page: Page, serve: Serve, path: str) -> None:
    chart = older(page, serve(BOOK, base_path=path))
    assert chart.ask("c.bars()") == 500


def test_narrow(browser: Browser, server: AppServer) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800}, timezone_id="UTC")
    try:
        chart = live(context.new_page(), server, pause=1)
        box = chart.box()
        assert box["width"] <= 400
        legend = chart.page.locator(".cb-main .cb-legend").bounding_box()
        assert legend is not None and legend["height"] < box["height"] * 0.4
        assert chart.page.evaluate("() => document.documentElement.scrollWidth") <= 400
    finally:
        context.close()


def test_long_legend_folds(page: Page, menu: AppServer) -> None:
    page.goto(menu.at("", ind="ema(10)"))
    chart = Chart(page)
    expand = page.get_by_role("button", name="Show all values")
    expect(expand).to_be_hidden()
    field = page.get_by_label("Picks")
    field.fill("ema(10);ema(21);ema(50);ichimoku(9,26,52);bbands(20,2);psar(0.02,0.2);vwap(1);sma(200)")
    field.press("Enter")
    expect(expand).to_be_visible()
    legend = page.locator(".cb-main .cb-legend")
    folded = legend.bounding_box()["height"]
    assert folded < 60
    text = legend.text_content()
    assert text.count("Ichimoku 9 26 52") == 1 and text.count("BB 20 2") == 1 and "Span B" in text
    expand.click()
    expect(page.get_by_role("button", name="Fold the values")).to_be_visible()
    assert legend.bounding_box()["height"] > folded
    page.get_by_role("button", name="Fold the values").click()
    expect(expand).to_be_visible()
    assert chart.created() == 1


@pytest.mark.parametrize("width", [420, 800, 1280])
def test_legend_tools_and_credit_lie_apart(page: Page, menu: AppServer, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(menu.at("", ind="ema(10);ema(21);ema(50);ichimoku(9,26,52);bbands(20,2);rsi(14)"))
    chart = Chart(page)
    chart.until("c.scales()[0] > 0")
    page.wait_for_function("() => !!window.__candlebook")
    boxes = {
        name: page.locator(f".cb {name}").first.bounding_box()
        for name in (".cb-main .cb-legend", ".cb-toolbar", ".cb-credit", ".cb-main canvas")
    }

    def apart(one: str, two: str) -> bool:
        a, b = boxes[one], boxes[two]
        return (
            a["x"] + a["width"] <= b["x"]
            or b["x"] + b["width"] <= a["x"]
            or a["y"] + a["height"] <= b["y"]
            or b["y"] + b["height"] <= a["y"]
        )

    assert apart(".cb-main .cb-legend", ".cb-toolbar")
    assert apart(".cb-credit", ".cb-main canvas") and apart(".cb-credit", ".cb-toolbar")


def test_no_price_below_zero_on_the_scale(page: Page, menu: AppServer) -> None:
    page.goto(menu.at("", bars=3000, price=1))
    chart = Chart(page)
    assert chart.ask("[c.price(-12.5), c.price(0), c.price(12.5)]")[:1] == [""]
    assert float(chart.ask("c.price(12.5)")) == 12.5 and float(chart.ask("c.price(0)")) == 0


def test_broken_rows_are_said_in_the_chart(page: Page, server: AppServer, watch: Any) -> None:
    chart = live(page, server, pause=1)
    # what is said is read at once: the answer that makes it good may come before anybody could look
    page.evaluate(
        """() => {
          const all = (root) => [...root.querySelectorAll("*")].flatMap((n) => [n, ...(n.shadowRoot ? all(n.shadowRoot) : [])]);
          window.alerts = () => all(document).filter((n) => n.getAttribute("role") === "alert" && !n.hidden)
            .map((n) => n.textContent);
        }"""
    )
    chart.ask(
        """c.rows.apply = () => {
          delete c.rows.apply;
          setTimeout(() => { window.said = window.alerts() });
          throw new Error('a fault of the test');
        }"""
    )
    page.get_by_text("Log", exact=True).click()
    page.wait_for_function("() => window.said")
    assert page.evaluate("() => window.said") == ["The chart cannot be drawn: a fault of the test"]
    assert any("a fault of the test" in problem for problem in watch.problems)
    watch.problems.clear()
    # it asks for everything anew, and is well again
    chart.until("c.style().log === true && c.bars() > 2000")
    expect(page.get_by_role("alert").filter(has_text="cannot be drawn")).to_be_hidden()
    assert chart.created() == 1


def test_two_faults_in_a_row_are_made_good_where_nothing_else_comes(
    page: Page, server: AppServer, watch: Any
) -> None:
    chart = live(page, server, pause=1)
    chart.ask(
        """c.rows.apply = (() => {
          let left = 2;
          return () => {
            window.faults = (window.faults ?? 0) + 1;
            if (!--left) delete c.rows.apply;
            throw new Error("a fault of the test");
          };
        })()"""
    )
    page.get_by_text("Log", exact=True).click()
    page.wait_for_function("() => window.faults === 2")
    # the answer to the first request was the second fault; the next request waits its time, and is not forgotten
    chart.until("c.style().log === true && c.bars() > 2000")
    expect(page.get_by_role("alert").filter(has_text="cannot be drawn")).to_be_hidden()
    assert chart.created() == 1
    assert all("a fault of the test" in problem for problem in watch.problems)
    watch.problems.clear()


@pytest.mark.parametrize("bars", [2_000, 20_000])
def test_an_update_is_at_most_4_kb(page: Page, server: AppServer, bars: int) -> None:
    frames: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(len(frame))))
    chart = live(page, server, bars=bars, every=0.5)
    chart.until("c.revision >= 5", 60_000)
    start, first = len(frames), chart.ask("c.received")
    chart.updates(20)
    assert sum(frames[start:]) / (chart.ask("c.received") - first) <= 4_000
    assert max(frames[start:]) <= 4_000
