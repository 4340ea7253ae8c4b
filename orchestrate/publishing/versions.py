"""Published versions: the next number, the record of each, the pointer, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from datetime import datetime
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Final, cast

from psycopg2 import sql

from orchestrate.contracts import VERSION_COLUMN
from orchestrate.errors import BusyError
from orchestrate.publishing.tables import Name, live_tables

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

# Versions whose rows are kept, the current one included.
RETAINED_VERSIONS: Final = 3


@dataclass(frozen=True)
class PublishedVersion:
    """One publication.

    `sources` says per domain where its data came from, `rows` how many there are per relation, over
    all scopes. `is_current`: readers see it. `rolled_back_at`: when a rollback withdrew it.
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
    rolled_back_at: datetime | None = None


def next_version(cursor: Cursor) -> int:
    """Return the number above the highest one ever published."""
    cursor.execute("select highest_version + 1 from private.pointer")
    row = cursor.fetchone()
    return int(row[0]) if row else 1


def current_version(cursor: Cursor) -> int | None:
    """Return the version that readers see, None before the first one."""
    cursor.execute("select current_version from private.pointer")
    row = cursor.fetchone()
    return None if row is None else cast("int | None", row[0])


def move_pointer(cursor: Cursor, version: int, seen: int | None) -> None:
    """Let readers see the version, from the caller's commit on.

    This is the fence: whatever happened to the run lock meanwhile, only a version above the highest
    ever published gets through, and only while readers see what they saw when the caller began,
    `seen`. Raises BusyError otherwise.
    """
    cursor.execute(
        "update private.pointer set current_version = %(version)s, highest_version = %(version)s"
        " where highest_version < %(version)s and current_version is not distinct from %(seen)s",
        {"version": version, "seen": seen},
    )
    if cursor.rowcount != 1:
        raise BusyError(
            f"Version {version} comes too late: another run published since, or a rollback was"
            " made.",
            "Run again to publish the present state.",
        )


def version_before(cursor: Cursor) -> tuple[int, int] | None:
    """Return the current version and the one that a rollback puts back; None without such a one.

    A version that was itself rolled back is passed over: somebody did not want it seen.
    """
    cursor.execute(
        "select current_version, (select max(version) from private.versions where is_retained"
        " and rolled_back_at is null and version < current_version) from private.pointer"
    )
    row = cursor.fetchone()
    return None if row is None or row[1] is None else (int(row[0]), int(row[1]))


def lower_pointer(cursor: Cursor, current: int, version: int) -> None:
    """Let readers see an earlier version again, from the caller's commit on.

    The highest version stays what it is. Raises BusyError when the current one is another by now.
    """
    cursor.execute(
        "update private.pointer set current_version = %s where current_version = %s",
        (version, current),
    )
    if cursor.rowcount != 1:
        raise BusyError(
            f"Version {current} is not the current one any more: another run published since.",
            "`casebook status` shows what is published; roll back again if that is still to go.",
        )
    cursor.execute(
        "update private.versions set rolled_back_at = now() where version = %s", (current,)
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
        " casebook_version, invocation_id, version = current_version,"
        # By way of JSON, so that the record of an earlier release can be read too.
        " (to_jsonb(versions) ->> 'rolled_back_at')::timestamptz"
        " from private.versions cross join private.pointer where is_retained"
        " order by version desc"
    )
    return [PublishedVersion(*row) for row in cursor.fetchall()]


def delete_old_versions(cursor: Cursor, withdrawn: set[Name]) -> int:
    """Delete the rows of versions beyond the retention; return how many versions went.

    Those that were rolled back go first, so that there are others left to roll back to.
    Withdrawn tables that hold no version any more are dropped, and schemas left without a table.
    Tables go children first, so that no foreign key is in the way.
    """
    cursor.execute(
        "select version from private.versions where is_retained and version not in ("
        "  select version from private.versions where is_retained"
        "  order by rolled_back_at is not null, version desc limit %s)"
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
