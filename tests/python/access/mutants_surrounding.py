"""Mutants of what surrounds the marts: logins, members, databases, the server, other hands' things.

Each is statements for a superuser in a scope's database, to be rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrate.access.scopes import GROUPS
from tests.python.access.declared import Role
from tests.python.access.mutants_declared import Mutant
from tests.python.access.subject import STRANGER, Subject


def surrounding_mutants(cursor: Any, subject: Subject, database: str) -> Iterator[Mutant]:
    """Make the mutants of a published Casebook's server, and of the database of the cursor."""
    roles = [role for role in subject.roles() if role.database]
    yield from _of_databases(cursor, subject, roles)
    yield from _of_logins(cursor, roles)
    yield from _of_groups(cursor, roles)
    yield from _of_objects(database, subject.audiences[database])
    yield from _of_server(cursor)


def _of_databases(cursor: Any, subject: Subject, roles: list[Role]) -> Iterator[Mutant]:
    cursor.execute("select datname::text from pg_database where datallowconn")
    for (database,) in cursor.fetchall():
        for group in (*GROUPS, "public"):
            for right in ("temporary", "create"):
                yield Mutant(
                    "right on a database",
                    f"{right} on {database}, {group}",
                    (f"grant {right} on database {database} to {group}",),
                )
        for role in (*(one.name for one in roles), *GROUPS, STRANGER, "public"):
            known = next((one.database for one in roles if one.name == role), None)
            # What is new for those of the scope is passing it on.
            option = " with grant option" if known == database else ""
            yield Mutant(
                "database opened",
                f"{database}, {role}",
                (f"grant connect on database {database} to {role}{option}",),
            )
        if database in subject.audiences:
            # Its own group's, which the database has no use for without.
            group = next(one.name for one in roles if one.database == database and not one.is_login)
            yield Mutant(
                "database closed",
                database,
                (f"revoke connect on database {database} from {group}",),
            )
            yield Mutant(
                "right on a database",
                f"owner of {database}",
                (f"alter database {database} owner to {group}",),
            )


_PREDEFINED = """
    select rolname::text from pg_roles
    where starts_with(rolname, 'pg_') and rolname <> 'pg_database_owner' order by 1
"""


def _of_logins(cursor: Any, roles: list[Role]) -> Iterator[Mutant]:
    cursor.execute(_PREDEFINED)
    predefined = [name for (name,) in cursor.fetchall()]
    groups = [role.name for role in roles if not role.is_login]
    logins = [role for role in roles if role.is_login]
    for role in logins:
        login = role.name
        kind = "login for pages" if login.endswith("_pages") else "login"
        (own,) = [one.name for one in roles if one.database == role.database and not one.is_login]
        for group in sorted({*groups, *GROUPS} - {own}):
            yield Mutant(
                f"{kind} in a second group", f"{login}, {group}", (f"grant {group} to {login}",)
            )
        for power in ("casebook_owner", "casebook_publisher"):
            yield Mutant(
                f"{kind} in a role of power", f"{login}, {power}", (f"grant {power} to {login}",)
            )
        for name in sorted({*predefined} - role.groups):
            yield Mutant(
                f"{kind} in a role of the server", f"{login}, {name}", (f"grant {name} to {login}",)
            )
        for other in logins:
            if other != role:
                yield Mutant(
                    f"{kind} in another login",
                    f"{login}, {other.name}",
                    (f"grant {other.name} to {login}",),
                )
        for attribute in (
            "superuser",
            "bypassrls",
            "createrole",
            "createdb",
            "replication",
            "connection limit -1",
            "nologin",
            "set search_path to private",
            "reset jit",
            *(("reset statement_timeout",) if kind == "login" else ()),
        ):
            yield Mutant(
                f"{kind} with an attribute",
                f"{login} {attribute}",
                (f"alter role {login} {attribute}",),
            )
        yield Mutant(
            f"{kind} that passes its group on",
            login,
            (f"grant {own} to {login} with admin option",),
        )
        # Since PostgreSQL 16 a membership is each grantor's own: here the builder's.
        yield Mutant(
            f"{kind} out of its group",
            login,
            (f"revoke {own} from {login} granted by casebook_builder",),
        )
        if kind == "login":
            for other in groups:
                if other != own:
                    yield Mutant(
                        "login of another scope",
                        f"{login}, {other}",
                        (
                            f"revoke {own} from {login} granted by casebook_builder",
                            f"grant {other} to {login}",
                        ),
                    )


def _of_groups(cursor: Any, roles: list[Role]) -> Iterator[Mutant]:
    own = {role.name: role.groups for role in roles if not role.is_login}
    every = sorted({*own, *GROUPS})
    for group in every:
        yield Mutant("group that logs in", group, (f"alter role {group} login",))
        for other in (*every, "casebook_owner"):
            if (
                other != group
                and other not in own.get(group, ())
                and group not in own.get(other, ())
            ):
                yield Mutant(
                    "group in a group", f"{group}, {other}", (f"grant {other} to {group}",)
                )
        yield Mutant("stranger in a group", group, (f"grant {group} to {STRANGER}",))
        for audience in own.get(group, ()):
            yield Mutant(
                "group out of its audience's",
                group,
                (f"revoke {audience} from {group} granted by casebook_builder",),
            )
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


# What has no place in a scope's database, and nobody declared; `{table}` is one that is read.
_OBJECTS = {
    "view": (
        "create view {schema}.more as select * from {table}",
        "create view {schema}.more as select 1 as one; grant select on {schema}.more to public",
        "create view public.more as select * from {table}",
    ),
    "materialized view": ("create materialized view {schema}.more as select 1 as one",),
    "table": (
        "create table {schema}.more as select * from {table}",
        "create table {schema}.more (a integer); grant select on {schema}.more to {group}",
        "create table {schema}.more () inherits ({table})",
        "create table public.more (a integer)",
        "create table private.more (a integer); grant select on private.more to public",
    ),
    "partitioned table": ("create table {schema}.more (a integer) partition by list (a)",),
    "sequence": ("create sequence {schema}.more; grant usage on sequence {schema}.more to public",),
    "schema": ("create schema more; grant usage on schema more to public",),
    "function": tuple(
        f"create function {schema}.more() returns bigint language sql stable security definer"
        " as 'select count(*) from {table}'"
        for schema in ("{schema}", "private", "public")
    ),
    "trigger": (
        "create trigger more before insert on {table} for each row"
        " execute function suppress_redundant_updates_trigger()",
    ),
    "logical publication": ("create publication more",),
    "extended statistics": ("create statistics {schema}.more on version, {column} from {table}",),
    "large object": ("select lo_from_bytea(0, 'x')",),
}
_READ = {
    "program": ("residency", "fct_studies", "study_id"),
    "resident": ("residency", "fct_studies", "study_id"),
    "client": ("clients", "procedure_summary", "procedure_code"),
    "management": ("extracts", "encounters", "encounter_code"),
    "staff": ("extracts", "encounters", "encounter_code"),
}


def _of_objects(database: str, audience: str) -> Iterator[Mutant]:
    schema, name, column = _READ[audience]
    names = {
        "schema": schema,
        "table": f"{schema}.{name}",
        "column": column,
        "group": f"casebook_{audience}",
    }
    for kind, texts in _OBJECTS.items():
        for text in texts:
            statement = text.format(**names)
            yield Mutant(f"{kind} by other hands", f"{database}: {statement}", (statement,))
    for role in ("casebook_owner", "casebook_publisher"):
        for what, right in (("tables", "select"), ("schemas", "usage"), ("sequences", "usage")):
            yield Mutant(
                "rights on new objects",
                f"{what} of {role}",
                (
                    f"alter default privileges for role {role}"
                    f" grant {right} on {what} to casebook_{audience}",
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
