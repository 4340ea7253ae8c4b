"""Thousands of publications under readers: no statement fails, is empty or mixes two versions.

Most flips are the publisher's last statements alone, on rows copied within each scope's database;
every so often a whole `publish` comes in between. The long variant does 10,000.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from statistics import quantiles
from typing import Any

import pytest
from tiny import Tiny

from orchestrate.access.roles import CONNECTION_LIMIT
from orchestrate.driver import Connection
from orchestrate.publishing.scope_versions import move_pointer
from orchestrate.publishing.versions import Pointer, catch_up, read_pointer, record

STUDIES = (
    "select min(version), max(version), min(split_part(study_id, '-', 1)),"
    " max(split_part(study_id, '-', 1)), count(*) from residency.fct_studies"
)
TOTALS = (
    "select min(version), max(version), 'g' || max(chest_xray), 'g' || max(chest_xray), count(*)"
    " from residency.case_log_totals"
)
PROGRESS = (
    "select min(version), max(version), 'g' || min(completed), 'g' || max(completed), count(*)"
    " from residency.case_log_group_progress"
)
SUMMARY = (
    "select min(version), max(version), 'g' || min(patient_count), 'g' || max(patient_count),"
    " count(*) from clients.procedure_summary"
)
JOINED = (
    "select least(min(studies.version), min(totals.version), min(progress.version)),"
    " greatest(max(studies.version), max(totals.version), max(progress.version)),"
    " min(split_part(study_id, '-', 1)), 'g' || max(chest_xray), count(*)"
    " from residency.fct_studies as studies"
    " cross join residency.case_log_totals as totals"
    " cross join residency.case_log_group_progress as progress"
    " where totals.resident_name = 'One, Ann'"
)
# Columns by relation, parents first, in the databases of the logins that read there.
RESIDENCY = {
    "residency.case_log_totals": ["resident_name", "chest_xray"],
    "residency.fct_studies": ["study_id", "resident_name", "rvu"],
    "residency.case_log_group_progress": ["category_id", "completed"],
}
CLIENTS = {
    "clients.procedure_summary": [
        "client_id", "procedure_code", "specialty_id", "patient_count",
    ],
}  # fmt: skip
DATABASES = {
    "program_director": RESIDENCY,
    "resident_one": RESIDENCY,
    "open_reader": CLIENTS,
    "hospice_reader": CLIENTS,
    "other_reader": CLIENTS,
}
# The first readings of a session make its plans.
COLD = 3
# What each statement counts, per login.
EXPECTED = {
    ("program_director", STUDIES): 20,
    ("program_director", TOTALS): 2,
    ("program_director", PROGRESS): 1,
    ("program_director", JOINED): 20,
    ("resident_one", STUDIES): 10,
    ("resident_one", TOTALS): 1,
    ("open_reader", SUMMARY): 1,
    ("hospice_reader", SUMMARY): 2,
    ("other_reader", SUMMARY): 1,
}
Row = tuple[int, int, str, str, int]
Reading = Callable[[Connection], Iterator[list[Row]]]


def plain(*statements: str) -> Reading:
    """Read statement by statement; each may see another version."""

    def read(connection: Connection) -> Iterator[list[Row]]:
        connection.autocommit = True
        cursor = connection.cursor()
        while True:
            for statement in statements:
                cursor.execute(statement)
                yield [cursor.fetchone()]  # type: ignore[list-item]  # a row of Row's form

    return read


def prepared(statement: str, transaction: str = "") -> Reading:
    """Read by a prepared statement, whose plan is kept; alone or twice in a transaction."""

    def read(connection: Connection) -> Iterator[list[Row]]:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"prepare kept as {statement}")
        while True:
            rows = []
            if transaction:
                cursor.execute(f"begin {transaction}")
            for _ in range(2 if transaction else 1):
                cursor.execute("execute kept")
                rows.append(cursor.fetchone())
            if transaction:
                cursor.execute("commit")
            yield rows  # type: ignore[misc]  # rows of Row's form

    return read


def repeatable(*statements: str) -> Reading:
    """Read in a repeatable-read transaction: all of it sees one version."""

    def read(connection: Connection) -> Iterator[list[Row]]:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        while True:
            rows = []
            with connection, connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                    rows.append(cursor.fetchone())
            yield rows  # type: ignore[misc]  # rows of Row's form

    return read


def by_cursor(connection: Connection) -> Iterator[list[Row]]:
    """Read row by row from a cursor that stays open over a flip."""
    while True:
        with connection, connection.cursor(name="slow") as cursor:
            cursor.itersize = 1
            cursor.execute(
                "select version, split_part(study_id, '-', 1) from residency.fct_studies"
            )
            found = list(cursor)
        versions, marks = zip(*found, strict=True) if found else ((0,), ("",))
        yield [(min(versions), max(versions), min(marks), max(marks), len(found))]


READERS: list[tuple[str, Reading, tuple[str, ...]]] = [
    ("program_director", plain(JOINED), (JOINED,)),
    ("program_director", prepared(JOINED), (JOINED,)),
    ("program_director", repeatable(STUDIES, TOTALS, PROGRESS), (STUDIES, TOTALS, PROGRESS)),
    ("program_director", by_cursor, (STUDIES,)),
    ("resident_one", prepared(STUDIES, "isolation level repeatable read"), (STUDIES, STUDIES)),
    ("resident_one", repeatable(STUDIES, TOTALS), (STUDIES, TOTALS)),
    ("open_reader", prepared(SUMMARY), (SUMMARY,)),
    ("hospice_reader", plain(SUMMARY), (SUMMARY,)),
]


@dataclass
class Watch:
    """Readers at work in threads, what was wrong with what they saw, and how long it took them."""

    start: threading.Barrier
    stop: threading.Event = field(default_factory=threading.Event)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    versions: list[set[int]] = field(default_factory=list)

    def read(
        self,
        tiny: Tiny,
        login: str,
        reading: Reading,
        statements: tuple[str, ...],
        most: int | None,
    ) -> None:
        """Read until told to stop, or `most` times."""
        versions: set[int] = set()
        self.versions.append(versions)
        try:
            with closing(tiny.reader(login).connect()) as connection:
                readings = reading(connection)
                self.start.wait()
                for number in islice(count(), most):
                    started = time.perf_counter()
                    rows = next(readings)
                    if number >= COLD:
                        self.seconds.append((time.perf_counter() - started) / len(statements))
                    seen = {one for low, high, *_ in rows for one in (low, high)}
                    marks = {one for _, _, low, high, _ in rows for one in (low, high)}
                    counts = [row[-1] for row in rows]
                    expected = [EXPECTED[login, one] for one in statements][: len(rows)]
                    is_older = versions and min(seen) < max(versions)
                    if len(seen) != 1 or len(marks) != 1 or counts != expected or is_older:
                        self.wrong.append(f"{login}: {rows} after {max(versions, default=0)}")
                    versions |= seen
                    if self.stop.is_set():
                        return
        except Exception as error:
            self.start.abort()
            self.wrong.append(f"{login}: {type(error).__name__}: {error}")


@contextmanager
def watching(tiny: Tiny, readers: list[Any], most: int | None = None) -> Iterator[Watch]:
    """Let readers read during the block, and to the end of what they do."""
    watch = Watch(threading.Barrier(len(readers)))
    threads = [threading.Thread(target=watch.read, args=(tiny, *one, most)) for one in readers]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        if most is None:
            watch.stop.set()
        for thread in threads:
            thread.join()


@dataclass
class Flips:
    """Publications of what readers see once more, each under the next version and its own mark."""

    tiny: Tiny
    connections: dict[str, Connection]
    seen: Pointer

    def flip(self) -> None:
        """Fill every database, then show the version in each, then delete what is too old."""
        seen, version = self.seen.current, self.seen.highest + 1
        self.seen = Pointer(version, version, self.seen.turn + 1, is_carried_out=True)
        changed = {
            "study_id": f"'g{version}-' || split_part(study_id, '-', 2)",
            "chest_xray": f"case when chest_xray > 0 then {version} else 0 end",
            "completed": str(version),
            "patient_count": str(version),
        }
        for login, connection in self.connections.items():
            with connection, connection.cursor() as cursor:
                cursor.execute("set local role casebook_owner")
                cursor.execute(
                    f"insert into private.versions select {version}, given from private.versions"
                    f" where version = {seen}"
                )
                for relation, names in DATABASES[login].items():
                    values = ", ".join(changed.get(name, name) for name in names)
                    cursor.execute(
                        f"insert into {relation} (version, {', '.join(names)})"
                        f" select {version}, {values} from {relation} where version = {seen}"
                    )
        for connection in self.connections.values():
            with connection, connection.cursor() as cursor:
                cursor.execute("set local role casebook_owner")
                move_pointer(cursor, self.seen)
        for login, connection in self.connections.items():
            with connection, connection.cursor() as cursor:
                cursor.execute("set local role casebook_owner")
                for relation in ("private.versions", *reversed(DATABASES[login])):
                    cursor.execute(f"delete from {relation} where version < {version - 2}")

    def publish(self, generation: int) -> None:
        """Publish a build as a run does, after what was shown until now."""
        with record(self.tiny.databases) as cursor:
            catch_up(cursor, self.seen.highest, self.seen.turn)
        self.tiny.build(generation)
        self.tiny.publish()
        with record(self.tiny.databases) as cursor:
            self.seen = read_pointer(cursor)
        for login, relations in DATABASES.items():
            for relation in relations:
                self.tiny.as_owner(f"vacuum {relation}", login)


@contextmanager
def flips(tiny: Tiny) -> Iterator[Flips]:
    """Publish the first version, and hold the publisher's connections to every database."""
    tiny.publish()
    with record(tiny.databases) as cursor:
        seen = read_pointer(cursor)
    with ExitStack() as stack:
        yield Flips(
            tiny,
            {
                login: stack.enter_context(closing(tiny.place(login).as_publisher().connect()))
                for login in DATABASES
            },
            seen,
        )


def percentile(seconds: list[float], percent: int) -> str:
    return f"{1000 * quantiles(seconds, n=100)[percent - 1]:.1f} ms"


@pytest.mark.slow
def test_no_reader_sees_half_of_a_flip(
    tiny: Tiny, soak: bool, figure: Callable[[str], None]
) -> None:
    count, whole = (10_000, 100) if soak else (200, 2)
    with flips(tiny) as flipping:
        with watching(tiny, READERS, most=400) as at_rest:
            pass
        with watching(tiny, READERS) as busy:
            for number in range(1, count - whole + 1):
                flipping.flip()
                if number % ((count - whole) // whole) == 0:
                    flipping.publish(10_000_000 + number)
        # As on a server that keeps connections for Casebook's own logins.
        for login in DATABASES:
            tiny.as_builder(f"alter role {login} connection limit {CONNECTION_LIMIT}")
        crowd = [
            (login, plain(statement), (statement,))
            for (login, statement), readers in zip(
                EXPECTED, (5, 5, 5, 5, 9, 9, 4, 4, 4), strict=True
            )
            for _ in range(readers)
        ]
        assert len(crowd) == 50
        with watching(tiny, crowd, most=10) as crowded:
            for _ in range(20):
                flipping.flip()

    assert at_rest.wrong == busy.wrong == crowded.wrong == []
    for login in DATABASES:
        (last,) = tiny.as_owner("select current_version from private.pointer", login)
        assert last == (1 + count + 20,)
    # Each of them saw publications pass by, else the test has shown nothing.
    assert min(map(len, busy.versions)) > 2
    figure(
        f"{count} flips, {whole} of them whole publications, under {len(READERS)} readers with"
        f" {len(busy.seconds)} readings: p99 {percentile(busy.seconds, 99)} a statement,"
        f" {percentile(at_rest.seconds, 99)} without publishing"
    )
    figure(f"50 readers at once, while versions flip: p95 {percentile(crowded.seconds, 95)}")
