"""One run at a time: a lock in the warehouse, where no reader can reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from psycopg2 import Error
from psycopg2.errors import LockNotAvailable

from orchestrate.database.connection import database_errors
from orchestrate.errors import BusyError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812 - a class upstream
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class, named so upstream

    from orchestrate.database import Databases


@contextmanager
def run_lock(databases: Databases) -> Iterator[Callable[[], None]]:
    """Hold the lock of run, load and publish for the length of the block.

    It is a row lock held by an open transaction on a connection of its own, so it goes away with
    its holder, however that ends. An advisory lock would not do: anybody who can connect to a
    database may take those. Raises BusyError at once when somebody else holds it.

    Yields a check that raises BusyError when the lock was lost meanwhile, as by a restart of the
    server: somebody else may then have run.
    """
    connection = databases.warehouse.connect(
        application_name="casebook run lock",
        # The transaction stays open, and idle, for as long as the run takes.
        options={"idle_in_transaction_session_timeout": "0", "statement_timeout": "0"},
    )
    try:
        with database_errors("The warehouse refused the run lock"), connection.cursor() as cursor:
            _ensure_table(cursor)
            connection.commit()
            try:
                cursor.execute("select only_row from casebook.run_lock for update nowait")
            except LockNotAvailable:
                raise BusyError(
                    "Another run is active on this warehouse.",
                    "Wait until it has ended; `casebook status` shows what is published.",
                ) from None
        yield lambda: _refuse_lost(connection)
    finally:
        # Closing rolls back, which releases the lock.
        connection.close()


def _refuse_lost(connection: Connection) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except Error:
        raise BusyError(
            "The connection that keeps other runs away was lost, and another may have run since.",
            "Nothing was published by this one. Run again.",
        ) from None


def _ensure_table(cursor: Cursor) -> None:
    cursor.execute("select to_regclass('casebook.run_lock') is not null")
    if cursor.fetchone() == (True,):
        return
    # Two first runs at once would both try to create; the second waits here and then finds it.
    cursor.execute("select pg_advisory_xact_lock(hashtext('casebook.run_lock'))")
    cursor.execute("create schema if not exists casebook")
    cursor.execute(
        "create table if not exists casebook.run_lock ("
        "only_row boolean primary key default true check (only_row))"
    )
    cursor.execute("insert into casebook.run_lock default values on conflict do nothing")
