"""A store on S3 over real HTTP, through a proxy that counts and goes wrong: nothing lost, nothing torn."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tenacity import wait_none

from lib.candles import resample
from lib.errors import StoreError, UnknownName
from lib.series import Series
from lib.store import Store, layout, open_store
from lib.store.disk import DiskCache
from lib.store.files import LocalFiles
from lib.store.s3 import S3Files
from lib.timeframes import parse
from tests.servers.faulty_proxy import Proxy
from tests.store.make import SERIES, at, candles, check_whole, same

Opening = Callable[..., Store]
OPTIONS = {"key": "AKIDHIDDEN", "secret": "hidden-as-well", "client_kwargs": {"region_name": "us-east-1"}}
# two months of minutes, so that windows cross a border
TABLE = candles("1m", "2024-01-20", 30_000, seed=3)
FOUR = Series.of("test", "BTC/USDT", "4h")


@pytest.fixture(scope="module")
def module_proxy(s3: str) -> Iterator[Proxy]:
    with Proxy(s3) as made:
        yield made


@pytest.fixture
def proxy(module_proxy: Proxy) -> Iterator[Proxy]:
    module_proxy.well()
    yield module_proxy
    module_proxy.well()


@pytest.fixture
def opening(proxy: Proxy) -> Opening:
    """Opens one fresh prefix, each time as another process would."""
    name = uuid.uuid4().hex

    def opened(cache: DiskCache | None = None, url: str = proxy.url, **more: Any) -> Store:
        return Store(S3Files(f"s3://candles/{name}", {"endpoint_url": url, **OPTIONS, **more}, cache))

    return opened


@pytest.fixture(scope="module")
def months(s3: str) -> Callable[[str], Callable[..., Store]]:
    """A store with two months of minutes, filled once: opened at an address."""
    name = uuid.uuid4().hex

    def at_url(url: str) -> Callable[..., Store]:
        return lambda cache=None: Store(
            S3Files(f"s3://candles/{name}", {"endpoint_url": url, **OPTIONS}, cache)
        )

    at_url(s3)().write(SERIES, TABLE, origin="t")
    return at_url


# --------------------------------------------------------------------------------------------- requests


def test_a_window_costs_at_most_two_requests(
    months: Callable[[str], Callable[..., Store]], proxy: Proxy
) -> None:
    opened = months(proxy.url)
    border = TABLE.index.get_loc(at("2024-02-01"))
    for first in (100, border - 1_000, border):
        start, end = TABLE.index[first], TABLE.index[first + 2_000]
        for asked in ({"start": start, "end": end}, {"end": end, "last": 2_000}):
            store = opened()
            proxy.well()
            same(store.read(SERIES, **asked), TABLE.iloc[first : first + 2_000])
            assert 1 <= len(proxy.requests()) <= 2, asked
            # the second look: no bytes of candles
            proxy.well()
            same(store.read(SERIES, **asked), TABLE.iloc[first : first + 2_000])
            assert len(proxy.requests()) <= 2
            assert {each.status for each in proxy.requests()} == {304}
            assert proxy.sent() == 0
    for asked in ({"last": 2_000}, {"last": 300, "timeframe": "1h"}, {"last": 100, "timeframe": "4h"}):
        store = opened()
        proxy.well()
        store.read(SERIES, **asked)
        assert len(proxy.requests()) <= 2, asked
        proxy.well()
        store.read(SERIES, **asked)
        # the manifest alone tells that nothing changed
        assert [(each.status, each.sent) for each in proxy.requests()] == [(304, 0)], asked


def test_coarser_and_newest_windows_that_cross_two_files(opening: Opening, proxy: Proxy) -> None:
    month = pd.Timestamp.now(tz="UTC").floor("D").replace(day=1)
    if pd.Timestamp.now(tz="UTC") - month < pd.Timedelta("20min"):
        month -= pd.Timedelta(days=1)  # the month is too young to have bars of its own
        month = month.replace(day=1)
    now = pd.Timestamp.now(tz="UTC").floor("min")
    live, ended = Series.of("test", "LIVE", "1m"), Series.of("test", "ENDED", "15m")
    start = month - pd.Timedelta(hours=30)
    minutes = candles(
        "1m", str(start.tz_localize(None)), int((now - start) / pd.Timedelta("1min")) - 1, seed=3
    )
    quarters = candles("15m", "2023-12-01", 5_000, seed=4)
    opening().write(live, minutes, origin="t")
    opening().write(ended, quarters, origin="t")
    fives, hours = resample(minutes, parse("5m")), resample(quarters, parse("1h"))
    fresh = int((minutes.index >= month).sum())
    year = hours.index.get_loc(at("2024-01-01"))
    cases: list[tuple[Series, dict[str, Any], Any]] = [
        (live, {"last": fresh + 500}, minutes.iloc[-fresh - 500 :]),
        (live, {"last": len(fives) - 100, "timeframe": "5m"}, fives.iloc[100:]),
        (live, {"start": minutes.index[700]}, minutes.iloc[700:]),
        (ended, {"end": hours.index[year + 20], "last": 90, "timeframe": "1h"}, hours.iloc[year - 70 : year + 20]),
        (ended, {"start": hours.index[year - 9], "end": hours.index[year + 20], "timeframe": "1h"}, hours.iloc[year - 9 : year + 20]),
        (ended, {"end": at("2024-01-08"), "last": 70, "timeframe": "3h"},
         resample(quarters, parse("3h"))[: at("2024-01-07 23:00")].iloc[-70:]),
    ]  # fmt: skip
    for series, asked, expected in cases:
        store = opening()
        store.info(series)  # as a page does first
        proxy.well()
        same(store.read(series, **asked), expected)
        assert len(proxy.requests("GET")) <= 2, asked
        proxy.well()
        same(store.read(series, **asked), expected)
        assert len(proxy.requests("GET")) <= 2, asked
        assert proxy.sent() == 0


def test_what_another_writes_is_seen_by_who_reads_without_the_manifest(
    opening: Opening, proxy: Proxy
) -> None:
    table = candles("15m", "2023-12-01", 9_000, seed=4)
    series = Series.of("test", "Q", "15m")
    opening().write(series, table[:3_000], origin="t")
    store = opening()

    def check(count: int) -> None:
        hours = resample(table[:count], parse("1h"))
        for end in (hours.index[500], hours.index[-1], at("2024-02-01"), at("2026-01-01")):
            store.info(series)
            same(store.read(series, timeframe="1h", end=end, last=400), hours[hours.index < end].iloc[-400:])
        same(store.read(series, timeframe="1h", last=40), hours.iloc[-40:])
        same(store.read(series, timeframe="1h"), hours)

    for count in (3_000, 3_001, 3_100, 9_000):  # the last one begins another year
        opening().write(series, table[:count], origin="t")
        check(count)
    opening().delete(series)
    with pytest.raises(UnknownName):
        store.read(series, timeframe="1h", end=at("2024-01-10"), last=400)


def test_levels_of_a_store_that_came_from_a_folder_are_read_with_its_manifest(
    opening: Opening, tmp_path: Path, proxy: Proxy
) -> None:
    table = candles("15m", "2023-12-01", 3_003, seed=4)
    series = Series.of("test", "Q", "15m")
    folder = Store(LocalFiles(tmp_path))
    folder.write(series, table[:3_000], origin="t")
    folder.write(series, table[3_000:], origin="t")
    store = opening()
    for path in [each for each in folder._files.find("") if not each.startswith("./locks")]:
        clean = path.removeprefix("./")
        found = folder._files.read(clean)
        assert found
        store._files.write(clean, found[0], None)
    hours = resample(table, parse("1h"))
    store.info(series)
    same(store.read(series, timeframe="1h", end=at("2024-06-01"), last=9), hours.iloc[-9:])
    same(store.read(series, timeframe="1h", last=9), hours.iloc[-9:])


def test_edges_of_a_series_read_alike_everywhere(
    months: Callable[[str], Callable[..., Store]], proxy: Proxy
) -> None:
    opened = months(proxy.url)
    for start, end, last in [
        ("2023-12-31", "2024-01-20 01:00", None), ("2024-02-09", "2024-03-02", None), ("2025-01-01", "2025-01-05", None),
        ("2020-01-01", "2020-01-02", None), (None, "2024-01-20 01:00", 500), (None, "2026-01-01", 500),
        (None, "2024-02-01 00:05", 30_000), ("2024-01-31 23:50", "2024-02-05", 700), ("2024-02-02", "2024-02-02", None),
    ]:  # fmt: skip
        low, high = at(start) if start else None, at(end)
        expected = TABLE[(TABLE.index < high) & ((TABLE.index >= low) if low is not None else True)]
        expected = expected if last is None else expected.iloc[-last:]
        store = opened()
        for _ in (1, 2):
            same(store.read(SERIES, start=low, end=high, last=last), expected)
    with pytest.raises(UnknownName):
        opened().read(Series.of("test", "nothing", "1m"), start=at("2024-01-01"), end=at("2024-01-02"))


def test_the_library_is_one_request_at_the_second_look(
    opening: Opening, proxy: Proxy, tmp_path: Path
) -> None:
    for number in range(5):
        opening().write(
            Series.of("test", f"S{number}", "4h"), candles("4h", "2024-01-01", 9, seed=number), origin="t"
        )
    cache = DiskCache(tmp_path, 10**7)
    store = opening(cache)
    assert len(store.list()) == 5
    for again in (store, opening(cache)):
        proxy.well()
        assert len(again.list()) == 5
        assert len(proxy.requests()) == 1
    opening().write(Series.of("test", "S3", "4h"), candles("4h", "2024-02-01", 2), origin="t")
    proxy.well()
    assert sum(info.count for info in store.list()) == 47
    assert len(proxy.requests()) == 2


# ------------------------------------------------------------------------------------------------ cache


def test_another_process_finds_the_cache_and_sees_what_is_new(
    opening: Opening, proxy: Proxy, tmp_path: Path
) -> None:
    day = TABLE.iloc[:3_000]
    opening().write(SERIES, day, origin="t")
    cache = DiskCache(tmp_path / "cache", 10**7)
    same(opening(cache).read(SERIES), day)
    proxy.well()
    held = opening(cache)
    same(held.read(SERIES), day)
    assert proxy.sent() == 0
    # another writer, without that cache: seen at once
    opening().write(SERIES, TABLE.iloc[3_000:3_010], origin="u")
    for store in (held, opening(cache)):
        same(store.read(SERIES), TABLE.iloc[:3_010])
        same(store.read(SERIES, end=TABLE.index[3_010], last=20), TABLE.iloc[2_990:3_010])
        assert store.info(SERIES).count == 3_010
    opening().delete(SERIES)
    for store in (held, opening(cache)):
        with pytest.raises(UnknownName):
            store.read(SERIES)
    # a new series of that name is not mistaken for the old one, though its files are as young
    opening().write(SERIES, day.iloc[:100], origin="t")
    same(held.read(SERIES), day.iloc[:100])
    same(held.read(SERIES, last=50), day.iloc[50:100])


def test_a_damaged_cache_is_not_believed(opening: Opening, tmp_path: Path) -> None:
    opening().write(SERIES, TABLE.iloc[:500], origin="t")
    folder = tmp_path / "cache"
    opening(DiskCache(folder, 10**7)).read(SERIES)
    kept = sorted(folder.iterdir())
    assert kept
    for number, path in enumerate(kept):
        content = path.read_bytes()
        path.write_bytes([content[:-3], content[:-1] + bytes([content[-1] ^ 1]), b"", b"\xff\n"][number % 4])
    same(check_whole(opening(DiskCache(folder, 10**7)), SERIES), TABLE.iloc[:500])


def test_the_cache_stays_under_its_limit(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 10_000)
    for number in range(40):
        cache.put(f"n{number}", bytes(1_000), '"e"')
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 11_000
        cache.get("n0")
    assert cache.get("n0") == (bytes(1_000), '"e"')  # in use
    assert cache.get("n1") is None
    assert cache.get("n39") is not None
    cache.put("huge", bytes(9_000), '"e"')
    assert cache.get("huge") is None
    # where nothing can be kept, nothing fails
    (tmp_path / "file").write_text("x")
    nowhere = DiskCache(tmp_path / "file" / "below", 10_000)
    nowhere.put("a", b"1", "e")
    assert nowhere.get("a") is None


# ----------------------------------------------------------------------------------------------- faults


ANYWHERE = ["500", "503", "429", "cut", "cut answer", "lost answer", "slow"]


@pytest.mark.parametrize(
    ("method", "kind"),
    [*((method, kind) for method in ("GET", "PUT", "DELETE") for kind in ANYWHERE), ("PUT", "409")],
)
def test_faults_lose_and_tear_nothing(opening: Opening, proxy: Proxy, kind: str, method: str) -> None:
    first, second = candles("4h", "2024-01-01", 8, seed=1)[:5], candles("4h", "2024-01-01", 8, seed=1)[3:]
    opening().write(FOUR, first, origin="t", fetched_at=at("2024-05-01"))
    store = opening()
    proxy.fail(kind, method=method, times=3, seconds=0.05)
    assert store.write(FOUR, second, origin="t", fetched_at=at("2024-05-01")).added == 3
    same(check_whole(store, FOUR), candles("4h", "2024-01-01", 8, seed=1))
    if method == "DELETE":
        store.delete(FOUR)
        assert opening().list() == []
    assert all(fault.left == 0 for fault in proxy.faults)


def test_a_fault_that_stays_is_told_and_what_was_there_is_there(
    opening: Opening, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    # how long it waits between the tries is not under test
    monkeypatch.setattr("lib.remote.s3.wait_random_exponential", lambda **_: wait_none())
    table = candles("4h", "2024-01-01", 8, seed=1)
    opening().write(FOUR, table[:4], origin="t")
    for kind, method, said in [
        ("503", "PUT", "asks for fewer requests"), ("500", "GET", "a fault of its own"),
        ("cut", "GET", "no connection"), ("403", "PUT", "access is denied"), ("403", "GET", "access is denied"),
    ]:  # fmt: skip
        proxy.well()
        proxy.fail(kind, method=method, times=1_000)
        with pytest.raises(StoreError, match=said) as caught:
            opening().write(FOUR, table[4:], origin="t")
        assert caught.value.remedy
        assert "hidden" not in f"{caught.value}{caught.value.__cause__}".lower()
        # what cannot pass is not asked seven times
        assert (len(proxy.requests(method)) < 4) == (kind == "403")
        proxy.well()
        same(check_whole(opening(), FOUR), table[:4])
    opening().write(FOUR, table[4:], origin="t")
    same(check_whole(opening(), FOUR), table)


def test_two_writers_under_faults_lose_no_bars(opening: Opening, proxy: Proxy) -> None:
    table = candles("4h", "2024-01-01", 8, seed=1)
    for kind in ("503", "lost answer", "cut answer"):
        proxy.fail(kind, method="PUT", times=4)
        proxy.fail(kind, method="GET", times=2)
    failed: list[BaseException] = []

    def run(numbers: list[int]) -> None:
        try:
            store = opening()
            for number in numbers:
                store.write(FOUR, table.iloc[number : number + 1], origin="t")
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=run, args=(each,)) for each in ([0, 2, 4, 6], [1, 3, 5, 7])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not failed
    same(check_whole(opening(), FOUR), table)


# ------------------------------------------------------------------------------------------ conditions


@pytest.mark.parametrize("dropped", [("If-Match",), ("If-None-Match",), ("If-Match", "If-None-Match")])
def test_a_service_that_ignores_conditions_is_refused(
    s3: str, opening: Opening, dropped: tuple[str, ...]
) -> None:
    with Proxy(s3, dropped=dropped) as careless:
        store = opening(url=careless.url)
        for _ in (1, 2):
            with pytest.raises(StoreError, match="does not check the conditions") as caught:
                store.write(FOUR, candles("4h", "2024-01-01", 3), origin="t")
            assert "MinIO" in caught.value.remedy
        assert store.list() == []
        assert opening()._files.find("probe") == []


def test_a_service_that_does_not_know_conditions_is_refused(s3: str, opening: Opening) -> None:
    with Proxy(s3) as careless:
        careless.fail("501", method="PUT", times=100)
        with pytest.raises(StoreError, match="does not check the conditions"):
            opening(url=careless.url).write(FOUR, candles("4h", "2024-01-01", 3), origin="t")


def test_conditions_are_tried_once(opening: Opening, proxy: Proxy) -> None:
    S3Files._tried.clear()
    for _ in range(2):
        opening().write(FOUR, candles("4h", "2024-01-01", 3), origin="t")
    assert len(proxy.requests("PUT", "/probe/")) == 4
    assert opening()._files.find("probe") == []


# -------------------------------------------------------------------------------------------- addresses


def test_what_is_wrong_with_an_address_is_told(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(url: str, **more: Any) -> str:
        with pytest.raises(StoreError) as caught:
            Store(S3Files(url, {"endpoint_url": proxy.url, **OPTIONS, **more})).list()
        assert "hidden" not in str(caught.value)
        return str(caught.value)

    assert "no such bucket" in refusal("s3://nowhere/x")
    assert "names no bucket" in refusal("s3://")
    assert "no such bucket" in refusal("s3://No_Good/x")
    assert "address of the service" in refusal("s3://candles/x", endpoint_url="not an address")
    assert "no connection" in refusal("s3://candles/x", endpoint_url="http://127.0.0.1:1")
    assert "certificate" in refusal("s3://candles/x", endpoint_url=proxy.url.replace("http:", "https:"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    keyless = refusal("s3://candles/x", key=None, secret=None)
    assert "credentials" in keyless and "AWS_PROFILE" in keyless
    assert "--anonymous" not in keyless  # that is for reading a file


def test_a_store_by_its_setting_alone(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "CANDLEBOOK_STORE": f"s3://candles/{uuid.uuid4().hex}", "AWS_ENDPOINT_URL": s3, "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1", "CANDLEBOOK_CACHE": str(tmp_path / "kept"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    store = open_store()
    table = candles("4h", "2024-01-01", 20)
    store.write(FOUR, table, origin="t")
    same(store.read(FOUR, timeframe="1d"), resample(table, parse("1d")))
    assert list((tmp_path / "kept").iterdir())
    assert layout.manifest_path(FOUR) in store._files.find("series")
