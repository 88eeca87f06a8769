"""A running app and a browser to look at it with: for the tests, the benchmarks and the screenshots."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlencode

from playwright.sync_api import Browser, Playwright, sync_playwright

__all__ = ["ROOT", "AppServer", "find_browser", "free_port", "launch", "open_browser", "wait_until"]

ROOT = Path(__file__).resolve().parent.parent.parent
T = TypeVar("T")

_BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/usr/lib/chromium/chromium",
    "/snap/bin/chromium",
)  # fmt: skip
# A container has no sandbox for a browser, and few shared pages; nothing here calls home, and a page in
# the background keeps its timers.
_FLAGS = [
    "--no-sandbox",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--no-first-run",
    "--no-default-browser-check",
    "--metrics-recording-only",
    "--mute-audio",
]


def wait_until(
    check: Callable[[], T], *, timeout: float = 15.0, what: str = "it", page: Any = None, every: float = 0.05
) -> T:
    """Wait until ``check()`` is true and return what it returned. Give ``page`` where a browser page
    must go on receiving events meanwhile. Raises ``AssertionError`` that says what was waited for."""
    deadline = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {timeout:g} s for {what}; the last answer was {value!r}.")
        if page is None:
            time.sleep(every)
        else:
            page.wait_for_timeout(every * 1000)


def free_port() -> int:
    """A port of this machine that nobody holds now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -------------------------------------------------------------------------------------------- browser


@functools.cache
def find_browser() -> str | None:
    """Path of a Chromium or Chrome: ``CHROME`` if set, else one that is installed and runs, else None
    (Playwright then uses the one it downloaded itself)."""
    named = os.environ.get("CHROME")
    if named:
        found = shutil.which(named)
        if found is None:
            raise RuntimeError(f"CHROME names {named}, which is no program here.")
        return found
    return next((found for name in _BROWSERS if (found := shutil.which(name)) and _runs(found)), None)


def _runs(program: str) -> bool:
    """Some systems have a stand-in of that name that only says how to get the browser."""
    try:
        done = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def launch(playwright: Playwright, *, headless: bool = True, args: tuple[str, ...] = ()) -> Browser:
    """Start a browser. ``args`` are more command line flags, such as ``--js-flags=--expose-gc``."""
    return playwright.chromium.launch(
        executable_path=find_browser(), headless=headless, args=[*_FLAGS, *args], timeout=60_000
    )


@contextlib.contextmanager
def open_browser(*, headless: bool = True, args: tuple[str, ...] = ()) -> Iterator[Browser]:
    """A browser for a ``with`` block, for scripts; tests use the fixtures."""
    with sync_playwright() as playwright:
        browser = launch(playwright, headless=headless, args=args)
        try:
            yield browser
        finally:
            browser.close()


# ----------------------------------------------------------------------------------------------- app


class AppServer:
    """``streamlit run SCRIPT`` on a free port, for a ``with`` block.

    It has a store of its own in a temporary folder and providers that refuse at once, unless ``env``
    says otherwise. Leaving the block ends the process and raises ``AssertionError`` when the log holds
    a traceback (unless ``tracebacks=True``).

    ``url`` ends with a slash and has the base path in it.
    """

    def __init__(
        self,
        script: str | Path = "streamlit_app.py",
        *,
        base_path: str = "",
        env: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
        tracebacks: bool = False,
        timeout: float = 60.0,
    ) -> None:
        self.script = ROOT / script
        self.base_path = base_path.strip("/")
        self.tracebacks = tracebacks
        self._env = dict(env or {})
        self._options = options
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/" + (f"{self.base_path}/" if self.base_path else "")

    def at(self, page: str = "", **query: object) -> str:
        """The address of a page: ``server.at("History", series="sample:AAPL:1d")``."""
        return self.url + page.strip("/") + (f"?{urlencode(query)}" if query else "")

    @property
    def folder(self) -> Path:
        """A temporary folder of this server; its store is ``folder / "store"`` by default."""
        assert self._folder is not None, "the server is not running"
        return Path(self._folder.name)

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def log(self) -> str:
        """Everything the server has printed."""
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def check_log(self) -> None:
        """Raise ``AssertionError`` when the log holds a traceback."""
        text = self.log()
        assert self.tracebacks or "Traceback (most recent call last)" not in text, (
            f"The app printed a traceback:\n{text[-6000:]}"
        )

    def cpu_seconds(self) -> float:
        """Processor time used so far, user and system. Linux only."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory in MB. Linux only."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def __enter__(self) -> AppServer:
        self._folder = tempfile.TemporaryDirectory(prefix="candlebook-")
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.check_log()
            elif "Traceback (most recent call last)" in self.log():
                error.add_note(f"The app's log:\n{self.log()[-6000:]}")
        finally:
            self._stop()

    def _start(self) -> None:
        for _ in range(3):  # another process may take the port between our look and the server's bind
            self.port = free_port()
            with open(self.folder / "server.log", "wb") as log:
                self._process = subprocess.Popen(
                    self._command(),
                    cwd=ROOT,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            if self._wait():
                return
            if "is not available" not in self.log():
                break
        raise AssertionError(f"The app did not start:\n{self.log()[-6000:]}")

    def _command(self) -> list[str]:
        options = {
            "server.port": str(self.port),
            "server.address": "127.0.0.1",
            "server.headless": "true",
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": "false",
        }
        if self.base_path:
            options["server.baseUrlPath"] = self.base_path
        flags = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "streamlit", "run", str(self.script), *flags, *self._options]

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CANDLEBOOK_", "STREAMLIT_", "AWS_", "PYTEST_"))
        }
        ours = {
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "CANDLEBOOK_STORE": str(self.folder / "store"),
            "CANDLEBOOK_BINANCE_REST": "http://127.0.0.1:1",
            "CANDLEBOOK_BINANCE_STREAM": "ws://127.0.0.1:1",
        }
        return kept | ours | self._env

    def _wait(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + self._timeout
        # No proxy of the machine stands between us and ourselves.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            try:
                with opener.open(f"{self.url}_stcore/health", timeout=2) as answer:
                    if answer.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.05)
        return False

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for sign in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, sign)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
                    break
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()
