"""Replay: walk a stored series bar by bar, seeing only what could be seen then."""

from lib.ui.frame import bar, guard, page
from lib.ui.pickers import pick_indicators, pick_look, pick_series, pick_timeframe
from lib.ui.player import play

store = page("Replay")
with guard():
    with bar():
        info = pick_series(store.list())
        timeframe = pick_timeframe(info) if info is not None else None
        picks = pick_indicators()
        look = pick_look()
    if info is not None and timeframe is not None:
        play(store, info, timeframe, picks, look)
