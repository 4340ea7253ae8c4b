"""A publication into several databases that is cut off at each of its turns, and what comes next.

Whatever comes next completes what was decided, and withdraws what was not. The tiny Casebook has no
marts to render, so the commands here do all but build and draw.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import pytest

from orchestrate import pipeline
from orchestrate.publishing import publisher, scope_versions
from orchestrate.settings import Settings
from tests.python.crashes.commands import Command, Commands

pytestmark = pytest.mark.slow

# Where a publication is cut off: the step before which that happens, the how many-th time that it
# is taken, and how many scopes lag then (None: it was not decided yet).
POINTS: dict[str, tuple[Any, str, int, int | None]] = {
    "while databases are filled": (scope_versions, "copy_mart", 5, None),
    "before the decision": (publisher, "decide", 1, None),
    "before any scope follows": (publisher, "settle_logins", 1, 6),
    "before the first scope follows": (publisher, "show", 1, 6),
    "between scopes": (publisher, "show", 4, 3),
    "before it is noted": (publisher, "carried_out", 1, 0),
}
NEXT = ("publish", "rollback", "report", "load", "doctor --mend", "run")


def before(point: str, act: Callable[[], object]) -> Callable[[], None]:
    """Return what lets a command's process do something at a point, once."""
    module, name, count, _ = POINTS[point]

    def prepare() -> None:
        original = getattr(module, name)
        taken: list[None] = []

        def step(*arguments: Any, **options: Any) -> Any:
            taken.append(None)
            if len(taken) == count:
                act()
            return original(*arguments, **options)

        setattr(module, name, step)

    return prepare


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def go_on(commands: Commands, command: str) -> Command:
    """Start a command that does all but build and draw."""
    target = commands.tiny.target_dir

    def build(settings: Settings, *_: object) -> None:
        settings.target_dir.mkdir(parents=True, exist_ok=True)
        for artifact in target.glob("*.json"):
            shutil.copy(artifact, settings.target_dir)

    def prepare() -> None:
        for name, stand_in in (
            ("build_all", build),
            ("write_diagrams", lambda *_: None),
            ("render_reports", lambda *_, **__: []),
        ):
            setattr(pipeline, name, stand_in)

    arguments = {
        "publish": ("publish", "--target-path", str(target)),
        "load": ("load", "residency", "--sample"),
        "doctor --mend": ("doctor", "--mend"),
        "run": ("run", "--out", str(commands.folder / "output")),
        "report": ("report", "--out", str(commands.folder / "output")),
        "rollback": ("rollback", "--out", str(commands.folder / "output")),
    }
    return commands.start(*arguments[command], prepare=prepare)


def lagging(commands: Commands) -> list[str]:
    """Return the scopes of which `casebook status` says that they lag."""
    status = commands.start("status", "--json")
    assert status.end() == 0, status.said
    told: list[str] = json.loads(status.said)["lagging"]
    return told


def pairs(soak: bool) -> Iterator[tuple[str, str]]:
    """Yield points with what comes next: all, or each point and each command in some pair."""
    if soak:
        yield from product(POINTS, NEXT)
    else:
        yield from zip(islice(cycle(POINTS), len(NEXT)), NEXT, strict=True)
        yield "between scopes", "load"
        yield "between scopes", "publish"


def test_the_next_command_completes_or_withdraws_it(commands: Commands, soak: bool) -> None:
    commands.publish(2)
    # The generations of the versions that a rollback may come to, the one decided last at the end.
    generations = [1, 2]
    for point, command in pairs(soak):
        attempted = commands.generation + 1
        commands.build(attempted)
        killed = commands.start_publishing(before(point, die))
        assert killed.end() == -signal.SIGKILL, killed.said
        *_, lag = POINTS[point]
        if lag is not None:
            generations.append(attempted)
        assert commands.check_whole() == generations[-1], point
        assert len(lagging(commands)) == (lag or 0), point

        done = go_on(commands, command)
        assert done.end() in ({0, 2, 3} if command == "doctor --mend" else {0}), done.said
        if command in ("publish", "run"):
            generations.append(attempted)
        elif command == "rollback":
            # By one from what was decided, which nobody has to have seen.
            del generations[-1]
            commands.generation = commands.version = 0
        assert commands.check_whole() == generations[-1], (point, command)
        assert lagging(commands) == []
        assert commands.is_carried_out(), (point, command)
        commands.publish(attempted + 1)
        generations.append(attempted + 1)


def test_a_rollback_that_was_cut_off_between_scopes_is_completed(commands: Commands) -> None:
    commands.publish(2)
    killed = commands.start("rollback", prepare=before("between scopes", die))
    assert killed.end() == -signal.SIGKILL, killed.said
    commands.generation = commands.version = 0
    assert commands.check_whole() == 1
    assert len(lagging(commands)) == 3
    done = go_on(commands, "load")
    assert done.end() == 0, done.said
    assert commands.check_whole() == 1
    assert commands.is_carried_out()
    assert lagging(commands) == []


@pytest.mark.parametrize("point", POINTS)
def test_a_connection_that_is_lost_there_is_made_again_and_nothing_done_twice(
    commands: Commands, point: str
) -> None:
    commands.build(2)

    def lose(marker: Path = commands.folder / "lost") -> None:
        if not marker.exists():
            marker.touch()
            commands.tiny.as_builder(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                " where usename = session_user and pid <> pg_backend_pid()"
                " and application_name like 'casebook %'"
            )

    command = commands.start_publishing(before(point, lose))
    assert command.end() == 0, command.said
    assert command.said.count("Beginning again, this once.") == 1
    assert commands.check_whole() == 2
    assert commands.version == 2
    assert commands.is_carried_out(), command.said
