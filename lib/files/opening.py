"""The first three stages for any kind of file: containers opened, each table in it as a layout and a grid."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from lib.errors import FileRefused
from lib.files.columns.names import of_tables
from lib.files.columns.symbols import likest
from lib.files.documents import documents, markup, tables, workbooks
from lib.files.model import Choices
from lib.files.packed import containers
from lib.files.packed.containers import Buffer, Member
from lib.files.texts import layout, text
from lib.files.texts.dialects import plain_text, with_dates, with_day
from lib.files.texts.grid import Grid, TextGrid
from lib.files.texts.layout import Layout
from lib.files.texts.text import Text
from lib.files.times.zones import zone_of

__all__ = ["Part", "open_parts"]

_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a file. ``name`` is what it is called in sentences; ``day`` a date that a name on the
    way to it carries; ``zone`` one that the file states; ``text`` None where it was no text; ``wider``: it has a
    column that is not in the file."""

    name: str
    layout: Layout
    grid: Grid
    preview: list[str]
    containers: tuple[str, ...]
    text: Text | None = None
    day: str = ""
    zone: str = ""
    wider: bool = False


@dataclass(frozen=True, slots=True)
class _Raw:
    """A table still to be looked at: the bytes of a text, or of a typed table (``kind``)."""

    label: str
    data: Buffer
    member: Member
    kind: str
    zone: str = ""
    note: str = ""


def open_parts(name: str, data: bytes | Path, choices: Choices) -> tuple[list[Part], list[str]]:
    """Every table of a file, and notes on what was passed over. Raises ``FileRefused``."""
    found = containers.members(Member(name, containers.load(data, name)))
    raw, other = _all_tables(found, name)
    if choices.member is not None:
        raw = [_pick(raw, choices.member, name)]
    raw, notes = _named_for(raw, choices)
    alone = len(raw) == 1
    parts: list[Part] = []
    passed = other
    first: FileRefused | None = None
    for each in raw:
        label = name if alone else each.label
        try:
            parts.append(_part(each, label, choices, data if isinstance(data, Path) and alone else None))
        except FileRefused as error:
            first = first or error
            passed.append(each.label)
    if not parts and first:
        raise first
    notes += [f"Passed over, as there are no candles in them: {', '.join(passed[:5])}."] if passed else []
    return parts, notes


def _all_tables(found: tuple[Member, ...], name: str) -> tuple[list[_Raw], list[str]]:
    """The tables of all files in a file, and the names of those that have none."""
    raw: list[_Raw] = []
    passed: list[str] = []
    first: FileRefused | None = None
    for member in found:
        try:
            raw += _tables(member, name)
        except FileRefused as error:
            first = first or error
            passed.append(member.name)
    if first and not raw:
        raise first
    return raw, passed


def _named_for(raw: list[_Raw], choices: Choices) -> tuple[list[_Raw], list[str]]:
    """Of tables that are named for several symbols, those of the symbol that was given; and a note."""
    names = of_tables([each.label for each in raw])
    wanted = likest(choices.symbol or "", list(dict.fromkeys(filter(None, names))))
    if not wanted or len(set(names)) == 1 or choices.member is not None:
        return raw, []
    taken = [each for each, name in zip(raw, names, strict=True) if name == wanted]
    shown = ", ".join(each.label for each in taken[:5])
    return taken, [f"Of {len(raw)} tables in the file, those named for {wanted} were taken: {shown}."]


def _pick(raw: list[_Raw], wanted: str, name: str) -> _Raw:
    for each in raw:
        if each.label == wanted:
            return each
    raise FileRefused(
        f"{name} has no table {wanted!r}.", remedy=f"It has: {', '.join(each.label for each in raw[:20])}.",
        file=name,
    )  # fmt: skip


def _tables(member: Member, name: str) -> list[_Raw]:
    if member.kind == "json":
        made = documents.to_documents(member.data, member.name)
        return [
            _Raw(
                _join(member, each.key if len(made) > 1 else ""),
                each.data,
                member,
                "document",
                each.zone,
                each.note,
            )
            for each in made
        ]
    if member.kind == "excel":
        sheets = workbooks.to_sheets(member.data, member.name)
        return [
            _Raw(_join(member, title if len(sheets) > 1 else ""), data, member, "document", note=note)
            for title, data, note in sheets
        ]
    if member.kind == "html":
        found = markup.to_tables(member.data, member.name)
        return [
            _Raw(_join(member, f"table {n}" if len(found) > 1 else ""), data, member, "document")
            for n, data in enumerate(found, 1)
        ]
    return [_Raw(member.name, member.data, member, member.kind)]


def _join(member: Member, key: str) -> str:
    return f"{member.name}: {key}" if key else member.name


def _part(raw: _Raw, name: str, choices: Choices, path: Path | None) -> Part:
    wrapped = raw.member.containers
    if raw.member.kind in ("json", "excel", "html", "parquet", "arrow"):
        wrapped = (*wrapped, raw.member.kind)
    day = next((_day(each) for each in (raw.label, *reversed(raw.member.path)) if _day(each)), "")
    if raw.kind in ("parquet", "arrow"):
        sheet = tables.open_sheet(raw.data, name, raw.kind)
        found = tables.layout_of(sheet, name)
        shown = ["\t".join(found.names), *("\t".join(row) for row in found.rows[:11])]
        return Part(
            name, found, tables.TableGrid(sheet, name), [each[:400] for each in shown], wrapped, None, day
        )
    decoded = (
        Text(raw.data, 0, "utf-8", "")
        if raw.kind == "document"
        else text.decode(raw.data, name, choices.encoding)
    )
    as_written, decoded = decoded, plain_text(decoded)
    if decoded is not as_written:
        path = None  # the file's own bytes are others
    found = layout.sniff(decoded, name, choices.delimiter, choices.header)
    notes = (raw.note,) if raw.note else ()
    dated = with_dates(decoded, found)
    of_day = choices.date or day
    if dated is decoded and of_day and (dated := with_day(decoded, found, of_day)) is not decoded:
        notes = (*notes, f"The rows tell only times of day: they were taken as those of {of_day}.")
    wider = dated is not decoded
    if wider:
        decoded, path = dated, None
        found = layout.sniff(decoded, name, choices.delimiter, choices.header)
    if (
        raw.member.kind == "json"
        and found.header == 1
        and _line_ends(raw.member.data) + 1 == _line_ends(decoded.data)
    ):
        found = replace(found, first_line=1)  # a row a line, and no header: rows have the lines of the file
    found = replace(found, notes=(*found.notes, *notes))
    preview = [line[:400] for line in layout.head_lines(as_written, name)[:12]]
    kept = decoded if raw.kind == "text" else None
    zone = raw.zone or next(
        (zone for line in preview[: max(found.header - 1, 0)] if (zone := _zone(line))), ""
    )
    return Part(name, found, TextGrid(decoded, found, name, path), preview, wrapped, kept, day, zone, wider)


def _line_ends(data: Buffer) -> int:
    """How many lines end within a text; a large one is not copied whole."""
    ends = sum(bytes(data[at : at + 2**20]).count(b"\n") for at in range(0, len(data), 2**20))
    head, tail = bytes(data[:1024]), bytes(data[-1024:])
    around = head[: len(head) - len(head.lstrip())] + tail[len(tail.rstrip()) :]
    return ends - around.count(b"\n")


def _zone(line: str) -> str:
    """The zone that a title names: ``Timezone: America/New_York``."""
    return zone_of(line) if re.search(r"(?i)time ?zone|\btz\b", line) else ""


def _day(name: str) -> str:
    """The one date in a name, as YYYY-MM-DD."""
    hits = {f"{hit[1]}-{hit[3]}-{hit[4]}" for hit in _DAY.finditer(name)}
    return hits.pop() if len(hits) == 1 else ""
