"""Where things are: folders and servers, from the environment and nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from orchestrate.errors import ConfigurationError

PROJECT_DIR = Path(__file__).resolve().parent.parent
WAREHOUSE_VARIABLE = "CASEBOOK_DATABASE_URL"
REPORTING_VARIABLE = "CASEBOOK_REPORTING_URL"


def scope_variable(scope: str) -> str:
    """Return the variable that names a server for one scope's database."""
    return f"{REPORTING_VARIABLE}_{scope.upper()}"


@dataclass(frozen=True)
class Settings:
    """Folders and servers of one Casebook.

    `home` holds the embedded server, passwords, dbt's artifacts and logs; `output_dir` the reports.
    `database_url` (None: the embedded server) names the warehouse, `reporting_url` (None: database
    `reporting` on the warehouse's server) where the scopes' databases are and what their names
    begin with, `scope_urls` the same for single scopes, by name; `members_file` (None: the seed
    `members`) a CSV file of logins, `pseudonym_key_file` (None: one in `secrets_dir`) the secret of
    the pseudonyms.
    """

    project_dir: Path
    home: Path
    output_dir: Path
    database_url: str | None = None
    reporting_url: str | None = None
    scope_urls: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    members_file: Path | None = None
    pseudonym_key_file: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the variables CASEBOOK_…."""
        values = os.environ if environment is None else environment
        home = values.get("CASEBOOK_HOME")
        members = values.get("CASEBOOK_MEMBERS")
        key = values.get("CASEBOOK_PSEUDONYM_KEY_FILE")
        of_scope = scope_variable("")
        return cls(
            project_dir=PROJECT_DIR,
            home=absolute(home, "CASEBOOK_HOME") if home else PROJECT_DIR / ".casebook",
            # A link of that name leads to where it lasts, which may not have been made yet.
            output_dir=(PROJECT_DIR / "output").resolve(),
            database_url=values.get(WAREHOUSE_VARIABLE) or None,
            reporting_url=values.get(REPORTING_VARIABLE) or None,
            scope_urls={
                name.removeprefix(of_scope).lower(): url
                for name, url in sorted(values.items())
                if name.startswith(of_scope) and name != of_scope and url
            },
            members_file=absolute(members, "CASEBOOK_MEMBERS") if members else None,
            pseudonym_key_file=absolute(key, "CASEBOOK_PSEUDONYM_KEY_FILE") if key else None,
        )

    @property
    def own_members_file(self) -> Path | None:
        """The file of logins, None where it is the seed by another way."""
        seed = self.project_dir / "seeds" / "reference" / "members.csv"
        return None if self.members_file == seed else self.members_file

    @property
    def target_dir(self) -> Path:
        """Where dbt's builds leave manifest, run results and compiled SQL."""
        return self.home / "target"

    @property
    def description_dir(self) -> Path:
        """Where dbt describes the project without building; apart from `target_dir`.

        A parse writes a manifest of its own, which must not take the place of
        the one that belongs to the last build: publishing needs that one.
        """
        return self.home / "description"

    @property
    def profiles_dir(self) -> Path:
        """Where the runner keeps its copy of profiles.example.yml."""
        return self.home / "profiles"

    @property
    def log_dir(self) -> Path:
        """Where dbt and the embedded server write their logs."""
        return self.home / "logs"

    @property
    def problems_dir(self) -> Path:
        """Reports of what is wrong with exports, readable by their owner alone."""
        return self.home / "problems"

    @property
    def secrets_dir(self) -> Path:
        """Password files and other secrets, readable by their owner alone."""
        return self.home / "secrets"

    @property
    def pseudonym_key_path(self) -> Path:
        """The file with the secret of the pseudonyms."""
        return self.pseudonym_key_file or self.secrets_dir / "pseudonym.key"


def absolute(text: str | Path, named_by: str) -> Path:
    """Return a path that a user gave as an absolute one, `~` resolved.

    Raises ConfigurationError, naming what gave it, for the home of an unknown user and for a name
    that is not UTF-8, which neither a database nor a page can show.
    """
    try:
        path = Path(text).expanduser().resolve()
        str(path).encode("utf-8")
    except (RuntimeError, UnicodeEncodeError):
        raise ConfigurationError(
            f"{named_by} names {str(text)!a}, which is no usable path.",
            "Give a folder by its whole name, in UTF-8.",
        ) from None
    return path
