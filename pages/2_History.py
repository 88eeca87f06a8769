"""History: any stored series at any timeframe it can show, with its figures and its download."""

from lib.ui.explore import explore
from lib.ui.frame import bar, guard, page
from lib.ui.pickers import pick_indicators, pick_look, pick_series

store = page("History")
with guard():
    with bar():
        info = pick_series(store.list())
        picks = pick_indicators()
        look = pick_look()
    if info is not None:
        explore(store, info, picks, look)
