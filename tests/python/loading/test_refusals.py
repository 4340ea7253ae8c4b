"""Bad input: one message with file, line and column, and everything stays as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrate.errors import ConfigurationError, DatabaseError, DataError
from orchestrate.loading import exports, load_export, tables
from orchestrate.loading.csv_files import CsvFile, Row, open_file
from tests.python.loading.conftest import ADVOCACY, RESIDENCY, MakeExport, Warehouse

STUDIES, EXAMS = RESIDENCY["studies.csv"], RESIDENCY["exam_to_cpt.csv"]
PATIENTS, PROCEDURES = ADVOCACY["patients.csv"], ADVOCACY["procedures.csv"]
ENCOUNTERS = ADVOCACY["encounters.csv"]


def in_line_17(text: str, row: str) -> str:
    """Repeat the last row until line 16, then add another one and one more good one."""
    header, *_, last = text.splitlines(keepends=True)
    if "id" in header.casefold().split(","):
        # Each under a key of its own; the first keeps the one that other files refer to.
        key, rest = last.split(",", 1)
        return header + last + "".join(f"{key}-{i},{rest}" for i in range(14)) + row + "\n"
    return header + last * 15 + row + "\n" + last


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


STUDY = "3,XR1,Chest,{name},{time},1,1"
PROCEDURE = "{start},2011-01-02T12:58:36Z,p1,e1,265764009,Dialysis,{cost},,"
PATIENT = "p2,{birth},,Mr.,Canary,Secretive,,,M,white,hispanic,F,Boston,1 Way,Boston,MA,S,0,{lat},1"

# domain, file, content, cause
BAD_CONTENT = {
    "a broken number": (
        "residency", "exam_to_cpt", in_line_17(EXAMS, "XR9,71046,0.2x"),
        "exam_to_cpt.csv, line 17, column rvu: '0.2x' is not a number.",
    ),
    "a number that is too large": (
        "residency", "exam_to_cpt", in_line_17(EXAMS, "XR9,71046,1e30"),
        "exam_to_cpt.csv, line 17, column rvu: '1e30' is too large a number.",
    ),
    "not a number by name": (
        "residency", "exam_to_cpt", in_line_17(EXAMS, "XR9,71046,NaN"),
        "exam_to_cpt.csv, line 17, column rvu: 'NaN' is not finite.",
    ),
    "a long value is shortened": (
        "residency", "exam_to_cpt", in_line_17(EXAMS, f"XR9,71046,{'x' * 500}"),
        f"exam_to_cpt.csv, line 17, column rvu: '{'x' * 40}…' is not a number.",
    ),
    "a broken time": (
        "residency", "studies", in_line_17(STUDIES, STUDY.format(name="A", time="31.31.2018")),
        "studies.csv, line 17, column finalized: '31.31.2018' is not a date and time.",
    ),
    "a time that no calendar has": (
        "residency", "studies", in_line_17(STUDIES, STUDY.format(name="A", time="2018-02-30")),
        "studies.csv, line 17, column finalized: '2018-02-30' is not a date and time.",
    ),
    "an unknown zone": (
        "residency", "studies",
        in_line_17(STUDIES, STUDY.format(name="A", time="2018-02-03 04:05 Mars/Olympus")),
        "studies.csv, line 17, column finalized: the value (not shown) is not a date and time.",
    ),
    "an infinite time": (
        "residency", "studies", in_line_17(STUDIES, STUDY.format(name="A", time="infinity")),
        "studies.csv, line 17, column finalized: the value (not shown) is not finite.",
    ),
    "an empty name": (
        "residency", "studies", in_line_17(STUDIES, STUDY.format(name="", time="2018-07-01")),
        "studies.csv, line 17, column trainee_name: a value is required.",
    ),
    "an empty name in quotes": (
        "residency", "studies", in_line_17(STUDIES, STUDY.format(name='""', time="2018-07-01")),
        "studies.csv, line 17, column trainee_name: a value is required.",
    ),
    "a name of blanks": (
        "residency", "studies", in_line_17(STUDIES, STUDY.format(name="  ", time="2018-07-01")),
        "studies.csv, line 17, column trainee_name: a value is required.",
    ),
    "no time": (
        "residency", "studies", in_line_17(STUDIES, STUDY.format(name="A", time="")),
        "studies.csv, line 17, column finalized: a value is required.",
    ),
    "a name with an unquoted comma": (
        "residency", "studies",
        in_line_17(STUDIES, STUDY.format(name="Canary, Secretive", time="2018-07-01")),
        "studies.csv, line 17: the row has 8 fields, the header has 7.",
    ),
    "a row over several lines": (
        "residency", "studies",
        in_line_17(STUDIES, '3,XR1,"Chest\n\n2 views",A,tomorrowish,1,1'),
        "studies.csv, lines 17 to 19, column finalized: the value (not shown) is not a date and"
        " time.",
    ),
    "after line breaks inside quotes that differ from the line ends": (
        "residency", "studies",
        in_line_17(STUDIES, '3,XR1,"Chest\n2 views",A,2018-07-01,1,1\n1,X,C,A,yesterdayish,1,1')
        .replace("\n", "\r\n").replace("Chest\r\n2", "Chest\n2"),
        "studies.csv, line 19, column finalized: the value (not shown) is not a date and time.",
    ),
    "a header alone": (
        "residency", "studies", STUDIES.splitlines(keepends=True)[0],
        "studies.csv: the file has a header but no rows.",
    ),
    "an empty file": ("residency", "studies", "", "studies.csv: the file is empty."),
    "UTF-16": (
        "residency", "studies", STUDIES.encode("utf-16"),
        "studies.csv, line 1: the file is in UTF-16, not in UTF-8.",
    ),
    "Latin-1": (
        "residency", "studies", STUDIES.encode("latin-1"),
        "studies.csv, line 3, column trainee Name: there are bytes that are not UTF-8.",
    ),
    "an open quote": (
        "residency", "studies", in_line_17(STUDIES, '3,XR1,"Chest,A,2018-07-01,1,1'),
        "studies.csv, line 17: a quote is opened here and never closed.",
    ),
    "a missing column": (
        "residency", "studies", replaced(STUDIES, "finalized", "finished"),
        "studies.csv, line 1, column finalized: the header lacks this column.",
    ),
    "a column that is there twice": (
        "residency", "studies", replaced(STUDIES, "priorities", "TraineeName"),
        "studies.csv, line 1, column trainee_name: the header has this column twice, as"
        " 'TraineeName' and 'trainee Name'.",
    ),
    "a broken cost": (
        "advocacy", "procedures",
        in_line_17(PROCEDURES, PROCEDURE.format(start="2011-01-02", cost="9o3")),
        "procedures.csv, line 17, column base_cost: the value (not shown) is not a number.",
    ),
    "a broken start": (
        "advocacy", "procedures",
        in_line_17(PROCEDURES, PROCEDURE.format(start="Canary", cost="1")),
        "procedures.csv, line 17, column start: the value (not shown) is not a date and time.",
    ),
    "a broken date of birth": (
        "advocacy", "patients", in_line_17(PATIENTS, PATIENT.format(birth="1950-13-01", lat="1")),
        "patients.csv, line 17, column birthdate: the value (not shown) is not a date.",
    ),
    "an infinite latitude": (
        "advocacy", "patients",
        in_line_17(PATIENTS, PATIENT.format(birth="1950-12-01", lat="Infinity")),
        "patients.csv, line 17, column lat: the value (not shown) is not finite.",
    ),
    "an encounter without a payer": (
        "advocacy", "encounters", replaced(ENCOUNTERS, "o1,y1,", "o1,,"),
        "encounters.csv, line 2, column payer: a value is required.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_CONTENT)
def test_bad_content_is_refused_and_nothing_is_replaced(
    name: str,
    warehouse: Warehouse,
    make_export: MakeExport,
    capfd: pytest.CaptureFixture[str],
) -> None:
    domain, file, content, cause = BAD_CONTENT[name]
    warehouse.load(domain, make_export(domain))
    before = warehouse.content()
    error = warehouse.refusal(domain, make_export(domain, **{file: content}))
    assert isinstance(error, DataError)
    assert error.cause == cause
    assert error.cure.endswith("Nothing was replaced.")
    assert warehouse.content() == before
    said = warehouse.said.getvalue() + str(error) + "".join(capfd.readouterr())
    assert "Canary" not in said
    assert "Secretive" not in said
    # Nothing that a traceback would show quotes the row either.
    assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize(
    ("domain", "missing"),
    [("residency", ["studies"]), ("advocacy", ["payers", "procedures"])],
)
def test_missing_files_are_all_named(
    domain: str, missing: list[str], warehouse: Warehouse, make_export: MakeExport
) -> None:
    warehouse.load(domain, make_export(domain))
    before = warehouse.content()
    folder = make_export(domain, **dict.fromkeys(missing))
    error = warehouse.refusal(domain, folder)
    assert isinstance(error, DataError)
    assert all(f"no {file}.csv" in error.cause for file in missing)
    assert str(folder) in error.cause
    assert warehouse.content() == before


def test_the_last_file_being_bad_undoes_the_ones_before(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    seeds = warehouse.manifest.domain_seeds("residency")
    error = warehouse.refusal(
        "residency",
        make_export("residency", **{seeds[-1].alias: RESIDENCY[f"{seeds[-1].alias}.csv"] + "x\n"}),
    )
    assert error.cause.startswith(f"{seeds[-1].alias}.csv, line ")
    assert warehouse.content() == {}


def test_folders_that_cannot_be_read_are_a_matter_of_configuration(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder, said in [(tmp_path / "none", "does not exist"), (file, "is not a folder")]:
        error = warehouse.refusal("residency", folder)
        assert isinstance(error, ConfigurationError)
        assert said in error.cause


@pytest.mark.skipif(os.geteuid() == 0, reason="Nothing is locked for root.")
@pytest.mark.parametrize("locked", ["folder", "file"])
def test_a_locked_folder_or_file_is_a_matter_of_configuration(
    locked: str, warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = make_export("residency")
    path = folder if locked == "folder" else folder / "studies.csv"
    path.chmod(0)
    try:
        error = warehouse.refusal("residency", folder)
    finally:
        path.chmod(0o700)
    assert isinstance(error, ConfigurationError)
    assert "cannot be read: Permission denied" in error.cause


def test_a_database_that_is_not_there_is_a_database_error(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    elsewhere = warehouse.databases.warehouse.derive(dbname="no_such_database")
    databases = replace(warehouse.databases, warehouse=elsewhere)
    with pytest.raises(DatabaseError, match="no_such_database"):
        load_export(
            databases,
            warehouse.manifest,
            "residency",
            make_export("residency"),
            {},
            warehouse.console,
            warehouse.problems_dir,
        )


def test_a_file_that_changes_while_it_is_read_is_refused(
    warehouse: Warehouse, make_export: MakeExport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_then_grow(path: Path, declared: Sequence[str]) -> CsvFile:
        opened = open_file(path, declared)
        with path.open("a", encoding="utf-8") as file:
            file.write(path.read_text(encoding="utf-8").splitlines()[-1] + "\n")
        return opened

    warehouse.load("residency", make_export("residency"))
    before = warehouse.content()
    folder = make_export("residency", studies=STUDIES + STUDIES.splitlines()[-1] + "\n")
    monkeypatch.setattr(exports, "open_file", open_then_grow)
    error = warehouse.refusal("residency", folder)
    assert isinstance(error, DataError)
    assert "studies.csv: the file changed while it was read." in error.cause
    assert warehouse.content() == before


def test_an_interruption_passes_through_and_replaces_nothing(
    warehouse: Warehouse, make_export: MakeExport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(file: CsvFile) -> Iterator[Row]:
        raise KeyboardInterrupt

    warehouse.load("residency", make_export("residency"))
    before = warehouse.content()
    monkeypatch.setattr(tables, "rows", interrupted)
    with pytest.raises(KeyboardInterrupt):
        warehouse.load("residency", make_export("residency", studies=STUDIES + "\n"))
    assert warehouse.content() == before
