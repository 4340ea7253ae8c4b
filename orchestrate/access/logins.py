"""Which logins are in which scope: settled when a version is decided, and cleared of what is gone.

A login sees what its scope's group may enter. So logins may be made before a version is shown, and
whatever is left over is taken away after it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg2 import Error, errors, sql

from orchestrate.access.members import Member
from orchestrate.access.roles import groups_of, places_on, role_changes
from orchestrate.access.scopes import GROUPS, OWNER, PUBLISHER, ScopeDatabase
from orchestrate.database.objects import marked_databases, marked_roles

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.driver import Connection


def settle_logins(
    databases: Databases,
    places: Sequence[ScopeDatabase],
    members: Sequence[Member],
    console: Console,
) -> None:
    """Leave each member in the group of its own scope only; whoever is no member leaves the groups.

    A member whose scope is not among `places` is in none. Sessions in a database that their login
    may enter no more are ended. A role of somebody else's in one of the groups loses the group and
    nothing else.
    """
    lines = []
    for server in databases.servers:
        here = places_on(server, places)
        own = groups_of(here, members)
        with server.door.session("casebook logins") as connection:
            with connection.cursor() as cursor:
                cursor.execute("begin")
                for change in role_changes(cursor, here, own, settled=True):
                    if change.statement is not None:
                        cursor.execute(change.statement)
                        if " is a member of " in change.problem:
                            console.say(f"{change.problem} no more.")
                cursor.execute("commit")
            _end_strays(connection, databases.installation, own, console)
        for login, place in own.items():
            line = databases.logins.line(server.endpoint, login)
            if line is not None and line.database != place.database:
                lines.append(replace(line, database=place.database))
    databases.logins.store(lines)


def remove_former(
    databases: Databases,
    places: Sequence[ScopeDatabase],
    members: Sequence[Member],
    console: Console,
) -> None:
    """Remove Casebook's databases, groups and logins that no scope or member stands behind.

    Also those of a scope that has moved to another server, with their passwords there. Among them
    is the database of all readers of earlier releases. What cannot be removed is said; the next run
    tries again.
    """
    staying = {member.login for member in members} | {place.renderer for place in places}
    for server in databases.servers:
        here = places_on(server, places)
        kept = {OWNER, PUBLISHER, *GROUPS, *groups_of(here, members)}
        kept |= {name for place in here for name in (place.group, place.renderer)}
        with server.door.session("casebook logins") as connection:
            roles = marked_roles(connection, databases.installation)
            former = marked_databases(connection, databases.installation)
            former -= {server.door.database, *(place.database for place in here)}
            for name in sorted(former):
                _drop_database(connection, name, roles, console)
            gone = {role for role in roles - kept if _drop_role(connection, role, console)}
        for file in (databases.passwords, databases.logins):
            file.forget_users(gone & staying, server.endpoint)
            # Also where it is reached by a port.
            file.forget_users(gone - staying)


def clear_default_rights(place: ScopeDatabase, roles: Collection[str], console: Console) -> None:
    """Take back what roles gave by default of what they would make: nothing, as they make nothing.

    Who does that for another role needs its rights; the builder, who made the roles, gives them to
    itself in a transaction that leaves it without them.
    """
    with place.as_builder().session("casebook logins") as connection, connection.cursor() as cursor:
        for role in sorted(roles):
            # One message is one transaction.
            cursor.execute(
                sql.SQL(
                    "grant {0} to current_user; drop owned by {0}; revoke {0} from current_user"
                ).format(sql.Identifier(role))
            )
            console.warn(f"{role} had set default rights in {place.database}; they are gone.")


def end_sessions(connection: Connection, sessions: Mapping[int, str]) -> None:
    """End sessions, by process number and login, of logins that the builder made.

    Who ends a session needs the rights of its login. The builder gives them to itself in a
    transaction that it never commits, so that it has them nowhere else. `connection` is an
    autocommitting one of the builder's, to any database of the server.
    """
    with connection.cursor() as cursor:
        cursor.execute("begin")
        for login in sorted(set(sessions.values())):
            cursor.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(login)))
        for pid in sessions:
            cursor.execute("select pg_terminate_backend(%s, 5000)", (pid,))
        cursor.execute("rollback")


def _end_strays(
    connection: Connection, installation: str, own: Mapping[str, ScopeDatabase], console: Console
) -> None:
    """End the sessions of logins that are in a database which they may not enter any more."""
    ours = marked_databases(connection, installation)
    with connection.cursor() as cursor:
        cursor.execute(
            "select pid, usename::text, datname::text from pg_stat_activity"
            " where datname = any (%s)"
            " and not starts_with(usename::text, 'casebook_') and usename = any (%s)",
            (sorted(ours), sorted(marked_roles(connection, installation))),
        )
        found = {
            pid: login
            for pid, login, database in cursor
            if login not in own or database != own[login].database
        }
    end_sessions(connection, found)
    for login in sorted(set(found.values())):
        console.say(f"Ended sessions of {login} where it may not be any more.")


def _drop_database(
    connection: Connection, name: str, roles: Collection[str], console: Console
) -> None:
    try:
        with connection.cursor() as cursor:
            # Whoever connects from now on is refused, so that it is empty when it goes.
            cursor.execute(
                sql.SQL("alter database {} connection limit 0").format(sql.Identifier(name))
            )
            cursor.execute(
                "select pid, usename::text from pg_stat_activity"
                " where datname = %s and usename = any (%s)",
                (name, sorted(roles)),
            )
            sessions = dict(cursor.fetchall())
        end_sessions(connection, sessions)
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(name)))
    except Error as error:
        reason = str(error).strip().splitlines()[0]
        console.warn(
            f"The database {name}, which no scope uses any more, could not be dropped: {reason}."
            " Readers cannot enter it; the next run tries again."
        )
    else:
        console.say(f"Dropped the database {name}: no scope uses it any more.")


def _drop_role(connection: Connection, role: str, console: Console) -> bool:
    """Drop a role; where something still hangs on it, let it at least not log in."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))
    except errors.DependentObjectsStillExist as error:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("alter role {} nologin").format(sql.Identifier(role)))
        reason = str(error).strip().splitlines()[0]
        console.warn(f"The login {role} is closed but could not be dropped: {reason}")
        return False
    console.say(f"Removed {role}: it belongs to no scope any more.")
    return True
