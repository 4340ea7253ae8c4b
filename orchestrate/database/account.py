"""The operating-system account that the embedded server runs as.

An ordinary user runs it as itself. PostgreSQL refuses root, so root runs it as a dedicated system
user without shell, home and password, to whom only the server's own folders belong.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestrate.errors import ConfigurationError

SYSTEM_USER = "casebook"
_PR_SET_PDEATHSIG = 1
_CREATION_ATTEMPTS = 10
_CURE = (
    f"Create the system user {SYSTEM_USER!r}, run Casebook as an ordinary user,"
    " or let CASEBOOK_DATABASE_URL name a server."
)


@dataclass(frozen=True)
class Account:
    """A user and its group; `is_other`: not the one this process runs as, who must be root."""

    uid: int
    gid: int
    is_other: bool

    @classmethod
    def for_server(cls, data_dir: Path) -> Account:
        """Choose this user; for root, the owner of existing data or the system user."""
        uid = os.geteuid()
        if uid != 0:
            return cls(uid, os.getegid(), is_other=False)
        if data_dir.exists() and (owner := data_dir.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid, is_other=True)
        entry = _system_user()
        return cls(entry.pw_uid, entry.pw_gid, is_other=True)

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        output: IO[bytes] | int,
        environment: Mapping[str, str] | None = None,
        text: str = "",
    ) -> int:
        """Run a program as this account, `text` its whole input and its output sent to `output`.

        The environment is reduced to what PostgreSQL's programs need: variables such as PGPORT or
        LD_PRELOAD must not reach the server. On Linux the program dies with this process: an initdb
        that outlived it would go on filling a folder that the next start clears away. The server
        itself, which pg_ctl leaves behind, does not. Returns the exit status.
        """
        minimal = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **(environment or {})}
        try:
            return subprocess.run(  # noqa: S603  (programs of the package, arguments of our own)
                [str(argument) for argument in arguments],
                input=text.encode(),
                stdout=output,
                stderr=subprocess.STDOUT,
                env=minimal,
                cwd="/",
                umask=0o077,
                preexec_fn=_dying_with_its_starter(),
                check=False,
                user=self.uid if self.is_other else None,
                group=self.gid if self.is_other else None,
                extra_groups=[] if self.is_other else None,
            ).returncode
        except PermissionError as error:
            raise ConfigurationError(
                f"Cannot run {arguments[0]} as user {self.name}: {error.strerror}.", _CURE
            ) from None

    @property
    def name(self) -> str:
        """The account's name, or its number when it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def make_folder(self, folder: Path) -> None:
        """Create a folder of mode 0700 that belongs to this account, or check that it is one."""
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            pass
        else:
            self.own(folder)
        self.check_folder(folder)

    def check_folder(self, folder: Path) -> None:
        """Refuse a folder that is a link, or that others own or can look into."""
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid:
            raise ConfigurationError(
                f"{folder} is in the way: it is not a folder of user {self.name}.",
                "Remove it, or run Casebook as the user that it belongs to.",
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)

    def own(self, path: Path) -> None:
        """Give a path that this process just made to the account."""
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_traverse(self, folder: Path) -> bool:
        """Tell whether the account reaches what is in an existing folder, by all its ancestors."""
        if not self.is_other:
            return True
        return all(self._may_enter(part) for part in (folder, *folder.parents))

    def _may_enter(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def _dying_with_its_starter() -> Callable[[], None] | None:
    """Return what a new process does first so that it is killed when this one has ended."""
    if sys.platform != "linux":
        return None
    prctl, starter = ctypes.CDLL(None).prctl, os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != starter:
            # It ended before that.
            os._exit(1)

    return bind


def _system_user() -> pwd.struct_passwd:
    """Return the system user, created when missing."""
    problem = "the program useradd is not installed"
    for attempt in range(_CREATION_ATTEMPTS):
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            if not (useradd := shutil.which("useradd", path=f"{os.defpath}:/usr/sbin:/sbin")):
                break
            problem = _create_system_user(useradd)
            if problem and attempt:
                # Another process may hold the lock of the user database, or just have been first.
                time.sleep(0.3)
            continue
        if entry.pw_uid == 0:
            raise ConfigurationError(f"The user {SYSTEM_USER!r} is root by another name.", _CURE)
        return entry
    raise ConfigurationError(
        f"PostgreSQL does not run as root, and the system user {SYSTEM_USER!r}"
        f" could not be created: {problem}.",
        _CURE,
    )


def _create_system_user(useradd: str) -> str:
    """Create the system user; return what went wrong, or nothing."""
    outcome = subprocess.run(  # noqa: S603  (a system program, constant arguments)
        [
            useradd,
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir=/nonexistent",
            "--shell=/usr/sbin/nologin",
            "--comment=Casebook's embedded PostgreSQL",
            SYSTEM_USER,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if outcome.returncode == 0:
        return ""
    return (outcome.stderr.strip().splitlines() or [f"status {outcome.returncode}"])[-1]
