"""How fast a provider may be asked: one limiter per provider for the whole process.

Providers count the weight of requests per minute, each with minutes of its own, and per address rather
than per program. So what is counted here is what the provider may still be counting: a request weighs
from before it is sent until a minute after its answer came, and what the provider's own header reports
beyond that (another program behind the same address) is counted too. Nothing on PyPI that was looked at
takes a server's count back in, or lets a waiting thread be cancelled, so this is ours.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from lib.errors import Cancelled, RateLimited
from lib.sources.base import note

__all__ = ["Budget", "Clock", "Limiter", "budgets", "limiter", "span"]

_MINUTE = 60.0
# Kept free for whatever else runs behind the same address.
_SHARE = 0.95


class Clock:
    """Time and waiting, so that tests can have their own."""

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    def wait(self, seconds: float, stop: threading.Event | None) -> None:
        """Sleep; raises ``Cancelled`` as soon as ``stop`` is set."""
        if stop is None:
            time.sleep(max(seconds, 0.0))
        elif stop.wait(max(seconds, 0.0)):
            raise cancelled()


def cancelled() -> Cancelled:
    return Cancelled("Stopped on request.", remedy="What had arrived is kept.")


@dataclass(frozen=True, slots=True)
class Budget:
    """What a provider allows: ``used`` of ``limit`` weight in the running minute, free again in
    ``resets_in`` seconds; ``paused`` is for how long the provider asked not to be asked, in seconds."""

    used: int
    limit: int
    resets_in: float
    paused: float = 0.0

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(slots=True)
class _Spent:
    weight: int
    until: float  # monotonic; infinite while the answer is awaited


class Limiter:
    """Weight spent at one provider. Thread-safe; all methods cost O(requests in a minute) at worst."""

    def __init__(self, name: str, per_minute: int, clock: Clock | None = None) -> None:
        self.name = name
        self.per_minute = per_minute
        self.clock = clock or Clock()
        self._lock = threading.Lock()
        self._spent: deque[_Spent] = deque()
        self._foreign = _Spent(0, 0.0)
        self._paused_until = 0.0
        self._banned = False

    @property
    def usable(self) -> int:
        """The weight a minute that is really spent: a little under the limit."""
        return max(1, int(self.per_minute * _SHARE))

    def spend(self, weight: int, *, stop: threading.Event | None = None, patience: float) -> _Spent:
        """Take ``weight``, waiting for it where the minute is used up. Raises ``RateLimited`` when that
        would take longer than ``patience`` seconds, ``Cancelled`` when ``stop`` is set while waiting."""
        deadline = self.clock.monotonic() + patience
        told = False
        while True:
            if stop is not None and stop.is_set():
                raise cancelled()
            with self._lock:
                now = self.clock.monotonic()
                wait = self._wait(weight, now)
                if wait <= 0:
                    spent = _Spent(weight, float("inf"))
                    self._spent.append(spent)
                    break
            if now + wait > deadline:
                raise self._refusal(wait)
            told = True
            note(f"Waiting {span(wait)}: {self._why()}.")
            self.clock.wait(min(max(wait, 0.001), 5.0), stop)
        if told:
            note("")
        return spent

    def answered(self, spent: _Spent, used: int | None = None) -> None:
        """The answer to what was :meth:`spend`-ed came; ``used`` is the provider's own count."""
        with self._lock:
            now = self.clock.monotonic()
            spent.until = now + _MINUTE
            if used is not None and used > (ours := self._ours(now)):
                self._foreign = _Spent(used - ours, now + _MINUTE)

    def pause(self, seconds: float, *, banned: bool = False) -> None:
        """Nobody asks for this long: the provider said so."""
        with self._lock:
            self._paused_until = max(self._paused_until, self.clock.monotonic() + seconds)
            self._banned = banned

    def ban(self) -> float:
        """Seconds left of a ban, 0 where there is none: asking on would make it longer."""
        with self._lock:
            left = self._paused_until - self.clock.monotonic()
            return left if self._banned and left > 0 else 0.0

    def budget(self) -> Budget:
        """What is used and left now. For display."""
        with self._lock:
            now = self.clock.monotonic()
            used = self._ours(now) + self._theirs(now)
            ends = [spent.until for spent in self._spent if spent.until < float("inf")]
            resets = max(ends, default=now) - now
            return Budget(used, self.per_minute, max(0.0, resets), max(0.0, self._paused_until - now))

    def _ours(self, now: float) -> int:
        self._spent = deque(spent for spent in self._spent if spent.until > now)
        return sum(spent.weight for spent in self._spent)

    def _theirs(self, now: float) -> int:
        return self._foreign.weight if self._foreign.until > now else 0

    def _wait(self, weight: int, now: float) -> float:
        """Seconds until ``weight`` may be spent."""
        if now < self._paused_until:
            return self._paused_until - now
        over = self._ours(now) + self._theirs(now) + weight - self.usable
        if over <= 0 or not (self._spent or self._theirs(now)):
            return 0.0
        for spent in sorted([*self._spent, self._foreign], key=lambda one: one.until):
            if spent.until <= now:
                continue
            over -= spent.weight
            if over <= 0:
                return min(spent.until - now, _MINUTE)
        return 1.0

    def _why(self) -> str:
        if self._paused_until > self.clock.monotonic():
            return f"{self.name} asked to slow down"
        return f"{self.name} has been asked as often as it allows"

    def _refusal(self, wait: float) -> RateLimited:
        return RateLimited(
            f"{self._why()[0].upper()}{self._why()[1:]}; it may be asked again in {span(wait)}.",
            remedy="Try again then.",
            retry_after=wait,
            source=self.name,
        )


def span(seconds: float) -> str:
    """For people: ``0.5 s``, ``12 s``, ``3 min``, ``2.5 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


_limiters: dict[tuple[str, str], Limiter] = {}
_guard = threading.Lock()


def limiter(name: str, address: str, make: Callable[[], Limiter]) -> Limiter:
    """The process's one limiter of this provider at this address, made at the first call."""
    with _guard:
        return _limiters.setdefault((name, address), make())


def budgets() -> dict[str, Budget]:
    """The budget of every provider that was asked in this process, by the source's name."""
    with _guard:
        known = list(_limiters.items())
    return {name: one.budget() for (name, _), one in known}
