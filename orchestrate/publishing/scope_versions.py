"""The versions in one scope's database: filled in unseen, shown, and deleted."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Final

from psycopg2 import sql

from orchestrate.access.logins import clear_default_rights
from orchestrate.access.policies import (
    Given,
    access_changes,
    apply_access,
    foreign_objects,
    given_to,
    roles_with_default_rights,
)
from orchestrate.access.private import ensure_private
from orchestrate.access.routines import Routine
from orchestrate.access.scopes import OWNER, ScopeDatabase
from orchestrate.contracts.functions import Function
from orchestrate.contracts.marts import VERSION_COLUMN, Mart
from orchestrate.database.connection import database_errors
from orchestrate.errors import DatabaseError
from orchestrate.publishing.copying import copy_mart
from orchestrate.publishing.rebuilding import build_aside, drop_leftovers, put_in_place
from orchestrate.publishing.tables import (
    Name,
    add_foreign_keys,
    alter_table,
    create_table,
    declared_table,
    live_tables,
)
from orchestrate.publishing.waiting import lock_exclusively, readers_of

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.driver import Cursor
    from orchestrate.publishing.versions import Pointer

# Columns of versions that were rolled back, and of no other that is held.
_WITHDRAWN: Final = """
    select relation ->> 0, relation ->> 1, column_name from private.versions
    cross join lateral jsonb_array_elements(given -> 'relations') as relation
    cross join lateral jsonb_array_elements_text(relation -> 2) as column_name
    group by 1, 2, 3
    having bool_and(version = any (%s))
"""


@dataclass(frozen=True)
class Version:
    """A version that is being published: what it consists of, and which were rolled back so far."""

    number: int
    marts: Sequence[Mart]
    routines: Mapping[Routine, Function]
    rolled_back: Collection[int] = field(default_factory=tuple)


@dataclass(frozen=True)
class State:
    """What a scope's database shows: the version, the highest it ever did, by which decision.

    `given` is what the version gives, None where the database does not hold it.
    """

    version: int | None = None
    highest: int = 0
    turn: int = 0
    given: Mapping[str, object] | None = None


def fill(place: ScopeDatabase, version: Version, source: Cursor, console: Console) -> bool:
    """Copy a scope's rows of a version into its database, where nobody sees them yet.

    `source` stands in the snapshot of the warehouse that is published. What an earlier attempt left
    is cleared first. Returns whether tables and rights are already as the version wants them, so
    that to show it takes no more than the pointer. Raises DatabaseError when something is there
    that no contract describes, when the version could not be shown, or when this database is ahead
    of the warehouse.
    """
    audience = place.scope.audience
    marts = [mart for mart in version.marts if audience in mart.readers]
    given = given_to(audience, marts, version.routines)
    with place.as_owner() as cursor:
        if roles := roles_with_default_rights(cursor):
            clear_default_rights(place, roles, console)
        ensure_private(cursor)
        _begin(cursor, place, version.number)
        refuse_differences(foreign_objects(cursor))
        asides = _prepare_tables(cursor, marts, version)
        cursor.execute("select exists (select from private.versions)")
        is_first = cursor.fetchone() == (False,)
        cursor.execute(
            "insert into private.versions values (%s, %s)",
            (version.number, json.dumps({**given.as_json(), "asides": [*asides.items()]})),
        )
        if not is_first:
            # Not valid for the rows of earlier versions, which were published without them.
            _add_keys(cursor, marts, asides, is_new=False)
        for mart in marts:
            name = (mart.schema, mart.name)
            rows = place.scope.rows_read(mart.readers[audience])
            copy_mart(source, cursor, mart, version.number, rows, asides.get(name, name))
        if is_first:
            # After the rows, so that they are checked as a set.
            _add_keys(cursor, marts, asides, is_new=True)
        for mart in marts:
            name = (mart.schema, mart.name)
            cursor.execute(sql.SQL("analyze {}").format(sql.Identifier(*asides.get(name, name))))
        return not asides and _try_out(cursor, place, given)


def refuse_unshowable(place: ScopeDatabase, version: int) -> None:
    """Raise DatabaseError for what would keep a version from being shown; change nothing."""
    with place.as_owner() as cursor:
        ensure_private(cursor)
        refuse_differences(foreign_objects(cursor))
        cursor.execute("select given from private.versions where version = %s", (version,))
        if row := cursor.fetchone():
            _try_out(cursor, place, Given.from_json(row[0]))


def show(
    place: ScopeDatabase, decided: Pointer, console: Console, *, is_in_order: bool = False
) -> bool:
    """Let a scope's readers see the version that was decided, with the rights that it gives.

    Does nothing where a later decision was carried out already. `is_in_order`: tables and rights
    are known to be right. Returns whether the database holds the version; where it does not, its
    readers see no rows.
    """
    with place.as_owner() as cursor:
        ensure_private(cursor)
        cursor.execute("select turn from private.pointer for update")
        (turn,) = cursor.fetchone() or (0,)
        cursor.execute("select given from private.versions where version = %s", (decided.current,))
        row = cursor.fetchone()
        if turn >= decided.turn:
            return row is not None
        if row is not None and not is_in_order:
            _give(cursor, place, row[0], console)
        move_pointer(cursor, decided)
    return row is not None


def move_pointer(cursor: Cursor, decided: Pointer) -> None:
    """Let readers see what was decided, from the caller's commit on."""
    cursor.execute(
        "update private.pointer set current_version = %s, turn = %s,"
        " highest_version = greatest(highest_version, %s)",
        (decided.current, decided.turn, decided.current),
    )


def access_problems(place: ScopeDatabase) -> list[str]:
    """Say how access to a scope's database differs from what the version shown gives."""
    with place.as_owner() as cursor:
        content = _read_state(cursor).given
        if content is None:
            return []
        given = Given.from_json(content)
        return [change.problem for change in access_changes(cursor, place, given)] + [
            f"{role} gives default rights on what it may come to make"
            for role in roles_with_default_rights(cursor)
        ]


def read_state(place: ScopeDatabase) -> State:
    """Return what a scope's database shows."""
    with place.as_owner() as cursor:
        return _read_state(cursor)


def delete_versions(place: ScopeDatabase, kept: Collection[int]) -> None:
    """Delete all versions but those kept and the one that is shown; reuse their space.

    Tables of no version any more are dropped, and schemas left without a table. Tables go children
    first, so that no foreign key is in the way.
    """
    with place.as_owner() as cursor:
        cursor.execute(
            "delete from private.versions where version <> all (%s)"
            " and version is distinct from (select current_version from private.pointer)"
            " returning version",
            (list(kept),),
        )
        gone = [version for (version,) in cursor.fetchall()]
        if not gone:
            return
        cursor.execute(
            "select distinct relation ->> 0, relation ->> 1 from private.versions"
            " cross join lateral jsonb_array_elements(given -> 'relations') as relation"
        )
        given = set(cursor.fetchall())
        names = _children_first(cursor)
        _delete_rows(cursor, names, gone)
        for name in names:
            if name not in given:
                cursor.execute(sql.SQL("drop table {}").format(sql.Identifier(*name)))
        for schema in {schema for schema, _ in names} - {schema for schema, _ in given}:
            cursor.execute(sql.SQL("drop schema {}").format(sql.Identifier(schema)))
    _vacuum(place, [name for name in names if name in given])


def refuse_differences(found: Collection[str]) -> None:
    """Raise DatabaseError when something in a scope's database is not as the marts declare."""
    if found:
        raise DatabaseError(
            f"The rights of readers are not as declared: {'; '.join(sorted(found)[:5])}.",
            "Readers see what they saw. Remove what was put there by other hands; see"
            " docs/publishing.md.",
        )


def _begin(cursor: Cursor, place: ScopeDatabase, version: int) -> None:
    """Clear what an attempt that was cut off left, and refuse a number that readers have seen."""
    cursor.execute("select highest_version from private.pointer")
    (highest,) = cursor.fetchone() or (0,)
    if highest >= version:
        raise DatabaseError(
            f"Readers of {place.database} have seen version {highest}, and the warehouse knows of"
            f" none above {version - 1}: it was put back from a backup, or another one publishes.",
            "Run `casebook doctor --mend`, which lets the warehouse catch up.",
        )
    drop_leftovers(cursor)
    cursor.execute("delete from private.versions where version > %s returning version", (highest,))
    if gone := [version for (version,) in cursor.fetchall()]:
        _delete_rows(cursor, _children_first(cursor), gone)


def _delete_rows(cursor: Cursor, names: Sequence[Name], gone: Sequence[int]) -> None:
    for name in names:
        statement = sql.SQL("delete from {} where version = any (%s)").format(sql.Identifier(*name))
        cursor.execute(statement, (gone,))


def _prepare_tables(cursor: Cursor, marts: Sequence[Mart], version: Version) -> dict[Name, Name]:
    """Make every table what its contract asks for; return where those of another form stand."""
    names = {(mart.schema, mart.name) for mart in marts}
    wanted = {(mart.schema, mart.name): declared_table(mart, names) for mart in marts}
    present = live_tables(cursor)
    for schema in sorted({schema for schema, _ in names} - {schema for schema, _ in present}):
        cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
    cursor.execute(_WITHDRAWN, (list(version.rolled_back),))
    withdrawn = {((schema, name), column) for schema, name, column in cursor.fetchall()}
    asides = build_aside(cursor, wanted, present, withdrawn, version.number)
    for name, table in wanted.items():
        if name not in present:
            statements = create_table(name, table)
        elif name not in asides:
            statements = alter_table(name, table, present[name])
        else:
            continue
        # One message for all of a table: a first publication makes hundreds of databases.
        if texts := list(statements):
            cursor.execute(sql.SQL("; ").join(texts))
    return asides


def _add_keys(
    cursor: Cursor, marts: Sequence[Mart], asides: Mapping[Name, Name], *, is_new: bool
) -> None:
    """Add the foreign keys that are missing."""
    names = {(mart.schema, mart.name) for mart in marts}
    present = live_tables(cursor)
    for mart in marts:
        name = (mart.schema, mart.name)
        held = frozenset() if name in asides else present[name].foreign_keys
        missing = declared_table(mart, names).foreign_keys - held
        for statement in add_foreign_keys(asides.get(name, name), missing, asides, is_new=is_new):
            cursor.execute(statement)


def _try_out(cursor: Cursor, place: ScopeDatabase, given: Given) -> bool:
    """Give readers what a version gives and take it back, so that showing it cannot fail there.

    Not where tables have to be taken from their readers for it. Returns whether all is given
    already.
    """
    changes = access_changes(cursor, place, given)
    if changes and not any(change.relation for change in changes):
        cursor.execute("savepoint trial")
        apply_access(cursor, place, given)
        refuse_differences([one.problem for one in access_changes(cursor, place, given)])
        cursor.execute("rollback to savepoint trial")
    return not changes


def _give(
    cursor: Cursor, place: ScopeDatabase, content: Mapping[str, object], console: Console
) -> None:
    """Give readers what a version gives, in the owner's transaction."""
    given = Given.from_json(content)
    asides = _existing(cursor, content)
    if roles := roles_with_default_rights(cursor):
        clear_default_rights(place, roles, console)
    with readers_of(place, console) as readers:
        if asides:
            put_in_place(cursor, asides, readers)
        changes = access_changes(cursor, place, given)
        lock_exclusively(cursor, {one.relation for one in changes if one.relation}, readers)
        apply_access(cursor, place, given)
        refuse_differences([one.problem for one in access_changes(cursor, place, given)])


def _existing(cursor: Cursor, content: Mapping[str, object]) -> dict[Name, Name]:
    """Return the tables that stand aside for a version, as it noted them, and still do."""
    noted = content.get("asides")
    asides = {}
    for name, aside in noted if isinstance(noted, list) else []:
        cursor.execute("select to_regclass(%s) is not null", (".".join(aside),))
        if cursor.fetchone() == (True,):
            asides[tuple(name)] = tuple(aside)
    return asides


def _read_state(cursor: Cursor) -> State:
    cursor.execute("select to_regclass('private.versions') is not null")
    if cursor.fetchone() != (True,):
        return State()
    cursor.execute(
        "select current_version, highest_version, turn, given from private.pointer"
        " left join private.versions on version = current_version"
    )
    return State(*(cursor.fetchone() or ()))


def _children_first(cursor: Cursor) -> list[Name]:
    order: TopologicalSorter[Name] = TopologicalSorter()
    for name, table in live_tables(cursor).items():
        if VERSION_COLUMN in table.columns:
            order.add(name)
            for key in table.foreign_keys:
                if (key.to_schema, key.to_name) != name:
                    order.add((key.to_schema, key.to_name), name)
    return list(order.static_order())


def _vacuum(place: ScopeDatabase, names: Sequence[Name]) -> None:
    """Reuse the space of deleted versions, and forget their values in the planner's statistics.

    Not truncating avoids a lock that readers feel.
    """
    connection = place.as_publisher().connect(application_name="casebook publish", autocommit=True)
    try:
        with (
            database_errors(f"The database {place.database} refused to vacuum"),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql.SQL("set role {}").format(sql.Identifier(OWNER)))
            if names:
                cursor.execute(
                    sql.SQL("vacuum (analyze, truncate false) {}").format(
                        sql.SQL(", ").join(sql.Identifier(*name) for name in names)
                    )
                )
    finally:
        connection.close()
