"""Formats beside text and JSON, as sites and programs hand them out: web pages named .xls, workbooks, columns, archives."""

from __future__ import annotations

import contextlib
import io
import struct
import time
import zipfile
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from lib.errors import FileRefused, InputError
from lib.files import Choices, read, suggest_symbol
from lib.files.packed.extents import xlsb_cells
from tests.files.test_wild import workbook
from tests.files.written import table

HOURS = table(60, "1h", "2024-01-13", 3)
DAYS = table(60, "1D", "2024-01-13", 4)
NAMES = ("Date", "Open", "High", "Low", "Close", "Volume")


def same(data: bytes, want: pd.DataFrame, name: str = "x", choices: Choices | None = None) -> None:
    made = read(name, data, choices or Choices()).table
    pd.testing.assert_frame_equal(made, want, check_freq=False, check_names=False, check_dtype=False)


def csv(want: pd.DataFrame, header: bool = True) -> bytes:
    return want.to_csv(header=header, date_format="%Y-%m-%d %H:%M:%S").encode()


def zipped(files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return sink.getvalue()


# ------------------------------------------------------------------------------------------------- pages


def page(names: Iterable[str], above: str = "") -> str:
    rows = "".join(
        f"<tr><td>&nbsp;{time:%Y/%m/%d}</td><td align=right>{r.open}<td>{r.high}</td><td><b>{r.low}</b></td><td>{r.close}</td>"
        f"<td>{r.volume:,.0f}</td></tr>\r\n" for time, r in zip(DAYS.index, DAYS.itertuples(index=False), strict=True)
    )  # fmt: skip
    header = "".join(f"<th>{name}</th>" for name in names)
    return f"<html><head>{above}<style>td {{ x: y }}</style></head><body><table><tr><td colspan=6>Prices</td></tr><tr>{header}</tr>{rows}</table>"


def test_a_web_page_with_one_table() -> None:
    same(page(NAMES).encode(), DAYS, "x.xls")
    menu = "<table><tr><td>a</td><td>b</td></tr></table>"
    same(page(NAMES).replace("<body>", f"<body>{menu}").encode("utf-16"), DAYS)


def test_cells_of_a_page_that_go_on_below() -> None:
    rows = "".join(
        f"<tr>{f'<td rowspan=24>{time:%Y-%m-%d}</td>' if time.hour == 0 else ''}<td>{time:%H:%M}</td>"
        + "".join(f"<td>{figure}</td>" for figure in r) + "</tr>"
        for time, r in zip(HOURS.index, HOURS.to_numpy(), strict=True)
    )  # fmt: skip
    same(
        f"<table><tr><th>Date<th>Time{''.join(f'<th>{name}' for name in NAMES[1:])}</tr>{rows}</table>".encode(),
        HOURS,
    )


def test_notes_behind_the_names_of_columns() -> None:
    told = page(NAMES).replace("<th>Close", "<th>Close* <span>Close price adjusted for splits.</span>")
    adjusted = told.replace(
        "</th></tr>", "</th><th>Adj Close <span><div>Adjusted close.</div></span></th></tr>"
    )
    same(adjusted.replace("</td></tr>\r", "</td><td>0.5</td></tr>\r").encode(), DAYS)
    same(page(NAMES).replace("<th>Close", "<th><b>Cl</b><span>ose</span>").encode(), DAYS)


@pytest.mark.parametrize("above", ["", '<meta charset="big5">', '<meta charset="utf-8">'])
def test_the_encoding_of_a_web_page(above: str) -> None:
    same(page(("日期", "開盤價", "最高價", "最低價", "收盤價", "成交股數"), above).encode("big5"), DAYS)


def test_tables_of_something_else_on_the_page() -> None:
    other = "<table><tr><td>Name</td><td>a</td><td>b</td><td>c</td><td>d</td></tr><tr><td>1</td><td>2</td><td>3</td><td>4</td><td>5</td></tr></table>"
    made = read("x", page(NAMES).replace("<table>", f"{other}<table>", 1).encode())
    assert len(made.table) == len(DAYS)
    assert any(
        "Passed over, as no candles are told in them: x: table 1" in note for note in made.reading.warnings
    )


def test_a_spreadsheet_in_xml() -> None:
    def row(*cells: Any) -> str:
        made = (f'<Cell><Data ss:Type="x">{cell}</Data></Cell>' for cell in cells)
        return f"<Row>{''.join(made)}</Row>"

    rows = [
        row(f"{time:%Y-%m-%dT%H:%M:%S}.000", *r) for time, r in zip(DAYS.index, DAYS.to_numpy(), strict=True)
    ]
    text = f'<?xml version="1.0"?><Workbook><Worksheet ss:Name="a"><Table>{row(*NAMES)}{"".join(rows)}</Table></Worksheet></Workbook>'
    same(text.encode(), DAYS)
    placed = text.replace("<Row><Cell>", '<Row><Cell ss:Index="3">')
    same(placed.encode(), DAYS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!doctype html><p>Log in", "web page"),
        ('<?xml version="1.0"?><row open="1"/>', "XML document"),
        ("<table><tr>" + "<td>word</td>" * 6 + "</tr><tr>" + "<td>word</td>" * 6, "no rows of candles"),
    ],
    ids=["login", "xml", "words"],
)
def test_pages_without_candles(text: str, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        read("x.xls", text.encode())


# --------------------------------------------------------------------------------------------- workbooks


def test_times_of_day_as_fractions_beside_the_dates() -> None:
    start = pd.Timestamp("1899-12-30", tz="UTC")
    rows = [
        [float((time.floor("D") - start).days), time.hour / 24, *map(float, r)]
        for time, r in zip(HOURS.index, HOURS.to_numpy(), strict=True)
    ]
    same(workbook([["Date", "Time", *NAMES[1:]], *rows]), HOURS)


def test_a_workbook_that_is_stored_in_an_archive() -> None:
    inner = zipped({"xl/workbook.xml": b"<x/>"}, zipfile.ZIP_STORED)
    data = workbook(
        [
            [*NAMES],
            *[[f"{t:%Y-%m-%d}", *map(float, r)] for t, r in zip(DAYS.index, DAYS.to_numpy(), strict=True)],
        ]
    )
    same(zipped({"a.xlsx": data}, zipfile.ZIP_STORED), DAYS)
    with pytest.raises(FileRefused, match="workbook"):
        read("x", zipped({"a.xlsx": inner}, zipfile.ZIP_STORED))


def test_summaries_below_the_rows() -> None:
    text = (
        csv(DAYS).decode()
        + "\nTotal,,,,,99\nAverage,"
        + ",".join(f"{value:.3f}" for value in DAYS.mean())
        + "\n"
    )
    same(text.encode(), DAYS)


def record(kind: int, data: bytes = b"") -> bytes:
    """One of [MS-XLSB]: its number and its length in seven bits a byte, and its data."""
    size, length = len(data), b""
    while size > 127:
        size, length = size >> 7, length + bytes([size & 0x7F | 0x80])
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return number + length + bytes([size]) + data


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def binary_sheet(rows: list[list[Any]], far: tuple[int, int] | None = None) -> bytes:
    made = record(129) + record(148, struct.pack("<4I", 0, len(rows) - 1, 0, 5)) + record(145)
    cells = [(n, at, cell) for n, row in enumerate(rows) for at, cell in enumerate(row)]
    for n, at, cell in [*cells, *([(*far, 1.0)] if far else [])]:
        made += record(0, struct.pack("<IIHHIx", n, 0, 300, 0, 0)) if at == 0 or (n, at) == far else b""
        value = wide(cell) if isinstance(cell, str) else struct.pack("<d", cell)
        made += record(6 if isinstance(cell, str) else 5, struct.pack("<II", at, 0) + value)
    return made + record(146) + record(130)


def binary_workbook(sheet: bytes) -> bytes:
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    rels = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{rel}/worksheet" Target="worksheets/sheet1.bin"/></Relationships>'
    )
    book = record(143) + record(156, struct.pack("<II", 0, 1) + wide("r1") + wide("a")) + record(144)
    return zipped({
        "xl/workbook.bin": record(131) + book + record(132), "xl/_rels/workbook.bin.rels": rels.encode(),
        "xl/worksheets/sheet1.bin": sheet,
    })  # fmt: skip


def test_a_binary_workbook_and_one_with_a_cell_far_off() -> None:
    rows: list[list[Any]] = [
        [*NAMES],
        *[[f"{t:%Y-%m-%d}", *map(float, r)] for t, r in zip(DAYS.index, DAYS.to_numpy(), strict=True)],
    ]
    same(binary_workbook(binary_sheet(rows)), DAYS)
    far = binary_sheet(rows, (1048575, 16383))
    assert xlsb_cells(far) == 2**34
    assert xlsb_cells(far[:-9]) == 2**34
    with pytest.raises(FileRefused, match="a sheet of 17,179,869,184 cells"):
        read("x", binary_workbook(far))


# --------------------------------------------------------------------------------- columns and archives


def parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_prices_in_a_struct() -> None:
    prices = pa.StructArray.from_arrays(
        [pa.array(HOURS[name]) for name in HOURS.columns[:4]], list(HOURS.columns[:4])
    )
    columns = {
        "ts": pa.array(HOURS.index.tz_localize(None)),
        "ohlc": prices,
        "volume": HOURS["volume"].to_numpy(),
    }
    same(parquet(columns), HOURS)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, (made := pa.table(columns)).schema) as writer:
        writer.write_table(made)
    same(sink.getvalue(), HOURS)


@pytest.mark.parametrize("kind", ["lists", "by day", "objects", "a struct of lists"])
def test_candles_in_lists(kind: str) -> None:
    """A row for the series, or for each day of it; of the last ones, a row without any."""
    days = [day for _, day in HOURS.groupby(HOURS.index.date)]
    lists = {name: [day[name].tolist() for day in days] for name in HOURS}
    rows = [
        {"t": at, **row._asdict()} for at, row in zip(HOURS.index, HOURS.itertuples(index=False), strict=True)
    ]
    whole = {"t": [HOURS.index.to_list()], **{name: [HOURS[name].tolist()] for name in HOURS}}
    columns: dict[str, Any] = {
        "lists": lambda: {"symbol": ["ABC"], **whole},
        "by day": lambda: {"date": [f"{day.index[0]:%Y-%m-%d}" for day in days],
                           "time": [[f"{at:%H:%M}" for at in day.index] for day in days], **lists},
        "objects": lambda: {"symbol": ["ABC", "ABC"], "bars": [rows, []]},
        "a struct of lists": lambda: {"ohlc": [{name: value[0] for name, value in whole.items()}]},
    }[kind]()  # fmt: skip
    data = parquet(columns)
    same(data, HOURS)
    sink = io.BytesIO()
    feather.write_feather(pa.table(columns), sink)
    same(sink.getvalue(), HOURS)


def test_lists_beside_candles_are_passed_over() -> None:
    books = [[{"price": 1.0, "size": 2.0, "count": 1, "side": 1}] * (n % 3) for n in range(len(HOURS))]
    same(parquet({"time": HOURS.index, **HOURS, "book": books}), HOURS)


def test_texts_beside_lists_are_not_repeated_beyond_the_memory() -> None:
    columns = {
        "note": ["x" * 2**16],
        "t": [HOURS.index.to_list() * 1500],
        **{n: [HOURS[n].tolist() * 1500] for n in HOURS},
    }
    with pytest.raises(FileRefused, match=r"unpacks to more than 5,\d+ MB of texts in the column 'note'"):
        read("x", parquet(columns))


def test_billionths() -> None:
    whole = {
        name: pa.array((HOURS[name] * 40).round(9).mul(1e9).round().astype("int64"))
        for name in HOURS.columns[:4]
    }
    data = parquet({"ts_event": pa.array(HOURS.index), **whole, "volume": HOURS["volume"].to_numpy()})
    made = read("x", data)
    want = (HOURS.iloc[:, :4] * 40).assign(volume=HOURS["volume"])
    pd.testing.assert_frame_equal(made.table, want, check_freq=False, check_names=False)
    assert any("divided by 1e9" in note for note in made.reading.warnings)
    assert read("x", data, Choices(scale=1.0)).table["close"].iloc[0] > 1e10


def test_folders_named_for_a_symbol() -> None:
    twice = HOURS.assign(**{name: HOURS[name] * 2 for name in HOURS.columns[:4]})
    parts = {
        f"all/symbol={quote(name, safe='')}/part-0.parquet": parquet({"time": want.index, **want})
        for name, want in (("BTC/USD", HOURS), ("XYZ", twice))
    }
    same(zipped(parts), HOURS, choices=Choices(symbol="BTC/USD"))
    with pytest.raises(FileRefused, match="named for"):
        read("x", zipped(parts))


def test_a_log_beside_the_parts() -> None:
    parts = {
        f"part-{n}.parquet": parquet({"time": part.index, **part})
        for n, part in enumerate((HOURS[:30], HOURS[30:]))
    }
    same(
        zipped(
            {
                **parts,
                "_delta_log/0.json": b'{"commitInfo": {"timestamp": 1}}',
                "_delta_log/_last_checkpoint": b'{"version": 1}',
            }
        ),
        HOURS,
    )


@pytest.mark.parametrize("names", [("jan.csv", "feb.csv", "mar.csv"), ("page1.csv", "page2.csv", "page3.csv"),
                                   ("part-0001.csv", "part-0002.csv", "part-0003.csv")])  # fmt: skip
def test_names_that_only_count_parts(names: tuple[str, ...]) -> None:
    parts = (HOURS[:20], HOURS[20:40], HOURS[40:])
    same(zipped(dict(zip(names, map(csv, parts), strict=True))), HOURS)
    assert not any(map(suggest_symbol, names))


def test_parts_named_for_other_timeframes_are_no_parts_of_one_series() -> None:
    days = table(4, "1D", "2024-02-13", 3)
    with pytest.raises(FileRefused, match="named for 1d, 1h"):
        read("x.zip", zipped({"ABC_1h.csv": csv(HOURS), "ABC_1d.csv": csv(days)}))


def test_places_beyond_the_texts_of_an_arrow_file_are_refused() -> None:
    """What reads them as they stand ends the process."""
    made = pa.table({
        "time": pa.array([f"{at:%Y-%m-%d %H:%M:%S}" for at in HOURS.index], pa.string_view()),
        **{name: pa.array(HOURS[name]) for name in HOURS},
    })  # fmt: skip
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, made.schema) as writer:
        writer.write_table(made)
    data = sink.getvalue()
    same(data, HOURS)
    view = struct.pack(
        "<i4sii", 19, b"2024", 0, 19 * 7
    )  # a text of 19 letters: its start, its buffer, its place there
    assert data.count(view) == 1
    with pytest.raises(FileRefused, match="cannot be read"):
        read("x", data.replace(view, struct.pack("<i4sii", 19, b"2024", 0, 2**30)))


@pytest.mark.filterwarnings("ignore:Feather V1:DeprecationWarning")
def test_a_feather_file_of_the_first_version_is_read_apart() -> None:
    sink = io.BytesIO()
    feather.write_feather(pa.table({"time": HOURS.index.tz_localize(None), **HOURS}), sink, version=1)
    data = sink.getvalue()
    same(data, HOURS)
    for at in (len(data) - 60, len(data) - 200, 100):
        with contextlib.suppress(InputError):
            read("x", data[:at] + b"\xff" * 40 + data[at + 40 :])
    with pytest.raises(FileRefused, match="cannot be read"):
        read("x", data[: len(data) // 2] + data[-12:])


@pytest.mark.parametrize(
    "text",
    [
        "<table>" + "<tr><td colspan=500>1" * 40_000,
        "<html>" + "<!" * 500_000,
        "<html>" + "<!--" * 300_000,
        "<table><tr>" + "<td " * 300_000,
        "<table>" * 200_000,
        "\n".join(f'{{"time":{n},"o":2,"h":3,"l":1,"c":2,"k{n}":1}}' for n in range(20_000)),
        "[" + '{"$a":' * 900 + "1" + "}" * 900 + "]",
    ],
    ids=["cells", "marks", "comments", "tags", "tables", "names", "depth"],
)
def test_documents_that_would_take_for_ever_are_refused_at_once(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(FileRefused):
        read("x", text.encode())
    assert time.process_time() - begin < 20
