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
from embedded import settings_of
from postgres15 import PLACEHOLDER, SystemPostgres, documented_statements

from orchestrate.console import Console
from orchestrate.database import (
    Databases,
    given,
    open_databases,
    server_status,
    start,
    stop,
    url,
)
from orchestrate.database.objects import ensure_role, marker
from orchestrate.errors import ConfigurationError, DatabaseError
from orchestrate.settings import Settings

SECRET = "pass:word\\with @ /odd"  # noqa: S105  (the password that must not appear)


@pytest.fixture
def own_server(system_postgres: SystemPostgres, tmp_path: Path) -> Settings:
    """Return settings with a builder of the documented privileges on a server of one's own."""
    builder = system_postgres.make_least_privileged_builder(SECRET)
    return settings_of(tmp_path / "home", database_url=builder)


def rows(databases: Databases, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query of the builder on reporting."""
    with databases.reporting_admin.session() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def test_the_documented_privileges_are_enough(own_server: Settings, console: Console) -> None:
    databases = open_databases(own_server, console)
    assert rows(
        databases,
        "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
        " from pg_roles where rolname = current_user",
    ) == [(False, True, True, False, False)]
    own = {"installation": databases.installation}
    with databases.reporting_admin.session() as connection, connection.cursor() as cursor:
        ensure_role(connection, "casebook_owner", join=True, **own)
        ensure_role(
            connection,
            "casebook_publisher",
            login=True,
            password=databases.publisher.password(),
            **own,
        )
        cursor.execute("grant connect on database reporting to casebook_publisher")
        cursor.execute("create schema made authorization casebook_owner")
        cursor.execute("set role casebook_owner; create table made.thing (); reset role")
    with databases.publisher.session() as connection, connection.cursor() as cursor:
        cursor.execute("select session_user::text")
        assert cursor.fetchone() == ("casebook_publisher",)
    with pytest.raises(DatabaseError, match="permission denied"):
        databases.publisher.derive(dbname="warehouse").connect()
    again = open_databases(own_server, console)
    assert again.installation == databases.installation
    assert again.publisher.password() == databases.publisher.password()


def test_reporting_is_closed_and_marked(own_server: Settings, console: Console) -> None:
    databases = open_databases(own_server, console)
    assert rows(
        databases,
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
        open_databases(own_server, console)
    assert 'create database "reporting" owner "casebook_builder"' in caught.value.cure
    system_postgres.execute(
        "alter role casebook_builder createdb nocreaterole",
        "alter database warehouse owner to administrator",
    )
    with pytest.raises(DatabaseError, match="permission denied for database"):
        open_databases(own_server, console)
    system_postgres.execute("grant connect on database warehouse to casebook_builder")
    with pytest.raises(DatabaseError, match="may not create schemas") as caught:
        open_databases(own_server, console)
    system_postgres.execute(caught.value.cure.partition("run: ")[2])
    databases = open_databases(own_server, console)
    with (
        databases.reporting_admin.session() as connection,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        ensure_role(connection, "casebook_owner", installation=databases.installation)


def test_it_works_without_createdb_as_documented(
    system_postgres: SystemPostgres, tmp_path: Path, console: Console
) -> None:
    statements = documented_statements("Without createdb")
    system_postgres.execute(*(text.replace(PLACEHOLDER, "secret") for text in statements))
    builder = system_postgres.url("casebook_builder", "secret")
    settings = settings_of(tmp_path / "home", database_url=builder)
    with pytest.raises(ConfigurationError, match="'reporting' exists already") as caught:
        open_databases(settings, console)
    connection = psycopg2.connect(builder)
    connection.autocommit = True
    connection.cursor().execute(caught.value.cure.partition("run: ")[2])
    connection.close()
    assert open_databases(settings, console).reporting_admin.database == "reporting"


def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(
    system_postgres: SystemPostgres, own_server: Settings, console: Console
) -> None:
    system_postgres.execute("create database reporting")
    system_postgres.execute("create table theirs as select 1 as one", database="reporting")
    with pytest.raises(ConfigurationError) as caught:
        open_databases(own_server, console)
    assert "'reporting' exists already" in caught.value.cause
    connection = system_postgres.connect("reporting")
    with connection.cursor() as cursor:
        cursor.execute(
            "select datacl, shobj_description(oid, 'pg_database'), pg_get_userbyid(datdba),"
            " (select count(*) from pg_namespace where nspname !~ '^(pg_|information_schema)')"
            " from pg_database where datname = 'reporting'"
        )
        assert cursor.fetchone() == (None, None, "administrator", 1)
    connection.close()


def test_a_role_of_somebody_else_is_refused_and_left_as_it_is(
    system_postgres: SystemPostgres, own_server: Settings, console: Console
) -> None:
    databases = open_databases(own_server, console)
    system_postgres.execute("create role casebook_publisher connection limit 7")
    with databases.reporting_admin.session() as connection:
        with pytest.raises(ConfigurationError, match="'casebook_publisher' exists already"):
            ensure_role(
                connection,
                "casebook_publisher",
                installation=databases.installation,
                login=True,
                password="x",  # noqa: S106  (never set)
            )
        with pytest.raises(ConfigurationError, match="'casebook_publisher' exists already"):
            ensure_role(connection, "casebook_publisher", installation="another")
    assert rows(
        databases,
        "select rolcanlogin, rolconnlimit, shobj_description(oid, 'pg_authid')"
        " from pg_roles where rolname = 'casebook_publisher'",
    ) == [(False, 7, None)]


def test_another_installation_is_refused(
    system_postgres: SystemPostgres, own_server: Settings, console: Console
) -> None:
    open_databases(own_server, console)
    system_postgres.execute("create database second owner casebook_builder")
    second = system_postgres.url("casebook_builder", SECRET, "second")
    with pytest.raises(ConfigurationError, match="not made by this installation"):
        open_databases(replace(own_server, database_url=second), console)


def test_two_homes_that_begin_at_once_are_one_installation(
    own_server: Settings, console: Console, tmp_path: Path
) -> None:
    homes = [replace(own_server, home=tmp_path / name) for name in ("one", "two", "three")]
    with ThreadPoolExecutor(len(homes)) as pool:
        opened = list(pool.map(lambda settings: open_databases(settings, console), homes))
    assert len({databases.installation for databases in opened}) == 1
    assert rows(opened[0], "select count(*) from pg_database where datname ~ 'unfinished'") == [
        (0,)
    ]


def test_reporting_goes_where_its_own_url_says(
    system_postgres: SystemPostgres, own_server: Settings, console: Console
) -> None:
    elsewhere = system_postgres.url("casebook_builder", SECRET, "shown")
    databases = open_databases(replace(own_server, reporting_url=elsewhere), console)
    assert databases.warehouse.database == "warehouse"
    assert rows(databases, "select current_database()") == [("shown",)]
    assert databases.reader("r").database == databases.publisher.database == "shown"


def test_reporting_is_not_the_warehouse_by_another_name_of_its_server(
    system_postgres: SystemPostgres, own_server: Settings, console: Console
) -> None:
    installation = open_databases(own_server, console).installation
    system_postgres.execute(f"comment on database warehouse is '{marker(installation)}'")
    same = system_postgres.url("casebook_builder", SECRET, "warehouse")
    alias = same.replace(f"@{system_postgres.host}:", "@localhost:")
    for url_of_reporting in (same, alias.replace("verify-full", "verify-ca")):
        with pytest.raises(ConfigurationError, match="is a warehouse"):
            open_databases(replace(own_server, reporting_url=url_of_reporting), console)


def test_a_server_that_never_answers_is_given_up(own_server: Settings, console: Console) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        silent_url = f"postgresql://me@127.0.0.1:{port}/warehouse?connect_timeout=2"
        with pytest.raises(DatabaseError, match="timeout expired"):
            open_databases(replace(own_server, database_url=silent_url), console)


def test_reporting_alone_may_be_on_another_server(
    system_postgres: SystemPostgres, stopped: Settings, console: Console
) -> None:
    system_postgres.make_least_privileged_builder("secret")
    # It is not there yet, and the warehouse's server cannot make it: a neighbour has to help.
    elsewhere = system_postgres.url("casebook_builder", "secret", "shown")
    databases = open_databases(replace(stopped, reporting_url=elsewhere), console)
    assert databases.warehouse.endpoint.host.startswith("/")
    assert rows(databases, "select current_database()") == [("shown",)]
    assert databases.login_endpoint == databases.reporting_admin.endpoint


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
    assert given.is_unsafe(version) == expected


def test_an_old_server_may_be_warehouse_but_not_reporting(
    own_server: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(given, "server_version", lambda _connection: 160009)
    with pytest.raises(DatabaseError, match=r"16\.9 is too old for the reporting") as caught:
        open_databases(own_server, Console())
    assert "15.14" in caught.value.cure
    assert "lacks security fixes" in " ".join(capsys.readouterr().err.split())
