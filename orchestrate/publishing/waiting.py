"""Waiting for readers where a table has to change, and ending those who do not let it.

Whoever wants a table for itself keeps every later reader waiting behind it. So it is asked for in
short attempts, between which readers get on; a transaction that has stood in the way for longer
than PATIENCE_SECONDS is ended with its session. Only readers' sessions are ended: those of others
are theirs to end.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg2 import Error, sql
from psycopg2.errors import LockNotAvailable

from orchestrate.access.logins import end_sessions
from orchestrate.access.scopes import LOCK_TIMEOUT, OWNER, PUBLISHER, ScopeDatabase
from orchestrate.database.objects import marked_roles
from orchestrate.errors import DatabaseError
from orchestrate.publishing.tables import Name

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.driver import Connection, Cursor

PATIENCE_SECONDS: Final = 10.0
# Shorter than the second after which the server looks for deadlocks: a reader who holds one of the
# tables and waits for another must not be told that it failed.
_ATTEMPT: Final = "800ms"
_PAUSE_SECONDS: Final = 0.2
# Many readers of half a second each, one after another, leave no gap; it is not they who are ended.
_MOST_ATTEMPTS: Final = 60

# Every transaction holds its own number; for the sessions of others no more is to be seen.
_OPEN: Final = """
    select virtualtransaction from pg_locks
    inner join pg_stat_activity on pg_stat_activity.pid = pg_locks.pid
    where locktype = 'virtualxid' and mode = 'ExclusiveLock' and granted
        and datname = %s and usename = any (%s)
"""
_HOLDING: Final = """
    select distinct virtualtransaction from pg_locks
    where locktype = 'relation' and granted and pg_locks.pid <> %s
        and database = (select oid from pg_database where datname = %s)
        and relation = any (%s::oid[])
"""
_SESSIONS: Final = """
    select distinct pg_locks.pid, usename::text from pg_locks
    inner join pg_stat_activity on pg_stat_activity.pid = pg_locks.pid
    where virtualtransaction = any (%s) and usename = any (%s)
"""


@dataclass(frozen=True)
class Readers:
    """The readers of a scope's database, as the builder sees them from another one.

    Within it, nobody but an administrator is told who else is there.
    """

    place: ScopeDatabase
    connection: Connection
    logins: Collection[str]
    console: Console

    def transactions(self) -> frozenset[str]:
        """Return the transactions that readers have open."""
        return self._names(_OPEN, (self.place.database, list(self.logins)))

    def holding(self, oids: Collection[int], pid: int) -> frozenset[str]:
        """Return the transactions that hold tables, but those of the session `pid`."""
        return self._names(_HOLDING, (pid, self.place.database, list(oids)))

    def end(self, transactions: Collection[str]) -> bool:
        """End the sessions that hold the transactions, as far as they are readers'."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(_SESSIONS, (sorted(transactions), list(self.logins)))
                found = dict(cursor.fetchall())
            end_sessions(self.connection, found)
        except Error as error:
            self.console.warn(
                f"A reader is in the way and could not be ended: {str(error).strip()}"
            )
            return False
        for login in found.values():
            self.console.warn(
                f"Ended a session of {login}: for more than {PATIENCE_SECONDS:g} seconds it was"
                " in the way of a change that readers' tables need."
            )
        return bool(found)

    def _names(self, query: str, values: tuple[object, ...]) -> frozenset[str]:
        with self.connection.cursor() as cursor:
            cursor.execute(query, values)
            return frozenset(name for (name,) in cursor.fetchall())


@contextmanager
def readers_of(place: ScopeDatabase, console: Console) -> Iterator[Readers]:
    """Look at the readers of a scope's database for the length of the block."""
    with place.server.door.session("casebook publish") as connection:
        logins = marked_roles(connection, place.databases.installation) - {OWNER, PUBLISHER}
        yield Readers(place, connection, logins, console)


def wait_out(readers: Readers, transactions: Collection[str]) -> None:
    """Wait until readers' transactions are over; end those that are not after the patience."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while remaining := readers.transactions() & frozenset(transactions):
        if time.monotonic() >= deadline and not readers.end(remaining):
            raise _in_the_way("what is published")
        time.sleep(_PAUSE_SECONDS)


def lock_exclusively(cursor: Cursor, names: Collection[Name], readers: Readers) -> None:
    """Take tables from everybody else until the caller's transaction ends, as their owner.

    Raises DatabaseError when somebody who is no reader stays in the way, or readers leave no gap.
    """
    if not names:
        return
    cursor.execute(
        "select pg_class.oid::bigint from pg_class"
        " inner join pg_namespace on pg_namespace.oid = relnamespace"
        " where (nspname, relname) in %s",
        (tuple(sorted(names)),),
    )
    oids = [oid for (oid,) in cursor.fetchall()]
    own = cursor.connection.info.backend_pid
    seen: dict[str, float] = {}
    for _ in range(_MOST_ATTEMPTS):
        if _try_lock(cursor, names):
            return
        now = time.monotonic()
        seen = {holder: seen.get(holder, now) for holder in readers.holding(oids, own)}
        due = {holder for holder, since in seen.items() if now - since >= PATIENCE_SECONDS}
        if due and not readers.end(due):
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


def _in_the_way(what: str) -> DatabaseError:
    return DatabaseError(
        f"{what} has to change, and a reader or somebody else has been using it for more than"
        f" {PATIENCE_SECONDS:g} seconds.",
        "Readers see what they saw. Try again when that transaction has ended.",
    )
