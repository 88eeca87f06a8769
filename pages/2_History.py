"""History: any stored series at any timeframe it can show, with its figures and its download."""

import streamlit as st

from lib.ui.explore import explore
from lib.ui.frame import guard, page
from lib.ui.pickers import pick_indicators, pick_look, pick_series

store = page("History")
with guard():
    series, indicators, look = st.columns([5, 1.6, 1.3], vertical_alignment="bottom")
    with series:
        info = pick_series(store.list())
    if info is not None:
        with indicators:
            picks = pick_indicators()
        with look:
            how = pick_look()
        explore(store, info, picks, how)
