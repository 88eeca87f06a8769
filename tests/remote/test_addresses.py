"""Files from buckets, addresses and patterns: found, listed, fetched; and whom nothing is opened for."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lib import export
from lib.errors import CandlebookError, InputError, SourceDown
from lib.remote.addresses import Access, Item, browse, fetch, find, shown
from lib.remote.faults import fault_of, foreign
from lib.remote.guard import is_public, public_socket
from tests.remote.conftest import BODY, CANDLES
from tests.servers.faulty_proxy import Proxy

READER = Access(buckets=False, files=False, hosts=False)


def names(address: str, access: Access | None = None) -> list[str]:
    return [item.address.removeprefix("s3://files/") for item in find(address, access or Access())]


# -------------------------------------------------------------------------------------------------- S3


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("s3://files/2024/*.csv", ["2024/a.csv", "2024/b.csv"]),
        ("s3://files/2024/**.csv", ["2024/a.csv", "2024/b.csv", "2024/deep/c.csv"]),
        ("s3://files/**/*.csv", ["2024/a.csv", "2024/b.csv", "2024/deep/c.csv", "public.csv"]),
        ("s3://files/*/[ab].cs?", ["2024/a.csv", "2024/b.csv"]),
        (" s3://files/2024/a.csv ", ["2024/a.csv"]),
        ("s3://files/p*", ["public.csv"]),
    ],
)
def test_patterns_in_a_bucket(proxy: Proxy, address: str, expected: list[str]) -> None:
    assert names(address) == expected


def test_what_is_found_is_described(proxy: Proxy) -> None:
    [item] = find("s3://files/2024/a.csv", Access())
    assert (item.name, item.size) == ("a.csv", len(export.to_bytes(CANDLES[:30], "csv")))
    assert item.modified is not None
    assert item.modified.tz is not None


def test_a_bucket_is_browsed_level_by_level(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    top = browse("s3://files", Access())
    assert [item.name for item in top.items] == ["large.bin", "public.csv"]
    assert top.folders == ("s3://files/2024/",)
    below = browse(top.folders[0], Access())
    assert [item.name for item in below.items] == ["a.csv", "b.csv", "odd [1] ü?.txt"]
    assert below.folders == ("s3://files/2024/deep/",)
    assert browse("s3://files/nothing/", Access()).items == ()
    monkeypatch.setattr("lib.remote.addresses.PAGE", 2)
    seen, after = [], None
    while True:
        page = browse("s3://files/2024/", Access(), after=after)
        seen += [item.name for item in page.items]
        after = page.after
        if after is None:
            break
    assert seen == ["a.csv", "b.csv", "odd [1] ü?.txt"]


def test_an_object_arrives_whole_though_the_connection_is_cut(proxy: Proxy, tmp_path: Path) -> None:
    proxy.fail("cut answer", method="GET", path="large", times=2)
    proxy.fail("503", method="GET", path="large")
    told: list[tuple[int, int | None]] = []
    path = fetch(
        find("s3://files/large.bin", Access())[0], Access(), tmp_path, limit=10**8,
        progress=lambda done, size: told.append((done, size)),
    )  # fmt: skip
    assert path.read_bytes() == BODY
    assert told[-1] == (len(BODY), len(BODY))
    # what had come was not asked for again
    assert proxy.sent() < len(BODY) * 1.2
    [odd] = [item for item in browse("s3://files/2024/", Access()).items if item.name.startswith("odd")]
    assert fetch(odd, Access(), tmp_path, limit=10).read_bytes() == b"x"


def test_what_is_too_large_is_refused_before_it_is_fetched(proxy: Proxy, tmp_path: Path) -> None:
    [item] = find("s3://files/large.bin", Access())
    with pytest.raises(InputError, match=r"large\.bin is larger than the 1 MB"):
        fetch(item, Access(), tmp_path, limit=10**6)
    with pytest.raises(InputError, match="larger"):
        fetch(Item(item.address, item.name), Access(), tmp_path, limit=10**6)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://", "names no bucket"),
        ("s3://files/nothing.csv", "nothing of that name"),
        ("s3://files/2024/nothing*", "Nothing matches"),
        ("s3://files/2024", r"no object.*2024/\*"),
        ("s3://nowhere/a*", "no such bucket"),
        ("s3://No Such/a*", "no such bucket"),
        ("gs://files/a", "begin with gs:// are not read"),
        ("nothing-here*.csv", "Nothing matches"),
        ("http://127.0.0.1:1/a.csv", "no connection"),
    ],
)
def test_what_cannot_be_had_is_told(proxy: Proxy, tmp_path: Path, address: str, said: str) -> None:
    with pytest.raises(CandlebookError, match=said) as caught:
        fetch(find(address, Access())[0], Access(), tmp_path, limit=10**6)
    assert caught.value.remedy
    assert address.split("://")[-1] in str(caught.value) or address.startswith("gs")
    assert "hidden" not in str(caught.value).lower()


@pytest.mark.parametrize(
    ("kind", "said", "code"),
    [
        ("403", "denied", 2),
        ("503", "fewer requests", 4),
        ("500", "fault of its own", 4),
        ("cut", "no connection", 4),
    ],
)
def test_faults_of_the_service_are_told(proxy: Proxy, kind: str, said: str, code: int) -> None:
    proxy.fail(kind, times=100)
    with pytest.raises(CandlebookError, match=said) as caught:
        find("s3://files/2024/*", Access())
    assert (caught.value.exit_code, bool(caught.value.remedy)) == (code, True)


def test_credentials(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # without any, only what is public, and only when asked for so
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"no valid credentials.*--anonymous"):
        find("s3://files/*", Access())
    anonymous = Access(anonymous=True)
    [item] = find("s3://files/pub*", anonymous)
    assert fetch(item, anonymous, tmp_path, limit=10**6).stat().st_size == item.size
    with pytest.raises(InputError, match="denied"):
        find("s3://files/2024/a.csv", anonymous)
    # a service of one's own
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert names("s3://files/p*", Access(endpoint=proxy.url, anonymous=True)) == ["public.csv"]
    with pytest.raises(InputError, match="address of the service"):
        find("s3://files/p*", Access(endpoint="minio", anonymous=True))


# ------------------------------------------------------------------------------------------------- web


def test_a_web_address_is_fetched(web: str, tmp_path: Path) -> None:
    for address in (f"{web}/b.csv?token=hidden", f"{web}/moved?/b.csv"):
        [item] = find(address, Access())
        assert fetch(item, Access(), tmp_path, limit=10**6).read_bytes() == export.to_bytes(
            CANDLES[20:], "csv"
        )
    assert [item.name for item in find(f"{web}/*.csv", Access())] == ["a b.csv", "b.csv"]
    with pytest.raises(InputError, match=r"nothing of that name") as caught:
        fetch(Item(f"{web}/c.csv?token=hidden", "c.csv"), Access(), tmp_path, limit=10**6)
    assert "hidden" not in str(caught.value)
    with pytest.raises(InputError, match="larger"):
        fetch(Item(f"{web}/b.csv", "b.csv"), Access(), tmp_path, limit=100)


def test_a_cut_answer_is_fetched_again(web: str, tmp_path: Path) -> None:
    with Proxy(web) as proxy:
        proxy.fail("cut answer", times=2)
        item = Item(f"{proxy.url}/b.csv", "b.csv")
        assert fetch(item, Access(), tmp_path, limit=10**6).read_bytes() == export.to_bytes(
            CANDLES[20:], "csv"
        )
        proxy.fail("500", times=20)
        with pytest.raises(SourceDown, match="fault of its own"):
            fetch(item, Access(), tmp_path, limit=10**6)


def test_addresses_are_shown_without_what_may_be_a_key() -> None:
    assert shown("https://me:secret@host:8/a%20b.csv?sig=abc#x") == "https://host:8/a%20b.csv?..."
    assert shown("s3://bucket/a?b") == "s3://bucket/a?b"


# --------------------------------------------------------------------------------------------- readers


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False),
        ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fd00::1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", True), ("64:ff9b::7f00:1", False), ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False), ("ff02::1", False), ("localhost", False), ("", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "address",
    ["{web}/b.csv", "https://127.0.0.1/", "https://localhost/a", "https://[::1]/a", "https://169.254.169.254/latest/meta-data/",
     "https://me@127.0.0.1/", "https://neighbour.test/a.csv", "https://2130706433/", "https://neighbour.test/*.csv"],
)  # fmt: skip
def test_a_reader_reaches_public_hosts_only(
    web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    port = int(web.rsplit(":", 1)[1])

    def resolve(host: Any, *_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(InputError, match="not open to readers") as caught:
        fetch(find(address.format(web=web), READER)[0], READER, tmp_path, limit=10**6)
    assert "CANDLEBOOK_PRIVATE" in caught.value.remedy


def test_a_socket_is_made_for_a_public_address() -> None:
    public_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443))).close()


def test_a_reader_opens_no_files_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    for address in (
        str(tmp_path / "a.csv"),
        f"file://{tmp_path}/a.csv",
        str(tmp_path / "*"),
        "../../etc/passwd",
    ):
        for ask in (find, browse):
            with pytest.raises(InputError, match="not open to its readers"):
                ask(address, READER)


def test_a_reader_does_not_use_the_owners_buckets(proxy: Proxy) -> None:
    """Neither its keys nor its service: the request would go to Amazon, which a test cannot reach."""
    client = READER.s3()
    assert "127.0.0.1" not in client.endpoint
    assert Access().s3().endpoint == proxy.url


def test_every_foreign_error_has_its_sentence() -> None:
    import aiohttp
    import botocore.exceptions as known

    def made(kind: type[Exception]) -> Exception:
        return kind.__new__(kind)

    kinds = [
        each
        for each in vars(known).values()
        if isinstance(each, type) and issubclass(each, known.BotoCoreError)
    ]
    kinds += [each for each in vars(aiohttp).values() if isinstance(each, type) and issubclass(each, aiohttp.ClientError)
              and not issubclass(each, aiohttp.ClientResponseError)]  # fmt: skip
    assert len(kinds) > 80
    for kind in kinds:
        assert issubclass(kind, foreign())
        fault = fault_of(made(kind))
        assert fault is not None, kind
        assert fault.message
    for status in range(300, 600):
        error = known.ClientError({"Error": {"Code": str(status)}, "ResponseMetadata": {}}, "GetObject")
        assert (found := fault_of(error)) is not None
        assert found.again == ((status >= 500 and status != 501) or status in (408, 429))
    assert fault_of(ValueError("x")) is None
    full = aiohttp.ClientConnectorError(
        SimpleNamespace(ssl=None), OSError(errno.EMFILE, "Too many open files")
    )  # type: ignore[arg-type]
    cut = known.EndpointConnectionError(endpoint_url="https://x")
    cut.__cause__ = full
    assert (found := fault_of(cut)) is not None and "ulimit -n" in found.remedy
