"""Formats that are known and not read, by the bytes that they start with: so that a refusal can name them."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Format", "of_archive", "of_head"]

_CSV = "Save its candles as CSV."
_PANDAS = "Read it in Python, and save the table with to_csv or to_parquet."
_DATABASE = "Query its candles, and save them as CSV or Parquet."


@dataclass(frozen=True, slots=True)
class Format:
    """A format's name in a sentence, and what to do with such a file."""

    title: str
    remedy: str = _CSV


_TERMINAL = "Open it in the terminal, and export its candles there as CSV."

_HEADS: tuple[tuple[int, bytes, Format], ...] = (
    (0, b"7z\xbc\xaf\x27\x1c", Format("a 7-Zip archive", "Unpack it first.")),
    (0, b"Rar!\x1a\x07", Format("a RAR archive", "Unpack it first.")),
    (0, b"\x1f\x9d", Format("a file packed by compress (.Z)", "Unpack it first.")),
    (0, b"\xff\x06\0\0sNaPpY", Format("a Snappy file", "Unpack it first.")),
    (0, b"\xd0\xcf\x11\xe0", Format("an old Excel workbook (.xls)", "Save it as .xlsx or CSV.")),
    (0, b"\x09\x08\x10\0\0\x06", Format("an old Excel workbook (.xls)", "Save it as .xlsx or CSV.")),
    (0, b"%PDF", Format("a PDF document")),
    (0, b"\x89PNG", Format("a picture")),
    (0, b"\xff\xd8\xff", Format("a picture")),
    (0, b"SQLite format 3\0", Format("an SQLite database", _DATABASE)),
    (8, b"DUCK", Format("a DuckDB database", _DATABASE)),
    (0, b"\x89HDF", Format("an HDF5 file", _PANDAS)),
    (0, b"\x93NUMPY", Format("a NumPy array", _PANDAS)),
    (0, b"ORC", Format("an ORC file", "Save it as Parquet or CSV.")),
    (0, b"Obj\x01", Format("an Avro file", "Save it as Parquet or CSV.")),
    (0, b"<stata_dta>", Format("a Stata file")),
    (0, b"\0" * 12 + b"\xc2\xea\x81\x60", Format("a SAS data set")),
    (0, b"$FL2", Format("an SPSS file")),
    (0, b"MATLAB 5.0 MAT-file", Format("a MATLAB file")),
    (0, b"RDX", Format("an R workspace")),
    (0, b"X\n\0\0\0", Format("an R object (.rds)", "Save it in R with write.csv.")),
    (0, b"\x90\x01\0\0(C)opyright", Format("a MetaTrader 4 history (.hst)", _TERMINAL)),
    (0, b"\x91\x01\0\0Copyright", Format("a MetaTrader 4 history (.hst)", _TERMINAL)),
    (0, b"\x91\x01\0\0(C)opyright", Format("a MetaTrader 4 history (.hst)", _TERMINAL)),
    (0, b"\x95\x01\0\0Copyright", Format("ticks of MetaTrader 4's tester (.fxt)", _TERMINAL)),
    (4, "Copyright".encode("utf-16-le"), Format("a MetaTrader 5 history (.hcc or .hc)", _TERMINAL)),
    (0, b"SCID\x38\0\0\0", Format("an intraday file of Sierra Chart (.scid)", _TERMINAL)),
    (0, b"MSCF\0\0\0\0", Format("a cabinet archive (.cab)", "Unpack it first.")),
    (0, b"PARE", Format("an encrypted Parquet file", "Write it again without encryption.")),
    (0, b"DBN", Format("a DBN file", "Save it as CSV or Parquet.")),
)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")
# A pickle says which protocol it is of, 2 to 5, and ends with a stop; from 4 on a frame's length comes next.
_PICKLE = re.compile(rb"\x80(?:[\x04\x05]\x95|[\x02\x03][c(}\]])")


def of_head(head: bytes) -> Format | None:
    """The format of a file by its first bytes, or None for one that is read, or unknown."""
    for at, magic, made in _HEADS:
        known = head[at : at + len(magic)] == magic
        if known and (not magic.isalnum() or _BINARY.search(head)):  # no table's first word
            return made
    return Format("a Python pickle", _PANDAS) if _PICKLE.match(head) else None


def of_archive(names: list[str]) -> Format | None:
    """The format of a document that is a zip inside, by the names of its parts."""
    if any(name.endswith(".iwa") for name in names):
        return Format("an Apple Numbers or Pages document", "Export it as CSV or Excel.")
    if "word/document.xml" in names:
        return Format("a Word document", "Save its table as CSV.")
    return None
