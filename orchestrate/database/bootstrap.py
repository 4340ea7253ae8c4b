"""What a new embedded server gets: the builder, the warehouse, closed doors."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from psycopg2 import errors, sql

from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.defences import CLOSING_STATEMENT, TEMPLATE, limit_statements
from orchestrate.database.files import replace_text
from orchestrate.database.objects import database_exists, role_exists, scram_verifier
from orchestrate.driver import Connection

BUILDER = "casebook_builder"
WAREHOUSE = "warehouse"

_MARK = "casebook.prepared"
# Raised when the statements below change, so that older servers get them too.
_GENERATION = "4"

_WITHOUT_READERS = ("postgres", "template1", WAREHOUSE)
_DATABASES = "select datname::text from pg_catalog.pg_database where datallowconn order by 1"


def is_prepared(data_dir: Path) -> bool:
    """Tell whether `prepare` was done on a data folder."""
    mark = data_dir / _MARK
    return mark.exists() and mark.read_text(encoding="utf-8").strip() == _GENERATION


def prepare(data_dir: Path, administrator: ConnectionTarget, builder_password: str) -> None:
    """Make role, databases and privileges; may be repeated, after a crash or for a new password.

    Databases that readers connect to are copies of the template, in which the server's own
    functions are closed; in copies that an earlier release made they are closed one by one. The
    builder alone gets into the warehouse, and needs some of them there.
    """
    with administrator.session() as connection, connection.cursor() as cursor:
        _ensure_builder(connection, builder_password)
        make_database(connection, WAREHOUSE, owner=BUILDER)
        make_database(connection, TEMPLATE, owner=administrator.user)
        for name in (*_WITHOUT_READERS, TEMPLATE):
            cursor.execute(
                sql.SQL("revoke all on database {} from public").format(sql.Identifier(name))
            )
        cursor.execute(_DATABASES)
        databases = [name for (name,) in cursor.fetchall()]
    for name in databases:
        with (
            administrator.derive(dbname=name).session() as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("revoke all on schema public from public")
            if name not in _WITHOUT_READERS:
                cursor.execute(CLOSING_STATEMENT)
    with administrator.session() as connection, connection.cursor() as cursor:
        # Last: nothing is copied from it before it is closed.
        cursor.execute(
            sql.SQL("alter database {} is_template true").format(sql.Identifier(TEMPLATE))
        )
    replace_text(data_dir / _MARK, f"{_GENERATION}\n")


def make_database(connection: Connection, name: str, *, owner: str) -> None:
    """Make a database unless it is there, or just being made."""
    if not database_exists(connection, name):
        # The server may still be making it for a first start that was killed.
        made_meanwhile = suppress(errors.DuplicateDatabase, errors.UniqueViolation)
        with connection.cursor() as cursor, made_meanwhile:
            cursor.execute(
                sql.SQL("create database {} owner {}").format(
                    sql.Identifier(name), sql.Identifier(owner)
                )
            )


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
        for statement in limit_statements(cursor, BUILDER):
            cursor.execute(statement)
