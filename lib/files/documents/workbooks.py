"""Excel and OpenDocument workbooks to text: each sheet that holds something, its rows on the lines of the same number."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
import zlib
from typing import Any
from xml.parsers import expat

from lib.errors import FileRefused
from lib.files.columns.words import TIME_WORDS, bare
from lib.files.documents import sheetcells
from lib.files.packed.containers import Buffer
from lib.files.packed.extents import ods_cells, xlsb_cells, xlsx_cells

__all__ = ["to_sheets"]

_MOST = 2**30
_RATIO = 200
_HEAD = 20
_SINCE_1904 = re.compile(rb"""date1904\s*=\s*["'](?:1|true)""")
_CELLS = 2**25  # some 1 GB while it is read; a full sheet of 32 columns


def to_sheets(data: Buffer, name: str) -> tuple[tuple[str, bytes, str], ...]:
    """(title, comma separated text, note) of the sheets, without those that are hidden where others are not. Raises
    ``FileRefused``."""
    from python_calamine import CalamineError, CalamineWorkbook  # read only where a workbook is opened

    raw = bytes(data)
    since_1904 = _bounded(raw, name)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        sheets = [(title, book.get_sheet_by_name(title)) for title in _shown(book)]
        made = tuple((title, *_sheet(sheet, since_1904)) for title, sheet in sheets)
    except (CalamineError, OSError, ValueError) as error:
        raise FileRefused(
            f"{name} is a workbook that cannot be read: {str(error)[:120]}.",
            remedy="Save it anew, or as CSV.", file=name,
        ) from error  # fmt: skip
    made = tuple(each for each in made if each[1].strip(b"\n,"))
    if not made:
        raise FileRefused(f"{name} is a workbook without a filled sheet.", file=name)
    return made


def _shown(book: Any) -> list[str]:
    """The titles of the sheets that are not hidden, or of all where none is shown."""
    from python_calamine import SheetVisibleEnum

    shown = [each.name for each in book.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
    return shown or list(book.sheet_names)


def _sheet(sheet: Any, since_1904: bool) -> tuple[bytes, str]:
    rows = sheetcells.turned(sheet.to_python(skip_empty_area=False))
    sheetcells.unmerged(rows, getattr(sheet, "merged_cell_ranges", None) or [])
    if since_1904:
        sheetcells.from_1904(rows)
    note = sheetcells.swapped_back(rows)
    return _text(rows), note


def _bounded(raw: bytes, name: str) -> bool:
    """A workbook is a zip: its parts are counted as they unpack, before anything is kept of them. Whether its days are
    counted from 1904."""
    most, total, since_1904 = min(_MOST, 2**26 + len(raw) * _RATIO), 0, False
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for each in archive.infolist():
                blocks: list[bytes] = []
                with archive.open(each) as part:
                    while block := part.read(2**20):
                        total += len(block)
                        if total > most:
                            raise FileRefused(
                                f"{name} unpacks to more than {most // 2**20:,} MB; that is not a file of candles.",
                                file=name,
                            )
                        blocks.append(block)
                if each.filename.endswith((".xml", ".rels")):
                    _whole(blocks)
                if each.filename == "xl/workbook.xml":
                    since_1904 = _SINCE_1904.search(b"".join(blocks)) is not None
                _extent(each.filename, blocks, name)
    except (
        zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, LookupError,
        expat.ExpatError,
    ) as error:  # fmt: skip
        raise FileRefused(
            f"{name} is damaged: its parts do not unpack.", remedy="Save it anew.", file=name
        ) from error
    return since_1904


def _whole(blocks: list[bytes]) -> None:
    """Raise ``ExpatError`` for a part that is no whole XML: what reads workbooks may wait for its end without end."""
    parser = expat.ParserCreate()
    for block in blocks:
        parser.Parse(block, False)
    parser.Parse(b"", True)


def _extent(part: str, blocks: list[bytes], name: str) -> None:
    """Refuse a part with a cell so far off, or repeated so often, that the sheet would not fit in memory."""
    if part == "content.xml":
        cells = ods_cells(b"".join(blocks))
    elif part.endswith(".bin"):
        cells = xlsb_cells(b"".join(blocks)) if "sheets/" in part else 0
    else:
        cells = xlsx_cells(blocks) if any(b"sheetData" in block for block in blocks) else 0
    if cells > _CELLS:
        raise FileRefused(
            f"{name} has a sheet of {cells:,} cells, which is too many; a cell far off the others may be filled.",
            remedy="Save the sheet of the candles as CSV.", file=name,
        )  # fmt: skip


def _text(rows: list[list[Any]]) -> bytes:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    clocks = _clocks(rows)
    for row in rows:
        writer.writerow([_clock(cell) if at in clocks else _cell(cell) for at, cell in enumerate(row)])
    return sink.getvalue().encode("utf-8", "replace")


def _clocks(rows: list[list[Any]]) -> set[int]:
    """Columns that are named for times and hold fractions of a day: times of day without their format."""
    width = max(map(len, rows), default=0)
    named = {
        at for row in rows[:_HEAD] for at, cell in enumerate(row) if isinstance(cell, str) and bare(cell) in TIME_WORDS
    }  # fmt: skip
    found = set()
    for at in range(width):
        cells = [row[at] for row in rows if at < len(row) and isinstance(row[at], (int, float))]
        if at in named and len(cells) > 1 and all(0 <= cell < 1 for cell in cells) and any(cells):
            found.add(at)
    return found


def _clock(value: Any) -> str:
    """A day's fraction as a time of day, to the second where it is one."""
    if not isinstance(value, (int, float)):
        return _cell(value)
    seconds = value * 86400
    whole = round(seconds)
    if abs(seconds - whole) > 0.001 or whole == 86400:
        return _cell(value)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        # a day's fraction as a double is some µs off
        whole = (value + dt.timedelta(microseconds=500)).replace(microsecond=0)
        near = abs(whole - value) < dt.timedelta(microseconds=1000)
        return (whole if near else value).isoformat(sep=" ")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value).replace("\n", " ").replace("\r", " ")
