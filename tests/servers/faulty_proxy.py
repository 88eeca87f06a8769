"""A plain HTTP proxy in front of one server, on a real port: it counts what passes, and goes wrong when told.

Faults are given for the next requests that match a method and a part of the path, by count::

    with Proxy(address) as proxy:
        proxy.fail("503", method="PUT", times=2)
        proxy.fail("cut answer", method="GET", path="2024-01")
        ...
        proxy.requests("GET", ".parquet")
"""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

# Not passed on: they belong to one connection.
HOP = {"connection", "keep-alive", "transfer-encoding", "proxy-connection", "expect"}
CODES = {"500": "InternalError", "503": "SlowDown", "403": "AccessDenied", "501": "NotImplemented",
         "429": "TooManyRequests", "409": "ConditionalRequestConflict"}  # fmt: skip


@dataclass
class Fault:
    """``kind``: a status (``"503"``), ``cut`` (nothing reaches the server), ``cut answer`` (the server did
    it, half the answer arrives), ``lost answer`` (the server did it, no answer arrives), ``slow``."""

    kind: str
    method: str
    path: str
    left: int
    seconds: float

    def meets(self, method: str, path: str) -> bool:
        return self.left > 0 and self.method in ("", method) and self.path in path


@dataclass(frozen=True)
class Seen:
    """One request that came: ``status`` is 0 where no answer was given, ``sent`` the bytes of its body."""

    method: str
    path: str
    status: int
    sent: int


class Proxy:
    """Serves from ``with`` on. ``latency`` is added to every request, in seconds; ``dropped`` names
    request headers that are not passed on (a service that does not know them)."""

    def __init__(self, target: str, *, latency: float = 0.0, dropped: tuple[str, ...] = ()) -> None:
        self.target = urlsplit(target)
        self.latency = latency
        self.dropped = {name.lower() for name in dropped}
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(
        self, kind: str, *, method: str = "", path: str = "", times: int = 1, seconds: float = 1.0
    ) -> None:
        with self.lock:
            self.faults.append(Fault(kind, method, path, times, seconds))

    def well(self) -> None:
        """No more faults; what was seen is forgotten."""
        with self.lock:
            self.faults.clear()
            self.seen.clear()

    def requests(self, method: str = "", path: str = "") -> list[Seen]:
        with self.lock:
            return [each for each in self.seen if method in ("", each.method) and path in each.path]

    def sent(self) -> int:
        """Bytes of all bodies that were answered with."""
        return sum(each.sent for each in self.requests())

    def due(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.meets(method, path):
                    fault.left -= 1
                    return fault
        return None

    def note(self, seen: Seen) -> None:
        with self.lock:
            self.seen.append(seen)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _pass(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = unquote(self.path)
        fault = self.owner.due(self.command, path)
        time.sleep(self.owner.latency)
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
            fault = None
        if fault and fault.kind == "cut":
            self._cut(path)
        elif fault and fault.kind in CODES:
            text = f"<?xml version='1.0'?><Error><Code>{CODES[fault.kind]}</Code><Message>told to</Message></Error>"
            self._answer(path, int(fault.kind), [("Content-Type", "application/xml")], text.encode())
        else:
            status, headers, answer = self._ask(body)
            if fault and fault.kind == "lost answer":
                self._cut(path)
            else:
                self._answer(path, status, headers, answer, half=fault is not None)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(self.owner.target.netloc, timeout=30)
        try:
            headers = {
                name: value for name, value in self.headers.items()
                if name.lower() not in HOP and name.lower() not in self.owner.dropped
            }  # fmt: skip
            upstream.request(self.command, self.path, body or None, headers)
            found = upstream.getresponse()
            return found.status, found.getheaders(), found.read()
        finally:
            upstream.close()

    def _cut(self, path: str) -> None:
        self.owner.note(Seen(self.command, path, 0, 0))
        self.close_connection = True

    def _answer(
        self, path: str, status: int, headers: list[tuple[str, str]], body: bytes, *, half: bool = False
    ) -> None:
        given = [(name, value) for name, value in headers if name.lower() not in HOP]
        named = {name.lower() for name, _ in given}
        if self.command != "HEAD" and status not in (204, 304):
            given = [(name, value) for name, value in given if name.lower() != "content-length"]
            given.append(("Content-Length", str(len(body))))
        elif "content-length" not in named and self.command == "HEAD":
            given.append(("Content-Length", "0"))
        else:
            body = b""
        if half:
            body = body[: len(body) // 2]
            self.close_connection = True
        self.owner.note(Seen(self.command, path, status, len(body)))
        head = f"HTTP/1.1 {status} {http.client.responses.get(status, '')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in given)
        if half:
            head += "Connection: close\r\n"
        try:
            self.wfile.write(head.encode("latin-1") + b"\r\n" + body)
        except OSError:
            self.close_connection = True
