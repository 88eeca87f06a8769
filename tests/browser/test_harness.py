"""The harness itself: it starts an app, sees what goes wrong in it, and ends it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Watch
from tests.browser.harness import AppServer, wait_until

SCRIPT = """
import os
import streamlit as st
st.title("Hello")
st.write(os.environ["CANDLEBOOK_STORE"])
if st.button("Break"):
    raise RuntimeError("broken on purpose")
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "small_app.py"
    path.write_text(SCRIPT)
    return path


@pytest.mark.parametrize("base_path", ["", "x"])
def test_serves_under_a_base_path(
    page: Page, serve: Callable[..., AppServer], script: Path, base_path: str
) -> None:
    server = serve(script, base_path=base_path)
    page.goto(server.url)
    page.get_by_role("heading", name="Hello").wait_for()
    page.get_by_text(str(server.folder / "store")).wait_for()
    assert serve(script, base_path=base_path) is server


def test_a_traceback_in_the_log_is_told_and_the_process_ends(page: Page, script: Path) -> None:
    with pytest.raises(AssertionError, match="broken on purpose"), AppServer(script) as server:
        pid = server.pid
        page.goto(server.url)
        page.get_by_role("button", name="Break").click()
        wait_until(lambda: "Traceback" in server.log(), what="the traceback", page=page)
        page.goto("about:blank")  # it would ask for the server once more
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        pytest.fail("the server is still running")


def test_a_script_that_is_not_there_is_told() -> None:
    with pytest.raises(AssertionError, match=r"did not start(?s:.)*no_such_app"), AppServer("no_such_app.py"):
        pass


def test_page_errors_and_foreign_addresses_are_seen(page: Page, watch: Watch) -> None:
    page.goto("data:text/html,<script>setTimeout(() => { throw new Error('oh') })</script>")
    wait_until(lambda: watch.problems, what="the error", page=page)
    assert watch.problems == ["error: oh"]
    watch.problems.clear()
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://example.com/")
    assert watch.problems == ["tried to load http://example.com/"]
    watch.problems.clear()


def test_wait_until_says_what_it_waited_for() -> None:
    with pytest.raises(AssertionError, match=r"Waited 0 s for the moon; the last answer was 0"):
        wait_until(lambda: 0, timeout=0, what="the moon")
