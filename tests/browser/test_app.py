"""The app in a browser, as a reader uses it: open, drop a file, explore, replay, watch, follow links."""

from __future__ import annotations

import contextlib
import gzip
import re
from collections.abc import Callable, Iterator
from typing import Literal

import pandas as pd
import pytest
from playwright.sync_api import Page, TimeoutError, expect

from lib import export
from tests.browser.harness import AppServer, wait_until
from tests.browser.test_chart import Chart
from tests.files.written import table
from tests.servers import binance_rest, binance_stream

Serve = Callable[..., AppServer]
# A busy machine is slow, not wrong.
expect.set_options(timeout=60_000)

GOOD = b"\xef\xbb\xbfTime;Close;Open;Low;High\n" + b"".join(
    f"2024.03.0{day} {hour:02d}:00;{100 + hour};{99 + hour};{98 + hour};{101 + hour}\n".encode()
    for day in (3, 2, 1)
    for hour in range(23, -1, -1)
)
BROKEN = b"time,open,high,low,close\n2024-03-01 00:00,1,2,0.5,1.5\n2024-03-01 01:00,1,0.9,0.5,1.5\n"


@pytest.fixture
def app(serve: Serve) -> AppServer:
    return serve("streamlit_app.py")


@pytest.fixture(scope="module")
def exchange() -> Iterator[dict[str, str]]:
    """An exchange on this machine: its settings for the app."""
    market = binance_rest.Exchange()
    market.add("BTCUSDT", "2023-01-01", price=30_000.0)
    with binance_rest.Server(market) as rest, binance_stream.Server(market, every=0.3) as stream:
        yield {"CANDLEBOOK_BINANCE_REST": rest.url, "CANDLEBOOK_BINANCE_STREAM": stream.url}


def settled(page: Page) -> None:
    """Wait until the script has run."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def drop(page: Page, name: str, body: bytes) -> None:
    settled(page)
    page.locator('input[type="file"]').first.set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": body}
    )


def no_traceback(page: Page) -> None:
    expect(page.get_by_test_id("stException")).to_have_count(0)


# ------------------------------------------------------------------------------------------------- home


def test_first_screen_lists_real_candles(page: Page, app: AppServer) -> None:
    page.goto(app.at())
    for name in ("AAPL", "IBM", "MSFT", "EURUSD"):
        expect(page.get_by_text(re.compile(f"^{name} · ")).first).to_be_visible()
    page.get_by_role("link", name="History").nth(1).click()
    chart = Chart(page, "history_chart")
    assert chart.ask("c.bars()") >= 1_900


def test_a_good_file_is_shown_read_stored_and_opened(page: Page, app: AppServer) -> None:
    page.goto(app.at())
    drop(page, "XAUUSD_H1.csv.gz", gzip.compress(GOOD))
    expect(page.get_by_text("72 candles")).to_be_visible()
    expect(page.get_by_text("2024.03.03 23:00").first).to_be_visible()
    symbol = page.get_by_label("Symbol").first
    symbol.fill("XAUUSD")
    symbol.press("Enter")
    page.get_by_role("button", name="Store").click()
    expect(page.get_by_text(re.compile("72 candles added"))).to_be_visible()
    page.get_by_role("link", name="History").nth(1).click()  # the first is the way around
    chart = Chart(page, "history_chart")
    assert chart.ask("c.bars()") == 72
    assert "XAUUSD" in page.url
    no_traceback(page)


def test_a_broken_file_is_refused_with_its_line_and_nothing_is_stored(page: Page, app: AppServer) -> None:
    page.goto(app.at())
    drop(page, "broken.csv", BROKEN)
    expect(page.get_by_text(re.compile("[Ll]ine 3")).first).to_be_visible()
    expect(page.get_by_role("button", name="Store")).to_have_count(0)
    page.get_by_text("Leave them out").click()
    expect(page.get_by_text("1 candle", exact=True)).to_be_visible()
    no_traceback(page)
    page.reload()
    expect(page.get_by_text("broken", exact=True)).to_have_count(0)


def test_what_is_no_table_is_refused(page: Page, app: AppServer) -> None:
    page.goto(app.at())
    drop(page, "picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    expect(page.get_by_test_id("stAlert")).to_be_visible()
    no_traceback(page)


def test_a_reading_can_be_overridden(page: Page, app: AppServer) -> None:
    page.goto(app.at())
    drop(page, "times.csv", GOOD)
    expect(page.get_by_text("72 candles")).to_be_visible()
    zone = page.get_by_role("combobox", name=re.compile("zone", re.I)).first
    zone.click()
    zone.fill("Europe/Athens")
    page.get_by_role("option", name="Europe/Athens").click()
    expect(page.get_by_text("2024-02-29 22:00").first).to_be_visible()


# ---------------------------------------------------------------------------------------------- history


def series(symbol_seed: int) -> bytes:
    """200 hours of candles."""
    return export.to_bytes(table(200, seed=symbol_seed), "csv")


def drop_many(page: Page, files: dict[str, bytes]) -> None:
    settled(page)
    page.locator('input[type="file"]').first.set_input_files(
        [{"name": name, "mimeType": "text/csv", "buffer": body} for name, body in files.items()]
    )


def test_many_files_a_series_each_with_a_symbol_typed(page: Page, app: AppServer) -> None:
    day_or_month = "date,open,high,low,close\n" + "".join(
        f"0{day}/02/2024,1,2,0.5,1.5\n" for day in range(1, 9)
    )
    page.goto(app.at())
    drop_many(page, {"AUDUSD_H1.csv": series(1), "7.csv": series(2), "NZDUSD.csv": day_or_month.encode()})
    expect(page.get_by_text("2 ready, 1 needs a choice")).to_be_visible()
    expect(page.get_by_text(re.compile("No symbol yet: 7.csv"))).to_be_visible()
    expect(page.get_by_role("button", name="Store 2 files")).to_be_disabled()
    expect(page.get_by_role("textbox", name=re.compile("AUDUSD"))).to_have_value("AUDUSD")
    page.get_by_label("7.csv", exact=True).fill("CADJPY")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Store 2 files")).to_be_enabled()
    # what is open is answered in the way of one file
    page.get_by_role("combobox", name=re.compile("Look into one")).click()
    page.get_by_role("option", name=re.compile("NZDUSD")).click()
    expect(page.get_by_text("The first lines, as they are")).to_be_visible()
    page.get_by_role("combobox", name=re.compile("Day and month")).click()
    page.get_by_role("option", name="day first").click()
    expect(page.get_by_text("8 candles")).to_be_visible()
    page.get_by_role("button", name="Back to all 3 files").click()
    page.get_by_role("button", name="Store 3 files").click()
    expect(page.get_by_text("Stored 3 series from 3 of 3 files: 408 candles added.")).to_be_visible()
    for name in ("AUDUSD", "CADJPY", "NZDUSD"):
        expect(page.get_by_text(re.compile(f"^{name} · ")).first).to_be_visible()
    no_traceback(page)


def test_symbols_typed_in_haste_all_stay(page: Page, app: AppServer) -> None:
    names = {"1.csv": "AAA", "2.csv": "BBB", "3.csv": "CCC", "4.csv": "DDD"}
    page.goto(app.at())
    drop_many(page, {file: series(at) for at, file in enumerate(names)})
    page.get_by_text("A series each").click()
    expect(page.get_by_text(re.compile("No symbol yet: 1.csv, 2.csv, 3.csv, 4.csv"))).to_be_visible()
    throttle = page.context.new_cdp_session(page)
    throttle.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    page.get_by_label("1.csv", exact=True).click()
    for at, name in enumerate(names.values()):
        # no waiting: the page runs for the symbol before while this one is typed
        page.keyboard.type(name, delay=20)
        if at % 2:
            page.keyboard.press("Enter")
        page.keyboard.press("Tab")
    expect(page.get_by_text(re.compile("No symbol yet"))).to_have_count(0)
    # what was typed last counts, though Store is pressed with it still in the box
    page.get_by_label("4.csv", exact=True).fill("EEE")
    page.get_by_role("button", name="Store 4 files").click()
    expect(page.get_by_text("Stored 4 series from 4 of 4 files: 800 candles added.")).to_be_visible()
    for name in ("AAA", "BBB", "CCC", "EEE"):
        expect(page.get_by_text(f"{name} 1h (file)", exact=True).first).to_be_visible()
    no_traceback(page)
    throttle.send("Emulation.setCPUThrottlingRate", {"rate": 1})


def test_many_files_as_parts_of_one_series(page: Page, app: AppServer) -> None:
    whole = table(300, seed=7)
    changed = whole[150:].copy()
    changed.iloc[0, 4] = 1.0
    page.goto(app.at())
    drop_many(
        page,
        {
            "CHFJPY_1.csv": export.to_bytes(whole[:200], "csv"),
            "CHFJPY_2.csv": export.to_bytes(changed, "csv"),
        },
    )
    expect(page.get_by_text("1 time with other figures in two of the files")).to_be_visible()
    expect(page.get_by_role("button", name="Store", exact=True)).to_be_disabled()
    page.get_by_text("The lower file of the list").click()
    page.get_by_text("The same from the command line").click()
    expect(
        page.get_by_text("python -m lib import CHFJPY_1.csv CHFJPY_2.csv --symbol CHFJPY --conflicts last")
    ).to_be_visible()
    page.get_by_role("button", name="Store", exact=True).click()
    expect(
        page.get_by_text(
            re.compile("Stored CHFJPY 1h .file. from 2 of 2 files: 300 candles added, 1 replaced")
        )
    ).to_be_visible()
    no_traceback(page)


def test_a_link_opens_the_same_view(page: Page, app: AppServer) -> None:
    page.goto(
        app.at("History", series="sample:IBM:1d", tf="1w", ind="ema(21);rsi(14)", log=1, zone="Asia/Tokyo")
    )
    chart = Chart(page, "history_chart")
    chart.until("c.lines().length === 2")
    expect(page.get_by_text("IBM (sample)").first).to_be_visible()
    settled(page)
    for part in ("series=sample", "tf=1w", "ind=ema", "log=1", "zone=Asia"):
        assert part in page.url


def test_older_candles_come_when_the_reader_scrolls_back(page: Page, app: AppServer) -> None:
    page.goto(app.at("History", series="sample:AAPL:1d"))
    chart = Chart(page, "history_chart")
    assert chart.ask("c.bars()") == 2_000
    chart.ask("c.show(0, 150)")
    chart.until("c.bars() === 3270")
    assert chart.created() == 1


def test_the_figures_are_those_on_screen(page: Page, app: AppServer) -> None:
    page.goto(app.at("History", series="sample:AAPL:1d"))
    chart = Chart(page, "history_chart")
    shown = page.get_by_text(re.compile("On screen: "))
    expect(shown).not_to_contain_text("2,000 candles")
    first = shown.inner_text()
    box = chart.box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, 400)
    expect(shown).not_to_have_text(first)
    low, high = chart.ask("c.visible()")
    days = [f"{pd.Timestamp(at, unit='s'):%Y-%m-%d}" for at in (low, high)]
    expect(shown).to_contain_text(f"{days[0]} to {days[1]}")


def test_a_download_holds_what_is_on_screen(page: Page, app: AppServer) -> None:
    page.goto(app.at("History", series="sample:EURUSD:1h"))
    Chart(page, "history_chart")
    # the run after the chart told what is in sight makes the file's button anew
    expect(page.get_by_text(re.compile(r"^On screen: \d{1,3} candles"))).to_be_visible()
    page.get_by_role("button", name="Download candles").click()
    page.get_by_role("radio", name="The whole series").click()
    expect(page.get_by_role("radio", name="The whole series")).to_be_checked()
    settled(page)
    with page.expect_download() as taken:
        page.get_by_role("button", name=re.compile(r"Download EURUSD")).click()
    lines = taken.value.path().read_text().splitlines()
    assert lines[0] == "time,open,high,low,close,volume"
    assert len(lines) == 5_001


# ----------------------------------------------------------------------------------------------- replay


def test_replay_steps_seeks_and_plays(page: Page, app: AppServer) -> None:
    page.goto(app.at("Replay", series="sample:IBM:1d", **{"from": "2003-05-05"}))
    chart = Chart(page, "replay_chart")
    bars = chart.ask("c.bars()")
    last = chart.ask("c.last()[0]")
    page.keyboard.press("ArrowRight")
    chart.until(f"c.bars() === {bars + 1}")
    page.keyboard.press("ArrowLeft")
    chart.until(f"c.bars() === {bars} && c.last()[0] === {last}")
    page.get_by_role("button", name=re.compile("Play")).click()
    chart.until(f"c.bars() >= {bars + 3}")
    page.get_by_role("button", name=re.compile("Pause")).click()
    expect(page.get_by_role("button", name=re.compile("Play"))).to_be_visible()
    held = chart.ask("c.bars()")
    settled(page)
    thumb = page.get_by_role("slider", name="Position")
    thumb.focus()
    for pressed in (1, 2, 3):  # a slider with the focus would move too: a key is one bar all the same
        page.keyboard.press("ArrowRight")
        chart.until(f"c.bars() === {held + pressed}")
    settled(page)
    assert chart.ask("c.bars()") == held + 3
    page.locator(".cb").click()
    page.keyboard.press("ArrowLeft")
    chart.until(f"c.bars() === {held + 2}")
    page.keyboard.press("ArrowRight")
    chart.until(f"c.bars() === {held + 3}")
    page.get_by_role("combobox", name="Speed").click()
    page.get_by_role("option", name="10x", exact=True).click()
    page.wait_for_url(re.compile("speed=10x"))
    settled(page)
    page.keyboard.press("Space")  # the box that was chosen from still has the focus
    chart.until(f"c.bars() >= {held + 5}")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name=re.compile("Play"))).to_be_visible()
    track = page.locator(".st-key-replay_seek").bounding_box()
    page.mouse.click(track["x"] + track["width"] * 0.75, track["y"] + track["height"] * 0.75)
    expect(page.get_by_text(re.compile(r"Bar 2,[34]\d\d of 3,270"))).to_be_visible()
    assert chart.created() == 1
    assert "from=20" in page.url


def test_replay_at_full_speed_keeps_its_rate(page: Page, app: AppServer) -> None:
    page.goto(app.at("Replay", series="sample:IBM:1d", speed="100x"))
    chart = Chart(page, "replay_chart")
    bars = chart.ask("c.bars()")
    page.get_by_role("button", name=re.compile("Play")).click()
    chart.until(f"c.bars() > {bars + 50}")
    start, began = chart.ask("[c.bars(), performance.now()]")
    chart.until(f"c.bars() > {start + 300}")
    end, ended = chart.ask("[c.bars(), performance.now()]")
    # a hundred a second; four where a run brought one, and a busy machine's runs are late at either end
    assert 30 < (end - start) / (ended - began) * 1000 < 300
    assert chart.created() == 1


# ------------------------------------------------------------------------------------------------- live


def test_the_demo_feed_moves_and_says_that_it_is_invented(page: Page, app: AppServer) -> None:
    page.goto(app.at("Live", source="demo", ind="ema(10)"))
    chart = Chart(page, "live_chart")
    assert chart.ask("c.bars()") >= 500
    expect(page.get_by_text(re.compile("Synthetic"))).to_be_visible()
    close = chart.ask("c.last()[4]")
    chart.until(f"c.last()[4] !== {close}")
    assert chart.created() == 1


def test_a_stream_is_seeded_moves_and_loads_older_candles(
    page: Page, serve: Serve, exchange: dict[str, str]
) -> None:
    page.goto(serve("streamlit_app.py", env=exchange).at("Live", symbol="BTCUSDT"))
    chart = Chart(page, "live_chart")
    bars = chart.ask("c.bars()")
    assert bars >= 500
    close = chart.ask("c.last()[4]")
    chart.until(f"c.last()[4] !== {close}")
    expect(page.get_by_text("Live from Binance spot")).to_be_visible()
    chart.ask("c.show(0, 120)")
    chart.until(f"c.bars() >= {bars + 900}")
    assert chart.created() == 1


def test_an_unreachable_source_is_said_and_the_demo_is_offered_not_taken(page: Page, app: AppServer) -> None:
    page.goto(app.at("Live", symbol="BTCUSDT"))
    expect(page.get_by_text("No feed")).to_be_visible()
    assert page.locator(".cb-main").count() == 0
    page.get_by_role("link", name=re.compile("demo feed")).click()
    chart = Chart(page, "live_chart")
    assert chart.ask("c.bars()") >= 500
    assert "source=demo" in page.url


def test_a_download_goes_through_with_progress(page: Page, serve: Serve, exchange: dict[str, str]) -> None:
    page.goto(serve("streamlit_app.py", env=exchange).at())
    page.get_by_role("tab", name=re.compile("Download")).click()
    page.get_by_role("combobox", name="Symbol").click()
    page.keyboard.type("btcusd")
    page.get_by_role("option", name="BTCUSDT", exact=True).click()
    page.get_by_role("button", name="Download").click()
    expect(page.get_by_text(re.compile(r"[\d,]+ candles added"))).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Open").click()
    chart = Chart(page, "history_chart")
    assert chart.ask("c.bars()") == 2_000


def test_a_download_gone_on_with_still_moves(page: Page, serve: Serve, exchange: dict[str, str]) -> None:
    page.goto(serve("streamlit_app.py", env=exchange).at())
    page.get_by_role("tab", name=re.compile("Download")).click()
    page.get_by_role("combobox", name="Symbol").click()
    page.keyboard.type("btcusd")
    page.get_by_role("option", name="BTCUSDT", exact=True).click()
    page.get_by_role("combobox", name="Timeframe").click()
    page.get_by_role("option", name="1m", exact=True).click()
    page.get_by_role("button", name="Download").click()
    going = page.get_by_text(re.compile(r"^BTCUSDT 1m .* · [\d,]+ candles"))
    expect(page.get_by_text(re.compile(r"^BTCUSDT 1m .* · [1-9][\d,]* candles"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Continue").click()
    said = going.inner_text()
    expect(page.get_by_text(said, exact=True)).to_have_count(0)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Put away").click()
    expect(page.get_by_role("button", name="Put away")).to_have_count(0)
    no_traceback(page)


# --------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize("path", ["", "Live?source=demo", "History", "Replay"])
def test_every_page_opens_cold_under_a_base_path(page: Page, serve: Serve, path: str) -> None:
    page.goto(serve("streamlit_app.py", base_path="/x/").url + path)
    expect(page.get_by_role("link", name="Library").first).to_be_visible()
    if path:
        page.wait_for_function(
            "() => [...(window.__candlebook?.charts.values() ?? [])].some(c => c.bars() > 0)"
        )
    settled_or_live(page, path)
    no_traceback(page)


def settled_or_live(page: Page, path: str) -> None:
    if not path.startswith("Live"):
        settled(page)


def test_choices_go_along_from_page_to_page(page: Page, app: AppServer) -> None:
    page.goto(app.at("History", series="sample:MSFT:1d", ind="rsi(14)"))
    Chart(page, "history_chart")
    page.get_by_role("link", name="Replay").click()
    chart = Chart(page, "replay_chart")
    chart.until("c.lines().length === 1")
    page.wait_for_url(re.compile("MSFT"))
    page.get_by_role("link", name="History").click()
    back = Chart(page, "history_chart")
    back.until("c.lines().length === 1")
    page.wait_for_url(re.compile("MSFT"))


def test_a_chart_that_is_being_left_does_not_call_its_page_back(page: Page, app: AppServer) -> None:
    """Streamlit's browser side names the old page until the new one begins. What the old chart says meanwhile
    would bring the server back there, and leave the reader an empty page: so it says nothing."""
    page.goto(app.at("History", series="sample:MSFT:1d"))
    chart = Chart(page, "history_chart")
    settled(page)
    page.evaluate(
        """() => {
            const send = WebSocket.prototype.send
            window.held = []
            WebSocket.prototype.send = function (message) { window.held.push([this, message]) }
            window.letGo = () => {
                WebSocket.prototype.send = send
                for (const [socket, message] of window.held) socket.send(message)
            }
        }"""
    )
    page.get_by_role("link", name="Replay").click()
    page.wait_for_function("() => window.held.length >= 1")
    before = chart.ask("c.range().to")
    page.locator(".cb").press("ArrowLeft")
    chart.until(f"c.range().to < {before}")
    page.wait_for_timeout(600)  # it tells where the reader looks 300 ms after a move
    page.evaluate("() => window.letGo()")
    Chart(page, "replay_chart")
    page.wait_for_url(re.compile("/Replay"))


def test_a_page_left_in_haste_does_not_empty_the_next(page: Page, app: AppServer) -> None:
    """A fragment that asks for a run while its page is being left: Streamlit then empties the page that follows."""
    page.goto(app.at("Replay", series="sample:MSFT:1d"))
    for _ in range(3):
        Chart(page, "replay_chart")
        settled(page)
        page.evaluate("""() => {
            [...document.querySelectorAll('a[data-testid="stPageLink-NavLink"]')].find(a => a.textContent.includes("History")).click();
            const step = () => document.querySelector(".st-key-replay_Forward button")?.click();
            for (const wait of [0, 5, 10, 20, 40]) setTimeout(step, wait);
        }""")
        page.wait_for_url(re.compile("History"))
        chart = Chart(page, "history_chart")
        page.wait_for_timeout(700)  # it was emptied after it had been drawn
        chart.until("c.bars() > 0 && document.querySelector('.cb-main, .st-key-history_chart')")
        page.get_by_role("link", name="Replay").click()


def test_back_leads_to_the_page_before(page: Page, app: AppServer) -> None:
    page.goto(app.at())
    page.get_by_role("link", name="History").first.click()
    chart = Chart(page, "history_chart")
    page.get_by_role("button", name="Chart").click()
    page.get_by_text("Logarithmic price scale").click()
    page.wait_for_url(re.compile("log=1"))
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="All", exact=True).click()
    page.wait_for_url(re.compile("span=All"))
    chart.until("c.bars() > 0")
    page.go_back()
    expect(page.get_by_text(re.compile("^Library · "))).to_be_visible()
    page.go_forward()
    Chart(page, "history_chart")
    page.wait_for_url(re.compile("span=All"))


def test_the_scale_of_an_indicator_is_written_as_its_values_need(page: Page, app: AppServer) -> None:
    page.goto(app.at("History", series="sample:EURUSD:1h", ind="atr(14);obv"))
    chart = Chart(page, "history_chart")
    assert chart.ask("[c.price(0.00125, 1), c.price(123456, 2)]") == ["0.001250", "123.46K"]


def test_a_typed_date_counts_at_enter_also_while_the_calendar_is_open(page: Page, app: AppServer) -> None:
    page.goto(app.at("History", series="sample:EURUSD:1h"))
    Chart(page, "history_chart")
    settled(page)
    page.get_by_role("spinbutton", name="year, Jump to").click()
    expect(page.get_by_test_id("stDateInputCalendar")).to_be_visible()
    page.keyboard.type("20170703")
    expect(page.get_by_role("spinbutton", name="day, Jump to")).to_have_text("03")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("at=2017-07-03"))


def test_indicators_are_added_one_by_one_and_the_menu_stays_open(page: Page, app: AppServer) -> None:
    page.goto(app.at("History", series="sample:AAPL:1d", zone="Asia/Tokyo"))
    chart = Chart(page, "history_chart")
    page.get_by_role("button", name=re.compile("Indicators")).click()
    for count, name in enumerate(
        ("Relative strength index", "Average true range", "Simple moving average"), 1
    ):
        page.get_by_role("combobox", name="Add an indicator").click()
        page.get_by_role("option", name=name).click()
        chart.until(f"c.lines().length === {count}")
        settled(page)
    page.wait_for_url(re.compile(r"ind=rsi%2814%29%3Batr%2814%29%3Bsma%2820%29"))
    page.get_by_role("button", name="EMA 21").click()
    chart.until("c.lines().length === 4")
    assert chart.created() == 1
    # what the other menu holds, which was not open while the page ran, is as it was
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Chart").click()
    expect(page.get_by_role("switch", name="Volume")).to_be_checked()
    expect(page.get_by_role("combobox", name="Times shown in")).to_have_value("Asia/Tokyo")


# ------------------------------------------------------------------------------------------------ sight

# Texts with less contrast to their ground than WCAG 2.2 asks for (1.4.3, level AA), also inside shadow roots.
FAINT = """() => {
  const parts = (color) => { const found = color.match(/[\\d.]+/g).map(Number); return found.length > 3 ? found : [...found, 1]; };
  const over = (front, back) => back.map((value, i) => front[i] * front[3] + value * (1 - front[3]));
  const light = (color) => color.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  let seen = 0;
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) walk(element.shadowRoot);
      const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent.trim()).join("");
      const style = getComputedStyle(element);
      if (!text || !element.getClientRects().length || style.visibility === "hidden") continue;
      if (element.closest("[data-testid=stSlider], [data-testid=stStatusWidget]")) continue;
      const grounds = [];
      let opacity = 1;
      for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
        grounds.unshift(parts(getComputedStyle(at).backgroundColor));
        opacity *= Number(getComputedStyle(at).opacity);
      }
      const ground = grounds.reduce((below, above) => over(above, below), [255, 255, 255]);
      const ink = parts(style.color);
      const [high, low] = [light(over([...ink.slice(0, 3), ink[3] * opacity], ground)), light(ground)].sort((a, b) => b - a);
      const ratio = (high + 0.05) / (low + 0.05);
      seen += 1;
      if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) found.push(`${text.slice(0, 30)} ${ratio.toFixed(2)}`);
    }
  };
  walk(document);
  return [seen, found];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(page: Page, app: AppServer, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    for path, mark in (("", "Compare closes"), ("History?series=sample:AAPL:1d", "On screen:")):
        page.goto(app.at() + path)
        expect(page.get_by_text(re.compile(mark)).first).to_be_visible()
        if path:
            Chart(page, "history_chart")
        settled(page)
        with contextlib.suppress(TimeoutError):  # what has just come fades in
            page.wait_for_function(f"() => !({FAINT})()[1].length", timeout=15_000)
        seen, faint = page.evaluate(FAINT)
        assert seen > 30
        assert faint == []
    no_traceback(page)


def test_the_link_that_has_the_keyboard_is_outlined(page: Page, app: AppServer) -> None:
    page.goto(app.at())
    link = page.get_by_role("link", name="History").first
    expect(link).to_be_visible()
    settled(page)

    def there_and_back() -> bool:
        link.focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
        return bool(link.evaluate("(element) => element === document.activeElement"))

    wait_until(there_and_back, what="the focus", page=page)  # a page drawn anew meanwhile takes it away
    expect(link).to_have_css("outline-style", "solid")


def test_on_a_phone_spans_and_long_names_stand_on_the_screen(page: Page, app: AppServer) -> None:
    page.set_viewport_size({"width": 420, "height": 900})
    page.goto(app.at("History", series="sample:EURUSD:1h"))
    spans = page.locator(".st-key-choice_span button")
    expect(spans.last).to_be_visible()
    for span in spans.all():
        box = span.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 420
    box = page.locator(".st-key-choice_series").bounding_box()
    assert box is not None and box["width"] > 350
    page.goto(app.at())
    name = page.locator(".stCheckbox label p").first
    expect(name).to_be_visible()
    name.evaluate("(element) => { element.textContent = 'VERYLONG'.repeat(12); }")
    end = page.evaluate(
        """() => { const p = document.querySelector(".stCheckbox label p"); const all = document.createRange();
        all.selectNodeContents(p); return Math.max(...[...all.getClientRects()].map((box) => box.right)); }"""
    )
    assert end <= 420
