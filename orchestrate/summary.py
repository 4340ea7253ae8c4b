"""What a run tells in the end: which version readers see, and how to look at it."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrate.publishing.versions import read_readers

if TYPE_CHECKING:
    from orchestrate.database import Databases


@dataclass(frozen=True)
class RunSummary:
    """The version that readers see after a run: rows per relation, pages to open, ways to connect.

    `changed` is False when it was published before, and the run found nothing new to build from.
    """

    version: int
    relations: Mapping[str, int]
    pages: Sequence[Path]
    connections: Sequence[str]
    changed: bool = True


def connection_hints(databases: Databases) -> list[str]:
    """Return the commands with which a reader connects, one per kind of client."""
    _, members = read_readers(databases)
    casebook = own_command()
    login = min(members, key=lambda member: member.scope.place).login if members else "LOGIN"
    return [
        f"{casebook} db psql --as {login}",
        f"{casebook} db url --as {login}   (for Python and other programs)",
        f"{casebook} db start --port 5433   (for Tableau, on 127.0.0.1)",
    ]


def own_command() -> str:
    """Return how this shell calls the `casebook` that runs: by its path where it has to."""
    own = Path(sys.executable).with_name("casebook")
    found = shutil.which("casebook")
    if not own.is_file() or (found and own.samefile(found)):
        return "casebook"
    is_below = Path.cwd() in own.parent.parents
    return shlex.quote(str(own.relative_to(Path.cwd()) if is_below else own))
