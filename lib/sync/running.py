"""One download, page by page, and its line in the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import pandas as pd

from lib.errors import CandlebookError, UnknownName
from lib.series import Series
from lib.sources.base import Page, Source, notes_to
from lib.sources.limits import recall
from lib.sync.batches import Batches, Known
from lib.sync.marking import Filling
from lib.sync.meter import Meter
from lib.sync.model import Outcome, Progress
from lib.sync.planning import EARLIEST, Ask, Span, together
from lib.timeframes import Timeframe

if TYPE_CHECKING:
    from lib.store import LedgerEntry, Store
    from lib.store.records import Result

__all__ = ["Run"]

_REASONS = 20
_NOTE = 300
# What is missing so close to now may only be late.
_LATE = pd.Timedelta(hours=1)


class Run:
    """A download that goes on by :meth:`step`, from any thread but one at a time. ``plan`` tells the spans
    to ask for, and is called at the first step, after what a killed download had kept is merged."""

    def __init__(
        self,
        store: Store,
        source: Source,
        series: Series,
        plan: Callable[[], list[Span]],
        *,
        symbol: str | None = None,
        span: Span = (None, None),
        progress: Callable[[Progress], None] | None = None,
        stop: threading.Event | None = None,
        calendar: str = "",
        logged: bool = True,
        filling: bool = False,
    ) -> None:
        self.series, self.source, self.span = series, source, span
        self.began = pd.Timestamp.now(tz="UTC").as_unit("us")
        self._store, self._plan, self._calendar = store, plan, calendar
        self._symbol = symbol if symbol is not None else series.symbol
        self._stop = stop or threading.Event()
        self._meter = Meter([], progress or (lambda _: None))
        self._tell = progress or (lambda _: None)
        beside = f" {self._symbol}" if self._symbol != series.symbol else ""
        self._origin = f"{source.name} REST{beside}"
        self._batches: Batches | None = None
        self._reasons: list[str] = []
        self._refused = self._recovered = 0
        self._remark = ""
        self._logs, self._logged = logged, False
        self._filling = Filling(store, series, source.name, self.began) if filling else None
        self._steps = self._walk()

    def step(self) -> bool:
        """Fetch and keep one page; False once it is over. Raises what the source and the store raise;
        whatever ends it, what arrived is stored."""
        with notes_to(lambda text: self._meter.say(text)):
            return next(self._steps, None) is not None

    def all(self) -> Outcome:
        """Every step there is."""
        while self.step():
            pass
        return self.outcome()

    def close(self) -> None:
        """End it where it is: as cancelled, where it was not over."""
        self._stop.set()
        self._steps.close()

    def remark(self, text: str) -> None:
        """A sentence for whoever reads the outcome."""
        self._remark = text

    def outcome(self) -> Outcome:
        """What it did until now."""
        done = self._batches
        return Outcome(
            added=done.added if done else 0,
            changed=done.changed if done else 0,
            revised=done.revised if done else 0,
            requests=self._meter.now.requests,
            first=done.first if done else None,
            last=done.last if done else None,
            cancelled=self._stop.is_set(),
            refused=self._refused,
            reasons=tuple(self._reasons),
            recovered=self._recovered,
            note=self._remark,
        )

    # ------------------------------------------------------------------------------------------- inside

    def _walk(self) -> Generator[bool]:
        self._batches = batches = Batches(self._store, self.series, self.source, self._origin)
        try:
            self._recovered = batches.recover()
            spans = self._plan()
            asks = together(spans, self.series.timeframe)
            self._meter = Meter(asks, self._tell)
            if asks:
                recall(self.source.name, lambda since: _spent(self._store, self.source.name, since))
                self._remark = self._elsewhere()
                yield from self._logged_walk(asks, batches, spans)
            else:
                self._tell(self._meter.now)
            self._keep_calendar()
        finally:
            batches.close()

    def _logged_walk(self, asks: list[Ask], batches: Batches, spans: list[Span]) -> Generator[bool]:
        result: Result = "failed"
        note = "An unexpected error."
        try:
            try:
                if self._filling:
                    self._log("running")
                    self._filling.begin(spans)
                yield from self._pages(asks, batches)
            finally:
                batches.flush()
            result, note = "cancelled" if self._stop.is_set() else "done", ""
        except CandlebookError as error:
            note = str(error)
            raise
        except GeneratorExit:
            result, note = "cancelled", ""
            raise
        finally:
            if self._filling:
                self._filling.end()
            self._log(result, note)

    def _pages(self, asks: list[Ask], batches: Batches) -> Generator[bool]:
        last = self._last()
        for ask in asks:
            past = _Past(ask, self.series.timeframe, last)
            for page in self.source.pages(
                self._symbol, self.series.timeframe, ask.start, ask.end, stop=self._stop
            ):
                table = ask.wanted(page.table)
                self._refused += len(page.refused)
                self._reasons += page.refused[: max(0, _REASONS - len(self._reasons))]
                batches.add(table, past.through(page, table))
                self._meter.page(ask, table, page.requests, page.until)
                if batches.first is not None and not self._logged:
                    self._log("running")
                yield True
            if self._stop.is_set():
                return
            self._meter.finish(ask)

    def _elsewhere(self) -> str:
        """A sentence where the newest stored candle came from elsewhere: a file may have been imported under the
        name of a source."""
        if self.source.name != self.series.source:
            return ""
        try:
            newest = self._store.read(self.series, last=1, provenance=True)
        except UnknownName:
            return ""
        origin = str(newest["origin"].iloc[0]) if len(newest) else self.source.name
        if origin.split(" ")[0] == self.source.name:
            return ""
        return (
            f"The newest stored candles of {self.series} came from {origin}; what {self.source.title} has is added "
            "to them. A series of its own would need another name for one of the two."
        )

    def _keep_calendar(self) -> None:
        if not self._calendar:
            return
        try:
            if self._store.info(self.series).calendar != self._calendar:
                self._store.annotate(self.series, calendar=self._calendar)
        except UnknownName:
            return  # nothing of it is stored

    def _last(self) -> pd.Timestamp | None:
        try:
            return self._store.info(self.series).last
        except UnknownName:
            return None

    def _log(self, result: Result, note: str = "") -> None:
        """A line in the ledger, where the series is there. A download without a bound that came to its end
        is written down with where that was."""
        if not self._logs:
            return
        start, end = self.span
        last = self._last()
        if result == "done" and end is None and last is not None:
            end = self.series.timeframe.after(last)
        why = "; ".join([*([note] if note else []), *self._reasons])[:_NOTE]
        try:
            self._store.log(self.series, self._entry(result, start, end, why))
        except UnknownName:
            return  # nothing of it is stored
        self._logged = True

    def _entry(
        self, result: Result, start: pd.Timestamp | None, end: pd.Timestamp | None, note: str
    ) -> LedgerEntry:
        from lib.store import LedgerEntry

        did = self.outcome()
        return LedgerEntry(
            self.began, self.source.name, start, end, did.requests, did.added, did.changed, did.refused, result, note,
            did.revised,
        )  # fmt: skip


def _spent(store: Store, source: str, since: float) -> int:
    """The requests to a source since then (seconds since 1970), by the ledgers of its series. Reads each of them."""
    spent = 0
    for info in store.list():
        if info.series.source != source:
            continue
        try:
            ledger = store.ledger(info.series)
        except CandlebookError:  # what cannot be read is told where it is looked at
            continue
        spent += sum(entry.requests for entry in ledger if entry.at.timestamp() >= since)
    return spent


class _Past:
    """Which part of an ask the source has been through. Behind the newest candle of all, what is missing
    may still come; so may what is missing shortly before now."""

    def __init__(self, ask: Ask, frame: Timeframe, last: pd.Timestamp | None) -> None:
        self._ask, self._frame = ask, frame
        self._at = EARLIEST if ask.start is None else ask.start
        self._bounded = ask.end is not None and last is not None and ask.end <= last
        self._late = pd.Timestamp.now(tz="UTC") - _LATE

    def through(self, page: Page, wanted: pd.DataFrame) -> list[Known]:
        """What the source does not have of the stretch that ends with this page."""
        end = page.until if self._ask.end is None else min(page.until, self._ask.end)
        if not self._bounded:
            end = min(end, self._frame.after(page.table.index[-1])) if len(page.table) else self._at
        start, end = self._at, min(end, self._late)
        if end <= start:
            return []
        self._at = end
        low, high = wanted.index.searchsorted([start, end])
        if high - low >= self._ask.due(start, end, self._frame):
            return []
        return [(start.as_unit("us"), end.as_unit("us"), page.refused[0][:_NOTE] if page.refused else "")]
