"""Statements that try each verb on each relation, and calls of each closed function.

All come from the catalog of the database that the cursor is in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from psycopg2 import errors

from tests.python.access.cells import OURS


class Attempt(NamedTuple):
    """A statement that does something if its privilege is held; `cells` are those it needs.

    `cells` are (kind, path, verb) of read_cells, all of which have to be allowed. Where a table
    would have to be made first, that stands in the way as well.
    """

    text: str
    cells: Sequence[tuple[str, tuple[str, ...], str]]


_RELATIONS = f"""
    select
        nspname::text, relname::text, relkind::text, pg_class.oid >= {OURS},
        format('%I.%I', nspname, relname),
        array_agg(attname::text order by attnum) filter (where attnum > 0),
        coalesce(array_agg(attname::text) filter (where attnum < 0), array[]::text[]),
        min(quote_ident(attname)) filter (where attnum = 1),
        case when relkind = 'v' then pg_get_viewdef(pg_class.oid) else '' end
    from pg_class
    inner join pg_namespace on pg_namespace.oid = relnamespace
    inner join pg_attribute on attrelid = pg_class.oid and not attisdropped
    where relkind in ('r', 'v', 'm', 'f', 'p', 't', 'S')
        and not starts_with(nspname, 'pg_temp_') and not starts_with(nspname, 'pg_toast_temp_')
    group by nspname, relname, relkind, pg_class.oid
    order by nspname, relname
"""
_CALLED_BY_VIEWS = """
    select proname::text, oidvectortypes(proargtypes), provolatile::text from pg_proc
    where pronamespace = 'pg_catalog'::regnamespace and proname ~ '^(pg|txid)_'
"""
# The privilege is looked at before any row: where none is touched, nothing has to be undone.
_ON_ROWS = {
    "INSERT": "insert into {relation} select from {relation} where false",
    "UPDATE": "update {relation} set {column} = default where false",
    "DELETE": "delete from {relation} where false",
}
_ON_TABLES = {
    "TRUNCATE": "truncate {relation}",
    "REFERENCES": "create temporary table attempt (like {relation}, foreign key ({column})"
    " references {relation})",
    "TRIGGER": "create trigger attempt before insert on {relation} for each row"
    " execute function pg_catalog.suppress_redundant_updates_trigger()",
    "MAINTAIN": "reindex table {relation}",
    "LOCK": "lock table {relation} in access exclusive mode",
}
_TABLES = {"r", "f", "p"}


def on_relations(cursor: Any) -> Iterator[Attempt]:
    """Yield the attempts on every relation, the server's own included."""
    cursor.execute(_CALLED_BY_VIEWS)
    callable_by_views = cursor.fetchall()
    cursor.execute(_RELATIONS)
    found = cursor.fetchall()
    views = {name: text for _, name, *_, text in found if text}
    for schema, name, kind, is_ours, relation, plain, system, first, text in found:
        columns = [("column", (schema, name, column, "plain"), "SELECT") for column in plain]
        reach = [("schema", (schema,), "USAGE")]
        # A view calls functions with the rights of who reads it, those of views in it too.
        called = text + "".join(views[other] for other in views if f" {other}\n" in f"{text}\n")
        reach += [
            ("function", ("pg_catalog", *function), "EXECUTE")
            for function in callable_by_views
            if f"{function[0]}(" in called
        ]
        yield Attempt(f"select * from {relation} limit 0", [*reach, *columns])
        for column in system:
            cell = ("column", (schema, name, column, "system"), "SELECT")
            yield Attempt(f"select {column} from {relation} limit 0", [*reach, cell])
        tried = _ON_ROWS if kind in _TABLES or is_ours else {}
        tried |= _ON_TABLES if is_ours and kind in _TABLES else {}
        for verb, text in tried.items():
            cell = ("relation", (schema, name, kind), verb)
            yield Attempt(text.format(relation=relation, column=first), [*reach, cell])


# Sub-selects, because a call of nulls alone is planned away before its privilege is looked at.
_CALLS = """
    select nspname::text, proname::text, oidvectortypes(proargtypes), provolatile::text,
        format(
            'select %I.%I(%s)', nspname, proname,
            (
                select string_agg(
                    format('(select null::%s)', argument::regtype), ', ' order by position
                )
                from unnest(proargtypes::oid[]) with ordinality as arguments (argument, position)
            )
        )
    from pg_proc
    inner join pg_namespace on pg_namespace.oid = pronamespace
    inner join pg_type as result on result.oid = prorettype
    where prokind = 'f' and provariadic = 0 and result.typname not in ('trigger', 'event_trigger')
        and not exists (
            select from unnest(proargtypes::oid[]) as argument
            inner join pg_type on pg_type.oid = argument where pg_type.typtype = 'p'
        )
"""


def on_functions(cursor: Any, closed: Iterable[tuple[str, ...]]) -> Iterator[Attempt]:
    """Yield a call, with nulls, of each function among the closed ones that can be called so.

    `closed` are paths of cells: schema, name, types of arguments, volatility.
    """
    paths = set(closed)
    cursor.execute(_CALLS)
    for *path, text in cursor.fetchall():
        if tuple(path) in paths:
            yield Attempt(text, [("function", tuple(path), "EXECUTE")])


def is_refused(cursor: Any, text: str) -> bool:
    """Run a statement in a transaction that is undone; tell whether a privilege was missing."""
    cursor.execute("savepoint attempt")
    try:
        cursor.execute(text)
    except errors.InsufficientPrivilege:
        return True
    finally:
        cursor.execute("rollback to savepoint attempt")
        cursor.execute("release savepoint attempt")
    return False
