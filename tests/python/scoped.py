"""Help for tests that look into scopes' databases: as a reader, as the owner of the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg2 import sql

from orchestrate.access.logins import end_sessions
from orchestrate.access.scopes import OWNER, Scope, ScopeDatabase
from orchestrate.database import ConnectionTarget, Databases
from orchestrate.database.objects import marked_databases, marked_roles
from orchestrate.publishing.versions import read_readers

Row = tuple[Any, ...]


def places_of(databases: Databases) -> list[ScopeDatabase]:
    """Return every scope's database that somebody reads."""
    places, _ = read_readers(databases)
    return places


def place_of(databases: Databases, login: str) -> ScopeDatabase:
    """Return the database of the scope that a login reads."""
    places, members = read_readers(databases)
    (scope,) = [member.scope for member in members if member.login == login]
    return next(place for place in places if place.scope == scope)


def reader(databases: Databases, login: str) -> ConnectionTarget:
    """Return how a login connects to its scope's database."""
    return place_of(databases, login).as_reader(login)


def elsewhere(databases: Databases, login: str, database: str) -> ConnectionTarget:
    """Return how a login tries another database, for which its file of passwords has no line."""
    place = place_of(databases, login)
    password = databases.logins.find(place.server.endpoint, login)
    return place.as_reader(login).derive(dbname=database, password=password or "")


def read(databases: Databases, login: str, query: str) -> list[Row]:
    """Run a statement as a reader."""
    return rows(reader(databases, login), query)


def rows(target: ConnectionTarget, query: str, *before: str) -> list[Row]:
    """Run statements on a connection of its own, and return the rows of the last one."""
    with target.session() as connection, connection.cursor() as cursor:
        for statement in (*before, query):
            cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def as_owner(place: ScopeDatabase, query: str) -> list[Row]:
    """Run a statement in a scope's database as the owner of its tables."""
    return rows(place.as_publisher(), query, f"set role {OWNER}")


def empty(databases: Databases) -> None:
    """Leave scopes' databases without a table and nothing published; roles and names stay.

    To make databases anew for every test would take most of its time.
    """
    with databases.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('casebook.members') is not null")
        if cursor.fetchone() != (True,):
            return
        cursor.execute(
            "delete from casebook.members; delete from casebook.versions;"
            " update casebook.pointer set current_version = null, highest_version = 0, turn = 0,"
            " is_carried_out = true"
        )
        cursor.execute(
            "select name, audience, client_id, specialty_id, scope_id, resident_name, suffix"
            " from casebook.scopes"
        )
        found = [ScopeDatabase(Scope(*row[:-1]), row[-1], databases) for row in cursor]
    with databases.reporting.door.session() as connection:
        present = marked_databases(connection, databases.installation)
    for place in found:
        if place.server is databases.reporting and place.database in present:
            _empty(place)


def _empty(place: ScopeDatabase) -> None:
    query = (
        "select nspname::text from pg_namespace where nspname not in"
        " ('information_schema', 'public') and not starts_with(nspname, 'pg_')"
    )
    for (schema,) in as_owner(place, query):
        as_owner(place, f"drop schema {schema} cascade")


def drop_everything(databases: Databases) -> None:
    """Drop scopes' databases, the roles of Casebook, and the record of what was published."""
    with databases.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute(
            "drop table if exists casebook.members, casebook.scopes, casebook.versions,"
            " casebook.pointer"
        )
    for server in databases.servers:
        with server.door.session() as connection, connection.cursor() as cursor:
            ours = marked_roles(connection, databases.installation)
            names = marked_databases(connection, databases.installation)
            cursor.execute(
                "select pid, usename::text from pg_stat_activity"
                " where datname = any (%s) and usename = any (%s)",
                (sorted(names), sorted(ours)),
            )
            end_sessions(connection, dict(cursor.fetchall()))
            _drop(cursor, "database", sorted(names))
            _drop(cursor, "role", sorted(ours))


def _drop(cursor: Any, kind: str, names: Sequence[str]) -> None:
    for name in names:
        cursor.execute(sql.SQL(f"drop {kind} {{}}").format(sql.Identifier(name)))
