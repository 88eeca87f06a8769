"""What a reader of a live feed gets."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from lib.live.candle_builder import State

__all__ = ["Lazy", "Snapshot", "Status"]

Status = Literal["connecting", "live", "stale", "reconnecting", "failed", "stopped"]


class Lazy:
    """The table of a state, built when first asked for and then shared by all readers."""

    __slots__ = ("_lock", "_state", "_table")

    def __init__(self, state: State) -> None:
        self._state = state
        self._table: pd.DataFrame | None = None
        self._lock = threading.Lock()

    def table(self) -> pd.DataFrame:
        if self._table is None:
            with self._lock:
                if self._table is None:
                    self._table = self._state.table()
        return self._table


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A feed at one moment; never changes. ``version`` grows with every change of anything in it.

    ``status``: *connecting* (first attempt, under 5 seconds), *live*, *stale* (connected, but silent for
    oddly long), *reconnecting* (lost a moment ago), *failed* (not reached; tried again at ``next_try_at``
    unless that is None), *stopped*. ``message`` says it in a sentence or two, with the reason,
    and leaves the time of the next attempt, and of what was missed, to the reader's clock.
    ``gaps``: ``[start, end)`` of candles that were missed and not got since. All times are UTC.
    """

    version: int
    status: Status
    message: str
    forming: bool
    price: float | None
    last_message_at: pd.Timestamp | None
    connected_at: pd.Timestamp | None
    next_try_at: pd.Timestamp | None
    gaps: tuple[tuple[pd.Timestamp, pd.Timestamp], ...]
    synthetic: bool
    lazy: Lazy = field(repr=False, compare=False)

    @property
    def table(self) -> pd.DataFrame:
        """The closed candles and, when ``forming``, the forming one last. Built once a version and
        shared between sessions; a caller's own view of it, so that no reader can change another's."""
        return self.lazy.table().copy(deep=False)
