"""A pick is an indicator with its numbers: ``ema(21)``. Addresses, pages and columns are named by it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from lib.errors import InputError, UnknownName
from lib.indicators.registry import REGISTRY, Indicator, Output, number

__all__ = ["QUICK", "Pick", "format_list", "parse_list"]

_WRITTEN = re.compile(r"\s*([^()\s][^()]*?)\s*(?:\(([^()]*)\))?\s*")


@dataclass(frozen=True, slots=True)
class Pick:
    """An indicator of the registry and its parameters, in the registry's order. Valid once made.

    Raises ``UnknownName`` for a name that is not in the registry, and ``InputError`` for parameters
    outside their limits.
    """

    name: str
    params: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        entry = find(self.name)
        params = tuple(float(value) for value in self.params)
        entry.validate(params)
        object.__setattr__(self, "params", params)

    @classmethod
    def of(cls, name: str, *params: float) -> Pick:
        """``Pick.of("ema", 21)``; with no numbers, the defaults."""
        return cls(name, params or find(name).defaults)

    @classmethod
    def parse(cls, text: str) -> Pick:
        """Read ``ema(21)``, ``macd( 12, 26, 9 )`` or a name alone, which takes the defaults."""
        hit = _WRITTEN.fullmatch(text)
        if hit is None:
            raise InputError(
                f"{text!r} is not an indicator.", remedy="Write a name and its numbers, as in ema(21)."
            )
        name, inside = hit[1].lower(), (hit[2] or "").strip()
        if not inside:
            return cls.of(name)
        find(name)
        return cls(name, tuple(_float(part, text) for part in inside.split(",")))

    def __str__(self) -> str:
        return self.indicator.write(self.params)

    @property
    def indicator(self) -> Indicator:
        return REGISTRY[self.name]

    @property
    def label(self) -> str:
        """For legends: ``EMA 21``, ``MACD 12 26 9``, ``VWAP UTC day``."""
        entry = self.indicator
        words = [
            dict(param.choices).get(value, number(value))
            for param, value in zip(entry.params, self.params, strict=True)
        ]
        return " ".join([entry.short, *words])

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The outputs, with their shift for these parameters."""
        return self.indicator.outputs_for(self.params)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that ``compute`` gives for it, one for each output and in their order."""
        outputs = self.indicator.outputs
        if len(outputs) == 1:
            return (str(self),)
        return tuple(f"{self}.{output.name}" for output in outputs)

    @property
    def warmup(self) -> int:
        return self.indicator.warmup(*self.params)

    @property
    def settle(self) -> int | None:
        return self.indicator.settle(*self.params)


def find(name: str) -> Indicator:
    """The registry's entry. Raises ``UnknownName`` with the nearest names."""
    entry = REGISTRY.get(name)
    if entry is None:
        known = {alias.lower(): each for each in REGISTRY.values() for alias in _aliases(each)}
        near = get_close_matches(name.lower(), known, n=3, cutoff=0.5)
        names = list(dict.fromkeys(known[alias].usage for alias in near))
        hint = f"Did you mean {' or '.join(names)}?" if names else f"There are: {', '.join(REGISTRY)}."
        raise UnknownName(f"There is no indicator {name!r}.", remedy=hint, indicator=name)
    return entry


def _aliases(entry: Indicator) -> tuple[str, ...]:
    return (entry.name, entry.short, entry.title)


def _float(part: str, text: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise InputError(
            f"{part.strip()!r} in {text.strip()!r} is not a number.", remedy="Write it as in ema(21)."
        ) from None


def parse_list(text: str) -> tuple[Pick, ...]:
    """Read ``ema(10);ema(21);rsi(14)``, each once, in their order. Blank parts are skipped."""
    return tuple(dict.fromkeys(Pick.parse(part) for part in text.split(";") if part.strip()))


def format_list(picks: Iterable[Pick]) -> str:
    """What :func:`parse_list` reads; short enough for an address."""
    return ";".join(map(str, picks))


QUICK: tuple[Pick, ...] = tuple(Pick("ema", (length,)) for length in (10, 21, 50, 150))
"""The averages that pages offer as toggles."""
