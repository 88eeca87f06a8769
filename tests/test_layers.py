"""The folder list is the architecture: imports run one way, and the shared code knows no provider."""

from __future__ import annotations

import ast
import functools
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# From the ground up; a module imports its own layer and those before it.
LAYERS = [
    {"errors", "timeframes", "series", "candles", "settings", "wording"},
    {"calendars", "comparison", "indicators", "gaps", "quality", "viewport", "replay", "statistics"},
    {
        "remote",
        "sources",
        "files",
        "gathering",
        "store",
        "samples",
        "sync",
        "live",
        "export",
        "history",
        "health",
    },
    {"cli", "__main__"},
    {"ui", "chart"},
]
# The command line stands beside the pages: neither knows the other.
FORBIDDEN = {("ui", "cli"), ("ui", "__main__"), ("chart", "cli"), ("chart", "__main__")}
# The chart draws tables; it fetches none.
IO = LAYERS[2]
# What opens files, sockets or threads has no place in the two pure layers.
IMPURE = {
    "aiohttp", "asyncio", "boto3", "botocore", "click", "concurrent", "filelock", "fsspec", "http", "multiprocessing",
    "pyrate_limiter", "requests", "s3fs", "shutil", "socket", "streamlit", "subprocess", "tempfile", "tenacity",
    "urllib3", "websockets",
}  # fmt: skip
VENUES = (
    "binance",
    "oanda",
    "twelvedata",
    "twelve data",
    "metaapi",
    "bitstamp",
    "bitfinex",
    "kraken",
    "coinbase",
)
# Where a provider may be named: its own files, the lists of sources and of feeds, and its settings.
NAMES_VENUES = {"registry", "feeds", "settings"}


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def lib_files() -> list[Path]:
    return sorted(
        path for path in (ROOT / "lib").rglob("*.py") if path.name != "__init__.py" or path.stat().st_size
    )


def page_files() -> list[Path]:
    return [
        path for path in [ROOT / "streamlit_app.py", *sorted((ROOT / "pages").glob("*.py"))] if path.exists()
    ]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def top_of(path: Path) -> str:
    """``lib/store/layout.py`` is of ``store``, ``lib/candles.py`` of ``candles``."""
    return path.relative_to(ROOT / "lib").parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module imported anywhere in the file, in full, with its line; imports for types too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{shown(path)}:{node.lineno}: write the whole name: from lib.x import y"
            module = node.module or ""
            if module == "lib":
                for alias in node.names:
                    yield f"lib.{alias.name}", node.lineno
            else:
                yield module, node.lineno


def of_lib(path: Path) -> Iterator[tuple[str, int]]:
    """The parts of lib that the file imports, such as ``store``."""
    for name, line in imports(path):
        parts = name.split(".")
        if parts[0] == "lib" and len(parts) > 1:
            yield parts[1], line


def rank(top: str) -> int:
    found = [number for number, layer in enumerate(LAYERS) if top in layer]
    assert found, f"lib/{top} stands in no layer: give it its place in LAYERS"
    return found[0]


def test_every_part_of_lib_has_its_layer() -> None:
    for path in lib_files():
        if path != ROOT / "lib" / "__init__.py":
            rank(top_of(path))


def test_imports_run_one_way() -> None:
    breaches = []
    for path in lib_files():
        if path == ROOT / "lib" / "__init__.py":
            continue
        top = top_of(path)
        for other, line in of_lib(path):
            if rank(other) > rank(top) or (top, other) in FORBIDDEN or (top == "chart" and other in IO):
                breaches.append(f"{shown(path)}:{line} imports lib.{other}")
    assert not breaches, "\n".join(breaches)


def assert_no_circle(edges: dict[str, set[str]]) -> None:
    done: set[str] = set()

    def visit(one: str, trail: tuple[str, ...]) -> None:
        assert one not in trail, " -> ".join([*trail[trail.index(one) :], one])
        if one not in done:
            for other in sorted(edges.get(one, set()) - {one}):
                visit(other, (*trail, one))
            done.add(one)

    for one in sorted(edges):
        visit(one, ())


def test_parts_of_one_layer_do_not_import_each_other_in_a_circle() -> None:
    edges: dict[str, set[str]] = {}
    for path in lib_files():
        if path != ROOT / "lib" / "__init__.py":
            edges.setdefault(top_of(path), set()).update(other for other, _ in of_lib(path))
    assert_no_circle(edges)


def test_files_do_not_import_each_other_in_a_circle() -> None:
    """Imports inside functions count: what has to be put off is in the wrong file."""
    files = {
        shown(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path
        for path in lib_files()
    }
    edges: dict[str, set[str]] = {}
    for name, path in files.items():
        edges[name] = {
            alias.name
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom):
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                edges[name] |= {one if one in files else str(node.module) for one in whole}
    assert_no_circle(edges)


def test_only_ui_and_chart_import_streamlit() -> None:
    breaches = [
        f"{shown(path)}:{line} imports {name}"
        for path in lib_files()
        for name, line in imports(path)
        if name.split(".")[0].startswith("streamlit")
        and (path == ROOT / "lib" / "__init__.py" or top_of(path) not in ("ui", "chart"))
    ]
    assert not breaches, "\n".join(breaches)


def test_lib_without_ui_does_not_load_streamlit() -> None:
    """Not by the way of another library either: the command line must not pay for it."""
    names = [
        "lib.candles",
        "lib.indicators",
        "lib.store",
        "lib.files",
        "lib.sources",
        "lib.sync",
        "lib.live",
        "lib.cli",
    ]
    there = [
        name for name in names if any((ROOT / name.replace(".", "/")).parent.glob(f"{name.split('.')[1]}*"))
    ]
    code = f"import sys, importlib\nfor n in {there}: importlib.import_module(n)\nprint('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stdout + done.stderr


def test_the_pure_layers_touch_no_file_socket_or_thread() -> None:
    breaches = [
        f"{shown(path)}:{line} imports {name}"
        for path in lib_files()
        if path != ROOT / "lib" / "__init__.py" and rank(top_of(path)) < 2
        for name, line in imports(path)
        if name.split(".")[0] in IMPURE
    ]
    assert not breaches, "\n".join(breaches)


def test_pages_are_thin() -> None:
    """Streamlit, the shared parts, and pure tables in, tables out: the rest is behind one call."""
    allowed = LAYERS[0] | LAYERS[1] | {"ui", "chart"}
    for path in page_files():
        for name, line in imports(path):
            parts = name.split(".")
            fine = parts[0] in ("streamlit", "__future__") or (
                parts[0] == "lib" and parts[1:2] and parts[1] in allowed
            )
            assert fine, f"{shown(path)}:{line} imports {name}"
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 80, f"{shown(path)} is more than a page"


def strings_and_names(path: Path) -> Iterator[tuple[str, int]]:
    """Everything in the file but its comments and docstrings."""
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value, node.lineno
        elif isinstance(node, ast.Name):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.lineno


def test_shared_code_names_no_provider() -> None:
    """No branch on a provider's name. A sentence for the reader may have one as its example."""
    breaches = [
        f"{shown(path)}:{line}: {text!r}"
        for path in lib_files()
        if path.stem not in NAMES_VENUES and not any(venue in path.as_posix().lower() for venue in VENUES)
        for text, line in strings_and_names(path)
        if " " not in text and any(venue in text.lower() for venue in VENUES)
    ]
    assert not breaches, "\n".join(breaches)


def test_no_handler_catches_everything_in_silence() -> None:
    """A bare ``except:`` nowhere; ``except Exception`` only at the pages' last resort in lib/ui, and where
    a thread must end with its error told (marked BLE001 on the line, with the reason)."""
    breaches = []
    for path in [*lib_files(), *page_files()]:
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            names = (
                {item.id for item in ast.walk(node.type) if isinstance(item, ast.Name)}
                if node.type
                else {"everything"}
            )
            broad = names & {"everything", "Exception", "BaseException"}
            if broad and (node.type is None or "BLE001" not in lines[node.lineno - 1]):
                breaches.append(f"{shown(path)}:{node.lineno} catches {', '.join(sorted(broad))}")
    assert not breaches, "\n".join(breaches)


def defined_in(body: list[ast.stmt]) -> Iterator[str]:
    """Names that the top level of a module brings into being."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            yield from (
                item.id
                for item in ast.walk(node)
                if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)
            )
        elif isinstance(node, ast.If | ast.Try):
            yield from defined_in(node.body)


@pytest.mark.parametrize("path", lib_files(), ids=shown)
def test_what_a_module_offers_is_written_down(path: Path) -> None:
    """A docstring, and an ``__all__`` that names what is there and nothing private."""
    module = tree(path)
    assert ast.get_docstring(module), "no docstring says what the module is for"
    names = set(defined_in(module.body))
    if path.name == "__main__.py" or not names - {"annotations"}:
        return
    lists = [
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    ]
    assert len(lists) == 1, "one __all__ says what the module offers"
    assert not [name for name in lists[0] if name.startswith("_")]
    assert len(set(lists[0])) == len(lists[0])
    assert "__getattr__" in names or set(lists[0]) <= names, f"not there: {sorted(set(lists[0]) - names)}"


def test_functions_are_short_and_modules_hold_one_thing() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for path in lib_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert statistics.median(lengths) <= 12
    assert lengths[len(lengths) * 9 // 10] <= 35
    sizes = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in lib_files()}
    assert not {name: size for name, size in sizes.items() if size > 600}
