"""The command line: ``python -m lib import | download | sync | gaps | fill | check | list | export | delete``.

What a command answers goes to stdout, what it says beside goes to stderr. Exit codes: 0 done, 2 the
input was refused (nothing is stored), 3 the store failed, 4 try again later, 5 the source is wrong,
1 a bug of ours, 130 stopped by Ctrl-C.
"""

from lib.cli import checking, downloading, gaps, importing, stored
from lib.cli.base import main

__all__ = ["checking", "downloading", "gaps", "importing", "main", "stored"]
