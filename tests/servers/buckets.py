"""An S3 service on a port of 127.0.0.1, by moto."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
from moto.server import ThreadedMotoServer

__all__ = ["serving"]

# Each store that is opened has a session of its own, and each session reads the descriptions of all services: a
# fifth of a second, and most of the time of these tests. They are read once a process.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


@contextlib.contextmanager
def serving() -> Iterator[Any]:
    """A boto3 client of the running service; its address is ``client.meta.endpoint_url``."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield boto3.client(
            "s3", endpoint_url=f"http://{host}:{port}", aws_access_key_id="x", aws_secret_access_key="x",
            region_name="us-east-1",
        )  # fmt: skip
    finally:
        server.stop()
