"""A dry run, `dbt build --empty`, makes every seed, model and function, as the real build does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from psycopg2 import sql

from orchestrate.driver import Connection
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook

pytestmark = pytest.mark.slow

SCHEMA = "empty"


def test_an_empty_build_makes_every_model(
    published: Casebook, warehouse: Connection, tmp_path: Path
) -> None:
    parameters = warehouse.get_dsn_parameters()
    environment = {
        **published.environment,
        "CASEBOOK_DBT_HOST": parameters["host"],
        "CASEBOOK_DBT_PORT": parameters["port"],
        "CASEBOOK_DBT_USER": parameters["user"],
        "CASEBOOK_DBT_DATABASE": parameters["dbname"],
        "CASEBOOK_DBT_SCHEMA": SCHEMA,
        "DBT_ENV_SECRET_CASEBOOK_PASSWORD": published.databases.warehouse.password(),
    }
    (tmp_path / "profiles.yml").write_bytes((PROJECT_DIR / "profiles.example.yml").read_bytes())
    program = "import sys; from dbt.cli.main import cli; cli(sys.argv[1:])"
    options = ["--empty", "--exclude-resource-types", "test", "unit_test", "--quiet"]
    folders = ["--profiles-dir", str(tmp_path), "--target-path", str(tmp_path / "target")]
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, "build", *options, *folders],
            cwd=PROJECT_DIR,
            env={**environment, "DBT_LOG_PATH": str(tmp_path / "logs")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        with warehouse, warehouse.cursor() as cursor:
            cursor.execute("select count(*) from empty_residency.fct_studies")
            assert cursor.fetchone() == (0,)
            cursor.execute("select count(*) from empty_management.unaffiliated_patient_clusters")
            assert cursor.fetchone() == (0,)
    finally:
        with warehouse, warehouse.cursor() as cursor:
            cursor.execute("select nspname from pg_namespace where nspname ~ '^empty(_|$)'")
            for (schema,) in cursor.fetchall():
                cursor.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
