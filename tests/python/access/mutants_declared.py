"""Mutants of what marts declare: every policy, right, table and function loosened in each way.

They are made from the declaration and the catalog, so that a new mart brings its own. Each is
statements for a superuser in a scope's database, to be rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from psycopg2 import sql

from orchestrate.access.policies import Access, Policy, Right
from orchestrate.access.private import TABLES
from orchestrate.access.scopes import GROUPS


class Mutant(NamedTuple):
    """One change for the worse: its kind, what it changes in words, and the statements."""

    kind: str
    target: str
    statements: tuple[str, ...]


# Right conditions that a reader's may be cheaper than, so that plans tell of other versions.
_TELLING = (
    "version = (select private.current_version())",
    "version = any (array[(select private.current_version())])",
    "version = private.current_version()",
)
VERBS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


def declared_mutants(cursor: Any, access: Access, database: str) -> Iterator[Mutant]:
    """Make the mutants of an access that is live in a database."""
    yield from _of_policies(access.policies)
    yield from _of_rights(access.rights, database)
    yield from _of_tables(cursor, access)
    yield from _of_routines(cursor, access)
    yield from _of_private()
    yield from _of_schemas(access)


def _of_policies(policies: Iterable[Policy]) -> Iterator[Mutant]:
    for policy in sorted(policies):
        on = f"{policy.name} on {policy.schema}.{policy.relation}"
        drop = f"drop policy {on}"

        yield Mutant("policy dropped", on, (drop,))
        kept = "restrictive" if policy.is_restrictive else "permissive"
        if policy.is_restrictive:
            conditions = {
                "policy loosened to true": "true",
                "policy loosened by an or": f"{policy.condition} or version is not null",
                "policy of every version": "version in (select version from private.versions)",
                **{f"policy that plans tell of: {one}": one for one in _TELLING},
            }
            for kind, condition in conditions.items():
                yield Mutant(kind, on, (f"alter policy {on} using ({condition})",))
            for group in GROUPS[:2]:
                narrowed = f"alter policy {on} to {group}"
                yield Mutant("restrictive policy for one group only", f"{on}, {group}", (narrowed,))
        other = "permissive" if policy.is_restrictive else "restrictive"
        yield Mutant(f"policy made {other}", on, (drop, create(policy, on, other, "select")))
        yield Mutant("policy for all commands", on, (drop, create(policy, on, kept, "all")))


def create(policy: Policy, on: str, kind: str, command: str) -> str:
    """Return the statement that makes a policy anew, of another kind or for another command."""
    return (
        f"create policy {on} as {kind} for {command} to {', '.join(policy.roles)}"
        f" using ({policy.condition})"
    )


def _of_rights(rights: Iterable[Right], database: str) -> Iterator[Mutant]:
    for right in sorted(rights):
        verb, target = right.privilege, _target(right)
        if right.kind == "database":
            target = f"database {database}"
        on = f"{verb} on {right.kind} {'.'.join(right.path)} of {right.role}"
        if right.kind == "column":
            verb = f"{verb} ({right.path[-1]})"
        yield Mutant(
            "right missing",
            on,
            (f"revoke {verb} on {target} from {right.role}",),
        )
        for other in (*GROUPS, "public"):
            added = Right(right.kind, right.path, other, right.privilege)
            if added not in rights:
                yield Mutant(
                    "right for another",
                    f"{on}, {other}",
                    (f"grant {verb} on {target} to {other}",),
                )
        yield Mutant(
            "right to pass on",
            on,
            (f"grant {verb} on {target} to {right.role} with grant option",),
        )


def _target(right: Right) -> str:
    if right.kind == "column":
        return f"table {'.'.join(right.path[:2])}"
    if right.kind == "function":
        return f"function {'.'.join(right.path[:2])}({right.path[2]})"
    return f"{right.kind} {'.'.join(right.path)}"


def _of_tables(cursor: Any, access: Access) -> Iterator[Mutant]:
    readers: dict[tuple[str, ...], set[str]] = {}
    for right in access.rights:
        if right.kind == "column":
            readers.setdefault(right.path[:2], set()).add(right.role)
    cursor.execute("select current_setting('server_version_num')::integer >= 170000")
    verbs = (*VERBS, "MAINTAIN") if cursor.fetchone() == (True,) else VERBS
    for schema, name in sorted(access.relations):
        relation = f"{schema}.{name}"
        cursor.execute(
            "select attname::text from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " and not attisdropped order by attnum desc limit 1",
            (relation,),
        )
        (column,) = cursor.fetchone()
        for kind, text in (
            ("row security off", f"alter table {relation} disable row level security"),
            ("row security forced", f"alter table {relation} force row level security"),
            ("table of another owner", f"alter table {relation} owner to casebook_publisher"),
            ("index without the version", f"create index on {relation} ({column})"),
            (
                "policy added",
                f"create policy more on {relation} for select to public using (true)",
            ),
            (
                "policy added for writing",
                f"create policy more on {relation} for insert to public with check (true)",
            ),
            (
                "rule on a table",
                f"create rule more as on insert to {relation} do also select 1",
            ),
        ):
            yield Mutant(kind, relation, (text,))
        for role in sorted(readers.get((schema, name), ())):
            yield Mutant(
                "right on a whole table",
                f"{relation}, {role}",
                (f"grant select on {relation} to {role}",),
            )
            for verb in verbs:
                yield Mutant(
                    "right to write",
                    f"{verb} on {relation}, {role}",
                    (f"grant {verb} on {relation} to {role}",),
                )
        yield Mutant(
            "right on a whole table",
            f"{relation}, public",
            (f"grant all on {relation} to public",),
        )


# Bodies that would show more, or what another reader or a setting says.
_LOOSER = {
    "current_version": (
        "select max(version) from private.versions",
        "select min(version) from private.versions",
        "select highest_version from private.pointer",
        "select coalesce(current_setting(''casebook.version'', true)::bigint,"
        " pointer.current_version) from private.pointer".replace("''", "'"),
    ),
}


def _of_routines(cursor: Any, access: Access) -> Iterator[Mutant]:
    for routine in sorted(access.routines):
        name = f"{routine.schema}.{routine.name}({routine.signature})"
        other = "invoker" if "definer" in routine.properties else "definer"
        for change in (
            f"security {other}",
            "reset search_path",
            "set search_path to public, pg_catalog",
            "immutable",
            "leakproof",
            "owner to casebook_publisher",
        ):
            yield Mutant(
                "function altered", f"{name} {change}", (f"alter function {name} {change}",)
            )
        for body in _LOOSER.get(routine.name, ()):
            text = sql.SQL(
                "create or replace function {}() returns {} language sql stable security definer"
                " parallel restricted set search_path to pg_catalog, pg_temp as {}"
            ).format(
                sql.Identifier(routine.schema, routine.name),
                sql.SQL(routine.returns),
                sql.Literal(body),
            )
            yield Mutant("function of a policy loosened", name, (text.as_string(cursor),))


def _of_private() -> Iterator[Mutant]:
    for group in (*GROUPS, "public"):
        yield Mutant("private opened", group, (f"grant usage on schema private to {group}",))
        for table in TABLES:
            for verb in ("select", "update"):
                grant = f"grant {verb} on private.{table} to {group}"
                yield Mutant("private table opened", f"{verb}, {table}, {group}", (grant,))


def _of_schemas(access: Access) -> Iterator[Mutant]:
    for schema in sorted({schema for schema, _ in access.relations}):
        for group in (*GROUPS, "public"):
            grant = f"grant create on schema {schema} to {group}"
            yield Mutant("right to create in a schema", f"{schema}, {group}", (grant,))
    for group in (*GROUPS, "public"):
        for right in ("usage", "create"):
            yield Mutant(
                "schema public opened",
                f"{right}, {group}",
                (f"grant {right} on schema public to {group}",),
            )
