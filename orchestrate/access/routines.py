"""Functions of a scope's database: those of a version, those there, and the way between them.

Published functions run with the rights of whoever calls them. The one of the schema `private` that
policies ask for the version runs as the owner. Both look up names in pg_catalog alone, unless a
name carries its schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from psycopg2 import sql

from orchestrate.contracts.functions import Function
from orchestrate.contracts.marts import Mart
from orchestrate.errors import DataError

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

# In front of the body of a function that may be published; what else there may be is not said.
_PROPERTIES: Final = "\n STABLE\n SET search_path TO 'pg_catalog', 'pg_temp'\nAS "
_LANGUAGES: Final = ("sql", "plpgsql")


class Routine(NamedTuple):
    """A function as the server describes it: `definition` is the statement that makes it so.

    `signature` are the types of its arguments, with their names.
    """

    schema: str
    name: str
    signature: str
    owner: str
    definition: str
    comment: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells it from every other function: schema, name and types of its arguments."""
        return self.schema, self.name, self.signature

    @property
    def form(self) -> str:
        """How it is called and what it returns: one of the same form may take its place."""
        return self.definition.partition("\n LANGUAGE ")[0]


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
        head, _, rest = (routine.definition if routine else "").partition("(")
        for mart in marts:
            rest = rest.replace(
                f'"{database}"."{mart.source_schema}"."{mart.name}"',
                f'"{mart.schema}"."{mart.name}"',
            )
        if (
            routine is None
            or not any(f"\n LANGUAGE {name}{_PROPERTIES}" in rest for name in _LANGUAGES)
            or f'"{database}".' in rest
        ):
            raise DataError(
                f"{function.schema}.{function.name} cannot be published: it is not in the"
                f" warehouse, not a stable function in {' or '.join(_LANGUAGES)}, or reads more"
                " than public marts.",
                "Mend it in functions/, build again, then publish.",
            )
        head = head.replace(f" {function.source_schema}.", f" {function.schema}.", 1)
        published = routine._replace(
            schema=function.schema,
            owner=owner,
            comment=function.description,
            definition=f"{head}({rest}",
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
    wanted = set(declared)
    present = {one for one in live_routines(cursor) if one.owner == owner}
    forms = {one.form for one in wanted}
    for routine in sorted(present - wanted):
        if routine.form not in forms:
            cursor.execute(sql.SQL("drop routine {}").format(_named(routine)))
    for routine in sorted(wanted - present):
        cursor.execute(routine.definition)
        cursor.execute(
            sql.SQL("comment on function {} is {}").format(
                _named(routine), sql.Literal(routine.comment)
            )
        )


def _named(routine: Routine) -> sql.Composable:
    return sql.SQL("{}({})").format(
        sql.Identifier(routine.schema, routine.name), sql.SQL(routine.signature)
    )


_ROUTINES: Final = """
    select
        nspname::text,
        proname::text,
        pg_get_function_identity_arguments(pg_proc.oid),
        pg_get_userbyid(proowner)::text,
        case
            when prokind in ('f', 'p') then pg_get_functiondef(pg_proc.oid)
            else 'kind ' || prokind::text
        end,
        coalesce(obj_description(pg_proc.oid, 'pg_proc'), '')
    from pg_proc
    inner join pg_namespace on pg_namespace.oid = pronamespace
    where nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
        and not starts_with(nspname, 'pg_temp_')
        and not starts_with(nspname, 'pg_toast_temp_')
"""
