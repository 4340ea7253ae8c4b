"""Beginning again, once, after a lost connection; and publishing once, all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from orchestrate.console import Console
from orchestrate.errors import LostConnectionError
from orchestrate.publishing import PublishedVersion, carry_out, complete, published_versions
from orchestrate.publishing.versions import read_pointer, record
from orchestrate.settings import Settings

if TYPE_CHECKING:
    from orchestrate.database import Databases
    from orchestrate.publishing.artifacts import Build

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def once_more_when_lost(
    step: Callable[Concatenate[Settings, Console, Parameters], Result],
) -> Callable[Concatenate[Settings, Console, Parameters], Result]:
    """Let a step begin again, once, when a connection was lost in the midst of it.

    Each step does all or nothing, and takes the lock anew: another run that came in between is met
    with BusyError or, before anything is published, by the check of the last build. Not for what is
    something else when done twice, such as a rollback.
    """

    @wraps(step)
    def repeated(
        settings: Settings, console: Console, /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Result:
        try:
            return step(settings, console, *args, **kwargs)
        except LostConnectionError as error:
            console.warn(f"{error.cause.rstrip('.')}. Beginning again, this once.")
        return step(settings, console, *args, **kwargs)

    return repeated


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

        What was decided before is carried out. Raises DatabaseError when a scope cannot follow to
        this command's own version, as its publication would have.
        """
        current = next((one for one in published_versions(databases) if one.is_current), None)
        if (
            current is None
            or self.invocation_id != current.invocation_id
            or self.seen == current.version
        ):
            complete(databases, console)
            return None
        carry_out(databases, console)
        return current
