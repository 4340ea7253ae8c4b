"""A client's pages: what its patients' procedures cost and how often they were performed."""

from __future__ import annotations

from orchestrate.reports import client_findings, figures, tables
from orchestrate.reports.data import ClientData
from orchestrate.reports.downloads import csv_download
from orchestrate.reports.headlines import procedure_headlines
from orchestrate.reports.pages.followers import followers_sections
from orchestrate.reports.pages.layout import Folder, Page, Section
from orchestrate.reports.tables import Column
from orchestrate.reports.text import short_name

# Said on every page of every client, whatever the membership may see, so that it discloses nothing.
VISIBILITY_NOTICE = "Figures cover what this membership may see."
_PROCEDURE = Column("procedure_name", "Procedure", short_name)


def procedures_folder(data: ClientData, client_name: str) -> Folder:
    """Lay out the folder of a client whose report page is `procedures`."""
    return Folder(
        title=f"{client_name}: procedures",
        introduction=[
            f"Procedures in the encounters that {client_name} paid for: what each costs in total, "
            "how often it was performed, and on how many patients.",
        ],
        pages=[_procedures(data)],
        edition=data.edition,
        notice=VISIBILITY_NOTICE,
        headlines=procedure_headlines(data.procedures),
    )


def _procedures(data: ClientData) -> Page:
    by_cost = data.procedures.sort_values("cost_rank", kind="stable", ignore_index=True)
    by_count = data.procedures.sort_values("count_rank", kind="stable", ignore_index=True)
    return Page(
        file_name="procedures.html",
        title="Procedures",
        summary="All procedures by total cost and from most to least performed, and who else has "
        "those performed most.",
        sections=[
            Section(
                anchor="cost",
                heading="Procedures by total cost",
                relation="clients.procedure_summary",
                finding=client_findings.cost_finding(by_cost),
                explanation=[
                    "The cost of a procedure is its base cost, added up over every time it was "
                    "performed. A patient counts once per procedure."
                ],
                table=tables.table(
                    "cost-table",
                    "Procedures by total cost",
                    by_cost,
                    _PROCEDURE,
                    tables.COST_COLUMNS,
                ),
                download=csv_download("procedures_by_cost", by_cost),
                drawing=figures.cost_figure(by_cost),
                folded=True,
            ),
            Section(
                anchor="count",
                heading="Procedures from most to least performed",
                relation="clients.procedure_summary",
                finding=client_findings.count_finding(by_count),
                explanation=["Procedures performed equally often are in the order of their codes."],
                table=tables.table(
                    "count-table",
                    "Procedures from most to least performed",
                    by_count,
                    _PROCEDURE,
                    tables.COUNT_COLUMNS,
                ),
                download=csv_download("procedures_by_count", by_count),
                drawing=figures.count_figure(by_count),
                folded=True,
            ),
            *followers_sections(data.top_patients, data.top_overlap),
        ],
    )
