"""Columns put together block by block, as each is done.

The room is asked for ahead, by what the first lines tell: what is not used of it costs nothing, and there
is no second copy at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np

__all__ = ["gather"]

Array = np.ndarray[Any, Any]


def gather(blocks: Iterable[dict[str, Array]], likely: int = 0) -> dict[str, Array]:
    """The columns of all blocks, at least one, one behind the other, in arrays that may be written to.
    ``likely``: about how many rows there will be, 0 where it is not known."""
    every = iter(blocks)
    first, second = next(every), next(every, None)
    if second is None:
        return {name: values if values.flags.writeable else values.copy() for name, values in first.items()}
    made = {name: np.empty(0, values.dtype) for name, values in first.items()}
    ends = dict.fromkeys(made, 0)
    for block in chain((first, second), every):
        for name, values in block.items():
            end = ends[name] + len(values)
            if end > len(made[name]):
                made[name] = _larger(made[name], max(likely, end + end // 4))
            made[name][ends[name] : end] = values
            ends[name] = end
    return {name: values[: ends[name]] for name, values in made.items()}


def _larger(values: Array, rows: int) -> Array:
    made = np.empty(rows, values.dtype)
    made[: len(values)] = values
    return made
