"""Where the embedded server keeps its data, its socket and the note of both."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrate.database.account import Account
from orchestrate.database.files import give_to_owner_of_folder, replace_text
from orchestrate.errors import ConfigurationError
from orchestrate.settings import Settings

# For a home that the server's account cannot reach, such as one below /root.
SYSTEM_FOLDER = Path("/var/lib/casebook")

# What a user can mend: a read-only or full disk, a file where a folder should be, a name too long.
_UNUSABLE = frozenset(
    {
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
    }
)

# A socket's path has to fit in 108 bytes (103 on macOS), with its terminator and this name in it.
_SOCKET_NAME_BYTES = len("/.s.PGSQL.65535.lock")
_MOST_SOCKET_PATH_BYTES = 103


@dataclass(frozen=True)
class Note:
    """What `server.json` in the home remembers: socket and port (0: none) of the last start."""

    socket_folder: str = ""
    port: int = 0

    @classmethod
    def read(cls, home: Path) -> Note:
        """Read the note; an absent one is empty."""
        try:
            values = json.loads(_note_file(home).read_text(encoding="utf-8"))
            return cls(socket_folder=str(values["socket_folder"]), port=int(values["port"]))
        except FileNotFoundError:
            return cls()
        except (ValueError, KeyError, TypeError):
            raise ConfigurationError(
                f"{_note_file(home)} is damaged.", "Remove it and run again."
            ) from None

    def write(self, home: Path) -> None:
        """Replace the note, unless it says the same already."""
        if self != Note.read(home):
            replace_text(_note_file(home), json.dumps(asdict(self), indent=2) + "\n")


def digest(home: Path) -> str:
    """Return a short name for a home, for places that cannot hold its whole path."""
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:12]


def find_server_dir(settings: Settings) -> Path:
    """Return the folder of an existing server, or where one would be made by an ordinary user."""
    usual, other = _candidates(settings)
    return other if (other / "data").exists() and not (usual / "data").exists() else usual


def make_server_dir(settings: Settings, account: Account) -> Path:
    """Return the folder that the data folder is or will be in, made when missing.

    It is in the home; where the server's account does not reach that, it is outside of it, because
    opening the folders above the home would be none of our business.
    """
    folder = find_server_dir(settings)
    if not (folder / "data").exists() and not account.can_traverse(settings.home):
        folder = _candidates(settings)[1]
        folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    account.make_folder(folder)
    return folder


def folder_outside_home(settings: Settings) -> Path:
    """Return the folder outside the home that belongs to it."""
    return SYSTEM_FOLDER / digest(settings.home)


def socket_folder(settings: Settings, account: Account) -> Path:
    """Return a short folder for the socket that only its owner can enter, made when missing.

    Raises ConfigurationError when somebody else made it first.
    """
    name = f"casebook-{account.uid}{_socket_suffix(settings.home)}"
    # The system's own folder may be too deep, or closed to the server's account. Anybody can write
    # to these, hence S108: the folder made there is refused when somebody else made it first.
    bases = dict.fromkeys([Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")])  # noqa: S108
    for base in bases:
        folder = base / name
        length = len(os.fsencode(folder)) + _SOCKET_NAME_BYTES
        if length <= _MOST_SOCKET_PATH_BYTES and base.is_dir() and account.can_traverse(base):
            account.make_folder(folder)
            return folder
    raise ConfigurationError(
        "There is no folder with a short name for the database server's socket.",
        "Let TMPDIR name one that can be written.",
    )


def is_socket_folder_of(folder: Path, home: Path) -> bool:
    """Tell whether `socket_folder` made this folder for this home, and not for another one."""
    return folder.name.endswith(_socket_suffix(home))


@contextmanager
def usable_home(settings: Settings) -> Iterator[None]:
    """Make the home when missing; errors of the file system within the block name it."""
    with file_errors(settings):
        # Root lets the server's account pass through to its own folder, and see nothing else.
        for folder, mode in (
            (settings.home, 0o711 if os.geteuid() == 0 else 0o700),
            (settings.log_dir, 0o700),
        ):
            if not folder.exists():
                folder.mkdir(mode=mode, parents=True, exist_ok=True)
                give_to_owner_of_folder(folder)
        yield


@contextmanager
def file_errors(settings: Settings) -> Iterator[None]:
    """Turn errors of the file system within the block into ones that say what to do."""
    try:
        yield
    except PermissionError as error:
        raise ConfigurationError(
            f"No permission to use {error.filename or settings.home}.",
            "Run Casebook as the user that it belongs to, or let CASEBOOK_HOME name a folder"
            " that you can write to.",
        ) from None
    except OSError as error:
        if error.errno not in _UNUSABLE:
            raise
        raise ConfigurationError(
            f"The embedded server cannot use {error.filename or settings.home}: {error.strerror}.",
            "Mend that, or let CASEBOOK_HOME name another folder.",
        ) from None


def _socket_suffix(home: Path) -> str:
    return f"-{digest(home)}"


def _candidates(settings: Settings) -> tuple[Path, Path]:
    return settings.home / "server", folder_outside_home(settings) / "server"


def _note_file(home: Path) -> Path:
    return home / "server.json"
