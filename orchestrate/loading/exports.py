"""The export of a domain: all of its files replace the ones before, or none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrate.building.manifest import Manifest, SeedDefinition
from orchestrate.console import Console
from orchestrate.database import Databases
from orchestrate.driver import Connection
from orchestrate.errors import ConfigurationError
from orchestrate.loading import quarantine, state
from orchestrate.loading.filling import fill_sound, fill_whole
from orchestrate.loading.headers import match_header
from orchestrate.loading.load_warnings import keep_warnings, kept_warnings
from orchestrate.loading.oddities import Loading, Oddity, find_oddities
from orchestrate.loading.problems import ExportError, Problem, Problems, bad_file, bad_files
from orchestrate.loading.report import Report
from orchestrate.loading.scan import scan
from orchestrate.loading.sources import check_domain, time_zone
from orchestrate.loading.tables import LoadedTable, RawTable, swap
from orchestrate.settings import absolute


@dataclass(frozen=True)
class LoadReport:
    """What `load_export` did: the files of the domain, by name.

    `changed` is False when the warehouse held exactly this export already; `ignored` names the
    unknown columns by file. `quarantined` rows by file were set aside for these `problems`;
    `oddities` were loaded. Of an unchanged export both are what they were found to be then.
    """

    domain: str
    directory: Path
    files: tuple[LoadedTable, ...]
    ignored: Mapping[str, tuple[str, ...]]
    changed: bool
    quarantined: Mapping[str, int]
    problems: Problems
    oddities: tuple[Oddity, ...]


def load_export(
    databases: Databases,
    manifest: Manifest,
    domain: str,
    directory: Path,
    variables: Mapping[str, object],
    console: Console,
    report_dir: Path,
    limit: float | None = None,
) -> LoadReport:
    """Take the CSV files in `directory` as the source of `domain`, from the next build on.

    All files are loaded in one transaction, or none; what is published does not change. An export
    that the warehouse holds already is recognised by its content and not loaded again. One bad row
    refuses the load, unless a `limit` is given: then bad rows, and the rows that refer to them, are
    set aside, up to so many percent of each file. All problems are written into `report_dir`.

    Raises ConfigurationError when the folder or a file cannot be read; ExportError, with file, line
    and column, for content that cannot be taken, and for missing files; DatabaseError, BusyError.
    """
    check_domain(domain)
    directory = absolute(directory, "The command line")
    report = Report(report_dir, domain)
    report.clear()
    raws = _raw_tables(
        sorted(manifest.domain_seeds(domain), key=lambda seed: seed.alias),
        directory,
        manifest.export_schema(domain),
        time_zone(domain, variables),
        report,
    )
    ignored = {raw.file: raw.match.unknown for raw in raws if raw.match.unknown}
    for file, columns in ignored.items():
        console.warn(f"{file}: ignored unknown columns: {', '.join(columns)}.")
    problems, oddities = Problems(), list[Oddity]()
    with state.raw_transaction(databases.warehouse) as connection:
        unchanged = _held(connection, domain, raws, limit)
        if changed := not unchanged:
            with console.task(f"Loading the {domain} export", len(raws)) as task:
                filled = fill_whole(connection, raws, task)
                if filled is None:
                    filled, problems = fill_sound(connection, domain, raws, task, report, limit)
                else:
                    quarantine.forget(connection, domain)
                oddities = find_oddities(connection, filled)
                loaded = [_keep(connection, loading) for loading in filled]
            keep_warnings(connection, domain, oddities, problems)
            state.choose_export(connection, domain, directory)
        else:
            loaded = unchanged
            oddities, problems = kept_warnings(connection, domain)
            state.switch_source(connection, domain, state.EXPORT)
        quarantined = quarantine.quarantined(connection, domain)
    done = LoadReport(
        domain, directory, tuple(loaded), ignored, changed, quarantined, problems, tuple(oddities)
    )
    _tell(console, done)
    return done


def _held(
    connection: Connection, domain: str, raws: Sequence[RawTable], limit: float | None
) -> list[LoadedTable]:
    """Return the tables that hold just these files already; none unless all do.

    Rows that were set aside when they were loaded must be within the limit of today.
    """
    held = state.held_tables(connection)
    aside = quarantine.quarantined(connection, domain)
    found = []
    for raw in raws:
        print_, table = held.get((raw.schema, raw.table), ("", None))
        if table is None or print_ != state.fingerprint(raw):
            return []
        if count := aside.get(table.name, 0):
            percent = 100 * count / (count + table.rows)
            if limit is None or percent > limit:
                return []
        found.append(table)
    return found


def _keep(connection: Connection, loading: Loading) -> LoadedTable:
    swap(connection, loading.raw)
    filled = loading.filled
    return state.record_table(connection, loading.raw, filled.rows, filled.equal_rows)


def find_files(directory: Path, names: Sequence[str]) -> list[Path]:
    """Return the file of each name in a folder, in any case if none is written exactly so.

    Raises ConfigurationError when the folder cannot be read, ExportError naming all missing files,
    and those of which several spellings are there.
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
    spelled: dict[str, list[Path]] = {}
    for path in present.values():
        spelled.setdefault(path.name.casefold(), []).append(path)
    alike = {
        name: [present[name]] if name in present else spelled.get(name.casefold(), [])
        for name in names
    }
    _refuse_several(alike)
    found = {name: paths[0] if paths else None for name, paths in alike.items()}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise ExportError(
            f"{directory} holds no {' and no '.join(missing)}.",
            f"The export consists of {', '.join(names)}. Nothing was replaced.",
            Problems(len(missing), tuple(Problem(name, "the file is missing") for name in missing)),
        )
    return [path for path in found.values() if path is not None]


def _refuse_several(found: Mapping[str, Sequence[Path]]) -> None:
    """Raise ExportError where a file is there in several spellings, of which none is the exact one.

    Taking one of them would be a guess at which of them is the export.
    """
    problems = tuple(
        Problem(name, f"the file is there as {' and '.join(path.name for path in paths)}")
        for name, paths in found.items()
        if len(paths) > 1
    )
    if problems:
        raise ExportError(
            "\n".join(map(str, problems)),
            "Leave the one that is meant. Nothing was replaced.",
            Problems(len(problems), problems),
        )


def _raw_tables(
    seeds: Sequence[SeedDefinition], directory: Path, schema: str, zone: str, report: Report
) -> list[RawTable]:
    """Read all files once; what is damaged in any of them is reported together."""
    files = find_files(directory, [f"{seed.alias}.csv" for seed in seeds])
    raws, errors = [], []
    for seed, path in zip(seeds, files, strict=True):
        try:
            raws.append(_raw_table(seed, path, schema, zone))
        except ExportError as error:
            errors.append(error)
    if errors:
        refusal = bad_files(errors)
        refusal.problems = report.write(refusal.problems.first)
        raise refusal
    return raws


def _raw_table(seed: SeedDefinition, path: Path, schema: str, zone: str) -> RawTable:
    declared = list(seed.column_types)
    scanned = scan(path, declared)
    optional = {column.name for column in seed.columns if column.optional}
    match = match_header(scanned.header, declared, scanned.name, optional)
    if not scanned.has_rows:
        raise bad_file(
            scanned.name,
            "the file has a header but no rows",
            cure="Export it again with its rows. Nothing was replaced.",
        )
    return RawTable(seed, schema, scanned, match, zone)


def _tell(console: Console, report: LoadReport) -> None:
    if not report.changed:
        console.say(f"This {report.domain} export is loaded already; nothing was replaced.")
    for table in report.files:
        text = f"{table.name}: {_rows(table.rows)}, {_size(table.size)}"
        if aside := report.quarantined.get(table.name):
            text += f"; {_rows(aside)} set aside"
        console.say(text)
    for oddity in report.oddities:
        console.warn(str(oddity))
    if report.problems.count:
        console.warn("\n  ".join(["These rows were set aside:", *report.problems.lines()]))
        file = report.problems.report
        console.say(
            f"All of it is in {file}; the rows in {quarantine.TABLE}."
            if file
            else f"The rows are in {quarantine.TABLE}."
        )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _size(size: int) -> str:
    for unit, factor in (("MB", 1_000_000), ("kB", 1000)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
