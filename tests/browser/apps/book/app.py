"""An app of two pages: this one has no chart, the other loads older candles on request."""

from __future__ import annotations

import streamlit as st

st.header("No chart here")
st.page_link("pages/Older.py", label="To the chart")
