"""Home's door to buckets and addresses, in Streamlit's own test harness."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from lib import export
from lib.cli import main
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


def folders(page: AppTest, label: str) -> Any:
    return next(each for each in page.selectbox if each.label == label)


def command(page: AppTest) -> list[str]:
    return [
        line for each in page.code for line in each.value.splitlines() if line.startswith("python -m lib")
    ]


def same_by_shell(line: str, series: Series, count: int, folder: Path) -> None:
    """What the page has stored is what its command stores."""
    other = str(folder / "by-shell")
    done = CliRunner().invoke(main, [*shlex.split(line)[3:], "--store", other])
    assert done.exit_code == 0, done.stderr
    mine, theirs = (
        store.read(series, provenance=True).drop(columns="fetched_at")
        for store in (open_store(), open_store(other))
    )
    assert len(mine) == count
    pd.testing.assert_frame_equal(mine, theirs)


def said(page: AppTest) -> str:
    return " ".join(each.value for kind in ("error", "warning", "info") for each in page.get(kind)).replace(
        "\\", ""
    )


@pytest.mark.usefixtures("private")
def test_files_of_a_bucket_go_into_the_store_and_so_does_their_command(
    home: AppTest, proxy: Proxy, tmp_path: Path
) -> None:
    page = typed(home, "s3://")
    assert not page.exception
    page = folders(page, "Buckets").select("s3://files/").run()
    assert page.text_input(key="elsewhere_address").value == "s3://files/"
    page = folders(page, "Folders").select("s3://files/2024/").run()
    page = files(page).set_value(["s3://files/2024/a.csv", "s3://files/2024/b.csv"]).run()
    page = page.button(key="elsewhere_open").click().run()
    assert not page.exception
    held = [each.data for each in page.session_state["elsewhere_queue"]]
    assert all(path.is_file() for path in held)
    page = page.radio(key="many_mode").set_value("parts").run()
    page = page.text_input(key="many_symbol").input("MINE").run()
    [line] = command(page)
    assert line == "python -m lib import s3://files/2024/a.csv s3://files/2024/b.csv --symbol MINE"
    page = page.button(key="many_store").click().run()
    assert not page.exception
    assert page.session_state["elsewhere_queue"] == []
    assert not any(path.exists() for path in held)
    same_by_shell(line, Series.of("file", "MINE", "1h"), 60, tmp_path)
    # nothing is asked of the bucket while the reader does something else
    proxy.well()
    page.run()
    assert proxy.requests() == []


@pytest.mark.usefixtures("private")
def test_the_command_of_one_odd_object_of_another_service(
    home: AppTest, proxy: Proxy, bucket: Any, tmp_path: Path
) -> None:
    key = "odd/it's [1]*.csv"
    bucket.put_object(Bucket="files", Key=key, Body=export.to_bytes(CANDLES, "csv"), ACL="public-read")
    bucket.put_object(Bucket="files", Key="odd/it's 1x.csv", Body=b"other", ACL="public-read")
    try:
        page = typed(home, "s3://files/odd/")
        page.checkbox(key="elsewhere_anonymous").check()
        page = page.text_input(key="elsewhere_endpoint").input(proxy.url).run()
        page = files(page).set_value([f"s3://files/{key}"]).run()
        page = page.button(key="elsewhere_open").click().run()
        assert not page.exception
        next(each for each in page.text_input if (each.key or "").startswith("symbol_")).input("ODD")
        page = page.run()
        [line] = command(page)
        assert line.endswith(f"--endpoint {proxy.url} --anonymous")
        page = next(each for each in page.button if each.label == "Store").click().run()
        same_by_shell(line, Series.of("file", "ODD", "1h"), 60, tmp_path)
    finally:
        for each in (key, "odd/it's 1x.csv"):
            bucket.delete_object(Bucket="files", Key=each)


@pytest.mark.usefixtures("private")
def test_a_folder_of_any_name_holds_what_was_fetched(
    home: AppTest, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders are named by chance; two underscores running are not for the key of a component."""
    make = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda *args, **more: make(*args, **{**more, "suffix": "a__b"}))
    page = typed(home, f"{web}/b.csv")
    page = page.button(key="elsewhere_open").click().run()
    assert not page.exception
    assert len(command(page)) == 1


@pytest.mark.usefixtures("private")
def test_the_command_of_an_address_shows_no_key(home: AppTest, web: str, tmp_path: Path) -> None:
    page = typed(home, f"{web}/b.csv")
    page = page.button(key="elsewhere_open").click().run()
    [line] = command(page)
    assert line == f"python -m lib import {web}/b.csv --symbol B"
    page = next(each for each in page.button if each.label == "Store").click().run()
    same_by_shell(line, Series.of("file", "B", "1h"), 40, tmp_path)
    page = typed(page, f"{web}/b.csv?token=SECRET")
    page = page.button(key="elsewhere_open").click().run()
    [line] = command(page)
    assert "SECRET" not in line
    assert "left out, as it may hold a key" in " ".join(each.value for each in page.caption)


def test_buckets_are_listed_for_their_owner_alone(
    home: AppTest, proxy: Proxy, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = typed(home, "s3://")
    assert "buckets are not listed for readers of this app" in said(page)
    assert proxy.requests() == []
    monkeypatch.setenv("CANDLEBOOK_PRIVATE", "yes")
    page = page.run()
    # those of other tests are there, too, where they ran in this process
    there = [f"{each['Name']}/" for each in bucket.list_buckets()["Buckets"]]
    assert "files/" in there
    assert folders(page, "Buckets").options == there
    page = page.checkbox(key="elsewhere_anonymous").check().run()
    assert "without credentials there is no list of buckets" in said(page)
    proxy.fail("403", times=9)
    page = page.checkbox(key="elsewhere_anonymous").uncheck().run()
    page = page.button(key="elsewhere_again").click().run()
    assert "may not list buckets" in said(page)


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


@pytest.mark.usefixtures("private")
def test_of_files_that_do_not_all_come_nothing_is_left_behind(home: AppTest, proxy: Proxy) -> None:
    page = typed(home, "s3://files/2024/*.csv")
    proxy.fail("403", path="b.csv", times=9)
    page = page.button(key="elsewhere_open").click().run()
    assert "denied" in said(page)
    assert page.session_state["elsewhere_queue"] == []
    assert list(page.session_state["upload_basket"].folder.iterdir()) == []
    proxy.well()
    page = page.button(key="elsewhere_open").click().run()
    assert len(page.session_state["elsewhere_queue"]) == 2
    page = page.button(key="elsewhere_away").click().run()
    assert not page.exception
    assert not [path for path in page.session_state["upload_basket"].folder.rglob("*") if path.is_file()]


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
