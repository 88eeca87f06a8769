"""Candles as a sheet of Excel, and texts that a spreadsheet must not run. Some 10 s a million candles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import pandas as pd

from lib.candles import micros
from lib.errors import InputError

__all__ = ["neutral", "write_sheet"]

_SECOND = 10**6
# What a sheet of Excel holds, its header left out.
_SHEET_ROWS = 2**20 - 1


def neutral(text: str) -> str:
    """A text that no spreadsheet runs as a formula: one that begins with ``= + - @``, a tab or a line's end
    gets an apostrophe in front (CWE-1236). Numbers are not texts, and keep their signs."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} else text


def _of_a_sheet(tables: Iterator[pd.DataFrame]) -> pd.DataFrame:
    """All rows in one table. Raises ``InputError`` as soon as they are more than a sheet holds."""
    kept: list[pd.DataFrame] = []
    for table in tables:
        kept.append(table)
        if sum(map(len, kept)) > _SHEET_ROWS:
            raise InputError(
                f"A sheet of Excel holds {_SHEET_ROWS:,} candles, and these are more.",
                remedy="Choose a shorter range, a longer timeframe, or another format.",
            )
    return pd.concat(kept) if len(kept) > 1 else kept[0]


def write_sheet(tables: Iterator[pd.DataFrame], sink: IO[bytes], title: str) -> None:
    """One sheet of all tables, which go on from one another. Raises ``InputError`` for more than a sheet holds."""
    table = _of_a_sheet(tables)
    import xlsxwriter

    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
    }  # fmt: skip
    with xlsxwriter.Workbook(sink, options) as book:
        sheet = book.add_worksheet(_sheet_name(title))
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, 0, 22)
        date = book.add_format(
            {"num_format": "yyyy-mm-dd hh:mm:ss.000" if _fine(table) else "yyyy-mm-dd hh:mm:ss"}
        )
        for at, name in enumerate(["time", *map(str, table.columns)]):
            sheet.write_string(0, at, neutral(name))
        # days since 1899-12-30, as Excel counts them
        days = micros(table) / (86400 * _SECOND) + 25569
        columns = [_sheet_cells(table[name]) for name in table.columns]
        for row, day in enumerate(days.tolist(), 1):
            sheet.write_number(row, 0, day, date)
            for at, column in enumerate(columns, 1):
                value = column[row - 1]
                if isinstance(value, str):
                    sheet.write_string(row, at, value)
                elif value is not None:
                    sheet.write_number(row, at, value)


def _fine(table: pd.DataFrame) -> bool:
    return bool((micros(table) % _SECOND).any())


def _sheet_cells(column: Any) -> list[Any]:
    if pd.api.types.is_numeric_dtype(column):
        return [value if np.isfinite(value) else None for value in column.to_numpy(np.float64).tolist()]
    return [None if pd.isna(each) else neutral(str(each)) for each in column]


def _sheet_name(title: str) -> str:
    r"""At most 31 characters, none of ``[]:*?/\\``, no apostrophe at an end."""
    return re.sub(r"[\[\]:*?/\\\x00-\x1f]", "-", title)[:31].strip("' ") or "Candles"
