"""A published reporting database under examination, and what its readers have to see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from orchestrate.database import ConnectionTarget, Databases
from tests.python.access.declared import READS, Role, roles_of

STRANGER = "stranger"
Name = tuple[str, str]


@dataclass(frozen=True)
class Subject:
    """A Casebook's databases, its server's superuser, and its members as the seed lists them.

    `members` have the keys login, audience, client_id, specialty_id, resident_name; empty means
    none.
    """

    databases: Databases
    administrator: ConnectionTarget
    members: Sequence[Mapping[str, str]]

    @property
    def reporting(self) -> str:
        """The name of the reporting database."""
        return self.administrator.database

    @property
    def logins(self) -> list[str]:
        """Every login that may connect as a reader."""
        return [member["login"] for member in self.members]

    def connect(self, login: str) -> Any:
        """Connect to reporting as a login."""
        publisher = self.databases.publisher
        target = publisher if login == publisher.user else self.databases.reader(login)
        return target.connect()

    def roles(self) -> list[Role]:
        """Return every role of the server but its own and the owner of the tables."""
        with self.administrator.session() as connection, connection.cursor() as cursor:
            cursor.execute(
                "select rolname::text from pg_roles"
                " where oid >= 16384 and not rolsuper and rolname <> 'casebook_owner'"
            )
            names = [name for (name,) in cursor.fetchall()]
        listed = [(member["login"], member["audience"]) for member in self.members]
        return roles_of(names, listed)

    def scopes(self) -> dict[str, str]:
        """Return each client login's scope_id, from the seeds' rows and the warehouse's scopes."""
        with self.databases.warehouse.session() as connection, connection.cursor() as cursor:
            cursor.execute(
                "select client_id, visibility, scope_id from intermediate.int_client_scopes"
            )
            scopes = {(client, visibility): scope for client, visibility, scope in cursor}
        found = {}
        for member in self.members:
            if member["audience"] == "client":
                # Whoever names a specialty that nobody restricts sees what is open.
                open_scope = scopes[member["client_id"], "open"]
                wanted = (member["client_id"], member["specialty_id"] or "open")
                found[member["login"]] = scopes.get(wanted, open_scope)
        return found

    def conditions(
        self, login: str, columns: Mapping[Name, set[str]]
    ) -> dict[Name, sql.Composable]:
        """Say which rows of each relation a login must see: (relation) -> condition.

        `columns` are those of all relations; one that is not among the results is closed to the
        login.
        """
        (member,) = (one for one in self.members if one["login"] == login)
        current = "version = (select current_version from private.pointer)"
        rows = {}
        for (schema, name), names in columns.items():
            reads = READS.get((member["audience"], schema))
            if reads is None:
                continue
            condition = sql.SQL(current)
            if reads.startswith("own"):
                column = reads.split()[1].rstrip(",")
                value = self.scopes()[login] if column == "scope_id" else member["resident_name"]
                if column in names or "where there is one" not in reads:
                    condition = sql.SQL("{} and {} = {}").format(
                        condition, sql.Identifier(column), sql.Literal(value)
                    )
            rows[schema, name] = condition
        return rows


def relations(cursor: Any) -> dict[Name, set[str]]:
    """Return the columns of every relation in a schema that did not come with the server."""
    cursor.execute(
        "select nspname::text, relname::text, array_agg(attname::text)"
        " from pg_attribute inner join pg_class on pg_class.oid = attrelid"
        " inner join pg_namespace on pg_namespace.oid = relnamespace"
        " where pg_namespace.oid >= 16384 and relkind in ('r', 'v', 'm', 'f', 'p')"
        " and attnum > 0 and not attisdropped group by 1, 2 order by 1, 2"
    )
    return {(schema, name): set(columns) for schema, name, columns in cursor.fetchall()}


def fingerprint(relation: Name, condition: sql.Composable) -> sql.Composable:
    """Count the rows of a relation that meet a condition, and add up a hash of each."""
    return sql.SQL(
        "select count(*), coalesce(sum(hashtextextended(shown::text, 0)), 0)"
        " from (select * from {} where {}) as shown"
    ).format(sql.Identifier(*relation), condition)


@contextmanager
def with_stranger(subject: Subject) -> Iterator[Subject]:
    """Add a login that no audience knows, and take it away afterwards."""
    password = subject.databases.login_password(STRANGER)
    with subject.administrator.session() as connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("create role {} login password {}").format(
                sql.Identifier(STRANGER), sql.Literal(password)
            )
        )
    try:
        yield subject
    finally:
        with subject.administrator.session() as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("drop role {}").format(sql.Identifier(STRANGER)))
