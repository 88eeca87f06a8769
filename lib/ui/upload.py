"""Opening a file on Home: what it says, how it is read, what would be stored; then, and only then, store."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from zoneinfo import available_timezones

import streamlit as st

from lib.candles import Finding, Report
from lib.chart import candle_chart, view_of
from lib.errors import CandlebookError, CandlesRefused, FileRefused
from lib.files import Choices, FileCandles, Inference, Reading, inspect, read, suggest_symbol
from lib.series import Series
from lib.store import Store
from lib.ui import words
from lib.ui.elsewhere import elsewhere, put_away
from lib.ui.frame import HISTORY, REPLAY, guard, plain, show_error
from lib.viewport import PAGE

__all__ = ["upload"]

_ROUND, _CHOICES, _DONE = "upload_round", "upload_choices", "upload_done"
_SHOWN = 50
_RULES = {
    "conflicts": ("Two rows at one time", {"refuse": "Refuse the file", "first": "Take the first", "last": "Take the last"}),
    "bad_rows": ("Rows that break a rule", {"refuse": "Refuse the file", "drop": "Leave them out"}),
}  # fmt: skip


def upload(store: Store) -> None:
    """Drop a file, see how it is read, correct that, store it."""
    if done := st.session_state.pop(_DONE, None):
        _stored(*done)
    dropped = st.file_uploader(
        "A file of candles or ticks: CSV and other texts, JSON, Parquet, Feather, Excel, also packed",
        key=f"upload_{st.session_state.get(_ROUND, 0)}",
        help="Columns in any order and language of times; nothing is stored before you have seen how it was read",
    )
    fetched = elsewhere()
    if dropped is not None:
        _wizard(store, dropped.name, dropped.file_id, dropped.getvalue())
    elif fetched is not None:
        _wizard(store, fetched.name, fetched.key, fetched.data)


def _wizard(store: Store, name: str, file: str, data: bytes) -> None:
    """From the bytes of a file to a stored series; ``file`` tells it from others in names of controls."""
    chosen: dict[str, Choices] = st.session_state.setdefault(_CHOICES, {})
    choices = chosen.setdefault(file, Choices())
    try:
        reading = inspect(name, data, choices)
    except CandlebookError as error:
        show_error(error)
        _start_over(choices, file)
        return
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.markdown("**The first lines, as they are**")
        st.code(
            "\n".join(line[:200] for line in reading.preview[:12]) or " ", language=None, line_numbers=True
        )
    with right:
        st.markdown("**How they are read**")
        _inferences(reading, file, choices)
    for warning in reading.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    _outcome(store, name, file, data, choices)


def _inferences(reading: Reading, file: str, choices: Choices) -> None:
    """Each thing understood, as a control; the columns and the less usual ones behind a fold."""
    usual = [
        each for each in reading.inferred if not each.key.startswith("columns.") and each.key not in _RULES
    ]
    columns = [each for each in reading.inferred if each.key.startswith("columns.")]
    open_ = any(not each.value for each in columns if each in reading.questions)
    _grid(usual, file, choices)
    with st.expander(f"Columns: {', '.join(each.value for each in columns if each.value)}", expanded=open_):
        _grid(columns, file, choices)


def _grid(these: list[Inference], file: str, choices: Choices) -> None:
    """Two controls to a row: nine of them under each other hide the outcome."""
    for start in range(0, len(these), 2):
        for each, place in zip(these[start : start + 2], st.columns(2), strict=False):
            with place:
                _inference(each, file, choices)


def _inference(each: Inference, file: str, choices: Choices) -> None:
    options = list(dict.fromkeys([each.value, *each.options]))
    if each.key == "zone":
        options += sorted(available_timezones() - set(options))
    key = f"read_{file}_{each.key}_{each.value}"
    st.selectbox(
        each.label, options, key=key, help=each.why or None, on_change=_override, args=(file, each.key, key),
        format_func=lambda value: _named(each.key, value),
    )  # fmt: skip


def _named(key: str, value: str) -> str:
    names = {"\t": "tab", ",": "comma ( , )", ";": "semicolon ( ; )", "|": "bar ( | )", " ": "space"}
    if value == "":
        return "none" if key.startswith("columns.") else "please choose"
    return names.get(value, value) if key in ("delimiter", "decimal") else value


def _override(file: str, what: str, key: str) -> None:
    chosen: dict[str, Choices] = st.session_state[_CHOICES]
    chosen[file] = chosen[file].override(what, st.session_state[key])


def _start_over(choices: Choices, file: str) -> None:
    if choices != Choices():
        st.button(
            "Undo my changes", on_click=st.session_state[_CHOICES].pop, args=(file,), icon=":material/undo:"
        )


# ---------------------------------------------------------------------------------------------- outcome


def _outcome(store: Store, name: str, file: str, data: bytes, choices: Choices) -> None:
    try:
        with st.spinner("Reading the whole file"):
            found = read(name, data, choices)
    except CandlesRefused as error:
        show_error(error)
        _findings(error.report.findings, error.report)
        _rules(file, choices, error.report)
        return
    except FileRefused as error:
        show_error(error)
        _findings(error.fields.get("findings", ()), None)
        _rules(file, choices, None)
        return
    except CandlebookError as error:
        show_error(error)
        _start_over(choices, file)
        return
    report = found.report
    st.markdown(
        f"**{words.count(report.rows_out, 'candle')}** of {found.timeframe.words}, {words.when(found.table.index[0], 'UTC')} to "
        f"{words.when(found.table.index[-1], 'UTC')} UTC"
    )
    notes = [f"they were made of {found.ticks:,} ticks"] if found.ticks else []
    notes += [f"{report.duplicates:,} rows stood twice and count once"] if report.duplicates else []
    if report.refused:
        notes.append(f"{report.refused:,} rows are left out")
    if not report.sorted_on_entry:
        notes.append("the rows were not in order of time; they are now")
    st.caption(". ".join(note[0].upper() + note[1:] for note in notes) or "Every row is in order.")
    if report.refused:
        _findings(report.findings, report)
        _rules(file, choices, report)
    table = found.table.iloc[-PAGE:]
    candle_chart(
        view_of(f"upload {file}", table, found.timeframe, title=name, zone="UTC"),
        key=f"upload_chart_{file}",
        height=320,
    )
    _keep(store, name, file, found)
    _command(
        name,
        choices,
        st.session_state.get(f"symbol_{file}", suggest_symbol(name)),
        st.session_state.get(f"source_{file}", "file"),
    )


def _findings(findings: Sequence[Finding], report: Report | None) -> None:
    """What is wrong, line by line."""
    if not findings:
        return
    shown = [
        {"Where": found.place, "Value": found.value, "What is wrong": found.message}
        for found in findings[:_SHOWN]
    ]
    st.dataframe(shown, hide_index=True, width="stretch")
    total = sum(report.counts.values()) if report is not None else len(findings)
    if total > len(shown):
        st.caption(f"The first {len(shown)} of {total:,}.")


def _rules(file: str, choices: Choices, report: Report | None) -> None:
    """What to do with rows that break a rule, or that contradict each other."""
    for key, (label, options) in _RULES.items():
        if key == "conflicts" and report is not None and "conflict" not in report.counts:
            continue
        value = getattr(choices, key) or "refuse"
        st.radio(
            label, list(options), list(options).index(value), format_func=options.__getitem__, horizontal=True,
            key=f"rule_{file}_{key}_{value}", on_change=_override, args=(file, key, f"rule_{file}_{key}_{value}"),
        )  # fmt: skip


# ------------------------------------------------------------------------------------------------- keep


def _keep(store: Store, name: str, file: str, found: FileCandles) -> None:
    symbol, source, button = st.columns([2, 2, 1], vertical_alignment="bottom")
    wanted = symbol.text_input(
        "Symbol", suggest_symbol(name), key=f"symbol_{file}", placeholder="What these candles are of"
    )
    origin = source.text_input(
        "Source", "file", key=f"source_{file}", help="Where they come from: your broker, a vendor"
    )
    if not button.button(
        "Store", type="primary", icon=":material/save:", disabled=not wanted.strip(), width="stretch"
    ):
        return
    with guard():
        series = Series(origin.strip() or "file", wanted.strip(), found.timeframe)
        written = store.write(series, found.table, origin=f"file {name}")
        st.session_state[_DONE] = (series, written.added, written.changed, written.unchanged)
        st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
        st.session_state[_CHOICES].pop(file, None)
        put_away(file)
        st.rerun()


def _command(name: str, choices: Choices, symbol: str, source: str) -> None:
    """The same import from a shell, with what was changed here as options."""
    parts = ["python", "-m", "lib", "import", name, "--symbol", symbol.strip() or "SYMBOL"]
    if source.strip() not in ("", "file"):
        parts += ["--source", source.strip()]
    with st.expander("The same from the command line"):
        st.code(shlex.join([*parts, *choices.arguments()]), language="bash", wrap_lines=True)


def _stored(series: Series, added: int, changed: int, unchanged: int) -> None:
    parts = [f"{words.count(added, 'candle')} added"]
    if changed:
        parts.append(f"{changed:,} replaced")
    if unchanged:
        parts.append(f"{unchanged:,} were there already")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.success(f"Stored {plain(str(series))}: {', '.join(parts)}.", icon=":material/check_circle:")
        st.page_link(
            HISTORY,
            label="History",
            icon=":material/candlestick_chart:",
            query_params={"series": series.slug},
        )
        st.page_link(REPLAY, label="Replay", icon=":material/replay:", query_params={"series": series.slug})
