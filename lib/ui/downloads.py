"""Downloads on their way: what runs, how far it is, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from lib.errors import CandlebookError
from lib.store import Store
from lib.sync import Job, Progress, Wanted, forget, jobs, start_sync
from lib.ui import words
from lib.ui.frame import HISTORY, plain, show_error

__all__ = ["downloads", "follow", "follow_sync"]

_MINE = "downloads_mine"  # those of this session: when each began, and how it is begun once more
_RUNNING = "downloads_running"
_SAID = "downloads_said"
Start = Callable[[], Job]


def follow(start: Start) -> None:
    """Start a job that this session asks for, and show it until the reader puts it away. One that ends before
    all is there can be gone on with: what arrived is kept, so ``start`` asks for the rest."""
    _follow(start(), start)


def follow_sync(store: Store, wanted: Sequence[Wanted]) -> None:
    """The same for several series that are brought up to date together. Raises as ``start_sync``."""
    wanted = list(dict.fromkeys(wanted))
    for one, job in zip(wanted, start_sync(store, wanted), strict=True):
        _follow(job, partial(_sync_one, store, one))


def _sync_one(store: Store, wanted: Wanted) -> Job:
    return start_sync(store, [wanted])[0]


def _follow(job: Job, start: Start) -> None:
    st.session_state.setdefault(_MINE, {})[job.started_at] = start
    st.session_state[_RUNNING] = True


def downloads() -> None:
    """A box for each download; nothing where there is none."""
    if shown := _shown():
        # the period is dropped with the last running download, so that a page at rest asks nothing
        running = any(not job.snapshot().over for job in shown)
        st.fragment(_progress, run_every=1.0 if running else None)(running)


def _shown() -> list[Job]:
    """Downloads that run for anybody, and the finished ones of this session."""
    mine = st.session_state.get(_MINE, {})
    return [job for job in jobs() if job.started_at in mine or not job.snapshot().over]


def _progress(timed: bool) -> None:
    """Downloads of this app, newest first; a finished one stays until it is put away. The whole page is
    drawn again when the last one ends, so that the library shows what came, and when one runs that the page
    has no period for (not ``timed``): "Continue" is pressed in here, and only a whole run gives a period."""
    if error := st.session_state.pop(_SAID, None):
        show_error(error)
    for job in _shown():
        _job(job)
    running = any(not job.snapshot().over for job in _shown())
    if st.session_state.get(_RUNNING) and not running:
        st.session_state[_RUNNING] = False
        st.rerun()
    if running and not timed:
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
                        f"{words.count(state.progress.candles, 'candle')} of {plain(str(job.series))} had arrived and are kept."
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
            if state.status != "done":
                begun = state.progress.candles > 0
                button.button(
                    "Continue" if begun else "Try again", key=f"again_{key}", on_click=_again, args=(job,),
                    help="What arrived is kept; this asks for the rest" if begun else None,
                )  # fmt: skip
            if state.outcome is not None and state.outcome.first is not None:
                button.page_link(HISTORY, label="Open", query_params={"series": job.series.slug})
            button.button("Put away", key=f"forget_{key}", on_click=forget, args=(job,), type="tertiary")


def _again(job: Job) -> None:
    """The new one takes the place of the old."""
    try:
        follow(st.session_state[_MINE][job.started_at])
    except CandlebookError as error:
        st.session_state[_SAID] = error


def _going(progress: Progress) -> str:
    parts = [words.count(progress.candles, "candle")]
    if progress.rate:
        parts.append(f"{words.number(progress.rate)} a second")
    if progress.eta_seconds is not None:
        parts.append(f"{words.duration(progress.eta_seconds)} left")
    if progress.note:
        parts.append(progress.note)
    return " · ".join(parts)
