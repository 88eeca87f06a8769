"""S3, and services that speak it: whole objects in and out, conditions, listings; every request repeated
with jitter while the service is slow, down or cuts the connection.

s3fs makes the client (the usual chain of credentials, ``AWS_ENDPOINT_URL``, its event loop); requests go
to the client itself, because ``GetObject`` already carries the ETag that s3fs asks for with a HEAD more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import fsspec
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from lib.remote.faults import BadEndpoint, fault_of, foreign

__all__ = ["S3", "Found", "Got", "Page", "split"]

T = TypeVar("T")
_AT_ONCE = 16
_CHUNK = 2**20
_CONFIG = {
    # one place repeats requests: here
    "retries": {"total_max_attempts": 1, "mode": "standard"},
    "connect_timeout": 5,
    "read_timeout": 20,
    "max_pool_connections": 2 * _AT_ONCE,
    # services that are not Amazon's may not know the newer checksums
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}


@dataclass(frozen=True, slots=True)
class Got:
    """An object: its bytes and its ETag. ``data`` is None where it still has the ETag asked about."""

    data: bytes | None
    etag: str


@dataclass(frozen=True, slots=True)
class Found:
    """An object in a listing. ``modified`` in seconds since the epoch."""

    key: str
    etag: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing; ``folders`` are prefixes below; ``after`` asks for the next, None at the end."""

    objects: tuple[Found, ...]
    folders: tuple[str, ...]
    after: str | None


def split(url: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``."""
    bucket, _, key = url.partition("://")[2].partition("/")
    return bucket, key


class S3:
    """One client. ``options`` are those of ``s3fs.S3FileSystem``: ``endpoint_url``, ``anon``, ``key`` ...

    Every method may raise what botocore and aiohttp raise; ``faults.fault_of`` tells them apart.
    Safe for threads.
    """

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        given = dict(options or {})
        config = {**_CONFIG, **given.pop("config_kwargs", {})}
        self._fs = fsspec.filesystem(
            "s3", config_kwargs=config, use_listings_cache=False, skip_instance_cache=True, **given
        )

    @property
    def endpoint(self) -> str:
        """The address requests go to."""
        return str(self._run(self._client()).meta.endpoint_url)

    def get(self, bucket: str, key: str, *, unless: str | None = None) -> Got | None:
        """A whole object, by one request; None where there is none. With ``unless`` no bytes come when
        the object still has that ETag."""
        return self._run(self._get(bucket, key, unless))

    def get_many(self, bucket: str, keys: Sequence[tuple[str, str | None]]) -> list[Got | Exception | None]:
        """Several at once, each a key and the ETag already held; an error in place of what failed."""
        return self._run(_together([self._get(bucket, key, held) for key, held in keys]))

    def put(
        self, bucket: str, key: str, data: bytes, *, expect: str | None = None, create: bool = False
    ) -> str:
        """Put an object and give its ETag: only over the ETag ``expect``, or only where there is none
        (``create``). Raises the fault "changed" where that does not hold; also when a first answer was
        lost and the object is the one put here."""
        condition = {"IfNoneMatch": "*"} if create else {"IfMatch": expect} if expect else {}

        async def call() -> str:
            client = await self._client()
            made = await client.put_object(Bucket=bucket, Key=key, Body=data, **condition)
            return str(made["ETag"])

        return self._run(_again(call))

    def head(self, bucket: str, key: str) -> Found | None:
        """What an object is, without its bytes; None where there is none."""

        async def call() -> Found:
            client = await self._client()
            at = await client.head_object(Bucket=bucket, Key=key)
            return Found(key, str(at["ETag"]), int(at["ContentLength"]), at["LastModified"].timestamp())

        return self._run(_or_none(call))

    def page(
        self, bucket: str, prefix: str, *, flat: bool, after: str | None = None, most: int = 1000
    ) -> Page:
        """A page of what begins with ``prefix``; not ``flat``: down to the next ``/`` only."""

        async def call() -> Page:
            client = await self._client()
            given: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": most}
            if not flat:
                given["Delimiter"] = "/"
            if after:
                given["ContinuationToken"] = after
            return _page(await client.list_objects_v2(**given))

        return self._run(_again(call))

    def buckets(self) -> list[str]:
        """The names of the buckets that belong to the credentials."""

        async def call() -> list[str]:
            client = await self._client()
            answer = await client.list_buckets()
            return [str(each["Name"]) for each in answer.get("Buckets", ())]

        return self._run(_again(call))

    def walk(self, bucket: str, prefix: str, *, most: int | None = None) -> list[Found]:
        """Everything that begins with ``prefix``, at most about ``most``; a request for each 1,000."""
        found: list[Found] = []
        after = None
        while True:
            page = self.page(bucket, prefix, flat=True, after=after)
            found += page.objects
            after = page.after
            if after is None or (most is not None and len(found) > most):
                return found

    def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Remove objects; nothing happens where there is none. One request each: not every service
        takes several in one."""

        async def one(key: str) -> None:
            async def call() -> None:
                client = await self._client()
                await client.delete_object(Bucket=bucket, Key=key)

            await _again(call)

        for error in self._run(_together([one(key) for key in keys])):
            if isinstance(error, Exception):
                raise error

    def download(self, bucket: str, key: str, take: Callable[[bytes, int | None], None]) -> None:
        """Hand an object over in pieces of a MB at most, with its whole size. A cut connection goes on where it stopped, as
        long as the object is the same."""
        at, etag = 0, ""

        async def call() -> None:
            nonlocal at, etag
            client = await self._client()
            given = {"Range": f"bytes={at}-", "IfMatch": etag} if at else {}
            answer = await client.get_object(Bucket=bucket, Key=key, **given)
            etag = str(answer["ETag"])
            size = at + int(answer["ContentLength"])
            async with answer["Body"] as body:
                async for piece in body.iter_chunks(_CHUNK):
                    at += len(piece)
                    take(piece, size)

        self._run(_again(call))

    async def _client(self) -> Any:
        try:
            return await self._fs.set_session()
        except ValueError as error:  # before any request: the text may hold what was typed
            if fault_of(error) is not None:
                raise
            raise BadEndpoint("not the address of a service") from error

    async def _get(self, bucket: str, key: str, unless: str | None) -> Got | None:
        async def call() -> Got:
            client = await self._client()
            given = {"IfNoneMatch": unless} if unless else {}
            answer = await client.get_object(Bucket=bucket, Key=key, **given)
            async with answer["Body"] as body:
                return Got(await body.read(), str(answer["ETag"]))

        try:
            return await _or_none(call)
        except foreign() as error:
            fault = fault_of(error)
            if unless and fault is not None and fault.kind == "unchanged":
                return Got(None, unless)
            raise

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        made: T = fsspec.asyn.sync(self._fs.loop, _awaited, work)
        return made


async def _awaited(work: Coroutine[Any, Any, T]) -> T:
    return await work


async def _together(work: Sequence[Coroutine[Any, Any, T]]) -> list[T | Exception]:
    """All of it, a few at once."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(each: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await each

    found = await asyncio.gather(*(one(each) for each in work), return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException) and not isinstance(each, Exception):
            raise each
    return [each for each in found if not isinstance(each, BaseException) or isinstance(each, Exception)]


async def _again(call: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Repeat while that may help: seven times at most, with full jitter, about three seconds in all."""
    retrying = AsyncRetrying(
        retry=retry_if_exception(_may_pass),
        wait=wait_random_exponential(multiplier=0.05, max=2),
        stop=stop_after_attempt(7) | stop_after_delay(60),
        reraise=True,
    )
    return await retrying(call)


def _may_pass(error: BaseException) -> bool:
    fault = fault_of(error)
    return fault is not None and fault.again


async def _or_none(call: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
    try:
        return await _again(call)
    except foreign() as error:
        fault = fault_of(error)
        if fault is not None and fault.kind == "missing":
            return None
        raise


def _page(answer: Mapping[str, Any]) -> Page:
    objects = tuple(
        Found(each["Key"], str(each.get("ETag", "")), int(each["Size"]), each["LastModified"].timestamp())
        for each in answer.get("Contents", ())
    )
    folders = tuple(each["Prefix"] for each in answer.get("CommonPrefixes", ()))
    return Page(objects, folders, answer.get("NextContinuationToken") if answer.get("IsTruncated") else None)
