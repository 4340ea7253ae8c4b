"""A Casebook small enough to publish in a second: hand-made marts with the artifacts of dbt.

One server per worker, emptied after each test. Import the fixtures into a conftest:
`from tiny import tiny, tiny_server`.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import scoped
import servers
from psycopg2 import sql
from psycopg2.extras import execute_values
from tiny_manifest import STAGING, passing_results, tiny_manifest

from orchestrate.access.scopes import ScopeDatabase
from orchestrate.console import Console
from orchestrate.database import ConnectionTarget, Databases, open_databases
from orchestrate.driver import Cursor
from orchestrate.publishing import PublishedVersion, publish
from orchestrate.settings import Settings

Row = tuple[Any, ...]

MEMBERS: tuple[Row, ...] = (
    ("program_director", "program", None, None, None),
    ("resident_one", "resident", None, None, "One, Ann"),
    ("open_reader", "client", "humana", None, None),
    ("hospice_reader", "client", "humana", "hospice", None),
    ("other_reader", "client", "united", None, None),
    ("staff_member", "staff", None, None, None),
)


# Rows of some of what the publisher reads beside the marts.
STAGED: Mapping[str, Sequence[Row]] = {
    "stg_reference__payer_groups": [("Aetna", True), ("UnitedHealthcare", False)],
    "stg_reference__restrictions": [("humana", "hospice")],
    "stg_reference__specialties": [("385763009", "hospice", "Hospice")],
    "stg_reference__specialty_words": [("hospice", "hospice")],
}


def column_type(name: str) -> str:
    """Return the type of a column of a private model, which its name tells."""
    return "boolean" if name.endswith("_is_visible") else "text"


def note_build(cursor: Cursor, invocation_id: str) -> None:
    """Write what the project's `record_build` writes when dbt starts."""
    cursor.execute("create schema if not exists casebook; drop table if exists casebook.last_build")
    cursor.execute(
        "create table casebook.last_build as select true as only_row, %s as invocation_id,"
        " now() as started_at, 'sample' as advocacy_source, 'one' as pseudonym_key_id,"
        " 'sample' as residency_source",
        (invocation_id,),
    )


SCOPES = (
    ("scope-humana-open", "humana", "open"),
    ("scope-humana-more", "humana", "hospice"),
    ("scope-united-open", "united", "open"),
)


MEMBER_COLUMNS = ("login", "audience", "client_id", "specialty_id", "resident_name")


def create_table(
    cursor: Any, name: tuple[str, str], columns: Mapping[str, str], rows: Sequence[Row]
) -> None:
    """Make a table of the warehouse anew; rows are cut or filled with nulls to its columns."""
    relation = sql.Identifier(*name)
    definitions = [
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(data_type))
        for column, data_type in columns.items()
    ]
    cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(name[0])))
    cursor.execute(sql.SQL("drop table if exists {}").format(relation))
    cursor.execute(
        sql.SQL("create table {} ({})").format(relation, sql.SQL(", ").join(definitions))
    )
    padded = [(*row, *[None] * len(columns))[: len(columns)] for row in rows]
    execute_values(
        cursor,
        sql.SQL("insert into {} values %s").format(relation).as_string(cursor),
        padded,
        template="(" + ", ".join(f"%s::{data_type}" for data_type in columns.values()) + ")",
    )


def create_function(cursor: Any, node: Mapping[str, Any]) -> None:
    """Make a function of the warehouse anew, in SQL or, where its body has a block, in PL/pgSQL."""
    name = sql.Identifier(node["schema"], node["name"])
    arguments = [
        sql.SQL("{} {} default {}").format(
            sql.Identifier(one["name"]), sql.SQL(one["data_type"]), sql.SQL(one["default_value"])
        )
        for one in node["arguments"]
    ]
    cursor.execute("set local check_function_bodies = off")
    cursor.execute(sql.SQL("drop function if exists {}").format(name))
    cursor.execute(
        sql.SQL(
            "create function {} ({}) returns {} language {} stable"
            " set search_path to pg_catalog, pg_temp as {}"
        ).format(
            name,
            sql.SQL(", ").join(arguments),
            sql.SQL(node["returns"]["data_type"]),
            sql.SQL("plpgsql" if "begin" in node["compiled_code"] else "sql"),
            sql.Literal(node["compiled_code"]),
        )
    )


@dataclass
class Tiny:
    """A server's databases, a target folder, and the tables that its manifest describes."""

    settings: Settings
    databases: Databases
    manifest: dict[str, Any] = field(default_factory=tiny_manifest)
    results: dict[str, Any] = field(default_factory=dict)
    members: Sequence[Row] = MEMBERS
    said: io.StringIO = field(default_factory=io.StringIO)

    @property
    def target_dir(self) -> Path:
        """Where the artifacts are written."""
        return self.settings.target_dir

    def node(self, name: str) -> dict[str, Any]:
        """Return the manifest's node of a model, to change."""
        found: dict[str, Any] = self.manifest["nodes"][f"model.casebook.{name}"]
        return found

    def build(self, generation: int = 1) -> None:
        """Fill the warehouse and write the artifacts; every value tells the generation."""
        mark = f"g{generation}"
        columns = {
            name: {key: entry["data_type"] for key, entry in self.node(name)["columns"].items()}
            for name in (
                "case_log_totals",
                "fct_studies",
                "case_log_group_progress",
                "procedure_summary",
            )
        }
        with self.databases.warehouse.connect() as connection, connection.cursor() as cursor:
            for schema, name, rows in (
                ("residency", "case_log_totals", [("One, Ann", generation), ("Two, Bob", 0)]),
                (
                    "residency",
                    "fct_studies",
                    [(f"{mark}-{i}", ("One, Ann", "Two, Bob")[i % 2], i) for i in range(20)],
                ),
                ("residency", "case_log_group_progress", [("chest_xray", generation)]),
                (
                    "clients",
                    "procedure_summary",
                    [
                        ("scope-humana-open", "humana", "73761001", "73761001", generation),
                        ("scope-humana-more", "humana", "73761001", "73761001", generation),
                        ("scope-humana-more", "humana", "385763009", "hospice", generation),
                        ("scope-united-open", "united", "385763009", "hospice", generation),
                    ],
                ),
            ):
                create_table(cursor, (schema, name), columns[name], rows)
            for schema, name, names, rows in (
                ("staging", "stg_reference__members", MEMBER_COLUMNS, self.members),
                *(
                    ("staging", name, columns, STAGED.get(name, ()))
                    for name, columns in STAGING.items()
                ),
                (
                    "intermediate",
                    "int_client_scopes",
                    ["scope_id", "client_id", "visibility"],
                    SCOPES,
                ),
                (
                    "intermediate",
                    "int_codes_hidden",
                    ["scope_id", "code"],
                    [("scope-humana-open", "385763009")],
                ),
            ):
                types = {one: column_type(one) for one in names}
                create_table(cursor, (schema, name), types, rows)
            for node in self.manifest["functions"].values():
                create_function(cursor, node)
            note_build(cursor, self.manifest["metadata"]["invocation_id"])
        connection.close()
        self.results = passing_results(self.manifest)

    def write_artifacts(self) -> None:
        """Write what dbt would have written."""
        self.target_dir.mkdir(parents=True, exist_ok=True)
        for name, content in (("manifest", self.manifest), ("run_results", self.results)):
            (self.target_dir / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")

    def publish(self, *, build: bool = False, **options: Any) -> PublishedVersion:
        """Publish what the artifacts describe; `build`: as they are after a build of everything.

        The options are those of `publishing.publish`.
        """
        if build or not self.results:
            self.build()
        self.write_artifacts()
        console = Console(error_stream=self.said, output_stream=io.StringIO())
        return publish(self.settings, self.databases, self.target_dir, console, **options)

    def read(self, login: str, query: str) -> list[Row]:
        """Run a query as a reader."""
        return scoped.read(self.databases, login, query)

    def reader(self, login: str) -> ConnectionTarget:
        """Return how a reader connects."""
        return scoped.reader(self.databases, login)

    def place(self, login: str) -> ScopeDatabase:
        """Return the database of the scope that a login reads."""
        return scoped.place_of(self.databases, login)

    def as_owner(self, query: str, login: str = "program_director") -> list[Row]:
        """Run a statement as the owner of the tables, in the database that a login reads."""
        return scoped.as_owner(self.place(login), query)

    def as_builder(self, query: str) -> list[Row]:
        """Run a statement in the warehouse."""
        with self.databases.warehouse.session() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else []

    def content(self) -> list[tuple[str, list[Row]]]:
        """Return all that the sample's readers see, to compare before and after."""
        return [
            (login, self.read(login, f"select * from {relation} order by 2, 3"))
            for login, relation in (
                ("program_director", "residency.fct_studies"),
                ("program_director", "residency.case_log_totals"),
                ("resident_one", "residency.fct_studies"),
                ("open_reader", "clients.procedure_summary"),
                ("hospice_reader", "clients.procedure_summary"),
            )
        ]


@pytest.fixture(scope="session")
def tiny_server() -> Iterator[Databases]:
    """Return the databases of a server for this worker's tests."""
    folder = Path(tempfile.mkdtemp(prefix="casebook-tiny-"))
    folder.chmod(0o755)
    settings = Settings.from_environment(servers.variables(folder / "home"))
    databases = open_databases(settings, Console(error_stream=io.StringIO()))
    servers.hurry(settings)
    servers.administer(settings)
    yield databases
    servers.remove(settings)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def make_tiny(server: Databases, folder: Path) -> Iterator[Tiny]:
    """Make a tiny Casebook, built and not yet published; empty its server afterwards."""
    made = Tiny(Settings.from_environment({"CASEBOOK_HOME": str(folder)}), server)
    made.build()
    yield made
    made.as_builder("drop schema residency, clients, staging, intermediate cascade")
    scoped.empty(server)


@pytest.fixture
def tiny(tiny_server: Databases, tmp_path: Path) -> Iterator[Tiny]:
    """Return a tiny Casebook for one test."""
    with make_tiny(tiny_server, tmp_path) as made:
        yield made
