"""Opening files on Home: one or many, dropped or found elsewhere; what they are, and then, only then, store."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lib.gathering import Asked, Given, Group, Outcome, commands, store_all
from lib.series import Series
from lib.store import Store
from lib.ui import words
from lib.ui.elsewhere import elsewhere, put_away
from lib.ui.frame import HISTORY, REPLAY, guard, plain, show_error
from lib.ui.many import many
from lib.ui.wizard import basket, shell, wizard

__all__ = ["upload"]

_ROUND, _GONE, _DONE, _NEW = "upload_round", "upload_gone", "upload_done", "upload_new"
_LINKS = 6


def upload(store: Store) -> None:
    """Drop files, see how they are read, correct that, store them."""
    place = f"upload_{st.session_state.get(_ROUND, 0)}"
    _stored(place)
    dropped = st.file_uploader(
        "Files of candles or ticks: CSV and other texts, JSON, Parquet, Feather, Excel, also packed",
        key=place,
        accept_multiple_files=True,
        help="One or many; columns in any order and language of times. Nothing is stored before you have seen how it was read",
    )
    held = basket()
    given = [Given(each.file_id, each.name, each.getvalue(), each.name) for each in dropped]
    given += elsewhere(held)
    gone: set[str] = st.session_state.setdefault(_GONE, set())
    left = [each for each in given if each.key not in gone]
    held.keep(each.key for each in left)
    if len(left) == 1:
        _one(store, left[0])
    elif left:
        done = many(store, left)
        if done is not None:
            _finish(done, given)


def _one(store: Store, given: Given) -> None:
    look = wizard(given)
    if look.checked is None:
        return
    symbol, source, button = st.columns([2, 2, 1], vertical_alignment="bottom")
    wanted = symbol.text_input(
        "Symbol", look.symbol, key=f"symbol_{given.key}", placeholder="What these candles are of"
    ).strip()
    if basket().name(look, wanted):
        st.rerun()
    origin = source.text_input(
        "Source", "file", key=f"source_{given.key}", help="Where they come from: your broker, a vendor"
    ).strip()
    pressed = button.button(
        "Store", type="primary", icon=":material/save:", disabled=not wanted, width="stretch"
    )
    asked = Asked(given.name, given.where, look.choices, wanted, look.checked.timeframe, given.options)
    shell(commands([asked], origin))
    if pressed:
        with guard():
            group = Group(Series(origin or "file", wanted, look.checked.timeframe), [look.checked])
            outcomes = store_all(store, [group])
            if outcomes[0].error is not None:
                raise outcomes[0].error
            _finish([(given, outcomes[0])], [given])


def _finish(done: list[tuple[Given, Outcome]], given: list[Given]) -> None:
    """Those that are stored leave; when none is left, the place to drop is empty again."""
    kept = {each.key for each, outcome in done if outcome.error is None}
    st.session_state[_DONE], st.session_state[_NEW] = [outcome for _, outcome in done], True
    gone: set[str] = st.session_state[_GONE]
    gone |= kept
    put_away(*kept)
    if all(each.key in gone for each in given):
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
        gone.clear()
    st.rerun()


# ----------------------------------------------------------------------------------------------- stored


def _stored(place: str) -> None:
    """What became of the files, until it is put away, or the page was left, or after one file the next is here.
    The page runs again by itself meanwhile, as when the library has looked at what came."""
    done: list[Outcome] = st.session_state.get(_DONE, [])
    new = st.session_state.pop(_NEW, False)
    left = place not in st.session_state
    if not done or (not new and (left or (len(done) == 1 and st.session_state[place]))):
        st.session_state.pop(_DONE, None)
        return
    failed = [each for each in done if each.error is not None]
    kept = list(dict.fromkeys(each.series for each in done if each.error is None))
    if failed and failed[0].error is not None:
        show_error(failed[0].error)
    if kept:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(plain(_sentence(done, kept)), icon=":material/check_circle:")
            if new:  # the button was far below, and the page may stand there
                st.toast("Stored, and in the library.", icon=":material/check_circle:")
            _links(kept)
    if len(done) > 1:
        st.dataframe(pd.DataFrame([_row(each) for each in done]), hide_index=True, width="stretch")
    st.button(
        "Put away", key="upload_done_away", on_click=st.session_state.pop, args=(_DONE, None), type="tertiary"
    )


def _sentence(done: list[Outcome], kept: list[Series]) -> str:
    written = [each.written for each in done if each.written is not None and each.error is None]
    parts = [f"{words.count(sum(each.added for each in written), 'candle')} added"]
    if changed := sum(each.changed for each in written):
        parts.append(f"{changed:,} replaced")
    if unchanged := sum(each.unchanged for each in written):
        parts.append(f"{unchanged:,} were there already")
    what = str(kept[0]) if len(kept) == 1 else f"{len(kept)} series"
    files = f" from {len(written)} of {len(done)} files" if len(done) > 1 else ""
    return f"Stored {what}{files}: {', '.join(parts)}."


def _links(kept: list[Series]) -> None:
    if len(kept) == 1:
        series = {"series": kept[0].slug}
        st.page_link(HISTORY, label="History", icon=":material/candlestick_chart:", query_params=series)
        st.page_link(REPLAY, label="Replay", icon=":material/replay:", query_params=series)
        return
    for each in kept[:_LINKS]:
        st.page_link(
            HISTORY,
            label=plain(str(each)),
            icon=":material/candlestick_chart:",
            query_params={"series": each.slug},
        )


def _row(each: Outcome) -> dict[str, object]:
    written = each.written
    return {
        "File": each.file.name,
        "Outcome": f"Stored as {each.series}" if each.error is None else f"Not stored: {each.error.message}",
        "Added": written.added if written else 0,
        "Replaced": written.changed if written else 0,
        "There already": written.unchanged if written else 0,
    }
