"""Lines that are no rows and mean no harm: comments, a header that comes again, totals and notes at the end,
days without any price. They are left out, and said so."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from lib.candles import PRICES, Finding
from lib.files.columns.cells import is_missing, is_time, numeric
from lib.files.rows import Rows
from lib.files.texts.layout import Layout, cut

__all__ = ["leave_out"]

_MOST_AT_END = 12
_WORDS = re.compile(r"[^\W\d_]{2}|[\u3040-\u9fff\uac00-\ud7a3]")
# What the last lines of a sheet come to, be there figures for every column.
_SUMMARY = re.compile(
    r"(?i)(grand |sub)?total(s|e|es)?|sum|averages?|avg|mean|median|min(imum)?|max(imum)?|std( ?dev)?|st ?dev|count|"
    r"summe|gesamt|durchschnitt|mittel(wert)?|somme|moyenne|suma|promedio|media|m[eé]dia|totale|somma|razem|[sś]rednia|"
    r"итого|всего|сумма|среднее|合计|合計|总计|總計|平均|평균|합계"
)


def leave_out(rows: Rows, found: Layout, *, ending: bool = True) -> Rows:
    """``rows`` without such lines; their findings become one note. ``ending``: the file ends with them."""
    listed = len(rows.findings) == sum((rows.counts or {}).values())
    lines = rows.lines()
    harmless: set[int] = set()
    if rows.findings and listed:
        good = lines if rows.bad is None else lines[~rows.bad]
        last = int(good.max(initial=0))
        bare = set(lines[_unpriced(rows, every=True)].tolist())
        harmless = {each.line for each in rows.findings if each.line and _harmless(each, found, bare)}
        end = {each.line for each in rows.findings if each.line and each.line > last}
        priceless = set(lines[_unpriced(rows)].tolist())
        if ending and len(end) <= _MOST_AT_END:
            harmless |= {line for line in end if _total(line, rows.findings, found, priceless)}
            harmless |= _another_table(end, harmless, rows, found)
            harmless |= {
                each.line
                for each in rows.findings
                if each.line in end
                and each.line
                and each.rule == "row"
                and each.value.strip() == str(len(good))
            }  # how many rows there are
    empty = _without_prices(rows)
    if empty is not None and listed:
        without = set(lines[empty].tolist())
        harmless |= {
            each.line for each in rows.findings
            if each.line and each.line in without and each.rule == "number" and _WORDS.search(each.value)
        }  # fmt: skip
    if empty is not None:
        empty &= ~np.isin(lines, list(harmless))
    drop = np.isin(lines, list(harmless)) | (empty if empty is not None else False)
    if not harmless and not drop.any():
        return rows
    notes = [rows.note] if rows.note else []
    if harmless:
        shown = ", ".join(str(line) for line in sorted(harmless)[:5])
        notes.append(f"Left out as no rows (comments, headers, totals): line {shown}"
                     + (f" and {len(harmless) - 5} more." if len(harmless) > 5 else "."))  # fmt: skip
    if empty is not None and empty.any():
        first = int(lines[empty.argmax()])
        notes.append(
            f"Left out as empty: {int(empty.sum()):,} rows without any price, the first on line {first}."
        )
    keep = ~drop
    kept = tuple(each for each in rows.findings if each.line not in harmless)
    counts: dict[str, int] = {}
    for each in kept:
        counts[each.rule] = counts.get(each.rule, 0) + 1
    passed = sum(each.rule == "row" for each in rows.findings if each.line in harmless)
    bad = rows.bad[keep] if rows.bad is not None else None
    figures = {role: values[keep] for role, values in rows.figures.items()}
    lines = lines[keep]
    return replace(
        rows, micros=rows.micros[keep], figures=figures, lines=lambda: lines, bad=bad, findings=kept,
        counts=counts if listed else rows.counts, left_out=rows.left_out - passed, note=" ".join(notes),
    )  # fmt: skip


def _harmless(finding: Finding, found: Layout, bare: set[int]) -> bool:
    """A comment, a header again; a total, or a title without a figure, where a time would be (``bare``: lines without
    a price)."""
    text = finding.value.lstrip(" \t\ufeff")
    if text.startswith(("#", "//")) or not text.strip("\x1a\0"):
        return True
    if finding.rule == "row" and not text.strip("-+=_*|~ \t"):  # a line that is drawn
        return True
    if finding.rule == "row":
        return _remark(cut(text, found.delimiter)) or cut(text, found.delimiter) == list(found.names)
    if finding.rule == "time" and (
        _SUMMARY.fullmatch(text.strip(" :")) or (finding.line in bare and _WORDS.search(text))
    ):
        return True
    names = {name.casefold() for name in found.names} if found.header else set()
    return finding.rule in ("time", "number") and text.casefold() in names


def _remark(cells: list[str]) -> bool:
    """A day and a few words beside it, as of a dividend: no figure stands alone."""
    rest = [cell for cell in cells[1:] if cell]
    return is_time(cells[0]) and any(map(_WORDS.search, rest)) and not any(map(numeric, rest))


def _another_table(end: set[int], harmless: set[int], rows: Rows, found: Layout) -> set[int]:
    """Lines at the end that have as many cells as a line of words among them, and so are rows below it."""
    cells = {
        each.line: cut(each.value, found.delimiter)
        for each in rows.findings
        if each.rule == "row" and each.line in end
    }
    heads = {
        len(cells[line]) for line in harmless & cells.keys()
        if len(cells[line]) > 1 and not any(map(numeric, cells[line]))
    }  # fmt: skip
    return {line for line, row in cells.items() if line is not None and len(row) in heads}


def _total(line: int | None, findings: tuple[Finding, ...], found: Layout, priceless: set[int]) -> bool:
    """A total or a note: words where a time would be, and not four prices. A row that was cut has no words."""
    for each in findings:
        if each.line == line and each.rule in ("row", "time"):
            first = cut(each.value, found.delimiter)[0] if each.rule == "row" else each.value
            if _SUMMARY.fullmatch(first.strip(" :")):
                return True
            cells = cut(each.value, found.delimiter) if each.rule == "row" else [first]
            said = _WORDS.search(each.value if not any(map(is_time, cells)) else first)
            words = not is_time(first) and not numeric(first) and (said is not None or is_missing(first))
            return words and (each.rule == "row" or line in priceless)
    return False


def _unpriced(rows: Rows, *, every: bool = False) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows that lack at least one of the four prices, or ``every`` one."""
    lacking = [np.isnan(rows.figures[price]) for price in PRICES if price in rows.figures]
    if not lacking:
        return np.zeros(len(rows.micros), bool)
    return np.asarray(np.logical_and.reduce(lacking) if every else np.logical_or.reduce(lacking))


def _without_prices(rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    """Rows that have none of the four prices (all missing, all zero, or all -1)."""
    if not set(PRICES) <= rows.figures.keys():
        return None
    empty = np.ones(len(rows.micros), bool)
    for price in PRICES:
        values = rows.figures[price]
        empty &= np.isnan(values) | (values == -1) | (values == 0)
    return empty
