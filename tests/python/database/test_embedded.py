"""What the embedded server is like: closed to everyone without a password, and as configured."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest
from embedded import LOGIN, in_a_process_of_its_own, make_scope

from orchestrate.console import Console
from orchestrate.database import Databases, open_databases, psql, server_status, url
from orchestrate.database.bootstrap import make_database
from orchestrate.database.cluster import ADMINISTRATOR
from orchestrate.database.connection import ConnectionTarget, parse_url
from orchestrate.database.defences import TEMPLATE, open_to_everybody
from orchestrate.database.objects import ensure_database, ensure_role, marker, role_exists
from orchestrate.database.server import server_passwords
from orchestrate.driver import Connection
from orchestrate.errors import ConfigurationError, DatabaseError
from orchestrate.settings import Settings

Running = tuple[Settings, Databases]


def values(target: ConnectionTarget, query: str, **options: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    connection = target.connect(options=options)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()


def test_the_builder_is_no_superuser_and_owns_every_database(running: Running) -> None:
    _, databases = running
    assert values(
        databases.warehouse,
        "select current_user, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls"
        " from pg_roles where rolname = current_user",
    ) == [("casebook_builder", False, True, True, False)]
    assert values(
        databases.warehouse,
        "select datname, pg_get_userbyid(datdba) from pg_database where datname ~ 'ing|house'"
        " order by 1",
    ) == [("reporting_staff", "casebook_builder"), ("warehouse", "casebook_builder")]


def test_nobody_gets_anything_through_public(running: Running) -> None:
    _, databases = running
    assert (
        values(
            databases.warehouse,
            "select datname from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))"
            " where grantee = 0 and datallowconn",
        )
        == []
    )
    for target in (databases.warehouse, make_scope(databases).as_builder()):
        assert (
            values(
                target,
                "select nspname from pg_namespace,"
                " aclexplode(coalesce(nspacl, acldefault('n', nspowner)))"
                " where nspname = 'public' and grantee = 0",
            )
            == []
        )


def test_a_home_of_an_earlier_release_is_closed_as_well(running: Running) -> None:
    settings, databases = running
    data_dir = server_status(settings).data_dir
    passwords = str(server_passwords(settings).path)
    administrator = (
        make_scope(databases).as_builder().derive(user=ADMINISTRATOR, passfile=passwords)
    )
    template = administrator.derive(dbname=TEMPLATE)
    for target in (administrator, template):
        opened = "grant execute on function pg_stat_get_tuples_fetched(oid) to public"
        with target.session() as session, session.cursor() as cursor:
            cursor.execute(opened)
            assert len(open_to_everybody(cursor)) == 1
    (data_dir / "casebook.prepared").write_text("3\n", encoding="utf-8")
    open_databases(settings, Console())
    for target in (administrator, template):
        with target.session() as session, session.cursor() as cursor:
            assert open_to_everybody(cursor) == []


def test_settings_are_durable_quiet_and_independent_of_the_place(running: Running) -> None:
    _, databases = running
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "password_encryption": "scram-sha-256",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "client_connection_check_interval": "2s",
        "log_statement": "none",
        "log_min_error_statement": "panic",
    }
    found = {
        name: values(databases.warehouse, f"select current_setting('{name}')")[0][0]
        for name in expected
    }
    assert found == expected
    # By code point: capitals first, accents last, whatever the system's locale is.
    reader = make_scope(databases).as_reader(LOGIN)
    assert values(
        reader,
        "select string_agg(word, ' ' order by word) from unnest(array['é', 'b', 'a', 'B']) word",
    ) == [("B a b é",)]
    assert values(reader, "select upper('é')") == [("É",)]


def test_no_local_user_is_trusted(running: Running) -> None:
    settings, databases = running
    host, port = databases.warehouse.endpoint
    for user in ("casebook_admin", "casebook_builder", "postgres", "root"):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(host=host, port=port, user=user, dbname="warehouse", passfile="/none")
    rules = (settings.home / "server" / "data" / "pg_hba.conf").read_text(encoding="utf-8")
    methods = {line.split()[-1] for line in rules.splitlines() if not line.startswith("#")}
    assert methods == {"scram-sha-256"}


def test_another_user_cannot_even_reach_the_socket(
    running: Running, as_nobody: Callable[[Callable[[], object]], str]
) -> None:
    settings, databases = running
    folder = server_status(settings).socket_folder
    assert folder is not None
    assert folder.stat().st_mode & 0o777 == 0o700
    told = as_nobody(databases.warehouse.connect)
    assert told.startswith("3: ")
    assert "Permission denied" in told


def test_only_its_own_folders_belong_to_the_servers_account(running: Running) -> None:
    settings, _ = running
    owners = {
        path.name: path.stat().st_uid
        for path in (settings.home, settings.secrets_dir, settings.log_dir)
    }
    assert set(owners.values()) == {os.geteuid()}
    data = settings.home / "server" / "data"
    pid = server_status(settings).pid
    assert data.stat().st_uid == Path(f"/proc/{pid}").stat().st_uid
    assert (data.stat().st_uid == os.geteuid()) == (os.geteuid() != 0)
    for path in settings.secrets_dir.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_psql_of_the_system_understands_the_uri(running: Running) -> None:
    settings, databases = running
    uri = url(settings)
    assert databases.warehouse.password() not in uri
    done = subprocess.run(
        ["psql", uri, "-Atc", "select current_user || ' ' || current_database()"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "casebook_builder warehouse\n"


def test_psql_of_the_package_runs_with_the_password_file_alone(running: Running) -> None:
    settings, _ = running

    def become_psql() -> None:
        # It takes the place of the process, as it does for `casebook db psql`.
        os.environ["PGPASSWORD"] = "wrong"
        psql(settings, None, ["-AtXc", "select current_database()"])

    assert in_a_process_of_its_own(become_psql) == "warehouse\n"


def test_the_url_of_a_login_names_the_database_of_its_scope(running: Running) -> None:
    settings, databases = running
    make_scope(databases)
    uri = parse_url(url(settings, LOGIN), "the URI")
    assert (uri.user, uri.database) == (LOGIN, "reporting_staff")
    assert values(uri, "select session_user::text") == [(LOGIN,)]
    with pytest.raises(ConfigurationError, match=LOGIN):
        url(settings, "who_is_this")
    # What an earlier release stored names no database yet.
    databases.logins.put(databases.reporting.endpoint, "earlier", "password")
    with pytest.raises(ConfigurationError, match="made when a run publishes"):
        url(settings, "earlier")
    databases.logins.forget_users({"earlier"})


def test_libpq_variables_for_other_servers_do_not_interfere(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, databases = running
    monkeypatch.setenv("PGPASSWORD", "wrong")
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    monkeypatch.setenv("PGOPTIONS", "-c nonsense=1")
    assert values(databases.warehouse, "select 1") == [(1,)]


def test_options_of_a_session_may_hold_anything(running: Running) -> None:
    _, databases = running
    odd = r"a b\c 'd' é"
    query = "select current_setting('casebook.odd')"
    assert values(databases.warehouse, query, **{"casebook.odd": odd}) == [(odd,)]


def test_a_database_that_is_just_being_made_is_made_once(running: Running) -> None:
    # As by what a first start that was killed left at work.
    _, databases = running

    def make(_: int) -> None:
        with databases.warehouse.session() as connection:
            make_database(connection, "twofold", owner="casebook_builder")

    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(make, range(4)))
    finally:
        with databases.warehouse.session() as connection, connection.cursor() as cursor:
            cursor.execute("drop database twofold")


@pytest.fixture
def builder(running: Running) -> Connection:
    """Return a connection of the builder in a scope's database whose work is undone."""
    return make_scope(running[1]).as_builder().connect()


def test_a_role_is_marked_and_made_once(running: Running, builder: Connection) -> None:
    _, databases = running
    own = {"installation": databases.installation}
    with builder.cursor() as cursor:
        assert ensure_role(builder, "owner_of_all", **own)
        assert not ensure_role(builder, "owner_of_all", **own)
        cursor.execute("select shobj_description('owner_of_all'::regrole, 'pg_authid')")
        assert cursor.fetchone() == (marker(databases.installation),)
        cursor.execute("select rolcanlogin from pg_roles where rolname = 'owner_of_all'")
        assert cursor.fetchone() == (False,)
    builder.rollback()
    builder.close()


def test_a_role_that_casebook_did_not_make_is_refused_and_left_alone(
    running: Running, builder: Connection
) -> None:
    _, databases = running
    with builder.cursor() as cursor:
        cursor.execute("create role somebody nologin")
        with pytest.raises(ConfigurationError, match=r"role 'somebody' exists already"):
            ensure_role(builder, "somebody", installation=databases.installation, limit=-1)
        cursor.execute("select rolcanlogin from pg_roles where rolname = 'somebody'")
        assert cursor.fetchone() == (False,)
    builder.rollback()
    builder.close()


def test_a_login_of_any_password_connects_by_its_password_file(running: Running) -> None:
    _, databases = running
    login, password = "o'dd:na\\me", "p:w\\d 'é\""
    place = make_scope(databases)
    databases.logins.put(place.server.endpoint, login, password, place.database)
    name = place.database
    with databases.reporting.door.session() as connection, connection.cursor() as cursor:
        ensure_role(
            connection,
            login,
            installation=databases.installation,
            password=password,
            limit=1,
        )
        try:
            cursor.execute(f'grant connect on database {name} to "o\'dd:na\\me"')
            reader = place.as_reader(login)
            assert reader.password() == password
            assert values(reader, "select session_user::text") == [(login,)]
            with pytest.raises(DatabaseError, match="permission denied"):
                reader.derive(dbname="warehouse", password=password).connect()
            held = reader.connect()
            with pytest.raises(DatabaseError, match="too many connections"):
                reader.connect()
            held.close()
        finally:
            cursor.execute(f'revoke all on database {name} from "o\'dd:na\\me"')
            cursor.execute('drop role "o\'dd:na\\me"')
    log = (running[0].log_dir / "server.log").read_text(encoding="utf-8")
    assert password not in log


def test_a_database_is_refused_unless_it_is_marked(running: Running) -> None:
    _, databases = running
    place = make_scope(databases)
    with databases.warehouse.session() as connection, connection.cursor() as cursor:
        assert not ensure_database(
            connection, place.database, installation=databases.installation, template=TEMPLATE
        )
        with pytest.raises(ConfigurationError, match="not made by this installation"):
            ensure_database(connection, place.database, installation="another", template=TEMPLATE)
        assert not role_exists(connection, "nobody_made_this")
        cursor.execute("select count(*) from pg_database where datname ~ 'unfinished'")
        assert cursor.fetchone() == (0,)
