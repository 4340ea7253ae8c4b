"""Loading an export: what is taken, what is reported, and what stays."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrate.driver import Connection
from orchestrate.errors import BusyError, ConfigurationError
from orchestrate.loading import domain_sources, state, use_sample, variables
from tests.python.loading.conftest import ADVOCACY, EXPORTS, RESIDENCY, MakeExport, Warehouse

STUDIES = RESIDENCY["studies.csv"]


@pytest.mark.parametrize("domain", EXPORTS)
def test_all_files_of_a_domain_become_its_source(
    domain: str, warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = make_export(domain)
    report = warehouse.load(domain, folder)
    assert report.changed
    assert {file.name: file.rows for file in report.files} == {
        name: text.count("\n") - 1 for name, text in EXPORTS[domain].items()
    }
    for file in report.files:
        content = (folder / file.name).read_bytes()
        assert file.size == len(content)
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        rows = warehouse.query(f"select count(*) from {file.schema}.{file.table}")
        assert rows == [(file.rows,)]
    source = domain_sources(warehouse.databases)[domain]
    assert (source.source, source.directory, source.rows) == (
        "export",
        folder,
        {file.name: file.rows for file in report.files},
    )
    assert variables(warehouse.databases)[f"{domain}_source"] == "export"
    other = "advocacy" if domain == "residency" else "residency"
    assert variables(warehouse.databases)[f"{other}_source"] == "sample"


def test_columns_have_the_types_and_descriptions_of_the_seed(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    warehouse.load("advocacy", make_export("advocacy"))
    for seed in warehouse.manifest.domain_seeds("advocacy"):
        found = warehouse.query(
            "select attname, format_type(atttypid, atttypmod), attnotnull,"
            " col_description(attrelid, attnum) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0",
            f"export_advocacy.{seed.alias}",
        )
        spelled = {"timestamptz": "timestamp with time zone"}
        assert sorted(found) == sorted(
            (column.name, spelled.get(column.type, column.type), False, column.description)
            for column in seed.columns
        )
    checks = (
        "select count(*) from pg_constraint where conrelid = 'export_advocacy.patients'::regclass"
    )
    assert warehouse.query(checks) == [(0,)]


def test_order_spelling_mark_line_ends_and_case_of_names_are_free(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = make_export("residency")
    warehouse.load("residency", folder)
    query = "select exam_code, cpt, rvu from export_residency.exam_to_cpt order by cpt"
    plain = warehouse.query(query)
    exams = '\ufeff"R-V-U",CPT,Exam Code\r\n0.22,71046,XR1\r\n1.82,74177,CT1\r\n\r\n'
    other = make_export("residency", exam_to_cpt=exams.encode())
    (other / "studies.csv").rename(other / "Studies.CSV")
    assert warehouse.load("residency", other).changed
    assert warehouse.query(query) == plain


def test_unknown_columns_are_reported_and_nothing_of_them_is_kept(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    text = "id,Secret Note,organization_code,\n1,canary-4711,MAIN,\n"
    report = warehouse.load("residency", make_export("residency", organizations=text))
    unknown = ("Secret Note", "(column 4 without a name)")
    assert report.ignored == {"organizations.csv": unknown}
    assert "organizations.csv: ignored unknown columns: Secret Note" in warehouse.said.getvalue()
    columns = "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
    assert warehouse.query(columns, "export_residency.organizations") == [
        ("id",),
        ("organization_code",),
    ]
    assert warehouse.query("select * from export_residency.organizations") == [("1", "MAIN")]


def test_equal_rows_are_kept_counted_and_reported(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    last = STUDIES.splitlines(keepends=True)[-1]
    report = warehouse.load("residency", make_export("residency", studies=STUDIES + last + last))
    studies = next(file for file in report.files if file.table == "studies")
    assert (studies.rows, studies.equal_rows) == (5, 2)
    assert warehouse.query("select count(*) from export_residency.studies") == [(5,)]
    assert (
        "studies.csv: rows that repeat another row in every column, and count: 2 (line 6, …)."
        in warehouse.said.getvalue()
    )


def test_names_codes_and_missing_values_stay_as_they_are(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    text = STUDIES + '007,,"",  Ann  ,2018-07-01 08:00:00,1,1\n'
    warehouse.load("residency", make_export("residency", studies=text))
    found = warehouse.query(
        "select priorities, exam_code, procedure_name, trainee_name"
        " from export_residency.studies where trainee_name like '%%Ann%%'"
    )
    assert found == [("007", None, None, "  Ann  ")]


def test_times_without_a_zone_are_read_in_that_of_the_source(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    header = STUDIES.splitlines(keepends=True)[0]
    text = header + "".join(
        f"1,XR1,Chest,{name},{time},1,1\n"
        for name, time in [
            ("local", "2018-07-01 08:00"),
            ("american", "7/1/2018 8:00 AM"),
            ("zoned", "2018-07-01T08:00:00Z"),
        ]
    )
    warehouse.load(
        "residency",
        make_export("residency", studies=text),
        source_time_zone={"residency": "America/New_York"},
    )
    found = dict(warehouse.query("select trainee_name, finalized from export_residency.studies"))
    assert found == {
        "local": datetime(2018, 7, 1, 12, tzinfo=UTC),
        "american": datetime(2018, 7, 1, 12, tzinfo=UTC),
        "zoned": datetime(2018, 7, 1, 8, tzinfo=UTC),
    }


def test_an_unknown_time_zone_is_a_matter_of_configuration(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    with pytest.raises(ConfigurationError, match="source_time_zone 'Mars/Olympus'"):
        warehouse.load(
            "residency",
            make_export("residency"),
            source_time_zone={"residency": "Mars/Olympus"},
        )


def test_an_export_that_is_loaded_already_is_recognised_by_its_content(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    first = warehouse.load("residency", make_export("residency"))
    before = warehouse.content()
    second = warehouse.load("residency", make_export("residency"))
    assert not second.changed
    assert {file.sha256 for file in second.files} == {file.sha256 for file in first.files}
    assert "is loaded already" in warehouse.said.getvalue()
    assert warehouse.content() == before


def test_another_zone_or_a_table_changed_by_hand_loads_the_same_files_anew(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = make_export("residency")
    warehouse.load("residency", folder)
    zone = {"residency": "Asia/Tokyo"}
    assert warehouse.load("residency", folder, source_time_zone=zone).changed
    assert not warehouse.load("residency", folder, source_time_zone=zone).changed
    warehouse.query("truncate export_residency.studies")
    assert warehouse.load("residency", folder, source_time_zone=zone).changed
    warehouse.query("drop table export_residency.studies")
    assert warehouse.load("residency", folder, source_time_zone=zone).changed


def test_the_sample_can_be_used_again_and_then_the_export_without_loading(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = make_export("advocacy")
    warehouse.load("advocacy", folder)
    use_sample(warehouse.databases, "advocacy")
    source = domain_sources(warehouse.databases)["advocacy"]
    assert (source.source, source.directory, source.tables) == ("sample", None, ())
    assert not warehouse.load("advocacy", folder).changed
    assert domain_sources(warehouse.databases)["advocacy"].source == "export"


def test_a_new_export_replaces_the_old_one_and_views_on_it_are_no_obstacle(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    warehouse.load("residency", make_export("residency"))
    warehouse.query("create view public.staged as select * from export_residency.studies")
    shorter = "".join(STUDIES.splitlines(keepends=True)[:2])
    warehouse.load("residency", make_export("residency", studies=shorter))
    assert warehouse.query("select trainee_name from export_residency.studies") == [
        ("Okafor, Chidi",)
    ]
    left_over = "select count(*) from pg_class where relname ~ '__(loading|trimmed)'"
    assert warehouse.query(left_over) == [(0,)]


def test_before_anything_is_loaded_every_domain_uses_its_sample(warehouse: Warehouse) -> None:
    assert variables(warehouse.databases) == {
        "residency_source": "sample",
        "advocacy_source": "sample",
    }


def test_a_load_waits_for_another_one_and_then_gives_up(
    warehouse: Warehouse,
    make_export: MakeExport,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state, "_LOCK_TIMEOUT", "50ms")
    warehouse.load("residency", make_export("residency"))
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("lock table casebook.raw_tables in exclusive mode")
    with pytest.raises(BusyError):
        # Not even to find that nothing is new: the other load may be changing that.
        warehouse.load("residency", make_export("residency"))


def test_an_unknown_domain_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no domain 'radiology'"):
        warehouse.load("radiology", tmp_path)
    with pytest.raises(ConfigurationError, match="no domain 'radiology'"):
        use_sample(warehouse.databases, "radiology")


def test_the_real_export_is_taken_whole(warehouse: Warehouse) -> None:
    folder = Path(__file__).resolve().parents[4] / "shared" / "data" / "mighty_analyst"
    if not folder.is_dir():
        pytest.skip(f"The real advocacy export is not at {folder}.")
    report = warehouse.load("advocacy", folder)
    assert {file.table: (file.rows, file.equal_rows) for file in report.files} == {
        "patients": (974, 0),
        "encounters": (27_891, 0),
        "procedures": (47_701, 0),
        "payers": (10, 0),
        "organizations": (1, 0),
    }
    assert report.ignored == {}
    assert set(ADVOCACY) == {file.name for file in report.files}


def test_of_several_spellings_of_a_file_none_is_guessed(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    folder = make_export("residency")
    (folder / "studies.csv").rename(folder / "Studies.csv")
    (folder / "STUDIES.csv").write_text(STUDIES)
    if len(list(folder.glob("[sS]*.csv"))) == 1:
        pytest.skip("this file system does not tell cases apart")
    error = warehouse.refusal("residency", folder)
    assert error.cause == "studies.csv: the file is there as STUDIES.csv and Studies.csv."
    (folder / "studies.csv").write_text(STUDIES)
    assert warehouse.load("residency", folder).changed


def test_lines_of_an_exam_may_name_their_site_or_not(
    warehouse: Warehouse, make_export: MakeExport
) -> None:
    """The columns are optional; what stands there has to be a site, by its identifier or code."""
    query = "select exam_code, organization_id, organization_code from export_residency.exam_to_cpt"
    warehouse.load("residency", make_export("residency"))
    assert sorted(warehouse.query(query)) == [("CT1", None, None), ("XR1", None, None)]

    sites = "Organization ID,exam_code,cpt,rvu\n1,XR1,71046,0.22\n,CT1,74177,1.82\n"
    warehouse.load("residency", make_export("residency", exam_to_cpt=sites))
    assert sorted(warehouse.query(query)) == [("CT1", None, None), ("XR1", "1", None)]

    unknown = "exam_code,cpt,rvu,organization_code\nXR1,71046,0.22,MAIN\nXR1,74177,1.82,VA\n"
    folder = make_export("residency", exam_to_cpt=unknown)
    assert warehouse.refusal("residency", folder).cause.splitlines()[-1].strip() == (
        "exam_to_cpt.csv, line 3, column organization_code: 'VA' is in no row of organizations.csv."
    )
