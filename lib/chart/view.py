"""What a chart shows: candles, lines over and under them, markers. Pure; knows no browser.

A :class:`ChartView` is made anew for every run of a page and compared with the one last sent
(``lib.chart.payload``); only what differs goes to the browser. ``identity`` says which picture it is:
another identity is another chart, with the view set afresh; the same identity keeps the reader's zoom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lib.errors import InternalError
from lib.series import Series
from lib.timeframes import Timeframe

__all__ = ["ChartView", "Line", "Marker", "Pane", "filled_spans", "precision_of", "view_of"]

Span = tuple[pd.Timestamp, pd.Timestamp]

PRICE_PANE = "price"
_KINDS = ("line", "histogram", "dots")
# More decimals than this are noise of float arithmetic, in every market seen.
_MOST_DECIMALS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """Values drawn along the candles.

    ``values`` is float64, one per candle, NaN where there is none. ``kind`` is ``line``, ``dots`` or
    ``histogram`` (coloured by sign). ``shift`` draws the value of bar i at bar i + shift.
    ``color_index`` picks from the chart's palette. Lines that follow each other with the same ``group``
    are named by it once, and ``label`` says which of them each is.
    """

    id: str
    label: str
    values: np.ndarray[Any, Any]
    pane: str = PRICE_PANE
    kind: str = "line"
    shift: int = 0
    color_index: int = 0
    group: str = ""


@dataclass(frozen=True, slots=True)
class Pane:
    """A pane under the price pane, with dashed ``levels`` (30 and 70 for an RSI)."""

    id: str
    title: str
    levels: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """A small flag at a candle: a split, a trade. ``kind``: ``flag``, ``buy`` or ``sell``."""

    time: pd.Timestamp
    text: str
    kind: str = "flag"


@dataclass(frozen=True, slots=True, eq=False)
class ChartView:
    """One picture. ``candles`` is a candle table; ``forming`` says that its last candle is still open.

    ``precision`` counts the decimals of prices. ``zone`` is an IANA name, None for the reader's own.
    ``focus`` is the range shown at first, and again whenever it changes; without one the newest candles
    are shown. ``follow`` keeps the newest candle in sight while the reader has not scrolled away.
    ``has_older`` and ``has_newer`` let the browser ask for candles before the first and after the last.
    ``gaps`` are [start, end) ranges without candles, drawn as a break, and ``gap_notes`` what is said of each
    at the crosshair (one for each gap, or none at all); ``filled`` are [start, end) ranges
    whose candles were filled in and not observed, drawn hollow and without colour.
    """

    identity: str
    candles: pd.DataFrame
    timeframe: Timeframe
    lines: tuple[Line, ...] = ()
    panes: tuple[Pane, ...] = ()
    markers: tuple[Marker, ...] = ()
    precision: int = 2
    zone: str | None = None
    log: bool = False
    volume: bool = True
    has_older: bool = False
    has_newer: bool = False
    focus: Span | None = None
    follow: bool = False
    title: str = ""
    forming: bool = False
    gaps: tuple[Span, ...] = ()
    gap_notes: tuple[str, ...] = ()
    filled: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        if self.gap_notes and len(self.gap_notes) != len(self.gaps):
            raise InternalError(f"{len(self.gap_notes)} notes for {len(self.gaps)} gaps.")
        known = {PRICE_PANE, *(pane.id for pane in self.panes)}
        for line in self.lines:
            if len(line.values) != len(self.candles):
                raise InternalError(
                    f"The line {line.id!r} has {len(line.values)} values for {len(self.candles)} candles."
                )
            if line.pane not in known:
                raise InternalError(f"The line {line.id!r} names a pane {line.pane!r} that is not there.")
            if line.kind not in _KINDS:
                raise InternalError(
                    f"The line {line.id!r} is of the kind {line.kind!r}, not one of {_KINDS}."
                )


def filled_spans(candles: pd.DataFrame, timeframe: Timeframe) -> tuple[Span, ...]:
    """The runs of filled candles as [start, end) ranges: from the boolean column ``filled`` that the store
    gives with the provenance; none where the table has no such column. O(n)."""
    if "filled" not in candles.columns:
        return ()
    mask = candles["filled"].to_numpy(bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False]))))
    index = candles.index
    return tuple(
        (index[low], timeframe.after(index[high - 1]))
        for low, high in zip(edges[::2], edges[1::2], strict=True)
    )


def precision_of(candles: pd.DataFrame) -> int:
    """Decimals that 9 of 10 of the newest 500 closes need: from 2 up to seven digits in all, at most 10."""
    closes = candles["close"].to_numpy(float)[-500:]
    closes = closes[np.isfinite(closes) & (closes > 0)]
    if not len(closes):
        return 2
    most = int(np.clip(6 - np.floor(np.log10(np.median(closes))), 2, _MOST_DECIMALS))
    for decimals in range(2, most):
        scaled = closes * 10.0**decimals
        if np.mean(np.abs(scaled - np.round(scaled)) <= 1e-9 * np.maximum(1.0, scaled)) > 0.9:
            return decimals
    return most


def view_of(
    series: Series | str,
    candles: pd.DataFrame,
    timeframe: Timeframe,
    picks: Iterable[Any] = (),
    values: pd.DataFrame | None = None,
    **options: Any,
) -> ChartView:
    """The view of a series with its indicators.

    ``picks`` are ``lib.indicators.Pick``s and ``values`` what ``lib.indicators.compute`` made of them,
    indexed as ``candles``. ``options`` go to :class:`ChartView`. Which pane, kind, label and levels an
    output has comes from the registry. Raises ``UnknownName`` for a pick that is not in it.
    """
    lines: list[Line] = []
    panes: list[Pane] = []
    picks = tuple(picks)
    if picks:
        if values is None:
            raise InternalError("A view with indicators needs their values.")
        overlays = 0
        for pick in picks:
            made, pane = _lines_of(pick, values, overlays)
            lines += made
            if pane is not None:
                panes.append(pane)
            else:
                overlays += len(made)
    options.setdefault("precision", precision_of(candles))
    options.setdefault("title", f"{series.symbol} ({series.source})" if isinstance(series, Series) else "")
    identity = series.slug if isinstance(series, Series) else series
    return ChartView(identity, candles, timeframe, tuple(lines), tuple(panes), **options)


def _lines_of(pick: Any, values: pd.DataFrame, overlays: int) -> tuple[list[Line], Pane | None]:
    from lib.indicators import REGISTRY

    spec = REGISTRY[pick.name]
    name = str(pick)
    own = spec.pane != PRICE_PANE
    several = len(pick.outputs) > 1
    lines = []
    for at, output in enumerate(pick.outputs):
        column = f"{name}.{output.name}" if several else name
        lines.append(
            Line(
                id=column,
                label=output.label if several else pick.label,
                values=values[column].to_numpy(float),
                pane=name if own else PRICE_PANE,
                kind=output.kind,
                shift=output.shift,
                color_index=at if own else overlays + at,
                group=pick.label if several and not own else "",
            )
        )
    return lines, Pane(name, pick.label, tuple(spec.levels)) if own else None
