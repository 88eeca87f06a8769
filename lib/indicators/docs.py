"""The README's table of indicators, made from the registry."""

from __future__ import annotations

from lib.indicators.registry import REGISTRY, Indicator, Param, number

__all__ = ["markdown_table"]


def markdown_table() -> str:
    """A Markdown table, a row per indicator, ending in a newline."""
    head = ["Indicator", "Written", "Parameters", "Drawn", "First value", "Source"]
    rows = [head, ["---"] * len(head), *map(_row, REGISTRY.values())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(entry: Indicator) -> list[str]:
    place = "on the price" if entry.pane == "price" else "own pane"
    first = f"bar {entry.warmup(*entry.defaults) + 1}"
    params = "; ".join(map(_param, entry.params)) or "none"
    return [entry.title, f"`{entry.usage}`", params, place, first, entry.citation]


def _param(param: Param) -> str:
    if param.choices:
        return param.label.lower() + " " + ", ".join(f"{number(at)} = {words}" for at, words in param.choices)
    return f"{param.label.lower()} {number(param.min)} to {number(param.max)}"
