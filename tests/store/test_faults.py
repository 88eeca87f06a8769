"""Damaged and missing files, and a writer that dies between any two steps."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lib.candles import micros
from lib.errors import CorruptFile, StoreBusy, StoreError, UnknownName
from lib.series import Series
from lib.store import Store, layout
from lib.store import files as places
from lib.store.files import Files, LocalFiles
from lib.store.s3 import S3Files
from lib.timeframes import parse
from tests.store.conftest import Opener, make_files
from tests.store.make import SERIES, at, candles, check_whole, same

TABLE = candles("1m", "2024-01-31 20:00", 600, seed=7)


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


def dying(files: Files, steps: int, *, torn: bool) -> Files:
    """A place whose ``steps``-th write is the last: done, or (``torn``) not begun."""
    left = [steps]
    for name in ("write", "remove"):
        real = getattr(files, name)

        def step(*args: Any, _real: Callable[..., Any] = real, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and not torn:
                _real(*args, **options)
            if left[0] <= 0:
                raise Killed
            return _real(*args, **options)

        setattr(files, name, step)
    return files


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("kind", ["local", "memory", "s3"])
def test_a_writer_killed_at_any_step_loses_nothing(
    kind: str, torn: bool, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.store.writing._LEFT_BEHIND", -1)
    # two partitions of the base and four levels
    series = Series.of("test", "K", "2h")
    table = candles("2h", "2023-12-20", 300, seed=7)
    early, late = table.iloc[:200], table.iloc[100:]
    old = late.copy()
    old["close"] = old["open"]
    for steps in range(2 if kind == "s3" else 1, 20, 5 if kind == "s3" else 1):
        make = make_files(kind, tmp_path, request)
        Store(make()).write(series, early, origin="t", fetched_at=at("2024-05-01"))
        try:
            Store(dying(make(), steps, torn=torn)).write(series, old, origin="t", fetched_at=at("2024-05-02"))
            finished = True
        except Killed:
            finished = False
        # what was committed before is there, each bar as it was or as the killed writer meant it
        for again in (1,) if kind == "s3" else (1, 2):
            base = check_whole(Store(make()), series)
            assert set(micros(early)) <= set(micros(base)) <= set(micros(table)), (steps, again)
            assert base["open"].eq(table["open"].reindex(base.index)).all()
        # and the same write again ends as if nothing had happened
        store = Store(make())
        store.write(series, old, origin="t", fetched_at=at("2024-05-02"))
        base = check_whole(store, series)
        same(base.iloc[100:], old)
        if finished:
            assert steps >= 7
            return
    raise AssertionError("never finished")


def test_a_deletion_cut_short_is_finished_by_the_next_writer(tmp_path: Path) -> None:
    for steps in (1, 2):
        place = LocalFiles(tmp_path / str(steps))
        Store(place).write(SERIES, TABLE, origin="t")
        with pytest.raises(Killed):
            Store(dying(LocalFiles(place.root), steps, torn=False)).delete(SERIES)
        store = Store(place)
        assert store.list() == []
        with pytest.raises(UnknownName):
            store.read(SERIES)
        store.write(SERIES, TABLE.iloc[:2], origin="t")
        same(check_whole(store, SERIES), TABLE.iloc[:2])


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    place = LocalFiles(tmp_path)
    store = Store(place)
    store.write(SERIES, TABLE, origin="t")
    draft = next(place.root.glob("series/**/*.json")).with_name("1m.json.99-aa.tmp")
    draft.write_bytes(b"half")
    store.write(SERIES, TABLE.iloc[:1], origin="u")
    assert not draft.exists()
    assert not list(place.root.rglob("*.tmp"))


def files_of(place: LocalFiles, level: str) -> list[Path]:
    return sorted((place.root / "candles").glob(f"*/*/1m/{level}/*.parquet"))


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"not a parquet file at all", None])
def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path, damage: bytes | None) -> None:
    place = LocalFiles(tmp_path)
    Store(place).write(SERIES, TABLE, origin="t")
    victim = files_of(place, "1m")[1]
    # cut in half, or other bytes
    content = damage if damage is not None else victim.read_bytes()[: victim.stat().st_size // 2]
    victim.write_bytes(content)
    store = Store(place)
    for attempt in (
        lambda: store.read(SERIES),
        lambda: store.read(SERIES, last=5),
        lambda: store.write(SERIES, TABLE.iloc[-1:], origin="u"),
    ):
        with pytest.raises(CorruptFile, match=victim.name) as caught:
            attempt()
        assert str(victim) in str(caught.value)
    assert victim.read_bytes() == content
    # the rest of the series is still there
    assert len(store.read(SERIES, end=at("2024-02-01"))) == 240


def test_damage_in_the_middle_of_a_file_is_named(tmp_path: Path) -> None:
    place = LocalFiles(tmp_path)
    Store(place).write(SERIES, TABLE, origin="t")
    victim = files_of(place, "1m")[0]
    content = bytearray(victim.read_bytes())
    content[40:400] = os.urandom(360)
    victim.write_bytes(bytes(content))
    with pytest.raises(CorruptFile, match=victim.name):
        Store(place).read(SERIES)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    place = LocalFiles(tmp_path)
    Store(place).write(SERIES, TABLE, origin="t")
    files_of(place, "1m")[0].unlink()
    with pytest.raises(CorruptFile, match=r"2024-01.parquet is missing"):
        Store(place).read(SERIES)


@pytest.mark.parametrize("fault", ["cut", "gone"])
@pytest.mark.parametrize("met_by", ["reader", "writer"])
def test_a_damaged_pyramid_is_made_again(tmp_path: Path, fault: str, met_by: str) -> None:
    place = LocalFiles(tmp_path)
    Store(place).write(SERIES, TABLE, origin="t")
    for level in ("5m", "1h", "1d"):
        for path in files_of(place, level):
            path.write_bytes(b"PAR1") if fault == "cut" else path.unlink()
    store = Store(place)
    if met_by == "writer":
        store.write(SERIES, TABLE.iloc[-1:], origin="u")
    same(check_whole(store, SERIES), TABLE)


def test_a_pyramid_that_a_power_cut_brought_back_is_made_again(tmp_path: Path) -> None:
    place = LocalFiles(tmp_path)
    Store(place).write(SERIES, TABLE.iloc[:-50], origin="t")
    before = {path: path.read_bytes() for level in ("5m", "1d") for path in files_of(place, level)}
    Store(place).write(SERIES, TABLE, origin="t")
    for path, content in before.items():
        path.write_bytes(content)
    same(check_whole(Store(place), SERIES), TABLE)


@pytest.mark.parametrize(
    ("kind", "content"),
    [*(("local", each) for each in (b"", b"{", b"[]", b'{"format": 1}')), ("memory", b"{"), ("s3", b"")],
)
def test_a_torn_manifest_is_made_again_from_the_candles(
    kind: str,
    content: bytes,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make = make_files(kind, tmp_path, request)
    Store(make()).write(SERIES, TABLE, origin="t")
    path = layout.manifest_path(SERIES)
    damage(make(), path, content)
    store = Store(make())
    [info] = store.catalog().series
    assert (info.series, info.count, store.catalog().damaged) == (SERIES, 600, ())
    same(check_whole(store, SERIES), TABLE)
    assert "Lost: title, events" in caplog.text
    kept = make().read(path + ".damaged")
    assert kept is not None
    assert kept[0] == content
    # by name and by a writer too
    damage(make(), path, content)
    same(Store(make()).read(SERIES), TABLE)
    damage(make(), path, content)
    Store(make()).write(SERIES, TABLE.iloc[:1], origin="u")
    assert Store(make()).info(SERIES).count == 600
    Store(make()).delete(SERIES)
    assert make().find("series") == []


def damage(files: Files, path: str, content: bytes) -> None:
    files.write(path, content, files.tag(path))


@pytest.mark.parametrize("why", ["candles damaged too", "another format", "no candles", "a stranger's file"])
def test_a_damaged_series_is_named_and_the_others_are_listed(tmp_path: Path, why: str) -> None:
    place = LocalFiles(tmp_path)
    other = SERIES.at(parse("1d"))
    Store(place).write(SERIES, TABLE, origin="t")
    Store(place).write(other, candles("1d", "2024-01-01", 5), origin="t")
    path = layout.manifest_path(SERIES)
    content = b'{"format": 99}' if why == "another format" else b"{"
    if why == "candles damaged too":
        files_of(place, "1m")[1].write_bytes(b"PAR1")
    elif why == "no candles":
        place.remove(layout.candles_folder(SERIES))
    elif why == "a stranger's file":
        place.remove(path)
        path = "series/what/is/this.json"
    damage(place, path, content)
    for _ in (1, 2):
        store = Store(place)
        [info] = store.list()
        [error] = store.catalog().damaged
        assert info.series == other
        assert str(tmp_path / path) in str(error)
        assert error.remedy
    assert place.read(path) == (content, place.tag(path))
    if "stranger" not in why:
        for attempt in (
            lambda: store.info(SERIES),
            lambda: store.read(SERIES),
            lambda: store.write(SERIES, TABLE, origin="t"),
            lambda: store.delete(SERIES),
        ):
            with pytest.raises(CorruptFile, match=r"1m\.json"):
                attempt()


def test_a_series_that_cannot_be_healed_does_not_hide_the_others(tmp_path: Path) -> None:
    place = LocalFiles(tmp_path)
    Store(place).write(SERIES, TABLE, origin="t")
    Store(place).write(SERIES.at(parse("1d")), candles("1d", "2024-01-01", 5), origin="t")
    with pytest.raises(Killed):
        Store(dying(LocalFiles(tmp_path), 1, torn=False)).write(SERIES, TABLE.iloc[:1], origin="u")
    files_of(place, "1m")[0].write_bytes(b"PAR1")
    found = Store(place).catalog()
    assert [str(info.series.timeframe) for info in found.series] == ["1d"]
    assert "2024-01.parquet" in str(found.damaged[0])


def test_a_writer_that_never_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LOCK_WAIT", 0.05)
    place = LocalFiles(tmp_path)
    store = Store(place)
    store.write(SERIES, TABLE, origin="t")
    with place.lock("series/test/BTC%2FUSDT/1m.json"), pytest.raises(StoreBusy, match="has been writing"):
        Store(place).write(SERIES, TABLE.iloc[:1], origin="u")
    same(store.read(SERIES), TABLE)


def test_s3_that_cannot_be_reached_is_told_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {
        "endpoint_url": "http://127.0.0.1:1", "key": "AKIDSECRET", "secret": "topsecret",
        "config_kwargs": {"retries": {"max_attempts": 1}, "connect_timeout": 1},
    }  # fmt: skip
    store = Store(S3Files("s3://candles/x", options))
    with pytest.raises(StoreError) as caught:
        store.list()
    assert "s3://candles/x" in str(caught.value)
    assert "SECRET" not in str(caught.value).upper().replace("CREDENTIALS", "")


def test_a_coarser_series_of_its_own_is_not_touched(local: Opener) -> None:
    store = local()
    daily = SERIES.at(parse("1d"))
    own = candles("1d", "2024-01-01", 40, seed=9)
    store.write(daily, own, origin="t")
    store.write(SERIES, TABLE, origin="t")
    same(store.read(daily), own)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE])
def test_too_many_open_files_are_not_the_folders_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    store = Store(LocalFiles(tmp_path))
    store.write(SERIES, TABLE, origin="t")

    def refused(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refused)
    with pytest.raises(StoreError, match=r"oo many open files.*ulimit -n") as caught:
        store.write(SERIES, TABLE.iloc[:1] * 2, origin="u")
    assert "--store" not in str(caught.value)
