"""A scope whose database is on a server of its own, moved there and back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import scoped
import servers
from postgres15 import BUILDER, SystemPostgres
from tiny import MEMBERS, Tiny

from orchestrate.console import Console
from orchestrate.database import open_databases
from orchestrate.database.objects import marked_databases
from orchestrate.errors import DatabaseError
from orchestrate.publishing.publisher import lagging_scopes
from orchestrate.repair import find_problems
from orchestrate.rollback import put_back
from orchestrate.settings import Settings

pytestmark = pytest.mark.slow

CODES = "select version, procedure_code from clients.procedure_summary order by 2"


@pytest.fixture
def moving(tiny: Tiny, system_postgres: SystemPostgres) -> Iterator[Tiny]:
    """Return a tiny Casebook that is published, with the URL of another server in `variables`."""
    system_postgres.make_least_privileged_builder("of-the-builder")
    tiny.publish()
    yield tiny
    for file in (tiny.databases.logins, tiny.databases.passwords):
        for one in tiny.databases.own_servers.values():
            file.forget(one.endpoint)


def point(tiny: Tiny, server: SystemPostgres | None) -> None:
    """Let the variable of a scope name a server, or none."""
    variables = servers.variables(tiny.databases.logins.path.parent.parent)
    if server is not None:
        url = server.url(BUILDER, "of-the-builder", "apart")
        variables["CASEBOOK_REPORTING_URL_HUMANA_HOSPICE"] = url
    settings = Settings.from_environment(variables)
    tiny.databases = open_databases(settings, Console(error_stream=tiny.said))


def on_shared_server(tiny: Tiny) -> set[str]:
    with tiny.databases.reporting.door.session() as connection:
        return marked_databases(connection, tiny.databases.installation)


def test_a_scope_moves_to_a_server_of_its_own_and_back(
    moving: Tiny, system_postgres: SystemPostgres
) -> None:
    tiny = moving
    former = tiny.place("hospice_reader")
    point(tiny, system_postgres)
    tiny.build(2)
    tiny.publish()
    place = tiny.place("hospice_reader")
    assert place.server.endpoint != tiny.databases.reporting.endpoint
    assert place.database == f"apart_{former.suffix}"
    assert tiny.read("hospice_reader", CODES) == [(2, "385763009"), (2, "73761001")]
    assert former.database not in on_shared_server(tiny)
    with system_postgres.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select datname::text from pg_database where oid >= 16384 order by 1")
        assert cursor.fetchall() == [(place.database,), ("warehouse",)]
        cursor.execute("select rolname::text from pg_roles where rolname = any (%s)",
                       ([one[0] for one in MEMBERS],))  # fmt: skip
        assert cursor.fetchall() == [("hospice_reader",)]
    connection.close()
    for login in ("open_reader", "program_director"):
        assert tiny.place(login).server is tiny.databases.reporting
        assert tiny.read(login, "select 1") == [(1,)]
    assert find_problems(tiny.settings, tiny.databases) == []
    assert lagging_scopes(tiny.databases) == []

    # Of the version before, its server has no rows.
    put_back(tiny.settings, tiny.databases, Console(error_stream=tiny.said), lambda: None)
    assert tiny.read("hospice_reader", CODES) == []
    assert tiny.read("open_reader", CODES) == [(1, "73761001")]
    assert "humana_hospice has no rows of version 1" in tiny.said.getvalue()

    tiny.build(3)
    tiny.publish()
    assert tiny.read("hospice_reader", CODES) == [(3, "385763009"), (3, "73761001")]
    away = tiny.reader("hospice_reader")

    point(tiny, None)
    tiny.build(4)
    tiny.publish()
    back = tiny.place("hospice_reader")
    assert back.database == former.database
    assert back.database in on_shared_server(tiny)
    assert tiny.read("hospice_reader", CODES) == [(4, "385763009"), (4, "73761001")]
    assert find_problems(tiny.settings, tiny.databases) == []
    # Nobody reaches the other server any more for Casebook: its database is an administrator's.
    assert scoped.rows(away, CODES) == [(3, "385763009"), (3, "73761001")]


def test_a_server_that_is_away_stops_a_publication_before_anybody_sees_it(
    moving: Tiny, system_postgres: SystemPostgres
) -> None:
    tiny = moving
    point(tiny, system_postgres)
    tiny.build(2)
    tiny.publish()
    tiny.build(3)
    system_postgres.stop("immediate")
    try:
        with pytest.raises(DatabaseError, match="port"):
            tiny.publish()
        assert tiny.read("open_reader", CODES) == [(2, "73761001")]
    finally:
        system_postgres.start()
    assert tiny.read("hospice_reader", CODES) == [(2, "385763009"), (2, "73761001")]
    assert tiny.publish().version == 3
    assert tiny.read("hospice_reader", CODES) == [(3, "385763009"), (3, "73761001")]
