"""Who may read what in a scope's database: what differs from what a version gives, and its mending.

What a version gives is a list of relations and functions. From it and from the catalog one query
says which rights and policies are too many and which are missing, each with the statement that
mends it. A publication carries these out before the version is shown, and doctor tells them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from psycopg2.extras import Json

from orchestrate.access.private import ROUTINES, SCHEMA
from orchestrate.access.routines import Routine, change_routines, live_routines
from orchestrate.access.scopes import OWNER, PUBLISHER, ScopeDatabase
from orchestrate.contracts.functions import Function
from orchestrate.contracts.marts import Mart

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

# As PostgreSQL writes the condition back (pg_get_expr with an empty search path), so that it can be
# compared. The planner may run a reader's condition before a policy that costs more, and the plan
# then tells by whether the sub-select was executed if a row of another version met it. So the
# sub-select gives a second value, which a cast turns into `is not null`: a condition that costs
# nothing, that no other can cost less than, and that is before those that cost as little. Whatever
# row is looked at first, the sub-select is executed for it. The comparison leaves an index on
# version to be used; and the planner takes `is not null`, unlike a bare `true`, to hold for all.
IS_CURRENT: Final = (
    "((version, true) = ( SELECT private.current_version() AS current_version,\n"
    "    'given'::private.answer AS answer))"
)
# Of every table, as (name, kind, condition): every row of the current version, and no other.
POLICIES: Final = (
    ("version_is_current", "restrictive", IS_CURRENT),
    ("every_row_of_it", "permissive", "true"),
)


class AccessChange(NamedTuple):
    """What is not as it is to be, in words, and the statement that mends it; None: other hands.

    `relation` is the table that has to be taken from its readers for it, if one has.
    """

    problem: str
    statement: str | None
    relation: tuple[str, str] | None = None


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


def access_changes(cursor: Cursor, place: ScopeDatabase, given: Given) -> list[AccessChange]:
    """Return how access to a scope's database differs from what a version gives it.

    Tables of other versions stay for these, and nobody reads them. Of a table that is read, every
    column is: `select *` asks for the right to each. Rights on the database are the builder's to
    change. What is too much comes first.
    """
    cursor.execute("set local search_path to pg_catalog")
    cursor.execute(
        _CHANGES,
        {
            "relations": Json([list(relation) for relation in given.relations]),
            "functions": Json([list(routine.identity) for routine in (*given.routines, *ROUTINES)]),
            "policies": Json([list(policy) for policy in POLICIES]),
            "scope": place.group,
            "audience": place.audience_group,
        },
    )
    found = [
        AccessChange(problem, statement, (schema, name) if schema else None)
        for problem, statement, schema, name in cursor.fetchall()
    ]
    declared = {*ROUTINES, *given.routines}
    found += [
        AccessChange(
            f"function {one.schema}.{one.name}({one.signature}) of {one.owner}"
            f" is {'missing' if one in declared else 'not declared'} as it is",
            None,
        )
        for one in declared ^ live_routines(cursor)
    ]
    return found


def apply_access(cursor: Cursor, place: ScopeDatabase, given: Given) -> None:
    """Make functions, policies and rights those that a version gives, touching only what differs.

    The caller has set the role to the owner.
    """
    change_routines(cursor, [*ROUTINES, *given.routines], owner=OWNER)
    # Revoking a right on a table takes the same right on its columns along, to be granted again.
    for _ in range(2):
        for change in access_changes(cursor, place, given):
            if change.statement is not None:
                cursor.execute(change.statement)


def foreign_objects(cursor: Cursor) -> list[str]:
    """Return what stands in a scope's database and has no place there."""
    cursor.execute("set local search_path to pg_catalog")
    cursor.execute(
        f"with {_TABLES} select problem from tables where problem is not null order by 1", ()
    )
    return [problem for (problem,) in cursor.fetchall()]


def roles_with_default_rights(cursor: Cursor) -> list[str]:
    """Return who, but the owner, gives rights by default on what it makes: any role may say so."""
    cursor.execute(
        "select distinct pg_get_userbyid(defaclrole)::text from pg_catalog.pg_default_acl"
        " where pg_get_userbyid(defaclrole) <> %s order by 1",
        (OWNER,),
    )
    return [role for (role,) in cursor.fetchall()]


_TABLES: Final = f"""
    schemas as (
        select oid, nspname, nspacl, nspowner
        from pg_namespace
        where nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
            and not starts_with(nspname, 'pg_temp_')
            and not starts_with(nspname, 'pg_toast_temp_')
    ),

    relations as (
        select
            relation.oid, nspname, relname, relkind, relacl, relowner, relrowsecurity,
            relforcerowsecurity, format('%%I.%%I', nspname, relname) as named,
            exists (
                select from pg_attribute where attrelid = relation.oid and attname = 'version'
            ) as has_version
        from pg_class as relation
        inner join schemas on schemas.oid = relnamespace
        where relkind in ('r', 'v', 'm', 'f', 'p', 'S')
    ),

    tables as (
        select
            oid, nspname, relname, named,
            case
                when relkind <> 'r' or not has_version then 'no contract describes ' || named
                when not relrowsecurity then 'row security is off on ' || named
                when relforcerowsecurity then 'row security is forced on ' || named
                when pg_get_userbyid(relowner) <> '{OWNER}' then 'another role owns ' || named
            end as problem
        from relations
        where nspname <> '{SCHEMA}' and relkind <> 'S'
    )
"""

_CHANGES: Final = f"""
    with {_TABLES},

    given_table as (
        select oid, nspname, named
        from tables
        inner join jsonb_array_elements(%(relations)s::jsonb) as given
            on nspname = given ->> 0 and relname = given ->> 1
    ),

    wanted as (
        select
            'database ' || quote_ident(current_database()) as target,
            unnest(array['CONNECT', 'CONNECT', 'CREATE']) as privilege,
            unnest(array[%(scope)s, '{PUBLISHER}', '{OWNER}']) as role
        union all
        select distinct 'schema ' || quote_ident(given ->> 0), 'USAGE', %(audience)s
        from jsonb_array_elements(%(relations)s::jsonb || %(functions)s::jsonb) as given
        where given ->> 0 <> '{SCHEMA}'
        union all
        select 'table ' || named, format('SELECT (%%I)', attname), %(audience)s
        from given_table
        inner join pg_attribute on attrelid = oid and attnum > 0 and not attisdropped
        union all
        select
            format('function %%I.%%I(%%s)', given ->> 0, given ->> 1, given ->> 2), 'EXECUTE',
            %(audience)s
        from jsonb_array_elements(%(functions)s::jsonb) as given
    ),

    -- Owners hold their own objects by right.
    lists as (
        select
            'database ' || quote_ident(datname) as target, null as part, datdba as owner_id,
            coalesce(datacl, acldefault('d', datdba)) as acl
        from pg_database
        where datname = current_database()
        union all
        select
            'schema ' || quote_ident(nspname), null, nspowner,
            coalesce(nspacl, acldefault('n', nspowner))
        from schemas
        union all
        select
            case relkind when 'S' then 'sequence ' else 'table ' end || named, null, relowner,
            relacl
        from relations
        union all
        select 'table ' || named, attname, relowner, attacl
        from relations
        inner join pg_attribute on attrelid = oid and not attisdropped
        union all
        select
            format(
                'function %%I.%%I(%%s)', nspname, proname,
                pg_get_function_identity_arguments(pg_proc.oid)
            ),
            null, proowner, coalesce(proacl, acldefault('f', proowner))
        from pg_proc
        inner join schemas on schemas.oid = pronamespace
    ),

    held as (
        select distinct
            target,
            privilege_type || coalesce(' (' || quote_ident(part) || ')', '')
                || case when is_grantable then ' with grant option' else '' end as privilege,
            case grantee when 0 then 'public' else pg_get_userbyid(grantee)::text end as role
        from lists
        cross join lateral aclexplode(acl)
        where grantee <> owner_id
    ),

    wanted_policy as (
        select nspname, relname, policy ->> 0 as name, format(
            '%%s for select to public using (%%s)', policy ->> 1, policy ->> 2
        ) as form
        from tables
        cross join jsonb_array_elements(%(policies)s::jsonb) as policy
        where problem is null
    ),

    held_policy as (
        select schemaname as nspname, tablename as relname, policyname as name, format(
            '%%s for %%s to %%s using (%%s%%s)', lower(permissive), lower(cmd),
            array_to_string(roles, ', '), qual, ' with check ' || with_check
        ) as form
        from pg_policies
    ),

    changes as (
        select 1 as place, problem, null as statement, null as nspname, null as relname
        from tables
        where problem is not null
        union all
        select 1, format('relation %%s.%%s is missing', given ->> 0, given ->> 1), null, null, null
        from jsonb_array_elements(%(relations)s::jsonb) as given
        where not exists (
            select from tables where nspname = given ->> 0 and relname = given ->> 1
        )
        union all
        select
            2, format('policy %%s on %%s.%%s is not declared: %%s', name, nspname, relname, form),
            format('drop policy %%I on %%I.%%I', name, nspname, relname), nspname, relname
        from (table held_policy except table wanted_policy) as extra
        union all
        select
            3, format('%%s of %%s on %%s is not declared', privilege, role, target),
            format(
                'revoke %%s on %%s from %%s cascade', replace(privilege, ' with grant option', ''),
                target, case role when 'public' then role else quote_ident(role) end
            ), null, null
        from (table held except table wanted) as extra
        union all
        select
            4, format('policy %%s on %%s.%%s is missing: %%s', name, nspname, relname, form),
            format('create policy %%I on %%I.%%I as %%s', name, nspname, relname, form),
            nspname, relname
        from (table wanted_policy except table held_policy) as missing
        union all
        select
            5, format('%%s of %%s on %%s is missing', privilege, role, target),
            format('grant %%s on %%s to %%I', privilege, target, role), null, null
        from (table wanted except table held) as missing
    )

    select
        problem, case when statement not like '%% on database %%' then statement end, nspname,
        relname
    from changes
    order by place, problem
"""
