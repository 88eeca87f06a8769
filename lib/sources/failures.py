"""What goes wrong on the wire, in our own words: one seam for foreign exceptions, one for statuses.

No message holds a header, the query of an address or the foreign text, which may hold either.
"""

from __future__ import annotations

import errno
import json
import os
import random
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any

import requests
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
from lib.sources.limits import span

__all__ = [
    "FOREIGN", "as_json", "decoded", "pause_after", "refusal", "retry_after", "server_time", "translate", "unreachable",
]  # fmt: skip

# The longest wait that is believed, in seconds: the longest ban described anywhere lasts three days.
_LONGEST = 31 * 86_400.0

# Everything that requests, urllib3 and the sockets below them raise.
FOREIGN = (
    requests.RequestException,
    u3.HTTPError,
    u3.ProxySchemeUnsupported,
    HTTPException,
    OSError,
    UnicodeError,
)


# What reading JSON raises; the second where it is nested without end.
_BROKEN = (ValueError, RecursionError)
# Where providers put their own words, by precedence.
_WORDS = ("msg", "message", "errorMessage", "error", "detail")


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


def unreachable(error: BaseException) -> bool:
    """Whether no connection came about at all: no such name, nobody who listens, no way there."""
    kinds = (
        ConnectionRefusedError, requests.ConnectTimeout, requests.exceptions.ProxyError,
        u3.NewConnectionError, u3.NameResolutionError, u3.ConnectTimeoutError,
    )  # fmt: skip
    return any(isinstance(one, kinds) for one in _chain(error))


def _why(error: BaseException) -> tuple[str, str, bool]:
    later = "Try again later."
    chain = _chain(error)

    def has(*classes: type[BaseException]) -> bool:
        return any(isinstance(one, classes) for one in chain)

    if _used_up(chain):
        remedy = "End what else runs, or allow more open files (ulimit -n), and try again."
        return "this machine has too many open files", remedy, True
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


def _used_up(chain: list[BaseException]) -> bool:
    """Whether this process, or this machine, may open no more files. A name that could not be looked up for that
    does not say so."""
    none = (errno.EMFILE, errno.ENFILE)
    if any(isinstance(one, OSError) and one.errno in none for one in chain):
        return True
    if not any(isinstance(one, u3.NewConnectionError) for one in chain):
        return False
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in none
    return False


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
    told = decoded(body)
    words = (
        next((told[key] for key in _WORDS if isinstance(told.get(key), str)), None)
        if isinstance(told, dict)
        else None
    )
    if not isinstance(words, str):
        return ""
    return ": " + "".join(c if c.isprintable() else " " for c in words)[:200].rstrip(" .")


def as_json(body: bytes) -> Any:
    """The JSON of a body. Raises ``BadAnswer``, saying what came instead."""
    try:
        return json.loads(body)
    except _BROKEN as error:
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


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds from a Retry-After header, which has seconds or a date; None where there is none, or it
    cannot be read. A date counts from the server's own Date, where it has one. A month at most."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.replace(".", "", 1).isdecimal():
        return min(float(text), _LONGEST)
    until = _date(text)
    if until is None:
        return None
    here = server_time(headers)
    return min(max(0.0, until - (now if here is None else here)), _LONGEST)


def pause_after(asked: float, attempt: int) -> float:
    """Seconds to wait where the provider asked for so many after this attempt (from 1 on), and a little more, so that
    those who wait do not all come back in the same instant. "At once", said again and again, is waited for longer
    each time: whoever says it with every answer would be asked without a pause."""
    least = 0.0 if asked >= 1 else min(30.0, 0.25 * 2**attempt)
    return max(asked, least) + random.uniform(0.0, 0.5)


def server_time(headers: Mapping[str, str]) -> float | None:
    """The Date header in seconds since 1970, whole; None where it cannot be read."""
    return _date(headers.get("Date", ""))


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def decoded(body: bytes) -> Any:
    """The JSON of a body, None where it is none."""
    try:
        return json.loads(body)
    except _BROKEN:
        return None
