"""Requests to Yahoo as yfinance makes them: cookies, crumbs and the browser's handshake are its business; the
limit, the address, time-outs and the translation of its exceptions are ours, here and nowhere else.

yfinance keeps one session for the whole process, so there is one wire, and one request at a time.
"""

from __future__ import annotations

import tempfile
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from lib.errors import BadAnswer, Blocked, CandlebookError, InputError, RateLimited, SourceDown, UnknownName
from lib.sources.failures import FOREIGN, retry_after, server_time, translate
from lib.sources.foreign import Turn, load
from lib.sources.limits import Limiter, span

__all__ = ["YahooWire", "ours", "refusal"]

T = TypeVar("T")

_CHART = "/v8/finance/chart/"
_HOST = "query2.finance.yahoo.com"
# What yfinance raises when an answer has another shape than it expects.
_SHAPE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
_TITLE = "Yahoo"

_turn = Turn()
_caches: list[tempfile.TemporaryDirectory[str]] = []


class YahooWire:
    """The way to Yahoo, or to ``base`` in its place."""

    def __init__(self, base: str, budget: Limiter, timeout: float) -> None:
        self._base, self._limiter, self._timeout = base.rstrip("/"), budget, timeout
        self._session: Any = None
        self._stop: threading.Event | None = None
        self._until = 0.0
        self._requests = 0
        self._status = 0
        self._headers: Mapping[str, str] = {}

    def call(
        self, ask: Callable[[Any, Any], T], stop: threading.Event | None, patience: float
    ) -> tuple[T, float | None, int]:
        """What ``ask`` makes of yfinance and a session, the server's time, and how many requests that took.
        Raises errors of ours only, ``UnknownName`` for a symbol that Yahoo has not."""
        yfinance = load("yfinance")
        with _turn.taken(_TITLE, stop, patience):
            self._ready(yfinance)
            self._stop, self._requests, self._status, self._headers = stop, 0, 0, {}
            self._until = self._limiter.clock.monotonic() + patience
            try:
                return ask(yfinance, self._session), server_time(self._headers), self._requests
            except CandlebookError as error:
                # yfinance tries other cookies for it, and may come upon our own limit at that
                blocked = refusal(self._status) if self._status in (401, 403) else None
                if isinstance(error, RateLimited) and blocked is not None:
                    raise blocked from error
                raise
            except (yfinance.exceptions.YFException, NotImplementedError, *FOREIGN, *_SHAPE) as error:
                after = retry_after(self._headers, self._limiter.clock.time())
                made = ours(error, yfinance.exceptions, self._status, after)
                if isinstance(made, RateLimited) and after is not None:
                    self._limiter.pause(after)
                raise made from error

    def _ready(self, yfinance: Any) -> None:
        if not _caches:  # cookies and zones of symbols: nowhere but for this process
            _caches.append(tempfile.TemporaryDirectory(prefix="candlebook-", ignore_cleanup_errors=True))
            yfinance.set_tz_cache_location(_caches[0].name)
            # what is old-fashioned in its lines is of no use to whoever reads ours
            warnings.filterwarnings("ignore", module=r"yfinance\b")
        yfinance.config.debug.hide_exceptions = False
        # an answer that was spoilt would be kept, and given again to whoever asks again
        yfinance.data.YfData.cache_get.cache_clear()
        if self._session is None:
            self._session = _session(self._send)

    def _send(self, method: Callable[..., Any], url: str, more: dict[str, Any]) -> Any:
        """One request of yfinance's: to its own place or ours, within the limit and the time."""
        left = max(0.0, self._until - self._limiter.clock.monotonic())
        spent = self._limiter.spend(1, stop=self._stop, patience=left)
        self._requests += 1
        parts = urlsplit(url)
        asked = f"{self._base}{parts.path or '/'}" if self._base else url
        try:
            answer = method(asked, **{**more, "timeout": self._timeout})
        finally:
            self._limiter.answered(spent)
        if parts.path.startswith(_CHART):
            self._status, self._headers = answer.status_code, answer.headers
            made = refusal(self._status) if self._status == 404 or self._status >= 500 else None
            if made is not None:  # yfinance would try other cookies, in some five requests more, and say less
                raise made
            if self._status == 200 and not answer.content.lstrip().startswith(b"{"):
                # a bare null is to yfinance the same as no candles
                raise BadAnswer(f"An answer of {_TITLE} is no JSON object.", host=_HOST, status=200)
        return answer


def _session(send: Callable[[Callable[..., Any], str, dict[str, Any]], Any]) -> Any:
    """A session as yfinance would make it, whose requests go through ``send``."""
    base = load("curl_cffi.requests").Session

    class Sent(base):  # type: ignore[misc, valid-type]
        def get(self, url: str, **more: Any) -> Any:
            return send(super().get, url, more)

        def post(self, url: str, **more: Any) -> Any:
            return send(super().post, url, more)

    return Sent(impersonate="chrome")


def refusal(status: int, after: float | None = None) -> CandlebookError | None:
    """Our error for a status of an answer about a symbol; None where that says nothing."""
    fields: dict[str, Any] = {"host": _HOST, "status": status}
    if status == 429:
        soon = f" It may be asked again in {span(after)}." if after is not None else ""
        words = f"{_TITLE} asks to slow down.{soon}"
        return RateLimited(words, retry_after=after, remedy="Try again then.", **fields)
    if status in (401, 403, 418, 451):
        return Blocked(f"{_TITLE} refuses this machine's requests ({status}).", **fields)
    if status >= 500 or status == 408:
        return SourceDown(f"{_TITLE} is out of order ({status}).", remedy="Try again later.", **fields)
    if status == 404:
        return UnknownName(f"{_TITLE} has no such symbol.", **fields)
    return None


def ours(error: BaseException, yf: Any, status: int, after: float | None) -> CandlebookError:
    """Our error for one of yfinance's, of its transport's, or of a shape it did not expect. ``status`` is that of
    the last answer about a symbol, 0 where none came."""
    fields: dict[str, Any] = {"host": _HOST, **({"status": status} if status else {})}
    if (made := refusal(429 if isinstance(error, yf.YFRateLimitError) else status, after)) is not None:
        return made
    if isinstance(error, yf.YFTzMissingError):
        return UnknownName(f"{_TITLE} has no such symbol.", **fields)
    reason = getattr(error, "yahoo_reason", None)
    if isinstance(error, yf.YFPricesMissingError) and status in (400, 422) and reason:
        said = "".join(c if c.isprintable() else " " for c in str(reason))[:200].rstrip(" .")
        return InputError(f"{_TITLE} refused the request: {said}.", **fields)
    if isinstance(error, (yf.YFInvalidPeriodError, yf.YFNotImplementedError, NotImplementedError)):
        return InputError(f"{_TITLE} has no such candles.", **fields)
    if isinstance(error, yf.YFDataException):
        return SourceDown(f"{_TITLE} says that it is down.", remedy="Try again later.", **fields)
    # curl's errors are of OSError, and so are those of broken JSON
    if isinstance(error, FOREIGN) and not isinstance(error, ValueError):
        return _unreachable(error, fields)
    return BadAnswer(f"An answer of {_TITLE} has another shape than yfinance expects.", **fields)


def _unreachable(error: BaseException, fields: dict[str, Any]) -> CandlebookError:
    """Exceptions of curl have names of their own for what ``translate`` tells by classes."""
    names = {kind.__name__ for kind in type(error).__mro__}
    why = next((words for name, words in _CURL.items() if name in names), "")
    if not why:
        return translate(error, _TITLE, _HOST)[0]
    return SourceDown(f"{_TITLE} could not be reached: {why}.", remedy="Try again later.", **fields)


_CURL = {
    "DNSError": "its name was not found",
    "SSLError": "the secure connection failed",
    "ProxyError": "the proxy of this machine refused",
    "Timeout": "no answer in time",
    "ConnectionError": "the connection failed",
    "CurlError": "the connection broke off",
}
