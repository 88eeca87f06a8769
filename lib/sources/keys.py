"""The key of a provider: what it travels in, and that it is seen nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, quote_plus

from lib.errors import CandlebookError

__all__ = ["Keys"]

_HIDDEN = "***"
Given = Callable[[], Mapping[str, str]]


class Keys:
    """``headers`` gives the headers that hold a key, ``query`` the parameters of the address, for interfaces that
    read it nowhere else. Both are called for each request, and raise ``InputError`` where the key is missing.

    A key in an address stands in the texts of foreign errors too, so ``in_address`` ones are left behind, and in the
    log of connections, which gets the address without it."""

    def __init__(self, headers: Given = dict, query: Given = dict) -> None:
        self.headers, self.query = headers, query
        self.in_address = query is not dict
        if self.in_address:
            # the one place that logs addresses; a filter that is there already is not added again
            logging.getLogger("urllib3.connectionpool").addFilter(_mask)

    def parameters(self) -> Mapping[str, str]:
        """What ``query`` gives; from here on the log does not show it."""
        found = self.query()
        _mask.words |= _spellings(found.values())
        return found

    def hushed(self, error: CandlebookError) -> CandlebookError:
        """The error without the key, where the provider's words repeat it."""
        try:
            held = _spellings([*self.headers().values(), *self.query().values()])
        except CandlebookError:  # no key, so none to hide
            return error
        error.message = _without(error.message, held)
        error.fields = {
            name: _without(value, held) if isinstance(value, str) else value
            for name, value in error.fields.items()
        }
        error.args = (error.message,)
        return error


class _Mask(logging.Filter):
    """Takes keys out of what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.words: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_without(x, self.words) if isinstance(x, str) else x for x in record.args)
        return True


_mask = _Mask()


def _spellings(values: Iterable[str]) -> set[str]:
    """Keys as they may be repeated: whole, without the word before them, and as an address writes them."""
    whole = {word for value in values for word in (value, value.rpartition(" ")[2]) if len(word) > 3}
    return whole | {spelt for word in whole for spelt in (quote(word, safe=""), quote_plus(word))}


def _without(text: str, words: set[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, _HIDDEN)
    return text
