"""The roles of the reporting database and what they may do on the databases as a whole.

`casebook_owner` owns every table and cannot log in; `casebook_publisher` logs in and may become
it; the audience groups cannot log in and are what rights are granted to. Nobody gets anything
through PUBLIC. All of it is made by the builder, who needs CREATEROLE and the reporting database,
and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg2 import sql

from orchestrate.contracts import AUDIENCES
from orchestrate.database.connection import database_errors
from orchestrate.database.defences import lend_to
from orchestrate.database.objects import ensure_role

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.driver import Cursor

OWNER: Final = "casebook_owner"
PUBLISHER: Final = "casebook_publisher"


def group_of(audience: str) -> str:
    """Name the group role of an audience."""
    return f"casebook_{audience}"


_OPEN_TO_PUBLIC: Final = """
    select datname from pg_database
    where datname = current_database() and exists (
        select from aclexplode(coalesce(datacl, acldefault('d', datdba))) where grantee = 0
    )
"""

_PUBLIC_SCHEMA_IS_OPEN: Final = """
    select 1 from pg_namespace
    where nspname = 'public' and exists (
        select from aclexplode(coalesce(nspacl, acldefault('n', nspowner))) where grantee = 0
    )
"""


GROUPS: Final = tuple(group_of(audience) for audience in AUDIENCES)


def ensure_roles(databases: Databases, console: Console) -> None:
    """Create the owner, the publisher and the audience groups where they are missing.

    Closes both databases to PUBLIC and opens reporting to the groups. Says nothing and changes
    nothing where all is well. Raises ConfigurationError when a role of that name is not Casebook's,
    DatabaseError when the server refuses.
    """
    connection = databases.reporting_admin.connect(application_name="casebook roles")
    try:
        with database_errors("The server refused to set up the roles"), connection:
            for name in (OWNER, *GROUPS):
                ensure_role(connection, name, installation=databases.installation)
            ensure_role(
                connection,
                PUBLISHER,
                installation=databases.installation,
                login=True,
                password=databases.publisher.password(),
            )
            with connection.cursor() as cursor:
                _let_publisher_become_owner(cursor)
                _close_database(cursor, console)
                _open_reporting(cursor)
    finally:
        connection.close()
    with databases.warehouse.session("casebook roles") as warehouse, warehouse.cursor() as cursor:
        _close_database(cursor, console)


def _let_publisher_become_owner(cursor: Cursor) -> None:
    """Let the publisher `set role` to the owner without inheriting its rights.

    Before PostgreSQL 16 inheriting is an attribute of the member, since then of the membership,
    which takes the member's attribute as its default: the attribute does for both.
    """
    cursor.execute("select rolinherit from pg_roles where rolname = %s", (PUBLISHER,))
    if cursor.fetchone() != (False,):
        cursor.execute(sql.SQL("alter role {} noinherit").format(sql.Identifier(PUBLISHER)))
    cursor.execute(
        "select 1 from pg_auth_members as membership"
        " where roleid = %s::regrole and member = %s::regrole",
        (OWNER, PUBLISHER),
    )
    if cursor.fetchone() is None:
        cursor.execute(
            sql.SQL("grant {} to {}").format(sql.Identifier(OWNER), sql.Identifier(PUBLISHER))
        )


def _close_database(cursor: Cursor, console: Console) -> None:
    """Take from PUBLIC what it may do on the database, or say which statement would.

    On a server of one's own the warehouse may belong to somebody else, who alone can do it; the
    server then answers with a warning only. The schema `public` is closed, too: nobody else is to
    use it, and doctor would tell.
    """
    cursor.execute(_PUBLIC_SCHEMA_IS_OPEN)
    if cursor.fetchone():
        cursor.execute("revoke all on schema public from public")
    cursor.execute(_OPEN_TO_PUBLIC)
    found = cursor.fetchone()
    if found is None:
        return
    statement = sql.SQL("revoke all on database {} from public").format(sql.Identifier(found[0]))
    cursor.execute(statement)
    cursor.execute(_OPEN_TO_PUBLIC)
    if cursor.fetchone() is None:
        console.say(f"Closed the database {found[0]} to PUBLIC.")
    else:
        console.warn(
            f"Readers' logins can connect to the database {found[0]}; let its owner run:"
            f" {statement.as_string(cursor)};"
        )


def _open_reporting(cursor: Cursor) -> None:
    """Let groups and publisher connect and the owner create schemas; readers' clocks show UTC."""
    cursor.execute("select current_database()")
    database = sql.Identifier(_single(cursor))
    wanted = [(name, "CONNECT") for name in (*GROUPS, PUBLISHER)] + [(OWNER, "CREATE")]
    cursor.execute(
        "select pg_get_userbyid(grantee), privilege_type"
        " from pg_database cross join lateral aclexplode(datacl)"
        " where datname = current_database()"
    )
    granted = set(cursor.fetchall())
    for name, privilege in wanted:
        if (name, privilege) not in granted:
            cursor.execute(
                sql.SQL("grant {} on database {} to {}").format(
                    sql.SQL(privilege), database, sql.Identifier(name)
                )
            )
    cursor.execute(
        "select 1 from pg_db_role_setting where setrole = 0 and 'TimeZone=UTC' = any (setconfig)"
        " and setdatabase = (select oid from pg_database where datname = current_database())"
    )
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("alter database {} set timezone to 'UTC'").format(database))
    # Publishing waits, as the owner, until readers are out of the way.
    lend_to(cursor, OWNER)


def _single(cursor: Cursor) -> str:
    row = cursor.fetchone()
    if row is None:
        raise LookupError("the statement returned no row")
    return str(row[0])
