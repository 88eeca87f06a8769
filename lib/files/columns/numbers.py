"""Fifth stage, for figures: how numbers are written, told from the sample; texts to float64 at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lib.files.columns.cells import AHEAD, COUNTED, MANY, MISSING, MONEY, PLAIN, is_missing

__all__ = ["NumberStyle", "sniff_style", "to_floats"]

Array = np.ndarray[Any, Any]
_PLAIN = re.compile(PLAIN)
_SIMPLE = re.compile(r"[\d.\n+-]*", re.ASCII)
_DOTS = re.compile(r"\.[^.\n]*\.")
_MANY = f"(?:{'|'.join(sorted(MANY, key=len, reverse=True))})"
_BLANKS = r"\x{00a0}\x{2000}-\x{200a}\x{202f}\x{3000}"
_DRESSED = re.compile(r"[%$€£¥₹₽₩₫₺−\s'’]|\d\.?(?:[^\W\d_eE]|[eE][^\W\d_])|[A-Z]{3}\d")
_AHEAD = re.compile(rf"^([-+]?){AHEAD}\s?")
_AROUND = re.compile(r"[$€£¥₹₽₩₫₺\s'’]")


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """``decimal`` is ``.`` or ``,``, empty where it cannot be told; ``thousands`` what is left out.
    ``plain``: nothing but signs, digits, an exponent and the decimal mark, so Arrow reads it alone."""

    decimal: str
    thousands: str
    plain: bool
    why: str
    readings: tuple[str, str] = ("", "")


def sniff_style(cells: Iterable[str], decimal: str | None = None) -> NumberStyle:
    """The style of a sample of figures; ``decimal`` where it was chosen."""
    texts = [cell.strip() for cell in cells if not is_missing(cell)]
    if any(text[:1].isalpha() for text in texts):
        bare = [_AHEAD.sub(r"\1", text) for text in texts]
        made = _sniff(bare, decimal)
        return replace(made, plain=made.plain and bare == texts)
    return _sniff(texts, decimal)


def _sniff(texts: list[str], decimal: str | None) -> NumberStyle:
    if decimal:
        other = "." if decimal == "," else ","
        dressed = any(other in text or _DRESSED.search(text) for text in texts)
        return NumberStyle(decimal, other, not dressed, "chosen")
    joined = "\n".join(texts)
    if _SIMPLE.fullmatch(joined) and not _DOTS.search(joined):
        return NumberStyle(".", ",", True, "no figure has a comma")
    bare = [_AROUND.sub("", text).rstrip(".") for text in texts]
    dressed = any(map(_DRESSED.search, texts))
    commas = [text for text in bare if "," in text]
    if not commas:
        if any(text.count(".") > 1 for text in texts):
            return NumberStyle(",", ".", False, "a figure has several dots")
        return NumberStyle(".", ",", not dressed, "no figure has a comma")
    return _with_commas(bare, commas, dressed)


def _with_commas(texts: list[str], commas: list[str], dressed: bool) -> NumberStyle:
    both = [text for text in commas if "." in text]
    if both:
        decimal = "," if both[0].rfind(",") > both[0].rfind(".") else "."
        return NumberStyle(decimal, "." if decimal == "," else ",", False, f"both marks stand in {both[0]}")
    if any(text.count(",") > 1 for text in commas):
        return NumberStyle(".", ",", False, "a figure has several commas")
    groups = [re.search(r"^[-+]?(\d*),(\d*)", text) for text in commas]
    odd = next(
        (hit for hit in groups if hit and (len(hit[2]) != 3 or hit[1] in ("", "0") or len(hit[1]) > 3)), None
    )
    if odd:
        plain = not dressed and not any("." in text for text in texts)
        return NumberStyle(",", ".", plain, f"{odd[0]} can be read no other way")
    if any("." in text for text in texts):
        return NumberStyle(".", ",", False, "there are dots beside the commas")
    shown = commas[0]
    return NumberStyle(
        "",
        "",
        False,
        "commas before three digits are either",
        (shown.replace(",", "."), shown.replace(",", "")),
    )


def to_floats(texts: pa.Array, style: NumberStyle) -> tuple[Array, Array]:
    """float64 of a string array, and where a text is no number. Missing figures are NaN, and no fault.

    K, M, B and T multiply; currency signs, blanks and thousands marks are left out.
    """
    clean = pc.utf8_trim_whitespace(pc.fill_null(texts, ""))
    missing = pc.is_in(clean, pa.array(MISSING))
    if not style.plain:
        clean = _undress(clean, style)
    if style.decimal == ",":
        clean = pc.replace_substring(clean, ",", ".")
    fine = pc.match_substring_regex(clean, f"^{PLAIN}$")
    if pc.all(fine).as_py():
        return _cast(clean), np.zeros(len(texts), bool)
    scale = np.ones(len(texts))
    if not style.plain:
        clean, scale = _suffixes(clean)
        fine = pc.match_substring_regex(clean, f"^{PLAIN}$")
    bad = ~(pc.or_(fine, missing).to_numpy(zero_copy_only=False))
    known = pc.and_(fine, pc.invert(missing))
    return _cast(pc.if_else(known, clean, None)) * scale, bad


def _cast(texts: pa.Array) -> Array:
    cast = pc.cast(texts, pa.float64())
    if isinstance(cast, pa.ChunkedArray):
        cast = cast.combine_chunks()
    return np.asarray(cast.to_numpy(zero_copy_only=False), np.float64)


def _undress(texts: pa.Array, style: NumberStyle) -> pa.Array:
    """Without currency signs, blanks, and marks between thousands (where three digits follow each)."""
    texts = pc.replace_substring_regex(texts, rf"^([-+]?)(?:{AHEAD})\s?", r"\1")
    texts = pc.replace_substring_regex(
        texts, rf"[$€£¥₹₽₩₫₺\s{_BLANKS}'’]|(?:{MONEY})$|(?i:{COUNTED})\.?$|\.$", ""
    )
    texts = pc.replace_substring(texts, "−", "-")
    if style.thousands:
        mark, decimal = re.escape(style.thousands), re.escape(style.decimal)
        grouped = pc.match_substring_regex(
            texts, rf"^[+-]?\d{{1,3}}(?:{mark}\d{{2,3}})*{mark}\d{{3}}(?:{decimal}\d*)?(?i:{_MANY})?$"
        )
        texts = pc.if_else(grouped, pc.replace_substring(texts, style.thousands, ""), texts)
    return texts


def _suffixes(texts: pa.Array) -> tuple[pa.Array, Array]:
    scale = np.ones(len(texts))
    lower = pc.utf8_lower(texts)
    for suffix, factor in MANY.items():
        scale[pc.ends_with(lower, suffix).to_numpy(zero_copy_only=False)] = factor
    return pc.replace_substring_regex(lower, f"{_MANY}$", ""), scale
