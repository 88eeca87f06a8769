from __future__ import annotations

from pathlib import Path

import pytest

from lib import settings
from lib.errors import InputError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CANDLEBOOK_STORE", "CANDLEBOOK_BINANCE_REST", "CANDLEBOOK_BINANCE_STREAM"):
        monkeypatch.delenv(name, raising=False)


def test_defaults() -> None:
    assert settings.app_root() == ROOT
    assert settings.store_url() == str(ROOT / "data" / "store")
    assert settings.binance_rest() == "https://data-api.binance.vision"
    assert settings.binance_stream() == "wss://data-stream.binance.vision"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("", str(ROOT / "data" / "store")),
        ("  ", str(ROOT / "data" / "store")),
        ("/srv/candles", "/srv/candles"),
        ("elsewhere/store", str(ROOT / "elsewhere" / "store")),
        ("~/candles", str(Path.home() / "candles")),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("memory://x", "memory://x"),
        (" file:///srv/candles ", "file:///srv/candles"),
    ],
)
def test_store(monkeypatch: pytest.MonkeyPatch, given: str, meant: str) -> None:
    monkeypatch.setenv("CANDLEBOOK_STORE", given)
    assert settings.store_url() == meant


def test_the_default_store_does_not_depend_on_where_the_app_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings.store_url() == str(ROOT / "data" / "store")


def test_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDLEBOOK_BINANCE_REST", "http://127.0.0.1:8080/base/")
    monkeypatch.setenv("CANDLEBOOK_BINANCE_STREAM", "ws://127.0.0.1:8081")
    assert settings.binance_rest() == "http://127.0.0.1:8080/base"
    assert settings.binance_stream() == "ws://127.0.0.1:8081"


@pytest.mark.parametrize("value", ["127.0.0.1:80", "ftp://host", "https://", "wss://user:secret@"])
def test_an_address_that_is_none_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("CANDLEBOOK_BINANCE_REST", value)
    with pytest.raises(InputError, match=r"CANDLEBOOK_BINANCE_REST.*https://host") as caught:
        settings.binance_rest()
    assert "secret" not in str(caught.value)


def test_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CANDLEBOOK_CACHE", "CANDLEBOOK_CACHE_MB"):
        monkeypatch.delenv(name, raising=False)
    assert (settings.cache_folder(), settings.cache_bytes()) == (ROOT / "data" / "cache", 500_000_000)
    monkeypatch.setenv("CANDLEBOOK_CACHE", "elsewhere")
    monkeypatch.setenv("CANDLEBOOK_CACHE_MB", "1.5")
    assert (settings.cache_folder(), settings.cache_bytes()) == (ROOT / "elsewhere", 1_500_000)
    monkeypatch.setenv("CANDLEBOOK_CACHE", "off")
    assert settings.cache_folder() is None
    for value in ("many", "-1", "0", "nan", "inf"):
        monkeypatch.setenv("CANDLEBOOK_CACHE_MB", value)
        with pytest.raises(InputError, match="CANDLEBOOK_CACHE_MB"):
            settings.cache_bytes()


def test_private(monkeypatch: pytest.MonkeyPatch) -> None:
    for value, meant in [("", None), ("yes", True), ("TRUE", True), ("no", False), ("0", False)]:
        monkeypatch.setenv("CANDLEBOOK_PRIVATE", value)
        assert settings.is_private() is meant
    monkeypatch.setenv("CANDLEBOOK_PRIVATE", "perhaps")
    with pytest.raises(InputError, match="yes or no"):
        settings.is_private()
