"""The sample and reference files that ship with the project, loaded where dbt would load them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestrate.building.manifest import Manifest, SeedDefinition
from orchestrate.console import Console
from orchestrate.database import Databases
from orchestrate.driver import Connection
from orchestrate.errors import DataError
from orchestrate.loading import state
from orchestrate.loading.csv_files import open_file
from orchestrate.loading.exports import keep_table, refusal
from orchestrate.loading.headers import match_header
from orchestrate.loading.load_warnings import find_warnings
from orchestrate.loading.problems import CORRECT, SHOWN, Problems
from orchestrate.loading.sources import time_zone
from orchestrate.loading.tables import LoadedTable, RawTable, read
from orchestrate.loading.verdicts import judge, problems


def load_seeds(
    databases: Databases, manifest: Manifest, variables: Mapping[str, object], console: Console
) -> list[LoadedTable]:
    """Load every seed of the project whose table does not hold it yet, all in one transaction.

    Also the sample of a domain that uses its export: it takes a second once, and the tests on seeds
    hold whatever source is chosen. The tables are those that `dbt seed` makes. Returns all seeds'
    tables. Raises DataError for a file that does not fit its definition, DatabaseError.
    """
    raws = [_raw_table(seed, variables) for seed in manifest.seeds]
    with state.raw_transaction(databases.warehouse) as connection:
        held = state.held_tables(connection)
        stale = [
            raw
            for raw in raws
            if held.get((raw.schema, raw.table), ("", None))[0] != state.fingerprint(raw)
        ]
        loaded = {key: table for key, (_, table) in held.items()}
        if stale:
            with console.task("Loading samples and reference data", len(stale)) as task:
                for raw in stale:
                    loaded[raw.schema, raw.table] = _load(connection, raw)
                    task.advance(raw.file)
    return [loaded[raw.schema, raw.table] for raw in raws]


def _load(connection: Connection, raw: RawTable) -> LoadedTable:
    with connection.cursor() as cursor:
        read(cursor, raw)
    if judge(connection, [raw])[0].bad:
        found = list(problems(connection, [raw]))
        raise refusal(raw.file, Problems(len(found), tuple(found[:SHOWN])), CORRECT)
    return keep_table(connection, raw, find_warnings(connection, [raw]))


def _raw_table(seed: SeedDefinition, variables: Mapping[str, object]) -> RawTable:
    if not seed.path.is_file():
        raise DataError(
            f"The seed file {seed.path} is missing.",
            "Restore it, or make the samples again with `make sample`.",
        )
    declared = list(seed.column_types)
    file = open_file(seed.path, declared)
    if sorted(file.header) != sorted(declared):
        raise DataError(
            f"{file.name}, line 1: the columns are {', '.join(file.header)}, but the seed's"
            f" column_types name {', '.join(declared)}.",
            "Make the file and its yml agree: every column of a seed needs a type.",
        )
    file = replace(file, match=match_header(file.header, declared, file.name))
    return RawTable(seed, seed.schema, (file,), time_zone(seed.domain, variables))
