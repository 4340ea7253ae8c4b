"""The whole access matrix of a reporting database against the declared policy, cell by cell.

Roles, objects and verbs come from the catalog, so that whatever is new is covered the day it
appears; whatever the policy in `declared.py` does not allow has to be denied.
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
from tiny import MEMBER_COLUMNS, Tiny

from orchestrate.console import Console
from orchestrate.database import open_databases
from orchestrate.doctor import check_public
from orchestrate.errors import DatabaseError
from orchestrate.settings import Settings
from tests.python.access.attempts import is_refused, on_functions, on_relations
from tests.python.access.cells import read_cells
from tests.python.access.declared import is_allowed, is_compared
from tests.python.access.guards import read_guards
from tests.python.access.subject import (
    STRANGER,
    Subject,
    fingerprint,
    relations,
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
    tiny = Tiny(settings, open_databases(settings, Console(error_stream=io.StringIO())))
    tiny.publish(build=True)
    for check in check_public(tiny.databases):
        system_postgres.execute(*check.statements, database="reporting")
    administrator = tiny.databases.reporting_admin.derive(
        user=system_postgres.superuser, password=system_postgres.password
    )
    members = [dict(zip(MEMBER_COLUMNS, row, strict=True)) for row in tiny.members]
    with with_stranger(Subject(tiny.databases, administrator, members)) as made:
        yield made


def test_privileges_are_exactly_those_declared(examined: Subject, figure: Figure) -> None:
    """Readers ask for themselves, over connections of their own; of others the server tells."""
    counted: Counter[str] = Counter()
    wrong = []
    roles = examined.roles()
    for role in roles:
        is_reader = role.name in examined.logins
        target = examined.databases.reader(role.name) if is_reader else examined.administrator
        with target.session() as connection, connection.cursor() as cursor:
            for cell in read_cells(cursor, role.name):
                if not is_compared(role, cell):
                    continue
                counted[cell.kind] += 1
                if cell.is_held != is_allowed(role, cell, examined.reporting):
                    wrong.append((role.name, *cell[:4]))
    assert wrong == []
    assert {role.name for role in roles} > {*examined.logins, STRANGER, "casebook_client"}
    assert counted.keys() >= {"database", "schema", "relation", "column", "function", "role"}
    figure(f"access matrix: {counted.total():,} cells of {len(roles)} roles: {_told(counted)}")


def test_every_guard_stands(examined: Subject, figure: Figure) -> None:
    with examined.administrator.session() as connection, connection.cursor() as cursor:
        guards = list(read_guards(cursor))
    assert [guard for guard in guards if not guard.stands] == []
    counted = Counter(guard.what for guard in guards)
    assert len(counted) > 15
    figure(f"access guards: {counted.total():,} of {len(counted)} kinds")


def test_statements_get_no_further_than_privileges(examined: Subject, figure: Figure) -> None:
    """Each verb is tried on each relation and each closed function is called, as each login."""
    counted: Counter[str] = Counter()
    wrong = []
    publisher = examined.databases.publisher.user
    for role in examined.roles():
        if role.name not in {*examined.logins, publisher}:
            continue
        with closing(examined.connect(role.name)) as connection, connection.cursor() as cursor:
            # Compiling a view of the standard takes seconds, and here none is run.
            cursor.execute("set jit = off")
            allowed = {
                cell[:3]: is_allowed(role, cell, examined.reporting)
                for cell in read_cells(cursor, role.name)
            }
            closed = [
                path
                for (kind, path, verb), is_open in allowed.items()
                if kind == "function" and verb == "EXECUTE" and not is_open
            ]
            attempts = [*on_relations(cursor), *on_functions(cursor, closed)]
            for attempt in attempts:
                is_open = all(allowed.get(cell, False) for cell in attempt.cells)
                counted["done" if is_open else "refused"] += 1
                if is_refused(cursor, attempt.text) == is_open:
                    wrong.append((role.name, attempt.text))
    assert wrong == []
    assert min(counted["done"], counted["refused"]) > 100
    figure(f"access attempts: {counted.total():,} statements as logins: {_told(counted)}")


def test_nobody_connects_elsewhere(examined: Subject, figure: Figure) -> None:
    """Every login tries every database of the server, one that is in no audience as well."""
    with examined.administrator.session() as connection, connection.cursor() as cursor:
        cursor.execute("select datname::text from pg_database")
        databases = [name for (name,) in cursor.fetchall()]
    tried = 0
    for login in (*examined.logins, STRANGER):
        for database in databases:
            tried += 1
            target = examined.databases.reader(login).derive(dbname=database)
            if database == examined.reporting and login != STRANGER:
                target.connect().close()
                continue
            with pytest.raises(DatabaseError, match=r"permission denied|not currently accepting"):
                target.connect()
    assert tried == len(databases) * (len(examined.logins) + 1)
    figure(f"access connections: {tried}")


def test_each_login_sees_exactly_its_rows(examined: Subject, figure: Figure) -> None:
    """Counted and hashed as the login, and again as the owner, by what the seeds say of it."""
    compared = 0
    with examined.administrator.session() as connection, connection.cursor() as cursor:
        columns = relations(cursor)
        for login in examined.logins:
            wanted = examined.conditions(login, columns)
            with closing(examined.connect(login)) as own, own.cursor() as reader:
                for relation in columns:
                    if relation not in wanted:
                        shown = sql.SQL("select * from {} limit 0").format(
                            sql.Identifier(*relation)
                        )
                        assert is_refused(reader, shown.as_string(reader)), (login, relation)
                        continue
                    reader.execute(fingerprint(relation, sql.SQL("true")))
                    cursor.execute(fingerprint(relation, wanted[relation]))
                    assert reader.fetchone() == cursor.fetchone(), (login, relation)
                    compared += 1
    assert compared > len(examined.logins)
    figure(f"access rows: {compared} relations as logins, recounted as the owner")


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counted.most_common())
