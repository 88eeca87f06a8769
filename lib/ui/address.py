"""Choices that live in the address, so that a link opens the same view.

One accessor per choice: it is read from the address when the address has changed since we last wrote
it (a link was opened), else from the session, else it is the default; it is written back after each
run, and left out while it is the default. Widgets are told the value before they are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

__all__ = ["arrive", "asked", "drop", "keep", "one_of", "switch", "text"]

_CHOICES = "candlebook_choices"
_WRITTEN = "candlebook_written"
_PAGE = "candlebook_page"


def arrive(page: str) -> None:
    """Begin a run of ``page``. A widget's state belongs to its page: coming from another, the widgets
    take the session's choices anew."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE] = page
        for name in st.session_state.get(_CHOICES, {}):
            st.session_state.pop(_widget(name), None)
        # Streamlit empties the address on a change of page: what is in it now was put there by a link
        st.session_state[_WRITTEN] = {}


def asked(name: str, default: str) -> str:
    """The choice ``name`` as it stands now."""
    choices: dict[str, str] = st.session_state.setdefault(_CHOICES, {})
    written: dict[str, str] = st.session_state.setdefault(_WRITTEN, {})
    in_address = st.query_params.get(name)
    if in_address is not None and in_address != written.get(name):
        choices[name] = written[name] = in_address
        st.session_state.pop(_widget(name), None)
    return choices.get(name, default)


def keep(name: str, value: str, default: str | None) -> str:
    """Remember ``value`` for the session and show it in the address unless it is the default; None is
    no value's equal, for a choice whose default is not the same everywhere."""
    choices: dict[str, str] = st.session_state.setdefault(_CHOICES, {})
    st.session_state.setdefault(_WRITTEN, {})[name] = value
    if value == default:
        # pages have their own defaults; what goes along to the next one is what was chosen
        choices.pop(name, None)
        if name in st.query_params:
            del st.query_params[name]
        return value
    choices[name] = value
    if st.query_params.get(name) != value:
        st.query_params[name] = value
    return value


def drop(name: str) -> None:
    """Forget a choice, as a callback of another one that makes it meaningless."""
    st.session_state.get(_CHOICES, {}).pop(name, None)
    st.session_state.get(_WRITTEN, {}).pop(name, None)
    st.session_state.pop(_widget(name), None)
    if name in st.query_params:
        del st.query_params[name]


def one_of(
    name: str,
    options: Sequence[str],
    default: str,
    widget: Callable[..., Any],
    label: str,
    *,
    always: bool = False,
    scope: str = "",
    **how: Any,
) -> str:
    """A choice of one of ``options`` drawn by ``widget`` (``st.selectbox``, ``st.segmented_control``).

    What is asked for and is not on offer is the default; the page says so where it matters. ``always``
    shows the choice in the address even while it is the default. ``scope`` is what the default belongs
    to (a series): when it changes, what was only a default does not stay as if it had been chosen.
    """
    value = asked(name, default)
    if value not in options:
        value = default
    key = _widget(name)
    if st.session_state.get(key) not in options or st.session_state.get(f"{key}_scope", scope) != scope:
        st.session_state[key] = value
    st.session_state[f"{key}_scope"] = scope
    chosen = widget(label, options, key=key, **how)
    return keep(name, chosen if chosen in options else value, None if always else default)


def switch(name: str, default: bool, widget: Callable[..., Any], label: str, **how: Any) -> bool:
    """A yes or no drawn by ``widget`` (``st.toggle``); ``1`` or ``0`` in the address."""
    value = asked(name, "1" if default else "0") == "1"
    key = _widget(name)
    if key not in st.session_state:
        st.session_state[key] = value
    chosen = bool(widget(label, key=key, **how))
    return keep(name, "1" if chosen else "0", "1" if default else "0") == "1"


def text(name: str, default: str, widget: Callable[..., Any], label: str, **how: Any) -> str:
    """A text drawn by ``widget`` (``st.text_input``)."""
    value = asked(name, default)
    key = _widget(name)
    if key not in st.session_state:
        st.session_state[key] = value
    chosen = widget(label, key=key, **how)
    return keep(name, str(chosen).strip() or default, default)


def _widget(name: str) -> str:
    return f"choice_{name}"
