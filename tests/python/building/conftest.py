"""A dbt project of three files, and a database of one's own to build it in."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg2 import sql

from orchestrate.building.dbt import Dbt
from orchestrate.console import Console
from orchestrate.database import ConnectionTarget
from orchestrate.settings import PROJECT_DIR, Settings
from tests.python.loading.conftest import shared_server

PROJECT = """
name: casebook
profile: casebook
config-version: 2
flags: {send_anonymous_usage_stats: false}
models: {+materialized: table}
vars: {rows: 3}
"""
NUMBERS = (
    "select number, case when number > 1 then 'canary' end as secret\n"
    "from generate_series(1, {{ var('rows') }}) as numbers (number)\n"
)
NUMBERS_YML = """
models:
  - name: numbers
    columns:
      - name: number
        data_tests:
          - unique
      - name: secret
        data_tests:
          - not_null:
              name: secrets_are_known
              description: A number without a secret cannot be kept.
              config: {severity: "{{ var('severity', 'warn') }}"}
unit_tests:
  - name: numbers_are_never_right
    model: numbers
    given: []
    expect: {rows: []}
"""
FILES = {
    "dbt_project.yml": PROJECT,
    "models/numbers.sql": NUMBERS,
    "models/numbers.yml": NUMBERS_YML,
    "seeds/codes.csv": "code,name\n1,one\n",
    "models/later.sql": "select number from {{ ref('numbers') }} cross join {{ ref('codes') }}\n",
}


@pytest.fixture(scope="session")
def own_database() -> Iterator[ConnectionTarget]:
    """Return an empty database on the server that the tests of raw tables use, too."""
    server = shared_server().warehouse
    name = f"dbt_{uuid.uuid4().hex[:12]}"
    with server.session() as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    target = server.derive(dbname=name)
    with target.session() as connection, connection.cursor() as cursor:
        cursor.execute("create schema casebook; create table casebook.codes as select '1' as code")
    yield target
    with server.session() as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def said() -> io.StringIO:
    """Return what the console of `project` was told."""
    return io.StringIO()


Project = Callable[..., Dbt]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of a project and a home with spaces in their names."""
    return replace(
        Settings.from_environment({"CASEBOOK_HOME": str(tmp_path / "a home")}),
        project_dir=tmp_path / "a project",
    )


@pytest.fixture
def project(settings: Settings, own_database: ConnectionTarget, said: io.StringIO) -> Project:
    """Return a function that writes the project, with files replaced by path, and opens it."""

    def write(changed: dict[str, str] | None = None, target: ConnectionTarget | None = None) -> Dbt:
        example = (PROJECT_DIR / "profiles.example.yml").read_text(encoding="utf-8")
        files = {**FILES, "profiles.example.yml": example, **(changed or {})}
        for name, text in files.items():
            path = settings.project_dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Dbt(settings, target or own_database, Console(error_stream=said))

    return write
