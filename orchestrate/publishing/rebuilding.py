"""Tables whose contract asks for another form, made anew beside those that readers use.

To alter a table it has to be taken from its readers, and a rewritten one looks empty to
transactions that began before. So the new form is built in the schema `private`, out of sight and
with the rows of earlier versions; a version is copied into it, and when that version is shown the
tables change places, which takes a moment. What fails before leaves nothing that anybody sees.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from psycopg2 import sql

from orchestrate.access.private import SCHEMA, TABLES
from orchestrate.publishing.tables import (
    Name,
    Table,
    create_table,
    grown_table,
    has_other_form,
    refuse_what_breaks,
)
from orchestrate.publishing.waiting import Readers, lock_exclusively, wait_out

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

_LONGEST_NAME: Final = 63
_INDEXES: Final = "select indexname::text from pg_indexes where schemaname = %s and tablename = %s"
_LEFTOVERS: Final = """
    select relname::text from pg_class
    where relnamespace = 'private'::regnamespace and relkind = 'r' and relname <> all (%s)
"""


def build_aside(
    cursor: Cursor,
    wanted: Mapping[Name, Table],
    present: Mapping[Name, Table],
    withdrawn: Collection[tuple[Name, str]],
    version: int,
) -> dict[Name, Name]:
    """Build tables of another form, with the rows that they hold; return where each stands.

    The names tell the version, so that none is ever taken for what stood aside for another one.
    `withdrawn` are columns, by table, that no version had but such as were rolled back: nobody
    relies on these, and who rolls a version back will often put its contract back as well. Raises
    DataError when a contract asks for what readers' tools could not bear.
    """
    lasting = {
        name: _without(table, wanted[name], {column for one, column in withdrawn if one == name})
        for name, table in present.items()
        if name in wanted
    }
    for name, table in lasting.items():
        refuse_what_breaks(name, wanted[name], table)
    places: dict[Name, Name] = {}
    for number, name in enumerate(sorted(_to_rebuild(wanted, present))):
        places[name] = (SCHEMA, f"aside_{version}_{number}")
        form = grown_table(wanted[name], lasting[name])
        for statement in create_table(places[name], form):
            cursor.execute(statement)
        columns = sql.SQL(", ").join(map(sql.Identifier, lasting[name].columns))
        cursor.execute(
            sql.SQL("insert into {} ({columns}) select {columns} from {} order by {}").format(
                sql.Identifier(*places[name]),
                sql.Identifier(*name),
                sql.SQL(", ").join(map(sql.Identifier, present[name].primary_key)),
                columns=columns,
            )
        )
    return places


def put_in_place(cursor: Cursor, places: Mapping[Name, Name], readers: Readers) -> None:
    """Let tables that were built aside take the places of those that readers use.

    Readers whose transactions began before may not see the rows of the new ones: these are waited
    for. The caller's transaction makes it count.
    """
    wait_out(readers, readers.transactions())
    lock_exclusively(cursor, _neighbours(cursor, places) | places.keys(), readers)
    cursor.execute(
        # Cascade: to foreign keys of tables that no mart stands behind any more.
        sql.SQL("drop table {} cascade").format(
            sql.SQL(", ").join(sql.Identifier(*name) for name in places)
        )
    )
    for (schema, name), aside in places.items():
        cursor.execute(
            sql.SQL("alter table {} set schema {}").format(
                sql.Identifier(*aside), sql.Identifier(schema)
            )
        )
        cursor.execute(
            sql.SQL("alter table {} rename to {}").format(
                sql.Identifier(schema, aside[1]), sql.Identifier(name)
            )
        )
        # Else the index of a table that is rebuilt later would have the name of one that was.
        cursor.execute(_INDEXES, (schema, name))
        for (index,) in cursor.fetchall():
            cursor.execute(
                sql.SQL("alter index {} rename to {}").format(
                    sql.Identifier(schema, index),
                    sql.Identifier(index.replace(aside[1], name, 1)[:_LONGEST_NAME]),
                )
            )


def drop_leftovers(cursor: Cursor) -> None:
    """Drop what was built aside for a version that is not to be shown any more."""
    cursor.execute(_LEFTOVERS, (list(TABLES),))
    names = [name for (name,) in cursor.fetchall()]
    if names:
        cursor.execute(
            sql.SQL("drop table {} cascade").format(
                sql.SQL(", ").join(sql.Identifier(SCHEMA, name) for name in names)
            )
        )


def _without(table: Table, wanted: Table, withdrawn: Collection[str]) -> Table:
    return replace(
        table,
        columns={
            column: stored
            for column, stored in table.columns.items()
            if column in wanted.columns or column not in withdrawn
        },
    )


def _to_rebuild(wanted: Mapping[Name, Table], present: Mapping[Name, Table]) -> set[Name]:
    """Return the tables of another form, and those whose foreign keys lead to one, and so on."""
    common = wanted.keys() & present.keys()
    names = {name for name in common if has_other_form(wanted[name], present[name])}
    while True:
        more = {
            name
            for name in common - names
            if any((key.to_schema, key.to_name) in names for key in present[name].foreign_keys)
        }
        if not more:
            return names
        names |= more


def _neighbours(cursor: Cursor, places: Mapping[Name, Name]) -> set[Name]:
    """Return the tables in sight whose foreign keys lead to one that goes."""
    cursor.execute(
        "select distinct child_schema.nspname::text, child.relname::text from pg_constraint"
        " inner join pg_class as child on child.oid = conrelid"
        " inner join pg_namespace as child_schema on child_schema.oid = child.relnamespace"
        " inner join pg_class as parent on parent.oid = confrelid"
        " inner join pg_namespace as parent_schema on parent_schema.oid = parent.relnamespace"
        " where contype = 'f' and child_schema.nspname <> 'private'"
        " and (parent_schema.nspname, parent.relname) in %s",
        (tuple(places),),
    )
    return set(cursor.fetchall())
