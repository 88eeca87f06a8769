"""A root on any fsspec file system (``memory://`` and others), locked within this process only: one process writes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import fsspec

from lib.errors import StoreBusy, StoreError
from lib.store.files import LOCK_WAIT, Read, Reread, Sync, Tag, named

__all__ = ["RemoteFiles"]


class RemoteFiles:
    """A root on an fsspec file system: one process writes."""

    local = False
    exclusive = True
    keeps = False
    # one lock a path for all stores of this process
    _locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.name = url
        try:
            # listings are not kept: another writer's files must be seen
            self._fs, root = fsspec.core.url_to_fs(url, use_listings_cache=False, **(options or {}))
        except (ImportError, ValueError) as error:
            raise StoreError(
                f"The store {url} cannot be opened: {error}.", remedy="Check the address of the store."
            ) from error
        self._root = root.rstrip("/")

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _named(self, what: str, path: str) -> AbstractContextManager[None]:
        return named(what, f"{self.name.rstrip('/')}/{path}")

    def tag(self, path: str) -> Tag:
        with self._named("read", path):
            try:
                info = self._fs.info(self._at(path))
            except FileNotFoundError:
                return None
        made: Tag = info.get("mtime") or info.get("created") or info.get("size")
        return made

    def read(self, path: str) -> Read | None:
        tag = self.tag(path)
        if tag is None:
            return None
        with self._named("read", path):
            try:
                return self._fs.cat_file(self._at(path)), tag
            except FileNotFoundError:
                return None

    def reread(self, path: str, tag: Tag) -> Reread | None:
        return self.read(path)

    def reread_many(self, paths: Sequence[str], tags: Sequence[Tag]) -> list[Reread | None]:
        return [self.reread(path, tag) for path, tag in zip(paths, tags, strict=True)]

    def read_listed(self, tags: Mapping[str, Tag]) -> dict[str, Read | None]:
        return {path: self.read(path) for path in tags}

    def write(self, path: str, data: bytes, expect: Tag, *, sync: Sync = "all") -> Tag:
        with self._named("write", path):
            self._fs.makedirs(self._at(path).rsplit("/", 1)[0], exist_ok=True)
            self._fs.pipe_file(self._at(path), data)
        return self.tag(path)

    @contextmanager
    def lock(self, path: str, *, wait: bool = True) -> Iterator[None]:
        lock = self._locks[f"{self.name}\n{path}"]
        if not lock.acquire(timeout=LOCK_WAIT if wait else 0):
            raise StoreBusy(f"Another task has been writing {path} for over {LOCK_WAIT:.0f} seconds.")
        try:
            yield
        finally:
            lock.release()

    def tags(self, folder: str) -> dict[str, Tag]:
        return dict.fromkeys(self.find(folder))

    def find(self, folder: str) -> list[str]:
        with self._named("list", folder):
            try:
                found = self._fs.find(self._at(folder))
            except FileNotFoundError:
                return []
        return sorted(path[len(self._root) + 1 :] for path in found)

    def remove(self, path: str) -> None:
        with self._named("remove", path):
            try:
                self._fs.rm(self._at(path), recursive=True)
            except FileNotFoundError:
                return

    def sweep(self, folder: str, of: str = "") -> None:
        """Nothing to do: what is put appears whole or not at all."""
