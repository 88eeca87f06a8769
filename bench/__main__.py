"""``python -m bench [NAME ...]``: measure, show what came out beside the bar it is held to, and end with 1
when a bar is missed or a benchmark breaks.

Each file here with a ``run()`` is one benchmark and gets a process of its own, so that none warms up or
weighs on the next. All results also go to ``build/bench.json``.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import asdict
from pathlib import Path

from bench import Result

__all__ = ["main", "modules", "table"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LONGEST = 1200.0  # seconds for one benchmark


def modules() -> dict[str, str]:
    """Name of each benchmark -> its module: ``bench_store.py`` and ``store.py`` are both ``store``."""
    found = {}
    for path in sorted(HERE.glob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        if any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in body):
            found[path.stem.removeprefix("bench_")] = f"bench.{path.stem}"
    return found


def measure(module: str) -> list[Result] | str:
    """What the benchmark found, or why it broke: the end of what it printed."""
    with tempfile.TemporaryDirectory(prefix="candlebook-bench-") as folder:
        answer = Path(folder) / "results.json"
        env = os.environ | {"PYTHONPATH": str(ROOT), "CANDLEBOOK_STORE": str(Path(folder) / "store")}
        command = [sys.executable, "-m", "bench", "--in-here", module, str(answer)]
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, timeout=LONGEST, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"It took longer than {LONGEST:.0f} s."
        if done.returncode != 0 or not answer.exists():
            return done.stdout[-3000:].strip() or f"It ended with {done.returncode}."
        return [Result(**found) for found in json.loads(answer.read_text())]


def figure(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def table(results: list[Result]) -> str:
    """The results as lines of text: a mark, the name, the figure, the bar; details indented below."""
    wide = max((len(found.name) for found in results), default=0)
    lines = []
    for found in results:
        mark = ("ok  " if found.ok else "MISS") if found.bar else "    "
        bar = f"bar: {found.bar}" if found.bar else ""
        lines.append(f"{mark} {found.name:<{wide}}  {figure(found.value):>10} {found.unit:<8} {bar}".rstrip())
        lines += textwrap.wrap(found.detail, 100, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return "\n".join(lines)


def main(names: list[str]) -> int:
    offered = modules()
    unknown = [name for name in names if name not in offered]
    if unknown:
        print(f"No benchmark {', '.join(unknown)}; there are: {', '.join(offered)}.", file=sys.stderr)
        return 2
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    kept: dict[str, list[dict[str, object]]] = {}
    missed, broken = [], []
    for name in names or offered:
        begun = time.perf_counter()
        found = measure(offered[name])
        print(f"\n{name} ({time.perf_counter() - begun:.0f} s)", flush=True)
        if isinstance(found, str):
            broken.append(name)
            print(textwrap.indent(found, "    "), flush=True)
            continue
        print(table(found), flush=True)
        kept[name] = [asdict(each) for each in found]
        missed += [each.name for each in found if not each.ok]
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bench.json").write_text(json.dumps(kept, indent=1))
    if missed:
        print(f"\nMissed: {'; '.join(missed)}")
    if broken:
        print(f"\nBroken: {', '.join(broken)}")
    return 1 if missed or broken else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--in-here"]:
        module, answer = sys.argv[2:]
        results = importlib.import_module(module).run()
        # numpy's numbers and truths are turned into Python's
        Path(answer).write_text(
            json.dumps([asdict(each) for each in results], default=lambda value: value.item())
        )
    else:
        sys.exit(main(sys.argv[1:]))
