"""Mutants of what marts declare: every policy, right, table and function loosened in each way.

They are made from the catalog of a sound scope's database, so that a new mart brings its own. Each
is statements for a superuser there, to be rolled back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from psycopg2 import sql

from orchestrate.access.private import TABLES
from orchestrate.access.scopes import GROUPS


class Mutant(NamedTuple):
    """One change for the worse: its kind, what it changes in words, and the statements."""

    kind: str
    target: str
    statements: tuple[str | sql.Composable, ...]


# Right conditions that a reader's may be cheaper than, so that plans tell of other versions.
_TELLING = (
    "version = (select private.current_version())",
    "version = any (array[(select private.current_version())])",
    "version = private.current_version()",
)
VERBS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")


_POLICIES = """
    select format('%I on %I.%I', policyname, schemaname, tablename), permissive = 'RESTRICTIVE',
        qual
    from pg_policies order by 1
"""
# What others than its owner hold on the database, its schemas, columns and functions.
_RIGHTS = """
    select target, given.privilege_type, part, given.grantee::regrole::text
    from (
        select 'database ' || datname as target, '' as part, datdba as owner_id, datacl as acl
        from pg_database where datname = current_database()
        union all
        select 'schema ' || nspname, '', nspowner, nspacl
        from pg_namespace where oid >= 16384
        union all
        select format('table %I.%I', nspname, relname), quote_ident(attname), relowner, attacl
        from pg_attribute
        inner join pg_class on pg_class.oid = attrelid
        inner join pg_namespace on pg_namespace.oid = relnamespace
        where pg_namespace.oid >= 16384
        union all
        select 'function ' || pg_proc.oid::regprocedure, '', proowner, proacl
        from pg_proc
        inner join pg_namespace on pg_namespace.oid = pronamespace
        where pg_namespace.oid >= 16384
    ) as lists
    cross join lateral aclexplode(acl) as given
    where given.grantee <> owner_id
    order by 1, 3, 2, 4
"""
_RELATIONS = """
    select
        format('%%I.%%I', nspname, relname),
        (
            select quote_ident(attname) from pg_attribute
            where attrelid = pg_class.oid and attnum > 0 and not attisdropped
            order by attnum desc limit 1
        ),
        has_any_column_privilege('casebook_' || %s, pg_class.oid, 'select')
    from pg_class
    inner join pg_namespace on pg_namespace.oid = relnamespace
    where relkind = 'r' and pg_namespace.oid >= 16384 and nspname <> 'private'
    order by 1
"""
_ROUTINES = """
    select pg_proc.oid::regprocedure::text, prosecdef, provolatile = 'i' from pg_proc
    inner join pg_namespace on pg_namespace.oid = pronamespace
    where pg_namespace.oid >= 16384 order by 1
"""


class Right(NamedTuple):
    """A privilege of a role on an object, or on a column (`part`) of it."""

    target: str
    privilege: str
    part: str
    role: str

    @property
    def verb(self) -> str:
        """The privilege as a grant names it."""
        return f"{self.privilege} ({self.part})" if self.part else self.privilege


def declared_mutants(cursor: Any, audience: str) -> Iterator[Mutant]:
    """Make the mutants of the cursor's database, which is of a scope of the audience."""
    for query, make in (
        (_POLICIES, _of_policies),
        (_RIGHTS, _of_rights),
        (_ROUTINES, _of_routines),
    ):
        cursor.execute(query)
        yield from make(cursor.fetchall())
    cursor.execute(_RELATIONS, (audience,))
    relations = cursor.fetchall()
    yield from _of_tables(
        relations, f"casebook_{audience}", cursor.connection.server_version >= 170000
    )
    yield from _of_private()
    yield from _of_schemas({relation.split(".")[0] for relation, *_ in relations})


def _of_policies(policies: Iterable[tuple[str, bool, str]]) -> Iterator[Mutant]:
    for on, is_restrictive, condition in policies:
        drop = f"drop policy {on}"
        yield Mutant("policy dropped", on, (drop,))
        kind, other = ("restrictive", "permissive")[:: 1 if is_restrictive else -1]
        if is_restrictive:
            conditions = {
                "policy loosened to true": "true",
                "policy loosened by an or": f"{condition} or version is not null",
                "policy of every version": "version in (select version from private.versions)",
                **{f"policy that plans tell of: {one}": one for one in _TELLING},
            }
            for what, looser in conditions.items():
                yield Mutant(what, on, (f"alter policy {on} using ({looser})",))
            for group in GROUPS[:2]:
                narrowed = f"alter policy {on} to {group}"
                yield Mutant("restrictive policy for one group only", f"{on}, {group}", (narrowed,))
        for what, form in (
            (f"policy made {other}", f"{other} for select"),
            ("policy for all commands", f"{kind} for all"),
        ):
            created = f"create policy {on} as {form} to public using ({condition})"
            yield Mutant(what, on, (drop, created))


def _of_rights(held: Iterable[tuple[str, str, str, str]]) -> Iterator[Mutant]:
    rights = {Right(*one) for one in held}
    for right in sorted(rights):
        target, verb, role = right.target, right.verb, right.role
        on = f"{verb} on {target} of {role}"
        yield Mutant("right missing", on, (f"revoke {verb} on {target} from {role}",))
        for other in (*GROUPS, "public"):
            if right._replace(role=other) not in rights:
                grant = f"grant {verb} on {target} to {other}"
                yield Mutant("right for another", f"{on}, {other}", (grant,))
        passed = f"grant {verb} on {target} to {role} with grant option"
        yield Mutant("right to pass on", on, (passed,))


def _of_tables(
    relations: Iterable[tuple[str, str, bool]], group: str, maintains: bool
) -> Iterator[Mutant]:
    verbs = (*VERBS, "MAINTAIN") if maintains else VERBS
    for relation, column, is_read in relations:
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
        for verb in ("SELECT", *verbs) if is_read else ():
            yield Mutant(
                "right on a whole table",
                f"{verb} on {relation}, {group}",
                (f"grant {verb} on {relation} to {group}",),
            )
        yield Mutant(
            "right on a whole table",
            f"{relation}, public",
            (f"grant all on {relation} to public",),
        )


# Bodies that would show another version, or the one that a setting says.
_LOOSER = (
    "select max(version) from private.versions",
    "select min(version) from private.versions",
    "select highest_version from private.pointer",
    "select coalesce(current_setting('casebook.version', true)::bigint, pointer.current_version)"
    " from private.pointer",
)


def _of_routines(routines: Iterable[tuple[str, bool, bool]]) -> Iterator[Mutant]:
    for name, is_definer, is_immutable in routines:
        for change in (
            f"security {'invoker' if is_definer else 'definer'}",
            *(["volatile"] if is_immutable else ["immutable", "reset search_path"]),
            "set search_path to public, pg_catalog",
            "leakproof",
            "owner to casebook_publisher",
        ):
            yield Mutant(
                "function altered", f"{name} {change}", (f"alter function {name} {change}",)
            )
    for body in _LOOSER:
        text = sql.SQL(
            "create or replace function private.current_version() returns bigint language sql"
            " stable security definer parallel restricted set search_path to pg_catalog, pg_temp"
            " as {}"
        ).format(sql.Literal(body))
        yield Mutant("function of the policies loosened", body, (text,))


def _of_private() -> Iterator[Mutant]:
    for group in (*GROUPS, "public"):
        yield Mutant("private opened", group, (f"grant usage on schema private to {group}",))
        for table in TABLES:
            for verb in ("select", "update"):
                grant = f"grant {verb} on private.{table} to {group}"
                yield Mutant("private table opened", f"{verb}, {table}, {group}", (grant,))


def _of_schemas(schemas: Iterable[str]) -> Iterator[Mutant]:
    for schema in sorted(schemas):
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
