"""The embedded server's life: start, stop, and what it is doing now."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestrate.database.account import Account
from orchestrate.database.bootstrap import BUILDER, is_prepared, prepare
from orchestrate.database.cluster import (
    ADMINISTRATOR,
    check_cluster,
    configure_cluster,
    create_cluster,
    reset_administrator,
)
from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.files import give_to_owner_of_folder, locked
from orchestrate.database.passwords import Endpoint, PasswordFile, new_password
from orchestrate.database.places import (
    Note,
    file_errors,
    find_server_dir,
    folder_outside_home,
    is_socket_folder_of,
    make_server_dir,
    socket_folder,
    usable_home,
)
from orchestrate.database.postmaster import Postmaster, disown_stale_pid_file, end_orphans
from orchestrate.database.programs import Programs
from orchestrate.errors import BusyError, DatabaseError
from orchestrate.settings import Settings

_START_SECONDS = 120
_STOP_SECONDS = 60
_POLL_SECONDS = 0.05
_MOST_LOG_BYTES = 10_000_000
_SHOWN_LOG_LINES = 5

# What PostgreSQL says while children of a killed server still use its data.
_ORPHANS = "is still in use"
_ORPHANS_SECONDS = 20
_ORPHANS_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class ServerStatus:
    """The embedded server: where its data are; process and socket, None where it does not run."""

    data_dir: Path
    pid: int | None
    socket_folder: Path | None


def server_passwords(settings: Settings) -> PasswordFile:
    """Return the file with the passwords of administrator, builder and publisher."""
    return PasswordFile(settings.secrets_dir / "server.pgpass")


def login_passwords(settings: Settings) -> PasswordFile:
    """Return the file with the passwords of the readers' logins."""
    return PasswordFile(settings.secrets_dir / "logins.pgpass")


def ensure_running(settings: Settings, port: int | None = None) -> Postmaster:
    """Start the embedded server unless it runs, and make what it needs at its first start.

    `port` lets it listen on 127.0.0.1 too (0: not; None: as it does or last did). Raises
    ConfigurationError when the home cannot be used, DatabaseError when the server does not start,
    BusyError when it would have to be restarted under its users.
    """
    with usable_home(settings), _locked(settings.home):
        account = Account.for_server(find_server_dir(settings) / "data")
        data_dir = make_server_dir(settings, account) / "data"
        running = _wait_until_ready(settings, data_dir)
        if running and not _may_stay(settings, running, port):
            _stop(settings, data_dir, account)
            running = None
        if running is None:
            running = _start(settings, data_dir, account, port)
        Note(str(running.socket_folder), running.tcp_port).write(settings.home)
        passwords = server_passwords(settings)
        if passwords.find(running.endpoint, BUILDER) is None or not is_prepared(data_dir):
            prepare(
                data_dir,
                _administrator(settings, running),
                passwords.ensure(running.endpoint, BUILDER),
            )
        return running


def stop(settings: Settings) -> bool:
    """Stop the embedded server, ending what its users do; tell whether it ran."""
    if not settings.home.exists():
        return False
    with usable_home(settings), _locked(settings.home):
        return _stop_if_running(settings)


def server_status(settings: Settings) -> ServerStatus:
    """Look at the embedded server, starting and changing nothing."""
    with file_errors(settings):
        data_dir = find_server_dir(settings) / "data"
        running = Postmaster.find(data_dir)
    if running is None:
        return ServerStatus(data_dir, None, None)
    return ServerStatus(data_dir, running.pid, running.socket_folder)


def remove_embedded(settings: Settings) -> None:
    """Stop the embedded server and remove its data, wherever they are, its socket and passwords."""
    if not settings.home.exists():
        return
    with usable_home(settings), _locked(settings.home):
        _stop_if_running(settings)
        for folder in (find_server_dir(settings), folder_outside_home(settings)):
            if folder.exists():
                shutil.rmtree(folder)
        if folder_name := Note.read(settings.home).socket_folder:
            if is_socket_folder_of(Path(folder_name), settings.home):
                shutil.rmtree(folder_name, ignore_errors=True)
            else:
                # A copied home remembers the folder of its original, whose server may be running.
                _remove_empty(Path(folder_name))
            for passwords in _password_files(settings):
                passwords.forget(Endpoint(folder_name, "*"))
        (settings.home / "server.json").unlink(missing_ok=True)


def _may_stay(settings: Settings, running: Postmaster, port: int | None) -> bool:
    """Tell whether a running server can be used as it is, or has to be restarted.

    Raises BusyError when the restart that another port needs would end somebody's work.
    """
    password = server_passwords(settings).find(running.endpoint, ADMINISTRATOR)
    if not running.has_socket or password is None:
        return False
    if port in (None, running.tcp_port):
        return True
    _refuse_restart_in_use(_administrator(settings, running))
    return False


def _start(settings: Settings, data_dir: Path, account: Account, port: int | None) -> Postmaster:
    """Start the server, on data made now when there are none."""
    programs = Programs.find().within_reach(account, folder_outside_home(settings))
    note = Note.read(settings.home)
    folder = socket_folder(settings, account)
    endpoint = Endpoint(str(folder), "*")
    if note.socket_folder not in ("", str(folder)):
        # Home or temporary folder have moved, and so has the socket, which is the passwords' key.
        for passwords in _password_files(settings):
            passwords.move(Endpoint(note.socket_folder, "*"), endpoint)
        _remove_empty(Path(note.socket_folder))
    administrator = server_passwords(settings)
    stored = administrator.find(endpoint, ADMINISTRATOR)
    password = stored or new_password()
    with _log(settings) as log:
        begin = log.seek(0, os.SEEK_END)
        is_new = not check_cluster(data_dir, programs)
        if is_new and not create_cluster(data_dir, programs, account, password, log):
            raise _failed("make its data folder", log, begin)
        configure_cluster(data_dir, folder, note.port if port is None else port)
        end_orphans(data_dir)
        disown_stale_pid_file(data_dir)
        for leftover in folder.glob(".s.PGSQL.*"):
            leftover.unlink()
        if not (
            stored or is_new or reset_administrator(data_dir, programs, account, password, log)
        ):
            raise _failed("take a new password", log, begin)
        # Stored last: what is missing after a crash is reset, what is wrong would stay wrong.
        administrator.put(endpoint, ADMINISTRATOR, password)
        return _launch(data_dir, programs, account, folder, log)


def _launch(
    data_dir: Path, programs: Programs, account: Account, folder: Path, log: IO[bytes]
) -> Postmaster:
    deadline = time.monotonic() + _ORPHANS_SECONDS
    while True:
        begin = log.seek(0, os.SEEK_END)
        status = account.run(
            [programs / "pg_ctl", "start", "--silent", "--wait", f"--timeout={_START_SECONDS}"],
            output=log,
            environment={"PGDATA": str(data_dir)},
        )
        running = Postmaster.find(data_dir)
        if status == 0 and running:
            return running
        # A copy of this home that starts now removes the folder, which is still empty, as its own.
        is_cleared_away = not folder.exists()
        # Children of a killed server take a moment to end.
        is_passing = is_cleared_away or _ORPHANS in _told(log, begin)
        if not is_passing or time.monotonic() > deadline:
            raise _failed("start", log, begin)
        if is_cleared_away:
            account.make_folder(folder)
        else:
            time.sleep(_ORPHANS_PAUSE_SECONDS)


def _stop_if_running(settings: Settings) -> bool:
    data_dir = find_server_dir(settings) / "data"
    running = Postmaster.find(data_dir)
    if running is None:
        return False
    _stop(settings, data_dir, Account.for_server(data_dir))
    _remove_empty(running.socket_folder)
    if (tcp := running.tcp_endpoint) is not None:
        for passwords in _password_files(settings):
            passwords.forget(tcp)
    Note(Note.read(settings.home).socket_folder, 0).write(settings.home)
    return True


def _stop(settings: Settings, data_dir: Path, account: Account) -> None:
    programs = Programs.find().within_reach(account, folder_outside_home(settings))
    with _log(settings) as log:
        begin = log.seek(0, os.SEEK_END)
        status = account.run(
            [programs / "pg_ctl", "stop", "--mode=fast", "--wait", f"--timeout={_STOP_SECONDS}"],
            output=log,
            environment={"PGDATA": str(data_dir)},
        )
        # One that was going away by itself leaves nothing to stop.
        if status and Postmaster.find(data_dir):
            raise _failed("stop", log, begin)


def _wait_until_ready(settings: Settings, data_dir: Path) -> Postmaster | None:
    """Wait for a server that is starting, recovering or going away; return it if it stays.

    Its pid file calls it ready while it recovers from a crash too, and while it gives that up.
    """
    deadline = time.monotonic() + _START_SECONDS
    while (running := Postmaster.find(data_dir)) and not (
        running.is_ready
        and (not running.has_socket or _administrator(settings, running).is_served())
    ):
        if time.monotonic() > deadline:
            raise DatabaseError(
                f"The embedded server (process {running.pid}) has been starting or stopping for"
                f" {_START_SECONDS} seconds.",
                "See its log, or stop it: casebook db stop.",
            )
        time.sleep(_POLL_SECONDS)
    return running


def _administrator(settings: Settings, running: Postmaster) -> ConnectionTarget:
    return running.target(server_passwords(settings), ADMINISTRATOR, "postgres")


def _refuse_restart_in_use(administrator: ConnectionTarget) -> None:
    with administrator.session() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_catalog.pg_stat_activity"
            " where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()"
        )
        row = cursor.fetchone()
    if row and row[0]:
        raise BusyError(
            "The embedded server has to restart for another port, and is in use"
            f" ({row[0]} connections).",
            "Close them, or end them with casebook db stop, and start again.",
        )


def _remove_empty(folder: Path) -> None:
    """Remove a socket folder, unless a server (of a copied home, perhaps) uses it."""
    with suppress(OSError):
        folder.rmdir()


def _password_files(settings: Settings) -> tuple[PasswordFile, PasswordFile]:
    return server_passwords(settings), login_passwords(settings)


@contextmanager
def _log(settings: Settings) -> Iterator[IO[bytes]]:
    """Open the server's log to append; a long one is set aside first."""
    path = settings.log_dir / "server.log"
    if path.exists() and path.stat().st_size > _MOST_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    path.touch(mode=0o600)
    give_to_owner_of_folder(path)
    with path.open("ab") as log:
        yield log


def _told(log: IO[bytes], begin: int) -> str:
    """Return what the log got since `begin`."""
    with Path(log.name).open("rb") as file:
        file.seek(begin)
        return file.read().decode("utf-8", errors="replace")


def _failed(what: str, log: IO[bytes], begin: int) -> DatabaseError:
    lines = [line for line in _told(log, begin).split("\n") if line.strip()]
    return DatabaseError(
        f"The embedded PostgreSQL did not {what}. The last lines of {log.name}:\n"
        + "\n".join(lines[-_SHOWN_LOG_LINES:])
    )


def _locked(home: Path) -> AbstractContextManager[None]:
    return locked(home / "server.lock", "starting or stopping the embedded server")
