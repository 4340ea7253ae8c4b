"""What a reader's database keeps from the server's functions, statistics and connections.

Each attack has to succeed in a database as a server makes them, and to fail in one of the template.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg2
import pytest
from defended import CLOSED, LOGIN, OPEN, OTHER, Server, cursor_of, run_script, server
from psycopg2 import errors

from orchestrate.database.defences import (
    CLOSING_STATEMENT,
    TEMPLATE,
    limit_statements,
    open_to_everybody,
    template_for,
)
from orchestrate.driver import Connection
from tests.python.outputs import CHANGES_BY_ITSELF, every_answer

__all__ = ["server"]

# Each stores something, keeps others waiting, or tells what others do.
ATTACKS = (
    "select pg_advisory_xact_lock(1)",
    "select pg_try_advisory_lock_shared(1, 2)",
    "select pg_logical_emit_message(false, 'prefix', repeat('x', 1000))",
    "select pg_notify('channel', 'message')",
    "select lo_create(0)",
    "select lo_from_bytea(0, 'x')",
    "select pg_sleep(0)",
    "select pg_export_snapshot()",
    "select pg_tablespace_size('pg_default')",
    "select pg_database_size(current_database())",
    "select txid_current()",
    "select txid_current_snapshot()",
    "select pg_current_xact_id_if_assigned()",
    "select pg_current_snapshot()",
    "select age('3'::xid)",
    "select pg_xact_status('3')",
    "select pg_current_wal_lsn()",
    "select pg_last_wal_replay_lsn()",
    "select checkpoint_lsn from pg_control_checkpoint()",
    "select pg_lock_status()",
    "select pg_stat_get_activity(null)",
    "select pg_stat_get_db_tuples_inserted(oid) from pg_database",
    "select tup_inserted from pg_stat_database",
    "select count(*) from pg_stat_activity",
    "select count(*) from pg_stat_user_tables",
    "select count(*) from pg_statio_all_tables",
    "select count(*) from pg_locks",
    "select count(*) from pg_prepared_xacts",
    "select count(*) from pg_replication_slots",
    "select count(*) from pg_shdepend",
)
WHOLE_LOCK_TABLE = (
    "select count(pg_advisory_xact_lock(number)) from generate_series(1, 50000) number"
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_the_server_brings_is_closed_in_copies_of_the_template_alone(
    server: Server, attack: str
) -> None:
    with cursor_of(server.login(OPEN)) as cursor:
        cursor.execute(attack)
    with cursor_of(server.login(CLOSED)) as cursor, pytest.raises(errors.InsufficientPrivilege):
        cursor.execute(attack)


def test_nobody_fills_the_table_of_locks(server: Server) -> None:
    with cursor_of(server.login(OPEN)) as cursor, pytest.raises(errors.OutOfMemory):
        cursor.execute(WHOLE_LOCK_TABLE)
    with cursor_of(server.login(CLOSED)) as cursor, pytest.raises(errors.InsufficientPrivilege):
        cursor.execute(WHOLE_LOCK_TABLE)


def what_changes(server: Server, database: str) -> set[str]:
    """Return the queries that answer a login otherwise after others wrote 20,000 rows."""
    with cursor_of(server.login(database)) as cursor:
        before = dict(every_answer(cursor))
        for other in (server.builder, server.administrator):
            with cursor_of(other, OTHER) as writer:
                writer.execute(
                    "insert into filled select number + (select count(*) from filled)"
                    " from generate_series(1, 10000) as number"
                )
                writer.execute("analyze filled")
                writer.execute(f"create table {database}_{other.user} as select * from filled")
                writer.execute("select pg_stat_force_next_flush()")
                if other is server.administrator:
                    writer.execute("checkpoint")
        time.sleep(1.2)  # what sessions count is put together when they have been idle for a second
        after = dict(every_answer(cursor))
    assert before.keys() == after.keys()
    assert len(before) > 150
    return {query for query in before if before[query] != after[query]}


@pytest.mark.slow
def test_rows_written_into_another_database_show_nowhere(
    server: Server, figure: Callable[[str], None]
) -> None:
    with cursor_of(server.administrator) as cursor:
        # It takes samples of catalogs whenever it likes.
        cursor.execute("alter system set autovacuum = off")
        cursor.execute("select pg_reload_conf()")
    told = what_changes(server, OPEN) - CHANGES_BY_ITSELF.keys()
    assert {query.split()[3].partition(".")[2] for query in told} >= {
        *("pg_stat_database", "pg_stat_wal", "pg_current_wal_lsn()", "txid_current()"),
    }
    assert what_changes(server, CLOSED) <= CHANGES_BY_ITSELF.keys()
    with cursor_of(server.administrator) as cursor:
        cursor.execute("alter system reset autovacuum")
        cursor.execute("select pg_reload_conf()")
    figure(f"defences: {len(told)} queries tell what others write, none where they are closed")


def test_what_is_open_is_told_statement_by_statement(server: Server) -> None:
    with cursor_of(server.builder, CLOSED) as cursor:
        assert open_to_everybody(cursor) == []
    with cursor_of(server.administrator, OPEN) as cursor:
        cursor.execute("begin")
        statements = open_to_everybody(cursor)
        assert len(statements) > 300
        assert "revoke execute on function lo_create(oid) from public;" in statements
        assert "revoke select on pg_stat_database from public;" in statements
        cursor.execute("".join(statements))
        assert open_to_everybody(cursor) == []
        cursor.execute("rollback")


def test_what_a_later_version_adds_is_closed_too(server: Server) -> None:
    with cursor_of(server.administrator, CLOSED) as cursor:
        cursor.execute("begin; set local allow_system_table_mods = on")
        cursor.execute(
            "create function pg_catalog.pg_do_more() returns integer language sql volatile as"
            " 'select 1';"
            "create function pg_catalog.pg_stat_get_more() returns integer language sql stable as"
            " 'select 1';"
            "create view pg_catalog.pg_more as select pg_do_more();"
            "grant select on pg_catalog.pg_more to public"
        )
        assert open_to_everybody(cursor) == [
            "revoke execute on function pg_do_more() from public;",
            "revoke execute on function pg_stat_get_more() from public;",
            "revoke select on pg_more from public;",
        ]
        cursor.execute(CLOSING_STATEMENT)
        assert open_to_everybody(cursor) == []
        cursor.execute("rollback")


def test_only_a_superusers_template_is_used_and_nobody_gets_into_it(server: Server) -> None:
    for target in (server.builder, server.login(OPEN)):
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            psycopg2.connect(target.derive(dbname=TEMPLATE).uri(), password=target.password())
    with cursor_of(server.builder) as cursor:
        assert template_for(cursor) == TEMPLATE
        with cursor_of(server.administrator) as administrator:
            administrator.execute(f"alter database {TEMPLATE} owner to {server.builder.user}")
            assert template_for(cursor) == "template0"
            administrator.execute(f"alter database {TEMPLATE} owner to current_user")
            administrator.execute(f"alter database {TEMPLATE} is_template false")
            assert template_for(cursor) == "template0"
        run_script(server)  # may be repeated
        assert template_for(cursor) == TEMPLATE


def test_the_builder_limits_files_and_the_login_cannot_change_it(server: Server) -> None:
    fills = (
        "select count(*) from (select number from generate_series(1, 1000000) number order by 1)"
    )
    fills += " as sorted"
    with cursor_of(server.login(CLOSED)) as cursor:
        cursor.execute("set work_mem = '64kB'")
        cursor.execute(fills)
    with cursor_of(server.builder) as cursor:
        cursor.execute(f"alter role {LOGIN} set temp_file_limit = '1MB'")
    with cursor_of(server.login(CLOSED)) as cursor:
        for change in (
            "set temp_file_limit = -1",
            "set local temp_file_limit = -1",
            "select set_config('temp_file_limit', '-1', false)",
            f"alter role {LOGIN} set temp_file_limit = -1",
            f"alter role {LOGIN} reset temp_file_limit",
            f"alter role {LOGIN} in database {CLOSED} set temp_file_limit = -1",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                cursor.execute(change)
        cursor.execute(f"alter role {LOGIN} reset all")
    with cursor_of(server.login(CLOSED)) as cursor:
        cursor.execute("reset all; set work_mem = '64kB'")
        with pytest.raises(errors.ConfigurationLimitExceeded):
            cursor.execute(fills)
    with cursor_of(server.builder) as cursor:
        cursor.execute(f"alter role {LOGIN} reset temp_file_limit")


def test_logins_never_take_the_connections_of_the_builder(server: Server) -> None:
    with cursor_of(server.administrator) as cursor:
        if cursor.connection.server_version < 160000:
            assert len(limit_statements(cursor, "anybody")) == 1
            pytest.skip("Reserved connections came with PostgreSQL 16")
    target = server.login(CLOSED)
    opened: list[Connection] = []

    def open_another() -> None:
        opened.append(psycopg2.connect(target.uri(), password=target.password()))

    try:
        for _ in range(60):
            open_another()
        with pytest.raises(psycopg2.OperationalError, match="remaining connection slots"):
            [open_another() for _ in range(100)]
        with cursor_of(server.builder) as cursor:
            cursor.execute(f"grant pg_use_reserved_connections to {LOGIN}")
            open_another()
            cursor.execute(f"revoke pg_use_reserved_connections from {LOGIN}")
        with pytest.raises(psycopg2.OperationalError, match="remaining connection slots"):
            open_another()
    finally:
        for connection in opened:
            connection.close()
