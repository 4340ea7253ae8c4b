"""Every mutant of access is noticed: by the gate of each publication, or by the tests here.

Each is applied in a transaction of the superuser's on a copy, looked at, and rolled back.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from orchestrate.access.policies import declared_access
from orchestrate.contracts import read_functions, read_marts
from tests.python.access.detectors import Detectors
from tests.python.access.mutants_declared import declared_mutants
from tests.python.access.mutants_surrounding import surrounding_mutants
from tests.python.access.subject import Subject
from tests.python.sampling import stratified

pytestmark = pytest.mark.slow

# Twenty more are of the rules: tests/python/disclosure/test_rule_mutants.py.
SAMPLED = 30


@pytest.fixture
def superuser(subject: Subject) -> Iterator[Any]:
    """Return a cursor of the superuser's in reporting, whose transaction is rolled back."""
    with closing(subject.administrator.connect()) as connection, connection.cursor() as cursor:
        # A mutant that waits for a lock of another session would tell nothing.
        cursor.execute("set lock_timeout = '5s'")
        yield cursor
        connection.rollback()


def test_every_mutant_of_access_is_noticed(
    subject: Subject,
    module_casebook: Any,
    superuser: Any,
    soak: bool,
    figure: Callable[[str], None],
) -> None:
    manifest = json.loads((module_casebook.settings.target_dir / "manifest.json").read_text())
    marts = read_marts(manifest)
    declared = declared_access(marts, read_functions(manifest, marts))
    detectors = Detectors.prepare(superuser, subject, declared)
    assert detectors.first_to_notice(superuser) is None
    mutants = [
        *declared_mutants(superuser, declared, subject.reporting),
        *surrounding_mutants(superuser, subject),
    ]
    assert len(mutants) >= 200
    noticed: Counter[str] = Counter()
    survivors = []
    tried = mutants if soak else stratified(mutants, SAMPLED)
    for mutant in tried:
        superuser.execute("savepoint sound")
        for statement in mutant.statements:
            superuser.execute(statement)
        by = detectors.first_to_notice(superuser)
        superuser.execute("rollback to savepoint sound")
        superuser.execute("release savepoint sound")
        if by is None:
            survivors.append(mutant)
        else:
            noticed[by] += 1
    kinds = len({mutant.kind for mutant in tried})
    figure(
        f"mutants of access: {len(tried)} of {len(mutants)} tried, of {kinds} kinds;"
        f" {noticed.total()} noticed, first by"
        f" {', '.join(f'{by}: {count}' for by, count in noticed.most_common())}"
    )
    assert survivors == []
