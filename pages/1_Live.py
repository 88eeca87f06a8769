"""Live: one market as it moves, from a source of the reader's choice."""

import streamlit as st

from lib.ui.frame import guard, page
from lib.ui.pickers import pick_indicators, pick_look
from lib.ui.watch import pick_market, watch

store = page("Live")
with guard():
    market, indicators, look = st.columns([5, 1.6, 1.3], vertical_alignment="bottom")
    with market:
        series = pick_market()
    with indicators:
        picks = pick_indicators()
    with look:
        how = pick_look()
    watch(store, series, picks, how)
