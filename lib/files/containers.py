"""First stage: from a file to the bytes of its text. Told by content, never by the file's name.

Plain text and gzip (RFC 1952, several members in a row too) are opened. What else is recognised is
named in the refusal. Unpacking is bounded: a small file cannot fill the memory.
"""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lib.errors import FileRefused

__all__ = ["MOST_BYTES", "Buffer", "Member", "load", "unpack"]

Buffer = bytes | mmap.mmap

# Text beyond this is refused; what unpacks to more than _RATIO times its size is a bomb, not candles
# (candle text packs 3 to 30 times; zeros pack 1,000 times).
MOST_BYTES = 4 * 2**30
_RATIO = 150
_FREE = 64 * 2**20
_DEPTH = 3
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Member:
    """The bytes of one file after unwrapping, and what it was wrapped in, outermost first."""

    name: str
    data: Buffer
    containers: tuple[str, ...] = ()


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
    """Open container after container until text is reached. Raises ``FileRefused``."""
    for _ in range(_DEPTH):
        kind = _kind(member.data)
        if kind is None:
            return member
        if kind.opener is None:
            raise FileRefused(
                f"{member.name} is {kind.title}, not a text of candles.",
                remedy=kind.remedy,
                file=member.name,
            )
        inner = kind.opener(member.data, member.name)
        member = Member(member.name, inner, (*member.containers, kind.name))
    raise FileRefused(f"{member.name} is packed more than {_DEPTH} times over.", file=member.name)


def _gunzip(data: Buffer, name: str) -> bytes:
    most = min(MOST_BYTES, max(_FREE, len(data) * _RATIO))
    parts: list[bytes] = []
    total = at = 0
    engine = zlib.decompressobj(wbits=31)
    pending = b""
    try:
        while True:
            if not pending and at < len(data):
                pending = data[at : at + _CHUNK]
                at += len(pending)
            part = engine.decompress(pending, _CHUNK * 4)
            pending = engine.unconsumed_tail
            total += len(part)
            parts.append(part)
            if total > most:
                raise FileRefused(
                    f"{name} unpacks to more than {most // 2**20:,} MB; that is not a file of candles.",
                    file=name,
                )
            if engine.eof:
                # a further member, or padding of zeros that some tools leave
                rest = (engine.unused_data + data[at : at + _CHUNK]).lstrip(b"\0")
                at = min(len(data), at + _CHUNK)
                if not rest.startswith(b"\x1f\x8b"):
                    return b"".join(parts)
                engine, pending = zlib.decompressobj(wbits=31), rest
            elif not pending and at >= len(data) and not part:
                raise FileRefused(
                    f"{name} is cut short: its gzip data ends before its end mark.",
                    remedy="Fetch it again, or unpack what is left of it.",
                    file=name,
                )
    except zlib.error as error:
        raise FileRefused(
            f"{name} is damaged: its gzip data does not unpack.", remedy="Fetch it again.", file=name
        ) from error


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    title: str
    magic: bytes
    opener: Callable[[Buffer, str], bytes] | None = None
    remedy: str = "Save its candles as CSV, plain or gzip."
    at: int = 0


_KINDS = (
    _Kind("gzip", "a gzip file", b"\x1f\x8b", _gunzip),
    _Kind(
        "zip",
        "a zip archive or an Excel workbook",
        b"PK\x03\x04",
        remedy="Unpack it, or save the sheet as CSV.",
    ),
    _Kind("bz2", "a bzip2 file", b"BZh", remedy="Unpack it first, or pack it with gzip."),
    _Kind("xz", "an xz file", b"\xfd7zXZ\0", remedy="Unpack it first, or pack it with gzip."),
    _Kind("zstd", "a zstd file", b"\x28\xb5\x2f\xfd", remedy="Unpack it first, or pack it with gzip."),
    _Kind("7z", "a 7-Zip archive", b"7z\xbc\xaf\x27\x1c", remedy="Unpack it first."),
    _Kind("rar", "a RAR archive", b"Rar!\x1a\x07", remedy="Unpack it first."),
    _Kind("parquet", "a Parquet file", b"PAR1"),
    _Kind("arrow", "an Arrow or Feather file", b"ARROW1"),
    _Kind("feather", "a Feather file", b"FEA1"),
    _Kind("excel", "an Excel workbook", b"\xd0\xcf\x11\xe0", remedy="Save the sheet as CSV."),
    _Kind("pdf", "a PDF document", b"%PDF"),
    _Kind("png", "a picture", b"\x89PNG"),
    _Kind("jpeg", "a picture", b"\xff\xd8\xff"),
    _Kind("sqlite", "an SQLite database", b"SQLite format 3\0"),
    _Kind("hdf5", "an HDF5 file", b"\x89HDF"),
    _Kind("tar", "a tar archive", b"ustar", remedy="Unpack it first.", at=257),
)
_MARKUP = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*<\s*(!doctype|!--|html|head|body|table|script|\?xml|svg)\b", re.I
)
_JSON = re.compile(rb'\s*(?:\xef\xbb\xbf)?\s*(\{\s*["}]|\[\s*[\[{\]"])')
_HTML = _Kind(
    "html", "a web page", b"",
    remedy="The download answered with a page (often an error or a login); open it in a browser to see what it says.",
)  # fmt: skip


def _kind(data: Buffer) -> _Kind | None:
    head = data[:4096]
    for kind in _KINDS:
        if head[kind.at : kind.at + len(kind.magic)] == kind.magic:
            return kind
    if _MARKUP.match(head):
        return _HTML
    if _JSON.match(head):
        return _Kind("json", "JSON", b"")
    return None
