"""Blocks on threads: the same rows as in one piece, however the cuts fall, and the same faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import CandlesRefused, FileRefused
from lib.export import to_bytes
from lib.files import read
from lib.files.streaming import stream
from lib.files.texts import parallel
from lib.files.texts.bulk import gather
from lib.files.texts.parallel import TooLong, each_block
from tests.files.written import table


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(parallel.each_block.__kwdefaults__, "block", 1000)


@given(
    st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=40),
    st.integers(41, 300),
    st.booleans(),
)
def test_blocks_are_whole_lines_in_order(lines: list[bytes], size: int, ends: bool) -> None:
    data = b"\n".join(lines) + (b"\n" if ends else b"")
    made = list(each_block(data, 0, lambda block: block, block=size))
    assert b"".join(made) == data
    assert all(block.endswith(b"\n") for block in made[:-1])
    assert all(len(block) <= 2 * size for block in made)


def test_blocks_of_a_file_start_where_they_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"title\n" + b"0123456789\n" * 5000)
    made = list(each_block(path, 6, len, block=1000))
    assert sum(made) == 55_000 and len(made) > 40


def test_a_line_longer_than_its_block_is_told(tmp_path: Path) -> None:
    with pytest.raises(TooLong):
        list(each_block(b"a\n" + b"x" * 100_000 + b"\nb\n", 0, len, block=1000))


def test_a_block_that_fails_ends_the_work() -> None:
    def work(block: bytes) -> int:
        if b"bad" in block:
            raise ValueError("no")
        return len(block)

    data = b"good\n" * 1000 + b"bad\n" + b"good\n" * 1000
    with pytest.raises(ValueError, match="no"):
        list(each_block(data, 0, work, block=100))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.integers(0, 400))
def test_columns_are_gathered_whatever_was_thought_likely(sizes: list[int], likely: int) -> None:
    blocks = [{"": np.arange(n), "open": np.full(n, float(at))} for at, n in enumerate(sizes)]
    made = gather(iter(blocks), likely)
    assert made[""].tolist() == [each for n in sizes for each in range(n)]
    assert made["open"].tolist() == [float(at) for at, n in enumerate(sizes) for _ in range(n)]
    assert all(values.flags.writeable for values in made.values())


def written(times: Any, made: pd.DataFrame, sep: str = ",", head: str = "time") -> bytes:
    body = to_bytes(made, "csv").decode().splitlines()
    rows = [time + line[20:] for time, line in zip(times, body[1:], strict=True)]
    text = "\n".join([head + body[0].removeprefix("time"), *rows, ""])
    return text.encode() if sep == "," else text.replace(",", sep).encode()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    ("form", "head"),
    [
        ("%Y-%m-%d %H:%M:%S", "time"),
        ("%Y-%m-%dT%H:%M:%SZ", "time"),
        ("%d.%m.%Y %H:%M:%S", "time"),
        ("%m/%d/%Y %H:%M", "time"),
        ("%Y.%m.%d,%H:%M", "<DATE>,<TIME>"),
        ("%d/%m/%Y,%H:%M:%S", "date,time"),
        ("%Y%m%d,%H%M%S", "date,time"),
        ("%Y%m%d,%H%M", "date,time"),
        ("%d %B %Y,%H:%M", "date,time"),
        ("%Y-%m-%d,%I:%M %p", "date,time"),
        ("%s000", "time"),
    ],
)
def test_every_form_of_times_in_blocks(form: str, head: str) -> None:
    made = table(1000, step="1h", start="2023-12-01 00:00")
    times = (
        (made.index.as_unit("s").asi8 * 1000).astype(str) if form == "%s000" else made.index.strftime(form)
    )
    got = read("x.csv", written(times, made, head=head)).table
    pd.testing.assert_frame_equal(got, made, check_freq=False)
    got.iloc[0, 0] = 5.0  # the table is the caller's own


@pytest.mark.usefixtures("small_blocks")
def test_a_fault_far_down_is_found_on_its_line(tmp_path: Path) -> None:
    lines = to_bytes(table(2000), "csv").decode().splitlines()
    lines[1700] = lines[1700].replace(",", ",x", 1)
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(FileRefused, match="line 1701"):
        read("x.csv", path)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    ("line", "cells"),
    [
        (2, "1.2,1.1,1.0,1.1,5"), (150, "1.2,1.1,1.0,1.1,5"), (151, "1.2,1.1,1.0,1.1,5"), (150, "1.1,1.2,0,1.1,5"),
        (150, "1.1,inf,1.0,1.1,5"), (150, "1.1,1.2,1.0,1.1,-5"),
    ],
)  # fmt: skip
def test_a_rule_that_one_block_breaks(cells: str, line: int) -> None:
    times = pd.date_range("2024-01-01", periods=150, freq="1min").strftime("%Y-%m-%d %H:%M:%S")
    lines = ["time,open,high,low,close,volume", *(f"{time},1.1,1.2,1.0,1.1,5" for time in times)]
    assert read("x.csv", "\n".join(lines).encode()).report.rows_out == 150
    lines[line - 1] = lines[line - 1][:20] + cells
    with pytest.raises(CandlesRefused) as caught:
        read("x.csv", "\n".join(lines).encode())
    assert caught.value.fields["line"] == line


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("blank", [b"\n" * 5000, b"\r\n" * 3000])
def test_blank_lines_of_more_than_a_block(blank: bytes) -> None:
    made = table(200)
    data = to_bytes(made, "csv")
    pd.testing.assert_frame_equal(read("x.csv", data + blank).table, made, check_freq=False)


@pytest.mark.usefixtures("small_blocks")
def test_quotes_in_some_blocks_only() -> None:
    made = table(500)
    lines = to_bytes(made, "csv").decode().splitlines()
    lines[400] = ",".join(f'"{cell}"' for cell in lines[400].split(","))
    pd.testing.assert_frame_equal(read("x.csv", "\n".join(lines).encode()).table, made, check_freq=False)
    lines[300] = '"' + lines[300]  # never closed
    with pytest.raises(FileRefused):
        read("x.csv", "\n".join(lines).encode())


@pytest.mark.usefixtures("small_blocks")
def test_times_of_day_whose_zeros_ahead_are_left_out(tmp_path: Path) -> None:
    made = table(1_400, step="30s", start="2024-03-01 00:00")  # of one to six digits
    times = [f"{each:%Y%m%d},{int(f'{each:%H%M%S}')}" for each in made.index]
    data = written(times, made, head="date,time")
    pd.testing.assert_frame_equal(read("x.csv", data).table, made, check_freq=False)
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with stream("x.csv", path, block=2**15, window=500) as found:
        pd.testing.assert_frame_equal(pd.concat(list(found.tables())), made, check_freq=False)
