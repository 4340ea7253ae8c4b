"""Published versions: the next number, the record of each, the pointer, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from datetime import datetime
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Final

from psycopg2 import sql

from orchestrate.contracts import VERSION_COLUMN
from orchestrate.errors import BusyError
from orchestrate.publishing.tables import Name, live_tables

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class upstream

# Versions whose rows are kept, the current one included.
RETAINED_VERSIONS: Final = 3


@dataclass(frozen=True)
class PublishedVersion:
    """One publication.

    `sources` says per domain where its data came from, `rows` how many there are per relation, over
    all scopes. `is_current`: readers see it.
    """

    version: int
    published_at: datetime
    sources: Mapping[str, object]
    rows: Mapping[str, int]
    tests_passed: int
    tests_warned: int
    casebook_version: str
    invocation_id: str
    is_current: bool


def next_version(cursor: Cursor) -> int:
    """Return the number above the highest one ever published."""
    cursor.execute("select highest_version + 1 from private.pointer")
    row = cursor.fetchone()
    return int(row[0]) if row else 1


def move_pointer(cursor: Cursor, version: int) -> None:
    """Let readers see the version, from the caller's commit on.

    This is the fence: whatever happened to the run lock meanwhile, only a version above the highest
    ever published gets through. Raises BusyError otherwise.
    """
    cursor.execute(
        "update private.pointer set current_version = %(version)s, highest_version = %(version)s"
        " where highest_version < %(version)s",
        {"version": version},
    )
    if cursor.rowcount != 1:
        raise BusyError(
            f"Version {version} is not above the highest one: another run published since.",
            "Run again to publish the present state.",
        )


def record_version(cursor: Cursor, published: PublishedVersion) -> PublishedVersion:
    """Store the record of a version and return it with the server's time of publication."""
    cursor.execute(
        "insert into private.versions (version, sources, row_counts, tests_passed, tests_warned,"
        " casebook_version, invocation_id) values (%s, %s, %s, %s, %s, %s, %s)"
        " returning published_at",
        (
            published.version,
            json.dumps(published.sources, default=_plain),
            json.dumps(published.rows),
            published.tests_passed,
            published.tests_warned,
            published.casebook_version,
            published.invocation_id,
        ),
    )
    row = cursor.fetchone()
    return replace(published, published_at=row[0]) if row else published


def read_versions(cursor: Cursor) -> list[PublishedVersion]:
    """Read the versions whose rows are still stored, newest first.

    The record of older ones stays in `private.versions`.
    """
    cursor.execute(
        "select version, published_at, sources, row_counts, tests_passed, tests_warned,"
        " casebook_version, invocation_id, version = current_version"
        " from private.versions cross join private.pointer where is_retained"
        " order by version desc"
    )
    return [PublishedVersion(*row) for row in cursor.fetchall()]


def delete_old_versions(cursor: Cursor, withdrawn: set[Name]) -> int:
    """Delete the rows of versions beyond the retention; return how many versions went.

    Withdrawn tables that hold no version any more are dropped, and schemas left without a table.
    Tables go children first, so that no foreign key is in the way.
    """
    cursor.execute(
        "select version from private.versions where is_retained and version not in ("
        "  select version from private.versions where is_retained order by version desc limit %s)"
        " and version is distinct from (select current_version from private.pointer)",
        (RETAINED_VERSIONS,),
    )
    old = [version for (version,) in cursor.fetchall()]
    for name in _children_first(cursor):
        if old:
            cursor.execute(
                sql.SQL("delete from {} where version = any (%s)").format(sql.Identifier(*name)),
                (old,),
            )
        if name in withdrawn:
            _drop_if_empty(cursor, name)
    cursor.execute(
        "update private.versions set is_retained = false where version = any (%s)", (old,)
    )
    return len(old)


def _plain(value: object) -> object:
    """Turn what JSON does not know into what it does."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def _children_first(cursor: Cursor) -> list[Name]:
    order: TopologicalSorter[Name] = TopologicalSorter()
    for name, table in live_tables(cursor).items():
        if VERSION_COLUMN in table.columns:
            order.add(name)
            for key in table.foreign_keys:
                if (key.to_schema, key.to_name) != name:
                    order.add((key.to_schema, key.to_name), name)
    return list(order.static_order())


def _drop_if_empty(cursor: Cursor, name: Name) -> None:
    cursor.execute(sql.SQL("select exists (select from {})").format(sql.Identifier(*name)))
    if cursor.fetchone() == (True,):
        return
    cursor.execute(sql.SQL("drop table {}").format(sql.Identifier(*name)))
    cursor.execute(
        "select 1 from pg_class where relnamespace = to_regnamespace(quote_ident(%s))", (name[0],)
    )
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("drop schema {}").format(sql.Identifier(name[0])))
