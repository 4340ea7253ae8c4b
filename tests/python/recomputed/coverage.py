"""The relations `coverage` of encounters, recomputed from the CSV files."""

from __future__ import annotations

import pandas as pd

from recomputed.clients import over_scopes
from recomputed.extracts import visible
from recomputed.raw import Export
from recomputed.scopes import Scope

SAMPLE_PREFIX = "advocacy__"


def clients(export: Export) -> pd.DataFrame:
    """Return a row per scope: the months of its first and last encounter, and how many it shows."""

    def of(scope: Scope) -> pd.DataFrame:
        return of_encounters(export, scope.book)

    return over_scopes(export, of)


def visible_payers(export: Export) -> pd.DataFrame:
    """Return the one row of schemas `management` and `extracts`: what visible payers paid."""
    return of_encounters(export, visible(export.encounters))


def of_encounters(export: Export, encounters: pd.DataFrame) -> pd.DataFrame:
    """Return the row of some encounters of an export; the data are as old as the last of them."""
    months = sorted(encounters["service_month"])
    first, last = (months[0], months[-1]) if months else (None, None)
    return pd.DataFrame(
        {
            "source": ["sample" if export.prefix == SAMPLE_PREFIX else "export"],
            "date_precision": ["month"],
            "first_encounter_on": [first],
            "last_encounter_on": [last],
            "encounter_count": [len(months)],
            "as_of": [last],
        }
    )
