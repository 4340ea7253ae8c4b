"""A server of one's own: the documented privileges suffice; nobody else's things are touched."""

from __future__ import annotations

import os
import socket
import subprocess
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from embedded import LOGIN, STAFF_MEMBER, make_scope, settings_of
from postgres15 import SystemPostgres
from scoped import drop_everything

from orchestrate.access.logins import remove_former
from orchestrate.access.scopes import OWNER
from orchestrate.console import Console
from orchestrate.database import (
    ConnectionTarget,
    Databases,
    open_databases,
    server_status,
    start,
    stop,
    url,
)
from orchestrate.database.connection import parse_url
from orchestrate.database.objects import ensure_database, ensure_role, marker
from orchestrate.database.own_server import is_unsafe
from orchestrate.errors import ConfigurationError, DatabaseError
from orchestrate.settings import Settings

SECRET = "pass:word\\with @ /odd"  # noqa: S105  (the password that must not appear)


@pytest.fixture
def own_server(system_postgres: SystemPostgres, tmp_path: Path) -> Settings:
    """Return settings with a builder of the documented privileges on a server of one's own."""
    builder = system_postgres.make_least_privileged_builder(SECRET)
    return settings_of(tmp_path / "home", database_url=builder)


def rows(databases: Databases, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query of the builder on the server of the scopes' databases."""
    with databases.reporting.door.session() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def asked(target: ConnectionTarget, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query over a connection of its own."""
    with target.session() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_the_documented_privileges_are_enough(own_server: Settings, console: Console) -> None:
    databases = open_databases(own_server, console)
    assert rows(
        databases,
        "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
        " from pg_roles where rolname = current_user",
    ) == [(False, True, True, False, False)]
    place = make_scope(databases)
    assert place.database == "reporting_staff"
    with place.as_owner() as cursor:
        cursor.execute("create schema made; create table made.thing ()")
        cursor.execute("select session_user::text, current_user::text")
        assert cursor.fetchone() == ("casebook_publisher", OWNER)
    assert asked(place.as_reader(LOGIN), "select session_user::text") == [(LOGIN,)]
    for target in (place.as_publisher(), place.as_renderer(), place.as_reader(LOGIN)):
        with pytest.raises(DatabaseError, match="permission denied"):
            target.derive(dbname="warehouse", password=target.password()).connect()
    again = open_databases(own_server, console)
    assert again.installation == databases.installation
    before = [target.password() for target in (place.as_publisher(), place.as_reader(LOGIN))]
    place = make_scope(again)
    after = [target.password() for target in (place.as_publisher(), place.as_reader(LOGIN))]
    assert after == before


def test_a_scopes_database_is_closed_and_marked(own_server: Settings, console: Console) -> None:
    databases = open_databases(own_server, console)
    assert asked(
        make_scope(databases).as_builder(),
        "select shobj_description(oid, 'pg_database'), pg_get_userbyid(datdba),"
        " has_database_privilege('public', oid, 'connect'),"
        " has_database_privilege('public', oid, 'temporary'),"
        " has_schema_privilege('public', 'public', 'usage')"
        " from pg_database where datname = current_database()",
    ) == [(marker(databases.installation), "casebook_builder", False, False, False)]


def test_each_privilege_is_needed(
    system_postgres: SystemPostgres, own_server: Settings, console: Console
) -> None:
    system_postgres.execute("alter role casebook_builder nocreatedb")
    with pytest.raises(DatabaseError, match="may not make it") as caught:
        make_scope(open_databases(own_server, console))
    assert caught.value.cure.endswith('alter role "casebook_builder" createdb;')
    system_postgres.execute(
        "alter role casebook_builder createdb nocreaterole",
        "alter database warehouse owner to administrator",
        "revoke connect on database warehouse from casebook_builder",
    )
    with pytest.raises(DatabaseError, match="permission denied for database"):
        open_databases(own_server, console)
    system_postgres.execute("grant connect on database warehouse to casebook_builder")
    with pytest.raises(DatabaseError, match="may not create schemas") as caught:
        open_databases(own_server, console)
    system_postgres.execute(caught.value.cure.partition("run: ")[2])
    databases = open_databases(own_server, console)
    with (
        databases.reporting.door.session() as connection,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        ensure_role(connection, "casebook_other", installation=databases.installation)


def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(
    system_postgres: SystemPostgres, own_server: Settings, console: Console
) -> None:
    system_postgres.execute("create database reporting_staff")
    system_postgres.execute("create table theirs as select 1 as one", database="reporting_staff")
    with pytest.raises(ConfigurationError) as caught:
        make_scope(open_databases(own_server, console))
    assert "'reporting_staff' exists already" in caught.value.cause
    connection = system_postgres.connect("reporting_staff")
    with connection.cursor() as cursor:
        cursor.execute(
            "select datacl, shobj_description(oid, 'pg_database'), pg_get_userbyid(datdba),"
            " (select count(*) from pg_namespace where nspname !~ '^(pg_|information_schema)')"
            " from pg_database where datname = 'reporting_staff'"
        )
        assert cursor.fetchone() == (None, None, "administrator", 1)
    connection.close()


@pytest.mark.parametrize(
    "name",
    [
        "casebook_owner",
        "casebook_publisher",
        "casebook_client",
        "casebook_staff",
        "casebook_staff_pages",
        LOGIN,
    ],
)
def test_a_role_of_somebody_else_is_refused_and_left_as_it_is(
    system_postgres: SystemPostgres, own_server: Settings, console: Console, name: str
) -> None:
    databases = open_databases(own_server, console)
    system_postgres.execute(f"create role {name} connection limit 7")
    with pytest.raises(ConfigurationError, match=f"'{name}' exists already"):
        make_scope(databases)
    assert rows(
        databases,
        "select rolcanlogin, rolconnlimit, shobj_description(oid, 'pg_authid')"
        f" from pg_roles where rolname = '{name}'",
    ) == [(False, 7, None)]
    assert rows(databases, "select 1 from pg_database where datname ~ '^reporting'") == []


def test_another_installation_is_refused(
    system_postgres: SystemPostgres, own_server: Settings, console: Console
) -> None:
    make_scope(open_databases(own_server, console))
    system_postgres.execute("create database second owner casebook_builder")
    second = system_postgres.url("casebook_builder", SECRET, "second")
    with pytest.raises(ConfigurationError, match="not made by this installation"):
        make_scope(open_databases(replace(own_server, database_url=second), console))


def test_two_homes_that_begin_at_once_are_one_installation(
    own_server: Settings, console: Console, tmp_path: Path
) -> None:
    homes = [replace(own_server, home=tmp_path / name) for name in ("one", "two", "three")]

    def make(databases: Databases) -> bool:
        with databases.reporting.door.session() as connection:
            return ensure_database(
                connection, "made", installation=databases.installation, template="template0"
            )

    with ThreadPoolExecutor(len(homes)) as pool:
        opened = list(pool.map(lambda settings: open_databases(settings, console), homes))
        assert sorted(pool.map(make, opened)) == [False, False, True]
    assert len({databases.installation for databases in opened}) == 1
    assert rows(opened[0], "select count(*) from pg_database where datname ~ 'unfinished'") == [
        (0,)
    ]


def test_scopes_databases_are_named_after_the_one_in_their_url(
    system_postgres: SystemPostgres, own_server: Settings, console: Console
) -> None:
    """It need not be there; where it is the warehouse, by whatever name, that stays as it is."""
    for base, host in (
        ("shown", system_postgres.host),
        ("warehouse", system_postgres.host),
        ("warehouse", "localhost"),
    ):
        elsewhere = system_postgres.url("casebook_builder", SECRET, base)
        elsewhere = elsewhere.replace(f"@{system_postgres.host}:", f"@{host}:")
        settings = replace(own_server, reporting_url=elsewhere.replace("verify-full", "verify-ca"))
        databases = open_databases(settings, console)
        assert databases.warehouse.database == "warehouse"
        place = make_scope(databases)
        assert asked(place.as_reader(LOGIN), "select current_database()") == [(f"{base}_staff",)]
        remove_former(databases, [place], [STAFF_MEMBER], console)
        assert asked(databases.warehouse, "select count(*) from casebook.installation") == [(1,)]
    assert rows(databases, "select datname from pg_database where oid >= 16384 order by 1") == [
        ("warehouse",),
        ("warehouse_staff",),
    ]


def test_a_name_that_would_be_too_long_is_refused(
    system_postgres: SystemPostgres, own_server: Settings, console: Console
) -> None:
    elsewhere = system_postgres.url("casebook_builder", SECRET, "x" * 60)
    databases = open_databases(replace(own_server, reporting_url=elsewhere), console)
    with pytest.raises(ConfigurationError, match="too long for the name of a database"):
        make_scope(databases)


def test_a_server_that_never_answers_is_given_up(own_server: Settings, console: Console) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        silent_url = f"postgresql://me@127.0.0.1:{port}/warehouse?connect_timeout=2"
        with pytest.raises(DatabaseError, match="timeout expired"):
            open_databases(replace(own_server, database_url=silent_url), console)


def test_scopes_may_be_on_other_servers_than_the_warehouse(
    system_postgres: SystemPostgres, stopped: Settings, console: Console
) -> None:
    system_postgres.make_least_privileged_builder("secret")
    elsewhere = system_postgres.url("casebook_builder", "secret", "shown")
    for settings in (
        replace(stopped, reporting_url=elsewhere),
        # One scope alone has a server of its own.
        replace(stopped, scope_urls={"staff": elsewhere}),
    ):
        databases = open_databases(settings, console)
        assert databases.warehouse.endpoint.host.startswith("/")
        place = make_scope(databases)
        assert place.server.endpoint.port == str(system_postgres.port)
        # Where the scope was before, nobody finds the login any more.
        remove_former(databases, [place], [STAFF_MEMBER], console)
        uri = url(settings, LOGIN)
        assert f"@{system_postgres.host}:{system_postgres.port}/shown_staff?" in uri
        assert asked(parse_url(uri, "the URI"), "select session_user::text") == [(LOGIN,)]
        drop_everything(databases)
    assert databases.reporting.endpoint != databases.server_of("staff").endpoint


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"database": "nowhere"}, "'nowhere'"),
        ({"user": "who"}, "'who'"),
        ({"password": "mistaken-secret"}, "password authentication failed"),
        ({"port": "1"}, "port 1"),
        ({"host": "host.invalid"}, "'host.invalid'"),
    ],
)
def test_a_server_that_refuses_or_is_away_is_named(
    system_postgres: SystemPostgres,
    own_server: Settings,
    console: Console,
    change: dict[str, str],
    complaint: str,
) -> None:
    parts = {
        "user": "casebook_builder",
        "password": "not-to-be-shown",
        "host": system_postgres.host,
        "port": str(system_postgres.port),
        "database": "warehouse",
    }
    if "database" in change:
        system_postgres.execute("alter role casebook_builder password 'not-to-be-shown'")
    parts |= change
    wrong = "postgresql://{user}:{password}@{host}:{port}/{database}".format(**parts)
    with pytest.raises(DatabaseError) as caught:
        open_databases(replace(own_server, database_url=wrong), console)
    assert complaint in caught.value.cause
    assert caught.value.cure
    assert parts["password"] not in "".join(traceback.format_exception(caught.value))


def test_url_puts_the_password_where_only_its_owner_can_read_it(
    own_server: Settings, console: Console
) -> None:
    open_databases(own_server, console)
    uri = url(own_server)
    assert "pass%3Aword" not in uri
    assert "pass:word" not in uri
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    done = subprocess.run(
        ["psql", uri, "-Atc", "select current_user"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "casebook_builder\n"
    assert (own_server.secrets_dir / "server.pgpass").stat().st_mode & 0o777 == 0o600


def test_a_given_server_is_neither_started_nor_stopped(
    own_server: Settings, console: Console
) -> None:
    with pytest.raises(ConfigurationError, match="CASEBOOK_DATABASE_URL"):
        start(own_server)
    open_databases(own_server, console)
    assert not stop(own_server)
    assert server_status(own_server).pid is None
    assert open_databases(own_server, console).installation


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (140030, True),
        (150013, True),
        (150014, False),
        (160009, True),
        (160010, False),
        (170005, True),
        (170006, False),
        (180000, False),
        (190001, False),
    ],
)
def test_servers_whose_row_security_leaks_are_known(version: int, *, expected: bool) -> None:
    assert is_unsafe(version) == expected


def test_an_old_server_may_be_warehouse_but_not_reporting(
    own_server: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "orchestrate.database.own_server.server_version", lambda _connection: 160009
    )
    with pytest.raises(DatabaseError, match=r"16\.9 is too old for readers") as caught:
        open_databases(own_server, Console())
    assert "15.14" in caught.value.cure
    assert "lacks security fixes" in " ".join(capsys.readouterr().err.split())
