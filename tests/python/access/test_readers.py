"""What a reader can and cannot do, tried by logging in as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors
from tiny import make_tiny

from orchestrate.errors import DatabaseError

READERS = ["program_director", "resident_one", "open_reader", "hospice_reader", "staff_member"]


@pytest.fixture(scope="module")
def published(tiny_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a tiny Casebook with two versions published; tests only read it."""
    with make_tiny(tiny_server, tmp_path_factory.mktemp("readers")) as tiny:
        for generation in range(1, 3):
            tiny.build(generation)
            tiny.publish()
        yield tiny


@pytest.fixture(scope="module")
def cursors(published: Any) -> Iterator[dict[str, Any]]:
    """Return a cursor per reader, autocommitting."""
    connections = {
        login: published.databases.reader(login).connect(autocommit=True) for login in READERS
    }
    yield {login: connection.cursor() for login, connection in connections.items()}
    for connection in connections.values():
        connection.close()


def fetch(cursor: Any, query: str) -> list[tuple[Any, ...]]:
    cursor.execute(query)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def test_each_reader_sees_its_own_rows(cursors: Any) -> None:
    studies = "select count(*), count(distinct resident_name) from residency.fct_studies"
    assert fetch(cursors["program_director"], studies) == [(20, 2)]
    assert fetch(cursors["resident_one"], studies) == [(10, 1)]
    progress = "select completed from residency.case_log_group_progress"
    assert fetch(cursors["resident_one"], progress) == [(2,)]
    codes = "select procedure_code from clients.procedure_summary order by 1"
    assert fetch(cursors["open_reader"], codes) == [("73761001",)]
    assert fetch(cursors["hospice_reader"], codes) == [("385763009",), ("73761001",)]
    for login in READERS:
        for relation in ("residency.fct_studies", "clients.procedure_summary"):
            try:
                (found,) = fetch(cursors[login], f"select count(distinct version) from {relation}")
            except errors.InsufficientPrivilege:
                continue
            assert found == (1,)


def test_audiences_do_not_meet(cursors: Any) -> None:
    for login, relation in (
        ("program_director", "clients.procedure_summary"),
        ("open_reader", "residency.case_log_group_progress"),
        ("staff_member", "residency.fct_studies"),
        ("staff_member", "clients.procedure_summary"),
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            fetch(cursors[login], f"select * from {relation}")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into {relation} select * from {relation}",
        "update {relation} set version = version",
        "delete from {relation}",
        "truncate {relation}",
        "select * from {relation} for update",
        "copy {relation} from program 'true'",
        "copy {relation} to program 'cat'",
        "copy {relation} to '/tmp/casebook-stolen'",
        "alter table {relation} disable row level security",
        "drop policy version_is_current on {relation}",
        "create policy mine on {relation} using (true)",
        "create index on {relation} (version)",
        "create view {schema}.mine as select 1",
        "create table {schema}.mine (a integer)",
        "create table public.mine (a integer)",
        "create temporary table mine (a integer)",
        "create temporary view mine as select 1",
        "create function pg_temp.mine() returns integer language sql as 'select 1'",
        "create function {schema}.mine() returns integer language sql as 'select 1'",
        "create schema mine",
        "create role mine",
        "grant casebook_program to current_user",
        "select ctid from {relation}",
        "select tableoid from {relation}",
        "select xmin from {relation}",
        "select * from private.members",
        "select * from private.pointer",
        "select private.current_version()",
        "select private.reader_scope()",
        "set role casebook_owner",
        "set role casebook_publisher",
        "set session authorization program_director_of_another",
        "set session authorization casebook_owner",
        "select lo_create(0)",
        "select pg_read_file('/etc/passwd')",
        "alter role current_user nosuperuser createrole",
        "lock table {relation} in access exclusive mode",
        "lock table {relation} in row exclusive mode",
        "analyze (verbose) private.members",
        "select * from pg_statistic",
        "listen_is_no_statement",
    ],
)
def test_no_reader_does_what_only_the_owner_may(cursors: Any, statement: str) -> None:
    relations = {
        "program_director": "residency.fct_studies",
        "resident_one": "residency.fct_studies",
        "open_reader": "clients.procedure_summary",
        "hospice_reader": "clients.procedure_summary",
    }
    for login, relation in relations.items():
        text = statement.format(relation=relation, schema=relation.split(".")[0])
        with pytest.raises(psycopg2.Error):
            cursors[login].execute(text)


def test_hopping_and_spoofing_change_nothing(cursors: Any) -> None:
    """A group's role, settings and cached plans show no more than the login's own rows."""
    cursor = cursors["open_reader"]
    query = "select procedure_code from clients.procedure_summary"
    own = fetch(cursor, query)
    cursor.execute("prepare cached as " + query)
    for attempt in (
        "set role casebook_client",
        "set row_security = off",
        "set search_path = pg_temp, clients, private",
        "set session_replication_role = 'replica'",
        "set casebook.scope_id = 'scope-humana-more'",
        "set enable_indexscan = off; set enable_bitmapscan = off",
        "set plan_cache_mode = 'force_generic_plan'",
    ):
        try:
            cursor.execute(attempt)
        except errors.InsufficientPrivilege:
            continue
        for select in (query, "execute cached"):
            try:
                assert fetch(cursor, select) == own, attempt
            except errors.InsufficientPrivilege:
                # With row_security off PostgreSQL refuses rather than shows more.
                assert attempt == "set row_security = off"
        cursor.execute("reset all; reset role")


def test_conditions_of_a_reader_never_run_on_rows_of_others(cursors: Any) -> None:
    """Errors and notices of a condition would tell of rows out of sight."""
    cursor = cursors["open_reader"]
    cursor.execute(
        "select * from clients.procedure_summary"
        " where 1 / (case when specialty_id = 'hospice' then 0 else 1 end) = 1"
    )
    assert len(cursor.fetchall()) == 1
    cursor.execute("select * from clients.procedure_summary where specialty_id::integer = 73761001")
    assert len(cursor.fetchall()) == 1


def test_a_plan_tells_nothing_of_rows_out_of_sight(cursors: Any) -> None:
    """No rows are removed by a policy's filter, and estimates are the same for any value."""
    for login, relation, column in (
        ("open_reader", "clients.procedure_summary", "procedure_code"),
        ("resident_one", "residency.fct_studies", "resident_name"),
        ("resident_one", "residency.case_log_totals", "resident_name"),
    ):
        plan = str(fetch(cursors[login], f"explain (analyze) select * from {relation}"))
        assert "Removed" not in plan
        assert "Seq Scan" not in plan
        estimates = {
            str(
                fetch(cursors[login], f"explain select * from {relation} where {column} = {text}")
            ).replace(text.strip("'"), "")
            for text in ("'385763009'", "'One, Ann'", "'Two, Bob'", "'nobody'")
        }
        assert len(estimates) == 1
        statistics = "select * from pg_stats where schemaname in ('clients', 'residency')"
        assert fetch(cursors[login], statistics) == []


def test_no_reader_gets_into_another_database(published: Any) -> None:
    databases = published.databases
    for login in READERS:
        for name in (databases.warehouse.database, "postgres", "template1"):
            with pytest.raises(DatabaseError, match=r"permission denied for database"):
                databases.reader(login).derive(dbname=name).connect()


def test_every_relation_is_guarded(published: Any) -> None:
    """From the catalog: row security on, version first and restricted, no right on whole tables."""
    tables = published.as_owner(
        "select oid, oid::regclass::text, relrowsecurity, relforcerowsecurity, relacl is null"
        " or not exists (select from aclexplode(relacl) where grantee <> relowner)"
        " from pg_class where relkind in ('r', 'p', 'v', 'm', 'f') and relnamespace in"
        " (select oid from pg_namespace where nspname !~ '^pg_|^information_schema$|^private$')"
    )
    assert len(tables) == 4
    for oid, name, is_enabled, is_forced, has_column_rights_only in tables:
        assert (is_enabled, is_forced, has_column_rights_only) == (True, False, True), name
        restrictive = published.as_owner(
            "select polname, polroles = '{0}' from pg_policy where not polpermissive"
            f" and polrelid = {oid} order by 1"
        )
        expected = [("scope_is_own", True)] if name.startswith("clients.") else []
        assert restrictive == [*expected, ("version_is_current", True)], name


def test_logins_are_limited(published: Any) -> None:
    rows = published.as_owner(
        "select rolname::text, rolconnlimit, rolsuper or rolcreaterole or rolcreatedb"
        " or rolbypassrls or rolreplication,"
        " array(select roleid::regrole::text from pg_auth_members where member = pg_roles.oid)"
        " from pg_roles where rolname in ('open_reader', 'program_director') order by 1"
    )
    assert rows == [
        ("open_reader", 20, False, ["casebook_client"]),
        ("program_director", 20, False, ["casebook_program"]),
    ]
    assert published.read("open_reader", "show statement_timeout") == [("5min",)]
    # As the login is set, whatever the server's own setting is.
    assert published.read(
        "open_reader", "select setting, source from pg_settings where name = 'jit'"
    ) == [("off", "user")]
    assert published.read("open_reader", "show timezone") == [("UTC",)]
