"""API Massive candles and ticks over REST: metals and currencies.

Facts from its description: ``GET /api/v1/symbols``, ``GET /api/v1/candles/{symbol}`` with ``timeframe`` (M1 to
D1), ``start``, ``end`` (ISO 8601) and ``limit``, ``POST /api/v1/candles/batch``, ``GET /api/v1/tick/{symbol}``;
``volume`` may be absent and is 0 then. A plan allows so many requests a minute, candles a request and years
of history: 10, 1,000 and 1 (Free); 60, 5,000 and 5 (Basic); 300, 50,000 and all (Pro).

The body of a batch and the fields of a tick are described nowhere that could be found, so these two are guesses, and
no page or command uses them. A batch is sent as
``{"requests": [{symbol, timeframe, start, end, limit}]}``, and its answer read as a list of the answers of
single calls, under any name, each of which may be an error.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd

from lib import settings
from lib.candles import COLUMNS, PRICES
from lib.errors import BadAnswer, CandlebookError, InputError, UnknownName
from lib.sources import catalog
from lib.sources.batch import Ask, Batch, admit
from lib.sources.failures import as_json
from lib.sources.http import CONNECT_SECONDS, READ_SECONDS, Answer, Http
from lib.sources.limits import Clock, Limiter, limiter
from lib.sources.reading import floats, instants, member, objects, rows_table, told_error
from lib.sources.walk import Rest
from lib.timeframes import Timeframe, from_us, parse, to_us

__all__ = ["Massive", "Part", "parse_batch", "parse_candles", "parse_symbols", "parse_ticks"]

_TIMEFRAMES = {parse(text): text for text in "M1 M5 M15 M30 H1 H4 D1".split()}
_KEY, _BASE = "CANDLEBOOK_MASSIVE_KEY", "CANDLEBOOK_MASSIVE_REST"
_WHERE = f"API Massive gives one with a plan; its address goes into {_BASE}."
_DAY = 86_400_000_000


class Part(NamedTuple):
    """One range of a batch."""

    symbol: str
    timeframe: Timeframe
    start: pd.Timestamp
    end: pd.Timestamp


class Massive(Rest):
    """API Massive, with the key in CANDLEBOOK_MASSIVE_KEY, its address in CANDLEBOOK_MASSIVE_REST and the
    plan (Free, Basic, Pro) in CANDLEBOOK_MASSIVE_PLAN."""

    name = "massive"
    title = "API Massive"
    docs = ""  # it has no public description
    timeframes = tuple(_TIMEFRAMES)
    page: int
    may_cut = True
    newest = False  # which candles a limit cuts off is not described: no more are asked for than fit
    earliest = 946_684_800_000_000  # 2000
    spelling = "API Massive writes its symbols as EURUSD or XAUUSD."

    def __init__(
        self,
        base_url: str | None = None,
        *,
        clock: Clock | None = None,
        timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    ) -> None:
        base = base_url or settings.massive_rest()
        minute, self.page, self._days = settings.massive_plan()
        budget = limiter(self.name, f"{base} {minute}", lambda: Limiter(self.title, minute, clock))
        super().__init__(base, budget.clock)
        self._http = Http(
            self.title,
            base or "http://unset.invalid",
            budget,
            headers={"Content-Type": "application/json"},
            secret=lambda: self._headers(bool(base)),
            explain=_explain,
            remedies={401: f"Check {_KEY}.", 403: "The plan of the key may not include this."},
            timeouts=timeouts,
        )

    @staticmethod
    def _headers(has_base: bool) -> dict[str, str]:
        key = settings.secret(_KEY, _WHERE)
        if not has_base:
            settings.address(_BASE)
        return {"Authorization": f"Bearer {key}"}

    def batch(self, parts: Sequence[Part], *, stop: threading.Event | None = None) -> list[Batch | BadAnswer]:
        """Several ranges by one request, each of no more candles than a request of the plan holds, in the
        order given. A part that failed is its error, and the others stand."""
        sent = [self._params(part.timeframe, to_us(part.start), to_us(part.end), self.page) for part in parts]
        data = {"requests": [{"symbol": part.symbol, **one} for part, one in zip(parts, sent, strict=True)]}

        def read(body: bytes) -> list[Batch | BadAnswer]:
            found = parse_batch(body)
            if len(found) != len(parts):
                raise BadAnswer(f"{len(parts)} ranges were asked for and {len(found)} came.")
            return [
                one if isinstance(one, BadAnswer) else admit(one, self.title, part.symbol, part.timeframe)
                for part, one in zip(parts, found, strict=True)
            ]

        return self._http.post("/api/v1/candles/batch", data, read=read, stop=stop).value

    def ticks(self, symbol: str, start: pd.Timestamp, end: pd.Timestamp, limit: int = 1000) -> pd.DataFrame:
        """Ticks in ``[start, end)``, at most ``limit``: ``time`` (datetime64[us, UTC]) and the figures that
        each has, such as ``bid`` and ``ask`` (float64). One request."""
        params: dict[str, str | int] = {
            "start": _written(to_us(start)), "end": _written(to_us(end)), "limit": limit
        }  # fmt: skip
        try:
            answer = self._http.get(f"/api/v1/tick/{quote(symbol, safe='')}", params, read=parse_ticks)
        except UnknownName as error:
            raise self._unknown(symbol) from error
        table = answer.value
        return table[(table["time"] >= start) & (table["time"] < end)].reset_index(drop=True)

    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        if ask.start is None or ask.end is None:
            raise InputError("API Massive is asked for ranges with both ends.")
        try:
            return self._http.get(
                f"/api/v1/candles/{quote(symbol, safe='')}",
                self._params(timeframe, ask.start, ask.end, ask.limit),
                read=lambda body: admit(parse_candles(body), self.title, symbol, timeframe),
                stop=stop,
                patience=patience,
            )
        except BadAnswer as error:
            if error.fields.get("status") == 404 and self._is_missing(symbol):
                raise UnknownName("There is no such symbol.") from error
            raise

    @staticmethod
    def _params(timeframe: Timeframe, start: int, end: int, limit: int) -> dict[str, str | int]:
        # whether the end belongs to the range is not described: a second before it, no candle opens
        return {
            "timeframe": _TIMEFRAMES[timeframe],
            "start": _written(start + 999_999),
            "end": _written(end - 1),
            "limit": limit,
        }

    def _is_missing(self, symbol: str) -> bool:
        """Whether the list of symbols can be had and has it not: a 404 may mean a wrong address as well."""
        try:
            return symbol not in catalog.listed(self._key, self._clock, lambda: self._load(5.0))
        except CandlebookError:
            return False

    def _load(self, patience: float) -> tuple[str, ...]:
        return self._http.get("/api/v1/symbols", {}, read=parse_symbols, patience=patience).value

    def _oldest(self, timeframe: Timeframe) -> int:
        if not self._days:
            return self.earliest
        # the first midnight that the plan reaches: what it does not may be refused as a whole
        return (int(self._clock.time()) // 86_400 + 1 - self._days) * _DAY


def parse_candles(body: bytes) -> pd.DataFrame:
    """The rows of a candles answer as they came: ``time`` (datetime64[us, UTC]), ``open high low close
    volume`` (float64; 0 where it is absent).

    >>> parse_candles(b'{"candles":[{"timestamp":"2024-04-01T00:00:00Z","open":1.1,"high":1.3,"low":1.0,'
    ...               b'"close":1.2}]}')[["open", "close", "volume"]].to_numpy().tolist()
    [[1.1, 1.2, 0.0]]

    Raises ``BadAnswer`` where the shape is another, and what :func:`told_error` makes of an error that came
    with status 200.
    """
    found = as_json(body)
    if (problem := told_error(found, "API Massive")) is not None:
        raise problem
    return _candles(found)


def _candles(found: Any) -> pd.DataFrame:
    rows = objects(member(found, "candles"), ("timestamp", *PRICES))
    columns = {name: [row.get(name, 0.0) for row in rows] for name in COLUMNS}
    return rows_table([row["timestamp"] for row in rows], columns)


def parse_batch(body: bytes) -> list[pd.DataFrame | BadAnswer]:
    """The answers in a batch, in their order: a table as of :func:`parse_candles`, or the error that stands in
    its place."""
    found = as_json(body)
    parts = found
    if isinstance(found, Mapping):
        parts = next((value for value in found.values() if isinstance(value, list)), None)
    if not isinstance(parts, list):
        raise BadAnswer("A list of answers was expected in the batch.")
    made: list[pd.DataFrame | BadAnswer] = []
    for part in parts:
        if isinstance(part, Mapping) and "candles" in part:
            made.append(_candles(part))
        else:
            made.append(BadAnswer(f"A part of the batch failed: {_words(part)}."))
    return made


def parse_symbols(body: bytes) -> tuple[str, ...]:
    """The symbols on offer, sorted; plain names, or objects with a ``symbol``.

    >>> parse_symbols(b'{"symbols":["XAUUSD",{"symbol":"EURUSD"}]}')
    ('EURUSD', 'XAUUSD')
    """
    found = as_json(body)
    listed = member(found, "symbols") if isinstance(found, Mapping) else found
    if not isinstance(listed, list):
        raise BadAnswer("A list of symbols was expected.")
    return tuple(sorted(one if isinstance(one, str) else str(member(one, "symbol")) for one in listed))


def parse_ticks(body: bytes) -> pd.DataFrame:
    """Ticks as they came: ``time`` (datetime64[us, UTC]) and their figures (float64), by time."""
    found = as_json(body)
    rows = objects(member(found, "ticks") if isinstance(found, Mapping) else found, ("timestamp",))
    names = [name for name in ("bid", "ask", "price", "volume") if rows and name in rows[0]]
    table = pd.DataFrame({"time": instants([row["timestamp"] for row in rows])})
    for name in names:
        table[name] = floats([row.get(name) for row in rows], name)
    return table.sort_values("time", kind="stable", ignore_index=True)


def _explain(status: int, body: Any) -> CandlebookError | None:
    words = _words(body)
    if status in (400, 404, 422) and "symbol" in words.lower():
        return UnknownName("There is no such symbol.", status=status)
    return None


def _words(found: Any) -> str:
    if isinstance(found, Mapping):
        found = next((found[key] for key in ("message", "error", "detail") if key in found), found)
    return str(found)[:200].rstrip(". ")


def _written(us: int) -> str:
    return f"{from_us(us // 1_000_000 * 1_000_000):%Y-%m-%dT%H:%M:%SZ}"
