"""Rows from the warehouse to reporting: COPY to COPY through a pipe, in constant memory."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from psycopg2 import sql

from orchestrate.contracts import VERSION_COLUMN, Mart
from orchestrate.errors import DataError
from orchestrate.publishing.tables import Name

if TYPE_CHECKING:
    from orchestrate.driver import Cursor


def copy_mart(
    source: Cursor, target: Cursor, mart: Mart, version: int, place: Name | None = None
) -> int:
    """Copy a mart into its reporting table under the version; return the number of rows.

    `source` stands in a repeatable-read transaction, so that all marts are of one moment. Rows of
    several scopes go in shuffled: whoever forces a sequential scan can count the rows of others
    before and between its own, and where rows lie must not tell whose these are. `place` is where
    the table stands while it is not in its own. Raises DataError when the rows that arrived are
    not as many as the warehouse holds.
    """
    into = sql.Identifier(*(place or (mart.schema, mart.name)))
    columns = sql.SQL(", ").join(map(sql.Identifier, mart.source_columns))
    relation = sql.Identifier(mart.source_schema, mart.name)
    key = sql.SQL(", ").join(map(sql.Identifier, mart.primary_key))
    copy_out = sql.SQL(
        "copy (select {}::bigint, {} from {} order by {}) to stdout (format binary)"
    ).format(
        sql.Literal(version), columns, relation, sql.SQL("random()") if mart.is_scoped else key
    )
    copy_in = sql.SQL("copy {} ({}, {}) from stdin (format binary)").format(
        into, sql.Identifier(VERSION_COLUMN), columns
    )
    _pump(source, copy_out, target, copy_in)
    source.execute(sql.SQL("select count(*) from {}").format(relation))
    target.execute(
        sql.SQL("select count(*) from {} where version = %s").format(into),
        (version,),
    )
    there, here = _count(source), _count(target)
    if there != here:
        raise DataError(
            f"{mart.relation}: {here} rows arrived of {there}. Nothing was published.",
            "Publish again; if it stays so, the warehouse is being written to while it is read.",
        )
    return here


def _pump(
    source: Cursor, copy_out: sql.Composable, target: Cursor, copy_in: sql.Composable
) -> None:
    """Run both COPYs at once, joined by a pipe; the source's in a thread.

    When the source fails, the pipe ends early, the target refuses the torso and the source's error
    is the one to tell; when the target fails, closing the pipe stops the source.
    """
    read_end, write_end = os.pipe()
    failures: list[BaseException] = []

    def send() -> None:
        try:
            with os.fdopen(write_end, "wb") as stream:
                source.copy_expert(copy_out, stream)
        except BaseException as error:
            failures.append(error)

    sender = threading.Thread(target=send, name="copy out", daemon=True)
    sender.start()
    try:
        with os.fdopen(read_end, "rb") as stream:
            target.copy_expert(copy_in, stream)
    except BaseException as error:
        sender.join()
        if failures and not isinstance(failures[0], BrokenPipeError):
            raise failures[0] from error
        raise
    sender.join()
    if failures:
        raise failures[0]


def _count(cursor: Cursor) -> int:
    row = cursor.fetchone()
    return int(row[0]) if row else 0
