"""The one transport to every provider, over ``requests``.

It keeps to the provider's limits (:mod:`lib.sources.limits`), retries what can pass by itself, and turns
every foreign exception and status into an error of ours (:mod:`lib.sources.failures`). Keys travel in
headers, in an address only where an interface reads them nowhere else (:mod:`lib.sources.keys`); no message, field or
log line holds one, and a provider that repeats a key in its own words is not quoted with it.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity

from lib.errors import BadAnswer, Blocked, CandlebookError, RateLimited, SourceDown
from lib.sources.base import note
from lib.sources.connections import Counting
from lib.sources.failures import (
    FOREIGN,
    decoded,
    pause_after,
    refusal,
    retry_after,
    server_time,
    translate,
    unreachable,
)
from lib.sources.keys import Keys
from lib.sources.limits import Clock, Limiter, cancelled, span

__all__ = ["CONNECT_SECONDS", "READ_SECONDS", "Answer", "Http"]

T = TypeVar("T")

CONNECT_SECONDS = 4.0
READ_SECONDS = 10.0
# A body that drips in more slowly than this is given up.
_BODY_SECONDS = 60.0
_BODY_BYTES = 64 * 2**20
_CHUNK = 2**16
_BAD_ANSWERS = 3
# Tries to reach a host that never answered: seconds, where an outage in the midst of a download may take minutes.
_FIRST_TRIES = 4
_LONGEST_PAUSE = 60.0


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


@dataclass(slots=True)
class _Request:
    method: str
    path: str
    params: Mapping[str, str | int]
    body: bytes | None
    weight: int
    sent: int = 0


class Http:
    """Requests to one provider.

    ``headers`` go with every request. ``secret`` gives the headers that hold a key, when the first request
    is made, ``query`` the parameters where it has to stand in the address; they raise ``InputError`` where the key is
    missing. ``weight_header`` is where the provider
    counts what was used, of the limiter's first limit. ``remedies`` are the adapter's words by status.
    ``explain`` may make an error of a 4xx body: status and decoded JSON (None where it is none) in, error
    or None out.
    """

    def __init__(
        self,
        title: str,
        base_url: str,
        limiter: Limiter,
        *,
        headers: Mapping[str, str] | None = None,
        secret: Callable[[], Mapping[str, str]] = dict,
        query: Callable[[], Mapping[str, str]] = dict,
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
        self._keys = Keys(secret, query)
        self._weight_header = weight_header
        self._remedies = remedies or {}
        self._explain = explain
        self._timeouts = timeouts
        self._max_bytes = max_bytes
        self._local = threading.local()
        self._reached = False

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
        """One GET, asked again while that can help and ``patience`` (seconds in all) lasts; a host that never
        answered, and with which no connection comes about, four times.

        ``read`` makes the value of the body, and raises ``BadAnswer`` where it is not what the
        documentation says; such answers are asked for twice more, since proxies spoil single ones. It may
        raise ``RateLimited`` and ``SourceDown`` for errors that came with status 200.
        Raises ``RateLimited``, ``SourceDown``, ``Blocked``, ``BadAnswer``, ``InputError`` or what
        ``explain`` made; ``Cancelled`` at once when ``stop`` is set during a wait.
        """
        return self._ask(_Request("GET", path, params, None, weight), read, stop, patience)

    def post(
        self,
        path: str,
        data: object,
        *,
        read: Callable[[bytes], T],
        weight: int = 1,
        stop: threading.Event | None = None,
        patience: float = 120.0,
    ) -> Answer[T]:
        """One POST of ``data`` as JSON, for questions that are too long for an address. It is asked again
        as :meth:`get` is, so it must change nothing at the provider."""
        return self._ask(_Request("POST", path, {}, json.dumps(data).encode(), weight), read, stop, patience)

    def _ask(
        self, request: _Request, read: Callable[[bytes], T], stop: threading.Event | None, patience: float
    ) -> Answer[T]:
        began = self.clock.monotonic()

        def left() -> float:
            return patience - (self.clock.monotonic() - began)

        def once() -> Answer[T]:
            value, told = self._once(request, read, stop, left())
            return Answer(value, told, request.sent)

        def enough(state: tenacity.RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            if not isinstance(error, _Again) or state.upcoming_sleep > left():
                return True
            if isinstance(error.error, BadAnswer):
                return state.attempt_number >= _BAD_ANSWERS
            lost = not self._reached and unreachable(error.error)
            return lost and state.attempt_number >= _FIRST_TRIES

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Again),
            wait=_pause,
            stop=enough,
            sleep=lambda seconds: self.clock.wait(seconds, stop),
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            answer = retrying(once)
        except _Again as last:
            error = last.error
        except CandlebookError as ours:
            error = ours
        else:
            if answer.requests > 1:
                note("")
            return answer
        error.fields.setdefault("requests", request.sent)
        raise self._keys.hushed(
            error
        ) from error.__cause__  # out here, so that it does not drag the wrapper along

    def _once(
        self, request: _Request, read: Callable[[bytes], T], stop: threading.Event | None, left: float
    ) -> tuple[T, float | None]:
        if ban := self.limiter.ban():
            raise self._banned(ban)
        session, params = self._session(), {**request.params, **self._keys.parameters()}
        spent = self.limiter.spend(request.weight, stop=stop, patience=max(left, 0.0))
        used: int | None = None
        failed: BaseException | None = None
        request.sent += 1  # a wait for the limit that was given up sent none
        try:
            with session.request(
                request.method,
                self.base_url + request.path,
                params=params,
                data=request.body,
                headers={"Content-Type": "application/json"} if request.body is not None else None,
                timeout=(min(self._timeouts[0], max(left, 1.0)), min(self._timeouts[1], max(left, 1.0))),
                stream=True,
                allow_redirects=False,  # a key goes to the host it was given for and to no other
            ) as response:
                self._reached = True
                used = _whole(response.headers.get(self._weight_header, ""))
                body = self._body(response, stop)
        except FOREIGN as error:
            failed = error
        finally:
            self.limiter.answered(spent, used)
        if failed is not None:  # out here, where no error drags another along
            raise self._failure(failed)
        if response.status_code != 200:
            self._refuse(response, body, request.path)
        try:
            return read(body), server_time(response.headers)
        except (BadAnswer, SourceDown) as bad:
            raise _Again(bad) from None
        except RateLimited as slow:
            raise self._slowed(slow, retry_after(response.headers, self.clock.time())) from None

    def _failure(self, error: BaseException) -> CandlebookError | _Again:
        """Our error for a foreign one, which may hold the key: its request in the headers, its text in the address."""
        ours, again = translate(error, self.title, self.host)
        if isinstance(error, requests.RequestException):
            error.request = error.response = None
        ours.__cause__ = None if self._keys.in_address else error
        return _Again(ours) if again else ours

    def _tell(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _Again):
            note(f"{self._keys.hushed(error.error).message} Asking again in {span(state.upcoming_sleep)}.")

    def _session(self) -> requests.Session:
        """A session of this thread's own: sessions are not promised to be safe across threads."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            headers = {**self._headers, **self._keys.headers()}
            session = self._local.session = requests.Session()
            session.headers.update(headers)
            session.auth = _as_it_is  # else a line for this host in ~/.netrc takes the place of the key
            if any(limit.of == "connections" for limit in self.limiter.limits):
                counting = Counting(self.limiter)
                session.mount("https://", counting)
                session.mount("http://", counting)
        return session

    def _body(self, response: requests.Response, stop: threading.Event | None) -> bytes:
        parts: list[bytes] = []
        size = 0
        deadline = self.clock.monotonic() + _BODY_SECONDS
        # read1: what is there, so that the deadline is looked at however slowly it drips
        while part := response.raw.read1(_CHUNK, decode_content=True):
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
        if status < 500 and (made := self._explain(status, decoded(body))) is not None:
            if isinstance(made, RateLimited):
                raise self._slowed(made, after)
            raise _Again(made) if isinstance(made, SourceDown) else made
        error = refusal(status, self.title, self.host, path, after, self._remedies.get(status, ""), body)
        if isinstance(error, RateLimited):
            raise self._slowed(error)
        if isinstance(error, SourceDown):
            raise _Again(error, after)
        if 300 <= status < 400:  # a login page on the way, as a rule: it may be gone the next time
            raise _Again(error)
        raise error

    def _slowed(self, error: RateLimited, after: float | None = None) -> _Again:
        """The wait that the provider asked for holds for all who ask it."""
        error.retry_after = error.retry_after if after is None else after
        if error.retry_after is not None:
            self.limiter.pause(error.retry_after)
        return _Again(error, error.retry_after)

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


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _pause(state: tenacity.RetryCallState) -> float:
    """Half a second doubled each time up to a minute, with jitter, or what the server asked for."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.after is not None:
        return pause_after(error.after, state.attempt_number)
    first = 5.0 if isinstance(error, _Again) and isinstance(error.error, RateLimited) else 0.5
    return float(min(_LONGEST_PAUSE, first * 2 ** (state.attempt_number - 1)) * random.uniform(0.75, 1.25))


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
