"""Who may read what, as declared by the marts and as the catalog has it: one form for both.

`declared_access` derives rights and policies from the marts' readers; `live_access` reads what
there is; `difference` tells them apart, and `apply_access` turns one into the other. The publisher
does all three in the transaction that publishes, so that nothing is shown under other rights than
declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from psycopg2 import sql

from orchestrate.access.private import FUNCTIONS, SCHEMA, ensure_functions, private_routines
from orchestrate.access.roles import GROUPS, OWNER, group_of
from orchestrate.access.routines import (
    Routine,
    change_routines,
    live_routines,
    published_routines,
)
from orchestrate.contracts import READS_OWN, Function, Mart

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

PUBLIC: Final = "public"
PASSED_ON: Final = "*"

# Conditions as PostgreSQL writes them back (pg_get_expr with an empty search path), so that
# declared and live ones compare as text. The sub-select is evaluated once per statement, not once
# per row, and leaves an equality that an index of (version, scope_id, …) answers without looking
# at other rows.
CURRENT_VERSION: Final = "(version = ( SELECT private.current_version() AS current_version))"
OWN_SCOPE: Final = "(scope_id = ( SELECT private.reader_scope() AS reader_scope))"
OWN_RESIDENT: Final = "(resident_name = ( SELECT private.reader_resident() AS reader_resident))"
EVERY_ROW: Final = "true"


class Policy(NamedTuple):
    """A row-security policy for select."""

    schema: str
    relation: str
    name: str
    is_restrictive: bool
    roles: tuple[str, ...]
    condition: str
    command: str = "SELECT"


class Right(NamedTuple):
    """A privilege of one role on one object.

    `kind` is database, schema, table, sequence, column or function, `path` the object's name in
    parts; a function's last part is the list of its argument types. A privilege that its holder may
    pass on ends in a star.
    """

    kind: str
    path: tuple[str, ...]
    role: str
    privilege: str


@dataclass(frozen=True)
class Access:
    """Everything that decides what readers see of a reporting database.

    `relations` are tables under row security, owned by the owner; `others` are objects that have no
    place there: views, foreign tables, tables without or with forced row security, another owner's.
    `routines` are all functions, with their bodies.
    """

    relations: frozenset[tuple[str, str]]
    policies: frozenset[Policy]
    rights: frozenset[Right]
    others: frozenset[str] = frozenset()
    routines: frozenset[Routine] = frozenset()


def declared_access(marts: Sequence[Mart], functions: Sequence[Function] = ()) -> Access:
    """Derive access from marts and functions.

    A mart without readers is one that is being withdrawn.
    """
    rights = {Right("database", (), group, "CONNECT") for group in GROUPS} | {
        Right("function", (SCHEMA, function, ""), group, "EXECUTE")
        for function in FUNCTIONS
        for group in GROUPS
    }
    policies: set[Policy] = set()
    for mart in marts:
        policies.update(_policies(mart))
        for audience in mart.readers:
            group = group_of(audience)
            rights.add(Right("schema", (mart.schema,), group, "USAGE"))
            rights.update(
                Right("column", (mart.schema, mart.name, column), group, "SELECT")
                for column in ("version", *mart.source_columns)
            )
    for function in functions:
        path = (function.schema, function.name, function.signature)
        for audience in function.readers:
            rights.add(Right("schema", (function.schema,), group_of(audience), "USAGE"))
            rights.add(Right("function", path, group_of(audience), "EXECUTE"))
    return Access(
        frozenset((mart.schema, mart.name) for mart in marts),
        frozenset(policies),
        frozenset(rights),
        routines=frozenset([*private_routines(OWNER), *published_routines(functions, OWNER)]),
    )


def _policies(mart: Mart) -> Iterable[Policy]:
    schema, name = mart.schema, mart.name
    yield Policy(schema, name, "version_is_current", True, (PUBLIC,), CURRENT_VERSION)
    if mart.is_scoped:
        yield Policy(schema, name, "scope_is_own", True, (PUBLIC,), OWN_SCOPE)
    for audience, reading in mart.readers.items():
        condition = OWN_RESIDENT if reading == READS_OWN else EVERY_ROW
        yield Policy(schema, name, f"{audience}_reads", False, (group_of(audience),), condition)


def live_access(cursor: Cursor) -> Access:
    """Read access from the catalog; the role must see nothing special, any role does."""
    cursor.execute("set local search_path to pg_catalog")
    cursor.execute(_RELATIONS)
    relations, others = set(), set()
    for schema, name, is_sound, what in cursor.fetchall():
        if is_sound:
            relations.add((schema, name))
        else:
            others.add(f"{what} {schema}.{name}")
    cursor.execute(_POLICIES)
    policies = {
        Policy(schema, name, policy, not permissive, tuple(roles), condition, command)
        for schema, name, policy, permissive, roles, condition, command in cursor.fetchall()
    }
    cursor.execute(_RIGHTS, {"groups": list(GROUPS)})
    rights = {
        Right(kind, tuple(path), role, privilege)
        for kind, path, role, privilege in cursor.fetchall()
    }
    return Access(
        frozenset(relations),
        frozenset(policies),
        frozenset(rights),
        frozenset(others),
        live_routines(cursor),
    )


def difference(declared: Access, live: Access) -> list[str]:
    """Say how the live access differs from the declared one; empty when it does not."""
    found = sorted(live.others)
    for relation in declared.relations ^ live.relations:
        state = "missing" if relation in declared.relations else "not declared"
        found.append(f"relation {'.'.join(relation)} is {state}")
    for policy in declared.policies ^ live.policies:
        state = "missing" if policy in declared.policies else "not declared"
        found.append(
            f"policy {policy.name} on {policy.schema}.{policy.relation}"
            f" for {', '.join(policy.roles)} is {state}: {policy.condition}"
        )
    for right in declared.rights ^ live.rights:
        state = "missing" if right in declared.rights else "not declared"
        found.append(
            f"{right.privilege} of {right.role} on {right.kind} {'.'.join(right.path)} is {state}"
        )
    for routine in declared.routines ^ live.routines:
        state = "missing" if routine in declared.routines else "not declared"
        found.append(
            f"function {routine.schema}.{routine.name}({routine.signature}) of {routine.owner},"
            f" {routine.properties}, is {state} as it is"
        )
    return sorted(found)


def policy_changes(declared: Access, live: Access) -> set[tuple[str, str]]:
    """Return the relations whose policies differ; changing these takes a table from its readers."""
    relations = {(policy.schema, policy.relation) for policy in declared.policies ^ live.policies}
    return relations & live.relations


def apply_access(cursor: Cursor, declared: Access) -> None:
    """Make functions, policies and rights those declared, touching only what differs.

    What is too much goes first. Rights on the database are the builder's to give and stay as they
    are. The caller has set the role to the owner.
    """
    ensure_functions(cursor)
    change_routines(cursor, declared.routines, keep=private_routines(OWNER), owner=OWNER)
    live = live_access(cursor)
    extra_policies, extra_rights = live.policies - declared.policies, live.rights - declared.rights
    for policy in sorted(extra_policies):
        cursor.execute(
            sql.SQL("drop policy {} on {}").format(
                sql.Identifier(policy.name), sql.Identifier(policy.schema, policy.relation)
            )
        )
    for right in sorted(extra_rights):
        _change_right(cursor, "revoke", "from", right)
    if extra_policies or extra_rights:
        # Revoking a right on a table takes the same right on its columns along.
        live = live_access(cursor)
    for policy in sorted(declared.policies - live.policies):
        cursor.execute(
            sql.SQL("create policy {} on {} as {} for select to {} using ({})").format(
                sql.Identifier(policy.name),
                sql.Identifier(policy.schema, policy.relation),
                sql.SQL("restrictive" if policy.is_restrictive else "permissive"),
                sql.SQL(", ").join(map(_role, policy.roles)),
                sql.SQL(policy.condition),
            )
        )
    for right in sorted(declared.rights - live.rights):
        _change_right(cursor, "grant", "to", right)


def _role(name: str) -> sql.Composable:
    return sql.SQL("public") if name == PUBLIC else sql.Identifier(name)


def _change_right(cursor: Cursor, verb: str, preposition: str, right: Right) -> None:
    privilege: sql.Composable = sql.SQL(right.privilege.rstrip(PASSED_ON))
    if right.kind == "database":
        return
    if right.kind == "column":
        privilege = sql.SQL("{} ({})").format(privilege, sql.Identifier(right.path[-1]))
        target = sql.SQL("table {}").format(sql.Identifier(*right.path[:-1]))
    elif right.kind == "function":
        arguments = sql.SQL(right.path[-1])
        target = sql.SQL("function {}({})").format(sql.Identifier(*right.path[:-1]), arguments)
    else:
        target = sql.SQL(right.kind + " {}").format(sql.Identifier(*right.path))
    cursor.execute(
        sql.SQL("{} {} on {} {} {}{}").format(
            sql.SQL(verb),
            privilege,
            target,
            sql.SQL(preposition),
            _role(right.role),
            sql.SQL(" cascade" if verb == "revoke" else ""),
        )
    )


# Schemas that are not the server's own. No percent sign: some of these statements take parameters.
_OURS = """
    namespace.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    and not starts_with(namespace.nspname, 'pg_temp_')
    and not starts_with(namespace.nspname, 'pg_toast_temp_')
"""

_RELATIONS = f"""
    select
        namespace.nspname,
        relation.relname,
        relation.relkind = 'r'
            and relation.relrowsecurity
            and not relation.relforcerowsecurity
            and pg_get_userbyid(relation.relowner) = '{OWNER}',
        case
            when relation.relkind = 'v' then 'no contract describes the view'
            when relation.relkind = 'm' then 'no contract describes the materialized view'
            when relation.relkind = 'f' then 'no contract describes the foreign table'
            when relation.relkind = 'p' then 'no contract describes the partitioned table'
            when not relation.relrowsecurity then 'row security is off on'
            when relation.relforcerowsecurity then 'row security is forced on'
            else 'another role owns'
        end
    from pg_class as relation
    inner join pg_namespace as namespace on namespace.oid = relation.relnamespace
    where relation.relkind in ('r', 'v', 'm', 'f', 'p')
        and namespace.nspname <> '{SCHEMA}'
        and {_OURS}
"""

_POLICIES = """
    select
        schemaname, tablename, policyname, permissive = 'PERMISSIVE', roles::text[],
        case when with_check is null then qual else coalesce(qual, '') || ' with check' end, cmd
    from pg_policies
"""

# Owners hold their own objects by right. On the database only PUBLIC and the groups matter here.
_RIGHTS = f"""
    with held as (
        select
            'database' as kind,
            array[]::text[] as path,
            exploded.grantee,
            exploded.privilege_type,
            exploded.is_grantable,
            datdba as owner_id
        from pg_database
        cross join lateral aclexplode(coalesce(datacl, acldefault('d', datdba))) as exploded
        where datname = current_database()
            and (exploded.grantee = 0 or pg_get_userbyid(exploded.grantee) = any (%(groups)s))
        union all
        select
            'schema', array[namespace.nspname], exploded.grantee, exploded.privilege_type,
            exploded.is_grantable, namespace.nspowner
        from pg_namespace as namespace
        cross join lateral aclexplode(
            coalesce(namespace.nspacl, acldefault('n', namespace.nspowner))
        ) as exploded
        where {_OURS}
        union all
        select
            case relation.relkind when 'S' then 'sequence' else 'table' end,
            array[namespace.nspname, relation.relname], exploded.grantee, exploded.privilege_type,
            exploded.is_grantable, relation.relowner
        from pg_class as relation
        inner join pg_namespace as namespace on namespace.oid = relation.relnamespace
        cross join lateral aclexplode(relation.relacl) as exploded
        where {_OURS}
        union all
        select
            'column', array[namespace.nspname, relation.relname, attribute.attname],
            exploded.grantee, exploded.privilege_type, exploded.is_grantable, relation.relowner
        from pg_attribute as attribute
        inner join pg_class as relation on relation.oid = attribute.attrelid
        inner join pg_namespace as namespace on namespace.oid = relation.relnamespace
        cross join lateral aclexplode(attribute.attacl) as exploded
        where not attribute.attisdropped
            and {_OURS}
        union all
        select
            'function',
            array[namespace.nspname, proname, pg_get_function_identity_arguments(pg_proc.oid)],
            exploded.grantee, exploded.privilege_type, exploded.is_grantable, proowner
        from pg_proc
        inner join pg_namespace as namespace on namespace.oid = pronamespace
        cross join lateral aclexplode(coalesce(proacl, acldefault('f', proowner))) as exploded
        where {_OURS}
    )

    select distinct
        kind,
        path,
        case when grantee = 0 then 'public' else pg_get_userbyid(grantee)::text end,
        privilege_type || case when is_grantable then '*' else '' end
    from held
    where grantee <> owner_id
"""
