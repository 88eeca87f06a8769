"""Where things lie under the root of a store: names to paths and back, times to partitions.

::

    series/<source>/<SYMBOL>/<tf>.json                         the manifest of a series
    candles/<source>/<SYMBOL>/<tf>/<level>/<partition>.parquet its candles, and coarser ones beside them
    records/<source>/<SYMBOL>/<tf>/<ledger|gaps>.json          its syncs, and what became of its gaps
    journal/<source>/<SYMBOL>/<tf>.pages                       pages of a download not yet merged

Manifests lie apart from candles so that all series are found by one listing of little files; a path of
candles is computed from the key and the time, never found by listing.

Sources and symbols are percent-encoded. Two names never share a path, not even where a file system
takes ``btc`` and ``BTC`` for one: letters of the unusual case (capitals in a source, small letters in a
symbol) are encoded too, and so are dots, which keeps ``..`` and ``BRK.B`` plain names. A name that Windows
reserves (``CON``, ``LPT1``) has its first letter encoded. A month is written ``1mo``, as ``1M`` and ``1m``
would meet. A name too long for a file name keeps its start and gets a digest; the manifest has it whole.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import numpy as np

from lib.errors import CandlebookError
from lib.series import Series
from lib.timeframes import Timeframe, parse

__all__ = [
    "MANIFESTS",
    "Kind",
    "candles_folder",
    "decode",
    "encode_source",
    "encode_symbol",
    "journal_path",
    "kind_of",
    "level_path",
    "manifest_path",
    "part_names",
    "part_span",
    "parts_between",
    "record_path",
    "series_of",
]

MANIFESTS = "series"
_CANDLES = "candles"
_RECORDS = "records"
_JOURNAL = "journal"
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])")
_LONGEST = 180
_DAY = 86_400_000_000

# numpy's unit of the calendar that a partition spans; "" is one file for all
Kind = str


def encode_source(name: str) -> str:
    """A source as a folder's name."""
    return _encode(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")


def encode_symbol(name: str) -> str:
    """A symbol as a folder's name."""
    return _encode(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def _encode(name: str, plain: str) -> str:
    coded = "".join(
        char if char in plain else "".join(f"%{byte:02X}" for byte in char.encode()) for char in name
    )
    if _RESERVED.fullmatch(coded):
        coded = f"%{ord(coded[0]):02X}{coded[1:]}"
    if len(coded) > _LONGEST:
        coded = f"{coded[:120]}~{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    return coded


def decode(coded: str) -> str | None:
    """The name behind an encoded one; None where it was too long to be kept whole."""
    return None if "~" in coded else unquote(coded, errors="strict")


def _folder(timeframe: Timeframe) -> str:
    return f"{timeframe.count}mo" if timeframe.is_calendar else str(timeframe)


def _place(series: Series) -> str:
    return f"{encode_source(series.source)}/{encode_symbol(series.symbol)}/{_folder(series.timeframe)}"


def manifest_path(series: Series) -> str:
    """Path of a series' manifest under the root."""
    return f"{MANIFESTS}/{_place(series)}.json"


def record_path(series: Series, name: str) -> str:
    """Path of what is written down beside a series' candles."""
    return f"{_RECORDS}/{_place(series)}/{name}.json"


def journal_path(series: Series) -> str:
    """Path of the pages of a download that are not merged yet."""
    return f"{_JOURNAL}/{_place(series)}.pages"


def series_of(path: str) -> Series | None:
    """The series of a manifest's path; None where the path alone does not say."""
    try:
        source, symbol, name = path.removesuffix(".json").split("/")[-3:]
        names = decode(source), decode(symbol)
        series = Series(names[0] or "", names[1] or "", parse(name))
    except (ValueError, CandlebookError):
        return None
    return series if None not in names and manifest_path(series) == path else None


@lru_cache(maxsize=4096)
def candles_folder(series: Series) -> str:
    """Folder of a series' candles under the root."""
    return f"{_CANDLES}/{_place(series)}"


def level_path(series: Series, level: Timeframe, part: str) -> str:
    """Path of one partition of one level (the base is the level of the series' own timeframe)."""
    return f"{candles_folder(series)}/{_folder(level)}/{part}.parquet"


def kind_of(timeframe: Timeframe) -> Kind:
    """What a partition of candles of this timeframe spans, so that it stays under about 50,000 rows:
    a day below 1m, a month below 15m, a year below 4h, else all."""
    if timeframe.seconds < 60:
        return "D"
    if timeframe.seconds < 900:
        return "M"
    return "Y" if timeframe.seconds < 14_400 else ""


def part_names(kind: Kind, times: np.ndarray[Any, Any]) -> list[tuple[str, int, int]]:
    """Split ascending int64 µs by partition: (name, from, to) with positions in ``times``. O(n)."""
    if not len(times):
        return []
    if not kind:
        return [("all", 0, len(times))]
    keys = times.view("datetime64[us]").astype(f"datetime64[{kind}]")
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    ends = np.append(starts[1:], len(times))
    return [(str(keys[start]), int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def _step(kind: Kind) -> Any:
    """One partition further, as numpy adds it to a date: a bare 1 has no unit, and is deprecated."""
    return np.timedelta64(1, str(kind))  # type: ignore[call-overload]


def parts_between(kind: Kind, start: int, end: int) -> list[str]:
    """Every partition's name that ``[start, end)`` µs meets."""
    if not kind:
        return ["all"]
    edges = np.array([start, end - 1]).view("datetime64[us]").astype(f"datetime64[{kind}]")
    return [str(name) for name in np.arange(edges[0], edges[1] + _step(kind))]


@lru_cache(maxsize=8192)
def part_span(kind: Kind, name: str) -> tuple[int, int]:
    """The µs ``[from, to)`` that a partition's name stands for."""
    if not kind:
        return -(2**62), 2**62
    start = np.array([name], dtype=f"datetime64[{kind}]")
    edges = np.concatenate([start, start + _step(kind)]).astype("datetime64[us]").astype(np.int64)
    return int(edges[0]), int(edges[1])
