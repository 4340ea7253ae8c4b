"""What a new embedded server gets: the builder, the warehouse, closed doors."""

from __future__ import annotations

from pathlib import Path

from psycopg2 import sql

from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.files import replace_text
from orchestrate.database.objects import database_exists, role_exists, scram_verifier
from orchestrate.driver import Connection

BUILDER = "casebook_builder"
WAREHOUSE = "warehouse"

_MARK = "casebook.prepared"
# Raised when the statements below change, so that older servers get them too.
_GENERATION = "3"

# Functions of the server that nobody needs who only reads, as conditions on pg_proc: those that
# store large objects, and the server's counters. A counter of the rows that were read of a table
# grows by the rows of whoever else reads it, so that watching it counts what is out of sight.
LARGE_OBJECTS = "(proname like 'lo\\_%' or proname in ('loread', 'lowrite'))"
COUNTERS = "(proname like 'pg\\_stat\\_get\\_%' and proname <> 'pg_stat_get_activity')"

_FUNCTIONS_TO_CLOSE = f"""
    select oid::regprocedure::text
    from pg_catalog.pg_proc
    where pronamespace = 'pg_catalog'::regnamespace and ({LARGE_OBJECTS} or {COUNTERS})
    order by 1
"""
_DATABASES = "select datname::text from pg_catalog.pg_database where datallowconn order by 1"


def is_prepared(data_dir: Path) -> bool:
    """Tell whether `prepare` was done on a data folder."""
    mark = data_dir / _MARK
    return mark.exists() and mark.read_text(encoding="utf-8").strip() == _GENERATION


def prepare(data_dir: Path, administrator: ConnectionTarget, builder_password: str) -> None:
    """Make role, databases and privileges; may be repeated, after a crash or for a new password.

    New databases are copies of template1, so what is closed there is closed in all of them; those
    that an earlier release made are closed one by one.
    """
    with administrator.session() as connection, connection.cursor() as cursor:
        cursor.execute(_DATABASES)
        databases = [name for (name,) in cursor.fetchall()]
    for name in databases:
        with administrator.derive(dbname=name).session() as connection:
            _close_schema_and_functions(connection)
    with administrator.session() as connection:
        _close_database(connection, "template1")
        _close_database(connection, "postgres")
        _ensure_builder(connection, builder_password)
        if not database_exists(connection, WAREHOUSE):
            with connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL("create database {} owner {}").format(
                        sql.Identifier(WAREHOUSE), sql.Identifier(BUILDER)
                    )
                )
        _close_database(connection, WAREHOUSE)
    replace_text(data_dir / _MARK, f"{_GENERATION}\n")


def _ensure_builder(connection: Connection, password: str) -> None:
    """Make the builder, or give it the stored password again; it is no superuser."""
    with connection.cursor() as cursor:
        # dbt connects anew for each of some hundred models and tests. Many iterations slow down who
        # guesses a password that a person thought of; nobody guesses a generated one.
        cursor.execute("set scram_iterations = 64")
        verb = "alter" if role_exists(connection, BUILDER) else "create"
        cursor.execute(
            sql.SQL("{} role {} login createrole createdb nosuperuser password {}").format(
                sql.SQL(verb),
                sql.Identifier(BUILDER),
                sql.Literal(scram_verifier(connection, BUILDER, password)),
            )
        )


def _close_database(connection: Connection, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("revoke all on database {} from public").format(sql.Identifier(name))
        )


def _close_schema_and_functions(connection: Connection) -> None:
    """Leave everyone's role nothing in schema public, no large objects and no counters."""
    with connection.cursor() as cursor:
        cursor.execute("revoke all on schema public from public")
        cursor.execute(_FUNCTIONS_TO_CLOSE)
        for (signature,) in cursor.fetchall():
            # Already quoted by the server: a name with its argument types.
            cursor.execute(
                sql.SQL("revoke execute on function {} from public").format(sql.SQL(signature))
            )
