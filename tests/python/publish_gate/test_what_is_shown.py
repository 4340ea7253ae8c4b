"""The gate finds nothing in a sound build, and in a broken one what may not be shown of patients.

The build is that of the samples; what a test breaks there is rolled back at its end. Where no mart
of the project can be broken in a way, a made one stands in.
"""

from __future__ import annotations

import csv

import gate_sql
import pytest
from gate_sql import made

from orchestrate.driver import Cursor
from orchestrate.publishing.artifacts import Build
from orchestrate.publishing.gate import GATE
from orchestrate.settings import PROJECT_DIR
from tests.python.publish_gate.conftest import Find

LISTED = "assert_only_listed_columns_are_shown"
KINDS = "assert_shown_values_are_of_their_kind"
IDENTIFIER = "assert_no_identifier_is_shown"
A_PATIENT = "(select patient_id from staging.stg_advocacy__patients order by 1 limit 1)"


def test_the_tests_of_the_folder_are_those_that_the_publisher_asks_for(build: Build) -> None:
    assert sorted(gate_sql.compiled(build.manifest)) == sorted(GATE)
    folder = PROJECT_DIR / "tests" / "publish_gate"
    assert sorted(path.stem for path in folder.glob("*.sql")) == sorted(GATE)


@pytest.mark.parametrize("name", GATE)
def test_a_sound_build_passes(name: str, find: Find) -> None:
    assert find(name) == []


@pytest.mark.parametrize("name", GATE)
def test_what_is_rendered_here_is_what_dbt_compiles(name: str, build: Build) -> None:
    compiled = gate_sql.compiled(build.manifest)[name]
    assert gate_sql.rendered(build.manifest, name).split() == compiled.split()


@pytest.mark.parametrize("name", GATE)
def test_a_build_without_rows_passes(name: str, cursor: Cursor, build: Build) -> None:
    """That is a dry run of the project: such a build is never published."""
    cursor.execute(gate_sql.rendered(build.manifest, name, is_empty=True))
    assert cursor.fetchall() == []


def test_an_empty_list_lets_no_column_pass(find: Find) -> None:
    assert len(find(LISTED, "delete from reference.shown_columns")) > 100


def test_a_column_beside_the_contract_is_found(find: Find) -> None:
    damage = "alter table clients.procedure_summary add column patient_name text"
    ((relation, column, _),) = find(LISTED, damage)
    assert (relation, column) == ("procedure_summary", "patient_name")


def test_a_column_on_no_list_is_found(find: Find) -> None:
    damage = "delete from reference.shown_columns where column_name = 'zip3'"
    found = {row[:2] for row in find(LISTED, damage)}
    assert found == {
        (relation, "zip3")
        for relation in ("patient_extract", "procedure_extract", "extract_patients")
    }


def test_a_column_is_listed_once(find: Find) -> None:
    twice = "insert into reference.shown_columns values (null, 'address', 'group')"
    assert [row[:2] for row in find(LISTED, twice)] == [("hospital_activity", "address")]


def test_a_mart_that_the_gate_does_not_know_is_found(cursor: Cursor, build: Build) -> None:
    new = {
        **build.manifest["nodes"]["model.casebook.procedure_summary"],
        "unique_id": "model.casebook.new_mart",
        "name": "new_mart",
    }
    nodes = {**build.manifest["nodes"], "model.casebook.new_mart": new}
    cursor.execute(gate_sql.rendered({**build.manifest, "nodes": nodes}, LISTED))
    assert cursor.fetchall() == [("new_mart", None, "is a mart that the gate does not know")]
    for hidden in ({"access": "protected"}, {"config": {**new["config"], "schema": "residency"}}):
        nodes["model.casebook.new_mart"] = {**new, **hidden}
        cursor.execute(gate_sql.rendered({**build.manifest, "nodes": nodes}, LISTED))
        assert cursor.fetchall() == []


SHOWN_HOSPITAL = (
    "update clients.encounter_extract set organization_name = organization_name || '{end}'"
    " where encounter_key = (select min(encounter_key) from clients.encounter_extract)"
)
SHOWN_COUNTY = (
    "update management.unaffiliated_by_area set county = '{county}'"
    " where area_key = (select min(area_key) from management.unaffiliated_by_area)"
)


@pytest.mark.parametrize(("end", "is_good"), [(" (2)", True), (" (b)", False), (" 2", False)])
def test_hospitals_of_one_name_carry_a_number(find: Find, end: str, is_good: bool) -> None:
    assert (find(KINDS, SHOWN_HOSPITAL.format(end=end)) == []) == is_good


@pytest.mark.parametrize(("county", "is_good"), [("Unknown", True), ("Nowhere", False)])
def test_a_patient_without_a_county_lets_no_other_value_pass(
    find: Find, county: str, is_good: bool
) -> None:
    without = (
        "update sample_advocacy.patients set county = null"
        " where ctid = (select min(ctid) from sample_advocacy.patients)"
    )
    found = find(KINDS, without, SHOWN_COUNTY.format(county=county))
    assert (found == []) == is_good


@pytest.mark.parametrize("column", ["address", "zip"])
def test_a_hospital_without_an_address_lets_no_other_value_pass(find: Find, column: str) -> None:
    without = f"update sample_advocacy.organizations set {column} = null"
    damage = f"update clients.hospital_activity set {column} = 'elsewhere'"
    assert [row[:2] for row in find(KINDS, without, damage)] == [("hospital_activity", column)]


def test_an_address_is_allowed_of_hospitals_alone(find: Find) -> None:
    with (PROJECT_DIR / "seeds" / "reference" / "shown_columns.csv").open(newline="") as file:
        listed = {(row["relation_name"], row["column_name"]) for row in csv.DictReader(file)}
    for column in ("address", "city", "state", "zip"):
        assert ("hospital_activity", column) in listed
    make = "create table management.made as select '1' as area_key, '1 Quay' as address"
    columns = {"area_key": "text", "address": "text"}
    assert [row[:2] for row in find(LISTED, make, marts=[made(columns)])] == [("made", "address")]


VALUES = [
    ("patient_key", "text", "'12'", False),
    ("patient_key", "text", "md5('x')", True),
    ("patient_key", "text", "encode(sha256('x'), 'hex')", False),
    ("cluster_id", "text", "'cluster-012'", True),
    ("cluster_id", "text", "'12-34-56'", False),
    ("age_band", "text", "'80-89'", True),
    ("age_band", "text", "'90-99'", False),
    ("age_band", "text", "'93'", False),
    ("age_band", "text", "null", True),
    ("zip3", "text", "'021'", True),
    ("zip3", "text", "'02134'", False),
    ("zip3", "text", "'036'", False),
    ("service_month", "date", "date '2020-02-01'", True),
    ("service_month", "date", "date '2020-02-02'", False),
    ("service_month", "text", "'2020-02-02'", False),
    ("county", "text", "'Other cities'", True),
    ("county", "text", "'Other counties'", True),
    ("county", "text", "(select city from staging.stg_advocacy__patients limit 1)", True),
    ("county", "text", "'1 Quay'", False),
    ("organization_name", "text", "'somewhere'", False),
    ("centroid_latitude", "double precision", "42.33::float8", True),
    ("centroid_latitude", "double precision", "42.331::float8", False),
    ("nearest_client_patient_km", "double precision", "0.75::float8", True),
    ("nearest_client_patient_km", "double precision", "0.7::float8", False),
    ("patient_count", "text", "'12'", False),
]


@pytest.mark.parametrize(("column", "data_type", "value", "is_good"), VALUES)
def test_values_are_of_the_kind_that_the_list_says(
    find: Find, column: str, data_type: str, value: str, is_good: bool
) -> None:
    make = f"create table management.made as select {value}::{data_type} as {column}"
    mart = made({column: data_type})
    found = [*find(LISTED, make, marts=[mart]), *find(KINDS, marts=[mart])]
    assert (found == []) is is_good
    assert {row[:2] for row in found} <= {("made", column)}


def test_days_are_shown_only_where_the_build_was_told_so(find: Find) -> None:
    day = "create table clients.made as select date '2020-02-02' as service_month"
    mart = made({"service_month": "date"}, schema="clients")
    assert find(KINDS, day, marts=[mart])
    assert not find(KINDS, marts=[mart], variables={"service_date_precision": "day"})


IDENTIFIERS = [
    A_PATIENT,
    "(select encounter_id from staging.stg_advocacy__encounters limit 1)",
    f"md5({A_PATIENT})",
    f"encode(sha256({A_PATIENT}::bytea), 'hex')",
    f"left(encode(sha256({A_PATIENT}::bytea), 'hex'), 32)",
    f"left(encode(sha256(('=' || {A_PATIENT})::bytea), 'hex'), 32)",
    "(select address from staging.stg_advocacy__patients where address is not null limit 1)",
    "(select born_on::text from staging.stg_advocacy__patients limit 1)",
    "(select last_name from staging.stg_advocacy__patients where length(last_name) > 3 limit 1)",
    "(select first_name || ' ' || last_name from staging.stg_advocacy__patients limit 1)",
    "(select last_name || ', ' || first_name from staging.stg_advocacy__patients limit 1)",
]


@pytest.mark.parametrize("value", IDENTIFIERS)
@pytest.mark.parametrize("column", ["procedure_name", "specialty_id"])
def test_an_identifier_in_any_row_is_found(find: Find, value: str, column: str) -> None:
    one_row = "ctid = (select min(ctid) from clients.procedure_summary)"
    damage = f"update clients.procedure_summary set {column} = {value} where {one_row}"
    assert find(IDENTIFIER, damage) == [("procedure_summary", column, 1)]


def test_places_may_be_called_like_people_but_not_be_ids(find: Find) -> None:
    mart = made({"main_city": "text"})
    name = (
        "(select last_name from staging.stg_advocacy__patients where length(last_name) > 3 limit 1)"
    )
    make = f"create table management.made as select {name} as main_city"
    assert find(IDENTIFIER, make, marts=[mart]) == []
    damage = f"update management.made set main_city = {A_PATIENT}"
    assert find(IDENTIFIER, damage, marts=[mart]) == [("made", "main_city", 1)]
