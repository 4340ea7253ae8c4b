"""dbt in this process: parse, look at sources, build.

dbt runs in the process of its runner, so that it cannot outlive it and build on behind its back.
This is the only module that imports dbt, and it does so late: the import takes about two seconds,
which commands that do not build should not pay.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from orchestrate.building.environment import applied, dbt_environment
from orchestrate.building.freshness import TableFreshness, read_freshness
from orchestrate.building.manifest import Manifest
from orchestrate.building.outcome import BuildOutcome, build_outcome, one_line
from orchestrate.building.progress import Progress
from orchestrate.building.pseudonyms import SETTING, ensure_key
from orchestrate.console import Console
from orchestrate.database.connection import LONGEST_STATEMENT, SESSION, ConnectionTarget
from orchestrate.errors import (
    CasebookError,
    ConfigurationError,
    DatabaseError,
    LostConnectionError,
)
from orchestrate.settings import Settings

# dbt keeps flags, adapters and its event manager in module globals.
_ONE_AT_A_TIME = threading.Lock()
_NOTHING: Mapping[str, str] = MappingProxyType({})
_SILENCE = (
    *("--log-level", "none", "--log-level-file", "info", "--quiet", "--no-print"),
    *("--no-use-colors", "--no-use-colors-file", "--no-send-anonymous-usage-stats"),
)
_SESSION = MappingProxyType({**SESSION, "statement_timeout": LONGEST_STATEMENT})


class Dbt:
    """The project's dbt, working in the warehouse."""

    def __init__(self, settings: Settings, warehouse: ConnectionTarget, console: Console) -> None:
        self._settings = settings
        self._warehouse = warehouse
        self._console = console

    def parse(self, variables: Mapping[str, object]) -> Manifest:
        """Read the project, write a manifest to `description_dir` and return it.

        Needs no database.

        Raises CasebookError when the project has an error.
        """
        folder = self._settings.description_dir
        self._invoke(["parse"], folder, variables, "read the project", Progress(self._console))
        return Manifest.read(self._settings.description_dir)

    def build(
        self, variables: Mapping[str, object], manifest: Manifest | None = None
    ) -> BuildOutcome:
        """Build and test everything but seeds, which must be loaded before, and unit tests.

        Unit tests would take a third of a build, and try SQL on rows of their own: they say nothing
        of the data. `manifest` is what `parse` returned for the same variables: it tells progress
        how much there is to do. Artifacts go to `target_dir`. Pseudonyms are made with the secret
        of this installation. Warnings of dbt are told on the console, failures and failed tests are
        in the outcome. Raises CasebookError when the project has an error, ConfigurationError when
        the secret cannot be used, DatabaseError when the warehouse cannot be reached or is lost
        meanwhile; KeyboardInterrupt ends dbt and its queries and passes on.
        """
        total = None if manifest is None else manifest.task_count()
        # By type and not by `--exclude`, which would also drop every test that refers to a seed.
        command = ["build", "--exclude-resource-types", "seed", "unit_test"]
        parsed = self._settings.description_dir / "partial_parse.msgpack"
        if parsed.is_file():
            # What the last parse understood saves the build from understanding it again.
            command += ["--partial-parse-file-path", str(parsed)]
        with self._console.task("Building and testing", total) as task:
            result = self._invoke(
                command,
                self._settings.target_dir,
                variables,
                "build",
                Progress(self._console, task),
                {SETTING: ensure_key(self._settings)},
            )
        outcome = build_outcome(getattr(result, "results", ()))
        if outcome.lost_connection:
            raise LostConnectionError(
                "The connection to the warehouse was lost while dbt was building.",
                "Check that the server runs, then run again; nothing was published.",
            )
        return outcome

    def freshness(self, variables: Mapping[str, object]) -> tuple[TableFreshness, ...]:
        """Look how old the landed tables are, into sources.json in `description_dir`.

        Raises DatabaseError when one cannot be read, CasebookError when the project has an error.
        """
        result = self._invoke(
            ["source", "freshness"],
            self._settings.description_dir,
            variables,
            "look how old the landed tables are",
            Progress(self._console),
        )
        for one in getattr(result, "results", ()):
            if str(one.status) == "runtime error":
                raise DatabaseError(
                    f"{one.node.name} of {one.node.schema} could not be read:"
                    f" {one_line(one.message or '')}.",
                    "Nothing was built or published.",
                )
        return read_freshness(self._settings.description_dir)

    def _invoke(
        self,
        command: list[str],
        target_dir: Path,
        variables: Mapping[str, object],
        purpose: str,
        callback: Progress,
        session: Mapping[str, str] = _NOTHING,
    ) -> Any:
        """Call dbt, silent on standard output, which belongs to results.

        What people should see comes from the callback. The log file keeps dbt's sentences but no
        SQL.
        """
        from dbt.cli.main import dbtRunner

        self._prepare_folders()
        environment = dbt_environment(
            self._warehouse.parameters,
            self._warehouse.password(),
            self._settings.secrets_dir / "dbt_service.conf",
            {**_SESSION, **session},
        )
        options = {
            "--project-dir": self._settings.project_dir,
            "--profiles-dir": self._settings.profiles_dir,
            "--target-path": target_dir,
            "--log-path": self._settings.log_dir,
            "--vars": json.dumps(dict(variables), sort_keys=True),
        }
        given = [str(part) for option in options.items() for part in option]
        with _ONE_AT_A_TIME, applied(environment):
            outcome = dbtRunner(callbacks=[callback]).invoke([*command, *_SILENCE, *given])
        if outcome.exception is not None:
            raise _explained(outcome.exception, purpose) from None
        return outcome.result

    def _prepare_folders(self) -> None:
        """Make dbt's folders and put the profile where dbt looks for it."""
        settings = self._settings
        profile = settings.profiles_dir / "profiles.yml"
        example = settings.project_dir / "profiles.example.yml"
        try:
            for folder in (
                settings.target_dir,
                settings.description_dir,
                settings.log_dir,
                settings.secrets_dir,
                profile.parent,
            ):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not profile.is_file() or profile.read_bytes() != example.read_bytes():
                shutil.copyfile(example, profile)
        except OSError as error:
            raise ConfigurationError(
                f"dbt's folders in {settings.home} cannot be written: {error.strerror}.",
                "Make the folder writable, or name another one in CASEBOOK_HOME.",
            ) from error


def _explained(error: BaseException, purpose: str) -> BaseException:
    """Return what to raise for an exception that ended dbt."""
    from dbt_common.exceptions import DbtBaseException, DbtDatabaseError

    if isinstance(error, KeyboardInterrupt | SystemExit):
        return error
    if isinstance(error, DbtDatabaseError):
        return DatabaseError(
            f"dbt could not {purpose}: the warehouse refused. {one_line(str(error))}.",
            "Check the connection with `casebook doctor`.",
        )
    if isinstance(error, DbtBaseException):
        return CasebookError(
            f"dbt could not {purpose}: {_message(error)}.", "Mend the project and run again."
        )
    return error


def _message(error: BaseException) -> str:
    """Return dbt's message about the project on one line: models and files, no data."""
    return " ".join(str(error).split()).rstrip(".")
