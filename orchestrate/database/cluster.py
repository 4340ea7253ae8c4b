"""The data folder of the embedded server: made at once or not at all, and configured by us."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from orchestrate.database.account import Account
from orchestrate.database.files import remove_tree, replace_text
from orchestrate.database.postmaster import LOOPBACK
from orchestrate.database.programs import MAJOR_VERSION, Programs
from orchestrate.errors import ConfigurationError

ADMINISTRATOR = "casebook_admin"

_UNFINISHED = "unfinished-"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (looked at, never written by us)
_ENOUGH_SHARED_MEMORY_BYTES = 256 * 1024 * 1024

# Passwords everywhere, the socket included: no local user is trusted.
_HOST_BASED_AUTHENTICATION = f"""\
# Written by Casebook at every start.
local all all scram-sha-256
host all all {LOOPBACK}/32 scram-sha-256
"""

# For builds and reports on a box with two cores; everything else as PostgreSQL has it.
_SETTINGS = """\
# Written by Casebook at every start: changes are lost.
cluster_name = 'casebook'
max_connections = 100
# For the builder and whom it lets, so that readers never lock them out.
reserved_connections = 20
password_encryption = 'scram-sha-256'
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 32MB
maintenance_work_mem = 128MB
max_parallel_workers_per_gather = 1
max_parallel_maintenance_workers = 1
jit = off
random_page_cost = 1.1
# Durable; but nothing replicates from here, and what is built anew need not be logged twice.
fsync = on
synchronous_commit = on
wal_level = minimal
max_wal_senders = 0
min_wal_size = 64MB
max_wal_size = 512MB
checkpoint_timeout = 15min
# A killed client's locks are released soon after it is gone.
client_connection_check_interval = 2s
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
default_text_search_config = 'pg_catalog.english'
# The log tells of starts and failures of the server, never of statements and the data in them.
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_checkpoints = off
log_line_prefix = '%m [%p] '
"""


def create_cluster(
    data_dir: Path, programs: Programs, account: Account, password: str, log: IO[bytes]
) -> bool:
    """Make a data folder with a superuser ADMINISTRATOR, UTF-8, sorted by code point.

    It is made aside and renamed, so that an interrupted start leaves nothing that looks complete.
    Returns whether that went well; `log` tells why not.
    """
    server_dir = data_dir.parent
    for leftover in server_dir.glob(f"{_UNFINISHED}*"):
        remove_tree(leftover)
    unfinished = Path(tempfile.mkdtemp(dir=server_dir, prefix=_UNFINISHED))
    account.own(unfinished)
    try:
        password_file = unfinished / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(f"{password}\n", encoding="utf-8")
        account.own(password_file)
        status = account.run(
            [
                programs / "initdb",
                f"--pgdata={unfinished / 'data'}",
                f"--username={ADMINISTRATOR}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--text-search-config=english",
            ],
            output=log,
        )
        if status:
            return False
        (unfinished / "data").rename(data_dir)
        _sync_folder(server_dir)
        return True
    finally:
        remove_tree(unfinished)


def reset_administrator(
    data_dir: Path, programs: Programs, account: Account, password: str, log: IO[bytes]
) -> bool:
    """Give the superuser another password while the server is stopped: its file was lost.

    Returns whether that went well; `log` tells why not.
    """
    statement = f"alter role {ADMINISTRATOR} password '{password}'\n"
    status = account.run(
        [programs / "postgres", "--single", "postgres"],
        output=log,
        environment={"PGDATA": str(data_dir)},
        text=statement,
    )
    return status == 0


def check_cluster(data_dir: Path, programs: Programs) -> bool:
    """Tell whether there is a data folder; refuse one that these programs cannot use.

    Raises ConfigurationError for data of another major version and for a folder that holds
    something else.
    """
    if not data_dir.exists():
        return False
    try:
        version = (data_dir / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise ConfigurationError(
            f"The folder {data_dir} exists, but holds no PostgreSQL data.",
            "Move it away; Casebook then makes a new one.",
        ) from None
    if version != str(MAJOR_VERSION):
        raise ConfigurationError(
            f"The data in {data_dir} was made by PostgreSQL {version},"
            f" and {programs.folder} has PostgreSQL {MAJOR_VERSION}.",
            "Move it away and run again: everything is built anew from the exports.",
        )
    return True


def configure_cluster(data_dir: Path, socket_folder: Path, port: int) -> None:
    """Write the server's configuration; `port` 0: no network at all, only the socket."""
    listen = f"'{LOOPBACK}'" if port else "''"
    # The value is a comma-separated list, in which double quotes protect a name.
    folder = '"' + str(socket_folder).replace('"', '""') + '"'
    text = (
        f"{_SETTINGS}listen_addresses = {listen}\n"
        f"port = {port or 5432}\n"
        f"unix_socket_directories = {_quote(folder)}\n"
        f"unix_socket_permissions = 0700\n"
        f"dynamic_shared_memory_type = {_dynamic_shared_memory()}\n"
    )
    replace_text(data_dir / "pg_hba.conf", _HOST_BASED_AUTHENTICATION)
    replace_text(data_dir / "postgresql.conf", text)


def has_own_rules(data_dir: Path) -> bool:
    """Tell whether who may enter is as Casebook writes it; no folder yet: it will be."""
    rules = data_dir / "pg_hba.conf"
    return not rules.exists() or rules.read_text(encoding="utf-8") == _HOST_BASED_AUTHENTICATION


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _dynamic_shared_memory() -> str:
    """Keep parallel queries in shared memory, or in files where a container has too little."""
    try:
        available = shutil.disk_usage(_SHARED_MEMORY).total
    except OSError:
        return "mmap"
    return "posix" if available >= _ENOUGH_SHARED_MEMORY_BYTES else "mmap"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
