"""A clock that a test turns: waiting takes no time and is written down."""

from __future__ import annotations

import threading

from lib.sources.limits import Clock, cancelled


class FakeClock(Clock):
    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now
        self.began = now
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now - self.began

    def wait(self, seconds: float, stop: threading.Event | None) -> None:
        if stop is not None and stop.is_set():
            raise cancelled()
        self.waits.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """From any thread."""
        with self._lock:
            self.now += max(seconds, 0.0)

    @property
    def waited(self) -> float:
        return sum(self.waits)
