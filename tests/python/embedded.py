"""Help for tests that start embedded servers, kill them and look at them as somebody else."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orchestrate.access.entry import ensure_scopes
from orchestrate.access.logins import settle_logins
from orchestrate.access.members import Member
from orchestrate.access.scopes import Scope, ScopeDatabase
from orchestrate.console import Console
from orchestrate.database import Databases, server_status
from orchestrate.errors import CasebookError
from orchestrate.publishing.versions import locate_scopes
from orchestrate.settings import PROJECT_DIR, Settings

NOBODY = 65534
LOGIN = "staff_one"
STAFF_MEMBER = Member(LOGIN, "staff", None, None, Scope("staff", "staff"))


def settings_of(
    home: Path, *, database_url: str | None = None, reporting_url: str | None = None
) -> Settings:
    """Return the settings of a Casebook in a home of its own."""
    return Settings(
        project_dir=PROJECT_DIR,
        home=home,
        output_dir=home / "output",
        database_url=database_url,
        reporting_url=reporting_url,
    )


def make_scope(databases: Databases) -> ScopeDatabase:
    """Make the database of the staff, with the login `LOGIN`, as a publication does."""
    (place,) = locate_scopes(databases, [STAFF_MEMBER.scope])
    ensure_scopes(databases, [place], [STAFF_MEMBER], Console())
    settle_logins(databases, [place], [STAFF_MEMBER], Console())
    return place


def kill_everything(settings: Settings) -> None:
    """Kill a home's server and its children like a power cut, and nothing else."""
    pid = server_status(settings).pid
    assert pid is not None
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    for process in (pid, *map(int, children)):
        # Some child may have ended by itself meanwhile.
        with suppress(ProcessLookupError):
            os.kill(process, 9)
    while any(is_alive(process) for process in (pid, *map(int, children))):
        pass


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def in_a_process_of_its_own(action: Callable[[], object], uid: int | None = None) -> str:
    """Do something in a copy of this process, as another user if given; return what came of it.

    That is the result as text, or the exit status and text of a CasebookError. What it writes to
    standard output is returned in front. A copy, because another user may have no access to the
    Python that runs this.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(writer, 1)
            if uid is not None:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            try:
                told = str(action())
            except CasebookError as error:
                told = f"{int(error.status)}: {error}"
            os.write(writer, told.encode())
        except BaseException as error:
            os.write(writer, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as output:
        told = output.read()
    os.waitpid(child, 0)
    return told
