"""The chart: a view of candles, and the component that shows it.

``ChartView``, ``Line``, ``Pane``, ``Marker`` and ``view_of`` describe a picture and are pure;
``candle_chart`` draws it on a page and sends the browser only what changed.
"""

from lib.chart.component import ChartEvents, candle_chart, chart_events
from lib.chart.view import ChartView, Line, Marker, Pane, filled_spans, precision_of, view_of

__all__ = [
    "ChartEvents",
    "ChartView",
    "Line",
    "Marker",
    "Pane",
    "candle_chart",
    "chart_events",
    "filled_spans",
    "precision_of",
    "view_of",
]
