"""The gaps of a series on the Quality page: a table of them, fetched, filled, ignored, and all of it taken back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import pandas as pd
import streamlit as st

from lib import health
from lib.errors import CandlebookError
from lib.health import Health
from lib.series import Series
from lib.sources import registry
from lib.store import GapState, SeriesInfo, Store
from lib.sync import Method, fill, start_refill, unfill
from lib.ui import words
from lib.ui.downloads import follow
from lib.ui.frame import HISTORY, bar, guard, show_error
from lib.ui.markets import is_askable

__all__ = ["FILLS", "gap_frame", "gaps"]

_SAID = "gaps_said"
FILLS: dict[Method, str] = {"forward": "Repeat the close before", "linear": "A straight line across"}
# Daily gaps under each other are a few; a thin market has thousands.
_SHOWN = 500


def gaps(store: Store, found: Health) -> None:
    """The gaps, and what can be done with those that are chosen, or shown."""
    st.subheader("Gaps")
    if error := st.session_state.pop(_SAID, None):
        show_error(error)
    if not len(found.holes):
        st.success("Every candle that was expected is there.", icon=":material/check:")
        _undo(store, found.info)
        return
    causes, states = _wanted(found)
    rows = health.gap_table(found, causes=causes, states=states, most=_SHOWN)
    if len(rows) == _SHOWN < len(found.holes):
        st.caption(f"The longest {_SHOWN} of {len(found.holes):,} gaps.")
    picked = gap_frame(rows, key=f"gaps_{found.info.series.slug}", choose=True)
    _actions(store, found, rows.iloc[picked] if picked else rows, some=bool(picked))
    _undo(store, found.info)


def _wanted(found: Health) -> list[list[str]]:
    """The causes and the states to show; empty: all."""
    chosen = []
    with bar():
        for name, label, kinds in zip(
            ("cause", "state"), ("Likely cause", "State"), health.gap_kinds(found), strict=True
        ):
            key = f"gap_{name}_{found.info.series.slug}"
            if len(kinds) > 1:  # one kind is no choice
                chosen.append(st.pills(label, kinds, selection_mode="multi", key=key))
            else:
                chosen.append([])
    return chosen


def gap_frame(rows: pd.DataFrame, *, key: str, choose: bool = False) -> list[int]:
    """A table of gaps, as of ``health.gap_table``; the places of those that were chosen in it."""
    shown = rows.rename(
        columns={
            "start": "First missing (UTC)", "end": "Next expected (UTC)", "count": "Candles",
            "cause": "Likely cause", "state": "State", "by": "By",
        }
    )  # fmt: skip
    times = st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm", timezone="UTC")
    how: dict[str, Any] = {"on_select": "rerun", "selection_mode": "multi-row"} if choose else {}
    event: Any = st.dataframe(
        shown, hide_index=True, key=key, height=min(320, 38 + 35 * max(1, len(rows))),
        column_config={"First missing (UTC)": times, "Next expected (UTC)": times}, **how,
    )  # fmt: skip
    return [int(at) for at in event.selection.rows if at < len(rows)] if choose else []


def _actions(store: Store, found: Health, rows: pd.DataFrame, *, some: bool) -> None:
    """What can be done with the gaps chosen in the table, or with all it shows."""
    series = found.info.series
    count = words.count(len(rows), "gap")
    which = f"the {count} chosen" if some else f"{'this' if len(rows) == 1 else 'these'} {count}"
    spans = list(zip(rows["start"], rows["end"], strict=True))
    if not spans:
        return
    with bar():
        if len(spans) == 1:
            st.page_link(
                HISTORY, label="Show on the chart", icon=":material/candlestick_chart:",
                query_params={"series": series.slug, "at": f"{spans[0][0]:%Y-%m-%dT%H:%M}"},
            )  # fmt: skip
        with st.popover(f"Fetch {which}", icon=":material/sync:"):
            _refill(store, series, spans)
        with st.popover(f"Fill {which}", icon=":material/format_color_fill:"):
            method = st.radio("With", list(FILLS), format_func=FILLS.__getitem__, key="fill_method")
            st.caption(
                "Filled candles are marked for ever, drawn grey, left out of the figures, and give way to "
                "observed ones. You can take them out again."
            )
            st.button("Fill", type="primary", key="fill", on_click=_fill, args=(store, found, spans, method))
        _mark(store, series, rows, which)
        if some and (rows["state"] == "filled").any():
            st.button(
                f"Take the fills of {which} out", icon=":material/undo:", key="unfill_some",
                on_click=_unfill, args=(store, series, spans),
            )  # fmt: skip


def _refill(store: Store, series: Series, spans: Sequence[tuple[pd.Timestamp, pd.Timestamp]]) -> None:
    entries = {entry.name: entry for entry in registry.entries() if is_askable(entry.name)}
    own = series.source if is_askable(series.source) else None
    names = list(dict.fromkeys([own, *entries] if own else entries))
    name = st.selectbox(
        "From", names, key=f"refill_from_{series.slug}",
        format_func=lambda name: f"{entries[name].title if name in entries else name}{' (its own source)' if name == own else ''}",
    )  # fmt: skip
    symbol = st.text_input("Symbol there", series.symbol, key=f"refill_symbol_{series.slug}")
    if name != own:
        st.caption("Each candle keeps a note of where it came from.")
    if st.button("Fetch", type="primary", key="refill"):
        with guard():
            there = symbol.strip() or None
            follow(partial(start_refill, store, registry.get(name), series, spans, symbol=there))
            st.rerun()


def _fill(
    store: Store, found: Health, spans: Sequence[tuple[pd.Timestamp, pd.Timestamp]], method: Method
) -> None:
    try:
        made = fill(
            store, found.info.series, spans, method, calendar=found.holes.calendar, phase=found.holes.phase
        )
        st.toast(f"{words.count(made, 'candle')} filled.", icon=":material/format_color_fill:")
    except CandlebookError as error:
        st.session_state[_SAID] = error


def _mark(store: Store, series: Series, rows: pd.DataFrame, which: str) -> None:
    """Gaps that nobody minds are ignored, and minded again."""
    ignored = rows[rows["state"] == "ignored"]
    if len(ignored) < len(rows):
        st.button(
            f"Ignore {which}", icon=":material/visibility_off:", on_click=_set_state, args=(store, series, rows, "ignored"),
            key="ignore",
        )  # fmt: skip
    if len(ignored):
        st.button(
            f"Stop ignoring {words.count(len(ignored), 'gap')}", icon=":material/visibility:", on_click=_set_state,
            args=(store, series, ignored, "detected"), key="mind",
        )  # fmt: skip


def _set_state(
    store: Store, series: Series, rows: pd.DataFrame, state: Literal["ignored", "detected"]
) -> None:
    try:
        spans = zip(rows["start"], rows["end"], strict=True)
        store.set_gap_states(series, [GapState(*span, state, by="reader") for span in spans])
        st.toast(f"{words.count(len(rows), 'gap')} {'ignored' if state == 'ignored' else 'minded again'}.")
    except CandlebookError as error:
        st.session_state[_SAID] = error


def _undo(store: Store, info: SeriesInfo) -> None:
    if info.filled:
        st.button(
            f"Take the {words.count(info.filled, 'filled candle')} out again", icon=":material/undo:",
            on_click=_unfill, args=(store, info.series), key="unfill",
        )  # fmt: skip


def _unfill(
    store: Store, series: Series, spans: Sequence[tuple[pd.Timestamp, pd.Timestamp]] | None = None
) -> None:
    try:
        gone = sum(unfill(store, series, *span) for span in spans) if spans else unfill(store, series)
        st.toast(f"{words.count(gone, 'filled candle')} taken out.", icon=":material/undo:")
    except CandlebookError as error:
        st.session_state[_SAID] = error
