"""Libraries that bring a transport of their own: imported when they are first used, and asked again with
the same patience as our own transport has."""

from __future__ import annotations

import importlib
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import tenacity

from lib.errors import BadAnswer, CandlebookError, InputError, RateLimited, SourceDown, TryLater
from lib.sources.base import note
from lib.sources.failures import pause_after, unreachable
from lib.sources.limits import Clock, cancelled, span

__all__ = ["HINT", "Turn", "load", "persist"]

T = TypeVar("T")

HINT = "Run: pip install -r requirements-optional.txt"

_BAD_ANSWERS = 3
_FIRST_TRIES = 4
_LONGEST_PAUSE = 60.0
_CONTENDED = 0.2


def load(package: str) -> Any:
    """The package, imported now. Raises ``InputError`` saying how to install it."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as missing:
        raise InputError(
            f"This source needs the Python package {missing.name}, which is not installed.",
            remedy=HINT,
            package=missing.name,
        ) from missing


class Turn:
    """One at a time, for libraries whose objects are not made for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, title: str, stop: threading.Event | None, patience: float) -> Iterator[None]:
        """Waits for its turn, and then lasts as long as the block. Raises ``SourceDown`` after ``patience``
        seconds, ``Cancelled`` as soon as ``stop`` is set."""
        waited = 0.0
        while not self._lock.acquire(timeout=_CONTENDED):
            waited += _CONTENDED
            if stop is not None and stop.is_set():
                raise cancelled()
            if waited > patience:
                raise SourceDown(f"{title} is still being asked something else.", remedy="Try again later.")
        try:
            yield
        finally:
            self._lock.release()


def persist(
    once: Callable[[float], T],
    clock: Clock,
    stop: threading.Event | None,
    patience: float,
    *,
    reached: bool = False,
) -> tuple[T, int]:
    """What ``once`` brings, and how many tries it took. It is given the seconds that are left, and called
    again while that can help: after ``TryLater`` as long as ``patience`` lasts, after a ``BadAnswer`` that
    came with status 200 twice more, and where the host was never ``reached`` four times. Raises what it raised last, with ``fields["requests"]``, and ``Cancelled`` during a wait."""
    tries = 0
    began = clock.monotonic()

    def left() -> float:
        return patience - (clock.monotonic() - began)

    def one() -> T:
        nonlocal tries
        tries += 1
        return once(left())

    def enough(state: tenacity.RetryCallState) -> bool:
        error, number = _error(state), state.attempt_number
        bad = isinstance(error, BadAnswer) and number >= _BAD_ANSWERS
        lost = error is not None and not reached and unreachable(error) and number >= _FIRST_TRIES
        return state.upcoming_sleep > left() or bad or lost

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_may_pass),
        wait=_pause,
        stop=enough,
        sleep=lambda seconds: clock.wait(seconds, stop),
        before_sleep=_tell,
        reraise=True,
    )
    try:
        value = retrying(one)
    except CandlebookError as error:
        error.fields.setdefault("requests", tries)
        raise
    if tries > 1:
        note("")
    return value, tries


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, BadAnswer):
        return int(error.fields.get("status", 200)) < 300
    return isinstance(error, TryLater)


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _pause(state: tenacity.RetryCallState) -> float:
    """What the provider asked for, or half a second doubled each time, with jitter."""
    error = _error(state)
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return pause_after(error.retry_after, state.attempt_number)
    first = 5.0 if isinstance(error, RateLimited) else 0.5
    return float(min(_LONGEST_PAUSE, first * 2 ** (state.attempt_number - 1)) * random.uniform(0.75, 1.25))


def _tell(state: tenacity.RetryCallState) -> None:
    if isinstance(error := _error(state), CandlebookError):
        note(f"{error.message} Asking again in {span(state.upcoming_sleep)}.")
