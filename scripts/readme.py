"""Puts the table of indicators into README.md, from the registry. ``make fix`` runs it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from lib.indicators import markdown_table  # noqa: E402

_BETWEEN = re.compile(r"(<!-- indicators:[^>]*-->\n).*?(<!-- /indicators -->)", re.DOTALL)


def filled(text: str) -> str:
    """The README's text with its table as the registry has it."""
    return _BETWEEN.sub(lambda hit: f"{hit[1]}{markdown_table().strip()}\n{hit[2]}", text)


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
