"""Whether a server, as it is set up, can hold a Casebook: limits, encoding, TLS.

Each of these lets a connection succeed and a run fail later, or not fail and be read on its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from orchestrate.check import OK, Check
from orchestrate.database import Databases, server_status
from orchestrate.database.cluster import has_own_rules
from orchestrate.database.connection import ConnectionTarget
from orchestrate.errors import ExitStatus
from orchestrate.settings import Settings

# dbt's four threads, the lock of one run at a time, publisher and reports.
NEEDED_CONNECTIONS = 8

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


class _State(NamedTuple):
    encoding: str
    is_read_only: bool
    is_replica: bool
    free_connections: int
    tls_version: str


def check_servers(settings: Settings, databases: Databases) -> Iterator[Check]:
    """Check what the servers are set to, and the embedded one's rules of entry."""
    for name, target in (
        ("warehouse", databases.warehouse),
        *(("reporting", server.door) for server in databases.servers),
    ):
        state = _read(target)
        yield from _check_state(name, target, state)
        yield _check_tls(name, target, state)
    if not (settings.database_url and settings.reporting_url):
        yield from _check_embedded(settings)


def _read(target: ConnectionTarget) -> _State:
    with target.session("casebook doctor") as session, session.cursor() as cursor:
        cursor.execute(_STATE)
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 - the current user and database are there
    return _State(*row)


def _check_state(name: str, target: ConnectionTarget, state: _State) -> Iterator[Check]:
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


def _check_tls(name: str, target: ConnectionTarget, state: _State) -> Check:
    """Tell how the connection is protected; a network may be protected otherwise."""
    title = f"{name}, encryption"
    if target.parameters["host"].startswith("/"):
        return Check(title, "none needed: a socket of this machine")
    advice = (
        "Add ?sslmode=verify-full&sslrootcert=FILE to the URL, FILE being the certificate of the"
        " authority."
    )
    if not state.tls_version:
        return Check(title, "none: who is on the network can read along", advice)
    if target.parameters.get("sslmode") != "verify-full":
        return Check(title, f"{state.tls_version}, but nobody checks who answers", advice)
    return Check(title, OK)


def _check_embedded(settings: Settings) -> Iterator[Check]:
    data_dir = server_status(settings).data_dir
    if not has_own_rules(data_dir):
        yield Check(
            "embedded server, who may enter",
            f"{data_dir / 'pg_hba.conf'} was changed by other hands",
            "Run `casebook db stop`: the next start writes it anew.",
            ExitStatus.USAGE,
        )
