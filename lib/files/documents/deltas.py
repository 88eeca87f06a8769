"""JSON that holds differences: a start beside the list of steps from it, as some feeds send ticks and candles.

``{"timestamp": 1.7e12, "multiplier": 1e-5, "bid": 1.1, "ask": 1.2, "times": [93, 104], "bids": [0, -2], ...}``:
each list begins at its namesake in the singular and goes on by its steps; prices in units of the multiplier,
times in milliseconds, or in units of ``shift``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["undo"]


def undo(node: dict[str, Any]) -> dict[str, list[Any]] | None:
    """The columns that the steps lead to, or None where a node holds no such steps. Numbers may be texts."""
    unit, start = _number(node.get("multiplier")), _number(node.get("timestamp"))
    steps = _steps(node.get("times"))
    if unit is None or not 1e-12 <= unit <= 1e6 or start is None or steps is None:
        return None
    shift = _number(node.get("shift")) or 1.0
    times = np.cumsum(steps) * shift + start
    if not (np.abs(times) < 2**62).all():
        return None
    made: dict[str, list[Any]] = {"time": times.astype(np.int64).tolist()}
    decimals = max(0, round(-float(np.log10(unit))))
    for name, values in node.items():
        taken = None if name == "times" else _steps(values)
        if taken is None or len(taken) != len(steps):
            continue
        base = _number(node.get(name.removesuffix("s"))) if name.endswith("s") else None
        if base is None:
            made[name] = values
        else:
            made[name.removesuffix("s")] = np.round(base + np.cumsum(taken) * unit, decimals).tolist()
    return made if len(made) > 2 else None


def _number(value: Any) -> float | None:
    try:
        made = float(value) if isinstance(value, int | float | str) else float("nan")
    except (ValueError, OverflowError):
        return None
    return made if abs(made) < 1e16 else None


def _steps(values: Any) -> list[float] | None:
    if not isinstance(values, list) or not values:
        return None
    made = [_number(each) for each in values]
    known = [each for each in made if each is not None]
    return known if len(known) == len(made) else None
