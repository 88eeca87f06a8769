"""The chart on a page: keeps what each browser was sent, sends what changed, hears what it asks.

The only module here, with ``assets``, that knows Streamlit. What was sent is kept per session and key in
``st.session_state``; a payload is made by ``lib.chart.payload``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from lib.chart import assets
from lib.chart.payload import Ledger, advance
from lib.chart.view import ChartView

__all__ = ["ChartEvents", "candle_chart", "chart_events"]

_PRICE_HEIGHT = 460
_PANE_HEIGHT = 120
# Sent with every update, so it is short. Pages lie one level deep, so base addresses end at the app's root.
# Streamlit takes a string of one line for a file's name.
_LOADER = (
    'let m\nexport default async c=>{{m??=import(new URL("component/{module}.{name}/chart.js",'
    "document.baseURI));return(await m).default(c)}}"
)


@dataclass(frozen=True, slots=True)
class ChartEvents:
    """What the reader's browser asked for.

    ``older_before``: candles before this time, ``newer_after``: candles after it, once per request.
    ``latest``: the newest candles, which the view does not hold (``has_newer``); the chart goes there as
    soon as a view does. ``visible``: the opens of the first and
    last candle on screen; None until the browser has drawn this series, or where it is not to report.
    """

    older_before: pd.Timestamp | None = None
    visible: tuple[pd.Timestamp, pd.Timestamp] | None = None
    newer_after: pd.Timestamp | None = None
    latest: bool = False


@dataclass(slots=True)
class _Session:
    """Of one chart in one session."""

    ledger: Ledger | None = None
    older_before: pd.Timestamp | None = None
    newer_after: pd.Timestamp | None = None
    latest: bool = False
    visible: tuple[pd.Timestamp, pd.Timestamp] | None = None
    identity: str | None = None


_mount = st.components.v2.component(
    "candlebook_chart", js=_LOADER.format(module=assets.__name__, name=assets.frontend_name())
)


def candle_chart(
    view: ChartView, *, key: str, height: int | None = None, report_visible: bool = False
) -> ChartEvents:
    """Draw ``view``, sending what changed since the last call with this ``key`` in this session.

    Call it at the same place on every run, inside the fragment that is to hear its events.
    ``height`` is the whole height in pixels. ``report_visible``: a new picture, a new focus and each move
    by the reader become a run of the fragment, 300 ms after the last; candles that arrive do not.
    """
    session = _session(key)
    if session.ledger is not None and key not in st.session_state:
        session.ledger = None  # the page was left and the chart taken down
    if session.ledger is None:
        assets.serve()
    if session.identity != view.identity:
        session.identity, session.visible = view.identity, None
        session.older_before, session.newer_after, session.latest = None, None, False
    session.ledger, payload = advance(session.ledger, view)
    setup: dict[str, Any] = {"height": height or _PRICE_HEIGHT + _PANE_HEIGHT * len(view.panes)}
    if report_visible:
        setup["visible"] = True
    _mount(
        key=key,
        data={**payload, "key": key, "library": f"{assets.__name__}.{assets.library_name()}", "setup": setup},
        on_need_reset_change=partial(_forget, key),
        on_older_before_change=partial(_asked, key, "older_before"),
        on_newer_after_change=partial(_asked, key, "newer_after"),
        on_latest_change=partial(_called, key),
        on_visible_change=partial(_moved, key),
    )
    return _take(session, view)


def chart_events(key: str) -> ChartEvents:
    """What the browser asked for, known before the chart is drawn: so a page can fetch older or newer
    candles in the same run. Does not use up the request; :func:`candle_chart` does."""
    session = _session(key)
    return ChartEvents(session.older_before, session.visible, session.newer_after, session.latest)


def _session(key: str) -> _Session:
    name = f"candlebook.chart.{key}"
    if name not in st.session_state:
        st.session_state[name] = _Session()
    session: _Session = st.session_state[name]
    return session


def _take(session: _Session, view: ChartView) -> ChartEvents:
    """The requests, but for those that this very view answers; none of them a second time."""
    older, newer, latest = session.older_before, session.newer_after, session.latest
    session.older_before, session.newer_after, session.latest = None, None, False
    times = view.candles.index
    if older is not None and (not len(times) or times[0] < older):
        older = None
    if newer is not None and (not len(times) or times[-1] > newer):
        newer = None
    return ChartEvents(older, session.visible, newer, latest and view.has_newer)


def _forget(key: str) -> None:
    _session(key).ledger = None


def _asked(key: str, name: str) -> None:
    value = _value(key, name)
    if isinstance(value, (int, float)):
        setattr(_session(key), name, _time(value))


def _called(key: str) -> None:
    if _value(key, "latest"):
        _session(key).latest = True


def _moved(key: str) -> None:
    value = _value(key, "visible")
    if isinstance(value, list) and len(value) == 2:
        _session(key).visible = (_time(value[0]), _time(value[1]))


def _value(key: str, name: str) -> Any:
    state = st.session_state.get(key)
    return state.get(name) if state else None


def _time(seconds: float) -> pd.Timestamp:
    return pd.Timestamp(round(seconds * 1e6), unit="us", tz="UTC")
