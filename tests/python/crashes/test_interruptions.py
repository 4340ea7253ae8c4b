"""Ctrl-C and its relatives end a command soon, with nothing half done and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres15 import HOST

from orchestrate import interruption
from orchestrate.settings import PROJECT_DIR
from tests.python.crashes.commands import Command, Commands, as_process, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def waiting(commands: Commands) -> Command:
    """Return a publication that waits in a query, and would do so for long."""
    commands.build(2)
    commands.hold_up()
    command = commands.start_publishing()
    wait_until(commands.is_waiting)
    return command


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Let commands hear of a terminal that hangs up, also where the tests were told not to."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_cancels_queries_and_gives_back_the_lock(
    commands: Commands, waiting: Command, number: signal.Signals
) -> None:
    waiting.kill(number)
    # timeout(1), for one, sends a second one at once.
    waiting.kill(number)
    assert waiting.end() == 130
    assert waiting.said.count("Interrupted.") == 1
    assert "Traceback" not in waiting.said
    # Told to end, the server's processes may take another moment.
    wait_until(lambda: not commands.sessions())
    assert commands.check_whole() == 1
    commands.let_go()
    commands.publish(3)


def test_a_second_request_does_not_wait_for_a_server_that_does_not_answer(
    commands: Commands, waiting: Command
) -> None:
    backends = commands.sessions("casebook publish%")
    for backend in backends:
        os.kill(backend, signal.SIGSTOP)
    try:
        waiting.kill(signal.SIGINT)
        time.sleep(3)
        assert not waiting.has_ended()
        waiting.kill(signal.SIGINT)
        assert waiting.end() == 130
    finally:
        for backend in backends:
            os.kill(backend, signal.SIGCONT)
    commands.let_go()
    wait_until(lambda: not commands.sessions())
    assert commands.check_whole() == 1
    commands.publish(3)


def test_a_command_that_was_to_ignore_a_hanging_up_terminal_does(commands: Commands) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        commands.build(2)
        commands.hold_up()
        command = commands.start_publishing()
        wait_until(commands.is_waiting)
        command.kill(signal.SIGHUP)
        commands.let_go()
        assert command.end() == 0, command.said
    finally:
        signal.signal(signal.SIGHUP, before)
    assert commands.check_whole() == 2


def test_a_command_that_finds_another_one_says_which(commands: Commands, waiting: Command) -> None:
    second = commands.start_publishing()
    assert second.end() == 4
    holder = rf"casebook publish, process {waiting.pid}( on {HOST})?, since 20"
    assert re.search(holder, second.said)


class _Unraising:
    """Something whose finalizer is busy when a request comes; nothing can be raised from there."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)


def _lose_in_finalizer() -> None:
    _Unraising()


def _lose_in_c_code() -> None:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
    except KeyboardInterrupt as error:
        # What PyErr_Print does, which psycopg2 calls where it cannot raise.
        sys.excepthook(type(error), error, error.__traceback__)


@pytest.mark.parametrize("lose", [_lose_in_finalizer, _lose_in_c_code])
@pytest.mark.parametrize("is_answered", [False, True])
def test_a_request_that_comes_where_nothing_can_be_raised_comes_again(
    lose: Callable[[], None], is_answered: bool, tmp_path: Path
) -> None:
    def work() -> None:
        interruption.listen(lambda: None)
        try:
            lose()
            if is_answered:
                interruption.go_on()
            time.sleep(0.5)
        except KeyboardInterrupt:
            sys.exit(5)

    said = tmp_path / "said.txt"
    _, status = os.waitpid(as_process(work, said), 0)
    assert os.waitstatus_to_exitcode(status) == (0 if is_answered else 5)
    assert said.read_text(encoding="utf-8") == ""


_GOES_ON = """
import sys, time
from orchestrate import interruption
from orchestrate.settings import PROJECT_DIR

cancelled = []
interruption.listen(lambda: cancelled.append(None))
time.sleep(0.2)
# The thread that attends to signals waits for its turn meanwhile, as on a busy machine.
sys.setswitchinterval(5)
try:
    interruption.interrupt_main_thread()
    while True:
        pass
except KeyboardInterrupt:
    interruption.go_on()
sys.setswitchinterval(0.005)
before = len(cancelled)
time.sleep(1)
print(len(cancelled) - before)
"""


def test_nothing_is_cancelled_for_a_request_that_was_answered() -> None:
    """A run that begins again would else have its own queries cancelled, again and again."""
    done = subprocess.run(
        [sys.executable, "-c", _GOES_ON],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT_DIR,
    )
    assert done.stdout == "0\n"
