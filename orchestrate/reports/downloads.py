"""CSV downloads that travel inside the page: nothing is fetched, text never becomes a formula.

The text is put into a `data:` link, which a browser saves from a page on disk, offline and without
JavaScript.
"""

from __future__ import annotations

import csv
import io
import re
from base64 import b64encode
from dataclasses import dataclass

import pandas as pd

from orchestrate.cells import csv_cell, formula_safe
from orchestrate.errors import DataError

_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,79}")


@dataclass(frozen=True)
class Download:
    """A file to save from a page: its name and its text in CSV."""

    file_name: str
    text: str

    @property
    def url(self) -> str:
        """The text as a `data:` URL, with the byte-order mark by which spreadsheets see accents."""
        content = ("\ufeff" + self.text).encode()
        return f"data:text/csv;charset=utf-8;base64,{b64encode(content).decode('ascii')}"


def csv_download(name: str, rows: pd.DataFrame) -> Download:
    """Return the rows as a CSV download called `name`.csv, one line each.

    Columns are named as the relation names them. Numbers are written as the database gave them,
    nulls as nothing, text by the rule of `formula_safe`.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([formula_safe(str(column)) for column in rows.columns])
    for row in rows.itertuples(index=False, name=None):
        writer.writerow([csv_cell(value) for value in row])
    return Download(file_name=f"{safe_name(name)}.csv", text=buffer.getvalue())


def safe_name(name: str) -> str:
    """Return a file or folder name of lower-case letters, digits and underscores.

    Raises DataError for a name that is something else: names come from seeds and member files, and
    a path must not.
    """
    if not _FILE_NAME.fullmatch(name):
        raise DataError(
            f"{name!r} cannot name a file of the reports.",
            "Use lower-case letters, digits and underscores, 80 at most.",
        )
    return name
