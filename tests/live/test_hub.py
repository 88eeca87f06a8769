"""The register of watches, with the demo feed in it."""

from __future__ import annotations

import importlib
import sys
import threading

import pandas as pd
import pytest

from lib.errors import InputError, UnknownName
from lib.live import feeds, hub
from lib.sources import registry
from lib.sources.demo import Demo
from lib.store import open_store
from lib.timeframes import parse
from tests.live.waiting import until


def live(watch: hub.Watch) -> hub.Snapshot:
    return until(watch.snapshot, lambda snap: snap.status == "live" and snap.forming)


def live_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("live ")]


def test_one_watch_for_all_readers_of_a_series():
    first = hub.watch("demo", "DEMO-BTC", "1m")
    assert hub.watch("demo", "DEMO-BTC", "M1") is first
    assert hub.watch("demo", "DEMO-BTC", "5m") is not first
    assert len(hub.watches()) == 2
    assert len(live_threads()) == 2


def test_many_sessions_at_once_start_one_feed():
    found, gate = [], threading.Barrier(12)

    def session() -> None:
        gate.wait()
        found.append(hub.watch("demo", "DEMO-ETH", "1m"))

    threads = [threading.Thread(target=session) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert live_threads() == ["live DEMO-ETH 1m (demo)"]


def test_the_demo_feed_shows_what_its_source_has():
    watch = hub.watch("demo", "DEMO-BTC", "1s")
    start = live(watch)
    assert start.synthetic
    assert len(start.table) == 501
    end = until(watch.snapshot, lambda s: len(s.table) >= 504)
    closed = end.table.iloc[: len(end.table) - end.forming]
    pages = Demo().pages("DEMO-BTC", parse("1s"), closed.index[0], closed.index[-1] + pd.Timedelta("1s"))
    expected = pd.concat([page.table for page in pages])
    pd.testing.assert_frame_equal(closed, expected, check_exact=True, check_freq=False)
    assert end.gaps == ()


def test_closed_candles_reach_the_store_marked_as_synthetic(tmp_path):
    store = open_store(str(tmp_path / "s"))
    watch = hub.watch("demo", "DEMO-EUR", "1s", store, timing=hub.Timing(record=0.05))
    live(watch)
    until(watch.snapshot, lambda s: len(s.table) >= 503)
    hub.stop_all()
    kept = store.read(watch.series, provenance=True)
    assert len(kept) >= 501
    assert set(kept["origin"]) == {"demo history", "demo stream"}
    assert store.info(watch.series).synthetic
    truth = pd.concat(
        [
            page.table
            for page in Demo().pages(
                "DEMO-EUR", parse("1s"), kept.index[0], kept.index[-1] + pd.Timedelta("1s")
            )
        ]
    )
    pd.testing.assert_frame_equal(
        kept[truth.columns.tolist()], truth, check_exact=True, check_freq=False, check_names=False
    )


def test_a_stopped_watch_makes_way_for_a_new_one():
    first = hub.watch("demo", "DEMO-BTC", "1m")
    live(first)
    hub.stop(first)
    assert first.snapshot().status == "stopped"
    second = hub.watch("demo", "DEMO-BTC", "1m")
    assert second is not first
    live(second)
    assert len(live_threads()) == 1


def test_edited_code_finds_the_feeds_that_run():
    """Streamlit forgets every module of the app when a file of it is edited."""
    first = hub.watch("demo", "DEMO-BTC", "1m")
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "lib"}
    try:
        for name in kept:
            del sys.modules[name]
        again = importlib.import_module("lib.live.hub")
        assert again is not hub
        assert again.watch("demo", "DEMO-BTC", "1m") is first
        assert len(live_threads()) == 1
        again.stop_all()
        assert live_threads() == []
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "lib"]:
            del sys.modules[name]
        sys.modules.update(kept)


def test_feeds_and_sources_agree():
    assert list(feeds.names()) == sorted(feeds.names())
    assert [name for name in registry.names() if registry.get(name).live] == list(feeds.names())
    for name in feeds.names():
        assert feeds.get(name).source.name == name


def test_wrong_names_are_refused_at_once():
    with pytest.raises(UnknownName, match="nowhere"):
        hub.watch("nowhere", "X", "1m")
    with pytest.raises(InputError, match="no candles of 7m"):
        hub.watch("demo", "DEMO-BTC", "7m")
    with pytest.raises(InputError):
        hub.watch("demo", "", "1m")
    assert hub.watches() == ()


def test_an_unknown_symbol_fails_with_the_reason():
    snap = until(hub.watch("demo", "BTC", "1m").snapshot, lambda s: s.status == "failed")
    assert snap.message.startswith("The demo feed has no symbol 'BTC'. It has DEMO-BTC")
    assert len(snap.table) == 0
    assert snap.price is None
