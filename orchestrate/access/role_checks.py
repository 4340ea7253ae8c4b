"""What Casebook's roles are on their servers: their attributes, and who is a member of whom.

Rights are worth nothing for a role that bypasses them, or that may become one that does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from orchestrate.access.members import Member
from orchestrate.access.roles import (
    CONNECTION_LIMIT,
    RENDERER_SETTINGS,
    SETTINGS,
    TEMPORARY_FILES,
    standing_edges,
)
from orchestrate.access.scopes import GROUPS, OWNER, PUBLISHER, ScopeDatabase
from orchestrate.database.objects import marker

if TYPE_CHECKING:
    from orchestrate.database import Databases
    from orchestrate.driver import Cursor

_ROLES: Final = """
    select
        rolname::text,
        rolcanlogin,
        rolinherit,
        rolconnlimit,
        concat_ws(
            ', ',
            case when rolsuper then 'is a superuser' end,
            case when rolbypassrls then 'bypasses row security' end,
            case when rolcreaterole then 'may create roles' end,
            case when rolcreatedb then 'may create databases' end,
            case when rolreplication then 'may replicate' end
        ),
        coalesce(
            (
                select array_agg(setting::text order by setting)
                from pg_db_role_setting
                cross join lateral unnest(setconfig) as settings (setting)
                where setrole = pg_roles.oid
            ),
            '{}'
        ),
        coalesce(shobj_description(oid, 'pg_authid'), '')
    from pg_roles
    where rolname = any (%s)
"""
# Who made a role administers it, as a member since PostgreSQL 16; that is the builder.
_MEMBERSHIPS: Final = """
    select pg_get_userbyid(member)::text, pg_get_userbyid(roleid)::text, admin_option
    from pg_auth_members
    where (pg_get_userbyid(member) = any (%(all)s) or pg_get_userbyid(roleid) = any (%(all)s))
        and pg_get_userbyid(member) <> current_user
"""


def role_problems(
    databases: Databases,
    places: Sequence[ScopeDatabase],
    members: Sequence[Member],
    *,
    settled: bool,
) -> list[str]:
    """Say how the roles differ from what they are to be; empty when they do not.

    Each login is in exactly one group. `settled`: it is that of its scope, and nobody else is in a
    group. Before that, while a version is being published, a login may be in a former one, and so
    are logins that are no members any more.
    """
    found: list[str] = []
    for server in databases.servers:
        here = [place for place in places if place.server.endpoint == server.endpoint]
        groups = {
            member.login: place.group
            for member in members
            for place in here
            if place.scope == member.scope
        }
        with server.door.session("casebook roles") as connection, connection.cursor() as cursor:
            cursor.execute("set search_path to pg_catalog")
            mark = marker(databases.installation)
            found += _on_server(cursor, here, groups, mark, settled=settled)
    return sorted(set(found))


def _on_server(
    cursor: Cursor,
    places: Sequence[ScopeDatabase],
    groups: Mapping[str, str],
    mark: str,
    *,
    settled: bool,
) -> Iterable[str]:
    standing = standing_edges(places)
    renderers = {place.renderer for place in places}
    ours = {OWNER, *GROUPS, *groups} | {name for edge in standing for name in edge}
    cursor.execute(_ROLES, (sorted(ours),))
    roles = {}
    for name, *rest, comment in cursor.fetchall():
        roles[name] = tuple(rest)
        # Of the standing ones doctor tells apart from what readers have.
        if comment != mark and name not in {OWNER, PUBLISHER, *GROUPS}:
            yield f"the role {name} was not made by this installation"
    yield from _attribute_problems(ours, roles, {PUBLISHER, *renderers, *groups})
    cursor.execute(_MEMBERSHIPS, {"all": sorted(ours)})
    held: dict[str, set[str]] = {login: set() for login in groups}
    present = set()
    for member, role, may_pass_on in cursor.fetchall():
        present.add((member, role))
        if may_pass_on:
            yield f"{member} may give {role} to others"
        if (member, role) in standing:
            continue
        if role in {OWNER, PUBLISHER} | renderers or member in ours - groups.keys():
            yield f"{member} is a member of {role}"
        else:
            held.setdefault(member, set()).add(role)
    for member, role in sorted(standing - present):
        yield f"{member} is no member of {role}"
    for login, found in held.items():
        wanted = {groups[login]} if login in groups else set()
        if found != wanted and (settled or len(found) > 1):
            yield f"{login} is in {' and '.join(sorted(found)) or 'no group'}"
    for logins, settings in ((groups, SETTINGS), (renderers, RENDERER_SETTINGS)):
        yield from _setting_problems(logins, roles, settings)


def _setting_problems(
    logins: Collection[str], roles: Mapping[str, tuple[object, ...]], settings: Mapping[str, str]
) -> Iterable[str]:
    """Say who has others settings than it is to have; that of files is an administrator's."""
    plain = [f"{name}={value}" for name, value in settings.items()]
    limited = [*plain, *(f"{name}={value}" for name, value in TEMPORARY_FILES.items())]
    for login in logins:
        if login not in roles:
            continue
        *_, limit, _, present = roles[login]
        is_limited = isinstance(limit, int) and 0 < limit <= CONNECTION_LIMIT
        if not is_limited or present not in (sorted(plain), sorted(limited)):
            yield f"{login} has other limits or settings than readers have"


def _attribute_problems(
    names: Iterable[str], roles: Mapping[str, tuple[object, ...]], logins: Collection[str]
) -> Iterable[str]:
    for name in names:
        if name not in roles:
            yield f"the role {name} is missing"
            continue
        can_log_in, inherits, _, powers, _ = roles[name]
        if can_log_in != (name in logins):
            yield f"{name} {'can' if can_log_in else 'cannot'} log in"
        if powers:
            yield f"{name} {powers}"
        if name == PUBLISHER and inherits:
            yield f"{name} inherits the rights of {OWNER}"
