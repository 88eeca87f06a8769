"""Twelve Data candles over REST: stocks, funds, indices, currencies, metals, coins.

Facts from twelvedata.com/docs (``/time_series``) and the official client: at most 5,000 candles a request;
times without a zone, in UTC where ``timezone=UTC`` is sent (days, weeks and months carry the exchange's
own date); figures as text; no volume for currencies; errors also come with status 200, as an object
with ``status: error`` and a ``code``. A request costs one credit; a plan has so many a minute, and free
ones so many a day, which are counted from the start of the process and, in a sync, from the ledgers of what is
stored. What a large answer costs beyond that is not
documented: the provider's own count, in the header ``api-credits-used``, is taken in where it comes.

A range without candles is the error 400 "No data is available on the specified dates. Try setting different
start/end dates."; a used-up minute is 429 "You have run out of API credits for the current minute." Neither is in its
documentation: both words stand in several independent programs on GitHub that had them as answers. An answer "ok"
with no values is taken as a range without candles as well.
"""

from __future__ import annotations

import threading
from typing import Any

import pandas as pd

from lib import settings
from lib.candles import COLUMNS, empty
from lib.errors import BadAnswer, Blocked, CandlebookError, InputError, RateLimited, SourceDown, UnknownName
from lib.sources.batch import Ask, Batch, admit
from lib.sources.failures import as_json
from lib.sources.http import CONNECT_SECONDS, READ_SECONDS, Answer, Http
from lib.sources.limits import Clock, Limit, Limiter, limiter
from lib.sources.reading import member, objects, rows_table
from lib.sources.walk import Rest
from lib.timeframes import Timeframe, from_us, parse

__all__ = ["TwelveData", "parse_series", "parse_symbols"]

_INTERVALS = {
    parse(ours): theirs
    for ours, theirs in {
        "1m": "1min", "5m": "5min", "15m": "15min", "30m": "30min", "45m": "45min", "1h": "1h", "2h": "2h",
        "4h": "4h", "8h": "8h", "1d": "1day", "1w": "1week", "1M": "1month",
    }.items()
}  # fmt: skip
_KEY = "CANDLEBOOK_TWELVEDATA_KEY"
_WHERE = "A free key comes with an account at https://twelvedata.com/pricing."
_LISTS = ("/forex_pairs", "/commodities", "/cryptocurrencies")


class _Nothing(InputError):
    """There are no candles in the range: an error there, an empty answer here."""


class TwelveData(Rest):
    """Twelve Data. The key is in CANDLEBOOK_TWELVEDATA_KEY, what the plan allows in
    CANDLEBOOK_TWELVEDATA_PER_MINUTE and _PER_DAY."""

    name = "twelvedata"
    title = "Twelve Data"
    docs = "https://twelvedata.com/docs#time-series"
    timeframes = tuple(_INTERVALS)
    page = 5000
    spelling = "Twelve Data writes its symbols as EUR/USD, BTC/USD or AAPL."

    def __init__(
        self,
        base_url: str | None = None,
        *,
        clock: Clock | None = None,
        timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    ) -> None:
        base = base_url or settings.twelvedata_rest()
        minute, day = settings.twelvedata_credits()
        limits = [Limit(minute, 60), *([Limit(day, 86_400, fixed=True)] if day else [])]
        budget = limiter(self.name, f"{base} {minute} {day}", lambda: Limiter(self.title, limits, clock))
        super().__init__(base, budget.clock)
        self._http = Http(
            self.title,
            base,
            budget,
            secret=lambda: {"Authorization": f"apikey {settings.secret(_KEY, _WHERE)}"},
            weight_header="api-credits-used",
            explain=lambda status, body: _problem(body, self._clock.time()),
            remedies={401: f"Check {_KEY}."},
            timeouts=timeouts,
        )

    def _fetch(
        self, symbol: str, timeframe: Timeframe, ask: Ask, stop: threading.Event | None, patience: float
    ) -> Answer[Batch]:
        params: dict[str, str | int] = {
            "symbol": symbol,
            "interval": _INTERVALS[timeframe],
            "outputsize": ask.limit,
            "timezone": "UTC",
            "order": "asc",
        }
        if ask.start is not None:
            params["start_date"] = _written(ask.start + 999_999)
        if ask.end is not None:  # whether the end belongs to the range is not documented
            params["end_date"] = _written(ask.end - 1)
        try:
            return self._http.get(
                "/time_series",
                params,
                read=lambda body: admit(self._read(body), self.title, symbol, timeframe),
                stop=stop,
                patience=patience,
            )
        except _Nothing as nothing:
            return Answer(Batch(empty(), 0), None, int(nothing.fields.get("requests", 1)))

    def _read(self, body: bytes) -> pd.DataFrame:
        found = as_json(body)
        if (problem := _problem(found, self._clock.time())) is not None:
            raise problem
        return parse_series(body)

    def _load(self, patience: float) -> tuple[str, ...]:
        """Currencies, metals and coins: three requests. Stocks are too many to be listed."""
        symbols: set[str] = set()
        for path in _LISTS:
            symbols.update(self._http.get(path, {}, read=self._listed, patience=patience).value)
        return tuple(sorted(symbols))

    def _listed(self, body: bytes) -> tuple[str, ...]:
        if (problem := _problem(as_json(body), self._clock.time())) is not None:
            raise problem
        return parse_symbols(body)


def parse_series(body: bytes) -> pd.DataFrame:
    """The rows of a time_series answer as they came: ``time`` (datetime64[us, UTC]), ``open high low close``
    and, where it has one, ``volume`` (float64).

    >>> parse_series(b'{"meta":{"symbol":"EUR/USD"},"values":[{"datetime":"2026-08-21","open":"1.1679",'
    ...              b'"high":"1.17108","low":"1.16694","close":"1.16764"}],"status":"ok"}')["high"].tolist()
    [1.17108]

    Raises ``BadAnswer`` where the shape is another.
    """
    rows = objects(member(as_json(body), "values"), ("datetime", *COLUMNS[:4]))
    columns = {name: [row[name] for row in rows] for name in COLUMNS[:4]}
    if any("volume" in row for row in rows):
        columns["volume"] = [row.get("volume") for row in rows]
    return rows_table([row["datetime"] for row in rows], columns)


def parse_symbols(body: bytes) -> tuple[str, ...]:
    """The symbols of a reference list.

    >>> parse_symbols(b'{"data":[{"symbol":"EUR/USD","currency_group":"Major"}],"status":"ok"}')
    ('EUR/USD',)
    """
    return tuple(str(member(one, "symbol")) for one in objects(member(as_json(body), "data"), ("symbol",)))


def _problem(found: Any, now: float) -> CandlebookError | None:
    """The error that an answer tells, whatever its status; None where it tells none."""
    if not isinstance(found, dict):
        return None
    code, words = found.get("code"), str(found.get("message", ""))[:300].rstrip(". ")
    code = int(code) if isinstance(code, str) and code.isdecimal() else code
    named = isinstance(code, int) and code >= 400 and bool(words) and "values" not in found
    if found.get("status") != "error" and not named:
        return None
    said, low = f"Twelve Data refused the request ({code}): {words}.", words.lower()
    if code == 429:
        # each begins anew with its own minute and day, in UTC; a second for the difference of clocks
        rest = 86_400 - now % 86_400 if "day" in low else 61 - now % 60 if "minute" in low else None
        return RateLimited(said, retry_after=rest, remedy="Try again then.", status=429)
    if code in (401, 403, 451):
        remedy = f"Check {_KEY}." if code == 401 else "The plan of the key may not include this."
        return Blocked(said, remedy=remedy, status=code)
    if code in (400, 404) and ("no data" in low or "not available for the" in low):
        return _Nothing(said)
    # the others name parameters of ours, and "interval" in stars
    if code == 404 or (code == 400 and "symbol" in low and "interval" not in low):
        return UnknownName(said, code=code)
    if code in (400, 414):
        return InputError(said, code=code)
    if isinstance(code, int) and (code >= 500 or code == 408):
        return SourceDown(said, remedy="Try again later.", status=code)
    return BadAnswer(said, code=code)


def _written(us: int) -> str:
    return f"{from_us(us // 1_000_000 * 1_000_000):%Y-%m-%d %H:%M:%S}"
