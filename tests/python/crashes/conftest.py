"""A tiny Casebook whose commands are run, killed, interrupted and starved of disk."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded import settings_of
from servers import skip_unless_embedded
from tiny import Tiny, make_tiny, tiny, tiny_server

from orchestrate.console import Console
from orchestrate.database import open_databases, remove_embedded
from tests.python.crashes.commands import Commands

__all__ = ["tiny", "tiny_server"]

# A new server, its write-ahead log and some publications take half of it.
_DISK = "320m"


@pytest.fixture
def commands(tiny: Tiny, tmp_path: Path) -> Iterator[Commands]:
    """Return commands on a tiny Casebook that has published its first generation."""
    made = Commands(tiny, tmp_path / "said")
    made.publish(1)
    yield made
    made.end_all()


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """Return a folder for homes that every account can enter, with nothing in it."""
    folder = Path(tempfile.mkdtemp(prefix="casebook-crashes-"))
    folder.chmod(0o755)
    yield folder
    for home in folder.iterdir():
        remove_embedded(settings_of(home))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Return a file system of its own that is soon full."""
    skip_unless_embedded()
    if os.geteuid() != 0:
        pytest.skip("Only root can mount the small disk that is filled here")
    folder = Path(tempfile.mkdtemp(prefix="casebook-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=755", "casebook", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"No small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture
def commands_on_small_disk(small_disk: Path, tmp_path: Path) -> Iterator[Commands]:
    """Return commands on a tiny Casebook whose whole home is on the small disk."""
    settings = settings_of(small_disk / "home")
    server = open_databases(settings, Console(error_stream=io.StringIO()))
    with make_tiny(server, tmp_path) as made:
        # Without growth a version fits into the space that a former one has left.
        commands = Commands(made, tmp_path / "said", growth=3000)
        commands.publish(1)
        yield commands
        commands.end_all()
    remove_embedded(settings)
