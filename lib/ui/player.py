"""The player of Replay: a start, the controls, the chart up to the cursor."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from lib import history
from lib.chart import candle_chart, chart_events, precision_of, view_of
from lib.history import Loaded
from lib.indicators import Pick
from lib.replay import SPEEDS, Clock, Replay
from lib.store import SeriesInfo, Store
from lib.timeframes import Timeframe
from lib.ui import address, words
from lib.ui.explore import candle_time, event_marks
from lib.ui.frame import guard, plain
from lib.ui.notes import warn
from lib.ui.pickers import Look
from lib.viewport import PAGE

__all__ = ["play"]

_CHART = "replay_chart"
# What the session holds: the cursor's bar, the first bar drawn, the clock (None on hold), the series and
# timeframe they belong to, the start last read from or written to the address, and a wish for a whole
# run, which gives the fragment its new period.
_AT, _START, _CLOCK = "replay_at", "replay_start", "replay_clock"
_OF, _FROM, _RESTART = "replay_of", "replay_from", "replay_restart"
# Where a long series was entered, as only a part of it is walked over; and a wish to enter it elsewhere.
_NEAR, _ELSEWHERE = "replay_near", "replay_elsewhere"
# A chart starts with at least this many bars before the cursor, where there are that many.
_FEWEST = 200
_SPEED_NAMES = {f"{speed:g}x": speed for speed in SPEEDS}


def play(store: Store, info: SeriesInfo, timeframe: Timeframe, picks: Sequence[Pick], look: Look) -> None:
    """Everything under the pickers. The cursor is an open time in the address (``from``) and a bar
    number in the session; another series or timeframe puts the clock back on hold."""
    asked = _asked(info, timeframe)
    loaded = history.whole(store, info.series, timeframe, picks, st.session_state.get(_NEAR))
    _settle(info, loaded, asked)
    address.check("speed", list(_SPEED_NAMES), "1x", "Speed")
    clock: Clock | None = st.session_state.get(_CLOCK)
    drawn = st.fragment(_player, run_every=clock.period if clock is not None else None)
    drawn(info, loaded, picks, look)


def _asked(info: SeriesInfo, timeframe: Timeframe) -> str | None:
    """The start the address asks for, empty for none; None where the cursor stays."""
    asked = address.asked("from", "")
    of = (info.series, timeframe)
    if st.session_state.get(_OF) == of and asked == st.session_state.get(_FROM):
        return None
    if st.session_state.get(_OF, of) != of and asked == st.session_state.get(_FROM):
        asked = ""  # another series was picked: the old cursor's time means nothing in it
    st.session_state.update({_OF: of, _CLOCK: None, _FROM: asked, _NEAR: words.moment(asked)})
    return asked


def _settle(info: SeriesInfo, loaded: Loaded, asked: str | None) -> None:
    """Where the cursor stands when a series is opened: at the time in the address, else one screen in."""
    if asked is None:
        return
    replay = Replay(loaded.candles, min(_FEWEST, len(loaded.candles)) - 1)
    if asked:
        near = words.moment(asked)
        if near is None:
            warn(f"{plain(asked)} is not a time; starting near the front.")
        else:
            replay = Replay.from_time(loaded.candles, near)
            if not info.first <= near <= info.series.timeframe.after(info.last):
                warn(
                    f"{plain(asked)} lies outside this series; starting at its nearer end.",
                    ":material/event_busy:",
                )
    _place(replay.at)


def _player(info: SeriesInfo, loaded: Loaded, picks: Sequence[Pick], look: Look) -> None:
    """One look at the replay: move the cursor by what is due, then draw what may be seen."""
    with guard():
        if st.session_state.pop(_ELSEWHERE, False):
            st.rerun()
        replay = _move(loaded)
        _controls(info, loaded, replay, look)
        start = _start(replay)
        seen = slice(start, replay.at + 1)
        candle_chart(
            view_of(
                loaded.series.at(loaded.timeframe), loaded.candles.iloc[seen], loaded.timeframe, picks,
                loaded.values.iloc[seen], markers=tuple(mark for mark in event_marks(info) if mark.time <= replay.time),
                zone=look.zone, log=look.log, volume=look.volume, has_older=start > 0, follow=True,
                precision=precision_of(loaded.candles.iloc[: replay.at + 1]),
            ),
            key=_CHART,
        )  # fmt: skip
        if _RESTART in st.session_state:
            del st.session_state[_RESTART]
            st.rerun()


def _move(loaded: Loaded) -> Replay:
    """The replay at its cursor, moved by the bars the clock owes; the clock stops at the end."""
    replay = Replay(loaded.candles, 0).seek(st.session_state[_AT])
    clock: Clock | None = st.session_state[_CLOCK]
    if clock is not None:
        bars, clock = clock.due(time.monotonic())
        replay = replay.step(bars)
        st.session_state[_CLOCK] = clock
        if replay.ended:
            _pause()
    st.session_state[_AT] = replay.at
    if st.session_state[_CLOCK] is None:
        st.session_state[_FROM] = address.keep("from", _stamp(replay.time), "")
    return replay


def _start(replay: Replay) -> int:
    """The first bar that is drawn: it stays while the cursor moves on, and goes back a page when the
    reader scrolls to it or steps back past it."""
    start: int = min(st.session_state[_START], replay.at)
    if chart_events(_CHART).older_before is not None or replay.at - start < _FEWEST:
        start = max(0, start - PAGE)
    st.session_state[_START] = start
    return start


# --------------------------------------------------------------------------------------------- controls


def _controls(info: SeriesInfo, loaded: Loaded, replay: Replay, look: Look) -> None:
    timeframe = loaded.timeframe
    playing = st.session_state[_CLOCK] is not None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _button(":material/skip_previous:", "Back", "Left", _step, -1, disabled=replay.at == 0)
        if playing:
            _button(":material/pause:", "Pause", "Space", _pause)
        else:
            _button(":material/play_arrow:", "Play", "Space", _run, disabled=replay.ended)
        _button(":material/skip_next:", "Forward", "Right", _step, 1, disabled=replay.ended)
        address.one_of(
            "speed", list(_SPEED_NAMES), "1x", st.selectbox, "Speed", label_visibility="collapsed", width=110,
            help="Bars a second", on_change=_retime, quiet=True,
        )  # fmt: skip
        with st.popover("Start at", icon=":material/flag:"):
            _starts(info, loaded, replay)
        part = " in this part of the series" if loaded.has_older or loaded.has_newer else ""
        st.markdown(
            f"Bar **{replay.at + 1:,}** of {len(replay.candles):,}{part} · {candle_time(replay.time, timeframe, look.zone)}"
        )
    st.session_state["replay_seek"] = replay.at + 1
    if len(replay.candles) > 1:
        st.slider(
            "Position",
            1,
            len(replay.candles),
            key="replay_seek",
            on_change=_seek,
            label_visibility="collapsed",
        )


def _button(
    icon: str, label: str, shortcut: str, then: Callable[..., None], *args: object, disabled: bool = False
) -> None:
    st.button(
        label,
        icon=icon,
        shortcut=shortcut,
        on_click=then,
        args=args,
        disabled=disabled,
        key=f"replay_{label}",
    )


def _starts(info: SeriesInfo, loaded: Loaded, replay: Replay) -> None:
    count = len(loaded.candles)
    st.date_input(
        "A date", replay.time.date(), min_value=info.first.date(), max_value=info.last.date(),
        key=f"replay_date_{replay.time.date()}", on_change=_from_date, args=(loaded, f"replay_date_{replay.time.date()}"),
    )  # fmt: skip
    if loaded.has_older or loaded.has_newer:
        st.caption(f"{count:,} candles around the start are walked over. A date leads to any others.")
    st.number_input(
        f"A bar, 1 to {count:,}", 1, count, replay.at + 1,
        key=f"replay_bar_{replay.at}", on_change=_from_bar, args=(f"replay_bar_{replay.at}",),
    )  # fmt: skip
    st.button(
        "Anywhere, by chance", icon=":material/casino:", on_click=_anywhere, args=(info, loaded, replay)
    )


def _place(at: int) -> None:
    """A new start: on hold, with a fresh page of bars before it."""
    st.session_state[_AT] = at
    st.session_state[_START] = max(0, at - PAGE)
    _pause()


def _from_date(loaded: Loaded, key: str) -> None:
    chosen = st.session_state[key]
    if chosen is not None:
        _to_time(loaded, pd.Timestamp(chosen, tz="UTC"))


def _to_time(loaded: Loaded, time_: pd.Timestamp) -> None:
    """A start among the candles that are here, or, by the address and a run of the whole page, among others."""
    index = loaded.candles.index
    if (loaded.has_older and time_ < index[0]) or (loaded.has_newer and time_ > index[-1]):
        address.keep("from", _stamp(time_), "")
        st.session_state[_ELSEWHERE] = True
        return
    _place(Replay.from_time(loaded.candles, time_).at)


def _from_bar(key: str) -> None:
    _place(int(st.session_state[key]) - 1)


def _anywhere(info: SeriesInfo, loaded: Loaded, replay: Replay) -> None:
    if loaded.has_older or loaded.has_newer:
        _to_time(loaded, info.first + (info.last - info.first) * random.random())
    else:
        _place(Replay.anywhere(replay.candles, random.Random()).at)


def _step(bars: int) -> None:
    """A step by hand puts the clock on hold."""
    st.session_state[_AT] += bars
    _pause()


def _seek() -> None:
    st.session_state[_AT] = st.session_state["replay_seek"] - 1


def _run() -> None:
    st.session_state[_CLOCK] = Clock(_speed(), time.monotonic())
    st.session_state[_RESTART] = True


def _pause() -> None:
    if st.session_state.get(_CLOCK) is not None:
        st.session_state[_CLOCK] = None
        st.session_state[_RESTART] = True


def _retime() -> None:
    if st.session_state.get(_CLOCK) is not None:
        _run()


def _speed() -> float:
    return _SPEED_NAMES[st.session_state["choice_speed"]]


def _stamp(at: pd.Timestamp) -> str:
    """A time for the address: a date alone where that says it all."""
    return f"{at:%Y-%m-%d}" if at == at.normalize() else f"{at:%Y-%m-%dT%H:%M}"
