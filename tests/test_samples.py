"""The samples: what is in them, and that they come once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from lib.candles import conform
from lib.samples import ensure_samples
from lib.series import Series
from lib.store import Store, open_store
from lib.timeframes import parse

AAPL = Series.of("sample", "AAPL", "1d")
MSFT = Series.of("sample", "MSFT", "1d")
EURUSD = Series.of("sample", "EURUSD", "1h")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def test_first_start_brings_four_real_series(store: Store) -> None:
    assert ensure_samples(store)
    found = {info.series.slug: info for info in store.list()}
    assert {slug: info.count for slug, info in found.items()} == {
        "sample:AAPL:1d": 3270, "sample:IBM:1d": 3270, "sample:MSFT:1d": 3270, "sample:EURUSD:1h": 5000,
    }  # fmt: skip
    apple = found["sample:AAPL:1d"]
    assert str(apple.first) == "2000-03-01 00:00:00+00:00"
    assert str(apple.last) == "2013-03-01 00:00:00+00:00"
    assert apple.title
    assert not apple.synthetic
    assert [(str(event.time.date()), event.kind, event.text) for event in apple.events] == [
        ("2000-06-21", "split", "2:1 split"),
        ("2005-02-28", "split", "2:1 split"),
    ]
    assert [str(event.time.date()) for event in store.info(MSFT).events] == ["2003-02-18"]


def test_figures_are_raw_and_as_published(store: Store) -> None:
    ensure_samples(store)
    day = pd.Timestamp("2000-03-01", tz="UTC")
    first = store.read(AAPL, start=day, end=day + pd.Timedelta("1D"))
    assert first.iloc[0].tolist() == [118.56, 132.06, 118.5, 130.31, 9616100.0]
    closes = store.read(AAPL)["close"]
    for event in store.info(AAPL).events:
        at = closes.index.get_loc(event.time)
        assert 0.4 < closes.iloc[at] / closes.iloc[at - 1] < 0.6


def test_hours_are_utc(store: Store) -> None:
    """Weeks of the currency market begin at 17:00 in New York, in summer and winter."""
    ensure_samples(store)
    times = store.read(EURUSD).index
    begins = times[1:][times[1:] - times[:-1] > pd.Timedelta("1D")].tz_convert("America/New_York")
    assert pd.Series(begins.hour).value_counts(normalize=True)[17] > 0.9
    assert pd.Series(begins.day_of_week).value_counts(normalize=True)[6] > 0.9


def test_a_deleted_sample_stays_deleted(store: Store) -> None:
    ensure_samples(store)
    store.delete(AAPL)
    assert not ensure_samples(store)
    assert len(store.list()) == 3
    for info in store.list():
        store.delete(info.series)
    assert not ensure_samples(store)
    assert store.list() == []


def test_a_store_in_use_gets_none(store: Store) -> None:
    raw = pd.DataFrame(
        {
            "time": pd.date_range("2024-01-01", periods=3, tz="UTC"),
            "open": 1.0,
            "high": 1.0,
            "low": 1.0,
            "close": 1.0,
        }
    )
    store.write(Series.of("file", "X", "1d"), conform(raw, parse("1d")).table, origin="test")
    assert not ensure_samples(store)
    assert len(store.list()) == 1


def test_a_start_cut_short_is_finished_by_the_next(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store.write
    calls = []

    def failing(series: Series, *args: object, **options: object) -> object:
        calls.append(series)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(series, *args, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", failing)
        with pytest.raises(KeyboardInterrupt):
            ensure_samples(store)
    assert len(store.list()) == 2
    assert ensure_samples(store)
    assert len(store.list()) == 4


def test_two_processes_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from lib.store import open_store; from lib.samples import ensure_samples;"
        "print(ensure_samples(open_store(sys.argv[1])))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "s")], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in started]
    assert sorted(said) == ["False", "False", "True"]
    assert len(open_store(str(tmp_path / "s")).list()) == 4


def test_a_remote_root_is_left_alone() -> None:
    remote = open_store("memory://samples-none")
    assert not ensure_samples(remote)
    assert remote.list() == []
