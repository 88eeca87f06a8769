"""How fast a provider may be asked: one limiter per provider for the whole process.

Providers count the weight of requests per second, minute or day, each with minutes of its own, and per
address rather than per program. So what is counted here is what the provider may still be counting: a
request weighs from before it is sent until a whole window after its answer came, and what the provider's own header reports
beyond that (another program behind the same address) is counted too. Nothing on PyPI that was looked at
takes a server's count back in, or lets a waiting thread be cancelled, so this is ours.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lib.errors import Cancelled, RateLimited
from lib.sources.base import note

__all__ = [
    "Budget", "Clock", "Limit", "Limiter", "Spent", "Use", "budgets", "cancelled", "forget", "limiter", "recall",
    "span",
]  # fmt: skip

_MINUTE = 60.0
_LENGTHS = {1.0: "a second", 60.0: "a minute", 3600.0: "an hour", 86400.0: "a day"}
# Kept free for whatever else runs behind the same address.
_SPARE = 0.05
# Grace after the end of a fixed window, as a share of it and in seconds.
_GRACE_SHARE, _GRACE_MOST = 0.02, 300.0
# Shorter waits, as under limits a second, are nobody's concern.
_WORTH_TELLING = 1.0


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
    """The error that ends a wait that was stopped."""
    return Cancelled("Stopped on request.", remedy="What had arrived is kept.")


@dataclass(frozen=True, slots=True)
class Limit:
    """So much in so many seconds. ``of`` is what is counted: the weight of requests, or ``connections``
    newly opened. ``fixed`` windows begin on whole multiples of their length in UTC, as a quota of a
    day does; others may begin at any time, so any stretch of that length is kept under the limit."""

    amount: int
    seconds: float
    of: str = "weight"
    fixed: bool = False

    @property
    def name(self) -> str:
        """For people: ``a minute``, ``connections a second``."""
        length = _LENGTHS.get(self.seconds, f"in {span(self.seconds)}")
        return length if self.of == "weight" else f"{self.of} {length}"

    @property
    def usable(self) -> int:
        """What is really spent: a little under the limit where that is 20 or more."""
        return max(1, self.amount - int(self.amount * _SPARE))


@dataclass(frozen=True, slots=True)
class Use:
    """One limit now: ``used`` of ``limit``, all free again in ``resets_in`` seconds."""

    name: str
    used: int
    limit: int
    resets_in: float

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a provider allows. ``limits`` are all its limits; ``used``, ``limit``, ``left`` and
    ``resets_in`` are those of the tightest one now; ``paused`` is for how long the provider asked not
    to be asked, in seconds."""

    limits: tuple[Use, ...]
    paused: float = 0.0

    @property
    def tightest(self) -> Use:
        return max(self.limits, key=lambda use: use.used / use.limit)

    @property
    def used(self) -> int:
        return self.tightest.used

    @property
    def limit(self) -> int:
        return self.tightest.limit

    @property
    def left(self) -> int:
        return self.tightest.left

    @property
    def resets_in(self) -> float:
        return self.tightest.resets_in


@dataclass(frozen=True, slots=True)
class Spent:
    """What :meth:`Limiter.spend` took and :meth:`Limiter.answered` closes."""

    weight: int
    of: str


class _Window:
    """The count of one limit. Times are monotonic; not thread-safe on its own."""

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self.limit = limit
        self._clock = clock
        self._pending = 0  # sent, not answered
        self._done: deque[tuple[float, int]] = deque()  # (until, weight), ascending
        self._total = 0
        self._foreign = (0.0, 0)
        self._recalls = limit.fixed

    def used(self, now: float) -> int:
        while self._done and self._done[0][0] <= now:
            self._total -= self._done.popleft()[1]
        return self._pending + self._total + (self._foreign[1] if self._foreign[0] > now else 0)

    def take(self, weight: int) -> None:
        self._pending += weight

    def close(self, weight: int, now: float, told: int | None) -> None:
        """``told`` is the provider's own count: what is beyond ours is another's."""
        until = now + self._length()
        self._pending -= weight
        self._done.append((until, weight))
        self._total += weight
        if told is not None:
            used = self.used(now) - (self._foreign[1] if self._foreign[0] > now else 0)
            if told > used:
                self._foreign = (until, told - used)

    def due(self) -> bool:
        """Whether what was spent before this process began is to be told, once."""
        due, self._recalls = self._recalls, False
        return due

    def recall(self, weight: int, now: float) -> None:
        """So much was spent in the running window before this process began."""
        self._foreign = (now + self._length(), weight)

    def wait(self, weight: int, now: float) -> float:
        """Seconds until ``weight`` may be spent."""
        used = self.used(now)
        over = used + weight - self.limit.usable
        if over <= 0 or not used:
            return 0.0
        for until, freed in heapq.merge(self._done, [self._foreign]):
            if until > now:
                over -= freed
                if over <= 0:
                    return until - now
        return min(1.0, self.limit.seconds / 10)

    def use(self, now: float) -> Use:
        used = self.used(now)
        ends = [until for until, _ in (*self._done, self._foreign) if until > now]
        return Use(self.limit.name, used, self.limit.amount, max(ends, default=now) - now)

    def _length(self) -> float:
        """How long what was counted now goes on counting. A fixed window's end has some grace, since
        its clock is the provider's."""
        if not self.limit.fixed:
            return self.limit.seconds
        gone = self._clock.time() % self.limit.seconds
        return self.limit.seconds - gone + min(_GRACE_SHARE * self.limit.seconds, _GRACE_MOST)


class Limiter:
    """What was spent at one provider, under all its limits at once; a bare number is a weight a minute.
    The provider's own count, where it tells one, is of the first limit. Thread-safe; all methods cost
    O(requests in a window) at worst."""

    def __init__(self, name: str, limits: int | Sequence[Limit], clock: Clock | None = None) -> None:
        self.name = name
        self.limits = (Limit(limits, _MINUTE),) if isinstance(limits, int) else tuple(limits)
        self.clock = clock or Clock()
        self._lock = threading.Lock()
        self._windows = [_Window(limit, self.clock) for limit in self.limits]
        self._paused_until = 0.0
        self._banned = False

    def spend(
        self, weight: int, *, of: str = "weight", stop: threading.Event | None = None, patience: float
    ) -> Spent:
        """Take ``weight``, waiting for it where a window is used up. Raises ``RateLimited`` when that
        would take longer than ``patience`` seconds, ``Cancelled`` when ``stop`` is set while waiting."""
        deadline = self.clock.monotonic() + patience
        windows = [window for window in self._windows if window.limit.of == of]
        told = False
        while True:
            if stop is not None and stop.is_set():
                raise cancelled()
            with self._lock:
                now = self.clock.monotonic()
                waits = [window.wait(weight, now) for window in windows]
                wait = max([self._paused_until - now, *waits])
                if wait <= 0:
                    for window in windows:
                        window.take(weight)
                    break
            if now + wait > deadline:
                raise self._refusal(wait)
            if wait >= _WORTH_TELLING:
                told = True
                note(f"Waiting {span(wait)}: {self._why()}.")
            self.clock.wait(min(max(wait, 0.001), 5.0), stop)
        if told:
            note("")
        return Spent(weight, of)

    def answered(self, spent: Spent, used: int | None = None) -> None:
        """The answer to what was :meth:`spend`-ed came; ``used`` is the provider's own count."""
        with self._lock:
            now = self.clock.monotonic()
            for window in self._windows:
                if window.limit.of == spent.of:
                    window.close(spent.weight, now, used if window is self._windows[0] else None)

    def recall(self, count: Callable[[float], int]) -> None:
        """See :func:`recall`."""
        with self._lock:
            windows = [window for window in self._windows if window.due()]
        for window in windows:
            now = self.clock.time()
            weight = count(now - now % window.limit.seconds)
            with self._lock:
                window.recall(weight, self.clock.monotonic())

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
            uses = tuple(window.use(now) for window in self._windows)
            return Budget(uses, max(0.0, self._paused_until - now))

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


def recall(name: str, count: Callable[[float], int]) -> None:
    """Take in what was spent at a provider before this process began, where its windows are as long as a day:
    ``count`` tells the weight since a time (seconds since 1970), and is called once for each such limit."""
    with _guard:
        known = [one for (who, _), one in _limiters.items() if who == name]
    for one in known:
        one.recall(count)


def forget(address: str) -> None:
    """Forget what was spent at this address, as when another provider answers there now."""
    with _guard:
        for key in [key for key in _limiters if address in key[1]]:
            del _limiters[key]
