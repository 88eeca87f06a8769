"""Workbooks as people leave them: hidden sheets, merged cells, swapped dates, other calendars, titles among the rows."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import xlsxwriter

from lib.errors import FileRefused
from lib.files import Choices, read
from tests.files.written import table

HOURS = table(72, "1h", "2024-01-13", 3)
DAYS = table(70, "1D", "2024-01-05", 4)
NAMES = ["Date", "Open", "High", "Low", "Close", "Volume"]
_DATE, _MINUTE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


def rows_of(want: pd.DataFrame, time: Callable[[pd.Timestamp], list[Any]]) -> list[list[Any]]:
    return [
        [*time(at.tz_localize(None)), *map(float, r)]
        for at, r in zip(want.index, want.to_numpy(), strict=True)
    ]


def day(at: pd.Timestamp) -> list[Any]:
    return [at.to_pydatetime()]


def book(
    *sheets: tuple[str, list[list[Any]]], hidden: str = "", merge: bool = False, since_1904: bool = False
) -> bytes:
    """A workbook; ``merge`` joins each date of the first column with the empty cells below it."""
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"date_1904": since_1904}) as made:
        formats = {kind: made.add_format({"num_format": kind}) for kind in (_DATE, _MINUTE, "hh:mm")}
        for title, rows in sheets:
            sheet = made.add_worksheet(title)
            if title == hidden:
                sheet.hide()
            else:
                sheet.activate()
            for n, row in enumerate(rows):
                for at, cell in enumerate(row):
                    if isinstance(cell, dt.datetime):
                        sheet.write_datetime(
                            n, at, cell, formats[_MINUTE if cell.time() != dt.time() else _DATE]
                        )
                    elif isinstance(cell, dt.time):
                        sheet.write_datetime(n, at, cell, formats["hh:mm"])
                    elif cell is not None:
                        sheet.write(n, at, cell)
            for first, last in _runs(rows) if merge else ():
                sheet.merge_range(first, 0, last, 0, rows[first][0], formats[_DATE])
    return sink.getvalue()


def _runs(rows: list[list[Any]]) -> list[tuple[int, int]]:
    starts = [n for n, row in enumerate(rows) if n and row[0] is not None]
    return [(start, end - 1) for start, end in zip(starts, [*starts[1:], len(rows)], strict=True)]


def same(data: bytes, want: pd.DataFrame, choices: Choices | None = None) -> str:
    made = read("x.xlsx", data, choices)
    pd.testing.assert_frame_equal(made.table, want, check_freq=False, check_names=False, check_dtype=False)
    return " ".join(made.reading.warnings)


@pytest.mark.parametrize("first", [True, False])
def test_hidden_sheets_are_passed_over(first: bool) -> None:
    sheets = [("a", [NAMES, *rows_of(DAYS, day)]), ("b", [NAMES, *rows_of(DAYS / 2, day)])]
    same(book(*(sheets if first else sheets[::-1]), hidden="b"), DAYS)
    same(book(sheets[1], hidden="b"), DAYS / 2)  # none is shown


def first_of_day(at: pd.Timestamp) -> list[Any]:
    return [at.to_pydatetime() if at.hour == 0 else None, at.time()]


@pytest.mark.parametrize("merge", [True, False])
def test_a_date_that_stands_once_a_day(merge: bool) -> None:
    same(book(("a", [["Date", "Time", *NAMES[1:]], *rows_of(HOURS, first_of_day)]), merge=merge), HOURS)


def test_symbols_merged_over_their_rows() -> None:
    frame = pd.concat({"ABC": HOURS, "XYZ": HOURS * 2}, names=["symbol", "time"])
    rows = [[name if at == HOURS.index[0] else None, at.tz_localize(None).to_pydatetime(), *map(float, r)]
            for (name, at), r in zip(frame.index, frame.to_numpy(), strict=True)]  # fmt: skip
    data = book(("a", [["symbol", "time", *NAMES[1:]], *rows]), merge=True)
    same(data, HOURS, Choices(pick_symbol="ABC"))
    same(data, HOURS * 2, Choices(pick_symbol="XYZ"))


def swapped(at: pd.Timestamp) -> list[Any]:
    return [(at.replace(day=at.month, month=at.day) if at.day < 13 else at).to_pydatetime()]


def half_text(at: pd.Timestamp) -> list[Any]:
    return swapped(at) if at.day < 13 else [f"{at:%d/%m/%Y}"]


@pytest.mark.parametrize("time", [swapped, half_text])
@pytest.mark.parametrize("newest_first", [False, True])
def test_days_and_months_that_a_spreadsheet_swapped(
    time: Callable[[pd.Timestamp], list[Any]], newest_first: bool
) -> None:
    rows = rows_of(DAYS, time)[:: -1 if newest_first else 1]
    assert "The day and the month of 30 dates were swapped" in same(book(("a", [NAMES, *rows])), DAYS)
    plain = rows_of(DAYS, day)[:: -1 if newest_first else 1]
    assert same(book(("a", [NAMES, *plain])), DAYS) == ""


def test_days_counted_from_1904_without_a_format() -> None:
    start = pd.Timestamp("1904-01-01")
    rows = rows_of(DAYS, lambda at: [(at - start).days])
    same(book(("a", [NAMES, *rows]), since_1904=True), DAYS)
    same(book(("a", [NAMES, *rows_of(HOURS, lambda at: [at.to_pydatetime()])]), since_1904=True), HOURS)


def test_dates_that_run_across() -> None:
    rows = [list(column) for column in zip(NAMES, *rows_of(DAYS, day), strict=True)]
    same(book(("a", rows)), DAYS)


def test_titles_and_averages_among_the_rows() -> None:
    rows = rows_of(DAYS, day)
    average = ["Average", *map(float, DAYS.mean())]
    said = same(
        book(("a", [["Year 1"], NAMES, average, *rows[:30], [], ["Year 2"], NAMES, *rows[30:]])), DAYS
    )
    assert "Left out as no rows (comments, headers, totals)" in said
    odd = [*rows[:30], ["Year 2", 1.0, 2.0, 0.5, 1.5, 9.0], *rows[30:]]  # it has prices
    with pytest.raises(FileRefused, match="'Year 2' is not a time"):
        read("x.xlsx", book(("a", [NAMES, *odd])))


def test_a_workbook_of_a_sheet_a_day() -> None:
    days = [(f"{at:%Y-%m-%d}", some) for at, some in HOURS.groupby(HOURS.index.floor("D"))]
    sheets = [(title, [["Time", *NAMES[1:]], *rows_of(some, lambda at: [at.time()])]) for title, some in days]
    same(book(*sheets), HOURS)
