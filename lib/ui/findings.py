"""Findings on the Quality page: what is odd, each with the way to its bars; and another source beside this one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lib import health
from lib.comparison import Comparison
from lib.health import Health
from lib.quality import Finding
from lib.series import Series
from lib.store import SeriesInfo, Store
from lib.ui import words
from lib.ui.frame import HISTORY, figures, guard, plain
from lib.ui.pickers import series_label

__all__ = ["findings", "versus"]

_ICONS = {"note": ":material/info:", "warning": ":material/warning:", "fault": ":material/error:"}
_SHOWN = 60


def findings(found: Health) -> None:
    """What is odd, the gravest first."""
    st.subheader("Findings")
    told = found.report.findings
    if found.reported_from > found.info.first:
        st.caption(f"Of the candles from {words.day(found.reported_from)} on.")
    if not told:
        st.success("Nothing odd was seen in the prices, the volumes and the times.", icon=":material/check:")
        return
    with st.container(border=True, gap="small"):
        for each in told[:_SHOWN]:
            _finding(found.info.series, each)
    if found.report.of("time zone"):
        st.info(
            "If these candles came from a file, bring it in once more and name the zone of its times; the same "
            "zone goes for every file of that vendor.",
            icon=":material/schedule:",
        )
    if len(told) > _SHOWN:
        st.caption(f"{len(told) - _SHOWN} more.")


def _finding(series: Series, each: Finding) -> None:
    text, way = st.columns([7, 1], vertical_alignment="center")
    text.markdown(f"{_ICONS[each.severity]} **{each.kind.capitalize()}** · {plain(each.text)}")
    way.page_link(
        HISTORY, label="Show", icon=":material/candlestick_chart:",
        query_params={"series": series.slug, "at": f"{each.start:%Y-%m-%dT%H:%M}"},
        help=f"{each.start:%Y-%m-%d %H:%M} UTC on the chart",
    )  # fmt: skip


def versus(store: Store, info: SeriesInfo, infos: Sequence[SeriesInfo]) -> None:
    """A fold: the same market from another source, over the bars both have."""
    others = [each for each in infos if each.series != info.series]
    if not others:
        return
    near = sorted(others, key=lambda each: _bare(each.series.symbol) != _bare(info.series.symbol))
    with st.expander("Compare with another source", icon=":material/compare_arrows:"), guard():
        named = {each.series.slug: each for each in near}
        pick, close = st.columns([3, 1])
        slug = pick.selectbox(
            "The other series", list(named), index=None, key=f"versus_{info.series.slug}",
            format_func=lambda slug: series_label(named[slug]), placeholder="Choose one",
        )  # fmt: skip
        tolerance = close.number_input(
            "Equal within (basis points)", 0.0, 1000.0, 1.0, 0.5, key="versus_tolerance",
            help="A basis point is a hundredth of a percent",
        )  # fmt: skip
        if slug:
            with st.spinner("Comparing ..."):
                made = health.compared(store, info.series, named[slug].series, tolerance=tolerance)
            _compared(made.figures)
            if made.clock:
                (st.caption if made.same_clock else st.warning)(plain(made.clock))


def _bare(symbol: str) -> str:
    return "".join(sign for sign in symbol.upper() if sign.isalnum())


def _compared(made: Comparison) -> None:
    if not made.common:
        st.info("They share no candle: no two open at one time.", icon=":material/compare_arrows:")
        return
    st.caption(
        f"{words.count(made.common, 'common candle')} of {made.timeframe.words}; {made.only_left:,} only here, "
        f"{made.only_right:,} only there. Differences are the other close less this one."
    )
    at = f", at {made.largest_at:%Y-%m-%d %H:%M} UTC" if made.largest_at is not None else ""
    figures(
        ("Mean difference", _price(made.mean), _points(made.mean_bps)),
        ("Standard deviation", _price(made.deviation).lstrip("+"), _points(made.deviation_bps)),
        ("Largest", _price(made.largest), f"{_points(made.largest_bps)}{at}"),
        ("Within tolerance", words.share(made.within), ""),
        ("Correlation of returns", "–" if made.correlation is None else f"{made.correlation:.4f}", ""),
        ("The other comes", _lag(made), "Where its returns agree best with these"),
    )


def _price(value: float | None) -> str:
    return "–" if value is None else f"{value:+.6g}"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f} basis points"


def _lag(made: Comparison) -> str:
    if made.lag is None:
        return "–"
    if not made.lag:
        return "at the same time"
    return f"{words.count(abs(made.lag), 'candle')} {'later' if made.lag > 0 else 'earlier'}"
