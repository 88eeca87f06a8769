"""A broker's live quote beside the feed on the Live page."""

from __future__ import annotations

import streamlit as st

from lib.live import hub
from lib.live.quotes import Quoted
from lib.series import Series
from lib.sources import registry
from lib.store import Store
from lib.ui import words
from lib.ui.frame import guard, plain
from lib.ui.markets import budget

__all__ = ["broker"]

_SECONDS = 5.0
_OF = "broker_of"


def broker(store: Store, series: Series) -> None:
    """A fold, where a broker can be asked; nothing where none is set up."""
    ready = [name for name in registry.quote_names() if not registry.lacking(name)]
    if not ready:
        return
    with st.expander("Compare with a broker's quote", icon=":material/compare_arrows:"):
        name, symbol, on = st.columns([1, 1.4, 1], vertical_alignment="bottom")
        who = name.selectbox("Broker through", ready, key="broker_name")
        wanted = symbol.text_input("Symbol there", series.symbol, key=f"broker_symbol_{series.slug}").strip()
        if on.toggle("Ask every 5 seconds", key="broker_on") and wanted:
            st.fragment(_beside, run_every=_SECONDS)(store, series, who, wanted)


def _beside(store: Store, series: Series, who: str, symbol: str) -> None:
    with guard():
        of = (series, who, symbol)
        if st.session_state.get(_OF, (None,))[0] != of:
            st.session_state[_OF] = (of, Quoted(registry.quotes(who), symbol))
        quoted: Quoted = st.session_state[_OF][1]
        snapshot = hub.watch(series.source, series.symbol, series.timeframe, store).snapshot()
        quote = quoted.take(snapshot)
        st.markdown(
            f"**{plain(quote.symbol)}** bid {quote.bid:g}, ask {quote.ask:g} at {words.when(quote.time, 'UTC')} UTC"
        )
        offset = quoted.offset()
        if offset is None:
            st.caption("No price of the feed lies within two minutes of a quote yet.")
            return
        cells = st.columns(3)
        cells[0].metric("Suggested offset", f"{offset.offset:+.6g}", help="To be added to the feed's prices")
        cells[1].metric("Between, in 95% of cases", f"{offset.low:+.6g} to {offset.high:+.6g}")
        cells[2].metric("Quotes", offset.samples)
        (st.success if offset.sure else st.caption)(plain(offset.text))
        budget(who)
