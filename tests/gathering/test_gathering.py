"""Files on their way into the store: what is compared, what is kept on disk, and the commands that do the same."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import export
from lib.cli.importing import _choices, import_files
from lib.errors import InputError, StoreError
from lib.files import Choices
from lib.files.packed import unpacking
from lib.gathering import Asked, Basket, Checked, Given, Room, clashes, commands, grouped, join, store_all
from lib.series import Series
from lib.store import Store, open_store
from lib.timeframes import parse
from tests.files.written import table

H1, D1 = parse("1h"), parse("1d")


def bytes_of(part: pd.DataFrame) -> bytes:
    return export.to_bytes(part, "csv")


def changed(part: pd.DataFrame, *rows: int) -> pd.DataFrame:
    made = part.copy()
    made.iloc[list(rows), 4] = 123.0
    return made


@pytest.fixture
def room() -> Any:
    with Room(spill=True) as made:
        yield made


def check(room: Room, name: str, part: pd.DataFrame) -> Checked:
    return room.check(name, bytes_of(part), Choices())


# ---------------------------------------------------------------------------------------------- checked


def test_candles_wait_on_disk_and_come_back_the_same(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.gathering.checked._PIECE", 100)
    made = check(room, "a.csv", table(250))
    pieces = list(made.tables())
    assert [len(each) for each in pieces] == [100, 100, 50]
    pd.testing.assert_frame_equal(pd.concat(pieces), table(250), check_freq=False)
    pd.testing.assert_frame_equal(made.newest(60), table(250).iloc[-60:], check_freq=False)
    [kept] = room.path.iterdir()
    made.close()
    assert not kept.exists()
    room.close()
    assert not room.path.exists()


def test_a_room_without_owner_leaves_nothing() -> None:
    basket = Basket()
    basket.look(Given("k", "a.csv", bytes_of(table(30)), "a.csv"))
    folder = basket.folder
    assert list(folder.iterdir())
    del basket
    assert not folder.exists()


def test_a_room_that_cannot_be_written_is_told(room: Room) -> None:
    room.path.rmdir()
    with pytest.raises(InputError, match="could not be kept until they are stored"):
        check(room, "a.csv", table(30))


# ---------------------------------------------------------------------------------------------- joining


@pytest.mark.parametrize("large", [False, True])
def test_parts_that_contradict_are_shown_in_pieces_too(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    monkeypatch.setattr("lib.gathering.checked._PIECE", 7)
    parts = {"a.csv": table(200)[:120], "b.csv": changed(table(200)[80:], 5, 30), "c.csv": table(200)[110:]}
    if large:  # these come in parts of their own
        monkeypatch.setattr(unpacking, "LARGE", 0)
    made = []
    for name, part in parts.items():
        (tmp_path / name).write_bytes(bytes_of(part))
        made.append(room.check(name, tmp_path / name, Choices()))
    found = list(clashes(made))
    assert [(each.one, each.other, each.count) for each in found] == [
        ("a.csv", "b.csv", 2),
        ("b.csv", "c.csv", 1),
    ]
    assert list(found[0].first.index) == [table(200).index[85], table(200).index[110]]
    pd.testing.assert_frame_equal(found[0].first, table(200).iloc[[85, 110]], check_freq=False)
    assert list(found[0].second["volume"]) == [123.0, 123.0]
    with pytest.raises(
        InputError, match=r"a\.csv and b\.csv have other figures for 2024-03-04 13:00:00, and for 2 times"
    ):
        join(made, None)
    assert join(made, "last") == made
    assert join(made, "first") == made[::-1]
    for each in made:
        each.close()


def given_as(base: Checked, name: str, part: pd.DataFrame, pieces: int, reads: list[str]) -> Checked:
    """A checked file of these candles in so many pieces; ``reads`` gets its name whenever it is read."""

    def tables() -> Iterator[pd.DataFrame]:
        reads.append(name)
        edges = [len(part) * at // pieces for at in range(pieces + 1)]
        return (part.iloc[a:b] for a, b in pairwise(edges))

    span = (part.index[0], part.index[-1]) if len(part) else (None, None)
    return replace(
        base, name=name, tables=tables, report=replace(base.report, first=span[0], last=span[1], rows_out=len(part))
    )  # fmt: skip


@cache
def checked_once() -> Checked:
    with Room(spill=False) as room:
        return check(room, "a.csv", table(3))


FILES = st.lists(
    st.tuples(st.dictionaries(st.integers(0, 40), st.sampled_from([1.0, 2.0, float("nan")])), st.integers(1, 3)),
    max_size=5,
)  # fmt: skip


@given(FILES)
@settings(max_examples=40)
def test_contradictions_are_those_of_every_pair(files: list[tuple[dict[int, float], int]]) -> None:
    """Files of a few candles whose volumes differ, against dictionaries."""
    base, whole, made = checked_once(), table(41), []
    for number, (volumes, pieces) in enumerate(files):
        part = whole.iloc[sorted(volumes)].copy()
        part["volume"] = [volumes[at] for at in sorted(volumes)]
        made.append(given_as(base, str(number), part, pieces, []))
    wanted = []
    for (one, (a, _)), (other, (b, _)) in combinations(enumerate(files), 2):
        unlike = [
            at for at in a.keys() & b.keys() if a[at] != b[at] and not (a[at] != a[at] and b[at] != b[at])
        ]
        if unlike:
            wanted.append((str(one), str(other), len(unlike)))
    assert [(each.one, each.other, each.count) for each in clashes(made)] == wanted


def test_parts_that_overlap_and_agree_are_read_once_each(room: Room) -> None:
    """Not once for each of the others: sixty of them would be read 3,540 times."""
    reads: list[str] = []
    base = check(room, "a.csv", table(3))
    whole = table(200)
    files = [given_as(base, str(at), whole.iloc[at : at + 100], 3, reads) for at in range(60)]
    alone = given_as(base, "alone", table(400).iloc[300:], 3, reads)
    assert list(clashes([*files, alone])) == []
    assert sorted(reads) == sorted(each.name for each in files)


def test_files_of_one_symbol_and_timeframe_are_parts_of_one_series(room: Room) -> None:
    a, b = check(room, "a.csv", table(80)[:50]), check(room, "b.csv", table(80)[40:])
    days = check(room, "c.csv", table(30, step="1D"))
    groups = grouped([a, days, b], dict.fromkeys([a, b, days], "X"), "file", None)
    assert [(str(each.series), each.files) for each in groups] == [
        ("X 1h (file)", [a, b]), ("X 1d (file)", [days]),
    ]  # fmt: skip
    said: list[float] = []
    done = store_all(open_store(), groups, lambda each, part: said.append(part))
    assert said == sorted(said)
    assert said[-1] == 1.0
    assert [(each.file.name, each.written and each.written.added) for each in done] == [
        ("a.csv", 50), ("b.csv", 30), ("c.csv", 30),
    ]  # fmt: skip
    pd.testing.assert_frame_equal(open_store().read(Series("file", "X", H1)), table(80), check_freq=False)


@pytest.mark.parametrize("together", [1, 70, 10_000])
def test_many_files_are_stored_as_one_after_the_other(
    room: Room, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """However many are stored at once: the same candles of the same files, and the same counts of each."""
    monkeypatch.setattr("lib.gathering.joining._TOGETHER", together)
    every = table(240, step="15min")
    rows = [every[:50], every[40:90] * 2, every[90:200], every[60:140] * 3, every[200:]]
    made = [check(room, f"{at}.csv", one) for at, one in enumerate(rows)]
    group = grouped(made, dict.fromkeys(made, "X"), "file", "last")[0]
    store = open_store()
    done = store_all(store, [group])
    plain = Series("test", "Y", group.series.timeframe)
    told = [store.write(plain, one, origin=f"{at}.csv") for at, one in enumerate(rows)]
    assert [each.written for each in done] == told
    assert told[3].changed == 80
    found, expected = (store.read(each, provenance=True) for each in (group.series, plain))
    pd.testing.assert_frame_equal(found.drop(columns="fetched_at"), expected.drop(columns="fetched_at"))
    assert (group.stored, group.first, group.last) == (330, every.index[0], every.index[-1])


def test_a_store_that_fails_is_not_asked_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [check(room, f"{name}.csv", table(30)) for name in "abc"]
    asked: list[str] = []
    real = Store.write_all

    def write_all(self: Store, series: Series, *args: Any, **kwargs: Any) -> Any:
        asked.append(series.symbol)
        if series.symbol == "b":
            raise StoreError("The disk is full.")
        return real(self, series, *args, **kwargs)

    monkeypatch.setattr(Store, "write_all", write_all)
    done = store_all(open_store(), grouped(made, {each: each.name[0] for each in made}, "file", None))
    assert asked == ["a", "b"]
    assert [(each.written is not None, str(each.error or "")) for each in done] == [
        (True, ""), (False, "The disk is full."), (False, "The disk is full."),
    ]  # fmt: skip


# ----------------------------------------------------------------------------------------------- basket


def test_a_file_is_read_once_for_each_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = Room.check
    monkeypatch.setattr(
        Room, "check", lambda self, name, *a, **k: read.append(name) or real(self, name, *a, **k)
    )
    basket, one = Basket(), Given("k", "EURUSD.csv", bytes_of(table(30)), "EURUSD.csv")
    first = basket.look(one)
    assert (basket.look(one), first.state, first.symbol) == (first, "ready", "EURUSD")
    basket.choices["k"] = Choices(zone="Asia/Tokyo")
    assert basket.known(one) is None
    second = basket.look(one)
    assert second.checked and first.checked
    assert second.checked.report.first == first.checked.report.first  # it says its zone itself
    assert len(read) == 2
    assert len(list(basket.folder.iterdir())) == 1  # the first one's candles are gone
    basket.keep([])
    assert list(basket.folder.iterdir()) == []


def test_states_and_symbols() -> None:
    def look(name: str, data: bytes) -> Any:
        return Basket().look(Given("k", name, data, name))

    rows = "".join(f"2024-01-{day:02d},BTC/USDT,1,2,0.5,1.5\n" for day in range(1, 28))
    assert look("daily.csv", f"date,Ticker,open,high,low,close\n{rows}".encode()).symbol == "BTC/USDT"
    assert look("x.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20).state == "refused"
    either = "".join(f"0{day}/02/2024,1,2,0.5,1.5\n" for day in range(1, 4))
    assert look("x.csv", f"date,open,high,low,close\n{either}".encode()).state == "choice"
    bad = b"time,open,high,low,close\n2024-03-01 00:00,1,2,0.5,1.5\n2024-03-01 01:00,1,0.9,0.5,1.5\n"
    assert look("x.csv", bad).state == "choice"
    late = (pd.Timestamp.now(tz="UTC") + pd.Timedelta(days=2)).floor("D")
    future = "".join(f"{late + pd.Timedelta(days=day):%Y-%m-%d},1,2,0.5,1.5\n" for day in range(9))
    made = look("x.csv", f"date,open,high,low,close\n{future}".encode())
    assert "not over yet" in str(made.error)


# --------------------------------------------------------------------------------------------- commands

words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8) | st.sampled_from(
    ["Adj Close", "a=b", "-x", "it's", '"', "#3", "$(rm)", "ü", "<CLOSE>"]
)
roles = st.sampled_from(["time", "open", "high", "low", "close", "volume"])
any_choices = st.builds(
    Choices, delimiter=st.none() | st.sampled_from([",", ";", "\t", "|", " ", "whitespace"]), encoding=st.none() | st.just("utf-16"),
    header=st.none() | st.integers(0, 9), columns=st.dictionaries(roles, words | st.just("")),
    time_format=st.none() | st.sampled_from(["text", "epoch ms"]), day_first=st.none() | st.booleans(),
    decimal=st.none() | st.sampled_from([".", ","]), scale=st.none() | st.floats(1e-6, 1e9),
    zone=st.none() | st.sampled_from(["UTC", "Europe/Athens"]), timeframe=st.none() | st.sampled_from([H1, D1, parse("1M")]),
    conflicts=st.none() | st.sampled_from(["first", "last", "refuse"]), bad_rows=st.none() | st.just("drop"),
    side=st.none() | st.just("bid"), content=st.none() | st.just("ticks"), member=st.none() | words,
    date=st.none() | st.just("2024-01-31"), prices=st.none() | st.just("raw"), stamp=st.none() | st.just("close"),
    off_grid=st.none() | st.just("floor"), pick_symbol=st.none() | words, days=st.none() | st.sampled_from(["dates", "moments"]),
)  # fmt: skip


def parsed(line: str) -> dict[str, Any]:
    command = shlex.split(line)
    assert command[:4] == ["python", "-m", "lib", "import"]
    made = import_files.make_context("import", command[4:])
    assert isinstance(made, click.Context)
    return made.params


@given(any_choices, words, words)
def test_every_choice_goes_through_the_shell(choices: Choices, where: str, symbol: str) -> None:
    [line] = commands([Asked("f", where, choices, symbol, None, ("--anonymous",))], "vendor")
    told = parsed(line)
    assert told["files"] in ((where,), (f"./{where}",))
    assert (told["symbol"], told["source"], told["anonymous"]) == (symbol, "vendor", True)
    assert _choices(told) == replace(choices, symbol=symbol)  # as the page reads it


def test_one_line_where_one_will_do() -> None:
    def asked(name: str, symbol: str, choices: Choices | None = None, frame: Any = H1) -> Asked:
        return Asked(name, name, choices or Choices(), symbol, frame)

    eu, gb = asked("EURUSD.csv", "EURUSD"), asked("GBPUSD.csv", "GBPUSD")
    start = "python -m lib import"
    assert commands([eu, gb], "file") == [f"{start} EURUSD.csv GBPUSD.csv --many"]
    assert commands([eu, asked("b.csv", "EURUSD")], "v") == [
        f"{start} EURUSD.csv b.csv --symbol EURUSD --source v"
    ]
    assert commands([eu, asked("GBPUSD.csv", "GU")], "") == [
        f"{start} EURUSD.csv --symbol EURUSD", f"{start} GBPUSD.csv --symbol GU",
    ]  # fmt: skip
    # another timeframe is another series
    assert commands([asked("a.csv", "X"), asked("b.csv", "X", frame=D1)], "") == [
        f"{start} a.csv --symbol X", f"{start} b.csv --symbol X",
    ]  # fmt: skip
    # which of two files stands: one command is told so; of several the last one stands
    assert commands([eu, asked("b.csv", "EURUSD")], "", between="first") == [
        f"{start} EURUSD.csv b.csv --symbol EURUSD --conflicts first"
    ]
    zoned = asked("b.csv", "EURUSD", Choices(zone="Asia/Tokyo"))
    lines = commands([eu, zoned], "", between="first")
    assert [parsed(line)["files"] for line in lines] == [("b.csv",), ("EURUSD.csv",)]
    assert [parsed(line)["files"] for line in commands([eu, zoned], "", between="last")] == [
        ("EURUSD.csv",),
        ("b.csv",),
    ]


# ------------------------------------------------------------------------------------------ zone, timeframe


@pytest.mark.parametrize(
    ("rows", "zone", "told"),
    [
        ([f"2024-03-01 {hour:02d}:00" for hour in range(9)], None, True),
        ([f"2024-03-01 {hour:02d}:00" for hour in range(9)], "Asia/Tokyo", False),
        ([f"2024-03-01T{hour:02d}:00Z" for hour in range(9)], None, False),
        ([f"2024-03-0{day}" for day in range(1, 9)], None, True),
    ],
)
def test_that_utc_was_assumed_is_known(room: Room, rows: list[str], zone: str | None, told: bool) -> None:
    body = "\n".join(["time,open,high,low,close", *(f"{time},1,2,0.5,1.5" for time in rows), ""])
    assert room.check("a.csv", body.encode(), Choices(zone=zone)).zone_assumed is told


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    ("step", "chosen", "warned"),
    [
        ("1D", "1h", "1 day (1d)"), ("1D", "1d", ""), ("7D", "1d", "1 week (1w)"), ("1h", "1h", ""), ("4h", "1h", ""),
    ],
)  # fmt: skip
def test_a_timeframe_that_days_contradict_is_warned_of(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool, step: str, chosen: str, warned: str
) -> None:  # fmt: skip
    monkeypatch.setattr("lib.gathering.checked._PIECE", 7)
    if large:
        monkeypatch.setattr(unpacking, "LARGE", 0)
    path = tmp_path / "a.csv"
    path.write_bytes(bytes_of(table(40, step=step)))
    made = room.check("a.csv", path, Choices(timeframe=parse(chosen)))
    assert str(made.timeframe) == chosen
    [*said] = made.reading.warnings
    assert len(said) == bool(warned)
    assert all(warned in each and f"({chosen})" in each for each in said)
    assert sum(len(each) for each in made.tables()) == 40
