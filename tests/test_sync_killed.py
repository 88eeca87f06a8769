"""kill -9 in the middle of a download."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests import killed
from tests.servers.binance_rest import Server


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_download_fetches_at_most_one_page_again(tmp_path: Path, seed: int) -> None:
    there = killed.exchange()
    with Server(there) as server:
        found = killed.kill_one(
            there, server.url, tmp_path / "kept", killed.SYMBOLS[seed % 2], random.Random(seed)
        )
    assert found.whole
    assert found.again in (0, 1), found
    assert found.kept >= (found.before - 1) * 1000, "what had arrived was kept"
