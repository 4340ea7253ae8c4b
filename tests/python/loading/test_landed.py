"""What has to be there before a domain is built from tables that Airbyte landed."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from orchestrate.building.manifest import Manifest, SourceTable
from orchestrate.errors import CasebookError, ConfigurationError, DatabaseError, DataError
from orchestrate.loading import (
    check_landed,
    domain_sources,
    use_landed,
    use_sample,
    variables,
)
from tests.python.loading.conftest import SAMPLE_VARIABLES, Warehouse

TABLES = ("studies", "organizations", "modalities", "exam_to_cpt")
SOURCES = tuple(SourceTable("residency_landed", name, "landed_residency", name) for name in TABLES)


@pytest.fixture
def landed(warehouse: Warehouse) -> Warehouse:
    """Return a warehouse in which two records of each table have landed, columns in capitals."""
    for seed in warehouse.manifest.domain_seeds("residency"):
        columns = ", ".join(f"'x' as \"{column.name.upper()}\"" for column in seed.columns)
        warehouse.query(
            "create schema if not exists landed_residency;"
            f"create table landed_residency.{seed.alias} as select record::text as _airbyte_raw_id,"
            " now() - record * interval '1 hour' as _airbyte_extracted_at, 1 as more, "
            f"{columns} from generate_series(1, 2) as record"
        )
    return replace(warehouse, manifest=replace(warehouse.manifest, sources=SOURCES))


def refusal(warehouse: Warehouse) -> CasebookError:
    """Ask for the landed tables, which must be refused; the sample stays in use."""
    with pytest.raises(CasebookError) as caught:
        use_landed(warehouse.databases, warehouse.manifest, "residency")
    assert variables(warehouse.databases) == SAMPLE_VARIABLES
    return caught.value


def test_landed_tables_become_the_source_and_the_sample_comes_back(landed: Warehouse) -> None:
    tables = use_landed(landed.databases, landed.manifest, "residency")
    assert [(table.name, table.rows) for table in tables] == [(name, 2) for name in TABLES]
    (newest,) = landed.query("select max(_airbyte_extracted_at) from landed_residency.studies")
    assert tables[0].extracted_at == newest[0]
    source = domain_sources(landed.databases)["residency"]
    assert (source.source, source.directory, source.loaded_at) == ("landed", None, None)
    assert source.rows == {}
    assert variables(landed.databases)["residency_source"] == "landed"
    use_sample(landed.databases, "residency")
    assert variables(landed.databases) == SAMPLE_VARIABLES


def test_a_schema_that_is_not_there_is_a_matter_of_configuration(landed: Warehouse) -> None:
    landed.query("drop schema landed_residency cascade")
    error = refusal(landed)
    assert isinstance(error, ConfigurationError)
    assert "no schema landed_residency" in error.cause
    assert "`landed_schema` of dbt_project.yml" in error.cure


def test_all_missing_tables_are_named_and_those_that_are_spelled_otherwise(
    landed: Warehouse,
) -> None:
    landed.query("drop table landed_residency.modalities")
    landed.query('alter table landed_residency.exam_to_cpt rename to "Exam to CPT"')
    error = refusal(landed)
    assert isinstance(error, DataError)
    assert error.cause == (
        "landed_residency has no table modalities and no exam_to_cpt. There is 'Exam to CPT'."
    )


def test_all_columns_that_are_missing_or_there_twice_are_named(landed: Warehouse) -> None:
    landed.query('alter table landed_residency.studies drop column "EXAM_CODE"')
    landed.query("alter table landed_residency.studies drop column _airbyte_raw_id")
    landed.query('alter table landed_residency.modalities add "Modality Code" text')
    error = refusal(landed)
    assert isinstance(error, DataError)
    assert error.cause == (
        "landed_residency.studies lacks _airbyte_raw_id, exam_code;"
        " landed_residency.modalities has in two spellings modality_code."
    )


def test_a_table_without_records_is_refused(landed: Warehouse) -> None:
    landed.query("delete from landed_residency.exam_to_cpt")
    error = refusal(landed)
    assert isinstance(error, DataError)
    assert "exam_to_cpt in landed_residency: the landed table has no records" in error.cause


def test_a_grant_that_is_missing_is_told_as_the_statement_that_gives_it(landed: Warehouse) -> None:
    airbyte = f"airbyte_{uuid.uuid4().hex[:12]}"
    builder = landed.databases.warehouse.user
    # The builder may become the role and has no right of it by itself; servers before 16 decide
    # that for all roles of a builder at once.
    if landed.query("show server_version_num")[0][0] >= "160000":
        without_rights, restored = f"grant {airbyte} to {builder} with inherit false, set true", ""
    else:
        without_rights = f"grant {airbyte} to {builder}; alter role {builder} noinherit"
        restored = f"; alter role {builder} inherit"
    landed.query(
        f"create role {airbyte};"
        f"{without_rights};"
        f"grant create on schema landed_residency to {airbyte};"
        f"alter table landed_residency.studies owner to {airbyte};"
        f"alter schema landed_residency owner to {airbyte}"
    )
    as_airbyte = f"set role {airbyte}; "
    try:
        error = refusal(landed)
        usage = f"grant usage on schema landed_residency to {builder};"
        assert isinstance(error, DatabaseError)
        assert usage in error.cure

        landed.query(as_airbyte + usage)
        error = refusal(landed)
        assert isinstance(error, DatabaseError)
        assert error.cause == f"{builder} may not read landed_residency.studies."
        grants = error.cure.removeprefix(f"Let {airbyte} run: ")

        landed.query(as_airbyte + grants)
        assert check_landed(landed.databases, landed.manifest, "residency")
        # A table that Airbyte makes anew can be read as well.
        landed.query(as_airbyte + "create table landed_residency.studies_new (id text)")
        assert landed.query("select * from landed_residency.studies_new") == []
    finally:
        landed.query(
            f"{as_airbyte} drop owned by {airbyte} cascade; reset role;"
            f" drop role {airbyte}{restored}"
        )


def test_a_project_that_is_not_landed_names_no_tables(manifest: Manifest) -> None:
    with pytest.raises(ConfigurationError, match="no source residency_landed"):
        manifest.landed_tables("residency")


def test_a_landed_table_tells_when_anything_was_written(landed: Warehouse) -> None:
    def marks() -> list[str | None]:
        return [one.mark for one in check_landed(landed.databases, landed.manifest, "residency")]

    before = marks()
    assert len({*before}) == len(TABLES)
    assert marks() == before
    for written in (
        "update landed_residency.studies set more = 2 where _airbyte_raw_id = '1'",
        "insert into landed_residency.studies select * from landed_residency.studies limit 1",
        "delete from landed_residency.studies where _airbyte_raw_id = '2'",
        "create table landed_residency.again as table landed_residency.studies;"
        "drop table landed_residency.studies;"
        "alter table landed_residency.again rename to studies",
    ):
        landed.query(written)
        assert marks()[0] != before[0], written
        assert marks()[1:] == before[1:]
        before = marks()
    landed.query(
        "alter table landed_residency.studies rename to behind;"
        "create view landed_residency.studies as table landed_residency.behind"
    )
    assert marks() == [None, *before[1:]]
