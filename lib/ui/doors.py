"""The three doors on Home: open files, download history, watch live."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lib.sources import registry
from lib.store import Store
from lib.sync import start_download
from lib.timeframes import parse
from lib.ui.downloads import follow
from lib.ui.frame import LIVE, guard
from lib.ui.upload import upload

__all__ = ["doors"]

_TIMEFRAMES = ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1M"]
_EARLIEST = pd.Timestamp("1970-01-01").date()


def doors(store: Store) -> None:
    """Three ways to bring candles in, one tab each."""
    file, download, live = st.tabs(
        [
            ":material/upload_file: Open files",
            ":material/download: Download history",
            ":material/sensors: Watch live",
        ]
    )
    with file, guard():
        upload(store)
    with download:
        _download(store)
    with live:
        _live()


def _market(key: str) -> tuple[str, str, str]:
    """Source, symbol and timeframe, in a form."""
    entries = {entry.name: entry for entry in registry.entries()}
    source, symbol, timeframe = st.columns([1.4, 1.4, 1])
    name = source.selectbox(
        "Source", list(entries), format_func=lambda name: entries[name].title, key=f"{key}_source"
    )
    wanted = symbol.text_input(
        "Symbol", "BTCUSDT", key=f"{key}_symbol",
        help="As the source spells it: BTCUSDT at Binance, DEMO-BTC in the demo feed",
    )  # fmt: skip
    chosen = timeframe.selectbox(
        "Timeframe", _TIMEFRAMES, index=0 if key == "live" else 4, key=f"{key}_timeframe"
    )
    return name, wanted.strip().upper(), chosen


def _live() -> None:
    with st.form("live", border=False):
        name, symbol, timeframe = _market("live")
        if st.form_submit_button("Watch", type="primary", icon=":material/sensors:"):
            st.switch_page(LIVE, query_params={"source": name, "symbol": symbol, "tf": timeframe})


def _download(store: Store) -> None:
    with st.form("download", border=False):
        name, symbol, timeframe = _market("download")
        today = pd.Timestamp.now(tz="UTC").date()
        start, end = st.columns(2)
        since = start.date_input("From", today - pd.Timedelta(days=365), min_value=_EARLIEST, max_value=today)
        until = end.date_input("To, that day included (UTC)", today, min_value=_EARLIEST, max_value=today)
        pressed = st.form_submit_button("Download", type="primary", icon=":material/download:")
    if pressed:
        with guard():
            job = start_download(
                store, registry.get(name), symbol, parse(timeframe),
                pd.Timestamp(since, tz="UTC"), pd.Timestamp(until, tz="UTC") + pd.Timedelta(days=1),
            )  # fmt: skip
            follow(job)
