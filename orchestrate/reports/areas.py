"""Rows of areas, as management's pages name them."""

from __future__ import annotations

import pandas as pd

from orchestrate.reports.rows import records
from orchestrate.reports.text import integer, titled


def hidden_or_integer(value: object) -> str:
    """Return a count of other people, or that it is hidden."""
    return "hidden" if value is None else integer(value)


def named_areas(areas: pd.DataFrame) -> pd.DataFrame:
    """Name each row by its county, or by city and county, a client's rows by its name."""
    named = areas.assign(
        area=[
            row["county"] if row["city"] is None else f"{row['county']}: {row['city']}"
            for row in records(areas)
        ]
    )
    if "client_id" in areas.columns:
        named = named.assign(client=areas["client_id"].map(titled))
    return named
