"""Replay: walk a stored series bar by bar, seeing only what could be seen then."""

import streamlit as st

from lib.ui.frame import guard, page
from lib.ui.pickers import pick_indicators, pick_look, pick_series, pick_timeframe
from lib.ui.player import play

store = page("Replay")
with guard():
    series, timeframe, indicators, look = st.columns([4, 1.3, 1.6, 1.3], vertical_alignment="bottom")
    with series:
        info = pick_series(store.list())
    if info is not None:
        with timeframe:
            shown = pick_timeframe(info.timeframes, info.series.timeframe)
        with indicators:
            picks = pick_indicators()
        with look:
            how = pick_look()
        play(store, info, shown, picks, how)
