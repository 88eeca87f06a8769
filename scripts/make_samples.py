"""Make the files of data/samples from two packages: pip install bokeh_sampledata backtesting."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

OUT = Path(__file__).resolve().parent.parent / "data" / "samples"
COLUMNS = ["open", "high", "low", "close", "volume"]


def folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"The package {package} is not installed: pip install {package}")
    return Path(spec.origin).parent


def stocks() -> None:
    every = pd.read_csv(folder("bokeh_sampledata") / "_data" / "stocks.csv.gz", comment="#")
    every.columns = every.columns.str.lower()
    splits = []
    for ticker in ("AAPL", "IBM", "MSFT"):
        table = every[every["ticker"] == ticker].sort_values("date")
        table[["date", *COLUMNS]].to_csv(OUT / f"{ticker}_1d.csv", index=False, lineterminator="\n")
        # The ratio of the raw to the adjusted close jumps where a share was split (and, by little, at
        # a dividend); a price that halves without that jump fell.
        ratio = (table["close"] / table["adj close"]).to_numpy()
        for date, before, after in zip(table["date"].iloc[1:], ratio, ratio[1:], strict=False):
            if round(before / after) >= 2:
                splits.append((ticker, date, round(before / after), 1))
    made = pd.DataFrame(splits, columns=["symbol", "date", "new_shares", "old_shares"])
    made.to_csv(OUT / "splits.csv", index=False, lineterminator="\n")
    print(made.to_string(index=False))


def eurusd() -> None:
    table = pd.read_csv(folder("backtesting") / "test" / "EURUSD.csv")
    table.columns = ["time", *COLUMNS]
    table.to_csv(OUT / "EURUSD_1h.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    stocks()
    eurusd()
