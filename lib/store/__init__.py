"""The store of closed candles: Parquet under a local folder, or under any fsspec root.

::

    store = open_store()
    store.write(series, table, origin="binance")
    store.read(series, timeframe="1d", last=300)

What lies where: ``layout``; how it is encoded: ``encoding``; places: ``files``, ``s3`` and its cache ``disk``;
windows: ``reading``; what keeps a killed writer from losing anything: ``writing``. Beside the candles: ``records`` (syncs,
states of gaps) and ``journal`` (pages of a download that are not merged yet).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lib import settings
from lib.store.disk import DiskCache
from lib.store.files import Files, LocalFiles, RemoteFiles
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
        return Store(_remote(address, options))
    with _opening:
        if address not in _open:
            _open[address] = _made(address)
        return _open[address]


def _made(address: str) -> Store:
    if address.startswith("file://"):
        return Store(LocalFiles(Path(unquote(urlsplit(address).path))))
    if "://" in address:
        return Store(_remote(address, None))
    return Store(LocalFiles(Path(address).expanduser()))


def _remote(address: str, options: Mapping[str, Any] | None) -> Files:
    if not address.startswith(("s3://", "s3a://")):
        return RemoteFiles(address, options)
    folder = settings.cache_folder()
    cache = DiskCache(folder, settings.cache_bytes()) if folder is not None else None
    return S3Files(address, options, cache)
