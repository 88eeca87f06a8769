"""The sample series: real candles in the library at first start, so that pages show something offline.

The figures lie in ``data/samples``; ``README.txt`` there says where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lib import settings
from lib.candles import conform
from lib.series import Series
from lib.store import Event, Store

__all__ = ["SOURCE", "ensure_samples"]

SOURCE = "sample"
_NOTE = "samples"
# The figures are old; a newer file of the same bars should win over them.
_FETCHED = pd.Timestamp("2014-01-01", tz="UTC")


@dataclass(frozen=True, slots=True)
class _Sample:
    symbol: str
    timeframe: str
    title: str

    @property
    def file(self) -> str:
        return f"{self.symbol}_{self.timeframe}.csv"


_SAMPLES = (
    _Sample("AAPL", "1d", "Apple, daily 2000-2013, raw prices"),
    _Sample("IBM", "1d", "IBM, daily 2000-2013, raw prices"),
    _Sample("MSFT", "1d", "Microsoft, daily 2000-2013, raw prices"),
    _Sample("EURUSD", "1h", "Euro in US dollars, hourly 2017-2018"),
)


def ensure_samples(store: Store) -> bool:
    """Put the samples into a local store at its first start; True when it did so now.

    Only into a store that holds nothing else, once: what became of them is noted in the store, so a
    sample that was deleted stays deleted. After that it costs the reading of one small file. Two
    processes that start at once do it once, and one killed in the middle is finished by the next. A
    remote root is left as it is. Raises what the store raises.
    """
    if not store.is_local or store.note(_NOTE) is not None:
        return False
    with store.lock(_NOTE):
        if store.note(_NOTE) is not None:
            return False
        wanted = all(info.series.source == SOURCE for info in store.list())
        if wanted:
            for sample in _SAMPLES:
                _put(store, sample)
        store.set_note(_NOTE, "added" if wanted else "not added: the store was in use")
    return wanted


def _put(store: Store, sample: _Sample) -> None:
    series = Series.of(SOURCE, sample.symbol, sample.timeframe)
    raw = pd.read_csv(_folder() / sample.file)
    raw["time"] = pd.to_datetime(raw.iloc[:, 0], format="ISO8601", utc=True)
    table = conform(raw, series.timeframe).table
    store.write(series, table, origin=f"data/samples/{sample.file}", fetched_at=_FETCHED)
    store.annotate(series, title=sample.title, events=_splits(sample.symbol))


def _splits(symbol: str) -> list[Event]:
    every = pd.read_csv(_folder() / "splits.csv")
    return [
        Event(pd.Timestamp(row.date, tz="UTC"), "split", f"{row.new_shares}:{row.old_shares} split")
        for row in every[every["symbol"] == symbol].itertuples()
    ]


def _folder() -> Path:
    return settings.app_root() / "data" / "samples"
