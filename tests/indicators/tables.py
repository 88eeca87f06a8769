"""Readers of the published tables, and the candle tables they are computed on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import numpy as np
import pandas as pd

_XML = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def as_candles(columns: Mapping[str, Sequence[float]], *, freq: str = "1D") -> pd.DataFrame:
    """A candle table of what a published table tells: a lone close stands for all prices, a close that
    is blank is the middle of its bar, and volume is NaN where there is none."""
    given = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    close = given.get("close")
    high, low = given.get("high", close), given.get("low", close)
    if close is None:
        close = (high + low) / 2
    close = np.where(np.isnan(close), (high + low) / 2, close)
    made = {
        "open": given.get("open", close), "high": high, "low": low, "close": close,
        "volume": given.get("volume", np.full(len(close), np.nan)),
    }  # fmt: skip
    times = pd.date_range("2017-01-02", periods=len(close), freq=freq, tz="UTC", unit="us", name="time")
    return pd.DataFrame(made, index=times)


def workbook(path: Path, sheet: int = 0) -> pd.DataFrame:
    """A sheet of a spreadsheet as its cells were calculated: columns A, B, C ..., from the second row."""
    with ZipFile(path) as archive:
        names = [name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)]
        names.sort(key=lambda name: int(re.findall(r"\d+", name)[0]))
        rows = ElementTree.fromstring(archive.read(names[sheet])).find(f"{_XML}sheetData")
    assert rows is not None
    cells = [
        {
            re.sub(r"\d", "", cell.get("r", "")): cell.findtext(f"{_XML}v")
            for cell in row
            if cell.get("t", "n") == "n"
        }
        for row in rows
    ]
    frame = pd.DataFrame(cells[1:]).apply(pd.to_numeric)
    return frame[sorted(frame.columns, key=lambda name: (len(name), name))]


def tulip(path: Path, title: str) -> list[np.ndarray]:
    """The vectors under one title of a Tulip test file: inputs, then outputs."""
    lines = path.read_text().splitlines()
    block = lines[lines.index(title) + 1 :]
    end = next((at for at, line in enumerate(block) if not line.strip()), len(block))
    return [
        np.array([float(part) for part in line.strip("{} ").split(",")])
        for line in block[:end]
        if line.startswith("{")
    ]
