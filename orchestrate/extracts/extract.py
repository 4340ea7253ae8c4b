"""Writes the extracts of each audience: in one snapshot, every relation once for all formats."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrate.driver import Connection
from orchestrate.errors import ConfigurationError
from orchestrate.extracts.columnar import hyper_file, parquet_files
from orchestrate.extracts.formats import Format
from orchestrate.extracts.readme import readme_csv, readme_lines, readme_text
from orchestrate.extracts.sinks import Sink, csv_files, open_new
from orchestrate.extracts.workbook import workbook_file
from orchestrate.publishing import PublishedVersion, published_versions
from orchestrate.reports.catalog import Relation, read_in_order, readable_relations
from orchestrate.reports.data import snapshot
from orchestrate.reports.edition import describe_edition
from orchestrate.reports.folders import read_audiences_edition
from orchestrate.reports.recipients import Recipient, read_recipients
from orchestrate.reports.writer import (
    EXTRACTS,
    alone_in,
    make_private,
    new_folder,
    note_folders,
)

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases

# Rows that are in memory at a time.
_BATCH = 2_000


def write_extracts(
    databases: Databases,
    *,
    audiences: Sequence[str] | None,
    login: str | None,
    formats: Sequence[Format],
    out_dir: Path,
    console: Console,
) -> list[Path]:
    """Write what each audience may read into the folder `extracts` of its own; return the files.

    Audiences and login are chosen as for reports (see `choose_recipients`). Everything is read over
    the rendering login of the scope, in one snapshot and in constant memory. A folder is replaced
    whole, or on failure not at all.

    Raises ConfigurationError when nothing is published, nobody is there to write for, a format
    needs a package that is missing, or the folder cannot be written; DatabaseError when a database
    refuses.
    """
    versions = published_versions(databases)
    recipients = read_recipients(databases, versions, audiences, login, console)
    if not recipients:
        raise ConfigurationError(
            "No member may read an extract.", "List a login among the members, then publish."
        )
    files: list[Path] = []
    with alone_in(out_dir), console.task("Writing extracts", total=len(recipients)) as task:
        for recipient in recipients:
            target = out_dir / recipient.folder / EXTRACTS
            make_private(target.parent)
            with new_folder(target) as aside:
                write_extract(recipient, versions, formats, aside)
            files += sorted(target.iterdir())
            task.advance(recipient.folder)
        note_folders(out_dir, {recipient.folder for recipient in recipients})
    return files


def write_extract(
    recipient: Recipient,
    versions: Sequence[PublishedVersion],
    formats: Sequence[Format],
    folder: Path,
) -> None:
    """Write all files of one audience into a folder, which is made when it is missing."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with closing(
        recipient.place.as_renderer().connect(application_name="casebook extract")
    ) as connection:
        _write(connection, recipient, versions, formats, folder)


def _write(
    database: Connection,
    recipient: Recipient,
    versions: Sequence[PublishedVersion],
    formats: Sequence[Format],
    folder: Path,
) -> None:
    with snapshot(database) as cursor, ExitStack() as opened:
        relations = readable_relations(cursor)
        read = read_audiences_edition(cursor, recipient.audience, relations)
        edition = describe_edition(read, versions)
        lines = readme_lines(recipient, edition, relations)
        for name, text in (
            ("README.txt", readme_text(recipient, edition, relations)),
            ("README.csv", readme_csv(lines)),
        ):
            with open_new(folder / name) as file:
                file.write(text)
        book = folder / f"{recipient.folder}.xlsx"
        kinds = {
            Format.csv: lambda: csv_files(folder),
            Format.xlsx: lambda: workbook_file(book, lines),
            Format.parquet: lambda: parquet_files(folder),
            Format.hyper: lambda: hyper_file(folder / f"{recipient.folder}.hyper"),
        }
        sinks = [opened.enter_context(kinds[kind]()) for kind in dict.fromkeys(formats)]
        for relation in relations:
            _copy(database, relation, sinks)


def _copy(database: Connection, relation: Relation, sinks: Sequence[Sink]) -> None:
    """Read a relation once, with a cursor on the server, and write each batch to every sink."""
    with ExitStack() as tables, database.cursor(name="extract") as cursor:
        writers = [tables.enter_context(sink(relation)) for sink in sinks]
        cursor.execute(read_in_order(relation))
        while rows := cursor.fetchmany(_BATCH):
            for write in writers:
                write(rows)
