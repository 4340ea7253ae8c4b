"""Scopes: sets of rows that a group of logins may read, each in a database of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg2 import sql
from psycopg2.errors import LockNotAvailable

from orchestrate.contracts.marts import RESIDENT_COLUMN, SCOPE_COLUMN
from orchestrate.contracts.names import AUDIENCES, READS_OWN, READS_SCOPE
from orchestrate.database.connection import LONGEST_STATEMENT, database_errors
from orchestrate.errors import ConfigurationError, DatabaseError

if TYPE_CHECKING:
    from orchestrate.database import ConnectionTarget, Databases, ReportingServer
    from orchestrate.driver import Cursor

OWNER: Final = "casebook_owner"
PUBLISHER: Final = "casebook_publisher"
# Audiences whose every login reads the same rows.
SHARED_AUDIENCES: Final = ("program", "management", "staff")

# Longest wait for somebody else's lock, before giving up.
LOCK_TIMEOUT: Final = "10s"
# For a transaction that waits, idle, while another session works.
WAITING: Final = {
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": LONGEST_STATEMENT,
}
_LONGEST_NAME: Final = 63


def group_of(audience: str) -> str:
    """Name the role that holds an audience's rights in the databases of its scopes."""
    return f"casebook_{audience}"


GROUPS: Final = tuple(group_of(audience) for audience in AUDIENCES)


@dataclass(frozen=True)
class Scope:
    """Rows that some logins may read.

    `name` names the folder of its reports: the audience's; for a client's scope the client's id,
    with the restricted specialty that it shows; else the login's, which is then the only one.
    `scope_id` and `resident_name` say which rows of marts that are not the same for all of the
    audience; None: no row of these.
    """

    name: str
    audience: str
    client_id: str | None = None
    specialty_id: str | None = None
    scope_id: str | None = None
    resident_name: str | None = None

    @property
    def place(self) -> tuple[int, str]:
        """Its place among all: by audience, then by name."""
        return AUDIENCES.index(self.audience), self.name

    def rows_read(self, reading: str) -> tuple[str, str | None] | None:
        """Return the column and value of the rows that the scope has of a mart.

        `reading` is what the mart's readers say of the audience. None: it has all of them.
        """
        if reading == READS_SCOPE:
            return SCOPE_COLUMN, self.scope_id
        if reading == READS_OWN:
            return RESIDENT_COLUMN, self.resident_name
        return None


def unique_scopes(scopes: Iterable[Scope]) -> list[Scope]:
    """Return each scope once, by audience and name.

    Raises ConfigurationError when two that hold different rows have one name.
    """
    found: dict[str, Scope] = {}
    for scope in scopes:
        other = found.setdefault(scope.name, scope)
        if other != scope:
            raise ConfigurationError(
                f"Two sets of rows would share the name {scope.name}: one for the audience"
                f" {other.audience}, one for {scope.audience}.",
                "Give the login, the client or its specialty another name, then run again.",
            )
    return sorted(found.values(), key=lambda scope: scope.place)


@dataclass(frozen=True)
class ScopeDatabase:
    """Where a scope is: its database, the roles that enter it, and the ways to connect.

    `suffix` ends the names of all of them. It tells the audience and client and nothing else, since
    such names can be read in every database of the server.
    """

    scope: Scope
    suffix: str
    databases: Databases

    @property
    def server(self) -> ReportingServer:
        """The server that it is on."""
        return self.databases.server_of(self.scope.name)

    @property
    def database(self) -> str:
        """The name of its database."""
        name = f"{self.server.base}_{self.suffix}"
        if len(name.encode()) > _LONGEST_NAME:
            raise ConfigurationError(
                f"{name!r} is too long for the name of a database.",
                "Let CASEBOOK_REPORTING_URL name a database with a shorter name.",
            )
        return name

    @property
    def group(self) -> str:
        """The role that may enter, whose members are the scope's logins."""
        return f"casebook_{self.suffix}"

    @property
    def audience_group(self) -> str:
        """The role that holds the rights within."""
        return group_of(self.scope.audience)

    @property
    def renderer(self) -> str:
        """The login that reports and extracts are made over."""
        return f"casebook_{self.suffix}_pages"

    def as_builder(self) -> ConnectionTarget:
        """Return how the builder, who owns the database, connects."""
        return self.server.door.derive(dbname=self.database)

    def as_publisher(self) -> ConnectionTarget:
        """Return how the publisher connects."""
        return self._as(PUBLISHER)

    def as_renderer(self) -> ConnectionTarget:
        """Return how pages and extracts are read."""
        return self._as(self.renderer)

    def as_reader(self, login: str) -> ConnectionTarget:
        """Return how a login of the scope connects."""
        return self.as_builder().derive(user=login, passfile=str(self.databases.logins.path))

    def _as(self, user: str) -> ConnectionTarget:
        return self.as_builder().derive(user=user, passfile=str(self.databases.passwords.path))

    @contextmanager
    def as_owner(self) -> Iterator[Cursor]:
        """Open one transaction as the owner of the tables; commit at the end."""
        connection = self.as_publisher().connect(
            application_name="casebook publish",
            options={**WAITING, "lock_timeout": LOCK_TIMEOUT},
        )
        try:
            with (
                database_errors(f"The database {self.database} refused to publish"),
                connection,
                connection.cursor() as cursor,
            ):
                cursor.execute(sql.SQL("set local role {}").format(sql.Identifier(OWNER)))
                try:
                    yield cursor
                except LockNotAvailable:
                    raise DatabaseError(
                        f"A reader stood in the way of a change for more than {LOCK_TIMEOUT}.",
                        "Readers see what they saw. Publish again when its transaction has ended.",
                    ) from None
        finally:
            connection.close()
