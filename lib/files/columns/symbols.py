"""What a table says of its symbol: a column that names it, and which one is taken where there are several."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lib.errors import FileRefused
from lib.files.columns.cells import is_missing, is_time, numeric
from lib.files.columns.parted import parting_columns
from lib.files.columns.words import plain
from lib.files.model import ALL_SYMBOLS, Choices
from lib.files.texts.grid import Grid, Unlike
from lib.files.texts.layout import Layout
from lib.files.times.months import month_of

__all__ = ["FRAMES", "Symbols", "distinct", "find_symbols", "likest", "of_symbol", "same_symbol"]

_LABELS = frozenset(
    plain(each)
    for each in (
        "symbol,ticker,tic,sym,stock,stock symbol,stock code,ts code,sec id,secid,security,security id,instrument,"
        "instrument id,instrument name,inst id,contract,pair,market pair,name,code,act symbol,asset,coin,ric,isin,"
        "product id,wkn,permno,gvkey,cusip,sedol,figi,instrument token,trading symbol,scrip code,security code,conid,asset id,"
        "asset symbol,tckr symb,scrip,underlying,合約,証券コード,銘柄,"
        "s,stream,topic,market,代码,股票代码,证券代码,名称,銘柄コード,コード,종목코드,종목명,тикер,symbole,símbolo,simbolo"
    ).split(",")
)
# What columns are called that part the rows of one symbol: timeframes, strikes.
FRAMES = frozenset(
    (
        "strike",
        "strike price",
        "option type",
        "interval",
        "timeframe",
        "time frame",
        "resolution",
        "granularity",
        "per",
        "bar size",
        "tf",
    )
)
_FEW = 20
_WORD = re.compile(r"\^?[A-Za-z][\w./:=^-]{1,24}")
_WEEKDAYS = frozenset("mon tue wed thu fri sat sun".split())
_MOST = 20000
# What else a column named by one letter may hold: sides of trades, states of answers.
_NO_SYMBOLS = frozenset("b s buy sell bid ask long short ok error true false 0 1".split())


@dataclass(frozen=True, slots=True)
class Symbols:
    """``at`` is the column's position, None where none names symbols; ``found`` its texts, in the order of the
    file; ``taken`` the one whose rows are read: empty where that must be asked, or where there is but one."""

    at: int | None = None
    found: tuple[str, ...] = ()
    taken: str = ""

    @property
    def several(self) -> bool:
        return len(self.found) > 1

    @property
    def only(self) -> str:
        """The symbol of the rows that are read; nothing where the file does not tell."""
        return self.found[0] if len(self.found) == 1 else self.taken if self.taken != ALL_SYMBOLS else ""


def same_symbol(one: str, other: str) -> bool:
    """``BTC/USDT`` and ``BTCUSDT`` are one."""
    return _key(one) == _key(other) != ""


def likest(wanted: str, found: tuple[str, ...] | list[str]) -> str:
    """The one of ``found`` that ``wanted`` means, or nothing: the same, else the only one with an ending more."""
    same = [each for each in found if each == wanted] or [each for each in found if same_symbol(each, wanted)]
    if not same and wanted:
        same = [each for each in found if re.split(r"[.: ]", each.casefold())[0] == wanted.casefold()]
    return same[0] if len(same) == 1 else ""


def find_symbols(found: Layout, grid: Grid, choices: Choices) -> Symbols:
    """The column of symbols and what is in it, all of it read. Raises ``FileRefused`` where the one that was
    chosen is not in it."""
    first: Symbols | None = None
    wanted = choices.pick_symbol or choices.symbol or ""
    for at in _candidates(found):
        names = distinct(grid, at)
        if {each.casefold() for each in names} <= _NO_SYMBOLS:
            continue
        if not names or len(names) > _MOST or (len(names) > 1 and _many(found, at)):
            continue
        if len(names) == 1 and (frames := _frames(found, grid)) is not None:
            at, names = frames
        if len(names) == 1:
            return first or Symbols(at, names, ALL_SYMBOLS if choices.pick_symbol == ALL_SYMBOLS else "")
        taken = ALL_SYMBOLS if wanted == ALL_SYMBOLS else likest(wanted, names)
        if taken:
            return Symbols(at, names, taken)
        first = first or Symbols(at, names)
    if first is None and (frames := _frames(found, grid)) is not None:
        at, names = frames
        return Symbols(at, names, likest(choices.pick_symbol or "", names))
    if first is None or (wanted and wanted not in first.found):
        other = _unnamed(found, grid, wanted)
        first = other if other and (other.taken or first is None) else first
    if first and choices.pick_symbol and not first.taken and first.at is not None:
        raise FileRefused(
            f"There is no symbol {choices.pick_symbol!r} in the column {found.names[first.at]!r}.",
            remedy=f"It has: {', '.join(first.found[:20])}.", question="pick_symbol",
        )  # fmt: skip
    return first or Symbols()


def _unnamed(found: Layout, grid: Grid, wanted: str) -> Symbols | None:
    """The symbols of a column that is not named for them: the one that has ``wanted``, else the first."""
    made = [
        Symbols(at, names, ALL_SYMBOLS if wanted == ALL_SYMBOLS else likest(wanted, names))
        for at, runs in parting_columns(found, grid)
        if 1 < len(names := runs or distinct(grid, at)) <= _MOST
    ]
    return next((each for each in made if each.taken), made[0] if made else None)


def _frames(found: Layout, grid: Grid) -> tuple[int, tuple[str, ...]] | None:
    """A column that names the timeframe of each row, where there are several."""
    for at, name in enumerate(found.names if found.header else ()):
        if plain(name) in FRAMES and not any(
            map(is_time, (row[at] for row in found.rows[:20] if len(row) > at))
        ):
            names = distinct(grid, at)
            if 1 < len(names) <= _FEW:
                return at, names
    return None


def of_symbol(found: Layout, symbols: Symbols) -> Layout:
    """The layout with the sample's rows of the symbol that is taken, or of the first, where there are any."""
    if symbols.at is None or not symbols.several or symbols.taken == ALL_SYMBOLS:
        return found
    wanted = symbols.taken or found.rows[0][symbols.at]
    rows = tuple(row for row in found.rows if len(row) == found.width and row[symbols.at] == wanted)
    return replace(found, rows=rows) if len(rows) > 1 else found


def _candidates(found: Layout) -> list[int]:
    rows = [row for row in found.rows if len(row) == found.width]
    if not rows:
        return []
    if found.header:
        return [
            at for at, name in enumerate(found.names)
            if plain(name) in _LABELS and not any(is_time(row[at]) and not row[at].isdecimal() for row in rows[:20])
        ]  # fmt: skip
    words = [row[0] for row in rows]
    weekdays = all(month_of(each) or each[:3].casefold() in _WEEKDAYS for each in words)
    fits = all(_WORD.fullmatch(each) and not numeric(each) and not is_missing(each) for each in words)
    return [0] if fits and not weekdays else []


def _many(found: Layout, at: int) -> bool:
    """Nearly every row has a text of its own: no symbols, but names of rows."""
    cells = [row[at] for row in found.rows if len(row) == found.width]
    return len(cells) > 8 and len(set(cells)) * 10 > len(cells) * 9 and len(set(cells)) == len(cells) > 250


def distinct(grid: Grid, at: int) -> tuple[str, ...]:
    """The different texts of a column, missing ones left out, in the order of the file."""
    try:
        found = [
            each
            for some in grid.blocks({at: pa.string()}, ".", lambda loaded: _unique(loaded[at]))
            for each in some
        ]
    except Unlike:
        found = _unique(grid.texts((at,)).columns[at])
    return tuple(dict.fromkeys(each for each in found if each and not is_missing(each)))


def _unique(column: Any) -> list[str]:
    made: list[str] = pc.utf8_trim_whitespace(pc.unique(column)).to_pylist()
    return made


def _key(symbol: str) -> str:
    return re.sub(r"[\W_]", "", symbol.casefold())
