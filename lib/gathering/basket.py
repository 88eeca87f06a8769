"""The files of one reader, on a page: given, looked at, and kept until they are stored or put away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal

from lib.errors import CandlebookError, CandlesRefused, FileRefused
from lib.files import Choices, suggest_symbol
from lib.gathering.checked import Checked, Progress, Room
from lib.gathering.clashing import Clash, clashes

__all__ = ["Basket", "Given", "Look"]

State = Literal["ready", "choice", "refused"]
_COMPARED = 500
_LONGEST_SYMBOL = 30
_SYMBOL = frozenset({"symbol", "ticker", "pair", "instrument"})


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

    @property
    def symbol(self) -> str:
        """The symbol that was typed for it, else the likeliest."""
        return self.choices.symbol or self.suggested

    @property
    def suggested(self) -> str:
        """The likeliest symbol: of a column that names the same one in every row seen, else of the file's
        name; or nothing."""
        if self.checked is not None:
            reading = self.checked.reading
            for at, label in enumerate(reading.columns):
                if label.strip('<> "').lower() in _SYMBOL:
                    found = {row[at].strip(" \"'") for row in reading.sample if at < len(row)}
                    told = found.pop().upper() if len(found) == 1 else ""
                    if 0 < len(told) <= _LONGEST_SYMBOL and told.isprintable():
                        return told
        return suggest_symbol(self.given.name)


class Basket:
    """Files that were looked at, each with the choices made for it. Their candles wait on disk."""

    def __init__(self) -> None:
        self._room = Room(spill=True)
        self._looks: dict[str, Look] = {}
        self._compared: dict[tuple[Checked, ...], list[Clash]] = {}
        self.choices: dict[str, Choices] = {}

    @property
    def folder(self) -> Path:
        """Where what is fetched may be put; lasts as long as the basket."""
        return self._room.path

    def chosen(self, given: Given) -> Choices:
        """What the reader chose for a file."""
        return self.choices.get(given.key, Choices())

    def name(self, look: Look, symbol: str) -> bool:
        """Say what the candles of a file are of, where that is not what it suggests: it may tell how the file
        is read. True where that is new, so that it must be looked at again."""
        wanted = symbol if symbol and symbol != look.suggested else None
        if look.choices.symbol == wanted:
            return False
        self.choices[look.given.key] = replace(look.choices, symbol=wanted)
        return True

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

    def clashes(self, files: Sequence[Checked], most: int = 20) -> list[Clash]:
        """The first ``most`` contradictions between files of one series; found once."""
        key = tuple(files)
        if key not in self._compared:
            if len(self._compared) >= _COMPARED:
                self._compared.clear()
            self._compared[key] = list(islice(clashes(files), most))
        return self._compared[key]

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
            self._compared.clear()
