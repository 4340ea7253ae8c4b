"""What scopes need on their servers: roles, and a database each that only its own may enter.

All of it is made by the builder, and nothing here shows a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from psycopg2 import sql

from orchestrate.access.members import Member
from orchestrate.access.roles import ensure_roles, groups_of, places_on
from orchestrate.access.scopes import OWNER, PUBLISHER, ScopeDatabase
from orchestrate.database.defences import CLOSING_STATEMENT, template_for
from orchestrate.database.objects import drop_unfinished_databases, ensure_database

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.driver import Connection, Cursor

_OPEN_TO_PUBLIC: Final = """
    select datname from pg_database
    where datname = current_database() and exists (
        select from aclexplode(coalesce(datacl, acldefault('d', datdba))) where grantee = 0
    )
"""


def ensure_scopes(
    databases: Databases,
    places: Sequence[ScopeDatabase],
    members: Sequence[Member],
    console: Console,
) -> None:
    """Make what scopes need on their servers, where it is missing: roles, logins, databases.

    A login that is in a scope's group stays there until `settle_logins`. Raises ConfigurationError
    when a role or database of such a name is not Casebook's, DatabaseError when a server refuses.
    """
    for server in databases.servers:
        here = places_on(server, places)
        if here or server is databases.reporting:
            ensure_roles(databases, server, here, groups_of(here, members), console)
        with server.door.session("casebook scopes") as connection:
            drop_unfinished_databases(connection)
            for place in here:
                _ensure_database(connection, place, databases.installation)
    with databases.warehouse.session("casebook scopes") as warehouse, warehouse.cursor() as cursor:
        close_database(cursor, console)


def close_database(cursor: Cursor, console: Console) -> None:
    """Take from PUBLIC what it may do on the database, or say which statement would.

    On a server of one's own the warehouse may belong to somebody else, who alone can do it; the
    server then answers with a warning only. The schema `public` is closed, too: nobody else is to
    use it, and doctor would tell.
    """
    cursor.execute("select has_schema_privilege('public', 'public', 'usage, create')")
    if cursor.fetchone() == (True,):
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


def _ensure_database(connection: Connection, place: ScopeDatabase, installation: str) -> None:
    """Make a scope's database, open it to the scope's group and the publisher, and to nobody else.

    Readers' clocks there show UTC.
    """
    with connection.cursor() as cursor:
        template = template_for(cursor)
    ensure_database(connection, place.database, installation=installation, template=template)
    wanted = {(place.group, "CONNECT"), (PUBLISHER, "CONNECT"), (OWNER, "CREATE")}
    database = sql.Identifier(place.database)
    with connection.cursor() as cursor:
        cursor.execute(
            "select case when grantee = 0 then 'public' else pg_get_userbyid(grantee)::text end,"
            " privilege_type from pg_database cross join lateral aclexplode(datacl)"
            " where datname = %s and grantee <> datdba",
            (place.database,),
        )
        granted = set(cursor.fetchall())
        for verb, preposition, rights in (
            ("revoke", "from", granted - wanted),
            ("grant", "to", wanted - granted),
        ):
            for role, privilege in sorted(rights):
                cursor.execute(
                    sql.SQL(f"{verb} {privilege} on database {{}} {preposition} {{}}").format(
                        database, sql.SQL("public") if role == "public" else sql.Identifier(role)
                    )
                )
        cursor.execute(
            "select datconnlimit = 0, exists (select from pg_db_role_setting where setrole = 0"
            " and setdatabase = pg_database.oid and 'TimeZone=UTC' = any (setconfig))"
            " from pg_database where datname = %s",
            (place.database,),
        )
        is_shut, has_its_clock = cursor.fetchone() or (False, False)
        if is_shut:
            # It was to be dropped, and somebody was in it.
            cursor.execute(sql.SQL("alter database {} connection limit -1").format(database))
        if not has_its_clock:
            cursor.execute(sql.SQL("alter database {} set timezone to 'UTC'").format(database))
            with place.as_builder().session("casebook scopes") as within, within.cursor() as inner:
                inner.execute("revoke all on schema public from public")
                inner.execute("select rolsuper from pg_roles where rolname = current_user")
                if inner.fetchone() == (True,):
                    inner.execute(CLOSING_STATEMENT)
