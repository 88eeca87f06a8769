"""What the browser does with payloads (frontend/data.js), in Python."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

__all__ = ["BrowserModel", "wire"]


def wire(payload: dict[str, Any]) -> dict[str, Any]:
    """A payload after its journey: what is JSON has been JSON."""
    tables = {name: part for name, part in payload.items() if isinstance(part, pa.Table)}
    rest = {name: part for name, part in payload.items() if name not in tables}
    return {**json.loads(json.dumps(rest, allow_nan=False)), **tables}


def _columns(rows: Any, width: int) -> np.ndarray[Any, Any]:
    if isinstance(rows, pa.Table):
        return np.column_stack([rows.column(i).to_numpy() for i in range(rows.num_columns)])
    return np.array([[np.nan if value is None else value for value in row] for row in rows], float).reshape(
        -1, width
    )


class BrowserModel:
    """Holds ``rows`` (n, 6 + lines) and counts the resets it had to ask for."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.revision = -1
        self.rows = np.empty((0, 6))
        self.style: dict[str, Any] = {}
        self.shape: dict[str, Any] = {}
        self.identity = ""

    def receive(self, payload: dict[str, Any]) -> bool:
        """Apply it; False where a reset must be asked for."""
        payload = wire(payload)
        if payload["op"] != "reset" and (payload["id"] != self.id or payload["since"] > self.revision):
            return False
        if payload["id"] == self.id and payload["rev"] <= self.revision:
            return True
        if payload["op"] == "reset":
            self.id, self.identity, self.shape = payload["id"], payload["identity"], payload["shape"]
            self.rows = _columns(payload["rows"], 6 + len(self.shape["lines"]))
        width = self.rows.shape[1]
        if payload["op"] == "head":
            kept = (
                self.rows[:0] if payload["until"] is None else self.rows[self.rows[:, 0] >= payload["until"]]
            )
            self.rows = np.concatenate((_columns(payload["rows"], width), kept))
        for name in ("rows",) if payload["op"] == "tail" else ("newer",):
            if name in payload:
                kept = self.rows[self.rows[:, 0] < payload["from"]]
                self.rows = np.concatenate((kept, _columns(payload[name], width)))
        self.style = payload.get("style", self.style)
        self.revision = payload["rev"]
        assert np.all(np.diff(self.rows[:, 0]) > 0), "times must ascend"
        return True
