"""Several files at once: parts of one series, or a series each; one table of all, and one of them looked into."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from lib.files import Choices
from lib.gathering import Given, Look, Outcome
from lib.store import Store
from lib.ui import words
from lib.ui.frame import plain
from lib.ui.storing import name_them, store_each, store_parts
from lib.ui.wizard import basket, controls, no_zone, wizard

__all__ = ["many"]

_MODE, _ONE, _SYMBOLS, _LEFT, _BASE = "many_mode", "many_one", "many_symbols", "many_left", "many_base"
_MODES = {"parts": "Parts of one series", "each": "A series each"}
_STATES = {"ready": "Ready", "choice": "Needs a choice", "refused": "Refused"}
_ICONS = {"choice": ":material/help:", "refused": ":material/block:"}
# The state stands in front: a phone shows no more than the first three.
_COLUMNS = ("Take", "State", "File", "Symbol", "Timeframe", "Candles", "First", "Last", "Note")
_HINDERED = 5


def many(store: Store, files: list[Given]) -> list[tuple[Given, Outcome]] | None:
    """Ask what the files are, show what is known of each, and store them when that is pressed: what became
    of each; None before that."""
    one = next((each for each in files if each.key == st.session_state.get(_ONE)), None)
    if one is not None:
        _look_into(one, files)
        return None
    looks = _looked(files)
    mode = st.radio(
        f"These {len(files)} files are", list(_MODES), index=list(_MODES).index(_likely(looks)), key=_MODE,
        format_func=_MODES.__getitem__, horizontal=True,
    )  # fmt: skip
    taken, symbols = _table(looks, mode)
    _hindered([each for each in taken if each.state != "ready"])
    _choose_one(looks)
    st.caption(_counted(looks, taken))
    return store_parts(store, taken) if mode == "parts" else store_each(store, taken, symbols)


def _looked(files: list[Given]) -> list[Look]:
    """Read all, one after another, telling how far it is; those read before cost nothing."""
    held = basket()
    bar = st.empty()
    found = []
    for number, each in enumerate(files):

        def progress(done: float, what: str = "reading", number: int = number, name: str = each.name) -> None:
            bar.progress(
                (number + done) / len(files), plain(f"{name} ({number + 1} of {len(files)}): {what}")
            )

        if held.known(each) is None:
            progress(0.0)
        found.append(held.look(each, progress))
    bar.empty()
    return found


def _likely(looks: list[Look]) -> str:
    """Files of one symbol and timeframe are parts."""
    told = {each.suggested for each in looks}
    frames = {each.checked.timeframe for each in looks if each.checked is not None}
    return "parts" if len(told) == 1 and len(frames) <= 1 else "each"


# ------------------------------------------------------------------------------------------------ table


def _table(looks: list[Look], mode: str) -> tuple[list[Look], dict[str, str]]:
    """What is known of each file; those that are to be taken, and the symbols as they were edited."""
    symbols: dict[str, str] = st.session_state.setdefault(_SYMBOLS, {})
    left: set[str] = st.session_state.setdefault(_LEFT, set())
    key = f"many_table_{hash((mode, tuple(each.given.key for each in looks))):x}"
    # The editor lays what is typed over the table it is given: its own columns stay as they were when it came
    # up, or what is typed while the page runs would be lost. Once it is gone, so is what it has kept.
    if key not in st.session_state or st.session_state.get(_BASE, ("",))[0] != key:
        st.session_state[_BASE] = (key, [_own(each, symbols, left) for each in looks])
    owned = st.session_state[_BASE][1]
    base = pd.DataFrame([own | _row(each) for own, each in zip(owned, looks, strict=True)])
    columns = [name for name in _COLUMNS if mode == "each" or name != "Symbol"]
    edited = st.data_editor(
        base[columns], key=key, hide_index=True, width="stretch",
        disabled=[name for name in columns if name not in ("Take", "Symbol")],
        column_config={
            "Take": st.column_config.CheckboxColumn(width=60, help="Files without it are left out"),
            "File": st.column_config.TextColumn(width="medium"),
            "State": st.column_config.TextColumn(width=110),
            "Symbol": st.column_config.TextColumn(width=130, help="Double-click to change it", max_chars=120),
            "Candles": st.column_config.TextColumn(width=80),
            "Note": st.column_config.TextColumn(width="large"),
        },
    )  # fmt: skip
    taken = []
    for at, each in enumerate(looks):
        key = each.given.key
        left.discard(key)
        if edited["Take"].iat[at]:
            taken.append(each)
        else:
            left.add(key)
        if mode == "each":
            symbols[key] = str(edited["Symbol"].iat[at] or "").strip()
    if mode == "each":
        name_them({each.given.key: symbols[each.given.key] for each in looks}, looks)
    return taken, symbols


def _own(look: Look, symbols: dict[str, str], left: set[str]) -> dict[str, object]:
    """What the reader may change in a row, as it stands now."""
    return {"Take": look.given.key not in left, "Symbol": symbols.get(look.given.key, look.suggested)}


def _row(look: Look) -> dict[str, object]:
    found = look.checked
    report = found.report if found is not None else None
    return {
        "File": look.given.name,
        "State": _STATES[look.state],
        "Timeframe": str(found.timeframe) if found is not None else "",
        "Candles": f"{report.rows_out:,}" if report is not None else "",
        "First": words.when(report.first, "UTC") if report is not None and report.first is not None else "",
        "Last": words.when(report.last, "UTC") if report is not None and report.last is not None else "",
        "Note": _note(look),
    }


def _note(look: Look) -> str:
    if look.checked is None:
        return look.error.message.removeprefix(f"{look.given.name}: ") if look.error is not None else ""
    report = look.checked.report
    notes = [f"{words.count(report.refused, 'row')} left out"] if report.refused else []
    notes += [f"{words.count(report.duplicates, 'row')} stood twice"] if report.duplicates else []
    notes += [f"made of {look.checked.ticks:,} ticks"] if look.checked.ticks else []
    warnings = [controls(each) for each in look.checked.reading.warnings]
    return ". ".join([*notes, *no_zone(look.checked), *warnings])


def _hindered(looks: list[Look]) -> None:
    """What keeps files from being stored, in full: the table shows the beginning of it, and none on a phone."""
    for each in looks[:_HINDERED]:
        st.markdown(
            f"{_ICONS[each.state]} **{plain(each.given.name)}** · {_STATES[each.state]}: {plain(_note(each))}"
        )
    if len(looks) > _HINDERED:
        st.caption(f"{len(looks) - _HINDERED} more are not ready; see the table.")


def _counted(looks: list[Look], taken: list[Look]) -> str:
    counts = {state: sum(each.state == state for each in looks) for state in _STATES}
    said = [f"{count} {_STATES[state].lower()}" for state, count in counts.items() if count]
    said = [each.replace("needs", "need") if not each.startswith("1 ") else each for each in said]
    if len(taken) < len(looks):
        said.append(f"{len(looks) - len(taken)} left out")
    return ", ".join(said)


# -------------------------------------------------------------------------------------------- look into


def _choose_one(looks: list[Look]) -> None:
    named = {each.given.key: each for each in looks}
    first = [each.given.key for each in looks if each.state != "ready"]
    order = [*first, *(key for key in named if key not in first)]
    label = "Look into one" + (
        ", to answer or change something" if first else ": first lines, reading, chart"
    )
    st.selectbox(
        label, order, None, key="many_into", placeholder="Choose a file",
        format_func=lambda key: f"{named[key].given.name} · {_STATES[named[key].state].lower()}",
        on_change=_into,
    )  # fmt: skip


def _into() -> None:
    st.session_state[_ONE] = st.session_state["many_into"]


def _look_into(one: Given, files: list[Given]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Back to all {len(files)} files", key="many_back", on_click=_back, icon=":material/arrow_back:"
        )
        st.markdown(f"**{plain(one.name)}**", width="content")
        if replace(basket().chosen(one), symbol=None) != Choices():
            st.button(
                "Read all of them like this", key="many_alike", on_click=_alike, args=(one, files),
                icon=":material/done_all:", help="What was chosen here is chosen for every file",
            )  # fmt: skip
    wizard(one)


def _back() -> None:
    st.session_state.pop(_ONE, None)


def _alike(one: Given, files: list[Given]) -> None:
    held = basket()
    for each in files:
        held.choices[each.key] = replace(held.chosen(one), symbol=held.chosen(each).symbol)
    _back()
