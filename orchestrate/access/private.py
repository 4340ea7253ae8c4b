"""The schema `private` of reporting: pointer, versions, members and the policies' functions.

No reader may use the schema. Policies reach the functions all the same: a policy holds its
functions by identity, so that a reader needs EXECUTE but never looks the name up. The functions
run as the owner, look only at `session_user` (which `set role` does not change, unlike
`current_user`; no setting is asked, for any session may set those) and find nothing for a login
that is no member, or that somebody put into the group of another audience.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from psycopg2 import sql

from orchestrate.access.members import Member
from orchestrate.access.roles import GROUPS, OWNER
from orchestrate.access.routines import SEARCH_PATH, Routine, live_routines

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

SCHEMA: Final = "private"

_TABLES: Final = {
    "pointer": """
        create table private.pointer (
            only_row boolean primary key default true check (only_row),
            current_version bigint,
            highest_version bigint not null default 0,
            check (current_version <= highest_version)
        )""",
    "versions": """
        create table private.versions (
            version bigint primary key,
            published_at timestamptz not null default now(),
            sources jsonb not null,
            row_counts jsonb not null,
            tests_passed integer not null,
            tests_warned integer not null,
            casebook_version text not null,
            invocation_id text not null,
            is_retained boolean not null default true,
            given jsonb,
            rolled_back_at timestamptz
        )""",
    "members": """
        create table private.members (
            login text primary key,
            audience text not null,
            client_id text,
            specialty_id text,
            resident_name text,
            scope_id text
        )""",
}

TABLES: Final = tuple(_TABLES)
# Columns of `versions` that tables of earlier releases lack.
_LATER_COLUMNS: Final = {"given": "jsonb", "rolled_back_at": "timestamptz"}

_FUNCTIONS: Final = {
    "current_version": (
        "bigint",
        "select pointer.current_version from private.pointer where exists ("
        "select from private.members where members.login = session_user and not exists ("
        "select from pg_roles where starts_with(pg_roles.rolname, 'casebook_')"
        " and pg_roles.rolname <> 'casebook_' || members.audience"
        " and pg_has_role(session_user, pg_roles.oid, 'member')))",
    ),
    "reader_scope": (
        "text",
        "select members.scope_id from private.members where members.login = session_user",
    ),
    "reader_resident": (
        "text",
        "select members.resident_name from private.members where members.login = session_user",
    ),
}
FUNCTIONS: Final = tuple(_FUNCTIONS)

_COMMENTS: Final = {
    "pointer": "One row: the version that readers see, and the highest one ever published.",
    "versions": "One row per published version.",
    "members": "One row per login of a reader, with what it may see.",
}


def ensure_private(cursor: Cursor) -> None:
    """Create the schema, its tables and functions where they are missing, as the owner.

    The caller has set the role to the owner. What readers hold on the schema is taken away.
    """
    cursor.execute("select to_regnamespace('private') is null")
    if cursor.fetchone() == (True,):
        cursor.execute("create schema private")
        # Functions are PUBLIC's by default; for the owner's own that ends here.
        cursor.execute("alter default privileges revoke execute on functions from public")
    cursor.execute(
        "select relname from pg_class where relnamespace = 'private'::regnamespace"
        " and relkind = 'r'"
    )
    present = {name for (name,) in cursor.fetchall()}
    for name, statement in _TABLES.items():
        if name not in present:
            cursor.execute(statement)
            cursor.execute(
                sql.SQL("comment on table {} is {}").format(
                    sql.Identifier(SCHEMA, name), sql.Literal(_COMMENTS[name])
                )
            )
    cursor.execute("select attname from pg_attribute where attrelid = 'private.versions'::regclass")
    stored = {name for (name,) in cursor.fetchall()}
    for name, data_type in _LATER_COLUMNS.items():
        if name not in stored:
            cursor.execute(f"alter table private.versions add {name} {data_type}")
    cursor.execute("insert into private.pointer default values on conflict do nothing")
    ensure_functions(cursor)


def private_routines(owner: str) -> Iterator[Routine]:
    """Describe the functions of the schema as they are to be."""
    for name, (result, body) in _FUNCTIONS.items():
        yield Routine(
            SCHEMA,
            name,
            signature="",
            arguments="",
            returns=result,
            language="sql",
            properties=f"security definer, stable, parallel restricted, {SEARCH_PATH}",
            owner=owner,
            comment="",
            body=body,
        )


def ensure_functions(cursor: Cursor) -> None:
    """Make the functions of the schema as they are to be, as the owner; touch only what differs."""
    present = live_routines(cursor)
    for routine in private_routines(OWNER):
        if routine in present:
            continue
        name = sql.Identifier(SCHEMA, routine.name)
        cursor.execute(
            sql.SQL(
                "create or replace function {}() returns {} language sql stable security definer"
                " parallel restricted set search_path to pg_catalog, pg_temp as {}"
            ).format(name, sql.SQL(routine.returns), sql.Literal(routine.body))
        )
        cursor.execute(sql.SQL("comment on function {}() is null").format(name))
        cursor.execute(sql.SQL("revoke all on function {}() from public").format(name))
        cursor.execute(
            sql.SQL("grant execute on function {}() to {}").format(
                name, sql.SQL(", ").join(map(sql.Identifier, GROUPS))
            )
        )


def read_members(cursor: Cursor) -> list[Member]:
    """Read `private.members`, as the owner."""
    cursor.execute(
        "select login, audience, client_id, specialty_id, resident_name, scope_id"
        " from private.members order by login"
    )
    return [Member(*row) for row in cursor.fetchall()]


def store_members(cursor: Cursor, members: Sequence[Member]) -> None:
    """Make `private.members` the given ones, in the caller's transaction."""
    cursor.execute("delete from private.members")
    for member in members:
        cursor.execute(
            "insert into private.members values (%s, %s, %s, %s, %s, %s)",
            (
                member.login,
                member.audience,
                member.client_id,
                member.specialty_id,
                member.resident_name,
                member.scope_id,
            ),
        )
