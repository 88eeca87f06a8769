"""The live view: pick a market, watch its candles, see how the feed fares."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from lib.chart import candle_chart, chart_events, precision_of, view_of
from lib.indicators import Pick
from lib.live import hub
from lib.live.older import Older
from lib.live.snapshot import Snapshot
from lib.series import Series
from lib.sources import registry
from lib.sources.registry import Entry
from lib.store import Store
from lib.ui import address, words
from lib.ui.frame import LIVE, bar, guard, plain, show_error
from lib.ui.markets import known_symbols, symbol_box
from lib.ui.pickers import Look

__all__ = ["pick_hold", "pick_market", "watch"]

_CHART = "live_chart"
_PERIOD = 0.5
_OF, _OLDER, _HELD = "live_of", "live_older", "live_hold"
_BADGES = {
    "connecting": ("Connecting", "blue"),
    "live": ("Live", "green"),
    "stale": ("Silent", "orange"),
    "reconnecting": ("Reconnecting", "orange"),
    "failed": ("No feed", "red"),
    "stopped": ("Stopped", "gray"),
}


def pick_market() -> Series:
    """Source, symbol and timeframe, all in the address."""
    entries = {entry.name: entry for entry in registry.entries() if entry.live}
    name = address.one_of(
        "source", list(entries), next(iter(entries)), st.selectbox, "Source", width=180,
        on_change=address.drop, args=("symbol",),
        format_func=lambda name: entries[name].title,
    )  # fmt: skip
    wanted = address.text("symbol", "", partial(_symbol, entries[name]), "Symbol")
    offered = [str(timeframe) for timeframe in registry.get(name).timeframes]
    chosen = address.one_of("tf", offered, "1m", st.selectbox, "Timeframe", width=120)
    return Series.of(name, wanted or entries[name].example, chosen)


def _symbol(entry: Entry, label: str, key: str) -> str:
    with st.container(width=220):
        return symbol_box(entry, known_symbols(entry.name), key=key, label=label)


def pick_hold() -> bool:
    """Whether the updates of this page stand still. Outside the fragment, which runs twice a second."""
    return st.toggle("Hold", key=_HELD, help="Stop the updates on this page; the feed goes on")


def watch(store: Store, series: Series, picks: Sequence[Pick], look: Look, held: bool) -> None:
    """The market's chart, refreshed twice a second unless it is held."""
    if st.session_state.get(_OF) != series:
        st.session_state.update({_OF: series, _OLDER: Older(series)})
    st.fragment(_watch, run_every=None if held else _PERIOD)(store, series, tuple(picks), look)


def _watch(store: Store, series: Series, picks: tuple[Pick, ...], look: Look) -> None:
    with guard():
        snapshot = hub.watch(series.source, series.symbol, series.timeframe, store).snapshot()
        table = snapshot.table
        _status(snapshot, precision_of(table) if len(table) else 2, look.zone)
        if snapshot.status == "failed":
            _not_reached(series)
        if not len(table):
            return
        older: Older = st.session_state[_OLDER]
        if (before := chart_events(_CHART).older_before) is not None:
            older.reach(store, before)
        table, values = older.joined(store, snapshot.version, table, picks)
        candle_chart(
            view_of(
                series, table, series.timeframe, picks, values, zone=look.zone, log=look.log, volume=look.volume,
                follow=True, forming=snapshot.forming, has_older=older.more, gaps=snapshot.gaps,
            ),
            key=_CHART,
        )  # fmt: skip
        if older.trouble is not None:
            show_error(older.trouble)


def _status(snapshot: Snapshot, digits: int, zone: str | None) -> None:
    """One line: how the feed fares, and the price. Said on screen where candles are invented; times stand in
    the zone of the chart."""
    word, colour = ("On hold", "gray") if st.session_state.get(_HELD) else _BADGES[snapshot.status]
    parts = [f":{colour}-badge[{word}]"]
    if snapshot.synthetic:
        parts.append(":violet-badge[Synthetic: invented on this machine, not a market]")
    if snapshot.price is not None:
        parts.append(f"**{words.price(snapshot.price, digits)}**")
    parts.append(plain(snapshot.message))
    zone = zone or st.context.timezone or "UTC"
    named = f"({zone.replace('_', ' ')})"
    if snapshot.gaps:
        start, end = (time.tz_convert(zone) for time in snapshot.gaps[-1])
        parts.append(
            plain(
                f"Missed candles: {start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} {named}; "
                "they are being asked for again."
            )
        )
    if (then := snapshot.next_try_at) is not None and snapshot.status in ("failed", "reconnecting"):
        parts.append(plain(f"Next try at {then.tz_convert(zone):%H:%M:%S} {named}."))
    st.markdown(" &nbsp; ".join(parts))


def _not_reached(series: Series) -> None:
    """Why, and the offer of the demo feed; nothing is switched unless the reader asks for it."""
    with bar():
        st.button("Try again now", icon=":material/refresh:", on_click=_retry, args=(series,))
        for entry in registry.entries():
            if entry.name == series.source or not entry.synthetic:
                continue
            st.page_link(
                LIVE, label=f"Watch the {entry.title.lower()} instead", icon=":material/science:",
                query_params={"source": entry.name, "symbol": entry.example, "tf": str(series.timeframe)},
            )  # fmt: skip


def _retry(series: Series) -> None:
    hub.watch(series.source, series.symbol, series.timeframe).retry()
    st.toast(f"Trying {registry.get(series.source).title} again.", icon=":material/refresh:")
