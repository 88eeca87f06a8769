from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lib.chart import assets


def page() -> None:
    import streamlit as st

    from lib.chart import ChartEvents, ChartView, candle_chart, chart_events
    from lib.timeframes import parse
    from tests.chart.test_payload import candles

    count = int(st.number_input("bars", value=20))
    assert chart_events("chart") == ChartEvents()
    if st.checkbox("shown", value=True):
        events = candle_chart(
            ChartView("one", candles(count), parse("1m")), key="chart", height=300, report_visible=True
        )
        assert events == ChartEvents()


def payload(at: AppTest) -> dict[str, Any]:
    proto = at.get("bidi_component")[0].proto  # type: ignore[attr-defined]
    made: dict[str, Any] = json.loads(proto.json or proto.mixed.json)
    return made


def start() -> AppTest:
    at = AppTest.from_function(page, default_timeout=20).run()
    assert not at.exception
    return at


def test_reset_then_nothing_then_tail() -> None:
    at = start()
    first = payload(at)
    assert first["op"] == "reset" and first["key"] == "chart"
    assert first["setup"] == {"height": 300, "visible": True}
    at.run()
    rest = at.get("bidi_component")[0].proto.json  # type: ignore[attr-defined]
    assert json.loads(rest)["op"] == "style"
    at.run()
    assert at.get("bidi_component")[0].proto.json == rest, "nothing new: the very same message"  # type: ignore[attr-defined]
    at.number_input[0].set_value(22).run()
    tail = payload(at)
    assert (tail["op"], tail["id"], len(tail["rows"])) == ("tail", first["id"], 2)


def test_chart_that_was_gone_is_sent_whole() -> None:
    at = start()
    at.checkbox[0].uncheck().run()
    assert not at.get("bidi_component")
    at.checkbox[0].check().run()
    assert payload(at)["op"] == "reset"


def test_wrapping_is_small() -> None:
    at = start()
    at.number_input[0].set_value(21).run()
    proto = at.get("bidi_component")[0].proto  # type: ignore[attr-defined]
    assert not proto.css_content and not proto.html_content
    assert len(proto.js_content) < 200
    assert proto.ByteSize() < 700


def test_assets() -> None:
    assert (assets.library_folder() / "lightweight-charts.js").is_file()
    assert assets.frontend_name() == assets.frontend_name()
    assert {path.name for path in assets.FRONTEND.iterdir()} >= {"chart.js", "chart.css"}
    license_head = (assets.library_folder() / "lightweight-charts.js").read_text(encoding="utf-8")[:400]
    assert "v4.1.3" in license_head


@pytest.mark.parametrize("path", sorted(assets.FRONTEND.glob("*.js")), ids=lambda path: path.name)
def test_frontend_loads_nothing_from_elsewhere(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    addresses = {part.split('"')[0] for part in text.split('"http')[1:]}
    assert addresses <= {"s://www.tradingview.com/", "://www.w3.org/2000/svg"}
    assert len(text.splitlines()) <= 500
