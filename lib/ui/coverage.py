"""The coverage map: a picture of how whole each day is, a year to a row; a click chooses a day."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from lib.gaps import Buckets
from lib.ui import words

__all__ = ["coverage_map", "day_table"]

_STARTS = [1, 32, 61, 92, 122, 153, 183, 214, 245, 275, 306, 336]  # of months, in a leap year
_MONTHS = "['Jan','Feb','Mar','Apr','May','Jun','Jul','Aug','Sep','Oct','Nov','Dec']"
# From missing to whole: lightness rises with it, so that the order is seen without colours, too.
_RAMP = {
    "light": ["#b3261e", "#e07b39", "#f0c35a", "#9ccfb0", "#1a9c86"],
    "dark": ["#e5604d", "#d98b3f", "#c9b04c", "#5f9d86", "#1f7a6b"],
}
_ROW = 22


def day_table(days: Buckets) -> pd.DataFrame:
    """A row for each UTC day on which candles are expected: ``date`` (its text), ``year``, ``day`` (1 to 366,
    counted as in a leap year, so that months stand under each other), ``expected observed missing`` and
    ``shade``: the share observed, for the colour. O(days)."""
    dates = pd.DatetimeIndex(days.edges[:-1].view("datetime64[us]"))
    wanted = days.expected > 0
    dates = dates[wanted]
    ordinal = dates.day_of_year.to_numpy() + (~dates.is_leap_year & (dates.month > 2)).astype(int)
    expected, observed = days.expected[wanted], days.present[wanted]
    return pd.DataFrame(
        {
            "date": dates.strftime("%Y-%m-%d"),
            "year": dates.year,
            "day": ordinal,
            "expected": expected,
            "observed": observed,
            "missing": expected - observed,
            # nothing short of whole may look whole
            "shade": np.where(observed < expected, np.minimum(days.share[wanted], 0.97), 1.0),
        }
    )


def coverage_map(days: Buckets, *, key: str, chosen: str = "") -> str:
    """Draw the map; gives the date that was clicked (``2024-03-01``), or empty text. ``chosen`` is framed."""
    table = day_table(days)
    if table.empty:
        return ""
    event = st.vega_lite_chart(
        table, _spec(int(table["year"].nunique()), chosen), width="stretch", key=key, on_select="rerun",
        selection_mode="day",
    )  # fmt: skip
    st.caption(
        f"A cell is a UTC day, a row a year: {words.count(len(table), 'day')} with candles expected, "
        f"{int((table['missing'] == 0).sum()):,} of them whole. Blank: none expected. Click a day to see it."
    )
    picked: list[dict[str, Any]] = event.selection.get("day", []) if event else []
    return str(picked[0].get("date", "")) if picked else ""


def _spec(years: int, chosen: str) -> dict[str, Any]:
    kind = "dark" if st.context.theme.type == "dark" else "light"
    ink = "#f5f5f0" if kind == "dark" else "#22262a"
    return {
        "height": max(90, _ROW * years),
        "mark": {"type": "rect", "cursor": "pointer"},
        "params": [{"name": "day", "select": {"type": "point", "fields": ["date"], "on": "click", "toggle": False}}],
        "encoding": {
            "x": {
                "field": "day", "type": "ordinal", "title": None,
                "scale": {"domain": list(range(1, 367)), "paddingInner": 0.0},
                "axis": {
                    "values": _STARTS, "labelAngle": 0, "labelAlign": "left", "ticks": False, "domain": False,
                    "labelExpr": f"{_MONTHS}[indexof([{','.join(map(str, _STARTS))}], datum.value)]",
                },
            },
            "y": {
                "field": "year", "type": "ordinal", "title": None, "scale": {"paddingInner": 0.12},
                "axis": {"ticks": False, "domain": False},
            },
            "color": {
                "field": "shade", "type": "quantitative", "legend": None,
                "scale": {"domain": [0, 0.5, 0.9, 0.97, 1], "range": _RAMP[kind]},
            },
            "stroke": {"condition": {"test": f"datum.date === '{chosen}'", "value": ink}, "value": None},
            "strokeWidth": {"value": 2},
            "tooltip": [
                {"field": "date", "title": "Day"},
                {"field": "observed", "title": "Observed", "format": ","},
                {"field": "expected", "title": "Expected", "format": ","},
                {"field": "missing", "title": "Missing", "format": ","},
            ],
        },
    }  # fmt: skip
