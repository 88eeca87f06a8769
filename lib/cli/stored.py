"""``list``, ``delete`` and ``export``: what is in the store."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click
import pandas as pd

from lib.cli.base import end_option, guarded, json_option, main, open_at, stamp, start_option, store_option
from lib.cli.selecting import one_of
from lib.errors import InputError, UnknownName
from lib.series import Series
from lib.timeframes import Timeframe, parse

if TYPE_CHECKING:
    from lib.store import SeriesInfo, Store

__all__ = ["delete", "export", "list_series"]


@main.command("list", short_help="Show what is stored.")
@store_option
@json_option
@guarded
def list_series(store_url: str | None, as_json: bool) -> None:
    """Show what is stored: a line for each series, or with --json a list of objects."""
    folder = _missing(store_url)
    infos = open_at(store_url).list()
    if as_json:
        click.echo(json.dumps([_row(info) for info in infos], ensure_ascii=False))
    if not infos and (folder or not as_json):
        click.echo(f"The folder {folder} does not exist." if folder else "Nothing is stored yet.", err=True)
    if as_json or not infos:
        return
    rows: list[tuple[str, ...]] = [("source", "symbol", "timeframe", "first", "last", "candles")]
    rows += [tuple(str(_row(info)[key]) for key in rows[0]) for info in infos]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _missing(url: str | None) -> Path | None:
    """The folder that was named and is not there: more often mistyped than new."""
    if not url or ("://" in url and not url.startswith("file://")):
        return None
    path = Path(unquote(urlsplit(url).path)) if "://" in url else Path(url).expanduser()
    return None if path.exists() else path


def _row(info: SeriesInfo) -> dict[str, Any]:
    return {
        "source": info.series.source,
        "symbol": info.series.symbol,
        "timeframe": str(info.series.timeframe),
        "first": stamp(info.first),
        "last": stamp(info.last),
        "candles": info.count,
        "filled": info.filled,
        "size_bytes": info.size_bytes,
        "synthetic": info.synthetic,
    }


@main.command()
@click.option("--symbol", required=True, metavar="S", help="As list shows it.")
@click.option(
    "--source", metavar="NAME", help="Who the candles are from; needed where several have the symbol."
)
@click.option(
    "--timeframe", metavar="TF", help="The timeframe it is stored in; needed where it is in several."
)
@store_option
@guarded
def delete(symbol: str, source: str | None, timeframe: str | None, store_url: str | None) -> None:
    """Remove a series with all its candles. On a terminal it asks first.

    \b
      python -m lib delete --symbol EURUSD --timeframe 1m --source vendor
    """  # noqa: D301  the mark \b keeps the example's line apart
    store = open_at(store_url)
    series = one_of(store, symbol, source, timeframe)
    if sys.stdin.isatty():
        click.confirm(f"Delete {series} with its {store.info(series).count:,} candles?", abort=True, err=True)
    store.delete(series)
    click.echo(f"{series} is deleted.", err=True)


def _of(store: Store, symbol: str, source: str | None) -> list[SeriesInfo]:
    found = [
        info for info in store.list() if info.series.symbol == symbol and source in (None, info.series.source)
    ]
    if not found:
        beside = f" from {source}" if source else ""
        raise UnknownName(
            f"Nothing is stored of {symbol}{beside}.", remedy="The command list shows what is.", symbol=symbol
        )
    return found


def _choose(found: list[SeriesInfo], symbol: str, frame: Timeframe) -> Series:
    if not found:
        raise UnknownName(
            f"{symbol} is not stored in {frame}, nor in anything that makes it.",
            remedy="The command list shows what is.", symbol=symbol, timeframe=str(frame),
        )  # fmt: skip
    if len({info.series.source for info in found}) > 1:
        sources = ", ".join(sorted({info.series.source for info in found}))
        raise InputError(f"Several sources have {symbol}: {sources}.", remedy="Say which with --source.")
    return max((info.series for info in found), key=lambda series: series.timeframe.seconds)


@main.command(short_help="Write candles as CSV, JSON, Parquet, Excel ...")
@click.option("--symbol", required=True, metavar="S", help="As list shows it.")
@click.option(
    "--source", metavar="NAME", help="Who the candles are from; needed where several have the symbol."
)
@click.option(
    "--timeframe", required=True, metavar="TF", help="The stored one, or a coarser one that is made of it."
)
@start_option
@end_option
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["csv", "json", "ndjson", "parquet", "feather", "xlsx"]),
    help="How to write them. [default: by the ending of the file's name; csv where it has none]",
)
@click.option(
    "--indicators", metavar="LIST",
    help="Columns of indicators beside the candles, as they are written in the app: 'ema(21);macd(12,26,9)'.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; else stdout.")
@store_option
@guarded
def export(
    symbol: str, source: str | None, timeframe: str, start: pd.Timestamp | None, end: pd.Timestamp | None,
    fmt: str | None, indicators: str | None, output: Path | None, store_url: str | None,
) -> None:  # fmt: skip
    """Write candles as CSV, JSON, NDJSON, Parquet, Feather or Excel.

    CSV has time,open,high,low,close,volume, with times in ISO 8601 (UTC, Z). Indicators are computed from the
    first candle stored, so their values do not depend on --start. A sheet of Excel holds a million candles, the
    other formats any number.

    \b
      python -m lib export --symbol EURUSD --timeframe 1h --start 2024-01-01 > eurusd.csv
      python -m lib export --symbol EURUSD --timeframe 1d -o eurusd.xlsx --indicators 'ema(21);rsi(14)'
    """  # noqa: D301  the mark \b keeps the examples' lines apart
    from lib.export import pieces, write
    from lib.indicators import parse_list

    fmt = fmt or _format_of(output)
    store = open_at(store_url)
    frame = parse(timeframe)
    series = _choose([info for info in _of(store, symbol, source) if frame in (info.series.timeframe, *info.timeframes)
                      or info.series.timeframe.divides(frame)], symbol, frame)  # fmt: skip
    picks = parse_list(indicators) if indicators else ()
    if start is not None and end is not None and start >= end:
        raise InputError(
            f"The start, {stamp(start)}, is not before the end, {stamp(end)}.", remedy="Swap them."
        )
    tables = pieces(store, series, frame, start, end, picks)
    with _sink(output) as sink:
        rows = write(tables, fmt, sink, title=f"{symbol} {frame}")
    if not rows:
        info = store.info(series)
        click.echo(
            f"Note: no candle of {symbol} {frame} opens in that range; {series} is stored from {stamp(info.first)} to "
            f"{stamp(info.last)}.", err=True,
        )  # fmt: skip
    if output is not None:
        click.echo(f"{output}: {rows:,} candles.", err=True)


@contextmanager
def _sink(output: Path | None) -> Iterator[IO[bytes]]:
    """Stdout, or a file that is put in its place when all of it is written: what fails leaves the old one."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    special = output.exists() and not output.is_file()  # a pipe, a terminal
    beside = output if special else output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        try:
            with beside.open("wb") as sink:
                yield sink
            if not special:
                beside.replace(output)
        finally:
            if not special:
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{output} cannot be written: {error.strerror}.",
            remedy="Name a file with -o in a folder that is there and has room.",
        ) from error


def _format_of(output: Path | None) -> str:
    """The format that a file's name tells: CSV where it has no ending, or there is no file."""
    from lib.export import FORMATS

    ending = output.suffix.lstrip(".").lower() if output else ""
    if ending and ending not in FORMATS:
        raise InputError(
            f"{output} ends with .{ending}, which is no format to write.",
            remedy=f"Name the file with one of .{', .'.join(FORMATS)}, or say the format with --format.",
        )
    return ending or "csv"
