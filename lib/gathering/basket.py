"""The files of one reader, on a page: given, looked at, and kept until they are stored or put away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lib.errors import CandlebookError, CandlesRefused, FileRefused
from lib.files import Choices
from lib.gathering.checked import Checked, Progress, Room

__all__ = ["Basket", "Given", "Look"]

State = Literal["ready", "choice", "refused"]


@dataclass(frozen=True, slots=True)
class Given:
    """A file as it was given: ``key`` tells it from all others, ``where`` is how the command line finds it
    (a path, an address) with these ``options``."""

    key: str
    name: str
    data: bytes | Path
    where: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a file under ``choices``: it has passed its check, or why not."""

    given: Given
    choices: Choices
    checked: Checked | None = None
    error: CandlebookError | None = None

    @property
    def state(self) -> State:
        """``choice``: its content leaves something open, or its reader may leave rows out or say which of
        two stands."""
        if self.checked is not None:
            return "ready"
        fields = self.error.fields if self.error is not None else {}
        open_ = fields.get("question") or fields.get("findings") or isinstance(self.error, CandlesRefused)
        return "choice" if open_ else "refused"


class Basket:
    """Files that were looked at, each with the choices made for it. Their candles wait on disk."""

    def __init__(self) -> None:
        self._room = Room(spill=True)
        self._looks: dict[str, Look] = {}
        self.choices: dict[str, Choices] = {}

    @property
    def folder(self) -> Path:
        """Where what is fetched may be put; lasts as long as the basket."""
        return self._room.path

    def chosen(self, given: Given) -> Choices:
        """What the reader chose for a file."""
        return self.choices.get(given.key, Choices())

    def known(self, given: Given) -> Look | None:
        """What was found under the present choices, if it was looked at."""
        held = self._looks.get(given.key)
        return held if held is not None and held.choices == self.chosen(given) else None

    def look(self, given: Given, progress: Progress | None = None) -> Look:
        """Read and check a file, unless that was done under the same choices. What is wrong with it is in
        the answer, not raised."""
        if held := self.known(given):
            return held
        self._drop(given.key)
        choices = self.chosen(given)
        try:
            checked = self._room.check(given.name, given.data, choices, progress=progress)
            if not checked.has_closed:
                checked.close()
                raise FileRefused(
                    f"{given.name} holds no closed candles: the only ones are not over yet.", file=given.name
                )
            made = Look(given, choices, checked)
        except CandlebookError as error:
            made = Look(given, choices, error=error)
        self._looks[given.key] = made
        return made

    def keep(self, keys: Iterable[str]) -> None:
        """Forget every other file."""
        wanted = set(keys)
        for key in [each for each in {*self._looks, *self.choices} if each not in wanted]:
            self._drop(key)
            self.choices.pop(key, None)

    def _drop(self, key: str) -> None:
        held = self._looks.pop(key, None)
        if held is not None and held.checked is not None:
            held.checked.close()
