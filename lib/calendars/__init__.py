"""Calendars of expected bars: which candles a market's hours promise.

runs        evenly spaced opens, kept as runs and counted by arithmetic
sessions    what every calendar answers; from spans of trade to bars, and the phase in which a vendor cuts them
weekly      24/7, 24/5, and the weeks of currencies and of metals
exchanges   exchange_calendars: any of its codes
mending     that library under pandas 3.1
clocks      the clocks that candles are written in, and which explains them week by week
learnt      the weekly pattern of the data itself
choosing    calendars by name, and which to offer
"""

from lib.calendars.choosing import LEARNT, Suggestion, calendar, names, suggest
from lib.calendars.learnt import learnt
from lib.calendars.runs import Runs
from lib.calendars.sessions import Calendar, Phase, Sessions, find_phase, runs_of

__all__ = [
    "LEARNT",
    "Calendar",
    "Phase",
    "Runs",
    "Sessions",
    "Suggestion",
    "calendar",
    "find_phase",
    "learnt",
    "names",
    "runs_of",
    "suggest",
]
