"""What Casebook's roles are on the server: their attributes, and who is a member of whom.

Rights and policies are worth nothing for a role that bypasses them, or that may become one that
does. `standing_problems` says how the roles differ from what they are to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from orchestrate.access.logins import CONNECTION_LIMIT, SETTINGS
from orchestrate.access.members import Member
from orchestrate.access.roles import GROUPS, OWNER, PUBLISHER, group_of

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

_ROLES: Final = """
    select
        rolname::text,
        rolcanlogin,
        rolinherit,
        concat_ws(
            ', ',
            case when rolsuper then 'is a superuser' end,
            case when rolbypassrls then 'bypasses row security' end,
            case when rolcreaterole then 'may create roles' end,
            case when rolcreatedb then 'may create databases' end,
            case when rolreplication then 'may replicate' end
        )
    from pg_roles
    where rolname = any (%s)
"""

# Who made a role administers it, as a member since PostgreSQL 16; that is the builder.
_MEMBERSHIPS: Final = """
    select pg_get_userbyid(member)::text, pg_get_userbyid(roleid)::text, admin_option
    from pg_auth_members
    where (pg_get_userbyid(member) = any (%(all)s) or pg_get_userbyid(roleid) = any (%(all)s))
        and pg_get_userbyid(member) <> %(builder)s
"""


_LOGINS: Final = """
    select
        rolname::text,
        rolconnlimit,
        coalesce(
            (
                select array_agg(setting::text order by setting)
                from pg_db_role_setting
                cross join lateral unnest(setconfig) as settings (setting)
                where setrole = pg_roles.oid
            ),
            '{}'
        )
    from pg_roles
    where rolname = any (%s)
"""


def standing_problems(
    cursor: Cursor, members: Sequence[Member], builder: str, *, settled: bool
) -> list[str]:
    """Say how the roles differ from what they are to be; empty when they do not.

    Each login is in exactly one group. `settled`: it is the one of its audience, and nobody else is
    in a group. Before that, while a version is being published, a login that changes its audience
    is still in the former one, and so are logins that are no members any more.
    """
    cursor.execute("set local search_path to pg_catalog")
    audiences = {member.login: group_of(member.audience) for member in members}
    standing = {OWNER, PUBLISHER, *GROUPS}
    ours = sorted(standing | audiences.keys())
    cursor.execute(_ROLES, (ours,))
    found = {name: rest for name, *rest in cursor.fetchall()}
    problems = list(_attribute_problems(ours, found, audiences.keys()))
    cursor.execute(_MEMBERSHIPS, {"all": ours, "builder": builder})
    memberships = cursor.fetchall()
    if PUBLISHER in found and (PUBLISHER, OWNER) not in {edge[:2] for edge in memberships}:
        problems.append(f"{PUBLISHER} cannot become {OWNER}")
    groups: dict[str, set[str]] = {login: set() for login in audiences}
    for member, role, may_pass_on in memberships:
        if may_pass_on:
            problems.append(f"{member} may give {role} to others")
        if role in GROUPS and member not in standing:
            groups.setdefault(member, set()).add(role)
        elif (member, role) != (PUBLISHER, OWNER):
            problems.append(f"{member} is a member of {role}")
    for login, held in groups.items():
        wanted = {audiences[login]} if login in audiences else set()
        is_pending = not settled and (login not in audiences or len(held) == 1)
        if held != wanted and not is_pending:
            problems.append(f"{login} is in {' and '.join(sorted(held)) or 'no group'}")
    settings = sorted(f"{name}={value}" for name, value in SETTINGS.items())
    cursor.execute(_LOGINS, (sorted(audiences),))
    for login, limit, present in cursor.fetchall():
        if limit != CONNECTION_LIMIT or present != settings:
            problems.append(f"{login} has other limits or settings than readers have")
    return sorted(problems)


def _attribute_problems(
    names: Iterable[str], found: dict[str, list[object]], logins: Iterable[str]
) -> Iterable[str]:
    may_log_in = {PUBLISHER, *logins}
    for name in names:
        if name not in found:
            yield f"the role {name} is missing"
            continue
        can_log_in, inherits, powers = found[name]
        if can_log_in != (name in may_log_in):
            yield f"{name} {'can' if can_log_in else 'cannot'} log in"
        if powers:
            yield f"{name} {powers}"
        if name == PUBLISHER and inherits:
            yield f"{name} inherits the rights of {OWNER}"
