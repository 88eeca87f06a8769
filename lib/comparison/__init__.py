"""Two series of one market, side by side: how far apart, which leads, and whether one is on another clock.

differences   figures over the common bars, lead and lag
clocks        the right series' clock seen from the left's, summer time and all; and how to undo it
quotes        a broker's live quotes against the series
"""

from lib.comparison.clocks import Shift, find_shift, unshift
from lib.comparison.differences import Comparison, compare
from lib.comparison.quotes import Offset, quote_offset

__all__ = ["Comparison", "Offset", "Shift", "compare", "find_shift", "quote_offset", "unshift"]
