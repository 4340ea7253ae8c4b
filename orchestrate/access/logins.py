"""Logins of the reporting database: one role per member, in exactly one audience group.

What a login sees hangs on its row in `private.members`, written in the transaction that publishes:
a login without one sees nothing. So logins may be made before that transaction, and whatever is
left over is taken away after it.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from psycopg2 import Error, sql

from orchestrate.access.members import Member
from orchestrate.access.roles import GROUPS, OWNER, PUBLISHER, group_of
from orchestrate.database.connection import database_errors
from orchestrate.database.objects import ensure_role, marker

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.driver import Connection, Cursor

_STANDING: Final = frozenset({OWNER, PUBLISHER, *GROUPS})
# Enough for a dashboard that opens several sessions, too few to use up a server.
CONNECTION_LIMIT: Final = 20
# Defaults: a reader may change them for a session of its own. Without sequential scans the plan of
# even the smallest table goes by version and scope, and does not count the rows of others it met.
# Where one is chosen all the same, as for the pointer, its forbidding costs would have the server
# compile every statement for a tenth of a second.
SETTINGS: Final = MappingProxyType(
    {"statement_timeout": "5min", "enable_seqscan": "off", "jit": "off"}
)


def create_logins(databases: Databases, members: Sequence[Member], console: Console) -> None:
    """Make the logins of new members, without taking from anyone what it sees.

    A login that has a group keeps it until `settle_logins`; one that somebody put into several, and
    that sees nothing for it, keeps its own. What one of Casebook's roles was given of another ends.
    Raises ConfigurationError when a role of that name is
    not Casebook's.
    """
    connection = databases.reporting_admin.connect(application_name="casebook logins")
    try:
        with (
            database_errors("The server refused to make the logins"),
            connection,
            connection.cursor() as cursor,
        ):
            _separate(cursor, {member.login for member in members}, console)
            grouped: dict[str, set[str]] = {}
            for login, group in _memberships(cursor):
                grouped.setdefault(login, set()).add(group)
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
                groups = grouped.get(member.login, set())
                if len(groups) != 1:
                    _set_group(cursor, member, groups)
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
                    _revoke(cursor, group, login)
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


def _revoke(cursor: Cursor, group: str, login: str) -> None:
    cursor.execute(
        sql.SQL("revoke {} from {}").format(sql.Identifier(group), sql.Identifier(login))
    )


def _separate(cursor: Cursor, logins: Set[str], console: Console) -> None:
    """Take Casebook's roles out of each other: logins are in groups, and nothing else in anything.

    Such a member sees nothing as long as it is in the group of another audience, but as the owner
    it would see everything.
    """
    cursor.execute(
        "select pg_get_userbyid(member)::text, pg_get_userbyid(roleid)::text from pg_auth_members"
        " where pg_get_userbyid(roleid) = any (%(ours)s)"
        " and pg_get_userbyid(member) = any (%(ours)s)"
        " and not (pg_get_userbyid(member) = any (%(logins)s)"
        "          and pg_get_userbyid(roleid) = any (%(groups)s))"
        " and (pg_get_userbyid(member), pg_get_userbyid(roleid)) <> (%(publisher)s, %(owner)s)",
        {
            "ours": sorted(_STANDING | logins),
            "logins": sorted(logins),
            "groups": list(GROUPS),
            "publisher": PUBLISHER,
            "owner": OWNER,
        },
    )
    for member, role in cursor.fetchall():
        _revoke(cursor, role, member)
        console.warn(f"{member} was a member of {role}, by other hands, and is no longer.")


def _set_group(cursor: Cursor, member: Member, groups: Set[str]) -> None:
    wanted = group_of(member.audience)
    for group in sorted(groups - {wanted}):
        _revoke(cursor, group, member.login)
    if wanted not in groups:
        _grant(cursor, wanted, member.login)


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
