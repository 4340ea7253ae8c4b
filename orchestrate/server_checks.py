"""What `casebook doctor` asks of the servers: limits, privileges, encryption, who may do what.

Much of it lets a connection succeed and a run fail later, or not fail and be read on its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from orchestrate.access.scopes import GROUPS, OWNER, PUBLISHER
from orchestrate.database import Databases, server_status
from orchestrate.database.cluster import has_own_rules
from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.defences import CLOSING_STATEMENT, limit_statements, open_to_everybody
from orchestrate.database.objects import marker
from orchestrate.errors import ExitStatus
from orchestrate.publishing.versions import read_readers
from orchestrate.settings import Settings

OK = "ok"
# dbt's four threads, the lock of one run at a time, publisher and reports.
NEEDED_CONNECTIONS = 8
_ADMINISTRATOR = "Let an administrator run the statements below"


@dataclass(frozen=True)
class Check:
    """One finding: what was looked at, `ok` or what is wrong, what to do, and how bad it is.

    `statements` are SQL that mends it, for whoever may run it, in the database `run_in`.
    """

    name: str
    result: str = OK
    cure: str = ""
    status: ExitStatus = ExitStatus.DONE
    statements: tuple[str, ...] = ()
    run_in: str = ""

    def unless(self, is_well: bool) -> Check:
        """Return this finding, or that all is well."""
        return Check(self.name) if is_well else self

    def as_json(self) -> dict[str, object]:
        """Return the check as plain values."""
        return {
            "check": self.name,
            "ok": self.status == ExitStatus.DONE,
            "result": self.result,
            "cure": self.cure,
            "statements": list(self.statements),
            "run_in": self.run_in,
        }


_STATE = """
    select
        current_setting('server_encoding') as encoding,
        current_setting('transaction_read_only')::boolean as is_read_only,
        pg_is_in_recovery() as is_replica,
        least(
            current_setting('max_connections')::integer
                - current_setting('superuser_reserved_connections')::integer
                - (
                    -- Who is no superuser is not told what kind the sessions of others are.
                    select count(*) from pg_stat_activity as other
                    where
                        other.datid is not null and other.usesysid is not null
                        and coalesce(other.backend_type, 'client backend') = 'client backend'
                ),
            nullif(datconnlimit, -1)
                - (select count(*) from pg_stat_activity as other where other.datid = database.oid),
            nullif(rolconnlimit, -1)
                - (select count(*) from pg_stat_activity as other where other.usesysid = role.oid)
        ) + 1 as free_connections,
        coalesce((select version from pg_stat_ssl where pid = pg_backend_pid() and ssl), '')
    from pg_database as database
    inner join pg_roles as role on role.rolname = current_user
    where datname = current_database()
"""
_BUILDER = """
    select current_setting('server_version'), rolsuper
    from pg_catalog.pg_roles where rolname = current_user
"""
# The queries from here on return statements that somebody else has to run.
_BUILDER_LACKS = """
    select format('alter role %I createrole;', current_user)
    from pg_catalog.pg_roles where rolname = current_user and not (rolcreaterole or rolsuper)
    union all
    select format('alter role %I createdb;', current_user)
    from pg_catalog.pg_roles where rolname = current_user and not (rolcreatedb or rolsuper)
    union all
    select format('grant create on database %I to %I;', current_database(), current_user)
    where not has_database_privilege(current_database(), 'create')
"""
_HELD_BY_PUBLIC = """
    select format('revoke %s on database %I from public;', privilege_type, datname)
    from pg_catalog.pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    where datname = current_database() and grantee = 0
    union all
    select format('revoke %s on schema %I from public;', privilege_type, nspname)
    from pg_catalog.pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
    where nspname = 'public' and grantee = 0
"""
_OTHER_DATABASES = """
    select format('revoke %s on database %I from public;', privilege_type, datname)
    from pg_catalog.pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    where datallowconn and grantee = 0 and datname <> current_database()
        and coalesce(shobj_description(pg_database.oid, 'pg_database'), '')
            not like 'Made by Casebook%'
    order by 1
"""


def check_builder(databases: Databases) -> Iterator[Check]:
    """Check that the builder may create schemas, roles and databases, and is no superuser."""
    warehouse = databases.warehouse
    ((version, is_superuser),) = _rows(warehouse, _BUILDER)
    yield Check(f"warehouse, PostgreSQL {version}")
    lacking = _statements(warehouse, _BUILDER_LACKS)
    yield Check(
        f"privileges of {warehouse.user}",
        "not all that a run needs",
        f"{_ADMINISTRATOR}.",
        ExitStatus.DATABASE,
        lacking,
        warehouse.database,
    ).unless(not lacking)
    if is_superuser:
        yield Check(
            f"{warehouse.user} is a superuser",
            "works, but more than needed",
            "docs/databases.md shows the least privileges.",
        )


class State(NamedTuple):
    """How a server is set up, and how many more connections it takes from who asks."""

    encoding: str
    is_read_only: bool
    is_replica: bool
    free_connections: int
    tls_version: str


def read_state(target: ConnectionTarget) -> State:
    """Ask a server how it is set up, and for this connection."""
    (row,) = _rows(target, _STATE)
    return State(*row)


def check_servers(settings: Settings, databases: Databases) -> Iterator[Check]:
    """Check what the servers are set to, and the embedded one's rules of entry."""
    for name, target in (
        ("warehouse", databases.warehouse),
        *(("reporting", server.door) for server in databases.servers),
    ):
        state = read_state(target)
        yield from _check_state(name, target, state)
        yield _check_tls(name, target, state)
    if not (settings.database_url and settings.reporting_url):
        data_dir = server_status(settings).data_dir
        if not has_own_rules(data_dir):
            yield Check(
                "embedded server, who may enter",
                f"{data_dir / 'pg_hba.conf'} was changed by other hands",
                "Run `casebook db stop`: the next start writes it anew.",
                ExitStatus.USAGE,
            )


def _check_state(name: str, target: ConnectionTarget, state: State) -> Iterator[Check]:
    user, database = target.user, target.database
    if state.encoding != "UTF8":
        yield Check(
            f"{name}, encoding",
            f"database {database} is in {state.encoding}, in which not every name can be stored",
            "Let an administrator make it anew, with encoding 'UTF8' template template0.",
            ExitStatus.USAGE,
        )
    if state.is_read_only:
        yield Check(
            f"{name}, read-only",
            "a replica answers" if state.is_replica else f"{user} may only read in {database}",
            "Name the primary server in the URL."
            if state.is_replica
            else "Let an administrator take default_transaction_read_only back, which role,"
            " database or server has.",
            ExitStatus.DATABASE,
        )
    if state.free_connections < NEEDED_CONNECTIONS:
        yield Check(
            f"{name}, connections",
            f"{user} can open {max(state.free_connections, 0)} more, a run needs up to"
            f" {NEEDED_CONNECTIONS}",
            "Close some, or raise max_connections or the connection limit of role or database.",
            ExitStatus.DATABASE,
        )


def _check_tls(name: str, target: ConnectionTarget, state: State) -> Check:
    """Tell how the connection is protected; a network may be protected otherwise."""
    title = f"{name}, encryption"
    if target.parameters["host"].startswith("/"):
        return Check(title, "none needed: a socket of this machine")
    return Check(
        title,
        f"{state.tls_version}, but nobody checks who answers"
        if state.tls_version
        else "none: who is on the network can read along",
        "Add ?sslmode=verify-full&sslrootcert=FILE to the URL, FILE being the certificate of the"
        " authority.",
    ).unless(bool(state.tls_version) and target.parameters.get("sslmode") == "verify-full")


def check_roles(databases: Databases) -> Check:
    """Check that owner, publisher and audience groups are there and are this installation's."""
    wanted = [OWNER, PUBLISHER, *GROUPS]
    found = dict(
        _rows(
            databases.reporting.door,
            "select rolname, shobj_description(oid, 'pg_authid') from pg_catalog.pg_roles"
            " where rolname = any(%s)",
            wanted,
        )
    )
    if foreign := sorted(
        name for name, comment in found.items() if comment != marker(databases.installation)
    ):
        return Check(
            "roles",
            f"not made by this installation: {', '.join(foreign)}",
            "Use a server of its own for each installation, or drop those roles.",
            ExitStatus.USAGE,
        )
    missing = sorted(set(wanted) - set(found))
    return Check(
        "roles", f"not made yet: {', '.join(missing)}", "`casebook run` makes them."
    ).unless(not missing)


def check_public(databases: Databases) -> Iterator[Check]:
    """Check that everybody may not connect, make temporary tables or use what the server brings.

    The server's functions and other databases are an administrator's to close; they hold no rows of
    Casebook's, so they are told and do not fail the examination. Scopes' databases are told one by
    one where something is not well. Before the first publication nobody reads anything yet, and it
    closes by itself what is the builder's to close: that is told and does not fail either.
    """
    places, _ = read_readers(databases)
    scopes = [place.as_builder() for place in places]
    checks = [
        *(_check_held(target, is_in_use=bool(scopes)) for target in (databases.warehouse, *scopes)),
        *map(_check_defences, scopes),
    ]
    wrong = [check for check in checks if check.statements]
    yield from wrong or [Check(f"warehouse and {len(scopes)} scopes closed to the public")]
    yield from _check_limits(databases)
    others = _statements(databases.warehouse, _OTHER_DATABASES)
    yield Check(
        "other databases",
        "readers may connect to more than their scope",
        f"{_ADMINISTRATOR}, if nobody needs it.",
        statements=others,
        run_in=databases.warehouse.database,
    ).unless(not others)


def _check_held(target: ConnectionTarget, *, is_in_use: bool) -> Check:
    held = _statements(target, _HELD_BY_PUBLIC)
    return Check(
        f"{target.database} closed to the public",
        "everybody holds privileges there",
        f"{_ADMINISTRATOR}."
        if is_in_use
        else "The first `casebook run` closes what it may; an administrator may run the statements"
        " below before.",
        ExitStatus.DATABASE if is_in_use else ExitStatus.DONE,
        held,
        target.database,
    ).unless(not held)


def _check_defences(target: ConnectionTarget) -> Check:
    """Check that the server's own functions and views are closed in a database of readers."""
    with target.session("casebook doctor") as session, session.cursor() as cursor:
        still_open = open_to_everybody(cursor)
    return Check(
        f"functions of the server in {target.database}",
        f"readers may use {len(still_open)} that take the server's locks, write into its log, or"
        " tell how much is written in other databases",
        f"Let a superuser run the statement below in {target.database}, or make the template of"
        " docs/databases.md, of which later ones are copies.",
        statements=(f"{CLOSING_STATEMENT};",),
        run_in=target.database,
    ).unless(not still_open)


def _check_limits(databases: Databases) -> Iterator[Check]:
    """Check that the builder may limit logins, which it does where it may."""
    for server in databases.servers:
        with server.door.session("casebook doctor") as session, session.cursor() as cursor:
            cursor.execute("select has_parameter_privilege('temp_file_limit', 'set')")
            if cursor.fetchone() == (True,):
                continue
            needed = limit_statements(cursor, server.door.user)
        yield Check(
            "limits of logins",
            "readers may fill the disk with temporary files",
            f"{_ADMINISTRATOR}, then run again.",
            statements=tuple(f"{text};" for text in needed),
            run_in=server.door.database,
        )


def _rows(target: ConnectionTarget, query: str, *values: object) -> list[tuple[Any, ...]]:
    with target.session("casebook doctor") as session, session.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchall()


def _statements(target: ConnectionTarget, query: str) -> tuple[str, ...]:
    return tuple(str(statement) for (statement,) in _rows(target, query))
