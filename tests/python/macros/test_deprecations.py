"""No file of the dbt project uses what dbt is going to drop.

dbt checks YAML files against its schemas only for the adapters in a set that lacks postgres. Adding
it there turns the checks on. That the set is still where it was is a test of its own: a new release
of dbt could make the others pass by checking nothing.
"""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from orchestrate.settings import PROJECT_DIR

SUPPORTED = "_JSONSCHEMA_SUPPORTED_ADAPTERS"
PROJECT_FILE = "{name: tiny, version: '1.0.0', config-version: 2, profile: casebook}\n"
# A property that dbt does not know stands beside those that it knows, not under config.meta.
DEPRECATED = "models:\n  - name: one\n    owner: somebody\n"


@pytest.fixture
def jsonschemas() -> ModuleType:
    """Return dbt's module; collecting the tests does not wait for dbt to be imported."""
    return importlib.import_module("dbt.jsonschemas.jsonschemas")


@pytest.fixture
def checks_are_on(jsonschemas: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make dbt check YAML for postgres too."""
    monkeypatch.setattr(jsonschemas, SUPPORTED, {*getattr(jsonschemas, SUPPORTED), "postgres"})


def parse(project: Path, folder: Path) -> str:
    """Parse a project from scratch with warnings as errors; return what dbt objects to."""
    from dbt.cli.main import dbtRunner

    shutil.copy(PROJECT_DIR / "profiles.example.yml", folder / "profiles.yml")
    places = ["--project-dir", project, "--profiles-dir", folder]
    places += ["--target-path", folder / "target", "--log-path", folder / "logs"]
    options = ["--quiet", "--warn-error", "--no-partial-parse"]
    result = dbtRunner().invoke([*options, "parse", *map(str, places)])
    return str(result.exception or "")


@pytest.fixture
def deprecated_project(tmp_path: Path) -> Path:
    """Write a small project with a deprecated property."""
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text(PROJECT_FILE, encoding="utf-8")
    (tmp_path / "models" / "one.sql").write_text("select 1 as number", encoding="utf-8")
    (tmp_path / "models" / "one.yml").write_text(DEPRECATED, encoding="utf-8")
    return tmp_path


def test_dbt_still_keeps_the_set_of_checked_adapters(jsonschemas: ModuleType) -> None:
    assert isinstance(getattr(jsonschemas, SUPPORTED, None), set)


@pytest.mark.usefixtures("checks_are_on")
def test_a_deprecated_property_is_found(deprecated_project: Path) -> None:
    assert "CustomKeyInObjectDeprecation" in parse(deprecated_project, deprecated_project)


def test_without_the_checks_nothing_is_found(deprecated_project: Path) -> None:
    assert parse(deprecated_project, deprecated_project) == ""


@pytest.mark.slow
@pytest.mark.usefixtures("checks_are_on")
def test_the_project_uses_nothing_deprecated(tmp_path: Path) -> None:
    assert parse(PROJECT_DIR, tmp_path) == ""
