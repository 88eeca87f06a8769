"""Bytes in and out: a local folder, or any fsspec file system.

Both give whole files with a **tag** (what the file was when it was read) and replace a file only if it
still has the tag expected. How that is made safe differs:

- **A local folder**: a lock file for each series (``locks/``), which writers hold for the length of a
  write; a new content is written to a temporary file in the same folder, synced, and put in place by
  ``os.replace``; then the folder is synced. A reader opens one descriptor and sees the old or the new.
- **S3**: nothing to lock, every put has a condition: see ``lib.store.s3``.
- **Others** (``memory://`` and the rest of fsspec): see ``lib.store.fsspecs``.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from filelock import FileLock, Timeout

from lib.errors import StoreBusy, StoreError

__all__ = ["LOCK_WAIT", "Conflict", "Files", "LocalFiles", "Read", "Reread", "Sync", "Tag", "named"]

# None stands for "there is no such file".
Tag = Hashable
Read = tuple[bytes, Tag]
# no bytes: still the file that has the tag asked about
Reread = tuple[bytes | None, Tag]
Sync = Literal["all", "content", "none"]
LOCK_WAIT = 30.0
_TEMPORARY = ".tmp"
_WINDOWS = os.name == "nt"


class Conflict(Exception):
    """The file is no longer what it was when it was read. Stays inside the store."""


class Files(Protocol):
    """What the store asks of a place. Paths are relative to its root, with ``/``."""

    name: str
    local: bool
    exclusive: bool  # True: a lock keeps all other writers out, so what is pending is from a crash
    keeps: bool  # True: a tag tells two contents apart, so what was read may be kept by it

    def tag(self, path: str) -> Tag:
        """What the file is now, without reading it; None where there is none."""

    def read(self, path: str) -> tuple[bytes, Tag] | None:
        """The whole file and its tag; None where there is none."""

    def reread(self, path: str, tag: Tag) -> Reread | None:
        """As ``read``, without the bytes where the file still has ``tag``."""

    def reread_many(self, paths: Sequence[str], tags: Sequence[Tag]) -> list[Reread | None]:
        """Several whole files, at once where that saves time; None for a tag: it is not held."""

    def read_listed(self, tags: Mapping[str, Tag]) -> dict[str, Read | None]:
        """Several whole files, whose tags a listing has told at this moment."""

    def write(self, path: str, data: bytes, expect: Tag, *, sync: Sync = "all") -> Tag:
        """Replace a file that has the tag ``expect`` (None: make it). Raises ``Conflict``.

        What must outlive a power cut: "all"; the "content", where the file as it was before will do as
        well; "none", where even half a file will do.
        """

    def lock(self, path: str, *, wait: bool = True) -> Any:
        """A context that keeps other writers out, as far as this place can. Raises ``StoreBusy``."""

    def tags(self, folder: str) -> dict[str, Tag]:
        """Every file under a folder, and its tag where the listing tells it, else None."""

    def find(self, folder: str) -> list[str]:
        """Every file under a folder."""

    def remove(self, path: str) -> None:
        """Remove a file or a whole folder; nothing happens where there is none."""

    def sweep(self, folder: str, of: str = "") -> None:
        """Remove what a killed writer left in a folder, or there of the one file ``of``. Only under the lock
        that guards it: other series' writers may be at work in the same folder."""


_REMEDIES = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "Make room on that disk; what was stored before is whole."
    ),
    # of this process, or of the machine: no folder is at fault
    **dict.fromkeys(
        (errno.EMFILE, errno.ENFILE),
        "End what else runs, or allow more open files (ulimit -n), and try again; what was stored before is whole.",
    ),
}


@contextmanager
def named(what: str, path: str) -> Iterator[None]:
    """Foreign errors become ours, with the place in them."""
    try:
        yield
    except PermissionError as error:
        raise StoreError(
            f"The store may not {what} {path}: permission denied.",
            remedy="Check the rights of the folder or bucket, or keep candles elsewhere with --store or CANDLEBOOK_STORE.",
            path=path,
        ) from error
    except OSError as error:
        raise StoreError(
            f"The store could not {what} {path}: {error.strerror or error}.",
            remedy=_REMEDIES.get(
                error.errno or 0, "Name a folder that can be written to with --store or CANDLEBOOK_STORE."
            ),
            path=path,
        ) from error


class LocalFiles:
    """A folder of this machine."""

    local = True
    exclusive = True
    keeps = True

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
        with named("read", str(self._at(path))):
            try:
                # unbuffered: one descriptor, the tag of the very bytes read
                with open(self._at(path), "rb", buffering=0) as file:
                    return file.readall(), _identity(os.fstat(file.fileno()))
            except (FileNotFoundError, NotADirectoryError):
                return None

    def reread(self, path: str, tag: Tag) -> Reread | None:
        now = self.tag(path)
        return (None, now) if now is not None and now == tag else self.read(path)

    def reread_many(self, paths: Sequence[str], tags: Sequence[Tag]) -> list[Reread | None]:
        return [self.reread(path, tag) for path, tag in zip(paths, tags, strict=True)]

    def read_listed(self, tags: Mapping[str, Tag]) -> dict[str, Read | None]:
        return {path: self.read(path) for path in tags}

    def write(self, path: str, data: bytes, expect: Tag, *, sync: Sync = "all") -> Tag:
        """``expect`` is not looked at: the lock is held."""
        target = self._at(path)
        draft = target.with_name(f"{target.name}.{os.getpid()}-{secrets.token_hex(4)}{_TEMPORARY}")
        with named("write", str(target)):
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
        with named("lock", str(self._at("locks"))):
            lock = FileLock(self.lock_file(path))
            try:
                lock.acquire(timeout=LOCK_WAIT if wait else 0, poll_interval=0.004)
            except Timeout as error:
                raise StoreBusy(
                    f"Another program has been writing {path} for over {LOCK_WAIT:.0f} seconds.",
                    remedy="Try again when it has finished.",
                    path=path,
                ) from error
        try:
            yield
        finally:
            lock.release()

    def lock_file(self, path: str) -> Path:
        """The file whose lock guards a path. It is never removed: a lock on a file that another removed
        would guard nothing."""
        folder = self._at("locks")
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{hashlib.sha256(path.encode()).hexdigest()[:24]}.lock"

    def tags(self, folder: str) -> dict[str, Tag]:
        return dict.fromkeys(self.find(folder))

    def find(self, folder: str) -> list[str]:
        found: list[str] = []
        for at, _, names in os.walk(self._at(folder)):
            inside = Path(at).relative_to(self.root).as_posix()
            found += [f"{inside}/{name}" for name in names if not name.endswith(_TEMPORARY)]
        return sorted(found)

    def remove(self, path: str) -> None:
        target = self._at(path)
        with named("remove", str(target)):
            if target.is_dir():
                # renamed first: a folder half removed must not be found under its name
                doomed = target.with_name(f"{target.name}.{secrets.token_hex(4)}{_TEMPORARY}")
                os.replace(target, doomed)
                shutil.rmtree(doomed)
            else:
                target.unlink(missing_ok=True)

    def sweep(self, folder: str, of: str = "") -> None:
        begins = f"{of}." if of else ""
        with named("sweep", str(self._at(folder))):
            try:
                left = [
                    entry.path for entry in os.scandir(self._at(folder))
                    if entry.name.endswith(_TEMPORARY) and entry.name.startswith(begins)
                ]  # fmt: skip
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
