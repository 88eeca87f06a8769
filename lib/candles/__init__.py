"""The candle table: the one thing everything passes.

A **candle table** is a DataFrame indexed by ``time`` (``datetime64[us, UTC]``, the bar's OPEN time,
strictly ascending, unique) with float64 columns ``open high low close volume``; volume is NaN where
the source has none. A **kept table** has three more columns, its provenance: ``origin`` (str: where the
bar came from), ``fetched_at`` (``datetime64[us, UTC]``) and ``filled`` (bool: made up to close a gap).

Everything that enters passes one door, :func:`conform`. Nothing is repaired, nothing is invented.
"""

from __future__ import annotations

from lib.candles.door import conform, conform_clean
from lib.candles.merging import merge, resample
from lib.candles.report import Conformed, Finding, Report
from lib.candles.rules import figures_fine
from lib.candles.table import (
    COLUMNS,
    PRICES,
    PROVENANCE,
    empty,
    from_micros,
    micros,
    require,
    with_provenance,
)  # fmt: skip

__all__ = [
    "COLUMNS", "PRICES", "PROVENANCE", "Conformed", "Finding", "Report", "conform", "conform_clean", "empty",
    "figures_fine", "from_micros", "merge", "micros", "require", "resample", "with_provenance",
]  # fmt: skip
