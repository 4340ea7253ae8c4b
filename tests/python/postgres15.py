"""A server of one's own for tests: the system's PostgreSQL 15, in private clusters.

They are as a careful administrator would have them: over TCP with TLS alone, with a certificate to
verify, and SCRAM passwords. Import the fixtures into a conftest:
`from postgres15 import postgres15_cluster, system_postgres`.
"""

from __future__ import annotations

import json
import os
import pwd
import random
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
from psycopg2 import sql

from orchestrate.driver import Connection

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
DOCUMENT = Path(__file__).parents[2] / "docs" / "databases.md"
# The documented statements say this where an administrator chooses a password.
PLACEHOLDER = "choose-a-password"
BUILDER = "casebook_builder"
HOST = "127.0.0.1"
SUPERUSER = "administrator"
# Below the range from which the system takes the ports of outgoing connections.
PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class SystemPostgres:
    """A server on 127.0.0.1 that asks for TLS and a password, and its superuser.

    All that belongs to it is in `folder`, from which it can be read again.
    """

    folder: Path
    port: int
    password: str

    @property
    def host(self) -> str:
        """The address it listens on, which its certificate names."""
        return HOST

    @property
    def superuser(self) -> str:
        """Who may do everything on it."""
        return SUPERUSER

    @property
    def certificate(self) -> Path:
        """Its certificate, which is also the authority that signed it."""
        return self.folder / "server.crt"

    @property
    def log(self) -> str:
        """What it has logged: every statement, among other things."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def connect(self, database: str = "postgres") -> Connection:
        """Connect as the superuser, autocommitting."""
        connection = psycopg2.connect(self.url(SUPERUSER, self.password, database))
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
        """Return a URL with a password, as a user may set it; the certificate is verified."""
        return (
            f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}"
            f"@{self.host}:{self.port}/{database}"
            f"?sslmode=verify-full&sslrootcert={quote(str(self.certificate), safe='')}"
        )

    def make_least_privileged_builder(self, password: str = "") -> str:
        """Run the statements that docs/databases.md gives an administrator; return the URL."""
        password = password or secrets.token_urlsafe(12)
        statements = [text.replace(PLACEHOLDER, password) for text in documented_statements()]
        # This one password is in a statement, as it is when an administrator runs them.
        self.execute("set log_statement = 'none'", *statements)
        return self.url(BUILDER, password)

    def reset(self) -> None:
        """Drop every database, role and setting that tests made."""
        connection = self.connect()
        with connection.cursor() as cursor:
            cursor.execute(
                "select datname from pg_database"
                " where datname not in ('postgres', 'template0', 'template1')"
            )
            for (name,) in cursor.fetchall():
                database = sql.Identifier(name)
                cursor.execute(sql.SQL("alter database {} is_template false").format(database))
                cursor.execute(sql.SQL("drop database {} with (force)").format(database))
            cursor.execute("select rolname from pg_roles where oid >= 16384")
            for (name,) in cursor.fetchall():
                role = sql.Identifier(name)
                cursor.execute(sql.SQL("drop owned by {} cascade").format(role))
                cursor.execute(sql.SQL("drop role {}").format(role))
        connection.close()

    def start(self) -> None:
        """Start it, and wait until it lets somebody in."""
        _run(
            _account(),
            PROGRAMS / "pg_ctl",
            "start",
            "--wait",
            f"--pgdata={self.folder / 'data'}",
            f"--log={self.folder / 'log'}",
            f"--options=-p {self.port} -k {self.folder}",
        )

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` so that a copy of its folder is whole, or `immediate`."""
        _run(
            _account(),
            PROGRAMS / "pg_ctl",
            "stop",
            f"--mode={mode}",
            f"--pgdata={self.folder / 'data'}",
        )

    def copy_to(self, folder: Path) -> SystemPostgres:
        """Copy a stopped server; the copy, which is not started, listens on another port."""
        subprocess.run(["cp", "-a", str(self.folder), str(folder)], check=True)
        copy = SystemPostgres(folder, _free_port(), self.password)
        copy.remember()
        return copy

    def remember(self) -> None:
        """Write down what `read` reads."""
        told = json.dumps({"port": self.port, "password": self.password})
        (self.folder / "server.json").write_text(told, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> SystemPostgres:
        """Return the server that was made in a folder."""
        return cls(folder, **json.loads((folder / "server.json").read_text(encoding="utf-8")))

    @classmethod
    def make(cls, folder: Path) -> SystemPostgres:
        """Make a cluster in a folder that does not exist yet, and start it."""
        require_programs()
        account = _account()
        folder.mkdir(mode=0o755)
        server = cls(folder, _free_port(), secrets.token_urlsafe(12))
        server.remember()
        password_file = folder / "password"
        password_file.write_text(server.password, encoding="utf-8")
        make_certificate(folder)
        if account:
            for path in (folder, *folder.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
        data = folder / "data"
        _run(
            account,
            PROGRAMS / "initdb",
            f"--pgdata={data}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        )
        password_file.unlink()
        (data / "pg_hba.conf").write_text(f"hostssl all all {HOST}/32 scram-sha-256\n", "utf-8")
        with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(
                f"listen_addresses = '{HOST}'\nfsync = off\nssl = on\n"
                # A copy finds its own, one folder above the data.
                "ssl_cert_file = '../server.crt'\nssl_key_file = '../server.key'\n"
                # Whoever looks for a password in the log finds it if it was in a statement.
                "log_statement = 'all'\nmax_connections = 60\n"
            )
        server.start()
        return server


def documented_statements(heading: str = "Least privileges") -> list[str]:
    """Return the statements of the first SQL block under a heading of docs/databases.md."""
    text = DOCUMENT.read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n", 1)[1]
    match = re.search(r"```sql\n(.*?)```", section, flags=re.DOTALL)
    assert match, f"{DOCUMENT.name} has no SQL under the heading {heading}"
    code = re.sub(r"--[^\n]*", "", match[1])
    return [statement.strip() for statement in code.split(";") if statement.strip()]


def require_programs() -> None:
    """Skip the test where the system has no PostgreSQL 15 that can run."""
    if not (PROGRAMS / "initdb").exists():
        pytest.skip(f"PostgreSQL 15 is not installed in {PROGRAMS}")
    if shutil.which("openssl") is None:
        pytest.skip("There is no openssl to make a certificate with")
    _account()


@contextmanager
def temporary_cluster() -> Iterator[SystemPostgres]:
    """Make and start a private cluster; remove it afterwards."""
    require_programs()
    above = Path(tempfile.mkdtemp(prefix="casebook-postgres15-"))
    above.chmod(0o755)
    try:
        server = SystemPostgres.make(above / "server")
        yield server
        server.stop("immediate")
    finally:
        shutil.rmtree(above, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres15_cluster() -> Iterator[SystemPostgres]:
    """Return a private cluster of the system's PostgreSQL 15."""
    with temporary_cluster() as server:
        yield server


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


def make_certificate(folder: Path) -> None:
    """Make a key and a certificate for the address, that signs itself."""
    key = folder / "server.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
            *("-subj", f"/CN={HOST}", "-addext", f"subjectAltName=IP:{HOST}"),
            *("-keyout", str(key), "-out", str(folder / "server.crt")),
        ],
        check=True,
        capture_output=True,
    )
    key.chmod(0o600)


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
    while True:
        port = random.choice(PORTS)  # noqa: S311 - no secret
        with socket.socket() as listener:
            try:
                listener.bind((HOST, port))
            except OSError:
                continue
            return port
