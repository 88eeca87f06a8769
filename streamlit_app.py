"""Home: the library of stored series, and the ways to bring candles in."""

import streamlit as st

from lib.ui.doors import doors
from lib.ui.downloads import downloads
from lib.ui.frame import guard, page
from lib.ui.kept import kept_up_to_date
from lib.ui.library import library

store = page("Library")
st.caption(
    "A research notebook for market candles. Bring them in, see what is there, watch, explore and replay."
)
with guard():
    doors(store)
with guard():
    kept_up_to_date(store)
with guard():
    downloads()
with guard():
    library(store)
