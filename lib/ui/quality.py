"""The Quality page: how whole a series is, day by day and gap by gap, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lib import health
from lib.calendars import names as calendar_names
from lib.errors import CandlebookError
from lib.health import Health
from lib.series import Series
from lib.store import SeriesInfo, Store
from lib.ui import words
from lib.ui.coverage import coverage
from lib.ui.downloads import downloads
from lib.ui.findings import findings, versus
from lib.ui.frame import figures, guard, plain, show_error
from lib.ui.gaps import gaps

__all__ = ["pick_calendar", "quality"]

_SAID = "quality_said"
_FITTING = "fitting"


def quality(store: Store, info: SeriesInfo, infos: Sequence[SeriesInfo]) -> None:
    """Everything under the picker of the series; ``infos`` are all there are."""
    series = info.series
    with st.spinner(f"Looking at {words.count(info.count, 'candle')} ...", show_time=True):
        found = health.examine(store, series)
    _figures(found)
    coverage(found)
    with guard():
        downloads()
    with guard():
        gaps(store, found)
    findings(found)
    versus(store, info, infos)
    with guard():
        _ledger(store, series)


# ------------------------------------------------------------------------------------------- calendar


def pick_calendar(store: Store, info: SeriesInfo) -> None:
    """Which candles to expect: by itself what fits the data, or a calendar chosen once and kept."""
    options = list(dict.fromkeys([_FITTING, *calendar_names(), info.calendar or _FITTING]))
    key = f"calendar_{info.series.slug}"
    st.session_state[key] = info.calendar or _FITTING  # as it is kept, whoever changed it
    st.selectbox(
        "Candles are expected by", options, key=key, on_change=_choose, args=(store, info.series, key), width=360,
        format_func=lambda name: _CALENDARS.get(name, name),
        help="24/7, the currencies' week, an exchange by its code with its holidays, or what the data itself shows. "
        "A choice is kept with the series",
    )  # fmt: skip
    if info.calendar:
        st.button(
            "Back to what fits", icon=":material/undo:", key="calendar_back", on_click=_unchoose,
            args=(store, info.series, key),
        )  # fmt: skip


_CALENDARS = {
    _FITTING: "What fits",
    "24/7": "24/7: all hours of all days",
    "forex": "Currencies: Sunday 17:00 to Friday 17:00 New York",
    "23/5": "Metals and futures: as currencies, less 17:00 to 18:00 New York",
    "24/5": "24/5: Monday to Friday, UTC",
    "learnt": "Learnt from these candles",
}


def _choose(store: Store, series: Series, key: str) -> None:
    chosen = st.session_state[key]
    try:
        store.annotate(series, calendar="" if chosen == _FITTING else chosen)
    except CandlebookError as error:
        st.session_state[_SAID] = error
        return
    if chosen == _FITTING:
        st.toast("The calendar that fits is used again.", icon=":material/undo:")
    else:
        st.toast(
            f'Kept for this series: {plain(_CALENDARS.get(chosen, chosen))}. "Back to what fits" undoes it.',
            icon=":material/event_available:",
        )


def _unchoose(store: Store, series: Series, key: str) -> None:
    st.session_state[key] = _FITTING
    _choose(store, series, key)


# -------------------------------------------------------------------------------------------- figures


def _figures(found: Health) -> None:
    if error := st.session_state.pop(_SAID, None):
        show_error(error)
    told = found.coverage
    title = plain(found.holes.calendar.title)
    st.caption(
        f"{title}: chosen by you, and kept with the series."
        if found.chosen
        else f"{title}. {plain(found.holes.reason)}"
    )
    figures(
        ("Coverage", words.share(told.share), "Observed candles of those expected from the first to the last"),
        (
            "Missing", f"{told.missing:,}",
            f"Of {words.count(told.expected, 'candle')} expected"
            + (f"; {told.ignored:,} more are of gaps that are ignored" if told.ignored else ""),
        ),
        ("Gaps", f"{len(found.holes):,}", "Runs of missing candles"),
        ("Filled", f"{found.info.filled:,}", "Candles made up to close gaps; they count as missing"),
        ("Outside", f"{told.outside:,}", "Candles at times at which none are expected"),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------- ledger


def _ledger(store: Store, series: Series) -> None:
    entries = store.ledger(series)
    if not entries:
        return
    with st.expander(f"Syncs ({len(entries):,})", icon=":material/history:"):
        st.dataframe(
            pd.DataFrame(
                [
                    {
                        "Began (UTC)": entry.at, "Source": entry.source, "From": entry.start, "To": entry.end,
                        "Requests": entry.requests, "Added": entry.added, "Changed": entry.changed,
                        "Refused": entry.refused, "Ended": entry.outcome, "Note": entry.note,
                    }
                    for entry in reversed(entries)
                ]
            ),
            hide_index=True,
        )  # fmt: skip
