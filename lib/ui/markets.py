"""A market to ask for: its source, its symbol out of the source's own list, and what the source still allows."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib.errors import UnknownName
from lib.sources import registry
from lib.sources.limits import Use, budgets, span
from lib.sources.registry import Entry
from lib.ui import words
from lib.ui.frame import plain

__all__ = ["budget", "is_askable", "is_ready", "known_symbols", "symbol_box", "written"]

# More symbols than these are not sent to the browser; what is typed is taken as it is.
_MOST = 5000
_PATIENCE = 1.5


def is_ready(entry: Entry) -> bool:
    """Whether the source can be asked; says what it lacks where it cannot."""
    lacking = registry.lacking(entry.name)
    if lacking:
        st.info(f"{entry.title}: {plain(lacking)}", icon=":material/key:")
    return not lacking


def is_askable(name: str) -> bool:
    """Whether there is a source of this name, and it has what it needs: no series of a file has one."""
    try:
        return not registry.lacking(name)
    except UnknownName:
        return False


def known_symbols(name: str) -> tuple[str, ...]:
    """The source's own list, as far as it is to be had at once."""
    return registry.search(name, "", _MOST, patience=_PATIENCE)


def symbol_box(entry: Entry, symbols: Sequence[str], *, key: str, label: str = "Symbol") -> str:
    """A box that searches the list, and takes what is not in it, too. Empty where nothing was chosen."""
    held = st.session_state.get(key) or None
    options = list(symbols)
    if held is not None and held not in options:
        options.insert(0, held)
    st.session_state[key] = held
    chosen = st.selectbox(
        label, options, key=key, index=None, accept_new_options=True, placeholder=entry.example,
        help=f"{words.count(len(symbols), 'symbol')} of {entry.title}; type to search, or write another" if symbols
        else f"As {entry.title} spells it, such as {entry.example}; its list cannot be had now",
    )  # fmt: skip
    return written(str(chosen), entry, symbols) if chosen else ""


def written(text: str, entry: Entry, symbols: Sequence[str]) -> str:
    """A symbol as the source writes it, where the list tells; in capitals where all of its symbols are."""
    text = text.strip()
    if text in symbols:
        return text
    same = [symbol for symbol in symbols if symbol.casefold() == text.casefold()]
    if same:
        return same[0]
    return text.upper() if entry.example.isupper() and not symbols else text


def budget(name: str) -> None:
    """What was asked of the source and what it still allows, once it was asked in this process."""
    told = budgets().get(name)
    if told is None:
        return
    parts = [_use(use) for use in told.limits if use.used]
    if told.paused > 0:
        parts.append(f"it asked to be left alone for {span(told.paused)}")
    if parts:
        st.caption(f"Budget: {'; '.join(parts)}.")


def _use(use: Use) -> str:
    return f"{use.used:,} of {use.limit:,} {use.name} used, {use.left:,} left, all free again in {span(use.resets_in)}"
