"""Times whose texts all have one shape, such as ``31.12.2024 23:59``: their bytes are put in ISO order,
all rows at once, and Arrow reads them. About 60 ns a row; what does not fit goes the general way.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["parse_fixed"]

Array = np.ndarray[Any, Any]
_CLOCK = r"(?:[ T](?P<h>\d\d):?(?P<m>\d\d)(?::?(?P<s>\d\d)(?:\.(?P<f>\d{1,6}))?)?)?"
_SHAPES = {
    "YMD": (
        re.compile(r"(?P<Y>\d{4})(?P<x>[-/.])(?P<M>\d\d)(?P=x)(?P<D>\d\d)" + _CLOCK),
        re.compile(r"(?P<Y>\d{4})(?P<M>\d\d)(?P<D>\d\d)" + _CLOCK),
    ),
    "DMY": (re.compile(r"(?P<D>\d\d)(?P<x>[-/.])(?P<M>\d\d)(?P=x)(?P<Y>\d{4})" + _CLOCK),),
    "MDY": (re.compile(r"(?P<M>\d\d)(?P<x>[-/.])(?P<D>\d\d)(?P=x)(?P<Y>\d{4})" + _CLOCK),),
}
_PLACE = {"Y": 0, "M": 5, "D": 8, "h": 11, "m": 14, "s": 17, "f": 20}
_ISO = b"0000-00-00 00:00:00.000000"


def parse_fixed(texts: pa.ChunkedArray, order: str) -> Array | None:
    """int64 µs of the wall clock, or None where any text is of another shape or no time."""
    chunks = [chunk for chunk in texts.chunks if len(chunk)]
    if not chunks or texts.null_count:
        return None
    first = str(chunks[0][0].as_py())
    shape = next((hit for each in _SHAPES[order] if (hit := each.fullmatch(first))), None)
    if shape is None or not first.isascii():
        return None
    made = np.empty(len(texts), np.int64)
    at = 0
    for chunk in chunks:
        part = _chunk(chunk, first.encode(), shape)
        if part is None:
            return None
        made[at : at + len(part)] = part
        at += len(part)
    return made


def _chunk(chunk: pa.Array, first: bytes, shape: re.Match[str]) -> Array | None:
    n, width = len(chunk), len(first)
    _, raw, data = chunk.buffers()
    offsets = np.frombuffer(raw, np.int32)[chunk.offset : chunk.offset + n + 1]
    if offsets[-1] - offsets[0] != n * width or not (np.diff(offsets) == width).all():
        return None
    cells = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]].reshape(n, width)
    for at, byte in enumerate(first):
        if not 48 <= byte <= 57 and not (cells[:, at] == byte).all():
            return None
    end = 26 if shape.groupdict().get("f") else 19
    iso = np.empty((n, end), np.uint8)
    iso[:] = np.frombuffer(_ISO[:end], np.uint8)
    for part, place in _PLACE.items():
        begin, stop = shape.span(part)
        if begin >= 0:
            iso[:, place : place + stop - begin] = cells[:, begin:stop]
    places = pa.py_buffer(np.arange(0, n * end + 1, end, dtype=np.int32))
    array = pa.StringArray.from_buffers(n, places, pa.py_buffer(iso))
    try:
        micros: Array = array.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return micros
