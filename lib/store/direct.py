"""Reading without asking for the manifest, where files are far away: on S3 that is a request less.

A window lies in partitions whose names follow from its times. Those of the base are what is stored, whatever the
manifest says. A coarser level may be behind the base, so it is read this way only while a manifest that was asked
for a moment ago says that it is whole.
"""

from __future__ import annotations

from collections.abc import Set

import pandas as pd

from lib.series import Series
from lib.store import layout
from lib.store.cache import Blocks, Manifests
from lib.store.leads import Lead
from lib.store.manifest import Manifest
from lib.store.raising import now_us
from lib.store.windows import Window, cut, joined
from lib.timeframes import Timeframe

__all__ = ["Direct"]

# A manifest's word on the levels is taken for so long, s: about as long as a writer may be at it before others
# finish its work.
_FRESH = 60.0
# µs by which the clock may be wrong
_SKEW = 600_000_000


class Direct:
    """Windows by the one or two partitions that they must lie in."""

    def __init__(self, blocks: Blocks, manifests: Manifests) -> None:
        self._blocks = blocks
        self._manifests = manifests

    def read(self, series: Series, level: Timeframe, window: Window) -> pd.DataFrame | None:
        """A window of a level, or of the base; None where that cannot tell, or would not save a request."""
        seen = self._manifests.last_seen(layout.manifest_path(series))
        base = level == series.timeframe
        if not base and not self._is_whole(series, seen):
            return None
        kind = layout.kind_of(level)
        there = _parts_seen(seen, level, base=base)
        bounded = _until_now(window, kind, there)
        if bounded is None:
            return None
        names = _names_of(kind, bounded)
        paths = [layout.level_path(series, level, name) for name in names]
        # what is held is known to be the newest by asking for the manifest alone
        if not names or (seen is not None and self._blocks.holds(paths[-1])):
            return None
        if seen is None:  # of two, one may not be there, and the manifest had to be asked for too
            sure = window.start is not None and len(names) == 1
            return self._at_once(paths, bounded, None) if sure else None
        if bounded.last is None or not kind:
            known = {path for path, name in zip(paths, names, strict=True) if name in there}
            return self._at_once(paths, bounded, known, seen.born)
        return self._one_by_one(series, level, names, there, bounded, seen.born)

    def _at_once(
        self, paths: list[str], window: Window, there: Set[str] | None, born: str = ""
    ) -> pd.DataFrame | None:
        """What partitions hold of a window; None where one is missing that is ``there`` (None: which are is not
        known), and where none is."""
        tables: list[pd.DataFrame] = []
        for path, block in self._blocks.each(paths, born=born):
            if block is not None:
                tables.append(block.window(*window[:3], provenance=window.provenance))
            elif there is None or path in there:
                return None
        return joined(tables, window.provenance) if tables else None

    def _one_by_one(
        self, series: Series, level: Timeframe, names: list[str], there: Set[str], window: Window, born: str
    ) -> pd.DataFrame | None:
        """The newest ``last`` candles of a window from the newest partition and the one before it; None where
        these are not there, where they do not have as many, or where their leads tell that they will not."""
        kind, left = layout.kind_of(level), window.last or 0
        tables: list[pd.DataFrame] = []
        lead: Lead | None = None
        for name in reversed(names):
            if name not in there or (lead is not None and not _in_one(lead, kind, name, window, left)):
                return None
            [(_, block)] = self._blocks.each([layout.level_path(series, level, name)], born=born)
            if block is None:
                return None
            tables.append(block.window(window.start, window.end, left, provenance=window.provenance))
            left -= len(tables[-1])
            if left <= 0:
                break
            lead = block.lead
        if left > 0 and window.start is None:
            return None
        return joined(tables[::-1], window.provenance)

    def _is_whole(self, series: Series, seen: Manifest | None) -> bool:
        """Whether the levels hold every bucket: on S3 they do, but where a writer is at it or died, and
        after the store was moved from a place that locks."""
        return (
            seen is not None and seen.exists and not seen.pending and seen.tail is None
            and self._manifests.age(layout.manifest_path(series)) < _FRESH
        )  # fmt: skip


def _parts_seen(seen: Manifest | None, level: Timeframe, *, base: bool) -> Set[str]:
    """The partitions of a level that a manifest tells of."""
    if seen is None:
        return set()
    return set(seen.named_parts()) if base else set(seen.levels.get(str(level), ()))


def _until_now(window: Window, kind: layout.Kind, there: Set[str]) -> Window | None:
    """A window with both ends known. One without an end reaches to the newest bar: that lies in the newest
    partition, while the one that was seen is not over, as no bar opens after now."""
    if window.start is None and window.last is None:
        return None
    if window.end is not None:
        return window
    end = layout.part_span(kind, max(there))[1] if there else 0
    return window._replace(end=end) if end > now_us() + _SKEW else None


def _names_of(kind: layout.Kind, window: Window) -> list[str]:
    """The one or two partitions that a window lies in; the last two that it may, where it only says how
    many bars; none where they are more."""
    end = window.end or 0
    first = window.start if window.start is not None else end - 1
    names = layout.parts_between(kind, first, end) if first < end else []
    if window.start is None and kind and names:
        names = layout.parts_between(kind, layout.part_span(kind, names[0])[0] - 1, end)
    return names if len(names) <= 2 else []


def _in_one(lead: Lead, kind: layout.Kind, name: str, window: Window, left: int) -> bool:
    """Whether the partition before another has as many candles of a window, as the other's lead tells."""
    if window.start is not None:
        return True
    found = cut(lead.table, Window(layout.part_span(kind, name)[0], window.end))
    return len(found) >= left or (lead.cut and name == min(lead.of))
