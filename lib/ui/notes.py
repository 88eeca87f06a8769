"""What of a link or a choice could not be had, said above the page's controls."""

from __future__ import annotations

import streamlit as st

__all__ = ["place", "warn"]

_PLACE = "candlebook_notes"


def place() -> None:
    """Keep a place for the notes of this run of the page."""
    st.session_state[_PLACE] = st.container()


def warn(words: str, icon: str = ":material/link_off:") -> None:
    """Say it. Not in a fragment: its runs would say it again and again."""
    st.session_state[_PLACE].warning(words, icon=icon)
