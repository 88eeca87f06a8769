"""What a live update costs on the wire, ours and streamlit-lightweight-charts', in a real browser; how many
charts a minute of updates makes; and whether the reader's view stays where it was put."""

from __future__ import annotations

import os
import time
from typing import Any

from playwright.sync_api import Browser, Page

from bench import Result
from tests.browser.harness import AppServer, open_browser, wait_until

__all__ = ["run"]

OURS = "tests/browser/apps/chart_live.py"
OTHER = "tests/browser/apps/chart_other.py"
MOST = 4_000
UPDATES = 20
SECONDS = float(os.environ.get("CANDLEBOOK_BENCH_SECONDS", "60"))
CHART = "window.__candlebook?.charts.get('chart')"


def run() -> list[Result]:
    results = []
    with open_browser() as browser:
        with AppServer(OURS) as server:
            ours = {bars: _ours(browser, server, bars) for bars in (2_000, 20_000)}
            minute = _minute(browser, server)
        with AppServer(OTHER) as server:
            other = {bars: _other(browser, server, bars) for bars in (2_000, 20_000)}
    for bars, size in ours.items():
        detail = f"streamlit-lightweight-charts in the same run: {other[bars]:,.0f} bytes, {other[bars] / size:,.0f}x"
        results.append(
            Result(
                f"live update, {bars:,} bars", round(size), "bytes", f"at most {MOST:,}", size <= MOST, detail
            )
        )
    return results + minute


def _watch(page: Page) -> list[int]:
    """Sizes of the websocket messages received, growing."""
    sizes: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sizes.append(len(frame))))
    return sizes


def _ours(browser: Browser, server: AppServer, bars: int) -> float:
    """Bytes received for each update of the chart, with everything Streamlit wraps around it."""
    page = browser.new_page()
    sizes = _watch(page)
    page.goto(server.at("", bars=bars, every=0.5))
    page.wait_for_function(f"() => {CHART}?.revision >= 5", timeout=60_000)
    first, start = _ask(page, "c.received"), len(sizes)
    page.wait_for_function(f"() => {CHART}.received >= {first + UPDATES}", timeout=60_000)
    size = sum(sizes[start:]) / (_ask(page, "c.received") - first)
    page.close()
    return size


def _other(browser: Browser, server: AppServer, bars: int) -> float:
    page = browser.new_page()
    sizes = _watch(page)
    page.goto(server.at("", bars=bars, every=0.5))
    page.get_by_text("ticks: ").wait_for(timeout=60_000)

    def ticks() -> int:
        return int(page.get_by_text("ticks: ").inner_text().split(": ")[1])

    first, start = ticks(), len(sizes)
    wait_until(lambda: ticks() >= first + 8, timeout=90, page=page, what="eight updates")
    size = sum(sizes[start:]) / (ticks() - first)
    page.close()
    return size


def _minute(browser: Browser, server: AppServer) -> list[Result]:
    """Two updates a second for a while, with a reader who has scrolled away."""
    page = browser.new_page()
    page.goto(server.at("", every=0.5))
    page.wait_for_function(f"() => {CHART}?.revision >= 3", timeout=60_000)
    page.evaluate(f"() => {CHART}.show(1500, 1620)")
    page.wait_for_timeout(500)
    held, first = _ask(page, "c.range()"), _ask(page, "c.received")
    end = time.monotonic() + SECONDS
    wait_until(lambda: time.monotonic() > end, timeout=SECONDS + 30, page=page, every=1.0)
    moved = _ask(page, "c.range()")
    created = page.evaluate("() => window.__candlebook.charts_created")
    updates = _ask(page, "c.received") - first
    page.close()
    drift = abs(moved["from"] - held["from"]) + abs(moved["to"] - held["to"])
    span = f"{SECONDS:.0f} s, {updates} updates"
    return [
        Result("charts made", created, "charts", "1", created == 1, span),
        Result("the reader's view moved by", round(drift, 3), "bars", "0", drift < 0.01, span),
        Result("updates", round(updates / SECONDS, 2), "a second", "at least 1.5", updates / SECONDS >= 1.5),
    ]


def _ask(page: Page, expression: str) -> Any:
    return page.evaluate(f"() => {{ const c = {CHART}; return {expression} }}")
