"""A warehouse of one's own per test, on one embedded server, and small exports to load into it."""

from __future__ import annotations

import fcntl
import io
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import servers
from psycopg2 import sql

from orchestrate.building.dbt import Dbt
from orchestrate.building.manifest import Manifest
from orchestrate.console import Console
from orchestrate.database import Databases, open_databases
from orchestrate.driver import Connection
from orchestrate.errors import CasebookError
from orchestrate.loading import LoadReport, load_export
from orchestrate.settings import Settings

SAMPLE_VARIABLES = {"residency_source": "sample", "advocacy_source": "sample"}

RESIDENCY = {
    "studies.csv": (
        "priorities,exam Code,procedure name,trainee Name,finalized,modality_id,organization_id\n"
        '3,XR1,Chest 2 views,"Okafor, Chidi",2018-07-01 08:00:00,1,1\n'
        "3,CT1,CT abdomen,Åse Ødegård,2018-07-02 09:30:00,2,1\n"
        "1,CT1,CT abdomen,Åse Ødegård,2018-07-02 09:31:00,2,1\n"
    ),
    "organizations.csv": "id,organization_code\n1,MAIN\n",
    "modalities.csv": "id,modality_code\n1,XR\n2,CT\n",
    "exam_to_cpt.csv": "exam_code,cpt,rvu\nXR1,71046,0.22\nCT1,74177,1.82\n",
}
ADVOCACY = {
    "patients.csv": (
        "Id,BIRTHDATE,DEATHDATE,PREFIX,FIRST,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,"
        "BIRTHPLACE,ADDRESS,CITY,STATE,COUNTY,ZIP,LAT,LON\n"
        "p1,1950-01-31,,Mr.,Ann1,Lee2,,,M,white,hispanic,F,Boston,1 Way,Boston,MA,Suffolk,02115,"
        "42.3,-71.0\n"
    ),
    "encounters.csv": (
        "Id,START,STOP,PATIENT,ORGANIZATION,PAYER,ENCOUNTERCLASS,CODE,DESCRIPTION,"
        "BASE_ENCOUNTER_COST,TOTAL_CLAIM_COST,PAYER_COVERAGE,REASONCODE,REASONDESCRIPTION\n"
        "e1,2011-01-02T09:26:36Z,2011-01-02T12:58:36Z,p1,o1,y1,ambulatory,185347001,Visit,"
        "85.55,1018.02,0,,\n"
    ),
    "procedures.csv": (
        "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,REASONCODE,REASONDESCRIPTION\n"
        "2011-01-02T09:26:36Z,2011-01-02T12:58:36Z,p1,e1,265764009,Renal dialysis,903,,\n"
    ),
    "payers.csv": (
        "Id,NAME,ADDRESS,CITY,STATE_HEADQUARTERED,ZIP,PHONE\n"
        "y2,UnitedHealthcare,,,,,\ny1,Humana,,,,,\n"
    ),
    "organizations.csv": (
        "Id,NAME,ADDRESS,CITY,STATE,ZIP,LAT,LON\no1,GENERAL,55 FRUIT ST,BOSTON,MA,02114,42.3,-71\n"
    ),
}
EXPORTS = {"residency": RESIDENCY, "advocacy": ADVOCACY}


def _home() -> Path:
    # Beside the homes of the other tests, so that the end of the session stops this server too.
    return Path(os.environ["CASEBOOK_TEST_SESSION_DIR"]) / "raw" / "home"


def shared_server() -> Databases:
    """Return the databases of a server that the workers of this session share."""
    home = _home()
    home.parent.mkdir(exist_ok=True)
    home.parent.chmod(0o755)
    with (home.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings = Settings.from_environment(servers.variables(home))
        return open_databases(settings, Console(error_stream=io.StringIO()))


@pytest.fixture(scope="session")
def server() -> Databases:
    """Return the databases of the shared server."""
    return shared_server()


@pytest.fixture(scope="session")
def manifest(server: Databases) -> Manifest:
    """Return the project as dbt parses it, parsed once per session."""
    settings = Settings.from_environment({"CASEBOOK_HOME": str(_home())})
    with (_home().parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (settings.description_dir / "manifest.json").is_file():
            console = Console(error_stream=io.StringIO())
            Dbt(settings, server.warehouse, console).parse(SAMPLE_VARIABLES)
        return Manifest.read(settings.description_dir)


@pytest.fixture(scope="session")
def worker_databases(server: Databases) -> Iterator[Databases]:
    """Return databases whose warehouse belongs to this worker alone."""
    name = f"raw_{uuid.uuid4().hex[:12]}"
    with server.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    yield replace(server, warehouse=server.warehouse.derive(dbname=name))
    with server.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def databases(worker_databases: Databases) -> Iterator[Databases]:
    """Return databases whose warehouse is empty."""
    yield worker_databases
    with worker_databases.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select nspname from pg_namespace"
            " where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')"
        )
        for (schema,) in cursor.fetchall():
            cursor.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))


@dataclass(frozen=True, repr=False)
class Warehouse:
    """The warehouse of a test, and what is asked of it."""

    databases: Databases
    manifest: Manifest
    said: io.StringIO
    problems_dir: Path

    @property
    def console(self) -> Console:
        """A console whose words end up in `said`."""
        return Console(error_stream=self.said)

    def load(
        self, domain: str, directory: Path, limit: float | None = None, **variables: object
    ) -> LoadReport:
        """Load an export."""
        return load_export(
            self.databases,
            self.manifest,
            domain,
            directory,
            variables,
            self.console,
            self.problems_dir,
            limit,
        )

    def refusal(self, domain: str, directory: Path, limit: float | None = None) -> CasebookError:
        """Load an export that must be refused; returns the error."""
        with pytest.raises(CasebookError) as caught:
            self.load(domain, directory, limit)
        return caught.value

    def query(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        """Return the rows of a statement."""
        with (
            self.databases.warehouse.session() as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def content(self) -> dict[str, object]:
        """Return all rows of all raw tables and of the runner's own, by table."""
        tables = self.query(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2"
        )
        return {
            f"{schema}.{table}": self.query(
                f'select data::text from "{schema}"."{table}" as data order by 1'
            )
            for schema, table in tables
        }


@pytest.fixture
def warehouse(databases: Databases, manifest: Manifest, tmp_path: Path) -> Warehouse:
    """Return an empty warehouse with the project's manifest."""
    return Warehouse(databases, manifest, io.StringIO(), tmp_path / "problems")


MakeExport = Callable[..., Path]


@pytest.fixture
def make_export(tmp_path: Path) -> MakeExport:
    """Return a function that writes the export of a domain into a new folder.

    Files are replaced by name (`studies="…"`, as text or bytes), or left out with None.
    """

    def write(domain: str, **changed: str | bytes | None) -> Path:
        folder = tmp_path / uuid.uuid4().hex
        folder.mkdir()
        for name, text in EXPORTS[domain].items():
            content = changed.get(name.removesuffix(".csv"), text)
            if content is not None:
                data = content if isinstance(content, bytes) else content.encode()
                (folder / name).write_bytes(data)
        return folder

    return write


@pytest.fixture
def connection(databases: Databases) -> Iterator[Connection]:
    """Connect to the warehouse of this test."""
    with databases.warehouse.session() as opened:
        yield opened
