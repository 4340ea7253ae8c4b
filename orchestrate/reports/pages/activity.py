"""A client's activity page: the hospital and the patients helped, for any specialty and months.

The page carries the rows of patient_activity with patients numbered anew, so that it can count
distinct patients over any span by itself, and no key of a patient is in the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from orchestrate.driver import Connection
from orchestrate.errors import ConfigurationError
from orchestrate.reports import client_findings, tables
from orchestrate.reports.charts import CONFIG, plain_layout
from orchestrate.reports.data import (
    Relation,
    read_edition,
)
from orchestrate.reports.downloads import csv_download
from orchestrate.reports.edition import Edition
from orchestrate.reports.embedded import script_json
from orchestrate.reports.headlines import activity_headlines
from orchestrate.reports.pages.clients import VISIBILITY_NOTICE
from orchestrate.reports.pages.layout import Folder, Page, Section
from orchestrate.reports.rows import records
from orchestrate.reports.tables import Column
from orchestrate.reports.text import integer, money, month, short_name

_ALL, _NONE = "all", "none"
_RELATIONS = (
    Relation("clients", "specialties", ("specialty_id",)),
    Relation(
        "clients",
        "patient_activity",
        ("activity_key", "organization_name", "service_month", "specialty_id"),
    ),
    Relation("clients", "hospital_activity", ("organization_name", "service_month")),
)


@dataclass(frozen=True)
class ActivityData:
    """The relations of an activity page as one login sees them, as in the marts."""

    specialties: pd.DataFrame
    activity: pd.DataFrame
    hospitals: pd.DataFrame
    edition: Edition = field(default_factory=Edition)


@dataclass(frozen=True)
class Opening:
    """What the page opens on: a specialty (None: all) and months as YYYY-MM (empty: the ends)."""

    specialty_id: str | None = None
    from_month: str = ""
    to_month: str = ""


EVERYTHING = Opening()
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def chosen_months(from_month: str, to_month: str) -> Opening:
    """Return an opening on months given as YYYY-MM; an empty one leaves that end open.

    Raises ConfigurationError for other texts and for a span that ends before it begins.
    """
    for option, value in (("--from", from_month), ("--to", to_month)):
        if value and not _MONTH.fullmatch(value):
            raise ConfigurationError(
                f"{option} {value!r} is not a month.", "Write it as YYYY-MM, for example 2021-03."
            )
    if from_month and to_month and from_month > to_month:
        raise ConfigurationError(
            f"--from {from_month} is after --to {to_month}.", "Give the earlier month first."
        )
    return Opening(from_month=from_month, to_month=to_month)


def read_activity(database: Connection) -> ActivityData:
    """Read every relation that the page shows, all of one version.

    Raises ConfigurationError when nothing is published, DatabaseError when the database refuses.
    """
    (specialties, activity, hospitals), edition = read_edition(database, "clients", _RELATIONS)
    return ActivityData(_busiest_first(specialties), activity, hospitals, edition)


def activity_folder(data: ActivityData, client_name: str, opening: Opening) -> Folder:
    """Lay out the folder of a client whose report page is `activity`."""
    unit = "year" if _is_by_year(data) else "month"
    return Folder(
        title=f"{client_name}: patients helped",
        introduction=[
            f"The hospital and the patients whom it helped in encounters that {client_name} paid "
            f"for, by specialty, in any {unit}s.",
        ],
        pages=[
            Page(
                file_name="activity.html",
                title="Patients helped",
                summary=f"Choose a specialty and {unit}s: the patients helped, and the hospital.",
                sections=[_specialties(data.specialties), _hospitals(data.hospitals)],
                explorer=explorer_data(data, opening),
                explorer_unit=unit,
            )
        ],
        edition=data.edition,
        notice=VISIBILITY_NOTICE,
        headlines=activity_headlines(data.activity, data.specialties),
        months=_offered_months(data),
    )


def explorer_data(data: ActivityData, opening: Opening) -> str:
    """Return what explorer.js works on as JSON: names once, and rows of places in their lists."""
    activity, hospitals = records(data.activity), records(data.hospitals)
    by_year = _is_by_year(data)
    for row in (*activity, *hospitals):
        day = row["service_month"]
        row["service_month"] = day.replace(month=1 if by_year else day.month, day=1)
    months = _months([row["service_month"] for row in (*activity, *hospitals)])
    if by_year:
        months = months[::12]
    month_places = {value: place for place, value in enumerate(months)}
    specialties = _offered(data)
    specialty_places = {one["id"]: place for place, one in enumerate(specialties)}
    hospital_names = sorted({str(row["organization_name"]) for row in (*activity, *hospitals)})
    hospital_places = {name: place for place, name in enumerate(hospital_names)}
    addresses = {row["organization_name"]: _address(row) for row in hospitals}
    patients = {
        key: place for place, key in enumerate(sorted({row["activity_key"] for row in activity}))
    }
    return script_json(
        {
            "months": [f"{value:%Y-%m}" for value in months],
            "month_names": [f"{value:%Y}" if by_year else month(value) for value in months],
            "by_year": by_year,
            "specialties": specialties,
            "hospitals": [
                {"name": name, "address": addresses.get(name, "")} for name in hospital_names
            ],
            "activity": [
                [
                    patients[row["activity_key"]],
                    hospital_places[row["organization_name"]],
                    month_places[row["service_month"]],
                    specialty_places[row["specialty_id"]],
                    row["encounter_count"],
                    row["procedure_count"],
                ]
                for row in activity
            ],
            "volumes": [
                [
                    hospital_places[row["organization_name"]],
                    month_places[row["service_month"]],
                    row["encounter_count"],
                    row["procedure_count"],
                    *(float(row[name] or 0) for name in _MONEY),
                ]
                for row in hospitals
            ],
            "opens": {
                "specialty": opening.specialty_id or _ALL,
                "from": opening.from_month,
                "to": opening.to_month,
            },
            "config": CONFIG,
            "layout": {
                **plain_layout(280, {"l": 46, "r": 8, "t": 12, "b": 34}),
                "bargap": 0.25,
                "xaxis": {"type": "category", "fixedrange": True, "tickangle": 0},
                "yaxis": {"fixedrange": True, "rangemode": "tozero", "gridcolor": "#E9EDF1"},
            },
        }
    )


def _offered_months(data: ActivityData) -> tuple[str, str] | None:
    days = [*data.activity["service_month"], *data.hospitals["service_month"]]
    if not days:
        return None
    first, last = f"{min(days):%Y-%m}", f"{max(days):%Y-%m}"
    return (f"{first[:4]}-01", f"{last[:4]}-12") if _is_by_year(data) else (first, last)


def _is_by_year(data: ActivityData) -> bool:
    """Tell whether single patients are placed in years alone, as service_date_precision may say.

    Hospitals have their months all the same, so that some have a month in which nobody came. Where
    they have none, years and months are one. Patients who are placed in days are in months, too.
    """
    helped = {day.replace(day=1) for day in data.activity["service_month"]}
    return not helped.issuperset(data.hospitals["service_month"])


_MONEY = ("procedure_cost", "claim_cost", "payer_coverage")


def _months(values: Sequence[date]) -> list[date]:
    """Return every month from the first to the last, those without activity included."""
    if not values:
        return []
    first, last = min(values), max(values)
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [
        date(first.year + (first.month - 1 + step) // 12, (first.month - 1 + step) % 12 + 1, 1)
        for step in range(count)
    ]


def _offered(data: ActivityData) -> list[dict[str, object]]:
    """Return what the picker offers: everything, the specialties busiest first, no procedure."""
    names = {row["specialty_id"]: row["specialty_name"] for row in records(data.activity)}
    found: list[dict[str, object]] = [
        {
            "id": _ALL,
            "name": names.get(_ALL, "All specialties"),
            "procedures": None,
            "patients": None,
        }
    ]
    found += [
        {
            "id": row["specialty_id"],
            "name": short_name(row["specialty_name"]),
            "procedures": row["procedure_count"],
            "patients": row["patient_count"],
        }
        for row in records(data.specialties)
    ]
    if _NONE in names:
        found.append({"id": _NONE, "name": names[_NONE], "procedures": None, "patients": None})
    return found


def _busiest_first(specialties: pd.DataFrame) -> pd.DataFrame:
    return specialties.sort_values(
        "procedure_count", ascending=False, kind="stable", ignore_index=True
    )


def _address(row: dict[str, object]) -> str:
    parts = (row["address"], row["city"], row["state"], row["zip"])
    return ", ".join(str(part) for part in parts if part)


def _specialties(specialties: pd.DataFrame) -> Section:
    return Section(
        anchor="specialties",
        heading="All specialties, busiest first",
        relation="clients.specialties",
        finding=client_findings.specialties_finding(specialties),
        explanation=["Over the whole time. A specialty is a procedure, or a group of procedures."],
        table=tables.table(
            "specialties-table",
            "Procedures and patients by specialty",
            specialties,
            Column("specialty_name", "Specialty", short_name),
            (
                Column("procedure_count", "Procedures", integer),
                Column("patient_count", "Patients", integer),
            ),
        ),
        download=csv_download("specialties", specialties),
        folded=True,
    )


def _hospitals(hospitals: pd.DataFrame) -> Section:
    return Section(
        anchor="hospital",
        heading="The hospital, month by month",
        relation="clients.hospital_activity",
        finding=client_findings.claims_finding(hospitals),
        explanation=[
            "Claims and coverage are of encounters that this membership sees completely; "
            "the other figures cover every encounter that it sees."
        ],
        table=tables.table(
            "hospital-table",
            "Volumes, claims and coverage by month",
            hospitals.assign(named=hospitals["service_month"].map(month)),
            Column("named", "Month"),
            (
                Column("organization_name", "Hospital"),
                Column("patient_count", "Patients", integer),
                Column("encounter_count", "Encounters", integer),
                Column("procedure_count", "Procedures", integer),
                Column("procedure_cost", "Cost of procedures", money),
                Column("claim_cost", "Claims", money),
                Column("payer_coverage", "Covered", money),
            ),
        ),
        download=csv_download("hospital_activity", hospitals),
        folded=True,
    )
