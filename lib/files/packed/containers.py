"""First stage: from a file to the tables in it. Told by content, never by the file's name.

gzip, bzip2, xz, zstd, lz4, zip and tar are opened, in one another too; text, JSON, Parquet, Arrow and
Excel are what may be inside. What else is recognised is named in the refusal. Unpacking is bounded as
it goes, by size and by ratio: a small file cannot fill the memory.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import mmap
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from lib.errors import FileRefused
from lib.files.packed import formats

__all__ = ["MOST_BYTES", "Buffer", "Member", "load", "members", "unpack"]

Buffer = bytes | mmap.mmap

# What unpacks beyond this is refused, and so is what unpacks to more than _RATIO times the bytes taken so
# far (candle text packs 3 to 60 times; zeros pack 1,000 times and more).
MOST_BYTES = 4 * 2**30
_RATIO = 100
_FREE = 32 * 2**20
_DEPTH = 3
_CHUNK = 2**20
_MOST_MEMBERS = 2000


@dataclass(frozen=True, slots=True)
class Member:
    """The bytes of one file after unwrapping, and what it was wrapped in, outermost first.

    ``kind`` is ``text``, ``json``, ``parquet``, ``arrow``, ``excel`` or ``html``; ``path`` the names it went by,
    outermost first (they may carry the date that the rows leave out)."""

    name: str
    data: Buffer
    containers: tuple[str, ...] = ()
    kind: str = "text"
    path: tuple[str, ...] = ()


def load(data: bytes | Path, name: str) -> Buffer:
    """The bytes of ``data``; a path is mapped into memory, not read. Raises ``FileRefused``."""
    if isinstance(data, bytes):
        return data
    try:
        with data.open("rb") as file:
            size = data.stat().st_size
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except FileNotFoundError as error:
        raise FileRefused(f"There is no file {name!r}.", file=name) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise FileRefused(f"{name} cannot be opened: {reason}.", file=name) from error


def unpack(member: Member) -> Member:
    """The first table in a file. Raises ``FileRefused``."""
    return members(member)[0]


def members(member: Member) -> tuple[Member, ...]:
    """Open container after container until tables are reached: one, or several of an archive, in the order
    of their names. Raises ``FileRefused``."""
    found = tuple(_walk(member, _DEPTH, _Budget(member.name)))
    if not found:
        raise FileRefused(f"{member.name} is an archive with no file in it.", file=member.name)
    return found


def _walk(member: Member, depth: int, budget: _Budget) -> Iterator[Member]:
    kind = _kind(member.data)
    if kind is None or kind.table:
        yield Member(
            member.name, member.data, member.containers, kind.table if kind else "text",
            member.path or (member.name,),
        )  # fmt: skip
        return
    if kind.opener is None and kind.archive is None:
        raise FileRefused(
            f"{member.name} is {kind.title}, not a table of candles.", remedy=kind.remedy, file=member.name
        )
    if depth == 0:
        raise FileRefused(f"{member.name} is packed more than {_DEPTH} times over.", file=member.name)
    wrapped = (*member.containers, kind.name)
    path = member.path or (member.name,)
    try:
        if kind.opener is not None:
            inner = kind.opener(member.data, budget)
            yield from _walk(Member(member.name, inner, wrapped, path=path), depth - 1, budget)
        elif kind.archive is not None:
            yield from _each(kind.archive(member.data, budget), member, wrapped, path, depth, budget)
    except (
        zlib.error,
        lzma.LZMAError,
        OSError,
        EOFError,
        ValueError,
        zipfile.BadZipFile,
        tarfile.TarError,
        NotImplementedError,
        RuntimeError,
        MemoryError,
    ) as error:
        raise FileRefused(
            f"{member.name} is damaged: its {kind.name} data does not unpack.", remedy="Fetch it again.",
            file=member.name,
        ) from error  # fmt: skip


def _each(
    inside: Iterator[tuple[str, bytes]], outer: Member, wrapped: tuple[str, ...], path: tuple[str, ...],
    depth: int, budget: _Budget,
) -> Iterator[Member]:  # fmt: skip
    """The tables of an archive; what is no table is passed over where there is another."""
    found, refused = 0, None
    for name, data in sorted(inside, key=lambda each: each[0]):
        budget.files += 1
        if budget.files > _MOST_MEMBERS:
            raise FileRefused(f"{outer.name} holds more than {_MOST_MEMBERS:,} files.", file=outer.name)
        try:
            for member in _walk(Member(name, data, wrapped, path=(*path, name)), depth - 1, budget):
                found += 1
                yield member
        except FileRefused as error:
            if budget.broken:
                raise
            refused = error
    if not found and refused:
        raise refused


def most_bytes(taken: int) -> int:
    """How many bytes so many packed ones may unpack to."""
    return min(MOST_BYTES, _FREE + taken * _RATIO)


class _Budget:
    """What may still be unpacked from one file, all of its members together."""

    def __init__(self, name: str) -> None:
        self.name, self.taken, self.made, self.files, self.broken = name, 0, 0, 0, False

    def spend(self, taken: int, made: int) -> None:
        self.taken += taken
        self.made += made
        if self.made > most_bytes(self.taken):
            self.broken = True
            raise self.bomb()

    def bomb(self) -> FileRefused:
        return FileRefused(
            f"{self.name} unpacks to more than {self.made // 2**20:,} MB from {self.taken:,} bytes; "
            "that is not a file of candles.",
            file=self.name,
        )

    def cut(self, kind: str) -> FileRefused:
        return FileRefused(
            f"{self.name} is cut short: its {kind} data ends before its end mark.",
            remedy="Fetch it again, or unpack what is left of it.", file=self.name,
        )  # fmt: skip


# --------------------------------------------------------------------------------------------- streams


class _Counted(io.RawIOBase):
    """The packed bytes as a file; what is read of them is spent from the budget."""

    def __init__(self, data: Buffer, budget: _Budget) -> None:
        self._data, self._budget, self._at = data, budget, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, len(self._data))[whence])
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        size = len(self._data) if size is None or size < 0 else size
        part = self._data[self._at : self._at + size]
        self._at += len(part)
        self._budget.spend(len(part), 0)
        return part


def _drain(source: Any, budget: _Budget) -> bytes:
    parts = []
    while part := source.read(_CHUNK):
        budget.spend(0, len(part))
        parts.append(bytes(part))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _stream(kind: str, make: Callable[[Any], Any]) -> Callable[[Buffer, _Budget], bytes]:
    def run(data: Buffer, budget: _Budget) -> bytes:
        try:
            return _drain(make(_Counted(data, budget)), budget)
        except EOFError as error:
            raise budget.cut(kind) from error

    return run


def _arrow_stream(kind: str) -> Callable[[Buffer, _Budget], bytes]:
    def run(data: Buffer, budget: _Budget) -> bytes:
        source = pa.CompressedInputStream(pa.PythonFile(_Counted(data, budget), mode="r"), kind)
        try:
            return _drain(source, budget)
        except OSError as error:
            if budget.broken:
                raise budget.bomb() from error
            if "truncated" in str(error).lower():
                raise budget.cut(kind) from error
            raise

    return run


def _unzip(data: Buffer, budget: _Budget) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(_Counted(data, budget)) as archive:
        inside = [each for each in archive.infolist() if not each.is_dir() and each.file_size]
        if len(inside) > _MOST_MEMBERS:
            raise FileRefused(f"{budget.name} holds more than {_MOST_MEMBERS:,} files.", file=budget.name)
        for each in inside:
            if each.flag_bits & 1:
                raise FileRefused(
                    f"{budget.name} is locked with a password.", remedy="Unpack it first.", file=budget.name
                )
            if not _hidden(each.filename):
                with archive.open(each) as file:
                    yield each.filename, _drain(file, budget)


def _untar(data: Buffer, budget: _Budget) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=_Counted(data, budget), mode="r:") as archive:
        for each in archive:
            file = archive.extractfile(each) if each.isreg() and each.size else None
            if file is not None and not _hidden(each.name):
                yield each.name, _drain(file, budget)


def _hidden(name: str) -> bool:
    """What file managers leave in archives beside the files."""
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/") if part not in (".", ".."))


# ----------------------------------------------------------------------------------------------- kinds


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    title: str
    magic: bytes
    opener: Callable[[Buffer, _Budget], bytes] | None = None
    archive: Callable[[Buffer, _Budget], Iterator[tuple[str, bytes]]] | None = None
    table: str = ""
    remedy: str = "Save its candles as CSV."
    at: int = 0


_KINDS = (
    _Kind("gzip", "a gzip file", b"\x1f\x8b", _stream("gzip", lambda file: gzip.GzipFile(fileobj=file))),
    _Kind("bz2", "a bzip2 file", b"BZh", _stream("bz2", bz2.BZ2File)),
    _Kind("xz", "an xz file", b"\xfd7zXZ\0", _stream("xz", lzma.LZMAFile)),
    _Kind("lzma", "an lzma file", b"\x5d\0\0", _stream("lzma", lzma.LZMAFile)),
    _Kind("zstd", "a zstd file", b"\x28\xb5\x2f\xfd", _arrow_stream("zstd")),
    _Kind("lz4", "an lz4 file", b"\x04\x22\x4d\x18", _arrow_stream("lz4")),
    _Kind("zip", "a zip archive", b"PK\x03\x04", archive=_unzip),
    _Kind("zip", "a zip archive", b"PK\x05\x06", archive=_unzip),
    _Kind("tar", "a tar archive", b"ustar", archive=_untar, at=257),
    _Kind("parquet", "a Parquet file", b"PAR1", table="parquet"),
    _Kind("arrow", "an Arrow or Feather file", b"ARROW1", table="arrow"),
    _Kind("arrow", "an Arrow stream", b"\xff\xff\xff\xff", table="arrow"),
    _Kind("feather", "a Feather file", b"FEA1", table="arrow"),
)
_MARKUP = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*<\s*(!doctype|!--|html|head|body|table|script|\?xml|svg)\b", re.I
)
_JSON = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?(?:\s*/\*[^*]{0,200}\*/)?\s*(?:(?:(?:var|let|const)\s+)?[\w.$]{1,60}\s*(?:=\s*\(|[=(])\s*)?"
    rb"(?:\{\s*[\"'}]|\{\s*[A-Za-z_]\w*\s*:|\[\s*[\[{\]\"]|\[\s*\d{6,19}(?:\.\d+)?\s*,)"
)
_UTF_16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_HTML = _Kind("html", "a web page", b"", table="html")
_DOCUMENT = _Kind("json", "JSON", b"", table="json")
_WORKBOOK = _Kind("excel", "an Excel workbook", b"", table="excel")
_OPEN_DOCUMENT = _Kind("ods", "an OpenDocument sheet", b"", table="excel")
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"


def _kind(data: Buffer) -> _Kind | None:
    head = data[:4096]
    if (other := formats.of_head(head)) is not None:
        return _Kind("", other.title, b"", remedy=other.remedy)
    for kind in _KINDS:
        if head[kind.at : kind.at + len(kind.magic)] == kind.magic:
            return _zipped(data, kind) if kind.name == "zip" else kind
    if (
        head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F
    ):  # a frame to be skipped, ahead of packed ones
        return next(kind for kind in _KINDS if kind.name == "zstd")
    if head[:2] in _UTF_16:
        head = head.decode(_UTF_16[head[:2]], "ignore").encode()
    if _MARKUP.match(head):
        return _HTML
    return _DOCUMENT if _JSON.match(head) else None


def _zipped(data: Buffer, kind: _Kind) -> _Kind:
    """What a zip is, by the names of its parts: a workbook, another document, or an archive."""
    if data[30 : 38 + len(_ODS)] == b"mimetype" + _ODS:
        return _OPEN_DOCUMENT
    try:
        with zipfile.ZipFile(_Counted(data, _Budget(""))) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, FileRefused):
        return kind
    if any(name.startswith("xl/workbook.") for name in names):
        return _WORKBOOK
    other = formats.of_archive(names)
    return _Kind("", other.title, b"", remedy=other.remedy) if other else kind
