"""Published versions, as the warehouse records them: what was decided, and for which scopes.

The record is the builder's, in the schema `casebook` of the warehouse, where no reader can connect.
A version is copied into every scope's database first; then one transaction here decides that it is
the one to be shown, and each database follows. So whoever is cut off in between has left a decision
that the next command carries out, or none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from psycopg2.extras import execute_values

from orchestrate.access.known import Known
from orchestrate.access.members import Member
from orchestrate.access.scopes import SHARED_AUDIENCES, Scope, ScopeDatabase
from orchestrate.database.connection import database_errors
from orchestrate.errors import BusyError

if TYPE_CHECKING:
    from orchestrate.database import Databases
    from orchestrate.driver import Cursor

# Versions whose rows are kept, the current one included.
RETAINED_VERSIONS: Final = 3
# Of a client's id, as much as leaves room in the name of a database.
_CLIENT_LENGTH: Final = 20

# The pointer is one row: the version to be shown, the highest one ever decided, how many decisions
# there were, and whether every scope shows what the last one said. The name of a scope's database
# ends in its suffix.
_CREATE: Final = """
    create schema if not exists casebook;
    create table if not exists casebook.pointer (
        only_row boolean primary key default true check (only_row),
        current_version bigint,
        highest_version bigint not null default 0,
        turn bigint not null default 0,
        is_carried_out boolean not null default true,
        check (current_version <= highest_version)
    );
    insert into casebook.pointer default values on conflict do nothing;
    create table if not exists casebook.versions (
        version bigint primary key,
        published_at timestamptz not null default now(),
        sources jsonb not null,
        row_counts jsonb not null,
        tests_passed integer not null,
        tests_warned integer not null,
        casebook_version text not null,
        invocation_id text not null,
        known jsonb not null,
        members_relation jsonb,
        is_retained boolean not null default true,
        rolled_back_at timestamptz
    );
    create table if not exists casebook.scopes (
        suffix text primary key,
        name text not null,
        audience text not null,
        client_id text,
        specialty_id text,
        scope_id text,
        resident_name text
    );
    create table if not exists casebook.members (
        login text primary key,
        audience text not null,
        client_id text,
        specialty_id text,
        suffix text not null references casebook.scopes
    );
"""


@dataclass(frozen=True)
class PublishedVersion:
    """One publication.

    `sources` says per domain where its data came from, `rows` how many there are per relation, over
    all scopes. `is_current`: it is what readers are to see. `rolled_back_at`: when a rollback
    withdrew it. `known` is what its build knew.
    """

    version: int
    published_at: datetime
    sources: Mapping[str, object]
    rows: Mapping[str, int]
    tests_passed: int
    tests_warned: int
    casebook_version: str
    invocation_id: str
    is_current: bool
    rolled_back_at: datetime | None = None
    known: Known = field(default_factory=Known)


@dataclass(frozen=True)
class Pointer:
    """What was decided last: the version to show (None: none yet), and by which decision."""

    current: int | None
    highest: int
    turn: int
    is_carried_out: bool


@contextmanager
def record(databases: Databases) -> Iterator[Cursor]:
    """Open one transaction on the record of versions, which is made where it is missing."""
    connection = databases.warehouse.connect(application_name="casebook versions")
    try:
        with (
            database_errors("The warehouse refused its record of versions"),
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("select to_regclass('casebook.members') is null")
            if cursor.fetchone() == (True,):
                # Two first commands at once would both try to create.
                cursor.execute("select pg_advisory_xact_lock(hashtext('casebook.versions'))")
                cursor.execute(_CREATE)
            yield cursor
    finally:
        connection.close()


def read_pointer(cursor: Cursor) -> Pointer:
    """Read what was decided last."""
    cursor.execute(
        "select current_version, highest_version, turn, is_carried_out from casebook.pointer"
    )
    return Pointer(*(cursor.fetchone() or (None, 0, 0, True)))


def read_versions(cursor: Cursor) -> list[PublishedVersion]:
    """Read the versions whose rows are still stored, newest first.

    The record of older ones stays in `casebook.versions`.
    """
    cursor.execute(
        "select version, published_at, sources, row_counts, tests_passed, tests_warned,"
        " casebook_version, invocation_id, version = current_version, rolled_back_at, known"
        " from casebook.versions cross join casebook.pointer where is_retained"
        " order by version desc"
    )
    versions = [
        replace(PublishedVersion(*row[:-1]), known=Known.from_json(row[-1]))
        for row in cursor.fetchall()
    ]
    # The server keeps the names of an object by their length.
    return [replace(one, rows=dict(sorted(one.rows.items()))) for one in versions]


def read_members_relation(cursor: Cursor, version: int) -> tuple[str, str] | None:
    """Return where the warehouse has the seed of members that a version's build had."""
    cursor.execute("select members_relation from casebook.versions where version = %s", (version,))
    row = cursor.fetchone()
    return (row[0][0], row[0][1]) if row and row[0] else None


def published_versions(databases: Databases) -> list[PublishedVersion]:
    """Read the versions that are kept, newest first; an empty list before the first one."""
    with record(databases) as cursor:
        return read_versions(cursor)


def locate_scopes(databases: Databases, scopes: Sequence[Scope]) -> list[ScopeDatabase]:
    """Return where scopes are, in their order; those that are new get a name.

    One that has other rows than before is new: its former database is no place for them.
    """
    with record(databases) as cursor:
        known = {place.scope: place for place in _read_places(cursor, databases)}
        places = [
            known.get(scope) or ScopeDatabase(scope, _new_suffix(scope), databases)
            for scope in scopes
        ]
        execute_values(
            cursor,
            "insert into casebook.scopes values %s on conflict do nothing",
            [(place.suffix, *astuple(place.scope)) for place in places],
        )
    return places


def read_readers(databases: Databases) -> tuple[list[ScopeDatabase], list[Member]]:
    """Read the scopes that somebody reads, and the logins of all of them, as last decided."""
    with record(databases) as cursor:
        places = {place.suffix: place for place in _read_places(cursor, databases)}
        cursor.execute(
            "select login, audience, client_id, specialty_id, suffix from casebook.members"
            " order by login"
        )
        rows = cursor.fetchall()
    members = [
        Member(login, audience, client_id, specialty_id, places[suffix].scope)
        for login, audience, client_id, specialty_id, suffix in rows
    ]
    used = {row[-1] for row in rows}
    shown = [place for suffix, place in places.items() if suffix in used]
    return sorted(shown, key=lambda place: place.scope.place), members


def forget_scopes(databases: Databases) -> None:
    """Forget the scopes that nobody reads."""
    with record(databases) as cursor:
        cursor.execute(
            "delete from casebook.scopes where suffix not in (select suffix from casebook.members)"
        )


def decide(
    cursor: Cursor,
    seen: Pointer,
    version: int,
    places: Sequence[ScopeDatabase],
    members: Sequence[Member],
    members_file: Path | None = None,
) -> Pointer:
    """Decide which version is to be shown and to whom, from the caller's commit on.

    `members_file` is the file that the members are listed in, None: the seed.

    This is the fence: whatever happened to the run lock meanwhile, a decision counts only if no
    other one was made since `seen` was read. Raises BusyError otherwise.
    """
    cursor.execute(
        "update casebook.pointer set current_version = %s,"
        " highest_version = greatest(highest_version, %s), turn = turn + 1, is_carried_out = false"
        " where turn = %s returning current_version, highest_version, turn, is_carried_out",
        (version, version, seen.turn),
    )
    decided = cursor.fetchone()
    if decided is None:
        raise BusyError(
            f"Version {version} comes too late: another run published since, or a rollback was"
            " made.",
            "`casebook status` shows what is published; run again if that is still to change.",
        )
    suffixes = {place.scope: place.suffix for place in places}
    cursor.execute("delete from casebook.members")
    execute_values(
        cursor,
        "insert into casebook.members values %s",
        [
            (one.login, one.audience, one.client_id, one.specialty_id, suffixes[one.scope])
            for one in members
            if one.scope in suffixes
        ],
    )
    cursor.execute("comment on table casebook.members is %s", (members_file and str(members_file),))
    return Pointer(*decided)


def read_members_file_in_use(cursor: Cursor) -> str | None:
    """Return the file that the members of now are listed in; None: the seed, or there are none."""
    cursor.execute(
        "select obj_description('casebook.members'::regclass, 'pg_class') from casebook.members"
        " limit 1"
    )
    found = cursor.fetchone()
    return str(found[0]) if found and found[0] else None


def catch_up(cursor: Cursor, highest: int, turn: int) -> None:
    """Let the record of a warehouse that was put back from a backup be behind nobody's."""
    cursor.execute(
        "update casebook.pointer set highest_version = greatest(highest_version, %s),"
        " turn = greatest(turn, %s)",
        (highest, turn),
    )


def carried_out(databases: Databases, decided: Pointer) -> None:
    """Note that every scope shows what was decided."""
    with record(databases) as cursor:
        cursor.execute(
            "update casebook.pointer set is_carried_out = true where turn = %s", (decided.turn,)
        )


def record_version(
    cursor: Cursor, published: PublishedVersion, members_relation: tuple[str, str] | None
) -> None:
    """Store the record of a version."""
    cursor.execute(
        "insert into casebook.versions (version, published_at, sources, row_counts, tests_passed,"
        " tests_warned, casebook_version, invocation_id, known, members_relation)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            published.version,
            published.published_at,
            json.dumps(published.sources, default=str),
            json.dumps(published.rows),
            published.tests_passed,
            published.tests_warned,
            published.casebook_version,
            published.invocation_id,
            json.dumps(published.known.as_json()),
            json.dumps(members_relation),
        ),
    )


def version_before(versions: Sequence[PublishedVersion]) -> PublishedVersion | None:
    """Return the version that a rollback puts back; None without such a one.

    A version that was itself rolled back is passed over: somebody did not want it seen.
    """
    current = next((one.version for one in versions if one.is_current), 0)
    earlier = (one for one in versions if one.version < current and one.rolled_back_at is None)
    return max(earlier, key=lambda one: one.version, default=None)


def mark_rolled_back(cursor: Cursor, version: int) -> None:
    """Record that a rollback withdrew a version."""
    cursor.execute(
        "update casebook.versions set rolled_back_at = now() where version = %s", (version,)
    )


def retire_versions(cursor: Cursor) -> list[PublishedVersion]:
    """Let versions beyond the retention be kept no longer; return those that are kept.

    Those that were rolled back go first, so that there are others left to roll back to.
    """
    cursor.execute(
        "update casebook.versions set is_retained = false where is_retained and version not in ("
        "  select version from casebook.versions where is_retained"
        "  order by rolled_back_at is not null, version desc limit %s)"
        " and version is distinct from (select current_version from casebook.pointer)",
        (RETAINED_VERSIONS,),
    )
    return read_versions(cursor)


def _new_suffix(scope: Scope) -> str:
    """Name a scope's database: by audience and client, and a number that tells nothing."""
    if scope.audience in SHARED_AUDIENCES:
        return scope.audience
    owner = scope.client_id if scope.client_id and scope.scope_id else scope.audience
    return f"{owner[:_CLIENT_LENGTH]}_{token_hex(4)}"


def _read_places(cursor: Cursor, databases: Databases) -> list[ScopeDatabase]:
    cursor.execute("select * from casebook.scopes")
    return [ScopeDatabase(Scope(*row[1:]), row[0], databases) for row in cursor.fetchall()]
