"""Whether a run could only publish again what readers see: then it says so and does nothing.

A run notes in the home what its version was made of: the project's files and tools, settings,
members and the secret of the pseudonyms as one fingerprint, and each landed table by what tells
that something arrived. Of exports and seeds the warehouse itself knows when it loaded them. Where
anything differs, or cannot be told, a run is made in full.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from orchestrate import loading
from orchestrate.access.members import read_members_file
from orchestrate.building.freshness import old_at
from orchestrate.building.manifest import Manifest
from orchestrate.building.pseudonyms import ensure_key
from orchestrate.database import Databases, open_databases
from orchestrate.database.files import replace_text
from orchestrate.errors import CasebookError
from orchestrate.loading.state import loaded_and_written
from orchestrate.publishing import PublishedVersion
from orchestrate.publishing.artifacts import read_last_build
from orchestrate.publishing.scope_versions import read_state
from orchestrate.publishing.versions import read_pointer, read_readers, read_versions, record
from orchestrate.repair import find_problems
from orchestrate.retrying import once_more_when_lost
from orchestrate.run_lock import run_lock
from orchestrate.summary import RunSummary, connection_hints

if TYPE_CHECKING:
    from orchestrate.console import Console
    from orchestrate.settings import Settings

# All that dbt reads, and all that loads, publishes and renders.
_PROJECT: Final = (
    ".dbtignore",
    "*.yml",
    "analyses/**/*.*",
    "functions/**/*.*",
    "macros/**/*.*",
    "models/**/*.*",
    "seeds/**/*.*",
    "tests/**/*.sql",
    "tests/**/*.yml",
    *(f"orchestrate/**/*.{suffix}" for suffix in ("py", "html", "css", "js", "sql", "csv", "txt")),
)
# What dbt and libpq take from outside beside Casebook's own settings.
_OUTSIDE: Final = ("DBT_", "PG")

LandedTables = Mapping[str, Sequence[loading.LandedTable]]


@dataclass(frozen=True)
class _Note:
    """What `last-run.json` in the home remembers: of what, and into which files.

    `written` counts what was written into raw tables, `files` is a fingerprint of the folders that
    `pages` are in.
    """

    made_of: str
    written: int | None
    landed: list[list[str]]
    version: int
    invocation_id: str
    out_dir: str
    pages: Sequence[str]
    files: str


@once_more_when_lost
def unchanged_run(settings: Settings, console: Console, out_dir: Path) -> RunSummary | None:
    """Return what a run has to tell where all of it is there; None: something is to be done."""
    if _read_note(settings) is None:
        return None
    databases = open_databases(settings, console)
    with run_lock(databases):
        version = unchanged_version(settings, databases)
        note = _read_note(settings)
        if version is None or note is None:
            return None
        pages = [Path(page) for page in note.pages]
        if (note.out_dir, note.files) != (str(out_dir.resolve()), _state_of_files(pages)):
            return None
        return RunSummary(
            version=version.version,
            relations=dict(sorted(version.rows.items())),
            pages=pages,
            connections=connection_hints(databases),
            changed=False,
        )


def unchanged_version(settings: Settings, databases: Databases) -> PublishedVersion | None:
    """Return the version that readers see, whole, where a run would only publish it again.

    The caller holds the run lock.
    """
    note = _read_note(settings)
    if note is None:
        return None
    try:
        with record(databases) as cursor:
            decided, versions = read_pointer(cursor), read_versions(cursor)
        current = next((one for one in versions if one.is_current), None)
        is_unchanged = (
            current is not None
            and decided.is_carried_out
            and (current.version, current.invocation_id) == (note.version, note.invocation_id)
            and note.made_of == made_of(settings)
            and _holds_what_was_built(databases, note)
            and _landed_nothing(settings, databases, note)
            and not find_problems(settings, databases)
            and all(read_state(place).given is not None for place in read_readers(databases)[0])
        )
    except CasebookError:
        # What keeps this from being told, the run in full meets as well, and says or mends it.
        return None
    return current if is_unchanged else None


def made_of(settings: Settings) -> str:
    """Return a fingerprint of all that a version is made of, but for what is in the warehouse.

    To be taken before anything of it is read. The secret of the pseudonyms is its key, so that
    nobody can try out which passwords are in the URLs. Raises ConfigurationError for a secret or a
    file of members that cannot be used, DataError for what is in the latter.
    """
    members = read_members_file(settings.members_file) if settings.members_file else None
    packages = Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    content = [
        _project_files(settings.project_dir),
        sys.version,
        sorted(path.name for path in packages),
        [settings.database_url, settings.reporting_url, sorted(settings.scope_urls.items())],
        None if members is None else [astuple(member) for member in members],
        sorted(pair for pair in os.environ.items() if pair[0].startswith(_OUTSIDE)),
    ]
    key = ensure_key(settings).encode()
    return hmac.new(key, json.dumps(content).encode(), hashlib.sha256).hexdigest()


def _project_files(project_dir: Path) -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(project_dir)), hashlib.sha256(path.read_bytes()).hexdigest())
        for pattern in _PROJECT
        for path in sorted(project_dir.glob(pattern))
    ]


def remember(
    settings: Settings,
    databases: Databases,
    made: str,
    landed: LandedTables | None,
    version: PublishedVersion,
    out_dir: Path,
    pages: Sequence[Path],
) -> None:
    """Note what a run published and rendered, and what of: `made_of`, landed tables by domain.

    `landed` None: those of the note before, as a run that only rendered found them again.
    """
    before = _read_note(settings)
    with databases.warehouse.session() as connection:
        raw = loaded_and_written(connection)
    note = _Note(
        made_of=made,
        written=raw and raw[1],
        landed=before.landed if before and landed is None else _as_values(landed or {}),
        version=version.version,
        invocation_id=version.invocation_id,
        out_dir=str(out_dir.resolve()),
        pages=[str(page) for page in pages],
        files=_state_of_files(pages),
    )
    replace_text(_note_file(settings), json.dumps(asdict(note), indent=2) + "\n")


def _holds_what_was_built(databases: Databases, note: _Note) -> bool:
    """Tell whether the warehouse holds that build, of sources and raw tables as they are now."""
    sources = {domain: one.source for domain, one in loading.domain_sources(databases).items()}
    with databases.warehouse.session() as connection, connection.cursor() as cursor:
        build, raw = read_last_build(cursor), loaded_and_written(connection)
    if build is None or raw is None:
        return False
    loaded_at, written = raw
    return (
        (build.invocation_id, build.sources) == (note.invocation_id, sources)
        and loaded_at <= build.started_at
        and written == note.written
    )


def _landed_nothing(settings: Settings, databases: Databases, note: _Note) -> bool:
    """Tell whether landed tables are as they were, and not so old that a run would say so."""
    if not note.landed:
        return True
    manifest = Manifest.read(settings.description_dir)
    landed = {
        domain: loading.check_landed(databases, manifest, domain)
        for domain, source in loading.domain_sources(databases).items()
        if source.source == loading.LANDED
    }
    old = old_at(settings.description_dir)
    return old is not None and datetime.now(UTC) < old and _as_values(landed) == note.landed


def _as_values(landed: LandedTables) -> list[list[str]]:
    """Return what tells that something arrived, of every table; one that cannot tell is new."""
    return [
        [domain, table.name, str(table.rows), str(table.extracted_at), table.mark or str(uuid4())]
        for domain, tables in sorted(landed.items())
        for table in tables
    ]


def _state_of_files(pages: Sequence[Path]) -> str:
    """Return a fingerprint of the folders of pages: which files, how long, and written when."""
    found = [
        (str(path), path.lstat().st_size, path.lstat().st_mtime_ns)
        for folder in sorted({page.parent for page in pages})
        for path in sorted(folder.rglob("*"))
    ]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def _note_file(settings: Settings) -> Path:
    return settings.home / "last-run.json"


def _read_note(settings: Settings) -> _Note | None:
    """Read the note; None where there is none that can be used."""
    try:
        return _Note(**json.loads(_note_file(settings).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
