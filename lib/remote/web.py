"""Files behind web addresses, by fsspec's HTTP file system with sessions of our own making."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

import aiohttp
import fsspec
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from lib.remote.faults import ForbiddenHost, fault_of
from lib.remote.guard import is_public, public_socket

__all__ = ["Sink", "Web"]

T = TypeVar("T")
_CHUNK = 2**20
_TIMES = aiohttp.ClientTimeout(total=None, connect=15, sock_connect=10, sock_read=30)


class Sink(Protocol):
    """Takes the bytes of one file."""

    def take(self, data: bytes, size: int | None) -> None:
        """The next bytes, and the size of the whole where it is known."""

    def restart(self) -> None:
        """Forget what was taken: the file comes from its start again."""


class Web:
    """Web addresses, for the owner of this machine (any), or for a reader: https and public hosts only."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._fs = fsspec.filesystem("https", get_client=_owner if private else _reader)

    def find(self, pattern: str) -> list[str]:
        """The links of a page that match an address with ``*`` in it. May raise what aiohttp raises."""
        self._check(pattern)
        found: list[str] = self._fs.glob(pattern)
        return sorted(found)

    def download(self, url: str, sink: Sink) -> None:
        """Everything behind the address; four attempts while that may help."""
        self._check(url)

        async def fetched() -> None:
            sink.restart()
            session = await self._fs.set_session()
            async with session.get(url, allow_redirects=True) as answer:
                answer.raise_for_status()
                # what arrives packed has another size than what is said
                size = None if answer.headers.get("Content-Encoding") else answer.content_length
                async for piece in answer.content.iter_chunked(_CHUNK):
                    sink.take(piece, size)

        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: bool((fault := fault_of(error)) and fault.again)),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            stop=stop_after_attempt(4),
            reraise=True,
        )
        self._run(retrying(fetched))

    def _check(self, url: str) -> None:
        if not self._private:
            _allowed(url)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        made: T = fsspec.asyn.sync(self._fs.loop, _awaited, work)
        return made


async def _awaited(work: Coroutine[Any, Any, T]) -> T:
    return await work


def _allowed(url: str) -> None:
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2]
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if scheme.lower() != "https" or name.lower() == "localhost":
        raise ForbiddenHost("https on the internet only")
    if (":" in name or name.replace(".", "").isdigit()) and not is_public(name):
        raise ForbiddenHost("not a public address")


async def _owner(*, loop: asyncio.AbstractEventLoop, **_: Any) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(loop=loop, timeout=_TIMES, trust_env=True)


async def _reader(*, loop: asyncio.AbstractEventLoop, **_: Any) -> aiohttp.ClientSession:
    """No proxy of the machine, no cookies: each connection goes to an address that was checked."""

    async def redirected(
        session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
    ) -> None:
        target = params.response.headers.get("Location", "")
        _allowed(target if "://" in target else f"{params.url.origin()}/{target}")

    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(redirected)
    return aiohttp.ClientSession(
        loop=loop, timeout=_TIMES, trace_configs=[tracing], cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(socket_factory=public_socket, loop=loop),
    )  # fmt: skip
