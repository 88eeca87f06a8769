"""See to it that a browser for the tests is there and starts; say what to do where it is not.

In this order: ``CHROME``, a Chromium or Chrome that is installed, the system's package manager where it
may be used without asking, Playwright's own download.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.browser.harness import find_browser, open_browser

# Program, and what it is told; "sudo" where only root may.
_MANAGERS = (
    ("apt-get", True, ("install", "-y", "--no-install-recommends", "chromium")),
    ("dnf", True, ("install", "-y", "chromium")),
    ("pacman", True, ("-S", "--noconfirm", "--needed", "chromium")),
    ("apk", True, ("add", "chromium")),
    ("zypper", True, ("--non-interactive", "install", "chromium")),
    ("brew", False, ("install", "--cask", "chromium")),
)


def starts() -> str | None:
    """None when the browser that would be used starts and shows a page; else why not."""
    try:
        with open_browser() as browser:
            page = browser.new_page()
            page.set_content("<p>ready</p>")
            page.get_by_text("ready").wait_for()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the next way is tried
        lines = str(error).strip().splitlines()
        return "\n".join([lines[0], *(line for line in lines[1:] if "error while" in line.lower())])
    return None


def run(command: list[str]) -> bool:
    print("  " + " ".join(command), flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "HOMEBREW_NO_AUTO_UPDATE": "1"}
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, env=env, timeout=900, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def as_root() -> list[str] | None:
    """What to put before a command so that it runs as root without a question; None where it cannot."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(
        ["sudo", "-n", "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    ).returncode == 0:  # fmt: skip
        return ["sudo", "-n"]
    return None


def by_package_manager() -> bool:
    for name, needs_root, arguments in _MANAGERS:
        if not shutil.which(name):
            continue
        before = as_root() if needs_root else []
        if before is None:
            return False
        print(f"No browser here; asking {name} for Chromium.", flush=True)
        return run([*before, name, *arguments]) or (
            name == "apt-get" and run([*before, name, "update"]) and run([*before, name, *arguments])
        )
    return False


def by_playwright() -> bool:
    print("Downloading Playwright's own Chromium.", flush=True)
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        command.append("--with-deps")
    return run(command)


def main() -> int:
    why = starts()
    if why is None:
        return 0
    if not os.environ.get("CHROME"):
        for get in (by_package_manager, by_playwright):
            if find_browser() is None and get():
                find_browser.cache_clear()
                why = starts()
                if why is None:
                    return 0
    print(
        f"The browser tests need a Chromium or Chrome that starts, and none does here.\n{why}\n"
        "Install one (apt-get install chromium, brew install --cask chromium, ...), or name one: "
        "make test CHROME=/path/to/chrome",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
