"""What reference data expect to find in an export, told when it is loaded and not by the build."""

from __future__ import annotations

import csv

from psycopg2 import sql

from orchestrate.building.manifest import Manifest, SeedColumn
from orchestrate.driver import Connection
from orchestrate.loading.names import letters
from orchestrate.loading.problems import bad_file, visible
from orchestrate.loading.tables import READ, RawTable


def require_values(connection: Connection, manifest: Manifest, raw: RawTable) -> None:
    """Check that the columns of a table being read hold the values that reference seeds name.

    Raises DataError with the value that is missing, and with one that looks like it.
    """
    for column in raw.seed.columns:
        if column.rules.holds is None:
            continue
        seed = next(seed for seed in manifest.seeds if seed.name == column.rules.holds.seed)
        with seed.path.open(encoding="utf-8", newline="") as file:
            expected = [row[column.rules.holds.column].strip() for row in csv.DictReader(file)]
        for value in expected:
            _require_value(connection, raw, column, value, seed.path.name)


def _require_value(
    connection: Connection, raw: RawTable, column: SeedColumn, value: str, reference: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("select {}, __line from {} order by __record").format(
                sql.Identifier(column.name), raw.relation(READ)
            )
        )
        written = cursor.fetchall()
    if any(text == value for text, _ in written):
        return
    alike = [(text, line) for text, line in written if text and letters(text) == letters(value)]
    there = "".join(f", but line {line} has '{visible(text)}'" for text, line in alike[:1])
    raise bad_file(
        raw.file,
        f"no row is '{value}', which {reference} names{there}",
        column=column.name,
        cure=f"Write the name alike in the export and in {reference}, then load again."
        " Nothing was replaced.",
    )
