"""Renders the folders of reports: reads over each reader's login, lays out, writes, swaps in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrate.errors import ConfigurationError
from orchestrate.publishing import PublishedVersion, published_versions
from orchestrate.reports.data import Edition, read_client, read_residency
from orchestrate.reports.pages.clients import procedures_folder
from orchestrate.reports.pages.layout import Folder, folder_files
from orchestrate.reports.pages.program import program_folder
from orchestrate.reports.recipients import (
    CLIENT,
    PROGRAM,
    RESIDENT,
    Recipient,
    choose_recipients,
    read_clients,
    read_members,
)
from orchestrate.reports.text import day
from orchestrate.reports.writer import alone_in, replace_folder

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.database import Databases
    from orchestrate.settings import Settings

DIAGRAMS = "erd"


def render_reports(
    settings: Settings,
    databases: Databases,
    *,
    audiences: Sequence[str] | None,
    login: str | None,
    out_dir: Path,
    console: Console,
    diagrams: Path | None = None,
) -> list[Path]:
    """Render what is published into one folder per audience under `out_dir`; return the pages.

    Everything is read over a login of the folder's audience. `audiences` and `login` choose among
    the folders (see `choose_recipients`); `diagrams`, a folder, is put into the program's one as
    `erd`, where otherwise the diagrams of the last time stay. Each folder is replaced whole, or on
    failure not at all.

    Raises ConfigurationError when nothing is published, nobody is there to render for, or the
    folder cannot be written, and DatabaseError when a database refuses.
    """
    versions = published_versions(databases)
    if not versions:
        raise ConfigurationError("Nothing is published yet.", "Run `casebook run` first.")
    recipients = choose_recipients(
        read_members(databases), read_clients(databases), audiences, login
    )
    if not recipients:
        raise ConfigurationError(
            "No member may read a report.",
            "List a login with the audience program or client among the members, then publish.",
        )
    pages: list[Path] = []
    with alone_in(out_dir), console.task("Rendering reports", total=len(recipients)) as task:
        for recipient in recipients:
            target = out_dir / recipient.folder
            own_diagrams = diagrams if recipient.audience == PROGRAM else None
            folder = _read_folder(databases, recipient, versions)
            folder = replace(folder, attachments=_attachments(target, own_diagrams))
            files = folder_files(folder)
            replace_folder(target, files, {DIAGRAMS: own_diagrams} if own_diagrams else {})
            pages += [target / name for name in sorted(files) if name.endswith(".html")]
            task.advance(recipient.folder)
    return pages


def _read_folder(
    databases: Databases, recipient: Recipient, versions: Sequence[PublishedVersion]
) -> Folder:
    with closing(
        databases.reader(recipient.login).connect(application_name="casebook report")
    ) as connection:
        if recipient.audience in (PROGRAM, RESIDENT):
            residency = read_residency(connection)
            edition = describe_edition(residency.edition, versions, "residency")
            return program_folder(
                replace(residency, edition=edition),
                own_rows_only=recipient.audience == RESIDENT,
            )
        if recipient.audience != CLIENT:
            raise AssertionError(f"No pages are laid out for {recipient.audience}")
        client = read_client(connection)
        edition = describe_edition(client.edition, versions, "advocacy")
        return procedures_folder(replace(client, edition=edition), recipient.client_name)


def describe_edition(
    edition: Edition, versions: Sequence[PublishedVersion], domain: str
) -> Edition:
    """Add when the version that was read was published and from which source of its domain."""
    found = next((one for one in versions if one.version == edition.version), None)
    if found is None:
        return edition
    return replace(
        edition,
        published_at=found.published_at,
        sources=tuple(_source(found.sources.get(domain))),
    )


def _source(recorded: object) -> list[str]:
    """Say where a domain's data came from: never a path, pages are given away."""
    if not isinstance(recorded, Mapping):
        return []
    if recorded.get("source") == "sample":
        return ["the sample data that Casebook ships"]
    loaded = recorded.get("loaded_at")
    return [f"an export loaded on {_day(loaded)}" if loaded else "an export"]


def _day(text: object) -> str:
    return day(date.fromisoformat(str(text)[:10]))


def _attachments(target: Path, diagrams: Path | None) -> list[tuple[str, str]]:
    """Describe the diagrams that the folder will have: those given, or those that it has now."""
    source = diagrams or target / DIAGRAMS
    pictures = sorted(path.name for path in source.glob("*.svg")) if source.is_dir() else []
    return [
        (f"{DIAGRAMS}/{name}", f"Entity-relationship diagram: {_words(name)}") for name in pictures
    ]


def _words(file_name: str) -> str:
    return Path(file_name).stem.replace("_", " ").replace("-", " ")
