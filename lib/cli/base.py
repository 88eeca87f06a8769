"""What the commands share: the group, options, and how errors end them."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
import pandas as pd

from lib.errors import CandlebookError

if TYPE_CHECKING:
    from lib.store import Store

__all__ = [
    "Time", "end_option", "guarded", "json_option", "main", "open_at", "stamp", "start_option", "store_option",
]  # fmt: skip

_log = logging.getLogger(__name__)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show the log, and the trace of an unexpected error.")
def main(debug: bool) -> None:
    """Keep market candles: read them from files, fetch them, list and export them."""
    if debug:
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, force=True)


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Errors as one sentence on stderr and an exit code; never a trace, but under --debug."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except CandlebookError as error:
            _log.debug("refused", exc_info=True)
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:  # whoever read the answer has had enough, as head has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python says so when it ends
            sys.exit(1)
        except Exception as error:  # noqa: BLE001  the last place before the terminal
            if _log.isEnabledFor(logging.DEBUG):
                _log.exception("unexpected")
            click.echo(
                f"Error: something unexpected happened ({type(error).__name__}); run it with --debug to see what.",
                err=True,
            )
            sys.exit(1)

    return run


class Time(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A time, UTC where it tells no zone."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> pd.Timestamp:
        try:
            time = pd.Timestamp(value)
        except (ValueError, TypeError):
            self.fail(f"{value!r} is no time; write 2024-01-31 or 2024-01-31T16:00Z.", param, ctx)
        if not isinstance(time, pd.Timestamp):
            self.fail(f"{value!r} is no time.", param, ctx)
        return time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")


store_option = click.option(
    "--store",
    "store_url",
    metavar="URL",
    help="Where candles are kept; a folder or s3://bucket/prefix. [default: CANDLEBOOK_STORE, else data/store]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Answer with JSON on stdout.")
start_option = click.option("--start", type=Time(), help="First open, UTC unless it says otherwise.")
end_option = click.option("--end", type=Time(), help="Candles that open before this.")


def open_at(url: str | None) -> Store:
    """The store at ``url``, else the one of the settings."""
    from lib.store import open_store

    return open_store(url)


def stamp(time: pd.Timestamp) -> str:
    """ISO 8601 with ``Z``."""
    return str(time.isoformat()).replace("+00:00", "Z")
