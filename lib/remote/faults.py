"""The one seam for errors of S3 and of the network: each becomes a kind, a sentence and a remedy.

No text of a foreign error is shown: it may hold a signed address. S3's codes:
docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import asyncio
import errno
import functools
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["BadEndpoint", "Fault", "ForbiddenHost", "Kind", "fault_of", "foreign", "of_kind", "of_status"]

Kind = Literal[
    "missing", "bucket", "denied", "credentials", "region", "slow", "down", "tls", "timeout", "unreachable",
    "endpoint", "changed", "unchanged", "range", "unsupported", "forbidden host", "too large", "open files", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong. ``message`` goes on from "... could not be read: "; ``again``: asking again may help."""

    kind: Kind
    message: str
    remedy: str
    again: bool = False


_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE); a public bucket can be read anonymously (--anonymous)."
_NETWORK = "Check the address and the network."
_FAULTS: dict[Kind, Fault] = {
    fault.kind: fault
    for fault in (
        Fault("missing", "there is nothing of that name", "Check its spelling; capitals count."),
        Fault("bucket", "there is no such bucket", "Check the bucket's name, and the endpoint it is at."),
        Fault("denied", "access is denied", "Ask the owner for the right to list and read, or use other credentials; "
              "a public bucket can be read anonymously (--anonymous)."),
        Fault("credentials", "no valid credentials were found", _KEYS),
        Fault("region", "the bucket is in another region", "Set AWS_DEFAULT_REGION to the region of the bucket."),
        Fault("slow", "the service asks for fewer requests", "Try again in a minute.", again=True),
        Fault("down", "the service has a fault of its own", "Try again in a minute.", again=True),
        Fault("tls", "its certificate could not be verified", "Check the host name; for a certificate of your own "
              "set AWS_CA_BUNDLE or SSL_CERT_FILE."),
        Fault("timeout", "no answer came in time", _NETWORK, again=True),
        Fault("unreachable", "no connection to it could be made, or it was cut", _NETWORK, again=True),
        Fault("endpoint", "the address of the service is none",
              "Write the endpoint as https://host, in AWS_ENDPOINT_URL or with --endpoint."),
        Fault("changed", "it was changed meanwhile", "Try again.", again=False),
        Fault("unchanged", "it has not changed", ""),
        Fault("range", "it has no bytes there", ""),
        Fault("unsupported", "the service does not know that request", "Use a service that speaks all of S3."),
        Fault("forbidden host", "that address is not open to readers of this app",
              "Give an https address on the internet. On your own machine, set CANDLEBOOK_PRIVATE=yes."),
        Fault("too large", "it is larger than what is taken here", "Import it by the command line: python -m lib import."),
        Fault("open files", "too many files and connections are open at once",
              "End what else runs, or allow more open files (ulimit -n), and try again."),
        Fault("other", "the service refused the request", "Check the address."),
    )
}  # fmt: skip
_CODES: dict[str, Kind] = {
    "NoSuchKey": "missing", "NoSuchBucket": "bucket", "AccessDenied": "denied", "AllAccessDisabled": "denied",
    "AccountProblem": "denied", "InvalidAccessKeyId": "credentials", "SignatureDoesNotMatch": "credentials",
    "ExpiredToken": "credentials", "InvalidToken": "credentials", "TokenRefreshRequired": "credentials",
    "RequestTimeTooSkewed": "credentials", "PermanentRedirect": "region", "AuthorizationHeaderMalformed": "region",
    "IllegalLocationConstraintException": "region", "SlowDown": "slow", "RequestLimitExceeded": "slow",
    "TooManyRequests": "slow", "ThrottlingException": "slow", "RequestTimeout": "timeout",
    "PreconditionFailed": "changed", "ConditionalRequestConflict": "changed", "NotImplemented": "unsupported",
    "InvalidBucketName": "bucket", "InvalidRange": "range",
}  # fmt: skip
_STATUS: dict[int, Kind] = {
    301: "region", 304: "unchanged", 401: "credentials", 403: "denied", 404: "missing", 408: "timeout", 409: "changed",
    410: "missing", 412: "changed", 416: "range", 429: "slow", 501: "unsupported", 503: "slow",
}  # fmt: skip


def fault_of(error: BaseException) -> Fault | None:
    """The fault behind a foreign error, looked for along its causes; None for an error that is not of
    S3, of HTTP or of the network."""
    kinds = [kind for each in _causes(error) if (kind := _kind(each)) is not None]
    return _FAULTS[kinds[0]] if kinds else None


@functools.cache
def foreign() -> tuple[type[Exception], ...]:
    """What S3 and HTTP raise: for an ``except`` that then asks :func:`fault_of`."""
    import aiohttp
    from botocore import exceptions as known  # only where it is used: half a second

    return (known.BotoCoreError, known.ClientError, aiohttp.ClientError, OSError)


def of_status(status: int) -> Fault:
    """The fault that an HTTP status of 400 and above stands for."""
    return _FAULTS[_STATUS.get(status, "down" if status >= 500 else "other")]


def of_kind(kind: Kind) -> Fault:
    """The fault of a kind."""
    return _FAULTS[kind]


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in seen:
        seen.append(at)
        at = at.__cause__ or at.__context__
    # what was raised last says least: "TLS failed" stands below "no connection"
    specific = [each for each in seen if _kind(each) in ("tls", "forbidden host", "open files")]
    yield from [*specific, *seen]


class BadEndpoint(OSError):
    """The address of a service that is none."""


class ForbiddenHost(OSError):
    """A host that this reader may not reach."""


def _kind(error: BaseException) -> Kind | None:
    if isinstance(error, ForbiddenHost):
        return "forbidden host"
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return "open files"
    if isinstance(error, BadEndpoint):
        return "endpoint"
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "timeout"
    if isinstance(error, FileNotFoundError):
        return "missing"
    if isinstance(error, PermissionError):
        return "denied"
    name = type(error).__module__.split(".")[0]
    if name in ("botocore", "aiobotocore"):
        return _of_botocore(error)
    if name == "aiohttp":
        return _of_aiohttp(error)
    if isinstance(error, socket.gaierror | ConnectionError):
        return "unreachable"
    return None


def _of_botocore(error: BaseException) -> Kind:
    from botocore import exceptions as known  # only where S3 is used: half a second

    if isinstance(error, known.ClientError):
        answer = error.response
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)
        return _CODES.get(code) or of_status(status or (int(code) if code.isdigit() else 0)).kind
    groups: tuple[tuple[Kind, tuple[type[Exception], ...]], ...] = (
        ("tls", (known.SSLError,)),
        ("credentials", (
            known.NoCredentialsError, known.PartialCredentialsError, known.CredentialRetrievalError,
            known.ProfileNotFound, known.NoAuthTokenError, known.TokenRetrievalError, known.UnauthorizedSSOTokenError,
            known.SSOTokenLoadError, known.ConfigParseError, known.ConfigNotFound,
        )),
        ("timeout", (known.ConnectTimeoutError, known.ReadTimeoutError)),
        ("bucket", (known.ParamValidationError, known.UnsupportedS3ArnError)),
        ("endpoint", (known.EndpointProviderError, known.InvalidEndpointConfigurationError, known.NoRegionError)),
        ("unreachable", (known.HTTPClientError, known.ConnectionError, known.ResponseStreamingError,
                         known.IncompleteReadError, known.EndpointConnectionError)),
    )  # fmt: skip
    return next((kind for kind, types in groups if isinstance(error, types)), "other")


def _of_aiohttp(error: BaseException) -> Kind | None:
    import aiohttp

    if isinstance(error, aiohttp.ClientResponseError):
        return of_status(error.status).kind
    if isinstance(error, aiohttp.InvalidURL):
        return "endpoint"
    if isinstance(error, aiohttp.ClientSSLError):
        return "tls"
    if isinstance(error, aiohttp.ServerTimeoutError):
        return "timeout"
    return "unreachable" if isinstance(error, aiohttp.ClientError) else None
