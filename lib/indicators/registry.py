"""What each indicator is: its parameters, outputs, pane, warm-up and source. Widgets, the chart's lines,
the README's table and the validation of addresses all come from here; the formulas are in ``formulas``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, log
from types import MappingProxyType
from typing import Literal

from lib.errors import InputError

__all__ = ["REGISTRY", "Indicator", "Output", "Param"]

Kind = Literal["line", "histogram", "dots"]


@dataclass(frozen=True, slots=True)
class Param:
    """One number of an indicator. ``step`` is for widgets; ``min`` and ``max`` are limits.

    ``choices`` is for a number that stands for one of a few things: (number, words), and nothing else
    is allowed.
    """

    name: str
    label: str
    default: float
    min: float
    max: float
    step: float = 1
    integer: bool = True
    choices: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """One series of values. ``shift`` is how many bars to the right of its row the chart draws it
    (negative: to the left); ``shift_by`` names the parameter that sets it, where one does."""

    name: str
    label: str
    kind: Kind = "line"
    shift: int = 0
    shift_by: str = ""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One entry of the registry.

    ``warmup(*params)``: how many rows at the start are NaN in at least one output; ``first(*params)``: in
    all of them.
    ``settle(*params)``: how many bars it takes until where the candles start no longer shows, that is
    moves a value by less than 1e-9 of its scale (the price, or 100 for what runs from 0 to 100). None
    where a value depends on every bar since the first.
    ``needs_volume``: NaN where the candles have no volume.
    """

    name: str
    short: str
    title: str
    about: str
    params: tuple[Param, ...]
    outputs: tuple[Output, ...]
    pane: Literal["price", "own"]
    citation: str
    warmup: Callable[..., int]
    settle: Callable[..., int | None]
    levels: tuple[float, ...] = ()
    needs_volume: bool = False
    early: Callable[..., int] | None = None
    check: Callable[..., str] = lambda *_: ""

    @property
    def defaults(self) -> tuple[float, ...]:
        return tuple(float(param.default) for param in self.params)

    @property
    def first(self) -> Callable[..., int]:
        """As ``warmup``, unless an output is ahead of the others (``early``)."""
        return self.early or self.warmup

    @property
    def usage(self) -> str:
        """How it is written with its default numbers: ``macd(12,26,9)``."""
        return self.write(self.defaults)

    def write(self, params: tuple[float, ...]) -> str:
        """``ema(21)``; the name alone where there are no parameters. Read back by ``Pick.parse``."""
        return f"{self.name}({','.join(map(number, params))})" if params else self.name

    def outputs_for(self, params: tuple[float, ...]) -> tuple[Output, ...]:
        """The outputs with their shift for these parameters."""
        at = {param.name: int(value) for param, value in zip(self.params, params, strict=True)}
        return tuple(
            replace(output, shift=-at[output.shift_by]) if output.shift_by else output
            for output in self.outputs
        )

    def validate(self, params: tuple[float, ...]) -> None:
        """Raise ``InputError`` naming the parameter, its limits and a way to write it right."""
        remedy = f"Write for example {self.usage}."
        if len(params) != len(self.params):
            names = ", ".join(param.label.lower() for param in self.params)
            raise InputError(
                f"{self.title} takes {_count(self.params)}{f' ({names})' if names else ''}, "
                f"not {len(params)}.",
                remedy=remedy, indicator=self.name,
            )  # fmt: skip
        for param, value in zip(self.params, params, strict=True):
            if fault := _fault(param, value):
                raise InputError(
                    f"The {param.label.lower()} of {self.title} is {number(value)}; {fault}.",
                    remedy=remedy, indicator=self.name, parameter=param.name, value=value,
                )  # fmt: skip
        if fault := self.check(*params):
            raise InputError(f"{self.title}: {fault}.", remedy=remedy, indicator=self.name)


def number(value: float) -> str:
    """The shortest text that reads back as the same number: ``21``, ``0.02``."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _count(params: tuple[Param, ...]) -> str:
    return f"{len(params) or 'no'} number{'' if len(params) == 1 else 's'}"


def _fault(param: Param, value: float) -> str:
    if param.choices and value not in [choice for choice, _ in param.choices]:
        return "it is one of " + ", ".join(f"{number(choice)} ({words})" for choice, words in param.choices)
    if not param.min <= value <= param.max:  # a NaN fails this too
        return f"it lies between {number(param.min)} and {number(param.max)}"
    if param.integer and not float(value).is_integer():
        return "it is a whole number"
    return ""


def _below(low: str, high: str, at: tuple[int, int] = (0, 1), *, same: bool = False) -> Callable[..., str]:
    """A check that one parameter is below another (or the same, where ``same``)."""

    def check(*params: float) -> str:
        a, b = params[at[0]], params[at[1]]
        if a < b or (same and a == b):
            return ""
        return f"the {low} ({number(a)}) must be {'at most' if same else 'below'} the {high} ({number(b)})"

    return check


def _length(default: int, *, least: int = 2, most: int = 2000) -> Param:
    return Param("length", "Length", default, least, most)


def _ema_settle(length: float) -> int:
    """An average that keeps a share r of itself at each bar forgets its start as r ** bars; 1e-11
    leaves room for starts far from the price."""
    return int(length) + ceil(log(1e-11) / log(1 - 2 / (length + 1)))


def _wilder_settle(length: float) -> int:
    # Wilder's average of n is an EMA of 2n - 1. Ratios of two averages (RSI, DI) lose digits where
    # both are small, hence the wider margin.
    return int(length) + ceil(log(1e-14) / log(1 - 1 / length)) if length > 1 else 2


def _flat(*_: float) -> int:
    return 0


def _forever(*_: float) -> None:
    return None


def _length_less_one(length: float, *_: float) -> int:
    return int(length) - 1


def _just_length(length: float, *_: float) -> int:
    return int(length)


def _stoch_rows(k: float, smooth: float, d: float) -> int:
    return int(k + smooth + d) - 3


def _ichimoku_rows(tenkan: float, kijun: float, senkou: float) -> int:
    return int(max(tenkan, kijun, senkou) - 1 + kijun)


_WILDER = "J. Welles Wilder, New Concepts in Technical Trading Systems, 1978"
_MURPHY = "John J. Murphy, Technical Analysis of the Financial Markets, 1999"
_SESSIONS = ((1.0, "UTC day"), (2.0, "UTC week from Monday"), (3.0, "UTC month"))

_ENTRIES = (
    Indicator(
        "sma", "SMA", "Simple moving average",
        "Mean of the last closes.",
        (_length(20),), (Output("sma", "SMA"),), "price", _MURPHY,
        _length_less_one, _length_less_one,
    ),
    Indicator(
        "ema", "EMA", "Exponential moving average",
        "Mean of closes that weighs recent ones more; starts from the mean of the first ones.",
        (_length(21),), (Output("ema", "EMA"),), "price",
        "P. N. Haurlan, Measuring Trend Values, 1968",
        _length_less_one, _ema_settle,
    ),
    Indicator(
        "bbands", "BB", "Bollinger Bands",
        "Mean of the last closes, and bands at a number of their standard deviations.",
        (_length(20), Param("deviations", "Standard deviations", 2, 0.1, 10, 0.1, integer=False)),
        (Output("upper", "Upper"), Output("middle", "Middle"), Output("lower", "Lower")), "price",
        "John Bollinger, Bollinger on Bollinger Bands, 2001",
        _length_less_one, _length_less_one,
    ),
    Indicator(
        "vwap", "VWAP", "Volume weighted average price",
        "Mean typical price of the session so far, weighted by volume; starts anew with each session.",
        (Param("session", "Session", 1, 1, 3, choices=_SESSIONS),), (Output("vwap", "VWAP"),), "price",
        "S. Berkowitz, D. Logue, E. Noser, The Total Cost of Transactions on the NYSE, Journal of Finance, 1988",
        _flat, _forever, needs_volume=True,
    ),
    Indicator(
        "supertrend", "Supertrend", "Supertrend",
        "A line a number of average true ranges below the price in a rise and above it in a fall.",
        (_length(10), Param("multiplier", "Multiplier", 3, 0.1, 20, 0.1, integer=False)),
        (Output("supertrend", "Supertrend"),), "price",
        "Olivier Seban, Tout le monde mérite d'être riche, 2007",
        _just_length, _forever,
    ),
    Indicator(
        "ichimoku", "Ichimoku", "Ichimoku cloud",
        "Middles of three ranges; the spans are drawn ahead by the base length, the lagging line behind.",
        (Param("tenkan", "Conversion", 9, 1, 500), Param("kijun", "Base", 26, 1, 500),
         Param("senkou", "Span B", 52, 1, 1000)),
        (Output("tenkan", "Conversion"), Output("kijun", "Base"), Output("span_a", "Span A"),
         Output("span_b", "Span B"), Output("lagging", "Lagging", shift=-26, shift_by="kijun")), "price",
        "Goichi Hosoda (Ichimoku Sanjin), Ichimoku Kinko Hyo, 1969",
        _ichimoku_rows, _ichimoku_rows, early=_flat,
    ),
    Indicator(
        "psar", "SAR", "Parabolic SAR",
        "Stop and reverse points that follow the price faster as its move goes on.",
        (Param("acceleration", "Acceleration", 0.02, 0.001, 1, 0.01, integer=False),
         Param("maximum", "Maximum", 0.2, 0.001, 1, 0.05, integer=False)),
        (Output("psar", "SAR", "dots"),), "price", _WILDER,
        lambda *_: 1, _forever, check=_below("acceleration", "maximum", same=True),
    ),
    Indicator(
        "rsi", "RSI", "Relative strength index",
        "Share of gains in all changes of the close, 0 to 100, by Wilder's average.",
        (_length(14),), (Output("rsi", "RSI"),), "own", _WILDER,
        _just_length, _wilder_settle, levels=(30, 70),
    ),
    Indicator(
        "macd", "MACD", "Moving average convergence divergence",
        "A fast less a slow exponential average, its own average as signal, and their difference.",
        (Param("fast", "Fast", 12, 2, 500), Param("slow", "Slow", 26, 3, 1000),
         Param("signal", "Signal", 9, 2, 500)),
        (Output("macd", "MACD"), Output("signal", "Signal"), Output("histogram", "Histogram", "histogram")),
        "own", "Gerald Appel, The Moving Average Convergence-Divergence Trading Method, 1985",
        lambda fast, slow, signal: int(slow + signal) - 2,
        lambda fast, slow, signal: _ema_settle(slow) + _ema_settle(signal),
        levels=(0,), check=_below("fast length", "slow length"),
        early=lambda fast, slow, signal: int(slow) - 1,
    ),
    Indicator(
        "stoch", "Stoch", "Stochastic",
        "Where the close lies in the range of the last bars, 0 to 100, smoothed (%K), and its mean (%D).",
        (Param("k", "%K length", 14, 1, 1000), Param("smooth", "%K smoothing", 3, 1, 200),
         Param("d", "%D length", 3, 1, 200)),
        (Output("k", "%K"), Output("d", "%D")), "own",
        "George C. Lane, Lane's Stochastics, Technical Analysis of Stocks & Commodities, 1984",
        _stoch_rows, _stoch_rows, levels=(20, 80),
    ),
    Indicator(
        "atr", "ATR", "Average true range",
        "Wilder's average of the true range, from the second bar on; in the price's unit.",
        (_length(14),), (Output("atr", "ATR"),), "own", _WILDER,
        _just_length, _wilder_settle,
    ),
    Indicator(
        "adx", "ADX", "Average directional index",
        "Strength of a trend whatever its direction, with the two directional indicators.",
        (_length(14),), (Output("adx", "ADX"), Output("plus_di", "+DI"), Output("minus_di", "−DI")),
        "own", _WILDER,
        lambda length: 2 * int(length) - 1, lambda length: 2 * _wilder_settle(length),
        levels=(25,), early=_just_length,
    ),
    Indicator(
        "cci", "CCI", "Commodity channel index",
        "Distance of the typical price from its mean, in mean deviations.",
        (_length(20, most=1000),), (Output("cci", "CCI"),), "own",
        "Donald R. Lambert, Commodity Channel Index, Commodities, October 1980",
        _length_less_one, _length_less_one, levels=(-100, 100),
    ),
    Indicator(
        "willr", "%R", "Williams %R",
        "Where the close lies in the range of the last bars, from the top: 0 to -100.",
        (_length(14),), (Output("willr", "%R"),), "own",
        "Larry Williams, How I Made One Million Dollars Last Year Trading Commodities, 1973",
        _length_less_one, _length_less_one, levels=(-80, -20),
    ),
    Indicator(
        "mfi", "MFI", "Money flow index",
        "Share of the money that moved on rising typical prices, 0 to 100.",
        (_length(14),), (Output("mfi", "MFI"),), "own",
        "G. Quong, A. Soudack, Volume-Weighted RSI: Money Flow, "
        "Technical Analysis of Stocks & Commodities, March 1989",
        _just_length, _just_length, levels=(20, 80), needs_volume=True,
    ),
    Indicator(
        "obv", "OBV", "On balance volume",
        "Volume added when the close rises and taken off when it falls, from the first bar on.",
        (), (Output("obv", "OBV"),), "own",
        "Joseph E. Granville, Granville's New Key to Stock Market Profits, 1963",
        _flat, _forever, needs_volume=True,
    ),
)  # fmt: skip

REGISTRY: Mapping[str, Indicator] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""Name -> indicator, in the order menus show them: those on the price first. Cannot be changed."""
