"""Who else has the procedures that a client's patients have most: sections of a client's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from orchestrate.reports import client_findings, tables
from orchestrate.reports.charts import BLUE, GREEN, ORANGE, Drawing, Panel, Series, drawing
from orchestrate.reports.downloads import csv_download
from orchestrate.reports.pages.layout import Section
from orchestrate.reports.rows import Row, records
from orchestrate.reports.tables import Column
from orchestrate.reports.text import as_float, counted, integer, rounded_or_hidden, short_name

GROUPS: Mapping[str, str] = MappingProxyType(
    {"own": "Own patients", "other_insured": "Other insurers'", "uninsured": "Uninsured"}
)
_COLORS = MappingProxyType({"own": BLUE, "other_insured": ORANGE, "uninsured": GREEN})
_RULE = (
    "Counts of other people are hidden from 1 to 10 and otherwise rounded to the nearest 10; the "
    "client's own are exact."
)


def followers_sections(patients: pd.DataFrame, overlap: pd.DataFrame) -> list[Section]:
    """Lay out top_procedure_patients and top_procedure_overlap, as one login sees them."""
    by_procedure = _wide(patients, ["top_rank", "procedure_code", "procedure_name"])
    by_number = _wide(overlap, ["shared_procedures"])
    by_number["shared"] = [
        f"{counted(number, 'procedure', 'procedures')} or more"
        for number in by_number["shared_procedures"]
    ]
    return [
        Section(
            anchor="followers",
            heading="Who else has the most performed procedures",
            relation="clients.top_procedure_patients",
            finding=client_findings.followers_finding(by_procedure),
            explanation=[
                "The procedures most performed on the client's patients. A patient is in one "
                "group: own if the client paid an encounter with the procedure, else other "
                "insurers' if another insurer paid one, else uninsured. " + _RULE
            ],
            table=tables.table(
                "followers-table",
                "Patients of the most performed procedures by group",
                by_procedure,
                Column("procedure_name", "Procedure", short_name),
                (Column("top_rank", "Rank", integer), *_columns(by_procedure)),
            ),
            download=csv_download("top_procedure_patients", patients),
            drawing=_figure(by_procedure, "procedure_name"),
        ),
        Section(
            anchor="overlap",
            heading="How many of these procedures other patients share",
            relation="clients.top_procedure_overlap",
            finding=client_findings.overlap_finding(by_number),
            explanation=[
                "Patients for whom the client never paid, by how many of its most performed "
                "procedures they had at least. " + _RULE
            ],
            table=tables.table(
                "overlap-table",
                "Other people's patients by number of shared procedures",
                by_number,
                Column("shared", "At least"),
                _columns(by_number),
            ),
            download=csv_download("top_procedure_overlap", overlap),
            drawing=_figure(by_number, "shared"),
        ),
    ]


def _wide(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return one row per key, a column per group that the relation has, None where suppressed."""
    lines: dict[tuple[object, ...], Row] = {}
    for row in records(frame):
        key = tuple(row[name] for name in keys)
        line = lines.setdefault(key, {name: row[name] for name in keys})
        line[row["patient_group"]] = row["patient_count"]
    groups = [group for group in GROUPS if any(group in line for line in lines.values())]
    return pd.DataFrame(list(lines.values()), columns=[*keys, *groups], dtype=object)


def _columns(wide: pd.DataFrame) -> list[Column]:
    return [
        Column(group, name, rounded_or_hidden)
        for group, name in GROUPS.items()
        if group in wide.columns
    ]


def _figure(wide: pd.DataFrame, name: str) -> Drawing | None:
    """Draw a panel per group, all on one scale; a suppressed count has its range and no bar."""
    rows = records(wide)
    if not rows:
        return None
    names = [short_name(row[name]) for row in rows]
    panels = [
        Panel(
            title=f"{column.heading}: patients",
            series=[
                Series(
                    column.heading,
                    [as_float(row[column.key]) for row in rows],
                    _COLORS[column.key],
                    [
                        f"{label}: {rounded_or_hidden(row[column.key])}"
                        for label, row in zip(names, rows, strict=True)
                    ],
                )
            ],
            labels=[rounded_or_hidden(row[column.key]) for row in rows],
        )
        for column in _columns(wide)
    ]
    return drawing(names, panels, same_scale=True)
