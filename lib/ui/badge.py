"""The badge of a series: how whole it is, beside its chart and in the library; leads to the Quality page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib import health
from lib.health import Glance
from lib.series import Series
from lib.store import Store
from lib.ui import words
from lib.ui.frame import QUALITY

__all__ = ["badge", "said", "wait_for"]


_ICONS = {
    "": ":material/fact_check:", "good": ":material/verified:", "fair": ":material/rule:", "poor": ":material/report:",
}  # fmt: skip


def badge(store: Store, series: Series) -> Glance | None:
    """Draw the badge; gives what it says, None while the series is being looked at."""
    found = health.glance(store, series)
    st.page_link(
        QUALITY, label=said(found), query_params={"series": series.slug},
        icon=_ICONS[found.level if found else ""],
        help="How many of the expected candles are there, and what is odd in them. Opens the Quality page",
    )  # fmt: skip
    return found


def said(found: Glance | None) -> str:
    """The badge's words: coverage and findings, ``99.8% · 3 findings``."""
    if found is None:
        return "Quality"
    share = words.share(found.share)
    return f"{share} · {words.count(found.findings, 'finding')}" if found.findings else share


def wait_for(store: Store, wanted: Sequence[Series]) -> None:
    """Where some of these are being looked at: draw the page again as soon as none is."""
    if any(health.is_looking(store, series) for series in wanted):
        st.fragment(_wait, run_every=0.7)(store, tuple(wanted))


def _wait(store: Store, wanted: tuple[Series, ...]) -> None:
    if not any(health.is_looking(store, series) for series in wanted):
        st.rerun()
