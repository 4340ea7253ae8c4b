"""What rows are written to: a sink opens relations one after another, and takes rows in batches."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TextIO

from orchestrate.cells import csv_cell, csv_column
from orchestrate.reports.catalog import Relation

# Any, because a column's type is the contract's business.
Rows = Sequence[tuple[Any, ...]]
WriteRows = Callable[[Rows], None]
# Begins a relation, gives what its rows are written with, ends it.
Sink = Callable[[Relation], AbstractContextManager[WriteRows]]


@contextmanager
def csv_files(folder: Path) -> Iterator[Sink]:
    """Write a CSV file per relation: UTF-8, header, nulls empty, text that no spreadsheet runs."""

    @contextmanager
    def table(relation: Relation) -> Iterator[WriteRows]:
        with open_new(folder / f"{relation.file_stem}.csv") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([csv_cell(column.name) for column in relation.columns])
            yield lambda rows: writer.writerows(
                zip(*map(csv_column, zip(*rows, strict=True)), strict=True)
            )

    yield table


@contextmanager
def open_new(path: Path) -> Iterator[TextIO]:
    """Open a new text file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        yield file
