"""Words, figures and dates as sites and programs around the world spell them, one of each; candles made here."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lib.errors import CandlesRefused, FileRefused
from lib.files import Choices, read
from lib.files.streaming import stream
from tests.files.written import table

DAYS = table(60, "1D", "2023-11-06", 4).round(4)
HOURS = table(60, "1h", "2024-01-02", 3)
YEN = (DAYS.iloc[:, :4] * 100).round(3).assign(volume=DAYS["volume"])
DAYS = DAYS.assign(**{name: (DAYS[name] * 100).round(2) for name in ("open", "high", "low", "close")})
ROUND = DAYS.assign(volume=(DAYS["volume"] * 100).round(-2))
Cells = Callable[[pd.Timestamp, Any], list[str]]
Case = tuple[str, Cells] | tuple[str, Cells, dict[str, Any]]


WEEK = "一二三四五六日"
ARABIC = str.maketrans("0123456789.", "٠١٢٣٤٥٦٧٨٩٫")


def comma(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def plain(t: str) -> Cells:
    """Open, high, low, close and volume behind a date."""
    return lambda time, r: [time.strftime(t), *map(str, (r.open, r.high, r.low, r.close)), f"{r.volume:.0f}"]


def local(time: Callable[[pd.Timestamp], str]) -> Cells:
    return lambda t, r: [time(t), *plain("")(t, r)[1:]]


def write(header: str, cells: Cells, want: pd.DataFrame, mark: str, tail: str) -> str:
    rows = [mark.join(cells(time, r)) for time, r in zip(want.index, want.itertuples(), strict=True)]
    return "\n".join([*([header] if header else []), *rows]) + "\n" + tail


def same(made: Any, want: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(made.table, want, check_freq=False, rtol=1e-12)


# header, cells, and what is not the usual: want, mark, tail, choices
CASES: dict[str, Case] = {
    # ---- words
    "chinese, hong kong": ("日期,收市,開市,高,低,成交量", lambda t, r: [f"{t:%Y年%m月%d日}", *map(str, (r.close, r.open, r.high, r.low, r.volume))]),
    "taiwan, index": ('"日期","開盤指數","最高指數","最低指數","收盤指數","成交股數"', plain("%Y/%m/%d")),
    "arabic": ("التاريخ,فتح,مرتفع,منخفض,الأخير,الحجم", plain("%Y-%m-%d")),
    "arabic, whole": ("التاريخ,سعر الفتح,أعلى سعر,أدنى سعر,سعر الإغلاق,حجم التداول", plain("%Y/%m/%d")),
    "hebrew": ("תאריך,פתיחה,גבוה,נמוך,שער,נפח", plain("%Y-%m-%d")),
    "greek": ("Ημερομηνία,Άνοιγμα,Υψηλό,Χαμηλό,Τιμή,Όγκ.", plain("%Y-%m-%d")),
    "finnish": ("Päivämäärä,Avaus,Korkein,Alin,Viimeisin,Vaihto", plain("%Y-%m-%d")),
    "thai": ("วันที่,เปิด,สูง,ต่ำ,ล่าสุด,ปริมาณ", plain("%Y-%m-%d")),
    "hindi": ("तारीख,ओपन,उच्च,निम्न,मूल्य,वॉल्यूम", plain("%Y-%m-%d")),
    "swedish": ("Datum,Öppningskurs,Högstakurs,Lägstakurs,Stängningskurs,Tot. vol.", plain("%Y-%m-%d")),
    "german without umlauts": ("Datum;Eroeffnung;Hoch;Tief;Schluss;Stuecke", plain("%Y-%m-%d"), {"mark": ";"}),
    "polish": ("Data;Kurs otwarcia;Kurs max;Kurs min;Kurs zamknięcia;Wolumen", plain("%Y-%m-%d"), {"mark": ";"}),
    "czech": ("Datum;Otevírací kurz;Max. kurz;Min. kurz;Závěrečný kurz;Objem (ks)", plain("%Y-%m-%d"), {"mark": ";"}),
    "german, open and close in other words": ("Datum,Öffnen,Hoch,Tief,Schluss*,Ber. Schluss**,Volumen", lambda t, r: [*plain("%Y-%m-%d")(t, r)[:5], str(r.close / 2), f"{r.volume:.0f}"]),
    "spanish, verbs": ("Fecha,Abrir,Máx.,Mín.,Cerrar*,Cierre ajustado**,Volumen", lambda t, r: [*plain("%Y-%m-%d")(t, r)[:5], str(r.close / 2), f"{r.volume:.0f}"]),
    "danish": ("Dato,Åben,Høj,Lav,Seneste,Vol.", plain("%Y-%m-%d")),
    "malay": ("Tarikh,Buka,Tinggi,Rendah,Harga,Vol.", plain("%Y-%m-%d")),
    "ukrainian": ("Дата,Відкр.,Макс.,Мін.,Ціна,Об’єм", plain("%Y-%m-%d")),
    "romanian": ("Data,Deschidere,Maxim,Minim,Închidere,Volum", plain("%Y-%m-%d")),
    "croatian": ("Datum,Prva,Najviša,Najniža,Zadnja,Količina", plain("%Y-%m-%d")),
    "persian": ("تاریخ,اولین,بیشترین,کمترین,پایانی,حجم", plain("%Y-%m-%d")),
    "vietnamese": ("Ngày,Giá mở cửa,Giá cao nhất,Giá thấp nhất,Giá đóng cửa,KL khớp lệnh", plain("%Y-%m-%d")),
    "chinese, today": ("交易日期|今开盘|最高价|最低价|今收盘|成交量(手)", plain("%Y-%m-%d"), {"mark": "|"}),
    "shortened": ("TradDt,OpnPric,HghPric,LwPric,ClsPric,TtlTradgVol", plain("%Y-%m-%d")),
    "shortened, in capitals": ("TIMESTAMP,OPEN,HIGH,LOW,CLOSE,TOTTRDQTY", plain("%Y-%m-%d")),
    "latest": ("Time,Open,High,Low,Latest,Volume", plain("%Y-%m-%d")),
    "fields of a terminal": ("Date,OPEN_PRC,HIGH_1,LOW_1,TRDPRC_1,ACVOL_UNS", plain("%Y-%m-%d")),
    "number of shares": ("Date;Open;High;Low;Close;Number of Shares", plain("%d/%m/%Y"), {"mark": ";"}),
    "quantity": ("Data;Abertura;Máxima;Mínima;Fechamento;Quantidade", plain("%d/%m/%Y"), {"mark": ";"}),
    # ---- figures
    "millions": ("Datum;Open;High;Low;Close;Volumen", lambda t, r: [f"{t:%d.%m.%Y}", *map(comma, (r.open, r.high, r.low, r.close)), comma(r.volume / 1e6, 4) + " Mio."], {"mark": ";", "want": ROUND}),
    "lakhs": ("Date,Open,High,Low,Close,Volume", lambda t, r: [*plain("%Y-%m-%d")(t, r)[:5], f"{r.volume / 1e5:.7f} Lacs"]),
    "pence": ("Date,Open,High,Low,Close,Volume", lambda t, r: [f"{t:%Y-%m-%d}", *(f"{x}p" for x in (r.open, r.high, r.low, r.close)), f"{r.volume:.0f}"]),
    "what is counted": ("Date,Open,High,Low,Close,Volume", lambda t, r: [f"{t:%Y-%m-%d}", *(f"{x} USD" for x in (r.open, r.high, r.low, r.close)), f"{r.volume:.0f} shares"]),
    "thin blanks": ("Date;Open;High;Low;Close;Volume", lambda t, r: [f"{t:%Y-%m-%d}", *(f"1\u2009{x - 1000:06.2f}".replace(".", ",") for x in (r.open, r.high, r.low, r.close)), f"{r.volume:.0f}"],
                    {"mark": ";", "want": DAYS.assign(**{k: (DAYS[k] + 910).round(2) for k in ("open", "high", "low", "close")})}),
    "three decimals, and a share that tells the comma": ("Datum;Open;High;Low;Close;Volumen;%", lambda t, r: [f"{t:%d.%m.%Y}", *(comma(x, 3) for x in (r.open, r.high, r.low, r.close)), f"{r.volume:.0f}", "0,12%"],
                                                         {"mark": ";", "want": YEN}),
    "averages named by a figure": ("日付,始値,高値,安値,終値,5DMA,出来高", lambda t, r: [*plain("%Y/%m/%d")(t, r)[:5], "--", str(r.volume)]),
    "a turnover with marks": ("Datum;Erster;Hoch;Tief;Schlusskurs;Volumen;Stuecke", lambda t, r: [f"{t:%Y-%m-%d}", *map(comma, (r.open, r.high, r.low, r.close)), f"{r.volume * r.close:,.0f}".replace(",", "."), f"{r.volume:,.0f}".replace(",", ".")], {"mark": ";"}),
    "a bid and an ask in another language": ("日時,始値(BID),高値(BID),安値(BID),終値(BID),始値(ASK),高値(ASK),安値(ASK),終値(ASK),出来高", lambda t, r: [
        *plain("%Y/%m/%d %H:%M:%S")(t, r)[:5], *(f"{x + 0.01:.5f}" for x in (r.open, r.high, r.low, r.close)), str(r.volume)], {"want": HOURS}),
    "an adjusted close behind, no header": ("", lambda t, r: [*plain("%Y-%m-%d")(t, r)[:5], f"{r.close * 0.97:.6f}", str(r.volume)]),
    "the time behind, no header": ("", lambda t, r: [*plain("")(t, r)[1:], f"{t:%Y-%m-%d %H:%M}"], {"want": HOURS}),
    "the volume ahead and the time behind, backwards, no header": ("", lambda t, r: [f"{r.volume:.0f}", *map(str, (r.close, r.low, r.high, r.open)), f"{t:%Y-%m-%d %H:%M}"], {"want": HOURS}),
    "day first and the close first, no header": ("", lambda t, r: [f"{t:%d/%m/%Y}", *map(str, (r.close, r.high, r.low, r.open)), f"{r.volume:.0f}"]),
    "arabic digits": ("التاريخ,الافتتاح,الأعلى,الأدنى,الإغلاق,الحجم", lambda t, r: [x.translate(ARABIC) for x in plain("%Y/%m/%d")(t, r)]),
    "digits of india": ("Date,Open,High,Low,Close,Volume", lambda t, r: [x.translate({48 + n: 0x966 + n for n in range(10)}) for x in plain("%Y-%m-%d")(t, r)]),
    "wide digits": ("日付,始値,高値,安値,終値,出来高", lambda t, r: [x.translate({n: n + 0xFEE0 for n in range(45, 58)}) for x in plain("%Y/%m/%d")(t, r)]),
    "adjusted prices only": ("Date,Adj Open,Adj High,Adj Low,Adj Close,Adj Volume", plain("%Y-%m-%d")),
    "names with their meaning": ("Date\tOpen\tHigh\tLow\tClose Close price adjusted for splits.\tAdj Close Adjusted close price adjusted for splits and dividends.\tVolume",
                                 lambda t, r: [*plain("%b %d, %Y")(t, r)[:5], "50.0", f"{r.volume:.0f}"], {"mark": "\t"}),
    "money ahead": ("Date,Open,High,Low,Close,Volume", lambda t, r: [f"{t:%Y-%m-%d}", f"Rs. {r.open}", f"US${r.high}", f"USD {r.low}", f"R${r.close}", str(r.volume)]),
    "money of japan": ("日付,始値,高値,安値,終値,出来高", lambda t, r: [f"{t:%Y/%m/%d}", *(f"{x}円" for x in (r.open, r.high, r.low, r.close)), f"{r.volume:.0f}株"]),
    "a volume as large as a count of seconds, no header": ("", lambda t, r: [*plain("%Y-%m-%d")(t, r)[:5], f"{r.volume:.0f}"], {"want": DAYS.assign(volume=1e9 + DAYS["volume"])}),
    "names in one word, and counted": ("1. date,2. OPENPRICE,3. HIGHPRICE,4. LOWPRICE,5. CLOSEPRICE,6. TOTALVOLUME", plain("%Y-%m-%d")),
    # ---- dates
    "years of the republic": ("日期,開盤價,最高價,最低價,收盤價,成交股數", local(lambda t: f"{t.year - 1911}/{t:%m/%d}")),
    "years of the buddha": ("วันที่,เปิด,สูงสุด,ต่ำสุด,ปิด,ปริมาณ", local(lambda t: f"{t:%d/%m}/{t.year + 543}")),
    "weeks": ("Week,Open,High,Low,Close,Volume", local(lambda t: f"{t.isocalendar()[0]}-W{t.isocalendar()[1]:02d}"), {"want": table(60, "7D", "2022-01-03")}),
    "days of a year": ("Date,Open,High,Low,Close,Volume", plain("%Y-%j")),
    "a century of one digit": ("Date,Open,High,Low,Close,Volume", plain("1%y%m%d")),
    "a D between": ("Time,Open,High,Low,Close,Volume", plain("%Y-%m-%dD%H:%M:%S.000000000"), {"want": HOURS}),
    "colons in the date": ("snapshotTime,Open,High,Low,Close,Volume", plain("%Y:%m:%d-%H:%M:%S"), {"want": HOURS}),
    "GMT and an offset, all the same": ("Local time,Open,High,Low,Close,Volume", local(lambda t: f"{t - pd.Timedelta('5h'):%d.%m.%Y %H:%M:%S}.000 GMT-0500"), {"want": HOURS}),
    "days and hours apart, none past the 12th": ("Date;Time;Open;High;Low;Close;Volume", plain("%d/%m/%Y;%H:%M"), {"mark": ";", "want": HOURS}),
    "times of day in a column of any name": ("DATE,TIME_M,SYM_ROOT,OPEN,HIGH,LOW,CLOSE,VOL", lambda t, r: [f"{t:%Y%m%d}", f"{t.hour}:{t:%M:%S}.000000", "X", *plain("")(t, r)[1:]], {"want": HOURS}),
    "ends of candles": ("Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d %H:59:59"), {"want": HOURS}),
    "ends of days": ("Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d 23:59:59.999")),
    "a zone in a column of its own": ("Date,Time,Time Zone,Open,High,Low,Close,Volume", lambda t, r: [f"{t - pd.Timedelta('5h'):%Y-%m-%d,%H:%M}", "America/New_York", *plain("")(t, r)[1:]], {"want": HOURS}),
    "from and to": ("Interval;Open;High;Low;Close;Volume", local(lambda t: f"{t:%d.%m.%Y %H:%M} - {t + pd.Timedelta('1h'):%d.%m.%Y %H:%M}"), {"mark": ";", "want": HOURS}),
    "hours in a column of their own": ("Date,Hour,Open,High,Low,Close,Volume", lambda t, r: [f"{t:%Y-%m-%d}", str(t.hour), *plain("")(t, r)[1:]], {"want": HOURS}),
    "weekdays behind": ("Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d %a")),
    "weekdays behind, in brackets": ("日付,始値,高値,安値,終値,出来高", local(lambda t: f"{t:%Y/%m/%d}({'月火水木金土日'[t.day_of_week]})")),
    "an apostrophe before the year": ("Date,Open,High,Low,Close,Volume", plain("%b %d '%y")),
    "weekdays of germany": ("Datum;Eröffnung;Hoch;Tief;Schluss;Volumen", local(lambda t: f"{'Mo Di Mi Do Fr Sa So'.split()[t.day_of_week]}, {t:%d.%m.%Y}"), {"mark": ";"}),
    "o'clock": ("Datum;Eröffnung;Hoch;Tief;Schluss;Volumen", plain("%d.%m.%Y %H:%M Uhr"), {"mark": ";", "want": HOURS}),
    "a. m.": ("Fecha,Apertura,Máximo,Mínimo,Cierre,Volumen", local(lambda t: f"{t:%d/%m/%Y %I:%M} {'a' if t.hour < 12 else 'p'}. m."), {"want": HOURS}),
    "halves of the day": ("时间,开盘价,最高价,最低价,收盘价,成交量", local(lambda t: f"{t:%Y/%m/%d} {'上午' if t.hour < 12 else '下午'} {t:%I:%M}"), {"want": HOURS}),
    "hours and minutes by their signs": ("时间,开盘价,最高价,最低价,收盘价,成交量", local(lambda t: f"{t.year}年{t.month}月{t.day}日 {t.hour}时{t:%M}分"), {"want": HOURS}),
    "years of the republic, by its name": ("日期,開盤價,最高價,最低價,收盤價,成交股數", local(lambda t: f"民國{t.year - 1911}年{t:%m月%d日}")),
    "years of a reign": ("日付,始値,高値,安値,終値,出来高", local(lambda t: f"令和{t.year - 2018}年{t.month}月{t.day}日")),
    "years of a reign, short": ("日付,始値,高値,安値,終値,出来高", local(lambda t: f"R{t.year - 2018}.{t.month}.{t.day}")),
    "spans for times of day": ("date,time,open,high,low,close,volume", plain("%Y.%m.%d,0D%H:%M:%S.000000000"), {"want": HOURS}),
    "vietnamese months": ("Ngày,Mở cửa,Cao nhất,Thấp nhất,Đóng cửa,Khối lượng", plain("%d Thg %m %Y")),
    "blanks after dots": ("날짜,시가,고가,저가,종가,거래량", local(lambda t: f"{t.year}. {t.month}. {t.day}.")),
    "czech months": ("Datum;Open;High;Low;Close;Volume", local(lambda t: f"{t.day}. {['ledna', 'února', '', '', '', '', '', '', '', '', 'listopadu', 'prosince'][t.month - 1]} {t.year}"), {"mark": ";"}),
    "swedish months": ("Datum;Öppen;Högst;Lägst;Stängning;Volym", local(lambda t: f"{t.day} {['januari', 'feb.', '', '', '', '', '', '', '', '', 'november', 'dec.'][t.month - 1]} {t.year}"), {"mark": ";"}),
    "a comma between date and time": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'"{t:%d/%m/%Y}, {t:%H:%M:%S}"'), {"want": HOURS}),
    "a narrow blank before PM": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'"{t:%m/%d/%Y}, {t:%I:%M:%S}\u202f{t:%p}"'), {"want": HOURS}),
    "the time before the date": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%H:%M} {t:%d/%m/%Y}'), {"want": HOURS}),
    "the time before the date, halves": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%I:%M %p} {t:%m/%d/%Y}'), {"want": HOURS}),
    "a dash between date and time": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%d/%m/%Y} - {t:%H:%M}'), {"want": HOURS}),
    "a word between date and time": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%d.%m.%Y} klo {t.hour}.{t:%M}'), {"want": HOURS}),
    "an at between date and time": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%Y-%m-%d}@{t:%H:%M}'), {"want": HOURS}),
    "a colon between date and time": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%d%b%Y:%H:%M:%S}'), {"want": HOURS}),
    "months of three letters, halves without a blank": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%b} {t.day:>2} {t.year} {t:%I:%M%p}'), {"want": HOURS}),
    "dots behind a month": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%b.%d.%Y}')),
    "a date that ends in a dot": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%d.%m.%Y}.')),
    "a weekday behind a comma": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'"{t:%Y-%m-%d},{WEEK[t.day_of_week]}"')),
    "an apostrophe before": ("Date,Open,High,Low,Close,Volume", local(lambda t: f"'{t:%Y-%m-%d}")),
    "a week from and to": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%d/%m/%Y} - {t + pd.Timedelta(4, unit="D"):%d/%m/%Y}'), {"want": table(60, "7D", "2022-01-03")}),
    "months and years": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t:%m/%Y}'), {"want": table(60, "MS", "2019-01-01")}),
    "portuguese months": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t.day} de {["janeiro", "fevereiro", 0, 0, 0, 0, 0, 0, 0, 0, "novembro", "dezembro"][t.month - 1]} de {t.year}')),
    "hungarian months": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t.year}. {["január", 0, 0, 0, 0, 0, 0, 0, 0, 0, "november", "december"][t.month - 1]} {t.day}.')),
    "hebrew months": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t.day} {["ינואר", 0, 0, 0, 0, 0, 0, 0, 0, 0, "נובמבר", "דצמבר"][t.month - 1]} {t.year}')),
    "a country's time": ("Date,Open,High,Low,Close,Volume", local(lambda t: f'{t.tz_convert("America/New_York"):%m/%d/%Y %I:%M %p} ET'), {"want": HOURS}),
    # ---- lines that are no rows
    "zero bytes at the end": ("Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d"), {"tail": "\0" * 512}),
    "the mark of an old file's end": ("Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d"), {"tail": "\x1a"}),
    "a dividend": ("Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d"), {"tail": "2024-01-05,0.24 Dividend,,,,\n2024-01-05,2:1 Stock Split\n"}),
    "a second table below": ("Date;Open;High;Low;Close;Volume", plain("%Y-%m-%d"), {"mark": ";", "tail": "\ncursor\n\nINDEX;TOTAL\n0;60\n\n"}),
    "a line that is drawn": ("Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d"), {"tail": "---------------\n"}),
    "how many rows there are": ("Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d"), {"tail": "60\n"}),
    "the size of a printed table": ("date open high low close volume", plain("%Y-%m-%d"), {"mark": "  ", "tail": "\n[60 rows x 5 columns]\n"}),
    "a frame of a printed table": ("+-----+\n| time | open | high | low | close | volume |\n+-----+", local(lambda t: f"| {t:%Y-%m-%d %H:%M}"),
                                   {"mark": " | ", "want": HOURS, "tail": "+-----+\n60 rows in set\n"}),
    "a note of one sign": ("日期,開盤價,最高價,最低價,收盤價,成交股數", plain("%Y-%m-%d"), {"tail": "共60筆\n"}),
    "a file behind another, with its mark": ("Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d"), {"tail": "\ufeffDate,Open,High,Low,Close,Volume\n"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_spellings(name: str) -> None:
    header, cells, *more = CASES[name]
    told = more[0] if more else {}
    want = told.get("want", DAYS)
    text = write(header, cells, want, told.get("mark", ","), told.get("tail", ""))
    same(read("data.csv", text.encode(), told.get("choices", Choices())), want)


def test_a_row_that_was_cut_is_no_remark() -> None:
    text = write("Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d"), DAYS, ",", "2024-01-05,110.2\n")
    with pytest.raises(FileRefused, match="line 62: The line has 2 cells"):
        read("data.csv", text.encode())


def test_zero_bytes_among_the_rows_are_damage() -> None:
    text = write(
        "Date,Open,High,Low,Close,Volume", plain("%Y-%m-%d"), DAYS, ",", "\0\0\n2024-01-05,1,2,1,2,5\n"
    )
    with pytest.raises(FileRefused, match=r"Line 62 of .* holds a zero byte"):
        read("data.csv", text.encode())


def test_days_and_months_that_change_places_are_refused() -> None:
    """As a spreadsheet leaves dates that it took for those of another country: 5.6. became 6.5., 13.6. stayed."""
    mangled = local(lambda t: f"{t:%d.%m.%Y}" if t.day > 12 else f"{t:%m.%d.%Y}")
    text = write("Date;Open;High;Low;Close;Volume", mangled, DAYS, ";", "")
    with pytest.raises(FileRefused, match="day and month change places from row to row"):
        read("data.csv", text.encode())


def test_several_timeframes_are_asked_about() -> None:
    rows = [
        f"{frame},{t:%Y-%m-%d},1,2,1,2,5"
        for frame, step in (("1d", 1), ("1w", 7))
        for t in DAYS.index[::step]
    ]
    text = "interval,time,open,high,low,close,volume\n" + "\n".join(rows)
    with pytest.raises(FileRefused, match="in the column 'interval': 1d, 1w"):
        read("data.csv", text.encode())
    assert str(read("data.csv", text.encode(), Choices(pick_symbol="1w")).timeframe) == "1w"


def with_offsets(name: str, spelled: Callable[[float], str]) -> str:
    """Hours over a change of the clocks in New York, at local time, the repeated hour too."""
    wall = table(60, "1h", "2024-11-02", 3).tz_convert("America/New_York")
    return f"Date,{name},Open,High,Low,Close,Volume\n" + "".join(
        f"{t:%Y-%m-%d %H:%M},{spelled(t.utcoffset().total_seconds() / 3600)},{o},{h},{lo},{c},{v}\n"
        for t, o, h, lo, c, v in wall.itertuples()
    )


@pytest.mark.parametrize("frame", ["csv", "ndjson"])
@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("GMT Offset", lambda hours: f"{hours:.0f}"), ("gmtoffset", lambda hours: f"{hours * 3600:.0f}"),
        ("utc_offset", lambda hours: f"{hours * 60:.0f}"), ("tz_offset", lambda hours: f"-{-hours:02.0f}:00"),
        ("UTC Offset (hours)", lambda hours: f"{hours:.1f}"), ("Time Zone Offset", lambda hours: f"-{-hours:02.0f}00"),
    ],
)  # fmt: skip
def test_local_times_with_their_offset_in_a_column_of_its_own(
    tmp_path: Path, frame: str, name: str, spelled: Callable[[float], str]
) -> None:
    text = with_offsets(name, spelled)
    if frame == "ndjson":
        made = pd.read_csv(io.StringIO(text), dtype=str)
        text = made.to_json(orient="records", lines=True)
    path = tmp_path / f"data.{frame}"
    path.write_text(text)
    whole = read(path.name, path)
    same(whole, table(60, "1h", "2024-11-02", 3))
    assert whole.reading.warnings[-1].startswith(
        "The times were taken as local ones, and made UTC by the column"
    )
    with stream(path.name, path, block=500, window=20) as found:
        pd.testing.assert_frame_equal(pd.concat(list(found.tables())), whole.table, check_freq=False)


START = pd.Timestamp("1899-12-30", tz="UTC")
MINUTES = table(310, "5min", "2024-01-02 22:50", 5)


def day_part(t: pd.Timestamp) -> float:
    return (t - t.floor("D")) / pd.Timedelta("1D")


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("Time", lambda t: f"{(t - START) / pd.Timedelta('1D'):.7f}"),
        ("Date,Time", lambda t: f"{(t - START).days},{day_part(t):.9f}"),
        ("Date,Time", lambda t: f"{t:%d/%m/%Y},{day_part(t):.9g}"),
        ("Date,Time", lambda t: f"{t:%Y-%m-%d},{day_part(t):.4f}"),
        ("Date,Time", lambda t: f"{t:%Y-%m-%d},{t.hour}.{t:%M}"),
        ("Date,Time", lambda t: f"{t:%Y-%m-%d},{t:%H.%M.%S}"),
    ],
)
def test_times_of_day_as_parts_of_a_day_and_with_dots(
    tmp_path: Path, header: str, time: Callable[[pd.Timestamp], str]
) -> None:
    path = tmp_path / "data.csv"
    path.write_text(
        f"{header},Open,High,Low,Close,Volume\n"
        + "".join(f"{time(t)},{o},{h},{lo},{c},{v}\n" for t, o, h, lo, c, v in MINUTES.itertuples())
    )
    whole = read(path.name, path)
    same(whole, MINUTES)
    for block in (500, 3000):  # small ones hold a midnight, or an hour, alone
        with stream(path.name, path, block=block, window=200) as found:
            pd.testing.assert_frame_equal(pd.concat(list(found.tables())), whole.table, check_freq=False)


def test_offsets_beside_times_that_are_not_local() -> None:
    fault = with_offsets("GMT Offset", lambda hours: f"{hours:.0f}").replace(",-5,", ",-5.1,", 1)
    with pytest.raises(
        FileRefused, match=r"line 32: '-5.1' in the column 'GMT Offset' is no offset from UTC"
    ):
        read("data.csv", fault.encode())
    plain_text = "Date,GMT Offset,Open,High,Low,Close\n" + "".join(
        f"2024-01-02 {hour:02d}:00,-5,1,2,1,2\n" for hour in range(20)
    )
    for other, choices in (
        (plain_text, Choices(zone="UTC")),
        (plain_text.replace("Date,", "Date (UTC),"), None),
        (plain_text.replace("Date,", "Date[G],"), None),
    ):
        made = read("data.csv", other.encode(), choices)
        assert made.table.index[0] == pd.Timestamp("2024-01-02", tz="UTC")
    ric = "\n".join(
        f"{'#RIC' if n == 0 else 'AAPL.O'},{line}" for n, line in enumerate(plain_text.splitlines())
    )
    made = read("data.csv", ric.encode())
    assert made.table.index[0] == pd.Timestamp("2024-01-02", tz="UTC")
    assert "'GMT Offset' tells offsets that were not used" in made.reading.warnings[-1]
    days = "Date,GMT Offset,Open,High,Low,Close\n" + "".join(
        f"2024-01-{n:02d},-5,1,2,1,2\n" for n in range(1, 20)
    )
    assert read("data.csv", days.encode()).table.index[0] == pd.Timestamp("2024-01-01", tz="UTC")


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("Date,Bid,Ask", lambda t, n: f"{t:%Y-%m-%d},1.{n:02d},1.{n:02d}5", "a bid and an ask for a day and no time of day"),
        ("WKN,Date,Open,High,Low,Close", lambda t, n: f"{(716460, 723610)[n % 2]},{t:%Y-%m-%d},1,2,1,2", "2 symbols in the column 'WKN'"),
        ("Date,Strike,Open,High,Low,Close", lambda t, n: f"2024-01-{1 + n // 3:02d},{(100, 110, 120)[n % 3]},1,2,1,2", "in the column 'Strike'"),
        ("time,open,high,low,close", lambda t, n: f"{133500000000000000 + n * 3 * 10**9},1,2,1,2", "count 100 ns since the year 1601"),
    ],
    ids=["rates of days", "numbers of papers", "strikes", "100 ns"],
)  # fmt: skip
def test_what_would_be_wrong_in_silence_is_refused(
    header: str, row: Callable[[pd.Timestamp, int], str], said: str
) -> None:
    text = "\n".join([header, *(row(t, n) for n, t in enumerate(DAYS.index))])
    with pytest.raises(FileRefused, match=said):
        read("data.csv", text.encode())


def test_seven_digits_of_either_calendar_are_no_dates() -> None:
    """1120105 is 2012-01-05 with a century of one digit, and 2023-01-05 in years of the Republic of China."""
    old = DAYS.set_index(DAYS.index - pd.DateOffset(years=11))
    text = write("Date,Open,High,Low,Close,Volume", plain("1%y%m%d"), old, ",", "")
    with pytest.raises(FileRefused, match="which column is the time cannot be told"):
        read("data.csv", text.encode())


@pytest.mark.parametrize(
    ("name", "cell", "said"),
    [
        ("Volume", "{:.0f} somethings", "'Volume' holds '.* somethings', which is no figure"),
        (
            "Gleba",
            "{:.0f}",
            "No column is named for the volume in words that are known.*'Gleba'.*--column volume=NAME",
        ),
    ],
)
def test_a_volume_that_is_not_read_is_said(name: str, cell: str, said: str) -> None:
    rows = write(
        f"Date,Open,High,Low,Close,{name}",
        lambda t, r: [*plain("%Y-%m-%d")(t, r)[:5], cell.format(r.volume * 100)],
        DAYS,
        ",",
        "",
    )
    made = read("x.csv", rows.encode())
    assert made.table["volume"].isna().all()
    assert any(re.search(said, each) for each in made.reading.warnings)


def test_a_column_of_other_counts_is_no_volume_to_be_asked_for() -> None:
    rows = write(
        "Date,Open,High,Low,Close,Trades,RSI",
        lambda t, r: [*plain("%Y-%m-%d")(t, r)[:5], f"{r.volume:.0f}", "51.25"],
        DAYS,
        ",",
        "",
    )
    assert not read("x.csv", rows.encode()).reading.warnings


def test_signed_prices_are_no_reason_to_take_dates_for_a_volume() -> None:
    rows = write(
        "일자,현재가,거래량,시가,고가,저가",
        lambda t, r: [
            f"{t:%Y%m%d}",
            f"{r.close:.2f}",
            f"{r.volume:.0f}",
            str(r.open),
            str(r.high),
            f"-{r.low}",
        ],
        DAYS.assign(volume=2.3e7),
        ",",
        "",
    )
    with pytest.raises(CandlesRefused, match="a price is above zero"):
        read("x.csv", rows.encode())


@pytest.mark.parametrize(
    ("encoding", "header"),
    [
        ("cp1253", "Ημερομηνία,Άνοιγμα,Υψηλό,Χαμηλό,Κλείσιμο,Όγκος"),
        ("cp1255", "תאריך,שער פתיחה,שער גבוה,שער נמוך,שער נעילה,מחזור"),
        ("cp1256", "التاريخ,الافتتاح,الأعلى,الأدنى,الإغلاق,الحجم"),
        ("cp874", "วันที่,เปิด,สูงสุด,ต่ำสุด,ปิด,ปริมาณ"),
        ("cp866", "Дата,Открытие,Максимум,Минимум,Закрытие,Объем"),
        ("mac_roman", "Date,Ouverture,Plus haut,Plus bas,Clôture,Volume"),
        ("cp850", "Datum,Eröffnung,Hoch,Tief,Schluß,Umsatz"),
    ],
)
def test_encodings_of_older_systems_are_told_by_the_words_they_give(encoding: str, header: str) -> None:
    made = read("x.csv", write(header, plain("%Y-%m-%d"), DAYS, ",", "").encode(encoding))
    same(made, DAYS)
    assert made.reading.columns == tuple(header.split(","))


def test_an_encoding_that_no_word_tells_is_one_that_the_bytes_fit() -> None:
    rows = write("", lambda t, r: [*plain("%Y/%m/%d")(t, r), "東証プライム", "ﾄﾖﾀ"], DAYS, ",", "")
    same(read("x.csv", rows.encode("cp932")), DAYS)


def test_a_byte_further_down_that_does_not_fit_is_a_fault_of_its_cell_alone() -> None:
    rows = write(
        "Datum,Eröffnung,Hoch,Tief,Schluss,Umsatz,Ort",
        lambda t, r: [*plain("%Y-%m-%d")(t, r), "Börse" * 20],
        DAYS,
        ",",
        "",
    )
    whole = rows.encode("cp1252")
    same(read("x.csv", whole[:-4] + b"\x81" + whole[-4:]), DAYS)
    at = whole.rindex(b"2024-")
    with pytest.raises(FileRefused, match="is not a"):
        read("x.csv", whole[: at + 5] + b"\x81" + whole[at + 5 :])


def test_the_sides_of_quotes_before_chinese_signs() -> None:
    names = ",".join(side + each for side in ("Bid", "Ask") for each in ("始値", "高値", "安値", "終値"))
    rows = write(
        f"日付 時間,{names}",
        lambda t, r: [f"{t:%Y/%m/%d %H:%M}", *(repr(x) for x in r[1:5]), *(repr(x + 1) for x in r[1:5])],
        HOURS,
        ",",
        "",
    )
    same(read("x.csv", rows.encode("cp932")), HOURS.assign(volume=float("nan")))
