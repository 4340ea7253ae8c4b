"""Renders the folders of reports: reads over each reader's login, lays out, writes, swaps in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrate.errors import ConfigurationError
from orchestrate.publishing import PublishedVersion, published_versions
from orchestrate.publishing.versions import read_readers
from orchestrate.reports.folders import read_folder
from orchestrate.reports.pages.activity import EVERYTHING, Opening
from orchestrate.reports.pages.layout import folder_files
from orchestrate.reports.recipients import PROGRAM, RESIDENT, Recipient, read_recipients
from orchestrate.reports.writer import (
    DIAGRAMS,
    EXTRACTS,
    alone_in,
    copy_folder,
    note_folders,
    remove_folders_but,
    renewed_folder,
    write_file,
)

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.settings import Settings

# Writes the extracts of a recipient into a folder that it makes.
WriteExtracts = Callable[[Recipient, Sequence[PublishedVersion], Path], None]


def render_reports(
    settings: Settings,
    databases: Databases,
    *,
    audiences: Sequence[str] | None,
    login: str | None,
    out_dir: Path,
    console: Console,
    diagrams: Path | None = None,
    extracts: WriteExtracts | None = None,
    opening: Opening = EVERYTHING,
) -> list[Path]:
    """Render what is published into one folder per audience under `out_dir`; return the pages.

    Everything is read over the rendering login of the folder's scope. `audiences` and `login`
    choose among the folders (see `choose_recipients`); where neither does, folders that were made
    for scopes which are no more are taken away. `diagrams`, a folder, is put into the program's one
    as `erd`, `extracts` writes those of each folder, and where they are not given, those of the
    last time stay; `opening` says which months a page of choices opens on. Each folder is replaced
    whole and in one step, or on failure not at all.

    Raises ConfigurationError when nothing is published, nobody is there to render for, or the
    folder cannot be written, and DatabaseError when a database refuses.
    """
    versions = published_versions(databases)
    recipients = read_recipients(databases, versions, audiences, login, console)
    if not recipients:
        raise ConfigurationError(
            "No member may read a report.",
            "List a login with the audience program or client among the members, then publish.",
        )
    pages: list[Path] = []
    offered: dict[str, tuple[str, str] | None] = {}
    with alone_in(out_dir), console.task("Rendering reports", total=len(recipients)) as task:
        for recipient in recipients:
            target = out_dir / recipient.folder
            own_diagrams = diagrams if recipient.audience == PROGRAM else None
            written = {DIAGRAMS: own_diagrams, EXTRACTS: extracts}
            replaced = {name for name, source in written.items() if source is not None}
            with renewed_folder(target, without=replaced) as aside:
                if own_diagrams is not None:
                    copy_folder(own_diagrams, aside / DIAGRAMS)
                if extracts is not None:
                    extracts(recipient, versions, aside / EXTRACTS)
                names = _names(aside / EXTRACTS)
                folder = read_folder(recipient, versions, names, opening)
                attachments = [*_workbooks(names), *_diagrams(aside / DIAGRAMS)]
                offered[recipient.folder] = folder.months
                files = folder_files(replace(folder, attachments=attachments))
                for name, content in files.items():
                    write_file(aside / name, content)
            pages += [target / name for name in sorted(files) if name.endswith(".html")]
            task.advance(recipient.folder)
        folders = {recipient.folder for recipient in recipients}
        note_folders(out_dir, folders)
        if not audiences and login is None:
            # Those of residents are made when they are asked for, and stay as long as the login.
            places, _ = read_readers(databases)
            lasting = {one.scope.name for one in places if one.scope.audience == RESIDENT}
            remove_folders_but(out_dir, folders | lasting, console)
    _tell_unfollowed(opening, offered, console)
    return pages


def _tell_unfollowed(
    opening: Opening, offered: Mapping[str, tuple[str, str] | None], console: Console
) -> None:
    """Say which folders cannot open on the months asked for; `offered` are those of each."""
    asked = {"--from": opening.from_month, "--to": opening.to_month}
    asked = {option: month for option, month in asked.items() if month}
    without = [name for name, months in offered.items() if months is None]
    if asked and without:
        console.warn(
            f"{' and '.join(asked)} {'say' if len(asked) > 1 else 'says'} nothing to the pages of"
            f" {', '.join(without)}: these have no months to choose."
        )
    for name, months in offered.items():
        for option, month in asked.items():
            if months is not None and not months[0] <= month <= months[1]:
                console.warn(
                    f"{name} has nothing of {month}, but data from {months[0]} to {months[1]}:"
                    f" {option} is left out."
                )


def _workbooks(extracts: Sequence[str]) -> list[tuple[str, str]]:
    """Describe the extracts that the folder has: its read-me and the files that hold everything."""
    described = {
        "README.txt": "Extracts: what they are, and what every column means",
        ".xlsx": "Extracts: all relations as one workbook",
        ".hyper": "Extracts: all relations for Tableau",
    }
    return [
        (f"{EXTRACTS}/{name}", description)
        for end, description in described.items()
        for name in extracts
        if name.endswith(end)
    ]


def _diagrams(folder: Path) -> list[tuple[str, str]]:
    """Describe the diagrams that the folder has."""
    return [
        (f"{DIAGRAMS}/{name}", f"Entity-relationship diagram: {_words(name)}")
        for name in _names(folder)
        if name.endswith(".svg")
    ]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _words(file_name: str) -> str:
    return Path(file_name).stem.replace("_", " ").replace("-", " ")
