"""Senior management's pages: clients' patients by area, areas and procedures, who lives nearby."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from orchestrate.driver import Connection
from orchestrate.reports import management_findings as findings
from orchestrate.reports import tables
from orchestrate.reports.areas import hidden_or_integer, named_areas
from orchestrate.reports.charts import BLUE, Drawing, Panel, Series, drawing
from orchestrate.reports.data import Relation, read_edition
from orchestrate.reports.downloads import csv_download
from orchestrate.reports.edition import Edition
from orchestrate.reports.maps import residual_figure
from orchestrate.reports.pages.export_findings import advocacy_data_page
from orchestrate.reports.pages.layout import Folder, Page, Section
from orchestrate.reports.pages.unaffiliated import unaffiliated_page
from orchestrate.reports.rows import records
from orchestrate.reports.tables import Column
from orchestrate.reports.text import (
    as_float,
    decimal,
    integer,
    rounded_or_hidden,
    short_name,
    titled,
)

MANAGEMENT_NOTICE = (
    "Figures cover everybody in the export, as counts: 1 to 10 patients are hidden, others are "
    "rounded to the nearest 10, each from the truth, so that rows do not add up exactly. "
    "Populations whose rows you may see are exact."
)
# Of the procedures the heat map draws those that deviate most; the file has all of them.
DRAWN_PROCEDURES = 20


@dataclass(frozen=True)
class ManagementData:
    """The relations of schema `management` as one login sees them, as in the marts."""

    client_areas: pd.DataFrame
    association: pd.DataFrame
    unaffiliated_areas: pd.DataFrame
    clusters: pd.DataFrame
    nearness: pd.DataFrame
    findings: pd.DataFrame
    edition: Edition


_RELATIONS = (
    Relation("management", "client_patients_by_area", ("client_id", "county", "city")),
    Relation(
        "management", "area_procedure_association", ("population", "procedure_name", "county")
    ),
    Relation("management", "unaffiliated_by_area", ("county", "city")),
    Relation("management", "unaffiliated_patient_clusters", ("cluster_id",)),
    Relation("management", "unaffiliated_nearness", ("radius_km",)),
    Relation("management", "data_findings", ("kind", "subject")),
)


def read_management(database: Connection) -> ManagementData:
    """Read every relation that management's pages show, all of one version.

    Raises ConfigurationError when nothing is published, DatabaseError when the database refuses.
    """
    frames, edition = read_edition(database, "management", _RELATIONS)
    client_areas, association, unaffiliated, clusters, nearness, found = frames
    return ManagementData(
        client_areas=_counties_first(client_areas, ["client_id"]),
        association=association,
        unaffiliated_areas=_counties_first(unaffiliated, []),
        clusters=clusters,
        nearness=nearness,
        findings=found,
        edition=edition,
    )


def _counties_first(areas: pd.DataFrame, leading: list[str]) -> pd.DataFrame:
    """Order areas so that a county's row stands above those of its cities."""
    named = areas.assign(city=areas["city"].map(lambda city: city or ""))
    order = named.sort_values([*leading, "county", "city"], kind="stable").index
    return areas.loc[order].reset_index(drop=True)


def management_folder(data: ManagementData) -> Folder:
    """Lay out management's folder."""
    return Folder(
        title="Patients and areas",
        introduction=[
            "Where clients' patients live, how areas relate to procedures, and where patients whom "
            "no client ever paid for live near those of clients.",
        ],
        pages=[
            _areas(data),
            _procedures(data),
            unaffiliated_page(data.unaffiliated_areas, data.clusters, data.nearness),
            advocacy_data_page(data.findings),
        ],
        edition=data.edition,
        notice=MANAGEMENT_NOTICE,
    )


def _areas(data: ManagementData) -> Page:
    return Page(
        file_name="areas.html",
        title="Client patients by area",
        summary="Patients of each client by county, and by city where the city is large enough.",
        sections=[
            Section(
                anchor="areas",
                heading="Client patients by area",
                relation="management.client_patients_by_area",
                finding=findings.areas_finding(data.client_areas),
                explanation=[
                    "A patient is a client's who had an encounter that the client paid, and lives "
                    "where the export says today. Somebody who changed insurers may be of several "
                    "clients. Smaller cities are pooled as “Other cities”, as many as it takes to "
                    "tell no more of a city than its own figure, and as “All cities” where none "
                    "can be told by itself.",
                ],
                table=tables.table(
                    "areas-table",
                    "Client patients by area",
                    named_areas(data.client_areas),
                    Column("area", "Area"),
                    (
                        Column("client", "Client"),
                        Column("patient_count", "Patients", rounded_or_hidden),
                        Column("encounter_count", "Encounters", hidden_or_integer),
                    ),
                ),
                download=csv_download("client_patients_by_area", data.client_areas),
                drawing=_areas_figure(data.client_areas),
            )
        ],
    )


def _areas_figure(areas: pd.DataFrame) -> Drawing | None:
    """Draw the counties' patients, a panel per client; a hidden count has no bar."""
    rows = [row for row in records(areas) if row["city"] is None]
    if not rows:
        return None
    counties = sorted({str(row["county"]) for row in rows})
    clients = sorted({str(row["client_id"]) for row in rows})
    counts = {(row["client_id"], row["county"]): row["patient_count"] for row in rows}
    panels = [
        Panel(
            title=f"{titled(client)}: patients",
            series=[
                Series(
                    "patients",
                    [as_float(counts.get((client, county), 0)) for county in counties],
                    BLUE,
                    [
                        f"{county}: {rounded_or_hidden(counts.get((client, county), 0))}"
                        for county in counties
                    ],
                )
            ],
            labels=[rounded_or_hidden(counts.get((client, county), 0)) for county in counties],
        )
        for client in clients
    ]
    return drawing(counties, panels, same_scale=True)


def _procedures(data: ManagementData) -> Page:
    exact = data.association[data.association["is_exact"].astype(bool)]
    populations = list(dict.fromkeys(exact["population"]))
    return Page(
        file_name="procedures.html",
        title="Areas and procedures",
        summary="Whether patients of some areas have some procedures more often than chance.",
        sections=[
            *(
                _association_section(name, exact[exact["population"] == name])
                for name in populations
            ),
            _hidden_section(data.association[~data.association["is_exact"].astype(bool)]),
        ],
    )


def _association_section(population: str, pairs: pd.DataFrame) -> Section:
    name = findings.population_name(population)
    counties = sorted(set(pairs["county"]))
    drawn = _most_deviating(pairs)
    return Section(
        anchor=population.replace("_", "-"),
        heading=f"{name}: procedures by county",
        relation="management.area_procedure_association",
        finding=findings.association_finding(pairs),
        explanation=[
            "Expected is the number of patients if area and procedure had nothing to do with each "
            "other, among patients of the same age and with as many encounters. The colour is the "
            "adjusted residual: how many standard errors the observed number lies above or below. "
            "A pair is notable when that is at least 3.5 either way, a threshold that allows for "
            "the hundreds of pairs looked at; still, one may be notable by chance.",
            "Only pairs of which at least 5 patients are expected are tested and shown, since "
            "exact counts of fewer would place single patients; grey cells are not tested. "
            "Counties with fewer than 11 patients of the population are one, “Other counties”.",
            "“Unadjusted” is the residual without regard to age and encounters: where it is much "
            "larger, these explain the difference. Two procedures that are largely the same "
            "patients' are one observation and not two.",
            "This is association, not cause: areas differ in more than age, as in their distance "
            "to the hospital, and the export has neither the population nor visits elsewhere. "
            f"Drawn are the {DRAWN_PROCEDURES} procedures that deviate most.",
        ],
        table=tables.table(
            f"{population.replace('_', '-')}-table",
            f"{name}: pairs that are drawn",
            drawn,
            Column("procedure_name", "Procedure", short_name),
            (
                Column("county", "County"),
                Column("observed_patients", "Observed", integer),
                Column("expected_patients", "Expected", decimal),
                Column("relative_index", "Index", lambda value: decimal(value, 2)),
                Column("adjusted_residual", "Residual", lambda value: decimal(value, 2)),
                Column("crude_residual", "Unadjusted", lambda value: decimal(value, 2)),
                Column("direction", "Notable", findings.often),
            ),
        ),
        download=csv_download(f"association_{population}", pairs),
        drawing=residual_figure(drawn, counties),
        folded=True,
    )


def _most_deviating(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return all pairs of the procedures with the largest residuals."""
    strength: dict[str, float] = {}
    for row in records(pairs):
        residual = as_float(row["adjusted_residual"])
        if residual is not None:
            name = str(row["procedure_name"])
            strength[name] = max(strength.get(name, 0.0), abs(residual))
    names = sorted(strength, key=lambda name: (-strength[name], name))[:DRAWN_PROCEDURES]
    order = {name: place for place, name in enumerate(names)}
    drawn = pairs[pairs["procedure_name"].isin(names)]
    places = drawn["procedure_name"].map(order)
    return drawn.loc[places.sort_values(kind="stable").index].reset_index(drop=True)


def _hidden_section(pairs: pd.DataFrame) -> Section:
    tells = pairs["observed_patients"].map(bool).astype(bool) | pairs["is_notable"].astype(bool)
    shown = pairs[~pairs["is_suppressed"].astype(bool) & tells].reset_index(drop=True)
    return Section(
        anchor="others",
        heading="Populations that are counted by the rule",
        relation="management.area_procedure_association",
        finding=findings.hidden_finding(pairs),
        explanation=[
            "Of these people management may see rounded counts alone; statistics would give the "
            "exact ones away, so there are none. All that is told is which pairs are notable "
            "whatever numbers the rounded ones stand for; others may be, or not. Pairs without a "
            "row here have no patient, or so few that they are hidden.",
        ],
        table=tables.table(
            "others-table",
            "Rounded counts of patients",
            shown.assign(named=shown["population"].map(findings.population_name)),
            Column("procedure_name", "Procedure", short_name),
            (
                Column("named", "Population"),
                Column("county", "County"),
                Column("observed_patients", "Patients", integer),
                Column("direction", "Notable", findings.often),
            ),
        ),
        download=csv_download("association_others", pairs),
        folded=True,
    )
