"""Several files at once: parts of one series, or a series each; one table of all, and one of them looked into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.errors import CandlebookError
from lib.files import Choices
from lib.gathering import (
    Asked,
    Checked,
    Clash,
    Given,
    Look,
    Outcome,
    commands,
    grouped,
    store_all,
)  # fmt: skip
from lib.store import Store
from lib.ui import words
from lib.ui.frame import plain, show_error
from lib.ui.wizard import basket, controls, no_zone, shell, wizard

__all__ = ["many"]

_MODE, _ONE, _SYMBOLS, _LEFT, _BASE = "many_mode", "many_one", "many_symbols", "many_left", "many_base"
_MODES = {"parts": "Parts of one series", "each": "A series each"}
_STATES = {"ready": "Ready", "choice": "Needs a choice", "refused": "Refused"}
_STANDS = {
    "refuse": "Neither: store nothing", "first": "The upper file of the list", "last": "The lower file of the list",
}  # fmt: skip
_LISTED = 50
_COLUMNS = ("Take", "File", "Symbol", "State", "Timeframe", "Candles", "First", "Last", "Note")


def many(store: Store, files: list[Given]) -> list[tuple[Given, Outcome]] | None:
    """Ask what the files are, show what is known of each, and store them when that is pressed: what became
    of each; None before that."""
    one = next((each for each in files if each.key == st.session_state.get(_ONE)), None)
    if one is not None:
        _look_into(one, files)
        return None
    looks = _looked(files)
    mode = st.radio(
        f"These {len(files)} files are", list(_MODES), index=list(_MODES).index(_likely(looks)), key=_MODE,
        format_func=_MODES.__getitem__, horizontal=True,
    )  # fmt: skip
    taken, symbols = _table(looks, mode)
    _choose_one(looks)
    st.caption(_counted(looks, taken))
    return _parts(store, taken) if mode == "parts" else _each(store, taken, symbols)


def _looked(files: list[Given]) -> list[Look]:
    """Read all, one after another, telling how far it is; those read before cost nothing."""
    held = basket()
    bar = st.empty()
    found = []
    for number, each in enumerate(files):

        def progress(done: float, what: str = "reading", number: int = number, name: str = each.name) -> None:
            bar.progress(
                (number + done) / len(files), plain(f"{name} ({number + 1} of {len(files)}): {what}")
            )

        if held.known(each) is None:
            progress(0.0)
        found.append(held.look(each, progress))
    bar.empty()
    return found


def _likely(looks: list[Look]) -> str:
    """Files of one symbol and timeframe are parts."""
    told = {each.suggested for each in looks}
    frames = {each.checked.timeframe for each in looks if each.checked is not None}
    return "parts" if len(told) == 1 and len(frames) <= 1 else "each"


# ------------------------------------------------------------------------------------------------ table


def _table(looks: list[Look], mode: str) -> tuple[list[Look], dict[str, str]]:
    """What is known of each file; those that are to be taken, and the symbols as they were edited."""
    symbols: dict[str, str] = st.session_state.setdefault(_SYMBOLS, {})
    left: set[str] = st.session_state.setdefault(_LEFT, set())
    key = f"many_table_{hash((mode, tuple(each.given.key for each in looks))):x}"
    # The editor lays what is typed over the table it is given: its own columns stay as they were when it came
    # up, or what is typed while the page runs would be lost. Once it is gone, so is what it has kept.
    if key not in st.session_state or st.session_state.get(_BASE, ("",))[0] != key:
        st.session_state[_BASE] = (key, [_own(each, symbols, left) for each in looks])
    owned = st.session_state[_BASE][1]
    base = pd.DataFrame([own | _row(each) for own, each in zip(owned, looks, strict=True)])
    columns = [name for name in _COLUMNS if mode == "each" or name != "Symbol"]
    edited = st.data_editor(
        base[columns], key=key, hide_index=True, width="stretch",
        disabled=[name for name in columns if name not in ("Take", "Symbol")],
        column_config={
            "Take": st.column_config.CheckboxColumn(width=75, help="Files without it are left out"),
            "File": st.column_config.TextColumn(width="medium"),
            "State": st.column_config.TextColumn(width=110),
            "Symbol": st.column_config.TextColumn(width=130, help="Double-click to change it", max_chars=120),
            "Candles": st.column_config.TextColumn(width=80),
            "Note": st.column_config.TextColumn(width="large"),
        },
    )  # fmt: skip
    taken = []
    for at, each in enumerate(looks):
        key = each.given.key
        left.discard(key)
        if edited["Take"].iat[at]:
            taken.append(each)
        else:
            left.add(key)
        if mode == "each":
            symbols[key] = str(edited["Symbol"].iat[at] or "").strip()
    if mode == "each":
        _name({each.given.key: symbols[each.given.key] for each in looks}, looks)
    return taken, symbols


def _name(symbols: dict[str, str], looks: list[Look]) -> None:
    """A symbol that was typed may tell how its file is read: then all is looked at again."""
    new = [basket().name(each, symbols[each.given.key]) for each in looks]
    if any(new):
        st.rerun()


def _own(look: Look, symbols: dict[str, str], left: set[str]) -> dict[str, object]:
    """What the reader may change in a row, as it stands now."""
    return {"Take": look.given.key not in left, "Symbol": symbols.get(look.given.key, look.suggested)}


def _row(look: Look) -> dict[str, object]:
    found = look.checked
    report = found.report if found is not None else None
    return {
        "File": look.given.name,
        "State": _STATES[look.state],
        "Timeframe": str(found.timeframe) if found is not None else "",
        "Candles": f"{report.rows_out:,}" if report is not None else "",
        "First": words.when(report.first, "UTC") if report is not None and report.first is not None else "",
        "Last": words.when(report.last, "UTC") if report is not None and report.last is not None else "",
        "Note": _note(look),
    }


def _note(look: Look) -> str:
    if look.checked is None:
        return look.error.message.removeprefix(f"{look.given.name}: ") if look.error is not None else ""
    report = look.checked.report
    notes = [f"{report.refused:,} rows left out"] if report.refused else []
    notes += [f"{report.duplicates:,} rows stood twice"] if report.duplicates else []
    notes += [f"made of {look.checked.ticks:,} ticks"] if look.checked.ticks else []
    warnings = [controls(each) for each in look.checked.reading.warnings]
    return ". ".join([*notes, *no_zone(look.checked), *warnings])


def _counted(looks: list[Look], taken: list[Look]) -> str:
    counts = {state: sum(each.state == state for each in looks) for state in _STATES}
    said = [f"{count} {_STATES[state].lower()}" for state, count in counts.items() if count]
    said = [each.replace("needs", "need") if not each.startswith("1 ") else each for each in said]
    if len(taken) < len(looks):
        said.append(f"{len(looks) - len(taken)} left out")
    return ", ".join(said)


# -------------------------------------------------------------------------------------------- look into


def _choose_one(looks: list[Look]) -> None:
    named = {each.given.key: each for each in looks}
    first = [each.given.key for each in looks if each.state != "ready"]
    order = [*first, *(key for key in named if key not in first)]
    label = "Look into one" + (
        ", to answer or change something" if first else ": first lines, reading, chart"
    )
    st.selectbox(
        label, order, None, key="many_into", placeholder="Choose a file",
        format_func=lambda key: f"{named[key].given.name} · {_STATES[named[key].state].lower()}",
        on_change=_into,
    )  # fmt: skip


def _into() -> None:
    st.session_state[_ONE] = st.session_state["many_into"]


def _look_into(one: Given, files: list[Given]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Back to all {len(files)} files", key="many_back", on_click=_back, icon=":material/arrow_back:"
        )
        st.markdown(f"**{plain(one.name)}**", width="content")
        if replace(basket().chosen(one), symbol=None) != Choices():
            st.button(
                "Read all of them like this", key="many_alike", on_click=_alike, args=(one, files),
                icon=":material/done_all:", help="What was chosen here is chosen for every file",
            )  # fmt: skip
    wizard(one)


def _back() -> None:
    st.session_state.pop(_ONE, None)


def _alike(one: Given, files: list[Given]) -> None:
    held = basket()
    for each in files:
        held.choices[each.key] = replace(held.chosen(one), symbol=held.chosen(each).symbol)
    _back()


# ------------------------------------------------------------------------------------------------ store


def _parts(store: Store, taken: list[Look]) -> list[tuple[Given, Outcome]] | None:
    """One series: nothing is stored before every file that is taken has passed."""
    symbol, source, button = st.columns([2, 2, 1], vertical_alignment="bottom")
    told = {each.suggested for each in taken}
    wanted = symbol.text_input(
        "Symbol",
        told.pop() if len(told) == 1 else "",
        key="many_symbol",
        placeholder="What these candles are of",
    ).strip()
    _name(dict.fromkeys((each.given.key for each in taken), wanted), taken)
    origin = _source(source)
    names = sorted(told - {""})
    if len(names) > 1:
        st.info(
            plain(
                f"They seem to be of several symbols: {', '.join(names[:8])}. As parts of one series they get one."
            ),
            icon=":material/help:",
        )
    ready = [each.checked for each in taken if each.checked is not None]
    hindered = _hindrance(taken, ready)
    if hindered:
        st.warning(plain(hindered), icon=":material/rule:")
        button.button("Store", key="many_store", disabled=True, icon=":material/save:", width="stretch")
        return None
    rule = _between([ready], taken)
    pressed = button.button(
        "Store", key="many_store", type="primary", icon=":material/save:", width="stretch",
        disabled=not wanted or rule == "refuse",
    )  # fmt: skip
    if rule != "refuse":
        shell(
            commands(
                _asked(taken, dict.fromkeys((each.given.key for each in taken), wanted)), origin, between=rule
            )
        )
    return _store(store, taken, dict.fromkeys(ready, wanted), origin, rule) if pressed else None


def _each(store: Store, taken: list[Look], symbols: dict[str, str]) -> list[tuple[Given, Outcome]] | None:
    """A series for each symbol and timeframe, of the files that passed."""
    source, button = st.columns([4, 1.4], vertical_alignment="bottom")
    origin = _source(source)
    passed = [each for each in taken if each.checked is not None]
    named = {each.checked: symbols[each.given.key] for each in passed if each.checked is not None}
    nameless = [each.name for each, symbol in named.items() if not symbol]
    if nameless:
        st.warning(
            plain(f"No symbol yet: {', '.join(nameless[:5])}. Type it in the table, or leave the file out."),
            icon=":material/edit:",
        )
    rule = _between(_together(named), passed)
    label = f"Store {words.count(len(passed), 'file')}"
    pressed = button.button(
        label, key="many_store", type="primary", icon=":material/save:", width="stretch",
        disabled=not passed or bool(nameless) or rule == "refuse",
    )  # fmt: skip
    if passed and not nameless and rule != "refuse":
        shell(commands(_asked(passed, symbols), origin, between=rule))
    return _store(store, passed, named, origin, rule) if pressed else None


def _source(place: DeltaGenerator) -> str:
    return place.text_input(
        "Source", "file", key="many_source", help="Where they come from: your broker, a vendor"
    ).strip()


def _hindrance(taken: list[Look], ready: list[Checked]) -> str:
    """Why these cannot be stored as one series; nothing where they can."""
    if not taken:
        return "No file is taken: tick at least one in the table."
    failed = [each.given.name for each in taken if each.checked is None]
    if failed:
        more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
        return (f"As one series all are stored, or nothing. Not ready: {', '.join(failed[:5])}{more}. "
                "Look into each to answer what is open, or leave it out in the table.")  # fmt: skip
    frames: dict[str, list[str]] = {}
    for each in ready:
        frames.setdefault(str(each.timeframe), []).append(each.name)
    if len(frames) > 1:
        told = "; ".join(
            f"{frame}: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
            for frame, names in frames.items()
        )
        return f"One series has one timeframe, and these have several ({told}). Leave some out, or store a series each."
    return ""


def _together(symbols: dict[Checked, str]) -> list[list[Checked]]:
    """Files that become one series because their symbol and timeframe are the same."""
    found: dict[tuple[str, str], list[Checked]] = {}
    for each, symbol in symbols.items():
        found.setdefault((symbol, str(each.timeframe)), []).append(each)
    return [each for each in found.values() if len(each) > 1]


def _between(groups: list[list[Checked]], taken: list[Look]) -> str | None:
    """Which file stands where parts of one series contradict each other: asked where they do."""
    found = [clash for group in groups for clash in basket().clashes(group)]
    if not found:
        return None
    chosen = {each.choices.conflicts for each in taken}
    usual = next(iter(chosen)) if len(chosen) == 1 else None
    total = sum(each.count for each in found)
    st.warning(
        f"{words.count(total, 'time')} with other figures in {'two of the files' if len(found) == 1 else 'several files'}. Which stands?",
        icon=":material/difference:",
    )
    shown = pd.DataFrame([row for each in found for row in _contradictions(each)][:_LISTED])
    st.dataframe(shown, hide_index=True, width="stretch")
    if total > len(shown) // 2:
        st.caption(f"The first {len(shown) // 2} of {total:,}.")
    return st.radio(
        "Two files at one time", list(_STANDS), list(_STANDS).index(usual or "refuse"), key="many_between",
        format_func=_STANDS.__getitem__, horizontal=True,
    )  # fmt: skip


def _contradictions(clash: Clash) -> list[dict[str, object]]:
    """Two rows for each time: as one file has it, and as the other."""
    made = []
    for at, time in enumerate(clash.first.index):
        for name, table in ((clash.one, clash.first), (clash.other, clash.second)):
            made.append({"Time, UTC": words.when(time, "UTC"), "File": name, **table.iloc[at].to_dict()})
    return made


def _asked(taken: Sequence[Look], symbols: dict[str, str]) -> list[Asked]:
    return [
        Asked(
            each.given.name, each.given.where, each.choices, symbols[each.given.key], each.checked.timeframe,
            each.given.options,
        )
        for each in taken
        if each.checked is not None
    ]  # fmt: skip


def _store(
    store: Store, taken: list[Look], symbols: dict[Checked, str], source: str, rule: str | None
) -> list[tuple[Given, Outcome]] | None:
    bar = st.progress(0.0)

    def progress(each: Checked, part: float) -> None:
        bar.progress(part, plain(f"Storing {each.name}"))

    try:
        groups = grouped(list(symbols), symbols, source or "file", rule)
        done = {each.file: each for each in store_all(store, groups, progress)}
    except CandlebookError as error:
        bar.empty()
        show_error(error)
        return None
    return [(each.given, done[each.checked]) for each in taken if each.checked in done]
