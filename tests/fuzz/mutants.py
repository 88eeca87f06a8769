"""Files of candles, damaged: every kind of damage that a download, a spreadsheet or an enemy does.

A mutant is made of a number alone, so that one that breaks something can be made again:
``python -m tests.fuzz.run --only 1234``.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable

from lib import export
from tests.files.test_extents import ods, sheet
from tests.files.test_ticks import quotes
from tests.files.written import table

__all__ = ["mutant"]

Damage = Callable[[random.Random, bytes], bytes]


def _seeds() -> list[bytes]:
    """Good files of every kind that is read."""
    made = table(120)
    csv = export.to_bytes(made, "csv")
    local = made.tz_localize(None)
    ticks = quotes(200)
    trades = ticks.rename(columns={"bid": "price", "ask": "size"})
    text = csv.decode()
    return [
        csv,
        csv.split(b"\n", 1)[1],
        text.replace(",", ";").encode(),
        text.replace(",", "\t").encode("utf-16"),
        local.to_csv(sep=";", decimal=",", date_format="%d.%m.%Y %H:%M").encode("latin-1"),
        local.reset_index().assign(time=lambda each: each["time"].astype("int64") // 1000).to_csv(index=False).encode(),
        local.to_csv(date_format="%m/%d/%Y %I:%M %p", quoting=1).encode(),
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
        b"Report of today\n\n# a comment\n" + csv + b"Total,,,,,99\n",
        text.replace(",", "  ").encode(),
        ticks.to_csv(index=False, date_format="%Y-%m-%d %H:%M:%S.%f").encode(),
        trades.to_csv(index=False, header=False, date_format="%Y%m%d %H%M%S%f").encode(),
        gzip.compress(csv), bz2.compress(csv), lzma.compress(csv), gzip.compress(gzip.compress(csv)),
        _zip({"a.csv": csv}), _zip({"a.csv": csv[:3000], "b.csv": csv.split(b"\n", 1)[0] + b"\n" + csv[3000:].split(b"\n", 1)[1]}),
        *(export.to_bytes(made, fmt) for fmt in ("json", "ndjson", "parquet", "feather", "xlsx")),
        ods(sheet()),
        json.dumps({"data": {"t": list(range(1700000000, 1700360000, 3600)), "o": [1.5] * 100, "h": [2.0] * 100, "l": [1.0] * 100, "c": [1.5] * 100}}).encode(),
        json.dumps([[1700000000000 + n * 60000, "1.5", "2.0", "1.0", "1.7", "33"] for n in range(90)]).encode(),
    ]  # fmt: skip


def _zip(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


# ---------------------------------------------------------------------------------------------- damage


def _flip(chance: random.Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 20, 200))):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    return bytes(made)


def _cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def _behead(chance: random.Random, data: bytes) -> bytes:
    return data[chance.randrange(len(data)) :]


def _hole(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return (
        data[:at]
        + bytes(chance.choice((0, 255, 32, 10)) for _ in range(chance.randrange(1, 64)))
        + data[at + chance.randrange(64) :]
    )


def _twice(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return data + data[at:]


_WORDS = (
    "", "-", "NULL", "nan", "inf", "-inf", "1e999", "-1e-999", "0", "-5", "1.2.3", "1,5", "99999999999999999999999", "=1+1",
    '"', '"""', "''", "\x00", "é", "𝔘", "\u202e", "2024-13-45", "0000-00-00", "24:00", "31/02/2024", "1e400", "NaT", "true",
    "1,234,567.8", "0x1F", "٣", "1_000", "+", ".", "e5", " ", "\t", "2024-03-10 02:30", "9" * 400, "9999-12-31", "1601-01-01",
)  # fmt: skip


def _cells(chance: random.Random, data: bytes) -> bytes:
    """Cells changed, swapped, dropped or added in some lines."""
    mark = max((b",", b";", b"\t"), key=data.count)
    lines = data.split(b"\n")
    for _ in range(chance.choice((1, 2, 10))):
        at = chance.randrange(len(lines))
        cells = lines[at].split(mark)
        spot = chance.randrange(len(cells))
        kind = chance.randrange(5)
        if kind == 0:
            cells[spot] = chance.choice(_WORDS).encode()
        elif kind == 1:
            chance.shuffle(cells)
        elif kind == 2:
            del cells[spot]
        elif kind == 3:
            cells.insert(spot, chance.choice(_WORDS).encode())
        else:
            cells[spot] = cells[spot] * chance.choice((2, 50))
        lines[at] = mark.join(cells)
    return b"\n".join(lines)


def _columns(chance: random.Random, data: bytes) -> bytes:
    """Columns exchanged in every line, with the header or without it."""
    mark = max((b",", b";", b"\t"), key=data.count)
    rows = [line.split(mark) for line in data.split(b"\n")]
    wide = max(map(len, rows))
    order = list(range(wide))
    chance.shuffle(order)
    keep = chance.randrange(2)
    made = [row if n < keep or len(row) < wide else [row[at] for at in order] for n, row in enumerate(rows)]
    return b"\n".join(mark.join(row) for row in made)


def _rows(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    kind = chance.randrange(4)
    if kind == 0:
        chance.shuffle(lines)
    elif kind == 1:
        lines.insert(chance.randrange(len(lines)), lines[0])
    elif kind == 2:
        lines = lines[:1] + lines[:0:-1]
    else:
        lines = [line for line in lines for _ in range(chance.choice((1, 1, 1, 2, 0)))]
    return b"\n".join(lines)


def _words(chance: random.Random, data: bytes) -> bytes:
    """A column's every cell becomes a word."""
    mark = max((b",", b";", b"\t"), key=data.count)
    rows = [line.split(mark) for line in data.split(b"\n")]
    spot = chance.randrange(max(map(len, rows)))
    word = chance.choice(_WORDS).encode()
    return b"\n".join(mark.join(word if at == spot else cell for at, cell in enumerate(row)) for row in rows)


def _recode(chance: random.Random, data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    codec = chance.choice(
        ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp037", "shift_jis", "gb18030", "utf-7")
    )
    return text.encode(codec, "replace")


def _ends(chance: random.Random, data: bytes) -> bytes:
    return data.replace(
        b"\n", chance.choice((b"\r", b"\r\n", b"\n\n", b"\n\r", b"\x0b", b"\x1e", b";\n", b",\n", b""))
    )


def _wrap(chance: random.Random, data: bytes) -> bytes:
    for _ in range(chance.randrange(1, 6)):
        data = chance.choice((gzip.compress, bz2.compress, lzma.compress, lambda each: _zip({"x": each})))(
            data
        )
    return data


def _lie(chance: random.Random, data: bytes) -> bytes:
    """The first bytes of another kind of file."""
    magics = (
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"BZh9",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"PAR1",
        b"ARROW1\0\0",
        b"[",
        b"{",
        b"\xff\xfe",
    )
    return chance.choice(magics) + data


def _wide(chance: random.Random, data: bytes) -> bytes:
    extra = b"," + b",".join(b"%d" % n for n in range(chance.choice((30, 300, 3000))))
    return b"\n".join(line + extra for line in data.split(b"\n"))


_DAMAGE: tuple[Damage, ...] = (
    _flip, _flip, _cut, _behead, _hole, _twice, _cells, _cells, _cells, _columns, _rows, _words, _words, _recode,
    _ends, _wrap, _lie, _wide,
)  # fmt: skip

SEEDS = _seeds()


def mutant(number: int) -> bytes:
    """The file of a number: a good one with one to three damages."""
    chance = random.Random(number)
    data = SEEDS[number % len(SEEDS)]
    for _ in range(chance.choice((1, 1, 2, 3))):
        if data:
            data = chance.choice(_DAMAGE)(chance, data)
    return data
