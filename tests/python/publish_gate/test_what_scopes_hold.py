"""The gate finds what is hidden from a scope, and what is not the scope's book."""

from __future__ import annotations

import gate_sql
import pytest
from gate_sql import made

from orchestrate.publishing.artifacts import Build
from tests.python.publish_gate.conftest import Find

TAGGED = "assert_codes_of_restricted_care_have_a_specialty"
WORDS = "assert_restricted_specialties_have_words"
HIDDEN = "assert_scopes_show_nothing_hidden"
HIDDEN_TEXT = "assert_shown_texts_name_no_hidden_care"
BOOK = "assert_marts_hold_what_the_scope_shows_of_the_export"
EXTRACTS = "assert_extracts_hold_every_visible_encounter"
PAYERS = "assert_extracts_show_no_restricted_payer"
FINDINGS = "assert_findings_name_no_restricted_payer"
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


def named(relation: str, column: str, text: str) -> str:
    """Return the statement that lets one row of the export name restricted care."""
    return (
        f"update sample_advocacy.{relation} set {column} = '{text}'"
        f" where ctid = (select min(ctid) from sample_advocacy.{relation}"
        " where code not in (select procedure_code from reference.specialties))"
    )


TAGS = [
    "delete from reference.specialties where procedure_code = '385763009'",
    "update sample_advocacy.procedures set description = 'Palliative CARE visit'"
    " where code = '73761001'",
    named("procedures", "description", "HOSPICE visit"),
    named("procedures", "reasondescription", "For palliative care"),
    named("encounters", "description", "Terminal care"),
    named("encounters", "reasondescription", "End-of-life planning"),
]


@pytest.mark.parametrize("statement", TAGS)
def test_a_code_that_names_a_specialty_has_to_be_in_one(find: Find, statement: str) -> None:
    assert len(find(TAGGED, statement)) == 1


def test_a_restricted_specialty_has_words(find: Find) -> None:
    assert find(WORDS, "delete from reference.specialty_words") == [("hospice",)]


CONCEALED = [
    ("procedure_code", "'385763009'"),
    ("procedure_name", "'Hospice care (regime/therapy)'"),
    ("procedure_name", "'HOSPICE CARE (regime/therapy)'"),
    ("procedure_name", "'Admission to hospice (procedure)'"),
    ("specialty_id", "'hospice'"),
    ("client_id", "'Hospice'"),
]


OPEN_ROW = (
    "procedure_code = (select min(procedure_code) from clients.procedure_summary"
    f" where scope_id = {HUMANA_OPEN}) and scope_id = {HUMANA_OPEN}"
)


@pytest.mark.parametrize(("column", "value"), CONCEALED)
def test_what_a_scope_may_not_see_is_found_in_any_column(
    find: Find, column: str, value: str
) -> None:
    damage = f"update clients.procedure_summary set {column} = {value} where {OPEN_ROW}"
    ((relation, found, _, rows),) = find(HIDDEN, WITHOUT_FOREIGN_KEYS, damage)
    assert (relation, found, rows) == ("procedure_summary", column, 1)


@pytest.mark.parametrize("column", ["procedure_name", "specialty_id"])
def test_a_text_that_names_what_is_hidden_is_found_whatever_its_code(
    find: Find, column: str
) -> None:
    damage = f"update clients.procedure_summary set {column} = 'To a HOSPICE' where {OPEN_ROW}"
    ((relation, found, _, rows),) = find(HIDDEN_TEXT, damage)
    assert (relation, found, rows) == ("procedure_summary", column, 1)


def test_a_hospital_may_be_called_after_care(find: Find) -> None:
    named = "update clients.hospital_activity set organization_name = 'Harbor Hospice'"
    assert (
        find(HIDDEN_TEXT, f"{named} where ctid = (select min(ctid) from clients.hospital_activity)")
        == []
    )


def test_a_name_that_is_also_in_sight_may_be_shown(find: Find) -> None:
    same = (
        "update sample_advocacy.procedures set description = 'Colonoscopy'"
        " where code in ('385763009', '73761001')"
    )
    shown = (
        "update clients.procedure_summary set procedure_name = 'Colonoscopy'"
        " where procedure_code = '73761001'"
    )
    assert find(HIDDEN, same, shown) == []


LOSSES = [
    (
        "update clients.procedure_summary set procedure_count = procedure_count + 1"
        f" where scope_id = {HUMANA_OPEN} and cost_rank = 1",
        ("procedure_summary", "procedure_count"),
    ),
    (
        f"delete from clients.procedure_summary where scope_id = {HUMANA_OPEN}",
        ("procedure_summary", "procedure_cost"),
    ),
    (
        "delete from clients.encounter_extract where ctid ="
        " (select min(ctid) from clients.encounter_extract where procedure_count = 0)",
        ("encounter_extract", "encounter_count"),
    ),
    (
        "update clients.encounter_extract set procedure_cost = procedure_cost + 0.01 where ctid ="
        " (select min(ctid) from clients.encounter_extract)",
        ("encounter_extract", "procedure_cost"),
    ),
    (
        "insert into clients.patient_extract select scope_id, md5('x'), client_id, age_band,"
        " gender, zip3, first_service_month, last_service_month, 0, 0, 0"
        " from clients.patient_extract limit 1",
        ("patient_extract", "patient_count"),
    ),
    (
        "delete from clients.procedure_extract where ctid ="
        " (select min(ctid) from clients.procedure_extract)",
        ("procedure_extract", "procedure_count"),
    ),
    (
        "delete from reference.restrictions",
        ("procedure_summary", "procedure_count"),
    ),
    (
        "update reference.clients set payer_name = 'Aetna' where client_id = 'humana'",
        ("patient_extract", "patient_count"),
    ),
    (
        f"delete from clients.hospital_activity where scope_id = {HUMANA_OPEN}",
        ("hospital_activity", "claim_cost"),
    ),
    ("delete from clients.patient_activity", ("patient_activity", "patient_count")),
    (
        f"update clients.coverage set encounter_count = 1095 where scope_id = {HUMANA_OPEN}",
        ("client_coverage", "encounter_count"),
    ),
    (
        "insert into clients.specialties select 'nobody', client_id, specialty_id,"
        " specialty_name, procedure_count, patient_count from clients.specialties limit 1",
        ("client_specialties", "procedure_count"),
    ),
]


@pytest.mark.parametrize(("statement", "place"), LOSSES)
def test_rows_and_sums_of_each_scope_are_those_of_the_source(
    find: Find, statement: str, place: tuple[str, str]
) -> None:
    assert place in {row[:2] for row in find(BOOK, WITHOUT_FOREIGN_KEYS, statement)}


def test_every_mart_of_clients_is_compared_or_counts_other_people(build: Build) -> None:
    macros = gate_sql.macros_of(build.manifest).globals
    for mart in macros["shown_marts"]():
        assert bool(mart["disclosure"]) != bool(macros["reconciled_totals"](mart)), mart["name"]


def test_rows_of_payers_that_are_not_shown_are_found_in_extracts(find: Find) -> None:
    make = (
        "create table extracts.made as select encounter_id as encounter_key, claim_cost"
        " from staging.stg_advocacy__encounters inner join staging.stg_advocacy__payers"
        " using (payer_id) inner join staging.stg_reference__payer_groups using (payer_name)"
        " where detail_is_visible"
    )
    mart = made({"encounter_key": "text", "claim_cost": "numeric(18,2)"}, schema="extracts")
    assert find(EXTRACTS, make, marts=[mart]) == []
    more = "update reference.payer_groups set detail_is_visible = false where payer_name = 'Humana'"
    found = find(EXTRACTS, more, marts=[mart])
    assert {row[:3] for row in found} == {
        ("made", "encounter_count", "all payers"),
        ("made", "claim_cost", "all payers"),
    }
    assert {row[2] for row in find(EXTRACTS)} == {"Humana", "all payers"}
    assert find(PAYERS) == [("Humana",)]


RENAMED = "update management.data_findings set subject = '{}' where finding_key = {}"
ONE_FINDING = "(select min(finding_key) from management.data_findings)"


@pytest.mark.parametrize(
    ("subject", "is_refused"),
    [
        ("UnitedHealthcare", True),
        ("NO_INSURANCE", True),
        ("UnitedHealthcare, 2013", True),
        ("UnitedHealthcare, 2013 to 2022", True),
        ("UnitedHealthcare Plus, 2013", False),
        ("UnitedHealthcare, East", False),
    ],
)
def test_findings_name_no_payer_whose_rows_are_hidden(
    find: Find, subject: str, is_refused: bool
) -> None:
    found = find(FINDINGS, RENAMED.format(subject, ONE_FINDING))
    assert [payer for _, payer in found] == [subject.split(",")[0]] * is_refused


EXTRACTED = [
    ("delete from extracts.patients where {one}", "extract_patients", "patient_count"),
    ("delete from extracts.procedures where {one}", "extract_procedures", "procedure_cost"),
    (
        "update extracts.encounters set payer_coverage = payer_coverage + 1 where {one}",
        "extract_encounters",
        "payer_coverage",
    ),
    (
        "update extracts.coverage set encounter_count = encounter_count + 1",
        "extract_coverage",
        "encounter_count",
    ),
    (
        "update management.coverage set encounter_count = encounter_count + 1",
        "management_coverage",
        "encounter_count",
    ),
]


@pytest.mark.parametrize(("statement", "relation", "measure"), EXTRACTED)
def test_rows_and_sums_of_extracts_are_those_of_the_source(
    find: Find, statement: str, relation: str, measure: str
) -> None:
    one = f"ctid = (select min(ctid) from extracts.{relation.removeprefix('extract_')})"
    found = find(EXTRACTS, WITHOUT_FOREIGN_KEYS, statement.format(one=one))
    assert (relation, measure) in {row[:2] for row in found}
