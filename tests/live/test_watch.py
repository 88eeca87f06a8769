"""The watch with a feed that does what the test says: seeding, closing, gaps, silence, retries."""

from __future__ import annotations

import dataclasses
import threading

import pandas as pd
import pytest

from lib import candles
from lib.errors import Blocked, RateLimited, SourceDown, UnknownName
from lib.live.candle_builder import Tick
from lib.live.feeds import Backoff, next_delay, retry_or_fatal
from lib.live.watch import Watch
from lib.store import open_store
from tests.live.conftest import MINUTE, QUICK, START, ScriptedFeed, candle, rows, word
from tests.live.waiting import until


def status(watch: Watch, wanted: str, seconds: float = 10.0):
    return until(watch.snapshot, lambda snap: snap.status == wanted, seconds)


def minutes(table: pd.DataFrame) -> list[int]:
    return ((candles.micros(table) - START) // MINUTE).tolist()


def test_a_chart_starts_with_the_seed_and_goes_on_with_the_stream(feed, watching):
    feed.source.has, feed.source.forming = rows(range(500)), candle(500, 12.0)
    watch = watching()
    snap = status(watch, "live")
    assert minutes(snap.table) == list(range(501))
    assert snap.forming
    assert snap.price == 12.0
    assert "no update yet" in snap.message
    feed.say(word(500, 13.0))
    snap = until(watch.snapshot, lambda s: s.price == 13.0)
    feed.say(word(500, 14.0, closed=True, at=60), word(501, 15.0))
    snap = until(watch.snapshot, lambda s: s.price == 15.0)
    assert snap.table["close"].iloc[-2:].tolist() == [14.0, 15.0]
    assert minutes(snap.table) == list(range(502))
    assert (snap.gaps, snap.message) == ((), "Live from Scripted exchange.")
    assert snap.last_message_at is not None
    assert snap.connected_at <= snap.last_message_at


def test_snapshots_do_not_change_and_versions_grow(feed, watching):
    watch = watching()
    first = status(watch, "live")
    table = first.table.copy()
    feed.say(word(3, 20.0))
    second = until(watch.snapshot, lambda s: s.price == 20.0)
    assert second.version > first.version
    pd.testing.assert_frame_equal(first.table, table)
    with pytest.raises(dataclasses.FrozenInstanceError):
        second.price = 1.0
    mine = second.table
    mine.loc[mine.index[0], "close"] = -1.0
    assert second.table["close"].iloc[0] == 11.0  # one reader's change is not another's


def test_the_table_is_built_once_a_version(feed, watching, monkeypatch):
    watch = watching()
    snap = status(watch, "live")
    assert snap.lazy.table() is watch.snapshot().lazy.table()
    assert snap.table is not snap.table


def test_closed_candles_are_stored_and_the_forming_one_is_not(feed, watching, tmp_path):
    store = open_store(str(tmp_path / "s"))
    watch = watching(store)
    status(watch, "live")
    feed.say(word(3, 20.0, closed=True, at=60), word(4, 21.0))
    until(watch.snapshot, lambda s: s.price == 21.0)
    until(lambda: len(stored(store, watch)), lambda n: n == 4)
    kept = stored(store, watch)
    assert minutes(kept) == [0, 1, 2, 3]
    assert kept["close"].tolist() == [11.0, 11.0, 11.0, 20.0]
    assert kept["origin"].tolist() == ["scripted REST"] * 3 + ["scripted stream"]
    assert not kept["filled"].any()


def stored(store, watch) -> pd.DataFrame:
    try:
        return store.read(watch.series, provenance=True)
    except UnknownName:
        return candles.empty()


def test_stored_candles_before_the_seed_are_shown_as_far_as_there_is_no_hole(feed, watching, tmp_path):
    store = open_store(str(tmp_path / "s"))
    feed.source.has = rows(range(20, 30))
    watch = watching()
    store.write(watch.series, rows(range(5)), origin="x")
    store.write(watch.series, rows(range(10, 20)), origin="x")
    other = watching(store)
    assert minutes(status(other, "live").table) == list(range(10, 30))


def test_what_was_missed_is_a_gap_until_it_is_fetched(feed, watching):
    watch = watching()
    status(watch, "live")
    feed.say(word(3, 12.0, at=30))
    until(watch.snapshot, lambda s: s.price == 12.0)
    feed.source.down = SourceDown("The exchange is away.")
    feed.inbox.put(SourceDown("The line was cut."))
    feed.say(word(7, 17.0))
    snap = until(watch.snapshot, lambda s: s.price == 17.0)
    assert [tuple(minutes(pd.DataFrame(index=pd.DatetimeIndex(gap)))) for gap in snap.gaps] == [(3, 7)]
    assert minutes(snap.table) == [0, 1, 2, 7]  # nothing is stitched
    assert snap.status == "live"
    feed.source.has, feed.source.down = rows(range(7), 16.0), None
    snap = until(watch.snapshot, lambda s: not s.gaps)
    assert minutes(snap.table) == list(range(8))
    assert snap.table["close"].iloc[3:].tolist() == [16.0] * 4 + [17.0]
    assert feed.source.asked[-1] == (3, 7)
    assert feed.attempts == 2


def test_a_short_break_inside_one_candle_leaves_no_gap(feed, watching):
    watch = watching()
    status(watch, "live")
    feed.say(word(3, 12.0, at=10))
    feed.inbox.put(SourceDown("The line was cut."))
    feed.say(word(3, 13.0, at=40))
    snap = until(watch.snapshot, lambda s: s.price == 13.0)
    assert snap.gaps == ()
    assert minutes(snap.table) == [0, 1, 2, 3]


def test_a_candle_the_provider_does_not_have_stops_being_missed(feed, watching):
    watch = watching()
    status(watch, "live")
    feed.say(word(5, 15.0))
    until(watch.snapshot, lambda s: s.price == 15.0 and s.gaps)
    snap = until(watch.snapshot, lambda s: not s.gaps)
    assert minutes(snap.table) == [0, 1, 2, 5]
    assert feed.source.asked == [(3, 5)] * 3


def test_refetched_candles_are_stored(feed, watching, tmp_path):
    store = open_store(str(tmp_path / "s"))
    watch = watching(store)
    status(watch, "live")
    feed.source.has = rows(range(5), 16.0)
    feed.say(word(5, 15.0))
    until(lambda: len(stored(store, watch)), lambda n: n == 5)
    assert stored(store, watch)["close"].tolist() == [11.0, 11.0, 11.0, 16.0, 16.0]


def test_silence_is_stale_then_a_new_connection(feed, watching):
    watch = watching()
    status(watch, "live")
    snap = status(watch, "stale")
    assert "has sent nothing for" in snap.message
    assert feed.open == 1
    until(lambda: feed.attempts, lambda n: n >= 2)
    feed.say(word(3, 14.0))
    assert until(watch.snapshot, lambda s: s.price == 14.0).status == "live"
    assert feed.most_open == 1


def test_it_keeps_trying_and_says_when(feed, watching):
    feed.refuse = SourceDown("The exchange is out of order (HTTP 503).")
    watch = watching()
    snap = status(watch, "failed")
    assert snap.message == "The exchange is out of order (HTTP 503)."
    assert snap.next_try_at is not None
    until(lambda: feed.attempts, lambda n: n >= 4)
    feed.refuse = None
    feed.say(word(3, 14.0))
    snap = until(watch.snapshot, lambda s: s.price == 14.0)
    assert (snap.status, snap.next_try_at) == ("live", None)


def test_a_lost_connection_is_reconnecting_first_and_failed_later(feed, watching):
    watch = watching()
    status(watch, "live")
    feed.say(word(3, 14.0))
    until(watch.snapshot, lambda s: s.price == 14.0)
    feed.refuse = SourceDown("Nobody answers.")
    feed.inbox.put(SourceDown("The line was cut."))
    assert "The line was cut." in status(watch, "reconnecting").message
    snap = status(watch, "failed")
    assert "Nobody answers." in snap.message
    assert len(snap.table) == 4  # what was known stays on the screen


def test_an_unknown_symbol_is_not_tried_again(feed, watching):
    feed.source.down = UnknownName("There is no symbol A.", remedy="Did you mean B?")
    watch = watching()
    snap = status(watch, "failed")
    assert snap.message == "There is no symbol A. Did you mean B?"
    assert snap.next_try_at is None
    assert feed.attempts == 0
    feed.source.down = None
    watch.retry()
    status(watch, "live")


def test_a_source_that_hangs_has_failed_after_the_time_to_reach_it(feed, watching, monkeypatch):
    release = threading.Event()
    real = feed.seed
    monkeypatch.setattr(feed, "seed", lambda *args: (release.wait(20), real(*args))[1])
    watch = watching()
    assert watch.snapshot().status == "connecting"
    assert "has not answered for 0.3 seconds" in status(watch, "failed").message
    release.set()
    status(watch, "live")


def test_nobody_reading_ends_it(feed, watching):
    watch = watching(timing=dataclasses.replace(QUICK, idle=0.3))
    status(watch, "live")
    until(lambda: watch.alive, lambda alive: not alive)
    assert feed.open == 0
    snap = watch.snapshot()
    assert (snap.status, snap.message) == ("stopped", "The feed stopped: nobody was reading it.")


def test_a_fault_of_ours_is_told_and_leaves_no_connection(feed, watching):
    watch = watching()
    status(watch, "live")
    feed.inbox.put([object()])  # type: ignore[list-item]
    assert "fault of ours" in status(watch, "failed").message
    assert feed.open == 0


class BrokenStore:
    """Refuses to write until told otherwise."""

    def __init__(self) -> None:
        self.works = False
        self.tables: list[pd.DataFrame] = []

    def write(self, series, table, **more):
        if not self.works:
            raise OSError(28, "No space left on device")
        self.tables.append(table)


def test_a_store_that_refuses_never_stops_the_feed_and_loses_nothing(feed, watching):
    store = BrokenStore()
    watch = watching(store)
    status(watch, "live")
    feed.say(word(3, 14.0, closed=True, at=60))
    until(lambda: watch._recorder.problem)
    feed.say(word(4, 15.0))
    snap = until(watch.snapshot, lambda s: s.price == 15.0 and "stored" in s.message)
    assert snap.status == "live"
    assert "New candles could not be stored" in snap.message
    assert "No space left" in snap.message
    store.works = True
    until(
        lambda: sorted(minute for table in store.tables for minute in minutes(table)), lambda m: len(m) >= 4
    )
    assert sorted({minute for table in store.tables for minute in minutes(table)}) == [0, 1, 2, 3]


def test_stopping_stores_what_waits(feed, watching, tmp_path):
    store = open_store(str(tmp_path / "s"))
    watch = watching(store, dataclasses.replace(QUICK, record=3600.0))
    status(watch, "live")
    until(lambda: len(stored(store, watch)), lambda n: n == 3)
    feed.say(word(3, 14.0, closed=True, at=60))
    until(watch.snapshot, lambda s: s.price == 14.0)
    assert len(stored(store, watch)) == 3  # one write in the time set
    watch.stop()
    assert minutes(stored(store, watch)) == [0, 1, 2, 3]


def test_a_feed_of_ticks_is_seeded_anew_after_a_break(feed: ScriptedFeed, watching):
    feed.ticks = True
    watch = watching()
    status(watch, "live")
    feed.say(Tick(START + 3 * MINUTE + 5, 21.0, 1.0))
    until(watch.snapshot, lambda s: s.price == 21.0)
    feed.source.has, feed.source.forming = rows(range(1, 5), 12.0), candle(5, 13.0)
    feed.inbox.put(SourceDown("The line was cut."))
    snap = until(watch.snapshot, lambda s: s.price == 13.0)
    assert minutes(snap.table) == [0, 1, 2, 3, 4, 5]
    assert snap.gaps == ()
    feed.upto_us = START + 6 * MINUTE - 1
    feed.say(Tick(START + 5 * MINUTE + 5, 23.0, 1.0))
    assert until(watch.snapshot, lambda s: s.price == 23.0).forming
    feed.upto_us = START + 6 * MINUTE  # nothing comes, but its time is over
    snap = until(watch.snapshot, lambda s: not s.forming)
    assert snap.table.iloc[-1].tolist() == [10.0, 50.0, 5.0, 23.0, 3.0]


# ------------------------------------------------------------------------------------------- policy


def test_waits_double_up_to_the_cap_and_jitter_stays_within_its_part():
    delays = Backoff(1.0, 2.0, 10.0, 0.0).delays()
    assert [next(delays) for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    low, high = Backoff(1.0, 2.0, 60.0, 0.2).delays(lambda: 0.0), Backoff().delays(lambda: 1.0)
    assert [next(low) for _ in range(3)] == [0.8, 1.6, 3.2]
    assert [next(high) for _ in range(3)] == [1.2, 2.4, 4.8]
    assert max(next(high) for _ in range(20)) == 60.0


def test_retry_or_fatal():
    wrong = UnknownName("No such symbol.")
    assert retry_or_fatal(wrong) is wrong
    for error in (SourceDown("x"), RateLimited("x"), Blocked("x", status=451)):
        assert retry_or_fatal(error) is None


def test_the_wait_suits_the_error():
    delays = iter([1.0, 2.0, 4.0])
    assert next_delay(SourceDown("x", planned=True), delays, 60.0) == 0.0
    assert next_delay(SourceDown("x", planned=True), iter([3.0]), 60.0, heard=False) == 3.0
    assert next_delay(SourceDown("x"), delays, 60.0) == 1.0
    assert next_delay(RateLimited("x", retry_after=17.0), delays, 60.0) == 17.0
    assert next_delay(Blocked("x", status=451), delays, 60.0) == 60.0
