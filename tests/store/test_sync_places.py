"""A download, a refill and a fill into every kind of place."""

from __future__ import annotations

import pandas as pd

from lib.series import Series
from lib.store import Store
from lib.sync import download, fill, holes, refill, unfill, update
from tests.scripted import Scripted
from tests.store.conftest import Opener
from tests.store.make import candles, check_whole, same

SERIES = Series.of("scripted", "X", "1h")


def test_what_is_synced_is_there_with_its_records(store: Store, reopen: Opener) -> None:
    table = candles("1h", "2024-01-01", 600, seed=1)
    source = Scripted({"X": table.drop(table.index[100:150]).drop(table.index[300:310])}, size=150)
    assert download(store, source, "X", "1h", table.index[0], table.index[500]).added == 440
    assert update(reopen(), source, "X", "1h", table.index[0]).added == 100
    again = reopen()
    assert [entry.outcome for entry in again.ledger(SERIES)] == ["done", "done"]
    assert {state.state for state in again.gap_states(SERIES)} == {"unfillable"}
    assert download(again, source, "X", "1h", table.index[0], table.index[-1]).requests == 0
    other = Scripted({"X": table.iloc[:200]}, name="other")
    found = holes(again, SERIES, name="24/7")
    assert refill(again, other, SERIES, found.spans()).added == 50
    assert fill(again, SERIES, holes(again, SERIES, name="24/7").spans()) == 10
    check_whole(reopen(), SERIES)
    assert unfill(reopen(), SERIES) == 10
    same(check_whole(reopen(), SERIES), table.drop(table.index[300:310]))
    reopen().delete(SERIES)
    assert (reopen().ledger(SERIES), reopen().gap_states(SERIES)) == ((), ())


def test_pages_reach_a_place_without_a_journal(store: Store, reopen: Opener) -> None:
    """Where nothing is kept meanwhile, no more than ten pages wait; what waits when a source fails is stored."""
    table = candles("1h", "2024-01-01", 240, seed=1)
    seen: list[tuple[int, int]] = []

    def look(number: int) -> None:
        if number in (10, 20, 22):
            seen.append((number, sum(info.count for info in reopen().list())))

    download(store, Scripted({"X": table}, size=10, before=look), "X", "1h")
    assert len(seen) == 3
    assert all(10 * number - there <= (200 if store.is_local else 100) for number, there in seen)
    pd.testing.assert_frame_equal(reopen().read(SERIES), table, check_freq=False)
