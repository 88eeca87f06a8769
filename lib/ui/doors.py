"""The three doors on Home: open files, download history, watch live."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from lib.sources import registry
from lib.sources.registry import Entry
from lib.store import Store
from lib.sync import start_download
from lib.timeframes import parse
from lib.ui.downloads import follow
from lib.ui.frame import LIVE, guard
from lib.ui.markets import budget, is_ready, known_symbols, symbol_box
from lib.ui.upload import upload

__all__ = ["doors"]

_EARLIEST = pd.Timestamp("1970-01-01").date()


def doors(store: Store) -> None:
    """Three ways to bring candles in, one tab each; only the open one is drawn."""
    file, download, live = st.tabs(
        [
            ":material/upload_file: Open files",
            ":material/download: Download history",
            ":material/sensors: Watch live",
        ],
        key="doors",
        on_change="rerun",
    )
    # what was uploaded stays while another tab is looked at
    with file, guard():
        upload(store)
    if download.open:
        with download, guard():
            _download(store)
    if live.open:
        with live, guard():
            _live()


def _market(key: str, entries: Sequence[Entry], timeframe: str) -> tuple[Entry, str, str]:
    """Source, symbol (empty: none chosen) and timeframe."""
    by_name = {entry.name: entry for entry in entries}
    source, symbol, step = st.columns([1.4, 1.6, 1])
    name = source.selectbox(
        "Source", list(by_name), format_func=lambda name: by_name[name].title, key=f"{key}_source",
        help="\n".join(f"- **{entry.title}**: {entry.about}" for entry in entries),
    )  # fmt: skip
    entry = by_name[name]
    with symbol:
        symbols = known_symbols(name)
        # each source has symbols of its own
        wanted = symbol_box(entry, symbols, key=f"{key}_symbol_{name}")
    offered = (
        [str(each) for each in registry.get(name).timeframes] if not registry.lacking(name) else [timeframe]
    )
    chosen = step.selectbox(
        "Timeframe", offered, index=offered.index(timeframe) if timeframe in offered else 0,
        key=f"{key}_timeframe_{name}",
    )  # fmt: skip
    return entry, wanted, chosen


def _live() -> None:
    entries = [entry for entry in registry.entries() if entry.live]
    entry, symbol, timeframe = _market("live", entries, "1m")
    if st.button("Watch", type="primary", icon=":material/sensors:", key="live_go"):
        st.switch_page(
            LIVE, query_params={"source": entry.name, "symbol": symbol or entry.example, "tf": timeframe}
        )


def _download(store: Store) -> None:
    entry, symbol, timeframe = _market("download", registry.entries(), "1h")
    if not is_ready(entry):
        return
    today = pd.Timestamp.now(tz="UTC").date()
    start, end = st.columns(2)
    since = start.date_input(
        "From", today - pd.Timedelta(days=365), min_value=_EARLIEST, max_value=today, key="download_from"
    )
    until = end.date_input(
        "To, that day included (UTC)", today, min_value=_EARLIEST, max_value=today, key="download_to"
    )
    if st.button("Download", type="primary", icon=":material/download:", key="download_go"):
        if not symbol:
            st.warning(f"Choose a symbol, such as {entry.example}.", icon=":material/edit:")
        elif since is None or until is None:
            st.warning("Choose the first and the last day.", icon=":material/edit:")
        else:
            follow(
                partial(
                    start_download, store, registry.get(entry.name), symbol, parse(timeframe),
                    pd.Timestamp(since, tz="UTC"), pd.Timestamp(until, tz="UTC") + pd.Timedelta(days=1),
                )
            )  # fmt: skip
    budget(entry.name)
