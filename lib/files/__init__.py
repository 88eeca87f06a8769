"""Files in: any file of candles or ticks becomes a candle table, or is refused with the line and the reason.

The stages, each a module that can be used and tested alone; a folder for each kind of question::

    packed/      what a file is packed in
      containers    bytes or a path -> the tables in it            gzip, zip ... told by content, bounded
      unpacking     large packed files, to a file beside
      formats       those that are known and not read
      extents       what would grow beyond all bounds, told before it is read
    documents/   files that are no plain text of rows
      documents     JSON -> text                                   (parsing: to values; records; wrapped; slices; deltas; jsonlines)
      workbooks     Excel and OpenDocument -> text                 (sheetcells: what its cells stand for)
      markup        tables of web pages -> text
      tables        Parquet, Arrow -> typed columns                (nested: columns within columns)
    texts/       plain text, and where the table is in it
      text          bytes -> UTF-8                                 encodings, byte order marks
      dialects      cells wrapped in marks of their own, dates in several columns -> plain text
      layout        text -> delimiter, header, first row           from a sample of the head (storeys: of several lines)
      grid          typed columns by Arrow, or texts with the line of each row
      leftovers     comments, totals and empty days, left out and said so
      blocks, pieces, parallel, bulk    large texts, block by block
    columns/     which column is which, and the figures in them
      columns       names and sample -> which column is which      (words: names in many languages; roles; named,
                    placed, timed; price_orders: told by the figures; cells: what one cell can be)
      sides         candles of both sides
      symbols       which of several symbols in a column           (names: what the file's name suggests)
      numbers       texts -> float64                               decimal marks, thousands, suffixes
      scales        prices written as points: by what to divide them
    times/       texts and counts to UTC
      times         texts or counts -> times                       decided over the whole column
                    (fields: year, month, day ...; tokens: runs of digits; fixed: all of one shape; months: names;
                     sixdigits: dates without a century; eras: other calendars; fractions of days)
      zones         wall clocks -> UTC                             with the changes of the clocks
      offsets, beside   offsets, or counts of UTC, in a column beside local times
      timing        which of these the times of a table need
      offgrid       candles stamped a little late, and the buckets they belong to
    ticks/       quotes and trades, and the candles made of them

    opening       the stages up to layout, for any kind of file
    unfinished    candles that a column calls so
    plan          all of these for one table (planned), as inferences that the reader can override
    questions     what the content does not decide
    loading       plan -> rows (typed by Arrow, or as texts to explain a fault)
    parts         several tables of one series, joined
    finishing     rows -> UTC -> ``candles.conform``, or a refusal that lists the faults
    reading       all of it
    streaming     the same for files of any size, in bounded memory (runs: sorted on disk; totals: what is told of all)
"""

from lib.files.columns.names import suggest_symbol
from lib.files.model import Choices, FileCandles, Inference, Reading
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
