"""The state of gaps while a source is asked for them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pandas as pd

from lib.errors import StoreError, UnknownName
from lib.series import Series
from lib.sync.planning import EARLIEST, Span, less, missing

if TYPE_CHECKING:
    from lib.store import Store

__all__ = ["Filling"]

_log = logging.getLogger(__name__)


class Filling:
    """Says of gaps that the source ``by`` is asked for them by the sync that began at ``began``, and takes that back
    at its end. That of a sync that is killed is not believed: see :meth:`lib.store.Store.gap_states`."""

    def __init__(self, store: Store, series: Series, by: str, began: pd.Timestamp) -> None:
        self._store, self._series, self._by, self._began = store, series, by, began
        self._spans: list[tuple[pd.Timestamp, pd.Timestamp]] = []

    def begin(self, spans: list[Span]) -> None:
        """These gaps are asked for now. Raises what the store raises."""
        from lib.store import GapState

        now = pd.Timestamp.now(tz="UTC").as_unit("us")
        bounds = [(EARLIEST if start is None else start, now if end is None else end) for start, end in spans]
        self._spans = [(start, end) for start, end in bounds if start < end]
        states = [GapState(start, end, "filling", self._by, self._began) for start, end in self._spans]
        self._store.set_gap_states(self._series, states)

    def end(self) -> None:
        """They no longer are; those that got their candles are gaps no longer. A store that fails is only noted: the
        sync has its own error then, and its line in the ledger says that it is over."""
        if not self._spans:
            return
        try:
            self._store.end_filling(self._series, self._by, self._spans, self._observed())
        except UnknownName:
            return  # deleted meanwhile
        except StoreError as error:
            _log.warning("The state of gaps of %s was not taken back: %s", self._series, error)

    def _observed(self) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
        """What of the gaps holds observed candles now. O(candles from the first gap to the last)."""
        first, last = self._spans[0][0], self._spans[-1][1]
        left = missing(self._store, self._series, first, last)
        lacking = [(first if start is None else start, last if end is None else end) for start, end in left]
        found = less(self._spans, lacking)
        return [(start, end) for start, end in found if start is not None and end is not None]
