"""Settings: environment variables, read in one place, each time they are asked for.

| variable                    | default                              | what it is |
| --------------------------- | ------------------------------------ | ---------- |
| CANDLEBOOK_STORE            | ``data/store`` beside the app        | where candles are kept: a folder, or any fsspec URL (``s3://bucket/prefix``, ``memory://``) |
| CANDLEBOOK_CACHE            | ``data/cache`` beside the app        | folder in which files of a store on S3 are kept for the next look; ``off``: nowhere |
| CANDLEBOOK_CACHE_MB         | 500                                  | how large that folder may get |
| CANDLEBOOK_PRIVATE          | not set                              | ``yes``: only its owner opens this app, so a page may read files, private addresses and buckets of this machine; ``no``: never |
| CANDLEBOOK_BINANCE_REST     | https://data-api.binance.vision      | Binance's host for market data |
| CANDLEBOOK_BINANCE_STREAM   | wss://data-stream.binance.vision     | Binance's host for streams |

Streamlit exports the root-level entries of its secrets file as environment variables, so the same names
work there. Hosts: github.com/binance/binance-spot-api-docs, ``faqs/market_data_only.md``.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from lib.errors import InputError

__all__ = [
    "app_root", "binance_rest", "binance_stream", "cache_bytes", "cache_folder", "is_private", "store_url",
]  # fmt: skip


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


def _read(name: str) -> str:
    """The variable without spaces around it; one that is set but empty counts as not set."""
    return os.environ.get(name, "").strip()


def _base_url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    url = _read(name) or default
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        # the value may hold a password, so it is not shown
        raise InputError(
            f"The setting {name} is not an address.",
            remedy=f"Write it as {schemes[0]}://host, or remove it to use {default}.",
            setting=name,
        )
    return url.rstrip("/")
