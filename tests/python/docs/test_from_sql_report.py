"""The page that turns a SQL report into a mart is true: its code builds, and agrees as it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from conftest import Casebook

from orchestrate.building.environment import dbt_environment
from orchestrate.settings import PROJECT_DIR

pytestmark = pytest.mark.slow

PAGE = PROJECT_DIR / "docs" / "from-sql-report-to-mart.md"
FENCE = re.compile(r"^```(?:sql|yaml) ([^\n]+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
PARTS = ("models", "seeds", "macros", "functions", "tests/generic")

Key = tuple[str, str]


def code() -> Mapping[str, str]:
    """Return the page's named pieces of code: files by their path, queries by their name."""
    return dict(FENCE.findall(PAGE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def built(module_casebook: Casebook, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Build the page's mart in a copy of the project; return the status of each node by id.

    Left out is the note that every build makes of itself, which is an operation and no node.
    """
    project = tmp_path_factory.mktemp("moving") / "project"
    project.mkdir()
    shutil.copy(PROJECT_DIR / "dbt_project.yml", project)
    shutil.copy(PROJECT_DIR / "profiles.example.yml", project / "profiles.yml")
    for part in PARTS:
        if (PROJECT_DIR / part).is_dir():
            shutil.copytree(PROJECT_DIR / part, project / part)
    for name, content in code().items():
        if name.startswith("models/"):
            (project / name).write_text(content, encoding="utf-8")
    warehouse = module_casebook.databases.warehouse
    connecting = dbt_environment(
        warehouse.parameters, warehouse.password(), project / "service.conf"
    )
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "--quiet", "build", "-s", "visits_by_class"],
        cwd=project,
        env={**os.environ, **connecting},
        capture_output=True,
        text=True,
        check=False,
    )
    results = project / "target" / "run_results.json"
    assert results.exists(), done.stdout
    return {
        result["unique_id"]: result["status"]
        for result in json.loads(results.read_text(encoding="utf-8"))["results"]
        if not result["unique_id"].startswith("operation.")
    }


def rows(casebook: Casebook, query: str) -> dict[Key, tuple[Any, ...]]:
    """Return a query's rows by payer and class, its tables being those of the sample."""
    with casebook.databases.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute("set search_path to sample_advocacy")
        cursor.execute(query)
        return {(payer, kind): tuple(measures) for payer, kind, *measures in cursor.fetchall()}


def test_the_mart_builds_and_its_tests_pass(built: dict[str, str]) -> None:
    assert set(built.values()) == {"success", "pass"}
    kinds = {name.split(".")[0] for name in built}
    assert kinds == {"model", "test", "unit_test"}


@pytest.mark.usefixtures("built")
def test_the_corrected_report_agrees_and_the_old_one_does_not(module_casebook: Casebook) -> None:
    pieces = code()
    mart = rows(module_casebook, pieces["mart"])
    corrected = rows(module_casebook, pieces["corrected report"])
    assert mart
    assert mart.keys() == corrected.keys()
    for key, (visits, patients, cost, covered) in corrected.items():
        share = Decimal(covered).quantize(Decimal("0.000001"))
        assert mart[key] == (visits, patients, cost, share)
    try:
        old = rows(module_casebook, pieces["report"])
    except psycopg2.errors.DivisionByZero:
        return
    assert {key: value[0] for key, value in old.items()} != {
        key: value[0] for key, value in mart.items()
    }
