"""Files in: any file of candles or ticks becomes a candle table, or is refused with the line and the reason.

The stages, each a module that can be used and tested alone::

    containers    bytes or a path -> the tables in it            gzip, zip ... told by content, bounded
    formats       those that are known and not read
    documents, workbooks   JSON, Excel and OpenDocument -> text    (parsing: JSON text -> values; records)
    markup        tables of web pages -> text
    extents       what would grow beyond all bounds, told before it is read
    tables        Parquet, Arrow -> typed columns                 (nested: structs, and lists as rows)
    text          bytes -> UTF-8                                 encodings, byte order marks
    dialects      cells wrapped in marks of their own, dates in several columns -> plain text
    layout        text -> delimiter, header, first row           from a sample of the head (storeys: of several lines)
    columns       names and sample -> which column is which      (words: names in many languages; roles;
                  named_columns, placed_columns, time_columns     price_orders: told by the figures)
    sides, ticks  candles of both sides; quotes and trades
    numbers       texts -> float64                               decimal marks, thousands, suffixes
    times         texts or counts -> times                       decided over the whole column
                  (fields: year, month, day ...; tokens: runs of digits; fixed: all of one shape; months: names;
                   sixdigits: dates without a century)
    zones         wall clocks -> UTC                             with the changes of the clocks
    opening       the stages up to layout, for any kind of file
    unfinished    candles that a column calls so
    beside        counts of UTC beside local times
    symbols       which of several symbols in a column
    scales        prices written as points: by what to divide them
    timing        which of these the times of a table need
    plan          all of these for one table (planned), as inferences that the reader can override
    questions     what the content does not decide
    loading       plan -> rows (typed by Arrow, or as texts to explain a fault)
    grid          typed columns by Arrow, or texts with the line of each row
    leftovers     comments, totals and empty days, left out and said so
    parts         several tables of one series, joined
    offgrid       candles stamped a little late, and the buckets they belong to
    finishing     rows -> UTC -> ``candles.conform``, or a refusal that lists the faults
    reading       all of it
    streaming     the same for files of any size, in bounded memory
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
