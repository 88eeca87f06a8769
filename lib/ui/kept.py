"""The series that ``candlebook.toml`` lists: brought up to date now, or by the clock while the app runs."""

from __future__ import annotations

import streamlit as st

from lib import settings
from lib.errors import CandlebookError
from lib.store import Store
from lib.sync import config, schedule
from lib.sync.config import Plan
from lib.ui import words
from lib.ui.downloads import follow_sync
from lib.ui.frame import bar, guard, plain, show_error

__all__ = ["kept_up_to_date"]

_ON = "schedule_on"
_TEXT = "schedule_text"
_SAID = "schedule_said"
_USUAL = "every 15 minutes"


def kept_up_to_date(store: Store) -> None:
    """A fold, where the list is there; nothing where it is not."""
    path = config.find(settings.app_root())
    if path is None:
        return
    with st.expander("Kept up to date by candlebook.toml", icon=":material/event_repeat:"), guard():
        plan = config.load(path)
        st.caption(" · ".join(plain(str(wanted.series)) for wanted in plan.series))
        running = schedule.state()
        st.session_state[_ON] = running is not None
        st.session_state.setdefault(_TEXT, plan.schedule or _USUAL)
        with bar():
            st.button(
                "Sync all now", icon=":material/sync:", on_click=_now, args=(store, plan), key="schedule_now"
            )
            st.text_input(
                "When", key=_TEXT, disabled=running is not None, width=200,
                help='"every 15 minutes", "every hour", "every day", or five fields of cron in UTC',
            )  # fmt: skip
            st.toggle("By the clock, while the app runs", key=_ON, on_change=_switch, args=(store, plan))
        if error := st.session_state.pop(_SAID, None):
            show_error(error)
        if running is not None:
            _told(running)


def _now(store: Store, plan: Plan) -> None:
    try:
        follow_sync(store, plan.series)
    except CandlebookError as error:
        st.session_state[_SAID] = error


def _switch(store: Store, plan: Plan) -> None:
    """One schedule a process: whoever switches it does so for all."""
    try:
        if st.session_state[_ON]:
            schedule.start(store, plan.path, st.session_state[_TEXT].strip())
        else:
            schedule.stop()
    except CandlebookError as error:
        st.session_state[_SAID] = error


def _told(running: schedule.Schedule) -> None:
    parts = [f"Next: {words.when(running.next_at, 'UTC')} UTC" if running.next_at is not None else ""]
    if running.running:
        parts.append("running now")
    if running.last_at is not None:
        failed = [each for each in running.last if each.error is not None]
        parts.append(
            f"last: {words.when(running.last_at, 'UTC')} UTC, {len(running.last) - len(failed)} of {len(running.last)} done"
        )
    st.caption(" · ".join(part for part in parts if part))
    if running.error is not None:
        show_error(running.error)
    for each in running.last:
        if each.error is not None:
            show_error(each.error)
