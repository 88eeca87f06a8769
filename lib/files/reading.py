"""The stages in a row: :func:`inspect` shows how a file would be read, :func:`read` gives its candles."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lib.files.finishing import at_open, finish, localise, refused, remedy, told
from lib.files.loading import rows_of
from lib.files.model import Choices, FileCandles, Reading
from lib.files.parts import join
from lib.files.plan import Plan, make_plan
from lib.files.questions import ask
from lib.files.rows import Rows
from lib.timeframes import Timeframe

__all__ = [
    "Rows", "ask", "at_open", "closed_only", "finish", "inspect", "localise", "read", "refused", "remedy", "rows_of",
    "told",
]  # fmt: skip


def inspect(name: str, data: bytes | Path, choices: Choices | None = None) -> Reading:
    """How the file would be read: its first lines and every inference. Nothing is stored or checked.

    Costs a look at the first 48 kB, and a scan for its encoding. Raises ``FileRefused`` for what cannot
    be a file of candles at all; what must be asked is in ``Reading.questions``.
    """
    return make_plan(name, data, choices or Choices()).reading


def read(name: str, data: bytes | Path, choices: Choices | None = None) -> FileCandles:
    """The candles of a file, conformed.

    Raises ``FileRefused`` (``fields``: file, line, findings, question) for what cannot be read, and
    ``CandlesRefused`` (with the report) for candles that break the rules; both name the line. A text
    is read on all cores: a million clean rows take about one and a half times what Arrow's own reader does, and
    twice the file's size of memory.
    """
    plan = make_plan(name, data, choices or Choices())
    if plan.more:
        return finish(plan, join(plan, [_settled(each) for each in (plan, *plan.more)]))
    return finish(plan, _settled(plan))


def _settled(plan: Plan) -> Rows:
    ask(plan)
    rows = rows_of(plan)
    return rows if plan.times.utc else localise(rows, plan.zone)


def closed_only(table: pd.DataFrame, timeframe: Timeframe, now: pd.Timestamp | None = None) -> pd.DataFrame:
    """The candles whose time is over; the newest in a file may still be forming when it was written.
    Only these go to the store. ``now`` defaults to the clock's."""
    now = pd.Timestamp.now(tz="UTC") if now is None else now
    end = len(table)
    while end and timeframe.after(table.index[end - 1]) > now:
        end -= 1
    return table.iloc[:end]
