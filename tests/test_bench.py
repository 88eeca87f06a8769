from __future__ import annotations

from pathlib import Path

import pytest

import bench.__main__ as runner
from bench import Result

GOOD = """
from bench import Result
def run():
    print("noise")
    return [Result("fast", 2.5, "x", "at most 3", True, "a detail"), Result("free", 1200.0, "ms", "", True)]
"""
MISSES = "from bench import Result\ndef run():\n    return [Result('slow', 4.0, 'x', 'at most 3', False)]\n"
BREAKS = "def run():\n    raise ValueError('no such thing')\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bench folder of its own, with the real runner in it."""
    made = tmp_path / "bench"
    made.mkdir()
    for name in ("__init__.py", "__main__.py"):
        (made / name).write_text((runner.HERE / name).read_text())
    monkeypatch.setattr(runner, "HERE", made)
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    return made


def test_runs_each_in_a_process_and_shows_the_bar(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bench_speed.py").write_text(GOOD)
    (folder / "helpers.py").write_text("VALUE = 1\n")
    assert list(runner.modules()) == ["speed"]
    assert runner.main([]) == 0
    shown = capsys.readouterr().out
    assert "ok   fast" in shown
    assert "2.5 x        bar: at most 3" in shown
    assert "a detail" in shown
    assert "1,200 ms" in shown
    assert (folder.parent / "build" / "bench.json").exists()


def test_a_missed_bar_and_a_broken_benchmark_end_with_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "misses.py").write_text(MISSES)
    (folder / "breaks.py").write_text(BREAKS)
    (folder / "speed.py").write_text(GOOD)
    assert runner.main(["speed"]) == 0
    assert runner.main(["misses"]) == 1
    assert "MISS slow" in capsys.readouterr().out
    assert runner.main(["breaks"]) == 1
    assert "no such thing" in capsys.readouterr().out


def test_an_unknown_name_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "speed.py").write_text(GOOD)
    assert runner.main(["warp"]) == 2
    assert capsys.readouterr().err == "No benchmark warp; there are: speed.\n"


def test_figures() -> None:
    assert [runner.figure(value) for value in (3.0, 3.21987, 0.00123, 1234.5)] == [
        "3",
        "3.22",
        "0.00123",
        "1,234.5",
    ]
    assert runner.table([Result("n", 1.0, "s", "", True)]) == "     n           1 s"
