"""JSON in the wild: several values in one text, rows in pages, unfinished candles, loose spellings."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from lib.errors import FileRefused
from lib.files import Choices, read
from lib.files.documents.documents import to_documents
from lib.files.documents.records import Found, to_text
from lib.files.documents.slices import slices
from lib.timeframes import parse
from tests.files.written import table

HOURS = table(60, "1h", "2024-01-13", 3)
DAYS = table(60, "1D", "2024-01-13", 4)
NEW_YORK = table(60, "1h", "2024-01-15 14:00", 5)


def listed(make: Callable[[pd.Timestamp, Any], Any], want: pd.DataFrame = HOURS) -> list[Any]:
    return [make(time, row) for time, row in zip(want.index, want.itertuples(index=False), strict=True)]


def ms(time: pd.Timestamp) -> int:
    return int(time.timestamp()) * 1000


def lines(values: list[Any]) -> str:
    return "\n".join(map(json.dumps, values))


def kline(time: pd.Timestamp, row: Any, over: bool = True) -> dict[str, Any]:
    return {"t": ms(time), "T": ms(time) + 3599999, "s": "X", "i": "1h", "f": 5, "L": 9, "o": str(row.open),
            "c": str(row.close if over else row.open), "h": str(row.high), "l": str(row.low),
            "v": str(row.volume if over else 0), "n": 4, "x": over, "V": "1", "Q": "2"}  # fmt: skip


def sent(time: pd.Timestamp, row: Any, over: bool = True) -> dict[str, Any]:
    return {"e": "kline", "E": ms(time) + 1234567, "s": "X", "k": kline(time, row, over)}


ROWS = listed(lambda t, r: [ms(t), *r])
OBJECTS = listed(lambda t, r: {"time": ms(t), **r._asdict()})
PAGES = (ROWS[:25], ROWS[25:50], ROWS[50:])
KLINES = listed(sent)
LOCAL = NEW_YORK.index.tz_convert("America/New_York")
VOLUMES = HOURS["volume"] + 1

TEXTS: dict[str, tuple[str | bytes, pd.DataFrame]] = {
    "a zone in words": (json.dumps({"Meta Data": {"1. Information": "x", "6. Time Zone": "US/Eastern"}, "Time Series (60min)": {
        f"{local:%Y-%m-%d %H:%M:%S}": {f"{n}. {name}": str(value) for n, (name, value) in enumerate(r._asdict().items(), 1)}
        for local, r in zip(LOCAL, NEW_YORK.itertuples(index=False), strict=True)}}), NEW_YORK),
    "dates keep their day in any zone": (json.dumps({"meta": {"timezone": "America/New_York"}, "values": listed(
        lambda t, r: {"datetime": f"{t:%Y-%m-%d}", **r._asdict()}, DAYS)}), DAYS),
    "a candle that is sent while it forms": (
        lines([sent(t, r, over) for t, r in zip(HOURS.index, HOURS.itertuples(index=False), strict=True) for over in (False, True)]),
        HOURS),
    "a candle in its envelope": (lines(listed(lambda t, r: {"stream": "x@kline_1h", "data": sent(t, r)})), HOURS),
    "an envelope with a time": (lines(listed(lambda t, r: {"topic": "c", "offset": 1, "timestamp": ms(t) + 3600123, "value": {
        "start": ms(t), "end": ms(t) + 3599999, **r._asdict()}})), HOURS),
    "a page on each line": (lines(listed(lambda t, r: {"topic": "kline", "ts": ms(t) + 3600051, "type": "snapshot", "data": [
        {"start": ms(t), "interval": "60", **r._asdict(), "confirm": True}]})), HOURS),
    "one letter for a start": (lines(listed(lambda t, r: [{"ev": "AM", "sym": "X", "v": r.volume, "o": r.open, "c": r.close,
        "h": r.high, "l": r.low, "s": ms(t), "e": ms(t) + 3600000}])), HOURS),
    "a turnover ahead of the volume, without names": (json.dumps([
        [ms(t), o, h, lo, c, f"{v * (lo + h) / 2:.6f}", v] for (t, o, h, lo, c, _), v in zip(
            HOURS.reset_index().itertuples(index=False), VOLUMES, strict=True)]), HOURS.assign(volume=VOLUMES)),
    "the last is not complete": (json.dumps({"candles": listed(lambda t, r: {
        "complete": t != HOURS.index[-1], "volume": r.volume, "time": t.isoformat(),
        "mid": {"o": str(r.open), "h": str(r.high), "l": str(r.low), "c": str(r.close)}})}), HOURS[:-1]),
    "a flag without a name": (json.dumps({"code": "0", "data": listed(
        lambda t, r: [*map(str, (ms(t), *r, r.volume)), "01"[t != HOURS.index[-1]]])[::-1]}), HOURS[:-1]),
    "updates with a flag without a name": (lines([{"event": "subscribe"}, *(
        {"arg": {"channel": "c"}, "data": [[str(ms(t)), *map(str, r if over else (*[r.open] * 4, 0)), "5", "01"[over]]]}
        for t, r in zip(HOURS.index, HOURS.itertuples(index=False), strict=True) for over in (False, True))]), HOURS),
    "heartbeats among the rows": (lines([{"type": "subscribed", "channels": [{"name": "x"}]}] + [each for t, r in zip(
        HOURS.index, HOURS.itertuples(index=False), strict=True) for each in ({"type": "bar", "time": t.isoformat(), **r._asdict()},
                                                                             {"type": "heartbeat", "time": "2024-01-01"})]), HOURS),
    "names with a symbol": (HOURS.set_axis([f"('{name.title()}', 'ABC')" for name in HOURS], axis=1).to_json(date_format="iso"), HOURS),
    "names in two storeys beside an index": (json.dumps({
        "columns": [[name.title(), "ABC"] for name in HOURS], "index": [ms(t) for t in HOURS.index],
        "data": HOURS.assign(volume=HOURS["volume"] + 286000000).to_numpy().tolist()}),
        HOURS.assign(volume=HOURS["volume"] + 286000000)),
    "a short last page": (json.dumps({f"2024-{n:02d}": part for n, part in enumerate((OBJECTS[:30], OBJECTS[30:55], OBJECTS[55:]), 1)}),
                          HOURS),
    "arrays without a mark between them": ("".join(map(json.dumps, PAGES)), HOURS),
    "pages that were printed": ("\n".join(json.dumps({"code": 0, "data": page}, indent=1) for page in PAGES), HOURS),
    "pages in columns": (json.dumps([{"s": "ok", **{name[0]: list(part[name]) for name in part}, "t": [ms(t) for t in part.index]}
                                     for part in (HOURS[:25], HOURS[25:])]), HOURS),
    "a row on each line": (lines(ROWS), HOURS),
    "a row in each text": (json.dumps({"data": {"code": "1", "name": "x", "klines": listed(
        lambda t, r: f"{t:%Y-%m-%d},{r.open},{r.close},{r.high},{r.low},{r.volume:.0f},99.5,1.5", DAYS)}}), DAYS),
    "names without quotes": ("/*<script>x</script>*/\nvar _x=([" + ",".join(listed(
        lambda t, r: f'{{day:"{t:%Y-%m-%d}",open:"{r.open}",high:"{r.high}",low:"{r.low}",close:"{r.close}",volume:"{r.volume}"}}',
        DAYS)) + "]);", DAYS),
    "as python prints": (str([{**each, "note": None, "ok": True} for each in OBJECTS]), HOURS),
    "utf-16": (json.dumps(OBJECTS).encode("utf-16"), HOURS),
    "mongo": (json.dumps(listed(lambda t, r: {"_id": {"$date": {"$numberLong": str(ms(t))}}, **{
        name[0]: {"$numberDouble": str(value)} for name, value in r._asdict().items()}})), HOURS),
    "units and nanos": (json.dumps({"candles": listed(lambda t, r: {"time": t.isoformat(), "volume": r.volume, **{
        name: {"units": str(int(getattr(r, name))), "nano": round(getattr(r, name) % 1 * 1e9)} for name in HOURS.columns[:4]}})}),
        HOURS),
    "no last trades beside bid and ask": (json.dumps({"prices": listed(lambda t, r: {
        "snapshotTime": f"{t + pd.Timedelta('1h'):%Y/%m/%d %H:%M:%S}", "snapshotTimeUTC": f"{t:%Y-%m-%dT%H:%M:%S}", **{
            f"{name}Price": {"bid": getattr(r, name), "ask": getattr(r, name) + 0.0002, "lastTraded": None}
            for name in HOURS.columns[:4]}, "lastTradedVolume": r.volume})}), HOURS),
    "opens and ends": (json.dumps({"quotes": listed(lambda t, r: {"timeOpen": f"{t:%Y-%m-%d}T00:00:00.000Z", "quote": {
        **r._asdict(), "marketCap": 5.5, "timestamp": f"{t:%Y-%m-%d}T23:59:59.999Z"}}, DAYS)}), DAYS),
    "a turnover named vol": (json.dumps({"data": [{"id": ms(t) // 1000, "open": o, "close": c, "low": lo, "high": h, "amount": v,
                                                   "vol": v * (lo + h) / 2, "count": 3} for (t, o, h, lo, c, _), v in zip(
        HOURS.reset_index().itertuples(index=False), VOLUMES, strict=True)]}), HOURS.assign(volume=VOLUMES)),
    "a volume in more words": (json.dumps({"ohlc": listed(lambda t, r: {
        "timestamp": ms(t), "open": r.open, "high": r.high, "low": r.low, "close": r.close, "totalVolumeTraded": r.volume})}), HOURS),
    "counts beside local times": (json.dumps(listed(lambda t, r: {
        "time": f"{t.tz_convert('America/New_York'):%Y-%m-%dT%H:%M:%S}", "timestamp": ms(t) // 1000, **r._asdict()})), HOURS),
    "counts beside local digits": (json.dumps(listed(lambda t, r: {
        **r._asdict(), "tradeTime": f"{t.tz_convert('America/New_York'):%Y%m%d%H%M%S}", "timeInMills": str(ms(t))})), HOURS),
    "an end beside a time": (json.dumps(listed(lambda t, r: {
        "time": f"{t:%Y-%m-%dT%H:%M:%S}", "closeTime": ms(t) + 3600000, **r._asdict()})), HOURS),
    "a flag where a volume could be": (
        json.dumps({"data": listed(lambda t, r: [str(ms(t)), *map(str, r[:4]), "1"])}), HOURS.assign(volume=float("nan"))),
    "such flags, the last not over": (
        json.dumps({"data": listed(lambda t, r: [str(ms(t)), *map(str, r[:4]), "0" if t == HOURS.index[-1] else "1"])}),
        HOURS[:-1].assign(volume=float("nan"))),
    "a typed value each": (json.dumps({"documents": listed(lambda t, r: {"name": "x", "fields": {
        "time": {"timestampValue": t.isoformat()}, **{name: {"doubleValue": value} for name, value in r._asdict().items()}}})}),
        HOURS),
    "a key of its own for each row": (json.dumps({f"-N{n}x": {"t": ms(t), **r._asdict()} for n, (t, r) in enumerate(
        zip(HOURS.index, HOURS.itertuples(index=False), strict=True))}), HOURS),
    "an object for each column": (json.dumps({"columns": [
        {"name": "time", "datatype": "Int64", "values": list(map(ms, HOURS.index))},
        *({"name": name, "datatype": "Float64", "values": list(HOURS[name])} for name in HOURS)]}), HOURS),
    "year, month and day apart": (json.dumps(listed(lambda t, r: {
        "time": {"year": t.year, "month": t.month, "day": t.day}, **r._asdict()}, DAYS)), DAYS),
    "year, month, day and hour apart": (json.dumps(listed(lambda t, r: {
        "time": {"year": t.year, "month": t.month, "day": t.day, "hour": t.hour}, **r._asdict()})), HOURS),
    "a list within each row": (json.dumps({"p": ["x", {"s": listed(lambda t, r: {"i": 1, "v": [ms(t) / 1000, *r]})}]}), HOURS),
    "a list beside each time": (json.dumps(listed(lambda t, r: {"date": t.isoformat(), "ohlcv": [*r]})), HOURS),
    "pairs for names": (HOURS.set_axis(pd.MultiIndex.from_product([["X"], HOURS]), axis=1).to_json(date_format="iso"), HOURS),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_json_in_the_wild(name: str) -> None:
    text, want = TEXTS[name]
    made = read("x", text if isinstance(text, bytes) else text.encode()).table
    pd.testing.assert_frame_equal(made, want, check_freq=False, check_names=False, check_dtype=False)


def test_unfinished_candles_are_said() -> None:
    made = read("x", TEXTS["the last is not complete"][0].encode())  # type: ignore[union-attr]
    assert "Rows that the column 'complete' calls unfinished were left out." in made.reading.warnings
    made = read("x", TEXTS["a flag without a name"][0].encode())  # type: ignore[union-attr]
    assert "Left out 1 rows that the last column calls unfinished." in made.reading.warnings


@pytest.mark.parametrize("flags", [("true", "false"), ("1", "0"), ("True", "False")])
def test_unfinished_candles_of_a_text(flags: tuple[str, str]) -> None:
    text = HOURS.assign(closed=[flags[0]] * 59 + [flags[1]]).to_csv()
    want = read("x", text.encode()).table
    pd.testing.assert_frame_equal(want, HOURS[:-1], check_freq=False, check_names=False)
    for same in flags:  # a column that calls all of them one thing is no such flag
        assert len(read("x", HOURS.assign(closed=same).to_csv().encode()).table) == 60


def test_symbols_of_a_stream_are_told_apart() -> None:
    other = [
        {**each, "s": "XYZ", "k": {**each["k"], "s": "XYZ", "o": "9", "h": "9", "l": "9", "c": "9"}}
        for each in KLINES
    ]
    data = lines([each for pair in zip(KLINES, other, strict=True) for each in pair]).encode()
    made = read("x", data, Choices(symbol="X")).table
    pd.testing.assert_frame_equal(made, HOURS, check_freq=False, check_names=False)
    trades = [{"e": "t", "s": s, "p": p, "q": "1", "T": 1705104000113 + n * 731} for n in range(99) for s, p in
              (("ABC", "7"), ("XYZ", "9"))]  # fmt: skip
    assert read("x", lines(trades).encode(), Choices(symbol="ABC")).table["high"].max() == 7
    with pytest.raises(FileRefused, match="2 symbols in the column 's'"):
        read("x", lines(trades).encode())
    sides = [{**each, "s": "buy" if n % 3 else "sell"} for n, each in enumerate(trades)]
    assert read("x", lines(sides).encode()).ticks == 198


def test_trades_of_one_letter_on_every_line() -> None:
    trades = [{"a": n, "p": f"{100 + n % 7}", "q": "0.5", "f": n, "l": n, "T": 1705104000113 + n * 1731, "m": True, "M": True}
              for n in range(400)]  # fmt: skip
    made = read("x", lines(trades).encode())
    assert (made.ticks, made.table["volume"].sum()) == (400, 200.0)
    wrapped = [{"table": "trade", "action": "insert", "data": [{
        "timestamp": f"{pd.Timestamp(each['T'], unit='ms').isoformat()}Z", "symbol": "X", "side": "Buy", "price": each["p"],
        "size": 0.5, "tickDirection": "ZeroPlusTick", "trdMatchID": "x"}]} for each in trades]  # fmt: skip
    pd.testing.assert_frame_equal(read("x", lines(wrapped).encode()).table, made.table)


def test_tables_by_the_key_that_tells_them_apart() -> None:
    twice = {
        "result": {
            name: [[t, *(f * n for f in r)] for t, *r in ROWS]
            for n, name in enumerate(("XXBTZUSD", "XETHZUSD"), 1)
        }
    }
    series = {"series": [{"tags": {"symbol": name}, "columns": ["time", *HOURS], "values": rows}
                         for name, rows in twice["result"].items()]}  # fmt: skip
    for data in (json.dumps(twice).encode(), json.dumps(series).encode()):
        made = read("x.json", data, Choices(symbol="XXBTZUSD")).table
        pd.testing.assert_frame_equal(made, HOURS, check_freq=False, check_names=False)
        with pytest.raises(FileRefused, match="they are named for XETHZUSD, XXBTZUSD"):
            read("x.json", data)


def test_rows_under_symbols() -> None:
    bars = {
        name: {"t": ms(HOURS.index[0]), "o": 2, "h": 3, "l": 1, "c": 2.5, "v": n}
        for n, name in enumerate("ABC")
    }
    made = read("x.json", json.dumps(bars).encode(), Choices(symbol="B", timeframe=parse("1h"))).table
    assert list(made["volume"]) == [1.0]


def test_members_of_a_list_that_name_symbols_are_tables_of_their_own() -> None:
    other = [[at, *(each * 2 for each in row)] for at, *row in ROWS]
    data = json.dumps([{"symbol": "ABC", "bars": ROWS}, {"symbol": "XYZ", "bars": other}]).encode()
    pd.testing.assert_frame_equal(
        read("x", data, Choices(symbol="ABC")).table, HOURS, check_freq=False, check_names=False
    )
    with pytest.raises(FileRefused, match="ABC"):
        read("x", data)


@pytest.mark.parametrize("text", ["[{'a': 1}, {'a': 2", '{"a": 1} {"a":', "[1234567, 1", "{a: 1, b: [2}"])
def test_a_text_that_is_cut_is_refused(text: str) -> None:
    with pytest.raises(FileRefused, match="is not JSON"):
        read("x", text.encode())


def test_trades_and_quotes_of_three_names() -> None:
    trades = [
        {"data": [{"p": 7.5, "s": "ABC", "t": 1705104000113 + n * 731, "v": 2}], "type": "trade"}
        for n in range(99)
    ]
    assert read("x", lines([{"type": "ping"}, *trades]).encode()).table["volume"].sum() == 198
    sized = [{"px": "7.5", "sz": "2", "side": "buy", "ts": str(1705104000113 + n * 731)} for n in range(99)]
    assert read("x", json.dumps({"data": sized}).encode()).table["volume"].sum() == 198
    quotes = [{"time": 1705104000113 + n * 731, "bid": 7.5, "ask": 7.75} for n in range(99)]
    assert read("x", json.dumps(quotes).encode()).table["close"].iloc[0] == 7.625


def test_pages_of_one_kind_are_one_table() -> None:
    made = to_documents(TEXTS["one letter for a start"][0].encode(), "x")  # type: ignore[union-attr]
    assert len(made) == 1


@pytest.mark.parametrize(
    "odd", ["a,b", 'a "b"', "a\nb", "a\rb", "ü", "", None, True, ["x"], "/Date(1705104000000)/"]
)
def test_cells_of_any_kind_come_out_of_the_text_as_they_went_in(odd: Any) -> None:
    want = {"a\nb": "a b", "a\rb": "a b", None: "", True: "true", "/Date(1705104000000)/": "1705104000000"}
    for names in (None, ["one", "two"]):
        cells = [["1.50", odd], ["", "x"]]
        rows: list[Any] = [dict(zip(names, row, strict=True)) for row in cells] if names else cells
        made = list(csv.reader(io.StringIO(to_text(Found("", names, rows, 2)).decode(), newline="")))
        told = '["x"]' if isinstance(odd, list) else want.get(odd, odd)
        assert made == [*([names] if names else []), ["1.50", told], ["", "x"]]


def test_rows_of_several_widths_and_more_than_are_written_at_once() -> None:
    rows = [["1", "2"], ["3"], ["4", None, "6"]]
    assert to_text(Found("", None, rows, 2)) == b"1,2\n3\n4,,6\n"
    assert to_text(Found("", None, rows[:1] * 50000, 2)) == b"1,2\n" * 50000


# ----------------------------------------------------------------------------------------- large documents


MANY = table(400, "1h", "2024-01-13", 6)
TEXTS_OF = listed(lambda t, r: [str(ms(t)), *map(str, r)], MANY)
LARGE: dict[str, Any] = {
    "rows": {"code": 0, "data": TEXTS_OF, "last": 5},
    "objects": {"tz": "Europe/Paris", "bars": listed(lambda t, r: {"t": ms(t), **r._asdict(), "x": "[{]}"}, MANY), "next": None},
    "nested": listed(lambda t, r: {"time": t.isoformat(), "mid": dict(zip("ohlc", r[:4], strict=True)), "volume": r.volume}, MANY),
    "keyed": {"meta": {"a": 1}, "bars": {f"{t:%Y-%m-%d %H:%M}": r._asdict() for t, r in zip(MANY.index, MANY.itertuples(index=False), strict=True)}},
    "the last is not over": {"data": [[*row, "0" if row == TEXTS_OF[-1] else "1"] for row in TEXTS_OF]},
}  # fmt: skip
WHOLE: dict[str, str] = {
    "an index beside": json.dumps({"columns": list(MANY), "index": [row[0] for row in TEXTS_OF], "data": [row[1:] for row in TEXTS_OF]}),
    "pages": json.dumps({"pages": [{"items": TEXTS_OF[:150]}, {"items": TEXTS_OF[150:]}]}),
    "one behind the other": json.dumps(TEXTS_OF[:150]) + json.dumps(TEXTS_OF[150:]),
    "marks in texts": json.dumps(listed(lambda t, r: {"t": ms(t), **r._asdict(), "x": "}, {"}, MANY)),
    "two tables": json.dumps({"a": TEXTS_OF, "b": TEXTS_OF}),
}  # fmt: skip


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.files.documents.slices._SLICE", 4000)
    monkeypatch.setattr("lib.files.documents.slices._HEAD", 8000)


def whole(text: bytes, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patched:
        patched.setattr("lib.files.documents.slices._SLICE", 10**9)
        return to_documents(text, "x")


@pytest.mark.usefixtures("small_slices")
@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("indent", [None, 1])
def test_a_large_document_in_slices(name: str, indent: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(LARGE[name], indent=indent).encode()
    assert sum(rows for _, rows in slices(text)) == 400 and len(list(slices(text))) > 4
    assert to_documents(text, "x") == whole(text, monkeypatch)
    with pytest.raises(FileRefused, match="is not JSON"):
        to_documents(text[: len(text) // 2], "x")


@pytest.mark.usefixtures("small_slices")
@pytest.mark.parametrize("name", WHOLE)
def test_a_document_that_cannot_be_cut(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = WHOLE[name].encode()
    assert to_documents(text, "x") == whole(text, monkeypatch)


def test_a_large_document_takes_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.files.documents.slices._SLICE", 2**16)
    text = json.dumps(
        {
            "code": 0,
            "data": [[f"{ms(MANY.index[0]) + n}", "1.25", "1.5", "1", "1.375", "90"] for n in range(40_000)],
        }
    ).encode()
    tracemalloc.start()
    try:
        made = to_documents(text, "x")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(made[0].data.splitlines()) == 40_000
    assert peak < 2.5 * len(text)
