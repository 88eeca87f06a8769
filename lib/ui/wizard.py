"""One file: its first lines, how it is read, and what that makes, each of which can be changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from zoneinfo import available_timezones

import streamlit as st

from lib.candles import Finding, Report
from lib.chart import candle_chart, view_of
from lib.errors import CandlebookError, CandlesRefused, FileRefused, InputError
from lib.files import Choices, Inference, Reading, inspect
from lib.files.times.times import COUNTS, EPOCH_UNITS
from lib.gathering import Basket, Checked, Given, Look
from lib.ui import words
from lib.ui.frame import plain, show_error
from lib.viewport import PAGE

__all__ = ["basket", "controls", "looked", "no_zone", "shell", "wizard"]

_BASKET, _TABLES = "upload_basket", "upload_tables"
_SHOWN = 50
_FIRST_DAY = date(1900, 1, 1)
_RULES = {
    "conflicts": ("Two rows at one time", {"refuse": "Refuse the file", "first": "Take the first", "last": "Take the last"}),
    "bad_rows": ("Rows that break a rule", {"refuse": "Refuse the file", "drop": "Leave them out"}),
}  # fmt: skip
_OPTION = re.compile(r" \(--(?P<option>[a-z-]+)[^)]*\)|: --(?P<last>[a-z-]+) .*(?=\.$)")
_CONTROLS = {
    "off-grid": "Candles off the grid", "days": "Daily candles open at", "pick-symbol": "Symbol in the file",
    "time-format": "Times", "column": "Columns", "date": "Date", "day-first": "Day and month", "timeframe": "Timeframe",
    "decimal": "Decimal mark", "prices": "Prices", "side": "Quote side", "tz": "Zone of the times",
    "member": "Table in the file", "delimiter": "Delimiter", "header": "Header line", **{key.replace("_", "-"): label for key, (label, _) in _RULES.items()},
}  # fmt: skip


def basket() -> Basket:
    """The files of this reader."""
    made: Basket = st.session_state.setdefault(_BASKET, None) or Basket()
    st.session_state[_BASKET] = made
    return made


def wizard(given: Given) -> Look:
    """From the bytes of a file to what would be stored; nothing is."""
    with st.spinner("Reading the whole file"):
        look = looked(given)
    try:
        reading = look.checked.reading if look.checked else inspect(given.name, given.data, look.choices)
    except CandlebookError as error:
        _unread(error, look.choices, given.key)
        return look
    if look.error is not None:
        show_error(_on_page(look.error))  # first: what it asks is answered by the controls below
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.markdown("**The first lines, as they are**")
        st.code(
            "\n".join(line[:200] for line in reading.preview[:12]) or " ", language=None, line_numbers=True
        )
    with right:
        st.markdown("**How they are read**")
        _inferences(reading, given.key, _more(reading, look))
    for warning in () if _question(look.error) == "member" else reading.warnings:
        st.warning(plain(controls(warning)), icon=":material/warning:")
    _outcome(given, look)
    return look


def _on_page(error: CandlebookError) -> CandlebookError:
    if not isinstance(error, InputError):
        return error
    return InputError(controls(error.message), remedy=controls(error.remedy), **error.fields)


def _unread(error: CandlebookError, choices: Choices, file: str) -> None:
    """Nothing is known of the file; where it may be for the form of its times, that is asked."""
    if _question(error) == "time_format":
        show_error(_on_page(error))
        forms = ("text", *(f"epoch {unit}" for unit in (*EPOCH_UNITS, *COUNTS)))
        _inference(Inference("time_format", "Times", choices.time_format or "", forms, ""), file)
    else:
        show_error(error)
    _start_over(choices, file)


def controls(sentence: str) -> str:
    """What a file's reader says, with options of the command line replaced by the control that is the same."""

    def named(found: re.Match[str]) -> str:
        label = _CONTROLS.get(found["option"] or found["last"])
        return f' ("{label}")' if label else ""

    return _OPTION.sub(named, sentence)


def looked(given: Given) -> Look:
    """What is known of a file, read now where it was not."""
    bar = st.empty()

    def progress(done: float, what: str) -> None:
        bar.progress(min(1.0, done), plain(f"{given.name}: {what}"))

    found = basket().look(given, progress)
    bar.empty()
    return found


def _question(error: CandlebookError | None) -> str:
    """What the reader is asked; empty where nothing is."""
    return str(error.fields.get("question", "")) if error is not None else ""


def _more(reading: Reading, look: Look) -> list[Inference]:
    """What the content tells nothing of, where it was asked for or chosen: one of several tables, and the day of
    rows that tell only times of it."""
    made = []
    tables: dict[str, tuple[str, ...]] = st.session_state.setdefault(_TABLES, {})
    file, chosen = look.given.key, look.choices
    if look.error is not None and _question(look.error) == "member":
        tables[file] = tuple(look.error.fields["options"])
    if file in tables:
        made.append(
            Inference("member", "Table in the file", chosen.member or "", tables[file], "it holds several")
        )
    asked = isinstance(look.error, FileRefused) and "--date" in look.error.remedy
    if not any(each.key == "date" for each in reading.inferred) and (chosen.date or asked):
        made.append(Inference("date", "Date", chosen.date or "", (), "the rows tell only times of day"))
    return made


def _inferences(reading: Reading, file: str, more: list[Inference]) -> None:
    """Each thing understood, as a control; the columns and the less usual ones behind a fold."""
    usual = more + [
        each for each in reading.inferred if not each.key.startswith("columns.") and each.key not in _RULES
    ]
    columns = [each for each in reading.inferred if each.key.startswith("columns.")]
    open_ = any(not each.value for each in columns if each in reading.questions)
    _grid(usual, file)
    with st.expander(f"Columns: {', '.join(each.value for each in columns if each.value)}", expanded=open_):
        _grid(columns, file)


def _grid(these: list[Inference], file: str) -> None:
    """Two controls to a row: nine of them under each other hide the outcome."""
    for start in range(0, len(these), 2):
        for each, place in zip(these[start : start + 2], st.columns(2), strict=False):
            with place:
                _inference(each, file)


def _inference(each: Inference, file: str) -> None:
    options = list(dict.fromkeys([each.value, *each.options]))
    if each.key == "zone":
        options += sorted(available_timezones() - set(options))
    key = f"read_{file}_{each.key}_{each.value}"
    if each.key == "date":
        moment = words.moment(each.value)
        st.date_input(
            each.label, moment and moment.date(), _FIRST_DAY, key=key, help=each.why or None, on_change=_override,
            args=(file, each.key, key),
        )  # fmt: skip
        return
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
    choices = basket().choices
    if (value := st.session_state[key]) is not None:
        choices[file] = choices.get(file, Choices()).override(what, str(value))


def _start_over(choices: Choices, file: str) -> None:
    if choices != Choices():
        st.button("Undo my changes", on_click=_undo, args=(file,), key=f"undo_{file}", icon=":material/undo:")


def _undo(file: str) -> None:
    basket().choices.pop(file, None)


# ---------------------------------------------------------------------------------------------- outcome


def _outcome(given: Given, look: Look) -> None:
    if look.checked is None:
        if look.error is not None:
            _refused(look.error, given.key, look.choices)
        return
    found = look.checked
    report = found.report
    table = found.newest(PAGE)
    st.markdown(
        f"**{words.count(report.rows_out, 'candle')}** of {found.timeframe.words}, {words.when(report.first, 'UTC')} to "
        f"{words.when(report.last, 'UTC')} UTC"
    )
    st.caption(_notes(found))
    if report.refused:
        _findings(report.findings, report)
        _rules(given.key, look.choices, report)
    candle_chart(
        view_of(f"upload {given.key}", table, found.timeframe, title=given.name, zone="UTC"),
        key="upload_chart_" + given.key.replace("_", "-"),  # Streamlit refuses two of them running in it
        height=320,
    )


def _notes(found: Checked) -> str:
    report = found.report
    notes = [f"they were made of {found.ticks:,} ticks"] if found.ticks else []
    notes += (
        [f"{words.count(report.duplicates, 'row')} stood twice, counted once"] if report.duplicates else []
    )
    if report.refused:
        notes.append(f"{words.count(report.refused, 'row')} left out")
    if not report.sorted_on_entry:
        notes.append("the rows were not in order of time; they are now")
    notes = [note[0].upper() + note[1:] for note in notes or ["every row is in order"]]
    return ". ".join([*notes, *no_zone(found)])


def no_zone(found: Checked) -> list[str]:
    """The note that UTC was taken for times that tell no zone; none of days, which are those of their dates."""
    said = found.zone_assumed and (found.ticks or found.timeframe.seconds < 86400)
    return ["The file does not tell the zone of its times; UTC was taken"] if said else []


def _refused(error: CandlebookError, file: str, choices: Choices) -> None:
    if isinstance(error, CandlesRefused):
        _findings(error.report.findings, error.report)
        _rules(file, choices, error.report)
    elif isinstance(error, FileRefused):
        _findings(error.fields.get("findings", ()), None)
        if not _question(error):  # which is answered by another control
            _rules(file, choices, None)
    else:
        _start_over(choices, file)


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


def shell(lines: Sequence[str]) -> None:
    """The same import, ready to be copied."""
    with st.expander("The same from the command line"):
        st.code("\n".join(lines), language="bash", wrap_lines=True)
        if any("?..." in line for line in lines):
            st.caption("What follows the ? in an address is left out, as it may hold a key: put it back.")
