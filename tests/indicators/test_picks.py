"""Names, numbers, and what is said of wrong ones; the registry as a source of documents and widgets."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lib.indicators
from lib.errors import InputError, UnknownName
from lib.indicators import QUICK, REGISTRY, Pick, format_list, markdown_table, parse_list
from lib.indicators.formulas import FORMULAS
from tests.indicators import plain
from tests.indicators.made import picks

any_pick = st.sampled_from(sorted(REGISTRY)).flatmap(lambda name: picks(name, most=5000))


@given(pick=any_pick)
def test_written_and_read_back(pick: Pick) -> None:
    assert Pick.parse(str(pick)) == pick
    assert Pick.parse(str(pick).upper().replace(",", " , ")) == pick


@given(chosen=st.lists(any_pick, unique=True, max_size=6))
def test_lists_written_and_read_back(chosen: list[Pick]) -> None:
    assert parse_list(format_list(chosen)) == tuple(chosen)


@pytest.mark.parametrize(
    ("text", "written", "label"),
    [
        ("ema(21)", "ema(21)", "EMA 21"),
        (" EMA ( 21.0 ) ", "ema(21)", "EMA 21"),
        ("macd", "macd(12,26,9)", "MACD 12 26 9"),
        ("macd()", "macd(12,26,9)", "MACD 12 26 9"),
        ("bbands(20,2.5)", "bbands(20,2.5)", "BB 20 2.5"),
        ("psar", "psar(0.02,0.2)", "SAR 0.02 0.2"),
        ("vwap", "vwap(1)", "VWAP UTC day"),
        ("vwap(2)", "vwap(2)", "VWAP UTC week from Monday"),
        ("obv", "obv", "OBV"),
        ("obv()", "obv", "OBV"),
    ],
)
def test_spellings(text: str, written: str, label: str) -> None:
    pick = Pick.parse(text)
    assert (str(pick), pick.label) == (written, label)


def test_lists() -> None:
    assert format_list(parse_list("ema(10); ema(21);;rsi ;ema(10.0)")) == "ema(10);ema(21);rsi(14)"
    assert parse_list("") == ()
    assert format_list(QUICK) == "ema(10);ema(21);ema(50);ema(150)"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ema(1)", ["length", "is 1", "2 and 2000", "ema(21)"]),
        ("ema(2001)", ["2001", "2000"]),
        ("ema(2.5)", ["2.5", "whole number"]),
        ("ema(nan)", ["nan", "between"]),
        ("ema(inf)", ["inf", "between"]),
        ("ema(-3)", ["-3", "between"]),
        ("ema(1e400)", ["inf", "between"]),
        ("ema(x)", ["'x'", "not a number"]),
        ("ema(10,20)", ["takes 1 number (length)", "not 2"]),
        ("macd(12)", ["takes 3 numbers (fast, slow, signal)", "not 1", "macd(12,26,9)"]),
        ("obv(3)", ["takes no numbers", "not 1"]),
        ("macd(26,12,9)", ["fast length (26) must be below the slow length (12)"]),
        ("macd(12,12,9)", ["must be below"]),
        ("psar(0.3,0.2)", ["acceleration (0.3)", "at most", "maximum (0.2)"]),
        ("vwap(4)", ["is 4", "1 (UTC day)", "2 (UTC week from Monday)", "3 (UTC month)"]),
        ("ema(", ["'ema('", "ema(21)"]),
        ("(21)", ["'(21)'"]),
        ("ema(21)x", ["ema(21)x"]),
        ("", ["''"]),
    ],
)
def test_what_cannot_be_is_refused_in_words(text: str, parts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        Pick.parse(text)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("emma(21)", "ema(21)"), ("bollinger", "bbands(20,2)"), ("stochastic(14,3,3)", "stoch(14,3,3)"),
     ("sar", "psar(0.02,0.2)"), ("super-trend", "supertrend(10,3)"), ("williams", "willr(14)")],
)  # fmt: skip
def test_unknown_names_get_the_nearest(text: str, meant: str) -> None:
    with pytest.raises(UnknownName, match="Did you mean") as caught:
        Pick.parse(text)
    assert meant in str(caught.value)


def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(UnknownName, match="There are: sma, ema, "):
        Pick("qqqqqq", (1,))


@given(text=st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InputError):
        assert Pick.parse(text).name in REGISTRY


def test_made_directly_it_is_checked_too() -> None:
    assert Pick("ema", (21,)).params == (21.0,)
    assert Pick("ema", (21,)) == Pick.of("ema", 21) == Pick.of("ema")
    with pytest.raises(InputError):
        Pick("ema")
    with pytest.raises(FrozenInstanceError):
        Pick.of("ema").name = "sma"  # type: ignore[misc]


# ------------------------------------------------------------------------------------------- the registry


def test_entries_are_whole() -> None:
    assert list(REGISTRY) == [entry.name for entry in REGISTRY.values()]
    assert set(REGISTRY) == set(FORMULAS)
    with pytest.raises(TypeError):
        REGISTRY["x"] = REGISTRY["ema"]  # type: ignore[index]
    for entry in REGISTRY.values():
        assert entry.title
        assert entry.about.endswith(".")
        assert entry.citation
        assert hasattr(plain, entry.name), "written out in tests/indicators/plain.py"
        entry.validate(entry.defaults)
        for param in entry.params:
            assert param.min <= param.default <= param.max
            assert param.step > 0
        names = [output.name for output in entry.outputs]
        assert len(names) == len(set(names)) > 0
        for low, high in zip(entry.levels, entry.levels[1:], strict=False):
            assert low < high


def test_what_a_chart_needs() -> None:
    ichimoku = Pick.of("ichimoku", 5, 13, 26)
    assert [output.shift for output in ichimoku.outputs] == [0, 0, 0, 0, -13]
    assert [output.shift for output in REGISTRY["ichimoku"].outputs] == [0, 0, 0, 0, -26]
    assert ichimoku.columns[-1] == "ichimoku(5,13,26).lagging"
    assert {entry.name for entry in REGISTRY.values() if entry.pane == "price"} == {
        "sma", "ema", "bbands", "vwap", "supertrend", "ichimoku", "psar",
    }  # fmt: skip
    assert REGISTRY["rsi"].levels == (30, 70)
    assert REGISTRY["macd"].outputs[2].kind == "histogram"
    assert REGISTRY["psar"].outputs[0].kind == "dots"
    assert {entry.name for entry in REGISTRY.values() if entry.needs_volume} == {"vwap", "mfi", "obv"}


def test_the_table_for_the_readme() -> None:
    lines = markdown_table().splitlines()
    assert len(lines) == 2 + len(REGISTRY)
    assert len({line.count(" | ") for line in lines}) == 1
    assert lines[3].startswith("| Exponential moving average | `ema(21)` | length 2 to 2000 | on the price |")


def test_exports() -> None:
    assert sorted(lib.indicators.__all__, key=str.lower) == sorted(
        ["QUICK", "REGISTRY", "Indicator", "Output", "Param", "Pick", "compute", "format_list",
         "markdown_table", "parse_list"], key=str.lower,
    )  # fmt: skip


def test_names_and_checks_load_no_calculating_library() -> None:
    code = (
        "import sys, lib.indicators as i; i.parse_list('ema(10);macd'); i.markdown_table(); "
        "sys.exit(bool({'talib', 'pandas_ta_classic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
