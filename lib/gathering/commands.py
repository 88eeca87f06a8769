"""The import that a reader put together on a page, as lines for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lib.files import Choices, suggest_symbol
from lib.timeframes import Timeframe

__all__ = ["Asked", "commands"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One file of an import: where the command line finds it, and what was chosen for it."""

    name: str
    where: str
    choices: Choices
    symbol: str
    timeframe: Timeframe | None = None
    options: tuple[str, ...] = ()


def commands(files: Sequence[Asked], source: str, *, between: str | None = None) -> list[str]:
    """Lines that store the same as the page would: one, wherever files are read alike and are of one
    series, or are of series that their names tell. ``between`` (first, last) says which file stands where
    two contradict each other. Lines run one after another: what is stored last stands."""
    if between is not None:
        files = [each if each.choices.conflicts else _ruled(each, between) for each in files]
    alike = len({_read(each) for each in files}) == 1
    if alike and len({_kept(each) for each in files}) > 1 and all(map(_told, files)):
        return [_line(files, ["--many"], source)]
    if between == "first" and not alike:
        files = files[::-1]
    groups: dict[object, list[Asked]] = {}
    for each in files:
        groups.setdefault((_kept(each), _read(each)), []).append(each)
    return [
        _line(group, ["--symbol", group[0].symbol.strip() or "SYMBOL"], source) for group in groups.values()
    ]


def _ruled(asked: Asked, between: str) -> Asked:
    return replace(asked, choices=asked.choices.override("conflicts", between))


def _read(asked: Asked) -> tuple[str, ...]:
    """How it is read, as far as the command line is concerned."""
    return (*asked.options, *asked.choices.arguments())


def _kept(asked: Asked) -> tuple[str, str]:
    return asked.symbol.strip(), str(asked.timeframe)


def _told(asked: Asked) -> bool:
    return bool(asked.symbol) and suggest_symbol(asked.name) == asked.symbol


def _line(files: Sequence[Asked], kept: list[str], source: str) -> str:
    parts = ["python", "-m", "lib", "import", *(_path(each.where) for each in files), *kept]
    if source.strip() not in ("", "file"):
        parts += ["--source", source.strip()]
    return shlex.join([*parts, *_read(files[0])])


def _path(where: str) -> str:
    """So that a file whose name begins with ``-`` is not taken for an option."""
    return f"./{where}" if where.startswith("-") else where
