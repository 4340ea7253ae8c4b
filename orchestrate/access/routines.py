"""Functions of a scope's database: those of a version, those there, and the way between them.

Published functions run with the rights of whoever calls them. The one of the schema `private`,
which policies ask, runs as the owner. Both look up names in pg_catalog alone, unless a name carries
its schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from psycopg2 import sql

from orchestrate.contracts import Function, Mart
from orchestrate.errors import DataError

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

SEARCH_PATH: Final = "search_path=pg_catalog, pg_temp"
# What a published function is beside its body.
PUBLISHED: Final = f"security invoker, stable, parallel unsafe, {SEARCH_PATH}"
_LANGUAGES: Final = ("sql", "plpgsql")


class Routine(NamedTuple):
    """A function as the catalog describes it.

    `arguments` are spelled as pg_get_function_arguments does, `signature` as
    pg_get_function_identity_arguments; `properties` are everything else that decides what it does,
    in words.
    """

    schema: str
    name: str
    signature: str
    arguments: str
    returns: str
    language: str
    properties: str
    owner: str
    comment: str
    body: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells it from every other function: schema, name and types of its arguments."""
        return self.schema, self.name, self.signature


def built_routines(
    warehouse: Cursor, functions: Sequence[Function], marts: Sequence[Mart], owner: str
) -> dict[Routine, Function]:
    """Return functions as they are to be in scopes' databases, from how dbt built them.

    Names of marts are those that readers know. Raises DataError for one that is not built as the
    manifest says, or that names anything else of the warehouse.
    """
    warehouse.execute("select current_database()")
    (database,) = warehouse.fetchone() or ("",)
    built = {(one.schema, one.name): one for one in live_routines(warehouse)}
    found = {}
    for function in functions:
        routine = built.get((function.source_schema, function.name))
        body = routine.body if routine else ""
        for mart in marts:
            body = body.replace(
                f'"{database}"."{mart.source_schema}"."{mart.name}"',
                f'"{mart.schema}"."{mart.name}"',
            )
        if routine is None or routine.language not in _LANGUAGES or f'"{database}".' in body:
            raise DataError(
                f"{function.schema}.{function.name} cannot be published: it is not in the"
                f" warehouse, not in {' or '.join(_LANGUAGES)}, or reads more than public marts.",
                "Mend it in functions/, build again, then publish.",
            )
        published = routine._replace(
            schema=function.schema,
            properties=PUBLISHED,
            owner=owner,
            comment=function.description,
            body=body,
        )
        found[published] = function
    return found


def live_routines(cursor: Cursor) -> frozenset[Routine]:
    """Read all functions of schemas that are not the server's own."""
    cursor.execute("set local search_path to pg_catalog")
    cursor.execute(_ROUTINES)
    return frozenset(Routine(*row) for row in cursor.fetchall())


def change_routines(cursor: Cursor, declared: Iterable[Routine], owner: str) -> None:
    """Make the owner's functions those declared, touching only what differs.

    The caller has set the role to the owner. What belongs to others stays, for the comparison with
    what is declared to find.
    """
    wanted = {one.identity: one for one in declared}
    present = {one.identity: one for one in live_routines(cursor) if one.owner == owner}
    for identity, routine in sorted(present.items()):
        if identity not in wanted or not _can_become(routine, wanted[identity]):
            cursor.execute(sql.SQL("drop routine {}").format(_named(routine, routine.signature)))
    for identity, routine in sorted(wanted.items()):
        if present.get(identity) != routine:
            cursor.execute(
                sql.SQL(
                    "create or replace function {} returns {} language {} {}"
                    " set search_path to pg_catalog, pg_temp as {}"
                ).format(
                    # As the server spells them itself.
                    _named(routine, routine.arguments),
                    sql.SQL(routine.returns),
                    sql.Identifier(routine.language),
                    # All but the search path, as the statement spells it too.
                    sql.SQL(" ".join(routine.properties.split(", ")[:3])),
                    sql.Literal(routine.body),
                )
            )
            cursor.execute(
                sql.SQL("comment on function {} is {}").format(
                    _named(routine, routine.signature), sql.Literal(routine.comment)
                )
            )


def _can_become(present: Routine, wanted: Routine) -> bool:
    """Tell whether one may replace the other in place: only if it is called in the same way."""
    return (present.arguments, present.returns) == (wanted.arguments, wanted.returns)


def _named(routine: Routine, arguments: str) -> sql.Composable:
    return sql.SQL("{}({})").format(
        sql.Identifier(routine.schema, routine.name), sql.SQL(arguments)
    )


_ROUTINES: Final = """
    select
        nspname::text,
        proname::text,
        pg_get_function_identity_arguments(pg_proc.oid),
        pg_get_function_arguments(pg_proc.oid),
        coalesce(pg_get_function_result(pg_proc.oid), prokind::text),
        lanname::text,
        concat_ws(
            ', ',
            case when prosecdef then 'security definer' else 'security invoker' end,
            case provolatile when 's' then 'stable' when 'i' then 'immutable' else 'volatile' end,
            case proparallel
                when 's' then 'parallel safe' when 'r' then 'parallel restricted'
                else 'parallel unsafe'
            end,
            case when prokind <> 'f' then 'kind ' || prokind::text end,
            case when proisstrict then 'strict' end,
            case when proleakproof then 'leakproof' end,
            array_to_string(proconfig, '; ')
        ),
        pg_get_userbyid(proowner)::text,
        coalesce(obj_description(pg_proc.oid, 'pg_proc'), ''),
        coalesce(pg_get_function_sqlbody(pg_proc.oid), prosrc)
    from pg_proc
    inner join pg_namespace on pg_namespace.oid = pronamespace
    inner join pg_language on pg_language.oid = prolang
    where nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
        and not starts_with(nspname, 'pg_temp_')
        and not starts_with(nspname, 'pg_toast_temp_')
"""
