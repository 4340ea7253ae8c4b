"""Management's page of unaffiliated patients: by area, near clients' patients, and in groups."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from orchestrate.reports import management_findings as findings
from orchestrate.reports import tables
from orchestrate.reports.areas import hidden_or_integer, named_areas
from orchestrate.reports.charts import BLUE, ORANGE, Drawing, Panel, Series, drawing
from orchestrate.reports.downloads import csv_download
from orchestrate.reports.maps import cluster_figure, group_name
from orchestrate.reports.pages.layout import Page, Section
from orchestrate.reports.rows import records
from orchestrate.reports.tables import Column
from orchestrate.reports.text import as_float, decimal, integer, percent, rounded_or_hidden

_APART = "unaffiliated_patient_count"


def unaffiliated_page(areas: pd.DataFrame, clusters: pd.DataFrame, nearness: pd.DataFrame) -> Page:
    """Lay out the page of patients whom no client ever paid for."""
    return Page(
        file_name="unaffiliated.html",
        title="Unaffiliated patients",
        summary="Patients whom no client ever paid for: by area, and in groups near clients' "
        "patients.",
        sections=[
            Section(
                anchor="unaffiliated-areas",
                heading="Unaffiliated patients by area",
                relation="management.unaffiliated_by_area",
                finding=findings.unaffiliated_finding(areas),
                explanation=[
                    "Unaffiliated means that no encounter in the export was ever paid by a client. "
                    "The export shows one hospital: elsewhere they may be a client's. A row is "
                    "hidden when either count is small. The deceased are those with a death date "
                    "in the export; they are told apart by county, where neither number is small.",
                ],
                table=tables.table(
                    "unaffiliated-areas-table",
                    "Unaffiliated and clients' patients by area",
                    _told_apart(named_areas(areas)),
                    Column("area", "Area"),
                    (
                        Column("unaffiliated_patient_count", "Unaffiliated", hidden_or_integer),
                        Column("living", "Living", _text),
                        Column("deceased", "Deceased", _text),
                        Column("client_patient_count", "Clients' patients", hidden_or_integer),
                    ),
                ),
                download=csv_download("unaffiliated_by_area", areas),
                drawing=_unaffiliated_figure(areas),
            ),
            _nearness_section(nearness),
            Section(
                anchor="clusters",
                heading="Groups of unaffiliated patients near clients' patients",
                relation="management.unaffiliated_patient_clusters",
                finding=findings.clusters_finding(clusters, nearness),
                explanation=[
                    "A group is a dense cluster of homes of living patients (DBSCAN: at least 11 "
                    "homes within 0.75 km of one of them, unless set otherwise). Circles lie at "
                    "the rounded middle of a group, their area follows its patients; north is up. "
                    "The share of members near a client's patient is told to the nearest quarter.",
                    "What the method cannot see: people in thinly settled places are never a "
                    "group, however many they are; groups in one street and in one city quarter "
                    "look the same; and a home that the export places roughly moves a group's "
                    "border.",
                ],
                table=tables.table(
                    "clusters-table",
                    "Groups of unaffiliated patients",
                    clusters,
                    Column("cluster_id", "Group", group_name),
                    _CLUSTER_COLUMNS,
                ),
                download=csv_download("unaffiliated_patient_clusters", clusters),
                drawing=cluster_figure(clusters) if len(clusters) else None,
            ),
        ],
    )


def _nearness_section(nearness: pd.DataFrame) -> Section:
    shown = nearness.assign(
        chance=[_range(row["chance_low"], row["chance_high"]) for row in records(nearness)],
        chance_clusters=[
            f"{integer(row['chance_cluster_low'])} to {integer(row['chance_cluster_high'])}"
            for row in records(nearness)
        ],
    )
    return Section(
        anchor="nearness",
        heading="Whether unaffiliated patients live nearer than by chance",
        relation="management.unaffiliated_nearness",
        finding=findings.nearness_finding(nearness),
        explanation=[
            "Where many people live, everybody lives near everybody, and groups form of whomever "
            "one counts. So it was drawn by lot 200 times who of the living is a client's patient "
            "and who is unaffiliated, with the same homes and as many of each; the range leaves "
            "out the four lowest and the four highest results.",
            "The sentence is about the radius that groups are found with, and calls a share closer "
            "or farther only where it lies outside that range; the other radii show how much hangs "
            "on the choice. Who is near but in no group lives too scattered for the map below.",
        ],
        table=tables.table(
            "nearness-table",
            "Living unaffiliated patients near clients' patients, and chance",
            shown,
            Column("radius_km", "Within", lambda value: f"{decimal(value, 2)} km"),
            (
                Column("near_share", "Near a client's patient", _share),
                Column("chance", "By chance", _text),
                Column("near_outside_clusters", "Near, in no group", rounded_or_hidden),
                Column("cluster_count", "Groups", integer),
                Column("chance_clusters", "Groups by chance", _text),
            ),
        ),
        download=csv_download("unaffiliated_nearness", nearness),
    )


def _range(low: object, high: object) -> str:
    lowest, highest = as_float(low), as_float(high)
    if lowest is None or highest is None:
        return "hidden"
    return findings.between(lowest, highest)


def _text(value: object) -> str:
    return str(value)


def _told_apart(areas: pd.DataFrame) -> pd.DataFrame:
    """Add what is shown of living and deceased: nothing on a city's row."""
    told = {
        name: [
            "" if row["city"] is not None else hidden_or_integer(row[f"{name}_{_APART}"])
            for row in records(areas)
        ]
        for name in ("living", "deceased")
    }
    return areas.assign(**told)


def _share(value: object) -> str:
    number = as_float(value)
    return "hidden" if number is None else percent(100 * number)


def _kilometres(value: object) -> str:
    return "hidden" if value is None else f"up to {decimal(value, 2)} km"


_CLUSTER_COLUMNS: Sequence[Column] = (
    Column("main_city", "Mostly in"),
    Column("patient_count", "Patients", integer),
    Column("client_patients_nearby", "Clients' patients nearby", rounded_or_hidden),
    Column("near_share", "Members near one", _share),
    Column("nearest_client_patient_km", "Nearest", _kilometres),
)


def _unaffiliated_figure(areas: pd.DataFrame) -> Drawing:
    rows = [row for row in records(areas) if row["city"] is None]

    def panel(title: str, key: str, color: str) -> Panel:
        texts = [hidden_or_integer(row[key]) for row in rows]
        return Panel(
            title=title,
            series=[
                Series(
                    title,
                    [as_float(row[key]) for row in rows],
                    color,
                    [f"{row['county']}: {text}" for row, text in zip(rows, texts, strict=True)],
                )
            ],
            labels=texts,
        )

    return drawing(
        [str(row["county"]) for row in rows],
        [
            panel("Unaffiliated patients", "unaffiliated_patient_count", ORANGE),
            panel("Clients' patients", "client_patient_count", BLUE),
        ],
    )
