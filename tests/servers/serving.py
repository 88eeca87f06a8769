"""An HTTP server on a port of 127.0.0.1, in a thread of its own."""

from __future__ import annotations

import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from lib.sources import catalog, limits

__all__ = ["Handler", "Serving"]


class Handler(BaseHTTPRequestHandler):
    """Base of the handlers: connections stay open, and nothing is logged."""

    protocol_version = "HTTP/1.1"

    def reset(self) -> None:
        """End the connection with a reset, not with a goodbye: linger of no time."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    # a client may open a connection for each of the requests that it has under way
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: clients of a test go away as they like."""


class Serving:
    """``handler`` at work with these attributes; a context manager."""

    def __init__(self, handler: type[Handler], port: int = 0, **attributes: Any) -> None:
        self._http = _Http(("127.0.0.1", port), type("Bound", (handler,), attributes))
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        # ports come round again: what this process remembers of another provider here is not ours
        limits.forget(self.url)
        catalog.forget(self.url)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)
