"""Measurements, each with the bar it is held to. ``make bench`` runs them; no test does."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Result"]


@dataclass(frozen=True, slots=True)
class Result:
    """One figure: ``bar`` is in words ("at most 3"), empty where there is none; ``ok`` whether it holds."""

    name: str
    value: float
    unit: str
    bar: str
    ok: bool
    detail: str = ""
