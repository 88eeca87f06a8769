"""The name of a series: which source, which symbol, which timeframe."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from lib.errors import InputError, UnknownName
from lib.timeframes import Timeframe, parse

__all__ = ["Series"]

_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Series:
    """A series of candles: (source, symbol, timeframe). Hashable; the key of the store."""

    source: str
    symbol: str
    timeframe: Timeframe

    def __post_init__(self) -> None:
        for what, text in (("source", self.source), ("symbol", self.symbol)):
            if not text or text != text.strip() or not text.isprintable():
                raise InputError(
                    f"{text!r} cannot be the {what} of a series: it is empty, has blanks at an end, "
                    "or characters that do not print.",
                    **{what: text},
                )
            if len(text) > _LONGEST:
                raise InputError(
                    f"The {what} {text[:20]!r}... has {len(text)} characters; {_LONGEST} is the most."
                )

    @classmethod
    def of(cls, source: str, symbol: str, timeframe: str | Timeframe) -> Series:
        """Make a series, reading the timeframe in any spelling."""
        return cls(source, symbol, parse(timeframe))

    @property
    def slug(self) -> str:
        """One word for addresses: ``binance:BTCUSDT:1m``; what is odd is percent-encoded."""
        return f"{quote(self.source, safe='')}:{quote(self.symbol, safe='')}:{self.timeframe}"

    @classmethod
    def from_slug(cls, text: str) -> Series:
        """The inverse of :attr:`slug`. Raises ``UnknownName`` when the text is not one."""
        parts = text.split(":")
        if len(parts) != 3:
            raise UnknownName(
                f"{text!r} does not name a series.",
                remedy="A series is written source:symbol:timeframe, as in binance:BTCUSDT:1m.",
            )
        try:
            source, symbol = (unquote(part, errors="strict") for part in parts[:2])
        except UnicodeDecodeError as error:
            raise UnknownName(f"{text!r} does not name a series: it is not UTF-8.") from error
        return cls(source, symbol, parse(parts[2]))

    def at(self, timeframe: Timeframe) -> Series:
        """The same source and symbol at another timeframe."""
        return Series(self.source, self.symbol, timeframe)

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} ({self.source})"
