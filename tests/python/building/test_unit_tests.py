"""Unit tests run again after each change that they could notice, and only then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrate.building.unit_tests import UnitTests
from orchestrate.settings import Settings

VARIABLES = {"residency_source": "sample"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings of a project with one model, and a home."""
    for folder in ("project/models", "project/macros", "project/seeds", "home"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "project" / "models" / "one.sql").write_text("select 1")
    found = Settings.from_environment({"CASEBOOK_HOME": str(tmp_path / "home")})
    return replace(found, project_dir=tmp_path / "project")


def test_they_have_passed_once_that_is_remembered(settings: Settings) -> None:
    assert not UnitTests(settings, VARIABLES, "here").have_passed
    UnitTests(settings, VARIABLES, "here").remember()
    assert UnitTests(settings, VARIABLES, "here").have_passed


@pytest.mark.parametrize("changed", ["models/one.sql", "macros/new.sql", "dbt_project.yml"])
def test_a_changed_file_has_them_run_again(settings: Settings, changed: str) -> None:
    UnitTests(settings, VARIABLES, "here").remember()
    (settings.project_dir / changed).write_text("changed")
    assert not UnitTests(settings, VARIABLES, "here").have_passed


def test_other_variables_and_other_warehouses_have_them_run_again(settings: Settings) -> None:
    UnitTests(settings, VARIABLES, "here").remember()
    assert not UnitTests(settings, {"residency_source": "export"}, "here").have_passed
    assert not UnitTests(settings, VARIABLES, "there").have_passed


def test_a_change_in_the_midst_of_a_build_is_not_taken_for_tested(settings: Settings) -> None:
    building = UnitTests(settings, VARIABLES, "here")
    (settings.project_dir / "models" / "one.sql").write_text("select 2")
    building.remember()
    assert not UnitTests(settings, VARIABLES, "here").have_passed
