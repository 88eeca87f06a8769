"""One exchange of ccxt as the process shares it: its markets are loaded once, its requests pass one limiter,
and its exceptions become ours here and nowhere else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from lib.errors import BadAnswer, Blocked, CandlebookError, InputError, RateLimited, SourceDown, UnknownName
from lib.sources.failures import FOREIGN, decoded, retry_after, server_time, translate
from lib.sources.foreign import Turn, load
from lib.sources.limits import Clock, Limit, Limiter, Spent, limiter, span

__all__ = ["Wire", "forget", "moved", "ours", "wire"]

T = TypeVar("T")

# What ccxt's parsers raise when an answer has another shape than they expect.
_SHAPE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
_BLOCKED = (401, 403, 407, 451)
# So many requests may follow each other at once; the exchange's pace holds on the whole.
_BURST = 3
# Seconds of a ban that does not say how long it is.
_BAN = 120.0

_wires: dict[tuple[str, str], Wire] = {}
_guard = threading.Lock()


class Wire:
    """Requests to one exchange, one at a time: neither ccxt's objects nor their pace are made for several
    threads. ``timeframes`` are ccxt's spellings with the exchange's own; ``most`` is how many candles come at most, 0 where that is
    not said."""

    def __init__(self, made: Any, errors: Any, title: str, budget: Limiter) -> None:
        self.title = title
        self.timeframes = dict(made.timeframes or {}) if made.has.get("fetchOHLCV") else {}
        self.most = _most(made.features or {})
        self._made, self._errors, self._limiter = made, errors, budget
        self._turn = Turn()
        self._stop: threading.Event | None = None
        self._until = 0.0
        self._requests = 0
        self._owed = 0.0
        self._open: list[Spent] = []  # sent and not answered
        self._status = 0
        self._headers: Mapping[str, str] = {}
        made.throttle = self._throttle
        made.on_rest_response = self._seen

    def call(
        self, ask: Callable[[Any], T], stop: threading.Event | None, patience: float
    ) -> tuple[T, float | None, int]:
        """What ``ask`` makes of the exchange, the server's time, and how many requests that took. Waits at most
        ``patience`` seconds for its turn and for the limit. Raises errors of ours only."""
        with self._turn.taken(self.title, stop, patience):
            self._stop, self._requests, self._status, self._headers = stop, 0, 0, {}
            self._until = self._limiter.clock.monotonic() + patience
            try:
                if (
                    not self._made.load_markets()
                ):  # ccxt makes nothing of some answers: no symbol would be known
                    raise BadAnswer(f"{self.title} sent no markets.")
                return ask(self._made), server_time(self._headers), self._requests
            except self._errors.BaseError as error:
                raise self._translated(error) from error
            except FOREIGN as error:
                raise translate(error, self.title, self._host)[0] from error
            except _SHAPE as error:
                raise BadAnswer(
                    f"An answer of {self.title} has another shape than ccxt expects.", status=self._status
                ) from error
            finally:
                self._answered()

    def _throttle(self, cost: float | None = None) -> None:
        """Instead of ccxt's own, which knows this object only and cannot be interrupted: the costs are its."""
        self._owed += 1 if cost is None else cost
        weight = int(self._owed)  # costs are fractions: what is left over counts the next time
        self._owed -= weight
        left = max(0.0, self._until - self._limiter.clock.monotonic())
        self._answered()
        self._open.append(self._limiter.spend(weight, stop=self._stop, patience=left))
        self._requests += 1

    def _answered(self) -> None:
        while self._open:
            self._limiter.answered(self._open.pop())

    def _seen(
        self, code: int, reason: str, url: str, method: str, headers: Mapping[str, str], body: str, *_: Any
    ) -> str:
        """Every answer, before ccxt reads it: where it expects an object it makes nothing of a web page."""
        self._status, self._headers = code, headers
        self._answered()
        text = body.strip().removeprefix("\ufeff")
        if code == 200 and (text[:1], text[-1:]) not in (("{", "}"), ("[", "]")):
            what = "a web page" if text.startswith("<") else "something else" if text else "nothing"
            raise BadAnswer(f"{self.title} was to send data, and {what} came.")
        if code == 200 and decoded(text.encode()) is None:
            raise BadAnswer(f"{self.title} sent JSON that is broken.")
        return text

    @property
    def _host(self) -> str:
        return next((urlsplit(url).hostname or "?" for url in _leaves(self._made.urls.get("api"))), "?")

    def _translated(self, error: Exception) -> CandlebookError:
        after = retry_after(self._headers, self._limiter.clock.time())
        made = ours(error, self._errors, self.title, self._host, self._status, after)
        if self._status == 418:
            self._limiter.pause(_BAN if after is None else after)
        elif isinstance(made, RateLimited) and after is not None:
            self._limiter.pause(after)
        return made


def wire(exchange: str, name: str, title: str, base: str, clock: Clock, timeout: float) -> Wire:
    """The process's one wire to this exchange at this address. Imports ccxt. Raises ``InputError`` where it is
    not installed, or has no such exchange."""
    with _guard:
        if (name, base) not in _wires:
            ccxt = load("ccxt")
            if exchange not in ccxt.exchanges:
                raise UnknownName(f"ccxt knows no exchange {exchange!r}.", exchange=exchange)
            made = getattr(ccxt, exchange)({"enableRateLimit": True, "timeout": int(timeout * 1000)})
            if base:
                made.urls["api"] = moved(made.urls["api"], base)
            budget = limiter(name, f"{base} {name}", lambda: Limiter(title, _limits(made.rateLimit), clock))
            _wires[name, base] = Wire(made, ccxt, title, budget)
        return _wires[name, base]


def forget(address: str) -> None:
    """Forget the wires to this address, as when another exchange answers there now."""
    with _guard:
        for key in [key for key in _wires if address in key[1]]:
            del _wires[key]


def _limits(pause: float) -> tuple[Limit, ...]:
    """The milliseconds that ccxt leaves between requests, as so much a minute and a pace within it."""
    pause = max(float(pause), 1.0)
    return Limit(max(1, int(60_000 / pause)), 60.0), Limit(_BURST, max(_BURST * pause / 1000, 0.05))


def _most(features: Mapping[str, Any]) -> int:
    """How many candles every kind of market gives in one answer; 0 where no kind says."""
    found: list[int] = []
    todo: list[Any] = [features]
    while todo:
        one = todo.pop()
        if isinstance(one, Mapping):
            most = (one.get("fetchOHLCV") or {}).get("limit")
            found += [most] if isinstance(most, int) and most > 1 else []
            todo += [part for key, part in one.items() if key != "fetchOHLCV"]
    return min(found, default=0)


def moved(urls: Any, base: str) -> Any:
    """Addresses, single or nested, at the host of ``base`` and with their own paths.

    >>> moved({"public": "https://api.example.com/v2", "none": None}, "http://127.0.0.1:80")
    {'public': 'http://127.0.0.1:80/v2', 'none': None}
    """
    if isinstance(urls, Mapping):
        return {name: moved(url, base) for name, url in urls.items()}
    if not isinstance(urls, str):
        return urls
    host, own = urlsplit(base), urlsplit(urls)
    return urlunsplit((host.scheme, host.netloc, host.path + own.path, own.query, ""))


def _leaves(urls: Any) -> list[str]:
    if isinstance(urls, Mapping):
        return [leaf for part in urls.values() for leaf in _leaves(part)]
    return [urls] if isinstance(urls, str) else []


def ours(
    error: Exception, ccxt: Any, title: str, host: str, status: int = 0, after: float | None = None
) -> CandlebookError:
    """Our error for one of ccxt's. Its text is left out: it holds the address and the whole answer."""
    fields: dict[str, Any] = {"host": host, **({"status": status} if status else {})}
    if isinstance(error, ccxt.BadSymbol):
        return UnknownName(f"{title} has no such symbol.", **fields)
    soon = f" It may be asked again in {span(after)}." if after is not None else ""
    if status == 418:
        why = f"{title} has banned this machine's address: it was asked too often from here.{soon}"
        return Blocked(why, retry_after=after, **fields)
    if isinstance(error, (ccxt.RateLimitExceeded, ccxt.DDoSProtection)) or status == 429:
        words = f"{title} asks to slow down.{soon}"
        return RateLimited(words, retry_after=after, remedy="Try again then.", **fields)
    if isinstance(error, (ccxt.AuthenticationError, ccxt.RestrictedLocation)) or status in _BLOCKED:
        why = "does not serve the place this machine is in" if status == 451 else "refuses this machine"
        return Blocked(f"{title} ({host}) {why}{f' ({status})' if status else ''}.", **fields)
    if isinstance(error, (ccxt.NotSupported, ccxt.ArgumentsRequired, ccxt.BadRequest)) or status == 400:
        said = type(error).__name__
        return InputError(f"{title} refused the request ({said}).", **fields)
    if isinstance(error, ccxt.InvalidProxySettings):
        return InputError(f"The proxy of this machine cannot be used for {title}.", **fields)
    if status == 404:
        return BadAnswer(f"{title} ({host}) has nothing where ccxt looks for it (404).", **fields)
    cause = error.__cause__
    if status in (0, 200) and isinstance(cause, FOREIGN):
        return translate(cause, title, host)[0]
    if isinstance(error, ccxt.NetworkError):
        state = "is under maintenance" if isinstance(error, ccxt.OnMaintenance) else "is out of order"
        why = f"{title} ({host}) {state}{f' ({status})' if status >= 400 else ''}."
        return SourceDown(why, remedy="Try again later.", **fields)
    return BadAnswer(f"{title} answered with an error ({type(error).__name__}).", **fields)
