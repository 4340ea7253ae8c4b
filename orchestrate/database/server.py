"""The embedded server's life: start, stop, and what it is doing now."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestrate.database.account import Account
from orchestrate.database.bootstrap import BUILDER, prepare
from orchestrate.database.cluster import (
    ADMINISTRATOR,
    LOOPBACK,
    check_cluster,
    configure_cluster,
    create_cluster,
)
from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.passwords import Endpoint, PasswordFile
from orchestrate.database.places import (
    Note,
    find_server_dir,
    make_server_dir,
    refuge,
    socket_folder,
    usable_home,
)
from orchestrate.database.postmaster import Postmaster, disown_stale_pid_file
from orchestrate.database.programs import Programs
from orchestrate.errors import BusyError, DatabaseError
from orchestrate.settings import Settings

_START_SECONDS = 120
_STOP_SECONDS = 60
_LOCK_SECONDS = 300
_POLL_SECONDS = 0.05
_MOST_LOG_BYTES = 10_000_000
_SHOWN_LOG_LINES = 5


@dataclass(frozen=True)
class RunningServer:
    """How to reach the embedded server; `tcp_port` 0: by its socket alone."""

    socket_folder: Path
    port: int
    tcp_port: int

    @property
    def endpoint(self) -> Endpoint:
        """The key of its passwords: the socket folder is ours, whatever the port."""
        return Endpoint(str(self.socket_folder), "*")

    @property
    def tcp_endpoint(self) -> Endpoint | None:
        """Address and port on the network of this machine, if it listens there."""
        return Endpoint(LOOPBACK, str(self.tcp_port)) if self.tcp_port else None

    def target(self, passwords: PasswordFile, user: str, database: str) -> ConnectionTarget:
        """Return how a user connects by the socket."""
        return ConnectionTarget(
            {
                "host": str(self.socket_folder),
                "port": str(self.port),
                "user": user,
                "dbname": database,
                "passfile": str(passwords.path),
            }
        )


def server_passwords(settings: Settings) -> PasswordFile:
    """Return the file with the passwords of administrator, builder and publisher."""
    return PasswordFile(settings.secrets_dir / "server.pgpass")


def login_passwords(settings: Settings) -> PasswordFile:
    """Return the file with the passwords of the readers' logins."""
    return PasswordFile(settings.secrets_dir / "logins.pgpass")


def ensure_running(settings: Settings, port: int | None = None) -> RunningServer:
    """Start the embedded server unless it runs, and make what it needs at its first start.

    `port` lets it listen on 127.0.0.1 too (0: not; None: as it does or last did). Raises
    ConfigurationError when the home cannot be used, DatabaseError when the server does not start,
    BusyError when it would have to be restarted under its users.
    """
    with usable_home(settings), _locked(settings):
        note = Note.read(settings.home)
        data_dir = find_server_dir(settings, note) / "data"
        account = Account.for_server(data_dir)
        data_dir = make_server_dir(settings, note, account) / "data"
        running = Postmaster.find(data_dir)
        if running and not running.is_ready:
            running = _wait_until_ready(data_dir)
        if running and not (running.has_socket and port in (None, _tcp_port(running))):
            if running.has_socket:
                _refuse_restart_in_use(settings, running)
            _stop(settings, data_dir, account)
            running = None
        if running is None:
            wanted = note.port if port is None else port
            running = _start(settings, data_dir, account, note, wanted)
        server = _describe(running)
        Note(str(data_dir.parent), str(server.socket_folder), server.tcp_port).write(settings.home)
        passwords = server_passwords(settings)
        prepare(
            data_dir,
            account,
            server.target(passwords, ADMINISTRATOR, "postgres"),
            passwords.ensure(server.endpoint, BUILDER),
        )
        return server


def stop_running(settings: Settings) -> bool:
    """Stop the embedded server, ending what its users do; tell whether it ran."""
    if not settings.home.exists():
        return False
    with usable_home(settings), _locked(settings):
        note = Note.read(settings.home)
        data_dir = find_server_dir(settings, note) / "data"
        running = Postmaster.find(data_dir)
        if running is None:
            return False
        _stop(settings, data_dir, Account.for_server(data_dir))
        if (tcp := _describe(running).tcp_endpoint) is not None:
            for passwords in (server_passwords(settings), login_passwords(settings)):
                passwords.forget(tcp)
        Note(str(data_dir.parent), note.socket_folder, 0).write(settings.home)
        return True


def find_running(settings: Settings) -> tuple[Path, Postmaster | None]:
    """Return the data folder and, if it runs, the server; nothing is started or made."""
    data_dir = find_server_dir(settings, Note.read(settings.home)) / "data"
    return data_dir, Postmaster.find(data_dir)


def remove(settings: Settings) -> None:
    """Stop the embedded server and remove its data, socket folder and passwords."""
    if not settings.home.exists():
        return
    stop_running(settings)
    with usable_home(settings), _locked(settings):
        note = Note.read(settings.home)
        for folder in (find_server_dir(settings, note), refuge(settings)):
            if folder.exists():
                shutil.rmtree(folder)
        if note.socket_folder:
            shutil.rmtree(note.socket_folder, ignore_errors=True)
            for passwords in (server_passwords(settings), login_passwords(settings)):
                passwords.forget(Endpoint(note.socket_folder, "*"))
        (settings.home / "server.json").unlink(missing_ok=True)


def _start(
    settings: Settings, data_dir: Path, account: Account, note: Note, port: int
) -> Postmaster:
    programs = Programs.find().within_reach(account, refuge(settings))
    folder = socket_folder(settings, account)
    _follow_socket(settings, note.socket_folder, folder)
    with _log(settings) as log:
        if not check_cluster(data_dir, programs):
            password = server_passwords(settings).ensure(Endpoint(str(folder), "*"), ADMINISTRATOR)
            create_cluster(data_dir, programs, account, password, log)
        configure_cluster(data_dir, account, folder, port)
        disown_stale_pid_file(data_dir)
        for leftover in folder.glob(".s.PGSQL.*"):
            leftover.unlink()
        begin = log.seek(0, os.SEEK_END)
        status = account.run(
            [programs / "pg_ctl", "start", "--silent", "--wait", f"--timeout={_START_SECONDS}"],
            output=log,
            environment={"PGDATA": str(data_dir)},
        )
        running = Postmaster.find(data_dir)
        if status or running is None:
            raise _failed("start", Path(log.name), begin)
    return running


def _stop(settings: Settings, data_dir: Path, account: Account) -> None:
    programs = Programs.find().within_reach(account, refuge(settings))
    with _log(settings) as log:
        begin = log.seek(0, os.SEEK_END)
        status = account.run(
            [programs / "pg_ctl", "stop", "--mode=fast", "--wait", f"--timeout={_STOP_SECONDS}"],
            output=log,
            environment={"PGDATA": str(data_dir)},
        )
        if status:
            raise _failed("stop", Path(log.name), begin)


def _wait_until_ready(data_dir: Path) -> Postmaster | None:
    """Wait for a server that an earlier command left starting, or gave up waiting for."""
    deadline = time.monotonic() + _START_SECONDS
    while (running := Postmaster.find(data_dir)) and not running.is_ready:
        if time.monotonic() > deadline:
            raise DatabaseError(
                f"The embedded server (process {running.pid}) has been starting for"
                f" {_START_SECONDS} seconds.",
                "See its log, or stop it: casebook db stop.",
            )
        time.sleep(_POLL_SECONDS)
    return running


def _refuse_restart_in_use(settings: Settings, running: Postmaster) -> None:
    """Raise BusyError when a restart, which another port needs, would end somebody's work."""
    administrator = _describe(running).target(server_passwords(settings), ADMINISTRATOR, "postgres")
    with administrator.session() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_catalog.pg_stat_activity"
            " where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()"
        )
        row = cursor.fetchone()
    if row and row[0]:
        raise BusyError(
            f"The embedded server has to restart for another port, and is in use"
            f" ({row[0]} connections).",
            "Close them, or end them with casebook db stop, and start again.",
        )


def _describe(running: Postmaster) -> RunningServer:
    return RunningServer(running.socket_folder, running.port, _tcp_port(running))


def _tcp_port(running: Postmaster) -> int:
    return running.port if running.listens else 0


def _follow_socket(settings: Settings, old: str, new: Path) -> None:
    """Keep the passwords when home or temporary folder, and so the socket, have moved."""
    if old:
        for passwords in (server_passwords(settings), login_passwords(settings)):
            passwords.move(Endpoint(old, "*"), Endpoint(str(new), "*"))


@contextmanager
def _log(settings: Settings) -> Iterator[IO[bytes]]:
    """Open the server's log to append; a long one is set aside first."""
    path = settings.log_dir / "server.log"
    if path.exists() and path.stat().st_size > _MOST_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    path.touch(mode=0o600)
    with path.open("ab") as log:
        yield log


def _failed(verb: str, log: Path, begin: int) -> DatabaseError:
    """Describe a failure with the last lines that the log got since `begin`."""
    with log.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode("utf-8", errors="replace").split("\n")
    told = [line for line in lines if line.strip()][-_SHOWN_LOG_LINES:]
    return DatabaseError(
        f"The embedded PostgreSQL did not {verb}. The last lines of {log}:\n" + "\n".join(told)
    )


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """Let one command at a time start or stop the server of a home."""
    with (settings.home / "server.lock").open("a") as lock:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BusyError(
                        "Another command has been starting or stopping the embedded server for"
                        f" {_LOCK_SECONDS} seconds."
                    ) from None
                time.sleep(_POLL_SECONDS)
        yield
