"""From a tested build to what readers see: one transaction, or nothing.

The order matters. Everything that can be refused is refused before the reporting database is
touched; roles come next, which change nothing a reader sees; then one transaction holds tables,
rows, members, rights and, last, the pointer. What follows the commit only tidies up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from psycopg2 import sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from orchestrate import __version__
from orchestrate.access.given import Given, store_given
from orchestrate.access.known import MEMBERS_MODEL, read_known, read_member_seed
from orchestrate.access.logins import create_logins, settle_logins
from orchestrate.access.members import (
    Known,
    Member,
    check_members,
    read_members_file,
    tie_members,
)
from orchestrate.access.policies import (
    apply_access,
    declared_access,
    difference,
    live_access,
    policy_changes,
)
from orchestrate.access.private import ensure_private, read_members, store_members
from orchestrate.access.roles import OWNER, ensure_roles
from orchestrate.access.standing import standing_problems
from orchestrate.contracts import (
    VERSION_COLUMN,
    Column,
    Function,
    Mart,
    read_functions,
    read_marts,
)
from orchestrate.database.connection import database_errors
from orchestrate.errors import CasebookError, DatabaseError
from orchestrate.publishing.artifacts import Build, check_last_build, read_build
from orchestrate.publishing.audit import Examined, audit
from orchestrate.publishing.copying import copy_mart
from orchestrate.publishing.rebuilding import (
    Rebuilt,
    put_in_place,
    rebuilt_tables,
    wait_for_older,
)
from orchestrate.publishing.sessions import SESSION, WAITING, as_owner, has_published
from orchestrate.publishing.tables import (
    Name,
    Table,
    add_foreign_keys,
    alter_table,
    create_table,
    declared_table,
    live_tables,
)
from orchestrate.publishing.versions import (
    PublishedVersion,
    current_version,
    delete_old_versions,
    move_pointer,
    next_version,
    read_versions,
    record_version,
)
from orchestrate.publishing.waiting import lock_exclusively, readers_ended_by

if TYPE_CHECKING:
    from orchestrate.console import Console, Task
    from orchestrate.database import Databases
    from orchestrate.driver import Connection, Cursor
    from orchestrate.settings import Settings

_PRESENT: Final = """
    select nspname, relname from pg_catalog.pg_class
    inner join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where (nspname, relname) in %s and relkind in ('r', 'p', 'v')
    order by 1, 2
"""
_NO_SOURCES: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class _Plan:
    """All that is decided before the reporting database is touched.

    `seen` is the version that readers saw when the publication began.
    """

    seen: int | None
    build: Build
    marts: Sequence[Mart]
    functions: Sequence[Function]
    members: Sequence[Member]
    known: Known


def publish(
    settings: Settings,
    databases: Databases,
    target_dir: Path,
    console: Console,
    sources: Mapping[str, object] = _NO_SOURCES,
    still_alone: Callable[[], None] = lambda: None,
) -> PublishedVersion:
    """Audit the build that `target_dir` describes and publish its marts, all or none.

    `sources` says per domain where the data came from; it is recorded with the version. The caller
    holds the run lock; `still_alone` raises when it was lost meanwhile. Raises DataError when the
    build is incomplete, did not pass, breaks a contract or is not what the warehouse holds,
    ConfigurationError for what cannot be used as given, DatabaseError when a server refuses and
    BusyError when another run published meanwhile; in each case readers see what they saw before.
    """
    seen = seen_version(databases)
    build = read_build(target_dir, databases.warehouse.database)
    marts = read_marts(build.manifest)
    functions = read_functions(build.manifest, marts)
    with _snapshot(databases, build.relations) as warehouse, warehouse.cursor() as source:
        check_last_build(source, build, target_dir)
        audit(Examined(source, marts, build.source_relation))
        known = read_known(source, build.source_relation, marts)
        members = _read_members(settings, source, build, known, console)
        plan = _Plan(seen, build, marts, functions, members, known)
        ensure_roles(databases, console)
        create_logins(databases, plan.members, console)
        with rebuilt_tables(databases, marts) as rebuilt:
            published, withdrawn = _publish_at_once(
                databases, source, plan, rebuilt, sources, console, still_alone
            )
    _tidy(databases, plan, withdrawn, console)
    return published


def published_versions(databases: Databases) -> list[PublishedVersion]:
    """Read the versions that are kept, newest first; an empty list before the first one."""
    if not has_published(databases):
        return []
    with as_owner(databases) as cursor:
        return read_versions(cursor)


def seen_version(databases: Databases) -> int | None:
    """Return the version that readers see, None before the first one."""
    if not has_published(databases):
        return None
    with as_owner(databases) as cursor:
        return current_version(cursor)


@contextmanager
def _snapshot(databases: Databases, relations: Sequence[Name]) -> Iterator[Connection]:
    """Open the warehouse for reading at one moment, in which nobody takes these relations away."""
    connection = databases.warehouse.connect(application_name="casebook publish", options=WAITING)
    try:
        connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with database_errors("The warehouse refused to be read"):
            _hold(connection, relations)
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


def _read_members(
    settings: Settings, source: Cursor, build: Build, known: Known, console: Console
) -> list[Member]:
    listed = (
        read_members_file(settings.members_file)
        if settings.members_file
        else read_member_seed(source, build.source_relation)
    )
    check_members(listed)
    members, warnings = tie_members(listed, known)
    for warning in warnings:
        console.warn(warning)
    return members


def _publish_at_once(
    databases: Databases,
    source: Cursor,
    plan: _Plan,
    rebuilt: Rebuilt,
    sources: Mapping[str, object],
    console: Console,
    still_alone: Callable[[], None],
) -> tuple[PublishedVersion, set[Name]]:
    builder = databases.reporting_admin.user
    with as_owner(databases) as target:
        ensure_private(target)
        version = next_version(target)
        refuse_differences(live_access(target).others)
        withdrawn = _prepare_tables(target, plan.marts, rebuilt)
        with console.task(f"Publishing version {version}", total=len(plan.marts)) as task:
            rows = {
                mart.relation: _copy(source, target, mart, version, rebuilt, task)
                for mart in plan.marts
            }
        for relation in (relation for relation, count in rows.items() if count == 0):
            console.say(f"{relation} is published without rows: the build has none.")
        relations = [*plan.marts, *withdrawn]
        declared = declared_access(relations, plan.functions)
        end = readers_ended_by(databases, _logins(target, plan), console)
        wait_for_older(target, rebuilt, end)
        changing = policy_changes(declared, live_access(target)) | rebuilt.concerned
        lock_exclusively(target, changing, end)
        put_in_place(target, rebuilt)
        store_members(target, plan.members)
        apply_access(target, declared)
        refuse_differences(difference(declared, live_access(target)))
        refuse_differences(standing_problems(target, plan.members, builder, settled=False))
        published = record_version(
            target,
            PublishedVersion(
                version=version,
                published_at=datetime.now(UTC),
                sources=dict(sources),
                rows=rows,
                tests_passed=plan.build.tests_passed,
                tests_warned=plan.build.tests_warned,
                casebook_version=__version__,
                invocation_id=plan.build.invocation_id,
                is_current=True,
            ),
        )
        members_relation = plan.build.source_relation(MEMBERS_MODEL)
        store_given(target, version, Given(relations, plan.functions, plan.known, members_relation))
        still_alone()
        move_pointer(target, version, plan.seen)
    return published, {(mart.schema, mart.name) for mart in withdrawn}


def _logins(cursor: Cursor, plan: _Plan) -> set[str]:
    """Name the readers of the version before and of this one."""
    return {member.login for member in [*read_members(cursor), *plan.members]}


def refuse_differences(found: Collection[str]) -> None:
    """Raise DatabaseError when something in reporting is not as the marts declare."""
    if found:
        raise DatabaseError(
            f"The rights in reporting are not as declared: {'; '.join(sorted(found)[:5])}.",
            "Readers see what they saw. Remove what was put there by other hands; see"
            " docs/publishing.md.",
        )


def _copy(
    source: Cursor, target: Cursor, mart: Mart, version: int, rebuilt: Rebuilt, task: Task
) -> int:
    place = rebuilt.places.get((mart.schema, mart.name))
    elsewhere = () if place is None else (place,)
    count = copy_mart(source, target, mart, version, *elsewhere)
    task.advance(mart.relation)
    return count


def _prepare_tables(cursor: Cursor, marts: Sequence[Mart], rebuilt: Rebuilt) -> list[Mart]:
    """Make every table what its contract asks for; return the tables that no mart stands behind.

    Such a table loses its readers with this version. Its rows stay for the versions that had it,
    until the retention has deleted the last of them.
    """
    present = live_tables(cursor)
    parents = {(mart.schema, mart.name): mart for mart in marts}
    wanted = {name: declared_table(mart, parents) for name, mart in parents.items()}
    for schema in sorted({schema for schema, _ in wanted}):
        cursor.execute("select to_regnamespace(quote_ident(%s)) is null", (schema,))
        if cursor.fetchone() == (True,):
            cursor.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    statements: list[sql.Composable] = []
    for name, table in wanted.items():
        if name not in present:
            statements += create_table(name, table)
        elif name not in rebuilt.places:
            statements += alter_table(name, table, present[name])
    for name, table in wanted.items():
        place = rebuilt.places.get(name, name)
        keys = table.foreign_keys
        if place == name and name in present:
            keys -= present[name].foreign_keys
        is_new = name not in present
        statements += add_foreign_keys(place, keys, rebuilt.places, is_new=is_new)
    for statement in statements:
        cursor.execute(statement)
    return [
        _withdraw(name, table)
        for name, table in present.items()
        if name not in parents and VERSION_COLUMN in table.columns
    ]


def _withdraw(name: Name, table: Table) -> Mart:
    """Stand in for a mart that is gone: same table, no readers."""
    schema, relation = name
    columns = tuple(Column(column, "", "") for column in table.columns)
    return Mart("", schema, relation, "", "", columns, table.primary_key)


def _tidy(databases: Databases, plan: _Plan, withdrawn: set[Name], console: Console) -> None:
    """Settle logins and delete old versions; what fails here is said and done by the next run."""
    builder = databases.reporting_admin.user
    try:
        settle_logins(databases, plan.members, console)
        with as_owner(databases) as cursor:
            delete_old_versions(cursor, withdrawn)
            found = standing_problems(cursor, plan.members, builder, settled=True)
        if found:
            console.warn(f"Roles are not as they are to be: {'; '.join(found[:5])}.")
        _vacuum(databases)
    except CasebookError as error:
        console.warn(f"Published, but tidying up afterwards failed: {error}")


def _vacuum(databases: Databases) -> None:
    """Reuse the space of deleted versions; not truncating avoids a lock that readers feel."""
    connection = databases.publisher.connect(
        application_name="casebook publish", autocommit=True, options=SESSION
    )
    try:
        with (
            database_errors("The reporting database refused to vacuum"),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql.SQL("set role {}").format(sql.Identifier(OWNER)))
            for name in live_tables(cursor):
                cursor.execute(
                    sql.SQL("vacuum (analyze, truncate false) {}").format(sql.Identifier(*name))
                )
    finally:
        connection.close()
