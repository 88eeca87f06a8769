"""The same live candles in streamlit-lightweight-charts, which is sent all of them at each update."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit_lightweight_charts import renderLightweightCharts

query = st.query_params
BARS = int(query.get("bars", "2000"))
EVERY = float(query.get("every", "0.5"))


@st.cache_data
def walk(count: int) -> list[dict[str, float]]:
    rng = np.random.default_rng(7)
    close = (42_000 * np.exp(np.cumsum(rng.normal(0, 0.0008, count)))).round(2)
    return [
        {
            "time": 1_704_067_200 + 60 * i,
            "open": float(value),
            "high": float(value) + 20.5,
            "low": float(value) - 20.5,
            "close": float(value) + 3.25,
        }
        for i, value in enumerate(close)
    ]


@st.fragment(run_every=EVERY)
def live() -> None:
    ticks = st.session_state["ticks"] = st.session_state.get("ticks", 0) + 1
    candles = walk(BARS + 1000)[: BARS + ticks // 5]
    last = {**candles[-1], "close": candles[-1]["close"] + ticks % 5}
    chart = {"chart": {"height": 480}, "series": [{"type": "Candlestick", "data": [*candles[:-1], last]}]}
    renderLightweightCharts([chart], "chart")
    st.text(f"ticks: {ticks}")


live()
