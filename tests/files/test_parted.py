"""Tables of several symbols in columns that are not named for them: told by what the columns hold."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from lib.errors import FileRefused
from lib.files import Choices, read
from tests.files.written import table

DAYS = table(60, "1D", "2024-01-13", 4)
HEADER = "Papel,time,open,high,low,close,volume"


def rows(code: Callable[[int], str], want: pd.DataFrame = DAYS, factor: float = 1.0) -> list[str]:
    """A line for each candle: a code, and the figures times ``factor``."""
    return [
        f"{code(n)},{time:%Y-%m-%d}," + ",".join(f"{each * factor:.5f}" for each in row)
        for n, (time, row) in enumerate(zip(want.index, want.to_numpy(), strict=True))
    ]


def text(lines: list[str], header: str = HEADER) -> bytes:
    return "\n".join([header, *lines] if header else lines).encode() + b"\n"


ABREAST = [
    line
    for pair in zip(rows(lambda _: "PETR4"), rows(lambda _: "VALE3", factor=3), strict=True)
    for line in pair
]
BELOW = [*rows(lambda _: "PETR4"), *rows(lambda _: "VALE3", factor=3)]
FOLLOWING = rows(lambda n: "PETR4" if n < 40 else "VALE3")


@pytest.mark.parametrize("header", [HEADER, ""])
@pytest.mark.parametrize("lines", [ABREAST, BELOW, FOLLOWING])
def test_symbols_in_a_column_of_another_name_are_asked_for(lines: list[str], header: str) -> None:
    with pytest.raises(FileRefused, match=r"holds 2 symbols in the column .*: PETR4, VALE3") as caught:
        read("x.csv", text(lines, header), Choices(symbol="X"))
    assert caught.value.fields["question"] == "pick_symbol"


@pytest.mark.parametrize("lines", [ABREAST, BELOW])
def test_one_of_them_is_taken_where_it_is_the_symbol_that_was_given(lines: list[str]) -> None:
    made = read("x.csv", text(lines), Choices(symbol="VALE3"))
    want = (DAYS * 3).round(5)
    pd.testing.assert_frame_equal(made.table, want, check_freq=False, rtol=1e-9)


def test_of_two_columns_of_symbols_the_one_that_has_the_given_symbol() -> None:
    isin = {"PETR4": "BRPETRACNPR6", "VALE3": "BRVALEACNOR0"}
    lines = [f"{isin[line[:5]]},{line}" for line in ABREAST]
    made = read("x.csv", text(lines, "ISIN," + HEADER), Choices(symbol="PETR4"))
    assert len(made.table) == len(DAYS)


@pytest.mark.parametrize(
    "code",
    [
        lambda n: ("pre", "reg", "post")[n % 3],  # comes again and again
        lambda n: f"2024-W{n // 7:02d}",  # a period
        lambda n: f"Q{n // 20 + 1}",
        lambda n: ("Jan-24", "Feb-24", "Mar-24")[n // 20],
        lambda n: "train" if n < 40 else "test",
        lambda n: "dividend" if n == 30 else "",  # a remark
        lambda n: f"note{n}",  # one for each row
    ],
)
def test_columns_of_other_words_are_no_symbols(code: Callable[[int], str]) -> None:
    made = read("x.csv", text(rows(code), HEADER.replace("Papel", "remark")), Choices(symbol="X"))
    assert len(made.table) == len(DAYS)
