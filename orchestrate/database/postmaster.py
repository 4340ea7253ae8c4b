"""The server's process, as its pid file and the system tell of it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_READY = "ready"


@dataclass(frozen=True)
class Postmaster:
    """A running server: its process, its socket and the port (also the socket's) that it uses."""

    pid: int
    socket_folder: Path
    port: int
    listens: bool
    is_ready: bool

    @property
    def has_socket(self) -> bool:
        """Tell whether the socket is still there: cleaners of temporary folders remove it."""
        return (self.socket_folder / f".s.PGSQL.{self.port}").exists()

    @classmethod
    def find(cls, data_dir: Path) -> Postmaster | None:
        """Return the server that runs on a data folder, or None."""
        try:
            lines = (data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            pid, port = int(lines[0]), int(lines[3])
            folder, listens, state = Path(lines[4]), lines[5], lines[7]
        except (FileNotFoundError, ValueError, IndexError):
            return None
        if not _serves(pid, data_dir):
            return None
        return cls(pid, folder, port, bool(listens.strip()), state.strip() == _READY)


def disown_stale_pid_file(data_dir: Path) -> None:
    """Make a pid file that a killed server left behind name a process that is surely gone.

    Its number may belong to another process by now, and PostgreSQL would then refuse to start. The
    file is kept, because from its other lines PostgreSQL finds orphans that still use the data.
    """
    file = data_dir / "postmaster.pid"
    try:
        with file.open("r+", encoding="utf-8") as handle:
            rest = handle.read().partition("\n")[2]
            gone = subprocess.Popen(["true"])  # noqa: S607  (its number is all that is wanted)
            gone.wait()
            handle.seek(0)
            handle.write(f"{gone.pid}\n{rest}")
            handle.truncate()
    except FileNotFoundError:
        return


def _serves(pid: int, data_dir: Path) -> bool:
    """Tell whether a process is the server of a data folder, in which it then has its place."""
    process = Path("/proc") / str(pid)
    if not Path("/proc/self").exists():
        listing = subprocess.run(  # noqa: S603  (a system program and a number)
            ["ps", "-p", str(pid), "-o", "comm="],  # noqa: S607  (not at the same path everywhere)
            capture_output=True,
            text=True,
            check=False,
        )
        return Path(listing.stdout.strip()).name == "postgres"
    try:
        return (process / "cwd").samefile(data_dir)
    except OSError:
        # Gone, a zombie, or another user's.
        return False
