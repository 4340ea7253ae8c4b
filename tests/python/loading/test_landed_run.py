"""A run from tables that Airbyte landed: late, repeated, corrected and deleted records in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from landing import land
from psycopg2 import sql

from orchestrate.doctor import check_landed_tables
from orchestrate.loading import LANDED, state
from orchestrate.unchanged import unchanged_version
from tests.python.conftest import Casebook, own_copy

pytestmark = pytest.mark.slow

SCHEMAS = ("clients", "extracts", "management", "residency")
SPAN = {"start": "timestamptz", "stop": "timestamptz"}
HOME = {"birthdate": "date", "deathdate": "date", "lat": "numeric", "lon": "double precision"}
# Codes that the source took for numbers land as decimals, or as floating-point numbers.
PERFORMED = {
    **SPAN,
    "code": "numeric(38,9)",
    "base_cost": "numeric(38,9)",
    "reasoncode": "double precision",
}
# What Airbyte may leave in its tables beside the records that count.
NOISE = (
    # Every encounter once more as it was before, landed late, with a time that cannot be read.
    """
    insert into landed_advocacy.encounters
    select (jsonb_populate_record(encounters, jsonb_build_object(
        '_airbyte_raw_id', gen_random_uuid(), 'START', 'not known yet', 'CODE', 'other',
        '_airbyte_extracted_at', _airbyte_extracted_at - interval '1 day'
    ))).* from landed_advocacy.encounters
    """,
    # A patient who has been deleted since, and the same one from before.
    """
    alter table landed_advocacy.patients add _ab_cdc_deleted_at text;
    insert into landed_advocacy.patients
    select (jsonb_populate_record(patients, jsonb_build_object(
        '_airbyte_raw_id', gen_random_uuid(), 'ID', 'deleted since',
        '_airbyte_extracted_at', _airbyte_extracted_at + step * interval '1 minute',
        '_ab_cdc_deleted_at', case when step = 1 then '2026-01-01T00:00:00Z' end
    ))).* from landed_advocacy.patients cross join generate_series(0, 1) as step
    where patients."ID" = (select min("ID") from landed_advocacy.patients)
    """,
    # A repeated sync without anything new.
    """
    insert into landed_advocacy.payers
    select (jsonb_populate_record(payers, jsonb_build_object(
        '_airbyte_raw_id', gen_random_uuid()
    ))).* from landed_advocacy.payers
    """,
    # The whole table once more from before a refresh, with two records that are later than all, and
    # some that were delivered twice.
    """
    insert into landed_advocacy.procedures
    select (jsonb_populate_record(procedures, jsonb_build_object(
        '_airbyte_raw_id', gen_random_uuid(), '_airbyte_generation_id', 1, 'BASE_COST', 1
    ))).* from landed_advocacy.procedures;
    insert into landed_advocacy.procedures
    select (jsonb_populate_record(procedures, jsonb_build_object(
        '_airbyte_raw_id', gen_random_uuid(), '_airbyte_generation_id', 1,
        'START', '2022-03-01T00:00:00Z'
    ))).* from landed_advocacy.procedures where _airbyte_generation_id = 2 limit 2;
    insert into landed_advocacy.procedures
    select * from landed_advocacy.procedures where _airbyte_generation_id = 2 limit 1000
    """,
    # A table of an older release, which knows no generations.
    """
    alter table landed_residency.studies drop column _airbyte_generation_id;
    insert into landed_residency.studies select * from landed_residency.studies limit 1000
    """,
    """
    alter table landed_residency.exam_to_cpt drop organization_id, drop organization_code;
    insert into landed_residency.exam_to_cpt
    select (jsonb_populate_record(exam_to_cpt, jsonb_build_object(
        '_airbyte_raw_id', gen_random_uuid(), '_airbyte_generation_id', null, 'rvu', 'unknown'
    ))).* from landed_residency.exam_to_cpt
    """,
    # Airbyte's own columns in types of other releases, and words where there is no value.
    """
    alter table landed_advocacy.payers
        alter _airbyte_extracted_at type timestamp using _airbyte_extracted_at at time zone 'UTC',
        alter _airbyte_meta type text;
    alter table landed_advocacy.procedures alter _airbyte_generation_id type varchar;
    update landed_advocacy.patients set "SUFFIX" = 'N/A', "MAIDEN" = '(null)'
    where "SUFFIX" is null and "MAIDEN" is null
    """,
    # Three records of an earlier generation, extracted after all others.
    """
    insert into landed_advocacy.procedures
    select (jsonb_populate_record(procedures, jsonb_build_object(
        '_airbyte_raw_id', gen_random_uuid(), '_airbyte_generation_id', 1,
        '_airbyte_extracted_at', now()
    ))).* from landed_advocacy.procedures where _airbyte_generation_id = '2' limit 3
    """,
    # Values that Airbyte nulled or cut off, told in its own column.
    """
    update landed_advocacy.encounters set _airbyte_meta = '{"sync_id": 8, "changes": [
        {"field": "REASONCODE", "change": "NULLED", "reason": "DESTINATION_TYPECAST_ERROR"},
        {"field": "DESCRIPTION", "change": "TRUNCATED", "reason": "SOURCE_FIELD_SIZE_LIMITATION"}
    ]}'
    where _airbyte_raw_id in (
        select _airbyte_raw_id from landed_advocacy.encounters
        where "REASONCODE" is null and "START" <> 'not known yet' limit 2
    )
    """,
    """
    update landed_residency.exam_to_cpt set _airbyte_meta =
        '{"changes": [{"field": "rvu", "change": "NULLED", "reason": "SOURCE_RETRIEVAL_ERROR"}]}'
    where rvu is null and _airbyte_generation_id = 2
    """,
)
# What files are refused for, by the column and what is said of it: each is done to one record.
BROKEN = {
    ("patients", "birthdate", "is after today"): "\"BIRTHDATE\" = '2050-01-31'",
    ("patients", "deathdate", "is before birthdate"): "\"DEATHDATE\" = '1850-06-01'",
    ("patients", "lat", "is more than 90"): '"LAT" = 950',
    (
        "encounters",
        "start",
        "is after 2100-01-01",
    ): "\"START\" = '2950-01-01', \"STOP\" = '2950-01-02'",
    ("encounters", "stop", "is before start"): "\"STOP\" = '1999-01-01'",
    ("encounters", "code", "a value is required"): "\"CODE\" = ' '",
    (
        "encounters",
        "organization",
        "is in no row of organizations",
    ): "\"ORGANIZATION\" = 'elsewhere'",
    ("encounters", "total_claim_cost", "is not a number that fits here"): (
        "\"TOTAL_CLAIM_COST\" = 'canary'"
    ),
    ("procedures", "base_cost", "is less than 0"): '"BASE_COST" = -1',
    ("procedures", "reasoncode", "has lost digits as a floating-point number"): (
        '"REASONCODE" = 428191000124101000'
    ),
    ("payers", "name", "a value is required"): "\"NAME\" = 'NULL'",
}


@dataclass
class Landed:
    """A Casebook that published the sample, then the same content from landed tables."""

    casebook: Casebook
    before: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    loaded: dict[str, Any] = field(default_factory=dict)
    ran: dict[str, Any] = field(default_factory=dict)
    warned: str = ""

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as the builder; return the rows of the last one."""
        warehouse = self.casebook.databases.warehouse
        with warehouse.session() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def content(self) -> dict[str, tuple[Any, ...]]:
        """Return of each mart the number of its rows and a hash of them, but for their source."""
        found = {}
        with (
            self.casebook.databases.warehouse.session() as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "select schemaname, tablename from pg_tables where schemaname = any(%s)",
                (list(SCHEMAS),),
            )
            for schema, table in cursor.fetchall():
                cursor.execute(
                    sql.SQL(
                        "select count(*), md5(string_agg(digest, '' order by digest))"
                        " from (select md5((to_jsonb(mart) - 'source')::text) as digest"
                        " from {} as mart) as digests"
                    ).format(sql.Identifier(schema, table))
                )
                found[f"{schema}.{table}"] = tuple(cursor.fetchone() or ())
        return found

    def land(self) -> None:
        """Land the sample: the residency and the encounters as text alone, the rest with types."""
        warehouse = self.casebook.databases.warehouse
        with warehouse.session() as connection, connection.cursor() as cursor:
            land(cursor, "advocacy", "patients", HOME)
            land(cursor, "advocacy", "encounters", raw_id="uuid")
            land(cursor, "advocacy", "procedures", PERFORMED, raw_id="uuid")
            land(cursor, "advocacy", "payers")
            land(cursor, "advocacy", "organizations", {"lat": "numeric", "lon": "double precision"})
            land(cursor, "residency", "studies", age="3 days")
            for table in ("organizations", "modalities", "exam_to_cpt"):
                land(cursor, "residency", table, age="20 days")
            for statement in NOISE:
                cursor.execute(statement)

    @contextmanager
    def changed(self, change: str, back: str) -> Iterator[None]:
        """Change landed tables for the length of a block."""
        self.execute(change)
        try:
            yield
        finally:
            self.execute(back)

    def refusal(self) -> str:
        """Run once more, which must fail as data; return what was said. Readers see the same."""
        done = self.casebook.command("run", "--out", str(self.casebook.output_dir), check=False)
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert self.status()["current"] == self.ran["version"]
        return done.stderr

    def status(self) -> dict[str, Any]:
        """Return what `casebook status` says."""
        found: dict[str, Any] = json.loads(self.casebook.command("status", "--json").stdout)
        return found


@pytest.fixture(scope="module")
def landed(published: Casebook) -> Iterator[Landed]:
    """Publish from landed tables what the sample holds."""
    with own_copy(published) as casebook:
        made = Landed(casebook)
        made.before = made.content()
        made.land()
        made.loaded = json.loads(casebook.command("load", "advocacy", "--landed", "--json").stdout)
        with state.raw_transaction(casebook.databases.warehouse) as connection:
            state.choose_source(connection, "residency", LANDED)
        done = casebook.command("run", "--out", str(casebook.output_dir), "--json")
        made.ran, made.warned = json.loads(done.stdout), done.stderr
        yield made


def test_a_second_run_waits_for_something_to_land_or_to_grow_old(landed: Landed) -> None:
    def version() -> int | None:
        found = unchanged_version(landed.casebook.settings, landed.casebook.databases)
        return found and found.version

    # The studies are old enough for a warning, which each run gives.
    assert version() is None
    looked = landed.casebook.settings.description_dir / "sources.json"
    text = looked.read_text(encoding="utf-8")
    found = json.loads(text)
    for result in found["results"]:
        result["max_loaded_at"] = found["metadata"]["generated_at"]
    looked.write_text(json.dumps(found), encoding="utf-8")
    assert version() == landed.ran["version"]
    extracted = "update landed_residency.studies set _airbyte_extracted_at = _airbyte_extracted_at"
    landed.execute(f"{extracted} where ctid = '(0,1)'")
    assert version() is None
    looked.write_text(text, encoding="utf-8")


def test_loading_tells_the_records_of_each_table(landed: Landed) -> None:
    rows = landed.before["extracts.encounters"]
    tables = {table["table"]: table["records"] for table in landed.loaded["landed"]}
    assert landed.loaded["source"] == "tables landed by Airbyte"
    assert list(tables) == ["patients", "encounters", "procedures", "payers", "organizations"]
    assert tables["encounters"] > 2 * rows[0]


def test_marts_are_those_of_the_same_content_from_files(landed: Landed) -> None:
    assert len(landed.before) > 20
    found, before = landed.content(), dict(landed.before)
    # Findings more: what Airbyte could not keep, or extracted after all that counts.
    for relation, more in (("residency.data_findings", 1), ("management.data_findings", 3)):
        assert found.pop(relation)[0] == before.pop(relation)[0] + more
    assert found == before


def test_the_build_says_where_it_reads_and_what_is_getting_old(landed: Landed) -> None:
    assert "Sources: advocacy from its landed, residency from its landed" in landed.warned
    (warning,) = [line for line in landed.warned.splitlines() if "was extracted last on" in line]
    assert warning.startswith("Warning: residency studies was extracted last on")
    assert "3 days before" in warning


def test_status_tells_how_fresh_landed_tables_are_and_what_was_published(landed: Landed) -> None:
    status = landed.status()
    fresh = {(table["domain"], table["table"]): table["status"] for table in status["freshness"]}
    assert len(fresh) == 9
    assert [key for key, value in fresh.items() if value != "pass"] == [("residency", "studies")]
    assert fresh["residency", "studies"] == "warn"
    version = status["versions"][0]
    advocacy = version["sources"]["advocacy"]
    assert (advocacy["source"], advocacy["directory"]) == ("landed", None)
    # What landed last of what counts: the deletion of a patient came later.
    ((last,),) = landed.execute(
        "select max(_airbyte_extracted_at) from landed_advocacy.organizations"
    )
    assert advocacy["loaded_at"] == last.isoformat()
    assert (
        advocacy["rows"]["procedures"]
        == landed.execute("select count(*)::integer from sample_advocacy.procedures")[0][0]
    )
    assert advocacy["reaches"]["procedures"]["last_at"].startswith("2022-02-05")
    people = landed.casebook.command("status").stdout
    assert "Data of version" in people
    assert "Landed tables at" in people


def test_what_is_odd_in_records_is_told_as_of_files(landed: Landed) -> None:
    """The run and the status tell it; where a resident's case log depends on it, a finding too."""
    found = {
        (domain, verdict["table"], verdict["column"], verdict["kind"]): verdict["records"]
        for domain, source in landed.status()["sources"].items()
        for verdict in source["verdicts"]
    }
    expected = {
        ("advocacy", "procedures", None, "not_counted"): 3,
        ("advocacy", "procedures", "start", "later_left_out"): 2,
        ("advocacy", "encounters", "reasoncode", "nulled"): 2,
        ("advocacy", "encounters", "description", "truncated"): 2,
        ("residency", "exam_to_cpt", "rvu", "nulled"): """
            select count(*) from sample_residency.exam_to_cpt where rvu is null
        """,
        ("residency", "exam_to_cpt", None, "repeated"): """
            select count(*) - count(distinct exam_to_cpt) from sample_residency.exam_to_cpt
        """,
        ("residency", "studies", None, "repeated"): """
            select count(*) - count(distinct studies::text) from sample_residency.studies
        """,
        ("residency", "studies", "exam_code", "warn_without"): """
            select count(*) from sample_residency.studies where not exists (
                select from sample_residency.exam_to_cpt
                where trim(exam_to_cpt.exam_code) = trim(studies.exam_code) and trim(cpt) <> ''
            )
        """,
        ("advocacy", "encounters", "start", "warn_after"): """
            select count(*) from sample_advocacy.encounters, sample_advocacy.patients
            where patient = patients.id and start::date > deathdate
        """,
        ("advocacy", "procedures", "stop", "warn_longer_than"): """
            select count(*) from sample_advocacy.procedures, sample_advocacy.encounters
            where encounter = encounters.id
            and procedures.stop - procedures.start > encounters.stop - encounters.start
        """,
    }
    counted = {
        key: count if isinstance(count, int) else landed.execute(count)[0][0]
        for key, count in expected.items()
    }
    assert found == {key: count for key, count in counted.items() if count}
    assert len(found) > 6
    assert (
        "Warning: advocacy procedures: was extracted after all that count, in an earlier"
        " generation, and does not count: 3 records."
    ) in landed.warned
    assert (
        "Warning: advocacy procedures, column start: reaches to 2022-03-01 in records of an earlier"
        " generation, which do not count, and to 2022-02-05 in those that do: 2 records."
    ) in landed.warned
    (finding,) = landed.execute(
        "select subject, study_count from residency.data_findings"
        " where finding in ('lost_in_landing', 'newer_records_left_out')"
    )
    assert finding == ("exam_to_cpt.rvu", found["residency", "exam_to_cpt", "rvu", "nulled"])
    # Whose the records are nobody asked: management is told that there are some, and not how many.
    assert landed.execute(
        "select kind, subject, row_count from management.data_findings where is_suppressed"
        " order by kind, subject"
    ) == [
        ("lost_in_landing", "encounters.description (cut off)", None),
        ("lost_in_landing", "encounters.reasoncode", None),
        ("newer_records_left_out", "procedures", None),
    ]
    told = {one["kind"]: one["rows"] for one in landed.status()["findings"]}
    assert told["newer_records_left_out"] == 3


def test_nothing_hangs_on_the_tables_of_airbyte(landed: Landed) -> None:
    with landed.casebook.databases.warehouse.session() as connection:
        connection.autocommit = False
        with connection.cursor() as cursor:
            for table in ("patients", "encounters", "procedures", "payers", "organizations"):
                cursor.execute(f"drop table landed_advocacy.{table} restrict")
            cursor.execute("select count(*) from staging.stg_advocacy__patients")
            assert cursor.fetchone() == (landed.loaded["landed"][0]["records"] - 2,)
        connection.rollback()


def test_records_that_land_after_a_build_are_no_obstacle_to_publishing_it(landed: Landed) -> None:
    with landed.changed(
        "update landed_advocacy.payers set _airbyte_extracted_at = now()",
        "update landed_advocacy.payers set _airbyte_extracted_at = now() - interval '1 hour'",
    ):
        again = json.loads(landed.casebook.command("publish", "--json").stdout)
    landed.ran = again


def test_a_column_that_is_gone_stops_a_run_before_it_builds(landed: Landed) -> None:
    with landed.changed(
        'alter table landed_advocacy.encounters rename "PAYER" to paid_by',
        'alter table landed_advocacy.encounters rename paid_by to "PAYER"',
    ):
        said = landed.refusal()
    assert "landed_advocacy.encounters lacks payer." in said
    assert "Building" not in said


def test_tables_that_are_too_old_stop_a_run_before_it_builds(landed: Landed) -> None:
    shift = "update landed_residency.studies set _airbyte_extracted_at = _airbyte_extracted_at {}"
    with landed.changed(shift.format("- interval '5 days'"), shift.format("+ interval '5 days'")):
        said = landed.refusal()
        looked = list(check_landed_tables(landed.casebook.settings, landed.casebook.databases))
    assert "Landed tables are too old: residency studies was extracted last on" in said
    assert "8 days before. Nothing was built or published." in said
    assert "Building" not in said
    # They can be read all the same.
    assert [check.name for check in looked] == [
        "landed tables of residency",
        "landed tables of advocacy",
    ]
    assert landed.status()["freshness"][-1]["status"] == "error"


def test_records_that_break_a_rule_are_refused_as_rows_of_files_are(landed: Landed) -> None:
    changes = [
        f"update landed_advocacy.{table} set {change} where {key} = (select {key}"
        f" from landed_advocacy.{table} where _airbyte_generation_id::text = '2'"
        f" order by {key} offset {place} limit 1)"
        for place, ((table, _, _), change) in enumerate(BROKEN.items())
        for key in ("_airbyte_raw_id" if table == "procedures" else '"ID"',)
    ]
    # All that is built after these is left out, which makes the test short.
    with landed.changed(
        "; ".join(changes) + "; update landed_residency.studies set finalized = 'canary-noon'"
        " where _airbyte_raw_id = (select min(_airbyte_raw_id) from landed_residency.studies)",
        "drop schema landed_residency, landed_advocacy cascade",
    ):
        said = landed.refusal()
    assert "Landed records were refused, nothing was published:" in said
    for table, column, reason in BROKEN:
        assert f"advocacy {table}, column {column}: {reason}: 1 record (_airbyte_raw_id" in said, (
            said
        )
    assert "residency studies, column finalized: is not a date and time: 1 record" in said
    assert said.count("record (_airbyte_raw_id") == len(BROKEN) + 1
    assert "canary" not in said + (landed.casebook.settings.log_dir / "dbt.log").read_text()
