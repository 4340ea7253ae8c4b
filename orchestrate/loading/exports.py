"""The export of a domain: all of its files replace the ones before, or none does."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrate.building.manifest import Manifest, SeedColumn, SeedDefinition
from orchestrate.console import Console, Task
from orchestrate.database import Databases
from orchestrate.driver import Connection
from orchestrate.loading import quarantine, state
from orchestrate.loading.csv_files import CsvFile, open_file, rows
from orchestrate.loading.folders import find_files
from orchestrate.loading.headers import match_header
from orchestrate.loading.load_warnings import (
    REPEATED,
    LoadWarning,
    drop_repetitions,
    find_warnings,
    keep_warnings,
    kept_warnings,
)
from orchestrate.loading.names import letters
from orchestrate.loading.problems import ExportError, Problems, bad_file, bad_files, visible
from orchestrate.loading.report import Report
from orchestrate.loading.rules import quoted
from orchestrate.loading.sources import check_domain, date_order, time_zone
from orchestrate.loading.tables import LoadedTable, RawTable, keep, read
from orchestrate.loading.verdicts import Judged, drop_bad_rows, judge, problems
from orchestrate.settings import absolute


@dataclass(frozen=True)
class LoadReport:
    """What `load_export` did: the files of the domain, by name.

    `changed` is False when the warehouse held exactly this export already; `ignored` names the
    unknown columns by file. `quarantined` rows by file were set aside for these `problems`; what
    the `warnings` are about was loaded. Of an unchanged export both are as they were found then.
    """

    domain: str
    directory: Path
    files: tuple[LoadedTable, ...]
    ignored: Mapping[str, tuple[str, ...]]
    changed: bool
    quarantined: Mapping[str, int]
    problems: Problems
    warnings: tuple[LoadWarning, ...]


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
    settings = (time_zone(domain, variables), date_order(domain, variables))
    seeds = sorted(manifest.domain_seeds(domain), key=lambda seed: seed.alias)
    schema = manifest.export_schema(domain)
    raws, damage = [], list[ExportError]()
    found = find_files(directory, [f"{seed.alias}.csv" for seed in seeds])
    for seed, paths in zip(seeds, found, strict=True):
        try:
            raws.append(RawTable(seed, schema, _open(seed, paths), *settings))
        except ExportError as error:
            damage.append(error)
    ignored = _tell_layout(console, raws)
    with state.raw_transaction(databases.warehouse) as connection:
        loaded = [] if damage else _held(connection, domain, raws, limit)
        if changed := not loaded:
            with console.task(f"Loading the {domain} export", len(raws)) as task:
                _read(connection, raws, damage, report, task, with_text=limit is not None)
                warnings = [one for raw in raws for one in drop_repetitions(connection, raw)]
                found_bad = _set_bad_rows_aside(connection, domain, raws, report, limit)
                for raw in raws:
                    _require_values(connection, manifest, raw)
                warnings += find_warnings(connection, raws)
                loaded = [keep_table(connection, raw, warnings) for raw in raws]
            keep_warnings(connection, domain, warnings, found_bad)
            state.choose_source(connection, domain, state.EXPORT, directory)
        else:
            warnings, found_bad = kept_warnings(connection, domain)
            state.choose_source(connection, domain, state.EXPORT)
        quarantined = quarantine.quarantined(connection, domain)
    done = LoadReport(
        domain,
        directory,
        tuple(loaded),
        ignored,
        changed,
        quarantined,
        found_bad,
        tuple(warnings),
    )
    _tell(console, done)
    return done


def keep_table(
    connection: Connection, raw: RawTable, warnings: Sequence[LoadWarning]
) -> LoadedTable:
    """Put the values of a file in the place of its old table, and note that."""
    count = keep(connection, raw)
    equal = sum(one.count for one in warnings if (one.file, one.says) == (raw.file, REPEATED))
    return state.record_table(connection, raw, count, equal)


def refusal(what: str, found: Problems, cure: str, excess: Sequence[str] = ()) -> ExportError:
    """Return the error for bad rows; `excess` says of which files there are too many."""
    if excess or found.count > 1:
        number = "1 problem" if found.count == 1 else f"{found.count:,} problems"
        head = f"{what} has {number}{''.join(f'; {one}' for one in excess)}:"
        cause = "\n  ".join([head, *found.lines()])
    else:
        cause = str(found.first[0])
    return ExportError(cause, cure, found)


def _open(seed: SeedDefinition, paths: Sequence[Path]) -> tuple[CsvFile, ...]:
    """Find headers and columns of a file, or of its parts; only the first needs a header."""
    declared = list(seed.column_types)
    others = {other: column.name for column in seed.columns for other in column.rules.others}
    may_lack = [
        column.name
        for column in seed.columns
        if column.optional or (seed.may_lack and not column.required)
    ]
    files: list[CsvFile] = []
    for path in paths:
        file = open_file(path, declared)
        if files and not file.header:
            match = files[0].match
        else:
            try:
                match = match_header(
                    file.header, declared, file.name, file.skipped + 1, others, may_lack
                )
            except ExportError:
                for _ in rows(file):  # which may tell of a fault that spoils the header
                    pass
                raise
        files.append(replace(file, match=match))
    return tuple(files)


def _tell_layout(console: Console, raws: Sequence[RawTable]) -> dict[str, tuple[str, ...]]:
    """Say what of the files is not read, and which columns they have not; return the unknown ones.

    Of files in parts the columns are told once.
    """
    ignored = {}
    for raw in raws:
        for file in raw.files:
            if file.told:
                lines = "1 line" if file.told == 1 else f"{file.told} lines"
                console.warn(f"{file.name}: {lines} above the header not read.")
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


def _read(
    connection: Connection,
    raws: Sequence[RawTable],
    damage: Sequence[ExportError],
    report: Report,
    task: Task,
    *,
    with_text: bool,
) -> None:
    """Read all files; what is damaged in any of them is told together, with `damage` before."""
    errors = list(damage)
    for raw in raws:
        try:
            with connection.cursor() as cursor:
                if not read(cursor, raw, with_text=with_text):
                    raise bad_file(
                        raw.files[0].name,
                        "the file has a header but no rows",
                        cure="Export it again with its rows. Nothing was replaced.",
                    )
        except ExportError as error:
            errors.append(error)
        task.advance(raw.file)
    if errors:
        whole = bad_files(sorted(errors, key=lambda error: error.problems.first[0].file))
        whole.problems = report.write(whole.problems.first)
        raise whole


def _set_bad_rows_aside(
    connection: Connection,
    domain: str,
    raws: Sequence[RawTable],
    report: Report,
    limit: float | None,
) -> Problems:
    """Judge all rows; within the limit the bad ones are set aside. Returns what is wrong with them.

    Raises ExportError without a limit, and when more than `limit` percent of a file are bad.
    """
    judged = judge(connection, raws, with_followers=limit is not None)
    quarantine.forget(connection, domain)
    if not any(one.bad for one in judged):
        return Problems()
    found = report.write(problems(connection, raws))
    excess = [] if limit is None else _excess(judged, limit)
    if limit is None or excess:
        cure = f"All of it is in {found.report}. Correct the export and load it again" + (
            "." if excess else ", or set bad rows aside with --quarantine PERCENT."
        )
        raise refusal(f"The {domain} export", found, f"{cure} Nothing was replaced.", excess)
    quarantine.set_aside(connection, domain, raws)
    drop_bad_rows(connection, raws)
    return found


def _excess(judged: Sequence[Judged], limit: float) -> list[str]:
    """Return for which files setting the bad rows aside would be too much, and why."""
    excess = []
    for one in judged:
        percent = 100 * one.bad / one.rows
        if one.bad == one.rows:
            excess.append(f"no row of {one.raw.file} would be left")
        elif percent > limit:
            share = f"{one.bad:,} of {one.rows:,} rows of {one.raw.file}, {percent:.3g} %"
            excess.append(f"{share}, are more than the {limit:g} % that may be set aside")
    return excess


def _require_values(connection: Connection, manifest: Manifest, raw: RawTable) -> None:
    """Check that the columns of a file hold the values that reference seeds name.

    Without them the build would fail. Raises ExportError with the value that is missing, and with
    one that looks like it.
    """
    for column in raw.seed.columns:
        if column.rules.holds is None:
            continue
        seed = next(seed for seed in manifest.seeds if seed.name == column.rules.holds.seed)
        with seed.path.open(encoding="utf-8", newline="") as file:
            expected = [row[column.rules.holds.column].strip() for row in csv.DictReader(file)]
        with connection.cursor() as cursor:
            cursor.execute(
                f"select {quoted(column.name)}, __line from {raw.values} order by __record desc"
            )
            lines = dict(cursor.fetchall())
        for value in expected:
            if value not in lines:
                raise _lacks(raw, column, value, lines, seed.path.name)


def _lacks(
    raw: RawTable, column: SeedColumn, value: str, lines: Mapping[str, int], reference: str
) -> ExportError:
    alike = [text for text in lines if letters(text) == letters(value)]
    there = f", but line {lines[alike[-1]]} has '{visible(alike[-1])}'" if alike else ""
    return bad_file(
        raw.file,
        f"no row is '{value}', which {reference} names{there}",
        column=column.name,
        cure=f"Write the name alike in the export and in {reference}, then load again."
        " Nothing was replaced.",
    )


def _tell(console: Console, report: LoadReport) -> None:
    if not report.changed:
        console.say(f"This {report.domain} export is loaded already; nothing was replaced.")
    for table in report.files:
        text = f"{table.name}: {_rows(table.rows)}, {_size(table.size)}"
        if aside := report.quarantined.get(table.name):
            text += f"; {_rows(aside)} set aside"
        console.say(text)
    for warning in report.warnings:
        console.warn(str(warning))
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
