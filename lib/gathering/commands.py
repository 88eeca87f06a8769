"""The import that a reader put together on a page, as lines for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

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


def commands(files: Sequence[Asked], source: str) -> list[str]:
    """Lines that store the same as the page would: one, wherever files are read alike and are of one
    series, or are of series that their names tell. Lines run one after another: what is stored last stands.
    """
    alike = len({(each.choices, each.options) for each in map(_hashable, files)}) == 1
    if alike and len(files) > 1 and len(_series(files)) > 1 and all(_told(each) for each in files):
        return [_line(files, "--many", source)]
    if files and files[0].choices.conflicts == "first" and not alike:
        files = files[::-1]
    groups: dict[object, list[Asked]] = {}
    for each in files:
        held = _hashable(each)
        groups.setdefault((each.symbol, each.timeframe, held.choices, held.options), []).append(each)
    return [
        _line(group, f"--symbol={group[0].symbol.strip() or 'SYMBOL'}", source) for group in groups.values()
    ]


@dataclass(frozen=True, slots=True)
class _Hashable:
    choices: tuple[str, ...]
    options: tuple[str, ...]


def _hashable(asked: Asked) -> _Hashable:
    return _Hashable(tuple(asked.choices.arguments()), asked.options)


def _series(files: Sequence[Asked]) -> set[tuple[str, str]]:
    return {(each.symbol, str(each.timeframe)) for each in files}


def _told(each: Asked) -> bool:
    return bool(each.symbol) and suggest_symbol(each.name) == each.symbol


def _line(files: Sequence[Asked], kept: str, source: str) -> str:
    option, _, symbol = kept.partition("=")
    parts = ["python", "-m", "lib", "import", *(_path(each.where) for each in files), option]
    parts += [symbol] if symbol else []
    if source.strip() not in ("", "file"):
        parts += ["--source", source.strip()]
    return shlex.join([*parts, *files[0].options, *files[0].choices.arguments()])


def _path(where: str) -> str:
    """So that a file whose name begins with ``-`` is not taken for an option."""
    return f"./{where}" if where.startswith("-") else where
