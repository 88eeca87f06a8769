"""Files in: any text file of candles becomes a candle table, or is refused with the line and the reason.

The stages, each a module that can be used and tested alone::

    containers   bytes or a path -> the bytes of the text      gzip or plain, told by content, bounded
    text         bytes -> UTF-8                                 encodings, byte order marks
    layout       text -> delimiter, header, first row           from a sample of the head
    columns      names and sample -> which column is which
    numbers      texts -> float64                               decimal marks, thousands, suffixes
    times        texts or counts -> times                       decided over the whole column
                 (fields: year, month, day ...; tokens: runs of digits; fixed: all of one shape)
    zones        wall clocks -> UTC                             with the changes of the clocks
    plan         all of these for one file, as inferences that the reader can override
    grid         typed columns by Arrow, or texts with the line of each row
    reading      plan -> rows (typed by Arrow, or as texts to explain a fault) -> ``candles.conform``
"""

from lib.files.model import Choices, FileCandles, Inference, Reading
from lib.files.names import suggest_symbol
from lib.files.reading import closed_only, inspect, read

__all__ = [
    "Choices",
    "FileCandles",
    "Inference",
    "Reading",
    "closed_only",
    "inspect",
    "read",
    "suggest_symbol",
]
