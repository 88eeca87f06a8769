"""The manifest of a series: the one small file that says what is stored of it.

It holds the title, events, and for every partition of the base its generation (how often it was
committed), rows, first and last open, filled bars and bytes; for the pyramid generation and bytes. ``pending``
names the partitions of writes that have begun and not ended: see ``lib.store.writing``. ``tail`` is the
newest bar the levels were made under: their buckets before the one that holds it are whole. None: all are.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

import pandas as pd

from lib.errors import CorruptFile, StoreError, UnknownName
from lib.series import Series
from lib.timeframes import LADDER, Timeframe, from_us, parse, to_us

__all__ = [
    "Catalog",
    "Event",
    "LevelPart",
    "LevelParts",
    "Manifest",
    "Part",
    "Pending",
    "SeriesInfo",
    "Written",
    "merged_levels",
]

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a series at a time: ``kind`` "split", ``text`` "2:1 split"."""

    time: pd.Timestamp
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: bars new in the store, bars whose figures changed, bars left as they were.

    ``revised`` of the changed ones had been observed otherwise before: neither filled bars that gave way, nor
    the newest bar of the series, which a source may still have been settling."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    revised: int = 0

    def __add__(self, other: Written) -> Written:
        return Written(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.revised + other.revised,
        )


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """What is stored of a series. ``first`` and ``last`` are opens, UTC; ``size_bytes`` counts the
    coarser candles too."""

    series: Series
    first: pd.Timestamp
    last: pd.Timestamp
    count: int
    filled: int
    updated_at: pd.Timestamp
    size_bytes: int
    title: str | None
    synthetic: bool
    events: tuple[Event, ...]
    calendar: str = ""
    """The calendar that says which candles to expect; empty: none was chosen."""

    @property
    def timeframes(self) -> tuple[Timeframe, ...]:
        """The timeframes that can be read: the base, and what it divides."""
        base = self.series.timeframe
        return (base, *(step for step in LADDER if base < step and base.divides(step)))


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every series, by source, symbol and timeframe; and for each that cannot be listed why not."""

    series: tuple[SeriesInfo, ...]
    damaged: tuple[StoreError, ...]


class Part(NamedTuple):
    """One partition of the base, as last committed. Times in µs, 0 where there is no row."""

    generation: int
    rows: int
    first: int
    last: int
    filled: int
    size: int


class LevelPart(NamedTuple):
    """One partition of a level. A file of a lower generation is one that a power cut brought back."""

    generation: int
    size: int


LevelParts = dict[str, dict[str, LevelPart]]


class Pending(NamedTuple):
    """A write under way: when it began (µs) and the partitions of the base it may touch."""

    at: int
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a manifest. Immutable: each change is a new one."""

    series: Series
    born: str = field(default_factory=lambda: secrets.token_hex(6))
    revision: int = 0
    updated_at: int = 0
    title: str | None = None
    synthetic: bool = False
    calendar: str = ""
    deleted: bool = False
    events: tuple[Event, ...] = ()
    parts: dict[str, Part] = field(default_factory=dict)
    levels: LevelParts = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    tail: int | None = None

    @property
    def exists(self) -> bool:
        """True once there is a bar, or a write that may have stored one."""
        return not self.deleted and bool(self.parts or self.pending)

    def named_parts(self) -> list[str]:
        """Every partition that may hold bars, oldest first."""
        if not self.pending:
            return list(self.parts)
        names = set(self.parts)
        for pending in self.pending.values():
            names.update(pending.parts)
        return sorted(names)

    def generations(self, level: Timeframe) -> dict[str, int | None]:
        """Of each partition of a level the newest generation; of the base None for one that is being written."""
        if level != self.series.timeframe:
            return {name: part.generation for name, part in self.levels.get(str(level), {}).items()}
        known: dict[str, int | None] = {name: part.generation for name, part in self.parts.items()}
        return known | dict.fromkeys(name for each in self.pending.values() for name in each.parts)

    def begun(self, write: str, pending: Pending) -> Manifest:
        """With a write announced."""
        return replace(self, pending={**self.pending, write: pending})

    def ended(
        self, writes: list[str], parts: dict[str, Part], levels: LevelParts, tail: int | None, now: int
    ) -> Manifest:
        """With writes done. Of a partition the entry of the highest generation stands, so the order
        in which two writers come to report does not matter."""
        return replace(
            self,
            revision=self.revision + 1,
            updated_at=max(now, self.updated_at),
            parts=dict(sorted(_newest(self.parts, parts).items())),
            levels=merged_levels(self.levels, levels),
            pending={key: value for key, value in self.pending.items() if key not in writes},
            tail=tail,
        )

    def rebuilt(self, levels: LevelParts, tail: int | None) -> Manifest:
        """With all levels made anew."""
        return replace(self, revision=self.revision + 1, levels=levels, tail=tail)

    def marked_deleted(self) -> Manifest:
        """With all its candles about to be removed."""
        return replace(self, deleted=True)

    def info(self) -> SeriesInfo:
        """For readers. Only where ``parts`` is not empty."""
        parts = [part for part in self.parts.values() if part.rows]
        return SeriesInfo(
            series=self.series,
            first=from_us(parts[0].first),
            last=from_us(parts[-1].last),
            count=sum(part.rows for part in parts),
            filled=sum(part.filled for part in parts),
            updated_at=from_us(self.updated_at),
            size_bytes=sum(part.size for part in parts)
            + sum(part.size for level in self.levels.values() for part in level.values()),
            title=self.title,
            synthetic=self.synthetic,
            events=self.events,
            calendar=self.calendar,
        )

    def to_bytes(self) -> bytes:
        """As JSON; numbers of a partition in the order of :class:`Part`."""
        content = {
            "format": _FORMAT,
            "source": self.series.source,
            "symbol": self.series.symbol,
            "timeframe": str(self.series.timeframe),
            "born": self.born,
            "revision": self.revision,
            "updated_at": self.updated_at,
            "title": self.title,
            "synthetic": self.synthetic,
            "calendar": self.calendar,
            "deleted": self.deleted,
            "events": [[to_us(event.time), event.kind, event.text] for event in self.events],
            "parts": self.parts,
            "levels": self.levels,
            "pending": self.pending,
            "tail": self.tail,
        }
        return json.dumps(content, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes, path: str) -> Manifest:
        """Read what :meth:`to_bytes` wrote. Raises ``CorruptFile`` naming ``path``."""
        try:
            content = json.loads(data)
            if content["format"] != _FORMAT:
                raise _unknown_format(path, content["format"])
            return cls(
                series=Series(content["source"], content["symbol"], parse(content["timeframe"])),
                born=content["born"],
                revision=content["revision"],
                updated_at=content["updated_at"],
                title=content["title"],
                synthetic=content["synthetic"],
                calendar=content.get("calendar", ""),
                deleted=content["deleted"],
                events=tuple(Event(from_us(time), kind, text) for time, kind, text in content["events"]),
                parts={name: Part(*part) for name, part in content["parts"].items()},
                levels={
                    level: {name: LevelPart(*part) for name, part in parts.items()}
                    for level, parts in content["levels"].items()
                },
                pending={key: Pending(at, tuple(parts)) for key, (at, parts) in content["pending"].items()},
                tail=content.get("tail"),
            )
        except (ValueError, KeyError, TypeError, AttributeError, UnknownName) as error:
            raise CorruptFile(
                f"The stored file {path} cannot be read: {error}.",
                remedy="It is left as it is. Put it back from a copy, or move it and the series' candles away.",
                path=path,
            ) from error


def _unknown_format(path: str, found: object) -> CorruptFile:
    return CorruptFile(
        f"The stored file {path} has the format {found}; this version reads {_FORMAT}.",
        remedy="It is left as it is. Open it with the version of Candlebook that wrote it.",
        path=path,
        format=found,
    )


P = TypeVar("P", Part, LevelPart)


def _newest(old: dict[str, P], new: dict[str, P]) -> dict[str, P]:
    merged = dict(old)
    for name, part in new.items():
        if name not in merged or merged[name].generation <= part.generation:
            merged[name] = part
    return merged


def merged_levels(old: LevelParts, new: LevelParts) -> LevelParts:
    """Of each partition of each level the entry of the highest generation."""
    return {**old, **{level: _newest(old.get(level, {}), new[level]) for level in new}}
