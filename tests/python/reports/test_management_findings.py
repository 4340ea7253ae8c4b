"""Sentences of management's pages tell the plain truth, also of nothing and of ties."""

from __future__ import annotations

import pandas as pd

from orchestrate.reports import management_findings as findings
from tests.python.reports import datasets


def areas(*rows: tuple[str, str, str | None, int | None]) -> pd.DataFrame:
    """Make `client_patients_by_area` from (client, county, city, patients)."""
    return datasets.frame(("client_id", "county", "city", "patient_count"), rows)


def test_the_county_with_the_most_patients_of_each_client() -> None:
    rows = areas(
        ("one", "Alpha", None, 30),
        ("one", "Alpha", "Town", 40),
        ("one", "Bravo", None, 1200),
        ("one", "Charlie", None, None),
        ("two", "Alpha", None, 20),
        ("two", "Bravo", None, 20),
        ("three", "Alpha", None, None),
        ("three", "Bravo", None, 0),
    )
    assert findings.areas_finding(rows) == (
        "The county with the most patients, by client: One, Bravo (about 1,200); "
        "Two, Alpha and Bravo (about 20 each)."
    )
    for nobody in (rows.iloc[6:], rows.iloc[0:0]):
        assert findings.areas_finding(nobody) == (
            "No client has enough patients in a county to show."
        )
