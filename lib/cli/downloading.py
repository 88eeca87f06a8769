"""``download``: a source to the store, with a bar on a terminal."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from lib.cli.base import end_option, guarded, json_option, main, open_at, stamp, start_option, store_option
from lib.series import Series
from lib.timeframes import parse

if TYPE_CHECKING:
    from lib.sync import Outcome, Progress

__all__ = ["Bar", "download"]

_STOPPED = 130


@main.command()
@click.option("--source", required=True, help="binance, demo ...")
@click.option("--symbol", required=True, help="In the source's spelling, e.g. BTCUSDT.")
@click.option("--timeframe", required=True, metavar="TF")
@start_option
@end_option
@store_option
@json_option
@guarded
def download(
    source: str, symbol: str, timeframe: str, start: pd.Timestamp | None, end: pd.Timestamp | None,
    store_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Fetch closed candles from a source; what is stored already is not asked for again.

    Ctrl-C stops it: what arrived is kept, and the same command goes on from there.
    """
    from lib import sync
    from lib.sources import registry

    store = open_at(store_url)
    frame = parse(timeframe)
    bar = Bar(sys.stderr.isatty())
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
        span = f", {stamp(outcome.first)} to {stamp(outcome.last)}" if outcome.first and outcome.last else ""
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
        "first": stamp(outcome.first) if outcome.first is not None else None,
        "last": stamp(outcome.last) if outcome.last is not None else None,
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
class Bar:
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
