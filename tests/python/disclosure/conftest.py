"""One run on altered exports, which all tests of this folder share."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import servers
from tiny import tiny, tiny_server

from tests.python.conftest import SHARED, Casebook
from tests.python.disclosure.altered import Altered, alter

__all__ = ["tiny", "tiny_server"]


@dataclass(frozen=True)
class Challenged:
    """A Casebook after a run on altered exports, and all that its commands said meanwhile."""

    casebook: Casebook
    altered: Altered
    said: str


@pytest.fixture(scope="session")
def challenged(published: Casebook, tmp_path_factory: pytest.TempPathFactory) -> Challenged:
    """Load the altered exports into a copy of the sample's home and run; once for all workers."""
    altered = alter(tmp_path_factory.mktemp("exports"))
    folder = Path(os.environ[SHARED]) / "challenged"
    folder.mkdir(exist_ok=True)
    casebook = Casebook(folder / "home", folder / "output")
    said = folder / "said"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            servers.copy_home(published.home.parent / "resting" / "home", casebook.home)
            servers.start(casebook.home)
            for log in (casebook.home / "logs").iterdir():
                log.unlink()
            said.write_text("".join(run_on(casebook, altered)), encoding="utf-8")
    return Challenged(casebook, altered, said.read_text(encoding="utf-8"))


def run_on(casebook: Casebook, altered: Altered) -> Iterator[str]:
    """Load both exports and run; yields what the commands say."""
    for domain, folder in (("residency", altered.residency), ("advocacy", altered.advocacy)):
        done = casebook.command("load", domain, str(folder))
        yield done.stdout + done.stderr
    done = casebook.command("run", "--out", str(casebook.output_dir))
    yield done.stdout + done.stderr
