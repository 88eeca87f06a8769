"""The sources by name. An adapter is imported when it is first asked for, so that what only one
provider needs costs nothing to the others."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast

from lib import settings
from lib.errors import CandlebookError, InputError, UnknownName
from lib.sources import catalog
from lib.sources.base import Quotes, Source

__all__ = ["Entry", "entries", "get", "lacking", "names", "quote_names", "quotes", "search"]

# How long a search waits for a provider's list; it goes on arriving behind the scenes.
_SEARCH_SECONDS = 3.0
_ASK_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One source: ``target`` is ``module:Class``; ``example`` a symbol in its spelling; ``hint`` says
    what to install where it needs more than the plain requirements, ``packages`` are imported then;
    ``settings`` must be set, and ``where`` says how to come by them; ``live`` sources have a feed, and
    ``synthetic`` ones invent their candles."""

    name: str
    title: str
    target: str
    about: str
    example: str
    hint: str = ""
    packages: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    where: str = ""
    live: bool = False
    synthetic: bool = False


def _by_name(*made: Entry) -> Mapping[str, Entry]:
    return MappingProxyType({entry.name: entry for entry in made})


_OPTIONAL = "Run: pip install -r requirements-optional.txt"
_ENTRIES: Mapping[str, Entry] = _by_name(
    Entry(
        "binance",
        "Binance spot",
        "lib.sources.binance:Binance",
        "Crypto pairs, no key needed.",
        "BTCUSDT",
        live=True,
    ),
    Entry(
        "binance-futures",
        "Binance futures",
        "lib.sources.binance_futures:BinanceFutures",
        "Perpetual and dated crypto futures, no key needed.",
        "BTCUSDT",
    ),
    Entry(
        "data-api",
        "OHLCV by key",
        "lib.sources.by_key:ByKey",
        "Any interface of the common shape, with a key.",
        "EURUSD",
        settings=("DATA_API_BASE", "DATA_API_KEY"),
        where="Whoever runs the interface gives its address and a key.",
    ),
    Entry(
        "demo",
        "Demo feed",
        "lib.sources.demo:Demo",
        "Synthetic candles, made on this machine.",
        "DEMO-BTC",
        live=True,
        synthetic=True,
    ),
    Entry(
        "massive",
        "API Massive",
        "lib.sources.massive:Massive",
        "Metals and currencies, ten years and more, with a key.",
        "XAUUSD",
        settings=("CANDLEBOOK_MASSIVE_KEY", "CANDLEBOOK_MASSIVE_REST"),
        where="API Massive gives a key with a plan.",
    ),
    Entry(
        "oanda",
        "OANDA",
        "lib.sources.oanda:Oanda",
        "Currencies, metals and indices, with a token.",
        "EUR_USD",
        settings=("CANDLEBOOK_OANDA_TOKEN",),
        where="A free practice account has a token: https://www.oanda.com, Manage API Access.",
    ),
    Entry(
        "twelvedata",
        "Twelve Data",
        "lib.sources.twelvedata:TwelveData",
        "Stocks, funds, currencies, metals and coins, with a key.",
        "EUR/USD",
        settings=("CANDLEBOOK_TWELVEDATA_KEY",),
        where="A free key comes with an account at https://twelvedata.com/pricing.",
    ),
    Entry(
        "yahoo",
        "Yahoo",
        "lib.sources.yahoo:Yahoo",
        "Stocks, funds, indices and more through yfinance, no key needed.",
        "AAPL",
        hint=_OPTIONAL,
        packages=("yfinance",),
    ),
)
# Each has members that are sources of their own, as ``ccxt.kraken``; the settings say which menus offer.
_FAMILIES: Mapping[str, Entry] = _by_name(
    Entry(
        "ccxt",
        "{} (ccxt)",
        "lib.sources.ccxt_rest:Ccxt",
        "Crypto pairs of the exchange {}, no key needed.",
        "BTC/USDT",
        hint=_OPTIONAL,
        packages=("ccxt",),
    ),
)
_QUOTES: Mapping[str, Entry] = _by_name(
    Entry(
        "metaapi",
        "MetaApi",
        "lib.sources.metaapi:MetaApi",
        "The price a MetaTrader account is quoted now.",
        "EURUSD",
        settings=("CANDLEBOOK_METAAPI_TOKEN", "CANDLEBOOK_METAAPI_ACCOUNT"),
        where="MetaApi shows both at https://app.metaapi.cloud.",
    ),
)


def names() -> tuple[str, ...]:
    """The names of all sources that menus offer, sorted. Any other member of a family can be had as well."""
    return tuple(_offered())


def entries() -> tuple[Entry, ...]:
    """What is known of each source that menus offer, without importing it."""
    return tuple(_offered().values())


def lacking(name: str) -> str:
    """What a source still needs before it can be asked, as a sentence; empty where it is ready. Nothing is
    imported and nobody asked. Raises ``UnknownName``."""
    entry = _entry(name, {**_offered(), **_QUOTES})
    for package in entry.packages:
        if importlib.util.find_spec(package) is None:
            return f"The Python package {package} is not installed. {entry.hint}".strip()
    missing = [setting for setting in entry.settings if not settings.is_set(setting)]
    if not missing:
        return ""
    plural = "s" if len(missing) > 1 else ""
    return f"The setting{plural} {' and '.join(missing)} {'are' if plural else 'is'} missing. {entry.where}"


def get(name: str) -> Source:
    """The source of this name, at the address the settings give it now. Cheap: connections open with
    the first request, and limits and lists are kept per process, not per object. Keys are looked for when
    they are needed: see :func:`lacking`.

    Raises ``UnknownName``, with the nearest name; ``InputError`` where a package it needs is missing.
    """
    return cast(Source, _make(_entry(name, _offered())))


def quote_names() -> tuple[str, ...]:
    """The names of those who quote prices and have no candles, sorted."""
    return tuple(_QUOTES)


def quotes(name: str) -> Quotes:
    """Who quotes prices under this name. Raises as :func:`get`."""
    return cast(Quotes, _make(_entry(name, _QUOTES)))


def search(name: str, text: str, limit: int = 20, *, patience: float | None = None) -> tuple[str, ...]:
    """Symbols of a source that match ``text``, best first; of all of them where it is empty. Never longer than
    ``patience`` seconds (3): where the list cannot be had by then, or at all, nothing is found; when it arrives
    later, the next search has it. A source that would not give its list is asked again after a minute.

    Raises ``UnknownName`` for a source that is not there.
    """
    if lacking(name):
        return ()
    source = get(name)
    with _searching:
        thread, found, at = _loading.get(name, (None, [], 0.0))
        failed = thread is not None and not thread.is_alive() and not found
        if failed and time.monotonic() - at < _ASK_AGAIN_SECONDS:
            return ()
        if thread is None or not thread.is_alive():
            found = []
            thread = threading.Thread(target=_list, args=(source, found), name=f"symbols {name}", daemon=True)
            _loading[name] = (thread, found, time.monotonic())
            thread.start()
    thread.join(_SEARCH_SECONDS if patience is None else patience)
    return catalog.rank(text, found[0], limit) if found else ()


def _list(source: Source, found: list[tuple[str, ...]]) -> None:
    try:
        found.append(source.symbols())
    except CandlebookError:  # a picker goes without its list; the download says what is wrong
        return


_searching = threading.Lock()
_loading: dict[str, tuple[threading.Thread, list[tuple[str, ...]], float]] = {}


def _offered() -> dict[str, Entry]:
    chosen = {"ccxt": settings.ccxt_exchanges()}
    members = [_member(family, one) for name, family in _FAMILIES.items() for one in chosen[name]]
    return dict(sorted({**_ENTRIES, **{entry.name: entry for entry in members}}.items()))


def _member(family: Entry, one: str) -> Entry:
    return replace(
        family, name=f"{family.name}.{one}", title=family.title.format(one), about=family.about.format(one)
    )


def _entry(name: str, among: Mapping[str, Entry]) -> Entry:
    entry = among.get(name)
    family, _, one = name.partition(".")
    if entry is None and one and family in _FAMILIES:
        return _member(_FAMILIES[family], one)
    if entry is None:
        near = difflib.get_close_matches(name.lower(), among, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(among)}."
        raise UnknownName(f"There is no source {name!r}.", remedy=remedy, source=name)
    return entry


def _make(entry: Entry) -> Any:
    module, _, made = entry.target.partition(":")
    family, _, one = entry.name.partition(".")
    try:
        return getattr(importlib.import_module(module), made)(*([one] if family in _FAMILIES else []))
    except ModuleNotFoundError as missing:
        raise InputError(
            f"The source {entry.name} needs the Python package {missing.name}, which is not installed.",
            remedy=entry.hint or f"Run: pip install {missing.name}",
            source=entry.name,
        ) from missing
