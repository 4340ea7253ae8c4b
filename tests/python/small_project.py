"""A small dbt project with this project's macros and generic tests, built on a server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrate.building.environment import dbt_environment
from orchestrate.database import ConnectionTarget
from orchestrate.settings import PROJECT_DIR

FILES = Path(__file__).parent / "macros" / "project"
# Two and a half of the batches in which seeds are loaded.
MANY = 25_001


@dataclass(frozen=True)
class Build:
    """What became of the small project: the status of each node by name, and its database."""

    statuses: Mapping[str, str]
    warehouse: ConnectionTarget

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query on what was built."""
        with self.warehouse.session() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()


def build(project: Path, warehouse: ConnectionTarget) -> Mapping[str, str]:
    """Copy the small project and build it with dbt; return each node's status."""
    shutil.copytree(FILES, project)
    shutil.copytree(PROJECT_DIR / "macros", project / "macros")
    shutil.copytree(PROJECT_DIR / "tests" / "generic", project / "tests" / "generic")
    shutil.copy(PROJECT_DIR / "profiles.example.yml", project / "profiles.yml")
    many = "".join(f"{number}\n" for number in range(MANY))
    (project / "seeds" / "many.csv").write_text(f"number\n{many}", encoding="utf-8")
    connecting = dbt_environment(
        warehouse.parameters, warehouse.password(), project / "service.conf"
    )
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "--quiet", "--warn-error", "build"],
        cwd=project,
        env={**os.environ, **connecting},
        capture_output=True,
        text=True,
        check=False,
    )
    results = project / "target" / "run_results.json"
    assert results.exists(), done.stdout
    return {
        result["unique_id"].split(".")[2]: result["status"]
        for result in json.loads(results.read_text(encoding="utf-8"))["results"]
    }
