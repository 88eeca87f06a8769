"""Windows over a border of partitions on S3: at most two requests, whatever the market, and always what is stored."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib.candles import resample
from lib.series import Series
from lib.store import Store, pyramid
from lib.store.leads import ROWS
from lib.store.s3 import S3Files
from lib.timeframes import parse
from tests.servers.faulty_proxy import Proxy
from tests.store.make import at, candles, check_whole, same

OPTIONS = {"key": "x", "secret": "x", "client_kwargs": {"region_name": "us-east-1"}}
PAGE = 2_000
Opening = Callable[[], Store]


@pytest.fixture(scope="module")
def module_proxy(s3: str) -> Iterator[Proxy]:
    with Proxy(s3) as proxy:
        yield proxy


@pytest.fixture
def opening(module_proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    """Opens one fresh prefix, each time as another process would."""
    monkeypatch.setattr(pyramid, "PYRAMID", (parse("5m"), parse("1h")))
    # what was read is kept by the store, not by its files
    files = S3Files(f"s3://candles/{uuid.uuid4().hex}", {"endpoint_url": module_proxy.url, **OPTIONS})
    yield lambda: Store(files)
    module_proxy.well()


def in_hours(table: pd.DataFrame) -> pd.DataFrame:
    """A stock exchange's hours: seven of them on a working day."""
    inside = (table.index.hour >= 14) & (table.index.hour < 21) & (table.index.day_of_week < 5)
    return table[inside]


def asked_of(
    table: pd.DataFrame, timeframe: str, borders: list[pd.Timestamp]
) -> Iterator[tuple[dict[str, Any], Any]]:
    """What a page asks for around the borders of partitions, and what is to be answered."""
    frame: dict[str, Any] = {"timeframe": timeframe}
    yield frame | {"last": PAGE}, table.iloc[-PAGE:]
    yield frame | {"end": at("2030-01-01"), "last": PAGE}, table.iloc[-PAGE:]
    for border in borders:
        cut = int(table.index.searchsorted(border))
        end = table.index[min(cut + 3, len(table) - 1)]
        rows = table[table.index < end].iloc[-PAGE:]
        yield frame | {"end": end, "last": PAGE}, rows
        yield frame | {"start": rows.index[0], "end": end}, rows


def check(
    opening: Opening, proxy: Proxy, series: Series, table: pd.DataFrame, borders: list[str], also: str = ""
) -> None:
    base = str(series.timeframe)
    names = [base, *(str(level) for level in pyramid.levels_of(series.timeframe)), *also.split()]
    for name in names:
        whole = table if name == base else resample(table, parse(name), series.timeframe)
        for asked, rows in asked_of(whole, name, [at(each) for each in borders]):
            for page in (False, True):
                store = opening()
                if page:  # it has asked for the manifest before
                    store.info(series)
                for look in ("first", "second"):
                    proxy.well()
                    same(store.read(series, **asked), rows)
                    assert len(proxy.requests()) <= 2, (name, asked, page, look)
                    if look == "second":
                        assert proxy.sent() == 0, (name, asked, page)


def test_windows_of_a_market_with_hours_cost_two_requests(opening: Opening, module_proxy: Proxy) -> None:
    hourly, minutes = Series.of("test", "HOURS", "1h"), Series.of("test", "MINUTES", "5m")
    years = in_hours(candles("1h", "2019-06-01", 30_000, seed=1))
    months = in_hours(candles("5m", "2023-11-01", 30_000, seed=2))
    # a page of these lies in two years, and in two months or more
    assert len(years.loc["2020"]) < PAGE and len(months.loc["2023-12"]) < PAGE
    for series, table in ((hourly, years), (minutes, months)):
        opening().write(series, table, origin="t")
    check(opening, module_proxy, hourly, years, ["2022-01-01"], "3h")
    check(opening, module_proxy, minutes, months, ["2024-01-01"], "10m")


def test_a_series_written_backwards_and_refilled_costs_no_more(opening: Opening, module_proxy: Proxy) -> None:
    series = Series.of("test", "BACK", "15m")
    table = candles("15m", "2022-11-01", 44_000, seed=3)
    hole = slice(5_000, 5_400)  # at the end of 2022
    holed = pd.concat([table.iloc[: hole.start], table.iloc[hole.stop :]])
    for low in range(42_000, -1, -14_000):
        opening().write(series, holed.iloc[low : low + 14_000], origin="t")
    check(opening, module_proxy, series, holed, ["2023-01-01"])
    opening().write(series, table.iloc[hole], origin="t", filled=True)
    check(opening, module_proxy, series, table, ["2023-01-01"])
    opening().unfill(series)
    check_whole(opening(), series)


def test_a_lead_that_is_behind_is_not_believed(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    series = Series.of("test", "BEHIND", "15m")
    table = candles("15m", "2023-11-01", 9_000, seed=4)
    opening().write(series, table, origin="t")
    other = table * 2
    # a program that knows nothing of leads writes older candles again
    writer = opening()
    monkeypatch.setattr(writer._writer._raiser, "leads", False)
    writer.write(series, other.iloc[:5_000], origin="t")
    now = pd.concat([other.iloc[:5_000], table.iloc[5_000:]])
    for name in ("15m", "1h"):
        whole = now if name == "15m" else resample(now, parse(name), parse("15m"))
        for asked, rows in asked_of(whole, name, [at("2024-01-01")]):
            same(opening().read(series, **asked), rows)
    # deleted and made again with other candles: generations begin anew
    opening().delete(series)
    opening().write(series, other, origin="t")
    same(
        opening().read(series, end=at("2024-01-02"), last=PAGE), other[: at("2024-01-01 23:59")].iloc[-PAGE:]
    )


def test_more_than_a_lead_holds_is_read_of_the_partitions(opening: Opening) -> None:
    series = Series.of("test", "LONG", "1h")
    table = in_hours(candles("1h", "2015-06-01", 80_000, seed=5))
    opening().write(series, table, origin="t")
    for count in (ROWS - 1, ROWS + 1, len(table) - 1, len(table) + 1):
        same(opening().read(series, last=count), table.iloc[-count:])
        same(opening().read(series, start=table.index[-min(count, len(table))]), table.iloc[-count:])
    kept = opening().read(series, last=3_000, provenance=True)
    same(kept[table.columns], table.iloc[-3_000:])
    assert set(kept["origin"]) == {"t"}
    # what a caller does to a table stays with the caller
    store = opening()
    taken = store.read(series, last=3_000)
    taken.loc[:, "close"] = np.nan
    same(store.read(series, last=3_000), table.iloc[-3_000:])
