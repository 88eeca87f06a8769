"""Small files that grow beyond all bounds are refused before they do; OpenDocument sheets are read."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from lib import export
from lib.errors import CandlesRefused, FileRefused
from lib.files import Choices, read
from lib.files.packed.extents import arrow_bytes, ods_cells, xlsx_cells
from tests.files.written import table

DAYS = table(40, "1D", "2024-01-13", 4)
_NAMES = ("office", "table", "text")
_MANIFEST = (
    '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
    "</manifest:manifest>"
)


def content(rows: str) -> str:
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in _NAMES)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="a"><table:table-column table:number-columns-repeated="16384"/>{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )


def ods(rows: str) -> bytes:
    """A sheet as OpenDocument has it, by hand."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", content(rows))
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
    return sink.getvalue()


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row{more}>{''.join(cells)}</table:table-row>"


def number(value: float, more: str = "") -> str:
    return f'<table:table-cell office:value-type="float" office:value="{value!r}"{more}><text:p>{value}</text:p></table:table-cell>'


def sheet() -> str:
    names = ("Date", *DAYS)
    rows = [
        row(
            *(
                f'<table:table-cell office:value-type="string"><text:p>{name}</text:p></table:table-cell>'
                for name in names
            )
        )
    ]
    for time, figures in DAYS.iterrows():
        day = f'<table:table-cell office:value-type="date" office:date-value="{time:%Y-%m-%d}"><text:p>{time:%d.%m.%y}</text:p></table:table-cell>'
        rows.append(row(day, *(number(float(each)) for each in figures)))
    return "".join(rows)


# What a program writes behind the last row: the rest of the sheet, empty.
REST = row(
    '<table:table-cell table:number-columns-repeated="16384"/>', more=' table:number-rows-repeated="1048500"'
)


def test_an_open_document_sheet() -> None:
    made = read("candles.bin", ods(sheet() + REST))
    pd.testing.assert_frame_equal(made.table, DAYS, check_freq=False)
    with pytest.raises(FileRefused, match="is damaged"):
        read("candles.ods", ods("<table:table-row>"))


@pytest.mark.parametrize("kind", ["ods", "xlsx"])
def test_a_workbook_with_a_part_cut_short(kind: str) -> None:
    whole = ods(sheet()) if kind == "ods" else export.to_bytes(DAYS, "xlsx")
    book = zipfile.ZipFile(io.BytesIO(whole))
    for part in (
        ("content.xml", "META-INF/manifest.xml")
        if kind == "ods"
        else ("xl/workbook.xml", "xl/worksheets/sheet1.xml")
    ):
        for cut in range(1, 10):
            sink = io.BytesIO()
            with zipfile.ZipFile(sink, "w") as archive:
                for name in book.namelist():
                    text = book.read(name)
                    archive.writestr(name, text[: len(text) * cut // 10] if name == part else text)
            with pytest.raises(FileRefused, match="damaged"):
                read("x", sink.getvalue())


def test_cells_of_open_documents() -> None:
    assert ods_cells(content(sheet() + REST).encode()) == 41 * 6
    assert (
        ods_cells(
            content(
                row(number(1.0, ' table:number-columns-repeated="7"'), more=' table:number-rows-repeated="9"')
            ).encode()
        )
        == 63
    )
    gap = '<table:table-row table:number-rows-repeated="98"/>'
    assert (
        ods_cells(
            content(
                row(number(1.0))
                + gap
                + row('<table:table-cell table:number-columns-repeated="4"/>', number(2.0))
            ).encode()
        )
        == 500
    )


@pytest.mark.parametrize("rows", [
    row(number(1.0, ' table:number-columns-repeated="16384"'), more=' table:number-rows-repeated="1048576"'),
    sheet() + '<table:table-row table:number-rows-repeated="999999999"/>' + row(number(1.0)),
])  # fmt: skip
def test_a_cell_repeated_without_end(rows: str) -> None:
    with pytest.raises(FileRefused, match="cells, which is too many"):
        read("x.ods", ods(rows))


def test_a_cell_far_off() -> None:
    book, sink = zipfile.ZipFile(io.BytesIO(export.to_bytes(DAYS, "xlsx"))), io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in book.namelist():
            far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
            archive.writestr(name, book.read(name).replace(b"</sheetData>", far))
    with pytest.raises(FileRefused, match="17,179,869,184 cells, which is too many"):
        read("x.xlsx", sink.getvalue())


def test_cells_of_excel_s_sheets_over_blocks() -> None:
    text = b'<row r="2"><c r="B2" s="1"/><c r="AA2"/></row><row r="1200"><c r="C1200"/></row>'
    for cut in range(len(text)):
        assert xlsx_cells([text[:cut], text[cut:]]) == 1200 * 27


def constant(rows: int) -> pa.Table:
    figures = {name: pa.array(np.ones(rows)) for name in ("open", "high", "low", "close")}
    return pa.table({"time": pa.array(np.arange(rows) // 10**9 + 1700000000), **figures})


def test_columnar_bombs() -> None:
    """A million and a half rows alike in some kilobytes."""
    bomb = constant(1_500_000)
    sink = io.BytesIO()
    feather.write_feather(bomb, sink, compression="zstd", chunksize=1_500_000)
    assert len(sink.getvalue()) < 100_000
    with pytest.raises(FileRefused, match="that is not a file of candles"):
        read("x.feather", sink.getvalue())
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, bomb.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(bomb)
    with pytest.raises(FileRefused, match="that is not a file of candles"):
        read("x.arrow", bytes(stream.getvalue()))
    sink = io.BytesIO()
    pq.write_table(bomb, sink, compression="zstd")
    with pytest.raises(FileRefused, match="that is not a file of candles"):
        read("x.parquet", sink.getvalue())


@pytest.mark.parametrize("fmt", ["parquet", "feather"])
@pytest.mark.parametrize("column", ["close", "time"])
def test_a_long_text_repeated_in_every_row(fmt: str, column: str) -> None:
    """Two hundred thousand times the same megabyte, which is kept once."""
    rows = 200_000
    long = pa.DictionaryArray.from_arrays(
        pa.array(np.r_[np.zeros(rows - 1), 1].astype(np.int32)), pa.array(["1.5", "1.5" + "0" * 2**20])
    )
    many = long.take(pa.array(np.r_[np.zeros(400), np.full(rows - 400, rows - 1)].astype(np.int64)))
    some = constant(rows)
    some = some.set_column(some.schema.get_field_index(column), column, many)
    sink = io.BytesIO()
    if fmt == "parquet":
        pq.write_table(some, sink, compression="zstd", store_schema=False)
    else:
        feather.write_feather(some, sink, compression="zstd")
    with pytest.raises(FileRefused, match=f"MB of texts in the column '{column}'"):
        read("x", sink.getvalue(), Choices(columns={"time": "time", "close": "close"}))


@pytest.mark.parametrize("packing", ["zstd", "lz4", None])
def test_what_arrow_files_unpack_to(packing: str | None) -> None:
    some = constant(10_000)
    words = some.append_column("symbol", pa.array(["EURUSD"] * 10_000).dictionary_encode())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, words.schema, options=pa.ipc.IpcWriteOptions(compression=packing)) as writer:
        writer.write_table(words, max_chunksize=4000)
    made = arrow_bytes(bytes(sink.getvalue()))
    least = sum(each.nbytes for each in words.columns)
    assert least <= made < least * 1.01 if packing else made == 0


def arrow_file(rows: int, each: int) -> bytearray:
    times = pa.array(1_699_999_200 + 3600 * np.arange(rows))
    sink, table = pa.BufferOutputStream(), constant(rows).set_column(0, "time", times)
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=each)
    return bytearray(sink.getvalue())


def test_an_arrow_file_that_is_no_stream() -> None:
    """Some writers leave out the frame of the schema, which only readers of streams need."""
    whole = arrow_file(100, 100)
    assert whole[8:12] == b"\xff" * 4
    whole[8:12] = b"\4\0\0\0"
    assert len(read("x.arrow", bytes(whole)).table) == 100


def test_an_arrow_file_with_one_part_many_times() -> None:
    whole = arrow_file(1000, 500)
    size = int.from_bytes(whole[-10:-6], "little")
    first = whole.index(b"\xff" * 4, 64)
    second = whole.index(b"\xff" * 4, first + 64)
    at = whole.index(second.to_bytes(8, "little"), len(whole) - 10 - size)
    whole[at : at + 8] = first.to_bytes(8, "little")
    with pytest.raises(FileRefused, match="its parts are not where it says"):
        read("x.arrow", bytes(whole))


def test_conflicts_show_a_few_of_many_rows() -> None:
    lines = [f"2024-01-{day:02d},1,2,1,1.5,{day}" for day in range(1, 20)]
    lines += [f"2024-01-03,1,{2 + n / 100},1,1.5,{n}" for n in range(150)]
    with pytest.raises(CandlesRefused) as error:
        read("x.csv", ("date,open,high,low,close,volume\n" + "\n".join(lines) + "\n").encode())
    assert "on 151 lines: high 2 on line 4, 2 on line 21, 2.01 on line 22" in str(error.value)
    assert "; and 146 more lines" in str(error.value)
    assert len(str(error.value)) < 800


def test_a_column_named_clock() -> None:
    hours = table(40, "1h", "2024-01-15", 4)
    lines = [
        f"{time:%Y-%m-%d},{time:%H:%M},{r.open},{r.high},{r.low},{r.close},{r.volume}"
        for time, r in hours.iterrows()
    ]
    made = read(
        "x.csv",
        ("Date,Clock,Open,High,Low,Close,Volume\n" + "\n".join(lines) + "\n").encode(),
        Choices(zone="UTC"),
    )
    assert made.reading.get("columns.clock") == "Clock"
    assert list(made.table.index) == list(hours.index)
