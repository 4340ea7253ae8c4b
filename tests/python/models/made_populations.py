"""Made-up populations with a known truth, judged by the project's SQL on a session's tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from psycopg2.extras import execute_values

from orchestrate.publishing.artifacts import Build

# In the order in which one reads the other.
MODELS = (
    "int_population_procedures",
    "int_population_patients",
    "int_area_procedures_expected",
    "int_area_procedures_counted",
    "int_area_procedures_judged",
    "int_area_procedures_overlapping",
)
COUNTIES = ("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot")
SHARES = np.array([0.4, 0.2, 0.15, 0.1, 0.1, 0.05])
PATIENTS = 400
LAST = pd.Timestamp("2020-06-15 12:00", tz="UTC")
TABLES = {
    "int_populations": "population text, payer_id text, is_exact boolean",
    "stg_advocacy__patients": "patient_id text, county text, born_on date, encounter_count integer,"
    " payer_id text",
    "stg_advocacy__procedures": "encounter_id text, procedure_code text",
}
ENCOUNTERS = """
    create temporary table stg_advocacy__encounters as
    select
        patient_id || '-' || place as encounter_id,
        patient_id,
        payer_id,
        timestamptz '2020-06-15 12:00+00' - (place - 1) * interval '1 day' as started_at
    from stg_advocacy__patients
    cross join generate_series(1, encounter_count) as place
"""


@dataclass(frozen=True)
class Made:
    """Patients (patient_id, county, born_on, encounter_count) and who had which procedure."""

    name: str
    patients: pd.DataFrame
    procedures: pd.DataFrame
    is_exact: bool = True


def made(
    name: str, seed: int, *, old_county: str = "", planted: str = "", is_exact: bool = True
) -> Made:
    """Make a population of which the number of procedures depends on age and encounters alone.

    In `old_county` people are older, as some areas are. In `planted` procedure 1 is done more often
    and 2 less than age and encounters explain; 3 is done to nearly the same patients as 1.
    """
    chance = np.random.default_rng(seed)
    county = chance.choice(COUNTIES, PATIENTS, p=SHARES)
    is_old = (county == old_county) | (chance.random(PATIENTS) < 0.2)
    age = np.where(is_old, chance.integers(65, 95, PATIENTS), chance.integers(0, 65, PATIENTS))
    encounters = 1 + chance.geometric(0.12, PATIENTS)
    ids = np.array([f"{name}-{number}" for number in range(PATIENTS)])
    had: dict[str, np.ndarray] = {}
    for code in range(1, 13):
        tendency = chance.normal(-1.6, 0.6) + chance.normal(0, 0.6) * (age - 45) / 25
        tendency = tendency + 0.5 * np.log(encounters / 8)
        if code == 12:
            # What old people have, wherever they live.
            tendency = np.where(age >= 65, 1.0, -3.0)
        if planted and code in (1, 2):
            here = county == planted
            tendency = np.where(here, 1.2, -1.6) if code == 1 else np.where(here, -2.0, 0.3)
        had[str(code)] = chance.random(PATIENTS) < 1 / (1 + np.exp(-tendency))
    if planted:
        had["3"] = had["1"] & (chance.random(PATIENTS) < 0.9)
    birthdays = [(LAST - pd.Timedelta(days=int(365.25 * years) + 100)).date() for years in age]
    patients = pd.DataFrame(
        {"patient_id": ids, "county": county, "born_on": birthdays, "encounter_count": encounters}
    )
    procedures = pd.concat(
        pd.DataFrame({"patient_id": ids[done], "procedure_code": code})
        for code, done in had.items()
    ).merge(patients[["patient_id", "county"]], on="patient_id")
    return Made(name, patients, procedures, is_exact)


def judge(build: Build, cursor: Any, populations: Iterable[Made]) -> dict[str, pd.DataFrame]:
    """Run the models on the populations, all at once; return the rows of the last two by name."""
    for name, columns in TABLES.items():
        cursor.execute(f"create temporary table {name} ({columns})")
    for one in populations:
        payer = f"payer of {one.name}"
        people = [(*row, payer) for row in one.patients.itertuples(index=False, name=None)]
        rows = one.procedures[["patient_id", "procedure_code"]].itertuples(index=False, name=None)
        done = [(f"{patient}-1", code) for patient, code in rows]
        for name, values in (
            ("int_populations", [(one.name, payer, one.is_exact)]),
            ("stg_advocacy__patients", people),
            ("stg_advocacy__procedures", done),
        ):
            execute_values(cursor, f"insert into {name} values %s", values, page_size=5000)
    cursor.execute(ENCOUNTERS)
    nodes = {node["name"]: node for node in build.manifest["nodes"].values()}
    for model in MODELS:
        text = re.sub(r'"\w+"\."\w+"\."(\w+)"', r"pg_temp.\1", nodes[model]["compiled_code"])
        cursor.execute(f"create temporary table {model} as {text}")
        cursor.execute(f"analyze {model}")
    found = {}
    for model in MODELS[-2:]:
        cursor.execute(f"select * from {model}")
        columns = [column.name for column in cursor.description]
        found[model] = pd.DataFrame(cursor.fetchall(), columns=columns, dtype=object)
    return found
