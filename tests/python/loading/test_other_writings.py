"""What other programs write for the same thing is read as they mean it, or refused by its name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestrate.errors import ConfigurationError
from orchestrate.loading import ExportError
from tests.python.loading.conftest import ADVOCACY, RESIDENCY, MakeExport, Warehouse

STUDIES, EXAMS = RESIDENCY["studies.csv"], RESIDENCY["exam_to_cpt.csv"]
HEADER = STUDIES.splitlines(keepends=True)[0]
HALF_PAST_TWO = datetime(2018, 7, 1, 2, 30, tzinfo=UTC)


def studies_at(*times: str) -> str:
    """Write a study at each of these times, of a resident each."""
    return HEADER + "".join(f'1,XR1,Chest,Nr {i},"{time}",1,1\n' for i, time in enumerate(times))


def problems(warehouse: Warehouse, make_export: MakeExport, domain: str, **files: str) -> list[str]:
    error = warehouse.refusal(domain, make_export(domain, **files))
    assert isinstance(error, ExportError)
    return [str(problem) for problem in error.problems.first]


# Each is half past ten in the evening of 30 June, four hours behind UTC.
MEANT = [
    "2018-06-30 22:30:00-04:00",
    "2018-06-30 22:30:00 UTC-04:00",
    "2018-06-30T22:30:00UTC-4",
    "6/30/2018 10:30 PM GMT-04:00",
    "2018-06-30 22:30 gmt-0400",
    "2018-06-30 22:30 UTC -04:00",
    "2018-06-30T22:30:00Z-04:00",
    "Sat Jun 30 22:30:00 GMT-04:00 2018",
    "6/30/2018 10:30 PM-04",
    "30-Jun-2018 22:30 -04",
    "2018-06-30 22:30 Etc/GMT+4",
    "2018-06-30 22:30 EST5EDT",
    "2018-06-30 22:30 America/New_York",
    "2018-07-01 04:30 UTC+02:00",
    "2018-07-01 02:30 UTC",
]
UNCERTAIN = [
    "2018-06-30 22:30 EST-5",
    "2018-06-30 22:30 EST+5",
    "2018-06-30 22:30 UTC4",
    "2018-06-30 22:30 XYZ-4",
    "2018-06-30 22:30 a5",
    "2018-07-01 08:00 IST",
]


def test_an_offset_with_a_zones_name_is_the_one_that_its_writer_meant(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    warehouse.load("residency", make_export("residency", studies=studies_at(*MEANT)))
    found = warehouse.query("select finalized from export_residency.studies")
    assert found == [(HALF_PAST_TWO,)] * len(MEANT)


def test_a_zone_that_is_uncertain_is_refused_by_name(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    found = problems(warehouse, make_export, "residency", studies=studies_at(*UNCERTAIN))
    assert len(found) == len(UNCERTAIN)
    for problem in found:
        assert "names a time zone of uncertain meaning: write its offset alone" in problem


def test_a_date_with_a_time_of_day_is_refused_and_one_at_midnight_is_not(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    patients = ADVOCACY["patients.csv"]
    shifted = patients.replace("1950-01-31", "1950-01-30T22:00:00Z")
    (problem,) = problems(warehouse, make_export, "advocacy", patients=shifted)
    assert problem == (
        "patients.csv, line 2, column birthdate: the value (not shown) is a time, whose day"
        " depends on a time zone: write the date alone."
    )
    midnight = patients.replace("1950-01-31", "1950-01-31T00:00:00-05:00")
    warehouse.load("advocacy", make_export("advocacy", patients=midnight))
    found = warehouse.query("select birthdate::text from export_advocacy.patients")
    assert found == [("1950-01-31",)]


NOTHING = [
    "NULL", "null", " N/A ", "#N/A", "None", "(null)", "-", "NA", "nan", "<NA>", "\\N", "[NULL]",
    "#REF!", "n/a\u00a0",
]  # fmt: skip


def test_words_for_nothing_are_missing_values(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    studies = HEADER + "".join(f"{word},{word},{word},Lee,2018-07-01,1,1\n" for word in NOTHING)
    exams = EXAMS + "CT1,NULL,N/A\n"
    warehouse.load("residency", make_export("residency", studies=studies, exam_to_cpt=exams))
    found = warehouse.query(
        "select priorities, exam_code, procedure_name from export_residency.studies"
    )
    assert found == [(None, None, None)] * len(NOTHING)
    found = warehouse.query("select cpt, rvu from export_residency.exam_to_cpt offset 2")
    assert found == [(None, None)]


def test_words_for_nothing_are_refused_where_a_value_is_required(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    studies = HEADER + "".join(f"1,XR1,C,{word},2018-07-01,1,1\n" for word in NOTHING)
    exams = "exam_code,cpt,rvu\nnull,71046,1\nXR1,71046,0.22\n"
    found = problems(warehouse, make_export, "residency", studies=studies, exam_to_cpt=exams)
    assert found[0] == (
        "exam_to_cpt.csv, line 2, column exam_code: 'null' stands for nothing, and a value is"
        " required."
    )
    assert found[1:] == [
        f"studies.csv, line {line}, column trainee_name: the value (not shown) stands for nothing,"
        " and a value is required."
        for line in range(2, 2 + len(NOTHING))
    ]


AROUND = ["\u00a0", "\t", "\u200b", "\u202f", "\u3000", "\ufeff", "\u2009 ", "\u200e"]


def test_blanks_of_any_kind_around_codes_are_taken_off(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    studies = HEADER + "".join(
        f"1,{blank}XR1{blank},Chest,Lee{blank},2018-07-01{blank},{blank}1,1{blank}\n"
        for blank in AROUND
    )
    exams = "exam_code\u00a0,cpt,rvu\n" + "".join(
        f"XR1{blank},{blank}71046{blank},{blank}0.22\n" for blank in AROUND
    )
    warehouse.load("residency", make_export("residency", studies=studies, exam_to_cpt=exams))
    lines = "select distinct exam_code, cpt, rvu from export_residency.exam_to_cpt"
    assert warehouse.query(lines) == [
        ("XR1", "71046", warehouse.query("select 0.22::numeric(12, 4)")[0][0])
    ]
    codes = "select distinct exam_code, modality_id, organization_id from export_residency.studies"
    assert warehouse.query(codes) == [("XR1", "1", "1")]
    # What stands around a name may tell two people apart.
    names = warehouse.query("select trainee_name from export_residency.studies")
    assert names == [(f"Lee{blank}",) for blank in AROUND]


def test_a_fault_that_nobody_would_see_is_shown_escaped(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    exams = "exam_code,cpt,rvu\nXR1,71046,0\u00a022\nXR1,71046,0\u200b.22\n"
    assert problems(warehouse, make_export, "residency", exam_to_cpt=exams) == [
        "exam_to_cpt.csv, line 2, column rvu: '0\\u00a022' is not a number.",
        "exam_to_cpt.csv, line 3, column rvu: '0\\u200b.22' is not a number.",
    ]


def test_rows_with_nothing_in_them_are_none(warehouse: Warehouse, make_export: MakeExport) -> None:
    header, *rows = STUDIES.splitlines(keepends=True)
    empty = [",,,,,,\n", "\n", ",,\n", '"","",,,, ,\u00a0\n', ",,,,,,,,,,\n"]
    studies = header + "".join(row + one for row, one in zip(rows, empty, strict=False))
    studies += "".join(empty)
    report = warehouse.load("residency", make_export("residency", studies=studies), None)
    assert {file.name: file.rows for file in report.files}["studies.csv"] == len(rows)
    late = studies + "1,XR1,Chest,Lee,never,1,1\n"
    (problem,) = problems(warehouse, make_export, "residency", studies=late)
    assert problem.startswith(f"studies.csv, line {late.count(chr(10))}, column finalized: ")


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("above", ["", "sep={}\r\n", "\ufeffsep={}\n", "Report;of,June\n\n,,,\n"])
def test_other_separators_and_lines_above_the_header_are_read(
    separator: str, quote: str, above: str, warehouse: Warehouse, make_export: MakeExport
) -> None:
    lines = [
        ["id", "organization_code", "Note"],
        ["1", "MAIN", "a, b"],
        ["2", "EAST", 'c "d"' if quote else "c"],
    ]
    text = above.format(separator) + "".join(
        separator.join(quote + cell.replace('"', '""') + quote for cell in line) + "\n"
        for line in lines
    )
    warehouse.load("residency", make_export("residency", organizations=text))
    found = warehouse.query("select * from export_residency.organizations")
    assert found == [("1", "MAIN"), ("2", "EAST")]
    told = "organizations.csv: 3 lines above the header not read" in warehouse.said.getvalue()
    assert told == above.startswith("Report")


def test_lines_are_counted_from_the_top_of_the_file(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    exams = "Fee schedule,,\n,,\nexam_code,cpt,rvu\nXR1,71046,0.2x\n"
    assert problems(warehouse, make_export, "residency", exam_to_cpt=exams) == [
        "exam_to_cpt.csv, line 4, column rvu: '0.2x' is not a number."
    ]
    quoted = 'Fee "schedule",,\nexam_code,cpt,rvu\nXR1,71046,5" tube\n'
    (problem,) = problems(warehouse, make_export, "residency", exam_to_cpt=quoted)
    assert problem.startswith("exam_to_cpt.csv, line 3: a quote stands inside a value")


def test_a_file_without_a_header_is_refused_as_such(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    rows = ADVOCACY["patients.csv"].splitlines(keepends=True)[1]
    error = warehouse.refusal("advocacy", make_export("advocacy", patients=rows))
    assert error.cause == (
        "patients.csv: none of the first 50 lines is a header with the columns' names."
    )
    assert error.cure.startswith("Put a line with these names above the rows: id, birthdate, ")


def test_numbers_by_which_spreadsheets_count_days_are_named(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    found = problems(warehouse, make_export, "residency", studies=studies_at("43313.41", "43282"))
    says = (
        "is the number by which a spreadsheet counts days, not a date and time: format the column"
        " as yyyy-mm-dd hh:mm:ss before it is saved."
    )
    assert found == [
        f"studies.csv, line 2, column finalized: '43313.41' {says}",
        f"studies.csv, line 3, column finalized: '43282' {says}",
    ]


def test_dates_that_may_be_day_first_are_told(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    report = warehouse.load(
        "residency",
        make_export("residency", studies=studies_at("03/08/2018 10:00", "4.9.2018", "5/5/2018")),
    )
    assert [str(odd) for odd in report.warnings] == [
        "studies.csv: dates of finalized that are read as month/day/year and may be meant as"
        " day/month/year, since none has a day above 12 (source_date_order in dbt_project.yml):"
        " 2 (line 2, 3).",
    ]
    certain = studies_at("03/08/2018 10:00", "8/14/2018 10:00")
    assert warehouse.load("residency", make_export("residency", studies=certain)).warnings == ()


def test_no_date_is_turned_round_beside_one_that_is_day_first(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = make_export(
        "residency", studies=studies_at("03/08/2018 10:00", "13/08/2018 10:00", "2018-08-14")
    )
    error = warehouse.refusal("residency", folder, 50)
    assert "2 of 3 rows of studies.csv" in error.cause
    assert isinstance(error, ExportError)
    assert [str(problem) for problem in error.problems.first] == [
        "studies.csv, line 2, column finalized: '03/08/2018 10:00' may be meant as day/month/year,"
        " as the value in line 3 is.",
        "studies.csv, line 3, column finalized: '13/08/2018 10:00' is not a date and time.",
    ]


def test_the_order_of_dates_is_a_setting(warehouse: Warehouse, make_export: MakeExport) -> None:
    folder = make_export("residency", studies=studies_at("03/08/2018 10:00", "13.8.2018"))
    order = {"residency": "DMY"}
    report = warehouse.load("residency", folder, source_date_order=order)
    assert report.warnings == ()
    assert warehouse.query("select finalized::date::text from export_residency.studies") == [
        ("2018-08-03",), ("2018-08-13",)
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match="source_date_order 'YMD'"):
        warehouse.load("residency", folder, source_date_order={"residency": "YMD"})


def test_codes_that_were_written_as_numbers_are_codes_again(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    studies = STUDIES.replace(",1,1\n", ",1.0,1.00\n").replace(",2,1\n", ",2.0,1\n")
    exams = 'exam_code,cpt,rvu\nXR1,71046.0,0.22\nCT1,"=""74177""",1.82\n'
    warehouse.load("residency", make_export("residency", studies=studies, exam_to_cpt=exams))
    assert warehouse.query("select cpt from export_residency.exam_to_cpt") == [
        ("71046",), ("74177",)
    ]  # fmt: skip
    assert warehouse.query("select modality_id from export_residency.studies") == [
        ("1",), ("2",), ("2",)
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["3.86E+08", "3.85763e+08", "1,02E+17", "7.1046E+04"])
def test_a_code_that_lost_its_digits_is_refused(
    code: str, warehouse: Warehouse, make_export: MakeExport
) -> None:
    procedures = ADVOCACY["procedures.csv"].replace("265764009", f'"{code}"')
    assert problems(warehouse, make_export, "advocacy", procedures=procedures) == [
        "procedures.csv, line 2, column code: the value (not shown) is a number as spreadsheets"
        " shorten it, not a code: save the column as text."
    ]


@pytest.mark.parametrize("number", ["0x10", "1_000", "0b1"])
def test_numbers_of_programming_languages_are_none(
    number: str, warehouse: Warehouse, make_export: MakeExport
) -> None:
    exams = f"exam_code,cpt,rvu\nXR1,71046,{number}\n"
    assert problems(warehouse, make_export, "residency", exam_to_cpt=exams) == [
        f"exam_to_cpt.csv, line 2, column rvu: '{number}' is not a number."
    ]


def test_names_of_two_people_in_one_are_told(warehouse: Warehouse, make_export: MakeExport) -> None:
    names = ["Okafor, Chidi", "Andersen, Wit", "Lee, Ann; Berg, Uta", "Lee & Berg", "Lee and Berg"]
    studies = HEADER + "".join(f'1,XR1,C,"{name}",2018-07-01,1,1\n' for name in names)
    report = warehouse.load("residency", make_export("residency", studies=studies))
    assert [(odd.says, odd.lines) for odd in report.warnings] == [
        ("values of trainee_name that may name two people", (4, 5, 6)),
    ]
