"""Rights and policies of the catalog are exactly those that the marts declare."""

from __future__ import annotations

from typing import Any

import pytest
from tiny import function

from orchestrate.access.policies import (
    OWN_RESIDENT,
    Policy,
    Right,
    apply_access,
    declared_access,
    difference,
    live_access,
)
from orchestrate.contracts import Mart, read_functions, read_marts

MUTATIONS = [
    "grant select on residency.fct_studies to casebook_client",
    "grant select on residency.fct_studies to public",
    "grant select on residency.fct_studies to casebook_program",
    "grant select (rvu) on residency.fct_studies to uhc",
    "grant select (rvu) on residency.fct_studies to casebook_program with grant option",
    "grant insert (study_id) on residency.fct_studies to casebook_program",
    "grant truncate on residency.fct_studies to casebook_program",
    "revoke select (rvu) on residency.fct_studies from casebook_program",
    "grant usage on schema private to casebook_program",
    "grant usage on schema clients to casebook_program",
    "grant create on schema residency to public",
    "revoke usage on schema residency from casebook_resident",
    "grant select on private.members to casebook_program",
    "grant execute on function private.reader_scope() to public",
    "revoke execute on function private.reader_scope() from casebook_client",
    "drop policy version_is_current on residency.fct_studies",
    "drop policy scope_is_own on clients.procedure_summary",
    "drop policy resident_reads on residency.fct_studies",
    "create policy more on residency.fct_studies for select to casebook_client using (true)",
    "alter policy version_is_current on residency.fct_studies using (true)",
    "alter policy version_is_current on residency.fct_studies to casebook_program",
    "alter policy scope_is_own on clients.procedure_summary using (scope_id is not null)",
    "alter policy resident_reads on residency.fct_studies to public",
    "alter policy resident_reads on residency.fct_studies using (true)",
    "create function private.more() returns text language sql as 'select 1::text'",
    "create function residency.more() returns integer language sql as 'select 1'",
    "create or replace function private.reader_scope() returns text language sql stable"
    " security definer parallel restricted set search_path to pg_catalog, pg_temp"
    " as 'select scope_id from private.members limit 1'",
    "alter function private.current_version() security invoker",
    "alter function private.current_version() reset search_path",
    "alter function clients.counted(text) security definer",
    "alter function clients.counted(text) reset all",
    "alter function clients.counted(text) set search_path to residency, pg_catalog",
    "alter function clients.counted(text) set row_security to off",
    "alter function clients.counted(text) volatile",
    "alter function clients.counted(text) parallel safe",
    "comment on function clients.counted(text) is 'hospice'",
    "drop function clients.counted(text)",
    "create function clients.counted(integer) returns integer language sql as 'select 1'",
    "grant execute on function clients.counted(text) to public",
    "grant execute on function clients.counted(text) to casebook_staff",
    "revoke execute on function clients.counted(text) from casebook_client",
    "create policy add on residency.fct_studies for insert to public with check (true)",
]
UNMENDABLE = {
    "alter table residency.fct_studies disable row level security": "row security is off",
    "alter table residency.fct_studies force row level security": "row security is forced",
    "create view residency.shortcut as select * from residency.fct_studies": "the view",
    "create materialized view residency.copied as select 1 as one": "the materialized view",
    "create table clients.extra (a integer)": "row security is off",
    "create table residency.other (a integer) partition by list (a)": "the partitioned table",
}


def test_declares_what_the_marts_say(tiny: Any) -> None:
    access = declared_access(read_marts(tiny.manifest))
    assert {policy for policy in access.policies if policy.relation == "fct_studies"} == {
        Policy(
            "residency",
            "fct_studies",
            "version_is_current",
            True,
            ("public",),
            "(version = ( SELECT private.current_version() AS current_version))",
        ),
        Policy("residency", "fct_studies", "program_reads", False, ("casebook_program",), "true"),
        Policy(
            "residency",
            "fct_studies",
            "resident_reads",
            False,
            ("casebook_resident",),
            OWN_RESIDENT,
        ),
    }
    assert {
        policy.name for policy in access.policies if policy.relation == "procedure_summary"
    } == {
        "version_is_current",
        "scope_is_own",
        "client_reads",
    }
    assert Right(
        "column", ("clients", "procedure_summary", "scope_id"), "casebook_client", "SELECT"
    )
    usage = {right for right in access.rights if right.kind == "schema"}
    assert usage == {
        Right("schema", ("residency",), "casebook_program", "USAGE"),
        Right("schema", ("residency",), "casebook_resident", "USAGE"),
        Right("schema", ("clients",), "casebook_client", "USAGE"),
    }


def test_every_change_by_other_hands_is_seen_and_mended(tiny: Any) -> None:
    body = 'select procedure_code, 1 from "warehouse"."clients"."procedure_summary"'
    counted = function("counted", body)
    tiny.manifest["functions"] = {counted["unique_id"]: counted}
    tiny.publish(build=True)
    marts = read_marts(tiny.manifest)
    declared = declared_access(marts, read_functions(tiny.manifest, marts))
    with tiny.databases.publisher.connect() as connection, connection.cursor() as cursor:
        cursor.execute("set role casebook_owner")
        assert difference(declared, live_access(cursor)) == []
        for mutation in MUTATIONS:
            cursor.execute("savepoint before")
            cursor.execute(mutation.replace(" to uhc", " to other_reader"))
            assert difference(declared, live_access(cursor)), mutation
            apply_access(cursor, declared)
            assert difference(declared, live_access(cursor)) == [], mutation
            cursor.execute("rollback to savepoint before")
        connection.rollback()
    connection.close()


@pytest.fixture
def published_tiny(tiny: Any) -> Any:
    tiny.publish()
    return tiny


def test_what_has_no_place_in_reporting_is_seen(published_tiny: Any) -> None:
    declared = declared_access(read_marts(published_tiny.manifest))
    with published_tiny.databases.publisher.connect() as connection:
        with connection.cursor() as cursor:
            cursor.execute("set role casebook_owner")
            for mutation, text in UNMENDABLE.items():
                cursor.execute("savepoint before")
                cursor.execute(mutation)
                found = difference(declared, live_access(cursor))
                assert any(text in one for one in found), mutation
                cursor.execute("rollback to savepoint before")
        connection.rollback()
    connection.close()


def test_a_mart_without_readers_keeps_its_version_policy_only() -> None:
    access = declared_access([Mart("", "residency", "gone", "", "", (), ("a",))])
    assert [policy.name for policy in access.policies] == ["version_is_current"]
    assert not [right for right in access.rights if right.kind in {"column", "schema"}]
