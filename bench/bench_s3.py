"""Windows of a store on S3 at 30 ms a request: requests, bytes and time, against ``pq.read_table``."""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pyarrow.parquet as pq
import s3fs
from moto.server import ThreadedMotoServer

from bench import Result
from bench.bench_store import SERIES, WINDOW, _walk
from lib.store import Store, layout
from lib.store.disk import DiskCache
from lib.store.s3 import S3Files
from tests.servers.faulty_proxy import Proxy

BARS = 200_000
LATENCY = 0.03
ROUNDS = 12


def run(bars: int = BARS, rounds: int = ROUNDS) -> list[Result]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    table = _walk(bars)
    try:
        with Proxy(f"http://{host}:{port}") as proxy, tempfile.TemporaryDirectory() as folder:
            _fill(proxy, table)
            proxy.latency = LATENCY
            return _measured(proxy, table, Path(folder), rounds)
    finally:
        server.stop()


def _options(proxy: Proxy) -> dict[str, Any]:
    return {
        "endpoint_url": proxy.url,
        "key": "x",
        "secret": "x",
        "client_kwargs": {"region_name": "us-east-1"},
    }


def _store(proxy: Proxy, cache: DiskCache | None = None) -> Store:
    """A store that has read nothing, but is connected, as one of a running app is."""
    files = S3Files("s3://bench/store", _options(proxy), cache)
    files.tag("nothing")
    return Store(files)


def _fill(proxy: Proxy, table: pd.DataFrame) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=proxy.url,
        aws_access_key_id="x",
        aws_secret_access_key="x",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="bench")
    _store(proxy).write(SERIES, table, origin="bench")


def _measured(proxy: Proxy, table: pd.DataFrame, folder: Path, rounds: int) -> list[Result]:
    months = table.index.tz_localize(None).to_period("M")
    borders = [int(at) - WINDOW // 2 for at in (months[1:] != months[:-1]).nonzero()[0][:3]]
    steps = [int(number * (len(table) - WINDOW) / rounds) for number in range(rounds)] + borders
    first, second, other, newest, asked, sent, again = [], [], [], [], [], [], []
    cache = DiskCache(folder / "cache", 100_000_000)
    for at in steps:
        span = {"start": table.index[at], "end": table.index[at + WINDOW - 1] + pd.Timedelta(minutes=1)}
        read = _reader(_store(proxy), span)
        first.append(_timed(proxy, read))
        asked.append(len(proxy.requests()))
        sent.append(proxy.sent())
        second.append(_timed(proxy, read))
        again.append(proxy.sent())
        _timed(proxy, _reader(_store(proxy, cache), span))  # fills the cache
        other.append(_timed(proxy, _reader(_store(proxy, cache), span)))
        again.append(proxy.sent())
        newest.append(_timed(proxy, _reader(_store(proxy), {"last": WINDOW})))
    plain, requests, bytes_ = _plain(proxy, table, steps)
    ratio = plain / statistics.median(first)
    return [
        Result("S3, 30 ms: window of 2,000 bars, requests at most", max(asked), "requests", "at most 2", max(asked) <= 2,
               f"median {statistics.median(sent) / 1e6:.2f} MB; windows over the border of two months included"),
        Result("S3, 30 ms: window of 2,000 bars, against pq.read_table through s3fs", ratio, "x faster", "at least 2", ratio >= 2,
               f"{statistics.median(first) * 1e3:.0f} ms against {plain * 1e3:.0f} ms with {requests:.0f} requests and {bytes_ / 1e6:.2f} MB"),
        Result("S3, 30 ms: the newest 2,000 bars", statistics.median(newest) * 1e3, "ms", "", True),
        Result("S3, 30 ms: second look, bytes of bodies", max(again), "bytes", "at most 0", max(again) == 0,
               f"{statistics.median(second) * 1e3:.0f} ms in the same process, {statistics.median(other) * 1e3:.0f} ms in a new one: "
               "one request that tells that nothing changed"),
    ]  # fmt: skip


def _reader(store: Store, span: dict[str, Any]) -> Callable[[], pd.DataFrame]:
    return lambda: store.read(SERIES, **span)


def _plain(proxy: Proxy, table: pd.DataFrame, steps: list[int]) -> tuple[float, float, float]:
    """Median time, requests and bytes of reading the one month's file, whole, as pyarrow does it."""
    files = s3fs.S3FileSystem(**_options(proxy), use_listings_cache=False, skip_instance_cache=True)
    files.exists("bench/nothing")
    taken, requests, bytes_ = [], [], []
    for at in steps:
        path = layout.level_path(SERIES, SERIES.timeframe, f"{table.index[at]:%Y-%m}")
        taken.append(_timed(proxy, lambda path=path: pq.read_table(f"bench/store/{path}", filesystem=files)))
        requests.append(len(proxy.requests()))
        bytes_.append(proxy.sent())
    return statistics.median(taken), statistics.median(requests), statistics.median(bytes_)


def _timed(proxy: Proxy, call: Callable[[], object]) -> float:
    proxy.well()
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
