"""The advocacy sample: eleven years of one hospital's patients, encounters, procedures, payers."""

from __future__ import annotations

from datetime import datetime

from tools.samples.advocacy.encounters import Hospital
from tools.samples.advocacy.patients import COMMERCIAL, NO_INSURANCE, draw_patients
from tools.samples.files import SampleFile
from tools.samples.randomness import RandomNumbers

SEED = 20110102

PATIENT_COLUMNS = (
    "id",
    "birthdate",
    "deathdate",
    "prefix",
    "first",
    "last",
    "suffix",
    "maiden",
    "marital",
    "race",
    "ethnicity",
    "gender",
    "birthplace",
    "address",
    "city",
    "state",
    "county",
    "zip",
    "lat",
    "lon",
)
ENCOUNTER_COLUMNS = (
    "id",
    "start",
    "stop",
    "patient",
    "organization",
    "payer",
    "encounterclass",
    "code",
    "description",
    "base_encounter_cost",
    "total_claim_cost",
    "payer_coverage",
    "reasoncode",
    "reasondescription",
)
PROCEDURE_COLUMNS = (
    "start",
    "stop",
    "patient",
    "encounter",
    "code",
    "description",
    "base_cost",
    "reasoncode",
    "reasondescription",
)
PAYER_COLUMNS = ("id", "name", "address", "city", "state_headquartered", "zip", "phone")
ORGANIZATION_COLUMNS = ("id", "name", "address", "city", "state", "zip", "lat", "lon")

# Invented, the apostrophe and the ampersand on purpose.
HOSPITAL = (
    "ST. BRENDAN'S HARBOR HOSPITAL & CLINICS",
    "1 TIDEWATER LANE",
    "BOSTON",
    "MA",
    "02128",
    "42.365200",
    "-71.030100",
)
PUBLIC_PAYERS = ("Dual Eligible", "Medicare", "Medicaid")


def advocacy_files() -> list[SampleFile]:
    """Return the five files of the advocacy export; rows are in the order of time."""
    rng = RandomNumbers(SEED)
    organization = rng.identifier()
    payer_id = {name: rng.identifier() for name in (*PUBLIC_PAYERS, *COMMERCIAL, NO_INSURANCE)}
    patients = draw_patients(rng)
    encounters = sorted(Hospital(rng).encounters(patients), key=lambda one: (one.start, one.id))
    seen = {encounter.patient for encounter in encounters}
    encounter_rows = [
        (
            encounter.id,
            instant(encounter.start),
            instant(encounter.stop),
            encounter.patient,
            organization,
            payer_id[encounter.payer],
            encounter.visit.encounter_class,
            encounter.visit.code,
            encounter.visit.description,
            dollars(encounter.visit.base_cents),
            dollars(encounter.claim_cents),
            dollars(encounter.covered_cents),
            encounter.visit.reason_code,
            encounter.visit.reason_description,
        )
        for encounter in encounters
    ]
    procedures = [row for encounter in encounters for row in encounter.procedures]
    # Sorting is stable: rows of one moment stay in the order in which they were done.
    procedures.sort(key=lambda row: (row.start, row.encounter))
    procedure_rows = [
        (
            instant(row.start),
            instant(row.stop),
            row.patient,
            row.encounter,
            row.code,
            row.description,
            dollars(row.cost_in_cents),
            row.reason_code,
            row.reason_description,
        )
        for row in procedures
    ]
    patient_rows = [
        tuple(patient.row[column] for column in PATIENT_COLUMNS)
        for patient in patients
        if patient.row["id"] in seen
    ]
    return [
        SampleFile("advocacy__patients.csv", PATIENT_COLUMNS, patient_rows),
        SampleFile("advocacy__encounters.csv", ENCOUNTER_COLUMNS, encounter_rows),
        SampleFile("advocacy__procedures.csv", PROCEDURE_COLUMNS, procedure_rows),
        SampleFile("advocacy__payers.csv", PAYER_COLUMNS, payer_rows(payer_id)),
        SampleFile(
            "advocacy__organizations.csv", ORGANIZATION_COLUMNS, [(organization, *HOSPITAL)]
        ),
    ]


def payer_rows(payer_id: dict[str, str]) -> list[tuple[str, ...]]:
    """Return the rows of payers: real names, invented addresses; no insurance has none."""
    rows: list[tuple[str, ...]] = []
    for number, (name, identifier) in enumerate(payer_id.items(), start=1):
        if name == NO_INSURANCE:
            rows.append((identifier, name, "", "", "", "", ""))
            continue
        contact = (f"{number}00 Insurance Plaza", "Hartford", "CT", "06103")
        rows.append((identifier, name, *contact, f"1-800-555-01{number:02d}"))
    return rows


def instant(moment: datetime) -> str:
    """Return a moment in UTC as the export writes it, `2011-01-02T09:26:36Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def dollars(cents: int) -> str:
    """Return an amount of US dollars with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"
