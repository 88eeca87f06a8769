"""Names to paths and back, and times to partitions."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.series import Series
from lib.store import Store, layout
from lib.timeframes import LADDER, parse
from tests.store.make import at, candles, same

NASTY = [
    "BTC/USDT", "^GSPC", "../../etc", "..", ".", "EUR USD", "CON", "con", "nul", "Lpt1", "COM9", "btc", "BTC", "Btc",
    "BRK.B", "a%2Fb", "ÖMV", "日経225", "x\\y", 'q"<>|?*', "%", "~", "-", "C:", "x" * 120, "ß" * 120, "\U0001f600" * 100,
    "\U0001f600" * 99 + "A",
]  # fmt: skip
names = st.one_of(
    st.sampled_from(NASTY),
    st.text(min_size=1, max_size=120).filter(lambda text: text == text.strip() and text.isprintable()),
)


@given(names)
def test_names_round_trip_through_paths(name: str) -> None:
    for encode in (layout.encode_source, layout.encode_symbol):
        coded = encode(name)
        assert re.fullmatch(r"[A-Za-z0-9_%~-]{1,180}", coded)
        assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])", coded)
        assert layout.decode(coded) in (name, None)
        if len(name) < 15:
            assert layout.decode(coded) == name


@given(names, names)
def test_two_names_never_meet_even_where_case_is_lost(one: str, other: str) -> None:
    if one != other:
        assert layout.encode_symbol(one).lower() != layout.encode_symbol(other).lower()
        assert layout.encode_source(one).lower() != layout.encode_source(other).lower()


def test_usual_names_are_readable() -> None:
    series = Series.of("binance", "BTCUSDT", "1m")
    assert layout.manifest_path(series) == "series/binance/BTCUSDT/1m.json"
    assert (
        layout.level_path(series, parse("5m"), "2024-02") == "candles/binance/BTCUSDT/1m/5m/2024-02.parquet"
    )
    month = Series.of("binance", "BTCUSDT", "1M")
    assert layout.manifest_path(month).lower() != layout.manifest_path(series).lower()


def test_nasty_names_stay_apart_in_a_store(store: Store) -> None:
    few = NASTY[:8]
    for number, name in enumerate(few):
        store.write(Series.of("test", name, "1d"), candles("1d", "2024-01-01", 2 + number), origin="t")
    found = {info.series.symbol: info.count for info in store.list()}
    assert found == {name: 2 + number for number, name in enumerate(few)}


@pytest.mark.parametrize("name", NASTY)
def test_every_name_can_be_stored_and_found(name: str, local: object) -> None:
    store = local()  # type: ignore[operator]
    series = Series.of(name, name, "1d")
    table = candles("1d", "2024-01-01", 3)
    store.write(series, table, origin="t")
    same(store.read(series), table)
    assert [info.series for info in store.list()] == [series]
    assert all(store._files.root in path.parents for path in store._files.root.rglob("*"))


def test_partitions_stay_under_50_000_rows() -> None:
    spans = {"D": 86_400, "M": 31 * 86_400, "Y": 366 * 86_400, "": 20 * 366 * 86_400}
    for frame in LADDER:
        kind = layout.kind_of(frame)
        # a year of 15m is 35,136; twenty years of 4h are 43,920; a day of 1s is 86,400
        assert spans[kind] / frame.seconds < (50_000 if frame.seconds > 1 else 86_401)
    kinds = {text: layout.kind_of(parse(text)) for text in "30s 1m 5m 15m 1h 2h 4h 1d 1w 1M".split()}
    assert kinds == {"30s": "D", "1m": "M", "5m": "M", "15m": "Y", "1h": "Y", "2h": "Y", "4h": "", "1d": "",
                     "1w": "", "1M": ""}  # fmt: skip


@given(
    st.lists(st.integers(-(10**15), 4 * 10**15), min_size=1, max_size=40, unique=True),
    st.sampled_from(["D", "M", "Y", ""]),
)
def test_every_time_lies_in_the_span_of_its_partition(times: list[int], kind: str) -> None:
    ordered = np.array(sorted(times), dtype=np.int64)
    found = layout.part_names(kind, ordered)
    assert [lo for _, lo, _ in found] + [len(ordered)] == [0] + [hi for _, _, hi in found]
    assert [name for name, _, _ in found] == sorted({name for name, _, _ in found})
    for name, lo, hi in found:
        start, end = layout.part_span(kind, name)
        assert (ordered[lo:hi] >= start).all()
        assert (ordered[lo:hi] < end).all()


def test_known_partitions() -> None:
    times = np.array([at("2024-02-29 23:59").value // 1000, at("2024-03-01").value // 1000])
    assert layout.part_names("M", times) == [("2024-02", 0, 1), ("2024-03", 1, 2)]
    assert layout.part_names("Y", times) == [("2024", 0, 2)]
    assert layout.part_names("D", times)[0][0] == "2024-02-29"
    assert layout.part_names("", times) == [("all", 0, 2)]
    assert layout.part_names("M", times[:0]) == []
