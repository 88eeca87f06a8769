"""What can be done with several series of the library at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import streamlit as st

from lib import export, health
from lib.errors import CandlebookError, UnknownName
from lib.series import Series
from lib.sources import registry
from lib.store import SeriesInfo, Store
from lib.sync import Method, Wanted, fill, start_refill
from lib.ui import words
from lib.ui.downloads import follow, follow_sync
from lib.ui.frame import bar, guard, plain, show_error
from lib.ui.gaps import FILLS
from lib.ui.markets import is_askable

__all__ = ["chosen", "key_of", "toolbar"]

_SAID = "chosen_said"
_WAYS: dict[str, str] = {
    "fetch": "Ask their sources again",
    **{str(name): text for name, text in FILLS.items()},
}


def key_of(series: Series) -> str:
    """The key of a series' box in the library."""
    return f"chosen_{series.slug}"


def chosen(infos: Sequence[SeriesInfo]) -> list[SeriesInfo]:
    """The series whose boxes are ticked, those that a search hides included."""
    return [info for info in infos if st.session_state.get(key_of(info.series))]


def toolbar(store: Store, picked: Sequence[SeriesInfo], shown: Sequence[SeriesInfo]) -> None:
    """The row over the library while series are chosen."""
    with st.container(border=True, key="chosen_bar"):
        with bar("center"):
            st.markdown(f"**{len(picked)} chosen**", width="content")
            _sync(store, picked)
            _fill(store, picked)
            _export(store, picked)
            _delete(store, picked)
            if len(picked) < len(shown):
                st.button("Choose all shown", on_click=_mark, args=(shown, True), type="tertiary")
            st.button("Choose none", on_click=_mark, args=(picked, False), type="tertiary")
        for error in st.session_state.pop(_SAID, []):
            show_error(error)


def _mark(infos: Sequence[SeriesInfo], value: bool) -> None:
    for info in infos:
        st.session_state[key_of(info.series)] = value


def _sync(store: Store, picked: Sequence[SeriesInfo]) -> None:
    """Fetch what came since the last candle, for those whose source can be asked."""
    able = [info for info in picked if is_askable(info.series.source)]
    others = len(picked) - len(able)
    st.button(
        f"Bring {len(able)} up to date" if able and others else "Bring up to date", icon=":material/sync:", type="primary",
        disabled=not able, on_click=_start, args=(store, able), key="chosen_sync",
        help="Nothing chosen has a source that could be asked: files and samples have none." if not able
        else f"{words.count(others, 'chosen series')} came from files: nobody can be asked." if others else None,
    )  # fmt: skip


def _start(store: Store, infos: Sequence[SeriesInfo]) -> None:
    try:
        follow_sync(store, [Wanted.stored(info) for info in infos])
    except CandlebookError as error:
        st.session_state[_SAID] = [error]


def _fill(store: Store, picked: Sequence[SeriesInfo]) -> None:
    """Close the gaps of all: from their sources, or by candles that are made up and marked."""
    with st.popover("Fill gaps", icon=":material/format_color_fill:"):
        how = st.radio(
            "Gaps of the chosen series", list(_WAYS), key="chosen_method", format_func=_WAYS.__getitem__,
            captions=["Files have no source", "Marked as filled, and can be taken out again", ""],
        )  # fmt: skip
        if st.button("Fill", key="chosen_fill", type="primary"):
            done = 0
            with st.status(f"Filling {len(picked)} series ...") as status:
                for info in picked:
                    with guard():
                        done += _filled(store, info, how)
                told = (
                    f"{words.count(done, 'gap')} asked for"
                    if how == "fetch"
                    else f"{words.count(done, 'candle')} filled"
                )
                status.update(label=told, state="complete")
            if how == "fetch" and done:
                st.rerun()


def _filled(store: Store, info: SeriesInfo, how: str) -> int:
    """How many gaps were asked for, or candles made."""
    series = info.series
    found = health.examine(store, series).holes
    if how == "fetch":
        spans = found.open_to(series.source)
        if not is_askable(series.source) or not spans:
            st.write(f"{plain(str(series))}: {'no gap to ask for' if not spans else 'came from a file'}")
            return 0
        follow(partial(start_refill, store, registry.get(series.source), series, spans))
        return len(spans)
    made = fill(store, series, found.spans(), cast(Method, how), calendar=found.calendar, phase=found.phase)
    st.write(f"{plain(str(series))}: {words.count(made, 'candle')}")
    return made


def _export(store: Store, picked: Sequence[SeriesInfo]) -> None:
    with st.popover("Export", icon=":material/download:"):
        kind = st.segmented_control(
            "Format", list(export.FORMATS), default="csv", required=True, key="chosen_format",
            format_func=export.NAMES.__getitem__,
        )  # fmt: skip
        total = sum(info.count for info in picked)
        st.caption(f"{words.count(total, 'candle')} as {words.count(len(picked), 'file')} in a zip.")
        st.download_button(
            "Download candles.zip", partial(export.to_zip, store, [info.series for info in picked], kind),
            "candles.zip", "application/zip", on_click="ignore", icon=":material/download:", type="primary",
            key="chosen_zip",
        )  # fmt: skip


def _delete(store: Store, picked: Sequence[SeriesInfo]) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        names = ", ".join(plain(str(info.series)) for info in picked)
        st.markdown(f"Delete {names}, with all their candles? There is no way back.")
        st.button(
            f"Delete {len(picked)} series", key="chosen_delete", on_click=_deleted, args=(store, picked), type="primary",
            icon=":material/delete:",
        )  # fmt: skip


def _deleted(store: Store, picked: Sequence[SeriesInfo]) -> None:
    errors: list[CandlebookError] = []
    gone = 0
    for info in picked:
        try:
            store.delete(info.series)
            gone += 1
        except UnknownName:
            gone += 1  # somebody else did
        except CandlebookError as error:
            errors.append(error)
        else:
            st.session_state[key_of(info.series)] = False
    st.session_state[_SAID] = errors
    st.toast(f"{gone} series deleted.", icon=":material/delete:")
