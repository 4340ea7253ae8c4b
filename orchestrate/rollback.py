"""`casebook rollback`: the version that readers saw before, put back with its protection.

Its rows are still stored, and beside them what it gave to whom. So nothing is copied and nothing is
built: members, functions, policies and rights change as far as they differ, and the pointer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrate.access.given import read_given
from orchestrate.access.logins import settle_logins
from orchestrate.access.policies import declared_access, difference, live_access
from orchestrate.access.private import ensure_private
from orchestrate.access.standing import standing_problems
from orchestrate.errors import CasebookError, ConfigurationError
from orchestrate.mending import admit_members, give
from orchestrate.publishing.artifacts import disown_last_build
from orchestrate.publishing.publisher import refuse_differences
from orchestrate.publishing.sessions import as_owner, has_published
from orchestrate.publishing.versions import lower_pointer, version_before

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.settings import Settings


@dataclass(frozen=True)
class Rollback:
    """Which version readers see again, and which they saw until then."""

    version: int
    withdrawn: int


def put_back(
    settings: Settings, databases: Databases, console: Console, still_alone: Callable[[], None]
) -> Rollback:
    """Let readers see the version before the current one; a second time, the one before that.

    Members are those of the present list, tied to what that version knows: who has been removed
    since stays removed. Builds that have begun by now can no longer be published. The caller holds
    the run lock; `still_alone` raises when it was lost meanwhile.

    Raises ConfigurationError when there is no version to go back to, or when that one has rows that
    have been closed to staff since; DataError for a list of members that cannot be one,
    DatabaseError when the server refuses, and BusyError when another run published meanwhile; in
    each case readers see what they saw before.
    """
    if not has_published(databases):
        raise ConfigurationError("Nothing is published yet.", "Run `casebook run` first.")
    with as_owner(databases) as cursor:
        ensure_private(cursor)
        found = version_before(cursor)
        if found is None:
            raise ConfigurationError(
                "There is no earlier version to roll back to.",
                "`casebook status` shows the versions that are kept.",
            )
        current, version = found
        given = read_given(cursor, version)
    if given is None:
        raise ConfigurationError(
            f"Version {version} is of an earlier release, which did not keep who may read what.",
            "Publish again instead.",
        )
    if given.known.closed_payers:
        payers = " and ".join(sorted(given.known.closed_payers))
        raise ConfigurationError(
            f"Version {version} shows staff rows of patients whom {payers} paid for, and by now the"
            " seed payer_groups closes them.",
            "Load the export of that version again, and run.",
        )
    members = admit_members(settings, databases, given, console)
    with databases.warehouse.session() as connection, connection.cursor() as warehouse:
        disown_last_build(warehouse)
    builder = databases.reporting_admin.user
    with as_owner(databases) as cursor:
        give(cursor, databases, given, members, console)
        declared = declared_access(given.marts, given.functions)
        refuse_differences(difference(declared, live_access(cursor)))
        refuse_differences(standing_problems(cursor, members, builder, settled=False))
        still_alone()
        lower_pointer(cursor, current, version)
    try:
        settle_logins(databases, members, console)
    except CasebookError as error:
        console.warn(f"Rolled back, but tidying up the logins failed: {error}")
    return Rollback(version, current)
