"""Second stage: bytes to UTF-8 text without a byte order mark, lines ending in LF or CRLF."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from lib.errors import FileRefused
from lib.files.columns.words import bare, meaning
from lib.files.packed.containers import Buffer

__all__ = ["ENCODINGS", "Text", "decode"]

ENCODINGS = (
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1252",
    "latin-1",
    "cp1251",
    "gb18030",
    "shift_jis",
    "euc_kr",
    "cp1250",
    "cp1254",
)
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLD = (
    "cp1252", "cp1251", "cp1250", "cp1254", "gb18030", "shift_jis", "euc_kr", "big5", "koi8_r", "cp1258", "cp1253",
    "cp1255", "cp1256", "cp874", "cp1257", "cp866", "mac_roman", "cp850", "cp932", "cp949",
)  # fmt: skip
# What is looked at to tell the encoding. Bytes further down that do not fit are found where they are in a
# column that is read, and do no harm elsewhere.
_BLOCK = 2**21
_PADDING = 2**20  # zero bytes that fill up the end of a file


@dataclass(frozen=True, slots=True)
class Text:
    """``data`` is UTF-8; the text starts at byte ``start`` (after a mark). ``encoding`` is the file's."""

    data: Buffer
    start: int
    encoding: str
    why: str


def decode(data: Buffer, name: str, encoding: str | None = None) -> Text:
    """Find the encoding and give UTF-8. ASCII and UTF-8 are passed on as they are, without a copy.

    Raises ``FileRefused`` for an empty file, for binary data, and for what does not decode.
    """
    if not len(data) or not data[:4096].strip(b" \t\r\n\0\xef\xbb\xbf"):
        raise FileRefused(f"{name} is empty.", file=name)
    chosen, why = (encoding, "chosen") if encoding else _sniff(data, name)
    start = 3 if data[:3] == codecs.BOM_UTF8 and chosen.lower().startswith("utf-8") else 0
    if chosen in ("ascii", "utf-8", "utf-8-sig"):
        _refuse_nul(data, name)
        if not encoding or _is_utf8(data):
            return _line_ends(Text(data, start, "utf-8", why))
    # of an encoding that was told from the head, a byte further down that does not fit is a fault of its cell
    loose = not encoding and not chosen.startswith("utf")
    return _line_ends(Text(_convert(data, name, chosen, "replace" if loose else "strict"), 0, chosen, why))


def _convert(data: Buffer, name: str, encoding: str, errors: str) -> bytes:
    try:
        text = codecs.decode(data[:], encoding, errors)
    except LookupError as error:
        raise FileRefused(
            f"{encoding!r} is no encoding.", remedy=f"Known ones: {', '.join(ENCODINGS)}.", file=name
        ) from error
    except UnicodeDecodeError as error:
        line = bytes(data[: error.start]).count(b"\n") + 1
        raise FileRefused(
            f"Line {line} of {name} is not {encoding}: byte {data[error.start]:#04x}.",
            remedy="Choose another encoding.", file=name, line=line,
        ) from error  # fmt: skip
    converted = text.lstrip("\ufeff").encode("utf-8")
    _refuse_nul(converted, name)
    return converted


def _sniff(data: Buffer, name: str) -> tuple[str, str]:
    for mark, encoding in _BOMS:
        if data[: len(mark)] == mark:
            return encoding, "the file starts with its mark"
    head = data[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 8 and even * 10 < odd:
        return "utf-16-le", "every second byte is zero"
    if even > len(head) // 8 and odd * 10 < even:
        return "utf-16-be", "every second byte is zero"
    _refuse_nul(data, name)
    if _is_utf8(data):
        return "utf-8", "all of it decodes"
    control = sum(byte < 32 and byte not in (9, 10, 12, 13, 26) for byte in head)
    if control * 50 > len(head):
        raise FileRefused(f"{name} is not text: it holds binary data.", remedy="Save it as CSV.", file=name)
    return _by_words(head)


def _by_words(head: bytes) -> tuple[str, str]:
    """Of the encodings before Unicode, the one in which the most columns have a name that is known."""
    names = [line for line in head.splitlines()[:20] if not line.isascii()][:5]
    best, most = "", 0
    for encoding in _OLD:
        try:
            cells = re.split(r"[,;|\t\"]", "|".join(line.decode(encoding) for line in names))
        except UnicodeDecodeError:
            continue
        known = sum(not cell.isascii() and meaning(bare(cell)) != "" for cell in cells)
        if known > most:
            best, most = encoding, known
    if best:
        return best, "only so are its columns named in words that are known"
    fits = next((each for each in ("cp1252", "cp932", "gb18030") if _decodes(head, each)), "latin-1")
    return fits, "it is not UTF-8; " + (
        "Western letters are assumed" if fits == "cp1252" else "its bytes fit this one"
    )


def _decodes(head: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_nul(data: Buffer, name: str) -> None:
    at = data.find(b"\0", 0, _BLOCK)
    if at < 0 or (not bytes(data[at : at + _PADDING]).strip(b"\0\x1a\r\n") and len(data) <= at + _PADDING):
        return
    line = bytes(data[:at]).count(b"\n") + 1
    raise FileRefused(
        f"Line {line} of {name} holds a zero byte: the file is binary, or damaged there.",
        remedy="Save it as CSV, or fetch it again.", file=name, line=line,
    )  # fmt: skip


def _is_utf8(data: Buffer) -> bool:
    head = data[:_BLOCK]
    if head.isascii():
        return True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(data) <= _BLOCK)
    except UnicodeDecodeError:
        return False
    return True


def _line_ends(text: Text) -> Text:
    """Lines of old Macintosh files end in CR alone; give them LF."""
    head = text.data[text.start : text.start + 65536]
    if b"\n" in head or b"\r" not in head:
        return text
    return Text(
        text.data[:].replace(b"\r\n", b"\n").replace(b"\r", b"\n"), text.start, text.encoding, text.why
    )
