"""Servers with a database that readers connect to, closed by the template, and an open one.

An ordinary login can connect to both: `open_scope` is as a server makes databases, `closed_scope` a
copy of the template. Modules that use the fixture import it: `from defended import server`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import servers
from postgres15 import PROGRAMS, SystemPostgres

from orchestrate.database import Databases
from orchestrate.database.cluster import ADMINISTRATOR
from orchestrate.database.connection import ConnectionTarget, parse_url
from orchestrate.database.defences import (
    CLOSING_STATEMENT,
    TEMPLATE,
    limit_statements,
    template_for,
)
from orchestrate.database.objects import ensure_database
from orchestrate.database.programs import Programs
from orchestrate.database.server import server_passwords
from orchestrate.driver import Cursor
from orchestrate.settings import Settings

OPEN, CLOSED, OTHER = "open_scope", "closed_scope", "other_scope"
LOGIN, PASSWORD = "ordinary_login", "ordinary-password"
INSTALLATION = "tests"

# What the owner of a database does to have something to read there.
MARTS = """
    create schema marts;
    create table marts.patient (
        patient_id integer primary key, word text not null, version integer not null default 1
    );
    create table marts.visit (
        visit_id integer generated always as identity primary key,
        patient_id integer not null references marts.patient on delete cascade on update cascade,
        during tsrange,
        kind text unique deferrable initially deferred check (kind <> 'none')
    );
    create index on marts.visit using brin (patient_id);
    create index on marts.visit using spgist (during);
    create index on marts.patient using gin (to_tsvector('english', word));
    create index on marts.patient using gist (to_tsvector('english', word));
    create index on marts.patient using hash (word);
    create statistics marts.visits on patient_id, kind from marts.visit;
    create function marts.current_version() returns integer language sql stable
        security definer set search_path = pg_catalog, pg_temp as 'select 1';
    create function marts.doubled(number integer) returns integer language plpgsql immutable as
        'begin return 2 * number; end';
    create view marts.shown with (security_barrier) as select patient_id, word from marts.patient;
    alter table marts.patient enable row level security;
    create policy everybody on marts.patient using (true);
    create policy published on marts.patient as restrictive
        using (version = any (array[(select marts.current_version())]));
"""
READABLE = f"""
    grant usage on schema marts to {LOGIN};
    grant select on marts.patient, marts.visit, marts.shown to {LOGIN};
"""
MAINTENANCE = (
    "insert into marts.patient select number, 'word ' || number, number % 2"
    " from generate_series(1, 1000) as number",
    "insert into marts.visit (patient_id, kind) select patient_id, word from marts.patient",
    "update marts.patient set patient_id = 5000 where patient_id = 7",
    "delete from marts.patient where patient_id = 8",
    "alter table marts.patient add column added integer",
    "analyze marts.patient, marts.visit",
    "vacuum (full, analyze) marts.visit",
    "vacuum marts.patient",
    "cluster marts.visit using visit_pkey",
    "reindex table marts.patient",
    "do 'begin perform marts.doubled(1); end'",
)


@dataclass(frozen=True)
class Server:
    """A server with the two databases, and a third that the login cannot connect to."""

    administrator: ConnectionTarget
    builder: ConnectionTarget
    psql: Path

    def login(self, database: str) -> ConnectionTarget:
        """Return how the ordinary login connects."""
        return self.administrator.derive(user=LOGIN, password=PASSWORD, dbname=database)


@contextmanager
def cursor_of(target: ConnectionTarget, database: str = "") -> Iterator[Cursor]:
    """Yield an autocommitting cursor; errors of the server are psycopg2's."""
    connection = (target.derive(dbname=database) if database else target).connect(autocommit=True)
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def make_databases(server: Server) -> Server:
    """Make the databases as the builder, with something to read, and the login."""
    with cursor_of(server.builder) as cursor:
        cursor.execute(f"create role {LOGIN} login password '{PASSWORD}'")
        for name, template in (
            (CLOSED, template_for(cursor)),
            (OPEN, "template0"),
            (OTHER, "template0"),
        ):
            ensure_database(cursor.connection, name, installation=INSTALLATION, template=template)
        cursor.execute(f"grant connect on database {OPEN}, {CLOSED} to {LOGIN}")
    for name in (OPEN, CLOSED):
        with cursor_of(server.builder, name) as cursor:
            cursor.execute(MARTS)
            for statement in MAINTENANCE:
                cursor.execute(statement)
            cursor.execute(READABLE)
    with cursor_of(server.builder, OTHER) as cursor:
        cursor.execute("create table filled (number integer primary key)")
    return server


@pytest.fixture(scope="module", params=["embedded", "postgres15"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Return the embedded server, then one that an administrator prepared by the script."""
    if request.param == "embedded":
        servers.skip_unless_embedded()
        found: tuple[Settings, Databases] = request.getfixturevalue("running")
        settings, databases = found
        passwords = str(server_passwords(settings).path)
        yield make_databases(
            Server(
                databases.warehouse.derive(
                    user=ADMINISTRATOR, passfile=passwords, dbname="postgres"
                ),
                databases.warehouse,
                Programs.find() / "psql",
            )
        )
        return
    system: SystemPostgres = request.getfixturevalue("postgres15_cluster")
    system.reset()
    builder = parse_url(system.make_least_privileged_builder(), "builder")
    url = system.url(system.superuser, system.password, "postgres")
    prepared = Server(parse_url(url, "administrator"), builder, PROGRAMS / "psql")
    run_script(prepared)
    yield make_databases(prepared)
    system.reset()


TEMPLATE_SCRIPT = f"""\
select 'create database {TEMPLATE} template template0 encoding ''UTF8'''
where not exists (select from pg_database where datname = '{TEMPLATE}') \\gexec
{{limits}};
revoke all on database {TEMPLATE} from public;
\\connect {TEMPLATE}
revoke all on schema public from public;
{{close}};
alter database {TEMPLATE} is_template true;
"""


def run_script(server: Server) -> None:
    """Make the template as docs/databases.md says, also again, as after an upgrade."""
    with cursor_of(server.administrator) as cursor:
        limits = ";\n".join(limit_statements(cursor, server.builder.user))
    script = TEMPLATE_SCRIPT.format(limits=limits, close=CLOSING_STATEMENT)
    told = psql(server, server.administrator, script)
    assert told.returncode == 0, told.stderr


def psql(server: Server, target: ConnectionTarget, text: str) -> subprocess.CompletedProcess[str]:
    """Let psql read a text, and stop at the first error."""
    return subprocess.run(
        [server.psql, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", target.uri()],
        input=text,
        env={"PGPASSWORD": target.password()},
        capture_output=True,
        text=True,
        check=False,
    )
