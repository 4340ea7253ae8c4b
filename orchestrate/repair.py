"""What readers were given with the current version, given to them again: `casebook doctor --mend`.

A run does all of this, too, and publishes a version besides. Mending changes no row that readers
see: it decides once more for the version that they see, with the members of the present list, and
carrying that out brings roles, logins, functions, policies and rights into its form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrate.access.entry import ensure_scopes
from orchestrate.access.logins import remove_former
from orchestrate.access.members import Member
from orchestrate.access.roles import role_problems
from orchestrate.access.scopes import ScopeDatabase, unique_scopes
from orchestrate.errors import CasebookError
from orchestrate.publishing import PublishedVersion, published_versions
from orchestrate.publishing.publisher import complete, lagging_scopes, listed_members
from orchestrate.publishing.scope_versions import access_problems, read_state
from orchestrate.publishing.versions import (
    catch_up,
    decide,
    forget_scopes,
    locate_scopes,
    read_members_relation,
    read_pointer,
    read_readers,
    record,
)
from orchestrate.run_lock import run_lock

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.settings import Settings


@dataclass(frozen=True)
class Repaired:
    """What was wrong and is well now, and what is wrong still."""

    mended: Sequence[str]
    remaining: Sequence[str]


def repair(settings: Settings, databases: Databases, console: Console) -> Repaired:
    """Bring access into the form of the current version; a second time changes nothing.

    Raises BusyError when a run is active, ConfigurationError for a role that is not Casebook's,
    DataError for a list of members that cannot be one, DatabaseError when the server refuses.
    """
    with run_lock(databases, "doctor --mend"):
        before = find_problems(settings, databases)
        if not before:
            return Repaired([], [])
        complete(databases, console)
        version = current_version(databases)
        places, members = ready_scopes(settings, databases, version, console)
        states = [read_state(place) for place in places]
        with record(databases) as cursor:
            # A warehouse that was put back from a backup may be behind what readers saw.
            catch_up(
                cursor,
                max((state.highest for state in states), default=0),
                max((state.turn for state in states), default=0),
            )
            seen = read_pointer(cursor)
            if seen.current is not None:
                decide(cursor, seen, seen.current, places, members, settings.own_members_file)
        for place in complete(databases, console):
            console.warn(f"{place.scope.name} gets its rows with the next `casebook run`.")
        remove_former(databases, places, members, console)
        forget_scopes(databases)
        after = find_problems(settings, databases)
    return Repaired([one for one in before if one not in after], after)


def find_problems(settings: Settings, databases: Databases) -> list[str]:
    """Say how access differs from what the current version gave, and members from their list.

    Changes nothing. Before the first publication there is nothing to differ from but the roles.
    """
    places, stored = read_readers(databases)
    found = [
        f"{name} does not show the version that was decided" for name in lagging_scopes(databases)
    ]
    members, _ = _listed(settings, databases, current_version(databases))
    if stored:
        found.extend(_member_problems(members, stored))
        found.extend(role_problems(databases, places, stored, settled=True))
        found.extend(_password_problems(databases, places, stored))
    with record(databases) as cursor:
        decided = read_pointer(cursor)
    for place in places:
        try:
            state = read_state(place)
            if state.turn > decided.turn:
                found.append(
                    f"the warehouse is behind {place.database}, whose readers have seen version"
                    f" {state.highest}: it was put back from a backup"
                )
            found.extend(f"{place.database}: {text}" for text in access_problems(place))
        except CasebookError as error:
            found.append(error.cause)
    return sorted(set(found))


def ready_scopes(
    settings: Settings, databases: Databases, version: PublishedVersion | None, console: Console
) -> tuple[list[ScopeDatabase], list[Member]]:
    """Make scopes' databases and roles ready for the members of the present list.

    The members, who are returned with their scopes, are tied to what a version knows; each that
    names what it does not know is warned of.
    """
    members, warnings = _listed(settings, databases, version)
    for warning in warnings:
        console.warn(warning)
    places = locate_scopes(databases, unique_scopes(member.scope for member in members))
    ensure_scopes(databases, places, members, console)
    return places, members


def _listed(
    settings: Settings, databases: Databases, version: PublishedVersion | None
) -> tuple[list[Member], list[str]]:
    """Return the members of the file or seed, and warnings; nobody without a version."""
    if version is None:
        return [], []
    with record(databases) as cursor:
        relation = read_members_relation(cursor, version.version)
    with databases.warehouse.session() as connection, connection.cursor() as cursor:
        return listed_members(settings, cursor, relation, version.known)


def current_version(databases: Databases) -> PublishedVersion | None:
    """Return the version that readers see, None before the first publication."""
    return next((one for one in published_versions(databases) if one.is_current), None)


def _password_problems(
    databases: Databases, places: Sequence[ScopeDatabase], members: Sequence[Member]
) -> Iterator[str]:
    """Say of which logins the password is not here any more."""
    endpoints = {place.scope: place.server.endpoint for place in places}
    for member in members:
        if databases.logins.find(endpoints[member.scope], member.login) is None:
            yield f"no password of the login {member.login} is in {databases.logins.path}"


def _member_problems(listed: Sequence[Member], stored: Sequence[Member]) -> list[str]:
    wanted = {member.login: member for member in listed}
    present = {member.login: member for member in stored}
    return [
        f"the member {login} is not as listed"
        for login in wanted.keys() | present.keys()
        if wanted.get(login) != present.get(login)
    ]
