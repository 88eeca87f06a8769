"""The library on Home: a row for each stored series, and where it opens."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import streamlit as st

from lib.errors import UnknownName
from lib.series import Series
from lib.sources import registry
from lib.store import SeriesInfo, Store
from lib.ui import words
from lib.ui.badge import badge, wait_for
from lib.ui.chosen import chosen, key_of, toolbar
from lib.ui.compare import compare
from lib.ui.frame import HISTORY, LIVE, REPLAY, guard, label, plain

__all__ = ["library"]

_ROWS = 25
_WIDTHS = [2.8, 2.1, 1.6, 1.2, 2.6]


def library(store: Store) -> None:
    """All stored series, newest writes first; a search box appears once there are many."""
    catalog = store.catalog()
    for error in catalog.damaged:
        st.warning(plain(str(error)), icon=":material/database_off:")
    infos = sorted(catalog.series, key=lambda info: info.updated_at, reverse=True)
    title, box = st.columns([3, 2], vertical_alignment="bottom")
    title.subheader(f"Library · {len(infos)} series" if infos else "Library")
    if not infos:
        st.info(
            "Nothing is stored yet. Open a file, or download history, with the doors above.",
            icon=":material/inbox:",
        )
        return
    wanted = (
        box.text_input("Search the library", placeholder="Search", label_visibility="collapsed")
        if len(infos) > 8
        else ""
    )
    found = [info for info in infos if wanted.lower() in f"{info.series} {info.title}".lower()]
    if not found:
        st.info(f"No series has {wanted!r} in its name.", icon=":material/search_off:")
    shown = found[:_ROWS]
    if picked := chosen(infos):
        toolbar(store, picked, shown)
    for info in shown:
        with st.container(border=True):
            _row(store, info)
    wait_for(store, [info.series for info in shown])
    compare(store, infos)
    if len(found) > _ROWS:
        st.caption(f"{len(found) - _ROWS} more; search to see them.")


def _row(store: Store, info: SeriesInfo) -> None:
    name, span, fresh, line, doors = st.columns(_WIDTHS, vertical_alignment="center")
    series = info.series
    with name:
        st.checkbox(
            f"{label(series.symbol)} · {series.timeframe.words}", key=key_of(series),
        )  # fmt: skip
        known = [series.source, info.title, "synthetic" if info.synthetic else ""]
        st.caption(" · ".join(plain(each) for each in known if each))
    with span:
        step = series.timeframe
        st.markdown(f"{words.day(info.first, step)} to {words.day(info.last, step)}")
        st.caption(
            words.count(info.count, "candle")
            + (f", {info.filled:,} filled" if info.filled else "")
            + f" · {words.size(info.size_bytes)}"
        )
    with fresh:
        now = pd.Timestamp.now(tz="UTC")
        st.markdown(
            f"Ends {words.age(series.timeframe.after(info.last), now)}",
            help=f"Stored {words.age(info.updated_at, now)}",
        )
        with guard():
            badge(store, series)
    with line, guard():
        picture = spark(store.closes(series, points=60))
        if picture:
            # not st.image: its button for the whole screen would be a stop of the tab key in every row
            st.html(picture)
    with doors:
        _doors(store, series)


def _doors(store: Store, series: Series) -> None:
    with st.container(
        horizontal=True, gap="small", horizontal_alignment="right", vertical_alignment="center"
    ):
        st.page_link(
            HISTORY,
            label="History",
            icon=":material/candlestick_chart:",
            query_params={"series": series.slug},
        )
        st.page_link(REPLAY, label="Replay", icon=":material/replay:", query_params={"series": series.slug})
        if _has_live(series):
            st.page_link(
                LIVE, label="Live", icon=":material/sensors:",
                query_params={"source": series.source, "symbol": series.symbol, "tf": str(series.timeframe)},
            )  # fmt: skip
        more = f"More of {label(series.symbol)}"
        with st.popover(
            more, icon=":material/more_vert:", type="tertiary", help="More", key=f"more_{series.slug}"
        ):
            st.markdown(f"Delete **{plain(str(series))}** with all its candles? There is no way back.")
            st.button(
                "Delete", key=f"delete_{series.slug}", on_click=_delete, args=(store, series), type="primary",
                icon=":material/delete:",
            )  # fmt: skip


def _delete(store: Store, series: Series) -> None:
    try:
        store.delete(series)
        st.toast(f"{plain(str(series))} is deleted.", icon=":material/delete:")
    except UnknownName:
        st.toast(f"{plain(str(series))} was gone already.", icon=":material/delete:")


def _has_live(series: Series) -> bool:
    return any(entry.live and entry.name == series.source for entry in registry.entries())


def spark(closes: np.ndarray[Any, Any], *, width: int = 160, height: int = 36) -> str:
    """A small line of closes as HTML, green or red by where it ended; empty text under 2 points."""
    values = np.asarray(closes, dtype=float)
    if len(values) < 2:
        return ""
    low, high = float(values.min()), float(values.max())
    xs = np.linspace(1, width - 1, len(values))
    ys = height - 3 - (values - low) / ((high - low) or 1.0) * (height - 6)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    colour = "#1a9c86" if values[-1] >= values[0] else "#d9534f"
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/></svg>'
    )
    return (
        f'<img src="data:image/svg+xml,{quote(picture)}" alt="Closes from {values[0]:g} to {values[-1]:g}" '
        'style="display:block;width:100%">'
    )
