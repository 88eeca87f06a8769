"""The one transport to every provider, over ``requests``.

It keeps to the provider's limits (:mod:`lib.sources.limits`), retries what can pass by itself, and turns
every foreign exception and status into an error of :mod:`lib.errors` at one place each,
:func:`translate` and :func:`refusal`. Keys travel in headers only; no message, field or log line holds
a header or the query of an address.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3.exceptions as u3

from lib.errors import (
    BadAnswer,
    Blocked,
    CandlebookError,
    InputError,
    InternalError,
    RateLimited,
    SourceDown,
)
from lib.sources.base import note
from lib.sources.limits import Clock, Limiter, cancelled, span

__all__ = ["FOREIGN", "Answer", "Http", "as_json", "refusal", "retry_after", "translate"]

T = TypeVar("T")

CONNECT_SECONDS = 4.0
READ_SECONDS = 10.0
# A body that drips in more slowly than this is given up.
_BODY_SECONDS = 60.0
_BODY_BYTES = 64 * 2**20
_CHUNK = 2**16
_BAD_ANSWERS = 3
_LONGEST_PAUSE = 60.0

# Everything that requests, urllib3 and the sockets below them raise.
FOREIGN = (
    requests.RequestException,
    u3.HTTPError,
    u3.ProxySchemeUnsupported,
    HTTPException,
    OSError,
    UnicodeError,
)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came back: ``value`` as read, the server's own time (seconds since 1970, whole; None where
    it did not say), and how many requests it took."""

    value: T
    server_time: float | None
    requests: int


class _Again(Exception):
    """An error that may pass by itself, and after how many seconds the server said it would."""

    def __init__(self, error: CandlebookError, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


class Http:
    """Requests to one provider.

    ``headers`` go with every request (a key belongs there). ``weight_header`` is where the provider
    counts what was used this minute. ``remedies`` are the adapter's words by status. ``explain`` may
    make an error of a 4xx body: status and decoded JSON (None where it is none) in, error or None out.
    """

    def __init__(
        self,
        title: str,
        base_url: str,
        limiter: Limiter,
        *,
        headers: Mapping[str, str] | None = None,
        weight_header: str = "",
        remedies: Mapping[int, str] | None = None,
        explain: Callable[[int, Any], CandlebookError | None] = lambda status, body: None,
        timeouts: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        max_bytes: int = _BODY_BYTES,
    ) -> None:
        self.title = title
        self.base_url = base_url.rstrip("/")
        self.host = urlsplit(self.base_url).hostname or "?"
        self.limiter = limiter
        self.clock: Clock = limiter.clock
        self._headers = {"User-Agent": "candlebook", "Accept": "application/json", **(headers or {})}
        self._weight_header = weight_header
        self._remedies = remedies or {}
        self._explain = explain
        self._timeouts = timeouts
        self._max_bytes = max_bytes
        self._local = threading.local()

    def get(
        self,
        path: str,
        params: Mapping[str, str | int],
        *,
        read: Callable[[bytes], T],
        weight: int = 1,
        stop: threading.Event | None = None,
        patience: float = 120.0,
    ) -> Answer[T]:
        """One GET, asked again while that can help and ``patience`` (seconds in all) lasts.

        ``read`` makes the value of the body, and raises ``BadAnswer`` where it is not what the
        documentation says; such answers are asked for twice more, since proxies spoil single ones.
        Raises ``RateLimited``, ``SourceDown``, ``Blocked``, ``BadAnswer``, ``InputError`` or what
        ``explain`` made; ``Cancelled`` at once when ``stop`` is set during a wait.
        """
        tries = 0
        began = self.clock.monotonic()

        def left() -> float:
            return patience - (self.clock.monotonic() - began)

        def once() -> Answer[T]:
            nonlocal tries
            tries += 1
            value, server_time = self._once(path, params, read, weight, stop, left())
            return Answer(value, server_time, tries)

        def enough(state: tenacity.RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            bad = isinstance(error, _Again) and isinstance(error.error, BadAnswer)
            return state.upcoming_sleep > left() or (bad and state.attempt_number >= _BAD_ANSWERS)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Again),
            wait=_pause,
            stop=enough,
            sleep=lambda seconds: self.clock.wait(seconds, stop),
            before_sleep=_tell,
            reraise=True,
        )
        try:
            answer = retrying(once)
        except _Again as last:
            error = last.error
        else:
            if tries > 1:
                note("")
            return answer
        raise error from error.__cause__  # out here, so that it does not drag the wrapper along

    def _once(
        self,
        path: str,
        params: Mapping[str, str | int],
        read: Callable[[bytes], T],
        weight: int,
        stop: threading.Event | None,
        left: float,
    ) -> tuple[T, float | None]:
        if ban := self.limiter.ban():
            raise self._banned(ban)
        spent = self.limiter.spend(weight, stop=stop, patience=max(left, 0.0))
        used: int | None = None
        try:
            with self._session().get(
                self.base_url + path,
                params=dict(params),
                timeout=(min(self._timeouts[0], max(left, 1.0)), min(self._timeouts[1], max(left, 1.0))),
                stream=True,
                allow_redirects=False,
            ) as response:
                used = _whole(response.headers.get(self._weight_header, ""))
                body = self._body(response, stop)
        except FOREIGN as error:
            ours, again = translate(error, self.title, self.host)
            # the request holds the headers, and so the key: it does not travel with the error
            if isinstance(error, requests.RequestException):
                error.request = error.response = None
            ours.__cause__ = error
            raise _Again(ours) if again else ours from error
        finally:
            self.limiter.answered(spent, used)
        if response.status_code != 200:
            self._refuse(response, body, path)
        try:
            return read(body), _server_time(response.headers)
        except BadAnswer as bad:
            raise _Again(bad) from None

    def _session(self) -> requests.Session:
        """A session of this thread's own: sessions are not promised to be safe across threads."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.headers.update(self._headers)
        return session

    def _body(self, response: requests.Response, stop: threading.Event | None) -> bytes:
        parts: list[bytes] = []
        size = 0
        deadline = self.clock.monotonic() + _BODY_SECONDS
        for part in response.iter_content(_CHUNK):
            size += len(part)
            parts.append(part)
            if size > self._max_bytes:
                raise BadAnswer(
                    f"{self.title} sent more than {self._max_bytes / 2**20:.3g} MB in one answer.",
                    host=self.host,
                )
            if stop is not None and stop.is_set():
                raise cancelled()
            if self.clock.monotonic() > deadline:
                raise requests.Timeout("The body came too slowly.")
        return b"".join(parts)

    def _refuse(self, response: requests.Response, body: bytes, path: str) -> None:
        status = response.status_code
        after = retry_after(response.headers, self.clock.time())
        if status == 418:
            self.limiter.pause(after if after is not None else 120.0, banned=True)
            raise self._banned(self.limiter.ban())
        if status == 429 and after is not None:
            self.limiter.pause(after)
        if status < 500 and (made := self._explain(status, _decoded(body))) is not None:
            raise made
        error = refusal(status, self.title, self.host, path, after, self._remedies.get(status, ""), body)
        if isinstance(error, (RateLimited, SourceDown)):
            raise _Again(error, after)
        raise error

    def _banned(self, seconds: float) -> Blocked:
        until = datetime.fromtimestamp(self.clock.time() + seconds, UTC)
        return Blocked(
            f"{self.title} has banned this machine's address until {until:%Y-%m-%d %H:%M:%S} UTC "
            f"(for {span(seconds)}): it was asked too often from here.",
            remedy="Wait until then; asking earlier makes the ban longer.",
            status=418,
            retry_after=seconds,
            until=until,
            host=self.host,
        )


# -------------------------------------------------------------------------------------- errors, one seam


def translate(error: BaseException, title: str, host: str) -> tuple[CandlebookError, bool]:
    """Our error for a foreign one, and whether asking again can help. Never the foreign text: it may
    hold the address with its query."""
    where = f"{title} ({host})"
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema,
                          requests.exceptions.MissingSchema, requests.exceptions.InvalidProxyURL,
                          u3.LocationValueError, u3.URLSchemeUnknown, u3.ProxySchemeUnknown,
                          u3.ProxySchemeUnsupported, UnicodeError)):  # fmt: skip
        return InputError(
            f"The address of {where} cannot be used.", remedy="Check its setting.", host=host
        ), False
    if isinstance(error, (requests.exceptions.InvalidHeader, u3.InvalidHeader)):
        return InputError(
            f"The key or a header for {where} holds a character that cannot be sent.", host=host
        ), False
    if isinstance(error, (requests.exceptions.ContentDecodingError, requests.exceptions.InvalidJSONError,
                          requests.exceptions.TooManyRedirects, u3.DecodeError)):  # fmt: skip
        return BadAnswer(f"The answer of {where} could not be decoded.", host=host), True
    if isinstance(error, (requests.exceptions.StreamConsumedError, requests.exceptions.UnrewindableBodyError,
                          u3.UnrewindableBodyError)):  # fmt: skip
        return InternalError(f"An answer of {where} was read twice."), False
    why, remedy, again = _why(error)
    return SourceDown(f"{where} could not be reached: {why}.", remedy=remedy, host=host), again


def _why(error: BaseException) -> tuple[str, str, bool]:
    later = "Try again later."
    chain = _chain(error)

    def has(*classes: type[BaseException]) -> bool:
        return any(isinstance(one, classes) for one in chain)

    if has(requests.exceptions.SSLError, u3.SSLError):
        return "the secure connection failed", "Check this machine's clock and certificates.", False
    if has(requests.exceptions.ProxyError, u3.ProxyError):
        return "the proxy of this machine refused", "Check HTTPS_PROXY.", True
    if has(u3.NameResolutionError):
        return "its name was not found", "Check that this machine is online.", True
    if has(ConnectionRefusedError):
        return "it refused the connection", later, True
    # a NewConnectionError counts as a time-out by its class, whatever it was
    if has(requests.Timeout, TimeoutError) or (has(u3.TimeoutError) and not has(u3.NewConnectionError)):
        return "no answer in time", later, True
    if has(u3.NewConnectionError):
        return "no way leads there", "Check that this machine is online.", True
    return "the connection broke off", later, True


def _chain(error: BaseException) -> list[BaseException]:
    """The error, and what it was made of: requests wraps urllib3's errors as arguments."""
    found: list[BaseException] = []
    todo: list[Any] = [error]
    while todo and len(found) < 20:
        one = todo.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            todo += [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]
    return found


def refusal(
    status: int, title: str, host: str, path: str, after: float | None, remedy: str, body: bytes
) -> CandlebookError:
    """Our error for a status other than 200. ``remedy`` is the adapter's, and beats the usual one."""
    fields = {"status": status, "host": host}
    if status == 429:
        soon = f" It may be asked again in {span(after)}." if after is not None else ""
        return RateLimited(
            f"{title} asks to slow down (429).{soon}",
            remedy=remedy or "Try again then.",
            retry_after=after,
            **fields,
        )
    if status >= 500 or status == 408:
        return SourceDown(
            f"{title} ({host}) is out of order ({status}).", remedy=remedy or "Try again later.", **fields
        )
    if status == 401:
        return Blocked(
            f"{title} does not accept the key (401).", remedy=remedy or "Check the key's setting.", **fields
        )
    if status == 403:
        return Blocked(
            f"{title} ({host}) refuses this machine's requests (403).",
            remedy=remedy or "A firewall on the way may be the cause, or the key's rights.",
            **fields,
        )
    if status == 451:
        return Blocked(
            f"{title} ({host}) does not serve the place this machine is in (451).", remedy=remedy, **fields
        )
    if status == 404:
        return BadAnswer(
            f"{title} ({host}) has nothing at {path} (404).", remedy=remedy or "Check its address.", **fields
        )
    if status in (400, 422):
        return InputError(f"{title} refused the request ({status}){_said(body)}.", remedy=remedy, **fields)
    return BadAnswer(f"{title} ({host}) answered {status}, which is not expected.", remedy=remedy, **fields)


def _said(body: bytes) -> str:
    """The provider's own words, shortened; nothing where they are not for people."""
    decoded = _decoded(body)
    words = decoded.get("msg") or decoded.get("message") if isinstance(decoded, dict) else None
    if not isinstance(words, str):
        return ""
    return ": " + "".join(c if c.isprintable() else " " for c in words)[:200].rstrip(" .")


def as_json(body: bytes) -> Any:
    """The JSON of a body. Raises ``BadAnswer``, saying what came instead."""
    try:
        return json.loads(body)
    except ValueError as error:
        start = body[:200].lstrip().lower()
        if not start:
            what = "nothing"
        elif start.startswith(b"<"):
            what = "a web page (a proxy or a login page may stand in between)"
        elif start[:1] in b"[{":
            what = "JSON that is broken or cut short"
        else:
            what = "something that is no JSON"
        raise BadAnswer(f"Data was expected and {what} came.", bytes=len(body)) from error


# ------------------------------------------------------------------------------------------------- small


def _pause(state: tenacity.RetryCallState) -> float:
    """Half a second doubled each time up to a minute, with jitter, or what the server asked for and a
    little more, so that those who wait do not all come back in the same instant."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.after is not None:
        return error.after + random.uniform(0.0, 0.5)
    first = 5.0 if isinstance(error, _Again) and isinstance(error.error, RateLimited) else 0.5
    return float(min(_LONGEST_PAUSE, first * 2 ** (state.attempt_number - 1)) * random.uniform(0.75, 1.25))


def _tell(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again):
        note(f"{error.error.message} Asking again in {span(state.upcoming_sleep)}.")


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from a Retry-After header, which has seconds or a date; None where there is none, or it
    cannot be read. A date counts from the server's own Date, where it has one."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdecimal():
        return float(text)
    until = _date(text)
    if until is None:
        return None
    here = _server_time(headers)
    return max(0.0, until - (now if here is None else here))


def _server_time(headers: Mapping[str, str]) -> float | None:
    return _date(headers.get("Date", ""))


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
