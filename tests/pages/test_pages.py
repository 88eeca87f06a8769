"""Every page, run by Streamlit's own test harness: opens cold, says what is wrong in words."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from lib import health, history, sync
from lib.candles import from_micros
from lib.live import hub
from lib.series import Series
from lib.sources import registry
from lib.store import open_store
from lib.sync import config, fill, schedule
from lib.ui.frame import plain
from lib.ui.markets import written
from tests.servers import providers
from tests.servers.provider import Running
from tests.sources.clock import FakeClock

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "streamlit_app.py",
    "pages/1_Live.py",
    "pages/2_History.py",
    "pages/3_Replay.py",
    "pages/4_Quality.py",
]


def open_page(path, **params):
    page = AppTest.from_file(ROOT / "streamlit_app.py", default_timeout=60)
    if path != "streamlit_app.py":
        page.switch_page(str(ROOT / path))
    for name, value in params.items():
        page.query_params[name] = value
    return page.run()


def run_until(page, done, seconds=40):
    """Run the page again, as its timer would, until ``done``."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, words(page)
        time.sleep(0.1)
        page.run()


def words(page):
    """All that is said on the page."""
    return " ".join(
        each.value for kind in ("markdown", "caption", "error", "warning", "info") for each in page.get(kind)
    )


def payload(page):
    """What the chart was sent: the JSON part of it."""
    sent = page.get("bidi_component")[-1].proto
    return json.loads(sent.json or sent.mixed.json)


def payload_style(page):
    """How the chart was told to look."""
    sent = payload(page)
    while "style" not in sent:
        [sent] = [
            each
            for each in sent.values()
            if isinstance(each, dict) and ("style" in each or "payload" in each)
        ]
    return sent["style"]


def walk(count, freq="1min"):
    rng = np.random.default_rng(5)
    closes = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.001, count))), 2)
    opens = np.concatenate([[100.0], closes[:-1]])
    times = pd.date_range("2024-03-01", periods=count, freq=freq, tz="UTC").as_unit("us").asi8
    columns = {
        "open": opens,
        "high": np.maximum(opens, closes) + 0.02,
        "low": np.minimum(opens, closes) - 0.02,
    }
    return from_micros(times, {**columns, "close": closes, "volume": np.full(count, np.nan)})


@pytest.fixture(autouse=True)
def _feeds_end():
    yield
    hub.stop_all()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_cold(path):
    page = open_page(path)
    assert not page.exception
    assert not page.error
    if path != "pages/1_Live.py":
        assert not page.warning


def test_the_library_lists_the_samples():
    page = open_page("streamlit_app.py")
    shown = " ".join(each.value for each in page.markdown)
    for symbol in ("AAPL", "IBM", "MSFT", "EURUSD"):
        assert symbol in shown
    assert page.subheader[0].value == "Library · 4 series"


def test_several_series_are_chosen_and_deleted_together():
    page = open_page("streamlit_app.py")
    assert not [each for each in page.button if each.key == "chosen_delete"]
    for symbol in ("IBM", "MSFT"):
        page.checkbox(key=f"chosen_sample:{symbol}:1d").check().run()
    assert "2 chosen" in words(page)
    assert page.button(key="chosen_sync").disabled, "samples have no source that could be asked"
    page.button(key="chosen_delete").click().run()
    assert not page.exception
    assert {info.series.symbol for info in open_store().list()} == {"AAPL", "EURUSD"}
    assert "chosen" not in words(page)


def test_gaps_of_several_series_are_filled_together(tmp_path):
    open_page("streamlit_app.py")
    store = open_store()
    series, _ = gapped(store, tmp_path)
    page = open_page("streamlit_app.py")
    for slug in (series.slug, "sample:IBM:1d"):
        page.checkbox(key=f"chosen_{slug}").check().run()
    page.radio(key="chosen_method").set_value("forward").run()
    page.button(key="chosen_fill").click().run()
    assert not page.exception and not page.error
    assert store.info(series).filled == 10
    assert store.info(Series.of("sample", "IBM", "1d")).filled == 0, "it has no gap"


def test_several_series_are_brought_up_to_date_together():
    open_page("streamlit_app.py")
    store = open_store()
    for symbol in ("DEMO-BTC", "DEMO-ETH"):
        start = pd.Timestamp.now(tz="UTC").floor("h") - pd.Timedelta(hours=30)
        sync.download(store, registry.get("demo"), symbol, "1h", start, start + pd.Timedelta(hours=5))
    page = open_page("streamlit_app.py")
    for symbol in ("DEMO-BTC", "DEMO-ETH", "AAPL"):
        slug = f"sample:{symbol}:1d" if symbol == "AAPL" else f"demo:{symbol}:1h"
        page.checkbox(key=f"chosen_{slug}").check().run()
    assert page.button(key="chosen_sync").label == "Bring 2 up to date"
    page.button(key="chosen_sync").click().run()
    run_until(page, lambda: words(page).count("**Done**") == 2)
    now = pd.Timestamp.now(tz="UTC")
    for info in store.list():
        if info.series.source == "demo":
            assert info.last >= now.floor("h") - pd.Timedelta(hours=2)
            assert info.count >= 29


def test_a_store_that_cannot_be_opened_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CANDLEBOOK_STORE", str(tmp_path / "file"))
    page = open_page("streamlit_app.py")
    assert not page.exception
    assert str(tmp_path / "file") in page.error[0].value.replace("\\", "")


def test_a_store_that_cannot_be_written_to_is_not_called_empty(monkeypatch):
    monkeypatch.setenv("CANDLEBOOK_STORE", "/proc/nope")
    page = open_page("pages/4_Quality.py")
    assert len(page.error) == 1 and not page.exception
    assert "empty" not in words(page)


def test_a_torn_file_is_named_and_the_other_series_still_open(tmp_path):
    open_page("streamlit_app.py")
    store = open_store()
    torn = next((tmp_path / "store").rglob("IBM/1d/1d/*.parquet"))
    torn.write_bytes(b"PAR1 torn")
    page = open_page("pages/2_History.py", series="sample:IBM:1d")
    assert not page.exception
    assert torn.name in page.error[0].value.replace("\\", "")
    assert not open_page("pages/2_History.py", series="sample:AAPL:1d").error
    assert len(store.list()) == 4


def test_a_damaged_series_is_named_in_the_library_and_the_others_are_listed(tmp_path):
    open_page("streamlit_app.py")
    manifest = next((tmp_path / "store" / "series").rglob("IBM/1d.json"))
    manifest.write_text('{"format": 99}')
    page = open_page("streamlit_app.py")
    assert not page.exception
    assert page.subheader[0].value == "Library · 3 series"
    assert "AAPL" in words(page)
    [warning] = page.warning
    assert str(manifest) in warning.value.replace("\\", "")
    assert "version of Candlebook" in warning.value


def test_history_opens_what_the_address_says():
    page = open_page(
        "pages/2_History.py",
        series="sample:MSFT:1d",
        tf="1w",
        ind="ema(21);rsi(14)",
        log="1",
        zone="Asia/Tokyo",
    )
    assert not page.exception
    assert not page.warning
    sent = payload(page)
    assert "MSFT" in json.dumps(sent)
    assert page.selectbox(key="choice_tf").value == "1w"
    assert page.toggle(key="choice_log").value is True
    assert page.query_params["tf"] == "1w"
    assert page.query_params["ind"] == "ema(21);rsi(14)"


def test_history_says_what_it_cannot_open():
    page = open_page("pages/2_History.py", series="binance:NOSUCH:1m", ind="emma(21)", at="yesterday-ish")
    said = " ".join(each.value for each in page.warning)
    assert not page.exception
    assert "binance:NOSUCH:1m" in said
    assert "ema" in said
    assert "yesterday" in said


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("pages/1_Live.py", {"source": "nosuch", "tf": "7q", "zone": "Mars/Olympus"}),
        ("pages/2_History.py", {"span": "aeon", "tf": "7q", "log": "perhaps"}),
        ("pages/3_Replay.py", {"tf": "7q", "speed": "999x", "volume": "loud"}),
    ],
)
def test_what_a_link_asks_for_in_vain_is_said(path, asked):
    page = open_page(path, **asked)
    for again in (False, True):
        said = [each.value for each in page.warning]
        for wanted in asked.values():
            assert any(f"no `{wanted}` here; showing" in each for each in said), (again, wanted, said)
        page.run()
    assert not set(asked) & set(page.query_params), "what is not there does not stay in the address"


def test_a_choice_that_another_page_does_not_have_is_dropped_without_a_word():
    page = open_page("pages/2_History.py", series="sample:EURUSD:1h", tf="4h")
    page.selectbox(key="choice_series").set_value("sample:IBM:1d").run()
    assert page.selectbox(key="choice_tf").value == "auto"
    assert not page.warning


def test_history_jumps_to_a_date():
    page = open_page("pages/2_History.py", series="sample:AAPL:1d", at="2005-02-28")
    assert not page.exception
    assert not page.warning
    page = open_page("pages/2_History.py", series="sample:AAPL:1d", at="1999-01-01")
    assert "1999-01-01" in page.warning[0].value


def test_history_gives_its_figures():
    page = open_page("pages/2_History.py", series="sample:AAPL:1d")
    labels = {each.label: each.value for each in page.metric}
    assert set(labels) == {"Return", "Volatility, a year", "High", "Low", "Volume"}
    assert labels["Return"].endswith("%")


def test_a_quick_average_is_put_on_the_chart_and_in_the_address():
    page = open_page("pages/2_History.py", series="sample:AAPL:1d")
    page.button_group(key="quick_averages").set_value(["EMA 21"]).run()
    assert not page.exception
    assert page.query_params["ind"] == "ema(21)"
    assert "ema(21)" in json.dumps(payload(page))


def test_an_indicator_is_added_changed_and_dropped():
    page = open_page("pages/2_History.py", series="sample:AAPL:1d")
    page.selectbox(key="add_indicator_0").select("rsi").run()
    page.selectbox(key="add_indicator_1").select("rsi").run()
    assert page.query_params["ind"] == "rsi(14);rsi(15)"
    page.number_input(key="param_1_0_rsi(15)").set_value(28).run()
    assert page.query_params["ind"] == "rsi(14);rsi(28)"
    page.button(key="drop_0_rsi(14)").click().run()
    assert not page.exception
    assert page.query_params["ind"] == "rsi(28)"


def test_replay_starts_where_the_address_says_and_steps():
    page = open_page("pages/3_Replay.py", **{"series": "sample:IBM:1d", "from": "2003-05-05"})
    assert not page.exception
    assert page.query_params["from"] == "2003-05-05"
    page.button(key="replay_Forward").click().run()
    assert page.query_params["from"] == "2003-05-06"
    for _ in range(2):
        page.button(key="replay_Back").click().run()
    assert page.query_params["from"] == "2003-05-02"  # a Friday: the weekend has no bars


@pytest.mark.parametrize("entered", ["2017-06-01", None])
def test_replay_walks_over_any_part_of_a_long_series(monkeypatch, entered):
    monkeypatch.setattr(history, "EXACT", 1000)
    asked = {"series": "sample:EURUSD:1h"} | ({"from": entered} if entered else {})
    page = open_page("pages/3_Replay.py", **asked)
    assert not page.exception and not page.warning
    assert "in this part of the series" in words(page)
    if entered is None:
        newest = next(each.value for each in page.markdown if "in this part" in each.value)
        assert "2017-12" in newest
        page.date_input[0].set_value(pd.Timestamp("2017-06-01").date()).run()
    assert "2017-06-01" in next(each.value for each in page.markdown if "in this part" in each.value)
    page.button(key="replay_Forward").click().run()
    assert "2017-06-01 01:00" in words(page)
    assert not page.exception


def test_no_time_in_the_address_is_said():
    for path, name in (("2_History", "at"), ("3_Replay", "from"), ("4_Quality", "day")):
        page = open_page(f"pages/{path}.py", **{"series": "sample:IBM:1d", name: "nat"})
        assert not page.exception
        assert "nat is not a" in page.warning[0].value


def test_replay_never_sends_a_bar_after_the_cursor():
    page = open_page(
        "pages/3_Replay.py", **{"series": "sample:IBM:1d", "from": "2003-05-05", "ind": "ema(10)"}
    )
    sent = page.get("bidi_component")[-1].proto
    cursor = pd.Timestamp("2003-05-05", tz="UTC").timestamp()
    import pyarrow as pa

    seconds = []
    for blob in sent.mixed.arrow_blobs.values():
        table = pa.ipc.open_stream(blob.data).read_all()
        seconds += table.column("t").to_pylist()
    assert len(seconds) > 100
    assert max(seconds) == cursor


def test_replay_seeks_and_plays_to_the_end():
    page = open_page("pages/3_Replay.py", series="sample:IBM:1d")
    last = page.slider(key="replay_seek").max
    page.slider(key="replay_seek").set_value(last - 1).run()
    assert page.slider(key="replay_seek").value == last - 1
    page.button(key="replay_Forward").click().run()
    assert page.slider(key="replay_seek").value == last
    assert page.button(key="replay_Play").disabled


def test_live_says_why_it_does_not_reach_a_source_and_offers_the_demo():
    page = open_page("pages/1_Live.py", symbol="BTCUSDT", zone="Asia/Tokyo")
    run_until(page, lambda: "No feed" in words(page) and "Next try" in words(page))
    told = re.search(r"Next try at (\d\d)\D+(\d\d)\D+(\d\d) \W*Asia/Tokyo", words(page))
    assert told, words(page)
    now = pd.Timestamp.now(tz="Asia/Tokyo")
    ahead = int(told[1]) * 3600 + int(told[2]) * 60 + int(told[3]) - (now - now.normalize()).total_seconds()
    assert abs((ahead + 43_200) % 86_400 - 43_200) < 600, "in the zone of the chart"
    assert "Binance spot" in words(page)
    assert any("Watch the demo feed" in str(link.proto) for link in page.get("page_link"))
    assert not page.exception
    assert not page.get("bidi_component")


def test_live_names_what_was_missed_in_the_zone_of_the_chart(monkeypatch):
    gap = tuple(pd.Timestamp(f"2023-11-14 22:{minute}", tz="UTC") for minute in (17, 21))
    real = hub.watch
    monkeypatch.setattr(
        hub, "watch",
        lambda *market: SimpleNamespace(snapshot=lambda: replace(real(*market).snapshot(), gaps=(gap,))),
    )  # fmt: skip
    page = open_page("pages/1_Live.py", source="demo", zone="Asia/Tokyo")
    told = "Missed candles: 2023-11-15 07:17:00 to 2023-11-15 07:21:00 (Asia/Tokyo)"
    assert plain(told) in words(page)


def test_live_shows_the_demo_feed_and_says_that_it_is_invented():
    page = open_page("pages/1_Live.py", source="demo", ind="ema(10)")
    run_until(page, lambda: page.get("bidi_component"))
    assert not page.exception
    assert "ema(10)" in json.dumps(payload(page))
    assert "Synthetic" in words(page)


def test_live_sets_a_brokers_quote_beside_the_feed(monkeypatch):
    made = providers.MetaApi(FakeClock())
    made.key = ("auth-token", "a-token-nobody-sees")
    made.add("DEMO-BTC", "2024-01-01")
    monkeypatch.setenv("CANDLEBOOK_METAAPI_TOKEN", "a-token-nobody-sees")
    monkeypatch.setenv("CANDLEBOOK_METAAPI_ACCOUNT", made.account)
    with Running(made) as running:
        monkeypatch.setenv("CANDLEBOOK_METAAPI_REST", running.url)
        page = open_page("pages/1_Live.py", source="demo", symbol="DEMO-BTC")
        run_until(page, lambda: page.get("bidi_component"))
        page.toggle(key="broker_on").set_value(True).run()
        assert not page.exception and not page.error
        assert "**DEMO\\-BTC** bid" in words(page)
        assert "a-token" not in str(page.main)
    page.run()
    assert not page.exception
    assert [each.value for each in (*page.warning, *page.error)], "the broker is gone, and that is said"


def test_live_refuses_a_symbol_the_source_does_not_have():
    page = open_page("pages/1_Live.py", source="demo", symbol="NOSUCH")
    run_until(page, lambda: "NOSUCH" in words(page))
    assert not page.exception


def open_tab(page, name):
    """As a click on a tab of Home."""
    [tab] = [each.label for each in page.tabs if name in each.label]
    page.session_state["doors"] = tab
    return page.run()


def test_a_download_that_waits_says_why_and_can_be_cancelled_and_begun_again():
    page = open_tab(open_page("streamlit_app.py"), "Download")
    page.button(key="download_go").click().run()
    assert "Choose a symbol" in page.warning[0].value
    page = open_page("streamlit_app.py")
    page.session_state["download_symbol_binance"] = "BTCUSDT"
    open_tab(page, "Download").button(key="download_go").click().run()
    run_until(
        page, lambda: "could not be reached" in "".join(each.proto.text for each in page.get("progress"))
    )

    def press(label):
        next(button for button in page.button if button.label == label).click().run()

    press("Cancel")
    run_until(page, lambda: "Cancelled" in words(page))
    press("Try again")
    assert "Cancelled" not in words(page), "the same download is on its way again"
    press("Cancel")
    run_until(page, lambda: "Cancelled" in words(page))
    press("Put away")
    assert "Cancelled" not in words(page)
    assert not page.exception


def test_the_list_of_series_is_synced_now_and_by_the_clock(monkeypatch, tmp_path):
    find = config.find
    monkeypatch.setattr(config, "find", lambda folder=None: find(tmp_path))
    assert "schedule_now" not in {each.key for each in open_page("streamlit_app.py").button}
    start = pd.Timestamp.now(tz="UTC") - pd.Timedelta(days=3)
    (tmp_path / "candlebook.toml").write_text(
        f'[[series]]\nsource = "demo"\nsymbols = ["DEMO-BTC", "DEMO-ETH"]\ntimeframe = "1h"\nstart = {start:%Y-%m-%d}\n'
    )
    page = open_page("streamlit_app.py")
    page.button(key="schedule_now").click().run()
    run_until(page, lambda: words(page).count("**Done**") == 2)
    assert len([info for info in open_store().list() if info.series.source == "demo"]) == 2
    page.text_input(key="schedule_text").set_value("now and then").run()
    page.toggle(key="schedule_on").set_value(True).run()
    assert "now and then" in page.error[0].value and not page.toggle(key="schedule_on").value
    page.text_input(key="schedule_text").set_value("every hour").run()
    page.toggle(key="schedule_on").set_value(True).run()
    try:
        assert schedule.state() is not None
        assert "Next: " in words(page)
        page.toggle(key="schedule_on").set_value(False).run()
        assert schedule.state() is None
    finally:
        schedule.stop()


def test_a_source_without_its_key_says_what_it_needs():
    page = open_tab(open_page("streamlit_app.py"), "Download")
    page.selectbox(key="download_source").set_value("oanda").run()
    assert not page.exception
    assert "CANDLEBOOK\\_OANDA\\_TOKEN" in page.info[0].value
    assert not [each for each in page.button if each.key == "download_go"]


def test_symbols_come_from_the_source_in_its_spelling():
    page = open_tab(open_page("streamlit_app.py"), "Download")
    page.selectbox(key="download_source").set_value("demo").run()
    box = page.selectbox(key="download_symbol_demo")
    assert box.options == list(registry.get("demo").symbols())
    box.select("DEMO-ETH").run()
    page.button(key="download_go").click().run()
    run_until(page, lambda: "**Done**" in words(page))
    assert Series.of("demo", "DEMO-ETH", "1h") in {info.series for info in open_store().list()}


def test_a_typed_symbol_is_written_as_its_source_does():
    entry = next(entry for entry in registry.entries() if entry.name == "binance")
    assert written(" btcusdt ", entry, ("BTCUSDT", "ETHUSDT")) == "BTCUSDT"
    assert written("btcusdt", entry, ()) == "BTCUSDT", (
        "its list is not known, and all of its symbols are in capitals"
    )
    assert written("kPEPE", entry, ("BTCUSDT",)) == "kPEPE", "not in the list: as it was typed"


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_series_open_everywhere(count):
    if count:
        open_store().write(Series.of("test", "TINY", "1m"), walk(count), origin="made here")
    slug = "test:TINY:1m"
    for path in ("streamlit_app.py", "pages/2_History.py", "pages/3_Replay.py"):
        page = open_page(path, series=slug, ind="ema(21);macd(12,26,9);ichimoku")
        assert not page.exception
        assert not page.error


def gapped(store, tmp_path):
    """Two weeks of hours around the clock that lack ten of them in the middle."""
    table = walk(14 * 24, "1h")
    series = Series.of("file", "BTCUSDT", "1h")
    store.write(series, pd.concat([table.iloc[:150], table.iloc[160:]]), origin="a test")
    return series, table.index[150]


def test_quality_shows_a_gap_and_fills_it_and_takes_it_back(tmp_path):
    open_page("streamlit_app.py")
    store = open_store()
    series, hole = gapped(store, tmp_path)
    page = open_page("pages/4_Quality.py", series=series.slug)
    assert not page.exception and not page.error
    shown = {each.label: each.value for each in page.metric}
    assert (shown["Missing"], shown["Gaps"], shown["Filled"]) == ("10", "1", "0")
    [rows] = page.dataframe
    assert rows.value["First missing (UTC)"].tolist() == [hole]
    assert rows.value["State"].tolist() == ["detected"]
    page.radio(key="fill_method").set_value("linear").run()
    page.button(key="fill").click().run()
    assert not page.exception and not page.error
    assert store.info(series).filled == 10
    shown = {each.label: each.value for each in page.metric}
    assert (shown["Missing"], shown["Filled"]) == ("10", "10"), "filled is not observed"
    assert page.dataframe[0].value["State"].tolist() == ["filled"]
    page.button(key="unfill").click().run()
    assert store.info(series).filled == 0
    assert page.dataframe[0].value["State"].tolist() == ["detected"]


def test_quality_compares_two_sources(tmp_path):
    open_page("streamlit_app.py")
    store = open_store()
    series, _ = gapped(store, tmp_path)
    other = Series.of("elsewhere", "BTC/USDT", "1h")
    store.write(other, store.read(series).iloc[3:].mul([1.01] * 4 + [1]), origin="a test")
    page = open_page("pages/4_Quality.py", series=series.slug)
    page.selectbox(key=f"versus_{series.slug}").set_value(other.slug).run()
    assert not page.exception and not page.error
    shown = {each.label: each.value for each in page.metric}
    assert shown["Within tolerance"] == "0.0%"
    assert shown["The other comes"] == "at the same time"
    assert float(shown["Correlation of returns"]) == 1.0
    page.number_input(key="versus_tolerance").set_value(101.0).run()
    assert {each.label: each.value for each in page.metric}["Within tolerance"] == "100%"


def test_quality_keeps_the_calendar_that_was_chosen(tmp_path):
    open_page("streamlit_app.py")
    series, _ = gapped(open_store(), tmp_path)
    page = open_page("pages/4_Quality.py", series=series.slug)
    page.selectbox(key=f"calendar_{series.slug}").set_value("24/5").run()
    assert not page.exception
    assert open_store().info(series).calendar == "24/5"
    assert {each.label: each.value for each in page.metric}["Outside"] == "96"
    assert "chosen by you" in words(page)
    assert "Kept for this series" in page.toast[0].value
    page.button(key="calendar_back").click().run()
    assert open_store().info(series).calendar == ""
    assert page.selectbox(key=f"calendar_{series.slug}").value == "fitting"
    open_store().annotate(series, calendar="24/7")  # by somebody else
    assert page.run().selectbox(key=f"calendar_{series.slug}").value == "24/7"


def test_quality_opens_at_a_day_and_leads_to_the_chart(tmp_path):
    open_page("streamlit_app.py")
    series, hole = gapped(open_store(), tmp_path)
    page = open_page("pages/4_Quality.py", series=series.slug, day=f"{hole:%Y-%m-%d}")
    assert not page.exception
    assert f"**{hole:%Y-%m-%d}** · 14 of 24 candles · 1 gap" in words(page)
    page.button(key="to_Day before").click().run()
    before = f"{hole - pd.Timedelta(days=1):%Y-%m-%d}"
    assert f"**{before}** · 24 of 24 candles · 0 gaps" in words(page)
    assert page.query_params["day"] == before
    page = open_page("pages/4_Quality.py", series=series.slug, day="no day")
    assert "is not a date" in page.warning[0].value


def test_quality_ignores_gaps(tmp_path):
    open_page("streamlit_app.py")
    store = open_store()
    series, _ = gapped(store, tmp_path)
    page = open_page("pages/4_Quality.py", series=series.slug)
    page.button(key="ignore").click().run()
    assert page.dataframe[0].value["State"].tolist() == ["ignored"]
    assert [state.state for state in store.gap_states(series)] == ["ignored"]
    page.button(key="mind").click().run()
    assert page.dataframe[0].value["State"].tolist() == ["detected"]


def test_a_series_that_is_not_there_is_said_as_long_as_another_is_shown(tmp_path):
    page = open_page("pages/2_History.py", series="nope:X:1d")
    assert "nope:X:1d" in page.warning[0].value
    page.run()
    assert "nope:X:1d" in page.warning[0].value, "also when the page is drawn again"
    page.selectbox(key="choice_series").set_value("sample:IBM:1d").run()
    assert not page.warning


def test_history_opens_at_a_moment(tmp_path):
    open_page("streamlit_app.py")
    series, hole = gapped(open_store(), tmp_path)
    page = open_page("pages/2_History.py", series=series.slug, at=f"{hole:%Y-%m-%dT%H:%M}")
    assert not page.exception and not page.warning
    start, end = payload_style(page)["focus"]
    assert start < hole.timestamp() < end
    assert abs((start + end) / 2 - hole.timestamp()) < 3600 * 2
    assert page.query_params["at"] == f"{hole:%Y-%m-%dT%H:%M}"


def test_a_badge_stands_beside_the_chart(tmp_path):
    open_page("streamlit_app.py")
    store = open_store()
    series, hole = gapped(store, tmp_path)
    health.examine(store, series)
    for name in ("AAPL", "IBM", "MSFT"):  # more than are kept: this one is let go
        health.examine(store, Series.of("sample", name, "1d"))
    health.examine(store, Series.of("sample", "EURUSD", "1h"))
    page = open_page("pages/2_History.py", series=series.slug)
    assert not page.exception
    labels = [each.proto.label for each in page.get("page_link")]
    assert [label for label in labels if label.startswith("97.0%")]
    note = "10 candles missing, likely cause: outage"
    assert payload_style(page)["gaps"] == [[hole.timestamp(), hole.timestamp() + 36000, note]]
    fill(store, series, [(hole, hole + pd.Timedelta(hours=10))])
    page = open_page("pages/2_History.py", series=series.slug)
    assert payload_style(page)["filled"] == [[hole.timestamp(), hole.timestamp() + 36000]]


@pytest.mark.parametrize("path", PAGES)
def test_no_key_is_ever_on_a_page(path, monkeypatch):
    needed = {name for entry in registry.entries() for name in entry.settings}
    keys = {name for name in needed | {"CANDLEBOOK_METAAPI_TOKEN"} if not name.endswith(("REST", "BASE"))}
    assert len(keys) >= 5
    for name in keys:
        monkeypatch.setenv(name, f"sentinel-{name}")
    for name in (needed - keys) | {"CANDLEBOOK_OANDA_REST", "CANDLEBOOK_TWELVEDATA_REST"}:
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    page = open_page(path)
    if path == "streamlit_app.py":
        for source in ("twelvedata", "oanda"):
            page = open_tab(page, "Download")
            page.selectbox(key="download_source").set_value(source).run()
    assert not page.exception
    assert "sentinel-" not in str(page.main)


def test_the_line_of_closes_of_a_row_has_words_and_no_button():
    page = open_page("streamlit_app.py")
    lines = [each.proto.body for each in page.get("html") if "<img" in each.proto.body]
    assert len(lines) == 4
    assert any('alt="Closes from 1.07149 to 1.22904"' in line for line in lines)
    assert not page.get("imgs"), "these have a button for the whole screen"


def test_a_button_that_shows_its_sign_alone_has_a_name():
    page = open_page("streamlit_app.py")
    assert {each.label for each in page.checkbox} >= {"EURUSD · 1 hour", "AAPL · 1 day"}
    folds = [each.proto.popover.label for each in page.get("popover")]
    assert "More of EURUSD" in folds
    page = open_page("pages/4_Quality.py", series="sample:EURUSD:1h", day="2017-12-25")
    assert page.button(key="to_Day before").label == "Day before"
    page = open_page("pages/2_History.py", series="sample:EURUSD:1h", ind="rsi(14)")
    assert page.button(key="drop_0_rsi(14)").label == "Remove RSI 14"
