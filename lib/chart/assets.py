"""The files the browser loads: our modules, and the chart library from its Python package.

Both folders are served by Streamlit at ``component/<module>.<name>/``. Our folder's name holds a digest
of its content, so that a browser never mixes modules of two versions from its cache.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from streamlit.components.v1 import declare_component

from lib.errors import InternalError

__all__ = ["FRONTEND", "frontend_name", "library_folder", "library_name", "serve"]

FRONTEND = Path(__file__).parent / "frontend"
_PACKAGE = "lightweight-charts"
_SCRIPT = "js/lightweight-charts.js"


@cache
def frontend_name() -> str:
    """The name under which our folder is served."""
    digest = hashlib.sha256()
    for path in sorted(FRONTEND.glob("*.*")):
        digest.update(path.name.encode() + path.read_bytes())
    return f"ui-{digest.hexdigest()[:6]}"


@cache
def library_folder() -> Path:
    """The folder of the package ``lightweight-charts`` that holds ``lightweight-charts.js``.

    Found without importing the package, which would load a desktop window library.
    Raises ``InternalError`` where it is not installed.
    """
    try:
        files = distribution(_PACKAGE).files or []
    except PackageNotFoundError as exc:
        raise InternalError(
            f"The package {_PACKAGE} is not installed.", remedy="Run: pip install -r requirements.txt"
        ) from exc
    for file in files:
        if file.as_posix().endswith(_SCRIPT):
            return Path(str(file.locate())).resolve().parent
    raise InternalError(f"The package {_PACKAGE} does not hold {_SCRIPT}.")


@cache
def library_name() -> str:
    """The name under which the library's folder is served."""
    return f"lwc-{distribution(_PACKAGE).version}"


def serve() -> None:
    """Have the running server serve both folders. To be called inside a script run. Takes microseconds."""
    declare_component(frontend_name(), path=FRONTEND)
    declare_component(library_name(), path=library_folder())
