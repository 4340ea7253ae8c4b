"""The sample and reference files that ship with the project, loaded where dbt would load them."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrate.building.manifest import Manifest, SeedDefinition
from orchestrate.console import Console
from orchestrate.database import Databases
from orchestrate.errors import DataError
from orchestrate.loading import state
from orchestrate.loading.filling import read_shipped
from orchestrate.loading.headers import match_header
from orchestrate.loading.oddities import repeated_rows
from orchestrate.loading.scan import scan
from orchestrate.loading.sources import time_zone
from orchestrate.loading.tables import LoadedTable, RawFile, RawTable, drop_converters, keep


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
                    read_shipped(connection, raw, task)
                    equal = repeated_rows(connection, raw)
                    rows = keep(connection, raw)
                    table = state.record_table(connection, raw, rows, equal)
                    loaded[raw.schema, raw.table] = table
                    drop_converters(connection, [raw])
    return [loaded[raw.schema, raw.table] for raw in raws]


def _raw_table(seed: SeedDefinition, variables: Mapping[str, object]) -> RawTable:
    if not seed.path.is_file():
        raise DataError(
            f"The seed file {seed.path} is missing.",
            "Restore it, or make the samples again with `make sample`.",
        )
    declared = list(seed.column_types)
    scanned = scan(seed.path, declared)
    if sorted(scanned.header) != sorted(declared):
        raise DataError(
            f"{scanned.name}, line 1: the columns are {', '.join(scanned.header)}, but the seed's"
            f" column_types name {', '.join(declared)}.",
            "Make the file and its yml agree: every column of a seed needs a type.",
        )
    match = match_header(scanned.header, declared, scanned.name)
    return RawTable(
        seed, seed.schema, (RawFile(scanned, match),), time_zone(seed.domain, variables)
    )
