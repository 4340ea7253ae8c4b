"""Tables whose contract asks for another form, made anew beside those that readers use.

To alter a table it has to be taken from its readers, for as long as the rest of the publication
lasts, and a rewritten one looks empty to transactions that began before. So the new form is built
in the schema `private`, out of sight and with the rows of earlier versions; the publication copies
into it, and only at its end the tables change places, which takes a moment. What fails before
leaves nothing that anybody sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from psycopg2 import sql

from orchestrate.access.private import SCHEMA, TABLES
from orchestrate.contracts import Mart
from orchestrate.errors import CasebookError
from orchestrate.publishing.sessions import as_owner
from orchestrate.publishing.tables import (
    Name,
    Table,
    create_table,
    declared_table,
    grown_table,
    has_other_form,
    live_tables,
    refuse_what_breaks,
)
from orchestrate.publishing.waiting import End, open_transactions, wait_out

if TYPE_CHECKING:
    from orchestrate.database import Databases
    from orchestrate.driver import Cursor

_LEFTOVERS: Final = """
    select relname::text from pg_class
    where relnamespace = to_regnamespace('private') and relkind = 'r' and relname <> all (%s)
"""
# Columns of versions that were rolled back, and of no other that is kept; none while there is a
# version of an earlier release, which does not say what it had. By way of JSON, because a table of
# such a release has fewer columns.
_WITHDRAWN: Final = """
    with kept as (
        select to_jsonb(versions) as content from private.versions where is_retained
    ),

    had as (
        select
            mart ->> 'schema' as schema_name,
            mart ->> 'name' as mart_name,
            column_name,
            content ->> 'rolled_back_at' as rolled_back_at
        from kept
        cross join lateral jsonb_array_elements(content -> 'given' -> 'marts') as mart
        cross join lateral jsonb_array_elements_text(mart -> 'columns') as column_name
        where not exists (select from kept where content ->> 'given' is null)
    )

    select schema_name, mart_name, column_name from had
    group by 1, 2, 3
    having bool_and(rolled_back_at is not null)
"""


@dataclass(frozen=True)
class Rebuilt:
    """Where the tables stand that are to take the places of those that readers use.

    `places` maps the name that readers know to the name for now. `neighbours` are tables with
    foreign keys to those that go. `older` are transactions of readers that may not see the rows
    in the new ones, because they began before these were there.
    """

    places: Mapping[Name, Name] = field(default_factory=dict)
    neighbours: frozenset[Name] = frozenset()
    older: frozenset[str] = frozenset()

    @property
    def concerned(self) -> frozenset[Name]:
        """The tables that have to be taken from their readers for the change of places."""
        return self.neighbours | self.places.keys()


@contextmanager
def rebuilt_tables(databases: Databases, marts: Sequence[Mart]) -> Iterator[Rebuilt]:
    """Build what has to be built anew; after a failure it is thrown away.

    Raises DataError when a contract asks for what readers' tools could not bear.
    """
    rebuilt = _rebuild(databases, marts)
    try:
        yield rebuilt
    except BaseException:
        if rebuilt.places:
            # What cannot be cleared now the next publication clears; the failure is what to tell.
            with suppress(CasebookError), as_owner(databases) as cursor:
                _drop_leftovers(cursor)
        raise


def put_in_place(cursor: Cursor, rebuilt: Rebuilt) -> None:
    """Let the new tables take the places of the old ones, which are locked, in one transaction."""
    if not rebuilt.places:
        return
    cursor.execute(
        # Cascade: to foreign keys of tables that no mart stands behind any more.
        sql.SQL("drop table {} cascade").format(
            sql.SQL(", ").join(sql.Identifier(*name) for name in rebuilt.places)
        )
    )
    for (schema, name), (_, aside) in rebuilt.places.items():
        cursor.execute(
            sql.SQL("alter table {} set schema {}").format(
                sql.Identifier(SCHEMA, aside), sql.Identifier(schema)
            )
        )
        if aside != name:
            cursor.execute(
                sql.SQL("alter table {} rename to {}").format(
                    sql.Identifier(schema, aside), sql.Identifier(name)
                )
            )


def wait_for_older(cursor: Cursor, rebuilt: Rebuilt, end: End) -> None:
    """Wait for readers to whom the new tables would look empty."""
    wait_out(cursor, rebuilt.older, end)


def _rebuild(databases: Databases, marts: Sequence[Mart]) -> Rebuilt:
    parents = {(mart.schema, mart.name): mart for mart in marts}
    wanted = {name: declared_table(mart, parents) for name, mart in parents.items()}
    with as_owner(databases) as cursor:
        # Of a run that was killed.
        _drop_leftovers(cursor)
        present = live_tables(cursor)
        common = wanted.keys() & present.keys()
        lasting = _lasting_tables(cursor, {name: present[name] for name in common}, wanted)
        for name in common:
            refuse_what_breaks(name, wanted[name], lasting[name])
        names = _to_rebuild(wanted, present)
        places: dict[Name, Name] = {}
        for schema, own in sorted(names):
            taken = {*TABLES, *(aside for _, aside in places.values())}
            places[schema, own] = (SCHEMA, f"{own}.{schema}" if own in taken else own)
        for name, place in places.items():
            for statement in create_table(place, grown_table(wanted[name], lasting[name])):
                cursor.execute(statement)
            _fill(cursor, place, name, lasting[name])
    if not places:
        return Rebuilt()
    with as_owner(databases) as cursor:
        older = open_transactions(cursor)
    neighbours = frozenset(
        name
        for name, table in present.items()
        if any((key.to_schema, key.to_name) in names for key in table.foreign_keys)
    )
    return Rebuilt(places, neighbours, older)


def _lasting_tables(
    cursor: Cursor, present: Mapping[Name, Table], wanted: Mapping[Name, Table]
) -> dict[Name, Table]:
    """Return the tables without columns that no version had but such as were rolled back.

    Nobody relies on these, and who rolls a version back will often put its contract back as well.
    """
    if not present:
        return {}
    cursor.execute(_WITHDRAWN)
    withdrawn: dict[Name, set[str]] = {}
    for schema, name, column in cursor.fetchall():
        withdrawn.setdefault((schema, name), set()).add(column)
    return {
        name: replace(
            table,
            columns={
                column: stored
                for column, stored in table.columns.items()
                if column in wanted[name].columns or column not in withdrawn.get(name, ())
            },
        )
        for name, table in present.items()
    }


def _to_rebuild(wanted: Mapping[Name, Table], present: Mapping[Name, Table]) -> set[Name]:
    """Return the tables of another form, and those whose foreign keys lead to one, and so on."""
    names = {
        name
        for name in wanted.keys() & present.keys()
        if has_other_form(wanted[name], present[name])
    }
    while True:
        more = {
            name
            for name in wanted.keys() & present.keys() - names
            if any((key.to_schema, key.to_name) in names for key in present[name].foreign_keys)
        }
        if not more:
            return names
        names |= more


def _fill(cursor: Cursor, place: Name, name: Name, present: Table) -> None:
    """Copy the rows of all versions, by key, so that those of one scope lie next to each other."""
    columns = sql.SQL(", ").join(map(sql.Identifier, present.columns))
    cursor.execute(
        sql.SQL("insert into {} ({columns}) select {columns} from {} order by {}").format(
            sql.Identifier(*place),
            sql.Identifier(*name),
            sql.SQL(", ").join(map(sql.Identifier, present.primary_key)),
            columns=columns,
        )
    )


def _drop_leftovers(cursor: Cursor) -> None:
    cursor.execute(_LEFTOVERS, (list(TABLES),))
    names = [name for (name,) in cursor.fetchall()]
    if names:
        cursor.execute(
            sql.SQL("drop table {} cascade").format(
                sql.SQL(", ").join(sql.Identifier(SCHEMA, name) for name in names)
            )
        )
