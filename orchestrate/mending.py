"""What readers were given with the current version, given to them again: `casebook doctor --mend`.

A run does all of this, too, and publishes a version besides. Mending changes no row that readers
see: it brings roles, logins, membership, the schema `private`, functions, policies and rights back
into the form that the published version has, and members into that of their list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrate.access.given import Given, has_version, read_given
from orchestrate.access.known import MEMBERS_MODEL, read_member_seed
from orchestrate.access.logins import create_logins, settle_logins
from orchestrate.access.members import Member, check_members, read_members_file, tie_members
from orchestrate.access.policies import (
    apply_access,
    declared_access,
    difference,
    live_access,
    policy_changes,
)
from orchestrate.access.private import ensure_private, read_members, store_members
from orchestrate.access.roles import ensure_roles
from orchestrate.access.standing import standing_problems
from orchestrate.database.objects import marker
from orchestrate.errors import DatabaseError
from orchestrate.publishing.lock import run_lock
from orchestrate.publishing.sessions import as_owner, has_published
from orchestrate.publishing.waiting import lock_exclusively, readers_ended_by

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.driver import Cursor
    from orchestrate.settings import Settings


@dataclass(frozen=True)
class Mended:
    """What was wrong and is well now, and what is wrong still."""

    mended: Sequence[str]
    remaining: Sequence[str]


def mend(settings: Settings, databases: Databases, console: Console) -> Mended:
    """Bring access into the form of the current version; a second time changes nothing.

    Raises BusyError when a run is active, ConfigurationError for a role that is not Casebook's,
    DataError for a list of members that cannot be one, DatabaseError when the server refuses.
    """
    with run_lock(databases, "doctor --mend"):
        before = find_problems(settings, databases)
        ensure_roles(databases, console)
        with as_owner(databases) as cursor:
            ensure_private(cursor)
            given = read_given(cursor)
        if given is not None:
            members = admit_members(settings, databases, given, console)
            with as_owner(databases) as cursor:
                give(cursor, databases, given, members, console)
            settle_logins(databases, members, console)
        after = find_problems(settings, databases)
    return Mended([one for one in before if one not in after], after)


def admit_members(
    settings: Settings, databases: Databases, given: Given, console: Console
) -> list[Member]:
    """Make the logins of the members of the present list; return the members, tied to the version.

    Nobody sees more for it before the members are stored.
    """
    members, warnings = listed_members(settings, databases, given)
    for warning in warnings:
        console.warn(warning)
    create_logins(databases, members, console)
    return members


def give(
    cursor: Cursor,
    databases: Databases,
    given: Given,
    members: Sequence[Member],
    console: Console,
) -> None:
    """Give members what a version gives, in the owner's transaction."""
    present = read_members(cursor)
    declared = declared_access(given.marts, given.functions)
    logins = {member.login for member in [*present, *members]}
    end = readers_ended_by(databases, logins, console)
    lock_exclusively(cursor, policy_changes(declared, live_access(cursor)), end)
    if set(present) != set(members):
        store_members(cursor, members)
    apply_access(cursor, declared)


def find_problems(settings: Settings, databases: Databases) -> list[str]:
    """Say how access differs from what the current version gave, and members from their list.

    Changes nothing. Before the first publication there is nothing to differ from but the roles.
    """
    builder = databases.reporting_admin.user
    members: Sequence[Member] = []
    given: Given | None = None
    found: list[str] = []
    if has_published(databases):
        try:
            with as_owner(databases) as cursor:
                is_published = has_version(cursor)
                given = read_given(cursor)
                stored = read_members(cursor)
        except DatabaseError as error:
            # Without the owner or the publisher nobody can look; the roles' problems say so.
            found.append(error.cause)
        else:
            if is_published and given is None:
                found.append("the current version is of an earlier release: run `casebook run`")
            elif given is not None:
                members, _ = listed_members(settings, databases, given)
                found.extend(_member_problems(members, stored))
    with databases.reporting_admin.session("casebook doctor") as admin, admin.cursor() as cursor:
        found.extend(standing_problems(cursor, members, builder, settled=given is not None))
        found.extend(_login_problems(cursor, databases, members))
        if given is not None:
            found.extend(
                difference(declared_access(given.marts, given.functions), live_access(cursor))
            )
    return sorted(set(found))


def listed_members(
    settings: Settings, databases: Databases, given: Given
) -> tuple[list[Member], list[str]]:
    """Return the members of the file or seed, tied to what the current version knows.

    Also return a warning for each that names what it does not know.
    """
    if settings.members_file:
        listed = read_members_file(settings.members_file)
    else:
        relation = given.members_relation
        with (
            databases.warehouse.session("casebook doctor") as warehouse,
            warehouse.cursor() as cursor,
        ):
            listed = read_member_seed(
                cursor, lambda model: relation if model == MEMBERS_MODEL else None
            )
    check_members(listed)
    return tie_members(listed, given.known)


def _login_problems(
    cursor: Cursor, databases: Databases, members: Sequence[Member]
) -> Iterator[str]:
    """Say which logins are somebody else's, and of which the password is not here any more."""
    cursor.execute(
        "select rolname::text from pg_catalog.pg_roles where rolname = any (%s)"
        " and pg_catalog.shobj_description(oid, 'pg_authid') is distinct from %s",
        ([member.login for member in members], marker(databases.installation)),
    )
    for (login,) in cursor.fetchall():
        yield f"the role {login} was not made by this installation: rename one of the two"
    for member in members:
        if databases.logins.find(databases.login_endpoint, member.login) is None:
            yield f"no password of the login {member.login} is in {databases.logins.path}"


def _member_problems(listed: Sequence[Member], stored: Sequence[Member]) -> list[str]:
    wanted = {member.login: member for member in listed}
    present = {member.login: member for member in stored}
    return [
        f"the member {login} is not as listed"
        for login in wanted.keys() | present.keys()
        if wanted.get(login) != present.get(login)
    ]
