"""A little of ``make fuzz``, and bombs that are made on the spot."""

from __future__ import annotations

import gzip
import io
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from lib.errors import CandlebookError
from lib.export import to_bytes
from lib.files import read
from lib.store import open_store
from tests.files.written import HEADER, table
from tests.fuzz.run import attempt

ROOT = Path(__file__).resolve().parent.parent.parent
COUNT = 50


def test_damaged_files_end_right_or_in_a_refusal(tmp_path: Path) -> None:
    outcomes = [attempt(number * 23 + 7, tmp_path) for number in range(COUNT)]
    assert [each for each in outcomes if each.kind not in ("right", "refused")] == []


def _zeros(count: int) -> bytes:
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.csv", "w", force_zip64=True) as file,
    ):
        part = bytes(2**24)
        for _ in range(count // len(part)):
            file.write(part)
    return sink.getvalue()


def _nested(depth: int) -> bytes:
    data = to_bytes(table(50), "csv")
    for _ in range(depth):
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.zip", data)
        data = sink.getvalue()
    return data


BOMBS = {
    "zeros": lambda: _zeros(2**27),
    "nested": lambda: _nested(40),
    "gzip of gzip of zeros": lambda: gzip.compress(gzip.compress(bytes(2**27), 9), 9),
    "columns": lambda: ",".join(["time", *(f"c{n}" for n in range(100_000))]).encode() + b"\n" + b"1," * 100_000 + b"1\n",
    "columns of rows": lambda: b"\n".join(b"1," * 20_000 for _ in range(30)),
    "line": lambda: b"1," * 2**24,
    "line after a good head": lambda: (HEADER + "2024-01-01,1,2,1,2,3\n").encode() * 2 + b"9" * 2**26,
    "quote": lambda: to_bytes(table(100), "csv") + b'"' + b"a\n" * 2**20,
    "blank lines": lambda: b"\n" * 2**26,
    "delimiters": lambda: (b"," * 50 + b"\n") * 2**17,
    "brackets": lambda: b"[" * 2**20,
    "objects": lambda: b'{"a":' * 2**18,
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_bounded_time(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(BOMBS[name]())
    begun = time.process_time()
    with pytest.raises(CandlebookError) as caught:
        read("bomb.csv", path)
    assert time.process_time() - begun < 10
    assert len(str(caught.value)) < 2000


def _small() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))


@pytest.mark.parametrize("name", ["zeros", "line after a good head", "quote"])
def test_from_a_shell_a_bomb_ends_with_2_and_stores_nothing(name: str, tmp_path: Path) -> None:
    path, store = tmp_path / "bomb.csv", tmp_path / "store"
    path.write_bytes(BOMBS[name]())
    done = subprocess.run(
        [sys.executable, "-m", "lib", "import", str(path), "--symbol", "X", "--store", str(store)], cwd=ROOT,
        capture_output=True, text=True, timeout=100, preexec_fn=_small, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ")
    assert open_store(str(store)).list() == []
