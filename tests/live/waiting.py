"""Waiting for a condition, with a deadline and a word on what was seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T], true: Callable[[T], object] = bool, seconds: float = 10.0) -> T:
    """The first value of ``look`` for which ``true`` holds."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if true(seen):
            return seen
        assert time.monotonic() < end, f"not within {seconds} seconds; last seen: {seen!r}"
        time.sleep(0.005)
