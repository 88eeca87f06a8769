"""Opened partitions kept for the next read, bounded by bytes.

An entry is good only while the file has the tag it was read with (mtime in ns, inode, size): a write by
anyone replaces the file, and nothing of the old one is used again. Remote files are not kept, as asking
whether one changed costs as much as reading it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lib.store.encoding import Block

if TYPE_CHECKING:
    from lib.store.files import Files, Tag

__all__ = ["Blocks"]

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
        block = Block(read[0], self._named(path))
        if keep and self._files.local:
            self._keep(path, read[1], block)
        return block, read[1]

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
                yield path, Block(data, self._named(path)) if data is not None else None

    def _named(self, path: str) -> str:
        return f"{self._files.name.rstrip('/')}/{path}"

    def _keep(self, path: str, tag: Tag, block: Block) -> None:
        with self._lock:
            self._held[path] = (tag, block)
            self._held.move_to_end(path)
            total = sum(kept.held for _, kept in self._held.values())
            while total > self._limit and len(self._held) > 1:
                _, (_, dropped) = self._held.popitem(last=False)
                total -= dropped.held
