"""Counts in words, for findings, the command line and pages alike."""

from __future__ import annotations

__all__ = ["count"]


def count(number: int, what: str) -> str:
    """``1 candle``, ``2,000 candles``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
