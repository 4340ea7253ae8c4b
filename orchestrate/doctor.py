"""Checks of everything that a run needs, each with what to do when it is not well.

A check never changes anything but starting the embedded server, which any command does; repair is
asked for.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from orchestrate import loading
from orchestrate.building.manifest import Manifest
from orchestrate.building.pseudonyms import ensure_key
from orchestrate.console import Console
from orchestrate.database import Databases, open_databases
from orchestrate.errors import CasebookError, ExitStatus
from orchestrate.publishing import published_versions
from orchestrate.publishing.versions import read_readers
from orchestrate.repair import current_version, find_problems, repair
from orchestrate.server_checks import (
    Check,
    check_builder,
    check_public,
    check_roles,
    check_servers,
)
from orchestrate.settings import Settings

# A run on the samples takes about 300 MB; a full disk in the middle of one helps nobody.
NEEDED_BYTES = 1_000_000_000


def examine(
    settings: Settings, console: Console, *, mend: bool = False
) -> tuple[list[Check], Sequence[str]]:
    """Make all checks that can be made; later ones need what earlier ones found.

    `mend`: bring access into order first, which needs a home and databases that are well. Return
    the checks, and what was mended.
    """
    checks = [*check_packages(), *check_folders(settings)]
    if any(check.status for check in checks):
        return checks, ()
    try:
        databases = open_databases(settings, console)
    except CasebookError as error:
        return [*checks, Check("databases", error.cause, error.cure, error.status)], ()
    mended = repair(settings, databases, console).mended if mend else ()
    questions: dict[str, Callable[[], Iterable[Check]]] = {
        "warehouse": lambda: check_builder(databases),
        "servers": lambda: check_servers(settings, databases),
        "roles": lambda: [check_roles(databases)],
        "closed to the public": lambda: check_public(databases),
        "names": lambda: check_names(databases),
        "landed tables": lambda: check_landed_tables(settings, databases),
        "access": lambda: check_access(settings, databases),
        "published version": lambda: [check_published(databases)],
    }
    for name, ask in questions.items():
        try:
            checks.extend(ask())
        except CasebookError as error:
            checks.append(Check(name, error.cause, error.cure, error.status))
    return checks, mended


def check_packages() -> Iterator[Check]:
    """Check that Python and every runtime dependency are of a version the project allows."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    yield Check(
        f"Python {found}",
        "this version is not supported",
        "Install Python 3.11, 3.12 or 3.13 and run `make clean run PYTHON=…`.",
        ExitStatus.USAGE,
    ).unless((3, 11) <= sys.version_info[:2] <= (3, 13))
    wrong = [problem for line in requires("casebook") or () if (problem := misfit(line))]
    yield Check(
        "packages",
        ", ".join(wrong),
        "Run `make clean run`, which installs the locked versions.",
        ExitStatus.USAGE,
    ).unless(not wrong)


def misfit(line: str) -> str:
    """Return what is wrong with one required package, or nothing.

    What only another platform or an optional extra asks for is not required here.
    """
    requirement = Requirement(line)
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return ""
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is missing"
    if requirement.specifier.contains(found):
        return ""
    return f"{requirement.name} is {found}, wanted {requirement.specifier}"


def check_folders(settings: Settings) -> Iterator[Check]:
    """Check that home and output can be written, have room, and that secrets are closed."""
    for name, folder, otherwise in (
        ("home", settings.home, "move the home with CASEBOOK_HOME"),
        ("output", settings.output_dir, "let a link of its name lead to a folder that is"),
    ):
        existing = next(path for path in (folder, *folder.parents) if is_there(path))
        if not os.access(existing, os.W_OK | os.X_OK):
            yield Check(
                name,
                f"{existing} cannot be written",
                f"Make it writable, or {otherwise}.",
                ExitStatus.USAGE,
            )
            continue
        free = shutil.disk_usage(existing).free
        yield Check(
            f"{name} {folder}",
            f"only {free / 1e6:,.0f} MB are free",
            "Free at least 1 GB.",
            ExitStatus.USAGE,
        ).unless(free >= NEEDED_BYTES)
    open_files = [
        path for path in secret_files(settings) if stat.S_IMODE(path.stat().st_mode) & 0o77
    ]
    yield Check(
        "secrets",
        f"others can read {', '.join(map(str, open_files))}",
        "Run chmod 600 on them, and replace what they hold.",
        ExitStatus.USAGE,
    ).unless(not open_files)
    # A key that is not there yet is no problem: the first build makes it.
    if is_there(settings.pseudonym_key_path) and not open_files:
        try:
            ensure_key(settings)
        except CasebookError as error:
            yield Check("pseudonym key", error.cause, error.cure, error.status)


def secret_files(settings: Settings) -> list[Path]:
    """Return the files that hold passwords, and the secret of the pseudonyms."""
    folder = settings.secrets_dir
    held = folder.iterdir() if os.access(folder, os.R_OK | os.X_OK) else ()
    return sorted(
        {path for path in (*held, settings.pseudonym_key_path) if is_there(path) and path.is_file()}
    )


def is_there(path: Path) -> bool:
    """Tell whether a path can be reached: what is behind a closed folder is not."""
    return os.access(path, os.F_OK)


def check_names(databases: Databases) -> Iterator[Check]:
    """Check that no login tells of a restriction by its name, which every login can read."""
    current = current_version(databases)
    if current is None:
        return
    _, members = read_readers(databases)
    restricted = {specialty for _, specialty in current.known.restrictions}
    words = restricted | {
        word for specialty, word in current.known.words if specialty in restricted
    }
    telling = [one.login for one in members if any(word in one.login for word in words)]
    if telling:
        yield Check(
            "names of logins",
            f"{', '.join(telling)}: every login of the server can read that such care is"
            " restricted",
            "Give such members logins that do not name it.",
        )


def check_landed_tables(settings: Settings, databases: Databases) -> Iterator[Check]:
    """Check that the builder may read the tables of Airbyte that domains are built from."""
    for domain, source in loading.domain_sources(databases).items():
        if source.source == loading.LANDED:
            # What `casebook load --landed` read of the project, and every run since.
            loading.check_landed(databases, Manifest.read(settings.description_dir), domain)
            yield Check(f"landed tables of {domain}")


def check_access(settings: Settings, databases: Databases) -> Iterator[Check]:
    """Check that readers have what the published version gave them, and nobody has more."""
    if not published_versions(databases):
        return
    problems = find_problems(settings, databases)
    if not problems:
        yield Check("access")
    for problem in problems:
        yield Check(
            "access",
            problem,
            "`casebook doctor --mend` mends it, unless other hands put it there; see"
            " docs/publishing.md.",
            ExitStatus.DATABASE,
        )


def check_published(databases: Databases) -> Check:
    """Tell which version readers see."""
    current = current_version(databases)
    if current is None:
        return Check("published version", "none yet", "`casebook run` publishes.")
    return Check(f"published version {current.version}")
