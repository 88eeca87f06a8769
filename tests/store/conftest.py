"""Stores in every kind of place: a local folder, memory, and S3 served by moto over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lib.store import Store, pyramid
from lib.store.files import Files, LocalFiles
from lib.store.fsspecs import RemoteFiles
from lib.store.s3 import S3Files
from tests.servers.buckets import serving

# Opens the same place anew, as another process would.
Opener = Callable[[], Store]


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """Address of an S3 server with a bucket named candles."""
    with serving() as client:
        client.create_bucket(Bucket="candles")
        yield client.meta.endpoint_url


def make_files(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], Files]:
    name = uuid.uuid4().hex
    if kind == "local":
        return lambda: LocalFiles(tmp_path / name)
    if kind == "memory":
        return lambda: RemoteFiles(f"memory://{name}")
    # each level is a request or two; all of them are under test in the other places
    few = tuple(level for level in pyramid.PYRAMID if str(level) in ("5m", "1h", "12h", "1d"))
    request.getfixturevalue("monkeypatch").setattr(pyramid, "PYRAMID", few)
    options = {
        "endpoint_url": request.getfixturevalue("s3"),
        "key": "x",
        "secret": "x",
        "client_kwargs": {"region_name": "us-east-1"},
    }
    return lambda: S3Files(f"s3://candles/{name}", options)


@pytest.fixture(params=["local", "memory", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Files]:
    """Opens one and the same fresh place, of each kind."""
    return make_files(request.param, tmp_path, request)


@pytest.fixture
def reopen(files: Callable[[], Files]) -> Opener:
    return lambda: Store(files())


@pytest.fixture
def store(reopen: Opener) -> Store:
    return reopen()


@pytest.fixture
def local(tmp_path: Path) -> Opener:
    return lambda: Store(LocalFiles(tmp_path / "local"))
