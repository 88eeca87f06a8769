"""What a refusal says to a newcomer: the value, the place, and an option that there is."""

from __future__ import annotations

import re
from pathlib import Path

import click
import numpy as np
import pytest

import lib.files
from lib.cli import main
from lib.errors import CandlebookError
from lib.files import read

HEADER = "Date,Open,High,Low,Close,Volume\n"


def days(row: str, count: int = 24, header: str = HEADER) -> str:
    """Rows whose ``{n}`` counts from 1 and ``{m}`` goes through the months."""
    lines = (row.format(n=n, m=(n - 1) % 12 + 1, y=2014 + (n - 1) // 12) for n in range(1, count + 1))
    return header + "".join(f"{line}\n" for line in lines)


def closes_ahead() -> str:
    """Rows without a header, with the close of the day before ahead of the open."""
    random, was, rows = np.random.default_rng(11), 187.0, []
    for n in range(60):
        o, c = was + random.normal(0, 0.6), was + random.normal(0, 1.9)
        high, low = max(o, c) + random.uniform(0, 0.6), min(o, c) - random.uniform(0, 0.6)
        day = np.datetime64("2023-11-06") + np.timedelta64(n, "D")
        rows.append(
            f"{day},{was:.2f},{o:.2f},{high:.2f},{low:.2f},{c:.2f},{random.integers(1000, 9999999)}\n"
        )
        was = c
    return "".join(rows)


@pytest.mark.parametrize(
    ("text", "said", "remedy"),
    [
        (days("{m:02d}/01/{y},1,2,1,2,5"), "'02/01/2014' is 2014-01-02 with the day first, and 2014-02-01 with",
         "--day-first or --month-first"),
        (days("{n}/3/2024,1,2,1,2,5", 9), "'1/3/2024' on line 2 is 2024-03-01 with the day first", "--month-first"),
        (days("2014-Q{n},1,2,1,2,5", header=HEADER.replace("Date", "Quarter")), "'Quarter' holds '2014-Q1' on line 2",
         "Write the times as 2024-01-31"),
        (days("2024-01-{n:02d},A (Jan),1,2,1,2\n2024-01-{n:02d},B (Feb),1,2,1,2", header="Date,Contract,Open,High,Low,Close\n"),
         "2 symbols in the column 'Contract'", "--pick-symbol 'A (Jan)'"),
        (days("2024-01-{n:02d},1d,1,2,1,2\n2024-01-{n:02d},1w,1,2,1,2", header="Date,interval,Open,High,Low,Close\n"),
         "2 series in the column 'interval': 1d, 1w", "--pick-symbol 1d"),
        (days("2024-01-{n:02d},1,2,1,2,5", header="Date,Cost,High,Low,Close,Volume\n"), "no column is plainly the open",
         "--column open=NAME"),
        (closes_ahead(), "the figures fit in several ways. Line 1 is column 1 '2023-11-06', column 2 '",
         "--column open=NAME"),
        (days("2024-01-{n:02d},1,50,2,00,0,50,1,75,900"), "names 6 columns, and its rows have 10 cells", "--delimiter"),
        (days("02/{n:02d}/69,1,2,1,2,5"), "'02/24/69' would be 2069-02-24", "years with four digits"),
        (days("2024-01-{n:02d},1,2,-2,1,5"), "line 2: The low price is -2", "--bad-rows drop"),
        (days("2024-01-{n:02d},1,2,1,2,5", 1), "cannot be told from 1 candle", "--timeframe 1d"),
        (days("{n}000,1,2,1,2,5", header=HEADER.replace("Date", "Time")), "'1000' in the column 'Time' was read as", "--date 2024-01-31"),
    ],
)  # fmt: skip
def test_a_question_shows_the_value_the_place_and_the_option(text: str, said: str, remedy: str) -> None:
    with pytest.raises(CandlebookError) as caught:
        read("data.csv", text.encode())
    sentence = str(caught.value)
    assert said.casefold() in sentence.casefold()
    assert remedy in str(caught.value.remedy)


def test_every_option_that_a_remedy_names_is_one_of_import() -> None:
    command = main.commands["import"]  # type: ignore[attr-defined]
    known = {each for option in command.params if isinstance(option, click.Option) for each in option.opts}
    known |= {each for option in command.params for each in option.secondary_opts}
    sources = Path(lib.files.__file__).parent.glob("*.py")
    named = {
        each for path in sources for each in re.findall(r"(?<![-\w])--[a-z][a-z-]+", path.read_text("utf-8"))
    }
    assert {"--day-first", "--bad-rows"} <= named <= known
