"""What a process leaves behind when it ends."""

from __future__ import annotations

import os
import subprocess
import sys

from lib.series import Series
from lib.store import open_store
from tests.conftest import ROOT

SCRIPT = """
import sys, time
from lib.live import hub
from lib.store import open_store
watch = hub.watch("demo", "DEMO-BTC", "1s", open_store(sys.argv[1]), timing=hub.Timing(record=3600.0))
end = time.monotonic() + 20
while len(watch.snapshot().table) < 503 and time.monotonic() < end:
    time.sleep(0.01)
print(watch.snapshot().table.index[-2].isoformat())
"""


def test_a_process_that_ends_stores_what_was_closed(tmp_path):
    """The seed is written at once; what closed after it waits an hour here, and is written at the end."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "s")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    kept = open_store(str(tmp_path / "s")).read(Series.of("demo", "DEMO-BTC", "1s"), provenance=True)
    assert kept.index[-1].isoformat() >= done.stdout.strip()
    assert kept["origin"].iloc[-1] == "demo stream"
