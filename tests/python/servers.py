"""Which server the Casebooks of the tests use: the embedded one, or the system's PostgreSQL 15.

`CASEBOOK_TEST_SERVER=postgres15` asks for the latter: every Casebook then gets a cluster of its own
beside its home, over TLS, with a builder that has the documented privileges and no others.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from postgres15 import BUILDER, HOST, SystemPostgres

from orchestrate.console import Console
from orchestrate.database import ConnectionTarget, Databases, open_databases, remove_embedded
from orchestrate.database import stop as stop_embedded
from orchestrate.database.cluster import ADMINISTRATOR
from orchestrate.database.defences import CLOSING_STATEMENT, TEMPLATE, limit_statements
from orchestrate.database.passwords import Endpoint, PasswordFile
from orchestrate.database.server import ensure_running, server_passwords
from orchestrate.database.targets import locate
from orchestrate.server_checks import check_public
from orchestrate.settings import Settings

VARIABLE = "CASEBOOK_TEST_SERVER"


def is_postgres15() -> bool:
    """Tell whether the Casebooks of the tests use the system's PostgreSQL 15."""
    return os.environ.get(VARIABLE, "") == "postgres15"


def skip_unless_embedded() -> None:
    """Skip a test that is about the embedded server itself, where there is none."""
    if is_postgres15():
        pytest.skip("It is about the embedded server, and the tests use PostgreSQL 15")


def server_of(home: Path) -> SystemPostgres | None:
    """Return the server beside a home, None where it uses the embedded one."""
    folder = home.with_name("server")
    return SystemPostgres.read(folder) if folder.is_dir() else None


def variables(home: Path) -> dict[str, str]:
    """Return the environment variables of a Casebook with this home; its server may be made."""
    found = {"CASEBOOK_HOME": str(home)}
    if not is_postgres15():
        return found
    server = server_of(home)
    if server is None:
        server = SystemPostgres.make(home.with_name("server"))
        server.make_least_privileged_builder(_builder_password(server))
    return {**found, "CASEBOOK_DATABASE_URL": server.url(BUILDER, _builder_password(server))}


def start(home: Path) -> None:
    """Start the server of a home."""
    if server := server_of(home):
        server.start()
    else:
        ensure_running(Settings.from_environment(variables(home)))


def hurry(settings: Settings) -> None:
    """Let a server not wait for the disk: tests kill processes, and never the machine."""
    with administrator_of(settings).session() as connection, connection.cursor() as cursor:
        for name in ("fsync", "full_page_writes"):
            cursor.execute(f"alter system set {name} = off")
        # What stays of the log is copied with the home.
        cursor.execute("alter system set max_wal_size = '64MB'")
        cursor.execute("select pg_reload_conf()")


def stop(settings: Settings) -> None:
    """Stop the server of a home, so that both can be copied."""
    if server := server_of(settings.home):
        server.stop()
    else:
        stop_embedded(settings)


def copy_home(home: Path, copy: Path) -> None:
    """Copy the home of a stopped Casebook, with owners and modes, and the server beside it.

    That one's copy listens on another port, which the passwords follow.
    """
    subprocess.run(["cp", "-a", str(home), str(copy)], check=True)
    original = server_of(home)
    if original:
        made = original.copy_to(copy.with_name("server"))
        for passwords in (copy / "secrets").glob("*.pgpass"):
            PasswordFile(passwords).move(
                Endpoint(HOST, str(original.port)), Endpoint(HOST, str(made.port))
            )


def administrator_of(settings: Settings, database: str = "postgres") -> ConnectionTarget:
    """Return how the superuser of a Casebook's server connects to a database."""
    warehouse = locate(settings).warehouse.derive(dbname=database)
    server = server_of(settings.home)
    if server:
        return warehouse.derive(user=server.superuser, password=server.password)
    passwords = server_passwords(settings).path
    return warehouse.derive(user=ADMINISTRATOR, passfile=str(passwords))


def administer(settings: Settings) -> bool:
    """Do what an administrator is asked for; False for the embedded server, which has it."""
    server = server_of(settings.home)
    if server:
        administer_cluster(server, open_databases(settings, Console(error_stream=io.StringIO())))
    return server is not None


def administer_cluster(server: SystemPostgres, databases: Databases) -> None:
    """Do what an administrator is asked for on a server of one's own."""
    with databases.warehouse.session() as connection, connection.cursor() as cursor:
        limits = limit_statements(cursor, databases.warehouse.user)
    server.execute(f"create database {TEMPLATE} template template0 encoding 'UTF8'", *limits)
    server.execute(f"revoke all on database {TEMPLATE} from public")
    server.execute(CLOSING_STATEMENT, database=TEMPLATE)
    server.execute(f"alter database {TEMPLATE} is_template true")
    for check in check_public(databases):
        if check.statements:
            server.execute(*check.statements, database=check.run_in)


def remove(settings: Settings) -> None:
    """Stop the server of a home and delete it."""
    server = server_of(settings.home)
    if server is None:
        remove_embedded(settings)
        return
    server.stop("immediate")
    shutil.rmtree(server.folder)


def _builder_password(server: SystemPostgres) -> str:
    return f"builder-{server.password}"
