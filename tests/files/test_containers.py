from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from lib.errors import FileRefused
from lib.files.packed.containers import Member, load, members, unpack

TEXT = b"time,open,high,low,close\n2024-01-01,1,2,1,2\n" * 500


def test_plain_text_is_passed_on() -> None:
    assert unpack(Member("a.csv", TEXT)) == Member("a.csv", TEXT, path=("a.csv",))


@pytest.mark.parametrize(
    "packed", [gzip.compress(TEXT), gzip.compress(TEXT[:4000]) + gzip.compress(TEXT[4000:]),
               gzip.compress(TEXT) + b"\0" * 512],
    ids=["one member", "two members", "padded with zeros"],
)  # fmt: skip
def test_gzip_is_told_by_content(packed: bytes) -> None:
    member = unpack(Member("no-ending", packed))
    assert member.data == TEXT
    assert member.containers == ("gzip",)


def test_gzip_in_gzip() -> None:
    member = unpack(Member("a", gzip.compress(gzip.compress(TEXT))))
    assert (member.data, member.containers) == (TEXT, ("gzip", "gzip"))


@pytest.mark.parametrize("cut", [12, 40, -9, -4, -1])
def test_cut_gzip_is_refused(cut: int) -> None:
    with pytest.raises(FileRefused, match=r"a\.csv is (cut short|damaged)"):
        unpack(Member("a.csv", gzip.compress(TEXT)[:cut]))


def test_every_flipped_byte_of_gzip_is_text_or_refused() -> None:
    packed = gzip.compress(TEXT)
    for at in range(len(packed)):
        broken = packed[:at] + bytes([packed[at] ^ 0x55]) + packed[at + 1 :]
        try:
            assert unpack(Member("a", broken)).data is not None
        except FileRefused:
            pass


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(FileRefused, match="unpacks to more than"):
        unpack(Member("a.csv.gz", gzip.compress(b"0" * (80 << 20), 1)))


def test_packed_many_times_is_refused() -> None:
    data = TEXT
    for _ in range(6):
        data = gzip.compress(data)
    with pytest.raises(FileRefused, match="more than 3 times"):
        unpack(Member("a", data))


def zipped(*files: tuple[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return sink.getvalue()


def _said(value: object) -> str:
    """The name of a case: bytes of archives are others each second."""
    return value if isinstance(value, str) else ""


def tarred(*files: tuple[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def arrow_packed(data: bytes, kind: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, kind) as stream:
        stream.write(data)
    return bytes(sink.getvalue())


PACKERS = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: arrow_packed(data, "zstd"),
    "lz4": lambda data: arrow_packed(data, "lz4"),
    "zip": lambda data: zipped(("a.csv", data)),
    "tar": lambda data: tarred(("a.csv", data)),
}


@pytest.mark.parametrize("kind", sorted(PACKERS))
def test_every_packing_is_opened_and_a_cut_one_refused(kind: str) -> None:
    packed = PACKERS[kind](TEXT)
    member = unpack(Member("no-ending", packed))
    assert (member.data, member.containers) == (TEXT, (kind,))
    with pytest.raises(FileRefused, match=r"cut short|damaged"):
        unpack(Member("no-ending", packed[: len(packed) * 2 // 3]))


@pytest.mark.parametrize("kind", ["gzip", "bz2", "xz", "zstd"])
def test_streams_one_after_another_are_one(kind: str) -> None:
    pack = PACKERS[kind]
    assert unpack(Member("a", pack(TEXT[:4000]) + pack(TEXT[4000:]))).data == TEXT


@pytest.mark.parametrize("kind", sorted(set(PACKERS) - {"tar"}))
def test_no_packing_is_a_bomb(kind: str) -> None:
    with pytest.raises(FileRefused, match="unpacks to more than"):
        unpack(Member("a", PACKERS[kind](b"0" * ((60 if kind == "lz4" else 40) << 20))))


def test_archives_in_archives_are_bounded() -> None:
    data = zipped(*((f"{n}.csv", b"0" * (8 << 20)) for n in range(3)))  # not too much alone
    with pytest.raises(FileRefused, match="unpacks to more than"):
        unpack(Member("a", zipped(*((f"{n}.zip", data) for n in range(16)))))
    with pytest.raises(FileRefused, match=r"more than 2,000 files"):
        unpack(Member("a", zipped(*((f"{n}", b"1") for n in range(2001)))))


def test_an_archive_of_several_files() -> None:
    found = members(
        Member("a.zip", zipped(("b.csv", TEXT), ("a.csv.gz", gzip.compress(TEXT)), ("__MACOSX/._b", b"\0"), ("x.pdf", b"%PDF")))
    )  # fmt: skip
    assert [(each.name, each.containers) for each in found] == [
        ("a.csv.gz", ("zip", "gzip")),
        ("b.csv", ("zip",)),
    ]
    assert found[1].path == ("a.zip", "b.csv")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"SQLite format 3\0", "SQLite"),
        (b"\xd0\xcf\x11\xe0", "old Excel"),
        (b"ORC\x0a\x03\0", "ORC"),
        (b"Obj\x01\x04", "Avro"),
        (b"SCID\x38\0\0\0\x28\0\0\0", "Sierra Chart"),
        (b"MSCF\0\0\0\0", "cabinet"),
        (b"PARE\x15\0\x15", "encrypted Parquet"),
        (b"\x93NUMPY\x01\0", "NumPy"),
        (zipped(("a.npy", b"\x93NUMPY\x01\0")), "NumPy"),
        (pickle.dumps([1.5] * 9), "pickle"),
        (pickle.dumps({"a": 1}, 2), "pickle"),
        (b"\0" * 8 + b"DUCK" + b"\0" * 9, "DuckDB"),
        (b"\x90\x01\0\0(C)opyright 2003\0", "MetaTrader 4 history"),
        (b"\x91\x01\0\0Copyright 2015\0", "MetaTrader 4 history"),
        (b"\x95\x01\0\0Copyright 2015\0", "tester"),
        (b"\xf6\x01\0\0" + "Copyright 2016".encode("utf-16-le"), "MetaTrader 5 history"),
        (gzip.compress(b"X\n\0\0\0\x03"), "R object"),
        (zipped(("Index/Document.iwa", b"x")), "Numbers"),
        (b"Rar!\x1a\x07\0", "RAR"),
        (zipped(), "no file in it"),
    ],
    ids=_said,
)
def test_what_else_is_recognised_is_named(data: bytes, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        unpack(Member("a.csv", data))


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"PAR1....PAR1", "parquet"), (b"ARROW1\0\0", "arrow"), (b'[{"time": 1}]', "json"), (b'{"error": "limit"}', "json"),
     (zipped(("xl/workbook.xml", b"<x/>")), "excel"), (b"  <!DOCTYPE html>\n<html>", "html"), (b'<?xml version="1.0"?><x/>', "html"),
     (b"ORC,2024-01-31,1,2", "text"), (zipped(("a.xlsx", zipped(("xl/workbook.xml", b"<x/>")))), "excel"),
     (b"\x50\x2a\x4d\x18\x01\0\0\0x" + pa.compress(b"a,b", codec="zstd", asbytes=True), "text")],
    ids=_said,
)  # fmt: skip
def test_kinds_of_tables(data: bytes, kind: str) -> None:
    assert unpack(Member("a.csv", data)).kind == kind


def test_angle_brackets_of_a_header_are_no_web_page() -> None:
    data = b"<DATE>\t<TIME>\t<OPEN>\n"
    assert unpack(Member("a.csv", data)).data == data


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match=r"There is no file 'gone\.csv'"):
        load(tmp_path / "gone.csv", "gone.csv")
    with pytest.raises(FileRefused, match="cannot be opened"):
        load(tmp_path, "a folder")


def test_an_empty_path_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.touch()
    assert load(path, "empty.csv") == b""
