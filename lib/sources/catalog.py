"""Providers' own lists of symbols: kept for an hour within the process, searched, and asked for the
nearest name where one is unknown. Nothing is written to disk."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Iterable

from lib.sources.limits import Clock

__all__ = ["forget", "listed", "nearest", "plain", "rank"]

KEPT_SECONDS = 3600.0

_lists: dict[str, tuple[float, tuple[str, ...]]] = {}
_guard = threading.Lock()


def listed(key: str, clock: Clock, load: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """The list kept under ``key``, or what ``load`` brings. Raises what ``load`` raises."""
    with _guard:
        known = _lists.get(key)
    if known is not None and 0 <= clock.monotonic() - known[0] < KEPT_SECONDS:
        return known[1]
    loaded = load()
    with _guard:
        _lists[key] = (clock.monotonic(), loaded)
    return loaded


def forget(address: str) -> None:
    """Forget the lists whose key holds ``address``."""
    with _guard:
        for key in [key for key in _lists if address in key]:
            del _lists[key]


def plain(symbol: str) -> str:
    """A symbol without case and separators: ``eur/usd`` and ``EUR_USD`` are the same."""
    return "".join(c for c in symbol.upper() if c.isalnum())


def nearest(symbol: str, symbols: Iterable[str], count: int = 3) -> list[str]:
    """The symbols that are most likely meant, best first. O(n), some 50 ms for 5,000."""
    named: dict[str, str] = {}
    for one in symbols:
        named.setdefault(plain(one), one)
    wanted = plain(symbol)
    if wanted in named:
        return [named[wanted]]
    if not wanted:
        return []
    longer = sorted((one for one in named if one.startswith(wanted)), key=lambda one: (len(one), one))
    near = difflib.get_close_matches(wanted, named, n=count)
    return [named[one] for one in dict.fromkeys([*near, *(longer[:count] if len(wanted) > 2 else [])])][
        :count
    ]


def rank(text: str, symbols: Iterable[str], limit: int = 20) -> tuple[str, ...]:
    """Symbols that match ``text``, best first: the same, beginning with it, a part of them beginning with
    it, holding it. Among equals the shorter come first. Case and separators do not count. O(n)."""
    wanted = plain(text)
    found: list[tuple[int, int, str]] = []
    for symbol in symbols:
        at = plain(symbol).find(wanted)
        if at < 0:
            continue
        exact = len(plain(symbol)) == len(wanted)
        begins = any(plain(part).startswith(wanted) for part in _parts(symbol))
        found.append((0 if exact else 1 if at == 0 else 2 if begins else 3, len(symbol), symbol))
    return tuple(symbol for _, _, symbol in sorted(found)[:limit])


def _parts(symbol: str) -> list[str]:
    """``EUR/USD`` in its pieces."""
    return "".join(c if c.isalnum() else " " for c in symbol).split()
