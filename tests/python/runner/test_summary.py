"""The commands that a run prints work in the shell that it was called from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrate.settings import PROJECT_DIR
from orchestrate.summary import own_command


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an environment of Python, in a folder with a blank in its name; return its bin."""
    programs = tmp_path / "a folder" / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "casebook").write_text("#!/bin/sh\necho found\n", encoding="utf-8")
    (programs / "casebook").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return programs


def test_a_command_that_is_not_on_the_path_is_called_by_its_place(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (environment.parent.parent, environment, environment.parent.parent.parent):
        monkeypatch.chdir(folder)
        # S602: people paste it into a shell.
        found = subprocess.run(own_command(), shell=True, capture_output=True, text=True)  # noqa: S602
        assert found.stdout == "found\n", folder
    monkeypatch.chdir(PROJECT_DIR)
    assert own_command() == f"'{environment / 'casebook'}'"
    monkeypatch.chdir(environment.parent.parent)
    assert own_command() == ".venv/bin/casebook"


def test_a_command_on_the_path_is_called_by_its_name(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{environment}:/usr/bin:/bin")
    assert own_command() == "casebook"
    # One of the same name that is another one does not count.
    other = environment.parent / "other"
    other.mkdir()
    (other / "casebook").touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{other}:{environment}:/usr/bin:/bin")
    assert own_command() == f"'{environment / 'casebook'}'"
