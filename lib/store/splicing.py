"""Bars merged into stored ones, and what of them differs then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.candles import COLUMNS, merge, micros
from lib.store.encoding import from_arrow, times_of, to_arrow
from lib.store.manifest import Written
from lib.store.pyramid import Span

__all__ = ["merged"]

Array = np.ndarray[Any, Any]


def merged(
    stored: pa.Table, piece: pa.Table, newest: int | None = None
) -> tuple[Written, Span | None, pa.Table]:
    """Bars merged into stored ones: what that did, the span that differs now, and what to store. ``newest`` is
    the series' newest bar, which is not revised by a change."""
    times = times_of(piece)
    if not len(stored):
        return Written(added=len(times)), (int(times[0]), int(times[-1])), piece
    old = from_arrow(stored)
    both = merge(old, from_arrow(piece))
    shared = np.isin(times, times_of(stored), assume_unique=True)
    figures, sources, revised = _differences(old, both, times[shared])
    revised &= times[shared] != newest
    differ = np.ones(len(times), bool)
    differ[shared] = figures | sources
    changed = times[differ]
    written = Written(int((~shared).sum()), int(figures.sum()), int((~figures).sum()), int(revised.sum()))
    span = (int(changed[0]), int(changed[-1])) if len(changed) else None
    return written, span, to_arrow(both)


def _differences(old: pd.DataFrame, new: pd.DataFrame, times: Array) -> tuple[Array, Array, Array]:
    """At the given times, which bars have other figures now, and which only another provenance; which of
    the first kind were observed before and are now."""
    before = old.iloc[np.searchsorted(micros(old), times)]
    after = new.iloc[np.searchsorted(micros(new), times)]
    filled = before["filled"].to_numpy(bool) | after["filled"].to_numpy(bool)
    figures = before["filled"].to_numpy(bool) != after["filled"].to_numpy(bool)
    for name in COLUMNS:
        one, other = before[name].to_numpy(), after[name].to_numpy()
        figures |= (one != other) & ~(np.isnan(one) & np.isnan(other))
    sources = pd.DatetimeIndex(before["fetched_at"]).asi8 != pd.DatetimeIndex(after["fetched_at"]).asi8
    sources |= before["origin"].to_numpy(dtype=object) != after["origin"].to_numpy(dtype=object)
    return figures, sources, figures & ~filled
