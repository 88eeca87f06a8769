"""A chart with the indicators that are written into a field."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from lib.chart import candle_chart, view_of
from lib.indicators import compute, parse_list
from lib.timeframes import parse

st.set_page_config(layout="wide")
query = st.query_params
FRAME = parse(query.get("tf", "1h"))


@st.cache_data
def walk(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    close = float(query.get("price", "100")) * np.exp(np.cumsum(rng.normal(0.001, 0.01, count)))
    open_ = np.concatenate((close[:1], close[:-1]))
    spread = np.abs(rng.normal(0, 0.004, count)) * close
    index = pd.date_range(
        "2024-01-01", periods=count, freq=f"{FRAME.seconds}s", tz="UTC", unit="us", name="time"
    )
    return pd.DataFrame(
        {
            "open": open_,
            "high": np.maximum(open_, close) + spread,
            "low": np.minimum(open_, close) - spread,
            "close": close,
            "volume": np.nan if "dry" in query else rng.gamma(2.0, 12.0, count),
        },
        index=index,
    )


text = st.text_input("Picks", query.get("ind", ""))
bars = int(st.number_input("Bars", value=int(query.get("bars", "400"))))
candles = walk(3000).iloc[:bars]
picks = parse_list(text)
candle_chart(
    view_of(
        "walk", candles, FRAME, picks, compute(candles, picks, timeframe=FRAME),
        follow="follow" in query, forming="forming" in query, title="WALK", log="log" in query,
    ),
    key="chart",
    height=int(query.get("height", "620")),
)  # fmt: skip
