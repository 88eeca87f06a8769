"""Bars merged into a stored partition, or taken out of it, and what of it differs then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from lib.candles import COLUMNS, merge, micros
from lib.series import Series
from lib.store import layout
from lib.store.cache import Blocks
from lib.store.encoding import NOTHING, Block, from_arrow, replace_span, times_of, to_arrow
from lib.store.files import Tag
from lib.store.manifest import Written
from lib.store.pyramid import Span

__all__ = ["Pieces", "Splice", "merged", "observed", "spliced"]

Array = np.ndarray[Any, Any]
# Of each table of a write, by its number, what that did; and its bars in one partition.
Counts = dict[int, Written]
Pieces = list[tuple[int, pa.Table]]


@dataclass(frozen=True, slots=True)
class Splice:
    """A partition with its pieces merged into it, not yet put in place."""

    name: str
    table: pa.Table
    expect: Tag
    generation: int
    written: Counts
    stored: Block | None
    span: Span | None  # first and last open that differ from what is stored; None: none does


def spliced(blocks: Blocks, series: Series, name: str, pieces: Pieces, newest: list[int | None]) -> Splice:
    """The pieces one after the other: only what is stored between a piece's first and last bar is merged; the
    rest is taken over. ``newest`` has for each table the newest bar of the series before it."""
    found = blocks.open(layout.level_path(series, series.timeframe, name))
    table, tag, generation = (
        (found[0].arrow(), found[1], found[0].generation) if found else (NOTHING, None, 0)
    )
    counts: Counts = {}
    spans = []
    for number, piece in pieces:
        times = times_of(piece)
        first, last = int(times[0]), int(times[-1])
        lo, hi = np.searchsorted(times_of(table), [first, last + 1])
        written, span, both = merged(table.slice(lo, hi - lo), piece, newest[number])
        table = replace_span(table, both, first, last + 1) if len(table) else piece
        counts[number] = counts.get(number, Written()) + written
        spans += [span] if span else []
    whole = (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None
    if pieces:  # else its bars stay as they are
        generation += 1
    return Splice(name, table, tag, generation, counts, found[0] if found else None, whole)


def observed(blocks: Blocks, series: Series, name: str, start: int, end: int) -> Splice | None:
    """A partition without its filled bars in ``[start, end)`` µs; None where there is none."""
    found = blocks.open(layout.level_path(series, series.timeframe, name))
    if found is None:
        return None
    block, tag = found
    table = block.arrow()
    times = times_of(table)
    out = table.column("filled").to_numpy() & (times >= start) & (times < end)
    span = (int(times[out][0]), int(times[out][-1])) if out.any() else None
    kept = table.filter(pa.array(~out)).combine_chunks()
    counts = {0: Written(changed=int(out.sum()))}
    return Splice(name, kept, tag, block.generation + 1, counts, block, span)


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
