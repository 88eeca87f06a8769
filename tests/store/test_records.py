"""What is written down beside the candles: syncs, states of gaps, pages not merged yet; filled bars out again."""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.candles import micros
from lib.errors import CorruptFile, InputError, UnknownName
from lib.series import Series
from lib.store import GapState, LedgerEntry, Store
from lib.store.files import LocalFiles
from lib.store.records import ENTRIES
from lib.store.spans import Row, merged
from tests.store.conftest import Opener
from tests.store.make import SERIES, at, candles, check_whole, same

BEGAN = at("2024-05-01 12:00").as_unit("us")
ENTRY = LedgerEntry(BEGAN, "binance", None, at("2024-02-01").as_unit("us"), 3, 1000, 0, 1, "running", "one")


# ------------------------------------------------------------------------------------------------- ledger


def test_the_ledger_keeps_what_is_logged(store: Store, reopen: Opener) -> None:
    with pytest.raises(UnknownName):
        store.log(SERIES, ENTRY)
    store.write(SERIES, candles("1m", "2024-01-01", 10), origin="t")
    assert store.ledger(SERIES) == ()
    store.log(SERIES, ENTRY)
    assert reopen().ledger(SERIES) == (ENTRY,)
    done = replace(ENTRY, requests=9, outcome="done", note="")
    store.log(SERIES, done)
    assert reopen().ledger(SERIES) == (done,)
    later = replace(ENTRY, at=BEGAN + pd.Timedelta(hours=1), start=at("2024-01-01").as_unit("us"))
    store.log(SERIES, later)
    third = replace(later, at=BEGAN + pd.Timedelta(hours=2), outcome="failed", note="no answer")
    store.log(SERIES, third)
    # the second never told its end, and can still
    assert store.ledger(SERIES) == (done, replace(later, outcome="interrupted"), third)
    store.log(SERIES, replace(later, outcome="cancelled"))
    assert [one.outcome for one in reopen().ledger(SERIES)] == ["done", "cancelled", "failed"]
    store.delete(SERIES)
    store.write(SERIES, candles("1m", "2024-01-01", 10), origin="t")
    assert store.ledger(SERIES) == ()


def test_the_ledger_is_bounded(local: Opener) -> None:
    store = local()
    store.write(SERIES, candles("1m", "2024-01-01", 10), origin="t")
    first = tuple(replace(ENTRY, at=BEGAN + pd.Timedelta(seconds=n), outcome="done") for n in range(ENTRIES))
    path = Path(store.url) / "records/test/BTC%2FUSDT/1m/ledger.json"
    for entry in first[:3]:
        store.log(SERIES, entry)
    from lib.store import records

    rows = [records._entry_row(entry) for entry in first]
    path.write_text(f'{{"format":1,"rows":{rows}}}'.replace("None", "null").replace("'", '"'))
    store.log(SERIES, replace(ENTRY, at=BEGAN + pd.Timedelta(days=1)))
    kept = store.ledger(SERIES)
    assert len(kept) == ENTRIES
    assert kept[0] == first[1]
    assert kept[-1].at == BEGAN + pd.Timedelta(days=1)


def test_logs_of_several_threads_are_all_there(store: Store, reopen: Opener) -> None:
    store.write(SERIES, candles("1m", "2024-01-01", 10), origin="t")
    stores = [reopen() for _ in range(4)]

    def work(which: int) -> None:
        for n in range(5):
            stores[which].log(
                SERIES, replace(ENTRY, at=BEGAN + pd.Timedelta(seconds=10 * n + which), outcome="done")
            )

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.ledger(SERIES)) == 20


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format":2,"rows":[]}', '{"rows":[]}'])
def test_a_damaged_record_is_named(local: Opener, text: str) -> None:
    store = local()
    store.write(SERIES, candles("1m", "2024-01-01", 10), origin="t")
    store.set_gap_states(SERIES, [GapState(at("2024-01-01"), at("2024-01-02"), "ignored")])
    path = Path(store.url) / "records/test/BTC%2FUSDT/1m/gaps.json"
    path.write_text(text)
    with pytest.raises(CorruptFile, match=r"gaps\.json"):
        store.gap_states(SERIES)
    with pytest.raises(CorruptFile, match=r"gaps\.json"):
        store.set_gap_states(SERIES, [GapState(at("2024-01-01"), at("2024-01-02"), "ignored")])
    assert path.read_text() == text


# ---------------------------------------------------------------------------------------------- gap states


def test_states_lie_over_each_other(store: Store, reopen: Opener) -> None:
    store.write(SERIES, candles("1m", "2024-01-01", 10), origin="t")
    d = {n: at(f"2024-01-{n:02d}").as_unit("us") for n in range(1, 20)}

    def state(start: int, end: int, what: str, by: str = "", note: str = "") -> GapState:
        return GapState(d[start], d[end], what, by, BEGAN, note)  # type: ignore[arg-type]

    store.set_gap_states(SERIES, [state(1, 4, "unfillable", "one"), state(3, 9, "unfillable", "two")])
    store.set_gap_states(SERIES, [state(4, 6, "unfillable", "one"), state(2, 3, "ignored", "reader")])
    assert reopen().gap_states(SERIES) == (
        state(1, 6, "unfillable", "one"), state(2, 3, "ignored", "reader"), state(3, 9, "unfillable", "two"),
    )  # fmt: skip
    store.set_gap_states(SERIES, [state(2, 5, "detected")])
    assert store.gap_states(SERIES) == (
        state(1, 2, "unfillable", "one"), state(2, 5, "detected"),
        state(5, 6, "unfillable", "one"), state(5, 9, "unfillable", "two"),
    )  # fmt: skip
    store.set_gap_states(
        SERIES, [state(3, 4, "unfillable", "three"), state(6, 7, "unfillable", "one", "odd")]
    )
    assert store.gap_states(SERIES) == (
        state(1, 2, "unfillable", "one"), state(2, 3, "detected"), state(3, 4, "unfillable", "three"),
        state(4, 5, "detected"), state(5, 6, "unfillable", "one"), state(5, 9, "unfillable", "two"),
        state(6, 7, "unfillable", "one", "odd"),
    )  # fmt: skip
    with pytest.raises(InputError, match="no state of a gap"):
        store.set_gap_states(SERIES, [state(3, 3, "ignored")])
    with pytest.raises(InputError, match="no state of a gap"):
        store.set_gap_states(SERIES, [state(3, 4, "odd")])
    store.delete(SERIES)
    assert store.gap_states(SERIES) == ()


WORDS = st.sampled_from(
    [
        ("unfillable", "a"),
        ("unfillable", "b"),
        ("ignored", ""),
        ("filled", "m"),
        ("filling", "a"),
        ("filling", "b"),
        ("", ""),
        ("", "a"),
        ("detected", ""),
    ]
)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 15), WORDS), max_size=30))
def test_every_moment_has_the_last_word_of_each_layer(given_: list[tuple[int, int, tuple[str, str]]]) -> None:
    """Against a table of one cell a moment."""
    cells: list[dict[str, str]] = [{} for _ in range(60)]
    rows: list[Row] = []
    for n, (start, length, (state, by)) in enumerate(given_):
        rows = merged(rows, [Row(start, start + length, state, by, n, "")])
        for cell in cells[start : start + length]:
            if state == "detected":
                cell.clear()
            if state == "unfillable":
                cell[by] = "unfillable"
                if cell.get("") == "detected":
                    del cell[""]
                if cell.get("now") == by:
                    del cell["now"]
            elif state == "filling":
                cell["now"] = by
            elif state == "":
                if not by:
                    cell.clear()
                elif cell.get("now") == by:
                    del cell["now"]
            else:
                cell[""] = state
    assert all(row.start < row.end for row in rows)
    assert rows == sorted(rows)
    for moment, cell in enumerate(cells):
        here = [row for row in rows if row.start <= moment < row.end]
        found = {
            "now" if row.state == "filling" else row.by if row.state == "unfillable" else "": (
                row.by if row.state == "filling" else row.state
            )
            for row in here
        }
        assert len(found) == len(here)
        assert found == cell
    gaps = [row for row in rows if row.state == "unfillable"]
    assert not [(a, b) for a in gaps for b in gaps if a.by == b.by and a.end == b.start], (
        "spans that touch and say the same are one"
    )


def test_the_calendar_is_kept(store: Store, reopen: Opener) -> None:
    store.write(SERIES, candles("1m", "2024-01-01", 10), origin="t")
    assert store.info(SERIES).calendar == ""
    store.annotate(SERIES, calendar="forex")
    store.annotate(SERIES, title="A title")
    store.write(SERIES, candles("1m", "2024-01-02", 10), origin="t")
    assert reopen().info(SERIES).calendar == "forex"
    store.annotate(SERIES, calendar="")
    assert store.info(SERIES).calendar == ""


# ------------------------------------------------------------------------------------------------- journal


def test_pages_left_in_a_journal_are_found_whole(local: Opener) -> None:
    store = local()
    pages = [candles("1m", "2024-01-01", 50, seed=1), candles("1m", "2024-01-02", 50, seed=2)]
    journal = store.journal(SERIES)
    assert journal.keeps
    assert [*journal.left()] == []
    for n, page in enumerate(pages):
        journal.append(page, "here", BEGAN, {"n": n})
    assert not store.journal(SERIES).keeps, "one download at a time holds it"
    journal.close()
    journal.close()
    again = store.journal(SERIES)
    left = [*again.left()]
    assert [said["n"] for said, _ in left] == [0, 1]
    for (_, table), page in zip(left, pages, strict=True):
        same(table[page.columns], page)
        assert set(table["origin"]) == {"here"}
        assert set(table["fetched_at"]) == {BEGAN}
    again.clear()
    assert [*again.left()] == []
    again.close()
    assert not [*Path(store.url).rglob("*.pages")]


def test_a_journal_cut_anywhere_gives_the_pages_before_the_cut(local: Opener) -> None:
    store = local()
    journal = store.journal(SERIES)
    sizes = [0]
    path = Path(store.url) / "journal/test/BTC%2FUSDT/1m.pages"
    for n in range(3):
        journal.append(candles("1m", "2024-01-01", 5, seed=n), "here", BEGAN, {"n": n})
        sizes.append(path.stat().st_size)
    journal.close()
    data = path.read_bytes()
    for cut in [*range(0, len(data), 97), *sizes, *(size - 1 for size in sizes[1:])]:
        path.write_bytes(data[:cut])
        held = store.journal(SERIES)
        assert len([*held.left()]) == sum(size <= cut for size in sizes[1:])
        held.close()
    path.write_bytes(data[:-20] + b"\0" * 20)
    held = store.journal(SERIES)
    assert len([*held.left()]) == 2
    held.close()


def _append_and_die(folder: str) -> None:
    journal = Store(LocalFiles(Path(folder))).journal(SERIES)
    journal.append(candles("1m", "2024-01-01", 5), "here", BEGAN, {})
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_dead_holder_lets_go_and_what_it_kept_is_there(local: Opener) -> None:
    store = local()
    child = mp.get_context("spawn").Process(target=_append_and_die, args=(store.url,))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    journal = store.journal(SERIES)
    assert journal.keeps
    assert len([*journal.left()]) == 1
    journal.close()


def test_where_nothing_can_be_kept_nothing_is(reopen: Opener, request: pytest.FixtureRequest) -> None:
    store = reopen()
    journal = store.journal(SERIES)
    assert journal.keeps == store.is_local
    journal.append(candles("1m", "2024-01-01", 5), "here", BEGAN, {})
    assert len([*journal.left()]) == int(store.is_local)
    journal.clear()
    journal.close()


# -------------------------------------------------------------------------------------------------- unfill


HOURS = Series.of("test", "K", "2h")


def _with_filled(store: Store) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Observed bars with holes, and what fills them: single bars, weeks, and the whole of 2023."""
    every = candles("2h", "2022-12-01", 12 * 460, seed=3)
    random = np.random.default_rng(4)
    keep = random.random(len(every)) > 0.02
    keep[100:200] = False
    keep[every.index.year == 2023] = False
    keep[[0, -1]] = True
    store.write(HOURS, every[keep], origin="t")
    store.write(HOURS, every[~keep], origin="forward fill", filled=True)
    return every[keep], every[~keep]


def test_filled_bars_go_out_again(store: Store, reopen: Opener) -> None:
    observed, filled = _with_filled(store)
    check_whole(store, HOURS)
    assert store.info(HOURS).filled == len(filled)
    low, high = at("2022-12-10 10:00"), at("2023-11-10")
    inside = (filled.index >= low) & (filled.index < high)
    assert store.unfill(HOURS, low, high) == inside.sum()
    left = check_whole(reopen(), HOURS)
    assert len(left) == len(observed) + len(filled) - inside.sum()
    assert store.unfill(HOURS) == len(filled) - inside.sum()
    same(check_whole(reopen(), HOURS), observed)
    assert store.unfill(HOURS) == 0
    # the empty year can be written to again
    store.write(HOURS, filled, origin="t")
    check_whole(reopen(), HOURS)
    assert store.info(HOURS).filled == 0


def test_filled_bars_at_the_end_go_too(store: Store, reopen: Opener) -> None:
    every = candles("1m", "2024-01-01", 5000, seed=5)
    store.write(SERIES, every.iloc[:3000], origin="t")
    store.write(SERIES, every.iloc[3000:4000], origin="t", filled=True)
    assert store.unfill(SERIES) == 1000
    same(check_whole(reopen(), SERIES), every.iloc[:3000])
    store.write(SERIES, every.iloc[4500:], origin="t")
    check_whole(reopen(), SERIES)


def test_a_series_of_filled_bars_alone_is_not_emptied(store: Store) -> None:
    store.write(SERIES, candles("1m", "2024-01-01", 50), origin="t", filled=True)
    with pytest.raises(InputError, match="Delete it"):
        store.unfill(SERIES)
    assert store.info(SERIES).count == 50


@pytest.mark.parametrize("step", range(1, 10))
def test_an_unfill_cut_short_is_finished(local: Opener, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Stopped at each file it puts: the filled bars of a partition are there, or they are not."""

    class _Killed(BaseException):
        pass

    store = local()
    observed, filled = _with_filled(store)
    write, puts = LocalFiles.write, 0

    def dies(self: LocalFiles, *args: object, **more: object) -> object:
        nonlocal puts
        puts += 1
        if puts == step:
            raise _Killed
        return write(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalFiles, "write", dies)
    with pytest.raises(_Killed):
        store.unfill(HOURS)
    monkeypatch.setattr(LocalFiles, "write", write)
    left = check_whole(local(), HOURS)
    assert np.isin(micros(observed), micros(left)).all()
    assert set(left.index) <= set(observed.index) | set(filled.index)
    local().unfill(HOURS)
    same(check_whole(local(), HOURS), observed)


def test_unfill_and_write_at_once_lose_nothing(store: Store, reopen: Callable[[], Store]) -> None:
    every = candles("1m", "2024-01-01", 600, seed=6)
    store.write(SERIES, every.iloc[::2], origin="t")
    store.write(SERIES, every.iloc[1::2], origin="t", filled=True)
    fresh = candles("1m", "2024-01-01 10:00", 8, seed=7)
    others = [reopen() for _ in range(2)]

    def work(which: int) -> None:
        for n in range(which, 8, 2):
            others[which].write(SERIES, fresh.iloc[n : n + 1], origin="t")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    store.unfill(SERIES)
    for thread in threads:
        thread.join()
    kept = check_whole(reopen(), SERIES)
    assert set(kept.index) == set(every.index[::2]) | set(fresh.index)
