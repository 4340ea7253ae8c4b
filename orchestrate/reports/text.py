"""Words and numbers as people read them: escaped chart labels, separators, lists, dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from numbers import Real

THIN_SPACE = "\u202f"
NOTHING = "\u2013"

# What kind of thing a name means in SNOMED CT, which follows it in brackets.
_SEMANTIC_TAG = re.compile(r" \((procedure|regime/therapy|physical object|situation|finding)\)$")


def chart_label(value: object) -> str:
    """Return a label that plotly shows letter for letter.

    plotly reads part of HTML (`<b>`, `<a href>`, `&amp;`) in every text that it draws; names come
    from exports, so nothing of it may reach the parser.
    """
    text = " ".join(str(value).split())
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_float(value: object) -> float | None:
    """Return a drawable number, None for null. Decimals of the database lose nothing visible."""
    if value is None:
        return None
    if isinstance(value, (Decimal, Real)):
        number = float(value)
        return None if number != number else number
    raise TypeError(f"Not a number: {value!r}")


def integer(value: object) -> str:
    """Return a whole number with thousands separators: `21,340`."""
    number = as_float(value)
    return NOTHING if number is None else f"{number:,.0f}"


def rounded_or_hidden(value: object) -> str:
    """Return a count of other people as the rule shows it: the range of a suppressed one."""
    return f"1{NOTHING}10" if as_float(value) is None else integer(value)


def decimal(value: object, places: int = 1) -> str:
    """Return a number with thousands separators and a fixed number of places: `3,812.4`."""
    number = as_float(value)
    return NOTHING if number is None else f"{number:,.{places}f}"


def percent(value: object, places: int = 0) -> str:
    """Return a percentage given as 0-100: `45 %`, never a rounded 100 or 0 that is not one."""
    number = as_float(value)
    if number is None:
        return NOTHING
    shown = f"{number:,.{places}f}"
    if number < 100 <= float(shown.replace(",", "")):
        shown = f"{100 - 10**-places:.{places}f}"
    if number > 0 and float(shown.replace(",", "")) == 0:
        shown = f"<{10**-places:.{places}f}"
    return f"{shown}{THIN_SPACE}%"


def money(value: object, places: int = 0) -> str:
    """Return US dollars: `$1,234,567`."""
    number = as_float(value)
    if number is None:
        return NOTHING
    return f"{'-' if number < 0 else ''}${abs(number):,.{places}f}"


def counted(count: int, one: str, many: str) -> str:
    """Return a count with its noun: `1 patient`, `23 patients`."""
    return f"{integer(count)} {one if count == 1 else many}"


def listed(names: Sequence[str], limit: int = 3) -> str:
    """Return names as a sentence lists them, the rest counted: `A, B, C and 4 others`."""
    if len(names) > limit:
        shown = list(names[:limit])
        rest = len(names) - limit
        return f"{', '.join(shown)} and {counted(rest, 'other', 'others')}"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def short_name(name: object) -> str:
    """Return a procedure's name as pages show it, without SNOMED's tag: `Colonoscopy`."""
    return _SEMANTIC_TAG.sub("", str(name))


def titled(code: str) -> str:
    """Write an identifier of ours as a name: `united_healthcare` becomes `United Healthcare`."""
    return code.replace("_", " ").title()


def plain(code: str) -> str:
    """Write a code of ours as words: `missing_rvu` becomes `missing RVU`."""
    short = ("cpt", "rvu", "zip")
    return " ".join(word.upper() if word in short else word for word in code.split("_"))


def day(value: date) -> str:
    """Return a date without a locale: `1 July 2018`."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def month(value: date) -> str:
    """Return a month without a locale: `July 2018`."""
    return f"{_MONTHS[value.month - 1]} {value.year}"


def moment(value: datetime) -> str:
    """Return a moment in its own zone: `1 July 2018, 06:30 UTC`."""
    return f"{day(value)}, {value:%H:%M} {value.tzname() or ''}".rstrip()


_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
