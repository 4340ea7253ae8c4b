"""Fixtures shared by all tests: Casebooks that were really run, each made once per test session.

A Casebook is a home of its own (server, passwords, dbt's artifacts) and an output folder. Workers
of pytest-xdist share the ones that tests only read; whoever comes first makes them.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import servers

from orchestrate.console import Console
from orchestrate.database import Databases, open_databases
from orchestrate.driver import Connection
from orchestrate.errors import CasebookError
from orchestrate.settings import PROJECT_DIR, Settings

REAL_EXPORT = PROJECT_DIR.parent / "shared" / "data" / "mighty_analyst"
SHARED = "CASEBOOK_TEST_SESSION_DIR"
SOAK = "CASEBOOK_SOAK"
FIGURE = "figure"
# Casebooks that many tests share, and the advocacy export that each loads; None: the sample.
MADE = {"sample": None, "export": REAL_EXPORT}


@dataclass(frozen=True)
class Casebook:
    """One Casebook of the tests: its home, its output folder, and its command line."""

    home: Path
    output_dir: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which its commands run: nothing of Casebook's from outside."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CASEBOOK_")}
        return {**kept, **servers.variables(self.home)}

    @property
    def settings(self) -> Settings:
        """Its settings, as its commands read them."""
        return replace(Settings.from_environment(self.environment), output_dir=self.output_dir)

    @property
    def databases(self) -> Databases:
        """Its databases; starts its server when it is stopped."""
        return open_databases(self.settings, Console())

    def command(
        self, *arguments: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `casebook …` as a process of its own and return what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "orchestrate", *arguments],
            cwd=PROJECT_DIR,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"casebook {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}"
            )
        return done

    def run(self, *options: str) -> dict[str, object]:
        """Run `casebook run` into the output folder; returns what it says of itself."""
        done = self.command("run", "--out", str(self.output_dir), "--json", *options)
        result: dict[str, object] = json.loads(done.stdout)
        return result

    def stop(self) -> None:
        """Stop its server and delete what only the server may."""
        with suppress(CasebookError):  # a test may have ruined it
            servers.remove(self.settings)


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that all workers of this session share."""
    if not hasattr(config, "workerinput"):
        # Short and outside pytest's own folders: those are closed to the server's system user.
        os.environ[SHARED] = tempfile.mkdtemp(prefix="casebook-tests-")
        Path(os.environ[SHARED]).chmod(0o755)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the shared servers and delete the folder when the last worker is done."""
    if hasattr(config, "workerinput"):
        return
    shared = Path(os.environ.pop(SHARED))
    for home in shared.glob("*/home"):
        Casebook(home, home.parent / "output").stop()
    shutil.rmtree(shared, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for `soak`, so that `make soak` finds it."""
    for item in items:
        if "soak" in getattr(item, "fixturenames", ()):
            item.add_marker("soak")


@pytest.fixture(scope="session")
def soak() -> bool:
    """Tell whether to try everything rather than a seeded sample: CASEBOOK_SOAK=1."""
    return os.environ.get(SOAK, "") not in {"", "0"}


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Return a function that adds a line to the figures at the end of the test run."""

    def add(line: str) -> None:
        record_property(FIGURE, line)

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests counted and measured, from all workers."""
    lines = [
        str(value)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == FIGURE
    ]
    if lines:
        terminalreporter.section("figures")
        for line in sorted(lines):
            terminalreporter.write_line(line)


def made_once(name: str) -> Casebook:
    """Return a shared Casebook after `casebook run`; the first caller makes it.

    While another worker makes it, this one makes another one that will be needed, and then waits.
    """
    for other in (name, *(one for one in MADE if one != name)):
        if _make(other, wait=False) and other == name:
            break
    else:
        _make(name, wait=True)
    return _shared(name)


def _shared(name: str) -> Casebook:
    folder = Path(os.environ[SHARED]) / name
    return Casebook(folder / "home", folder / "output")


def _make(name: str, *, wait: bool) -> bool:
    """Make a shared Casebook unless it is there; False where it is not, and would be waited for.

    A copy of its home, at rest, stays beside it for tests that need one of their own.
    """
    casebook, export = _shared(name), MADE[name]
    folder = casebook.home.parent
    folder.mkdir(exist_ok=True)
    if export is not None and not export.is_dir():
        return False
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if not (folder / "done").exists():
            open_databases(casebook.settings, Console(error_stream=io.StringIO()))
            servers.hurry(casebook.settings)
            if export is not None:
                casebook.command("load", "advocacy", str(export))
            casebook.run()
            servers.administer(casebook.settings)
            servers.stop(casebook.settings)
            (folder / "resting").mkdir()
            servers.copy_home(casebook.home, folder / "resting" / "home")
            servers.start(casebook.home)
            (folder / "done").touch()
    return True


@pytest.fixture(scope="session")
def published() -> Casebook:
    """Return a Casebook after `casebook run` on the samples; tests read it, none changes it."""
    return made_once("sample")


@pytest.fixture(scope="session")
def published_export() -> Casebook:
    """Return a Casebook after `casebook load advocacy` of the real export and `casebook run`."""
    if not REAL_EXPORT.is_dir():
        pytest.skip(f"The real advocacy export is not at {REAL_EXPORT}.")
    return made_once("export")


@pytest.fixture
def own_casebook(published: Casebook) -> Iterator[Casebook]:
    """Return a published Casebook of one's own, to change and to break."""
    with own_copy(published) as copy:
        yield copy


@pytest.fixture(scope="module")
def module_casebook(published: Casebook) -> Iterator[Casebook]:
    """Return a published Casebook that the tests of one module share and leave as it was."""
    with own_copy(published) as copy:
        yield copy


@contextmanager
def own_copy(original: Casebook) -> Iterator[Casebook]:
    """Copy a shared Casebook from its home at rest, and throw the copy away afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="own-", dir=os.environ[SHARED]))
    folder.chmod(0o755)
    copy = Casebook(folder / "home", folder / "output")
    servers.copy_home(original.home.parent / "resting" / "home", copy.home)
    servers.start(copy.home)
    shutil.copytree(original.output_dir, copy.output_dir)
    try:
        yield copy
    finally:
        copy.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def warehouse(published: Casebook) -> Iterator[Connection]:
    """Connect to the warehouse of the samples, as the builder."""
    with published.databases.warehouse.session("casebook tests") as connection:
        yield connection


@pytest.fixture(scope="session")
def real_warehouse(published_export: Casebook) -> Iterator[Connection]:
    """Connect to the warehouse of the real advocacy export, as the builder."""
    with published_export.databases.warehouse.session("casebook tests") as connection:
        yield connection


@pytest.fixture(scope="session")
def built_target(published: Casebook) -> Path:
    """Return the folder with dbt's manifest.json of the samples."""
    return published.settings.description_dir
