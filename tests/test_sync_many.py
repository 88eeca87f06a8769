"""Several series at once, jobs in the background, the list of series, the schedule."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from lib import sync
from lib.errors import InputError, InternalError, SourceDown, UnknownName
from lib.series import Series
from lib.sources import registry
from lib.store import Store, open_store
from lib.sync import Wanted, download, schedule, sync_all
from lib.sync.config import find, load
from lib.sync.timetable import trigger
from lib.timeframes import parse
from tests.scripted import Scripted
from tests.store.make import candles

ROOT = Path(__file__).resolve().parent.parent

MINUTE = parse("1m")
LONG = candles("1m", "2024-03-04", 3000, seed=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "kept"))


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Scripted]:
    """Sources by name; what the registry gives."""
    made: dict[str, Scripted] = {}
    real = registry.get
    monkeypatch.setattr(registry, "get", lambda name: made[name] if name in made else real(name))
    return made


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    for job in sync.jobs():
        sync.forget(job)
    schedule.stop()


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not what():
        assert time.monotonic() < until
        time.sleep(0.005)


# ------------------------------------------------------------------------------------------------- several


def test_several_series_get_a_page_each_in_turn(store: Store, known: dict[str, Scripted]) -> None:
    tables = {f"X{n}": LONG.iloc[: 3000 if n == 0 else 200] for n in range(8)}
    source = known["one"] = Scripted(tables, name="one")
    other = known["two"] = Scripted({"Y": LONG.iloc[:500]}, name="two")
    wanted = [Wanted("one", name, MINUTE) for name in tables] + [Wanted("two", "Y", MINUTE, calendar="24/7")]
    done = sync_all(store, wanted)
    assert [one.series for one in done] == [one.series for one in wanted]
    assert all(one.error is None for one in done)
    for one in done:
        assert one.outcome is not None
        table = (source if one.series.source == "one" else other).tables[one.series.symbol]
        assert one.outcome.added == len(table)
        pd.testing.assert_frame_equal(store.read(one.series), table, check_freq=False)
    # the long one did not keep the short ones waiting: they were done before a third of it was
    last_short = max(at for at, name in enumerate(source.order) if name != "X0")
    assert source.order[:last_short].count("X0") < 10
    assert store.info(wanted[-1].series).calendar == "24/7"


@pytest.mark.parametrize("background", [False, True])
def test_all_series_of_a_source_share_its_connections(
    store: Store, monkeypatch: pytest.MonkeyPatch, background: bool
) -> None:
    """A source has connections of its own, and a machine may have no more than a thousand open at once."""
    made: list[str] = []

    def get(name: str) -> Scripted:
        made.append(name)
        return Scripted({f"X{n}": LONG.iloc[:50] for n in range(6)}, name=name)

    monkeypatch.setattr(registry, "get", get)
    wanted = [Wanted(name, f"X{n}", MINUTE) for n in range(6) for name in ("one", "two")]
    if background:
        assert all(job.wait(30).status == "done" for job in sync.start_sync(store, wanted))
    else:
        assert all(one.error is None for one in sync_all(store, wanted))
    assert made == ["one", "two"]


def test_a_slow_source_holds_up_no_other(store: Store, known: dict[str, Scripted]) -> None:
    gate = threading.Event()
    known["slow"] = Scripted(
        {f"S{n}": LONG.iloc[:100] for n in range(6)}, name="slow", before=lambda _: assert_(gate.wait(30))
    )
    known["fast"] = Scripted({"F": LONG}, name="fast")
    seen: list[float] = []

    def progress(series: Series, now: sync.Progress) -> None:
        if series.source == "fast" and now.done == 1.0:
            seen.append(now.done)
            gate.set()

    wanted = [Wanted("slow", f"S{n}", MINUTE) for n in range(6)]
    done = sync_all(store, [*wanted, Wanted("fast", "F", MINUTE)], progress=progress)
    assert seen
    assert all(one.outcome for one in done)


def assert_(fine: bool) -> None:
    assert fine


def test_one_that_fails_leaves_the_others_going(store: Store, known: dict[str, Scripted]) -> None:
    errors = [SourceDown("Gone."), ZeroDivisionError("a bug with sk-secret in it")]

    lock = threading.Lock()

    def fails(number: int) -> None:
        with lock:
            if number >= 2 and errors:
                raise errors.pop()

    source = known["one"] = Scripted(dict.fromkeys("ABCD", LONG), name="one", before=fails)
    wanted = [Wanted("one", name, MINUTE) for name in "ABCD"]
    done = sync_all(store, [*wanted, Wanted("none", "X", MINUTE)])
    assert isinstance(done[4].error, UnknownName)
    failed = [one.error for one in done[:4] if one.error is not None]
    assert {type(error) for error in failed} == {SourceDown, InternalError}
    assert len(failed) == 2
    assert "secret" not in str(failed)
    rest = [one for one in done[:4] if one.error is None]
    assert all(store.info(one.series).count == len(source.tables[one.series.symbol]) for one in rest)
    assert sync_all(store, []) == ()


def test_stopping_stops_all(store: Store, known: dict[str, Scripted]) -> None:
    stop = threading.Event()
    known["one"] = Scripted(
        dict.fromkeys("ABCDE", LONG), name="one", before=lambda n: stop.set() if n >= 20 else None
    )
    done = sync_all(store, [Wanted("one", name, MINUTE) for name in "ABCDE"], stop=stop)
    assert all(one.outcome is not None and one.outcome.cancelled for one in done)
    assert 2000 <= sum(info.count for info in store.list()) <= 2500
    again = sync_all(store, [Wanted("one", name, MINUTE) for name in "ABCDE"])
    assert sum(info.count for info in store.list()) == 15_000
    assert all(one.outcome and not one.outcome.changed for one in again)


def test_two_downloads_of_one_series_at_once_lose_nothing(store: Store, tmp_path: Path) -> None:
    """The second finds the journal held, and merges each page as it comes."""
    gate = threading.Barrier(2, timeout=30)
    table = LONG.iloc[:1200]
    first = Scripted({"X": table}, before=lambda n: gate.wait() and None if n == 5 else None)
    second = Scripted({"X": table}, before=lambda n: gate.wait() and None if n == 5 else None)
    stores = [store, Store(store._files)]
    threads = [
        threading.Thread(target=download, args=(kept, source, "X", "1m"))
        for kept, source in zip(stores, (first, second), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    pd.testing.assert_frame_equal(store.read(Series.of("scripted", "X", "1m")), table, check_freq=False)
    assert not [*(tmp_path / "kept").rglob("*.pages")]


# ---------------------------------------------------------------------------------------------------- jobs


def test_jobs_for_several_series_and_for_gaps(store: Store, known: dict[str, Scripted]) -> None:
    gate = threading.Event()
    source = known["one"] = Scripted(
        dict.fromkeys("ABCD", LONG),
        name="one",
        before=lambda n: assert_(gate.wait(30)) if n > 8 else None,
    )
    wanted = [Wanted("one", name, MINUTE, calendar="24/7") for name in "ABCD"]
    started = sync.start_sync(store, wanted)
    assert [job.series for job in started] == [one.series for one in wanted]
    assert {job.kind for job in started} == {"sync"}
    assert sync.start_sync(store, wanted) == started, "one job a series"
    assert set(started) <= set(sync.jobs())
    started[3].cancel()
    assert started[3].snapshot().status == "cancelling"
    gate.set()
    states = [job.wait(30) for job in started]
    assert [state.status for state in states] == ["done", "done", "done", "cancelled"]
    assert store.info(started[0].series).calendar == "24/7"
    store.delete(started[0].series)
    keep = LONG.drop(LONG.index[700:900])
    store.write(started[0].series, keep, origin="t")
    job = sync.start_refill(store, source, started[0].series, [(LONG.index[700], LONG.index[900])])
    state = job.wait(30)
    assert state.status == "done"
    assert state.outcome is not None
    assert state.outcome.added == 200
    with pytest.raises(UnknownName, match="no source"):
        sync.start_sync(store, [Wanted("one", "A", MINUTE), Wanted("nobody", "A", MINUTE)])


# ---------------------------------------------------------------------------------------------------- list


def written(folder: Path, text: str) -> Path:
    path = folder / "candlebook.toml"
    path.write_text(text)
    return path


def test_a_list_of_series_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find() is None
    path = written(
        tmp_path,
        """
        schedule = "every 15 minutes"
        [[series]]
        source = "binance"
        symbols = ["BTCUSDT", "ETHUSDT"]
        timeframes = ["1m", "H4"]
        start = 2020-01-01
        calendar = "24/7"
        [[series]]
        source = "demo"
        symbol = "DEMO-BTC"
        timeframe = "1d"
        start = "2021-05-01T12:00+02:00"
        """,
    )
    assert find() == path
    plan = load(path)
    start = pd.Timestamp("2020-01-01", tz="UTC")
    assert plan.schedule == "every 15 minutes"
    assert plan.series == (
        Wanted("binance", "BTCUSDT", parse("1m"), start, "24/7"), Wanted("binance", "BTCUSDT", parse("4h"), start, "24/7"),
        Wanted("binance", "ETHUSDT", parse("1m"), start, "24/7"), Wanted("binance", "ETHUSDT", parse("4h"), start, "24/7"),
        Wanted("demo", "DEMO-BTC", parse("1d"), pd.Timestamp("2021-05-01 10:00", tz="UTC")),
    )  # fmt: skip


GOOD = '[[series]]\nsource = "demo"\nsymbol = "DEMO-BTC"\ntimeframe = "1d"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("series = ", "is not TOML"),
        ("", "series is missing. Each series is a table that begins with a line [[series]]"),
        ("[series]\nsource='demo'", "begins with a line [[series]]"),
        ("serie = 1\n" + GOOD, "there is no key 'serie'. Did you mean series?"),
        (GOOD + "symbls = ['A']", "series 1: there is no key 'symbls'. Did you mean symbols?"),
        (GOOD.replace("demo", "dmo", 1), "series 1: source = 'dmo': There is no source 'dmo'. Did you mean demo?"),
        (GOOD.replace('source = "demo"\n', ""), "series 1: source is missing. There are: "),
        (GOOD.replace('"1d"', '"7x"'), "series 1: timeframe = '7x': "),
        (GOOD.replace('"1d"', "1"), "series 1: timeframe is 1. It must be a text in quotes"),
        (GOOD + 'symbols = ["A"]', "series 1: both symbol and symbols is there. Write one"),
        (GOOD.replace('symbol = "DEMO-BTC"', ""), "series 1: neither symbol nor symbols is there"),
        (GOOD.replace('symbol = "DEMO-BTC"', "symbols = []"), "symbols is []. It must be a list of texts"),
        (GOOD.replace('"DEMO-BTC"', '""'), "series 1: symbol = '': "),
        (GOOD + 'start = "soon"', "series 1: start is 'soon'. Write a day, as in 2020-01-31"),
        (GOOD + "start = 2020", "series 1: start is 2020"),
        (GOOD + "calendar = 24", "series 1: calendar is 24. Write a name in quotes"),
        (GOOD + 'calendar = "XNYSE"', "series 1: calendar = 'XNYSE': There is no calendar"),
        (GOOD + GOOD, "asks for DEMO-BTC 1d (demo) twice"),
        ("schedule = 15\n" + GOOD, 'schedule is 15. Write it as "every 15 minutes"'),
        ('schedule = "now and then"\n' + GOOD, "schedule = 'now and then': The schedule 'now and then' cannot be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_list_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_stored_series_is_brought_up_to_date_and_no_further_back(
    store: Store, known: dict[str, Scripted]
) -> None:
    source = known["one"] = Scripted({"X": LONG.iloc[:2000]}, name="one")
    download(store, source, "X", "1m", LONG.index[500], None)
    source.tables["X"] = LONG
    (done,) = sync_all(store, [Wanted.stored(info) for info in store.list()])
    assert done.outcome is not None
    assert done.outcome.added == 1000
    assert store.info(done.series).first == LONG.index[500]


# ------------------------------------------------------------------------------------------------- schedule


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("every 15 minutes", 900), ("Every minute", 60), ("every 2 hours", 7200), ("every day", 86400)],
)
def test_schedules_in_words(text: str, seconds: int) -> None:
    assert trigger(text).interval.total_seconds() == seconds


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("30 6 * * 1-5", "11 12 13 14 15"), ("30 6 * * 0", "10"), ("30 6 * * 7", "10"), ("30 6 * * 5-7", "9 10 15"),
        ("30 6 * * sun,3", "10 13"), ("30 6 * * */3", "9 10 13"), ("30 6 * * *", "9 10 11 12 13 14 15"),
        ("30 6 * * mon-wed", "11 12 13"), ("30 6 * * 0-2", "10 11 12"),
    ],
)  # fmt: skip
def test_schedules_of_cron_are_in_utc_and_count_days_from_sunday(text: str, days: str) -> None:
    cron = trigger(text)
    at, found = pd.Timestamp("2024-03-08 07:00", tz="UTC"), []  # a Friday
    while True:
        at = pd.Timestamp(cron.get_next_fire_time(None, at.to_pydatetime())) + pd.Timedelta(seconds=1)
        if at > pd.Timestamp("2024-03-15 07:00", tz="UTC"):
            break
        assert (at.hour, at.minute) == (6, 30)
        found.append(str(at.day))
    assert found == days.split()


@pytest.mark.parametrize("text", ["", "every 0 minutes", "every second", "61 * * * *", "* * *"])
def test_schedules_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        trigger(text)


def test_the_schedule_syncs_and_can_be_switched_off(
    store: Store, known: dict[str, Scripted], tmp_path: Path
) -> None:
    known["demo"] = Scripted({"DEMO-BTC": LONG}, name="demo")
    path = written(tmp_path, GOOD.replace("1d", "1m"))
    with pytest.raises(InputError, match="tells no schedule"):
        schedule.start(store, path)
    assert schedule.state() is None
    first = schedule.start(store, path, "every day")
    assert first.next_at is not None
    assert first.next_at > pd.Timestamp.now(tz="UTC") + pd.Timedelta(hours=23)
    second = schedule.start(store, path, "every 2 days")
    assert [thread.name for thread in threading.enumerate()].count("APScheduler") == 1, "one a process"
    assert second.text == "every 2 days"
    # its time has come
    assert schedule._running is not None
    schedule._running.job.modify(next_run_time=pd.Timestamp.now(tz="UTC").to_pydatetime())
    wait_for(lambda: (schedule.state() or first).last_at is not None)
    now = schedule.state()
    assert now is not None
    assert now.error is None
    assert now.last[0].outcome is not None
    assert now.last[0].outcome.added == 3000
    path.write_text("nonsense = 1")
    schedule._running.job.modify(next_run_time=pd.Timestamp.now(tz="UTC").to_pydatetime())
    wait_for(lambda: (schedule.state() or first).error is not None)
    schedule.stop()
    assert schedule.state() is None
    wait_for(lambda: "APScheduler" not in [thread.name for thread in threading.enumerate()])
    schedule.stop()


def test_a_sync_that_takes_long_is_not_begun_twice_and_stops_when_switched_off(
    store: Store, known: dict[str, Scripted], tmp_path: Path
) -> None:
    reached, gate = threading.Event(), threading.Event()

    def hold(number: int) -> None:
        if number == 3:
            reached.set()
            assert gate.wait(30)

    source = known["demo"] = Scripted({"DEMO-BTC": LONG}, name="demo", before=hold)
    schedule.start(store, written(tmp_path, GOOD.replace("1d", "1m")), "every day")
    running = schedule._running
    assert running is not None
    running.begin()
    assert reached.wait(30)
    state = schedule.state()
    assert state is not None
    assert state.running
    running.begin()
    assert len(source.asked) == 1
    schedule.stop()
    gate.set()
    wait_for(lambda: not running.busy)
    assert running.last[0].outcome is not None
    assert running.last[0].outcome.cancelled
    assert store.info(running.last[0].series).count == 400


def test_the_scheduler_is_not_loaded_until_it_is_asked_for() -> None:
    import subprocess
    import sys

    code = "import sys, lib.sync, lib.sync.schedule, lib.cli; print('apscheduler' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"


def test_the_list_in_the_documentation_can_be_read(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "sync.md").read_text(encoding="utf-8")
    plan = load(written(tmp_path, text.split("```toml\n")[1].split("```")[0]))
    assert plan.schedule == "every 15 minutes"
    assert len(plan.series) == 4


def test_the_action_in_the_documentation_is_one() -> None:
    """Read as GitHub reads it: steps that use or run something, keys of secrets and of settings that are there."""
    text = (ROOT / "docs" / "sync.md").read_text(encoding="utf-8")
    whole, cached = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    job = yaml.safe_load(whole)["jobs"]["sync"]
    steps = job["steps"]
    assert [step.get("run") for step in steps][-1] == "python -m lib sync"
    assert any(step.get("uses", "").startswith("actions/setup-python@") for step in steps)
    told = (ROOT / "lib" / "settings.py").read_text(encoding="utf-8")
    for name, value in job["env"].items():
        assert name.startswith("AWS_") or name in told
        assert "secrets." in value or name not in ("AWS_SECRET_ACCESS_KEY", "CANDLEBOOK_TWELVEDATA_KEY")
    around = yaml.safe_load(cached)
    assert [("uses" in step) + 2 * ("run" in step) for step in around] == [1, 2, 1]
    assert around[0]["with"]["key"] == around[2]["with"]["key"]
    assert around[2]["if"] == "always()"
