"""The command line: ``python -m lib import | list | export | delete | download``.

What a command answers goes to stdout, what it says beside goes to stderr. Exit codes: 0 done, 2 the
input was refused (nothing is stored), 3 the store failed, 4 try again later, 5 the source is wrong,
1 a bug of ours, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import functools
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from lib.errors import CandlebookError, InputError, UnknownName
from lib.series import Series
from lib.timeframes import Timeframe, parse

if TYPE_CHECKING:
    from lib.files import Choices, FileCandles
    from lib.store import SeriesInfo, Store
    from lib.sync import Outcome, Progress

__all__ = ["main"]

_log = logging.getLogger(__name__)
_FILE = "file"
_STOPPED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show the log, and the trace of an unexpected error.")
def main(debug: bool) -> None:
    """Keep market candles: read them from files, fetch them, list and export them."""
    if debug:
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, force=True)


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Errors as one sentence on stderr and an exit code; never a trace, but under --debug."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CandlebookError as error:
            _log.debug("refused", exc_info=True)
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001  the last place before the terminal
            if _log.isEnabledFor(logging.DEBUG):
                _log.exception("unexpected")
            click.echo(
                f"Error: something unexpected happened ({type(error).__name__}); run it with --debug to see what.",
                err=True,
            )
            sys.exit(1)

    return run


class _Time(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> pd.Timestamp:
        try:
            time = pd.Timestamp(value)
        except (ValueError, TypeError):
            self.fail(f"{value!r} is no time; write 2024-01-31 or 2024-01-31T16:00Z.", param, ctx)
        if not isinstance(time, pd.Timestamp):
            self.fail(f"{value!r} is no time.", param, ctx)
        return time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")


_store_option = click.option(
    "--store",
    "store_url",
    metavar="URL",
    help="Where candles are kept; a folder or s3://bucket/prefix. [default: CANDLEBOOK_STORE, else data/store]",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Answer with JSON on stdout.")
_start_option = click.option("--start", type=_Time(), help="First open, UTC unless it says otherwise.")
_end_option = click.option("--end", type=_Time(), help="Candles that open before this.")


def _open(url: str | None) -> Store:
    from lib.store import open_store

    return open_store(url)


# ----------------------------------------------------------------------------------------------- import


@main.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--symbol", required=True, help="The symbol to keep them under, e.g. EURUSD.")
@click.option("--source", default=_FILE, show_default=True, help="Who the candles are from.")
@click.option("--timeframe", metavar="TF", help="1m, 15m, 1h, 1d ... [default: told from the times]")
@click.option(
    "--tz", "zone", metavar="ZONE", help="Zone of times that tell none, e.g. America/New_York. [default: UTC]"
)
@_store_option
@_json_option
@click.option("--delimiter", help="One character, 'tab' or 'whitespace'.")
@click.option("--encoding", help="utf-8, utf-16, cp1252 ...")
@click.option("--header", type=int, metavar="LINE", help="Line of the header; 0 for none.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=NAME",
    help="Which column is the time, date, clock, open, high, low, close or volume: close='Adj Close' or close=#6. Repeat it.",
)
@click.option("--time-format", metavar="FORMAT", help="text, or epoch s, epoch ms, epoch us, epoch ns.")
@click.option("--day-first/--month-first", default=None, help="How to read 01/02/2024.")
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal mark.")
@click.option("--scale", type=float, help="Divide every price by this.")
@click.option(
    "--conflicts",
    type=click.Choice(["refuse", "first", "last"]),
    help="Rows of one time with other figures. [default: refuse]",
)
@click.option(
    "--bad-rows", type=click.Choice(["refuse", "drop"]), help="Rows that break a rule. [default: refuse]"
)
@_guarded
def import_files(
    files: tuple[Path, ...], symbol: str, source: str, store_url: str | None, as_json: bool, **given: Any
) -> None:
    """Read files of candles into the store, as one series.

    Every file is read and checked before anything is stored; what cannot be read is refused with its
    line and the reason.
    """
    from lib.files import closed_only, read

    choices = _choices(given)
    made = [read(path.name, path, choices) for path in files]
    frames = {result.timeframe for result in made}
    if len(frames) > 1:
        told = ", ".join(f"{path.name} {result.timeframe}" for path, result in zip(files, made, strict=True))
        raise InputError(f"The files have several timeframes: {told}.", remedy="Import them one by one.")
    series = Series(source, symbol, made[0].timeframe)
    tables = [closed_only(result.table, result.timeframe) for result in made]
    if not any(len(table) for table in tables):
        raise InputError(f"{files[0].name} holds no closed candles: {_nothing(made[0])}")
    store = _open(store_url)
    for path, table in zip(files, tables, strict=True):
        if len(table):
            store.write(series, table, origin=path.name)
    answer = _answer(files, made, tables)
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        _say_import(series, answer, made)


def _nothing(result: FileCandles) -> str:
    if result.report.rows_out:
        return "the only ones are not over yet."
    return result.report.sentence()


def _choices(given: dict[str, Any]) -> Choices:
    from lib.files import Choices

    columns = {}
    for pair in given.pop("columns"):
        role, sign, name = pair.partition("=")
        if not sign:
            raise InputError(f"--column {pair!r} is not written ROLE=NAME, as in close='Adj Close'.")
        columns[role.strip()] = name
    if given["timeframe"]:
        given["timeframe"] = parse(given["timeframe"])
    given["delimiter"] = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}.get(
        given["delimiter"], given["delimiter"]
    )
    names = {each.name for each in fields(Choices)}
    return Choices(columns=columns, **{key: value for key, value in given.items() if key in names})


def _answer(files: tuple[Path, ...], made: list[FileCandles], tables: list[pd.DataFrame]) -> dict[str, Any]:
    filled = [table for table in tables if len(table)]
    several = len(files) > 1
    return {
        "rows_read": sum(result.report.rows_in for result in made),
        "rows_stored": sum(len(table) for table in tables),
        "first": _stamp(min(table.index[0] for table in filled)),
        "last": _stamp(max(table.index[-1] for table in filled)),
        "timeframe": str(made[0].timeframe),
        "duplicates": sum(result.report.duplicates for result in made),
        "rejected": [
            {"line": found.line, "reason": found.message, **({"file": path.name} if several else {})}
            for path, result in zip(files, made, strict=True)
            for found in result.report.findings
        ],
        "forming": sum(len(result.table) - len(table) for result, table in zip(made, tables, strict=True)),
        "inferred": made[0].reading.as_dict(),
        "warnings": [note for result in made for note in result.reading.warnings],
    }


def _stamp(time: pd.Timestamp) -> str:
    return str(time.isoformat()).replace("+00:00", "Z")


def _say_import(series: Series, answer: dict[str, Any], made: list[FileCandles]) -> None:
    click.echo(
        f"{answer['rows_stored']:,} candles stored as {series}, {answer['first']} to {answer['last']}."
    )
    for note in answer["warnings"]:
        click.echo(f"Note: {note}", err=True)
    zone = next((each for each in made[0].reading.inferred if each.key == "zone"), None)
    if zone and "assumed" in zone.why:
        click.echo(
            "Note: the file does not tell the zone of its times; UTC was taken. Another: --tz ZONE.", err=True
        )
    if answer["duplicates"]:
        click.echo(f"Note: {answer['duplicates']:,} rows were the same as another, and count once.", err=True)
    if answer["forming"]:
        click.echo(f"Note: {answer['forming']:,} candles are not over yet, and were left out.", err=True)
    for found in answer["rejected"][:10]:
        click.echo(f"Left out, line {found['line']}: {found['reason']}", err=True)
    more = sum(result.report.refused for result in made) - 10
    if more > 0:
        click.echo(f"Left out: {more:,} more.", err=True)


# ------------------------------------------------------------------------------------------ list, delete


@main.command("list")
@_store_option
@_json_option
@_guarded
def list_series(store_url: str | None, as_json: bool) -> None:
    """Show what is stored: a line per series."""
    infos = _open(store_url).list()
    if as_json:
        click.echo(json.dumps([_row(info) for info in infos], ensure_ascii=False))
        return
    if not infos:
        click.echo("Nothing is stored yet.", err=True)
        return
    rows: list[tuple[str, ...]] = [("source", "symbol", "timeframe", "first", "last", "candles")]
    rows += [tuple(str(_row(info)[key]) for key in rows[0]) for info in infos]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(info: SeriesInfo) -> dict[str, Any]:
    return {
        "source": info.series.source,
        "symbol": info.series.symbol,
        "timeframe": str(info.series.timeframe),
        "first": _stamp(info.first),
        "last": _stamp(info.last),
        "candles": info.count,
        "filled": info.filled,
        "size_bytes": info.size_bytes,
        "synthetic": info.synthetic,
    }


@main.command()
@click.option("--symbol", required=True)
@click.option("--source", help="Needed where several sources have the symbol.")
@click.option("--timeframe", required=True, metavar="TF", help="The timeframe it is stored in.")
@_store_option
@_guarded
def delete(symbol: str, source: str | None, timeframe: str, store_url: str | None) -> None:
    """Remove a series with all its candles. On a terminal it asks first."""
    store = _open(store_url)
    frame = parse(timeframe)
    series = _choose(
        [info for info in _of(store, symbol, source) if info.series.timeframe == frame], symbol, frame
    )
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


# ----------------------------------------------------------------------------------------------- export


@main.command()
@click.option("--symbol", required=True)
@click.option("--source", help="Needed where several sources have the symbol.")
@click.option("--timeframe", required=True, metavar="TF", help="The stored one, or a coarser one made of it.")
@_start_option
@_end_option
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["csv", "json", "parquet"]),
    help="[default: by the file's name, else csv]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; else stdout.")
@_store_option
@_guarded
def export(
    symbol: str, source: str | None, timeframe: str, start: pd.Timestamp | None, end: pd.Timestamp | None,
    fmt: str | None, output: Path | None, store_url: str | None,
) -> None:  # fmt: skip
    """Write candles as CSV, JSON or Parquet; times are ISO 8601, UTC."""
    from lib.export import FORMATS, to_bytes

    store = _open(store_url)
    frame = parse(timeframe)
    series = _choose([info for info in _of(store, symbol, source) if frame in (info.series.timeframe, *info.timeframes)
                      or info.series.timeframe.divides(frame)], symbol, frame)  # fmt: skip
    ending = output.suffix.lstrip(".").lower() if output else ""
    data = to_bytes(
        store.read(series, timeframe=frame, start=start, end=end),
        fmt or (ending if ending in FORMATS else "csv"),
    )
    if output is None:
        sys.stdout.buffer.write(data)
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror}.") from error
    click.echo(f"{output}: {len(data):,} bytes.", err=True)


# --------------------------------------------------------------------------------------------- download


@main.command()
@click.option("--source", required=True, help="binance, demo ...")
@click.option("--symbol", required=True, help="In the source's spelling, e.g. BTCUSDT.")
@click.option("--timeframe", required=True, metavar="TF")
@_start_option
@_end_option
@_store_option
@_json_option
@_guarded
def download(
    source: str, symbol: str, timeframe: str, start: pd.Timestamp | None, end: pd.Timestamp | None,
    store_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Fetch closed candles from a source; what is stored already is not asked for again.

    Ctrl-C stops it: what arrived is kept, and the same command goes on from there.
    """
    from lib import sync
    from lib.sources import registry

    store = _open(store_url)
    frame = parse(timeframe)
    bar = _Bar(sys.stderr.isatty())
    with _stoppable() as stop:
        try:
            outcome = sync.download(
                store, registry.get(source), symbol, frame, start, end, progress=bar.show, stop=stop
            )
        finally:
            bar.end()
    if as_json:
        click.echo(json.dumps(_outcome(outcome)))
    else:
        series = Series(source, symbol, frame)
        span = (
            f", {_stamp(outcome.first)} to {_stamp(outcome.last)}" if outcome.first and outcome.last else ""
        )
        click.echo(
            f"{series}: {outcome.added:,} new candles, {outcome.changed:,} changed, {outcome.requests:,} requests{span}."
        )
    if outcome.cancelled:
        click.echo("Stopped; what arrived is kept. The same command goes on from there.", err=True)
        sys.exit(_STOPPED)


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "added": outcome.added,
        "changed": outcome.changed,
        "requests": outcome.requests,
        "first": _stamp(outcome.first) if outcome.first is not None else None,
        "last": _stamp(outcome.last) if outcome.last is not None else None,
        "cancelled": outcome.cancelled,
    }


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """The first Ctrl-C sets the event, the second ends the process as usual."""
    stop = threading.Event()
    usual: Any = signal.getsignal(signal.SIGINT)

    def ask(*_: Any) -> None:
        stop.set()
        signal.signal(signal.SIGINT, usual)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, usual)


@dataclass
class _Bar:
    """One line on a terminal that is written over; nothing elsewhere."""

    on: bool
    drawn: bool = False

    def show(self, progress: Progress) -> None:
        if not self.on:
            return
        full = int(progress.done * 24)
        left = f", {_clock(progress.eta_seconds)} left" if progress.eta_seconds is not None else ""
        rate = f", {progress.rate:,.0f} a second" if progress.rate else ""
        note = f" ({progress.note})" if progress.note else ""
        text = f"[{'#' * full}{'.' * (24 - full)}] {progress.done:4.0%} {progress.candles:,} candles{rate}{left}{note}"
        click.echo(f"\r\x1b[K{text}", err=True, nl=False, color=True)
        self.drawn = True

    def end(self) -> None:
        if self.drawn:
            click.echo("", err=True)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
