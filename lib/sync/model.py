"""What a download tells while it runs, and what it did."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

__all__ = ["Outcome", "Progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is. ``done`` never falls; everything before ``until`` has been dealt with;
    ``rate`` is in candles a second; ``eta_seconds`` is None until there is something to judge by;
    ``note`` says what is being waited for."""

    done: float = 0.0
    candles: int = 0
    requests: int = 0
    until: pd.Timestamp | None = None
    rate: float = 0.0
    eta_seconds: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a download did to the store. ``first`` and ``last`` are the opens of what arrived, None where
    nothing did. ``cancelled``: it was stopped before the end; what had arrived is stored. ``refused`` rows
    broke a rule and were left out, so their candles are missing; ``reasons`` has the first 20 of them.
    ``recovered`` candles had been kept by a download that was killed, and were merged before this one.
    ``revised`` of the changed candles had been observed otherwise before, and were not the newest. ``note`` says
    where a series that came from elsewhere is now gone on with."""

    added: int = 0
    changed: int = 0
    requests: int = 0
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None
    cancelled: bool = False
    refused: int = 0
    reasons: tuple[str, ...] = ()
    recovered: int = 0
    revised: int = 0
    note: str = ""
