"""A chart over a long series, of which a part is loaded; the rest when the reader gets there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from lib.chart import ChartView, Line, Pane, candle_chart, chart_events
from lib.timeframes import parse

st.set_page_config(layout="wide")
PAGE = 500
HOUR = parse("1h")


@st.cache_data
def whole() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    close = np.round(1.18 * np.exp(np.cumsum(rng.normal(0, 0.0006, 3000))), 5)
    open_ = np.concatenate(([1.18], close[:-1]))
    spread = np.abs(rng.normal(0, 0.0004, 3000))
    times = pd.date_range("2023-01-02", periods=4500, freq="1h", tz="UTC", unit="us", name="time")
    times = times[times.day_of_week < 5][:3000]
    return pd.DataFrame(
        {
            "open": open_,
            "high": np.maximum(open_, close) + spread,
            "low": np.minimum(open_, close) - spread,
            "close": close,
            "volume": np.nan,
        },
        index=times,
    )


@st.fragment
def history() -> None:
    state = st.session_state
    state["runs"] = state.get("runs", 0) + 1
    if chart_events("history").older_before is not None:
        state["pages"] = state.get("pages", 1) + 1
    count = PAGE * state.get("pages", 1)
    candles = whole().iloc[-count:]
    closes = whole()["close"]
    middle = closes.rolling(20).mean()
    wide = closes.rolling(20).std()
    lines = [
        Line(name, label, values.to_numpy()[-count:], color_index=color)
        for name, label, values, color in (
            ("upper", "BB 20 2 Upper", middle + 2 * wide, 0),
            ("middle", "Middle", middle, 1),
            ("lower", "Lower", middle - 2 * wide, 0),
        )
    ]
    lines.append(Line("late", "Lagging", candles["close"].to_numpy(), shift=-26, color_index=4))
    lines.append(Line("sar", "PSAR", candles["low"].to_numpy() - 0.002, kind="dots", color_index=3))
    lines.append(Line("obv", "OBV", np.cumsum(np.sign(candles["close"].diff().fillna(0))).to_numpy(), "obv"))
    last = candles.index[-1]
    focus = (last - pd.Timedelta("14D"), last - pd.Timedelta("8D")) if st.button("Jump") else None
    events = candle_chart(
        ChartView(
            "eurusd", candles, HOUR, tuple(lines), (Pane("obv", "OBV"),), precision=5, title="EURUSD",
            has_older=count < len(whole()), focus=focus, zone=st.query_params.get("zone"),
        ),
        key="history",
        report_visible="report" in st.query_params,
    )  # fmt: skip
    shown = [f"{time:%Y-%m-%d %H:%M}" for time in events.visible] if events.visible else "unknown"
    st.text(f"runs {state['runs']}; candles {len(candles)}; visible {shown}")


st.page_link("app.py", label="To the front")
history()
