"""The store's files on S3: nothing can be locked there, so every put has a condition.

``PutObject`` with ``If-Match: <etag>`` or ``If-None-Match: *`` is refused when another writer was first
(:class:`Conflict`); the writer reads, merges and tries again, and as merging the same bars twice changes
nothing, that also covers an answer that was lost on its way. A service that ignores conditions would lose
bars in silence, so before the first write it is tried with an object of its own, and refused if it fails:
docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html. Multipart uploads would drop the
condition; partitions are far below their size.

A read is one ``GetObject``, which carries the ETag; of what is held already, here or in the cache on disk, it asks
only whether it changed (``If-None-Match``: 304, no body). S3 answers with what was put last, so a reader
sees another's write at once.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from lib.errors import StoreError
from lib.remote.faults import Fault, fault_of, foreign
from lib.remote.s3 import S3, Got, split
from lib.store.disk import DiskCache
from lib.store.files import Conflict, Read, Reread, Sync, Tag

__all__ = ["S3Files"]

_log = logging.getLogger("candlebook")

# What is kept in a store is written too, so that what helps to read a public file does not help here.
_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE)"
_REMEDIES = {
    "credentials": f"{_KEYS}; a store needs them even in a public bucket.",
    "denied": "Ask the owner for the right to list, read and write, or use other credentials.",
    "endpoint": "Write the endpoint as https://host, in AWS_ENDPOINT_URL.",
}


class S3Files:
    """A bucket, or a prefix in one. ``options`` are those of ``s3fs.S3FileSystem``."""

    local = False
    exclusive = False
    keeps = True
    # services, by endpoint and bucket, that were seen to hold conditions
    _tried: set[tuple[str, str]] = set()
    _trying = threading.Lock()

    def __init__(
        self, url: str, options: Mapping[str, Any] | None = None, cache: DiskCache | None = None
    ) -> None:
        self.name = url
        self._bucket, root = split(url)
        self._root = root.strip("/")
        self._cache = cache
        if not self._bucket:
            raise StoreError(f"The store {url} names no bucket.", remedy="Write it as s3://bucket/prefix.")
        try:
            self._s3 = S3(options)
        except ImportError as error:
            raise StoreError(
                f"The store {url} needs the package {error.name}.", remedy="Install requirements.txt."
            ) from error

    # -------------------------------------------------------------------------------------- reading

    def tag(self, path: str) -> Tag:
        with self._named("read", path):
            found = self._s3.head(self._bucket, self._key(path))
        return found.etag if found else None

    def read(self, path: str) -> Read | None:
        [found] = self.reread_many([path], [None])
        return None if found is None else (found[0] or b"", found[1])

    def reread(self, path: str, tag: Tag) -> Reread | None:
        return self.reread_many([path], [tag])[0]

    def reread_many(self, paths: Sequence[str], tags: Sequence[Tag]) -> list[Reread | None]:
        kept = [self._kept(path) if tag is None else None for path, tag in zip(paths, tags, strict=True)]
        held = [str(tag) if tag is not None else have[1] if have else None
                for tag, have in zip(tags, kept, strict=True)]  # fmt: skip
        with self._named("read", paths[0] if paths else ""):
            answers = self._s3.get_many(
                self._bucket, [(self._key(path), etag) for path, etag in zip(paths, held, strict=True)]
            )
        return [self._answered(*each) for each in zip(paths, answers, kept, strict=True)]

    def read_listed(self, tags: Mapping[str, Tag]) -> dict[str, Read | None]:
        kept = {path: self._kept(path) for path in tags}
        found: dict[str, Read | None] = {
            path: have
            for path, have in kept.items()
            if have and tags[path] is not None and have[1] == tags[path]
        }
        asked = [path for path in tags if path not in found]
        for path, read in zip(asked, self.reread_many(asked, [None] * len(asked)), strict=True):
            found[path] = None if read is None else (read[0] or b"", read[1])
        return found

    def _answered(
        self, path: str, got: Got | Exception | None, kept: tuple[bytes, str] | None
    ) -> Reread | None:
        if isinstance(got, Exception):
            with self._named("read", path):
                raise got
        if got is None:
            if self._cache and kept:
                self._cache.drop(self._name(path))
            return None
        self._keep(path, got)
        return (kept[0] if got.data is None and kept else got.data), got.etag

    def _kept(self, path: str) -> tuple[bytes, str] | None:
        return self._cache.get(self._name(path)) if self._cache else None

    # -------------------------------------------------------------------------------------- writing

    def write(self, path: str, data: bytes, expect: Tag, *, sync: Sync = "all") -> Tag:
        """Everything that S3 says is put outlives a power cut, so ``sync`` is not looked at."""
        with self._named("write", path):
            self._try_conditions()
            try:
                etag = self._put(self._key(path), data, expect)
            except foreign() as error:
                fault = fault_of(error)
                if fault is not None and fault.kind in ("changed", "missing"):
                    raise Conflict(path) from error
                raise
        self._keep(path, Got(data, etag))
        return etag

    def _put(self, key: str, data: bytes, expect: Tag) -> str:
        return self._s3.put(
            self._bucket, key, data, expect=str(expect) if expect else None, create=not expect
        )

    def _try_conditions(self) -> None:
        """Once a process for each bucket: four puts that must be done or refused as they should."""
        place = (self._s3.endpoint, self._bucket)
        with self._trying:
            if place in self._tried:
                return
            key = self._key(f"probe/{secrets.token_hex(8)}")
            try:
                etag = self._s3.put(self._bucket, key, b"1", create=True)
                holds = self._refuses(key, None) and self._refuses(key, f'"{"0" * 32}"')
                if holds:
                    self._s3.put(self._bucket, key, b"2", expect=etag)
            except foreign() as error:
                fault = fault_of(error)
                if fault is None or fault.kind not in ("unsupported", "changed"):
                    raise
                holds = False
            finally:
                self._clean(key)
            if not holds:
                raise StoreError(
                    f"The service of the store {self.name} does not check the conditions of a put "
                    "(If-Match, If-None-Match), so two writers could lose each other's candles; nothing was written.",
                    remedy="Use a service that has conditional writes (Amazon S3, and current releases of MinIO, "
                    "Ceph and Cloudflare R2 have them), or a folder of this machine.",
                )
            self._tried.add(place)

    def _refuses(self, key: str, expect: Tag) -> bool:
        try:
            self._put(key, b"3", expect)
        except foreign() as error:
            fault = fault_of(error)
            if fault is not None and fault.kind == "changed":
                return True
            raise
        return False

    def _clean(self, key: str) -> None:
        try:
            self._s3.delete(self._bucket, [key])
        except foreign() as error:
            _log.debug("The probe %s was not removed: %s", key, type(error).__name__)

    # ------------------------------------------------------------------------------- lists, removal

    def lock(self, path: str, *, wait: bool = True) -> Any:
        """Nothing: conditions keep writers apart."""
        return nullcontext()

    def tags(self, folder: str) -> dict[str, Tag]:
        with self._named("list", folder):
            found = self._s3.walk(self._bucket, self._key(folder) + "/")
        cut = len(self._root) + 1 if self._root else 0
        return {each.key[cut:]: each.etag for each in found}

    def find(self, folder: str) -> list[str]:
        return sorted(self.tags(folder))

    def remove(self, path: str) -> None:
        with self._named("remove", path):
            below = self._s3.walk(self._bucket, self._key(path) + "/")
            self._s3.delete(self._bucket, [*(each.key for each in below), self._key(path)])

    def sweep(self, folder: str, of: str = "") -> None:
        """Nothing to do: what is put appears whole or not at all."""

    # --------------------------------------------------------------------------------------- places

    def _key(self, path: str) -> str:
        return f"{self._root}/{path}" if self._root else path

    def _name(self, path: str) -> str:
        return f"{self._s3.endpoint} {self._bucket}/{self._key(path)}"

    def _keep(self, path: str, got: Got) -> None:
        if self._cache and got.data is not None:
            self._cache.put(self._name(path), got.data, got.etag)

    @contextmanager
    def _named(self, what: str, path: str) -> Iterator[None]:
        """Foreign errors become ours, with the place and the remedy in them."""
        try:
            yield
        except foreign() as error:
            raise self._refusal(what, path, fault_of(error), error) from error

    def _refusal(self, what: str, path: str, fault: Fault | None, error: Exception) -> StoreError:
        if fault is None:
            reason, remedy = f"{type(error).__name__}", "Check the address, the network and the credentials."
        else:
            reason, remedy = fault.message, _REMEDIES.get(fault.kind, fault.remedy)
        return StoreError(
            f"The store {self.name} could not {what} {path}: {reason}.", remedy=remedy, path=path,
            kind=fault.kind if fault else "other",
        )  # fmt: skip
