"""Files for ``import``: found, and fetched where they lie elsewhere; and the bar that tells how far it is."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click

from lib.cli.progress import clock

__all__ = ["Meter", "located"]

_WILD = frozenset("*?[")
# What is fetched from elsewhere may be as large as what is read from here.
_MOST_FETCHED = 64 * 2**30


class Meter:
    """A bar on a terminal, written over; nothing elsewhere. ``whole`` is how much there is in all, in ``unit``: with
    it the bar tells how much goes through in a second."""

    def __init__(self, name: str, whole: float = 0.0, unit: str = "MB") -> None:
        self.whole, self.unit = whole, unit
        self.name, self.on, self.drawn, self.shown = name, sys.stderr.isatty(), False, 0.0
        self._began, self._done = time.monotonic(), 0.0

    def __call__(self, done: float, what: str) -> None:
        now = time.monotonic()
        if not self.on or (done < 1 and now - self.shown < 0.1):
            return
        if done < self._done:  # unpacked: what follows begins at nothing
            self._began = now
        self._done = done
        spent, full = now - self._began, int(done * 24)
        told = ""
        if done > 0.01 and spent > 1:
            rate = f", {self.whole * done / spent:,.0f} {self.unit} a second" if self.whole else ""
            told = f"{rate}, {clock(spent * (1 - done) / done)} left"
        click.echo(
            f"\r\x1b[K[{'#' * full}{'.' * (24 - full)}] {done:4.0%} {what} {self.name}{told}", err=True, nl=False,
            color=True,
        )  # fmt: skip
        self.shown, self.drawn = now, True

    def end(self) -> None:
        if self.drawn:
            click.echo("\r\x1b[K", err=True, nl=False, color=True)
            self.drawn = False


def _fetching(meter: Meter) -> Callable[[int, int | None], None]:
    return lambda done, whole: meter(done / whole if whole else 0.0, "fetching")


def located(
    files: tuple[str, ...], stack: ExitStack, *, endpoint: str | None = None, anonymous: bool = False
) -> list[tuple[str, Path]]:
    """Names and paths of what was asked for: files as they are, wildcards and addresses (``s3://``, ``https://``)
    looked up and fetched into a folder that lasts as long as ``stack``. Raises ``InputError``."""
    found: list[tuple[str, Path]] = []
    for each in files:
        remote = "://" in each
        if not remote and (Path(each).exists() or not _WILD & set(each)):
            found.append((Path(each).name, Path(each)))
            continue
        from lib.remote.addresses import Access, fetch, find

        into = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="candlebook-"))) if remote else Path()
        )
        access = Access(endpoint=endpoint, anonymous=anonymous)
        for item in find(each, access):
            meter = Meter(item.name, (item.size or 0) / 10**6)
            found.append(
                (item.name, fetch(item, access, into, limit=_MOST_FETCHED, progress=_fetching(meter)))
            )
            meter.end()
    return found
