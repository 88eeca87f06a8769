"""Several files at once: parts of one series, or a series each; a table of all, a symbol for each, and one of them
looked into."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from lib.files import Choices
from lib.gathering import Given, Look, Outcome
from lib.store import Store
from lib.ui import words
from lib.ui.frame import label, plain
from lib.ui.storing import name_them, store_each, store_parts
from lib.ui.wizard import basket, controls, no_zone, wizard

__all__ = ["many"]

_MODE, _ONE, _SYMBOLS, _LEFT, _PAGE = "many_mode", "many_one", "many_symbols", "many_left", "many_page"
_MODES = {"parts": "Parts of one series", "each": "A series each"}
_STATES = {"ready": "Ready", "choice": "Needs a choice", "refused": "Refused"}
_ICONS = {"choice": ":material/help:", "refused": ":material/block:"}
_HINDERED = 5
_ASKED = 50  # symbols are asked for in as many boxes at once
_LONGEST = 120


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
    _table(looks)
    taken = _taken(looks)
    symbols = _symbols(taken) if mode == "each" else {}
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


def _table(looks: list[Look]) -> None:
    """What is known of each file, to be read only: what is typed into a table while it is drawn anew is lost."""
    st.dataframe(
        pd.DataFrame([_row(each) for each in looks]), hide_index=True, width="stretch",
        column_config={
            "State": st.column_config.TextColumn(width=110),
            "File": st.column_config.TextColumn(width="medium"),
            "Candles": st.column_config.TextColumn(width=80),
            "Note": st.column_config.TextColumn(width="large"),
        },
    )  # fmt: skip


def _taken(looks: list[Look]) -> list[Look]:
    """All but those the reader leaves out."""
    names = {each.given.key: each.given.name for each in looks}
    left: set[str] = st.session_state.setdefault(_LEFT, set())
    key = f"many_out_{hash(tuple(names)):x}"
    if key not in st.session_state:
        st.session_state[key] = [each for each in names if each in left]
    chosen = st.multiselect(
        "Leave out", list(names), key=key, format_func=names.__getitem__, placeholder="None: all are taken"
    )
    left -= names.keys()
    left |= set(chosen)
    return [each for each in looks if each.given.key not in left]


def _symbols(taken: list[Look]) -> dict[str, str]:
    """The symbol of each file, in a box of its own: what is typed there stays however often the page runs, and
    counts from Enter, Tab or a click elsewhere on, so never a part of it."""
    symbols: dict[str, str] = st.session_state.setdefault(_SYMBOLS, {})
    for each in taken:
        symbols.setdefault(each.given.key, each.suggested)
    asked = [each for each in taken if each.state != "refused"]
    shown = _page(asked)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for each in shown:
            file = each.given.key
            key = f"many_symbol_{file}"
            if key not in st.session_state:
                st.session_state[key] = symbols[file]
            symbols[file] = st.text_input(
                label(each.given.name), key=key, width=175, max_chars=_LONGEST, placeholder="Symbol",
                on_change=_named, args=(each, key),
            ).strip()  # fmt: skip
    name_them({each.given.key: symbols[each.given.key] for each in taken}, taken)
    return symbols


def _page(asked: list[Look]) -> list[Look]:
    """Those whose boxes are shown: all, or the page the reader chose."""
    pages = [asked[at : at + _ASKED] for at in range(0, len(asked), _ASKED)]
    if len(pages) < 2:
        return asked
    chosen: int = st.selectbox(
        "Symbols of", range(len(pages)), key=_PAGE,
        format_func=lambda at: f"{pages[at][0].given.name} to {pages[at][-1].given.name}",
    )  # fmt: skip
    return pages[chosen]


def _named(look: Look, key: str) -> None:
    # Before the page runs: were it run again for the symbol, a click on Store right after it would be lost.
    basket().name(look, st.session_state[key].strip())


def _row(look: Look) -> dict[str, object]:
    found = look.checked
    report = found.report if found is not None else None
    return {
        "State": _STATES[look.state],  # in front: a phone shows no more than the first three
        "File": look.given.name,
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
