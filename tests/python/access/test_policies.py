"""Rights and policies of the catalog are exactly those that the marts declare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tiny import Tiny
from tiny_manifest import function

from orchestrate.access.policies import (
    Given,
    access_changes,
    apply_access,
    foreign_objects,
)
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
        "alter function private.is_given(private.answer) volatile",
        "create or replace function private.is_given(private.answer) returns boolean language sql"
        " immutable parallel safe as 'select true'",
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
    "create view residency.shortcut as select * from residency.fct_studies": "no contract",
    "create materialized view residency.copied as select 1 as one": "no contract",
    "create table residency.extra (a integer)": "no contract describes residency.extra",
    "create table residency.other (a integer) partition by list (a)": "no contract",
}


GIVEN = "select given from private.versions inner join private.pointer on version = current_version"
RIGHTS = """
    select given.grantee::regrole::text, format('%s %s.%s', privilege_type, relname, attname)
    from pg_attribute
    inner join pg_class on pg_class.oid = attrelid
    cross join lateral aclexplode(attacl) as given
    where relname = 'fct_studies'
    union all
    select given.grantee::regrole::text, format('%s %s', privilege_type, proname)
    from pg_proc cross join lateral aclexplode(proacl) as given
    where pronamespace = 'private'::regnamespace and given.grantee <> proowner
    union all
    select given.grantee::regrole::text, format('%s %s', privilege_type, nspname)
    from pg_namespace cross join lateral aclexplode(nspacl) as given
    where nspname in ('residency', 'private', 'public') and given.grantee <> nspowner
    union all
    select given.grantee::regrole::text, privilege_type
    from pg_database cross join lateral aclexplode(datacl) as given
    where datname = current_database() and given.grantee <> datdba
"""


def test_readers_get_what_the_marts_say(tiny: Tiny) -> None:
    tiny.publish()
    place = tiny.place("resident_one")
    relations = "select tablename from pg_tables where schemaname = 'residency' order by 1"
    assert tiny.as_owner(relations, "resident_one") == [
        ("case_log_group_progress",),
        ("case_log_totals",),
        ("fct_studies",),
    ]
    policies = (
        "select policyname, permissive, roles::text, cmd, qual, with_check from pg_policies"
        " where tablename = 'fct_studies' order by 1"
    )
    assert tiny.as_owner(policies, "resident_one") == [
        ("every_row_of_it", "PERMISSIVE", "{public}", "SELECT", "true", None),
        (
            "version_is_current",
            "RESTRICTIVE",
            "{public}",
            "SELECT",
            "((version, true) = ( SELECT private.current_version() AS current_version,\n"
            "    'given'::private.answer AS answer))",
            None,
        ),
    ]
    columns = ("version", "study_id", "resident_name", "rvu")
    assert set(tiny.as_owner(RIGHTS, "resident_one")) == {
        (place.group, "CONNECT"),
        ("casebook_publisher", "CONNECT"),
        ("casebook_owner", "CREATE"),
        ("casebook_resident", "USAGE residency"),
        ("casebook_resident", "EXECUTE current_version"),
        ("casebook_resident", "EXECUTE is_given"),
        *(("casebook_resident", f"SELECT fct_studies.{column}") for column in columns),
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
    with as_owner(tiny, login) as cursor:
        own = given(cursor)
        assert access_changes(cursor, place, own) == []
        for mutation in mutations:
            cursor.execute("savepoint before")
            cursor.execute(mutation)
            assert access_changes(cursor, place, own), mutation
            apply_access(cursor, place, own)
            assert access_changes(cursor, place, own) == [], mutation
            cursor.execute("rollback to savepoint before")


def given(cursor: Any) -> Given:
    """Return what the version that is shown gives."""
    cursor.execute(GIVEN)
    return Given.from_json(cursor.fetchone()[0])


def test_what_has_no_place_in_a_scope_is_seen(tiny: Tiny) -> None:
    tiny.publish()
    place = tiny.place("program_director")
    with as_owner(tiny, "program_director") as cursor:
        own = given(cursor)
        for mutation, text in UNMENDABLE.items():
            cursor.execute("savepoint before")
            cursor.execute(mutation)
            for found in (
                foreign_objects(cursor),
                [change.problem for change in access_changes(cursor, place, own)],
            ):
                assert any(text in one for one in found), mutation
            cursor.execute("rollback to savepoint before")


def test_a_table_that_nobody_reads_keeps_its_policies_only(tiny: Tiny) -> None:
    tiny.publish()
    place = tiny.place("program_director")
    with as_owner(tiny, "program_director") as cursor:
        kept = Given({}, ())
        apply_access(cursor, place, kept)
        assert access_changes(cursor, place, kept) == []
        cursor.execute(RIGHTS)
        assert not {right for _, right in cursor if right.startswith(("SELECT", "USAGE"))}
        cursor.execute("select count(*) from pg_policies where tablename = 'fct_studies'")
        assert cursor.fetchone() == (2,)


def test_every_guard_of_the_tests_stands(tiny: Tiny) -> None:
    tiny.publish()
    for login in ("program_director", "resident_one", "open_reader"):
        with as_owner(tiny, login) as cursor:
            assert [guard for guard in read_guards(cursor) if not guard.stands] == []
