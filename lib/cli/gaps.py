"""``gaps`` and ``fill``: what is missing from stored series, and filling it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from lib.cli.base import end_option, guarded, json_option, main, open_at, stamp, start_option, store_option
from lib.cli.downloading import outcome_as_dict, say_outcome
from lib.cli.progress import STOPPED, Bar, stoppable
from lib.cli.selecting import judged_as_dict, looked_at, one_of, series_of, series_options
from lib.errors import InputError, UnknownName
from lib.wording import count

if TYPE_CHECKING:
    from lib.series import Series
    from lib.store import Store
    from lib.sync import Hole, Holes
    from lib.sync.planning import Span

__all__ = ["calendar_option", "fill", "gaps"]

_EVER = pd.Timestamp("1700-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC")

calendar_option = click.option(
    "--calendar", "calendar_name", metavar="NAME", default="",
    help="Which candles to expect: 24/7, forex, 23/5, 24/5, learnt, or an exchange such as XNYS. "
    "[default: the series' own, else what fits it best]",
)  # fmt: skip


@main.command(short_help="List what is missing from stored series.")
@series_options
@start_option
@end_option
@calendar_option
@click.option(
    "--limit", default=20, show_default=True, help="So many of each series, the longest; 0 for all."
)
@click.option(
    "--mark", type=click.Choice(["ignored", "detected"]),
    help="Say of the gaps between --start and --end that they may stay, or take back what was said.",
)  # fmt: skip
@store_option
@json_option
@guarded
def gaps(
    symbol: str | None, source: str | None, timeframe: str | None, start: pd.Timestamp | None,
    end: pd.Timestamp | None, calendar_name: str, limit: int, mark: str | None, store_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """List what is missing from stored series: when, how many candles, the likely cause, and the state.

    States: detected; unfillable, a source was asked and has none; filled, with made-up candles; ignored, and
    no longer expected. Without a symbol it goes through every series.

    \b
      python -m lib gaps --symbol EURUSD --calendar forex
      python -m lib gaps --symbol AAPL --mark ignored --start 2001-09-11 --end 2001-09-17
    """  # noqa: D301  the mark \b keeps the examples' lines apart
    store = open_at(store_url)
    if mark:
        if not symbol or (start is None and end is None):
            raise InputError("To mark gaps, say of which --symbol, and between which --start and --end.")
        _mark(store, one_of(store, symbol, source, timeframe), start, end, mark)
    found = looked_at(
        series_of(store, symbol, source, timeframe), lambda one: _holes(store, one, start, end, calendar_name)
    )
    if as_json:
        click.echo(json.dumps({"series": [_as_dict(one, limit) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        _say(one, limit)


@main.command(short_help="Fill the gaps of a stored series.")
@series_options
@start_option
@end_option
@calendar_option
@click.option(
    "--method", type=click.Choice(["source", "forward", "linear"]), default="source", show_default=True,
    help="Fetch them; or stand still at the close before; or a line from there to the open after.",
)  # fmt: skip
@click.option("--from", "provider", metavar="NAME", help="Another source than the series' own.")
@click.option("--from-symbol", metavar="S", help="How that source writes the symbol.")
@click.option("--again", is_flag=True, help="Also ask for what the source is known not to have had.")
@click.option(
    "--undo", is_flag=True, help="Take made-up candles out again, all or those between --start and --end."
)
@store_option
@json_option
@guarded
def fill(
    symbol: str | None, source: str | None, timeframe: str | None, start: pd.Timestamp | None,
    end: pd.Timestamp | None, calendar_name: str, method: str, provider: str | None, from_symbol: str | None,
    again: bool, undo: bool, store_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Fill the gaps of a stored series: from its source, from another, or with made-up candles.

    Each candle keeps where it is from. Made-up ones are marked: they are drawn otherwise, left out of statistics,
    give way to observed ones, and go again with --undo. Ignored gaps stay as they are.

    \b
      python -m lib fill --symbol BTCUSDT --timeframe 1m
      python -m lib fill --symbol EURUSD --method linear --calendar forex
      python -m lib fill --symbol EURUSD --undo
    """  # noqa: D301  the mark \b keeps the examples' lines apart
    store = open_at(store_url)
    series = one_of(store, symbol, source, timeframe)
    if undo:
        _undo(store, series, start, end, as_json=as_json)
        return
    if method != "source" and (provider or from_symbol):
        raise InputError(f"--from goes with --method source, not with {method}.")
    found = _holes(store, series, start, end, calendar_name)
    if method == "source":
        _from_source(store, found, provider, from_symbol, again=again, as_json=as_json)
        return
    from lib import sync

    how: sync.Method = "linear" if method == "linear" else "forward"
    made = sync.fill(store, series, found.spans(), how, calendar=found.calendar, phase=found.phase)
    if as_json:
        click.echo(json.dumps({"made": made, "method": method}))
    else:
        click.echo(
            f"{series}: {count(made, 'candle')} made by {method} fill, marked as filled; fill --undo takes them out."
        )


def _from_source(
    store: Store, found: Holes, provider: str | None, symbol: str | None, *, again: bool, as_json: bool
) -> None:
    from lib import sync
    from lib.sources import registry

    try:
        source = registry.get(provider or found.series.source)
    except UnknownName as error:
        if provider:
            raise
        raise InputError(
            f"{found.series} came from no source that can be asked.",
            remedy="Name one that has these candles with --from, or make them up with --method forward or linear.",
        ) from error
    spans: list[Span] = found.spans(without=("ignored",))
    bar = Bar(sys.stderr.isatty())
    with stoppable() as stop:
        try:
            outcome = sync.refill(
                store, source, found.series, spans, symbol=symbol, progress=bar.show, stop=stop, again=again
            )
        finally:
            bar.end()
    if as_json:
        click.echo(
            json.dumps(
                {**outcome_as_dict(outcome), "gaps": len(spans), "method": "source", "from": source.name}
            )
        )
    else:
        say_outcome(found.series, outcome)
    if outcome.cancelled:
        click.echo("Stopped; what arrived is kept.", err=True)
        sys.exit(STOPPED)


def _undo(
    store: Store, series: Series, start: pd.Timestamp | None, end: pd.Timestamp | None, *, as_json: bool
) -> None:
    from lib import sync

    gone = sync.unfill(store, series, start, end)
    if as_json:
        click.echo(json.dumps({"removed": gone}))
    else:
        click.echo(f"{series}: {count(gone, 'made-up candle')} taken out.")


def _holes(
    store: Store, series: Series, start: pd.Timestamp | None, end: pd.Timestamp | None, name: str
) -> Holes:
    from lib.sync import holes

    return holes(store, series, start, end, name=name)


def _mark(
    store: Store, series: Series, start: pd.Timestamp | None, end: pd.Timestamp | None, mark: str
) -> None:
    from lib.store import GapState

    span = (_EVER[0] if start is None else start, _EVER[1] if end is None else end)
    store.set_gap_states(series, [GapState(*span, mark, by="reader")])  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ answers


def _longest(found: Holes, limit: int) -> list[Hole]:
    """The longest gaps, in order of time."""
    order = sorted(range(len(found)), key=lambda at: -int(found.gaps.counts[at]))
    return [found[at] for at in sorted(order[:limit] if limit else order)]


def _as_dict(found: Holes, limit: int) -> dict[str, Any]:
    return {
        **judged_as_dict(found.series, found.calendar, found.reason),
        "expected": found.coverage.expected,
        "present": found.coverage.present,
        "missing": found.coverage.missing,
        "ignored": found.coverage.ignored,
        "gaps_in_all": len(found),
        "gaps": [
            {
                "start": stamp(hole.gap.start), "end": stamp(hole.gap.end), "count": hole.gap.count,
                "cause": hole.gap.cause, "state": hole.state, "by": hole.by, "note": hole.note,
            }
            for hole in _longest(found, limit)
        ],
    }  # fmt: skip


def _say(found: Holes, limit: int) -> None:
    from lib.quality import share_text

    share = found.coverage.share
    told = (
        "nothing is expected"
        if share is None
        else f"{share_text(share)} of {count(found.coverage.expected, 'candle')} there"
    )
    if found.coverage.ignored:
        told += f", {found.coverage.ignored:,} ignored"
    click.echo(
        f"{found.series}: {told}; {count(len(found), 'gap')}. Calendar {found.calendar.name}: {found.reason}"
    )
    for hole in _longest(found, limit):
        by = f" by {hole.by}" if hole.by else ""
        note = f" ({hole.note})" if hole.note else ""
        click.echo(
            f"  {stamp(hole.gap.start)}  to  {stamp(hole.gap.end)}  {hole.gap.count:>9,}  {hole.gap.cause:<13}  {hole.state}{by}{note}"
        )
    if limit and len(found) > limit:
        click.echo(f"  and {len(found) - limit:,} shorter ones; --limit 0 shows all.", err=True)
