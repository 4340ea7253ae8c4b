"""Build a copy of the project on a small export: the hard cases, and a category more than shipped.

Each resident of the export reads one kind of exam, so that the resident's row in the reports is
what the exam counts for. The copy has a twelfth category: a row in a seed, one in the CPT map, and
a column in the contracts of the three wide reports. Nothing else is changed.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2.extras
import pytest
from psycopg2 import sql

from orchestrate.driver import Connection
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook

pytestmark = pytest.mark.slow

SCHEMA = "cases"
NEW_CATEGORY = "ct_head"
WIDE_REPORTS = ("case_log_totals", "case_log_percentages", "case_log_status")

# Exam code: its CPT lines; the work RVUs are those of 2019.
EXAMS: dict[str, list[tuple[str, str]]] = {
    "CT chest abdomen pelvis": [("71260", "1.24"), ("74177", "1.82")],
    "MRI brain MRA head": [("70551", "1.48"), ("70544", "1.20")],
    "MRI total spine": [("72141", "1.48"), ("72146", "1.48"), ("72148", "1.48")],
    "Mammogram tomosynthesis": [("77067", "0.76"), ("77063", "0.60")],
    "Tomosynthesis alone": [(" g0279", "0.60")],
    "Liver biopsy": [("47000", "1.65"), ("76942", "0.67")],
    "Chest modifier": [("71046-26", "0.22")],
    "Chest spreadsheet": [("71046.0", "0.22")],
    "Chest twice": [("71046", "0.22"), ("71046", "0.22")],
    "Whole and parts": [("76700", "0.81"), ("76700-26", "0.81"), ("76700-TC", "")],
    "Reading alone valued": [("78815", "0"), ("78815 26", "2.44")],
    "Both knees": [("73721-LT", "1.35"), ("73721-RT", "1.35")],
    "Outside read": [("", "0.20")],
    "CT head": [("70450", "0.85")],
    "CT head in doubt": [("70460", "1.13")],
    "CT head in doubt beside": [("70460", "1.13"), ("70480", "1.28")],
}

# Exam code: CPT lines that hold for one site, by its identifier or its code.
EXAMS_OF_A_SITE: dict[str, list[tuple[str, str, str, str]]] = {
    "Other exam elsewhere": [("71046", "0.22", "", ""), ("74177", "1.82", "", "CLOSED")],
    "Own exam here": [("71046", "0.22", "101", ""), ("74177", "1.82", "", "")],
    "Exam elsewhere alone": [("74177", "1.82", "102", "CLOSED")],
}

# Resident (who reads only this exam): studies in each category, required and other RVUs.
COUNTS_FOR: dict[str, tuple[dict[str, int], str, str]] = {
    "CT chest abdomen pelvis": ({"ct_abd_pel": 1}, "1.82", "1.24"),
    "MRI brain MRA head": ({"mri_brain": 1, "cta_mra": 1}, "2.68", "0"),
    "MRI total spine": ({"mri_spine": 1}, "4.44", "0"),
    "Mammogram tomosynthesis": ({"mammography": 1}, "1.36", "0"),
    "Tomosynthesis alone": ({}, "0", "0.60"),
    "Liver biopsy": ({"image_guided_bx_drainage": 1}, "1.65", "0.67"),
    "Chest modifier": ({"chest_xray": 1}, "0.22", "0"),
    "Chest spreadsheet": ({"chest_xray": 1}, "0.22", "0"),
    "Chest twice": ({"chest_xray": 1}, "0.44", "0"),
    "Whole and parts": ({"us_abd_pel": 1}, "0.81", "0"),
    "Reading alone valued": ({"pet": 1}, "2.44", "0"),
    "Both knees": ({"mri_lower_extremity_joints": 1}, "2.70", "0"),
    "Other exam elsewhere": ({"chest_xray": 1}, "0.22", "0"),
    "Own exam here": ({"chest_xray": 1}, "0.22", "0"),
    "Exam elsewhere alone": ({}, "0", "0"),
    "Outside read": ({}, "0", "0.20"),
    "No CPT line": ({}, "0", "0"),
    "CT head": ({NEW_CATEGORY: 3}, "2.55", "0"),
    "CT head in doubt": ({}, "0", "3.39"),
    "CT head in doubt beside": ({}, "0", "7.23"),
}
# Whoever reads as many as the new category takes.
READ_THRICE = ("CT head", "CT head in doubt", "CT head in doubt beside")


def write(path: Path, header: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])


def append(path: Path, text: str) -> None:
    """Add lines to the end of a file."""
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + "\n" + text, encoding="utf-8")


def write_export(folder: Path) -> None:
    """Write the small export: one study per resident, three equal rows of the CT head's."""
    lines = [(exam, cpt, rvu, "", "") for exam, rows in EXAMS.items() for cpt, rvu in rows]
    lines += [(exam, *row) for exam, rows in EXAMS_OF_A_SITE.items() for row in rows]
    header = "exam_code,cpt,rvu,organization_id,organization_code"
    write(folder / "residency__exam_to_cpt.csv", header, lines)
    write(folder / "residency__modalities.csv", "id,modality_code", [("1", "XR")])
    sites = [("101", "MAIN"), ("102", "CLOSED")]
    write(folder / "residency__organizations.csv", "id,organization_code", sites)
    readers = [*COUNTS_FOR, *READ_THRICE, *READ_THRICE]
    header = (
        "priorities,exam_code,procedure_name,trainee_name,finalized,modality_id,organization_id"
    )
    moments = {"CT head": "2019-06-30 23:59:59", "No CPT line": "2019-07-01 00:00:00"}
    studies = [
        ("1", name, name, name, moments.get(name, "2018-07-01 00:00:00"), "1", "101")
        for name in readers
    ]
    write(folder / "residency__studies.csv", header, studies)


def add_category(project: Path) -> None:
    """Add the twelfth category as a program would."""
    reference = project / "seeds" / "reference"
    append(reference / "case_log_categories.csv", f"{NEW_CATEGORY},CT head,3,12\n")
    append(reference / "cpt_case_log_category.csv", f"70450,{NEW_CATEGORY},high,true,true,,,,\n")
    append(reference / "cpt_case_log_category.csv", f"70460,{NEW_CATEGORY},low,false,true,,,,\n")
    append(reference / "cpt_exclusions.csv", "70460,70480,of the ear\n")
    types = dict(zip(WIDE_REPORTS, ("integer", "numeric(18,6)", "text"), strict=True))
    for report, data_type in types.items():
        contract = project / "models" / "marts" / "residency" / f"{report}.yml"
        columns, unit_tests = contract.read_text(encoding="utf-8").split("\nunit_tests:")
        columns += (
            f"      - name: {NEW_CATEGORY}\n"
            f"        data_type: {data_type}\n"
            f'        description: "CT head."\n'
        )
        contract.write_text(f"{columns}\nunit_tests:{unit_tests}", encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the dbt project with the small export and the twelfth category."""
    project = tmp_path_factory.mktemp("cases")
    for name in ("models", "macros", "seeds", "tests"):
        shutil.copytree(PROJECT_DIR / name, project / name, ignore=shutil.ignore_patterns("python"))
    shutil.copy(PROJECT_DIR / "dbt_project.yml", project)
    shutil.copy(PROJECT_DIR / "profiles.example.yml", project / "profiles.yml")
    write_export(project / "seeds" / "residency")
    add_category(project)
    return project


@pytest.fixture(scope="module")
def built(project: Path, published: Casebook, warehouse: Connection) -> Iterator[Connection]:
    """Build the copy's residency domain beside the samples', in schemas that are dropped again.

    The project's singular tests run with it; the generic ones are the samples' own affair.
    """
    parameters = warehouse.get_dsn_parameters()
    environment = {
        **published.environment,
        "CASEBOOK_DBT_HOST": parameters["host"],
        "CASEBOOK_DBT_PORT": parameters["port"],
        "CASEBOOK_DBT_USER": parameters["user"],
        "CASEBOOK_DBT_DATABASE": parameters["dbname"],
        "CASEBOOK_DBT_SCHEMA": SCHEMA,
        "DBT_ENV_SECRET_CASEBOOK_PASSWORD": published.databases.warehouse.password(),
    }
    program = "import sys; from dbt.cli.main import cli; cli(sys.argv[1:])"
    selection = ["--select", "+models/marts/residency", "--indirect-selection", "buildable"]
    selection += ["--exclude", "test_type:generic", "test_type:unit"]
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, "--warn-error", "--quiet", "build", *selection],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield warehouse
    finally:
        with warehouse, warehouse.cursor() as cursor:
            cursor.execute("select nspname from pg_namespace where nspname like 'cases\\_%'")
            for (schema,) in cursor.fetchall():
                cursor.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))


def rows_of(built: Connection, relation: str) -> list[dict[str, Any]]:
    """Return the rows of a relation of the copy's schema residency."""
    with built, built.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(f"select * from {SCHEMA}_residency.{relation}")
        return [dict(row) for row in cursor.fetchall()]


@pytest.mark.parametrize("resident", COUNTS_FOR)
def test_an_exam_counts_once_per_category_and_splits_its_rvu(
    resident: str, built: Connection
) -> None:
    counts, required_rvu, other_rvu = COUNTS_FOR[resident]
    (totals,) = (r for r in rows_of(built, "case_log_totals") if r["resident_name"] == resident)
    (rvus,) = (r for r in rows_of(built, "rvu_by_requirement") if r["resident_name"] == resident)
    counted = {name: n for name, n in totals.items() if name != "resident_name" and n}
    assert counted == counts
    assert rvus["required_rvu"] == Decimal(required_rvu)
    assert rvus["not_required_rvu"] == Decimal(other_rvu)


@pytest.mark.parametrize("report", WIDE_REPORTS)
def test_every_resident_has_a_row_with_the_new_category_last(
    report: str, built: Connection
) -> None:
    rows = rows_of(built, report)
    assert sorted(row["resident_name"] for row in rows) == sorted(COUNTS_FOR)
    assert all(list(row)[-1] == NEW_CATEGORY for row in rows)


def test_the_new_category_is_met_by_three_equal_rows(built: Connection) -> None:
    (status,) = (
        row for row in rows_of(built, "case_log_status") if row["resident_name"] == "CT head"
    )
    assert status[NEW_CATEGORY] == "Met"
    assert status["pet"] == "30"


def test_switching_a_code_on_keeps_to_what_excludes_it(built: Connection) -> None:
    codes = {row["cpt_code"]: row for row in rows_of(built, "code_review")}
    # One of the two who read it three times: the other one's exam has a code that excludes it.
    assert codes["70460"]["study_count"] == 6
    assert codes["70460"]["met_change"] == 1
    assert codes["70460"]["example_exam"] == "CT head in doubt"
    assert codes["70480"]["met_change"] is None


def test_the_academic_year_turns_at_midnight(built: Connection) -> None:
    years = {row["resident_name"]: row["academic_year"] for row in rows_of(built, "fct_studies")}
    assert years["CT head"] == "2018-2019"
    assert years["No CPT line"] == "2019-2020"


def test_unmapped_exams_are_outside_the_ratio_and_listed(built: Connection) -> None:
    sites = {row["organization_code"]: row for row in rows_of(built, "site_requirement_ratio")}
    assert sites["MAIN"]["required_studies"] == 16
    assert sites["MAIN"]["not_required_studies"] == 7
    assert sites["MAIN"]["unmapped_studies"] == 3
    assert sites["CLOSED"]["ratio"] is None
    assert not any(site["is_highest"] for site in sites.values())
    unmapped = {
        row["subject"]
        for row in rows_of(built, "data_findings")
        if row["finding"] == "unmapped_exam_code"
    }
    assert unmapped == {"Outside read", "No CPT line", "Exam elsewhere alone"}


def test_lines_that_add_up_are_told_with_what_is_at_stake(built: Connection) -> None:
    told = {
        (row["finding"], row["subject"]): row["detail"].rpartition("At stake: ")[2]
        for row in rows_of(built, "data_findings")
        if "At stake" in row["detail"]
    }
    assert told == {
        ("repeated_cpt_line", "Chest twice"): "0.22 RVU.",
        ("cpt_line_of_a_part", "Whole and parts"): "0.81 RVU.",
        ("cpt_line_of_a_part", "Reading alone valued"): "0.00 RVU.",
        ("several_categories", "MRI brain MRA head"): "2.68 RVU.",
    }


def test_without_a_highest_site_every_category_stays(built: Connection) -> None:
    rows = rows_of(built, "best_site_category_ratio")
    assert len(rows) == 12
    assert {row["organization_code"] for row in rows} == {None}
