"""Small habits with files: root's work in a user's folder stays that user's."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrate.errors import BusyError

_LOCK_SECONDS = 300
_REMOVAL_ATTEMPTS = 20
_POLL_SECONDS = 0.05


def give_to_owner_of_folder(path: Path) -> None:
    """Let a file or folder that root just made belong to whom the folder around it belongs to.

    So `sudo casebook …` in a user's checkout leaves nothing behind that the user cannot use.
    """
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def replace_text(path: Path, text: str) -> None:
    """Replace a file as a whole, with mode 0600, durably; it keeps its owner's folder's owner."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    give_to_owner_of_folder(temporary)
    temporary.replace(path)


def remove_tree(folder: Path) -> None:
    """Remove a folder of a program that was just killed: its children may still be writing."""
    for _ in range(_REMOVAL_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_POLL_SECONDS)
    shutil.rmtree(folder)


@contextmanager
def locked(path: Path, doing: str) -> Iterator[None]:
    """Let one command at a time do something; others wait, and raise BusyError in the end."""
    path.touch(mode=0o600)
    with path.open("a") as lock:
        give_to_owner_of_folder(path)
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BusyError(
                        f"Another command has been {doing} for {_LOCK_SECONDS} seconds."
                    ) from None
                time.sleep(_POLL_SECONDS)
        yield
