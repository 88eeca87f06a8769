"""A reader's browser without the browser: speaks Streamlit's own protocol, so that twenty sessions cost
the machine nothing but what the server does. It runs a page's fragments when their timers are due and
counts what arrives."""

from __future__ import annotations

import threading
import time
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

__all__ = ["Session"]


class Session:
    """One session on ``page`` (``"Live"``), from ``with`` to its end.

    ``runs`` are the monotonic times at which a timed run of the fragment had finished, ``sizes`` the
    bytes that each of them sent, ``late`` how many were still going when the next was due.
    """

    def __init__(self, url: str, page: str, query: str = "") -> None:
        self._address = url.replace("http://", "ws://") + "_stcore/stream"
        self._page, self._query = page, query
        self.runs: list[float] = []
        self.sizes: list[int] = []
        self.late = 0
        self.problem = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)

    def __enter__(self) -> Session:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _ask(self, socket: Any, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.page_name = self._page
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = bool(fragment)
        socket.send(message.SerializeToString())

    def _talk(self) -> None:
        with connect(self._address, subprotocols=["streamlit"], max_size=None, compression=None) as socket:
            self._ask(socket)
            fragment, period, due, going, size = "", 0.0, float("inf"), True, 0
            while not self._stop.is_set():
                if time.monotonic() >= due:
                    self.late += going
                    due += period
                    going = True
                    self._ask(socket, fragment)
                try:
                    data = socket.recv(timeout=min(0.1, max(0.0, due - time.monotonic())))
                except TimeoutError:
                    continue
                message = ForwardMsg.FromString(data)
                size += len(data)
                kind = message.WhichOneof("type")
                if kind == "auto_rerun":
                    fragment, period = message.auto_rerun.fragment_id, message.auto_rerun.interval
                    if due == float("inf"):
                        due = time.monotonic() + period
                elif kind == "delta" and message.delta.new_element.HasField("exception"):
                    self.problem = message.delta.new_element.exception.message
                elif kind == "script_finished":
                    if fragment and going and self._is_fragment(message):
                        self.runs.append(time.monotonic())
                        self.sizes.append(size)
                    going, size = False, 0

    @staticmethod
    def _is_fragment(message: ForwardMsg) -> bool:
        return message.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
