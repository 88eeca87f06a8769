"""Files dropped on Home, one and many, in Streamlit's own test harness; and the command the page shows for them."""

from __future__ import annotations

import io
import shlex
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from lib import export
from lib.cli import main
from lib.series import Series
from lib.store import Store, open_store
from lib.ui.frame import plain
from lib.ui.wizard import controls
from tests.files.written import table

ROOT = Path(__file__).resolve().parents[2]
ALL = table(80)
PARTS = {
    "EURUSD_2024-03_1.csv": export.to_bytes(ALL[:30], "csv"),
    "EURUSD_2024-03_2.csv": export.to_bytes(ALL[25:60], "csv"),
    "EURUSD_2024-03_3.csv": export.to_bytes(ALL[60:], "csv"),
}


def body(*rows: str) -> bytes:
    return "\n".join(["date,open,high,low,close", *rows, ""]).encode()


OPEN = body(*(f"0{day}/02/2024,1,2,0.5,1.5" for day in range(1, 9)))
BROKEN = body("2024-03-01,1,2,0.5,1.5", "2024-03-02,1,0.9,0.5,1.5", "2024-03-03,1,2,0.5,1.5")
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20


@pytest.fixture
def home() -> AppTest:
    return AppTest.from_file(ROOT / "streamlit_app.py", default_timeout=60).run()


def drop(page: AppTest, files: dict[str, bytes]) -> AppTest:
    page = page.file_uploader[0].set_value([(name, data, "text/csv") for name, data in files.items()]).run()
    assert not page.exception
    return page


def shown(page: AppTest) -> pd.DataFrame:
    return next(each.value for each in page.dataframe if "State" in each.value)


def symbols(page: AppTest) -> dict[str, str]:
    boxes = [each for each in page.text_input if (each.key or "").startswith("many_symbol_")]
    return {each.label.replace("\\", ""): each.value for each in boxes}


def name(page: AppTest, file: str, symbol: str) -> AppTest:
    page = next(each for each in page.text_input if each.label.replace("\\", "") == file).input(symbol).run()
    assert not page.exception
    return page


def leave_out(page: AppTest, *files: str) -> AppTest:
    box = next(each for each in page.multiselect if each.label == "Leave out")
    for each in files:
        box.select(each)
    page = page.run()
    assert not page.exception
    return page


def press(page: AppTest, key: str) -> AppTest:
    page = page.button(key=key).click().run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    kinds = ("error", "warning", "info", "success", "caption", "markdown")
    return " ".join(each.value for kind in kinds for each in page.get(kind)).replace("\\", "")


def command(page: AppTest) -> list[str]:
    return [
        line for each in page.code for line in each.value.splitlines() if line.startswith("python -m lib")
    ]


def same_by_shell(page: AppTest, folder: Path, monkeypatch: pytest.MonkeyPatch, series: set[str]) -> Any:
    """A check that what the page has stored is what its command stores; taken while it is shown."""
    lines = command(page)
    assert lines

    def check() -> None:
        monkeypatch.chdir(folder)
        other = folder / "by-shell"
        for line in lines:
            words = shlex.split(line)
            done = CliRunner().invoke(main, [*words[3:], "--store", str(other)])
            assert done.exit_code == 0, (line, done.stderr)
        mine, theirs = content(open_store()), content(open_store(str(other)))
        assert {*mine} == series
        assert mine.keys() == theirs.keys()
        for name in mine:
            pd.testing.assert_frame_equal(mine[name], theirs[name])

    return check


def content(store: Store) -> dict[str, pd.DataFrame]:
    return {
        str(each.series): store.read(each.series, provenance=True).drop(columns="fetched_at")
        for each in store.list()
        if each.series.source != "sample"
    }


def written(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


# ------------------------------------------------------------------------------------------------- one


def test_one_file_and_its_command(home: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"-x [1] daily.csv": OPEN}
    written(tmp_path, files)
    page = drop(home, files)
    assert "Day and month" in " ".join(each.label for each in page.selectbox)
    order = next(each for each in page.selectbox if "_day_first_" in (each.key or ""))
    page = order.select("day first").run()
    zone = next(each for each in page.selectbox if "_zone_" in (each.key or ""))
    page = zone.select("Asia/Tokyo").run()
    next(each for each in page.text_input if (each.key or "").startswith("symbol_")).input("it's 1")
    next(each for each in page.text_input if (each.key or "").startswith("source_")).input("my broker")
    page = page.run()
    check = same_by_shell(page, tmp_path, monkeypatch, {"it's 1 1d (my broker)"})
    page = next(each for each in page.button if each.label == "Store").click().run()
    assert "8 candles added" in said(page)
    check()


def test_that_utc_was_taken_is_said_but_not_of_days(home: AppTest) -> None:
    note = "he file does not tell the zone of its times; UTC was taken"
    hours = body(*(f"2024-03-01 {hour:02d}:00,1,2,0.5,1.5" for hour in range(9)))
    days = body(*(f"2024-03-{day:02d},1,2,0.5,1.5" for day in range(1, 10)))
    assert note in said(drop(home, {"XAU.csv": hours}))
    assert note not in said(drop(home, {"XAU.csv": days}))
    page = drop(home, {"XAU.csv": hours, "XAG.csv": days})
    assert [note in each for each in shown(page)["Note"]] == [True, False]


def test_a_timeframe_that_the_days_contradict_is_told(home: AppTest) -> None:
    page = drop(home, {"XAU.csv": body(*(f"2024-03-{day:02d},1,2,0.5,1.5" for day in range(1, 10)))})
    frame = next(each for each in page.selectbox if "_timeframe_" in (each.key or ""))
    assert "closer than a day" not in said(page)
    assert "No two candles are closer than a day" in said(frame.select("1h").run())


def test_what_is_refused_names_the_controls_of_the_page(home: AppTest) -> None:
    off = body(*(f"2024-03-01 {hour:02d}:{hour * 7 % 60:02d},1,2,0.5,1.5" for hour in range(12)))
    page = drop(home, {"XAU.csv": off})
    frame = next(each for each in page.selectbox if "_timeframe_" in (each.key or ""))
    page = frame.select("1h").run()
    [error] = [each.value.replace("\\", "") for each in page.error]
    assert '("Candles off the grid")' in error
    assert '("Rows that break a rule")' in error
    assert "--" not in error
    assert "Candles off the grid" in [each.label for each in page.selectbox]
    assert "Rows that break a rule" in [each.label for each in page.radio]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Choose one (--pick-symbol A B), or * for all.", 'Choose one ("Symbol in the file"), or * for all.'),
        (
            "Choose one, or * for all: --pick-symbol BRK.B.",
            'Choose one, or * for all ("Symbol in the file").',
        ),
        (
            "Say what (--time-format), or which (--column time=NAME).",
            'Say what ("Times"), or which ("Columns").',
        ),
        ("Choose dates (--days dates).", 'Choose dates ("Daily candles open at").'),
        ("Say which (--day-first or --month-first).", 'Say which ("Day and month").'),
        ("Ask it (--unheard of).", "Ask it."),
        ("Nothing of the kind (at all): -- no.", "Nothing of the kind (at all): -- no."),
    ],
)
def test_options_become_controls(said: str, shown: str) -> None:
    assert controls(said) == shown


@pytest.mark.parametrize("since_midnight", [False, True])
def test_the_day_of_times_of_day_is_asked_by_a_control(home: AppTest, since_midnight: bool) -> None:
    clocks = [34_200_000 + n * 777 if since_midnight else f"09:30:{n:02d}.500" for n in range(60)]
    ticks = ["ms,bid,ask" if since_midnight else "time,bid,ask", *(f"{clock},1.1,1.2" for clock in clocks)]
    page = drop(home, {"quotes.csv": "\n".join(ticks).encode()})
    [error] = [each.value.replace("\\", "") for each in page.error]
    assert '("Date")' in error
    [box] = page.date_input
    assert box.label == "Date"
    assert box.value is None
    page = box.set_value(date(2024, 1, 31)).run()
    assert not page.error
    assert "2024-01-31 09:30 to 2024-01-31" in said(page)
    assert [each.value for each in page.date_input] == [date(2024, 1, 31)]
    assert "--date 2024-01-31" in command(page)[0]


def test_what_was_stored_stays_told_until_the_next_file(home: AppTest) -> None:
    """The page runs again by itself as soon as the library has looked at what came."""
    page = drop(home, {"XAUEUR.csv": export.to_bytes(ALL, "csv")})
    page = next(each for each in page.button if each.label == "Store").click().run()
    assert len(page.toast) == 1
    page = page.run()
    assert "80 candles added" in page.success[0].value
    assert not page.toast
    page = drop(page, {"next.csv": export.to_bytes(ALL[:9], "csv")})
    assert not page.success
    page = next(each for each in page.button if each.label == "Store").click().run()
    page = page.run()
    assert len(page.success) == 1
    page = press(page, "upload_done_away")
    assert not page.success


def test_one_of_several_tables_is_chosen_by_a_control(home: AppTest) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for member, part in (("AAA.csv", ALL[:30]), ("BBB.csv", ALL[10:])):
            made.writestr(member, export.to_bytes(part, "csv"))
    page = drop(home, {"two.zip": packed.getvalue()})
    [error] = [each.value.replace("\\", "") for each in page.error]
    assert "named for AAA, BBB" in error
    assert '("Table in the file")' in error
    assert not [each for each in page.warning if "Joined" in each.value]
    box = next(each for each in page.selectbox if each.label == "Table in the file")
    page = box.select("BBB.csv").run()
    assert not page.error
    assert "**70 candles**" in said(page)
    box = next(each for each in page.selectbox if each.label == "Table in the file")
    assert (box.value, "AAA.csv" in box.options) == ("BBB.csv", True)
    assert "--member BBB.csv" in command(page)[0]


def test_the_form_of_times_is_asked_where_nothing_else_is_known(home: AppTest) -> None:
    counts = ["time,open,high,low,close", *(f"{34_200_000 + hour},1,2,0.5,1.5" for hour in range(20))]
    page = drop(home, {"counts.csv": "\n".join(counts).encode()})
    [error] = [each.value.replace("\\", "") for each in page.error]
    assert '("Times")' in error
    box = next(each for each in page.selectbox if each.label == "Times")
    assert box.value == ""
    page = box.select("epoch s").run()
    assert not page.error
    assert "--time-format 'epoch s'" in command(page)[0]


def test_a_candle_that_is_not_over_is_not_stored(home: AppTest) -> None:
    today = pd.Timestamp.now(tz="UTC").floor("D")
    days = [f"{today - pd.Timedelta(days=day):%Y-%m-%d},1,2,0.5,1.5" for day in range(40)]
    page = drop(home, {"XAU.csv": body(*days)})
    page = next(each for each in page.button if each.label == "Store").click().run()
    assert "39 candles added" in said(page)


# ------------------------------------------------------------------------------------------ one series


def test_parts_of_one_series(home: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, PARTS)
    page = drop(home, PARTS)
    assert page.radio(key="many_mode").value == "parts"
    assert list(shown(page)["State"]) == ["Ready"] * 3
    assert list(shown(page)["Candles"]) == ["30", "35", "20"]
    assert not symbols(page)
    assert page.text_input(key="many_symbol").value == "EURUSD"
    [line] = command(page)
    assert line == f"python -m lib import {' '.join(PARTS)} --symbol EURUSD"
    check = same_by_shell(page, tmp_path, monkeypatch, {"EURUSD 1h (file)"})
    page = press(page, "many_store")
    assert "from 3 of 3 files: 80 candles added, 5 were there already" in said(page)
    assert list(page.dataframe[0].value["Outcome"]) == ["Stored as EURUSD 1h (file)"] * 3
    assert not [each for each in page.dataframe if "State" in each.value]
    check()
    assert not page.file_uploader[0].value
    page = press(page, "upload_done_away")
    assert "from 3 of 3 files" not in said(page)


def test_one_series_is_not_stored_before_every_part_has_passed(home: AppTest) -> None:
    page = drop(home, {**PARTS, "EURUSD_2024-03_4.csv": BROKEN, "EURUSD_2024-03_5.png": PICTURE})
    assert list(shown(page)["State"]) == ["Ready"] * 3 + ["Needs a choice", "Refused"]
    assert "2024-03-02" in shown(page)["Note"][3] or "line 3" in shown(page)["Note"][3].lower()
    assert list(shown(page).columns[:2]) == ["State", "File"], "what a phone shows"
    told = [
        each.value for each in page.markdown if "Needs a choice:" in each.value or "Refused:" in each.value
    ]
    assert len(told) == 2 and plain(shown(page)["Note"][3]) in told[0]
    assert "Not ready: EURUSD_2024-03_4.csv, EURUSD_2024-03_5.png" in said(page)
    assert page.button(key="many_store").disabled
    page = leave_out(page, "EURUSD_2024-03_4.csv", "EURUSD_2024-03_5.png")
    assert "2 left out" in said(page)
    page = press(page, "many_store")
    assert "from 3 of 3 files" in said(page)
    # those left out are still there
    assert list(shown(page)["File"]) == ["EURUSD_2024-03_4.csv", "EURUSD_2024-03_5.png"]


def test_parts_of_several_timeframes_are_told(home: AppTest) -> None:
    days = export.to_bytes(table(30, step="1D"), "csv")
    page = drop(home, {**PARTS, "EURUSD_days.csv": days})
    assert page.radio(key="many_mode").value == "each"
    page = page.radio(key="many_mode").set_value("parts").run()
    assert "several symbols" not in said(page)
    assert "One series has one timeframe, and these have several (1h: EURUSD" in said(page)
    assert page.button(key="many_store").disabled


@pytest.mark.parametrize("rule", ["first", "last"])
def test_parts_that_contradict_each_other_are_shown(
    home: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    other = ALL[25:60].copy()
    other.iloc[[1, 3], 4] = 7.0
    files = {**PARTS, "EURUSD_2024-03_2.csv": export.to_bytes(other, "csv")}
    written(tmp_path, files)
    page = drop(home, files)
    assert "2 times with other figures in two of the files" in said(page)
    rows = page.dataframe[1].value
    assert list(rows["File"]) == ["EURUSD_2024-03_1.csv", "EURUSD_2024-03_2.csv"] * 2
    assert list(rows["volume"][1::2]) == [7.0, 7.0]
    assert page.button(key="many_store").disabled
    assert not command(page)
    page = page.radio(key="many_between").set_value(rule).run()
    check = same_by_shell(page, tmp_path, monkeypatch, {"EURUSD 1h (file)"})
    page = press(page, "many_store")
    check()
    kept = open_store().read(Series.of("file", "EURUSD", "1h"))
    assert list(kept["volume"].iloc[[26, 28]]) == (
        [7.0, 7.0] if rule == "last" else list(ALL["volume"].iloc[[26, 28]])
    )


# ----------------------------------------------------------------------------------------- a series each


def test_a_series_each(home: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "GBPUSD_H1.csv": export.to_bytes(table(40, seed=2), "csv"), "unnamed-1.csv": OPEN, "data.csv": export.to_bytes(table(30, step="1D"), "csv"),
        "picture.png": PICTURE, **PARTS,
    }  # fmt: skip
    written(tmp_path, files)
    page = drop(home, files)
    assert page.radio(key="many_mode").value == "each"
    assert list(shown(page)["State"]) == ["Ready", "Needs a choice", "Ready", "Refused", *["Ready"] * 3]
    assert [*symbols(page).values()] == ["GBPUSD", "UNNAMED", "", *["EURUSD"] * 3], (
        "of a picture none is asked"
    )
    assert "No symbol yet: data.csv" in said(page)
    assert page.button(key="many_store").disabled
    page = name(page, "data.csv", "IT'S")
    assert not page.button(key="many_store").disabled
    # the one that needs a choice is looked into; what was typed is kept meanwhile
    page = _into(page, "unnamed-1.csv")
    order = next(each for each in page.selectbox if "_day_first_" in (each.key or ""))
    page = order.select("day first").run()
    assert "8 candles" in said(page)
    page = press(page, "many_back")
    assert list(shown(page)["State"])[1] == "Ready"
    assert symbols(page)["data.csv"] == "IT'S"
    page = name(page, "unnamed-1.csv", "DAYS")
    held = page.session_state["upload_basket"].choices
    assert {each.symbol for each in held.values()} == {"IT'S", "DAYS"}  # as the command reads them
    series = {"GBPUSD 1h (file)", "DAYS 1d (file)", "IT'S 1d (file)", "EURUSD 1h (file)"}
    assert len(command(page)) == 4
    check = same_by_shell(page, tmp_path, monkeypatch, series)
    page = press(page, "many_store")
    assert "Stored 4 series from 6 of 6 files: 158 candles added, 5 were there already" in said(page)
    check()
    # what was refused is left, alone: the way of one file
    assert "picture.png" in said(page)
    assert not [each for each in page.dataframe if "State" in each.value]


def test_symbols_of_many_files_are_asked_for_by_the_page(home: AppTest) -> None:
    files = {f"{number}.csv": export.to_bytes(table(3, seed=number), "csv") for number in range(55)}
    page = drop(home, {**files, "days.csv": export.to_bytes(table(3, step="1D"), "csv")})
    assert [*symbols(page)] == [f"{number}.csv" for number in range(50)]
    assert "with other figures" not in said(page), "those without a symbol are of no series yet"
    page = name(page, "7.csv", "AAA")
    page = page.selectbox(key="many_page").select_index(1).run()
    assert [*symbols(page)] == [f"{number}.csv" for number in range(50, 55)] + ["days.csv"]
    page = name(page, "52.csv", "BBB")
    page = page.selectbox(key="many_page").select_index(0).run()
    assert symbols(page)["7.csv"] == "AAA"
    assert "No symbol yet: 0.csv" in said(page)
    page = leave_out(page, *(each for each in (*files, "days.csv") if each not in ("7.csv", "52.csv")))
    assert symbols(page) == {"7.csv": "AAA", "52.csv": "BBB"}
    assert not page.button(key="many_store").disabled


def test_a_name_without_markdown_is_a_label_as_it_is(home: AppTest) -> None:
    files = ("a10_us-500.csv", "*b*.csv", "c__.csv", "www.d.csv")
    page = drop(home, {file: export.to_bytes(table(3), "csv") for file in files})
    labels = [each.label for each in page.text_input if (each.key or "").startswith("many_symbol_")]
    assert labels == ["a10_us-500.csv", *(plain(file) for file in files[1:])]


def _into(page: AppTest, name: str) -> AppTest:
    box = page.selectbox(key="many_into")
    page = box.select_index([each.startswith(name) for each in box.options].index(True)).run()
    assert not page.exception
    return page


def test_one_reading_for_all(home: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{name}.csv": OPEN for name in ("AAA", "BBB", "CCC")}
    written(tmp_path, files)
    page = _into(drop(home, files), "BBB.csv")
    assert not [each for each in page.button if each.key == "many_alike"]
    page = (
        next(each for each in page.selectbox if "_day_first_" in (each.key or "")).select("month first").run()
    )
    page = press(page, "many_alike")
    assert list(shown(page)["State"]) == ["Ready"] * 3
    [line] = command(page)
    assert line == "python -m lib import AAA.csv BBB.csv CCC.csv --many --month-first"
    check = same_by_shell(
        page, tmp_path, monkeypatch, {f"{each} 1M (file)" for each in ("AAA", "BBB", "CCC")}
    )
    press(page, "many_store")
    check()


def test_parts_that_seem_to_be_of_several_symbols_are_told(home: AppTest) -> None:
    hours = export.to_bytes(table(30), "csv")
    page = drop(home, {"EURUSD.csv": hours, "GBPUSD.csv": hours})
    page = page.radio(key="many_mode").set_value("parts").run()
    assert "several symbols: EURUSD, GBPUSD" in said(page)
    assert page.text_input(key="many_symbol").value == ""
    assert page.button(key="many_store").disabled


def test_files_are_read_once_however_often_the_page_runs(
    home: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lib.gathering import Room

    read: list[str] = []
    real = Room.check
    monkeypatch.setattr(
        Room, "check", lambda self, name, *a, **k: read.append(name) or real(self, name, *a, **k)
    )
    page = drop(home, PARTS)
    page = page.radio(key="many_mode").set_value("each").run()
    page = name(page, next(iter(PARTS)), "X")
    page = page.run()
    # a symbol that was typed may tell how its file is read: once more for that one
    assert sorted(read) == sorted([*PARTS, next(iter(PARTS))])
