"""A chart that grows: a fragment adds a candle, or moves the last one, at each tick of its clock."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from lib.chart import ChartView, Line, Marker, Pane, candle_chart
from lib.timeframes import parse

st.set_page_config(layout="wide")
query = st.query_params
BARS = int(query.get("bars", "2000"))
EVERY = float(query.get("every", "0.25"))
LINES = int(query.get("lines", "4"))
MINUTE = 60


@st.cache_data
def walk(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    close = 42_000 * np.exp(np.cumsum(rng.normal(0, 0.0008, count)))
    open_ = np.concatenate(([42_000.0], close[:-1]))
    spread = np.abs(rng.normal(0, 0.0006, count)) * close
    index = pd.date_range("2024-01-01", periods=count, freq="1min", tz="UTC", unit="us", name="time")
    table = pd.DataFrame(
        {
            "open": open_,
            "high": np.maximum(open_, close) + spread,
            "low": np.minimum(open_, close) - spread,
            "close": close,
            "volume": rng.gamma(2.0, 12.0, count),
        },
        index=index,
    )
    return table.round(2)


if st.button("Run again"):
    st.session_state.reruns = st.session_state.get("reruns", 0) + 1
identity = st.session_state.setdefault("identity", "one")
if st.button("Another series"):
    identity = st.session_state["identity"] = identity + "+"
if st.button("Step back"):
    st.session_state["ticks"] = max(0, st.session_state.get("ticks", 0) - 30)
st.toggle("Pause", key="pause", value="pause" in query)
st.toggle("Indicator pane", key="pane", value=True)
st.toggle("Log", key="log")


@st.fragment(run_every=None if st.session_state.pause else EVERY)
def live() -> None:
    if not st.session_state.pause:
        st.session_state["ticks"] = st.session_state.get("ticks", 0) + 1
    ticks = st.session_state.get("ticks", 0)
    whole = walk(BARS + 5000)
    closed = BARS + ticks // 5
    candles = whole.iloc[: closed + 1].copy()
    part = (ticks % 5 + 1) / 5  # the last one is as it will stay
    last = candles.index[-1]
    open_, high, low, close = (float(candles.at[last, name]) for name in ("open", "high", "low", "close"))
    now = round(open_ + (close - open_) * part, 2)
    candles.loc[last, ["high", "low", "close", "volume"]] = [
        max(open_, now), min(open_, now), now, round(float(candles.at[last, "volume"]) * part, 3),
    ]  # fmt: skip
    closes = candles["close"]
    lines = [
        Line(
            f"ema({n})",
            f"EMA {n}",
            closes.ewm(span=n, adjust=False).mean().where(np.arange(len(closes)) >= n - 1).to_numpy(),
            color_index=at,
        )
        for at, n in enumerate((10, 21, 50, 150)[:LINES])
    ]
    panes = []
    if st.session_state.pane:
        fast, slow = closes.ewm(span=12).mean(), closes.ewm(span=26).mean()
        macd = fast - slow
        signal = macd.ewm(span=9).mean()
        change = closes.diff()
        up, down = (
            change.clip(lower=0).ewm(alpha=1 / 14).mean(),
            (-change).clip(lower=0).ewm(alpha=1 / 14).mean(),
        )
        panes = [Pane("rsi", "RSI 14", (30.0, 70.0)), Pane("macd", "MACD 12 26 9", (0.0,))]
        lines += [
            Line("rsi", "RSI", (100 - 100 / (1 + up / down)).to_numpy(), "rsi"),
            Line("hist", "Histogram", (macd - signal).to_numpy(), "macd", "histogram"),
            Line("macd", "MACD", macd.to_numpy(), "macd", color_index=0),
            Line("signal", "Signal", signal.to_numpy(), "macd", color_index=1),
        ]
    view = ChartView(
        identity, candles, parse("1m"), tuple(lines), tuple(panes),
        markers=(Marker(candles.index[BARS - 40], "2:1 split"),), precision=2, follow=True, title="DEMOUSDT (demo)",
        forming=True, log=st.session_state.log, zone=query.get("zone"),
        gaps=((candles.index[BARS - 80] - pd.Timedelta("1min"), candles.index[BARS - 80]),),
        gap_notes=("7 candles missing, likely cause: halt",),
    )  # fmt: skip
    candle_chart(view, key="chart", height=int(query.get("height", "720")))
    st.session_state["shown"] = len(candles)
    st.text(f"candles: {len(candles)} reruns: {st.session_state.get('reruns', 0)}")


live()
