"""What a reader can and cannot do, tried by logging in as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors
from scoped import elsewhere
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
    connections = {login: published.reader(login).connect(autocommit=True) for login in READERS}
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
            except errors.UndefinedTable:
                continue
            assert found == (1,)


def test_audiences_do_not_meet(cursors: Any) -> None:
    """What another audience reads is not there."""
    for login, relation in (
        ("program_director", "clients.procedure_summary"),
        ("open_reader", "residency.case_log_group_progress"),
        ("staff_member", "residency.fct_studies"),
        ("staff_member", "clients.procedure_summary"),
    ):
        with pytest.raises(errors.UndefinedTable):
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
        "select * from private.versions",
        "select * from private.pointer",
        "select private.current_version()",
        "set role casebook_owner",
        "set role casebook_publisher",
        "set session authorization program_director_of_another",
        "set session authorization casebook_owner",
        "select lo_create(0)",
        "select pg_read_file('/etc/passwd')",
        "alter role current_user nosuperuser createrole",
        "lock table {relation} in access exclusive mode",
        "lock table {relation} in row exclusive mode",
        "analyze (verbose) private.versions",
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


def test_conditions_of_a_reader_never_run_on_rows_of_another_version(cursors: Any) -> None:
    """Errors of a condition would tell of rows out of sight, such as of the studies of before."""
    cursor = cursors["program_director"]
    for condition in (
        "1 / (case when study_id like 'g1-%' then 0 else 1 end) = 1",
        "replace(study_id, 'g2-', '')::integer >= 0",
    ):
        cursor.execute(f"select * from residency.fct_studies where {condition}")
        assert len(cursor.fetchall()) == 20


def test_no_reader_gets_into_another_database(published: Any) -> None:
    databases = {login: published.place(login).database for login in READERS}
    for login, own in databases.items():
        others = {published.databases.warehouse.database, "postgres", "template1", "template0"}
        for name in (others | set(databases.values())) - {own}:
            with pytest.raises(DatabaseError, match=r"permission denied|not currently accepting"):
                elsewhere(published.databases, login, name).connect()


def test_logins_are_limited(published: Any) -> None:
    rows = published.as_owner(
        "select rolname::text, rolconnlimit, rolsuper or rolcreaterole or rolcreatedb"
        " or rolbypassrls or rolreplication,"
        " array(select roleid::regrole::text from pg_auth_members where member = pg_roles.oid)"
        " from pg_roles where rolname in ('open_reader', 'program_director') order by 1"
    )
    assert [(name, 0 < limit <= 20, *rest) for name, limit, *rest in rows] == [
        (login, True, False, [published.place(login).group])
        for login in ("open_reader", "program_director")
    ]
    assert published.read("open_reader", "show statement_timeout") == [("5min",)]
    # As the login is set, whatever the server's own setting is.
    assert published.read(
        "open_reader", "select setting, source from pg_settings where name = 'jit'"
    ) == [("off", "user")]
    assert published.read("open_reader", "show timezone") == [("UTC",)]
