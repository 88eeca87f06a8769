"""The guard of the tests: nothing leaves this machine, and nothing of this machine's settings comes in."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import requests

from lib import settings
from tests.conftest import NoInternet


@pytest.mark.offline
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "example.com"])
def test_the_internet_is_closed(address: str) -> None:
    with pytest.raises(NoInternet):
        socket.create_connection((address, 80), timeout=1)


@pytest.mark.offline
def test_libraries_see_it_as_a_connection_that_failed() -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get("http://example.com/", timeout=1)


def test_this_machine_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            with socket.create_connection((host, port), timeout=5):
                pass


def test_a_test_that_tries_fails(pytester: pytest.Pytester) -> None:
    """Even where the code under test swallows the error."""
    source = (Path(__file__).parent / "conftest.py").read_text()
    pytester.makeconftest(source)
    pytester.makepyfile(
        """
        import contextlib, socket

        def test_hides_it():
            with contextlib.suppress(OSError):
                socket.create_connection(("192.0.2.1", 80), timeout=1)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*tried to reach 192.0.2.1*"])


def test_settings_are_the_tests_own(tmp_path: Path) -> None:
    assert settings.store_url() == str(tmp_path / "store")
    assert settings.binance_rest() == "http://127.0.0.1:1"
    assert not [name for name in os.environ if name.startswith("STREAMLIT_")]
