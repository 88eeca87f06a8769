"""Two app processes on one local store: each sees at once what the other wrote, and neither loses any."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import pytest

from lib.candles import resample
from lib.store import Store
from lib.store.files import LocalFiles
from lib.timeframes import parse
from tests.store.children import HOURS, bars_at, chunk, take_turns, write_and_look
from tests.store.make import check_whole, same

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a fork server")
_fork = (
    multiprocessing.get_context("forkserver") if sys.platform != "win32" else multiprocessing.get_context()
)
_fork.set_forkserver_preload(["tests.store.children"])


def test_caches_of_both_see_the_others_write_at_once(tmp_path: Path) -> None:
    store = Store(LocalFiles(tmp_path))
    ours, theirs = _fork.Pipe()
    process = _fork.Process(target=take_turns, args=(str(tmp_path), theirs))
    process.start()
    theirs.close()
    written: set[int] = set()
    for turn in range(12):
        mine, other = 2 * turn, 2 * turn + 1
        store.write(HOURS, chunk(mine), origin="t")
        written.add(mine)
        # everything of the series is held in this process now; then the other one writes
        for last in (None, 5):
            store.read(HOURS, last=last)
        store.closes(HOURS)
        ours.send(other)
        closes, count, revision = ours.recv()
        written.add(other)
        expected = bars_at(written)
        assert closes == expected["close"].tolist()
        assert (count, revision) == (len(expected), store.revision(HOURS))
        same(store.read(HOURS), expected)
        same(store.read(HOURS, timeframe="1d"), resample(expected, parse("1d")))
        same(store.read(HOURS, last=5), expected.iloc[-5:])
        assert store.info(HOURS) == store.list()[0]
        assert store.info(HOURS).count == len(expected)
        assert store.closes(HOURS)[-1] == expected["close"].iloc[-1]
    ours.send(None)
    process.join(30)
    assert process.exitcode == 0
    check_whole(store, HOURS)


def test_both_write_and_read_at_full_speed(tmp_path: Path) -> None:
    shares = [list(range(0, 40, 2)), list(range(1, 40, 2))]
    pipes = [_fork.Pipe(duplex=False) for _ in shares]
    started = [
        _fork.Process(target=write_and_look, args=(str(tmp_path), share, theirs))
        for share, (_, theirs) in zip(shares, pipes, strict=True)
    ]
    for process in started:
        process.start()
    of_others = [ours.recv() for ours, _ in pipes]
    for process in started:
        process.join(60)
        assert process.exitcode == 0
    assert max(of_others) > 0  # they did meet
    same(check_whole(Store(LocalFiles(tmp_path)), HOURS), bars_at(set(range(40))))
