"""Binance USD-M futures candles over REST.

Facts from developers.binance.com/docs/derivatives/usds-margined-futures (Kline/Candlestick Data, General
Info): rows as on spot; a request weighs 1, 2, 5 or 10 by its limit (below 100, below 500, up to 1,000,
above), at most 1,500 candles; an address may spend a weight of 2,400 a minute (the ``REQUEST_WEIGHT`` of its
exchangeInfo, measured as well by docs.rs/polyoxide-binance). No weeks begin elsewhere
than on spot, and there is no candle of a second.
"""

from __future__ import annotations

from lib import settings
from lib.sources.binance import Binance
from lib.timeframes import parse

__all__ = ["BinanceFutures"]


class BinanceFutures(Binance):
    """Perpetual and dated futures in USDT and USDC. The address comes from
    CANDLEBOOK_BINANCE_FUTURES_REST where none is given."""

    name = "binance-futures"
    title = "Binance futures"
    docs = "https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info"
    live = False
    timeframes = tuple(parse(text) for text in "1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split())
    # 1,500 at most; a candle costs less in pages of 499 (weight 2) than in any other
    page = 499
    ahead = 8  # 20 pages a second are allowed
    _root = "/fapi/v1"
    _list_weight = 1
    _weight = 2400
    _remedies = {
        451: "Futures are not offered everywhere; the spot candles of data-api.binance.vision are, and the "
        "demo feed works everywhere.",
    }

    @staticmethod
    def _address() -> str:
        return settings.binance_futures_rest()

    @staticmethod
    def _cost(limit: int) -> int:
        return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10
