"""A published Casebook under examination, and what its readers have to see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from psycopg2 import sql

from orchestrate.database import ConnectionTarget, Databases
from orchestrate.database.passwords import new_password
from tests.python.access.declared import READS, Role, roles_of

STRANGER = "stranger"
PUBLISHER = "casebook_publisher"
Name = tuple[str, str]
Fingerprint = tuple[int, int]


@dataclass(frozen=True)
class Subject:
    """A Casebook's databases, its server's superuser, and its members as the seed lists them.

    `administrator` is how the superuser connects to a database. `members` have the keys login,
    audience, client_id, specialty_id, resident_name; empty means none. `restrictions` are
    (client_id, specialty_id). `password` is the stranger's.
    """

    databases: Databases
    administrator: Callable[[str], ConnectionTarget]
    members: Sequence[Mapping[str, str]]
    restrictions: frozenset[tuple[str, str]]
    password: str = ""

    @property
    def logins(self) -> list[str]:
        """Every login that may connect as a reader."""
        return [member["login"] for member in self.members]

    @cached_property
    def places(self) -> dict[str, str]:
        """The database of each login, as its line in the file of passwords names it."""
        endpoint = self.databases.reporting.endpoint
        lines = {login: self.databases.logins.line(endpoint, login) for login in self.logins}
        return {login: line.database for login, line in lines.items() if line}

    @cached_property
    def audiences(self) -> dict[str, str]:
        """The audience of each scope's database."""
        return {self.places[member["login"]]: member["audience"] for member in self.members}

    @property
    def a_database_of_each_kind(self) -> list[str]:
        """A database for each audience; for clients one that shows restricted care, and not."""
        kinds = {}
        for member in self.members:
            kinds[member["audience"], self.visibility(member)] = self.places[member["login"]]
        return list(kinds.values())

    def visibility(self, member: Mapping[str, str]) -> str:
        """Return what a member sees beyond its client's open book, or `open`."""
        is_restricted = (member["client_id"], member["specialty_id"]) in self.restrictions
        return member["specialty_id"] if is_restricted else "open"

    def scope(self, member: Mapping[str, str]) -> tuple[str, ...]:
        """Return what the members of a scope have in common."""
        if member["audience"] == "client":
            return ("client", member["client_id"], self.visibility(member))
        own = {"resident": member["login"]}.get(member["audience"], "")
        return (member["audience"], own)

    def target(self, role: Role, database: str = "") -> ConnectionTarget:
        """Return how a login connects, to its own database or to another."""
        place = self.databases.reporting.door.derive(
            dbname=database or role.database or "postgres", user=role.name
        )
        if role.name == STRANGER:
            return place.derive(password=self.password)
        file = self.databases.logins if role.name in self.logins else self.databases.passwords
        # By itself: the file has a line for the own database only.
        found = file.find(self.databases.reporting.endpoint, role.name)
        return place.derive(password=found or "")

    def roles(self) -> list[Role]:
        """Return every role of the server but its own and the owner of the tables."""
        with self.administrator("postgres").session() as connection, connection.cursor() as cursor:
            cursor.execute(
                "select rolname::text from pg_roles"
                " where oid >= 16384 and not rolsuper and rolname <> 'casebook_owner'"
            )
            names = [name for (name,) in cursor.fetchall()]
        logins = {
            one["login"]: (one["audience"], self.places[one["login"]]) for one in self.members
        }
        return roles_of(names, logins, self.databases.reporting.base)

    def entering(self) -> list[Role]:
        """Return the roles that log in to a scope's database to read: members', and for pages."""
        return [role for role in self.roles() if role.is_login and role.database]

    def readers(self) -> list[Role]:
        """Return the logins of members."""
        return [role for role in self.roles() if role.name in self.logins]

    def conditions(self, database: str, columns: Mapping[Name, set[str]]) -> dict[Name, str]:
        """Say which rows of each relation the readers of a scope must see: relation -> condition.

        By the member's row of the seed and the warehouse's scopes. `columns` are those of the
        relations of its database; one that is not among the results is closed to them.
        """
        member = next(one for one in self.members if self.places[one["login"]] == database)
        rows = {}
        for (schema, name), names in columns.items():
            reads = READS.get((member["audience"], schema))
            if reads is None:
                continue
            rows[schema, name] = "true"
            if reads == "own scope_id":
                rows[schema, name] = (
                    "scope_id in (select scope_id from intermediate.int_client_scopes"
                    f" where client_id = '{member['client_id']}'"
                    f" and visibility = '{self.visibility(member)}')"
                )
            elif reads.startswith("own") and "resident_name" in names:
                rows[schema, name] = f"resident_name = '{member['resident_name']}'"
        return rows

    def expected(self, database: str) -> dict[Name, Fingerprint | None]:
        """Recount what the readers of a scope must see, from the marts in the warehouse.

        None where they must see nothing at all.
        """
        with self.administrator(database).session() as connection, connection.cursor() as cursor:
            columns = relations(cursor)
            cursor.execute("select current_version from private.pointer")
            (version,) = cursor.fetchone() or (None,)
        found: dict[Name, Fingerprint | None] = dict.fromkeys(columns)
        conditions = self.conditions(database, {one: set(names) for one, names in columns.items()})
        with closing(self.databases.warehouse.connect()) as source, source.cursor() as cursor:
            cursor.execute("set timezone to 'UTC'")
            for relation, condition in conditions.items():
                shown = sql.SQL("select {}::bigint as version, {} from {} where {}").format(
                    sql.Literal(version),
                    sql.SQL(", ").join(map(sql.Identifier, columns[relation][1:])),
                    sql.Identifier(*relation),
                    sql.SQL(condition),
                )
                cursor.execute(fingerprint(shown))
                found[relation] = cursor.fetchone()
        return found


def relations(cursor: Any) -> dict[Name, list[str]]:
    """Return the columns, in order, of every relation in a schema that is not the server's own."""
    cursor.execute(
        "select nspname::text, relname::text, array_agg(attname::text order by attnum)"
        " from pg_attribute inner join pg_class on pg_class.oid = attrelid"
        " inner join pg_namespace on pg_namespace.oid = relnamespace"
        " where pg_namespace.oid >= 16384 and relkind in ('r', 'v', 'm', 'f', 'p')"
        " and attnum > 0 and not attisdropped group by 1, 2 order by 1, 2"
    )
    return {(schema, name): columns for schema, name, columns in cursor.fetchall()}


def fingerprint(query: sql.Composable) -> sql.Composable:
    """Count the rows of a query, and add up a hash of each."""
    return sql.SQL(
        "select count(*), coalesce(sum(hashtextextended(shown::text, 0)), 0) from ({}) as shown"
    ).format(query)


def everything(relation: Name) -> sql.Composable:
    """Count and hash all rows of a relation that whoever asks may see."""
    return fingerprint(sql.SQL("select * from {}").format(sql.Identifier(*relation)))


@contextmanager
def with_stranger(
    databases: Databases,
    administrator: Callable[[str], ConnectionTarget],
    members: Sequence[Mapping[str, str]],
    restrictions: frozenset[tuple[str, str]],
) -> Iterator[Subject]:
    """Return a subject with a login that no audience knows, and take that away afterwards."""
    password = new_password()
    name = sql.Identifier(STRANGER)
    with administrator("postgres").session() as connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("create role {} login password {}").format(name, sql.Literal(password))
        )
    try:
        yield Subject(databases, administrator, members, restrictions, password)
    finally:
        with administrator("postgres").session() as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("drop role {}").format(name))
