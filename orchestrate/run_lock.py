"""One run at a time: a lock in the warehouse, where no reader can reach it."""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from psycopg2 import Error
from psycopg2.errors import LockNotAvailable

from orchestrate import interruption
from orchestrate.database.connection import database_errors
from orchestrate.errors import BusyError, LostConnectionError

if TYPE_CHECKING:
    from orchestrate.database import Databases
    from orchestrate.driver import Connection, Cursor

# How the holder calls its session; what follows tells others who it is.
_SESSION_NAME: Final = "casebook run lock: "
# Only who got the lock has a transaction number.
_HOLDER: Final = """
    select
        application_name,
        to_char(xact_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
        host(client_addr)
    from pg_stat_activity
    where
        datname = current_database()
        and starts_with(application_name, %s)
        and backend_xid is not null
"""


@contextmanager
def run_lock(databases: Databases, command: str = "run") -> Iterator[Callable[[], None]]:
    """Hold the lock of run, load and publish for the length of the block.

    It is a row lock held by an open transaction on a connection of its own, so it goes away with
    its holder, however that ends. An advisory lock would not do: anybody who can connect to a
    database may take those. `command` tells others who holds it. Raises BusyError at once when
    somebody else does.

    Whoever loses the lock, as by a restart of the server, is interrupted and raises
    LostConnectionError: somebody else may be running by then. Yields a check that raises the same,
    for the moment when it matters.
    """
    connection = databases.warehouse.connect(
        application_name=f"{_SESSION_NAME}casebook {command}, process {os.getpid()}",
        # The transaction stays open, and idle, for as long as the run takes.
        options={"idle_in_transaction_session_timeout": "0"},
    )
    lost = threading.Event()
    try:
        with database_errors("The warehouse refused the run lock"), connection.cursor() as cursor:
            _ensure_table(cursor)
            connection.commit()
            try:
                cursor.execute("select only_row from casebook.run_lock for update nowait")
            except LockNotAvailable:
                connection.rollback()
                raise BusyError(
                    f"Another run is active on this warehouse{_describe_holder(cursor)}.",
                    "Wait until it has ended; `casebook status` shows what is published.",
                ) from None
        with _watched(connection, lost):
            yield lambda: _refuse_lost(connection)
    except KeyboardInterrupt:
        if lost.is_set():
            raise _loss() from None
        raise
    finally:
        if lost.is_set():
            # Answered by ending, as the interruption or as an error that came before it.
            interruption.go_on()
        # Closing rolls back too, but does not wait for it: the next command could come too early.
        with suppress(Error):
            connection.rollback()
        connection.close()


@contextmanager
def _watched(connection: Connection, lost: threading.Event) -> Iterator[None]:
    """Interrupt the main thread as soon as the connection is gone.

    It would notice by itself only when it asks. Until then dbt would go on writing, one connection
    for each model, into tables that another run may be testing by now.
    """
    reader, writer = os.pipe()

    def watch() -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(reader, selectors.EVENT_READ)
            selector.register(connection, selectors.EVENT_READ)
            while reader not in [key.fileobj for key, _ in selector.select()]:
                # Nobody asked anything: it is the end, unless an answer has just been read.
                try:
                    _ask(connection)
                except Error:
                    lost.set()
                    interruption.interrupt_main_thread()
                    return

    watcher = threading.Thread(target=watch, name="run lock", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        os.close(writer)
        watcher.join()
        os.close(reader)


def _describe_holder(cursor: Cursor) -> str:
    cursor.execute(_HOLDER, (_SESSION_NAME,))
    found = cursor.fetchone()
    if found is None:
        return ""
    name, since, address = found
    place = f" on {address}" if address else ""
    return f": {name.removeprefix(_SESSION_NAME)}{place}, since {since} UTC"


def _refuse_lost(connection: Connection) -> None:
    try:
        _ask(connection)
    except Error:
        raise _loss() from None


def _loss() -> LostConnectionError:
    return LostConnectionError(
        "The connection that keeps other runs away was lost, and another may have run since.",
        "Nothing was left half done. Run again.",
    )


def _ask(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select 1")


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
