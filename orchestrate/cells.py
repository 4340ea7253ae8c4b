"""Cells of CSV files that people open in a spreadsheet: text never becomes a formula."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from types import NoneType

# `=`, `+`, `-`, `@` and all characters that compatibility makes one of these: wide, small, raised …
_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u207c\u208a\u208c\ufb29"
# Where a semicolon, tab or bar separates columns, or quotes count for nothing, a cell begins after
# each of these, and a row after a line break; blanks and quotes in front make no difference.
_BEGINS = r"(?:^|(?<=[;,|\t\r\n]))"
# Text without any of these is safe as it is.
_SUSPECT = re.compile(rf"[{_FORMULA}\t\r\n\0]")
_FORMULA_BEGINS = re.compile(rf'{_BEGINS}(?=(?:[^\S\t\r\n]|")*[{_FORMULA}])|^(?=\s*[\t\r\n\0])')


def formula_safe(text: str) -> str:
    """Return the text with `'` wherever a spreadsheet could begin to read a formula.

    That is in front of `=`, `+`, `-`, `@` or a wide or small twin of these, blanks and quotes
    left aside, where the text begins or a semicolon, comma, bar, tab or line break stands before:
    which of them separates columns depends on the reader's settings. A text that begins with a tab,
    line break or NUL gets one too.
    """
    return _FORMULA_BEGINS.sub("'", text)


def csv_cell(value: object) -> object:
    """Return a value for `csv`: numbers plain, booleans as true and false, text `formula_safe`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, str):
        return formula_safe(value)
    return value


def csv_column(values: Sequence[object]) -> Sequence[object]:
    """Return the values of a column as `csv_cell` does each, looking at single ones only if needed.

    What cannot begin a formula, the whole column's text taken together, is given back as it came;
    a text that occurs often is made safe once.
    """
    kinds = set(map(type, values))
    if kinds <= {int, float, date, datetime, NoneType}:
        return values
    if kinds <= {str, NoneType}:
        texts: set[str] = {text for text in values if isinstance(text, str)}
        if not _SUSPECT.search("".join(texts)):
            return values
        safe: dict[object, str] = {text: formula_safe(text) for text in texts}
        return [safe.get(text, "") for text in values]
    return [csv_cell(value) for value in values]
