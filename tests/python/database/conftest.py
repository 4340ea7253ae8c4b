"""Homes of embedded servers to start, kill and break; each test has its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import servers
from embedded import NOBODY, in_a_process_of_its_own, make_scope, settings_of
from postgres15 import postgres15_cluster, system_postgres

from orchestrate.console import Console
from orchestrate.database import Databases, open_databases, remove_embedded, stop
from orchestrate.settings import Settings

__all__ = ["postgres15_cluster", "system_postgres"]


@pytest.fixture
def console() -> Console:
    """Return a console that writes to standard error."""
    return Console()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that every account can enter, unlike pytest's own temporary folders."""
    path = Path(tempfile.mkdtemp(prefix="casebook-database-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def new_home(folder: Path) -> Iterator[Callable[[str], Settings]]:
    """Return a function that makes settings for a home of a given name, removed afterwards."""
    servers.skip_unless_embedded()
    made: list[Settings] = []

    def make(name: str) -> Settings:
        made.append(settings_of(folder / name))
        return made[-1]

    yield make
    for settings in made:
        remove_embedded(settings)


@pytest.fixture(scope="session")
def resting_home() -> Iterator[Path]:
    """Make one home with warehouse and a scope's database, and stop its server."""
    servers.skip_unless_embedded()
    path = Path(tempfile.mkdtemp(prefix="casebook-resting-"))
    path.chmod(0o755)
    settings = settings_of(path / "home")
    make_scope(open_databases(settings, Console()))
    stop(settings)
    yield settings.home
    remove_embedded(settings)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def disposable(resting_home: Path, new_home: Callable[[str], Settings]) -> Settings:
    """Return a whole Casebook, its server stopped, for a test to ruin or move."""
    settings = new_home("home")
    subprocess.run(["cp", "-a", str(resting_home), str(settings.home)], check=True)
    return settings


@pytest.fixture
def stopped(running: tuple[Settings, Databases]) -> Settings:
    """Return a whole Casebook, its server stopped, for a test that it survives."""
    settings, _ = running
    stop(settings)
    return settings


@pytest.fixture(scope="module")
def running(resting_home: Path) -> Iterator[tuple[Settings, Databases]]:
    """Return a running server that the tests of a module share."""
    path = Path(tempfile.mkdtemp(prefix="casebook-running-"))
    path.chmod(0o755)
    settings = settings_of(path / "home")
    subprocess.run(["cp", "-a", str(resting_home), str(settings.home)], check=True)
    yield settings, open_databases(settings, Console())
    remove_embedded(settings)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def as_nobody() -> Callable[[Callable[[], object]], str]:
    """Return a function that does something as another ordinary user, without rights of root."""
    if os.geteuid() != 0:
        pytest.skip("Only root can do something as another user")
    return partial(in_a_process_of_its_own, uid=NOBODY)
