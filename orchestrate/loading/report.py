"""The report of a load: all problems of an export, for a spreadsheet, in the home of Casebook."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from orchestrate.cells import csv_cell
from orchestrate.database.files import give_to_owner_of_folder
from orchestrate.errors import ConfigurationError
from orchestrate.loading.problems import SHOWN, Problem, Problems

_HEADER = ("file", "line", "last_line", "column", "value", "reason")


class Report:
    """The file with the problems of a domain's export: that of the last load, or none."""

    def __init__(self, folder: Path, domain: str) -> None:
        self.path = folder / f"{domain}.csv"

    def clear(self) -> None:
        """Delete the report of the load before."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def write(self, problems: Iterable[Problem]) -> Problems:
        """Write all problems, one after another; returns the first of them and how many.

        Only the owner can read it. Values are masked as everywhere; text never becomes a formula.
        """
        first: list[Problem] = []
        count = 0
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.parent.chmod(0o700)
            give_to_owner_of_folder(self.path.parent)
            self.clear()
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                give_to_owner_of_folder(self.path)
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(_HEADER)
                for problem in problems:
                    writer.writerow([csv_cell(value) for value in problem.as_json().values()])
                    count += 1
                    if count <= SHOWN:
                        first.append(problem)
        except OSError as error:
            raise self._unwritable(error) from error
        return Problems(count, tuple(first), self.path)

    def _unwritable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"The report {self.path} cannot be written: {error.strerror}.",
            "Make its folder writable, or name another home in CASEBOOK_HOME.",
        )
