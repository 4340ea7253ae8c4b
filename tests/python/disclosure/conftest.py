"""One run on altered exports, which all tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import servers
from tiny import tiny, tiny_server

from tests.python.conftest import Casebook, copy_at_rest, made_once
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

    def make(casebook: Casebook) -> None:
        copy_at_rest(published.home.parent / "kept", casebook.home.parent)
        servers.start(casebook.home)
        for log in (casebook.home / "logs").iterdir():
            log.unlink()
        said = "".join(run_on(casebook, altered))
        (casebook.home.parent / "said").write_text(said, encoding="utf-8")

    casebook = made_once("challenged", make, Path(__file__), Path(__file__).with_name("altered.py"))
    said = (casebook.home.parent / "said").read_text(encoding="utf-8")
    return Challenged(casebook, altered, said)


def run_on(casebook: Casebook, altered: Altered) -> Iterator[str]:
    """Load both exports and run; yields what the commands say."""
    for domain, folder in (("residency", altered.residency), ("advocacy", altered.advocacy)):
        done = casebook.command("load", domain, str(folder))
        yield done.stdout + done.stderr
    done = casebook.command("run", "--out", str(casebook.output_dir))
    yield done.stdout + done.stderr
