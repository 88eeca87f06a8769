"""A law: candles written in any dialect are read back as the same candles."""

from __future__ import annotations

import gzip
from contextlib import suppress
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.errors import CandlebookError
from lib.files import Choices, inspect, read
from tests.files.written import table

STEPS = {"1min": 300, "5min": 300, "15min": 200, "1h": 800, "4h": 300, "1D": 60}
TEXTS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00", "%Y.%m.%d %H:%M", "%d.%m.%Y %H:%M:%S.000",
    "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%Y%m%d %H%M%S", "%Y%m%d%H%M%S", "%d-%b-%Y %H:%M",
)  # fmt: skip
SPLITS = (("%Y.%m.%d", "%H:%M"), ("%Y%m%d", "%H%M%S"), ("%Y-%m-%d", "%H:%M:%S"), ("%d/%m/%Y", "%H:%M"))
NAMES = (
    {"open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume"},
    {"open": "<OPEN>", "high": "<HIGH>", "low": "<LOW>", "close": "<CLOSE>", "volume": "<VOL>"},
    {"open": "Open", "high": "High", "low": "Low", "close": "Last", "volume": "Vol."},
    {
        "open": "Open price",
        "high": "High price",
        "low": "Low price",
        "close": "Close price",
        "volume": "Volume",
    },
    {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"},
)
TIME_NAMES = ("time", "Date", "<DTYYYYMMDD>", "Gmt time", "Open time", "timestamp", "TIME")


@st.composite
def files(draw: st.DrawFn) -> tuple[pd.DataFrame, bytes, Choices]:
    step = draw(st.sampled_from(sorted(STEPS)))
    candles = table(draw(st.integers(40, STEPS[step])), step, "2024-01-13", draw(st.integers(0, 99)))
    columns = _times(draw, candles, draw(st.sampled_from(("text", "split", "s", "ms", "us", "ns"))))
    names = draw(st.sampled_from(NAMES))
    delimiter = draw(st.sampled_from((",", ";", "\t", "|")))
    comma = delimiter != "," and draw(st.booleans())
    for role in ("open", "high", "low", "close", "volume"):
        texts = [repr(value) if role != "volume" else str(int(value)) for value in candles[role]]
        columns[names[role]] = [text.replace(".", ",") for text in texts] if comma else texts
    order = list(columns)
    if header := draw(st.booleans()):
        order = draw(st.permutations(order))
    rows = [delimiter.join(columns[name][n] for name in order) for n in range(len(candles))]
    if draw(st.booleans()):
        rows = rows[::-1]
    if header:
        rows = [delimiter.join(order), *rows]
        if draw(st.booleans()):
            rows = ["Exported prices", "", *rows]
    end = draw(st.sampled_from(("\n", "\r\n")))
    data = (end.join(rows) + draw(st.sampled_from(("", end)))).encode(
        draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16")))
    )
    return candles, gzip.compress(data, mtime=0) if draw(st.booleans()) else data, Choices()


def _times(draw: st.DrawFn, candles: pd.DataFrame, kind: str) -> dict[str, list[str]]:
    index: Any = candles.index
    if kind == "text":
        return {draw(st.sampled_from(TIME_NAMES)): list(index.strftime(draw(st.sampled_from(TEXTS))))}
    if kind == "split":
        date, clock = draw(st.sampled_from(SPLITS))
        return {"Date": list(index.strftime(date)), "Time": list(index.strftime(clock))}
    return {draw(st.sampled_from(TIME_NAMES)): [str(tick) for tick in index.as_unit(kind).asi8]}


@settings(max_examples=120)
@given(files())
def test_any_dialect_gives_the_same_candles(written: tuple[pd.DataFrame, bytes, Choices]) -> None:
    candles, data, choices = written
    made = read("x", data, choices)
    pd.testing.assert_frame_equal(made.table, candles, check_freq=False)
    assert made.report.ok


PIECES = (
    b",",
    b";",
    b"\n",
    b'"',
    b"\t",
    b"-",
    b".",
    b"\0",
    b"\r",
    b" ",
    b"1e999",
    b"NaN",
    b"9" * 25,
    b"\xc3",
    b"\xef\xbb\xbf",
    b":",
    b"",
)


@settings(max_examples=150)
@given(files(), st.data())
def test_a_damaged_file_is_read_or_refused(
    written: tuple[pd.DataFrame, bytes, Choices], data: st.DataObject
) -> None:
    """Cut, overwritten, doubled: never an error that is not ours, never more candles than rows."""
    broken = written[1][:4000]
    for _ in range(data.draw(st.integers(1, 4))):
        at, length = data.draw(st.integers(0, len(broken))), data.draw(st.integers(0, 40))
        piece = data.draw(st.sampled_from((*PIECES, broken[at : at + length] * 2)))
        broken = broken[:at] + piece + broken[at + length :]
    with suppress(CandlebookError):
        inspect("x", broken)
        assert len(read("x", broken).table) <= broken.count(b"\n") + 2 or broken[:2] == b"\x1f\x8b"
