"""Fixtures of the browser tests. Playwright's event loop would stand in the way of other tests in the
same process, so the browser lives as long as the tests of this folder run, not as long as the session."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.browser.harness import AppServer, launch

# What a browser prints as an error and is none of ours.
_HARMLESS = re.compile(r"favicon|Failed to load resource: the server responded with a status of 404")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launch(playwright, args=("--process-per-site",))
        yield started
        started.close()


@pytest.fixture(scope="package")
def serve() -> Iterator[Callable[..., AppServer]]:
    """``serve(script="streamlit_app.py", base_path="", env=None)``: the running server for these, one
    for all tests that ask for the same. Start an ``AppServer`` of your own where a test needs its state."""
    running: dict[tuple[object, ...], AppServer] = {}

    def get(
        script: object = "streamlit_app.py", *, base_path: str = "", env: dict[str, str] | None = None
    ) -> AppServer:
        key = (str(script), base_path, tuple(sorted((env or {}).items())))
        if key not in running:
            running[key] = AppServer(str(script), base_path=base_path, env=env).__enter__()
        return running[key]

    yield get
    errors = []
    for server in running.values():
        try:
            server.__exit__(None, None, None)
        except AssertionError as error:
            errors.append(str(error))
    assert not errors, "\n\n".join(errors)


class Watch:
    """What went wrong in the pages of one context. A test that means an error clears ``problems``."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.origins: set[str] = set()

    def attach(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _HARMLESS.search(message.text):
            self.problems.append(f"console: {message.text}")

    def requested(self, request: Request) -> None:
        """Nothing is loaded from anywhere but this machine; the browser finds no other. Requests are looked at,
        not held up: that would cost a sixth of these tests' time."""
        url = urlsplit(request.url)
        if url.hostname not in ("127.0.0.1", "localhost", None):
            self.problems.append(f"tried to load {request.url}")
        elif url.scheme == "http":
            self.origins.add(f"{url.scheme}://{url.netloc}")


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="package")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """One browser window for all tests: 1280 x 900, English, UTC, light. A page that stays open in it keeps the
    process of this machine's pages, which would compile Streamlit anew for each test; that took half of their
    time."""
    made = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-GB", timezone_id="UTC", color_scheme="light"
    )
    made.set_default_timeout(60_000)  # a busy machine is slow, not wrong
    keeper = made.new_page()
    keeper.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
    keeper.goto("http://127.0.0.1/")
    yield made
    made.close()


@pytest.fixture
def context(window: BrowserContext, watch: Watch) -> Iterator[BrowserContext]:
    """The window, as empty as at the beginning: pages, cookies and what pages keep in the browser are the test's
    own. Fails on errors in its pages."""
    keeper = window.pages[0]
    window.on("page", watch.attach)
    window.on("request", watch.requested)
    yield window
    for each in window.pages[1:]:
        each.close()
    window.remove_listener("page", watch.attach)
    window.remove_listener("request", watch.requested)
    storage = window.new_cdp_session(keeper)
    for origin in watch.origins:
        storage.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    storage.detach()
    assert not watch.problems, "The page had errors:\n" + "\n".join(watch.problems)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
