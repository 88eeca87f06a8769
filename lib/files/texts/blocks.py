"""Large texts in blocks of whole lines, and texts of other encodings made UTF-8 beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from lib.errors import FileRefused
from lib.files.plan import Plan
from lib.files.texts.grid import TextGrid

__all__ = ["Block", "blocks", "encoding_of", "lines_in", "recoded"]

_LONGEST_LINE = 4 * 2**20
_PIECE = 2**18


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file."""

    data: bytes
    line: int  # of its first line
    done: float
    ends: bool  # the file ends with it


def blocks(text: IO[bytes], start: int, line: int, size: int, name: str, whole: int) -> Iterator[Block]:
    """Whole lines, about ``size`` bytes at once, from byte ``start`` on, which is on line ``line``; ``whole`` is
    the file's size. Raises ``FileRefused`` for a line that no row of candles has."""
    text.seek(start)
    rest = b""
    while part := text.read(size):
        data = rest + part
        cut = data.rfind(b"\n") + 1
        if not cut:
            if len(data) > max(_LONGEST_LINE, size):
                raise FileRefused(
                    f"Line {line} of {name} is longer than {_LONGEST_LINE // 2**20} million characters; "
                    "that is no row of candles.",
                    file=name, line=line,
                )  # fmt: skip
            rest = data
            continue
        rest = data[cut:]
        ends = text.tell() >= whole and not rest.strip()
        yield Block(data[:cut], line, text.tell() / max(whole, 1), ends)
        line += lines_in(memoryview(data)[:cut])
    if rest.strip():
        yield Block(rest, line, 1.0, ends=True)


def lines_in(data: Any) -> int:
    """How many lines end in some bytes; without the interpreter's lock, which ``bytes.count`` holds."""
    raw = np.frombuffer(data, np.uint8)
    return sum(int(np.count_nonzero(raw[at : at + _PIECE] == 10)) for at in range(0, len(raw), _PIECE))


def encoding_of(plan: Plan) -> str:
    """The encoding of the text; nothing where the file is none."""
    text = plan.part.text if plan.part else None
    return text.encoding if text and isinstance(plan.grid, TextGrid) else ""


def recoded(name: str, path: Path, folder: Path, plan: Plan) -> Path:
    """The text as UTF-8 with lines that end in LF, in a file of its own."""
    encoding = encoding_of(plan)
    if not encoding:
        raise FileRefused(
            f"{name} is no text, and too large to be opened at once.", remedy="Save it as CSV.", file=name
        )
    target = folder / "utf8"
    if target == path:
        raise FileRefused(f"{name} is in no encoding that can be read in parts.", file=name)
    try:
        with (
            path.open(encoding=encoding, newline=None) as source,
            target.open("w", encoding="utf-8") as sink,
        ):
            while part := source.read(2**22):
                sink.write(part.lstrip("\ufeff"))
    except UnicodeDecodeError as error:
        raise FileRefused(
            f"{name} is not {encoding} throughout.",
            remedy="Choose another encoding.",
            file=name,
        ) from error
    return target
