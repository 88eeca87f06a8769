"""The name of a series, and its word for addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import InputError, UnknownName
from lib.series import Series
from lib.timeframes import LADDER, parse

names = st.text(min_size=1, max_size=120).filter(lambda text: text == text.strip() and text.isprintable())
series = st.builds(Series, names, names, st.sampled_from(LADDER))


@given(series)
def test_slug_round_trips(one: Series) -> None:
    assert Series.from_slug(one.slug) == one
    assert one.slug.isascii()
    assert one.slug.count(":") == 2
    assert "/" not in one.slug


def test_slug_of_plain_names_is_plain() -> None:
    assert Series.of("binance", "BTCUSDT", "60").slug == "binance:BTCUSDT:1h"
    assert str(Series.of("binance", "BTCUSDT", "60")) == "BTCUSDT 1h (binance)"


def test_minute_and_month_are_two_series() -> None:
    assert Series.of("x", "Y", "1m") != Series.of("x", "Y", "1M")
    assert Series.of("x", "Y", "1m").at(parse("1M")).slug == "x:Y:1M"


@pytest.mark.parametrize("text", ["", "a", "a:b", "a:b:c:1m", "a:b:never"])
def test_what_is_no_slug(text: str) -> None:
    with pytest.raises(UnknownName):
        Series.from_slug(text)


@pytest.mark.parametrize("name", ["", " x", "x ", "a\nb", "\x00", "x" * 121])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InputError):
        Series.of(name, "A", "1m")
    with pytest.raises(InputError):
        Series.of("a", name, "1m")


@pytest.mark.parametrize("name", [":b", "%ff:b:1m", "a::1m", "%0A:b:1m"])
def test_a_slug_of_names_that_cannot_be(name: str) -> None:
    with pytest.raises(InputError):
        Series.from_slug(name if name.count(":") == 2 else name + ":1m")
