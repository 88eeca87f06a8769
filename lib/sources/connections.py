"""Connections that are counted: for providers that limit how often a new one may be opened."""

from __future__ import annotations

from typing import Any

import requests.adapters
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from lib.sources.limits import Limiter

__all__ = ["Counting"]

_PATIENCE = 30.0


class Counting(requests.adapters.HTTPAdapter):
    """Spends one ``connections`` of the limiter before a socket is opened."""

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Pools of this adapter wait for the limiter before each new connection."""
        super().init_poolmanager(*args, **more)
        limiter = self._limiter

        # at the connection, not at its pool: one that broke off connects anew by itself
        class PlainConnection(HTTPConnection):
            def connect(self) -> None:
                _wait(limiter)
                super().connect()

        class SecureConnection(HTTPSConnection):
            def connect(self) -> None:
                _wait(limiter)
                super().connect()

        class Plain(HTTPConnectionPool):
            ConnectionCls = PlainConnection

        class Secure(HTTPSConnectionPool):
            ConnectionCls = SecureConnection

        self.poolmanager.pool_classes_by_scheme = {"http": Plain, "https": Secure}


def _wait(limiter: Limiter) -> None:
    limiter.answered(limiter.spend(1, of="connections", patience=_PATIENCE))
