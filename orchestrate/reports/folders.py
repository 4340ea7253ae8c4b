"""From a login to its folder: what is read for each audience, and how it is laid out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from orchestrate.driver import Connection, Cursor
from orchestrate.publishing import PublishedVersion
from orchestrate.reports.catalog import Relation, only_version, readable_relations
from orchestrate.reports.data import read_client, read_coverage, read_residency, snapshot
from orchestrate.reports.edition import Edition, describe_edition
from orchestrate.reports.pages.activity import (
    EVERYTHING,
    Opening,
    activity_folder,
    read_activity,
)
from orchestrate.reports.pages.clients import procedures_folder
from orchestrate.reports.pages.layout import Folder
from orchestrate.reports.pages.management import management_folder, read_management
from orchestrate.reports.pages.program import program_folder
from orchestrate.reports.pages.staff import staff_folder
from orchestrate.reports.recipients import (
    ACTIVITY_PAGE,
    CLIENT,
    MANAGEMENT,
    PROGRAM,
    RESIDENT,
    STAFF,
    Recipient,
)

# Whose relation `coverage` speaks of what an audience is shown.
_SCHEMAS = {
    PROGRAM: "residency",
    RESIDENT: "residency",
    CLIENT: "clients",
    MANAGEMENT: "management",
    STAFF: "extracts",
}


def read_audiences_edition(cursor: Cursor, audience: str, relations: Sequence[Relation]) -> Edition:
    """Read of which version the relations are, and what the data of the audience's schema cover."""
    coverage = read_coverage(cursor, _SCHEMAS[audience])
    return Edition(only_version(relations), coverage=coverage)


def read_folder(
    recipient: Recipient,
    versions: Sequence[PublishedVersion],
    extracts: Sequence[str],
    opening: Opening = EVERYTHING,
) -> Folder:
    """Read over the scope's rendering login what its folder shows, and lay it out.

    `extracts` are the names of the files of extracts that the folder has, `opening` says which
    months a page of choices opens on. Raises what `snapshot`
    raises.
    """
    with closing(
        recipient.place.as_renderer().connect(application_name="casebook report")
    ) as connection:
        folder = _lay_out(connection, recipient, extracts, opening)
    return replace(folder, edition=describe_edition(folder.edition, versions))


def _lay_out(
    connection: Connection, recipient: Recipient, extracts: Sequence[str], opening: Opening
) -> Folder:
    if recipient.audience in (PROGRAM, RESIDENT):
        own_rows_only = recipient.audience == RESIDENT
        return program_folder(
            read_residency(connection, own_rows_only=own_rows_only), own_rows_only=own_rows_only
        )
    if recipient.audience == CLIENT and recipient.page == ACTIVITY_PAGE:
        opening = replace(opening, specialty_id=recipient.specialty_id)
        return activity_folder(read_activity(connection), recipient.client_name, opening)
    if recipient.audience == CLIENT:
        return procedures_folder(read_client(connection), recipient.client_name)
    if recipient.audience == MANAGEMENT:
        return management_folder(read_management(connection))
    with snapshot(connection) as cursor:
        relations = readable_relations(cursor)
        edition = read_audiences_edition(cursor, recipient.audience, relations)
    return staff_folder(relations, edition, extracts)
