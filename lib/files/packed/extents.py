"""How much a small file may grow to, told before it is read: workbooks and Arrow files.

What reads a workbook makes every cell between its first and its last one, and a cell far off, or one that is
repeated, makes billions. What reads Arrow makes room for each buffer at the length that the file states.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator

import pyarrow as pa

from lib.files.packed.containers import Buffer

__all__ = ["arrow_bytes", "ods_cells", "xlsb_cells", "xlsx_cells"]

_PLACE = re.compile(rb"""\sr\s*=\s*["']\s*\$?([A-Za-z]{0,9})\$?(\d{1,10})""")
_OVERLAP = 64
_TABLE = re.compile(
    rb"<(table:table-row|table:table-cell|table:covered-table-cell|table:table)((?:\s[^>]*)?)>|(</table:table-row>)"
)
_COLUMNS = re.compile(rb"""number-columns-repeated\s*=\s*["'](\d{1,10})""")
_ROWS = re.compile(rb"""number-rows-repeated\s*=\s*["'](\d{1,10})""")
_LAST_CELL = 11
_BATCH, _DICTIONARY = 3, 2  # what a message holds, by Arrow's Message.fbs


def xlsx_cells(blocks: Iterable[bytes]) -> int:
    """Rows times columns of the last cell that a part of a workbook names, its text block by block."""
    rows, letters, held = 0, set[bytes](), b""
    for block in blocks:
        found = _PLACE.findall(held + block)
        letters.update(each[0] for each in found)
        rows = max(rows, max((int(each[1]) for each in found), default=0))
        held = block[-_OVERLAP:]
    return rows * max((_column(each) for each in letters), default=0)


def _column(letters: bytes) -> int:
    """A is 1, XFD 16,384; 0 where there are none."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def xlsb_cells(part: bytes) -> int:
    """Rows times columns of the last cell of a sheet in binary records. By [MS-XLSB]: a record is its number and its
    length, in seven bits a byte, then its data; a row starts with its place in four bytes, and so does a cell (the
    numbers 1 to 11) with that of its column."""
    at = rows = columns = 0
    while at < len(part):
        kind, at = _varied(part, at, 2)
        size, at = _varied(part, at, 4)
        if size >= 4 and kind <= _LAST_CELL:
            place = int.from_bytes(part[at : at + 4], "little") + 1
            rows, columns = (max(rows, place), columns) if kind == 0 else (rows, max(columns, place))
        at += size
    return rows * columns


def _varied(part: bytes, at: int, most: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = 0
    for n, byte in enumerate(part[at : at + most]):
        value |= (byte & 0x7F) << 7 * n
        if byte < 0x80:
            return value, at + n + 1
    return value, at + most


def ods_cells(content: bytes) -> int:
    """Rows times columns up to the last filled cell of the largest sheet, with those that are repeated."""
    most = row = last_row = column = widest = filled = repeated = 0
    for hit in _TABLE.finditer(content):
        if hit[3]:
            row += repeated
            if filled:
                last_row, widest = row, max(widest, filled)
        elif hit[1] == b"table:table":
            most, row, last_row, widest = max(most, last_row * widest), 0, 0, 0
        elif hit[1] == b"table:table-row":
            again = _ROWS.search(hit[2])
            repeated, column, filled = int(again[1]) if again else 1, 0, 0
            if hit[2].endswith(b"/"):
                row += repeated
        else:
            again = _COLUMNS.search(hit[2])
            column += int(again[1]) if again else 1
            if not hit[2].endswith(b"/") or b"office:" in hit[2]:
                filled = column
    return max(most, last_row * widest)


def arrow_bytes(data: Buffer) -> int:
    """The bytes that the packed buffers of an Arrow stream or file unpack to. Raises ``pa.ArrowException``,
    ``OSError``, ``ValueError``, ``struct.error`` or ``IndexError`` for what is damaged."""
    return sum(map(_unpacked, _of_file(data) if data[:6] == b"ARROW1" else _of_stream(data)))


def _unpacked(message: pa.Message) -> int:
    body = memoryview(message.body) if message.body is not None else memoryview(b"")
    # ahead of each packed buffer stands its length unpacked, -1 where it is as it is
    return sum(
        max(0, struct.unpack_from("<q", body, offset)[0])
        for offset, length in _buffers(memoryview(message.metadata))
        if length >= 8 and offset >= 0
    )


def _of_stream(data: Buffer) -> Iterator[pa.Message]:
    reader = pa.ipc.MessageReader.open_stream(pa.BufferReader(data))
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            return


def _of_file(data: Buffer) -> Iterator[pa.Message]:
    """The messages that the end of a file tells of, which are those that are read: a file need not be a stream. By
    File.fbs: a Footer has its dictionaries at 2 and its record batches at 3, in blocks of 24 bytes: the offset, the
    length of the metadata in four bytes and four of nothing, the length of the body."""
    whole = pa.py_buffer(data)
    size = struct.unpack("<i", data[-10:-6])[0]
    if data[-6:] != b"ARROW1" or not 0 < size <= len(data) - 18:
        raise ValueError("its end is not where it should be")
    footer = memoryview(data[-10 - size : -10])
    root = _follow(footer, 0)
    blocks = [block for number in (2, 3) for block in _vector(footer, root, number, "<qi4xq")]
    if len({at for at, _, _ in blocks}) < len(blocks):
        raise ValueError("its parts are not where it says")
    for at, metadata, body in blocks:
        if min(at, metadata, body) < 0 or at + metadata + body > len(data):
            raise ValueError("its parts are not where it says")
        yield pa.ipc.read_message(whole.slice(at, metadata + body))


def _buffers(meta: memoryview) -> list[tuple[int, ...]]:
    """(offset, length) of the buffers of a message where they are packed. By the flatbuffers of
    Arrow's Message.fbs: a Message has its header's kind at 1 and the header at 2; a RecordBatch its buffers at 2
    and its compression at 3; a DictionaryBatch its RecordBatch at 1."""
    root = _follow(meta, 0)
    at = _field(meta, root, 1)
    kind = meta[at] if at else 0
    header = _field(meta, root, 2)
    if kind not in (_BATCH, _DICTIONARY) or not header:
        return []
    batch = _follow(meta, header)
    if kind == _DICTIONARY:
        inner = _field(meta, batch, 1)
        batch = _follow(meta, inner) if inner else batch
    return _vector(meta, batch, 2, "<qq") if _field(meta, batch, 3) else []


def _vector(meta: memoryview, table: int, number: int, layout: str) -> list[tuple[int, ...]]:
    """The members of a table's field that is a vector of structs; none where it is not there."""
    at = _field(meta, table, number)
    if not at:
        return []
    vector, size = _follow(meta, at), struct.calcsize(layout)
    count = min(struct.unpack_from("<I", meta, vector)[0], len(meta) // size)
    return [struct.unpack_from(layout, meta, vector + 4 + size * n) for n in range(count)]


def _follow(meta: memoryview, at: int) -> int:
    return at + int(struct.unpack_from("<I", meta, at)[0])


def _field(meta: memoryview, table: int, number: int) -> int:
    """Where a table's field is; 0 where it is not there."""
    vtable = table - struct.unpack_from("<i", meta, table)[0]
    size = struct.unpack_from("<H", meta, vtable)[0]
    spot = 4 + 2 * number
    offset = struct.unpack_from("<H", meta, vtable + spot)[0] if spot + 2 <= size else 0
    return table + offset if offset else 0
