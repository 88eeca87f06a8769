"""Tables of web pages, and of XML Spreadsheet 2003: what many sites hand out as ``.xls``. To text."""

from __future__ import annotations

import codecs
import csv
import html
import io
import re

from lib.errors import FileRefused
from lib.files.packed.containers import Buffer
from lib.files.texts import text

__all__ = ["to_tables"]

_MOST = 128 * 2**20
_LEAST = 5  # cells in a row of candles
_WIDEST = 500
_MOST_CELLS = 2**24
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:]{0,30})([^<>]{0,1000})>")
_COLSPAN = re.compile(r"""(?i)\bcolspan\s{0,5}=\s{0,5}["']?(\d{1,6})""")
_ROWSPAN = re.compile(r"""(?i)\browspan\s{0,5}=\s{0,5}["']?(\d{1,6})""")
_PLACE = re.compile(r"""(?i)\bss:index\s{0,5}=\s{0,5}["']?(\d{1,6})""")
_ROWS, _CELLS = frozenset(("tr", "row")), frozenset(("td", "th", "cell"))
_NOTES = frozenset(("span", "div", "sup", "small"))
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
    reader = _Reader(name)
    reader.feed(_without_comments(page))
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


def _without_comments(page: str) -> str:
    kept, at = [], 0
    while (start := page.find("<!--", at)) >= 0 and (end := page.find("-->", start)) >= 0:
        kept.append(page[at:start])
        at = end + 3
    return "".join((*kept, page[at:]))


class _Reader:
    """The cells of every table; one within another is a table of its own. Costs O(n), whatever the page."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []
        self._spans: list[
            dict[int, tuple[int, str]]
        ] = []  # of each open table: what goes on below, and for how long
        self._cell: list[str] | None = None
        self._more = self._below = self._cells = 0
        self._head = False  # within a header's cell, and not in another element there

    def feed(self, page: str) -> None:
        """Take the tables of a page."""
        at, hidden = 0, False
        for tag in _TAG.finditer(page):
            if self._cell is not None and not hidden:
                self._cell.append(page[at : tag.start()])
            at = tag.end()
            name = tag[2].lower()
            if name in ("script", "style"):
                hidden = not tag[1]
            elif tag[1]:
                self._end(name)
            elif not hidden:
                self._explains(name)
                self._start(name, tag[3])
                if tag[3].endswith("/"):
                    self._end(name)
        self._end_cell()

    def _start(self, tag: str, told: str) -> None:
        if tag == "table":
            self._open.append([])
            self._spans.append({})
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
            self._go_on(row)
            if hit := _PLACE.search(told):
                row += [""] * min(int(hit[1]) - 1 - len(row), _WIDEST)
            hit = _COLSPAN.search(told)
            self._head = tag == "th"
            self._cell, self._more = [], min(max(int(hit[1]) - 1, 0), _WIDEST) if hit else 0
            hit = _ROWSPAN.search(told)
            self._below = int(hit[1]) - 1 if hit else 0
            self._count(1 + self._more)

    def _explains(self, tag: str) -> None:
        """Text in an element of its own behind a column's name is a note to it, and is left out."""
        if self._head and self._cell is not None and tag in _NOTES and any(map(str.strip, self._cell)):
            made = "".join(self._cell)
            self._end_cell()
            self._open[-1][-1][-1 - self._more] = _BLANKS.sub(" ", html.unescape(made)).strip(" *")
        self._head = self._head and tag not in ("b", "strong", *_NOTES) and self._cell is not None

    def _end(self, tag: str) -> None:
        if tag in _CELLS or tag in _ROWS:
            self._end_cell()
        elif tag == "table" and self._open:
            self._end_cell()
            self._open.pop()
            self._spans.pop()

    def _end_cell(self) -> None:
        if self._cell is not None and self._open and self._open[-1]:
            made = _BLANKS.sub(" ", html.unescape("".join(self._cell))).strip(" ")
            if self._below > 0:
                self._spans[-1][len(self._open[-1][-1])] = self._below, made
            self._open[-1][-1] += [made, *[""] * self._more]
        self._cell = None

    def _go_on(self, row: list[str]) -> None:
        """Put in what cells of the rows above hold for this one too."""
        spans = self._spans[-1]
        while (at := len(row)) in spans:
            left, text = spans.pop(at)
            if left > 1:
                spans[at] = left - 1, text
            row.append(text)
            self._count(1)

    def _count(self, cells: int) -> None:
        self._cells += cells
        if self._cells > _MOST_CELLS:
            raise FileRefused(
                f"{self.name} has tables of more than {_MOST_CELLS:,} cells, which is too many.",
                remedy="Save the table of the candles as CSV.", file=self.name,
            )  # fmt: skip


def _text(table: list[list[str]]) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerows([_MIDNIGHT.sub(r"\1", cell) for cell in row] for row in table if row)
    return sink.getvalue()
