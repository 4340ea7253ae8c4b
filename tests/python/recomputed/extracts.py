"""Every relation of schema `extracts`, recomputed from the CSV files.

Each function returns a DataFrame with the columns of the relation in the order of the interface.
Keys are those of the owner `staff`. Where the interface leaves something open, the docstring says
what is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd

from recomputed import rule
from recomputed.raw import Export, Pseudonyms, dollars, reference

OWNER = "staff"
RESTRICTED = ("UnitedHealthcare", "NO_INSURANCE")


def visible(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that neither UnitedHealthcare nor nobody paid for."""
    return rows[~rows["payer_name"].isin(RESTRICTED)]


def patients(export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Return a row per patient with an encounter of a visible payer.

    All is told by those encounters alone: a client's patient is who has an encounter of a client
    among them, and the age is that at the last.
    """
    clients = reference("clients")["payer_name"]
    encounters = visible(export.encounters).sort_values("started")
    encounters = encounters.assign(is_client=encounters["payer_name"].isin(clients))
    rows = encounters.groupby("patient_id").agg(
        age_band=("age_band", "last"),
        gender=("gender", "last"),
        zip3=("zip3", "last"),
        is_client_patient=("is_client", "any"),
        first_service_month=("service_month", "min"),
        last_service_month=("service_month", "max"),
        encounter_count=("encounter_id", "size"),
    )
    procedures = visible(export.procedures).groupby("patient_id").size()
    rows["procedure_count"] = procedures.reindex(rows.index, fill_value=0)
    rows = rows.reset_index(names="patient_id")
    keys = pseudonyms.of("patient", OWNER, rows.pop("patient_id"))
    rows.insert(0, "patient_key", keys)
    return rows


def encounters(export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Return a row per encounter of a visible payer. encounter_name is its own description."""
    rows = visible(export.encounters)
    return pd.DataFrame(
        {
            "encounter_key": pseudonyms.of("encounter", OWNER, rows["encounter_id"]),
            "patient_key": pseudonyms.of("patient", OWNER, rows["patient_id"]),
            "payer_name": rows["payer_name"],
            "organization_name": rows["organization_name"],
            "encounter_class": rows["encounter_class"],
            "encounter_code": rows["encounter_code"],
            "encounter_name": rows["encounter_name"],
            "service_month": rows["service_month"],
            "claim_cost": rows["claim"].map(dollars),
            "payer_coverage": rows["coverage"].map(dollars),
        }
    )


def procedures(export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Return a row per procedure of a visible payer's encounter, without its key.

    procedure_name is the name of the code, as in clients.procedure_summary.
    """
    rows = visible(export.procedures)
    return pd.DataFrame(
        {
            "encounter_key": pseudonyms.of("encounter", OWNER, rows["encounter_id"]),
            "patient_key": pseudonyms.of("patient", OWNER, rows["patient_id"]),
            "payer_name": rows["payer_name"],
            "procedure_code": rows["procedure_code"],
            "procedure_name": rows["procedure_name"],
            "service_month": rows["service_month"],
            "procedure_cost": rows["cost"].map(dollars),
        }
    )


def restricted_payer_summary(export: Export) -> pd.DataFrame:
    """Return a row per restricted payer, period with a procedure, and procedure or all (None).

    Who has procedures in a period counts there, in calendar years and months of the encounter's
    start; the period of kind `all` has no start.
    """
    rows = export.procedures
    rows = rows[rows["payer_name"].isin(RESTRICTED)]
    periods = {
        "all": pd.Series(date.min, index=rows.index),
        "year": rows["service_month"].map(lambda month: month.replace(month=1)),
        "month": rows["service_month"],
    }

    def records() -> Iterator[dict[str, object]]:
        for kind, starts in periods.items():
            for codes in (rows["procedure_code"], ""):
                dated = rows.assign(start=starts, code=codes)
                for (payer, start, code), cell in cells(dated):
                    hides = rule.is_small(cell["patients"])
                    yield {
                        "payer_name": payer,
                        "period_kind": kind,
                        "period_start": None if kind == "all" else start,
                        "procedure_code": code or None,
                        "procedure_name": export.procedure_names[code] if code else None,
                        "patient_count": rule.count(cell["patients"], suppressed=hides),
                        "procedure_count": rule.count(cell["procedures"], suppressed=hides),
                        "total_cost": rule.money(cell["total"], cell["of_two"], suppressed=hides),
                        "is_suppressed": hides,
                    }

    return pd.DataFrame(records())


def cells(procedures_: pd.DataFrame) -> Iterator[tuple[tuple[str, date, str], dict[str, int]]]:
    """Yield each cell: payer, start and code; patients, procedures, cost, that of the top two."""
    grain = ["payer_name", "start", "code"]
    by_patient = procedures_.groupby([*grain, "patient_id"])["cost"].agg(["size", "sum"])
    by_cell = by_patient.groupby(grain)
    found = pd.DataFrame(
        {
            "patients": by_cell.size(),
            "procedures": by_cell["size"].sum(),
            "total": by_cell["sum"].sum(),
            "of_two": by_patient.sort_values("sum").groupby(grain)["sum"].apply(top_two),
        }
    )
    yield from zip(found.index, found.to_dict("records"), strict=True)


def top_two(ascending: pd.Series) -> int:
    """Add up the two largest of ascending amounts."""
    return int(ascending.iloc[-2:].sum())
