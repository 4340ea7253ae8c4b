"""A server of one's own: what is checked, made and closed there before anything is built."""

from __future__ import annotations

from psycopg2 import sql

from orchestrate.console import Console
from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.objects import ensure_installation
from orchestrate.driver import Connection
from orchestrate.errors import DatabaseError

# Row-level security, on which it rests which version readers see, leaked what policies hide before
# these releases: major version to the first minor one without the leaks.
FIRST_SAFE_MINOR = {15: 14, 16: 10, 17: 6}
_OLDEST_MAJOR = 15
_MAINTENANCE_DATABASE = "postgres"


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


def open_reporting(reporting: ConnectionTarget, warehouse: ConnectionTarget) -> ConnectionTarget:
    """Check a server for scopes' databases; return the builder's way into it.

    That leads to a database which is there whatever scopes there are: the warehouse where it is on
    the same server, else the server's own or the one that the URL names. Raises DatabaseError when
    the server cannot be reached or is too old.
    """
    door = warehouse if reporting.endpoint == warehouse.endpoint else _reachable(reporting)
    with door.session() as connection:
        _refuse_unsafe(connection)
    return door


def server_version(connection: Connection) -> int:
    """Return the server's version as a number: 150013 is 15.13."""
    return int(connection.server_version)


def _reachable(reporting: ConnectionTarget) -> ConnectionTarget:
    """Return the database that every server has, or the one that the URL names.

    In this order, since who is in a database of earlier releases cannot drop it. Raises what the
    latter answered where neither lets the builder in.
    """
    maintenance = reporting.derive(dbname=_MAINTENANCE_DATABASE)
    try:
        maintenance.connect().close()
    except DatabaseError:
        reporting.connect().close()
        return reporting
    return maintenance


def _refuse_unsafe(connection: Connection) -> None:
    version = server_version(connection)
    if is_unsafe(version):
        raise DatabaseError(
            f"PostgreSQL {_version(version)} is too old for readers: its row-level security"
            " can be circumvented.",
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
