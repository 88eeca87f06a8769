"""Candles of any interface of the common shape: a GET with symbol, timeframe, start, end and limit, a key in
a header, rows as lists or objects. What differs from one to the next is a setting: see
:class:`lib.settings.DataApi`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pandas as pd

from lib import settings
from lib.candles import COLUMNS
from lib.errors import BadAnswer, CandlebookError, InputError, UnknownName
from lib.sources.batch import Ask, Batch, admit
from lib.sources.failures import as_json
from lib.sources.http import CONNECT_SECONDS, READ_SECONDS, Answer, Http
from lib.sources.limits import Clock, Limiter, limiter
from lib.sources.reading import lists_in, member, objects, rows_table, told_error
from lib.sources.walk import Rest
from lib.timeframes import Timeframe, from_us, parse

__all__ = ["ByKey", "parse_rows", "parse_symbols"]

_KEY, _BASE = "DATA_API_KEY", "DATA_API_BASE"
_WHERE = f"Whoever runs the interface gives one; its address goes into {_BASE}."
_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_WHO = "The interface"


class ByKey(Rest):
    """An OHLCV interface at DATA_API_BASE, with the key in DATA_API_KEY."""

    name = "data-api"
    title = "OHLCV by key"
    docs = "https://en.wikipedia.org/wiki/Open-high-low-close_chart"
    may_cut = True
    newest = False  # which candles a limit cuts off differs: no more are asked for than fit
    earliest = 946_684_800_000_000  # 2000
    spelling = "Its symbols are those of the interface at DATA_API_BASE."

    def __init__(
        self,
        base_url: str | None = None,
        *,
        clock: Clock | None = None,
        timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    ) -> None:
        self._api = api = settings.data_api()
        base = base_url or api.base
        self._spelt = {parse(ours): theirs for ours, theirs in api.timeframes.items()}
        self.timeframes = tuple(sorted(self._spelt, key=lambda one: one.seconds))
        self.page = api.limit
        key = f"{base} {api.per_minute}"
        budget = limiter(self.name, key, lambda: Limiter(self.title, api.per_minute, clock))
        super().__init__(base, budget.clock)
        self._http = Http(
            self.title,
            base or "http://unset.invalid",
            budget,
            secret=dict if api.query else lambda: {api.header: f"{api.scheme} {_key(base)}".strip()},
            query=(lambda: {api.query: _key(base)}) if api.query else dict,
            explain=_explain,
            remedies={401: f"Check {_KEY}, DATA_API_HEADER and DATA_API_SCHEME."},
            timeouts=timeouts,
        )

    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        if ask.start is None or ask.end is None:
            raise InputError("The interface is asked for ranges with both ends.")
        spelt = self._spelt[timeframe]
        values: dict[str, str | int] = {
            "symbol": symbol, "timeframe": spelt, "start": self._time(ask.start + 999_999),
            # whether the end belongs to the range differs: in the last second, no candle opens
            "end": self._time(ask.end - 1), "limit": ask.limit,
        }  # fmt: skip
        path = self._api.path
        for name in ("symbol", "timeframe"):
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", quote(str(values.pop(name)), safe=""))
        return self._http.get(
            path,
            {self._api.params[name]: value for name, value in values.items()},
            read=lambda body: admit(
                parse_rows(body, self._api.rows, self._api.columns), self.title, symbol, timeframe
            ),
            stop=stop,
            patience=patience,
        )

    def _time(self, us: int) -> str | int:
        """Whole seconds, in the unit of the settings."""
        whole = us // 1_000_000 * 1_000_000
        if self._api.time == "iso":
            return f"{from_us(whole):%Y-%m-%dT%H:%M:%SZ}"
        return whole // _UNITS[self._api.time]

    def _load(self, patience: float) -> tuple[str, ...]:
        given = self._api.symbols
        if not given.startswith("/"):
            return tuple(sorted({word.strip() for word in given.split(",") if word.strip()}))
        return self._http.get(given, {}, read=parse_symbols, patience=patience).value


def _key(base: str) -> str:
    key = settings.secret(_KEY, _WHERE)
    if not base:
        settings.address(_BASE)
    return key


def parse_rows(
    body: bytes, way: Sequence[str] = (), names: Sequence[str] = ("time", *COLUMNS)
) -> pd.DataFrame:
    """The rows of an answer as they came: ``time`` (datetime64[us, UTC]), ``open high low close`` and, where
    they have it, ``volume`` (float64). ``way`` leads to the rows in nested objects; without it they are
    the answer itself or the only list in it, or each column is a list. ``names`` are those of the fields of time,
    open, high, low, close, volume in rows that are objects, and of the columns; in rows that are lists, whose order they tell by these very words.

    >>> parse_rows(b'[[1711929600, 1, 3, 0.5, 2, 10]]')["close"].tolist()
    [2.0]
    >>> parse_rows(b'{"data":[{"t":"2024-04-01","o":1,"h":3,"l":0.5,"c":2}]}', (), "tohlc")["high"].tolist()
    [3.0]

    Raises ``BadAnswer`` where the shape is another, ``RateLimited`` or ``InputError`` for an error that is
    told in place of rows.
    """
    rows = _rows(as_json(body), way, names)
    if rows and isinstance(rows[0], Mapping):
        fields = dict(zip(("time", *COLUMNS), names, strict=False))
        found = objects(rows, [fields[name] for name in ("time", *COLUMNS[:4])])
        volume = fields.get("volume")
        columns = {name: [row[fields[name]] for row in found] for name in COLUMNS[:4]}
        if volume and any(volume in row for row in found):
            columns["volume"] = [row.get(volume) for row in found]
        return rows_table([row[fields["time"]] for row in found], columns)
    order = {word: at for at, word in enumerate(names)}
    if not {"time", *COLUMNS[:4]} <= set(order):
        order = {word: at for at, word in enumerate(("time", *COLUMNS))}
    least = max(order[name] for name in ("time", *COLUMNS[:4])) + 1
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) < least:
            raise BadAnswer(f"Row {number} of {len(rows)} is no candle: {str(row)[:80]}.", row=number)
    has_volume = "volume" in order and all(len(row) > order["volume"] for row in rows)
    kept = COLUMNS if has_volume else COLUMNS[:4]
    return rows_table(
        [row[order["time"]] for row in rows], {k: [row[order[k]] for row in rows] for k in kept}
    )


def parse_symbols(body: bytes) -> tuple[str, ...]:
    """A list of symbols, sorted: plain names, or objects with a ``symbol`` or ``name``, alone or under a name.

    >>> parse_symbols(b'{"symbols":["XAUUSD",{"symbol":"EURUSD","digits":5}]}')
    ('EURUSD', 'XAUUSD')
    """
    listed = _rows(as_json(body), ())
    return tuple(sorted(one if isinstance(one, str) else str(_named(one)) for one in listed))


def _turned(columns: Mapping[str, list[Any]], names: Sequence[str]) -> list[Any]:
    """Columns, each a list under its name, as rows."""
    if len({len(columns[name]) for name in names}) > 1:
        raise BadAnswer(f"The columns of the answer are not equally long: {str(columns)[:80]}.")
    return [
        dict(zip(names, row, strict=True)) for row in zip(*(columns[name] for name in names), strict=True)
    ]


def _named(one: Any) -> Any:
    return (
        one["name"]
        if isinstance(one, Mapping) and "symbol" not in one and "name" in one
        else member(one, "symbol")
    )


def _rows(found: Any, way: Sequence[str], names: Sequence[str] = ()) -> list[Any]:
    if (problem := told_error(found, _WHO)) is not None:
        raise problem
    if way:
        found = member(found, *way)
    if names and isinstance(found, Mapping) and all(isinstance(found.get(name), list) for name in names[:5]):
        return _turned(found, [name for name in names if isinstance(found.get(name), list)])
    lists = [found] if isinstance(found, list) else lists_in(found)
    if len(lists) != 1:
        raise BadAnswer(
            f"The answer has {len(lists)} lists that may be the rows: {str(found)[:80]}.",
            remedy="DATA_API_ROWS names the way to the one that is meant, as in data.candles.",
        )
    return lists[0]


def _explain(status: int, body: Any) -> CandlebookError | None:
    problem = told_error(body, _WHO)
    return problem if isinstance(problem, UnknownName) and status in (400, 404, 422) else None
