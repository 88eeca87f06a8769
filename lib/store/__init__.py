"""The store of closed candles: Parquet under a local folder, or under any fsspec root.

::

    store = open_store()
    store.write(series, table, origin="binance")
    store.read(series, timeframe="1d", last=300)

What lies where: ``layout``; how it is encoded: ``encoding``; places: ``files``, ``s3`` and its cache ``disk``;
windows: ``reading``, with few requests on S3 by ``direct`` and ``leads``; what keeps a killed writer from losing
anything: ``writing``. Beside the candles: ``records`` (syncs, states of gaps) and ``journal`` (pages of a
download that are not merged yet).
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lib import settings
from lib.store.disk import DiskCache
from lib.store.files import LocalFiles
from lib.store.fsspecs import RemoteFiles
from lib.store.journal import Journal
from lib.store.manifest import Catalog, Event, SeriesInfo, Written
from lib.store.records import GapState, LedgerEntry
from lib.store.s3 import S3Files
from lib.store.store import Store

__all__ = [
    "Catalog", "Event", "GapState", "Journal", "LedgerEntry", "SeriesInfo", "Store", "Written", "open_store",
]  # fmt: skip

_open: dict[str, Store] = {}
_opening = threading.Lock()


def open_store(url: str | None = None, *, options: Mapping[str, Any] | None = None) -> Store:
    """The store at a path or URL (default: the setting); one object a process for each address.

    ``options`` are fsspec's for that file system, e.g. ``{"endpoint_url": ...}``; a store opened with
    options is not shared. Raises ``StoreError`` where the address cannot be one.
    """
    address = url if url is not None else settings.store_url()
    if options is not None:
        return _remote(address, options)
    with _opening:
        if address not in _open:
            _open[address] = _made(address)
        return _open[address]


def _made(address: str) -> Store:
    if address.startswith("file://"):
        return Store(LocalFiles(Path(unquote(urlsplit(address).path))))
    if "://" in address:
        return _remote(address, None)
    return Store(LocalFiles(Path(address).expanduser()))


def _remote(address: str, options: Mapping[str, Any] | None) -> Store:
    folder = None if address.startswith("memory://") else settings.cache_folder()
    beside = folder / "downloads" / _digest(address, options) if folder is not None else None
    if not address.startswith(("s3://", "s3a://")):
        return Store(RemoteFiles(address, options), beside=beside)
    cache = DiskCache(folder, settings.cache_bytes()) if folder is not None else None
    return Store(S3Files(address, options, cache), beside=beside)


def _digest(address: str, options: Mapping[str, Any] | None) -> str:
    """A folder's name for a store: buckets of one name may lie at several services."""
    given = options or {}
    told = (given.get("endpoint_url"), (given.get("client_kwargs") or {}).get("endpoint_url"))
    asked = (os.environ.get("AWS_ENDPOINT_URL_S3"), os.environ.get("AWS_ENDPOINT_URL"))
    endpoint = next((one for one in (*told, *asked) if one), "")
    return hashlib.sha256(f"{address.rstrip('/')}\n{endpoint}".encode()).hexdigest()[:32]
