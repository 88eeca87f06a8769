"""What a store promises, in every kind of place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lib.candles import COLUMNS, PROVENANCE, empty, resample
from lib.errors import InputError, StoreError, UnknownName
from lib.series import Series
from lib.store import Event, Store, Written, open_store
from lib.store.files import LocalFiles
from lib.timeframes import parse
from tests.store.conftest import Opener
from tests.store.make import SERIES, at, candles, check_whole, same

TABLE = candles("1m", "2024-01-30 20:00", 4000, seed=1, gaps=0.2, unknown=0.1)


def test_what_is_written_is_read_back_also_after_opening_anew(store: Store, reopen: Opener) -> None:
    assert store.write(SERIES, TABLE, origin="t") == Written(added=len(TABLE))
    for each in (store, reopen()):
        same(check_whole(each, SERIES), TABLE)


def test_nothing_is_there_at_first(store: Store) -> None:
    assert store.list() == []
    for ask in (store.read, store.info, store.revision, store.delete, store.closes, store.annotate):
        with pytest.raises(UnknownName, match="no series BTC/USDT 1m"):
            ask(SERIES)


def test_writing_no_candles_makes_no_series(store: Store) -> None:
    assert store.write(SERIES, empty(), origin="t") == Written()
    assert store.list() == []


def test_upserts_say_what_they_did(store: Store) -> None:
    store.write(SERIES, TABLE.iloc[:100], origin="t", fetched_at=at("2024-05-01"))
    later = TABLE.iloc[50:150].copy()
    later.iloc[:10, 3] = later.iloc[:10, 1]
    told = store.write(SERIES, later, origin="u", fetched_at=at("2024-05-02"))
    assert told == Written(added=50, changed=10, unchanged=40, revised=10)
    same(store.read(SERIES, last=100), later)
    # an older fetch does not win
    told = store.write(SERIES, TABLE.iloc[:150], origin="t", fetched_at=at("2024-05-01"))
    assert told == Written(unchanged=150)
    same(store.read(SERIES, last=100), later)
    check_whole(store, SERIES)


def test_what_was_revised_is_told(store: Store) -> None:
    store.write(SERIES, TABLE.iloc[:150], origin="t")
    # bars that were made up and give way were not revised, nor was the newest one
    made = TABLE.iloc[150:160]
    store.write(SERIES, made * 3, origin="t", filled=True)
    assert store.write(SERIES, TABLE.iloc[140:160] * 5, origin="t") == Written(changed=20, revised=10)
    assert store.write(SERIES, TABLE.iloc[155:162] * 2, origin="t") == Written(2, 5, 0, 4)
    check_whole(store, SERIES)


def test_writing_the_same_again_changes_nothing_at_all(store: Store) -> None:
    store.write(SERIES, TABLE, origin="t", fetched_at=at("2024-05-01"))
    before = store.revision(SERIES)
    assert store.write(SERIES, TABLE, origin="t", fetched_at=at("2024-05-01")).unchanged == len(TABLE)
    assert store.revision(SERIES) == before
    store.write(SERIES, TABLE.iloc[:1], origin="t", fetched_at=at("2024-05-02"))
    assert store.revision(SERIES) != before


def test_provenance_stays_with_each_bar(store: Store) -> None:
    store.write(SERIES, TABLE.iloc[:3000], origin="first", fetched_at=at("2024-05-01"))
    store.write(SERIES, TABLE.iloc[2990:3010], origin="second", fetched_at=at("2024-05-02"))
    store.write(SERIES, TABLE.iloc[3005:], origin="made up", fetched_at=at("2024-05-03"), filled=True)
    kept = store.read(SERIES, provenance=True)
    assert list(kept.columns) == COLUMNS + PROVENANCE
    assert kept["origin"].tolist() == ["first"] * 2990 + ["second"] * 20 + ["made up"] * (len(TABLE) - 3010)
    assert kept["filled"].sum() == store.info(SERIES).filled == len(TABLE) - 3010
    assert str(kept["fetched_at"].dtype) == "datetime64[us, UTC]"
    assert kept["fetched_at"].iloc[2995] == at("2024-05-02")
    same(kept[COLUMNS], TABLE)
    # an observed bar replaces a filled one, even from an older fetch
    assert store.write(SERIES, TABLE.iloc[-5:], origin="seen", fetched_at=at("2020-01-01")).changed == 5
    assert store.info(SERIES).filled == len(TABLE) - 3015
    window = store.read(SERIES, start=TABLE.index[2985], end=TABLE.index[2995], provenance=True)
    assert window["origin"].tolist() == ["first"] * 5 + ["second"] * 5
    check_whole(store, SERIES)


def test_what_is_read_belongs_to_the_reader(store: Store) -> None:
    store.write(SERIES, TABLE, origin="t")
    for _ in range(2):
        read = store.read(SERIES, last=10)
        same(read, TABLE.iloc[-10:])
        read.iloc[:, :] = 1.0


def test_info_and_list(store: Store) -> None:
    begun = pd.Timestamp.now("UTC") - pd.Timedelta("1s")
    store.write(SERIES, TABLE, origin="t")
    store.write(Series.of("test", "AAA", "1h"), candles("1h", "2024-01-01", 5), origin="t")
    store.write(Series.of("a", "ZZZ", "1d"), candles("1d", "2024-01-01", 5), origin="t")
    store.write(Series.of("a", "ZZZ", "4h"), candles("4h", "2024-01-01", 5), origin="t")
    assert [info.series.slug for info in store.list()] == [
        "a:ZZZ:4h",
        "a:ZZZ:1d",
        "test:AAA:1h",
        "test:BTC%2FUSDT:1m",
    ]
    info = store.info(SERIES)
    assert info == store.list()[-1]
    assert (info.first, info.last, info.count) == (TABLE.index[0], TABLE.index[-1], len(TABLE))
    assert begun < info.updated_at <= pd.Timestamp.now("UTC")
    assert 10_000 < info.size_bytes < 1_000_000
    assert [
        str(frame) for frame in info.timeframes
    ] == "1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()
    assert [str(f) for f in store.info(Series.of("a", "ZZZ", "1d")).timeframes] == ["1d", "3d", "1w", "1M"]


def test_annotations(store: Store, reopen: Opener) -> None:
    store.write(SERIES, TABLE.iloc[:5], origin="t")
    assert store.info(SERIES).title is None
    split = Event(at("2024-01-31"), "split", "2:1 split")
    early = Event(at("2023-01-31"), "note", "Größe")
    before = store.revision(SERIES)
    store.annotate(SERIES, title="Bitcoin", events=[split, early])
    assert store.revision(SERIES) != before
    store.annotate(SERIES, synthetic=True)
    store.write(SERIES, TABLE.iloc[5:9], origin="t")
    info = reopen().info(SERIES)
    assert (info.title, info.synthetic, info.events) == ("Bitcoin", True, (early, split))
    store.annotate(SERIES, events=[])
    assert store.info(SERIES).events == ()


def test_delete_removes_everything(store: Store, reopen: Opener) -> None:
    other = SERIES.at(parse("1h"))
    store.write(SERIES, TABLE, origin="t")
    store.write(other, candles("1h", "2024-01-01", 50), origin="t")
    before = store.revision(SERIES)
    store.delete(SERIES)
    for each in (store, reopen()):
        with pytest.raises(UnknownName):
            each.read(SERIES)
        assert [info.series for info in each.list()] == [other]
    assert store.write(SERIES, TABLE.iloc[-3:], origin="t").added == 3
    same(check_whole(reopen(), SERIES), TABLE.iloc[-3:])
    assert store.revision(SERIES) != before


def test_closes_for_a_small_line(store: Store) -> None:
    store.write(SERIES, TABLE, origin="t")
    line = store.closes(SERIES, 60)
    assert 30 <= len(line) <= 60
    assert line[-1] == TABLE["close"].iloc[-1]
    assert np.isfinite(line).all()
    short = SERIES.at(parse("1d"))
    store.write(short, candles("1d", "2024-01-01", 5), origin="t")
    assert len(store.closes(short)) == 5
    store.write(short, candles("1d", "2024-01-06", 1), origin="t")
    assert len(store.closes(short)) == 6


def test_notes(store: Store, reopen: Opener) -> None:
    assert store.note("seen") is None
    store.set_note("seen", ["x"])
    store.set_note("other", 1)
    assert reopen().note("seen") == ["x"]
    assert store.list() == []


# ------------------------------------------------------------------------------------------ timeframes


@pytest.fixture(scope="module")
def fifty_days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, pd.DataFrame]:
    store = Store(LocalFiles(tmp_path_factory.mktemp("fifty")))
    table = candles("1m", "2023-12-20", 60 * 24 * 50, seed=2, gaps=0.3)
    store.write(SERIES, table, origin="t")
    return store, table


@pytest.mark.parametrize(
    "step", ["1m", "3m", "5m", "15m", "1h", "3h", "4h", "6h", "1d", "3d", "1w", "1M", "3M"]
)
def test_coarser_candles_in_any_window(fifty_days: tuple[Store, pd.DataFrame], step: str) -> None:
    store, table = fifty_days
    whole = resample(table, parse(step)) if step != "1m" else table
    same(store.read(SERIES, timeframe=step), whole)
    for start, end in [("2023-12-31 10:31", "2024-01-04 07:07"), ("2024-01-01", "2024-02-01"), ("2020-01-01", "2023-12-25"),
                       ("2024-01-10 00:00:30", "2024-01-10 00:00:40"), ("2025-01-01", "2026-01-01")]:  # fmt: skip
        expected = whole[(whole.index >= at(start)) & (whole.index < at(end))]
        same(store.read(SERIES, timeframe=step, start=at(start), end=at(end)), expected)
        for last in (1, 3, 100_000):
            same(
                store.read(SERIES, timeframe=step, end=at(end), last=last),
                whole[whole.index < at(end)].iloc[-last:],
            )
    assert not len(store.read(SERIES, timeframe=step, last=0))


def test_a_timeframe_that_cannot_be_shown_is_refused(store: Store) -> None:
    hourly = SERIES.at(parse("1h"))
    store.write(hourly, candles("1h", "2024-01-01", 50), origin="t")
    for step in ("1m", "45m", "90m"):
        with pytest.raises(InputError, match="cannot be shown"):
            store.read(hourly, timeframe=step)
    with pytest.raises(InputError, match="no zone"):
        store.read(hourly, start=pd.Timestamp("2024-01-01"))


def test_ranges_may_be_in_any_zone(local: Opener) -> None:
    store = local()
    store.write(SERIES, TABLE, origin="t")
    start = at("2024-01-31 05:00")
    same(store.read(SERIES, start=start.tz_convert("Asia/Tokyo")), TABLE[TABLE.index >= start])
    odd = start.as_unit("ns") + pd.Timedelta(1, "ns")
    same(store.read(SERIES, start=odd), TABLE[TABLE.index > start])
    same(store.read(SERIES, end=odd), TABLE[TABLE.index <= start])


# ---------------------------------------------------------------------------------------------- opening


def test_one_store_for_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_store(str(tmp_path)) is open_store(str(tmp_path))
    monkeypatch.setenv("CANDLEBOOK_STORE", str(tmp_path))
    assert open_store() is open_store(str(tmp_path))
    as_url = open_store(tmp_path.as_uri())
    as_url.write(SERIES, TABLE.iloc[:3], origin="t")
    same(open_store().read(SERIES), TABLE.iloc[:3])


def test_an_address_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store("nosuch://x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="file"):
        Store(LocalFiles(tmp_path / "file")).write(SERIES, TABLE, origin="t")
