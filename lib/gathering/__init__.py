"""Files on their way into the store, one or many: each is read and checked, then all are compared, then
stored as one series or as one each. The command line and the page both go this way.

    checked     a file that has passed its check; its candles wait on disk, not in memory
    clashing    what several files say differently of one time
    joining     several files as parts of one series: one timeframe, and no contradiction
    basket      the files of one reader: what of each is known, until it is stored
    commands    the same import, as lines for a shell
"""

from lib.gathering.basket import Basket, Given, Look
from lib.gathering.checked import Checked, Room
from lib.gathering.clashing import Clash, clashes
from lib.gathering.commands import Asked, commands
from lib.gathering.joining import Group, Outcome, grouped, join, store_all

__all__ = [
    "Asked", "Basket", "Checked", "Clash", "Given", "Group", "Look", "Outcome", "Room", "clashes", "commands",
    "grouped", "join", "store_all",
]  # fmt: skip
