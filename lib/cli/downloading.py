"""``download`` and ``sync``: sources to the store, with a bar on a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from lib.cli.base import end_option, guarded, json_option, main, open_at, stamp, start_option, store_option
from lib.cli.progress import STOPPED, Bar, Bars, stoppable
from lib.errors import CandlebookError, InputError
from lib.series import Series
from lib.timeframes import parse

if TYPE_CHECKING:
    from lib.sync import Outcome, Synced

__all__ = ["download", "outcome_as_dict", "say_outcome", "sync"]

# What the exit code is told by where several series fail: the first of these that did.
_GRAVEST = (3, 1, 5, 2, 4)
_REASONS = 5

again_option = click.option(
    "--again", is_flag=True, help="Also ask for what the source is known not to have had."
)


@main.command(short_help="Fetch closed candles from a source.")
@click.option("--source", required=True, metavar="NAME", help="binance, demo ...")
@click.option("--symbol", required=True, metavar="S", help="In the source's spelling, e.g. BTCUSDT.")
@click.option("--timeframe", required=True, metavar="TF", help="1m, 15m, 1h, 1d ...")
@start_option
@end_option
@again_option
@store_option
@json_option
@guarded
def download(
    source: str, symbol: str, timeframe: str, start: pd.Timestamp | None, end: pd.Timestamp | None,
    again: bool, store_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Fetch closed candles from a source; what is stored already is not asked for again.

    Without --start from the first candle there is, without --end up to now. Ctrl-C stops it: what arrived is
    kept, and the same command goes on from there. Rows that break a rule are left out and counted.

    Ends with 0 when done, 2 where a name or a time is wrong, 3 where the store fails, 4 where it may work
    later, 5 where the source will not serve, 130 when stopped.

    \b
      python -m lib download --source binance --symbol BTCUSDT --timeframe 1h --start 2024-01-01
    """  # noqa: D301  the mark \b keeps the example's line apart
    from lib import sync
    from lib.sources import registry

    store = open_at(store_url)
    frame = parse(timeframe)
    bar = Bar(sys.stderr.isatty())
    with stoppable() as stop:
        try:
            outcome = sync.download(
                store,
                registry.get(source),
                symbol,
                frame,
                start,
                end,
                progress=bar.show,
                stop=stop,
                again=again,
            )
        finally:
            bar.end()
    if as_json:
        click.echo(json.dumps(outcome_as_dict(outcome)))
    else:
        say_outcome(Series(source, symbol, frame), outcome)
    if outcome.cancelled:
        click.echo("Stopped; what arrived is kept. The same command goes on from there.", err=True)
        sys.exit(STOPPED)


@main.command(short_help="Bring the series listed in candlebook.toml up to date.")
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="The list of series. [default: candlebook.toml in the working folder]",
)  # fmt: skip
@again_option
@store_option
@json_option
@guarded
def sync(config: Path | None, again: bool, store_url: str | None, as_json: bool) -> None:
    """Bring every series listed in candlebook.toml up to date, several at once; for cron and the like.

    \b
      [[series]]
      source = "binance"
      symbols = ["BTCUSDT", "ETHUSDT"]
      timeframes = ["1m", "1d"]
      start = 2020-01-01          # left out: from the first candle there is
      calendar = "24/7"           # which candles to expect; may be left out

    Every symbol in every timeframe is a series. One that fails leaves the others going; then it ends with the
    code of the gravest failure: 3 the store, 5 a source, 2 a name, 4 try again later. 130 when stopped by
    Ctrl-C: the next run goes on from there.
    """  # noqa: D301  the mark \b keeps the lines apart
    from lib.sync import sync_all
    from lib.sync.config import NAME, find, load

    path = config or find()
    if path is None:
        raise InputError(
            f"There is no {NAME} in {Path.cwd()}.",
            remedy="Name one with --config; --help shows what it holds.",
        )
    plan = load(path)
    store = open_at(store_url)
    bars = Bars(len(plan.series))
    with stoppable() as stop:
        try:
            done = sync_all(store, plan.series, progress=bars.show, stop=stop, again=again)
        finally:
            bars.end()
    if as_json:
        click.echo(
            json.dumps({"config": str(path), "series": [_synced(one) for one in done]}, ensure_ascii=False)
        )
    else:
        for one in done:
            _say_synced(one)
    if stop.is_set():
        click.echo("Stopped; what arrived is kept. The same command goes on from there.", err=True)
        sys.exit(STOPPED)
    failed = {one.error.exit_code for one in done if one.error is not None}
    if failed:
        sys.exit(next((code for code in _GRAVEST if code in failed), 1))


def _synced(one: Synced) -> dict[str, Any]:
    name = {
        "source": one.series.source, "symbol": one.series.symbol, "timeframe": str(one.series.timeframe),
    }  # fmt: skip
    if one.outcome is not None:
        return {**name, **outcome_as_dict(one.outcome)}
    return {**name, "error": str(one.error), "exit_code": _code(one.error)}


def _code(error: CandlebookError | None) -> int:
    return 1 if error is None else error.exit_code


def _say_synced(one: Synced) -> None:
    if one.outcome is not None:
        say_outcome(one.series, one.outcome)
    else:
        click.echo(f"Error: {one.series}: {one.error}", err=True)


def say_outcome(series: Series, outcome: Outcome) -> None:
    """A line on stdout, and on stderr what was left out."""
    span = f", {stamp(outcome.first)} to {stamp(outcome.last)}" if outcome.first and outcome.last else ""
    click.echo(
        f"{series}: {outcome.added:,} new candles, {outcome.changed:,} changed, {outcome.requests:,} requests{span}."
    )
    if outcome.note:
        click.echo(f"Note: {outcome.note}", err=True)
    if outcome.recovered:
        click.echo(f"Note: {outcome.recovered:,} candles of an interrupted download were kept.", err=True)
    for reason in outcome.reasons[:_REASONS]:
        click.echo(f"Left out: {reason}", err=True)
    if outcome.refused > _REASONS:
        click.echo(f"Left out: {outcome.refused - len(outcome.reasons[:_REASONS]):,} rows more.", err=True)


def outcome_as_dict(outcome: Outcome) -> dict[str, Any]:
    """For JSON."""
    return {
        "added": outcome.added,
        "changed": outcome.changed,
        "requests": outcome.requests,
        "first": stamp(outcome.first) if outcome.first is not None else None,
        "last": stamp(outcome.last) if outcome.last is not None else None,
        "cancelled": outcome.cancelled,
        "refused": outcome.refused,
        "reasons": [*outcome.reasons],
        "recovered": outcome.recovered,
        "note": outcome.note,
    }
