"""What is missing: the bars a calendar expects that are not there, and how much is.

Nothing here writes the expected bars out. Expected and present opens are both runs, so a series of ten
million minutes is compared in the time it takes to look once at the steps between its bars.

    looking   expected against present; coverage, and by the day for a picture
    causes    the gaps of what was looked at, with their likely causes
"""

from lib.gaps.causes import CAUSES, Gap, Gaps, find_gaps, gaps_of
from lib.gaps.looking import (
    Buckets,
    Coverage,
    Kept,
    by_day,
    by_edges,
    coverage_of,
    look,
)

__all__ = [
    "CAUSES",
    "Buckets",
    "Coverage",
    "Gap",
    "Gaps",
    "Kept",
    "by_day",
    "by_edges",
    "coverage_of",
    "find_gaps",
    "gaps_of",
    "look",
]
