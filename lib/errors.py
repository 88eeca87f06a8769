"""Every error Candlebook raises on purpose, split by what the reader can do about it.

    CandlebookError
    ├── InputError         change what was given: a file, a name, a number        (exit 2)
    │   ├── CandlesRefused     candles that break the rules; carries the report
    │   ├── FileRefused        a file that cannot be read; carries the line
    │   ├── UnknownName        no such series, source, indicator or timeframe
    │   └── ReplayError        a cursor outside what is stored
    ├── TryLater           nothing is wrong, wait: limits, outages, locks held    (exit 4)
    │   ├── RateLimited        the source asked us to slow down; carries retry_after
    │   ├── SourceDown         no connection, a time-out, or a 5xx
    │   └── StoreBusy          another writer holds the series for too long
    ├── SourceError        the source is wrong, or will not serve us              (exit 5)
    │   ├── Blocked            refused for this place or key (401, 403, 418, 451)
    │   └── BadAnswer          an answer that is not what its documentation says
    ├── StoreError         the store failed                                       (exit 3)
    │   └── CorruptFile        a stored file that does not parse; names it
    ├── Cancelled          stopped because somebody asked for it                 (exit 130)
    └── InternalError      a bug of ours

A message is a whole sentence for the reader: what, where, what to do. ``remedy`` is the last part when
it stands apart. No message ever holds a key; messages are shown on pages and in terminals as they are.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BadAnswer",
    "Blocked",
    "Cancelled",
    "CandlebookError",
    "CandlesRefused",
    "CorruptFile",
    "FileRefused",
    "InputError",
    "InternalError",
    "RateLimited",
    "ReplayError",
    "SourceDown",
    "SourceError",
    "StoreBusy",
    "StoreError",
    "TryLater",
    "UnknownName",
]


class CandlebookError(Exception):
    """Root of all errors raised on purpose.

    ``fields`` holds what the message speaks of, for programs: source, symbol, status, line ...
    ``exit_code`` is what the command line ends with.
    """

    exit_code = 1

    def __init__(self, message: str, *, remedy: str = "", **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.fields = fields

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class InputError(CandlebookError):
    """What was given cannot be used; another input can."""

    exit_code = 2


class CandlesRefused(InputError):
    """Candles that break the rules of the candle table. ``report`` is a ``lib.candles.Report``."""

    def __init__(self, message: str, *, report: Any, remedy: str = "", **fields: Any) -> None:
        super().__init__(message, remedy=remedy, **fields)
        self.report = report


class FileRefused(InputError):
    """A file that cannot be read as candles. ``fields`` may hold ``line`` (1-based) and ``file``."""


class UnknownName(InputError):
    """No such series, source, symbol, indicator or timeframe."""


class ReplayError(InputError):
    """A replay cursor or start that lies outside the series."""


class TryLater(CandlebookError):
    """Nothing is wrong with the request; it can succeed later."""

    exit_code = 4


class RateLimited(TryLater):
    """The source asked to slow down. ``retry_after`` is in seconds, None where it was not said."""

    def __init__(
        self, message: str, *, retry_after: float | None = None, remedy: str = "", **fields: Any
    ) -> None:
        super().__init__(message, remedy=remedy, **fields)
        self.retry_after = retry_after


class SourceDown(TryLater):
    """The source could not be reached, did not answer in time, or answered 5xx."""


class StoreBusy(TryLater):
    """Another writer held the lock of a partition for longer than we wait."""


class SourceError(CandlebookError):
    """The source is wrong, or will not serve us; asking again does not help."""

    exit_code = 5


class Blocked(SourceError):
    """Refused for this place, address or key."""


class BadAnswer(SourceError):
    """An answer that does not have the documented shape."""


class StoreError(CandlebookError):
    """The store could not be read or written."""

    exit_code = 3


class CorruptFile(StoreError):
    """A stored file that does not parse. It is named and left as it is, never read as empty."""


class Cancelled(CandlebookError):
    """Stopped because somebody asked for it; what was done until then is kept."""

    exit_code = 130


class InternalError(CandlebookError):
    """A broken promise inside Candlebook."""
