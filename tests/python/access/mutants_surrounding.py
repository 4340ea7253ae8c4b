"""Mutants of what surrounds the marts: logins, members, databases, the server, other hands' things.

Each is statements for a superuser in reporting, to be rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrate.access.roles import GROUPS
from tests.python.access.declared import READS
from tests.python.access.mutants_declared import Mutant
from tests.python.access.subject import STRANGER, Subject, relations


def surrounding_mutants(cursor: Any, subject: Subject) -> Iterator[Mutant]:
    """Make the mutants of a published Casebook's server."""
    yield from _of_databases(cursor, subject.reporting)
    yield from _of_logins(cursor, subject)
    yield from _of_groups(cursor)
    yield from _of_members(cursor, subject)
    yield from _of_objects()
    yield from _of_server(cursor)


def _of_databases(cursor: Any, reporting: str) -> Iterator[Mutant]:
    cursor.execute("select datname::text from pg_database where datallowconn")
    for (database,) in cursor.fetchall():
        for group in (*GROUPS, "public"):
            for right in ("temporary", "create"):
                yield Mutant(
                    "right on a database",
                    f"{right} on {database}, {group}",
                    (f"grant {right} on database {database} to {group}",),
                )
            # Groups connect to reporting anyway; what is new there is passing it on.
            is_known = database == reporting and group != "public"
            option = " with grant option" if is_known else ""
            yield Mutant(
                "database opened",
                f"{database}, {group}",
                (f"grant connect on database {database} to {group}{option}",),
            )
    yield Mutant(
        "right on a database",
        "of the owner",
        (f"alter database {reporting} owner to casebook_client",),
    )


_PREDEFINED = """
    select rolname::text from pg_roles
    where starts_with(rolname, 'pg_') and rolname <> 'pg_database_owner' order by 1
"""


def _of_logins(cursor: Any, subject: Subject) -> Iterator[Mutant]:
    cursor.execute(_PREDEFINED)
    predefined = [name for (name,) in cursor.fetchall()]
    for member in subject.members:
        login = member["login"]
        for group in GROUPS:
            if group != f"casebook_{member['audience']}":
                yield Mutant(
                    "login in a second group", f"{login}, {group}", (f"grant {group} to {login}",)
                )
        for role in ("casebook_owner", "casebook_publisher"):
            yield Mutant(
                "login in a role of power", f"{login}, {role}", (f"grant {role} to {login}",)
            )
        for role in predefined:
            yield Mutant(
                "login in a role of the server", f"{login}, {role}", (f"grant {role} to {login}",)
            )
        other = next(one["login"] for one in subject.members if one["login"] != login)
        yield Mutant("login in another login", f"{login}, {other}", (f"grant {other} to {login}",))
        for attribute in (
            "superuser",
            "bypassrls",
            "createrole",
            "createdb",
            "replication",
            "connection limit -1",
        ):
            yield Mutant(
                "login with an attribute",
                f"{login} {attribute}",
                (f"alter role {login} {attribute}",),
            )
        for setting in ("enable_seqscan", "jit", "statement_timeout"):
            yield Mutant(
                "login without a setting",
                f"{login} {setting}",
                (f"alter role {login} reset {setting}",),
            )
        yield Mutant(
            "login out of its group",
            login,
            (
                # Since PostgreSQL 16 a membership is each grantor's own: here the builder's.
                f"revoke casebook_{member['audience']} from {login} granted by casebook_builder",
            ),
        )


def _of_groups(cursor: Any) -> Iterator[Mutant]:
    for group in GROUPS:
        yield Mutant("group that logs in", group, (f"alter role {group} login",))
        for other in (*(one for one in GROUPS if one != group), "casebook_owner"):
            yield Mutant("group in a group", f"{group}, {other}", (f"grant {other} to {group}",))
    for group in GROUPS:
        yield Mutant("stranger in a group", group, (f"grant {group} to {STRANGER}",))
    # Since PostgreSQL 16 inheriting is of each membership, before that of the member.
    inherits = (
        "grant casebook_owner to casebook_publisher with inherit true"
        if cursor.connection.server_version >= 160000
        else "alter role casebook_publisher inherit"
    )
    yield Mutant("publisher that inherits", "casebook_owner", (inherits,))
    for attribute in ("superuser", "bypassrls"):
        yield Mutant(
            "publisher with an attribute",
            attribute,
            (f"alter role casebook_publisher {attribute}",),
        )


def _of_members(cursor: Any, subject: Subject) -> Iterator[Mutant]:
    clients = [one["login"] for one in subject.members if one["audience"] == "client"]
    for login in clients:
        for other in clients:
            if login != other:
                yield Mutant(
                    "member with another's scope",
                    f"{login}, {other}",
                    (
                        "update private.members set scope_id ="
                        f" (select scope_id from private.members where login = '{other}')"
                        f" where login = '{login}'",
                    ),
                )
    schemas = {schema for schema, _ in relations(cursor)}
    for member in subject.members:
        login = member["login"]
        if not any((member["audience"], schema) in READS for schema in schemas):
            # Nothing is published for this audience, so its members lose nothing.
            continue
        yield Mutant(
            "member lost", login, (f"delete from private.members where login = '{login}'",)
        )
        if member["audience"] == "resident":
            yield Mutant(
                "member with another's name",
                login,
                (
                    "update private.members set resident_name = (select max(resident_name) from"
                    f" residency.fct_studies) where login = '{login}'",
                ),
            )


# What has no place in reporting, and nobody declared.
_OBJECTS = {
    "view": (
        "create view residency.more as select * from residency.fct_studies",
        "create view clients.more as select 1 as one; grant select on clients.more to public",
        "create view public.more as select * from residency.fct_studies",
    ),
    "materialized view": ("create materialized view clients.more as select 1 as one",),
    "table": (
        "create table residency.more as select * from residency.fct_studies",
        "create table clients.more (a integer); grant select on clients.more to casebook_client",
        "create table clients.more () inherits (clients.procedure_summary)",
        "create table public.more (a integer)",
        "create table private.more (a integer); grant select on private.more to public",
    ),
    "partitioned table": ("create table clients.more (a integer) partition by list (a)",),
    "sequence": ("create sequence clients.more; grant usage on sequence clients.more to public",),
    "schema": ("create schema more; grant usage on schema more to public",),
    "function": tuple(
        f"create function {schema}.more() returns bigint language sql stable security definer"
        " as 'select count(*) from clients.procedure_summary'"
        for schema in ("clients", "private", "public")
    ),
    "trigger": (
        "create trigger more before insert on residency.fct_studies for each row"
        " execute function suppress_redundant_updates_trigger()",
    ),
    "logical publication": ("create publication more",),
    "extended statistics": (
        "create statistics residency.more on resident_name, study_id from residency.fct_studies",
    ),
    "large object": ("select lo_from_bytea(0, 'x')",),
}


def _of_objects() -> Iterator[Mutant]:
    for kind, texts in _OBJECTS.items():
        for text in texts:
            yield Mutant("object by other hands", f"{kind}: {text}", (text,))
    for role in ("casebook_owner", "casebook_publisher"):
        for what, right in (("tables", "select"), ("schemas", "usage"), ("sequences", "usage")):
            yield Mutant(
                "rights on new objects",
                f"{what} of {role}",
                (
                    f"alter default privileges for role {role}"
                    f" grant {right} on {what} to casebook_client",
                ),
            )


def _of_server(cursor: Any) -> Iterator[Mutant]:
    """Give everybody what a new server or Casebook keeps from them."""
    cursor.execute(
        "select oid::regprocedure::text from pg_proc"
        " where pronamespace = 'pg_catalog'::regnamespace"
        " and not has_function_privilege('casebook_client', oid, 'execute') order by 1"
    )
    for (function,) in cursor.fetchall():
        yield Mutant(
            "function of the server opened",
            function,
            (f"grant execute on function {function} to public",),
        )
    for table in (
        "pg_authid",
        "pg_statistic",
        "pg_subscription",
        "pg_largeobject",
        "pg_user_mapping",
    ):
        yield Mutant("table of the server opened", table, (f"grant select on {table} to public",))
    for setting in ("session_replication_role", "log_statement"):
        yield Mutant(
            "setting of the server opened",
            setting,
            (f"grant set on parameter {setting} to public",),
        )
