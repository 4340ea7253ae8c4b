"""What rows are written to: a sink takes relations one after another, and their rows in batches."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol, TextIO

from orchestrate.cells import csv_cell
from orchestrate.reports.catalog import Relation

# Any, because a column's type is the contract's business.
Rows = Sequence[tuple[Any, ...]]
WriteRows = Callable[[Rows], None]


class Sink(Protocol):
    """A kind of file; a context, because some of them are whole only when it ends."""

    def table(self, relation: Relation) -> AbstractContextManager[WriteRows]:
        """Begin a relation, give what its rows are written with, end it."""


class CsvFiles:
    """A CSV file per relation: UTF-8, header, nulls empty, text that no spreadsheet runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def table(self, relation: Relation) -> Iterator[WriteRows]:
        """Write a relation as its file."""
        with open_new(self._folder / f"{relation.file_stem}.csv") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([csv_cell(column.name) for column in relation.columns])
            yield lambda rows: writer.writerows([map(csv_cell, row) for row in rows])


@contextmanager
def open_new(path: Path) -> Iterator[TextIO]:
    """Open a new text file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        yield file
