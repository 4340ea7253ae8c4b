"""A server of one's own: what is checked, made and closed there before anything is built."""

from __future__ import annotations

from psycopg2 import sql

from orchestrate.console import Console
from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.defences import template_for
from orchestrate.database.objects import (
    database_exists,
    drop_unfinished_databases,
    ensure_database,
    ensure_installation,
    refuse_foreign_database,
)
from orchestrate.driver import Connection
from orchestrate.errors import ConfigurationError, DatabaseError

# Row-level security leaked what policies hide before these releases (trust in the reporting
# database rests on it): major version to the first minor one without the leaks.
FIRST_SAFE_MINOR = {15: 14, 16: 10, 17: 6}
_OLDEST_MAJOR = 15
_MAINTENANCE_DATABASE = "postgres"

_IS_WAREHOUSE = "select pg_catalog.to_regclass('casebook.installation') is not null"
_IS_OPEN = """
    select has_database_privilege('public', current_database(), 'connect, temporary')
        or has_schema_privilege('public', 'public', 'usage, create')
"""


def open_warehouse(warehouse: ConnectionTarget, console: Console) -> str:
    """Check the warehouse and return the installation that builds in it.

    Warns about old servers. Raises DatabaseError when the server cannot be reached or the builder
    may not create schemas in its database.
    """
    with warehouse.session() as connection:
        version = server_version(connection)
        if is_unsafe(version):
            console.warn(
                f"The warehouse's PostgreSQL {_version(version)} lacks security fixes."
                f" {_upgrade_advice()}"
            )
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create')"
            )
            row = cursor.fetchone()
        if not (row and row[0]):
            grant = sql.SQL("grant create on database {} to {}").format(
                sql.Identifier(warehouse.database), sql.Identifier(warehouse.user)
            )
            raise DatabaseError(
                f"{warehouse.user!r} may not create schemas in database {warehouse.database!r}.",
                f"Let its owner run: {grant.as_string(connection)};",
            )
        return ensure_installation(connection)


def open_reporting(
    reporting: ConnectionTarget, warehouse: ConnectionTarget, installation: str
) -> None:
    """Make the reporting database when missing, refuse one that is not ours, and close it.

    Raises DatabaseError when the server is too old or refuses, ConfigurationError when a database
    of this name exists without the mark of this installation, or is the warehouse.
    """
    if (reporting.endpoint, reporting.database) == (warehouse.endpoint, warehouse.database):
        raise _is_warehouse(reporting)
    keeper = warehouse if reporting.endpoint == warehouse.endpoint else None
    with (keeper or _reachable(reporting)).session() as connection:
        _refuse_unsafe(connection)
        drop_unfinished_databases(connection)
        if database_exists(connection, reporting.database):
            refuse_foreign_database(connection, reporting.database, installation)
        else:
            _refuse_without_createdb(connection, reporting)
            with connection.cursor() as cursor:
                template = template_for(cursor)
            ensure_database(
                connection, reporting.database, installation=installation, template=template
            )
    with reporting.session() as connection, connection.cursor() as cursor:
        # Also by another name of its server.
        cursor.execute(_IS_WAREHOUSE)
        if cursor.fetchone() == (True,):
            raise _is_warehouse(reporting)
        cursor.execute(_IS_OPEN)
        row = cursor.fetchone()
        if row and row[0]:
            cursor.execute(
                sql.SQL("revoke all on database {} from public").format(
                    sql.Identifier(reporting.database)
                )
            )
            cursor.execute("revoke all on schema public from public")


def server_version(connection: Connection) -> int:
    """Return the server's version as a number: 150013 is 15.13."""
    return int(connection.server_version)


def _is_warehouse(reporting: ConnectionTarget) -> ConfigurationError:
    return ConfigurationError(
        f"The database {reporting.database!r} is to be for reporting, but is a warehouse: readers"
        " would get where identifiers are.",
        "Let CASEBOOK_REPORTING_URL name another database, or unset it.",
    )


def _reachable(reporting: ConnectionTarget) -> ConnectionTarget:
    """Return the reporting database, or one on its server from which it can be made."""
    try:
        reporting.connect().close()
    except DatabaseError as unreachable:
        neighbour = reporting.derive(dbname=_MAINTENANCE_DATABASE)
        try:
            with neighbour.session() as connection:
                is_closed = database_exists(connection, reporting.database)
        except DatabaseError:
            is_closed = True
        if is_closed:
            raise unreachable from None
        return neighbour
    return reporting


def _refuse_without_createdb(connection: Connection, reporting: ConnectionTarget) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select rolcreatedb or rolsuper from pg_catalog.pg_roles where rolname = current_user"
        )
        row = cursor.fetchone()
    if not (row and row[0]):
        create = sql.SQL("create database {} owner {}").format(
            sql.Identifier(reporting.database), sql.Identifier(reporting.user)
        )
        raise DatabaseError(
            f"There is no database {reporting.database!r}, and {reporting.user!r} may not make it.",
            f"Let an administrator run: {create.as_string(connection)};",
        )


def _refuse_unsafe(connection: Connection) -> None:
    version = server_version(connection)
    if is_unsafe(version):
        raise DatabaseError(
            f"PostgreSQL {_version(version)} is too old for the reporting database: its row-level"
            " security can be circumvented.",
            _upgrade_advice(),
        )


def is_unsafe(version: int) -> bool:
    """Tell whether a version such as 150013 (15.13) is older than the fixes."""
    major, minor = divmod(version, 10_000)
    return major < _OLDEST_MAJOR or minor < FIRST_SAFE_MINOR.get(major, 0)


def _version(version: int) -> str:
    major, minor = divmod(version, 10_000)
    return f"{major}.{minor}"


def _upgrade_advice() -> str:
    oldest = ", ".join(f"{major}.{minor}" for major, minor in FIRST_SAFE_MINOR.items())
    return f"Upgrade to {oldest} or newer."
