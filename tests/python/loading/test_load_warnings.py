"""What is odd is told with number and lines, and loaded all the same."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from orchestrate.building.dbt import Dbt
from orchestrate.loading import load_warnings
from orchestrate.loading.names import alike
from orchestrate.settings import Settings
from tests.python.loading.conftest import (
    ADVOCACY,
    RESIDENCY,
    SAMPLE_VARIABLES,
    MakeExport,
    Warehouse,
)

STUDIES = RESIDENCY["studies.csv"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Okafor, Chidi", "OKAFOR,chidi"),
        ("Okafor, Chidi", " Okafor  Chidi "),
        ("Muñoz, José", "Munoz, Jose"),
        ("Straße, Eva", "Strasse, Eva"),
        ("Lee, Anna", "Lee, Ann"),
        ("Lee, Anna", "Lee, Anne"),
        ("Smith, John", "Simth, John"),
        ("Li, X", "LI X"),
    ],
)
def test_names_that_differ_in_little_look_alike(one: str, other: str) -> None:
    assert alike([one, other]) == [(one, other)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lee, Anna", "Lee, Hanne"),
        ("Li, Xu", "Li, Yu"),
        ("Smith, John", "Smith, Jane"),
        ("Okafor, Chidi", "Chidi, Okafor"),
        ("1", "2"),
    ],
)
def test_other_names_do_not(one: str, other: str) -> None:
    assert alike([one, other]) == []


def test_what_is_too_long_for_a_name_takes_no_memory() -> None:
    text = "abcdefgh" * 2000
    tracemalloc.start()
    try:
        assert alike([text, text + "i", text.upper()]) == [(text, text.upper())]
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_names_are_told_with_the_first_one_that_they_look_like() -> None:
    names = ["Lee, Anna", "Berg, Uta", "Lee, Ann", "LEE ANNA", "berg uta"]
    assert alike(names) == [
        ("Lee, Anna", "Lee, Ann"),
        ("Lee, Anna", "LEE ANNA"),
        ("Berg, Uta", "berg uta"),
    ]


def test_studies_are_looked_at(warehouse: Warehouse, make_export: MakeExport) -> None:
    more = (
        '3,XR1,"Chest\n2 views",Okafor Chidi,2018-07-03,1,1\n'
        "1,NEW,Other,Lee,2018-07-03,1,1\n"
        "1,,Other,Lee,2018-07-03,1,1\n"
        "1,CT2,Other,Lee,2018-07-03,1,1\n"
        "1,,Other,Lee,2018-07-03,1,1\n"
    )
    exams = RESIDENCY["exam_to_cpt.csv"] + "CT2,,\nxr1,1,\n"
    folder = make_export("residency", studies=STUDIES + more, exam_to_cpt=exams)
    report = warehouse.load("residency", folder)
    assert [str(odd) for odd in report.warnings] == [
        "studies.csv: rows that repeat another row in every column, and count: 1 (line 10).",
        "studies.csv: rows whose exam_code has no cpt in exam_to_cpt.csv: 4 (line 7, 8, 9, 10).",
        "studies.csv: pairs of values of trainee_name that look like one: 1 (line 2, 5).",
    ]
    assert report.warnings[1].as_json() == {
        "file": "studies.csv",
        "column": "exam_code",
        "warning": "rows whose exam_code has no cpt in exam_to_cpt.csv",
        "count": 4,
        "lines": [7, 8, 9, 10],
    }
    # Whoever loads the same again is told the same again.
    again = warehouse.load("residency", folder)
    assert (again.changed, again.warnings) == (False, report.warnings)
    said = warehouse.said.getvalue()
    assert all(said.count(f"Warning: {odd}") == 2 for odd in report.warnings)
    assert "Okafor" not in said
    assert warehouse.load("residency", make_export("residency")).warnings == ()


def test_encounters_and_procedures_are_looked_at(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    patients = ADVOCACY["patients.csv"].replace("1950-01-31,,", "1950-01-31,2011-01-03,")
    _, encounter = ADVOCACY["encounters.csv"].splitlines(keepends=True)
    _, procedure = ADVOCACY["procedures.csv"].splitlines(keepends=True)
    that_day = encounter.replace("e1,", "e2,").replace("2011-01-02", "2011-01-03")
    after = encounter.replace("e1,", "e3,").replace("2011-01-02", "2011-01-04")
    longer = procedure.replace("12:58:36", "12:58:37")
    later = procedure.replace("09:26:36", "10:26:36").replace("12:58:36", "13:00:00")
    report = warehouse.load(
        "advocacy",
        make_export(
            "advocacy",
            patients=patients,
            encounters=ADVOCACY["encounters.csv"] + that_day + after,
            procedures=ADVOCACY["procedures.csv"] + later + longer * 7,
        ),
    )
    assert [str(odd) for odd in report.warnings] == [
        "encounters.csv: rows whose start is after deathdate in patients.csv: 1 (line 4).",
        "procedures.csv: rows that repeat another row in every column, and count: 6 (line 10, …).",
        "procedures.csv: rows that last longer than their encounter: 7 (line 4, 5, 6, 7, 8, …).",
    ]


def test_encounters_before_birth_are_told_as_those_after_death_are(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    header, patient = ADVOCACY["patients.csv"].splitlines(keepends=True)
    twin = patient.replace("p1,1950-01-31", "p2,2011-01-03")
    header_of_encounters, encounter = ADVOCACY["encounters.csv"].splitlines(keepends=True)
    unborn = encounter.replace("e1,", "e2,").replace(",p1,", ",p2,")
    # The day of birth is no oddity.
    newborn = unborn.replace("e2,", "e3,").replace("2011-01-02", "2011-01-03")
    report = warehouse.load(
        "advocacy",
        make_export(
            "advocacy",
            patients=header + patient + twin,
            encounters=header_of_encounters + encounter + unborn + newborn,
        ),
    )
    assert [str(odd) for odd in report.warnings] == [
        "encounters.csv: rows whose start is before birthdate in patients.csv: 1 (line 3)."
    ]


def test_studies_without_a_trainee_are_left_out_by_a_setting_and_counted(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    alone = "3,XR1,Chest 2 views,{},2018-07-01 08:00:00,1,1\n"
    later = alone.format('"  "').replace("08:00", "09:00")
    folder = make_export("residency", studies=STUDIES + alone.format("") + later)
    refused = warehouse.refusal("residency", folder).cause
    assert refused.count("column trainee_name: a value is required") == 2

    settings = Settings.from_environment({"CASEBOOK_HOME": str(warehouse.problems_dir)})
    warehouse = replace(
        warehouse,
        manifest=Dbt(settings, warehouse.databases.warehouse, warehouse.console).parse(
            {**SAMPLE_VARIABLES, "studies_without_trainee": "left_out"}
        ),
    )
    report = warehouse.load("residency", folder)
    assert [str(odd) for odd in report.warnings] == [
        "studies.csv: rows without trainee_name, left out of case logs: 2 (line 5, 6)."
    ]
    # Other faults are refused all the same.
    folder = make_export("residency", studies=STUDIES + alone.format("").replace(",1,1", ",9,1"))
    refused = warehouse.refusal("residency", folder).cause
    assert "studies.csv, line 5, column modality_id" in refused
    assert "trainee_name" not in refused


def test_lines_are_those_of_the_file_when_rows_were_set_aside(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    header, *rows = STUDIES.splitlines(keepends=True)
    bad = "1,CT1,CT,Lee,nonsense,1,1\n"
    new = '1,NEW,"O\nther",Lee,2018-07-03,1,1\n'
    studies = header + bad + rows[0] + new + bad + rows[1] + new
    report = warehouse.load("residency", make_export("residency", studies=studies), 50)
    assert report.quarantined == {"studies.csv": 2}
    assert [odd.lines for odd in report.warnings if odd.column == "exam_code"] == [(4, 8)]
    again = warehouse.load("residency", report.directory, 50)
    assert (again.changed, again.warnings) == (False, report.warnings)
    assert again.problems == replace(report.problems, report=None)
    assert warehouse.said.getvalue().count("These rows were set aside:") == 2


def test_too_many_names_are_not_compared(
    warehouse: Warehouse, make_export: MakeExport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_warnings, "MOST_NAMES", 1)
    report = warehouse.load("residency", make_export("residency"))
    assert [str(odd) for odd in report.warnings] == [
        "studies.csv: more than 1 different values of trainee_name, not compared."
    ]
