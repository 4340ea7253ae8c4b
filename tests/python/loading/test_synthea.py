"""Exports as Synthea writes them with other options, and wrote them in other years."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.errors import DataError
from tests.python.loading.conftest import ADVOCACY, MakeExport, Warehouse

PROCEDURES, PAYERS = ADVOCACY["procedures.csv"], ADVOCACY["payers.csv"]
HEADER, PROCEDURE = PROCEDURES.splitlines(keepends=True)
UTILIZATION = "Id,NAME,ADDRESS,CITY,STATE_HEADQUARTERED,ZIP,PHONE,UTILIZATION\n"


def in_parts(make_export: MakeExport, **parts: str) -> Path:
    """Write the procedures as `procedures` and what each name says, in place of one file."""
    folder = make_export("advocacy", procedures=None)
    for end, text in parts.items():
        (folder / f"procedures{end.replace('_', '-', 1)}.csv").write_text(text, encoding="utf-8")
    return folder


def test_payers_and_hospitals_that_each_run_appends_count_once(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    payers = UTILIZATION + "y1,Humana,,,,,,0\ny2,UnitedHealthcare,,,,,,1\ny1,Humana,,,,, ,7\n"
    report = warehouse.load("advocacy", make_export("advocacy", payers=payers))
    assert {file.name: (file.rows, file.equal_rows) for file in report.files}["payers.csv"] == (
        2,
        0,
    )
    assert "payers.csv: rows that repeat another row, and count once: 1 (line 4)." in map(
        str, report.warnings
    )
    other = payers + "y1,Humana Inc,,,,,,7\n"
    error = warehouse.refusal("advocacy", make_export("advocacy", payers=other))
    assert "payers.csv, line 5, column id: 'y1' is also in line 2." in error.cause


def test_rows_of_people_are_not_taken_once(warehouse: Warehouse, make_export: MakeExport) -> None:
    encounters = ADVOCACY["encounters.csv"]
    twice = encounters + encounters.splitlines(keepends=True)[1]
    error = warehouse.refusal("advocacy", make_export("advocacy", encounters=twice))
    assert error.cause.startswith("encounters.csv, line 3, column id: ")


def test_a_file_in_parts_is_one_file(warehouse: Warehouse, make_export: MakeExport) -> None:
    moved = "PATIENT,ENCOUNTER,START,STOP,CODE,DESCRIPTION,BASE_COST,REASONCODE,REASONDESCRIPTION\n"
    other = "p1,e1,2011-01-02T10:00:00Z,2011-01-02T18:00:00Z,76601001,Injection,12.5,,\n"
    folder = in_parts(
        make_export,
        _1=HEADER + PROCEDURE,
        _2=moved + other,
        # The later parts of a file that was cut have no header.
        _10=PROCEDURE,
    )
    missing = warehouse.refusal("advocacy", folder)
    assert missing.cause.endswith(
        "holds no " + " and no ".join(f"procedures-{number}.csv" for number in range(3, 10)) + "."
    )
    (folder / "procedures-10.csv").rename(folder / "procedures-003.csv")
    report = warehouse.load("advocacy", folder)
    assert {file.name: file.rows for file in report.files}["procedures.csv"] == 3
    assert warehouse.query("select code from export_advocacy.procedures") == [
        ("265764009",), ("76601001",), ("265764009",)
    ]  # fmt: skip
    assert [str(odd) for odd in report.warnings] == [
        "procedures.csv: rows that repeat another row in every column, and count: 1"
        " (line 1 of procedures-003.csv).",
        "procedures.csv: rows that last longer than their encounter: 1"
        " (line 2 of procedures-2.csv).",
    ]
    assert not warehouse.load("advocacy", folder).changed
    (folder / "procedures-4.csv").write_text(PROCEDURE.replace("p1,", "p2,"), encoding="utf-8")
    error = warehouse.refusal("advocacy", folder)
    assert error.cause.startswith("procedures-4.csv, line 1, column patient: ")


def test_keys_are_looked_for_in_all_parts(warehouse: Warehouse, make_export: MakeExport) -> None:
    folder = make_export("advocacy", payers=None)
    (folder / "payers-0.csv").write_text(PAYERS, encoding="utf-8")
    (folder / "payers-1.csv").write_text(UTILIZATION + "y1,Humana Inc,,,,,,\n", encoding="utf-8")
    error = warehouse.refusal("advocacy", folder)
    assert "payers-0.csv, line 3, column id: 'y1' is also in line 2 of payers-1.csv." in error.cause
    report = warehouse.load("advocacy", make_export("advocacy"))
    assert report.changed


@pytest.mark.parametrize("names", [["", "_1"], ["_1", "_01"]])
def test_of_whole_file_and_parts_none_is_guessed(
    names: list[str], warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = in_parts(make_export, **dict.fromkeys(names, PROCEDURES))
    error = warehouse.refusal("advocacy", folder)
    assert isinstance(error, DataError)
    assert error.cause.startswith("procedures.csv: the file is there as procedures")


def test_files_joined_with_their_headers_are_one(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    payers = PAYERS + PAYERS.splitlines(keepends=True)[0] + "y3,Aetna,,,,,\n"
    warehouse.load("advocacy", make_export("advocacy", payers=payers))
    assert warehouse.query("select id from export_advocacy.payers") == [("y2",), ("y1",), ("y3",)]


def test_columns_of_older_exports_are_read(warehouse: Warehouse, make_export: MakeExport) -> None:
    older = (
        "DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,COST,REASONCODE,REASONDESCRIPTION\n"
        "2011-01-02T09:30:00Z,p1,e1,265764009,Renal dialysis,903,,\n"
    )
    warehouse.load("advocacy", make_export("advocacy", procedures=older))
    assert warehouse.query(
        "select start = '2011-01-02T09:30:00Z', stop, base_cost::int"
        " from export_advocacy.procedures"
    ) == [(True, None, 903)]
    assert "procedures.csv: columns that are not there: stop." in warehouse.said.getvalue()
    # A column that is there under its own name is not read under another one.
    both = HEADER.strip() + ",DATE\n" + PROCEDURE.strip() + ",1999-01-01\n"
    report = warehouse.load("advocacy", make_export("advocacy", procedures=both))
    assert report.ignored == {"procedures.csv": ("DATE",)}


def test_a_payer_of_a_client_that_is_missing_is_told_at_load(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    payers = PAYERS.replace("Humana", "HUMANA")
    error = warehouse.refusal("advocacy", make_export("advocacy", payers=payers))
    assert error.cause == (
        "payers.csv, column name: no row is 'Humana', which clients.csv names, but line 3 has"
        " 'HUMANA'."
    )
    assert warehouse.content() == {}
