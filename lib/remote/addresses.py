"""From what somebody writes to files that can be read: ``s3://bucket/2024/*.csv``, ``https://...``, a path.

In a bucket and in folders ``*`` stands for anything but ``/``, ``**`` for that too, ``?`` for one sign, ``[ab]`` for
one of these; behind https only ``*`` (a ``?`` begins the query), over the links of the page. Every error
is one of ``lib.errors``, with the address in it, but not its query or its password: those may be keys.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

import pandas as pd

from lib.errors import InputError, RateLimited, SourceDown
from lib.remote.faults import Fault, fault_of, foreign, of_kind
from lib.remote.folders import PAGE, Item, Listing, files_at, level_of
from lib.remote.s3 import S3, Found, split

if TYPE_CHECKING:
    from lib.remote.web import Web

__all__ = ["Access", "Item", "Listing", "browse", "fetch", "find", "is_remote", "shown"]

Progress = Callable[[int, int | None], None]
_S3 = ("s3://", "s3a://")
_WEB = ("https://", "http://")
_WILD = re.compile(r"[*?\[]")
_MOST = 1_000
_SCANNED = 50_000


@dataclass(frozen=True, slots=True)
class Access:
    """What may be opened. ``endpoint`` is an S3 service other than the settings'; ``anonymous``: without
    credentials. The others are the owner's: ``buckets`` that need this machine's credentials, ``files`` of
    this machine, ``hosts`` that are private or speak plain http."""

    endpoint: str | None = None
    anonymous: bool = False
    buckets: bool = True
    files: bool = True
    hosts: bool = True

    def s3(self) -> S3:
        """A client for these rights."""
        return _client(self, tuple(sorted(_environment())))


@lru_cache(maxsize=16)
def _client(access: Access, environment: tuple[tuple[str, str], ...]) -> S3:
    """Making one takes 0.1 s. Other settings of the environment make another."""
    if not access.buckets:
        # neither the owner's keys nor the owner's endpoint
        return S3({"anon": True, "config_kwargs": {"ignore_configured_endpoint_urls": True}})
    options: dict[str, object] = {"anon": True} if access.anonymous else {}
    if access.endpoint:
        options["endpoint_url"] = access.endpoint
    return S3(options)


def _environment() -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))


def is_remote(address: str) -> bool:
    """Whether it is an address rather than a path of this machine."""
    return "://" in address and not address.startswith("file://")


def shown(address: str) -> str:
    """An address without what may be a key in it: its user and its query."""
    if not address.startswith(_WEB):
        return address
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" + ("?..." if parts.query else "")


def find(address: str, access: Access, *, most: int = _MOST) -> list[Item]:
    """The file at an address, or all that match its wildcards, by name.

    Raises ``InputError`` where there is none, where there are more than ``most``, or where it may not be
    opened; ``TryLater`` where the service does not answer.
    """
    address = address.strip()
    with _told(address, access):
        if address.startswith(_S3):
            found = _in_bucket(address, access, most)
        elif address.startswith(_WEB):
            found = _on_web(address, access)
        else:
            found = files_at(_local(address, access), most)
    if not found:
        raise InputError(f"Nothing matches {shown(address)}.", remedy="Check its spelling; capitals count.")
    if len(found) > most:
        raise InputError(f"More than {most:,} files match {shown(address)}.", remedy="Narrow the pattern.")
    return sorted(found, key=lambda item: item.address)


def browse(address: str, access: Access, *, after: str | None = None) -> Listing:
    """A page (200) of the files and folders that begin with an address, one level deep.

    ``s3://`` alone gives the buckets of this machine's credentials, as folders. Errors as in
    :func:`find`; a bucket or folder that is empty gives an empty listing.
    """
    address = address.strip()
    with _told(address, access):
        if address in _S3:
            return Listing((), tuple(f"s3://{each}/" for each in _buckets(access)), None)
        if address.startswith(_S3):
            bucket, prefix = _bucket(address)
            page = access.s3().page(bucket, prefix, flat=False, after=after, most=PAGE)
            items = tuple(_item(bucket, each) for each in page.objects if not each.key.endswith("/"))
            return Listing(items, tuple(f"s3://{bucket}/{each}" for each in page.folders), page.after)
        if address.startswith(_WEB):
            return Listing(tuple(_on_web(address, access)), (), None)
        return level_of(_local(address, access), after, _MOST)


def fetch(item: Item, access: Access, into: Path, *, limit: int, progress: Progress | None = None) -> Path:
    """Download a file under the folder ``into`` and give its path, in memory of a MB or so; a file of
    this machine is not copied. ``progress`` gets, in the caller's thread, bytes done and the whole size, or None.

    Raises ``InputError`` for one of more than ``limit`` bytes, and as :func:`find`.
    """
    if not is_remote(item.address):
        return Path(item.address)
    if item.size is not None and item.size > limit:
        raise _too_large(item, limit)
    target = into / (re.sub(r"[^\w.+=@-]", "_", item.name).lstrip(".")[-120:] or "file")
    while target.exists():  # another object of that name
        target = target.parent / "1" / target.name
    target.parent.mkdir(exist_ok=True)
    with _told(item.address, access), _opened(target) as file:
        sink = _File(file, limit, item)
        with ThreadPoolExecutor(1) as pool:
            work = pool.submit(_download, item, access, sink)
            while not wait([work], timeout=0.1).done:
                if progress:
                    progress(sink.done, sink.size)
            work.result()
        if progress:
            progress(sink.done, sink.done)
    return target


def _download(item: Item, access: Access, sink: _File) -> None:
    if item.address.startswith(_S3):
        access.s3().download(*split(item.address), sink.take)
    else:
        _web(access).download(item.address, sink)


class _File:
    """A sink that is a file on disk, no larger than it may be."""

    def __init__(self, file: BinaryIO, limit: int, item: Item) -> None:
        self._file = file
        self._limit = limit
        self._item = item
        self.done = 0
        self.size = item.size

    def take(self, data: bytes, size: int | None) -> None:
        self.done += len(data)
        self.size = size
        if max(self.done, size or 0) > self._limit:
            raise _too_large(self._item, self._limit)
        self._file.write(data)

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self.done = 0


def _too_large(item: Item, limit: int) -> InputError:
    return InputError(
        f"{shown(item.address)} is larger than the {limit / 1e6:,.0f} MB taken here.",
        remedy=of_kind("too large").remedy,
    )


@contextmanager
def _opened(target: Path) -> Iterator[BinaryIO]:
    try:
        with open(target, "wb") as file:
            yield file
    except OSError as error:
        if fault_of(error) is not None or not error.errno:
            raise
        raise InputError(
            f"{target.name} could not be kept while it is read: {error.strerror}.",
            remedy="Make room in the folder for temporary files (TMPDIR).",
        ) from error


# ---------------------------------------------------------------------------------------------- places


def _bucket(address: str) -> tuple[str, str]:
    bucket, key = split(address)
    if not bucket:
        raise InputError(f"{address} names no bucket.", remedy="Write it as s3://bucket/prefix.")
    return bucket, key


def _buckets(access: Access) -> list[str]:
    if not access.buckets or access.anonymous:
        why = (
            "without credentials there is no list of buckets"
            if access.buckets
            else "buckets are not listed for readers of this app"
        )
        raise InputError(f"s3:// names no bucket, and {why}.", remedy="Write the bucket: s3://bucket/prefix.")
    return sorted(access.s3().buckets())


def _in_bucket(address: str, access: Access, most: int) -> list[Item]:
    bucket, key = _bucket(address)
    s3 = access.s3()
    if not _WILD.search(key):
        found = s3.head(bucket, key) if key and not key.endswith("/") else None
        if found is None:
            raise _no_object(address, s3.page(bucket, key, flat=True, most=1).objects)
        return [_item(bucket, found)]
    prefix = key[: _WILD.search(key).start()]  # type: ignore[union-attr]
    walked = s3.walk(bucket, prefix, most=_SCANNED)
    if len(walked) > _SCANNED:
        raise InputError(
            f"More than {_SCANNED:,} objects begin with s3://{bucket}/{prefix}.", remedy="Narrow the pattern."
        )
    match = re.compile(_pattern(key)).fullmatch
    items = [_item(bucket, each) for each in walked if match(each.key) and not each.key.endswith("/")]
    return items[: most + 1]


def _pattern(key: str) -> str:
    """Wildcards as a regular expression. An unclosed ``[`` is a plain sign."""
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\])", key)
    return "".join(
        signs.get(each) or (_one_of(each) if number % 2 else re.escape(each))
        for number, each in enumerate(pieces)
    )


def _one_of(group: str) -> str:
    inner = group[1:-1].replace("\\", "\\\\")
    negated, inner = inner.startswith("!"), inner.removeprefix("!")
    inner = inner.replace("^", "\\^").replace("[", "\\[").replace("]", "\\]")
    return f"[^/{inner}]" if negated else f"[{inner}]"


def _no_object(address: str, below: tuple[Found, ...]) -> InputError:
    if below:
        return InputError(
            f"{address} is no object, but others begin with it.",
            remedy=f"For all in a folder write {address.rstrip('/')}/*.",
        )
    return InputError(
        f"{address} could not be read: {of_kind('missing').message}.", remedy=of_kind("missing").remedy
    )


def _item(bucket: str, found: Found) -> Item:
    modified = pd.Timestamp(found.modified, unit="s", tz="UTC")
    return Item(f"s3://{bucket}/{found.key}", found.key.rsplit("/", 1)[-1], found.size, modified)


def _on_web(address: str, access: Access) -> list[Item]:
    if "*" in urlsplit(address).path:
        return [Item(each, _web_name(each)) for each in _web(access).find(address)]
    return [Item(address, _web_name(address))]


def _web(access: Access) -> Web:
    from lib.remote.web import Web  # its library takes 0.3 s to load

    return Web(private=access.hosts)


def _web_name(address: str) -> str:
    parts = urlsplit(address)
    return unquote(parts.path.rstrip("/").rsplit("/", 1)[-1]) or parts.netloc.rpartition("@")[2]


def _local(address: str, access: Access) -> str:
    """The path behind an address that is neither S3 nor web. Raises ``InputError``."""
    if is_remote(address):
        raise InputError(
            f"Addresses that begin with {address.partition('://')[0]}:// are not read.",
            remedy="Give one of s3://, https:// or a path.",
        )
    if not access.files:
        raise InputError(
            "Files of the machine that serves this app are not open to its readers.",
            remedy="Drop the file above, or use the command line: python -m lib import. "
            "On your own machine, set CANDLEBOOK_PRIVATE=yes.",
        )
    return str(Path(address.removeprefix("file://")).expanduser())


# ---------------------------------------------------------------------------------------------- errors


@contextmanager
def _told(address: str, access: Access) -> Iterator[None]:
    """Foreign errors become ours."""
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"{shown(address)} needs the package {error.name}.", remedy="Install requirements.txt."
        ) from error
    except foreign() as error:
        raise _refusal(shown(address), fault_of(error), access) from error


def _refusal(address: str, fault: Fault | None, access: Access) -> InputError | RateLimited | SourceDown:
    fault = fault or of_kind("other")
    if address in _S3 and fault.kind == "denied":
        return InputError(
            "These credentials may not list buckets.",
            remedy="Write the bucket: s3://bucket/prefix.",
            kind=fault.kind,
        )
    message, remedy = f"{address} could not be read: {fault.message}.", fault.remedy
    if fault.kind == "slow":
        return RateLimited(message, remedy=remedy, kind=fault.kind)
    if fault.again:
        return SourceDown(message, remedy=remedy, kind=fault.kind)
    if fault.kind in ("denied", "credentials") and address.startswith(_S3) and not access.buckets:
        remedy = ("For its readers this app opens public buckets only. On your own machine, set CANDLEBOOK_PRIVATE=yes, "
                  "or use the command line: python -m lib import.")  # fmt: skip
    return InputError(message, remedy=remedy, kind=fault.kind)
