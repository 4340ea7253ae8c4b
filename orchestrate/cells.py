"""Cells of CSV files that people open in a spreadsheet: text never becomes a formula."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

_FORMULA_STARTS = frozenset("=+-@")
_CONTROL_STARTS = frozenset("\t\r\n\0")


def formula_safe(text: str) -> str:
    """Return the text with `'` in front where a spreadsheet would take it for a formula.

    That is where the first character that is not blank is `=`, `+`, `-`, `@` or a full-width or
    small twin of these, or where a tab, line break or NUL comes before any other character.
    """
    for character in text:
        if character in _CONTROL_STARTS:
            return f"'{text}"
        if character.isspace():
            continue
        twin = unicodedata.normalize("NFKC", character)
        return f"'{text}" if twin in _FORMULA_STARTS else text
    return text


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
