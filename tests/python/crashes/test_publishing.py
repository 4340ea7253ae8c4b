"""Whatever ends a publication, and whenever: each reader has one whole version, the next one works.

Moments are drawn one from each of as many equal parts of the time that a publication takes, so that
early and late ones are among them however few there are.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pytest

from tests.python.crashes.commands import Commands, wait_until

pytestmark = pytest.mark.slow


def moments(count: int, duration: float) -> Iterator[float]:
    """Yield moments without end, every `count` of them spread over a duration, in no order."""
    chance = random.Random(7)  # noqa: S311 - moments to kill at, not secrets
    parts = list(range(count))
    while True:
        chance.shuffle(parts)
        yield from ((part + chance.random()) * duration / count for part in parts)


def kill_runner(commands: Commands) -> bool:
    """Kill the command itself; tell whether that ended it."""
    commands.started[-1].kill()
    return commands.started[-1].end() == -signal.SIGKILL


def terminate_backends(commands: Commands) -> bool:
    """End the command's sessions as an administrator would; tell whether there were any."""
    sessions = commands.sessions()
    for backend in sessions:
        with suppress(ProcessLookupError):
            os.kill(backend, signal.SIGTERM)
    return bool(sessions)


def kill_backend(commands: Commands) -> bool:
    """Kill a process of the server, which then restarts all of them; tell whether there was one."""
    for backend in commands.sessions():
        with suppress(ProcessLookupError):
            os.kill(backend, signal.SIGKILL)
            return True
    return False


@pytest.mark.parametrize(
    ("crash", "few", "many"),
    [(kill_runner, 6, 500), (terminate_backends, 2, 50), (kill_backend, 2, 50)],
    ids=["runner killed", "backend terminated", "backend killed"],
)
def test_a_publication_that_is_cut_off_shows_all_of_it_or_nothing(
    commands: Commands,
    soak: bool,
    figure: Callable[[str], None],
    crash: Callable[[Commands], bool],
    few: int,
    many: int,
) -> None:
    duration = commands.publish(2)
    count = many if soak else few
    hit = cut_off = 0
    for moment in islice(moments(count, duration), 2 * count):
        if hit == count:
            break
        attempted = commands.generation + 1
        commands.build(attempted)
        command = commands.start_publishing()
        if hit % 2:
            # To fill and to show is the smaller part of a command: half of them end in it.
            wait_until(lambda: commands.started[-1].has_ended() or commands.is_publishing())
            time.sleep(moment / 2)
        else:
            time.sleep(moment)
        has_struck = False
        while not (has_struck or command.has_ended()):
            has_struck = crash(commands)
        status = command.end()
        hit += has_struck
        generation = commands.check_whole()
        assert status != 0 or generation == attempted, command.said
        assert "Traceback" not in command.said
        cut_off += generation != attempted
        commands.publish(attempted)
    figure(f"publications: {crash.__name__} {hit} times, {cut_off} of them published nothing")
    # One that only lost a connection begins again by itself, and mostly gets through.
    assert hit == count
    assert cut_off or crash is not kill_runner


def test_a_full_disk_stops_a_publication_and_nothing_else(
    commands_on_small_disk: Commands, soak: bool, figure: Callable[[str], None]
) -> None:
    commands = commands_on_small_disk
    duration = commands.publish(2)
    refused = 0
    count = 8 if soak else 2
    for moment in [0.0, *islice(moments(count, duration), count)]:
        attempted = commands.generation + 1
        commands.build(attempted)
        command = commands.start_publishing()
        time.sleep(moment)
        filler = fill_disk(commands.home)
        status = command.end()
        filler.unlink()
        assert status in {0, 2, 3}, command.said
        assert "Traceback" not in command.said
        generation = commands.check_whole()
        assert status != 0 or generation == attempted
        refused += generation != attempted
        commands.publish(attempted)
    figure(f"publications on a disk that was filled: {count + 1}, of them refused: {refused}")
    assert refused


def fill_disk(folder: Path) -> Path:
    """Fill the file system of a folder to the last byte; return the file that fills it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
    return filler


@pytest.mark.parametrize(("losses", "status"), [(1, 0), (2, 3)])
def test_a_lost_lock_interrupts_at_once_and_the_command_begins_again_once(
    commands: Commands, losses: int, status: int
) -> None:
    commands.build(2)
    commands.hold_up()
    command = commands.start_publishing()
    holders: list[int] = []

    def has_begun() -> bool:
        holders.extend(set(commands.sessions("casebook run lock%")) - set(holders))
        return len(holders) > lost

    for lost in range(losses + 1 - (status != 0)):
        wait_until(has_begun)
        wait_until(commands.is_waiting)
        if lost < losses:
            commands.tiny.as_builder(f"select pg_terminate_backend({holders[lost]})")
    if status == 0:
        commands.let_go()
    assert command.end() == status, command.said
    assert command.said.count("Beginning again, this once.") == 1
    commands.let_go()
    assert commands.check_whole() == (2 if status == 0 else 1)
