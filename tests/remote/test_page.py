"""Home's door to buckets and addresses, in Streamlit's own test harness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lib import export
from lib.series import Series
from lib.store import open_store
from lib.ui import elsewhere
from tests.remote.conftest import CANDLES
from tests.servers.faulty_proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home() -> AppTest:
    return AppTest.from_file(ROOT / "streamlit_app.py", default_timeout=60).run()


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLEBOOK_PRIVATE", "yes")


def typed(page: AppTest, address: str) -> AppTest:
    return page.text_input(key="elsewhere_address").input(address).run()


def files(page: AppTest) -> Any:
    return next(each for each in page.multiselect if each.label == "Files")


def said(page: AppTest) -> str:
    return " ".join(each.value for kind in ("error", "warning", "info") for each in page.get(kind)).replace(
        "\\", ""
    )


@pytest.mark.usefixtures("private")
def test_files_of_a_bucket_go_one_after_another_into_the_store(home: AppTest, proxy: Proxy) -> None:
    page = typed(home, "s3://files/")
    assert not page.exception
    into = next(each for each in page.selectbox if each.label == "Folders")
    page = into.select("s3://files/2024/").run()
    assert page.text_input(key="elsewhere_address").value == "s3://files/2024/"
    page = files(page).set_value(["s3://files/2024/a.csv", "s3://files/2024/b.csv"]).run()
    page = page.button(key="elsewhere_open").click().run()
    assert not page.exception
    for left in (1, 0):
        symbol = next(each for each in page.text_input if each.label == "Symbol" and "symbol_" in (each.key or "") and
                      each.key not in ("download_symbol", "live_symbol"))  # fmt: skip
        page = symbol.input("MINE").run()
        page = next(each for each in page.button if each.label == "Store").click().run()
        assert not page.exception
        assert len(page.session_state["elsewhere_queue"]) == left
    assert len(open_store().read(Series.of("file", "MINE", "1h"))) == 60
    # nothing is asked of the bucket while the reader does something else
    proxy.well()
    page.run()
    assert proxy.requests() == []


@pytest.mark.usefixtures("private")
def test_patterns_addresses_and_paths(home: AppTest, proxy: Proxy, web: str, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(export.to_bytes(CANDLES, "csv"))
    page = home
    for address, name in [("s3://files/*/b*", "b.csv"), (f"{web}/b.csv", "b.csv"), (str(path), "own.csv")]:
        page = typed(page, address)
        assert files(page).value != []
        page = page.button(key="elsewhere_open").click().run()
        assert not page.exception
        assert page.session_state["elsewhere_queue"][0].name == name
        assert any("candles" in each.value for each in page.markdown)
        page = page.button(key="elsewhere_away").click().run()
        assert page.session_state["elsewhere_queue"] == []


@pytest.mark.usefixtures("private")
def test_what_fails_is_said_and_can_be_tried_again(home: AppTest, proxy: Proxy) -> None:
    page = typed(home, "s3://nowhere/")
    assert "no such bucket" in said(page)
    proxy.fail("503", times=7)
    page = typed(page, "s3://files/")
    assert "fewer requests" in said(page)
    page = page.button(key="elsewhere_again").click().run()
    assert not page.error
    assert files(page).options[0].startswith("large.bin · 5.1 MB · ")


def test_a_stranger_gets_nothing_of_the_owner(home: AppTest, proxy: Proxy, web: str, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("x")
    page = typed(home, str(tmp_path / "own.csv"))
    assert "not open to its readers" in said(page)
    for address in (f"{web}/b.csv", "https://127.0.0.1/a.csv"):
        page = typed(page, address)
        page = page.button(key="elsewhere_open").click().run()
        assert "not open to readers" in said(page)
        assert not page.exception
    assert elsewhere.rights().buckets is False
    assert proxy.requests() == []


@pytest.mark.parametrize(
    ("ip", "headers", "here"),
    [
        (None, {"Host": "localhost:8501", "Origin": "http://localhost:8501"}, True),
        (None, {"Host": "127.0.0.1:8501", "Origin": "http://127.0.0.1:8501"}, True),
        (None, {"Host": "[::1]:8501", "Origin": "http://[::1]:8501"}, True),
        (None, {}, False),
        (None, {"Host": "localhost:8501"}, False),
        (None, {"Host": "app.example.com", "Origin": "https://app.example.com"}, False),
        (None, {"Host": "localhost:8501", "Origin": "https://app.example.com"}, False),
        (None, {"Host": "localhost:8501", "Origin": "http://localhost.example.com"}, False),
        (None, {"Host": "localhost:8501", "Origin": "http://localhost:8501", "X-Forwarded-For": "8.8.8.8"}, False),
        ("192.168.1.7", {"Host": "localhost:8501", "Origin": "http://localhost:8501"}, False),
    ],
)  # fmt: skip
def test_who_is_at_this_machine(
    monkeypatch: pytest.MonkeyPatch, ip: str | None, headers: dict[str, str], here: bool
) -> None:
    class Context:
        ip_address = ip

    Context.headers = headers  # type: ignore[attr-defined]
    monkeypatch.setattr(elsewhere.st, "context", Context())
    assert elsewhere.rights().buckets is here
    assert elsewhere.rights().files is False
    for said_, rights in (("no", False), ("yes", True)):
        monkeypatch.setenv("CANDLEBOOK_PRIVATE", said_)
        found = elsewhere.rights()
        assert (found.buckets, found.files, found.hosts) == (rights,) * 3
