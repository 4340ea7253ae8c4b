"""Fixtures shared by all tests: Casebooks that were really run, each made once.

A Casebook is a home of its own (server, passwords, dbt's artifacts) and an output folder. Workers
of pytest-xdist share the ones that tests only read; whoever comes first makes them, or finds what
an earlier session kept of the same project.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

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
# Fixtures that take a whole run; a `dataset` asks for one by its name.
RUNS = frozenset({"published", "published_export", "dataset"})
# Casebooks at rest, by name and by a fingerprint of what made them; of each name the latest few.
KEPT = PROJECT_DIR / ".pytest_cache" / "casebooks"
MOST_KEPT = 2
# What a run reads, and how the tests make servers.
MADE_OF = (
    *("*.yml", "*.lock", "pyproject.toml", ".dbtignore", "docs/databases.md"),
    *(f"{folder}/**/*.*" for folder in ("analyses", "functions", "macros", "models", "seeds")),
    *("orchestrate/**/*.*", "tests/**/*.sql", "tests/**/*.yml"),
    *(f"tests/python/{name}.py" for name in ("conftest", "servers", "postgres15")),
)


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
    """Put files in order, and mark tests by what they ask for.

    Whatever needs a whole run is slow, and `make soak` finds what asks for `soak`. First comes a
    file for which most has to be made, for one worker; then all that need nothing of it, for the
    other one, which so never waits.
    """
    needed: dict[Path, set[str]] = {}
    for item in items:
        # Some fixtures are asked for by a parameter.
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        names = {*getattr(item, "fixturenames", ())}
        names.update(value for value in parameters if isinstance(value, str))
        needed.setdefault(item.path, set()).update(names & {*RUNS, "challenged"})
        if "soak" in names:
            item.add_marker("soak")
        if not names.isdisjoint(RUNS):
            item.add_marker("slow")
    first = next((path for path, names in needed.items() if "challenged" in names), None)
    items.sort(key=lambda item: (item.path != first, bool(needed[item.path])))


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


def made_once(name: str, make: Callable[[Casebook], None], *sources: Path) -> Casebook:
    """Return a shared Casebook; the first caller makes it, unless one of the same is kept.

    `sources` are files that it is made of beside the project's. What `make` leaves is kept at rest,
    and tests that need one of their own take a copy.
    """
    folder = Path(os.environ[SHARED]) / name
    casebook = Casebook(folder / "home", folder / "output")
    kept = KEPT / f"{name}-{_fingerprint(sources)}"
    folder.mkdir(exist_ok=True)
    with _locked(folder / "lock"):
        if not (folder / "kept").is_symlink():
            KEPT.mkdir(parents=True, exist_ok=True)
            with _locked(KEPT / f"{name}.lock"):
                if (kept / "done").exists():
                    copy_at_rest(kept, folder)
                else:
                    _forget_all_but_the_latest(name)
                    make(casebook)
                    servers.stop(casebook.settings)
                    copy_at_rest(folder, kept)
                (kept / "done").touch()
            servers.start(casebook.home)
            (folder / "kept").symlink_to(kept)
        _use(kept)
    return casebook


def copy_at_rest(source: Path, target: Path) -> None:
    """Copy the folder of a Casebook whose server is stopped."""
    target.mkdir(exist_ok=True)
    servers.copy_home(source / "home", target / "home")
    for path in (source / "output", source / "said"):
        if path.exists():
            subprocess.run(["cp", "-a", str(path), str(target)], check=True)


def _fingerprint(sources: Sequence[Path]) -> str:
    """Hash all that a shared Casebook is made of; a day is part of it, by which ages are told."""
    files = [path for pattern in MADE_OF for path in sorted(PROJECT_DIR.glob(pattern))]
    outside = sorted(one for one in os.environ.items() if one[0].startswith(("DBT_", "PG")))
    around = (sys.version, datetime.now(UTC).date(), servers.is_postgres15(), outside)
    digest = hashlib.sha256(repr(around).encode())
    for path in (*files, *sources):
        if path.suffix != ".pyc" and path.is_file():
            digest.update(f"{path}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# Locks that this process holds to its end, so that no other session forgets what is in use here.
_in_use: list[IO[str]] = []


def _use(kept: Path) -> None:
    _in_use.append((kept / "done").open())
    fcntl.flock(_in_use[-1], fcntl.LOCK_SH)


def _forget_all_but_the_latest(name: str) -> None:
    """Make room for one more; what is in use, or was never finished, does not count."""
    done = {path: path / "done" for path in KEPT.glob(f"{name}-*")}
    finished = [path for path, mark in done.items() if mark.exists()]
    finished.sort(key=lambda path: done[path].stat().st_mtime)
    for path in (done.keys() - set(finished)) | set(finished[: 1 - MOST_KEPT]):
        if path in finished:
            with done[path].open() as mark, suppress(BlockingIOError):
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
        else:
            shutil.rmtree(path)


def first_run(casebook: Casebook, export: Path | None = None) -> None:
    """Run a new Casebook, on the samples or with an advocacy export."""
    open_databases(casebook.settings, Console(error_stream=io.StringIO()))
    servers.hurry(casebook.settings)
    if export is not None:
        casebook.command("load", "advocacy", str(export))
    casebook.run()
    if servers.administer(casebook.settings):
        # Which limits a server can keep decides what logins are given.
        casebook.command("doctor", "--mend")


@pytest.fixture(scope="session")
def published() -> Casebook:
    """Return a Casebook after `casebook run` on the samples; tests read it, none changes it."""
    return made_once("sample", first_run)


@pytest.fixture(scope="session")
def published_export() -> Casebook:
    """Return a Casebook after `casebook load advocacy` of the real export and `casebook run`."""
    if not REAL_EXPORT.is_dir():
        pytest.skip(f"The real advocacy export is not at {REAL_EXPORT}.")
    return made_once(
        "export", partial(first_run, export=REAL_EXPORT), *sorted(REAL_EXPORT.glob("*.csv"))
    )


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
    copy_at_rest(original.home.parent / "kept", folder)
    servers.start(copy.home)
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
