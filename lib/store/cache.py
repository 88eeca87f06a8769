"""What was read of the store, kept for the next read: partitions, bounded by bytes, and manifests.

An entry is good only while the file has the tag it was read with (mtime in ns, inode, size; on S3 its
ETag, asked about in a request without a body): a write by anyone replaces the file, and nothing of the old
one is used again. Places whose tags cannot tell two contents apart are not kept.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from lib.errors import StoreError
from lib.store.encoding import Block
from lib.store.files import Tag
from lib.store.manifest import Manifest

if TYPE_CHECKING:
    from lib.store.files import Files

__all__ = ["Blocks", "Manifests"]

# What Community Cloud gives in all is 690 MB.
_LIMIT = 48_000_000
# A read of more files than this is a sweep over a series; it would only push out what is in use.
_SWEEP = 8
_AT_ONCE = 16
_NOTHING: Mapping[str, int] = {}


class _Held(NamedTuple):
    tag: Tag
    block: Block
    born: str = ""  # of the manifest under which it was found to be the newest


class Blocks:
    """Partitions by path. Safe for several threads."""

    def __init__(self, files: Files, limit: int = _LIMIT) -> None:
        self._files = files
        self._limit = limit
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, path: str, *, keep: bool = True) -> tuple[Block, Tag] | None:
        """The partition and its tag; None where there is no file. Raises ``CorruptFile``."""
        with self._lock:
            held = self._held.get(path)
            if held:
                self._held.move_to_end(path)
        found = self._files.reread(path, held.tag) if held else self._files.read(path)
        return self._made(path, found, held, keep)

    def holds(self, path: str) -> bool:
        """Whether the partition was read before, and kept: it may be old."""
        with self._lock:
            return path in self._held

    def wrote(self, path: str, tag: Tag, data: bytes, table: pa.Table) -> None:
        """Keep what was just put in place, so that the next write need not decode it."""
        if self._files.keeps:
            self._keep(path, _Held(tag, Block(data, _named(self._files, path), table)))

    def each(
        self, paths: Sequence[str], known: Mapping[str, int] = _NOTHING, born: str = ""
    ) -> Iterator[tuple[str, Block | None]]:
        """The partitions in the order asked for; remote ones several at once.

        ``known`` tells the generations that a fresh manifest (``born`` is its mark) says are the newest:
        a remote partition that is held with its own is not asked for again.
        """
        keep = len(paths) <= _SWEEP
        if self._files.local:
            for path in paths:
                found = self.open(path, keep=keep)
                yield path, found[0] if found else None
            return
        for at in range(0, len(paths), _AT_ONCE):
            yield from self._some(paths[at : at + _AT_ONCE], known, born, keep)

    def _some(
        self, paths: Sequence[str], known: Mapping[str, int], born: str, keep: bool
    ) -> Iterator[tuple[str, Block | None]]:
        sure = {path: block for path in paths if (block := self._known(path, known.get(path), born))}
        asked = [path for path in paths if path not in sure]
        with self._lock:
            held = [self._held.get(path) for path in asked]
        read = self._files.reread_many(asked, [each.tag if each else None for each in held])
        for path, answer, have in zip(asked, read, held, strict=True):
            if made := self._made(path, answer, have, keep):
                sure[path] = made[0]
                self._confirm(path, born)
        for path in paths:
            yield path, sure.get(path)

    def _known(self, path: str, generation: int | None, born: str) -> Block | None:
        with self._lock:
            held = self._held.get(path)
            if held is None or generation is None or not born:
                return None
            told = born in (held.born, held.block.born)
            return held.block if told and held.block.generation == generation else None

    def _confirm(self, path: str, born: str) -> None:
        with self._lock:
            if path in self._held and born:
                self._held[path] = self._held[path]._replace(born=born)

    def _made(
        self, path: str, read: tuple[bytes | None, Tag] | None, held: _Held | None, keep: bool
    ) -> tuple[Block, Tag] | None:
        """What was answered as a block: the one held, where the answer is that it is still that."""
        if read is None:
            with self._lock:
                self._held.pop(path, None)
            return None
        data, tag = read
        if held and data is None:
            return held.block, held.tag
        block = Block(data or b"", _named(self._files, path))
        if keep and self._files.keeps:
            self._keep(path, _Held(tag, block))
        return block, tag

    def _keep(self, path: str, held: _Held) -> None:
        with self._lock:
            self._held[path] = held
            self._held.move_to_end(path)
            total = sum(kept.block.held for kept in self._held.values())
            while total > self._limit and len(self._held) > 1:
                _, dropped = self._held.popitem(last=False)
                total -= dropped.block.held


class Manifests:
    """Manifests by path. Safe for several threads."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._held: dict[str, tuple[Manifest, Tag]] = {}
        self._asked: dict[str, float] = {}

    def open(self, path: str) -> tuple[Manifest, Tag] | None:
        """The manifest as it is now, and its tag; None where there is none. Raises ``CorruptFile``."""
        held = self._held.get(path)
        found = self._files.reread(path, held[1]) if held else self._files.read(path)
        if found is None:
            self._held.pop(path, None)
            return None
        data, tag = found
        if data is None and held:
            self._asked[path] = time.monotonic()
            return held
        return self.wrote(path, self._parsed(path, data or b""), tag)

    def wrote(self, path: str, manifest: Manifest, tag: Tag) -> tuple[Manifest, Tag]:
        """Keep what was just read or put in place."""
        if self._files.keeps:
            self._held[path] = (manifest, tag)
            self._asked[path] = time.monotonic()
        return manifest, tag

    def last_seen(self, path: str) -> Manifest | None:
        """The manifest as it was when it was last read here: it may be old."""
        held = self._held.get(path)
        return held[0] if held else None

    def age(self, path: str) -> float:
        """Seconds since it was known to be the newest; infinite where it never was."""
        return time.monotonic() - self._asked.get(path, -math.inf)

    def each(self, listed: Mapping[str, Tag]) -> Iterator[tuple[str, Manifest | StoreError]]:
        """The manifests that are there, or why one cannot be read. ``listed`` has the tag of each where
        the listing told it: those that are held with that tag are not read again."""
        held = {path: self._held[path] for path, tag in listed.items() if self._is_held(path, tag)}
        asked = {path: tag for path, tag in listed.items() if path not in held}
        read = {} if self._files.local else self._files.read_listed(asked)
        for path in listed:
            try:
                if self._files.local:
                    found = self.open(path)
                elif path in held:
                    found = held[path]
                    self._asked[path] = time.monotonic()
                else:
                    answer = read[path]
                    found = self.wrote(path, self._parsed(path, answer[0]), answer[1]) if answer else None
            except StoreError as error:
                yield path, error
            else:
                if found:
                    yield path, found[0]

    def _is_held(self, path: str, tag: Tag) -> bool:
        return tag is not None and path in self._held and self._held[path][1] == tag

    def _parsed(self, path: str, data: bytes) -> Manifest:
        return Manifest.from_bytes(data, _named(self._files, path))


def _named(files: Files, path: str) -> str:
    return f"{files.name.rstrip('/')}/{path}"
