"""Several processes at once: writers, a reader under a writer, and kill -9."""

from __future__ import annotations

import multiprocessing
import random
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from lib.candles import micros
from lib.errors import CandlebookError
from lib.series import Series
from lib.store import Store, layout
from lib.store.files import LocalFiles
from lib.timeframes import parse
from tests.store.children import HOURS, append_bars, bars_at, chunk, write_chunks
from tests.store.conftest import Opener
from tests.store.make import SERIES, at, candles, check_whole, same

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and a fork server")
_fork = (
    multiprocessing.get_context("forkserver") if sys.platform != "win32" else multiprocessing.get_context()
)
_fork.set_forkserver_preload(["tests.store.children"])


def test_two_processes_do_not_lose_each_others_bars(tmp_path: Path) -> None:
    shares = [list(range(0, 30, 2)), list(range(1, 30, 2)), list(range(30, 40))]
    started = [_fork.Process(target=write_chunks, args=(str(tmp_path), share)) for share in shares]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
        assert process.exitcode == 0
    same(check_whole(Store(LocalFiles(tmp_path)), HOURS), bars_at(set(range(40))))


def test_two_writers_do_not_lose_each_others_bars_in_any_place(reopen: Opener) -> None:
    """Each with a store of its own; on S3 nothing but conditional puts stands between them."""
    failed: list[BaseException] = []
    series = SERIES.at(parse("4h"))  # one file, so that every write meets
    table = candles("4h", "2024-01-01", 8, seed=1)

    def run(numbers: list[int]) -> None:
        try:
            store = reopen()
            for number in numbers:
                store.write(series, table.iloc[number : number + 1], origin="t")
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=run, args=(numbers,)) for numbers in ([0, 2, 4, 6], [1, 3, 5, 7])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not failed
    same(check_whole(reopen(), series), table)


def test_a_writer_killed_50_times_loses_no_committed_candle(tmp_path: Path) -> None:
    """SIGKILL at random moments. What the writer said was written is there, each file parses, every
    level fits the base, and the next writer goes on."""
    dice = random.Random(5)
    committed: set[int] = set()
    interrupted = 0
    pace = 0.0  # seconds for a write, on this machine
    for round_ in range(50):
        begin = len(committed)
        ours, theirs = _fork.Pipe(duplex=False)
        process = _fork.Process(
            target=write_chunks, args=(str(tmp_path), list(range(begin, begin + 1000)), theirs)
        )
        process.start()
        theirs.close()
        # most at a random moment after a first write, some from the very start
        if round_ % 5:
            committed.add(ours.recv())
        if round_ == 1:
            begun = time.monotonic()
            committed.update(ours.recv() for _ in range(4))
            pace = (time.monotonic() - begun) / 4
        time.sleep(dice.uniform(0, 3 * pace))
        process.kill()
        process.join()
        while True:
            try:
                committed.add(ours.recv())
            except EOFError:
                break
        store = Store(LocalFiles(tmp_path))
        found = store._manifests.open(layout.manifest_path(HOURS))
        interrupted += bool(found and found[0].pending)
        if not committed:
            continue
        base = check_whole(store, HOURS) if round_ % 5 == 4 else store.read(HOURS)
        # the write under way may be there or not; nothing else may
        sure, more = bars_at(committed), bars_at(committed | {max(committed) + 1})
        assert set(micros(sure)) <= set(micros(base)) <= set(micros(more))
        same(base, more[more.index.isin(base.index)])
        committed = set(range(len(base) // 3))
        assert len(base) % 3 == 0
    assert len(committed) > 20
    assert interrupted > 3  # the dice did hit writes, not only the time between them
    Store(LocalFiles(tmp_path)).write(HOURS, chunk(5000), origin="t")
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_reader_under_a_writer_never_fails(tmp_path: Path) -> None:
    table = candles("1m", "2024-01-01", 3000, seed=1)
    place = LocalFiles(tmp_path)
    Store(place).write(SERIES, table, origin="t")
    process = _fork.Process(target=append_bars, args=(str(tmp_path), 12))
    process.start()
    store = Store(place)
    reads, sizes = 0, [0]
    while process.is_alive():
        base = store.read(SERIES, start=at("2024-01-02"))
        assert base["close"].iloc[0] == table["close"].loc[base.index[0]]
        hours = store.read(SERIES, timeframe="1h", last=30)
        assert len(hours) == 30
        assert store.info(SERIES).count >= 3000
        sizes.append(len(base))
        reads += 1
    process.join(10)
    assert process.exitcode == 0
    assert sizes == sorted(sizes)
    assert reads > 5
    assert len(store.read(SERIES)) == 3012
    check_whole(store, SERIES)


def test_writers_of_two_timeframes_of_one_symbol_leave_each_others_drafts_alone(local: Opener) -> None:
    """Their manifests lie in one folder, under two locks."""
    days = SERIES.at(parse("1d"))
    table, other = candles("1m", "2024-01-01", 200, seed=1), candles("1d", "2020-01-01", 200, seed=2)
    failed: list[BaseException] = []

    def run(series: Series, bars: pd.DataFrame) -> None:
        try:
            store = local()
            for number in range(60):
                store.write(series, bars.iloc[number : number + 1], origin="t")
        except CandlebookError as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in ((SERIES, table), (days, other))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    same(check_whole(local(), SERIES), table.iloc[:60])
    same(check_whole(local(), days), other.iloc[:60])
