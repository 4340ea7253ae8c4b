"""The changelog knows the version and every published relation and function."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from orchestrate.settings import PROJECT_DIR

CHANGELOG = (PROJECT_DIR / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_newest_version_is_the_projects() -> None:
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", CHANGELOG, re.MULTILINE)
    assert versions[0] == project["project"]["version"]


@pytest.mark.slow
def test_schema_changes_name_all_that_is_published(built_target: Path) -> None:
    named = set(re.findall(r"^\| `(\w+\.\w+)` \|", CHANGELOG, re.MULTILINE))
    manifest = json.loads((built_target / "manifest.json").read_text(encoding="utf-8"))
    marts = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    ]
    published = {
        f"{node['config']['schema']}.{node['alias']}"
        for node in (*marts, *manifest["functions"].values())
    }
    assert named == published
