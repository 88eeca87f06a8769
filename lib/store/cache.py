"""What was read of the store, kept for the next read: partitions, bounded by bytes, and manifests.

An entry is good only while the file has the tag it was read with (mtime in ns, inode, size): a write by
anyone replaces the file, and nothing of the old one is used again. Remote files are not kept, as asking
whether one changed costs as much as reading it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from lib.errors import StoreError
from lib.store.encoding import Block
from lib.store.manifest import Manifest

if TYPE_CHECKING:
    from lib.store.files import Files, Tag

__all__ = ["Blocks", "Manifests"]

# What Community Cloud gives in all is 690 MB.
_LIMIT = 48_000_000
# A read of more files than this is a sweep over a series; it would only push out what is in use.
_SWEEP = 8
_AT_ONCE = 16


class Blocks:
    """Partitions by path. Safe for several threads."""

    def __init__(self, files: Files, limit: int = _LIMIT) -> None:
        self._files = files
        self._limit = limit
        self._held: OrderedDict[str, tuple[Tag, Block]] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, path: str, *, keep: bool = True) -> tuple[Block, Tag] | None:
        """The partition and its tag; None where there is no file. Raises ``CorruptFile``."""
        if self._files.local:
            tag = self._files.tag(path)
            if tag is None:
                return None
            with self._lock:
                held = self._held.get(path)
                if held and held[0] == tag:
                    self._held.move_to_end(path)
                    return held[1], tag
        read = self._files.read(path)
        if read is None:
            return None
        block = Block(read[0], _named(self._files, path))
        if keep and self._files.local:
            self._keep(path, read[1], block)
        return block, read[1]

    def wrote(self, path: str, tag: Tag, data: bytes, table: pa.Table) -> None:
        """Keep what was just put in place, so that the next write need not decode it."""
        if self._files.local:
            self._keep(path, tag, Block(data, _named(self._files, path), table))

    def each(self, paths: Sequence[str]) -> Iterator[tuple[str, Block | None]]:
        """The partitions in the order asked for; remote ones several at once."""
        if self._files.local:
            for path in paths:
                found = self.open(path, keep=len(paths) <= _SWEEP)
                yield path, found[0] if found else None
            return
        for at in range(0, len(paths), _AT_ONCE):
            some = paths[at : at + _AT_ONCE]
            for path, data in zip(some, self._files.read_many(some), strict=True):
                yield path, Block(data, _named(self._files, path)) if data is not None else None

    def _keep(self, path: str, tag: Tag, block: Block) -> None:
        with self._lock:
            self._held[path] = (tag, block)
            self._held.move_to_end(path)
            total = sum(kept.held for _, kept in self._held.values())
            while total > self._limit and len(self._held) > 1:
                _, (_, dropped) = self._held.popitem(last=False)
                total -= dropped.held


class Manifests:
    """Manifests by path. Safe for several threads."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._held: dict[str, tuple[Manifest, Tag]] = {}

    def open(self, path: str) -> tuple[Manifest, Tag] | None:
        """The manifest as it is now, and its tag; None where there is none. Raises ``CorruptFile``."""
        held = self._held.get(path)
        if held and self._files.local and self._files.tag(path) == held[1]:
            return held
        read = self._files.read(path)
        if read is None:
            self._held.pop(path, None)
            return None
        return self.wrote(path, self._parsed(path, read[0]), read[1])

    def wrote(self, path: str, manifest: Manifest, tag: Tag) -> tuple[Manifest, Tag]:
        """Keep what was just read or put in place."""
        if self._files.local:
            self._held[path] = (manifest, tag)
        return manifest, tag

    def each(self, paths: Sequence[str]) -> Iterator[tuple[str, Manifest | StoreError]]:
        """The manifests that are there, or why one cannot be read."""
        remote = [] if self._files.local else self._files.read_many(paths)
        for number, path in enumerate(paths):
            try:
                if self._files.local:
                    found = self.open(path)
                    manifest = found[0] if found else None
                else:
                    data = remote[number]
                    manifest = self._parsed(path, data) if data is not None else None
            except StoreError as error:
                yield path, error
            else:
                if manifest:
                    yield path, manifest

    def _parsed(self, path: str, data: bytes) -> Manifest:
        return Manifest.from_bytes(data, _named(self._files, path))


def _named(files: Files, path: str) -> str:
    return f"{files.name.rstrip('/')}/{path}"
