"""From a tested build to what readers see: copied into every scope's database, then shown in all.

The order matters. Everything that can be refused is refused before a scope's database is touched;
roles and databases come next, which change nothing that a reader sees; then each database gets its
rows of the version, unseen. One transaction in the warehouse decides that it is the version to be
shown, and each database's pointer follows. What comes after that only tidies up.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from orchestrate import __version__
from orchestrate.access.entry import ensure_scopes
from orchestrate.access.known import MEMBERS_MODEL, Known, read_known
from orchestrate.access.logins import remove_former, settle_logins
from orchestrate.access.members import (
    Member,
    check_members,
    read_member_seed,
    read_members_file,
    tie_members,
)
from orchestrate.access.roles import role_problems
from orchestrate.access.routines import built_routines
from orchestrate.access.scopes import OWNER, WAITING, ScopeDatabase, unique_scopes
from orchestrate.contracts.functions import read_functions
from orchestrate.contracts.marts import Mart, read_marts, with_built_types
from orchestrate.database.connection import database_errors
from orchestrate.errors import (
    CasebookError,
    ConfigurationError,
    DatabaseError,
    LostConnectionError,
)
from orchestrate.publishing.artifacts import check_last_build, read_build
from orchestrate.publishing.former import former_highest_version
from orchestrate.publishing.scope_versions import (
    Version,
    delete_versions,
    fill,
    read_state,
    refuse_differences,
    show,
)
from orchestrate.publishing.tables import Name
from orchestrate.publishing.versions import (
    PublishedVersion,
    carried_out,
    decide,
    forget_scopes,
    locate_scopes,
    read_members_file_in_use,
    read_pointer,
    read_readers,
    read_versions,
    record,
    record_version,
    retire_versions,
)

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.driver import Connection, Cursor
    from orchestrate.settings import Settings

# Databases that are copied into at the same time.
_AT_ONCE: Final = 2
_PRESENT: Final = """
    select nspname, relname from pg_catalog.pg_class
    inner join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where (nspname, relname) in %s and relkind in ('r', 'p', 'v')
    order by 1, 2
"""


def publish(
    settings: Settings,
    databases: Databases,
    target_dir: Path,
    console: Console,
    sources: Mapping[str, object] = MappingProxyType({}),
    still_alone: Callable[[], None] = lambda: None,
) -> PublishedVersion:
    """Publish the marts of the build that `target_dir` describes, all or none.

    `sources` says per domain where the data came from; it is recorded with the version. The caller
    holds the run lock; `still_alone` raises when it was lost meanwhile. Raises DataError when the
    build is incomplete, did not pass, breaks a contract or is not what the warehouse holds,
    ConfigurationError for what cannot be used as given, DatabaseError when a server refuses and
    BusyError when another run published meanwhile; in each case readers see what they saw before.
    """
    complete(databases, console)
    with record(databases) as cursor:
        seen, kept = read_pointer(cursor), read_versions(cursor)
    build = read_build(target_dir, databases.warehouse.database)
    marts = read_marts(build.manifest)
    functions = read_functions(build.manifest, marts)
    with _reading(databases) as warehouse, warehouse.cursor() as source:
        _hold(warehouse, build.relations)
        check_last_build(source, build, target_dir)
        marts = with_built_types(source, marts)
        routines = built_routines(source, functions, marts, OWNER)
        known = read_known(source, build.source_relation, marts)
        members, warnings = listed_members(
            settings, source, build.source_relation(MEMBERS_MODEL), known
        )
        for warning in warnings:
            console.warn(warning)
        places = locate_scopes(databases, unique_scopes(member.scope for member in members))
        ensure_scopes(databases, places, members, console)
        number = (seen.highest or former_highest_version(databases)) + 1
        rolled_back = [one.version for one in kept if one.rolled_back_at is not None]
        rows = _count_rows(source, marts, console)
        in_order = _fill_all(
            databases,
            warehouse,
            places,
            Version(number, marts, routines, rolled_back),
            console,
        )
    refuse_differences(role_problems(databases, places, members, settled=False))
    published = PublishedVersion(
        version=number,
        published_at=datetime.now(UTC),
        sources=dict(sources),
        rows=dict(sorted(rows.items())),
        tests_passed=build.tests_passed,
        tests_warned=build.tests_warned,
        casebook_version=__version__,
        invocation_id=build.invocation_id,
        is_current=True,
        known=known,
    )
    still_alone()
    with record(databases) as cursor:
        record_version(cursor, published, build.source_relation(MEMBERS_MODEL))
        decide(cursor, seen, number, places, members, settings.own_members_file)
    carry_out(databases, console, in_order)
    tidy(databases, console)
    return published


def carry_out(
    databases: Databases, console: Console, in_order: Mapping[str, bool] = MappingProxyType({})
) -> list[ScopeDatabase]:
    """Show in every scope what was decided last, where that was cut off; and settle the logins.

    `in_order` says of scopes, by their databases' suffix, that only the pointer has to move.
    Returns the scopes whose database does not hold the version: their readers see no rows. Raises
    DatabaseError when a scope could not follow, after all others have.
    """
    with record(databases) as cursor:
        decided = read_pointer(cursor)
    if decided.is_carried_out:
        return []
    places, members = read_readers(databases)
    if not in_order:
        ensure_scopes(databases, places, members, console)
    # First, so that nobody sees the new version of a scope that it has left.
    settle_logins(databases, places, members, console)
    empty, refused = [], []
    for place in places:
        try:
            if not show(place, decided, console, is_in_order=in_order.get(place.suffix, False)):
                empty.append(place)
        except LostConnectionError:
            raise
        except DatabaseError as error:
            refused.append(error)
    if refused:
        raise refused[0]
    carried_out(databases, decided)
    return empty


def complete(databases: Databases, console: Console) -> list[ScopeDatabase]:
    """Carry out what a command that was cut off has decided; say so where a scope cannot follow.

    The next decision, of a publication or a rollback, takes its place. Returns what `carry_out`
    does.
    """
    try:
        return carry_out(databases, console)
    except LostConnectionError:
        raise
    except DatabaseError as error:
        console.warn(f"{', '.join(lagging_scopes(databases))} cannot follow yet: {error}")
        return []


def lagging_scopes(databases: Databases) -> list[str]:
    """Name the scopes whose readers do not see yet what was decided."""
    with record(databases) as cursor:
        decided = read_pointer(cursor)
    if decided.is_carried_out:
        return []
    places, _ = read_readers(databases)
    return [place.scope.name for place in places if read_state(place).version != decided.current]


def tidy(databases: Databases, console: Console) -> None:
    """Delete old versions and what nobody reads; what fails is said and done by the next run."""
    try:
        delete_old_versions(databases)
        places, members = read_readers(databases)
        remove_former(databases, places, members, console)
        forget_scopes(databases)
        if found := role_problems(databases, places, members, settled=True):
            console.warn(f"Roles are not as they are to be: {'; '.join(found[:5])}.")
    except CasebookError as error:
        console.warn(f"Published, but tidying up afterwards failed: {error}")


def delete_old_versions(databases: Databases) -> None:
    """Delete versions beyond the retention, and those that show a scope more than it may see now.

    The latter is so where a later version, also one that was rolled back, keeps from the scope what
    an earlier one showed.
    """
    with record(databases) as cursor:
        kept = retire_versions(cursor)
    places, _ = read_readers(databases)
    for place in places:
        delete_versions(place, [one.version for one in kept if not _is_telling(one, kept, place)])


def listed_members(
    settings: Settings,
    source: Cursor,
    relation: tuple[str, str] | None,
    known: Known,
) -> tuple[list[Member], list[str]]:
    """Return the members of the file or of the seed, a relation of the warehouse, with scopes.

    Also return a warning for each that names what is not known. Raises what
    `refuse_forgotten_file` does.
    """
    refuse_forgotten_file(settings, source)
    listed = (
        read_members_file(settings.members_file)
        if settings.members_file
        else read_member_seed(source, relation)
    )
    check_members(listed)
    return tie_members(listed, known)


def refuse_forgotten_file(settings: Settings, warehouse: Cursor) -> None:
    """Raise ConfigurationError where members came from a file and now no file is named.

    The seed's logins would take their place, and who is listed in the file would lose access.
    """
    file = read_members_file_in_use(warehouse)
    if file and settings.members_file is None:
        raise ConfigurationError(
            f"The logins in use are listed in {file}, but CASEBOOK_MEMBERS names no file here:"
            " those of the seed would take their place. Nothing was changed.",
            f"Set CASEBOOK_MEMBERS={shlex.quote(file)}; or, if the seed's logins are meant,"
            " CASEBOOK_MEMBERS=seeds/reference/members.csv, once.",
        )


def _is_telling(
    one: PublishedVersion, versions: Sequence[PublishedVersion], place: ScopeDatabase
) -> bool:
    return not one.is_current and any(
        one.known.shows_more_than(later.known, place.scope)
        for later in versions
        if later.version > one.version
    )


@contextmanager
def _reading(databases: Databases) -> Iterator[Connection]:
    """Open the warehouse for reading at one moment."""
    connection = databases.warehouse.connect(application_name="casebook publish", options=WAITING)
    try:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with database_errors("The warehouse refused to be read"):
            yield connection
    finally:
        connection.close()


def _hold(connection: Connection, relations: Sequence[Name]) -> None:
    """Keep relations as they are until the transaction ends, and what the views among them read.

    A table that was put in another one's place since the snapshot was taken looks empty in it. So
    a build that begins now waits, or has begun before and been noted. To lock takes no snapshot.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT, (tuple(relations),))
        present = [sql.Identifier(*name) for name in cursor.fetchall()]
        # Whoever looks what there is has a snapshot already; the next transaction has none yet.
        connection.rollback()
        if present:
            cursor.execute(
                sql.SQL("lock table {} in access share mode").format(sql.SQL(", ").join(present))
            )


def _count_rows(source: Cursor, marts: Sequence[Mart], console: Console) -> dict[str, int]:
    """Count what each mart holds, over all scopes; say which are empty."""
    rows = {}
    for mart in marts:
        source.execute(
            sql.SQL("select count(*) from {}").format(sql.Identifier(mart.source_schema, mart.name))
        )
        (rows[mart.relation],) = source.fetchone() or (0,)
        if not rows[mart.relation]:
            console.say(f"{mart.relation} is published without rows: the build has none.")
    return rows


def _fill_all(
    databases: Databases,
    warehouse: Connection,
    places: Sequence[ScopeDatabase],
    version: Version,
    console: Console,
) -> dict[str, bool]:
    """Copy the version into every scope's database, some at a time, all of one moment.

    Returns by suffix whether only the pointer is left to move.
    """
    with warehouse.cursor() as cursor:
        cursor.execute("select pg_catalog.pg_export_snapshot()")
        (moment,) = cursor.fetchone() or ("",)

    def fill_one(place: ScopeDatabase) -> bool:
        with _reading(databases) as connection, connection.cursor() as source:
            source.execute("set transaction snapshot %s", (moment,))
            done = fill(place, version, source, console)
        task.advance(place.scope.name)
        return done

    title = f"Publishing version {version.number}"
    with (
        console.task(title, total=len(places)) as task,
        ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool,
    ):
        futures = {place.suffix: pool.submit(fill_one, place) for place in places}
        try:
            return {suffix: future.result() for suffix, future in futures.items()}
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
