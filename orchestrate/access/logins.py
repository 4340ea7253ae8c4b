"""Logins of the reporting database: one role per member, in exactly one audience group.

What a login sees hangs on its row in `private.members`, written in the transaction that publishes:
a login without one sees nothing. So logins may be made before that transaction, and whatever is
left over is taken away after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from psycopg2 import Error, sql

from orchestrate.access.members import Member
from orchestrate.access.roles import GROUPS, OWNER, PUBLISHER, group_of
from orchestrate.database.connection import database_errors
from orchestrate.database.objects import ensure_role, marker

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class upstream
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class upstream

    from orchestrate.console import Console
    from orchestrate.database import Databases

_STANDING: Final = frozenset({OWNER, PUBLISHER, *GROUPS})
# Enough for a dashboard that opens several sessions, too few to use up a server.
CONNECTION_LIMIT: Final = 20
# Defaults: a reader may change them for a session of its own. Without sequential scans the plan of
# even the smallest table goes by version and scope, and does not count the rows of others it met.
SETTINGS: Final = MappingProxyType({"statement_timeout": "5min", "enable_seqscan": "off"})


def create_logins(databases: Databases, members: Sequence[Member]) -> None:
    """Make the logins of new members, without taking anything from anyone.

    A login that has a group keeps it until `settle_logins`. Raises ConfigurationError when a role
    of that name is not Casebook's.
    """
    connection = databases.reporting_admin.connect(application_name="casebook logins")
    try:
        with (
            database_errors("The server refused to make the logins"),
            connection,
            connection.cursor() as cursor,
        ):
            grouped = {login for login, _ in _memberships(cursor)}
            for member in members:
                ensure_role(
                    connection,
                    member.login,
                    installation=databases.installation,
                    login=True,
                    password=databases.login_password(member.login),
                    connection_limit=CONNECTION_LIMIT,
                )
                _ensure_settings(cursor, member.login)
                if member.login not in grouped:
                    _grant(cursor, group_of(member.audience), member.login)
    finally:
        connection.close()


def settle_logins(databases: Databases, members: Sequence[Member], console: Console) -> None:
    """Leave each member in its own group only, and remove Casebook's logins that are none any more.

    A role of somebody else's in one of the groups loses the group and nothing else.
    """
    wanted = {(member.login, group_of(member.audience)) for member in members}
    logins = {member.login for member in members}
    connection = databases.reporting_admin.connect(application_name="casebook logins")
    try:
        with database_errors("The server refused to settle the logins"):
            with connection, connection.cursor() as cursor:
                present = _memberships(cursor)
                for login, group in sorted(present - wanted):
                    cursor.execute(
                        sql.SQL("revoke {} from {}").format(
                            sql.Identifier(group), sql.Identifier(login)
                        )
                    )
                    console.say(f"{login} no longer belongs to {group}.")
                for login, group in sorted(wanted - present):
                    _grant(cursor, group, login)
                former = sorted(
                    ({login for login, _ in present} - logins - _STANDING)
                    & _marked(cursor, databases.installation)
                )
            for login in former:
                _remove(connection, login, console)
    finally:
        connection.close()


def _memberships(cursor: Cursor) -> set[tuple[str, str]]:
    """Read who is in the audience groups, as (login, group).

    Since PostgreSQL 16 the builder, who made the groups, administers them as a member; that is no
    reader.
    """
    cursor.execute(
        "select pg_get_userbyid(member)::text, pg_get_userbyid(roleid)::text from pg_auth_members"
        " where pg_get_userbyid(roleid) = any (%s) and pg_get_userbyid(member) <> current_user",
        (list(GROUPS),),
    )
    return set(cursor.fetchall())


def _marked(cursor: Cursor, installation: str) -> set[str]:
    cursor.execute(
        "select rolname::text from pg_roles where shobj_description(oid, 'pg_authid') = %s",
        (marker(installation),),
    )
    return {name for (name,) in cursor.fetchall()}


def _grant(cursor: Cursor, group: str, login: str) -> None:
    cursor.execute(sql.SQL("grant {} to {}").format(sql.Identifier(group), sql.Identifier(login)))


def _ensure_settings(cursor: Cursor, login: str) -> None:
    """Give a login its settings and no others: some that it can make itself break its reports."""
    cursor.execute(
        "select datname, setconfig from pg_db_role_setting"
        " left join pg_database on pg_database.oid = setdatabase where setrole = %s::regrole",
        (login,),
    )
    present = cursor.fetchall()
    wanted = {f"{name}={value}" for name, value in SETTINGS.items()}
    if [(database, set(settings)) for database, settings in present] == [(None, wanted)]:
        return
    role = sql.Identifier(login)
    for database, _ in present:
        place = sql.SQL("in database {}").format(sql.Identifier(database)) if database else None
        cursor.execute(sql.SQL("alter role {} {} reset all").format(role, place or sql.SQL("")))
    for name, value in SETTINGS.items():
        cursor.execute(
            sql.SQL("alter role {} set {} to {}").format(
                role, sql.Identifier(name), sql.Literal(value)
            )
        )


def _remove(connection: Connection, login: str, console: Console) -> None:
    """Drop a login; where something still hangs on it, let it at least not log in."""
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))
        console.say(f"Removed the login {login}: it is no member any more.")
    except Error as error:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("alter role {} nologin").format(sql.Identifier(login)))
        reason = str(error).strip().splitlines()[0]
        console.warn(f"The login {login} is closed but could not be dropped: {reason}")
