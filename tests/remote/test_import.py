"""``import`` of patterns and addresses by the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from lib.cli import main
from lib.series import Series
from lib.store import open_store
from tests.servers.faulty_proxy import Proxy


def run(*arguments: object) -> Any:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_import_takes_patterns_and_addresses(proxy: Proxy, web: str, tmp_path: Path) -> None:
    folder = tmp_path / "served"
    for number, given in enumerate(
        (
            ["s3://files/2024/*.csv"],
            [f"{web}/*.csv"],
            [str(folder / "*.csv")],
            [str(folder / "a b.csv"), "s3://files/2024/b.csv"],
        )
    ):
        result = run("import", *given, "--symbol", f"S{number}", "--json")
        assert result.exit_code == 0, result.stderr
        answer = json.loads(result.stdout)
        assert (answer["rows_read"], answer["timeframe"]) == (70, "1h")
        assert len(open_store().read(Series.of("file", f"S{number}", "1h"))) == 60
    kept = open_store().read(Series.of("file", "S0", "1h"), provenance=True)
    assert set(kept["origin"]) == {"a.csv", "b.csv"}
    result = run("import", "s3://files/public.csv", "--symbol", "P", "--anonymous", "--endpoint", proxy.url)
    assert (result.exit_code, "60 candles stored" in result.stdout) == (0, True)


def test_import_refuses_what_it_cannot_have(proxy: Proxy) -> None:
    for given, code, said in [
        ("s3://files/no*", 2, "Nothing matches"), ("s3://files/large.bin", 2, "large.bin"), ("s3://nowhere/a", 2, "Error: s3://nowhere"),
        ("http://127.0.0.1:1/a.csv", 4, "no connection"),
    ]:  # fmt: skip
        result = run("import", given, "--symbol", "X")
        assert (result.exit_code, result.stdout) == (code, ""), result.stderr
        assert said in result.stderr
        assert "Traceback" not in result.stderr
    assert open_store().list() == []
