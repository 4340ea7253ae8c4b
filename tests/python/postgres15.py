"""A server of one's own for tests: the system's PostgreSQL 15, in a private cluster.

Import the fixtures into a conftest: `from postgres15 import postgres15_cluster, system_postgres`.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812  (a class, named so upstream)

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
DOCUMENT = Path(__file__).parents[2] / "docs" / "databases.md"
# The documented statements say this where an administrator chooses a password.
PLACEHOLDER = "choose-a-password"


@dataclass(frozen=True)
class SystemPostgres:
    """A server on 127.0.0.1 that asks for passwords, and its superuser."""

    host: str
    port: int
    superuser: str
    password: str

    def connect(self, database: str = "postgres") -> Connection:
        """Connect as the superuser, autocommitting."""
        connection = psycopg2.connect(
            host=self.host,
            port=self.port,
            user=self.superuser,
            password=self.password,
            dbname=database,
        )
        connection.autocommit = True
        return connection

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser, each on its own."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()

    def url(self, user: str, password: str, database: str = "warehouse") -> str:
        """Return a URL with a password, as a user may set it."""
        return (
            f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}"
            f"@{self.host}:{self.port}/{database}"
        )

    def make_least_privileged_builder(self, password: str = "") -> str:
        """Run the statements that docs/databases.md gives an administrator; return the URL."""
        password = password or secrets.token_urlsafe(12)
        self.execute(*(text.replace(PLACEHOLDER, password) for text in documented_statements()))
        return self.url("casebook_builder", password)

    def reset(self) -> None:
        """Drop every database and role that tests made."""
        connection = self.connect()
        with connection.cursor() as cursor:
            cursor.execute(
                "select datname from pg_database"
                " where datname not in ('postgres', 'template0', 'template1')"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(
                    sql.SQL("drop database {} with (force)").format(sql.Identifier(name))
                )
            cursor.execute("select rolname from pg_roles where oid >= 16384")
            for (name,) in cursor.fetchall():
                role = sql.Identifier(name)
                cursor.execute(sql.SQL("drop owned by {} cascade").format(role))
                cursor.execute(sql.SQL("drop role {}").format(role))
        connection.close()


def documented_statements(heading: str = "Least privileges") -> list[str]:
    """Return the statements of the first SQL block under a heading of docs/databases.md."""
    text = DOCUMENT.read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n", 1)[1]
    match = re.search(r"```sql\n(.*?)```", section, flags=re.DOTALL)
    assert match, f"{DOCUMENT.name} has no SQL under the heading {heading}"
    code = re.sub(r"--[^\n]*", "", match[1])
    return [statement.strip() for statement in code.split(";") if statement.strip()]


@pytest.fixture(scope="session")
def postgres15_cluster() -> Iterator[SystemPostgres]:
    """Make and start a private cluster of the system's PostgreSQL 15; remove it afterwards."""
    if not (PROGRAMS / "initdb").exists():
        pytest.skip(f"PostgreSQL 15 is not installed in {PROGRAMS}")
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="casebook-postgres15-"))
    server = SystemPostgres("127.0.0.1", _free_port(), "administrator", secrets.token_urlsafe(12))
    password_file = folder / "password"
    password_file.write_text(server.password, encoding="utf-8")
    if account:
        for path in (folder, password_file):
            os.chown(path, account.pw_uid, account.pw_gid)
    data = folder / "data"
    try:
        _run(
            account,
            PROGRAMS / "initdb",
            f"--pgdata={data}",
            f"--username={server.superuser}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )
        _run(
            account,
            PROGRAMS / "pg_ctl",
            "start",
            "--wait",
            f"--pgdata={data}",
            f"--log={folder / 'log'}",
            f"--options=-p {server.port} -c listen_addresses=127.0.0.1 -c fsync=off -k {folder}",
        )
        yield server
        _run(account, PROGRAMS / "pg_ctl", "stop", "--mode=immediate", f"--pgdata={data}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def system_postgres(postgres15_cluster: SystemPostgres) -> Iterator[SystemPostgres]:
    """Return the cluster without any role or database of earlier tests."""
    postgres15_cluster.reset()
    yield postgres15_cluster
    postgres15_cluster.reset()


def _account() -> pwd.struct_passwd | None:
    """Return whom to run the server as: root may not, so one of the system's users does."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("Root cannot run PostgreSQL, and there is neither a user postgres nor nobody")


def _run(account: pwd.struct_passwd | None, *command: str | Path) -> None:
    subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        check=True,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
