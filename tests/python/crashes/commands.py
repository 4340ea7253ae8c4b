"""Commands of a tiny Casebook as processes of their own, and what has to hold whatever ends them.

A command is a copy of this process that becomes `casebook …`: it has the imports already, which
would take longer than most of what is killed here.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import servers
from tiny import Tiny

from orchestrate import cli, pipeline  # noqa: F401 - so that no copy has to import it
from orchestrate.console import Console
from orchestrate.database import open_databases
from orchestrate.driver import Connection
from orchestrate.publishing import published_versions
from orchestrate.publishing.publisher import lagging_scopes
from orchestrate.publishing.versions import read_pointer, read_readers, record
from orchestrate.repair import find_problems
from orchestrate.settings import Settings

PATIENCE_SECONDS = 120
_POLL_SECONDS = 0.02

_STUDIES = "residency.fct_studies"

# What tells of the generation in what each reader sees: every value of a tiny Casebook does.
_STUDY_MARKS = "min(split_part(study_id, '-', 1)), max(split_part(study_id, '-', 1))"
_PATIENTS = "min(patient_count), max(patient_count)"
_SEEN = {
    "program_director": {
        "residency.case_log_totals": "max(chest_xray)",
        _STUDIES: _STUDY_MARKS,
        "residency.case_log_group_progress": "max(completed)",
    },
    "resident_one": {"residency.case_log_totals": "max(chest_xray)", _STUDIES: _STUDY_MARKS},
    "open_reader": {"clients.procedure_summary": _PATIENTS},
    "hospice_reader": {"clients.procedure_summary": _PATIENTS},
    "other_reader": {"clients.procedure_summary": _PATIENTS},
}
# How many of a relation's rows each of them sees, beside what the studies have grown by.
_ROWS = {
    ("program_director", "residency.case_log_totals"): 2,
    ("program_director", _STUDIES): 20,
    ("program_director", "residency.case_log_group_progress"): 1,
    ("resident_one", "residency.case_log_totals"): 1,
    ("resident_one", _STUDIES): 10,
    ("open_reader", "clients.procedure_summary"): 1,
    ("hospice_reader", "clients.procedure_summary"): 2,
    ("other_reader", "clients.procedure_summary"): 1,
}
_RECORDED = {
    "residency.case_log_totals": 2,
    _STUDIES: 20,
    "residency.case_log_group_progress": 1,
    "clients.procedure_summary": 4,
}


@dataclass
class Command:
    """One command: its process, and the file that it writes to."""

    pid: int
    output: Path
    status: int | None = None

    @property
    def said(self) -> str:
        """What it has written up to now."""
        return self.output.read_text(encoding="utf-8")

    def has_ended(self) -> bool:
        """Tell whether it has ended; then its `status` is known, that of a signal negative."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def end(self) -> int:
        """Wait for its end and return its exit status."""
        wait_until(self.has_ended)
        assert self.status is not None
        return self.status

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal, unless it has ended."""
        if not self.has_ended():
            os.kill(self.pid, number)


@dataclass
class Commands:
    """A tiny Casebook, the commands started on it, and the generation that was decided last.

    Each generation has `growth` studies more than the one before. `shown`: per login the version
    and generation that it sees.
    """

    tiny: Tiny
    folder: Path
    growth: int = 0
    generation: int = 0
    version: int = 0
    shown: dict[str, tuple[int, int]] = field(default_factory=dict)
    started: list[Command] = field(default_factory=list)
    obstacles: list[Connection] = field(default_factory=list)

    def start(self, *arguments: str, prepare: Callable[[], object] = lambda: None) -> Command:
        """Start `casebook …` on the tiny Casebook's databases; `prepare` changes its process."""
        self.folder.mkdir(exist_ok=True)
        output = self.folder / f"{len(self.started)}.txt"
        environment = servers.variables(self.home)

        def become() -> None:
            prepare()
            _become(arguments, environment)

        process = as_process(become, output)
        self.started.append(Command(process, output))
        return self.started[-1]

    def build(self, generation: int) -> None:
        """Build what is published next."""
        self.tiny.manifest["metadata"]["invocation_id"] = f"g{generation}"
        self.tiny.build(generation)
        self.tiny.as_builder(
            f"insert into residency.fct_studies select 'g{generation}-more-' || number, 'One, Ann',"
            f" 1 from generate_series(1, {self.growth * generation}) as numbers (number)"
        )
        self.tiny.write_artifacts()

    def start_publishing(self, prepare: Callable[[], object] = lambda: None) -> Command:
        """Start to publish what was built."""
        target = str(self.tiny.target_dir)
        return self.start("publish", "--target-path", target, prepare=prepare)

    def publish(self, generation: int) -> float:
        """Publish a generation, whatever came before; return how many seconds it took."""
        self.build(generation)
        started = time.monotonic()
        command = self.start_publishing()
        assert command.end() == 0, command.said
        duration = time.monotonic() - started
        assert self.check_whole() == generation
        assert self.is_carried_out()
        return duration

    def is_carried_out(self) -> bool:
        """Tell whether what was decided last is noted as done."""
        with record(self.tiny.databases) as cursor:
            return read_pointer(cursor).is_carried_out

    def check_whole(self) -> int:
        """Check that each reader sees one whole version; return the generation that was decided.

        It is the one they saw before or a later one, and the latter with a higher number. Scopes
        that lag show the one before, status names exactly these, and no right is amiss.
        """
        tiny = self.tiny
        # Restarts the server where the crash took it along, as any command would.
        settings = Settings.from_environment(servers.variables(self.home))
        open_databases(settings, Console(error_stream=io.StringIO()))
        current = next(one for one in published_versions(tiny.databases) if one.is_current)
        seen: dict[tuple[str, str], tuple[Any, ...]] = {
            (login, relation): tiny.read(
                login, f"select count(*), min(version), max(version), {marks} from {relation}"
            )[0]
            for login, relations in _SEEN.items()
            for relation, marks in relations.items()
        }
        generation = int(current.invocation_id.removeprefix("g"))
        more = self.growth * generation
        assert dict(current.rows) == {**_RECORDED, _STUDIES: _RECORDED[_STUDIES] + more}
        assert generation >= self.generation
        assert current.version > self.version or generation == self.generation
        shown = {login: self._one_version(login, seen) for login in _SEEN}
        _, members = read_readers(tiny.databases)
        scopes = {member.login: member.scope.name for member in members}
        lagging = lagging_scopes(tiny.databases)
        for login, one in shown.items():
            lags = scopes[login] in lagging
            assert one == (self.shown[login] if lags else (current.version, generation)), login
        # The record of the version that is decided names who may read it, and nobody else may.
        assert find_problems(tiny.settings, tiny.databases) == sorted(
            f"{name} does not show the version that was decided" for name in lagging
        )
        self.generation, self.version, self.shown = generation, current.version, shown
        return generation

    def _one_version(
        self, login: str, seen: Mapping[tuple[str, str], tuple[Any, ...]]
    ) -> tuple[int, int]:
        """Return the version and generation of all that a login sees, which is whole."""
        rows = {relation: seen[login, relation] for relation in _SEEN[login]}
        ((version, mark),) = {
            (number, str(mark).removeprefix("g"))
            for row in rows.values()
            for number in row[1:3]
            for mark in row[3:]
        }
        more = self.growth * int(mark)
        assert {relation: row[0] for relation, row in rows.items()} == {
            relation: _ROWS[login, relation] + more * (relation == _STUDIES) for relation in rows
        }
        return int(version), int(mark)

    @property
    def home(self) -> Path:
        """The home that the server is in; the artifacts are in another one."""
        return self.tiny.databases.logins.path.parent.parent

    def sessions(self, like: str = "casebook %") -> list[int]:
        """Return the server's processes that work for commands, by the names of their sessions."""
        found = self.tiny.as_builder(
            f"select pid from pg_stat_activity where application_name like '{like}' order by pid"
        )
        return [pid for (pid,) in found]

    def is_publishing(self) -> bool:
        """Tell whether some command has begun to fill scopes' databases."""
        return self.tiny.as_builder(
            "select count(*) from pg_stat_activity where usename = 'casebook_publisher'"
        ) != [(0,)]

    def is_waiting(self) -> bool:
        """Tell whether some command waits for a lock in the warehouse."""
        return self.tiny.as_builder(
            "select count(*) from pg_locks where not granted and relation is not null"
        ) != [(0,)]

    def hold_up(self) -> None:
        """Keep every command away from a relation that it has to read, until `let_go`."""
        connection = self.tiny.databases.warehouse.connect(application_name="obstacle")
        self.obstacles.append(connection)
        with connection.cursor() as cursor:
            cursor.execute(f"lock table {_STUDIES} in access exclusive mode")

    def let_go(self) -> None:
        """Let commands read again."""
        while self.obstacles:
            self.obstacles.pop().close()

    def end_all(self) -> None:
        """Kill what a failed test has left running."""
        self.let_go()
        for command in self.started:
            command.kill()
            command.end()


def as_process(action: Callable[[], object], output: Path) -> int:
    """Do something in a copy of this process that writes to a file; return its number."""
    # Who is killed at once has written nothing, which can be read too.
    output.touch()
    child = os.fork()
    if child:
        return child
    status = 99
    try:
        os.setsid()
        with output.open("wb", buffering=0) as file:
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
        # SIM115: they stay open to the end of the copy, which closes nothing.
        sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
        sys.stderr = open(2, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
        action()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that is sure to come."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(_POLL_SECONDS)


def _become(arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("CASEBOOK_")]:
        del os.environ[name]
    os.environ.update(environment)
    # A shell that puts the tests into the background has them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["casebook", *arguments]
    cli.main()
