"""The whole access matrix of a server's scopes against the declared policy, cell by cell.

Roles, databases, objects and verbs come from the catalogs, so that whatever is new is covered the
day it appears; whatever the policy in `declared.py` does not allow has to be denied.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from postgres15 import SystemPostgres
from psycopg2 import sql
from servers import administer_cluster
from tiny import MEMBER_COLUMNS, Tiny

from orchestrate.console import Console
from orchestrate.database import open_databases
from orchestrate.errors import DatabaseError
from orchestrate.settings import Settings
from tests.python.access.attempts import is_refused, on_functions, on_relations
from tests.python.access.cells import Cell, read_cells, read_changed_cells
from tests.python.access.declared import Role, is_allowed, is_compared
from tests.python.access.guards import read_guards
from tests.python.access.subject import (
    PUBLISHER,
    STRANGER,
    Subject,
    everything,
    with_stranger,
)

pytestmark = pytest.mark.slow

Figure = Callable[[str], None]


@pytest.fixture(params=["sample", "postgresql 15"])
def examined(request: pytest.FixtureRequest) -> Subject:
    """Return the sample's Casebook, and a tiny one on the oldest server."""
    name = "subject" if request.param == "sample" else "subject15"
    made: Subject = request.getfixturevalue(name)
    return made


@pytest.fixture
def subject15(system_postgres: SystemPostgres, tmp_path: Path) -> Iterator[Subject]:
    """Return a tiny Casebook on PostgreSQL 15, whose administrator did what doctor asks for."""
    url = system_postgres.make_least_privileged_builder()
    settings = Settings.from_environment(
        {"CASEBOOK_HOME": str(tmp_path), "CASEBOOK_DATABASE_URL": url}
    )
    databases = open_databases(settings, Console(error_stream=io.StringIO()))
    administer_cluster(system_postgres, databases)
    tiny = Tiny(settings, databases)
    tiny.publish(build=True)
    members = [
        {name: value or "" for name, value in zip(MEMBER_COLUMNS, row, strict=True)}
        for row in tiny.members
    ]
    superuser = databases.warehouse.derive(
        user=system_postgres.superuser, password=system_postgres.password
    )
    with with_stranger(
        databases,
        lambda name: superuser.derive(dbname=name),
        members,
        frozenset({("humana", "hospice")}),
    ) as made:
        yield made


def test_each_scope_has_a_database_of_its_own(examined: Subject) -> None:
    """Those who see the same share one, and nobody else does; names tell of no restriction."""
    scopes: dict[str, set[tuple[str, ...]]] = {}
    for member in examined.members:
        scopes.setdefault(examined.places[member["login"]], set()).add(examined.scope(member))
    assert all(len(found) == 1 for found in scopes.values()), scopes
    assert len({scope for (scope,) in scopes.values()}) == len(scopes)


def test_privileges_are_exactly_those_declared(
    examined: Subject, soak: bool, figure: Figure
) -> None:
    """A reader asks for itself in its database; of all others there the server tells.

    Of those not all cells are read but what differs from a new server, unless in the long test.
    """
    counted: Counter[str] = Counter()
    wrong = []
    roles = examined.roles()

    def compare(role: Role, cell: Cell, where: str) -> None:
        if is_compared(role, cell):
            counted[cell.kind] += 1
            if cell.is_held != is_allowed(role, cell, examined.audiences, where):
                wrong.append((where, role.name, *cell[:4]))

    for database in examined.audiences:
        inside = [role for role in examined.readers() if role.database == database]
        for role in inside:
            with examined.target(role).session() as connection, connection.cursor() as cursor:
                for cell in read_cells(cursor, role.name):
                    compare(role, cell, database)
        others = {role.name: role for role in roles if role not in inside}
        with (
            examined.administrator(database).session() as connection,
            connection.cursor() as cursor,
        ):
            if soak:
                for role in others.values():
                    for cell in read_cells(cursor, role.name):
                        compare(role, cell, database)
            else:
                for name, cell in read_changed_cells(cursor, others):
                    compare(others[name], cell, database)
    assert wrong == []
    assert {role.name for role in roles} > {*examined.logins, STRANGER, "casebook_client"}
    assert counted.keys() >= {"database", "schema", "relation", "column", "function", "role"}
    figure(
        f"access matrix: {counted.total():,} cells of {len(roles)} roles in"
        f" {len(examined.audiences)} databases: {_told(counted)}"
    )


def test_every_guard_stands(examined: Subject, figure: Figure) -> None:
    guards = []
    for database in examined.audiences:
        with (
            examined.administrator(database).session() as connection,
            connection.cursor() as cursor,
        ):
            guards += read_guards(cursor)
    assert [guard for guard in guards if not guard.stands] == []
    counted = Counter(guard.what for guard in guards)
    assert len(counted) > 15
    figure(f"access guards: {counted.total():,} of {len(counted)} kinds")


def test_statements_get_no_further_than_privileges(
    examined: Subject, soak: bool, figure: Figure
) -> None:
    """Each verb is tried on each relation and each closed function is called, as each reader.

    The publisher, who enters all databases, tries in one of them; a login for pages, which holds
    what its scope's readers do, in the long test.
    """
    counted: Counter[str] = Counter()
    wrong = []
    (publisher,) = [role for role in examined.roles() if role.name == PUBLISHER]
    trying = examined.entering() if soak else examined.readers()
    who = [(role, role.database or "") for role in trying]
    for role, database in [*who, (publisher, next(iter(examined.audiences)))]:
        with (
            closing(examined.target(role, database).connect()) as connection,
            connection.cursor() as cursor,
        ):
            # Compiling a view of the standard takes seconds, and here none is run.
            cursor.execute("set jit = off")
            allowed = {
                cell[:3]: is_allowed(role, cell, examined.audiences, database)
                for cell in read_cells(cursor, role.name)
            }
            closed = [
                path
                for (kind, path, verb), is_open in allowed.items()
                if kind == "function" and verb == "EXECUTE" and not is_open
            ]
            for attempt in [*on_relations(cursor), *on_functions(cursor, closed)]:
                is_open = all(allowed.get(cell, False) for cell in attempt.cells)
                counted["done" if is_open else "refused"] += 1
                if is_refused(cursor, attempt.text) == is_open:
                    wrong.append((role.name, attempt.text))
    assert wrong == []
    assert min(counted["done"], counted["refused"]) > 100
    figure(f"access attempts: {counted.total():,} statements as logins: {_told(counted)}")


def test_nobody_connects_elsewhere(examined: Subject, figure: Figure) -> None:
    """Every login tries every database of the server, one that is in no audience as well."""
    with (
        examined.administrator("postgres").session() as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select datname::text from pg_database")
        databases = [name for (name,) in cursor.fetchall()]
    tried = 0
    who = [*examined.entering(), Role(PUBLISHER), Role(STRANGER)]
    for role in who:
        entered = [role.database] if role.name != PUBLISHER else [*examined.audiences]
        for database in databases:
            tried += 1
            target = examined.target(role, database)
            if database in entered:
                target.connect().close()
                continue
            with pytest.raises(DatabaseError, match=r"permission denied|not currently accepting"):
                target.connect()
    assert len(databases) > len(examined.audiences)
    figure(f"access connections: {tried} of {len(who)} logins to {len(databases)} databases")


def test_each_login_sees_exactly_its_rows(examined: Subject, figure: Figure) -> None:
    """Counted and hashed as the login, and again in the warehouse, by what the seeds say of it."""
    compared = 0
    for database in examined.audiences:
        wanted = examined.expected(database)
        for role in examined.entering():
            if role.database != database:
                continue
            with closing(examined.target(role).connect()) as own, own.cursor() as reader:
                reader.execute("set timezone to 'UTC'")
                for relation, rows in wanted.items():
                    name = sql.Identifier(*relation).as_string(reader)
                    if rows is None:
                        assert is_refused(reader, f"select * from {name} limit 0"), relation
                        continue
                    reader.execute(everything(relation))
                    assert reader.fetchone() == rows, (role.name, relation)
                    compared += 1
    assert compared > len(examined.logins)
    figure(f"access rows: {compared} relations as logins, recounted in the warehouse")


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counted.most_common())
