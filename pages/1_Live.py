"""Live: one market as it moves, from a source of the reader's choice."""

from lib.ui.broker import broker
from lib.ui.frame import bar, guard, page
from lib.ui.pickers import pick_indicators, pick_look
from lib.ui.watch import pick_hold, pick_market, watch

store = page("Live")
with guard():
    with bar():
        series = pick_market()
        picks = pick_indicators()
        look = pick_look()
        held = pick_hold()
    watch(store, series, picks, look, held)
    broker(store, series)
