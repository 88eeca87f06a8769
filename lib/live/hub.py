"""The live feeds of this process: one for each series, however many sessions read it.

The register outlives the reloading of edited source files, so that an edit never leaves a second
connection alive: it hangs on a module that has no file. A watch that runs while its code is edited goes
on with the code it was started with, until it stops.
"""

from __future__ import annotations

import atexit
import sys
import threading
import types
from typing import cast

from lib.errors import InputError
from lib.live import feeds
from lib.live.recorder import Writable
from lib.live.snapshot import Snapshot, Status
from lib.live.watch import Timing, Watch
from lib.series import Series
from lib.timeframes import Timeframe

__all__ = ["Snapshot", "Status", "Timing", "Watch", "stop", "stop_all", "watch", "watches"]

_HOLDER = "_candlebook_live"


class _Register(types.ModuleType):
    # by name, not by Series: after a reload that is another class
    watches: dict[str, Watch]
    lock: threading.RLock


def _register() -> _Register:
    """The process's own register, made once."""
    made = _Register(_HOLDER, "Live feeds of this process.")
    made.watches, made.lock = {}, threading.RLock()
    held = sys.modules.setdefault(_HOLDER, made)  # atomic
    if held is made:
        atexit.register(_at_exit, made)
    return cast(_Register, held)


def watch(
    source_name: str,
    symbol: str,
    timeframe: str | Timeframe,
    store: Writable | None = None,
    *,
    timing: Timing | None = None,
) -> Watch:
    """The watch of this series: the one that runs, or a new one. Closed candles go to ``store``.

    Returns at once; the feed says through its snapshot how it fares. Raises ``UnknownName`` for a source
    without a live feed or a timeframe it does not offer.
    """
    series = Series.of(source_name, symbol, timeframe)
    register = _register()
    with register.lock:
        running = register.watches.get(series.slug)
        if running is not None and running.alive:
            running.record_to(store)
            running.snapshot()
            return running
        if running is not None:
            running.stop()  # it is on its way out: its connection ends before the next begins
        feed = feeds.get(source_name)
        if series.timeframe not in feed.source.timeframes:
            offered = ", ".join(str(one) for one in feed.source.timeframes)
            raise InputError(
                f"{feed.source.title} has no candles of {series.timeframe}.", remedy=f"It has {offered}."
            )
        made = Watch(feed, series, store, timing)
        register.watches[series.slug] = made
        made.start()
        return made


def watches() -> tuple[Watch, ...]:
    """The watches that run now."""
    register = _register()
    with register.lock:
        register.watches = {slug: one for slug, one in register.watches.items() if one.alive}
        return tuple(register.watches.values())


def stop(one: Watch, timeout: float = 2.0) -> None:
    """End a watch and store what it holds."""
    one.stop(timeout)
    watches()


def stop_all(timeout: float = 2.0) -> None:
    """End all watches; each stores what it holds."""
    _stop(_register(), timeout)


def _at_exit(register: _Register) -> None:
    _stop(register, 2.0)


def _stop(register: _Register, timeout: float) -> None:
    with register.lock:
        going = list(register.watches.values())
        register.watches = {}
    for one in going:
        one.ask_to_stop()
    for one in going:
        one.stop(timeout)
