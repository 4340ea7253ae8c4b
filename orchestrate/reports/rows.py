"""Rows of a relation as plain mappings, which sentences, tables and charts are written from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

# Any, because a column's type is the contract's business: int, Decimal, str, bool or None.
Row = dict[str, Any]


def records(frame: pd.DataFrame) -> list[Row]:
    """Return one mapping per row, column names as text, values untouched."""
    names = [str(name) for name in frame.columns]
    return [
        dict(zip(names, values, strict=True)) for values in frame.itertuples(index=False, name=None)
    ]


def column(rows: Sequence[Row], key: str) -> list[float]:
    """Return the numbers of a column that has no nulls."""
    return [float(row[key]) for row in rows]


def largest(rows: Sequence[Row], key: str) -> list[Row]:
    """Return the rows in which a column is largest: several when they are level, none of none."""
    top = max(column(rows, key), default=0.0)
    return [row for row in rows if float(row[key]) == top]
