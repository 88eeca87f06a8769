"""One live feed in its thread: connects, seeds, listens, closes candles, notices what it missed."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from lib import candles
from lib.errors import CandlebookError, SourceDown
from lib.live.candle_builder import LIMIT, CandleBuilder, Update
from lib.live.feeds import Backoff, Connection, Feed, next_delay, retry_or_fatal
from lib.live.recorder import EVERY, Recorder, Writable
from lib.live.snapshot import Lazy, Snapshot, Status
from lib.series import Series

__all__ = ["Timing", "Watch"]

_log = logging.getLogger(__name__)

SEEDED = 500
_FROM_STORE = 4_500
_POLL = 0.25
_FILL_TRIES = 3


@dataclass(frozen=True, slots=True)
class Timing:
    """All the patience of a watch, in seconds. A feed's own ``stale_after`` is multiplied by ``stale``;
    after ``drop`` times that silence the connection is given up."""

    reach: float = 5.0
    idle: float = 60.0
    stale: float = 1.0
    drop: float = 3.0
    refill: float = 15.0
    record: float = EVERY
    backoff: Backoff = field(default_factory=Backoff)


class Watch:
    """A feed being watched. Made by :mod:`lib.live.hub`; :meth:`snapshot` is for everybody."""

    def __init__(
        self, feed: Feed, series: Series, store: Writable | None = None, timing: Timing | None = None
    ) -> None:
        self.series = series
        self._feed, self._timing = feed, timing or Timing()
        self._builder = CandleBuilder(series.timeframe, limit=LIMIT)
        self._recorder: Recorder | None = None
        self.record_to(store)
        self._lock = threading.RLock()
        self._stopping, self._wake = threading.Event(), threading.Event()
        self._mail: queue.SimpleQueue[tuple[int, int, pd.DataFrame | None]] = queue.SimpleQueue()
        self._filling, self._fill_after, self._answers = False, 0.0, 0
        self._seeded = False
        self._upto_us = 0
        self._read_at = self._lost_at = time.monotonic()
        self._heard_at = 0.0  # when the present connection last spoke; 0 = not yet
        self._status: Status = "connecting"
        self._reason = f"Connecting to {feed.source.title}."
        self._connected_at: pd.Timestamp | None = None
        self._last_message_at: pd.Timestamp | None = None
        self._next_try_at: pd.Timestamp | None = None
        self._version = 0
        self._snapshot = self._make()
        self._thread = threading.Thread(target=self._run, name=f"live {series}", daemon=True)

    # -- for readers

    def snapshot(self) -> Snapshot:
        """The feed now. Costs a microsecond; the table is built when its property is first read."""
        self._read_at = time.monotonic()
        if self._status == "connecting" and self._read_at - self._lost_at > self._timing.reach:
            self._say(
                "failed", f"{self._feed.source.title} has not answered for {self._timing.reach:g} seconds."
            )
        return self._snapshot

    def retry(self) -> None:
        """Do not wait for the next attempt: try now."""
        self._wake.set()

    def record_to(self, store: Writable | None) -> None:
        """Store closed candles there from now on, unless they go somewhere already."""
        if store is not None and self._recorder is None:
            synthetic = self._feed.source.synthetic
            self._recorder = Recorder(store, self.series, synthetic=synthetic, every=self._timing.record)

    @property
    def alive(self) -> bool:
        """False once it has stopped, or was told to."""
        return self._thread.is_alive() and not self._stopping.is_set()

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        """As :meth:`stop`, without waiting."""
        self._stopping.set()
        self._wake.set()

    def stop(self, timeout: float = 2.0) -> None:
        """End the feed, close its connection, store what is closed. Waits at most ``timeout`` seconds."""
        self.ask_to_stop()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    # -- the thread

    def _run(self) -> None:
        try:
            self._attempts()
        except Exception as error:  # noqa: BLE001  a bug of ours must be seen, not vanish with the thread
            _log.exception("The live feed %s ended by a fault of ours.", self.series)
            self._say("failed", f"The feed stopped by a fault of ours ({type(error).__name__}); see the log.")
        finally:
            asked = self._stopping.is_set()
            self._stopping.set()
            if self._recorder is not None:
                self._recorder.close()
            if self._status != "failed":
                self._say(
                    "stopped",
                    "The feed was stopped." if asked else "The feed stopped: nobody was reading it.",
                )

    def _attempts(self) -> None:
        delays = self._timing.backoff.delays()
        while not self._over():
            self._heard_at = 0.0
            try:
                self._session()
                return
            except CandlebookError as error:
                if self._heard_at:
                    delays = self._timing.backoff.delays()
                self._builder.broken()
                if not self._pause(error, delays):
                    return

    def _pause(self, error: CandlebookError, delays: Iterator[float]) -> bool:
        """Say what went wrong and wait for the next attempt. False when there will be none."""
        _log.info("The live feed %s lost its connection: %s", self.series, error)
        if self._heard_at:
            self._lost_at = time.monotonic()
        if retry_or_fatal(error) is not None:
            self._next_try_at = None
            self._say("failed", str(error))
            while not self._over() and not self._wake.wait(_POLL):
                pass
        else:
            delay = next_delay(error, delays, self._timing.backoff.cap, heard=bool(self._heard_at))
            self._next_try_at = _now() + pd.Timedelta(seconds=delay) if delay else None
            just_lost = (
                self._connected_at is not None and time.monotonic() - self._lost_at <= self._timing.reach
            )
            self._say("reconnecting" if just_lost or not delay else "failed", str(error))
            until = time.monotonic() + delay
            while not self._over() and time.monotonic() < until:
                if self._wake.wait(min(_POLL, max(0.0, until - time.monotonic()))):
                    break
        self._wake.clear()
        return not self._over()

    def _over(self) -> bool:
        return self._stopping.is_set() or time.monotonic() - self._read_at > self._timing.idle

    def _session(self) -> None:
        """One connection, from seeding to its end. Returns only when the watch is over."""
        feed, series = self._feed, self.series
        if not self._seeded or feed.ticks:
            self._seed()
        if self._over():
            return
        with feed.connect(series.symbol, series.timeframe, self._upto_us) as connection:
            self._connected_at, self._next_try_at = _now(), None
            self._say("live", f"Connected to {feed.source.title}; no update yet.")
            self._listen(connection)

    def _seed(self) -> None:
        """Start with candles by request. After a break of a feed of ticks: fetch what was missed."""
        last = self._builder.last_us
        count = SEEDED
        if last is not None:
            behind = _now() - pd.Timestamp(last, unit="us", tz="UTC")
            count = min(SEEDED, 2 + int(behind.total_seconds() / self.series.timeframe.seconds))
        seed = self._feed.seed(self.series.symbol, self.series.timeframe, count)
        with self._lock:
            self._builder.seed(
                self._older(seed.closed) if last is None else seed.closed, seed.forming, seed.upto_us
            )
            self._upto_us = seed.upto_us
            self._seeded = True
        self._record(seed.closed, self._feed.seed_origin)

    def _older(self, closed: pd.DataFrame) -> pd.DataFrame:
        """The seed with stored candles before it, as far back as they are without a hole."""
        read = getattr(self._recorder.store, "read", None) if self._recorder is not None else None
        if read is None or not len(closed):
            return closed
        first = closed.index[0]
        try:
            stored = read(self.series, end=first, last=_FROM_STORE)[candles.COLUMNS]
        except (CandlebookError, OSError):
            return closed  # nothing stored yet, or not readable now: the seed alone will do
        times = [*candles.micros(stored).tolist(), int(candles.micros(closed)[0])]
        at = len(stored)
        while at > 0 and self._builder.after(times[at - 1]) == times[at]:
            at -= 1
        return pd.concat([stored.iloc[at:], closed])

    def _listen(self, connection: Connection) -> None:
        stale = self._feed.stale_after * self._timing.stale
        since = time.monotonic()
        while not self._over():
            updates = connection.receive(min(_POLL, stale / 4))
            if updates is not None:
                self._heard_at = since = time.monotonic()
                self._take(updates, connection.upto_us)
            else:
                self._silence(time.monotonic() - since, stale)
                self._pass(connection.upto_us)
            self._tend()

    def _take(self, updates: list[Update], upto_us: int) -> None:
        """Fold what came into the candles; make one new version of it."""
        with self._lock:
            for update in updates:
                self._builder.add(update)
            if upto_us:
                self._builder.advance(upto_us)
            closed = self._builder.take_closed()
            self._last_message_at = _now()
            self._say("live", "")
        self._record(closed, self._feed.origin)

    def _pass(self, upto_us: int) -> None:
        """Nothing came: a bucket may be over all the same."""
        if upto_us and self._builder.ends_by(upto_us):
            with self._lock:
                self._builder.advance(upto_us)
                closed = self._builder.take_closed()
                self._say(self._status, self._reason)
            self._record(closed, self._feed.origin)

    def _silence(self, quiet: float, stale: float) -> None:
        if quiet > stale * self._timing.drop:
            raise SourceDown(
                f"{self._feed.source.title} sent nothing for {quiet:.0f} seconds; connecting anew."
            )
        if quiet > stale and self._status != "stale":
            self._say("stale", f"{self._feed.source.title} has sent nothing for {quiet:.0f} seconds.")

    def _record(self, table: pd.DataFrame, origin: str) -> None:
        if self._recorder is not None:
            self._recorder.add(table, origin)

    # -- what was missed

    def _tend(self) -> None:
        """Take what was fetched meanwhile, and have fetched what is missing."""
        while not self._mail.empty():
            self._fetched(*self._mail.get())
        if self._builder.missing and not self._filling and time.monotonic() >= self._fill_after:
            self._filling = True
            start, end = self._builder.missing[-1]
            start = max(start, end - LIMIT * self.series.timeframe.micros)
            name = f"refill {self.series}"
            threading.Thread(target=self._fetch, args=(start, end), name=name, daemon=True).start()

    def _fetch(self, start: int, end: int) -> None:
        """In a thread of its own: ask for the candles in ``[start, end)``, post the answer."""
        table = None
        try:
            pages = self._feed.source.pages(
                self.series.symbol, self.series.timeframe, _stamp(start), _stamp(end), stop=self._stopping
            )
            table = pd.concat([candles.empty(), *(page.table for page in pages)])
        except CandlebookError as error:
            _log.warning("Missed candles of %s could not be read: %s", self.series, error)
        finally:
            self._mail.put((start, end, table))

    def _fetched(self, start: int, end: int, table: pd.DataFrame | None) -> None:
        self._filling = False
        if table is None:
            self._fill_after = time.monotonic() + self._timing.refill
            return
        with self._lock:
            self._builder.insert(table)
            expected = self.series.timeframe.opens(_stamp(start), _stamp(end))
            self._answers = 0 if len(table) >= len(expected) else self._answers + 1
            if self._answers == 0 or self._answers >= _FILL_TRIES:
                # asked often enough: the provider has no candle there, so we missed none
                self._builder.settle(start, end)
                self._answers = 0
            self._fill_after = time.monotonic() + (self._timing.refill / 5 if self._answers else 0.0)
            self._say(self._status, self._reason)
        self._record(table, self._feed.seed_origin)

    # -- saying it

    def _say(self, status: Status, reason: str) -> None:
        """A new version: status, reason and candles as they are now."""
        with self._lock:
            self._status, self._reason = status, reason
            self._version += 1
            self._snapshot = self._make()

    def _make(self) -> Snapshot:
        state = self._builder.state()
        gaps = tuple((_stamp(start), _stamp(end)) for start, end in self._builder.missing)
        source = self._feed.source
        says = self._reason or f"Live from {source.title}."
        if self._recorder is not None and self._recorder.problem:
            says += f" {self._recorder.problem}"
        return Snapshot(
            version=self._version,
            status=self._status,
            message=says,
            forming=state.forming_us is not None,
            price=self._builder.price,
            last_message_at=self._last_message_at,
            connected_at=self._connected_at,
            next_try_at=self._next_try_at,
            gaps=gaps,
            synthetic=source.synthetic,
            lazy=Lazy(state),
        )


def _now() -> pd.Timestamp:
    return pd.Timestamp.now(tz="UTC").as_unit("us")


def _stamp(us: int) -> pd.Timestamp:
    return pd.Timestamp(us, unit="us", tz="UTC").as_unit("us")
