"""Progress of syncs on a terminal, and Ctrl-C that stops them in good order."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from lib.series import Series
    from lib.sync import Progress

__all__ = ["STOPPED", "Bar", "Bars", "clock", "stoppable"]

STOPPED = 130
# Between two lines where there is no terminal; what takes less long stays quiet, as cron mails what it says.
EVERY_SECONDS = 10.0


@contextmanager
def stoppable() -> Iterator[threading.Event]:
    """The first Ctrl-C sets the event, the second ends the process as usual; SIGTERM, which cron and hosts send,
    counts as the first."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    usual: dict[signal.Signals, Any] = {
        each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)
    }

    def ask(*_: Any) -> None:
        stop.set()
        for each, handler in usual.items():
            signal.signal(each, handler)

    for each in usual:
        signal.signal(each, ask)
    try:
        yield stop
    finally:
        for each, handler in usual.items():
            signal.signal(each, handler)


@dataclass
class Bar:
    """One line on a terminal that is written over; elsewhere a line now and then, for whoever waits or reads a log."""

    on: bool
    drawn: bool = False
    told: float = field(default_factory=time.monotonic)

    def show(self, progress: Progress, name: str = "") -> None:
        """Draw how far a download is."""
        if not self.on and time.monotonic() - self.told < EVERY_SECONDS:
            return
        full = int(progress.done * 24)
        left = f", {clock(progress.eta_seconds)} left" if progress.eta_seconds is not None else ""
        rate = f", {progress.rate:,.0f} a second" if progress.rate else ""
        note = f" ({progress.note})" if progress.note else ""
        what = f"{name} " if name else ""
        text = f"[{'#' * full}{'.' * (24 - full)}] {progress.done:4.0%} {what}{progress.candles:,} candles{rate}{left}{note}"
        if not self.on:
            self.told = time.monotonic()
            click.echo(text, err=True)
            return
        # a line that wraps could not be written over
        wide = shutil.get_terminal_size((200, 24)).columns - 1
        click.echo(f"\r\x1b[K{text[:wide]}", err=True, nl=False, color=True)
        self.drawn = True

    def end(self) -> None:
        """Leave the line as it stands."""
        if self.drawn:
            click.echo("", err=True)


@dataclass
class Bars:
    """One line for several downloads at once. Called from several threads."""

    count: int
    on: bool = field(default_factory=lambda: sys.stderr.isatty())

    def __post_init__(self) -> None:
        self._bar = Bar(self.on)
        self._now: dict[Series, Progress] = {}
        self._began = time.monotonic()
        self._shown = 0.0
        self._lock = threading.Lock()

    def show(self, series: Series, progress: Progress) -> None:
        """Take how far one of them is, and draw how far all are, ten times a second at most."""
        with self._lock:
            self._now[series] = progress
            now = time.monotonic()
            if now - self._shown < 0.1:
                return
            self._shown = now
            self._bar.show(self.whole(now - self._began, progress.note), self._name())

    def whole(self, spent: float, note: str = "") -> Progress:
        """All of them as one. Each counts the same, as how long one is shows only while it runs."""
        from lib.sync import Progress

        every = [*self._now.values()]
        done = sum(one.done for one in every) / max(self.count, 1)
        candles = sum(one.candles for one in every)
        return Progress(
            done=done, candles=candles, requests=sum(one.requests for one in every), note=note,
            rate=candles / max(spent, 1e-6), eta_seconds=spent * (1 - done) / done if done else None,
        )  # fmt: skip

    def _name(self) -> str:
        over = sum(one.done >= 1 for one in self._now.values())
        return f"{over} of {self.count} series,"

    def end(self) -> None:
        """Leave the line as it stands."""
        self._bar.end()


def clock(seconds: float) -> str:
    """A length of time as ``1:05`` or ``2:01:05``."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
