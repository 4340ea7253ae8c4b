"""Every relation of schema `clients`, recomputed from the CSV files.

Each function returns a DataFrame with the columns of the relation in the order of its contract
(scope_id first), over all scopes. Where docs/definitions.md leaves something open, the docstring
says what is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from recomputed import rule
from recomputed.raw import Export, Pseudonyms, dollars
from recomputed.scopes import Scope, scopes

NONE, NONE_NAME = "none", "No procedure"
ALL, ALL_NAME = "all", "All specialties"
TOP = 10

Records = Iterator[dict[str, object]]


def over_scopes(export: Export, rows_of: Callable[[Scope], pd.DataFrame]) -> pd.DataFrame:
    """Put the rows of every scope below each other, scope_id and client_id first."""
    parts = []
    for scope in scopes(export):
        rows = rows_of(scope)
        for place, name in enumerate(("scope_id", "client_id")):
            rows.insert(place, name, getattr(scope, name))
        parts.append(rows)
    return pd.concat(parts, ignore_index=True)


def procedure_summary(export: Export) -> pd.DataFrame:
    """Return a row per scope and procedure code."""

    def of(scope: Scope) -> pd.DataFrame:
        by_code = scope.book_procedures.groupby("procedure_code")
        rows = by_code.agg(
            procedure_name=("procedure_name", "first"),
            specialty_id=("specialty_id", "first"),
            procedure_count=("cost", "size"),
            patient_count=("patient_id", "nunique"),
            total=("cost", "sum"),
        ).reset_index()
        rows["total_cost"] = rows["total"].map(dollars)
        rows["average_cost"] = [
            (total / count).quantize(Decimal("0.01"), ROUND_HALF_UP)
            for total, count in zip(rows["total_cost"], rows["procedure_count"], strict=True)
        ]
        for measure, rank in (("total", "cost_rank"), ("procedure_count", "count_rank")):
            ordered = rows.sort_values([measure, "procedure_code"], ascending=[False, True])
            rows.loc[ordered.index, rank] = range(1, len(rows) + 1)
        return rows.drop(columns="total")

    return over_scopes(export, of)


def procedure_extract(export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Return a row per scope and procedure, without its key: not telling equal rows apart.

    procedure_name is the name of the code, as in procedure_summary. A patient has one age, that at
    the last encounter of the book, with or without procedures.
    """

    def of(scope: Scope) -> pd.DataFrame:
        rows = scope.book_procedures
        ages = scope.book.sort_values("started").groupby("patient_id")["age_band"].last()
        return pd.DataFrame(
            {
                "patient_key": pseudonyms.of("patient", scope.client_id, rows["patient_id"]),
                "encounter_key": pseudonyms.of("encounter", scope.client_id, rows["encounter_id"]),
                "procedure_code": rows["procedure_code"],
                "procedure_name": rows["procedure_name"],
                "specialty_id": rows["specialty_id"],
                "service_month": rows["service_month"],
                "age_band": rows["patient_id"].map(ages),
                "gender": rows["gender"],
                "zip3": rows["zip3"],
                "procedure_cost": rows["cost"].map(dollars),
            }
        )

    return over_scopes(export, of)


def encounter_extract(export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Return a row per scope and encounter. encounter_name is the encounter's own description."""

    def of(scope: Scope) -> pd.DataFrame:
        rows = scope.book
        return pd.DataFrame(
            {
                "encounter_key": pseudonyms.of("encounter", scope.client_id, rows["encounter_id"]),
                "patient_key": pseudonyms.of("patient", scope.client_id, rows["patient_id"]),
                "organization_name": rows["organization_name"],
                "encounter_class": rows["encounter_class"],
                "encounter_name": rows["encounter_name"],
                "service_month": rows["service_month"],
                "procedure_count": rows["procedure_count"],
                "procedure_cost": rows["cost"].map(dollars),
            }
        )

    return over_scopes(export, of)


def patient_extract(export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Return a row per scope and patient with an encounter there; the age is that at the last."""

    def of(scope: Scope) -> pd.DataFrame:
        by_patient = scope.book.sort_values("started").groupby("patient_id")
        rows = by_patient.agg(
            age_band=("age_band", "last"),
            gender=("gender", "last"),
            zip3=("zip3", "last"),
            first_service_month=("service_month", "min"),
            last_service_month=("service_month", "max"),
            encounter_count=("encounter_id", "size"),
            procedure_count=("procedure_count", "sum"),
            procedure_cost=("cost", "sum"),
        ).reset_index()
        rows["procedure_cost"] = rows["procedure_cost"].map(dollars)
        keys = pseudonyms.of("patient", scope.client_id, rows.pop("patient_id"))
        rows.insert(0, "patient_key", keys)
        return rows

    return over_scopes(export, of)


def services(scope: Scope) -> pd.DataFrame:
    """Return the book as a row per procedure (procedure 1), or per encounter without one (0).

    Columns: patient_id, encounter_id, organization_name, service_month, specialty_id, procedure.
    """
    columns = ["patient_id", "encounter_id", "organization_name", "service_month"]
    done = scope.book_procedures[[*columns, "specialty_id"]].assign(procedure=1)
    without = scope.book.loc[scope.book["procedure_count"] == 0, columns]
    return pd.concat([done, without.assign(specialty_id=NONE, procedure=0)])


def by_specialty_and_all(scope: Scope, grain: list[str]) -> pd.DataFrame:
    """Count the services per grain and specialty, and per grain as specialty `all`."""
    rows = services(scope)
    both = pd.concat([rows, rows.assign(specialty_id=ALL)])
    counted = both.groupby([*grain, "specialty_id"]).agg(
        patient_count=("patient_id", "nunique"),
        encounter_count=("encounter_id", "nunique"),
        procedure_count=("procedure", "sum"),
    )
    names = {**scope.export.specialty_names, NONE: NONE_NAME, ALL: ALL_NAME}
    counted = counted.reset_index()
    counted["specialty_name"] = counted["specialty_id"].map(names)
    return counted


def patient_activity(export: Export, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """Return a row per scope, patient, organization, service month and specialty or `all`."""

    def of(scope: Scope) -> pd.DataFrame:
        rows = by_specialty_and_all(scope, ["patient_id", "organization_name", "service_month"])
        rows["activity_key"] = pseudonyms.of("activity", scope.client_id, rows["patient_id"])
        columns = ["activity_key", "organization_name", "specialty_id", "specialty_name"]
        return rows[[*columns, "service_month", "encounter_count", "procedure_count"]]

    return over_scopes(export, of)


def monthly_activity(export: Export) -> pd.DataFrame:
    """Return a row per scope, month with an encounter, organization and specialty or `all`."""

    def of(scope: Scope) -> pd.DataFrame:
        rows = by_specialty_and_all(scope, ["service_month", "organization_name"])
        columns = ["service_month", "organization_name", "specialty_id", "specialty_name"]
        return rows[[*columns, "patient_count", "encounter_count", "procedure_count"]]

    return over_scopes(export, of)


def hospital_activity(export: Export) -> pd.DataFrame:
    """Return a row per scope, organization and month with an encounter.

    Claims and coverage are those of encounters of which nothing is hidden; none of these is 0.
    """

    def of(scope: Scope) -> pd.DataFrame:
        book = scope.book
        whole = book.assign(
            claim=book["claim"].where(book["is_whole"], 0),
            coverage=book["coverage"].where(book["is_whole"], 0),
        )
        place = [f"organization_{column}" for column in ("address", "city", "state", "zip")]
        rows = whole.groupby(["organization_name", *place, "service_month"]).agg(
            patient_count=("patient_id", "nunique"),
            encounter_count=("encounter_id", "size"),
            procedure_count=("procedure_count", "sum"),
            procedure_cost=("cost", "sum"),
            claim_cost=("claim", "sum"),
            payer_coverage=("coverage", "sum"),
        )
        for column in ("procedure_cost", "claim_cost", "payer_coverage"):
            rows[column] = rows[column].map(dollars)
        rows = rows.reset_index()
        return rows.rename(columns={name: name.removeprefix("organization_") for name in place})

    return over_scopes(export, of)


def specialties(export: Export) -> pd.DataFrame:
    """Return a row per scope and specialty with a procedure; neither `none` nor `all`."""

    def of(scope: Scope) -> pd.DataFrame:
        rows = by_specialty_and_all(scope, [])
        rows = rows[~rows["specialty_id"].isin([NONE, ALL])]
        return rows[["specialty_id", "specialty_name", "procedure_count", "patient_count"]]

    return over_scopes(export, of)


def patients_helped(
    scope: Scope, from_date: date, to_date: date, specialty: str | None = None
) -> pd.DataFrame:
    """Return what the function returns for [from_date, to_date).

    A row per organization and specialty, `none` among them; with a specialty that one's rows only,
    without one the total row too, which has no names. `all` is none to ask for.
    """
    rows = services(scope)
    rows = rows[(rows["service_month"] >= from_date) & (rows["service_month"] < to_date)]
    total = helped(rows)
    if specialty is not None:
        rows = rows[rows["specialty_id"] == specialty]
    names = {**scope.export.specialty_names, NONE: NONE_NAME}
    columns = ["organization_name", "specialty_id", "specialty_name"]
    found = [
        {
            "organization_name": organization,
            "specialty_id": specialty_id,
            "specialty_name": names[specialty_id],
            **helped(group),
        }
        for (organization, specialty_id), group in rows.groupby(
            ["organization_name", "specialty_id"]
        )
    ]
    if specialty is None:
        found.append({**dict.fromkeys(columns), **total})
    return pd.DataFrame(found, columns=[*columns, *total], dtype=object)


def helped(services_: pd.DataFrame) -> dict[str, object]:
    """Count distinct patients and encounters, and procedures."""
    return {
        "patient_count": services_["patient_id"].nunique(),
        "encounter_count": services_["encounter_id"].nunique(),
        "procedure_count": int(services_["procedure"].sum()),
    }


def top_codes(scope: Scope) -> list[str]:
    """Return the codes most often performed in the client's own book, the most frequent first."""
    counts = scope.book_procedures.groupby("procedure_code").size()
    return sorted(counts.index, key=lambda code: (-counts[code], code))[:TOP]


def is_insured(rows: pd.DataFrame) -> pd.Series:
    """Tell which rows another insurance than none paid."""
    return rows["payer_name"] != "NO_INSURANCE"


def top_procedure_patients(export: Export) -> pd.DataFrame:
    """Return a row per scope, top procedure and patient group, groups without patients included."""

    def records(scope: Scope) -> Records:
        for place, code in enumerate(top_codes(scope), start=1):
            had = scope.world_procedures[scope.world_procedures["procedure_code"] == code]
            own = set(had.loc[had["payer_name"] == scope.payer_name, "patient_id"])
            insured = set(had.loc[is_insured(had), "patient_id"]) - own
            groups = {
                "own": own,
                "other_insured": insured,
                "uninsured": set(had["patient_id"]) - own - insured,
            }
            for group, patients in groups.items():
                count, is_own = len(patients), group == "own"
                hides = not is_own and rule.is_small(count)
                yield {
                    "procedure_code": code,
                    "procedure_name": export.procedure_names[code],
                    "top_rank": place,
                    "patient_group": group,
                    "patient_count": count if is_own else rule.count(count, suppressed=hides),
                    "is_suppressed": hides,
                }

    return over_scopes(export, lambda scope: pd.DataFrame(records(scope)))


def top_procedure_overlap(export: Export) -> pd.DataFrame:
    """Return a row per scope, number of shared procedures (1-10) and patient group.

    Of the patients never this client's, `other_insured` had one of the top ten under an insurance,
    `uninsured` are the rest.
    """

    def records(scope: Scope) -> Records:
        had = scope.world_procedures
        had = had[had["procedure_code"].isin(top_codes(scope))]
        had = had[~had["patient_id"].isin(scope.book["patient_id"])]
        shared = had.groupby("patient_id")["procedure_code"].nunique()
        insured = shared.index.isin(had.loc[is_insured(had), "patient_id"])
        for number in range(1, TOP + 1):
            for group, members in (("other_insured", insured), ("uninsured", ~insured)):
                patients = int((shared[members] >= number).sum())
                hides = rule.is_small(patients)
                yield {
                    "shared_procedures": number,
                    "patient_group": group,
                    "patient_count": rule.count(patients, suppressed=hides),
                    "is_suppressed": hides,
                }

    return over_scopes(export, lambda scope: pd.DataFrame(records(scope)))
