"""`casebook rollback`: the version that readers saw before, put back with its protection.

Its rows are still stored, and beside them what it gave to whom. So nothing is copied and nothing is
built: logins, functions, policies and rights change as far as they differ, and the pointers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrate.errors import ConfigurationError
from orchestrate.publishing.artifacts import disown_last_build
from orchestrate.publishing.publisher import (
    carry_out,
    complete,
    delete_old_versions,
    tidy,
)
from orchestrate.publishing.scope_versions import refuse_unshowable
from orchestrate.publishing.versions import (
    decide,
    mark_rolled_back,
    read_pointer,
    read_versions,
    record,
    version_before,
)
from orchestrate.repair import ready_scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.settings import Settings


@dataclass(frozen=True)
class Rollback:
    """Which version readers see again, which they saw until then, and the pages of the former."""

    version: int
    withdrawn: int
    pages: Sequence[Path] = ()


def put_back(
    settings: Settings, databases: Databases, console: Console, still_alone: Callable[[], None]
) -> Rollback:
    """Let readers see the version before the current one; a second time, the one before that.

    Members are those of the present list, tied to what that version knows: who has been removed
    since stays removed. A scope from which more is kept by now than was then sees no rows until the
    next publication. Builds that have begun by now can no longer be published. The caller holds
    the run lock; `still_alone` raises when it was lost meanwhile.

    Raises ConfigurationError when there is no version to go back to, DataError for a list of
    members that cannot be one, DatabaseError when the server refuses, and BusyError when another
    run published meanwhile; in each case readers see what they saw before.
    """
    complete(databases, console)
    with record(databases) as cursor:
        seen, versions = read_pointer(cursor), read_versions(cursor)
        if seen.current is None:
            raise ConfigurationError("Nothing is published yet.", "Run `casebook run` first.")
        before = version_before(versions)
        if before is None:
            raise ConfigurationError(
                "There is no earlier version to roll back to.",
                "`casebook status` shows the versions that are kept.",
            )
    # Also what tidying up left undone: rows that somebody may not see any more do not come back.
    delete_old_versions(databases)
    places, members = ready_scopes(settings, databases, before, console)
    for place in places:
        refuse_unshowable(place, before.version)
    with databases.warehouse.session() as connection, connection.cursor() as warehouse:
        disown_last_build(warehouse)
    still_alone()
    with record(databases) as cursor:
        decide(cursor, seen, before.version, places, members, settings.own_members_file)
        mark_rolled_back(cursor, seen.current)
    for place in carry_out(databases, console):
        console.warn(
            f"{place.scope.name} has no rows of version {before.version}: it is new since, or more"
            " is kept from it by now. Its readers see nothing until the next publication."
        )
    tidy(databases, console)
    return Rollback(before.version, seen.current)
