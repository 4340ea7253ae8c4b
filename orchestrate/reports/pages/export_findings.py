"""What in an export deserves a look: a section that every domain has."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from orchestrate.reports import findings, tables
from orchestrate.reports.downloads import csv_download
from orchestrate.reports.pages.layout import Page, Section
from orchestrate.reports.tables import Column
from orchestrate.reports.text import plain

# Longer lists are closed under their sentence.
_OPEN_ROWS = 30


def findings_section(
    found: pd.DataFrame,
    relation: str,
    kind: str,
    columns: Sequence[Column],
    explanation: Sequence[str],
) -> Section:
    """Lay out a relation of findings as it was read; `kind` is its column with their kind."""
    return Section(
        anchor="data-findings",
        heading="What in the export deserves a look",
        relation=relation,
        finding=findings.data_finding(list(found[kind])),
        explanation=explanation,
        table=tables.table(
            "data-findings-table",
            "Findings in the export",
            found.assign(**{kind: found[kind].map(plain)}),
            Column(kind, "Finding"),
            columns,
        ),
        download=csv_download("data_findings", found),
        folded=len(found) > _OPEN_ROWS,
    )


def advocacy_data_page(found: pd.DataFrame) -> Page:
    """Lay out management's page of the findings in the advocacy export."""
    return Page(
        file_name="data.html",
        title="The data",
        summary="What in the export deserves a look before figures are compared.",
        sections=[
            findings_section(
                found,
                "management.data_findings",
                "kind",
                tables.ADVOCACY_FINDING_COLUMNS,
                [
                    "Nothing here was corrected or left out. Counted are encounters of the payers "
                    "whose rows you may see, and patients with such an encounter, exactly; what "
                    "is odd in other payers' rows is not counted here at all.",
                ],
            )
        ],
    )
