"""Files in parts: the same candles, the same findings and the same refusals as in one piece."""

from __future__ import annotations

import gc
import gzip
import json
import lzma
import re
import weakref
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.errors import CandlebookError, CandlesRefused, FileRefused
from lib.export import to_bytes
from lib.files import Choices, FileCandles, read
from lib.files.documents import jsonlines
from lib.files.documents.documents import rows_of_lines
from lib.files.packed import unpacking
from lib.files.packed.unpacking import is_large
from lib.files.runs import Runs, Writer
from lib.files.streaming import Streamed, stream
from lib.timeframes import parse
from tests.files.test_ticks import quotes
from tests.files.test_ticks import written as tick_file
from tests.files.written import table

SMALL = {"block": 4096, "window": 300}


def streamed(path: Path, choices: Choices | None = None, **sizes: int) -> tuple[pd.DataFrame, Streamed]:
    with stream(path.name, path, choices, **(sizes or SMALL)) as found:
        return pd.concat(list(found.tables())), found


def same(path: Path, choices: Choices | None = None) -> tuple[FileCandles, Streamed]:
    whole = read(path.name, path, choices)
    candles, found = streamed(path, choices)
    pd.testing.assert_frame_equal(candles, whole.table, check_freq=False)
    assert found.timeframe == whole.timeframe
    assert found.ticks == whole.ticks
    assert found.rows_read == whole.rows_read
    mine, theirs = found.report, whole.report
    for name in ("rows_in", "rows_out", "duplicates", "first", "last", "counts", "sorted_on_entry"):
        assert getattr(mine, name) == getattr(theirs, name), name
    assert [(each.rule, each.line) for each in mine.findings] == [
        (each.rule, each.line) for each in theirs.findings
    ]
    return whole, found


def lines(count: int = 1200, **options: Any) -> list[str]:
    return to_bytes(table(count, **options), "csv").decode().splitlines()


def put(folder: Path, rows: list[str], name: str = "x.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([*rows, ""]))
    return path


def test_many_parts_are_the_whole(tmp_path: Path) -> None:
    rows = lines()
    _, found = same(put(tmp_path, rows))
    assert found.report.rows_out == 1200
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("seed", range(3))
def test_rows_in_any_order_with_duplicates_far_apart(tmp_path: Path, seed: int) -> None:
    head, *body = lines()
    random = np.random.default_rng(seed)
    shuffled = [body[at] for at in random.permutation(len(body))]
    whole, _ = same(put(tmp_path, [head, *shuffled, *shuffled[:40]]))
    assert whole.report.duplicates == 40
    same(put(tmp_path, [head, *body[::-1]]))


@pytest.mark.parametrize("rule", ["first", "last"])
def test_conflicts_across_parts(tmp_path: Path, rule: Any) -> None:
    head, *body = lines()
    other = ",".join([*body[7].split(",")[:-1], "123456"])
    path = put(tmp_path, [head, *body, other])
    with pytest.raises(CandlesRefused, match=r"Line 9: .*other figures"):
        streamed(path)
    whole, _ = same(path, Choices(conflicts=rule))
    assert (whole.table["volume"].iloc[7] == 123456) == (rule == "last")


def test_faults_are_refused_with_their_lines_or_left_out(tmp_path: Path) -> None:
    rows = lines()
    rows[1000] = rows[1000].replace(",", ",x", 1)
    rows[1100] = rows[1100].split(",")[0]
    rows.insert(100, "")
    path = put(tmp_path, rows)
    with pytest.raises(FileRefused, match="line 1002"):
        streamed(path)
    same(path, Choices(bad_rows="drop"))
    high = lines()
    cells = high[700].split(",")
    cells[2] = "0.01"
    high[700] = ",".join(cells)
    with pytest.raises(CandlesRefused, match="Line 701"):
        streamed(put(tmp_path, high))
    same(path, Choices(bad_rows="drop"))


def test_the_hour_that_comes_twice_may_lie_across_parts(tmp_path: Path) -> None:
    made = table(3000, step="1min", start="2024-10-26 12:00")
    wall = made.tz_convert("Europe/Berlin").tz_localize(None)
    rows = [f"{time:%Y-%m-%d %H:%M},{o},{h},{lo},{c},{v}" for time, o, h, lo, c, v in wall.itertuples()]
    path = put(tmp_path, ["time,open,high,low,close,volume", *rows])
    whole, _ = same(path, Choices(zone="Europe/Berlin"))
    assert list(whole.table.index) == list(made.index)


def test_times_that_are_told_apart_only_later(tmp_path: Path) -> None:
    made = table(400, step="1h", start="2024-01-01")
    rows = [f"{time:%d/%m/%Y %H:%M},{o},{h},{lo},{c},{v}" for time, o, h, lo, c, v in made.itertuples()]
    candles, _ = streamed(put(tmp_path, ["time,open,high,low,close,volume", *rows]), block=2000, window=100)
    assert list(candles.index) == list(made.index)


def test_a_finer_step_later_in_the_file_counts(tmp_path: Path) -> None:
    head, *coarse = lines(300, step="1h")
    fine = lines(3000, step="1min", start="2024-06-01")[1:]
    _, found = same(put(tmp_path, [head, *coarse, *fine]))
    assert found.timeframe == parse("1m")


@pytest.mark.parametrize("side", ["bid", "mid"])
def test_ticks_in_parts(tmp_path: Path, side: Any) -> None:
    frame = quotes(1500)
    random = np.random.default_rng(2)
    for n, each in enumerate((frame, frame.iloc[::-1], frame.iloc[random.permutation(1500)])):
        path = tmp_path / f"{n}.csv"
        path.write_bytes(tick_file(each))
        _, found = same(path, Choices(side=side, timeframe=parse("1m")))
        assert found.ticks == 1500


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    sides=st.lists(st.sampled_from(["bid", "ask", "both", "none"]), min_size=3, max_size=60),
    block=st.integers(60, 900),
    side=st.sampled_from(["mid", "bid", "ask"]),
)
def test_sides_that_stand_on_in_parts(tmp_path: Path, sides: list[str], block: int, side: Any) -> None:
    rows = ["<DATE>\t<TIME>\t<BID>\t<ASK>\t<FLAGS>", "2024.03.01\t10:00:00.000\t1.0\t1.1\t6"]
    for at, kind in enumerate(sides * 5):
        bid = f"1.{at:03d}" if kind in ("bid", "both") else ""
        ask = f"1.{at + 2:03d}" if kind in ("ask", "both") else ""
        clock = "soon" if at % 29 == 28 else f"10:{at // 60:02d}:{at % 60:02d}.{at:03d}"
        rows.append(f"2024.03.01\t{clock}\t{bid}\t{ask}\t6")
    path = put(tmp_path, rows)
    choices = Choices(side=side, bad_rows="drop")
    whole = read(path.name, path, choices)
    candles, found = streamed(path, choices, block=block, window=50)
    pd.testing.assert_frame_equal(candles, whole.table, check_freq=False)
    assert (found.ticks, found.rows_read) == (whole.ticks, whole.rows_read)
    assert set(found.reading.warnings) == set(whole.reading.warnings)


def test_packed_files_and_other_encodings(tmp_path: Path) -> None:
    rows = lines()
    plain = "\n".join([*rows, ""])
    (tmp_path / "a.gz").write_bytes(gzip.compress(plain.encode()))
    (tmp_path / "a.xz").write_bytes(lzma.compress(plain.encode()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.csv", plain)
    (tmp_path / "a16.csv").write_text(plain, encoding="utf-16")
    (tmp_path / "old.csv").write_text(plain.replace("time", "tíme", 1), encoding="latin-1", newline="\r\n")
    expected = table(1200)
    for path in sorted(tmp_path.iterdir()):
        choices = Choices(columns={"time": "#1"}) if path.name == "old.csv" else None
        candles, _ = streamed(path, choices)
        pd.testing.assert_frame_equal(candles, expected, check_freq=False)


def test_bombs_and_endless_lines_are_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "zeros.gz"
    with gzip.open(bomb, "wb") as sink:
        for _ in range(100):
            sink.write(bytes(2**20))
    with pytest.raises(FileRefused, match="not a file of candles"):
        streamed(bomb)
    endless = tmp_path / "endless.csv"
    endless.write_text("\n".join(lines(50)) + "\n" + "1" * 5 * 2**20)
    with pytest.raises(FileRefused, match="longer than"):
        streamed(endless)
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress("\n".join(lines()).encode())[:-9])
    with pytest.raises(FileRefused, match="does not unpack"):
        streamed(cut)
    with pytest.raises(CandlebookError):
        streamed(tmp_path / "absent.csv")
    assert not is_large(endless)


def test_progress_goes_up_to_the_end(tmp_path: Path) -> None:
    seen: list[float] = []
    with stream("x.csv", put(tmp_path, lines()), progress=lambda done, what: seen.append(done), **SMALL):
        pass
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert len(seen) > 20


def test_what_is_no_row_is_left_out_at_the_end_only_unless_it_is_a_total(tmp_path: Path) -> None:
    rows = lines(400)
    same(put(tmp_path, [*rows, "As of noon,1.5,,,,"]))
    same(put(tmp_path, [*rows[:75], "Total,,,,,12345", *rows[75:], "Total,,,,,12345"]))
    rows.insert(75, "As of noon,1.5,,,,")
    with pytest.raises(FileRefused, match="line 76"):
        streamed(put(tmp_path, rows), block=4096)
    # wherever the parts begin and end
    for block in range(3000, 5000, 210):
        with pytest.raises(FileRefused, match="line 76"):
            streamed(put(tmp_path, rows), block=block)


def test_a_quote_that_is_not_closed_takes_no_row_with_it(tmp_path: Path) -> None:
    rows = lines(120)
    damaged = [rows[0], *(each.rsplit(",", 1)[0] + ',"""' for each in rows[1:])]
    path = put(tmp_path, damaged)
    with pytest.raises(FileRefused):
        read(path.name, path)
    with pytest.raises(FileRefused):
        streamed(path)
    noted = [rows[0] + ",note", *(f'{each},"two\nlines, of text"' for each in rows[1:])]
    assert len(read("x.csv", put(tmp_path, noted)).table) == 120


def test_parquet_goes_through_in_pieces(tmp_path: Path) -> None:
    whole = table(3_000)
    plain = pd.DataFrame({"time": whole.index, **{name: whole[name].to_numpy() for name in whole}})
    split = plain.assign(
        date=plain["time"].dt.strftime("%Y-%m-%d"), clock=plain["time"].dt.strftime("%H:%M:%S")
    ).drop(columns="time")
    bad = plain.copy()
    bad.loc[[700, 2_500], "high"] = 0.01
    for number, frame in enumerate((plain, split, plain[::-1], pd.concat([plain, plain[-900:]]), bad)):
        path = tmp_path / f"{number}.parquet"
        frame.to_parquet(path, row_group_size=1_000, index=False)
        choices = Choices(bad_rows="drop") if frame is bad else None
        found = same(path, choices)[1]
        assert found.report.rows_out == 3_000 - 2 * (frame is bad)
    assert [each.line for each in found.report.findings] == [701, 2_501]
    seen: list[float] = []
    with stream("x", path, Choices(bad_rows="drop"), progress=lambda done, what: seen.append(done), **SMALL):
        pass
    assert len(seen) > 15 and seen == sorted(seen) and seen[-1] == 1
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FileRefused, match="cannot be read"):
        streamed(path)


def ndjson(shape: str, made: pd.DataFrame) -> list[str]:
    """A table a line: flat objects, texts in lists, objects in objects, and figures as a database writes them."""
    values: list[Any] = []
    for time, o, h, lo, c, v in made.itertuples():
        ms = int(time.timestamp()) * 1000
        values.append({
            "objects": {"time": f"{time:%Y-%m-%dT%H:%M:%SZ}", "open": o, "high": h, "low": lo, "close": c, "volume": v},
            "lists": [ms, *map(str, (o, h, lo, c, v))],
            "flags": [ms, *map(str, (o, h, lo, c)), "1"],
            "nested": {"t": ms, "mid": {"o": str(o), "h": str(h), "l": str(lo), "c": str(c)}, "volume": v},
            "money": {"t": ms, **{name: {"$numberDecimal": str(x)} for name, x in zip("ohlcv", (o, h, lo, c, v), strict=True)}},
        }[shape])  # fmt: skip
    return [json.dumps(each) for each in values]


@pytest.mark.parametrize("shape", ["objects", "lists", "nested", "money", "flags"])
def test_ndjson_in_parts_is_what_it_is_in_one_piece(
    tmp_path: Path, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ndjson(shape, table(1200))
    path = put(tmp_path, rows, "x.ndjson")
    _, found = same(path)
    assert found.reading.containers == ("json",)
    careful: list[int] = []

    def seen(data: bytes, name: str, line: int = 1) -> Any:
        careful.append(line)
        return rows_of_lines(data, name, line)

    monkeypatch.setattr(jsonlines, "rows_of_lines", seen)
    streamed(path)
    # Arrow takes them apart; what costs ten times as much is for the head, and for what is odd
    assert (len(careful) > 10) == (shape in ("money", "flags"))
    if shape not in ("lists", "flags"):
        extra = [*rows[:500], "", '{"type": "heartbeat", "time": 1}', *rows[500:], rows[7]]
        assert same(put(tmp_path, extra, "x.ndjson"))[1].report.duplicates == 1


@pytest.mark.parametrize("shape", ["objects", "lists", "nested"])
def test_faults_in_ndjson_have_their_lines(tmp_path: Path, shape: str) -> None:
    rows = ndjson(shape, table(1200))
    wrong = [*rows[:700], re.sub(r"(\d{13}|\"2024.*?Z\")", '"soon"', rows[700], count=1), *rows[701:]]
    path = put(tmp_path, wrong, "x.ndjson")
    for way in (streamed, lambda path: read(path.name, path)):
        with pytest.raises(FileRefused, match="line 701: 'soon' is not a time"):
            way(path)
    same(path, Choices(bad_rows="drop"))
    odd = [
        *rows[:900],
        rows[900].replace('"', "", 1).replace(":", "!", 1).replace(",", "] [", 1),
        *rows[901:],
    ]
    with pytest.raises(FileRefused, match=r"Line 90[12] of x.ndjson is not JSON"):
        streamed(put(tmp_path, odd, "x.ndjson"))


def test_large_ndjson_goes_in_parts_and_documents_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_JSON_LARGE", "_PACKED_JSON_LARGE"):
        monkeypatch.setattr(unpacking, name, 1000)
    rows = ndjson("objects", table(500))
    plain = put(tmp_path, rows, "x.ndjson")
    packed = tmp_path / "x.ndjson.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "x.ndjson")
    document = put(tmp_path, ["[", ",\n".join(rows), "]"], "x.json")
    nothing = put(tmp_path, ['{"a": 1}', '{"a": 2}'] * 200, "y.ndjson")
    for path in (plain, packed, tmp_path / "x.zip"):
        assert is_large(path)
        assert len(streamed(path)[0]) == 500
    assert streamed(packed)[1].reading.containers == ("gzip", "json")
    assert not any(map(is_large, (document, nothing)))


def test_days_and_months_of_ndjson_are_told_apart_later(tmp_path: Path) -> None:
    made = table(400, step="1h", start="2024-01-01")
    rows = [json.dumps([f"{time:%d/%m/%Y %H:%M}", *map(str, row)]) for time, *row in made.itertuples()]
    candles, _ = streamed(put(tmp_path, rows, "x.ndjson"), block=2000, window=100)
    assert list(candles.index) == list(made.index)


def test_what_is_written_down_of_a_part_does_not_hold_its_times(tmp_path: Path) -> None:
    with Writer() as writer:
        runs = Runs(tmp_path, writer)
        held = []
        for part in range(3):
            times = np.arange(10_000) + part * 10_000
            held.append(weakref.ref(times))
            runs.add({"time": times, "close": times.astype(float)})
            del times
        writer.done()
        gc.collect()
        assert [each() for each in held] == [None] * 3
        assert runs.rows == 30_000
