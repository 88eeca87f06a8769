"""Closes of several series on one picture, each from 100 at their common start."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lib.history import rebased
from lib.series import Series
from lib.store import SeriesInfo, Store
from lib.ui.frame import guard
from lib.ui.pickers import series_label

__all__ = ["compare"]

_MOST = 6
_COLOURS = ("#2563d4", "#d97706", "#0f9d8a", "#8b3fc4", "#c2415b", "#6b7280")


def compare(store: Store, infos: Sequence[SeriesInfo]) -> None:
    """A fold under the library: pick some series, see their closes side by side."""
    if len(infos) < 2:
        return
    with st.expander("Compare closes", icon=":material/stacked_line_chart:"):
        named = {info.series.slug: info for info in infos}
        chosen = st.multiselect(
            "Series to compare", list(named), max_selections=_MOST, key="compare",
            format_func=lambda slug: series_label(named[slug]), placeholder="Choose two or more",
        )  # fmt: skip
        if len(chosen) >= 2:
            with guard():
                _draw(rebased(store, [named[slug] for slug in chosen]))


def _draw(lines: dict[Series, pd.Series]) -> None:
    # a picture that nobody zooms: the ready-made component does
    from streamlit_lightweight_charts import renderLightweightCharts

    dark = st.context.theme.type == "dark"
    ink, grid = ("#d8d8d2", "#3a3f45") if dark else ("#33383d", "#e4e2da")
    chart = {
        "height": 260,
        "layout": {"background": {"type": "solid", "color": "transparent"}, "textColor": ink},
        "grid": {"vertLines": {"visible": False}, "horzLines": {"color": grid}},
        "rightPriceScale": {"borderVisible": False},
        "timeScale": {"borderVisible": False},
        "handleScroll": False,
        "handleScale": False,
    }
    series = [
        {
            "type": "Line",
            "data": [{"time": int(at.timestamp()), "value": float(close)} for at, close in closes.items()],
            "options": {"color": colour, "lineWidth": 2, "priceLineVisible": False, "title": name.symbol},
        }
        for colour, (name, closes) in zip(_COLOURS, lines.items(), strict=False)
    ]
    renderLightweightCharts([{"chart": chart, "series": series}], key="compare_picture")
    st.caption("From 100 at the common start, closes as stored: raw prices jump at a split.")
    st.caption(" · ".join(f"{name}: {closes.iloc[-1] - 100:+,.1f}%" for name, closes in lines.items()))
