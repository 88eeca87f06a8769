"""Pickers shared by the pages: a stored series, a timeframe, how the chart looks, indicators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from lib.errors import CandlebookError, InputError
from lib.indicators import QUICK, REGISTRY, Param, Pick, format_list, parse_list
from lib.store import SeriesInfo
from lib.timeframes import Timeframe, parse
from lib.ui import address
from lib.ui.frame import plain
from lib.ui.notes import warn

__all__ = ["Look", "pick_indicators", "pick_look", "pick_series", "pick_timeframe", "series_label"]

_ADDED = "indicators_added"
ZONES = (
    "mine", "UTC", "America/New_York", "America/Chicago", "Europe/London", "Europe/Berlin", "Asia/Dubai",
    "Asia/Kolkata", "Asia/Ho_Chi_Minh", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """How the chart is drawn: ``zone`` is an IANA name or None for the reader's own."""

    zone: str | None
    log: bool
    volume: bool


def series_label(info: SeriesInfo) -> str:
    """For menus: symbol, timeframe, source, and the title where there is one."""
    name = f"{info.series.symbol} · {info.series.timeframe} · {info.series.source}"
    return f"{name} · {info.title}" if info.title else name


def pick_series(infos: Sequence[SeriesInfo]) -> SeriesInfo | None:
    """The stored series to look at; None (and a sentence) where there is none. A link to a series that
    is not in the library says so instead of showing another as if it were the one."""
    if not infos:
        st.info(
            "The library is empty. Open a file or download history on the Library page.",
            icon=":material/inbox:",
        )
        return None
    by_slug = {info.series.slug: info for info in infos}
    default = next(iter(by_slug))
    slug = address.one_of(
        "series", list(by_slug), default, st.selectbox, "Series", always=True,
        format_func=lambda slug: series_label(by_slug[slug]),
    )  # fmt: skip
    return by_slug[slug]


def pick_timeframe(info: SeriesInfo) -> Timeframe:
    """The series' own timeframe, or a coarser one it can be shown at."""
    names = [str(timeframe) for timeframe in info.timeframes]
    return parse(
        address.one_of(
            "tf",
            names,
            str(info.series.timeframe),
            st.selectbox,
            "Timeframe",
            width=120,
            scope=info.series.slug,
        )
    )


def pick_look() -> Look:
    """Zone, log scale and volume, behind one button."""
    with st.popover("Chart", icon=":material/tune:"):
        zone = address.one_of(
            "zone", ZONES, "mine", st.selectbox, "Times shown in", folded=True,
            format_func=lambda name: f"My time zone ({st.context.timezone or 'UTC'})" if name == "mine" else name.replace("_", " "),
        )  # fmt: skip
        log = address.switch("log", False, st.toggle, "Logarithmic price scale")
        volume = address.switch("volume", True, st.toggle, "Volume")
    return Look(None if zone == "mine" else zone, log, volume)


# ------------------------------------------------------------------------------------------- indicators


def pick_indicators() -> list[Pick]:
    """The indicators drawn, edited in place: quick averages, then one row each with its parameters.

    They are one choice in the address (``ind=ema(21);rsi(14)``), shared by all pages.
    """
    picks = _from_address()
    label = f"Indicators ({len(picks)})" if picks else "Indicators"
    with st.popover(label, icon=":material/show_chart:", key="indicators"):
        _quick(picks)
        _add(picks)
        _edit(picks)
    address.keep("ind", format_list(picks), "")
    return picks


def _from_address() -> list[Pick]:
    text = address.asked("ind", "")
    try:
        return list(parse_list(text))
    except CandlebookError as error:
        warn(f"The indicators in the address could not be read. {plain(str(error))}")
        return []


def _quick(picks: list[Pick]) -> None:
    by_label = {pick.label: pick for pick in QUICK}
    key = "quick_averages"
    st.session_state[key] = [label for label, pick in by_label.items() if pick in picks]
    st.pills(
        "Moving averages", list(by_label), selection_mode="multi", key=key,
        on_change=_toggle_quick, args=(picks, by_label),
    )  # fmt: skip


def _toggle_quick(picks: list[Pick], by_label: dict[str, Pick]) -> None:
    chosen = {by_label[label] for label in st.session_state["quick_averages"]}
    others = [pick for pick in picks if pick not in by_label.values() or pick in chosen]
    added = [pick for pick in QUICK if pick in chosen and pick not in others]
    _set([*others, *added])


def _add(picks: list[Pick]) -> None:
    # a new key after each addition: the field is empty again, and its old answer cannot come twice
    key = f"add_indicator_{st.session_state.get(_ADDED, 0)}"
    st.selectbox(
        "Add an indicator", list(REGISTRY), index=None, key=key, placeholder="Choose one",
        format_func=lambda name: REGISTRY[name].title, on_change=_append, args=(picks, key),
    )  # fmt: skip


def _append(picks: list[Pick], key: str) -> None:
    name = st.session_state.get(key)
    if name is None:
        return
    st.session_state[_ADDED] = st.session_state.get(_ADDED, 0) + 1
    pick = Pick.of(name)
    taken = {str(other) for other in picks}
    if str(pick) in taken and pick.params:
        pick = _free(pick, taken)
    if str(pick) not in taken:
        _set([*picks, pick])


def _free(pick: Pick, taken: set[str]) -> Pick:
    """The same indicator with the nearest longer first parameter that is not on the chart yet."""
    first = REGISTRY[pick.name].params[0]
    value = pick.params[0]
    while str(pick) in taken and value + first.step <= first.max:
        value += first.step
        pick = replace(pick, params=(value, *pick.params[1:]))
    return pick


def _edit(picks: list[Pick]) -> None:
    for at, pick in enumerate(picks):
        spec = REGISTRY[pick.name]
        columns = st.columns([2, *[1.4] * len(spec.params), 0.6], vertical_alignment="bottom")
        columns[0].markdown(spec.title, help=spec.about)
        for column, n in zip(columns[1:-1], range(len(spec.params)), strict=True):
            _number(column, picks, at, n, spec.params[n])
        columns[-1].button(
            f"Remove {pick.label}", icon=":material/close:", key=f"drop_{at}_{pick}", help=f"Remove {pick.label}", type="tertiary",
            on_click=_set, args=([other for other in picks if other is not pick],),
        )  # fmt: skip


def _number(
    column: st.delta_generator.DeltaGenerator, picks: list[Pick], at: int, n: int, param: Param
) -> None:
    key = f"param_{at}_{n}_{picks[at]}"
    told: dict[str, Any] = {"key": key, "on_change": _change, "args": (picks, at, n, key)}
    value = picks[at].params[n]
    if param.choices:
        named = dict(param.choices)
        column.selectbox(
            param.label, list(named), list(named).index(value), format_func=named.__getitem__, **told
        )
        return
    kind: Callable[[float], Any] = int if param.integer else float
    column.number_input(param.label, kind(param.min), kind(param.max), kind(value), kind(param.step), **told)


def _change(picks: list[Pick], at: int, n: int, key: str) -> None:
    value = st.session_state[key]
    if value is None:
        return
    params = tuple(value if i == n else old for i, old in enumerate(picks[at].params))
    try:
        changed = replace(picks[at], params=params)
    except InputError as error:
        st.toast(str(error), icon=":material/edit:")  # the row goes back to what it was
        return
    _set(list(dict.fromkeys(changed if i == at else pick for i, pick in enumerate(picks))))


def _set(picks: list[Pick]) -> None:
    address.keep("ind", format_list(picks), "")
