"""Every mutant of access is noticed: by the gate of each publication, or by the tests here.

Each is applied in a transaction of the superuser's on a copy, looked at, and rolled back; in a
database of each kind of scope.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.python.access.detectors import Detectors
from tests.python.access.mutants_declared import Mutant, declared_mutants
from tests.python.access.mutants_surrounding import surrounding_mutants
from tests.python.access.subject import Subject
from tests.python.sampling import stratified

pytestmark = pytest.mark.slow

# In each database. Twenty more are of the rules: tests/python/disclosure/test_rule_mutants.py.
SAMPLED = 8


@contextmanager
def superuser(subject: Subject, database: str) -> Iterator[Any]:
    """Return a cursor of the superuser's, whose transaction is rolled back."""
    with (
        closing(subject.administrator(database).connect()) as connection,
        connection.cursor() as cursor,
    ):
        # A mutant that waits for a lock of another session would tell nothing.
        cursor.execute("set lock_timeout = '5s'")
        yield cursor
        connection.rollback()


def test_every_mutant_of_access_is_noticed(
    subject: Subject, soak: bool, figure: Callable[[str], None]
) -> None:
    noticed: Counter[str] = Counter()
    survivors: list[Mutant] = []
    kinds: set[str] = set()
    tried, made = 0, 0
    databases = subject.a_database_of_each_kind
    for number, database in enumerate(databases):
        with superuser(subject, database) as cursor:
            detectors = Detectors.prepare(cursor, subject, database)
            assert detectors.first_to_notice(cursor) is None
            mutants = [
                *declared_mutants(cursor, subject.audiences[database]),
                *surrounding_mutants(cursor, subject, database),
            ]
            assert len(mutants) >= 200
            made += len(mutants)
            # Another part of the same order in each, so that they are of other kinds.
            part = stratified(mutants)[number * SAMPLED : (number + 1) * SAMPLED]
            for mutant in mutants if soak else part:
                by = noticing(cursor, mutant, detectors)
                tried, kinds = tried + 1, kinds | {mutant.kind}
                if by is None:
                    survivors.append(mutant)
                else:
                    noticed[by] += 1
    figure(
        f"mutants of access: {tried} of {made} tried, of {len(kinds)} kinds in {len(databases)}"
        f" kinds of databases; {noticed.total()} noticed, first by"
        f" {', '.join(f'{by}: {count}' for by, count in noticed.most_common())}"
    )
    assert survivors == []


def noticing(cursor: Any, mutant: Mutant, detectors: Detectors) -> str | None:
    """Say which detector notices a mutant first."""
    cursor.execute("savepoint sound")
    for statement in mutant.statements:
        cursor.execute(statement)
    by = detectors.first_to_notice(cursor)
    cursor.execute("rollback to savepoint sound")
    cursor.execute("release savepoint sound")
    return by
