"""Waiting for readers where a table has to change, and ending those who do not let it.

Whoever wants a table for itself keeps every later reader waiting behind it. So it is asked for in
short attempts, between which readers get on; a transaction that has stood in the way for longer
than PATIENCE_SECONDS is ended with its session. Only readers' sessions are ended: those of others
are theirs to end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from psycopg2 import Error, sql
from psycopg2.errors import LockNotAvailable

from orchestrate.errors import DatabaseError
from orchestrate.publishing.sessions import LOCK_TIMEOUT
from orchestrate.publishing.tables import Name

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.driver import Cursor

PATIENCE_SECONDS: Final = 10.0
# Shorter than the second after which the server looks for deadlocks: a reader who holds one of the
# tables and waits for another must not be told that it failed.
_ATTEMPT: Final = "800ms"
_PAUSE_SECONDS: Final = 0.2
# Many readers of half a second each, one after another, leave no gap; it is not they who are ended.
_MOST_ATTEMPTS: Final = 60

# Ends the sessions of transactions of readers; returns how many.
End = Callable[[Collection[str]], int]

# Every transaction holds its own number; for the sessions of others no more is to be seen.
_OPEN: Final = """
    select virtualtransaction from pg_locks
    inner join pg_stat_activity on pg_stat_activity.pid = pg_locks.pid
    where locktype = 'virtualxid' and mode = 'ExclusiveLock' and granted
        and datname = current_database()
        and usename in (select login from private.members)
"""
_HOLDING: Final = """
    select distinct virtualtransaction from pg_locks
    where locktype = 'relation' and granted and pg_locks.pid <> pg_backend_pid()
        and database = (select oid from pg_database where datname = current_database())
        and relation in (
            select pg_class.oid from pg_class
            inner join pg_namespace on pg_namespace.oid = relnamespace
            where (nspname, relname) in %s
        )
"""
_SESSIONS: Final = """
    select distinct pg_locks.pid, usename::text from pg_locks
    inner join pg_stat_activity on pg_stat_activity.pid = pg_locks.pid
    where virtualtransaction = any (%s) and usename = any (%s)
"""


def readers_ended_by(databases: Databases, logins: Iterable[str], console: Console) -> End:
    """Return what ends sessions of these logins, by the builder, and says so."""
    return partial(_end, databases, sorted(logins), console)


def open_transactions(cursor: Cursor) -> frozenset[str]:
    """Return the transactions that readers have open, as the owner."""
    cursor.execute(_OPEN)
    return frozenset(name for (name,) in cursor.fetchall())


def wait_out(cursor: Cursor, transactions: Collection[str], end: End) -> None:
    """Wait until readers' transactions are over; end those that are not after the patience."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while remaining := open_transactions(cursor) & frozenset(transactions):
        if time.monotonic() >= deadline and not end(remaining):
            raise _in_the_way("what is published")
        time.sleep(_PAUSE_SECONDS)


def lock_exclusively(cursor: Cursor, names: Collection[Name], end: End) -> None:
    """Take tables from everybody else until the caller's transaction ends, as their owner.

    Raises DatabaseError when somebody who is no reader stays in the way, or readers leave no gap.
    """
    if not names:
        return
    seen: dict[str, float] = {}
    for _ in range(_MOST_ATTEMPTS):
        if _try_lock(cursor, names):
            return
        cursor.execute(_HOLDING, (tuple(sorted(names)),))
        now = time.monotonic()
        seen = {holder: seen.get(holder, now) for (holder,) in cursor.fetchall()}
        due = {holder for holder, since in seen.items() if now - since >= PATIENCE_SECONDS}
        if due and not end(due):
            break
        time.sleep(_PAUSE_SECONDS)
    raise _in_the_way(", ".join(".".join(name) for name in sorted(names)))


def _try_lock(cursor: Cursor, names: Collection[Name]) -> bool:
    cursor.execute("savepoint attempt")
    try:
        cursor.execute("select set_config('lock_timeout', %s, true)", (_ATTEMPT,))
        cursor.execute(
            sql.SQL("lock table {} in access exclusive mode").format(
                sql.SQL(", ").join(sql.Identifier(*name) for name in sorted(names))
            )
        )
    except LockNotAvailable:
        cursor.execute("rollback to savepoint attempt")
        cursor.execute("release savepoint attempt")
        return False
    cursor.execute("select set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
    cursor.execute("release savepoint attempt")
    return True


def _end(
    databases: Databases, logins: list[str], console: Console, transactions: Collection[str]
) -> int:
    """End the sessions that hold the transactions, as far as these logins' are among them.

    Who ends a session needs the rights of its login. The builder, who made the logins, gives them
    to itself in a transaction that it never commits, so that it has them nowhere else.
    """
    connection = databases.reporting_admin.connect(application_name="casebook publish")
    try:
        with connection.cursor() as cursor:
            cursor.execute(_SESSIONS, (sorted(transactions), logins))
            found = cursor.fetchall()
            for login in sorted({login for _, login in found}):
                cursor.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(login)))
            for pid, login in found:
                cursor.execute("select pg_terminate_backend(%s, 5000)", (pid,))
                console.warn(
                    f"Ended a session of {login}: for more than {PATIENCE_SECONDS:g} seconds it was"
                    " in the way of a change that readers' tables need."
                )
        return len(found)
    except Error as error:
        console.warn(f"A reader is in the way and could not be ended: {str(error).strip()}")
        return 0
    finally:
        connection.rollback()
        connection.close()


def _in_the_way(what: str) -> DatabaseError:
    return DatabaseError(
        f"{what} has to change, and a reader or somebody else has been using it for more than"
        f" {PATIENCE_SECONDS:g} seconds.",
        "Readers see what they saw. Try again when that transaction has ended.",
    )
