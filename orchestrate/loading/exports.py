"""The export of a domain: all of its files replace the ones before, or none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrate.building.manifest import Manifest, SeedDefinition
from orchestrate.console import Console
from orchestrate.database import Databases
from orchestrate.errors import ConfigurationError, DataError
from orchestrate.loading import state
from orchestrate.loading.headers import match_header
from orchestrate.loading.problems import bad_file
from orchestrate.loading.scan import scan
from orchestrate.loading.sources import check_domain, time_zone
from orchestrate.loading.tables import LoadedTable, RawTable, fill, swap
from orchestrate.settings import absolute


@dataclass(frozen=True)
class LoadReport:
    """What `load_export` did: the files of the domain, in the order of the project.

    `changed` is False when the warehouse held exactly this export already; `ignored` names the
    unknown columns by file.
    """

    domain: str
    directory: Path
    files: tuple[LoadedTable, ...]
    ignored: Mapping[str, tuple[str, ...]]
    changed: bool


def load_export(
    databases: Databases,
    manifest: Manifest,
    domain: str,
    directory: Path,
    variables: Mapping[str, object],
    console: Console,
) -> LoadReport:
    """Take the CSV files in `directory` as the source of `domain`, from the next build on.

    All files are loaded in one transaction, or none; what is published does not change. An export
    that the warehouse holds already is recognised by its content and not loaded again.

    Raises ConfigurationError when the folder or a file cannot be read; DataError, with file, line
    and column, for a missing file or column and for content that cannot be taken; DatabaseError,
    BusyError.
    """
    check_domain(domain)
    directory = absolute(directory, "The command line")
    seeds = manifest.domain_seeds(domain)
    files = find_files(directory, [f"{seed.alias}.csv" for seed in seeds])
    raws = [
        _raw_table(seed, path, manifest.export_schema(domain), time_zone(domain, variables))
        for seed, path in zip(seeds, files, strict=True)
    ]
    ignored = {raw.scanned.name: raw.match.unknown for raw in raws if raw.match.unknown}
    for file, columns in ignored.items():
        console.warn(f"{file}: ignored unknown columns: {', '.join(columns)}.")
    with state.raw_transaction(databases.warehouse) as connection:
        held = state.held_tables(connection)
        tables = [held.get((raw.schema, raw.table), ("", None)) for raw in raws]
        unchanged = [
            table
            for (print_, table), raw in zip(tables, raws, strict=True)
            if table is not None and print_ == state.fingerprint(raw)
        ]
        if changed := len(unchanged) < len(raws):
            with console.task(f"Loading the {domain} export", len(raws)) as task:
                counts = [fill(connection, raw, task) for raw in raws]
                loaded = []
                for raw, (rows, equal_rows) in zip(raws, counts, strict=True):
                    swap(connection, raw)
                    loaded.append(state.record_table(connection, raw, rows, equal_rows))
            state.choose_export(connection, domain, directory)
        else:
            loaded = unchanged
            state.switch_source(connection, domain, state.EXPORT)
    _tell(console, domain, loaded, changed)
    return LoadReport(domain, directory, tuple(loaded), ignored, changed)


def find_files(directory: Path, names: Sequence[str]) -> list[Path]:
    """Return the file of each name in a folder, in any case if none is written exactly so.

    Raises ConfigurationError when the folder cannot be read, DataError naming all missing files.
    """
    try:
        present = {path.name: path for path in sorted(directory.iterdir()) if path.is_file()}
    except FileNotFoundError:
        raise ConfigurationError(
            f"The folder {directory} does not exist.", "Name the folder that holds the CSV files."
        ) from None
    except NotADirectoryError:
        raise ConfigurationError(
            f"{directory} is not a folder.", "Name the folder that holds the CSV files."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"The folder {directory} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    in_any_case = {name.casefold(): path for name, path in present.items()}
    found = {name: present.get(name) or in_any_case.get(name.casefold()) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise DataError(
            f"{directory} holds no {' and no '.join(missing)}.",
            f"The export consists of {', '.join(names)}. Nothing was replaced.",
        )
    return [path for path in found.values() if path is not None]


def _raw_table(seed: SeedDefinition, path: Path, schema: str, zone: str) -> RawTable:
    scanned = scan(path)
    match = match_header(scanned.header, list(seed.column_types), scanned.name)
    if not scanned.has_rows:
        raise bad_file(
            scanned.name,
            "the file has a header but no rows",
            cure="Export it again with its rows. Nothing was replaced.",
        )
    return RawTable(seed, schema, scanned, match, zone)


def _tell(console: Console, domain: str, tables: Sequence[LoadedTable], changed: bool) -> None:
    if not changed:
        console.say(f"This {domain} export is loaded already; nothing was replaced.")
    for table in tables:
        rows = "1 row" if table.rows == 1 else f"{table.rows:,} rows"
        text = f"{table.name}: {rows}, {_size(table.size)}"
        if table.equal_rows:
            text += f"; {table.equal_rows:,} of them repeat another row in every column, and count"
        console.say(text)


def _size(size: int) -> str:
    for unit, factor in (("MB", 1_000_000), ("kB", 1000)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
