"""The oldest server that is supported, and a builder with the least privileges on it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from postgres15 import SystemPostgres
from scoped import elsewhere
from tiny import Tiny

from orchestrate.console import Console
from orchestrate.database import open_databases
from orchestrate.errors import ConfigurationError, DatabaseError
from orchestrate.publishing import published_versions, waiting
from orchestrate.publishing.scope_versions import access_problems
from orchestrate.run_lock import run_lock
from orchestrate.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def tiny15(system_postgres: SystemPostgres, tmp_path: Path) -> Tiny:
    """Return a tiny Casebook on PostgreSQL 15."""
    url = system_postgres.make_least_privileged_builder()
    settings = Settings.from_environment(
        {"CASEBOOK_HOME": str(tmp_path), "CASEBOOK_DATABASE_URL": url}
    )
    made = Tiny(settings, open_databases(settings, Console(error_stream=io.StringIO())))
    made.build()
    return made


def test_a_builder_with_the_least_privileges_publishes(
    tiny15: Tiny, system_postgres: SystemPostgres
) -> None:
    with run_lock(tiny15.databases):
        for generation in range(1, 5):
            tiny15.build(generation)
            tiny15.publish()
    assert [version.version for version in published_versions(tiny15.databases)] == [4, 3, 2]
    studies = "select count(*), count(distinct resident_name) from residency.fct_studies"
    assert tiny15.read("program_director", studies) == [(20, 2)]
    assert tiny15.read("resident_one", studies) == [(10, 1)]
    codes = "select procedure_code from clients.procedure_summary order by 1"
    assert tiny15.read("open_reader", codes) == [("73761001",)]
    assert tiny15.read("hospice_reader", codes) == [("385763009",), ("73761001",)]
    stored = "select distinct client_id, procedure_code from clients.procedure_summary"
    assert tiny15.as_owner(stored, "open_reader") == [("humana", "73761001")]
    for statement in (
        "select ctid from clients.procedure_summary",
        "create temporary table mine (a integer)",
        "create table public.mine (a integer)",
        "select * from private.versions",
        "set role casebook_owner",
    ):
        with pytest.raises(DatabaseError):
            tiny15.read("open_reader", statement)
    other = tiny15.place("hospice_reader").database
    for database in ("warehouse", other, tiny15.place("program_director").database):
        with pytest.raises(DatabaseError, match="permission denied for database"):
            elsewhere(tiny15.databases, "open_reader", database).connect()
    with pytest.raises(DatabaseError, match="does not exist"):
        tiny15.read("open_reader", "select * from residency.fct_studies")


def test_rights_read_back_as_declared(tiny15: Tiny) -> None:
    """PostgreSQL 15 writes policies back in the same words as the newest server."""
    tiny15.publish()
    for login in ("program_director", "open_reader", "staff_member"):
        assert access_problems(tiny15.place(login)) == []


def test_members_come_and_go(tiny15: Tiny) -> None:
    tiny15.publish()
    tiny15.members = [("newcomer", "program", None, None, None)]
    tiny15.publish(build=True)
    assert tiny15.read("newcomer", "select count(*) from residency.fct_studies") == [(20,)]
    with pytest.raises(DatabaseError, match="password authentication failed"):
        tiny15.place("newcomer").as_reader("program_director").derive(password="x").connect()  # noqa: S106 - of nobody


def test_the_builder_ends_a_reader_in_the_way_and_is_no_reader_for_it(
    tiny15: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.5)
    tiny15.publish()
    tiny15.node("case_log_totals")["columns"]["chest_xray"]["data_type"] = "bigint"
    memberships = "select member::regrole::text from pg_auth_members order by 1"
    before = tiny15.as_owner(memberships)
    tiny15.build(2)
    reader = tiny15.reader("program_director").connect()
    reader.cursor().execute("select * from residency.fct_studies")
    tiny15.publish()
    reader.close()
    assert "Ended a session of program_director" in tiny15.said.getvalue()
    versions = "select distinct version from residency.fct_studies"
    assert tiny15.read("program_director", versions) == [(2,)]
    assert tiny15.as_owner(memberships) == before


def test_the_publisher_is_nothing_without_taking_the_role(tiny15: Tiny) -> None:
    tiny15.publish()
    publisher = tiny15.place("program_director").as_publisher()
    for statement in ("select * from residency.fct_studies", "select * from private.versions"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            publisher.session() as connection,
        ):
            connection.cursor().execute(statement)


def test_the_warehouse_is_closed_to_readers_or_the_statement_is_said(
    tiny15: Tiny, system_postgres: SystemPostgres
) -> None:
    tiny15.publish()
    reader = elsewhere(tiny15.databases, "program_director", "warehouse")
    system_postgres.execute("grant connect, temporary on database warehouse to public")
    tiny15.publish()
    assert "Closed the database warehouse" in tiny15.said.getvalue()
    with pytest.raises(DatabaseError, match="permission denied"):
        reader.connect()
    system_postgres.execute(
        "alter database warehouse owner to administrator",
        "grant all on database warehouse to casebook_builder",
        "grant connect on database warehouse to public",
    )
    tiny15.publish()
    assert 'revoke all on database "warehouse" from public;' in tiny15.said.getvalue()


def test_foreign_roles_stop_everything(tiny15: Tiny, system_postgres: SystemPostgres) -> None:
    system_postgres.execute("create role casebook_owner superuser")
    with pytest.raises(ConfigurationError, match="'casebook_owner' exists already"):
        tiny15.publish()
    roles: Any = system_postgres.connect().cursor()
    roles.execute("select count(*) from pg_roles where rolname like 'casebook\\_%'")
    assert roles.fetchone() == (2,)
