"""``import``: files to the store."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NoReturn

import click
import pandas as pd

from lib.cli.base import guarded, json_option, main, open_at, stamp, store_option
from lib.cli.gathering import Meter, located
from lib.cli.progress import STOPPED
from lib.errors import InputError
from lib.series import Series
from lib.timeframes import parse
from lib.wording import count

if TYPE_CHECKING:
    from pathlib import Path

    from lib.files import Choices
    from lib.gathering import Checked, Group, Room
    from lib.store import Store

__all__ = ["import_files"]

_FILE = "file"
_LISTED = 10


@main.command("import", short_help="Read files of candles or ticks into the store.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--symbol", metavar="S", help="The symbol to keep them under, e.g. EURUSD. Not needed with --many."
)
@click.option("--source", metavar="NAME", default=_FILE, show_default=True, help="Who the candles are from.")
@click.option(
    "--timeframe", metavar="TF", help="1m, 15m, 1h, 1d ... [default: told from the times; 1m of ticks]"
)
@click.option(
    "--tz", "zone", metavar="ZONE", help="Zone of times that tell none, e.g. America/New_York. [default: UTC]"
)
@click.option("--many", is_flag=True, help="Each file is a series of its own, its symbol told from its name.")
@click.option("--endpoint", metavar="URL", help="S3 service of s3:// files. [default: AWS_ENDPOINT_URL]")
@click.option("--anonymous", is_flag=True, help="Open s3:// files without credentials: public buckets.")
@store_option
@json_option
@click.option("--delimiter", metavar="CHAR", help="One character, 'tab' or 'whitespace'.")
@click.option("--encoding", metavar="NAME", help="utf-8, utf-16, cp1252 ...")
@click.option("--header", type=int, metavar="LINE", help="Line of the header; 0 for none.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=NAME",
    help="Which column is the time, date, clock, open, high, low, close or volume, or the price, bid or ask of "
    "ticks: close='Adj Close' or close=#6; volume= leaves it out. Repeat it.",
)
@click.option("--time-format", metavar="FORMAT", help="text, or epoch s, epoch ms, epoch us, epoch ns.")
@click.option("--day-first/--month-first", default=None, help="How to read 01/02/2024.")
@click.option("--date", metavar="DAY", help="The day of rows that tell only a time of day: 2024-01-31.")
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal mark.")
@click.option("--scale", type=float, metavar="N", help="Divide every price by this.")
@click.option(
    "--prices", metavar="SET", help="Which set of prices, where a file has several: raw, adjusted ..."
)
@click.option("--content", type=click.Choice(["candles", "ticks"]), help="What the rows are. [default: told]")
@click.option(
    "--side", type=click.Choice(["mid", "bid", "ask"]),
    help="The price taken of quotes [default: mid], or of candles of both sides [default: bid].",
)  # fmt: skip
@click.option(
    "--stamp", type=click.Choice(["open", "close"]), help="Which end of its candle a time is. [default: told]"
)
@click.option(
    "--off-grid", type=click.Choice(["refuse", "floor"]),
    help="Candles that open between two steps: floor takes each as that of the bucket that holds its time. [default: "
    "refuse, but for a few that follow a rule]",
)  # fmt: skip
@click.option(
    "--days", type=click.Choice(["moments", "dates"]),
    help="Daily candles that open at a midnight or a session of their market, as in 2024-05-03T00:00+01:00: at that "
    "moment, or at 00:00 UTC of its date. [default: moments]",
)  # fmt: skip
@click.option(
    "--pick-symbol",
    metavar="S",
    help="One of several symbols in a column, or * for all. [default: --symbol, if it is one]",
)
@click.option("--member", metavar="NAME", help="One table of an archive or a workbook that holds several.")
@click.option(
    "--conflicts",
    type=click.Choice(["refuse", "first", "last"]),
    help="Rows of one time with other figures, in one file or in several. [default: refuse]",
)
@click.option(
    "--bad-rows", type=click.Choice(["refuse", "drop"]), help="Rows that break a rule. [default: refuse]"
)
@guarded
def import_files(
    files: tuple[str, ...], symbol: str | None, source: str, many: bool, store_url: str | None, as_json: bool,
    endpoint: str | None, anonymous: bool, **given: Any,
) -> None:  # fmt: skip
    """Read files of candles or ticks into the store, as one series, or with --many as one each.

    A FILE is a path, a pattern such as 'data/*.csv', or an address: s3://bucket/key*, https://host/file.csv.
    How it is written is told from its content; the options below say otherwise. Large files go through in
    parts, in little memory.

    Every file is read and checked before anything is stored; what cannot be read is refused with its line
    and the reason. Ends with 0 where all is stored, with 2 where something is refused and nothing stored,
    with 3 where the store fails.

    \b
      python -m lib import EURUSD_M1.csv --symbol EURUSD --tz America/New_York
      python -m lib import ticks.csv.gz --symbol EURUSD --timeframe 5m --side bid
      python -m lib import 'daily/*.csv' --many --source vendor
    """  # noqa: D301  the mark \b keeps the examples' lines apart
    from lib.gathering import Room

    choices = _choices(given | {"symbol": None if many else symbol})
    with ExitStack() as stack:
        found = located(files, stack, endpoint=endpoint, anonymous=anonymous)
        room = stack.enter_context(Room(spill=len(found) > 1))
        made = [_check(name, path, choices, room, stack) for name, path in found]
        groups = _groups(made, choices, symbol, source, many)
        if not any(each.has_closed for each in made):
            raise InputError(f"{made[0].name} holds no closed candles: {_nothing(made[0])}")
        store = open_at(store_url)
        try:
            for group in groups:
                _store(group, store)
        except KeyboardInterrupt:
            _stopped(sum(group.stored for group in groups))
    answer = _answer(groups)
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        _say_import(groups, answer)


def _check(name: str, path: Path, choices: Choices, room: Room, stack: ExitStack) -> Checked:
    meter = Meter(name, path.stat().st_size / 10**6 if path.exists() else 0.0)
    try:
        made = room.check(name, path, choices, progress=meter)
    except KeyboardInterrupt:
        meter.end()
        _stopped(0)
    finally:
        meter.end()
    stack.callback(made.close)
    return made


def _stopped(stored: int) -> NoReturn:
    """Ctrl-C: say what is there, and end."""
    left = (
        f"{stored:,} candles are stored, each whole; the same command stores the rest"
        if stored
        else "nothing is stored"
    )
    click.echo(f"Stopped: {left}.", err=True)
    sys.exit(STOPPED)


def _store(group: Group, store: Store) -> None:
    meters: dict[Checked, Meter] = {}
    try:
        group.store(store, lambda each, done: meters.setdefault(each, _storing(each))(done, "storing"))
    finally:
        for meter in meters.values():
            meter.end()


def _storing(file: Checked) -> Meter:
    return Meter(file.name, file.report.rows_out, "candles")


def _groups(
    made: list[Checked], choices: Choices, symbol: str | None, source: str, many: bool
) -> list[Group]:
    from lib.files import suggest_symbol
    from lib.gathering import Group, grouped, join

    if not many:
        if not symbol:
            raise click.UsageError(
                "Missing option '--symbol'; or say --many to tell each symbol from its file."
            )
        return [Group(Series(source, symbol, made[0].timeframe), join(made, choices.conflicts))]
    told: dict[Checked, str] = {}
    for each in made:
        told[each] = suggest_symbol(each.name) or symbol or ""
        if not told[each]:
            raise InputError(
                f"The name {each.name} tells no symbol.",
                remedy="Import it alone, with --symbol.",
                file=each.name,
            )
    return grouped(made, told, source, choices.conflicts)


def _nothing(result: Checked) -> str:
    return "the only ones are not over yet." if result.report.rows_out else result.report.sentence()


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


# ----------------------------------------------------------------------------------------------- answer


@dataclass(frozen=True, slots=True)
class _Span:
    first: pd.Timestamp | None
    last: pd.Timestamp | None


def _span(groups: list[Group]) -> _Span:
    firsts = [group.first for group in groups if group.first is not None]
    lasts = [group.last for group in groups if group.last is not None]
    return _Span(min(firsts, default=None), max(lasts, default=None))


def _answer(groups: list[Group]) -> dict[str, Any]:
    files = [each for group in groups for each in group.files]
    span = _span(groups)
    answer = {
        "rows_read": sum(each.rows_read for each in files),
        "rows_stored": sum(group.stored for group in groups),
        "added": sum(group.done.added for group in groups),
        "changed": sum(group.done.changed for group in groups),
        "first": stamp(span.first) if span.first is not None else None,
        "last": stamp(span.last) if span.last is not None else None,
        "timeframe": str(files[0].timeframe),
        "duplicates": sum(each.report.duplicates for each in files),
        "rejected": [
            {"line": found.line, "reason": found.message, **({"file": each.name} if len(files) > 1 else {})}
            for each in files
            for found in each.report.findings
        ],
        "forming": sum(group.forming for group in groups),
        "ticks": sum(each.ticks for each in files),
        "inferred": files[0].reading.as_dict(),
        "warnings": [note for each in files for note in each.reading.warnings],
    }
    if len(groups) > 1:
        answer["series"] = [_of_group(group) for group in groups]
    return answer


def _of_group(group: Group) -> dict[str, Any]:
    return {
        "source": group.series.source,
        "symbol": group.series.symbol,
        "timeframe": str(group.series.timeframe),
        "files": [each.name for each in group.files],
        "rows_stored": group.stored,
    }


def _say_import(groups: list[Group], answer: dict[str, Any]) -> None:
    for group in groups:
        if group.first is None or group.last is None:
            click.echo(f"{group.series}: no candle is over yet; nothing is stored.")
            continue
        click.echo(
            f"{group.stored:,} candles stored as {group.series}, {stamp(group.first)} to {stamp(group.last)}."
        )
        _say_done(group)
    if answer["ticks"]:
        click.echo(f"Note: they were made of {answer['ticks']:,} ticks.", err=True)
    for note in answer["warnings"]:
        click.echo(f"Note: {note}", err=True)
    files = [each for group in groups for each in group.files]
    unzoned = sum(each.zone_assumed for each in files)
    if unzoned:
        said = (
            "the file does not tell the zone of its times"
            if len(files) == 1
            else f"of the {len(files)} files, {unzoned} {'do' if unzoned > 1 else 'does'} not tell the zone of the times"
        )
        click.echo(f"Note: {said}; UTC was taken. Another: --tz ZONE.", err=True)
    if answer["duplicates"]:
        click.echo(f"Note: {answer['duplicates']:,} rows were the same as another, and count once.", err=True)
    if answer["forming"]:
        click.echo(f"Note: {answer['forming']:,} candles are not over yet, and were left out.", err=True)
    for found in answer["rejected"][:_LISTED]:
        click.echo(f"Left out, line {found['line']}: {found['reason']}", err=True)
    more = sum(each.report.refused for each in files) - _LISTED
    if more > 0:
        click.echo(f"Left out: {more:,} more.", err=True)


def _say_done(group: Group) -> None:
    """What was there before; nothing for a series that is new."""
    done = group.done
    if done.changed:
        click.echo(
            f"Note: {count(done.changed, 'candle')} of {group.series} had other figures before; those of the "
            f"{'file' if len(group.files) == 1 else 'files'} stand now.",
            err=True,
        )
    if done.unchanged:
        click.echo(
            f"Note: {count(done.unchanged, 'candle')} were there already, with the same figures.", err=True
        )
