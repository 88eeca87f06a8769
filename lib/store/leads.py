"""Leads: the candles just before a partition, kept in its own file, so that a window over a border is one file.

On S3 a window costs a request for the manifest, and one for each partition that it meets. So there the file of a
partition carries in its footer the last :data:`ROWS` candles before it, and which generation each partition had
that they are from. A reader takes them only as far as the manifest names the same generations: where an older
partition was written again since, that costs the request that it would have saved, and is never believed. The
rows of the file are those of its partition alone, as everywhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lib.candles import COLUMNS, empty, from_micros, micros
from lib.store import layout

__all__ = ["EVER", "ROWS", "Lead", "born_of", "gathered"]

# Three screens: a timeframe without a level of its own is made of up to three candles of one. 0.15 MB a file.
ROWS = 6_000
# µs: before every candle
EVER = -(2**62)
_HEAD = b"candlebook.lead"
_CANDLES = b"candlebook.lead.candles"


@dataclass(frozen=True)
class Lead:
    """Candles before a partition. ``of`` has the generation of every partition that they are from, newest first;
    ``cut``: the oldest of these holds more. ``born`` is the mark of the manifest under which it was written."""

    born: str
    of: dict[str, int]
    cut: bool
    data: bytes  # Parquet: time and figures

    @cached_property
    def table(self) -> pd.DataFrame:
        """The candles, without their provenance."""
        read = pq.ParquetFile(pa.BufferReader(self.data)).read(use_threads=False).combine_chunks()
        times = read.column("time").combine_chunks().to_numpy()
        return from_micros(times, {name: read.column(name).to_numpy() for name in COLUMNS})

    def since(self, kind: layout.Kind, born: str, older: Mapping[str, int | None]) -> int | None:
        """The time (µs) from which on these are all candles before the partition, where ``older`` has the
        generation of every partition before it, None for one that is being written. None: from none on."""
        if born != self.born or not older.keys() >= self.of.keys():
            return None
        found: int | None = None
        for name in sorted(older, reverse=True):
            if older[name] is None or self.of.get(name) != older[name]:
                return found
            if self.cut and name == min(self.of):
                return int(micros(self.table)[0])
            found = layout.part_span(kind, name)[0]
        return EVER

    def is_whole(self, kind: layout.Kind, born: str, older: Mapping[str, int | None]) -> bool:
        """Whether it would be the same if it were made again."""
        since = self.since(kind, born, older)
        if since is None or since == EVER:
            return since == EVER
        return len(self.table) >= ROWS and since < layout.part_span(kind, min(self.of))[1]

    def metadata(self) -> dict[bytes, bytes]:
        """As key-value metadata of a Parquet file, whose values are text."""
        head = {"born": self.born, "of": self.of, "cut": self.cut}
        return {_HEAD: json.dumps(head).encode(), _CANDLES: base64.b64encode(self.data)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[bytes, bytes]) -> Lead | None:
        """What :meth:`metadata` gave; None where there is none, or none that can be read."""
        try:
            head: dict[str, Any] = json.loads(metadata[_HEAD])
            lead = cls(head["born"], dict(head["of"]), head["cut"], base64.b64decode(metadata[_CANDLES]))
            return lead if lead.table is not None else None
        except (KeyError, TypeError, ValueError, OSError, pa.ArrowException):
            return None


def born_of(metadata: Mapping[bytes, bytes]) -> str:
    """The mark of the manifest under which a file with a lead was written; empty where it has none."""
    try:
        return str(json.loads(metadata[_HEAD])["born"])
    except (KeyError, TypeError, ValueError):
        return ""


def gathered(born: str, before: Iterable[tuple[str, int, int, pd.DataFrame]]) -> Lead:
    """A lead of the partitions before one, newest first: name, generation, rows, and its last rows."""
    of: dict[str, int] = {}
    tables: list[pd.DataFrame] = []
    left, cut = ROWS, False
    for name, generation, rows, newest in before:
        of[name] = generation
        tables.append(newest.iloc[max(0, len(newest) - left) :])
        left -= len(tables[-1])
        cut = rows > len(tables[-1])
        if left <= 0:
            break
    table = pd.concat([each for each in tables[::-1] if len(each)]) if left < ROWS else empty()
    return Lead(born, of, cut, _encoded(table))


def _encoded(table: pd.DataFrame) -> bytes:
    columns = {"time": micros(table), **{name: table[name].to_numpy(np.float64) for name in COLUMNS}}
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table(columns), sink, compression="zstd", use_dictionary=False, write_statistics=False,
        column_encoding={"time": "DELTA_BINARY_PACKED"}, store_schema=False,
    )  # fmt: skip
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded
