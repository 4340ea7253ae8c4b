"""Each check of the audit finds nothing in a sound build and the damage in a broken one.

The build is that of the samples; what a test breaks there is rolled back at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from psycopg2 import sql

from orchestrate.contracts import Column, Disclosure, Mart, read_marts
from orchestrate.errors import DataError
from orchestrate.publishing.artifacts import Build, read_build
from orchestrate.publishing.audit import CHECKS, Check, Examined, audit
from orchestrate.publishing.audit.allowed import ALLOWED
from orchestrate.publishing.audit.columns import check_allowed, check_columns
from orchestrate.publishing.audit.disclosure import check_counts
from orchestrate.publishing.audit.identifiers import check_identifiers
from orchestrate.publishing.audit.reconciliation import check_extracts, check_scopes
from orchestrate.publishing.audit.restrictions import check_hidden, check_tags
from tests.python.conftest import Casebook

Find = Callable[..., list[str]]

HUMANA_OPEN = "(select scope_id from intermediate.int_client_scopes where visibility = 'open'"
HUMANA_OPEN += " and client_id = 'humana')"
WITHOUT_FOREIGN_KEYS = """
    do $$
    declare
        found record;
    begin
        for found in
            select conrelid::regclass as relation, conname from pg_constraint where contype = 'f'
        loop
            execute format('alter table %s drop constraint %I', found.relation, found.conname);
        end loop;
    end
    $$
"""
A_PATIENT = "(select patient_id from staging.stg_advocacy__patients order by 1 limit 1)"


@pytest.fixture(scope="module")
def build(published: Casebook) -> Build:
    """Return the build that was published."""
    return read_build(published.settings.target_dir, published.databases.warehouse.database)


@pytest.fixture
def examined(published: Casebook, build: Build) -> Iterator[Examined]:
    """Return the warehouse in a transaction that is rolled back."""
    connection = published.databases.warehouse.connect()
    try:
        with connection.cursor() as cursor:
            yield Examined(cursor, read_marts(build.manifest), build.source_relation)
    finally:
        connection.rollback()
        connection.close()


@pytest.fixture
def find(examined: Examined) -> Find:
    """Return a function that breaks something and says what a check then finds."""

    def break_and_look(check: Check, *statements: str, marts: Sequence[Mart] = ()) -> list[str]:
        for statement in statements:
            examined.cursor.execute(statement)
        return list(check(replace(examined, marts=marts) if marts else examined))

    return break_and_look


def made(name: str, columns: dict[str, str], schema: str = "management", **more: Any) -> Mart:
    """Return a mart with these columns, the first one its key."""
    described = tuple(Column(column, type_, "") for column, type_ in columns.items())
    key = tuple(columns)[:1]
    return Mart("", schema, name, schema, "", described, key, readers={"management": "all"}, **more)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_sound_build_passes(check: Check, find: Find) -> None:
    assert find(check) == []


def test_findings_stop_a_publication(examined: Examined) -> None:
    with pytest.raises(DataError, match=r"may not be published: 1; 2; 3; 4; 5; and 2 more\."):
        audit(examined, [lambda _: [], lambda _: map(str, range(1, 8))])


def test_a_check_without_its_models_is_refused(examined: Examined) -> None:
    blind = replace(examined, find_model=lambda _: None)
    for check in (check_identifiers, check_tags, check_hidden, check_scopes):
        with pytest.raises(DataError, match="no model"):
            list(check(blind))


def test_a_column_beside_the_contract_is_found(find: Find) -> None:
    assert find(
        check_columns, "alter table clients.procedure_summary add column patient_name text"
    ) == ["clients.procedure_summary has a column patient_name that its contract does not name"]


def test_a_column_on_no_list_is_found(find: Find, examined: Examined) -> None:
    (mart,) = (one for one in examined.marts if one.name == "procedure_summary")
    more = replace(mart, columns=(*mart.columns, Column("birthplace", "text", "")))
    assert find(check_allowed, marts=[more]) == [
        "clients.procedure_summary has a column birthplace, which is on no list of what may be"
        " shown (orchestrate/publishing/audit/allowed.py)"
    ]


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
    assert (find(check_allowed, SHOWN_HOSPITAL.format(end=end)) == []) == is_good


@pytest.mark.parametrize(("county", "is_good"), [("Unknown", True), ("Nowhere", False)])
def test_a_patient_without_a_county_lets_no_other_value_pass(
    find: Find, county: str, is_good: bool
) -> None:
    without = (
        "update sample_advocacy.patients set county = null"
        " where ctid = (select min(ctid) from sample_advocacy.patients)"
    )
    found = find(check_allowed, without, SHOWN_COUNTY.format(county=county))
    assert (found == []) == is_good


@pytest.mark.parametrize("column", ["address", "zip"])
def test_a_hospital_without_an_address_lets_no_other_value_pass(find: Find, column: str) -> None:
    without = f"update sample_advocacy.organizations set {column} = null"
    damage = f"update clients.hospital_activity set {column} = 'elsewhere'"
    assert find(check_allowed, without, damage) != []


def test_an_address_is_allowed_of_hospitals_alone(find: Find) -> None:
    for column in ("address", "city", "state", "zip"):
        assert f"hospital_activity.{column}" in ALLOWED
    found = find(
        check_allowed,
        "create schema if not exists management",
        "create table management.made as select '1' as area_key, '1 Quay' as address",
        marts=[made("made", {"area_key": "text", "address": "text"})],
    )
    assert any("a column address, which is on no list" in one for one in found)


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
    ("city", "text", "'Other cities'", True),
    ("county", "text", "'Other counties'", True),
    ("city", "text", "(select city from staging.stg_advocacy__patients limit 1)", True),
    ("city", "text", "'1 Quay'", False),
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
    found = find(
        check_allowed,
        "create schema if not exists management",
        f"create table management.made as select {value}::{data_type} as {column}",
        marts=[made("made", {column: data_type})],
    )
    assert (found == []) is is_good
    assert not [one for one in found if "02134" in one or "1 Quay" in one]


def test_days_are_shown_only_where_the_build_was_told_so(find: Find) -> None:
    day = "create table clients.made as select date '2020-02-02' as service_month"
    mart = made("made", {"service_month": "date"}, schema="clients")
    assert find(check_allowed, day, marts=[mart])
    precise = "update casebook.last_build set service_date_precision = 'day'"
    assert not find(check_allowed, precise, marts=[mart])


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
    assert find(
        check_identifiers,
        f"update clients.procedure_summary set {column} = {value} where {one_row}",
    ) == [f"clients.procedure_summary.{column} shows 1 names, ids, addresses or dates of patients"]


def test_places_may_be_called_like_people_but_not_be_ids(find: Find) -> None:
    mart = made("made", {"main_city": "text"})
    name = (
        "(select last_name from staging.stg_advocacy__patients where length(last_name) > 3 limit 1)"
    )
    make = (
        "create schema if not exists management",
        f"create table management.made as select {name} as main_city",
    )
    assert find(check_identifiers, *make, marts=[mart]) == []
    assert find(
        check_identifiers, f"update management.made set main_city = {A_PATIENT}", marts=[mart]
    )


RULE = Disclosure(
    counts=("patient_count", "encounter_count"),
    money=("total_cost",),
    measures=("near_share",),
    exact=(("population", ("own",)),),
)
COUNTED = {
    "area_key": "text",
    "population": "text",
    "patient_count": "integer",
    "encounter_count": "integer",
    "total_cost": "numeric(18,2)",
    "near_share": "numeric(9,6)",
    "is_suppressed": "boolean",
}
ROWS = [
    ("'other', 10, 40, 1200, 0.5, false", None),
    ("'other', 0, 0, 0, null, false", None),
    ("'other', 20, 40, null, 0.5, false", None),
    ("'other', null, null, null, null, true", None),
    ("null, null, null, null, null, true", None),
    ("'own', 3, 7, 12.34, 0.5, false", None),
    ("'other', 3, 40, 1200, 0.5, false", "patient_count is not rounded to 10"),
    ("null, 3, 40, 1200, 0.5, false", "patient_count is not rounded to 10"),
    ("'other', -10, 40, 1200, 0.5, false", "patient_count is not rounded to 10"),
    ("'other', 10, 41, 1200, 0.5, false", "encounter_count is not rounded to 10"),
    ("'other', 10, 40, 1210, 0.5, false", "total_cost is not rounded to 100"),
    ("'other', 10, 40, 1200.01, 0.5, false", "total_cost is not rounded to 100"),
    ("'other', 10, 40, 1200, 0.5, null", "is_suppressed is not known"),
    ("'other', 10, null, null, null, true", "patient_count is shown although the row"),
    ("'other', null, null, 100, null, true", "total_cost is shown although the row"),
    ("'other', null, null, null, 0.5, true", "near_share is shown although the row"),
    ("'other', null, 40, 1200, 0.5, false", "patient_count is missing although the row is not"),
    ("'own', null, null, null, null, true", "what is a reader's own is suppressed"),
]


@pytest.mark.parametrize(("row", "text"), ROWS)
def test_counts_of_other_people_follow_the_rule(find: Find, row: str, text: str | None) -> None:
    definitions = ", ".join(f"{name} {type_}" for name, type_ in COUNTED.items())
    found = find(
        check_counts,
        "create schema if not exists management",
        f"create table management.made ({definitions})",
        f"insert into management.made values ('key', {row})",
        marts=[made("made", COUNTED, disclosure=RULE)],
    )
    assert [one for one in found if one.startswith("management.made: in 1 rows ")] == found
    assert len(found) == (text is not None)
    assert text is None or text in found[0]


PRICED = [
    ("'1', 8630.00", True),
    ("'1', 8600.00", False),
    ("'1', -4315.00", False),
    ("'2', 100.00", True),
    ("'2', 40.00", False),
    ("null, 2000.00", True),
    ("null, 100.00", False),
    ("'3', 100.00", False),
    ("'3', null", True),
]


@pytest.mark.parametrize(("row", "is_good"), PRICED)
def test_costs_of_procedures_are_multiples_of_what_ten_cost(
    find: Find, row: str, is_good: bool
) -> None:
    columns = {"procedure_code": "text", "total_cost": "numeric(18,2)"}
    found = find(
        check_counts,
        "delete from intermediate.int_procedure_prices",
        "insert into intermediate.int_procedure_prices (procedure_code, average_price)"
        " values ('1', 431.50), ('2', 4), (null, 200), ('3', null)",
        "create schema if not exists management",
        "create table management.made (procedure_code text, total_cost numeric(18,2))",
        f"insert into management.made values ({row})",
        marts=[made("made", columns, disclosure=Disclosure(counts=(), money=("total_cost",)))],
    )
    assert (found == []) == is_good


def test_without_a_flag_each_count_is_for_itself(find: Find) -> None:
    columns = {name: type_ for name, type_ in COUNTED.items() if name != "is_suppressed"}
    make = (
        "create schema if not exists management",
        "create table management.made as select null::int as patient_count,"
        " 20 as encounter_count, null::text as population, 100 as total_cost",
    )
    mart = made("made", columns, disclosure=RULE)
    assert find(check_counts, *make, marts=[mart]) == []
    assert find(check_counts, "update management.made set encounter_count = 9", marts=[mart])


LOOSER = [
    ("min_cell_size = 10", "min_cell_size below 11"),
    ("min_cell_size = null", "min_cell_size below 11"),
    ("dominance_share = 0.95", "dominance_share above 0.9"),
    ("dominance_share = null", "dominance_share above 0.9"),
]


@pytest.mark.parametrize(("change", "text"), LOOSER)
def test_a_build_that_was_told_a_looser_rule_is_found(find: Find, change: str, text: str) -> None:
    """Its rows look well: what should have been hidden is shown as any 10 is."""
    (found,) = find(check_counts, f"update casebook.last_build set {change}")
    assert text in found


RETAG = "delete from reference.specialties where procedure_code = '385763009'"
TAGS = [
    (RETAG, "the code 385763009 or a reason"),
    (
        "update sample_advocacy.procedures set description = 'Palliative CARE visit'"
        " where code = '73761001'",
        "the code 73761001 or a reason",
    ),
    (
        "update sample_advocacy.encounters set reasondescription = 'Terminal care'"
        " where ctid = (select min(ctid) from sample_advocacy.encounters)",
        "or a reason for it names a restricted kind of care",
    ),
    ("delete from reference.specialty_words", "specialty hospice has no words"),
]


@pytest.mark.parametrize(("statement", "text"), TAGS)
def test_a_code_that_names_a_specialty_has_to_be_in_one(
    find: Find, statement: str, text: str
) -> None:
    found = find(check_tags, statement)
    assert any(text in one for one in found)


HIDDEN = [
    ("procedure_code", "'385763009'"),
    ("procedure_name", "'Hospice care (regime/therapy)'"),
    ("procedure_name", "'HOSPICE CARE (regime/therapy)'"),
    ("procedure_name", "'Admission to hospice (procedure)'"),
    ("specialty_id", "'hospice'"),
    ("client_id", "'Hospice'"),
]


@pytest.mark.parametrize(("column", "value"), HIDDEN)
def test_what_a_scope_may_not_see_is_found_in_any_column(
    find: Find, column: str, value: str
) -> None:
    first = (
        "procedure_code = (select min(procedure_code) from clients.procedure_summary"
        f" where scope_id = {HUMANA_OPEN}) and scope_id = {HUMANA_OPEN}"
    )
    damage = f"update clients.procedure_summary set {column} = {value} where {first}"
    assert find(check_hidden, WITHOUT_FOREIGN_KEYS, damage) == [
        f"clients.procedure_summary.{column} names what is hidden from its scope in 1 rows"
    ]


def test_a_name_that_is_also_in_sight_may_be_shown(find: Find) -> None:
    same = (
        "update sample_advocacy.procedures set description = 'Colonoscopy'"
        " where code in ('385763009', '73761001')"
    )
    shown = (
        "update clients.procedure_summary set procedure_name = 'Colonoscopy'"
        " where procedure_code = '73761001'"
    )
    assert find(check_hidden, same, shown) == []


LOSSES = [
    (
        "update clients.procedure_summary set procedure_count = procedure_count + 1"
        f" where scope_id = {HUMANA_OPEN} and cost_rank = 1",
        "clients.procedure_summary: the sum of procedure_count",
    ),
    (
        f"delete from clients.procedure_summary where scope_id = {HUMANA_OPEN}",
        "clients.procedure_summary: the sum of total_cost",
    ),
    (
        "delete from clients.encounter_extract where ctid ="
        " (select min(ctid) from clients.encounter_extract where procedure_count = 0)",
        "clients.encounter_extract: the number of rows",
    ),
    (
        "update clients.encounter_extract set procedure_cost = procedure_cost + 0.01 where ctid ="
        " (select min(ctid) from clients.encounter_extract)",
        "clients.encounter_extract: the sum of procedure_cost",
    ),
    (
        "insert into clients.patient_extract select scope_id, md5('x'), client_id, age_band,"
        " gender, zip3, first_service_month, last_service_month, 0, 0, 0"
        " from clients.patient_extract limit 1",
        "clients.patient_extract: the number of rows",
    ),
    (
        "delete from clients.procedure_extract where ctid ="
        " (select min(ctid) from clients.procedure_extract)",
        "clients.procedure_extract: the number of rows",
    ),
    (
        "delete from reference.restrictions",
        "the sum of procedure_count",
    ),
    (
        "update reference.clients set payer_name = 'Aetna' where client_id = 'humana'",
        "the number of rows",
    ),
]


@pytest.mark.parametrize(("statement", "text"), LOSSES)
def test_rows_and_sums_of_each_scope_are_those_of_the_source(
    find: Find, statement: str, text: str
) -> None:
    assert any(text in one for one in find(check_scopes, WITHOUT_FOREIGN_KEYS, statement))


def test_rows_of_payers_that_are_not_shown_are_found_in_extracts(find: Find) -> None:
    extract = (
        "create schema if not exists extracts",
        "create table extracts.made as select encounter_id as encounter_key, claim_cost"
        " from staging.stg_advocacy__encounters inner join staging.stg_advocacy__payers"
        " using (payer_id) inner join staging.stg_reference__payer_groups using (payer_name)"
        " where detail_is_visible",
    )
    columns = {"encounter_key": "text", "claim_cost": "numeric(18,2)"}
    mart = made("made", columns, schema="extracts")
    assert find(check_extracts, *extract, marts=[mart]) == []
    more = "update reference.payer_groups set detail_is_visible = false where payer_name = 'Humana'"
    found = find(check_extracts, more, marts=[mart])
    assert any("the number of rows" in one for one in found)
    assert any("the sum of claim_cost" in one for one in found)


def test_every_mart_is_reconciled_or_counts_other_people(examined: Examined) -> None:
    """A mart of patients that no total could be compared with would be published unseen."""
    summed = {"encounter_count", "procedure_count", "procedure_cost", "claim_cost"}
    for mart in examined.of_patients:
        names = {column.name for column in mart.columns}
        assert mart.disclosure or names & summed, mart.relation


def test_names_of_relations_are_quoted(examined: Examined) -> None:
    quoted = examined.rows("select {part}", part=sql.Literal("it's"))
    assert quoted == [("it's",)]
