"""The coverage map: a picture of how whole each day is, a year to a row or a month; a click chooses a day."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from lib import health
from lib.gaps import Buckets
from lib.health import Health
from lib.ui import address, words
from lib.ui.frame import HISTORY, bar, plain
from lib.ui.gaps import gap_frame
from lib.ui.notes import warn

__all__ = ["coverage", "day_table"]

_STARTS = [1, 32, 61, 92, 122, 153, 183, 214, 245, 275, 306, 336]  # of months, in a leap year
_MONTHS = "['Jan','Feb','Mar','Apr','May','Jun','Jul','Aug','Sep','Oct','Nov','Dec']"
# From missing to whole: lightness rises with it, so that the order is seen without colours, too.
_RAMP = {
    "light": ["#b3261e", "#e07b39", "#f0c35a", "#9ccfb0", "#1a9c86"],
    "dark": ["#e5604d", "#d98b3f", "#c9b04c", "#5f9d86", "#1f7a6b"],
}
_YEAR, _MONTH = 22, 26  # the height of a row; a month's is touched by a finger
_ALL = "all"
# The last click on the map, and how often a day was chosen otherwise.
_CLICKED, _MOVES = "coverage_clicked", "coverage_moves"


def coverage(found: Health) -> None:
    """The coverage map, and the day that was chosen on it."""
    table = day_table(found.days)
    day = _day()
    years = sorted(table["year"].unique(), reverse=True)
    chosen = str(years[0]) if len(years) == 1 else _ALL
    with bar("center"):
        if len(years) > 1:
            chosen = address.one_of(
                "year", [_ALL, *map(str, years)], _ALL, st.selectbox, "Map of", width=160,
                label_visibility="collapsed", format_func=lambda name: "All years" if name == _ALL else name,
            )  # fmt: skip
        _legend()
    year = None if chosen == _ALL else int(chosen)
    key = f"map_{found.info.series.slug}_{year}_{st.session_state.get(_MOVES, 0)}"
    clicked = _draw(table, key=key, chosen=day, year=year)
    if clicked and (key, clicked) != st.session_state.get(_CLICKED):
        st.session_state[_CLICKED] = (key, clicked)
        address.keep("day", clicked, "")
        st.rerun()
    if day:
        _one_day(found, table, day)


def _day() -> str:
    """The day that is looked at, from the map or the address; empty where there is none."""
    asked = address.asked("day", "")
    if not asked:
        return ""
    day = words.moment(asked)
    if day is None:
        warn(f"{plain(asked)} is not a date.")
        address.keep("day", "", "")
        return ""
    address.keep("day", asked, "")
    return f"{day:%Y-%m-%d}"


def _one_day(found: Health, table: pd.DataFrame, day: str) -> None:
    start = pd.Timestamp(day, tz="UTC")
    end = start + pd.Timedelta(days=1)
    rows = health.gap_table(found, start=start, end=end)
    of_day = table[table["date"] == day]
    told = "no candles expected"
    if len(of_day):
        told = f"{of_day['observed'].iat[0]:,} of {words.count(int(of_day['expected'].iat[0]), 'candle')}"
    with st.container(border=True):
        with bar("center"):
            before, after = table["date"][table["date"] < day], table["date"][table["date"] > day]
            _to_day("Day before", ":material/chevron_left:", before.iat[-1] if len(before) else None)
            st.markdown(f"**{day}** · {told} · {words.count(len(rows), 'gap')}", width="content")
            _to_day("Day after", ":material/chevron_right:", after.iat[0] if len(after) else None)
            st.page_link(
                HISTORY, label="Show on the chart", icon=":material/candlestick_chart:",
                query_params={"series": found.info.series.slug, "at": day},
            )  # fmt: skip
            st.button("Close", type="tertiary", on_click=_move, args=(None,))
        if len(rows):
            gap_frame(rows, key="day_gaps")


def _to_day(label: str, icon: str, day: str | None) -> None:
    """To the next day on which candles are expected."""
    st.button(
        label, icon=icon, key=f"to_{label}", help=label, type="tertiary", disabled=day is None, on_click=_move, args=(day,)
    )  # fmt: skip


def _move(day: str | None) -> None:
    """To a day, or to none, by a button: the map forgets its click, so that the same day can be clicked again."""
    st.session_state[_MOVES] = st.session_state.get(_MOVES, 0) + 1
    if day is None:
        address.drop("day")
    else:
        address.keep("day", day, "")


# ------------------------------------------------------------------------------------------------- map


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


def _draw(table: pd.DataFrame, *, key: str, chosen: str = "", year: int | None = None) -> str:
    """Draw the map of a :func:`day_table`: all years, a row each, or one ``year``, a month to a row. Gives the
    date that was clicked (``2024-03-01``), or empty text. ``chosen`` is framed."""
    shown = table if year is None else table[table["year"] == year]
    if shown.empty:
        return ""
    if year is not None:
        dates = pd.DatetimeIndex(shown["date"])
        shown = shown.assign(month=dates.month, day=dates.day)
    event = st.vega_lite_chart(
        shown, _spec(shown, chosen, by_month=year is not None), width="stretch", key=key, on_select="rerun",
        selection_mode="day",
    )  # fmt: skip
    st.caption(
        f"A cell is a UTC day, a row a {'year' if year is None else 'month'}: {words.count(len(shown), 'day')} with "
        f"candles expected, {int((shown['missing'] == 0).sum()):,} of them complete. Click a day to see it."
    )
    picked: list[dict[str, Any]] = event.selection.get("day", []) if event else []
    return str(picked[0].get("date", "")) if picked else ""


def _kind() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


def _legend() -> None:
    none, *partly, complete = _RAMP[_kind()]
    parts = (
        ("complete", [complete]),
        ("partly", partly[::-1]),
        ("none", [none]),
        ("nothing expected", ["transparent"]),
    )
    box = "display:inline-block;width:.8em;height:.8em;border:1px solid rgba(128,128,128,.5);background:"
    st.html(
        '<div style="display:flex;flex-wrap:wrap;gap:.2em 1.2em;font-size:.875rem">'
        + "".join(
            f"<span>{''.join(f'<i style={chr(34)}{box}{colour}{chr(34)}></i>' for colour in colours)} {word}</span>"
            for word, colours in parts
        )
        + "</div>"
    )


def _spec(shown: pd.DataFrame, chosen: str, *, by_month: bool) -> dict[str, Any]:
    ink = "#f5f5f0" if _kind() == "dark" else "#22262a"
    plain: dict[str, Any] = {"ticks": False, "domain": False}
    rows = 12 if by_month else int(shown["year"].nunique())
    months = plain | {
        "values": _STARTS, "labelAngle": 0, "labelAlign": "left",
        "labelExpr": f"{_MONTHS}[indexof([{','.join(map(str, _STARTS))}], datum.value)]",
    }  # fmt: skip
    days = plain | {"values": [1, 5, 10, 15, 20, 25, 30], "labelAngle": 0, "orient": "top"}
    return {
        "height": max(90, (_MONTH if by_month else _YEAR) * rows),
        "mark": {"type": "rect", "cursor": "pointer"},
        "params": [{"name": "day", "select": {"type": "point", "fields": ["date"], "on": "click", "toggle": False}}],
        "encoding": {
            "x": {
                "field": "day", "type": "ordinal", "title": None,
                "scale": {"domain": list(range(1, 32 if by_month else 367)), "paddingInner": 0.06 if by_month else 0.0},
                "axis": days if by_month else months,
            },
            "y": {
                "field": "month" if by_month else "year", "type": "ordinal", "title": None,
                "scale": {"paddingInner": 0.12} | ({"domain": list(range(1, 13))} if by_month else {}),
                "axis": plain | ({"labelExpr": f"{_MONTHS}[datum.value - 1]"} if by_month else {}),
            },
            "color": {
                "field": "shade", "type": "quantitative", "legend": None,
                "scale": {"domain": [0, 0.5, 0.9, 0.97, 1], "range": _RAMP[_kind()]},
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
