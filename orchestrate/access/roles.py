"""The roles and databases of scopes on a server, made by the builder: nothing here shows a row.

`casebook_owner` owns every table and cannot log in; `casebook_publisher` logs in and may become it.
An audience's group holds the rights within the databases of its scopes; a scope's own group, which
belongs to that one, may enter the scope's database. A scope's logins and the login that its pages
are rendered over are members of its group, and of nothing else. Nobody gets anything through
PUBLIC. The builder needs CREATEROLE and CREATEDB, and no more.

How roles are to be is said once, in `role_changes`: what differs is what a run changes and what
doctor tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from psycopg2 import sql

from orchestrate.access.members import Member
from orchestrate.access.scopes import GROUPS, OWNER, PUBLISHER, ScopeDatabase
from orchestrate.database.connection import database_errors
from orchestrate.database.objects import ensure_role, marked_roles, role_exists
from orchestrate.database.passwords import PasswordLine, new_password

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases, ReportingServer
    from orchestrate.driver import Cursor

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

# Connections that the server has; whether it reserves enough of them for whom the builder names;
# whether the builder may limit temporary files.
_CONDITIONS: Final = """
    select
        current_setting('max_connections')::integer
            - current_setting('superuser_reserved_connections')::integer,
        coalesce(current_setting('reserved_connections', true)::integer, 0) >= %s and exists (
            select from pg_auth_members
            where admin_option and pg_get_userbyid(member) = current_user
                and pg_get_userbyid(roleid) = 'pg_use_reserved_connections'
        ),
        has_parameter_privilege('temp_file_limit', 'set')
"""
_RESERVED: Final = "pg_use_reserved_connections"
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
                select jsonb_agg(jsonb_build_array(datname, setting) order by setting)
                from pg_db_role_setting
                left join pg_database on pg_database.oid = setdatabase
                cross join lateral unnest(setconfig) as settings (setting)
                where setrole = pg_roles.oid
            ),
            '[]'
        )
    from pg_roles
    where rolname = any (%s)
"""
# Who made a role administers it, as a member since PostgreSQL 16; that is the builder.
_MEMBERSHIPS: Final = """
    select pg_get_userbyid(member)::text, pg_get_userbyid(roleid)::text, admin_option
    from pg_auth_members
    where (starts_with(pg_get_userbyid(roleid)::text, 'casebook_')
            or pg_get_userbyid(member) = any (%s))
        and pg_get_userbyid(member) <> current_user
    order by 1, 2
"""


class Change(NamedTuple):
    """What is not as it is to be, in words, and what mends it; None: an administrator has to."""

    problem: str
    statement: sql.Composable | None


class _Form(NamedTuple):
    """How a role is to be: with a limit of connections where it logs in, and settings.

    `uses_reserved`: connections that the server keeps from readers are there for it.
    """

    limit: int | None = None
    inherits: bool = True
    settings: Mapping[str, str] = {}
    uses_reserved: bool = False


def places_on(server: ReportingServer, places: Sequence[ScopeDatabase]) -> list[ScopeDatabase]:
    """Return the scopes' databases on a server."""
    return [place for place in places if place.server.endpoint == server.endpoint]


def groups_of(
    places: Sequence[ScopeDatabase], members: Sequence[Member]
) -> dict[str, ScopeDatabase]:
    """Return the database of each login, as far as its scope has one among these."""
    by_scope = {place.scope: place for place in places}
    return {one.login: by_scope[one.scope] for one in members if one.scope in by_scope}


def ensure_roles(
    databases: Databases,
    server: ReportingServer,
    places: Sequence[ScopeDatabase],
    logins: Mapping[str, ScopeDatabase],
    console: Console,
) -> None:
    """Make roles and logins that are missing, and change what of the others is not as it is to be.

    A login gets a password when it is made, or when none is stored here; one who changed the own
    password keeps it.
    """
    connection = server.door.connect(application_name="casebook roles")
    new_lines: list[PasswordLine] = []
    ensure = partial(ensure_role, connection, installation=databases.installation)
    try:
        with (
            database_errors("The server refused to set up the roles"),
            connection,
            connection.cursor() as cursor,
        ):
            forms = _forms(cursor, places, logins)
            for name in sorted(forms.keys() - logins.keys()):
                is_login = forms[name].limit is not None
                if is_login and connection.server_version >= _ITERATIONS_CAN_BE_SET:
                    # Nobody guesses a generated password, and a run connects many times.
                    cursor.execute("set local scram_iterations = 64")
                own = databases.passwords.ensure(server.endpoint, name) if is_login else None
                ensure(name, password=own, limit=forms[name].limit)
            for login, place in logins.items():
                line = databases.logins.line(server.endpoint, login)
                is_new = line is None or not role_exists(connection, login)
                password = (line.password if line else new_password()) if is_new else None
                ensure(login, password=password, limit=forms[login].limit)
                if line is None and password:
                    new_lines.append(PasswordLine(server.endpoint, login, password, place.database))
            for change in role_changes(cursor, places, logins, settled=False):
                if change.statement is not None:
                    cursor.execute(change.statement)
                    if " is a member of " in change.problem:
                        console.warn(f"{change.problem}, by other hands, and is no longer.")
    finally:
        connection.close()
    # After the commit: what is missing after a crash is made anew, what is wrong would stay wrong.
    databases.logins.store(new_lines)


def role_problems(
    databases: Databases,
    places: Sequence[ScopeDatabase],
    members: Sequence[Member],
    *,
    settled: bool,
) -> list[str]:
    """Say how roles differ from what they are to be, see `role_changes`; empty if they do not."""
    found: set[str] = set()
    for server in databases.servers:
        here = places_on(server, places)
        with server.door.session("casebook roles") as connection, connection.cursor() as cursor:
            logins = groups_of(here, members)
            changes = role_changes(cursor, here, logins, settled=settled)
            found |= {change.problem for change in changes}
            found |= {
                f"the role {login} was not made by this installation"
                for login in logins.keys() - marked_roles(connection, databases.installation)
                if role_exists(connection, login)
            }
    return sorted(found)


def role_changes(
    cursor: Cursor,
    places: Sequence[ScopeDatabase],
    logins: Mapping[str, ScopeDatabase],
    *,
    settled: bool,
) -> Iterator[Change]:
    """Yield how the roles of a server differ from what they are to be.

    Each login is to be in its scope's group and in nothing else. `settled`: and nobody else in any
    group. Before that, while a version is being published, logins may be in former groups still.
    """
    cursor.execute("set search_path to pg_catalog")
    forms = _forms(cursor, places, logins)
    cursor.execute(_ROLES, (sorted(forms),))
    present = {name: tuple(rest) for name, *rest in cursor.fetchall()}
    for name, form in sorted(forms.items()):
        if name in present:
            yield from _form_changes(name, form, present[name])
        else:
            yield Change(f"the role {name} is missing", None)
    standing = {(PUBLISHER, OWNER), *((place.renderer, place.group) for place in places)}
    standing |= {(place.group, place.audience_group) for place in places}
    standing -= {(place.group, place.group) for place in places}
    standing |= {(name, _RESERVED) for name, form in forms.items() if form.uses_reserved}
    wanted = standing | {(login, place.group) for login, place in logins.items()}
    # Whose members hold something else than the rows of a scope.
    no_groups = {OWNER, PUBLISHER, *(place.renderer for place in places)}
    cursor.execute(_MEMBERSHIPS, (sorted(forms),))
    held = set()
    for member, role, may_pass_on in cursor.fetchall():
        names = {"member": sql.Identifier(member), "role": sql.Identifier(role)}
        held.add((member, role))
        if may_pass_on:
            revoke = sql.SQL("revoke admin option for {role} from {member}").format(**names)
            yield Change(f"{member} may give {role} to others", revoke)
        if (member, role) in standing or (role == _RESERVED and member not in logins):
            continue
        is_standing = member in forms.keys() - logins.keys() or role in no_groups
        if (member, role) not in wanted and (settled or is_standing):
            revoke = sql.SQL("revoke {role} from {member}").format(**names)
            yield Change(f"{member} is a member of {role}", revoke)
    for member, role in sorted((wanted if settled else standing) - held):
        # The server looks at rights that are inherited; the publisher else inherits none.
        text = "grant {} to {} with inherit true" if role == _RESERVED else "grant {} to {}"
        grant = sql.SQL(text).format(sql.Identifier(role), sql.Identifier(member))
        yield Change(f"{member} is no member of {role}", grant)


def _forms(
    cursor: Cursor, places: Sequence[ScopeDatabase], logins: Mapping[str, ScopeDatabase]
) -> dict[str, _Form]:
    """Say how each role of a server is to be.

    The limits of all logins together leave some connections for a run; where the server reserves
    them for that, it hangs on nobody's limit.
    """
    cursor.execute(_CONDITIONS, (RESERVED_CONNECTIONS,))
    available, are_reserved, may_limit_files = cursor.fetchone() or (0, False, False)
    each = (available - RESERVED_CONNECTIONS) // max(1, len(logins))
    limit = CONNECTION_LIMIT if are_reserved else min(CONNECTION_LIMIT, each)
    files = TEMPORARY_FILES if may_limit_files else {}
    settings = {**RENDERER_SETTINGS, **files}
    renderer = _Form(RENDERER_LIMIT, settings=settings, uses_reserved=are_reserved)
    reader = _Form(max(1, limit), settings={**SETTINGS, **files})
    return {
        **{name: _Form() for name in (OWNER, *GROUPS, *(place.group for place in places))},
        PUBLISHER: _Form(-1, inherits=False, uses_reserved=are_reserved),
        **{place.renderer: renderer for place in places},
        **dict.fromkeys(logins, reader),
    }


def _form_changes(name: str, form: _Form, present: tuple[object, ...]) -> Iterator[Change]:
    can_log_in, inherits, limit, powers, settings = present
    role = sql.Identifier(name)
    if can_log_in != (form.limit is not None):
        verb = sql.SQL("alter role {} nologin" if can_log_in else "alter role {} login")
        yield Change(f"{name} {'can' if can_log_in else 'cannot'} log in", verb.format(role))
    if powers:
        yield Change(f"{name} {powers}", None)
    # Before PostgreSQL 16 inheriting is an attribute of the member, since then of the membership,
    # which takes the member's attribute as its default: the attribute does for both.
    if inherits and not form.inherits:
        alter = sql.SQL("alter role {} noinherit").format(role)
        yield Change(f"{name} inherits the rights of {OWNER}", alter)
    if form.limit not in (None, limit):
        alter = sql.SQL("alter role {} connection limit {}").format(role, sql.Literal(form.limit))
        yield Change(f"{name} may have another number of connections", alter)
    wanted = sorted([None, f"{setting}={value}"] for setting, value in form.settings.items())
    if form.limit is not None and settings != wanted:
        # Also those that a role made for itself: some break its reports.
        reset = [sql.SQL("alter role {} reset all").format(role)] + [
            sql.SQL("alter role {} in database {} reset all").format(role, sql.Identifier(database))
            for database, _ in (settings if isinstance(settings, list) else ())
            if database
        ]
        assign = [
            sql.SQL("alter role {} set {} to {}").format(
                role, sql.Identifier(setting), sql.Literal(value)
            )
            for setting, value in form.settings.items()
        ]
        yield Change(f"{name} has other settings", sql.SQL("; ").join([*reset, *assign]))
