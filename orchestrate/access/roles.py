"""The roles and databases of scopes on a server, made by the builder: nothing here shows a row.

`casebook_owner` owns every table and cannot log in; `casebook_publisher` logs in and may become it.
An audience's group holds the rights within the databases of its scopes; a scope's own group, which
belongs to that one, may enter the scope's database. A scope's logins and the login that its pages
are rendered over are members of its group, and of nothing else. Nobody gets anything through
PUBLIC. The builder needs CREATEROLE and CREATEDB, and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from psycopg2 import sql

from orchestrate.access.members import Member
from orchestrate.access.scopes import GROUPS, OWNER, PUBLISHER, ScopeDatabase
from orchestrate.database.connection import database_errors
from orchestrate.database.objects import (
    drop_unfinished_databases,
    ensure_database,
    ensure_role,
    role_exists,
)
from orchestrate.database.passwords import PasswordLine, new_password

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases, ReportingServer
    from orchestrate.driver import Connection, Cursor

# Enough for a dashboard that opens several sessions, too few to use up a server.
CONNECTION_LIMIT: Final = 20
RENDERER_LIMIT: Final = 5
# What builder, publisher and rendering logins need at the same time.
RESERVED_CONNECTIONS: Final = 20
# Defaults: a reader may change the first two for a session of its own. The policies' price would
# have the server compile every statement, for a tenth of a second.
SETTINGS: Final[Mapping[str, str]] = {"jit": "off", "statement_timeout": "5min"}
RENDERER_SETTINGS: Final[Mapping[str, str]] = {"jit": "off"}
# What a reader may not change, where the builder may set it.
TEMPORARY_FILES: Final[Mapping[str, str]] = {"temp_file_limit": "1GB"}

_ITERATIONS_CAN_BE_SET: Final = 160000

Edge = tuple[str, str]

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
_FREE_CONNECTIONS: Final = """
    select
        current_setting('max_connections')::integer
            - current_setting('superuser_reserved_connections')::integer,
        coalesce(current_setting('reserved_connections', true)::integer, 0)
"""


def standing_edges(places: Sequence[ScopeDatabase]) -> set[Edge]:
    """Return who is a member of whom whatever logins there are, as (member, role)."""
    edges = {(PUBLISHER, OWNER)}
    for place in places:
        edges.add((place.renderer, place.group))
        if place.group != place.audience_group:
            edges.add((place.group, place.audience_group))
    return edges


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
        here = [place for place in places if place.server.endpoint == server.endpoint]
        if not here and server is not databases.reporting:
            continue
        names = {place.scope.name: place for place in here}
        own = [member for member in members if member.scope.name in names]
        _ensure_roles(databases, server, here, own, names, console)
        with server.door.session("casebook scopes") as connection:
            drop_unfinished_databases(connection)
            for place in here:
                _ensure_database(connection, place, databases.installation)
    with databases.warehouse.session("casebook scopes") as warehouse, warehouse.cursor() as cursor:
        close_database(cursor, console)


def _ensure_roles(
    databases: Databases,
    server: ReportingServer,
    places: Sequence[ScopeDatabase],
    members: Sequence[Member],
    by_scope: Mapping[str, ScopeDatabase],
    console: Console,
) -> None:
    connection = server.door.connect(application_name="casebook roles")
    new_lines: list[PasswordLine] = []
    try:
        with (
            database_errors("The server refused to set up the roles"),
            connection,
            connection.cursor() as cursor,
        ):
            if connection.server_version >= _ITERATIONS_CAN_BE_SET:
                # Nobody guesses a generated password, and a run connects many times.
                cursor.execute("set local scram_iterations = 64")
            for name in sorted({OWNER, *GROUPS, *(place.group for place in places)}):
                ensure_role(connection, name, installation=databases.installation)
            for name, limit in (
                (PUBLISHER, -1),
                *((one.renderer, RENDERER_LIMIT) for one in places),
            ):
                ensure_role(
                    connection,
                    name,
                    installation=databases.installation,
                    login=True,
                    password=databases.passwords.ensure(server.endpoint, name),
                    connection_limit=limit,
                )
            if connection.server_version >= _ITERATIONS_CAN_BE_SET:
                cursor.execute("set local scram_iterations to default")
            _let_publisher_not_inherit(cursor)
            _separate(cursor, standing_edges(places), {one.login for one in members}, console)
            limit = connection_limit(cursor, len(members))
            limited = TEMPORARY_FILES if _may_limit_files(cursor) else {}
            for place in places:
                _ensure_settings(cursor, place.renderer, {**RENDERER_SETTINGS, **limited})
            for member in members:
                place = by_scope[member.scope.name]
                line = databases.logins.line(server.endpoint, member.login)
                # One who changed the own password keeps it.
                is_new = line is None or not role_exists(connection, member.login)
                password = (line.password if line else new_password()) if is_new else None
                ensure_role(
                    connection,
                    member.login,
                    installation=databases.installation,
                    login=True,
                    password=password,
                    connection_limit=limit,
                )
                if line is None and password:
                    new_lines.append(
                        PasswordLine(server.endpoint, member.login, password, place.database)
                    )
                _ensure_settings(cursor, member.login, {**SETTINGS, **limited})
    finally:
        connection.close()
    # After the commit: what is missing after a crash is made anew, what is wrong would stay wrong.
    databases.logins.store(new_lines)


def connection_limit(cursor: Cursor, logins: int) -> int:
    """Return how many connections a login may have, so that all of them leave some for a run.

    Where the server reserves connections for that, it hangs on nobody's limit.
    """
    cursor.execute(_FREE_CONNECTIONS)
    available, reserved = map(int, cursor.fetchone() or (0, 0))
    if reserved >= RESERVED_CONNECTIONS:
        return CONNECTION_LIMIT
    return max(1, min(CONNECTION_LIMIT, (available - RESERVED_CONNECTIONS) // max(1, logins)))


def memberships(cursor: Cursor) -> set[Edge]:
    """Read who is a member of Casebook's groups and owner, as (member, role).

    Since PostgreSQL 16 the builder, who made the roles, administers them as a member; that is no
    reader.
    """
    cursor.execute(
        "select pg_get_userbyid(member)::text, pg_get_userbyid(roleid)::text from pg_auth_members"
        " where starts_with(pg_get_userbyid(roleid)::text, 'casebook_')"
        " and pg_get_userbyid(member) <> current_user"
    )
    return set(cursor.fetchall())


def change_memberships(cursor: Cursor, extra: Iterable[Edge], missing: Iterable[Edge]) -> None:
    """Take members out of roles and put others in."""
    for verb, preposition, edges in (("revoke", "from", extra), ("grant", "to", missing)):
        for member, role in sorted(edges):
            cursor.execute(
                sql.SQL(f"{verb} {{}} {preposition} {{}}").format(
                    sql.Identifier(role), sql.Identifier(member)
                )
            )


def close_database(cursor: Cursor, console: Console) -> None:
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


def _let_publisher_not_inherit(cursor: Cursor) -> None:
    """Let the publisher have the owner's rights by `set role` alone.

    Before PostgreSQL 16 inheriting is an attribute of the member, since then of the membership,
    which takes the member's attribute as its default: the attribute does for both.
    """
    cursor.execute("select rolinherit from pg_roles where rolname = %s", (PUBLISHER,))
    if cursor.fetchone() != (False,):
        cursor.execute(sql.SQL("alter role {} noinherit").format(sql.Identifier(PUBLISHER)))


def _separate(cursor: Cursor, standing: set[Edge], logins: set[str], console: Console) -> None:
    """Put the standing roles into each other, and take Casebook's roles out of all others.

    Logins may be in groups, of which `settle_logins` leaves them their own.
    """
    present = memberships(cursor)
    roles = {OWNER, PUBLISHER, *GROUPS} | {name for edge in standing for name in edge}
    no_groups = roles - {role for _, role in standing} - set(GROUPS) | {OWNER, PUBLISHER}
    extra = {
        (member, role)
        for member, role in present - standing
        if member in roles or (member in logins and role in no_groups)
    }
    change_memberships(cursor, extra, standing - present)
    for member, role in sorted(extra):
        console.warn(f"{member} was a member of {role}, by other hands, and is no longer.")


def _may_limit_files(cursor: Cursor) -> bool:
    cursor.execute("select has_parameter_privilege('temp_file_limit', 'set')")
    return cursor.fetchone() == (True,)


def _ensure_settings(cursor: Cursor, login: str, wanted: Mapping[str, str]) -> None:
    """Give a login its settings and no others: some that it can make itself break its reports."""
    cursor.execute(
        "select datname, setconfig from pg_db_role_setting"
        " left join pg_database on pg_database.oid = setdatabase where setrole = %s::regrole",
        (login,),
    )
    present = cursor.fetchall()
    settings = {f"{name}={value}" for name, value in wanted.items()}
    if [(database, set(found)) for database, found in present] == [(None, settings)]:
        return
    role = sql.Identifier(login)
    for database, _ in present:
        place = sql.SQL("in database {}").format(sql.Identifier(database)) if database else None
        cursor.execute(sql.SQL("alter role {} {} reset all").format(role, place or sql.SQL("")))
    for name, value in wanted.items():
        cursor.execute(
            sql.SQL("alter role {} set {} to {}").format(
                role, sql.Identifier(name), sql.Literal(value)
            )
        )


def _ensure_database(connection: Connection, place: ScopeDatabase, installation: str) -> None:
    """Make a scope's database, open it to the scope's group and the publisher, and to nobody else.

    Readers' clocks there show UTC.
    """
    ensure_database(connection, place.database, installation=installation)
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
            "select 1 from pg_database where datname = %s and datconnlimit = 0", (place.database,)
        )
        if cursor.fetchone():
            # It was to be dropped, and somebody was in it.
            cursor.execute(sql.SQL("alter database {} connection limit -1").format(database))
        cursor.execute(
            "select 1 from pg_db_role_setting"
            " where setrole = 0 and 'TimeZone=UTC' = any (setconfig)"
            " and setdatabase = (select oid from pg_database where datname = %s)",
            (place.database,),
        )
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("alter database {} set timezone to 'UTC'").format(database))
            with place.as_builder().session("casebook scopes") as within, within.cursor() as inner:
                inner.execute("revoke all on schema public from public")
