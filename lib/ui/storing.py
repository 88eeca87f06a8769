"""Several files into the store: as parts of one series, or as a series each; which stands where they contradict."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.errors import CandlebookError
from lib.gathering import (
    Asked,
    Checked,
    Clash,
    Given,
    Look,
    Outcome,
    commands,
    grouped,
    store_all,
)  # fmt: skip
from lib.store import Store
from lib.ui import words
from lib.ui.frame import plain, show_error
from lib.ui.wizard import basket, shell

__all__ = ["name_them", "store_each", "store_parts"]

_STANDS = {
    "refuse": "Neither: store nothing", "first": "The upper file of the list", "last": "The lower file of the list",
}  # fmt: skip
_LISTED = 50


def name_them(symbols: dict[str, str], looks: list[Look]) -> None:
    """A symbol that was typed may tell how its file is read: then all is looked at again."""
    new = [basket().name(each, symbols[each.given.key]) for each in looks]
    if any(new):
        st.rerun()


def store_parts(store: Store, taken: list[Look]) -> list[tuple[Given, Outcome]] | None:
    """One series: nothing is stored before every file that is taken has passed."""
    symbol, source, button = st.columns([2, 2, 1], vertical_alignment="bottom")
    told = {each.suggested for each in taken}
    wanted = symbol.text_input(
        "Symbol",
        told.pop() if len(told) == 1 else "",
        key="many_symbol",
        placeholder="What these candles are of",
    ).strip()
    name_them(dict.fromkeys((each.given.key for each in taken), wanted), taken)
    origin = _source(source)
    names = sorted(told - {""})
    if len(names) > 1:
        st.info(
            plain(
                f"They seem to be of several symbols: {', '.join(names[:8])}. As parts of one series they get one."
            ),
            icon=":material/help:",
        )
    ready = [each.checked for each in taken if each.checked is not None]
    hindered = _hindrance(taken, ready)
    if hindered:
        st.warning(plain(hindered), icon=":material/rule:")
        button.button("Store", key="many_store", disabled=True, icon=":material/save:", width="stretch")
        return None
    rule = _between([ready], taken)
    pressed = button.button(
        "Store", key="many_store", type="primary", icon=":material/save:", width="stretch",
        disabled=not wanted or rule == "refuse",
    )  # fmt: skip
    if rule != "refuse":
        shell(
            commands(
                _asked(taken, dict.fromkeys((each.given.key for each in taken), wanted)), origin, between=rule
            )
        )
    return _store(store, taken, dict.fromkeys(ready, wanted), origin, rule) if pressed else None


def store_each(
    store: Store, taken: list[Look], symbols: dict[str, str]
) -> list[tuple[Given, Outcome]] | None:
    """A series for each symbol and timeframe, of the files that passed."""
    source, button = st.columns([4, 1.4], vertical_alignment="bottom")
    origin = _source(source)
    passed = [each for each in taken if each.checked is not None]
    named = {each.checked: symbols[each.given.key] for each in passed if each.checked is not None}
    nameless = [each.name for each, symbol in named.items() if not symbol]
    if nameless:
        st.warning(
            plain(f"No symbol yet: {', '.join(nameless[:5])}. Type it above, or leave the file out."),
            icon=":material/edit:",
        )
    rule = _between(_together(named), passed)
    label = f"Store {words.count(len(passed), 'file')}"
    pressed = button.button(
        label, key="many_store", type="primary", icon=":material/save:", width="stretch",
        disabled=not passed or bool(nameless) or rule == "refuse",
    )  # fmt: skip
    if passed and not nameless and rule != "refuse":
        shell(commands(_asked(passed, symbols), origin, between=rule))
    return _store(store, passed, named, origin, rule) if pressed else None


def _source(place: DeltaGenerator) -> str:
    return place.text_input(
        "Source", "file", key="many_source", help="Where they come from: your broker, a vendor"
    ).strip()


def _hindrance(taken: list[Look], ready: list[Checked]) -> str:
    """Why these cannot be stored as one series; nothing where they can."""
    if not taken:
        return "Every file is left out: take at least one."
    failed = [each.given.name for each in taken if each.checked is None]
    if failed:
        more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
        return (f"As one series all are stored, or nothing. Not ready: {', '.join(failed[:5])}{more}. "
                "Look into each to answer what is open, or leave it out.")  # fmt: skip
    frames: dict[str, list[str]] = {}
    for each in ready:
        frames.setdefault(str(each.timeframe), []).append(each.name)
    if len(frames) > 1:
        told = "; ".join(
            f"{frame}: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
            for frame, names in frames.items()
        )
        return f"One series has one timeframe, and these have several ({told}). Leave some out, or store a series each."
    return ""


def _together(symbols: dict[Checked, str]) -> list[list[Checked]]:
    """Files that become one series because their symbol and timeframe are the same."""
    found: dict[tuple[str, str], list[Checked]] = {}
    for each, symbol in symbols.items():
        if symbol:  # without one they are not yet of a series, and need no comparing
            found.setdefault((symbol, str(each.timeframe)), []).append(each)
    return [each for each in found.values() if len(each) > 1]


def _between(groups: list[list[Checked]], taken: list[Look]) -> str | None:
    """Which file stands where parts of one series contradict each other: asked where they do."""
    found = [clash for group in groups for clash in basket().clashes(group)]
    if not found:
        return None
    chosen = {each.choices.conflicts for each in taken}
    usual = next(iter(chosen)) if len(chosen) == 1 else None
    total = sum(each.count for each in found)
    st.warning(
        f"{words.count(total, 'time')} with other figures in {'two of the files' if len(found) == 1 else 'several files'}. Which stands?",
        icon=":material/difference:",
    )
    shown = pd.DataFrame([row for each in found for row in _contradictions(each)][:_LISTED])
    st.dataframe(shown, hide_index=True, width="stretch")
    if total > len(shown) // 2:
        st.caption(f"The first {len(shown) // 2} of {total:,}.")
    return st.radio(
        "Two files at one time", list(_STANDS), list(_STANDS).index(usual or "refuse"), key="many_between",
        format_func=_STANDS.__getitem__, horizontal=True,
    )  # fmt: skip


def _contradictions(clash: Clash) -> list[dict[str, object]]:
    """Two rows for each time: as one file has it, and as the other."""
    made = []
    for at, time in enumerate(clash.first.index):
        for name, table in ((clash.one, clash.first), (clash.other, clash.second)):
            made.append({"Time, UTC": words.when(time, "UTC"), "File": name, **table.iloc[at].to_dict()})
    return made


def _asked(taken: Sequence[Look], symbols: dict[str, str]) -> list[Asked]:
    return [
        Asked(
            each.given.name, each.given.where, each.choices, symbols[each.given.key], each.checked.timeframe,
            each.given.options,
        )
        for each in taken
        if each.checked is not None
    ]  # fmt: skip


def _store(
    store: Store, taken: list[Look], symbols: dict[Checked, str], source: str, rule: str | None
) -> list[tuple[Given, Outcome]] | None:
    bar = st.progress(0.0)

    def progress(each: Checked, part: float) -> None:
        bar.progress(part, plain(f"Storing {each.name}"))

    try:
        groups = grouped(list(symbols), symbols, source or "file", rule)
        done = {each.file: each for each in store_all(store, groups, progress)}
    except CandlebookError as error:
        bar.empty()
        show_error(error)
        return None
    return [(each.given, done[each.checked]) for each in taken if each.checked in done]
