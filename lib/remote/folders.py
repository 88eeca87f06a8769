"""Files of this machine by path and pattern, and what a listing of any place is made of."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lib.errors import InputError

__all__ = ["PAGE", "Item", "Listing", "files_at", "level_of"]

PAGE = 200


@dataclass(frozen=True, slots=True)
class Item:
    """One file: where it is, and its name; size in bytes and time of its last change where known."""

    address: str
    name: str
    size: int | None = None
    modified: pd.Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One level below a prefix: files, addresses of folders, and a token for the next page, or None."""

    items: tuple[Item, ...]
    folders: tuple[str, ...]
    after: str | None


def files_at(path: str, most: int) -> list[Item]:
    """The file at a path, or the first that match its wildcards, one more than ``most``. Raises ``InputError``."""
    if Path(path).is_dir():
        raise InputError(f"{path} is a folder.", remedy=f"For all files in it write {path.rstrip('/')}/*.")
    if Path(path).exists():
        return [_file(path)]
    found: list[Item] = []
    for each in glob.iglob(path, recursive=True):
        if Path(each).is_file():
            found.append(_file(each))
        if len(found) > most:
            break
    return found


def level_of(path: str, after: str | None, most: int) -> Listing:
    """A page of a folder, or what :func:`files_at` finds."""
    folder = Path(path)
    if not folder.is_dir():
        return Listing(tuple(files_at(path, most)), (), None)
    entries = sorted(entry for entry in folder.iterdir() if entry.name > (after or ""))
    page = entries[:PAGE]
    items = tuple(_file(str(entry)) for entry in page if entry.is_file())
    folders = tuple(f"{entry}/" for entry in page if entry.is_dir())
    return Listing(items, folders, page[-1].name if len(entries) > PAGE else None)


def _file(path: str) -> Item:
    stat = Path(path).stat()
    return Item(path, Path(path).name, stat.st_size, pd.Timestamp(stat.st_mtime, unit="s", tz="UTC"))
