"""Many starts at once, and starts that are killed: one runs, and the next one gets through."""

from __future__ import annotations

import io
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from embedded import settings_of

from orchestrate.console import Console
from orchestrate.database import open_databases, remove_embedded
from orchestrate.errors import BusyError
from orchestrate.run_lock import run_lock
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook
from tests.python.crashes.commands import PATIENCE_SECONDS, Commands, as_process, wait_until

pytestmark = pytest.mark.slow

STARTS = 20


def test_of_many_publications_started_at_once_one_runs(
    commands: Commands, figure: Callable[[str], None]
) -> None:
    commands.build(2)
    # Whoever comes first cannot be done before the last one has come.
    commands.hold_up()
    started = time.monotonic()
    starts = [commands.start_publishing() for _ in range(STARTS)]
    wait_until(lambda: sum(start.has_ended() for start in starts) == STARTS - 1)
    waited = time.monotonic() - started
    (winner,) = (start for start in starts if not start.has_ended())
    assert {start.status for start in starts if start is not winner} == {4}
    assert commands.check_whole() == 1
    commands.let_go()
    assert winner.end() == 0, winner.said
    assert commands.check_whole() == 2
    figure(f"{STARTS} publications at once: the last of the others gave up after {waited:.1f} s")


def test_of_many_starts_in_an_empty_home_one_runs(
    empty_home: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    settings = settings_of(empty_home / "home")
    outcomes, tell = os.pipe()
    released, release = os.pipe()

    def compete() -> None:
        os.close(release)
        databases = open_databases(settings, Console(error_stream=io.StringIO()))
        try:
            with run_lock(databases):
                os.write(tell, b"r")
                # Until every other one has been turned away: then nobody holds the other end.
                os.read(released, 1)
        except BusyError:
            os.write(tell, b"b")

    started = time.monotonic()
    children = [as_process(compete, tmp_path / f"{number}.txt") for number in range(STARTS)]
    told = b""
    while len(told) < STARTS and select.select([outcomes], [], [], PATIENCE_SECONDS)[0]:
        told += os.read(outcomes, STARTS)
    waited = time.monotonic() - started
    os.close(release)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    said = "".join((tmp_path / f"{number}.txt").read_text() for number in range(STARTS))
    assert sorted(told) == sorted(b"b" * (STARTS - 1) + b"r"), said
    assert statuses == [0] * STARTS
    for end in (outcomes, tell, released):
        os.close(end)
    figure(
        f"{STARTS} starts at once in an empty home: all others had given up after {waited:.1f} s"
    )


def test_of_many_runs_started_at_once_in_an_empty_home_one_publishes(
    empty_home: Path, soak: bool, figure: Callable[[str], None]
) -> None:
    if not soak:
        pytest.skip("Twenty whole processes take minutes: make soak")
    casebook = Casebook(empty_home / "home", empty_home / "output")
    started = time.monotonic()
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "orchestrate", "run", "--out", str(casebook.output_dir)],
            cwd=PROJECT_DIR,
            env=casebook.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(STARTS)
    ]
    wait_until(lambda: sum(run.poll() is not None for run in runs) == STARTS - 1)
    waited = time.monotonic() - started
    assert sorted(run.wait() for run in runs) == [0, *[4] * (STARTS - 1)]
    figure(f"{STARTS} runs at once: all others had given up after {waited:.1f} s")


def start(home: Path, output: Path) -> int:
    """Start a process that makes the databases of a home ready; return its number."""
    return as_process(
        lambda: open_databases(settings_of(home), Console(error_stream=io.StringIO())), output
    )


def test_a_new_servers_data_are_not_made_on_when_who_wanted_them_is_killed(
    empty_home: Path, tmp_path: Path
) -> None:
    home, said = empty_home / "home", tmp_path / "said.txt"
    child = start(home, said)
    wait_until(lambda: bool(list(home.glob("server/unfinished-*/data/PG_VERSION"))))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if sys.platform == "linux":
        wait_until(lambda: not working_for(home))
        # The database that initdb makes last.
        assert list(home.glob("server/unfinished-*/data/base/5")) == []
    _, status = os.waitpid(start(home, said), 0)
    assert status == 0, said.read_text()
    assert leftovers(home) == []


def working_for(home: Path) -> list[str]:
    """Return the command lines of processes that name a home."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if str(home) in line]


def test_a_first_start_that_is_killed_again_and_again_is_gone_through_with(
    empty_home: Path, tmp_path: Path, soak: bool, figure: Callable[[str], None]
) -> None:
    said = tmp_path / "said.txt"
    began = time.monotonic()
    os.waitpid(start(empty_home / "measured", said), 0)
    duration = time.monotonic() - began
    chance = random.Random(11)  # noqa: S311 - moments to kill at, not secrets
    homes, kills = (20, 8) if soak else (1, 3)
    for number in range(homes):
        home = empty_home / f"home {number}"
        # Each gets a little further, and each has to get along with what the one before left.
        for moment in sorted(chance.uniform(0, duration) for _ in range(kills)):
            child = start(home, said)
            time.sleep(moment)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        _, status = os.waitpid(start(home, said), 0)
        assert status == 0, said.read_text()
        assert leftovers(home) == []
        remove_embedded(settings_of(home))
    figure(f"first starts: {homes} gone through with after {kills} kills each")


def leftovers(home: Path) -> list[str]:
    """Return what a killed start has left in the home and among the databases."""
    databases = open_databases(settings_of(home), Console(error_stream=io.StringIO()))
    with databases.warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute("select datname from pg_database where datname like '%unfinished%'")
        found = [name for (name,) in cursor.fetchall()]
    return found + [
        path.name
        for path in home.rglob("*")
        if path.name.endswith(".new") or path.name.startswith("unfinished-")
    ]
