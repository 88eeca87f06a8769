"""The three doors on Home: open a file, download history, watch live."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lib.sources import registry
from lib.store import Store
from lib.sync import Job, Progress, forget, jobs, start_download
from lib.timeframes import parse
from lib.ui import words
from lib.ui.frame import HISTORY, LIVE, guard, plain, show_error
from lib.ui.upload import upload

__all__ = ["doors"]

_TIMEFRAMES = ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "1M"]
_MINE = "downloads_mine"
_EARLIEST = pd.Timestamp("1970-01-01").date()


def doors(store: Store) -> None:
    """Three ways to bring candles in, one tab each."""
    file, download, live = st.tabs(
        [
            ":material/upload_file: Open a file",
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
            st.session_state.setdefault(_MINE, set()).add(job.started_at)
            st.session_state["downloads_running"] = True
    if _shown():
        # the period is dropped with the last running download, so that a page at rest asks nothing
        running = any(not job.snapshot().over for job in _shown())
        st.fragment(_progress, run_every=1.0 if running else None)()


def _shown() -> list[Job]:
    """Downloads that run for anybody, and the finished ones of this session."""
    mine = st.session_state.get(_MINE, set())
    return [job for job in jobs() if job.started_at in mine or not job.snapshot().over]


def _progress() -> None:
    """Downloads of this app, newest first; a finished one stays until it is put away. The whole page is
    drawn again when the last one ends, so that the library shows what came."""
    for job in _shown():
        _job(job)
    running = any(not job.snapshot().over for job in _shown())
    if st.session_state.get("downloads_running") and not running:
        st.session_state["downloads_running"] = False
        st.rerun()


def _job(job: Job) -> None:
    state = job.snapshot()
    key = f"{job.series.slug}_{job.started_at.value}"
    with st.container(border=True):
        said, button = st.columns([6, 1], vertical_alignment="center")
        with said:
            if state.error is not None:
                show_error(state.error)
                if state.progress.candles:
                    st.caption(
                        f"{words.count(state.progress.candles, 'candle')} of {plain(str(job.series))} had arrived and are kept; the same download goes on from there."
                    )
            elif state.outcome is not None:
                ended = "Cancelled" if state.outcome.cancelled else "Done"
                st.markdown(
                    f"**{ended}** · {job.series} · {words.count(state.outcome.added, 'candle')} added, {state.outcome.changed:,} changed"
                )
            else:
                st.progress(state.progress.done, f"{job.series} · {_going(state.progress)}")
        if not state.over:
            button.button(
                "Cancel", key=f"cancel_{key}", on_click=job.cancel, disabled=state.status == "cancelling"
            )
        else:
            if state.outcome is not None and state.outcome.first is not None:
                button.page_link(HISTORY, label="Open", query_params={"series": job.series.slug})
            button.button("Put away", key=f"forget_{key}", on_click=forget, args=(job,), type="tertiary")


def _going(progress: Progress) -> str:
    parts = [f"{progress.candles:,} candles"]
    if progress.rate:
        parts.append(f"{words.number(progress.rate)} a second")
    if progress.eta_seconds is not None:
        parts.append(f"{words.duration(progress.eta_seconds)} left")
    if progress.note:
        parts.append(progress.note)
    return " · ".join(parts)
