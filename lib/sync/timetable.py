"""When a schedule's runs fall: its words or its line of cron as a trigger of APScheduler (3.x)."""

from __future__ import annotations

import re
from typing import Any

from lib.errors import InputError

__all__ = ["trigger"]

_EVERY = re.compile(r"every\s+(?:(\d+)\s+)?(minute|hour|day)s?", re.IGNORECASE)
_LEAST = 60
_DAYS = "sun mon tue wed thu fri sat sun".split()


def trigger(text: str) -> Any:
    """The APScheduler trigger of a schedule: ``every 15 minutes``, ``every hour``, ``every 2 days``, or five
    fields of cron in UTC (``*/15 * * * *``). Raises ``InputError``."""
    from apscheduler.triggers.cron import CronTrigger
    from apscheduler.triggers.interval import IntervalTrigger

    found = _EVERY.fullmatch(text.strip())
    if found:
        seconds = int(found[1] or 1) * {"minute": 60, "hour": 3600, "day": 86400}[found[2].lower()]
        if seconds >= _LEAST:
            return IntervalTrigger(seconds=seconds, timezone="UTC")
    try:
        return CronTrigger.from_crontab(_with_names_of_days(text), timezone="UTC")
    except ValueError as error:
        raise InputError(
            f"The schedule {text!r} cannot be read.",
            remedy='Write "every 15 minutes", "every hour", "every day", or five fields of cron: "0 6 * * 1-5".',
        ) from error


def _with_names_of_days(text: str) -> str:
    """A line of cron whose days of the week are names: cron counts them from Sunday, 0 or 7, APScheduler from
    Monday, and neither reads a range that ends before it begins."""
    fields = text.split()
    if len(fields) != 5 or fields[4] == "*":
        return text
    days: list[str] = []
    for part in fields[4].split(","):
        found = re.fullmatch(r"(?:(\*)|([0-7])(?:-([0-7]))?)(?:/([1-7]))?", part)
        if not found:
            days.append(part)
            continue
        first, last = (0, 6) if found[1] else (int(found[2]), int(found[3] or (6 if found[4] else found[2])))
        days += [_DAYS[day] for day in range(first, last + 1, int(found[4] or 1))]
    return " ".join([*fields[:4], ",".join(dict.fromkeys(days))])
