"""Who may read what in a scope's database: as declared, and as the catalog has it, in one form.

`declared_access` derives rights and policies from what a version gives; `live_access` reads what
there is; `difference` tells them apart, and `apply_access` turns one into the other before the
version is shown, so that nothing is shown under other rights than declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from psycopg2 import sql

from orchestrate.access.private import CURRENT_VERSION, SCHEMA
from orchestrate.access.routines import (
    Routine,
    change_routines,
    live_routines,
)
from orchestrate.access.scopes import OWNER, PUBLISHER, ScopeDatabase
from orchestrate.contracts import Mart

if TYPE_CHECKING:
    from orchestrate.contracts import Function
    from orchestrate.driver import Cursor

PUBLIC: Final = "public"
PASSED_ON: Final = "*"

# As PostgreSQL writes the conditions back (pg_get_expr with an empty search path), so that declared
# and live ones compare as text. The planner may run a reader's condition before a policy that costs
# more, and the plan then tells by whether the sub-select was executed if a row of another version
# met it. So the sub-select gives a second value, a bare `true`: a condition that costs nothing, that
# no other can cost less than, and that is before those that cost as little. Whatever row is looked
# at first, the sub-select is executed for it. The comparison leaves an index on version to be used.
IS_CURRENT: Final = (
    "((version, true) = ( SELECT private.current_version() AS current_version,\n    true))"
)
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
    """Everything that decides what readers see of a scope's database.

    `relations` are tables under row security, owned by the owner, with their columns; `others` are
    things that have no place there: views, foreign tables, tables without or with forced row
    security, another owner's, a reader's rights on what is not yet made. `routines` are all
    functions, with their bodies.
    """

    relations: Mapping[tuple[str, str], frozenset[str]]
    policies: frozenset[Policy]
    rights: frozenset[Right]
    others: frozenset[str] = frozenset()
    routines: frozenset[Routine] = frozenset()


@dataclass(frozen=True)
class Given:
    """What a version gives its scope: relations by (schema, name) with columns, and functions."""

    relations: Mapping[tuple[str, str], tuple[str, ...]]
    routines: tuple[Routine, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return {
            "relations": [[*relation, list(names)] for relation, names in self.relations.items()],
            "routines": [list(routine) for routine in self.routines],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Given:
        """Read what `as_json` returned."""
        return cls(
            {(schema, name): tuple(names) for schema, name, names in content["relations"]},
            tuple(Routine(*one) for one in content["routines"]),
        )


def given_to(audience: str, marts: Sequence[Mart], routines: Mapping[Routine, Function]) -> Given:
    """Return what marts and functions give an audience."""
    return Given(
        {
            (mart.schema, mart.name): tuple(column.name for column in mart.columns)
            for mart in marts
            if audience in mart.readers
        },
        tuple(routine for routine, one in routines.items() if audience in one.readers),
    )


def declared_access(place: ScopeDatabase, given: Given, live: Access) -> Access:
    """Derive access from what a version gives its scope.

    Tables of other versions stay for these, and nobody reads them. Of a table that is read, every
    column is: `select *` asks for the right to each.
    """
    group = place.audience_group
    rights = {
        Right("database", (), place.group, "CONNECT"),
        Right("database", (), PUBLISHER, "CONNECT"),
        Right("database", (), OWNER, "CREATE"),
        Right("function", (SCHEMA, CURRENT_VERSION.name, ""), group, "EXECUTE"),
    }
    for schema, name in given.relations:
        rights.add(Right("schema", (schema,), group, "USAGE"))
        rights.update(
            Right("column", (schema, name, column), group, "SELECT")
            for column in live.relations.get((schema, name), ())
        )
    for routine in given.routines:
        rights.add(Right("schema", (routine.schema,), group, "USAGE"))
        rights.add(Right("function", routine.identity, group, "EXECUTE"))
    relations = {*given.relations, *live.relations}
    return Access(
        {relation: live.relations.get(relation, frozenset()) for relation in relations},
        frozenset(policy for relation in relations for policy in policies_of(relation)),
        frozenset(rights),
        routines=frozenset([CURRENT_VERSION, *given.routines]),
    )


def policies_of(relation: tuple[str, str]) -> Iterable[Policy]:
    """Return the policies of a table: every row of the current version, and no other."""
    yield Policy(*relation, "version_is_current", True, (PUBLIC,), IS_CURRENT)
    yield Policy(*relation, "every_row_of_it", False, (PUBLIC,), EVERY_ROW)


def create_policy(relation: sql.Identifier, policy: Policy) -> sql.Composable:
    """Return the statement that makes a policy on a relation."""
    return sql.SQL("create policy {} on {} as {} for select to {} using ({})").format(
        sql.Identifier(policy.name),
        relation,
        sql.SQL("restrictive" if policy.is_restrictive else "permissive"),
        sql.SQL(", ").join(map(_role, policy.roles)),
        sql.SQL(policy.condition),
    )


def live_access(cursor: Cursor) -> Access:
    """Read access from the catalog; the role must see nothing special, any role does."""
    cursor.execute("set local search_path to pg_catalog")
    cursor.execute(_RELATIONS)
    relations, others = {}, set()
    for schema, name, is_sound, what, columns in cursor.fetchall():
        if is_sound:
            relations[schema, name] = frozenset(columns)
        else:
            others.add(f"{what} {schema}.{name}")
    others.update(
        f"{role} gives default rights on what it may come to make"
        for role in roles_with_default_rights(cursor)
    )
    cursor.execute(_POLICIES)
    policies = {
        Policy(schema, name, policy, not permissive, tuple(roles), condition, command)
        for schema, name, policy, permissive, roles, condition, command in cursor.fetchall()
    }
    cursor.execute(_RIGHTS)
    rights = {
        Right(kind, tuple(path), role, privilege)
        for kind, path, role, privilege in cursor.fetchall()
    }
    return Access(
        relations,
        frozenset(policies),
        frozenset(rights),
        frozenset(others),
        live_routines(cursor),
    )


def roles_with_default_rights(cursor: Cursor) -> list[str]:
    """Return who, but the owner, gives rights by default on what it makes: any role may say so."""
    cursor.execute(_DEFAULTS)
    return [role for (role,) in cursor.fetchall()]


def difference(declared: Access, live: Access) -> list[str]:
    """Say how the live access differs from the declared one; empty when it does not."""
    found = sorted(live.others)
    found += [
        f"relation {'.'.join(relation)} is missing"
        for relation in declared.relations.keys() - live.relations.keys()
    ]
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
    return relations & live.relations.keys()


def apply_access(cursor: Cursor, declared: Access) -> None:
    """Make functions, policies and rights those declared, touching only what differs.

    What is too much goes first. Rights on the database are the builder's to give and stay as they
    are. The caller has set the role to the owner.
    """
    change_routines(cursor, declared.routines, owner=OWNER)
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
        cursor.execute(create_policy(sql.Identifier(policy.schema, policy.relation), policy))
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


# Schemas that are not the server's own.
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
            and pg_get_userbyid(relation.relowner) = '{OWNER}'
            and 'version' = any (columns),
        case
            when relation.relkind = 'v' then 'no contract describes the view'
            when relation.relkind = 'm' then 'no contract describes the materialized view'
            when relation.relkind = 'f' then 'no contract describes the foreign table'
            when relation.relkind = 'p' then 'no contract describes the partitioned table'
            when not relation.relrowsecurity then 'row security is off on'
            when relation.relforcerowsecurity then 'row security is forced on'
            when 'version' <> all (columns) then 'no contract describes the table'
            else 'another role owns'
        end,
        columns
    from pg_class as relation
    inner join pg_namespace as namespace on namespace.oid = relation.relnamespace
    cross join lateral (
        select coalesce(array_agg(attname::text), '{{}}') as columns from pg_attribute
        where attrelid = relation.oid and attnum > 0 and not attisdropped
    ) as attributes
    where relation.relkind in ('r', 'v', 'm', 'f', 'p')
        and namespace.nspname <> '{SCHEMA}'
        and {_OURS}
"""

_DEFAULTS = f"""
    select distinct pg_get_userbyid(defaclrole)::text from pg_catalog.pg_default_acl
    where pg_get_userbyid(defaclrole) <> '{OWNER}'
    order by 1
"""

_POLICIES = """
    select
        schemaname, tablename, policyname, permissive = 'PERMISSIVE', roles::text[],
        case when with_check is null then qual else coalesce(qual, '') || ' with check' end, cmd
    from pg_policies
"""

# Owners hold their own objects by right.
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
