"""A publication that is made once, also by a command that has to begin again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrate.publishing.publisher import complete
from orchestrate.publishing.versions import published_versions, read_pointer, record

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.publishing.artifacts import Build
    from orchestrate.publishing.versions import PublishedVersion


@dataclass
class Publication:
    """What a command is about to publish.

    The connection may be lost together with the answer to the commit, or while pages are rendered.
    A command that began again and published the same once more would leave a rollback with nothing
    else to go back to. `seen` is the version that readers saw before, `invocation_id` of the build.
    """

    seen: int | None = None
    invocation_id: str | None = None

    def begin(self, databases: Databases, build: Build) -> None:
        """Note what is to be published, and what readers see until then."""
        with record(databases) as cursor:
            self.seen = read_pointer(cursor).current
        self.invocation_id = build.invocation_id

    def found(self, databases: Databases, console: Console) -> PublishedVersion | None:
        """Return the version, when it is what readers see; None: it is still to be published.

        What was decided before the connection was lost is carried out first.
        """
        complete(databases, console)
        if self.invocation_id is None:
            return None
        current = next((one for one in published_versions(databases) if one.is_current), None)
        if current is None or current.version == self.seen:
            return None
        return current if current.invocation_id == self.invocation_id else None
