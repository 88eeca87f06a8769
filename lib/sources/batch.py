"""One request for candles and its answer, as adapters and the walk through a range pass them on."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lib.candles import Finding, conform, micros
from lib.errors import BadAnswer, CandlesRefused
from lib.timeframes import Timeframe, to_us

__all__ = ["Ask", "Batch", "Spoilt", "admit"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for candles: those that open in ``[start, end)`` (µs since 1970), at most ``limit``.
    Without ``start`` the newest are meant, without ``end`` the oldest from ``start`` on."""

    start: int | None
    end: int | None
    limit: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One answer: a candle table, how many ``rows`` it was made of, and a sentence for each of the rows that
    were ``refused``. ``complete`` says whether the last candle is closed, None where the provider does not
    say; ``last`` is the open of the last row, a refused one too."""

    table: pd.DataFrame
    rows: int
    complete: bool | None = None
    last: int | None = None
    refused: tuple[str, ...] = ()


class Spoilt(BadAnswer):
    """Some rows cannot be; ``batch`` is the rest."""

    def __init__(self, message: str, batch: Batch) -> None:
        super().__init__(message)
        self.batch = batch


def admit(raw: pd.DataFrame, title: str, symbol: str, timeframe: Timeframe) -> Batch:
    """What a parser made of an answer, through the door of the candle table. A column ``complete``
    (bool) may say which candles are closed. Raises ``BadAnswer`` naming the first row that cannot be."""
    complete = None
    if "complete" in raw.columns and raw["time"].notna().any():
        complete = bool(raw["complete"].iloc[int(raw["time"].argmax())])
    try:
        table = conform(raw, timeframe).table
    except CandlesRefused:
        made = conform(raw, timeframe, bad_rows="drop")
        found = made.report.findings
        where = "" if found[0].time is None else f" Its time is {found[0].time:%Y-%m-%d %H:%M:%S} UTC."
        why = f"{title} sent {symbol} {timeframe} candles that cannot be: {made.report.sentence()}{where}"
        opens = micros(made.table).tolist()
        last = max([*opens[-1:], *(to_us(one.time) for one in found if one.time is not None)], default=None)
        if complete is not None and opens and last != opens[-1]:
            complete = True  # what was said of the last row was said of one that is left out
        by_row = {one.row: one for one in reversed(found)}  # the first of each
        refused = tuple(_sentence(by_row[row]) for row in sorted(by_row))
        raise Spoilt(why, Batch(made.table, len(raw), complete, last, refused)) from None
    return Batch(table, len(raw), complete, int(micros(table)[-1]) if len(table) else None)


def _sentence(found: Finding) -> str:
    when = "no time" if found.time is None else f"{found.time:%Y-%m-%d %H:%M:%S} UTC"
    return f"{when}: {found.message}"
