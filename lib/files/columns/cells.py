"""What one cell can be, seen alone: a number, a date, a time of day, nothing. Used on samples."""

from __future__ import annotations

import re
from functools import lru_cache

from lib.files.times.eras import in_era

__all__ = [
    "AHEAD",
    "COUNTED",
    "MANY",
    "MISSING",
    "MONEY",
    "MONTHS",
    "PLAIN",
    "RARE",
    "TIDY",
    "is_missing",
    "is_number",
    "is_time",
    "numeric",
    "tidy",
    "time_kind",
]

# Written for "no figure" by exchanges, vendors and libraries.
MISSING = (
    "", "-", "--", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "Null", "None",
    "none", "nil", "NIL", "n.a.", "NaT", "<NA>", "#N/A N/A", "n/d", "N/D", "ND", ".", "–", "—",
)  # fmt: skip
_MISSING = frozenset(MISSING)

PLAIN = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
# Words behind a figure: for thousands, millions and billions, for what is counted, and for money.
MANY = {
    "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8, "tsd": 1e3, "tys": 1e3, "тыс": 1e3,
    "lac": 1e5, "lacs": 1e5, "lakh": 1e5, "lakhs": 1e5, "cr": 1e7, "crore": 1e7, "crores": 1e7, "만": 1e4, "억": 1e8,
    "jt": 1e6, "juta": 1e6, "ribu": 1e3, "tỷ": 1e9, "mio": 1e6, "mln": 1e6, "mill": 1e6, "mm": 1e6, "млн": 1e6, "mrd": 1e9, "bln": 1e9, "bn": 1e9, "млрд": 1e9,
}  # fmt: skip
COUNTED = "p|shares?|shs|contracts?|lots?|stk|pcs|units|coins?|шт|株|股|手|주|원|円|元|zł|kč|ft|kr|руб"
MONEY = (
    "USD|EUR|GBP|GBX|JPY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|CNY|CNH|HKD|SGD|TWD|KRW|INR|BRL|MXN|ZAR|ILS|"
    "THB|IDR|VND|USDT|USDC|BTC|ETH"
)
AHEAD = rf"(?:[$€£¥₹₽₩₫₺]|(?:US|CA|AU|NZ|HK|NT|[CASR])\$|Rs\.?|kr\.?|{MONEY})"
_NUMBER = re.compile(
    rf"[-+−]?(?:{AHEAD}\s?)?[-+]?"
    r"(?:\d(?:[\d.,'’\u00a0\u202f]|[^\S\t](?=\d{3}))*|[.,]\d+)(?:[eE][+-]?\d+)?"
    rf"\s?(?:%|[$€£¥₹₽₩₫₺]|{MONEY}|(?i:{'|'.join(MANY)})\.?|\s?(?i:{COUNTED})\.?)?"
)
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:\s?[AaPp]\.?[Mm]\.?)?"
_DATE = (
    r"(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:\d{4}|\d{2})"
    r"|\d{1,2}[-/. ]{1,2}[^\W\d_]{3,12}\.?[-/., ]+(?:\d{4}|\d{2})|[^\W\d_]{3,12}\.?[- ]\d{1,2},?[- ]\d{4}"
    r"|\d{4}[-/ ][^\W\d_]{3,12}\.?[-/ ]\d{1,2}|(?:19|20|21)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
)
# Names of zones that are one offset wherever they are used; CST and IST are several.
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "BST": 1, "EET": 2, "EEST": 3, "MSK": 3, "HKT": 8, "SGT": 8, "JST": 9,
    "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
_OFFSET = rf"\s?(?:z|{'|'.join(ZONES)}|(?:UTC|GMT)?[+-]\d{{1,2}}(?::?\d{{2}})?)"
_KINDS = (
    ("date", re.compile(_DATE)),
    ("clock", re.compile(_CLOCK)),
    ("datetime", re.compile(_DATE + r"(?:T|[ ,_;]\s{0,2}|\.\s)(?:" + _CLOCK + r"|\d{4}|\d{6}(?:\d{3}|\.\d{1,9})?)(?:" + _OFFSET + r")?")),
    ("datetime", re.compile(r"(?:19|20|21)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{3})?)?")),
    ("date", re.compile(_DATE + _OFFSET)),
)  # fmt: skip
_EPOCH = re.compile(
    r"-?\d{9,10}(?:\.\d+)?|-?\d{12,13}(?:\.\d+)?|\d{15,16}(?:\.0*)?|\d{18,19}|\d\.\d+[eE]\+?(?:0?9|1[0-8])"
)


# What is done to times before they are cut: names of weekdays, signs for year, month and day, blanks too many.
TIDY = (
    (r"\s?[(（][月火水木金土日월화수목금토일][)）]", ""),
    (r" (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)$", ""),
    (r" '(\d\d)$", r", 20\1"),
    (r"^(\d[\d./-]{7,9} \d{1,2}:\d\d(?::\d\d)?) ?[-–] ?\d[\d./: -]+$", r"\1"),
    (r"^(?:[Mm]on|[Tt]ues?|[Ww]ed(?:nes)?|[Tt]hu(?:rs)?|[Ff]ri|[Ss]at(?:ur)?|[Ss]un)(?:day)?[.,]? +", ""),
    (r"(\d)\s?[年년]\s?(\d)", r"\1-\2"),
    (r"(\d)\s?[月월]\s?(\d)", r"\1-\2"),
    (r"(\d)\s?[日일]", r"\1"),
    (r"(\d)([-/.]) (\d)", r"\1\2\3"),
    (r"(\d)([-/.]) (\d)", r"\1\2\3"),  # of two beside one digit
    (r"(\d)  +(\d)", r"\1 \2"),
    (r"(\d{1,2})-([AaPp][Mm])$", r"\1:00 \2"),
    (r"^([A-Za-z]{3}) +(\d{1,2}) (\d\d:\d\d:\d\d) (\d{4})$", r"\1 \2 \4 \3"),
    (r"^(\d{1,2})([A-Za-z]{3})(\d{2,4})", r"\1-\2-\3"),
    (r"^(\d{1,2}-[A-Za-z]{3}-\d{2,4}):(\d\d:)", r"\1 \2"),
    (r"^(\d{4}[-.]\d\d[-.]\d\d)D(\d\d:)", r"\1 \2"),
    (r"^(\d{4}):(\d\d):(\d\d)[ -](\d\d:)", r"\1-\2-\3 \4"),
    (r"^(\d{8} \d{6}) (\d{7})$", r"\1.\2"),
    (r"^(\d{4}\.\d{1,2}\.\d{1,2})\.", r"\1"),
    (r"^([A-Za-z]{3} \d{1,2}) (\d{4}) (\d\d:)", r"\1, \2 \3"),
    (r"(\d)(?:st|nd|rd|th)\b", r"\1"),
    (r"^(\d{1,2}\.\d{1,2}\.\d{4}) (\d{1,2})\.(\d\d)$", r"\1 \2:\3"),
    (r" (\d{1,2})[hH](\d\d)$", r" \1:\2"),
    (r"^(\d{8})-(\d{4}|\d{6})$", r"\1 \2"),
    (r"^(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)$", r"\1 \2:\3"),
    (r"^(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)-(\d\d)$", r"\1 \2:\3:\4"),
    (r"\s?[(\[][A-Za-z][\w/+ -]*[)\]]$", ""),
    (r" (?:[A-Z][A-Za-z]+/[A-Z][A-Za-z_/]+)$", ""),
)


_WEEKDAYS = (
    "Mo|Di|Mi|Do|Fr|Sa|So|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag|lundi|mardi|mercredi|jeudi|vendredi|"
    "samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo|lunedì|martedì|mercoledì|giovedì|venerdì|sabato|"
    "domenica|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag|пн|вт|ср|чт|пт|сб|вс"
)
# What else is done where the head of a column has it: what languages and programs add.
RARE = (
    (rf"^(?i:{_WEEKDAYS})[.,]* (\d)", r"\1"),
    (r" Uhr$", ""),
    (r"([AaPp])\. ?([Mm])\.$", r"\1\2"),
    (r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2}) ?(?:上午|午前|오전) ?(\d{1,2}:[\d:]+)$", r"\1 \2 AM"),
    (r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2}) ?(?:下午|午後|오후) ?(\d{1,2}:[\d:]+)$", r"\1 \2 PM"),
    (r"(\d)[时時](\d)", r"\1:\2"),
    (r"(\d)分(\d)", r"\1:\2"),
    (r"(\d)[分秒]$", r"\1"),
    (r"^民[國国]", ""),
    (r"^0 ?[Dd](?:ays?)? ?(\d\d:)", r"\1"),
    (r"^(\d{1,2}) [Tt]h(?:g|áng) (\d{1,2}),? (\d{4})", r"\1/\2/\3"),
    ("[\u00a0\u2009\u202f]", " "),
    (r"(\d), +(\d{1,2}:)", r"\1 \2"),
    (r"^'(\d)", r"\1"),
    (r"^(\d{4}[-/]\d\d?[-/]\d\d?),? ?(?:周|週|星期)?[一二三四五六日天]$", r"\1"),
    (r"^(\d{1,2}\. ?\d{1,2}\. ?\d{4})\.( |$)", r"\1\2"),
    (r"^(\d{4}-\d\d-\d\d)@(\d)", r"\1 \2"),
    (r"^(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}) [-–|] (\d{1,2}:)", r"\1 \2"),
    (r"^(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}) [-–~] \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}$", r"\1"),
    (r"(\d),? (?:klo|kl|à|às|at|um|alle|ore|om|в|lúc|a las)\.? (\d{1,2})[.:hH](\d\d)", r"\1 \2:\3"),
    (r"^(\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?(?: ?[AaPp][Mm])?),? +(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})$", r"\2 \1"),
    (r"^([A-Za-z]{3}) +(\d{1,2}) (\d{4}) +(\d\d?:\d\d(?::\d\d)?) ?([AaPp][Mm])?$", r"\1 \2, \3 \4 \5"),
    (r"^([A-Za-z]{3})\.(\d{1,2})\.(\d{4})$", r"\1 \2, \3"),
    (r"^(\d{1,2}) de ([^\s\d.]{3,12}) del? (\d{4})", r"\1 \2 \3"),
    (r"^(\d{4})\. ?([^\s\d.]{3,12})\.? (\d{1,2})\.?$", r"\1-\2-\3"),
    (r"(\d|[AaPp][Mm]) [ECMP]T$", r"\1"),
)


# Months without a day: only where a whole column is written so.
MONTHS = (
    (r"^(\d{4})[-/](\d{1,2})$", r"\1-\2-01"),
    (r"^(0?[1-9]|1[0-2])[-/]((?:19|20)\d\d)$", r"\2-\1-01"),
    (r"^([^\W\d_]{3,12})[-. /](\d{4})$", r"1-\1-\2"),
)
_UNTIDY = re.compile(
    r"[^\W\d_]{3}|-[AaPp][Mm]$|[年年월月日일]|[-/.] |  |[.)\]]$|^\d{4}[-/]\d\d?$|\.\s|[a-z]/[A-Z]"
    r"|^'\d|\d, \d|[\u00a0\u2009\u202f]|\d@\d| [-–~|] \d|\d [^\W\d_]{1,3}\.? \d|^\d\d?:\d\d\S* | [ECMP]T$|^\d\d?[-/]\d{4}$|,[一二三四五六日]$"
    r"|[时時分秒午]|오[전후]|^[^\W\d_]{2}[.,]* \d|[)）]| '\d\d$|\d[hH]\d|\dD\d|^\d{4}:\d\d:\d\d[ -]|^\d{8} \d{6} |^\d{8}-\d|^\d{4}-\d\d-\d\d-|\d \d\d?\.\d\d$"
)


def tidy(cell: str) -> str:
    """A time without what :data:`TIDY` takes away."""
    if cell.replace(":", "").isdecimal() or not _UNTIDY.search(cell):
        return cell
    for pattern, put in (*TIDY, *RARE, *MONTHS):
        cell = re.sub(pattern, put, cell)
    return cell.strip()


def is_missing(cell: str) -> bool:
    """Nothing, or a word for nothing."""
    return cell.strip() in _MISSING


@lru_cache(8192)
def is_number(cell: str) -> bool:
    """A number in any spelling that is read: 1.5, 1,5, 19,170.0, 3.68K, 0.55%, $12."""
    text = cell.strip()
    return text in _MISSING or _NUMBER.fullmatch(text) is not None


@lru_cache(8192)
def numeric(cell: str) -> bool:
    """A number, and not a missing one."""
    text = cell.strip()
    return text not in _MISSING and _NUMBER.fullmatch(text) is not None


@lru_cache(8192)
def time_kind(cell: str) -> str:
    """``date``, ``clock`` (time of day), ``datetime``, ``epoch``, or nothing."""
    text = cell.strip()
    for kind, pattern in _KINDS:
        if pattern.fullmatch(text):
            return kind
    if _EPOCH.fullmatch(text):
        return "epoch"
    if era := in_era(text):
        return era
    plain = tidy(text)
    return time_kind(plain) if plain != text else ""


def is_time(cell: str) -> bool:
    """Any kind of :func:`time_kind`."""
    return time_kind(cell) != ""
