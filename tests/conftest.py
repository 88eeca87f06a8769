"""What every test gets: a store of its own, and no way to the internet."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent

hypothesis.settings.register_profile(
    "default", deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
# The same examples in every run, so that a red run is red again.
hypothesis.settings.register_profile("ci", hypothesis.settings.get_profile("default"), derandomize=True)
hypothesis.settings.register_profile(
    "thorough", hypothesis.settings.get_profile("default"), max_examples=1000
)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, four at most: tests of pages and servers wait much of their time."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return min(len(usable) + 1, 4)


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of real market data beside the checkout; a plain clone has none."""
    folder = ROOT.parent / "shared" / "market-data"
    if not (folder / "manifest.csv").is_file():
        pytest.skip(
            "no folder shared/market-data beside the checkout: these figures are not in the repository"
        )
    return folder


# ------------------------------------------------------------------------------------------ isolation


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the machine do not reach a test: its store is its own, providers are nowhere."""
    for name in os.environ:
        if name.startswith(("CANDLEBOOK_", "AWS_", "STREAMLIT_", "DATA_API_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CANDLEBOOK_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("CANDLEBOOK_CACHE", str(tmp_path / "cache"))
    # Port 1 on this machine: refused at once.
    monkeypatch.setenv("CANDLEBOOK_BINANCE_REST", "http://127.0.0.1:1")
    monkeypatch.setenv("CANDLEBOOK_BINANCE_STREAM", "ws://127.0.0.1:1")
    monkeypatch.setenv("CANDLEBOOK_CCXT_REST", "http://127.0.0.1:1")
    # curl's sockets are not Python's, so the guard below does not see them
    monkeypatch.setenv("CANDLEBOOK_YAHOO_REST", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


class NoInternet(OSError):
    """A test tried to leave this machine."""


def _is_local(host: object) -> bool:
    if not host or host in ("localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


_real_connect = socket.socket.connect
_real_connect_ex = socket.socket.connect_ex
_real_getaddrinfo = socket.getaddrinfo


@pytest.fixture(autouse=True)
def _no_internet(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only this machine answers; a test that tries another fails, even where the code hides the error."""
    tried: list[str] = []

    def check(host: object) -> None:
        if not _is_local(host):
            tried.append(str(host))
            raise NoInternet(f"Tests may only connect to this machine, not to {host}.")

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            check(address[0])
        _real_connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            check(address[0])
        return _real_connect_ex(self, address)

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        check(host)
        return _real_getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    if tried and not request.node.get_closest_marker("offline"):
        pytest.fail(
            f"The test tried to reach {', '.join(sorted(set(tried)))}; mark it offline if it means to."
        )


# ------------------------------------------------------------------------------------------- schedule


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For pytest-xdist's ``--dist loadgroup``: a file stays in one process, so that its servers start
    once; browser tests come first and are two groups, so that no more than two browsers run at once."""
    browser_files = sorted({item.path for item in items if _in_browser(item)})
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        if _in_browser(item):
            item.add_marker("browser")
            group = f"browser-{browser_files.index(item.path) % 2}"
        else:
            group = item.path.relative_to(ROOT).as_posix()
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not _in_browser(item))


def _in_browser(item: pytest.Item) -> bool:
    return "browser" in item.path.relative_to(ROOT).parts
