"""``candlebook.toml``: the series to keep up to date.

::

    schedule = "every 15 minutes"    # in the app, where it is switched on there

    [[series]]
    source = "demo"
    symbols = ["DEMO-BTC", "DEMO-ETH"]
    timeframes = ["1m", "1d"]
    start = 2020-01-01
    calendar = "24/7"

Every symbol in every timeframe is a series; ``symbol`` and ``timeframe`` name a single one. ``start`` is a date
or a time (UTC where it tells no zone), left out for all there is; ``calendar`` and ``schedule`` may be left out.
"""

from __future__ import annotations

import datetime as dt
import difflib
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lib.calendars import LEARNT
from lib.calendars import calendar as calendar_called
from lib.errors import CandlebookError, InputError
from lib.series import Series
from lib.sources import registry
from lib.sync.many import Wanted
from lib.sync.timetable import trigger
from lib.timeframes import Timeframe, parse

__all__ = ["NAME", "Plan", "find", "load"]

NAME = "candlebook.toml"
_KEYS = ("source", "symbol", "symbols", "timeframe", "timeframes", "start", "calendar")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file asks for. ``schedule`` is empty where it tells none."""

    path: Path
    series: tuple[Wanted, ...]
    schedule: str = ""


def find(folder: Path | None = None) -> Path | None:
    """The file in a folder (default: the working folder); None where there is none."""
    path = (folder or Path.cwd()) / NAME
    return path if path.is_file() else None


def load(path: Path) -> Plan:
    """Read and check a file. Raises ``InputError`` naming the file, the key, its value and the remedy."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", file=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is not TOML: {error}.",
            remedy="Texts stand in quotes, lists in brackets.",
            file=str(path),
        ) from error
    return _Reader(path).plan(content)


class _Reader:
    def __init__(self, path: Path) -> None:
        self.path = path

    def plan(self, content: dict[str, Any]) -> Plan:
        self._known(content, ("schedule", "series"), "")
        tables = content.get("series")
        if not isinstance(tables, list) or not tables or not all(isinstance(one, dict) for one in tables):
            raise self._wrong(
                "series",
                tables,
                "Each series is a table that begins with a line [[series]].",
                missing=not tables,
            )
        found: dict[Series, Wanted] = {}
        for number, table in enumerate(tables, 1):
            for one in self._table(table, f"series {number}: "):
                if one.series in found:
                    raise InputError(
                        f"{self.path} asks for {one.series} twice.",
                        remedy="Take one out.",
                        file=str(self.path),
                    )
                found[one.series] = one
        return Plan(self.path, tuple(found.values()), self._schedule(content.get("schedule", "")))

    def _schedule(self, text: Any) -> str:
        if not isinstance(text, str):
            raise self._wrong("schedule", text, 'Write it as "every 15 minutes", or as a line of cron.')
        if text:
            self._tried("schedule", text, lambda: trigger(text))
        return text

    def _table(self, table: dict[str, Any], where: str) -> Iterator[Wanted]:
        self._known(table, _KEYS, where)
        source = table.get("source")
        if not isinstance(source, str):
            raise self._wrong(
                f"{where}source", source, f"There are: {', '.join(registry.names())}.", missing=source is None
            )
        # whether it has its key or package shows when it is asked, and holds up no other series
        self._tried(f"{where}source", source, lambda: registry.lacking(source))
        start = self._start(table.get("start"), f"{where}start")
        calendar = table.get("calendar", "")
        if not isinstance(calendar, str):
            raise self._wrong(f"{where}calendar", calendar, 'Write a name in quotes, as in "24/7".')
        if calendar and calendar != LEARNT:
            self._tried(f"{where}calendar", calendar, lambda: calendar_called(calendar))
        frames: list[Timeframe] = [
            self._tried(key, text, lambda text=text: parse(text))  # type: ignore[misc]
            for key, text in self._texts(table, "timeframe", where)
        ]
        for key, symbol in self._texts(table, "symbol", where):
            for frame in frames:
                self._tried(key, symbol, lambda symbol=symbol, frame=frame: Series(source, symbol, frame))  # type: ignore[misc]
                yield Wanted(source, symbol, frame, start, calendar)

    def _texts(self, table: dict[str, Any], key: str, where: str) -> list[tuple[str, str]]:
        """The values of ``key`` or of its plural, each with the key it stands under."""
        many = f"{key}s"
        if (key in table) == (many in table):
            both = key in table
            raise InputError(
                f"{self.path}, {where}{'both ' if both else 'neither '}{key} {'and' if both else 'nor'} {many} is there.",
                remedy=f"Write one of them: {key} for one, {many} for a list.",
                file=str(self.path), key=f"{where}{key}",
            )  # fmt: skip
        name = key if key in table else many
        values = [table[key]] if key in table else table[many]
        if not isinstance(values, list) or not values or not all(isinstance(one, str) for one in values):
            form = "a text in quotes" if name == key else 'a list of texts, as in ["A", "B"]'
            raise self._wrong(f"{where}{name}", table[name], f"It must be {form}.")
        return [(f"{where}{name}", value) for value in values]

    def _start(self, value: Any, key: str) -> pd.Timestamp | None:
        if value is None:
            return None
        try:
            if isinstance(value, bool) or not isinstance(value, str | dt.date):
                raise ValueError
            time = pd.Timestamp(value)
            if not isinstance(time, pd.Timestamp):
                raise ValueError
        except ValueError:
            raise self._wrong(key, value, "Write a day, as in 2020-01-31, or a time of one.") from None
        return time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")

    def _known(self, table: dict[str, Any], keys: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in keys:
                near = difflib.get_close_matches(key, keys, n=1)
                remedy = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(keys)}."
                raise InputError(
                    f"{self.path}, {where}there is no key {key!r}.",
                    remedy=remedy,
                    file=str(self.path),
                    key=key,
                )

    def _tried(self, key: str, value: Any, attempt: Callable[[], Any]) -> Any:
        try:
            return attempt()
        except CandlebookError as error:
            raise InputError(
                f"{self.path}, {key} = {value!r}: {error.message}",
                remedy=error.remedy, file=str(self.path), key=key,
            ) from error  # fmt: skip

    def _wrong(self, key: str, value: Any, remedy: str, *, missing: bool = False) -> InputError:
        what = "is missing" if missing else f"is {value!r}"
        return InputError(f"{self.path}, {key} {what}.", remedy=remedy, file=str(self.path), key=key)
