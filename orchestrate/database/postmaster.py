"""The running server, as its pid file and the system tell of it."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.passwords import Endpoint, PasswordFile

LOOPBACK = "127.0.0.1"
_PID_FILE = "postmaster.pid"
_PROGRAM = "postgres"
_PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Postmaster:
    """A running server: its process, its socket and the port (also the socket's) that it uses.

    While it is not ready, place and port may still be unknown (empty and 0).
    """

    pid: int
    socket_folder: Path
    port: int
    listens: bool
    is_ready: bool

    @property
    def has_socket(self) -> bool:
        """Tell whether the socket is still there: cleaners of temporary folders remove it."""
        return (self.socket_folder / f".s.PGSQL.{self.port}").exists()

    @property
    def tcp_port(self) -> int:
        """The port on the network of this machine; 0: it is reached by its socket alone."""
        return self.port if self.listens else 0

    @property
    def endpoint(self) -> Endpoint:
        """The key of its passwords: the socket folder is ours, whatever the port."""
        return Endpoint(str(self.socket_folder), "*")

    @property
    def tcp_endpoint(self) -> Endpoint | None:
        """Address and port on the network of this machine, if it listens there."""
        return Endpoint(LOOPBACK, str(self.port)) if self.listens else None

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

    @classmethod
    def find(cls, data_dir: Path) -> Postmaster | None:
        """Return the server that runs on a data folder, or None."""
        try:
            lines = (data_dir / _PID_FILE).read_text(encoding="utf-8").splitlines()
            pid = int(lines[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        if not _serves(pid, data_dir):
            return None
        # The server writes one line after the other: process, data folder, start time, port, socket
        # folder, address, shared memory, state.
        _, _, _, port, folder, address, _, state = [*lines, *[""] * 8][:8]
        return cls(
            pid=pid,
            socket_folder=Path(folder),
            port=int(port) if port.isdigit() else 0,
            listens=bool(address.strip()),
            is_ready=state.strip() == "ready",
        )


def disown_stale_pid_file(data_dir: Path) -> None:
    """Make a pid file that a killed server left behind name a process that is surely gone.

    Its number may belong to another process by now, and PostgreSQL would then refuse to start. The
    file is kept, because from its other lines PostgreSQL finds orphans that still use the data.
    """
    try:
        with (data_dir / _PID_FILE).open("r+", encoding="utf-8") as file:
            rest = file.read().partition("\n")[2]
            file.seek(0)
            file.write(f"{_number_of_the_dead()}\n{rest}")
            file.truncate()
    except FileNotFoundError:
        return


def end_orphans(data_dir: Path) -> None:
    """End the children of a killed server: one in the middle of a query would live on for long.

    They are told by their place, the data folder. Call it only when no server runs there.
    """
    for process in _PROCESSES.glob("[0-9]*"):
        try:
            if (process / "cwd").samefile(data_dir) and _name(process) == _PROGRAM:
                # What PostgreSQL's own server sends its children when it has no time to lose.
                os.kill(int(process.name), signal.SIGQUIT)
        except OSError:
            continue


def _name(process: Path) -> str:
    return (process / "comm").read_text(encoding="utf-8").strip()


def _number_of_the_dead() -> int:
    """Return the number of a process that just ended."""
    process = subprocess.Popen(["true"])  # noqa: S607  (not at the same path everywhere)
    process.wait()
    return process.pid


def _serves(pid: int, data_dir: Path) -> bool:
    """Tell whether a process is the server of a data folder."""
    if not (_PROCESSES / "self").exists():
        listing = subprocess.run(  # noqa: S603  (a system program and a number)
            ["ps", "-p", str(pid), "-o", "comm="],  # noqa: S607  (not at the same path everywhere)
            capture_output=True,
            text=True,
            check=False,
        )
        return Path(listing.stdout.strip()).name == _PROGRAM
    process = _PROCESSES / str(pid)
    try:
        # The server has its place in its data folder.
        return (process / "cwd").samefile(data_dir)
    except PermissionError:
        # Root without the right to trace others, as in many containers.
        return _looks_like_server(process, data_dir)
    except OSError:
        # Gone, or a zombie.
        return False


def _looks_like_server(process: Path, data_dir: Path) -> bool:
    """Judge by what everyone may see: the program's name and whose process it is."""
    try:
        return _name(process) == _PROGRAM and process.stat().st_uid == data_dir.stat().st_uid
    except OSError:
        return False
