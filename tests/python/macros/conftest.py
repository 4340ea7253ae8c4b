"""The small project, built once per test session."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
from postgres15 import postgres15_cluster, system_postgres
from small_project import Build, build

from orchestrate.console import Console
from orchestrate.database import open_databases
from orchestrate.settings import Settings

__all__ = ["postgres15_cluster", "system_postgres"]


@pytest.fixture(scope="session")
def built() -> Iterator[Build]:
    """Build the small project: seeds, models and tests."""
    folder = Path(tempfile.mkdtemp(prefix="casebook-macros-"))
    folder.chmod(0o755)
    settings = Settings.from_environment(servers.variables(folder / "home"))
    try:
        warehouse = open_databases(settings, Console()).warehouse
        yield Build(build(folder / "project", warehouse), warehouse)
    finally:
        servers.remove(settings)
        shutil.rmtree(folder, ignore_errors=True)
