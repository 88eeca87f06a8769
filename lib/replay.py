"""Replay: a cursor over stored candles, and only what may be seen at it.

The table of a replay may reach past the cursor; what leaves this module never does. Indicators keep
the prefix property (a value at a bar depends on that bar and earlier ones alone), so values computed
once over the whole table and cut at the cursor equal those computed on the bars up to it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pandas as pd

from lib.errors import ReplayError

__all__ = ["SPEEDS", "Clock", "Replay"]

# Bars a second.
SPEEDS: tuple[float, ...] = (0.5, 1, 2, 5, 10, 25, 50, 100)


@dataclass(frozen=True, slots=True)
class Replay:
    """A cursor at bar ``at`` (0-based) of ``candles``; that bar is the last one seen. Immutable."""

    candles: pd.DataFrame
    at: int

    def __post_init__(self) -> None:
        if not len(self.candles):
            raise ReplayError("There is nothing to replay: the series has no candles here.")
        if not 0 <= self.at < len(self.candles):
            raise ReplayError(
                f"Bar {self.at + 1:,} is not in this series.",
                remedy=f"It has bars 1 to {len(self.candles):,}.",
                at=self.at,
            )

    @classmethod
    def from_time(cls, candles: pd.DataFrame, time: pd.Timestamp) -> Replay:
        """Start at the last bar that opened at or before ``time`` (tz-aware); the first where none did.

        Raises ``ReplayError`` when there are no bars.
        """
        if not len(candles):
            raise ReplayError("There is nothing to replay: the series has no candles here.")
        at = int(candles.index.searchsorted(time, side="right")) - 1
        return cls(candles, max(at, 0))

    @classmethod
    def anywhere(cls, candles: pd.DataFrame, rng: random.Random, *, margin: float = 0.1) -> Replay:
        """Start at a bar drawn at random, with ``margin`` of the series kept on either side of it."""
        if not len(candles):
            raise ReplayError("There is nothing to replay: the series has no candles here.")
        edge = int(len(candles) * margin)
        return cls(candles, rng.randint(edge, max(edge, len(candles) - 1 - edge)))

    @property
    def seen(self) -> pd.DataFrame:
        """The bars up to and with the cursor: all that may be shown. O(1), a view."""
        return self.candles.iloc[: self.at + 1]

    @property
    def time(self) -> pd.Timestamp:
        """Open of the bar at the cursor."""
        return self.candles.index[self.at]

    @property
    def progress(self) -> float:
        """0 at the first bar, 1 at the last."""
        return self.at / (len(self.candles) - 1) if len(self.candles) > 1 else 1.0

    @property
    def ended(self) -> bool:
        return self.at == len(self.candles) - 1

    def step(self, bars: int = 1) -> Replay:
        """Move by ``bars`` (negative: back), stopping at either end."""
        return self.seek(self.at + bars)

    def seek(self, at: int) -> Replay:
        """Move to bar ``at``, or to the nearest end."""
        return replace(self, at=min(max(at, 0), len(self.candles) - 1))


@dataclass(frozen=True, slots=True)
class Clock:
    """Turns elapsed seconds into whole bars at ``speed`` bars a second, losing none: the part of a bar
    that is left over is carried in ``owed``. ``since`` is a monotonic time in seconds."""

    speed: float
    since: float
    owed: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.speed <= 1000:
            raise ReplayError(
                f"A speed of {self.speed} is not possible.", remedy="Pick 0.5 to 100 bars a second."
            )

    def due(self, now: float) -> tuple[int, Clock]:
        """Bars due at ``now``, and the clock to ask next. A pause of the browser (a hidden tab) of more
        than 5 seconds counts as one second: a replay does not leap ahead unseen."""
        elapsed = max(0.0, now - self.since)
        exact = self.owed + self.speed * (elapsed if elapsed <= 5 else 1.0)
        bars = int(exact)
        return bars, Clock(self.speed, now, exact - bars)

    @property
    def period(self) -> float:
        """Seconds between looks: one bar at a time while that is slower than four looks a second."""
        return max(0.25, min(1 / self.speed, 2.0))
