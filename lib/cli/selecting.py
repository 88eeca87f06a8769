"""Which stored series a command is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lib.errors import CandlebookError, InputError, UnknownName
from lib.timeframes import parse

if TYPE_CHECKING:
    from lib.calendars import Calendar
    from lib.series import Series
    from lib.store import Store

__all__ = ["judged_as_dict", "looked_at", "one_of", "series_of", "series_options"]

T = TypeVar("T")


def series_options(command: Callable[..., None]) -> Callable[..., None]:
    """``--symbol --source --timeframe`` of what is stored."""
    for option in (
        click.option("--timeframe", metavar="TF", help="The timeframe it is stored in."),
        click.option("--source", metavar="NAME", help="Who the candles are from."),
        click.option("--symbol", metavar="S", help="As list shows it."),
    ):
        command = option(command)
    return command


def series_of(store: Store, symbol: str | None, source: str | None, timeframe: str | None) -> list[Series]:
    """The stored series that fit; what is None fits all. Raises ``UnknownName`` where none does."""
    frame = parse(timeframe) if timeframe else None
    wanted: list[tuple[Any, Callable[[Series], Any]]] = [
        (symbol, lambda one: one.symbol), (source, lambda one: one.source), (frame, lambda one: one.timeframe),
    ]  # fmt: skip
    found = [
        info.series for info in store.list()
        if all(value is None or get(info.series) == value for value, get in wanted)
    ]  # fmt: skip
    if not found:
        asked = " ".join(str(value) for value, _ in wanted if value is not None)
        raise UnknownName(
            f"Nothing is stored{f' of {asked}' if asked else ''}.", remedy="The command list shows what is."
        )
    return found


def looked_at(found: list[Series], look: Callable[[Series], T]) -> list[T]:
    """What ``look`` finds in each. Where there are several, one that cannot be looked at is told on stderr and
    left out, unless none can."""
    answers: list[T] = []
    for at, one in enumerate(found):
        try:
            answers.append(look(one))
        except CandlebookError as error:
            if not answers and at == len(found) - 1:
                raise
            click.echo(f"Left out: {one}: {error}", err=True)
    return answers


def judged_as_dict(series: Series, calendar: Calendar, reason: str) -> dict[str, Any]:
    """The series and what it was judged by, for an answer in JSON."""
    return {
        "source": series.source,
        "symbol": series.symbol,
        "timeframe": str(series.timeframe),
        "calendar": calendar.name,
        "reason": reason,
    }


def one_of(store: Store, symbol: str | None, source: str | None, timeframe: str | None) -> Series:
    """The one stored series that fits. Raises ``InputError`` where several do."""
    found = series_of(store, symbol, source, timeframe)
    if len(found) > 1:
        told = ", ".join(map(str, found[:5])) + (" ..." if len(found) > 5 else "")
        raise InputError(
            f"{len(found)} series fit: {told}.", remedy="Say which with --symbol, --source and --timeframe."
        )
    return found[0]
