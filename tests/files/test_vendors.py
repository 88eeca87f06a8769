"""Shapes that vendors, exchanges, terminals and libraries write, one of each, made here of our own candles."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lib.files import Choices, read
from tests.files.written import table

HOURS = table(60, "1h", "2024-01-13", 3)
DAYS = table(60, "1D", "2024-01-13", 4)
# Whole numbers of five digits.
LARGE = (DAYS.iloc[:, :4] * 10000).round().assign(volume=DAYS["volume"])
MINUTES = table(90, "1min", "2024-01-15 09:30", 5)
Cells = Callable[[pd.Timestamp, Any], str]


def rows(
    row: Cells, want: pd.DataFrame = DAYS, header: str = "", *, newest: bool = False, tail: str = ""
) -> str:
    """A line for each candle; ``r`` has its figures as texts: o, h, l, c, v."""
    names = ("o", "h", "l", "c", "v")
    texts = want.set_axis(names, axis=1)
    texts = texts.assign(**{name: [repr(float(each)) for each in texts[name]] for name in names[:4]},
                         v=[f"{each:.0f}" for each in texts["v"]])  # fmt: skip
    made = [row(time, r) for time, r in texts.iterrows()]
    return "\n".join([*([header] if header else []), *(made[::-1] if newest else made)]) + "\n" + tail


def s(time: pd.Timestamp) -> int:
    return int(time.timestamp())


def ohlcv(date: str, mark: str = ",", names: str = "ohlcv") -> Cells:
    return lambda t, r: mark.join([t.strftime(date), *(str(r[name]) for name in names)])


def german(value: str, digits: int = 5) -> str:
    return f"{float(value):,.{digits}f}".translate(str.maketrans(",.", ".,"))


# name: (text, the candles, choices)
TEXTS: dict[str, tuple[str, pd.DataFrame] | tuple[str, pd.DataFrame, Choices]] = {
    # ---- terminals and programs
    "stooq": (rows(lambda t, r: f"EURUSD,60,{t:%Y%m%d},{t:%H%M%S},{r.o},{r.h},{r.l},{r.c},{r.v},0", HOURS,
                   "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"), HOURS),
    "stooq, polish": (rows(ohlcv("%Y-%m-%d"), DAYS, "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen"), DAYS),
    "finam": (rows(lambda t, r: f"SBER;60;{t:%d/%m/%y};{t:%H:%M};{r.o};{r.h};{r.l};{r.c};{r.v}", HOURS,
                   "<TICKER>;<PER>;<DATE>;<TIME>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<VOL>"), HOURS),
    "finam, compact": (rows(lambda t, r: f"SBER,D,{t:%y%m%d},000000,{r.o},{r.h},{r.l},{r.c},{r.v}", DAYS,
                            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>"), DAYS),
    "metastock": (rows(lambda t, r: f"ABC,{t:%y%m%d},{r.o},{r.h},{r.l},{r.c},{r.v}", DAYS,
                       "<ticker>,<date>,<open>,<high>,<low>,<close>,<vol>"), DAYS),
    "metastock without a header": (rows(lambda t, r: f"ABC,{t:%Y%m%d},{r.o},{r.h},{r.l},{r.c},{r.v}"), DAYS),
    "amibroker": (rows(lambda t, r: f"ABC,{t:%Y-%m-%d},{t:%H:%M:%S},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS,
                       "Ticker,Date,Time,Open,High,Low,Close,Volume"), HOURS),
    "sierra chart": (rows(lambda t, r: f"{t:%Y/%-m/%-d}, {t:%H:%M:%S}, {r.o}, {r.h}, {r.l}, {r.c}, {r.v}, 12, 5, 7", HOURS,
                          "Date, Time, Open, High, Low, Last, Volume, NumberOfTrades, BidVolume, AskVolume"), HOURS),
    "ninjatrader": (rows(lambda t, r: f"{t:%Y%m%d %H%M%S};{r.o};{r.h};{r.l};{r.c};{r.v}", MINUTES), MINUTES),
    "ninjatrader, days": (rows(ohlcv("%Y%m%d", ";"), DAYS), DAYS),
    "tradestation": (rows(lambda t, r: f'"{t:%m/%d/%Y}","{t:%H:%M}",{r.o},{r.h},{r.l},{r.c},{r.v},0', MINUTES,
                          '"Date","Time","Open","High","Low","Close","Up","Down"'), MINUTES.assign(volume=np.nan)),
    "multicharts": (rows(lambda t, r: f"{t:%m/%d/%Y},{t:%H:%M:%S},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS,
                         '"Date","Time","Open","High","Low","Close","TotalVolume"'), HOURS),
    "thinkorswim": (rows(lambda t, r: f"{t:%-m/%-d/%y %-I:%M %p},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS,
                         "Symbol: ABC\nDate,Open,High,Low,Close,Volume"), HOURS),
    "tradingview": (rows(lambda t, r: f"{s(t)},{r.o},{r.h},{r.l},{r.c},NaN,1.25,{r.v}", HOURS,
                         "time,open,high,low,close,Plot,MA,Volume"), HOURS),
    "tradingview, iso": (rows(lambda t, r: f"{t:%Y-%m-%dT%H:%M:%SZ},{r.o},{r.h},{r.l},{r.c},{r.v},1.1,", HOURS,
                              "time,open,high,low,close,Volume,Volume MA,Basis"), HOURS),
    "metatrader 5": (rows(lambda t, r: f"{t:%Y.%m.%d}\t{t:%H:%M:%S}\t{r.o}\t{r.h}\t{r.l}\t{r.c}\t{r.v}\t0\t3", HOURS,
                          "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"), HOURS),
    "metatrader 4": (rows(lambda t, r: f"{t:%Y.%m.%d},{t:%H:%M},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS), HOURS),
    "ctrader": (rows(lambda t, r: f"{t:%d/%m/%Y %H:%M:%S},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS,
                     "Time,Open,High,Low,Close,Tick volume"), HOURS),
    "dukascopy, local": (rows(lambda t, r: f"{t + pd.Timedelta('2h'):%d.%m.%Y %H:%M:%S}.000 GMT+0200,{r.o},{r.h},{r.l},{r.c},{r.v}",
                              HOURS, "Local time,Open,High,Low,Close,Volume"), HOURS),
    "dukascopy, gmt": (rows(lambda t, r: f"{t:%d.%m.%Y %H:%M:%S}.000,{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS,
                            "Gmt time,Open,High,Low,Close,Volume"), HOURS),
    "histdata": (rows(lambda t, r: f"{t:%Y%m%d %H%M%S};{r.o};{r.h};{r.l};{r.c};0", MINUTES), MINUTES.assign(volume=0.0)),
    "fxcm": (rows(lambda t, r: f"{t:%m/%d/%Y %H:%M:%S.000},{r.o},{r.h},{r.l},{r.c}," + ",".join(f"{float(x) + 0.0002!r}" for x in (r.o, r.h, r.l, r.c)) + f",{r.v}",
                  HOURS, "DateTime,BidOpen,BidHigh,BidLow,BidClose,AskOpen,AskHigh,AskLow,AskClose,Volume"), HOURS),
    "interactive brokers": (rows(lambda t, r: f"{t:%Y%m%d  %H:%M:%S},{r.o},{r.h},{r.l},{r.c},{r.v},{r.c},7", HOURS,
                                 "date,open,high,low,close,volume,average,barCount"), HOURS),
    "interactive brokers, zone": (rows(lambda t, r: f"{t.tz_convert('America/New_York'):%Y%m%d %H:%M:%S} US/Eastern,{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS,
                                       "date,open,high,low,close,volume"), HOURS),
    # ---- sites
    "yahoo page": (rows(lambda t, r: f'"{t:%b %d, %Y}","{r.o}","{r.h}","{r.l}","{r.c}","{r.c}","{int(r.v):,}"', DAYS,
                        "Date,Open,High,Low,Close*,Adj Close**,Volume", newest=True), DAYS),
    "nasdaq": (rows(lambda t, r: f"{t:%m/%d/%Y},${r.c},{r.v},${r.o},${r.h},${r.l}", DAYS,
                    "Date,Close/Last,Volume,Open,High,Low", newest=True), DAYS),
    "wsj": (rows(lambda t, r: f"{t:%m/%d/%y}, {r.o}, {r.h}, {r.l}, {r.c}, {r.v}", DAYS, "Date, Open, High, Low, Close, Volume", newest=True), DAYS),
    "marketwatch": (rows(lambda t, r: f'{t:%m/%d/%Y},{r.o},{r.h},{r.l},{r.c},"{int(r.v):,}"', DAYS, "Date,Open,High,Low,Close,Volume", newest=True), DAYS),
    "google sheets": (rows(lambda t, r: f"{t:%-m/%-d/%Y} 16:00:00,{r.o},{r.h},{r.l},{r.c},{r.v}", DAYS, "Date,Open,High,Low,Close,Volume"),
                      DAYS.set_index(DAYS.index + pd.Timedelta("16h"))),
    "coinmarketcap": (rows(lambda t, r: f'"{t:%Y-%m-%dT%H:%M:%S}.000Z";"{t + pd.Timedelta("86399s"):%Y-%m-%dT%H:%M:%S}.999Z";"{t:%Y-%m-%dT05:00:00}.000Z";'
                                        f'"{t:%Y-%m-%dT09:00:00}.000Z";"2781";{r.o};{r.h};{r.l};{r.c};{r.v};5;5;"{t:%Y-%m-%dT%H:%M:%S}.999Z"', DAYS,
                           "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;circulatingSupply;timestamp", newest=True), DAYS),
    "coingecko-like": (rows(lambda t, r: f"{s(t) * 1000},{r.o},{r.h},{r.l},{r.c}", DAYS, "timestamp,open,high,low,close"), DAYS.assign(volume=np.nan)),
    "boerse": (rows(lambda t, r: f"{t:%Y-%m-%d};{german(r.o)};{german(r.h)};{german(r.l)};{german(r.c)};{german(r.v, 0)};{german(r.v, 0)}", DAYS,
                    "Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen", newest=True), DAYS),
    "boursorama": (rows(lambda t, r: f"{t:%d/%m/%Y}\t{r.o}\t{r.h}\t{r.l}\t{r.c}\t{r.v}\tEUR", DAYS, "date\touv\thaut\tbas\tclot\tvol\tdevise"), DAYS),
    "french": (rows(lambda t, r: ";".join([f"{t:%d/%m/%Y}", *(x.replace(".", ",") for x in (r.o, r.h, r.l, r.c)), r.v]), DAYS,
                    "Date;Ouverture;+ Haut;+ Bas;Clôture;Volume"), DAYS),
    "spanish": (rows(lambda t, r: ";".join([f"{t:%d/%m/%Y}", *(x.replace(".", ",") for x in (r.c, r.o, r.h, r.l)), r.v]), DAYS,
                     "Fecha;Último;Apertura;Máximo;Mínimo;Volumen"), DAYS),
    "portuguese": (rows(lambda t, r: ";".join([f"{t:%d/%m/%Y}", *(x.replace(".", ",") for x in (r.o, r.h, r.l, r.c)), r.v]), DAYS,
                        "Data;Abertura;Máxima;Mínima;Fechamento;Volume"), DAYS),
    "italian": (rows(ohlcv("%d/%m/%Y", ";"), DAYS, "Data;Apertura;Massimo;Minimo;Chiusura;Quantità"), DAYS),
    "turkish": (rows(ohlcv("%d.%m.%Y", ";"), DAYS, "Tarih;Açılış;En Yüksek;En Düşük;Kapanış;Hacim"), DAYS),
    "arabic": (rows(ohlcv("%Y-%m-%d"), DAYS, "التاريخ,الافتتاح,الأعلى,الأدنى,الإغلاق,الحجم"), DAYS),
    "hebrew": (rows(ohlcv("%d/%m/%Y"), DAYS, "תאריך,פתיחה,גבוה,נמוך,סגירה,מחזור"), DAYS),
    "thai": (rows(ohlcv("%d/%m/%Y"), DAYS, "วันที่,เปิด,สูงสุด,ต่ำสุด,ปิด,ปริมาณ"), DAYS),
    "indonesian": (rows(ohlcv("%d/%m/%Y"), DAYS, "Tanggal,Pembukaan,Tertinggi,Terendah,Penutupan,Volume"), DAYS),
    "swedish": (rows(ohlcv("%Y-%m-%d", ";"), DAYS, "Datum;Öppning;Högsta;Lägsta;Stängning;Volym"), DAYS),
    "nordic": (rows(lambda t, r: ";".join([f"{t:%Y-%m-%d}", "1,0", "1,0", *(x.replace(".", ",") for x in (r.o, r.h, r.l, r.c)), r.c.replace(".", ","), r.v, "1,5", "7", ""]), DAYS,
                    "sep=;\nDate;Bid;Ask;Opening price;High price;Low price;Closing price;Average price;Total volume;Turnover;Trades;"), DAYS),
    "danish": (rows(ohlcv("%d-%m-%Y", ";"), DAYS, "Dato;Åbning;Høj;Lav;Luk;Volumen"), DAYS),
    "czech": (rows(ohlcv("%d.%m.%Y", ";"), DAYS, "Datum;Otevírací;Nejvyšší;Nejnižší;Závěrečná;Objem"), DAYS),
    "hungarian": (rows(ohlcv("%Y.%m.%d.", ";"), DAYS, "Dátum;Nyitó;Maximum;Minimum;Záró;Forgalom"), DAYS),
    "greek": (rows(ohlcv("%d/%m/%Y", ";"), DAYS, "Ημερομηνία;Άνοιγμα;Υψηλό;Χαμηλό;Κλείσιμο;Όγκος"), DAYS),
    "ukrainian": (rows(ohlcv("%d.%m.%Y", ";"), DAYS, "Дата;Відкриття;Максимум;Мінімум;Закриття;Обсяг"), DAYS),
    "chinese": (rows(lambda t, r: f"{t:%Y-%m-%d},{r.o},{r.c},{r.h},{r.l},{r.v},99,0.5,0.1,0.0,0.2", DAYS,
                     "日期,开盘,收盘,最高,最低,成交量,成交额,振幅,涨跌幅,涨跌额,换手率"), DAYS),
    "chinese, compact": (rows(lambda t, r: f"000001.SZ,{t:%Y%m%d},{r.o},{r.h},{r.l},{r.c},1.0,0.1,0.5,{r.v},99.5", DAYS,
                              "ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol,amount", newest=True), DAYS),
    "wind": (rows(ohlcv("%Y-%m-%d"), DAYS, "日期,开盘价(元),最高价(元),最低价(元),收盘价(元),成交量(股)"), DAYS),
    "taiwan": (rows(lambda t, r: f"{t:%Y/%m/%d},{r.v},99,{r.o},{r.h},{r.l},{r.c},0.1,5", DAYS,
                    "日期,成交股數,成交金額,開盤價,最高價,最低價,收盤價,漲跌價差,成交筆數"), DAYS),
    "japanese": (rows(ohlcv("%Y年%m月%d日"), DAYS, "日付,始値,高値,安値,終値,出来高"), DAYS),
    "japanese, adjusted": (rows(lambda t, r: f"{t:%Y-%m-%d},{r.o},{r.h},{r.l},{r.c},{r.v},{r.c}", DAYS, "日付,始値,高値,安値,終値,出来高,終値調整"), DAYS),
    "korean": (rows(lambda t, r: f"{t:%Y/%m/%d},{r.c},0.1,0.5,{r.o},{r.h},{r.l},{r.v},99,99,5", DAYS,
                    "일자,종가,대비,등락률,시가,고가,저가,거래량,거래대금,시가총액,상장주식수", newest=True), DAYS),
    "indian": (rows(lambda t, r: f"ABC,EQ,{t:%d-%b-%Y},1.0,{r.o},{r.h},{r.l},{r.c},{r.c},1.1,{r.v},99,5", DAYS,
                    "Symbol,Series,Date,Prev Close,Open Price,High Price,Low Price,Last Price,Close Price,Average Price,Total Traded Quantity,Turnover,No. of Trades"), DAYS),
    "indian, quoted blanks": (rows(lambda t, r: f'"{t:%d-%b-%Y}","EQ","{r.o}","{r.h}","{r.l}","1.0","{r.c}","{r.c}","1.1","2.0","0.5","{int(r.v):,}","99","5"', DAYS,
                    '"Date ","series ","OPEN ","HIGH ","LOW ","PREV. CLOSE ","ltp ","close ","vwap ","52W H","52W L ","VOLUME ","VALUE ","No of trades "', newest=True), DAYS),
    "brazilian": (rows(ohlcv("%d/%m/%Y"), DAYS, "Data,Abertura,Máximo,Mínimo,Fechamento,Volume Financeiro"), DAYS),
    "bloomberg": (rows(ohlcv("%m/%d/%Y"), DAYS, "Date,PX_OPEN,PX_HIGH,PX_LOW,PX_LAST,PX_VOLUME"), DAYS),
    "refinitiv": (rows(lambda t, r: f"ABC.N,Market Price,{t:%Y-%m-%dT%H:%M:%S}.000000000Z,0,Intraday 1Hour,{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS,
                       "#RIC,Domain,Date-Time,GMT Offset,Type,Open,High,Low,Last,Volume"), HOURS),
    "datascope": (rows(lambda t, r: f"{t:%d-%b-%Y},{r.c},0.1,0.2%,{r.o},{r.h},{r.l},{r.v}", DAYS, "Exchange Date,Close,Net,%Chg,Open,High,Low,Volume", newest=True), DAYS),
    "quandl": (rows(lambda t, r: f"{t:%Y-%m-%d},{r.o},{r.h},{r.l},{r.c},0.1,{r.c},{r.v},99", DAYS, "Date,Open,High,Low,Last,Change,Settle,Volume,Previous Day Open Interest"),
               DAYS),
    "crsp": (rows(lambda t, r: f"10107,{t:%Y%m%d},ABC,{r.l},{r.h},{r.c},{r.v},{r.o}", DAYS, "PERMNO,date,TICKER,BIDLO,ASKHI,PRC,VOL,OPENPRC"), DAYS),
    "databento": (rows(lambda t, r: f"{s(t)}000000000,34,1,5482,{r.o},{r.h},{r.l},{r.c},{r.v},ESH4", HOURS, "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol"), HOURS),
    "firstrate": (rows(ohlcv("%Y-%m-%d %H:%M:%S"), MINUTES), MINUTES),
    "kibot": (rows(lambda t, r: f"{t:%m/%d/%Y},{t:%H:%M},{r.o},{r.h},{r.l},{r.c},{r.v}", MINUTES), MINUTES),
    "tickdata": (rows(lambda t, r: f"{t:%m/%d/%Y},{t:%H:%M:%S}.000,{r.o},{r.h},{r.l},{r.c},{r.v},5", MINUTES), MINUTES),
    "barchart": (rows(lambda t, r: f'{t:%m/%d/%Y %H:%M},{r.o},{r.h},{r.l},{r.c},0.1,"0.5%",{r.v}', HOURS, "Time,Open,High,Low,Last,Change,%Chg,Volume",
                      newest=True, tail='"Downloaded from a site as of 03-14-2024 10:11am CDT"\n'), HOURS),
    "eodhd": (rows(lambda t, r: f"{t:%Y-%m-%d},{r.o},{r.h},{r.l},{r.c},{r.c},{r.v}", DAYS, "Date,Open,High,Low,Close,Adjusted_close,Volume"), DAYS),
    "tiingo": (rows(lambda t, r: f"{t:%Y-%m-%d},{r.c},{r.h},{r.l},{r.o},{r.v},{r.c},{r.h},{r.l},{r.o},{r.v},0.0,1.0", DAYS,
                    "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor"), DAYS),
    "alpha vantage": (rows(lambda t, r: f"{t:%Y-%m-%d %H:%M:%S},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "timestamp,open,high,low,close,volume", newest=True), HOURS),
    "iex": (rows(lambda t, r: f"{t:%Y-%m-%d},{t:%H:%M},{t:%I:%M %p},{r.h},{r.l},{r.c},1.0,{r.v},99,5,{r.o}", MINUTES,
                 "date,minute,label,high,low,close,average,volume,notional,numberOfTrades,open"), MINUTES),
    # ---- exchanges
    "kraken": (rows(lambda t, r: f"{s(t)},{r.o},{r.h},{r.l},{r.c},{float(r.v) / 1000!r},5", HOURS), HOURS.assign(volume=HOURS["volume"] / 1000)),
    "kraken, vwap": (rows(lambda t, r: f"{s(t)},{r.o},{r.h},{r.l},{r.c},{(float(r.h) + float(r.l)) / 2!r},{r.v},5", HOURS, "time,open,high,low,close,vwap,volume,count"), HOURS),
    "coinbase": (rows(lambda t, r: f"{s(t)},{r.l},{r.h},{r.o},{r.c},{r.v}", HOURS, "time,low,high,open,close,volume", newest=True), HOURS),
    "bitstamp": (rows(lambda t, r: f"{s(t)},{t:%Y-%m-%d %H:%M:%S},BTC/USD,{r.o},{r.h},{r.l},{r.c},5,{r.v}", HOURS,
                      "A site of prices\nunix,date,symbol,open,high,low,close,Volume USD,Volume BTC", newest=True),
                 HOURS),
    "bitmex": (rows(lambda t, r: f"{t + pd.Timedelta('1h'):%Y-%m-%dT%H:%M:%S}.000Z,XBTUSD,{r.o},{r.h},{r.l},{r.c},5,{r.v}", HOURS,
                    "timestamp,symbol,open,high,low,close,trades,volume"), HOURS, Choices(stamp="close")),
    "binance, us": (rows(lambda t, r: f"{s(t)}000000,{r.o},{r.h},{r.l},{r.c},{r.v},{s(t) + 3599}999999,99.5,5,7.5,8.5,0", HOURS), HOURS),
    "binance, ms then us": (rows(lambda t, r: f"{s(t)}{'000' if t.day < 14 else '000000'},{r.o},{r.h},{r.l},{r.c},{r.v},{s(t) + 3599}{'999' if t.day < 14 else '999999'},99.5,5,7.5,8.5,0", HOURS), HOURS),
    "binance, named": (rows(lambda t, r: f"{s(t)}000,{r.o},{r.h},{r.l},{r.c},{r.v},{s(t) + 3599}999,99.5,5,7.5,8.5,0", HOURS,
                            "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"), HOURS),
    "gate": (rows(lambda t, r: f"{s(t)},{r.v},{r.c},{r.h},{r.l},{r.o}", HOURS), HOURS),
    "huobi": (rows(lambda t, r: f"{s(t)},{r.o},{r.c},{r.h},{r.l},{r.v},99.5", HOURS, "id,open,close,high,low,vol,amount"), HOURS),
    "bitfinex": (rows(lambda t, r: f"{s(t)}000,{r.o},{r.c},{r.h},{r.l},{r.v}", HOURS, newest=True), HOURS),
    "kucoin": (rows(lambda t, r: f"{s(t)},{r.o},{r.c},{r.h},{r.l},{r.v},{float(r.v) * 1.1:.3f}", HOURS, newest=True), HOURS),
    "okx": (rows(lambda t, r: f"BTC-USDT,{r.o},{r.h},{r.l},{r.c},{r.v},99.5,99.5,{s(t)}000,1", HOURS,
                 "instrument_name,open,high,low,close,vol,vol_ccy,vol_quote,open_time,confirm"), HOURS),
    # ---- libraries
    "yfinance, three lines": (rows(lambda t, r: f"{t:%Y-%m-%d},{r.c},{r.h},{r.l},{r.o},{r.v}", DAYS,
                                   "Price,Close,High,Low,Open,Volume\nTicker,ABC,ABC,ABC,ABC,ABC\nDate,,,,,"), DAYS),
    "pandas, two storeys": (rows(lambda t, r: f"{t:%Y-%m-%d},{r.o},{r.h},{r.l},{r.c},{r.v}", DAYS,
                                 ",Open,High,Low,Close,Volume\n,ABC,ABC,ABC,ABC,ABC\nDate,,,,,"), DAYS),
    "pandas, an index": (rows(lambda t, r: f"{DAYS.index.get_loc(t)},{t:%Y-%m-%d},{r.o},{r.h},{r.l},{r.c},{r.v}", DAYS, ",Date,Open,High,Low,Close,Volume"), DAYS),
    "r": (rows(lambda t, r: f'"{DAYS.index.get_loc(t) + 1}" "{t:%Y-%m-%d}" {r.o} {r.h} {r.l} {r.c} {r.v}', DAYS, '"Date" "ABC.Open" "ABC.High" "ABC.Low" "ABC.Close" "ABC.Volume"'), DAYS),
    "quantmod": (rows(lambda t, r: f'"{t:%Y-%m-%d}",{r.o},{r.h},{r.l},{r.c},{r.v},{r.c}', DAYS, '"","ABC.Open","ABC.High","ABC.Low","ABC.Close","ABC.Volume","ABC.Adjusted"'), DAYS),
    "matlab": (rows(lambda t, r: f"{t:%d-%b-%Y %H:%M:%S}\t{r.o}\t{r.h}\t{r.l}\t{r.c}\t{r.v}", HOURS, "Time\tOpen\tHigh\tLow\tClose\tVolume"), HOURS),
    "sql": (rows(lambda t, r: f" {t:%Y-%m-%d %H:%M:%S+00} | {r.o} | {r.h} | {r.l} | {r.c} | {r.v}", HOURS,
                 "          ts           | open | high | low | close | volume\n-----------------------+------+------+-----+-------+--------", tail="(60 rows)\n\n"), HOURS),
    "markdown": (rows(lambda t, r: f"| {t:%Y-%m-%d} | {r.o} | {r.h} | {r.l} | {r.c} | {r.v} |", DAYS, "| Date | Open | High | Low | Close | Volume |\n|---|---|---|---|---|---|"), DAYS),
    # ---- dialects
    "two digits of the year first": (rows(ohlcv("%y/%m/%d"), DAYS, "Date,Open,High,Low,Close,Volume"), DAYS),
    "two digits of the year first, hours": (rows(ohlcv("%y-%m-%d %H:%M"), HOURS, "Date,Open,High,Low,Close,Volume", newest=True), HOURS),
    "six digits for a day": (rows(ohlcv("%y%m%d"), DAYS, "Date,Open,High,Low,Close,Volume"), DAYS),
    "six digits, day first": (rows(ohlcv("%d%m%y"), DAYS, "Date,Open,High,Low,Close,Volume"), DAYS),
    "colons": (rows(ohlcv("%Y-%m-%d", ":"), DAYS, "Date:Open:High:Low:Close:Volume"), DAYS),
    "a whole line in quotes": (rows(lambda t, r: f'"{t:%Y-%m-%d},{r.o},{r.h},{r.l},{r.c},{r.v}"', DAYS, '"Date,Open,High,Low,Close,Volume"'), DAYS),
    "single quotes": (rows(lambda t, r: f"'{t:%Y-%m-%d}','{r.o}','{r.h}','{r.l}','{r.c}','{r.v}'", DAYS, "'Date','Open','High','Low','Close','Volume'"), DAYS),
    "serial days": (rows(lambda t, r: f"{(t - pd.Timestamp('1899-12-30', tz='UTC')) // pd.Timedelta('1D')},{r.o},{r.h},{r.l},{r.c},{r.v}", DAYS, "Date,Open,High,Low,Close,Volume"), DAYS),
    "serial hours": (rows(lambda t, r: f"{(t - pd.Timestamp('1899-12-30', tz='UTC')) / pd.Timedelta('1D'):.10f},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "Time,Open,High,Low,Close,Volume"), HOURS),
    "serial days, decimal comma": (rows(lambda t, r: ";".join([f"{(t - pd.Timestamp('1899-12-30', tz='UTC')) / pd.Timedelta('1D'):.10f}", r.o, r.h, r.l, r.c, r.v]).replace(".", ","), HOURS,
                                        "Time;Open;High;Low;Close;Volume"), HOURS),
    "matlab's days": (rows(lambda t, r: f"{(t - pd.Timestamp('1970-01-01', tz='UTC')) / pd.Timedelta('1D') + 719529:.8f},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "datenum,Open,High,Low,Close,Volume"), HOURS),
    "days since 1970": (rows(lambda t, r: f"{s(t) // 86400},{r.o},{r.h},{r.l},{r.c},{r.v}", DAYS, "date,open,high,low,close,volume"), DAYS),
    "minutes since 1970": (rows(lambda t, r: f"{s(t) // 60},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "time,open,high,low,close,volume"), HOURS),
    "EST": (rows(lambda t, r: f"{t - pd.Timedelta('5h'):%Y-%m-%d %H:%M:%S} EST,{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "EST and EDT": (rows(lambda t, r: f"{t.tz_convert('America/New_York'):%Y-%m-%d %H:%M:%S %Z},{r.o},{r.h},{r.l},{r.c},{r.v}", table(60, "1h", "2024-03-09", 3), "Date,Open,High,Low,Close,Volume"),
                    table(60, "1h", "2024-03-09", 3)),
    "CET": (rows(lambda t, r: f"{t + pd.Timedelta('1h'):%d.%m.%Y %H:%M} CET;{r.o};{r.h};{r.l};{r.c};{r.v}", HOURS, "Date;Open;High;Low;Close;Volume"), HOURS),
    "GMT+2": (rows(lambda t, r: f"{t + pd.Timedelta('2h'):%Y-%m-%d %H:%M:%S} GMT+2,{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "UTC+05:30": (rows(lambda t, r: f"{t + pd.Timedelta('5h30min'):%Y-%m-%d %H:%M:%S} UTC+05:30,{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "javascript": (rows(lambda t, r: f"{t:%a %b %d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time),{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "rfc 2822": (rows(lambda t, r: f'"{t:%a, %d %b %Y %H:%M:%S} GMT",{r.o},{r.h},{r.l},{r.c},{r.v}', HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "brackets after the zone": (rows(lambda t, r: f"{t.tz_convert('Europe/Berlin'):%Y-%m-%dT%H:%M:%S+01:00}[Europe/Berlin],{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "a T in compact times": (rows(ohlcv("%Y%m%dT%H%M%SZ"), HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "weeks": (rows(ohlcv("%Y-%m-%d"), table(60, "7D", "2023-01-02", 4), "Date,Open,High,Low,Close,Volume"), table(60, "7D", "2023-01-02", 4)),
    "months": (rows(ohlcv("%b %Y"), table(60, "MS", "2019-01-01", 4), "Date,Open,High,Low,Close,Volume"), table(60, "MS", "2019-01-01", 4)),
    "months, numbers": (rows(ohlcv("%Y-%m"), table(60, "MS", "2019-01-01", 4), "Date,Open,High,Low,Close,Volume"), table(60, "MS", "2019-01-01", 4)),
    "parts of the date apart": (rows(lambda t, r: f"{t.year},{t.month},{t.day},{t.hour},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "year,month,day,hour,open,high,low,close,volume"), HOURS),
    "year, month, day": (rows(lambda t, r: f"{t.year},{t.month},{t.day},{r.o},{r.h},{r.l},{r.c},{r.v}", DAYS, "Year,Month,Day,Open,High,Low,Close,Volume"), DAYS),
    "a day ends at 24:00": (rows(lambda t, r: f"{t - pd.Timedelta('1D') if t.hour == 0 else t:%Y-%m-%d} {t.hour or 24:02d}:00,{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "ordinals": (rows(lambda t, r: f'"{t:%B} {t.day}{({1: "st", 21: "st", 31: "st", 2: "nd", 22: "nd", 3: "rd", 23: "rd"}).get(t.day, "th")}, {t:%Y}",{r.o},{r.h},{r.l},{r.c},{r.v}', DAYS, "Date,Open,High,Low,Close,Volume"), DAYS),
    "clocks with dots": (rows(ohlcv("%d.%m.%Y %H.%M"), HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "clocks with h": (rows(ohlcv("%d/%m/%Y %Hh%M"), HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "dashes throughout": (rows(ohlcv("%Y-%m-%d-%H-%M"), HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "a dash in compact times": (rows(ohlcv("%Y%m%d-%H%M%S"), HOURS, "Date,Open,High,Low,Close,Volume"), HOURS),
    "a zone in the name": (rows(lambda t, r: f"{t.tz_convert('America/New_York'):%Y-%m-%d %H:%M},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "Time (ET),Open,High,Low,Close,Volume"), HOURS),
    "an offset in the name": (rows(lambda t, r: f"{t + pd.Timedelta('8h'):%Y-%m-%d %H:%M},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "Time (UTC+8),Open,High,Low,Close,Volume"), HOURS),
    "a zone in a title": (rows(lambda t, r: f"{t.tz_convert('Europe/Berlin'):%Y-%m-%d %H:%M},{r.o},{r.h},{r.l},{r.c},{r.v}", HOURS, "Symbol: X\nTimezone: Europe/Berlin\nTime,Open,High,Low,Close,Volume"), HOURS),
    "days of zeros": (rows(ohlcv("%Y-%m-%d"), DAYS, "Date,Open,High,Low,Close,Volume", tail="2024-04-01,0,0,0,0,0\n"), DAYS),
    "a script around the rows": ("callback_1(" + json.dumps([[int(t.timestamp()), *map(float, r)] for t, r in HOURS.iterrows()]) + ");\n", HOURS),
    "a variable": ("var data = " + json.dumps([{"time": f"/Date({int(t.timestamp()) * 1000})/", **{n: float(r[n]) for n in HOURS}} for t, r in HOURS.iterrows()]) + ";", HOURS),
    "text marks of a spreadsheet": (rows(lambda t, r: f'="{t:%Y-%m-%d}",="{r.o}",="{r.h}",="{r.l}",="{r.c}",="{r.v}"', DAYS, "Date,Open,High,Low,Close,Volume"), DAYS),
    "indian thousands": (rows(lambda t, r: f'"{t:%d-%m-%Y}",' + ",".join(f'"1,23,{x[:2]},{x[2:5]}.5"' for x in (r.o, r.h, r.l, r.c)) + f',{r.v}', LARGE, "Date,Open,High,Low,Close,Volume"),
                         (LARGE.iloc[:, :4] + 12300000.5).assign(volume=LARGE["volume"])),
    "swiss thousands": (rows(lambda t, r: f"{t:%d.%m.%Y};" + ";".join(f"{x[:2]}'{x[2:5]}.25" for x in (r.o, r.h, r.l, r.c)) + f";{r.v}", LARGE, "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen"),
                        (LARGE.iloc[:, :4] + 0.25).assign(volume=LARGE["volume"])),
    "notes at the end": (rows(ohlcv("%Y-%m-%d"), DAYS, "Date,Open,High,Low,Close,Volume", tail="\nSource: a vendor\nData provided as is, with no warranty.\n"), DAYS),
    "titles above": (rows(ohlcv("%Y-%m-%d"), DAYS, "Company,ABC Inc.\nCurrency,USD\nPeriod,Daily\n\nDate,Open,High,Low,Close,Volume"), DAYS),
    "empty first column": (rows(lambda t, r: "," + ohlcv("%Y-%m-%d")(t, r), DAYS, ",Date,Open,High,Low,Close,Volume"), DAYS),
    "units below the names": (rows(ohlcv("%Y-%m-%d"), DAYS, "Date,Open,High,Low,Close,Volume\n,USD,USD,USD,USD,Shares"), DAYS),
    "dashes below the names": (rows(ohlcv("%Y-%m-%d", "\t"), DAYS, "Date\tOpen\tHigh\tLow\tClose\tVolume\n----\t----\t----\t---\t-----\t------"), DAYS),
    "halted days": (rows(ohlcv("%Y-%m-%d"), DAYS, "Date,Open,High,Low,Close,Volume", tail="2024-04-01,-,-,-,-,-\n2024-04-02,null,null,null,null,null\n"), DAYS),
}  # fmt: skip


@pytest.mark.parametrize("name", list(TEXTS))
def test_texts(name: str) -> None:
    data, want, choices = (*TEXTS[name], None)[:3]
    made = read("file", data.encode(), choices).table
    pd.testing.assert_frame_equal(made, want, check_freq=False, rtol=1e-9)


def listed(
    row: Callable[[pd.Timestamp, Any], Any], want: pd.DataFrame = HOURS, *, newest: bool = False
) -> list[Any]:
    made = [row(time, r) for time, r in want.iterrows()]
    return made[::-1] if newest else made


FRAME = HOURS.reset_index()
DOCUMENTS: dict[str, Any] = {
    "polygon": {"ticker": "X", "queryCount": 60, "resultsCount": 60, "adjusted": True,
                "results": listed(lambda t, r: {"v": r.volume, "vw": (r.high + r.low) / 2, "o": r.open, "c": r.close, "h": r.high, "l": r.low, "t": s(t) * 1000, "n": 3})},
    "alpaca": {"bars": {"X": listed(lambda t, r: {"c": r.close, "h": r.high, "l": r.low, "n": 5, "o": r.open, "t": f"{t:%Y-%m-%dT%H:%M:%SZ}", "v": r.volume, "vw": r.low})},
               "next_page_token": None},
    "coinbase": listed(lambda t, r: [s(t), r.low, r.high, r.open, r.close, r.volume], newest=True),
    "coinbase, new": {"candles": listed(lambda t, r: {"start": str(s(t)), "low": str(r.low), "high": str(r.high), "open": str(r.open), "close": str(r.close), "volume": str(r.volume)}, newest=True)},
    "bitfinex": listed(lambda t, r: [s(t) * 1000, r.open, r.close, r.high, r.low, r.volume], newest=True),
    "kucoin": {"code": "200000", "data": listed(lambda t, r: [str(s(t)), *(str(r[n]) for n in ("open", "close", "high", "low", "volume")), str(r.volume * 1.1)], newest=True)},
    "bybit": {"retCode": 0, "retMsg": "OK", "result": {"category": "spot", "symbol": "X", "list": listed(
        lambda t, r: [str(s(t) * 1000), *(str(x) for x in r), "99.5"], newest=True)}, "retExtInfo": {}, "time": 1672025956592},
    "okx": {"code": "0", "msg": "", "data": listed(lambda t, r: [str(s(t) * 1000), *(str(x) for x in r), "9.5", "9.5", "1"], newest=True)},
    "gate": listed(lambda t, r: [str(s(t)), "99.5", str(r.close), str(r.high), str(r.low), str(r.open), str(r.volume), "true"]),
    "huobi": {"ch": "market.x.kline.60min", "status": "ok", "ts": 1700000000000, "data": listed(
        lambda t, r: {"id": s(t), "open": r.open, "close": r.close, "low": r.low, "high": r.high, "amount": 5.5, "vol": r.volume, "count": 3}, newest=True)},
    "deribit": {"jsonrpc": "2.0", "result": {"ticks": [s(t) * 1000 for t in HOURS.index], "status": "ok", "cost": [1.0] * 60,
                                             **{n: list(HOURS[n]) for n in ("open", "high", "low", "close", "volume")}}, "usIn": 1, "usOut": 2},
    "oanda, bid": {"instrument": "EUR_USD", "granularity": "H1", "candles": listed(lambda t, r: {
        "complete": True, "volume": int(r.volume), "time": f"{t:%Y-%m-%dT%H:%M:%S}.000000000Z",
        "bid": {n[0]: str(r[n]) for n in ("open", "high", "low", "close")}, "ask": {n[0]: str(r[n] + 0.0002) for n in ("open", "high", "low", "close")}})},
    "moex, history": {"history": {"metadata": {"OPEN": {"type": "double"}}, "columns": ["BOARDID", "TRADEDATE", "SECID", "OPEN", "LOW", "HIGH", "CLOSE", "VOLUME"],
                                  "data": [["TQBR", f"{t:%Y-%m-%d %H:%M:%S}", "X", r.open, r.low, r.high, r.close, r.volume] for t, r in HOURS.iterrows()]},
                      "history.cursor": {"columns": ["INDEX", "TOTAL", "PAGESIZE"], "data": [[0, 60, 100]]}},
    "moex, candles": {"candles": {"metadata": {}, "columns": ["open", "close", "high", "low", "value", "volume", "begin", "end"],
                                  "data": [[r.open, r.close, r.high, r.low, 9.5, r.volume, f"{t:%Y-%m-%d %H:%M:%S}", f"{t + pd.Timedelta('3599s'):%Y-%m-%d %H:%M:%S}"] for t, r in HOURS.iterrows()]}},
    "finnhub": {**{n[0]: list(HOURS[n]) for n in ("close", "high", "low", "open", "volume")}, "s": "ok", "t": [s(t) for t in HOURS.index]},
    "fmp": {"symbol": "X", "historical": listed(lambda t, r: {"date": f"{t:%Y-%m-%d %H:%M:%S}", **{n: r[n] for n in ("open", "high", "low", "close")}, "adjClose": r.close, "volume": r.volume,
                                                               "change": 0.1, "label": "x"}, newest=True)},
    "cryptocompare": {"Response": "Success", "Data": {"Aggregated": False, "TimeFrom": s(HOURS.index[0]), "Data": listed(
        lambda t, r: {"time": s(t), "high": r.high, "low": r.low, "open": r.open, "volumefrom": r.volume, "volumeto": 9.5, "close": r.close, "conversionType": "direct"})}},
    "coingecko": listed(lambda t, r: [s(t) * 1000, r.open, r.high, r.low, r.close]),
    "upbit": listed(lambda t, r: {"market": "X", "candle_date_time_utc": f"{t:%Y-%m-%dT%H:%M:%S}", "candle_date_time_kst": f"{t + pd.Timedelta('9h'):%Y-%m-%dT%H:%M:%S}",
                                  "opening_price": r.open, "high_price": r.high, "low_price": r.low, "trade_price": r.close, "timestamp": s(t) * 1000 + 3599123,
                                  "candle_acc_trade_price": 9.5, "candle_acc_trade_volume": r.volume, "unit": 60}, newest=True),
    "bithumb": {"status": "0000", "data": listed(lambda t, r: [s(t) * 1000, str(r.open), str(r.close), str(r.high), str(r.low), str(r.volume)])},
    "phemex": {"code": 0, "data": {"total": -1, "rows": listed(lambda t, r: [s(t), 3600, r.close, r.open, r.high, r.low, r.close, r.volume, 9.5])}},
    "schwab": {"candles": listed(lambda t, r: {**{n: r[n] for n in ("open", "high", "low", "close", "volume")}, "datetime": s(t) * 1000}), "symbol": "X", "empty": False},
    "kite": {"status": "success", "data": {"candles": listed(lambda t, r: [f"{t.tz_convert('Asia/Kolkata'):%Y-%m-%dT%H:%M:%S+0530}", r.open, r.high, r.low, r.close, r.volume])}},
    "tradier": {"history": {"day": listed(lambda t, r: {"date": f"{t:%Y-%m-%d}", **{n: r[n] for n in ("open", "high", "low", "close", "volume")}}, DAYS)}},
    "elastic": {"hits": {"total": 60, "hits": listed(lambda t, r: {"_id": "x", "_source": {"@timestamp": f"{t:%Y-%m-%dT%H:%M:%S}.000Z", **{n: r[n] for n in ("open", "high", "low", "close", "volume")}}})}},
    "mongo": listed(lambda t, r: {"_id": {"$oid": "x"}, "t": {"$date": f"{t:%Y-%m-%dT%H:%M:%SZ}"}, **{n: r[n] for n in ("open", "high", "low", "close", "volume")}}),
    "influx": {"results": [{"statement_id": 0, "series": [{"name": "c", "columns": ["time", "open", "high", "low", "close", "volume"],
                                                           "values": listed(lambda t, r: [f"{t:%Y-%m-%dT%H:%M:%SZ}", *r])}]}]},
    "plotly": {"data": [{"type": "candlestick", "x": [f"{t:%Y-%m-%d %H:%M}" for t in HOURS.index], **{n: list(HOURS[n]) for n in ("open", "high", "low", "close")}}], "layout": {}},
    "highcharts": [[s(t) * 1000, r.open, r.high, r.low, r.close, r.volume] for t, r in HOURS.iterrows()],
    "apexcharts": [{"data": listed(lambda t, r: {"x": s(t) * 1000, "y": [r.open, r.high, r.low, r.close]})}],
    **{f"pandas, {orient}": json.loads(FRAME.to_json(orient=orient, date_format="iso", double_precision=15)) for orient in ("split", "index", "columns", "records", "table", "values")},
}  # fmt: skip
NO_VOLUME = {"coingecko", "plotly", "apexcharts"}


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_documents(name: str) -> None:
    want = DAYS if name == "tradier" else HOURS
    want = want.assign(volume=np.nan) if name in NO_VOLUME else want
    made = read("file", json.dumps(DOCUMENTS[name]).encode()).table
    pd.testing.assert_frame_equal(made, want, check_freq=False, rtol=1e-9)


def parquet(frame: pd.DataFrame, **options: Any) -> bytes:
    sink = io.BytesIO()
    frame.to_parquet(sink, **options)
    return sink.getvalue()


def test_typed_tables_of_libraries() -> None:
    wide = DAYS.tz_localize(None).rename_axis("Date")
    wide.columns = pd.MultiIndex.from_tuples(
        [(name.capitalize(), "ABC") for name in wide], names=["Price", "Ticker"]
    )
    for data in (parquet(wide), parquet(DAYS.reset_index(names="date").astype({"date": "str"})),
                 parquet(DAYS.reset_index(names="d").assign(d=lambda x: x["d"].dt.date)),
                 parquet(DAYS.reset_index(names="Date").assign(symbol="ABC").astype({"symbol": "category"}))):  # fmt: skip
        pd.testing.assert_frame_equal(read("file", data).table, DAYS, check_freq=False)


def test_cells_with_marks_of_every_dialect_of_the_csv_module() -> None:
    for quoting in (csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL):
        sink = io.StringIO()
        DAYS.tz_localize(None).to_csv(sink, quoting=quoting, sep=";", decimal=",")
        pd.testing.assert_frame_equal(read("file", sink.getvalue().encode()).table, DAYS, check_freq=False)
