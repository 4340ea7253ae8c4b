"""Unit tests of models pass, and pin the settings that their results hang on.

A project may set its own: with dates of service by the year, say, `dbt build` has to pass as well.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

from orchestrate.building.environment import dbt_environment
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook

# Where data comes from is the runner's to say.
_NOT_SETTINGS: Final = frozenset(
    {"residency_source", "advocacy_source", "landed_schema", "source_time_zone"}
)
_VARIABLE: Final = re.compile(r"\bvar\(\s*['\"](\w+)['\"]")


def read_by(node: dict[str, Any], macros: dict[str, Any], seen: set[str]) -> set[str]:
    """Return the variables that a model or macro reads, by itself and in this project's macros."""
    found = set(_VARIABLE.findall(node.get("raw_code") or node.get("macro_sql") or ""))
    for macro_id in node["depends_on"]["macros"]:
        if macro_id.startswith("macro.casebook.") and macro_id not in seen:
            seen.add(macro_id)
            found |= read_by(macros[macro_id], macros, seen)
    return found


def test_unit_tests_pin_the_settings_that_their_models_read(
    built_target: Path, figure: Callable[[str], None]
) -> None:
    project = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))
    settings = set(project["vars"]) - _NOT_SETTINGS
    manifest = json.loads((built_target / "manifest.json").read_text(encoding="utf-8"))
    missing, pinned = [], 0
    for test in manifest["unit_tests"].values():
        model = manifest["nodes"][f"model.casebook.{test['model']}"]
        needed = read_by(model, manifest["macros"], set()) & settings
        given = set(((test["overrides"] or {}).get("vars")) or {})
        missing += [f"{test['name']}: {name}" for name in sorted(needed - given)]
        pinned += len(needed)
    assert missing == []
    assert pinned > len(settings)
    figure(f"settings: unit tests pin {pinned} that their models read")


def test_unit_tests_pass(
    published: Casebook, built_target: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    warehouse = published.databases.warehouse
    connecting = dbt_environment(
        warehouse.parameters, warehouse.password(), tmp_path / "service.conf"
    )
    folders = ["--profiles-dir", str(published.settings.profiles_dir)]
    folders += ["--target-path", str(tmp_path), "--log-path", str(tmp_path)]
    done = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "test", "--select", "test_type:unit", *folders],
        cwd=PROJECT_DIR,
        env={**os.environ, **connecting},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    results = json.loads((tmp_path / "run_results.json").read_text(encoding="utf-8"))["results"]
    manifest = json.loads((built_target / "manifest.json").read_text(encoding="utf-8"))
    passed = {result["unique_id"] for result in results if result["status"] == "pass"}
    assert passed == set(manifest["unit_tests"])
    figure(f"unit tests: {len(passed)} pass")
