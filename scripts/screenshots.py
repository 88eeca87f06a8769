"""The pictures in the README: ``make screenshots`` starts the app, opens each page and takes one.

The Live page shows the demo feed, so the pictures need no network.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Page  # noqa: E402

from tests.browser.harness import AppServer, open_browser  # noqa: E402

FOLDER = ROOT / "docs"
PAGES = {
    "library": ("", {}, None),
    "live": ("Live", {"source": "demo", "ind": "ema(10);ema(21);macd(12,26,9)"}, "live_chart"),
    "history": ("History", {"series": "sample:AAPL:1d", "ind": "ema(50);bbands(20,2);rsi(14)", "at": "2005-01-20"}, "history_chart"),
    "replay": ("Replay", {"series": "sample:EURUSD:1h", "from": "2017-06-27T12:00", "ind": "ema(21);supertrend(10,3)"}, "replay_chart"),
    "quality": ("Quality", {"series": "sample:EURUSD:1h", "day": "2017-12-25"}, None),
}  # fmt: skip


def drawn(page: Page, chart: str | None) -> None:
    """Wait until the page, and its chart where it has one, stands still enough for a picture."""
    page.get_by_role("link", name="Library").first.wait_for()
    if chart is None:
        page.get_by_text(re.compile("EURUSD")).first.wait_for()
        page.get_by_text(re.compile("Replay|A cell is a UTC day")).last.wait_for()
    else:
        page.wait_for_function(
            "key => { const c = window.__candlebook?.charts.get(key); return c && c.bars() > 0 && c.range() }",
            arg=chart,
        )
    page.wait_for_timeout(1_500)  # fonts and the first fade


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with AppServer("streamlit_app.py") as app, open_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="UTC")
        page.set_default_timeout(60_000)
        for name, (path, query, chart) in PAGES.items():
            page.goto(app.at(path, **query))
            drawn(page, chart)
            page.screenshot(path=FOLDER / f"{name}.png")
            print(f"docs/{name}.png")


if __name__ == "__main__":
    main()
