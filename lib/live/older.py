"""Candles before those a feed holds, for a reader who scrolls back."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import pandas as pd

from lib.errors import CandlebookError, SourceDown
from lib.indicators import Pick, compute
from lib.series import Series
from lib.sources import registry
from lib.store import Store
from lib.sync import download

__all__ = ["Older", "values_of"]

_BARS = 1_000
# Values of the newest versions, shared by all sessions that show the same indicators: a feed of 20,000
# candles takes some milliseconds for each, twice a second for every reader.
_KEPT = 16
_kept: OrderedDict[tuple[object, ...], pd.DataFrame] = OrderedDict()
_lock = threading.Lock()


class Older:
    """How far one reader has scrolled back in one series. ``more`` is False once the source has no
    candles before the first shown."""

    def __init__(self, series: Series, *, patience: float = 6.0) -> None:
        self.series, self._patience = series, patience
        self.more = True
        self.trouble: CandlebookError | None = None
        self._start: pd.Timestamp | None = None

    def reach(self, store: Store, before: pd.Timestamp) -> None:
        """Bring in the page of candles before ``before``: what the store lacks of it is downloaded and
        kept there. A source that does not answer is kept in ``trouble``; what is stored is still shown."""
        frame = self.series.timeframe
        start = frame.floor(before - pd.Timedelta(seconds=frame.seconds * _BARS))
        self.trouble = self._fetch(store, start, before)
        found = store.read(self.series, end=before, last=_BARS)
        found = found[found.index >= start]
        if len(found):
            self._start = found.index[0]
        elif self.trouble is None:
            self.more = False

    def _fetch(self, store: Store, start: pd.Timestamp, end: pd.Timestamp) -> CandlebookError | None:
        """Download what the store lacks of a span; a reader waits, so not for as long as a download may. That is
        no sync: a page for every step back would push those out of the ledger."""
        stop = threading.Event()
        timer = threading.Timer(self._patience, stop.set)
        timer.start()
        try:
            source = registry.get(self.series.source)
            outcome = download(
                store, source, self.series.symbol, self.series.timeframe, start, end, stop=stop, logged=False
            )
        except CandlebookError as error:
            return error
        finally:
            timer.cancel()
        if outcome.cancelled:
            return SourceDown(
                f"{source.title} did not give its older candles within {self._patience:g} seconds.",
                remedy="Scroll back again to ask once more.",
            )
        return None

    def joined(
        self, store: Store, version: int, table: pd.DataFrame, picks: Sequence[Pick]
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The candles shown, oldest first with the forming one last, and the values of ``picks``;
        ``table`` is what the feed holds at ``version``."""
        if self._start is not None and self._start < table.index[0]:
            table = pd.concat([store.read(self.series, start=self._start, end=table.index[0]), table])
        return table, values_of(self.series, version, table, picks)


def values_of(series: Series, version: int, table: pd.DataFrame, picks: Sequence[Pick]) -> pd.DataFrame:
    """Indicator values of one version of a live table; computed once for all who ask the same."""
    # a feed that is started again counts versions from 0: its last candle tells them apart
    key = (series, version, table.index[0], len(table), *table.iloc[-1], tuple(picks))
    with _lock:
        if key in _kept:
            return _kept[key]
    values = compute(table, picks, timeframe=series.timeframe)
    with _lock:
        _kept[key] = values
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return values
