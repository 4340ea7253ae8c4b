"""Keys, references and ranges: every problem has its place, and bad rows can be set aside."""

from __future__ import annotations

import csv
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrate.loading import ExportError, domain_sources
from orchestrate.loading.problems import SHOWN
from orchestrate.settings import PROJECT_DIR
from tests.python.loading.conftest import ADVOCACY, RESIDENCY, MakeExport, Warehouse

STUDIES, PATIENTS = RESIDENCY["studies.csv"], ADVOCACY["patients.csv"]
ENCOUNTERS, PROCEDURES = ADVOCACY["encounters.csv"], ADVOCACY["procedures.csv"]
HIDDEN = "the value (not shown)"


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


# domain, file, content, problems
BROKEN = {
    "two rows with one key": (
        "residency", "modalities", "id,modality_code\n1,XR\n2,CT\n 1,MR\n",
        ["modalities.csv, line 2, column id: '1' is also in line 4.",
         "modalities.csv, line 4, column id: '1' is also in line 2."],
    ),
    "a row that is there twice": (
        "residency", "modalities", "id,modality_code\n1,XR\n2,CT\n1,XR\n",
        ["modalities.csv, line 4, column id: '1' is also in line 2."],
    ),
    "a study of no modality": (
        "residency", "studies", changed(STUDIES, "08:00:00,1,1", "08:00:00,9,1"),
        ["studies.csv, line 2, column modality_id: '9' is in no row of modalities.csv."],
    ),
    "a study of no site": (
        "residency", "studies", changed(STUDIES, "08:00:00,1,1", "08:00:00,1,9"),
        ["studies.csv, line 2, column organization_id: '9' is in no row of"
         " organizations.csv."],
    ),
    "two sites with one code": (
        "residency", "organizations", "id,organization_code\n1,MAIN\n2,EAST\n3,MAIN \n",
        ["organizations.csv, line 2, column organization_code: 'MAIN' is also in line 4.",
         "organizations.csv, line 4, column organization_code: 'MAIN' is also in line 2."],
    ),
    "a negative RVU": (
        "residency", "exam_to_cpt", "exam_code,cpt,rvu\nXR1,71046,-0.01\n",
        ["exam_to_cpt.csv, line 2, column rvu: '-0.01' is less than 0."],
    ),
    "a study of another age": (
        "residency", "studies", changed(STUDIES, "2018-07-01", "0018-07-01"),
        ["studies.csv, line 2, column finalized: '0018-07-01 08:00:00' is before 1900-01-01."],
    ),
    "a study to come": (
        "residency", "studies", changed(STUDIES, "2018-07-01", "20180-07-01"),
        ["studies.csv, line 2, column finalized: '20180-07-01 08:00:00' is after 2100-01-01."],
    ),
    "times of the day of the load": (
        "residency", "studies",
        RESIDENCY["studies.csv"]
        .replace("2018-07-01 08:00:00", "now")
        .replace("2018-07-02 09:30:00", " Yesterday 10:00")
        .replace("2018-07-02 09:31:00", "epoch"),
        [f"studies.csv, line {line}, column finalized: {HIDDEN} is not a date and time."
         for line in (2, 3, 4)],
    ),
    "a birth on the day of the load": (
        "advocacy", "patients", changed(PATIENTS, "1950-01-31", "[today]"),
        [f"patients.csv, line 2, column birthdate: {HIDDEN} is not a date."],
    ),
    "an encounter of nobody, nowhere, paid by none": (
        "advocacy", "encounters", changed(ENCOUNTERS, "p1,o1,y1", "p2,o2,y3"),
        [f"encounters.csv, line 2, column patient: {HIDDEN} is in no row of patients.csv.",
         f"encounters.csv, line 2, column organization: {HIDDEN} is in no row of"
         " organizations.csv.",
         f"encounters.csv, line 2, column payer: {HIDDEN} is in no row of payers.csv."],
    ),
    "a procedure of nobody in no encounter": (
        "advocacy", "procedures", changed(PROCEDURES, "p1,e1", "p2,e2"),
        [f"procedures.csv, line 2, column patient: {HIDDEN} is in no row of patients.csv.",
         f"procedures.csv, line 2, column encounter: {HIDDEN} is in no row of encounters.csv."],
    ),
    "negative costs": (
        "advocacy", "encounters", changed(ENCOUNTERS, "85.55,1018.02,0", "-1,-2,-3"),
        [f"encounters.csv, line 2, column {name}: {HIDDEN} is less than 0."
         for name in ("base_encounter_cost", "total_claim_cost", "payer_coverage")],
    ),
    "a negative cost of a procedure": (
        "advocacy", "procedures", changed(PROCEDURES, ",903,", ",-903,"),
        [f"procedures.csv, line 2, column base_cost: {HIDDEN} is less than 0."],
    ),
    "an encounter that ends before it starts": (
        "advocacy", "encounters", changed(ENCOUNTERS, "2011-01-02T12:58", "2011-01-01T12:58"),
        [f"encounters.csv, line 2, column stop: {HIDDEN} is before start."],
    ),
    "a procedure that ends before it starts": (
        "advocacy", "procedures", changed(PROCEDURES, "2011-01-02T12:58", "2011-01-01T12:58"),
        [f"procedures.csv, line 2, column stop: {HIDDEN} is before start."],
    ),
    "a year of birth of two digits, which is read as one to come": (
        "advocacy", "patients", changed(PATIENTS, "p1,1950-01-31", "p1,1/31/50"),
        [f"patients.csv, line 2, column birthdate: {HIDDEN} is after today."],
    ),
    "a death before birth, at no place of this earth": (
        "advocacy", "patients",
        changed(changed(PATIENTS, "1950-01-31,", "1950-01-31,1950-01-30"), "42.3,-71.0", "91,181"),
        [f"patients.csv, line 2, column deathdate: {HIDDEN} is before birthdate.",
         f"patients.csv, line 2, column lat: {HIDDEN} is more than 90.",
         f"patients.csv, line 2, column lon: {HIDDEN} is more than 180."],
    ),
    "a patient of the eighteenth century": (
        "advocacy", "patients", changed(PATIENTS, "1950-01-31", "1750-01-31"),
        [f"patients.csv, line 2, column birthdate: {HIDDEN} is before 1850-01-01."],
    ),
    "a hospital at no place of this earth": (
        "advocacy", "organizations",
        changed(ADVOCACY["organizations.csv"], "42.3,-71", "-90.5,-180.5"),
        ["organizations.csv, line 2, column lat: '-90.5' is less than -90.",
         "organizations.csv, line 2, column lon: '-180.5' is less than -180."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_refuses_the_load(
    name: str, warehouse: Warehouse, make_export: MakeExport
) -> None:
    domain, file, content, expected = BROKEN[name]
    error = warehouse.refusal(domain, make_export(domain, **{file: content}))
    assert isinstance(error, ExportError)
    assert [str(problem) for problem in error.problems.first] == expected
    assert error.problems.count == len(expected)
    assert "--quarantine PERCENT" in error.cure
    assert warehouse.content() == {}


def test_values_at_the_edge_and_missing_ones_are_taken(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    patients = changed(PATIENTS, "1950-01-31,", "1850-01-01,1850-01-01")
    encounters = changed(ENCOUNTERS, "2011-01-02T12:58:36Z", "")
    folder = make_export(
        "advocacy",
        patients=changed(patients, "42.3,-71.0", "-90,180"),
        encounters=changed(encounters, "p1,o1", " p1,o1 "),
        procedures=changed(PROCEDURES, "2011-01-02T12:58:36Z", "2011-01-02T09:26:36Z"),
    )
    assert warehouse.load("advocacy", folder).problems.count == 0


def test_times_of_the_day_of_the_load_are_taken_when_they_are_written(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    # Exam names may hold the words, and the epoch is a day like others.
    today = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    studies = changed(STUDIES, "2018-07-01 08:00:00", today)
    studies = changed(studies, "2018-07-02 09:30:00", "1970-01-01")
    folder = make_export("residency", studies=changed(studies, "Chest 2 views", "Chest today"))
    assert warehouse.load("residency", folder).problems.count == 0


def test_times_of_the_day_of_the_load_are_set_aside(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = make_export("residency", studies=changed(STUDIES, "2018-07-01 08:00:00", "today"))
    report = warehouse.load("residency", folder, limit=50)
    assert report.quarantined == {"studies.csv": 1}
    assert warehouse.query("select count(*) from export_residency.studies") == [(2,)]


def two_bad_files(make_export: MakeExport) -> Path:
    return make_export(
        "residency",
        studies=STUDIES
        + '1,CT1,"CT\nabdomen",Lee,nonsense,2,\n'
        + "".join("1,CT1,CT,Lee,2018-07-01,2,1,more\n" for _ in range(60)),
        exam_to_cpt="exam_code,cpt,rvu\nXR1,71046,=1+1\n",
    )


def test_all_problems_are_reported_and_the_first_ones_shown(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    error = warehouse.refusal("residency", two_bad_files(make_export))
    assert isinstance(error, ExportError)
    head, *shown, last = error.cause.splitlines()
    assert head == "The residency export has 63 problems:"
    assert len(shown) == SHOWN
    assert last == "  and 13 more"
    assert shown[:4] == [
        "  exam_to_cpt.csv, line 2, column rvu: '=1+1' is not a number.",
        f"  studies.csv, lines 5 to 6, column finalized: {HIDDEN} is not a date and time.",
        "  studies.csv, lines 5 to 6, column organization_id: a value is required.",
        "  studies.csv, line 7: the row has 8 fields, the header has 7.",
    ]
    report = warehouse.problems_dir / "residency.csv"
    assert str(report) in error.cure
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(report.parent.stat().st_mode) == 0o700
    with report.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[:4] == [
        ["file", "line", "last_line", "column", "value", "reason"],
        # No spreadsheet takes the value for a formula.
        ["exam_to_cpt.csv", "2", "2", "rvu", "'=1+1", "is not a number"],
        ["studies.csv", "5", "6", "finalized", "(not shown)", "is not a date and time"],
        ["studies.csv", "5", "6", "organization_id", "", "a value is required"],
    ]
    assert len(rows) == 1 + 63
    warehouse.load("residency", make_export("residency"))
    assert not report.exists()


def test_damage_of_several_files_is_told_together(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = make_export("residency", studies="", modalities=b"id,modality_code\n1,\xff\n")
    error = warehouse.refusal("residency", folder, 100)
    assert error.cause.splitlines() == [
        "2 files cannot be taken:",
        "  modalities.csv, line 2, column modality_code: there are bytes that are not UTF-8.",
        "  studies.csv: the file is empty.",
    ]
    assert (warehouse.problems_dir / "residency.csv").is_file()


def with_bad_patient(make_export: MakeExport, **more: str) -> Path:
    """Make an export with a patient without a date of birth, two encounters and a procedure."""
    _, patient = PATIENTS.splitlines(keepends=True)
    _, encounter = ENCOUNTERS.splitlines(keepends=True)
    _, procedure = PROCEDURES.splitlines(keepends=True)
    bad = patient.replace("p1,1950-01-31", "p2,").replace("Ann1", "Canary")
    followers = "".join(encounter.replace("e1,", f"e{i},").replace("p1,", "p2,") for i in (2, 3))
    return make_export(
        "advocacy",
        patients=PATIENTS + bad,
        encounters=ENCOUNTERS + followers,
        procedures=PROCEDURES + procedure.replace("p1,e1", "p1,e3"),
        **more,
    )


def test_bad_rows_and_those_that_refer_to_them_are_set_aside(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    report = warehouse.load("advocacy", with_bad_patient(make_export), 70)
    aside = {"patients.csv": 1, "encounters.csv": 2, "procedures.csv": 1}
    assert report.quarantined == aside
    assert report.problems.count == 4
    rows = {file.name: file.rows for file in report.files}
    assert rows == dict.fromkeys(rows, 1) | {"payers.csv": 2}
    assert warehouse.query("select id from export_advocacy.encounters") == [("e1",)]
    kept = warehouse.query(
        "select file, line, last_line, columns, reasons, row_text from casebook.quarantined_rows"
        " order by file, line"
    )
    follows = "refers to a row of {} that is set aside"
    assert [row[:5] for row in kept] == [
        ("encounters.csv", 3, 3, ["patient"], [follows.format("patients.csv")]),
        ("encounters.csv", 4, 4, ["patient"], [follows.format("patients.csv")]),
        ("patients.csv", 3, 3, ["birthdate"], ["a value is required"]),
        ("procedures.csv", 3, 3, ["encounter"], [follows.format("encounters.csv")]),
    ]
    assert str(kept[2][5]).startswith("p2,,,Mr.,Canary,Lee2,")
    # In the table, and nowhere that others look.
    said = warehouse.said.getvalue()
    assert "Canary" not in said + report.problems.report.read_text(encoding="utf-8")  # type: ignore[union-attr]  # there is one
    assert "encounters.csv: 1 row, " in said
    assert "2 rows set aside" in said
    assert domain_sources(warehouse.databases)["advocacy"].quarantined == aside
    acl = "select relacl from pg_class where oid = 'casebook.quarantined_rows'::regclass"
    ((granted,),) = warehouse.query(acl)
    # Only the owner's own rights, none for everybody ("=…").
    assert str(granted).count("=") == 1
    assert not str(granted).startswith("{=")
    left_over = (
        "select relname from pg_class where relname ~ '__' union all"
        " select proname from pg_proc where proname ~ '^casebook__'"
    )
    assert warehouse.query(left_over) == []


def test_more_bad_rows_than_the_limit_refuse_the_load(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    warehouse.load("advocacy", make_export("advocacy"))
    before = warehouse.content()
    error = warehouse.refusal("advocacy", with_bad_patient(make_export), 66)
    assert error.cause.splitlines()[0] == (
        "The advocacy export has 4 problems; 2 of 3 rows of encounters.csv, 66.7 %, are more than"
        " the 66 % that may be set aside:"
    )
    error = warehouse.refusal(
        "advocacy", with_bad_patient(make_export, payers="Id,NAME,ADDRESS,CITY,"
        "STATE_HEADQUARTERED,ZIP,PHONE\ny1,,,,,,\n"), 100
    )  # fmt: skip
    assert "no row of payers.csv would be left" in error.cause
    assert warehouse.content() == before


def test_an_unchanged_export_with_bad_rows_is_within_todays_limit_or_refused(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = with_bad_patient(make_export)
    warehouse.load("advocacy", folder, 70)
    before = warehouse.content()
    again = warehouse.load("advocacy", folder, 67)
    assert not again.changed
    assert again.quarantined == {"patients.csv": 1, "encounters.csv": 2, "procedures.csv": 1}
    assert "4 problems" in warehouse.refusal("advocacy", folder, 66).cause
    assert "patients.csv, line 3" in warehouse.refusal("advocacy", folder).cause
    assert warehouse.content() == before


def test_a_sound_export_takes_the_place_of_one_with_rows_set_aside(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    warehouse.load("advocacy", with_bad_patient(make_export), 70)
    report = warehouse.load("advocacy", make_export("advocacy"))
    assert (report.changed, report.quarantined) == (True, {})
    assert warehouse.query("select * from casebook.quarantined_rows") == []


def test_nothing_of_unknown_columns_is_set_aside(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    exams = 'note,exam_code,cpt,rvu\ncanary,XR1,"7,1",x\ncanary,XR1\ncanary,CT1,74177,1\n'
    warehouse.load("residency", make_export("residency", exam_to_cpt=exams), 70)
    assert warehouse.query(
        "select line, row_text from casebook.quarantined_rows order by line"
    ) == [(2, ',XR1,"7,1",x'), (3, None)]


def test_every_word_about_a_column_is_one_that_the_loader_knows(warehouse: Warehouse) -> None:
    known = {
        "required", "key", "minimum", "maximum", "not_before", "many_to_many", "warn_alike",
        "warn_several", "warn_without", "warn_missing", "warn_after", "warn_before",
        "warn_longer_than", "others", "once", "verbatim", "shown", "holds", "optional",
    }  # fmt: skip
    # A file has no earlier generations.
    of_landed_tables = {"warn_left_out"}
    seeds = [node for node in warehouse.manifest.nodes.values() if node["resource_type"] == "seed"]
    words = {
        word
        for seed in seeds
        for column in seed["columns"].values()
        for word in column["config"]["meta"]
    }
    assert words == known | of_landed_tables


@pytest.mark.parametrize("domain", ["residency", "advocacy"])
def test_the_sample_is_a_sound_export(domain: str, warehouse: Warehouse, tmp_path: Path) -> None:
    for path in (PROJECT_DIR / "seeds" / domain).glob("*.csv"):
        (tmp_path / path.name.removeprefix(f"{domain}__")).symlink_to(path)
    report = warehouse.load(domain, tmp_path)
    assert report.problems.count == 0
    # García, Ana and Garcia, Ana: two of its residents, or one.
    alike = [odd.lines for odd in report.warnings if odd.column == "trainee_name"]
    assert alike == ([(21, 170)] if domain == "residency" else [])
