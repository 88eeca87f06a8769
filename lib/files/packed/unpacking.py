"""Large packed files: told by content, and unpacked to a file beside, within bounds."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from lib.errors import FileRefused
from lib.files.documents.jsonlines import is_lines

__all__ = ["LARGE", "is_large", "unpacked"]

Progress = Callable[[float, str], None]

# Files from this size on are streamed: below it, reading at once is as fast and takes little.
LARGE = 96 * 2**20
_PACKED_LARGE = 24 * 2**20
# Values of JSON take many times the room of their text.
_JSON_LARGE = 24 * 2**20
_PACKED_JSON_LARGE = 3 * 2**20
_HEAD = 2**17
_MOST = 64 * 2**30
_RATIO = 100
_FREE = 64 * 2**20
# What the libraries raise of damaged files.
_FAULTS = (zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, OSError)
_MAGICS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}


def is_large(path: Path) -> bool:
    """Whether a file is better streamed: a text or NDJSON, plain or packed, or Parquet, of a size that weighs."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    kind = _packed(head)
    plain, json = (LARGE, _JSON_LARGE) if kind is None else (_PACKED_LARGE, _PACKED_JSON_LARGE)
    if kind == "zip":
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            return False
        if len(entries) != 1:
            return False
        size, plain, json = entries[0].file_size, LARGE, _JSON_LARGE
    if head[:4] == b"PAR1":
        return size >= _PACKED_LARGE
    if head[:4] in (b"ARRO", b"FEA1") or size < min(plain, json):
        return False
    start = head if kind is None else _inside(path, kind)
    if start.lstrip()[:1] in (b"{", b"["):  # a document is read at once
        return size >= json and is_lines(start, path.name)
    return size >= plain


def _inside(path: Path, kind: str) -> bytes:
    """How that begins which is packed; nothing where it is damaged."""
    try:
        with path.open("rb") as raw, _opened(raw, kind, path.name) as source:
            return bytes(source.read(_HEAD))
    except (*_FAULTS, FileRefused):
        return b""


def _packed(head: bytes) -> str | None:
    if (
        head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F
    ):  # a frame to be skipped, ahead of packed ones
        return "zstd"
    return next((kind for magic, kind in _MAGICS.items() if head.startswith(magic)), None)


def unpacked(name: str, path: Path, folder: Path, say: Progress) -> tuple[Path, tuple[str, ...]]:
    """The file, or what it unpacks to under ``folder``; and the containers, outermost first. Raises
    ``FileRefused`` for what is damaged, and for what unpacks to more than a file of candles can."""
    containers: list[str] = []
    while True:
        try:
            with path.open("rb") as file:
                kind = _packed(file.read(16))
        except OSError as error:
            raise FileRefused(f"{name} cannot be opened: {error.strerror}.", file=name) from error
        if kind is None:
            return path, tuple(containers)
        if len(containers) == 3:
            raise FileRefused(f"{name} is packed more than 3 times over.", file=name)
        containers.append(kind)
        target = folder / f"text{len(containers)}"
        try:
            _unpack(name, path, target, kind, say)
        except _FAULTS as error:
            raise FileRefused(
                f"{name} is damaged: its {kind} data does not unpack.", remedy="Fetch it again.", file=name
            ) from error
        path = target


def _unpack(name: str, path: Path, target: Path, kind: str, say: Progress) -> None:
    size = path.stat().st_size
    most = min(_MOST, _FREE + size * _RATIO, shutil.disk_usage(target.parent).free // 2)
    made = lines = 0
    with path.open("rb") as raw, _opened(raw, kind, name) as source, target.open("wb") as sink:
        while part := source.read(2**20):
            made += len(part)
            lines += part.count(b"\n")
            if made > most or (made > _FREE and not lines):
                raise FileRefused(
                    f"{name} unpacks to more than {made // 2**20:,} MB; that is not a file of candles.",
                    file=name,
                )
            sink.write(part)
            say(min(1.0, raw.tell() / size), "unpacking")


def _opened(raw: IO[bytes], kind: str, name: str) -> Any:
    if kind == "gzip":
        return gzip.GzipFile(fileobj=raw)
    if kind == "bz2":
        return bz2.BZ2File(raw)
    if kind == "xz":
        return lzma.LZMAFile(raw)
    if kind == "zstd":
        return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
    archive = zipfile.ZipFile(raw)
    members = [each for each in archive.infolist() if not each.is_dir()]
    if len(members) != 1:
        raise FileRefused(
            f"{name} holds {len(members)} files.", remedy="Unpack it, and import them one by one."
        )
    return archive.open(members[0])
