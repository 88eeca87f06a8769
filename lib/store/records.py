"""What is written down beside the candles of a series: its syncs, and what became of its gaps.

Two small JSON files a series, under ``records/``, each replaced as a whole under a lock of its own, or
where nothing can be locked by a conditional put that is tried again. They are removed with the series.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

import pandas as pd

from lib.errors import CorruptFile, InputError
from lib.series import Series
from lib.store import layout, spans
from lib.store.files import Files
from lib.store.raising import until_first
from lib.timeframes import from_us, to_us

__all__ = ["ENTRIES", "GapState", "LedgerEntry", "Records"]

ENTRIES = 1000
_FORMAT = 1

Result = Literal["running", "done", "cancelled", "failed", "interrupted"]
Condition = Literal["detected", "filling", "filled", "unfillable", "ignored"]
Moments = tuple[pd.Timestamp, pd.Timestamp]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One sync of a series: when it began, which source, the opens asked for (None: without a bound), and
    what it did. ``refused`` counts rows that broke a rule and were left out, ``revised`` the changed candles that the
    source had given otherwise before (see ``Written``). ``outcome`` "running" stays
    until the sync tells its end, or the next one finds that it never did ("interrupted")."""

    at: pd.Timestamp
    source: str
    start: pd.Timestamp | None
    end: pd.Timestamp | None
    requests: int = 0
    added: int = 0
    changed: int = 0
    refused: int = 0
    outcome: Result = "done"
    note: str = ""
    revised: int = 0


@dataclass(frozen=True, slots=True)
class GapState:
    """What is known of the candles missing in ``[start, end)``.

    "unfillable": the source ``by`` was asked for all of it and has no more than it gave; "filled" and "ignored" say
    who did so in ``by`` (a method, a reader); "detected" takes back what was said before. "filling": the sync that
    began at ``at`` asks the source ``by`` for it now, whatever else is said of it. Else ``at`` is when it was written down.
    """

    start: pd.Timestamp
    end: pd.Timestamp
    state: Condition
    by: str = ""
    at: pd.Timestamp = field(default_factory=lambda: pd.Timestamp.now(tz="UTC").as_unit("us"))
    note: str = ""


class Records:
    """Ledgers and gap states under a root."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def ledger(self, series: Series) -> tuple[LedgerEntry, ...]:
        """The newest :data:`ENTRIES` syncs, newest last. One small file."""
        return tuple(_entry(row) for row in self._read(layout.record_path(series, "ledger"))[0])

    def log(self, series: Series, entry: LedgerEntry) -> None:
        """Write down a sync; one that began at the same moment with the same source is replaced. Others
        that were still running count as interrupted: were one not, it says so itself at its end."""

        def changed(rows: list[Any]) -> list[Any]:
            entries = [_entry(row) for row in rows]
            kept = [_stopped(one) for one in entries if (one.at, one.source) != (entry.at, entry.source)]
            ordered = sorted([*kept, entry], key=lambda one: one.at)
            return [_entry_row(one) for one in ordered[-ENTRIES:]]

        self._change(layout.record_path(series, "ledger"), changed)

    def gap_states(self, series: Series) -> tuple[GapState, ...]:
        """All states of a series, by start. One small file."""
        return tuple(_state(row) for row in self._read(layout.record_path(series, "gaps"))[0])

    def set_gap_states(self, series: Series, states: Iterable[GapState]) -> None:
        """Write states down over what was said of their spans before: see :mod:`lib.store.spans`."""
        given = list(states)
        for state in given:
            if state.start >= state.end or state.state not in get_args(Condition):
                raise InputError(f"{state.state!r} from {state.start} to {state.end} is no state of a gap.")
        if not given:
            return
        added = [_state_row(state) for state in given]
        self._change(layout.record_path(series, "gaps"), lambda rows: spans.merged(rows, added))

    def end_filling(
        self, series: Series, by: str, spans_: Iterable[Moments], observed: Iterable[Moments]
    ) -> None:
        """See :meth:`Store.end_filling`."""
        now = to_us(pd.Timestamp.now(tz="UTC"))
        given = [(span, by) for span in spans_] + [(span, "") for span in observed]
        rows_ = [spans.Row(to_us(a), to_us(b), spans.NOTHING, who, now, "") for (a, b), who in given]
        if rows_:
            self._change(layout.record_path(series, "gaps"), lambda rows: spans.merged(rows, rows_))

    def remove(self, series: Series) -> None:
        """Forget all of a series."""
        self._files.remove(layout.record_path(series, "x").rsplit("/", 1)[0])

    def _change(self, path: str, change: Callable[[list[Any]], list[Any]]) -> None:
        def attempt() -> None:
            rows, tag = self._read(path)
            content = {"format": _FORMAT, "rows": change(rows)}
            data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
            # after a power cut the file as it was before will do
            self._files.write(path, data, tag, sync="content")

        with self._files.lock(path):
            self._files.sweep(*path.rsplit("/", 1))
            until_first(attempt, path)

    def _read(self, path: str) -> tuple[list[Any], Any]:
        found = self._files.read(path)
        if found is None:
            return [], None
        try:
            content = json.loads(found[0])
            if content["format"] != _FORMAT:
                raise ValueError(f"format {content['format']} is not {_FORMAT}")
            return list(content["rows"]), found[1]
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptFile(
                f"The stored file {self._files.name.rstrip('/')}/{path} cannot be read: {error}.",
                remedy="It holds no candles: move it away, and what was noted in it starts anew.",
                path=path,
            ) from error


def _stopped(entry: LedgerEntry) -> LedgerEntry:
    if entry.outcome != "running":
        return entry
    row = _entry_row(entry)
    row[8] = "interrupted"
    return _entry(row)


def _entry_row(entry: LedgerEntry) -> list[Any]:
    return [
        to_us(entry.at), entry.source, _us(entry.start), _us(entry.end), entry.requests, entry.added,
        entry.changed, entry.refused, entry.outcome, entry.note,
        entry.revised,
    ]  # fmt: skip


def _entry(row: Sequence[Any]) -> LedgerEntry:
    at, source, start, end, *rest = row
    return LedgerEntry(from_us(at), source, _time(start), _time(end), *rest)


def _state_row(state: GapState) -> spans.Row:
    return spans.Row(to_us(state.start), to_us(state.end), state.state, state.by, to_us(state.at), state.note)


def _state(row: Sequence[Any]) -> GapState:
    start, end, state, by, at, note = row
    return GapState(from_us(start), from_us(end), state, by, from_us(at), note)


def _us(time: pd.Timestamp | None) -> int | None:
    return None if time is None else to_us(time)


def _time(us: int | None) -> pd.Timestamp | None:
    return None if us is None else from_us(us)
