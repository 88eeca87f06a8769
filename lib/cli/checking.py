"""``check``: the quality report of stored series."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from lib.cli.base import end_option, guarded, json_option, main, open_at, stamp, start_option, store_option
from lib.cli.gaps import calendar_option
from lib.cli.selecting import judged_as_dict, looked_at, series_of, series_options

if TYPE_CHECKING:
    from lib.sync.checking import Checked

__all__ = ["check"]


@main.command(short_help="Look stored series over: gaps and odd candles.")
@series_options
@start_option
@end_option
@calendar_option
@store_option
@json_option
@guarded
def check(
    symbol: str | None, source: str | None, timeframe: str | None, start: pd.Timestamp | None,
    end: pd.Timestamp | None, calendar_name: str, store_url: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Look stored series over: what is missing by their calendar, and what in them is odd.

    Spikes, outliers, flat runs, stale repeats, holes in volume, jumps like splits, times in a wrong zone, candles that
    a re-fetch changed. Without a symbol it goes through every series. It ends with 0 whatever it finds.

    \b
      python -m lib check --symbol EURUSD --timeframe 1h
    """  # noqa: D301  the mark \b keeps the example's line apart
    from lib.sync.checking import check as look_over

    store = open_at(store_url)
    found = looked_at(
        series_of(store, symbol, source, timeframe),
        lambda one: look_over(store, one, start, end, name=calendar_name),
    )
    if as_json:
        click.echo(json.dumps({"series": [_as_dict(one) for one in found]}, ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one.series}: {one.badge.text}. Calendar {one.calendar.name}: {one.reason}")
        for each in one.report.findings:
            click.echo(f"  {each.severity:<7}  {stamp(each.start)}  {each.text}")


def _as_dict(found: Checked) -> dict[str, Any]:
    made = found.report
    return {
        **judged_as_dict(found.series, found.calendar, found.reason),
        "badge": {"text": found.badge.text, "level": found.badge.level},
        "candles": made.candles,
        "filled": made.filled,
        "expected": made.coverage.expected,
        "present": made.coverage.present,
        "ignored": made.coverage.ignored,
        "share": made.coverage.share,
        "gaps": len(made.gaps),
        "findings": [
            {
                "kind": each.kind, "severity": each.severity, "start": stamp(each.start), "end": stamp(each.end),
                "count": each.count, "text": each.text,
            }
            for each in made.findings
        ],
    }  # fmt: skip
