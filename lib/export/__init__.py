"""Candles out: CSV, JSON, NDJSON, Parquet and Feather, about 1 s a million candles, and Excel, about 10 s."""

from __future__ import annotations

from lib.export.formats import FORMATS, MEDIA_TYPES, NAMES, to_bytes, write
from lib.export.spreadsheets import neutral
from lib.export.stored import file_name, gather, pieces, to_zip

__all__ = [
    "FORMATS", "MEDIA_TYPES", "NAMES", "file_name", "gather", "neutral", "pieces", "to_bytes", "to_zip", "write",
]  # fmt: skip
