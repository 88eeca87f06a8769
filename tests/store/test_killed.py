"""kill -9 of a download into a store on S3: what had come is in a journal of this machine."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lib.series import Series
from lib.store import Store, open_store
from lib.sync import download
from tests.scripted import Scripted
from tests.store.make import candles

SERIES = Series.of("scripted", "X", "1h")
TABLE = candles("1h", "2024-01-01", 300, seed=1)
PAGE = 10


def _open(address: str, server: str) -> Store:
    options = {
        "endpoint_url": server, "key": "x", "secret": "x", "client_kwargs": {"region_name": "us-east-1"},
    }  # fmt: skip
    return open_store(address, options=options)


def _download_and_die(address: str, server: str, page: int) -> None:
    def die(number: int) -> None:
        if number == page:
            os.kill(os.getpid(), signal.SIGKILL)

    download(_open(address, server), Scripted({"X": TABLE}, size=PAGE, before=die), "X", "1h")


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CANDLEBOOK_CACHE", str(tmp_path / "cache"))
    return f"s3://candles/{tmp_path.name}"


def _killed(*args: Any) -> None:
    child = mp.get_context("spawn").Process(target=_download_and_die, args=args)
    child.start()
    child.join(120)
    assert child.exitcode == -signal.SIGKILL


def test_a_killed_download_into_a_bucket_fetches_no_page_again(address: str, s3: str) -> None:
    """Twice: before anything was merged, and after."""
    _killed(address, s3, 9)
    assert _open(address, s3).list() == []
    _killed(address, s3, 16)
    source = Scripted({"X": TABLE}, size=PAGE)
    done = download(_open(address, s3), source, "X", "1h")
    assert (done.recovered, done.requests) == (160, 30 - 9 - 16)
    pd.testing.assert_frame_equal(_open(address, s3).read(SERIES), TABLE, check_freq=False)


def test_journals_of_two_services_and_of_deleted_series_are_no_ones(
    address: str, tmp_path: Path, s3: str
) -> None:
    store = _open(address, s3)
    journal = store.journal(SERIES)
    assert journal.keeps
    journal.append(TABLE, "here", pd.Timestamp.now(tz="UTC"), {"source": "scripted", "known": []})
    journal.close()
    other = _open(address, s3.replace("127.0.0.1", "localhost")).journal(SERIES)
    assert [*other.left()] == []
    other.close()
    again = _open(address, s3).journal(SERIES)
    assert len([*again.left()]) == 1
    again.close()
    store.write(SERIES, TABLE[:5], origin="t")
    store.delete(SERIES)
    gone = store.journal(SERIES)
    assert [*gone.left()] == []
    gone.close()
    assert not [*(tmp_path / "cache").rglob("*.pages")]


def test_where_the_folder_cannot_be_made_each_page_is_merged(
    address: str, tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CANDLEBOOK_CACHE", str(tmp_path / "file"))
    store, seen = _open(address, s3), []

    def look(number: int) -> None:
        if number:
            seen.append(store.info(SERIES).count)

    download(store, Scripted({"X": TABLE[:30]}, size=PAGE, before=look), "X", "1h")
    assert seen == [10, 20]
