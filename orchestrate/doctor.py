"""Checks of everything that a run needs, each with what to do when it is not well.

A check never changes anything but starting the embedded server, which any command does; mending is
asked for.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from orchestrate import loading
from orchestrate.access.scopes import GROUPS, OWNER, PUBLISHER
from orchestrate.building.manifest import Manifest
from orchestrate.building.pseudonyms import ensure_key
from orchestrate.check import OK, Check
from orchestrate.console import Console
from orchestrate.database import Databases, open_databases
from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.defences import (
    CLOSING_STATEMENT,
    limit_statements,
    open_to_everybody,
)
from orchestrate.database.objects import marker
from orchestrate.errors import CasebookError, ExitStatus
from orchestrate.mending import find_problems, mend
from orchestrate.publishing import published_versions
from orchestrate.publishing.versions import read_readers
from orchestrate.settings import Settings
from orchestrate.suitability import check_servers

# A run on the samples takes about 300 MB; a full disk in the middle of one helps nobody.
NEEDED_BYTES = 1_000_000_000


def examine(
    settings: Settings, console: Console, *, mending: bool = False
) -> tuple[list[Check], Sequence[str]]:
    """Make all checks that can be made; later ones need what earlier ones found.

    `mending`: bring access into order first, which needs a home and databases that are well. Return
    the checks, and what was mended.
    """
    checks = [*check_packages(), *check_folders(settings)]
    mended: Sequence[str] = ()
    if any(check.status for check in checks):
        return checks, mended
    try:
        databases = open_databases(settings, console)
    except CasebookError as error:
        return [*checks, Check("databases", error.cause, error.cure, error.status)], mended
    if mending:
        mended = mend(settings, databases, console).mended
    for name, look in (
        ("warehouse", check_builder),
        ("servers", lambda found: check_servers(settings, found)),
        ("roles", check_roles),
        ("closed to the public", check_public),
        ("names", check_names),
        ("landed tables", lambda found: check_landed_tables(settings, found)),
        ("access", lambda found: check_access(settings, found)),
        ("published version", check_published),
    ):
        checks.extend(guarded(name, look, databases))
    return checks, mended


def guarded(
    name: str, look: Callable[[Databases], Iterator[Check]], databases: Databases
) -> Iterator[Check]:
    """Turn an error within a check into a finding."""
    try:
        yield from look(databases)
    except CasebookError as error:
        yield Check(name, error.cause, error.cure, error.status)


def check_packages() -> Iterator[Check]:
    """Check that Python and every runtime dependency are of a version the project allows."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        yield Check(f"Python {found}")
    else:
        yield Check(
            "Python",
            f"{found} is not supported",
            "Install Python 3.11, 3.12 or 3.13 and run `make clean run PYTHON=…`.",
            ExitStatus.USAGE,
        )
    wrong = [problem for line in requires("casebook") or () if (problem := misfit(line))]
    yield Check(
        "packages",
        ", ".join(wrong) or OK,
        "Run `make clean run`, which installs the locked versions." if wrong else "",
        ExitStatus.USAGE if wrong else ExitStatus.DONE,
    )


def misfit(line: str) -> str:
    """Return what is wrong with one required package, or nothing.

    What only another platform or an optional extra asks for is not required here.
    """
    requirement = Requirement(line)
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return ""
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is missing"
    if requirement.specifier.contains(found):
        return ""
    return f"{requirement.name} is {found}, wanted {requirement.specifier}"


def check_folders(settings: Settings) -> Iterator[Check]:
    """Check that home and output can be written, have room, and that secrets are closed."""
    for name, folder, otherwise in (
        ("home", settings.home, "move the home with CASEBOOK_HOME"),
        ("output", settings.output_dir, "let a link of its name lead to a folder that is"),
    ):
        existing = next(path for path in (folder, *folder.parents) if is_there(path))
        if not os.access(existing, os.W_OK | os.X_OK):
            yield Check(
                name,
                f"{existing} cannot be written",
                f"Make it writable, or {otherwise}.",
                ExitStatus.USAGE,
            )
            continue
        free = shutil.disk_usage(existing).free
        yield Check(
            f"{name} {folder}",
            OK if free >= NEEDED_BYTES else f"only {free / 1e6:,.0f} MB are free",
            "" if free >= NEEDED_BYTES else "Free at least 1 GB.",
            ExitStatus.DONE if free >= NEEDED_BYTES else ExitStatus.USAGE,
        )
    open_files = [
        path for path in secret_files(settings) if stat.S_IMODE(path.stat().st_mode) & 0o77
    ]
    yield Check(
        "secrets",
        OK if not open_files else f"others can read {', '.join(map(str, open_files))}",
        "" if not open_files else "Run chmod 600 on them, and replace what they hold.",
        ExitStatus.USAGE if open_files else ExitStatus.DONE,
    )
    # A key that is not there yet is no problem: the first build makes it.
    if is_there(settings.pseudonym_key_path) and not open_files:
        try:
            ensure_key(settings)
        except CasebookError as error:
            yield Check("pseudonym key", error.cause, error.cure, error.status)


def secret_files(settings: Settings) -> list[Path]:
    """Return the files that hold passwords, and the secret of the pseudonyms."""
    folder = settings.secrets_dir
    held = folder.iterdir() if os.access(folder, os.R_OK | os.X_OK) else ()
    return sorted(
        {path for path in (*held, settings.pseudonym_key_path) if is_there(path) and path.is_file()}
    )


def is_there(path: Path) -> bool:
    """Tell whether a path can be reached: what is behind a closed folder is not."""
    return os.access(path, os.F_OK)


def check_builder(databases: Databases) -> Iterator[Check]:
    """Check that the builder may create schemas, roles and databases, and is no superuser."""
    with databases.warehouse.session("casebook doctor") as session, session.cursor() as cursor:
        cursor.execute(
            "select current_setting('server_version'), rolsuper, rolcreaterole, rolcreatedb,"
            " has_database_privilege(current_database(), 'CREATE'),"
            " quote_ident(current_user), quote_ident(current_database())"
            " from pg_catalog.pg_roles where rolname = current_user"
        )
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 - the current user is a role
    server_version, is_super, may_create_roles, may_create_databases, may_create, *names = row
    role, database = names
    user = databases.warehouse.user
    yield Check(f"warehouse, PostgreSQL {server_version}")
    lacking = [
        text
        for held, text in (
            (may_create_roles or is_super, f"alter role {role} createrole;"),
            (may_create_databases or is_super, f"alter role {role} createdb;"),
            (may_create, f"grant create on database {database} to {role};"),
        )
        if not held
    ]
    yield Check(
        f"privileges of {user}",
        OK if not lacking else "not all that a run needs",
        "" if not lacking else "Let an administrator run the statements below.",
        ExitStatus.DATABASE if lacking else ExitStatus.DONE,
        tuple(lacking),
        databases.warehouse.database,
    )
    if is_super:
        yield Check(
            f"{user} is a superuser",
            "works, but more than needed",
            "docs/databases.md shows the least privileges.",
        )


def check_roles(databases: Databases) -> Iterator[Check]:
    """Check that owner, publisher and audience groups are there and are this installation's."""
    with (
        databases.reporting.door.session("casebook doctor") as session,
        session.cursor() as cursor,
    ):
        cursor.execute(
            "select rolname, shobj_description(oid, 'pg_authid') from pg_catalog.pg_roles"
            " where rolname = any(%s)",
            ([OWNER, PUBLISHER, *GROUPS],),
        )
        found = dict(cursor.fetchall())
    missing = sorted({OWNER, PUBLISHER, *GROUPS} - set(found))
    foreign = sorted(
        name for name, comment in found.items() if comment != marker(databases.installation)
    )
    if foreign:
        yield Check(
            "roles",
            f"not made by this installation: {', '.join(foreign)}",
            "Use a server of its own for each installation, or drop those roles.",
            ExitStatus.USAGE,
        )
    elif missing:
        yield Check("roles", f"not made yet: {', '.join(missing)}", "`casebook run` makes them.")
    else:
        yield Check("roles")


# What everybody holds in a database and its schema public, as statements that take it away.
_HELD_BY_PUBLIC = """
    select format('revoke %s on database %I from public;', privilege_type, datname)
    from pg_catalog.pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    where datname = current_database() and grantee = 0
    union all
    select format('revoke %s on schema %I from public;', privilege_type, nspname)
    from pg_catalog.pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
    where nspname = 'public' and grantee = 0
"""
_OTHER_DATABASES = """
    select format('revoke %s on database %I from public;', privilege_type, datname)
    from pg_catalog.pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    where datallowconn and grantee = 0 and datname <> current_database()
        and coalesce(shobj_description(pg_database.oid, 'pg_database'), '')
            not like 'Made by Casebook%'
    order by 1
"""


def check_public(databases: Databases) -> Iterator[Check]:
    """Check that everybody may not connect, make temporary tables or use what the server brings.

    The server's functions and other databases are an administrator's to close; they hold no rows of
    Casebook's, so they are told and do not fail the examination. Scopes' databases are told one by
    one where something is not well. Before the first publication nobody reads anything yet, and it
    closes by itself what is the builder's to close: that is told and does not fail either.
    """
    places, _ = read_readers(databases)
    targets = [databases.warehouse, *(place.as_builder() for place in places)]
    checks = [_check_held(target, is_in_use=bool(places)) for target in targets]
    checks += [_check_defences(target) for target in targets[1:]]
    yield from (check for check in checks if check.result != OK)
    if all(check.result == OK for check in checks):
        yield Check(f"warehouse and {len(places)} scopes closed to the public")
    yield from _check_limits(databases)
    others = statements(databases.warehouse, _OTHER_DATABASES)
    yield Check(
        "other databases",
        OK if not others else "readers may connect to more than their scope",
        "" if not others else "Let an administrator run the statements below, if nobody needs it.",
        statements=others,
        run_in=databases.warehouse.database,
    )


def _check_held(target: ConnectionTarget, *, is_in_use: bool) -> Check:
    held = statements(target, _HELD_BY_PUBLIC)
    cure = (
        "Let an administrator run the statements below."
        if is_in_use
        else "The first `casebook run` closes what it may; an administrator may run the statements"
        " below before."
    )
    return Check(
        f"{target.database} closed to the public",
        OK if not held else "everybody holds privileges there",
        "" if not held else cure,
        ExitStatus.DATABASE if held and is_in_use else ExitStatus.DONE,
        held,
        target.database,
    )


def _check_defences(target: ConnectionTarget) -> Check:
    """Check that the server's own functions and views are closed in a database of readers."""
    with target.session("casebook doctor") as session, session.cursor() as cursor:
        still_open = open_to_everybody(cursor)
    return Check(
        f"functions of the server in {target.database}",
        f"readers may use {len(still_open)} that take the server's locks, write into its log, or"
        " tell how much is written in other databases"
        if still_open
        else OK,
        f"Let a superuser run the statement below in {target.database}, or make the template of"
        " docs/databases.md, of which later ones are copies."
        if still_open
        else "",
        statements=(f"{CLOSING_STATEMENT};",) if still_open else (),
        run_in=target.database,
    )


def _check_limits(databases: Databases) -> Iterator[Check]:
    """Check that the builder may limit logins, which it does where it may."""
    for server in databases.servers:
        with server.door.session("casebook doctor") as session, session.cursor() as cursor:
            cursor.execute("select has_parameter_privilege('temp_file_limit', 'set')")
            if cursor.fetchone() != (True,):
                yield Check(
                    "limits of logins",
                    "readers may fill the disk with temporary files",
                    "Let an administrator run the statements below, then run again.",
                    statements=tuple(
                        f"{text};" for text in limit_statements(cursor, server.door.user)
                    ),
                    run_in=server.door.database,
                )


def check_names(databases: Databases) -> Iterator[Check]:
    """Check that no login tells of a restriction by its name, which every login can read."""
    current = next((item for item in published_versions(databases) if item.is_current), None)
    _, members = read_readers(databases)
    if current is None:
        return
    restricted = {specialty for _, specialty in current.known.restrictions}
    words = restricted | {
        word for specialty, word in current.known.words if specialty in restricted
    }
    telling = [one.login for one in members if any(word in one.login for word in words)]
    if telling:
        yield Check(
            "names of logins",
            f"{', '.join(telling)}: every login of the server can read that such care is"
            " restricted",
            "Give such members logins that do not name it.",
        )


def statements(target: ConnectionTarget, query: str) -> tuple[str, ...]:
    """Return the first column of a query on the catalog."""
    with target.session("casebook doctor") as session, session.cursor() as cursor:
        cursor.execute(query)
        return tuple(str(statement) for (statement,) in cursor.fetchall())


def check_landed_tables(settings: Settings, databases: Databases) -> Iterator[Check]:
    """Check that the builder may read the tables of Airbyte that domains are built from."""
    for domain, source in loading.domain_sources(databases).items():
        if source.source == loading.LANDED:
            # What `casebook load --landed` read of the project, and every run since.
            loading.check_landed(databases, Manifest.read(settings.description_dir), domain)
            yield Check(f"landed tables of {domain}")


def check_access(settings: Settings, databases: Databases) -> Iterator[Check]:
    """Check that readers have what the published version gave them, and nobody has more."""
    if not published_versions(databases):
        return
    problems = find_problems(settings, databases)
    if not problems:
        yield Check("access")
    for problem in problems:
        yield Check(
            "access",
            problem,
            "`casebook doctor --mend` mends it, unless other hands put it there; see"
            " docs/publishing.md.",
            ExitStatus.DATABASE,
        )


def check_published(databases: Databases) -> Iterator[Check]:
    """Tell which version readers see."""
    current = next((item for item in published_versions(databases) if item.is_current), None)
    if current is None:
        yield Check("published version", "none yet", "`casebook run` publishes.")
    else:
        yield Check(f"published version {current.version}")
