"""Rows from the warehouse to a scope's database: COPY to COPY by a pipe, in constant memory."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from psycopg2 import sql

from orchestrate.contracts.marts import VERSION_COLUMN, Mart
from orchestrate.errors import DataError
from orchestrate.publishing.tables import Name

if TYPE_CHECKING:
    from orchestrate.driver import Cursor


def copy_mart(
    source: Cursor,
    target: Cursor,
    mart: Mart,
    version: int,
    rows: tuple[str, str | None] | None,
    place: Name,
) -> int:
    """Copy a scope's rows of a mart into its table under the version; return how many they are.

    `source` stands in a repeatable-read transaction, so that all marts are of one moment. `rows`
    are a column and its value, None for all. They go in by their key, so that where one lies tells
    nothing of anything else. `place` is where the table stands. Raises DataError when the rows that
    arrived are not as many as the warehouse holds.
    """
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in mart.columns)
    relation = sql.Identifier(mart.source_schema, mart.name)
    chosen = sql.SQL("from {}").format(relation)
    if rows is not None:
        column, value = rows
        chosen = sql.SQL("from {} where {} = {}").format(
            relation, sql.Identifier(column), sql.Literal(value)
        )
    copy_out = sql.SQL(
        "copy (select {}::bigint, {} {} order by {}) to stdout (format binary)"
    ).format(
        sql.Literal(version),
        columns,
        chosen,
        sql.SQL(", ").join(map(sql.Identifier, mart.primary_key)),
    )
    copy_in = sql.SQL("copy {} ({}, {}) from stdin (format binary)").format(
        sql.Identifier(*place), sql.Identifier(VERSION_COLUMN), columns
    )
    _pump(source, copy_out, target, copy_in)
    here = target.rowcount
    source.execute(sql.SQL("select count(*) {}").format(chosen))
    (there,) = source.fetchone() or (0,)
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

    When the source fails, the pipe ends early, the target refuses what is incomplete and the
    source's error is the one to tell; when the target fails, closing the pipe stops the source.
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
