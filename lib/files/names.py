"""A guess of the symbol from a file's name; only ever offered."""

from __future__ import annotations

import re

from lib.errors import UnknownName
from lib.timeframes import parse

__all__ = ["suggest_symbol"]

_ENDINGS = re.compile(r"(?i)(\.(csv|txt|tsv|gz|dat|prn|asc|bz2|xz|zst|zip|json|parquet|feather|xlsx?|ods))+$")
_WORDS = frozenset(
    "data candles candle candlestick ohlc ohlcv bars bar quotes quote prices price history historical hist stock "
    "stocks chart export ticks trades bid ask mid raw daily weekly monthly hourly minute min day hour the of and "
    "copy new test sample yahoo binance kraken coinbase bitstamp bitfinex bybit okx spot futures perpetual futures "
    "metatrader mt mt4 mt5 dukascopy histdata ascii investing stooq nasdaq tradingview oanda adj adjusted".split()
)
_QUOTES = frozenset("USD USDT USDC EUR GBP JPY CHF AUD CAD NZD BTC ETH BUSD TRY BRL".split())

_BASES = _QUOTES | {
    "XAU",
    "XAG",
    "SOL",
    "XRP",
    "LTC",
    "ADA",
    "DOGE",
    "BNB",
    "SEK",
    "NOK",
    "SGD",
    "HKD",
    "MXN",
    "ZAR",
    "CNH",
}


def suggest_symbol(name: str) -> str:
    """The likeliest symbol in a file's name, upper case, or nothing: ``EURUSD_H1_2018.csv`` -> EURUSD."""
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
    return first


def _may_be(part: str) -> bool:
    if not re.fullmatch(r"\^?[A-Za-z][A-Za-z0-9=]{0,14}", part) or part.lower() in _WORDS:
        return False
    try:
        parse(part)
    except UnknownName:
        return True
    return len(part) == 1 and part not in "mhdwMHDWst"
