"""Quality: what is missing or odd in a series, when, and what to do about it."""

from lib.ui.frame import bar, guard, page
from lib.ui.pickers import pick_series
from lib.ui.quality import pick_calendar, quality

store = page("Quality")
with guard():
    infos = store.list()
    with bar():
        info = pick_series(infos)
        if info is not None:
            pick_calendar(store, info)
    if info is not None:
        quality(store, info, infos)
