"""`casebook run` on servers that are not ours: warehouse on one, readers' databases on another.

Both are reached over TLS, whose certificates are verified, with SCRAM passwords, by a builder that
is no superuser. `make test-postgres15` runs the other tests on such a server, too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from postgres15 import BUILDER, SystemPostgres, temporary_cluster

from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook

pytestmark = pytest.mark.slow

READERS = ("program_director", "uhc_analyst", "humana_hospice", "senior_manager", "staff_member")
# What nobody may do who reads, whatever the audience.
DENIED = (
    "select * from private.versions",
    "select ctid from {relation}",
    "delete from {relation}",
    "create temporary table mine (a integer)",
    "create table public.mine (a integer)",
    "set role casebook_owner",
    "set session authorization casebook_publisher",
)
RELATIONS = {
    "program_director": "residency.case_log_totals",
    "uhc_analyst": "clients.procedure_summary",
    "humana_hospice": "clients.procedure_summary",
    "senior_manager": "management.unaffiliated_by_area",
    "staff_member": "extracts.patients",
}


@dataclass(frozen=True)
class TwoServers:
    """A Casebook after `casebook run`, and its servers."""

    casebook: Casebook
    variables: Mapping[str, str]
    warehouse: SystemPostgres
    reporting: SystemPostgres
    passwords: Path
    command_lines: str
    uris: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `casebook …` there."""
        return self.casebook.command(*arguments, check=check, **self.variables)

    def psql(self, login: str, query: str) -> subprocess.CompletedProcess[str]:
        """Ask as a login, with any program that takes the URI of `casebook db url`."""
        return subprocess.run(
            ["psql", self.uri(login), "-qAtXc", query], capture_output=True, text=True, check=False
        )

    def password(self, login: str) -> str:
        """Return the stored password of a login."""
        text = (self.casebook.home / "secrets" / "logins.pgpass").read_text(encoding="utf-8")
        (line,) = [line for line in text.splitlines() if line.split(":")[-2] == login]
        return line.split(":")[-1]

    def uri(self, login: str) -> str:
        """Return the URI of a login."""
        if login not in self.uris:
            self.uris[login] = self.command("db", "url", "--as", login).stdout.strip()
        return self.uris[login]


@pytest.fixture(scope="module")
def two_servers(postgres15_cluster: SystemPostgres) -> Iterator[TwoServers]:
    """Run the samples, and watch the process list meanwhile.

    The warehouse's password is in its URL, that of reporting in a file.
    """
    postgres15_cluster.reset()
    folder = Path(tempfile.mkdtemp(prefix="casebook-two-servers-"))
    folder.chmod(0o755)
    casebook = Casebook(folder / "a home", folder / "output")
    passwords = folder / "builder.pgpass"
    with temporary_cluster() as other:
        passwords.touch(mode=0o600)
        with passwords.open("w", encoding="utf-8") as file:
            for server, secret in ((other, "of-the-warehouse"), (postgres15_cluster, "of-the-rep")):
                server.make_least_privileged_builder(secret)
                file.write(f"{server.host}:{server.port}:*:{BUILDER}:{secret}\n")
        postgres15_cluster.execute("drop database warehouse")
        variables = {
            "CASEBOOK_DATABASE_URL": other.url(BUILDER, "of-the-warehouse"),
            "CASEBOOK_REPORTING_URL": _with_file(postgres15_cluster, "shown", passwords),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestrate", "run", "--out", str(casebook.output_dir)],
            cwd=PROJECT_DIR,
            env={**casebook.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        seen: set[str] = set()
        while True:
            seen.update(_command_lines())
            try:
                told, _ = process.communicate(timeout=1)
                break
            except subprocess.TimeoutExpired:
                continue
        assert process.returncode == 0, told
        lines = "\n".join([*seen, told])
        yield TwoServers(casebook, variables, other, postgres15_cluster, passwords, lines)
    shutil.rmtree(folder)
    postgres15_cluster.reset()


def _with_file(server: SystemPostgres, database: str, passwords: Path) -> str:
    address = server.url(BUILDER, "", database).replace(":@", "@")
    return f"{address}&passfile={passwords}"


def _command_lines() -> Iterator[str]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except (FileNotFoundError, ProcessLookupError):
            continue


def test_each_server_holds_its_own_databases_and_the_builder_has_no_more_rights(
    two_servers: TwoServers,
) -> None:
    for server, databases in (
        (two_servers.warehouse, r"warehouse"),
        (
            two_servers.reporting,
            r"shown_humana_\w{8} shown_humana_\w{8} shown_management shown_program"
            r" shown_resident_\w{8} shown_staff shown_united_healthcare_\w{8}",
        ),
    ):
        connection = server.connect()
        with connection.cursor() as cursor:
            cursor.execute("select datname from pg_database where oid >= 16384 order by datname")
            names = " ".join(name for (name,) in cursor.fetchall())
            assert re.fullmatch(databases, names), names
            cursor.execute(
                "select rolsuper, rolbypassrls, rolreplication from pg_roles where rolname = %s",
                (BUILDER,),
            )
            assert cursor.fetchone() == (False, False, False)
            cursor.execute(
                "select rolname from pg_authid where rolcanlogin"
                " and rolpassword not like 'SCRAM-SHA-256$%'"
            )
            assert cursor.fetchall() == []
        connection.close()


def test_doctor_is_content_and_says_that_certificates_are_verified(two_servers: TwoServers) -> None:
    checks = json.loads(two_servers.command("doctor", "--json").stdout)["checks"]
    assert [check for check in checks if not check["ok"]] == []
    encryption = [check["result"] for check in checks if check["check"].endswith("encryption")]
    assert encryption == ["ok", "ok"]
    published = json.loads(two_servers.command("status", "--json").stdout)
    assert published["current"] == 1


@pytest.mark.parametrize("login", READERS)
def test_readers_get_their_own_over_tls_and_nothing_else(
    two_servers: TwoServers, login: str
) -> None:
    mine = RELATIONS[login]
    encrypted = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
    count = f"select count(*) > 0 from {mine}"
    assert two_servers.psql(login, f"{encrypted} union all {count}").stdout == "t\nt\n"
    others = [name for name in set(RELATIONS.values()) if name.split(".")[0] != mine.split(".")[0]]
    if login == "senior_manager":
        others.remove("extracts.patients")
    for relation in others:
        refused = two_servers.psql(login, f"select * from {relation}")
        assert (refused.returncode, "does not exist" in refused.stderr) == (1, True), relation
    for statement in DENIED:
        refused = two_servers.psql(login, statement.format(relation=mine))
        assert (refused.returncode, "permission denied" in refused.stderr) == (1, True), statement


def test_nobody_enters_the_database_of_another(two_servers: TwoServers) -> None:
    own = {login: two_servers.uri(login) for login in READERS}
    databases = {urlsplit(uri).path for uri in own.values()}
    assert len(databases) == len(READERS)
    for login, uri in own.items():
        mine = urlsplit(uri)
        for database in sorted(databases - {mine.path}):
            refused = subprocess.run(
                ["psql", mine._replace(path=database).geturl(), "-c", "select 1"],
                # The password file has it for the login's own database alone.
                env={**os.environ, "PGPASSWORD": two_servers.password(login)},
                capture_output=True,
                text=True,
                check=False,
            )
            assert "permission denied for database" in refused.stderr, (login, database)


def test_a_client_sees_no_other_clients_rows(two_servers: TwoServers) -> None:
    clients = "select distinct client_id from clients.procedure_summary"
    assert two_servers.psql("uhc_analyst", clients).stdout == "united_healthcare\n"
    hospice = (
        "select count(*) > 0 from clients.procedure_summary where procedure_code = '385763009'"
    )
    assert two_servers.psql("humana_hospice", hospice).stdout == "t\n"
    assert two_servers.psql("humana_colonoscopy", hospice).stdout == "f\n"


def test_no_password_is_anywhere_but_in_files_for_their_owner_alone(
    two_servers: TwoServers,
) -> None:
    home = two_servers.casebook.home
    secret_files = [two_servers.passwords, *(home / "secrets").iterdir()]
    assert [path for path in secret_files if path.stat().st_mode & 0o077] == []
    secrets = {
        line.rsplit(":", 1)[1]
        for path in secret_files
        if path.suffix == ".pgpass"
        for line in path.read_text(encoding="utf-8").splitlines()
    }
    assert len(secrets) >= len(READERS) + 3
    told = two_servers.command("db", "url").stdout
    told += two_servers.command("db", "url", "--as", "uhc_analyst").stdout
    told += two_servers.command("db", "psql", "-qAtXc", "\\! env").stdout
    texts = {
        "process list and output": two_servers.command_lines.encode(),
        "urls and psql's environment": told.encode(),
        "log of the warehouse's server": two_servers.warehouse.log.encode(),
        "log of the reporting server": two_servers.reporting.log.encode(),
    }
    for folder in (home, two_servers.casebook.output_dir):
        for path in folder.rglob("*"):
            if path.is_file() and path not in secret_files:
                texts[str(path)] = path.read_bytes()
    assert str(home / "logs" / "dbt.log") in texts
    assert "create role" in two_servers.reporting.log
    found = [name for name, text in texts.items() for one in secrets if one.encode() in text]
    assert found == []


def test_psql_that_cannot_encrypt_is_not_used(two_servers: TwoServers, tmp_path: Path) -> None:
    """The one that comes with the embedded server was built without TLS."""
    asked = ("db", "psql", "--as", "uhc_analyst", "-qAtXc", "select session_user")
    assert two_servers.command(*asked).stdout == "uhc_analyst\n"
    done = subprocess.run(
        [sys.executable, "-m", "orchestrate", *asked],
        cwd=PROJECT_DIR,
        env={**two_servers.casebook.environment, **two_servers.variables, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot encrypt a connection" in done.stderr
