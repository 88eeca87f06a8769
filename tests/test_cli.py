"""The command line: what is on stdout, what on stderr, and how it ends."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from lib import export
from lib.cli import main
from lib.cli.gathering import Meter
from lib.errors import BadAnswer, RateLimited, StoreBusy, StoreError
from lib.files import Choices
from lib.files.packed import unpacking
from lib.gathering import Room, joining
from lib.series import Series
from lib.store import Store, open_store
from lib.timeframes import parse
from tests.files.written import HEADER, rows, table

ROOT = Path(__file__).resolve().parent.parent


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_bytes(export.to_bytes(table(48), "csv"))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.csv"
    path.write_text(HEADER + rows(5) + "2024-01-06,1,abc,1,1,5\n2024-01-07,1\n")
    return path


def stored() -> list[dict[str, Any]]:
    return list(json.loads(run("list", "--json").stdout))


# ----------------------------------------------------------------------------------------------- import


def test_import_answers_with_one_object(good: Path) -> None:
    result = run("import", good, "--symbol", "EURUSD", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert {key: answer[key] for key in ("rows_read", "rows_stored", "first", "last", "timeframe", "duplicates", "rejected")} == {
        "rows_read": 48, "rows_stored": 48, "first": "2024-03-01T00:00:00Z", "last": "2024-03-02T23:00:00Z",
        "timeframe": "1h", "duplicates": 0, "rejected": [],
    }  # fmt: skip
    assert answer["inferred"]["delimiter"] == ","
    kept = open_store().read(Series.of("file", "EURUSD", "1h"))
    pd.testing.assert_frame_equal(kept, table(48), check_freq=False)


def test_import_says_what_it_did(good: Path) -> None:
    result = run("import", good, "--symbol", "EURUSD", "--source", "bank")
    assert (
        result.stdout
        == "48 candles stored as EURUSD 1h (bank), 2024-03-01T00:00:00Z to 2024-03-02T23:00:00Z.\n"
    )
    assert result.stderr == ""


def test_what_an_import_replaces_is_said(tmp_path: Path) -> None:
    candles, good, other = table(60), tmp_path / "good.csv", tmp_path / "other.csv"
    good.write_bytes(export.to_bytes(candles.iloc[:48], "csv"))
    assert run("import", good, "--symbol", "X").stderr == ""
    again = run("import", good, "--symbol", "X")
    assert again.stderr == "Note: 48 candles were there already, with the same figures.\n"
    candles.loc[candles.index[[3, 5]], "volume"] += 1
    other.write_bytes(export.to_bytes(candles, "csv"))
    answer = json.loads(run("import", other, "--symbol", "X", "--json").stdout)
    assert (answer["rows_stored"], answer["added"], answer["changed"]) == (60, 12, 2)
    back = run("import", good, "--symbol", "X").stderr
    assert "2 candles of X 1h (file) had other figures before; those of the file stand now." in back


def test_gaps_of_a_file_cannot_be_asked_for(good: Path) -> None:
    run("import", good, "--symbol", "X")
    result = run("fill", "--symbol", "X")
    assert result.exit_code == 2
    assert "came from no source that can be asked. Name one" in result.stderr


def test_a_zone_that_is_assumed_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(HEADER + rows())
    assert "UTC was taken" in run("import", path, "--symbol", "X").stderr
    assert run("import", path, "--symbol", "Y", "--tz", "Europe/Berlin").stderr == ""
    assert {row["symbol"]: row["first"] for row in stored()} == {
        "X": "2024-01-01T00:00:00Z", "Y": "2023-12-31T23:00:00Z",
    }  # fmt: skip


def test_a_refused_file_stores_nothing(good: Path, bad: Path) -> None:
    for files in ((bad,), (good, bad), (bad, good)):
        result = run("import", *files, "--symbol", "X", "--json")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Error: bad.csv, line 7: 'abc' in the column 'high' is not a number.")
        assert "Traceback" not in result.output
    assert stored() == []


def test_rows_left_out_are_listed(bad: Path) -> None:
    answer = json.loads(run("import", bad, "--symbol", "X", "--bad-rows", "drop", "--json").stdout)
    assert (answer["rows_read"], answer["rows_stored"]) == (7, 5)
    assert [each["line"] for each in answer["rejected"]] == [7, 8]
    assert "'abc'" in answer["rejected"][0]["reason"]
    assert "Left out, line 7" in run("import", bad, "--symbol", "X", "--bad-rows", "drop").stderr


def test_several_files_are_one_series(tmp_path: Path) -> None:
    candles = table(48)
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, part in zip(files, (candles[:30], candles[24:]), strict=True):
        path.write_bytes(export.to_bytes(part, "csv"))
    answer = json.loads(run("import", *files, "--symbol", "X", "--json").stdout)
    assert (answer["rows_read"], answer["last"]) == (54, "2024-03-02T23:00:00Z")
    assert stored()[0]["candles"] == 48
    files[1].write_bytes(export.to_bytes(table(9, "1D"), "csv"))
    result = run("import", *files, "--symbol", "Z")
    assert (result.exit_code, "several timeframes: a.csv 1h, b.csv 1d" in result.stderr) == (2, True)


def test_overrides_reach_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(
        "k;l;m;n;p;q\n01.02.2024;1,500;2,500;1,250;2,000;2,100\n02.02.2024;1,500;2,500;1,250;2,000;2,100\n"
    )
    result = run(
        "import", path, "--symbol", "X", "--timeframe", "D1", "--delimiter", ";", "--header", "1", "--day-first",
        "--decimal", ",", "--column", "time=k", "--column", "open=l", "--column", "high=#3", "--column", "low=n",
        "--column", "close=p", "--scale", "0.1", "--conflicts", "last", "--encoding", "utf-8", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    kept = open_store().read(Series.of("file", "X", "1d"))
    assert kept.index[0] == pd.Timestamp("2024-02-01", tz="UTC")
    assert kept.iloc[0].tolist()[:4] == [15, 25, 12.5, 20]


def test_what_was_inferred_is_in_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    points = "".join(
        f"A,2024-01-{n:02d},110{n},11050,10990,110{n},5\nB,2024-01-{n:02d},1,2,1,2,5\n"
        for n in range(10, 40, 2)
        if n < 32
    )
    path.write_text("symbol," + HEADER + points)
    refused = run("import", path, "--symbol", "EURUSD")
    assert (refused.exit_code, "--pick-symbol A" in refused.stderr) == (2, True)
    answer = json.loads(
        run(
            "import", path, "--symbol", "EURUSD", "--pick-symbol", "A", "--off-grid", "floor", "--json"
        ).stdout
    )
    told = {key: answer["inferred"][key] for key in ("scale", "pick_symbol", "off_grid")}
    assert told == {"scale": "10000", "pick_symbol": "A", "off_grid": "floor"}
    assert [
        any(said in note for note in answer["warnings"])
        for said in ("divided by 10000", "2 symbols (A, B); A was taken")
    ] == [True, True]
    assert run("import", path, "--symbol", "B", "--json").exit_code == 0


def test_a_candle_that_is_not_over_is_left_out(tmp_path: Path) -> None:
    now = pd.Timestamp.now(tz="UTC").floor("D")
    candles = table(5, "1D", str((now - pd.Timedelta("4D")).date()))
    path = tmp_path / "a.csv"
    path.write_bytes(export.to_bytes(candles, "csv"))
    answer = json.loads(run("import", path, "--symbol", "X", "--json").stdout)
    assert (answer["rows_stored"], answer["forming"]) == (4, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "gone.csv", "--symbol", "X"], "There is no file 'gone.csv'"),
        (["import", ".", "--symbol", "X"], "cannot be opened"),
        (["import", "{good}"], "Missing option '--symbol'"),
        (["import", "--symbol", "X"], "Missing argument"),
        (["import", "{good}", "--symbol", " X "], "cannot be the symbol"),
        (["import", "{good}", "--symbol", "X", "--timeframe", "soon"], "is not a timeframe"),
        (["import", "{good}", "--symbol", "X", "--timeframe", "1d"], "Choose another timeframe"),
        (["import", "{good}", "--symbol", "X", "--tz", "Mars/Base"], "no time zone"),
        (["import", "{good}", "--symbol", "X", "--column", "close"], "ROLE=NAME"),
        (["import", "{good}", "--symbol", "X", "--column", "close=none"], "has no column 'none'"),
        (["export", "--symbol", "X", "--timeframe", "1h"], "Nothing is stored of X"),
        (["delete", "--symbol", "X", "--timeframe", "1h"], "Nothing is stored of X"),
        (["export", "--symbol", "X", "--timeframe", "1h", "--start", "soon"], "is no time"),
        (["download", "--source", "nowhere", "--symbol", "X", "--timeframe", "1h"], "no source 'nowhere'"),
    ],
)
def test_wrong_input_ends_with_2(
    arguments: list[str], said: str, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*[each.format(good=good) for each in arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert stored() == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreError("The disk is full."), 3),
        (StoreBusy("Another program holds the series."), 4),
        (RateLimited("The source asked to wait."), 4),
        (BadAnswer("The source answered with nonsense."), 5),
        (ZeroDivisionError("secret detail"), 1),
    ],
)
def test_each_kind_of_error_has_its_code(
    error: Exception, code: int, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Store, "write_all", fail)
    result = run("import", good, "--symbol", "X", "--json")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert "secret detail" not in result.stderr


# -------------------------------------------------------------------------------- list, export, delete


@pytest.fixture
def kept(good: Path) -> pd.DataFrame:
    assert run("import", good, "--symbol", "EURUSD").exit_code == 0
    return table(48)


def test_list(kept: pd.DataFrame) -> None:
    assert run("list").stdout.splitlines()[1].split() == [
        "file", "EURUSD", "1h", "2024-03-01T00:00:00Z", "2024-03-02T23:00:00Z", "48",
    ]  # fmt: skip
    assert [(row["source"], row["symbol"], row["timeframe"], row["candles"]) for row in stored()] == [
        ("file", "EURUSD", "1h", 48)
    ]


def test_list_of_nothing() -> None:
    result = run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert stored() == []


def test_export_is_what_was_imported(kept: pd.DataFrame) -> None:
    result = run("export", "--symbol", "EURUSD", "--timeframe", "1h")
    assert result.stdout_bytes == export.to_bytes(kept, "csv")
    part = run(
        "export",
        "--symbol",
        "EURUSD",
        "--timeframe",
        "60",
        "--start",
        "2024-03-01T05:00",
        "--end",
        "2024-03-01T08:00Z",
    )
    assert part.stdout_bytes == export.to_bytes(kept[5:8], "csv")


def test_export_of_coarser_candles(kept: pd.DataFrame) -> None:
    rows = json.loads(run("export", "--symbol", "EURUSD", "--timeframe", "1d", "--format", "json").stdout)
    assert [row["time"] for row in rows] == ["2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z"]
    assert rows[0]["high"] == kept["high"][:24].max()
    assert run("export", "--symbol", "EURUSD", "--timeframe", "1m").exit_code == 2


def test_export_to_a_file(kept: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    result = run("export", "--symbol", "EURUSD", "--timeframe", "1h", "-o", path)
    assert (result.exit_code, result.stdout) == (0, "")
    pd.testing.assert_frame_equal(pd.read_parquet(path).set_index("time"), kept, check_freq=False)
    result = run("export", "--symbol", "EURUSD", "--timeframe", "1h", "-o", tmp_path / "no" / "out.csv")
    assert (result.exit_code, "cannot be written" in result.stderr) == (2, True)


def test_an_export_that_fails_leaves_the_file_that_was_there(
    kept: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")

    def fails(*_: object, **__: object) -> Iterator[pd.DataFrame]:
        yield kept.iloc[:10]
        raise StoreError("The disk went away.")

    with monkeypatch.context() as patch:
        patch.setattr(export, "pieces", fails)
        result = run("export", "--symbol", "EURUSD", "--timeframe", "1h", "-o", path)
    assert (result.exit_code, path.read_text()) == (3, "before")
    assert [each.name for each in tmp_path.glob("*out*")] == ["out.csv"] and not list(tmp_path.glob(".*part"))
    assert run("export", "--symbol", "EURUSD", "--timeframe", "1h", "-o", path).exit_code == 0
    assert path.read_bytes() == export.to_bytes(kept, "csv")


def test_an_answer_that_nobody_reads_to_its_end(tmp_path: Path) -> None:
    store = tmp_path / "store"
    open_store(str(store)).write(Series("file", "X", parse("1h")), table(20_000), origin="test")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "lib", "export", "--symbol", "X", "--timeframe", "1h", "--store", str(store)],
        cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_export_takes_the_format_from_the_ending_and_refuses_one_it_does_not_know(
    kept: pd.DataFrame, tmp_path: Path
) -> None:
    asked = ("export", "--symbol", "EURUSD", "--timeframe", "1h", "-o")
    for name in ("x.pdf", "x.csv.gz"):
        result = run(*asked, tmp_path / name)
        assert result.exit_code == 2
        assert f"ends with .{name.rpartition('.')[2]}" in result.stderr
        assert "--format" in result.stderr
    assert not list(tmp_path.glob("x*"))
    csv = export.to_bytes(kept, "csv")
    assert run(*asked, tmp_path / "x.pdf", "--format", "csv").exit_code == 0
    assert run(*asked, tmp_path / "plain").exit_code == 0
    assert run(*asked, tmp_path / "X.CSV").exit_code == 0
    assert [(tmp_path / name).read_bytes() == csv for name in ("x.pdf", "plain", "X.CSV")] == [True] * 3


@pytest.mark.parametrize("more", [(), ("--indicators", "ema(3)")])
def test_export_of_a_range_without_candles_says_so(kept: pd.DataFrame, more: tuple[str, ...]) -> None:
    asked = ("export", "--symbol", "EURUSD", "--timeframe", "1h", *more)
    for span in (("--start", "2031-01-01"), ("--end", "2001-01-01")):
        result = run(*asked, *span)
        assert result.exit_code == 0
        assert result.stdout.startswith("time,open,high,low,close,volume")
        assert result.stdout.count("\n") == 1
        assert "no candle of EURUSD 1h opens in that range" in result.stderr
        assert "2024-03-01T00:00:00Z" in result.stderr
    assert run(*asked).stderr == ""


def test_list_of_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "mistyped"
    for address in (folder, folder.as_uri()):
        result = run("list", "--store", address)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"The folder {folder} does not exist.\n"
    result = run("list", "--store", folder, "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])
    assert "does not exist" in result.stderr
    folder.mkdir()
    assert run("list", "--store", folder).stderr == "Nothing is stored yet.\n"


def test_a_timeframe_that_the_days_contradict_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(export.to_bytes(table(40, step="1D"), "csv"))
    result = run("import", path, "--symbol", "X", "--timeframe", "1h")
    assert result.exit_code == 0
    assert "1 day (1d)" in result.stderr
    assert "1 hour (1h)" in result.stderr
    assert "closer than a day" not in run("import", path, "--symbol", "X").stderr


def test_that_utc_was_taken_is_told(tmp_path: Path) -> None:
    for name, times in (("a", "2024-03-01 0{}:00"), ("b", "2024-04-01 0{}:00"), ("c", "2024-05-01T0{}:00Z")):
        rows = [f"{times.format(hour)},1,2,0.5,1.5" for hour in range(9)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["time,open,high,low,close", *rows, ""]))
    one = run("import", tmp_path / "a.csv", "--symbol", "X").stderr
    assert "the file does not tell the zone of its times; UTC was taken" in one
    several = run("import", tmp_path / "*.csv", "--symbol", "Y").stderr
    assert "of the 3 files, 2 do not tell the zone of the times; UTC was taken" in several
    assert "zone" not in run("import", tmp_path / "c.csv", "--symbol", "Z").stderr


def test_a_symbol_of_several_sources(kept: pd.DataFrame, good: Path) -> None:
    run("import", good, "--symbol", "EURUSD", "--source", "bank")
    result = run("export", "--symbol", "EURUSD", "--timeframe", "1h")
    assert (result.exit_code, "bank, file" in result.stderr) == (2, True)
    assert run("export", "--symbol", "EURUSD", "--timeframe", "1h", "--source", "bank").exit_code == 0


def test_delete(kept: pd.DataFrame) -> None:
    assert run("delete", "--symbol", "EURUSD", "--timeframe", "4h").exit_code == 2
    assert run("delete", "--symbol", "EURUSD", "--timeframe", "1h").exit_code == 0
    assert stored() == []


def test_delete_asks_which_only_where_several_fit(kept: pd.DataFrame) -> None:
    for source in (stored()[0]["source"], "other"):
        open_store().write(Series(source, "EURUSD", parse("1d")), kept.iloc[:1], origin="other")
    result = run("delete", "--symbol", "EURUSD")
    assert result.exit_code == 2
    assert "3 series fit" in result.stderr
    assert "Say which with --symbol, --source and --timeframe." in result.stderr
    assert len(stored()) == 3
    assert run("delete", "--symbol", "EURUSD", "--timeframe", "1h").exit_code == 0
    assert run("delete", "--symbol", "EURUSD", "--source", "other").exit_code == 0
    assert run("delete", "--symbol", "EURUSD").exit_code == 0
    assert stored() == []


# ---------------------------------------------------------------------------------------- as a process


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lib", *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_from_a_shell(good: Path, bad: Path, tmp_path: Path) -> None:
    store = ("--store", tmp_path / "elsewhere")
    done = process("import", good, "--symbol", "X", "--json", *store)
    assert (done.returncode, json.loads(done.stdout)["rows_stored"]) == (0, 48)
    done = process("import", bad, "--symbol", "X", *store)
    assert (done.returncode, done.stdout) == (2, "")
    assert "line 7" in done.stderr
    assert "Traceback" not in done.stderr
    done = process("export", "--symbol", "X", "--timeframe", "1h", *store)
    assert done.stdout.encode() == export.to_bytes(table(48), "csv")


def test_a_store_that_cannot_be_opened(good: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    done = process("import", good, "--symbol", "X", "--store", tmp_path / "taken" / "store")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Traceback" not in done.stderr
    assert str(tmp_path / "taken") in done.stderr and "--store" in done.stderr


def test_a_disk_that_is_full_is_told_with_what_to_do(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("import", good, "--symbol", "X", "--store", tmp_path / "s").exit_code == 0

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    done = run("import", good, "--symbol", "Y", "--store", tmp_path / "s")
    assert done.exit_code == 3
    assert "No space left" in done.stderr and "Make room on that disk" in done.stderr
    monkeypatch.undo()
    assert "X " in run("list", "--store", tmp_path / "s").stdout
    lost = run(
        "export",
        "--symbol",
        "X",
        "--timeframe",
        "1h",
        "--store",
        tmp_path / "s",
        "-o",
        tmp_path / "no" / "x.csv",
    )
    assert lost.exit_code == 2 and "in a folder that is there" in lost.stderr


def test_a_long_import_tells_how_fast_it_is_and_how_long_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 0.5, 10.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    meter = Meter("big.csv", 2000.0)
    meter.on = True
    meter(0.005, "reading")
    meter(0.25, "reading")
    assert capsys.readouterr().err == (
        f"\r\x1b[K[{'.' * 24}]   0% reading big.csv"
        f"\r\x1b[K[{'#' * 6}{'.' * 18}]  25% reading big.csv, 50 MB a second, 0:30 left"
    )


def test_an_import_that_is_stopped_says_what_is_stored(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Room, "check", stop)
        done = run("import", good, "--symbol", "X")
    assert (done.exit_code, done.stdout) == (130, "")
    assert "Stopped: nothing is stored." in done.stderr and stored() == []
    write = Store.write_all
    with monkeypatch.context() as patch:
        patch.setattr(joining, "_TOGETHER", 1)
        patch.setattr(Store, "write_all", lambda *given: stop() if len(stored()) else write(*given))
        done = run("import", good, good, "--symbol", "X", "--conflicts", "last")
    assert done.exit_code == 130
    assert "Stopped: 48 candles are stored" in done.stderr and stored()[0]["candles"] == 48
    assert run("import", good, good, "--symbol", "X", "--conflicts", "last").exit_code == 0


def test_a_range_that_ends_before_it_starts_is_refused(kept: pd.DataFrame) -> None:
    span = ("--start", "2024-03-02", "--end", "2024-03-01")
    result = run("export", "--symbol", "EURUSD", "--timeframe", "1h", *span)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "2024-03-02T00:00:00Z, is not before the end" in result.stderr


def test_help_reads_without_loading_the_house() -> None:
    assert "..." not in run("--help").stdout.replace("Excel ...", "").replace("[ARGS]...", "")
    for command in ([], ["import"], ["list"], ["export"], ["delete"], ["download"]):
        result = run(*command, "--help")
        assert result.exit_code == 0
        assert "Usage: " in result.stdout
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, lib.cli; print('streamlit' in sys.modules, 'pyarrow.csv' in sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert loaded.stdout.split() == ["False", "False"]


# ------------------------------------------------------------------------- ticks, large files, many files


def test_ticks_are_built_into_the_timeframe_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv"
    lines = [f"2024-01-01 00:0{n % 10}:{n % 60:02d}.5,1.{n:03d},1.{n + 1:03d}" for n in range(100)]
    path.write_text("\n".join(["time,bid,ask", *sorted(lines), ""]))
    answer = json.loads(
        run("import", path, "--symbol", "X", "--timeframe", "5m", "--side", "bid", "--json").stdout
    )
    assert (answer["rows_read"], answer["rows_stored"], answer["ticks"]) == (100, 2, 100)
    assert (answer["timeframe"], answer["inferred"]["content"], answer["inferred"]["side"]) == (
        "5m",
        "ticks",
        "bid",
    )
    assert answer["rejected"] == []


def test_a_large_file_goes_through_in_parts(
    tmp_path: Path, bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "LARGE", 0)
    path = tmp_path / "large.csv"
    path.write_bytes(export.to_bytes(table(5000), "csv"))
    answer = json.loads(run("import", path, "--symbol", "BIG", "--json").stdout)
    assert (answer["rows_read"], answer["rows_stored"]) == (5000, 5000)
    pd.testing.assert_frame_equal(
        open_store().read(Series.of("file", "BIG", "1h")), table(5000), check_freq=False
    )
    result = run("import", path, bad, "--symbol", "OTHER")
    assert result.exit_code == 2
    assert [each["symbol"] for each in stored()] == ["BIG"]


def test_files_that_contradict_each_other_are_refused_unless_it_is_said(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_bytes(export.to_bytes(table(48), "csv"))
    changed = table(60).iloc[40:]
    changed.iloc[0, 4] = 123
    other.write_bytes(export.to_bytes(changed, "csv"))
    result = run("import", one, other, "--symbol", "X")
    assert result.exit_code == 2
    assert "one.csv and other.csv have other figures for 2024-03-02 16:00:00" in result.stderr
    assert stored() == []
    for rule, volume in (("first", table(48)["volume"].iloc[40]), ("last", 123)):
        assert run("import", one, other, "--symbol", rule, "--conflicts", rule).exit_code == 0
        kept = open_store().read(Series.of("file", rule, "1h"))
        assert (len(kept), kept["volume"].iloc[40]) == (60, volume)


def test_many_files_as_many_series(tmp_path: Path) -> None:
    for name, step in (("EURUSD_2024.csv", "1h"), ("GBPUSD-1d.csv", "1D")):
        (tmp_path / name).write_bytes(export.to_bytes(table(30, step=step), "csv"))
    answer = json.loads(run("import", tmp_path / "*.csv", "--many", "--json").stdout)
    assert [(each["symbol"], each["timeframe"]) for each in answer["series"]] == [
        ("EURUSD", "1h"),
        ("GBPUSD", "1d"),
    ]
    assert sorted(each["symbol"] for each in stored()) == ["EURUSD", "GBPUSD"]
    result = run("import", tmp_path / "*.csv")
    assert result.exit_code == 2
    assert "--symbol" in result.stderr
    assert run("import", tmp_path / "no*.csv", "--many").exit_code == 2


@pytest.mark.parametrize("fmt", ["csv", "json", "ndjson", "parquet", "feather", "xlsx"])
def test_export_in_every_format_comes_back(kept: pd.DataFrame, tmp_path: Path, fmt: str) -> None:
    path = tmp_path / f"out.{fmt}"
    assert run("export", "--symbol", "EURUSD", "--timeframe", "1h", "-o", path).exit_code == 0
    assert run("import", path, "--symbol", fmt).exit_code == 0
    pd.testing.assert_frame_equal(
        open_store().read(Series.of("file", fmt, "1h")), table(48), check_freq=False
    )


def test_export_with_indicators(kept: pd.DataFrame) -> None:
    made = run(
        "export", "--symbol", "EURUSD", "--timeframe", "1h", "--indicators", "ema(5);macd(3,6,2)"
    ).stdout
    assert made.splitlines()[0] == (
        'time,open,high,low,close,volume,ema(5),"macd(3,6,2).macd","macd(3,6,2).signal","macd(3,6,2).histogram"'
    )
    assert run("export", "--symbol", "EURUSD", "--timeframe", "1h", "--indicators", "nonsense").exit_code == 2


def test_the_choices_arguments_are_options_of_import(good: Path) -> None:
    choices = Choices(
        delimiter=",", encoding="utf-8", header=1, columns={"close": "close"}, time_format="text", day_first=True,
        decimal=".", scale=1.0, zone="UTC", timeframe=parse("1h"), conflicts="first", bad_rows="drop",
        content="candles", side="bid",
    )  # fmt: skip
    assert run("import", good, "--symbol", "X", *choices.arguments()).exit_code == 0
