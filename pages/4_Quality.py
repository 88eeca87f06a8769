"""Quality: what is missing or odd in a series, when, and what to do about it."""

from lib.ui.frame import bar, guard, page
from lib.ui.pickers import pick_series
from lib.ui.quality import quality

store = page("Quality")
with guard():
    with bar():
        info = pick_series(store.list())
    if info is not None:
        quality(store, info)
