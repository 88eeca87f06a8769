"""Whatever stands in an answer, a parser brings a table or one of our errors: never what a library makes of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest

from lib.errors import CandlebookError
from lib.sources import binance, by_key, massive, metaapi, oanda, twelvedata
from lib.sources.batch import admit
from lib.sources.failures import decoded
from lib.timeframes import parse

JUNK = (
    None, True, -1, 1e308, 10**30, 10**400, "", "x", "1e999", "nan", [], [1], {}, "now", "9999-12-31", "0001-01-01",
    2**63, "\ud800", "1711929600", 1711929600.5,
)  # fmt: skip
PRICES = {"open": 1.5, "high": 2, "low": 1, "close": "1.2", "volume": 3}

Read = Callable[[bytes], Any]


def _rows(**row: Any) -> list[dict[str, Any]]:
    return [copy.deepcopy(row) for _ in range(2)]


ANSWERS: dict[str, tuple[Read, Any]] = {
    "binance": (binance.parse_klines, [[1499040000000, "1.5", "2", "1", "1.2", "10", 1499040059999]] * 2),
    "binance list": (binance.parse_symbols, {"symbols": [{"symbol": "A"}]}),
    "twelvedata": (twelvedata.parse_series, {"values": _rows(datetime="2021-09-16 15:50:00", **PRICES)}),
    "oanda": (
        oanda.parse_candles,
        {"candles": _rows(complete=True, volume=4, time="2017-01-03T00:00:00Z", mid=dict.fromkeys("ohlc", "1"))},
    ),
    "massive": (massive.parse_candles, {"candles": _rows(timestamp="2017-01-03T00:00:00Z", **PRICES)}),
    "massive ticks": (massive.parse_ticks, {"ticks": _rows(timestamp="2017-01-03T00:00:00Z", bid=1, ask=2)}),
    "by key, lists": (by_key.parse_rows, [[1711929600, 1.5, 2, 1, 1.2, 10]] * 2),
    "by key, objects": (by_key.parse_rows, {"data": _rows(time=1711929600, **PRICES)}),
    "quote": (
        metaapi.parse_price,
        {"symbol": "A", "bid": 1.0, "ask": 1.1, "time": "2020-04-07T03:45:23Z", "brokerTime": "2020-04-07 06:45:23"},
    ),
}  # fmt: skip


def _places(found: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value, with ``*`` for every row of a list of rows."""
    if way:
        yield way
    if isinstance(found, dict):
        for key, value in found.items():
            yield from _places(value, (*way, key))
    elif isinstance(found, list):
        rows = isinstance(found[0], (dict, list))
        for at, value in enumerate(found[:1] if rows else found):
            yield from _places(value, (*way, "*" if rows else at))


def _put(found: Any, way: tuple[Any, ...], junk: Any) -> Any:
    if not way:
        return junk
    for key in range(len(found)) if way[0] == "*" else way[:1]:
        found[key] = _put(copy.deepcopy(found[key]), way[1:], junk)
    return found


@pytest.mark.parametrize("name", ANSWERS)
def test_any_value_at_any_place(name: str) -> None:
    read, answer = ANSWERS[name]
    places = [*_places(answer)]
    assert len(places) >= 3
    for way in places:
        for junk in JUNK:
            _read(read, json.dumps(_put(copy.deepcopy(answer), way, junk)).encode())


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_nested_without_end_is_broken(name: str) -> None:
    with pytest.raises(CandlebookError, match="JSON that is broken"):
        ANSWERS[name][0](b"[" * 100_000)
    assert decoded(b"[" * 100_000) is None


def _read(read: Read, body: bytes) -> None:
    try:
        made = read(body)
        if isinstance(made, pd.DataFrame) and "open" in made:
            admit(made, "Made", "X", parse("1m"))
    except CandlebookError:
        pass


def test_a_time_of_klines_may_be_text_or_a_float() -> None:
    for spelt in ("1499040000000", 1499040000000.0, "1499040000000000"):
        body = json.dumps([[spelt, "1.5", "2", "1", "1.2", "10", 0]]).encode()
        assert str(binance.parse_klines(body)["time"][0]) == "2017-07-03 00:00:00+00:00"
