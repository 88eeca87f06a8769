"""Tables of web pages, and of XML Spreadsheet 2003: what many sites hand out as ``.xls``. To text."""

from __future__ import annotations

import codecs
import csv
import io
import re
from html.parser import HTMLParser

from lib.errors import FileRefused
from lib.files import text
from lib.files.containers import Buffer

__all__ = ["to_tables"]

_MOST = 128 * 2**20
_LEAST = 5  # cells in a row of candles
_WIDEST = 500
_ROWS, _CELLS = frozenset(("tr", "row")), frozenset(("td", "th", "cell"))
_CHARSET = re.compile(rb"""(?i)(?:charset|encoding)\s*=\s*["']?([\w-]{2,20})""")
_BLANKS = re.compile(r"[ \t\r\n\u00a0]+")
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})T00:00:00(?:\.0+)?")


def to_tables(data: Buffer, name: str) -> tuple[bytes, ...]:
    """Comma separated text of each table with a few rows of five cells and more. Raises ``FileRefused``."""
    if len(data) > _MOST:
        raise FileRefused(
            f"{name} holds {len(data) // 2**20:,} MB of HTML; {_MOST // 2**20} MB is the most.",
            remedy="Save it as CSV.", file=name,
        )  # fmt: skip
    raw = bytes(data)
    page, known = _decoded(raw)
    reader = _Reader()
    reader.feed(page)
    reader.close()
    wide = [table for table in reader.tables if sum(len(row) >= _LEAST for row in table) > 1]
    if not wide:
        what = "an XML document" if raw[:200].lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<?xml") else ""
        raise FileRefused(
            f"{name} is {what or 'a web page'}, not a table of candles.",
            remedy="Save its candles as CSV." if what else "The download answered with a page (often an error or a login); "
            "open it in a browser to see what it says.", file=name,
        )  # fmt: skip
    if known:
        return tuple(_text(table).encode("utf-8", "replace") for table in wide)
    made = [text.decode(_text(table).encode("latin-1", "ignore"), name) for table in wide]
    return tuple(bytes(each.data[each.start :]) for each in made)


def _decoded(raw: bytes) -> tuple[str, bool]:
    """The page, and whether its encoding is known; else each byte is a letter, and the cells tell the encoding."""
    named = _CHARSET.search(raw[:4096])
    marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for codec in ("utf-16" if marked else "utf-8-sig", named[1].decode() if named else ""):
        try:
            return raw.decode(codec), True
        except (LookupError, UnicodeDecodeError):
            continue  # it is another than the page says
    return raw.replace(b"&nbsp;", b" ").decode("latin-1"), False


class _Reader(HTMLParser):
    """The cells of every table; one within another is a table of its own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []
        self._cell: list[str] | None = None
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag == "table":
            self._open.append([])
            self.tables.append(self._open[-1])
            self._cell = None
        elif tag in _ROWS and self._open:
            self._end_cell()
            self._open[-1].append([])
        elif tag in _CELLS and self._open:
            self._end_cell()
            if not self._open[-1]:
                self._open[-1].append([])
            row = self._open[-1][-1]
            if (at := told.get("ss:index") or "").isdecimal():
                row += [""] * min(int(at) - 1 - len(row), _WIDEST)
            self._cell = []
            self._more = _span(told.get("colspan") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)
        elif tag in _CELLS or tag in _ROWS:
            self._end_cell()
        elif tag == "table" and self._open:
            self._end_cell()
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._hidden:
            self._cell.append(data)

    def _end_cell(self) -> None:
        if self._cell is not None and self._open and self._open[-1]:
            self._open[-1][-1] += [_BLANKS.sub(" ", "".join(self._cell)).strip(" "), *[""] * self._more]
        self._cell = None


def _span(cells: str) -> int:
    return min(int(cells) - 1, _WIDEST) if cells.isdecimal() and int(cells) else 0


def _text(table: list[list[str]]) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerows([_MIDNIGHT.sub(r"\1", cell) for cell in row] for row in table if row)
    return sink.getvalue()
