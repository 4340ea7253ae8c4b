"""The secret that pseudonyms are made with: a file of the installation, outside database and repo.

It is made at the first build. Who removes or replaces the file has other pseudonyms from the next
build on: extracts of before and after cannot be joined.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from orchestrate.database.files import give_to_owner_of_folder
from orchestrate.errors import ConfigurationError
from orchestrate.settings import Settings

# What record_build() notes where the session had no secret: the id of the key that stands in
# macros/keys/pseudonym_key.sql for everybody to read.
DEVELOPMENT_KEY_ID: Final = "39e784246a042af8"
# The session's setting that the macro reads.
SETTING: Final = "casebook.pseudonym_key"

_KEY: Final = re.compile(rb"[0-9a-f]{64}\s*")
_KEY_BYTES: Final = 32
_MOST_FILE_BYTES: Final = 4096


def ensure_key(settings: Settings) -> str:
    """Return the secret, 64 hex digits; where there is no file of it, make one first.

    Raises ConfigurationError when the file can be read by others, is no secret, or cannot be used.
    """
    path = settings.pseudonym_key_path
    try:
        # A link to a place that is not there now is somebody's secret all the same.
        if not os.path.lexists(path):
            _create(path)
        return _read(path)
    except OSError as error:
        raise ConfigurationError(
            f"The pseudonym key {path} cannot be used: {error.strerror}.",
            "Make it readable for yourself alone, or let CASEBOOK_PSEUDONYM_KEY_FILE name another.",
        ) from None


def _create(path: Path) -> None:
    """Make the file as a whole, for its owner alone; one that somebody else makes meanwhile stays.

    A link cannot take the place of anything, unlike a renamed file.
    """
    folder = path.parent
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
        give_to_owner_of_folder(folder)
    temporary = folder / f".{path.name}.{secrets.token_hex(8)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_hex(_KEY_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        give_to_owner_of_folder(temporary)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()


def _read(path: Path) -> str:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        content = file.read(_MOST_FILE_BYTES)
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigurationError(
            f"Others than its owner can use the pseudonym key {path}.",
            f"Run `chmod 600 {path}`; if somebody may have read it, remove it instead, and the next"
            " run makes another, with other pseudonyms.",
        )
    if not _KEY.fullmatch(content):
        raise ConfigurationError(
            f"{path} holds no pseudonym key: that is 64 hex digits in lower case.",
            "Write `openssl rand -hex 32` into it; or remove it, and the next run makes one.",
        )
    return content.decode("ascii").strip()
