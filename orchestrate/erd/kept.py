"""Diagrams that are drawn again only when what they show may have changed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from orchestrate.settings import Settings

# What tables, columns, keys and relations come from, and how they are drawn.
_SOURCES = (
    "dbt_project.yml",
    "models/**/*.sql",
    "models/**/*.yml",
    "seeds/**/*.yml",
    "macros/**/*.sql",
    "orchestrate/erd/*.py",
)
_TOOLS = ("dbt-core", "dbterd")
_MARK = ".drawn-from"


def kept_diagrams(settings: Settings, draw: Callable[[Path], object]) -> Path:
    """Return a folder with the diagrams of the project as it is now.

    `draw` writes them into the folder it is given. It is called when the project's description of
    its tables has changed since the last time, or was never drawn: describing the warehouse takes
    longer than most of a small build.
    """
    folder = settings.home / "diagrams"
    mark = folder / _MARK
    fingerprint = _fingerprint(settings.project_dir)
    if mark.is_file() and mark.read_text(encoding="utf-8") == fingerprint:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    draw(folder)
    mark.write_text(fingerprint, encoding="utf-8")
    return folder


def _fingerprint(project_dir: Path) -> str:
    digest = hashlib.sha256()
    for tool in _TOOLS:
        digest.update(f"{tool} {version(tool)}\n".encode())
    for pattern in _SOURCES:
        for path in sorted(project_dir.glob(pattern)):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(project_dir)} {content}\n".encode())
    return digest.hexdigest()
