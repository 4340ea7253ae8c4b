"""Diagrams that are drawn again only when what they show may have changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from orchestrate.building.fingerprint import fingerprint
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
    drawn_from = fingerprint(settings.project_dir, _SOURCES, _TOOLS)
    if mark.is_file() and mark.read_text(encoding="utf-8") == drawn_from:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    draw(folder)
    mark.write_text(drawn_from, encoding="utf-8")
    return folder
