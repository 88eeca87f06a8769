"""Connections that are counted: for providers that limit how often a new one may be opened."""

from __future__ import annotations

from typing import Any

import requests.adapters
import urllib3.connectionpool as pools

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

        class Plain(pools.HTTPConnectionPool):
            def _new_conn(self) -> Any:
                _wait(limiter)
                return super()._new_conn()

        class Secure(pools.HTTPSConnectionPool):
            def _new_conn(self) -> Any:
                _wait(limiter)
                return super()._new_conn()

        self.poolmanager.pool_classes_by_scheme = {"http": Plain, "https": Secure}


def _wait(limiter: Limiter) -> None:
    limiter.answered(limiter.spend(1, of="connections", patience=_PATIENCE))
