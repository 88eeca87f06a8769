"""What vendors, exchanges, sites and programs write: the same candles in each of their shapes."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from lib.errors import CandlebookError, CandlesRefused, FileRefused
from lib.files import Choices, inspect, read
from lib.files.streaming import stream
from tests.files.written import table

HOURS = table(60, "1h", "2024-01-13", 3)
DAYS = table(60, "1D", "2024-01-13", 4)
Row = Any


def same(
    data: bytes | str, want: pd.DataFrame, choices: Choices | None = None, *, volume: bool = True
) -> Any:
    made = read("file", data.encode() if isinstance(data, str) else data, choices)
    want = want if volume else want.assign(volume=np.nan)
    pd.testing.assert_frame_equal(made.table, want, check_freq=False, rtol=1e-12)
    return made


def lines(
    row: Callable[[pd.Timestamp, Row], str], want: pd.DataFrame, header: str = "", *, newest: bool = False
) -> str:
    """A row for each candle; ``r`` has its figures as texts."""
    texts = want.assign(**{name: [repr(float(each)) for each in want[name]] for name in want})
    made = [row(time, r) for time, r in texts.iterrows()]
    return "\n".join([*([header] if header else []), *(made[::-1] if newest else made)]) + "\n"


def objects(
    row: Callable[[pd.Timestamp, Row], Any], want: pd.DataFrame = HOURS, *, newest: bool = False
) -> list[Any]:
    made = [row(time, r) for time, r in want.iterrows()]
    return made[::-1] if newest else made


def seconds(time: pd.Timestamp) -> int:
    return int(time.timestamp())


def digits(value: Any) -> str:
    return repr(float(value))


OHLCV = ["open", "high", "low", "close", "volume"]
EPOCH = [seconds(time) for time in HOURS.index]
NAIVE = HOURS.tz_localize(None).rename_axis("Date").reset_index()

# ------------------------------------------------------------------------------------------------ JSON

DOCUMENTS: dict[str, Any] = {
    "list of rows": objects(lambda t, r: [seconds(t) * 1000, *r]),
    "low and high first, newest first": objects(
        lambda t, r: [seconds(t), r.low, r.high, r.open, r.close, r.volume], newest=True
    ),
    "texts in data": {"code": "0", "data": objects(lambda t, r: [str(seconds(t) * 1000), *map(digits, r), "1", "0"], newest=True)},
    "texts in result.list": {
        "retCode": 0, "time": 1671991000000,
        "result": {"symbol": "X", "list": objects(lambda t, r: [str(seconds(t) * 1000), *map(digits, r), "2"], newest=True)},
    },
    "average before volume": {
        "error": [],
        "result": {"XBTUSD": objects(lambda t, r: [seconds(t), *map(digits, r[:4]), digits((r.high + r.low) / 2), digits(r.volume), 9]),
                   "last": 1},
    },
    "one letter each": {
        "ticker": "X",
        "results": objects(lambda t, r: {"v": r.volume, "vw": r.low, "o": r.open, "c": r.close, "h": r.high, "l": r.low,
                                         "t": seconds(t) * 1000, "n": 4}),
    },
    "nested mid": {
        "instrument": "EUR_USD",
        "candles": objects(lambda t, r: {
            "complete": True, "volume": int(r.volume), "time": f"{t:%Y-%m-%dT%H:%M:%S}.000000000Z",
            "mid": {"o": digits(r.open), "h": digits(r.high), "l": digits(r.low), "c": digits(r.close)}}),
    },
    "values and meta": {
        "meta": {"symbol": "X", "interval": "1h"}, "status": "ok",
        "values": objects(lambda t, r: {"datetime": f"{t:%Y-%m-%d %H:%M:%S}", **{name: digits(r[name]) for name in OHLCV}}, newest=True),
    },
    "chart": {"chart": {"error": None, "result": [{
        "meta": {"validRanges": ["1d", "5d", "1mo"]}, "timestamp": EPOCH,
        "indicators": {"quote": [{name: list(HOURS[name]) for name in OHLCV}], "adjclose": [{"adjclose": list(HOURS["close"])}]},
    }]}},
    "columns": {"s": "ok", "t": EPOCH, **{name[0]: list(HOURS[name]) for name in OHLCV}},
    "numbered keys": {
        "Meta Data": {"2. Symbol": "X"},
        "Time Series (60min)": {f"{t:%Y-%m-%d %H:%M:%S}": {f"{n}. {name}": digits(r[name]) for n, name in enumerate(OHLCV, 1)}
                                for t, r in HOURS[::-1].iterrows()},
    },
    "deep in data": {"data": {"pair": "X", "ohlc": objects(
        lambda t, r: {"high": digits(r.high), "timestamp": str(seconds(t)), "volume": digits(r.volume), "low": digits(r.low),
                      "close": digits(r.close), "open": digits(r.open)})}},
    "names beside rows": {"columns": ["time", *OHLCV], "data": objects(lambda t, r: [t.isoformat(), *r])},
    "names as objects": {"columns": [{"name": name, "type": "x"} for name in ("time", *OHLCV)],
                         "dataset": objects(lambda t, r: [t.isoformat(), *r])},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_json(name: str) -> None:
    data = json.dumps(DOCUMENTS[name])
    assert same(data, HOURS).reading.containers == ("json",)
    same(gzip.compress(json.dumps(DOCUMENTS[name], indent=2).encode()), HOURS)


@pytest.mark.parametrize("orient", ["split", "index", "columns", "records", "table"])
def test_json_of_pandas(orient: Any) -> None:
    frame = HOURS.reset_index() if orient in ("records", "split") else HOURS
    same(frame.to_json(orient=orient, date_format="iso", double_precision=15), HOURS)


def test_ndjson() -> None:
    data = HOURS.reset_index().to_json(orient="records", lines=True, date_format="iso", double_precision=15)
    same(data, HOURS)
    with pytest.raises(FileRefused, match="Line 60 of file is not JSON"):
        read("file", data.rstrip()[:-9].encode())


def test_json_without_a_table_says_what_it_says() -> None:
    with pytest.raises(FileRefused, match=r"without a table of candles.*Invalid API key"):
        read("file", b'{"status": "error", "message": "Invalid API key"}')
    with pytest.raises(FileRefused, match=r"nested too deep|without a table"):
        read("file", b"[" * 200_000 + b"]" * 200_000)


def test_several_series_in_one_document_are_asked_about() -> None:
    data = json.dumps(
        {"AAA": DOCUMENTS["list of rows"], "BBB": objects(lambda t, r: [seconds(t) * 1000, *(r * 2)])}
    ).encode()
    with pytest.raises(CandlebookError):
        read("file", data)
    assert len(read("file", data, Choices(member="file: AAA")).table) == 60


# ---------------------------------------------------------------------------------------- typed tables


def arrow_bytes(frame: pd.DataFrame, kind: str, index: bool = False) -> bytes:
    sink = io.BytesIO()
    if kind == "parquet":
        frame.to_parquet(sink, index=index)
    else:
        feather.write_feather(frame, sink, compression="zstd")
    return sink.getvalue()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_typed_times_of_any_unit(unit: str, kind: str) -> None:
    same(arrow_bytes(NAIVE.astype({"Date": f"datetime64[{unit}]"}), kind), HOURS)
    same(
        arrow_bytes(NAIVE.assign(Date=NAIVE["Date"].astype(f"datetime64[{unit}]").astype("int64")), kind),
        HOURS,
    )


def viewed(words: pa.Array, figures: dict[str, object]) -> pa.Table:
    """A table whose times are views of texts, and whose symbols are in a dictionary of such."""
    symbols = pa.DictionaryArray.from_arrays(pa.array([0] * len(words)), pa.array(["BTC"], pa.string_view()))
    return pa.table({"ts": words.cast(pa.string_view()), "symbol": symbols, **figures})


def test_other_typed_tables() -> None:
    same(arrow_bytes(HOURS, "parquet", True), HOURS)
    same(arrow_bytes(HOURS.tz_convert("America/New_York"), "parquet", True), HOURS)
    same(arrow_bytes(NAIVE.astype(str), "parquet"), HOURS)
    market = DAYS.set_index(DAYS.index.tz_localize(None).tz_localize("America/New_York"))
    assert (
        "kept at the moment"
        in same(arrow_bytes(market, "parquet", True), market.tz_convert("UTC")).reading.warnings[0]
    )
    same(arrow_bytes(market, "parquet", True), DAYS, Choices(days="dates"))
    sink = io.BytesIO()
    decimals = pa.table(
        {"ts": EPOCH, **{name: pa.array(HOURS[name]).cast(pa.decimal128(12, 5)) for name in OHLCV[:4]}}
    )
    pq.write_table(decimals, sink)
    same(sink.getvalue(), HOURS, volume=False)
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, decimals.schema) as writer:
        writer.write_table(decimals)
    same(bytes(stream.getvalue()), HOURS, volume=False)
    figures = {name: HOURS[name].to_numpy() for name in OHLCV}
    words = pa.array([f"{time:%Y-%m-%d %H:%M:%S}" for time in HOURS.index])
    sink = io.BytesIO()
    pq.write_table(pa.table({"ts": words.cast(pa.binary()), **figures}), sink, store_schema=False)
    same(sink.getvalue(), HOURS)  # texts that are not marked as such
    with pa.ipc.new_stream(
        stream := pa.BufferOutputStream(), (views := viewed(words, figures)).schema
    ) as writer:
        writer.write_table(views)
    same(bytes(stream.getvalue()), HOURS)
    with pytest.raises(FileRefused, match="no candles"):
        raw = {name: pa.array([b"\xff" * 16] * len(HOURS), pa.binary(16)) for name in OHLCV}
        pq.write_table(pa.table({"ts": words, **raw}), sink := io.BytesIO())
        read("file", sink.getvalue())
    with pytest.raises(FileRefused, match="cannot be read"):
        read("file", sink.getvalue()[:-40])


# ------------------------------------------------------------------------------------------- archives


def zipped(*files: tuple[str, str | bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return sink.getvalue()


HEADER = "Date,Open,High,Low,Close,Volume"
DAILY = lines(lambda t, r: f"{t:%Y-%m-%d},{r.open},{r.high},{r.low},{r.close},{r.volume}", DAYS, HEADER)


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, lambda data: zipped(("a.csv", data))])
def test_packed(pack: Any) -> None:
    same(pack(DAILY.encode()), DAYS)


def test_parts_of_one_series_are_joined() -> None:
    rows = DAILY.splitlines()
    parts = ["\n".join([HEADER, *rows[1:26]]), "\n".join([HEADER, *rows[26:]])]
    data = zipped(
        ("X-2024-02.csv", parts[1]), ("X-2024-01.csv", parts[0]), ("readme.txt", "Prices of X, made by Y")
    )
    made = same(data, DAYS)
    assert any("Joined" in note for note in made.reading.warnings)
    assert any("readme.txt" in note for note in made.reading.warnings)
    with pytest.raises(FileRefused, match="not parts of one series") as caught:
        read("file", zipped(("AAPL.csv", parts[0]), ("MSFT.csv", parts[1])))
    assert caught.value.fields["question"] == "member"
    same(zipped(("AAPL.csv", DAILY), ("MSFT.csv", DAILY)), DAYS, Choices(member="MSFT.csv"))


def since_midnight(want: pd.DataFrame) -> str:
    return lines(
        lambda t, r: (
            f"{(t - t.normalize()) // pd.Timedelta('1ms')},{r.open},{r.high},{r.low},{r.close},{r.volume}"
        ),
        want,
    )


def test_milliseconds_since_midnight_take_the_day_from_a_name() -> None:
    first, second = table(90, "1min", "2024-01-13 09:00"), table(90, "1min", "2024-01-14 09:00", 2)
    both = pd.concat([first, second])
    same(zipped(("20240113_x.csv", since_midnight(first)), ("20240114_x.csv", since_midnight(second))), both)
    with pytest.raises(FileRefused, match="time of day only") as caught:
        read("x.csv", since_midnight(first).encode())
    assert caught.value.fields["question"] == "date"
    same(since_midnight(first), first, Choices(date="2024-01-13"))


@pytest.mark.parametrize("day", ["%Y%m%d", "%Y-%m-%d"])
def test_milliseconds_of_the_day_beside_its_date(day: str) -> None:
    want = table(900, "5min", "2024-01-13 09:00")
    counts = (want.index - want.index.normalize()) // pd.Timedelta("1ms")
    rows = want.reset_index(drop=True).assign(count=3, date=want.index.strftime(day))
    rows.insert(0, "ms_of_day", counts)
    text = rows.to_csv(index=False)
    same(text, want)
    wrong = text.splitlines()
    wrong[799] = re.sub(r"^\d+", "soon", wrong[799])
    with pytest.raises(FileRefused, match=r"line 800: '\S+ soon' is not a time"):
        read("file", "\n".join(wrong).encode())
    sink = io.BytesIO()
    rows.assign(date=pd.to_datetime(rows["date"]).dt.date).to_parquet(sink)
    same(sink.getvalue(), want)


def of_day(want: pd.DataFrame, clock: str = "%H:%M") -> str:
    return lines(lambda t, r: f"{t:{clock}},{r.open},{r.high},{r.low},{r.close},{r.volume}", want)


@pytest.mark.parametrize(
    ("head", "clock"), [("", "%H:%M"), ("Time,Open,High,Low,Close,Volume\n", "%I:%M %p"), ("", "%H:%M:%S")]
)
def test_times_of_day_take_the_day_from_a_name(head: str, clock: str) -> None:
    first, second = table(300, "1min", "2024-01-13 09:00"), table(90, "1min", "2024-01-14 09:00", 2)
    named = {"20240113_x.csv": first, "20240114_x.csv": second}
    made = same(
        zipped(*((name, head + of_day(want, clock)) for name, want in named.items())),
        pd.concat([first, second]),
    )
    assert "they were taken as those of 2024-01-13" in " ".join(made.reading.warnings)
    same(head + of_day(first, clock), first, Choices(date="2024-01-13"))
    with pytest.raises(FileRefused, match="which day its times are of") as caught:
        read("x.csv", (head + of_day(first, clock)).encode())
    assert "--date" in (caught.value.remedy or "")
    night = table(300, "1min", "2024-01-13 22:00")  # of one day, and the next
    with pytest.raises(FileRefused, match="which day its times are of"):
        read("2024-01-13.csv", (head + of_day(night, clock)).encode())


def workbook(rows: list[list[Any]]) -> bytes:
    """The least that is an Excel workbook: dates are days since 1900 with a style."""
    cells = []
    for n, row in enumerate(rows, 1):
        made = "".join(
            f'<c s="1"><v>{value}</v></c>' if isinstance(value, float) and at == 0
            else f"<c><v>{value}</v></c>" if not isinstance(value, str)
            else f'<c t="inlineStr"><is><t>{value}</t></is></c>'
            for at, value in enumerate(row)
        )  # fmt: skip
        cells.append(f'<row r="{n}">{made}</row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    pack = "http://schemas.openxmlformats.org/package/2006/"
    return zipped(
        ("[Content_Types].xml", f'<Types xmlns="{pack}content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'),
        ("_rels/.rels", f'<Relationships xmlns="{pack}relationships"><Relationship Id="r1" Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>'),
        ("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets><sheet name="Prices" sheetId="1" r:id="r1"/></sheets></workbook>'),
        ("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{pack}relationships"><Relationship Id="r1" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/>'
         f'<Relationship Id="r2" Type="{rel}/styles" Target="styles.xml"/></Relationships>'),
        ("xl/styles.xml", f'<styleSheet xmlns="{main}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>'),
        ("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{"".join(cells)}</sheetData></worksheet>'),
    )  # fmt: skip


def test_excel() -> None:
    days = [(time - pd.Timestamp("1899-12-30", tz="UTC")) / pd.Timedelta("1D") for time in HOURS.index]
    rows = [[day, *map(float, r)] for day, (_, r) in zip(days, HOURS.iterrows(), strict=True)]
    made = same(workbook([["Prices of X"], ["Time", *OHLCV], *rows]), HOURS)
    assert made.reading.containers == ("excel",)
    rows[4][2] = 0.5
    with pytest.raises(CandlesRefused, match="Line 7"):
        read("file", workbook([["Prices of X"], ["Time", *OHLCV], *rows]))


# ------------------------------------------------------------------------------- names and numbers


def german(value: str) -> str:
    return f"{float(value):,.5f}".translate(str.maketrans(",.", ".,"))


def investing(header: str, date: str, number: Callable[[str], str] = german) -> str:
    def row(t: pd.Timestamp, r: Row) -> str:
        volume = number(str(float(r.volume) / 1000)) + "K"
        cells = (
            t.strftime(date),
            *(number(r[name]) for name in ("close", "open", "high", "low")),
            volume,
            "0,55%",
        )
        return ",".join(f'"{cell}"' for cell in cells)

    return "\ufeff" + lines(row, DAYS, header, newest=True)


def english(value: str) -> str:
    return f"{float(value):,.5f}"


@pytest.mark.parametrize(
    ("header", "date", "number"),
    [
        ('"Datum","Zuletzt","Eröffn.","Hoch","Tief","Vol.","+/- %"', "%d.%m.%Y", german),
        ('"Дата","Цена","Откр.","Макс.","Мин.","Объём","Изм. %"', "%d.%m.%Y", german),
        ('"Date","Dernier","Ouv."," Plus Haut","Plus Bas","Vol.","Variation %"', "%d/%m/%Y", german),
        ('"Fecha","Último","Apertura","Máximo","Mínimo","Vol.","% var."', "%d.%m.%Y", german),
        ('"Data","Último","Abertura","Máxima","Mínima","Vol.","Var%"', "%d.%m.%Y", german),
        ('"Data","Ultimo","Apertura","Massimo","Minimo","Vol.","Var. %"', "%d.%m.%Y", german),
        ('"Tarih","Şimdi","Açılış","Yüksek","Düşük","Hac.","Fark %"', "%d.%m.%Y", german),
        ('"Data","Ostatnio","Otwarcie","Max.","Min.","Wol.","Zmiana%"', "%d.%m.%Y", german),
        ('"Ngày","Lần cuối","Mở","Cao","Thấp","KL","% Thay đổi"', "%d/%m/%Y", german),
        ('"Datum","Laatste","Open","Hoog","Laag","Vol.","Ver. %"', "%d-%m-%Y", german),
        ('"日期","收盘","开盘","高","低","交易量","涨跌幅"', "%Y年%m月%d日", english),
        ('"日付け","終値","始値","高値","安値","出来高","変化率 %"', "%Y年%m月%d日", english),
        ('"날짜","종가","시가","고가","저가","거래량","변동 %"', "%Y- %m- %d", english),
    ],
)
def test_languages(header: str, date: str, number: Callable[[str], str]) -> None:
    same(investing(header, date, number), DAYS)


def plain(date: str) -> Callable[[pd.Timestamp, Row], str]:
    return lambda t, r: f"{t.strftime(date)},{r.open},{r.high},{r.low},{r.close},{r.volume}"


MONTHS = {"fr": ("janv.", "févr.", "mars", "avr."), "de": ("Januar", "Februar", "März", "April"),
          "ru": ("января", "февраля", "марта", "апреля"), "es": ("ene", "feb", "mar", "abr")}  # fmt: skip


@pytest.mark.parametrize("language", sorted(MONTHS))
def test_months_by_name(language: str) -> None:
    def row(t: pd.Timestamp, r: Row) -> str:
        dot = "." if language == "de" else ""
        return f"{t.day}{dot} {MONTHS[language][t.month - 1]} {t.year};{r.open};{r.high};{r.low};{r.close};{r.volume}"

    same(lines(row, DAYS, "Date;Open;High;Low;Close;Volume"), DAYS)


SHAPES: dict[str, tuple[str, pd.DataFrame]] = {
    "weekdays": (lines(lambda t, r: f'"{t:%a, %d %b %Y}",{r.open},{r.high},{r.low},{r.close},{r.volume}', DAYS, HEADER), DAYS),
    "two blanks": (lines(plain("%Y%m%d  %H:%M:%S"), HOURS, "date,open,high,low,close,volume"), HOURS),
    "ticker, period, date, time": (
        lines(lambda t, r: f"A.US,60,{t:%Y%m%d},{t:%H%M%S},{r.open},{r.high},{r.low},{r.close},{r.volume},0", HOURS,
              "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"), HOURS),
    "no header, count behind": (
        lines(lambda t, r: f"{seconds(t)},{r.open},{r.high},{r.low},{r.close},{r.volume},5", HOURS), HOURS),
    "no header, month first": (
        lines(lambda t, r: f"{t:%m/%d/%Y},{t:%H:%M},{r.open},{r.high},{r.low},{r.close},{r.volume}", HOURS), HOURS),
    "titles and PX names": (
        "X US Equity\nStart Date,1/13/2024\nEnd Date,3/1/2024\n\n"
        + lines(lambda t, r: f"{t.month}/{t.day}/{t.year},{r.open},{r.high},{r.low},{r.close},{r.volume}", DAYS,
                "Date,PX_OPEN,PX_HIGH,PX_LOW,PX_LAST,PX_VOLUME"), DAYS),
    "trade prices and an average": (
        lines(lambda t, r: f"{t:%Y%m%d},X,{t:%H:%M},{r.open},{r.high},{r.low},{r.close},{r.low},{r.volume},7", HOURS,
              "Date,Ticker,TimeBarStart,FirstTradePrice,HighTradePrice,LowTradePrice,LastTradePrice,VolumeWeightPrice,Volume,TotalTrades"), HOURS),
    "dotted names": (lines(plain("%Y-%m-%d"), DAYS, "Candlestick.Time,Candlestick.Open,Candlestick.High,Candlestick.Low,Candlestick.Close,Volume.Total"), DAYS),
    "units": (lines(plain("%Y-%m-%d"), DAYS, "Date,Open (USD),High (USD),Low (USD),Close (USD),Volume (BTC)"), DAYS),
    "pairs": (lines(plain("%Y-%m-%d"), DAYS, "Date,\"('Open', 'X')\",\"('High', 'X')\",\"('Low', 'X')\",\"('Close', 'X')\",\"('Volume', 'X')\""), DAYS),
    "two storeys": (lines(lambda t, r: f"{t:%Y-%m-%d},{r.close},{r.high},{r.low},{r.open},{r.volume}", DAYS,
                          "Price,Close,High,Low,Open,Volume\nTicker,X,X,X,X,X\nDate,,,,,"), DAYS),
    "a note at the end": (DAILY + '\n"Downloaded as of 03-14-2024"\n', DAYS),
    "a total at the end": (DAILY + "Total,,,,,99999\n", DAYS),
    "days without prices": (DAILY + "2024-06-01,null,null,null,null,null\n", DAYS),
    "comments": (DAILY.replace("2024-02-02", "# half way\n2024-02-02"), DAYS),
    "the header again": (DAILY.replace("2024-02-02", HEADER + "\n2024-02-02"), DAYS),
    "ends": (lines(lambda t, r: f"{seconds(t) * 1000 + 3599999},{r.open},{r.high},{r.low},{r.close},{r.volume}", HOURS,
                   "Close time,open,high,low,close,volume"), HOURS),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_shapes(name: str) -> None:
    data, want = SHAPES[name]
    same(data, want)
    same(data.replace("\n", "\r\n").encode("utf-16"), want)


BIG = DAYS.assign(**{name: (DAYS[name] * 100000).round(2) for name in OHLCV[:4]})


def lakh(value: str) -> str:
    whole, rest = f"{float(value):.2f}".split(".")
    front, groups = whole[:-3], [whole[-3:]]
    while front:
        groups.insert(0, front[-2:])
        front = front[:-2]
    return ",".join(groups) + "." + rest


@pytest.mark.parametrize(
    "dress",
    [lambda v: f"${float(v):,.2f}", lambda v: f"{float(v):,.2f}".replace(",", "'"), lambda v: f"{float(v):,.2f} EUR", lakh,
     lambda v: f"{float(v):,.2f}".replace(",", "\u202f").replace(".", ","), lambda v: f"{float(v):.7e}"],
    ids=["currency", "apostrophe", "code", "lakh", "blanks and comma", "scientific"],
)  # fmt: skip
def test_dresses_of_numbers(dress: Callable[[str], str]) -> None:
    row = lambda t, r: ";".join((f"{t:%Y-%m-%d}", *(dress(r[name]) for name in OHLCV[:4]), r.volume))  # noqa: E731
    same(lines(row, BIG, "Date;Open;High;Low;Close;Volume"), BIG)


def test_a_volume_of_minus_one_is_missing() -> None:
    data = DAILY.replace(DAILY.splitlines()[6], DAILY.splitlines()[6].rsplit(",", 1)[0] + ",-1")
    want = DAYS.copy()
    want.iloc[5, 4] = np.nan
    assert any("-1" in note for note in same(data, want).reading.warnings)


# --------------------------------------------------------------------------------- prices and doubts

ADJUSTED = lines(
    lambda t, r: ",".join([f"{t:%Y-%m-%d}", r.close, r.high, r.low, r.open, r.volume,
                           *(repr(float(r[name]) / 2) for name in ("close", "high", "low", "open")), r.volume]),
    DAYS, "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume",
)  # fmt: skip
HALF = DAYS.assign(**{name: DAYS[name] / 2 for name in OHLCV[:4]})


def test_raw_prices_unless_adjusted_ones_are_chosen() -> None:
    made = same(ADJUSTED, DAYS)
    inference = next(each for each in made.reading.inferred if each.key == "prices")
    assert (inference.value, inference.options) == ("raw", ("raw", "adjusted"))
    same(ADJUSTED, HALF, Choices().override("prices", "adjusted"))


def test_an_adjusted_close_adjusts_every_price() -> None:
    data = lines(
        lambda t, r: f"{t:%Y-%m-%d},{r.open},{r.high},{r.low},{r.close},{float(r.close) / 2!r},{r.volume}", DAYS,
        "Date,Open,High,Low,Close,Adj Close,Volume",
    )  # fmt: skip
    same(data, DAYS)
    same(data, HALF, Choices(prices="adjusted"))


def test_several_sets_of_prices_are_asked_about() -> None:
    names = [f"{symbol}.{name}" for symbol in ("AAA", "BBB") for name in ("Open", "High", "Low", "Close")]
    data = lines(
        lambda t, r: ",".join([f"{t:%Y-%m-%d}", *([r.open, r.high, r.low, r.close] * 2)]),
        DAYS,
        ",".join(["Date", *names]),
    )
    question = next(each for each in inspect("x", data.encode()).questions if each.key == "prices")
    assert question.options == ("aaa", "bbb")
    with pytest.raises(FileRefused, match="several sets of prices"):
        read("x", data.encode())
    same(data, DAYS, Choices(prices="bbb"), volume=False)


def test_a_header_that_contradicts_the_figures_is_refused_with_its_line() -> None:
    data = lines(plain("%Y-%m-%d"), DAYS, "Date,Open,Low,High,Close,Volume")
    with pytest.raises(
        FileRefused, match="the header contradicts the figures from line 2 on: 'High' is not the highest"
    ):
        read("x", data.encode())
    same(data, DAYS, Choices(columns={"high": "Low", "low": "High"}))


def test_stamps_of_the_close_can_be_chosen() -> None:
    late = HOURS.set_index(HOURS.index + pd.Timedelta("1h"))
    data = lines(plain("%Y-%m-%d %H:%M"), late, HEADER)
    same(data, late)
    same(data, HOURS, Choices(stamp="close"))


def test_a_row_that_was_cut_is_no_note() -> None:
    with pytest.raises(FileRefused, match=r"line 62: The line has 3 cells"):
        read("x", (DAILY + "2024-03-13,1,2").encode())


@pytest.mark.parametrize("newest", [False, True])
def test_the_hour_that_comes_twice_in_a_zone(newest: bool) -> None:
    want = table(300, "15min", "2024-10-26 22:00")
    local = want.index.tz_convert("Europe/Berlin").strftime("%d.%m.%Y %H:%M")
    data = lines(plain("%Y"), want).splitlines()
    rows = [each.replace("2024", time, 1) for each, time in zip(data, local, strict=True)]
    same("\n".join([HEADER, *(rows[::-1] if newest else rows)]), want, Choices(zone="Europe/Berlin"))


@pytest.mark.parametrize(
    ("date", "want"),
    [
        ("%Y-%m-%dT%H:%M:%S.000000000Z", HOURS), ("%m/%d/%Y %I:%M %p", HOURS), ("%Y%m%d%H%M", HOURS), ("%Y-%m-%d %I-%p", HOURS),
        ("%a %b %d %H:%M:%S %Y", HOURS), ("%Y-%m-%d %H:%M:%S UTC", HOURS), ("%Y-%m-%d %H:%M:%S+00", HOURS), ("%d.%m.%y", DAYS),
        ("%d%b%Y", DAYS), ("%Y-%b-%d", DAYS), ('"%B %d, %Y"', DAYS),
    ],
)  # fmt: skip
def test_shapes_of_times(date: str, want: pd.DataFrame) -> None:
    same(lines(plain(date), want, HEADER), want)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", "^", "~", " "])
def test_marks_between_cells(mark: str) -> None:
    same(DAILY.replace(",", mark), DAYS)
    same(f"sep={mark}\n" + DAILY.replace(",", mark), DAYS)


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("Дата;Открытие;Максимум;Минимум;Закрытие;Объем", "cp1251"), ("日期;开盘;最高;最低;收盘;成交量", "gb18030"),
        ("日付;始値;高値;安値;終値;出来高", "shift_jis"), ("날짜;시가;고가;저가;종가;거래량", "euc_kr"),
        ("Datum;Eröffnung;Hoch;Tief;Schluß;Stück", "cp1252"), ("Data;Otwarcie;Najwyższy;Najniższy;Zamknięcie;Wolumen", "cp1250"),
    ],
)  # fmt: skip
def test_encodings_before_unicode(header: str, encoding: str) -> None:
    data = DAILY.replace(HEADER, header.replace(";", ",")).encode(encoding)
    assert same(data, DAYS).reading.get("encoding") == encoding


def of_market(clock: str, zone: str) -> pd.DataFrame:
    """DAYS, each at a time of day of a market."""
    opens = (DAYS.index.tz_localize(None) + pd.Timedelta(clock)).tz_localize(zone)
    return DAYS.set_index(opens.tz_convert("UTC").as_unit("us").rename("time"))


def test_days_that_count_to_the_opening() -> None:
    opened = of_market("9h30min", "America/New_York")
    opens = list(opened.index)
    quote = {name: list(DAYS[name]) for name in OHLCV}
    document = {"chart": {"result": [{"meta": {"exchangeTimezoneName": "America/New_York"},
                                      "timestamp": [seconds(time) for time in opens], "indicators": {"quote": [quote]}}]}}  # fmt: skip
    made = same(json.dumps(document), opened)
    assert (made.reading.get("days"), str(made.timeframe)) == ("moments", "1d")
    assert same(json.dumps(document), DAYS, Choices(days="dates")).reading.get("days") == "dates"


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Pacific/Auckland", "Asia/Kolkata"])
def test_days_that_begin_at_a_market_s_midnight(zone: str, tmp_path: Path) -> None:
    moments = of_market("0h", zone)
    local = moments.tz_convert(zone)
    data = lines(
        lambda t, r: f"{t.isoformat(sep=' ')},{r.open},{r.high},{r.low},{r.close},{r.volume}", local, HEADER
    )
    made = same(data, moments)
    assert str(made.timeframe) == "1d"
    assert any("--days dates" in note for note in made.reading.warnings)
    days = next(each for each in made.reading.inferred if each.key == "days")
    assert (days.value, days.options) == ("moments", ("moments", "dates"))
    dated = same(data, DAYS, Choices().override("days", "dates"))
    assert not dated.reading.warnings
    path = tmp_path / "days.csv"
    path.write_text(data)
    for days, want in (("moments", moments), ("dates", DAYS)):
        with stream("x", path, Choices(days=days), block=512, window=20) as found:  # type: ignore[arg-type]
            pd.testing.assert_frame_equal(pd.concat(found.tables()), want, check_freq=False)


@pytest.mark.parametrize("step", ["1w", "1M"])
def test_weeks_and_months_of_a_market_over_changes_of_the_clocks(step: str) -> None:
    opens = pd.date_range(
        "2023-09-04" if step == "1w" else "2023-09-01", periods=40, freq={"1w": "7D", "1M": "MS"}[step]
    )
    local = table(40, "1D", "2024-01-01", 5).set_index(opens.tz_localize("Europe/London"))
    data = lines(
        lambda t, r: f"{t.isoformat(sep=' ')},{r.open},{r.high},{r.low},{r.close},{r.volume}", local, HEADER
    )
    moments = local.set_index(local.index.tz_convert("UTC").as_unit("us").rename("time"))
    assert str(same(data, moments).timeframe) == step
