"""Choices that live in the address, so that a link opens the same view.

One accessor per choice: it is read from the address when the address has changed since we last wrote
it (a link was opened), else from the session, else it is the default; it is written back after each
run, and left out while it is the default. Widgets are told the value before they are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from lib.ui.notes import warn

__all__ = ["arrive", "asked", "check", "drop", "keep", "one_of", "switch", "text"]

_CHOICES = "candlebook_choices"
_WRITTEN = "candlebook_written"
_PAGE = "candlebook_page"
_LINKED = "candlebook_linked"  # choices that came by a link, and were not yet looked at
_REFUSED = "candlebook_refused"  # what a link asked for in vain, and what is shown instead


def arrive(page: str) -> None:
    """Begin a run of ``page``. A widget's state belongs to its page: coming from another, the widgets
    take the session's choices anew."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE] = page
        for name in st.session_state.get(_CHOICES, {}):
            st.session_state.pop(_widget(name), None)
        # Streamlit empties the address on a change of page: what is in it now was put there by a link
        st.session_state[_WRITTEN] = {}
        st.session_state[_REFUSED] = {}


def asked(name: str, default: str) -> str:
    """The choice ``name`` as it stands now."""
    choices: dict[str, str] = st.session_state.setdefault(_CHOICES, {})
    written: dict[str, str] = st.session_state.setdefault(_WRITTEN, {})
    in_address = st.query_params.get(name)
    if in_address is not None and in_address != written.get(name):
        choices[name] = written[name] = in_address
        st.session_state.setdefault(_LINKED, set()).add(name)
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


def check(name: str, options: Sequence[str], default: str, what: str) -> None:
    """Say it where a link asked in vain for a choice that is drawn in a fragment, by a quiet :func:`one_of`."""
    value = _offered(name, options, default)
    _say(name, st.session_state.get(_widget(name), value), what, str)


def _offered(name: str, options: Sequence[str], default: str, *, always: bool = False) -> str:
    """The choice where it is on offer, else the default. What came along from another page, and is not
    on offer on this one, is dropped without a word, unless ``always``."""
    value = asked(name, default)
    linked: set[str] = st.session_state.setdefault(_LINKED, set())
    if value not in options:
        if always or name in linked:
            st.session_state.setdefault(_REFUSED, {})[name] = (value, default)
        value = default
    linked.discard(name)
    return value


def _say(name: str, shown: str, what: str, named: Callable[[str], str]) -> None:
    """What a link asked for in vain, as long as the default is shown instead: the page may be drawn again
    at any moment."""
    refused: dict[str, tuple[str, str]] = st.session_state.setdefault(_REFUSED, {})
    vain, default = refused.get(name, ("", shown))
    if name not in refused:
        return
    if shown != default:
        del refused[name]
        return
    vain = vain.replace("`", "")[:80] or " "
    warn(f"{what}: there is no `{vain}` here; showing {_plain(named(shown))}.")


def _plain(words: str) -> str:
    return "".join("\\" + sign if sign in "\\`*_[]#~$:" else sign for sign in words)


def one_of(
    name: str,
    options: Sequence[str],
    default: str,
    widget: Callable[..., Any],
    label: str,
    *,
    always: bool = False,
    scope: str = "",
    quiet: bool = False,
    folded: bool = False,
    **how: Any,
) -> str:
    """A choice of one of ``options`` drawn by ``widget`` (``st.selectbox``, ``st.segmented_control``).

    What is asked for and is not on offer is the default, and the page says so, unless ``quiet``. ``always``
    shows the choice in the address even while it is the default, and misses it on whatever page. ``scope``
    is what the default belongs to (a series): when it changes, what was only a default does not stay as if
    it had been chosen. ``folded`` is for what a popover holds: until it was open, the browser has nothing that
    keeps the choice, so each run tells it again.
    """
    value = _offered(name, options, default, always=always)
    key = _widget(name)
    if st.session_state.get(key) not in options or st.session_state.get(f"{key}_scope", scope) != scope:
        st.session_state[key] = value
    elif folded:
        st.session_state[key] = st.session_state[key]
    st.session_state[f"{key}_scope"] = scope
    chosen = widget(label, options, key=key, **how)
    chosen = chosen if chosen in options else value
    if not quiet:
        _say(name, chosen, label, how.get("format_func", str))
    return keep(name, chosen, None if always else default)


def switch(name: str, default: bool, widget: Callable[..., Any], label: str, **how: Any) -> bool:
    """A yes or no drawn by ``widget`` (``st.toggle``), maybe in a popover; ``1`` or ``0`` in the address."""
    value = _offered(name, ("0", "1"), "1" if default else "0") == "1"
    key = _widget(name)
    st.session_state[key] = st.session_state.get(key, value)  # each run: see ``folded`` of one_of
    chosen = bool(widget(label, key=key, **how))
    _say(name, "1" if chosen else "0", label, {"0": "no", "1": "yes"}.__getitem__)
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
