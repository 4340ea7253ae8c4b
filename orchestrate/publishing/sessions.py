"""Sessions of the publisher in the reporting database, as the owner of its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from psycopg2 import sql
from psycopg2.errors import LockNotAvailable

from orchestrate.access.roles import OWNER
from orchestrate.database.connection import LONGEST_STATEMENT, database_errors
from orchestrate.errors import DatabaseError

if TYPE_CHECKING:
    from orchestrate.database import Databases
    from orchestrate.driver import Cursor

# Longest wait for somebody else's lock, before giving up.
LOCK_TIMEOUT: Final = "10s"
# For a transaction that waits, idle, while another session works.
WAITING: Final = {
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": LONGEST_STATEMENT,
}
SESSION: Final = {**WAITING, "lock_timeout": LOCK_TIMEOUT}
_RECORD: Final = ("private", "versions")


@contextmanager
def as_owner(databases: Databases) -> Iterator[Cursor]:
    """Open one transaction in reporting, as the owner of its tables; commit at the end."""
    connection = databases.publisher.connect(application_name="casebook publish", options=SESSION)
    try:
        with (
            database_errors("The reporting database refused to publish"),
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql.SQL("set local role {}").format(sql.Identifier(OWNER)))
            try:
                yield cursor
            except LockNotAvailable:
                raise DatabaseError(
                    f"A reader stood in the way of a change for more than {LOCK_TIMEOUT}.",
                    "Nothing was published. Publish again when its transaction has ended.",
                ) from None
    finally:
        connection.close()


def has_published(databases: Databases) -> bool:
    """Tell whether there ever was a publication."""
    with databases.reporting_admin.session() as connection, connection.cursor() as cursor:
        # The builder may not read the record, but sees that it is there; before that nobody may.
        cursor.execute("select 1 from pg_tables where (schemaname, tablename) = %s", (_RECORD,))
        return cursor.fetchone() is not None
