from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest

from lib.errors import FileRefused
from lib.files.containers import Member, load, unpack

TEXT = b"time,open,high,low,close\n2024-01-01,1,2,1,2\n" * 500


def test_plain_text_is_passed_on() -> None:
    assert unpack(Member("a.csv", TEXT)) == Member("a.csv", TEXT)


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
    with pytest.raises(FileRefused, match="more than 64 MB"):
        unpack(Member("a.csv.gz", gzip.compress(b"0" * (80 << 20), 1)))


def test_packed_many_times_is_refused() -> None:
    data = TEXT
    for _ in range(6):
        data = gzip.compress(data)
    with pytest.raises(FileRefused, match="more than 3 times"):
        unpack(Member("a", data))


def _zip() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.csv", TEXT)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (_zip(), "zip archive"),
        (bz2.compress(TEXT), "bzip2"),
        (lzma.compress(TEXT), "xz"),
        (b"PAR1....PAR1", "Parquet"),
        (b"ARROW1\0\0", "Feather"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"  <!DOCTYPE html>\n<html>", "web page"),
        (b'<?xml version="1.0"?><x/>', "web page"),
        (b'[{"time": 1}]', "JSON"),
        (b'{"error": "limit"}', "JSON"),
    ],
    ids=["zip", "bz2", "xz", "parquet", "arrow", "pdf", "png", "html", "xml", "json list", "json object"],
)
def test_what_else_is_recognised_is_named(data: bytes, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        unpack(Member("a.csv", data))


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
