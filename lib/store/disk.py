"""Files of a remote store kept on the local disk for the next look: bounded, and never trusted on its own.

Each file is kept with the ETag it came with. Who uses one asks the store first whether the object still
has that ETag: a request without a body (304), and the body comes from here. A damaged or half written entry
is found by its checksum and not used. When the folder grows over its limit, what was used longest ago
goes. Several processes may share a folder. That the disk is full or read-only is no error: then nothing is
kept.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import threading
import zlib
from pathlib import Path

__all__ = ["DiskCache"]

_log = logging.getLogger("candlebook")
_ENDING = ".kept"


class DiskCache:
    """A folder of at most ``limit`` bytes. Safe for threads and processes."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self._total: int | None = None
        self._lock = threading.Lock()

    def get(self, name: str) -> tuple[bytes, str] | None:
        """The bytes and the ETag kept under a name."""
        path = self._at(name)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        head, _, data = content.partition(b"\n")
        try:
            check, _, etag = head.decode().partition(" ")
            if int(check) == zlib.crc32(data):
                return data, etag
        except ValueError:
            pass
        self.drop(name)
        return None

    def put(self, name: str, data: bytes, etag: str) -> None:
        """Keep bytes under a name, whole or not at all."""
        if len(data) > self.limit // 4:
            return
        path = self._at(name)
        draft = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(f"{zlib.crc32(data)} {etag}\n".encode() + data)
            os.replace(draft, path)
            self._grown(len(data))
        except OSError as error:
            _log.debug("Nothing is kept in %s: %s", self.folder, error)
            _removed(draft)

    def drop(self, name: str) -> None:
        """Forget a name."""
        _removed(self._at(name))

    def _at(self, name: str) -> Path:
        return self.folder / (hashlib.sha256(name.encode()).hexdigest()[:40] + _ENDING)

    def _grown(self, size: int) -> None:
        with self._lock:
            if self._total is not None:
                self._total += size
            if self._total is None or self._total > self.limit:
                self._total = self._trimmed()

    def _trimmed(self) -> int:
        """Remove the oldest until a tenth of the limit is free; the bytes left. Only when over it."""
        found = []
        for entry in os.scandir(self.folder):
            if entry.is_dir():  # pages of downloads: see lib.store.journal
                continue
            try:
                stat = entry.stat()
            except FileNotFoundError:  # another process trims too
                continue
            found.append((stat.st_mtime_ns, stat.st_size, entry.path))
        total = sum(size for _, size, _ in found)
        if total <= self.limit:
            return total
        for _, size, path in sorted(found):
            if total <= self.limit * 0.9:
                break
            _removed(Path(path))
            total -= size
        return total


def _removed(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.debug("%s cannot be removed: %s", path, error)
