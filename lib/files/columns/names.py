"""A guess of the symbol from a file's name; only ever offered."""

from __future__ import annotations

import re
from urllib.parse import unquote

from lib.errors import UnknownName
from lib.timeframes import parse

__all__ = ["of_tables", "suggest_symbol"]

_ENDINGS = re.compile(r"(?i)(\.(csv|txt|tsv|gz|dat|prn|asc|bz2|xz|zst|zip|json|parquet|feather|xlsx?|ods))+$")
_WORDS = frozenset(
    "data candles candle candlestick ohlc ohlcv bars bar quotes quote prices price history historical hist stock "
    "stocks chart export ticks trades bid ask mid raw daily weekly monthly hourly minute min day hour the of and "
    "copy new test sample yahoo binance kraken coinbase bitstamp bitfinex bybit okx spot futures perpetual futures "
    "january february march april may june july august september october november december jan feb mar apr jun jul "
    "aug sep sept oct nov dec metatrader mt mt4 mt5 dukascopy histdata ascii investing stooq nasdaq tradingview oanda adj adjusted "
    "adjclose close open high low volume time date series tab comma csv json doc docs readme manifest report kline "
    "klines aggtrades intraday quandl wiki lean yfinance polygon alpaca tiingo kaggle bitmex deribit dydx ib ws http "
    "api utc gmt est start end full all final".split()
)
_QUOTES = frozenset("USD USDT USDC EUR GBP JPY CHF AUD CAD NZD BTC ETH BUSD TRY BRL".split())

_BASES = _QUOTES | frozenset("XAU XAG SOL XRP LTC ADA DOGE BNB SEK NOK SGD HKD MXN ZAR CNH".split())
_TICKER = 5  # letters and digits of the longest that is told from a word

# Parts of a whole, counted or not.
_PARTS = re.compile(
    r"(?i)(page|part|chunk|file|batch|split|sheet|table|tile|block|q|data|week|year|month)\d*"
)
# A folder that is named for what its rows have in common, as databases write them: symbol=ABC.
_FOLDER = re.compile(r"(?i)(?:^|[\\/])(?:symbol|ticker|sym|pair|instrument|asset|code)=([^\\/]+)")


def suggest_symbol(name: str) -> str:
    """The likeliest symbol in a file's name, upper case, or nothing where several words could be one:
    ``EURUSD_H1_2018.csv`` -> EURUSD."""
    if hit := _FOLDER.search(name):
        return unquote(hit[1]).upper()
    stem = _ENDINGS.sub("", re.split(r"[\\/]", name)[-1])
    parts = [part for part in re.split(r"[\s_\-.,()\[\]+]+", stem) if _may_be(part)]
    if not parts:
        return ""
    for part in parts:
        # a pair of two monies is one wherever it stands
        if any(
            part.upper() in (base + quote for quote in _QUOTES)
            for base in _BASES
            if part.upper().startswith(base)
        ):
            return part.upper()
    # a letter and a number count files, where anything else is there
    parts = [part for part in parts if not re.fullmatch(r"[A-Za-z]\d{1,3}", part)] or parts
    first = parts[0].upper()
    if len(parts) > 1 and parts[1].upper() in _QUOTES and first not in _QUOTES | {parts[1].upper()}:
        return first + parts[1].upper()
    if len(parts) > 1 and {first, parts[1].upper()} <= _QUOTES:
        return first + parts[1].upper()
    if len(parts) == 1:
        return first
    # of several words, the only one that a ticker could be, or the only such one in capitals
    short = [part for part in parts if len(part.lstrip("^")) <= _TICKER]
    loud = [part for part in short if part.isupper()]
    told = short if len(short) == 1 else loud
    return told[0].upper() if len(told) == 1 else ""


def of_tables(labels: list[str]) -> list[str]:
    """The same of each of several tables in a file, ``answer.json: bars.ABC``: of that in which their places differ."""
    keys = [label.rsplit(": ", 1)[-1].split(".") for label in labels]
    if len(keys) > 1 and all(": " in label for label in labels):
        for _ in range(min(map(len, keys)) - 1):
            if len({key[0] for key in keys}) == 1:
                keys = [key[1:] for key in keys]
            elif len({key[-1] for key in keys}) == 1:
                keys = [key[:-1] for key in keys]
    return [suggest_symbol(".".join(key)) for key in keys]


def _may_be(part: str) -> bool:
    if (
        not re.fullmatch(r"\^?[A-Za-z][A-Za-z0-9=]{0,14}", part)
        or part.lower() in _WORDS
        or _PARTS.fullmatch(part)
    ):
        return False
    try:
        parse(part)
    except UnknownName:
        return True
    return len(part) == 1 and part not in "mhdwMHDWst"
