"""The export of a domain: all of its files replace the ones before, or none does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrate.building.manifest import Manifest, SeedDefinition
from orchestrate.console import Console
from orchestrate.database import Databases
from orchestrate.driver import Connection
from orchestrate.errors import ConfigurationError
from orchestrate.loading import quarantine, state
from orchestrate.loading.expected import require_values
from orchestrate.loading.filling import read_export
from orchestrate.loading.headers import HeaderMatch, match_header
from orchestrate.loading.load_warnings import keep_warnings, kept_warnings
from orchestrate.loading.oddities import REPEATED, Oddity, find_oddities
from orchestrate.loading.problems import ExportError, Problem, Problems, bad_file, bad_files
from orchestrate.loading.records import HIGHEST_HEADER
from orchestrate.loading.report import Report
from orchestrate.loading.scan import ScannedFile, scan
from orchestrate.loading.sources import check_domain, date_order, time_zone
from orchestrate.loading.tables import LoadedTable, RawFile, RawTable, drop_converters, keep
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
        (time_zone(domain, variables), date_order(domain, variables)),
        report,
    )
    ignored = _tell_layout(console, raws)
    problems, oddities = Problems(), list[Oddity]()
    with state.raw_transaction(databases.warehouse) as connection:
        unchanged = _held(connection, domain, raws, limit)
        if changed := not unchanged:
            with console.task(f"Loading the {domain} export", len(raws)) as task:
                problems, repetitions = read_export(connection, domain, raws, task, report, limit)
                for raw in raws:
                    require_values(connection, manifest, raw)
                oddities = repetitions + find_oddities(connection, raws)
                loaded = [_keep(connection, raw, oddities) for raw in raws]
                drop_converters(connection, raws)
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


def _tell_layout(console: Console, raws: Sequence[RawTable]) -> dict[str, tuple[str, ...]]:
    """Say what of the files is not read, and which columns they have not; return the unknown ones.

    Of files in parts the columns are told once.
    """
    ignored = {}
    for raw in raws:
        for file in raw.files:
            if above := file.scanned.layout.told:
                lines = "1 line" if above == 1 else f"{above} lines"
                console.warn(f"{file.scanned.name}: {lines} above the header not read.")
        unknown = dict.fromkeys(name for file in raw.files for name in file.match.unknown)
        lacking = dict.fromkeys(name for file in raw.files for name in file.match.lacking)
        if unknown:
            ignored[raw.file] = tuple(unknown)
            console.warn(f"{raw.file}: ignored unknown columns: {', '.join(unknown)}.")
        if lacking:
            console.warn(f"{raw.file}: columns that are not there: {', '.join(lacking)}.")
    return ignored


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


def _keep(connection: Connection, raw: RawTable, oddities: Sequence[Oddity]) -> LoadedTable:
    rows = keep(connection, raw)
    equal = sum(odd.count for odd in oddities if (odd.file, odd.says) == (raw.file, REPEATED))
    return state.record_table(connection, raw, rows, equal)


def find_files(directory: Path, names: Sequence[str]) -> list[list[Path]]:
    """Return the file of each name in a folder, in any case if none is written exactly so.

    In place of `studies.csv` there may be parts, `studies-1.csv` and so on without a gap; these are
    returned in their order. Raises ConfigurationError when the folder cannot be read, ExportError
    naming all missing files, and those of which several spellings are there.
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
    whole = {
        name: [present[name]] if name in present else spelled.get(name.casefold(), [])
        for name in names
    }
    parts = {name: _parts(present.values(), name) for name in names}
    _refuse_several(
        {
            name: [*whole[name], *(path for paths in parts[name].values() for path in paths)]
            for name in names
            if len(whole[name]) > 1
            or (whole[name] and parts[name])
            or any(len(paths) > 1 for paths in parts[name].values())
        }
    )
    missing = [name for name in names if not whole[name] and not parts[name]]
    missing += [
        f"{name.removesuffix('.csv')}-{number}.csv"
        for name, found in parts.items()
        if found
        for number in range(min(1, *found), max(found))
        if number not in found
    ]
    if missing:
        raise ExportError(
            f"{directory} holds no {' and no '.join(missing)}.",
            f"The export consists of {', '.join(names)}. Nothing was replaced.",
            Problems(len(missing), tuple(Problem(name, "the file is missing") for name in missing)),
        )
    return [
        whole[name] or [path for _, paths in sorted(parts[name].items()) for path in paths]
        for name in names
    ]


def _parts(present: Iterable[Path], name: str) -> dict[int, list[Path]]:
    """Return the numbered parts of a file, each in all of its spellings."""
    pattern = re.compile(rf"{re.escape(name.removesuffix('.csv'))}[-_](\d+)\.csv", re.IGNORECASE)
    parts: dict[int, list[Path]] = {}
    for path in present:
        if match := pattern.fullmatch(path.name):
            parts.setdefault(int(match[1]), []).append(path)
    return parts


def _refuse_several(found: Mapping[str, Sequence[Path]]) -> None:
    """Raise ExportError where a file is there in several spellings, or whole and in parts.

    Taking one of them would be a guess at which of them is the export.
    """
    problems = tuple(
        Problem(name, f"the file is there as {' and '.join(path.name for path in paths)}")
        for name, paths in found.items()
    )
    if problems:
        raise ExportError(
            "\n".join(map(str, problems)),
            "Leave the one that is meant. Nothing was replaced.",
            Problems(len(problems), problems),
        )


def _raw_tables(
    seeds: Sequence[SeedDefinition],
    directory: Path,
    schema: str,
    settings: tuple[str, str],
    report: Report,
) -> list[RawTable]:
    """Read all files once; what is damaged in any of them is reported together."""
    found = find_files(directory, [f"{seed.alias}.csv" for seed in seeds])
    raws, errors = [], []
    for seed, paths in zip(seeds, found, strict=True):
        try:
            raws.append(RawTable(seed, schema, _raw_files(seed, paths), *settings))
        except ExportError as error:
            errors.append(error)
    if errors:
        refusal = bad_files(errors)
        refusal.problems = report.write(refusal.problems.first)
        raise refusal
    return raws


def _raw_files(seed: SeedDefinition, paths: Sequence[Path]) -> tuple[RawFile, ...]:
    files: list[RawFile] = []
    for path in paths:
        scanned = scan(path, list(seed.column_types))
        match = _match(seed, scanned) if scanned.header or not files else files[0].match
        files.append(RawFile(scanned, match))
    if not any(file.scanned.has_rows for file in files):
        raise bad_file(
            files[0].scanned.name,
            "the file has a header but no rows",
            cure="Export it again with its rows. Nothing was replaced.",
        )
    return tuple(files)


def _match(seed: SeedDefinition, scanned: ScannedFile) -> HeaderMatch:
    declared = list(seed.column_types)
    if not scanned.header:
        raise bad_file(
            scanned.name,
            f"none of the first {HIGHEST_HEADER} lines is a header with the columns' names",
            cure=f"Put a line with these names above the rows: {', '.join(declared)}."
            " Nothing was replaced.",
        )
    return match_header(
        scanned.header,
        declared,
        scanned.name,
        scanned.layout.skipped + 1,
        others={other: column.name for column in seed.columns for other in column.rules.others},
        may_lack=[
            column.name
            for column in seed.columns
            if column.optional or (seed.may_lack and not column.required)
        ],
    )


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
