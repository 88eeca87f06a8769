"""Bytes in and out: a local folder, or any fsspec file system.

Both give whole files with a **tag** (what the file was when it was read) and replace a file only if it
still has the tag expected. How that is made safe differs:

- **A local folder**: a lock file for each series (``locks/``), which writers hold for the length of a
  write; a new content is written to a temporary file in the same folder, synced, and put in place by
  ``os.replace``; then the folder is synced. A reader opens one descriptor and sees the old or the new.
- **S3**: nothing to lock. ``PutObject`` with ``If-Match: <etag>`` or ``If-None-Match: *`` refuses when
  another writer was first (:class:`Conflict`); the writer reads, merges and tries again. Multipart
  uploads would drop the condition; partitions are far below their size.
- **Others** (``memory://`` and the rest of fsspec): locked within this process only; one process writes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import fsspec
from filelock import FileLock, Timeout

from lib.errors import StoreBusy, StoreError

__all__ = ["Conflict", "Files", "LocalFiles", "RemoteFiles", "Sync", "Tag"]

# None stands for "there is no such file".
Tag = Hashable
Sync = Literal["all", "content", "none"]
_LOCK_WAIT = 30.0
_TEMPORARY = ".tmp"
_WINDOWS = os.name == "nt"


class Conflict(Exception):
    """The file is no longer what it was when it was read. Stays inside the store."""


class Files(Protocol):
    """What the store asks of a place. Paths are relative to its root, with ``/``."""

    name: str
    local: bool
    exclusive: bool  # True: a lock keeps all other writers out, so what is pending is from a crash

    def tag(self, path: str) -> Tag:
        """What the file is now, without reading it; None where there is none."""

    def read(self, path: str) -> tuple[bytes, Tag] | None:
        """The whole file and its tag; None where there is none."""

    def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        """Several whole files, at once where that saves time."""

    def write(self, path: str, data: bytes, expect: Tag, *, sync: Sync = "all") -> Tag:
        """Replace a file that has the tag ``expect`` (None: make it). Raises ``Conflict``.

        What must outlive a power cut: "all"; the "content", where the file as it was before will do as
        well; "none", where even half a file will do.
        """

    def lock(self, path: str, *, wait: bool = True) -> Any:
        """A context that keeps other writers out, as far as this place can. Raises ``StoreBusy``."""

    def find(self, folder: str) -> list[str]:
        """Every file under a folder."""

    def remove(self, path: str) -> None:
        """Remove a file or a whole folder; nothing happens where there is none."""

    def sweep(self, folder: str) -> None:
        """Remove what a killed writer left in a folder. Only under its lock."""


@contextmanager
def _named(what: str, path: str) -> Iterator[None]:
    """Foreign errors become ours, with the place in them."""
    try:
        yield
    except PermissionError as error:
        raise StoreError(
            f"The store may not {what} {path}: permission denied.",
            remedy="Check the rights of the folder or bucket.",
            path=path,
        ) from error
    except OSError as error:
        raise StoreError(
            f"The store could not {what} {path}: {error.strerror or error}.", path=path
        ) from error


class LocalFiles:
    """A folder of this machine."""

    local = True
    exclusive = True

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.name = str(self.root)

    def _at(self, path: str) -> Path:
        return self.root / path

    def tag(self, path: str) -> Tag:
        try:
            return _identity(os.stat(self._at(path)))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read(self, path: str) -> tuple[bytes, Tag] | None:
        with _named("read", str(self._at(path))):
            try:
                # unbuffered: one descriptor, the tag of the very bytes read
                with open(self._at(path), "rb", buffering=0) as file:
                    return file.readall(), _identity(os.fstat(file.fileno()))
            except (FileNotFoundError, NotADirectoryError):
                return None

    def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        read = [self.read(path) for path in paths]
        return [found[0] if found else None for found in read]

    def write(self, path: str, data: bytes, expect: Tag, *, sync: Sync = "all") -> Tag:
        """``expect`` is not looked at: the lock is held."""
        target = self._at(path)
        draft = target.with_name(f"{target.name}.{os.getpid()}-{secrets.token_hex(4)}{_TEMPORARY}")
        with _named("write", str(target)):
            try:
                _write_synced(draft, data, sync != "none")
            except FileNotFoundError:
                self._make_folder(target.parent, synced=sync != "none")
                _write_synced(draft, data, sync != "none")
            try:
                _replace(draft, target)
            except OSError:
                draft.unlink(missing_ok=True)
                raise
            if sync == "all":
                _sync_folder(target.parent)
            return _identity(os.stat(target))

    def _make_folder(self, folder: Path, *, synced: bool) -> None:
        missing = [folder, *folder.parents]
        missing = missing[: next(i for i, parent in enumerate(missing) if parent.exists()) + 1]
        folder.mkdir(parents=True, exist_ok=True)
        for parent in missing[1:] if synced else ():
            _sync_folder(parent)

    @contextmanager
    def lock(self, path: str, *, wait: bool = True) -> Iterator[None]:
        folder = self._at("locks")
        with _named("lock", str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            # lock files are never removed: a lock on a file that another removed would guard nothing
            lock = FileLock(folder / f"{hashlib.sha256(path.encode()).hexdigest()[:24]}.lock")
            try:
                lock.acquire(timeout=_LOCK_WAIT if wait else 0, poll_interval=0.004)
            except Timeout as error:
                raise StoreBusy(
                    f"Another program has been writing {path} for over {_LOCK_WAIT:.0f} seconds.",
                    remedy="Try again when it has finished.",
                    path=path,
                ) from error
        try:
            yield
        finally:
            lock.release()

    def find(self, folder: str) -> list[str]:
        found: list[str] = []
        for at, _, names in os.walk(self._at(folder)):
            inside = Path(at).relative_to(self.root).as_posix()
            found += [f"{inside}/{name}" for name in names if not name.endswith(_TEMPORARY)]
        return sorted(found)

    def remove(self, path: str) -> None:
        target = self._at(path)
        with _named("remove", str(target)):
            if target.is_dir():
                # renamed first: a folder half removed must not be found under its name
                doomed = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_TEMPORARY}")
                os.replace(target, doomed)
                shutil.rmtree(doomed)
            else:
                target.unlink(missing_ok=True)

    def sweep(self, folder: str) -> None:
        with _named("sweep", str(self._at(folder))):
            try:
                left = [
                    entry.path for entry in os.scandir(self._at(folder)) if entry.name.endswith(_TEMPORARY)
                ]
            except (FileNotFoundError, NotADirectoryError):
                return
            for path in left:
                if os.path.isdir(path):
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    Path(path).unlink(missing_ok=True)


def _identity(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


def _write_synced(path: Path, data: bytes, synced: bool) -> None:
    with open(path, "wb", buffering=0) as file:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        if synced:
            os.fsync(file.fileno())


def _replace(draft: Path, target: Path) -> None:
    """``os.replace``; on Windows a reader that has the file open makes it fail for a moment."""
    for left in range(50, -1, -1):
        try:
            os.replace(draft, target)
            return
        except PermissionError:
            if not _WINDOWS or not left:
                raise
            time.sleep(0.01)


def _sync_folder(folder: Path) -> None:
    if _WINDOWS:
        return  # folders cannot be synced there; the rename is journalled
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class RemoteFiles:
    """A root on an fsspec file system."""

    local = False
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
        self._s3 = "s3" in _protocols(self._fs)
        self.exclusive = not self._s3
        self._foreign = _foreign_errors(self._s3)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextmanager
    def _named(self, what: str, path: str) -> Iterator[None]:
        try:
            with _named(what, f"{self.name.rstrip('/')}/{path}"):
                yield
        except self._foreign as error:
            # the text of such an error may hold a signed address, so only its kind is shown
            raise StoreError(
                f"The store {self.name} could not be reached to {what} {path} ({type(error).__name__}).",
                remedy="Check the address, the network and the credentials.",
                path=path,
            ) from error

    def tag(self, path: str) -> Tag:
        with self._named("read", path):
            try:
                info = self._fs.info(self._at(path))
            except FileNotFoundError:
                return None
        made: Tag = info.get("ETag") or info.get("mtime") or info.get("created") or info.get("size")
        return made

    def read(self, path: str) -> tuple[bytes, Tag] | None:
        # the tag first: if the file changes in between, the tag is too old and a write with it fails
        tag = self.tag(path)
        if tag is None:
            return None
        with self._named("read", path):
            try:
                data: bytes = self._fs.cat_file(self._at(path), start=0)
            except FileNotFoundError:
                return None
            except OSError as error:
                if not _is_empty(error):
                    raise
                data = b""
        return data, tag

    def read_many(self, paths: Sequence[str]) -> list[bytes | None]:
        if not paths:
            return []
        with self._named("read", paths[0]):
            # a start spares a HEAD for each; errors come back as values
            found = self._fs.cat_ranges(
                [self._at(path) for path in paths], [0] * len(paths), [None] * len(paths), on_error="return"
            )
            found = [b"" if isinstance(each, OSError) and _is_empty(each) else each for each in found]
            for each in found:
                if isinstance(each, Exception) and not isinstance(each, FileNotFoundError):
                    raise each
        return [each if isinstance(each, bytes) else None for each in found]

    def write(self, path: str, data: bytes, expect: Tag, *, sync: Sync = "all") -> Tag:
        with self._named("write", path):
            if not self._s3:
                self._fs.makedirs(self._at(path).rsplit("/", 1)[0], exist_ok=True)
                self._fs.pipe_file(self._at(path), data)
                return self.tag(path)
            condition = {"mode": "create"} if expect is None else {"IfMatch": expect}
            try:
                made = self._fs.pipe_file(self._at(path), data, **condition)
            except (FileExistsError, FileNotFoundError) as error:
                raise Conflict(path) from error
            except OSError as error:
                if _refused(error):
                    raise Conflict(path) from error
                raise
            tag: Tag = made.get("ETag") if isinstance(made, dict) else None
            return tag

    @contextmanager
    def lock(self, path: str, *, wait: bool = True) -> Iterator[None]:
        if self._s3:
            yield
            return
        lock = self._locks[f"{self.name}\n{path}"]
        if not lock.acquire(timeout=_LOCK_WAIT if wait else 0):
            raise StoreBusy(f"Another task has been writing {path} for over {_LOCK_WAIT:.0f} seconds.")
        try:
            yield
        finally:
            lock.release()

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

    def sweep(self, folder: str) -> None:
        """Nothing to do: what is put appears whole or not at all."""


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _foreign_errors(s3: bool) -> tuple[type[Exception], ...]:
    if not s3:
        return ()
    from botocore.exceptions import BotoCoreError, ClientError  # only where S3 is used: half a second

    return (BotoCoreError, ClientError)


def _is_empty(error: OSError) -> bool:
    """S3's answer (416) to a range of an object that has no bytes."""
    return error.errno == errno.EINVAL and "range" in str(error)


def _refused(error: OSError) -> bool:
    """S3's answers to a condition that does not hold: 412, and 409 when two puts meet."""
    known = ("PreconditionFailed", "ConditionalRequestConflict", "pre-conditions")
    return any(word in str(error) or word in str(error.__cause__) for word in known)
