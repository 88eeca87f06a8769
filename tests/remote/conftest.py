"""Places that files come from, on this machine: a bucket behind a proxy, and a web server."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lib import export
from tests.files.written import table
from tests.servers.buckets import serving
from tests.servers.faulty_proxy import Proxy

CANDLES = table(60)
BODY = bytes(range(256)) * 20_000


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    """A client of an S3 service with the bucket ``files`` in it."""
    with serving() as client:
        client.create_bucket(Bucket="files")
        for name, part in (
            ("2024/a.csv", CANDLES[:30]),
            ("2024/b.csv", CANDLES[20:]),
            ("2024/deep/c.csv", CANDLES[:9]),
        ):
            client.put_object(Bucket="files", Key=name, Body=export.to_bytes(part, "csv"))
        client.put_object(Bucket="files", Key="2024/", Body=b"")
        client.put_object(Bucket="files", Key="2024/odd [1] ü?.txt", Body=b"x")
        client.put_object(Bucket="files", Key="large.bin", Body=BODY)
        client.put_object(
            Bucket="files", Key="public.csv", Body=export.to_bytes(CANDLES, "csv"), ACL="public-read"
        )
        client.put_bucket_acl(Bucket="files", ACL="public-read")
        yield client
        # what moto holds outlives its server
        for each in client.list_objects_v2(Bucket="files")["Contents"]:
            client.delete_object(Bucket="files", Key=each["Key"])
        client.delete_bucket(Bucket="files")


@pytest.fixture(scope="module")
def module_proxy(bucket: Any) -> Iterator[Proxy]:
    with Proxy(bucket.meta.endpoint_url) as made:
        yield made


@pytest.fixture
def proxy(module_proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """In front of the service; the settings lead there, with credentials but no region."""
    module_proxy.well()
    for name, value in {
        "AWS_ENDPOINT_URL": module_proxy.url, "AWS_ACCESS_KEY_ID": "AKIDHIDDEN", "AWS_SECRET_ACCESS_KEY": "hidden-too",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    yield module_proxy
    module_proxy.well()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server with two files and its list of them."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a b.csv").write_bytes(export.to_bytes(CANDLES[:30], "csv"))
    (folder / "b.csv").write_bytes(export.to_bytes(CANDLES[20:], "csv"))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            if self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/moved?"))
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                super().do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
