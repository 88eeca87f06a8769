"""``import``: files to the store."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from lib.cli.base import guarded, json_option, main, open_at, stamp, store_option
from lib.errors import InputError
from lib.series import Series
from lib.timeframes import parse

if TYPE_CHECKING:
    from lib.files import Choices, FileCandles

__all__ = ["import_files"]

_FILE = "file"


@main.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--symbol", required=True, help="The symbol to keep them under, e.g. EURUSD.")
@click.option("--source", default=_FILE, show_default=True, help="Who the candles are from.")
@click.option("--timeframe", metavar="TF", help="1m, 15m, 1h, 1d ... [default: told from the times]")
@click.option(
    "--tz", "zone", metavar="ZONE", help="Zone of times that tell none, e.g. America/New_York. [default: UTC]"
)
@store_option
@json_option
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
@guarded
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
    store = open_at(store_url)
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
        "first": stamp(min(table.index[0] for table in filled)),
        "last": stamp(max(table.index[-1] for table in filled)),
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
