"""The sources by name. An adapter is imported when it is first asked for, so that what only one
provider needs costs nothing to the others."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from lib.errors import InputError, UnknownName
from lib.sources.base import Source

__all__ = ["Entry", "entries", "get", "names"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One source: ``target`` is ``module:Class``; ``example`` a symbol in its spelling; ``hint`` says
    what to install where it needs more than the plain requirements."""

    name: str
    title: str
    target: str
    about: str
    example: str
    hint: str = ""


_ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            Entry(
                "binance",
                "Binance spot",
                "lib.sources.binance:Binance",
                "Crypto pairs, no key needed.",
                "BTCUSDT",
            ),
            Entry(
                "demo",
                "Demo feed",
                "lib.sources.demo:Demo",
                "Synthetic candles, made on this machine.",
                "DEMO-BTC",
            ),
        )
    }
)


def names() -> tuple[str, ...]:
    """The names of all sources, sorted."""
    return tuple(_ENTRIES)


def entries() -> tuple[Entry, ...]:
    """What is known of each source without importing it."""
    return tuple(_ENTRIES.values())


def get(name: str) -> Source:
    """The source of this name, at the address the settings give it now. Cheap: connections open with
    the first request, and limits and lists are kept per process, not per object.

    Raises ``UnknownName``, with the nearest name; ``InputError`` where a package it needs is missing.
    """
    entry = _ENTRIES.get(name)
    if entry is None:
        near = difflib.get_close_matches(name.lower(), _ENTRIES, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(_ENTRIES)}."
        raise UnknownName(f"There is no source {name!r}.", remedy=remedy, source=name)
    module, _, made = entry.target.partition(":")
    try:
        return cast(Source, getattr(importlib.import_module(module), made)())
    except ModuleNotFoundError as missing:
        raise InputError(
            f"The source {name} needs the Python package {missing.name}, which is not installed.",
            remedy=entry.hint or f"Run: pip install {missing.name}",
            source=name,
        ) from missing
