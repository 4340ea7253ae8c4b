"""Rights and policies of the catalog are exactly those that the marts declare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tiny import Tiny, function

from orchestrate.access.policies import (
    Access,
    Given,
    Policy,
    Right,
    apply_access,
    declared_access,
    difference,
    given_to,
    live_access,
    policies_of,
)
from orchestrate.contracts import read_functions, read_marts
from tests.python.access.guards import read_guards

# By login whose scope's database is changed.
MUTATIONS = {
    "program_director": [
        "grant select on residency.fct_studies to casebook_client",
        "grant select on residency.fct_studies to public",
        "grant select on residency.fct_studies to casebook_program",
        "grant select (rvu) on residency.fct_studies to other_reader",
        "grant select (rvu) on residency.fct_studies to casebook_program with grant option",
        "grant insert (study_id) on residency.fct_studies to casebook_program",
        "grant truncate on residency.fct_studies to casebook_program",
        "revoke select (rvu) on residency.fct_studies from casebook_program",
        "grant usage on schema private to casebook_program",
        "grant usage on schema residency to casebook_client",
        "grant create on schema residency to public",
        "revoke usage on schema residency from casebook_program",
        "grant select on private.versions to casebook_program",
        "grant execute on function private.current_version() to public",
        "revoke execute on function private.current_version() from casebook_program",
        "drop policy version_is_current on residency.fct_studies",
        "drop policy every_row_of_it on residency.fct_studies",
        "create policy more on residency.fct_studies for select to casebook_program using (true)",
        "create policy more on residency.fct_studies for insert to public with check (true)",
        "alter policy version_is_current on residency.fct_studies using (true)",
        "alter policy version_is_current on residency.fct_studies to casebook_program",
        "alter policy version_is_current on residency.fct_studies"
        " using (version = (select private.current_version()))",
        "alter policy every_row_of_it on residency.fct_studies to casebook_program",
        "alter policy every_row_of_it on residency.fct_studies using (version > 0)",
        "create function private.more() returns text language sql as 'select 1::text'",
        "create function residency.more() returns integer language sql as 'select 1'",
        "create or replace function private.current_version() returns bigint language sql stable"
        " security definer parallel restricted set search_path to pg_catalog, pg_temp"
        " as 'select max(version) from private.versions'",
        "alter function private.current_version() security invoker",
        "alter function private.current_version() reset search_path",
    ],
    "open_reader": [
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
    ],
}
UNMENDABLE = {
    "alter table residency.fct_studies disable row level security": "row security is off",
    "alter table residency.fct_studies force row level security": "row security is forced",
    "create view residency.shortcut as select * from residency.fct_studies": "the view",
    "create materialized view residency.copied as select 1 as one": "the materialized view",
    "create table residency.extra (a integer)": "row security is off",
    "create table residency.other (a integer) partition by list (a)": "the partitioned table",
}


def given(tiny: Tiny, audience: str) -> Given:
    """Return what the marts of the manifest give an audience."""
    marts = read_marts(tiny.manifest)
    return given_to(audience, marts, read_functions(tiny.manifest, marts))


def test_declares_what_the_marts_say(tiny: Tiny) -> None:
    tiny.publish()
    place, own = tiny.place("resident_one"), given(tiny, "resident")
    assert set(own.relations) == {
        ("residency", name)
        for name in ("case_log_totals", "fct_studies", "case_log_group_progress")
    }
    columns = {("residency", "fct_studies"): frozenset({"version", "rvu"})}
    access = declared_access(place, own, Access(columns, frozenset(), frozenset()))
    assert {policy for policy in access.policies if policy.relation == "fct_studies"} == {
        Policy(
            "residency",
            "fct_studies",
            "version_is_current",
            True,
            ("public",),
            "((version, true) = ( SELECT private.current_version() AS current_version,\n    true))",
        ),
        Policy("residency", "fct_studies", "every_row_of_it", False, ("public",), "true"),
    }
    assert access.rights == {
        Right("database", (), place.group, "CONNECT"),
        Right("database", (), "casebook_publisher", "CONNECT"),
        Right("database", (), "casebook_owner", "CREATE"),
        Right("schema", ("residency",), "casebook_resident", "USAGE"),
        Right("function", ("private", "current_version", ""), "casebook_resident", "EXECUTE"),
        Right("column", ("residency", "fct_studies", "version"), "casebook_resident", "SELECT"),
        Right("column", ("residency", "fct_studies", "rvu"), "casebook_resident", "SELECT"),
    }


@contextmanager
def as_owner(tiny: Tiny, login: str) -> Iterator[Any]:
    """Return a cursor of the owner's where a login reads; undo what it does."""
    connection = tiny.place(login).as_publisher().connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute("set role casebook_owner")
            yield cursor
    finally:
        connection.rollback()
        connection.close()


@pytest.mark.parametrize(("login", "mutations"), MUTATIONS.items(), ids=MUTATIONS)
def test_every_change_by_other_hands_is_seen_and_mended(
    tiny: Tiny, login: str, mutations: list[str]
) -> None:
    body = 'select procedure_code, 1 from "warehouse"."clients"."procedure_summary"'
    counted = function("counted", body)
    tiny.manifest["functions"] = {counted["unique_id"]: counted}
    tiny.publish(build=True)
    place = tiny.place(login)
    own = given(tiny, place.scope.audience)
    with as_owner(tiny, login) as cursor:
        declared = declared_access(place, own, live_access(cursor))
        assert difference(declared, live_access(cursor)) == []
        for mutation in mutations:
            cursor.execute("savepoint before")
            cursor.execute(mutation)
            assert difference(declared, live_access(cursor)), mutation
            apply_access(cursor, declared)
            assert difference(declared, live_access(cursor)) == [], mutation
            cursor.execute("rollback to savepoint before")


def test_what_has_no_place_in_a_scope_is_seen(tiny: Tiny) -> None:
    tiny.publish()
    place, own = tiny.place("program_director"), given(tiny, "program")
    with as_owner(tiny, "program_director") as cursor:
        for mutation, text in UNMENDABLE.items():
            cursor.execute("savepoint before")
            cursor.execute(mutation)
            live = live_access(cursor)
            found = difference(declared_access(place, own, live), live)
            assert any(text in one for one in found), mutation
            cursor.execute("rollback to savepoint before")


def test_a_table_that_nobody_reads_keeps_its_policies_only(tiny: Tiny) -> None:
    tiny.publish()
    gone = ("residency", "gone")
    live = Access({gone: frozenset({"version"})}, frozenset(), frozenset())
    access = declared_access(tiny.place("program_director"), Given({}, ()), live)
    assert access.policies == set(policies_of(gone))
    assert not [right for right in access.rights if right.kind in {"column", "schema"}]


def test_every_guard_of_the_tests_stands(tiny: Tiny) -> None:
    tiny.publish()
    for login in ("program_director", "resident_one", "open_reader"):
        with as_owner(tiny, login) as cursor:
            assert [guard for guard in read_guards(cursor) if not guard.stands] == []
