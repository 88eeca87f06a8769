"""Downloads on their way: what runs, how far it is, how it ended."""

from __future__ import annotations

import streamlit as st

from lib.sync import Job, Progress, forget, jobs
from lib.ui import words
from lib.ui.frame import HISTORY, plain, show_error

__all__ = ["downloads", "follow"]

_MINE = "downloads_mine"
_RUNNING = "downloads_running"


def follow(job: Job) -> None:
    """This session asked for the job: show it until the reader puts it away."""
    st.session_state.setdefault(_MINE, set()).add(job.started_at)
    st.session_state[_RUNNING] = True


def downloads() -> None:
    """A box for each download; nothing where there is none."""
    if shown := _shown():
        # the period is dropped with the last running download, so that a page at rest asks nothing
        running = any(not job.snapshot().over for job in shown)
        st.fragment(_progress, run_every=1.0 if running else None)()


def _shown() -> list[Job]:
    """Downloads that run for anybody, and the finished ones of this session."""
    mine = st.session_state.get(_MINE, set())
    return [job for job in jobs() if job.started_at in mine or not job.snapshot().over]


def _progress() -> None:
    """Downloads of this app, newest first; a finished one stays until it is put away. The whole page is
    drawn again when the last one ends, so that the library shows what came."""
    for job in _shown():
        _job(job)
    running = any(not job.snapshot().over for job in _shown())
    if st.session_state.get(_RUNNING) and not running:
        st.session_state[_RUNNING] = False
        st.rerun()


def _job(job: Job) -> None:
    state = job.snapshot()
    key = f"{job.series.slug}_{job.started_at.value}"
    with st.container(border=True):
        said, button = st.columns([6, 1], vertical_alignment="center")
        with said:
            if state.error is not None:
                show_error(state.error)
                if state.progress.candles:
                    st.caption(
                        f"{words.count(state.progress.candles, 'candle')} of {plain(str(job.series))} had arrived and are kept; the same download goes on from there."
                    )
            elif state.outcome is not None:
                ended = "Cancelled" if state.outcome.cancelled else "Done"
                st.markdown(
                    f"**{ended}** · {job.series} · {words.count(state.outcome.added, 'candle')} added, {state.outcome.changed:,} changed"
                )
            else:
                st.progress(state.progress.done, f"{job.series} · {_going(state.progress)}")
        if not state.over:
            button.button(
                "Cancel", key=f"cancel_{key}", on_click=job.cancel, disabled=state.status == "cancelling"
            )
        else:
            if state.outcome is not None and state.outcome.first is not None:
                button.page_link(HISTORY, label="Open", query_params={"series": job.series.slug})
            button.button("Put away", key=f"forget_{key}", on_click=forget, args=(job,), type="tertiary")


def _going(progress: Progress) -> str:
    parts = [f"{progress.candles:,} candles"]
    if progress.rate:
        parts.append(f"{words.number(progress.rate)} a second")
    if progress.eta_seconds is not None:
        parts.append(f"{words.duration(progress.eta_seconds)} left")
    if progress.note:
        parts.append(progress.note)
    return " · ".join(parts)
