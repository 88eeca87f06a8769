"""The frame every page is drawn in: its title, the way around, and where errors end."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.errors import CandlebookError, InputError, StoreError, TryLater
from lib.samples import ensure_samples
from lib.store import Store, open_store
from lib.ui import address, notes

__all__ = [
    "HISTORY",
    "HOME",
    "LIVE",
    "QUALITY",
    "REPLAY",
    "bar",
    "figures",
    "guard",
    "label",
    "page",
    "plain",
    "show_error",
]

HOME, LIVE, HISTORY, REPLAY = "streamlit_app.py", "pages/1_Live.py", "pages/2_History.py", "pages/3_Replay.py"
QUALITY = "pages/4_Quality.py"
_WAYS = (
    (HOME, "Library", ":material/library_books:"),
    (LIVE, "Live", ":material/sensors:"),
    (HISTORY, "History", ":material/candlestick_chart:"),
    (REPLAY, "Replay", ":material/replay:"),
    (QUALITY, "Quality", ":material/fact_check:"),
)
# Our own: a Material icon or an emoji would be fetched from the internet.
_ICON = str(Path(__file__).with_name("icon.svg"))
# What Streamlit cannot be told: a few lines of style, and of script for the address and the keys.
_PAGE = Path(__file__).with_name("page.html")
_NO_MARKDOWN = re.compile(r"[A-Za-z0-9]+(?:[./_-][A-Za-z0-9]+)*")
_log = logging.getLogger("candlebook")


def page(title: str) -> Store:
    """Set the page up and draw the way around; gives the store every page works on.

    Ends the run with a sentence when the store cannot be opened.
    """
    st.set_page_config(page_title=f"{title} · Candlebook", page_icon=_ICON, layout="wide")
    address.arrive(title)
    st.html(_PAGE, unsafe_allow_javascript=True)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown("#### Candlebook", width="content")
        for where, label, icon in _WAYS:
            st.page_link(where, label=label, icon=icon)
    notes.place()
    store = None
    with guard():
        store = _opened()
    if store is None:
        st.stop()
    return store


def _opened() -> Store | None:
    """The store with its samples. One that nobody can write to is opened where it has something to show."""
    store = open_store()
    try:
        ensure_samples(store)
    except CandlebookError as error:
        show_error(error)
        return store if store.list() else None
    return store


def bar(align: Literal["bottom", "center"] = "bottom") -> DeltaGenerator:
    """A row of controls that wraps on a narrow screen."""
    return st.container(horizontal=True, vertical_alignment=align, gap="small")


def figures(*these: tuple[str, str, str]) -> None:
    """Figures in a row that wraps on a narrow screen: the label, the value, and what it means (or nothing)."""
    with st.container(horizontal=True, gap="medium"):
        for label, value, meaning in these:
            st.metric(label, value, help=meaning or None, width="content")


@contextmanager
def guard() -> Iterator[None]:
    """Everything that can go wrong inside ends as a sentence on the page; the detail goes to the log."""
    try:
        yield
    except CandlebookError as error:
        show_error(error)


def show_error(error: CandlebookError) -> None:
    """A box with what happened and what to do."""
    told = {name: value for name, value in error.fields.items() if isinstance(value, (str, int, float))}
    _log.warning("%s: %s %s", type(error).__name__, error, told or "")
    box, icon = st.error, ":material/error:"
    if isinstance(error, TryLater):
        box, icon = st.warning, ":material/hourglass_empty:"
    elif isinstance(error, InputError):
        icon = ":material/edit:"
    elif isinstance(error, StoreError):
        icon = ":material/database_off:"
    body = plain(error.message) + (f"\n\n**What to do:** {plain(error.remedy)}" if error.remedy else "")
    box(body, icon=icon)


def plain(words: str) -> str:
    """Text as it is: nothing that came from a file or a server is read as Markdown."""
    return "".join("\\" + sign if sign in "\\`*_{}[]()<>#+-!|~$:" else sign for sign in words)


def label(name: str) -> str:
    """A name in the label of a control. A screen reader says a label as it is written, so one that Markdown
    leaves alone is not escaped."""
    return name if _NO_MARKDOWN.fullmatch(name) and not name.lower().startswith("www.") else plain(name)
