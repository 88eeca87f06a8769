"""Source to store: what is missing is fetched and kept, so that an interruption costs only what was under way.

::

    download(store, source, "BTCUSDT", "1m", start, end)    a range
    update(store, source, "BTCUSDT", "1m", start)           up to now
    refill(store, other, series, gaps)                      given gaps, from any source
    fill(store, series, gaps, "forward")                    made up, marked, and taken out by unfill
    holes(store, series)                                    what is missing, and what is known of it
    sync_all(store, wanted)                                 many series, a page of each in turn

What is stored is not asked for again, nor what a source was asked for before and does not have. Each
download writes a line in the series' ledger. ``jobs`` runs them in the background of the process, ``config``
reads ``candlebook.toml``, ``schedule`` keeps the time.
"""

from lib.sync.downloading import download, refill, update
from lib.sync.filling import METHODS, Method, fill, unfill
from lib.sync.holes import Hole, Holes, holes
from lib.sync.jobs import Job, JobState, forget, jobs, start_download, start_refill, start_sync
from lib.sync.many import Synced, Wanted, sync_all
from lib.sync.model import Outcome, Progress
from lib.sync.planning import missing

__all__ = [
    "METHODS",
    "Hole",
    "Holes",
    "Job",
    "JobState",
    "Method",
    "Outcome",
    "Progress",
    "Synced",
    "Wanted",
    "download",
    "fill",
    "forget",
    "holes",
    "jobs",
    "missing",
    "refill",
    "start_download",
    "start_refill",
    "start_sync",
    "sync_all",
    "unfill",
    "update",
]
