"""Small habits with files: root's work in a user's folder stays that user's."""

from __future__ import annotations

import os
from pathlib import Path


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
