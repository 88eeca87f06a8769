"""Pages of a download kept on disk until they are merged into the series.

A merge of one page costs nearly as much as one of twenty, as it makes the coarser candles again; to append a
page to a file and sync it costs a tenth of that. So a download appends each page here as it comes, merges
many at once, and then empties the file. After a kill the next download of the series merges what lies here:
merging the same bars twice changes nothing, so it does not matter how far the dead one had come.

A record is its length and its checksum (CRC-32) in 8 bytes, then a line of JSON, then a table as an Arrow
stream. A record cut short by a kill is the last one, and does not count. For a store that is no folder of this
machine the file lies in one beside its cache, by the address of the store; without such a folder nothing is kept.
"""

from __future__ import annotations

import io
import json
import logging
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from filelock import FileLock, Timeout

from lib.errors import StoreError
from lib.store.encoding import from_arrow, stamped
from lib.store.files import Files, LocalFiles

__all__ = ["Journal"]

_HEAD = struct.Struct("<II")
# Another's look at who holds a journal takes no longer.
_PATIENCE = 0.1
_log = logging.getLogger("candlebook")


class Journal:
    """One file, held by one download at a time. Where ``path`` is None nothing is kept."""

    def __init__(self, path: Path | None, lock: FileLock | None = None) -> None:
        self._path, self._lock = path, lock
        self._file: io.FileIO | None = None

    @classmethod
    def hold(cls, files: Files, path: str, beside: Path | None = None) -> Journal:
        """The journal at a path of the store, or of the folder ``beside`` where that is not of this machine; unless
        another download holds it: then one that keeps nothing, and each page has to be merged as it comes."""
        place = _place(files, beside)
        if place is None:
            return cls(None)
        try:
            # not bound to a thread: a download may go on in another one
            lock = FileLock(place.lock_file(path), thread_local=False)
            lock.acquire(timeout=_PATIENCE, poll_interval=0.005)
        except Timeout:
            return cls(None)
        except OSError as error:
            if files is place:
                raise StoreError(f"The store could not lock {path}: {error.strerror or error}.") from error
            _log.debug("Nothing is kept in %s: %s", place.root, error)
            return cls(None)
        return cls(place.root / path, lock)

    @staticmethod
    def is_held(files: Files, path: str, beside: Path | None = None) -> bool | None:
        """Whether a download of this machine holds the journal now; None where that cannot be told."""
        place = _place(files, beside)
        if place is None:
            return None
        try:
            with FileLock(place.lock_file(path), timeout=0):
                return False
        except Timeout:
            return True
        except OSError:
            return None

    @staticmethod
    def drop(files: Files, path: str, beside: Path | None = None) -> None:
        """Forget what lies beside a store of a series that is removed."""
        place = _place(files, beside)
        if place is not None:
            place.remove(path)

    @property
    def keeps(self) -> bool:
        """Whether what is appended outlives the process."""
        return self._path is not None

    def append(
        self, table: pd.DataFrame, origin: str, fetched_at: pd.Timestamp, said: Mapping[str, Any]
    ) -> None:
        """Put a page at the end and sync it: about 1 ms for 1,000 bars. ``said`` is kept as JSON."""
        if self._path is None:
            return
        sink = pa.BufferOutputStream()
        kept = stamped(table, origin, fetched_at, filled=False)
        with pa.ipc.new_stream(sink, kept.schema) as stream:
            stream.write_table(kept)
        content = json.dumps({**said, "origin": origin}).encode() + b"\n" + sink.getvalue().to_pybytes()
        try:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115  open until close
            record = memoryview(_HEAD.pack(len(content), zlib.crc32(content)) + content)
            while record:
                record = record[self._file.write(record) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StoreError(f"The store could not write {self._path}: {error.strerror or error}.") from error

    def left(self) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
        """What an earlier download appended and did not clear: what was said, and the kept table."""
        if self._path is None or not self._path.exists():
            return
        data = self._path.read_bytes()
        at = 0
        while at + _HEAD.size <= len(data):
            size, check = _HEAD.unpack_from(data, at)
            content = data[at + _HEAD.size : at + _HEAD.size + size]
            if len(content) < size or zlib.crc32(content) != check:
                return
            head, _, body = content.partition(b"\n")
            with pa.ipc.open_stream(body) as stream:
                yield json.loads(head), from_arrow(stream.read_all())
            at += _HEAD.size + size

    def clear(self) -> None:
        """Forget what was appended: it is merged."""
        if self._file is not None:
            self._file.truncate(0)
        elif self._path is not None and self._path.exists():
            os.truncate(self._path, 0)

    def close(self) -> None:
        """Let go of it; an empty file is removed. Safe to call twice."""
        if self._path is None or self._lock is None:
            return
        if self._file is not None:
            self._file.close()
        if self._path.exists() and not self._path.stat().st_size:
            self._path.unlink()
        self._lock.release()
        self._path = self._lock = self._file = None


def _place(files: Files, beside: Path | None) -> LocalFiles | None:
    if isinstance(files, LocalFiles):
        return files
    return LocalFiles(beside) if beside is not None else None
