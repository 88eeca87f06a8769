"""The explorer of History: jump, look, read the figures of what is on screen, take it away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from lib import export, health, history
from lib.chart import ChartView, Marker, candle_chart, chart_events, filled_spans, precision_of, view_of
from lib.gaps import CAUSES
from lib.history import Loaded
from lib.indicators import Pick
from lib.statistics import summarise
from lib.store import SeriesInfo, Store
from lib.timeframes import Timeframe, parse, to_us
from lib.ui import address, words
from lib.ui.badge import badge, wait_for
from lib.ui.frame import bar, figures, guard, plain
from lib.ui.notes import warn
from lib.ui.pickers import Look
from lib.viewport import SPANS, Stretch
from lib.viewport import pick_timeframe as fit

__all__ = ["candle_time", "event_marks", "explore"]

_CHART = "history_chart"
_OPENED = "history_opened"
_STRETCH = "history_stretch"
_JUMPS = "history_jumps"  # counts the dates that were dropped, each with its widget
# Candles around a date that was jumped to.
_SCREENFUL = 150
# Candles that are looked at in some 0.1 s.
_AT_ONCE = 500_000
Span = tuple[pd.Timestamp, pd.Timestamp]
# A span is offered from this many candles on.
_FEWEST = 10


def explore(store: Store, info: SeriesInfo, picks: Sequence[Pick], look: Look) -> None:
    """Everything under the pickers."""
    with bar():
        span = _span(info)
        timeframe = _timeframe(info, span)
        at = _date(info)
        badge(store, info.series)
    opened = (info.series, timeframe, at, span)
    if st.session_state.get(_OPENED) != opened:
        st.session_state[_OPENED] = opened
        st.session_state[_STRETCH] = history.opening(store, info.series, timeframe, at, span=span)
    _explore(store, info, timeframe, picks, look, _focus(info, timeframe, at, span))
    # under the chart: what comes and goes above it would have it made anew
    wait_for(store, [info.series])


def _span(info: SeriesInfo) -> pd.Timedelta | None:
    """How much to show at once; None is a close-up of the candles themselves. Spans of a few candles, or
    longer than the series, are not offered."""
    whole = info.last - info.first
    least = pd.Timedelta(seconds=info.series.timeframe.seconds * _FEWEST)
    spans = {name: whole if days is None else pd.Timedelta(days=days) for name, days in SPANS.items()}
    offered = [name for name, span in spans.items() if SPANS[name] is None or least <= span < whole]
    chosen = address.one_of(
        "span", ["Close-up", *offered], "Close-up", st.segmented_control, "Span",
        label_visibility="collapsed", required=True, scope=info.series.slug,
    )  # fmt: skip
    return None if chosen == "Close-up" else spans[chosen]


def _timeframe(info: SeriesInfo, span: pd.Timedelta | None) -> Timeframe:
    """Its own or coarser; by itself the finest that shows the span in a screenful of candles."""
    chosen = address.one_of(
        "tf", ["auto", *map(str, info.timeframes)], "auto", st.selectbox, "Timeframe",
        format_func=lambda name: "Fitting" if name == "auto" else name, label_visibility="collapsed",
        width=120, scope=info.series.slug, help="Fitting: the finest that shows the span",
    )  # fmt: skip
    if chosen != "auto":
        return parse(chosen)
    return info.series.timeframe if span is None else fit(info.timeframes, span)


def _date(info: SeriesInfo) -> pd.Timestamp | None:
    """The day, or in a link the moment (UTC), to open at; one that the series does not have is said and
    forgotten."""
    asked = address.asked("at", "")
    first, last = info.first.date(), info.last.date()
    moment = words.moment(asked) if asked else None
    if asked and moment is None:
        warn(f"{plain(asked)} is not a date; showing the newest candles.")
    if moment is not None and not first <= moment.date() <= last:
        warn(
            f"{moment.date()} lies outside this series, {first} to {last}; showing the newest candles.",
            ":material/event_busy:",
        )
        moment = None
    value = moment.date() if moment is not None else None
    key = f"jump_{info.series.slug}_{value}_{st.session_state.get(_JUMPS, 0)}"
    chosen = st.date_input(
        "Jump to", value, key=key, min_value=first, max_value=last, label_visibility="collapsed", width=160,
        help="Show the candles around a date",
    )  # fmt: skip
    if moment is not None and chosen == value:
        address.keep("at", asked, "")
        return moment
    address.keep("at", str(chosen) if chosen else "", "")
    return pd.Timestamp(chosen, tz="UTC") if chosen else None


def _focus(
    info: SeriesInfo, timeframe: Timeframe, at: pd.Timestamp | None, span: pd.Timedelta | None
) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """The range the chart opens at; None is its newest candles."""
    if at is None and span is None:
        return None
    if span is None:
        span = pd.Timedelta(seconds=timeframe.seconds * _SCREENFUL)
    end = info.last if at is None else min(at + span / 2, info.last)
    return max(end - span, info.first), end


@st.fragment
def _explore(
    store: Store,
    info: SeriesInfo,
    timeframe: Timeframe,
    picks: Sequence[Pick],
    look: Look,
    focus: tuple[pd.Timestamp, pd.Timestamp] | None,
) -> None:
    with guard():
        stretch: Stretch = st.session_state[_STRETCH]
        asked = chart_events(_CHART)
        if asked.older_before is not None:
            stretch = history.widened(store, info.series, timeframe, stretch)
        if asked.newer_after is not None:
            stretch = history.extended(store, info.series, timeframe, stretch)
        st.session_state[_STRETCH] = stretch
        loaded = history.load(store, info.series, timeframe, picks, stretch)
        view = _view(
            info, loaded, picks, look, focus, _gaps(store, info, loaded), _filled(store, info, loaded)
        )
        events = candle_chart(view, key=_CHART, report_visible=True)
        if events.latest:
            address.keep("at", "", "")
            st.session_state[_JUMPS] = st.session_state.get(_JUMPS, 0) + 1
            st.rerun()
        on_screen = (
            loaded.candles
            if events.visible is None
            else loaded.candles.loc[events.visible[0] : events.visible[1]]
        )
        _figures(on_screen if len(on_screen) else loaded.candles, timeframe, look)
        _take_away(store, loaded, on_screen, picks)


def _view(
    info: SeriesInfo,
    loaded: Loaded,
    picks: Sequence[Pick],
    look: Look,
    focus: tuple[pd.Timestamp, pd.Timestamp] | None,
    gaps: dict[Span, str],
    filled: tuple[Span, ...],
) -> ChartView:
    return view_of(
        info.series.at(loaded.timeframe), loaded.candles, loaded.timeframe, picks, loaded.values,
        markers=event_marks(info), zone=look.zone, log=look.log, volume=look.volume,
        has_older=loaded.has_older, has_newer=loaded.has_newer, focus=focus,
        gaps=tuple(gaps), gap_notes=tuple(gaps.values()), filled=filled,
    )  # fmt: skip


def _gaps(store: Store, info: SeriesInfo, loaded: Loaded) -> dict[Span, str]:
    """Where expected candles are missing, how many and likely why, as soon as the series has been looked at."""
    found = health.known(store, loaded.series)
    if found is None and info.count <= _AT_ONCE and health.glance(store, loaded.series) is not None:
        found = health.examine(store, loaded.series)  # what was found was let go for other series since
    if found is None or not len(loaded.candles):
        return {}
    index = loaded.candles.index
    gaps = found.holes.gaps
    of = "" if loaded.timeframe == info.series.timeframe else f" of {info.series.timeframe.words}"
    told = {}
    for start, end in health.gap_spans(found, loaded.timeframe, index[0], loaded.timeframe.after(index[-1])):
        at = int(np.searchsorted(gaps.starts, to_us(start)))
        missing = words.count(int(gaps.counts[at]), "candle")
        told[start, end] = f"{missing}{of} missing, likely cause: {CAUSES[gaps.causes[at]]}"
    return told


def _filled(store: Store, info: SeriesInfo, loaded: Loaded) -> tuple[Span, ...]:
    """Which candles were made up, or have some in them that were."""
    if not info.filled or not len(loaded.candles):
        return ()
    index = loaded.candles.index
    kept = store.read(
        info.series, timeframe=loaded.timeframe, start=index[0], end=loaded.timeframe.after(index[-1]),
        provenance=True,
    )  # fmt: skip
    return filled_spans(kept, loaded.timeframe)


def event_marks(info: SeriesInfo) -> tuple[Marker, ...]:
    """Splits and the like, as flags."""
    return tuple(Marker(event.time, event.text) for event in info.events)


def _figures(candles: pd.DataFrame, timeframe: Timeframe, look: Look) -> None:
    summary = summarise(candles)
    if summary is None:
        return
    digits = precision_of(candles)
    first, last = (candle_time(time, timeframe, look.zone) for time in (summary.first, summary.last))
    st.caption(f"On screen: {words.count(summary.candles, 'candle')}, {first} to {last}")
    figures(
        ("Return", words.percent(summary.change), "Last close over first open"),
        ("Volatility, a year", words.percent(summary.volatility, signed=False),
         "Standard deviation of log returns between closes, scaled to a year"),
        ("High", words.price(summary.high, digits), ""),
        ("Low", words.price(summary.low, digits), f"The high is {words.percent(summary.span)} above it"),
        ("Volume", words.number(summary.volume), "– where the source gives none"),
    )  # fmt: skip


def candle_time(time: pd.Timestamp, timeframe: Timeframe, zone: str | None) -> str:
    """A candle's name: its trading day's date, or its open where a day has several, in the zone of the chart
    (None: the reader's own)."""
    if timeframe.seconds >= 86400:
        return words.day(time, timeframe)
    zone = zone or st.context.timezone or "UTC"
    return f"{words.when(time, zone)} ({zone.replace('_', ' ')})"


def _take_away(store: Store, loaded: Loaded, on_screen: pd.DataFrame, picks: Sequence[Pick]) -> None:
    with st.popover("Download candles", icon=":material/download:"):
        which = st.segmented_control(
            "Candles",
            ["On screen", "The whole series", "A range"],
            default="On screen",
            required=True,
            key="take_which",
        )
        kind = st.segmented_control(
            "Format",
            list(export.FORMATS),
            default="csv",
            required=True,
            key="take_format",
            format_func=export.NAMES.__getitem__,
        )
        span = _taken(loaded, on_screen, which)
        wanted = picks if picks and st.toggle("With the indicators of the chart", key="take_picks") else ()
        name = export.file_name(loaded.series, kind, loaded.timeframe)
        st.download_button(
            f"Download {name}", partial(_bytes, store, loaded, span, wanted, kind),
            name, export.MEDIA_TYPES[kind], on_click="ignore", icon=":material/download:", type="primary",
        )  # fmt: skip


def _taken(
    loaded: Loaded, on_screen: pd.DataFrame, which: str | None
) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """The range to write: [start, end), None for an open end."""
    if which == "On screen" and len(on_screen):
        return on_screen.index[0], loaded.timeframe.after(on_screen.index[-1])
    if which != "A range":
        return None, None
    since, until = st.columns(2)
    first = since.date_input("From", on_screen.index[0].date() if len(on_screen) else None, key="take_from")
    last = until.date_input(
        "To, that day included (UTC)", on_screen.index[-1].date() if len(on_screen) else None, key="take_to"
    )
    return (
        pd.Timestamp(first, tz="UTC") if first else None,
        pd.Timestamp(last, tz="UTC") + pd.Timedelta(days=1) if last else None,
    )


def _bytes(
    store: Store, loaded: Loaded, span: tuple[pd.Timestamp | None, pd.Timestamp | None],
    picks: Sequence[Pick], kind: str,
) -> bytes:  # fmt: skip
    """The file, made when it is asked for, at the timeframe shown."""
    table = export.gather(store, loaded.series, loaded.timeframe, *span, picks)
    return export.to_bytes(table, kind, title=f"{loaded.series.symbol} {loaded.timeframe}")
