"""Settings: environment variables, read in one place, each time they are asked for.

| variable                    | default                              | what it is |
| --------------------------- | ------------------------------------ | ---------- |
| CANDLEBOOK_STORE            | ``data/store`` beside the app        | where candles are kept: a folder, or any fsspec URL (``s3://bucket/prefix``, ``memory://``) |
| CANDLEBOOK_CACHE            | ``data/cache`` beside the app        | folder in which files of a store on S3 are kept for the next look; ``off``: nowhere |
| CANDLEBOOK_CACHE_MB         | 500                                  | how large that folder may get |
| CANDLEBOOK_PRIVATE          | not set                              | ``yes``: only its owner opens this app, so a page may read files, private addresses and buckets of this machine; ``no``: never |
| CANDLEBOOK_BINANCE_REST     | https://data-api.binance.vision      | Binance's host for market data |
| CANDLEBOOK_BINANCE_STREAM   | wss://data-stream.binance.vision     | Binance's host for streams |
| CANDLEBOOK_BINANCE_FUTURES_REST | https://fapi.binance.com       | Binance's host for USD-M futures; https://testnet.binancefuture.com for its testnet |
| CANDLEBOOK_TWELVEDATA_KEY   | not set                              | key for Twelve Data |
| CANDLEBOOK_TWELVEDATA_REST  | https://api.twelvedata.com           | its host |
| CANDLEBOOK_TWELVEDATA_PER_MINUTE, CANDLEBOOK_TWELVEDATA_PER_DAY | 8, 800 | credits of the plan; 0 a day: no such limit |
| CANDLEBOOK_OANDA_TOKEN      | not set                              | token for OANDA |
| CANDLEBOOK_OANDA_ACCOUNT    | the token's first                    | account whose instruments are listed |
| CANDLEBOOK_OANDA_REST       | https://api-fxpractice.oanda.com     | its host; https://api-fxtrade.oanda.com for a live account's token |
| CANDLEBOOK_MASSIVE_KEY, CANDLEBOOK_MASSIVE_REST | not set          | key for API Massive, and its address |
| CANDLEBOOK_MASSIVE_PLAN     | Free                                 | Free, Basic or Pro |
| DATA_API_BASE, DATA_API_KEY | not set                              | address and key of an OHLCV interface; :class:`DataApi` has the rest |
| CANDLEBOOK_METAAPI_TOKEN, CANDLEBOOK_METAAPI_ACCOUNT | not set     | token and account for quotes of a broker through MetaApi |
| CANDLEBOOK_METAAPI_REGION   | new-york                             | the account's region |
| CANDLEBOOK_METAAPI_REST     | that region's host                   | another address for it |
| CANDLEBOOK_CCXT_EXCHANGES   | kraken                               | exchanges offered in menus, by ccxt's names, with commas; any other can be named as well |
| CANDLEBOOK_CCXT_REST        | each exchange's own                  | address asked instead of every exchange's: a proxy, or a test's |
| CANDLEBOOK_YAHOO_REST       | Yahoo's own hosts                    | address asked instead of Yahoo's: a proxy, or a test's |

Streamlit exports the root-level entries of its secrets file as environment variables, so the same names
work there. Hosts: github.com/binance/binance-spot-api-docs, ``faqs/market_data_only.md``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lib.errors import InputError

__all__ = [
    "DataApi", "address", "app_root", "binance_futures_rest", "binance_rest", "binance_stream", "cache_bytes",
    "cache_folder", "ccxt_exchanges", "ccxt_rest", "data_api", "is_private", "is_set", "massive_plan", "massive_rest",
    "metaapi_account", "metaapi_rest", "oanda_account", "oanda_rest", "secret", "store_url",
    "twelvedata_credits", "twelvedata_rest", "yahoo_rest",
]  # fmt: skip

# What a plan of API Massive allows: requests a minute, candles a request, days of history (0: all).
_MASSIVE_PLANS = {"free": (10, 1_000, 365), "basic": (60, 5_000, 5 * 365), "pro": (300, 50_000, 0)}


def app_root() -> Path:
    """The folder that holds ``streamlit_app.py``."""
    return Path(__file__).resolve().parent.parent


def store_url() -> str:
    """Where candles are kept: an absolute path of this machine, or an fsspec URL as it was given.
    A relative path counts from the app's folder, and ``~`` is the home folder."""
    given = _read("CANDLEBOOK_STORE")
    if not given:
        return str(app_root() / "data" / "store")
    if "://" in given:
        return given
    return str(app_root() / Path(given).expanduser())


def cache_folder() -> Path | None:
    """Where files of a remote store are kept for the next look; None: nowhere. A relative path counts
    from the app's folder."""
    given = _read("CANDLEBOOK_CACHE")
    if given.lower() in ("off", "no", "none"):
        return None
    return app_root() / Path(given).expanduser() if given else app_root() / "data" / "cache"


def cache_bytes() -> int:
    """How large the cache may get. Raises ``InputError``."""
    given = _read("CANDLEBOOK_CACHE_MB") or "500"
    try:
        size = float(given)
    except ValueError:
        size = -1.0
    if not 0 < size < 1e9:
        raise InputError(
            f"The setting CANDLEBOOK_CACHE_MB is {given!r}, which is no size.",
            remedy="Write a number of megabytes, as in 500; CANDLEBOOK_CACHE=off keeps nothing.",
            setting="CANDLEBOOK_CACHE_MB",
        )
    return int(size * 1_000_000)


def is_private() -> bool | None:
    """Whether only its owner opens this app; None where nothing was said. Raises ``InputError``."""
    given = _read("CANDLEBOOK_PRIVATE").lower()
    if not given:
        return None
    if given in ("yes", "true", "1", "on"):
        return True
    if given in ("no", "false", "0", "off"):
        return False
    raise InputError(
        f"The setting CANDLEBOOK_PRIVATE is {given!r}.",
        remedy="Write yes or no.",
        setting="CANDLEBOOK_PRIVATE",
    )


def binance_rest() -> str:
    """Base URL of Binance's REST interface, without a slash at the end. Raises ``InputError``."""
    return _base_url("CANDLEBOOK_BINANCE_REST", "https://data-api.binance.vision", ("https", "http"))


def binance_stream() -> str:
    """Base URL of Binance's streams, without a slash at the end. Raises ``InputError``."""
    return _base_url("CANDLEBOOK_BINANCE_STREAM", "wss://data-stream.binance.vision", ("wss", "ws"))


def binance_futures_rest() -> str:
    """Base URL of Binance's USD-M futures. Raises ``InputError``."""
    return _base_url("CANDLEBOOK_BINANCE_FUTURES_REST", "https://fapi.binance.com", ("https", "http"))


def twelvedata_rest() -> str:
    """Base URL of Twelve Data. Raises ``InputError``."""
    return _base_url("CANDLEBOOK_TWELVEDATA_REST", "https://api.twelvedata.com", ("https", "http"))


def twelvedata_credits() -> tuple[int, int]:
    """Credits a minute and a day; 0 a day is no limit. Raises ``InputError``."""
    return _count("CANDLEBOOK_TWELVEDATA_PER_MINUTE", 8, 1), _count("CANDLEBOOK_TWELVEDATA_PER_DAY", 800, 0)


def oanda_rest() -> str:
    """Base URL of OANDA's v20 REST interface. Raises ``InputError``."""
    return _base_url("CANDLEBOOK_OANDA_REST", "https://api-fxpractice.oanda.com", ("https", "http"))


def oanda_account() -> str:
    """The account whose instruments are listed; empty: the token's first."""
    return _read("CANDLEBOOK_OANDA_ACCOUNT")


def massive_rest() -> str:
    """Base URL of API Massive; empty where it is not set. Raises ``InputError``."""
    return _base_url("CANDLEBOOK_MASSIVE_REST", "", ("https", "http"))


def massive_plan() -> tuple[int, int, int]:
    """Requests a minute, candles a request, and days of history (0: all). Raises ``InputError``."""
    given = _read("CANDLEBOOK_MASSIVE_PLAN") or "Free"
    if given.lower() not in _MASSIVE_PLANS:
        raise InputError(
            f"The setting CANDLEBOOK_MASSIVE_PLAN is {given!r}.",
            remedy="Write Free, Basic or Pro.",
            setting="CANDLEBOOK_MASSIVE_PLAN",
        )
    return _MASSIVE_PLANS[given.lower()]


def metaapi_rest() -> str:
    """Base URL of MetaApi's client interface in the account's region. Raises ``InputError``."""
    region = (_read("CANDLEBOOK_METAAPI_REGION") or "new-york").lower()
    if not region.isascii() or not region.replace("-", "").isalnum():
        raise _refused("CANDLEBOOK_METAAPI_REGION", "Write it as MetaApi does, as in new-york or london.")
    host = f"https://mt-client-api-v1.{region}.agiliumtrade.ai"
    return _base_url("CANDLEBOOK_METAAPI_REST", host, ("https", "http"))


def metaapi_account() -> str:
    """The id of the account at MetaApi. Raises ``InputError`` where it is not set."""
    return secret("CANDLEBOOK_METAAPI_ACCOUNT", "MetaApi shows it at https://app.metaapi.cloud.")


def ccxt_exchanges() -> tuple[str, ...]:
    """The exchanges offered in menus, by ccxt's names."""
    given = (_read("CANDLEBOOK_CCXT_EXCHANGES") or "kraken").lower()
    return tuple(dict.fromkeys(word.strip() for word in given.split(",") if word.strip()))


def ccxt_rest() -> str:
    """Base URL in the place of every exchange's that ccxt knows; empty: their own. Raises ``InputError``."""
    return _base_url("CANDLEBOOK_CCXT_REST", "", ("https", "http"))


def yahoo_rest() -> str:
    """Base URL in the place of Yahoo's hosts; empty: their own. Raises ``InputError``."""
    return _base_url("CANDLEBOOK_YAHOO_REST", "", ("https", "http"))


@dataclass(frozen=True, slots=True)
class DataApi:
    """An interface of the common shape ``GET base/path?symbol=&timeframe=&start=&end=&limit=`` with a key.

    | variable                | default            | what it is |
    | ----------------------- | ------------------ | ---------- |
    | DATA_API_BASE           | not set            | its address |
    | DATA_API_KEY            | not set            | the key; it goes in a header where the interface takes one |
    | DATA_API_HEADER         | ``Authorization``  | that header |
    | DATA_API_QUERY          | not set            | the parameter that holds the key instead, where no header will do |
    | DATA_API_SCHEME         | ``Bearer`` in Authorization, else nothing | the word before the key; ``none`` |
    | DATA_API_PATH           | ``/ohlcv``         | path of the candles; ``{symbol}`` and ``{timeframe}`` stand for those |
    | DATA_API_PARAMS         | each by its own name | other names for symbol, timeframe, start, end, limit: ``symbol=pair,start=from`` |
    | DATA_API_TIMEFRAMES     | ``1m,5m,15m,1h,1d`` | what it has, where it writes them otherwise ``1m=1min,1h=60min`` |
    | DATA_API_ROWS           | found by itself    | the way to the rows in the answer, with dots: ``data.candles`` |
    | DATA_API_COLUMNS        | ``time,open,high,low,close,volume`` | order of the columns in rows that are lists, or names of the fields, each at the place of its meaning |
    | DATA_API_TIME           | ``s``              | how start and end are written: ``s``, ``ms``, ``us`` or ``iso``. In answers it is told by size |
    | DATA_API_LIMIT          | 1000               | the most candles in an answer |
    | DATA_API_PER_MINUTE     | 60                 | the most requests a minute |
    | DATA_API_SYMBOLS        | not set            | path of a list of symbols, or the symbols themselves with commas |
    """

    base: str
    header: str
    scheme: str
    query: str
    path: str
    params: dict[str, str]
    timeframes: dict[str, str]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    time: str
    limit: int
    per_minute: int
    symbols: str


def data_api() -> DataApi:
    """The settings of the OHLCV interface. Raises ``InputError``."""
    header = _read("DATA_API_HEADER") or "Authorization"
    scheme = _read("DATA_API_SCHEME") or ("Bearer" if header.lower() == "authorization" else "none")
    names = ("symbol", "timeframe", "start", "end", "limit")
    columns = _words("DATA_API_COLUMNS", "time,open,high,low,close,volume")
    if len(columns) < 5:
        raise _refused("DATA_API_COLUMNS", "Write six names: those of time, open, high, low, close, volume.")
    time = (_read("DATA_API_TIME") or "s").lower()
    if time not in ("s", "ms", "us", "iso"):
        raise _refused("DATA_API_TIME", "Write s, ms, us or iso.")
    path = _read("DATA_API_PATH") or "/ohlcv"
    return DataApi(
        base=_base_url("DATA_API_BASE", "", ("https", "http")),
        header=header,
        scheme="" if scheme.lower() == "none" else scheme,
        query=_read("DATA_API_QUERY"),
        path=path if path.startswith("/") else f"/{path}",
        params={name: name for name in names} | _pairs("DATA_API_PARAMS", names),
        timeframes=_pairs("DATA_API_TIMEFRAMES", ()) or {name: name for name in "1m 5m 15m 1h 1d".split()},
        rows=tuple(part for part in _read("DATA_API_ROWS").split(".") if part),
        columns=columns,
        time=time,
        limit=_count("DATA_API_LIMIT", 1000, 1),
        per_minute=_count("DATA_API_PER_MINUTE", 60, 1),
        symbols=_read("DATA_API_SYMBOLS"),
    )


def secret(name: str, where: str) -> str:
    """A key, from the environment only. ``where`` is a sentence on how to get one.

    Raises ``InputError`` naming the setting where it is missing; the value is in no message."""
    if not (given := _read(name)):
        raise InputError(f"The setting {name} is missing.", remedy=where, setting=name)
    return given


def address(name: str) -> str:
    """The base URL in the setting ``name``, which has no default. Raises ``InputError``."""
    if not (url := _base_url(name, "", ("https", "http"))):
        raise InputError(f"The setting {name} is missing.", remedy="Write it as https://host.", setting=name)
    return url


def is_set(name: str) -> bool:
    """Whether the variable is there and not empty."""
    return bool(_read(name))


def _words(name: str, default: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in (_read(name) or default).split(",") if word.strip())


def _pairs(name: str, allowed: tuple[str, ...]) -> dict[str, str]:
    """``a=b,c`` as ``{"a": "b", "c": "c"}``."""
    pairs = {}
    for word in _words(name, ""):
        left, _, right = (part.strip() for part in word.partition("="))
        if allowed and left not in allowed:
            raise _refused(name, f"It may rename {', '.join(allowed)}, as in {allowed[0]}=name.")
        pairs[left] = right or left
    return pairs


def _count(name: str, default: int, least: int) -> int:
    given = _read(name) or str(default)
    if not (given.isascii() and given.isdecimal()) or int(given) < least:
        raise _refused(name, f"Write a whole number, {least} or more, as in {default}.")
    return int(given)


def _refused(name: str, remedy: str) -> InputError:
    return InputError(f"The setting {name} is {_read(name)!r}.", remedy=remedy, setting=name)


def _read(name: str) -> str:
    """The variable without spaces around it; one that is set but empty counts as not set."""
    return os.environ.get(name, "").strip()


def _base_url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    url = _read(name) or default
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        # the value may hold a password, so it is not shown
        raise InputError(
            f"The setting {name} is not an address.",
            remedy=f"Write it as {schemes[0]}://host"
            + (f", or remove it to use {default}." if default else "."),
            setting=name,
        )
    return url.rstrip("/")
