"""How good a series is: what its calendar misses, and what in it is odd.

model      findings, the report, the badge
prices     spikes, wicks, outliers, flat and repeated bars
splits     jumps like those of splits
volumes    holes in volume; bid above ask
zones      times in the wrong zone; candles when the market is closed
reporting  all of these over one table
"""

from lib.quality.model import SEVERITIES, Badge, Finding, Refetches, Report, badge, share_text
from lib.quality.reporting import report
from lib.quality.volumes import crossed

__all__ = [
    "SEVERITIES",
    "Badge",
    "Finding",
    "Refetches",
    "Report",
    "badge",
    "crossed",
    "report",
    "share_text",
]
