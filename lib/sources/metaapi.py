"""A broker's price now, through MetaApi: to compare stored candles with what the broker quotes.

Facts from metaapi.cloud/docs/client/restApi (readSymbolPrice, metatraderSymbolPrice, rateLimiting): the token
goes in the header ``auth-token``; the host is that of the account's region; a subscription to the symbol
ends after 12 minutes unless it is kept, so it is; 404 is an account that is not there or not deployed, or an
unknown symbol; 429 comes with Retry-After, and says when to come back in ``metadata.recommendedRetryTime`` as
well. What a price costs in credits is not documented, so one a second is asked for at most. Tried against a
server of ours only.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from lib import settings
from lib.errors import BadAnswer, CandlebookError, InputError, UnknownName
from lib.sources import catalog
from lib.sources.base import Quote
from lib.sources.failures import as_json
from lib.sources.http import CONNECT_SECONDS, READ_SECONDS, Http
from lib.sources.limits import Clock, Limit, Limiter, limiter
from lib.sources.reading import floats, instants, member

__all__ = ["MetaApi", "parse_price", "parse_symbols"]

_TOKEN = "CANDLEBOOK_METAAPI_TOKEN"
_WHERE = "MetaApi shows it at https://app.metaapi.cloud/token; CANDLEBOOK_METAAPI_ACCOUNT names the account."
_LIMITS = (Limit(60, 60), Limit(1, 1))
# A wait that is told and longer than this is not believed.
_LONGEST = 86_400.0


class MetaApi:
    """A MetaTrader account at MetaApi: its quotes, no candles."""

    name = "metaapi"
    title = "MetaApi"
    docs = "https://metaapi.cloud/docs/client/restApi/api/retrieveMarketData/readSymbolPrice/"

    def __init__(
        self,
        base_url: str | None = None,
        *,
        clock: Clock | None = None,
        timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    ) -> None:
        self._base = base = base_url or settings.metaapi_rest()
        budget = limiter(self.name, base, lambda: Limiter(self.title, _LIMITS, clock))
        self._http = Http(
            self.title,
            base,
            budget,
            secret=lambda: {"auth-token": settings.secret(_TOKEN, _WHERE)},
            explain=self._explain,
            remedies={401: f"Check {_TOKEN}."},
            timeouts=timeouts,
        )

    def quote(self, symbol: str, *, patience: float = 15.0) -> Quote:
        """The newest price the broker quotes. One request, and one more where the symbol is unknown.

        Raises ``UnknownName`` with the nearest symbols, and what ``Http.get`` raises."""
        path = f"/symbols/{quote(symbol, safe='')}/current-price"
        params: dict[str, str | int] = {"keepSubscription": "true"}
        try:
            answer = self._http.get(self._account() + path, params, read=parse_price, patience=patience)
        except UnknownName as error:
            raise self._unknown(symbol) from error
        if answer.value.symbol != symbol:
            other = answer.value.symbol
            raise BadAnswer(f"{self.title} was asked for {symbol} and sent {other}.", symbol=symbol)
        return answer.value

    def symbols(self) -> tuple[str, ...]:
        """The broker's symbols, sorted; kept for an hour."""
        return self._listed(30.0)

    @staticmethod
    def _account() -> str:
        settings.secret(_TOKEN, _WHERE)
        return f"/users/current/accounts/{quote(settings.metaapi_account(), safe='')}"

    def _listed(self, patience: float) -> tuple[str, ...]:
        account = self._account()
        return catalog.listed(
            f"{self.name} {self._base} {account}",
            self._http.clock,
            lambda: self._http.get(f"{account}/symbols", {}, read=parse_symbols, patience=patience).value,
        )

    def _explain(self, status: int, body: Any) -> CandlebookError | None:
        found = body if isinstance(body, dict) else {}
        if status == 404 and "symbol" in str(found.get("message", "")).lower():
            return UnknownName("There is no such symbol.", status=status)
        if status == 404:
            return InputError(
                f"{self.title} has no such account here, or it is not deployed.",
                remedy="Check CANDLEBOOK_METAAPI_ACCOUNT and CANDLEBOOK_METAAPI_REGION.",
                status=status,
            )
        if status == 429:
            self._wait_until(found.get("metadata"))
        return None

    def _wait_until(self, told: Any) -> None:
        """Nobody asks before the time that a 429 recommends."""
        try:
            at = instants([member(told, "recommendedRetryTime")])[0]
        except BadAnswer:  # it said nothing, or nothing that is a time: Retry-After may
            return
        if at == at:
            self._http.limiter.pause(min(max(0.0, at.timestamp() - self._http.clock.time()), _LONGEST))

    def _unknown(self, symbol: str) -> UnknownName:
        try:
            near = catalog.nearest(symbol, self._listed(5.0))
        except CandlebookError:  # a list that cannot be had is no reason to hide what is wrong
            near = []
        return UnknownName(
            f"{self.title} has no symbol {symbol!r} for this account.",
            remedy=f"Did you mean {' or '.join(near)}?" if near else "",
            source=self.name,
            symbol=symbol,
        )


def parse_price(body: bytes) -> Quote:
    """The quote of an answer.

    >>> made = parse_price(b'{"symbol":"AUDNZD","bid":1.05297,"ask":1.05309,"time":"2020-04-07T03:45:23.345Z",'
    ...                    b'"brokerTime":"2020-04-07 06:45:23.345"}')
    >>> made.ask, str(made.broker_time - made.time.tz_localize(None))
    (1.05309, '0 days 03:00:00')

    Raises ``BadAnswer`` where the shape is another, or the price cannot be.
    """
    found = as_json(body)
    bid, ask = floats([member(found, "bid"), member(found, "ask")], "price").tolist()
    time = instants([member(found, "time")])[0]
    if not 0 < bid <= ask < float("inf") or time is None or time != time:
        raise BadAnswer(f"The price cannot be: bid {bid}, ask {ask}, time {time}.")
    shown = instants([found["brokerTime"]])[0].tz_localize(None) if found.get("brokerTime") else None
    return Quote(str(member(found, "symbol")), bid, ask, time, shown)


def parse_symbols(body: bytes) -> tuple[str, ...]:
    """The list of symbols, sorted.

    >>> parse_symbols(b'["EURUSD","AUDNZD"]')
    ('AUDNZD', 'EURUSD')
    """
    found = as_json(body)
    if not isinstance(found, list):
        raise BadAnswer("A list of symbols was expected.")
    return tuple(sorted(map(str, found)))
